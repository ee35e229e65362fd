"""What stands between the operator and the server: away, no token, refused; hidden otherwise."""

from textual.content import Content
from textual.widgets import Static

from tui import palette
from tui.format import clock
from tui.messages import Objection, ServerWentAway


class Banner(Static):
    """A few lines under the masthead, shown only while there is something to say."""

    DEFAULT_CSS = """
    Banner {
        height: auto;
        padding: 0 1;
        background: #3a2227;
        display: none;
        &.-shown { display: block; }
    }
    """

    def clear(self) -> None:
        """Say nothing."""
        self.remove_class("-shown")

    def tell_away(self, event: ServerWentAway, as_of: str | None) -> None:
        """Nobody answers: which address, since when, what to do, how old what is shown is."""
        old = "nothing is known yet" if as_of is None else f"what is shown is from {as_of}"
        self._say(
            f"▲ No answer from {event.server} since {clock(event.since)}",
            f"{event.why}. Start it with `leeboard serve`, or name another with `--server`; "
            f"asking again every {event.again_in:.0f} s; {old}.",
        )

    def tell_refused(self, objection: Objection, server: str) -> None:
        """The server does not say what was asked; what it says instead, and what to do."""
        match objection.status:
            case 401:
                head = f"■ {server} does not know this token"
                what = "Give one with `leeboard tui --token …` or LEEBOARD_TOKEN."
            case 403:
                head = f"■ This token may not see this on {server}"
                what = "Use a token with that scope: `leeboard tui --token …`."
            case _:
                head, what = "■ The server says", ""
        self._say(head, " ".join(part for part in (f"{objection.says}.", what) if part))

    def _say(self, head: str, rest: str) -> None:
        self.update(Content.assemble((head, palette.BAD_TEXT), "\n", (rest, palette.TEXT)))
        self.add_class("-shown")

"""How the report words what the server recorded: days or rows, in lines that fit a screen."""

import re
import textwrap
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from controlplane.cli.replay.history import History

WIDTH: Final = 80
_MOMENT: Final = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}:\d{2})(?::\d{2})?(?: UTC)?)?")
_DAYS: Final = re.compile(r"(\d+) days\b")
_ALLOWED: Final = re.compile(
    r"(?P<now>\S+ \S+ \[.*?\] on [^;]+); (?P<version>v\d+)'s reference loss (?P<own>\S+), "
    r"allowed (?P<allowed>\S+)"
)
_IN_A_ROW: Final = re.compile(r"; (\d+) of \d+ windows in a row with a share of \S+ or more")
ROWS_A_DAY: Final = 24
"""Of a file without times."""


class Phrases:
    """The words of one history: of a file with times days, of another one rows."""

    def __init__(self, history: History) -> None:
        self._history = history

    def when(self, moment: datetime) -> str:
        """A day, or the number of a row."""
        return self._history.told(moment)

    def row(self, moment: datetime) -> str:
        """The same within a sentence."""
        return " ".join(self.when(moment).split())

    def span(self, days: float) -> str:
        """How long something took."""
        if not self._history.timed:
            return f"{days * ROWS_A_DAY:.0f} rows"
        if days < 1:
            return f"{days * 24:.3g} hours"
        return "a day" if days == 1 else f"{days:.4g} days"

    def plainly(self, says: str) -> str:
        """What a record says of itself, in fewer words, with this history's times."""
        says = _ALLOWED.sub(
            r"\g<now>, where \g<version> is allowed \g<allowed> (\g<own> when new)", says
        )
        says = _IN_A_ROW.sub(r", \1 such windows in a row", says)
        if not self._history.timed:
            says = _DAYS.sub(lambda found: self.span(int(found[1])), says)
        return _MOMENT.sub(self._moment, says)

    def _moment(self, found: re.Match[str]) -> str:
        day, clock = found[1], found[2] or "00:00"
        if self._history.timed:
            return day if clock == "00:00" else f"{day} {clock}"
        try:
            return self.row(datetime.fromisoformat(f"{day} {clock}").replace(tzinfo=UTC))
        except ValueError:
            return found[0]


def wrapped(head: str, text: str) -> Iterator[str]:
    """A line with a heading, and as many below it as the text needs."""
    yield from textwrap.wrap(
        text, WIDTH, initial_indent=head, subsequent_indent=" " * len(head), break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip


def figure(value: float | None) -> str:
    """A figure of four digits, or that it is not known."""
    return "unknown" if value is None else f"{value:.4g}"


def times(count: int) -> str:
    """How often.

    >>> times(1), times(2), times(7)
    ('once', 'twice', '7 times')
    """
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def some(count: int, noun: str) -> str:
    """A count of something.

    >>> some(1, "row"), some(1200, "row"), some(0, "row")
    ('1 row', '1,200 rows', 'no rows')
    """
    return f"{f'{count:,}' if count else 'no'} {noun}{'' if count == 1 else 's'}"


def days_of(span: timedelta) -> float:
    """A span in days."""
    return span / timedelta(days=1)

"""The keys that work now, on the last line; where there is no room for all, `?` has the rest."""

from collections.abc import Iterator

from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget
from typing_extensions import override

from tui import palette

ALWAYS = "help"
"""The action that is always shown, at the right."""
COMMON = ("app.help", "help", "quit", "command_palette", "back")
"""Actions that every screen has; they come last, in the reverse of this order."""


class Keys(Widget):
    """Whole keys only: one that does not fit is left out, never cut."""

    DEFAULT_CSS = "Keys { dock: bottom; height: 1; background: $surface; }"

    def on_mount(self) -> None:
        """Draw again when another part comes into focus."""
        self.screen.bindings_updated_signal.subscribe(self, self._updated)

    def _updated(self, _: Screen[object]) -> None:
        self.refresh()

    @override
    def render(self) -> Content:
        keys = dict(self._keys())
        right = keys.pop(ALWAYS, Content(""))
        own = [one for action, one in keys.items() if action not in COMMON]
        common = [keys[action] for action in reversed(COMMON) if action in keys]
        room = self.size.width - right.cell_length - 3
        left = _joined([*own, *common], "  ", room)
        if len(own) > 1 and own[-1].plain not in left.plain:
            left = _joined([*own, *common], " ", room)
        gap = " " * max(self.size.width - left.cell_length - right.cell_length - 2, 1)
        return Content.assemble(" ", left, gap, right, " ")

    def _keys(self) -> Iterator[tuple[str, Content]]:
        seen: set[str] = set()
        for _, binding, is_enabled, _ in self.screen.active_bindings.values():
            if binding.show and is_enabled and binding.action not in seen:
                seen.add(binding.action)
                key = binding.key_display or self.app.get_key_display(binding)
                yield (
                    binding.action,
                    Content.assemble(
                        (key, palette.ink(palette.ACCENT, bold=True)),
                        (f" {binding.description}", palette.MUTED_TEXT),
                    ),
                )


def _joined(keys: list[Content], gap: str, room: int) -> Content:
    """As many keys as there is room for, from the first on."""
    line = Content("")
    for key in keys:
        longer = key if not line.plain else Content.assemble(line, gap, key)
        if longer.cell_length > room:
            break
        line = longer
    return line

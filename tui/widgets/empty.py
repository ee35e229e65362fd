"""What an empty screen says: that there is nothing, and what to do next."""

import re
from typing import Final

from textual.content import Content

from tui import palette

_COMMAND: Final = re.compile(r"(`[^`]+`)")


def empty(head: str, *rest: str) -> Content:
    """A heading and lines below it; what stands in backquotes is a command."""
    lines = [Content.styled(head, palette.STRONG)]
    lines += [_with_commands(line) for line in rest]
    return Content("\n").join(lines)


def _with_commands(line: str) -> Content:
    parts = [
        (part.strip("`"), palette.ACCENT_TEXT)
        if part.startswith("`")
        else (part, palette.MUTED_TEXT)
        for part in _COMMAND.split(line)
        if part
    ]
    return Content.assemble(*parts)

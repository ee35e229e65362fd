"""Verdicts, states and severities as a sign and a word, in a colour that only repeats them."""

from typing import Final

from textual.content import Content

from tui import palette
from tui.format import SEVERITIES, glyph, words

_STYLES: Final = {
    "●": palette.GOOD_TEXT,
    "■": palette.BAD_TEXT,
    "◆": palette.WARM_TEXT,
    "◇": palette.WARM_TEXT,
    "▲": palette.ODD_TEXT,
    "▸": palette.ACCENT_TEXT,
    "▹": palette.BLUE_TEXT,
    "○": palette.MUTED_TEXT,
}
_SEVERITIES: Final = {
    "critical": palette.BAD_TEXT, "warning": palette.WARM_TEXT, "info": palette.BLUE_TEXT
}  # fmt: skip


def badge(state: str | None, unknown: str = "not yet") -> Content:
    """A verdict or state: its sign and its word."""
    if state is None and not unknown:
        return Content("")
    sign = glyph(state)
    text = unknown if state is None else words(state)
    return Content.assemble((f"{sign} ", _STYLES[sign]), (text, _STYLES[sign]))


def severity(name: str | None, text: str | None = None) -> Content:
    """A severity: its sign and its word, or another text in its place."""
    style = _SEVERITIES.get(name or "", palette.MUTED_TEXT)
    sign = SEVERITIES.get(name or "", "○")
    return Content.assemble((f"{sign} {text if text is not None else words(name)}", style))

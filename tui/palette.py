"""The colours: one place, so that the theme, the charts and the words agree."""

from typing import Final

from textual.color import Color
from textual.style import Style
from textual.theme import Theme

BACKGROUND: Final = "#0f151c"
SURFACE: Final = "#161e27"
PANEL: Final = "#1e2833"
RAISED: Final = "#2b3a49"
FOREGROUND: Final = "#c9d3dd"
MUTED: Final = "#8495a6"
FAINT: Final = "#4b5a69"
ACCENT: Final = "#5fb8b2"
BLUE: Final = "#6ea3d8"
BAND: Final = "#24405a"
HAZE: Final = "#40351f"
GOOD: Final = "#86b87a"
WARM: Final = "#dda85c"
BAD: Final = "#e0656c"
ODD: Final = "#c08ad0"


def ink(foreground: str, background: str | None = None, *, bold: bool | None = None) -> Style:
    """A style from names of colours."""
    paper = None if background is None else Color.parse(background)
    return Style(foreground=Color.parse(foreground), background=paper, bold=bold)


TEXT: Final = ink(FOREGROUND)
MUTED_TEXT: Final = ink(MUTED)
FAINT_TEXT: Final = ink(FAINT)
STRONG: Final = ink("#eef3f7", bold=True)
ACCENT_TEXT: Final = ink(ACCENT)
GOOD_TEXT: Final = ink(GOOD)
WARM_TEXT: Final = ink(WARM)
BAD_TEXT: Final = ink(BAD, bold=True)
ODD_TEXT: Final = ink(ODD)
BLUE_TEXT: Final = ink(BLUE)

THEME: Final = Theme(
    name="leeboard",
    primary=ACCENT,
    secondary=BLUE,
    accent=ACCENT,
    warning=WARM,
    error=BAD,
    success=GOOD,
    foreground=FOREGROUND,
    background=BACKGROUND,
    surface=SURFACE,
    panel=PANEL,
    boost=RAISED,
    dark=True,
    variables={
        "muted": MUTED,
        "faint": FAINT,
        "raised": RAISED,
        "footer-key-foreground": ACCENT,
        "footer-background": SURFACE,
        "footer-description-foreground": MUTED,
        "border": FAINT,
        "border-blurred": PANEL,
        "input-cursor-background": FOREGROUND,
        "scrollbar": PANEL,
        "scrollbar-hover": RAISED,
        "scrollbar-active": ACCENT,
        "scrollbar-background": BACKGROUND,
        "scrollbar-background-hover": BACKGROUND,
        "scrollbar-background-active": BACKGROUND,
        "scrollbar-corner-color": BACKGROUND,
    },
)

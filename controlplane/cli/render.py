"""How answers look in a terminal: tables that fit, badges in colour, figures, times in UTC.

Everything here is text to text. Colour is written always; `click.echo` takes it out where
nobody would see it.
"""

import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import click
import msgspec

HUES: Final = {
    "passed": "green", "better": "green", "champion": "green", "delivered": "green",
    "succeeded": "green", "performed": None, "holds": "green", "resolved": "green",
    "failed": "red", "error": "red", "worse": "red", "breached": "red", "rolled_back": "red",
    "critical": "red", "dead": "red", "timed_out": "red", "vanished": "red",
    "inconclusive": "yellow", "warning": "yellow", "not_better": "yellow", "firing": "yellow",
    "awaiting_approval": "yellow", "rejected": "yellow",
    "running": "cyan", "on_trial": "cyan", "watching": "cyan", "info": "cyan", "queued": "cyan",
}  # fmt: skip
_KIB: Final = 1024
_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB")
NOTHING: Final = "–"
ROW_NOUGHT: Final = datetime(1970, 1, 5, tzinfo=UTC)
"""When row 0 of rows without times is said to have happened."""
NARROWEST: Final = 20
"""Columns that the growing column of a table is left, however narrow the terminal."""


class Column(msgspec.Struct, frozen=True):
    """A column of a table: figures stand to the right; one that `grows` is cut to fit a terminal,
    and one to `spare` is left out of a narrow one."""

    title: str
    right: bool = False
    grows: bool = False
    spare: bool = False


def table(
    columns: Sequence[Column], rows: Iterable[Sequence[str]], *, width: int | None = None
) -> list[str]:
    """The lines of a table, its titles first; with a width no line is longer.

    >>> shown_table = table([Column("who"), Column("rows", right=True)], [("v10", "4,327")])
    >>> [click.unstyle(line) for line in shown_table]
    ['who   rows', 'v10  4,327']
    """
    titles = [click.style(column.title, dim=True) for column in columns]
    found = [titles, *([str(cell) for cell in row] for row in rows)]
    wide = [max(shown(row[place]) for row in found) for place in range(len(columns))]
    kept = list(range(len(columns)))
    if width is not None:
        kept = _fitting(columns, wide, width)
        _shrink(columns, wide, width, kept)
    return [
        "  ".join(_cell(row[place], columns[place], wide[place]) for place in kept).rstrip()
        for row in found
    ]


def _fitting(columns: Sequence[Column], wide: Sequence[int], width: int) -> list[int]:
    """The places of the columns that are shown: all, or as many of the spare ones as fit."""
    least = [
        min(width_, NARROWEST) if column.grows else width_
        for column, width_ in zip(columns, wide, strict=True)
    ]
    kept = list(range(len(columns)))
    spare = [place for place in kept if columns[place].spare]
    while spare and sum(least[place] + 2 for place in kept) - 2 > width:
        kept.remove(spare.pop())
    return kept


def _shrink(columns: Sequence[Column], wide: list[int], width: int, kept: Sequence[int]) -> None:
    over = sum(wide[place] + 2 for place in kept) - 2 - width
    for place in kept:
        if columns[place].grows and over > 0:
            least = min(NARROWEST, wide[place])
            over, wide[place] = over - wide[place] + least, max(wide[place] - over, least)


def _cell(text: str, column: Column, wide: int) -> str:
    if shown(text) > wide:
        text = _cut(click.unstyle(text), wide - 1) + "…"
    gap = " " * (wide - shown(text))
    return gap + text if column.right else text + gap


def shown(text: str) -> int:
    """Columns that a text takes on the screen, its colours aside.

    >>> shown("größe"), shown("漢字"), shown("e\u0301")
    (5, 4, 1)
    """
    plain_text = click.unstyle(text)
    return len(plain_text) if plain_text.isascii() else sum(map(_wide, plain_text))


def _wide(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def _cut(text: str, wide: int) -> str:
    """The beginning of a text that takes so many columns at most."""
    taken = 0
    for at, character in enumerate(text):
        taken += _wide(character)
        if taken > wide:
            return text[:at]
    return text


def plain(text: str) -> str:
    """A text out of data, on one line and without what would steer a terminal.

    >>> plain("two\\nlines"), plain("\\x1b[31mred"), plain("größe")
    ('two·lines', '·[31mred', 'größe')
    """
    return text if text.isprintable() else "".join(c if c.isprintable() else "·" for c in text)


def width() -> int | None:
    """Columns of the terminal; None where the output goes elsewhere and nothing is cut."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def badge(word: str | None) -> str:
    """A state, verdict or severity in its colour, in words.

    >>> click.unstyle(badge("rolled_back")), badge(None)
    ('rolled back', '–')
    """
    if word is None:
        return NOTHING
    hue = HUES.get(word)
    return click.style(word.replace("_", " "), fg=hue) if hue else word.replace("_", " ")


def number(value: float | None) -> str:
    """A figure with four digits that matter.

    >>> number(28.1435), number(None), number(1234567.0), number(-0.0)
    ('28.14', '–', '1234567', '0')
    """
    if value is None:
        return NOTHING
    if value != 0 and abs(value) >= 10_000:  # noqa: PLR2004 - from here on digits, not powers
        return f"{value:.0f}"
    return f"{value + 0.0:.4g}"


def sized(size: float) -> str:
    """Bytes for people.

    >>> sized(512), sized(1536), sized(5 * 2**30)
    ('512 B', '1.5 KiB', '5.0 GiB')
    """
    unit = 0
    while size >= _KIB and unit < len(_UNITS) - 1:
        size /= _KIB
        unit += 1
    return f"{size:.0f} B" if unit == 0 else f"{size:.1f} {_UNITS[unit]}"


def count(rows: int) -> str:
    """A count of rows.

    >>> count(18384)
    '18,384'
    """
    return f"{rows:,}"


def bounded(value: float | None, low: float | None, high: float | None) -> str:
    """A figure with its interval.

    >>> bounded(28.14, 22.7, 33.6), bounded(1.0, None, None)
    ('28.14 [22.7, 33.6]', '1 (no interval)')
    """
    if value is None:
        return NOTHING
    if low is None or high is None:
        return f"{number(value)} (no interval)"
    return f"{number(value)} [{number(low)}, {number(high)}]"


def when(moment: datetime | None) -> str:
    """A time in UTC, to the minute unless there are seconds.

    >>> from datetime import UTC
    >>> when(datetime(2012, 2, 11, 16, 48, tzinfo=UTC)), when(None)
    ('2012-02-11 16:48', '–')
    """
    if moment is None:
        return NOTHING
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment.second else f"{moment:%Y-%m-%d %H:%M}"


def place(moment: datetime | None, *, timed: bool) -> str:
    """A time, or of rows without times which row it stands for.

    >>> from datetime import UTC
    >>> place(datetime(1970, 1, 6, 2, tzinfo=UTC), timed=False)
    'row 26'
    """
    if timed or moment is None:
        return when(moment)
    return f"row {(moment - ROW_NOUGHT) // timedelta(hours=1):,}"


def lasting(seconds: float | None) -> str:
    """A length of time.

    >>> lasting(1.08), lasting(300), lasting(86400 * 48)
    ('1.1 s', '5 min', '48 days')
    """
    if seconds is None:
        return NOTHING
    for size, unit in ((172_800, "days"), (7_200, "h"), (120, "min")):
        if seconds >= size:
            part = {"days": 86_400, "h": 3_600, "min": 60}[unit]
            return f"{seconds / part:.0f} {unit}"
    return f"{seconds:.1f} s"


def heading(text: str) -> str:
    """A line that begins something."""
    return click.style(text, bold=True)


def fields(pairs: Iterable[tuple[str, str]]) -> list[str]:
    """Names and values under each other, those without a value left out."""
    kept = [(name, value) for name, value in pairs if value and value != NOTHING]
    wide = max((len(name) for name, _ in kept), default=0)
    return [f"{click.style(name.ljust(wide), dim=True)}  {value}" for name, value in kept]


def wrapped(text: str, indent: str = "    ") -> list[str]:
    """A sentence under a heading, in as many lines as the terminal needs."""
    room = width()
    if room is None or shown(text) + len(indent) <= room:
        return [indent + text]
    broken = textwrap.wrap(click.unstyle(text), max(room - len(indent), NARROWEST))
    return [indent + line for line in broken]

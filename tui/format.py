"""Numbers, times, durations and names to text: pure, and the same on every screen.

What is not known is shown as a dash, never as a nought.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

NOTHING: Final = "–"
_BEGINNING: Final = datetime(1970, 1, 5, tzinfo=UTC)
"""Row k of a history without times is given hour k from here on."""

GLYPHS: Final = {
    "passed": "●", "better": "●", "succeeded": "●", "champion": "●", "delivered": "●",
    "performed": "●", "approved": "●", "resolved": "○",
    "failed": "■", "worse": "■", "breached": "■", "rejected": "■", "rolled_back": "■",
    "timed_out": "■", "vanished": "■", "firing": "■", "dead": "■",
    "inconclusive": "◆", "not_better": "◆", "expired": "◆", "cancelled": "◆",
    "error": "▲",
    "running": "▸", "watching": "▸", "queued": "▹", "requested": "▹", "recorded": "▹",
    "on_trial": "▸", "candidate": "▹", "awaiting_approval": "◇", "pending": "◇",
    "retired": "○",
}  # fmt: skip
SEVERITIES: Final = {"critical": "■", "warning": "▲", "info": "●"}


def number(value: float | None) -> str:
    """Four significant digits.

    >>> number(40.5919), number(18384.2), number(0.0), number(2.74e-18), number(None)
    ('40.59', '18,384', '0', '2.7e-18', '–')
    >>> number(-0.0002098)
    '-0.00021'
    """
    if value is None or value != value:  # noqa: PLR0124 - not a number
        return NOTHING
    size = abs(value)
    if size == 0:
        return "0"
    if size < 1e-4 or size >= 1e9:  # noqa: PLR2004
        return f"{value:.1e}"
    if size < 1e-2:  # noqa: PLR2004
        return f"{value:.2g}"
    return f"{value:,.0f}" if size >= 1e4 else f"{value:.4g}"  # noqa: PLR2004


def signed(value: float | None) -> str:
    """A difference, with its sign.

    >>> signed(7.353), signed(-8.26)
    ('+7.353', '-8.26')
    """
    if value is None:
        return NOTHING
    return ("-" if value < 0 else "+") + number(abs(value))


def interval(low: float | None, high: float | None) -> str:
    """Two bounds in brackets, nothing where there are none.

    >>> interval(34.12, 47.06), interval(None, None)
    ('[34.12, 47.06]', '')
    """
    return "" if low is None or high is None else f"[{number(low)}, {number(high)}]"


def count(rows: int | None) -> str:
    """A number of rows.

    >>> count(16207)
    '16,207'
    """
    return NOTHING if rows is None else f"{rows:,}"


def share(part: float | None) -> str:
    """A share in [0, 1] as per cent.

    >>> share(0.1234), share(0.0), share(0.00001)
    ('12.3 %', '0 %', '<0.1 %')
    """
    if part is None:
        return NOTHING
    if part == 0:
        return "0 %"
    return "<0.1 %" if part < 0.001 else f"{part * 100:.3g} %"  # noqa: PLR2004


def moment(at: datetime | None, *, timed: bool = True) -> str:
    """A time to the minute, UTC; the row for a model whose rows have no times.

    >>> moment(datetime(2012, 11, 14, 6, 30, tzinfo=UTC))
    '2012-11-14 06:30'
    >>> moment(datetime(1970, 1, 6, 2, tzinfo=UTC), timed=False)
    'row 26'
    """
    if at is None:
        return NOTHING
    if not timed:
        return f"row {(at - _BEGINNING) // timedelta(hours=1):,}"
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M")


def day(at: datetime | None, *, timed: bool = True) -> str:
    """A date, with the hour only where it is not midnight."""
    if at is None:
        return NOTHING
    text = moment(at, timed=timed)
    return text.removesuffix(" 00:00")


def date(at: datetime | None, *, timed: bool = True) -> str:
    """The day alone, where there is no room for more."""
    text = moment(at, timed=timed)
    return text[:10] if timed else text


def span(start: datetime | None, end: datetime | None, *, timed: bool = True) -> str:
    """From when to when.

    >>> span(datetime(2012, 11, 2, tzinfo=UTC), datetime(2012, 11, 9, tzinfo=UTC))
    '2012-11-02 … 2012-11-09'
    """
    if start is None and end is None:
        return NOTHING
    return f"{day(start, timed=timed)} … {day(end, timed=timed)}"


def clock(at: datetime) -> str:
    """The time of day, in the zone that it is given in."""
    return at.strftime("%H:%M:%S")


def lasting(seconds: float | None) -> str:
    """A length of time in its two greatest units.

    >>> lasting(1.13), lasting(95), lasting(7500), lasting(6.5 * 86400), lasting(None)
    ('1.1 s', '1 min 35 s', '2 h 5 min', '6 d 12 h', '–')
    """
    if seconds is None:
        return NOTHING
    if seconds < 60:  # noqa: PLR2004
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"  # noqa: PLR2004
    for size, unit, smaller, small in _UNITS:
        if seconds >= size:
            whole, rest = divmod(int(seconds), size)
            return f"{whole} {unit}" + (f" {rest // smaller} {small}" if rest // smaller else "")
    return NOTHING


def age(seconds: float | None) -> str:
    """How old a date was; of one still to come with a minus.

    >>> age(7500.0), age(-6.5 * 86400), age(None)
    ('2 h 5 min', '−6 d 12 h', '–')
    """
    if seconds is None or seconds >= 0.0:
        return lasting(seconds)
    return f"−{lasting(-seconds)}"


_UNITS: Final = ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s"))


def words(name: str | None) -> str:
    """A name of the API as words.

    >>> words("rolled_back"), words(None)
    ('rolled back', '–')
    """
    return NOTHING if name is None else name.replace("_", " ")


def glyph(state: str | None) -> str:
    """The sign beside a state or verdict, so that colour is never alone.

    >>> glyph("failed"), glyph("passed"), glyph(None)
    ('■', '●', '○')
    """
    return GLYPHS.get(state or "", "○")


def metric(name: str, value: float | None, low: float | None, high: float | None) -> str:
    """A metric with its interval.

    >>> metric("mae", 40.59, 34.12, 47.06)
    'mae 40.59 [34.12, 47.06]'
    """
    return " ".join(part for part in (name, number(value), interval(low, high)) if part)


def plural(n: int, one: str, many: str | None = None) -> str:
    """A number and what it counts.

    >>> plural(1, "alert"), plural(3, "alert")
    ('1 alert', '3 alerts')
    """
    return f"{n:,} {one if n == 1 else many or one + 's'}"

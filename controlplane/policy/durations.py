"""Lengths of time as a file writes them: `30s`, `5m`, `6h`, `7d`, `2w`."""

import re
from datetime import timedelta
from typing import Final

_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_WRITTEN: Final = re.compile(r"([0-9]{1,8})([smhdw])")
_SPOKEN: Final = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,6})?)\s*([A-Za-z]*)")
_WORDS: Final = {
    "": 86_400, "s": 1, "sec": 1, "second": 1, "m": 60, "min": 60, "minute": 60, "h": 3600, "hr": 3600,
    "hour": 3600, "d": 86_400, "day": 86_400, "w": 604_800, "week": 604_800, "mo": 2_592_000,
    "month": 2_592_000, "y": 31_536_000, "year": 31_536_000,
}  # fmt: skip


def duration_of(text: str) -> timedelta | None:
    """The length that the text writes; None where it writes none.

    >>> duration_of("2w"), duration_of("1.5d")
    (datetime.timedelta(days=14), None)
    """
    match = _WRITTEN.fullmatch(text)
    return timedelta(seconds=int(match[1]) * _SECONDS[match[2]]) if match else None


def in_words(length: timedelta) -> str:
    """The length in the largest unit (up to days) that has it whole.

    >>> in_words(timedelta(days=14)), in_words(timedelta(hours=36)), in_words(timedelta(0))
    ('14d', '36h', '0s')
    """
    seconds = int(length.total_seconds())
    for unit in ("d", "h", "m"):
        if seconds and seconds % _SECONDS[unit] == 0:
            return f"{seconds // _SECONDS[unit]}{unit}"
    return f"{seconds}s"


def probably(text: str) -> str | None:
    """What somebody who wrote a length in another way most likely meant.

    >>> [probably(t) for t in ("7 days", "1.5d", "90", "2 months", "soon")]
    ['7d', '36h', '90d', '60d', None]
    """
    match = _SPOKEN.fullmatch(text.strip())
    if match is None:
        return None
    word = match[2].lower()
    unit = _WORDS.get(word) or _WORDS.get(word.removesuffix("s"))
    seconds = round(float(match[1]) * unit) if unit else 0
    return in_words(timedelta(seconds=seconds)) if seconds else None

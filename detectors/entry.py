"""One line of the table of detectors."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from detectors.finding import Kind

NUMBERS: Final = (Kind.NUMERIC,)
LEVELS: Final = (Kind.CATEGORICAL, Kind.BOOLEAN)
VALUES: Final = (*NUMBERS, *LEVELS)
ALL: Final = (*VALUES, Kind.DATETIME)


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A detector: the function, its parameters if it has any, the kinds it reads, a sentence.

    `kinds` is empty where it reads no column but the window as a whole. Those that take a
    reference and a sample share one shape; the others' docstrings say theirs.
    """

    function: Callable[..., Any]
    """Gives a finding, or a list of them."""
    params: type[msgspec.Struct] | None = None
    kinds: tuple[Kind, ...] = ()
    shown: bool = False
    """Computed for the reader of every column whose kind it reads, or of every window."""
    asked: bool = False
    """Computed for the reader where a model file names it."""
    of_table: bool = False
    """Takes a reference table and a window's; the findings' column is `*`."""
    says: str

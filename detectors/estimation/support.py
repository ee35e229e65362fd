"""Whether a window's rows are of a kind that the reference holds at all."""

import msgspec

from detectors.estimation.shift import HIDDEN_FROM, Inputs, Shift, outside, shift

FEWEST_ROWS = 60
"""Fewer rows on either side are not told apart by trees."""


class Support(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a window lies where the reference does; `hidden` says why it is too little.

    `shift` is None where there are too few rows to weigh; `outside` the share of rows with a
    number beyond the reference's range.
    """

    shift: Shift | None
    outside: float
    hidden: str | None


def support(reference: Inputs, window: Inputs, *, seed: int) -> Support:
    """A window's overlap with the reference; hidden from a tenth of its rows on."""
    beyond = outside(reference.values, window.values, reference.categorical)
    enough = min(reference.values.shape[0], window.values.shape[0]) >= FEWEST_ROWS
    found = shift(reference, window, seed=seed) if enough else None
    why = None if window.values.shape[0] else "there are no rows"
    if beyond > HIDDEN_FROM:
        why = f"{beyond:.0%} of the rows have a value beyond all that the reference holds"
    elif found is not None and found.extreme > HIDDEN_FROM:
        why = f"{found.extreme:.0%} of the rows have hardly any like them in the reference"
    return Support(shift=found, outside=beyond, hidden=why)

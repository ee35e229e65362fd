"""Whether other inputs or other answers to them made the loss change."""

from typing import Final

import msgspec

from detectors.estimation.shift import Inputs, effective, shift
from detectors.reading import Floats

LEAST_EFFECTIVE: Final = 0.05


class Credit(msgspec.Struct, frozen=True, kw_only=True):
    """The change of the mean loss, shared out: `inputs` and `answers` add up to `change`.

    `effective` is the share of rows that the weighted ones are worth, the lesser of both
    directions and at most the share of rows that have any like them. With a `reason` the shares are None: inputs so different cannot be weighted alike.
    """

    change: float
    inputs: float | None
    answers: float | None
    effective: float
    reason: str | None = None


def credit(reference: tuple[Inputs, Floats], now: tuple[Inputs, Floats], *, seed: int) -> Credit:
    """The Shapley values of the law of the inputs and of the law of the label given them.

    Each side is inputs and losses, row by row. The loss under now's inputs and the reference's
    answers is that of the reference's rows weighted to look like now's, and the other way round;
    a player's value is the mean of what it adds alone and last (Zhang, Singh, Ghassemi and Joshi
    2023, with two players). Weights are those of `shift`: some tenths of a second.
    """
    before, after = float(reference[1].mean()), float(now[1].mean())
    ways = shift(reference[0], now[0], seed=seed), shift(now[0], reference[0], seed=seed + 1)
    forth, back = (way.weights for way in ways)
    # Weights are clipped, so that rows with nothing alike would look as if they weighed the same.
    worth = min(min(effective(way.weights) / way.weights.size, 1.0 - way.extreme) for way in ways)
    change = after - before
    if worth < LEAST_EFFECTIVE:
        return Credit(
            change=change, inputs=None, answers=None, effective=worth,
            reason=f"the inputs differ so much that weighted alike they are worth {worth:.1%} of "
                   "their rows; at least 5% is needed",
        )  # fmt: skip
    other_inputs = float((forth * reference[1]).mean())
    other_answers = float((back * now[1]).mean())
    inputs = ((other_inputs - before) + (after - other_answers)) / 2.0
    return Credit(change=change, inputs=inputs, answers=change - inputs, effective=worth)

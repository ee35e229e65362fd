"""Which of the rows that came in are stored already, and which ids came at another time before.

The index of ids says of which rows that may be, and when; only those are asked about, in the
stretches of time where they may be found.
"""

from typing import Final

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from controlplane.store import event_questions as questions
from controlplane.store.asking import Asking, some_predictions
from controlplane.store.id_runs import Found
from controlplane.store.row_hashes import Asked, Hashes, Micros, moments_of
from controlplane.store.spans import spans_of

Mask = NDArray[np.bool_]


NAMED: Final = ["id", "at", "role", "version"]
"""What makes a row one that is stored once; of many doubtful rows no more is copied."""


class Incoming(msgspec.Struct, frozen=True):
    """Rows under the store's names, with their ids as they are looked for, what the index would
    keep of them (`values`, shape (rows,)), and what it keeps of their ids."""

    rows: pa.Table
    asked: Asked
    values: Hashes
    found: Found


def fresh_rows(asking: Asking, model: str, came: Incoming) -> Mask:
    """Which rows are neither stored nor earlier among those that came, shape (rows,)."""
    numbers, kept = came.found
    maybe = np.zeros(came.rows.num_rows, np.bool_)
    maybe[came.asked.repeated] = True
    maybe[numbers[kept == came.values[numbers]]] = True
    doubtful = np.flatnonzero(maybe)
    fresh = ~maybe
    if len(doubtful):
        spans = spans_of(moments_of(came.values[doubtful]))
        said = asking.asked(
            questions.FRESH, model, came.rows.select(NAMED), doubtful,
            some_predictions=some_predictions(model, spans),
        )  # fmt: skip
        fresh[said["n"].to_numpy()] = True
    return fresh


def come_again(asking: Asking, model: str, came: Incoming, fresh: Mask) -> tuple[Mask, Mask]:
    """Which fresh rows have an id that another event time has too, and of which the index says so
    and the table does not; shapes (rows,).

    Asked first is where an id came last: that settles it unless its rows were deleted since.
    """
    numbers, moments = came.found[0], moments_of(came.found[1])
    other = fresh[numbers] & (moments != moments_of(came.values)[numbers])
    numbers, moments = numbers[other], moments[other]
    again = np.zeros(len(fresh), np.bool_)
    maybe = again.copy()
    maybe[came.asked.repeated] = True
    maybe &= fresh
    maybe[numbers] = True
    if not maybe.any():
        return again, again
    latest = np.full(len(fresh), np.iinfo(np.int64).min)
    np.maximum.at(latest, numbers, moments)
    has_other = np.zeros(len(fresh), np.bool_)
    has_other[numbers] = True
    again[_confirmed(asking, model, came.rows, maybe, latest[has_other])] = True
    left = has_other & ~again
    earlier = left[numbers] & (moments != latest[numbers])
    if earlier.any():
        again[_confirmed(asking, model, came.rows, left, moments[earlier])] = True
    return again, has_other & ~again


def _confirmed(
    asking: Asking, model: str, rows: pa.Table, which: Mask, moments: Micros
) -> NDArray[np.int64]:
    answer = asking.asked(
        questions.COME_AGAIN, model, rows.select(NAMED), np.flatnonzero(which),
        some_predictions=some_predictions(model, spans_of(moments)),
    )  # fmt: skip
    numbers: NDArray[np.int64] = answer["n"].to_numpy()
    return numbers

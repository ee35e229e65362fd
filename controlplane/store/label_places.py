"""With which prediction a label belongs, decided when the later of the two arrives.

The time of the prediction is stored with the label, so that joining the two reads a stretch of
both and no more. A label that is there first waits, and is moved when its prediction comes.
"""

from collections.abc import Callable
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from controlplane.store import event_questions as questions
from controlplane.store.asking import BESIDE, Asking, some_labels, some_predictions
from controlplane.store.id_index import IdIndex
from controlplane.store.id_runs import Found
from controlplane.store.known_rows import Incoming, Mask
from controlplane.store.pending import Pending
from controlplane.store.row_hashes import (
    WAITING,
    Asked,
    Micros,
    asked_for,
    kinds_of,
    micros,
    moments_of,
    text_hashes,
)
from controlplane.store.session import STORED_INSTANT, quoted, stored_times
from controlplane.store.spans import spans_of

_NONE: Final = np.iinfo(np.int64).max


class Candidates(msgspec.Struct, frozen=True):
    """At which moments ids may have come: `numbers` are places among the rows asked about,
    `moments` microseconds, shapes (m,); `first` and `last` those of each row, shapes (rows,)."""

    numbers: NDArray[np.int64]
    moments: Micros
    first: Micros
    last: Micros

    @property
    def several(self) -> Mask:
        """Of which rows there is more than one."""
        several: Mask = (self.first != _NONE) & (self.first != self.last)
        return several

    @property
    def one(self) -> Mask:
        """Of which rows there is exactly one."""
        one: Mask = self.first == self.last
        return one

    def of(self, rows: Mask) -> Micros:
        """The moments of some rows."""
        return self.moments[rows[self.numbers]]


def candidates(found: Found, rows: int) -> Candidates:
    """What an index says of `rows` ids."""
    numbers, moments = found[0], moments_of(found[1])
    first = np.full(rows, _NONE)
    last = np.full(rows, -_NONE)
    np.minimum.at(first, numbers, moments)
    np.maximum.at(last, numbers, moments)
    return Candidates(numbers, moments, first, last)


class Placed(msgspec.Struct, frozen=True):
    """Labels with `place`, null where their prediction is not there, their ids as they are looked
    for, and at which moments predictions of these ids may have come."""

    rows: pa.Table
    asked: Asked
    found: Candidates


class LabelPlaces:
    """The labels of models within the writer's transaction; `index_of` gives the index of a
    model's predictions or of its labels."""

    def __init__(
        self, asking: Asking, pending: Pending,
        predictions_of: Callable[[str], IdIndex], labels_of: Callable[[str], IdIndex],
    ) -> None:  # fmt: skip
        self._asking = asking
        self._pending = pending
        self._predictions_of = predictions_of
        self._labels_of = labels_of

    def placed(self, model: str, rows: pa.Table) -> Placed:
        """Labels under the store's names with the time of their predictions."""
        asked = asked_for(text_hashes(rows["id"]))
        found = candidates(self._predictions_of(model).find(asked), rows.num_rows)
        places, is_known = np.where(found.one, found.first, 0), found.one
        doubtful = np.flatnonzero(found.several)
        if len(doubtful):
            spans = spans_of(found.of(found.several))
            said = self._asking.asked(
                questions.PLACES, model, rows, doubtful,
                some_predictions=some_predictions(model, spans),
            )  # fmt: skip
            numbers = said["n"].to_numpy()
            places[numbers] = micros(said["place"])
            is_known[numbers] = True
        return Placed(rows.append_column("place", _times(places, is_known)), asked, found)

    def repeated(self, model: str, placed: Placed) -> NDArray[np.int64]:
        """The places of those labels that say of the same prediction what the label before said."""
        numbers, values = self._labels_of(model).find(placed.asked)
        maybe = np.zeros(placed.rows.num_rows, np.bool_)
        maybe[placed.asked.repeated] = True
        maybe[numbers] = True
        doubtful = np.flatnonzero(maybe)
        if not len(doubtful):
            return doubtful
        own = micros(placed.rows["place"].take(doubtful).drop_null())
        spans = spans_of(np.concatenate([own, placed.found.of(maybe)]))
        waiting = spans_of(moments_of(values[kinds_of(values) == WAITING]))
        several = (placed.found.several & maybe).any()
        answer = self._asking.asked(
            questions.LABELS_REPEATED_AMONG if several else questions.LABELS_REPEATED,
            model, placed.rows, doubtful, some_predictions=some_predictions(model, spans),
            some_labels=some_labels(model, spans, waiting),
        )  # fmt: skip
        repeats: NDArray[np.int64] = answer["n"].to_numpy()
        return repeats

    def arrived(self, model: str, table: str, came: Incoming, fresh: Mask, unsure: Mask) -> None:
        """Move labels that waited for some of the fresh predictions to their place; of `unsure`
        ones the index had an id at another time which the table has not, so that labels of theirs
        may have been put there."""
        index = self._labels_of(model)
        if index.is_empty:
            return
        numbers, values = index.find(came.asked)
        waits = fresh[numbers] & (kinds_of(values) == WAITING)
        apart = moments_of(values) != moments_of(came.values)[numbers]
        astray = fresh[numbers] & unsure[numbers] & ~waits & apart
        if not (waits | astray).any():
            return
        told = self._asking.asked(
            questions.WAITING, model, came.rows, np.unique(numbers[waits | astray]),
            some_labels=some_labels(
                model, spans_of(moments_of(values[astray])), spans_of(moments_of(values[waits]))
            ),
        )  # fmt: skip
        if told.num_rows:
            self._moved(model, table, told, came.rows.filter(pa.array(fresh)))

    def place_waiting(self, model: str, table: str, told: pa.Table) -> int:
        """Move stored labels that wait (with `seq`) to their predictions, where there are any;
        how many."""
        rows = self.placed(model, told.drop_columns(["seq"])).rows.append_column("seq", told["seq"])
        moved = rows.filter(rows["place"].is_valid())
        self._replaced(model, table, moved)
        return int(moved.num_rows)

    def _moved(self, model: str, table: str, told: pa.Table, rows: pa.Table) -> None:
        told = stored_times(told)
        said = self._asking.asked(
            questions.PLACES, model, told, np.arange(told.num_rows),
            beside=rows.select(["id", "at"]), some_predictions=quoted(BESIDE),
        )  # fmt: skip
        moved = told.take(said["n"].cast(pa.int64()))
        self._replaced(
            model, table, moved.append_column("place", said["place"].cast(STORED_INSTANT))
        )

    def _replaced(self, model: str, table: str, rows: pa.Table) -> None:
        """Store labels (with `seq`) anew: deleted and inserted, since an update that overlaps a
        read keeps the log from being folded in."""
        if not rows.num_rows:
            return
        numbers = rows["seq"].to_numpy()
        for low, high in spans_of(numbers):
            self._asking.removed(
                questions.REMOVE_LABELS, model, rows.select(["seq"]), low=str(low), high=str(high)
            )
        self._pending.take_again(table, rows)


def _times(micros: Micros, is_known: Mask) -> pa.Array:
    return pa.array(micros, STORED_INSTANT, mask=~is_known)

"""Statements about a model's tables: their names filled in, rows that came in beside them."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from controlplane.store.catalog import LABELS, PREDICTIONS, SCORED
from controlplane.store.ports import Known
from controlplane.store.session import Session, filled, quoted, stored_time
from controlplane.store.spans import Span, either, within

DOUBTFUL: Final = "doubtful rows"
"""No table can be called so: those of a model have a slash, the others no space."""
BESIDE: Final = "rows beside them"

EARLIEST: Final = datetime(1, 1, 1)  # noqa: DTZ001 - as the store keeps times
LATEST: Final = datetime(9999, 12, 31)  # noqa: DTZ001
EVER: Final = (-62_135_596_800_000_000, 253_402_214_400_000_000)
"""From the one to the other, in microseconds since 1970."""

_NOTHING: Final[Mapping[str, object]] = {}


class Asking:
    """`before` is called ahead of every question."""

    def __init__(self, session: Session, before: Callable[[], None]) -> None:
        self.session = session
        self._before = before

    def about(self, sql: str, model: str, **more: str) -> str:
        """A statement with the names of the model's tables."""
        self._before()
        return filled(
            sql, predictions=quoted(PREDICTIONS + model), labels=quoted(LABELS + model),
            scored=quoted(SCORED + model), **more,
        )  # fmt: skip

    def asked(
        self, sql: str, model: str, rows: pa.Table, numbers: NDArray[np.int64],
        parameters: Mapping[str, object] = _NOTHING, *, beside: pa.Table | None = None,
        **relations: str,
    ) -> pa.Table:  # fmt: skip
        """The answer to a question about some of the rows, `{incoming}`; `n` is their place among
        all. `beside` are rows that a relation may name `BESIDE`."""
        some = rows.take(numbers).append_column("n", pa.array(numbers, pa.int64()))
        with ExitStack() as registered:
            registered.enter_context(self.session.registered(DOUBTFUL, some))
            if beside is not None:
                registered.enter_context(self.session.registered(BESIDE, beside))
            text = self.about(sql, model, incoming=quoted(DOUBTFUL), **relations)
            return self.session.arrow(text, parameters)

    def removed(self, sql: str, model: str, rows: pa.Table, **more: str) -> None:
        """Run a statement that deletes what rows name."""
        with self.session.registered(DOUBTFUL, rows):
            self.session.run(self.about(sql, model, incoming=quoted(DOUBTFUL), **more))


def bounds_of(known: Known) -> dict[str, object]:
    """What a statement compares with where it is about these rows."""
    return {
        "start": EARLIEST if known.start is None else stored_time(known.start),
        "end": LATEST if known.end is None else stored_time(known.end),
        "by": LATEST if known.by is None else stored_time(known.by),
    }


def some_predictions(model: str, spans: Sequence[Span]) -> str:
    """The predictions that happened in some stretches of time."""
    return within(quoted(PREDICTIONS + model), '"at"', spans)


def some_labels(model: str, spans: Sequence[Span], waiting: Sequence[Span] = ()) -> str:
    """The labels of predictions that happened in some stretches, and those that wait for theirs
    and became known in others."""
    table = quoted(LABELS + model)
    placed = within(table, "place", spans)
    if not waiting:
        return placed
    return either(
        f"from {placed}", f"from {within(table, 'known_at', waiting, only='place is null')}"
    )

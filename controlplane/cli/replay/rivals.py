"""What would have been: the first champion left in place, and a training every four weeks.

Both on the very rows that the policy served, with the labels known to each training at its time.
"""

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from controlplane.cli.replay.bench import Bench
from controlplane.cli.replay.history import History
from controlplane.cli.replay.times import STAMP
from controlplane.domain.errors import LeeboardError
from detectors.performance import realised

FOUR_WEEKS: Final = timedelta(days=28)
LEAST_ROWS: Final = 50


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """When the rival trains: every `pause` from `start` to `end`, on the last `span` of rows."""

    start: datetime
    end: datetime
    pause: timedelta
    span: timedelta | None

    def trainings(self) -> list[datetime]:
        """The instants at which it trains anew."""
        count = -((self.start - self.end) // self.pause) - 1
        return [self.start + number * self.pause for number in range(1, count + 1)]


class AlwaysRetrained:
    """Trains and scores in the background, one process at a time, while the replay goes on."""

    def __init__(self, history: History, bench: Bench, plan: Plan) -> None:
        self._history = history
        self._bench = bench
        self._plan = plan
        self._parts: list[tuple[datetime, datetime, pa.Table]] = []
        self._error: LeeboardError | None = None
        self._thread = threading.Thread(target=self._work, daemon=True, name="rival")
        self.trainings = 0

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def finish(self) -> None:
        """Wait for the last training; raises what went wrong."""
        self._thread.join()
        if self._error is not None:
            raise self._error

    def predictions(self, first: pa.Table, rows: pa.Table) -> pa.Table:
        """What it predicted of the served rows; before its first training `first`, the same
        version as everybody's."""
        begin = self._parts[0][0] if self._parts else self._plan.end
        early = pc.less(rows["at"], pa.scalar(begin, STAMP))
        return pa.concat_tables([first.filter(early), *(part for _, _, part in self._parts)])

    def _work(self) -> None:
        model: Path | None = None
        try:
            for number, moment in enumerate(self._plan.trainings()):
                known = self._known(moment)
                if known.num_rows >= LEAST_ROWS:
                    model = self._bench.train(
                        f"always-{number}", self._history, known, known["label"]
                    )
                    self.trainings += 1
                if model is not None:
                    self._score(number, model, moment)
        except LeeboardError as error:
            self._error = error

    def _score(self, number: int, model: Path, moment: datetime) -> None:
        until = min(moment + self._plan.pause, self._plan.end)
        rows = self._history.between(moment, until)
        if rows.num_rows:
            scored = self._bench.score(f"always-{number}-scoring", model, self._history, rows)
            self._parts.append((moment, until, scored))

    def _known(self, moment: datetime) -> pa.Table:
        """The rows of the data span whose labels were known at a moment."""
        start = moment - self._plan.span if self._plan.span is not None else None
        rows = self._history.between(start, moment)
        return rows.filter(
            pc.fill_null(pc.less_equal(rows["label_known_at"], pa.scalar(moment, STAMP)), False)  # noqa: FBT003
        )


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """A metric over rows, with its interval."""

    value: float | None
    low: float | None
    high: float | None
    rows: int


def measured(history: History, metric: str, rows: pa.Table, predicted: pa.Table) -> Figure:
    """The metric of predictions over the rows that have labels."""
    there = pc.is_valid(rows["label"])
    rows, predicted = rows.filter(there), predicted.filter(there)
    scores = {
        name.removeprefix("score:"): predicted[name]
        for name in predicted.column_names
        if name.startswith("score:")
    }
    value, interval, count = realised(
        str(history.task), metric, rows["label"], predicted["prediction"], scores,
        rows["at"].cast(pa.timestamp("us")).to_numpy(), positive=history.labels.positive,
    )  # fmt: skip
    low, high = (interval.low, interval.high) if interval else (None, None)
    return Figure(value=value, low=low, high=high, rows=count)


def weighted(figures: Sequence[tuple[float | None, int]]) -> float | None:
    """The mean over windows, each weighed by its labelled rows."""
    there = [(value, rows) for value, rows in figures if value is not None and rows > 0]
    total = sum(rows for _, rows in there)
    return sum(value * rows for value, rows in there) / total if total else None

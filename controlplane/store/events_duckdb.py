"""Rows in DuckDB, read: one table of predictions, labels and scored rows a model."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from controlplane.store import event_questions as questions
from controlplane.store.asking import EVER, Asking, bounds_of, some_labels, some_predictions
from controlplane.store.catalog import (
    FEATURE,
    PREDICTIONS,
    SCORE,
    SCORED,
    Tables,
    public_name,
    stored_name,
)
from controlplane.store.halves import HalvesInDuckDB
from controlplane.store.id_keeping import Indexes
from controlplane.store.kpis import KpisInDuckDB
from controlplane.store.ports import Counts, Known
from controlplane.store.row_hashes import asked_for, micros, moments_of, text_hashes
from controlplane.store.row_numbering import stretch
from controlplane.store.session import INSTANT, Session, quoted, stored_time, time_of
from controlplane.store.spans import Span, spans_of

_ROW: Final = (
    ("id", pa.string()), ("at", INSTANT), ("known_at", INSTANT), ("version", pa.string()),
    ("role", pa.string()), ("prediction", pa.float64()),
)  # fmt: skip
_NUMBERED: Final = ["id", "at", "known_at"]
NO_NEWS: Final = pa.table({"at": pa.array([], INSTANT)})
NO_HOURS: Final = pa.table(
    dict.fromkeys(("hour", "rows", "first", "last"), pa.array([], pa.int64()))
)


class DuckDBEventsReader:
    """Reading within a session's transaction; `before` is called ahead of every question."""

    def __init__(
        self, session: Session, tables: Tables, indexes: Indexes, *,
        before: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        self._asking = Asking(session, before)
        self._about = self._asking.about
        self._session = session
        self.kpis = KpisInDuckDB(session, before)
        self.halves = HalvesInDuckDB(session, before)
        self._tables = tables
        self._indexes = indexes
        self._last_at: dict[str, datetime | None] = {}

    def counts(self, model: str) -> Counts:
        """Row counts and bounds; zeros where the model has no rows."""
        rejected = self._session.count(questions.REJECTED_COUNT, [model])
        if not self._tables.catalog.has(PREDICTIONS + model):
            return Counts(rejected=rejected)
        row = self._session.one(self._about(questions.PREDICTION_COUNTS, model))
        served = self._session.one(self._about(questions.FIRST_SERVED, model))
        told = self._session.one(self._about(questions.LABEL_COUNTS, model))
        assert row is not None
        assert served is not None
        assert told is not None
        known = [moment for moment in (time_of(row[3]), time_of(told[1])) if moment is not None]
        return Counts(
            predictions=int(str(row[0])), labels=int(str(told[0])), rejected=rejected,
            first_at=time_of(row[1]), last_at=time_of(row[2]), first_served_at=time_of(served[0]),
            last_known_at=max(known, default=None),
        )  # fmt: skip

    def last_at(self, model: str, *, by: datetime | None = None) -> datetime | None:
        """The greatest event time seen, references aside, of those up to `by`; None where there is
        no such row. Remembered, so that it costs a look at the table only where one is later."""
        if model not in self._last_at:
            there = self._tables.catalog.has(PREDICTIONS + model)
            row = self._session.one(self._about(questions.LAST_AT, model)) if there else None
            self._last_at[model] = time_of(row[0]) if row else None
        last = self._last_at[model]
        if last is None or by is None or last <= by:
            return last
        row = self._session.one(self._about(questions.LAST_AT_BY, model), {"by": stored_time(by)})
        return time_of(row[0]) if row else None

    def rows(
        self, model: str, columns: Sequence[str], known: Known, *, roles: Sequence[str] = ("live",)
    ) -> pa.Table:
        """Prediction rows with the features named, ordered by (at, id); nulls where the store has
        no such column."""
        if not self._tables.catalog.has(PREDICTIONS + model):
            return _empty(columns, ())
        sql = self._about(questions.ROWS, model, columns=self._select(model, columns))
        rows = self._session.arrow(sql, bounds_of(known) | {"roles": list(roles)})
        return _public(_in_order(rows, "at", "id", "seq").drop_columns(["seq"]))

    def labelled(
        self, model: str, columns: Sequence[str], known: Known, *, roles: Sequence[str] = ("live",)
    ) -> pa.Table:
        """The rows whose label is known by `known.by`, with `label` and `label_known_at`."""
        if not self._tables.catalog.has(PREDICTIONS + model):
            return _empty(columns, (("label", pa.float64()), ("label_known_at", INSTANT)))
        asked = bounds_of(known) | {"roles": list(roles)}
        chosen = self._select(model, columns)
        spans = self._elsewhere(model, questions.WANTED, asked)
        if spans is None:
            sql = self._about(questions.LABELLED, model, columns=chosen)
        else:
            sql = self._about(
                questions.LABELLED_AMONG, model, columns=chosen,
                some_predictions=some_predictions(model, spans),
                some_labels=some_labels(model, spans),
            )  # fmt: skip
        return _public(_in_order(self._session.arrow(sql, asked), "at", "id"))

    def scored(self, model: str, version: str, known: Known) -> pa.Table:
        """Predictions of a version over rows, logged ones first; one a row of (id, at)."""
        if not self._tables.catalog.has(PREDICTIONS + model):
            return _empty((), ()).select(["id", "at", "prediction"])
        logged, ours = (
            self._tables.catalog.columns(PREDICTIONS + model),
            self._tables.catalog.columns(SCORED + model),
        )
        names = [name for name in logged if name.startswith(SCORE)]
        sql = self._about(
            questions.SCORED, model, logged_scores=_scores(names, logged),
            scored_scores=_scores(names, ours),
        )  # fmt: skip
        return _public(self._session.arrow(sql, bounds_of(known) | {"version": version}))

    def new_labels(self, model: str, after: datetime, by: datetime) -> pa.Table:
        """`at` (of the prediction) of labels that became known, or found their prediction, in
        `(after, by]`; a correction counts again."""
        if not self._tables.catalog.has(PREDICTIONS + model):
            return NO_NEWS
        asked: dict[str, object] = {"after": stored_time(after), "by": stored_time(by)}
        elsewhere = self._elsewhere(model, questions.NEWS, asked)
        if elsewhere is not None:
            sql, rows, told = questions.NEW_LABELS_AMONG, elsewhere, elsewhere
            asked["roles"] = ["live"]
        else:
            sql = questions.NEW_LABELS
            rows, told = (
                spans_of(micros(self._session.arrow(self._about(which, model), asked)["at"]))
                for which in (questions.PLACES_TOLD, questions.PLACES_NEW)
            )
            if not rows and not told:
                return NO_NEWS
        return self._session.arrow(
            self._about(
                sql, model, some_predictions=some_predictions(model, rows),
                some_labels=some_labels(model, told),
            ), asked,
        )  # fmt: skip

    def new_rows(self, model: str, after: datetime, by: datetime) -> pa.Table:
        """`at` of served live rows that became known in `(after, by]`."""
        if not self._tables.catalog.has(PREDICTIONS + model):
            return NO_NEWS
        sql = self._about(questions.NEW_ROWS, model)
        return self._session.arrow(sql, {"after": stored_time(after), "by": stored_time(by)})

    def hours(self, model: str, by: datetime) -> pa.Table:
        """Live rows known by then, by the hour in which they happened; a scan of three columns."""
        if not self._tables.catalog.has(PREDICTIONS + model):
            return NO_HOURS
        sql = self._about(questions.HOURS, model)
        return self._session.arrow(sql, {"by": stored_time(by)})

    def row_numbers(self, model: str, first: int, last: int) -> pa.Table:
        """Served live rows number `first` to `last`, in the order of (known_at, arrival); one that
        was deleted since has no id, and the time it was known for its own."""
        rows = self._numbered(model, first, max(last, first))
        return _empty((), ()).select(_NUMBERED) if rows is None else rows.select(_NUMBERED)

    def row_place(self, model: str, number: int) -> tuple[datetime, int] | None:
        """When the served live row of a number became known, and its arrival number; None where
        there are fewer."""
        rows = self._numbered(model, number, number + 1)
        if rows is None or not rows.num_rows:
            return None
        return rows["known_at"][0].as_py(), rows["seq"][0].as_py()

    def _numbered(self, model: str, first: int, last: int) -> pa.Table | None:
        if not self._tables.catalog.has(PREDICTIONS + model):
            return None
        bounds = self._session.one(self._about(questions.NUMBERED_BOUNDS, model), {"model": model})
        if bounds is None or bounds[0] is None:
            return None
        about = self._about(questions.ROWS_NUMBERED, model)

        def known_before(moment: int) -> int:
            return self._session.count(about, {"model": model, "by": _moment(moment)})

        ends = (int(str(bounds[0])), int(str(bounds[1])))
        low, high = stretch(ends, (first, last), known_before)
        asked = {"model": model, "low": _moment(low.moment), "high": _moment(high.moment)}
        rows = self._session.arrow(self._about(questions.ROW_NUMBERS, model), asked)
        return _in_order(rows, "known_at", "seq").slice(first - low.rows, last - first)

    def count(self, model: str, known: Known, *, served: bool) -> int:
        """How many live rows there are of a span, by then; with `served` those with a prediction."""
        if not self._tables.catalog.has(PREDICTIONS + model):
            return 0
        sql = self._about(questions.COUNT, model)
        return self._session.count(sql, bounds_of(known) | {"served": served})

    def reference_rows(self, model: str, version: str | None) -> Counts:
        """How many rows were sent as a version's reference (as that of none), and their bounds."""
        if not self._tables.catalog.has(PREDICTIONS + model):
            return Counts()
        row = self._session.one(self._about(questions.REFERENCE_ROWS, model), {"version": version})
        assert row is not None
        return Counts(
            predictions=int(str(row[0])), first_at=time_of(row[1]), last_at=time_of(row[2]),
            last_known_at=time_of(row[3]),
        )  # fmt: skip

    def _select(self, model: str, columns: Sequence[str]) -> str:
        """The columns of a row, scores and features under the names in which they are stored."""
        there = self._tables.catalog.columns(PREDICTIONS + model)
        chosen = [quoted(name) for name, _ in _ROW]
        chosen += [quoted(name) for name in there if name.startswith(SCORE)]
        chosen += _or_null([stored_name(FEATURE, name) for name in columns], there)
        return ", ".join(chosen)

    def _elsewhere(
        self, model: str, sql: str, asked: Mapping[str, object]
    ) -> tuple[Span, ...] | None:
        """In which stretches of time the ids are that a question names; None where each of them
        came at one time only, which its rows and labels say themselves."""
        if model not in self._tables.catalog.reused:
            return None
        index = self._indexes.ready(PREDICTIONS + model)
        if index is None:
            return (EVER,)
        rows = self._session.arrow(self._about(sql, model), asked)
        numbers, values = index.find(asked_for(text_hashes(rows["id"])))
        moments = moments_of(values)
        if not (moments != micros(rows["at"])[numbers]).any():
            return None
        return spans_of(moments)


def score_name(stored: str) -> str:
    """The public name of a score's column.

    >>> score_name("s:yes")
    'score:yes'
    """
    return f"score:{public_name(stored)}"


def _in_order(table: pa.Table, *names: str) -> pa.Table:
    """Rows by these columns."""
    whole = table.combine_chunks()
    return whole.take(pc.sort_indices(whole, sort_keys=[(name, "ascending") for name in names]))


def _public(table: pa.Table) -> pa.Table:
    """An answer with its features and scores under their public names.

    Only here, since DuckDB takes names in one statement that differ only in case for one, and a
    feature's public name may be that of a column which a statement orders by.
    """
    kept = {FEATURE: public_name, SCORE: score_name}
    return table.rename_columns(
        [kept[name[:2]](name) if name[:2] in kept else name for name in table.column_names]
    )


def _or_null(names: Sequence[str], there: Mapping[str, str]) -> list[str]:
    return [quoted(name) if name in there else f"null::double as {quoted(name)}" for name in names]


def _scores(names: Sequence[str], there: Mapping[str, str]) -> str:
    return "".join(f", {column}" for column in _or_null(names, there))


def _moment(micros_since_1970: int) -> datetime:
    return datetime(1970, 1, 1) + timedelta(microseconds=micros_since_1970)  # noqa: DTZ001


def _empty(columns: Sequence[str], more: Sequence[tuple[str, pa.DataType]]) -> pa.Table:
    fields = [*_ROW, *((name, pa.float64()) for name in columns), *more]
    return pa.schema(fields).empty_table()

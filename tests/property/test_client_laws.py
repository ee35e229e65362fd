"""Laws of the client library: no row twice, none lost unsaid, whatever the server and the app do."""

import json
import math
from collections import Counter
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import hypothesis.strategies as st
import msgspec
import numpy as np
from hypothesis import given, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from connectors.client.pace import Pace
from connectors.client.packing import _one_by_one, halves, packed
from connectors.client.rows import Columns, Label, Parcel, Prediction
from connectors.client.serving import Leeboard
from connectors.client.spool import Spool, TornSegment
from connectors.client.testing import MemoryServer

PACE = Pace(
    every=60.0, first_pause=0.0, longest_pause=0.0, most_rows=3, capacity=12, look_around=0.0
)
COLUMNS = Columns()

ODD = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(max_size=9),
    st.decimals(), st.datetimes(), st.datetimes(timezones=st.just(UTC)), st.dates(), st.timedeltas(),
    st.complex_numbers(), st.uuids(), st.lists(st.integers(), max_size=2),
    st.integers(-(2**63), 2**63 - 1).map(np.int64), st.floats(width=32).map(np.float32),
    st.floats().map(np.float64), st.text(max_size=4).map(np.str_), st.booleans().map(np.bool_),
    st.floats().map(np.longdouble), st.just(np.datetime64("NaT")), st.builds(object),
    st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)).map(np.datetime64),  # noqa: DTZ001
    st.just(10**5000), st.floats().map(np.array), st.just(np.zeros(3)), st.just(lambda: 1),
)  # fmt: skip
NAMES = st.one_of(st.text(max_size=5), st.sampled_from(["id", "label", "score"]), st.integers())


def a_prediction(id: object, at: object, features: dict, prediction: object) -> Prediction:
    return Prediction(id, at, features, prediction, None, None, None, "live")


@given(st.lists(st.builds(
    a_prediction, st.one_of(st.text(min_size=1, max_size=3), ODD), st.one_of(st.just(10**18), ODD),
    st.dictionaries(NAMES, ODD, max_size=4), ODD,
), max_size=8), st.integers(1, 400))  # fmt: skip
def test_of_any_values_each_row_is_sent_as_json_or_counted(rows: list, most: int) -> None:
    found = packed("predictions", rows, COLUMNS, most)

    sent = [json.loads(p.body, parse_constant=_no_constant)["columns"] for p in found.parcels]
    assert [len(columns["id"]) for columns in sent] == [p.rows for p in found.parcels]
    assert all(len(set(map(len, columns.values()))) == 1 for columns in sent)
    assert sum(p.rows for p in found.parcels) + sum(found.dropped.values()) == len(rows)
    assert all(len(p.body) <= most or p.rows == 1 for p in found.parcels)


def _no_constant(text: str) -> None:
    raise AssertionError(f"{text} is no JSON")


def said(value: object) -> object:
    """How a value must be told."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Decimal):
        return float(value) if value.is_finite() else None
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else value


SOUND = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.floats(), st.text(), st.dates(),
    st.decimals(-1000, 1000, places=2), st.just(Decimal("NaN")), st.just(Decimal("-Infinity")),
    st.datetimes(datetime(1970, 1, 1), timezones=st.just(UTC)), st.sampled_from(["NaN", "Infinity"]),  # noqa: DTZ001
)  # fmt: skip


@given(st.lists(st.dictionaries(st.sampled_from("abc"), SOUND, max_size=3), min_size=1, max_size=6))
def test_values_are_told_as_they_are_and_what_is_no_number_is_null(features: list) -> None:
    rows = [a_prediction(str(n), n * 10**9, one, n) for n, one in enumerate(features)]
    [parcel] = packed("predictions", rows, COLUMNS, 10**9).parcels
    columns = json.loads(parcel.body)["columns"]
    for place, one in enumerate(features):
        at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=place)
        assert datetime.fromisoformat(columns["at"][place]) == at
        for name in columns.keys() & set("abc"):
            assert columns[name][place] == said(one.get(name))


@given(st.lists(st.fixed_dictionaries({"a": SOUND, "b": SOUND}), min_size=1, max_size=6),
       st.booleans(), st.sampled_from([None, {"x": 0.5}, {}]))  # fmt: skip
def test_rows_that_are_alike_are_told_as_they_are_one_by_one(
    features: list, scored: bool, scores: dict | None
) -> None:
    rows = [
        Prediction(str(n), n, one, n, 0.5 if scored and n else None, scores, None, "live")
        for n, one in enumerate(features)
    ]
    [parcel] = packed("predictions", rows, COLUMNS, 10**9).parcels
    assert json.loads(parcel.body) == json.loads(_one_by_one("predictions", rows, COLUMNS).content)


@given(st.integers(2, 20), st.integers(0, 100))
def test_halves_are_the_whole_and_always_the_same(rows: int, seed: int) -> None:
    made = [Label(str(n), seed + n, 0) for n in range(rows)]
    [parcel] = packed("labels", made, COLUMNS, 10**9).parcels
    first, second = halves(parcel)
    assert halves(parcel) == (first, second)
    assert len({parcel.key, first.key, second.key}) == 3
    parts = [msgspec.json.decode(p.body)["columns"] for p in (first, second)]
    whole = msgspec.json.decode(parcel.body)["columns"]
    assert {name: parts[0][name] + parts[1][name] for name in whole} == whole
    assert (first.rows, second.rows) == tuple(len(part["id"]) for part in parts)


class Lives(RuleBasedStateMachine):
    """An app with a spool over several lives, and a server that is not always there."""

    @initialize()
    def begin(self) -> None:
        self.folder = TemporaryDirectory()
        self.server = MemoryServer()
        self.number = 0
        self.given: dict[str, str] = {}
        """Every row that was logged, and where it must be: in the spool, or in memory alone."""
        self.app = self._life()

    def _life(self) -> Leeboard:
        return Leeboard(
            "http://lee", "bikes", pace=PACE, spool=Path(self.folder.name),
            transport=self.server.transport,
        )  # fmt: skip

    @rule(rows=st.integers(1, 8))
    def log(self, rows: int) -> None:
        for _ in range(rows):
            if len(self.app._buffer.predictions) + len(self.app._buffer.labels) >= 11:
                self.app.flush(0.3)
                if self.app.stats.waiting >= 11:
                    return
            self.number += 1
            self.app.log_label(str(self.number), 1.0)
            self.app.log_prediction(str(self.number), {"x": self.number}, 1.0)
            self.given[str(self.number)] = "memory"

    @rule(times=st.integers(1, 3))
    def fail(self, times: int) -> None:
        self.server.be_away(times)

    @rule(times=st.integers(1, 2))
    def lose(self, times: int) -> None:
        self.server.lose_answers(times)

    @rule()
    def refuse(self) -> None:
        self.server.refuse(503, "busy")

    @rule()
    def mend(self) -> None:
        self.server._failures.clear()

    @rule()
    def spool(self) -> None:
        """Everything in memory goes to disk, whatever the server does."""
        with self.app._buffer._packing:
            self.app._buffer._pack_round()
        self.given = dict.fromkeys(self.given, "disk")

    @rule()
    def flush(self) -> None:
        if self.app.flush(5):
            self.given = dict.fromkeys(self.given, "server")

    @rule()
    def restart(self) -> None:
        self.app.close(timeout=5)
        stats = self.app.stats
        assert (stats.waiting, stats.dropped) == (0, {})
        self.given = dict.fromkeys(self.given, "disk")
        self.app = self._life()

    @rule()
    def kill(self) -> None:
        """As kill -9: what is in memory is gone, and the locks with the process."""
        buffer = self.app._buffer
        buffer._is_closed, buffer._give_up_at = True, 0.0
        buffer._wanted.set()
        if buffer._thread is not None:
            buffer._thread.join(20)
        self.app._forget()
        self.given = {row: place for row, place in self.given.items() if place != "memory"}
        self.app = self._life()

    @invariant()
    def no_row_is_there_twice(self) -> None:
        for rows in (self.server.predictions, self.server.labels):
            assert max(Counter(row["id"] for row in rows).values(), default=1) == 1

    def teardown(self) -> None:
        if not hasattr(self, "app"):
            return
        self.server._failures.clear()
        self.app.close(timeout=20)
        with self._life() as last:
            assert last.flush(20)
        predictions = {row["id"] for row in self.server.predictions}
        labels = {row["id"] for row in self.server.labels}
        assert predictions >= self.given.keys()
        assert labels >= self.given.keys()
        assert labels <= predictions
        stats = last.stats
        assert stats.logged + stats.taken_up == (
            stats.accepted + stats.duplicates + stats.rejected + stats.waiting + stats.spooled
        )
        self.folder.cleanup()


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=40, stateful_step_count=15, deadline=None)


@given(st.binary(max_size=300), st.integers(0, 300), st.sampled_from(["cut", "put in", "alone"]))
def test_a_spoiled_segment_is_torn_or_what_was_written(noise: bytes, place: int, how: str) -> None:
    with TemporaryDirectory() as name:
        spool = Spool(Path(name), "http://lee", "bikes", 10**6)
        parcel = Parcel(feed="labels", key="k", rows=2, body=b'{"columns":{"id":["a","b"]}}')
        segment = spool.put(parcel)
        whole = segment.path.read_bytes()
        spoiled = {
            "cut": whole[:place], "put in": whole[:place] + noise + whole[place:], "alone": noise
        }  # fmt: skip
        segment.path.write_bytes(spoiled[how])
        with suppress(TornSegment):
            assert spool.read(segment) == parcel
        spool.close()

"""The store with its indexes in files says what plain Python says of the same rows and labels."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.store import id_keeping, id_runs
from controlplane.store.duckdb_store import open_store
from controlplane.store.id_index import IdIndex
from controlplane.store.id_runs import Run, slices, sorted_part, write_run
from controlplane.store.id_sources import OF_LABELS
from controlplane.store.ports import Known, Received, Store
from controlplane.store.row_hashes import asked_for, kinds_of, moments_of, packed
from controlplane.store.row_numbering import SLACK, stretch
from controlplane.store.spans import MOST, NEAR, spans_of
from tests.stored import HOUR, MODEL, NOON, SCHEMA, labels, predictions

Row = tuple[str, int, str, str, int]
"""Id, hour, role, version, known at."""
Label = tuple[str, float, int, int | None]
"""Id, value, known at, the time it names."""

ROLES = ("live", "live", "live", "shadow", "canary", "reference")
AS_OF = (30, 700, 20_000, 10**6)


class Plain:
    """Rows and labels in lists."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.labels: list[Label] = []

    def append_rows(self, rows: list[Row]) -> Received:
        there = {_key(row) for row in self.rows}
        stored = self.rows.copy()
        reused = duplicates = 0
        for row in rows:
            if _key(row) in there:
                duplicates += 1
                continue
            reused += any(other[0] == row[0] and other[1] != row[1] for other in stored)
            there.add(_key(row))
            stored.append(row)
        self.rows = stored
        return Received(accepted=len(rows) - duplicates, duplicates=duplicates, reused_ids=reused)

    def append_labels(self, told: list[Label]) -> Received:
        history = [(*label, place) for place, label in enumerate(self.labels)]
        history += [(*label, 10**6 + n) for n, label in enumerate(told)]
        last: dict[object, float] = {}
        repeats = set()
        for name, value, known, said, number in sorted(history, key=lambda h: (h[2], h[4])):
            place = self.place((name, value, known, said), [row[:2] for row in self.rows])
            key = (name, said, place)
            if number >= 10**6 and last.get(key) == value:
                repeats.add(number - 10**6)
            last[key] = value
        self.labels += [label for n, label in enumerate(told) if n not in repeats]
        return Received(accepted=len(told) - len(repeats), duplicates=len(repeats))

    @staticmethod
    def place(label: Label, places: list[tuple[str, int]]) -> int | None:
        name, _, known, said = label
        own = [at for other, at in places if other == name]
        if said in own:
            return said
        return max((at for at in own if at <= known), default=min(own, default=None))

    def labelled(self, by: int, role: str) -> list[tuple[str, int, float]]:
        there = [row[:2] for row in self.rows if row[4] <= by and row[2] == role]
        found: dict[tuple[str, int], float] = {}
        for name, value, known, said in sorted(self.labels, key=lambda label: label[2]):
            place = self.place((name, value, known, said), there)
            if known <= by and place is not None:
                found[name, place] = value
        rows = [row[:2] for row in self.rows if row[4] <= by and row[2] == role]
        return sorted((*key, found[key]) for key in rows if key in found)

    def new_labels(self, after: int, by: int) -> list[int]:
        live = [row for row in self.rows if row[4] <= by and row[2] == "live"]
        known_at = {row[:2]: row[4] for row in live}
        places = [(label, self.place(label, list(known_at))) for label in self.labels]
        return sorted(
            place
            for label, place in places
            if place is not None and label[2] <= by
            and max(label[2], known_at[label[0], place]) > after
        )  # fmt: skip


def _key(row: Row) -> tuple[object, ...]:
    return (*row[:3], row[3] if row[2] == "shadow" else None)


def hours_of(table, column: str) -> list[float]:
    return [(at - NOON) / HOUR for at in table[column].to_pylist()]


def an_hour(chance: np.random.Generator) -> int:
    """Near by, or years away."""
    return int(chance.integers(0, 40)) * int(chance.choice([1, 1, 1, 900]))


def some_rows(chance: np.random.Generator, ids: int) -> list[Row]:
    """As many as 60, of few ids that come again, and some at the moment of another's."""
    rows = []
    for _ in range(int(chance.integers(1, 60))):
        at = an_hour(chance)
        name, role = f"i{chance.integers(0, ids)}", str(chance.choice(ROLES))
        rows.append((name, at, role, f"v{chance.integers(1, 3)}", at + int(chance.integers(0, 9))))
    return rows


def some_labels(chance: np.random.Generator, ids: int) -> list[Label]:
    told = []
    for _ in range(int(chance.integers(1, 40))):
        said = an_hour(chance) if chance.random() < 0.3 else None
        name = f"i{chance.integers(0, ids + 9)}"
        known = int(chance.integers(0, 10**5))
        told.append((name, float(chance.integers(0, 3)), known, said))
    known_apart: dict[tuple[str, int], Label] = {(t[0], t[2]): t for t in told}
    return list(known_apart.values())


def bring(store: Store, chance: np.random.Generator, plain: Plain, ids: int) -> None:
    """The same to both; what they answer is the same."""
    if chance.random() < 0.55:
        rows = some_rows(chance, ids)
        if chance.random() < 0.3 and plain.rows:
            rows += [plain.rows[k] for k in chance.integers(0, len(plain.rows), 5)]
        table = predictions(
            [r[0] for r in rows], [r[1] for r in rows], role=[r[2] for r in rows],
            version=[r[3] for r in rows], known_at=[r[4] for r in rows],
        )  # fmt: skip
        found = store.write(lambda t: t.events.append_predictions(MODEL, table)).result()
        assert found == plain.append_rows(rows)
    else:
        told = some_labels(chance, ids)
        known = {label[0]: label[2] for label in plain.labels}
        told = [label for label in told if known.get(label[0]) != label[2]]
        if told:
            sent = labels([t[0] for t in told], [t[1] for t in told], [t[2] for t in told],
                          at=[t[3] for t in told])  # fmt: skip
            found = store.write(lambda t: t.events.append_labels(MODEL, sent)).result()
            assert found == plain.append_labels(told)


def agree(store: Store, plain: Plain) -> None:
    with store.read() as view:
        events = view.events
        counts = events.counts(MODEL)
        rows = [row for row in plain.rows if row[2] != "reference"]
        assert (counts.predictions, counts.labels) == (len(rows), len(plain.labels))
        if rows:
            assert counts.last_at == NOON + max(row[1] for row in rows) * HOUR
        for by in AS_OF:
            for role in ("live", "reference", "shadow"):
                if role == "shadow":  # of several versions a row each
                    continue
                table = events.labelled(MODEL, [], Known(by=NOON + by * HOUR), roles=[role])
                found = list(zip(table["id"].to_pylist(), hours_of(table, "at"),
                                 table["label"].to_pylist(), strict=True))  # fmt: skip
                assert sorted(found) == plain.labelled(by, role)
            new = events.new_labels(MODEL, NOON + by // 2 * HOUR, NOON + by * HOUR)
            assert hours_of(new, "at") == plain.new_labels(by // 2, by)
        numbered = events.row_numbers(MODEL, 3, 60)
        known = sorted(row[4] for row in plain.rows if row[2] == "live")
        assert hours_of(numbered, "known_at") == known[3:60]


@pytest.fixture
def small_files(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Rows go into files a few at a time."""
    monkeypatch.setattr(id_keeping, "LARGE", 20)
    return


@pytest.mark.parametrize("seed", range(3))
def test_the_store_says_what_plain_python_says(
    tmp_path: Path, small_files: None, seed: int
) -> None:
    """Ids come again in most of the runs, and hardly in others; in between it starts anew, from
    files of twenty rows, merged by four."""
    chance, plain = np.random.default_rng(seed), Plain()
    ids = 40 if seed % 2 else 5_000
    store = open_store(tmp_path)
    store.write(lambda t: t.events.prepare(MODEL, SCHEMA)).result()
    for _ in range(3):
        for _ in range(4):
            bring(store, chance, plain, ids)
        agree(store, plain)
        store.close()
        store = open_store(tmp_path)
    store.close()
    assert list((tmp_path / "ids").iterdir())


@given(
    st.lists(st.tuples(st.integers(0, 2**64 - 1), st.integers(-(10**15), 10**15)), max_size=300),
    st.lists(st.integers(0, 2**64 - 1), max_size=50),
    st.integers(1, 40),
)
def test_an_index_finds_all_that_was_added_and_nothing_else(rows, others, size) -> None:
    index = IdIndex("t", OF_LABELS)
    for first in range(0, len(rows), size):
        some = rows[first : first + size]
        part = sorted_part(
            np.array([h for h, _ in some], np.uint64),
            packed(np.array([t for _, t in some], np.int64), 3),
        )
        index.add(part, upto=first)
    asked = np.array([h for h, _ in rows] + others, np.uint64)
    numbers, values = index.find(asked_for(asked))
    found = sorted(zip(asked[numbers].tolist(), numbers.tolist(), moments_of(values).tolist(), strict=True))  # fmt: skip
    expected = [
        (int(h), n, t) for n, h in enumerate(asked.tolist()) for kept, t in rows if kept == h
    ]
    assert found == sorted(expected)
    assert (kinds_of(values) == 3).all()


@pytest.mark.parametrize("rows", [0, 1, 700, 600_000])
def test_a_file_holds_what_went_into_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    monkeypatch.setattr(id_runs, "MAPPED", 2 << 20)
    chance = np.random.default_rng(rows)
    parts = [
        sorted_part(chance.integers(0, 2**64, count, np.uint64), chance.integers(0, 9, count, np.uint64))
        for count in (rows, rows // 2)
    ]  # fmt: skip
    write_run(tmp_path / "run", slices(parts), sum(len(h) for h, _ in parts))
    run = Run(tmp_path / "run")
    assert run.is_whole()
    assert np.array_equal(run.hashes, np.sort(np.concatenate([h for h, _ in parts])))
    asked = np.sort(parts[0][0][: 1 + rows // 2])
    assert set(run.find(asked)[0].tolist()) == set(range(len(asked)))
    other = np.sort(chance.integers(0, 2**64, 50_000, np.uint64))
    assert not len(run.find(other)[0])


@given(st.lists(st.integers(-(10**16), 10**16), min_size=1, max_size=200), st.integers(1, MOST))
def test_spans_hold_every_moment_and_are_apart(moments: list[int], most: int) -> None:
    spans = spans_of(np.array(moments), most)
    assert 1 <= len(spans) <= most
    assert all(any(low <= m <= high for low, high in spans) for m in moments)
    assert all(low in moments and high in moments for low, high in spans)
    assert all(b[0] - a[1] > NEAR for a, b in itertools.pairwise(spans))


@given(
    st.lists(st.integers(0, 10**6), min_size=1, max_size=50),
    st.integers(1, 20_000),
    st.integers(0, 10**6),
    st.integers(0, 300),
)
def test_numbered_rows_lie_between_the_two_marks(steps, each, first, count) -> None:
    """Rows come unevenly, many of them at the same moment."""
    moments = np.cumsum(steps)
    total = each * len(moments)
    first = first % (total + 5)
    low, high = stretch(
        (int(moments[0]), int(moments[-1])), (first, first + count),
        lambda moment: each * int(np.searchsorted(moments, moment)),
    )  # fmt: skip
    at_once = each * int(np.unique(moments, return_counts=True)[1].max())
    assert min(first, total) - SLACK - at_once <= low.rows <= min(first, total)
    assert min(first + count, total) <= high.rows <= first + count + SLACK + at_once

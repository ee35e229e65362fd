"""Profiles of parts, merged in any order, are the profile of the whole; what is read is checked."""

import base64
import json
import math

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.finding import Kind, Sample
from detectors.profile import hashing, merging, moments, names, points, written
from detectors.profile.building import column
from detectors.profile.form import ColumnProfile, Profile
from detectors.profile.runs import pooled, runs
from tests.columns import chunked

FEW = st.sampled_from([0.0, 1.0, 2.5, -3.0])
NUMBERS = st.one_of(
    st.none(), FEW, FEW, st.floats(-1e9, 1e9), st.sampled_from([math.inf, -math.inf, math.nan])
)
TEXTS = st.one_of(st.none(), st.sampled_from(list("abc")), st.text(max_size=5))


@st.composite
def parted(draw: st.DrawFn) -> tuple[Kind, list, list[list]]:
    """Values of a column, the reference's, and a partition of the first into parts."""
    kind = draw(st.sampled_from([Kind.NUMERIC, Kind.CATEGORICAL]))
    of = NUMBERS if kind is Kind.NUMERIC else TEXTS
    reference = draw(st.lists(of, max_size=80))
    parts = draw(st.lists(st.lists(of, max_size=40), min_size=1, max_size=5))
    return kind, reference, parts


def profiled(kind: Kind, values: list, bins=None) -> ColumnProfile:
    typed = "float64" if kind is Kind.NUMERIC else "string"
    array = pa.array(values, typed, from_pandas=False)
    return column(Sample("x", kind, chunked(array)), bins)


def table(found: ColumnProfile) -> Profile:
    return Profile(rows=found.rows, columns=(found,))


def same(one: ColumnProfile, other: ColumnProfile) -> None:
    """Equal to the bit where that is promised, and to 1e-12 of the scale elsewhere."""
    assert (one.rows, one.missing, one.unparsable, one.edges) == (
        other.rows, other.missing, other.unparsable, other.edges)  # fmt: skip
    assert one.names == other.names
    for name in ("counts", "rows", "missing", "posinf", "neginf", "unseen", "outside", "far",
                 "minimum", "maximum"):  # fmt: skip
        assert getattr(one.tally, name) == getattr(other.tally, name), name
    scale = 1e9 * max(one.rows, 1)
    assert one.tally.sums == pytest.approx(other.tally.sums, rel=1e-12, abs=1e-15 * scale)
    if one.points is None:
        return
    assert (one.points.values, one.points.held) == (other.points.values, other.points.held)
    assert one.points.rank_error == other.points.rank_error == 0
    a, b = one.moments, other.moments
    assert (a.rows, a.minimum, a.maximum) == (b.rows, b.minimum, b.maximum)
    spread = max(abs(a.maximum or 0.0), abs(a.minimum or 0.0))
    assert a.mean == pytest.approx(b.mean, rel=1e-12, abs=1e-12 * spread)
    assert a.second == pytest.approx(b.second, rel=1e-12, abs=1e-12 * spread**2 * a.rows)
    assert a.third == pytest.approx(b.third, rel=1e-12, abs=1e-11 * spread**3 * a.rows)
    assert a.fourth == pytest.approx(b.fourth, rel=1e-12, abs=1e-11 * spread**4 * a.rows)


@given(parted())
@settings(deadline=None, max_examples=15)
def test_the_profile_of_a_partition_is_the_merge_of_its_parts(drawn) -> None:
    kind, reference, parts = drawn
    bins = profiled(kind, reference).bins
    whole = profiled(kind, [value for part in parts for value in part], bins)
    same(merging.column([profiled(kind, part, bins) for part in parts]), whole)


@given(parted(), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=20)
def test_merging_does_not_know_order_or_grouping(drawn, random) -> None:
    kind, reference, parts = drawn
    bins = profiled(kind, reference).bins
    found = [profiled(kind, part, bins) for part in parts]
    at_once = merging.column(found)
    shuffled = random.sample(found, len(found))
    same(merging.column(shuffled), at_once)
    one_by_one = shuffled[0]
    for part in shuffled[1:]:
        one_by_one = merging.column([one_by_one, part])
    same(one_by_one, at_once)


@given(parted())
@settings(deadline=None, max_examples=15)
def test_a_profile_survives_its_writing_to_the_bit(drawn) -> None:
    kind, reference, parts = drawn
    found = table(profiled(kind, reference, profiled(kind, parts[0]).bins))
    assert written.decoded(written.encoded(found)) == found
    assert written.decoded(written.packed(found)) == found


def true_errors(found: points.Points, rows: np.ndarray) -> tuple[float, float]:
    """By how much counts below any number are wrong, and how far the rows are from the points."""
    of_points, of_rows = found.runs, runs(np.sort(rows))
    at = np.union1d(of_points.values, of_rows.values)
    apart = np.abs(of_points.up_to(at) - of_rows.up_to(at))
    return float(apart.max()), float(apart[:-1] @ np.diff(at))


@given(
    st.integers(0, 2**32 - 1),
    st.lists(st.integers(1, 4000), min_size=1, max_size=6),
    st.sampled_from(["normal", "heavy", "tied", "mixed"]),
)
@settings(deadline=None, max_examples=15)
def test_points_are_never_more_wrong_than_they_say(seed, sizes, shape) -> None:
    generator = np.random.default_rng(seed)
    drawn = []
    for size in sizes:
        values = generator.normal(generator.normal(), 1.0, size)
        if shape == "heavy":
            values = np.exp(4.0 * values)
        if shape == "tied":
            values = np.round(values, 2)
        if shape == "mixed":
            values[generator.random(size) < 0.3] = 0.5
        drawn.append(values)
    rows = np.concatenate(drawn)
    flat = points.merged([points.reduced(runs(np.sort(v))) for v in drawn])
    deep = points.reduced(runs(np.sort(drawn[0])))
    for values in drawn[1:]:
        deep = points.merged([deep, points.reduced(runs(np.sort(values)))])
    for found in (flat, deep):
        assert found.runs.rows == rows.size
        assert found.runs.values.size <= points.MOST_VALUES
        rank, moved = true_errors(found, rows)
        assert rank <= found.rank_error
        assert moved <= found.moved * (1.0 + 1e-9) + 1e-9
        shares = np.linspace(0.0, 1.0, 21)
        quantiles = points.quantiles(found, shares)
        ordered = np.sort(rows)
        low = np.searchsorted(ordered, quantiles, side="left") - found.rank_error - 1
        high = np.searchsorted(ordered, quantiles, side="right") + found.rank_error + 1
        at = shares * (rows.size - 1)
        assert np.all((low <= at) & (at <= high))
    assert flat.rank_error <= sum(max(1, s) for s in sizes) / 512 + 2 * len(sizes) + 1
    backwards = points.merged([points.reduced(runs(np.sort(v))) for v in drawn[::-1]])
    assert (backwards.values, backwards.held) == (flat.values, flat.held)


@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.floats(0.5, 2.0))
@settings(deadline=None, max_examples=12)
def test_frequent_levels_are_undercounted_by_what_is_told_at_most(seed, parts, power) -> None:
    generator = np.random.default_rng(seed)
    drawn = [np.floor(generator.pareto(power, 4000) * 50).astype(int) for _ in range(parts)]
    found = names.merged([_counted(part) for part in drawn])
    levels, held = np.unique(np.concatenate(drawn), return_counts=True)
    truth = dict(zip(levels.astype(str).tolist(), held.tolist(), strict=True))
    kept = dict(zip(found.names, found.held, strict=True))
    for name, rows in truth.items():
        assert rows - found.undercount <= kept.get(name, 0) <= rows
    assert found.rows == sum(truth.values())
    assert found.undercount * (names.HEAVY + 1) <= found.rows - sum(kept.values())
    whole = _counted(np.concatenate(drawn))
    assert names.buckets_of(found) == names.buckets_of(whole)
    if not found.exact and not whole.exact:
        assert found.registers == whole.registers
    assert abs(found.distinct - len(truth)) <= 0.08 * len(truth)


def _counted(values: np.ndarray) -> names.Names:
    levels, held = np.unique(values, return_counts=True)
    return names.named(pa.array(levels.astype(str).tolist(), pa.string()), held)


@given(st.lists(st.text(max_size=12), max_size=60))
@settings(deadline=None)
def test_a_hash_is_that_of_the_text_wherever_it_stands(texts) -> None:
    array = pa.array(texts, pa.string())
    together = hashing.hashes(array).tolist()
    assert together == [hashing.hashes(pa.array([t], pa.string()))[0] for t in texts]
    assert hashing.hashes(array[3:]).tolist() == together[3:]
    assert len({*together}) == len({*texts})


@given(st.lists(st.lists(st.floats(-1e6, 1e6), max_size=30), min_size=1, max_size=5))
@settings(deadline=None)
def test_pooled_runs_are_those_of_all_rows(parts) -> None:
    arrays = [np.sort(np.array(part, dtype=float)) for part in parts]
    whole, found = runs(np.sort(np.concatenate(arrays))), pooled([runs(a) for a in arrays])
    assert found.values.tolist() == whole.values.tolist()
    assert found.ends.tolist() == whole.ends.tolist()
    merged = moments.merged([moments.moments(a) for a in arrays])
    backwards = moments.merged([moments.moments(a) for a in arrays[::-1]])
    assert merged == backwards


def _example(kind: str) -> bytes:
    generator = np.random.default_rng(5)
    if kind == "numbers":
        return written.encoded(table(profiled(Kind.NUMERIC, generator.normal(size=1500).tolist())))
    drawn = generator.integers(0, 3000, 5000).astype(str).tolist()
    return written.encoded(table(profiled(Kind.CATEGORICAL, [*drawn, None, "a"])))


EXAMPLES = {kind: _example(kind) for kind in ("numbers", "levels")}


def refused_or_whole(data: bytes) -> None:
    """What is read is refused in a sentence, or is a profile that can be used."""
    try:
        found = written.decoded(data)
    except written.UnreadableProfile:
        return
    merging.merged([found, found])
    written.encoded(found)


@pytest.mark.parametrize("kind", EXAMPLES)
@given(data=st.data())
@settings(deadline=None, max_examples=15)
def test_cut_and_altered_bytes_are_refused_or_still_a_profile(kind: str, data) -> None:
    whole = bytearray(EXAMPLES[kind])
    cut = data.draw(st.integers(0, len(whole)))
    refused_or_whole(bytes(whole[:cut]))
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    refused_or_whole(bytes(whole))


PLACES = st.sampled_from([
    "rows", "missing", "unparsable", "column", "kind", "edges", "first",
    "moments.rows", "moments.mean", "moments.second", "moments.minimum",
    "points.values", "points.held", "points.rank_error", "points.moved",
    "names.names", "names.held", "names.rows", "names.buckets", "names.registers", "names.lengths",
    "bins.edges", "bins.counts", "bins.coarse", "bins.levels", "bins.rare", "bins.atoms", "bins.mean",
    "tally.counts", "tally.sums", "tally.powers", "tally.rows", "tally.column", "bins", "tally",
    "points", "names", "moments",
])  # fmt: skip
ODD = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False),
    st.text(max_size=4), st.lists(st.integers(-5, 2**64), max_size=4), st.just([]), st.just({}),
    st.binary(max_size=40).map(lambda b: base64.b64encode(b).decode()),
    st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=4),
    st.lists(st.text(max_size=2), max_size=4),
)  # fmt: skip


@pytest.mark.parametrize("kind", EXAMPLES)
@given(where=PLACES, value=ODD)
@settings(deadline=None, max_examples=100)
def test_other_values_anywhere_are_refused_or_still_a_profile(kind: str, where, value) -> None:
    document = json.loads(EXAMPLES[kind])
    at = document["columns"][0]
    *path, last = where.split(".")
    for name in path:
        at = at.get(name)
        if at is None:
            return
    at[last] = value
    refused_or_whole(json.dumps(document).encode())


def test_every_field_that_is_checked_is_refused_with_its_column() -> None:
    document = json.loads(EXAMPLES["numbers"])
    document["columns"][0]["points"]["rank_error"] = -1
    with pytest.raises(written.UnreadableProfile, match="column 'x': a count is negative"):
        written.decoded(json.dumps(document).encode())
    assert msgspec.json.decode(EXAMPLES["numbers"])["form"] == 1

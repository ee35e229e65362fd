"""`leeboard compare` with a profile on either side."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from controlplane.cli.compare import profiled
from controlplane.cli.compare.printed import words
from controlplane.cli.compare.profiled import Job
from controlplane.cli.compare.running import Job as JobOfRows
from controlplane.cli.compare.running import compared as compared_rows
from controlplane.cli.compare.source import source
from controlplane.domain.errors import BadInput
from detectors.comparison.measuring import Asked
from detectors.comparison.profiles import levels as of_profiles
from detectors.comparison.result import ComparedColumn, Comparison, Levels
from detectors.finding import Kind, Verdict
from detectors.profile.building import column
from tests.cli.test_profile import lee
from tests.columns import levels

ROWS = 4000


def rows(seed: int, shift: float) -> pa.Table:
    draws = np.random.default_rng(seed)
    return pa.table({
        "price": draws.lognormal(shift, 1.0, ROWS),
        "rooms": draws.integers(1, 6, ROWS),
        "town": draws.choice(["Ulm", "Bonn", "Trier"], ROWS, p=[0.6 - shift, 0.3 + shift, 0.1]),
        "sold": draws.random(ROWS) < 0.4,
        "day": pa.array(draws.integers(0, 10**9, ROWS), pa.timestamp("s")),
    })  # fmt: skip


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Two files of rows, the second moved on, and the first's profile beside it."""
    paths = tmp_path / "then.parquet", tmp_path / "now.parquet"
    for path, (seed, shift) in zip(paths, ((1, 0.0), (2, 0.25)), strict=True):
        pq.write_table(rows(seed, shift), path)
    assert lee("profile", paths[0]).exit_code == 0
    return paths


def verdicts(found: Comparison) -> dict[str, Verdict]:
    return {column.column: column.verdict for column in found.columns}


@pytest.mark.parametrize("sides", ["profile and rows", "rows and profile", "two profiles"])
def test_a_profile_gives_the_verdicts_that_its_rows_give(files, sides: str) -> None:
    then, now = files
    whole = compared_rows(JobOfRows(reference=source(then), current=source(now), asked=Asked()))
    like = then.with_name("then.profile.json")
    if sides == "profile and rows":
        first, second = like, now
    elif sides == "rows and profile":
        lee("profile", now)
        first, second = then, now.with_name("now.profile.json")
    else:
        lee("profile", now, "--like", like)
        first, second = like, now.with_name("now.profile.json")
    found = profiled.compared(Job(reference=first, current=second, asked=Asked()))
    assert verdicts(found) == verdicts(whole)
    assert found.verdict is Verdict.FAILED
    assert (found.rows, found.rule) == (whole.rows, whole.rule)
    for one, other in zip(found.columns, whole.columns, strict=True):
        assert [f.detector for f in one.findings] == [f.detector for f in other.findings]
        for a, b in zip(one.findings, other.findings, strict=True):
            if a.interval is not None and b.statistic is not None:
                assert a.interval.low - 1e-9 <= b.statistic <= a.interval.high + 1e-9
            elif sides != "rows and profile":
                assert a.statistic == pytest.approx(b.statistic, rel=1e-9), (a.column, a.detector)


def test_columns_that_one_side_lacks_and_other_kinds_are_told(tmp_path: Path, files) -> None:
    then, _ = files
    other = tmp_path / "other.csv"
    other.write_text("price,town,new\n" + "1.5,Ulm,1\n" * 50)
    like = then.with_name("then.profile.json")
    found = profiled.compared(Job(reference=like, current=other, asked=Asked()))
    assert {c.column: str(c.verdict) for c in found.columns if c.column in {"rooms", "day"}} == {
        "rooms": "failed", "day": "failed"}  # fmt: skip
    assert any("columns that the profile lacks: new" in note for note in found.notes)
    texts = tmp_path / "texts.parquet"
    pq.write_table(pa.table({"price": ["a", "b"] * 50}), texts)
    lee("profile", texts)
    found = profiled.compared(
        Job(reference=like, current=tmp_path / "texts.profile.json", asked=Asked(),
            columns=("price",))
    )  # fmt: skip
    assert [(str(c.verdict), c.note) for c in found.columns] == [
        ("failed", "is numeric in the reference and categorical in the current profile")]  # fmt: skip


def test_thresholds_are_judged_against_the_bounds(files) -> None:
    then, now = files
    like = then.with_name("then.profile.json")

    def ks(limit: float) -> str:
        found = profiled.compared(
            Job(reference=like, current=now, columns=("price",),
                asked=Asked(detectors=("ks", "mmd"), thresholds={"ks": limit}))
        )  # fmt: skip
        assert found.notes == ("mmd: not available from a profile, for it needs rows",)
        [finding] = found.columns[0].findings
        assert finding.threshold == limit
        return str(finding.verdict)

    whole = profiled.compared(Job(reference=like, current=now, asked=Asked()))
    bounds = next(f for f in whole.columns[0].findings if f.detector == "ks").interval
    assert ks(bounds.low - 0.001) == "failed"
    assert ks((bounds.low + bounds.high) / 2) == "inconclusive"
    assert ks(bounds.high + 0.001) == "passed"


def test_what_cannot_be_compared_is_said(files, tmp_path: Path) -> None:
    then, _ = files
    like = then.with_name("then.profile.json")
    other, empty = tmp_path / "other.csv", tmp_path / "empty.csv"
    other.write_text("x\n1\n")
    empty.write_text("price,rooms\n")
    wrong = (
        (Job(reference=like, current=other, asked=Asked()), "none of the profile's columns"),
        (Job(reference=like, current=then, asked=Asked(), columns=("pric",)), "did you mean price"),
        (Job(reference=like, current=then, asked=Asked(), salt=b"x"), "leave --salt out"),
        (Job(reference=like, current=like, asked=Asked(), columns=("price",),
             drop=frozenset({"price"})), "no column is left"),
    )  # fmt: skip
    for job, said in wrong:
        with pytest.raises(BadInput, match=said):
            profiled.compared(job)


def test_the_command_takes_a_profile_on_either_side(files) -> None:
    then, now = files
    like = then.with_name("then.profile.json")
    found = lee("compare", like, now, "--json")
    assert found.exit_code == 3
    document = json.loads(found.stdout)
    assert document["rows"] == {"reference": ROWS, "current": ROWS}
    ks = next(f for f in document["columns"][0]["findings"] if f["detector"] == "ks")
    assert ks["interval"]["low"] <= ks["statistic"] <= ks["interval"]["high"]
    assert lee("compare", like, then).exit_code == 0
    hidden = then.with_name("hidden.profile.json")
    lee("profile", then, "--salt", "long secret", "-o", hidden)
    assert lee("compare", hidden, then, "--salt", "long secret").exit_code == 0
    assert "--salt" in lee("compare", hidden, then).stderr


def test_levels_that_are_not_all_counted_differ_by_at_least_so_much() -> None:
    found = {}
    for size in (1_000, 3_000):
        then, now = (
            column(levels([f"n{first + at}" for at in range(size)] * 2)) for first in (0, size // 2)
        )
        found[size] = of_profiles(then, now)
    whole, sketched = found[1_000], found[3_000]
    assert (whole.apart, whole.at_least) == (pytest.approx(0.5), False)
    assert 0.0 < sketched.apart < 0.5
    assert sketched.at_least
    assert said(sketched) == f"at least {sketched.apart:.2g} of rows in other levels"
    assert said(whole) == "0.5 of rows in other levels"


def said(found: Levels) -> str:
    return words(ComparedColumn(
        column="x", kind=Kind.CATEGORICAL, verdict=Verdict.PASSED, reference=None, current=None,
        findings=(), levels=found,
    ))  # fmt: skip

"""Detectors of other packages: found by name, loaded when named, believed only when right."""

import doctest
import math
import runpy
import sys
import tomllib
from pathlib import Path

import msgspec
import numpy as np
import pytest

from controlplane.domain.errors import ModelFileErrors
from controlplane.monitor import installed
from controlplane.monitor.installed import entry_of, nameable
from controlplane.monitor.showing import Shown, shown
from controlplane.policy.model_file import Known, parse
from controlplane.policy.plan import changes_between
from controlplane.policy.writing import document
from detectors.entry import Entry
from detectors.finding import Finding, Kind, Verdict
from detectors.foreign import checked
from tests.columns import booleans, levels, numeric

EXAMPLE = Path(__file__).parents[2] / "examples" / "detector_tail_share"
GOOD = Finding(column="x", detector="mine", verdict=Verdict.INCONCLUSIVE, reason="shown")
BASE = "model: m\ntask: regression\nlabel: y\n"


def changed(**fields):
    return msgspec.structs.replace(GOOD, **fields)


def raising():
    raise ZeroDivisionError("float\n   division")


WRONG = {
    "an exception": (raising, "mine raised ZeroDivisionError: float division"),
    "nothing": (lambda: None, "mine gave a NoneType; expected a Finding or a list of them"),
    "a number": (lambda: 0.5, "mine gave a float; expected a Finding or a list of them"),
    "a wrong list": (lambda: [GOOD, 1], "mine gave a int; expected a Finding or a list of them"),
    "another name": (lambda: changed(detector="ks"), "mine gave a finding of 'ks'"),
    "another column": (lambda: changed(column="z"), "was asked about x and gave a finding of 'z'"),
    "NaN": (lambda: changed(statistic=math.nan), "mine gave nan as its statistic"),
    "infinity": (lambda: changed(effect=-math.inf), "mine gave -inf as its effect"),
    "a text": (lambda: changed(p_value="low"), "mine gave 'low' as its p_value"),
    "a flag": (lambda: changed(threshold=True), "mine gave True as its threshold"),
    "rows": (lambda: changed(rows=1.5), "mine gave rows that are no whole numbers"),
    "a verdict": (lambda: changed(verdict="drift"), "mine gave 'drift' as its verdict"),
    "no reason": (lambda: changed(reason=None), "the verdict inconclusive without a reason"),
    "a strange reason": (lambda: changed(reason=3), "the verdict inconclusive without a reason"),
}


@pytest.mark.parametrize("case", list(WRONG))
def test_a_wrong_answer_is_an_error_that_says_what_was_wrong(case) -> None:
    ask, words = WRONG[case]
    [found] = checked("mine", "x", ask)
    assert (found.detector, found.column, found.verdict) == ("mine", "x", Verdict.ERROR)
    assert words in found.reason


def test_right_answers_are_kept_as_they_are_and_long_reasons_shortened() -> None:
    failed = changed(verdict=Verdict.FAILED, statistic=np.float64(2.0), reason=None)
    assert checked("mine", "x", lambda: failed) == [failed]
    assert checked("mine", "x", lambda: (GOOD, GOOD)) == [GOOD, GOOD]
    assert checked("mine", "x", list) == []

    def shouting():
        raise ValueError("no " * 400)

    assert len(checked("mine", "x", shouting)[0].reason) == 300
    with pytest.raises(KeyboardInterrupt):
        checked("mine", "x", lambda: (_ for _ in ()).throw(KeyboardInterrupt()))


@pytest.fixture
def packages(tmp_path, monkeypatch):
    """Offer entry points as an installed package does, without installing one."""
    entry_of.cache_clear()

    def install(package, points, code=None):
        info = tmp_path / f"{package}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        lines = [f"{name} = {target}" for name, target in points.items()]
        (info / "entry_points.txt").write_text("\n".join(["[leeboard.detectors]", *lines, ""]))
        if code is not None:
            (tmp_path / f"{package}.py").write_text(code)

    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.syspath_prepend(str(EXAMPLE))
    yield install
    entry_of.cache_clear()
    for name in [n for n in sys.modules if n.startswith(("leeboard_tail_share", "foreign_"))]:
        del sys.modules[name]


def test_the_example_is_found_by_its_name_and_loaded_only_when_named(packages) -> None:
    packages("leeboard_tail_share", {"tail_share": "leeboard_tail_share:ENTRY"})
    assert "tail_share" in nameable()
    assert "leeboard_tail_share" not in sys.modules
    entry = entry_of("tail_share")
    assert isinstance(entry, Entry)
    assert "leeboard_tail_share" in sys.modules
    generator = np.random.default_rng(1)
    columns = {"wait": numeric(generator.exponential(size=400), "wait"), "c": levels(["a"] * 400)}
    found = [
        f
        for f in shown(Shown(reference=columns, window=columns, features=[], asked=["tail_share"]))
        if f.detector == "tail_share"
    ]
    assert [(f.column, f.reason) for f in found] == [("wait", "shown")]


def test_the_example_passes_its_own_tests(packages) -> None:
    import leeboard_tail_share  # noqa: PLC0415 - it is there because of the fixture

    assert doctest.testmod(leeboard_tail_share) == (0, 3)
    tests = runpy.run_path(str(EXAMPLE / "tests" / "test_tail_share.py"))
    names = [name for name in tests if name.startswith("test_")]
    assert len(names) == 2
    for name in names:
        tests[name]()


def test_the_example_says_in_its_metadata_what_the_server_looks_for() -> None:
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    assert project["entry-points"] == {installed.GROUP: {"tail_share": "leeboard_tail_share:ENTRY"}}


def test_what_cannot_be_loaded_says_why(packages) -> None:
    packages(
        "foreign_broken",
        {
            "gone": "foreign_nowhere:ENTRY",
            "bare": "foreign_broken:LATER",
            "dies": "foreign_dies:ENTRY",
        },
        "LATER = 7\n",
    )
    packages(
        "foreign_dies", {"dies_too": "foreign_dies:ENTRY"}, "raise RuntimeError('no licence')\n"
    )
    assert "ModuleNotFoundError: No module named 'foreign_nowhere'" in entry_of("gone")
    assert entry_of("bare") == (
        "bare is a int at foreign_broken:LATER; expected a detectors.entry.Entry"
    )
    assert "RuntimeError: no licence" in entry_of("dies")
    assert "absent is not installed; install its package beside the server" in entry_of("absent")
    columns = {"x": numeric(np.arange(50.0))}
    found = shown(Shown(reference=columns, window=columns, features=[], asked=["gone", "absent"]))
    errors = [f for f in found if f.verdict is Verdict.ERROR]
    assert [(f.detector, f.column) for f in errors] == [("gone", "*"), ("absent", "*")]


def test_a_name_is_one_packages_and_ours_stay_ours(packages) -> None:
    packages("foreign_one", {"twice": "foreign_one:E", "ks": "foreign_one:E"}, "E = 1\n")
    packages("foreign_two", {"twice": "foreign_two:E"}, "E = 1\n")
    assert "twice is offered more than once: foreign_one:E, foreign_two:E" in entry_of("twice")
    assert entry_of("ks").function.__module__ == "detectors.ks"
    assert entry_of("volume") == "volume is not a detector to be named"
    assert "foreign_one" not in sys.modules
    assert installed.GROUP == "leeboard.detectors"


def test_a_foreign_detector_that_fails_on_one_column_leaves_the_others(packages) -> None:
    packages(
        "foreign_fussy",
        {"fussy": "foreign_fussy:ENTRY", "wide": "foreign_fussy:WIDE"},
        "from detectors.entry import NUMBERS, Entry\n"
        "from detectors.answers import unjudged\n"
        "def fussy(reference, sample):\n"
        "    if sample.column == 'x':\n"
        "        raise KeyError('x')\n"
        "    return unjudged('fussy', sample.column, 'shown')\n"
        "def wide(reference, window):\n"
        "    return unjudged('wide', '*', f'{reference.rows} and {window.rows}')\n"
        "ENTRY = Entry(function=fussy, kinds=NUMBERS, says='Fussy.')\n"
        "WIDE = Entry(function=wide, of_table=True, says='Wide.')\n",
    )
    columns = {name: numeric(np.arange(50.0), name) for name in ("x", "y")}
    found = shown(
        Shown(reference=columns, window=columns, features=["x", "y"], asked=["fussy", "wide"])
    )
    mine = {(f.detector, f.column): (f.verdict, f.reason) for f in found}
    assert mine["fussy", "x"] == (Verdict.ERROR, "fussy raised KeyError: 'x'")
    assert mine["fussy", "y"] == (Verdict.INCONCLUSIVE, "shown")
    assert mine["wide", "*"] == (Verdict.INCONCLUSIVE, "50 and 50")


def test_ours_are_computed_where_they_are_named_and_never_twice() -> None:
    generator = np.random.default_rng(3)
    columns = {
        "x": numeric(generator.normal(size=200)), "c": levels(list("ab") * 100),
        "b": booleans([True, False] * 100), "score": numeric(generator.normal(size=200), "score"),
    }  # fmt: skip
    asked = ["mann_whitney", "g_test", "ks", "c2st"]
    found = shown(Shown(reference=columns, window=columns, features=["x", "c", "b"], asked=asked))
    by_name = [(f.detector, f.column) for f in found]
    assert len(by_name) == len(set(by_name))
    assert {n for n, c in by_name if c == "*"} == {"mmd", "reconstruction", "c2st"}
    assert {c for n, c in by_name if n == "mann_whitney"} == {"x", "score"}
    assert {c for n, c in by_name if n == "g_test"} == {"c", "b"}
    plain = shown(Shown(reference=columns, window=columns, features=["x", "c", "b"]))
    assert {(f.detector, f.column) for f in plain} < {*by_name}
    assert next(f for f in plain if f.detector == "mmd").statistic == pytest.approx(0.0, abs=1e-12)


def test_a_model_file_names_detectors_that_are_there() -> None:
    text = f"{BASE}monitors: {{drift: {{detectors: [mann_whitney, c2st]}}}}\n"
    known = Known(detectors=frozenset({"mann_whitney", "c2st"}))
    policy = parse(text, source="m.yaml", known=known)
    assert policy.monitors.drift.detectors == ("mann_whitney", "c2st")
    assert document(policy)["monitors"]["drift"]["detectors"] == ["mann_whitney", "c2st"]
    assert parse(BASE, source="m.yaml").monitors.drift.detectors == ()
    assert "detectors" not in document(parse(BASE, source="m.yaml"))["monitors"]["drift"]
    with pytest.raises(ModelFileErrors) as raised:
        parse(text.replace("c2st", "c2ts"), source="m.yaml", known=known)
    assert str(raised.value) == (
        "m.yaml:4:46: monitors.drift.detectors[1] is c2ts; expected a detector that is there or "
        "installed beside the server (c2st, mann_whitney) (did you mean c2st?)"
    )
    [change] = [
        line
        for line in changes_between(
            policy, parse(text.replace("detectors: [mann_whitney, c2st]", ""), source="m.yaml")
        )
        if "detectors" in line
    ]
    assert "none further" in change


def test_every_name_that_may_be_given_has_its_line() -> None:
    for name in sorted(nameable()):
        entry = entry_of(name)
        assert isinstance(entry, Entry), name
        assert entry.of_table or set(entry.kinds) <= set(Kind), name

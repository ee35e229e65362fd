"""A model's predictions and labels in the two files that are compared."""

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from controlplane.cli import render
from tests.outline import Outline

ROWS = 800
EVIL = "</script><b>yes</b>"


def rows(seed, *, flipped=0.0, words=("no", "yes")) -> pa.Table:
    """Features as they were, whose labels follow them; a share of the labels is drawn anew."""
    generator = np.random.default_rng(seed)
    x = generator.normal(size=ROWS)
    score = 1.0 / (1.0 + np.exp(-2.0 * x))
    truth = generator.random(ROWS) < np.where(generator.random(ROWS) < flipped, 0.5, score)
    amount = 10.0 + 3.0 * x + generator.normal(size=ROWS) * (1.0 + 3.0 * flipped)
    kind = np.array(["a", "b", "c"])
    return pa.table({
        "x": x, "label": pa.array(np.array(words)[truth.astype(int)].tolist()), "said": (score >= 0.5).astype(int),
        "score": score, "amount": amount, "guess": 10.0 + 3.0 * x,
        "kind": kind[np.digitize(x + generator.normal(size=ROWS) * flipped, [-0.5, 0.5])],
        "kind_said": kind[np.digitize(x, [-0.5, 0.5])],
    })  # fmt: skip


@pytest.fixture
def compare(tmp_path, lee):
    """Two tables compared by a command line's words."""

    def run(before, now, *words):
        for name, table in (("a", before), ("b", now)):
            pq.write_table(table, tmp_path / f"{name}.parquet")
        return lee("compare", *(str(tmp_path / f"{name}.parquet") for name in "ab"), *words)

    return run


BINARY = ("--label", "label", "--score", "score", "--positive", "yes", "--columns", "x,score")
NUMBERS = ("--label", "amount", "--prediction", "guess", "--columns", "x,guess")
CLASSES = ("--label", "kind", "--prediction", "kind_said", "--columns", "x")


@pytest.mark.parametrize(
    ("words", "loss"), [(BINARY, "log_loss"), (NUMBERS, "mae"), (CLASSES, "error")],
    ids=["binary", "regression", "multiclass"],
)  # fmt: skip
def test_a_model_that_got_worse_fails_though_no_column_does(compare, words, loss) -> None:
    worse = compare(rows(1), rows(2, flipped=0.6), *words)
    same = compare(rows(1, flipped=0.3), rows(2, flipped=0.3), *words)

    assert (worse.exit_code, same.exit_code) == (3, 0)
    heading = worse.stdout.splitlines()[1]
    assert f"0 of {len(words[-1].split(','))} columns failed, the model's {loss} failed" in heading
    line = next(each for each in worse.stdout.splitlines() if each.startswith(f"{loss} "))
    assert line.endswith("worse")
    assert "failed" not in same.stdout.splitlines()[0]


def test_the_document_has_the_figures_where_a_model_was_named(compare) -> None:
    asked = msgspec.json.decode(compare(rows(1), rows(2, flipped=0.6), *BINARY, "--json").stdout)
    plain = msgspec.json.decode(compare(rows(1), rows(2), "--label", "label", "--json").stdout)

    assert "quality" not in plain
    quality = asked["quality"]
    assert (quality["task"], quality["positive"]) == ("binary", "yes")
    assert quality["rows"] == {"reference": ROWS, "current": ROWS}
    assert quality["finding"]["verdict"] == asked["verdict"] == "failed"
    auc = next(one for one in quality["figures"] if one["metric"] == "roc_auc")
    assert auc["says"] == "worse"
    assert auc["interval"]["high"] < 0.0


@pytest.mark.parametrize("words", [("no", "yes"), (False, True), (0, 1), (0.0, 1.0), ("0", "1")],
                         ids=["text", "truths", "whole", "floats", "digits"])  # fmt: skip
def test_labels_and_predictions_meet_however_they_are_written(compare, words) -> None:
    tables = [rows(seed, words=words) for seed in (1, 2)]
    if words == ("no", "yes"):
        said = [pa.array(np.array(words)[t["said"].to_numpy()].tolist()) for t in tables]
        tables = [t.set_column(2, "said", column) for t, column in zip(tables, said, strict=True)]
    found = compare(*tables, "--label", "label", "--prediction", "said", "--json")

    figures = {
        one["metric"]: one for one in msgspec.json.decode(found.stdout)["quality"]["figures"]
    }
    assert figures["accuracy"]["reference"]["value"] > 0.7


def test_a_score_of_the_other_class_and_a_stretch_of_one_class(compare) -> None:
    one = rows(2)
    one = one.filter(pc.equal(one["label"], "no"))
    other = [
        t.set_column(3, "score", pa.array(1.0 - t["score"].to_numpy())) for t in (rows(1), one)
    ]
    turned = compare(
        *other, "--label", "label", "--score", "no=score", "--positive", "yes", "--json"
    )

    figures = {f["metric"]: f for f in msgspec.json.decode(turned.stdout)["quality"]["figures"]}
    assert figures["roc_auc"]["reference"]["value"] > 0.7
    assert figures["roc_auc"]["current"]["value"] is None
    assert figures["roc_auc"]["current"]["reason"] == "every label is negative"


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("--prediction", "said"), 2, "expected --label"),
        (("--label", "lable", "--prediction", "said"), 2, "did you mean label?"),
        (("--label", "label", "--score", "perhaps=score"), 1, "the classes of 'label' are no, yes"),
        (("--label", "kind", "--score", "score"), 1, "expected CLASS=score"),
        (("--label", "amount", "--score", "score"), 1, "whose labels are numbers"),
        (
            ("--label", "label", "--score", "score", "--score", "x"),
            2,
            "--score score and --score x",
        ),
        (
            ("--label", "label", "--score", "score", "--score", "yes=x"),
            1,
            "another one of class 'yes'",
        ),
    ],
    ids=["no label", "slip", "no class", "which class", "numbers", "two scores", "two of a class"],
)
def test_what_no_model_can_be_is_said(compare, words, code, says) -> None:
    found = compare(rows(1), rows(2), *words)

    assert found.exit_code == code
    assert says in found.stderr


@pytest.mark.parametrize(
    "words", [BINARY, NUMBERS, CLASSES], ids=["binary", "regression", "multiclass"]
)
def test_the_page_draws_the_model_and_escapes_its_classes(compare, tmp_path, words) -> None:
    tables = [rows(1), rows(2, flipped=0.6)]
    if words == BINARY:
        tables = [rows(seed, words=("no", EVIL)) for seed in (1, 2)]
        words = ("--label", "label", "--score", "score", "--positive", EVIL)
    compare(*tables, *words, "--html", str(tmp_path / "drift.html"))

    page = (tmp_path / "drift.html").read_text()
    drawn = Outline(page)
    said = " ".join(drawn.words)
    assert "The model" in said
    assert "<b>yes" not in page
    pictures = [attrs.get("aria-label") for attrs in drawn.of("svg")]
    if "Confusion" in said:
        assert ("ROC curves" in pictures) == ("--score" in words)
    else:
        assert "prediction over label, reference" in pictures


def test_files_as_tables_and_pairs_that_came_apart_are_told(compare, tmp_path) -> None:
    generator = np.random.default_rng(4)
    before, now = (rows(seed).select(["x", "score"]) for seed in (1, 2))
    now = now.set_column(1, "score", pa.array(generator.permutation(now["score"].to_numpy())))
    before, now = (
        t.append_column("still", pa.array([7] * ROWS)).append_column("same", t["x"])
        for t in (before, now)
    )
    now = pa.concat_tables([now.slice(0, 600), now.slice(0, 200)])
    found = compare(before, now, "--html", str(tmp_path / "drift.html"))

    assert found.exit_code == 0
    assert "x and score 1.00 → " in found.stdout
    assert (
        "200 rows of the current file (25.0%) say in every column what an earlier one"
        in found.stdout
    )
    said = " ".join(Outline((tmp_path / "drift.html").read_text()).words)
    assert "1: still" in said
    assert "1: x = same" in said
    assert "200 (25" in said


@pytest.mark.parametrize("wide", [80, 120])
def test_the_figures_fit_a_terminal(compare, monkeypatch, wide) -> None:
    monkeypatch.setattr(render, "width", lambda: wide)

    lines = compare(rows(1), rows(2, flipped=0.6), *BINARY).stdout.splitlines()

    figures = lines[next(at for at, each in enumerate(lines) if each.startswith("The model")) :]
    assert max(map(render.shown, figures)) <= wide
    log_loss = next(each for each in figures if each.startswith("log_loss"))
    assert log_loss.count("[") == (3 if wide > 80 else 1)

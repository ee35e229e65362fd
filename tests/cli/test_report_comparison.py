"""The HTML report of a comparison: one file, everything in it, nothing of the data as markup."""

import re

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from controlplane.cli.report import plots
from controlplane.cli.report.comparison import effect_of, page
from controlplane.cli.report.plots import round_marks, shares_of
from controlplane.cli.report.words import chance, count, figure, share
from detectors.comparison.result import (
    QUANTILES,
    ComparedColumn,
    Comparison,
    Histogram,
    Levels,
    Rows,
    Segment,
    Side,
)
from detectors.finding import Basis, Finding, Kind, Verdict
from tests.outline import Outline

EVIL = "</script><img src=x onerror=alert(1)> & 'quotes\""


def finding(column: str, verdict: Verdict, **facts: object) -> Finding:
    told = {"detector": "jensen_shannon", "statistic": 0.3, "rows": 50, "rows_reference": 100}
    return Finding(column=column, verdict=verdict, **{**told, **facts})


def numeric(name: str, verdict: Verdict, moved: float = 0.4) -> ComparedColumn:
    edges = tuple(np.linspace(-1.0, 1.0, 5).tolist())
    found = (
        finding(
            name, Verdict.INCONCLUSIVE, detector="wasserstein", statistic=moved, reason="shown"
        ),
        finding(name, verdict, threshold=0.1, basis=Basis.PROVISIONAL),
    )
    side = Side(rows=100, missing=3, mean=0.5, std=1.0, minimum=-1.0, maximum=9.0,
                quantiles=tuple(range(len(QUANTILES))))  # fmt: skip
    return ComparedColumn(
        column=name, kind=Kind.NUMERIC, verdict=verdict, reference=side, current=side,
        findings=found, histogram=Histogram(
            edges=edges, reference=(10, 20, 30, 37), current=(1, 2, 3, 4), above=Rows(0, 5),
        ),
    )  # fmt: skip


def levels(name: str, level: str) -> ComparedColumn:
    return ComparedColumn(
        column=name, kind=Kind.CATEGORICAL, verdict=Verdict.PASSED,
        reference=Side(rows=10, missing=0, distinct=2), current=None, findings=(),
        levels=Levels(names=(level,), reference=(7,), current=(0,), others=Rows(3, 0)),
        note=f"the current has no column {name}",
    )  # fmt: skip


def comparison(*columns: ComparedColumn, **more: object) -> Comparison:
    return Comparison(
        reference="before.parquet", current="after.csv", rows=Rows(100, 50),
        verdict=Verdict.FAILED, columns=columns, rule="By the distance.", **more,
    )  # fmt: skip


def written(found: Comparison) -> tuple[str, Outline]:
    text = page(found, seconds=0.5, made_at="2026-01-02 03:04 UTC")
    return text, Outline(text)


def test_nothing_is_fetched() -> None:
    text, outline = written(comparison(numeric("temp", Verdict.FAILED)))
    assert not re.search(r"(src|href)=\"(?!#)", text)
    assert "http" not in text.replace("http-equiv", "")
    assert "url(" not in text
    [policy] = [m for m in outline.of("meta") if m.get("http-equiv")]
    assert "default-src 'none'" in (policy["content"] or "")


def test_whatever_the_data_hold_is_text() -> None:
    evil = comparison(
        numeric(EVIL, Verdict.FAILED), levels("sky", EVIL), notes=(EVIL,),
        findings=(finding("*", Verdict.FAILED, detector=EVIL),),
    )  # fmt: skip
    evil = msgspec.structs.replace(evil, reference=EVIL, rule=EVIL)
    _, outline = written(evil)
    assert len(outline.of("script")) == 1
    assert outline.of("img") == []
    assert EVIL in " ".join(outline.words)


def test_every_column_has_a_line_and_a_sheet_what_drifted_most_first() -> None:
    found = comparison(
        numeric("calm", Verdict.PASSED), numeric("wild", Verdict.FAILED), levels("sky", "grey"),
        numeric("odd", Verdict.INCONCLUSIVE),
    )  # fmt: skip
    _, outline = written(found)
    named = [attrs["data-name"] for attrs in outline.of("tr") if "data-name" in attrs]
    assert named == ["wild", "odd", "calm", "sky"]
    assert len(outline.of("details")) == 4
    assert [attrs["id"] for attrs in outline.of("details") if "open" in attrs] == ["c1"]


def test_plots_say_what_they_show_and_lie_within_their_frame() -> None:
    text, outline = written(comparison(numeric("temp", Verdict.FAILED), levels("sky", "grey")))
    assert all(attrs["aria-label"] for attrs in outline.of("svg"))
    assert len(outline.of("svg")) == 4
    for numbers in re.findall(r'points="([^"]+)"', text):
        for x, y in (pair.split(",") for pair in numbers.split()):
            assert 0.0 <= float(x) <= 640.0
            assert 0.0 <= float(y) <= 220.0
    assert "Outside the plot: 0 values of the reference, 5 of the current" in text


def test_segments_are_listed_with_what_drifted_in_them() -> None:
    part = comparison(numeric("temp", Verdict.FAILED))
    found = comparison(numeric("temp", Verdict.PASSED), segments=(Segment(column="sky", level="grey", comparison=part),))  # fmt: skip
    text, _ = written(found)
    assert "sky = grey" in text
    assert "1 of 1" in text


def test_a_side_that_is_not_there_is_a_dash() -> None:
    text, _ = written(comparison(levels("sky", "grey")))
    assert "the current has no column sky" in text
    assert re.search(r"<td>rows</td><td[^>]*>10</td><td[^>]*>–</td>", text)


def test_a_report_names_files_and_not_where_they_lie() -> None:
    apart = msgspec.structs.replace(comparison(), reference="/home/ada/a.csv", current="b.csv")
    text, _ = written(apart)
    assert "a.csv" in text
    assert "/home/ada" not in text
    alike = msgspec.structs.replace(comparison(), reference="may/a.csv", current="june/a.csv")
    assert "may/a.csv" in written(alike)[0]


def test_no_columns_at_all_is_still_a_page() -> None:
    text, _ = written(comparison())
    assert "0 of 0" in text


@pytest.mark.parametrize(
    ("told", "expected"),
    [(figure(None), "–"), (figure(-0.00012345), "-0.0001234"), (figure(float(10**16)), "1e+16"),
     (share(None), "–"), (share(0.5), "50\N{NO-BREAK SPACE}%"), (count(1234567), "1,234,567"), (count(None), "–"),
     (chance(0.0), "<1e-99"), (chance(0.0123456), "0.0123")],
    ids=range(9),
)  # fmt: skip
def test_figures_are_told_with_the_digits_that_matter(told: str, expected: str) -> None:
    assert told == expected


def test_numbers_move_by_standard_deviations_and_levels_by_a_distance() -> None:
    assert effect_of(numeric("x", Verdict.FAILED, 0.4)) == ("moved by 0.4 sd", 0.3)
    bare = msgspec.structs.replace(levels("x", "a"), findings=(finding("x", Verdict.FAILED),))
    assert effect_of(bare) == ("distance 0.3", 0.3)
    assert effect_of(levels("x", "a")) == ("–", 0.0)


def test_marks_are_round_and_shares_of_nothing_are_nothing() -> None:
    assert round_marks(0.0, 0.9) == [0.0, 0.2, 0.4, 0.6, 0.8]
    assert round_marks(1.0, 1.0) == [1.0]
    assert shares_of([0, 0], [], (0, 0)).greatest == 1.0


def test_compare_writes_the_report_beside_its_answer(tmp_path, lee) -> None:
    rows = np.random.default_rng(3).normal(size=400)
    for name, shift in (("before", 0.0), ("after", 1.0)):
        pq.write_table(pa.table({"temp": rows + shift}), tmp_path / f"{name}.parquet")
    asked = [str(tmp_path / "before.parquet"), str(tmp_path / "after.parquet")]
    found = lee("compare", *asked, "--html", str(tmp_path / "drift.html"), "--json")
    assert found.exit_code == 3
    assert msgspec.json.decode(found.stdout)["verdict"] == "failed"
    assert f"wrote {tmp_path / 'drift.html'}" in found.stderr
    outline = Outline((tmp_path / "drift.html").read_text(encoding="utf-8"))
    assert "temp" in outline.words


def test_a_report_that_cannot_be_written_is_a_sentence(tmp_path, lee) -> None:
    pq.write_table(pa.table({"temp": [1.0, 2.0]}), tmp_path / "rows.parquet")
    asked = [str(tmp_path / "rows.parquet")] * 2
    found = lee("compare", *asked, "--html", str(tmp_path / "nowhere" / "drift.html"))
    assert found.exit_code == 1
    assert "nowhere" in found.stderr


def test_the_course_of_a_column_lies_within_its_frame_and_breaks_where_nothing_is_known() -> None:
    drawn = str(plots.strip((1.0, 2.5, None, 9.0), (1.5, 0.5), says="x over its rows"))
    lines = re.findall(r'points="([^"]+)"', drawn)
    points = [tuple(map(float, pair.split(","))) for line in lines for pair in line.split()]

    assert len(lines) == 2
    assert all(44.0 <= x <= 632.0 and 0.0 <= y <= 64.0 for x, y in points)
    assert points[0][1] > points[1][1] > points[2][1]
    band = re.search(r'<rect class="reference"[^>]* y="([\d.]+)"[^>]* height="([\d.]+)"', drawn)
    assert band is not None
    top, height = map(float, band.groups())
    assert top <= points[0][1] <= top + height
    assert not top <= points[2][1] <= top + height


@pytest.mark.parametrize(
    ("means", "usual"),
    [((1.0, 1.0), (1.0, 0.0)), ((None, None), (2.0, 0.0)), ((1e308, -1e308), (0.0, 1.0))],
    ids=["still", "unknown", "endless"],
)
def test_a_course_without_any_height_is_not_drawn(means, usual) -> None:
    assert plots.strip(means, usual, says="x") == ""


def test_the_sheet_of_a_column_shows_its_course_below_its_plot() -> None:
    column = msgspec.structs.replace(numeric("temp", Verdict.FAILED), course=(0.1, 0.2, 0.4))
    text, _ = written(comparison(column))
    assert "Mean of the current in 3 blocks of rows" in text
    assert "mean of temp in blocks of rows" in text


def test_marks_of_small_shares_have_the_room_that_they_need() -> None:
    """Of very many bins a share is a small number, and small numbers are long."""
    found = Histogram(
        edges=(0.0, 1.0, 2.0), reference=(1, 1), current=(1, 1),
        below=Rows(3_000_000, 3_000_000),
    )  # fmt: skip
    drawn = plots.histogram(found, says="")
    places = re.findall(
        r'<text class="mark" x="([0-9.]+)" y="[0-9.]+" text-anchor="end">([^<]+ %)<', drawn
    )
    longest = max(len(name) for _, name in places)
    assert longest > 6
    assert all(float(x) >= len(name) * plots.DIGIT_WIDTH for x, name in places)

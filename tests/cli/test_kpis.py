"""Business metrics from a file, and where they are seen."""

import json

import pytest


@pytest.fixture(autouse=True)
def _without_those_before(served):
    """No KPI that a test before sent."""
    served.store.write(lambda t: t.events.kpis.drop("bikes")).result()


def test_a_file_of_kpis_is_sent_and_seen_with_the_model(lee, tmp_path) -> None:
    file = tmp_path / "revenue.csv"
    file.write_text("day,metric,euros,country\n2023-12-01,007,5.5,PT\n2023-12-02,007,7,PT\n")
    words = ("log", file, "--model", "bikes", "--kpis", "--time", "day", "--name", "metric",
             "--value", "euros")  # fmt: skip
    done = lee(*words)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("kpis of bikes: 2 rows are stored, 0 of them were already")
    again = json.loads(lee(*words, "--json").stdout)
    assert again["accepted"] + again["duplicates"] == 2
    assert again["unknown_columns"] == {}
    seen = lee("status", "bikes").stdout
    assert "KPI 007" in seen
    assert "7 at 2023-12-02" in seen
    [kpi] = json.loads(lee("status", "bikes", "--json").stdout)["kpis"]
    assert (kpi["name"], kpi["values"], kpi["last_value"]) == ("007", 2, 7)


def test_a_file_without_what_a_kpi_needs_is_asked_for_by_name(lee, tmp_path) -> None:
    file = tmp_path / "revenue.csv"
    file.write_text("at,name,euros\n2023-12-01,revenue,5.5\n")
    done = lee("log", file, "--model", "bikes", "--kpis")
    assert done.exit_code == 2
    assert "there is no column 'value'; say --value with one of: at, name, euros" in done.output
    past = lee("log", file, "--model", "bikes", "--kpis", "--value", "euros", "--history")
    assert past.exit_code == 2
    assert "has no history" in past.output


def test_a_day_that_is_none_is_told_as_the_file_has_it(lee, tmp_path) -> None:
    file = tmp_path / "revenue.csv"
    file.write_text("name,day,euros\nrevenue,2023-12-01,5\nrevenue,2023-12-02,6\nrevenue,soon,7\n")
    words = ("log", file, "--model", "bikes", "--kpis", "--time", "day", "--value", "euros")
    done = lee(*words)
    assert done.exit_code == 1
    assert "2 rows are stored" in done.stdout
    assert "row 3: day is 'soon'; expected a time" in done.output
    file.write_text("name,day,euros\nrevenue,soon,7\n")
    done = lee(*words)
    assert done.exit_code == 1
    assert "column 'day' holds texts such as 'soon'; expected dates" in done.output
    assert "--time" not in done.output

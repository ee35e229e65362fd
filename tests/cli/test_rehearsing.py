"""`leeboard rehearse`: a report card out of what the server answers, a column at a time."""

import json
from typing import Any

import msgspec
import pytest

from connectors.client import wire
from connectors.client.http import Connection

QUIET = wire.Quiet(windows=20, alarmed=1, expected=0.4, spans=7, worse=0)


def drifted(kind: str, size: float, power: float, **more: Any) -> wire.Drifted:
    return wire.Drifted(
        kind=kind, column="temp", size=size, windows=20, found=round(20 * power), power=power,
        low=max(power - 0.1, 0.0), high=min(power + 0.1, 1.0), delay=1.0 if power else None, **more,
    )  # fmt: skip


def streams(columns: Any) -> wire.RehearsedStream | None:
    """The stream of the model file; the tests that have one say so."""
    return None


@pytest.fixture
def listening(monkeypatch: pytest.MonkeyPatch) -> None:
    """The model has a stream on its errors."""

    def told(columns: Any) -> wire.RehearsedStream:
        drifts = [
            drifted("concept_flip", 0.25, 0.0, unit="of the labels"),
            msgspec.structs.replace(
                drifted("concept_flip", 0.5, 0.3, unit="of the labels", by=["e_sr"]), delay=3.0
            ),
        ]
        return wire.RehearsedStream(
            detector="e_sr", on="error", windows=20, alarmed=1, expected=0.1,
            drifts=drifts if columns else [],
        )  # fmt: skip

    monkeypatch.setitem(globals(), "streams", told)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What the command asked the server for; the server's answers are made up here."""
    calls: list[tuple[Any, ...]] = []

    def rehearse(self, model, columns=None, *, quiet=True, windows=20):
        calls.append((model, list(columns or ()), quiet, windows))
        drifts = [
            drifted("shift", 0.25, 0.4, unit="standard deviations", by=["a1"]),
            drifted("shift", 0.5, 0.95, unit="standard deviations", by=["a1"]),
            drifted("scale", 2.0, 0.1, unit="times the spread"),
            drifted("missing", 0.1, 1.0, unit="of the rows", by=["missing"]),
            drifted("swapped", 0.0, 1.0, other="hum", by=["a1"]),
        ]
        return wire.Rehearsal(
            model=model, version="v3", windows=20, rows=168.0, windows_a_period=12.9,
            false_alarms=1.0, drifts=drifts if columns else [], quiet=QUIET if quiet else None,
            stream=streams(columns),
            notes=["no labelled window of the champion yet"],
        )  # fmt: skip

    monkeypatch.setattr(Connection, "rehearse", rehearse)
    return calls


def test_the_card_names_the_least_size_that_is_found(lee, asked) -> None:
    found = lee("rehearse", "bikes")
    assert found.exit_code == 0
    [line] = [line for line in found.stdout.splitlines() if line.startswith("temp")]
    assert line.split() == ["temp", "0.5", "sd", "blind", "–", "10", "%", "found", "–", "–"]
    assert "no labelled window of the champion yet" in found.stdout
    assert asked == [("bikes", [], True, 20), ("bikes", ["temp"], False, 20)]


def test_it_stands_beside_monitors_that_look_at_nothing(lee, asked) -> None:
    lines = lee("rehearse", "bikes").stdout.splitlines()
    [ours] = [line.split() for line in lines if line.startswith("watch this model")]
    [always] = [line.split() for line in lines if line.startswith("always alarm")]
    [never] = [line.split() for line in lines if line.startswith("never alarm")]
    assert ours[-3:] == ["69%", "1", "0.645"]
    assert always[-3:] == ["100%", "1", "12.9"]
    assert never[-3:] == ["0%", "never", "0"]


def test_a_stream_has_its_own_lines(lee, asked, listening) -> None:
    said = lee("rehearse", "bikes").stdout
    assert "the stream e_sr on error: 1 of 20 windows alarm with nothing sown" in said
    [line] = [line for line in said.splitlines() if "in window 3" in line]
    assert line.split() == ["temp", "50", "%", "in", "window", "3"]
    [beside] = [line for line in said.splitlines() if line.startswith("listen: e_sr on error")]
    assert beside.split()[-3:] == ["15%", "never", "0.645"]
    assert "30% [20%, 40%]" in lee("rehearse", "bikes", "--details").stdout


def test_details_has_a_line_a_drift(lee, asked) -> None:
    found = lee("rehearse", "bikes", "--column", "temp", "--windows", "5", "--details")
    assert "swapped with hum" in found.stdout
    assert "95% [85%, 100%]" in found.stdout
    assert asked[1] == ("bikes", ["temp"], False, 5)


def test_json_is_the_whole_card(lee, asked) -> None:
    found = json.loads(lee("rehearse", "bikes", "--json").stdout)
    assert len(found["drifts"]) == 5
    assert found["quiet"]["alarmed"] == 1


def test_a_model_that_is_not_there_is_a_sentence(lee) -> None:
    found = lee("rehearse", "bicycles")
    assert found.exit_code == 1
    assert "bicycles" in found.stderr


def test_many_features_are_asked_for_a_few_at_a_time(lee, asked) -> None:
    names = [f"x{n}" for n in range(25)]
    found = lee("rehearse", "bikes", *(word for name in names for word in ("--column", name)))
    assert found.exit_code == 0
    assert [len(columns) for _, columns, _, _ in asked] == [0, *[3] * 8, 1]
    assert [name for _, columns, _, _ in asked for name in columns] == names

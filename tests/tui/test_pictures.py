"""The looks of the main screens, compared with pictures; `make snapshots` takes them anew."""

import os
from pathlib import Path

import pytest

from tests.tui.canned import a_busy_server
from tests.tui.conftest import Session, dashboard
from tests.tui.double import page

PICTURES = Path(__file__).parent / "__snapshots__"
SMALL, LARGE = (80, 24), (200, 60)


def compare(it: Session, name: str, tmp_path: Path) -> None:
    """With the picture of this name; written where there is none and it is asked for."""
    taken = it.app.export_screenshot(title="Leeboard", simplify=True)
    kept = PICTURES / f"{name}.svg"
    if os.environ.get("LEEBOARD_SNAPSHOTS") == "write":
        PICTURES.mkdir(exist_ok=True)
        kept.write_text(taken, encoding="utf-8")
    now = tmp_path / kept.name
    now.write_text(taken, encoding="utf-8")
    assert kept.exists(), f"there is no {kept}; look at {now}, then `make snapshots`"
    same = kept.read_text(encoding="utf-8") == taken
    assert same, f"{name} looks different: compare {now} with {kept}; `make snapshots` accepts it"


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "200x60"])
@pytest.mark.parametrize("state", ["busy", "empty", "away"])
async def test_the_fleet(state: str, size: tuple[int, int], tmp_path: Path) -> None:
    server = a_busy_server()
    if state == "empty":
        server.answers["/v1/models"] = page()
    async with dashboard(server, size) as it:
        await it.until(lambda: ("No model yet." if state == "empty" else "churn") in it.text)
        if state == "away":
            server.is_away = True
            await it.press("ctrl+r")
            await it.sees("▲ away")
        compare(it, f"fleet-{state}-{size[0]}x{size[1]}", tmp_path)


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "200x60"])
async def test_a_model(size: tuple[int, int], tmp_path: Path) -> None:
    async with dashboard(a_busy_server(), size) as it:
        await it.sees("bikes")
        await it.press("enter")
        await it.until(lambda: "w_0" in it.screen.known and "first" in it.screen.known)
        compare(it, f"model-{size[0]}x{size[1]}", tmp_path)


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "200x60"])
async def test_a_window(size: tuple[int, int], tmp_path: Path) -> None:
    async with dashboard(a_busy_server(), size) as it:
        await it.sees("bikes")
        await it.press("enter")
        await it.until(lambda: "w_9" in it.screen.known)
        await it.press("pageup", *["left"] * 4, "down", "enter")
        await it.sees("7.25")
        if size == LARGE:
            await it.sees("79.4 %")
        compare(it, f"window-{size[0]}x{size[1]}", tmp_path)


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "200x60"])
async def test_the_budget(size: tuple[int, int], tmp_path: Path) -> None:
    async with dashboard(a_busy_server(), size) as it:
        await it.sees("bikes")
        await it.press("enter")
        await it.sees("▸ trial of v4")
        await it.press("b")
        await it.until(lambda: "budget" in it.screen.known and "windows" in it.screen.known)
        compare(it, f"budget-{size[0]}x{size[1]}", tmp_path)


async def test_the_causes_of_a_window(tmp_path: Path) -> None:
    async with dashboard(a_busy_server(), SMALL) as it:
        await it.sees("bikes")
        await it.press("enter")
        await it.until(lambda: "w_9" in it.screen.known)
        await it.press("pageup", *["left"] * 4, "down", "enter")
        await it.sees("7.25")
        await it.press("c")
        await it.sees("since like rows turn out otherwise")
        compare(it, "causes-80x24", tmp_path)


async def test_a_decision(tmp_path: Path) -> None:
    async with dashboard(a_busy_server(), SMALL) as it:
        await it.press("3")
        await it.sees("promote v3")
        await it.press("enter")
        await it.sees("difference 4.1")
        compare(it, "decision-80x24", tmp_path)


async def test_a_question_before_a_rollback(tmp_path: Path) -> None:
    async with dashboard(a_busy_server(), SMALL) as it:
        await it.sees("bikes")
        await it.press("enter")
        await it.until(lambda: "w_0" in it.screen.known and "first" in it.screen.known)
        await it.press("R")
        await it.sees("Reason, for the journal")
        compare(it, "rollback-80x24", tmp_path)


def test_no_picture_is_kept_that_nothing_is_compared_with() -> None:
    stray = {path.stem for path in PICTURES.glob("*.svg")} - {
        *(f"fleet-{s}-{z}" for s in ("busy", "empty", "away") for z in ("80x24", "200x60")),
        "budget-80x24", "budget-200x60", "causes-80x24", "model-80x24", "model-200x60", "window-80x24", "window-200x60", "decision-80x24",
        "rollback-80x24",
    }  # fmt: skip
    assert stray == set()

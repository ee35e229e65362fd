"""The report for people, from records made up: in episodes, in days or in rows, with what it bought."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pyarrow as pa
import pytest

from connectors.client import wire
from controlplane.cli.replay.document import (
    Deliveries,
    Document,
    Summary,
    Window,
    after_the_end,
    is_alarm,
)
from controlplane.cli.replay.history import History
from controlplane.cli.replay.labels import Labels
from controlplane.cli.replay.order import BEGINNING
from controlplane.cli.replay.phrases import Phrases
from controlplane.cli.replay.report import report
from controlplane.cli.replay.rivals import Figure
from controlplane.cli.replay.story import Moved, Story
from controlplane.cli.replay.times import STAMP
from controlplane.domain.schema import Task

HOUR = timedelta(hours=1)
ROWS = 2400
SAYS = "mae 3.849 [2.9, 4.8] on 336 rows; v1's reference loss 1.184, allowed 1.421"


def a_history(*, timed: bool = True) -> History:
    first = datetime(2024, 1, 1, tzinfo=UTC) if timed else BEGINNING
    at = pa.chunked_array([pa.array([first + n * HOUR for n in range(ROWS)], STAMP)])
    known = pa.chunked_array([pa.array([first + (n + 24) * HOUR for n in range(ROWS)], STAMP)])
    label = pa.chunked_array([pa.array([float(n) for n in range(ROWS)])])
    return History(
        name="boats", rows=pa.table({"at": at, "label": label, "label_known_at": known}),
        features=(), labels=Labels(task=Task.REGRESSION, values=label), timed=timed, renamed={},
        rejected=0, delay=timedelta(days=1), split=first + 600 * HOUR,
    )  # fmt: skip


def day(history: History, row: int) -> datetime:
    found: datetime = history.rows["at"][row].as_py()
    return found


def a_window(history: History, **changes: Any) -> wire.Window:
    return wire.Window(**{
        "id": "w1", "model": "boats", "start": day(history, 600), "end": day(history, 768),
        "rows": 168, "columns_unjudged": 3, "notes": ["drift waits for 4 more windows"], **changes,
    })  # fmt: skip


def a_story(history: History, **changes: Any) -> Story:
    first = wire.Run(
        id="r1", model="boats", triggers=["first"], requested_at=history.split, rows=576,
        version="v1",
    )  # fmt: skip
    whole = Story(
        history=history, label="knots", decisions=[], runs=[first], trials=[], guards=[],
        windows=[a_window(history)], moved=[],
    )  # fmt: skip
    return msgspec.structs.replace(whole, **changes)


def a_retraining(history: History, verdict: str, **more: Any) -> dict[str, Any]:
    """The records of a retraining asked for at row 1344, and how its trial ended."""
    moment = day(history, 1344)
    decisions = [
        wire.Decision(id="d2", model="boats", kind="retrain", model_time=moment, window="w1",
                      says=f"retrain: {SAYS}", triggers=["performance"]),
        wire.Decision(id="d3", model="boats", kind="alert", model_time=moment, window="w1",
                      says=SAYS, condition="performance"),
        *more.pop("decisions", []),
    ]  # fmt: skip
    run = wire.Run(
        id="r2", model="boats", decision="d2", requested_at=moment, version="v2", rows=600,
        data_from=day(history, 408), data_to=day(history, 1008),
    )  # fmt: skip
    trial = wire.Trial(
        id="t", model="boats", verdict=verdict, champion="v1", candidate="v2", metric="mae",
        opened_at=moment, start=moment, rows=336, difference=1.5, low=1.25, high=1.75,
        loss_champion=4.0, loss_candidate=2.5,
    )  # fmt: skip
    return {
        "decisions": decisions,
        "runs": [*a_story(history).runs, run],
        "trials": [trial],
        **more,
    }


def a_document(history: History, **summary: Any) -> Document:
    window = Window(
        id="w1", start=day(history, 600), end=day(history, 768), rows=168, champion="v1",
        served=Figure(value=2.0, low=1.0, high=3.0, rows=168), never_retrained=2.0,
        always_retrained=1.5, verdict="passed",
    )  # fmt: skip
    return Document(
        model="boats", rows=ROWS, metric="mae", direction="down", windows=[window], alarms=[],
        runs=[], trials=[], promotions=[], rollbacks=[], deliveries=Deliveries(sent=0, verified=0),
        seconds=1.0,
        summary=msgspec.structs.replace(
            Summary(served=2.0, never_retrained=2.0, always_retrained=1.5, retrainings=0,
                    retrainings_always=5), **summary),
    )  # fmt: skip


def test_where_nothing_happened_it_says_what_held_still_and_why() -> None:
    history = a_history()
    assert (
        report(a_document(history), a_story(history))
        == """\
boats: 2,400 rows, 2024-01-01 to 2024-04-09; label knots (regression). v1 was
trained on the first 576 labelled rows and served from 2024-01-26; labels came a
day late.

What held still
  Nothing was retrained: no condition of the policy ever held, so v1 served
  throughout.
  Drift of the columns could not be judged in 1 of 1 window: drift waits for 4
  more windows.

What it bought: mae over 1 window, 168 labelled rows (less is better)
                           mae   trainings   against never
  as served                  2           0        the same
  never retrained            2           0
  always retrained         1.5           5          -25.0%
  It never retrained: nothing was bought and nothing was paid. Retraining on a
  schedule did better by 0.5, for 5 trainings."""
    )


def test_what_was_asked_for_and_held_back_is_not_said_to_have_held_never() -> None:
    history = a_history()
    held = wire.Decision(id="h", model="boats", kind="hold", model_time=day(history, 1400))
    told = " ".join(report(a_document(history), a_story(history, decisions=[held])).split())
    assert "Nothing was retrained: what asked was held back, so v1 served throughout." in told
    assert "Once a retraining was asked for and held back" in told


def test_a_retraining_is_one_episode_from_its_reason_to_what_came_of_it() -> None:
    history = a_history()
    guard = wire.Guard(
        id="g", state="passed", version="v2", started_at=day(history, 1344),
        until=day(history, 1700), level=0.0, threshold=1.0, margin=0.1,
    )  # fmt: skip
    story = a_story(history, **a_retraining(history, "better", guards=[guard]))
    told = report(a_document(history, served=1.0, retrainings=1), story)
    assert (
        """\
What was noticed, and what was done about it
  2024-02-26  mae 3.849 [2.9, 4.8] on 336 rows, where v1 is allowed 1.421 (1.184
              when new)
              → v2, trained on 600 rows, 2024-01-18 to 2024-02-12: better, mae
                2.5 to v1's 4 on 336 rows, a gain of 1.5 [1.25, 1.75]: promoted
                and kept
"""
        in told
    )
    assert "1 mae avoided in all, 1 a retraining (1 retraining, 1 promotion)." in told
    assert "Retraining on a schedule did worse by 0.5, for 5 trainings." in " ".join(told.split())
    assert "Also noticed" not in told  # the alert says the same once more


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        ("not_better", "not better, mae"), ("worse", "worse, mae"),
        ("inconclusive", "nothing could be told, mae"),
    ],
)  # fmt: skip
def test_where_nothing_tried_was_better_the_champion_stayed(verdict: str, said: str) -> None:
    history = a_history()
    held = wire.Decision(id="h", model="boats", kind="hold", model_time=day(history, 1400))
    story = a_story(history, **a_retraining(history, verdict, decisions=[held, held]))
    told = " ".join(report(a_document(history, retrainings=1), story).split())
    assert said in told
    assert "[1.25, 1.75]: v1 stayed" in told
    assert "1 retraining was tried and none was better: the champion stayed." in told
    assert "Twice more a retraining was asked for and held back" in told
    assert "Nothing was bought for 1 retraining, no promotions: what was tried was not" in told


def test_a_promotion_that_was_taken_back_says_when() -> None:
    history = a_history()
    back = wire.Decision(
        id="b", model="boats", kind="roll_back", subject="v2", model_time=day(history, 1600)
    )
    story = a_story(history, **a_retraining(history, "better", decisions=[back]))
    told = " ".join(report(a_document(history, served=2.5, retrainings=1), story).split())
    assert "promoted, and taken back at 2024-03-07" in told
    assert "0.5 mae lost in all, 0.5 a retraining" in told


def test_a_training_that_failed_says_why() -> None:
    history = a_history()
    records = a_retraining(history, "better", trials=[])
    failed = msgspec.structs.replace(
        records["runs"][1], version=None, state="failed", reason="it ran out of memory"
    )
    told = report(a_document(history), a_story(history, **{**records, "runs": [failed]}))
    assert "→ the training failed: it ran out of memory" in told


def test_without_times_it_speaks_of_rows() -> None:
    history = a_history(timed=False)
    moved = [Moved(column="wind", windows=("w1",), first=day(history, 600), last=day(history, 600))]
    story = a_story(history, **a_retraining(history, "inconclusive", moved=moved))
    told = report(a_document(history), story)
    assert "v1 was trained on the first 576" in told
    assert "served from row 600; labels came 24 rows late." in " ".join(told.split())
    assert "  row   1344  mae 3.849" in told
    assert "row 408 to row 1008" in told
    assert "  wind               in 1 window, from row 600" in told
    assert "1970" not in told
    say = Phrases(history)
    assert say.plainly("cooling down until 1970-01-06 01:00, 14 days") == (
        "cooling down until row 25, 336 rows"
    )


def test_alerts_that_say_the_same_are_told_once() -> None:
    history = a_history()
    alerts = [
        wire.Decision(id=f"a{n}", model="boats", kind="alert", condition="quality", window=f"w{n}",
                      model_time=day(history, 700 + 24 * n),
                      says=f"in the window from 2024-02-0{n} 00:00: {n}% of wind is missing")
        for n in (1, 2, 3)
    ]  # fmt: skip
    told = report(a_document(history), a_story(history, decisions=alerts))
    assert "  2024-01-31  1% of wind is missing (3 times, last 2024-02-02)\n" in told


def test_no_line_is_wider_than_a_terminal() -> None:
    history = a_history()
    story = a_story(history, **a_retraining(history, "better"))
    assert max(map(len, report(a_document(history), story).splitlines())) <= 80


def test_that_nothing_comes_after_the_last_row_is_no_alarm() -> None:
    history = a_history()
    last = day(history, ROWS - 1)
    inside, beyond = a_window(history), a_window(history, id="w9", start=last + HOUR)
    assert after_the_end([inside, beyond], history) == {"w9"}
    alert = wire.Decision(id="a", model="boats", kind="alert", window="w9", model_time=last)
    assert not is_alarm(alert, frozenset({"w9"}))
    assert is_alarm(alert, frozenset())

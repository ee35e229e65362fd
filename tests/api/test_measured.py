"""Metrics that no window keeps, and those of segments: computed when they are asked for."""

import msgspec
import numpy as np
import pytest

from connectors.client import calls, wire
from connectors.client.calls import Span
from controlplane.domain.policy import Segment
from tests.watched import DAY, SERVED, WEEK, a_policy, labels, log, rows, step, watch

SAILS = ("genoa", "jib", "main", "spinnaker")


@pytest.fixture
def served(store):
    """A week whose labels are in, of a model with a segment, and its errors."""
    watch(store, a_policy(segments=(Segment(name="sail", column="sail"),)))
    found = rows(SERVED, 8 * 24, seed=3, version="v1")
    told = labels(found)
    log(store, found, told)
    step(store, SERVED + WEEK + 2 * DAY)
    error = found["prediction"].to_numpy() - told["label"].to_numpy()
    return error[: 7 * 24], np.array(found["sail"].to_pylist())[: 7 * 24]


async def asked(client, metric: str, segment: str | None = None) -> wire.Metric:
    call = calls.metric("boats", metric, Span(), segment)
    query = {name: value for name, value in call.query.items() if value is not None}
    answer = await client.get(call.path, params=query)
    assert answer.status_code == 200, answer.text
    return msgspec.json.decode(answer.content, type=wire.Metric)


async def test_any_metric_of_the_task_is_computed_from_the_rows(client, served) -> None:
    error, _ = served
    found = await asked(client, "median_ae")
    assert (found.direction, found.segment) == ("down", None)
    assert [line.version for line in found.series] == ["*", "v1"]
    points = [point for point in found.series[0].realised if point.rows]
    assert points[0].value == pytest.approx(np.median(np.abs(error)))
    assert points[0].interval.low < points[0].value < points[0].interval.high
    assert (await asked(client, "spearman")).direction == "up"


async def test_a_part_of_the_rows_has_its_own_series(client, served) -> None:
    error, sails = served
    for sail in SAILS:
        mine = np.abs(error[sails == sail])
        for metric, value in (("mae", mine.mean()), ("max_error", mine.max())):
            found = await asked(client, metric, f"sail={sail}")
            assert found.segment == f"sail={sail}"
            point = found.series[0].realised[0]
            assert (point.value, point.rows) == (pytest.approx(value), mine.size)


async def test_what_there_is_not_is_named_with_what_there_is(client, served) -> None:
    answer = await client.get("/v1/models/boats/metrics/roc_auk")
    assert answer.status_code == 404
    assert (
        "no metric 'roc_auk' for task regression; expected one of mae, " in answer.json()["detail"]
    )
    answer = await client.get("/v1/models/boats/metrics/spaerman")
    assert "did you mean spearman?" in answer.json()["detail"]
    answer = await client.get("/v1/models/boats/metrics/mae", params={"segment": "hull=3"})
    assert answer.status_code == 404
    assert answer.json()["detail"] == "the model file has no segment 'hull'; it has sail"
    assert (await asked(client, "mae", "sail=raft")).series[0].realised == []

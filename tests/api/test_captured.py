"""Captured data of SageMaker's over HTTP, and the labels that belong to it."""

import msgspec

from controlplane.domain.models import Generation, Model
from controlplane.domain.policy import Label
from controlplane.domain.schema import Task
from controlplane.store.ports import Known
from tests.api.conftest import POLICY, put
from tests.captured import GOLDEN
from tests.fakes_actions import T0

PREDICTIONS, LABELS = (f"/v1/models/bikes/{feed}" for feed in ("predictions", "labels"))
LINES = {"content-type": "application/jsonlines"}


async def test_captured_data_and_its_labels_meet_in_the_store(client, store) -> None:
    label = Label(column="churn", positive="1")
    policy = msgspec.structs.replace(POLICY, task=Task.BINARY, label=label)
    put(store, Model(id="bikes", model="bikes", generation=1, created_at=T0), Generation(
        id="bikes/1", model="bikes", number=1, policy=policy, text="", applied_at=T0, applied_by="o",
    ))  # fmt: skip
    captured, truth = (
        (GOLDEN / f"sagemaker_{name}.jsonl").read_bytes() for name in ("captured", "truth")
    )
    unsaid = await client.post(PREDICTIONS, content=captured, headers=LINES)
    # the one line that names its columns is stored, and settles their order for all that follow
    assert (unsaid.status_code, unsaid.json()["accepted"], unsaid.json()["rejected"]) == (200, 2, 6)
    assert "the order of the model's features is not known" in unsaid.json()["errors"][0]["message"]
    again = (await client.post(PREDICTIONS, content=captured, headers=LINES)).json()
    assert (again["accepted"], again["duplicates"], again["rejected"]) == (8, 2, 0)
    told = await client.post(LABELS, content=truth, headers=LINES)
    assert (told.json()["accepted"], told.json()["rejected"]) == (4, 0)
    with store.read() as view:
        rows = view.events.labelled("bikes", ["minutes"], Known()).to_pylist()
    assert [(row["minutes"], row["prediction"], row["label"]) for row in rows] == [
        (153.7, "0", "0"), (197.1, "1", "1"), (3.5, "0", "0"), (6.5, "1", "1"),
    ]  # fmt: skip


async def test_the_address_names_columns_and_a_wrong_feed_is_refused(client, bikes) -> None:
    line = (GOLDEN / "sagemaker_captured.jsonl").read_bytes().split(b"\n")[0]
    query = {"features": "temp, x,y", "version": "v9"}
    answer = await client.post(PREDICTIONS, content=line, headers=LINES, params=query)
    assert answer.json()["accepted"] == 1
    assert answer.json()["unknown_columns"] == {"x": 1, "y": 1}
    for names in ("a,a", "a,,b", ",".join(f"c{n}" for n in range(2001))):
        answer = await client.post(
            PREDICTIONS, content=line, headers=LINES, params={"features": names}
        )
        assert answer.status_code == 400
    for feed in ("labels", "kpis", "reference"):
        answer = await client.post(f"/v1/models/bikes/{feed}", content=line, headers=LINES)
        assert answer.status_code == 422, feed

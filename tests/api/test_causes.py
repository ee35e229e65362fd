"""Causes over HTTP: found when they are asked for, read by the client, told in a terminal."""

import click
import httpx
import msgspec

from connectors.client import calls, wire
from controlplane.cli.causing import told
from controlplane.domain.importances import Importance
from controlplane.domain.windows import Window
from controlplane.store.ports import Store
from tests.integration.test_causes import serve
from tests.watched import SERVED


async def asked(store: Store, client: httpx.AsyncClient, number: int) -> wire.Causes:
    with store.read() as view:
        window = next(w.id for w in view.ledger.find(Window, model="boats") if w.number == number)
    answer = await client.get(calls.causes(window).path)
    assert answer.status_code == 200, answer.text
    return msgspec.json.decode(answer.content, type=wire.Causes)


async def test_causes_are_found_and_told_in_a_terminal(store, client) -> None:
    serve(store, jib_off=6.0)
    found = await asked(store, client, 2)
    assert (found.model, found.version, found.metric) == ("boats", "v1", "mae")
    assert [each.slice for each in found.slices] == ["sail=jib"]
    assert found.credit.inputs + found.credit.answers == found.credit.change
    assert {row.column for row in found.moved} == {"wind", "sail"}
    page = click.unstyle("\n".join(told(found)))
    for sentence in (
        "boats v1: 2024-04-15 00:00 to 2024-04-29 00:00", "over 336 rows; before", "sail=jib",
        "by other answers to them", "importance is the share of the variance",
    ):  # fmt: skip
        assert sentence in page
    first = await asked(store, client, 1)
    assert (first.loss, first.slices) == (None, [])
    assert "Where it hurts" not in click.unstyle("\n".join(told(first)))


async def test_a_window_that_is_not_there_or_not_scored_has_no_causes(store, client) -> None:
    answer = await client.get("/v1/windows/w_none/causes")
    assert answer.status_code == 404
    serve(store)
    with store.read() as view:
        done = view.ledger.find(Window, model="boats")[0]
    new = msgspec.structs.replace(done, id="w_new", number=9, start=SERVED, revision=-1)
    store.write(lambda t: t.ledger.put(new)).result()
    answer = await client.get("/v1/windows/w_new/causes")
    assert answer.status_code == 404
    assert answer.json()["detail"] == "window w_new is not scored yet"


def test_what_could_not_be_told_is_said_in_the_terminal() -> None:
    credit = wire.Credit(change=1.0, effective=0.01, reason="the inputs differ so much")
    found = wire.Causes(
        window="w", model="m", start=SERVED, end=SERVED, metric="mae", loss=2.0,
        loss_reference=1.0, credit=credit, notes=["importance is not known"],
    )  # fmt: skip
    page = click.unstyle("\n".join(told(found)))
    for sentence in (
        "inputs or answers: the inputs differ so much", "no column was compared",
        "no slice in which the loss rose more", "importance is not known",
    ):  # fmt: skip
        assert sentence in page
    moved = [wire.MovedColumn(column=f"c{n}") for n in range(14)]
    assert "and 4 more that moved less" in "\n".join(
        told(msgspec.structs.replace(found, moved=moved))
    )


async def test_a_version_is_asked_over_http_and_what_it_said_is_read(
    store: Store, client: httpx.AsyncClient, actions
) -> None:
    serve(store)
    with store.read() as view:
        window = next(w.id for w in view.ledger.find(Window, model="boats") if w.number == 2)
    nothing = await client.get(calls.importance(window).path)
    assert nothing.status_code == 404
    assert "was not asked; POST here asks it" in nothing.json()["detail"]
    answer = await client.post(calls.ask_importance(window).path)
    assert answer.status_code == 202
    found = msgspec.json.decode(answer.content, type=wire.Importance)
    assert (found.window, found.version, found.state) == (window, "v1", "asked")
    assert actions.asked[-1] == ("ask_importance", window, "owner")
    said = Importance(
        id=f"{window}/v1", model="boats", window=window, version="v1", revision=1, asked_at=SERVED, state="made", made_at=SERVED, rests_on="loss", metric="mae", rows=336,
        repeats=5, values={"wind": 0.1, "sail": 0.4}, errors={"wind": 0.01, "sail": 0.02},
    )  # fmt: skip
    store.write(lambda t: t.ledger.put(said)).result()
    answer = await client.get(calls.importance(window).path)
    read = msgspec.json.decode(answer.content, type=wire.Importance)
    assert [(row.column, row.value, row.error) for row in read.columns] == [
        ("sail", 0.4, 0.02), ("wind", 0.1, 0.01),
    ]  # fmt: skip
    found = await asked(store, client, 2)
    assert (found.importance_rests_on, found.importance_state) == ("loss", "made")
    assert {row.column: row.importance for row in found.moved} == {"sail": 1.0, "wind": 0.25}
    assert (await client.post("/v1/windows/w_none/importance")).status_code == 404

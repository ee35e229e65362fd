"""Causes over HTTP: found when they are asked for, read by the client, told in a terminal."""

import click
import httpx
import msgspec

from connectors.client import calls, wire
from controlplane.cli.causing import told
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

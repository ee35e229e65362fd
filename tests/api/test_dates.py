"""A column of dates over HTTP: as it is, and by what is compared in its stead."""

from datetime import timedelta

import httpx
import msgspec

from connectors.client import calls, wire
from controlplane.store.ports import Store
from tests.integration.test_dates import AGE, HOUR, WEEKDAY, booked, scored


async def pictured(client: httpx.AsyncClient, column: str) -> wire.ColumnPicture:
    answer = await client.get(calls.column("boats", column, None).path)
    assert answer.status_code == 200, answer.text
    return msgspec.json.decode(answer.content, type=wire.ColumnPicture)


async def test_what_is_derived_of_a_date_has_pictures_of_its_own(store: Store, client) -> None:
    scored(store, [booked(9.0)])
    age = await pictured(client, AGE)
    assert (age.kind, age.column, age.reference.rows, age.current.rows) == (
        "numeric", AGE, 70 * 24, 7 * 24,
    )  # fmt: skip
    day = timedelta(days=1).total_seconds()
    assert 2.5 < age.reference.mean / day < 3.5
    assert 7.5 < age.current.mean / day < 10.5
    hour, weekday = await pictured(client, HOUR), await pictured(client, WEEKDAY)
    assert hour.levels == [f"{n:02}" for n in range(24)]
    assert sum(hour.reference.counts) == 70 * 24
    assert sum(weekday.current.counts) == 7 * 24
    assert (weekday.levels[0], weekday.levels[6], len(weekday.levels)) == ("Monday", "Sunday", 7)
    assert (await pictured(client, "booked_at")).kind == "datetime"


async def test_a_column_that_is_no_date_has_no_age(store: Store, client) -> None:
    scored(store, [booked(3.0)])
    answer = await client.get(calls.column("boats", "wind (age)", None).path)
    assert (answer.status_code, answer.json()["detail"]) == (
        404, "model boats has no feature 'wind (age)'",
    )  # fmt: skip

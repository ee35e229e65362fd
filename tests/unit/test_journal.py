"""The hash chain: it holds, and whatever is done to an entry is found and named."""

from datetime import timedelta

import msgspec
import pytest

from controlplane.domain.errors import Refused
from controlplane.domain.journal import GENESIS, Entry, entry_hash, first_break
from controlplane.store.duckdb_store import open_store
from tests.voyage import DAY, SERVED


@pytest.fixture(scope="module")
def chain() -> list[Entry]:
    """Five entries of two models whose times run against the order of writing."""
    store = open_store(None)
    for number in range(5):
        store.write(lambda t, n=number: t.ledger.journal(
            model="boats" if n % 2 else "gulls", at=SERVED - n * DAY, kind="decided",
            subject=f"d_{n}", by="policy", facts={"says": f"number {n}", "b": 1, "a": None},
        )).result()  # fmt: skip
    with store.read() as view:
        entries = view.ledger.find(Entry)
    store.close()
    return entries


def test_what_the_store_wrote_holds_whatever_the_models_times(chain: list[Entry]) -> None:
    assert [entry.id for entry in chain] == [f"{n:012d}" for n in range(1, 6)]
    assert chain[0].previous == GENESIS
    assert chain[0].text == '{"a":null,"b":1,"says":"number 0"}'
    assert first_break(chain) is None
    assert first_break([]) is None


def test_the_hash_is_of_this_very_text() -> None:
    entry = Entry(id="000000000001", model="boats", at=SERVED, kind="decided", subject="d_1",
                  by="ada", text="{}", previous=GENESIS, hash="")  # fmt: skip
    assert entry_hash(entry) == "b49d36c7787d9d99adcf2ffd24721ca5b268b8f992cf30e29816427e202cb579"


EDITS = {
    "model": "other", "kind": "performed", "subject": "d_9", "by": "ada", "text": "{}",
    "at": SERVED + timedelta(microseconds=1), "previous": GENESIS, "hash": "f" * 64,
    "id": "000000000009",
}  # fmt: skip


@pytest.mark.parametrize("field", list(EDITS))
@pytest.mark.parametrize("place", [1, 4])
def test_an_edited_entry_is_named(chain: list[Entry], field: str, place: int) -> None:
    edited = [*chain]
    edited[place] = msgspec.structs.replace(chain[place], **{field: EDITS[field]})
    assert first_break(edited) == edited[place].id


@pytest.mark.parametrize("field", ["text", "by"])
def test_an_edited_entry_with_a_hash_reckoned_anew_is_found_at_the_next(
    chain: list[Entry], field: str
) -> None:
    forged = msgspec.structs.replace(chain[2], **{field: EDITS[field]})
    forged = msgspec.structs.replace(forged, hash=entry_hash(forged))
    assert first_break([*chain[:2], forged, *chain[3:]]) == chain[3].id


@pytest.mark.parametrize("place", range(4))
def test_a_deleted_entry_is_found_at_the_one_that_followed_it(
    chain: list[Entry], place: int
) -> None:
    assert first_break([*chain[:place], *chain[place + 1 :]]) == chain[place + 1].id


def test_entries_in_another_order_are_found(chain: list[Entry]) -> None:
    first, second, *rest = chain
    assert first_break([second, first, *rest]) == second.id
    assert first_break([first, *rest[:1], second, *rest[1:]]) == rest[0].id
    assert first_break([first, first, *chain[1:]]) == first.id


def test_the_journal_is_never_cut() -> None:
    store = open_store(None)
    with pytest.raises(Refused, match="its chain would break"):
        store.write(lambda t: t.ledger.remove(Entry, model="boats")).result()
    with pytest.raises(Refused, match="its chain would break"):
        store.write(lambda t: t.ledger.prune(Entry, before=SERVED)).result()
    store.close()

"""Rejected rows: listed, counted, and sent again once the schema is mended."""

from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from controlplane.cli.__main__ import main
from controlplane.domain.errors import AllRejected, Conflict, NotFound
from controlplane.domain.models import Model
from controlplane.domain.schema import Column
from controlplane.ingest.batch import Feed
from controlplane.ingest.decode import decode
from controlplane.ingest.receive import receive
from controlplane.ingest.rejection import LONGEST_TEXT
from controlplane.ingest.resending import Resent, resend
from controlplane.store.duckdb_store import open_store
from controlplane.store.ports import Known, Store
from detectors.finding import Kind
from tests.served import Served
from tests.stored import HOUR, MODEL, NOON, a_model, sent

AT = "2024-03-01T11:00:00Z"


@pytest.fixture
def store():
    opened = open_store(None)
    a_model(opened)
    yield opened
    opened.close()


def rejected(store: Store, *texts: str) -> None:
    """Rows whose `sky` is a word where the schema has a number."""
    rows = [{"id": f"{k}-{text[:9]}", "at": AT, "sky": text} for k, text in enumerate(texts)]
    with pytest.raises(AllRejected):
        sent(store, "predictions", {"rows": rows})


def begun(store: Store) -> None:
    sent(store, "predictions", {"rows": [{"id": "first", "at": AT, "sky": 1.5}]})


def mended(store: Store, kind: Kind = Kind.CATEGORICAL) -> None:
    """The schema as a mended model file would have it."""
    with store.read() as view:
        [model] = view.ledger.find(Model)
    schema = msgspec.structs.replace(model.schema, features=(Column("sky", kind),))
    store.write(lambda t: (
        t.ledger.put(msgspec.structs.replace(model, schema=schema)),
        t.events.prepare(MODEL, schema),
    )).result()  # fmt: skip


def left(store: Store) -> list[tuple[str, bool]]:
    with store.read() as view:
        page = view.upkeep.rejected_page(MODEL, before=None, limit=99)
    return [(row.text, row.whole) for row in page]


def test_rows_are_stored_once_the_schema_is_mended_and_leave_the_list(store: Store) -> None:
    begun(store)
    rejected(store, "clear", "rain")
    assert len(left(store)) == 2
    assert resend(store, MODEL, feed=None, at=NOON + HOUR) == Resent(sent=2, rejected=2)
    assert len(left(store)) == 2

    mended(store)
    assert resend(store, MODEL, feed=None, at=NOON + HOUR) == Resent(sent=2, accepted=2)
    assert left(store) == []
    with store.read() as view:
        rows = view.events.rows(MODEL, ["sky"], Known()).to_pylist()
    assert [(row["id"], row["sky"]) for row in rows] == [
        ("0-clear", "clear"), ("1-rain", "rain"), ("first", "1.5"),
    ]  # fmt: skip
    assert {row["known_at"] for row in rows} == {NOON, NOON + HOUR}


def test_a_row_that_is_there_by_now_leaves_the_list_too(store: Store) -> None:
    begun(store)
    rejected(store, "clear")
    mended(store)
    sent(store, "predictions", {"rows": [{"id": "0-clear", "at": AT, "sky": "clear"}]})
    assert resend(store, MODEL, feed=None, at=NOON) == Resent(sent=1, duplicates=1)
    assert left(store) == []


def test_a_long_row_is_kept_whole_and_a_cut_one_cannot_be_sent_again(store: Store) -> None:
    begun(store)
    rejected(store, "x" * 50_000, "y" * LONGEST_TEXT)
    mended(store)
    assert [whole for _, whole in left(store)] == [False, True]
    assert resend(store, MODEL, feed=None, at=NOON) == Resent(sent=1, accepted=1, kept=1)
    [(text, whole)] = left(store)
    assert (len(text), text[-1], whole) == (LONGEST_TEXT, "…", False)


def test_only_those_of_a_feed_are_sent(store: Store) -> None:
    begun(store)
    rejected(store, "clear")
    with pytest.raises(AllRejected):
        sent(store, "labels", {"rows": [{"id": "first"}]})
    mended(store)
    assert resend(store, MODEL, feed=Feed.LABELS, at=NOON) == Resent(sent=1, rejected=1)
    assert resend(store, MODEL, feed=Feed.PREDICTIONS, at=NOON) == Resent(sent=1, accepted=1)


def test_what_is_no_row_does_not_keep_the_others_from_being_sent(store: Store) -> None:
    begun(store)
    rejected(store, "clear")
    pair = '{"instances": [1]}\n{"predictions": [1, 2]}'
    store.write(
        lambda t: t.events.append_rejected(MODEL, "predictions", NOON, [("two answers", pair)])
    ).result()
    mended(store)
    assert left(store)[0] == (pair, False)
    assert resend(store, MODEL, feed=None, at=NOON) == Resent(sent=1, accepted=1, kept=1)


def test_a_prediction_that_is_no_number_is_none_when_it_is_sent_again(store: Store) -> None:
    begun(store)
    rows = b'{"id": "%s", "at": "%s", "prediction": %s}'
    body = b"\n".join(rows % (n, AT.encode(), n) for n in (b"NaN", b"1e999"))
    batch = decode("application/x-ndjson", body, feed="predictions")
    with store.read() as view:
        [model] = view.ledger.find(Model)
    with pytest.raises(AllRejected):
        receive(store, model, "predictions", batch, known_at=NOON, may_backdate=False, strict=False)
    assert resend(store, MODEL, feed=None, at=NOON) == Resent(sent=2, rejected=2)


def test_a_reference_and_figures_stay(store: Store) -> None:
    begun(store)
    with pytest.raises(AllRejected):
        sent(store, "reference", {"rows": [{"at": AT, "sky": "clear"}]}, version="v1")
    store.write(lambda t: t.events.append_rejected(MODEL, "labels", NOON, [], unnamed=7)).result()
    mended(store)
    assert resend(store, MODEL, feed=None, at=NOON) == Resent(kept=8)


def test_two_who_send_them_at_once_store_them_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(store)
    rejected(store, "clear")
    mended(store)
    from controlplane.ingest import resending  # noqa: PLC0415 - to get between its two steps

    checked_of = resending.checked_of

    def first(request, schema):
        monkeypatch.undo()
        assert resend(store, MODEL, feed=None, at=NOON).accepted == 1
        return checked_of(request, schema)

    monkeypatch.setattr(resending, "checked_of", first)
    with pytest.raises(Conflict, match="somebody else"):
        resend(store, MODEL, feed=None, at=NOON)
    with store.read() as view:
        assert view.events.counts(MODEL).predictions == 2


def test_of_an_unknown_model_nothing_is_sent(store: Store) -> None:
    with pytest.raises(NotFound, match="no model called 'nobody'"):
        resend(store, "nobody", feed=None, at=NOON)


def lee(served: Served, *words: object) -> Result:
    environ = {"LEEBOARD_SERVER": served.address, "LEEBOARD_TOKEN": served.token}
    return CliRunner().invoke(main, [str(word) for word in words], env=environ)


@pytest.mark.slow
def test_by_command(tmp_path: Path) -> None:
    file = "model: boats\ntask: regression\nlabel: {column: knots, delay: 1d}\ntrainer: none\n"
    with Served(tmp_path / "data") as served:
        served.apply(file + "features: {sky: numeric}\n")
        rows = [{"id": f"r{k}", "at": AT, "sky": "clear" if k else 1.0} for k in range(4)]
        with served.client() as client:
            assert (
                client.post("/v1/models/boats/predictions", json={"rows": rows}).json()["rejected"]
                == 3
            )
            page = client.get("/v1/models/boats/rejected?limit=2").json()
            after = client.get(f"/v1/models/boats/rejected?cursor={page['next']}").json()
            assert client.get("/v1/models/boats/rejected?cursor=zzz").status_code == 400
        assert [r["text"][7:9] for r in page["items"] + after["items"]] == ["r3", "r2", "r1"]
        assert after["next"] is None
        counted = lee(served, "rejected", "boats", "--count")
        assert "3 rows, 3 can be sent again" in counted.stdout
        assert "sky is 'clear'; expected a number" in counted.stdout
        assert lee(served, "rejected", "resend", "boats").exit_code == 3
        served.apply(file + "features: {sky: categorical}\n")
        done = lee(served, "rejected", "resend", "boats")
        assert (done.exit_code, done.stdout) == (0, "sent 3 again: 3 stored\n")
        assert "no row of boats was rejected" in lee(served, "rejected", "boats").stderr
        assert served.stop() == 0

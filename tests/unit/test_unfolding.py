"""What unfolds to much waits for its turn; what does not never waits."""

import threading
import zlib
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from controlplane.domain.errors import FileErrors, Overloaded, TooLarge
from controlplane.ingest import unfolding
from controlplane.ingest.batch import Feed
from controlplane.ingest.decode import decode
from controlplane.ingest.encoding import decoded
from controlplane.ingest.gathering import Arrival, gathered
from controlplane.ingest.media import ARROW
from controlplane.ingest.unfolding import LARGE, bounded, unfolds_to
from controlplane.policy.server_file import parse
from controlplane.settings import Settings

MUCH, LITTLE = LARGE + 1, LARGE


class Turns:
    """Threads that unfold to something and stay until they are let go."""

    def __init__(self) -> None:
        self.inside: list[str] = []
        self.go = {name: threading.Event() for name in "abc"}

    def start(self, name: str, size: int) -> threading.Thread:
        def work() -> None:
            with bounded():
                unfolds_to(size)
                unfolds_to(2 * size)
                self.inside.append(name)
                assert self.go[name].wait(10)

        thread = threading.Thread(target=work)
        thread.start()
        return thread


def reached(turns: Turns, names: list[str]) -> bool:
    for _ in range(500):
        if sorted(turns.inside) == names:
            return True
        threading.Event().wait(0.01)
    return False


def test_of_two_that_unfold_to_much_the_second_waits_and_a_small_one_does_not() -> None:
    turns = Turns()
    first = turns.start("a", MUCH)
    assert reached(turns, ["a"])
    second, small = turns.start("b", MUCH), turns.start("c", LITTLE // 2)
    assert reached(turns, ["a", "c"])
    turns.go["a"].set()
    first.join(10)
    assert reached(turns, ["a", "b", "c"])
    for name, thread in (("b", second), ("c", small)):
        turns.go[name].set()
        thread.join(10)


def test_the_turn_is_given_back_when_a_body_is_refused() -> None:
    bomb = zlib.compressobj(wbits=31)
    body = bomb.compress(bytes(3 * LARGE)) + bomb.flush()
    for _ in range(2):
        with bounded(), pytest.raises(TooLarge):
            decoded("gzip", body, limit=2 * LARGE)
    assert len(decoded("gzip", body)) == 3 * LARGE


def test_the_turn_is_given_back_where_memory_cannot_be(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> None:
        raise OSError("no such library")

    monkeypatch.setattr(unfolding, "_turn", threading.Lock())
    monkeypatch.setattr(unfolding, "_give_back", fails)
    with pytest.raises(OSError, match="no such library"), bounded():
        unfolds_to(MUCH)
    assert not unfolding._turn.locked()


def test_who_waits_for_long_is_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unfolding, "PATIENCE_SECONDS", 0.01)
    turns = Turns()
    first = turns.start("a", MUCH)
    assert reached(turns, ["a"])
    with bounded(), pytest.raises(Overloaded, match="nothing of this one was stored"):
        unfolds_to(MUCH)
    turns.go["a"].set()
    first.join(10)
    with bounded():
        unfolds_to(MUCH)


def test_the_bound_is_the_blocks_own() -> None:
    with bounded(1000), pytest.raises(TooLarge, match="unfolds to more than 1000 bytes"):
        unfolds_to(1001)
    with bounded():
        unfolds_to(1001)


@pytest.mark.parametrize(
    ("kind", "body", "most"),
    [
        ("text/csv", b"id,n\n" + b"a,1\n" * 100, 700),
        ("application/x-ndjson", b'{"id":"a"}\n' * 50, 549),
        ("application/json", b'{"rows":[' + b",".join([b'{"id":"a"}'] * 50) + b"]}", 559),
    ],
)
def test_every_format_keeps_to_it(kind: str, body: bytes, most: int) -> None:
    with bounded(most), pytest.raises(TooLarge, match="unfolds to more than"):
        decode(kind, body, feed="labels")
    with bounded(most + 20):
        assert decode(kind, body, feed="labels").rows in {50, 100}


def test_the_servers_file_says_how_much_that_is() -> None:
    base, path = Settings(data=Path("d")), Path("leeboard.yaml")
    assert parse(b"unfolded_mib: 100\n", base, {}, source=path).unfolded_mib == 100
    assert parse(b"", base, {}, source=path).unfolded_mib == 512
    for wrong in (b"63", b"513", b"1.5", b"100MiB"):
        with pytest.raises(FileErrors, match="unfolded_mib"):
            parse(b"unfolded_mib: " + wrong + b"\n", base, {}, source=path)


def test_where_small_requests_are_gathered_nobody_waits_for_a_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Never:
        def acquire(self, timeout: float) -> bool:
            raise AssertionError(timeout)

    monkeypatch.setattr(unfolding, "_turn", Never())
    texts = pa.array(["x" * 20_000] * 1_000).dictionary_encode()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, pa.schema([("id", texts.type)])) as writer:
        writer.write_table(pa.table({"id": texts}))
    arrival = Arrival(
        model="m", feed=Feed.PREDICTIONS, body=sink.getvalue().to_pybytes(), content_type=ARROW,
        known_at=datetime(2024, 3, 1, tzinfo=UTC),
    )  # fmt: skip
    assert len(arrival.body) < 2**20
    assert gathered([arrival]) == []

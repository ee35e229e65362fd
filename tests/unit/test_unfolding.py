"""What unfolds to much waits for its turn; what does not never waits."""

import threading
import zlib

import pytest

from controlplane.domain.errors import TooLarge
from controlplane.ingest.encoding import decoded
from controlplane.ingest.unfolding import LARGE, bounded, unfolds_to

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

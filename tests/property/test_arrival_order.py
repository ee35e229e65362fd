"""In whatever order and in however many requests rows arrive, a window's score is the same."""

from functools import cache
from random import Random  # noqa: TID251  # Hypothesis hands it out, seeded

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controlplane.store.duckdb_store import open_store
from tests.watched import DAY, SERVED, WEEK, a_policy, labels, log, rows, scores, step, watch

UNTIL = SERVED + WEEK + 2 * DAY
LOGGED = rows(SERVED, 8 * 24, seed=3, version="v1")
TRUTH = labels(LOGGED)


def scored(parts: list[pa.Table]) -> list:
    store = open_store(None)
    try:
        watch(store, a_policy())
        log(store, *parts)
        step(store, UNTIL)
        return scores(store)
    finally:
        store.close()


@cache
def scored_in_order() -> list:
    return scored([LOGGED, TRUTH])


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False), st.integers(1, 4), st.sampled_from(["rows", "labels"]))
def test_the_order_of_arrival_never_changes_a_score(random: Random, cuts: int, first: str) -> None:
    order = list(range(LOGGED.num_rows))
    random.shuffle(order)
    size = -(-len(order) // cuts)
    pieces = [LOGGED.take(order[k : k + size]) for k in range(0, len(order), size)]
    truth = TRUTH.take(list(reversed(order)))
    found = scored([truth, *pieces] if first == "labels" else [*pieces, truth])
    expected = scored_in_order()
    assert [score.labels for score in expected] == [165, 168]
    assert found == expected

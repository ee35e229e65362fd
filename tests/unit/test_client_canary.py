"""Which version serves a row: the canary for its share of the ids, and always the same ids."""

import pytest

from connectors.client import wire
from connectors.client.canary import Served, served_by


def told(weight: float | None, canary: str = "v2") -> wire.Champion:
    return wire.Champion(
        champion=wire.ArtifactRef(version="v1", sha256=""),
        canary=None if weight is None else wire.Canary(version=canary, weight=weight),
    )


@pytest.mark.parametrize(
    ("weight", "share"), [(None, 0), (0.0, 0), (0.1, 0.1), (0.5, 0.5), (1.0, 1)]
)
def test_the_share_of_ids_is_the_weight(weight: float | None, share: float) -> None:
    served = [served_by(told(weight), f"ride-{n}") for n in range(4000)]
    assert set(served) <= {Served("v1", "live"), Served("v2", "canary")}
    assert served.count(Served("v2", "canary")) / 4000 == pytest.approx(share, abs=0.02)


def test_more_weight_moves_ids_to_the_canary_and_none_away() -> None:
    ids = [str(n) for n in range(500)]
    few, more = ({i for i in ids if served_by(told(w), i).role == "canary"} for w in (0.1, 0.3))
    assert few < more


def test_another_canary_meets_other_ids() -> None:
    ids = [str(n) for n in range(2000)]
    one, other = ({i for i in ids if served_by(told(0.2, v), i).role == "canary"} for v in "ab")
    assert len(one & other) < 0.3 * len(one)


def test_without_a_champion_nothing_serves() -> None:
    assert served_by(wire.Champion(), "1") == Served(None, "live")

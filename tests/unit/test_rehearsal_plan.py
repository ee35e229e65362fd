"""Which drifts are sown into which columns, and how long until an alarm."""

import pytest

from controlplane.monitor.rehearsal.plan import Sown, delay_of, drifts_of, unit_of
from detectors.finding import Kind
from detectors.sowing import Drift, Sowing, Usual

LIKES = {
    "a": Usual(kind=Kind.NUMERIC, std=1.0),
    "still": Usual(kind=Kind.NUMERIC),
    "sky": Usual(kind=Kind.CATEGORICAL, levels=("grey", "blue")),
    "open": Usual(kind=Kind.BOOLEAN, levels=("false", "true")),
    "seen": Usual(kind=Kind.DATETIME),
    "booked": Usual(kind=Kind.DATETIME, std=3600.0),
}


def kinds(column: str) -> set[Sowing]:
    return {drift.kind for drift in drifts_of(column, LIKES)}


def test_every_kind_that_a_column_can_bear_is_sown() -> None:
    assert kinds("a") == {Sowing.SHIFT, Sowing.SCALE, Sowing.RAMP, Sowing.MISSING, Sowing.SWAPPED}
    assert kinds("still") == {Sowing.MISSING, Sowing.SWAPPED}
    assert kinds("sky") == {Sowing.SHIFT, Sowing.NEW_LEVEL, Sowing.RAMP, Sowing.MISSING}
    assert kinds("open") == {Sowing.SHIFT, Sowing.RAMP, Sowing.MISSING}
    assert kinds("seen") == {Sowing.MISSING, Sowing.SWAPPED}
    assert kinds("booked") == {
        Sowing.SHIFT, Sowing.SCALE, Sowing.RAMP, Sowing.MISSING, Sowing.SWAPPED,
    }  # fmt: skip


def test_columns_change_places_with_the_next_of_their_kind() -> None:
    [swap] = [drift for drift in drifts_of("still", LIKES) if drift.kind is Sowing.SWAPPED]
    assert swap.other == "a"


@pytest.mark.parametrize(
    ("found", "delay"),
    [([True], 1.0), ([False, False], None), ([True, False], 1.5), ([False, False, True], 2.0)],
)
def test_the_delay_is_the_median_over_every_beginning(
    found: list[bool], delay: float | None
) -> None:
    assert delay_of(found) == delay


def test_a_power_has_an_interval_and_without_windows_has_none() -> None:
    drift = Drift(kind=Sowing.SHIFT, column="a", size=0.5)
    sown = Sown(drift=drift, unit=unit_of(drift, LIKES["a"]), windows=20, found=18, delay=1.0)
    assert sown.power == 0.9
    assert sown.interval.low < 0.9 < sown.interval.high
    assert Sown(drift=drift, unit="", windows=0, found=0, delay=None).interval is None


def test_the_unit_of_a_shift_depends_on_the_column() -> None:
    drift = Drift(kind=Sowing.SHIFT, column="a", size=0.5)
    assert unit_of(drift, LIKES["a"]) == "standard deviations"
    assert unit_of(drift, LIKES["sky"]) == "of the rows"

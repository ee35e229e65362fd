"""What is taken in at once: what a refused request leaves behind."""

import gc
import weakref
from collections.abc import Iterator
from typing import cast

import pytest

from controlplane.api.intake import Intake
from controlplane.api.meters import Meters
from controlplane.domain.errors import TooLarge
from controlplane.store.ports import Store


class Unpacked:
    """What stands for an unpacked body."""


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collector")
async def test_a_refused_request_leaves_nothing_for_the_collector() -> None:
    intake = Intake(cast("Store", None), cast("Meters", None))
    left: list[weakref.ref[Unpacked]] = []

    def work() -> None:
        unpacked = Unpacked()
        left.append(weakref.ref(unpacked))
        raise TooLarge("the body unfolds to too much")

    try:
        await intake.store(work, size=1, is_packed=True)
    except TooLarge as error:
        said = str(error)
    assert said == "the body unfolds to too much"
    assert [ref() for ref in left] == [None]

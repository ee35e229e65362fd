"""What holds for all tests: the same examples every time, the long ones first where several
processes share them, and Ctrl-C where it is sent."""

import os
import signal

import pytest
from hypothesis import settings

settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("thorough", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("LEEBOARD_HYPOTHESIS", "ci"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Long tests first, or one process ends with them while the others have nothing left to take."""
    if hasattr(config, "workerinput"):  # one of several processes
        items.sort(key=_shortness)


def _shortness(item: pytest.Item) -> int:
    long = ("journey", "slow")
    return next((n for n, name in enumerate(long) if item.get_closest_marker(name)), len(long))


@pytest.fixture(autouse=True, scope="session")
def _interruptible() -> None:
    """A run in the background of a shell ignores SIGINT, and so would the processes that it tests."""
    signal.signal(signal.SIGINT, signal.default_int_handler)

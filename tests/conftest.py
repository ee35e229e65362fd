"""What holds for all tests: the same examples every time, and Ctrl-C where it is sent."""

import os
import signal

import pytest
from hypothesis import settings

settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("thorough", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("LEEBOARD_HYPOTHESIS", "ci"))


@pytest.fixture(autouse=True, scope="session")
def _interruptible() -> None:
    """A run in the background of a shell ignores SIGINT, and so would the processes that it tests."""
    signal.signal(signal.SIGINT, signal.default_int_handler)

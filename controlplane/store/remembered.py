"""Answers of the ledger that are still true: kept by the version of the table they came from."""

import threading
from collections import OrderedDict
from collections.abc import Hashable, Iterable, Mapping
from typing import Final

MOST_RECORDS: Final = 50_000
"""Records in all remembered answers together."""
LARGEST: Final = 5_000
"""A larger answer is not remembered."""

Versions = Mapping[tuple[str, str], int]
"""How often a table was touched, for (table, model); model `*` counts every touch."""


def bumped(versions: Versions, touched: Iterable[tuple[str, str]]) -> Versions:
    """The versions after a commit that touched these tables of these models.

    >>> bumped({}, [("runs", "bikes")])
    {('runs', 'bikes'): 1, ('runs', '*'): 1}
    """
    after = dict(versions)
    for table, model in touched:
        for key in ((table, model), (table, "*")):
            after[key] = after.get(key, 0) + 1
    return after


class Remembered:
    """Questions with their answers; an answer is given only for the version it was true for.

    A snapshot knows the versions of its moment, so it is never given a later or earlier answer.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: OrderedDict[Hashable, tuple[int, tuple[object, ...]]] = OrderedDict()
        self._records = 0

    def get(self, question: Hashable, version: int) -> tuple[object, ...] | None:
        """The answer at this version; None: not known."""
        with self._lock:
            found = self._answers.get(question)
            if found is None or found[0] != version:
                return None
            self._answers.move_to_end(question)
            return found[1]

    def put(self, question: Hashable, version: int, answer: tuple[object, ...]) -> None:
        """Remember an answer, unless one of a later version is there."""
        if len(answer) > LARGEST:
            return
        with self._lock:
            known = self._answers.pop(question, None)
            if known is not None and known[0] > version:
                self._answers[question] = known
                return
            self._records += len(answer) + 1 - (len(known[1]) + 1 if known else 0)
            self._answers[question] = (version, answer)
            while self._records > MOST_RECORDS:
                _, (_, forgotten) = self._answers.popitem(last=False)
                self._records -= len(forgotten) + 1

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._answers.clear()
            self._records = 0

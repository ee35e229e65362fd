"""Detectors by name: ours, and those of packages that the operator installed beside the server.

A package offers a detector as an entry point of the group `leeboard.detectors`, whose name is the
detector's and whose object is its `Entry`. Names are listed without loading anything; a package is
imported when a model file names one of its detectors, and what it cannot do is said in words.
"""

from functools import cache
from importlib.metadata import entry_points
from typing import Final

from detectors.catalogue import CATALOGUE
from detectors.entry import Entry

GROUP: Final = "leeboard.detectors"


def nameable() -> frozenset[str]:
    """The names that a model file may give: ours that are for the reader, and installed ones."""
    return frozenset({name for name, entry in CATALOGUE.items() if entry.shown or entry.asked}) | {
        point.name for point in entry_points(group=GROUP)
    }


@cache
def entry_of(name: str) -> Entry | str:
    """The line of a detector, or why there is none; loads its package the first time.

    Our own names are ours: a package cannot take the place of a detector that is there.
    """
    ours = CATALOGUE.get(name)
    if ours is not None:
        return ours if ours.shown or ours.asked else f"{name} is not a detector to be named"
    points = sorted(entry_points(group=GROUP, name=name), key=lambda point: point.value)
    if len(points) != 1:
        return _why_not(name, [point.value for point in points])
    try:
        loaded = points[0].load()
    except Exception as error:  # noqa: BLE001 - whatever a stranger's package raises is the reason
        return f"{name} cannot be loaded from {points[0].value}: {type(error).__name__}: {error}"
    if not isinstance(loaded, Entry):
        kind = type(loaded).__name__
        return f"{name} is a {kind} at {points[0].value}; expected a detectors.entry.Entry"
    return loaded


def _why_not(name: str, places: list[str]) -> str:
    if places:
        return f"{name} is offered more than once: {', '.join(places)}; uninstall all but one"
    return (
        f"{name} is not installed; install its package beside the server and start it again, "
        "or take the name out of monitors.drift.detectors"
    )

"""Which version serves a row while a canary gets a share of the traffic."""

from hashlib import sha256
from typing import NamedTuple

from connectors.client import wire


class Served(NamedTuple):
    """Which version serves a row, and the role under which it is logged."""

    version: str | None
    """None: there is no champion yet."""
    role: str


def served_by(told: wire.Champion, id_: str) -> Served:
    """The version for a row: the canary for its share of all ids, else the champion.

    It depends on the id alone, so that a user or a device that is the id stays with one version
    as long as that is a canary, in every process.

    >>> told = wire.Champion(
    ...     champion=wire.ArtifactRef(version="v1", sha256=""),
    ...     canary=wire.Canary(version="v2", weight=0.25),
    ... )
    >>> from collections import Counter
    >>> Counter(served_by(told, str(n)).version for n in range(1000))["v2"]
    237
    """
    champion = None if told.champion is None else told.champion.version
    canary = told.canary
    if canary is not None and _share(f"{canary.version}\n{id_}") < canary.weight:
        return Served(canary.version, "canary")
    return Served(champion, "live")


def _share(text: str) -> float:
    """A text's place in [0, 1), as good as drawn at random."""
    return int.from_bytes(sha256(text.encode()).digest()[:6]) / 2**48

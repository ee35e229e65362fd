"""Requests whose rows were checked together and are all good."""

import hashlib
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from controlplane.domain.models import Model
from controlplane.ingest.checking import Checked, Terms
from controlplane.ingest.gathering import Arrival, Gathered, present
from controlplane.ingest.keyed import Key, key_of
from controlplane.ingest.storing import Request, checked_of, in_force, request_of, settled
from controlplane.store.ports import LedgerReader


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Requests that are checked: `arrivals[k]` has rows `bounds[k]` to `bounds[k + 1]` of
    `checked`, `unknown[k]` are the values of it that are stored nowhere, and `keys[k]` its key."""

    arrivals: tuple[Arrival, ...]
    request: Request
    checked: Checked
    bounds: NDArray[np.int64]
    unknown: tuple[dict[str, int], ...]
    keys: tuple[Key | None, ...]


def requests_of(
    ledger: LedgerReader, arrivals: Sequence[Arrival], parts: Sequence[Gathered]
) -> list[tuple[Request, Model]]:
    """What the transaction of each part needs to know. Raises NotFound."""
    model, policy = in_force(ledger, arrivals[0].model)
    terms = Terms(
        feed=arrivals[0].feed, known_at=max(arrival.known_at for arrival in arrivals),
        may_backdate=arrivals[0].may_backdate,
    )  # fmt: skip
    return [(request_of(ledger, model, policy, some.batch, terms), model) for some in parts]


def group_of(
    some: Gathered, arrivals: Sequence[Arrival], request: Request, model: Model
) -> Group | None:
    """Those of the requests whose rows are all good, checked; None where there is none."""
    mine = [arrivals[number] for number in some.numbers]
    checked = checked_of(request, settled(request, model))
    good = np.ones(some.batch.rows, np.bool_) if checked.good is None else checked.good
    lengths = np.diff(some.bounds)
    whole = some.of_rows(good) == lengths
    keys = [arrival.key for arrival in mine]
    again = {k for k, key in enumerate(keys) if key is not None and key in keys[:k]}
    whole[list(again)] = False
    if not whole.any():
        return None
    if not whole.all():
        checked = checked.only(np.repeat(whole, lengths)[good])
    unknown = _unknown(some, checked)
    places = np.flatnonzero(whole)
    return Group(
        arrivals=tuple(mine[k] for k in places), request=request, checked=checked,
        bounds=np.concatenate(([0], np.cumsum(lengths[whole]))).astype(np.int64),
        unknown=tuple(unknown[k] for k in places), keys=tuple(_key(mine[k]) for k in places),
    )  # fmt: skip


def _key(arrival: Arrival) -> Key | None:
    if arrival.key is None:
        return None
    sha256 = hashlib.sha256(arrival.body).hexdigest()
    return key_of(arrival.model, arrival.feed, arrival.key, sha256)


def _unknown(some: Gathered, checked: Checked) -> list[dict[str, int]]:
    """For each request its columns that are stored nowhere, with the count of their values."""
    found: list[dict[str, int]] = [{} for _ in some.numbers]
    for name in checked.unknown:
        for number, count in enumerate(some.of_rows(present(some.batch.columns[name])).tolist()):
            if count:
                found[number][name] = count
    return found

"""Which model a request is about, for tokens that are for some models alone.

What names no model, and is no list that its handler cuts, is not theirs: a route that is added
is closed to such tokens until this page knows it.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Final

from anyio import to_thread
from litestar.connection import ASGIConnection

from controlplane.api.refusals import Forbidden
from controlplane.domain.alerts import Alert, Delivery
from controlplane.domain.decisions import Decision
from controlplane.domain.records import Record
from controlplane.domain.runs import Run
from controlplane.domain.tokens import Who
from controlplane.domain.trials import Trial
from controlplane.domain.versions import Version
from controlplane.domain.windows import Window
from controlplane.store.ports import Store

NAMED: Final[Mapping[str, type[Record]]] = {
    "window": Window, "run": Run, "trial": Trial, "decision": Decision, "alert": Alert,
    "delivery": Delivery,
}  # fmt: skip
"""A path's parameter to the kind of record whose model it is about."""
CUT: Final = frozenset(
    {"/v1/models", "/v1/decisions", "/v1/alerts", "/v1/deliveries", "/v1/audit", "/v1/audit/verify",
     "/v1/stream"}
)  # fmt: skip
"""Lists of all models, which their handlers cut to those that a token is for; and the chain, of
which only the length is told."""


class Belonging:
    """Finds the model of a request."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def check(self, who: Who, connection: ASGIConnection[Any, Any, Any, Any]) -> None:
        """Raise Forbidden unless the request is about a model that the token is for."""
        asked = connection.path_params
        told = connection.query_params.get("model")
        for model in filter(None, (asked.get("model"), told)):
            must_see(who, str(model))
        if "model" in asked or connection.scope.get("path_template") in CUT:
            return
        found = await to_thread.run_sync(partial(self._of, asked))
        if found is None:
            message = (
                f"the token of {who.name} is for {_listed(who)} alone, and this is about all models"
            )
            raise Forbidden(message)
        if found and not any(who.sees(model) for model in found):
            must_see(who, found[0])

    def _of(self, asked: Mapping[str, object]) -> list[str] | None:
        """The models that what the path names belongs to; empty where nothing has that name."""
        with self._store.read() as view:
            for parameter, kind in NAMED.items():
                if parameter in asked:
                    record = view.ledger.get(kind, str(asked[parameter]))
                    return [] if record is None else [record.model]
            if "sha256" in asked:
                sha256 = str(asked["sha256"])
                return [v.model for v in view.ledger.find(Version) if v.sha256 == sha256]
        return None


def must_see(who: Who, model: str) -> None:
    """Raise Forbidden unless the token is for this model."""
    if not who.sees(model):
        message = f"the token of {who.name} is for {_listed(who)}, not for the model {model[:80]!r}"
        raise Forbidden(message)


def _listed(who: Who) -> str:
    return ", ".join(_some(sorted(who.models or ())))


def _some(names: list[str]) -> Iterator[str]:
    yield from names[:10]
    if len(names) > 10:  # noqa: PLR2004 - as above
        yield f"{len(names) - 10} more"

"""Every call of the API that has an answer to read: what is sent, and what comes back.

A call is a value; `http.Connection` and `http.AsyncConnection` send it. Paths stand here alone.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Generic, TypeVar
from urllib.parse import quote

import msgspec

from connectors.client import wire

Answer = TypeVar("Answer")
Item = TypeVar("Item")

JSON: Final = "application/json"
YAML: Final = "application/yaml"
TAR: Final = "application/x-tar"
ARROW: Final = "application/vnd.apache.arrow.stream"
JSON_LINES: Final = "application/x-ndjson"

CAUSES_SECONDS: Final = 60.0
REHEARSAL_SECONDS: Final = 600.0

Query = Mapping[str, str | int | float | bool | datetime | None]


class Call(msgspec.Struct, Generic[Answer], frozen=True, kw_only=True):
    """A request and the type of its answer; `bytes` is the body as it came."""

    method: str = "GET"
    path: str
    answer: Any
    """The type of the answer, as msgspec decodes it."""
    query: Query = {}
    body: bytes | None = None
    content_type: str = JSON
    headers: Mapping[str, str] = {}
    timeout: float | None = None
    """Seconds; None: the connection's own."""


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """Which part of a list or a series: by event time, as it was known then, a page at a time."""

    start: datetime | None = None
    end: datetime | None = None
    as_of: datetime | None = None
    limit: int = 100
    cursor: str | None = None
    order: str | None = None
    """`oldest` or `newest` first; None: the list's own."""

    def query(self) -> Query:
        """The parameters of the API."""
        return {
            "from": self.start,
            "to": self.end,
            "as_of": self.as_of,
            "limit": self.limit,
            "cursor": self.cursor,
            "order": self.order,
        }


EVERYTHING: Final = Span()


def path(*parts: str) -> str:
    """A path below `/v1`, its parts quoted."""
    return "/v1/" + "/".join(quote(part, safe="") for part in parts)


def listing(where: str, item: type[Item], span: Span, **query: str | None) -> Call[wire.Page[Item]]:
    """One page of a list."""
    return Call(path=where, answer=wire.Page[item], query={**span.query(), **query})  # type: ignore[valid-type]


def post(where: str, answer: type[Answer], body: object = None) -> Call[Answer]:
    """Something that is asked for, with a JSON body where there is one."""
    content = None if body is None else msgspec.json.encode(body)
    return Call(method="POST", path=where, answer=answer, body=content)


def rehearse(model: str, body: object) -> Call[wire.Rehearsal]:
    """What a model's monitors find of sown drifts; it may take minutes."""
    asked = post(path("models", model, "rehearsals"), wire.Rehearsal, body)
    return msgspec.structs.replace(asked, timeout=REHEARSAL_SECONDS)


def acknowledge(alert: str, verdict: str | None, note: str) -> Call[wire.Alert]:
    """Say that somebody is looking at an alert, and what they found where they say so."""
    said = {"verdict": verdict, "note": note} if verdict or note else None
    return post(path("alerts", alert, "acknowledge"), wire.Alert, said)


def budget(model: str) -> Call[wire.Budget]:
    """The false-alarm budget of a model."""
    return Call(path=path("models", model, "budget"), answer=wire.Budget)


def recalibrate(model: str, windows: Sequence[str]) -> Call[wire.Budget]:
    """Thresholds made anew, with windows added in which nothing was wrong."""
    return post(path("models", model, "recalibrate"), wire.Budget, {"windows": [*windows]})


def stop(model: str, *, purge: bool) -> Call[wire.Stopped]:
    """A model to be stopped; with `purge` its data deleted too."""
    where, query = path("models", model), {"purge": purge}
    return Call(method="DELETE", path=where, answer=wire.Stopped, query=query)


def model(name: str) -> Call[wire.ModelDetail]:
    """One model: its file and its status."""
    return Call(path=path("models", name), answer=wire.ModelDetail)


def findings(
    window: str, revision: int | None, as_of: datetime | None
) -> Call[wire.WindowFindings]:
    """Every finding of a window, of its latest revision unless one is named."""
    return Call(
        path=path("windows", window, "findings"), answer=wire.WindowFindings,
        query={"revision": revision, "as_of": as_of},
    )  # fmt: skip


def causes(window: str) -> Call[wire.Causes]:
    """Why a window is as it is; looked for when it is asked for, a second or two."""
    where = path("windows", window, "causes")
    return Call(path=where, answer=wire.Causes, timeout=CAUSES_SECONDS)


def importance(window: str) -> Call[wire.Importance]:
    """What a version said of how much it depends on each feature, or how far it is asked."""
    return Call(path=path("windows", window, "importance"), answer=wire.Importance)


def ask_importance(window: str) -> Call[wire.Importance]:
    """Ask the version that served in a window; answered at once, worked out in its own process."""
    return post(path("windows", window, "importance"), wire.Importance, {})


def metric(model: str, metric: str, span: Span, segment: str | None = None) -> Call[wire.Metric]:
    """A metric over time, a series a version; of a part of the rows where one is named."""
    query: dict[str, str | int | float | bool | datetime | None] = {"segment": segment}
    query |= {
        name: value
        for name, value in span.query().items()
        if name in ("from", "to", "as_of", "limit")
    }
    return Call(path=path("models", model, "metrics", metric), answer=wire.Metric, query=query)


def column(model: str, column: str, window: str | None) -> Call[wire.ColumnPicture]:
    """A feature over the reference and over a window."""
    return Call(
        path=path("models", model, "columns", column), answer=wire.ColumnPicture,
        query={"window": window},
    )  # fmt: skip


def champion(model: str, wait: float | None, etag: str | None) -> Call[wire.Champion]:
    """What serving must run; with a wait and the tag of what is known, when that changes."""
    return Call(
        path=path("models", model, "champion"), answer=wire.Champion,
        query={"wait": None if wait is None else f"{wait:g}s"},
        headers={} if etag is None else {"If-None-Match": etag},
        timeout=None if wait is None else wait + 10.0,
    )  # fmt: skip


def run_log(run: str, offset: int) -> Call[bytes]:
    """What a run printed, from byte `offset` on."""
    return Call(path=path("runs", run, "log"), answer=bytes, query={"offset": offset})


def promote(model: str, version: str, reason: str) -> Call[wire.Decision]:
    """Make a version champion by hand."""
    return post(
        path("models", model, "versions", version, "promote"), wire.Decision, {"reason": reason}
    )


def rollback(model: str, reason: str) -> Call[wire.Decision]:
    """Go back to the version that served before."""
    return post(path("models", model, "rollback"), wire.Decision, {"reason": reason})


def apply(
    model: str, text: str, *, dry_run: bool, timing: str | None, timed: bool | None
) -> Call[wire.Plan]:
    """Apply a model file, or say what it would change."""
    return Call(
        method="PUT", path=path("models", model), answer=wire.Plan, body=text.encode(),
        content_type=YAML, query={"dry_run": dry_run, "timing": timing, "timed": timed},
    )  # fmt: skip


def announce(model: str, known_at: datetime, *, final: bool) -> Call[wire.Settled]:
    """Tell a replayed model its time; the answer waits until everything due is settled."""
    asked = post(
        path("models", model, "time"), wire.Settled, {"known_at": known_at, "final": final}
    )
    return msgspec.structs.replace(asked, timeout=float("inf"))


class Rows(msgspec.Struct, frozen=True, kw_only=True):
    """A batch of rows as it is sent; the same `key` makes sending it twice harmless."""

    feed: str
    """predictions, labels or kpis."""
    body: bytes
    key: str
    content_type: str = JSON
    strict: bool | None = None


def send(model: str, rows: Rows) -> Call[wire.Receipt]:
    """Log a batch of rows."""
    return Call(
        method="POST", path=path("models", model, rows.feed), answer=wire.Receipt, body=rows.body,
        content_type=rows.content_type, headers={"Idempotency-Key": rows.key},
        query={"strict": rows.strict},
    )  # fmt: skip


def reference(model: str, rows: Rows, version: str | None) -> Call[wire.ReferenceReceipt]:
    """Give the rows with which windows are compared."""
    return Call(
        method="POST", path=path("models", model, "reference"), answer=wire.ReferenceReceipt,
        body=rows.body, content_type=rows.content_type, headers={"Idempotency-Key": rows.key},
        query={"version": version},
    )  # fmt: skip


def register(model: str, tar: bytes, query: Query) -> Call[wire.Version]:
    """Register a version that was trained elsewhere."""
    return Call(
        method="POST", path=path("models", model, "versions"), answer=wire.Version, body=tar,
        content_type=TAR, query=query,
    )  # fmt: skip


def text_of(value: str | float | bool | datetime) -> str:  # noqa: FBT001 - a query's value
    """A query's value as the API reads it.

    >>> text_of(True), text_of(30), text_of("a b")
    ('true', '30', 'a b')
    """
    match value:
        case bool():
            return "true" if value else "false"
        case datetime():
            return value.isoformat()
        case _:
            return str(value)

"""A server in memory for the tests of a serving app: it takes rows and remembers them.

server = MemoryServer()
with Leeboard(None, "bikes", transport=server.transport) as leeboard:
    leeboard.log_prediction("1", {"hour": 8}, 120.0)
assert server.predictions[0]["hour"] == 8
"""

import hashlib
import threading
from datetime import UTC, datetime
from time import monotonic
from typing import Any, Final

import httpx
import msgspec

from connectors.client import wire
from connectors.client.calls import ARROW

_AWAY: Final = "away"
_LOSES: Final = "loses the answer"


class MemoryServer:
    """Remembers what it is sent, and can be told to be away, to be busy, or to refuse.

    `predictions` and `labels` are the rows, `requests` all requests in order; an Idempotency-Key
    that came before adds nothing, as with the real one.
    """

    def __init__(self) -> None:
        self.predictions: list[dict[str, Any]] = []
        self.labels: list[dict[str, Any]] = []
        self.requests: list[httpx.Request] = []
        self.champion = wire.Champion()
        self.artifacts: dict[str, bytes] = {}
        self.versions: dict[str, wire.Version] = {}
        self._failures: list[httpx.Response | str] = []
        self._keys: set[str] = set()
        self._lock = threading.Condition()
        self.transport = httpx.MockTransport(self._answer)

    def be_away(self, times: int = 1) -> None:
        """Do not answer the next requests."""
        self._failures += [_AWAY] * times

    def lose_answers(self, times: int = 1) -> None:
        """Take what the next requests bring, and be away before they are answered."""
        self._failures += [_LOSES] * times

    def refuse(self, status: int, detail: str, times: int = 1, **headers: str) -> None:
        """Answer the next requests with a problem; a header's `_` stands for `-`."""
        problem = {"type": "about:blank", "title": "Refused", "status": status, "detail": detail}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._failures += [httpx.Response(status, json=problem, headers=named)] * times

    def publish(self, version: str, tar: bytes) -> None:
        """Make a version champion, with the tar of its files."""
        sha256 = self.register(version, tar)
        self.champion = wire.Champion(
            champion=wire.ArtifactRef(version=version, artifact="", sha256=sha256),
            generation=self.champion.generation + 1,
        )
        with self._lock:
            self._lock.notify_all()

    def register(self, version: str, tar: bytes) -> str:
        """Know a version, with the tar of its files; its SHA-256."""
        sha256 = hashlib.sha256(tar).hexdigest()
        self.artifacts[sha256] = tar
        made_at = datetime(2024, 1, 1, tzinfo=UTC)
        self.versions[version] = wire.Version(
            version=version, model="", made_at=made_at, sha256=sha256
        )
        return sha256

    def _answer(self, request: httpx.Request) -> httpx.Response:
        with self._lock:
            self.requests.append(request)
            if self._failures:
                failure = self._failures.pop(0)
                if isinstance(failure, httpx.Response):
                    return failure
                if failure == _LOSES:
                    self._routed(request)
                raise httpx.ConnectError("the server in memory is away")
            return self._routed(request)

    def _routed(self, request: httpx.Request) -> httpx.Response:
        last = request.url.path.rpartition("/")[2]
        if last in ("predictions", "labels"):
            return self._take(request, self.predictions if last == "predictions" else self.labels)
        if last == "champion":
            return self._champion(request)
        if last in self.versions:
            return httpx.Response(200, content=msgspec.json.encode(self.versions[last]))
        if last in self.artifacts:
            return httpx.Response(200, content=self.artifacts[last])
        return httpx.Response(404, json={"title": "Not Found", "status": 404, "detail": last})

    def _take(self, request: httpx.Request, rows: list[dict[str, Any]]) -> httpx.Response:
        sent = _rows(request)
        key = request.headers.get("idempotency-key", "")
        if key not in self._keys:
            self._keys.add(key)
            rows += sent
        receipt = wire.Receipt(accepted=len(sent))
        return httpx.Response(200, content=msgspec.json.encode(receipt))

    def _champion(self, request: httpx.Request) -> httpx.Response:
        """At once, or as a long poll when it changes or its `wait` is over."""
        left = float(request.url.params.get("wait", "0s").removesuffix("s"))
        until = monotonic() + left
        while True:
            content = msgspec.json.encode(self.champion)
            tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
            if request.headers.get("if-none-match") != tag:
                return httpx.Response(200, content=content, headers={"ETag": tag})
            if (left := until - monotonic()) <= 0:
                return httpx.Response(304, headers={"ETag": tag})
            self._lock.wait(left)


def _rows(request: httpx.Request) -> list[dict[str, Any]]:
    if request.headers.get("content-type") == ARROW:
        import pyarrow as pa  # noqa: PLC0415 - only who sends tables needs it

        with pa.ipc.open_stream(request.content) as stream:
            rows: list[dict[str, Any]] = stream.read_all().to_pylist()
            return rows
    columns = msgspec.json.decode(request.content)["columns"]
    return [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]

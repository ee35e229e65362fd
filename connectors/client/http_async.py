"""The same calls for programs with an event loop: what the terminal dashboard reads and does."""

from datetime import datetime
from typing import Self, TypeVar

import httpx

from connectors.client import calls, place, wire
from connectors.client.calls import EVERYTHING, Call, Span, path
from connectors.client.exchange import read, request_of, settings_of
from connectors.client.problems import ServerAway

Answer = TypeVar("Answer")


class AsyncConnection:
    """A server and the token that opens it; `ask` sends any call of `calls`.

    As `http.Connection`, whose docstrings say what each call is.
    """

    def __init__(
        self, server: str | None = None, token: str | None = None, timeout: float = 30.0,
        *, transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:  # fmt: skip
        self.server = place.server_named(server)
        self._http = httpx.AsyncClient(
            **settings_of(self.server, token, timeout), transport=transport
        )

    async def __aenter__(self) -> Self:
        """Itself; leaving closes it."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close it."""
        await self.close()

    async def close(self) -> None:
        """Give the sockets back."""
        await self._http.aclose()

    async def ask(self, call: Call[Answer]) -> Answer:
        """Send a call and read its answer."""
        return read(call, await self._sent(call))

    async def health(self) -> wire.Health:
        """Whether the server is there."""
        return await self.ask(Call(path="/healthz", answer=wire.Health))

    async def models(self, span: Span = EVERYTHING) -> wire.Page[wire.ModelSummary]:
        """The fleet."""
        return await self.ask(calls.listing(path("models"), wire.ModelSummary, span))

    async def model(self, model: str) -> wire.ModelDetail:
        """One model."""
        return await self.ask(calls.model(model))

    async def champion(self, model: str) -> wire.Champion:
        """What serving must run."""
        return await self.ask(calls.champion(model, None, None))

    async def champion_after(
        self, model: str, known: str | None, wait: float | None
    ) -> tuple[wire.Champion | None, str | None]:
        """What serving must run and its tag; None where it is still what the tag `known` says."""
        call = calls.champion(model, wait, known)
        response = await self._sent(call)
        if response.status_code == httpx.codes.NOT_MODIFIED:
            return None, known
        return read(call, response), response.headers.get("etag")

    async def version(self, model: str, version: str) -> wire.Version:
        """A version's lineage."""
        where = path("models", model, "versions", version)
        return await self.ask(Call(path=where, answer=wire.Version))

    async def artifact(self, sha256: str) -> bytes:
        """A version's files as a tar."""
        return await self.ask(Call(path=path("artifacts", sha256), answer=bytes))

    async def windows(self, model: str, span: Span = EVERYTHING) -> wire.Page[wire.Window]:
        """Windows by event time."""
        return await self.ask(calls.listing(path("models", model, "windows"), wire.Window, span))

    async def findings(
        self, window: str, *, revision: int | None = None, as_of: datetime | None = None
    ) -> wire.WindowFindings:
        """Every finding of a window."""
        return await self.ask(calls.findings(window, revision, as_of))

    async def metric(self, model: str, metric: str, span: Span = EVERYTHING) -> wire.Metric:
        """A metric over time."""
        return await self.ask(calls.metric(model, metric, span))

    async def column(
        self, model: str, column: str, *, window: str | None = None
    ) -> wire.ColumnPicture:
        """A feature over the reference and over a window."""
        return await self.ask(calls.column(model, column, window))

    async def decisions(
        self, span: Span = EVERYTHING, *, model: str | None = None, kind: str | None = None
    ) -> wire.Page[wire.Decision]:
        """Decisions with their evidence."""
        asked = calls.listing(path("decisions"), wire.Decision, span, model=model, kind=kind)
        return await self.ask(asked)

    async def decision(self, decision: str) -> wire.Decision:
        """One decision."""
        return await self.ask(Call(path=path("decisions", decision), answer=wire.Decision))

    async def approve(self, decision: str) -> wire.Decision:
        """Let a decision be performed."""
        return await self.ask(calls.post(path("decisions", decision, "approve"), wire.Decision))

    async def reject(self, decision: str) -> wire.Decision:
        """Refuse a decision."""
        return await self.ask(calls.post(path("decisions", decision, "reject"), wire.Decision))

    async def alerts(
        self, span: Span = EVERYTHING, *, model: str | None = None, state: str | None = None
    ) -> wire.Page[wire.Alert]:
        """Alerts, the newest first."""
        asked = calls.listing(path("alerts"), wire.Alert, span, model=model, state=state)
        return await self.ask(asked)

    async def acknowledge(
        self, alert: str, *, verdict: str | None = None, note: str = ""
    ) -> wire.Alert:
        """Say that somebody is looking at it; `verdict` is true_alarm or false_alarm."""
        return await self.ask(calls.acknowledge(alert, verdict, note))

    async def versions(self, model: str, span: Span = EVERYTHING) -> wire.Page[wire.Version]:
        """The versions of a model."""
        return await self.ask(calls.listing(path("models", model, "versions"), wire.Version, span))

    async def runs(self, model: str, span: Span = EVERYTHING) -> wire.Page[wire.Run]:
        """Training runs, the newest first."""
        return await self.ask(calls.listing(path("models", model, "runs"), wire.Run, span))

    async def run_log(self, run: str, offset: int = 0) -> bytes:
        """What a run printed, from byte `offset` on."""
        return await self.ask(calls.run_log(run, offset))

    async def trials(self, model: str, span: Span = EVERYTHING) -> wire.Page[wire.Trial]:
        """Trials, the newest first."""
        return await self.ask(calls.listing(path("models", model, "trials"), wire.Trial, span))

    async def trial(self, trial: str) -> wire.Trial:
        """One trial."""
        return await self.ask(Call(path=path("trials", trial), answer=wire.Trial))

    async def promote(self, model: str, version: str, *, reason: str) -> wire.Decision:
        """Make a version champion by hand."""
        return await self.ask(calls.promote(model, version, reason))

    async def rollback(self, model: str, *, reason: str) -> wire.Decision:
        """Go back to the version that served before."""
        return await self.ask(calls.rollback(model, reason))

    async def _sent(self, call: Call[Answer]) -> httpx.Response:
        try:
            return await self._http.send(request_of(self._http.build_request, call))
        except httpx.TransportError as error:
            raise ServerAway(self.server, str(error) or type(error).__name__) from error

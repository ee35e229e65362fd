"""Typed calls to the server, blocking; `http_async` has the twin for programs with a loop."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Self, TypeVar

import httpx
import msgspec

from connectors.client import calls, place, wire
from connectors.client.calls import EVERYTHING, Call, Rows, Span, path
from connectors.client.exchange import read, request_of, settings_of
from connectors.client.problems import ServerAway, ServerSaid, problem_of

Answer = TypeVar("Answer")
Item = TypeVar("Item")


class Connection:
    """A server and the token that opens it; may be used from several threads.

    Without arguments it is the server on this machine, with the token that it made for its user.
    Every call raises ServerAway or ServerSaid, whose texts are for people. `timeout` is in
    seconds; `transport` is for tests.
    """

    def __init__(
        self, server: str | None = None, token: str | None = None, timeout: float = 30.0,
        *, transport: httpx.BaseTransport | None = None, ca: str | None = None,
    ) -> None:  # fmt: skip
        self.server = place.server_named(server)
        self._http = httpx.Client(
            **settings_of(self.server, token, timeout, ca), transport=transport
        )

    def __enter__(self) -> Self:
        """Itself; leaving closes it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Give the sockets back."""
        self._http.close()

    def ask(self, call: Call[Answer]) -> Answer:
        """Send a call and read its answer."""
        return read(call, self._sent(call))

    @contextmanager
    def streamed(self, path: str) -> Iterator[Iterator[bytes]]:
        """The body of an answer too large to be held, part by part, while the block lasts."""
        try:
            with self._http.stream("GET", path) as response:
                if response.is_error:
                    raise ServerSaid(problem_of(response.status_code, response.read()))
                yield response.iter_bytes()
        except httpx.TransportError as error:
            raise ServerAway(self.server, str(error) or type(error).__name__) from error

    def every(
        self, page: Callable[[Span], wire.Page[Item]], span: Span = EVERYTHING
    ) -> Iterator[Item]:
        """All items of a list, page by page: `every(lambda span: it.windows("bikes", span))`."""
        while True:
            found = page(span)
            yield from found.items
            if found.next is None:
                return
            span = msgspec.structs.replace(span, cursor=found.next)

    def health(self) -> wire.Health:
        """Whether the server is there; needs no token."""
        return self.ask(Call(path="/healthz", answer=wire.Health))

    def models(self, span: Span = EVERYTHING) -> wire.Page[wire.ModelSummary]:
        """The fleet."""
        return self.ask(calls.listing(path("models"), wire.ModelSummary, span))

    def model(self, model: str) -> wire.ModelDetail:
        """One model: its file and its status."""
        return self.ask(calls.model(model))

    def apply(
        self, model: str, text: str, *, dry_run: bool = False, timing: str | None = None,
        timed: bool | None = None,
    ) -> wire.Plan:  # fmt: skip
        """Apply a model file; `timing` and `timed` count where it makes a model."""
        return self.ask(calls.apply(model, text, dry_run=dry_run, timing=timing, timed=timed))

    def stop(self, model: str, *, purge: bool = False) -> wire.Stopped:
        """Stop a model; with `purge` delete its data too."""
        return self.ask(calls.stop(model, purge=purge))

    def resume(self, model: str) -> wire.ModelSummary:
        """An operator's go, after retraining or all actions were stopped."""
        return self.ask(calls.post(path("models", model, "resume"), wire.ModelSummary))

    def champion(self, model: str) -> wire.Champion:
        """What serving must run."""
        return self.ask(calls.champion(model, None, None))

    def champion_after(
        self, model: str, known: str | None, wait: float | None
    ) -> tuple[wire.Champion | None, str | None]:
        """What serving must run and its tag; None where it is still what the tag `known` says.

        With a tag and `wait`, in seconds, the answer comes when the champion moves.
        """
        call = calls.champion(model, wait, known)
        response = self._sent(call)
        if response.status_code == httpx.codes.NOT_MODIFIED:
            return None, known
        return read(call, response), response.headers.get("etag")

    def announce(self, model: str, known_at: datetime, *, final: bool = False) -> wire.Settled:
        """Tell a replayed model its time; returns when everything due by then is settled."""
        return self.ask(calls.announce(model, known_at, final=final))

    def send(self, model: str, rows: Rows) -> wire.Receipt:
        """Log a batch of predictions, labels or KPIs."""
        return self.ask(calls.send(model, rows))

    def send_reference(
        self, model: str, rows: Rows, *, version: str | None = None
    ) -> wire.ReferenceReceipt:
        """Give the rows with which windows are compared; the feed's name does not matter."""
        return self.ask(calls.reference(model, rows, version))

    def versions(self, model: str, span: Span = EVERYTHING) -> wire.Page[wire.Version]:
        """The versions of a model, in the order in which they were made."""
        return self.ask(calls.listing(path("models", model, "versions"), wire.Version, span))

    def version(self, model: str, version: str) -> wire.Version:
        """A version's lineage."""
        return self.ask(Call(path=path("models", model, "versions", version), answer=wire.Version))

    def register(
        self, model: str, tar: bytes, *, trained_from: datetime | None = None,
        trained_to: datetime | None = None, made: bool = False,
    ) -> wire.Version:  # fmt: skip
        """Register a version that was trained elsewhere."""
        query = {"trained_from": trained_from, "trained_to": trained_to, "made": made}
        return self.ask(calls.register(model, tar, query))

    def artifact(self, sha256: str) -> bytes:
        """A version's files as a tar, as the server sends it."""
        return self.ask(Call(path=path("artifacts", sha256), answer=bytes))

    def promote(self, model: str, version: str, *, reason: str) -> wire.Decision:
        """Make a version champion by hand."""
        return self.ask(calls.promote(model, version, reason))

    def rollback(self, model: str, *, reason: str) -> wire.Decision:
        """Go back to the version that served before."""
        return self.ask(calls.rollback(model, reason))

    def windows(self, model: str, span: Span = EVERYTHING) -> wire.Page[wire.Window]:
        """Windows by event time."""
        return self.ask(calls.listing(path("models", model, "windows"), wire.Window, span))

    def window(self, window: str) -> wire.Window:
        """One window, with its latest revision."""
        return self.ask(Call(path=path("windows", window), answer=wire.Window))

    def findings(
        self, window: str, *, revision: int | None = None, as_of: datetime | None = None
    ) -> wire.WindowFindings:
        """Every finding of a window, of its latest revision unless one is named."""
        return self.ask(calls.findings(window, revision, as_of))

    def causes(self, window: str) -> wire.Causes:
        """Why a scored window is as it is: what moved, where the loss rose, inputs or answers."""
        return self.ask(calls.causes(window))

    def metric(
        self, model: str, metric: str, span: Span = EVERYTHING, *, segment: str | None = None
    ) -> wire.Metric:
        """A metric over time, a series a version (`*`: all live rows), or of a segment's part."""
        return self.ask(calls.metric(model, metric, span, segment))

    def column(self, model: str, column: str, *, window: str | None = None) -> wire.ColumnPicture:
        """A feature over the reference and over a window."""
        return self.ask(calls.column(model, column, window))

    def runs(self, model: str, span: Span = EVERYTHING) -> wire.Page[wire.Run]:
        """Training runs, the newest first."""
        return self.ask(calls.listing(path("models", model, "runs"), wire.Run, span))

    def run(self, run: str) -> wire.Run:
        """One training run."""
        return self.ask(Call(path=path("runs", run), answer=wire.Run))

    def start_run(self, model: str, *, reason: str = "") -> wire.Run:
        """Ask for a training run."""
        return self.ask(calls.post(path("models", model, "runs"), wire.Run, {"reason": reason}))

    def cancel_run(self, run: str) -> wire.Run:
        """End a run that is not finished."""
        return self.ask(calls.post(path("runs", run, "cancel"), wire.Run))

    def run_log(self, run: str, offset: int = 0) -> bytes:
        """What a run printed, from byte `offset` on; empty where there is no more yet."""
        return self.ask(calls.run_log(run, offset))

    def trials(self, model: str, span: Span = EVERYTHING) -> wire.Page[wire.Trial]:
        """Trials, the newest first."""
        return self.ask(calls.listing(path("models", model, "trials"), wire.Trial, span))

    def trial(self, trial: str) -> wire.Trial:
        """One trial, with its confidence sequence."""
        return self.ask(Call(path=path("trials", trial), answer=wire.Trial))

    def guards(self, model: str, span: Span = EVERYTHING) -> wire.Page[wire.Guard]:
        """The watches over promotions, the newest first."""
        return self.ask(calls.listing(path("models", model, "guards"), wire.Guard, span))

    def open_trial(self, model: str, version: str, *, made: bool = False) -> wire.Trial:
        """Put a registered version on trial against the champion."""
        body = {"version": version, "made": made}
        return self.ask(calls.post(path("models", model, "trials"), wire.Trial, body))

    def rehearse(
        self, model: str, columns: Sequence[str] | None = None, *, quiet: bool = True,
        windows: int = 20,
    ) -> wire.Rehearsal:  # fmt: skip
        """Drifts sown into a copy of the model's rows, and what its monitors find."""
        body = {"columns": columns, "quiet": quiet, "windows": windows}
        return self.ask(calls.rehearse(model, body))

    def decisions(
        self, span: Span = EVERYTHING, *, model: str | None = None, kind: str | None = None
    ) -> wire.Page[wire.Decision]:
        """Decisions with their evidence, the newest first."""
        return self.ask(
            calls.listing(path("decisions"), wire.Decision, span, model=model, kind=kind)
        )

    def decision(self, decision: str) -> wire.Decision:
        """One decision, with the facts it rests on."""
        return self.ask(Call(path=path("decisions", decision), answer=wire.Decision))

    def approve(self, decision: str) -> wire.Decision:
        """Let a decision that waits for approval be performed."""
        return self.ask(calls.post(path("decisions", decision, "approve"), wire.Decision))

    def reject(self, decision: str) -> wire.Decision:
        """Refuse a decision that waits for approval."""
        return self.ask(calls.post(path("decisions", decision, "reject"), wire.Decision))

    def alerts(
        self, span: Span = EVERYTHING, *, model: str | None = None, state: str | None = None
    ) -> wire.Page[wire.Alert]:
        """Alerts, the newest first."""
        return self.ask(calls.listing(path("alerts"), wire.Alert, span, model=model, state=state))

    def alert(self, alert: str) -> wire.Alert:
        """One alert."""
        return self.ask(Call(path=path("alerts", alert), answer=wire.Alert))

    def budget(self, model: str) -> wire.Budget:
        """The false-alarm budget: thresholds, what they rest on, and how it was kept."""
        return self.ask(calls.budget(model))

    def recalibrate(self, model: str, windows: Sequence[str] = ()) -> wire.Budget:
        """Make thresholds anew, with windows added in which nothing was wrong."""
        return self.ask(calls.recalibrate(model, windows))

    def acknowledge(self, alert: str, *, verdict: str | None = None, note: str = "") -> wire.Alert:
        """Say that somebody is looking at it; `verdict` is true_alarm or false_alarm."""
        return self.ask(calls.acknowledge(alert, verdict, note))

    def deliveries(
        self, span: Span = EVERYTHING, *, state: str | None = None
    ) -> wire.Page[wire.Delivery]:
        """The outbox, dead letters included, the newest first."""
        return self.ask(calls.listing(path("deliveries"), wire.Delivery, span, state=state))

    def retry_delivery(self, delivery: str) -> wire.Delivery:
        """Put a dead letter back into the queue."""
        return self.ask(calls.post(path("deliveries", delivery, "retry"), wire.Delivery))

    def audit(
        self, span: Span = EVERYTHING, *, model: str | None = None
    ) -> wire.Page[wire.JournalEntry]:
        """The journal, the newest entry first."""
        return self.ask(calls.listing(path("audit"), wire.JournalEntry, span, model=model))

    def verify_audit(self) -> wire.Chain:
        """Whether the journal's chain holds."""
        return self.ask(Call(path=path("audit", "verify"), answer=wire.Chain))

    def _sent(self, call: Call[Answer]) -> httpx.Response:
        try:
            return self._http.send(request_of(self._http.build_request, call))
        except httpx.TransportError as error:
            raise ServerAway(self.server, str(error) or type(error).__name__) from error

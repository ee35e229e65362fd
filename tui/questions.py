"""What the screens ask of the server, as values: every call of the dashboard stands here."""

from collections.abc import Callable, Hashable
from typing import Any, Final

import msgspec

from connectors.client import calls, wire
from connectors.client.calls import Call, Span, listing, path

PAGE: Final = 100
FULL: Final = 200
"""Windows that a model's screen draws."""
FEW: Final = 5
NEWEST: Final = Span(limit=PAGE, order="newest")


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A call, the name that its answer goes by, and when it is worth asking again."""

    key: str
    call: Call[Any]
    when: Hashable = None
    """None: every round. Else: once, and again when this has changed."""
    fold: Callable[[object, object], object] | None = None
    """How the answer joins what was known before; None: it takes its place."""
    is_optional: bool = False
    """Whether a refusal concerns a part of the screen only, and is told there."""


def fleet() -> Call[wire.Page[wire.ModelSummary]]:
    """Every model at a glance."""
    return listing(path("models"), wire.ModelSummary, Span(limit=1000))


def model(name: str) -> Call[wire.ModelDetail]:
    """How one model stands."""
    return calls.model(name)


def model_once(name: str) -> Wanted:
    """The model that something is of, for what hardly changes: its features, whether it is timed."""
    return Wanted(key="model", call=model(name), when="once", is_optional=True)


def metric(name: str, metric: str, segment: str | None = None) -> Call[wire.Metric]:
    """A metric over the windows, of one part of the rows where it is named."""
    return calls.metric(name, metric, Span(limit=1000), segment)


def budget(name: str) -> Call[wire.Budget]:
    """What false alarms are allowed, and every threshold that follows."""
    return calls.budget(name)


def causes(window: str) -> Call[wire.Causes]:
    """Why a window is as it is; it takes seconds."""
    return calls.causes(window)


def windows(name: str) -> Call[wire.Page[wire.Window]]:
    """The newest windows."""
    return listing(path("models", name, "windows"), wire.Window, Span(limit=FULL, order="newest"))


def newest(name: str) -> Call[wire.Page[wire.Window]]:
    """The last few windows, of which the newest may still be open."""
    return listing(path("models", name, "windows"), wire.Window, Span(limit=FEW, order="newest"))


def window(id: str) -> Call[wire.Window]:  # noqa: A002 - the API's word
    """One window."""
    return Call(path=path("windows", id), answer=wire.Window)


def findings(window: str) -> Call[wire.WindowFindings]:
    """What the detectors said of a window."""
    return calls.findings(window, None, None)


def column(name: str, column: str, window: str) -> Call[wire.ColumnPicture]:
    """A column over the reference and over a window."""
    return calls.column(name, column, window)


def versions(name: str, cursor: str | None = None) -> Call[wire.Page[wire.Version]]:
    """The versions, the newest first."""
    return listing(path("models", name, "versions"), wire.Version, after(cursor))


def version(name: str, version: str) -> Call[wire.Version]:
    """One version."""
    return Call(path=path("models", name, "versions", version), answer=wire.Version)


def trials(name: str, cursor: str | None = None) -> Call[wire.Page[wire.Trial]]:
    """The trials, the newest first."""
    return listing(path("models", name, "trials"), wire.Trial, after(cursor))


def trial(id: str) -> Call[wire.Trial]:  # noqa: A002 - the API's word
    """One trial."""
    return Call(path=path("trials", id), answer=wire.Trial)


def runs(name: str, cursor: str | None = None) -> Call[wire.Page[wire.Run]]:
    """The training runs, the newest first."""
    return listing(path("models", name, "runs"), wire.Run, after(cursor))


def run(id: str) -> Call[wire.Run]:  # noqa: A002 - the API's word
    """One run."""
    return Call(path=path("runs", id), answer=wire.Run)


def run_log(run: str, offset: int) -> Call[bytes]:
    """What a run printed since."""
    return calls.run_log(run, offset)


def decisions(
    name: str | None, kind: str | None = None, cursor: str | None = None
) -> Call[wire.Page[wire.Decision]]:
    """Decisions of a model or of all, the newest first."""
    return listing(path("decisions"), wire.Decision, after(cursor), model=name, kind=kind)


def decision(id: str) -> Call[wire.Decision]:  # noqa: A002 - the API's word
    """One decision with its evidence."""
    return Call(path=path("decisions", id), answer=wire.Decision)


def alerts(name: str | None, cursor: str | None = None) -> Call[wire.Page[wire.Alert]]:
    """Alerts of a model or of all, the newest first."""
    return listing(path("alerts"), wire.Alert, after(cursor), model=name)


def alert(id: str) -> Call[wire.Alert]:  # noqa: A002 - the API's word
    """One alert."""
    return Call(path=path("alerts", id), answer=wire.Alert)


def deliveries() -> Call[wire.Page[wire.Delivery]]:
    """The newest messages that were sent, or are to be."""
    return listing(path("deliveries"), wire.Delivery, NEWEST)


def ask_importance(window: str) -> Call[wire.Importance]:
    """Have the version of a window asked how much it depends on each column."""
    return calls.ask_importance(window)


def acknowledge(alert: str, verdict: str | None) -> Call[wire.Alert]:
    """Say that somebody is looking at it, and whether it was a true or a false alarm."""
    return calls.acknowledge(alert, verdict, "")


def approve(decision: str) -> Call[wire.Decision]:
    """Let a decision be performed."""
    return calls.post(path("decisions", decision, "approve"), wire.Decision)


def reject(decision: str) -> Call[wire.Decision]:
    """Turn a decision down."""
    return calls.post(path("decisions", decision, "reject"), wire.Decision)


def rollback(name: str, reason: str) -> Call[wire.Decision]:
    """Go back to the version that served before."""
    return calls.rollback(name, reason)


def promote(name: str, version: str, reason: str) -> Call[wire.Decision]:
    """Make a version champion by hand."""
    return calls.promote(name, version, reason)


def train(name: str, reason: str) -> Call[wire.Run]:
    """Ask for a training run."""
    return calls.post(path("models", name, "runs"), wire.Run, {"reason": reason})


def cancel(run: str) -> Call[wire.Run]:
    """End a run that is not finished."""
    return calls.post(path("runs", run, "cancel"), wire.Run)


def go(name: str) -> Call[wire.ModelSummary]:
    """An operator's go after a stop."""
    return calls.post(path("models", name, "resume"), wire.ModelSummary)


def after(cursor: str | None) -> Span:
    """The page that a cursor begins."""
    return msgspec.structs.replace(NEWEST, cursor=cursor)

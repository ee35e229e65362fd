"""`leeboard status`: the fleet, or one model, in a shell."""

from collections.abc import Iterator
from typing import Final

import click

from connectors.client import keeping, wire
from connectors.client.calls import Span
from connectors.client.problems import ServerSaid
from controlplane.cli import completing, render
from controlplane.cli.groups import examples
from controlplane.cli.render import Column, badge, bounded, count, number, place, sized, when
from controlplane.cli.terminal import LARGEST_PAGE, Listed, Terminal, bad_news, put, talks

FLEET: Final = [
    Column("model"), Column("verdict"), Column("champion"), Column("metric", spare=True), Column("newest"),
    Column("reference", right=True, spare=True), Column("alerts"), Column("activity", grows=True),
    Column("model time", spare=True),
]  # fmt: skip
BAD: Final = frozenset({"failed", "error"})


@click.command("status", epilog=examples(
    "leeboard status",
    "leeboard status bike-demand",
    "leeboard status --json | jq '.items[].champion'",
    "leeboard status > /dev/null || echo something is wrong",
))  # fmt: skip
@click.argument("model", required=False, shell_complete=completing.models)
@talks
def status(terminal: Terminal, model: str | None) -> None:
    """How the fleet stands, or one model.

    Exit status 3 where a newest window failed or could not be measured, a critical alert fires, or
    retraining has stopped.
    """
    if model is None:
        summaries = _fleet(terminal)
    else:
        found = terminal.connection.model(model)
        summaries = [found.summary]
        terminal.answer(found, _detail(found))
    if any(is_bad(summary) for summary in summaries):
        bad_news()


def is_bad(summary: wire.ModelSummary) -> bool:
    """Whether somebody should look now."""
    return (
        summary.verdict in BAD
        or summary.worst_alert == "critical"
        or summary.retraining_stopped is not None
    )


def _fleet(terminal: Terminal) -> list[wire.ModelSummary]:
    ask = terminal.connection
    models = list(ask.every(ask.models, Span(limit=LARGEST_PAGE)))
    if terminal.as_json:
        put(Listed(list(models), more=False))
    elif models:
        for line in render.table(FLEET, map(_line, models), width=render.width()):
            click.echo(line)
        _say_space(terminal)
    else:
        terminal.say("there are no models yet: `leeboard init FILE` writes a model file, "
                     "`leeboard apply FILE` makes the model")  # fmt: skip
    return models


def _say_space(terminal: Terminal) -> None:
    """What the store takes, where whoever asks may know."""
    try:
        space = terminal.connection.ask(keeping.store())
    except ServerSaid:
        return
    if space.file:
        terminal.say(f"store: {sized(space.used)} used, {sized(space.free)} free in its file, log "
                     f"{sized(space.log)}, disk {sized(space.disk_free)} free")  # fmt: skip


def _line(model: wire.ModelSummary) -> tuple[str, ...]:
    return (
        model.name, badge(model.verdict), model.champion or render.NOTHING, model.metric,
        _figure(model.realised), number(model.reference_loss), _alerts(model), _activity(model),
        place(model.model_time, timed=model.timed),
    )  # fmt: skip


def _figure(figure: wire.Figure | None) -> str:
    if figure is None:
        return render.NOTHING
    return f"{bounded(figure.value, figure.low, figure.high)} on {count(figure.rows)}"


def _expected(found: wire.Estimate | None) -> str:
    """What the newest window is expected to be without labels, and what that rests on."""
    if found is None:
        return render.NOTHING
    if found.value is None:
        return f"hidden: {found.hidden}"
    low, high = (found.interval.low, found.interval.high) if found.interval else (None, None)
    depends = (
        f"; depends on the kind of shift, {number(found.low)} to {number(found.high)}: "
        f"get {found.labels_wanted} labels"
        if found.is_apart
        else ""
    )
    return (
        f"{found.metric} {bounded(found.value, low, high)} on {count(found.rows)} of the newest "
        f"window, without labels ({found.method}; holds while {found.assumption}){depends}"
    )


def _alerts(model: wire.ModelSummary) -> str:
    if not model.open_alerts:
        return "none"
    return f"{model.open_alerts} {badge(model.worst_alert)}"


def _activity(model: wire.ModelSummary) -> str:
    stopped = model.frozen or model.retraining_stopped
    if stopped:
        return click.style(f"{model.activity}; {stopped}", fg="red")
    return model.activity


def _beside(found: wire.ModelDetail) -> Iterator[str]:
    """What is there beside rows: business metrics, halves without their other half."""
    told = [(f"KPI {kpi.name}", _kpi(kpi)) for kpi in found.kpis]
    if found.halves is not None:
        since = f" since {when(found.halves.oldest)}" if found.halves.oldest else ""
        told.append(("halves", (f"{count(found.halves.waiting)} requests or responses wait for the "
                                f"other half{since}, {count(found.halves.forgotten)} were given up")))  # fmt: skip
    yield from render.fields(told)


def _kpi(kpi: wire.Kpi) -> str:
    good = f", {kpi.direction} is good" if kpi.direction else ""
    if kpi.last_at is None:
        return f"no value yet{good}"
    return f"{number(kpi.last_value)} at {when(kpi.last_at)}, {count(kpi.values)} values{good}"


def _detail(found: wire.ModelDetail) -> Iterator[str]:
    summary, champion = found.summary, found.champion
    yield render.heading(f"{found.name}  {badge(summary.verdict)}")
    served = ""
    if champion is not None:
        since = when(champion.promoted_at)
        rows = count(champion.rows_trained)
        served = f"{champion.version} since {since}, trained on {rows} rows to " + when(
            champion.trained_to
        )
    yield from render.fields((
        ("task", f"{summary.task}, generation {summary.generation} of the model file"),
        ("champion", served or "none yet"),
        (summary.metric or "metric", _figure(summary.realised)),
        ("expected", _expected(summary.estimated)),
        ("reference loss", number(summary.reference_loss)),
        ("activity", _activity(summary)),
        ("rows", (f"{count(summary.rows.predictions)} predictions, {count(summary.rows.labels)} "
                 f"labels, {count(summary.rows.rejected)} rejected")),
        ("model time", f"{place(summary.model_time, timed=summary.timed)} ({summary.timing})"),
        ("watermark", place(found.watermark, timed=found.timed)),
    ))  # fmt: skip
    yield from _beside(found)
    yield from _open(found)
    if found.conditions:
        yield ""
        yield render.heading("Conditions")
        columns = [Column("condition"), Column("holds"), Column("says", grows=True)]
        lines = [(c.name, _holds(holds=c.holds), c.says) for c in found.conditions]
        yield from render.table(columns, lines, width=render.width())


def _open(found: wire.ModelDetail) -> Iterator[str]:
    """What is under way, each with where to read on."""
    if found.run is not None:
        yield f"run {found.run.id} is {badge(found.run.state)}: leeboard runs log {found.run.id}"
    if (trial := found.trial) is not None:
        gain = bounded(trial.difference, trial.low, trial.high)
        yield (f"trial of {trial.candidate} against {trial.champion}: gain {gain} on "
               f"{count(trial.rows)} rows, {trial.blocks} of at most {trial.stop_blocks} days: "
               f"leeboard why {trial.id}")  # fmt: skip
    if (guard := found.guard) is not None:
        yield (f"guard over {guard.version} until {when(guard.until)}: level "
               f"{number(guard.level)} of {number(guard.threshold)} on {count(guard.rows)} rows")  # fmt: skip
    if found.summary.retraining_stopped is not None:
        yield click.style(f"retraining has stopped: leeboard runs resume {found.name}", fg="red")
    for alert in found.open_alerts:
        yield f"{badge(alert.severity)} since {when(alert.fired_at)}: {alert.summary}: leeboard why {alert.id}"


def _holds(*, holds: bool | None) -> str:
    if holds is None:
        return click.style("unknown", fg="yellow")
    return click.style("yes", fg="red") if holds else "no"

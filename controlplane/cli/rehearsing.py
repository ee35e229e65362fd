"""`leeboard rehearse`: what a model's monitors find of drifts sown into its own rows."""

import sys
from collections.abc import Iterator, Sequence
from typing import Final

import click
import msgspec

from connectors.client import wire
from controlplane.cli import completing, render
from controlplane.cli.groups import examples
from controlplane.cli.render import Column, count, number
from controlplane.cli.terminal import Terminal, talks

ENOUGH: Final = 0.8
"""A size counts as found where at least this share of windows alarms at once."""
STEPS: Final = 10
"""Into so many questions a rehearsal of many features is cut."""
BLIND: Final = "blind"
SHORT: Final = {
    "standard deviations": " sd",
    "standard deviations of the label": " sd",
    "times the spread": "×",
}
CARD: Final = [
    Column("column"), Column("shift"), Column("scale"), Column("new level"), Column("missing"),
    Column("swapped"), Column("ramp"), Column("concept flip"),
]  # fmt: skip
KINDS: Final = ("shift", "scale", "new_level", "missing", "swapped", "ramp", "concept_flip")
LINES: Final = [
    Column("column"), Column("drift"), Column("size", right=True), Column("found at once"),
    Column("windows to alarm", right=True), Column("by", grows=True),
]  # fmt: skip
BESIDE: Final = [
    Column("monitors that"), Column("find at once", right=True),
    Column("windows to alarm", right=True), Column("false alarms a period", right=True),
]  # fmt: skip


@click.command("rehearse", epilog=examples(
    "leeboard rehearse bike-demand",
    "leeboard rehearse bike-demand --column temp --column weather --details",
    "leeboard rehearse bike-demand --json > card.json",
))  # fmt: skip
@click.argument("model", shell_complete=completing.models)
@click.option("--column", "columns", multiple=True, metavar="NAME",
              help="Only this feature; may be given several times. Default: every feature.")  # fmt: skip
@click.option("--windows", type=click.IntRange(1, 60), default=20, show_default=True,
              help="Into how many of the calibration windows each drift is sown.")  # fmt: skip
@click.option("--details", is_flag=True, help="Every drift and size, a line each.")
@talks
def rehearse(
    terminal: Terminal, model: str, columns: tuple[str, ...], windows: int, *, details: bool
) -> None:
    """Sow drifts of known kind and size into a copy of a model's own rows, and tell what its
    monitors find: power, delay and false alarms, a column at a time.

    Shift, scale, a new level, missing values, swapped columns, a slow ramp, and labels that no
    longer follow from the features (concept flip). Nothing is stored and nothing alarms.
    """
    ask = terminal.connection
    asked = list(columns) or ask.model(model).features
    cards = [ask.rehearse(model, asked[:0], windows=windows)]
    # A few features a question, so that the bar moves; the server keeps the thresholds between them.
    size = -(-len(asked) // STEPS)
    parts = [asked[at : at + size] for at in range(0, len(asked), size)] if asked else []
    with click.progressbar(parts, label=f"rehearsing {model}", file=sys.stderr) as bar:
        cards += [ask.rehearse(model, part, quiet=False, windows=windows) for part in bar]
    card = _whole(cards)
    terminal.answer(card, [
        *_head(card), *(_details(card) if details else _card(card)),
        *_stream(card.stream, details=details), *_foot(card),
    ])  # fmt: skip


def _whole(cards: Sequence[wire.Rehearsal]) -> wire.Rehearsal:
    """The answers to all questions as one card; the first has what is of no feature."""
    first, stream = cards[0], cards[0].stream
    if stream is not None:
        told = [d for card in cards if card.stream is not None for d in card.stream.drifts]
        stream = msgspec.structs.replace(stream, drifts=told)
    drifts = [d for card in cards for d in card.drifts]
    return msgspec.structs.replace(first, drifts=drifts, stream=stream)


def _head(card: wire.Rehearsal) -> Iterator[str]:
    yield render.heading(
        f"{card.model} {card.version}: {card.windows} windows of about {count(round(card.rows))} "
        f"rows; the budget allows {number(card.false_alarms)} false alarms in "
        f"{number(card.windows_a_period)} windows"
    )
    for note in card.notes:
        yield from render.wrapped(note)


def _card(card: wire.Rehearsal) -> Iterator[str]:
    yield ""
    yield f"the least size of which {ENOUGH:.0%} of windows alarm at once"
    columns = list(dict.fromkeys(drift.column for drift in card.drifts))
    rows = [
        (name, *(_least([d for d in card.drifts if (d.column, d.kind) == (name, kind)])
                 for kind in KINDS))
        for name in columns
    ]  # fmt: skip
    yield from render.table(CARD, rows, width=render.width())


def _least(drifts: Sequence[wire.Drifted]) -> str:
    """The least size that is found; of a ramp in which window; of what has no size whether."""
    if not drifts:
        return render.NOTHING
    found = [drift for drift in drifts if drift.power >= ENOUGH]
    if not found:
        return click.style(BLIND, fg="yellow")
    least = min(found, key=lambda drift: drift.size)
    if least.kind == "ramp":
        return f"window {number(least.delay)} of 10"
    return _size(least) or "found"


def _size(drift: wire.Drifted) -> str:
    if not drift.unit:
        return ""
    short = SHORT.get(drift.unit)
    return f"{number(drift.size)}{short}" if short else f"{number(drift.size * 100)} %"


def _details(card: wire.Rehearsal) -> Iterator[str]:
    yield ""
    yield from render.table(LINES, map(_line, card.drifts), width=render.width())


def _line(drift: wire.Drifted) -> tuple[str, ...]:
    power = f"{drift.power:.0%}"
    if drift.low is not None and drift.high is not None:
        power += f" [{drift.low:.0%}, {drift.high:.0%}]"
    kind = drift.kind.replace("_", " ") + (f" with {drift.other}" if drift.other else "")
    return (drift.column, kind, _size(drift) or render.NOTHING, power, _delay(drift),
            ", ".join(drift.by) or render.NOTHING)  # fmt: skip


def _delay(drift: wire.Drifted) -> str:
    return "never" if drift.delay is None else number(drift.delay)


def _stream(stream: wire.RehearsedStream | None, *, details: bool) -> Iterator[str]:
    """The stream by itself: it takes windows to gather what it alarms by."""
    if stream is None:
        return
    yield ""
    name = f"the stream {stream.detector} on {stream.on}"
    if stream.refused is not None:
        yield from render.wrapped(f"{name} is not read: {stream.refused}", indent="")
        return
    yield (
        f"{name}: {stream.alarmed} of {stream.windows} windows alarm with nothing sown; the budget "
        f"expects {number(stream.expected)}"
    )
    if details:
        yield from render.table(LINES, map(_line, stream.drifts), width=render.width())
        return
    yield "the least size that most of its windows find within ten"
    kinds = [kind for kind in KINDS if any(d.kind == kind for d in stream.drifts)]
    columns = list(dict.fromkeys(drift.column for drift in stream.drifts))
    heads = [CARD[0], *(Column(kind.replace("_", " ")) for kind in kinds)]
    rows = [
        (name, *(_soonest([d for d in stream.drifts if (d.column, d.kind) == (name, kind)])
                 for kind in kinds))
        for name in columns
    ]  # fmt: skip
    yield from render.table(heads, rows, width=render.width())


def _soonest(drifts: Sequence[wire.Drifted]) -> str:
    found = [drift for drift in drifts if drift.delay is not None]
    if not found:
        return click.style(BLIND, fg="yellow")
    least = min(found, key=lambda drift: drift.size)
    return f"{_size(least)} in window {number(least.delay)}"


def _foot(card: wire.Rehearsal) -> Iterator[str]:
    """These monitors beside two that look at nothing."""
    stream = card.stream
    listening = [] if stream is None or stream.refused is not None or not stream.windows else [
        (f"listen: {stream.detector} on {stream.on}", *_power(stream.drifts),
         number(stream.alarmed / stream.windows * card.windows_a_period)),
    ]  # fmt: skip
    yield ""
    yield from render.table(BESIDE, [
        ("watch this model", *_power(card.drifts), _false_alarms(card)),
        *listening,
        ("always alarm", "100%", "1", number(card.windows_a_period)),
        ("never alarm", "0%", "never", "0"),
    ], width=render.width())  # fmt: skip
    if card.quiet is not None:
        yield from _quiet(card.quiet)


def _power(drifts: Sequence[wire.Drifted]) -> tuple[str, str]:
    """Which share of drifts is found at once, and after how many windows half of them are."""
    at_once = [d for d in drifts if d.kind != "ramp"]
    power = sum(d.power for d in at_once) / len(at_once) if at_once else 0.0
    waits = sorted(float("inf") if d.delay is None else d.delay for d in at_once)
    middle = waits[len(waits) // 2] if waits else float("inf")
    return f"{power:.0%}", "never" if middle == float("inf") else number(middle)


def _false_alarms(card: wire.Rehearsal) -> str:
    quiet = card.quiet
    if quiet is None or not quiet.windows:
        return render.NOTHING
    return number(quiet.alarmed / quiet.windows * card.windows_a_period)


def _quiet(quiet: wire.Quiet) -> Iterator[str]:
    yield ""
    yield from render.wrapped(
        f"with nothing sown {quiet.alarmed} of {quiet.windows} windows alarm by thresholds made "
        f"from the others; the budget expects {number(quiet.expected)}", indent="",
    )  # fmt: skip
    if quiet.spans:
        yield from render.wrapped(
            f"and in {quiet.worse} of {quiet.spans} labelled spans the champion was worse than it "
            "may be", indent="",
        )  # fmt: skip

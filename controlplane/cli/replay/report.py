"""The report for people: what was noticed, when, what was done about it, what it bought."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

import pyarrow.compute as pc

from connectors.client import wire
from controlplane.cli.replay.document import Document
from controlplane.cli.replay.episodes import (
    Episode,
    alerts_left,
    done,
    episodes,
    held_back,
    noticed,
    others,
)
from controlplane.cli.replay.phrases import WIDTH, Phrases, days_of, some, times, wrapped
from controlplane.cli.replay.story import Story
from controlplane.cli.replay.worth import bought

MOST_EPISODES: Final = 10
"""Of more the first and the last are told."""
MOST_LINES: Final = 6
"""Of a list of what was noticed."""
_AT: Final = re.compile(r"^in the window from \S+( \d\S*)?: ")


def report(found: Document, story: Story) -> str:
    """Plain text of a screen or two, at most 80 columns wide where names allow."""
    say = Phrases(story.history)
    parts = [list(_opening(story, say)), list(_retrained(story, say)), list(_left(story, say)),
             list(_moved(story, say)), list(_still(story)), list(bought(found, story))]  # fmt: skip
    return "\n\n".join("\n".join(part) for part in parts if part)


def _opening(story: Story, say: Phrases) -> Iterator[str]:
    history = story.history
    rows, at = history.rows, history.rows["at"]
    first, last = say.row(at[0].as_py()), say.row(at[-1].as_py())
    missing = rows["label"].null_count
    without = f", {missing:,} of them never labelled" if missing else ""
    trained = next((run for run in story.runs if "first" in run.triggers), None)
    began = (
        ""
        if trained is None
        else f"v1 was trained on the first {some(trained.rows, 'labelled row')} and "
    )
    span = f", {first} to {last}" if history.timed else ""
    yield from wrapped(
        "", f"{history.name}: {some(rows.num_rows, 'row')}{span}{without}; label {story.label} "
        f"({history.task}). {began or 'The first version '}served from {say.row(history.split)}; "
        f"{_late(story, say)}.",
    )  # fmt: skip


def _late(story: Story, say: Phrases) -> str:
    rows, delay = story.history.rows, story.history.delay
    waits = pc.unique(pc.subtract(rows["label_known_at"], rows["at"]).drop_null())
    span = say.span(days_of(delay))
    return (
        f"labels came {span} late" if len(waits) == 1 else f"nearly all labels came within {span}"
    )


def _retrained(story: Story, say: Phrases) -> Iterator[str]:
    told = [(say.when(e.asked.model_time), e) for e in episodes(story)]
    rest = list(others(story, say))
    if not told and not rest:
        return
    yield "What was noticed, and what was done about it"
    gap = len(told) - MOST_EPISODES
    for number, (when, episode) in enumerate(told):
        if gap > 0 and MOST_EPISODES // 2 <= number < MOST_EPISODES // 2 + gap:
            if number == MOST_EPISODES // 2:
                yield from wrapped(
                    f"  {'…':<12}", _between([e for _, e in told[number : number + gap]])
                )
            continue
        yield from wrapped(f"  {when:<12}", noticed(episode, story, say))
        yield from wrapped(f"  {'':<12}→ ", done(episode, say))
    for when, text in rest:
        yield from wrapped(f"  {when:<12}", text)


def _between(skipped: list[Episode]) -> str:
    verdicts = Counter(e.trial.verdict if e.trial else None for e in skipped)
    return (
        f"{len(skipped)} more retrainings, {verdicts['better']} of them better and promoted; "
        "`leeboard decisions` lists them"
    )


def _left(story: Story, say: Phrases) -> Iterator[str]:
    """Alerts that asked for nothing, those that say the same but for their figures as one."""
    alike: dict[str, list[wire.Decision]] = {}
    for alert in alerts_left(story):
        alike.setdefault(re.sub(r"[\d.]+", "#", _AT.sub("", alert.says)), []).append(alert)
    if not alike:
        return
    yield "Also noticed and told; nothing was retrained for it"
    for group in list(alike.values())[:MOST_LINES]:
        again = (
            ""
            if len(group) == 1
            else f" ({times(len(group))}, last {say.row(group[-1].model_time)})"
        )
        text = say.plainly(_AT.sub("", group[0].says)) + again
        yield from wrapped(f"  {say.when(group[0].model_time):<12}", text)
    if len(alike) > MOST_LINES:
        yield f"  and {len(alike) - MOST_LINES} other kinds of alert; `leeboard alerts` lists them"


def _moved(story: Story, say: Phrases) -> Iterator[str]:
    """The columns that drifted, whatever came of it."""
    if not story.moved:
        return
    judged = sum(w.columns_judged > 0 for w in story.windows)
    yield f"Columns that drifted, in the {some(judged, 'window')} that could be judged"
    for moved in story.moved[:MOST_LINES]:
        first, last = say.row(moved.first), say.row(moved.last)
        when = f"from {first}" if first == last else f"from {first} to {last}"
        yield from wrapped(
            f"  {moved.column:<18} ", f"in {some(len(moved.windows), 'window')}, {when}"
        )
    if len(story.moved) > MOST_LINES:
        rest = ", ".join(m.column for m in story.moved[MOST_LINES:])
        others_too = rest if len(rest) < 2 * WIDTH else f"{len(story.moved) - MOST_LINES} others"
        yield from wrapped("  and ", others_too)


def _still(story: Story) -> Iterator[str]:
    """What held still, and why."""
    told = episodes(story)
    promoted = sum(e.trial is not None and e.trial.verdict == "better" for e in told)
    lines = []
    held = held_back(story)
    if not told:
        why = "no condition of the policy ever held" if held is None else "what asked was held back"
        lines.append(f"Nothing was retrained: {why}, so v1 served throughout.")
    elif not promoted:
        lines.append(
            f"{some(len(told), 'retraining')} {'was' if len(told) == 1 else 'were'} tried and none "
            "was better: the champion stayed."
        )
    if held is not None:
        lines.append(held)
    lines += _unjudged(story.windows)
    if lines:
        yield "What held still"
    for line in lines:
        yield from wrapped("  ", line)


def _unjudged(windows: list[wire.Window]) -> Iterator[str]:
    """Windows whose columns could not be judged for drift, and the usual reason."""
    blind = [w for w in windows if w.rows and not w.columns_judged and w.columns_unjudged]
    if not blind:
        return
    reasons = Counter(note for w in blind for note in w.notes if "drift" in note)
    why = f": {reasons.most_common(1)[0][0]}" if reasons else ""
    yield (
        f"Drift of the columns could not be judged in {len(blind)} of {some(len(windows), 'window')}"
        f"{why}."
    )

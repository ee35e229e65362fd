"""What a policy did, told as episodes: why it retrained, how the trial ended, what came of it."""

from collections.abc import Iterator

import msgspec

from connectors.client import wire
from controlplane.cli.replay.phrases import Phrases, figure, some, times
from controlplane.cli.replay.story import Story

BY_HAND_TOO = frozenset({"trial", "promote", "reject", "roll_back"})


class Episode(msgspec.Struct, frozen=True, kw_only=True):
    """A retraining: the decision that asked for it, and what there is of run, trial and guard."""

    asked: wire.Decision
    run: wire.Run | None
    trial: wire.Trial | None
    guard: wire.Guard | None
    back: wire.Decision | None
    """The decision that took the promotion back."""


def episodes(story: Story) -> list[Episode]:
    """The policy's retrainings after the first version, in order."""
    asked = [d for d in story.decisions if d.kind == "retrain" and "first" not in d.triggers]
    return [_episode(story, decision) for decision in asked]


def _episode(story: Story, asked: wire.Decision) -> Episode:
    run = next((run for run in story.runs if run.decision == asked.id), None)
    version = None if run is None else run.version
    trials = [t for t in story.trials if version is not None and t.candidate == version]
    return Episode(
        asked=asked, run=run, trial=trials[0] if trials else None,
        guard=next((g for g in story.guards if g.version == version), None),
        back=next((d for d in story.decisions if d.kind == "roll_back" and d.subject == version),
                  None) if version is not None else None,
    )  # fmt: skip


def noticed(episode: Episode, story: Story, say: Phrases) -> str:
    """Why it was asked for."""
    text = say.plainly(episode.asked.says.removeprefix("retrain: "))
    columns = [m.column for m in story.moved if episode.asked.window in m.windows]
    if "drift" in episode.asked.triggers and columns:
        more = f" and {len(columns) - 5} more" if len(columns) > 5 else ""  # noqa: PLR2004
        text += f": {', '.join(columns[:5])}{more}"
    return text


def done(episode: Episode, say: Phrases) -> str:
    """What came of it."""
    run = episode.run
    if run is None:
        return f"not begun: {episode.asked.outcome or episode.asked.state}"
    if run.version is None:
        return f"the training {run.state}: {run.reason or 'no reason given'}"
    span = ""
    if run.data_from is not None and run.data_to is not None:
        span = f", {say.row(run.data_from)} to {say.row(run.data_to)}"
    return f"{run.version}, trained on {some(run.rows, 'row')}{span}: {_tried(episode, say)}"


def _tried(episode: Episode, say: Phrases) -> str:
    trial = episode.trial
    if trial is None:
        return "the history ended before it could be tried"
    against = f"{_losses(trial)} on {some(trial.rows, 'row')}"
    match trial.verdict:
        case "better":
            return f"better, {against}{_gain(trial)}: {_after(episode, say)}"
        case "worse" | "not_better":
            what = "worse" if trial.verdict == "worse" else "not better"
            return f"{what}, {against}{_gain(trial)}: {trial.champion} stayed"
        case "inconclusive":
            return f"nothing could be told, {against}{_gain(trial)}: {trial.champion} stayed"
        case _:
            return f"the history ended while it was tried ({against})"


def _losses(trial: wire.Trial) -> str:
    if trial.loss_candidate is None or trial.loss_champion is None:
        return trial.metric
    return (
        f"{trial.metric} {figure(trial.loss_candidate)} to {trial.champion}'s "
        f"{figure(trial.loss_champion)}"
    )


def _gain(trial: wire.Trial) -> str:
    if trial.difference is None:
        return ""
    bounds = f" [{figure(trial.low)}, {figure(trial.high)}]" if trial.low is not None else ""
    return f", a gain of {figure(trial.difference)}{bounds}"


def _after(episode: Episode, say: Phrases) -> str:
    if episode.back is not None:
        return f"promoted, and taken back at {say.row(episode.back.model_time)}"
    if episode.guard is None:
        return "promoted"
    kept = {"passed": "and kept", "watching": "and still watched at the end"}
    return f"promoted {kept.get(episode.guard.state, f'(its guard: {episode.guard.state})')}"


def others(story: Story, say: Phrases) -> Iterator[tuple[str, str]]:
    """When and what was done that no retraining explains: by hand, made up, or a stop."""
    tried = {e.run.version for e in episodes(story) if e.run is not None}
    for decision in story.decisions:
        mine = decision.kind in BY_HAND_TOO and decision.subject not in tried
        if not mine and decision.kind != "stop":
            continue
        made = (
            " (made by the demonstration)"
            if decision.made and "(made)" not in decision.says
            else ""
        )
        failed = f"; {decision.outcome}" if decision.state == "failed" and decision.outcome else ""
        yield say.when(decision.model_time), f"{say.plainly(decision.says)}{made}{failed}"


def alerts_left(story: Story) -> list[wire.Decision]:
    """The alerts that no retraining answered."""
    answered = {e.asked.window for e in episodes(story)}
    return [
        d for d in story.decisions
        if d.kind == "alert" and not (d.window is not None and d.window in answered
                                      and d.condition in {"performance", "drift", "stream"})
    ]  # fmt: skip


def held_back(story: Story) -> str | None:
    """That it asked, or asked again, while it could not be, in a sentence."""
    held = sum(d.kind == "hold" for d in story.decisions)
    if not held:
        return None
    more = " more" if episodes(story) else ""
    return (
        f"{times(held).capitalize()}{more} a retraining was asked for and held back: one was under "
        "way, or the policy's cooldown or budget stood against it."
    )

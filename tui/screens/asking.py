"""What an operator is told before a change: exactly what will happen, and what is recorded."""

from collections.abc import Sequence

from connectors.client import wire
from tui import questions
from tui.format import day, number
from tui.screens.followed import Followed
from tui.widgets.confirm import Asked, Choice

RECORDED = "The decision, the reason and your name are recorded in the journal."


def predecessor(versions: Sequence[wire.Version]) -> wire.Version | None:
    """The version that served last before the champion and can come back."""
    served = [v for v in versions if v.state == "retired" and v.ended_at is not None]
    return max(served, key=lambda v: str(v.ended_at), default=None)


def rollback(screen: Followed, detail: wire.ModelDetail, versions: Sequence[wire.Version]) -> None:
    """Ask whether to go back to the version that served before."""
    champion, target = detail.champion, predecessor(versions)
    if champion is None or target is None:
        screen.notify("No version served before this one, so there is nothing to go back to.",
                      severity="warning", markup=False)  # fmt: skip
        return
    says = [
        f"{champion.version} stops serving; it has served since {day(champion.promoted_at, timed=detail.timed)}.",
        (
            f"{target.version} serves instead; it served from {day(target.promoted_at, timed=detail.timed)} to "
            f"{day(target.ended_at, timed=detail.timed)} (reference loss {number(target.reference_loss)}, "
            f"{champion.version}'s is {number(champion.reference_loss)})."
        ),
        "First the server proves that it loads and scores; if not, nothing changes.",
        f"{champion.version} is marked as rolled back and is not promoted again by itself.",
        RECORDED,
    ]
    asked = Asked(
        title=f"Roll {detail.name} back from {champion.version} to {target.version}",
        says=says, verb="Roll back", needs_reason=True, is_grave=True,
    )  # fmt: skip
    screen.confirm(
        asked, lambda reason: questions.rollback(detail.name, reason),
        f"{detail.name} goes back to {target.version}",
    )  # fmt: skip


def promote(screen: Followed, detail: wire.ModelDetail, version: wire.Version) -> None:
    """Ask whether to make a version champion by hand."""
    champion = detail.champion
    if champion is not None and champion.version == version.version:
        screen.notify(f"{version.version} is champion already.", severity="warning", markup=False)
        return
    stops = "No version serves now."
    if champion is not None:
        stops = f"{champion.version} stops serving; it has served since {day(champion.promoted_at, timed=detail.timed)}."
    says = [
        stops,
        (
            f"{version.version} serves instead; it is {version.state.replace('_', ' ')} now, trained "
            f"on rows up to {day(version.trained_to, timed=detail.timed)}."
        ),
        *_against_advice(version),
        "A guard then watches it, and takes it back if it does worse.",
        RECORDED,
    ]
    asked = Asked(
        title=f"Promote {version.version} of {detail.name} by hand", says=says, verb="Promote",
        needs_reason=True, is_grave=True,
    )  # fmt: skip
    screen.confirm(
        asked, lambda reason: questions.promote(detail.name, version.version, reason),
        f"{version.version} of {detail.name} is to serve",
    )  # fmt: skip


def _against_advice(version: wire.Version) -> list[str]:
    match version.state:
        case "rejected":
            return ["Its trial turned it away: this goes against the evidence."]
        case "rolled_back":
            return ["It was taken back before: this goes against the evidence."]
        case "on_trial":
            return ["Its trial has not decided yet."]
        case _:
            return []


def train(screen: Followed, detail: wire.ModelDetail) -> None:
    """Ask whether to start a run."""
    asked = Asked(
        title=f"Train a new version of {detail.name}",
        says=[
            "A training run starts now, in a process of its own, by the policy in force.",
            "What it makes becomes a candidate and is tried; the champion is not touched.",
            RECORDED,
        ],
        verb="Train", needs_reason=True,
    )  # fmt: skip
    screen.confirm(
        asked, lambda reason: questions.train(detail.name, reason),
        f"A run of {detail.name} is asked for",
    )  # fmt: skip


def importance(screen: Followed, found: wire.Causes) -> None:
    """Ask whether to have a window's version asked what it depends on."""
    if found.importance_state == "asked":
        screen.notify(f"{found.version} is being asked already; `ctrl+r` looks again.",
                      markup=False)  # fmt: skip
        return
    asked = Asked(
        title=f"Ask {found.version} of {found.model} how much it depends on each column",
        says=[
            "It scores a sample of the window's rows with one column after the other shuffled,",
            "in a process of its own; nothing that serves is touched.", RECORDED,
        ],
        verb="Ask",
    )  # fmt: skip
    screen.confirm(
        asked, lambda _: questions.ask_importance(found.window),
        f"{found.version} is asked; `ctrl+r` looks again",
    )  # fmt: skip


def go(screen: Followed, detail: wire.ModelDetail) -> None:
    """Ask whether to let a stopped model go on."""
    stopped = detail.summary.frozen or detail.summary.retraining_stopped
    if stopped is None:
        screen.notify(f"Nothing of {detail.name} is stopped.", severity="warning", markup=False)
        return
    asked = Asked(
        title=f"Let {detail.name} go on",
        says=[f"It was stopped: {stopped}.", "Its policy may act again from now on.", RECORDED],
        verb="Go",
    )
    screen.confirm(asked, lambda _: questions.go(detail.name), f"{detail.name} goes on")


VERDICTS = (Choice("false_alarm", "False alarm"), Choice("true_alarm", "True alarm"))


def acknowledge(screen: Followed, alert: wire.Alert) -> None:
    """Ask whether somebody looks at an alert, and whether it was a true or a false alarm."""
    fires = "It keeps firing until its condition no longer holds; others see that you look at it."
    before = ""
    if alert.verdict is not None:
        before = f"It was called a {alert.verdict.replace('_', ' ')}; another word replaces that."
    asked = Asked(
        title=f"Acknowledge the {alert.severity} alert of {alert.model}",
        says=[
            alert.summary,
            fires if alert.state == "firing" else "It is resolved.",
            *([before] if before else []),
            (
                "Was it a false alarm or a true one? That is counted against the false-alarm budget; "
                "not said, it counts as neither."
            ),
            "Your name and the time are recorded with the alert.",
        ],
        verb="Not known yet", choices=VERDICTS,
    )  # fmt: skip
    screen.confirm(
        asked, lambda verdict: questions.acknowledge(alert.id, verdict or None), "Acknowledged"
    )


def cancel(screen: Followed, run: wire.Run) -> None:
    """Ask whether to end a run."""
    asked = Asked(
        title=f"Cancel run {run.id}",
        says=["Its process is ended; it makes no version, and the champion is not touched.",
              "The cooldown of the policy counts from when it was asked for.", RECORDED],
        verb="Cancel the run", is_grave=True,
    )  # fmt: skip
    screen.confirm(asked, lambda _: questions.cancel(run.id), f"Run {run.id} is cancelled")


def answer(screen: Followed, decision: wire.Decision, *, approves: bool) -> None:
    """Ask whether to approve a decision, or to turn it down."""
    verb = "Approve" if approves else "Turn down"
    call = questions.approve if approves else questions.reject
    asked = Asked(
        title=f"{verb}: {decision.says}",
        says=["It is performed now." if approves else "It is not performed, now or later.", RECORDED],
        verb=verb, is_grave=not approves,
    )  # fmt: skip
    screen.confirm(
        asked, lambda _: call(decision.id), f"{verb}d".replace("Turn downd", "Turned down")
    )

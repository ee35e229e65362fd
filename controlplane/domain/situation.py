"""Everything that a decision may look at, at one instant of model time."""

from datetime import datetime, timedelta

import msgspec

from controlplane.domain.alerts import Alert
from controlplane.domain.conditions import Condition
from controlplane.domain.decisions import Decision, DecisionKind
from controlplane.domain.guards import Guard
from controlplane.domain.models import Model
from controlplane.domain.policy import Policy
from controlplane.domain.runs import Run
from controlplane.domain.trials import Trial
from controlplane.domain.versions import Version


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """The facts of a model at `now`; nothing in it was learned later.

    `fresh` holds the windows that were scored at this very instant: a trigger that rests on a
    window speaks once, when the window does. `retrainings` are past decisions to retrain, newest
    first; `ended_runs` the runs that ended, newest first.
    """

    now: datetime
    model: Model
    policy: Policy
    champion: Version | None = None
    candidate: Version | None = None
    """A version made by a run, with neither trial nor place yet."""
    proved: bool = False
    """The candidate loaded and scored rows in a process of its own."""
    conditions: tuple[Condition, ...] = ()
    fresh: frozenset[str] = frozenset()
    retrainings: tuple[Decision, ...] = ()
    ended_runs: tuple[Run, ...] = ()
    failures_since_go: int = 0
    fruitless: int = 0
    """How many candidates in a row were turned away since a version was promoted."""
    open_run: Run | None = None
    open_trial: Trial | None = None
    settled_trial: Trial | None = None
    """The latest trial, ended, whose candidate still waits for its fate."""
    open_guard: Guard | None = None
    breached_guard: Guard | None = None
    """A guard that breached while its version is still champion."""
    awaiting: tuple[Decision, ...] = ()
    """Decisions that wait for an operator's approval."""
    unfinished: tuple[Decision, ...] = ()
    """Decisions that are neither performed nor given up: none is made a second time."""
    failed: tuple[Decision, ...] = ()
    """The policy's decisions that contradicted the facts when they were to be performed."""
    held: frozenset[str] = frozenset()
    """What triggers were held back by already; each blocker is told of once."""
    open_alerts: tuple[Alert, ...] = ()
    labelled_rows: int = 0
    """Rows with labels that a first version could be trained on."""

    @property
    def window(self) -> timedelta:
        """The length of a window; a day where nothing has decided it yet."""
        return timedelta(seconds=self.model.every_seconds or 86_400.0)

    @property
    def failing_in_a_row(self) -> int:
        """How many of the latest runs in a row did not succeed, since an operator's last go."""
        return self.failures_since_go

    def is_decided(self, kind: DecisionKind, subject: str) -> bool:
        """Whether just this is decided and waits to be performed; a dry one only while all are."""
        return any(
            (d.kind, d.subject, d.dry) == (kind, subject, self.policy.dry_run)
            for d in self.unfinished
        )

    def failure(self, kind: DecisionKind, subject: str, cited: str | None = None) -> str | None:
        """Why just this could not be done when it was decided, resting on the fact `cited`."""
        return next(
            (
                d.outcome or "it could not be done"
                for d in self.failed
                if (d.kind, d.subject) == (kind, subject)
                and (cited is None or any(e.id == cited for e in d.evidence))
            ),
            None,
        )

    def blocker(self) -> tuple[str, str] | None:
        """What keeps a run from starting, as (its id, a sentence); None when nothing does."""
        open_things = (
            (self.open_run, "run {0.id} is {0.state}"),
            (self.candidate, "{0.version} waits for its trial"),
            (self.open_trial, "{0.candidate} is on trial"),
            (self.settled_trial, "{0.candidate} waits for its fate"),
            (self.open_guard, "the promotion of {0.version} is guarded"),
            (next(iter(self.awaiting), None), "decision {0.id} waits for approval"),
        )
        for thing, says in open_things:
            if thing is not None:
                return thing.id, says.format(thing)
        return None

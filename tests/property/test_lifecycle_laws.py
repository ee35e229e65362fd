"""Laws of the loop: whatever operators, weather and kills do, it stays in a state it may be in."""

import contextlib
import itertools
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from connectors.contract import Ended
from controlplane.domain.alerts import Alert
from controlplane.domain.decisions import Decision, DecisionKind
from controlplane.domain.errors import LeeboardError
from controlplane.domain.guards import Guard
from controlplane.domain.journal import Entry, first_break
from controlplane.domain.policy import AtMost, Promote, Retrain
from controlplane.domain.reigns import Reign
from controlplane.domain.runs import Run
from controlplane.domain.states import (
    RUN,
    AlertState,
    DecisionState,
    GuardState,
    TrialState,
    VersionState,
)
from controlplane.domain.trials import Trial
from controlplane.domain.versions import Version
from controlplane.lifecycle.applying import Applying
from controlplane.lifecycle.attending import Attending, Registration
from controlplane.store.duckdb_store import open_store
from tests.fakes import FakeTrainer, Killed, MortalStore, Plan, files_of
from tests.voyage import DAY, SERVED, WORSE, Voyage, a_file, waters

OPEN_RUNS = {str(state) for state, _ in RUN}
BAD = Plan(ended=Ended(code=1, reason="exited with 1"))
FILES = {
    "usual": a_file(retrain=Retrain(when=(WORSE,), cooldown=DAY, at_most=AtMost(9))),
    "asking": a_file(
        retrain=Retrain(when=(WORSE,), cooldown=DAY, at_most=AtMost(9)),
        promote=Promote(approval=True),
    ),
    "dry": a_file(dry_run=True),
}
KINDS = (Run, Version, Trial, Guard, Reign, Decision, Alert, Entry)


class Life(RuleBasedStateMachine):
    """A model, its weather, its operators, and the process that dies now and then."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self._root = Path(self._folder.name)
        self._day = 0
        self._registered = 0
        self.store = open_store(None)
        self.voyage = Voyage(
            self.store, self._root, FakeTrainer(Plan(off=0.0), Plan(off=3.0), BAD, Plan(off=1.0)),
            FILES["usual"],
        )  # fmt: skip

    def teardown(self) -> None:
        self.store.close()
        self._folder.cleanup()

    @initialize()
    def launched(self) -> None:
        """There is a first version."""
        self.voyage.launch()

    @rule(days=st.integers(1, 9), rise=st.sampled_from([0.0, 3.0]))
    def days_pass(self, days: int, rise: float) -> None:
        """Rows come, and time is told."""
        start = SERVED + self._day * DAY
        self.voyage.log(waters(start, days, rise=rise))
        self._day += days
        self.voyage.sail(SERVED + self._day * DAY)

    @rule(
        days=st.integers(1, 9), rise=st.sampled_from([0.0, 3.0]),
        place=st.integers(1, 25), when=st.sampled_from(["before", "after"]),
    )  # fmt: skip
    def days_pass_and_the_process_is_killed(
        self, days: int, rise: float, place: int, when: str
    ) -> None:
        """The same, but that it dies at a write and is started again."""
        start = SERVED + self._day * DAY
        self.voyage.log(waters(start, days, rise=rise))
        self._day += days
        until = SERVED + self._day * DAY
        self.voyage.restart(MortalStore(self.store, lambda n: when if n == place else None))
        try:
            self.voyage.sail(until)
        except Killed:
            self.states_are_consistent()
        self.voyage.restart(self.store)
        self.voyage.sail(until)

    @rule(off=st.sampled_from([0.0, 1.5, 3.0]))
    def a_version_is_registered(self, off: float) -> None:
        """From outside, and put on trial if that is allowed."""
        self._registered += 1
        folder = files_of(self._root / f"o{self._registered}" / "output" / "model", Plan(off=off))
        attending = Attending(self.store, self.voyage.workshop, self.voyage.clock)
        version = attending.register("boats", Registration(files=folder), by="ada")
        self._may_be_refused(
            lambda: self.voyage.by_hand.open_trial("boats", version.version, by="ada", made=False)
        )

    @rule(number=st.integers(1, 5))
    def somebody_promotes(self, number: int) -> None:
        """Any version, by hand."""
        self._may_be_refused(
            lambda: self.voyage.by_hand.promote("boats", f"v{number}", reason="so", by="ada")
        )

    @rule()
    def somebody_rolls_back(self) -> None:
        """By hand."""
        self._may_be_refused(lambda: self.voyage.by_hand.rollback("boats", reason="so", by="ada"))

    @rule()
    def somebody_trains(self) -> None:
        """By hand."""
        self._may_be_refused(lambda: self.voyage.by_hand.start_run("boats", reason="so", by="ada"))

    @rule(yes=st.booleans())
    def somebody_answers(self, yes: bool) -> None:
        """Whatever waits for an approval gets its answer."""
        for decision in self.voyage.decisions():
            if decision.state is DecisionState.AWAITING_APPROVAL:
                hand = self.voyage.by_hand
                answer = hand.approve if yes else hand.reject
                self._may_be_refused(lambda d=decision, a=answer: a(d.id, by="ada"))

    @rule(file=st.sampled_from(sorted(FILES)))
    def a_file_is_applied(self, file: str) -> None:
        """A new generation."""
        self.voyage.apply(FILES[file])

    @rule()
    def actions_are_switched_off(self) -> None:
        """Until somebody says go."""
        applying = Applying(self.store, self.voyage.clock, lambda text, name: FILES["usual"])
        applying.stop("boats", by="ada")

    @rule()
    def somebody_says_go(self) -> None:
        """After a stop, or in vain."""
        self._may_be_refused(lambda: self.voyage.by_hand.resume("boats", by="ada"))

    @invariant()
    def states_are_consistent(self) -> None:
        """One thing at a time, one champion, one unbroken line of reigns, a journal that holds."""
        with self.store.read() as view:
            runs, versions, trials, guards, reigns, decisions, alerts, entries = (
                view.ledger.find(kind) for kind in KINDS
            )
        model = self.voyage.model
        champions = [v.version for v in versions if v.state is VersionState.CHAMPION]
        assert champions == ([model.champion] if model.champion else [])
        assert len([r for r in runs if str(r.state) in OPEN_RUNS]) <= 1
        assert len([t for t in trials if t.state is TrialState.RUNNING]) <= 1
        assert len([v for v in versions if v.state is VersionState.ON_TRIAL]) <= 1
        assert len([g for g in guards if g.state is GuardState.WATCHING]) <= 1
        assert all(g.version == model.champion for g in guards if g.state is GuardState.WATCHING)
        assert len(reigns) == model.moves
        for reign, after in itertools.pairwise(reigns):
            assert reign.until == after.since
        if reigns:
            assert (reigns[-1].version, reigns[-1].until) == (model.champion, None)
        awaiting = [d for d in decisions if d.state is DecisionState.AWAITING_APPROVAL]
        assert len(awaiting) <= 1
        told = [(d.kind, d.subject) for d in decisions if d.kind is DecisionKind.HOLD]
        assert len(told) == len(set(told))
        firing = [a.fingerprint for a in alerts if a.state is AlertState.FIRING]
        assert len(firing) == len(set(firing))
        assert first_break(entries) is None
        performed = {e.subject for e in entries if e.kind == "performed"}
        assert performed == {d.id for d in decisions if d.state is DecisionState.PERFORMED}

    def _may_be_refused(self, ask) -> None:
        """A request is done, or refused by an error of ours; what holds always holds after it."""
        with contextlib.suppress(LeeboardError):
            ask()


Life.TestCase.settings = settings(
    max_examples=4, stateful_step_count=18, deadline=None, derandomize=True,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
TestLife = Life.TestCase

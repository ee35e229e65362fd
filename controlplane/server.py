"""The composition root: the only place where parts are wired together.

`build` is one straight function on purpose: splitting it would thread its half-built state
through helpers. Parts are torn down in the reverse of the order in which they were made.
"""

import contextlib
from datetime import timedelta
from functools import partial
from typing import Final

from connectors.contract import Receiver, Trainer
from connectors.trainers.command import CommandTrainer, builtin_trainer
from controlplane.api.app import App, create_app
from controlplane.api.keyring import Keyring
from controlplane.api.parts import Parts
from controlplane.clock import Clock
from controlplane.desk import Desk
from controlplane.domain.models import Model, Timing
from controlplane.ingest.halves import forget_halves
from controlplane.ingest.keyed import forget_keys
from controlplane.lifecycle.applying import Applying
from controlplane.lifecycle.attending import Attending
from controlplane.lifecycle.by_hand import ByHand
from controlplane.lifecycle.proving import Prover
from controlplane.lifecycle.reconcile import Reconciler
from controlplane.lifecycle.upkeep import Upkeep
from controlplane.lifecycle.weighing import Weigher
from controlplane.lifecycle.workshop import Workshop
from controlplane.monitor.installed import nameable
from controlplane.notify.post import Outbox
from controlplane.policy.model_file import Known, parse
from controlplane.scheduler import Scheduler
from controlplane.settings import Settings
from controlplane.store.claims import forget_writes
from controlplane.store.duckdb_store import open_store
from controlplane.store.ports import Store
from controlplane.wake import Waker, timed_wake

OUTBOX_PAUSE: Final = timedelta(seconds=1)
WEIGHING_PAUSE: Final = timedelta(seconds=1)
KEYS_PAUSE: Final = timedelta(hours=1)
RETENTION_PAUSE: Final = timedelta(hours=6)
COMPACTION_PAUSE: Final = timedelta(minutes=10)
TOKENS_PAUSE: Final = timedelta(minutes=1)
"""How often the last days of tokens are written down, where there is a new one."""


class Server:
    """A built server: `app` answers HTTP; `start` and `stop` bracket everything else."""

    def __init__(  # noqa: PLR0913 - its parts
        self, app: App, store: Store, *, waker: Waker, scheduler: Scheduler, outbox: Outbox,
        keyring: Keyring, upkeep: Upkeep,
    ) -> None:  # fmt: skip
        self.app = app
        self._store = store
        self._waker = waker
        self._scheduler = scheduler
        self._outbox = outbox
        self._keyring = keyring
        self._upkeep = upkeep

    def start(self) -> None:
        """Begin what is done again and again, and follow the models."""
        with self._store.read() as view:
            models = view.ledger.find(Model)
        self._outbox.changed(frozenset(model.model for model in models))
        self._scheduler.start()
        for model in models:
            if model.timing is Timing.LIVE:
                self._scheduler.follow(model.model)

    def stop(self) -> None:
        """End it, in the reverse of the order in which it was made."""
        self._upkeep.stop()
        self._waker.stop()
        self._scheduler.stop()
        self._keyring.close()
        self._store.close()


def build(settings: Settings, clock: Clock) -> Server:
    """Wire a server together; nothing runs before `start`."""
    with contextlib.ExitStack() as building:
        store = open_store(settings.data)
        building.callback(store.close)
        trainers = trainers_of(settings)
        workshop = Workshop(settings.data, trainers)
        reconciler = Reconciler(store=store, workshop=workshop, clock=clock)

        waker = Waker(store, reconciler, clock)
        scheduler = Scheduler(clock, partial(timed_wake, waker))
        known = Known(
            trainers=frozenset(trainers), receivers=frozenset(settings.receivers),
            detectors=nameable(),
        )  # fmt: skip

        def check(text: str, name: str) -> object:
            return parse(text, source=name, known=known)

        weigher = Weigher(store, workshop, clock)
        desk = Desk(
            applying=Applying(store, clock, check),  # type: ignore[arg-type]
            by_hand=ByHand(
                store, clock, waker.settle_now, Prover(store, workshop, clock).prove
            ),
            attending=Attending(store, workshop, clock), weigher=weigher,
            waker=waker, scheduler=scheduler, workshop=workshop, store=store, clock=clock,
        )  # fmt: skip
        keyring = Keyring(store, clock)
        parts = Parts(
            store=store, clock=clock, settings=settings, actions=desk, wakes=scheduler.wakes
        )
        app = create_app(parts, keyring=keyring)
        upkeep = Upkeep(store, clock, settings.retention, workshop)
        outbox = Outbox(store, receivers_of(settings), clock)
        store.subscribe(scheduler.nudge_all)
        store.subscribe(outbox.changed)
        scheduler.every("outbox", OUTBOX_PAUSE, outbox.empty)
        scheduler.every("importance", WEIGHING_PAUSE, weigher.turn)
        scheduler.every("retention", RETENTION_PAUSE, upkeep.retain)
        scheduler.every("compaction", COMPACTION_PAUSE, upkeep.compact)
        scheduler.every("keys", KEYS_PAUSE, partial(forget_old_keys, store, clock))
        scheduler.every("tokens", TOKENS_PAUSE, keyring.note_uses)
        building.pop_all()
    return Server(
        app, store, waker=waker, scheduler=scheduler, outbox=outbox, keyring=keyring,
        upkeep=upkeep,
    )  # fmt: skip


def forget_old_keys(store: Store, clock: Clock) -> None:
    """Forget the idempotency keys, and the halves of predictions, whose time is over."""
    forget_keys(store, clock.now())
    forget_halves(store, clock.now())
    forget_writes(store, clock.now())


def trainers_of(settings: Settings) -> dict[str, Trainer]:
    """The built-in trainer, and those that `leeboard.yaml` names."""
    trainers: dict[str, Trainer] = {"builtin": builtin_trainer()}
    for name, named in settings.trainers.items():
        trainers[name] = CommandTrainer(
            named.command, named.score, working_directory=named.directory, timeout=named.timeout
        )
    return trainers


def receivers_of(settings: Settings) -> dict[str, Receiver]:
    """The receivers that `leeboard.yaml` names."""
    if not settings.receivers:
        return {}
    from connectors.receivers.webhook import Webhook  # noqa: PLC0415 - a tenth of a start's imports

    return {
        name: Webhook(named.webhook, named.secret.reveal() if named.secret else None)
        for name, named in settings.receivers.items()
    }

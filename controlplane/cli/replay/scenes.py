"""The two scenes that the demonstration makes up, marked as made wherever they are seen."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa

from connectors.artifacts import pack
from connectors.client import wire
from connectors.client.problems import ServerSaid
from controlplane.cli.replay.bench import Bench
from controlplane.cli.replay.conductor import Stage
from controlplane.cli.replay.patient import patiently

SPAN: Final = timedelta(days=181)
CONFLICT: Final = frozenset({403, 409})


class ShuffledVersion(msgspec.Struct, frozen=True, kw_only=True):
    """A version from outside, fitted on shuffled labels, is registered and put on trial."""

    at: datetime
    stage: Stage
    bench: Bench
    hold_out: timedelta = timedelta(days=15)

    def play(self, now: datetime) -> bool:
        """Train it, register it, open its trial; what is there already is left alone."""
        ask, model = self.stage.connection, self.stage.model
        version = made_version(self.stage)
        if version is None and not is_quiet(self.stage):
            return False
        if version is None:
            end = now - self.hold_out
            rows = self.stage.history.between(end - SPAN, end)
            rows = rows.filter(rows["label"].is_valid())
            order = np.random.default_rng(2012).permutation(rows.num_rows)
            folder = self.bench.train(
                "made", self.stage.history, rows, rows["label"].take(pa.array(order))
            )
            tar = _tar(folder)
            version = patiently(
                lambda: ask.register(model, tar, trained_from=end - SPAN, trained_to=end, made=True)
            )
        name = version.version
        self.stage.say(
            f"{now:%Y-%m-%d}  {name} comes from outside (made: its labels were shuffled)"
        )
        if not any(trial.candidate == name for trial in ask.trials(model).items):
            patiently(lambda: ask.open_trial(model, name, made=True))
        return True


class AgainstAdvice(msgspec.Struct, frozen=True, kw_only=True):
    """The refused version is promoted by hand all the same."""

    at: datetime
    stage: Stage

    def play(self, now: datetime) -> bool:
        """Promote it, unless that was done before."""
        ask, model = self.stage.connection, self.stage.model
        version = made_version(self.stage)
        if version is not None and version.promoted_at is not None:
            return True
        if version is None or not is_quiet(self.stage):
            return False
        name = version.version
        self.stage.say(f"{now:%Y-%m-%d}  {name} is promoted by hand, against advice (made)")
        try:
            patiently(lambda: ask.promote(model, name, reason="the release is due (made)"))
        except ServerSaid as said:
            # After a restart the answer may be lost though the promotion was done.
            again = made_version(self.stage)
            if said.status not in CONFLICT or again is None or again.promoted_at is None:
                raise
        return True


def is_quiet(stage: Stage) -> bool:
    """No run, trial or guard is open: one thing at a time, for a demonstration too."""
    found = patiently(lambda: stage.connection.model(stage.model))
    return found.run is None and found.trial is None and found.guard is None


def made_version(stage: Stage) -> wire.Version | None:
    """The version that a scene registered; None before it did."""
    versions = patiently(lambda: stage.connection.versions(stage.model)).items
    return next((version for version in versions if version.made), None)


def _tar(folder: Path) -> bytes:
    target = folder.parent / "made.tar"
    pack(folder, target)
    return target.read_bytes()

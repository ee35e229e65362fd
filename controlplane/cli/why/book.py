"""Everything that was decided and done of one model, read once, so that telling asks nothing."""

import msgspec

from connectors.client import wire
from controlplane.cli.terminal import Terminal


class Book(msgspec.Struct, frozen=True, kw_only=True):
    """The records of a model, each kind the oldest first."""

    model: wire.ModelDetail
    decisions: list[wire.Decision] = []
    runs: list[wire.Run] = []
    trials: list[wire.Trial] = []
    versions: list[wire.Version] = []
    guards: list[wire.Guard] = []
    alerts: list[wire.Alert] = []

    def decision(self, id_: str) -> wire.Decision | None:
        """A decision by its id; None where there is none."""
        return next((found for found in self.decisions if found.id == id_), None)

    def run(self, id_: str | None) -> wire.Run | None:
        """A run by its id."""
        return next((found for found in self.runs if found.id == id_), None)

    def trial(self, id_: str) -> wire.Trial | None:
        """A trial by its id."""
        return next((found for found in self.trials if found.id == id_), None)

    def version(self, name: str | None) -> wire.Version | None:
        """A version by its name."""
        return next((found for found in self.versions if found.version == name), None)

    def guard(self, id_: str) -> wire.Guard | None:
        """A guard by its id."""
        return next((found for found in self.guards if found.id == id_), None)


def book_of(terminal: Terminal, model: str) -> Book:
    """Read all of a model."""
    ask = terminal.connection
    return Book(
        model=ask.model(model),
        decisions=terminal.everything(lambda span: ask.decisions(span, model=model)),
        runs=terminal.everything(lambda span: ask.runs(model, span)),
        trials=terminal.everything(lambda span: ask.trials(model, span)),
        versions=terminal.everything(lambda span: ask.versions(model, span)),
        guards=terminal.everything(lambda span: ask.guards(model, span)),
        alerts=terminal.everything(lambda span: ask.alerts(span, model=model)),
    )

"""Tab completion from the server: quick, and silent where nobody answers."""

from collections.abc import Callable
from typing import Final

import click
import httpx
from click.shell_completion import CompletionItem

from connectors.client import tokens as token_calls
from connectors.client.calls import Span
from connectors.client.http import Connection
from connectors.client.problems import ClientError

PATIENCE: Final = 0.7
"""Seconds that somebody who pressed Tab waits at most."""
NEWEST: Final = Span(limit=100, order="newest")

Ask = Callable[[Connection, click.Context], list[tuple[str, str]]]
Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def _completer(ask: Ask) -> Completer:
    def complete(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
        try:
            told = [_told(ctx, name) for name in ("server", "token", "ca")]
            with Connection(told[0], told[1], PATIENCE, ca=told[2]) as connection:
                found = ask(connection, ctx)
        except (ClientError, httpx.InvalidURL, ValueError, OSError):
            return []
        return [
            CompletionItem(name, help=says) for name, says in found if name.startswith(incomplete)
        ]

    return complete


def _told(ctx: click.Context, name: str) -> str | None:
    value = ctx.params.get(name)
    return value if isinstance(value, str) else None


def _models(connection: Connection, _: click.Context) -> list[tuple[str, str]]:
    return [(model.name, model.activity) for model in connection.models().items]


def _versions(connection: Connection, ctx: click.Context) -> list[tuple[str, str]]:
    model = _told(ctx, "model")
    if model is None:
        return []
    return [(found.version, found.state) for found in connection.versions(model).items]


def _decisions(connection: Connection, _: click.Context) -> list[tuple[str, str]]:
    return [(found.id, found.says) for found in connection.decisions(NEWEST).items]


def _alerts(connection: Connection, _: click.Context) -> list[tuple[str, str]]:
    return [(found.id, found.summary) for found in connection.alerts(NEWEST).items]


def _deliveries(connection: Connection, _: click.Context) -> list[tuple[str, str]]:
    return [(found.id, found.state) for found in connection.deliveries(NEWEST).items]


def _runs(connection: Connection, _: click.Context) -> list[tuple[str, str]]:
    return [
        (found.id, found.state)
        for model in connection.models().items
        for found in connection.runs(model.name, NEWEST).items
    ]


def _trials(connection: Connection, _: click.Context) -> list[tuple[str, str]]:
    return [
        (found.id, found.says or found.state)
        for model in connection.models().items
        for found in connection.trials(model.name, NEWEST).items
    ]


def _tokens(connection: Connection, _: click.Context) -> list[tuple[str, str]]:
    return [(found.name, found.state) for found in connection.ask(token_calls.tokens(NEWEST)).items]


def _anything(connection: Connection, ctx: click.Context) -> list[tuple[str, str]]:
    versions = [
        (f"{model.name}/{found.version}", found.state)
        for model in connection.models().items
        for found in connection.versions(model.name).items
    ]
    return [*versions, *_alerts(connection, ctx), *_decisions(connection, ctx)]


models: Final = _completer(_models)
versions: Final = _completer(_versions)
decisions: Final = _completer(_decisions)
alerts: Final = _completer(_alerts)
deliveries: Final = _completer(_deliveries)
runs: Final = _completer(_runs)
trials: Final = _completer(_trials)
tokens: Final = _completer(_tokens)
anything: Final = _completer(_anything)

"""What commands that talk to a server share: whom they ask, where the answer goes, how it fails.

On standard output goes the answer and nothing else, with `--json` exactly one document; words go
to standard error. What could not be done ends with status 1 and says how to mend it.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from itertools import islice
from typing import Concatenate, Final, ParamSpec, TypeVar
from urllib.parse import urlsplit

import click
import msgspec

from connectors.client import wire
from connectors.client.calls import Span
from connectors.client.http import Connection
from connectors.client.place import DEFAULT_SERVER, server_named
from connectors.client.problems import BadAnswer, ServerAway, ServerSaid
from controlplane.cli import render
from controlplane.cli.outcome import bad_news, cannot, nearest, put, say

__all__ = ["bad_news", "cannot", "nearest", "put", "say"]

P = ParamSpec("P")
Item = TypeVar("Item")

UNAUTHENTICATED: Final = 401
NOT_FOUND: Final = 404
LARGEST_PAGE: Final = 1000


class Listed(msgspec.Struct, frozen=True):
    """The JSON of a list; `more` says that there are others beyond the limit."""

    items: list[object]
    more: bool


class Terminal:
    """A connection, and where its answers go."""

    def __init__(self, connection: Connection, *, as_json: bool) -> None:
        self.connection = connection
        self.as_json = as_json

    def answer(self, document: object, lines: Iterable[str]) -> None:
        """The answer: the document with `--json`, else the lines."""
        if self.as_json:
            put(document)
        else:
            for line in lines:
                click.echo(line)

    def listing(
        self, found: tuple[list[Item], bool], columns: list[render.Column],
        row: Callable[[Item], tuple[str, ...]], *, empty: str,
    ) -> None:  # fmt: skip
        """A list as a table; where there is nothing, what to do about it."""
        items, more = found
        if self.as_json:
            put(Listed(list(items), more))
            return
        if not items:
            self.say(empty)
            return
        for line in render.table(columns, map(row, items), width=render.width()):
            click.echo(line)
        if more:
            self.say(f"the newest {len(items)}; --limit {10 * len(items)} shows more")

    def say(self, line: str) -> None:
        """Words beside the answer."""
        say(line)

    def newest(
        self, page: Callable[[Span], wire.Page[Item]], limit: int
    ) -> tuple[list[Item], bool]:
        """The newest items of a list, and whether there are more."""
        span = Span(limit=min(limit + 1, LARGEST_PAGE), order="newest")
        found = list(islice(self.connection.every(page, span), limit + 1))
        return found[:limit], len(found) > limit

    def everything(self, page: Callable[[Span], wire.Page[Item]]) -> list[Item]:
        """All items of a list, the oldest first where it has an order."""
        return list(self.connection.every(page, Span(limit=LARGEST_PAGE, order="oldest")))


def talks(
    command: Callable[Concatenate[Terminal, P], None],
) -> Callable[..., None]:
    """Give a command `--server`, `--token`, `--ca` and `--json`, and a terminal as first argument."""

    @click.option("--server", envvar="LEEBOARD_SERVER", metavar="ADDRESS",
                  help="Default: LEEBOARD_SERVER, else http://127.0.0.1:8321.")  # fmt: skip
    @click.option("--token", envvar="LEEBOARD_TOKEN", metavar="TOKEN",
                  help="Default: LEEBOARD_TOKEN, else the one made for this user.")  # fmt: skip
    @click.option("--ca", envvar="LEEBOARD_CA", metavar="FILE",
                  help="Certificates in PEM that vouch for an https server; default LEEBOARD_CA.")  # fmt: skip
    @click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
    @wraps(command)
    def talking(*args: P.args, **told: P.kwargs) -> None:
        server, token, ca = (_text(told.pop(name)) for name in ("server", "token", "ca"))
        as_json = told.pop("as_json")
        with connected(server, token, ca) as connection:
            command(Terminal(connection, as_json=bool(as_json)), *args, **told)

    return talking


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


@contextmanager
def connected(server: str | None, token: str | None, ca: str | None = None) -> Iterator[Connection]:
    """A connection whose failures end the command with a sentence that says what to do."""
    try:
        parts = urlsplit(server_named(server))
        legal = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        legal = False
    if not legal:
        message = f"{server_named(server)!r} is not an address; expected one as {DEFAULT_SERVER}"
        raise click.UsageError(message)
    try:
        with Connection(server, token, ca=ca) as connection:
            try:
                yield connection
            except ServerSaid as said:
                cannot(_mended(connection, said))
            except BadAnswer as error:
                cannot(f"{error}; is {connection.server} a Leeboard of this version?")
    except ServerAway as away:
        cannot(_not_there(away))


def _not_there(away: ServerAway) -> str:
    """Why nobody answered, and what to do: of TLS, where it is that."""
    said = f"no answer from {away.server}: {away.why}"
    if "CERTIFICATE_VERIFY_FAILED" in away.why:
        return f"{said}; name the certificates that vouch for it with --ca or LEEBOARD_CA"
    if "WRONG_VERSION_NUMBER" in away.why or "record layer failure" in away.why.lower():
        return f"{said}; it speaks plain HTTP: its address begins with http://"
    if "disconnected without" in away.why and away.server.startswith("http:"):
        return f"{said}; is it an https:// server?"
    return (
        f"{said}; start a server with `leeboard serve`, or name another with --server or "
        "LEEBOARD_SERVER"
    )


def sure(what: str, *, yes: bool) -> None:
    """Go on only where somebody agrees with what will happen: by `--yes`, or asked on a terminal."""
    if yes:
        return
    if not at_a_terminal():
        message = f"{what}; nobody can be asked here, so say --yes to go ahead"
        raise click.UsageError(message)
    if not click.confirm(f"{what}. Go ahead?", default=False, err=True):
        cannot("nothing was changed")


def at_a_terminal() -> bool:
    """Whether there is somebody to ask."""
    return sys.stdin.isatty()


def _mended(connection: Connection, said: ServerSaid) -> str:
    """What the server said, with the nearest name or the way to a token."""
    problem = said.problem
    text = problem.detail or str(said)
    if problem.errors:
        text = str(said)
    if said.status == UNAUTHENTICATED:
        return (
            f"{connection.server} does not know who asks: {text}; give --token or LEEBOARD_TOKEN "
            "(a server of this machine keeps its own user's in the file `token` of its data folder)"
        )
    if said.status == NOT_FOUND:
        return text + _meant(connection)
    return text


def _meant(connection: Connection) -> str:
    """The nearest name to one that the command line says and the server does not know."""
    told = click.get_current_context().params
    model, version = told.get("model"), told.get("version")
    try:
        models = [found.name for found in connection.models(Span(limit=LARGEST_PAGE)).items]
        if isinstance(model, str) and model not in models:
            known = "" if models else "; there are no models yet: `leeboard apply FILE` makes one"
            return nearest(model, models) or known or "; `leeboard status` lists the models"
        if isinstance(model, str) and isinstance(version, str):
            versions = [found.version for found in connection.versions(model).items]
            return nearest(version, versions) or f"; `leeboard versions {model}` lists them"
    except (ServerAway, ServerSaid, BadAnswer):
        return ""
    return ""

"""Who asks, and whether they may: bearer tokens with scopes, and the names the server answers to."""

import hashlib
import hmac
import ipaddress
import os
import re
import socket
from enum import StrEnum
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.types import Guard

from controlplane.clock import new_token
from controlplane.domain.errors import LeeboardError, Refused, StorageError
from controlplane.settings import LOOPBACK, Settings

TOKEN_FILE: Final = "token"  # noqa: S105 - a file's name
_TOKEN: Final = re.compile(r"[A-Za-z0-9\-._~+/]{16,200}=*")
"""What RFC 6750 lets a header carry; a shorter one could be guessed."""


class Scope(StrEnum):
    """What a token may be used for."""

    INGEST = "ingest"
    READ = "read"
    OPERATE = "operate"
    ADMIN = "admin"


class Who(msgspec.Struct, frozen=True):
    """Whoever asks: a name for the journal, and what they may do."""

    name: str
    scopes: frozenset[Scope]


OWNER: Final = Who("owner", frozenset(Scope))
"""The user whose server it is."""


class Unauthenticated(LeeboardError):
    """No token, or one that is not known (401)."""


class Forbidden(LeeboardError):
    """The token lacks a scope, or the request comes from a page of somebody else (403)."""


class Guardian:
    """Knows the tokens, as hashes, and tells who comes with which."""

    def __init__(self, tokens: dict[str, Who], *, is_open: bool = False) -> None:
        """`tokens` maps a token's text to whoever holds it; with `is_open` nobody needs one."""
        self._holders = [(_hash(text), who) for text, who in tokens.items()]
        self._is_open = is_open

    def who(self, authorization: str | None) -> Who:
        """Who sent this `Authorization` header; raises Unauthenticated where nobody known did."""
        if authorization is None:
            if self._is_open:
                return OWNER
            raise Unauthenticated("no token; expected the header 'Authorization: Bearer …'")
        kind, _, text = authorization.partition(" ")
        if kind.lower() != "bearer":
            raise Unauthenticated(f"authorization by {kind[:20]!r}; expected 'Bearer'")
        found = self._holder(_hash(text.strip()))
        if found is None and self._is_open:
            return OWNER
        if found is None:
            raise Unauthenticated("the token is not known here; see the file 'token' of the data")
        return found

    def _holder(self, digest: bytes) -> Who | None:
        """Compares with every token, so that the time taken tells nothing."""
        found: Who | None = None
        for known, who in self._holders:
            if hmac.compare_digest(known, digest):
                found = who
        return found


def needs(scope: Scope) -> Guard:
    """A route's guard: the request's token must carry this scope."""

    def guard(connection: ASGIConnection, _: BaseRouteHandler) -> None:  # type: ignore[type-arg]
        guardian: Guardian = connection.app.state.guardian
        who = guardian.who(connection.headers.get("authorization"))
        must_carry(who, scope)
        connection.scope["auth"] = who

    return guard


def must_carry(who: Who, scope: Scope) -> None:
    """Raise Forbidden unless they have the scope."""
    if scope not in who.scopes:
        raise Forbidden(f"the token of {who.name} lacks the scope {scope.value!r}")


def check_openness(settings: Settings) -> None:
    """Raise Refused where the settings would let strangers in without a token."""
    if settings.open and not settings.is_loopback:
        message = (
            f"--open serves without tokens, and {settings.host} can be reached from other "
            "machines; leave --open away, or serve 127.0.0.1"
        )
        raise Refused(message)


def guardian_for(settings: Settings) -> Guardian:
    """The guardian that the settings ask for; makes the owner's token where there is none."""
    check_openness(settings)
    if settings.open:
        return Guardian({}, is_open=True)
    return Guardian({owner_token(settings.data): OWNER})


def owner_token(data: Path) -> str:
    """The token in `<data>/token`, which only its user can read; made where there is none."""
    path = data / TOKEN_FILE
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        text = path.read_text(encoding="ascii", errors="replace").strip()
        if text:
            if not _TOKEN.fullmatch(text):
                message = (
                    f"{path} does not hold a token: expected one line of 16 to 200 letters, "
                    "figures and -._~+/=; delete it, and a new one is made"
                )
                raise StorageError(message) from None
            path.chmod(0o600)
            return text
        handle = os.open(path, os.O_WRONLY | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        text = new_token()
        file.write(text + "\n")
    return text


class Doorplate:
    """The names under which the server may be called, so that no web page can steer it.

    A page that rebinds its own name to this machine sends that name as `Host`; an address in
    figures cannot be rebound, so any is welcome where the server listens on all of them.
    """

    def __init__(self, settings: Settings) -> None:
        wildcard = settings.host in {"0.0.0.0", "::", ""}  # noqa: S104 - compared, not bound
        names = {*LOOPBACK, settings.host, *settings.hosts}
        if wildcard:
            names |= {socket.gethostname(), socket.getfqdn()}
        self._names = frozenset(name.lower() for name in names)
        self._any_address = wildcard

    def check(self, host: str | None, origin: str | None) -> None:
        """Raise Forbidden unless `Host` is ours and `Origin`, if sent, is the same."""
        name = _host_name(host or "")
        if not self._is_ours(name):
            message = (
                f"the server was called as {name[:100]!r}, which is not one of its names; "
                "further names stand under `hosts` in leeboard.yaml"
            )
            raise Forbidden(message)
        if origin is not None and _host_of_origin(origin) != (host or "").lower():
            raise Forbidden(f"a page of {origin[:100]!r} may not use this server")

    def _is_ours(self, name: str) -> bool:
        if name in self._names:
            return True
        return self._any_address and _is_address(name)


def _host_name(host: str) -> str:
    """A `Host` header without its port and an IPv6 address's brackets."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _host_of_origin(origin: str) -> str | None:
    """An origin's host and port; None where it has none, as `null`."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return None
    return parts.netloc.lower() if parts.scheme in {"http", "https"} else None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()

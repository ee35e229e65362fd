"""Who asks, and whether they may: bearer tokens with scopes and, if wished, models."""

import base64
import hashlib
import hmac
from typing import Final

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.types import Guard

from controlplane.api.belonging import Belonging
from controlplane.api.keyring import Keyring
from controlplane.api.owner import check_openness, owner_token
from controlplane.api.refusals import Forbidden, Unauthenticated
from controlplane.domain.tokens import OWNER_NAME, Scope, Token, TokenState, Who
from controlplane.settings import Settings

__all__ = ["OWNER", "Forbidden", "Guardian", "Scope", "Unauthenticated", "Who", "needs"]

OWNER: Final = Who(OWNER_NAME, frozenset(Scope))
"""The user whose server it is."""


class Guardian:
    """Knows the tokens, as hashes, and tells who comes with which."""

    def __init__(
        self, tokens: dict[str, Who], keyring: Keyring | None = None, *, is_open: bool = False
    ) -> None:
        """`tokens` maps a token's text to whoever holds it, beside those of the keyring; with
        `is_open` nobody needs one."""
        self._holders = [(_hash(text), who) for text, who in tokens.items()]
        self._keyring = keyring
        self._is_open = is_open

    def who(self, authorization: str | None) -> Who:
        """Who sent this `Authorization` header; raises Unauthenticated where nobody known did."""
        if authorization is None:
            if self._is_open:
                return OWNER
            raise Unauthenticated("no token; expected the header 'Authorization: Bearer …'")
        kind, _, text = authorization.partition(" ")
        if kind.lower() == "basic":
            text = _password(text)
        elif kind.lower() != "bearer":
            raise Unauthenticated(f"authorization by {kind[:20]!r}; expected 'Bearer'")
        found = self._holder(_hash(text.strip()))
        if isinstance(found, Token):
            return self._checked(found)
        if found is None and self._is_open:
            return OWNER
        if found is None:
            raise Unauthenticated("the token is not known here; see the file 'token' of the data")
        return found

    def _holder(self, digest: str) -> Who | Token | None:
        """Compares with every token, so that the time taken tells nothing."""
        found: Who | Token | None = None
        for known, who in self._holders:
            if hmac.compare_digest(known, digest):
                found = who
        for token in self._keyring or ():
            if hmac.compare_digest(token.sha256, digest):
                found = token
        return found

    def _checked(self, token: Token) -> Who:
        """A known token's holder; whoever has its text may hear why it opens nothing any more."""
        assert self._keyring is not None
        state = token.state_at(self._keyring.now)
        if state is TokenState.REVOKED:
            raise Unauthenticated(f"the token {token.id} was revoked at {token.revoked_at}")
        if state is TokenState.EXPIRED:
            raise Unauthenticated(f"the token {token.id} ended at {token.expires_at}")
        self._keyring.used(token)
        return token.holder


class _Needs:
    """A route's guard: the request's token must carry the scope, and be for its model."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    async def __call__(self, connection: ASGIConnection, _: BaseRouteHandler) -> None:  # type: ignore[type-arg]
        state = connection.app.state
        guardian: Guardian = state.guardian
        belonging: Belonging = state.belonging
        who = guardian.who(connection.headers.get("authorization"))
        must_carry(who, self.scope)
        if who.models is not None:
            await belonging.check(who, connection)
        connection.scope["auth"] = who


def needs(scope: Scope) -> Guard:
    """A route's guard: the request's token must carry this scope, and be for the route's model."""
    return _Needs(scope)


def scope_of(handler: BaseRouteHandler) -> Scope | None:
    """The scope that a route asks for; None of one that is open to all."""
    return next((g.scope for g in handler.guards or () if isinstance(g, _Needs)), None)


def must_carry(who: Who, scope: Scope) -> None:
    """Raise Forbidden unless they have the scope."""
    if scope not in who.scopes:
        has = ", ".join(s for s in Scope if s in who.scopes) or "none"
        raise Forbidden(f"the token of {who.name} lacks the scope {scope.value!r}; it has: {has}")


def guardian_for(settings: Settings, keyring: Keyring | None = None) -> Guardian:
    """The guardian that the settings ask for; makes the owner's token where there is none."""
    check_openness(settings)
    if settings.open:
        return Guardian({}, keyring, is_open=True)
    return Guardian({owner_token(settings.data): OWNER}, keyring)


def _password(text: str) -> str:
    """The token of who can send no other authorization than what an address holds, such as
    `http://leeboard:TOKEN@host`: the password, or the name where there is none."""
    try:
        told = base64.b64decode(text.strip(), validate=True).decode()
    except ValueError:
        raise Unauthenticated("authorization by 'Basic' that is not base64 of name:token") from None
    name, _, password = told.partition(":")
    return password or name


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()

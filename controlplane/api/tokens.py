"""Tokens: who may ask what; made, listed and revoked by those who may do everything."""

from typing import Annotated

import msgspec
from litestar import delete, get, post
from litestar.params import Dependency
from litestar.status_codes import HTTP_200_OK

from controlplane.api import encode, wire
from controlplane.api.asking import (
    Body,
    Cursor,
    Limit,
    Order,
    Query,
    as_page,
    is_newest,
    json_only,
    page,
    the,
)
from controlplane.api.auth import Scope, needs
from controlplane.api.keyring import Keyring, Wanted
from controlplane.api.parts import By, Given
from controlplane.api.threads import in_thread
from controlplane.domain.tokens import Token
from controlplane.store.claims import remember_instead

Keys = Annotated[Keyring, Dependency(skip_validation=True)]
Names = Annotated[list[str], msgspec.Meta(max_length=1000)]


class TokenAsked(Body, frozen=True, kw_only=True):
    """A token to be made; without `models` for all, without `lifetime` (as `90d`) for ever."""

    name: str
    scopes: Annotated[list[Scope], msgspec.Meta(min_length=1, max_length=20)]
    models: Names | None = None
    lifetime: str | None = None


@get("/v1/tokens", guards=[needs(Scope.ADMIN)])
@in_thread
def list_tokens(
    parts: Given, limit: Limit = 100, cursor: Cursor = None, order: Order = None
) -> wire.Page[wire.Token]:
    """The tokens that were given out, the newest first; not the owner's, and nobody's text."""
    query, now = Query(newest_first=is_newest(order, "newest")), parts.clock.now()
    with parts.store.read() as snapshot:
        records, following = page(snapshot.ledger, Token, query, limit=limit, cursor=cursor)
    return as_page([encode.token(record, now) for record in records], following)


@post("/v1/tokens", guards=[needs(Scope.ADMIN), json_only])
@in_thread
def create_token(parts: Given, keyring: Keys, by: By, data: TokenAsked) -> wire.TokenMade:
    """Make a token; its text is in this answer and nowhere else."""
    wanted = Wanted(
        name=data.name, scopes=tuple(data.scopes), lifetime=data.lifetime,
        models=None if data.models is None else tuple(data.models),
    )  # fmt: skip
    token, text = keyring.create(wanted, by=by)
    told = encode.token(token, parts.clock.now())
    facts = msgspec.structs.asdict(told)
    remember_instead(msgspec.json.encode(wire.TokenMade(**facts, token=None)))
    return wire.TokenMade(**facts, token=text)


@get("/v1/tokens/{token:str}", guards=[needs(Scope.ADMIN)])
@in_thread
def get_token(parts: Given, token: str) -> wire.Token:
    """One token."""
    with parts.store.read() as snapshot:
        found = the(snapshot.ledger, Token, token, "token")
    return encode.token(found, parts.clock.now())


@delete("/v1/tokens/{token:str}", guards=[needs(Scope.ADMIN)], status_code=HTTP_200_OK)
@in_thread
def revoke_token(parts: Given, keyring: Keys, by: By, token: str) -> wire.Token:
    """Let a token open nothing from now on."""
    return encode.token(keyring.revoke(token, by=by), parts.clock.now())

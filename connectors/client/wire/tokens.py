"""Tokens as the server tells of them."""

from datetime import date, datetime

import msgspec


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """A token without its text; `models` None: for all. `state` is active, expired or revoked."""

    name: str
    scopes: list[str]
    models: list[str] | None = None
    state: str
    made_at: datetime
    made_by: str
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    revoked_by: str | None = None
    used_on: date | None = None


class TokenMade(Token, frozen=True, kw_only=True):
    """A token just made; `token` is its text, None where the request was one done before."""

    token: str | None = None

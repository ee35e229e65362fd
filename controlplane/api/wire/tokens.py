"""Tokens, as they are listed and as they are given out."""

from datetime import date, datetime

import msgspec


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """A token without its text; `models` null: for all. `state` is active, expired or revoked."""

    name: str
    scopes: list[str]
    models: list[str] | None
    state: str
    made_at: datetime
    made_by: str
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    revoked_by: str | None = None
    used_on: date | None = None
    """The last day (UTC) on which it was used."""


class TokenMade(Token, frozen=True, kw_only=True):
    """A token just made; `token` is its text, told this once: null where the request is repeated."""

    token: str | None

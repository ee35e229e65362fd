"""The calls about tokens, for `Connection.ask`; they take a token with the scope `admin`."""

from collections.abc import Sequence

from connectors.client import wire
from connectors.client.calls import EVERYTHING, Call, Span, listing, path, post


def tokens(span: Span = EVERYTHING) -> Call[wire.Page[wire.Token]]:
    """The tokens that were given out, the newest first."""
    return listing(path("tokens"), wire.Token, span)


def create(
    name: str, scopes: Sequence[str], *, models: Sequence[str] | None = None,
    lifetime: str | None = None,
) -> Call[wire.TokenMade]:  # fmt: skip
    """A token to be made: for all models where none is named, for ever without a lifetime."""
    asked = {
        "name": name, "scopes": [*scopes], "lifetime": lifetime,
        "models": None if models is None else [*models],
    }  # fmt: skip
    return post(path("tokens"), wire.TokenMade, asked)


def revoke(name: str) -> Call[wire.Token]:
    """Let a token open nothing from now on."""
    return Call(method="DELETE", path=path("tokens", name), answer=wire.Token)

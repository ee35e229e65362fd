"""The tokens that were given out: made, revoked, known by their hashes, their uses noted by day."""

import threading
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Final

import msgspec
import structlog

from controlplane.clock import Clock, new_token
from controlplane.domain.errors import BadInput, Conflict, LeeboardError, NotFound
from controlplane.domain.names import model_name
from controlplane.domain.tokens import Scope, Token, TokenState, token_hash, token_name
from controlplane.policy.durations import duration_of, probably
from controlplane.store.ports import Store, Transaction

MOST_TOKENS: Final = 1000
"""Every request is compared with each."""
LONGEST: Final = timedelta(days=3660)
"""Ten years."""

log = structlog.get_logger("leeboard.tokens")


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A token that somebody asks for."""

    name: str
    scopes: tuple[Scope, ...]
    models: tuple[str, ...] | None = None
    lifetime: str | None = None


class Keyring:
    """The store's tokens, in memory: this process alone changes them, so they are never stale."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._used: dict[str, date] = {}
        with store.read() as view:
            self._known = {token.id: token for token in view.ledger.find(Token)}

    def __iter__(self) -> Iterator[Token]:
        """Every token, those included that open nothing any more."""
        return iter(tuple(self._known.values()))

    @property
    def now(self) -> datetime:
        """The time by which tokens expire."""
        return self._clock.now()

    def create(self, wanted: Wanted, *, by: str) -> tuple[Token, str | None]:
        """Make a token; its text is given here and never again: None where the request was one
        that was done before. Raises BadInput, Conflict."""
        text, now = new_token(), self._clock.now()
        token = Token(
            id=token_name(wanted.name), sha256=token_hash(text), scopes=_scopes(wanted),
            models=_models(wanted), made_at=now, made_by=by, expires_at=_end(wanted, now),
        )  # fmt: skip

        def work(t: Transaction) -> Token:
            before = t.ledger.get(Token, token.id)
            if before is not None and before.state_at(now) is TokenState.ACTIVE:
                message = (
                    f"there is a token {token.id!r}, made {before.made_at:%Y-%m-%d}; revoke it "
                    "first, or choose another name"
                )
                raise Conflict(message)
            if before is None and t.ledger.count(Token) >= MOST_TOKENS:
                raise Conflict(f"there are {MOST_TOKENS} tokens already, expired ones included")
            t.ledger.put(token)
            t.ledger.journal(model="", at=now, kind="token_created", subject=token.id, by=by, facts={
                "scopes": list(token.scopes), "models": token.models,
                "expires_at": None if token.expires_at is None else token.expires_at.isoformat(),
            })  # fmt: skip
            return token

        with self._lock:
            made = self._kept(self._store.write(work).result())
        return made, text if made.sha256 == token.sha256 else None

    def revoke(self, name: str, *, by: str) -> Token:
        """Let a token open nothing from now on; one that was revoked stays as it is."""
        now = self._clock.now()

        def work(t: Transaction) -> Token:
            found = t.ledger.get(Token, name)
            if found is None:
                known = ", ".join(token.id for token in t.ledger.find(Token, limit=20)) or "none"
                raise NotFound(f"there is no token {name[:80]!r}; there are: {known}")
            if found.revoked_at is not None:
                return found
            revoked = msgspec.structs.replace(found, revoked_at=now, revoked_by=by)
            t.ledger.put(revoked)
            t.ledger.journal(model="", at=now, kind="token_revoked", subject=name, by=by, facts={})
            return revoked

        with self._lock:
            return self._kept(self._store.write(work).result())

    def used(self, token: Token) -> None:
        """Somebody came with it: remembered, and written once a day by `note_uses`."""
        today = self._clock.now().date()
        if token.used_on != today:
            self._used[token.id] = today

    def note_uses(self) -> None:
        """Write down the last day of tokens that were used since; nothing where none was."""
        used, self._used = self._used, {}
        if not used:
            return

        def work(t: Transaction) -> list[Token]:
            found = [t.ledger.get(Token, name) for name in sorted(used)]
            noted = [
                msgspec.structs.replace(token, used_on=used[token.id])
                for token in found
                if token is not None and token.used_on != used[token.id]
            ]
            for token in noted:
                t.ledger.put(token)
            return noted

        try:
            with self._lock:
                for token in self._store.write(work, quiet=True).result():
                    self._kept(token)
        except LeeboardError:
            self._used = {**used, **self._used}
            raise

    def close(self) -> None:
        """Note the last uses, if the store takes them: a day is not worth a failing end."""
        try:
            self.note_uses()
        except LeeboardError as error:
            log.warning("uses_not_noted", reason=str(error))

    def _kept(self, token: Token) -> Token:
        """Known from now on as it is in the store. The lock is held since the write, so that of
        two writes the later one is the one that is known."""
        self._known = {**self._known, token.id: token}
        return token


def _scopes(wanted: Wanted) -> tuple[Scope, ...]:
    if not wanted.scopes:
        listed = ", ".join(Scope)
        raise BadInput(f"a token without a scope opens nothing; expected some of {listed}")
    return tuple(scope for scope in Scope if scope in wanted.scopes)


def _models(wanted: Wanted) -> tuple[str, ...] | None:
    """The models that it is for; they need not exist yet."""
    if wanted.models is None:
        return None
    if not wanted.models:
        raise BadInput("a token for no model opens nothing; name models, or leave them out for all")
    if Scope.ADMIN in wanted.scopes:
        raise BadInput("the scope admin is not for some models alone; leave it out, or the models")
    return tuple(sorted({model_name(name) for name in wanted.models}))


def _end(wanted: Wanted, now: datetime) -> datetime | None:
    if wanted.lifetime is None:
        return None
    length = duration_of(wanted.lifetime)
    if length is None or not timedelta(0) < length <= LONGEST:
        meant = probably(wanted.lifetime)
        hint = f"; did you mean {meant}?" if meant and length is None else ""
        message = f"{wanted.lifetime[:40]!r} is no lifetime; expected 1s to {LONGEST.days}d, as 90d"
        raise BadInput(message + hint)
    return now + length

"""Bearer tokens: what one may be used for, on which models, until when; kept by its hash alone."""

import hashlib
import re
from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar, Final

import msgspec
from typing_extensions import override

from controlplane.domain.errors import BadName
from controlplane.domain.records import Record

_LEGAL: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
OWNER_NAME: Final = "owner"
TAKEN: Final = frozenset({OWNER_NAME, "policy", "trainer", "monitor", "leeboard"})
"""Names under which the journal knows somebody else."""


class Scope(StrEnum):
    """What a token may be used for."""

    INGEST = "ingest"
    READ = "read"
    OPERATE = "operate"
    ADMIN = "admin"


class Who(msgspec.Struct, frozen=True):
    """Whoever asks: a name for the journal, what they may do, and on which models (None: all)."""

    name: str
    scopes: frozenset[Scope]
    models: frozenset[str] | None = None
    id: str = ""
    """Tells two tokens of one name apart: the one that was revoked, and the one made since."""

    def sees(self, model: str) -> bool:
        """Whether what belongs to this model is theirs to see; what belongs to none is only for
        those who see all."""
        return self.models is None or model in self.models


class TokenState(StrEnum):
    """Whether a token opens anything."""

    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


class Token(Record, frozen=True, kw_only=True):
    """A token that was given out; `id` is its name. It belongs to no model.

    `sha256` is the hash of its text, which is stored nowhere: 256 random bits need no salt, and
    nothing slower. `models` None: all. `used_on` is the last day (UTC) of which a use is noted.
    """

    TABLE: ClassVar[str] = "tokens"

    model: str = ""
    sha256: str
    scopes: tuple[Scope, ...]
    models: tuple[str, ...] | None = None
    made_at: datetime
    made_by: str
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    revoked_by: str | None = None
    used_on: date | None = None

    @property
    @override
    def filed_at(self) -> datetime:
        """Tokens are listed by when they were made."""
        return self.made_at

    def state_at(self, now: datetime) -> TokenState:
        """Whether it opens anything at this time."""
        if self.revoked_at is not None:
            return TokenState.REVOKED
        if self.expires_at is not None and self.expires_at <= now:
            return TokenState.EXPIRED
        return TokenState.ACTIVE

    @property
    def holder(self) -> Who:
        """Whoever comes with it."""
        models = None if self.models is None else frozenset(self.models)
        return Who(self.id, frozenset(self.scopes), models, self.sha256[:16])


def token_name(text: str) -> str:
    """A checked name of a token. Raises BadName for one that is not legal, or taken.

    >>> token_name("serving-eu")
    'serving-eu'
    """
    if not _LEGAL.fullmatch(text):
        message = (
            f"{text[:80]!r} is not a token's name; expected 1 to 63 lower-case letters, digits, "
            "'.', '_' or '-', starting with a letter or digit"
        )
        raise BadName(message)
    if text in TAKEN:
        message = f"the journal says {text!r} of somebody else; name the token for its holder"
        raise BadName(message)
    return text


def token_hash(text: str) -> str:
    """The hash under which a token is known: SHA-256, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()

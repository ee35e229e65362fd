"""What things are called: identifiers and what a legal name is."""

import hashlib
import re
from typing import Final, NewType

from controlplane.domain.errors import BadName

ModelName = NewType("ModelName", str)
VersionId = NewType("VersionId", str)
"""`v1`, `v2`, … in the order in which the versions of a model were made."""
WindowId = NewType("WindowId", str)
DecisionId = NewType("DecisionId", str)
RunId = NewType("RunId", str)
TrialId = NewType("TrialId", str)
GuardId = NewType("GuardId", str)
AlertId = NewType("AlertId", str)

RESERVED: Final = frozenset({"id", "at", "known_at", "version", "role", "label"})
"""Column names of every event table; no feature may be called so."""

LONGEST_COLUMN: Final = 255
"""Characters of a column's name."""
MOST_FEATURES: Final = 1_000
"""Features of a model."""

_LEGAL = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


def model_name(text: str) -> ModelName:
    """A checked model name: lower-case letters, digits, `.`, `_`, `-`, at most 63 characters."""
    if not _LEGAL.fullmatch(text):
        message = (
            f"{text!r} is not a model name; expected 1 to 63 lower-case letters, digits, "
            "'.', '_' or '-', starting with a letter or digit"
        )
        raise BadName(message)
    return ModelName(text)


def digest(prefix: str, *parts: object) -> str:
    """A short name derived from what it names, so that the same facts give the same name."""
    text = "\x1f".join(str(part) for part in parts)
    return f"{prefix}_{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def seed_of(name: str) -> int:
    """A seed in [0, 2**32) that belongs to a name."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")

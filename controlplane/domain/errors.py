"""Every exception that the control plane raises on purpose.

LeeboardError
├── BadInput            what came in cannot be used (400, 422)
│   ├── BadName
│   ├── FileErrors      a YAML file, with the place of everything that is wrong
│   │   └── ModelFileErrors
│   ├── UnsupportedType a content type or encoding that is not known here (415)
│   ├── TooLarge        more than may come at once (413)
│   └── AllRejected     no row of a request could be stored (422)
├── NotFound            nothing has that name (404)
├── Conflict            it contradicts what is there (409)
│   └── IllegalMove     a state machine has no such transition
├── Refused             understood, and against the rules (403, 409)
├── Overloaded          the write queue is full (503)
└── StorageError        the store could not do it (507)
"""

import msgspec


class LeeboardError(Exception):
    """The root of our exceptions; its text is fit for an operator."""


class BadInput(LeeboardError):
    """What came in cannot be used."""


class BadName(BadInput):
    """A name that is not legal."""


class LocatedError(msgspec.Struct, frozen=True):
    """One thing that is wrong in a file; lines and columns count from 1.

    `path` names the value from the top of the file (`retrain.when[0].drift.share`, empty for the
    file itself); `message` is the whole sentence, which begins with the path.
    """

    line: int
    column: int
    path: str
    message: str


class FileErrors(BadInput):
    """Everything that is wrong with a YAML file, in the order of the file."""

    def __init__(self, source: str, errors: tuple[LocatedError, ...]) -> None:
        self.source = source
        self.errors = errors
        super().__init__("\n".join(f"{source}:{e.line}:{e.column}: {e.message}" for e in errors))


class ModelFileErrors(FileErrors):
    """Everything that is wrong with a model file."""


class UnsupportedType(BadInput):
    """A content type or a content encoding that is not known here."""


class TooLarge(BadInput):
    """More bytes or rows than may come at once."""


class RowError(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is wrong with one place of the input; `row` counts from 0."""

    pointer: str
    message: str
    row: int | None = None
    line: int | None = None
    column: int | None = None


class AllRejected(BadInput):
    """No row of a request was stored; `errors` are the first of `total`. `is_replayed`: so it was
    answered before, under the same key."""

    def __init__(
        self, detail: str, errors: tuple[RowError, ...], total: int, *, is_replayed: bool = False
    ) -> None:
        super().__init__(detail)
        self.errors = errors
        self.total = total
        self.is_replayed = is_replayed


class NotFound(LeeboardError):
    """Nothing has that name."""


class Conflict(LeeboardError):
    """It contradicts what is already there."""


class IllegalMove(Conflict):
    """A state machine was asked for a transition that it does not have."""

    def __init__(self, subject: str, state: str, event: str) -> None:
        super().__init__(f"{subject} is {state}; {event} is not possible from there")


class Refused(LeeboardError):
    """Understood, and against the rules."""


class Overloaded(LeeboardError):
    """The write queue is full, or the server ends; nothing of the request was stored."""


class StorageError(LeeboardError):
    """The store could not do it: no space, no permission, a file that does not open."""

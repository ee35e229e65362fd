"""How rows are kept and sent, and what became of them."""

import msgspec


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How rows are kept and sent; times are in seconds."""

    every: float = 1.0
    """Rows wait at most this long for others to go with them."""
    batch_rows: int = 2_000
    """As many rows do not wait for others."""
    most_rows: int = 5_000
    """Of one request, where that many wait."""
    most_bytes: int = 4 * 2**20
    """Of one request; rows that come to more are sent in several."""
    capacity: int = 100_000
    """Rows kept in memory; what comes after that is dropped and counted."""
    memory_bytes: int = 256 * 2**20
    """The same in bytes, as far as the size of the rows so far tells how many that are."""
    spool_bytes: int = 2**30
    """Of the spool on disk, of all processes together; above that rows wait in memory."""
    look_around: float = 30.0
    """Between two looks for what processes that are gone have left in the spool."""
    timeout: float = 10.0
    """Of one request."""
    first_pause: float = 0.25
    """Before the second attempt; doubled at each further one, and jittered."""
    longest_pause: float = 30.0

    def __post_init__(self) -> None:
        """Raises ValueError for what would send nothing, or never rest."""
        for name in (
            "batch_rows",
            "most_rows",
            "most_bytes",
            "capacity",
            "memory_bytes",
            "timeout",
        ):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} is {getattr(self, name)}; expected more than 0")
        for name in ("every", "spool_bytes", "look_around", "first_pause", "longest_pause"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is {getattr(self, name)}; expected 0 or more")


class Stats(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the rows so far; counts of rows but for `retries` and `set_aside`.

    Once nothing is under way, `logged + taken_up` is the sum of `waiting`, `spooled`, `accepted`,
    `duplicates`, `rejected` and all of `dropped`.
    """

    logged: int = 0
    """Handed over by the app."""
    taken_up: int = 0
    """Found in the spool, left by processes that are gone."""
    waiting: int = 0
    """In memory, those under way included."""
    spooled: int = 0
    """On disk, of this process or taken up by it."""
    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    """Refused by the server, one by one or with their batch."""
    dropped: dict[str, int] = {}
    """Never sent, by reason."""
    retries: int = 0
    set_aside: int = 0
    """Files of the spool that could not be read; they lie in its folder `set-aside`."""
    last_error: str | None = None

"""What the server is told at its start, by command line, environment and `leeboard.yaml`: frozen.

Only values and defaults live here; `leeboard.yaml` itself is read by `policy.server_file`.
"""

import ipaddress
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Final

import msgspec
from typing_extensions import override

DEFAULT_PORT: Final = 8321
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class TrainerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A trainer: the command that trains, the one that scores, and where both run."""

    command: tuple[str, ...]
    score: tuple[str, ...]
    directory: Path
    """Absolute."""
    timeout: timedelta = timedelta(hours=1)


class Secret:
    """A text that is never shown: not in a log, not in a traceback, not in a `repr`.

    >>> Secret("whsec_1")
    Secret(…)
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself; call it where it is used and nowhere else."""
        return self._text

    @override
    def __repr__(self) -> str:
        """Nothing of the text."""
        return "Secret(…)"


class ReceiverSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Who hears of alerts: an address, and the secret that signs what is sent there."""

    webhook: str
    secret: Secret | None = None


class Retention(msgspec.Struct, frozen=True, kw_only=True):
    """How long rows are kept."""

    events: timedelta | None = None
    """Predictions, labels, scores and business metrics, by model time; None: for ever."""
    rejected: timedelta = timedelta(days=90)
    """Rows that could not be stored, by the wall clock."""


MIB: Final = 2**20
LEAST_UNFOLDED: Final = 64
"""MiB: what may come as it is must be taken, too."""
MOST_UNFOLDED: Final = 512


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the parts of the server are told."""

    data: Path
    """The folder of the database, the artifacts, the token."""
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    """0: any free one."""
    open: bool = False
    """Serve the loopback address without tokens."""
    tls_cert: Path | None = None
    tls_key: Path | None = None
    """A certificate (with its chain) and its key, in PEM; without them plain HTTP is spoken."""
    hosts: tuple[str, ...] = ()
    """Further names under which the server may be called, beside its own address."""
    models: Path | None = None
    """A folder of model files that are applied at the start."""
    trainers: dict[str, TrainerSettings] = {}
    receivers: dict[str, ReceiverSettings] = {}
    retention: Retention = Retention()
    unfolded_mib: int = MOST_UNFOLDED
    """MiB that a body may unfold to; large ones are taken in one at a time."""
    artifacts_from: tuple[Path, ...] = ()
    """Folders from which versions may be registered by path; absolute."""

    @property
    def is_loopback(self) -> bool:
        """Whether nobody but this machine can reach it."""
        return is_loopback(self.host)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine alone.

    >>> [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "lee")]
    [True, True, True, False, False]
    """
    if host in LOOPBACK:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def default_data(environ: Mapping[str, str]) -> Path:
    """Where data live unless told: LEEBOARD_DATA, else a folder of XDG's data home.

    >>> default_data({"HOME": "/home/ada"}).as_posix()
    '/home/ada/.local/share/leeboard'
    """
    if named := environ.get("LEEBOARD_DATA"):
        return Path(named)
    if home := environ.get("XDG_DATA_HOME"):
        return Path(home) / "leeboard"
    return Path(environ.get("HOME") or Path.home()) / ".local" / "share" / "leeboard"

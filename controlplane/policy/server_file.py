"""`leeboard.yaml` to frozen settings: what may run commands, hold secrets or reach the network.

Secrets stand in it by reference alone, as `${NAME}` of the environment. Relative folders are
meant from the file's own folder.
"""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec

from controlplane.domain.errors import NotFound
from controlplane.policy.faults import Faults, Wrong
from controlplane.policy.fields import duration, text, whole
from controlplane.policy.section import Section
from controlplane.policy.tree import Node, Scalar, Sequence
from controlplane.policy.yaml import load
from controlplane.settings import (
    LEAST_UNFOLDED,
    MOST_UNFOLDED,
    ReceiverSettings,
    Retention,
    Secret,
    Settings,
    TrainerSettings,
)

BUILT_IN: Final = frozenset({"builtin", "none"})
"""Trainer names that mean something already."""
LARGEST_PORT: Final = 65_535
_REFERENCE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_DAY: Final = timedelta(days=1)


def settings_from(path: Path, base: Settings, environ: Mapping[str, str]) -> Settings:
    """`base` with what the file says; raises FileErrors with everything that is wrong in it."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror}") from None
    return parse(data, base, environ, source=path)


def parse(data: bytes, base: Settings, environ: Mapping[str, str], *, source: Path) -> Settings:
    """`base` with what a file's text says; `source` names it and gives its folder."""
    faults = Faults()
    top = Section.of(load(data, faults=faults), "", faults=faults)
    folder = source.absolute().parent
    settings = msgspec.structs.replace(
        base,
        data=top.read("data", _folder(folder), default=base.data),
        host=top.read("host", text("a host name or address"), default=base.host),
        port=top.read("port", whole("a port", low=0, high=LARGEST_PORT), default=base.port),
        tls_cert=top.read("tls_cert", _folder(folder), default=base.tls_cert),
        tls_key=top.read("tls_key", _folder(folder), default=base.tls_key),
        hosts=top.read("hosts", _texts("host names"), default=base.hosts),
        models=top.read("models", _folder(folder), default=base.models),
        artifacts_from=_folders(top, folder),
        trainers=_named(top, "trainers", lambda section: _trainer(section, folder)),
        receivers=_named(top, "receivers", lambda section: _receiver(section, environ)),
        unfolded_mib=top.read(
            "unfolded_mib",
            whole("MiB", low=LEAST_UNFOLDED, high=MOST_UNFOLDED),
            default=base.unfolded_mib,
        ),
        retention=_retention(top.section("retention"), base.retention),
    )
    top.close()
    faults.raise_if_any(str(source))
    return settings


def _named(
    top: Section, key: str, read: Callable[[Section], msgspec.Struct | None]
) -> dict[str, msgspec.Struct]:
    """A mapping whose keys are names that the user chose."""
    under = top.section(key)
    found: dict[str, msgspec.Struct] = {}
    for name, entry in under.entries():
        path = under.under(name)
        if not _NAME.fullmatch(name):
            expected = "expected lower-case letters, digits, '.', '_' or '-'"
            top.faults.add(entry.key.place, path, f"is not a name; {expected}")
        elif key == "trainers" and name in BUILT_IN:
            top.faults.add(entry.key.place, path, "has a name that is taken; expected another")
        value = read(Section.of(entry.value, path, faults=top.faults))
        if value is not None:
            found[name] = value
    return found


def _trainer(section: Section, folder: Path) -> TrainerSettings | None:
    words = "a list such as [python, train.py]"
    command = section.need("command", _texts(words), expected=words)
    score = section.need("score", _texts(words), expected="a list such as [python, score.py]")
    directory = section.read("directory", _folder(folder), default=folder)
    timeout = section.read("timeout", duration(), default=timedelta(hours=1))
    section.close()
    if command is None or score is None:
        return None
    return TrainerSettings(command=command, score=score, directory=directory, timeout=timeout)


def _retention(section: Section, base: Retention) -> Retention:
    least = duration(least=_DAY)
    found = Retention(
        events=section.read("events", least, default=base.events),
        rejected=section.read("rejected", least, default=base.rejected),
    )
    section.close()
    return found


def _receiver(section: Section, environ: Mapping[str, str]) -> ReceiverSettings | None:
    webhook = section.need("webhook", _address(environ), expected="an https:// address")
    node, secret = section.node("secret"), None
    if node is not None:
        secret = _secret(section, node, environ)
    section.close()
    return None if webhook is None else ReceiverSettings(webhook=webhook, secret=secret)


def _secret(section: Section, node: Node, environ: Mapping[str, str]) -> Secret | None:
    """A secret by reference; its text is never repeated in a message."""
    path = section.under("secret")
    match = _REFERENCE.fullmatch(node.text) if isinstance(node, Scalar) else None
    if match is None:
        message = 'is written out; expected a reference such as "${OPS_SECRET}", and the secret '
        section.faults.add(node.place, path, message + "in the environment")
        return None
    if not environ.get(match[1]):
        message = f"is ${{{match[1]}}}, which the environment does not have; expected it to be set"
        section.faults.add(node.place, path, message)
        return None
    return Secret(environ[match[1]])


def _folders(top: Section, folder: Path) -> tuple[Path, ...]:
    expected = "a list of folders"
    return tuple(
        top.faults.guarded(node, path, reader=_folder(folder), default=folder)
        for node, path in top.items("artifacts_from", expected=expected)
    )


def _folder(base: Path) -> Callable[[Node], Path]:
    def read(node: Node) -> Path:
        found = Path(text("a folder")(node)).expanduser()
        return found if found.is_absolute() else base / found

    return read


def _texts(expected: str) -> Callable[[Node], tuple[str, ...]]:
    def read(node: Node) -> tuple[str, ...]:
        if not isinstance(node, Sequence) or not node.items:
            raise Wrong(expected)
        return tuple(text(expected)(item) for item in node.items)

    return read


def _address(environ: Mapping[str, str]) -> Callable[[Node], str]:
    """An http(s) address, or a reference to one, since some receivers' addresses are secrets."""
    expected = "an address such as https://hooks.example/ops, or a reference ${NAME} that is set"

    def read(node: Node) -> str:
        found = text(expected)(node)
        if match := _REFERENCE.fullmatch(found):
            found = environ.get(match[1], "")
        parts = urlsplit(found)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise Wrong(expected)
        return found

    return read

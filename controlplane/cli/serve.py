"""`leeboard serve`: settings together, a socket, the server in it, a clean end."""

import contextlib
import errno
import json
import logging
import os
import socket
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import click
import msgspec
from threadpoolctl import threadpool_limits

from connectors.client.place import RUNNING
from controlplane.api.owner import check_openness
from controlplane.cli import logs
from controlplane.cli.hosting import Host, Hosted
from controlplane.cli.tls import context_of
from controlplane.clock import SystemClock
from controlplane.domain.errors import LeeboardError, StorageError
from controlplane.policy.server_file import settings_from
from controlplane.settings import Settings, default_data

CONFIG: Final = Path("leeboard.yaml")
ADDRESS_FILE: Final = "server.json"
LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING}

EPILOG: Final = """\b
Examples:
  leeboard serve
  leeboard serve --data ./board --models ./models --config leeboard.yaml
  leeboard serve --port 0 --open         any free port, nobody needs a token
  leeboard serve --host 0.0.0.0 --tls-cert lee.pem --tls-key lee.key
"""


@click.command(epilog=EPILOG)
@click.option("--data", type=click.Path(path_type=Path), help="Folder of everything stored.")
@click.option("--host", help="Address to listen on; default 127.0.0.1.")
@click.option("--port", type=click.IntRange(0, 65_535), help="Default 8321; 0: any free one.")
@click.option("--models", type=click.Path(path_type=Path, exists=True, file_okay=False),
              help="Folder of model files that are applied at the start.")  # fmt: skip
@click.option("--config", type=click.Path(path_type=Path, exists=True, dir_okay=False),
              envvar="LEEBOARD_CONFIG", help="The server's file; default ./leeboard.yaml.")  # fmt: skip
@click.option("--tls-cert", type=click.Path(path_type=Path, exists=True, dir_okay=False),
              help="Certificate in PEM, for https; its key with --tls-key.")  # fmt: skip
@click.option("--tls-key", type=click.Path(path_type=Path, exists=True, dir_okay=False),
              help="The certificate's key in PEM, without a password.")  # fmt: skip
@click.option("--open", "is_open", is_flag=True, help="Serve this machine without tokens.")
@click.option("--log-level", type=click.Choice(list(LEVELS)), default="info", show_default=True)
def serve(config: Path | None, *, is_open: bool, log_level: str, **told: object) -> None:
    """Run the server until it is told to stop (Ctrl-C, SIGTERM)."""
    logs.configure(level=LEVELS[log_level])
    try:
        settings = settings_of(config, told, is_open=is_open)
        check_openness(settings)
        tls = context_of(settings)
        with listening(settings) as listener:
            run(settings, listener, tls)
    except LeeboardError as error:
        raise click.ClickException(str(error)) from None


def settings_of(config: Path | None, told: dict[str, object], *, is_open: bool) -> Settings:
    """The command line above the file above the environment above the defaults."""
    base = Settings(data=default_data(os.environ), open=is_open)
    if config is None and CONFIG.is_file():
        config = CONFIG
        click.echo(f"settings from ./{CONFIG}", err=True)
    if config is not None:
        base = settings_from(config, base, os.environ)
    named = {name: value for name, value in told.items() if value is not None}
    settings = msgspec.structs.replace(base, **named)
    return msgspec.structs.replace(settings, data=settings.data.expanduser().absolute())


def listening(settings: Settings) -> socket.socket:
    """A bound socket; raises StorageError with one sentence where there can be none."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=2048)
    except OSError as error:
        where = f"{settings.host} port {settings.port}"
        why = (error.strerror or str(error)).partition(" (while")[0]
        mend = "choose an address of this machine with --host"
        if error.errno == errno.EADDRINUSE:
            mend = "stop what listens there, or choose another with --port (0: any free one)"
        raise StorageError(f"cannot listen on {where}: {why}; {mend}") from None


def run(settings: Settings, listener: socket.socket, tls: ssl.SSLContext | None) -> None:
    """Serve on this socket until a signal; raises what kept the server from starting."""
    address = address_of(settings.host, listener, "http" if tls is None else "https")
    path = settings.data / ADDRESS_FILE
    word = word_of(settings, listener, os.environ)

    def up() -> None:
        try:
            write_address(path, address)
            if word is not None:
                word.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                word.write_text(f"{settings.data}\n", encoding="utf-8")
        except OSError as error:
            why = f"{error.filename} cannot be written ({error.strerror})"
            click.echo(f"Warning: {why}: name the server and its token", err=True)
        if tls is None and not settings.is_loopback:
            click.echo(
                "Warning: without TLS tokens and rows can be read on the way: --tls-cert", err=True
            )
        how = " without tokens" if settings.open else f"; token in {settings.data / 'token'}"
        click.echo(f"leeboard serves {address}{how}", err=True)

    def down() -> None:
        for written in (path, word):
            if written is not None:
                with contextlib.suppress(OSError):  # it may never have been written
                    written.unlink()

    # Threads of BLAS wait for each other in busy loops, and no matrix here is worth two of them.
    threadpool_limits(limits=1, user_api="blas")
    Host(build_in(settings), listener, up=up, down=down, tls=tls).run()


def build_in(settings: Settings) -> Callable[[], Hosted]:
    """What makes the server; its parts are imported when it is called."""

    def build() -> Hosted:
        from controlplane import server  # noqa: PLC0415 - so that --help and errors stay quick

        settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        return server.build(settings, SystemClock())

    return build


def address_of(host: str, listener: socket.socket, scheme: str) -> str:
    """The base address, with the port that was given."""
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}:{listener.getsockname()[1]}"


def word_of(settings: Settings, listener: socket.socket, environ: Mapping[str, str]) -> Path | None:
    """Where this user's clients look for the data, and so the token, of the server on a port; None
    where they find them anyway, or need none."""
    home = default_data(environ).expanduser().absolute()
    if settings.open or settings.data == home:
        return None
    return home / RUNNING / str(listener.getsockname()[1])


def write_address(path: Path, address: str) -> None:
    """Say where the server is, for the command line and the dashboard."""
    text = json.dumps({"address": address, "pid": os.getpid()})
    part = path.with_suffix(".part")
    part.write_text(text + "\n", encoding="utf-8")
    part.replace(path)

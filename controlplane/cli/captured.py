"""Files of SageMaker's captured data and of its labels, sent as they are: the server lays them out."""

import gzip
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, cast

import click
import msgspec

from connectors.client import wire
from connectors.client.problems import RowError
from controlplane.cli.terminal import Terminal

BLOCK: Final = 8 * 2**20
"""Bytes of lines that are sent together; a longer line goes alone."""


def is_captured(file: Path) -> bool:
    """Whether a file of JSON lines is SageMaker's, by its first line."""
    from controlplane.cli.json_lines import is_json_lines  # noqa: PLC0415 - Arrow, where needed
    from controlplane.ingest.formats import sagemaker  # noqa: PLC0415 - as above

    if not is_json_lines(file):
        return False

    with _opened(file) as stream:
        return sagemaker.is_captured(stream.readline(BLOCK))


def sent(terminal: Terminal, file: Path, model: str, feed: str) -> wire.Receipt:
    """Send the lines of a file, and add up what became of their rows; errors name its lines."""
    from connectors.client import bulk  # noqa: PLC0415 - as above

    total, before = wire.Receipt(), 0
    with click.progressbar(length=file.stat().st_size, label=file.name, file=sys.stderr) as bar:
        for lines in _blocks(file):
            receipt = bulk.send_lines(terminal.connection, model, feed, lines)
            errors = [_moved(error, before) for error in receipt.errors]
            total = bulk.summed(total, msgspec.structs.replace(receipt, errors=errors))
            before += lines.count(b"\n")
            bar.update(len(lines))
    return total


def _moved(error: RowError, before: int) -> RowError:
    """An error of some lines at the lines of the whole file."""
    if error.line is None:
        return error
    line = error.line + before
    said = error.message.replace(f"line {error.line}: ", f"line {line}: ", 1)
    return msgspec.structs.replace(error, line=line, message=said)


def _blocks(file: Path) -> Iterator[bytes]:
    with _opened(file) as stream:
        while lines := stream.readlines(BLOCK):
            yield b"".join(lines)


def _opened(file: Path) -> BinaryIO:
    if file.suffix.lower() == ".gz":
        return cast("BinaryIO", gzip.open(file))
    return file.open("rb")

"""A file to the server part by part, going on where an earlier run was cut off."""

import bisect
import sys
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, NamedTuple

import click
import msgspec

from connectors.client import bulk, wire
from connectors.client.problems import RowError
from controlplane.cli import reading
from controlplane.cli.outcome import say
from controlplane.cli.render import count
from controlplane.cli.sent_so_far import Note, Notes


class Way(NamedTuple):
    """How a part gets to the server, and how one asks whether it is there."""

    send: Callable[[Any], wire.Receipt]
    """A table of rows; their places in the receipt are those in the table."""
    has: Callable[[Any], bool]


class Sent(NamedTuple):
    """What became of a file's rows, and how many of them an earlier run had sent."""

    receipt: wire.Receipt
    before: int


def sent(file: Path, texts: Collection[str], way: Way, notes: Notes) -> Sent:
    """Send the rows of a file that were not sent yet. Raises what sending raises, and BadInput."""
    note = _good(file, texts, way, notes)
    start, most = (reading.BEGIN, 0) if note is None else (note.end, note.rows_a_part)
    found = reading.reading(file, texts=texts, start=start)
    total = wire.Receipt() if note is None else note.receipt
    before = {} if note is None else note.wrong
    at = start
    try:
        with click.progressbar(length=found.size, label=file.name, file=sys.stderr) as bar:
            bar.update(found.read_so_far())
            for part in reading.parts(found, file, most):
                total = bulk.summed(total, _moved(way.send(part.table), part))
                at = part.end
                notes.note(Note(
                    begin=part.begin, end=at, rows_a_part=part.most, receipt=total,
                    wrong=before | found.wrong,
                ))  # fmt: skip
                bar.update(max(found.read_so_far() - bar.pos, 0))
    except BaseException:  # Ctrl-C, too
        if at.rows and notes.are_kept:
            say(f"{count(at.rows)} rows of {file} are sent; the same command goes on after them")
        raise
    notes.forget()
    wrong = _wrong(before | found.wrong, are_lines=found.are_lines)
    return Sent(
        msgspec.structs.replace(
            total, rejected=total.rejected + len(wrong), errors=[*total.errors, *wrong]
        ),
        start.rows,
    )


def _good(file: Path, texts: Collection[str], way: Way, notes: Notes) -> Note | None:
    """What an earlier run noted, where the server still has its last part."""
    note = notes.last()
    if note is None:
        return None
    again = reading.reading(file, texts=texts, start=note.begin)
    last = next(reading.parts(again, file, note.rows_a_part))
    if way.has(last.table):
        say(f"going on after {count(note.end.rows)} rows that an earlier run sent")
        return note
    say("the server does not have what an earlier run sent: beginning anew")
    notes.forget()
    return None


def _moved(receipt: wire.Receipt, part: reading.Part) -> wire.Receipt:
    """A part's receipt with its errors at the rows of the whole file."""
    firsts = [first for first, _ in part.runs]

    def in_file(row: int) -> int:
        first, place = part.runs[bisect.bisect_right(firsts, row) - 1]
        return place + row - first

    errors = [
        msgspec.structs.replace(error, row=in_file(error.row or 0), line=None)
        for error in receipt.errors
    ]
    return msgspec.structs.replace(receipt, errors=errors)


def _wrong(told: dict[int, str], *, are_lines: bool) -> list[RowError]:
    """The lines, or rows, that are none, as errors."""
    return [
        RowError(pointer="", message=says, line=number) if are_lines
        else RowError(pointer="", message=says, row=number)
        for number, says in told.items()
    ]  # fmt: skip

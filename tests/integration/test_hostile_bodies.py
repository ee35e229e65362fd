"""Small bodies that would unfold to very much: refused, or rejected row by row, in bounded memory."""

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from controlplane.domain.errors import BadInput
from controlplane.domain.schema import Task
from controlplane.ingest.batch import Feed
from controlplane.ingest.checking import Terms, check
from controlplane.ingest.decode import decode
from controlplane.ingest.eventful import rows_of
from controlplane.ingest.formats.cloudevents import BATCHED, events_of
from controlplane.ingest.inference import schema_of
from controlplane.ingest.layout import layout_of
from controlplane.ingest.payloads.reading import read_payload
from controlplane.policy.defaults import policy_of
from tests.stored import MODEL, NOON

MANY = 150_000
MEMORY = 3 * 2**30
"""Bytes of address space, of which the libraries take a part before anything is read."""
JSON, LINES, CSV, PAYLOAD = "application/json", "application/x-ndjson", "text/csv", "payload"
NAMES = ",".join(f'"c{n}":{n}' for n in range(MANY)).encode()
ONES = b",".join([b"1"] * MANY)
DIGITS = b"9" * 1_000_000
EVENT = b'{"specversion":"1.0","id":"a","source":"s","type":"t","data":{"c%d":1}}'


def captured(asked: bytes, answered: bytes = b'"1"', encoding: bytes = b"CSV") -> bytes:
    return (b'{"captureData":{"endpointInput":{"encoding":"' + encoding + b'","data":' + asked
            + b'},"endpointOutput":{"data":' + answered + b'}},"eventMetadata":{"eventId":"a"}}')  # fmt: skip


BODIES: dict[str, tuple[str, Callable[[], bytes]]] = {
    "names of a row": (JSON, lambda: b"{" + NAMES + b"}"),
    "names of columns": (JSON, lambda: b'{"columns":{' + NAMES.replace(b":", b":[").replace(b",", b"],") + b"]}}"),
    "names of a line": (LINES, lambda: b"{" + NAMES + b"}"),
    "rows of other names": (LINES, lambda: b"\n".join(b'{"c%d":1}' % n for n in range(MANY))),
    "digits": (JSON, lambda: b'{"id":' + DIGITS + b"}"), "digits of a line": (LINES, lambda: b'{"id":' + DIGITS + b"}"),
    "depth": (JSON, lambda: b'{"a":' * MANY), "depth of lines": (LINES, lambda: b"\n".join([b"[" * 100_000] * 3)),
    "braces": (LINES, lambda: b"{\n" * MANY), "empty rows": (LINES, lambda: b"{}\n" * MANY),
    "CSV names": (CSV, lambda: ",".join(f"c{n}" for n in range(MANY)).encode() + b"\n1\n"), "CSV fields": (CSV, lambda: b"id\n" + ONES + b"\n"),
    "CSV ragged": (CSV, lambda: b"id\n" + b"1,2\n" * MANY), "CSV quotes": (CSV, lambda: b"id,a\n" + b'"' * MANY),
    "CSV digits": (CSV, lambda: b"id,a\n1," + DIGITS), "CSV newlines": (CSV, lambda: b"\n" * 3_000_000),
    "names of an instance": (PAYLOAD, lambda: b'{"instances":[{' + NAMES + b"}]}"), "wide instance": (PAYLOAD, lambda: b'{"instances":[[' + ONES + b"]]}"),
    "instances": (PAYLOAD, lambda: b'{"instances":[' + b",".join([b"[1]"] * MANY) + b"]}"),
    "instances of other names": (PAYLOAD, lambda: b'{"instances":[' + b",".join(b'{"c%d":1}' % n for n in range(MANY)) + b"]}"),
    "tensors": (PAYLOAD, lambda: b'{"inputs":[' + b",".join([b'{"name":"a","shape":[1],"datatype":"FP32","data":[1]}'] * MANY) + b"]}"),
    "columns of nothing": (PAYLOAD, lambda: b'{"inputs":[{"name":"a","shape":[0,99999999999],"datatype":"FP32","data":[]}]}'),
    "rows of nothing": (PAYLOAD, lambda: b'{"data":{"tensor":{"shape":[99999999999,0],"values":[]}}}'),
    "events": (BATCHED, lambda: b"[" + b",".join([b"{}"] * MANY) + b"]"), "events of other names": (BATCHED, lambda: b"[" + b",".join(EVENT % n for n in range(90_000)) + b"]"),
    "captured fields": (LINES, lambda: captured(b'"' + ONES + b'"')), "captured rows": (LINES, lambda: captured(b'"' + b"1,2\\n" * MANY + b'"', b'"' + b"1\\n" * MANY + b'"')),
    "captured names": (LINES, lambda: captured(b'"{' + NAMES.replace(b'"', b'\\"') + b'}"', encoding=b"JSON")),
}  # fmt: skip


def taken(kind: str, body: bytes) -> str:
    """What became of a body: refused, or so many rows rejected of how many."""
    policy = policy_of(MODEL, Task.REGRESSION, "late")
    layout = layout_of(policy, None, ("a", "b"), ())
    try:
        if kind == PAYLOAD:
            return f"{read_payload(body).rows} rows"
        if kind == BATCHED:
            batch = rows_of(events_of(kind, body, {}), Feed.PREDICTIONS)
        else:
            batch = decode(kind, body, feed="predictions", layout=lambda: layout)
        found = check(batch, schema_of(policy, batch.columns), Terms(feed=Feed.PREDICTIONS, known_at=NOON))  # fmt: skip
    except BadInput as error:
        return "refused" if len(str(error)) < 1_000 else str(error)
    assert len(found.rejection.errors) <= 20
    assert all(len(e.message) < 2_000 and len(e.pointer) < 300 for e in found.rejection.errors)
    return f"{found.rejection.rows} of {batch.rows} rejected"


@pytest.mark.slow
def test_no_body_takes_more_memory_than_a_few_times_its_size() -> None:
    root = str(Path(__file__).parents[2])
    ended = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-m", "tests.integration.test_hostile_bodies"],
        capture_output=True, text=True, check=False, cwd=root, timeout=300,
        env={**os.environ, "PYTHONPATH": root, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout[-1000:] + ended.stderr[-3000:]
    said = dict(line.split(": ") for line in ended.stdout.splitlines())
    assert set(said) == set(BODIES)
    stored = {name: what for name, what in said.items() if what.endswith("rows")}
    assert stored == {"instances": f"{MANY} rows", "columns of nothing": "0 rows"}
    assert all(len(what) < 60 for what in said.values())
    wholly = [what.split()[:3:2] for what in said.values() if what.endswith("rejected")]
    assert all(rejected == rows for rejected, rows in wholly)


def run() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (120, 120))
    for name, (kind, body) in BODIES.items():
        sys.stdout.write(f"{name}: {taken(kind, body())}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    run()

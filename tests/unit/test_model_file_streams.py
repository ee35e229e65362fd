"""The stream of a model file: its detector, what it reads, its parameters."""

import pytest

from controlplane.domain.errors import ModelFileErrors
from controlplane.domain.policy import Stream
from controlplane.policy.model_file import parse
from controlplane.policy.schema_json import schema
from controlplane.policy.writing import document, flow
from detectors.streaming.catalogue import CATALOGUE
from tests.json_schema import accepts

HEAD = "model: m\ntask: regression\nlabel: y\nfeatures: {temp: numeric, wet: boolean, sky: categorical}\n"
BINARY = "model: m\ntask: binary\nlabel: {column: y, positive: yes}\nscore: p\n"


def fits(file: dict[str, object]) -> bool:
    whole = schema()
    return accepts(file, whole, whole["$defs"])


def stream(text: str, head: str = HEAD) -> Stream | None:
    return parse(f"{head}monitors: {{stream: {text}}}", source="m.yaml").monitors.stream


def faults(text: str, head: str = HEAD) -> list[str]:
    with pytest.raises(ModelFileErrors) as raised:
        stream(text, head)
    return [error.message for error in raised.value.errors]


def test_the_detector_is_chosen_by_what_is_read_unless_it_is_named() -> None:
    assert stream("{}") == Stream(detector="auto", on="error")
    assert stream("{detector: page_hinkley, threshold: 40, mode: up}") == Stream(
        detector="page_hinkley", params=(("threshold", 40.0), ("mode", "up"))
    )
    assert stream("{detector: kswin, on: temp, window_size: 200}") == Stream(
        detector="kswin", on="temp", params=(("window_size", 200),)
    )
    assert stream("{on: wet}") == Stream(on="wet")
    assert stream("{on: score}", BINARY) == Stream(on="score")
    assert stream("{on: prediction}") == Stream(on="prediction")


@pytest.mark.parametrize("detector", list(CATALOGUE))
def test_every_detector_with_its_defaults_is_read_and_fits_the_schema(detector: str) -> None:
    defaults = {name: p.default for name, p in CATALOGUE[detector].parameters.items()}
    text = ", ".join(f"{name}: {str(value).lower()}" for name, value in defaults.items())
    found = stream(f"{{detector: {detector}, {text}}}")
    assert found is not None
    assert dict(found.params) == defaults
    asked = {"detector": detector, "on": "error", **defaults}
    file = {"model": "m", "task": "regression", "label": "y", "monitors": {"stream": asked}}
    assert fits(file)
    assert not fits(file | {"monitors": {"stream": asked | {"zzz": 1}}})


def test_a_stream_is_written_as_it_was_read() -> None:
    policy = parse(
        f"{HEAD}monitors: {{stream: {{detector: ddm, warm_start: 50}}}}", source="m.yaml"
    )
    assert parse(flow(document(policy)), source="m.yaml") == policy


@pytest.mark.parametrize(
    ("text", "head", "says"),
    [
        ("{detector: adwn}", HEAD, "did you mean adwin?"),
        ("{detector: adwin, threshold: 5}", HEAD, "is not a key of monitors.stream"),
        ("{detector: ddm, warm_start: 0}", HEAD, "expected a whole number from 1 to 1e+09"),
        ("{detector: adwin, delta: 2}", HEAD, "expected a number from 1e-300 to 0.999"),
        ("{detector: eddm, beta: 0.99}", HEAD, "expected beta to be at most alpha"),
        ("{on: tmep}", HEAD, "expected one of the declared features (did you mean temp?)"),
        ("{on: sky}", HEAD, "a numeric feature; sky is categorical"),
        ("{on: score}", HEAD, "this model has no score"),
        ("{on: prediction}", BINARY, "predictions here are classes"),
    ],
)
def test_what_a_stream_cannot_be_is_told(text: str, head: str, says: str) -> None:
    [message] = faults(text, head)
    assert says in message

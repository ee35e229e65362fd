"""The stream of a model file: which detector reads what, and with which parameters."""

from typing import Final

from controlplane.domain.policy import Stream
from controlplane.domain.schema import Column, Task
from controlplane.domain.streams import AUTO, ERROR, PREDICTION, SCORE
from controlplane.policy.columns import check_feature
from controlplane.policy.faults import Wrong
from controlplane.policy.fields import Reader, boolean, choice, number, text, whole
from controlplane.policy.metrics import Outputs
from controlplane.policy.schema_words import ANY_TEXT, Json, Part, either, mapping, says, word
from controlplane.policy.section import Section
from controlplane.policy.tree import Node
from detectors.finding import Kind
from detectors.streaming.catalogue import CATALOGUE, begin, expected
from detectors.streaming.state import Parameter, Setting

DETECTORS: Final = (AUTO, *CATALOGUE)
_ON: Final = "error, score, prediction or a numeric feature"


def read_stream(monitors: Section, outputs: Outputs, features: tuple[Column, ...] | None) -> Stream:
    """The stream; a parameter is a key beside `detector`, and only that detector's are keys."""
    section = monitors.section("stream")
    detector = section.read("detector", choice(*DETECTORS), default=AUTO)
    on = section.read("on", _on(outputs, features), default=ERROR)
    node = section.node("on")
    if node is not None and on not in {ERROR, SCORE, PREDICTION}:
        check_feature(on, node, section.under("on"), features=features, faults=section.faults)
    known = CATALOGUE[detector].parameters if detector in CATALOGUE else {}
    params: dict[str, Setting] = {}
    for name, parameter in known.items():
        if (found := section.read(name, _reader(parameter), default=None)) is not None:
            params[name] = found
    if params:
        _check(section, detector, params)
    section.close()
    return Stream(detector=detector, on=on, params=tuple(params.items()))


def _on(outputs: Outputs, features: tuple[Column, ...] | None) -> Reader[str]:
    def read(node: Node) -> str:
        found = text(_ON)(node)
        if found == SCORE and (outputs.task is Task.REGRESSION or not outputs.scored):
            raise Wrong("error, prediction or a numeric feature: this model has no score")
        if found == PREDICTION and outputs.task not in {None, Task.REGRESSION}:
            raise Wrong("error, score or a numeric feature: predictions here are classes")
        kinds = {column.name: column.kind for column in features or ()}
        if kinds.get(found, Kind.NUMERIC) not in {Kind.NUMERIC, Kind.BOOLEAN}:
            raise Wrong(f"{_ON}; {found} is {kinds[found]}")
        return found

    return read


def _reader(parameter: Parameter) -> Reader[Setting | None]:
    words = expected(parameter)
    if isinstance(parameter.default, bool):
        return boolean
    if parameter.words:
        return choice(*parameter.words)
    if isinstance(parameter.default, int):
        return whole(words, low=int(parameter.low), high=int(parameter.high))
    return number(words, low=parameter.low, high=parameter.high)


def _check(section: Section, detector: str, params: dict[str, Setting]) -> None:
    """Note parameters that do not go together."""
    try:
        begin(detector, params)
    except ValueError as error:
        section.refuse(next(iter(params)), str(error))


def _part(parameter: Parameter) -> Part:
    default = parameter.default
    if isinstance(default, bool):
        return {"type": "boolean", "default": default}
    if parameter.words:
        return {"enum": [*parameter.words], "default": default}
    kind = "integer" if isinstance(default, int) else "number"
    return {
        "type": kind, "minimum": parameter.low, "maximum": parameter.high, "default": default,
    }  # fmt: skip


def _choice(detector: str) -> Part:
    """The section as it is with a detector."""
    entry = CATALOGUE.get(detector)
    what = "e_sr on errors, adwin on anything else" if entry is None else entry.says
    properties: dict[str, Json] = {
        "detector": word(f"Which one: {what}.", detector, default=AUTO),
        "on": says("What it reads: error, score, prediction or a numeric feature.",
                   {**ANY_TEXT, "default": ERROR}),
    }  # fmt: skip
    if entry is not None:
        properties |= {name: _part(parameter) for name, parameter in entry.parameters.items()}
    found = mapping("A detector that reads values one after another.", properties)
    return found if entry is None else {**found, "required": ["detector"]}


STREAM: Final[Part] = says(
    "A detector that reads values one after another.",
    either(*(_choice(detector) for detector in DETECTORS)),
)
"""The section in the model file's schema."""

"""The JSON Schema (draft 2020-12) of the model file, for editors: completion, hover, red lines.

It says what a file looks like; that metrics fit the task, names are defined and durations long
enough is told by `parse` alone. Whatever `parse` takes, the schema takes too.
"""

from typing import Final

from controlplane.domain.schema import Task
from controlplane.policy.metrics import METRICS
from controlplane.policy.monitors import EFFECTS, THRESHOLDED
from controlplane.policy.schema_loop import GUARD, PROMOTE, RETRAIN, ROUTE, TRIAL
from controlplane.policy.schema_words import (
    ANY_TEXT,
    PERCENT,
    Part,
    either,
    filled,
    flag,
    listing,
    mapping,
    matching,
    named,
    of,
    says,
    whole,
    word,
)
from controlplane.policy.streams import STREAM
from controlplane.policy.timing import FEWEST_ROWS
from detectors.finding import Kind


def schema() -> Part:
    """The whole schema, a fresh value at each call."""
    top = mapping("What is watched of a model, and what may be done about it.", _TOP)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Leeboard model file",
        **top,
        "type": "object",
        "required": ["model", "task", "label"],
        "$defs": {
            "duration": {"type": "string", "pattern": "^[0-9]{1,8}[smhdw]$"},
            "share": either(
                {"type": "number", "exclusiveMinimum": 0, "maximum": 1}, matching(PERCENT)
            ),
            "margin": either({"type": "number", "minimum": 0}, matching(PERCENT)),
            "column": ANY_TEXT,
        },
    }


_CLASSES: Final = filled(named("Class: column of its score (multiclass).", of("", "column")))
_KIND: Final = word("What its values are.", *Kind)

_LABEL: Final[Part] = {
    "column": of("The column with the truth.", "column"),
    "positive": says("The positive class, task binary.", ANY_TEXT),
    "delay": of("How long after a row its label is known at the latest.", "duration", default="1d"),
    "selective": flag("Labels exist only where the model said yes; nothing is promoted by itself."),
}

_WHERE: Final = mapping(
    "A segment by name.",
    {
        "name": of("What it is called.", "column"),
        "column": of("The column whose levels it follows.", "column"),
        "where": says("A condition that its rows fulfil: distance > 2000.", {"type": "string"}),
    },
)

_WINDOWS: Final[Part] = {
    "every": of("The length of a window. Default: what the data allow, 1h to 91d.", "duration"),
    "span": of(
        "Windows that slide: this long, one every so often; a multiple of every.", "duration"
    ),
    "rows": whole("Windows of so many rows, in place of a length.", FEWEST_ROWS),
    "lateness": of("How late a row may come. Default: a tenth of a window.", "duration"),
}

_SPAN: Final[Part] = {
    "from": matching("^[0-9]{4}"),
    "to": matching("^[0-9]{4}"),
    "trailing": of("The span just before a window; it slides with it.", "duration"),
    "season": of("The same place in the seasons before, each this long.", "duration"),
    "periods": whole("How many seasons. Default: 1."),
}
_REFERENCE: Final = either({"enum": ["training"]}, filled(mapping("A span of event time.", _SPAN)))

_MONITORS: Final[Part] = {
    "drift": mapping(
        "The inputs against the reference.",
        {
            "columns": says(
                "Which features; default all.",
                either({"enum": ["all"]}, {"type": "array", "items": of("", "column")}),
            ),
            "minimum_effect": word(
                "The least shift worth hearing of: small, twice (medium), four times (large).",
                *EFFECTS,
                default="small",
            ),
            "thresholds": mapping(
                "Heights set by hand, outside of the false-alarm budget.",
                {name: {"type": "number", "exclusiveMinimum": 0} for name in THRESHOLDED},
            ),
            "detectors": listing("Further detectors, computed for the reader.", ANY_TEXT),
        },
    ),
    "quality": mapping("Missing, range, new level, volume, schema, label feed.", {}),
    "performance": mapping(
        "Predictions against labels.",
        {
            "metric": word("What is followed. Default: mae, log_loss.", *METRICS),
            "estimate": {
                "description": "Estimate it while labels are out.",
                "type": "boolean",
                "default": True,
            },
        },
    ),
    "stream": STREAM,
    "kpis": named(
        "Business figures by name.",
        mapping("A figure.", {"direction": word("Which way is good.", "up", "down")}),
    ),
}

_TOP: Final[Part] = {
    "model": says("The model's name.", ANY_TEXT),
    "task": word("What it predicts.", *Task),
    "trainer": says("Who trains: builtin, none, or a trainer of leeboard.yaml.", ANY_TEXT),
    "features": named(
        "Feature: kind. Default: from the first reference or rows.",
        either(_KIND, filled(mapping("A feature.", {"type": _KIND}))),
    ),
    "prediction": of("The column of predictions.", "column", default="prediction"),
    "score": says("The column of the positive class's score.", either(ANY_TEXT, _CLASSES)),
    "label": either(
        of("The column with the truth.", "column"), filled(mapping("The label.", _LABEL))
    ),
    "segments": listing("Parts of the rows, watched as well.", either(ANY_TEXT, filled(_WHERE))),
    "time_zone": {"description": "For windows, day blocks, schedules.", "type": "string"},
    "windows": mapping("How rows are cut.", _WINDOWS),
    "reference": says("What a window is compared with.", _REFERENCE),
    "false_alarms": {
        "description": "The budget that all monitors share.",
        "default": "1 per 90d",
        **matching(r"^\S+\s+per\s+\S+$"),
    },
    "monitors": mapping("What is watched; naming some switches the others off.", _MONITORS),
    "retrain": mapping("When training is asked for.", RETRAIN),
    "trial": mapping("How a candidate is tried.", TRIAL),
    "promote": mapping("Which verdict promotes.", PROMOTE),
    "guard": mapping("The watch after a promotion.", GUARD),
    "alerts": listing("Who hears of alerts.", ROUTE),
    "dry_run": flag("Record decisions and perform none."),
}

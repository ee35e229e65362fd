"""The parts of the model file's JSON Schema that say what may be done: retraining to alerts."""

from typing import Final

from controlplane.domain.alerts import Severity
from controlplane.policy.alerts import GROUPS
from controlplane.policy.metrics import Outputs
from controlplane.policy.schema_words import (
    ANY_TEXT,
    LATER,
    PERCENT,
    Part,
    either,
    listing,
    mapping,
    matching,
    of,
    only,
    says,
    whole,
    word,
)

_TRIGGER: Final = either(
    only(
        "performance",
        mapping(
            "Worse than a share of the reference loss allows, or than a figure.",
            {
                "worse_by": says(
                    "20%: a fifth worse than the version's reference loss.",
                    either({"type": "number", "exclusiveMinimum": 0}, matching(PERCENT)),
                ),
                "worse_than": {"description": "In the metric's units.", "type": "number"},
            },
        ),
    ),
    only(
        "drift",
        mapping(
            "So many of the columns, so many windows running.",
            {
                "share": of("Of the columns that could be judged.", "share", default=0.3),
                "for": says(
                    "Windows one after another.",
                    either(
                        {"type": "integer", "minimum": 1}, matching(r"^[0-9]{1,6}(\s+windows?)?$")
                    ),
                ),
            },
        ),
    ),
    only("stream", mapping("The stream detector alarmed.", {})),
    only("schedule", says("Five fields of cron, model's time zone.", {"type": "string"})),
    only("new_labels", whole("So many labels since the last training.")),
    only("age", of("The champion is older.", "duration")),
    only("trigger", says("A message of this name came in; this version takes none yet.", ANY_TEXT)),
)

RETRAIN: Final[Part] = {
    "when": listing("Any one of them asks for a run.", _TRIGGER),
    "cooldown": of("Between runs. Default: two windows, at least 7d.", "duration"),
    "at_most": {
        "description": "Runs per period.",
        "default": "4 per 90d",
        **matching(r"^\S+\s+per\s+\S+$"),
    },
    "data": mapping(
        "The rows of a training.", {"last": of("Default: the first training span.", "duration")}
    ),
    "approval": word("Ask before training.", "none", "required", default="none"),
}

TRIAL: Final[Part] = {
    "mode": word(
        "replay: score logged rows. shadow, canary:" + LATER, "replay", "shadow", "canary"
    ),
    "metric": word("The loss that is compared. Default: mae, log_loss.", *Outputs(None).losses),
    "gain": {"description": "Better means by more than this.", "type": "number", "minimum": 0},
    "margin": of("Worse by up to this is still no worse.", "margin", default="5%"),
    "hold_out": of("The newest days, kept from training.", "duration", default="14d"),
    "confidence": of("Of the verdict.", "share", default=0.95),
    "stop": mapping(
        "When an undecided trial ends.",
        {
            "age": of("Closed label days.", "duration", default="28d"),
            "rows": whole("Labelled rows."),
        },
    ),
    "unit": word(
        "What is compared: the means of days, or rows, where days are no more than their rows.",
        "days",
        "rows",
        default="days",
    ),
}

PROMOTE: Final[Part] = {
    "when": word("Which verdict promotes.", "better", "not_worse", default="better"),
    "approval": word("Ask before promoting.", "none", "required", default="none"),
}

GUARD: Final[Part] = {
    "for": of("How long.", "duration", default="14d"),
    "margin": of("How much worse than the version before is let pass.", "margin", default="5%"),
    "then": word("What a breach does.", "rollback", default="rollback"),
}

ROUTE: Final = mapping(
    "A route.",
    {
        "to": of("A receiver of leeboard.yaml.", "column"),
        "from": word("The least severity.", *Severity, default="warning"),
        "group_by": {
            "description": "What one message gathers.",
            "type": "array",
            "items": {"enum": [*GROUPS]},
        },
    },
)

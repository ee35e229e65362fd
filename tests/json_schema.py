"""The part of JSON Schema that our own schemas use, for tests; any other keyword is an error."""

import re
from typing import Any


def accepts(value: Any, part: dict[str, Any], defs: dict[str, Any]) -> bool:
    """Whether a value fits a schema, for the keywords that ours uses; others are an error."""
    checks = {
        "type": lambda names: any(_is(value, n) for n in ([names] if isinstance(names, str) else names)),
        "enum": lambda words: value in words and type(value) in {type(word) for word in words},
        "pattern": lambda p: not isinstance(value, str) or re.search(p, value) is not None,
        "minimum": lambda low: not _is(value, "number") or value >= low,
        "exclusiveMinimum": lambda low: not _is(value, "number") or value > low,
        "maximum": lambda high: not _is(value, "number") or value <= high,
        "anyOf": lambda parts: any(accepts(value, option, defs) for option in parts),
        "items": lambda item: not isinstance(value, list) or all(accepts(v, item, defs) for v in value),
        "required": lambda keys: not isinstance(value, dict) or set(keys) <= value.keys(),
        "properties": lambda known: not isinstance(value, dict)
        or all(accepts(v, known[k], defs) for k, v in value.items() if k in known),
        "additionalProperties": lambda rest: not isinstance(value, dict)
        or all(
            rest is not False and accepts(v, rest, defs)
            for k, v in value.items()
            if k not in part.get("properties", {})
        ),
        "$ref": lambda name: accepts(value, defs[name.rsplit("/", 1)[1]], defs),
    }  # fmt: skip
    said = {"description", "default", "title", "$schema", "$defs"}
    return all(checks[keyword](told) for keyword, told in part.items() if keyword not in said)


def _is(value: Any, name: str) -> bool:
    kinds = {
        "object": dict, "array": list, "string": str, "null": type(None), "boolean": bool,
        "integer": int, "number": (int, float),
    }  # fmt: skip
    return isinstance(value, kinds[name]) and (name == "boolean" or not isinstance(value, bool))

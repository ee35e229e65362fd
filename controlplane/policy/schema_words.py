"""The parts that a JSON Schema is put together from."""

from typing import Final, TypeAlias

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"
Part: TypeAlias = "dict[str, Json]"

LATER: Final = " This version refuses it: not done yet."
ANY_TEXT: Final[Part] = {"type": ["string", "number", "boolean"]}
"""A name: `2024` and `true` without quotes are names too."""


PERCENT: Final = "^[-+0-9.eE]+ *%$"


def says(text: str, part: Part) -> Part:
    """A part with the words that an editor shows."""
    return {"description": text, **part}


def mapping(text: str, properties: Part) -> Part:
    """A section: these keys and no other; left empty it is as if left out."""
    return {
        "description": text,
        "type": ["object", "null"],
        "additionalProperties": False,
        "properties": properties,
    }


def filled(part: Part) -> Part:
    """The same section where it may not be left empty."""
    return {**part, "type": "object"}


def either(*parts: Part) -> Part:
    """Any one of the parts."""
    return {"anyOf": [*parts]}


def matching(pattern: str) -> Part:
    """A text that the pattern finds."""
    return {"type": "string", "pattern": pattern}


def of(text: str, name: str, **more: Json) -> Part:
    """One of the shared definitions."""
    return {"description": text, "$ref": f"#/$defs/{name}", **more}


def word(text: str, *words: str, default: str | None = None) -> Part:
    """One of a few words."""
    part: Part = {"description": text, "enum": [str(known) for known in words]}
    return part if default is None else {**part, "default": default}


def whole(text: str, least: int = 1) -> Part:
    """A whole number."""
    return {"description": text, "type": "integer", "minimum": least}


def flag(text: str) -> Part:
    """true or false, and false where it is left out."""
    return {"description": text, "type": "boolean", "default": False}


def listing(text: str, item: Part) -> Part:
    """A list."""
    return {"description": text, "type": ["array", "null"], "items": item}


def named(text: str, value: Part) -> Part:
    """A mapping whose keys the user chooses."""
    return {"description": text, "type": ["object", "null"], "additionalProperties": value}


def only(key: str, value: Part) -> Part:
    """A mapping of exactly this key."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [key],
        "properties": {key: value},
    }

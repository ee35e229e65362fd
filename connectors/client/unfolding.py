"""What a program was asked and what it answered, as the rows to log: one, or as many as it was
asked for at once. Whatever it makes of them, nothing is raised into the program."""

import dataclasses
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec

_VALUES: Final = frozenset({float, int, str, bool})
_AS_MAPPING: Final = ("model_dump", "_asdict")
"""Of Pydantic's models and named tuples."""
_AS_ROWS: Final = ("to_pylist", "to_dicts")
"""Of Arrow's and Polars' tables."""
_AS_LIST: Final = ("to_pylist", "tolist", "to_list")
"""Of the columns of Arrow, NumPy and pandas, and Polars."""


class Unloggable(Exception):
    """What a program was asked or answered is no row; the text says why."""


class Logging(Protocol):
    """What rows are logged with: either kind of client."""

    def log_prediction(
        self, id: str, features: Mapping[str, Any], prediction: object, *,  # noqa: A002
        score: float | None = None, scores: Mapping[str, float] | None = None,
        version: str | None = None,
    ) -> None:  # fmt: skip
        """Log one."""
        ...

    def flush_at_end(self) -> None:
        """Send what was logged; the app is about to end."""
        ...

    def count_unlogged(self, why: str | Exception) -> None:
        """Count one that could not be logged."""
        ...


def new_id() -> str:
    """An id that nothing else has."""
    return secrets.token_hex(16)


def rows_of(asked: object) -> list[dict[str, Any]] | dict[str, Any]:
    """The features of one row as a mapping, or of several; copies, so that they stay as they are.

    Takes mappings, Pydantic's models, dataclasses, named tuples, msgspec's structs, and lists and
    tables of them. Raises Unloggable.
    """
    row = _mapping(asked)
    if row is not None:
        return row
    rows = [_mapping(one) for one in _tabled(asked)]
    sound = [row for row in rows if row is not None]
    if len(sound) < len(rows):
        message = f"{len(rows) - len(sound)} of {len(rows)} rows have no names for their values"
        raise Unloggable(message)
    return sound


def log_answers(
    leeboard: Logging, rows: list[dict[str, Any]] | dict[str, Any], answer: object,
    ids: object = None, version: str | None = None,
) -> list[str]:  # fmt: skip
    """Log each row with its answer; the ids, in the order of the rows.

    An answer is the prediction, or a mapping with `prediction` and, if wished, `score`, `scores`
    and `version`. Several rows have as many answers. Without ids there are new ones; one id for
    several rows gets their numbers behind it. Raises Unloggable; then nothing was logged.
    """
    several = rows if isinstance(rows, list) else [rows]
    answers = _answers(answer, len(several)) if isinstance(rows, list) else [_only(answer)]
    named = _ids(ids, len(several), is_one=not isinstance(rows, list))
    for id_, row, one in zip(named, several, [_told(one) for one in answers], strict=True):
        leeboard.log_prediction(
            id_, row, one["prediction"], score=one.get("score"), scores=one.get("scores"),
            version=one.get("version", version),
        )  # fmt: skip
    return named


def safely(leeboard: Logging, log: Callable[[], list[str]]) -> list[str]:
    """What logging gives; where it raises anything that is counted, and there are no ids."""
    try:
        return log()
    except Unloggable as why:
        leeboard.count_unlogged(str(why))
    except Exception as error:  # noqa: BLE001 - never into the app; it is counted and said
        leeboard.count_unlogged(error)
    return []


def _mapping(value: object) -> dict[str, Any] | None:
    """A copy of what has names for its values; None where it has not."""
    if type(value) is dict:  # the usual case, without the cost of the others
        return value.copy()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, msgspec.Struct):
        return msgspec.structs.asdict(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    for name in _AS_MAPPING:
        if (convert := getattr(value, name, None)) is not None:
            return dict(convert())
    return None


def _tabled(asked: Any) -> Iterable[object]:  # noqa: ANN401 - whatever a function takes
    for name in _AS_ROWS:
        if (convert := getattr(asked, name, None)) is not None:
            rows: Iterable[object] = convert()
            return rows
    if hasattr(asked, "to_dict") and hasattr(asked, "columns"):  # pandas
        records: Iterable[object] = asked.to_dict(orient="records")
        return records
    if isinstance(asked, Sequence) and not isinstance(asked, (str, bytes)):
        return asked
    message = f"the features are a {type(asked).__name__}, neither a mapping nor rows of them"
    raise Unloggable(message)


def _answers(answer: Any, rows: int) -> Sequence[object]:  # noqa: ANN401 - whatever it answers
    for name in _AS_LIST:
        if not isinstance(answer, Sequence) and (convert := getattr(answer, name, None)):
            answer = convert()
            break
    if not isinstance(answer, Sequence) or isinstance(answer, (str, bytes)):
        message = f"{rows} rows were answered by a {type(answer).__name__}, not by a list"
        raise Unloggable(message)
    if len(answer) != rows:
        message = "there are not as many answers as rows"
        raise Unloggable(message)
    return answer


def _only(answer: object) -> object:
    """The answer to one row, out of its list where it is the only one in it."""
    if isinstance(answer, (list, tuple)) and len(answer) == 1 and _mapping(answer) is None:
        return answer[0]
    return answer


def _told(answer: object) -> Mapping[str, Any]:
    if type(answer) in _VALUES:
        return {"prediction": answer}
    told = _mapping(answer)
    if told is None:
        return {"prediction": answer}
    if "prediction" not in told:
        message = "the answer has no `prediction`"
        raise Unloggable(message)
    return told


def _ids(ids: object, rows: int, *, is_one: bool) -> list[Any]:
    if is_one and type(ids) is str:
        return [ids]
    if isinstance(ids, Sequence) and not isinstance(ids, str):
        if len(ids) != rows:
            message = "there are not as many ids as rows"
            raise Unloggable(message)
        return list(ids)
    if is_one:
        return [new_id() if ids is None else ids]
    first = new_id() if ids is None else ids
    return [f"{first}-{number}" for number in range(rows)]

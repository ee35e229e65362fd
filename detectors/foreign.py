"""Detectors that were not written here: what they answer is checked before it is believed."""

from collections.abc import Callable
from typing import Any, Final

from detectors import answers
from detectors.finding import Finding, Verdict

_LONGEST: Final = 300
_FIGURES: Final = ("statistic", "p_value", "threshold", "effect")


def checked(name: str, column: str, ask: Callable[[], Any]) -> list[Finding]:
    """What a detector answers when asked about a column; an `error` finding where it cannot be used.

    It gives a finding or a list of them. Each has to be a `Finding` of this detector and column
    with finite figures and, inconclusive, a reason; whatever else it does (an exception, another
    type, NaN, another column, another detector's name) becomes one finding of verdict `error`
    that says so in `reason`. KeyboardInterrupt and SystemExit pass.

    >>> [f.reason for f in checked("mine", "x", lambda: 0.7)]
    ['mine gave a float; expected a Finding or a list of them']
    """
    try:
        given = ask()
        found = list(given) if isinstance(given, list | tuple) else [given]
        faults = [fault for one in found if (fault := _fault(name, column, one))]
    except Exception as error:  # noqa: BLE001 - whatever a stranger's code raises is its answer
        words = str(error).strip() or "no message"
        faults = [f"{name} raised {type(error).__name__}: {words}"]
        found = []
    if faults:
        return [failed(name, column, faults[0])]
    return found


def failed(name: str, column: str, reason: str) -> Finding:
    """The finding of a detector that could not measure."""
    return Finding(column=column, detector=name, verdict=Verdict.ERROR, reason=_short(reason))


def _fault(name: str, column: str, given: object) -> str | None:
    if not isinstance(given, Finding):
        return f"{name} gave a {type(given).__name__}; expected a Finding or a list of them"
    if given.detector != name:
        return f"{name} gave a finding of {given.detector!r}; expected its own name"
    if given.column != column:
        return f"{name} was asked about {column} and gave a finding of {given.column!r}"
    return _figures(name, given) or _verdict(name, given)


def _figures(name: str, given: Finding) -> str | None:
    for field in _FIGURES:
        value = getattr(given, field)
        numeric = isinstance(value, int | float) and not isinstance(value, bool)
        if value is not None and (not numeric or answers.number(value) is None):
            return f"{name} gave {value!r} as its {field}; expected a finite number or None"
    counts: list[object] = [given.rows, given.rows_reference]
    if not all(isinstance(count, int) for count in counts):
        return f"{name} gave rows that are no whole numbers"
    return None


def _verdict(name: str, given: Finding) -> str | None:
    verdict: object = given.verdict
    reason: object = given.reason
    if not isinstance(verdict, Verdict):
        expected = ", ".join(Verdict)
        return f"{name} gave {verdict!r} as its verdict; expected one of {expected}"
    unsaid = reason is None and verdict in {Verdict.INCONCLUSIVE, Verdict.ERROR}
    if unsaid or not isinstance(reason, str | None):
        return f"{name} gave the verdict {given.verdict} without a reason in words"
    return None


def _short(reason: str) -> str:
    line = " ".join(reason.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"

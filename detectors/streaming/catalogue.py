"""The table of sequential detectors, and how each is begun and fed."""

from collections.abc import Callable, Mapping
from typing import Final

import msgspec
import numpy as np

from detectors.streaming import (
    adwin,
    ddm,
    e_detector,
    ecdd,
    eddm,
    fhddm,
    hddm_a,
    hddm_w,
    kswin,
    page_hinkley,
    stepd,
)
from detectors.streaming.state import (
    NONE,
    Heard,
    Memory,
    Parameter,
    Params,
    Setting,
    State,
    Step,
    Values,
    lead,
)

VERSION: Final = 1
"""Counts up when what a detector remembers changes its form."""

NUMBERS, SHARES, ERRORS, ANSWERS = "numbers", "shares", "errors", "answers"


class Sequential(msgspec.Struct, frozen=True, kw_only=True):
    """A detector: its parameters, what it reads, and a sentence about it.

    `reads`: `numbers` of any scale; `shares`, numbers in [0, 1]; `errors`, 0 and 1, 1 for a wrong
    answer; `answers`, 0 and 1, 1 for a right one. `strictness` is the parameter by which it is
    made to alarm less often: smaller where `grows` is false.
    """

    feed: Callable[[Params, Memory, Values], tuple[Memory, Heard]]
    parameters: Mapping[str, Parameter]
    reads: str
    strictness: str
    grows: bool = False
    says: str


def _led(step: Step) -> Callable[[Params, Memory, Values], tuple[Memory, Heard]]:
    return lambda params, memory, values: lead(step, params, memory, values)


CATALOGUE: Final[Mapping[str, Sequential]] = {
    "e_sr": Sequential(
        feed=_led(e_detector.shiryaev_roberts), parameters=e_detector.PARAMETERS, reads=SHARES,
        strictness="run_length", grows=True,
        says="e-Shiryaev–Roberts: has the mean risen above a known bound",
    ),
    "e_cusum": Sequential(
        feed=_led(e_detector.cusum), parameters=e_detector.PARAMETERS, reads=SHARES,
        strictness="run_length", grows=True,
        says="e-CUSUM: the same question, answered more cautiously",
    ),
    "adwin": Sequential(
        feed=adwin.feed, parameters=adwin.PARAMETERS, reads=SHARES, strictness="delta",
        says="a window that shrinks when its mean has changed",
    ),
    "page_hinkley": Sequential(
        feed=_led(page_hinkley.step), parameters=page_hinkley.PARAMETERS, reads=NUMBERS,
        strictness="threshold", grows=True,
        says="a fading sum of what lies above the running mean",
    ),
    "kswin": Sequential(
        feed=_led(kswin.step), parameters=kswin.PARAMETERS, reads=NUMBERS, strictness="alpha",
        says="the newest values against older ones, by Kolmogorov and Smirnov's test",
    ),
    "ddm": Sequential(
        feed=_led(ddm.step), parameters=ddm.PARAMETERS, reads=ERRORS,
        strictness="drift_threshold", grows=True,
        says="the error rate against where it was least",
    ),
    "eddm": Sequential(
        feed=_led(eddm.step), parameters=eddm.PARAMETERS, reads=ERRORS, strictness="beta",
        says="the spacing of errors against the widest there was",
    ),
    "hddm_a": Sequential(
        feed=_led(hddm_a.step), parameters=hddm_a.PARAMETERS, reads=SHARES,
        strictness="drift_confidence",
        says="the mean against its lowest point, by Hoeffding's bound",
    ),
    "hddm_w": Sequential(
        feed=_led(hddm_w.step), parameters=hddm_w.PARAMETERS, reads=SHARES,
        strictness="drift_confidence",
        says="a weighted mean against its lowest point, by McDiarmid's bound",
    ),
    "fhddm": Sequential(
        feed=_led(fhddm.step), parameters=fhddm.PARAMETERS, reads=ANSWERS,
        strictness="confidence_level",
        says="the share of right answers in a sliding window against the best it was",
    ),
    "stepd": Sequential(
        feed=_led(stepd.step), parameters=stepd.PARAMETERS, reads=ERRORS,
        strictness="alpha_drift",
        says="the newest answers against all before, by a test of two proportions",
    ),
    "ecdd": Sequential(
        feed=_led(ecdd.step), parameters=ecdd.PARAMETERS, reads=ERRORS,
        strictness="limit_factor", grows=True,
        says="a weighted mean of errors against the mean of all, limits set for a run length",
    ),
}  # fmt: skip


def begin(detector: str, params: Params | None = None) -> State:
    """A detector that has read nothing, its other parameters at their defaults.

    Raises ValueError for a detector, a parameter or a value that there is not.

    >>> begin("ddm", {"drift_threshold": 4.0}).params
    {'warm_start': 30, 'warning_threshold': 2.0, 'drift_threshold': 4.0}
    """
    entry = CATALOGUE.get(detector)
    if entry is None:
        message = f"the detector is {detector}; expected one of {', '.join(CATALOGUE)}"
        raise ValueError(message)
    settings = {name: parameter.default for name, parameter in entry.parameters.items()}
    for name, value in (params or {}).items():
        settings[name] = checked(detector, name, value)
    _together(detector, settings)
    return State(detector=detector, params=settings, version=VERSION)


def feed(state: State, values: Values, last_event_id: str | None = None) -> tuple[State, Heard]:
    """Read a batch in event-time order; the next state, and what alarmed within the batch.

    NaN, a value not known, is passed over and keeps its place. Cutting a stream into batches
    changes nothing, nor does storing the state between them. Costs less than a microsecond a
    value (KSWIN: some ten). Raises ValueError for values that the detector does not read, and for
    a state of another version.

    >>> generator = np.random.default_rng(5)
    >>> stream = (generator.random(2000) < np.repeat([0.1, 0.4], 1000)).astype(float)
    >>> feed(begin("adwin"), stream)[1].alarms.tolist()
    [1055]
    """
    if state.version != VERSION:
        message = f"the state has version {state.version}, expected {VERSION}; begin it afresh"
        raise ValueError(message)
    entry = CATALOGUE[state.detector]
    given = np.asarray(values, dtype=np.float64)
    unknown = np.isnan(given)
    places = np.flatnonzero(~unknown) if unknown.any() else None
    read = given if places is None else given[places]
    _refuse(state.detector, entry.reads, read)
    memory, heard = entry.feed(state.params, state.state, read) if read.size else (
        state.state, Heard(NONE),
    )  # fmt: skip
    after = msgspec.structs.replace(
        state, n_seen=state.n_seen + read.size, state=memory,
        last_event_id=last_event_id or state.last_event_id,
    )  # fmt: skip
    if places is None:
        return after, heard
    return after, Heard(places[heard.alarms], places[heard.warnings])


def checked(detector: str, name: str, value: Setting) -> Setting:
    """A parameter's value where it may be that; raises ValueError, saying what it may be."""
    parameter = CATALOGUE[detector].parameters.get(name)
    if parameter is None:
        names = ", ".join(CATALOGUE[detector].parameters)
        message = f"{name} is not a parameter of {detector}; expected one of {names}"
        raise ValueError(message)
    if not _fits(parameter, value):
        message = f"{name} of {detector} is {value}; expected {expected(parameter)}"
        raise ValueError(message)
    return float(value) if isinstance(parameter.default, float) else value


def expected(parameter: Parameter) -> str:
    """What a parameter may be, in words.

    >>> expected(Parameter(30, 1, 100)), expected(Parameter("up", words=("up", "down")))
    ('a whole number from 1 to 100', 'up or down')
    """
    if isinstance(parameter.default, bool):
        return "true or false"
    if parameter.words:
        return " or ".join(parameter.words)
    kind = "a whole number" if isinstance(parameter.default, int) else "a number"
    return f"{kind} from {parameter.low:g} to {parameter.high:g}"


def _fits(parameter: Parameter, value: Setting) -> bool:
    default = parameter.default
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(default, bool) and isinstance(value, bool)
    if parameter.words or isinstance(value, str):
        return value in parameter.words
    is_kind = isinstance(value, int) or isinstance(default, float)
    return is_kind and parameter.low <= value <= parameter.high


def _together(detector: str, settings: Mapping[str, Setting]) -> None:
    """What two parameters may not be together."""
    smaller = {
        "kswin": ("stat_size", "window_size", 2.0), "eddm": ("beta", "alpha", 1.0),
        "fhddm": ("short_window_size", "sliding_window_size", 1.0),
    }.get(detector)  # fmt: skip
    if smaller is None:
        return
    small, great, times = smaller
    if times * float(settings[small]) > float(settings[great]):
        half = "half of " if times > 1.0 else ""
        message = (
            f"{small} of {detector} is {settings[small]} and {great} {settings[great]}; "
            f"expected {small} to be at most {half}{great}"
        )
        raise ValueError(message)


def _refuse(detector: str, reads: str, values: Values) -> None:
    """Raise ValueError where a detector does not read such values."""
    if not np.isfinite(values).all():
        message = f"{detector} was given values that are not finite; expected finite numbers or NaN"
        raise ValueError(message)
    if reads in {ERRORS, ANSWERS} and not ((values == 0.0) | (values == 1.0)).all():
        message = f"{detector} reads 0 and 1; it was given other numbers"
        raise ValueError(message)
    if (
        reads == SHARES
        and detector != "adwin"
        and values.size
        and (values.min() < 0.0 or values.max() > 1.0)
    ):
        message = (
            f"{detector} reads numbers in [0, 1]; it was given {values.min():g} to {values.max():g}"
        )
        raise ValueError(message)

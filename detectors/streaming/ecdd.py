"""ECDD: a weighted mean of errors against the mean of all, limits set for a run length."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from detectors.streaming.state import (
    Memory,
    Outcome,
    Parameter,
    Params,
    Values,
    counted,
    first,
    smoothed,
    upto,
)

_LIMITS: Final = (3.97, -6.56, 48.73, -330.13, 848.18)
"""Coefficients of 1, p, p³, p⁵, p⁷: how many deviations for a mean of 400 values between false
alarms, for a weight of 0.2."""

PARAMETERS: Final[Mapping[str, Parameter]] = {
    "limit_factor": Parameter(1.0, 0.01, 100.0),
    "warm_start": Parameter(30, 1, 1e9),
    "lambda_val": Parameter(0.2, 0.001, 0.999),
    "warning_share": Parameter(0.5, 0.0, 1.0),
}


def step(params: Params, memory: Memory, values: Values) -> Outcome:
    """Read a run of errors, 0 or 1, 1 for a wrong answer.

    Alarms when the weighted mean exceeds the rate p by L(p) of its standard deviations, warns at
    `warning_share` of that (Ross, Adams, Tasoulis and Hand 2012). L is the paper's polynomial for
    400 values between false alarms at rates below one half, times `limit_factor`.
    """
    weight = float(params["lambda_val"])
    n, total = counted(memory, values)
    rate = total / n
    mean = smoothed(values, weight, memory.get("mean", 0.0))
    variance = rate * (1.0 - rate) * weight / (2.0 - weight)
    spread = np.sqrt(np.maximum(variance * (1.0 - (1.0 - weight) ** (2.0 * n)), 0.0))
    limit = float(params["limit_factor"]) * limits(rate) * spread
    ready = n > params["warm_start"]
    drifted = ready & (mean > rate + limit)
    warned = ready & (mean > rate + float(params["warning_share"]) * limit) & ~drifted
    alarm = first(drifted)
    after = {"n": int(n[-1]), "total": float(total[-1]), "mean": float(mean[-1])}
    return Outcome(after, alarm, upto(warned, alarm))


def limits(rate: Values) -> Values:
    """How many standard deviations are too many at a rate of errors in [0, 1]."""
    one, linear, cubic, fifth, seventh = _LIMITS
    cube = rate * rate * rate
    return one + linear * rate + cube * (cubic + rate * rate * (fifth + seventh * rate * rate))

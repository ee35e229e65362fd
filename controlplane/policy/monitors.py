"""What is watched: the monitors of a model file."""

from collections.abc import Set as AbstractSet
from typing import Final

from controlplane.domain.policy import (
    Drift,
    Monitors,
    Performance,
    Quality,
)
from controlplane.domain.schema import Column
from controlplane.policy.columns import check_feature
from controlplane.policy.defaults import MONITORS, default_metric, default_monitors
from controlplane.policy.faults import Wrong
from controlplane.policy.fields import boolean, choice, known_name, names, number
from controlplane.policy.metrics import Outputs
from controlplane.policy.section import Section
from controlplane.policy.streams import read_stream
from controlplane.policy.tree import Node, Scalar, Sequence

THRESHOLDED: Final = (
    "psi", "ks", "jensen_shannon", "wasserstein", "chi_squared", "cramer_von_mises",
    "anderson_darling", "mann_whitney", "energy", "wasserstein_iqr", "mean_shift", "spread_shift",
    "welch", "hellinger", "total_variation", "l_infinity", "g_test", "two_proportions",
    "hashed_levels",
)  # fmt: skip
"""Detectors of a column whose statistic may be given a threshold by hand."""
EFFECTS: Final = ("small", "medium", "large", "none")
_COLUMNS: Final = "all, or a list of features"
_DETECTORS: Final = "a list of detectors, such as [mann_whitney, c2st]"
_INSTALLED: Final = "a detector that is there or installed beside the server"


def read_monitors(
    top: Section,
    outputs: Outputs,
    features: tuple[Column, ...] | None,
    detectors: AbstractSet[str] | None = None,
) -> Monitors:
    """What is watched; naming one of the four monitors switches the others off.

    `detectors` are those that may be named; None: not known here, so not checked.
    """
    section = top.section("monitors")
    drift = _drift(section, features, detectors)
    section.section("quality").close()
    performance = _performance(section, outputs)
    stream = read_stream(section, outputs, features)
    directions = _kpis(section)
    named = [key for key in MONITORS if section.has(key)]
    section.close()
    if not named:
        standard = default_monitors(outputs)
        return Monitors(
            drift=standard.drift,
            quality=standard.quality,
            performance=standard.performance,
            stream=standard.stream,
            kpis=directions,
        )
    return Monitors(
        drift=drift if "drift" in named else None,
        quality=Quality() if "quality" in named else None,
        performance=performance if "performance" in named else None,
        stream=stream if "stream" in named else None,
        kpis=directions,
    )


def _drift(
    monitors: Section, features: tuple[Column, ...] | None, detectors: AbstractSet[str] | None
) -> Drift:
    section = monitors.section("drift")
    columns = section.read("columns", _columns, default=None)
    node = section.node("columns")
    if columns is not None and isinstance(node, Sequence):
        path = section.under("columns")
        for i, (name, item) in enumerate(zip(columns, node.items, strict=True)):
            check_feature(name, item, f"{path}[{i}]", features=features, faults=section.faults)
    effect = section.read("minimum_effect", choice(*EFFECTS), default="small")
    thresholds = _thresholds(section)
    asked = _detectors(section, detectors)
    section.close()
    return Drift(columns=columns, minimum_effect=effect, thresholds=thresholds, detectors=asked)


def _thresholds(drift: Section) -> dict[str, float]:
    """Heights set by hand, by detector; what is beyond them fails whatever the budget says."""
    section = drift.section("thresholds")
    found = {
        name: section.read(name, number("a number above 0", low=1e-12), default=1.0)
        for name in THRESHOLDED
        if section.has(name)
    }
    for name in THRESHOLDED:
        section.node(name)
    section.close()
    return found


def _detectors(section: Section, known: AbstractSet[str] | None) -> tuple[str, ...]:
    """The further detectors; each has to be there, where it is known which are."""
    none: tuple[str, ...] = ()
    found = section.read("detectors", names(_DETECTORS), default=none)
    node = section.node("detectors")
    if known is not None and found and isinstance(node, Sequence):
        path = section.under("detectors")
        reader = known_name(known, _INSTALLED)
        for i, item in enumerate(node.items):
            section.faults.guarded(item, f"{path}[{i}]", reader=reader, default="")
    return found


def _columns(node: Node) -> tuple[str, ...] | None:
    if isinstance(node, Scalar) and node.text == "all":
        return None
    if isinstance(node, Scalar) and node.value is not None:
        raise Wrong(_COLUMNS, f"[{node.text}]")
    return names(_COLUMNS)(node)


def _performance(monitors: Section, outputs: Outputs) -> Performance:
    section = monitors.section("performance")
    default = default_metric(outputs)
    metric = section.read("metric", choice(*outputs.metrics, of=outputs.words), default=default)
    estimate = section.read("estimate", boolean, default=True)
    section.close()
    return Performance(metric=metric, estimate=estimate)


def _kpis(monitors: Section) -> dict[str, str]:
    section = monitors.section("kpis")
    directions: dict[str, str] = {}
    for name, entry in section.entries():
        inner = Section.of(entry.value, section.under(name), faults=section.faults)
        directions[name] = (
            inner.need("direction", choice("up", "down"), expected="up or down") or "up"
        )
        inner.close()
    return directions

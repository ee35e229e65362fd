"""Thresholds that a model file sets by hand: judged as asked, outside the false-alarm budget."""

from collections.abc import Mapping

from controlplane.domain.policy import Drift
from detectors.catalogue import CATALOGUE
from detectors.finding import Finding, Sample


def by_hand(
    drift: Drift,
    reference: Mapping[str, Sample],
    columns: Mapping[str, Sample],
    dated: Mapping[str, str] = {},
) -> list[Finding]:
    """A finding, on a fixed basis, of every detector with a threshold of its own and every column
    that it reads; of all that are compared.

    `dated` gives the column of dates that a derived one is of: it is compared where that is."""
    found = []
    for name, threshold in drift.thresholds.items():
        entry = CATALOGUE[name]
        if entry.params is None:
            continue
        params = entry.params(threshold=threshold)
        found += [
            entry.function(reference[column], sample, params)
            for column, sample in columns.items()
            if column in reference and sample.kind in entry.kinds
            and (drift.columns is None or dated.get(column, column) in drift.columns)
        ]  # fmt: skip
    return found

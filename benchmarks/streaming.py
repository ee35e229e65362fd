"""Sequential detectors: river's loop against ours, their false alarms, delays and known changes.

Speed is updates a CPU second over a stream in which nothing changes and one in which much does,
read item by item by river and in one batch by Leeboard; the alarms have to be the same, or it
stops. False alarms are those in 100,000 values of which none differs from the others in kind;
delays are from a change after 5,000 values, with the share that was heard within 5,000 more.
By default five streams are read, with `--full` twenty, as for the table that is recorded.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from river import drift
from river.datasets import synth

from detectors.streaming.catalogue import CATALOGUE, begin, feed

RIVER: dict[str, Callable[[], Any]] = {
    "adwin": drift.ADWIN,
    "page_hinkley": drift.PageHinkley,
    "kswin": lambda: drift.KSWIN(seed=0),
    "ddm": drift.binary.DDM,
    "eddm": drift.binary.EDDM,
    "hddm_a": drift.binary.HDDMA,
    "hddm_w": drift.binary.HDDMW,
    "fhddm": drift.binary.FHDDM,
}
BINARY = ("errors", "answers")
SLOW = "kswin"
RATE = 0.2
"""The share of ones where nothing changes."""
CHANGE = 5000
"""Values before a change, and after it."""


def rivers(detector: str, values: np.ndarray) -> tuple[list[int], float]:
    """Where river alarms, and the CPU seconds of its loop."""
    found, alarms, items = RIVER[detector](), [], values.tolist()
    began = time.process_time()
    for place, value in enumerate(items):
        found.update(value)
        if found.drift_detected:
            alarms.append(place)
    return alarms, time.process_time() - began


def ours(detector: str, values: np.ndarray, **params: float) -> tuple[list[int], float]:
    """Where ours alarms, and the CPU seconds of a batch; the best of three."""
    best, alarms = np.inf, []
    for _ in range(3):
        state = begin(detector, params)
        began = time.process_time()
        _, heard = feed(state, values)
        best = min(best, time.process_time() - began)
        alarms = heard.alarms.tolist()
    return alarms, best


def loop_of_e_sr(values: np.ndarray, bound: float, level: float) -> tuple[list[int], float]:
    """e-SR one value after another, as a plain loop over its six bets."""
    bets = [min(bet, 0.9 / bound) for bet in (0.1, 0.2, 0.4, 0.8, 1.6, 3.2)]
    levels, alarms, items = [0.0] * 6, [], values.tolist()
    began = time.process_time()
    for place, value in enumerate(items):
        levels = [
            (m + 1.0) * (1.0 + bet * (value - bound)) for m, bet in zip(levels, bets, strict=True)
        ]
        if sum(levels) / 6 >= level:
            alarms.append(place)
            levels = [0.0] * 6
    return alarms, time.process_time() - began


def speeds(count: int) -> None:
    """The table of updates a CPU second."""
    print("\n## Updates a CPU second, in millions; the alarms are the same, item by item\n")
    print("| detector | stream | alarms | river | Leeboard | Leeboard / river |")
    print("| --- | --- | --- | --- | --- | --- |")
    for detector in RIVER:
        length = 4000 if detector == SLOW else count
        for name, values in streams(length, seed=1):
            if CATALOGUE[detector].reads in BINARY and not np.isin(values, (0.0, 1.0)).all():
                continue
            if CATALOGUE[detector].reads == "shares":
                values = np.clip(values if values.max() <= 1.0 else (values + 4.0) / 10.0, 0.0, 1.0)  # noqa: PLW2901
            ours(detector, values[:200])
            alarms, seconds = rivers(detector, values)
            again, batch = ours(detector, values)
            assert again == alarms, (detector, name, again, alarms)
            row(detector, name, len(alarms), length / seconds, length / batch)
    values = (np.random.default_rng(1).random(count) < RATE).astype(np.float64)
    alarms, seconds = loop_of_e_sr(values, 0.21, 1e5)
    again, batch = ours("e_sr", values, bound=0.21, run_length=1e5)
    assert again == alarms
    row(
        "e_sr (against a plain loop)",
        "0/1, nothing changes",
        len(alarms),
        count / seconds,
        count / batch,
    )


def row(detector: str, name: str, alarms: int, slow: float, fast: float) -> None:
    """A line of the table."""
    print(f"| {detector} | {name} | {alarms} | {slow / 1e6:.3f} | {fast / 1e6:.3f} | {fast / slow:.1f} |",
          flush=True)  # fmt: skip


def streams(length: int, seed: int) -> Iterator[tuple[str, np.ndarray]]:
    """Zeros and ones, and normal numbers: nothing changes in them, or the level does ten times."""
    draws = np.random.default_rng(seed)
    level = np.repeat(draws.random(10) * 0.5, length // 10)
    yield "0/1, nothing changes", (draws.random(length) < RATE).astype(np.float64)
    yield "0/1, ten levels", (draws.random(length) < level).astype(np.float64)
    yield "normal, nothing changes", draws.normal(size=length)
    yield "normal, ten levels", draws.normal(4.0 * level)


def heard_table(seeds: int) -> None:
    """The table of false alarms and delays."""
    print("\n## False alarms in 100,000 values; median delay / share heard within 5,000\n")
    shifts = [0.25, 0.3, 0.4]
    print("| detector | 0/1 at .2: mean [min, max] | " + " | ".join(f".2 → {p}" for p in shifts)
          + " | N(0, 1) | 0 → .5 | 0 → 1 |")  # fmt: skip
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    named: list[tuple[str, str, dict[str, float]]] = [
        (d, d, {}) for d in CATALOGUE if d not in {"e_sr", "e_cusum"}
    ]
    named += [(f"e_sr, bound {b}", "e_sr", {"bound": b}) for b in (0.20, 0.21, 0.22)]
    for label, detector, params in named:
        cells = [false_alarms(detector, params, seeds, bits)]
        cells += [delays(detector, params, seeds, bits, (0.2, p)) for p in shifts]
        if CATALOGUE[detector].reads in BINARY or detector == "e_sr":
            cells += ["", "", ""]
        else:
            cells.append(false_alarms(detector, params, seeds, normals))
            cells += [delays(detector, params, seeds, normals, (0.0, m)) for m in (0.5, 1.0)]
        print(f"| {label} | " + " | ".join(cells) + " |", flush=True)


Draw = Callable[[np.random.Generator, np.ndarray], np.ndarray]


def bits(draws: np.random.Generator, level: np.ndarray) -> np.ndarray:
    """Zeros and ones of these rates."""
    return (draws.random(level.size) < level).astype(np.float64)


def normals(draws: np.random.Generator, level: np.ndarray) -> np.ndarray:
    """Normal numbers around these means."""
    return draws.normal(level)


def given(detector: str, values: np.ndarray, draw: Draw) -> np.ndarray:
    """What the detector is given: answers for errors, shares for numbers."""
    if CATALOGUE[detector].reads == "answers":
        return 1.0 - values
    if draw is normals and CATALOGUE[detector].reads == "shares" and detector != "adwin":
        return np.clip((values + 3.0) / 6.0, 0.0, 1.0)
    return values


def false_alarms(detector: str, params: dict[str, float], seeds: int, draw: Draw) -> str:
    """The mean, least and most alarms of streams in which nothing changes."""
    length, runs = (20_000, min(seeds, 4)) if detector == SLOW else (100_000, seeds)
    level = np.full(length, 0.2 if draw is bits else 0.0)
    found = [
        len(
            feed(
                begin(detector, params),
                given(detector, draw(np.random.default_rng(s), level), draw),
            )[1].alarms
        )
        * (100_000 / length)
        for s in range(runs)
    ]
    return f"{np.mean(found):.2f} [{min(found):.0f}, {max(found):.0f}]"


def delays(
    detector: str, params: dict[str, float], seeds: int, draw: Draw, levels: tuple[float, float]
) -> str:
    """The median delay of the first alarm after a change, and the share of streams that had one."""
    found = []
    for seed in range(min(seeds, 4) if detector == SLOW else seeds):
        values = draw(np.random.default_rng(1000 + seed), np.repeat(levels, CHANGE))
        alarms = feed(begin(detector, params), given(detector, values, draw))[1].alarms
        after = alarms[alarms >= CHANGE]
        found.append(float(after[0] - CHANGE) if after.size else np.inf)
    middle = float(np.median(found))
    return (
        f"{middle:.0f} / {np.isfinite(found).mean():.2f}"
        if np.isfinite(middle)
        else f"— / {np.isfinite(found).mean():.2f}"
    )


def known_changes() -> None:
    """What is heard of streams whose changes are known: river's generators, and the bicycles."""
    print(
        "\n## Errors of a classifier whose concept changes; changes at 5,000 and 10,000 of 15,000\n"
    )
    sets = {
        "SEA": [synth.SEA(variant=v, seed=7) for v in (0, 2, 1)],
        "Agrawal": [synth.Agrawal(classification_function=f, seed=7) for f in (0, 3, 6)],
        "STAGGER": [synth.STAGGER(classification_function=f, seed=7) for f in (0, 1, 2)],
    }
    errors = {name: wrong_answers(parts) for name, parts in sets.items()}
    print("| detector | " + " | ".join(f"{n}: false / delays" for n in errors) + " |")
    print("| --- |" + " --- |" * len(errors))
    for detector in CATALOGUE:
        if detector == SLOW:
            continue
        cells = []
        for values in errors.values():
            params = (
                {"bound": min(1.1 * values[1000:5000].mean() + 0.01, 1.0)}
                if detector.startswith("e_")
                else {}
            )
            read = 1.0 - values if CATALOGUE[detector].reads == "answers" else values
            alarms = feed(begin(detector, params), read)[1].alarms
            spans = [alarms[(alarms >= at) & (alarms < at + 5000)] for at in (5000, 10_000)]
            told = ", ".join(
                str(int(s[0] - at)) if s.size else "—"
                for s, at in zip(spans, (5000, 10_000), strict=True)
            )
            cells.append(f"{int((alarms < CHANGE).sum())} / {told}")
        print(f"| {detector} | " + " | ".join(cells) + " |", flush=True)


def wrong_answers(parts: list[Any]) -> np.ndarray:
    """0 and 1 of a naive Bayes classifier that learned the first 1,000 rows and never again."""
    from river import naive_bayes  # noqa: PLC0415 - a second to load

    model, found = naive_bayes.GaussianNB(), []
    for number, part in enumerate(parts):
        for place, (x, y) in enumerate(part.take(5000)):
            numbers = {name: hash_free(value) for name, value in x.items()}
            found.append(float(model.predict_one(numbers) != y))
            if number == 0 and place < 1000:  # noqa: PLR2004 - the rows it learns from
                model.learn_one(numbers, y)
    return np.array(found)


def hash_free(value: object) -> float:
    """A number for a feature; a word by its letters, the same in every process."""
    return float(value) if isinstance(value, int | float) else float(sum(map(ord, str(value))))


def bicycles() -> None:
    """The hourly demand in two years, scaled: what each detector says when the second year grows."""
    found = next(Path(__file__).parents[1].glob("examples/bike/*.parquet"), None)
    if found is None:
        return
    import pyarrow.parquet as pq  # noqa: PLC0415 - only here

    table = pq.read_table(found)
    count = table["cnt"].to_numpy().astype(np.float64)
    hour = np.arange(count.size) % 24
    usual = np.array([count[: 24 * 180][hour[: 24 * 180] == h].mean() for h in range(24)])
    errors = np.clip(np.abs(count - usual[hour]) / 400.0, 0.0, 1.0)
    print(
        f"\n## Errors of a mean by the hour on {count.size:,} hours of bicycles; alarms and the first\n"
    )
    print("| detector | alarms | first at hour |\n| --- | --- | --- |")
    for detector in ("adwin", "page_hinkley", "hddm_a", "hddm_w"):
        alarms = feed(begin(detector), errors)[1].alarms
        print(f"| {detector} | {alarms.size} | {int(alarms[0]) if alarms.size else '—'} |")


def main() -> None:
    """Print every table; `--full` those that are recorded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="twenty streams in place of five")
    asked = parser.parse_args()
    speeds(100_000)
    heard_table(20 if asked.full else 5)
    known_changes()
    bicycles()


if __name__ == "__main__":
    main()

"""Grown trees read off by masks of bits: many rows at once, without walking down any tree.

Each leaf of a tree is a bit. A node that sends a row to the right rules out the leaves on its
left, and so do all nodes on one feature together by the place of its value among their thresholds;
what is left over all features begins with the leaf that the row falls into (QuickScorer: Lucchese,
Nardini, Orlando, Perego, Tonellotto and Venturini 2015).
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors.reading import Floats

MOST_LEAVES: Final = 16
"""Leaves that a mask has bits for."""
ALL: Final = 0xFFFF
CATEGORIES: Final = 256
BLOCK: Final = 2048
"""Rows whose masks stay in the processor's cache together."""
Nodes = NDArray[Any]
Masks = NDArray[np.uint16]


class Rule(msgspec.Struct, frozen=True):
    """What a node rules out of its tree for rows that go to its right."""

    tree: int
    left: int
    """A bit for each leaf on its left."""
    threshold: float
    goes_left: NDArray[np.bool_] | None
    """Of each category, where the node is one by category."""
    missing_goes_left: bool


class Table(msgspec.Struct, frozen=True):
    """The masks of all trees by the place of one feature's value; the last place is a missing one."""

    feature: int
    cuts: Floats | None
    """The thresholds of a number, rising; None for a category, whose place is its own number."""
    masks: Masks

    def places(self, values: Floats) -> NDArray[np.int64]:
        """The row of `masks` for each value, NaN where missing."""
        last, missing = self.masks.shape[0] - 1, np.isnan(values)
        if self.cuts is not None:
            return np.where(missing, last, self.cuts.searchsorted(values))
        return np.where(missing, last, values).astype(np.int64)


class Forest:
    """The trees of a fitted HistGradientBoostingRegressor, its values those of `predict`."""

    def __init__(self, model: Any, trees: Sequence[Nodes]) -> None:  # noqa: ANN401 - no types are published
        self._model = model
        self._base = float(np.ravel(model._baseline_prediction)[0])  # noqa: SLF001 - no other way to it
        self._leaves = np.zeros((len(trees), MOST_LEAVES))
        rules: dict[int, list[Rule]] = {}
        for at, (nodes, (predictor,)) in enumerate(zip(trees, model._predictors, strict=True)):  # noqa: SLF001
            self._walk(at, nodes, predictor.raw_left_cat_bitsets, rules)
        self._tables = [_table(feature, found, len(trees)) for feature, found in rules.items()]
        self._first = np.arange(len(trees), dtype=np.int32) * MOST_LEAVES

    @staticmethod
    def read(model: Any) -> "Forest | None":  # noqa: ANN401
        """The trees of a model; None where one has more leaves than a mask has bits."""
        trees = [predictor.nodes for (predictor,) in model._predictors]  # noqa: SLF001
        if any(int(nodes["is_leaf"].sum()) > MOST_LEAVES for nodes in trees):
            return None
        return Forest(model, trees)

    def values(self, rows: Floats) -> Floats:
        """The value of each row of (rows, features), NaN where missing, equal to `predict`'s to
        rounding. About a microsecond a row for a hundred trees."""
        if not rows.shape[0]:
            return np.empty(0)
        if self._model._preprocessor is not None:  # noqa: SLF001 - puts categories first, by number
            rows = self._model._preprocess_X(rows, reset=False)  # noqa: SLF001
        places = [table.places(rows[:, table.feature]) for table in self._tables]
        found = np.empty(rows.shape[0])
        for start in range(0, rows.shape[0], BLOCK):
            span = slice(start, start + BLOCK)
            found[span] = self._block([place[span] for place in places], found[span].size)
        return found

    def _block(self, places: Sequence[NDArray[np.int64]], size: int) -> Floats:
        masks = np.full((size, self._first.size), ALL, dtype=np.uint16)
        for place, table in zip(places, self._tables, strict=True):
            masks &= table.masks[place]
        lowest = masks & (~masks + np.uint16(1))
        # The exponent of a power of two is its bit's number.
        leaf = (lowest.astype(np.float32).view(np.int32) >> 23) - 127
        found: Floats = self._leaves.ravel()[leaf + self._first].sum(axis=1)
        return found + self._base

    def _walk(
        self, tree: int, nodes: Nodes, categories: NDArray[np.uint32], rules: dict[int, list[Rule]]
    ) -> None:
        """Number a tree's leaves from the left, and note what each of its nodes rules out."""
        seen = 0

        def below(place: int) -> int:
            nonlocal seen
            node = nodes[place]
            if node["is_leaf"]:
                self._leaves[tree, seen] = node["value"]
                seen += 1
                return 1 << (seen - 1)
            left = below(int(node["left"]))
            bits = categories[node["bitset_idx"]] if node["is_categorical"] else None
            rule = Rule(
                tree, left, float(node["num_threshold"]), None if bits is None else _held(bits),
                bool(node["missing_go_to_left"]),
            )  # fmt: skip
            rules.setdefault(int(node["feature_idx"]), []).append(rule)
            return left | below(int(node["right"]))

        below(0)


def _held(bits: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Which of 256 categories eight words of 32 bits hold."""
    return np.unpackbits(bits.view(np.uint8), bitorder="little").astype(np.bool_)


def _table(feature: int, rules: Sequence[Rule], trees: int) -> Table:
    """`cuts.searchsorted(value)` is how many thresholds lie below a value: their nodes send it to
    the right."""
    by_category = rules[0].goes_left is not None
    cuts = None if by_category else np.unique([rule.threshold for rule in rules])
    last = CATEGORIES if cuts is None else cuts.size + 1
    masks = np.full((last + 1, trees), ALL, dtype=np.uint16)
    for rule in rules:
        keep = np.uint16(ALL & ~rule.left)
        if cuts is not None:
            masks[int(cuts.searchsorted(rule.threshold)) + 1 : last, rule.tree] &= keep
        elif rule.goes_left is not None:
            masks[:last, rule.tree][~rule.goes_left] &= keep
        if not rule.missing_goes_left:
            masks[last, rule.tree] &= keep
    return Table(feature, cuts, masks)

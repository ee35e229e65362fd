"""Causes of a stored window: what moved, where the loss rose, inputs or answers; or why not."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pytest

from controlplane.domain.models import Model
from controlplane.domain.policy import Windows
from controlplane.domain.windows import Score, Window
from controlplane.monitor.causes import Causes, causes
from controlplane.store.duckdb_store import open_store
from controlplane.store.ports import Store
from tests.watched import DAY, SERVED, WEEK, a_policy, labels, log, rows, step, watch

EVERY = Windows(every=2 * WEEK)


@pytest.fixture
def store() -> Iterator[Store]:
    opened = open_store(None)
    yield opened
    opened.close()


def of_window(store: Store, number: int) -> Causes:
    with store.read() as view:
        windows = view.ledger.find(Window, model="boats")
        window = next(w for w in windows if w.number == number)
        score = view.ledger.get(Score, f"{window.id}/{window.revision}")
        return causes(view, view.ledger.get(Model, "boats"), window, score)


def serve(store: Store, *, jib_off: float = 0.0, shift: float = 0.0, labelled: bool = True) -> None:
    """Two windows; in the second the labels of one sail are off, or the wind is another."""
    watch(store, a_policy(windows=EVERY))
    first = rows(SERVED, 14 * 24, seed=3, version="v1")
    second = rows(SERVED + 2 * WEEK, 14 * 24 + 1, seed=4, version="v1", shift=shift)
    log(store, first, second, labels(first, off=0.5))
    if labelled:
        told = labels(second, off=0.5)
        is_jib = np.array(second["sail"].to_pylist()) == "jib"
        off = pa.array(told["label"].to_numpy() + jib_off * is_jib)
        log(store, told.set_column(1, "label", off))
    step(store, SERVED + 4 * WEEK + 3 * DAY)


def test_the_slice_in_which_the_labels_changed_is_named_with_what_it_gives(store: Store) -> None:
    serve(store, jib_off=6.0)
    found = of_window(store, 2)
    assert (found.version, found.metric, found.expected) == ("v1", "mae", False)
    assert found.rows == 336
    assert found.rows_reference == 336
    assert [cause.name for cause in found.slices] == ["sail=jib"]
    (cause,) = found.slices
    change = found.loss - found.loss_reference
    assert cause.slice.within == pytest.approx(change, rel=0.2)
    assert cause.slice.loss == pytest.approx(6.0, abs=0.5)
    assert found.credit.change == pytest.approx(change)
    assert found.credit.answers > 0.8 * change
    assert any("compared with 336 labelled rows of v1" in note for note in found.notes)


def test_what_moved_comes_first_and_importance_is_that_of_the_logged_predictions(
    store: Store,
) -> None:
    serve(store, shift=3.0)
    found = of_window(store, 2)
    first, second = found.moved
    assert (first.column, second.column) == ("wind", "sail")
    assert first.importance == 1.0
    assert second.importance < 0.1
    assert first.share > 0.9
    assert found.slices == ()


def test_before_there_is_anything_to_compare_with_that_is_said(store: Store) -> None:
    serve(store)
    found = of_window(store, 1)
    assert (found.loss, found.slices, found.credit) == (None, (), None)
    assert any("0 rows before have a loss; 200 are needed" in note for note in found.notes)


def test_without_labels_a_regression_says_that_no_loss_is_known(store: Store) -> None:
    serve(store, labelled=False)
    found = of_window(store, 2)
    assert (found.expected, found.loss) == (True, None)
    assert any("no label of this window is known" in note for note in found.notes)
    assert any("without labels there is no loss of numbers" in note for note in found.notes)

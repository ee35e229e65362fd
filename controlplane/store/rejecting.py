"""Rows that could not be stored: kept with their reason and their text, within bounds, so that
they can be looked at, counted, and sent again once the schema is mended."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, cast

import pyarrow as pa

from controlplane.store.keeping import RejectedCount, RejectedRow
from controlplane.store.session import STORED_INSTANT, Session, filled, quoted, stored_time

INCOMING: Final = "incoming rejected rows"
MOST_KEPT: Final = 100_000
"""Rejected rows of a model; the oldest go first."""
STRIDE: Final = 10_000
"""So many more may come before the oldest are looked for."""

_INSERT: Final = """
insert into rejected_rows (seq, model, known_at, feed, reason, "text", rows, whole)
select seq, model, known_at, feed, reason, "text", rows, whole from {incoming}"""
_PAGE: Final = """
select seq, known_at, feed, reason, "text", rows, coalesce(whole, false) from rejected_rows
where model = $model and seq < $before order by seq desc limit $most"""
_COUNTS: Final = """
select feed, reason, sum(rows)::bigint, count(*) filter (whole), max(known_at)
from rejected_rows where model = $model
group by feed, reason order by 3 desc, feed, reason limit 100"""
_TAKE: Final = """
delete from rejected_rows where model = $model and list_contains($numbers, seq)"""
_OLD: Final = """
delete from rejected_rows where model = $model and (known_at < $before or seq <= coalesce((
    select seq from rejected_rows where model = $model order by seq desc limit 1 offset $keep
), -1))"""
_HOW_MANY: Final = "select count(*) from rejected_rows where model = ?"
_LAST: Final = 2**62
_FIRST_DAY: Final = datetime(1, 1, 1, tzinfo=UTC)


def append(session: Session, first: int, request: tuple[str, str, datetime],
           told: Sequence[tuple[str, str, int]]) -> None:  # fmt: skip
    """Keep rejected rows, (reason, text, how many rows it stands for), numbered from `first`; the
    request is (model, feed, known_at)."""
    model, feed, known_at = request
    count = len(told)
    rows = pa.table({
        "seq": pa.array(range(first, first + count), pa.int64()),
        "model": [model] * count,
        "known_at": pa.array([stored_time(known_at)] * count, STORED_INSTANT),
        "feed": [feed] * count,
        "reason": pa.array([reason for reason, _, _ in told], pa.string()),
        "text": pa.array([text for _, text, _ in told], pa.string()),
        "rows": pa.array([stands_for for _, _, stands_for in told], pa.int64()),
        "whole": pa.array([is_whole(text) for _, text, _ in told], pa.bool_()),
    })  # fmt: skip
    with session.registered(INCOMING, rows):
        session.run(filled(_INSERT, incoming=quoted(INCOMING)))
    if first // STRIDE != (first + count) // STRIDE:
        delete_old(session, model, before=_FIRST_DAY, keep=MOST_KEPT)


def is_whole(text: str) -> bool:
    """Whether a text is all of a row, as JSON; one that was cut ends with an ellipsis, and one of
    several lines, such as a request with its response, is no row.

    >>> [is_whole(text) for text in ('{"id":"a"}', '{"id":"a…', "a,b", '{"a":1}\\n{"b":2}')]
    [True, False, False, False]
    """
    return text.startswith(('{"', "{}")) and text.endswith("}") and "\n" not in text


def page(session: Session, model: str, *, before: int | None, limit: int) -> list[RejectedRow]:
    """Rejected rows, the newest first, with numbers below `before`."""
    asked = {"model": model, "before": _LAST if before is None else before, "most": limit}
    return [
        RejectedRow(
            number=int(str(number)), known_at=cast("datetime", known_at).replace(tzinfo=UTC),
            feed=str(feed), reason=str(reason), text=str(text), rows=int(str(rows)),
            whole=bool(whole),
        )
        for number, known_at, feed, reason, text, rows, whole in session.run(_PAGE, asked)
    ]  # fmt: skip


def counts(session: Session, model: str) -> list[RejectedCount]:
    """How many there are, by feed and reason, the most frequent first; at most 100."""
    return [
        RejectedCount(
            feed=str(feed), reason=str(reason), rows=int(str(rows)), resendable=int(str(whole)),
            newest=cast("datetime", newest).replace(tzinfo=UTC),
        )
        for feed, reason, rows, whole, newest in session.run(_COUNTS, {"model": model})
    ]  # fmt: skip


def take(session: Session, model: str, numbers: Sequence[int]) -> int:
    """Delete rejected rows by their numbers; how many."""
    return session.count(_TAKE, {"model": model, "numbers": list(numbers)})


def delete_old(session: Session, model: str, *, before: datetime, keep: int) -> int:
    """Delete what came before a moment, and all but the newest `keep`; how many."""
    if before == _FIRST_DAY and session.count(_HOW_MANY, [model]) <= keep:
        return 0
    return session.count(_OLD, {"model": model, "before": stored_time(before), "keep": keep})

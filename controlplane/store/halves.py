"""Halves of predictions in DuckDB: a request or a response waits for the other one.

Which wait is kept in memory too, so that a half that comes first costs no look at the table, and
the contents of the newest, so that most pairs are made without one. Both are made anew from the
table after a restart, or after a transaction that was undone.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final

import pyarrow as pa

from controlplane.store.beside import Half, HalvesWaiting, Side
from controlplane.store.pending import Pending
from controlplane.store.session import STORED_INSTANT, Session, filled, quoted, stored_time, time_of

TABLE: Final = "halves"
GONE: Final = "halves that go"
MOST_WAITING: Final = 200_000
"""Halves of a model that wait; beyond, the oldest tenth is given up."""
MOST_JOINED: Final = 100_000
"""Events of a model of which it is known that their halves have found each other."""
MOST_HELD: Final = 64 * 2**20
"""Bytes of contents that are held in memory."""

_COUNT: Final = """
select count(*), min(known_at) from halves where model = ? and side <> 'joined'"""
_FORGOTTEN: Final = "select coalesce(sum(halves), 0) from forgotten_halves where model = ?"
_KEYS: Final = "select event, side from halves where model = ? order by seq"
_OTHER: Final = """
select event, side, id, known_at, envelope, content from halves
where model = ? and event = ? and side = ? limit 1"""
_DELETE: Final = """
delete from halves where model = $model and side <> 'joined' and event in (select event from {gone})"""
_OLDEST: Final = """
select event from halves where model = $model and side {which} 'joined' order by seq limit $most"""
_DELETE_JOINED: Final = """
delete from halves where model = $model and side = 'joined' and event in (select event from {gone})"""
_OLD: Final = (
    "select model, count(*) from halves where known_at < ? and side <> 'joined' group by model"
)
_DELETE_OLD: Final = "delete from halves where known_at < ?"
_NOTE: Final = "insert into forgotten_halves values (?, ?, ?)"
_DROP: Final = (
    "delete from halves where model = ?",
    "delete from forgotten_halves where model = ?",
)


class HalvesInDuckDB:
    """Reading within a session's transaction; `before` is called ahead of every question."""

    def __init__(self, session: Session, before: Callable[[], None]) -> None:
        self._session = session
        self._before = before

    def waiting(self, model: str) -> HalvesWaiting:
        """How many halves wait, since when, and how many were given up."""
        self._before()
        row = self._session.one(_COUNT, [model])
        assert row is not None
        return HalvesWaiting(
            waiting=int(str(row[0])), oldest=time_of(row[1]),
            forgotten=self._session.count(_FORGOTTEN, [model]),
        )  # fmt: skip


class _Known:
    """The events of a model: which half waits of each, or that both have met."""

    def __init__(self) -> None:
        self.sides: dict[str, Side] = {}
        self.joined = 0

    def put(self, event: str, side: Side) -> None:
        """An event is so now; it counts as the newest."""
        self.joined += (side is Side.JOINED) - (self.sides.pop(event, None) is Side.JOINED)
        self.sides[event] = side

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self.sides) - self.joined


class HalvesWriterInDuckDB(HalvesInDuckDB):
    """Changing within the writer's transaction; `touched` are the models that it changed."""

    def __init__(self, session: Session, pending: Pending, touched: Callable[[str], None]) -> None:
        super().__init__(session, self._settle)
        self._pending = pending
        self._touched = touched
        self._known: dict[str, _Known] = {}
        self._held: dict[tuple[str, str], Half] = {}
        self._held_bytes = 0
        self._fresh: list[tuple[str, Half]] = []
        self._gone: dict[str, list[str]] = {}

    def undone(self) -> None:
        """The transaction was undone: what is remembered of it is not true."""
        self._known.clear()
        self._held.clear()
        self._held_bytes = 0
        self._fresh.clear()
        self._gone.clear()

    def settle(self) -> None:
        """Store what came and delete what waits no longer: the transaction is about to be
        committed, or somebody asks."""
        if self._fresh:
            self._pending.take(TABLE, _table(self._fresh))
            self._fresh.clear()
        if self._gone:
            self._pending.insert()
        while self._gone:
            model, events = self._gone.popitem()
            self._delete(_DELETE, model, events)

    def is_known(self, model: str, half: Half) -> bool:
        """Whether a half waits already, or its event's halves have found each other."""
        return self._of(model).sides.get(half.event) in {half.side, Side.JOINED}

    def meet(self, model: str, half: Half) -> Half | None:
        """The other half, which waits no longer; None where there is none yet."""
        known = self._of(model)
        self._touched(model)
        if known.sides.get(half.event) is not None and not self.is_known(model, half):
            other = self._taken(model, half)
            if other is not None:
                self._meets(model, known, half)
                return other
        known.put(half.event, half.side)
        self._fresh.append((model, half))
        self._hold(model, half)
        self._limit(model, known, half.known_at)
        return None

    def close(self, model: str, half: Half) -> None:
        """Nothing can be made of a half: its event's halves wait no longer."""
        known = self._of(model)
        self._touched(model)
        if known.sides.get(half.event) is not None:
            self._drop_held(model, half.event)
        self._meets(model, known, half)

    def forget(self, before: datetime) -> int:
        """Give up the halves that have waited since before then; how many."""
        self._before()
        old = self._session.run(_OLD, [stored_time(before)])
        for model, count in old:
            self._session.run(_NOTE, [str(model), stored_time(before), int(str(count))])
        if self._session.count(_DELETE_OLD, [stored_time(before)]):
            self.undone()
        return sum(int(str(count)) for _, count in old)

    def drop(self, model: str) -> None:
        """Delete a model's halves."""
        self._before()
        for sql in _DROP:
            self._session.run(sql, [model])
        self.undone()

    def _settle(self) -> None:
        self.settle()
        self._pending.insert()

    def _of(self, model: str) -> _Known:
        """What is known of a model's events, by one look at the table when first asked for."""
        known = self._known.get(model)
        if known is None:
            self._before()
            known = self._known[model] = _Known()
            for event, side in self._session.run(_KEYS, [model]):
                known.put(str(event), Side(str(side)))
        return known

    def _taken(self, model: str, half: Half) -> Half | None:
        """The half that waits for this one; None where it was deleted by other hands."""
        held = self._held.pop((model, half.event), None)
        if held is not None:
            self._held_bytes -= len(held.content)
            return held
        self._before()
        other = Side.RESPONSE if half.side is Side.REQUEST else Side.REQUEST
        row = self._session.one(_OTHER, [model, half.event, str(other)])
        return None if row is None else _half(row)

    def _meets(self, model: str, known: _Known, half: Half) -> None:
        """An event's halves have found each other."""
        known.put(half.event, Side.JOINED)
        self._gone.setdefault(model, []).append(half.event)
        self._fresh.append((model, _mark(half)))
        self._limit(model, known, half.known_at)

    def _hold(self, model: str, half: Half) -> None:
        self._held[model, half.event] = half
        self._held_bytes += len(half.content)
        while self._held_bytes > MOST_HELD and self._held:
            oldest = next(iter(self._held))
            self._held_bytes -= len(self._held.pop(oldest).content)

    def _limit(self, model: str, known: _Known, now: datetime) -> None:
        """Give up the oldest tenth where too many wait, and forget the oldest that have met."""
        if known.waiting > MOST_WAITING:
            gone = self._oldest(model, "<>", MOST_WAITING // 10)
            self._delete(_DELETE, model, gone)
            self._session.run(_NOTE, [model, stored_time(now), len(gone)])
            self._drop_known(model, known, gone)
        if known.joined > MOST_JOINED:
            gone = self._oldest(model, "=", MOST_JOINED // 10)
            self._delete(_DELETE_JOINED, model, gone)
            self._drop_known(model, known, gone)

    def _oldest(self, model: str, which: str, most: int) -> list[str]:
        self._before()
        found = self._session.arrow(filled(_OLDEST, which=which), {"model": model, "most": most})
        events: list[str] = found["event"].to_pylist()
        return events

    def _drop_known(self, model: str, known: _Known, events: Iterable[str]) -> None:
        for event in events:
            known.joined -= known.sides.pop(event, None) is Side.JOINED
            self._drop_held(model, event)

    def _drop_held(self, model: str, event: str) -> None:
        held = self._held.pop((model, event), None)
        self._held_bytes -= 0 if held is None else len(held.content)

    def _delete(self, sql: str, model: str, events: list[str]) -> None:
        gone = pa.table({"event": pa.array(events, pa.string())})
        with self._session.registered(GONE, gone):
            self._session.run(filled(sql, gone=quoted(GONE)), {"model": model})


def _table(halves: Sequence[tuple[str, Half]]) -> pa.Table:
    times = [stored_time(half.known_at) for _, half in halves]
    return pa.table({
        "model": [model for model, _ in halves],
        "event": [half.event for _, half in halves],
        "side": [str(half.side) for _, half in halves],
        "id": [half.id for _, half in halves],
        "known_at": pa.array(times, STORED_INSTANT),
        "envelope": [half.envelope for _, half in halves],
        "content": pa.array([half.content for _, half in halves], pa.binary()),
    })  # fmt: skip


def _mark(half: Half) -> Half:
    """What stays of an event whose halves have met."""
    return Half(
        event=half.event, side=Side.JOINED, id="", known_at=half.known_at, envelope="", content=b""
    )


def _half(row: tuple[object, ...]) -> Half:
    event, side, name, known_at, envelope, content = row
    moment = time_of(known_at)
    assert moment is not None
    assert isinstance(content, bytes)
    return Half(
        event=str(event), side=Side(str(side)), id=str(name), known_at=moment,
        envelope=str(envelope), content=content,
    )  # fmt: skip

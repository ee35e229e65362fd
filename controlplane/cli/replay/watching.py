"""A replay behind the dashboard: it plays in a thread, the terminal belongs to the screens."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from threading import Event
from typing import Final

import msgspec

from controlplane.cli.replay.run import Outcome, Replay, replay

STORY: Final = "replay.log"
"""Where a replay tells its story while the dashboard is open."""


def replay_behind(asked: Replay, stop: Event, screens: Callable[[str], None]) -> Outcome:
    """Replay while `screens` runs with the server's address; when it returns, all of it ends.

    The server stays up until then, so that what was found can be looked at. Raises what the
    replay raised: Refused where the dashboard was left before the history's end.
    """
    addresses: SimpleQueue[str | None] = SimpleQueue()
    left = Event()
    told = asked.data / STORY
    behind = msgspec.structs.replace(
        asked, say=lambda line: _tell(told, line), shown=addresses.put, linger=left.wait
    )
    with ThreadPoolExecutor(1, thread_name_prefix="replay") as pool:
        playing: Future[Outcome] = pool.submit(replay, behind, stop)
        playing.add_done_callback(lambda _: addresses.put(None))
        try:
            address = addresses.get()
            if address is not None:
                screens(address)
        finally:
            left.set()
            stop.set()
        return playing.result()


def _tell(place: Path, line: str) -> None:
    with place.open("a", encoding="utf-8") as file:
        file.write(line + "\n")

"""For serving apps with an event loop: the same, and whatever waits is awaited."""

import asyncio
from pathlib import Path
from typing import Any, Self

import httpx
from typing_extensions import override

from connectors.client import wire
from connectors.client.fetching import folder_of, unpacked
from connectors.client.http_async import AsyncConnection
from connectors.client.logs import AT_EXIT_SECONDS, Logs


class AsyncLeeboard(Logs):
    """As `serving.Leeboard`, for one event loop.

    `log_prediction` and `log_label` are the same calls: they wait for nothing, so there is nothing
    to await. `transport` is for tests and must be of both kinds.
    """

    def __init__(
        self, server: str | None, model: str, token: str | None = None, *,
        transport: httpx.MockTransport | None = None, **options: Any,  # noqa: ANN401 - those of Logs
    ) -> None:  # fmt: skip
        super().__init__(server, model, token, transport=transport, **options)
        self._transport = transport
        self._asking: AsyncConnection | None = None
        self._champion: wire.Champion | None = None
        self._tag: str | None = None

    async def __aenter__(self) -> Self:
        """Itself; leaving sends what is waiting and closes it."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close it."""
        await self.close()

    async def flush(self, timeout: float = 30.0) -> bool:  # noqa: ASYNC109 - it does not cancel
        """Wait until every row logged so far is dealt with; false where that took too long."""
        return await asyncio.to_thread(self._buffer.flush, timeout)

    async def close(self, timeout: float = AT_EXIT_SECONDS) -> None:  # noqa: ASYNC109 - as above
        """Send what is waiting, for at most `timeout` seconds, and give the sockets back."""
        await asyncio.to_thread(self._end, timeout)
        if self._asking is not None:
            await self._asking.close()
            self._asking = None

    async def champion(self, wait: float | None = None) -> wire.Champion:
        """What serving must run; with `wait`, in seconds, when that has changed.

        Raises ServerAway and ServerSaid: keep serving what you have then. May be cancelled.
        """
        known = None if wait is None else self._tag
        found, tag = await self._asked().champion_after(self.model, known, wait)
        if found is not None:
            self._champion, self._tag = found, tag
        assert self._champion is not None  # a 304 answers a tag, and a tag came with a champion
        return self._champion

    async def fetch_artifact(self, sha256: str, into: Path | str) -> Path:
        """A version's files, in the folder `into`/`sha256`; as `Leeboard.fetch_artifact`."""
        folder = folder_of(sha256, into)
        if await asyncio.to_thread(folder.is_dir):
            return folder
        tar = await self._asked().artifact(sha256)
        return await asyncio.to_thread(unpacked, tar, sha256, into)

    async def fetch_version(self, version: str, into: Path | str) -> Path:
        """The files of a version by its name, as of a canary's or a shadow's."""
        found = await self._asked().version(self.model, version)
        return await self.fetch_artifact(found.sha256, into)

    def _asked(self) -> AsyncConnection:
        if self._asking is None:
            self._asking = AsyncConnection(
                self._server, self._token, self._pace.timeout, transport=self._transport
            )
        return self._asking

    @override
    def _forget(self) -> None:
        super()._forget()
        self._asking = None

"""The store's upkeep: ids erased, the file's size, the file written anew, backups."""

from collections.abc import AsyncIterator, Generator, Iterator
from typing import Annotated, Final

import msgspec
from anyio import to_thread
from litestar import delete, get, post
from litestar.response import Stream
from litestar.status_codes import HTTP_200_OK

from controlplane import __version__
from controlplane.api import wire
from controlplane.api.asking import Body, json_only
from controlplane.api.auth import Scope, needs
from controlplane.api.parts import By, Given, Parts
from controlplane.api.threads import in_thread
from controlplane.ingest.erasing import MOST_IDS, erase
from controlplane.store.backup import packed
from controlplane.store.keeping import Erased

TAR: Final = "application/x-tar"


class ErasureAsked(Body, frozen=True, kw_only=True):
    """Which ids are to be erased, and why; the reason goes into the journal, no id does."""

    ids: Annotated[list[str], msgspec.Meta(min_length=1, max_length=MOST_IDS)]
    reason: Annotated[str, msgspec.Meta(max_length=2000)] = ""


@delete(
    "/v1/models/{model:str}/predictions/{id:path}", guards=[needs(Scope.OPERATE)],
    status_code=HTTP_200_OK,
)  # fmt: skip
@in_thread
def erase_prediction(parts: Given, by: By, model: str, id: str) -> wire.Erasure:  # noqa: A002 - the path's
    """Erase an id: its prediction, labels and everything else; what still comes of it is refused."""
    ids = [str(id).removeprefix("/")]
    return _told(model, erase(parts.store, model, ids, at=parts.clock.now(), by=by))


@post(
    "/v1/models/{model:str}/erasures", guards=[needs(Scope.OPERATE), json_only],
    status_code=HTTP_200_OK,
)  # fmt: skip
@in_thread
def erase_predictions(parts: Given, by: By, model: str, data: ErasureAsked) -> wire.Erasure:
    """Erase several ids."""
    erased = erase(parts.store, model, data.ids, at=parts.clock.now(), by=by, reason=data.reason)
    return _told(model, erased)


@get("/v1/store", guards=[needs(Scope.READ)])
@in_thread
def get_store(parts: Given) -> wire.StoreSpace:
    """What the store's file takes, and how much of it is free."""
    return msgspec.convert(parts.store.keeping.space(), wire.StoreSpace, from_attributes=True)


@post("/v1/store/compact", guards=[needs(Scope.ADMIN)], status_code=HTTP_200_OK)
@in_thread
def compact_store(parts: Given) -> wire.Compaction:
    """Write the file anew without what was deleted; answers when that is done."""
    before, after = parts.store.keeping.compact(parts.clock.now())
    return wire.Compaction(before=before, after=after)


@get("/v1/backup", guards=[needs(Scope.ADMIN)], media_type=TAR)
async def get_backup(parts: Given) -> Stream:
    """A backup of the store and the artifacts as one tar, as they were between two commits; what
    was cut off has no `manifest.json` at its end."""
    tar = _tar(parts)
    first = await to_thread.run_sync(_next, tar)
    name = f"leeboard-{parts.clock.now():%Y%m%dT%H%M%SZ}.tar"
    return Stream(
        _from_threads(first, tar), media_type=TAR,
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )  # fmt: skip


def _tar(parts: Parts) -> Generator[bytes, None, None]:
    with parts.store.keeping.copying() as held:
        yield from packed(
            held, parts.settings.data, made_at=parts.clock.now(), leeboard=__version__
        )


def _next(tar: Iterator[bytes]) -> bytes | None:
    return next(tar, None)


async def _from_threads(
    first: bytes | None, tar: Generator[bytes, None, None]
) -> AsyncIterator[bytes]:
    """The parts, each read in a worker thread; whoever stops listening lets the store go."""
    try:
        part = first
        while part is not None:
            yield part
            part = await to_thread.run_sync(_next, tar)
    finally:
        tar.close()


def _told(model: str, erased: Erased) -> wire.Erasure:
    return wire.Erasure(
        model=model, ids=erased.ids, unknown=erased.unknown, repeated=erased.repeated,
        rows=dict(erased.rows),
    )  # fmt: skip

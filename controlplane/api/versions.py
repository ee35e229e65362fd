"""Versions: lineage, registration, promotion by hand, artifacts."""

import re
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import msgspec
from anyio import to_thread
from litestar import get, post
from litestar.params import Dependency, Parameter
from litestar.response import File
from litestar.status_codes import HTTP_200_OK

from controlplane.api import encode, wire
from controlplane.api.actions import Upload
from controlplane.api.asking import (
    TIME,
    Cursor,
    Limit,
    Order,
    Query,
    Reason,
    Registration,
    as_page,
    is_newest,
    json_only,
    moment,
    page,
    the,
    the_model,
)
from controlplane.api.auth import Scope, needs
from controlplane.api.parts import Asked, By, Given, Parts
from controlplane.api.problems import BadRequest
from controlplane.api.threads import in_thread
from controlplane.api.unpacking import body_of, decoded_body
from controlplane.domain.errors import NotFound, Refused
from controlplane.domain.versions import Version

SHA256: Final = re.compile(r"[0-9a-f]{64}")
TAR_TYPES: Final = frozenset({"application/x-tar", "application/octet-stream"})
Moment = Annotated[str | None, Parameter(schema_extra=TIME)]


def lineage_of(
    *, trained_from: Moment = None, trained_to: Moment = None, made: bool = False
) -> Upload:
    """What the query says of a version that is sent as a tar."""
    return Upload(
        files=b"", made=made, trained_from=moment(trained_from, "trained_from"),
        trained_to=moment(trained_to, "trained_to"),
    )  # fmt: skip


Told = Annotated[Upload, Dependency(skip_validation=True)]


@get("/v1/models/{model:str}/versions", guards=[needs(Scope.READ)])
@in_thread
def list_versions(
    parts: Given, model: str, limit: Limit = 100, cursor: Cursor = None, order: Order = None
) -> wire.Page[wire.Version]:
    """The versions of a model, in the order in which they were made."""
    query = Query(model=model, newest_first=is_newest(order, "oldest"))
    with parts.store.read() as snapshot:
        the_model(snapshot.ledger, model)
        records, following = page(snapshot.ledger, Version, query, limit=limit, cursor=cursor)
    return as_page([encode.version(record) for record in records], following)


@get(
    "/v1/models/{model:str}/versions/{version:str}", guards=[needs(Scope.READ)],
)  # fmt: skip
@in_thread
def get_version(parts: Given, model: str, version: str) -> wire.Version:
    """A version's lineage."""
    with parts.store.read() as snapshot:
        return encode.version(the(snapshot.ledger, Version, f"{model}/{version}", "version"))


@post("/v1/models/{model:str}/versions", guards=[needs(Scope.OPERATE)])
async def register_version(
    request: Asked, parts: Given, by: By, lineage: Told, model: str
) -> wire.Version:
    """Register a version trained elsewhere: a tar, or as JSON the path of an allowed folder."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        asked = decoded_body(await body_of(request), Registration)
        upload = Upload(
            files=allowed(parts.settings.artifacts_from, asked.path), made=asked.made,
            trained_from=asked.trained_from, trained_to=asked.trained_to,
        )  # fmt: skip
    elif kind in TAR_TYPES:
        upload = msgspec.structs.replace(lineage, files=await body_of(request))
    else:
        message = f"content type {kind[:80]!r}; expected application/x-tar or application/json"
        raise BadRequest(message, status=415)
    record = await to_thread.run_sync(partial(_register, parts, model, upload, by))
    return encode.version(record)


@post(
    "/v1/models/{model:str}/versions/{version:str}/promote",
    guards=[needs(Scope.OPERATE), json_only], status_code=HTTP_200_OK,
)  # fmt: skip
@in_thread
def promote_version(parts: Given, by: By, model: str, version: str, data: Reason) -> wire.Decision:
    """Make a version champion by hand."""
    return encode.decision(parts.actions.promote(model, version, reason=data.reason, by=by))


@post(
    "/v1/models/{model:str}/rollback", guards=[needs(Scope.OPERATE), json_only],
    status_code=HTTP_200_OK,
)  # fmt: skip
@in_thread
def roll_back(parts: Given, by: By, model: str, data: Reason) -> wire.Decision:
    """Go back to the version that served before."""
    return encode.decision(parts.actions.rollback(model, reason=data.reason, by=by))


@get("/v1/artifacts/{sha256:str}", guards=[needs(Scope.READ)])
@in_thread
def get_artifact(parts: Given, sha256: str) -> File:
    """A version's files as a tar, named by its SHA-256."""
    path = parts.actions.artifact(sha256) if SHA256.fullmatch(sha256) else None
    if path is None:
        raise NotFound(f"there is no artifact {sha256[:64]!r}")
    return File(path, filename=f"{sha256}.tar", media_type="application/x-tar")


def allowed(folders: tuple[Path, ...], text: str) -> Path:
    """A path under one of the allowed folders, links followed; raises Refused for any other."""
    path = Path(text)
    if "\0" in text or not path.is_absolute():
        raise BadRequest("path is not absolute; expected one under `artifacts_from`")
    path = path.resolve()
    if not any(path.is_relative_to(folder.resolve()) for folder in folders):
        message = (
            f"{text[:200]} is under no folder that leeboard.yaml allows; name it under "
            "`artifacts_from`, or send the files as a tar"
        )
        raise Refused(message)
    if not path.is_dir():
        raise BadRequest(f"{text[:200]} is not a folder; expected the version's `model/`")
    return path


def _register(parts: Parts, model: str, upload: Upload, by: str) -> Version:
    with parts.store.read() as snapshot:
        the_model(snapshot.ledger, model)
    return parts.actions.register(model, upload, by=by)

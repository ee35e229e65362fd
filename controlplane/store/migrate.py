"""Brings a file to the schema of this Leeboard: numbered SQL files, each with a record of its run."""

import hashlib
from pathlib import Path
from typing import Final

from controlplane.domain.errors import StorageError
from controlplane.store.session import Session

FOLDER: Final = Path(__file__).parent / "migrations"

_TABLE: Final = """
create table if not exists schema_migrations (
    number integer not null, name varchar not null, sha256 varchar not null, ran_at timestamp
)"""
_RAN: Final = "select number, name, sha256 from schema_migrations order by number"
_RECORD: Final = "insert into schema_migrations values (?, ?, ?, make_timestamp(epoch_us(get_current_timestamp())))"


def migrate(session: Session, place: str, folder: Path = FOLDER) -> list[str]:
    """Run what has not run yet, each in a transaction with its record; the names of those run.

    Raises StorageError where the file is of a newer Leeboard, or was made by other statements.
    """
    session.run(_TABLE)
    ran = {int(str(number)): (str(name), str(sha)) for number, name, sha in session.run(_RAN)}
    known = {int(path.name.split("_")[0]): path for path in sorted(folder.glob("[0-9]*.sql"))}
    newer = sorted(set(ran) - set(known))
    if newer:
        message = (
            f"{place} has schema {newer[-1]}, this Leeboard knows {max(known, default=0)}; "
            "start the newer Leeboard that wrote it, or restore a backup"
        )
        raise StorageError(message)
    fresh = [number for number in sorted(known) if number not in ran]
    for number in sorted(set(ran) & set(known)):
        if ran[number][1] != _sha256(known[number]):
            message = f"{place}: migration {ran[number][0]} ran with other statements than today's"
            raise StorageError(message)
    for number in fresh:
        _apply(session, number, known[number])
    return [known[number].stem for number in fresh]


def _apply(session: Session, number: int, path: Path) -> None:
    session.begin()
    try:
        session.run(path.read_text(encoding="utf-8"))
        session.run(_RECORD, [number, path.stem, _sha256(path)])
        session.commit()
    except StorageError:
        session.rollback()
        raise


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()

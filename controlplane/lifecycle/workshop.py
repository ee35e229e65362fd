"""Where jobs are done: a directory a job, the trainers by name, and the shelf of artifacts."""

import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from connectors.artifacts import pack, sha256_of, unpack
from connectors.contract import Ended, Job, Trainer
from controlplane.domain.errors import NotFound, Refused


class Workshop:
    """Files of runs and scorings under one root; a job's directory is named after what asked.

    Everything in it can be made again from the store but the artifacts, which are kept by
    content under `artifacts/` and never overwritten.
    """

    def __init__(self, root: Path, trainers: Mapping[str, Trainer]) -> None:
        self._jobs = root / "jobs"
        self._shelf = root / "artifacts"
        self._unpacked = root / "unpacked"
        for folder in (self._jobs, self._shelf, self._unpacked):
            folder.mkdir(parents=True, exist_ok=True)
        self._trainers = dict(trainers)
        self._running: dict[Path, str] = {}

    def trainer(self, name: str) -> Trainer:
        """The trainer of that name; raises NotFound and says which there are."""
        trainer = self._trainers.get(name)
        if trainer is None:
            known = ", ".join(sorted(self._trainers))
            message = f"no trainer is called {name!r}; leeboard.yaml and the product name: {known}"
            raise NotFound(message)
        return trainer

    def directory(self, name: str) -> Path:
        """The directory of a job, made where it is missing."""
        folder = self._jobs / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def start(self, trainer: str, job: Job, folder: Path) -> None:
        """Start a job in its directory; a second time it changes nothing."""
        self.trainer(trainer).start(job, folder)
        self._running[folder] = trainer

    def ended(self, trainer: str, folder: Path) -> Ended | None:
        """How the job of a directory ended; None while it runs."""
        ended = self.trainer(trainer).ended(folder)
        if ended is None:
            self._running[folder] = trainer
        else:
            self._running.pop(folder, None)
        return ended

    def has_news(self) -> bool:
        """Whether a job that ran when it was last asked after has ended since, or none runs."""
        running = list(self._running.items())
        return not running or any(
            self.trainer(trainer).ended(folder) is not None for folder, trainer in running
        )

    def clear(self, folder: Path) -> None:
        """Throw a job's files away."""
        shutil.rmtree(folder, ignore_errors=True)

    def forget_rows(self, run: str, before: datetime) -> None:
        """Delete the rows that an ended run was given, where they were written before then; its
        log and what it left stay."""
        for part in ("", "-measure", "-measure-scoring", "-proof-scoring"):
            for path in (self._jobs / f"{run}{part}").glob("*.parquet"):
                if path.stat().st_mtime < before.timestamp():
                    path.unlink(missing_ok=True)

    def shelve(self, directory: Path) -> str:
        """Keep a `model/` directory by content; returns its SHA-256."""
        target = self._shelf / f"incoming-{directory.parent.parent.name}.tar"
        digest = pack(directory, target)
        target.replace(self._shelf / f"{digest}.tar")
        return digest

    def shelve_tar(self, tar: bytes) -> str:
        """Keep an artifact that came as a tar: unpacked safely, packed again in our own form."""
        incoming = self._unpacked / "incoming"
        shutil.rmtree(incoming, ignore_errors=True)
        unpack(tar, incoming)
        if not any(incoming.iterdir()):
            message = "the tar holds no files; expected the contents of a model's directory"
            raise Refused(message)
        target = self._shelf / "incoming-registered.tar"
        digest = pack(incoming, target)
        target.replace(self._shelf / f"{digest}.tar")
        shutil.rmtree(incoming)
        return digest

    def artifact(self, digest: str) -> Path | None:
        """The tar of an artifact; None where there is none."""
        path = self._shelf / f"{digest}.tar"
        return path if path.is_file() else None

    def unpacked(self, digest: str) -> Path:
        """An artifact's files, its hash proved; raises Refused where it does not hold."""
        tar = self.artifact(digest)
        if tar is None or sha256_of(tar) != digest:
            message = f"artifact {digest[:12]} is missing or does not have the hash it is kept by"
            raise Refused(message)
        folder = self._unpacked / digest
        if not folder.is_dir():
            partial = self._unpacked / f"{digest}.partial"
            shutil.rmtree(partial, ignore_errors=True)
            unpack(tar.read_bytes(), partial)
            partial.rename(folder)
        return folder

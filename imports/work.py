"""An import that runs beside the screens: its files on disk, the lock that tells whether it
still lives, and how far it is."""

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, Update, update
from sqlalchemy.orm import Session

import beside
from imports.staging import Progress
from models import ImportBatch

WORKER_LOCK = 1_764_305
"""First key of the advisory lock that the worker of a batch holds; the batch is the second."""
DAYS_KEPT = 7


@dataclass(frozen=True)
class Files:
    """What is kept of a batch on disk: the file and its map until they are imported or
    discarded, the refused rows for a week. Nobody but the server's user may enter the folder."""

    folder: Path

    @property
    def file(self) -> Path:
        return self.folder / "file.csv"

    @property
    def map(self) -> Path:
        return self.folder / "map.toml"

    @property
    def refused(self) -> Path:
        return self.folder / "refused.csv"

    def make(self, map_text: str) -> None:
        """Make the folder with the map in it. Raises OSError."""
        self.folder.mkdir(parents=True, mode=0o700)
        self.map.write_text(map_text, encoding="utf-8")

    def drop_upload(self) -> None:
        """Remove the file and its map; the refused rows stay."""
        self.file.unlink(missing_ok=True)
        self.map.unlink(missing_ok=True)

    def drop(self) -> None:
        """Remove everything."""
        shutil.rmtree(self.folder, ignore_errors=True)


def files_of(uploads: Path, batch_id: int) -> Files:
    """Return the files of a batch in the folder of all uploads."""
    return Files(uploads / f"import-{batch_id}")


def sweep(uploads: Path) -> None:
    """Remove what is older than DAYS_KEPT: nobody came back for it."""
    oldest = time.time() - DAYS_KEPT * 24 * 3600
    for folder in uploads.glob("import-*"):
        if folder.stat().st_mtime < oldest:
            Files(folder).drop()


@contextmanager
def worker(
    engine: Engine, batch_id: int, settings: Callable[[], Mapping[str, str]], size: int
) -> Iterator[Progress | None]:
    """Hold the lock of a batch and give what tells it how much of its `size` bytes is read; None
    where somebody else holds it. `settings` name the officer to the database."""
    table = ImportBatch.__table__

    def change(bytes_done: int, rows: int) -> Update:
        written = update(table).where(table.c.id == batch_id)
        return written.values(bytes_done=bytes_done, rows_read=rows)

    with beside.holding(engine, WORKER_LOCK, batch_id) as connection:
        if connection is None:
            yield None
            return
        yield beside.ticker(connection, settings, change, lambda done, _rows: done == size)


def is_worked_on(session: Session, batch_id: int) -> bool:
    """Return whether some process holds the lock of the batch."""
    return beside.is_held(session, WORKER_LOCK, batch_id)

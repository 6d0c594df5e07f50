"""Where the files of documents stand: a folder outside the database, under names made at random."""

import hashlib
import os
import re
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config import documents_folder, write_once

_NAME = re.compile(r"[0-9a-f]{40}")
YOUNG = 3600
"""Seconds in which a file without a record may be one that is about to have it."""


@dataclass(frozen=True)
class Stored:
    """What a record says of its file."""

    name: str
    size: int
    sha256: str


class Store:
    """The folder of the files: `ab/ab12…`, readable by their owner alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "Store":
        """Return the store that the settings name."""
        return cls(documents_folder(settings))

    def keep(self, content: bytes) -> Stored:
        """Write a file that is whole or not there; return what its record is to say. OSError
        where the disk refuses it."""
        name = secrets.token_hex(20)
        path = self._path(name)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_once(path, content)
        return Stored(name, len(content), hashlib.sha256(content).hexdigest())

    def read(self, name: str, sha256: str) -> bytes | None:
        """Return the file, None where it is gone or is not what was kept."""
        try:
            content = self._path(name).read_bytes()
        except OSError:
            return None
        return content if hashlib.sha256(content).hexdigest() == sha256 else None

    def drop(self, name: str) -> None:
        """Remove the file, if it is there."""
        with suppress(OSError):
            self._path(name).unlink()

    def names(self) -> Iterator[str]:
        """Yield the names of the files that are there."""
        if self.folder.is_dir():
            for path in self.folder.glob("??/*"):
                if _NAME.fullmatch(path.name):
                    yield path.name

    def is_old(self, name: str) -> bool:
        """Return whether a file has been there for so long that a record must know it."""
        with suppress(OSError):
            return time.time() - os.stat(self._path(name)).st_mtime > YOUNG
        return False

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise ValueError("no name of a stored file")
        return self.folder / name[:2] / name

"""Where backups stand, what each says of itself, and which are old enough to go."""

import fcntl
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

MANIFEST, DUMP, DOCUMENTS, KEYS = "manifest.json", "redress.dump", "documents.tar", "keys.dump"
KEPT_APART = ("identity_key",)
"""Tables whose rows stand in keys.dump alone."""
NEVER_KEPT = ("redress_private.ticket_key",)
"""Tables whose rows are in no backup: with them one could act as anybody. They are made anew from
the secret key."""
FORM = 1
"""Of the manifest; goes up when an older restore could not read it."""
_NAME = re.compile(r"redress-(\d{8}T\d{6}Z)(-\d+)?")


class Failed(Exception):
    """A step did not work; the message is a sentence that says what to do."""


@dataclass(frozen=True)
class Manifest:
    """What a backup says of itself. Nothing in it is about a person."""

    name: str
    made_at: str
    redress: str
    server: int
    """Major version of the PostgreSQL it was taken from."""
    programs: int
    """Major version of the pg_dump that wrote it."""
    schema: str
    """Number of the newest migration in it."""
    counts: dict[str, int]
    """Rows of each table, those kept apart included."""
    trail: dict[str, Any] = field(default_factory=dict)
    """The end of the audit trail: its last entry and that one's hash."""
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Size and SHA-256 of each file, keys.dump included."""
    form: int = FORM

    @property
    def at(self) -> datetime:
        return datetime.fromisoformat(self.made_at)

    @property
    def rows(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True)
class Folders:
    """The folder of the backups and the one of the keys."""

    backups: Path
    keys: Path

    @classmethod
    def of(cls, backups: Path, keys: Path | None) -> "Folders":
        """Give the two folders; without one for the keys it is beside the other, `...-keys`."""
        backups = backups.resolve()
        return cls(backups, (keys or backups.with_name(f"{backups.name}-keys")).resolve())

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep a second backup away while the block runs, and clear up after one that died."""
        for folder in (self.backups, self.keys):
            make_folder(folder)
        with (self.backups / ".lock").open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Failed(f"Another backup into {self.backups} is running.") from None
            for folder in (self.backups, self.keys):
                for left_over in folder.glob(".redress-*.part"):
                    shutil.rmtree(left_over, ignore_errors=True)
            yield


def make_folder(folder: Path) -> None:
    """Make the folder and those above it, so that only its owner may enter."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as problem:
        raise Failed(f"The folder {folder} cannot be made: {problem.strerror}.") from None


def write_manifest(folder: Path, manifest: Manifest) -> None:
    path = folder / MANIFEST
    path.touch(mode=0o600)
    path.write_text(json.dumps(asdict(manifest), indent=2, sort_keys=True) + "\n")


def read_manifest(folder: Path) -> Manifest:
    """Return what the backup in `folder` says of itself. Raises Failed where it cannot be read."""
    path = folder / MANIFEST
    try:
        said = json.loads(path.read_text())
        form = said["form"]
        if form <= FORM:
            manifest = Manifest(**said)
            _check(manifest)
            return manifest
    except FileNotFoundError:
        raise Failed(
            f"{folder} holds no backup: there is no {MANIFEST}. Name the folder of one backup,"
            " or the folder in which they are."
        ) from None
    except OSError as problem:
        raise Failed(f"{path} cannot be read: {problem.strerror}.") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Failed(f"{path} is not a manifest, or was changed. Take another backup.") from None
    raise Failed(f"{folder} was made by a newer Redress. Restore it with that one.")


def _check(manifest: Manifest) -> None:
    """Raise ValueError where a value is not of its kind."""
    kinds = {"name": str, "schema": str, "server": int, "programs": int, "counts": dict}
    is_fit = all(isinstance(getattr(manifest, name), kind) for name, kind in kinds.items())
    files = manifest.files if isinstance(manifest.files, dict) else {"": {}}
    if not is_fit or not files.keys() <= {DUMP, DOCUMENTS, KEYS}:
        raise ValueError
    if any(about.keys() != {"size", "sha256"} for about in files.values()):
        raise ValueError
    datetime.fromisoformat(manifest.made_at)


def facts(path: Path) -> dict[str, Any]:
    """Return size and SHA-256 of a file, after it has reached the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return {"size": file.tell(), "sha256": digest}


def sync(folder: Path) -> None:
    """See that what stands in a folder is on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def moment(name: str) -> datetime | None:
    """Return when the backup of this name was made; None where it is no backup's name."""
    found = _NAME.fullmatch(name)
    if not found:
        return None
    return datetime.strptime(found.group(1), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def new_name(folders: Folders, now: datetime) -> str:
    """Return a name for a backup made now that neither folder has."""
    first = name = f"redress-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    number = 1
    while (folders.backups / name).exists() or (folders.keys / name).exists():
        number += 1
        name = f"{first}-{number}"
    return name


def names(folder: Path) -> list[str]:
    """Return the names of the backups in a folder, oldest first."""
    if not folder.is_dir():
        return []
    found = [place.name for place in folder.iterdir() if moment(place.name)]
    return sorted(found, key=lambda name: (moment(name), len(name), name))


def is_good(folder: Path) -> bool:
    """Return whether a backup is whole, by its manifest and the sizes of its files: a quick look.
    A restore compares the hashes."""
    try:
        manifest = read_manifest(folder)
        return all(
            (folder / name).stat().st_size == about["size"]
            for name, about in manifest.files.items()
            if name != KEYS
        )
    except (Failed, OSError):
        return False


def latest(folder: Path) -> str | None:
    """Return the name of the newest good backup in a folder."""
    return next((name for name in reversed(names(folder)) if is_good(folder / name)), None)


def prune(folders: Folders, now: datetime, days: int, key_days: int) -> tuple[list[str], list[str]]:
    """Remove backups older than `days` and keys older than `key_days`; never the newest good one
    or its keys, and nothing for 0 days. Return the names of the backups and of the keys that
    went."""
    newest = latest(folders.backups)
    gone: tuple[list[str], list[str]] = ([], [])
    for folder, age, removed in (
        (folders.backups, days, gone[0]),
        (folders.keys, key_days, gone[1]),
    ):
        for name in names(folder):
            made = moment(name)
            if age and made and name != newest and now - made > timedelta(days=age):
                # Out of sight first: what a crash leaves half removed is no backup any more.
                doomed = folder / f".{name}.part"
                (folder / name).rename(doomed)
                shutil.rmtree(doomed)
                removed.append(name)
    return gone

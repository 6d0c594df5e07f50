"""Taking a backup."""

import shutil
import tarfile
import tomllib
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import psycopg2
from psycopg2.extensions import connection

import config
import postgres
from backup.checks import end_of_trail
from backup.folders import (
    DOCUMENTS,
    DUMP,
    KEPT_APART,
    KEYS,
    NEVER_KEPT,
    Failed,
    Folders,
    Manifest,
    facts,
    make_folder,
    new_name,
    sync,
    write_manifest,
)
from backup.programs import Program, ask, counts, find, run

Say = Callable[[str], None]


def make(url: str, documents: Path, folders: Folders, *, now: datetime, say: Say) -> Manifest:
    """Take a backup of the database of `url` and of the files in `documents`; return its
    manifest. It appears under its name when it is whole, and not before. Raises Failed."""
    with folders.held():
        name = new_name(folders, now)
        draft = folders.backups / f".{name}.part"
        keys_draft = folders.keys / f".{name}.part"
        try:
            make_folder(draft)
            make_folder(keys_draft)
            manifest = _write(url, documents, name, draft, keys_draft, now, say)
            # The keys first: a backup that can be seen has its keys.
            keys_draft.rename(folders.keys / name)
            sync(folders.keys)
            draft.rename(folders.backups / name)
            sync(folders.backups)
            return manifest
        except OSError as problem:
            raise Failed(
                f"The backup could not be written into {folders.backups}: {problem.strerror}."
            ) from None
        finally:
            shutil.rmtree(draft, ignore_errors=True)
            shutil.rmtree(keys_draft, ignore_errors=True)


def _write(
    url: str, documents: Path, name: str, draft: Path, keys_draft: Path, now: datetime, say: Say
) -> Manifest:
    try:
        session = psycopg2.connect(postgres.for_libpq(url), connect_timeout=10)
    except psycopg2.OperationalError:
        raise Failed("The database cannot be reached.") from None
    with closing(session):
        # Everything is read as of one moment: both dumps, and the counts they are checked against.
        session.set_session(isolation_level="REPEATABLE READ", readonly=True)
        if said := postgres.unfinished(session):
            raise Failed(f"{said} There is nothing whole to take a backup of.")
        schema = _schema(session)
        [(snapshot,)] = ask(session, "SELECT pg_export_snapshot()")
        server = session.server_version // 10000
        program = find("pg_dump", server)
        rows = counts(session)
        trail = end_of_trail(session)
        apart = [table for table in KEPT_APART if table in rows]
        _dump(program, url, snapshot, apart, draft / DUMP, keys_draft / KEYS, say)
    written = (draft / DUMP, keys_draft / KEYS)
    files = {path.name: facts(path) for path in written if path.exists()}
    if number := _keep_documents(documents, draft / DOCUMENTS):
        files[DOCUMENTS] = facts(draft / DOCUMENTS)
        say(f"{number:,} documents")
    manifest = Manifest(
        name=name,
        made_at=now.astimezone(UTC).isoformat(timespec="seconds"),
        redress=tomllib.loads((config.HOME / "pyproject.toml").read_text())["project"]["version"],
        server=server,
        programs=program.major,
        schema=schema,
        counts=rows,
        trail=trail,
        files=files,
    )
    write_manifest(draft, manifest)
    sync(draft)
    sync(keys_draft)
    return manifest


def _schema(session: connection) -> str:
    [(there,)] = ask(session, "SELECT to_regclass('public.alembic_version') IS NOT NULL")
    if found := there and ask(session, "SELECT version_num FROM alembic_version"):
        return str(found[0][0])
    raise Failed("There are no tables yet: run flask db upgrade.")


def _dump(
    program: Program, url: str, snapshot: str, apart: list[str], dump: Path, keys: Path, say: Say
) -> None:
    began = monotonic()
    common = ("--format=custom", f"--snapshot={snapshot}", "--no-owner")
    left_out = [*NEVER_KEPT, *(f"public.{table}" for table in apart)]
    without = [f"--exclude-table-data={table}" for table in left_out]
    run(program, *common, *without, f"--file={dump}", url=url)
    say(f"The database: {_size(dump)} ({monotonic() - began:.1f} s)")
    reader = find("pg_restore", program.major)
    run(reader, "--list", str(dump))
    if not apart:
        return
    began = monotonic()
    wanted = [f"--table=public.{table}" for table in apart]
    run(program, *common, *wanted, "--data-only", f"--file={keys}", url=url)
    say(f"The keys of identities, apart: {_size(keys)} ({monotonic() - began:.1f} s)")
    run(reader, "--list", str(keys))


def _size(path: Path) -> str:
    size = path.stat().st_size
    return f"{size / 1e6:,.1f} MB" if size >= 1e6 else f"{size / 1e3:,.1f} kB"


def _keep_documents(folder: Path, into: Path) -> int:
    """Put the files of a folder into an archive; return how many, and make none of nothing."""
    found = sorted(
        path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()
    )  # fmt: skip
    if not found:
        return 0
    into.touch(mode=0o600)
    with tarfile.open(into, "w") as archive:  # not compressed: pictures and PDF are
        for path in found:
            archive.add(path, arcname=str(path.relative_to(folder)), recursive=False)
    return len(found)

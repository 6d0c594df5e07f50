"""The way back: a backup into an empty database, and the proof that all of it is there."""

import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection

import config
import postgres
from access import APP_ROLE, READER_ROLE
from backup import checks
from backup.folders import (
    DOCUMENTS,
    DUMP,
    KEPT_APART,
    KEYS,
    MANIFEST,
    Failed,
    Folders,
    Manifest,
    facts,
    latest,
    read_manifest,
)
from backup.programs import APPLICATION, ask, counts, find, run

Say = Callable[[str], None]
LOCK = 7_302_911
"""Number of the advisory lock that a restore holds in the database it fills."""
FAST = {
    # A crash of the server during the restore means to begin again, with or without these.
    "synchronous_commit": "off",
    "maintenance_work_mem": "256MB",
    "max_parallel_maintenance_workers": "0",  # --jobs has the cores busy
}


@dataclass(frozen=True)
class Way:
    """Where a restore goes, and how."""

    url: str
    """Of the database to fill, with the login that is to own it."""
    documents: Path
    """The folder of the documents' files."""
    keys: checks.Keys
    say: Say
    replace: bool = False
    """Empty a database that holds something; who asked for it has named it."""
    without_keys: bool = False
    """The backup of the keys is gone: bring back the rest."""
    jobs: int = os.cpu_count() or 1


def find_backup(place: Path, keys: Path | None) -> Folders:
    """Return the two folders of one backup, of which `place` is the one with the dump or the
    folder in which all are; then it is the newest good one. Raises Failed."""
    place = place.resolve()
    if not (place / MANIFEST).exists() and (newest := latest(place)):
        place = place / newest
    manifest = read_manifest(place)
    folders = Folders.of(place.parent, keys)
    beside = folders.keys / manifest.name
    return Folders(place, beside if beside.exists() else folders.keys)


def is_empty(session: connection) -> bool:
    """Return whether the database holds no table, view or function but those of extensions."""
    [(something,)] = ask(
        session,
        """
        SELECT EXISTS (
            SELECT FROM (SELECT oid, relnamespace AS space FROM pg_class
                         UNION ALL SELECT oid, pronamespace FROM pg_proc) AS thing
            JOIN pg_namespace ON pg_namespace.oid = space
            WHERE nspname <> 'information_schema' AND nspname !~ '^pg_'
                AND NOT EXISTS (SELECT FROM pg_depend
                                WHERE objid = thing.oid AND deptype = 'e'))
        """,
    )
    return not something


def restore(way: Way, found: Folders, upgrade: Callable[[], None]) -> Manifest:
    """Fill the database with the backup, check it, and bring its tables up to date with `upgrade`.

    Until all is checked the database is marked as not whole, and a restore into it may be begun
    anew. Raises Failed or postgres.Unavailable.
    """
    manifest = read_manifest(found.backups)
    _check_known(manifest)
    _check_files(manifest, found, way)
    if postgres.create_database(way.url):
        way.say(f"Made the database {postgres.database_name(way.url)}.")
    with _alone(way, manifest) as session:
        again = way.replace or postgres.unfinished(session) is not None
        _check_room(session, way, manifest, again)
        _mark(session, way, postgres.UNFINISHED.format(manifest.name))
        _clear(session)
        _see_roles(session)
        _fill(session, way, manifest, found)
        _bring_documents(way, manifest, found)
        ask(session, "ANALYZE")
        _check_counts(session, way, manifest)
        _bring_up_to_date(session, way, manifest, upgrade)
        checks.trail(way.url, session, manifest.trail, way.keys, way.say)
        checks.identities(session, way.keys, way.say)
        _end_log_ins(session, way)
        _mark(session, way, None)
    return manifest


def _check_known(manifest: Manifest) -> None:
    newest = max(path.name[:4] for path in (config.HOME / "migrations/versions").glob("[0-9]*.py"))
    if manifest.schema > newest:
        raise Failed(
            f"The backup is of a newer Redress: its tables are at migration {manifest.schema},"
            f" and this one knows {newest}. Restore it with that version or a newer one."
        )


def _check_files(manifest: Manifest, found: Folders, way: Way) -> None:
    began, size = monotonic(), 0
    for name, about in sorted(manifest.files.items()):
        path = (found.keys if name == KEYS else found.backups) / name
        if name == KEYS and way.without_keys:
            continue
        if not path.exists():
            raise Failed(
                f"The keys of this backup are not in {found.keys}. Name their folder with --keys;"
                " or, where they are gone for good, restore with --without-keys: the identities"
                " in it cannot be opened then."
                if name == KEYS
                else f"{path} is missing. Take another backup."
            )
        if facts(path) != about:
            raise Failed(f"{path} is not as it was written: its SHA-256 differs. Take another.")
        size += about["size"]
    way.say(
        f"Files: as they were written, {size / 1e6:,.1f} MB of {manifest.made_at}"
        f" ({monotonic() - began:.1f} s)"
    )


@contextmanager
def _alone(way: Way, manifest: Manifest) -> Iterator[connection]:
    """Give a session with the database, which no other restore and nobody else uses."""
    with closing(postgres.connect(way.url)) as session:
        server = session.server_version // 10000
        if server < manifest.server:
            raise Failed(
                f"The backup is of PostgreSQL {manifest.server}, and this server is {server}."
                " Restore it on the same version or a newer one."
            )
        if ask(session, "SELECT pg_try_advisory_lock(%s)", LOCK) != [(True,)]:
            raise Failed("Another restore into this database is running.")
        # What a restore that was killed has left running.
        ask(
            session,
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = %s",
            APPLICATION,
        )
        [(others,)] = ask(
            session,
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend'",
        )
        if others:
            raise Failed(
                f"The database is in use by {others} other connections. Stop Redress, and what"
                " else uses it, first."
            )
        yield session


def _check_room(session: connection, way: Way, manifest: Manifest, again: bool) -> None:
    """Refuse to overwrite anything, unless that was asked or is the half of a restore."""
    if not again and not is_empty(session):
        raise Failed(
            f"The database {session.info.dbname} is not empty. Restore into an empty one, or"
            " empty this one with --replace."
        )
    folder = way.documents
    if not again and DOCUMENTS in manifest.files and folder.is_dir() and any(folder.iterdir()):
        raise Failed(f"The folder {folder} is not empty. Move it away and begin again.")


def _clear(session: connection) -> None:
    if is_empty(session):
        return
    spaces = ask(
        session,
        "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_'"
        " AND nspname <> 'information_schema'",
    )
    for (space,) in spaces:
        ask(session, sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(space)))
    ask(session, "CREATE SCHEMA public AUTHORIZATION pg_database_owner")
    ask(session, "GRANT USAGE ON SCHEMA public TO PUBLIC")


def _mark(session: connection, way: Way, words: str | None) -> None:
    name = sql.Identifier(postgres.database_name(way.url))
    ask(session, sql.SQL("COMMENT ON DATABASE {} IS {}").format(name, sql.Literal(words)))


def _see_roles(session: connection) -> None:
    """Make the roles to which the tables give rights, where the server lacks them."""
    [(may, owner)] = ask(
        session,
        "SELECT rolsuper OR rolcreaterole, quote_ident(current_user) FROM pg_roles"
        " WHERE rolname = current_user",
    )
    for role in (APP_ROLE, READER_ROLE):
        if ask(session, "SELECT 1 FROM pg_roles WHERE rolname = %s", role):
            continue
        if not may:
            raise Failed(
                f"The server has no role {role}, and the login {owner} may not make it. Ask its"
                f" administrator for:\n  CREATE ROLE {role} NOLOGIN; GRANT {role} TO {owner};"
            )
        ask(session, sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(role)))


def _fill(session: connection, way: Way, manifest: Manifest, found: Folders) -> None:
    """Make the tables, fill them, and only then make their indexes, constraints and triggers."""
    program = find("pg_restore", session.server_version // 10000, manifest.programs)
    dump = str(found.backups / DUMP)
    with tempfile.TemporaryDirectory() as folder:
        contents = Path(folder) / "contents"
        lines = run(program, "--list", dump).splitlines()
        contents.write_text("\n".join(line for line in lines if not _is_foreign(line)))
        parts = ("--no-owner", f"--use-list={contents}", dump)
        with _timed(way, "Tables"):
            text = run(program, "--section=pre-data", "--file=-", *parts)
            try:
                ask(session, _for_owner(text))
            except psycopg2.Error as problem:
                said = problem.diag.message_primary
                raise Failed(f"The tables could not be made. The server says: {said}.") from None
        many, url = f"--jobs={way.jobs}", way.url
        with _timed(way, "Rows"):
            run(program, "--section=data", many, *parts, url=url, settings=FAST)
        if KEYS in manifest.files and not way.without_keys:
            with _timed(way, "Keys of identities"):
                run(program, "--data-only", str(found.keys / KEYS), url=url, settings=FAST)
        with _timed(way, "Indexes, constraints, triggers and rights"):
            run(program, "--section=post-data", many, *parts, url=url, settings=FAST)


def _is_foreign(entry: str) -> bool:
    """Whether a line of the dump's contents is for the server's administrator alone: comments on
    extensions, and rights on what comes with PostgreSQL."""
    return " COMMENT - EXTENSION " in entry or " ACL pg_catalog " in entry


def _for_owner(text: str) -> str:
    """Return the statements that make the tables as their owner may run them: only a superuser
    marks a function as leakproof, which `prepare` sees to afterwards."""
    lines = []
    for line in text.splitlines():
        if line.startswith(("\\restrict", "\\unrestrict", "SET transaction_timeout")):
            continue  # for psql; not known to servers before 17
        if line.startswith("    LANGUAGE "):
            line = line.replace(" LEAKPROOF", "")
        lines.append(line)
    # The session goes on after these.
    return "\n".join([*lines, "RESET ALL;"])


@contextmanager
def _timed(way: Way, words: str) -> Iterator[None]:
    began = monotonic()
    yield
    way.say(f"{words}: done ({monotonic() - began:.1f} s)")


def _bring_documents(way: Way, manifest: Manifest, found: Folders) -> None:
    if DOCUMENTS not in manifest.files:
        return
    folder = way.documents
    draft = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700, parents=True)
    with tarfile.open(found.backups / DOCUMENTS) as archive:
        archive.extractall(draft, filter="data")
    number = sum(1 for path in draft.rglob("*") if path.is_file())
    shutil.rmtree(folder, ignore_errors=True)
    draft.rename(folder)
    way.say(f"Documents: {number:,}")


def _check_counts(session: connection, way: Way, manifest: Manifest) -> None:
    began = monotonic()
    wanted, there = dict(manifest.counts), counts(session)
    if way.without_keys:
        wanted |= {table: 0 for table in KEPT_APART if table in wanted}
    wrong = sorted(name for name in wanted.keys() | there if wanted.get(name) != there.get(name))
    if wrong:
        listed = ", ".join(f"{name} {there.get(name)} of {wanted.get(name)}" for name in wrong[:8])
        raise Failed(f"Not all rows are there: {listed}. The database is not whole.")
    way.say(
        f"Rows: {sum(there.values()):,} in {len(there)} tables, each as the manifest says"
        f" ({monotonic() - began:.1f} s)"
    )


def _bring_up_to_date(
    session: connection, way: Way, manifest: Manifest, upgrade: Callable[[], None]
) -> None:
    upgrade()
    [(schema,)] = ask(session, "SELECT version_num FROM alembic_version")
    older = f", brought up from {manifest.schema}" if schema != manifest.schema else ""
    way.say(f"Tables: migration {schema}, the newest{older}")
    if missing := postgres.missing_marks(session):
        way.say(
            "Everything works, and more slowly and more openly than it should, until a superuser"
            f" runs in the database {session.info.dbname}:\n  " + ";\n  ".join(missing) + ";"
        )


def _end_log_ins(session: connection, way: Way) -> None:
    """A backup must not bring back a log-in that was ended since."""
    ended = ask(
        session,
        "WITH ended AS (UPDATE officer_session SET ended_at = now() WHERE ended_at IS NULL"
        " RETURNING 1) SELECT count(*) FROM ended",
    )
    if ended != [(0,)]:
        way.say(f"Log-ins that were open: {ended[0][0]:,}, ended; everybody logs in anew")

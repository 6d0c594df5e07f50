"""The chain of the trail as transactions, crashes, backups and roots come and go."""

import json
import random
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import pytest
from flask import Flask
from sqlalchemy import text

import embedded
import postgres
from actions import roots
from models import AuditBlock, db
from rules.chain import Wrong
from tests.trails import grow, key_of, sign, verified

INSERT = "INSERT INTO office (name, code, level) SELECT 'A', %s || i, 'district' FROM"
SOME = f"{INSERT} generate_series(1, %s) i"
DAYS = [date(2026, 11, day) for day in (1, 2, 3)]


@pytest.fixture
def url(committed: Flask) -> str:
    return str(committed.config["DATABASE_URL"])


def connect(url: str) -> Any:
    return psycopg2.connect(url, options="-c lock_timeout=5000")


def blocks() -> list[int]:
    """Return how many entries each block of the chain holds, in its order."""
    db.session.rollback()
    return list(db.session.scalars(db.select(AuditBlock.entries).order_by(AuditBlock.number)))


# --- Transactions ----------------------------------------------------------------------------


def test_a_transaction_is_a_block_however_many_statements_it_has(
    committed: Flask, url: str, place: roots.Roots
) -> None:
    with committed.app_context(), closing(connect(url)) as connection:
        cursor = connection.cursor()
        cursor.execute(SOME, ("a", 3))
        cursor.execute("UPDATE office SET name = 'B'")
        cursor.execute("DELETE FROM office WHERE code = 'a1'")
        connection.commit()
        cursor.execute("UPDATE office SET name = name")  # changes nothing
        connection.commit()
        assert blocks() == [7]
        assert verified(place).fault is None


def test_an_open_transaction_keeps_nobody_waiting(
    committed: Flask, url: str, place: roots.Roots
) -> None:
    with committed.app_context(), closing(connect(url)) as long, closing(connect(url)) as short:
        long.cursor().execute(SOME, ("long", 5000))
        for number in range(20):
            short.cursor().execute(SOME, (f"short{number}-", 1))
            short.commit()  # raises where it waits for 5 s
        long.cursor().execute(SOME, ("later", 1))
        long.commit()
        assert blocks() == [1] * 20 + [5001]
        assert verified(place).fault is None


def test_what_is_rolled_back_is_in_no_block(committed: Flask, url: str, place: roots.Roots) -> None:
    with committed.app_context(), closing(connect(url)) as connection:
        cursor = connection.cursor()
        cursor.execute(SOME, ("gone", 5))
        connection.rollback()
        cursor.execute("SAVEPOINT one")
        cursor.execute(SOME, ("gone", 5))
        cursor.execute("ROLLBACK TO one")
        connection.commit()
        assert blocks() == []
        cursor.execute("SAVEPOINT one")
        cursor.execute(SOME, ("gone", 5))
        cursor.execute("ROLLBACK TO one")
        cursor.execute(SOME, ("kept", 2))
        cursor.execute("SAVEPOINT two")
        cursor.execute(SOME, ("gone", 5))
        cursor.execute("ROLLBACK TO two")
        cursor.execute("SAVEPOINT three")
        cursor.execute(SOME, ("too", 3))
        cursor.execute("RELEASE three")
        connection.commit()
        assert blocks() == [5]
        assert verified(place).fault is None


def test_a_transaction_that_seals_early_goes_on_in_another_block(
    committed: Flask, url: str, place: roots.Roots
) -> None:
    with committed.app_context(), closing(connect(url)) as connection:
        cursor = connection.cursor()
        cursor.execute(SOME, ("a", 2))
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(SOME, ("b", 3))
        cursor.execute("SET CONSTRAINTS redress_seal IMMEDIATE")
        cursor.execute(SOME, ("c", 4))
        cursor.execute(SOME, ("d", 4))
        connection.commit()
        assert blocks() == [2, 3, 8]
        assert verified(place).fault is None


def test_many_writers_at_once_make_one_chain(
    committed: Flask, url: str, place: roots.Roots
) -> None:
    def write(writer: int) -> int:
        committed_blocks = 0
        chance = random.Random(writer)  # noqa: S311  the same in every run
        with closing(connect(url)) as connection:
            for number in range(30):
                for part in range(chance.randint(1, 3)):
                    connection.cursor().execute(SOME, (f"{writer}-{number}-{part}-", 2))
                if chance.random() < 0.2:
                    connection.rollback()
                else:
                    connection.commit()
                    committed_blocks += 1
        return committed_blocks

    with committed.app_context(), ThreadPoolExecutor(8) as pool:
        written = sum(pool.map(write, range(8)))
        verdict = verified(place)
        assert (verdict.blocks, verdict.fault) == (written, None)


def test_a_lost_connection_leaves_the_chain_whole(
    committed: Flask, url: str, place: roots.Roots
) -> None:
    with committed.app_context(), closing(connect(url)) as other:
        lost = connect(url)
        lost.cursor().execute(SOME, ("gone", 100))
        lost.cursor().execute("SET CONSTRAINTS ALL IMMEDIATE")  # sealed, and holds the end
        other.cursor().execute("SELECT pg_terminate_backend(%s)", (lost.info.backend_pid,))
        other.cursor().execute(SOME, ("kept", 1))
        other.commit()
        assert blocks() == [1]
        assert verified(place).fault is None


def test_two_that_see_one_moment_do_not_both_seal_after_it(
    committed: Flask, url: str, place: roots.Roots
) -> None:
    with committed.app_context(), closing(connect(url)) as one, closing(connect(url)) as two:
        two.set_session(isolation_level="REPEATABLE READ")
        two.cursor().execute(SOME, ("two", 1))
        one.cursor().execute(SOME, ("one", 1))
        one.commit()
        with pytest.raises(psycopg2.errors.SerializationFailure):
            two.commit()
        assert blocks() == [1]
        assert verified(place).fault is None


# --- Backup and restore ----------------------------------------------------------------------


def test_the_trail_is_whole_after_dump_and_restore(
    committed: Flask, url: str, place: roots.Roots, tmp_path: Path
) -> None:
    with committed.app_context():
        grow(10, 1)
        sign(place, DAYS[0])
        grow(10, 2)
        sign(place, DAYS[1])
        before = verified(place)
        other = urlsplit(url)._replace(path=f"{urlsplit(url).path}_restored").geturl()
        restore(url, other, tmp_path / "dump")
        name = urlsplit(other).path[1:]
        try:
            with db.engine.connect() as connection:
                connection.execute(text("SELECT 1"))
            engine = db.create_engine(
                db.engine.url.set(database=name), connect_args={"options": "-c timezone=Asia/Tokyo"}
            )
            with engine.connect() as connection:
                assert roots.verify_on(connection, place) == before
                connection.rollback()
                connection.execute(text("INSERT INTO office (name, code, level)"
                                        " VALUES ('A', 'new', 'district')"))  # fmt: skip
                connection.commit()
                after = roots.verify_on(connection, place)
                assert (after.blocks, after.fault) == (before.blocks + 1, None)
            engine.dispose()
        finally:
            postgres.drop_database(other)


def restore(url: str, other: str, file: Path) -> None:
    """Dump the database `url` and restore it as `other`."""
    programs = embedded.programs()
    tool = {
        name: shutil.which(name, path=str(programs)) or name for name in ("pg_dump", "pg_restore")
    }
    subprocess.run([tool["pg_dump"], "-Fc", f"--file={file}", f"--dbname={url}"], check=True)
    postgres.create_database(other)
    # As a superuser: only one may say that a function is LEAKPROOF.
    superuser = embedded.superuser_url(other) or other
    subprocess.run([tool["pg_restore"], f"--dbname={superuser}", str(file)], check=True)


def test_a_database_restored_from_an_older_backup_is_whole_up_to_that_day(
    committed: Flask, url: str, place: roots.Roots
) -> None:
    with committed.app_context():
        grow(5, 1)
        sign(place, DAYS[0])
        roots_then = list(place.folder.iterdir())
        assert roots_then
        end = verified(place).end
        grow(5, 2)
        later = verified(place).end
        # A root of what the backup does not have any more.
        roots.sign(place, key_of(place), later, day=DAYS[1], now=datetime.now(UTC))
        with db.engine.begin() as connection:
            for table in ("audit_entry", "audit_block"):
                connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
            connection.execute(
                text("DELETE FROM audit_entry USING audit_block b"
                     " WHERE b.block_id = audit_entry.block_id AND number > :n"),
                {"n": end.number},
            )  # fmt: skip
            connection.execute(text("DELETE FROM audit_block WHERE number > :n"), {"n": end.number})
            connection.execute(
                text("UPDATE audit_head SET number = :number, entries = :entries, hash = :hash"),
                {"number": end.number, "entries": end.entries, "hash": end.hash},
            )
        fault = verified(place).fault
        assert fault is not None
        assert (fault.wrong, fault.day) == (Wrong.CUT, "2026-11-02")
        verdict = roots.verify(db.session(), place, until=DAYS[0])
        assert (verdict.fault, verdict.roots) == (None, 1)


# --- Roots -----------------------------------------------------------------------------------


@pytest.fixture
def signed(committed: Flask, place: roots.Roots) -> Any:
    with committed.app_context():
        for number, day in enumerate(DAYS):
            grow(4, number)
            sign(place, day)
        assert verified(place).roots == 3
        yield place


def rewrite(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


TOUCHED: tuple[dict[str, Any], ...] = (
    {"entries": 1},
    {"block": 1},
    {"hash": "00" * 32},
    {"signed_at": "2026-11-02T00:00:00+00:00"},
    {"previous": ""},
    {"signature": "AAAA"},
    {"key": "00" * 32},
    {"day": "2026-11-09"},
    {"hash": "no hash"},
    {"block": "4"},
    {"more": 1},
)


def test_a_root_that_was_changed_is_named(signed: roots.Roots) -> None:
    path = signed.folder / "2026-11-02.json"
    kept = path.read_text()
    for changes in TOUCHED:
        rewrite(path, **changes)
        fault = verified(signed).fault
        assert fault is not None, changes
        assert (fault.wrong, fault.day) == (Wrong.ROOT_SIGNATURE, "2026-11-02"), changes
        assert "2026-11-02" in str(fault)
        path.write_text(kept)
    assert verified(signed).fault is None


def test_a_root_that_was_taken_away_is_missed_by_the_next(signed: roots.Roots) -> None:
    (signed.folder / "2026-11-02.json").unlink()
    fault = verified(signed).fault
    assert fault is not None
    assert (fault.wrong, fault.day) == (Wrong.ORDER, "2026-11-03")


def test_a_root_signed_with_another_key_does_not_count(signed: roots.Roots, tmp_path: Path) -> None:
    other = roots.signing_key(tmp_path / "another-key")
    path = signed.folder / "2026-11-02.json"
    root = roots.SignedRoot(**json.loads(path.read_text()))
    path.unlink()
    folder = roots.Roots(signed.folder, (*signed.keys, other.public_key()))
    (signed.folder / "2026-11-03.json").unlink()
    roots.sign(folder, other, root.end, day=DAYS[1], now=datetime.now(UTC))
    fault = verified(signed).fault
    assert fault is not None
    assert (fault.wrong, fault.day) == (Wrong.ROOT_SIGNATURE, "2026-11-02")
    assert verified(folder).fault is None


def test_a_verification_since_a_day_begins_at_the_root_before_it(signed: roots.Roots) -> None:
    whole = verified(signed)
    verdict = roots.verify(db.session(), signed, since=DAYS[2])
    assert (verdict.blocks, verdict.roots, verdict.fault) == (4, 2, None)
    assert verdict.end == whole.end
    assert roots.verify(db.session(), signed, since=DAYS[0]).blocks == whole.blocks


def test_a_key_is_for_its_owner_alone(tmp_path: Path) -> None:
    roots.signing_key(tmp_path / "folder" / "key")
    assert (tmp_path / "folder" / "key").stat().st_mode & 0o777 == 0o600
    again = roots.signing_key(tmp_path / "folder" / "key")
    public = roots.public_key(tmp_path / "folder" / "key.pub")
    assert roots.fingerprint(public) == roots.fingerprint(again.public_key())

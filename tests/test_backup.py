"""A backup is whole or not there, comes back as it was, and gives nobody's name away."""

import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import pytest
from flask import Flask

import backup
import embedded
import postgres
import server as web_server
from access import ticket_pads
from backup.programs import DEBIAN
from config import HOME
from models import db
from rules.identity import IdentityField
from sealing import KeyFiles, seal
from tests.conftest import RUN, _beside, make_app
from tests.factories import make_grievance, make_officer

CANARY = "Zyrianda Quillfeather"

Run = Callable[..., tuple[int, str]]


def flask(app: Flask, *arguments: str, typed: str | None = None) -> tuple[int, str]:
    """Run a command of ours; return its exit code and what it printed."""
    result = app.test_cli_runner().invoke(args=list(arguments), input=typed)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    with app.app_context():
        db.engine.dispose()
    return result.exit_code, result.output


def ask(url: str, question: str) -> list[tuple[Any, ...]]:
    with closing(postgres.connect(url)) as session, session.cursor() as cursor:
        cursor.execute(question)
        return cursor.fetchall() if cursor.description else []


def contents(url: str) -> dict[str, str]:
    """Return a digest of the rows of each table."""
    with closing(postgres.connect(url)) as session, session.cursor() as cursor:
        found = {}
        for table in backup.programs.tables(session):
            cursor.execute(
                f"SELECT md5(string_agg(one::text, '\n' ORDER BY one::text)) FROM {table} AS one"  # noqa: S608
            )
            [(found[table],)] = cursor.fetchall()
        return found


def fill(app: Flask) -> None:
    """Make some records, one sealed identity among them."""
    with app.app_context():
        for number in range(5):
            make_grievance(title=f"Lamp {number} 路灯不亮")
        make_officer(username="ada")
        ring = KeyFiles(Path(app.config["INSTANCE"]) / "identity-keys")
        ring.make_next()
        grievance_id = make_grievance(title="Sealed").id
        db.session.commit()
        db.session.remove()
        db.engine.dispose()
    columns = [field.value for field in IdentityField]
    one = seal(dict.fromkeys(columns, CANARY), grievance_id=grievance_id, key_version=1, ring=ring)
    with closing(postgres.connect(app.config["DATABASE_URL"])) as session:
        session.cursor().execute(
            f"INSERT INTO identity (grievance_id, key_version, {', '.join(columns)})"  # noqa: S608
            f" VALUES (%s, 1{', %s' * len(columns)})",
            (grievance_id, *(one.fields[column] for column in columns)),
        )
        session.cursor().execute(
            "INSERT INTO identity_key (grievance_id, key_version, kek_version, wrapped)"
            " VALUES (%s, 1, %s, %s)",
            (grievance_id, one.kek_version, one.wrapped),
        )


@pytest.fixture
def bureau(committed: Flask) -> Flask:
    """An application with some records, for a test that changes it."""
    fill(committed)
    return committed


@pytest.fixture(scope="module")
def settled(
    fresh_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Flask]:
    """The same, which no test changes, with a backup in its folder `original`."""
    app = make_app(fresh_database(), tmp_path_factory.mktemp("settled"))
    fill(app)
    code, said = flask(app, "backup", str(Path(app.config["INSTANCE"]) / "original"))
    assert code == 0, said
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def url(settled: Flask) -> str:
    return str(settled.config["DATABASE_URL"])


@pytest.fixture
def another(server: str, tmp_path: Path) -> Iterator[Flask]:
    """An application whose database does not exist yet."""
    there = _beside(server, f"{RUN}_restored")
    app = make_app(there, tmp_path / "another")
    yield app
    with app.app_context():
        db.engine.dispose()
    postgres.drop_database(there)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "backups"


@pytest.fixture
def taken(settled: Flask, folder: Path) -> Path:
    """The folder of a backup of `settled`, of which each test has a copy."""
    original = Path(settled.config["INSTANCE"]) / "original"
    shutil.copytree(original, folder)
    shutil.copytree(original.with_name("original-keys"), folder.with_name("backups-keys"))
    [name] = [path.name for path in folder.iterdir() if path.name.startswith("redress-")]
    return folder / name


def keys_of(taken: Path) -> Path:
    return taken.parent.with_name("backups-keys") / taken.name


def test_a_backup_is_for_its_owner_alone_and_says_what_is_in_it(
    taken: Path, url: str, folder: Path
) -> None:
    everything = [folder, *folder.rglob("*"), keys_of(taken).parent, *keys_of(taken).rglob("*")]
    for path in everything:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode & 0o077 == 0 or path.name == ".lock", path
    manifest = json.loads((taken / "manifest.json").read_text())
    with closing(postgres.connect(url)) as session:
        assert manifest["counts"] == backup.programs.counts(session)
    assert manifest["counts"]["grievance"] == 6
    assert not [path for path in everything if path.name.endswith(".part")]


def test_what_comes_back_is_what_was_there(taken: Path, url: str, another: Flask) -> None:
    code, said = flask(another, "restore", str(taken))
    assert code == 0, said
    assert "each as the manifest says" in said
    assert re.search(r"all of it is there: [\d.]+ s in all\n$", said)
    assert contents(another.config["DATABASE_URL"]) == contents(url)


def test_a_second_generation_is_like_the_first(taken: Path, another: Flask, tmp_path: Path) -> None:
    """Tables, indexes, triggers, rights and conditions: what a dump says of them is the same."""
    assert flask(another, "restore", str(taken))[0] == 0
    second = tmp_path / "second"
    assert flask(another, "backup", str(second))[0] == 0
    [again] = second.glob("redress-*")
    assert _definitions(again) == _definitions(taken)


def _definitions(place: Path) -> str:
    program = backup.programs.find("pg_restore", 18)
    text = backup.programs.run(program, "--schema-only", "--file=-", str(place / backup.DUMP))
    text = re.sub(r"\\(un)?restrict \w+", "", text)
    # Read back, PostgreSQL writes the cast of a list as casts of what is in it.
    text = re.sub(r"\(ARRAY\[([^]]*)\]\)::text\[\]", r"ARRAY[\1]", text)
    text = re.sub(r"\('([^']*)'::character varying\)::text", r"'\1'::character varying", text)
    # And a chain of ORs without the parentheses that it was written with.
    lines = (re.sub(r"[()]", "", one) if "TRIGGER" in one else one for one in text.splitlines())
    return "\n".join(line for line in lines if not line.startswith("--"))


def test_the_newest_of_a_folder_is_taken(taken: Path, folder: Path, another: Flask) -> None:
    broken = folder / "redress-20991231T000000Z"
    broken.mkdir()
    code, said = flask(another, "restore", str(folder))
    assert code == 0, said
    assert taken.name in said


def test_a_database_that_holds_something_is_left_alone(
    taken: Path, settled: Flask, url: str
) -> None:
    before = contents(url)
    code, said = flask(settled, "restore", str(taken))
    assert (code, "is not empty" in said) == (1, True)
    code, said = flask(settled, "restore", str(taken), "--replace", typed="redress\n")
    assert (code, "That is not its name. Nothing was changed." in said) == (1, True)
    assert contents(url) == before


def test_it_is_replaced_when_its_name_is_typed(
    taken: Path, settled: Flask, bureau: Flask, url: str
) -> None:
    keys_for(bureau, settled)
    there = bureau.config["DATABASE_URL"]
    ask(there, "UPDATE grievance SET title = 'changed since'")
    ask(there, "CREATE TABLE left_over (n int)")
    name = urlsplit(there).path[1:]
    code, said = flask(bureau, "restore", str(taken), "--replace", typed=f"{name}\n")
    assert code == 0, said
    assert contents(there) == contents(url)


def test_a_database_in_use_is_not_replaced(taken: Path, settled: Flask, url: str) -> None:
    name = urlsplit(url).path[1:]
    with closing(postgres.connect(url)):
        code, said = flask(settled, "restore", str(taken), "--replace", typed=f"{name}\n")
    assert (code, "in use by 1 other connection" in said) == (1, True)


def keys_for(app: Flask, settled: Flask) -> Path:
    """Bring the key-encryption key of `settled` to the machine of `app`; return its folder."""
    folder = Path(app.config["INSTANCE"]) / "identity-keys"
    shutil.copytree(Path(settled.config["INSTANCE"]) / "identity-keys", folder, dirs_exist_ok=True)
    return folder


def test_identities_are_opened_where_the_key_is_and_none_is_shown(
    taken: Path, settled: Flask, another: Flask
) -> None:
    keys_for(another, settled)
    code, said = flask(another, "restore", str(taken))
    assert (code, "Identities: 1 of 1 opened and whole" in said) == (0, True), said
    assert CANARY not in said


def test_without_the_key_encryption_key_it_says_that_identities_stay_sealed(
    taken: Path, another: Flask
) -> None:
    code, said = flask(another, "restore", str(taken))
    assert code == 0, said
    assert (
        "0 of 1 opened. Without the key-encryption key (version 1) the others stay sealed" in said
    )


def test_with_another_key_encryption_key_it_fails(
    taken: Path, settled: Flask, another: Flask
) -> None:
    folder = keys_for(another, settled)
    (folder / "kek-1").write_text("ab" * 32)
    code, said = flask(another, "restore", str(taken))
    assert code == 1
    assert "does not open" in said
    assert "Restored" not in said


def test_where_the_keys_are_gone_the_rest_comes_back_when_that_is_asked(
    taken: Path, settled: Flask, another: Flask
) -> None:
    keys_for(another, settled)
    shutil.rmtree(keys_of(taken).parent)
    code, said = flask(another, "restore", str(taken))
    assert (code, "restore with --without-keys" in said) == (1, True)
    code, said = flask(another, "restore", str(taken), "--without-keys")
    assert code == 0, said
    assert "Identities: 1 are there, and cannot be opened: their keys are gone" in said
    assert ask(another.config["DATABASE_URL"], "SELECT count(*) FROM identity_key") == [(0,)]


def test_the_keys_may_lie_elsewhere(taken: Path, another: Flask, tmp_path: Path) -> None:
    shutil.move(keys_of(taken).parent, tmp_path / "safe")
    code, said = flask(another, "restore", str(taken), "--keys", str(tmp_path / "safe"))
    assert code == 0, said


def test_no_key_is_in_the_dump_nor_that_of_tickets(taken: Path, settled: Flask) -> None:
    """Destroying a key erases the identity in backups too, once the other folder has none."""
    reader = backup.programs.find("pg_restore", 18)
    text = backup.programs.run(reader, "--file=-", str(taken / backup.DUMP))
    [(wrapped,)] = ask(settled.config["DATABASE_URL"], "SELECT wrapped FROM identity_key")
    pads = ticket_pads(settled.config["SECRET_KEY"])
    secrets = [bytes(wrapped), *pads, CANARY.encode(), settled.config["SECRET_KEY"].encode()]
    assert not [one for one in secrets if one.hex() in text or one in text.encode()]
    keys = backup.programs.run(reader, "--file=-", str(keys_of(taken) / backup.KEYS))
    assert bytes(wrapped).hex() in keys


def test_a_trail_that_was_rewritten_does_not_pass_for_the_one_of_the_manifest(
    taken: Path, another: Flask
) -> None:
    trail = json.loads((taken / "manifest.json").read_text())["trail"]
    assert trail["block"] > 0
    change(taken, trail=trail | {"hash": "00" * 32})
    code, said = flask(another, "restore", str(taken))
    assert (code, "does not end as the manifest says" in said) == (1, True)


def _flip(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 1]))


def test_a_file_with_one_flipped_bit_is_refused_before_anything_is_done(
    taken: Path, another: Flask
) -> None:
    _flip(taken / backup.DUMP)
    code, said = flask(another, "restore", str(taken))
    assert (code, "is not as it was written" in said) == (1, True)
    with pytest.raises(psycopg2.OperationalError, match="does not exist"):
        ask(another.config["DATABASE_URL"], "SELECT 1")


def change(taken: Path, **values: Any) -> None:
    path = taken / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"counts": {"grievance": 7}}, "Not all rows are there"),
        ({"schema": "9999"}, "a newer Redress"),
        ({"server": 99}, "Restore it on the same version or a newer one."),
        ({"form": 2}, "a newer Redress"),
        ({"files": 3}, "is not a manifest"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(
    taken: Path, another: Flask, values: dict[str, Any], says: str
) -> None:
    if "counts" in values:
        counts = json.loads((taken / "manifest.json").read_text())["counts"]
        values = {"counts": counts | values["counts"]}
    change(taken, **values)
    code, said = flask(another, "restore", str(taken))
    assert code == 1
    assert says in said


def test_a_folder_without_a_backup_is_told_so(another: Flask, tmp_path: Path) -> None:
    code, said = flask(another, "restore", str(tmp_path))
    assert (code, "holds no backup" in said) == (1, True)


def test_rows_that_are_missing_leave_a_database_that_says_it_is_not_whole(
    taken: Path, another: Flask, tmp_path: Path
) -> None:
    counts = json.loads((taken / "manifest.json").read_text())["counts"]
    change(taken, counts=counts | {"grievance": 7})
    assert flask(another, "restore", str(taken))[0] == 1
    code, said = flask(another, "backup", str(tmp_path / "of-half"))
    assert (code, "not whole" in said) == (1, True)
    change(taken, counts=counts)
    code, said = flask(another, "restore", str(taken))  # without --replace
    assert code == 0, said


def test_a_backup_is_of_one_moment_while_officers_work(
    bureau: Flask, folder: Path, another: Flask
) -> None:
    stop, url = threading.Event(), bureau.config["DATABASE_URL"]

    def work() -> None:
        with closing(postgres.connect(url)) as session, session.cursor() as cursor:
            while not stop.is_set():
                cursor.execute(
                    "INSERT INTO grievance (number, title, channel, received_at)"
                    " SELECT 'W-' || nextval('grievance_number'), 'Meanwhile', 'web', now()"
                )

    officer = threading.Thread(target=work)
    officer.start()
    try:
        code, said = flask(bureau, "backup", str(folder))
    finally:
        stop.set()
        officer.join()
    assert code == 0, said
    code, said = flask(another, "restore", str(folder))
    assert code == 0, said


ENVIRONMENT = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}


def start(app: Flask, *command: str) -> subprocess.Popen[str]:
    """Run a command of ours in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "app", *command],
        cwd=HOME,
        env=ENVIRONMENT
        | {
            "DATABASE_URL": app.config["DATABASE_URL"],
            "REDRESS_INSTANCE": app.config["INSTANCE"],
            "REDRESS_SECRET_KEY": app.config["SECRET_KEY"],
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.parametrize("after", ["Made", "Tables", "Rows", "Indexes"])
def test_a_restore_that_is_killed_leaves_a_database_that_says_so_and_can_be_filled_again(
    taken: Path, another: Flask, url: str, after: str
) -> None:
    there = another.config["DATABASE_URL"]
    with start(another, "restore", str(taken)) as running:
        assert running.stdout
        for line in running.stdout:
            if line.startswith(after):
                break
        time.sleep(0.02)
        running.send_signal(signal.SIGKILL)
        running.stdout.read()
    with closing(postgres.connect(there)) as session:
        is_marked, is_empty = postgres.unfinished(session), backup.is_empty(session)
    assert is_marked or is_empty
    if after != "Made":
        assert is_marked
        code, said = flask(another, "doctor")
        assert (code, "wrong   restore: Redress: not whole" in said) == (1, True)
        with pytest.raises(web_server.Failed, match="Run flask restore again"):
            web_server._see_whole(there)
    code, said = flask(another, "restore", str(taken))
    assert code == 0, said
    assert contents(there) == contents(url)
    with closing(postgres.connect(there)) as session:
        assert postgres.unfinished(session) is None


def test_a_backup_that_is_killed_is_not_there(settled: Flask, folder: Path, url: str) -> None:
    with closing(psycopg2.connect(url)) as holder, holder.cursor() as cursor:
        cursor.execute("LOCK TABLE grievance IN ACCESS EXCLUSIVE MODE")
        with start(settled, "backup", str(folder)) as running:
            while not list(folder.glob(".redress-*.part")):
                time.sleep(0.02)
            running.send_signal(signal.SIGKILL)
    assert not list(folder.glob("redress-*"))
    code, said = flask(settled, "backup", str(folder))
    assert code == 0, said
    assert not list(folder.glob(".redress-*.part"))


def fake(folder: Path, name: str, *, good: bool = True, keys: bool = False) -> None:
    """Put a small backup of that name into the folder."""
    place = folder / name
    place.mkdir(parents=True)
    file = backup.KEYS if keys else backup.DUMP
    (place / file).write_bytes(b"12345")
    if not keys:
        manifest = backup.Manifest(
            name=name, made_at="2026-01-01T00:00:00+00:00", redress="1", server=18, programs=18,
            schema="0001", counts={}, files={file: {"size": 5 if good else 6, "sha256": ""}},
        )  # fmt: skip
        backup.folders.write_manifest(place, manifest)


def test_old_backups_go_and_keys_sooner_but_never_the_newest_good_one(tmp_path: Path) -> None:
    folders = backup.Folders.of(tmp_path / "backups", None)
    now = datetime(2026, 6, 30, 12, tzinfo=UTC)
    names = {
        days: f"redress-{now - timedelta(days=days):%Y%m%dT%H%M%SZ}" for days in (0, 5, 10, 40, 50)
    }
    for days, name in names.items():
        fake(folders.backups, name, good=days not in (0, 5, 10))
        fake(folders.keys, name, keys=True)
    (folders.backups / "letters").mkdir()
    assert backup.prune(folders, now, 35, 7) == ([names[50]], [names[50], names[10]])
    assert backup.folders.names(folders.backups) == [names[40], names[10], names[5], names[0]]
    assert backup.folders.names(folders.keys) == [names[40], names[5], names[0]]
    assert (folders.backups / "letters").exists()
    assert backup.prune(folders, now, 0, 0) == ([], [])


def test_documents_come_along_and_do_not_overwrite_others(
    bureau: Flask, folder: Path, another: Flask
) -> None:
    paper = Path(bureau.config["INSTANCE"]) / "documents" / "ab" / "abcd"
    paper.parent.mkdir(parents=True)
    paper.write_bytes(b"a letter")
    code, said = flask(bureau, "backup", str(folder))
    assert (code, "1 documents" in said) == (0, True)
    there = Path(another.config["INSTANCE"]) / "documents"
    there.mkdir(parents=True)
    (there / "other").write_bytes(b"")
    code, said = flask(another, "restore", str(folder))
    assert (code, "is not empty" in said) == (1, True)
    (there / "other").unlink()
    code, said = flask(another, "restore", str(folder))
    assert code == 0, said
    assert (there / "ab" / "abcd").read_bytes() == b"a letter"


def test_a_log_in_that_was_open_is_ended(bureau: Flask, folder: Path, another: Flask) -> None:
    with bureau.app_context():
        officer = make_officer()
        db.session.flush()
        client: Any = bureau.test_client()
        client.let_in(officer)
        db.session.commit()
        db.session.remove()
    assert flask(bureau, "backup", str(folder))[0] == 0
    code, said = flask(another, "restore", str(folder))
    assert (code, "Log-ins that were open: 1, ended" in said) == (0, True)
    found = ask(another.config["DATABASE_URL"], "SELECT ended_at IS NULL FROM officer_session")
    assert found == [(False,)]


def test_a_password_in_the_url_stands_in_no_list_of_processes(tmp_path: Path) -> None:
    script = tmp_path / "program"
    script.write_text('#!/bin/sh\necho "$@"; echo "[$PGPASSWORD]"\n')
    script.chmod(0o755)
    said = backup.programs.run(
        backup.programs.Program(script, 18), url="postgresql://ada:s3cret@db.example/redress"
    )
    arguments, password = said.splitlines()
    assert password == "[s3cret]"
    assert "s3cret" not in arguments
    assert "user=ada" in arguments


def test_a_program_that_is_too_old_is_named_with_what_to_install() -> None:
    with pytest.raises(backup.Failed, match="postgresql-client-99"):
        backup.programs.find("pg_dump", 99)


@pytest.fixture
def debian(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a database on a server of Debian's package, of another version than ours."""
    found = sorted(DEBIAN.glob("*/bin/initdb"))
    if not found:
        pytest.skip("Debian's postgresql package is not installed: no server of another version.")
    with OtherServer(found[0].parent) as url:
        yield url


class OtherServer:
    """A PostgreSQL of another version, on a socket of its own, for as long as the block runs."""

    def __init__(self, programs: Path) -> None:
        self.programs = programs

    def __enter__(self) -> str:
        self.folder = Path(tempfile.mkdtemp(prefix="redress-"))
        as_user = {}
        if os.geteuid() == 0:
            os.chown(self.folder, 65534, 65534)
            as_user = {"user": 65534, "group": 65534, "extra_groups": []}
        self.as_user: dict[str, Any] = as_user
        data = self.folder / "data"
        self._run("initdb", f"--pgdata={data}", "--username=bureau", "--auth=trust",
                  "--encoding=UTF8", "--locale=C", "--lc-ctype=C.UTF-8", "--no-sync")  # fmt: skip
        self._run("pg_ctl", f"--pgdata={data}", "--wait", f"--log={self.folder / 'log'}",
                  f"--options=-c listen_addresses='' -c unix_socket_directories={self.folder}"
                  " -c fsync=off", "start")  # fmt: skip
        return f"postgresql://bureau@/redress?host={self.folder}"

    def __exit__(self, *_: object) -> None:
        self._run("pg_ctl", f"--pgdata={self.folder / 'data'}", "--mode=immediate", "stop")
        shutil.rmtree(self.folder)

    def _run(self, name: str, *arguments: str) -> None:
        subprocess.run(
            [str(self.programs / name), *arguments], check=True, cwd="/",
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **self.as_user,
        )  # fmt: skip


def test_an_older_server_goes_over_to_a_newer_one_and_not_back(
    debian: str, taken: Path, another: Flask, tmp_path: Path
) -> None:
    older = make_app(debian, tmp_path / "older")
    code, said = flask(older, "restore", str(taken))
    assert code == 1
    assert "Restore it on the same version or a newer one." in said
    assert flask(older, "db", "upgrade")[0] == 0
    with older.app_context():
        make_grievance(title="From the old server")
        db.session.commit()
        db.session.remove()
    code, said = flask(older, "backup", str(tmp_path / "old"))
    assert code == 0, said
    code, said = flask(another, "restore", str(tmp_path / "old"))
    assert code == 0, said
    assert contents(another.config["DATABASE_URL"]) == contents(debian)
    # And on the same version, from the same place.
    ask(_beside(debian), "DROP DATABASE redress")
    code, said = flask(older, "restore", str(tmp_path / "old"))
    assert code == 0, said


def test_a_desk_moves_to_a_server_with_an_owner_of_another_name(
    taken: Path, settled: Flask, tmp_path: Path
) -> None:
    with OtherServer(embedded.programs()) as there:
        ask(_beside(there), "CREATE ROLE head LOGIN CREATEDB CREATEROLE BYPASSRLS")
        owned = there.replace("bureau@", "head@")
        app = make_app(owned, tmp_path / "server", OWNER_DATABASE_URL=owned)
        keys_for(app, settled)
        code, said = flask(app, "restore", str(taken))
        assert code == 0, said
        assert "until a superuser runs in the database redress" in said
        assert contents(owned) == contents(settled.config["DATABASE_URL"])
        for line in said[said.index("LEAKPROOF") - 80 :].splitlines():
            if line.startswith("  ") and line.endswith(";"):
                ask(there, line)
        found = json.loads(flask(app, "doctor", "--json")[1])
        wrong = {one["about"] for one in found if one["level"] == "wrong"}
        # The key of the tests; this one login for all; a server that is in a hurry.
        assert wrong == {"secret key", "web login", "power cut"}, found

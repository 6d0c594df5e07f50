"""The embedded database, databases on other servers, and what `make run` does."""

import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

import psutil
import psycopg2
import pytest
from psycopg2.extras import wait_select

import config
import embedded
import postgres
import server

HOLD = """
import sys
from pathlib import Path
import embedded
with embedded.database(Path(sys.argv[1])) as url:
    print(url, flush=True)
    sys.stdin.read()
"""


class Shell:
    """Another process that holds the embedded database until told to let go."""

    def __init__(self, instance: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(instance)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=config.HOME,
            text=True,
        )

    @property
    def url(self) -> str:
        return self.process.stdout.readline().strip()

    def let_go(self) -> None:
        self.process.communicate(timeout=30)


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that is not under pytest's, which every other run of pytest closes to the server."""
    with tempfile.TemporaryDirectory(prefix="redress-") as name:
        yield Path(name).resolve()


@pytest.fixture
def instance(place: Path) -> Iterator[Path]:
    folder = place / "instance"
    yield folder
    for process in server_processes(folder):  # only where a test has failed
        process.kill()


def server_processes(instance: Path) -> list[psutil.Process]:
    return embedded._Server(instance, lambda line: None)._processes()


def ask(url: str, *statements: str) -> list[tuple]:
    with closing(postgres.connect(url)) as session, session.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def test_the_last_of_two_shells_stops_the_database(instance):
    first, second = Shell(instance), Shell(instance)  # at once, and on an empty folder
    assert first.url == (url := second.url)
    first.let_go()
    assert ask(url, "SELECT 1") == [(1,)]
    second.let_go()
    assert server_processes(instance) == []


def test_a_process_that_ends_lets_go_of_the_database(instance):
    program = HOLD.replace("with embedded.database(Path(sys.argv[1])) as url:", "if True:").replace(
        "print(url", "print(embedded.database_url(Path(sys.argv[1]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(instance)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        cwd=config.HOME,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("postgresql://")
    assert done.stderr == ""
    assert server_processes(instance) == []


def test_a_forked_child_leaves_the_database_to_its_parent(instance):
    held = embedded._Server(instance, lambda line: None)
    held.hold()
    child = os.fork()
    if child == 0:  # as a worker of gunicorn, which leaves through the blocks of its parent
        try:
            held.release()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert ask(held.url("postgres"), "SELECT 1") == [(1,)]
    held.release()
    assert server_processes(instance) == []


def test_after_a_kill_of_everything_the_next_start_has_the_data(instance):
    shell = Shell(instance)
    ask(shell.url, "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7)")
    shell.process.kill()
    shell.process.communicate()
    for process in server_processes(instance):
        with suppress(psutil.NoSuchProcess):  # the end of the first takes others along
            process.kill()
    with embedded.database(instance) as url:
        assert ask(url, "SELECT n FROM kept") == [(7,)]


def test_after_a_kill_of_the_postmaster_its_busy_children_do_not_keep_the_next_out(instance):
    shell = Shell(instance)
    with closing(psycopg2.connect(shell.url, async_=True)) as session:
        wait_select(session)
        session.cursor().execute("SELECT count(*) FROM generate_series(1, 10000000000)")
        backend = psutil.Process(session.info.backend_pid)
        while backend.cpu_times().user < 0.05:
            time.sleep(0.01)
        backend.parent().kill()
        with embedded.database(instance) as url:
            assert ask(url, "SELECT 1") == [(1,)]
            assert backend not in server_processes(instance)
    shell.let_go()


def test_a_stale_pid_file_does_not_block_the_start(instance):
    with embedded.database(instance):
        pass
    data = instance / "postgres"
    owner = data.stat()
    as_owner = {"user": owner.st_uid, "group": owner.st_gid} if os.geteuid() == 0 else {}
    with subprocess.Popen(["sleep", "60"], **as_owner) as other:  # got the number since
        whole = f"{other.pid}\n{data}\n1700000000\n5432\n{data}\n\n  12345  67890\nready\n"
        for content in ("", f"{other.pid}", whole):
            for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
                (data / name).write_text(content)
                os.chown(data / name, owner.st_uid, owner.st_gid)
            with embedded.database(instance) as url:
                assert ask(url, "SELECT 1") == [(1,)]
        other.kill()


def test_a_start_cut_short_while_the_data_is_made_does_not_block_the_next(instance):
    half = instance / "postgres.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    with embedded.database(instance) as url:
        assert ask(url, "SELECT 1") == [(1,)]


def test_chinese_text_has_letters_and_trigrams(instance):
    with embedded.database(instance) as url:
        encoding_and_ctype = ask(
            url,
            "SELECT pg_encoding_to_char(encoding), datctype FROM pg_database"
            " WHERE datname = current_database()",
        )
        assert encoding_and_ctype == [("UTF8", "C.UTF-8")]
        found = ask(
            url,
            "CREATE EXTENSION pg_trgm",
            "SELECT '督查' ~ '^[[:alpha:]]+$', cardinality(show_trgm('督查通知'))",
        )
        assert found == [(True, 5)]


def test_only_the_owner_gets_at_the_database_and_not_through_the_network(instance):
    with embedded.database(instance) as url:
        assert ask(url, "SHOW listen_addresses") == [("",)]
        assert ask(url, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") == [(False,)]
        assert stat.S_IMODE((instance / "postgres").stat().st_mode) == 0o700


@pytest.mark.parametrize("name", ["a" * 90, "with, 'odd signs"])
def test_a_folder_with_a_long_or_an_odd_name_works(place, name):
    with embedded.database(place / name) as url:
        assert ask(url, "SELECT 1") == [(1,)]
        [folder] = parse_qs(urlsplit(url).query)["host"]
        assert len(folder) < 60
        assert stat.S_IMODE(Path(folder).stat().st_mode) == 0o700
    assert not Path(folder).exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives the server to another user")
def test_root_lets_the_other_user_pass_through_a_private_folder_but_not_read_it(place):
    private = place / "private"
    private.mkdir(mode=0o700)
    told: list[str] = []
    with embedded.database(private / "instance", say=told.append):
        assert stat.S_IMODE(private.stat().st_mode) == 0o701
    assert any(str(private) in line for line in told)


def test_a_failed_start_says_what_is_wrong(instance):
    with embedded.database(instance):
        pass
    version = instance / "postgres" / "PG_VERSION"
    version.write_text("17\n")
    with pytest.raises(postgres.Unavailable, match="PostgreSQL 17"), embedded.database(instance):
        pass
    version.write_text("18\n")
    (instance / "postgres" / "global" / "pg_control").unlink()
    with pytest.raises(postgres.Unavailable, match="pg_control"), embedded.database(instance):
        pass


def test_a_missing_database_is_made_and_an_unfit_one_is_refused_with_a_sentence(instance):
    with embedded.database(instance) as url:
        other = url.replace("/redress?", "/other?")
        assert postgres.create_database(other) is True
        assert postgres.create_database(other) is False
        postgres.drop_database(other)
        assert postgres.create_database(other) is True
        ask(url, "CREATE DATABASE unfit TEMPLATE template0 LC_CTYPE 'C'", "CREATE ROLE poor LOGIN")
        with pytest.raises(postgres.Unavailable, match="ctype C, under which"):
            postgres.create_database(url.replace("/redress?", "/unfit?"))
        with pytest.raises(postgres.Unavailable, match="poor may not make it"):
            postgres.create_database(
                url.replace("/redress?", "/absent?").replace("redress@", "poor@")
            )
    with pytest.raises(postgres.Unavailable, match="cannot be reached"):
        postgres.create_database(url)


@pytest.mark.parametrize("url", ["mysql://a/b", "postgresql://host", "dbname=a", "postgresql://[/"])
def test_a_database_url_that_is_none_is_refused_without_showing_it(url):
    with pytest.raises(postgres.Unavailable, match="DATABASE_URL cannot be used") as refused:
        postgres.create_database(url)
    assert url not in str(refused.value)


def test_a_port_that_is_taken_or_none_is_refused_with_a_sentence():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(server.Failed, match="make run PORT="):
            server.check_port("127.0.0.1", taken.getsockname()[1])
    with pytest.raises(server.Failed, match="between 1 and 65535"):
        server.check_port("127.0.0.1", 65536)


def test_it_migrates_serves_and_stops_without_a_traceback(instance):
    with embedded.database(instance) as url:
        environment = os.environ | {
            "DATABASE_URL": url,
            "REDRESS_INSTANCE": str(instance),
            "PORT": str(free_port()),
        }
        with subprocess.Popen(
            [sys.executable, "server.py"],
            env=environment,
            cwd=config.HOME,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as running:
            told = []
            for line in running.stdout:
                told.append(line)
                if line.startswith("Ready: "):
                    break
            with urlopen(line.split()[1] + "/login", timeout=30) as answer:  # noqa: S310  our own
                assert answer.status == 200
            running.send_signal(signal.SIGTERM)
            told.append(running.stdout.read())
            assert running.wait(timeout=30) == 0, told
        text = "".join(told)
        assert "Migrating" in text
        assert "flask create-admin" in text
        assert "demo" not in text
        assert "Traceback" not in text


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return trial.getsockname()[1]

"""Behind PgBouncer in transaction mode many officers share a few connections of the database, and
none sees through another's eyes."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg2
import pytest
from flask import Flask

import security
from access import APP_ROLE
from models import OfficerSession, db
from rules.permissions import Role
from tests.conftest import make_app
from tests.factories import make_grievance, make_office, make_officer
from tests.test_access import as_login

PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
CONNECTIONS = 2
SETTINGS = """
[databases]
{name} = host={host} port={port} dbname={name}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
auth_type = plain
auth_file = {folder}/users
pool_mode = transaction
default_pool_size = {connections}
max_client_conn = 100
ignore_startup_parameters = options,extra_float_digits
logfile = {folder}/log
unix_socket_dir =
"""

pytestmark = pytest.mark.skipif(
    PGBOUNCER is None, reason="there is no PgBouncer here. Debian: sudo apt install pgbouncer"
)


def _free_port() -> int:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture
def owner_url(fresh_database: Callable[[], str]) -> str:
    return fresh_database()


@pytest.fixture
def pooled_url(owner_url: str) -> Iterator[str]:
    """The URL of the database for the web server's login, through PgBouncer."""
    parts = urlsplit(as_login(owner_url, APP_ROLE))
    host = parts.hostname or parse_qs(parts.query).get("host", ["localhost"])[0]
    login, password, listen = parts.username or "", parts.password or "any", _free_port()
    # Not under pytest's folder, which is closed to others: as root it runs as somebody else, who
    # has to reach the database's socket as well.
    with tempfile.TemporaryDirectory(prefix="redress-pooler-") as name:
        folder = Path(name)
        (folder / "users").write_text(f'"{login}" "{password}"\n')
        (folder / "ini").write_text(
            SETTINGS.format(
                name=parts.path[1:], host=host, port=parts.port or 5432, listen=listen,
                folder=folder, connections=CONNECTIONS,
            )
        )  # fmt: skip
        user = Path(host).stat().st_uid if host.startswith("/") else os.geteuid()
        for path in (folder, *folder.iterdir()):
            os.chown(path, user, -1)
        command = [PGBOUNCER or "", "--quiet", str(folder / "ini")]
        if os.geteuid() == 0:
            command[1:1] = ["--user", pwd.getpwuid(user).pw_name]
        running = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        url = f"postgresql://{login}:{password}@127.0.0.1:{listen}{parts.path}"
        try:
            _wait_for(url, running, folder / "log")
            yield url
        finally:
            running.terminate()
            running.wait(20)


def _wait_for(url: str, running: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and running.poll() is None:
        try:
            psycopg2.connect(url).close()
            return
        except psycopg2.OperationalError:
            time.sleep(0.1)
    pytest.fail(f"PgBouncer did not start: {log.read_text() if log.exists() else ''}")


def test_officers_who_share_connections_each_see_their_own_office(
    owner_url: str, pooled_url: str, tmp_path: Path, figures: Callable[[str], None]
) -> None:
    filled = make_app(owner_url, tmp_path)
    tokens: list[str] = []
    with filled.app_context():
        for number in range(6):
            office = make_office()
            officer = make_officer(office_id=office.id, roles=[Role.HANDLER])
            make_grievance(title=f"Matter-of-{number}", responsible_office_id=office.id)
            tokens.append(f"token-{number}")
            db.session.add(
                OfficerSession(
                    officer_id=officer.id, token_hash=security.token_hash(tokens[-1]), device="x"
                )
            )
        db.session.commit()
        db.engine.dispose()
    app = make_app(pooled_url, tmp_path, OWNER_DATABASE_URL=owner_url)
    pages = 60
    with ThreadPoolExecutor(6) as threads:
        wrong = [
            words
            for number in range(6)
            for words in [
                threads.submit(_strangers, app, tokens[number], number) for _ in range(pages // 6)
            ]
        ]
        found = [one.result() for one in wrong]
    assert found == [[]] * pages
    with closing(psycopg2.connect(owner_url)) as owner, owner.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND usename <> current_user"
        )
        (connections,) = cursor.fetchone() or (0,)
    assert 0 < connections <= CONNECTIONS
    figures(
        f"PgBouncer, transaction mode: {pages} pages of 6 officers over {connections} connections,"
        " 0 foreign rows"
    )


def _strangers(app: Flask, token: str, number: int) -> list[str]:
    """Return what is wrong with the list as this officer sees it."""
    client: Any = app.test_client()
    client.set_cookie(security.COOKIE, token)
    page = client.get("/admin/grievance/")
    seen = [other for other in range(6) if f"Matter-of-{other}" in page.text]
    return [] if (page.status_code, seen) == (200, [number]) else [f"{page.status_code} {seen}"]


def test_a_change_through_the_pooler_is_in_the_trail_under_the_right_name(
    owner_url: str, pooled_url: str, tmp_path: Path
) -> None:
    filled = make_app(owner_url, tmp_path)
    with filled.app_context():
        officer = make_officer(roles=[Role.ADMINISTRATOR])
        officer_id = officer.id
        token = OfficerSession(
            officer_id=officer.id, token_hash=security.token_hash("token"), device="x"
        )
        db.session.add(token)
        db.session.commit()
        db.engine.dispose()
    app = make_app(pooled_url, tmp_path, OWNER_DATABASE_URL=owner_url)
    client: Any = app.test_client()
    client.set_cookie(security.COOKIE, "token")
    answer = client.send("/admin/area/new/", name="Harbour", level="community")
    assert answer.status_code in (302, 303), answer.text
    with closing(psycopg2.connect(owner_url)) as owner, owner.cursor() as cursor:
        cursor.execute("SELECT officer_id FROM audit_entry WHERE record_type = 'area'")
        assert cursor.fetchall() == [(officer_id,)]

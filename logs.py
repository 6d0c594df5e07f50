"""What the program writes down about itself: one line for each request and each failure, without
a word that somebody typed.

A line holds the fields of FIELDS and no other. What could carry a person's data never gets in:
not the address of a request with its query, no title, no cookie, no value of a statement, and not
the message of an exception, which may quote any of these. A failure is told by its kind and by the
places in our code that it passed. An officer is told by number: who did what with their right of
office is the bureau's to know, and the name is not needed for it. A visitor's address is not told.

Lines go to stderr, as JSON in production and in words at a desk (REDRESS_LOG).
"""

import logging
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic
from traceback import walk_tb
from types import TracebackType
from typing import Any

import structlog
from blinker import Signal
from flask import Flask, request
from flask.logging import default_handler

import budget
import security
from config import HOME

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"}
MOST_PLACES = 8

answered = Signal("A request was answered to its last byte; sent with its Answer.")

Entry = MutableMapping[str, Any]


@dataclass
class Answer:
    """One request and what became of it. `endpoint` is the name of its view, never its address;
    `refused` the kind of limit that it met, `kind` that of the failure that broke it off."""

    request: str = ""
    method: str = ""
    endpoint: str = ""
    status: int = 0
    ms: float = 0.0
    statements: int = 0
    database_ms: float = 0.0
    bytes: int = 0
    officer: int | None = None
    refused: str = ""
    kind: str = ""


# All that a line may hold; anything else that code hands to a logger is left out.
FIELDS = {"time", "level", "logger", "event", "kind", "place", "process", *Answer.__annotations__}


# --- Lines -----------------------------------------------------------------------------------


def configure(settings: MutableMapping[str, Any]) -> None:
    """Send every line of this process, of libraries too, to stderr in the form that the setting
    LOG asks for. To call it again changes nothing but the form."""
    as_json = (settings["LOG"] or ("json" if settings["PRODUCTION"] else "text")) == "json"
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=0)
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        processors=[
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            _as_written,
            _only_fields,
            renderer,
        ],
        use_get_message=False,
        pass_foreign_args=True,
    )
    root = logging.getLogger()
    handler = next((one for one in root.handlers if isinstance(one, _ToStderr)), None)
    if handler is None:
        handler = _ToStderr()
        root.addHandler(handler)
    handler.setFormatter(formatter)
    logging.getLogger("redress").setLevel(logging.INFO)  # of libraries, warnings alone
    logging.captureWarnings(True)
    structlog.configure(
        processors=[structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def catch_all() -> None:
    """Write down what nobody catches, in threads too, in place of Python, which would print the
    message. For the web server; who types a command or runs a test sees it all."""
    sys.excepthook = _broke
    threading.excepthook = lambda failed: _broke(
        failed.exc_type, failed.exc_value, failed.exc_traceback
    )


class _ToStderr(logging.StreamHandler[Any]):
    """Writes to what stderr is at the moment: tests and terminals put another in its place."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> Any:
        return sys.stderr

    def handleError(self, record: logging.LogRecord) -> None:
        # logging would print the record with all its values.
        with suppress(OSError, ValueError):
            sys.stderr.write(f"a line of {record.name} could not be written\n")


def _broke(
    kind: type[BaseException], error: BaseException | None, trace: TracebackType | None
) -> None:
    """Write down what nobody caught."""
    if issubclass(kind, KeyboardInterrupt | SystemExit):
        return
    logging.getLogger("redress").critical("ended by a failure", exc_info=(kind, error, trace))  # type: ignore[arg-type]


def _as_written(_logger: Any, _method: str, entry: Entry) -> Entry:
    """Turn what a library or our code logged in the way of `logging` into fields."""
    record: logging.LogRecord = entry["_record"]
    entry["level"] = record.levelname.lower()
    entry["process"] = record.process
    if entry["_from_structlog"]:
        return entry
    entry["logger"] = record.name
    entry["event"] = _words(record, entry["positional_args"])
    entry["kind"] = getattr(record, "kind", "")
    _kind, error, trace = entry.get("exc_info") or (None, None, None)
    if error is not None:
        entry["kind"], entry["place"] = kind_of(error), places(trace)
    elif not _is_ours(record.pathname):
        entry["place"] = [f"{_short(record.pathname)}:{record.lineno}"]
    return entry


def _words(record: logging.LogRecord, given: Any) -> str:
    """Return the sentence of `record` with its numbers; other values become "…"."""
    sentence = record.msg
    if not isinstance(sentence, str) or not (given or _is_ours(record.pathname)):
        return "…"  # it may have been filled in already: its place must do
    values = given if isinstance(given, tuple) else ()
    shown = tuple(one if isinstance(one, int | float) else "…" for one in values)
    try:
        return sentence % shown if shown else sentence
    except (TypeError, ValueError):
        return sentence


def _only_fields(_logger: Any, _method: str, entry: Entry) -> Entry:
    return {key: value for key, value in entry.items() if key in FIELDS and value not in ("", None)}


def kind_of(error: BaseException) -> str:
    """Return what kind of failure this is, with the database's code for it and what it came from:
    "OperationalError 57P01 < AdminShutdown". Never its message."""
    kinds: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(kinds) < 4:
        code = getattr(getattr(cause, "orig", None), "pgcode", None)
        kinds.append(type(cause).__name__ + (f" {code}" if code else ""))
        cause = cause.__cause__
    return " < ".join(kinds)


def places(trace: TracebackType | None) -> list[str]:
    """Return the places that a failure passed in our code, the innermost last, and where it was
    raised if that was elsewhere: "views/base.py:231 index_view". No line of code, no value."""
    passed = [
        (frame.f_code.co_filename, f":{line} {frame.f_code.co_name}")
        for frame, line in walk_tb(trace)
    ]
    shown = [place for place in passed if _is_ours(place[0])][-MOST_PLACES:]
    if passed and passed[-1] not in shown:
        shown.append(passed[-1])
    return [_short(path) + rest for path, rest in shown]


def _is_ours(path: str) -> bool:
    return path.startswith(f"{HOME}/") and "/site-packages/" not in path


def _short(path: str) -> str:
    if _is_ours(path):
        return str(Path(path).relative_to(HOME))
    return "/".join(Path(path).parts[-2:])


# --- Requests --------------------------------------------------------------------------------


class _Watched:
    """The application with a look at each request: when it began, what it cost, how it ended."""

    def __init__(self, inner: Callable[..., Iterable[bytes]]) -> None:
        self._inner = inner

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        began = monotonic()
        method = environ["REQUEST_METHOD"]
        answer = Answer(method=method if method in METHODS else "other")
        environ["redress.answer"] = answer

        def start(status: str, headers: Any, exc_info: Any = None) -> Any:
            answer.status = int(status[:3])
            return start_response(status, headers, exc_info)

        def finish() -> None:
            answer.ms = round((monotonic() - began) * 1000, 1)
            answered.send(answer)

        try:
            body = self._inner(environ, start)
        except Exception as error:
            answer.kind, answer.status = kind_of(error), 500
            finish()
            raise
        wrapper = environ.get("wsgi.file_wrapper")
        if wrapper is not None and isinstance(body, wrapper):  # the server sends it whole
            finish()
        else:
            body = _Body(body, answer, finish)
        return body


class _Body:
    """The body of an answer, counted as it leaves."""

    def __init__(self, body: Iterable[bytes], answer: Answer, finish: Callable[[], None]) -> None:
        self._body, self._answer, self._finish = body, answer, finish
        self._parts: Iterator[bytes] = iter(body)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            part = next(self._parts)
        except StopIteration:
            raise
        except Exception as error:
            self._answer.kind = kind_of(error)
            raise
        self._answer.bytes += len(part)
        return part

    def close(self) -> None:
        try:
            if close := getattr(self._body, "close", None):
                close()
        finally:
            self._finish()


def _note(_error: BaseException | None = None) -> None:
    """Take down who asked for what, while the request is known."""
    answer: Answer | None = request.environ.get("redress.answer")
    if answer is None:
        return
    answer.request = security.request_id()
    answer.endpoint = request.endpoint or "none"
    log_in = security.known_log_in()
    answer.officer = log_in.officer_id if log_in else None
    cost = budget.spent()
    if cost is not None:
        answer.statements = cost.statements
        answer.database_ms = round(cost.seconds * 1000, 1)
        answer.refused = cost.refused


def _write(answer: Answer) -> None:
    log = structlog.get_logger("redress.request")
    level = "error" if answer.status >= 500 or answer.kind else "info"
    if answer.endpoint.endswith("static") and answer.status < 400:
        level = "debug"  # ten for each page, and nothing in them to learn
    getattr(log, level)("request", **asdict(answer))


answered.connect(_write)


def init_app(app: Flask) -> None:
    """Write down each request of `app`. Call it after whatever else wraps its wsgi_app."""
    configure(app.config)
    app.logger.removeHandler(default_handler)  # which would print messages
    app.wsgi_app = _Watched(app.wsgi_app)  # type: ignore[method-assign]
    app.teardown_request(_note)

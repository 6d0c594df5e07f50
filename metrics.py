"""Figures about the running program for Prometheus, at /metrics: off until REDRESS_METRICS_TOKEN is
set, and then for those alone who send it (`Authorization: Bearer ...`).

They are about the program: how many requests, how long, how many statements, what failed. None is
about a person, and none counts grievances: a figure that falls when fewer people complain has no
place on a wall (domain.md, lines that do not move). Labels are names of views and kinds of
failures, never an address or a number of a record, so that their count stays as it is.

The workers of gunicorn keep their figures in files of one folder, and each can tell those of all.
"""

import hmac
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask, Response, abort, current_app, request
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
    values,
)
from prometheus_client.multiprocess import MultiProcessCollector

import logs
import security
from models import db

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 60)
PATH = "/metrics"


class Figures:
    """Every figure that is kept, in a registry of its own: nothing of the process or of Python
    that nobody asked for."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        by_view = ["endpoint", "method", "status"]
        kept: dict[str, Any] = {"registry": self.registry}
        self.requests = Counter("redress_requests", "Requests answered.", by_view, **kept)
        self.seconds = Histogram(
            "redress_request_seconds", "Seconds from the first byte of a request to the last of "
            "its answer.", ["endpoint"], buckets=SECONDS, **kept,
        )  # fmt: skip
        self.statements = Counter(
            "redress_statements", "Statements sent to the database.", ["endpoint"], **kept
        )
        self.database = Counter(
            "redress_database_seconds", "Seconds that statements took.", ["endpoint"], **kept
        )
        self.bytes = Counter("redress_response_bytes", "Bytes of answers.", ["endpoint"], **kept)
        self.failures = Counter(
            "redress_failures", "Answers that a failure broke off.", ["kind"], **kept
        )
        self.refused = Counter(
            "redress_database_refused", "Statements that the database ended, by the limit that "
            "they met.", ["limit"], **kept,
        )  # fmt: skip
        self.log_ins = Counter("redress_failed_log_ins", "Log-ins that were refused.", **kept)
        lives = {"multiprocess_mode": "livesum", **kept}
        self.exports = Gauge("redress_exports_running", "Exports under way.", **lives)
        self.pool = Gauge(
            "redress_pool_connections", "Connections to the database.", ["state"], **lives
        )
        self._exporting: set[str] = set()

    def begin(self) -> None:
        """Look at a request that begins, once it is let in."""
        pool: Any = db.engine.pool
        self.pool.labels("in_use").set(pool.checkedout())
        self.pool.labels("idle").set(pool.checkedin())
        if (request.endpoint or "").endswith(".export"):
            self._exporting.add(security.request_id())
            self.exports.inc()

    def count(self, answer: logs.Answer) -> None:
        """Add what became of one request."""
        view = answer.endpoint
        self.requests.labels(view, answer.method, str(answer.status)).inc()
        self.seconds.labels(view).observe(answer.ms / 1000)
        self.statements.labels(view).inc(answer.statements)
        self.database.labels(view).inc(answer.database_ms / 1000)
        self.bytes.labels(view).inc(answer.bytes)
        if answer.kind:
            self.failures.labels(answer.kind.partition(" ")[0]).inc()
        if answer.refused:
            self.refused.labels(answer.refused).inc()
        if view == "account.log_in" and answer.method == "POST" and answer.status >= 400:
            self.log_ins.inc()
        if answer.request in self._exporting:
            self._exporting.discard(answer.request)
            self.exports.dec()

    def told(self) -> bytes:
        """Return the figures of all workers as Prometheus reads them."""
        registry = self.registry
        if FOLDER in os.environ:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)


@contextmanager
def shared(settings: dict[str, Any]) -> Iterator[None]:
    """Within the block, workers that begin keep their figures together in a folder, if any are
    to be told at all."""
    if not settings["METRICS_TOKEN"]:
        yield
        return
    mine, folder = os.getpid(), tempfile.mkdtemp(prefix="redress-metrics-")
    os.environ[FOLDER] = folder
    try:
        yield
    finally:
        if os.getpid() == mine:  # a worker leaves through the blocks of its parent
            shutil.rmtree(folder, ignore_errors=True)


def forget(process: int) -> None:
    """Drop what a worker that has ended counted as being there at the moment."""
    if FOLDER in os.environ:
        multiprocess.mark_process_dead(process)  # type: ignore[no-untyped-call]


def init_app(app: Flask) -> None:
    """Count the requests of `app` and tell of them, where a token is set."""
    if not app.config["METRICS_TOKEN"]:
        return
    values.ValueClass = values.get_value_class()  # type: ignore[no-untyped-call] # it was chosen before the folder was there
    figures = Figures()
    app.extensions["redress_figures"] = figures
    logs.answered.connect(figures.count, weak=False)
    app.before_request(figures.begin)

    @app.get(PATH, endpoint="metrics")
    @security.public
    def tell() -> Response:
        given = request.headers.get("Authorization", "")
        wanted = f"Bearer {current_app.config['METRICS_TOKEN']}"
        if not hmac.compare_digest(given.encode(), wanted.encode()):
            abort(404)
        return Response(figures.told(), content_type=CONTENT_TYPE_LATEST)

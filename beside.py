"""Work that goes on beside the request that began it: a thread of this process, which tells how far
it is, and a lock in the database that tells whether it still lives."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

from flask import Flask, current_app
from flask_babel import force_locale
from sqlalchemy import Connection, Engine, Update, func, select, text
from sqlalchemy.orm import Session

import security
from access import telling

TICK = 0.5
"""Seconds between two figures of the progress."""
BEGINS_WITHIN = 30
"""Seconds that a request waits for its work to hold the lock."""

Progress = Callable[[int, int], None]


def begin(name: str, work: Callable[[int | None, Callable[[], None]], None]) -> None:
    """Start `work` in a thread called `name` and wait until it holds its lock. It is done in the
    name of the current officer and in their language; it is given the officer's number (None:
    nobody) and what to call once it has the lock."""
    officer = security.current_officer()
    number = officer.id if officer else None
    language = security.language()
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    held = Event()

    def run() -> None:
        with app.app_context(), security.acting_for(number), force_locale(language):
            try:
                work(number, held.set)
            finally:
                held.set()

    Thread(target=run, name=name, daemon=True).start()
    held.wait(BEGINS_WITHIN)


@contextmanager
def holding(engine: Engine, kind: int, number: int) -> Iterator[Connection | None]:
    """Hold the advisory lock (`kind`, `number`) and give the connection that holds it; None where
    somebody else does.

    The connection is closed at the end and never used again, so neither the lock nor the name of
    an officer outlives the block; a process that dies loses both.
    """
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.detach()
        if not connection.scalar(select(func.pg_try_advisory_lock(kind, number))):
            yield None
            return
        yield connection


def is_held(session: Session, kind: int, number: int) -> bool:
    """Return whether some process holds the advisory lock (`kind`, `number`)."""
    return bool(session.scalar(_HOLDER, {"first": kind, "second": number}))


def ticker(
    connection: Connection,
    settings: Callable[[], Mapping[str, str]],
    change: Callable[[int, int], Update],
    is_last: Callable[[int, int], bool],
) -> Progress:
    """Return what is told (done, of what) as the work goes on, and writes it down by `change` now
    and then, and when it `is_last`; `settings` name the officer to the database."""
    last = 0.0

    def tick(done: int, of: int) -> None:
        nonlocal last
        if time.monotonic() - last >= TICK or is_last(done, of):
            last = time.monotonic()
            connection.execute(telling(settings(), local=False))
            connection.execute(change(done, of))

    return tick


_HOLDER: Any = text("""
    SELECT EXISTS (
        SELECT FROM pg_locks
        WHERE locktype = 'advisory' AND granted AND objsubid = 2
          AND classid = :first AND objid = :second
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
""")

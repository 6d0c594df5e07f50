"""What one request may ask of the database, and what it did ask.

PostgreSQL ends a statement that runs too long, waits too long for a lock, or leaves a transaction
open. The limits are set for one transaction at a time (`for_transaction`, in the statement that
security sends at its beginning anyway), so that they hold behind a pooler that hands the session
to somebody else afterwards. All statements of a request together have a budget as well: near its
end the limit of the next statement shrinks to what is left.

Commands, imports and exports are no requests in this sense: an export has a budget of its own
(EXPORT_SECONDS), a command or an import runs until it is done.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Any

from flask import current_app, has_request_context, request
from psycopg2 import errors
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import OperationalError

GOES_BACK = ("ROLLBACK TO SAVEPOINT", "RELEASE SAVEPOINT")
"""What is done whatever was spent, and where the transaction may take nothing else."""
ANSWER_SECONDS = 5.0
"""What is given on top to a request whose budget is spent, for the page that says so."""


class DatabaseRefused(OperationalError):
    """The database did not do what it was asked, for a reason that is not in the data. Nothing
    of the open transaction will be kept. It holds no text of the database's."""

    def __init__(self) -> None:
        super().__init__(None, None, Exception(type(self).__name__))


class TooLong(DatabaseRefused):
    """A statement, or all those of this request, took longer than they may."""


class SomebodyElseSaves(DatabaseRefused):
    """Somebody else held what this request wanted to change, for longer than it waits."""


class DiskFull(DatabaseRefused):
    """The database has no room for what was to be written."""


class TakesNoChanges(DatabaseRefused):
    """The database is a copy, or was closed for changes."""


_REFUSALS: tuple[tuple[type[Exception], type[DatabaseRefused]], ...] = (
    (errors.QueryCanceled, TooLong),
    (errors.LockNotAvailable, SomebodyElseSaves),
    (errors.DeadlockDetected, SomebodyElseSaves),
    (errors.DiskFull, DiskFull),
    (errors.ReadOnlySqlTransaction, TakesNoChanges),
)


@dataclass
class Spent:
    """What the statements of one request cost so far. `seconds` is the time that they took,
    `allowed` how long they may take together; `limit` is what the database was told last, and
    `is_short` that this was for a part of the request which is over."""

    allowed: float
    statements: int = 0
    seconds: float = 0.0
    limit: float | None = None
    is_short: bool = False
    refused: str = ""

    @property
    def left(self) -> float:
        """Seconds until the budget is over."""
        return self.allowed - self.seconds


def spent() -> Spent | None:
    """Return what the current request has spent; None outside a request of ours."""
    if not has_request_context() or "REQUEST_SECONDS" not in current_app.config:
        return None
    found: Spent | None = request.environ.get("redress.spent")
    if found is None:
        found = Spent(allowed=float(current_app.config["REQUEST_SECONDS"]))
        request.environ["redress.spent"] = found
    return found


def for_transaction() -> dict[str, str]:
    """Return the settings that limit the transaction which begins now: set each with
    `set_config(name, value, true)`. None outside a request."""
    cost = spent()
    if cost is None:
        return {}
    config = current_app.config
    cost.limit = max(0.001, min(float(config["STATEMENT_SECONDS"]), cost.left))
    return {
        "statement_timeout": _milliseconds(cost.limit),
        "lock_timeout": _milliseconds(config["LOCK_SECONDS"]),
        "idle_in_transaction_session_timeout": _milliseconds(config["IDLE_TRANSACTION_SECONDS"]),
    }


def allow_an_answer() -> None:
    """Give a request whose budget is spent a little more, for a page that says what to do. Roll
    back first: the limits are those of the transaction."""
    cost = spent()
    if cost is not None:
        cost.allowed = cost.seconds + ANSWER_SECONDS


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Give the statements of the block so many seconds together, out of those of the request: for
    a part that a page can do without. Where TooLong comes out of it, the page goes on after a
    rollback to a savepoint from before the block."""
    cost = spent()
    if cost is None:
        yield
        return
    kept = cost.allowed
    cost.allowed = min(kept, cost.seconds + seconds)
    try:
        yield
    finally:
        cost.allowed = kept
        cost.is_short = True


def _milliseconds(seconds: float) -> str:
    return str(max(1, int(seconds * 1000)))


@event.listens_for(Engine, "before_cursor_execute")
def _before(_connection: Connection, cursor: Any, statement: str, *rest: Any) -> None:
    cost = spent()
    if cost is None or statement.startswith(GOES_BACK):
        return
    if cost.left <= 0:
        cost.refused = TooLong.__name__
        raise TooLong
    limit = min(float(current_app.config["STATEMENT_SECONDS"]), cost.left)
    if cost.limit is not None and (limit < cost.limit or cost.is_short):
        cost.limit, cost.is_short = limit, False
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", (_milliseconds(limit),))
    _context((statement, *rest)).redress_began = monotonic()


@event.listens_for(Engine, "after_cursor_execute")
def _after(_connection: Connection, _cursor: Any, *rest: Any) -> None:
    _count(_context(rest))


def _context(rest: tuple[Any, ...]) -> Any:
    """Return the context of a statement out of (sql, values, context, is for many)."""
    return rest[2]


def _count(context: Any) -> None:
    cost = spent()
    began = getattr(context, "redress_began", None)
    if cost is not None and began is not None:
        cost.statements += 1
        cost.seconds += monotonic() - began


@event.listens_for(Engine, "handle_error")
def _explain(failure: ExceptionContext) -> DatabaseRefused | None:
    """Give a refusal of the database its kind, and drop the driver's text with its values."""
    cost = spent()
    if cost is None:
        return None
    _count(failure.execution_context)
    for theirs, ours in _REFUSALS:
        if isinstance(failure.original_exception, theirs):
            cost.refused = ours.__name__
            return ours()
    return None

"""What a restored database is checked against, beyond the rows of each table."""

from collections.abc import Callable
from typing import Any

from psycopg2.extensions import connection


def end_of_trail(session: connection) -> dict[str, Any]:
    """Return the last entry of the audit trail and its hash, as of the session's moment."""
    return {}


def trail(session: connection, end: dict[str, Any], say: Callable[[str], None]) -> None:
    """Verify the chain of the audit trail, and that it ends where the backup says."""


def identities(session: connection, say: Callable[[str], None]) -> None:
    """Open up to 1,000 sealed identities to see that they are whole, where the key is there."""

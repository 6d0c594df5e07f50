"""What an examination is told, and what it says."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from psycopg2.extensions import connection
from psycopg2.sql import Composable


class Level(enum.StrEnum):
    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"


@dataclass(frozen=True)
class Finding:
    """One line: how it stands with one thing, and what to do where it does not stand well."""

    level: Level
    about: str
    sentence: str


@dataclass(frozen=True)
class Deployment:
    """What is examined."""

    settings: Mapping[str, Any]
    instance: Path
    now: datetime
    web: connection | None
    """A session with the login of the web server; None where the database does not answer."""
    owner: connection | None
    """The same for the owner of the tables."""

    @property
    def in_production(self) -> bool:
        return bool(self.settings["PRODUCTION"])

    @property
    def asks(self) -> connection:
        """The session that sees most. Checks of the database run only where there is one."""
        session = self.owner or self.web
        assert session is not None  # noqa: S101  examine() sees to it
        return session


def ok(about: str, sentence: str) -> Finding:
    return Finding(Level.OK, about, sentence)


def warning(about: str, sentence: str) -> Finding:
    return Finding(Level.WARNING, about, sentence)


def wrong(about: str, sentence: str) -> Finding:
    return Finding(Level.WRONG, about, sentence)


def ask(session: connection, question: str | Composable, *values: Any) -> list[tuple[Any, ...]]:
    with session.cursor() as cursor:
        cursor.execute(question, values or None)
        return cursor.fetchall() if cursor.description else []


def listed(names: list[str], most: int = 5) -> str:
    """Return the first names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more

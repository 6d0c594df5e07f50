"""What the panel asks of the database for a page, and how PostgreSQL goes about it."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

import security
from app import create_app
from benchmarks.register import OFFICER, PASSWORD
from models import Record, db

MOST_STATEMENTS = 8
MOST_READ = 100_000
"""Rows of the table that a statement may look at: counts stop at 10,000 of those that match."""


@dataclass
class Asked:
    """The statements of one page, how many of them read `table`, the indexes that answer those,
    and what is wrong."""

    statements: int = 0
    reads: int = 0
    indexes: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)


class Inside:
    """The panel within this process, with a log-in, so that its statements can be seen."""

    def __init__(self, app: Flask, client: FlaskClient) -> None:
        self.app = app
        self._client = client

    def ask(self, path: str, table: str) -> Asked:
        """Ask for the page at `path`; run each of its statements that reads `table` once more to
        see how it is answered."""
        seen: list[tuple[str, Any]] = []

        def note(_connection: Any, _cursor: Any, sql: str, values: Any, *_: Any) -> None:
            seen.append((sql, values))

        with self.app.app_context():
            engine = db.engine
        event.listen(engine, "before_cursor_execute", note)
        try:
            answer = self._client.get(path)
        finally:
            event.remove(engine, "before_cursor_execute", note)
        asked = Asked(len(seen))
        if answer.status_code != 200:
            asked.wrong.append(f"answers {answer.status_code}")
        if len(seen) > MOST_STATEMENTS:
            asked.wrong.append(f"{len(seen)} statements")
        with engine.connect() as connection:
            for sql, values in seen:
                if " OFFSET " in sql.upper():
                    asked.wrong.append("OFFSET")
                if re.search(r"\bcount\(", sql) and "LIMIT" not in sql:
                    asked.wrong.append("an unbounded count")
                if "set_config" in sql:  # who asks: the plan is that of their rights
                    connection.exec_driver_sql(sql, values)
                if re.search(rf"\b(FROM|JOIN) {table}\b", sql):
                    asked.reads += 1
                    explained = f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}"
                    plan = connection.exec_driver_sql(explained, values).scalar_one()
                    self._look_at(plan[0]["Plan"], table, asked)
        return asked

    def _look_at(self, node: dict[str, Any], table: str, asked: Asked) -> None:
        if node.get("Relation Name") == table:
            looked_at = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
            looked_at += node.get("Rows Removed by Index Recheck", 0)
            if looked_at * node["Actual Loops"] > MOST_READ:
                asked.wrong.append(f"looks at {looked_at * node['Actual Loops']:,.0f} rows")
        if "Index Name" in node:
            asked.indexes.add(node["Index Name"])
        for child in node.get("Plans", []):
            self._look_at(child, table, asked)

    def readable_columns(self, model: type[Record]) -> list[str]:
        """Return the columns of `model` that the officer's export has."""
        with self._client:
            self._client.get("/admin/")
            return list(security.readable_columns(model))


@contextmanager
def inside(url: str, username: str = OFFICER) -> Iterator[Inside]:
    """The panel on the database `url`, within this process, with `username` logged in."""
    os.environ["DATABASE_URL"] = url
    app = create_app({"WTF_CSRF_ENABLED": False})
    client = app.test_client()
    answer = client.post("/login", data={"username": username, "password": PASSWORD})
    if answer.status_code not in (302, 303):
        raise SystemExit(f"The benchmark's officer cannot log in ({answer.status_code}).")
    yield Inside(app, client)

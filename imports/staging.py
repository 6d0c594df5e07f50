"""The tables into which an import is read, and the stream that fills them.

They are temporary: they live for one transaction, and nobody else sees them.
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from hashlib import blake2b
from typing import Any

import psycopg2
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Integer,
    MetaData,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID
from sqlalchemy.orm import Session

from imports.reading import Record, Records
from rules import RuleBroken
from rules.import_kinds import every
from rules.import_values import BETWEEN, VALUES, Problem, Row, RowReader, shown

Progress = Callable[[int, int], None]
"""Is told the bytes and the rows that were read, again and again and at the end."""

_CHUNK = 1 << 16
_temporary = MetaData()


def _table(name: str, *columns: Column[Any]) -> Table:
    return Table(name, _temporary, *columns, prefixes=["TEMPORARY"], postgresql_on_commit="DROP")


_TYPES = dict.fromkeys(every("moments"), DateTime(timezone=True)) | dict.fromkeys(
    every("days"), Date()
)

# One row of the file: its values as text except times, or its problems. Fields of other kinds than
# the map's are empty.
STAGED = _table(
    "import_row",
    Column("row_no", Integer, primary_key=True, autoincrement=False),
    Column("line_no", Integer),
    Column("digest", UUID),
    *(Column(name, _TYPES.get(name, Text())) for name in VALUES),
    Column("problems", JSONB),
    Column("warnings", Text),
)

# One category or area that the file names, with each level above it.
NODES = _table(
    "import_node",
    Column("field", Text, primary_key=True),
    Column("path", Text, primary_key=True),
    Column("parent", Text),
    Column("depth", Integer),
    Column("name", Text),
    Column("id", BigInteger),
    Column("needed", Boolean, server_default=text("false")),
)

# One office that the file names.
OFFICES = _table(
    "import_office",
    Column("field", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("code", Text),
    Column("name", Text),
    Column("id", BigInteger),
    Column("clashes", Boolean, server_default=text("false")),
    Column("needed", Boolean, server_default=text("false")),
)

# What becomes of a row.
VERDICTS = _table(
    "import_verdict",
    Column("row_no", Integer, primary_key=True, autoincrement=False),
    Column("outcome", Text),
    Column("reason", Text),
    Column("field", Text),
    Column("detail", Text),
    Column("record_id", BigInteger),
)

# A transaction may check more than one file. The last two are made in judging.py.
_DROP = text("""
    DROP TABLE IF EXISTS pg_temp.import_row, pg_temp.import_node, pg_temp.import_office,
        pg_temp.import_verdict, pg_temp.import_known, pg_temp.import_change CASCADE
""")

_COLUMNS = ("row_no", "line_no", "digest", *VALUES, "problems", "warnings")
_ESCAPES = {ord("\\"): "\\\\", ord("\t"): "\\t", ord("\n"): "\\n", ord("\r"): "\\r"}


def make_tables(session: Session) -> None:
    """Make the tables anew, empty."""
    session.execute(_DROP)
    _temporary.create_all(session.connection(), checkfirst=False)


def stage(session: Session, records: Records, reader: RowReader, progress: Progress) -> int:
    """Read every record into STAGED and return how many there were.

    Raises RuleBroken where the file cannot be read to its end.
    """
    stream = _Stream(records, reader, progress)
    cursor = session.connection().connection.cursor()
    columns = ", ".join(_COLUMNS)
    try:
        cursor.copy_expert(f"COPY {STAGED.name} ({columns}) FROM STDIN", stream, size=_CHUNK)
    except psycopg2.Error:
        if stream.problem is None:
            raise
        raise stream.problem from None
    session.execute(text("ANALYZE import_row"))
    return stream.rows


class _Stream:
    """The staged rows in PostgreSQL's COPY text format, as a file to read from."""

    def __init__(self, records: Records, reader: RowReader, progress: Progress) -> None:
        self._records, self._reader, self._progress = records, reader, progress
        self._remaining = iter(records)
        self._left = ""
        self.rows = 0
        self.problem: RuleBroken | OSError | None = None

    def read(self, size: int) -> str:
        try:
            while len(self._left) < size and (lines := self._next_lines()):
                self._left += lines
        except (RuleBroken, OSError) as problem:
            self.problem = problem  # the driver puts an error of its own in its place
            raise
        result, self._left = self._left[:size], self._left[size:]
        return result

    def _next_lines(self) -> str:
        """Return about a chunk of lines; "" at the end of the file."""
        lines, size = [], 0
        for record in self._remaining:
            lines.append(_staged_line(record, self._reader))
            size += len(lines[-1])
            if size >= _CHUNK:
                break
        self.rows += len(lines)
        self._progress(self._records.bytes_done, self.rows)
        return "".join(lines)


def _staged_line(record: Record, reader: RowReader) -> str:
    if record.broken:
        row = Row(problems=[Problem("quotes", value=shown(record.cells[0]))])
    else:
        row = reader.read(record.cells)
    joined = BETWEEN.join(record.cells).encode("utf-8", "surrogatepass")
    values: list[str | None] = [str(record.row), str(record.line)]
    values.append(blake2b(joined, digest_size=16).hexdigest())
    if row.problems:
        values += [None] * len(VALUES)
        values += [json.dumps([asdict(problem) for problem in row.problems]), None]
    else:
        values += [row.values.get(name) for name in VALUES]
        values += [None, BETWEEN.join(row.warnings) or None]
    return (
        "\t".join("\\N" if value is None else value.translate(_ESCAPES) for value in values) + "\n"
    )

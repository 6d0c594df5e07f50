"""CSV and XLSX files out of a list, however long it is.

    statement = export_select(Grievance, ["number", "title", "category"], base)
    record = begin_export(session, officer_id, Grievance, keys, address, file_name, "csv")
    finish = partial(finish_export, engine, record.id, security.named(officer_id))
    session.commit()                                # the audit row is there before the first byte
    stream = csv_stream(engine, statement, titles, timezone="Europe/London", on_finish=finish)
    Response(stream, mimetype="text/csv", headers={"Content-Disposition": content_disposition(...)})

`base` is the Select of the list: filtered, scoped, searched and ordered, with the primary key last
in its order. `keys` are the columns and many-to-one relations that the officer may see; nothing
here asks who they are. `titles` are the headings in the officer's language, one for each key.
`xlsx_stream` is called the same way. Both raise what is wrong with the request (RuleBroken) when
they are called, before a byte is out; from then on a failure breaks the transfer off. Whoever
holds a stream closes it (WSGI servers do), which ends its query in the database.

What the files hold is in docs/decisions/0010-exports-by-copy.md, and how to undo the formula guard.
"""

import csv
import io
import logging
import re
import tempfile
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from queue import Empty, Full, Queue
from threading import Event, Thread, current_thread
from typing import Any
from urllib.parse import quote

import psycopg2
from psycopg2.extensions import ISOLATION_LEVEL_REPEATABLE_READ
from psycopg2.extensions import connection as PgConnection
from sqlalchemy import (
    ARRAY,
    JSON,
    Boolean,
    ColumnElement,
    DateTime,
    Engine,
    Enum,
    LargeBinary,
    Select,
    String,
    Text,
    and_,
    case,
    cast,
    func,
    inspect,
    literal,
    select,
    type_coerce,
    update,
)
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import LoaderCriteriaOption, Session, aliased
from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from access import telling
from actions.trail import note
from models import ExportRecord, Record, title_sql
from rules import RuleBroken
from rules.records import AuditVerb

BATCH = 64 * 1024
"""Bytes that travel at once: a row at a time takes five times as long."""
BATCHES_WAITING = 8
STALLED = 600
"""Seconds after which a client that takes nothing loses its query."""
ROWS_IN_A_SHEET = 1_048_575
"""Rows of an Excel sheet below its heading."""
TEXT_IN_A_CELL = 32_767
"""Characters, as UTF-16 counts them, in an Excel cell."""
CUT = " […✂]"
"""What stands at the end of a text that was cut to fit an Excel cell."""

Finish = Callable[[int], None]

_log = logging.getLogger(__name__)


class ExportBroken(Exception):
    """An export ended before its end; the transfer is broken off so that nobody takes the part
    for the whole."""


# --- What is exported ------------------------------------------------------------------------


def export_select(
    model: type[Record],
    keys: Sequence[str],
    base: Select[Any],
    scope: Callable[[type[Record]], ColumnElement[bool] | None] = lambda _: None,
) -> Select[Any]:
    """Return the rows of `base` in its order, with the plain columns `keys` in theirs.

    A many-to-one relation shows the title of the other record, as the list does, or "#12" where
    `scope` of its record type says that the officer does not see it; it is empty where there is
    none. A LIMIT or OFFSET of `base` is dropped. Raises ValueError for a key that
    no export may have: it is a mistake in the code that asks.
    """
    mapper = inspect(model)
    statement = base.limit(None).offset(None)
    # Options of loading are about records, and these are plain columns; criteria are about who
    # sees what, and stay.
    statement._with_options = tuple(
        option for option in statement._with_options if isinstance(option, LoaderCriteriaOption)
    )
    columns: list[Any] = []
    for key in keys:
        if key in mapper.relationships:
            relation = mapper.relationships[key]
            other = aliased(relation.mapper.class_)
            if relation.uselist or not relation.mapper.class_.screen:
                raise ValueError(f"{model.__name__}.{key} is not for exports")
            link = getattr(model, key).of_type(other)
            seen = scope(relation.mapper.class_)
            if seen is not None:
                ids = select(relation.mapper.class_.id).where(seen).correlate(None)
                link = link.and_(other.id.in_(ids))
            statement = statement.outerjoin(link)
            title = type_coerce(title_sql(other), Text())
            (own,) = relation.local_columns
            number = func.concat("#", cast(own, Text))
            columns.append(
                case((other.id.is_not(None), title), (own.is_not(None), number)).label(key)
            )
        elif key in mapper.columns and not mapper.columns[key].info.get("secret"):
            columns.append(getattr(model, key).label(key))
        else:
            raise ValueError(f"{model.__name__}.{key} is not for exports")
    if not columns or not model.screen:
        raise ValueError(f"Nothing of {model.__name__} is for export")
    return statement.with_only_columns(*columns, maintain_column_froms=True)


def begin_export(
    session: Session,
    officer_id: int,
    model: type[Record],
    keys: Sequence[str],
    address: str,
    file_name: str,
    format: str,
) -> ExportRecord:
    """Write down that an officer takes a list out, and return that record, with its id.

    `address` is the list's own, with filters, search and sort. The caller commits, before the
    first byte leaves.
    """
    record = ExportRecord(
        officer_id=officer_id,
        record_type=model.__tablename__,
        file_name=file_name[:200],
        format=format,
        address=address or None,
        columns=list(keys),
    )
    session.add(record)
    session.flush()
    facts = {"export_record": record.id, "file_name": record.file_name, "address": address,
             "columns": ", ".join(keys)}  # fmt: skip
    note(
        AuditVerb.EXPORT,
        record_type=model.__tablename__,
        record_id=None,
        changes={name: [None, value] for name, value in facts.items()},
        session=session,
    )
    return record


def finish_export(
    engine: Engine, record_id: int, settings: Callable[[], Mapping[str, str]], rows: int
) -> None:
    """Write down that the export `record_id` is complete, with `rows`, in a transaction of its own
    under the `settings` that name its officer.

    The file has left by then; where this cannot be written, the record stays without its rows.
    """
    table = ExportRecord.__table__
    done = update(table).where(table.c.id == record_id)
    told = {"redress.request_id": ""} | dict(settings())
    try:
        with engine.begin() as transaction:
            transaction.execute(telling(told))
            transaction.execute(done.values(rows=rows, finished_at=func.now()))
    except SQLAlchemyError as problem:
        kind = {"kind": type(problem).__name__}
        _log.warning("export %d left complete but unmarked", record_id, extra=kind)


# --- The file's name -------------------------------------------------------------------------

_NOT_IN_A_NAME = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]+')


def export_file_name(title: str, on: date, extension: str) -> str:
    """Return the name of a file, such as "信访事项 2026-11-22.csv", that every system can keep."""
    # Cf: marks that turn the direction of writing can make a name end as it does not.
    shown = "".join(sign for sign in title if unicodedata.category(sign) not in ("Cf", "Cs"))
    words = " ".join(_NOT_IN_A_NAME.sub(" ", shown).split()).strip(". ")
    return f"{words[:80].strip() or 'export'} {on.isoformat()}.{extension}"


def content_disposition(file_name: str) -> str:
    """Return the header that saves a response under `file_name`, in any language (RFC 6266)."""
    name = _NOT_IN_A_NAME.sub(" ", file_name).strip()
    stem, dot, extension = name.rpartition(".")
    ascii_stem = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode()
    plain = " ".join(re.sub("[%;]", " ", ascii_stem).split()) or "export"
    ending = extension.encode("ascii", "ignore").decode()
    encoded = quote(name.encode("utf-8", "replace"), safe="")
    return f"attachment; filename=\"{plain}{dot}{ending}\"; filename*=UTF-8''{encoded}"


# --- How many at once ------------------------------------------------------------------------


class TooManyExports(RuleBroken):
    """As many exports as may run at once do so already."""


@dataclass(frozen=True)
class Place:
    """Which of the exports that may run at once this one is to be: of `own` that an officer may
    have, and of `all` that there may be. It is held by a lock in the database until the
    transaction of the export ends, however it ends."""

    officer_id: int
    own: int
    all: int


# The locks are tried one after the other, until the first that is free.
_FREE = """
SELECT place FROM generate_series(1, %(most)s) AS place
WHERE pg_try_advisory_xact_lock(hashtextextended(%(whose)s || ':' || place, 0)) LIMIT 1
"""


def require_place(session: Session, place: Place) -> None:
    """Raise TooManyExports where `place` cannot be had at the moment. It is free again with the
    end of the transaction, and taken in earnest by the export itself."""
    connection = session.connection()
    for whose, most, refused in _places(place):
        if connection.exec_driver_sql(_FREE, {"whose": whose, "most": most}).first() is None:
            raise refused


def _take(place: Place, cursor: Any) -> None:
    for whose, most, refused in _places(place):
        cursor.execute(_FREE, {"whose": whose, "most": most})
        if cursor.fetchone() is None:
            raise refused


def _places(place: Place) -> Iterator[tuple[str, int, TooManyExports]]:
    yield (
        f"export of {place.officer_id}",
        place.own,
        TooManyExports(
            "You have %(most)s exports under way already. Wait until one of them is done, or stop"
            " one in your browser.",
            most=place.own,
        ),
    )
    yield (
        "export",
        place.all,
        TooManyExports(
            "The server is busy with the exports of others. Try again in a few minutes."
        ),
    )


# --- The stream ------------------------------------------------------------------------------


class _Gone(Exception):
    """Nobody takes what is sent any more."""


class ExportStream(Iterator[bytes]):
    """The bytes of one export: what `produce` sends from a thread, through a bounded queue.

    `produce(connection, send)` returns how many rows it sent. Iterating raises ExportBroken where
    it fails. `close()` ends the query in the database; it may be called at any time.
    """

    def __init__(
        self,
        connection: PgConnection,
        head: bytes,
        produce: Callable[[PgConnection, Callable[[bytes], None]], int],
        on_finish: Finish | None,
    ) -> None:
        self._connection = connection
        self._head: bytes | None = head
        self._produce = produce
        self._on_finish = on_finish
        self._parts: Queue[bytes | int | ExportBroken] = Queue(BATCHES_WAITING)
        self._closed = Event()
        self._thread: Thread | None = None

    def __next__(self) -> bytes:
        if self._closed.is_set():
            raise StopIteration
        if self._head is not None:
            head, self._head = self._head, None
            self._thread = Thread(target=self._run, name="export", daemon=True)
            self._thread.start()
            return head
        part = self._parts.get()
        if isinstance(part, bytes):
            return part
        self._closed.set()
        if isinstance(part, ExportBroken):
            raise part
        if self._on_finish is not None:
            self._on_finish(part)
        raise StopIteration

    def close(self) -> None:
        """End the export: its query is cancelled, its connection closed."""
        self._closed.set()
        if self._thread in (None, current_thread()):  # it is the last to hold a dropped stream
            self._connection.close()
            return
        for _ in range(50):  # the thread may be about to send the query just now
            with suppress(psycopg2.Error):  # or be done with it
                self._connection.cancel()
            with suppress(Empty):  # or be waiting for room
                while True:
                    self._parts.get_nowait()
            self._thread.join(timeout=0.1)
            if not self._thread.is_alive():
                return

    def __del__(self) -> None:
        self.close()

    def _send(self, part: bytes) -> None:
        if self._closed.is_set():
            raise _Gone
        try:
            self._parts.put(part, timeout=STALLED)
        except Full:
            raise _Gone from None

    def _run(self) -> None:
        # The exception's text may hold a part of the query or of a record: its kind must do.
        end: int | ExportBroken = ExportBroken("The export stopped before its end.")
        try:
            with closing(self._connection):
                end = self._produce(self._connection, self._send)
        except psycopg2.Error as problem:
            end = ExportBroken(
                f"The database ended the export: {type(problem).__name__} {problem.pgcode or ''}"
            )
        except OSError as problem:
            end = ExportBroken(f"The export could not be written: {problem.strerror}")
        except _Gone:
            pass
        finally:
            self._parts.put(end)


@contextmanager
def _opened(
    engine: Engine, timezone: str, settings: Mapping[str, str] | None, place: "Place | None"
) -> Iterator[PgConnection]:
    """A connection of its own, in a transaction that reads one state of the database and has
    taken its `place`. It stays open, unless the block fails."""
    pooled = engine.raw_connection()
    pooled.detach()  # exports last; requests shall not wait for a place in the pool
    connection: PgConnection = pooled.dbapi_connection  # type: ignore[assignment]
    try:
        connection.set_session(isolation_level=ISOLATION_LEVEL_REPEATABLE_READ, readonly=True)
        connection.set_client_encoding("UTF8")
        wanted = {"statement_timeout": "0"} | dict(settings or {})
        wanted |= {"datestyle": "ISO", "timezone": timezone}
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config(name, value, true) FROM unnest(%s, %s) AS setting (name, value)",
                (list(wanted), list(wanted.values())),
            )
            if place is not None:
                _take(place, cursor)
        yield connection
    except BaseException:
        connection.close()
        raise


def _with_values(engine: Engine, connection: PgConnection, statement: Select[Any]) -> bytes:
    """`statement` with its values written in, since COPY takes no parameters.

    psycopg2 quotes them, as it does for every other statement. Raises RuleBroken for a value that
    PostgreSQL has no text for.
    """
    state = statement.compile(dialect=engine.dialect).construct_expanded_state()
    values = {
        name: state.processors[name](value) if name in state.processors else value
        for name, value in state.parameters.items()
    }
    with connection.cursor() as cursor:
        try:
            return cursor.mogrify(state.statement, values)
        except ValueError:  # NUL, or half of a surrogate pair
            raise RuleBroken(
                "The search or a filter holds a character that no text can have. Remove it."
            ) from None


# --- CSV -------------------------------------------------------------------------------------

# What spreadsheets may skip before a formula, zero-width signs included.
_BLANKS = " \t\n\v\f\r\x85\xa0\u1680\u2028\u2029\u202f\u205f\u2060\u3000\ufeff" + "".join(
    map(chr, range(0x2000, 0x200C))
)
_STARTS = "=+-@＝＋－＠"
_GUARDED = f"^['\t\n\r]|^[{_BLANKS}]*[=+\\-@＝＋－＠]"
_MAY_NEED_GUARD = [ord(sign) for sign in f"'{_BLANKS}{_STARTS}"]


def csv_stream(
    engine: Engine,
    statement: Select[Any],
    titles: Sequence[str],
    *,
    timezone: str,
    guard: bool = True,
    settings: Mapping[str, str] | None = None,
    on_finish: Finish | None = None,
    place: Place | None = None,
) -> ExportStream:
    """Return the bytes of `statement` (of export_select) as CSV: UTF-8 with BOM, `titles` first.

    `timezone` is the zone of its times. `guard` puts an apostrophe before texts that a spreadsheet
    would run as a formula. `settings` are set for its transaction (the officer whose rows these
    are). `on_finish(rows)` is called when all of it was taken. `place` is that among those that
    may run at once (TooManyExports). Raises RuleBroken where a filter cannot be searched for,
    SQLAlchemy's errors where there is no database.
    """
    plain = statement.selected_columns
    if len(plain) != len(titles):
        raise ValueError("An export needs a title for each of its columns")
    texts = statement.with_only_columns(
        *(_csv_cell(column, guard).label(column.key) for column in plain),
        maintain_column_froms=True,
    )
    heading = io.StringIO()
    csv.writer(heading, lineterminator="\n").writerow(titles)
    with _opened(engine, timezone, settings, place) as connection:
        query = _with_values(engine, connection, texts)
        copy = b"COPY (" + query + b") TO STDOUT (FORMAT csv, ENCODING 'UTF8')"

        def produce(connection: PgConnection, send: Callable[[bytes], None]) -> int:
            batches = _Batches(send)
            with connection.cursor() as cursor:
                cursor.copy_expert(copy, batches)
                batches.flush()
                return cursor.rowcount

        return ExportStream(connection, heading.getvalue().encode("utf-8-sig"), produce, on_finish)


class _Batches:
    """A file for copy_expert that hands on what is written to it, BATCH bytes at a time."""

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._send = send
        self._rows: list[bytes] = []
        self._size = 0

    def write(self, row: bytes) -> int:
        self._rows.append(row)
        self._size += len(row)
        if self._size >= BATCH:
            self.flush()
        return len(row)

    def flush(self) -> None:
        if self._rows:
            self._send(b"".join(self._rows))
        self._rows, self._size = [], 0


def guarded(text: str) -> str:
    """Return `text` so that no spreadsheet runs it as a formula; as csv_stream guards its cells."""
    return f"'{text}" if re.match(_GUARDED, text) else text


def _csv_cell(column: Any, guard: bool) -> Any:
    """How COPY is to write `column`: what it makes of numbers, days and times is right as it is."""
    kind = column.type
    if isinstance(kind, Boolean | JSON):
        return cast(column, Text)
    if isinstance(kind, LargeBinary):
        return func.encode(column, "hex")
    if isinstance(kind, Enum) or not isinstance(kind, String | ARRAY):
        return column
    text = func.array_to_string(column, ", ") if isinstance(kind, ARRAY) else column
    if not guard:
        return text
    # The first character rules out nearly every text, at a fraction of the pattern's price.
    dangerous = and_(func.ascii(text).in_(_MAY_NEED_GUARD), text.op("~")(_GUARDED))
    return case((dangerous, literal("'").op("||")(text)), else_=text)


# --- XLSX ------------------------------------------------------------------------------------

_NOT_IN_A_CELL = re.compile("\r\n?|[\ufffe\uffff]")


def _in_a_cell(found: re.Match[str]) -> str:
    # Excel ends lines with LF, and XML has no way to write the other two.
    return "\n" if found[0].startswith("\r") else "\ufffd"


def xlsx_stream(
    engine: Engine,
    statement: Select[Any],
    titles: Sequence[str],
    *,
    timezone: str,
    sheet: str = "",
    settings: Mapping[str, str] | None = None,
    on_finish: Finish | None = None,
    place: Place | None = None,
) -> ExportStream:
    """Return the bytes of `statement` as an Excel workbook with one sheet, named `sheet`.

    As csv_stream otherwise, save that a workbook has no byte to give before it is whole: the
    stream begins with an empty part, at which servers send the headers. It is made on disk, in a
    thread. Raises RuleBroken for more rows than a sheet holds.
    """
    plain = list(statement.selected_columns)
    if len(plain) != len(titles):
        raise ValueError("An export needs a title for each of its columns")
    values = statement.with_only_columns(
        *(_xlsx_value(column, timezone).label(column.key) for column in plain),
        maintain_column_froms=True,
    )
    one = statement.with_only_columns(literal(1).label("one"), maintain_column_froms=True)
    many = select(func.count()).select_from(
        one.order_by(None).limit(ROWS_IN_A_SHEET + 1).subquery()
    )
    widths = [_width(column.type, title) for column, title in zip(plain, titles, strict=True)]
    with _opened(engine, timezone, settings, place) as connection:
        with connection.cursor() as cursor:
            cursor.execute(_with_values(engine, connection, many))
            if (cursor.fetchone() or (0,))[0] > ROWS_IN_A_SHEET:
                raise RuleBroken(
                    "An Excel sheet holds %(most)s rows and this list is longer. Filter it, or"
                    " export it as CSV.",
                    most=f"{ROWS_IN_A_SHEET:,}",
                )
        query = _with_values(engine, connection, values)

        def produce(connection: PgConnection, send: Callable[[bytes], None]) -> int:
            # A folder, since XlsxWriter leaves its own files behind where it is interrupted.
            with tempfile.TemporaryDirectory(prefix="redress-export-") as folder:
                path = Path(folder) / "export.xlsx"
                book = Workbook(path, {"constant_memory": True, "tmpdir": folder})
                book.use_zip64()
                page = _Sheet(book, sheet, titles, widths)
                with connection.cursor("export") as rows:
                    rows.itersize = 2000
                    rows.execute(query)
                    for row in rows:
                        page.add(row)
                        if not page.rows % 2000:
                            send(b"")
                book.close()
                with path.open("rb") as file:
                    while part := file.read(BATCH):
                        send(part)
                return page.rows

        return ExportStream(connection, b"", produce, on_finish)


class _Sheet:
    """The one sheet of a workbook, written from top to bottom."""

    def __init__(self, book: Any, name: str, titles: Sequence[str], widths: Sequence[int]) -> None:
        self.rows = 0
        self._page: Worksheet = book.add_worksheet(_sheet_name(name))
        self._day = book.add_format({"num_format": "yyyy-mm-dd"})
        self._moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self._page.freeze_panes(1, 0)
        heading = book.add_format({"bold": True})
        for place, (title, width) in enumerate(zip(titles, widths, strict=True)):
            self._page.set_column(place, place, width)
            self._page.write_string(0, place, title, heading)

    def add(self, values: Sequence[Any]) -> None:
        """Write a row; a cell without a value stays empty."""
        self.rows += 1
        for place, value in enumerate(values):
            if value is None:
                continue
            if isinstance(value, str):
                self._text(place, value)
            elif isinstance(value, bool):
                self._page.write_boolean(self.rows, place, value)
            elif isinstance(value, int | Decimal):
                self._number(place, value)
            elif isinstance(value, date) and value.year >= 1900:  # Excel's time begins there
                style = self._moment if isinstance(value, datetime) else self._day
                self._page.write_datetime(self.rows, place, value, style)
            else:
                self._text(place, str(value))

    def _number(self, place: int, value: int | Decimal) -> None:
        # Excel keeps 15 digits; a longer number is only safe as text.
        if (value.is_finite() and len(value.as_tuple().digits) <= 15
            if isinstance(value, Decimal) else abs(value) < 10**15):  # fmt: skip
            self._page.write_number(self.rows, place, float(value))
        else:
            self._page.write_string(self.rows, place, str(value))

    def _text(self, place: int, value: str) -> None:
        """Write `value` as text, whatever it looks like."""
        value = _NOT_IN_A_CELL.sub(_in_a_cell, value)
        if len(value) > TEXT_IN_A_CELL // 2:
            units = value.encode("utf-16-le")
            if len(units) > TEXT_IN_A_CELL * 2:
                kept = units[: (TEXT_IN_A_CELL - len(CUT)) * 2]
                value = kept.decode("utf-16-le", "ignore") + CUT
        if value.startswith("<r>") and value.endswith("</r>"):
            # XlsxWriter takes such a text for markup of its own; in three pieces it does not.
            self._page.write_rich_string(self.rows, place, "<", "r", value[2:])
        else:
            self._page.write_string(self.rows, place, value)


def _sheet_name(name: str) -> str:
    """`name` as Excel allows it: 31 characters without some signs."""
    words = " ".join(re.sub(r"[\[\]:*?/\\\x00-\x1f]+", " ", name).split())
    return words.strip(" '")[:31].strip(" '") or "Sheet1"


def _xlsx_value(column: Any, timezone: str) -> Any:
    """`column` as a cell can have it: times without their zone, lists and documents as text."""
    kind = column.type
    if isinstance(kind, DateTime) and kind.timezone:
        return func.timezone(timezone, column)
    if isinstance(kind, ARRAY):
        return func.array_to_string(column, ", ")
    if isinstance(kind, JSON):
        return cast(column, Text)
    if isinstance(kind, LargeBinary):
        return func.encode(column, "hex")
    return column


def _width(kind: Any, title: str) -> int:
    """How many characters wide a column is: a sheet in constant memory cannot fit itself."""
    least = 19 if isinstance(kind, DateTime) else 11
    if isinstance(kind, Text | JSON):
        least = 50
    elif isinstance(kind, String) and not isinstance(kind, Enum):
        least = 50 if (kind.length or 0) > 100 else 20
    shown = sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in title)
    return max(least, min(shown + 2, 50))

"""CSV and XLSX: what is in the files, and what happens when something goes wrong on the way."""

import csv
import enum
import io
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from http.client import HTTPConnection, IncompleteRead
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import openpyxl
import psutil
import pytest
from flask import Flask
from sqlalchemy import (
    ARRAY,
    JSON,
    Boolean,
    Date,
    DateTime,
    Engine,
    Integer,
    LargeBinary,
    Numeric,
    Select,
    Text,
    column,
    create_engine,
    event,
    func,
    inspect,
    literal,
    literal_column,
    select,
    text,
)
from sqlalchemy.orm import Session, joinedload, load_only, raiseload, with_loader_criteria
from werkzeug.http import parse_options_header

import exports
import postgres
from access import sign_ticket
from models import (
    RECORD_TYPES,
    AuditEntry,
    Category,
    ExportRecord,
    Grievance,
    Office,
    Officer,
    OfficerSession,
    Record,
    db,
)
from queries.filter_links import parse
from queries.filters import Today, operations
from rules import RuleBroken
from rules.permissions import Role
from security import readable_columns
from tests.factories import SECRET, make_officer

HOME = Path(__file__).parents[1]
DATA = HOME.parent / "shared" / "data"
LONDON = "Europe/London"

_numbers = count()

HARMLESS = [
    "plain", "a,b", 'a "quoted" word', '"', '""', "line\nline", "line\r\nline", "end\n",
    "  both sides  ", "信访事项，第一条", "😀👩‍👩‍👧", "e\u0301", "\\.", "\\N", "NULL", "\\",
    "a\\tb", "%(name)s %s %%", "; x", "a;b", "<b>&amp;</b>", "\u202ereversed", "\ufeffbom", "0123",
    "1e5", "12/11/2026", "TRUE", "x" * 100_000, "",
]  # fmt: skip
FORMULAS = [
    "=1+1", "=cmd|'/c calc'!A1", "+44 20 7946 0000", "-5", "@SUM(A1)", "\t=1", "\rx", "\nx",
    " =1+1", "\u3000=1", "\u00a0@x", "＝1+1", "＋1", "－1", "＠x", '="a,b"', "=\n1", "-", "'=1",
    "'", "''", "'s", " \t =x", "\u2003=1", "\u200b=1", "\ufeff\u3000@x",
]  # fmt: skip


@pytest.fixture(scope="module")
def database_url(template: str) -> Iterator[str]:
    """A database of these tests' own: an export reads what is committed."""
    parts = urlsplit(template)
    name = f"{parts.path[1:]}_exports"
    url = parts._replace(path=f"/{name}").geturl()
    with closing(postgres.connect(parts._replace(path="/postgres").geturl())) as beside:
        beside.cursor().execute(f"CREATE DATABASE {name} TEMPLATE {parts.path[1:]}")
    yield url.replace("postgresql://", "postgresql+psycopg2://")
    postgres.drop_database(url)


@pytest.fixture(scope="module")
def engine(database_url: str) -> Iterator[Engine]:
    engine = create_engine(database_url, hide_parameters=True)
    yield engine
    engine.dispose()


@pytest.fixture
def register(engine: Engine) -> Iterator[Session]:
    """A session whose commits are real; what they leave stays for the tests that follow."""
    with Session(engine) as session:
        yield session


def texts(values: list[str]) -> Select[Any]:
    """Return rows with the column `cell` that holds `values`, in their order."""
    array = literal(values, ARRAY(Text))
    unnested = func.unnest(array).table_valued(column("cell", Text), with_ordinality="place")
    rows = unnested.render_derived()
    return select(rows.c.cell).order_by(rows.c.place)


def many(expression: str, rows: int) -> Select[Any]:
    """Return `rows` rows of the SQL `expression`, in which n counts from 1."""
    source = text(f"generate_series(1, {rows}) AS n")
    return select(literal_column(expression, Text).label("cell")).select_from(source)


def as_csv(engine: Engine, statement: Select[Any], **options: Any) -> bytes:
    titles = [column.key for column in statement.selected_columns]
    return b"".join(
        exports.csv_stream(engine, statement, titles, **({"timezone": LONDON} | options))
    )


def read_csv(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def as_sheet(engine: Engine, statement: Select[Any], **options: Any) -> Any:
    titles = [column.key for column in statement.selected_columns]
    wanted = {"timezone": LONDON, "sheet": "Sheet"} | options
    data = b"".join(exports.xlsx_stream(engine, statement, titles, **wanted))
    return openpyxl.load_workbook(io.BytesIO(data)).active


def sheet_rows(engine: Engine, statement: Select[Any], **options: Any) -> list[tuple[Any, ...]]:
    return list(as_sheet(engine, statement, **options).iter_rows(min_row=2, values_only=True))


def queries_running(engine: Engine, words: str) -> int:
    """Return how many sessions of others are at work on a query with `words` in it."""
    query = text(
        "SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        " AND datname = current_database() AND query LIKE :words AND state = 'active'"
    )
    with engine.connect() as connection:
        return int(connection.scalar(query, {"words": f"%{words}%"}) or 0)


def is_open(engine: Engine, pid: int) -> bool:
    """Return whether the database still has the session `pid`."""
    query = text("SELECT count(*) FROM pg_stat_activity WHERE pid = :pid")
    with engine.connect() as connection:
        return connection.scalar(query, {"pid": pid}) == 1


def session_of(stream: exports.ExportStream) -> int:
    return int(stream._connection.info.backend_pid)


def unused(words: str) -> str:
    """Return a name that no other test has taken: these rows stay in their database."""
    return f"{words} {next(_numbers)}"


def comes_true(condition: Callable[[], bool], seconds: float = 5) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


# --- What a cell holds -----------------------------------------------------------------------


def test_every_text_is_read_back_as_it_is(engine: Engine) -> None:
    values = HARMLESS + FORMULAS
    rows = read_csv(as_csv(engine, texts(values), guard=False))
    assert [row[0] if row else "" for row in rows[1:]] == values


def test_texts_that_spreadsheets_would_run_begin_with_an_apostrophe(engine: Engine) -> None:
    rows = read_csv(as_csv(engine, texts(FORMULAS)))
    assert [row[0] for row in rows[1:]] == [f"'{value}" for value in FORMULAS]


def test_texts_that_no_spreadsheet_runs_have_no_apostrophe(engine: Engine) -> None:
    rows = read_csv(as_csv(engine, texts(HARMLESS)))
    assert [row[0] if row else "" for row in rows[1:]] == HARMLESS


def test_taking_one_leading_apostrophe_off_undoes_the_guard(engine: Engine) -> None:
    values = HARMLESS + FORMULAS
    cells = [row[0] if row else "" for row in read_csv(as_csv(engine, texts(values)))[1:]]
    assert [cell.removeprefix("'") for cell in cells] == values


TYPES = select(
    literal_column("-12", Integer).label("whole"),
    literal_column("-1234.50::numeric(14,2)", Numeric).label("amount"),
    literal_column("true", Boolean).label("flag"),
    literal_column("date '2026-07-01'", Date).label("day"),
    literal_column("timestamptz '2026-07-01 12:30:00.25+00'", DateTime(timezone=True)).label("at"),
    literal_column("ARRAY['handler', 'a,b']", ARRAY(Text)).label("list"),
    literal_column("""jsonb '{"a": ["=1", 2]}'""", JSON).label("document"),
    literal_column("bytea '\\x00ff'", LargeBinary).label("bytes"),
)


def test_every_type_is_written_so_that_a_program_can_read_it(engine: Engine) -> None:
    assert read_csv(as_csv(engine, TYPES))[1] == [
        "-12", "-1234.50", "true", "2026-07-01", "2026-07-01 13:30:00.25+01", "handler, a,b",
        '{"a": ["=1", 2]}', "00ff",
    ]  # fmt: skip


def test_the_first_of_a_list_cannot_be_a_formula_either(engine: Engine) -> None:
    statement = select(literal(["=1", "x"], ARRAY(Text)).label("list"))
    assert read_csv(as_csv(engine, statement))[1] == ["'=1, x"]


def test_times_carry_the_offset_of_the_zone_that_was_asked_for(engine: Engine) -> None:
    winter = literal_column("timestamptz '2026-01-01 23:30+00'", DateTime(timezone=True))
    statement = select(winter.label("at"))
    written = [as_csv(engine, statement, timezone=zone).decode("utf-8-sig").split("\n")[1]
               for zone in (LONDON, "Asia/Shanghai", "Asia/Kathmandu")]  # fmt: skip
    assert written == [
        "2026-01-01 23:30:00+00", "2026-01-02 07:30:00+08", "2026-01-02 05:15:00+05:45",
    ]  # fmt: skip
    assert {datetime.fromisoformat(value) for value in written} == {
        datetime(2026, 1, 1, 23, 30, tzinfo=UTC)
    }


def test_an_empty_text_is_quoted_and_no_text_is_not(engine: Engine) -> None:
    statement = select(literal("", Text).label("a"), literal_column("NULL", Text).label("b"))
    assert as_csv(engine, statement).decode("utf-8-sig") == 'a,b\n"",\n'


def test_headings_may_hold_anything(engine: Engine) -> None:
    statement = select(literal(1).label("a"), literal(2).label("b"), literal(3).label("c"))
    titles = ["编号", 'Received, at "counter"', "two\nlines"]
    data = b"".join(exports.csv_stream(engine, statement, titles, timezone=LONDON))
    assert data.startswith(b"\xef\xbb\xbf")
    assert data.count(b"\xef\xbb\xbf") == 1
    assert read_csv(data)[0] == titles


def test_a_missing_heading_is_a_mistake_in_the_code(engine: Engine) -> None:
    with pytest.raises(ValueError, match="title for each"):
        exports.csv_stream(engine, TYPES, ["one"], timezone=LONDON)


# --- What is asked of the database -----------------------------------------------------------

HOSTILE = [
    "O'Brien", "''", "'; DROP TABLE office; --", "\\'; SELECT 1; --", "100 %", "%(cell)s", "%s",
    "$1", "{}", ":name", "E'\\x41'", "\\", "\\\\", '"', "/*", "--", "中文'；", "\n", "$$x$$",
    "\u2019",
]  # fmt: skip


@pytest.mark.parametrize("value", HOSTILE)
def test_a_hostile_value_of_a_filter_is_only_a_value(engine: Engine, value: str) -> None:
    rows = texts([*HOSTILE, "other"]).subquery()
    statement = select(rows.c.cell).where(rows.c.cell == value)
    assert read_csv(as_csv(engine, statement, guard=False))[1:] == [[value]]
    both = select(rows.c.cell).where(rows.c.cell.in_([value, "other"]))
    assert len(read_csv(as_csv(engine, both, guard=False))) == 3


@pytest.mark.parametrize("value", ["a\0b", "\0", "\ud800"])
@pytest.mark.parametrize("stream", [exports.csv_stream, exports.xlsx_stream])
def test_a_character_that_no_text_has_is_refused_in_words_before_the_first_byte(
    engine: Engine, stream: Any, value: str
) -> None:
    statement = select(literal(1).label("a")).where(literal(value) == "x")
    more = {"sheet": "x"} if stream is exports.xlsx_stream else {}
    opened: list[int] = []
    other = create_engine(engine.url)
    event.listen(other, "connect", lambda new, _: opened.append(new.info.backend_pid))
    with pytest.raises(RuleBroken, match="Remove it"):
        stream(other, statement, ["a"], timezone=LONDON, **more)
    assert len(opened) == 1
    assert comes_true(lambda: not is_open(engine, opened[0]))


def test_nothing_can_be_written_from_within_an_export(engine: Engine) -> None:
    statement = select(func.nextval("grievance_number").label("a"))
    with pytest.raises(exports.ExportBroken, match="ReadOnlySqlTransaction"):
        as_csv(engine, statement)


def test_settings_are_there_for_the_query_and_gone_afterwards(engine: Engine) -> None:
    request = func.current_setting("redress.request_id", True)
    statement = select(func.coalesce(func.nullif(request, ""), "none").label("request"))
    data = as_csv(engine, statement, settings={"redress.request_id": "17"})
    assert read_csv(data)[1] == ["17"]
    assert read_csv(as_csv(engine, statement))[1] == ["none"]


def test_an_export_takes_no_place_in_the_pool_of_connections(database_url: str) -> None:
    small = create_engine(database_url, pool_size=1, max_overflow=0, pool_timeout=1)
    streams = [exports.csv_stream(small, TYPES, ["x"] * 8, timezone=LONDON) for _ in range(3)]
    assert [len(read_csv(b"".join(stream))) for stream in streams] == [2, 2, 2]
    small.dispose()


# --- When it does not go well ----------------------------------------------------------------


def test_a_failure_midway_breaks_the_stream_off_and_tells_no_secret(engine: Engine) -> None:
    finished: list[int] = []
    statement = many("(1 / (150000 - n))::text || ' secret'", 300_000)
    stream = exports.csv_stream(
        engine, statement, ["cell"], timezone=LONDON, on_finish=finished.append
    )
    taken: list[bytes] = []
    with pytest.raises(exports.ExportBroken, match="DivisionByZero") as broken:
        taken.extend(stream)
    assert len(taken) > 1
    assert "secret" not in str(broken.value)
    assert "SELECT" not in str(broken.value)
    assert broken.value.__cause__ is None
    assert finished == []
    assert list(stream) == []


def test_a_database_that_goes_away_breaks_the_stream_off(engine: Engine) -> None:
    stream = exports.csv_stream(engine, many("repeat('lost', 99)", 10**7), ["x"], timezone=LONDON)
    next(stream)
    next(stream)
    with engine.begin() as connection:
        connection.execute(text(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE query LIKE 'COPY%repeat(%lost%' AND pid <> pg_backend_pid()"
        ))  # fmt: skip
    with pytest.raises(exports.ExportBroken):
        list(stream)


@pytest.mark.parametrize(
    "expression", ["repeat('gone away', 200)", "n || 'gone away' || pg_sleep(0.001)::text"]
)
def test_closing_the_stream_ends_its_query_at_once(engine: Engine, expression: str) -> None:
    finished: list[int] = []
    stream = exports.csv_stream(
        engine, many(expression, 10**7), ["x"], timezone=LONDON, on_finish=finished.append
    )
    next(stream)
    pid = session_of(stream)
    assert comes_true(lambda: queries_running(engine, "COPY%gone away") == 1)
    began = time.monotonic()
    stream.close()
    assert time.monotonic() - began < 2
    assert not [thread for thread in threading.enumerate() if thread.name == "export"]
    assert comes_true(lambda: not is_open(engine, pid))
    assert finished == []
    assert list(stream) == []
    stream.close()


def test_a_stream_that_nobody_reads_leaves_no_session_behind(engine: Engine) -> None:
    stream = exports.csv_stream(engine, TYPES, ["x"] * 8, timezone=LONDON)
    pid = session_of(stream)
    assert is_open(engine, pid)
    stream.close()
    assert comes_true(lambda: not is_open(engine, pid))
    forgotten = exports.csv_stream(engine, TYPES, ["x"] * 8, timezone=LONDON)
    forgotten_pid = session_of(forgotten)
    del forgotten
    assert comes_true(lambda: not is_open(engine, forgotten_pid))


def test_a_client_that_takes_nothing_loses_its_query(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "STALLED", 0.2)
    stream = exports.csv_stream(engine, many("repeat('stalled', 99)", 10**7), ["x"],
                                timezone=LONDON)  # fmt: skip
    next(stream)
    assert comes_true(lambda: queries_running(engine, "COPY%stalled") == 1)
    assert comes_true(lambda: queries_running(engine, "COPY%stalled") == 0)
    with pytest.raises(exports.ExportBroken):
        list(stream)


def test_on_finish_is_told_the_rows_once_all_were_taken(engine: Engine) -> None:
    finished: list[int] = []
    stream = exports.csv_stream(
        engine, many("n::text", 12_345), ["x"], timezone=LONDON, on_finish=finished.append
    )
    assert len(read_csv(b"".join(stream))) == 12_346
    assert finished == [12_345]


def test_the_first_byte_does_not_wait_for_the_query(engine: Engine) -> None:
    began = time.monotonic()
    stream = exports.csv_stream(engine, many("pg_sleep(5)::text", 1), ["x"], timezone=LONDON)
    assert next(stream) == b"\xef\xbb\xbfx\n"
    assert time.monotonic() - began < 0.2
    stream.close()


def test_memory_does_not_grow_with_the_rows(engine: Engine) -> None:
    process = psutil.Process()
    before = process.memory_info().rss
    most = size = 0
    stream = exports.csv_stream(engine, many("repeat('x', 200)", 1_000_000), ["x"],
                                timezone=LONDON)  # fmt: skip
    for part in stream:
        size += len(part)
        most = max(most, process.memory_info().rss)
    assert size > 200_000_000
    assert most - before < 64_000_000


# --- A list and its record -------------------------------------------------------------------


def grievances(register: Session, *titles: str, **facts: Any) -> list[Grievance]:
    """Commit grievances with `titles`, a minute apart, the first the oldest."""
    start = datetime(2026, 3, 1, tzinfo=UTC)
    made = [
        Grievance(title=title, received_at=start + timedelta(minutes=place), **facts)
        for place, title in enumerate(titles)
    ]
    register.add_all(made)
    register.commit()
    return made


def test_a_list_keeps_its_rows_and_its_order_and_loses_its_limit(register: Session) -> None:
    made = grievances(register, "one", "two", "three", "four")
    for order, expected in (
        (Grievance.id.desc(), ["four", "three", "two", "one"]),
        (Grievance.title, ["four", "one", "three", "two"]),
    ):
        base = select(Grievance).where(Grievance.id.in_([one.id for one in made]))
        base = base.order_by(order, Grievance.id).limit(2).offset(1)
        statement = exports.export_select(Grievance, ["title", "category", "handler"], base)
        rows = read_csv(as_csv(register.get_bind(), statement))
        assert [row[0] for row in rows[1:]] == expected


def test_relations_show_the_title_of_the_other_record(register: Session) -> None:
    name = unused('Office of, "Repairs"')
    office = Office(name=name, code=unused("code"), level="department")
    officer = Officer(name="=Cmd", username=unused("name"), office=office)
    made = grievances(register, "with", responsible_office=office, handler=officer)
    made += grievances(register, "without")
    base = select(Grievance).where(Grievance.id.in_([one.id for one in made]))
    statement = exports.export_select(
        Grievance, ["responsible_office", "handler", "respondent_office"],
        base.order_by(Grievance.id),
    )  # fmt: skip
    rows = read_csv(as_csv(register.get_bind(), statement))[1:]
    assert rows == [[str(office), f"'{officer}", ""], ["", "", ""]]
    tree = select(Office).where(Office.id == office.id)
    assert read_csv(as_csv(register.get_bind(), exports.export_select(
        Office, ["name", "parent"], tree)))[1:] == [[name, ""]]  # fmt: skip


def test_a_record_is_named_in_its_own_tree(register: Session) -> None:
    top = Office(name=unused("Top"), code=unused("code"), level="district")
    below = Office(name=unused("Below"), code=unused("code"), level="department", parent=top)
    register.add(below)
    register.commit()
    statement = exports.export_select(
        Office, ["parent", "name"], select(Office).where(Office.id == below.id)
    )
    assert read_csv(as_csv(register.get_bind(), statement))[1:] == [[top.name, below.name]]


def test_every_record_type_can_be_exported_whole(register: Session) -> None:
    for model in RECORD_TYPES:
        if not model.screen:
            continue
        mapper = inspect(model)
        keys = [column.key for column in mapper.column_attrs
                if not column.columns[0].info.get("secret")]  # fmt: skip
        keys += [relation.key for relation in mapper.relationships
                 if not relation.uselist and relation.mapper.class_.screen]  # fmt: skip
        statement = exports.export_select(model, keys, select(model).order_by(model.id))
        assert read_csv(as_csv(register.get_bind(), statement))[0] == keys


@pytest.mark.parametrize(
    ("model", "key"),
    [
        (Officer, "password_hash"),
        (OfficerSession, "token_hash"),
        (Grievance, "no_such_column"),
        (Office, "children"),
    ],
)
def test_what_no_officer_may_see_is_never_exported(model: type[Record], key: str) -> None:
    with pytest.raises(ValueError, match="not for exports"):
        exports.export_select(model, ["id", key], select(model))


def test_record_types_without_a_screen_have_no_export_either() -> None:
    hidden = [model for model in RECORD_TYPES if not model.screen]
    assert hidden
    for model in hidden:
        with pytest.raises(ValueError, match="for export"):
            exports.export_select(model, ["id"], select(model))
    for model in RECORD_TYPES:
        for relation in inspect(model).relationships:
            if relation.mapper.class_ in hidden:
                with pytest.raises(ValueError, match="not for exports"):
                    exports.export_select(model, [relation.key], select(model))


def test_how_the_list_loads_its_records_does_not_matter_but_who_sees_them_does(
    register: Session,
) -> None:
    mine, other = grievances(register, unused("mine"), unused("other"))
    base = (
        select(Grievance)
        .where(Grievance.id.in_([mine.id, other.id]))
        .options(
            load_only(Grievance.title),
            joinedload(Grievance.category).load_only(Category.name),
            raiseload("*"),
            with_loader_criteria(Grievance, Grievance.title == mine.title),
        )
    )
    statement = exports.export_select(Grievance, ["title", "category"], base)
    assert read_csv(as_csv(register.get_bind(), statement))[1:] == [[mine.title, ""]]


def test_every_way_to_filter_a_list_can_be_exported(register: Session) -> None:
    office = Office(name=unused("Top"), code=unused("code"), level="district")
    grievances(register, "here", responsible_office=office)
    today = Today(datetime.now(UTC), ZoneInfo(LONDON))
    given = {"text": "he", "number": "7", "date": "2026-03-01", "days": "7", "nothing": "",
             "relation": str(office.id), "dates": "2026-03-01 to 2026-03-02"}  # fmt: skip
    for key in ("title", "version_id", "state", "received_at", "due_at", "responsible_office",
                "is_referred_from_above"):  # fmt: skip
        for name, operation in operations(Grievance, key).items():
            value = "closed" if operation.takes == "choice" else given[operation.takes]
            (one,) = parse(Grievance, [key], [(f"flt0_{key}_{name}", value)], today)
            assert one.clause is not None, (key, name)
            base = select(Grievance).where(one.clause).order_by(Grievance.id)
            statement = exports.export_select(Grievance, ["title"], base)
            asked = [[row] for row in register.scalars(select(base.subquery().c.title))]
            assert read_csv(as_csv(register.get_bind(), statement))[1:] == asked, (key, name)


def test_an_export_is_written_down_before_and_its_rows_after(register: Session) -> None:
    engine = register.get_bind()
    office = Office(name=unused("Top"), code=unused("code"), level="district")
    officer = Officer(name="Taker", username=unused("name"), office=office)
    register.add(officer)
    register.commit()
    ticket = sign_ticket(SECRET, officer.id)
    register.execute(select(func.set_config("redress.ticket", ticket, True)))
    address = "/admin/grievance/?search=信访"
    record = exports.begin_export(
        register, officer.id, Grievance, ["number", "title"], address, "信访事项 2026.csv", "csv"
    )
    register.commit()
    assert (record.rows, record.finished_at, record.columns) == (None, None, ["number", "title"])
    entry = register.scalars(
        select(AuditEntry).where(AuditEntry.verb == "export", AuditEntry.officer_id == officer.id)
    ).one()
    assert entry.record_type == "grievance"
    assert entry.changes is not None
    assert entry.changes["file_name"] == [None, "信访事项 2026.csv"]
    assert entry.changes["address"] == [None, address]
    in_their_name = {"redress.ticket": ticket}
    exports.finish_export(engine, record.id, lambda: in_their_name, 12)
    register.refresh(record)
    assert record.rows == 12
    assert record.finished_at is not None
    assert record.updated_by_id == officer.id


def test_an_export_whose_end_cannot_be_written_down_is_still_delivered(
    caplog: pytest.LogCaptureFixture,
) -> None:
    nowhere = create_engine("postgresql+psycopg2://nobody@/nothing?host=/nonexistent")
    exports.finish_export(nowhere, 1, dict, 12)
    assert "unmarked" in caplog.text


# --- The file's name -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("Grievances 2026-11-22.csv", "Grievances 2026-11-22.csv"),
        ("信访事项 2026-11-22.csv", "2026-11-22.csv"),
        ("信访事项.csv", "export.csv"),
        ("Café “x”; y=z.csv", "Cafe x y=z.csv"),
        ("100% 😀.xlsx", "100.xlsx"),
    ],
)
def test_a_file_name_arrives_whole_and_in_ascii(name: str, plain: str) -> None:
    header = exports.content_disposition(name)
    assert header.encode("ascii")
    kind, options = parse_options_header(header)
    assert (kind, options["filename"]) == ("attachment", name)
    assert parse_options_header(header.partition("; filename*")[0])[1]["filename"] == plain


@pytest.mark.parametrize("name", ["a\r\nSet-Cookie: x=1.csv", 'a"; filename="b.exe', "../../x.csv",
                                  "a\0b.csv", "C:\\x.csv", "\ud800.csv"])  # fmt: skip
def test_a_file_name_adds_nothing_to_the_headers(name: str) -> None:
    header = exports.content_disposition(name)
    assert not set("\r\n\0/\\") & set(header)
    assert header.count('"') == 2
    kind, options = parse_options_header(header)
    assert (kind, list(options)) == ("attachment", ["filename"])


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("信访事项", "信访事项 2026-11-22.csv"),
        ("a/b: <c>", "a b c 2026-11-22.csv"),
        ("..", "export 2026-11-22.csv"),
        ("x\u202egnp", "xgnp 2026-11-22.csv"),
        ("长" * 200, "长" * 80 + " 2026-11-22.csv"),
    ],
)
def test_the_name_of_a_file_says_what_and_when(title: str, name: str) -> None:
    assert exports.export_file_name(title, date(2026, 11, 22), "csv") == name


# --- Over HTTP -------------------------------------------------------------------------------


def server(environ: dict[str, Any], start_response: Any) -> Any:
    """A web application that exports, for gunicorn: /endless never ends and /broken fails."""
    engine = create_engine(os.environ["EXPORTS_DATABASE"])
    rows = {"/endless": "repeat('over http', 99)", "/broken": "(1 / (150000 - n))::text"}
    statement = many(rows[environ["PATH_INFO"]], 10**7)
    start_response("200 OK", [("Content-Type", "text/csv")])
    return exports.csv_stream(engine, statement, ["cell"], timezone=LONDON)


@pytest.fixture(scope="module")
def port(database_url: str) -> Iterator[int]:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        number = int(free.getsockname()[1])
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "--worker-class", "gthread", "--threads", "4", "--bind",
         f"127.0.0.1:{number}", "--log-level", "critical", "--no-control-socket",
         "tests.test_exports:server"],
        cwd=HOME, env=os.environ | {"EXPORTS_DATABASE": database_url, "PYTHONPATH": str(HOME)},
    )  # fmt: skip

    def answers() -> bool:
        with closing(socket.socket()) as trial:
            return trial.connect_ex(("127.0.0.1", number)) == 0

    try:
        assert comes_true(answers, 20)
        yield number
    finally:
        process.terminate()
        process.wait(20)


def test_a_client_that_leaves_ends_the_query(engine: Engine, port: int) -> None:
    with closing(HTTPConnection("127.0.0.1", port, timeout=10)) as client:
        client.request("GET", "/endless")
        assert len(client.getresponse().read(1_000_000)) == 1_000_000
        assert queries_running(engine, "COPY%over http") == 1
    assert comes_true(lambda: queries_running(engine, "COPY%over http") == 0)


def test_a_client_sees_that_a_broken_export_is_not_whole(port: int) -> None:
    with closing(HTTPConnection("127.0.0.1", port, timeout=10)) as client:
        client.request("GET", "/broken")
        response = client.getresponse()
        assert response.status == 200
        with pytest.raises((IncompleteRead, ConnectionError)):
            response.read()


# --- Real records, in and out ----------------------------------------------------------------

REGISTERS = [
    pytest.param(HOME / "demo" / "boston311_sample.csv", "boston311", id="demo"),
    pytest.param(DATA / "sf311_2008-2018_sample10k.csv", "sf311", id="san-francisco"),
    pytest.param(DATA / "boston311_2011h2.csv", "boston311", id="boston"),
]


@pytest.mark.parametrize(("file", "map_name"), REGISTERS)
def test_a_register_leaves_cell_by_cell_as_it_is_in_the_database(
    committed: Flask, file: Path, map_name: str
) -> None:
    if not file.exists():
        pytest.skip(f"The full file {file.name} is not here; it is no part of the project.")
    done = committed.test_cli_runner().invoke(
        args=["import-grievances", str(file), "--map", map_name, "--keep-good"]
    )
    assert done.exit_code == 0, done.output
    client: Any = committed.test_client()
    with committed.app_context():
        officer = make_officer(roles=[Role.ADMINISTRATOR])
        db.session.commit()
        client.log_in(officer)
        with client:
            client.get("/admin/grievance/")
            keys = readable_columns(Grievance)
        expected = list(
            db.session.scalars(
                select(Grievance).order_by(Grievance.received_at.desc(), Grievance.id.desc())
            )
        )
        answer = client.get("/admin/grievance/export/csv/")
        assert answer.status_code == 200
        heading, *rows = read_csv(answer.data)
        assert len(heading) == len(keys)
        assert len(rows) == len(expected) > 2_900
        for record, row in zip(expected, rows, strict=True):
            for key, cell in zip(keys, row, strict=True):
                assert same(getattr(record, key), cell), (record.id, key, cell)
        taken = db.session.scalars(select(ExportRecord)).one()
        assert (taken.rows, taken.columns, taken.officer_id) == (len(rows), keys, officer.id)


def same(value: Any, cell: str) -> bool:
    """Return whether `cell`, read by a program that knows the types, is `value`."""
    if value is None:
        return cell == ""
    if isinstance(value, bool):
        return cell == str(value).lower()
    if isinstance(value, enum.Enum):
        return cell == value.value
    if isinstance(value, datetime):
        return datetime.fromisoformat(cell) == value
    if isinstance(value, int):
        return int(cell) == value
    assert isinstance(value, str | Record)
    return cell.removeprefix("'") == str(value)


# --- XLSX ------------------------------------------------------------------------------------


def test_a_sheet_has_real_numbers_days_times_and_flags(engine: Engine) -> None:
    assert sheet_rows(engine, TYPES) == [(
        -12, -1234.5, True, datetime(2026, 7, 1, 0, 0),  # noqa: DTZ001  Excel knows no zones
        datetime(2026, 7, 1, 13, 30, 0, 250000),  # noqa: DTZ001
        "handler, a,b", '{"a": ["=1", 2]}', "00ff",
    )]  # fmt: skip
    cells = next(as_sheet(engine, TYPES).iter_rows(min_row=2))
    assert [cell.number_format for cell in cells[3:5]] == ["yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss"]


def test_every_text_in_a_sheet_is_text(engine: Engine) -> None:
    values = [*FORMULAS, *HARMLESS, "https://example.org", "<r><t>x</t></r>", "<r></r>", "{=1}"]
    values = [value for value in values if len(value) < 30_000]
    page = as_sheet(engine, texts(values))
    cells = [row[0] for row in page.iter_rows(min_row=2)]
    read = [cell.value or "" for cell in cells]
    assert read == [value.replace("\r\n", "\n").replace("\r", "\n") for value in values]
    assert {cell.data_type for cell in cells if cell.value} <= {"s", "inlineStr"}
    assert not any(cell.hyperlink for cell in cells)


def test_characters_that_xml_forbids_are_seen_and_break_nothing(engine: Engine) -> None:
    values = ["a\x01b", "a\x1fb", "a\x7fb", "a\ufffeb", "a\uffffb", "_x0041_"]
    page = as_sheet(engine, texts(values))
    read = [openpyxl.utils.escape.unescape(row[0].value) for row in page.iter_rows(min_row=2)]
    assert read == ["a\x01b", "a\x1fb", "a\x7fb", "a\ufffdb", "a\ufffdb", "_x0041_"]


def test_a_text_too_long_for_a_cell_ends_with_a_mark(engine: Engine) -> None:
    exact, longer, wide = "x" * 32_767, "x" * 32_768, "😀" * 20_000
    cells = [row[0] for row in sheet_rows(engine, texts([exact, longer, wide]))]
    assert cells[0] == exact
    assert cells[1] == "x" * (32_767 - len(exports.CUT)) + exports.CUT
    assert cells[2].endswith(exports.CUT)
    assert len(cells[2].encode("utf-16-le")) // 2 <= 32_767
    assert set(cells[2].removesuffix(exports.CUT)) == {"😀"}


def test_numbers_and_days_that_excel_cannot_keep_are_text(engine: Engine) -> None:
    statement = select(
        literal_column("9007199254740993", Integer).label("long"),
        literal_column("123456789012345.67", Numeric).label("exact"),
        literal_column("'NaN'::numeric", Numeric).label("none"),
        literal_column("date '1899-12-31'", Date).label("early"),
        literal_column("date '1900-01-01'", Date).label("first"),
    )
    assert sheet_rows(engine, statement) == [(
        "9007199254740993", "123456789012345.67", "NaN", "1899-12-31",
        datetime(1900, 1, 1, 0, 0),  # noqa: DTZ001
    )]  # fmt: skip


def test_the_heading_of_a_sheet_stays_in_sight(engine: Engine) -> None:
    page = as_sheet(engine, TYPES, sheet="信访/事项: [all] and far too long for Excel's taste")
    assert page.freeze_panes == "A2"
    assert all(cell.font.bold for cell in page[1])
    assert page.title == "信访 事项 all and far too long for"
    assert page.column_dimensions["E"].width > page.column_dimensions["A"].width > 8


def test_more_rows_than_a_sheet_holds_are_refused_in_words_before_the_first_byte(
    engine: Engine,
) -> None:
    with pytest.raises(RuleBroken, match="1,048,575 rows"):
        exports.xlsx_stream(
            engine, many("'x'", exports.ROWS_IN_A_SHEET + 1), ["x"], timezone=LONDON, sheet="x"
        )


def test_a_sheet_is_made_in_constant_memory_and_counts_its_rows(engine: Engine) -> None:
    process = psutil.Process()
    before, most = process.memory_info().rss, 0
    finished: list[int] = []
    stream = exports.xlsx_stream(
        engine, many("repeat('x', 500) || n", 100_000), ["x"], timezone=LONDON, sheet="x",
        on_finish=finished.append,
    )  # fmt: skip
    for _ in stream:
        most = max(most, process.memory_info().rss)
    assert finished == [100_000]
    assert most - before < 32_000_000


def test_a_sheet_nobody_waits_for_leaves_neither_query_nor_file(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    statement = many("repeat('no sheet', 99)", 1_000_000)
    stream = exports.xlsx_stream(engine, statement, ["x"], timezone=LONDON, sheet="x")
    pid = session_of(stream)
    next(stream)
    next(stream)
    assert list(tmp_path.iterdir())
    stream.close()
    assert comes_true(lambda: not list(tmp_path.iterdir()))
    assert comes_true(lambda: not is_open(engine, pid))


def test_a_sheet_that_fails_breaks_off_and_leaves_no_file(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    stream = exports.xlsx_stream(
        engine, many("(1 / (3000 - n))::text", 9000), ["x"], timezone=LONDON, sheet="x"
    )
    with pytest.raises(exports.ExportBroken, match="DivisionByZero"):
        list(stream)
    assert not list(tmp_path.iterdir())

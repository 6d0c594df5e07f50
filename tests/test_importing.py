"""CSV files into grievances: every row accounted for, all or nothing, the same again changes
nothing (promise C2)."""

import csv
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import psutil
import pytest
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import func, select, text

import imports
import postgres
from cli import import_grievances
from config import HOME
from imports import reading
from models import AuditEntry, Category, Grievance, ImportBatch, Office, db
from rules import RuleBroken
from rules.grievance import Channel, GrievanceState
from rules.import_map_text import read_map
from rules.offices import AreaLevel, OfficeLevel
from rules.records import AuditVerb, ImportState
from tests.factories import (
    SECRET,
    act_as,
    make_area,
    make_category,
    make_grievance,
    make_office,
    make_officer,
)
from tests.proofs import IS_FULL, size

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DATA = HOME.parent / "shared" / "data"
MAP = """
source = "Old register"
[file]
timezone = "UTC"
[fields]
external_number = "no"
title = "subject"
received_at = "in"
due_at = "due"
closed_at = "out"
answer = "reply"
channel = { column = "how", values = { Phone = "phone", Letter = "letter" } }
category = { path = ["group", "type"], unknown = "make" }
area = { path = [{ value = "District" }, "ward"], unknown = "make" }
[fields.responsible_office]
code = "dept"
name = { column = "dept", values = { W = "Water Board" } }
unknown = "make"
under = { code = "D", name = "The district" }
"""
COLUMNS = [
    "no",
    "subject",
    "in",
    "due",
    "out",
    "reply",
    "how",
    "group",
    "type",
    "ward",
    "dept",
    "spare",
]


def row(number: str, **cells: str) -> list[str]:
    """A record with sensible cells."""
    plain = {"no": number, "subject": f"Matter {number}", "in": "2025-03-01 10:00"} | cells
    return [plain.get(name, "") for name in COLUMNS]


class Bureau:
    """Writes small files and brings them in."""

    def __init__(self, session: Any, folder: Path) -> None:
        self.session, self.folder, self.map = session, folder, MAP

    def file(self, *rows: list[str], header: list[str] | None = None) -> Path:
        path = self.folder / "some.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([header or COLUMNS, *rows])
        return path

    def raw(self, content: bytes) -> Path:
        path = self.folder / "some.csv"
        path.write_bytes(content)
        return path

    def check(self, path: Path) -> imports.Report:
        return imports.check(self.session(), path, read_map(self.map), now=NOW)

    def take(self, *rows: list[str], path: Path | None = None, **options: Any) -> imports.Report:
        """Import, and return the report."""
        path, the_map, session = path or self.file(*rows), read_map(self.map), self.session()
        report = imports.check(session, path, the_map, now=NOW, will_write=True)
        batch = imports.new_batch(session, path.name, "test", path.stat().st_size)
        imports.bring_in(session, the_map, report, batch_id=batch, now=NOW, **options)
        session.expire_all()
        return report

    def one(self, number: str) -> Grievance:
        found = self.session.scalars(
            select(Grievance).where(Grievance.external_number == number)
        ).one()
        assert isinstance(found, Grievance)
        return found

    def count(self, model: Any) -> int:
        return int(self.session.scalar(select(func.count()).select_from(model)))

    def refusals(self, path: Path) -> list[tuple[int, str, str]]:
        return [(one.row, one.column, one.reason) for one in self.check(path).refusals]


@pytest.fixture
def bureau(session: Any, tmp_path: Path) -> Bureau:
    return Bureau(session, tmp_path)


def figures(report: imports.Report) -> dict[str, int]:
    counts = {name: getattr(report, name) for name in imports.OUTCOMES}
    assert report.read == sum(counts.values())
    return {name: count for name, count in counts.items() if count}


# --- What becomes of rows --------------------------------------------------------------------


def test_a_row_becomes_a_grievance_with_its_office_area_and_category(bureau: Bureau) -> None:
    report = bureau.take(
        row(
            "1",
            due="2025-03-05",
            how="phone",
            group="Water",
            type="Leak",
            ward="North",
            dept="W",
            reply="Mended.\nSorry.",
        ),
        row("2", out="2025-03-02", group="Water"),
    )
    assert figures(report) == {"created": 2}
    one, two = bureau.one("1"), bureau.one("2")
    assert (one.title, one.state, one.channel) == ("Matter 1", GrievanceState.ROUTED, Channel.PHONE)
    assert one.received_at == datetime(2025, 3, 1, 10, tzinfo=UTC)
    assert one.answer == "Mended.\nSorry."
    assert str(one.category) == "Leak"
    assert one.category is not None
    assert str(one.category.parent) == "Water"
    assert one.area is not None
    assert (one.area.name, one.area.level) == ("North", AreaLevel.SUBDISTRICT)
    office = one.responsible_office
    assert office is not None
    assert (office.name, office.code, office.level) == ("Water Board", "W", OfficeLevel.DEPARTMENT)
    assert office.parent is not None
    assert (office.parent.code, office.parent.level) == ("D", OfficeLevel.DISTRICT)
    assert (two.state, two.channel) == (GrievanceState.CLOSED, Channel.OTHER)
    assert two.category == one.category.parent
    assert two.area == one.area.parent
    assert one.import_batch is not None
    assert one.import_batch.state == ImportState.IMPORTED
    assert one.number != two.number


def test_the_batch_accounts_for_every_row_and_the_trail_names_the_import(bureau: Bureau) -> None:
    officer = make_officer()
    act_as(officer.id)
    bureau.take(row("1"), row("1"), row("1", subject="Other"), row("", subject="x"), keep_good=True)
    batch = bureau.session.scalars(select(ImportBatch)).one()
    assert (batch.rows_read, batch.rows_created, batch.rows_repeated, batch.rows_refused) == (
        4,
        1,
        1,
        2,
    )
    assert batch.summary["refusals"][0]["row"] == 4
    entry = bureau.session.scalars(
        select(AuditEntry).where(AuditEntry.verb == AuditVerb.IMPORT)
    ).one()
    assert (entry.record_type, entry.record_id, entry.officer_id) == (
        "import_batch",
        batch.id,
        officer.id,
    )
    assert entry.changes["rows_read"] == 4


def trail(bureau: Bureau) -> int:
    """Entries about anything but the batches themselves."""
    return int(
        bureau.session.scalar(select(func.count()).where(AuditEntry.record_type != "import_batch"))
    )


def test_the_same_file_again_changes_nothing(bureau: Bureau) -> None:
    rows = [
        row(
            str(number),
            group="G",
            type=f"T{number % 7}",
            ward="N",
            dept=f"D{number % 5}",
            out="2025-03-02" if number % 3 else "",
        )
        for number in range(50)
    ]
    bureau.take(*rows)
    entries = trail(bureau)
    everything = text("SELECT array_agg(g ORDER BY id) FROM grievance g")
    before = bureau.session.scalar(everything)
    report = bureau.take(*rows)
    after = bureau.session.scalar(everything)
    assert figures(report) == {"unchanged": 50}
    assert report.made["offices"]["count"] == 0
    assert after == before
    assert trail(bureau) == entries


def test_only_what_changed_is_written(bureau: Bureau) -> None:
    bureau.take(row("1"), row("2"), row("3"))
    entries = trail(bureau)
    report = bureau.take(row("1"), row("2", subject="A better title"), row("3"), row("4"))
    assert figures(report) == {"created": 1, "updated": 1, "unchanged": 2}
    assert [bureau.one(number).version_id for number in "1234"] == [1, 2, 1, 1]
    assert trail(bureau) == entries + 2


def test_a_dry_run_writes_nothing_at_all(bureau: Bureau) -> None:
    make_office(code="W")
    offices = bureau.count(Office)
    report = bureau.check(bureau.file(row("1", dept="W", group="G"), row("2", dept="X")))
    assert figures(report) == {"created": 2}
    assert report.made["offices"]["names"] == ["The district (D)", "X (X)"]
    assert report.made["categories"]["names"] == ["G"]
    assert (bureau.count(Grievance), bureau.count(Category)) == (0, 0)
    assert bureau.count(Office) == offices
    assert report.ignored == ["spare"]


def test_one_refused_row_stops_all_unless_the_good_ones_are_to_be_kept(bureau: Bureau) -> None:
    rows = [row("1", group="G"), row("2", out="2025-02-01", group="H", dept="X")]
    with pytest.raises(RuleBroken, match=r"rows are refused \(1\)"):
        bureau.take(*rows)
    assert bureau.count(Grievance) == bureau.count(Category) == 0
    report = bureau.take(*rows, keep_good=True)
    assert figures(report) == {"created": 1, "refused": 1}
    assert [category.name for category in bureau.session.scalars(select(Category))] == ["G"]
    assert report.made["offices"]["count"] == 0


def test_of_rows_with_one_number_the_first_good_one_is_taken(bureau: Bureau) -> None:
    path = bureau.file(
        row("1", out="2025-02-01"),
        row("1", subject="First"),
        row("1", subject="Second"),
        row("1", subject="First"),
        row("1", subject="Second"),
    )
    report = bureau.check(path)
    assert figures(report) == {"created": 1, "repeated": 1, "refused": 3}
    assert [(one.row, one.reason, one.detail) for one in report.refusals[1:]] == [
        (4, "same_number", "3"),
        (6, "same_number", "3"),
    ]
    assert report.refusals[1].sentence() == ("The same number stands in row 3 with other content.")


# --- What is here already --------------------------------------------------------------------


def test_a_blank_cell_erases_nothing(bureau: Bureau) -> None:
    bureau.take(row("1", due="2025-03-05", how="phone", group="G", dept="W", reply="Said."))
    report = bureau.take(row("1"))
    assert figures(report) == {"unchanged": 1}
    assert bureau.one("1").answer == "Said."


def imported(bureau: Bureau, **values: Any) -> Grievance:
    return make_grievance(
        title="Matter 1",
        source="Old register",
        external_number="1",
        received_at=datetime(2025, 3, 1, 10, tzinfo=UTC),
        **values,
    )


def test_an_open_row_does_not_take_back_what_was_done_here(bureau: Bureau) -> None:
    office = make_office(code="W")
    at = datetime(2025, 3, 3, tzinfo=UTC)
    imported(bureau, state=GrievanceState.ANSWERED, answered_at=at, responsible_office_id=office.id)
    bureau.take(row("1", dept="W", subject="New title"))
    one = bureau.one("1")
    assert (one.state, one.answered_at, one.title) == (GrievanceState.ANSWERED, at, "New title")


def test_a_withdrawal_stands_whatever_the_file_says(bureau: Bureau) -> None:
    at = datetime(2025, 3, 3, tzinfo=UTC)
    imported(
        bureau,
        state=GrievanceState.WITHDRAWN,
        withdrawn_at=at,
        withdrawal_statement="It is done.",
    )
    bureau.take(row("1", out="2025-03-04"))
    one = bureau.one("1")
    assert (one.state, one.withdrawn_at, one.closed_at) == (GrievanceState.WITHDRAWN, at, None)


def test_what_the_source_has_open_again_is_opened_with_a_warning(bureau: Bureau) -> None:
    bureau.take(row("1", out="2025-03-04"))
    report = bureau.take(row("1"))
    assert report.warnings == [{"warning": "reopens", "rows": 1, "first": [2]}]
    assert (bureau.one("1").state, bureau.one("1").closed_at) == (GrievanceState.REGISTERED, None)


def test_a_row_that_no_longer_fits_the_register_is_refused(bureau: Bureau) -> None:
    imported(
        bureau, state=GrievanceState.ACKNOWLEDGED, acknowledged_at=datetime(2025, 3, 2, tzinfo=UTC)
    )
    path = bureau.file(row("1", **{"in": "2025-04-01"}))
    assert bureau.refusals(path) == [(2, "in", "does_not_fit")]


def test_another_source_may_use_the_same_number(bureau: Bureau) -> None:
    bureau.take(row("1"))
    bureau.map = MAP.replace("Old register", "Other register")
    assert figures(bureau.take(row("1"))) == {"created": 1}


# --- Offices, areas, categories --------------------------------------------------------------


def test_an_office_is_found_by_its_code_and_then_by_its_name(bureau: Bureau) -> None:
    by_code = make_office(code="X", name="Quite another name")
    by_name = make_office(code="WTR", name="Water Board")
    bureau.take(row("1", dept="X"), row("2", dept="W"))
    assert bureau.one("1").responsible_office_id == by_code.id
    assert bureau.one("2").responsible_office_id == by_name.id


def test_offices_known_by_name_alone_get_codes_and_one_name_is_one_office(bureau: Bureau) -> None:
    make_office(code="ROADS", name="Something else")
    bureau.map = (
        MAP.split("[fields.responsible_office]")[0]
        + """
        responsible_office = { name = "dept", unknown = "make" }
        respondent_office = { name = "spare", unknown = "make" }"""
    )
    report = bureau.take(
        row("1", dept="Roads", spare="Parks"), row("2", dept="Parks", spare="Parks")
    )
    assert sorted(report.made["offices"]["names"]) == ["Parks", "Roads"]
    one, two = bureau.one("1"), bureau.one("2")
    assert one.responsible_office is not None
    assert one.responsible_office.code == "ROADS-2"
    assert one.respondent_office_id == two.responsible_office_id == two.respondent_office_id
    assert figures(bureau.take(row("1", dept="Roads", spare="Parks"))) == {"unchanged": 1}


def test_a_name_that_two_offices_have_is_unclear(bureau: Bureau) -> None:
    make_office(name="Parks")
    make_office(name="Parks")
    bureau.map = (
        MAP.split("[fields.responsible_office]")[0]
        + """
        responsible_office = { name = "dept", unknown = "make" }"""
    )
    assert bureau.refusals(bureau.file(row("1", dept="Parks"))) == [(2, "dept", "unclear_office")]


def test_a_name_that_two_offices_of_the_file_have_is_unclear_too(bureau: Bureau) -> None:
    bureau.map = MAP.replace(
        'name = { column = "dept", values = { W = "Water Board" } }', 'name = "spare"'
    )
    path = bureau.file(
        row("1", dept="A", spare="Parks"),
        row("2", dept="B", spare="Parks"),
        row("3", spare="Parks"),
        row("4", spare="Roads"),
        row("5", dept="R", spare="Roads"),
    )
    assert bureau.refusals(path) == [(4, "dept, spare", "unclear_office")]
    bureau.take(path=path, keep_good=True)
    assert bureau.one("4").responsible_office_id == bureau.one("5").responsible_office_id
    assert figures(bureau.check(path)) == {"unchanged": 4, "refused": 1}


def test_a_map_may_refuse_what_the_register_does_not_know(bureau: Bureau) -> None:
    bureau.map = MAP.replace('"make"', '"refuse"')
    water = make_category(name="Water")
    make_category(name="Leak", parent_id=water.id)
    make_area(name="District")
    make_office(code="W")
    path = bureau.file(
        row("1", group="Water", type="Leak", dept="W"),
        row("2", group="Water", type="Smell"),
        row("3", group="Leak"),
        row("4", dept="Q"),
        row("5", ward="North"),
    )
    report = bureau.check(path)
    assert figures(report) == {"created": 1, "refused": 4}
    assert [(one.row, one.reason, one.value) for one in report.refusals] == [
        (3, "unknown_category", "Water > Smell"),
        (4, "unknown_category", "Leak"),
        (5, "unknown_office", "Q > Q"),
        (6, "unknown_area", "District > North"),
    ]


def test_categories_may_be_of_any_depth_and_grow_below_known_ones(bureau: Bureau) -> None:
    five = '["group", "type", "how", "ward", "spare"]'
    bureau.map = MAP.replace('["group", "type"]', five).replace("channel =", "# channel =")
    make_category(name="A")
    bureau.take(
        row("1", group="A", type="B", how="C", ward="D", spare="E"), row("2", group="B", type="A")
    )
    names = []
    category = bureau.one("1").category
    while category is not None:
        names.append(category.name)
        category = category.parent
    assert names == ["E", "D", "C", "B", "A"]
    assert bureau.count(Category) == 7


def test_a_column_that_is_no_category_does_not_fill_the_register(
    bureau: Bureau, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imports.judging.MOST_NEW", 20)
    path = bureau.file(*(row(str(number), group=f"G{number}") for number in range(21)))
    with pytest.raises(RuleBroken, match="21 new records for category"):
        bureau.check(path)


# --- Files as they come ----------------------------------------------------------------------


def simple(encoding: str = "utf-8", file: str = "") -> str:
    return f"""
source = "S"
[file]
encoding = "{encoding}"
timezone = "UTC"
{file}
[fields]
external_number = "no"
title = "subject"
received_at = "in"
"""


TEXT = 'no,subject,in\r\n1,"Größe, 水 ""x""",2025-03-01\r\n2,"two\r\nlines",2025-03-01\r\n'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_a_file_is_read_in_the_encoding_of_its_map(bureau: Bureau, encoding: str) -> None:
    bureau.map = simple(encoding)
    bureau.take(path=bureau.raw(TEXT.replace("ö", "o").replace("ß", "s").encode(encoding)))
    assert bureau.one("1").title == 'Grosse, 水 "x"'.replace("Grosse", "Grose")
    assert bureau.one("2").title == "two lines"


def test_a_byte_order_mark_is_no_part_of_the_first_column(bureau: Bureau) -> None:
    bureau.map = simple("utf-8")
    bureau.take(path=bureau.raw(b'\xef\xbb\xbf"no",subject,in\n1,a,2025-03-01\n'))
    assert bureau.one("1").title == "a"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_may_end_in_any_way_and_blank_ones_are_no_rows(bureau: Bureau, end: str) -> None:
    bureau.map = simple("latin-1", 'delimiter = ";"\nquote = "\'"')
    lines = ["no;subject;in", "", "1;'Caf\xe9;';2025-03-01", "", "2;b;never", ""]
    report = bureau.check(bureau.raw(end.join(lines).encode("latin-1")))
    assert figures(report) == {"created": 1, "refused": 1}
    assert (report.refusals[0].row, report.refusals[0].line) == (5, 5)


def test_rows_and_lines_are_counted_as_spreadsheets_and_editors_do(bureau: Bureau) -> None:
    bureau.map = simple()
    path = bureau.raw(b'no,subject,in\n1,"a\nb\nc",2025-03-01\n2,"d\ne",soon\n')
    refusal = bureau.check(path).refusals[0]
    assert (refusal.row, refusal.line) == (3, 5)


@pytest.mark.parametrize(("content", "says"), [
    (b"", "The file is empty."),
    (b"\n\n", "The first line of the file must name its columns."),
    (b"no,subject,in\n", "The file has a header and no rows."),
    (b"no,subject\n1,2\n", "The file has no column in, which the map reads for received_at."),
    (b"no,no,subject,in\n", "The header has the column no 2 times"),
    (b'no,subject,in\n1,"a,2025-03-01\n2,b,c\n', "in row 2, which begins in line 2"),
    (b'no,subject,in\n1,"' + b"x\n" * 1_100_000, "is never closed"),
    (b"x" * 5_000_000, "Line 1 is longer than 4000000 characters. Is this a CSV file?"),
    (b"," * 3000 + b"\n", "The first line of the file must name its columns."),
    (b"a," * 3000 + b"\n", "The file has more than 2000 columns."),
    (b"PK\x03\x04\x14\x00\x06\x00\xff\xfe" * 50, "The file has no column no"),
])  # fmt: skip
def test_a_file_that_makes_no_sense_is_refused_with_a_sentence(
    bureau: Bureau, content: bytes, says: str
) -> None:
    bureau.map = simple()
    with pytest.raises(RuleBroken) as caught:
        bureau.check(bureau.raw(content))
    assert says in str(caught.value)
    assert "\0" not in str(caught.value)


def test_a_file_in_another_encoding_than_its_map_says_is_refused(bureau: Bureau) -> None:
    bureau.map = simple("utf-16")
    with pytest.raises(RuleBroken, match="From line 1 on the file is not written in utf-16"):
        bureau.check(bureau.raw(b"\xff\xfen\0o\0\0\xd8,\0"))


def test_damaged_rows_are_refused_one_by_one(bureau: Bureau) -> None:
    bureau.map = simple()
    path = bureau.raw(
        b"no,subject,in\n"
        b"1,fine,2025-03-01\n"
        b"2,too few\n"
        b"3,too,many,2025-03-01\n"
        b'4,"bad" quotes,2025-03-01\n'
        b"5,nul\0nul,2025-03-01\n"
        b"6,caf\xe9,2025-03-01\n"
        b"7,=cmd()|x,2025-03-01\n"
        b"8," + b"y" * 1_000_000 + b",2025-03-01\n"
    )
    report = bureau.check(path)
    assert figures(report) == {"created": 2, "refused": 6}
    assert [(one.row, one.reason) for one in report.refusals] == [
        (3, "cells"),
        (4, "cells"),
        (5, "quotes"),
        (6, "unprintable"),
        (7, "unprintable"),
        (9, "too_long"),
    ]


def test_refused_rows_come_back_and_go_in_once_they_are_put_right(bureau: Bureau) -> None:
    bureau.map = simple("latin-1", 'delimiter = ";"')
    path = bureau.raw(
        'no;subject;in;extra\n1;fine;2025-03-01;e\n2;"caf\xe9;\n;=1+1";soon;\xe4\n;;;\n'.encode(
            "latin-1"
        )
    )
    target = bureau.folder / "refused.csv"
    bureau.take(path=path, keep_good=True)
    bureau.check(path)
    count = imports.write_refused(bureau.session(), path, read_map(bureau.map), target)
    assert count == 2
    with target.open(encoding="latin-1", newline="") as file:
        header, first, second = csv.reader(file, delimiter=";")
    assert header == ["no", "subject", "in", "extra", "row", "column", "reason"]
    assert first == [
        "2",
        "caf\xe9;\n;=1+1",
        "soon",
        "\xe4",
        "3",
        "in",
        "This is no date as the map describes it.",
    ]
    assert second[4:6] == ["4", "no, subject, in"]
    target.write_text(target.read_text("latin-1").replace(";soon;", ";2025-03-02;"), "latin-1")
    report = bureau.take(path=target, keep_good=True)
    assert figures(report) == {"created": 1, "refused": 1}
    assert bureau.one("2").title == "caf\xe9; ;=1+1"


def test_refused_bytes_come_back_as_they_were(bureau: Bureau) -> None:
    bureau.map = simple()
    path = bureau.raw(b"\xef\xbb\xbfno,subject,in\n1,caf\xe9,2025-03-01\n2,b\n")
    bureau.check(path)
    target = bureau.folder / "refused.csv"
    imports.write_refused(bureau.session(), path, read_map(bureau.map), target)
    lines = target.read_bytes().split(b"\n")
    assert lines[0] == b"\xef\xbb\xbfno,subject,in,row,column,reason"
    assert lines[1].startswith(b"1,caf\xe9,2025-03-01,2,subject,")
    assert lines[2].startswith(b'2,b,,3,,"The row has 2 cells')


def test_a_report_stays_small_however_much_is_refused(bureau: Bureau) -> None:
    bureau.map = simple()
    report = bureau.check(bureau.raw(b"no,subject,in\n" + b"1,x,soon\n" * 1500))
    assert (report.refused, len(report.refusals)) == (1500, 200)
    assert report.reasons == [{"reason": "date", "column": "in", "rows": 1500}]
    target = bureau.folder / "refused.csv"
    assert (
        imports.write_refused(
            bureau.session(), bureau.folder / "some.csv", read_map(bureau.map), target
        )
        == 1500
    )


def test_rows_are_never_held_all_at_once(bureau: Bureau) -> None:
    """The reader is a stream: the file's end is not read before its first record is given."""
    path = bureau.file(*(row(str(number)) for number in range(5000)))
    with reading.Records(path, read_map(MAP)) as records:
        next(iter(records))
        assert records.bytes_done < path.stat().st_size / 2


# --- The command, real files, and death ------------------------------------------------------


def test_the_command_reports_and_writes(committed: Flask, tmp_path: Path) -> None:
    runner = FlaskCliRunner(committed)
    file, the_map, out = tmp_path / "a.csv", tmp_path / "m.toml", tmp_path / "out.csv"
    the_map.write_text(simple())
    file.write_text("no,subject,in\n1,a,2025-03-01\n2,b,soon\n")
    arguments = [str(file), "--map", str(the_map)]

    def run(*more: str) -> tuple[int, str]:
        result = runner.invoke(import_grievances, [*arguments, *more])
        return result.exit_code, result.output

    def count() -> int:
        with committed.app_context():
            return int(db.session.scalar(select(func.count(Grievance.id))) or 0)

    code, said = run()
    assert (code, count()) == (1, 0)
    assert "Nothing was imported" in said
    assert "Row 3 (line 3), in “soon”: This is no date" in said
    code, said = run("--dry-run", "--keep-good", "--json", "--refused", str(out))
    assert (code, count(), json.loads(said)["created"]) == (0, 0, 1)
    assert out.read_text().splitlines()[1].startswith("2,b,soon,3,in,")
    code, said = run("--keep-good")
    assert (code, count()) == (0, 1)
    code, said = run("--refused", str(file))
    assert code == 1
    assert "another file" in said
    the_map.write_text("source = ")
    code, said = run()
    assert code == 1
    assert "Line 1 of the map" in said


def test_two_imports_are_not_written_at_the_same_time(committed: Flask, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("no,subject,in\n1,a,2025-03-01\n")
    the_map = read_map(simple())
    with committed.app_context():
        session = db.session()
        imports.check(session, file, the_map, now=NOW, will_write=True)
        with committed.app_context():
            other = db.session()
            assert imports.check(other, file, the_map, now=NOW).created == 1
            with pytest.raises(RuleBroken, match="Another import is being written"):
                imports.check(other, file, the_map, now=NOW, will_write=True)


def test_no_statement_reads_a_table_once_per_row(committed: Flask, tmp_path: Path) -> None:
    """After an import that was rolled back, statistics leave PostgreSQL believing that the register
    is empty, and it plans accordingly; rows must not be compared with all rows even then."""
    path = Bureau(None, tmp_path).file(
        *(row(str(number), dept=f"D{number % 12}", group="G") for number in range(3000))
    )
    the_map = read_map(MAP)

    def bring_in() -> None:
        session = db.session()
        report = imports.check(session, path, the_map, now=NOW, will_write=True)
        batch = imports.new_batch(session, "a", "b", 1)
        imports.bring_in(session, the_map, report, batch_id=batch, now=NOW)

    with committed.app_context():
        bring_in()
        db.session.rollback()
        with db.engine.connect() as connection:
            outside = connection.execution_options(isolation_level="AUTOCOMMIT")
            outside.execute(text("ANALYZE grievance"))
        for _ in range(2):
            bring_in()
            read = dict(
                db.session.execute(
                    text(
                        "SELECT relname, seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables"
                        " WHERE relname = 'grievance' OR relname LIKE 'import%'"
                    )
                ).all()
            )
            assert read["import_row"] > 3000
            assert {name: rows for name, rows in read.items() if rows and rows > 30 * 3000} == {}
            db.session.commit()
            path.write_text(path.read_text().replace("Matter", "Thing"))


def command(url: str, folder: Path, *arguments: str) -> "subprocess.Popen[bytes]":
    """Start the command as a process of its own; what it says goes to files in `folder`."""
    environment = os.environ | {
        "DATABASE_URL": url,
        "REDRESS_INSTANCE": str(folder),
        "REDRESS_SECRET_KEY": SECRET,
    }
    with (folder / "said").open("wb") as said, (folder / "failed").open("wb") as failed:
        return subprocess.Popen(
            [sys.executable, "-m", "flask", "--app", "app", "import-grievances", *arguments],
            cwd=HOME,
            stdout=said,
            stderr=failed,
            env=environment,
        )


def counts(url: str) -> dict[str, int]:
    tables = ("grievance", "office", "category", "area", "import_batch", "audit_entry")
    with closing(postgres.connect(url)) as connection, connection.cursor() as cursor:
        for _ in range(600):  # the server notices that its client died when it next writes to it
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname ="
                " current_database() AND pid <> pg_backend_pid()"
                " AND backend_type = 'client backend'"
            )
            if cursor.fetchone() == (0,):
                break
            time.sleep(0.05)
        cursor.execute("SELECT " + ", ".join(f"(SELECT count(*) FROM {name})" for name in tables))  # noqa: S608
        return dict(zip(tables, cursor.fetchone(), strict=True))


@pytest.mark.proof
def test_killed_at_any_moment_an_import_leaves_nothing_or_all(
    fresh_database: Callable[[], str],
    tmp_path: Path,
    session: Any,
    figures: Callable[[str], None],
) -> None:
    """Promise C2: 5 kills of 3,000 rows; at full size 100 of 50,000 rows, Boston's if they are
    here."""
    rows, kills = size(3000, 50_000), size(5, 100)
    asked = _to_be_killed(rows, session, tmp_path)
    url = fresh_database()
    begun = time.monotonic()
    whole = command(url, tmp_path, *asked)
    assert whole.wait(600) == 0, (tmp_path / "failed").read_text()
    needs = time.monotonic() - begun
    everything = counts(url)
    assert everything["grievance"] == rows
    again, _, _ = run_full(url, tmp_path, *asked)
    assert outcome(again) == {"read": rows, "unchanged": rows}
    after = counts(url)
    named = ("grievance", "office", "category", "area")
    assert [after[name] for name in named] == [everything[name] for name in named]
    url = fresh_database()
    nothing = counts(url)
    killed = attempts = kept = 0
    while killed < kills:
        attempts += 1
        assert attempts < 4 * kills, "it ended before the kill nearly every time"
        moment = needs * secrets.randbelow(1000) / 1000
        process = command(url, tmp_path, *asked)
        time.sleep(moment)
        process.send_signal(signal.SIGKILL)
        killed += process.wait(30) == -signal.SIGKILL
        left = counts(url)
        if IS_FULL:
            print(f"kill {killed} after {moment:.2f} s of {needs:.2f} s: {left}")  # noqa: T201
        assert left in (nothing, everything), f"killed after {moment:.2f} s of {needs:.2f} s"
        if left == everything:
            kept += 1
            url = fresh_database()
    figures(
        f"C2: {killed} kills -9 at random instants of an import of {rows:,} rows ({needs:.1f} s):"
        f" {attempts - kept} x nothing left, {kept} x all, 0 x a part; again: 0 rows changed"
    )


def _to_be_killed(rows: int, session: Any, folder: Path) -> tuple[str, ...]:
    """Return the arguments of the command for a file with that many rows."""
    real = DATA / "boston311_2011h2.csv"
    if IS_FULL and real.exists():
        cut = folder / "boston.csv"
        with (
            real.open(encoding="utf-8-sig", newline="") as whole,
            cut.open("w", newline="") as part,
        ):
            csv.writer(part).writerows(islice(csv.reader(whole), rows + 1))
        return str(cut), "--map", "boston311"
    lines = (
        row(
            str(number),
            group=f"G{number % 9}",
            type=f"T{number % 40}",
            ward=f"N{number % 20}",
            dept=f"D{number % 12}",
        )
        for number in range(rows)
    )
    the_map = folder / "m.toml"
    the_map.write_text(MAP)
    return str(Bureau(session, folder).file(*lines)), "--map", str(the_map)


def full(name: str) -> Path:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"The full file {name} is not here; it is no part of the project.")
    return path


def run_full(url: str, folder: Path, *arguments: str) -> tuple[dict[str, Any], float, float]:
    """Return the report of the command, its seconds and its greatest memory in MB."""
    begun, megabytes = time.monotonic(), 0.0
    process = command(url, folder, *arguments, "--json")
    while process.poll() is None:
        with suppress(psutil.NoSuchProcess):
            megabytes = max(megabytes, psutil.Process(process.pid).memory_info().rss / 2**20)
        time.sleep(0.1)
    assert process.returncode == 0, (folder / "failed").read_text()
    report = json.loads((folder / "said").read_text(encoding="utf-8"))
    return report, time.monotonic() - begun, megabytes


def outcome(report: dict[str, Any]) -> dict[str, int]:
    assert report["read"] == sum(report[name] for name in imports.OUTCOMES)
    return {name: report[name] for name in ("read", *imports.OUTCOMES) if report[name]}


def test_boston_comes_in_whole_in_time_and_in_little_memory(
    fresh_database: Callable[[], str], tmp_path: Path
) -> None:
    file, url = full("boston311_2011h2.csv"), fresh_database()
    report, seconds, megabytes = run_full(url, tmp_path, str(file), "--map", "boston311")
    print(f"Boston: {seconds:.1f} s, {megabytes:.0f} MB")  # noqa: T201
    assert outcome(report) == {"read": 58_251, "created": 58_251}
    assert report["warnings"] == [
        {"warning": "due_before_receipt", "rows": 3, "first": [6698, 6699, 6717]}
    ]
    assert 20 < megabytes < 300
    with closing(postgres.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute("""
            SELECT (SELECT count(*) FROM grievance),
                   (SELECT count(*) FROM grievance WHERE state = 'closed'),
                   (SELECT count(*) FROM office WHERE level = 'department'),
                   (SELECT count(*) FROM category c
                    WHERE NOT EXISTS (SELECT FROM category b WHERE b.parent_id = c.id)),
                   (SELECT count(DISTINCT c.name) FROM category c
                    JOIN category b ON b.id = c.parent_id JOIN category a ON a.id = b.parent_id)
        """)
        assert cursor.fetchone() == (58_251, 54_570, 11, 141, 141)
        cursor.execute("""
            SELECT count(*) FILTER (WHERE due_at < coalesce(closed_at, 'infinity')), count(due_at)
            FROM grievance""")
        # The city's own OVERDUE, and the rows that it left blank but that have a target.
        overdue, with_target = cursor.fetchone()
        assert with_target == 58_251 - 10_981
        assert overdue >= 11_521
        before = counts(url)
    again, seconds, _ = run_full(url, tmp_path, str(file), "--map", "boston311")
    print(f"Boston again: {seconds:.1f} s")  # noqa: T201
    assert outcome(again) == {"read": 58_251, "unchanged": 58_251}
    after = counts(url)
    assert {name: after[name] - before[name] for name in after} == {
        "grievance": 0,
        "office": 0,
        "category": 0,
        "area": 0,
        "import_batch": 1,
        "audit_entry": 3,  # of the batch alone: made, finished, and the act itself
    }


def test_chicago_is_accounted_for_repeated_numbers_and_all(
    fresh_database: Callable[[], str], tmp_path: Path
) -> None:
    file, url = full("chicago_sanitation_code_2000-2014.csv"), fresh_database()
    report, seconds, megabytes = run_full(
        url, tmp_path, str(file), "--map", "chicago_sanitation", "--keep-good"
    )
    print(f"Chicago: {seconds:.1f} s, {megabytes:.0f} MB")  # noqa: T201
    assert outcome(report) == {"read": 74_401, "created": 74_026, "repeated": 3, "refused": 372}
    assert report["reasons"] == [
        {"reason": "same_number", "column": "Service_Request_Number", "rows": 372}
    ]
    assert counts(url)["grievance"] == 74_026


def test_san_francisco_is_accounted_for_negative_durations_and_all(
    fresh_database: Callable[[], str], tmp_path: Path
) -> None:
    file, url = full("sf311_2008-2018_sample10k.csv"), fresh_database()
    report, _, _ = run_full(url, tmp_path, str(file), "--map", "sf311", "--keep-good")
    assert outcome(report) == {"read": 10_000, "created": 9_983, "refused": 17}
    assert report["reasons"] == [{"reason": "before_receipt", "column": "closed_date", "rows": 17}]
    assert report["made"]["offices"]["count"] == 201

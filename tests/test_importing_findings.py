"""CSV files into findings: the same machinery as for grievances, with what is a finding's own."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import select

from cli import import_findings, import_grievances
from models import Finding, ImportBatch, db
from rules import RuleBroken
from rules.import_map_text import read_map
from rules.records import Brings
from rules.supervision import FindingState
from tests.factories import act_as, make_finding, make_office, make_officer
from tests.test_importing import Bureau, figures

MAP = """
source = "Ombudsman"
brings = "findings"
[file]
timezone = "Europe/London"
dates = ["iso", "%d %B %Y"]
[fields]
reference = "no"
found_on = "day"
subject = { columns = ["kind", "verdict"], join = ": " }
facts = ["text", "kind"]
ground = { column = "ground", values = { Late = "no_answer_in_time" } }
closed_on = "closed"
category = { path = [{ value = "Housing" }, "kind"], unknown = "make" }
[fields.severity]
column = "verdict"
values = { Bad = "serious", Redress = "put_right", Fine = "in_order" }
[fields.office]
code = { column = "seq", prefix = "L-" }
name = "landlord"
unknown = "make"
under = { code = "L", name = "Landlords" }
"""
COLUMNS = ["no", "day", "kind", "verdict", "text", "ground", "closed", "seq", "landlord"]


def row(number: str, **cells: str) -> list[str]:
    plain = {
        "no": number,
        "day": "2025-03-01",
        "kind": "Repairs",
        "verdict": "Bad",
        "text": "The roof leaks.",
        "seq": "7",
        "landlord": "Homes Trust",
    } | cells
    return [plain.get(name, "") for name in COLUMNS]


class Findings(Bureau):
    """Writes small files of findings and brings them in."""

    def __init__(self, session: Any, folder: Path) -> None:
        super().__init__(session, folder)
        self.map = MAP

    def file(self, *rows: list[str], header: list[str] | None = None) -> Path:
        return super().file(*rows, header=header or COLUMNS)

    def found(self, number: str) -> Finding:
        return self.session.scalars(select(Finding).where(Finding.reference == number)).one()


@pytest.fixture
def bureau(session: Any, tmp_path: Path) -> Findings:
    return Findings(session, tmp_path)


def test_a_row_becomes_a_finding_with_its_office_and_category(bureau: Findings) -> None:
    report = bureau.take(row("1", day="5 November 2021", ground="Late"))
    one = bureau.found("1")
    assert figures(report) == {"created": 1}
    assert (one.subject, one.facts, one.severity) == ("Repairs: Bad", "The roof leaks.", "serious")
    assert (one.source, one.ground) == ("Ombudsman", "no_answer_in_time")
    assert (one.office.code, one.office.name, one.office.parent.code) == ("L-7", "Homes Trust", "L")
    assert one.category is not None
    assert (one.category.name, one.category.parent.name) == ("Repairs", "Housing")
    assert (one.state, one.found_on) == (FindingState.NOTIFIED, date(2021, 11, 5))
    assert (one.notified_on, one.closed_on) == (date(2021, 11, 5), None)
    assert report.made["offices"]["names"] == ["Landlords (L)", "Homes Trust (L-7)"]


def test_what_asks_nothing_of_the_office_is_closed_on_its_day(bureau: Findings) -> None:
    bureau.take(
        row("1", verdict="Redress"), row("2", verdict="Fine"), row("3", closed="2025-04-02")
    )
    for number, day in (("1", 1), ("2", 1)):
        one = bureau.found(number)
        assert (one.state, one.closed_on) == (FindingState.CLOSED, date(2025, 3, day))
    assert bureau.found("3").closed_on == date(2025, 4, 2)


def test_what_cannot_be_is_refused_with_its_reason(bureau: Findings) -> None:
    path = bureau.file(
        row("1", day="soon"),
        row("2", day=""),
        row("3", verdict="Odd"),
        row("4", verdict="Fine", ground="Late"),
        row("5", seq="", landlord=""),
        row("6", closed="2025-02-01"),
        row("7", kind="", text=""),
        row("8", ground="Cold"),
        row("", text="no number"),
        row("9"),
        row("9", text="other words"),
    )
    assert bureau.refusals(path) == [
        (2, "day", "date"),
        (3, "day", "blank"),
        (4, "verdict", "not_listed"),
        (5, "ground", "ground_of_no_failure"),
        (6, "seq, landlord", "blank"),
        (7, "closed", "before_finding"),
        (8, "text / kind", "blank"),
        (9, "ground", "not_listed"),
        (10, "no", "blank"),
        (12, "no", "same_number"),
    ]
    for one in bureau.check(path).refusals:
        assert "%(" not in one.sentence()


def test_the_same_again_changes_nothing(bureau: Findings, session: Any) -> None:
    rows = row("1"), row("2", verdict="Redress"), row("3", ground="Late")
    bureau.take(*rows)
    versions = [(one.id, one.version_id) for one in session.scalars(select(Finding))]
    assert figures(bureau.take(*rows)) == {"unchanged": 3}
    assert [(one.id, one.version_id) for one in session.scalars(select(Finding))] == versions
    assert figures(bureau.take(row("1"), row("2"), rows[2])) == {"updated": 1, "unchanged": 2}


def test_what_the_office_has_begun_stands(bureau: Findings, session: Any) -> None:
    """A file changes what was found; what the office has done about it since is not the file's."""
    bureau.take(row("1"))
    one, officer = bureau.found("1"), make_officer()
    one.state, one.received_on = FindingState.RECEIVED, date(2025, 3, 4)
    one.received_by_id = officer.id
    session.flush()
    assert figures(bureau.take(row("1", text="The roof leaks badly."))) == {"updated": 1}
    one = bureau.found("1")
    assert (one.state, one.facts) == (FindingState.RECEIVED, "The roof leaks badly.")
    assert one.received_on == date(2025, 3, 4)


def test_a_verdict_changed_on_review_closes_and_opens_what_was_only_told(bureau: Findings) -> None:
    bureau.take(row("1"))
    bureau.take(row("1", verdict="Fine"))
    one = bureau.found("1")
    assert (one.state, one.closed_on) == (FindingState.CLOSED, date(2025, 3, 1))
    report = bureau.take(row("1"))
    assert report.warnings == [{"warning": "reopens", "rows": 1, "first": [2]}]
    one = bureau.found("1")
    assert (one.state, one.closed_on) == (FindingState.NOTIFIED, None)


def test_numbers_are_the_sources_own(bureau: Findings) -> None:
    """Two systems, and the bureau itself, may number alike; one system does so once."""
    office = make_office(code="L-7")
    make_finding(office_id=office.id, reference="1")
    bureau.take(row("1"))
    bureau.map = MAP.replace("Ombudsman", "Another")
    assert figures(bureau.take(row("1"))) == {"created": 1}
    found = bureau.session.scalars(select(Finding).where(Finding.office_id == office.id)).all()
    assert sorted(one.source or "" for one in found) == ["", "Another", "Ombudsman"]


def test_a_batch_knows_what_it_brings_and_the_commands_do_not_mix(
    committed: Flask, tmp_path: Path
) -> None:
    the_map, file = tmp_path / "map.toml", Findings(None, tmp_path).file(row("1"))
    the_map.write_text(MAP)
    runner = FlaskCliRunner(committed)
    arguments = [str(file), "--map", str(the_map)]
    wrong = runner.invoke(import_grievances, arguments)
    assert wrong.exit_code == 1
    assert "The map brings in findings: use flask import-findings." in wrong.output
    assert runner.invoke(import_findings, arguments).exit_code == 0
    with committed.app_context():
        act_as(0)
        batch = db.session.scalars(select(ImportBatch)).one()
        assert (batch.brings, batch.rows_created) == (Brings.FINDINGS, 1)
        assert [one.reference for one in batch.findings] == ["1"]


@pytest.mark.parametrize("state", ["received", "verified", "draft"])
def test_no_map_says_what_the_office_or_a_group_did(state: str) -> None:
    with pytest.raises(RuleBroken, match="it may say closed, notified"):
        read_map(MAP + f'[fields.state]\nvalue = "{state}"\n')

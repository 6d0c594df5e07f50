"""The 33,093 findings of an ombudsman: imported as findings about its landlords, listed, paged,
taken out and rounded up. What is expected is counted from the file by the csv module alone."""

import csv
import html
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import event, func, select, text

from cli import import_findings
from models import Category, Finding, Office, db
from rules.permissions import Role
from rules.supervision import FindingSeverity, FindingState
from tests.conftest import Client, make_app
from tests.factories import (
    act_as,
    make_group_membership,
    make_office,
    make_officer,
    make_supervision_assignment,
    make_supervision_group,
)
from tests.statements import statements
from tests.test_importing import full

FILE = "uk_housing_ombudsman_findings_2020-2026.csv"
ROWS = 33_093
SEVERITIES = {
    "Severe Maladministration": FindingSeverity.GRAVE,
    "Maladministration": FindingSeverity.SERIOUS,
    "Service Failure": FindingSeverity.MINOR,
    "Reasonable Redress": FindingSeverity.PUT_RIGHT,
    "No Maladministration": FindingSeverity.IN_ORDER,
    "Outside Jurisdiction": FindingSeverity.OUTSIDE,
}
WORDS = {
    FindingSeverity.GRAVE: "Grave",
    FindingSeverity.SERIOUS: "Serious",
    FindingSeverity.MINOR: "Minor",
    FindingSeverity.PUT_RIGHT: "Put right",
    FindingSeverity.IN_ORDER: "In order",
    FindingSeverity.OUTSIDE: "Outside",
}


def decided_on(row: dict[str, str]) -> date | None:
    """The day of a row; None where the file has none that can be read as one."""
    if row["decision_date_iso"]:
        return date.fromisoformat(row["decision_date_iso"])
    for form in ("%d %B %Y", "Date %d.%m.%Y", "%B %d %Y", "%d %m %Y"):
        try:
            return datetime.strptime(row["decision_date"].strip(), form).date()  # noqa: DTZ007
        except ValueError:
            continue
    return None


@dataclass
class Register:
    """A bureau into which the file was imported, and the file."""

    app: Flask
    rows: list[dict[str, str]]
    report: dict[str, Any]
    refused: list[dict[str, str]]
    arguments: list[str]

    @property
    def dated(self) -> list[dict[str, str]]:
        return [row for row in self.rows if decided_on(row)]


@pytest.fixture(scope="module")
def register(
    fresh_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Register]:
    """Brought in by the command, once for this file of tests."""
    file, folder = full(FILE), tmp_path_factory.mktemp("ombudsman")
    app = make_app(fresh_database(), folder)
    out = folder / "refused.csv"
    arguments = [str(file), "--map", "housing_ombudsman", "--keep-good", "--json"]
    result = FlaskCliRunner(app).invoke(import_findings, [*arguments, "--refused", str(out)])
    assert result.exit_code == 0, result.output
    with file.open(encoding="utf-8-sig", newline="") as one, out.open(encoding="utf-8") as two:
        rows, refused = list(csv.DictReader(one)), list(csv.DictReader(two))
    with app.app_context(), db.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))
    yield Register(app, rows, json.loads(result.output), refused, arguments)
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def supervisor(register: Register) -> Client:
    """A supervisor whose group is assigned to all landlords, and to no other office."""
    with register.app.app_context():
        act_as(0)
        landlords = db.session.scalars(select(Office).where(Office.code == "HO")).one()
        group = make_supervision_group()
        db.session.execute(text("DELETE FROM supervision_assignment"))
        make_supervision_assignment(group_id=group.id, office_id=landlords.id)
        officer = make_officer(roles=[Role.SUPERVISOR], office_id=make_office().id)
        make_group_membership(group_id=group.id, officer_id=officer.id)
        db.session.commit()
        client: Any = register.app.test_client()
        client.log_in(officer)
    return client  # type: ignore[no-any-return]


# --- Every row is accounted for ----------------------------------------------------------------


def test_every_row_is_taken_or_given_back_with_its_reason(register: Register) -> None:
    report, rows = register.report, register.rows
    undated = [row for row in rows if not decided_on(row)]
    assert len(rows) == ROWS
    assert (report["read"], report["created"]) == (ROWS, ROWS - len(undated))
    assert report["refused"] == len(undated) == 99
    assert [row["id"] for row in register.refused] == [row["id"] for row in undated]
    for back, row in zip(register.refused, undated, strict=True):
        assert {name: back[name] for name in row} == row
        empty = not row["decision_date"]
        assert back["reason"] == (
            "The cell is empty, and the record needs it."
            if empty
            else "This is no date as the map describes it."
        )


def test_findings_stand_at_their_landlords_as_the_file_has_them(register: Register) -> None:
    wanted = Counter(
        (f"HO-{row['landlord_seq']}", SEVERITIES[row["finding"]].value, decided_on(row))
        for row in register.dated
    )
    with register.app.app_context():
        act_as(0)
        found = db.session.execute(
            select(Office.code, Finding.severity, Finding.found_on, func.count())
            .join(Finding.office)
            .group_by(Office.code, Finding.severity, Finding.found_on)
        ).all()
        names = dict(
            db.session.execute(select(Office.code, Office.name).where(Office.parent_id > 0)).all()
        )
        drafts = db.session.scalar(select(func.count()).where(Finding.state == FindingState.DRAFT))
    assert {(code, severity.value, day): n for code, severity, day, n in found} == wanted
    landlords = {row["landlord_seq"]: row["landlord"] for row in register.dated}
    assert names == {f"HO-{seq}": name.strip() or f"HO-{seq}" for seq, name in landlords.items()}
    assert len(landlords) == register.report["made"]["offices"]["count"] - 1
    assert drafts == 0


def test_the_same_file_again_changes_nothing(register: Register) -> None:
    result = FlaskCliRunner(register.app).invoke(import_findings, register.arguments)
    again = json.loads(result.output)
    assert (again["created"], again["updated"], again["refused"]) == (0, 0, 99)
    assert again["unchanged"] == register.report["created"]


# --- The round-up agrees with the file ---------------------------------------------------------


def table(client: Client, key: str, **asked: str) -> list[list[str]]:
    answer = client.get("/admin/supervision/round-up/export/", query_string={"table": key} | asked)
    assert answer.status_code == 200, answer.text
    return list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))


PERIODS = [("2020-01", "2026-06"), ("2024-03", "2024-03"), ("2022-01", "2022-12")]


@pytest.mark.parametrize(("since", "until"), PERIODS)
def test_the_round_up_agrees_with_counts_from_the_file(
    register: Register, supervisor: Client, since: str, until: str
) -> None:
    def is_in(row: dict[str, str]) -> bool:
        day = decided_on(row)
        return day is not None and since <= f"{day:%Y-%m}" <= until

    rows = [row for row in register.rows if is_in(row)]
    by_both = Counter((row["category"], SEVERITIES[row["finding"]]) for row in rows)
    head, *told = table(supervisor, "category", since=since, until=until)
    assert head == ["Category", "Findings", *WORDS.values()]
    assert {line[0]: [int(cell) for cell in line[2:]] for line in told} == {
        category: [by_both[category, severity] for severity in WORDS]
        for category in {row["category"] for row in rows}
    }
    assert sum(int(line[1]) for line in told) == len(rows)
    by_severity = Counter(SEVERITIES[row["finding"]] for row in rows)
    head, *told = table(supervisor, "severity", since=since, until=until)
    assert [int(line[1]) for line in told] == [by_severity[one] for one in WORDS]
    notified, closed = head.index("Notified"), head.index("Closed")
    for line, severity in zip(told, WORDS, strict=True):
        asks = severity in ("grave", "serious", "minor")
        assert int(line[notified if asks else closed]) == by_severity[severity]


def test_the_round_up_of_one_landlord_is_of_it_alone(
    register: Register, supervisor: Client
) -> None:
    with register.app.app_context():
        act_as(0)
        office = db.session.scalars(select(Office).where(Office.code == "HO-28")).one().id
    wanted = Counter(
        SEVERITIES[row["finding"]] for row in register.dated if row["landlord_seq"] == "28"
    )
    _head, *told = table(
        supervisor, "severity", since="2020-01", until="2026-06", office=str(office)
    )
    assert [int(line[1]) for line in told] == [wanted[one] for one in WORDS]


def test_pages_of_supervision_keep_the_statement_budget(
    register: Register, supervisor: Client, figures: Callable[[str], None]
) -> None:
    with register.app.app_context():
        act_as(0)
        office = db.session.scalars(select(Office).where(Office.code == "HO-1")).one().id
    begun = datetime.now().astimezone()
    for path in (
        "/admin/supervision/round-up/?since=2020-01&until=2026-06",
        "/admin/supervision/lists",
        f"/admin/supervision/office/{office}",
    ):
        with statements() as sent:
            assert supervisor.get(path).status_code == 200
        assert len(sent) <= 15, (path, sent)
        assert not [one for one in sent if re.search(r"\bOFFSET\b", one)]
    took = datetime.now().astimezone() - begun
    assert took < timedelta(seconds=20)
    figures(f"round-up, lists and office page over {ROWS:,} findings: {took.total_seconds():.1f} s")


# --- The list: filters, pages, plans, CSV ------------------------------------------------------

BASE = "/admin/finding/"


def asked(register: Register) -> tuple[str, list[dict[str, str]]]:
    """A list of a supervisor, and the rows of the file that it holds: damp and mould, at landlords
    of England, serious or worse, notified."""
    with register.app.app_context():
        act_as(0)
        top = db.session.scalars(select(Office).where(Office.code == "HO")).one().id
        damp = db.session.scalars(select(Category).where(Category.name == "Damp & Mould")).one().id
    link = (
        f"flt0_office_below={top}&flt1_category_equals={damp}&flt2_severity_equals=grave,serious"
        "&flt3_state_equals=notified&flt4_found_on_older=30&sort=found_on"
    )
    wanted = [
        row
        for row in register.dated
        if row["category"] == "Damp & Mould"
        and row["finding"] in ("Severe Maladministration", "Maladministration")
    ]
    return link, wanted


def test_a_filtered_list_has_each_finding_once_over_all_its_pages(
    register: Register, supervisor: Client
) -> None:
    link, wanted = asked(register)
    path: str | None = f"{BASE}?{link}&page_size=200&cols=reference,office"
    seen: list[str] = []
    while path:
        with statements() as sent:
            page = supervisor.get(path)
        assert page.status_code == 200
        assert len(sent) <= 8, sent
        assert not [one for one in sent if re.search(r"\bOFFSET\b", one)]
        counting = [one for one in sent if "count(" in one and "FROM finding" in one]
        assert all("LIMIT" in one for one in counting), counting
        body = page.text.split("</thead>")[1]
        seen += re.findall(r'data-label="Reference"[^>]*>\s*(?:<[^>]*>\s*)*(\d+)', body)
        found = re.search(r'href="([^"]*[?&;]after=[^"]*)"', page.text)
        path = html.unescape(found[1]) if found else None
        if path and path.startswith("?"):
            path = BASE + path
    assert sorted(seen) == sorted(row["id"] for row in wanted)


def test_the_csv_of_a_list_is_exactly_what_is_seen(register: Register, supervisor: Client) -> None:
    link, wanted = asked(register)
    answer = supervisor.get(f"{BASE}export/csv/?{link}&cols=reference,severity")
    rows = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert sorted(line[0] for line in rows[1:]) == sorted(row["id"] for row in wanted)
    assert len(rows[0]) == 2


@pytest.mark.parametrize(
    ("link", "index"),
    [
        ("", "ix_finding_|pk_finding"),
        ("sort=-found_on", "ix_finding_found_on_id"),
        ("sort=-found_on&flt0_severity_equals=grave", "ix_finding_(found_on|severity)_id"),
        ("flt0_office_equals={office}", "ix_finding_(office_id_id|owed)"),
    ],
)
def test_a_page_goes_through_an_index(
    register: Register, supervisor: Client, link: str, index: str
) -> None:
    """Of the very statement that reads the page, as the supervisor's own login runs it."""
    with register.app.app_context():
        act_as(0)
        office = db.session.scalars(select(Office).where(Office.code == "HO-300")).one().id
    plans: list[str] = []

    def explain(_c: Any, cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if re.search(r"FROM finding\b", statement) and not statement.startswith("EXPLAIN"):
            with cursor.connection.cursor() as beside:
                beside.execute(f"EXPLAIN {statement}", parameters)
                plans.append("\n".join(line for (line,) in beside.fetchall()))

    with register.app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", explain)
    try:
        assert supervisor.get(f"{BASE}?{link.format(office=office)}").status_code == 200
    finally:
        event.remove(engine, "before_cursor_execute", explain)
    assert plans
    assert any(re.search(index, plan) for plan in plans), plans


def test_figures_are_printed(register: Register, figures: Callable[[str], None]) -> None:
    report = register.report
    figures(
        f"findings imported: {report['created']:,} of {report['read']:,},"
        f" {report['refused']} refused with their reasons;"
        f" {report['made']['offices']['count'] - 1} landlords as offices"
    )
    assert Path(register.arguments[0]).name == FILE

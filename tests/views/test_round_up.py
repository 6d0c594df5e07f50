"""The round-up of supervision, the lists of supervisors and the page of an office: who sees what,
what counts as what, the files, and what is asked of the database."""

import csv
import io
import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pikepdf
import pytest
from sqlalchemy import select

from models import AuditEntry, ExportRecord, Finding, Office, db
from rules.permissions import Desk, Role, Verb, may
from rules.records import AuditVerb
from rules.round_up import Found, Notices, RoundUp, Visits
from rules.supervision import FindingSeverity, FindingState
from rules.supervisors import LISTS
from tests.factories import (
    act_as,
    make_category,
    make_feedback,
    make_finding,
    make_grievance,
    make_group_membership,
    make_inspection,
    make_office,
    make_officer,
    make_reprimand,
    make_supervision_assignment,
    make_supervision_group,
    make_supervision_notice,
)
from tests.statements import statements

PAGE = "/admin/supervision/round-up/"
MARCH = {"since": "2026-03", "until": "2026-03"}
DAY = date(2026, 3, 10)


@dataclass
class Bureau:
    above: Office
    below: Office
    beside: Office
    number: int = 0

    def notice(self, office: Office, issued: date, due: date, **given: Any) -> None:
        """Make a notice that was issued."""
        self.number += 1
        state = (
            "closed" if "closed_on" in given else "replied" if "replied_on" in given else "issued"
        )
        if "replied_on" in given:
            given |= {"replied_by_id": make_officer().id, "reply": "Done."}
        if "closed_on" in given:
            given |= {"closed_by_id": make_officer().id, "closed_because": "Seen."}
        make_supervision_notice(
            office_id=office.id,
            number=f"SN {self.number}",
            state=state,
            issued_on=issued,
            issued_by_id=make_officer().id,
            reply_due_on=due,
            **given,
        )


def found(office: Office, severity: str = "serious", **given: Any) -> Finding:
    """Make a finding that the office was told of in March; closed where it asks nothing."""
    asks = severity in ("grave", "serious", "minor")
    plain: dict[str, Any] = {"found_on": DAY, "notified_on": DAY, "state": "notified"}
    if not asks:
        plain |= {"state": "closed", "closed_on": DAY}
    return make_finding(office_id=office.id, severity=severity, **plain | given)


def verified(office: Office) -> Finding:
    head, inspector = make_officer().id, make_officer().id
    days = {"received_on": DAY, "replied_on": DAY, "claimed_on": DAY, "verified_on": DAY}
    return found(
        office,
        "grave",
        state="verified",
        **days,
        **{"received_by_id": head, "replied_by_id": head, "claimed_by_id": head},
        verified_by_id=inspector,
        reply="We shall.",
        claim="We did.",
        verdict="Seen.",
        due_on=DAY,
        first_due_on=DAY,
    )


@pytest.fixture
def bureau(session: Any) -> Bureau:
    above = make_office(name="Department of Roads")
    below = make_office(name="Office of Lamps", parent_id=above.id)
    world = Bureau(above, below, make_office(name="Parks"))
    lamps = make_category(name="Lamps")
    verified(above)
    found(above, "grave", category_id=lamps.id)
    found(below, "minor", category_id=lamps.id)
    found(below, "in_order")
    found(world.beside, "minor")
    found(above, "serious", found_on=date(2026, 2, 28))
    found(above, "serious", found_on=date(2026, 4, 1), notified_on=date(2026, 4, 1))
    make_finding(office_id=above.id, severity="grave", found_on=DAY)  # a draft
    make_inspection(office_id=above.id, state="done", planned_on=DAY, done_on=DAY)
    make_inspection(office_id=above.id, state="done", planned_on=DAY, done_on=date(2026, 3, 31))
    hidden = {"office_id": below.id, "planned_on": DAY, "is_unannounced": True}
    make_inspection(**hidden, state="cancelled", cancelled_because="Snow")
    make_inspection(**hidden)
    due, late = date(2026, 3, 24), date(2026, 3, 25)
    world.notice(above, DAY, due, replied_on=due)
    world.notice(above, DAY, late, first_reply_due_on=due, replied_on=late)
    world.notice(above, DAY, due, replied_on=late)
    world.notice(above, DAY, due)
    world.notice(above, DAY, due, closed_on=late)
    world.notice(below, DAY, due, closed_on=due)
    world.notice(below, DAY, security_today() + timedelta(days=30))
    world.notice(world.beside, DAY, due, replied_on=due)
    make_supervision_notice(office_id=above.id)  # a draft
    return world


def security_today() -> date:
    return date.today()  # noqa: DTZ011  a month from it is a month from anybody's


def table(client: Any, key: str, **asked: Any) -> dict[str, list[str]]:
    answer = client.get(f"{PAGE}export/", query_string={"table": key} | MARCH | asked)
    assert answer.status_code == 200, answer.text
    rows = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))
    return {row[0]: row[1:] for row in rows[1:]}


# --- What counts as what -----------------------------------------------------------------------


def test_visits_findings_and_notices_count_in_the_month_in_which_they_began(
    as_role: Any, bureau: Bureau
) -> None:
    client = as_role(Role.AUDITOR, office_id=bureau.above.id)
    whole = table(client, "whole", office=bureau.above.id)
    assert {name: cells[0] for name, cells in whole.items()} == {
        "Visits made": "2",
        "Offices visited": "1",
        "Visits planned and cancelled": "1",
        "Findings": "4",
        "Findings that ask something of an office": "3",
        "Of these, seen to be put right": "1",
        "Notices issued": "7",
        "Notices whose time is over": "5",
        "Of these, answered within the time given": "2",
        "Share of these": "40",
    }
    severity = table(client, "severity", office=bureau.above.id)
    assert severity["Grave"] == ["2", "1", "0", "0", "0", "0", "1", "0"]
    assert severity["In order"] == ["1", "0", "0", "0", "0", "0", "0", "1"]
    assert [cells[0] for cells in severity.values()] == ["2", "0", "1", "0", "1", "0"]
    assert table(client, "category", office=bureau.above.id) == {
        "Lamps": ["2", "1", "0", "1", "0", "0", "0"],
        "Without a category": ["2", "1", "0", "0", "0", "1", "0"],
    }
    assert [cells[0] for cells in table(client, "notices", office=bureau.above.id).values()] == [
        *("1", "1", "1", "2", "1", "1")
    ]
    assert table(client, "whole")["Findings"] == ["5"]


def test_a_finding_that_is_closed_otherwise_is_no_success() -> None:
    states = (FindingState.VERIFIED, FindingState.CLOSED, FindingState.NOTIFIED)
    one = RoundUp(
        Visits(),
        tuple(Found(FindingSeverity.MINOR, state, None, 10) for state in states),
        Notices(),
    )
    assert one.put_right() == (10, 30)


def test_notices_add_up() -> None:
    notices = Notices(1, 2, 4, 8, 16, 32)
    assert (notices.answered, notices.ended, notices.issued) == (3, 15, 63)


# --- Who sees what -----------------------------------------------------------------------------


@pytest.mark.parametrize("role", Role)
def test_who_reads_supervision_sees_its_own_offices(
    role: Role, as_role: Any, bureau: Bureau
) -> None:
    client = as_role(role, office_id=bureau.above.id)
    paths = (PAGE, "/admin/supervision/lists", f"/admin/supervision/office/{bureau.below.id}")
    reads = may(frozenset({role}), Desk.SUPERVISION, Verb.READ)
    for path in paths:
        assert client.get(path).status_code == (200 if reads else 403)
    if not reads:
        assert client.get(f"{PAGE}english.pdf").status_code == 403
        return
    everything = role in (Role.ADMINISTRATOR, Role.DECIDER, Role.AUDITOR)
    assert table(client, "whole")["Findings"] == ["5" if everything else "4"]
    # A visit without notice that never began is not told to the office.
    told = role is Role.SUPERVISOR or everything
    assert table(client, "whole")["Visits planned and cancelled"] == ["1" if told else "0"]
    beside = f"/admin/supervision/office/{bureau.beside.id}"
    assert client.get(beside).status_code == (200 if everything else 404)
    answer = client.get(f"{PAGE}?office={bureau.beside.id}")
    assert answer.status_code == (200 if everything else 404)


def test_a_visitor_logs_in_first(client: Any) -> None:
    for path in (PAGE, "/admin/supervision/lists", "/admin/supervision/office/1"):
        assert client.get(path).location.startswith("/login")


def test_a_supervisor_sees_the_offices_their_group_is_assigned_to(
    as_role: Any, bureau: Bureau, session: Any
) -> None:
    client = as_role(Role.SUPERVISOR, office_id=make_office().id)
    assert table(client, "whole")["Findings"] == ["0"]
    group = make_supervision_group()
    make_supervision_assignment(group_id=group.id, office_id=bureau.above.id)
    make_group_membership(group_id=group.id, officer_id=client.officer_id)
    assert table(client, "whole")["Findings"] == ["4"]
    page = client.get("/admin/supervision/lists").text
    assert f"/admin/supervision/office/{bureau.below.id}" in page
    assert "Parks" not in page
    page = client.get(f"/admin/supervision/office/{bureau.below.id}").text
    assert group.name in page
    assert "together with Department of Roads" in page


# --- Files -------------------------------------------------------------------------------------


def test_a_file_is_written_down_before_it_leaves(as_role: Any, bureau: Bureau) -> None:
    client = as_role(Role.SUPERVISOR, office_id=bureau.above.id)
    table(client, "category", office=bureau.above.id)
    act_as(0)
    record = db.session.scalars(select(ExportRecord).order_by(ExportRecord.id.desc())).first()
    assert record is not None
    assert (record.officer_id, record.record_type, record.format) == (
        client.officer_id,
        "finding",
        "csv",
    )
    assert record.finished_at is not None
    entry = db.session.scalars(
        select(AuditEntry).where(AuditEntry.verb == AuditVerb.EXPORT)
    ).first()
    assert entry is not None


@pytest.mark.parametrize(
    ("language", "says"),
    [("english", "Round-up of supervision, Mar 2026"), ("chinese", "2026")],
)
def test_all_of_it_is_a_tagged_pdf_in_both_languages(
    as_role: Any, bureau: Bureau, language: str, says: str
) -> None:
    client = as_role(Role.SUPERVISOR, office_id=bureau.above.id)
    path = f"{PAGE}{language}.pdf"
    answer = client.get(path, query_string=MARCH)
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    with pikepdf.open(io.BytesIO(answer.data)) as pdf:
        assert bool(pdf.Root.MarkInfo.Marked)
        assert str(pdf.Root.Lang).startswith("zh" if language == "chinese" else "en")
        with pdf.open_metadata() as meta:
            assert says in str(meta["dc:title"])
    assert client.get(path, query_string=MARCH).data == answer.data
    act_as(0)
    formats = db.session.scalars(select(ExportRecord.format)).all()
    assert formats == ["pdf", "pdf"]
    assert client.get(f"{PAGE}latin.pdf").status_code == 404


def test_categories_of_one_name_are_told_apart(as_role: Any, bureau: Bureau) -> None:
    for above in ("Roads", "Parks"):
        parent = make_category(name=above)
        other = make_category(name="Other", parent_id=parent.id)
        found(bureau.above, category_id=other.id)
    told = table(as_role(Role.AUDITOR), "category")
    assert {"Roads › Other", "Parks › Other", "Lamps"} <= set(told)


def test_formulas_in_names_are_not_run(as_role: Any, bureau: Bureau) -> None:
    found(bureau.above, category_id=make_category(name="=HYPERLINK(1)").id)
    assert "'=HYPERLINK(1)" in table(as_role(Role.AUDITOR), "category")


# --- What is asked -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("since=2026-13", 400),
        ("since=soon", 400),
        ("since=2026-05&until=2026-01", 400),
        ("since=1800-01&until=2026-01", 400),
        ("office=abc", 404),
        ("office=99999999999999999999", 404),
        ("office=999999999", 404),
        ("since=%00", 400),
    ],
)
def test_what_cannot_be_asked_is_refused_in_words(
    as_role: Any, bureau: Bureau, query: str, status: int
) -> None:
    answer = as_role(Role.AUDITOR).get(f"{PAGE}?{query}")
    assert answer.status_code == status
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("office", ["0", "abc", "99999999999999999999", "999999999"])
def test_no_office_is_not_found(as_role: Any, bureau: Bureau, office: str) -> None:
    assert as_role(Role.AUDITOR).get(f"/admin/supervision/office/{office}").status_code == 404
    assert as_role(Role.AUDITOR).get(f"{PAGE}export/?table=none").status_code == 404


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.AUDITOR, Role.OFFICE_HEAD, Role.HANDLER])
def test_pages_keep_their_budget(as_role: Any, bureau: Bureau, role: Role) -> None:
    client = as_role(role, office_id=bureau.above.id)
    office = f"/admin/supervision/office/{bureau.above.id}"
    for path in (PAGE, "/admin/supervision/lists", office):
        client.get(path)
        with statements() as sent:
            assert client.get(path).status_code == 200
        assert len(sent) <= 15, (path, sent)


# --- The page of an office ---------------------------------------------------------------------


def test_the_page_of_an_office_is_about_its_handling_and_those_below_it(
    as_role: Any, bureau: Bureau
) -> None:
    own = make_reprimand(office_id=bureau.below.id, subject="Nobody answered")
    make_reprimand(office_id=bureau.beside.id, subject="Another office's")
    found(bureau.beside, subject="In the parks")
    one = found(bureau.below, subject="Lamps were forgotten")
    make_feedback(grievance_id=make_grievance(responsible_office_id=bureau.below.id).id)
    client = as_role(Role.AUDITOR)
    page = client.get(f"/admin/supervision/office/{bureau.above.id}").text
    assert "Lamps were forgotten" in page
    assert f"/admin/finding/details/?id={one.id}" in page
    assert "Nobody answered" in page
    assert f"/admin/reprimand/details/?id={own.id}" in page
    for foreign in ("Another office", "In the parks"):
        assert foreign not in page
    below = client.get(f"/admin/supervision/office/{bureau.below.id}").text
    assert f"/admin/supervision/office/{bureau.above.id}" in below
    assert (
        f"/admin/supervision/office/{bureau.above.id}"
        in client.get(f"/admin/office/details/?id={bureau.above.id}").text
    )


def test_an_office_does_not_learn_of_drafts_and_planned_visits(
    as_role: Any, bureau: Bureau
) -> None:
    make_finding(office_id=bureau.below.id, subject="Still being written")
    make_inspection(office_id=bureau.below.id, subject="We come on Friday", is_unannounced=True)
    make_supervision_notice(office_id=bureau.below.id, subject="Not issued yet")
    make_reprimand(office_id=bureau.below.id, subject="Not served yet")
    head = as_role(Role.OFFICE_HEAD, office_id=bureau.below.id)
    supervisor = as_role(Role.SUPERVISOR, office_id=bureau.above.id)
    path = f"/admin/supervision/office/{bureau.below.id}"
    hidden = ("Still being written", "We come on Friday", "Not issued yet", "Not served yet")
    assert [words in head.get(path).text for words in hidden] == [False] * 4
    assert [words in supervisor.get(path).text for words in hidden] == [True] * 4


# --- Lists by their names ----------------------------------------------------------------------


def test_each_named_list_opens_with_its_filters_and_counts_what_it_holds(
    as_role: Any, bureau: Bureau
) -> None:
    make_grievance(
        responsible_office_id=bureau.below.id,
        received_at="2026-01-01T10:00Z",
        due_at="2026-02-01T10:00Z",
    )
    client = as_role(Role.SUPERVISOR, office_id=bureau.above.id)
    page = client.get(f"/admin/supervision/office/{bureau.above.id}").text
    lists = re.findall(r'<li><a href="([^"]+)">([^<]+)</a> <strong[^>]*>(\d+)</strong>', page)
    assert len(lists) == len(LISTS)
    numbers = {words: int(number) for _link, words, number in lists}
    assert numbers["Grievances past their time"] == 1
    assert numbers["Grievances open for more than 60 days"] == 1
    assert numbers["Findings that the office has the next step of"] == 4
    assert numbers["Notices that wait for a reply"] == 2
    assert numbers["Notices without a reply past its day"] == 1
    for link, words, number in lists:
        answer = client.get(link.replace("&amp;", "&"))
        assert answer.status_code == 200, words
        body = (
            answer.text.split("</thead>")[1].split("</table>")[0]
            if "</thead>" in answer.text
            else ""
        )
        assert body.count("/details/?id=") >= int(number), words
        if int(number) == 0:
            assert "<tr" not in body, words


@pytest.mark.parametrize("role", [Role.HANDLER, Role.LEAD_OFFICIAL, Role.DECIDER])
def test_whoever_reads_supervision_can_open_the_named_lists(
    as_role: Any, bureau: Bureau, role: Role
) -> None:
    client = as_role(role, office_id=bureau.above.id)
    page = client.get("/admin/supervision/lists").text
    links = re.findall(r'<li><a href="([^"]+)">[^<]+</a> <strong', page)
    assert len(links) == len(LISTS)
    for link in links:
        assert client.get(link.replace("&amp;", "&")).status_code == 200, link

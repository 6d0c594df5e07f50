"""Proposals on screen: asking for one, reading why, accepting it wholly, in part or not at all."""

import re
import time
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, select, text
from werkzeug.test import TestResponse

import beside
from models import (
    AssignmentChange,
    AssignmentProposal,
    AuditEntry,
    GroupMembership,
    Office,
    ProposedAssignment,
    Recusal,
    SupervisionAssignment,
    SupervisionGroup,
    db,
)
from rules.offices import OfficeLevel
from rules.permissions import Role
from rules.supervision import ProposalState, ProposedState
from tests.conftest import make_app
from tests.factories import (
    make_assignment_proposal,
    make_group_membership,
    make_office,
    make_officer,
    make_proposed_assignment,
    make_recusal,
    make_supervision_assignment,
    make_supervision_group,
)
from tests.statements import statements
from tests.views.pages import assert_clean, form_to, words
from views.proposals import WORKER_LOCK

BASE = "/admin/supervision/proposals/"
DAY = date.today() + timedelta(days=10)  # noqa: DTZ011  # any day that comes
AFTER = DAY + timedelta(days=300)
LONG_AGO = date(2020, 1, 1)


@pytest.fixture(scope="module")
def bureau(fresh_database: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """An application on a database where commits are real: threads do the work."""
    app = make_app(fresh_database(), tmp_path_factory.mktemp("instance"))
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def browser(bureau: Flask) -> Iterator[Any]:
    """A supervisor in a bureau with two groups of two and the offices A, B, C and D, which nobody
    supervises. A member of the first group serves A; B and C are of an area."""
    with bureau.app_context():
        top = make_office(name="District", level=OfficeLevel.DISTRICT)
        desk = make_office(name="Desk", level=OfficeLevel.DISTRICT, parent_id=top.id)
        offices = {name: make_office(name=f"Office {name}", parent_id=top.id) for name in "ABCD"}
        for name in ("One", "Two"):
            group = make_supervision_group(name=f"Group {name}", formed_on=LONG_AGO)
            for place in range(2):
                at = offices["A"] if (name, place) == ("One", 0) else desk
                officer = make_officer(
                    name=f"Inspector {name} {place}", office_id=at.id, roles=[Role.SUPERVISOR]
                )
                make_group_membership(group_id=group.id, officer_id=officer.id, starts_on=LONG_AGO)
        officer = make_officer(roles=[Role.SUPERVISOR], name="Sun", office_id=desk.id)
        db.session.commit()
        client: Any = bureau.test_client()
        client.log_in(officer)
    yield client
    with bureau.app_context():
        for model in (
            AssignmentChange,
            AssignmentProposal,
            SupervisionAssignment,
            GroupMembership,
            Recusal,
            SupervisionGroup,
        ):
            db.session.execute(delete(model))
        db.session.execute(text("UPDATE office SET level = 'district' WHERE name LIKE 'Office %'"))
        db.session.commit()


def ask(browser: Any, **changes: Any) -> TestResponse:
    with browser.application.app_context():
        groups = db.session.scalars(select(SupervisionGroup.id)).all()
    fields = {
        "starts_on": DAY.isoformat(),
        "ends_on": AFTER.isoformat(),
        "levels": ["department"],
        "groups": [str(one) for one in groups],
    } | changes
    answer: TestResponse = browser.send(BASE, **fields)
    return answer


def settle(browser: Any, answer: TestResponse) -> str:
    """Return the address of the proposal, once its work has ended."""
    assert answer.status_code == 303, words(answer)
    address = str(answer.location)
    for _ in range(600):
        if not browser.get(f"{address}/progress").json["running"]:
            return address
        time.sleep(0.05)
    raise AssertionError("it never ended")


def proposal(browser: Any, address: str) -> AssignmentProposal:
    with browser.application.app_context():
        found = db.session.get(AssignmentProposal, int(address.rsplit("/", 1)[1]))
        assert found is not None
        db.session.expunge(found)
        return found


def lines(browser: Any) -> dict[str, ProposedAssignment]:
    """Return the lines there are by the names of their offices."""
    with browser.application.app_context():
        query = select(ProposedAssignment, Office.name).join(
            Office, ProposedAssignment.office_id == Office.id
        )
        found = {name: line for line, name in db.session.execute(query)}
        db.session.expunge_all()
        return found


def assigned(browser: Any) -> dict[str, str]:
    """Return the group that each office has, by names."""
    with browser.application.app_context():
        query = (
            select(Office.name, SupervisionGroup.name)
            .join(SupervisionAssignment, SupervisionAssignment.office_id == Office.id)
            .join(SupervisionGroup, SupervisionAssignment.group_id == SupervisionGroup.id)
        )
        return {office: group for office, group in db.session.execute(query)}


def group_named(browser: Any, name: str) -> int:
    with browser.application.app_context():
        found = db.session.scalar(select(SupervisionGroup.id).where(SupervisionGroup.name == name))
        assert found is not None
        return found


# --- The way through ---------------------------------------------------------------------------


def test_a_proposal_is_worked_out_read_and_accepted(browser: Any) -> None:
    page = browser.get(BASE)
    assert "Group One" in page.text
    assert form_to(page, "/proposals")["levels"] == ["department", "subdistrict", "community"]
    address = settle(browser, ask(browser))
    assert assigned(browser) == {}
    found = proposal(browser, address)
    assert (found.state, found.offices, found.placed) == (ProposalState.DRAFT, 4, 4)
    page = browser.get(address)
    text = words(page)
    assert "4 of 4 offices placed" in text
    assert "Not Group One: Inspector One 0 serves Office A, and so must not inspect it." in text
    assert "Group Two is the only one that may have it." in text
    assert "Never visited" in text
    assert browser.get(f"{address}/accept-all").status_code == 200
    answer = browser.send(f"{address}/accept-all")
    assert answer.status_code == 303
    given = assigned(browser)
    assert given["Office A"] == "Group Two"
    assert sorted(given.values()) == ["Group One", "Group One", "Group Two", "Group Two"]
    found = proposal(browser, address)
    assert found.state is ProposalState.ACCEPTED
    assert found.decided_by_id == browser.officer_id
    with browser.application.app_context():
        change = db.session.scalars(select(AssignmentChange)).one()
        assert (change.periods, change.officer_id) == (4, browser.officer_id)
        noted = db.session.scalars(
            select(AuditEntry.record_id).where(AuditEntry.record_type == "supervision_assignment")
        ).all()
        assert len(set(noted)) == 4
    page = browser.get(address)
    assert "Accept what is marked" not in page.text
    assert browser.send(f"{address}/accept-all").status_code == 422


def test_a_part_is_accepted_another_changed_a_third_refused(browser: Any) -> None:
    address = settle(browser, ask(browser))
    there = lines(browser)
    answer = browser.send(f"{address}/decide", line=[str(there["Office A"].id)], do="accept")
    assert answer.status_code == 303
    assert assigned(browser) == {"Office A": "Group Two"}
    other = group_named(browser, "Group Two")
    line = there["Office B"]
    if line.group_id == other:
        other = group_named(browser, "Group One")
    page = browser.get(f"{BASE}lines/{line.id}")
    assert "Choose this group" in page.text
    assert browser.send(f"{BASE}lines/{line.id}", group=str(other)).status_code == 303
    assert "chosen by hand" in browser.get(address).text
    refused = [str(there["Office C"].id), str(there["Office D"].id)]
    assert browser.send(f"{address}/decide", line=refused, do="refuse").status_code == 303
    assert proposal(browser, address).state is ProposalState.DRAFT
    answer = browser.send(f"{address}/decide", line=[str(line.id)], do="accept")
    assert answer.status_code == 303
    assert len(assigned(browser)) == 2
    there = lines(browser)
    assert {name: one.state for name, one in there.items()} == {
        "Office A": ProposedState.ACCEPTED,
        "Office B": ProposedState.ACCEPTED,
        "Office C": ProposedState.REFUSED,
        "Office D": ProposedState.REFUSED,
    }
    assert proposal(browser, address).state is ProposalState.IN_PART
    assert browser.send(f"{BASE}lines/{line.id}", group=str(other)).status_code == 422


def test_what_has_changed_meanwhile_is_refused_in_words(browser: Any) -> None:
    address = settle(browser, ask(browser))
    there = lines(browser)
    with browser.application.app_context():
        line = there["Office B"]
        member = db.session.scalars(
            select(GroupMembership).where(GroupMembership.group_id == line.group_id)
        ).first()
        assert member is not None
        make_recusal(officer_id=member.officer_id, office_id=line.office_id, starts_on=LONG_AGO)
        name = member.officer.name
        make_supervision_assignment(
            office_id=there["Office C"].office_id,
            group_id=there["Office C"].group_id,
            starts_on=DAY + timedelta(days=5),
        )
        db.session.commit()
    before = assigned(browser)
    answer = browser.send(f"{address}/accept-all")
    assert answer.status_code == 409
    said = words(answer)
    assert "2 of these cannot be any more" in said
    assert f"{name} stands aside from Office B." in said
    assert "has Office C from" in said
    assert assigned(browser) == before
    assert proposal(browser, address).state is ProposalState.DRAFT
    answer = browser.send(f"{address}/accept-all", only_possible="1")
    assert answer.status_code == 303
    assert assigned(browser).keys() == {"Office A", "Office C", "Office D"}
    assert lines(browser)["Office B"].state is ProposedState.OPEN
    answer = browser.send(
        f"{address}/decide", line=[str(there["Office B"].id)], do="accept", only_possible="1"
    )
    assert answer.status_code == 409
    assert browser.send(f"{address}/discard").status_code == 303
    assert proposal(browser, address).state is ProposalState.IN_PART


def test_an_office_that_cannot_be_placed_says_why(browser: Any) -> None:
    only = str(group_named(browser, "Group One"))
    address = settle(browser, ask(browser, groups=[only], most_offices="2"))
    found = proposal(browser, address)
    assert (found.offices, found.placed, found.most_offices) == (4, 2, 2)
    page = browser.get(f"{address}?state=not_placed")
    said = words(page)
    assert "No group may have it in these days." in said
    assert "Group One: Inspector One 0 serves Office A, and so must not inspect it." in said
    assert "Each group that may have it has 2 offices already" in said
    line = lines(browser)["Office A"]
    page = browser.get(f"{BASE}lines/{line.id}")
    assert "Why no group" in page.text
    answer = browser.send(f"{BASE}lines/{line.id}", group=only)
    assert answer.status_code == 422
    assert "Inspector One 0 serves Office A" in words(answer)
    two = str(group_named(browser, "Group Two"))
    assert browser.send(f"{BASE}lines/{line.id}", group=two).status_code == 303
    assert lines(browser)["Office A"].state is ProposedState.OPEN


def test_where_every_office_has_a_group_there_is_nothing_to_propose(browser: Any) -> None:
    settled = settle(browser, ask(browser))
    browser.send(f"{settled}/accept-all")
    address = settle(browser, ask(browser))
    assert "There is nothing to propose" in words(browser.get(address))
    assert browser.send(f"{address}/accept-all").status_code == 422
    assert browser.send(f"{address}/discard").status_code == 303
    assert proposal(browser, address).state is ProposalState.REFUSED


def test_work_that_was_interrupted_is_taken_up_again_or_dropped(browser: Any) -> None:
    address = settle(browser, ask(browser))
    number = int(address.rsplit("/", 1)[1])

    def interrupt() -> None:
        with browser.application.app_context():
            db.session.execute(delete(ProposedAssignment))
            record = db.session.get_one(AssignmentProposal, number)
            record.state, record.worked_out_at = ProposalState.WORKING, None
            db.session.commit()

    interrupt()
    assert "The server stopped in the middle" in browser.get(address).text
    with browser.application.app_context(), beside.holding(db.engine, WORKER_LOCK, number) as held:
        assert held is not None
        assert browser.get(f"{address}/progress").json["running"]
        page = browser.get(address).text
        assert "progress.js" in page
        assert browser.send(f"{address}/again").status_code == 303  # and nothing is begun
        assert "moved on" in words(browser.get(address))
        answer = ask(browser)
        assert answer.status_code == 422
        assert "Another proposal is being worked out" in words(answer)
        browser.send(f"{address}/discard")
        assert "Wait until it is there" in words(browser.get(address))
    settle(browser, browser.send(f"{address}/again"))
    assert proposal(browser, address).state is ProposalState.DRAFT
    assert len(lines(browser)) == 4
    interrupt()
    assert browser.send(f"{address}/discard").status_code == 303
    assert proposal(browser, address).state is ProposalState.REFUSED


# --- Who, and what cannot be read --------------------------------------------------------------


def test_only_who_plans_supervision_asks_and_decides(as_role: Any, session: Any) -> None:
    line = make_proposed_assignment()
    address = f"{BASE}{line.proposal_id}"
    expected = {
        Role.ADMINISTRATOR: (200, 303),
        Role.SUPERVISOR: (200, 303),
        Role.AUDITOR: (200, 403),
        Role.HANDLER: (200, 403),
        Role.INTAKE: (403, 403),
    }
    for role, (reads, refuses) in expected.items():
        client = as_role(role)
        assert client.get(address).status_code == reads, role
        assert client.get(BASE).status_code == reads, role
        assert client.get(f"{BASE}lines/{line.id}").status_code == reads, role
        sent = {"do": "refuse", "line": str(line.id)}
        if refuses == 403:
            assert client.send(f"{address}/decide", **sent).status_code == 403, role
            assert client.get(f"{address}/accept-all").status_code == 403, role
            assert client.send(BASE).status_code == 403, role
            assert "Accept" not in client.get(address).text, role


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"starts_on": ""}, "Give the first day of the period."),
        ({"ends_on": ""}, "Give the first day after the period."),
        ({"ends_on": DAY.isoformat()}, "The end must be after the start."),
        ({"starts_on": "2020-01-01"}, "What was before today stays."),
        (
            {"ends_on": (DAY + timedelta(days=2000)).isoformat()},
            "A period of at most five years is planned at once.",
        ),
        ({"levels": []}, "Choose at least one level of offices."),
        ({"levels": ["district", "x"]}, "Choose at least one level of offices."),
        ({"groups": []}, "Choose at least one group."),
        ({"groups": ["9" * 30, "x", "-1"]}, "Choose at least one group."),
        ({"most_offices": "0"}, "Give from 1 to 10000 offices"),
        ({"most_offices": "many"}, "Not a valid integer"),
        ({"most_offices": "9" * 30}, "Not saved yet"),
        ({"starts_on": "soon"}, "Not saved yet"),
        ({"office": "nowhere"}, "Not saved yet"),
    ],
)
def test_a_wish_that_cannot_be_says_what_to_do(
    changes: dict[str, Any], said: str, as_role: Any, session: Any
) -> None:
    group = make_supervision_group()
    client = as_role(Role.SUPERVISOR)
    fields = {
        "starts_on": DAY.isoformat(),
        "ends_on": AFTER.isoformat(),
        "levels": ["department"],
        "groups": [str(group.id)],
    } | changes
    answer = client.send(BASE, **fields)
    assert answer.status_code == 422
    if said not in ("Not a valid integer",):
        assert said in words(answer)
    assert_clean(answer)
    kept = form_to(answer, "/proposals")
    assert kept["ends_on"] == [fields["ends_on"]]
    assert session.scalar(select(AssignmentProposal.id)) is None


def test_addresses_and_marks_that_mean_nothing_fail_nothing(as_role: Any, session: Any) -> None:
    line, other = make_proposed_assignment(), make_proposed_assignment()
    client = as_role(Role.SUPERVISOR)
    address = f"{BASE}{line.proposal_id}"
    for query in (
        "?after=-1",
        "?after=99999999999",
        "?state=x",
        "?group=-1",
        "?group=9999999999999999999",
        "?state=refused",
    ):
        assert client.get(address + query).status_code == 200, query
    for number in ("0", "-1", "x", "9" * 30, "1,2"):
        assert client.get(f"{BASE}{number}").status_code == 404
        assert client.get(f"{BASE}{number}/progress").status_code == 404
        assert client.get(f"{BASE}lines/{number}").status_code == 404
        assert client.get(f"{BASE}?like={number}").status_code == 200
    assert client.get(f"{BASE}?like={line.proposal_id}").status_code == 200
    for marks in ([], ["x"], [str(other.id)], ["-1"], ["9" * 19]):
        answer = client.send(f"{address}/decide", line=marks, do="accept")
        assert answer.status_code == 422
        assert "Choose at least one line" in words(answer)
    for group in ("", "x", "9" * 19, "-1"):
        answer = client.send(f"{BASE}lines/{line.id}", group=group)
        assert answer.status_code == 422
        assert "Choose a group." in words(answer)


def test_pages_of_proposals_ask_little_of_the_database(as_role: Any, session: Any) -> None:
    record = make_assignment_proposal(offices=120, placed=120, summary=None)
    groups = [make_supervision_group() for _ in range(6)]
    made = [
        make_proposed_assignment(proposal_id=record.id, group_id=groups[n % 6].id, position=n + 1)
        for n in range(120)
    ]
    client = as_role(Role.SUPERVISOR)
    for address, most in (
        (BASE, 15),
        (f"{BASE}{record.id}", 15),
        (f"{BASE}lines/{made[0].id}", 15),
        (f"{BASE}{record.id}/accept-all", 15),
    ):
        client.get(address)
        with statements() as sent:
            assert client.get(address).status_code == 200
        assert len(sent) <= most, address
        assert not any("OFFSET" in one for one in sent)
    seen: list[str] = []
    address = f"{BASE}{record.id}"
    while address:
        page = client.get(address)
        seen += re.findall(r'id="line-(\d+)"', page.text)
        found = re.search(r'rel="next" href="([^"]+)"', page.text)
        address = found[1].replace("&amp;", "&") if found else ""
    assert seen == [str(one.id) for one in made]


def test_a_group_dissolved_or_too_small_by_now_is_refused(as_role: Any, session: Any) -> None:
    line = make_proposed_assignment(starts_on=DAY, ends_on=AFTER)
    client = as_role(Role.SUPERVISOR)
    answer = client.send(f"{BASE}{line.proposal_id}/accept-all")
    assert answer.status_code == 409
    assert "of the 2 members it needs" in words(answer)

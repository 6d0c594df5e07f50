"""Handing the open work of an officer over: what is shown first, what stays, who may."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from models import AuditEntry, Grievance, JointConference, Office, Officer, PlanStep, db
from rules.grievance import GrievanceKind, GrievanceState
from rules.permissions import Role
from tests.conftest import Client
from tests.factories import (
    NOON,
    make_grievance,
    make_grievance_recusal,
    make_joint_conference,
    make_office,
    make_officer,
    make_plan_step,
)
from tests.statements import statements
from tests.views.pages import address, form_to, words

EVERYTHING = ["handled", "led", "steps", "conferences"]


class Desk:
    """An office, one who leaves it with work, and one who can take that over."""

    def __init__(self, as_role: Callable[..., Client]) -> None:
        self.office = make_office()
        roles = [Role.HANDLER, Role.LEAD_OFFICIAL]
        self.lee = make_officer(office_id=self.office.id, name="Lee Vane", roles=roles).id
        self.sam = make_officer(office_id=self.office.id, name="Sam Ash", roles=roles).id
        self.head = as_role(Role.OFFICE_HEAD, office_id=self.office.id)
        self.ada = as_role(Role.ADMINISTRATOR)

    def case(self, **given: Any) -> int:
        values: dict[str, Any] = {
            "responsible_office_id": self.office.id,
            "state": GrievanceState.ACCEPTED,
            "handler_id": self.lee,
        }
        return int(make_grievance(**values | given).id)

    def send(self, by: Client, **given: Any) -> Any:
        sam = db.session.get_one(Officer, self.sam)
        fields = {"what": EVERYTHING, "successor": str(sam), "successor-id": str(sam.id)}
        return by.send(f"/account/officers/{self.lee}/hand-over", **fields | given)

    def do(self, by: Client, **given: Any) -> Any:
        """Look at it, and then send the form that stands under what is shown."""
        shown = self.send(by, **given)
        assert shown.status_code == 200, shown.text
        looked_at = shown.text.split('name="looked_at" value="')[1].split('"')[0]
        return self.send(by, looked_at=looked_at, **given)


@pytest.fixture
def desk(as_role: Callable[..., Client]) -> Desk:
    return Desk(as_role)


def again(model: Any, number: int) -> Any:
    db.session.expire_all()
    return db.session.get_one(model, number)


def test_all_that_is_open_goes_over_in_one_step(desk: Desk) -> None:
    handled, led = desk.case(title="The pump"), desk.case(lead_official_id=desk.lee)
    step = make_plan_step(grievance_id=handled, officer_id=desk.lee).id
    conference = make_joint_conference(
        grievance_id=handled,
        chair_id=desk.lee,
        office_id=desk.office.id,
        meets_at=NOON + timedelta(days=3650),
    ).id
    closed = desk.case(state=GrievanceState.CLOSED, received_at=NOON, closed_at=NOON)
    page = desk.head.get(f"/account/officers/{desk.lee}/hand-over")
    assert "Grievances they handle: 2" in words(page)
    shown = desk.send(desk.head)
    assert "Grievances they handle: 2" in words(shown)
    assert "The pump" in words(shown)
    assert again(Grievance, handled).handler_id == desk.lee, "to look is not to do"
    answer = desk.do(desk.head)
    assert answer.status_code == 303
    assert "5 records are Sam Ash's from now on." in words(
        desk.head.get(answer.headers["Location"])
    )
    assert again(Grievance, handled).handler_id == desk.sam
    assert again(Grievance, led).lead_official_id == desk.sam
    assert again(PlanStep, step).officer_id == desk.sam
    assert again(JointConference, conference).chair_id == desk.sam
    assert again(Grievance, closed).handler_id == desk.lee, "what is over stays as it was"
    noted = db.session.scalars(
        select(AuditEntry.record_id).where(
            AuditEntry.record_type == "grievance",
            AuditEntry.verb == "update",
            AuditEntry.officer_id == desk.head.officer_id,
        )
    )
    assert set(noted) == {handled, led}


def test_only_what_was_chosen_goes(desk: Desk) -> None:
    one = desk.case(lead_official_id=desk.lee)
    assert desk.do(desk.ada, what=["led"]).status_code == 303
    grievance = again(Grievance, one)
    assert (grievance.handler_id, grievance.lead_official_id) == (desk.lee, desk.sam)


def test_what_the_successor_must_not_work_stays_with_the_reason(desk: Desk) -> None:
    conduct = desk.case(
        title="How they spoke", kind=GrievanceKind.CONDUCT, respondent_office_id=desk.office.id
    )
    aside = desk.case()
    make_grievance_recusal(grievance_id=aside, officer_id=desk.sam)
    foreign = desk.case(
        responsible_office_id=make_office().id, respondent_office_id=make_office().id
    )
    fine = desk.case()
    shown = words(desk.send(desk.ada))
    assert "Stays where it is: 3" in shown
    assert "They are not impartial there." in shown
    assert "out of their sight" in shown
    assert desk.do(desk.ada).status_code == 303
    for number in (conduct, aside, foreign):
        assert again(Grievance, number).handler_id == desk.lee
    assert again(Grievance, fine).handler_id == desk.sam


def test_a_role_that_the_work_needs(desk: Desk) -> None:
    desk.case(lead_official_id=desk.lee)
    db.session.get_one(Officer, desk.sam).roles = [Role.HANDLER]
    db.session.flush()
    shown = words(desk.send(desk.ada))
    assert "Grievances they lead: 0" in shown
    assert "They do not have the role that it needs." in shown


def test_what_changed_since_is_looked_at_again(desk: Desk) -> None:
    one = desk.case()
    shown = desk.send(desk.ada)
    looked_at = shown.text.split('name="looked_at" value="')[1].split('"')[0]
    desk.case()
    answer = desk.send(desk.ada, looked_at=looked_at)
    assert answer.status_code == 409
    assert "It has changed since you looked." in answer.text
    assert again(Grievance, one).handler_id == desk.lee
    assert desk.send(desk.ada, looked_at="x").status_code == 409


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"successor": "", "successor-id": ""}, "Choose an officer."),
        ({"successor": "Nobody of that name", "successor-id": ""}, "Nothing here is called"),
        ({"successor": "\uffff", "successor-id": str(2**70)}, "Nothing here is called"),
        ({"what": []}, "Choose what is handed over."),
        ({"what": ["all", "\uffff"]}, "Choose what is handed over."),
    ],
)
def test_bad_input_gets_a_sentence(desk: Desk, given: dict[str, Any], told: str) -> None:
    desk.case()
    answer = desk.send(desk.ada, **given)
    assert answer.status_code == 400
    assert told in answer.text


def test_not_to_themselves_nor_to_who_has_left(desk: Desk) -> None:
    desk.case()
    lee = str(db.session.get_one(Officer, desk.lee))
    answer = desk.send(desk.ada, successor=lee, **{"successor-id": str(desk.lee)})
    assert "Choose somebody else to take it over." in answer.text
    db.session.get_one(Officer, desk.sam).left_on = NOON.date()
    db.session.flush()
    assert "This officer has left." in desk.send(desk.ada).text


def test_nothing_to_hand_over_is_said(desk: Desk) -> None:
    answer = desk.send(desk.ada)
    assert answer.status_code == 400
    assert "There is nothing of this to hand over." in answer.text


@pytest.mark.parametrize("role", [one for one in Role if one is not Role.ADMINISTRATOR])
def test_who_may(desk: Desk, as_role: Callable[..., Client], role: Role) -> None:
    """Administrators, and the head of the office or of one above it; nobody else."""
    one = desk.case()
    above = Office(name="Above", code="ABOVE", level=desk.office.level)
    db.session.add(above)
    db.session.flush()
    desk.office.parent_id = above.id
    for office, may in ((above.id, role is Role.OFFICE_HEAD), (make_office().id, False)):
        browser = as_role(role, office_id=office)
        wanted = 200 if may else 403
        assert browser.get(f"/account/officers/{desk.lee}/hand-over").status_code == wanted
        assert desk.send(browser).status_code == wanted
        listed = browser.get(address(Officer, "details", id=desk.lee)).text
        assert (f"/account/officers/{desk.lee}/hand-over" in listed) == may
    assert again(Grievance, one).handler_id == desk.lee


def test_the_leaving_page_leads_there(desk: Desk) -> None:
    desk.case()
    page = desk.ada.get(f"/account/officers/{desk.lee}/leaving")
    assert f"/account/officers/{desk.lee}/hand-over" in page.text
    assert form_to(page, "leaving")


def test_a_preview_takes_as_many_statements_for_one_as_for_many(desk: Desk) -> None:
    desk.case()
    desk.send(desk.ada)
    with statements() as few:
        desk.send(desk.ada)
    for _ in range(30):
        number = desk.case(lead_official_id=desk.lee)
        make_plan_step(grievance_id=number, officer_id=desk.lee)
    with statements() as many:
        assert "and 11 more" in words(desk.send(desk.ada))
    assert len(many) <= len(few) + 2, "one for the cases of each further kind"

"""The plan of a grievance through its pages: steps with an owner and a day, in an order."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from models import Grievance, Office, Officer, PlanStep
from rules.grievance import GrievanceKind, GrievanceState, StepState
from rules.permissions import Role, Verb, may
from tests import factories as make
from tests.conftest import Client
from tests.statements import statements
from tests.views.pages import address, forms

MOST_STATEMENTS = 8


class Desk:
    """A grievance of an office, an officer of that office, and what they can do to its plan."""

    def __init__(self, as_role: Callable[..., Client], session: Any, **given: Any) -> None:
        self.session = session
        self.office: Office = make.make_office(name="Water Office")
        self.grievance: Grievance = make.make_grievance(responsible_office=self.office, **given)
        self.handler: Officer = make.make_officer(office=self.office, name="Wen Ping")
        self.browser = as_role(Role.HANDLER, office=self.office)
        self.path = f"/admin/plan/{self.grievance.id}"
        self.today = datetime.now(ZoneInfo("Europe/London")).date()

    def add(self, subject: str = "Dig out the pipe", **given: Any) -> Any:
        fields = {
            "subject": subject,
            "officer": self.handler.name,
            "officer-id": str(self.handler.id),
            "due_on": (self.today + timedelta(days=3)).isoformat(),
        } | given
        return self.browser.send(self.path, **fields)

    def steps(self) -> list[PlanStep]:
        self.session.expire_all()
        query = select(PlanStep).where(PlanStep.grievance_id == self.grievance.id)
        return list(self.session.scalars(query.order_by(PlanStep.position)))

    def to_step(self, step: PlanStep, do: str, **given: Any) -> Any:
        version = str(given.pop("version", step.version_id))
        return self.browser.send(f"/admin/plan/step/{step.id}", do=do, version=version, **given)


@pytest.fixture
def desk(as_role: Callable[..., Client], session: Any) -> Desk:
    return Desk(as_role, session)


def test_steps_come_one_after_the_other_and_are_moved(desk: Desk) -> None:
    for subject in ("First", "Second", "Third"):
        assert desk.add(subject).status_code == 303
    assert [(one.subject, one.position) for one in desk.steps()] == [
        ("First", 1),
        ("Second", 2),
        ("Third", 3),
    ]
    third = desk.steps()[2]
    assert desk.browser.send(f"/admin/plan/step/{third.id}/move", to="up").status_code == 303
    assert [one.subject for one in desk.steps()] == ["First", "Third", "Second"]
    assert desk.browser.send(f"/admin/plan/step/{third.id}/move", to="down").status_code == 303
    assert [one.subject for one in desk.steps()] == ["First", "Second", "Third"]
    page = desk.browser.get(desk.path).text
    assert page.index("First") < page.index("Second") < page.index("Third")
    case = desk.browser.get(address(Grievance, "details", id=desk.grievance.id)).text
    assert case.index("First") < case.index("Second") < case.index("Third")
    assert desk.path in case


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"subject": ""}, "Please fill this in."),
        ({"officer": "", "officer-id": ""}, "Say who does it"),
        ({"officer": "Nobody", "officer-id": ""}, "Nothing here is called “Nobody”"),
        ({"due_on": "2020-01-01"}, "This day is over."),
        ({"due_on": "tomorrow"}, "is not a date"),
        ({"due_on": ""}, "Please fill this in."),
    ],
)
def test_what_is_missing_is_said_and_nothing_typed_is_lost(
    desk: Desk, wrong: dict[str, str], said: str
) -> None:
    answer = desk.add(**{"subject": "Dig out the pipe of Mill Street"} | wrong)
    assert answer.status_code == 422
    assert said in answer.text
    if "subject" not in wrong:
        assert "Dig out the pipe of Mill Street" in answer.text
    assert not desk.steps()


def test_a_step_is_changed_done_and_taken_up_again(desk: Desk) -> None:
    desk.add()
    (step,) = desk.steps()
    day = (desk.today + timedelta(days=9)).isoformat()
    change = {"subject": "Dig deeper", "officer": "Wen Ping", "officer-id": str(desk.handler.id)}
    assert desk.to_step(step, "change", **change, due_on=day).status_code == 303
    (step,) = desk.steps()
    assert (step.subject, step.due_on.isoformat()) == ("Dig deeper", day)
    assert desk.to_step(step, "done", done_on=desk.today.isoformat()).status_code == 303
    (step,) = desk.steps()
    assert (step.state, step.done_on) == (StepState.DONE, desk.today)
    assert desk.to_step(step, "again").status_code == 303
    (step,) = desk.steps()
    assert (step.state, step.done_on) == (StepState.PLANNED, None)


def test_a_step_is_dropped_with_a_reason_and_stays(desk: Desk) -> None:
    desk.add()
    (step,) = desk.steps()
    refused = desk.to_step(step, "drop", dropped_because=" ")
    assert refused.status_code == 422
    assert "Please fill this in." in refused.text
    assert desk.to_step(step, "drop", dropped_because="The county did it").status_code == 303
    (step,) = desk.steps()
    assert (step.state, step.dropped_because) == (StepState.DROPPED, "The county did it")
    assert "The county did it" in desk.browser.get(desk.path).text


def test_what_was_typed_into_one_form_leaves_the_others_as_they_are(desk: Desk) -> None:
    desk.add()
    (step,) = desk.steps()
    later = (desk.today + timedelta(days=1)).isoformat()
    page = desk.to_step(step, "done", done_on=later)
    assert page.status_code == 422
    assert "has not come yet" in page.text
    change = next(form for form in forms(page) if "subject" in form["fields"])
    assert change["fields"]["subject"] == ["Dig out the pipe"]
    assert f'value="{later}"' in page.text


def test_two_do_not_change_a_step_over_each_other(desk: Desk) -> None:
    desk.add()
    (step,) = desk.steps()
    page = desk.to_step(step, "done", done_on=desk.today.isoformat(), version=step.version_id + 1)
    assert page.status_code == 422
    assert "in the meantime" in page.text
    assert desk.steps()[0].state is StepState.PLANNED


def test_what_is_over_has_no_form(as_role: Callable[..., Client], session: Any) -> None:
    desk = Desk(as_role, session)
    desk.add()
    desk.grievance = session.merge(desk.grievance)
    desk.grievance.state = GrievanceState.CLOSED
    desk.grievance.closed_at = desk.grievance.received_at
    session.flush()
    assert "its plan does not change" in desk.browser.get(desk.path).text
    answer = desk.add("Another")
    assert answer.status_code == 422
    assert "Reopen the grievance first" in answer.text
    assert len(desk.steps()) == 1


def test_who_is_not_impartial_plans_nothing(as_role: Callable[..., Client], session: Any) -> None:
    office = make.make_office()
    desk = Desk(as_role, session, kind=GrievanceKind.CONDUCT, respondent_office=office)
    desk.browser = as_role(Role.HANDLER, office=office)
    answer = desk.add()
    assert answer.status_code == 422
    assert not desk.steps()


def test_an_officer_of_another_office_says_that_their_step_is_done_and_no_more(
    as_role: Callable[..., Client], session: Any
) -> None:
    desk = Desk(as_role, session)
    elsewhere = make.make_office(name="Road Office")
    other = make.make_officer(office=elsewhere, name="Lu Da")
    conference = make.make_joint_conference(grievance=desk.grievance, office=desk.office)
    make.make_conference_office(conference=conference, office=elsewhere)
    step = make.make_plan_step(grievance=desk.grievance, conference=conference, officer=other)
    alone = make.make_plan_step(grievance=desk.grievance, officer=other, subject="Alone")
    somebody_elses = make.make_plan_step(grievance=desk.grievance)
    theirs = desk.browser.application.test_client()
    theirs.let_in(other)
    assert theirs.get(f"/admin/plan/{desk.grievance.id}").status_code == 404
    page = theirs.get(f"/admin/plan/step/{step.id}")
    assert "This step is yours to do" in page.text
    assert desk.grievance.title not in page.text
    assert theirs.get(f"/admin/plan/step/{alone.id}").status_code == 200, "it is theirs to do"
    assert theirs.get(f"/admin/plan/step/{somebody_elses.id}").status_code == 404
    edited = theirs.send(
        f"/admin/plan-step/edit/?id={alone.id}", subject="Other", version=str(alone.version_id)
    )
    session.expire_all()
    assert (edited.status_code == 302, alone.subject) == (False, "Alone")
    desk.browser = theirs
    assert desk.to_step(step, "drop", dropped_because="No").status_code == 422
    assert desk.to_step(step, "change", subject="No").status_code == 422
    assert theirs.send(f"/admin/plan/step/{step.id}/move", to="up").status_code == 404
    session.expire_all()
    assert step.state is StepState.PLANNED
    assert desk.to_step(step, "done", done_on=desk.today.isoformat()).status_code == 303
    session.expire_all()
    assert step.state is StepState.DONE
    stranger = as_role(Role.HANDLER)
    assert stranger.get(f"/admin/plan/step/{step.id}").status_code == 404


@pytest.mark.parametrize("role", list(Role), ids=str)
def test_each_role_plans_as_the_matrix_says(
    role: Role, as_role: Callable[..., Client], session: Any
) -> None:
    desk = Desk(as_role, session)
    desk.browser = as_role(role, office=desk.office)
    allowed = may(frozenset({role}), PlanStep.desk, Verb.CREATE)
    assert desk.add().status_code == (303 if allowed else 403)
    page = desk.browser.get(desk.path)
    assert page.status_code == 200
    assert ("Put it into the plan" in page.text) == allowed
    step = make.make_plan_step(grievance=desk.grievance)
    expected = 200 if may(frozenset({role}), PlanStep.desk, Verb.EDIT) else 403
    assert desk.browser.get(f"/admin/plan/step/{step.id}").status_code == expected


@pytest.mark.parametrize("number", ["0", "-1", "abc", "1,2", str(2**63), "%00", "1%20or%201"])
def test_a_number_that_is_none_finds_nothing(number: str, as_role: Callable[..., Client]) -> None:
    browser = as_role(Role.ADMINISTRATOR)
    for path in (f"/admin/plan/{number}", f"/admin/plan/step/{number}"):
        assert browser.get(path).status_code in (400, 404)
        assert browser.send(path).status_code in (400, 404)


def test_a_form_of_nonsense_is_refused_in_words(desk: Desk) -> None:
    desk.add()
    (step,) = desk.steps()
    for fields in (
        {"do": "explode", "version": str(step.version_id)},
        {"do": "done", "version": "x", "done_on": "9" * 400},
        {},
    ):
        answer = desk.browser.send(f"/admin/plan/step/{step.id}", **fields)
        assert answer.status_code == 422, fields
    assert desk.steps()[0].state is StepState.PLANNED


def test_the_plan_is_read_in_few_statements(desk: Desk) -> None:
    for number in range(12):
        make.make_plan_step(
            grievance=desk.grievance, subject=f"Step {number}", officer=make.make_officer()
        )
    desk.browser.get(desk.path)
    with statements() as sent:
        page = desk.browser.get(desk.path)
    assert "Step 11" in page.text
    assert len(sent) <= MOST_STATEMENTS, "\n\n".join(sent)

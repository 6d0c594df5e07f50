"""The page of one grievance: everything of its case, in few statements, each thing to who may see
it, and its story in words."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from actions import clocks
from models import Grievance, PlanStep
from rules.grievance import GrievanceState, LinkKind, StepState
from rules.offices import ClockStage, ClockStart
from rules.permissions import Role
from tests import factories as make
from tests.conftest import Client
from tests.factories import DAY, NOON
from tests.statements import statements
from tests.views.pages import address

MOST_STATEMENTS = 15


def words(page: Any) -> str:
    assert page.status_code == 200, page.text
    return " ".join(re.sub(r"<[^>]*>", " ", page.text.partition("<main")[2]).split())


def made(**given: Any) -> Grievance:
    """A grievance with one record of each kind."""
    grievance = make.make_grievance(
        description="Since Monday nothing comes out of the tap.",
        respondent_office=make.make_office(name="Works Office"),
        responsible_office=make.make_office(name="Water Office"),
        due_at=datetime(2026, 1, 5, 12, tzinfo=UTC),
        **given,
    )
    of = {"grievance": grievance}
    handler = make.make_officer(name="Wen Ping")
    make.make_plan_step(**of, subject="Dig out the pipe", officer=handler)
    make.make_plan_step(**of, subject="Ask the county", state=StepState.DONE, done_on=DAY)
    make.make_document(**of, name="Photo of the tap")
    conference = make.make_joint_conference(**of, subject="Whose pipe is it")
    make.make_conference_office(conference=conference, office=make.make_office(name="Road Office"))
    decision = make.make_decision(**of, subject="The pipe is ours")
    make.make_appeal(decision=decision, subject="The second tap")
    make.make_remedy(**of, promise="A pipe of copper")
    make.make_routing_objection(**of, reason="The road is the county's")
    make.make_pause(**of)
    make.make_extension(**of)
    make.make_feedback(**of, comment="They came at last")
    other = make.make_grievance(title="The same tap next door")
    make.make_grievance_link(**of, other_grievance=other, subject="The pipe in Mill Street")
    return grievance


def test_everything_of_a_case_stands_on_one_page(as_role: Callable[..., Client]) -> None:
    grievance = made()
    said = words(as_role(Role.AUDITOR).get(address(Grievance, "details", id=grievance.id)))
    for one in (
        *("Registered", "overdue", "Since Monday nothing comes", "Works Office", "Water Office"),
        *("Dig out the pipe", "Wen Ping", "Ask the county", "Photo of the tap"),
        *("Whose pipe is it", "Road Office", "The pipe is ours", "The second tap"),
        *("A pipe of copper", "The road is the county", "They came at last"),
        *("The same tap next door", "The pipe in Mill Street", "Who complained is sealed apart."),
    ):
        assert one in said, one


@pytest.mark.parametrize("role", [Role.OFFICE_HEAD, Role.DECIDER, Role.INTAKE], ids=str)
def test_the_page_is_frugal_with_clocks_and_all_there_is(
    role: Role, as_role: Callable[..., Client]
) -> None:
    make.make_work_calendar(calendar_version=1, in_force_since=NOON - timedelta(days=30))
    pack = make.make_rule_pack(
        is_in_use=True, extension_authority=Role.DECIDER, extension_most=10, extension_times=1
    )
    for stage in (ClockStage.ACKNOWLEDGE, ClockStage.DECIDE):
        make.make_service_standard(
            pack=pack.code, name=stage.value, stage=stage, starts=ClockStart.RECEIVED, amount=5
        )
    grievance = made(received_at=NOON - timedelta(days=10))
    clocks.happened(grievance, ClockStart.RECEIVED, grievance.received_at, by=None, now=NOON)
    path = address(Grievance, "details", id=grievance.id)
    browser = as_role(role, office=grievance.responsible_office)
    browser.get(path)
    with statements() as sent:
        page = browser.get(path)
    assert "5 working days" in words(page)
    assert len(sent) <= MOST_STATEMENTS, "\n\n".join(sent)


def test_the_page_is_frugal_however_much_is_on_file(as_role: Callable[..., Client]) -> None:
    grievance = made()
    browser = as_role(Role.HANDLER, office=grievance.responsible_office)
    path = address(Grievance, "details", id=grievance.id)
    browser.get(path)
    with statements() as few:
        browser.get(path)
    for number in range(20):
        make.make_plan_step(
            grievance=grievance, subject=f"Step {number}", officer=make.make_officer()
        )
        make.make_grievance_link(grievance=grievance)
        make.make_remedy(grievance=grievance)
    with statements() as many:
        page = browser.get(path)
    assert "Step 19" in words(page)
    assert len(many) == len(few), "\n\n".join(many)
    assert len(many) <= MOST_STATEMENTS, "\n\n".join(many)
    assert not [one for one in many if "OFFSET" in one or "count(" in one.lower()]


def test_a_grievance_out_of_sight_is_named_by_its_number_alone(
    as_role: Callable[..., Client],
) -> None:
    office = make.make_office()
    mine = make.make_grievance(responsible_office=office)
    secret = make.make_grievance(title="What the neighbour said", respondent_office=None)
    make.make_grievance_link(grievance=mine, other_grievance=secret, kind=LinkKind.SAME_SUBJECT)
    page = as_role(Role.HANDLER, office=office).get(address(Grievance, "details", id=mine.id))
    assert f"#{secret.id}" in words(page)
    assert "What the neighbour said" not in page.text


def test_a_link_that_was_taken_back_is_not_shown(as_role: Callable[..., Client]) -> None:
    grievance = make.make_grievance()
    make.make_grievance_link(
        grievance=grievance,
        subject="A mistake",
        undone_at=datetime(2026, 3, 1, tzinfo=UTC),
        undone_because="Another street",
    )
    page = as_role(Role.AUDITOR).get(address(Grievance, "details", id=grievance.id))
    assert "A mistake" not in words(page)


def test_retaliation_is_not_told_where_the_office_reads(as_role: Callable[..., Client]) -> None:
    grievance = make.make_grievance(respondent_office=make.make_office())
    make.make_retaliation_report(grievance=grievance, subject="They cut the wire")
    for role in Role:
        page = as_role(role, office=grievance.respondent_office).get(
            address(Grievance, "details", id=grievance.id)
        )
        assert "They cut the wire" not in words(page)


def test_what_happened_is_told_in_words(as_role: Callable[..., Client], session: Any) -> None:
    office = make.make_office(name="Water Office")
    grievance = make.make_grievance(responsible_office=office)
    step = make.make_plan_step(grievance=grievance, subject="Dig out the pipe")
    path = address(PlanStep, "edit", id=step.id)
    head = as_role(Role.OFFICE_HEAD, office=office, name="Hua Lan")
    form = {"subject": "Dig deeper", "due_on": "2026-09-01", "officer": "", "officer-id": ""}
    version = re.search(r'name="version" value="([^"]+)"', head.get(path).text)
    assert version
    head.send(path, **form, version=version[1], grievance=str(grievance),
              **{"grievance-id": str(grievance.id)})  # fmt: skip
    session.expire_all()
    grievance.state = GrievanceState.ACKNOWLEDGED
    grievance.acknowledged_at = datetime.now(UTC)
    session.flush()
    told = words(head.get(address(Grievance, "details", id=grievance.id))).partition(
        "What happened"
    )[2]
    assert "registered the grievance" in told
    assert "added to the plan: Dig deeper" in told
    assert "Hua Lan changed Plan step: Dig deeper" in told
    assert "Subject: from “Dig out the pipe” to “Dig deeper”" in told
    assert "confirmed receipt" in told
    assert told.index("confirmed receipt") < told.index("registered the grievance")


def test_what_came_in_as_it_was_is_told_by_its_dates(as_role: Callable[..., Client]) -> None:
    grievance = make.make_grievance(
        received_at=datetime(2025, 3, 1, 12, tzinfo=UTC),
        acknowledged_at=datetime(2025, 3, 2, 12, tzinfo=UTC),
        state=GrievanceState.ACKNOWLEDGED,
    )
    make.make_remedy(grievance=grievance, promise="A pipe of copper")
    page = words(as_role(Role.AUDITOR).get(address(Grievance, "details", id=grievance.id)))
    story = page.partition("What happened")[2]
    assert "Receipt was confirmed 2 Mar 2025" in story
    assert "It was received 1 Mar 2025" in story
    assert "Promised: A pipe of copper" in story
    assert story.index("Receipt was confirmed") < story.index("It was received")


def test_a_field_that_is_not_for_this_role_is_not_told(
    as_role: Callable[..., Client], session: Any
) -> None:
    office = make.make_office()
    grievance = make.make_grievance(responsible_office=office)
    grievance.identity_needs_two = True
    session.flush()
    path = address(Grievance, "details", id=grievance.id)
    assert "Identity needs two" in words(as_role(Role.INTAKE).get(path))
    assert "needs two" not in words(as_role(Role.HANDLER, office=office).get(path))


@pytest.mark.parametrize("role", list(Role), ids=str)
def test_every_role_gets_the_page_of_what_it_sees(
    role: Role, as_role: Callable[..., Client]
) -> None:
    grievance = made()
    browser = as_role(role, office=grievance.respondent_office)
    path = address(Grievance, "details", id=grievance.id)
    with statements() as sent:
        page = browser.get(path)
    if role is Role.SUPERVISOR or page.status_code == 200:
        assert "Dig out the pipe" in words(page)
    assert len(sent) <= MOST_STATEMENTS

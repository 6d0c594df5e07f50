"""The first page: what waits on whom, and no longer than it does; in whose sight, at what cost."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import Engine, event, text

from imports.report import Report
from models import CalendarDay, Grievance, Office, Officer, SupervisionGroup, db
from rules.grievance import (
    AppealOutcome,
    AppealState,
    DecisionState,
    GrievanceKind,
    GrievanceState,
    RemedyState,
    ReportState,
    RequestState,
    StepState,
)
from rules.offices import DayKind, OfficeLevel
from rules.permissions import READS_EVERY_OFFICE, Role
from rules.records import AuditVerb, ImportState
from rules.reprimand import Outcome, RectificationState, ReprimandState
from rules.rhythm import ReturnState
from rules.supervision import FindingState, InspectionState, NoticeState
from rules.waiting import KINDS, MOST, SHOWN
from tests import factories as make
from tests.conftest import Client, make_app
from tests.statements import statements
from tests.views.pages import assert_clean, words

LONDON = ZoneInfo("Europe/London")
NUMBERS = count(1)
MOST_STATEMENTS = 12
DAY = timedelta(days=1)


def today() -> date:
    return datetime.now(LONDON).date()


@dataclass
class World:
    """Somebody, their office, another one, somebody else, and a group they belong to."""

    me: Officer
    here: Office
    elsewhere: Office
    other: Officer
    third: Officer
    group: SupervisionGroup
    browser: Client

    def home(self) -> str:
        """Return the words of the page."""
        page = self.browser.get("/admin/")
        assert page.status_code == 200, page.text
        assert_clean(page)
        return words(page)

    def counts(self) -> dict[str, str]:
        """Return the kinds on top of the page with their numbers."""
        page = self.browser.get("/admin/").text
        kinds = re.findall(r'kind-words">([^<]+)</span> <strong>([^<]+)</strong>', page)
        return dict(kinds)


@pytest.fixture
def world(app: Flask, session: Any) -> Callable[..., World]:
    def build(*roles: Role) -> World:
        here = make.make_office(name="The pump house")
        elsewhere = make.make_office(name="The far office")
        me = make.make_officer(roles=list(roles), office=here, name="Mira Fern")
        group = make.make_supervision_group()
        make.make_group_membership(group=group, officer=me, starts_on=today() - 9 * DAY)
        make.make_supervision_assignment(
            group=group, office=here, starts_on=today() - 9 * DAY, ends_on=None
        )
        # Today's return is on another page of the test.
        make.make_daily_return(
            office=here,
            day=today(),
            state=ReturnState.NIL,
            filed_at=datetime.now(UTC),
            filed_by=me,
            received=0,
            answered=0,
            remedied=0,
            overdue=0,
            unanswered_notices=0,
        )
        browser: Any = app.test_client()
        browser.let_in(me)
        other, third = make.make_officer(name="Otto"), make.make_officer(name="Thea")
        return World(me, here, elsewhere, other, third, group, browser)

    return build


# --- One case for each kind ------------------------------------------------------------------


def _grievance(w: World, **given: Any) -> Grievance:
    usual = {"title": "Zinnia", "responsible_office": w.here, "state": GrievanceState.ROUTED}
    return make.make_grievance(**usual | given)


def _served(w: World, **given: Any) -> Any:
    then = today() - 30 * DAY
    return make.make_reprimand(
        **{
            "office": w.here,
            "subject": "Zinnia",
            "state": ReprimandState.SERVED,
            "drafted_by": w.other,
            "checked_on": then,
            "checked_by": w.third,
            "served_on": then,
            "reply_due_on": then + 10 * DAY,
            "failed_on": then,
        }
        | given
    )


def _decision(w: World, **given: Any) -> Any:
    return make.make_decision(grievance=_grievance(w), drafted_by=w.other, **given)


def _issued(w: World, **given: Any) -> Any:
    return make.make_supervision_notice(
        **{
            "office": w.here,
            "group": w.group,
            "subject": "Zinnia",
            "state": NoticeState.ISSUED,
            "number": f"NT {next(NUMBERS)}",
            "issued_on": today() - DAY,
            "reply_due_on": today() + DAY,
        }
        | given
    )


def _found(w: World, **given: Any) -> Any:
    """A finding that the office was told of, as far as its state says."""
    then = today() - 9 * DAY
    told = {"notified_on": then, "received_on": then, "received_by": w.other}
    replied = {"replied_on": then, "replied_by": w.other, "reply": "We will.", "due_on": then}
    claimed = {"claimed_on": then, "claimed_by": w.other, "claim": "Done."}
    known = {
        FindingState.NOTIFIED: {"notified_on": then, "reply_due_on": then},
        FindingState.REPLIED: told | replied | {"first_due_on": then},
        FindingState.UNDER_WAY: told | replied | {"first_due_on": then},
        FindingState.CLAIMED: told | replied | claimed | {"first_due_on": then},
    }
    usual = {"office": w.here, "group": w.group, "subject": "Zinnia", "found_on": then}
    return make.make_finding(**usual | known[given["state"]] | given)


def _more_time(w: World) -> dict[str, Any]:
    return {
        "decided_on": today(),
        "granted_by": w.third,
        "decision_reasons": "Seen.",
        "state": RequestState.GRANTED,
    }


def _rectification(w: World, **given: Any) -> Any:
    return make.make_rectification(
        reprimand=_served(w), subject="Zinnia", due_on=today() + DAY, **given
    )


def _decided(w: World) -> dict[str, Any]:
    return {
        "decided_at": datetime.now(UTC),
        "decided_by": w.third,
        "decision_reasons": "Seen.",
        "state": RequestState.GRANTED,
    }


def _appeal_decided(w: World) -> dict[str, Any]:
    return {
        "state": AppealState.DECIDED,
        "decided_on": today(),
        "decided_by": w.third,
        "outcome": AppealOutcome.DISMISSED,
        "reasons": "Seen.",
    }


def _answered(_w: World) -> dict[str, Any]:
    return {"state": GrievanceState.ANSWERED, "answered_at": datetime.now(UTC) + DAY}


def _replied(w: World) -> dict[str, Any]:
    return {
        "state": NoticeState.REPLIED,
        "replied_on": today(),
        "replied_by": w.me,
        "reply": "Done.",
    }


def _reprimand_decided(w: World) -> dict[str, Any]:
    return {
        "state": ReprimandState.DECIDED,
        "decided_on": today(),
        "decided_by": make.make_officer(),
        "outcome": Outcome.ISSUE,
        "reasons": "Seen.",
    }


def _verified(w: World) -> dict[str, Any]:
    return {
        "state": RectificationState.VERIFIED,
        "verified_on": today(),
        "verified_by": w.me,
        "group": w.group,
    }


@dataclass(frozen=True)
class Case:
    """A record that waits on an officer of `role`, and what ends that."""

    role: Role
    made: Callable[[World], Any]
    done: Callable[[World], dict[str, Any]]
    named: str = "Zinnia"


HOURS = timedelta(hours=2)
CASES: dict[str, Case] = {
    "to_route": Case(
        Role.INTAKE,
        lambda w: _grievance(w, state=GrievanceState.REGISTERED, responsible_office=None),
        lambda w: {"responsible_office": w.here, "state": GrievanceState.ROUTED},
    ),
    "objections": Case(
        Role.INTAKE,
        lambda w: make.make_routing_objection(grievance=_grievance(w), office=w.here),
        _decided,
    ),
    "to_answer": Case(Role.HANDLER, lambda w: _grievance(w, handler=w.me), _answered),
    "steps": Case(
        Role.HANDLER,
        lambda w: make.make_plan_step(grievance=_grievance(w), subject="Zinnia", officer=w.me),
        lambda w: {"state": StepState.DONE, "done_on": today()},
    ),
    "drafts": Case(
        Role.HANDLER,
        lambda w: make.make_decision(
            grievance=_grievance(w, title="x"), drafted_by=w.me, subject="Zinnia"
        ),
        lambda w: {"state": DecisionState.GIVEN, "given_on": today(), "decided_by": w.other},
    ),
    "without_handler": Case(Role.OFFICE_HEAD, _grievance, lambda w: {"handler": w.other}),
    "extensions_of_the_office": Case(
        Role.OFFICE_HEAD,
        lambda w: make.make_extension(grievance=_grievance(w, handler=w.other), asked_by=w.other),
        _decided,
    ),
    "objections_of_the_office": Case(
        Role.OFFICE_HEAD,
        lambda w: make.make_routing_objection(
            grievance=_grievance(w, handler=w.other), office=w.here
        ),
        _decided,
    ),
    "notices_to_answer": Case(Role.OFFICE_HEAD, _issued, _replied),
    "findings_to_reply": Case(
        Role.OFFICE_HEAD,
        lambda w: _found(w, state=FindingState.NOTIFIED),
        lambda w: {"state": FindingState.CLOSED, "closed_on": today()},
    ),
    "findings_to_put_right": Case(
        Role.HANDLER,
        lambda w: _found(w, state=FindingState.UNDER_WAY),
        lambda w: {"state": FindingState.CLOSED, "closed_on": today()},
    ),
    "finding_replies": Case(
        Role.SUPERVISOR,
        lambda w: _found(w, state=FindingState.REPLIED),
        lambda w: {"state": FindingState.UNDER_WAY},
    ),
    "findings_to_verify": Case(
        Role.SUPERVISOR,
        lambda w: _found(w, state=FindingState.CLAIMED),
        lambda w: {
            "state": FindingState.VERIFIED,
            "verified_on": today(),
            "verified_by": w.me,
            "verdict": "Seen.",
        },
    ),
    "findings_overdue": Case(
        Role.SUPERVISOR,
        lambda w: _found(w, state=FindingState.UNDER_WAY),
        lambda w: {"due_on": today() + DAY},
    ),
    "postponements": Case(
        Role.SUPERVISOR,
        lambda w: make.make_finding_postponement(
            finding=_found(w, state=FindingState.UNDER_WAY), asked_by=w.other
        ),
        _more_time,
    ),
    "notice_extensions": Case(
        Role.SUPERVISOR,
        lambda w: make.make_notice_extension(
            notice=_issued(w, number="NT Zinnia"), asked_by=w.other
        ),
        _more_time,
    ),
    "reprimands_to_answer": Case(
        Role.OFFICE_HEAD,
        _served,
        lambda w: {"state": ReprimandState.REPLIED, "replied_on": today()},
    ),
    "circulations": Case(
        Role.OFFICE_HEAD,
        lambda w: make.make_circulation(
            office=w.here, reprimand=_served(w, office=w.elsewhere), sent_on=today() - DAY
        ),
        lambda w: {"acknowledged_on": today(), "acknowledged_by": w.me},
    ),
    "returns": Case(
        Role.OFFICE_HEAD,
        lambda w: make.make_daily_return(office=w.here, day=date(2026, 3, 6)),
        lambda w: {"state": ReturnState.MISSING},
        "6 Mar 2026",
    ),
    "remedies": Case(
        Role.OFFICE_HEAD,
        lambda w: make.make_remedy(
            grievance=_grievance(w, title="x", handler=w.other), office=w.here, promise="Zinnia"
        ),
        lambda w: {"state": RemedyState.DONE, "done_on": today(), "done_by": w.me},
    ),
    "rectifications": Case(
        Role.OFFICE_HEAD,
        lambda w: make.make_rectification(reprimand=_served(w, subject="x"), subject="Zinnia"),
        lambda w: {
            "state": RectificationState.CLAIMED,
            "claimed_on": today(),
            "claimed_by": w.me,
        },
    ),
    "led_and_overdue": Case(
        Role.LEAD_OFFICIAL,
        lambda w: _grievance(w, lead_official=w.me, due_at=datetime.now(UTC) - DAY),
        lambda w: {"due_at": datetime.now(UTC) + DAY},
    ),
    "reception_days": Case(
        Role.LEAD_OFFICIAL,
        lambda w: make.make_reception_day(
            name="Zinnia",
            office=w.here,
            leader=w.me,
            starts_at=datetime.now(UTC) + 3 * DAY,
            ends_at=datetime.now(UTC) + 3 * DAY + HOURS,
        ),
        lambda w: {
            "starts_at": datetime.now(UTC) - 3 * DAY,
            "ends_at": datetime.now(UTC) - 3 * DAY + HOURS,
        },
    ),
    "conferences": Case(
        Role.LEAD_OFFICIAL,
        lambda w: make.make_joint_conference(
            grievance=_grievance(w, title="x"), office=w.here, chair=w.me, subject="Zinnia"
        ),
        lambda w: {"conclusion": "The pipe is the county's."},
    ),
    "to_verify": Case(
        Role.SUPERVISOR,
        lambda w: _rectification(
            w, state=RectificationState.CLAIMED, claimed_on=today() - DAY, claimed_by=w.other
        ),
        _verified,
    ),
    "notices_without_reply": Case(Role.SUPERVISOR, _issued, _replied),
    "replies": Case(
        Role.SUPERVISOR,
        lambda w: _issued(
            w, state=NoticeState.REPLIED, replied_on=today(), replied_by=w.other, reply="Done."
        ),
        lambda w: {"state": NoticeState.CLOSED, "closed_on": today()},
    ),
    "inspections": Case(
        Role.SUPERVISOR,
        lambda w: make.make_inspection(
            group=w.group, office=w.here, inspector=w.me, subject="Zinnia"
        ),
        lambda w: {"state": InspectionState.DONE, "done_on": today()},
    ),
    "to_check": Case(
        Role.SUPERVISOR,
        lambda w: make.make_reprimand(office=w.here, subject="Zinnia", drafted_by=w.other),
        lambda w: {"state": ReprimandState.CHECKED, "checked_on": today(), "checked_by": w.me},
    ),
    "assignments": Case(
        Role.SUPERVISOR,
        lambda w: make.make_supervision_assignment(
            group=w.group, office=w.elsewhere, starts_on=today() - DAY, ends_on=today() + 9 * DAY
        ),
        lambda w: {"ends_on": today() + 99 * DAY},
        "The far office",
    ),
    "appeals": Case(
        Role.DECIDER,
        lambda w: make.make_appeal(
            decision=_decision(w), subject="Zinnia", first_decider=w.other, due_on=None
        ),
        _appeal_decided,
    ),
    "extensions": Case(
        Role.DECIDER,
        lambda w: make.make_extension(
            grievance=_grievance(w, responsible_office=w.elsewhere), asked_by=w.other
        ),
        _decided,
    ),
    "reprimands_answered": Case(
        Role.DECIDER,
        lambda w: _served(
            w, office=w.elsewhere, state=ReprimandState.REPLIED, replied_on=today() - DAY
        ),
        _reprimand_decided,
    ),
    "reprimands_unanswered": Case(
        Role.DECIDER, lambda w: _served(w, office=w.elsewhere), _reprimand_decided
    ),
    "appeals_against_reprimands": Case(
        Role.DECIDER,
        lambda w: make.make_reprimand_appeal(
            reprimand=_served(
                w,
                office=w.elsewhere,
                state=ReprimandState.DECIDED,
                decided_on=today(),
                decided_by=make.make_officer(),
                outcome=Outcome.ISSUE,
                reasons="Seen.",
            ),
            subject="Zinnia",
        ),
        _appeal_decided,
    ),
    "retaliation": Case(
        Role.DECIDER,
        lambda w: make.make_retaliation_report(
            grievance=_grievance(w), office=w.elsewhere, subject="Zinnia"
        ),
        lambda w: {
            "state": ReportState.CONFIRMED,
            "decided_on": today(),
            "decided_by": w.third,
            "reasons": "Seen.",
        },
    ),
    "imports_to_finish": Case(
        Role.ADMINISTRATOR,
        lambda w: make.make_import_batch(
            file_name="Zinnia.csv", state=ImportState.CHECKED, summary=Report().as_dict()
        ),
        lambda w: {"state": ImportState.IMPORTED, "finished_at": datetime.now(UTC)},
    ),
    "imports_stopped": Case(
        Role.ADMINISTRATOR,
        lambda w: make.make_import_batch(
            file_name="Zinnia.csv", state=ImportState.FAILED, finished_at=datetime.now(UTC)
        ),
        lambda w: {"finished_at": datetime.now(UTC) - 40 * DAY},
    ),
    "left_behind": Case(
        Role.ADMINISTRATOR,
        lambda w: _left(w),
        lambda w: {"left_on": None},
    ),
    "shifts": Case(
        Role.HANDLER,
        lambda w: make.make_duty_shift(
            name="Zinnia",
            office=w.here,
            officer=w.me,
            starts_at=datetime.now(UTC) + DAY,
            ends_at=datetime.now(UTC) + DAY + HOURS,
        ),
        lambda w: {"officer": w.other},
    ),
}


def _left(w: World) -> Officer:
    gone = make.make_officer(name="Zinnia", left_on=today() - DAY)
    _grievance(w, title="x", handler=gone)
    return gone


WITHOUT_ROWS = {"openings", "role_requests"}  # in tests of their own below


def test_every_kind_has_its_case() -> None:
    assert CASES.keys() | WITHOUT_ROWS == {kind.name for kind in KINDS}


@pytest.mark.parametrize("name", CASES)
def test_what_waits_is_there_until_it_is_done(
    name: str, world: Callable[..., World], session: Any
) -> None:
    case, kind = CASES[name], next(kind for kind in KINDS if kind.name == name)
    w = world(case.role)
    assert "Nothing waits on you today" in w.home()
    record = case.made(w)
    shown = w.home()
    assert kind.words in shown
    assert case.named in shown
    assert kind.step in shown
    assert w.counts()[kind.words] == "1"
    for key, value in case.done(w).items():
        setattr(record, key, value)
    session.flush()
    assert kind.words not in w.home()


@pytest.mark.parametrize("name", CASES)
def test_the_list_behind_a_number_shows_what_was_counted(
    name: str, world: Callable[..., World]
) -> None:
    case, kind = CASES[name], next(kind for kind in KINDS if kind.name == name)
    w = world(case.role)
    record = case.made(w)
    page = w.browser.get("/admin/").text
    (address,) = re.findall(rf'href="([^"]+)"><span class="kind-words">{kind.words}<', page)
    lists = w.browser.get(address.replace("&amp;", "&"))
    assert lists.status_code == 200, words(lists)
    assert f"id={record.id}" in lists.text
    steps = re.findall(r'wait-step" href="([^"]+)"', page)
    assert steps
    for step in steps:
        there = w.browser.get(step.replace("&amp;", "&"))
        assert there.status_code == 200, (step, words(there))


SEEN_BY_OFFICE = [
    name
    for name, case in CASES.items()
    if case.role not in READS_EVERY_OFFICE and name != "assignments"
]


@pytest.mark.parametrize("name", SEEN_BY_OFFICE)
def test_what_is_out_of_sight_does_not_wait(
    name: str, world: Callable[..., World], session: Any
) -> None:
    """The officer is transferred; what waited in the old office is not theirs to see."""
    case = CASES[name]
    w = world(case.role)
    case.made(w)
    assert case.named in w.home()
    w.me.office = make.make_office(name="A third office")
    session.execute(text("DELETE FROM supervision_assignment"))
    session.flush()
    session.expire_all()
    assert case.named not in w.home()
    assert "The pump house" not in w.home()


# --- Nobody in their own matter --------------------------------------------------------------


def test_nobody_decides_what_they_worked_on(world: Callable[..., World], session: Any) -> None:
    for name, role, spoil in [
        ("appeals", "first_decider", lambda one, me: setattr(one, "first_decider", me)),
        ("appeals", "drafted", lambda one, me: setattr(one.decision, "drafted_by", me)),
        ("appeals", "handled", lambda one, me: setattr(one.decision.grievance, "handler", me)),
        ("appeals", "led", lambda one, me: setattr(one.decision.grievance, "lead_official", me)),
        ("extensions", "asked", lambda one, me: setattr(one, "asked_by", me)),
        ("extensions", "handled", lambda one, me: setattr(one.grievance, "handler", me)),
        ("reprimands_answered", "drafted", lambda one, me: setattr(one, "drafted_by", me)),
        ("reprimands_unanswered", "checked", lambda one, me: setattr(one, "checked_by", me)),
        ("retaliation", "handled", lambda one, me: setattr(one.grievance, "handler", me)),
    ]:
        w = world(Role.DECIDER)
        record = CASES[name].made(w)
        assert "Zinnia" in w.home(), (name, role)
        spoil(record, w.me)
        session.flush()
        assert "Zinnia" not in w.home(), (name, role)
        session.delete(record)
        session.flush()


def test_a_reprimand_on_a_grievance_one_led_is_not_ones_own_to_decide(
    world: Callable[..., World],
) -> None:
    w = world(Role.DECIDER)
    record = CASES["reprimands_answered"].made(w)
    led = _grievance(w, title="x", lead_official=w.me)
    assert "Zinnia" in w.home()
    make.make_reprimand_evidence(reprimand=record, finding=None, grievance=led, finding_id=None)
    assert "Zinnia" not in w.home()


def test_who_is_of_the_line_of_an_office_does_not_decide_about_it(
    world: Callable[..., World], session: Any
) -> None:
    w = world(Role.DECIDER)
    above = make.make_office(level=OfficeLevel.DISTRICT)
    w.here.parent = above
    record = CASES["appeals"].made(w)
    for office, shown in [(w.elsewhere, True), (w.here, False), (above, False), (None, True)]:
        record.decision.grievance.respondent_office = office
        session.flush()
        assert ("Zinnia" in w.home()) is shown, office
    record.decision.grievance.respondent_office = w.elsewhere
    make.make_recusal(officer=w.me, office=w.elsewhere, starts_on=today() - DAY)
    assert "Zinnia" not in w.home()


# --- What is announced nowhere else ----------------------------------------------------------


def test_roles_that_wait_for_another_administrator_are_announced(
    world: Callable[..., World], session: Any
) -> None:
    w = world(Role.ADMINISTRATOR)
    for_whom = make.make_officer(name="Zinnia")
    change = make.make_role_change(officer=for_whom, roles=[Role.DECIDER])
    shown = w.home()
    assert "Zinnia · Decider" in shown
    assert "lapses in 7 days" in shown
    change.asked_by = w.me
    session.flush()
    assert "Zinnia" not in w.home()
    change.asked_by, change.officer = w.other, w.me
    session.flush()
    assert "Roles to approve" not in w.home()
    change.officer, change.asked_at = for_whom, datetime.now(UTC) - timedelta(days=7, minutes=1)
    session.flush()
    assert "Zinnia" not in w.home(), "it has lapsed"


def test_an_opening_that_needs_a_second_officer_is_announced_to_who_may_agree(
    world: Callable[..., World], session: Any
) -> None:
    w = world(Role.INTAKE)
    grievance = make.make_grievance(
        title="Zinnia",
        state=GrievanceState.ROUTED,
        respondent_office=w.elsewhere,
        responsible_office=make.make_office(),
    )
    make.make_identity_request(grievance=grievance)
    shown = w.home()
    assert "Openings to agree to 1" in shown
    assert "Agree or refuse" in shown
    grievance.respondent_office = w.here
    session.flush()
    assert "Zinnia" not in w.home(), "of the line of the office complained about"
    grievance.respondent_office = w.elsewhere
    grievance.kind = GrievanceKind.CONDUCT
    session.flush()
    assert "Agree or refuse" not in w.home(), "named as respondent a moment ago"


@pytest.mark.parametrize("role", [Role.HANDLER, Role.AUDITOR, Role.SUPERVISOR])
def test_an_opening_is_not_announced_to_who_may_not_agree(
    role: Role, world: Callable[..., World]
) -> None:
    w = world(role)
    grievance = _grievance(w, respondent_office=w.elsewhere)
    make.make_identity_request(grievance=grievance)
    assert "Zinnia" not in w.home()


def test_who_administers_agrees_to_no_opening(world: Callable[..., World]) -> None:
    w = world(Role.INTAKE, Role.ADMINISTRATOR)
    make.make_identity_request(grievance=make.make_grievance(respondent_office=w.elsewhere))
    assert "Agree or refuse" not in w.home()


def test_the_return_of_today_is_asked_for_on_working_days(
    world: Callable[..., World], session: Any
) -> None:
    w = world(Role.OFFICE_HEAD)
    assert "Return of" not in w.home()
    session.execute(text("DELETE FROM daily_return"))
    session.add(CalendarDay(name="At work", day=today(), kind=DayKind.MAKE_UP))
    session.flush()
    shown = w.home()
    assert "Return of" in shown
    assert "due today" in shown
    session.add(CalendarDay(name="Holiday", day=today(), kind=DayKind.HOLIDAY, calendar_version=2))
    session.flush()
    assert "Return of" not in w.home()


def test_an_auditor_is_told_of_the_trail_and_of_openings(world: Callable[..., World]) -> None:
    w = world(Role.AUDITOR)
    assert "No root of the audit trail is signed yet." in w.home()
    assert "Identities opened" not in w.home()
    make.make_audit_entry(verb=AuditVerb.OPEN, record_type="identity")
    assert w.counts()["Identities opened in the last 7 days"] == "1"


# --- Several roles, many things --------------------------------------------------------------


def test_what_waits_for_two_reasons_stands_there_once(world: Callable[..., World]) -> None:
    w = world(Role.HANDLER, Role.LEAD_OFFICIAL)
    _grievance(w, handler=w.me, lead_official=w.me, due_at=datetime.now(UTC) - DAY)
    page = w.browser.get("/admin/").text
    assert len(re.findall(r'class="wait-title"[^>]*>[^<]*Zinnia', page)) == 1
    assert len(re.findall("kind-words", page)) == 2


def test_the_most_urgent_come_first_and_the_others_are_counted(
    world: Callable[..., World],
) -> None:
    w = world(Role.HANDLER)
    now = datetime.now(UTC)
    for number in range(SHOWN + 4):
        _grievance(w, title=f"Zinnia {number:02}", handler=w.me, due_at=now - number * DAY)
    make.make_plan_step(
        grievance=_grievance(w, title="x"),
        subject="Zinnia step",
        officer=w.me,
        due_on=today() + 2 * DAY,
    )
    page = w.browser.get("/admin/").text
    titles = re.findall(r'class="wait-title"[^>]*>[^<]*(Zinnia \w+)', page)
    last = SHOWN + 3
    wanted = [f"Zinnia {number:02}" for number in range(last, last - SHOWN, -1)]
    assert titles == [*wanted, "Zinnia step"]
    assert w.counts() == {"Grievances to answer": str(SHOWN + 4), "Steps of plans": "1"}
    headings = re.findall(r'<h2 id="waits-\w+">([^<]+)', page)
    assert headings == ["Overdue", "In the next 7 days"]


def test_beyond_a_hundred_nobody_counts(world: Callable[..., World], session: Any) -> None:
    w = world(Role.HANDLER)
    session.add_all(
        Grievance(title="x", state=GrievanceState.ROUTED, responsible_office=w.here, handler=w.me)
        for _ in range(MOST + 1)
    )
    session.flush()
    assert w.counts() == {"Grievances to answer": f"more than {MOST}"}


def test_who_has_no_role_is_told_what_comes_next(world: Callable[..., World]) -> None:
    assert "You have no role here yet." in world().home()


@pytest.mark.parametrize("day", [date.min, date(1900, 1, 1), date(2200, 12, 31), date.max], ids=str)
def test_no_date_is_too_much_for_the_page(
    day: date, world: Callable[..., World], session: Any
) -> None:
    w = world(Role.HANDLER)
    make.make_plan_step(grievance=_grievance(w, title="x"), officer=w.me, due_on=day)
    edge = datetime(min(day.year, 9999), day.month, day.day, 12, tzinfo=UTC)
    _grievance(w, handler=w.me, due_at=edge)
    assert "Steps of plans 1" in w.home()


def test_names_are_shown_as_text(world: Callable[..., World]) -> None:
    w = world(Role.HANDLER)
    _grievance(w, title="<img src=x onerror=alert(1)> Zinnia", handler=w.me)
    page = w.browser.get("/admin/")
    assert "<img src=x" not in page.text
    assert "&lt;img src=x" in page.text


def test_the_page_is_in_the_language_of_the_officer(
    world: Callable[..., World], session: Any
) -> None:
    w = world(Role.HANDLER)
    w.me.language = "zh_Hans_CN"
    session.flush()
    _grievance(w, handler=w.me)
    page = w.browser.get("/admin/")
    assert page.status_code == 200
    assert 'lang="zh-Hans"' in page.text
    assert re.search(r"\d{4}年\d{1,2}月\d{1,2}日", page.text)


# --- Cost ------------------------------------------------------------------------------------


@pytest.mark.parametrize("roles", [*((role,) for role in Role), tuple(Role)], ids=str)
def test_the_page_is_frugal(roles: tuple[Role, ...], world: Callable[..., World]) -> None:
    w = world(*roles)
    for case in CASES.values():
        case.made(w)
    for _ in range(3):
        make.make_identity_request(grievance=make.make_grievance(respondent_office=w.elsewhere))
    with statements() as seen:
        page = w.browser.get("/admin/")
    assert page.status_code == 200
    assert len(seen) <= MOST_STATEMENTS, "\n\n".join(seen)
    assert not [one for one in seen if "OFFSET" in one or "count(" in one.lower()]


def test_all_roles_but_those_that_see_no_identity_are_frugal_too(
    world: Callable[..., World],
) -> None:
    """The most that a page can need: openings to agree to, groups, impartiality, a return."""
    w = world(*(set(Role) - {Role.ADMINISTRATOR, Role.AUDITOR}))
    for case in CASES.values():
        case.made(w)
    for _ in range(3):
        make.make_identity_request(grievance=make.make_grievance(respondent_office=w.elsewhere))
    with statements() as seen:
        assert "Openings to agree to 3" in w.home()
    assert len(seen) <= MOST_STATEMENTS, "\n\n".join(seen)


def test_what_takes_too_long_leaves_the_lists(
    world: Callable[..., World], app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    w = world(Role.HANDLER)
    slow = db.select(db.func.pg_sleep(3))
    monkeypatch.setitem(app.config, "STATEMENT_SECONDS", 1)
    monkeypatch.setattr("queries.waiting.union_all", lambda *_: slow)
    page = w.browser.get("/admin/")
    assert page.status_code == 503
    assert "could not be found in the time" in words(page)
    assert "/admin/grievance/" in page.text


@pytest.fixture(scope="module")
def crowd(
    fresh_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Flask]:
    """30,000 grievances, of which one in ten is open, and officers who work on some."""
    app = make_app(fresh_database(), tmp_path_factory.mktemp("instance"))
    with app.app_context():
        offices = [make.make_office() for _ in range(4)]
        for n in range(40):
            make.make_officer(username=f"crowd{n}", office=offices[n % 4])
        db.session.commit()
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ALTER TABLE grievance DISABLE TRIGGER USER"))
            connection.execute(
                text(
                    "INSERT INTO grievance (title, received_at, due_at, state, closed_at,"
                    "   handler_id, lead_official_id, responsible_office_id)"
                    " SELECT 'Street light ' || n, now() - n * interval '1 minute',"
                    "   now() - n % 977 * interval '1 hour',"
                    "   CASE WHEN n % 10 = 0 THEN 'routed' ELSE 'closed' END,"
                    "   CASE WHEN n % 10 = 0 THEN NULL ELSE now() END, handler.id, leader.id,"
                    "   handler.office_id"
                    " FROM generate_series(1, 30000) n"
                    " LEFT JOIN officer handler ON handler.username = 'crowd' || n % 53"
                    " LEFT JOIN officer leader ON leader.username = 'crowd' || n % 47"
                    " WHERE n % 10 > 0 OR handler.id IS NOT NULL"
                )
            )
            connection.execute(text("VACUUM ANALYZE"))
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.mark.parametrize("role", Role)
def test_no_page_reads_through_the_register(crowd: Flask, role: Role) -> None:
    """Each statement of the page is planned as the web's own login has it, rights and all."""
    with crowd.app_context():
        officer = db.session.scalars(db.select(Officer).filter_by(username="crowd7")).one()
        db.session.execute(
            text("UPDATE officer SET roles = ARRAY[:role] WHERE id = :id"),
            {"role": role.value, "id": officer.id},
        )
        browser: Any = crowd.test_client()
        browser.let_in(officer)
        db.session.commit()
    plans: list[str] = []

    def explain(connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "grievance" in statement and statement.lstrip("(").startswith("SELECT"):
            with connection.connection.cursor() as beside:
                beside.execute(f"EXPLAIN {statement}", parameters)
                plans.append("\n".join(line for (line,) in beside.fetchall()))

    event.listen(Engine, "before_cursor_execute", explain)
    try:
        page = browser.get("/admin/")
    finally:
        event.remove(Engine, "before_cursor_execute", explain)
    assert page.status_code == 200
    through = "\n".join(plans)
    assert "Seq Scan on grievance" not in through, through
    kept_for = {
        Role.HANDLER: "handler",
        Role.LEAD_OFFICIAL: "leader",
        Role.OFFICE_HEAD: "office",
    }
    if role is Role.INTAKE:
        assert re.search("ix_grievance_(to_route|state_id)", through), through
    if role in kept_for:
        # Of few rows the planner may prefer the index that sorts by the same officer.
        ours = rf"ix_grievance_(waits_on_{kept_for[role]}|handler_id_id|lead_official_id_id)"
        assert re.search(ours, through), through
    if role in (Role.HANDLER, Role.LEAD_OFFICIAL):
        assert "Street light" in page.text

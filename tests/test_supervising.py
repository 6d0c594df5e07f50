"""Steps of findings and notices: what each writes down, who may, numbers without a gap, alarms."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

import security
import tests.factories as make
from actions.findings import link_repeat
from actions.notices import FORM, SERIES
from actions.numbers import next_number
from actions.supervising import LIVES, possible_steps, take_step
from actions.supervision_alarms import OWED, raise_owed
from demo.reprimands import digest, frozen
from models import (
    Finding,
    FindingPostponement,
    Message,
    NumberSeries,
    Office,
    Officer,
    SupervisionGroup,
    SupervisionNotice,
    db,
)
from queries.findings import may_repeat
from rules import RuleBroken
from rules.alarms import MessageKind, Timing
from rules.calendars import calendar_of
from rules.findings import WEEK
from rules.grievance import RequestState
from rules.permissions import Role
from rules.reprimand import Ground
from rules.supervision import FindingSeverity, FindingState, NoticeState, RootCause

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
TODAY = NOW.date()
DAY = timedelta(days=1)
S, N = FindingState, NoticeState
LONG_AGO = TODAY - 30 * DAY


@dataclass
class World:
    """An office below a district, its officers, and a group that supervises it."""

    district: Office
    office: Office
    group: SupervisionGroup
    head: Officer
    handler: Officer
    inspector: Officer
    second: Officer

    def who(self, name: str, model: type[Any] = Finding) -> Officer:
        """Return somebody who may take the step."""
        roles = LIVES[model].cycle.steps[name].roles
        return self.head if Role.OFFICE_HEAD in roles else self.inspector

    def finding(self, state: S = S.DRAFT, **more: Any) -> Finding:
        """Return a finding that stands so, with the facts that come with it."""
        told = {"notified_on": LONG_AGO, "reply_due_on": LONG_AGO + 14 * DAY}
        received = told | {"received_on": LONG_AGO + DAY, "received_by": self.handler}
        replied = received | {
            "reply": "We will.",
            "replied_on": LONG_AGO + 2 * DAY,
            "replied_by": self.head,
            "due_on": TODAY + 5 * DAY,
            "first_due_on": TODAY + 5 * DAY,
        }
        claimed = replied | {
            "claim": "Done.",
            "claimed_on": TODAY - DAY,
            "claimed_by": self.handler,
        }
        verified = {"verified_on": TODAY, "verified_by": self.inspector, "verdict": "Seen."}
        known = {
            S.DRAFT: {},
            S.NOTIFIED: told,
            S.RECEIVED: received,
            S.REPLIED: replied,
            S.UNDER_WAY: replied,
            S.CLAIMED: claimed,
            S.VERIFIED: claimed | verified,
            S.CLOSED: told | {"closed_on": TODAY},
        }[state]
        usual = {"office": self.office, "group": self.group, "state": state}
        return make.make_finding(**usual | {"found_on": LONG_AGO} | known | more)

    def notice(self, state: N = N.DRAFT, **more: Any) -> SupervisionNotice:
        """Return a notice that stands so."""
        issued = {"number": "NT 1", "issued_on": LONG_AGO, "issued_by": self.inspector}
        replied = issued | {"replied_on": TODAY, "replied_by": self.head, "reply": "Done."}
        known = {N.DRAFT: {}, N.ISSUED: issued, N.REPLIED: replied}
        known[N.CLOSED] = replied | {"closed_on": TODAY}
        usual = {"office": self.office, "group": self.group, "state": state}
        return make.make_supervision_notice(
            **usual | {"reply_due_on": TODAY + 9 * DAY} | known[state] | more
        )


@pytest.fixture
def w(session: Any) -> World:
    district = make.make_office(name="District")
    office = make.make_office(name="Water", parent=district)
    bureau = make.make_office(name="Bureau", parent=district)
    group = make.make_supervision_group(formed_on=date(2020, 1, 1))
    inspectors = [make.make_officer(office=bureau, roles=[Role.SUPERVISOR]) for _ in range(2)]
    for one in inspectors:
        make.make_group_membership(group=group, officer=one, starts_on=date(2020, 1, 1))
    make.make_supervision_assignment(group=group, office=office, starts_on=date(2020, 1, 1))
    return World(
        district,
        office,
        group,
        make.make_officer(office=office, roles=[Role.OFFICE_HEAD]),
        make.make_officer(office=office, roles=[Role.HANDLER]),
        *inspectors,
    )


FACTS: dict[str, dict[str, Any]] = {
    "notify": {"reply_due_on": TODAY + 14 * DAY},
    "reply": {"reply": "We will.", "due_on": TODAY + 30 * DAY, "root_cause": RootCause.NO_TRAINING},
    "return_reply": {"reason": "Say how.", "reply_due_on": TODAY + 7 * DAY},
    "claim": {"claim": "The list hangs there."},
    "verify": {"verdict": "Seen on the wall."},
    "ask_time": {"to_on": TODAY + 60 * DAY, "reason": "The printer is broken."},
    **dict.fromkeys(
        ("drop", "refuse_claim", "grant_time", "refuse_time", "close", "close_unanswered"),
        {"reason": "Because."},
    ),
}


def go(record: Any, name: str, by: Officer, **facts: Any) -> Any:
    given = facts or FACTS.get(name, {})
    if isinstance(record, SupervisionNotice) and name == "reply":
        given = {"reply": "Done."} if not facts else facts
    return take_step(record, name, by=by, now=NOW, issuer=numbers, **given)


def numbers(notice: SupervisionNotice, today: date) -> None:
    """Number a notice without papers: those are another test's."""
    given = next_number(db.session(), body="B", series=SERIES, year=today.year, form=FORM)
    notice.number, notice.number_series_id = given.number, given.series_id
    notice.number_in_series = given.place


def ask_for_time(w: World, record: Any) -> None:
    go(record, "ask_time", w.head)


STATES = [
    pytest.param(model, state, name, id=f"{model.__name__}-{state}-{name}")
    for model, life in LIVES.items()
    for state in life.cycle.states
    for name in life.cycle.steps
]


@pytest.mark.parametrize(("model", "state", "name"), STATES)
def test_every_step_in_every_state(w: World, model: type[Any], state: Any, name: str) -> None:
    severity = FindingSeverity.IN_ORDER if name == "tell" else FindingSeverity.SERIOUS
    one = w.finding(state, severity=severity) if model is Finding else w.notice(state)
    step = LIVES[model].cycle.steps[name]
    by = w.who(name, model)
    if state not in step.sources:
        with pytest.raises(RuleBroken, match="This step is not possible now"):
            go(one, name, by)
        assert one.state is state
        return
    if name in ("grant_time", "refuse_time"):
        with pytest.raises(RuleBroken, match="No request for more time"):
            go(one, name, by)
        ask_for_time(w, one)
    assert name in {step.name for step in possible_steps(one, by=by, now=NOW)}
    assert go(one, name, by) is step.target
    db.session.flush()
    assert one.state is step.target


def test_a_finding_from_the_draft_to_the_end(w: World) -> None:
    one = w.finding(group=None)
    go(one, "notify", w.inspector)
    assert (one.notified_on, one.group_id) == (TODAY, w.group.id)
    go(one, "reply", w.head)
    assert (one.received_by_id, one.replied_by_id) == (w.head.id, w.head.id)
    assert one.due_on == one.first_due_on == TODAY + 30 * DAY
    assert one.root_cause is RootCause.NO_TRAINING
    go(one, "return_reply", w.inspector)
    assert (one.reply, one.due_on, one.times_sent_back) == (None, None, 1)
    go(one, "reply", w.head)
    go(one, "agree", w.second)
    ask_for_time(w, one)
    go(one, "grant_time", w.inspector)
    assert (one.first_due_on, one.due_on) == (TODAY + 30 * DAY, TODAY + 60 * DAY)
    go(one, "claim", w.handler)
    go(one, "refuse_claim", w.inspector)
    assert (one.claimed_on, one.due_on, one.times_sent_back) == (None, TODAY + 60 * DAY, 2)
    go(one, "claim", w.handler)
    go(one, "verify", w.inspector)
    assert (one.state, one.verified_by_id) == (S.VERIFIED, w.inspector.id)


def test_more_time_is_asked_once_for_a_later_day_and_decided_by_the_group(w: World) -> None:
    one = w.finding(S.UNDER_WAY)
    with pytest.raises(RuleBroken, match="it is due then") as refused:
        go(one, "ask_time", w.head, to_on=one.due_on, reason="x")
    assert refused.value.field == "to_on"
    ask_for_time(w, one)
    with pytest.raises(RuleBroken, match="asked for already"):
        ask_for_time(w, one)
    go(one, "refuse_time", w.inspector)
    assert one.due_on == one.first_due_on
    ask_for_time(w, one)
    go(one, "claim", w.handler)  # what it asked the time for is done
    asked = db.session.scalars(select(FindingPostponement)).all()
    assert [request.state for request in asked] == [RequestState.REFUSED]


@pytest.mark.parametrize("model", LIVES)
def test_a_request_counts_once_and_moves_the_day_of_a_notice_too(w: World, model: Any) -> None:
    one = w.finding(S.UNDER_WAY) if model is Finding else w.notice(N.ISSUED)
    before = one.due_on if model is Finding else one.reply_due_on
    ask_for_time(w, one)
    go(one, "grant_time", w.second)
    after = one.due_on if model is Finding else one.reply_due_on
    first = one.first_due_on if model is Finding else one.first_reply_due_on
    assert (first, after) == (before, TODAY + 60 * DAY)


# --- Who may ---------------------------------------------------------------------------------


def test_another_office_a_stranger_to_the_group_and_who_served_there_are_refused(w: World) -> None:
    told, claimed = w.finding(S.NOTIFIED), w.finding(S.CLAIMED)
    other = make.make_officer(office=make.make_office(), roles=[Role.OFFICE_HEAD])
    with pytest.raises(RuleBroken, match="for the office that it is about"):
        go(told, "reply", other)
    above = make.make_officer(office=w.district, roles=[Role.OFFICE_HEAD])
    assert go(told, "reply", above) is S.REPLIED
    stranger = make.make_officer(office=w.district, roles=[Role.SUPERVISOR])
    with pytest.raises(RuleBroken, match="member of the supervision group"):
        go(claimed, "verify", stranger)
    # A group that has the office cannot have them; one that had it once can.
    served = make.make_officer(office=w.office, roles=[Role.SUPERVISOR])
    theirs = w.finding(S.CLAIMED, group=make.make_supervision_group(formed_on=date(2020, 1, 1)))
    make.make_group_membership(group=theirs.group, officer=served, starts_on=date(2020, 1, 1))
    with pytest.raises(RuleBroken, match="You serve the office to be inspected"):
        go(theirs, "verify", served)
    assert possible_steps(theirs, by=served, now=NOW) == []
    make.make_recusal(officer=w.second, office=w.office, starts_on=date(2020, 1, 1))
    with pytest.raises(RuleBroken, match="You stand aside"):
        go(claimed, "verify", w.second)
    for one in (stranger, w.second):
        assert possible_steps(claimed, by=one, now=NOW) == []
    assert go(claimed, "verify", w.inspector) is S.VERIFIED


def test_a_term_that_is_over_gives_no_right_and_a_group_that_took_over_does(w: World) -> None:
    claimed = w.finding(S.CLAIMED)
    heirs = make.make_supervision_group(formed_on=date(2020, 1, 1))
    heir = make.make_officer(office=w.district, roles=[Role.SUPERVISOR])
    make.make_group_membership(group=heirs, officer=heir, starts_on=date(2020, 1, 1), ends_on=TODAY)
    elsewhere = make.make_office()
    make.make_supervision_assignment(group=heirs, office=elsewhere, starts_on=date(2020, 1, 1))
    with pytest.raises(RuleBroken, match="member of the supervision group"):
        go(claimed, "verify", heir)
    make.make_group_membership(group=heirs, officer=heir, starts_on=TODAY)
    with pytest.raises(RuleBroken, match="member of the supervision group"):
        go(claimed, "verify", heir)
    claimed.office = elsewhere
    db.session.flush()
    assert go(claimed, "verify", heir) is S.VERIFIED


def test_nobody_judges_what_they_did(w: World) -> None:
    both = make.make_officer(office=w.district, roles=[Role.OFFICE_HEAD, Role.SUPERVISOR])
    make.make_group_membership(group=w.group, officer=both, starts_on=date(2020, 1, 1))
    one = w.finding(S.UNDER_WAY)
    go(one, "claim", both)
    with pytest.raises(RuleBroken, match="Somebody else must take this step"):
        go(one, "verify", both)
    other = w.finding(S.UNDER_WAY)
    go(other, "ask_time", both)
    with pytest.raises(RuleBroken, match="Somebody else must take this step"):
        go(other, "grant_time", both)
    notice = w.notice(N.ISSUED)
    go(notice, "reply", both)
    with pytest.raises(RuleBroken, match="Somebody else must take this step"):
        go(notice, "close", both)


# --- Repeated findings -----------------------------------------------------------------------


def test_what_repeats_is_suggested_and_confirmed(w: World) -> None:
    same = {"ground": Ground.LATE, "severity": FindingSeverity.MINOR}
    earlier = w.finding(S.VERIFIED, **same)
    w.finding(S.VERIFIED, **same | {"ground": Ground.RETALIATION})
    w.finding(S.VERIFIED, **same | {"office": make.make_office()})
    w.finding(S.VERIFIED, **same | {"found_on": TODAY - 4 * 365 * DAY})
    w.finding(S.DRAFT, **same)
    one = w.finding(S.DRAFT, **same | {"found_on": TODAY})
    assert list(may_repeat(db.session(), one)) == [earlier]
    link_repeat(one, earlier)
    assert one.repeats_id == earlier.id
    with pytest.raises(RuleBroken, match="same office on the same ground"):
        link_repeat(earlier, one)
    link_repeat(one, None)
    assert one.repeats_id is None
    assert may_repeat(db.session(), w.finding(S.DRAFT)) == []


# --- Numbers ---------------------------------------------------------------------------------

THREADS, EACH, ROLLED_BACK = 12, 20, 5


def test_numbers_have_no_gap_and_come_once_however_many_issue(
    committed: Flask, figures: Callable[[str], None]
) -> None:
    """Promise C3 for whatever is numbered: threads that issue side by side, one of five of them
    rolled back."""

    def issue(thread: int) -> list[str]:
        given = []
        with committed.app_context(), security.acting_for(None):
            for turn in range(EACH):
                number = next_number(
                    db.session(), body="B", series=SERIES, year=2026, form=FORM
                ).number
                if (thread + turn) % ROLLED_BACK == 0:
                    db.session.rollback()
                else:
                    db.session.commit()
                    given.append(number)
        return given

    with ThreadPoolExecutor(THREADS) as pool:
        found = [number for numbers in pool.map(issue, range(THREADS)) for number in numbers]
    kept = THREADS * EACH * (ROLLED_BACK - 1) // ROLLED_BACK
    assert sorted(found, key=lambda one: int(one.rpartition(" ")[2])) == [
        f"NT [2026] {number}" for number in range(1, kept + 1)
    ]
    with committed.app_context():
        assert db.session.scalars(select(NumberSeries.last_number)).all() == [kept]
    figures(
        f"C3: {THREADS} threads x {EACH} numbers of notices, 1 of {ROLLED_BACK} rolled back:"
        f" 1 to {kept}, no gap, none twice"
    )


def test_a_series_says_how_its_numbers_are_written(w: World) -> None:
    make.make_number_series(body="B", series=SERIES, form="督通〔{year}〕{number}号", last_number=6)
    notice = w.notice()
    go(notice, "issue", w.inspector)
    assert (notice.number, notice.number_in_series) == ("督通〔2026〕7号", 7)
    other = next_number(db.session(), body="B", series=SERIES, year=2027, form=FORM)
    assert other.number == "NT [2027] 1"


def test_a_notice_whose_day_is_over_is_not_issued(w: World) -> None:
    notice = w.notice(reply_due_on=TODAY)
    with pytest.raises(RuleBroken, match="leave it time"):
        go(notice, "issue", w.inspector)
    assert notice.number is None


# --- Alarms ----------------------------------------------------------------------------------

WEEKDAYS = calendar_of("district", 1, "UTC", ("09:00-17:00",) * 5 + ("", ""))


def told(session: Any) -> list[tuple[MessageKind, int | None]]:
    rows = session.execute(select(Message.kind, Message.officer_id).order_by(Message.id)).all()
    session.execute(Message.__table__.delete())
    return [(row.kind, row.officer_id) for row in rows]


@pytest.mark.parametrize("kind", OWED, ids=lambda one: one.__name__)
def test_what_is_owed_is_told_once_and_climbs_week_by_week(
    w: World, session: Any, kind: Any
) -> None:
    top = make.make_officer(office=w.district, roles=[Role.OFFICE_HEAD])
    due = date(2026, 11, 27)  # a Friday
    if OWED[kind][0] == "finding_id":
        one: Any = w.finding(S.UNDER_WAY, due_on=due, first_due_on=TODAY)
        w.finding(S.CLAIMED, due_on=due, first_due_on=TODAY)
        w.finding(S.DRAFT)
    else:
        one = w.notice(N.ISSUED, reply_due_on=due)
        w.notice(N.DRAFT, reply_due_on=due)

    def look(day: date) -> list[tuple[MessageKind, int | None]]:
        for _ in range(2):  # raised once, however often it is looked at
            raise_owed(
                session(),
                kind,
                lambda _name: WEEKDAYS,
                timing=Timing(3, WEEK),
                now=datetime(day.year, day.month, day.day, 12, tzinfo=UTC),
                today=day,
                by_mail=False,
                after=0,
                size=50,
            )
        return told(session)

    assert look(date(2026, 11, 20)) == []
    assert look(date(2026, 11, 24)) == [(MessageKind.ENDS_SOON, w.head.id)]
    assert look(due) == []
    assert look(date(2026, 11, 30)) == [(MessageKind.ENDED, w.head.id)]
    assert look(date(2026, 12, 3)) == []
    assert look(date(2026, 12, 4)) == [(MessageKind.ESCALATED, top.id)]
    assert look(date(2026, 12, 31)) == []
    assert session.scalar(select(func.count()).select_from(kind)) == 3
    assert one.state in (S.UNDER_WAY, N.ISSUED)


# --- Evidence --------------------------------------------------------------------------------


def test_an_unanswered_notice_is_evidence_and_its_frozen_copy_stays(w: World, session: Any) -> None:
    notice = w.notice(N.ISSUED, reply_due_on=TODAY - DAY)
    evidence = make.make_reprimand_evidence(notice=notice, finding=None, finding_id=None)
    copy = frozen(evidence)
    evidence.frozen_at, evidence.frozen_copy, evidence.sha256 = NOW, copy, digest(copy)
    session.flush()
    go(notice, "reply", w.head)
    session.expire_all()
    assert evidence.frozen_copy == copy
    assert (copy["number"], copy["replied_on"]) == (notice.number, None)
    assert digest(evidence.frozen_copy) == evidence.sha256

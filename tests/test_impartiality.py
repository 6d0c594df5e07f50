"""Impartiality with real records: what is read for the rules, the leave of two, and what the
database itself refuses."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError, ProgrammingError

import access
from actions import impartiality as acting
from models import FormerRespondent, Grievance, Office, Officer, OfficerPosting, Recusal, db
from queries import impartiality as asking
from rules import RuleBroken
from rules.grievance import AppealOutcome, AppealState, AsideGround, GrievanceKind, RequestState
from rules.impartiality import COOLING_OFF_DAYS, Act, Scope, Settings, refusal
from rules.permissions import Role
from tests.factories import (
    act_as,
    make_appeal,
    make_decision,
    make_grievance,
    make_grievance_recusal,
    make_impartiality_override,
    make_office,
    make_officer,
    make_reception,
    make_reception_day,
    make_recusal,
)
from tests.statements import statements

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
SETTINGS = Settings()


@pytest.fixture
def here(app: Flask) -> Any:
    with app.app_context():
        yield


def why(act: Act, officer: Officer, grievance: Grievance) -> str:
    """Return the sentence with which this act is refused; "" where it is not."""
    try:
        asking.check(act, officer, grievance, now=NOW)
    except RuleBroken as refused:
        return str(refused)
    return ""


def conduct(office: Office, **given: Any) -> Grievance:
    grievance: Grievance = make_grievance(
        kind=GrievanceKind.CONDUCT, respondent_office_id=office.id, **given
    )
    return grievance


# --- What is read ----------------------------------------------------------------------------


def test_a_transfer_takes_nobody_out_of_it_before_the_cooling_off_is_over(here: None) -> None:
    office, other = make_office(), make_office()
    officer = make_officer(office_id=office.id)
    grievance = conduct(office)
    officer.office_id = other.id
    db.session.flush()
    assert why(Act.HANDLE, officer, grievance)
    posting = update(OfficerPosting).where(OfficerPosting.officer_id == officer.id)
    db.session.execute(posting.values(until_at=NOW - timedelta(days=COOLING_OFF_DAYS - 1)))
    assert why(Act.HANDLE, officer, grievance)
    db.session.execute(posting.values(until_at=NOW - timedelta(days=COOLING_OFF_DAYS + 1)))
    assert why(Act.HANDLE, officer, grievance) == ""


def test_an_office_that_was_complained_about_once_stays_out_of_it(here: None) -> None:
    office, other = make_office(), make_office()
    officer = make_officer(office_id=office.id)
    grievance = conduct(office)
    grievance.respondent_office_id = other.id
    db.session.flush()
    assert why(Act.HANDLE, officer, grievance)


def test_every_part_that_somebody_had_is_found(here: None) -> None:
    office = make_office()
    parts = {name: make_officer() for name in ("first", "drafted", "aside", "received")}
    grievance = conduct(office)
    decision = make_decision(grievance_id=grievance.id, drafted_by_id=parts["drafted"].id)
    make_appeal(decision_id=decision.id, first_decider_id=parts["first"].id)
    make_grievance_recusal(grievance_id=grievance.id, officer_id=parts["aside"].id)
    day = make_reception_day(leader_id=parts["received"].id)
    make_reception(reception_day_id=day.id, grievance_id=grievance.id)
    case = asking.case(grievance)
    assert case.first_deciders == {parts["first"].id}
    assert case.drafted_by == {parts["drafted"].id}
    assert case.aside == {parts["aside"].id}
    assert case.received_by == {parts["received"].id}
    assert case.is_appealed


def test_a_dismissed_appeal_makes_nothing_stricter(here: None) -> None:
    decision = make_decision()
    appeal = make_appeal(decision_id=decision.id)
    grievance = db.session.get_one(Grievance, decision.grievance_id)
    assert asking.case(grievance).is_appealed
    decider = make_officer().id
    appeal.state, appeal.outcome = AppealState.DECIDED, AppealOutcome.DISMISSED
    appeal.reasons, appeal.decided_on, appeal.decided_by_id = "Nothing new", NOW.date(), decider
    db.session.flush()
    assert not asking.case(grievance).is_appealed


def test_a_recusal_from_an_office_counts_on_its_days_only(here: None) -> None:
    office = make_office()
    officer = make_officer()
    grievance = make_grievance(respondent_office_id=office.id)
    recusal = make_recusal(
        officer_id=officer.id, office_id=office.id, starts_on=date(2026, 6, 2), ends_on=None
    )
    assert why(Act.HANDLE, officer, grievance) == ""
    recusal.starts_on = date(2026, 6, 1)
    db.session.flush()
    assert why(Act.HANDLE, officer, grievance).startswith("You stand aside from the office")
    # At noon in London it is the evening of the same day in Beijing.
    late = NOW.replace(hour=17) - timedelta(days=1)
    for zone, refused in (("UTC", False), ("Asia/Shanghai", True)):
        found = asking.barred(
            Act.HANDLE, officer, grievance, now=late, settings=Settings(timezone=zone)
        )
        assert bool(found) == refused, zone


def test_whom_somebody_else_chooses_is_looked_at_too(here: None) -> None:
    office = make_office()
    officer = make_officer(office_id=office.id)
    with pytest.raises(RuleBroken) as refused:
        asking.check_chosen(Act.HANDLE, officer, conduct(office), now=NOW, field="handler")
    assert refused.value.field == "handler"
    asking.check_chosen(Act.HANDLE, make_officer(), conduct(office), now=NOW)


def test_a_check_takes_one_statement(here: None) -> None:
    officer, grievance = make_officer(), conduct(make_office())
    db.session.refresh(grievance)
    db.session.refresh(officer)
    with statements() as sent:
        asking.check(Act.HANDLE, officer, grievance, now=NOW)
    assert len(sent) == 1, sent


def test_real_transfers_agree_with_an_oracle(here: None, figures: Callable[[str], None]) -> None:
    """40 officers who move about a tree of 25 offices, 40 grievances whose respondents change: no
    officer of the line, of now or of late, gets through."""
    random = Random(12)  # noqa: S311  no secret
    offices = [make_office().id]
    for _ in range(24):
        offices.append(make_office(parent_id=random.choice(offices)).id)
    officers = [make_officer(office_id=random.choice(offices)) for _ in range(40)]
    grievances = [
        make_grievance(
            kind=random.choice(list(GrievanceKind)), respondent_office_id=random.choice(offices)
        )
        for _ in range(40)
    ]
    for officer in random.choices(officers, k=60):
        officer.office_id = random.choice(offices)
        db.session.flush()
    for grievance in random.sample(grievances, 20):
        grievance.respondent_office_id = random.choice([None, *offices])
        db.session.flush()
    for posting in db.session.scalars(select(OfficerPosting)):
        posting.until_at = NOW - timedelta(days=random.randint(1, 1500))
    for officer in random.sample(officers, 10):
        make_recusal(
            officer_id=officer.id, office_id=random.choice(offices), starts_on=date(2026, 1, 1)
        )
    db.session.flush()
    parents = {one.id: one.parent_id for one in db.session.scalars(select(Office))}
    settings = Settings(scopes=dict.fromkeys(GrievanceKind, Scope.SUBTREE), appeals=Scope.SUBTREE)
    people = asking.people([one.id for one in officers], now=NOW, settings=settings)
    pairs = refused = 0
    for grievance in grievances:
        case = asking.case(grievance)
        away = _respondents(grievance)
        while more := {one for one, parent in parents.items() if parent in away} - away:
            away |= more
        for officer in officers:
            pairs += 1
            excluded = bool(away & _served(officer)) or bool(
                _respondents(grievance) & _aside_from(officer)
            )
            told = refusal(Act.HANDLE, people[officer.id], case, settings) is not None
            refused += told
            assert told == excluded, (officer.id, grievance.id)
    assert 100 < refused < pairs
    figures(f"Impartiality: {pairs:,} pairs of records after transfers, {refused:,} refused")


def _respondents(grievance: Grievance) -> set[int]:
    former = select(FormerRespondent.office_id).where(FormerRespondent.grievance_id == grievance.id)
    return {*db.session.scalars(former), grievance.respondent_office_id} - {None}  # type: ignore[return-value]


def _served(officer: Officer) -> set[int]:
    query = select(OfficerPosting).where(OfficerPosting.officer_id == officer.id)
    lately = timedelta(days=COOLING_OFF_DAYS)
    left = {one.office_id for one in db.session.scalars(query) if one.until_at > NOW - lately}
    return left | {officer.office_id}


def _aside_from(officer: Officer) -> set[int]:
    query = select(Recusal.office_id).where(Recusal.officer_id == officer.id)
    return set(db.session.scalars(query))


# --- Leave of two ----------------------------------------------------------------------------


class Two:
    """A conduct complaint, an officer whom it excludes, one who asks and one who agrees."""

    def __init__(self) -> None:
        self.office = make_office()
        self.grievance = conduct(self.office)
        self.officer = make_officer(office_id=self.office.id, roles=[Role.HANDLER])
        self.asks = make_officer(roles=[Role.INTAKE])
        self.agrees = make_officer(roles=[Role.DECIDER])

    def ask(self, act: Act = Act.HANDLE, **given: Any) -> Any:
        return acting.ask_leave(
            self.grievance,
            given.get("officer", self.officer),
            act,
            given.get("reason", "Nobody else knows the pumps"),
            by=given.get("by", self.asks),
            now=NOW,
            settings=SETTINGS,
        )

    def decide(self, asked: Any, *, grant: bool = True, by: Officer | None = None) -> None:
        acting.decide_leave(asked, grant=grant, by=by or self.agrees, now=NOW, settings=SETTINGS)


def test_two_others_let_an_officer_do_one_thing_in_one_grievance(here: None) -> None:
    two = Two()
    asked = two.ask()
    assert asked.matter == two.grievance.number
    assert why(Act.HANDLE, two.officer, two.grievance), "asked for is not given"
    two.decide(asked)
    assert why(Act.HANDLE, two.officer, two.grievance) == ""
    assert why(Act.ANSWER, two.officer, two.grievance), "leave is for one act"
    assert why(Act.HANDLE, two.officer, conduct(two.office)), "and for one grievance"
    another = make_officer(office_id=two.office.id)
    assert why(Act.HANDLE, another, two.grievance), "and for one officer"


def test_refused_leave_changes_nothing_and_can_be_asked_for_anew(here: None) -> None:
    two = Two()
    two.decide(two.ask(), grant=False)
    assert why(Act.HANDLE, two.officer, two.grievance)
    two.decide(two.ask())
    assert why(Act.HANDLE, two.officer, two.grievance) == ""


def test_leave_needs_something_to_overcome_that_can_be(here: None) -> None:
    two = Two()
    with pytest.raises(RuleBroken, match="Nothing keeps this officer"):
        two.ask(officer=make_officer())
    decision = make_decision(grievance_id=two.grievance.id)
    make_appeal(decision_id=decision.id, first_decider_id=two.agrees.id)
    with pytest.raises(RuleBroken, match="Nobody can give leave"):
        two.ask(Act.REVIEW, officer=two.agrees)
    nameless = make_grievance(kind=GrievanceKind.CONDUCT, respondent_office_id=None)
    two.grievance = nameless
    with pytest.raises(RuleBroken, match="Nobody can give leave"):
        two.ask()


def test_a_second_leave_for_the_same_is_refused_by_the_database(here: None) -> None:
    two = Two()
    two.ask()
    with pytest.raises(IntegrityError, match="uq_impartiality_override_one"):
        two.ask()


def test_leave_is_decided_once(here: None) -> None:
    two = Two()
    asked = two.ask()
    two.decide(asked)
    with pytest.raises(RuleBroken, match="decided already"):
        two.decide(asked, grant=False)


def test_standing_aside_ends_every_act_until_two_others_agree(here: None) -> None:
    two = Two()
    handler = make_officer(roles=[Role.HANDLER])
    assert why(Act.HANDLE, handler, two.grievance) == ""
    acting.stand_aside(
        two.grievance,
        handler,
        AsideGround.TIES,
        "Neighbour of the yard",
        by=handler,
        now=NOW,
        settings=SETTINGS,
    )
    assert why(Act.HANDLE, handler, two.grievance).startswith("You stand aside from this")
    two.decide(two.ask(officer=handler))
    assert why(Act.HANDLE, handler, two.grievance) == ""


# --- What the database refuses ---------------------------------------------------------------


def as_application(officer: Officer) -> None:
    """Ask the database from here on as the web server does for this officer."""
    number = officer.id
    db.session.flush()
    act_as(number)
    db.session.execute(text(f"SET LOCAL ROLE {access.APP_ROLE}"))


def refused_as(error: type[Exception], words: str, statement: str, **values: Any) -> None:
    with pytest.raises(error, match=words), db.session.begin_nested():
        db.session.execute(text(statement), values)


ASK = (
    "INSERT INTO impartiality_override (matter, grievance_id, officer_id, act, reason,"
    " asked_by_id, asked_on) VALUES ('2026-1', :grievance, :officer, 'work_it', 'Nobody else',"
    " :by, '2026-06-01')"
)
AGREE = (
    "UPDATE impartiality_override SET state = 'granted', decided_on = '2026-06-01',"
    " decided_by_id = :by"
)


def test_nobody_asks_or_agrees_in_the_name_of_another(here: None) -> None:
    two = Two()
    grievance, officer = two.grievance.id, two.officer.id
    asks, agrees = two.asks.id, two.agrees.id
    as_application(two.asks)
    refused_as(IntegrityError, "in_own_name", ASK, grievance=grievance, officer=officer, by=agrees)
    db.session.execute(text(ASK), {"grievance": grievance, "officer": officer, "by": asks})
    refused_as(IntegrityError, "in_own_name", AGREE, by=agrees)
    refused_as(IntegrityError, "decided_by_another", AGREE, by=asks)
    db.session.execute(text("SELECT set_config('redress.ticket', '', true)"))
    refused_as(IntegrityError, "in_own_name", AGREE, by=agrees)
    act_as(officer)
    refused_as(IntegrityError, "not_by_themselves", AGREE, by=officer)
    act_as(agrees)
    db.session.execute(text(AGREE), {"by": agrees})
    refused_as(IntegrityError, "is_kept", "UPDATE impartiality_override SET reason = 'Other'")
    refused_as(IntegrityError, "is_kept", "DELETE FROM impartiality_override")


def test_leave_is_not_made_granted_from_the_start(here: None) -> None:
    with pytest.raises(IntegrityError, match="asked_first"):
        make_impartiality_override(
            state=RequestState.GRANTED, decided_on=NOW.date(), decided_by_id=make_officer().id
        )


def test_who_stands_aside_stays_so(here: None) -> None:
    make_grievance_recusal()
    refused_as(IntegrityError, "refuses UPDATE", "UPDATE grievance_recusal SET reason = 'Other'")
    refused_as(IntegrityError, "refuses DELETE", "DELETE FROM grievance_recusal")


@pytest.mark.parametrize("make", [make_grievance_recusal, make_impartiality_override])
def test_neither_goes_without_a_reason(here: None, make: Callable[..., Any]) -> None:
    with pytest.raises(IntegrityError, match="reason_not_blank"):
        make(reason="  ")


def test_a_recusal_is_seen_where_its_grievance_is(here: None) -> None:
    recusal = make_grievance_recusal()
    stranger = make_officer(roles=[Role.HANDLER])
    grievance_id, officer_id = recusal.grievance_id, recusal.officer_id
    as_application(stranger)
    assert db.session.scalar(text("SELECT count(*) FROM grievance_recusal")) == 0
    statement = (
        "INSERT INTO grievance_recusal (grievance_id, officer_id, ground, reason, stated_by_id,"
        " stated_on) VALUES (:g, :o, 'conflict_of_interest', 'x', :o, '2026-06-01')"
    )
    refused_as(ProgrammingError, "row-level security", statement, g=grievance_id, o=officer_id)

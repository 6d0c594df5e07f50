"""Steps in the life of a grievance: every state with every step, and what each writes down."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

import security
import tests.factories as make
from actions import clocks
from actions.casework import possible_steps, take_step
from actions.steps import NOT_DECIDED, PlannedStep
from models import (
    Appeal,
    Clock,
    Decision,
    Grievance,
    GrievanceLink,
    Office,
    Officer,
    PlanStep,
    Remedy,
    Reopening,
    RoutingObjection,
    db,
)
from rules import RuleBroken
from rules.casework import GRIEVANCE
from rules.grievance import (
    AppealOutcome,
    AppealState,
    DecisionState,
    GrievanceState,
    LinkKind,
    RemedyState,
    RequestState,
)
from rules.impartiality import Settings
from rules.leading import Leading
from rules.lifecycle import BACK
from rules.offices import ClockStage, ClockStart, OfficeLevel
from rules.permissions import Role
from tests.rules.test_lifecycle import EXPECTED

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
TODAY = NOW.date()
PROPOSED = {"state": DecisionState.PROPOSED, "proposed_at": NOW}
RECEIVED = NOW - timedelta(days=20)
S = GrievanceState
ANSWERED = (S.ANSWERED, S.REMEDY, S.REMEDIED, S.CLOSED, S.APPEALED)


@dataclass
class World:
    """A district with two offices, and somebody for each role."""

    root: Office
    water: Office
    roads: Office
    people: dict[str, Officer]

    def who(self, step: str) -> Officer:
        """Return somebody who may take `step` and did nothing that it judges."""
        appeals = ("admit_appeal", "dismiss_appeal", "uphold_appeal")
        first = {"answer": "head"} | dict.fromkeys(appeals, "second")
        if step in first:
            return self.people[first[step]]
        roles = GRIEVANCE.steps[step].roles
        return next(one for one in self.people.values() if roles & set(one.roles))

    def grievance(self, state: S, **more: Any) -> Grievance:
        """Return a grievance that stands so, with the records that come with it."""
        at = RECEIVED + timedelta(days=9)
        given: dict[str, Any] = {
            "state": state,
            "received_at": RECEIVED,
            "acknowledged_at": RECEIVED + timedelta(days=1),
            "answered_at": at if state in ANSWERED else None,
            "closed_at": at if state is S.CLOSED else None,
            "withdrawn_at": at if state is S.WITHDRAWN else None,
            "state_before": {S.APPEALED: S.ANSWERED, S.DUPLICATE: S.ROUTED}.get(state),
        }
        if state not in (S.REGISTERED, S.ACKNOWLEDGED):
            given |= {"responsible_office": self.water, "handler": self.people["handler"]}
            given |= {"respondent_office": self.water}
        one = make.make_grievance(**given | more)
        self._records(one, state)
        return one

    def _records(self, one: Grievance, state: S) -> None:
        people = self.people
        if state is S.OBJECTED:
            make.make_routing_objection(
                grievance=one, office=self.water, asked_by=people["head"], asked_at=RECEIVED
            )
        if state in (S.ACCEPTED, S.PLANNED):
            draft = make.make_decision(grievance=one, drafted_by=people["handler"], **PROPOSED)
            make.make_decision_point(decision=draft)
        if state in ANSWERED:
            self.decision(one)
        if state is S.REMEDY:
            self.remedy(one, state=RemedyState.DONE, done_on=TODAY, done_by=people["handler"])
        if state is S.APPEALED:
            decision = one.decisions[0]
            make.make_appeal(decision=decision, filed_on=TODAY, first_decider=people["decider"])
        if state is S.DUPLICATE:
            other = make.make_grievance(received_at=RECEIVED)
            make.make_grievance_link(grievance=one, other_grievance=other, kind=LinkKind.DUPLICATE)

    def decision(self, one: Grievance) -> Decision:
        return make.make_decision(
            grievance=one,
            drafted_by=self.people["handler"],
            state=DecisionState.GIVEN,
            given_on=TODAY - timedelta(days=11),
            decided_by=self.people["decider"],
            told_on=TODAY - timedelta(days=11),
            review_until_on=TODAY + timedelta(days=17),
        )

    def remedy(self, one: Grievance, **more: Any) -> Remedy:
        usual = {"promised_on": TODAY - timedelta(days=5), "due_on": TODAY}
        return make.make_remedy(grievance=one, office=self.water, **usual | more)

    def facts(self, step: str, one: Grievance) -> dict[str, Any]:
        """Return what `step` needs."""
        remedy = one.remedies[0] if one.remedies else None
        draft = next((d for d in one.decisions if d.state is DecisionState.PROPOSED), None)
        told: dict[str, Callable[[], dict[str, Any]]] = {
            "acknowledge": lambda: {},
            "route": lambda: {"responsible_office": self.water, "reason": "It is a pipe."},
            "object": lambda: {"reason": "It is a road.", "proposed_office": self.roads},
            "route_again": lambda: {
                "responsible_office": self.roads,
                "decision_reasons": "It is a road.",
            },
            "keep_routing": lambda: {"decision_reasons": "It is a pipe."},
            "accept": lambda: {"handler": self.people["handler"]},
            "plan": lambda: {
                "lead_official": self.people["leader"],
                "plan_steps": [PlannedStep("Dig", TODAY + timedelta(days=3))],
            },
            "answer": lambda: {"decision": draft},
            "promise_remedy": lambda: {"promise": "A pipe", "due_on": TODAY + timedelta(days=9)},
            "claim_remedy": lambda: {"remedy": remedy},
            "verify_remedy": lambda: {"remedy": remedy},
            "send_back_remedy": lambda: {"remedy": remedy, "reason": "It leaks."},
            "close": lambda: {},
            "appeal": lambda: {"subject": "The second point", "grounds": "It leaks."},
            "admit_appeal": lambda: {
                "subject": "The second point",
                "grounds": "It leaks.",
                "late_because": "The letter lay in another house.",
            },
            "dismiss_appeal": lambda: {"reasons": "It does not leak."},
            "uphold_appeal": lambda: {"outcome": AppealOutcome.UPHELD, "reasons": "It leaks."},
            "reopen": lambda: {"reason": "It leaks again."},
            "withdraw": lambda: {"statement": "It is mended."},
            "merge": lambda: {
                "other_grievance": make.make_grievance(received_at=RECEIVED),
                "subject": "The pipe in Mill Street",
            },
            "separate": lambda: {"undone_because": "They are two pipes."},
        }
        return told[step]()

    def make_ready(self, one: Grievance, step: str) -> None:
        """Give `step` something to take up: a remedy that is open, a time to appeal that is
        over."""
        if step == "claim_remedy":
            for remedy in one.remedies:
                remedy.state, remedy.done_on, remedy.done_by_id = RemedyState.PROMISED, None, None
        if step == "admit_appeal":
            for decision in one.decisions:
                if decision.review_until_on:
                    decision.review_until_on = decision.told_on + timedelta(days=1)
        db.session.flush()

    def take(self, one: Grievance, step: str, by: str | None = None, **facts: Any) -> S:
        officer = self.people[by] if by else self.who(step)
        return take_step(one, step, by=officer, now=NOW, **self.facts(step, one) | facts)


@pytest.fixture
def w(session: Any) -> World:
    root = make.make_office(name="District")
    water, roads = make.make_office(parent=root), make.make_office(parent=root)
    people = {
        "intake": make.make_officer(office=root, roles=[Role.INTAKE]),
        "head": make.make_officer(office=water, roles=[Role.OFFICE_HEAD]),
        "handler": make.make_officer(office=water, roles=[Role.HANDLER]),
        "leader": make.make_officer(office=root, roles=[Role.LEAD_OFFICIAL]),
        "supervisor": make.make_officer(office=root, roles=[Role.SUPERVISOR]),
        "decider": make.make_officer(office=root, roles=[Role.DECIDER]),
        "second": make.make_officer(office=root, roles=[Role.DECIDER]),
        "auditor": make.make_officer(office=root, roles=[Role.AUDITOR]),
        "administrator": make.make_officer(office=root, roles=[Role.ADMINISTRATOR]),
    }
    return World(root, water, roads, people)


def snapshot(one: Grievance) -> dict[str, Any]:
    return {
        column.key: getattr(one, column.key)
        for column in Grievance.__table__.columns
        if column.key not in ("version_id", "updated_at", "updated_by_id")
    }


# --- Every state with every step -------------------------------------------------------------


@pytest.mark.parametrize("step", GRIEVANCE.steps)
@pytest.mark.parametrize("state", S)
def test_every_step_is_taken_or_refused_in_every_state(
    w: World, session: Any, state: S, step: str
) -> None:
    one = w.grievance(state)
    w.make_ready(one, step)
    before, facts = snapshot(one), w.facts(step, one)
    expected = EXPECTED.get((state.value, step))
    if expected is None:
        with pytest.raises(RuleBroken, match="This step is not possible now"):
            take_step(one, step, by=w.who(step), now=NOW, **facts)
        session.flush()
        assert snapshot(one) == before
        return
    was = one.state_before
    reached = take_step(one, step, by=w.who(step), now=NOW, **facts)
    assert one.state is reached
    assert reached == (was if expected == BACK else expected)
    session.expire(one)
    assert one.state is reached, "the database has it"


@pytest.mark.parametrize("step", GRIEVANCE.steps)
def test_no_other_role_takes_a_step(w: World, session: Any, step: str) -> None:
    state = min(GRIEVANCE.steps[step].sources, key=list(S).index)
    one = w.grievance(state)
    facts = w.facts(step, one)
    for officer in w.people.values():
        if not GRIEVANCE.steps[step].roles & set(officer.roles):
            with pytest.raises(RuleBroken, match="Your role does not take this step"):
                take_step(one, step, by=officer, now=NOW, **facts)
    assert one.state is state


@pytest.mark.parametrize("state", S)
def test_the_buttons_are_the_steps_that_are_not_refused(w: World, state: S) -> None:
    one = w.grievance(state)
    w.make_ready(one, "admit_appeal")
    if state is S.REMEDY:
        w.remedy(one)
    for officer in w.people.values():
        names = {step.name for step in possible_steps(one, officer, today=TODAY)}
        for step in GRIEVANCE.steps.values():
            may = state in step.sources and bool(step.roles & set(officer.roles))
            if not may:
                assert step.name not in names
            elif not step.by_another:
                assert step.name in names


# --- What each writes ------------------------------------------------------------------------


def test_routing_keeps_the_reason_and_takes_the_handler_of_another_office_away(w: World) -> None:
    one = w.grievance(S.REOPENED)
    w.take(one, "route", responsible_office=w.roads)
    assert one.responsible_office_id == w.roads.id
    assert one.routing_reason == "It is a pipe."
    assert one.handler_id is None
    closed = make.make_office(closed_on=TODAY - timedelta(days=1))
    with pytest.raises(RuleBroken, match="This office is closed"):
        w.take(w.grievance(S.REOPENED), "route", responsible_office=closed)


def test_an_objection_is_kept_with_who_decided_it_and_why(w: World, session: Any) -> None:
    one = w.grievance(S.ROUTED)
    w.take(one, "object")
    objection = session.scalars(
        select(RoutingObjection).where(RoutingObjection.grievance_id == one.id)
    ).one()
    assert (objection.office_id, objection.proposed_office_id) == (w.water.id, w.roads.id)
    assert objection.asked_by_id == w.people["head"].id
    with pytest.raises(RuleBroken, match="This is the office that objects"):
        w.take(one, "route_again", responsible_office=w.water)
    w.take(one, "route_again")
    assert (objection.state, objection.decided_at) == (RequestState.GRANTED, NOW)
    assert (objection.decided_by_id, objection.decision_reasons) == (
        w.people["intake"].id,
        "It is a road.",
    )
    assert one.responsible_office_id == w.roads.id
    roads_head = make.make_officer(office=w.roads, roles=[Role.OFFICE_HEAD])
    take_step(one, "object", by=roads_head, now=NOW, reason="It is a pipe.")
    w.take(one, "keep_routing")
    assert one.responsible_office_id == w.roads.id
    assert {o.state for o in one.routing_objections} == {RequestState.GRANTED, RequestState.REFUSED}


def test_who_objected_does_not_decide_it(w: World, session: Any) -> None:
    both = make.make_officer(office=w.water, roles=[Role.OFFICE_HEAD, Role.INTAKE])
    one = w.grievance(S.ROUTED)
    take_step(one, "object", by=both, now=NOW, reason="It is a road.")
    for step in ("route_again", "keep_routing"):
        with pytest.raises(RuleBroken, match="Somebody else must take this step"):
            take_step(one, step, by=both, now=NOW, **w.facts(step, one))
    assert not {"route_again", "keep_routing"} & {
        s.name for s in possible_steps(one, both, today=TODAY)
    }


def test_an_office_works_what_is_its_own_or_below_it(w: World) -> None:
    elsewhere = make.make_officer(office=w.roads, roles=[Role.OFFICE_HEAD, Role.HANDLER])
    below = make.make_officer(office=make.make_office(parent=w.water), roles=[Role.HANDLER])
    above = make.make_officer(office=w.root, roles=[Role.OFFICE_HEAD])
    one = w.grievance(S.ROUTED)
    for officer in (elsewhere, below):
        with pytest.raises(RuleBroken, match="This step is for the office that has the grievance"):
            take_step(one, "accept", by=officer, now=NOW, handler=w.people["handler"])
        assert possible_steps(one, officer, today=TODAY) == []
    with pytest.raises(RuleBroken, match="Choose an officer of the office that has") as caught:
        take_step(one, "accept", by=above, now=NOW, handler=elsewhere)
    assert caught.value.field == "handler"
    take_step(one, "accept", by=above, now=NOW, handler=below)
    assert one.handler_id == below.id


def test_a_plan_has_a_leader_of_the_rank_and_a_step(w: World, session: Any) -> None:
    one = w.grievance(S.ACCEPTED)
    with pytest.raises(RuleBroken, match="role of a lead official"):
        w.take(one, "plan", lead_official=w.people["head"])
    with pytest.raises(RuleBroken, match="one step at least"):
        w.take(one, "plan", plan_steps=[])
    with pytest.raises(RuleBroken, match="This day is over"):
        w.take(one, "plan", plan_steps=[PlannedStep("Dig", TODAY - timedelta(days=1))])
    w.take(one, "plan")
    (step,) = session.scalars(select(PlanStep).where(PlanStep.grievance_id == one.id))
    assert (step.subject, step.officer_id) == ("Dig", w.people["handler"].id)
    assert one.lead_official_id == w.people["leader"].id


def test_what_is_sent_from_above_or_long_pending_is_led_by_one_of_the_rank(
    w: World, session: Any
) -> None:
    strict = Settings(leading=Leading(60, OfficeLevel.DEPARTMENT))
    w.root.level, w.water.level = OfficeLevel.DISTRICT, OfficeLevel.COMMUNITY
    low = make.make_officer(office=w.water, roles=[Role.LEAD_OFFICIAL])
    long_ago = {"received_at": NOW - timedelta(days=60), "acknowledged_at": NOW}
    for more in ({"is_referred_from_above": True}, long_ago):
        one = w.grievance(S.ACCEPTED, **more)
        with pytest.raises(RuleBroken, match="of this rank at least"):
            w.take(one, "plan", lead_official=low, settings=strict)
        with pytest.raises(RuleBroken, match="needs a lead official first"):
            w.take(one, "answer", settings=strict)
        w.take(one, "plan", settings=strict)
        w.take(one, "answer", settings=strict)
    usual = w.grievance(S.ACCEPTED)
    w.take(usual, "answer", settings=strict)


def test_an_answer_is_given_by_another_than_who_drafted_it_and_answers_each_point(
    w: World, session: Any
) -> None:
    one = w.grievance(S.ACCEPTED)
    draft = one.decisions[0]
    drafter = make.make_officer(office=w.water, roles=[Role.OFFICE_HEAD])
    draft.drafted_by_id = drafter.id
    session.flush()
    with pytest.raises(RuleBroken, match="Somebody else must take this step"):
        take_step(one, "answer", by=drafter, now=NOW, decision=draft)
    bare = make.make_decision(grievance=one, drafted_by=w.people["handler"], **PROPOSED)
    with pytest.raises(RuleBroken, match="answers no point yet"):
        w.take(one, "answer", decision=bare)
    foreign = make.make_decision()
    with pytest.raises(RuleBroken, match="Choose the draft"):
        w.take(one, "answer", decision=foreign)
    w.take(one, "answer", decision=draft)
    assert (draft.state, draft.given_on) == (DecisionState.GIVEN, TODAY)
    assert (draft.decided_by_id, draft.told_on) == (w.people["head"].id, TODAY)
    assert (one.answered_at, one.answer) == (NOW, draft.summary)


def test_what_is_merged_is_answered_with_the_other_and_nothing_of_it_is_lost(
    w: World, session: Any
) -> None:
    main, copy = w.grievance(S.ACCEPTED), w.grievance(S.ROUTED)
    office, handler = copy.responsible_office_id, copy.handler_id
    w.take(copy, "merge", other_grievance=main)
    assert (copy.state, copy.state_before) == (S.DUPLICATE, S.ROUTED)
    w.take(main, "answer")
    assert (copy.answered_at, copy.answer) == (NOW, main.answer)
    w.take(copy, "separate")
    assert (copy.state, copy.state_before) == (S.ROUTED, None)
    assert copy.answered_at is None, "an answer to the other was none to this one"
    assert (copy.responsible_office_id, copy.handler_id) == (office, handler)
    link = session.scalars(select(GrievanceLink).where(GrievanceLink.grievance_id == copy.id)).one()
    assert (link.undone_at, link.undone_because) == (NOW, "They are two pipes.")
    w.take(copy, "merge", other_grievance=main)
    assert copy.answered_at == NOW, "the other is answered already"


def test_merges_make_no_chains_and_replace_a_link(w: World, session: Any) -> None:
    main, copy, third = w.grievance(S.ROUTED), w.grievance(S.ROUTED), w.grievance(S.ROUTED)
    make.make_grievance_link(grievance=main, other_grievance=copy)
    with pytest.raises(RuleBroken, match="linked with itself"):
        w.take(copy, "merge", other_grievance=copy)
    w.take(copy, "merge", other_grievance=main)
    with pytest.raises(RuleBroken, match="duplicate itself"):
        w.take(third, "merge", other_grievance=copy)
    with pytest.raises(RuleBroken, match="Others are merged into this one"):
        w.take(main, "merge", other_grievance=third)


def test_a_remedy_is_promised_claimed_sent_back_and_verified_by_another(
    w: World, session: Any
) -> None:
    one = w.grievance(S.ANSWERED)
    w.take(one, "promise_remedy")
    (remedy,) = session.scalars(select(Remedy).where(Remedy.grievance_id == one.id))
    session.expire(one, ["remedies"])
    assert (remedy.office_id, remedy.promised_on, remedy.state) == (
        w.water.id,
        TODAY,
        RemedyState.PROMISED,
    )
    with pytest.raises(RuleBroken, match="does not say yet of any remedy that it is done"):
        w.take(one, "verify_remedy")
    assert "verify_remedy" not in buttons(w, one, "leader")
    with pytest.raises(RuleBroken, match="still to come"):
        w.take(one, "claim_remedy", done_on=TODAY + timedelta(days=1))
    w.take(one, "claim_remedy", by="handler")
    assert (remedy.state, remedy.done_by_id) == (RemedyState.DONE, w.people["handler"].id)
    w.take(one, "send_back_remedy", by="supervisor")
    assert (remedy.state, remedy.done_on, remedy.sent_back_because) == (
        RemedyState.PROMISED,
        None,
        "It leaks.",
    )
    assert one.state is S.REMEDY
    w.take(one, "claim_remedy", by="head")
    judge = make.make_officer(office=w.water, roles=[Role.OFFICE_HEAD, Role.LEAD_OFFICIAL])
    remedy.done_by_id = judge.id
    session.flush()
    with pytest.raises(RuleBroken, match="Somebody else must take this step"):
        take_step(one, "verify_remedy", by=judge, now=NOW)
    w.take(one, "verify_remedy", by="leader")
    assert (one.state, remedy.state, remedy.verified_on) == (
        S.REMEDIED,
        RemedyState.VERIFIED,
        TODAY,
    )


def buttons(w: World, one: Grievance, who: str) -> set[str]:
    return {step.name for step in possible_steps(one, w.people[who], today=TODAY)}


def test_remedies_are_verified_one_by_one_and_never_by_who_says_they_are_done(
    w: World, session: Any
) -> None:
    one = w.grievance(S.REMEDY)
    (first,) = one.remedies
    head = w.people["head"]
    second = w.remedy(one, state=RemedyState.DONE, done_on=TODAY, done_by=head)
    third = w.remedy(one)
    with pytest.raises(RuleBroken, match="does not say yet that this remedy is done") as caught:
        w.take(one, "verify_remedy", remedy=third)
    assert caught.value.field == "remedy"
    assert w.take(one, "verify_remedy", remedy=first) is S.REMEDY
    assert (first.state, second.state) == (RemedyState.VERIFIED, RemedyState.DONE)
    w.take(one, "claim_remedy", by="handler", remedy=third)
    both = make.make_officer(office=w.root, roles=[Role.LEAD_OFFICIAL])
    third.done_by_id = both.id
    session.flush()
    for step in ("verify_remedy", "send_back_remedy"):
        facts = w.facts(step, one) | {"remedy": third}
        with pytest.raises(RuleBroken, match="You said yourself that this is done") as caught:
            take_step(one, step, by=both, now=NOW, **facts)
        assert caught.value.field == "remedy"
    taken = take_step(one, "verify_remedy", by=both, now=NOW, remedy=second)
    assert (taken, one.state, second.verified_by_id) == (S.REMEDY, S.REMEDY, both.id)
    assert w.take(one, "verify_remedy", remedy=third) is S.REMEDIED
    assert one.state is S.REMEDIED


def test_nothing_is_closed_while_a_promise_is_open(w: World) -> None:
    one = w.grievance(S.ANSWERED)
    w.remedy(one)
    with pytest.raises(RuleBroken, match="A promise is open"):
        w.take(one, "close")


def test_an_appeal_goes_to_another_and_comes_back_where_it_was(w: World, session: Any) -> None:
    one = w.grievance(S.CLOSED)
    w.take(one, "appeal")
    (appeal,) = session.scalars(select(Appeal).join(Decision).where(Decision.grievance == one))
    assert appeal.first_decider_id == w.people["decider"].id
    assert (one.state_before, one.closed_at) == (S.CLOSED, None)
    with pytest.raises(RuleBroken, match="Somebody else must take this step"):
        w.take(one, "dismiss_appeal", by="decider")
    w.take(one, "dismiss_appeal")
    assert (one.state, one.closed_at, one.state_before) == (S.CLOSED, NOW, None)
    assert (appeal.state, appeal.outcome) == (AppealState.DECIDED, AppealOutcome.DISMISSED)
    assert session.scalars(select(Reopening).where(Reopening.grievance_id == one.id)).all() == []


def test_an_appeal_that_succeeds_opens_the_grievance_and_its_answer_holds_no_more(
    w: World, session: Any
) -> None:
    one, copy = w.grievance(S.ACCEPTED), w.grievance(S.ROUTED)
    w.take(copy, "merge", other_grievance=one)
    w.take(one, "answer")
    w.take(one, "appeal")
    with pytest.raises(RuleBroken, match="as a whole or in part"):
        w.take(one, "uphold_appeal", outcome=AppealOutcome.DISMISSED)
    w.take(one, "uphold_appeal")
    assert (one.state, one.answered_at, copy.answered_at) == (S.REOPENED, None, None)
    assert session.scalars(select(Reopening).where(Reopening.grievance_id == one.id)).one()


def test_an_appeal_comes_in_time(w: World, session: Any) -> None:
    one = w.grievance(S.ANSWERED)
    decision = one.decisions[0]
    decision.review_until_on = TODAY - timedelta(days=1)
    session.flush()
    with pytest.raises(RuleBroken, match="The time to appeal ended") as caught:
        w.take(one, "appeal")
    assert caught.value.field == "filed_on"
    w.take(one, "appeal", filed_on=TODAY - timedelta(days=1))
    assert one.state is S.APPEALED


def test_a_late_appeal_is_admitted_by_another_decider_with_a_reason(w: World, session: Any) -> None:
    one = w.grievance(S.ANSWERED)
    assert "admit_appeal" not in buttons(w, one, "second")
    with pytest.raises(RuleBroken, match="The time to appeal has not ended"):
        w.take(one, "admit_appeal")
    one.decisions[0].review_until_on = TODAY - timedelta(days=2)
    session.flush()
    assert "admit_appeal" in buttons(w, one, "second")
    assert "admit_appeal" not in buttons(w, one, "decider"), "who decided first"
    with pytest.raises(RuleBroken, match="Somebody else must take this step"):
        w.take(one, "admit_appeal", by="decider")
    with pytest.raises(RuleBroken, match="filed in time") as caught:
        w.take(one, "admit_appeal", filed_on=TODAY - timedelta(days=2))
    assert caught.value.field == "filed_on"
    with pytest.raises(RuleBroken) as caught:
        w.take(one, "admit_appeal", late_because=" ")
    assert caught.value.field == "late_because"
    w.take(one, "admit_appeal")
    appeal = session.scalars(select(Appeal).join(Decision).where(Decision.grievance == one)).one()
    assert (one.state, appeal.late_because, appeal.admitted_by_id, appeal.first_decider_id) == (
        S.APPEALED,
        "The letter lay in another house.",
        w.people["second"].id,
        w.people["decider"].id,
    )
    w.take(one, "dismiss_appeal")
    assert one.state is S.ANSWERED


def test_nobody_is_offered_what_has_nothing_to_take_up(w: World, session: Any) -> None:
    one = w.grievance(S.ACCEPTED)
    assert "answer" in buttons(w, one, "head")
    one.decisions[0].state = DecisionState.DRAFT
    one.decisions[0].proposed_at = None
    session.flush()
    assert "answer" not in buttons(w, one, "head")
    with pytest.raises(RuleBroken, match="Nobody has proposed an answer yet"):
        w.take(one, "answer")
    two = w.grievance(S.REMEDY)
    assert {"claim_remedy", "promise_remedy"} & buttons(w, two, "head") == {"promise_remedy"}


def test_an_appeal_is_decided_above_the_office_that_answered(w: World, session: Any) -> None:
    inside = make.make_officer(office=w.water, roles=[Role.DECIDER])
    below = make.make_officer(office=make.make_office(parent=w.water), roles=[Role.DECIDER])
    outside = make.make_officer(office=w.roads, roles=[Role.DECIDER])
    one = w.grievance(S.APPEALED)
    for officer in (inside, below, outside):
        with pytest.raises(RuleBroken, match="decided above the office that answered"):
            take_step(one, "dismiss_appeal", by=officer, now=NOW, reasons="No.")
    w.take(one, "dismiss_appeal")


def test_a_withdrawal_keeps_the_words_and_ends_what_waits(w: World, session: Any) -> None:
    one = w.grievance(S.OBJECTED)
    with pytest.raises(RuleBroken, match="Please fill this in") as caught:
        w.take(one, "withdraw", statement="  ")
    assert caught.value.field == "statement"
    with pytest.raises(RuleBroken, match="still to come"):
        w.take(one, "withdraw", withdrawn_at=NOW + timedelta(minutes=1))
    with pytest.raises(RuleBroken, match="before the grievance was received"):
        w.take(one, "withdraw", withdrawn_at=RECEIVED - timedelta(minutes=1))
    early = w.grievance(S.REGISTERED)
    w.take(early, "acknowledge", acknowledged_at=RECEIVED - timedelta(seconds=59))
    assert early.acknowledged_at == RECEIVED, "a form tells minutes"
    w.take(one, "withdraw")
    assert (one.withdrawal_statement, one.withdrawn_at) == ("It is mended.", NOW)
    assert one.routing_objections[0].decision_reasons == NOT_DECIDED
    w.take(one, "reopen")
    assert (one.state, one.withdrawn_at, one.withdrawal_statement) == (S.REOPENED, None, None)
    assert one.reopening_reason == "It leaks again."
    appealed = w.grievance(S.APPEALED)
    w.take(appealed, "withdraw")
    (appeal,) = appealed.decisions[0].appeals
    assert appeal.state is AppealState.ENDED


# --- Clocks and impartiality -----------------------------------------------------------------


def _stages(session: Any, one: Grievance) -> dict[ClockStage, Clock]:
    query = select(Clock).where(Clock.grievance_id == one.id).order_by(Clock.id)
    return {clock.stage: clock for clock in session.scalars(query)}


def test_steps_start_and_stop_the_clocks_and_give_the_last_days(w: World, session: Any) -> None:
    standard = make.make_service_standard
    pack = {"pack": make.make_rule_pack(is_in_use=True).code, "unit": "calendar_days"}
    make.make_work_calendar(calendar_version=1, in_force_since=RECEIVED - timedelta(days=30))
    for stage, start, amount in (
        (ClockStage.ACKNOWLEDGE, ClockStart.RECEIVED, 40),
        (ClockStage.DECIDE, ClockStart.RECEIVED, 30),
        (ClockStage.OBJECT, ClockStart.ROUTED, 5),
        (ClockStage.ASK_REVIEW, ClockStart.TOLD, 28),
        (ClockStage.REVIEW, ClockStart.REVIEW_ASKED, 20),
    ):
        standard(**pack, name=stage.value, stage=stage, starts=start, amount=amount)
    one = w.grievance(S.REGISTERED)
    clocks.happened(one, ClockStart.RECEIVED, RECEIVED, by=None, now=NOW)
    w.take(one, "acknowledge")
    assert _stages(session, one)[ClockStage.ACKNOWLEDGE].stopped_at == NOW
    w.take(one, "route")
    assert _stages(session, one)[ClockStage.OBJECT].stopped_at is None
    w.take(one, "accept")
    assert _stages(session, one)[ClockStage.OBJECT].stopped_at == NOW
    draft = make.make_decision(grievance=one, drafted_by=w.people["handler"], **PROPOSED)
    make.make_decision_point(decision=draft)
    w.take(one, "answer", decision=draft)
    stages = _stages(session, one)
    assert stages[ClockStage.DECIDE].stopped_at == NOW
    assert draft.review_until_on == date(2026, 12, 21)
    w.take(one, "appeal")
    (appeal,) = draft.appeals
    assert appeal.due_on == date(2026, 12, 14)
    w.take(one, "withdraw")
    assert all(clock.stopped_at for clock in _stages(session, one).values())


def test_who_is_of_the_office_complained_about_is_refused_with_the_reason(w: World) -> None:
    one = w.grievance(S.ROUTED, kind="conduct", respondent_office=w.water)
    with pytest.raises(RuleBroken, match="You serve the office complained about"):
        w.take(one, "accept")
    boss = make.make_officer(office=w.root, roles=[Role.OFFICE_HEAD])
    with pytest.raises(RuleBroken, match="This officer is not impartial here"):
        take_step(one, "accept", by=boss, now=NOW, handler=w.people["handler"])


# --- Two at once -----------------------------------------------------------------------------


def test_of_two_who_take_a_step_at_once_one_does_and_the_other_is_told(committed: Flask) -> None:
    with committed.app_context():
        office = make.make_office()
        ids = [make.make_officer(office=office, roles=[Role.INTAKE]).id for _ in range(8)]
        number = make.make_grievance(received_at=RECEIVED).id
        db.session.commit()
    start, said = Barrier(len(ids)), []

    def acknowledge(officer_id: int) -> None:
        with committed.app_context(), security.acting_for(officer_id):
            by = db.session.get_one(Officer, officer_id)
            one = db.session.get_one(Grievance, number)
            start.wait()
            try:
                take_step(one, "acknowledge", by=by, now=NOW)
                db.session.commit()
                said.append("done")
            except RuleBroken as refused:
                db.session.rollback()
                said.append(str(refused))

    threads = [Thread(target=acknowledge, args=(one,)) for one in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said.count("done") == 1
    assert {words for words in said if words != "done"} == {
        "This step is not possible now: Acknowledge. Its state is: acknowledged."
    }

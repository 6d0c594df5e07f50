"""What each step in the life of a grievance writes down, and what it checks first. One function for
each step of rules/casework.py; actions/casework.py calls them, nothing else does."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from models import (
    Appeal,
    Decision,
    Grievance,
    GrievanceLink,
    Office,
    Officer,
    PlanStep,
    Remedy,
    RoutingObjection,
    db,
)
from queries import casework as asking
from queries.impartiality import check_chosen
from rules import RuleBroken, mark
from rules.facts import LONGEST_LINE, day_to_come, past_day, past_moment, written
from rules.grievance import (
    AppealOutcome,
    AppealState,
    DecisionState,
    GrievanceState,
    LinkKind,
    RemedyState,
    RequestState,
)
from rules.impartiality import Act, Settings, Tree, line_above
from rules.permissions import Role

NOT_DECIDED = "Not decided: the complainant withdrew the grievance."


@dataclass(frozen=True)
class Turn:
    """A step that is being taken: with what, by whom, when, among which offices."""

    grievance: Grievance
    by: Officer
    now: datetime
    today: date
    tree: Tree
    settings: Settings


@dataclass(frozen=True)
class Told:
    """What the clocks are told of a step: when it was, if not now; the decision or the appeal whose
    last day they give; other grievances that are answered with it. And whether the state `stays`,
    because something of what the step is about is still open."""

    at: datetime | None = None
    decision: Decision | None = None
    appeal: Appeal | None = None
    answered: Sequence[Grievance] = field(default=())
    stays: bool = False


@dataclass(frozen=True)
class PlannedStep:
    """A step of a plan that somebody has typed."""

    subject: str
    due_on: date
    officer: Officer | None = None


# --- What was typed --------------------------------------------------------------------------


def _happened(turn: Turn, name: str, at: datetime | None) -> datetime:
    return past_moment(name, at, turn.now, since=turn.grievance.received_at)


def _on(turn: Turn, name: str, day: date | None, since: date | None = None) -> date:
    return past_day(name, day, turn.today, since=since)


def _open_office(name: str, office: Office | None, today: date) -> Office:
    if office is None:
        raise RuleBroken("Choose an office.", field=name)
    if office.closed_on is not None and office.closed_on < today:
        raise RuleBroken("This office is closed. Choose the one that took its work.", field=name)
    return office


def _serving(name: str, officer: Officer | None, today: date) -> Officer:
    if officer is None:
        raise RuleBroken("Choose an officer.", field=name)
    if officer.left_on is not None and officer.left_on <= today:
        raise RuleBroken("This officer has left. Choose another one.", field=name)
    return officer


# --- Receipt and routing ---------------------------------------------------------------------


def _acknowledge(turn: Turn, *, acknowledged_at: datetime | None = None) -> Told:
    turn.grievance.acknowledged_at = _happened(turn, "acknowledged_at", acknowledged_at)
    return Told(turn.grievance.acknowledged_at)


def _route(turn: Turn, *, responsible_office: Office | None, reason: str | None) -> Told:
    _send(turn, responsible_office, written("reason", reason))
    return Told()


def _send(turn: Turn, office: Office | None, reason: str) -> None:
    """Give the grievance to an office. Who worked it elsewhere does not work it here."""
    found = _open_office("responsible_office", office, turn.today)
    if turn.grievance.responsible_office_id != found.id:
        turn.grievance.handler_id = None
    turn.grievance.responsible_office_id = found.id
    turn.grievance.routing_reason = reason


def _object(turn: Turn, *, reason: str | None, proposed_office: Office | None = None) -> Told:
    objecting = turn.grievance.responsible_office_id
    if proposed_office is not None:
        _open_office("proposed_office", proposed_office, turn.today)
        if proposed_office.id == objecting:
            raise RuleBroken(
                "Propose another office than the one that objects.", field="proposed_office"
            )
    db.session.add(
        RoutingObjection(
            grievance_id=turn.grievance.id,
            office_id=objecting,
            proposed_office_id=proposed_office.id if proposed_office else None,
            reason=written("reason", reason),
            asked_by_id=turn.by.id,
            asked_at=turn.now,
        )
    )
    return Told()


def _decide_objection(turn: Turn, state: RequestState, reasons: str) -> RoutingObjection | None:
    objection = db.session.scalar(asking.open_objection(turn.grievance.id))
    if objection is not None:
        objection.state, objection.decided_at = state, turn.now
        objection.decided_by_id, objection.decision_reasons = turn.by.id, reasons
    return objection


def _route_again(
    turn: Turn, *, responsible_office: Office | None, decision_reasons: str | None
) -> Told:
    reasons = written("decision_reasons", decision_reasons)
    if responsible_office is not None:
        if responsible_office.id == turn.grievance.responsible_office_id:
            raise RuleBroken(
                "This is the office that objects. Choose another one, or refuse the objection.",
                field="responsible_office",
            )
    _send(turn, responsible_office, reasons)
    _decide_objection(turn, RequestState.GRANTED, reasons)
    return Told()


def _keep_routing(turn: Turn, *, decision_reasons: str | None) -> Told:
    _decide_objection(turn, RequestState.REFUSED, written("decision_reasons", decision_reasons))
    return Told()


# --- Work ------------------------------------------------------------------------------------


def _accept(turn: Turn, *, handler: Officer | None) -> Told:
    officer = _serving("handler", handler, turn.today)
    if turn.grievance.responsible_office_id not in tuple(line_above(officer.office_id, turn.tree)):
        raise RuleBroken(
            "Choose an officer of the office that has the grievance, or of one below it.",
            field="handler",
        )
    check_chosen(
        Act.HANDLE,
        officer,
        turn.grievance,
        now=turn.now,
        settings=turn.settings,
        field="handler",
    )
    turn.grievance.handler_id = officer.id
    return Told()


def _plan(
    turn: Turn, *, lead_official: Officer | None, plan_steps: Sequence[PlannedStep] = ()
) -> Told:
    leader = _serving("lead_official", lead_official, turn.today)
    if Role.LEAD_OFFICIAL not in leader.roles:
        raise RuleBroken(
            "Choose an officer with the role of a lead official.", field="lead_official"
        )
    check_chosen(
        Act.LEAD,
        leader,
        turn.grievance,
        now=turn.now,
        settings=turn.settings,
        field="lead_official",
    )
    _check_led(turn, leader, field="lead_official")
    if not plan_steps and not turn.grievance.plan_steps:
        raise RuleBroken("A plan has one step at least, with a day.", field="plan_steps")
    planned = [
        PlanStep(
            grievance_id=turn.grievance.id,
            subject=written("plan_steps", one.subject, LONGEST_LINE),
            due_on=day_to_come("plan_steps", one.due_on, turn.today),
            officer_id=one.officer.id if one.officer else turn.grievance.handler_id,
        )
        for one in plan_steps
    ]
    db.session.add_all(planned)
    turn.grievance.lead_official_id = leader.id
    return Told()


def _check_led(turn: Turn, leader: Officer | None, field: str | None = None) -> None:
    """Raise RuleBroken where the grievance must be led by another one than `leader`."""
    if turn.settings.leading:
        turn.settings.leading.check(
            leader.office.level if leader else None,
            is_from_above=turn.grievance.is_referred_from_above,
            received_at=turn.grievance.received_at,
            now=turn.now,
            field=field,
        )


def _answer(turn: Turn, *, decision: Decision | None) -> Told:
    """Give the answer that somebody else drafted, also to those whose grievances are merged."""
    if decision is None or decision.grievance_id != turn.grievance.id:
        raise RuleBroken("Choose the draft that is to be given.", field="decision")
    if decision.state is DecisionState.GIVEN:
        raise RuleBroken("This decision is given already.", field="decision")
    if decision.state is not DecisionState.PROPOSED:
        raise RuleBroken("This draft was not proposed for approval yet.", field="decision")
    if decision.drafted_by_id == turn.by.id:
        raise RuleBroken("You drafted it. A second person must decide it.", field="decision")
    _check_led(turn, turn.grievance.lead_official)
    if not decision.points:
        raise RuleBroken(
            "The draft answers no point yet. Each point of the grievance gets a finding with"
            " reasons.",
            field="decision",
        )
    decision.state, decision.given_on = DecisionState.GIVEN, turn.today
    decision.decided_by_id, decision.told_on = turn.by.id, turn.today
    merged = asking.duplicates_of(db.session(), turn.grievance)
    for one in (turn.grievance, *merged):
        one.answered_at, one.answer = turn.now, decision.summary
    return Told(decision=decision, answered=merged)


# --- Remedies --------------------------------------------------------------------------------


def _promise_remedy(turn: Turn, *, promise: str | None, due_on: date | None) -> Told:
    db.session.add(
        Remedy(
            grievance_id=turn.grievance.id,
            office_id=turn.grievance.responsible_office_id,
            promise=written("promise", promise, LONGEST_LINE),
            promised_on=turn.today,
            due_on=day_to_come("due_on", due_on, turn.today),
        )
    )
    return Told()


def _of_this(turn: Turn, remedy: Remedy | None, state: RemedyState, otherwise: str) -> Remedy:
    if remedy is None or remedy.grievance_id != turn.grievance.id:
        raise RuleBroken("Choose the remedy.", field="remedy")
    if remedy.state is not state:
        raise RuleBroken(otherwise, field="remedy")
    return remedy


def _claim_remedy(turn: Turn, *, remedy: Remedy | None, done_on: date | None = None) -> Told:
    one = _of_this(
        turn, remedy, RemedyState.PROMISED, mark("This remedy is said to be done already.")
    )
    one.done_on = _on(turn, "done_on", done_on, one.promised_on)
    one.state, one.done_by_id = RemedyState.DONE, turn.by.id
    return Told()


def _judged(turn: Turn, remedy: Remedy | None) -> Remedy:
    """Return the remedy that is judged: said to be done, by somebody else."""
    words = mark("The office does not say yet that this remedy is done.")
    one = _of_this(turn, remedy, RemedyState.DONE, words)
    if one.done_by_id == turn.by.id:
        raise RuleBroken(
            "You said yourself that this is done. Somebody else must look.", field="remedy"
        )
    return one


def _verify_remedy(turn: Turn, *, remedy: Remedy | None, verified_on: date | None = None) -> Told:
    """Verify one remedy. The grievance is remedied when none is open any more."""
    one = _judged(turn, remedy)
    on = _on(turn, "verified_on", verified_on, one.done_on)
    states = (RemedyState.PROMISED, RemedyState.DONE)
    open_ones = db.session.scalars(asking.remedies(turn.grievance.id, *states)).all()
    one.state, one.verified_on, one.verified_by_id = RemedyState.VERIFIED, on, turn.by.id
    return Told(stays=any(other.id != one.id for other in open_ones))


def _send_back_remedy(turn: Turn, *, remedy: Remedy | None, reason: str | None) -> Told:
    one = _judged(turn, remedy)
    one.sent_back_because = written("reason", reason)
    one.sent_back_on, one.sent_back_by_id = turn.today, turn.by.id
    one.state, one.done_on, one.done_by_id = RemedyState.PROMISED, None, None
    return Told()


def _close(turn: Turn) -> Told:
    states = (RemedyState.PROMISED, RemedyState.DONE)
    open_ones = db.session.scalars(asking.remedies(turn.grievance.id, *states)).all()
    if open_ones:
        raise RuleBroken(
            "A promise is open, and the grievance stays open with it: %(promise)s.",
            promise=open_ones[0].promise,
        )
    return Told()


# --- Appeal, reopening, withdrawal -----------------------------------------------------------


def _appeal(
    turn: Turn, *, subject: str | None, grounds: str | None, filed_on: date | None = None
) -> Told:
    decision, on = _appealed_against(turn, filed_on)
    if decision.review_until_on is not None and on > decision.review_until_on:
        raise RuleBroken(
            "The time to appeal ended on %(day)s. A decider may admit the appeal all the same, with"
            " a reason. Once it is closed, the grievance can be opened again.",
            field="filed_on",
            day=decision.review_until_on,
        )
    return _file(turn, decision, on, subject, grounds)


def _admit_appeal(
    turn: Turn,
    *,
    subject: str | None,
    grounds: str | None,
    late_because: str | None,
    filed_on: date | None = None,
) -> Told:
    """Record an appeal that came too late, which somebody who decides appeals admits."""
    decision, on = _appealed_against(turn, filed_on)
    if decision.review_until_on is None or on <= decision.review_until_on:
        raise RuleBroken(
            "This appeal was filed in time: the intake desk records it.", field="filed_on"
        )
    reason = written("late_because", late_because)
    told = _file(turn, decision, on, subject, grounds)
    if told.appeal is not None:
        told.appeal.late_because, told.appeal.admitted_by_id = reason, turn.by.id
    return told


def _appealed_against(turn: Turn, filed_on: date | None) -> tuple[Decision, date]:
    """Return the decision that stands and the day on which somebody appealed against it."""
    decision = db.session.scalar(asking.given(turn.grievance.id))
    if decision is None or decision.decided_by_id is None:
        raise RuleBroken(
            "No decision on it stands here against which one could appeal. Close it if it is not"
            " closed, and open it again."
        )
    return decision, _on(turn, "filed_on", filed_on, decision.given_on)


def _file(
    turn: Turn, decision: Decision, on: date, subject: str | None, grounds: str | None
) -> Told:
    appeal = Appeal(
        decision_id=decision.id,
        subject=written("subject", subject, LONGEST_LINE),
        grounds=written("grounds", grounds),
        filed_on=on,
        first_decider_id=decision.decided_by_id,
    )
    db.session.add(appeal)
    return Told(appeal=appeal)


def _decide_appeal(turn: Turn, outcome: AppealOutcome, reasons: str | None) -> Told:
    appeal = db.session.scalar(asking.open_appeal(turn.grievance.id))
    if appeal is None:
        raise RuleBroken("No appeal waits to be decided.")
    appeal.reasons = written("reasons", reasons)
    appeal.state, appeal.outcome = AppealState.DECIDED, outcome
    appeal.decided_on, appeal.decided_by_id = turn.today, turn.by.id
    return Told()


def _dismiss_appeal(turn: Turn, *, reasons: str | None) -> Told:
    return _decide_appeal(turn, AppealOutcome.DISMISSED, reasons)


def _uphold_appeal(turn: Turn, *, outcome: AppealOutcome | None, reasons: str | None) -> Told:
    if outcome not in (AppealOutcome.UPHELD, AppealOutcome.PARTLY):
        raise RuleBroken("Say whether the appeal succeeds as a whole or in part.", field="outcome")
    return _decide_appeal(turn, outcome, reasons)


def _reopen(turn: Turn, *, reason: str | None) -> Told:
    turn.grievance.reopening_reason = written("reason", reason)
    return Told()


def _withdraw(turn: Turn, *, statement: str | None, withdrawn_at: datetime | None = None) -> Told:
    """Record what the complainant stated. What waits for somebody's decision ends with it."""
    words, at = written("statement", statement), _happened(turn, "withdrawn_at", withdrawn_at)
    turn.grievance.withdrawal_statement, turn.grievance.withdrawn_at = words, at
    _decide_objection(turn, RequestState.REFUSED, NOT_DECIDED)
    appeal = db.session.scalar(asking.open_appeal(turn.grievance.id))
    if appeal is not None:
        appeal.state = AppealState.ENDED
    return Told()


# --- Merges ----------------------------------------------------------------------------------


def _merge(turn: Turn, *, other_grievance: Grievance | None, subject: str | None) -> Told:
    """Make the grievance a duplicate of another; everything it has stays with it."""
    this = turn.grievance
    if other_grievance is None:
        raise RuleBroken("Choose the other grievance.", field="other_grievance")
    if other_grievance.id == this.id:
        raise RuleBroken(
            "A grievance cannot be linked with itself. Choose another one.",
            field="other_grievance",
        )
    if other_grievance.state in (GrievanceState.DUPLICATE, GrievanceState.WITHDRAWN):
        raise RuleBroken(
            "The other grievance is a duplicate itself, or was withdrawn. Choose the one that is"
            " worked.",
            field="other_grievance",
        )
    if asking.duplicates_of(db.session(), this):
        raise RuleBroken(
            "Others are merged into this one. Merge the other grievance into this one instead.",
            field="other_grievance",
        )
    shared = written("subject", subject, LONGEST_LINE)
    for link in db.session.scalars(asking.link_between(this.id, other_grievance.id)):
        link.undone_at, link.undone_because = turn.now, shared
    db.session.flush()
    db.session.add(
        GrievanceLink(
            grievance_id=this.id,
            other_grievance_id=other_grievance.id,
            kind=LinkKind.DUPLICATE,
            subject=shared,
        )
    )
    if other_grievance.answered_at is None:
        return Told()
    this.answered_at, this.answer = turn.now, other_grievance.answer
    return Told(answered=[this])


def _separate(turn: Turn, *, undone_because: str | None) -> Told:
    """Take a merge back. An answer that was given to the other was none to this one."""
    reason = written("undone_because", undone_because)
    for link in db.session.scalars(asking.merge_of(turn.grievance.id)):
        link.undone_at, link.undone_because = turn.now, reason
    turn.grievance.answered_at = None
    return Told()


WRITERS: dict[str, Callable[..., Told]] = {
    "acknowledge": _acknowledge,
    "route": _route,
    "object": _object,
    "route_again": _route_again,
    "keep_routing": _keep_routing,
    "accept": _accept,
    "plan": _plan,
    "answer": _answer,
    "promise_remedy": _promise_remedy,
    "claim_remedy": _claim_remedy,
    "verify_remedy": _verify_remedy,
    "send_back_remedy": _send_back_remedy,
    "close": _close,
    "appeal": _appeal,
    "admit_appeal": _admit_appeal,
    "dismiss_appeal": _dismiss_appeal,
    "uphold_appeal": _uphold_appeal,
    "reopen": _reopen,
    "withdraw": _withdraw,
    "merge": _merge,
    "separate": _separate,
}
"""What each step of rules/casework.py writes."""

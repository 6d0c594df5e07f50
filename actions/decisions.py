"""Drafting a decision, proposing it to a second person, approving it or sending it back."""

from datetime import datetime

from actions.casework import take_step
from models import Decision, DecisionPoint, Grievance, Officer, db
from queries import decisions as asking
from queries import impartiality
from rules import RuleBroken
from rules.decisions import (
    LONGEST_TEXT,
    Draft,
    Point,
    check_draft,
    check_editable,
    check_judged,
    check_whole,
)
from rules.grievance import DecisionState
from rules.impartiality import Act, Settings


def draft_of(decision: Decision) -> Draft:
    """Return what `decision` says, as it is typed."""
    points = sorted(decision.points, key=lambda one: one.position)
    return Draft(
        decision.subject,
        decision.summary,
        decision.follows or "",
        decision.how_to_appeal or "",
        tuple(Point(one.point, one.conclusion, one.reasons) for one in points),
    )


def save_draft(
    grievance: Grievance, draft: Draft, *, by: Officer, decision: Decision | None = None
) -> Decision:
    """Keep `draft` as the words of `decision`, or of a new one of `by`; one that was proposed is a
    draft again. Raises RuleBroken."""
    check_draft(draft)
    if decision is None:
        decision = Decision(
            grievance_id=grievance.id, drafted_by_id=by.id, state=DecisionState.DRAFT
        )
        db.session.add(decision)
    else:
        check_editable(decision.state, is_drafter=decision.drafted_by_id == by.id)
    decision.subject, decision.summary = draft.subject, draft.summary
    decision.follows = draft.follows or None
    decision.how_to_appeal = draft.how_to_appeal or None
    decision.state, decision.proposed_at = DecisionState.DRAFT, None
    db.session.flush()
    _keep_points(decision, draft)
    return decision


def _keep_points(decision: Decision, draft: Draft) -> None:
    """Have the points of `decision` be those of `draft`; one that stays as it is leaves no entry in
    the trail."""
    there = sorted(decision.points, key=lambda one: one.position)
    for one in there[len(draft.points) :]:
        db.session.delete(one)
    for position, typed in enumerate(draft.points, 1):
        values = {"point": typed.point, "conclusion": typed.conclusion, "reasons": typed.reasons}
        if position <= len(there):
            for name, value in values.items():
                setattr(there[position - 1], name, value)
        else:
            db.session.add(DecisionPoint(decision_id=decision.id, position=position, **values))
    db.session.flush()
    db.session.expire(decision, ["points"])


def propose(decision: Decision, *, by: Officer, now: datetime) -> None:
    """Propose `decision` to a second person. Raises RuleBroken where it does not say all that a
    decision must."""
    check_editable(decision.state, is_drafter=decision.drafted_by_id == by.id)
    check_whole(draft_of(decision))
    decision.state, decision.proposed_at = DecisionState.PROPOSED, now
    decision.sent_back_because = None
    db.session.flush()


def send_back(decision: Decision, reason: str, *, by: Officer) -> None:
    """Give a proposed decision back to who drafted it, with a reason. Raises RuleBroken."""
    check_judged(decision.state, is_drafter=decision.drafted_by_id == by.id)
    reason = reason.strip()
    if not reason:
        raise RuleBroken("Say what is to be changed.", field="reason")
    if len(reason) > LONGEST_TEXT:
        raise RuleBroken(
            "This is too long: at most %(most)s characters.", field="reason", most=LONGEST_TEXT
        )
    decision.state, decision.proposed_at = DecisionState.DRAFT, None
    decision.sent_back_because = reason
    db.session.flush()


def check_approval(decision: Decision, *, by: Officer, now: datetime, settings: Settings) -> None:
    """Raise RuleBroken unless `by` may approve `decision`: proposed by another, and impartial in
    the matter."""
    check_judged(decision.state, is_drafter=decision.drafted_by_id == by.id)
    impartiality.check(Act.ANSWER, by, decision.grievance, now=now, settings=settings)


def approve(decision: Decision, *, by: Officer, now: datetime, settings: Settings) -> None:
    """Approve `decision` as a second person: the answer is given, and the complainant is told
    today. The day until which a review may be asked for comes from the district's standards, else
    it is 30 days from now. Raises RuleBroken."""
    check_approval(decision, by=by, now=now, settings=settings)
    check_whole(draft_of(decision))
    grievance = decision.grievance
    take_step(grievance, "answer", by=by, now=now, settings=settings, decision=decision)
    if decision.review_until_on is None:
        decision.review_until_on = settings.today(asking.review_until(db.session(), grievance, now))
    db.session.flush()

"""What steps in the life of a grievance ask for."""

from typing import Any

from sqlalchemy import Select, exists, select
from sqlalchemy.orm import Session

from models import Appeal, Decision, Grievance, GrievanceLink, Remedy, RoutingObjection
from rules.grievance import AppealState, DecisionState, LinkKind, RemedyState, RequestState


def drafts(grievance_id: int) -> Select[Decision]:
    """Ask for the drafts that were proposed to a second person, the newest first."""
    return (
        select(Decision)
        .where(Decision.grievance_id == grievance_id, Decision.state == DecisionState.PROPOSED)
        .order_by(Decision.id.desc())
    )


def given(grievance_id: int) -> Select[Decision]:
    """Ask for the decision that holds: the last that was given."""
    return (
        select(Decision)
        .where(Decision.grievance_id == grievance_id, Decision.state == DecisionState.GIVEN)
        .order_by(Decision.given_on.desc(), Decision.id.desc())
        .limit(1)
    )


def open_appeal(grievance_id: int) -> Select[Appeal]:
    """Ask for the appeal that is to be decided."""
    return (
        select(Appeal)
        .join(Decision, Decision.id == Appeal.decision_id)
        .where(Decision.grievance_id == grievance_id, Appeal.state == AppealState.FILED)
        .order_by(Appeal.id.desc())
        .limit(1)
    )


def open_objection(grievance_id: int) -> Select[RoutingObjection]:
    """Ask for the objection to the routing that is to be decided."""
    return select(RoutingObjection).where(
        RoutingObjection.grievance_id == grievance_id, RoutingObjection.state == RequestState.ASKED
    )


def remedies(grievance_id: int, *states: RemedyState) -> Select[Remedy]:
    """Ask for the remedies of a grievance that stand so, the one due first at the head."""
    return (
        select(Remedy)
        .where(Remedy.grievance_id == grievance_id, Remedy.state.in_(states))
        .order_by(Remedy.due_on, Remedy.id)
    )


def link_between(grievance_id: int, other_id: int) -> Select[GrievanceLink]:
    """Ask for the link that holds between two grievances, in either direction."""
    pair = (grievance_id, other_id)
    return select(GrievanceLink).where(
        GrievanceLink.grievance_id.in_(pair),
        GrievanceLink.other_grievance_id.in_(pair),
        GrievanceLink.undone_at.is_(None),
    )


def merge_of(grievance_id: int) -> Select[GrievanceLink]:
    """Ask for the link by which a grievance is a duplicate of another."""
    return select(GrievanceLink).where(
        GrievanceLink.grievance_id == grievance_id,
        GrievanceLink.kind == LinkKind.DUPLICATE,
        GrievanceLink.undone_at.is_(None),
    )


def duplicates_of(session: Session, grievance: Grievance) -> list[Grievance]:
    """Return the grievances that are merged into this one: who brought them waits for the same
    answer."""
    query = (
        select(Grievance)
        .join(GrievanceLink, GrievanceLink.grievance_id == Grievance.id)
        .where(
            GrievanceLink.other_grievance_id == grievance.id,
            GrievanceLink.kind == LinkKind.DUPLICATE,
            GrievanceLink.undone_at.is_(None),
        )
        .order_by(Grievance.id)
    )
    return list(session.scalars(query))


def at_hand(grievance_id: int) -> Select[Any]:
    """Ask in one row for what steps take up: whether a draft is `proposed`, a remedy is
    `promised`, one is said to be `done`; and until when the decision that holds may be appealed
    against (`review_until_on`)."""

    def of(model: Any, *conditions: Any) -> Any:
        return exists().where(model.grievance_id == grievance_id, *conditions)

    until = given(grievance_id).with_only_columns(Decision.review_until_on)
    return select(
        of(Decision, Decision.state == DecisionState.PROPOSED).label("proposed"),
        of(Remedy, Remedy.state == RemedyState.PROMISED).label("promised"),
        of(Remedy, Remedy.state == RemedyState.DONE).label("done"),
        until.scalar_subquery().label("review_until_on"),
    )

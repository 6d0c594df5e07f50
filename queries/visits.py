"""What is asked about visits: who may inspect, what a sample is drawn from, what was seen."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, or_, select
from sqlalchemy.orm import Session, joinedload

from models import (
    ChecklistQuestion,
    Grievance,
    GroupMembership,
    Inspection,
    InspectionAnswer,
    InspectionDocument,
    InspectionStratum,
    Office,
    Record,
    SampledGrievance,
)
from rules.grievance import GrievanceState
from rules.visits import SAMPLE_DAYS, Stratum

MOST_DOCUMENTS = 100


# --- Who -------------------------------------------------------------------------------------


def belongs(session: Session, officer_id: int, group_id: int, on: date) -> bool:
    """Return whether the officer belongs to the group on that day; one statement."""
    term = (
        GroupMembership.officer_id == officer_id,
        GroupMembership.group_id == group_id,
        GroupMembership.starts_on <= on,
        or_(GroupMembership.ends_on.is_(None), GroupMembership.ends_on > on),
    )
    return bool(session.scalar(select(exists().where(*term))))


# --- The sample ------------------------------------------------------------------------------


def sample_since(inspection: Inspection) -> date:
    """Return the first day of what is drawn from."""
    return inspection.sample_since or inspection.planned_on - timedelta(days=SAMPLE_DAYS)


def strata_to_draw_from(
    session: Session, office_id: int, since: datetime, most: int
) -> list[Stratum]:
    """Return the closed grievances of the office and those below it, closed at `since` or later,
    by category and by whether they were answered in time, at most `most` + 1 of them, in their
    order. One statement."""
    below = select(Office.id).where(Office.id == office_id).cte("below", recursive=True)
    # UNION, not UNION ALL: it ends even where the tree has a cycle.
    below = below.union(select(Office.id).join(below, Office.parent_id == below.c.id))
    in_time = case(
        (
            and_(Grievance.due_at.is_not(None), Grievance.answered_at.is_not(None)),
            Grievance.answered_at <= Grievance.due_at,
        )
    )
    closed = (
        select(Grievance.id, Grievance.category_id, in_time.label("in_time"))
        .where(
            Grievance.responsible_office_id.in_(select(below.c.id)),
            Grievance.state == GrievanceState.CLOSED,
            Grievance.closed_at >= since,
        )
        .limit(most + 1)
        .subquery()
    )
    query = select(closed.c.category_id, closed.c.in_time, func.array_agg(closed.c.id)).group_by(
        closed.c.category_id, closed.c.in_time
    )
    found = [
        Stratum(category_id, was_in_time, tuple(sorted(ids)))
        for category_id, was_in_time, ids in session.execute(query)
    ]
    return sorted(found, key=lambda one: one.order)


def kept_strata(session: Session, inspection_id: int) -> list[Stratum]:
    """Return what the sample of a visit was drawn from, as it was kept; one statement."""
    query = select(
        InspectionStratum.category_id,
        InspectionStratum.was_in_time,
        InspectionStratum.grievance_ids,
    ).where(InspectionStratum.inspection_id == inspection_id)
    return [Stratum(*row) for row in session.execute(query)]


# --- What was asked and seen -----------------------------------------------------------------


@dataclass(frozen=True)
class Visit:
    """What stands on the page of a visit besides the visit itself."""

    answers: Sequence[InspectionAnswer]
    sampled: Sequence[SampledGrievance]
    documents: Sequence[InspectionDocument]


def questions_of(template_id: int) -> Select[ChecklistQuestion]:
    """Ask for the questions of a list, in their order."""
    return (
        select(ChecklistQuestion)
        .where(ChecklistQuestion.template_id == template_id)
        .order_by(ChecklistQuestion.position, ChecklistQuestion.id)
    )


def answers_of(inspection_id: int) -> Select[InspectionAnswer]:
    """Ask for what was asked at a visit, in its order, with who answered."""
    return (
        select(InspectionAnswer)
        .where(InspectionAnswer.inspection_id == inspection_id)
        .order_by(InspectionAnswer.position)
        .options(joinedload(InspectionAnswer.answered_by))
    )


def sampled_of(inspection_id: int) -> Select[SampledGrievance]:
    """Ask for the sample of a visit, in its order, with who looked and the category."""
    return (
        select(SampledGrievance)
        .where(SampledGrievance.inspection_id == inspection_id)
        .order_by(SampledGrievance.position)
        .options(joinedload(SampledGrievance.answered_by), joinedload(SampledGrievance.category))
    )


def read_visit(
    session: Session, inspection_id: int, seen: Callable[[type[Record]], ColumnElement[bool] | None]
) -> Visit:
    """Return what was asked, drawn and kept at a visit, as far as whoever asks sees it: `seen` is
    security.visible. Three statements."""
    documents = (
        select(InspectionDocument)
        .where(InspectionDocument.inspection_id == inspection_id)
        .order_by(InspectionDocument.id)
        .limit(MOST_DOCUMENTS)
    )

    def read(query: Select[Any], model: type[Record]) -> Sequence[Any]:
        scope = seen(model)
        return session.scalars(query if scope is None else query.where(scope)).all()

    return Visit(
        read(answers_of(inspection_id), InspectionAnswer),
        read(sampled_of(inspection_id), SampledGrievance),
        read(documents, InspectionDocument),
    )

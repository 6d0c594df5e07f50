"""Grievances that may be about the same matter: by subject, place and time, and by nothing else.
Who brought them plays no part and is not known here (domain.md section 1)."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, extract, false, func, or_, select
from sqlalchemy.orm import aliased

from models import Grievance, GrievanceLink

WINDOW = timedelta(days=14)
"""Received further apart than this, two grievances are not suggested as one."""
MOST = 5
"""So many suggestions are shown of one grievance."""
THRESHOLD = 0.8
"""Least likeness of a suggestion: measured on Chicago, docs/decisions/0072."""

# Likeness of texts is that of pg_trgm, from 0 to 1. Below these it is another place or matter.
LIKE_PLACE, LIKE_SUBJECT = 0.6, 0.3
# How much place, subject and time weigh.
OF_PLACE, OF_SUBJECT, OF_TIME = 0.5, 0.2, 0.3


@dataclass(frozen=True)
class Suggestion:
    """A grievance that may be about the same matter, with its likeness from 0 to 1; `came_again`
    where one of the two was closed before the other came."""

    other: Grievance
    likeness: float
    came_again: bool


def likeness(one: Any, other: Any) -> tuple[ColumnElement[bool], ColumnElement[float]]:
    """Return the condition under which `other` can be the same matter as `one`, both aliases of
    Grievance, and how alike they are: from 0 to 1.

    They are received within WINDOW, in the same area where both say one, at places that read
    alike and whose numbers are the same (12 is not 14), on subjects of one category or that read
    alike.
    """
    place = func.similarity(func.lower(one.place), func.lower(other.place))
    subject = case(
        (one.category_id == other.category_id, 1.0),
        else_=func.similarity(func.lower(one.title), func.lower(other.title)),
    )
    apart = func.abs(extract("epoch", one.received_at - other.received_at))
    when = 1.0 - apart / WINDOW.total_seconds()
    condition = and_(
        other.received_at.between(one.received_at - WINDOW, one.received_at + WINDOW),
        or_(one.area_id == other.area_id, one.area_id.is_(None), other.area_id.is_(None)),
        _numbers(one.place) == _numbers(other.place),
        place >= LIKE_PLACE,
        subject >= LIKE_SUBJECT,
    )
    return condition, OF_PLACE * place + OF_SUBJECT * subject + OF_TIME * when


def came_again(one: Any, other: Any) -> ColumnElement[bool]:
    """Return the condition that one of the two, both aliases of Grievance, was closed before the
    other was received: then they are no duplicates, and what was closed was perhaps not put
    right."""
    return or_(
        func.coalesce(one.closed_at < other.received_at, false()),
        func.coalesce(other.closed_at < one.received_at, false()),
    )


def suggested(
    grievance_id: int, scope: ColumnElement[bool] | None
) -> Select[Grievance, float, bool]:
    """Ask for the grievances that may be about the same matter as this one, the likest first, MOST
    of them: within `scope` (None for all), and not those that somebody has linked to it already,
    or found to be another matter. Rows are (grievance, likeness, came again)."""
    one = aliased(Grievance)
    condition, alike = likeness(one, Grievance)
    linked = select(GrievanceLink.id).where(
        GrievanceLink.undone_at.is_(None),
        or_(
            and_(
                GrievanceLink.grievance_id == grievance_id,
                GrievanceLink.other_grievance_id == Grievance.id,
            ),
            and_(
                GrievanceLink.other_grievance_id == grievance_id,
                GrievanceLink.grievance_id == Grievance.id,
            ),
        ),
    )
    query = (
        select(Grievance, alike.label("likeness"), came_again(one, Grievance).label("again"))
        .join(one, condition)
        .where(
            one.id == grievance_id,
            Grievance.id != grievance_id,
            alike >= THRESHOLD,
            ~linked.exists(),
        )
        .order_by(alike.desc(), Grievance.id)
        .limit(MOST)
    )
    return query if scope is None else query.where(scope)


def _numbers(place: Any) -> Any:
    """Return the numbers of a place, in their order, with blanks between."""
    return func.btrim(func.regexp_replace(place, r"[^0-9]+", " ", "g"))

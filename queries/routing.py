"""What routing asks for: the lines of a category and of an area, and the offices that are open."""

from datetime import date
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from models import Area, Category, Grievance, Office
from rules.grievance import GrievanceKind
from rules.routing import Matter, Place, Suggestion, suggest


def suggestions(session: Session, grievance: Grievance, today: date) -> list[Suggestion]:
    """Return the offices that `grievance` may belong to, with the reasons. Three statements."""
    categories = _line(session, Category, grievance.category_id, Category.office_id)
    areas = _line(session, Area, grievance.area_id, Area.id)
    is_open = or_(Office.closed_on.is_(None), Office.closed_on >= today)
    offices = {
        row.id: Place(row.id, row.name, row.parent_id, row.area_id)
        for row in session.execute(
            select(Office.id, Office.name, Office.parent_id, Office.area_id).where(is_open)
        )
    }
    matter = Matter(
        categories=categories,
        areas=[(number, name) for name, number in areas],
        respondent_id=grievance.respondent_office_id,
        is_about_conduct=grievance.kind is GrievanceKind.CONDUCT,
    )
    return suggest(matter, offices)


def _line(session: Session, model: Any, start: int | None, shown: Any) -> list[tuple[str, Any]]:
    """Return (name, `shown`) of a node and of all above it, nearest first."""
    if start is None:
        return []
    rows = session.execute(select(model.id, model.parent_id, model.name, shown.label("shown")))
    nodes = {row.id: row for row in rows}
    line: list[tuple[str, Any]] = []
    seen: set[int] = set()
    at: int | None = start
    while at is not None and at in nodes and at not in seen:
        seen.add(at)
        line.append((nodes[at].name, nodes[at].shown))
        at = nodes[at].parent_id
    return line

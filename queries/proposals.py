"""What proposals of assignments ask for: the offices to plan for, areas, and their lines."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, joinedload

from models import (
    Area,
    AssignmentProposal,
    Office,
    ProposedAssignment,
    SupervisionGroup,
)
from rules.offices import OfficeLevel
from rules.supervision import ProposalState, ProposedState

LATEST = 20


def offices_to_plan(
    session: Session, within: int | None, levels: Collection[OfficeLevel]
) -> list[int]:
    """Return the offices of these levels, those of `within` and below it; None: of everything."""
    offices = select(Office.id).where(Office.level.in_(levels))
    if within is not None:
        below = select(Office.id).where(Office.id == within).cte("below", recursive=True)
        below = below.union(select(Office.id).join(below, Office.parent_id == below.c.id))
        offices = offices.where(Office.id.in_(select(below.c.id)))
    return list(session.scalars(offices.order_by(Office.id)))


@dataclass(frozen=True)
class Areas:
    """Each area with the one around it, and its name."""

    around: dict[int, int | None]
    names: dict[int, str]


def areas(session: Session) -> Areas:
    """Return all areas; one statement."""
    rows = session.execute(select(Area.id, Area.parent_id, Area.name)).all()
    return Areas({row.id: row.parent_id for row in rows}, {row.id: row.name for row in rows})


def groups_that_work(session: Session, from_on: date) -> list[SupervisionGroup]:
    """Return the groups that are not dissolved by then, by their names."""
    lasts = SupervisionGroup.dissolved_on.is_(None) | (SupervisionGroup.dissolved_on > from_on)
    query = select(SupervisionGroup).where(lasts).order_by(SupervisionGroup.name)
    return list(session.scalars(query))


def latest(session: Session) -> list[AssignmentProposal]:
    """Return the newest proposals, with the office they were made for."""
    query = (
        select(AssignmentProposal)
        .order_by(AssignmentProposal.id.desc())
        .limit(LATEST)
        .options(joinedload(AssignmentProposal.office))
    )
    return list(session.scalars(query))


def under_way(session: Session) -> list[int]:
    """Return the newest proposals that are being worked out, or were when their server stopped."""
    query = (
        select(AssignmentProposal.id)
        .where(AssignmentProposal.state == ProposalState.WORKING)
        .order_by(AssignmentProposal.id.desc())
        .limit(LATEST)
    )
    return list(session.scalars(query))


# --- Lines -------------------------------------------------------------------------------------


def lines(
    proposal_id: int, *, state: ProposedState | None = None, group_id: int | None = None
) -> Select[Any]:
    """Return the lines of a proposal, the most urgent first, with their offices and groups."""
    query = (
        select(ProposedAssignment)
        .where(ProposedAssignment.proposal_id == proposal_id)
        .order_by(ProposedAssignment.position)
        .options(
            joinedload(ProposedAssignment.office),
            joinedload(ProposedAssignment.group),
            joinedload(ProposedAssignment.decided_by),
        )
    )
    if state is not None:
        query = query.where(ProposedAssignment.state == state)
    if group_id is not None:
        query = query.where(ProposedAssignment.group_id == group_id)
    return query


def page_of_lines(
    session: Session, query: Select[Any], after: int | None, size: int
) -> tuple[list[ProposedAssignment], int | None]:
    """Return up to `size` lines of `query` beyond the position `after`, and the position from
    which the next page goes on; None where there is none."""
    if after is not None:
        query = query.where(ProposedAssignment.position > after)
    found = list(session.scalars(query.limit(size + 1)))
    more = len(found) > size
    return found[:size], found[size - 1].position if more else None


@dataclass(frozen=True)
class Counted:
    """How many lines of a proposal are of a group, in a state."""

    group_id: int | None
    name: str | None
    state: ProposedState
    number: int


def counted(session: Session, proposal_id: int) -> list[Counted]:
    """Return how many lines there are of each group and state, by the names of groups."""
    one = ProposedAssignment
    query = (
        select(one.group_id, SupervisionGroup.name, one.state, func.count())
        .outerjoin(SupervisionGroup, SupervisionGroup.id == one.group_id)
        .where(one.proposal_id == proposal_id)
        .group_by(one.group_id, SupervisionGroup.name, one.state)
        .order_by(SupervisionGroup.name, one.group_id)
    )
    return [Counted(*row) for row in session.execute(query)]

"""Who supervises what: the picture that the board, its forms and proposals are made from."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

from sqlalchemy import Date, cast, func, or_, select
from sqlalchemy.orm import Session, joinedload

from models import (
    AssignmentChange,
    GroupMembership,
    Office,
    Officer,
    OfficerPosting,
    Recusal,
    SupervisionAssignment,
    SupervisionGroup,
    SupervisionPolicy,
)
from rules import Said
from rules.assignments import (
    Group,
    Held,
    Member,
    Period,
    Place,
    Policy,
    Service,
    bar_of,
)


@dataclass(frozen=True)
class Picture:
    """Everything that decides who may supervise what: all groups with the terms of their members,
    every office with who has it, and what the bureau has set."""

    groups: Mapping[int, Group]
    offices: Mapping[int, Place]
    policy: Policy


def policy(session: Session, on: date) -> Policy:
    """Return what the bureau has set for supervision on a day; one statement."""
    row = session.scalar(
        select(SupervisionPolicy)
        .where(SupervisionPolicy.in_force_from <= on)
        .order_by(SupervisionPolicy.in_force_from.desc())
        .limit(1)
    )
    if row is None:
        return Policy()
    return Policy(
        cooling_off_days=row.cooling_off_days,
        fewest_members=row.fewest_members,
        visit_every_days=row.visit_every_days,
        weight_load=row.weight_load,
        weight_overdue=row.weight_overdue,
        weight_since_visit=row.weight_since_visit,
        weight_rotation=row.weight_rotation,
        weight_travel=row.weight_travel,
    )


def picture(
    session: Session,
    from_on: date | None = None,
    until_on: date | None = None,
    *,
    today: date | None = None,
    now: datetime | None = None,
) -> Picture:
    """Return the picture in seven statements, whatever there is: all groups that have not been
    dissolved before `from_on`, all offices, and of each office the periods that meet
    [`from_on`, `until_on`); None: all of them.

    With `now` each office has how many of its grievances are overdue, and the day of its last
    visit: of every office for who supervises or sees all, None of offices out of sight for others.
    """
    return Picture(
        groups=_groups(session, from_on),
        offices=_offices(session, from_on, until_on, now),
        policy=policy(session, today or from_on or datetime.now(UTC).date()),
    )


def bars(session: Session, officer: Officer, office: Office, on: date) -> Said | None:
    """Return why `officer` must not inspect `office` on a day, in a sentence that names both: they
    serve or served it or its line within the cooling-off, or stand aside; None where they may.
    Five statements."""
    places = _places(session)
    day = Period(on, on + timedelta(days=1))
    one = member(session, officer, day)
    return bar_of(one, places[office.id], day, places, policy(session, on))


def member(session: Session, officer: Officer, term: Period) -> Member:
    """Return `officer` as a member for `term`, with what they served and stand aside from; three
    statements. The term ends with the day on which they leave."""
    if officer.left_on is not None and term.starts_on < officer.left_on < term.until:
        term = Period(term.starts_on, officer.left_on)
    return Member(
        officer.id,
        officer.name,
        term,
        _served(session, {officer.id}).get(officer.id, ()),
        _aside(session, {officer.id}).get(officer.id, ()),
    )


# --- Groups ------------------------------------------------------------------------------------


def _groups(session: Session, from_on: date | None) -> dict[int, Group]:
    there = select(SupervisionGroup).order_by(SupervisionGroup.name, SupervisionGroup.id)
    if from_on is not None:
        there = there.where(_not_over(SupervisionGroup.dissolved_on, from_on))
    groups = session.scalars(there).all()
    terms = session.execute(
        select(GroupMembership, Officer.name, Officer.left_on)
        .join(Officer, Officer.id == GroupMembership.officer_id)
        .order_by(GroupMembership.is_leader.desc(), Officer.name, GroupMembership.id)
    ).all()
    officers = {term.officer_id for term, _name, _left in terms}
    served, aside = _served(session, officers), _aside(session, officers)
    members: dict[int, list[Member]] = defaultdict(list)
    for term, name, left_on in terms:
        ends = min((day for day in (term.ends_on, left_on) if day is not None), default=None)
        if ends is not None and ends <= term.starts_on:
            continue  # they left before the term began
        members[term.group_id].append(
            Member(
                officer_id=term.officer_id,
                name=name,
                term=Period(term.starts_on, ends),
                served=served.get(term.officer_id, ()),
                aside=aside.get(term.officer_id, ()),
                membership_id=term.id,
                is_leader=term.is_leader,
                duty=term.duty,
            )
        )
    return {
        group.id: Group(
            group.id,
            group.name,
            Period(group.formed_on, group.dissolved_on),
            tuple(members[group.id]),
        )
        for group in groups
    }


def _not_over(ends_on: Any, day: date) -> Any:
    return or_(ends_on.is_(None), ends_on > day)


def _served(session: Session, officers: set[int]) -> dict[int, tuple[Service, ...]]:
    """Return the offices that each officer serves and served, with the days; two statements. The
    day of a transfer is that of UTC, as in the database."""
    until_on = cast(func.timezone("UTC", OfficerPosting.until_at), Date)
    ends: dict[int, list[tuple[int, date | None]]] = defaultdict(list)
    for officer_id, office_id, day in session.execute(
        select(OfficerPosting.officer_id, OfficerPosting.office_id, until_on)
        .where(OfficerPosting.officer_id.in_(officers))
        .order_by(OfficerPosting.officer_id, until_on, OfficerPosting.id)
    ):
        ends[officer_id].append((office_id, day))
    for officer_id, office_id in session.execute(
        select(Officer.id, Officer.office_id).where(Officer.id.in_(officers))
    ):
        ends[officer_id].append((office_id, None))
    return {
        officer_id: tuple(
            Service(office_id, before, until)
            for (_, before), (office_id, until) in pairwise([(0, None), *spells])
        )
        for officer_id, spells in ends.items()
    }


def _aside(session: Session, officers: set[int]) -> dict[int, tuple[tuple[int, Period], ...]]:
    found: dict[int, list[tuple[int, Period]]] = defaultdict(list)
    for officer_id, office_id, starts_on, ends_on in session.execute(
        select(Recusal.officer_id, Recusal.office_id, Recusal.starts_on, Recusal.ends_on)
        .where(Recusal.officer_id.in_(officers), Recusal.set_aside_on.is_(None))
        .order_by(Recusal.id)
    ):
        found[officer_id].append((office_id, Period(starts_on, ends_on)))
    return {officer_id: tuple(spells) for officer_id, spells in found.items()}


# --- Offices -----------------------------------------------------------------------------------


def _places(session: Session) -> dict[int, Place]:
    columns = (
        Office.id,
        Office.name,
        Office.parent_id,
        Office.closed_on,
        Office.area_id,
        Office.code,
    )
    rows = session.execute(select(*columns).order_by(Office.name, Office.id))
    return {row.id: Place(*row) for row in rows}


def _offices(
    session: Session, from_on: date | None, until_on: date | None, now: datetime | None
) -> dict[int, Place]:
    places = _places(session)
    held: dict[int, list[Held]] = defaultdict(list)
    one = SupervisionAssignment
    query = select(
        one.id, one.group_id, one.office_id, one.starts_on, one.ends_on, one.version_id
    ).order_by(one.office_id, one.starts_on)
    if from_on is not None:
        query = query.where(_not_over(one.ends_on, from_on))
    if until_on is not None:
        query = query.where(one.starts_on < until_on)
    for number, group_id, office_id, starts_on, ends_on, version in session.execute(query):
        held[office_id].append(Held(number, group_id, Period(starts_on, ends_on), version))
    seen = attention(session, now) if now is not None else {}
    unknown = (None, None) if now is not None else (0, None)
    return {
        place.id: Place(
            place.id,
            place.name,
            place.parent_id,
            place.closed_on,
            place.area_id,
            place.code,
            tuple(held[place.id]),
            *seen.get(place.id, unknown),
        )
        for place in places.values()
    }


def attention(session: Session, now: datetime) -> dict[int, tuple[int, date | None]]:
    """Return how many grievances of each office are overdue at `now`, and the day of its last
    visit; one statement. Who supervises or sees all gets every office, others those they see."""
    asked = func.redress_attention(now).table_valued("office_id", "overdue", "visited_on")
    return {
        row.office_id: (int(row.overdue), row.visited_on) for row in session.execute(select(asked))
    }


# --- What was changed --------------------------------------------------------------------------


def last_change(session: Session, officer_id: int) -> AssignmentChange | None:
    """Return what this officer changed last of who supervises what, where it still stands; None
    where there is nothing to take back."""
    return session.scalar(
        select(AssignmentChange)
        .where(AssignmentChange.officer_id == officer_id, AssignmentChange.undone_at.is_(None))
        .order_by(AssignmentChange.id.desc())
        .limit(1)
    )


def latest_of(session: Session, office_id: int) -> AssignmentChange | None:
    """Return the latest change of who supervises an office, with the officer who made it; None
    where there was none that concerned this office alone. One statement."""
    return session.scalar(
        select(AssignmentChange)
        .where(AssignmentChange.office_id == office_id)
        .order_by(AssignmentChange.id.desc())
        .limit(1)
        .options(joinedload(AssignmentChange.officer))
    )

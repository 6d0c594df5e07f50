"""What waits on an officer: one Select for each kind of rules/waiting.py, all in one statement.

Each is bounded (MOST and one more), goes through an index and asks within what the officer sees.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    DateTime,
    Integer,
    Select,
    any_,
    cast,
    func,
    literal,
    not_,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from models import (
    RECORD_TYPES,
    CalendarDay,
    DailyReturn,
    GroupMembership,
    Office,
    Record,
)
from queries.filter_links import Filter, parse
from queries.filters import Today
from queries.leaving import holds_something
from rules.offices import DISTRICT
from rules.rhythm import ReturnState
from rules.waiting import MOST, Kind

Scope = Callable[[type[Record]], ColumnElement[bool] | None]


@dataclass(frozen=True)
class Asking:
    """Who asks, and within what: `scope` gives the condition for the rows of a record type that
    they see (None for all), `keys` the columns that they may read. `groups` are the supervision
    groups they belong to today, `line` the offices in whose matters they decide nothing."""

    officer_id: int
    office_id: int
    today: Today
    scope: Scope
    keys: Callable[[type[Record]], list[str]]
    groups: frozenset[int] = frozenset()
    line: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Thing:
    """One thing that waits. `named` are the values of the kind's naming columns, as JSON has
    them; None where they are out of the officer's sight."""

    kind: Kind
    id: int
    named: list[Any]
    office: str | None
    at: date | datetime | None


def record_type(kind: Kind) -> type[Record]:
    """Return the record type of `kind`."""
    return next(model for model in RECORD_TYPES if model.__tablename__ == kind.record)


def naming_columns(kind: Kind) -> list[Any]:
    """Return the columns that name a thing of `kind`, in their order."""
    model = record_type(kind)
    return [_end_of(model, path) for path in kind.named or model.title_columns]


def _end_of(model: Any, path: str) -> Any:
    first, _dot, rest = path.partition(".")
    attribute = getattr(model, first)
    return _end_of(attribute.property.mapper.class_, rest) if rest else attribute


def list_filters(kind: Kind, asking: Asking) -> list[tuple[str, str]]:
    """Return the filters of the list that shows `kind`, as its link has them. Where the officer
    belongs to one group the list is of this group, which the filter of a relation can say."""
    day = asking.today.day
    known = {
        "me": asking.officer_id,
        "office": asking.office_id,
        "today": day.isoformat(),
        "yesterday": (day - timedelta(days=1)).isoformat(),
        "tomorrow": (day + timedelta(days=1)).isoformat(),
        "next_week": (day + timedelta(days=7)).isoformat(),
    }
    filters = [(named, value.format(**known)) for named, value in kind.filters]
    if kind.among and len(asking.groups) == 1:
        (group,) = asking.groups
        filters.append((f"{kind.among.removesuffix('_id')}_equals", str(group)))
    return [(f"flt{place}_{named}", value) for place, (named, value) in enumerate(filters)]


# --- One kind --------------------------------------------------------------------------------


class _Reached:
    """A query and what has been joined to it: the way to columns of related records. What the
    officer does not see is joined as nothing."""

    def __init__(self, model: type[Record], scope: Scope) -> None:
        self.model = model
        self.scope = scope
        self.joins: dict[str, Any] = {}

    def column(self, path: str) -> Any:
        at: Any = self.model
        *relations, last = path.split(".")
        for depth, name in enumerate(relations):
            attribute = getattr(at, name)
            at = attribute.property.mapper.class_
            seen = self.scope(at)
            here = ".".join(relations[: depth + 1])
            self.joins.setdefault(here, attribute if seen is None else attribute.and_(seen))
        return getattr(at, last)

    def join(self, query: Select[Any]) -> Select[Any]:
        query = query.select_from(self.model)
        for path in sorted(self.joins, key=lambda path: path.count(".")):
            query = query.outerjoin(self.joins[path])
        return query


def _along(model: Any, path: str, test: Callable[[Any], ColumnElement[bool]]) -> Any:
    """Apply `test` to the column at the end of a path of relations from `model`."""
    first, _dot, rest = path.partition(".")
    attribute = getattr(model, first)
    if not rest:
        return test(attribute)
    condition = _along(attribute.property.mapper.class_, rest, test)
    return attribute.any(condition) if attribute.property.uselist else attribute.has(condition)


def _ids(numbers: frozenset[int]) -> Any:
    return any_(literal(sorted(numbers), ARRAY(BigInteger)))


def conditions(kind: Kind, asking: Asking) -> list[ColumnElement[bool]]:
    """Return what a thing of `kind` must meet to wait on this officer, besides being seen."""
    model = record_type(kind)
    found = [one.clause for one in filters_of(kind, asking) if one.clause is not None]
    if kind.stands:
        path, state = kind.stands
        found.append(_along(model, path, lambda column: column == state))
    if kind.here:
        found.append(_along(model, kind.here, lambda column: column == asking.office_id))
    if kind.among:
        found.append(_along(model, kind.among, lambda column: column == _ids(asking.groups)))
    for path in kind.never_by:
        mine = _along(model, path, lambda column: column.is_not_distinct_from(asking.officer_id))
        found.append(not_(mine))
    if kind.away_from:
        ours = _along(model, kind.away_from, lambda column: column == _ids(asking.line))
        found.append(or_(ours.is_(None), not_(ours)))
    if kind.lasts is not None:
        found.append(_end_of(model, kind.clock) > asking.today.now - kind.lasts)
    if kind.is_left:
        found.append(holds_something(model.id, asking.today.day, asking.today.now))
    return found


def filters_of(kind: Kind, asking: Asking) -> list[Filter]:
    """Return the filters of `kind` as its list reads them."""
    model = record_type(kind)
    return parse(model, asking.keys(model), list_filters(kind, asking), asking.today)


def of_kind(kind: Kind, asking: Asking, place: int = 0) -> Select[Any]:
    """Ask for the things of `kind` that wait on this officer, the most urgent first, no more than
    MOST and one. Rows have place, id, named, office, due_on, due_at."""
    model = record_type(kind)
    reached = _Reached(model, asking.scope)
    named = [reached.column(path) for path in kind.named or model.title_columns]
    office = reached.column(f"{kind.office}.name") if kind.office else null()
    clock = reached.column(kind.clock)
    is_moment = isinstance(clock.type, DateTime)
    moment = clock if is_moment else cast(null(), DateTime(timezone=True))
    query = reached.join(
        select(
            literal(place, Integer).label("place"),
            model.id.label("id"),
            func.jsonb_build_array(*named).label("named"),
            cast(office, Office.name.type).label("office"),
            (cast(null(), Date) if is_moment else clock).label("due_on"),
            (moment + kind.lasts if kind.lasts else moment).label("due_at"),
        )
    )
    seen = asking.scope(model)
    query = query.where(*conditions(kind, asking))
    if seen is not None:
        query = query.where(seen)
    return query.order_by(clock, model.id).limit(MOST + 1)


def waiting(session: Session, kinds: list[Kind], asking: Asking) -> dict[str, list[Thing]]:
    """Return what waits on the officer by the name of its kind, each in the order of its clock,
    MOST and one at most. One statement, none for no kinds."""
    found: dict[str, list[Thing]] = {kind.name: [] for kind in kinds}
    if not kinds:
        return found
    parts = [of_kind(kind, asking, place) for place, kind in enumerate(kinds)]
    for row in session.execute(union_all(*parts)):
        kind = kinds[row.place]
        at = row.due_at if row.due_on is None else row.due_on
        found[kind.name].append(Thing(kind, row.id, row.named, row.office, at))
    return found


# --- What is asked besides -------------------------------------------------------------------


def groups_of(officer_id: int, day: date) -> Select[Any]:
    """Ask for the supervision groups (ids) that the officer belongs to on `day`."""
    return select(GroupMembership.group_id).where(
        GroupMembership.officer_id == officer_id,
        GroupMembership.starts_on <= day,
        or_(GroupMembership.ends_on.is_(None), GroupMembership.ends_on > day),
    )


def return_and_calendar(office_id: int, day: date) -> Select[Any]:
    """Ask in one row for the return of the office about `day`, if any (its id), and for what the
    newest version of the district's calendar says of that day."""
    written = (
        select(DailyReturn.id)
        .where(
            DailyReturn.office_id == office_id,
            DailyReturn.day == day,
            DailyReturn.state != ReturnState.CORRECTED,
        )
        .limit(1)
    )
    kind = (
        select(CalendarDay.kind)
        .where(CalendarDay.calendar == DISTRICT, CalendarDay.day == day)
        .order_by(CalendarDay.calendar_version.desc())
        .limit(1)
    )
    return select(
        written.scalar_subquery().label("written"),
        kind.scalar_subquery().label("differs"),
    )

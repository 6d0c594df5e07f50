"""What there is about the offices that are supervised: how much stands in each named list, and what
the page of one office shows."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Date,
    Integer,
    Text,
    case,
    cast,
    func,
    literal,
    null,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.orm import Session

from models import (
    RECORD_TYPES,
    Finding,
    Inspection,
    Office,
    Record,
    Reprimand,
    SupervisionAssignment,
    SupervisionGroup,
    SupervisionNotice,
    title_sql,
)
from queries.filter_links import conditions, parse
from queries.filters import Today
from queries.round_up import Scope, any_of
from rules.findings import OVER, OWED_BY_OFFICE
from rules.supervision import NoticeState
from rules.supervisors import Named

MOST = 100
"""A list is counted so far, and one further."""
SHOWN = 6
"""Things of each kind that the page of an office shows."""


# --- Named lists -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Reading:
    """Within what lists are read: `scope` gives the rows that whoever asks sees, `keys` the columns
    that they may read, `office` the one that is asked for with those below it."""

    scope: Scope
    keys: Callable[[type[Record]], list[str]]
    today: Today
    office: int | None = None


def record_type(named: Named) -> type[Record]:
    """Return the record type of a list."""
    return next(model for model in RECORD_TYPES if model.__tablename__ == named.record)


def arguments(named: Named, office: int | None) -> list[tuple[str, str]]:
    """Return the filters and the order of a list as its link has them."""
    asked = list(named.filters)
    if office is not None:
        asked.append((f"{named.office}_below", str(office)))
    filters = [(f"flt{place}_{what}", value) for place, (what, value) in enumerate(asked)]
    return [*filters, ("sort", named.sort)]


def counted(session: Session, lists: Sequence[Named], reading: Reading) -> list[int]:
    """Return how many records stand in each of `lists`, MOST and one at most. One statement."""
    parts = []
    for place, named in enumerate(lists):
        model: Any = record_type(named)
        filters = parse(model, reading.keys(model), arguments(named, reading.office), reading.today)
        query = select(model.id).where(*conditions(filters), _seen(model, reading.scope))
        some = query.limit(MOST + 1).subquery()
        parts.append(
            select(
                literal(place, Integer).label("place"), func.count().label("number")
            ).select_from(some)
        )
    found = {row.place: row.number for row in session.execute(union_all(*parts))} if parts else {}
    return [found[place] for place in range(len(lists))]


def _seen(model: type[Record], scope: Scope) -> ColumnElement[bool]:
    condition = scope(model)
    return true() if condition is None else condition


# --- The page of an office -------------------------------------------------------------------


@dataclass(frozen=True)
class Around:
    """An office by name, those above it, nearest first, and the ids of itself and all below."""

    id: int
    name: str
    above: tuple[tuple[int, str], ...]
    within: frozenset[int]


def around(session: Session, office_id: int) -> Around | None:
    """Return the office and where it stands in the tree, in one statement; None for no office."""
    columns = (Office.id, Office.name, Office.parent_id)
    one = Office.id == office_id
    up = select(*columns, literal(0).label("far")).where(one).cte("up", recursive=True)
    up = up.union(
        select(*columns, up.c.far + 1).join(up, Office.id == up.c.parent_id).where(up.c.far < 50)
    )
    down = select(Office.id).where(one).cte("down", recursive=True)
    down = down.union(select(Office.id).join(down, Office.parent_id == down.c.id))
    rows = session.execute(
        union_all(
            select(up.c.far, up.c.id, up.c.name),
            select(literal(-1), down.c.id, cast(null(), Office.name.type)),
        )
    ).all()
    line = sorted((row for row in rows if row[0] >= 0), key=lambda row: row[0])
    if not line:
        return None
    below = frozenset(row[1] for row in rows if row[0] == -1)
    return Around(
        line[0][1], line[0][2], tuple((number, name) for _far, number, name in line[1:]), below
    )


@dataclass(frozen=True)
class Supervision:
    """A group that supervises an office from a day on; `until` the first day after it, None where
    no end is set."""

    group_id: int
    group: str
    office_id: int
    since: date
    until: date | None


def supervised_by(session: Session, offices: Collection[int], today: date) -> list[Supervision]:
    """Return which groups supervise these offices now and later, the first ones first."""
    one = SupervisionAssignment
    rows = session.execute(
        select(one.group_id, SupervisionGroup.name, one.office_id, one.starts_on, one.ends_on)
        .join(SupervisionGroup, SupervisionGroup.id == one.group_id)
        .where(one.office_id == any_of(offices), or_(one.ends_on.is_(None), one.ends_on > today))
        .order_by(one.starts_on, one.id)
        .limit(SHOWN)
    )
    return [Supervision(*row) for row in rows]


@dataclass(frozen=True)
class Thing:
    """A record about an office: its title, its state by value, its day, and the one by which the
    office has to act, if it has to."""

    model: type[Record]
    id: int
    title: str
    state: str
    day: date | None
    due_on: date | None
    office: str


def things(
    session: Session, scope: Scope, offices: Collection[int], models: Collection[type[Record]]
) -> dict[type[Record], list[Thing]]:
    """Return the open findings, the notices without a reply, the last reprimands and the last and
    next visits of these offices, as far as `models` has them. One statement."""
    wanted: dict[type[Record], tuple[Any, Any, list[Any], list[Any]]] = {
        Finding: (
            Finding.found_on,
            case(
                (
                    Finding.state.in_(OWED_BY_OFFICE),
                    func.coalesce(Finding.due_on, Finding.reply_due_on),
                )
            ),
            [Finding.state.not_in(OVER)],
            [func.coalesce(Finding.due_on, Finding.reply_due_on, Finding.found_on)],
        ),
        SupervisionNotice: (
            SupervisionNotice.issued_on,
            case((SupervisionNotice.state == NoticeState.ISSUED, SupervisionNotice.reply_due_on)),
            [SupervisionNotice.state != NoticeState.CLOSED],
            [SupervisionNotice.reply_due_on],
        ),
        Reprimand: (
            func.coalesce(Reprimand.issued_on, Reprimand.served_on),
            cast(null(), Date),
            [],
            [Reprimand.id.desc()],
        ),
        Inspection: (
            func.coalesce(Inspection.done_on, Inspection.planned_on),
            cast(null(), Date),
            [],
            [Inspection.planned_on.desc()],
        ),
    }
    kinds = [model for model in wanted if model in models]
    parts = []
    for place, kind in enumerate(kinds):
        model: Any = kind
        day, due, conditions_, order = wanted[kind]
        parts.append(
            select(
                literal(place, Integer).label("place"),
                model.id.label("id"),
                title_sql(model).label("title"),
                cast(model.state, Text).label("state"),
                day.label("day"),
                due.label("due_on"),
                Office.name.label("office"),
            )
            .join(Office, Office.id == model.office_id)
            .where(model.office_id == any_of(offices), _seen(model, scope), *conditions_)
            .order_by(*order, model.id)
            .limit(SHOWN)
        )
    found: dict[type[Record], list[Thing]] = {kind: [] for kind in kinds}
    for row in session.execute(union_all(*parts)) if parts else ():
        kind = kinds[row.place]
        found[kind].append(
            Thing(kind, row.id, row.title, row.state, row.day, row.due_on, row.office)
        )
    return found

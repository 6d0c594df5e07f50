"""What the dashboard asks: of the summary of figures and the names of offices, never of records."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    and_,
    any_,
    cast,
    func,
    literal,
    literal_column,
    select,
    text,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by
from sqlalchemy.orm import Session
from sqlalchemy.types import BigInteger

from models import FigureMonth, FigureState, Office
from rules.figures import BANDS, COUNTED, Counts

NOT_YET = 2_147_483_647
"""Stands for more days than anybody has waited (redress_figure_bands)."""
ALL_OFFICES = -1


@dataclass(frozen=True)
class Place:
    """An office as the dashboard names it."""

    id: int
    name: str
    parent_id: int | None


@dataclass
class Found:
    """The figures of a period, by month and by office; None is what is with no office yet."""

    months: dict[date, Counts] = field(default_factory=dict)
    offices: dict[int | None, Counts] = field(default_factory=dict)


@dataclass(frozen=True)
class Overdue:
    """What one month left unanswered up to now, and what is still in time."""

    month: date
    unanswered: int
    withdrawn: int
    waiting: int


@dataclass(frozen=True)
class Peers:
    """What half of `offices` offices reach at least, or need at most."""

    offices: int
    middle: float


def summary_state(session: Session) -> tuple[datetime, date | None] | None:
    """Return up to when the figures go, and the last month in which anything was
    received; None before the first refresh."""
    row = session.execute(select(FigureState.as_of, FigureState.latest)).first()
    return (row.as_of, row.latest) if row else None


def places(session: Session, offices: Collection[int] | None) -> list[Place]:
    """Return the offices of these ids (None: all) by name."""
    query = select(Office.id, Office.name, Office.parent_id).order_by(Office.name, Office.id)
    if offices is not None:
        query = query.where(Office.id == _any_of(offices))
    return [Place(*row) for row in session.execute(query)]


def _any_of(offices: Collection[int]) -> Any:
    return any_(literal(sorted(offices), ARRAY(BigInteger)))


def _scope(offices: Collection[int] | None) -> ColumnElement[bool]:
    return true() if offices is None else FigureMonth.office_id == _any_of(offices)


def figures(session: Session, offices: Collection[int] | None, since: date, until: date) -> Found:
    """Return the figures of `offices` (None: all) in the months from `since` to `until`."""
    shown = (
        select(FigureMonth)
        .where(FigureMonth.month.between(since, until), _scope(offices))
        .cte("shown")
    )
    is_month = func.grouping(shown.c.month) == 0
    sums = (
        select(
            is_month.label("is_month"),
            shown.c.month,
            shown.c.office_id,
            *(cast(func.sum(shown.c[name]), Integer).label(name) for name in COUNTED),
        )
        .group_by(func.grouping_sets(shown.c.month, shown.c.office_id))
        .cte("sums")
    )
    waits = _waits(shown, is_month)
    same = and_(
        sums.c.is_month == waits.c.is_month,
        sums.c.month.is_not_distinct_from(waits.c.month),
        sums.c.office_id.is_not_distinct_from(waits.c.office_id),
    )
    query = select(sums, waits.c.days, waits.c.answers).outerjoin_from(sums, waits, same)
    found = Found()
    for row in session.execute(query):
        counts = Counts(*(getattr(row, name) for name in COUNTED))
        counts.waits = dict(zip(row.days or (), row.answers or (), strict=True))
        if row.is_month:
            found.months[row.month] = counts
        else:
            found.offices[row.office_id] = counts
    return found


def _waits(shown: Any, is_month: ColumnElement[bool]) -> Any:
    """Days and how many were answered after them, of each month and of each office."""
    one = func.unnest(shown.c.days, shown.c.answers).table_valued("day", "number").render_derived()
    day = literal_column("day", Integer)
    number = literal_column("number", Integer)
    added = (
        select(
            is_month.label("is_month"),
            shown.c.month,
            shown.c.office_id,
            day.label("day"),
            cast(func.sum(number), Integer).label("number"),
        )
        .select_from(shown.join(one, true()))
        .group_by(func.grouping_sets(tuple_(shown.c.month, day), tuple_(shown.c.office_id, day)))
        .cte("added")
    )
    return (
        select(
            added.c.is_month,
            added.c.month,
            added.c.office_id,
            func.array_agg(aggregate_order_by(added.c.day, added.c.day)).label("days"),
            func.array_agg(aggregate_order_by(added.c.number, added.c.day)).label("answers"),
        )
        .group_by(added.c.is_month, added.c.month, added.c.office_id)
        .cte("waits")
    )


def overdue(session: Session, offices: Collection[int] | None) -> list[Overdue]:
    """Return what each month left unanswered up to now, oldest first, of all time."""
    unanswered = func.sum(FigureMonth.clocks_ended - FigureMonth.answered)
    waiting = func.sum(FigureMonth.waiting)
    query = (
        select(FigureMonth.month, unanswered, func.sum(FigureMonth.withdrawn_unanswered), waiting)
        .where(_scope(offices))
        .group_by(FigureMonth.month)
        .having(unanswered + waiting > 0)
        .order_by(FigureMonth.month)
    )
    return [Overdue(*row) for row in session.execute(query)]


def peers(session: Session, since: date, until: date) -> dict[tuple[int, str], Peers]:
    """Return for each band (ALL_OFFICES for all together) and measure what its offices reach;
    only where there are five offices or more, and nothing of any one of them."""
    found = session.execute(
        text(
            "SELECT band, measure, offices, middle FROM"
            " redress_figure_bands(:since, :until, CAST(:sizes AS bigint[]))"
        ),
        {"since": since, "until": until, "sizes": list(BANDS)},
    )
    return {(row.band, row.measure): Peers(row.offices, float(row.middle)) for row in found}

"""What supervision came to in a period, in three statements."""

from collections.abc import Callable, Collection
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, any_, case, func, literal, select, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session, aliased
from sqlalchemy.types import BigInteger

from models import Category, Finding, Inspection, Record, SupervisionNotice
from rules.round_up import Found, Notices, RoundUp, Visits
from rules.supervision import FindingState, InspectionState, NoticeState

Scope = Callable[[type[Record]], ColumnElement[bool] | None]
"""Gives the condition for the rows of a record type that whoever asks sees; None for all."""


def latest(session: Session, scope: Scope) -> date | None:
    """Return the day of the last finding that whoever asks sees, None where there is none."""
    query = select(Finding.found_on).where(_seen(Finding, scope))
    return session.scalar(query.order_by(Finding.found_on.desc(), Finding.id.desc()).limit(1))


def round_up(
    session: Session,
    scope: Scope,
    offices: Collection[int] | None,
    since: date,
    until: date,
    today: date,
) -> RoundUp:
    """Return the round-up of `offices` (None: all) from the day `since` to the day before `until`,
    of what whoever asks sees."""

    def wanted(model: Any, day: Any) -> list[ColumnElement[bool]]:
        inside = true() if offices is None else model.office_id == any_of(offices)
        return [_seen(model, scope), inside, day >= since, day < until]

    return RoundUp(
        _visits(session, wanted),
        _found(session, wanted),
        _notices(session, wanted, today),
    )


def any_of(offices: Collection[int]) -> Any:
    """Return the offices as one value of a statement, for `==`."""
    return any_(literal(sorted(offices), ARRAY(BigInteger)))


def _seen(model: type[Record], scope: Scope) -> ColumnElement[bool]:
    condition = scope(model)
    return true() if condition is None else condition


def _visits(session: Session, wanted: Any) -> Visits:
    made = Inspection.done_on.is_not(None)
    is_cancelled = Inspection.state == InspectionState.CANCELLED
    day = case((made, Inspection.done_on), (is_cancelled, Inspection.planned_on))
    row = session.execute(
        select(
            func.count().filter(made),
            func.count(Inspection.office_id.distinct()).filter(made),
            func.count().filter(is_cancelled),
        ).where(*wanted(Inspection, day))
    ).one()
    return Visits(*row)


def _found(session: Session, wanted: Any) -> tuple[Found, ...]:
    counts = (
        select(
            Finding.severity,
            Finding.state,
            Finding.category_id,
            func.count().label("number"),
        )
        .where(*wanted(Finding, Finding.found_on), Finding.state != FindingState.DRAFT)
        .group_by(Finding.severity, Finding.state, Finding.category_id)
        .subquery()
    )
    above = aliased(Category)
    query = (
        select(counts, Category.name, above.name.label("above"))
        .outerjoin(Category, Category.id == counts.c.category_id)
        .outerjoin(above, above.id == Category.parent_id)
    )
    rows = session.execute(query).all()
    ids: dict[str, set[int]] = {}
    for row in rows:
        ids.setdefault(row.name, set()).add(row.category_id)

    def named(row: Any) -> tuple[int, str] | None:
        """A category by its name; with that of the one above where several have it."""
        if row.category_id is None:
            return None
        is_alone = row.above is None or len(ids[row.name]) == 1
        return row.category_id, row.name if is_alone else f"{row.above} › {row.name}"

    return tuple(Found(row.severity, row.state, named(row), row.number) for row in rows)


def _notices(session: Session, wanted: Any, today: date) -> Notices:
    notice = SupervisionNotice
    replied, due = notice.replied_on, notice.reply_due_on
    first = func.coalesce(notice.first_reply_due_on, due)
    ended = func.coalesce(replied, notice.closed_on, today)  # as rules.notices.is_unanswered
    is_closed = notice.state == NoticeState.CLOSED

    def number(*conditions: ColumnElement[bool]) -> Any:
        return func.count().filter(*conditions)

    row = session.execute(
        select(
            number(replied <= first),
            number(replied > first, replied <= due),
            number(replied > due),
            number(replied.is_(None), ended > due),
            number(replied.is_(None), ended <= due, ~is_closed),
            number(replied.is_(None), ended <= due, is_closed),
        ).where(*wanted(notice, notice.issued_on))
    ).one()
    return Notices(*row)

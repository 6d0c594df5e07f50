"""Alarms about what offices owe to supervision: replies to findings, what they committed themselves
to, replies to notices. Raised as those of remedies are, to the head of the office, and then week by
week to the heads above (domain.md section 5)."""

from collections.abc import Callable
from datetime import date, datetime, timedelta

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from actions.alarms import AlarmTable, Calendars, Owed, end_of_day, people, raise_dated
from models import Finding, FindingAlarm, NoticeAlarm, SupervisionNotice
from rules.alarms import Timing
from rules.findings import OWED_BY_OFFICE
from rules.offices import DISTRICT
from rules.supervision import NoticeState


def _findings(soon: date, after: int) -> Select[int, int, date]:
    due_on = func.coalesce(Finding.due_on, Finding.reply_due_on)
    return (
        select(Finding.id, Finding.office_id, due_on.label("due_on"))
        .where(Finding.state.in_(OWED_BY_OFFICE), due_on <= soon, Finding.id > after)
        .order_by(Finding.id)
    )


def _notices(soon: date, after: int) -> Select[int, int, date]:
    due_on = SupervisionNotice.reply_due_on
    return (
        select(SupervisionNotice.id, SupervisionNotice.office_id, due_on.label("due_on"))
        .where(
            SupervisionNotice.state == NoticeState.ISSUED,
            due_on <= soon,
            SupervisionNotice.id > after,
        )
        .order_by(SupervisionNotice.id)
    )


OWED: dict[AlarmTable, tuple[str, Callable[[date, int], Select[int, int, date]]]] = {
    FindingAlarm: ("finding_id", _findings),
    NoticeAlarm: ("notice_id", _notices),
}


def raise_owed(
    session: Session,
    kind: AlarmTable,
    calendars: Calendars,
    *,
    timing: Timing,
    now: datetime,
    today: date,
    by_mail: bool,
    after: int,
    size: int,
) -> int | None:
    """Raise the alarms of up to `size` findings or notices with an id above `after`, of which the
    day comes soon or is over. Return the last id; None where there is no more. Runs as the system;
    commit afterwards."""
    about, asked = OWED[kind]
    soon = today + timedelta(days=2 * timing.before + 14)  # so many working days, and holidays
    found = session.execute(asked(soon, after).limit(size)).all()
    if not found:
        return None
    calendar = calendars(DISTRICT)
    rows = [
        Owed(one.id, {about: one.id}, one.office_id, end_of_day(calendar, one.due_on))
        for one in found
    ]
    known = people(session, today)
    raise_dated(session, kind, rows, calendars, timing, known, now=now, by_mail=by_mail)
    return rows[-1].id

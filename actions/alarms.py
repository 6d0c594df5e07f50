"""Raising alarms: telling those who work on a grievance, and then the heads above them, that a
time ends or has ended (domain.md section 5).

A trigger of the database keeps, for each clock that runs, when it must be looked at next
(`clock_look`): at once when its due time is set or moved. So what is due is found through an
index, whatever else is open, and nothing is forgotten. What is raised stands in `clock_alarm`,
once for each clock, alarm and due time, in the transaction that writes the messages.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Row, and_, any_, cast, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models import (
    Clock,
    ClockAlarm,
    ClockLook,
    FindingAlarm,
    Grievance,
    Message,
    NoticeAlarm,
    Office,
    Officer,
    Remedy,
    RemedyAlarm,
)
from rules.alarms import Call, MessageKind, Timing, look
from rules.calendars import Calendar
from rules.casework import OVER
from rules.grievance import GrievanceState, RemedyState
from rules.impartiality import Tree, line_above
from rules.leading import Leading
from rules.offices import DISTRICT
from rules.permissions import Role

Calendars = Callable[[str], Calendar]
"""Gives the calendar of a name as it is in force."""


AlarmTable = type[ClockAlarm] | type[RemedyAlarm] | type[FindingAlarm] | type[NoticeAlarm]
KEYS: dict[AlarmTable, str] = {
    ClockAlarm: "clock_id",
    RemedyAlarm: "remedy_id",
    FindingAlarm: "finding_id",
    NoticeAlarm: "notice_id",
}
"""What a row of each table of alarms is of."""


@dataclass(frozen=True)
class People:
    """Who may be told: the tree of offices, their heads, intake, and whether an officer or an
    office has a mail address (by id)."""

    tree: Tree
    heads: dict[int, list[int]]
    intake: list[tuple[int, int]]
    here: dict[int, bool]
    mailboxes: frozenset[int]

    def line(self, office_id: int | None) -> list[int]:
        """Return the offices with a head up the line from `office_id`, nearest first; for what is
        with no office yet, from the office of those who route it."""
        first = office_id
        if first is None and self.intake:
            first = self.intake[0][1]
        if first is None:
            return []
        return [office for office in line_above(first, self.tree) if self.heads.get(office)]


def people(session: Session, today: date, officers: Collection[int] = ()) -> People:
    """Return who may be told today; `officers` are handlers and leaders to know of besides heads
    and intake. Two statements."""
    offices = session.execute(select(Office.id, Office.parent_id, Office.email)).all()
    heads: dict[int, list[int]] = defaultdict(list)
    intake, here = [], {}
    wanted = cast([Role.OFFICE_HEAD, Role.INTAKE], Officer.roles.type)
    rows = session.execute(
        select(Officer.id, Officer.office_id, Officer.roles, Officer.email)
        .where(
            or_(Officer.left_on.is_(None), Officer.left_on > today),
            or_(
                Officer.roles.op("&&")(wanted),
                Officer.id == any_(cast(sorted(officers), ARRAY(BigInteger))),
            ),
        )
        .order_by(Officer.id)
    )
    for officer_id, office_id, roles, email in rows:
        here[officer_id] = bool(email)
        if Role.OFFICE_HEAD in roles:
            heads[office_id].append(officer_id)
        if Role.INTAKE in roles:
            intake.append((officer_id, office_id))
    return People(
        tree={office.id: office.parent_id for office in offices},
        heads=dict(heads),
        intake=intake,
        here=here,
        mailboxes=frozenset(office.id for office in offices if office.email),
    )


# --- Clocks ----------------------------------------------------------------------------------


def raise_due(
    session: Session,
    calendars: Calendars,
    *,
    timing: Timing,
    now: datetime,
    today: date,
    by_mail: bool,
    size: int,
) -> int:
    """Look at up to `size` clocks whose time to be looked at has come, and raise their alarms;
    return how many were looked at. Runs as the system; commit afterwards.

    Several may run at once: each takes clocks that no other one holds.
    """
    rows = session.execute(due_clocks(now, size)).all()
    if not rows:
        return 0
    raised = _raised(session, rows)
    known = people(session, today, _concerned(rows))
    again = _raise(
        session, ClockAlarm, rows, raised, calendars, timing, known, now=now, by_mail=by_mail
    )
    _look_again(session, again)
    return len(rows)


def _concerned(rows: Sequence[Any]) -> set[int]:
    """Return the officers who handle or lead what `rows` are of."""
    return ({row.handler_id for row in rows} | {row.lead_official_id for row in rows}) - {None}


def _raise(
    session: Session,
    kind: AlarmTable,
    rows: Sequence[Any],
    raised: dict[int, set[str]],
    calendars: Calendars,
    timing: Timing,
    known: People,
    *,
    now: datetime,
    by_mail: bool,
) -> dict[int, datetime | None]:
    """Raise the alarms of `rows`: clocks, remedies, or what an office owes; return when to look
    again at each, None for never."""
    key = KEYS[kind]
    alarms: list[dict[str, Any]] = []
    found: list[tuple[Any, Call]] = []
    again: dict[int, datetime | None] = {}
    for row in rows:
        calls, again[row.id] = look(
            row.due_at,
            calendars(row.calendar),
            timing,
            levels=len(_above(row, known)),
            raised=raised[row.id],
            now=now,
        )
        for call in calls:
            alarms.append({key: row.id, "name": call.name, "due_at": row.due_at})
            found.append((row, call))
    if alarms:
        table = kind.__table__
        new = session.execute(
            insert(table)
            .values(alarms)
            .on_conflict_do_nothing()
            .returning(table.c[key], table.c.name)
        )
        fresh = {(number, name) for number, name in new}
        _tell(session, [one for one in found if (one[0].id, one[1].name) in fresh], known, by_mail)
    return again


def due_clocks(now: datetime, size: int) -> Any:
    """Ask for the clocks that are to be looked at, those first that have waited longest."""
    return (
        select(
            Clock.id,
            Clock.stage,
            Clock.due_at,
            Clock.calendar,
            Clock.grievance_id,
            Grievance.handler_id,
            Grievance.lead_official_id,
            Grievance.responsible_office_id,
        )
        .select_from(ClockLook)
        .join(Clock, Clock.id == ClockLook.clock_id)
        .join(Grievance, Grievance.id == Clock.grievance_id)
        .where(ClockLook.looks_at <= now)
        .order_by(ClockLook.looks_at, ClockLook.clock_id)
        .limit(size)
        .with_for_update(of=ClockLook, skip_locked=True)
    )


def _raised(session: Session, rows: Sequence[Row[Any]]) -> dict[int, set[str]]:
    names: dict[int, set[str]] = defaultdict(set)
    known = session.execute(
        select(ClockAlarm.clock_id, ClockAlarm.name)
        .join(Clock, and_(Clock.id == ClockAlarm.clock_id, Clock.due_at == ClockAlarm.due_at))
        .where(ClockAlarm.clock_id.in_([row.id for row in rows]))
    )
    for clock_id, name in known:
        names[clock_id].add(name)
    return names


def _tell(session: Session, found: list[tuple[Any, Call]], known: People, by_mail: bool) -> None:
    messages = [one for row, call in found for one in _messages(row, call, known, by_mail)]
    if messages:
        session.execute(insert(Message.__table__).values(messages))


def _messages(row: Any, call: Call, known: People, by_mail: bool) -> Iterable[dict[str, Any]]:
    """Yield what is told of one alarm, to each person once."""
    facts = {
        **_about(row),
        "kind": call.kind,
        "stage": row.stage,
        "due_at": row.due_at,
    }
    for officer_id in _who(row, call, known):
        yield facts | {
            "officer_id": officer_id,
            "office_id": None,
            "by_mail": by_mail and known.here[officer_id],
        }
    office_id = row.responsible_office_id
    if call.kind is MessageKind.ENDED and by_mail and office_id in known.mailboxes:
        yield facts | {"officer_id": None, "office_id": office_id, "by_mail": True}


def _who(row: Any, call: Call, known: People) -> list[int]:
    """Return the officers who are told: on level 0 who works on it and, once the time has ended,
    who leads it; above that the heads up the line. Nobody who has left."""
    line = known.line(row.responsible_office_id)
    if call.level:
        return known.heads[_above(row, known)[call.level - 1]]
    told = [row.handler_id] if row.handler_id in known.here else []
    if call.kind is MessageKind.ENDED and row.lead_official_id in known.here:
        told.append(row.lead_official_id)
    if not told and row.responsible_office_id is not None and line:
        told = known.heads[line[0]]
    # Those who route it are there for what nobody else is there for.
    return list(dict.fromkeys(told)) or [officer_id for officer_id, _office in known.intake]


def _above(row: Any, known: People) -> list[int]:
    """Return the offices whose heads are told one after the other. What a head owes for their
    office begins with the one above."""
    line = known.line(row.responsible_office_id)
    return line[1:] if isinstance(row, Owed) else line


def _about(row: Any) -> dict[str, int]:
    return row.about if isinstance(row, Owed) else {"grievance_id": row.grievance_id}


def _look_again(session: Session, again: dict[int, datetime | None]) -> None:
    over = [number for number, moment in again.items() if moment is None]
    later = [{"clock_id": number, "looks_at": at} for number, at in again.items() if at]
    if over:
        session.execute(delete(ClockLook).where(ClockLook.clock_id.in_(over)))
    if later:
        session.execute(update(ClockLook), later)


# --- Remedies --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Promised:
    """A remedy that is not done yet, as clocks are: the office that promised it must do it."""

    id: int
    grievance_id: int
    handler_id: int | None
    lead_official_id: int | None
    responsible_office_id: int
    due_at: datetime
    calendar: str = DISTRICT
    stage: None = None


def raise_remedies(
    session: Session,
    calendars: Calendars,
    *,
    timing: Timing,
    now: datetime,
    today: date,
    by_mail: bool,
    after: int,
    size: int,
) -> int | None:
    """Raise the alarms of up to `size` promised remedies with an id above `after`, of which the
    day comes soon or is over: they escalate as clocks do. Return the last id; None where there is
    no more. Runs as the system; commit afterwards."""
    soon = today + timedelta(days=2 * timing.before + 14)  # so many working days, and holidays
    found = session.execute(
        select(
            Remedy.id,
            Remedy.grievance_id,
            Remedy.due_on,
            Remedy.office_id,
            Grievance.handler_id,
            Grievance.lead_official_id,
        )
        .join(Grievance, Grievance.id == Remedy.grievance_id)
        .where(
            Remedy.state == RemedyState.PROMISED,
            Remedy.due_on <= soon,
            Grievance.state.not_in((GrievanceState.WITHDRAWN, GrievanceState.DUPLICATE)),
            Remedy.id > after,
        )
        .order_by(Remedy.id)
        .limit(size)
    ).all()
    if not found:
        return None
    calendar = calendars(DISTRICT)
    rows = [
        Promised(
            one.id,
            one.grievance_id,
            one.handler_id,
            one.lead_official_id,
            one.office_id,
            end_of_day(calendar, one.due_on),
        )
        for one in found
    ]
    who = people(session, today, _concerned(rows))
    raise_dated(session, RemedyAlarm, rows, calendars, timing, who, now=now, by_mail=by_mail)
    return rows[-1].id


def end_of_day(calendar: Calendar, day: date) -> datetime:
    """Return the last second of `day`: what is due on a day is due until then."""
    return calendar.beginning(day + timedelta(days=1)) - timedelta(seconds=1)


def raise_dated(
    session: Session,
    kind: AlarmTable,
    rows: Sequence[Any],
    calendars: Calendars,
    timing: Timing,
    known: People,
    *,
    now: datetime,
    by_mail: bool,
) -> None:
    """Raise the alarms of `rows`, each of which is due at a moment of its own, that were not raised
    for it yet."""
    due = {row.id: row.due_at for row in rows}
    raised: dict[int, set[str]] = defaultdict(set)
    table = kind.__table__
    key = table.c[KEYS[kind]]
    for number, name, due_at in session.execute(
        select(key, table.c.name, table.c.due_at).where(key.in_(due))
    ):
        if due_at == due[number]:
            raised[number].add(name)
    _raise(session, kind, rows, raised, calendars, timing, known, now=now, by_mail=by_mail)


@dataclass(frozen=True)
class Owed:
    """What the head of an office owes by a day: as clocks are. `about` says what the messages are
    about."""

    id: int
    about: dict[str, int]
    responsible_office_id: int
    due_at: datetime
    handler_id: None = None
    lead_official_id: None = None
    calendar: str = DISTRICT
    stage: None = None


# --- Lead officials --------------------------------------------------------------------------


def ask_for_leaders(
    session: Session, *, leading: Leading, now: datetime, today: date, by_mail: bool, size: int
) -> int:
    """Tell the heads of up to `size` grievances that must have a lead official, have none, and of
    which nobody was told yet; return how many. Runs as the system; commit afterwards."""
    rows = session.execute(_without_leader(leading, now, size)).all()
    if not rows:
        return 0
    known = people(session, today)
    messages = []
    for row in rows:
        line = known.line(row.responsible_office_id)
        told = known.heads[line[0]] if line else [officer for officer, _office in known.intake]
        messages += [
            {
                "grievance_id": row.id,
                "kind": MessageKind.LEAD_WANTED,
                "officer_id": officer_id,
                "by_mail": by_mail and known.here[officer_id],
            }
            for officer_id in told
        ]
    if messages:
        session.execute(insert(Message.__table__).values(messages))
    return len(rows) if messages else 0


def _without_leader(leading: Leading, now: datetime, size: int) -> Any:
    """Ask for such grievances. What came from another system is led there until an officer here
    has it to handle."""
    told = select(Message.id).where(
        Message.grievance_id == Grievance.id, Message.kind == MessageKind.LEAD_WANTED
    )
    return (
        select(Grievance.id, Grievance.responsible_office_id)
        .where(
            Grievance.lead_official_id.is_(None),
            Grievance.state.not_in(OVER),
            or_(
                Grievance.is_referred_from_above,
                Grievance.received_at <= now - timedelta(days=leading.after_days),
            ),
            or_(Grievance.source.is_(None), Grievance.handler_id.is_not(None)),
            ~told.exists(),
        )
        .order_by(Grievance.received_at, Grievance.id)
        .limit(size)
        .with_for_update(of=Grievance, skip_locked=True)
    )

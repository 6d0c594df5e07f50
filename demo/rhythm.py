"""The returns of December 2011, the duty roster around New Year, and the targets.

The figures in the returns are counted from the grievances that are loaded, so they agree with the
register.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import select

from demo.records import BOSTON, Known
from models import (
    CalendarDay,
    DailyReturn,
    DutyShift,
    Grievance,
    Office,
    Officer,
    Remedy,
    SupervisionNotice,
    Target,
)
from rules.rhythm import Measure, ReturnState

FIRST, LAST = date(2011, 12, 5), date(2011, 12, 30)
SIGNERS = {
    "PWDx": "myrtle.quince",
    "ISD": "olive.pimpernel",
    "PARK": "ivy.campion",
    "BTDT": "fern.larkspur",
    "INFO": "heather.vetch",
    "PROP": "laurel.speedwell",
    "LARK": "office_head",
    "LARK-G": "bryony.mallow",
    "LARK-Q": "poppy.lovage",
    "OSTER": "dill.borage",
    "OSTER-M": "aster.comfrey",
    "QUILL": "reed.hyssop",
}
NOT_IN_TIME = {
    ("LARK", date(2011, 12, 7)): ReturnState.LATE,
    ("OSTER", date(2011, 12, 8)): ReturnState.LATE,
    ("OSTER", date(2011, 12, 14)): ReturnState.MISSING,
    ("OSTER", date(2011, 12, 22)): ReturnState.MISSING,
    ("OSTER-M", date(2011, 12, 30)): ReturnState.DUE,
    ("QUILL", date(2011, 12, 30)): ReturnState.DUE,
}
URGENT = {
    ("OSTER", date(2011, 12, 9)): "A crew's wages are unpaid.",
    ("OSTER", date(2011, 12, 12)): "A crew's wages are unpaid.",
}
CUT_OFF = time(16)

SHIFTS = (("Night", time(0)), ("Day", time(8)), ("Evening", time(16)))
HOURS = timedelta(hours=8)
ROSTER = (
    "intake",
    "sorbus.mullein",
    "violet.lupin",
    "daisy.gorse",
    "ash.medlar",
    "hawthorn.orris",
    "bay.nettle",
)
FIRST_SHIFT, DAYS_OF_ROSTER = date(2011, 12, 19), 21
NOTES = (
    "Quiet. Nothing waits.",
    "One matter came in by telephone; it is registered.",
    "The water cart in Mill Row was asked for again; Ostermere knows.",
    "Two letters lie in the tray for the intake desk.",
    "The web form was slow between six and seven; it is well again.",
)
TARGETS = {Measure.ANSWERED: 90, Measure.REMEDIED: 85, Measure.RETURNS: 98, Measure.NOTICES: 100}


def add_returns(known: Known) -> None:
    """Add a return for each signing office and working day."""
    closed = set(known.session.scalars(select(CalendarDay.day)))
    days = [day for day in _days(FIRST, LAST) if day.weekday() < 5 and day not in closed]
    for code, username in SIGNERS.items():
        office, signer = known.get(Office, code), known.get(Officer, username)
        book = _Book(known, office)
        for number, day in enumerate(days):
            known.add(_return(book, code, signer, day, number))


def _days(first: date, last: date) -> Iterator[date]:
    yield from (first + timedelta(days=number) for number in range((last - first).days + 1))


def _return(book: "_Book", code: str, signer: Officer, day: date, number: int) -> DailyReturn:
    state = NOT_IN_TIME.get((code, day))
    if state in (ReturnState.MISSING, ReturnState.DUE):
        return DailyReturn(office=book.office, day=day, state=state)
    figures, need = book.figures(day), URGENT.get((code, day))
    if state is None:
        is_nil = need is None and book.open_at(day) == 0 and not any(figures.values())
        state = ReturnState.NIL if is_nil else ReturnState.FILED
    signed_at = datetime.combine(day, CUT_OFF, BOSTON) - timedelta(minutes=5 + number * 7 % 50)
    if state is ReturnState.LATE:
        signed_at += timedelta(hours=17)
    return DailyReturn(
        office=book.office,
        day=day,
        state=state,
        urgent_needs=need,
        filed_at=signed_at,
        filed_by=signer,
        **figures,
    )


class _Book:
    """What the register says of one office's own handling, day by day."""

    def __init__(self, known: Known, office: Office) -> None:
        self.office = office
        session = known.session
        of_office = Grievance.responsible_office_id == office.id
        self.grievances = session.execute(
            select(
                Grievance.received_at,
                Grievance.due_at,
                Grievance.answered_at,
                Grievance.closed_at,
                Grievance.withdrawn_at,
            ).where(of_office)
        ).all()
        self.notices = session.execute(
            select(SupervisionNotice.issued_on, SupervisionNotice.replied_on).where(
                SupervisionNotice.office_id == office.id
            )
        ).all()
        done = session.scalars(select(Remedy.done_on).where(Remedy.office_id == office.id))
        self.remedied = Counter(day for day in done if day)

    def figures(self, day: date) -> dict[str, int]:
        """Return the figures of the return of `day`, as it ended."""
        end = datetime.combine(day + timedelta(days=1), time(0), BOSTON)
        start = end - timedelta(days=1)
        return {
            "received": sum(start <= row.received_at < end for row in self.grievances),
            "answered": sum(
                start <= answered < end for row in self.grievances if (answered := _answered(row))
            ),
            "remedied": self.remedied[day],
            "overdue": sum(
                row.due_at < end and _is_open(row, end) for row in self.grievances if row.due_at
            ),
            "unanswered_notices": sum(
                issued_on <= day and (replied_on is None or replied_on > day)
                for issued_on, replied_on in self.notices
                if issued_on
            ),
        }

    def open_at(self, day: date) -> int:
        """Return how many grievances waited for an answer at the end of `day`."""
        end = datetime.combine(day + timedelta(days=1), time(0), BOSTON)
        return sum(_is_open(row, end) for row in self.grievances)


def _answered(row: Any) -> datetime | None:
    """When it was answered; the city's own records have the closing time alone."""
    moment: datetime | None = row.answered_at or row.closed_at
    return moment


def _is_open(row: Any, end: datetime) -> bool:
    ended = _answered(row) or row.withdrawn_at
    return row.received_at < end and (ended is None or ended >= end)


def add_roster(known: Known) -> None:
    """Add three shifts a day without a gap; those before the present end with a note."""
    bureau = known.get(Office, "BUREAU")
    starts = datetime.combine(FIRST_SHIFT, time(0), BOSTON)
    for number in range(DAYS_OF_ROSTER * len(SHIFTS)):
        starts_at = starts + number * HOURS
        ends_at = starts_at + HOURS
        is_over = ends_at.date() <= LAST
        known.add(
            DutyShift(
                name=SHIFTS[number % len(SHIFTS)][0],
                office=bureau,
                officer=known.get(Officer, ROSTER[number % len(ROSTER)]),
                starts_at=starts_at,
                ends_at=ends_at,
                hand_over_note=NOTES[number % len(NOTES)] if is_over else None,
                handed_over_at=ends_at if is_over else None,
            )
        )


def add_targets(known: Known) -> None:
    """Add the targets of 2011 and 2012 for the offices that file returns."""
    for code in SIGNERS:
        for year in (2011, 2012):
            for measure, percent in TARGETS.items():
                known.add(
                    Target(
                        office=known.get(Office, code),
                        year=year,
                        measure=measure,
                        percent=percent - (2012 - year) * 2,
                        note="Agreed with the office in January.",
                    )
                )

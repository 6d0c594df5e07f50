"""The real sample, brought in by the importer as any city's file is, and light casework on it.

What is added here to real grievances is who works on them and what they plan: nothing that says
how well a real department does.
"""

from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, Select, select, update
from sqlalchemy.orm import aliased

import imports
from demo.catalogue import SAMPLE
from demo.records import BOSTON, Known
from models import Document, Grievance, GrievanceLink, Office, Officer, PlanStep
from rules.grievance import DocumentKind, LinkKind, StepState

MAP = "boston311"
HANDLERS = {
    "ISD": "handler",
    "PWDx": "basil.thornapple",
    "BTDT": "fern.larkspur",
    "PARK": "ivy.campion",
    "INFO": "heather.vetch",
    "PROP": "laurel.speedwell",
}
LEADERS = ("lead_official", "aspen.burnet")
PLAN = (
    ("Look at the place", date(2011, 12, 20)),
    ("Say in writing what will be done, and when", date(2012, 1, 10)),
    ("See that it is done", date(2012, 2, 15)),
)
# A street, a sign, a tree or a wall: what two who complain of it share is the matter alone.
ABOUT_PUBLIC_PLACES = ("PWDx", "BTDT", "PARK", "PROP")
OPEN, CLOSED = Grievance.closed_at.is_(None), Grievance.closed_at.is_not(None)


def import_sample(known: Known, now: datetime) -> int:
    """Bring in the sample and return how many grievances it has. Raises RuleBroken."""
    the_map = imports.load_map(MAP)
    report = imports.check(known.session, SAMPLE, the_map, now=now, will_write=True)
    batch_id = imports.new_batch(known.session, SAMPLE.name, MAP, SAMPLE.stat().st_size)
    imports.bring_in(known.session, the_map, report, batch_id=batch_id, now=now)
    return report.created


def add_casework(known: Known) -> None:
    """Give some of the sample's grievances a handler, a leader, a plan, papers and links."""
    for code, username in HANDLERS.items():
        handler = known.get(Officer, username)
        opened, closed = _latest(known, code, OPEN, 40), _latest(known, code, CLOSED, 20)
        ids = [grievance.id for grievance in (*opened, *closed)]
        known.session.execute(
            update(Grievance).where(Grievance.id.in_(ids)).values(handler_id=handler.id),
            execution_options={"synchronize_session": False},
        )
        for grievance in opened[:6]:
            _add_plan(known, grievance, handler)
        for grievance in closed[:6]:
            known.add(
                Document(
                    grievance=grievance,
                    name="Outcome as the department recorded it",
                    kind=DocumentKind.REPLY,
                    received_on=_day(grievance.closed_at),
                    kept_at="Registry of the department",
                )
            )
    _name_leaders(known)
    _link_same_places(known)
    known.session.flush()


def _latest(known: Known, code: str, condition: ColumnElement[bool], count: int) -> list[Grievance]:
    office = known.get(Office, code)
    return list(
        known.session.scalars(
            select(Grievance)
            .where(Grievance.responsible_office_id == office.id, condition)
            .order_by(Grievance.received_at.desc(), Grievance.external_number)
            .limit(count)
        )
    )


def _day(moment: datetime | None) -> date | None:
    return moment and moment.astimezone(BOSTON).date()


def _add_plan(known: Known, grievance: Grievance, handler: Officer) -> None:
    for number, (subject, due_on) in enumerate(PLAN):
        is_done = number == 0
        known.add(
            PlanStep(
                grievance=grievance,
                subject=subject,
                officer=handler,
                due_on=due_on,
                state=StepState.DONE if is_done else StepState.PLANNED,
                done_on=due_on if is_done else None,
            )
        )


def _name_leaders(known: Known) -> None:
    for number, username in enumerate(LEADERS):
        leader = known.get(Officer, username)
        ids = [grievance.id for grievance in _latest(known, "ISD", OPEN, 20)[number::4]]
        known.session.execute(
            update(Grievance).where(Grievance.id.in_(ids)).values(lead_official_id=leader.id),
            execution_options={"synchronize_session": False},
        )


def _link_same_places(known: Known) -> None:
    """Link grievances of one category about one public place, received within three months."""
    for number, (first, second) in enumerate(known.session.execute(_same_places(known))):
        undone = number % 12 == 11
        known.add(
            GrievanceLink(
                grievance=second,
                other_grievance=first,
                kind=LinkKind.SAME_SUBJECT,
                subject=f"{first.title}, {first.place}"[:300],
                undone_at=datetime(2011, 12, 21, 11, tzinfo=BOSTON) if undone else None,
                undone_because="On a closer look these are two sites." if undone else None,
            )
        )


def _same_places(known: Known) -> Select[Grievance, Grievance]:
    other = aliased(Grievance)
    offices = [known.get(Office, code).id for code in ABOUT_PUBLIC_PLACES]
    return (
        select(Grievance, other)
        .join(
            other,
            (other.category_id == Grievance.category_id)
            & (other.place == Grievance.place)
            & (other.responsible_office_id == Grievance.responsible_office_id)
            & (other.received_at > Grievance.received_at)
            & (other.received_at <= Grievance.received_at + timedelta(days=92)),
        )
        .where(Grievance.responsible_office_id.in_(offices), Grievance.source.is_not(None))
        .order_by(Grievance.external_number, other.external_number)
        .limit(36)
    )

"""What was planned on the supervision board of the demo, with the changes that it keeps."""

from datetime import date, datetime

from actions import assignments, proposals
from demo.records import BOSTON, Known
from models import Office, Officer, SupervisionGroup
from queries import proposals as asking
from rules.proposals import LEVELS
from rules.supervision import ProposedState

PLANNED_AT, PROPOSED_AT = (
    datetime(2011, 12, 12, 10, 5, tzinfo=BOSTON),
    datetime(2011, 12, 14, 15, 20, tzinfo=BOSTON),
)


def plan_ahead(known: Known) -> None:
    """Give the Property Management Department to a group from the new year on, and move it to
    another from the summer on, as the supervisor of the demo did in December 2011."""
    by = known.get(Officer, "supervisor")
    third, second = (
        known.get(SupervisionGroup, f"{name} Supervision Group") for name in ("Third", "Second")
    )
    now = PLANNED_AT
    given = assignments.assign(
        third, known.get(Office, "PROP"), date(2012, 1, 2), None, by=by, now=now, on=now.date()
    )
    assignments.move(given, second, date(2012, 7, 2), by=by, now=now, on=now.date())


def propose(known: Known) -> None:
    """Have the year 2012 proposed as the supervisor did in December 2011: the first three lines
    were accepted, the fourth refused, and the rest waits."""
    session, by, now = known.session, known.get(Officer, "supervisor"), PROPOSED_AT
    made = proposals.ask(
        session,
        starts_on=date(2012, 2, 1),
        ends_on=date(2013, 2, 1),
        office_id=None,
        levels=LEVELS,
        groups=[group.id for group in known.all(SupervisionGroup)],
        most_offices=None,
        today=now.date(),
    )
    seen = proposals.look(session, made, now=now, today=now.date())
    proposals.keep(session, made, proposals.work_out(seen, lambda _done, _of: None), now=now)
    lines = session.scalars(asking.lines(made.id, state=ProposedState.OPEN)).all()
    taken, refused = [line.id for line in lines[:3]], [line.id for line in lines[3:4]]
    proposals.accept(session, made, taken, by=by, now=now, on=now.date())
    proposals.refuse(session, made, refused, by=by, now=now)

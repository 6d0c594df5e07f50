"""What was planned on the supervision board of the demo, with the changes that it keeps."""

from datetime import date, datetime

from actions import assignments
from demo.records import BOSTON, Known
from models import Office, Officer, SupervisionGroup

PLANNED_AT = datetime(2011, 12, 12, 10, 5, tzinfo=BOSTON)


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

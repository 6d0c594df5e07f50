"""The one grievance of the demo that is not of 2011: its clock stands still, because the bureau
waits for whoever brought it. A pause lasts 90 days at most, so its times hang on the day of
loading. All of it is invented."""

from datetime import datetime, time, timedelta

from actions import clocks
from demo.records import BOSTON, Known
from models import Category, Grievance, Office, Officer
from rules.grievance import Channel, GrievanceState, NewsWay, PauseGround
from rules.offices import ClockStage, ClockStart

HANDLER = "rue.saffron"


def add_waiting(known: Known, now: datetime) -> None:
    """Add the grievance with its clock, which was let stand still two days before `now`."""
    day = now.astimezone(BOSTON).date()

    def at(days_ago: int, hour: int) -> datetime:
        return datetime.combine(day - timedelta(days=days_ago), time(hour), BOSTON)

    office, handler = known.get(Office, "LARK"), known.get(Officer, HANDLER)
    received, confirmed, stopped = at(9, 10), at(8, 9), at(2, 11)
    grievance = Grievance(
        title="Form for a market stall at Larkfield Green handed back without a word",
        description="The counter handed the form back. It is not said which form it was, of the"
        " two that the office has.",
        channel=Channel.PHONE,
        news_way=NewsWay.ASK,
        state=GrievanceState.ACCEPTED,
        category=known.get(Category, "Handling by offices > Matter not registered"),
        responsible_office=office,
        respondent_office=office,
        handler=handler,
        received_at=received,
        acknowledged_at=confirmed,
    )
    known.add(grievance)
    known.session.flush()
    clocks.happened(grievance, ClockStart.RECEIVED, received, by=None, now=received)
    clocks.stop(grievance, [ClockStage.ACKNOWLEDGE], confirmed, by=None, now=confirmed, reason="")
    clocks.pause(
        grievance,
        PauseGround.COMPLAINANT,
        since=stopped,
        reason="Asked which of the two forms it was.",
        by=handler,
        now=stopped,
    )

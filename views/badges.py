"""What colour a state has, and the chip beside a date by which something must be done. A colour
means one thing on every screen, and the words beside it say the same."""

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask_babel import format_decimal, format_time, gettext, ngettext

from queries.filters import Today
from rules.accounts import RoleChangeState
from rules.alarms import MailState, MessageKind
from rules.casework import OVER, TO_ROUTE
from rules.clock_words import Bucket, Clock, Told, told
from rules.grievance import (
    AppealOutcome,
    AppealState,
    DecisionState,
    GrievanceState,
    PointFinding,
    RemedyState,
    ReportState,
    RequestState,
    StepState,
)
from rules.records import ImportState
from rules.reprimand import Outcome, RectificationState, ReferralState, ReprimandState
from rules.rhythm import ReturnState
from rules.supervision import FindingState, InspectionState, NoticeState


class Tone(enum.StrEnum):
    """What a colour says; static/redress.css has one class for each."""

    OPEN = "open"  # the office is at work
    WAITING = "waiting"  # somebody has to take the next step
    GOOD = "good"  # done as it should be
    BAD = "bad"  # not done, late or wrong
    ENDED = "ended"  # over, and neither


def _tones(**members: Iterable[enum.Enum]) -> dict[enum.Enum, Tone]:
    return {member: Tone(tone) for tone, named in members.items() for member in named}


# By kind and then by member: members of different lists may be equal as texts. Withdrawal is the
# complainant's own and never good; a finding is neither good nor bad.
TONES: dict[type[enum.Enum], dict[enum.Enum, Tone]] = {
    GrievanceState: _tones(
        waiting=[
            *TO_ROUTE,
            GrievanceState.ROUTED,
            GrievanceState.OBJECTED,
            GrievanceState.APPEALED,
        ],
        open=[GrievanceState.ACCEPTED, GrievanceState.PLANNED, GrievanceState.REMEDY],
        good=[GrievanceState.ANSWERED, GrievanceState.REMEDIED],
        ended=OVER,
    ),
    PointFinding: _tones(ended=PointFinding),
    RemedyState: _tones(
        open=[RemedyState.PROMISED], waiting=[RemedyState.DONE], good=[RemedyState.VERIFIED]
    ),
    StepState: _tones(open=[StepState.PLANNED], good=[StepState.DONE], ended=[StepState.DROPPED]),
    RequestState: _tones(
        waiting=[RequestState.ASKED], ended=[RequestState.GRANTED, RequestState.REFUSED]
    ),
    AppealState: _tones(
        waiting=[AppealState.FILED], ended=[AppealState.DECIDED, AppealState.ENDED]
    ),
    AppealOutcome: _tones(ended=AppealOutcome),
    DecisionState: _tones(
        open=[DecisionState.DRAFT],
        waiting=[DecisionState.PROPOSED],
        ended=[DecisionState.GIVEN],
    ),
    ReportState: _tones(
        waiting=[ReportState.REPORTED],
        bad=[ReportState.CONFIRMED],
        ended=[ReportState.NOT_CONFIRMED],
    ),
    InspectionState: _tones(
        open=[InspectionState.PLANNED],
        good=[InspectionState.DONE],
        ended=[InspectionState.CANCELLED],
    ),
    FindingState: _tones(
        open=[FindingState.DRAFT, FindingState.UNDER_WAY],
        waiting=[
            FindingState.NOTIFIED,
            FindingState.RECEIVED,
            FindingState.REPLIED,
            FindingState.CLAIMED,
        ],
        good=[FindingState.VERIFIED],
        ended=[FindingState.CLOSED],
    ),
    NoticeState: _tones(
        open=[NoticeState.DRAFT],
        waiting=[NoticeState.ISSUED, NoticeState.REPLIED],
        ended=[NoticeState.CLOSED],
    ),
    ReprimandState: _tones(
        open=[ReprimandState.DRAFT, ReprimandState.CHECKED],
        waiting=[ReprimandState.SERVED, ReprimandState.REPLIED, ReprimandState.DECIDED],
        bad=[ReprimandState.ISSUED, ReprimandState.CIRCULATED],
        ended=[
            ReprimandState.DROPPED,
            ReprimandState.LIFTED,
            ReprimandState.EXPIRED,
            ReprimandState.QUASHED,
        ],
    ),
    Outcome: _tones(ended=Outcome),
    RectificationState: _tones(
        open=[RectificationState.PLANNED],
        waiting=[RectificationState.CLAIMED],
        good=[RectificationState.VERIFIED],
    ),
    ReferralState: _tones(
        open=[ReferralState.DRAFT],
        waiting=[ReferralState.REFERRED],
        ended=[ReferralState.ANSWERED],
    ),
    ReturnState: _tones(
        waiting=[ReturnState.DUE],
        good=[ReturnState.FILED, ReturnState.NIL],
        bad=[ReturnState.LATE, ReturnState.MISSING],
        ended=[ReturnState.CORRECTED],
    ),
    ImportState: _tones(
        open=[ImportState.UPLOADED, ImportState.CHECKING, ImportState.IMPORTING],
        waiting=[ImportState.CHECKED],
        good=[ImportState.IMPORTED],
        bad=[ImportState.FAILED],
    ),
    MailState: _tones(
        open=[MailState.WAITING, MailState.HANDING_OVER],
        good=[MailState.SENT],
        bad=[MailState.REFUSED, MailState.UNCERTAIN],
    ),
    MessageKind: _tones(
        waiting=[MessageKind.ENDS_SOON, MessageKind.LEAD_WANTED],
        bad=[MessageKind.ENDED, MessageKind.ESCALATED],
    ),
    RoleChangeState: _tones(
        waiting=[RoleChangeState.ASKED],
        good=[RoleChangeState.APPROVED, RoleChangeState.DONE],
        ended=[
            RoleChangeState.REFUSED,
            RoleChangeState.TAKEN_BACK,
            RoleChangeState.EXPIRED,
            RoleChangeState.LAPSED,
        ],
    ),
}


def tone(value: Any) -> Tone | None:
    """Return what the colour of `value` says; None for a value of no list of states."""
    tones = TONES.get(type(value))
    return tones.get(value) if tones else None


@dataclass(frozen=True)
class Badge:
    """A few words with a colour behind them, which the words say as well."""

    words: str
    tone: Tone


def due_badge(due: date, met: date | None, now: Today, *, is_ended: bool) -> Badge | None:
    """Return the chip beside `due`: how long there is, how long it is over, or whether it was
    `met`. None where the clock ended without the deed (`is_ended`): there is nothing to praise."""
    if met is not None:
        if met <= due:
            return Badge(gettext("met"), Tone.GOOD)
        late = (_day(met, now) - _day(due, now)).days
        words = (
            ngettext("%(days)s day late", "%(days)s days late", late, days=format_decimal(late))
            if late
            else gettext("late")
        )
        return Badge(words, Tone.BAD)
    if is_ended:
        return None
    clock = told(due, Clock.DUE, now.now.astimezone(now.zone))
    tones = {Bucket.OVERDUE: Tone.BAD, Bucket.TODAY: Tone.WAITING}
    return Badge(clock_words(clock), tones.get(clock.bucket, Tone.OPEN))


def clock_words(clock: Told) -> str:
    """Return "3 days overdue", "due today at 16:00" in the reader's language."""
    count = clock.number
    spans = {
        "day": lambda: ngettext("%(num)s day", "%(num)s days", count),
        "month": lambda: ngettext("%(num)s month", "%(num)s months", count),
        "year": lambda: ngettext("%(num)s year", "%(num)s years", count),
    }
    values = {}
    if clock.unit:
        values["span"] = spans[clock.unit]()
    elif "%(time)s" in clock.sentence:
        values["time"] = format_time(clock.moment.timetz(), "HH:mm", rebase=False)
    return gettext(clock.sentence, **values)


def _day(moment: date, now: Today) -> date:
    """Return the day of `moment` where the bureau is."""
    return moment.astimezone(now.zone).date() if isinstance(moment, datetime) else moment

"""Who is told of a clock and when: before its time ends, when it ends, and then up the reporting
line, always on working time (domain.md section 5)."""

import enum
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from rules import Said, mark
from rules.calendars import Calendar
from rules.deadlines import Alarm, alarms
from rules.offices import ClockStage, ClockUnit


class MessageKind(enum.StrEnum):
    """What a message to an officer or an office says."""

    ENDS_SOON = "time_ends_soon"
    ENDED = "time_has_ended"
    ESCALATED = "still_not_done"
    LEAD_WANTED = "lead_official_needed"


class About(enum.Enum):
    """What a message is about."""

    GRIEVANCE = "grievance"
    FINDING = "finding"
    NOTICE = "notice"


class MailState(enum.StrEnum):
    """How far a mail is. `uncertain`: it was being handed over when the line or the program
    broke, so that nobody knows whether it arrived; it is not sent again."""

    WAITING = "waiting"
    HANDING_OVER = "being_handed_over"
    SENT = "sent"
    REFUSED = "not_taken"
    UNCERTAIN = "uncertain"


MOST_LEVELS = 8
"""So far up a reporting line goes, whatever the tree of offices says."""


@dataclass(frozen=True)
class Timing:
    """How many working days before the end a reminder comes (0: none), and how many lie between
    one step up the reporting line and the next."""

    before: int
    between: int

    def offsets(self, levels: int) -> list[Alarm]:
        """Return every alarm of a clock above whose handler there are so many heads."""
        days = ClockUnit.WORKING_DAYS
        early = [Alarm(-self.before, days)] if self.before else []
        upward = [
            Alarm(step * self.between, days, step)
            for step in range(1, min(levels, MOST_LEVELS) + 1)
        ]
        return [*early, Alarm(0, days), *upward]


@dataclass(frozen=True)
class Call:
    """An alarm that is to be raised: its name, by which it is raised once for a due time; what it
    says; how far up the reporting line, 0 for those who work on it."""

    name: str
    kind: MessageKind
    level: int


def _call(alarm: Alarm) -> Call:
    if alarm.amount < 0:
        return Call("before", MessageKind.ENDS_SOON, 0)
    if alarm.level:
        return Call(f"up-{alarm.level}", MessageKind.ESCALATED, alarm.level)
    return Call("due", MessageKind.ENDED, 0)


def look(
    due_at: datetime,
    calendar: Calendar,
    timing: Timing,
    *,
    levels: int,
    raised: Collection[str],
    now: datetime,
) -> tuple[list[Call], datetime | None]:
    """Return the alarms of a clock that are to be raised at `now`, and when to look again; None
    for never. `raised` are the names of those raised already for this due time.

    A reminder that comes too late is left out: the time it would remind of has ended.
    """
    calls: list[Call] = []
    for moment, alarm in alarms(due_at, calendar, timing.offsets(levels)):
        call = _call(alarm)
        if call.name in raised:
            continue
        if moment > now:
            return calls, moment
        if call.kind is not MessageKind.ENDS_SOON or now < due_at:
            calls.append(call)
    return calls, None


# --- What a message says ---------------------------------------------------------------------

_ENDS_SOON: dict[ClockStage | None, str] = {
    ClockStage.ACKNOWLEDGE: mark("%(number)s must be acknowledged by %(due)s."),
    ClockStage.DECIDE: mark("%(number)s must be answered by %(due)s."),
    ClockStage.REVIEW: mark("The appeal on %(number)s must be decided by %(due)s."),
    None: mark("What was promised on %(number)s must be done by %(due)s."),
}
_ENDED: dict[ClockStage | None, str] = {
    ClockStage.ACKNOWLEDGE: mark("%(number)s should have been acknowledged by %(due)s."),
    ClockStage.DECIDE: mark("%(number)s should have been answered by %(due)s."),
    ClockStage.REVIEW: mark("The appeal on %(number)s should have been decided by %(due)s."),
    None: mark("What was promised on %(number)s should have been done by %(due)s."),
}
_OWED: dict[tuple[About, bool], str] = {
    (About.FINDING, False): mark("What the office owes on finding %(number)s is due by %(due)s."),
    (About.FINDING, True): mark("What the office owes on finding %(number)s was due by %(due)s."),
    (About.NOTICE, False): mark("Supervision notice %(number)s must be answered by %(due)s."),
    (About.NOTICE, True): mark(
        "Supervision notice %(number)s should have been answered by %(due)s."
    ),
}
_TO_DO: dict[MessageKind, str] = {
    MessageKind.ENDS_SOON: mark("Do it, or ask for an extension with a reason, before then."),
    MessageKind.ENDED: mark("Do it now. If it cannot be done yet, tell the one you report to why."),
    MessageKind.ESCALATED: mark(
        "It is still not done. See that the office below does it, and that it says why it is late."
    ),
    MessageKind.LEAD_WANTED: mark("Name a leader of the required rank who is answerable for it."),
}
_LEAD = mark("%(number)s needs a lead official: it is long pending, or was sent from above.")


def said(
    kind: MessageKind,
    stage: ClockStage | None,
    number: str,
    due: datetime | None,
    about: About = About.GRIEVANCE,
) -> tuple[Said, Said]:
    """Return what has happened and what to do, each a sentence; they name what they are about by
    its number and nothing else of it. Without a stage it is, of a grievance, a remedy of which the
    time ends."""
    if kind is MessageKind.LEAD_WANTED:
        return Said(_LEAD, {"number": number}), Said(_TO_DO[kind])
    if about is not About.GRIEVANCE:
        sentence = _OWED[about, kind is not MessageKind.ENDS_SOON]
        return Said(sentence, {"number": number, "due": due}), Said(_TO_DO[kind])
    sentences = _ENDS_SOON if kind is MessageKind.ENDS_SOON else _ENDED
    first = sentences.get(stage) or sentences[None]
    return Said(first, {"number": number, "due": due}), Said(_TO_DO[kind])

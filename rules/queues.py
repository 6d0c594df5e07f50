"""Queues: lists of grievances that everybody calls by the same name. They are for looking, whoever
has the next step; what waits on one officer is in rules/waiting.py.

Each is a filtered list, counted to MOST. None says anything of who complained.
"""

from rules import mark
from rules.casework import OPEN, UNANSWERED
from rules.clock_words import Clock
from rules.grievance import AppealState, DecisionState, GrievanceState, PauseGround
from rules.waiting import EVERYBODY, MINE, MY_OFFICE, OF_A_GRIEVANCE, Kind, Place


def _states(*states: GrievanceState) -> tuple[str, str]:
    return "state_equals", ",".join(states)


_ANY_OPEN = _states(*(state for state in GrievanceState if state in OPEN))
_ON_AN_OFFICE = _states(
    GrievanceState.ROUTED,
    GrievanceState.ACCEPTED,
    GrievanceState.PLANNED,
    GrievanceState.REMEDY,
)


def _grievances(name: str, words: str, *filters: tuple[str, str]) -> Kind:
    return Kind(
        name,
        "grievance",
        words,
        EVERYBODY,
        filters,
        mark("Open the case"),
        clock="due_at",
        office="responsible_office",
    )


QUEUES = (
    _grievances("mine", mark("Mine"), ("handler_equals", MINE), _ANY_OPEN),
    _grievances("led", mark("Led by me"), ("lead_official_equals", MINE), _ANY_OPEN),
    _grievances(
        "unled",
        mark("Without a lead official"),
        ("lead_official_empty", ""),
        _states(*UNANSWERED),
    ),
    _grievances("office", mark("My office's"), ("responsible_office_equals", MY_OFFICE), _ANY_OPEN),
    _grievances("unassigned", mark("Unassigned"), ("handler_empty", ""), _states(*UNANSWERED)),
    _grievances("week", mark("Due this week"), ("due_at_this_week", ""), _states(*UNANSWERED)),
    _grievances("overdue", mark("Overdue"), ("due_at_overdue", ""), _states(*UNANSWERED)),
    Kind(
        "complainant",
        "pause",
        mark("Waiting on the complainant"),
        EVERYBODY,
        (("ground_equals", PauseGround.COMPLAINANT), ("ended_at_empty", "")),
        mark("Open the case"),
        clock="started_at",
        means=Clock.WAITS,
        named=OF_A_GRIEVANCE,
        office="grievance.responsible_office",
    ),
    Kind(
        "approval",
        "decision",
        mark("Waiting for approval"),
        EVERYBODY,
        (("state_equals", DecisionState.PROPOSED),),
        mark("Read the draft"),
        Place.DECISION,
        clock="grievance.due_at",
        named=("subject", "grievance.number"),
        office="grievance.responsible_office",
    ),
    _grievances("on_office", mark("Waiting on an office"), _ON_AN_OFFICE),
    Kind(
        "appealed",
        "appeal",
        mark("Appeals"),
        EVERYBODY,
        (("state_equals", AppealState.FILED),),
        mark("Read the appeal"),
        clock="due_on",
        named=("subject", "decision.grievance.number"),
        office="decision.grievance.responsible_office",
    ),
)
"""In the order of the page."""

ABOUT = {
    "mine": mark("What you handle and is not over."),
    "led": mark("What you lead and is not over."),
    "unled": mark("What no leader answers for yet and has no answer."),
    "office": mark("What your office must put right and is not over."),
    "unassigned": mark("What has no handler yet and no answer."),
    "week": mark("What is to be answered from Monday to Sunday of this week."),
    "overdue": mark("What should have been answered by now."),
    "complainant": mark("Clocks that stand still until the complainant says something."),
    "approval": mark("Answers that were proposed and that a second person is to approve."),
    "on_office": mark("What an office is to accept, answer or put right."),
    "appealed": mark("Appeals that nobody has decided yet."),
}

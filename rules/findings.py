"""The life of a finding: one table of every step (docs/life-of-a-finding.md draws it).

An office is told what was found, replies and commits itself to a day. It says when it is done, and
the supervision group sees whether it is so: never who said it, never somebody of the office.
"""

from datetime import date

from rules import RuleBroken, mark
from rules.lifecycle import LifeCycle, Step
from rules.permissions import Role
from rules.supervision import FindingSeverity, FindingState

_OFFICE = frozenset({Role.OFFICE_HEAD, Role.HANDLER})
_HEAD = frozenset({Role.OFFICE_HEAD})
_GROUP = frozenset({Role.SUPERVISOR})

ASKS = frozenset({FindingSeverity.GRAVE, FindingSeverity.SERIOUS, FindingSeverity.MINOR})
"""Severities that ask something of the office; with the others it is only told."""
OWED_BY_OFFICE = (FindingState.NOTIFIED, FindingState.RECEIVED, FindingState.UNDER_WAY)
"""States in which the office has the next step."""
OWED_BY_GROUP = (FindingState.REPLIED, FindingState.CLAIMED)
"""States in which the supervision group has it."""
OVER = (FindingState.VERIFIED, FindingState.CLOSED)
OPEN = frozenset(FindingState) - set(OVER)

WEEK = 5
"""Working days between one step up the reporting line and the next, for what is overdue here."""
REPEATED_WITHIN_YEARS = 3
"""An earlier finding of the same office on the same ground counts as repeated for so long."""


def _step(
    name: str,
    label: str,
    source: FindingState | tuple[FindingState, ...],
    target: FindingState,
    roles: frozenset[Role],
    *needs: str,
    by_another: bool = False,
    may: tuple[str, ...] = (),
) -> Step:
    sources = frozenset(source if isinstance(source, tuple) else (source,))
    return Step(name, label, sources, target, roles, needs, by_another=by_another, may=may)


FINDING = LifeCycle(
    FindingState,
    FindingState.DRAFT,
    _step(
        "notify",
        mark("Tell the office and ask for a reply"),
        FindingState.DRAFT,
        FindingState.NOTIFIED,
        _GROUP,
        "reply_due_on",
    ),
    _step(
        "tell",
        mark("Tell the office; nothing is asked"),
        FindingState.DRAFT,
        FindingState.CLOSED,
        _GROUP,
    ),
    _step(
        "receive",
        mark("Confirm receipt"),
        FindingState.NOTIFIED,
        FindingState.RECEIVED,
        _OFFICE,
    ),
    _step(
        "reply",
        mark("Reply and commit to a day"),
        (FindingState.NOTIFIED, FindingState.RECEIVED),
        FindingState.REPLIED,
        _HEAD,
        "reply",
        "due_on",
        may=("root_cause",),
    ),
    _step(
        "agree",
        mark("Agree to the reply and its day"),
        FindingState.REPLIED,
        FindingState.UNDER_WAY,
        _GROUP,
        by_another=True,
    ),
    _step(
        "return_reply",
        mark("Ask for a better reply"),
        FindingState.REPLIED,
        FindingState.RECEIVED,
        _GROUP,
        "reason",
        "reply_due_on",
        by_another=True,
    ),
    _step(
        "drop",
        mark("Close it: the reply leaves nothing to do"),
        FindingState.REPLIED,
        FindingState.CLOSED,
        _GROUP,
        "reason",
        by_another=True,
    ),
    _step(
        "claim",
        mark("Say that it is done"),
        FindingState.UNDER_WAY,
        FindingState.CLAIMED,
        _OFFICE,
        "claim",
    ),
    _step(
        "ask_time",
        mark("Ask for more time"),
        FindingState.UNDER_WAY,
        FindingState.UNDER_WAY,
        _HEAD,
        "to_on",
        "reason",
    ),
    _step(
        "grant_time",
        mark("Grant more time"),
        FindingState.UNDER_WAY,
        FindingState.UNDER_WAY,
        _GROUP,
        "reason",
        by_another=True,
    ),
    _step(
        "refuse_time",
        mark("Refuse more time"),
        FindingState.UNDER_WAY,
        FindingState.UNDER_WAY,
        _GROUP,
        "reason",
        by_another=True,
    ),
    _step(
        "verify",
        mark("Verify that it is done"),
        FindingState.CLAIMED,
        FindingState.VERIFIED,
        _GROUP,
        "verdict",
        by_another=True,
    ),
    _step(
        "refuse_claim",
        mark("Do not accept it"),
        FindingState.CLAIMED,
        FindingState.UNDER_WAY,
        _GROUP,
        "reason",
        by_another=True,
    ),
)


def check_told(severity: FindingSeverity, step: str) -> None:
    """Raise RuleBroken where `step` tells the office of a finding in the wrong way: a failure asks
    for a reply, and what is none asks nothing."""
    if step == "notify" and severity not in ASKS:
        raise RuleBroken(
            "This finding shows nothing that the office must put right. Tell the office of it"
            " without asking, or give it another severity."
        )
    if step == "tell" and severity in ASKS:
        raise RuleBroken(
            "This finding shows a failure. Ask the office for a reply, or give it another severity."
        )


def repeats_since(found_on: date) -> date:
    """Return the first day on which an earlier finding counts as repeated by one of `found_on`."""
    year = found_on.year - REPEATED_WITHIN_YEARS
    leap_day = (found_on.month, found_on.day) == (2, 29)
    return date(year, 2, 28) if leap_day else found_on.replace(year=year)

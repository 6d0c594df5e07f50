"""The life of a supervision notice: one table of every step (docs/life-of-a-finding.md draws it).

A notice is an order by a date. It is numbered when it is issued, the head of the office replies
with reasons, and somebody else of the group closes it. Unanswered is not a state: it is a notice
that waits, or was closed, without a reply after its day.
"""

from datetime import date

from rules import mark
from rules.lifecycle import LifeCycle, Step
from rules.permissions import Role
from rules.supervision import NoticeState

_HEAD = frozenset({Role.OFFICE_HEAD})
_GROUP = frozenset({Role.SUPERVISOR})
_ISSUED = frozenset({NoticeState.ISSUED})

NOTICE = LifeCycle(
    NoticeState,
    NoticeState.DRAFT,
    Step(
        "issue",
        mark("Number and issue the notice"),
        frozenset({NoticeState.DRAFT}),
        NoticeState.ISSUED,
        _GROUP,
    ),
    Step(
        "reply",
        mark("Reply for the office"),
        _ISSUED,
        NoticeState.REPLIED,
        _HEAD,
        ("reply",),
    ),
    Step(
        "close",
        mark("Close the notice"),
        frozenset({NoticeState.REPLIED}),
        NoticeState.CLOSED,
        _GROUP,
        ("reason",),
        by_another=True,
    ),
    Step(
        "ask_time",
        mark("Ask for more time"),
        _ISSUED,
        NoticeState.ISSUED,
        _HEAD,
        ("to_on", "reason"),
    ),
    Step(
        "grant_time",
        mark("Grant more time"),
        _ISSUED,
        NoticeState.ISSUED,
        _GROUP,
        ("reason",),
        by_another=True,
    ),
    Step(
        "refuse_time",
        mark("Refuse more time"),
        _ISSUED,
        NoticeState.ISSUED,
        _GROUP,
        ("reason",),
        by_another=True,
    ),
    Step(
        "close_unanswered",
        mark("Close it without a reply"),
        _ISSUED,
        NoticeState.CLOSED,
        _GROUP,
        ("reason",),
    ),
)


def is_unanswered(issued_on: date | None, due_on: date, ended_on: date | None, today: date) -> bool:
    """Return whether a notice stood without a reply after its day: a ground of a reprimand
    (domain.md section 7). `ended_on` is the day of the reply, or of the closing where there was
    none; a reply that came late does not undo it."""
    return issued_on is not None and (ended_on or today) > due_on

"""The life of a grievance: one table of every step (docs/life-of-a-grievance.md draws it).

Lines that do not move (domain.md section 1) stand in it as facts. A withdrawal is the complainant's
own statement: intake records it, no office can choose it, and it can be taken up again. No office
ends a grievance by itself. Nothing is merged for good.
"""

import enum

from rules import mark
from rules.lifecycle import BACK, LifeCycle, Step
from rules.offices import ClockStage, ClockStart
from rules.permissions import Role


class CaseState(enum.StrEnum):
    """Where a grievance stands. It holds what GrievanceState holds and more, and takes its place
    with the migration that lets the column have them."""

    REGISTERED = "registered"
    ACKNOWLEDGED = "acknowledged"
    ROUTED = "routed"
    OBJECTED = "routing_objected"
    ACCEPTED = "accepted"
    PLANNED = "planned"
    ANSWERED = "answered"
    REMEDY = "remedy_under_way"
    REMEDIED = "remedy_verified"
    CLOSED = "closed"
    APPEALED = "appealed"
    REOPENED = "reopened"
    WITHDRAWN = "withdrawn"
    DUPLICATE = "duplicate"


def _step(
    name: str,
    label: str,
    sources: tuple[CaseState, ...],
    target: CaseState | str,
    roles: tuple[Role, ...],
    *needs: str,
    happens: ClockStart | None = None,
    stops: tuple[ClockStage, ...] = (),
    by_another: bool = False,
) -> Step:
    return Step(
        name, label, frozenset(sources), target, frozenset(roles), needs, happens, stops, by_another
    )


_IN_WORK = (CaseState.ROUTED, CaseState.OBJECTED, CaseState.ACCEPTED, CaseState.PLANNED)
_BEFORE_WORK = (CaseState.REGISTERED, CaseState.ACKNOWLEDGED, CaseState.REOPENED)
_DECIDED = (CaseState.ANSWERED, CaseState.REMEDY, CaseState.REMEDIED, CaseState.CLOSED)
OPEN = frozenset(CaseState) - {CaseState.CLOSED, CaseState.WITHDRAWN, CaseState.DUPLICATE}
"""States in which somebody still owes something. (Of a duplicate, that of the other is owed.)"""

GRIEVANCE = LifeCycle(
    CaseState,
    CaseState.REGISTERED,
    _step(
        "acknowledge",
        mark("Acknowledge"),
        (CaseState.REGISTERED,),
        CaseState.ACKNOWLEDGED,
        (Role.INTAKE,),
        "acknowledged_at",
        happens=ClockStart.ACKNOWLEDGED,
        stops=(ClockStage.ACKNOWLEDGE,),
    ),
    _step(
        "route",
        mark("Route to an office"),
        (CaseState.ACKNOWLEDGED, CaseState.REOPENED),
        CaseState.ROUTED,
        (Role.INTAKE,),
        "responsible_office",
        "reason",
        happens=ClockStart.ROUTED,
    ),
    _step(
        "object",
        mark("Object to the routing"),
        (CaseState.ROUTED,),
        CaseState.OBJECTED,
        (Role.OFFICE_HEAD,),
        "reason",
        stops=(ClockStage.OBJECT,),
    ),
    _step(
        "route_again",
        mark("Grant the objection and route anew"),
        (CaseState.OBJECTED,),
        CaseState.ROUTED,
        (Role.INTAKE,),
        "responsible_office",
        "decision_reasons",
        happens=ClockStart.ROUTED,
        by_another=True,
    ),
    _step(
        "keep_routing",
        mark("Refuse the objection"),
        (CaseState.OBJECTED,),
        CaseState.ROUTED,
        (Role.INTAKE,),
        "decision_reasons",
        by_another=True,
    ),
    _step(
        "accept",
        mark("Accept"),
        (CaseState.ROUTED,),
        CaseState.ACCEPTED,
        (Role.OFFICE_HEAD, Role.HANDLER),
        "handler",
        happens=ClockStart.ACCEPTED,
        stops=(ClockStage.OBJECT,),
    ),
    _step(
        "plan",
        mark("Set the plan"),
        (CaseState.ACCEPTED,),
        CaseState.PLANNED,
        (Role.HANDLER, Role.OFFICE_HEAD, Role.LEAD_OFFICIAL),
        "lead_official",
        "plan_steps",
    ),
    _step(
        "answer",
        mark("Approve and give the answer"),
        (CaseState.ACCEPTED, CaseState.PLANNED),
        CaseState.ANSWERED,
        (Role.OFFICE_HEAD, Role.DECIDER),
        "decision",
        happens=ClockStart.TOLD,
        stops=(ClockStage.DECIDE,),
        by_another=True,
    ),
    _step(
        "promise_remedy",
        mark("Promise a remedy"),
        (CaseState.ANSWERED, CaseState.REMEDIED),
        CaseState.REMEDY,
        (Role.OFFICE_HEAD, Role.LEAD_OFFICIAL),
        "promise",
        "due_on",
    ),
    _step(
        "verify_remedy",
        mark("Verify the remedy"),
        (CaseState.REMEDY,),
        CaseState.REMEDIED,
        (Role.LEAD_OFFICIAL, Role.SUPERVISOR, Role.INTAKE),
        "verified_on",
        by_another=True,
    ),
    _step(
        "send_back_remedy",
        mark("Find the remedy not done"),
        (CaseState.REMEDY,),
        CaseState.REMEDY,
        (Role.LEAD_OFFICIAL, Role.SUPERVISOR, Role.INTAKE),
        "reason",
        by_another=True,
    ),
    _step(
        "close",
        mark("Close the grievance"),
        (CaseState.ANSWERED, CaseState.REMEDIED),
        CaseState.CLOSED,
        (Role.INTAKE,),
        "closed_at",
        by_another=True,
    ),
    _step(
        "appeal",
        mark("Record an appeal"),
        _DECIDED,
        CaseState.APPEALED,
        (Role.INTAKE,),
        "subject",
        "grounds",
        happens=ClockStart.REVIEW_ASKED,
        stops=(ClockStage.ASK_REVIEW,),
    ),
    _step(
        "dismiss_appeal",
        mark("Dismiss the appeal"),
        (CaseState.APPEALED,),
        BACK,
        (Role.DECIDER,),
        "reasons",
        stops=(ClockStage.REVIEW,),
        by_another=True,
    ),
    _step(
        "uphold_appeal",
        mark("Uphold the appeal"),
        (CaseState.APPEALED,),
        CaseState.REOPENED,
        (Role.DECIDER,),
        "reasons",
        stops=(ClockStage.REVIEW,),
        by_another=True,
    ),
    _step(
        "reopen",
        mark("Reopen"),
        (CaseState.CLOSED, CaseState.WITHDRAWN),
        CaseState.REOPENED,
        (Role.INTAKE, Role.DECIDER),
        "reason",
    ),
    _step(
        "withdraw",
        mark("Record the complainant's own withdrawal"),
        tuple(state for state in CaseState if state in OPEN),
        CaseState.WITHDRAWN,
        (Role.INTAKE,),
        "statement",
        "withdrawn_at",
        stops=tuple(ClockStage),
    ),
    _step(
        "merge",
        mark("Merge as a duplicate"),
        (*_BEFORE_WORK, *_IN_WORK),
        CaseState.DUPLICATE,
        (Role.INTAKE,),
        "other_grievance",
        "subject",
    ),
    _step(
        "separate",
        mark("Take the merge back"),
        (CaseState.DUPLICATE,),
        BACK,
        (Role.INTAKE,),
        "undone_because",
    ),
)

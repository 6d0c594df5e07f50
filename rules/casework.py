"""The life of a grievance: one table of every step (docs/life-of-a-grievance.md draws it).

Lines that do not move (domain.md section 1) stand in it as facts. A withdrawal is the complainant's
own statement: intake records it, no office can choose it, and it can be taken up again. No office
ends a grievance by itself. Nothing is merged for good.
"""

from rules import RuleBroken, mark
from rules.grievance import GrievanceState
from rules.impartiality import Tree, line_above
from rules.lifecycle import BACK, LifeCycle, Step
from rules.offices import ClockStage, ClockStart
from rules.permissions import Role


def _step(
    name: str,
    label: str,
    sources: tuple[GrievanceState, ...],
    target: GrievanceState | str,
    roles: tuple[Role, ...],
    *needs: str,
    happens: ClockStart | None = None,
    stops: tuple[ClockStage, ...] = (),
    by_another: bool = False,
    may: tuple[str, ...] = (),
    may_stay: bool = False,
) -> Step:
    found, taken_by = frozenset(sources), frozenset(roles)
    return Step(
        name, label, found, target, taken_by, needs, happens, stops, by_another, may, may_stay
    )


_IN_WORK = (
    GrievanceState.ROUTED,
    GrievanceState.OBJECTED,
    GrievanceState.ACCEPTED,
    GrievanceState.PLANNED,
)
_DECIDED = (
    GrievanceState.ANSWERED,
    GrievanceState.REMEDY,
    GrievanceState.REMEDIED,
    GrievanceState.CLOSED,
)
OVER = (GrievanceState.CLOSED, GrievanceState.WITHDRAWN, GrievanceState.DUPLICATE)
"""States in which nobody owes anything. (What is owed to a duplicate is owed to the other.)"""
OPEN = frozenset(GrievanceState) - set(OVER)
"""States in which somebody still owes something."""
TO_ROUTE = (GrievanceState.REGISTERED, GrievanceState.ACKNOWLEDGED, GrievanceState.REOPENED)
"""States in which the intake desk has the next step."""
UNANSWERED = (*TO_ROUTE, *_IN_WORK)
"""States in which an answer is owed."""

GRIEVANCE = LifeCycle(
    GrievanceState,
    GrievanceState.REGISTERED,
    _step(
        "acknowledge",
        mark("Acknowledge"),
        (GrievanceState.REGISTERED,),
        GrievanceState.ACKNOWLEDGED,
        (Role.INTAKE,),
        "acknowledged_at",
        happens=ClockStart.ACKNOWLEDGED,
        stops=(ClockStage.ACKNOWLEDGE,),
    ),
    _step(
        "route",
        mark("Route to an office"),
        (GrievanceState.ACKNOWLEDGED, GrievanceState.REOPENED),
        GrievanceState.ROUTED,
        (Role.INTAKE,),
        "responsible_office",
        "reason",
        happens=ClockStart.ROUTED,
    ),
    _step(
        "object",
        mark("Object to the routing"),
        (GrievanceState.ROUTED,),
        GrievanceState.OBJECTED,
        (Role.OFFICE_HEAD,),
        "reason",
        stops=(ClockStage.OBJECT,),
        may=("proposed_office",),
    ),
    _step(
        "route_again",
        mark("Grant the objection and route anew"),
        (GrievanceState.OBJECTED,),
        GrievanceState.ROUTED,
        (Role.INTAKE,),
        "responsible_office",
        "decision_reasons",
        happens=ClockStart.ROUTED,
        by_another=True,
    ),
    _step(
        "keep_routing",
        mark("Refuse the objection"),
        (GrievanceState.OBJECTED,),
        GrievanceState.ROUTED,
        (Role.INTAKE,),
        "decision_reasons",
        by_another=True,
    ),
    _step(
        "accept",
        mark("Accept"),
        (GrievanceState.ROUTED,),
        GrievanceState.ACCEPTED,
        (Role.OFFICE_HEAD, Role.HANDLER),
        "handler",
        happens=ClockStart.ACCEPTED,
        stops=(ClockStage.OBJECT,),
    ),
    _step(
        "plan",
        mark("Set the plan"),
        (GrievanceState.ACCEPTED,),
        GrievanceState.PLANNED,
        (Role.HANDLER, Role.OFFICE_HEAD, Role.LEAD_OFFICIAL),
        "lead_official",
        "plan_steps",
    ),
    _step(
        "answer",
        mark("Approve and give the answer"),
        (GrievanceState.ACCEPTED, GrievanceState.PLANNED),
        GrievanceState.ANSWERED,
        (Role.OFFICE_HEAD, Role.DECIDER),
        "decision",
        happens=ClockStart.TOLD,
        stops=(ClockStage.DECIDE,),
        by_another=True,
    ),
    _step(
        "promise_remedy",
        mark("Promise a remedy"),
        (GrievanceState.ANSWERED, GrievanceState.REMEDY, GrievanceState.REMEDIED),
        GrievanceState.REMEDY,
        (Role.OFFICE_HEAD, Role.LEAD_OFFICIAL),
        "promise",
        "due_on",
    ),
    _step(
        "claim_remedy",
        mark("Say that the remedy is done"),
        (GrievanceState.REMEDY,),
        GrievanceState.REMEDY,
        (Role.OFFICE_HEAD, Role.HANDLER),
        "remedy",
        "done_on",
    ),
    _step(
        "verify_remedy",
        mark("Verify what was done"),
        (GrievanceState.REMEDY,),
        GrievanceState.REMEDIED,
        (Role.LEAD_OFFICIAL, Role.SUPERVISOR, Role.INTAKE),
        "remedy",
        "verified_on",
        by_another=True,
        may_stay=True,
    ),
    _step(
        "send_back_remedy",
        mark("Find the remedy not done"),
        (GrievanceState.REMEDY,),
        GrievanceState.REMEDY,
        (Role.LEAD_OFFICIAL, Role.SUPERVISOR, Role.INTAKE),
        "remedy",
        "reason",
        by_another=True,
    ),
    _step(
        "close",
        mark("Close the grievance"),
        (GrievanceState.ANSWERED, GrievanceState.REMEDIED),
        GrievanceState.CLOSED,
        (Role.INTAKE,),
        by_another=True,
    ),
    _step(
        "appeal",
        mark("Record an appeal"),
        _DECIDED,
        GrievanceState.APPEALED,
        (Role.INTAKE,),
        "filed_on",
        "subject",
        "grounds",
        happens=ClockStart.REVIEW_ASKED,
        stops=(ClockStage.ASK_REVIEW,),
    ),
    _step(
        "admit_appeal",
        mark("Admit a late appeal"),
        _DECIDED,
        GrievanceState.APPEALED,
        (Role.DECIDER,),
        "filed_on",
        "subject",
        "grounds",
        "late_because",
        happens=ClockStart.REVIEW_ASKED,
        stops=(ClockStage.ASK_REVIEW,),
        by_another=True,
    ),
    _step(
        "dismiss_appeal",
        mark("Dismiss the appeal"),
        (GrievanceState.APPEALED,),
        BACK,
        (Role.DECIDER,),
        "reasons",
        stops=(ClockStage.REVIEW,),
        by_another=True,
    ),
    _step(
        "uphold_appeal",
        mark("Uphold the appeal"),
        (GrievanceState.APPEALED,),
        GrievanceState.REOPENED,
        (Role.DECIDER,),
        "outcome",
        "reasons",
        stops=(ClockStage.REVIEW,),
        by_another=True,
    ),
    _step(
        "reopen",
        mark("Reopen"),
        (GrievanceState.CLOSED, GrievanceState.WITHDRAWN),
        GrievanceState.REOPENED,
        (Role.INTAKE, Role.DECIDER),
        "reason",
    ),
    _step(
        "withdraw",
        mark("Record the complainant's own withdrawal"),
        tuple(state for state in GrievanceState if state in OPEN),
        GrievanceState.WITHDRAWN,
        (Role.INTAKE,),
        "statement",
        "withdrawn_at",
        stops=tuple(ClockStage),
    ),
    _step(
        "merge",
        mark("Merge as a duplicate"),
        UNANSWERED,
        GrievanceState.DUPLICATE,
        (Role.INTAKE,),
        "other_grievance",
        "subject",
    ),
    _step(
        "separate",
        mark("Take the merge back"),
        (GrievanceState.DUPLICATE,),
        BACK,
        (Role.INTAKE,),
        "undone_because",
    ),
)


AT_ANY_TIME = frozenset({"withdraw", "merge", "separate", "appeal", "admit_appeal", "reopen"})
"""Steps that no grievance waits for: their buttons stand behind the others."""

# --- Which office ----------------------------------------------------------------------------

_FOR_THE_OFFICE = frozenset({Role.HANDLER, Role.OFFICE_HEAD, Role.LEAD_OFFICIAL})
"""Roles in which an officer acts for the office that has the grievance, or for one above it. The
others (the intake desk, deciders, supervision) act for the bureau."""


def serves(roles: frozenset[Role], office: int, responsible: int | None, tree: Tree) -> bool:
    """Return whether an officer of `office` may take a step with those of its roles that they
    hold: as the bureau, or because the office that has the grievance is theirs or below it."""
    if roles - _FOR_THE_OFFICE:
        return True
    return responsible is not None and office in line_above(responsible, tree)


def check_higher(office: int, responsible: int | None, first: int | None, tree: Tree) -> None:
    """Raise RuleBroken unless an officer of `office` may decide the appeal against what one of the
    office `first` decided: not of the office that answers for it or below it, unless nobody stands
    above that, and not of an office below the first (domain.md section 6: a higher decider)."""
    above = tuple(line_above(office, tree))
    of_it = responsible in above and responsible is not None and tree.get(responsible) is not None
    if of_it or (first in above and first != office):
        raise RuleBroken(
            "An appeal is decided above the office that answered. A decider of a higher office, or"
            " of one outside its line, must decide it."
        )

"""Proposals of who supervises what: asking for one, working it out, changing, accepting and
refusing its lines. Nothing of a proposal holds until it is accepted; then actions/assignments.py
gives the offices to their groups, by the rules as they are at that moment."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

import proposing
from actions import assignments
from models import AssignmentProposal, Officer, ProposedAssignment, SupervisionGroup
from queries import proposals as asking
from queries import supervision
from rules import RuleBroken, Said, mark
from rules.assignments import Planned, Policy, refusals_of
from rules.offices import OfficeLevel
from rules.proposals import check_wish, state_with
from rules.supervision import ProposalState, ProposedState

LOOKED = 30
"""Hundredths of the work that are done when every pair of office and group has been looked at."""
FOUND = 95
"""Hundredths that are done when the plan is found; the rest is to write it down."""


class LinesRefused(RuleBroken):
    """Lines that can be accepted no more, each with why."""

    def __init__(self, lines: Mapping[int, Sequence[Said]]) -> None:
        self.lines = lines
        super().__init__(
            mark(
                "Nothing is accepted yet: %(number)s of these cannot be any more. Beside each it "
                "says why. Choose another group for it, or accept the others without it."
            ),
            number=len(lines),
        )


# --- Asking and working out --------------------------------------------------------------------


def ask(
    session: Session,
    *,
    starts_on: date | None,
    ends_on: date | None,
    office_id: int | None,
    levels: Collection[OfficeLevel],
    groups: Collection[int],
    most_offices: int | None,
    today: date,
) -> AssignmentProposal:
    """Write down what is wished for; nothing is worked out yet. Raises RuleBroken with the field
    at fault."""
    check_wish(starts_on, ends_on, levels, groups, most_offices, today=today)
    made = AssignmentProposal(
        starts_on=starts_on,
        ends_on=ends_on,
        office_id=office_id,
        most_offices=most_offices,
        asked={"levels": [str(level) for level in levels], "groups": sorted(groups)},
    )
    session.add(made)
    session.flush()
    return made


@dataclass(frozen=True)
class Look:
    """What a proposal is worked out from: plain data, so that no transaction is open meanwhile."""

    wish: proposing.Wish
    picture: supervision.Picture
    areas: asking.Areas
    today: date


def look(session: Session, proposal: AssignmentProposal, *, now: datetime, today: date) -> Look:
    """Return the picture as it is now; nine statements."""
    levels = [OfficeLevel(level) for level in proposal.asked["levels"]]
    wish = proposing.Wish(
        proposal.starts_on,
        proposal.ends_on,
        asking.offices_to_plan(session, proposal.office_id, levels),
        frozenset(proposal.asked["groups"]),
        proposal.most_offices,
    )
    picture = supervision.picture(session, None, proposal.ends_on, today=today, now=now)
    return Look(wish, picture, asking.areas(session), today)


@dataclass(frozen=True)
class Found:
    """What was worked out."""

    problem: proposing.Problem
    plan: proposing.Plan
    reasons: list[list[Said]]


def work_out(seen: Look, tick: proposing.Tick) -> Found:
    """Return the plan for `seen`, telling hundredths to `tick`. No statement at all."""
    groups, offices = seen.picture.groups, seen.picture.offices

    def looking(done: int, of: int) -> None:
        tick(LOOKED * done // (of or 1), 100)

    def finding(done: int, of: int) -> None:
        tick(LOOKED + (FOUND - LOOKED) * done // (of or 1), 100)

    problem = proposing.make_problem(
        seen.wish, groups, offices, seen.picture.policy, seen.areas.around, seen.today, looking
    )
    plan = proposing.work_out(problem, finding)
    names = {group.id: group.name for group in groups.values()}
    reasons = proposing.explain(problem, plan, offices, seen.areas.names, names)
    return Found(problem, plan, reasons)


def keep(session: Session, proposal: AssignmentProposal, found: Found, *, now: datetime) -> None:
    """Write the plan down as the lines of the proposal, which is a draft from now on."""
    rows = [
        _line(found, place, proposal.id) | {"position": place + 1}
        for place in range(len(found.problem.gaps))
    ]
    if rows:
        session.execute(insert(ProposedAssignment), rows)
    proposal.state = ProposalState.DRAFT
    proposal.worked_out_at = now
    proposal.offices = len(rows)
    proposal.placed = sum(row["group_id"] is not None for row in rows)
    proposal.summary = {
        "loads": [vars(one) for one in proposing.loads(found.problem, found.plan)],
        "spread": found.plan.spread / 100,
        "simple_spread": found.plan.simple_spread / 100,
        "weights": _weights(found.problem.policy),
    }
    session.flush()


def _line(found: Found, place: int, proposal_id: int) -> dict[str, Any]:
    gap, team = found.problem.gaps[place], found.plan.teams[place]
    is_placed = team != proposing.NOBODY
    group_id = found.problem.teams[team].group_id if is_placed else None
    return {
        "proposal_id": proposal_id,
        "office_id": gap.office_id,
        "group_id": group_id,
        "found_group_id": group_id,
        "starts_on": gap.period.starts_on,
        "ends_on": gap.period.ends_on,
        "state": ProposedState.OPEN if is_placed else ProposedState.NOT_PLACED,
        "reasons": [proposing.to_json(said) for said in found.reasons[place]],
    }


def _weights(policy: Policy) -> dict[str, int]:
    return {name: value for name, value in vars(policy).items() if name.startswith("weight_")}


def fail(proposal: AssignmentProposal, failure: str, *, now: datetime) -> None:
    """Write down why there is no plan."""
    proposal.state = ProposalState.FAILED
    proposal.failure = failure
    proposal.worked_out_at = now


# --- Deciding ----------------------------------------------------------------------------------


def change_line(
    line: ProposedAssignment, group: SupervisionGroup, *, session: Session, on: date
) -> None:
    """Choose another group for a line that nobody has decided. Raises RuleBroken with the first
    reason where that group may not have the office."""
    _hold(session, line.proposal_id)
    session.refresh(line)
    if line.state not in (ProposedState.OPEN, ProposedState.NOT_PLACED):
        raise RuleBroken("This line was decided meanwhile. Nothing of it changes any more.")
    seen = supervision.picture(session, today=on)
    planned = Planned(group.id, line.office_id, line.starts_on, line.ends_on)
    found = refusals_of(planned, seen.groups, seen.offices, seen.policy, on)
    if found:
        raise RuleBroken(found[0].sentence, field="group", **found[0].values)
    line.group_id = group.id
    line.state = ProposedState.OPEN
    session.flush()


def accept(
    session: Session,
    proposal: AssignmentProposal,
    numbers: Collection[int] | None,
    *,
    by: Officer,
    now: datetime,
    on: date,
    only_possible: bool = False,
) -> int:
    """Give the offices of these lines (None: of all that are open) to their groups, as one change
    that can be undone on the board; return how many. Raises LinesRefused, and accepts nothing,
    where some cannot be any more; with `only_possible` it leaves those open and accepts the
    others."""
    assignments.wait_for_others(session)
    open_lines = _open(session, proposal, numbers)
    rows = [_row(line) for line in open_lines]
    found = assignments.check_many(session, rows, on)
    refused = {line.id: said for line, said in zip(open_lines, found, strict=True) if said}
    taken = [line for line in open_lines if line.id not in refused]
    if refused and not (only_possible and taken):
        raise LinesRefused(refused)
    assignments.assign_many(session, [_row(line) for line in taken], by=by, now=now, on=on)
    for line in taken:
        _decide(line, ProposedState.ACCEPTED, by=by, now=now)
    session.flush()
    _settle(session, proposal, by=by, now=now)
    return len(taken)


def refuse(
    session: Session,
    proposal: AssignmentProposal,
    numbers: Collection[int] | None,
    *,
    by: Officer,
    now: datetime,
) -> int:
    """Refuse these lines (None: all that are open); return how many."""
    open_lines = _open(session, proposal, numbers)
    for line in open_lines:
        _decide(line, ProposedState.REFUSED, by=by, now=now)
    session.flush()
    _settle(session, proposal, by=by, now=now)
    return len(open_lines)


def discard(session: Session, proposal: AssignmentProposal, *, by: Officer, now: datetime) -> None:
    """Refuse what is left of a proposal, also one in which no office could be placed or whose
    work was interrupted. Raises RuleBroken where it is decided already."""
    _hold(session, proposal.id)
    session.refresh(proposal)
    if proposal.state not in (ProposalState.DRAFT, ProposalState.WORKING):
        raise RuleBroken("This proposal was decided meanwhile.")
    if proposal.state is ProposalState.DRAFT and _count_open(session, proposal):
        refuse(session, proposal, None, by=by, now=now)
        return
    proposal.state = ProposalState.REFUSED
    proposal.worked_out_at = proposal.worked_out_at or now
    proposal.decided_at, proposal.decided_by_id = now, by.id
    session.flush()


# --- Parts -------------------------------------------------------------------------------------


def _hold(session: Session, proposal_id: int) -> None:
    """Wait until nobody else decides about this proposal."""
    session.execute(
        select(AssignmentProposal.id).where(AssignmentProposal.id == proposal_id).with_for_update()
    )


def _open(
    session: Session, proposal: AssignmentProposal, numbers: Collection[int] | None
) -> list[ProposedAssignment]:
    _hold(session, proposal.id)
    query = select(ProposedAssignment).where(
        ProposedAssignment.proposal_id == proposal.id,
        ProposedAssignment.state == ProposedState.OPEN,
    )
    if numbers is not None:
        query = query.where(ProposedAssignment.id.in_(numbers))
    query = query.order_by(ProposedAssignment.position)
    found = list(session.scalars(query.execution_options(populate_existing=True)))
    if not found:
        raise RuleBroken("Choose at least one line that nobody has decided yet.")
    return found


def _count_open(session: Session, proposal: AssignmentProposal) -> int:
    counts = asking.counted(session, proposal.id)
    return sum(one.number for one in counts if one.state is ProposedState.OPEN)


def _row(line: ProposedAssignment) -> assignments.Row:
    if line.group_id is None:
        raise ValueError("an open line has a group")
    return assignments.Row(line.group_id, line.office_id, line.starts_on, line.ends_on)


def _decide(line: ProposedAssignment, state: ProposedState, *, by: Officer, now: datetime) -> None:
    line.state, line.decided_at, line.decided_by_id = state, now, by.id


def _settle(session: Session, proposal: AssignmentProposal, *, by: Officer, now: datetime) -> None:
    """Decide the proposal where no line of it is open any more."""
    states = [one.state for one in asking.counted(session, proposal.id)]
    proposal.state = state_with(states)
    if proposal.state is not ProposalState.DRAFT:
        proposal.decided_at, proposal.decided_by_id = now, by.id
    session.flush()

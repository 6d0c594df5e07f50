"""Steps in the life of a grievance. `take_step` is the only way in which a state changes: the rules
say whether it may be, actions/steps.py writes what the step is about, and the clocks take note.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select

from actions import clocks
from actions.steps import WRITERS, Told, Turn
from actions.turns import take_turns
from models import Appeal, Decision, Grievance, Officer, Remedy, RoutingObjection, db
from queries import casework as asking
from queries.identity import office_tree
from queries.impartiality import DEFAULT, check
from rules import RuleBroken
from rules.casework import GRIEVANCE, check_higher, serves
from rules.grievance import GrievanceState, RemedyState
from rules.impartiality import ACT_OF_STEP, Settings, Tree
from rules.lifecycle import Step
from rules.offices import ClockStage


def take_step(
    grievance: Grievance,
    name: str,
    *,
    by: Officer,
    now: datetime,
    settings: Settings = DEFAULT,
    **facts: Any,
) -> GrievanceState:
    """Take the step `name` with `grievance` in the name of `by`, and return where it stands then.

    `facts` are what the step needs and may have (rules/casework.py): texts, days and records, each
    checked. Raises RuleBroken, with the field at fault where there is one, and changes nothing
    then that a rollback does not take back. `settings` are security.impartiality().
    """
    take_turns(grievance)
    was, tree = grievance.state, office_tree(db.session())
    target = check_step(grievance, name, by=by, now=now, settings=settings, tree=tree)
    step = GRIEVANCE.steps[name]
    _say_it_is_a_step()
    turn = Turn(grievance, by, now, settings.today(now), tree, settings)
    # The checks of the tables hold for what a step has done, not for what it is about to do.
    with db.session.no_autoflush:
        told = WRITERS[name](turn, **facts)
        _settle(grievance, was, target, now)
    db.session.flush()
    _tell_clocks(step, turn, told)
    db.session.flush()
    return target


def check_step(
    grievance: Grievance,
    name: str,
    *,
    by: Officer,
    now: datetime,
    settings: Settings = DEFAULT,
    tree: Tree | None = None,
) -> GrievanceState:
    """Return where the step `name` would lead; raise RuleBroken where `by` may not take it now.
    `tree` are the offices, where they are known already."""
    step = GRIEVANCE.steps.get(name)
    # Where it leads back to is asked of who knows it: only such a state has it.
    reached = GRIEVANCE.after(
        name,
        grievance.state,
        by.held,
        before=grievance.state_before or grievance.state,
        own_work=step is not None and is_own_work(step, grievance, by.id),
    )
    if step is None:
        raise ValueError("a step that is possible stands in the table")
    offices = office_tree(db.session()) if tree is None else tree
    _require_office(step, grievance, by, offices)
    _require_higher(step, grievance, by, offices)
    check(ACT_OF_STEP[name], by, grievance, now=now, settings=settings)
    return GrievanceState(reached)


def possible_steps(grievance: Grievance, by: Officer) -> list[Step]:
    """Return the steps that `by` may take now: the buttons. Two statements at most. Whether they
    are impartial is asked when they take one."""
    found = GRIEVANCE.possible(grievance.state, by.held)
    tree = office_tree(db.session()) if found else {}
    return [
        GRIEVANCE.steps[step.name]
        for step in found
        if _is_of_office(step, grievance, by, tree)
        and not (step.by_another and is_own_work(step, grievance, by.id))
    ]


def is_own_work(step: Step, grievance: Grievance, officer_id: int) -> bool:
    """Return whether the officer did what `step` judges: objected, drafted, said that it is done,
    decided first, or gave the answer that is closed now."""
    if not step.by_another:
        return False
    doers: Select[int | None]
    if step.name in ("route_again", "keep_routing"):
        doers = select(RoutingObjection.asked_by_id).where(
            RoutingObjection.grievance_id == grievance.id, RoutingObjection.decided_at.is_(None)
        )
    elif step.name == "answer":
        doers = asking.drafts(grievance.id).with_only_columns(Decision.drafted_by_id)
    elif step.name in ("verify_remedy", "send_back_remedy"):
        doers = select(Remedy.done_by_id).where(
            Remedy.grievance_id == grievance.id, Remedy.state == RemedyState.DONE
        )
    elif step.name == "close":
        if grievance.handler_id == officer_id:
            return True
        doers = asking.given(grievance.id).with_only_columns(Decision.decided_by_id)
    else:
        doers = asking.open_appeal(grievance.id).with_only_columns(Appeal.first_decider_id)
    return officer_id in db.session.scalars(doers).all()


def _is_of_office(step: Step, grievance: Grievance, by: Officer, tree: Tree) -> bool:
    roles = by.held & step.roles
    return serves(roles, by.office_id, grievance.responsible_office_id, tree)


def _require_office(step: Step, grievance: Grievance, by: Officer, tree: Tree) -> None:
    if not _is_of_office(step, grievance, by, tree):
        raise RuleBroken("This step is for the office that has the grievance, or one above it.")


def _require_higher(step: Step, grievance: Grievance, by: Officer, tree: Tree) -> None:
    if step.name not in ("dismiss_appeal", "uphold_appeal"):
        return
    first = db.session.scalar(
        asking.open_appeal(grievance.id)
        .join(Officer, Officer.id == Appeal.first_decider_id)
        .with_only_columns(Officer.office_id)
    )
    check_higher(by.office_id, grievance.responsible_office_id, first, tree)


def _say_it_is_a_step() -> None:
    """Tell the database that what comes is a step, for the rest of this transaction: the trigger
    redress_by_step refuses forms that would go round the life-cycle."""
    db.session.execute(select(func.set_config("redress.by_step", "yes", True)))


def _settle(
    grievance: Grievance, was: GrievanceState, target: GrievanceState, now: datetime
) -> None:
    """Bring the state and the times that belong to it to where the step leads."""
    has_way_back = target in (GrievanceState.APPEALED, GrievanceState.DUPLICATE)
    grievance.state, grievance.state_before = target, was if has_way_back else None
    if target is not was:
        grievance.closed_at = now if target is GrievanceState.CLOSED else None
    if target is not GrievanceState.WITHDRAWN:
        grievance.withdrawn_at = grievance.withdrawal_statement = None
    if target is GrievanceState.REOPENED:
        # What was answered did not hold; the trail and the decision keep when that was.
        for one in (grievance, *asking.duplicates_of(db.session(), grievance)):
            one.answered_at = None


def _tell_clocks(step: Step, turn: Turn, told: Told) -> None:
    grievance, moment = turn.grievance, told.at or turn.now
    if step.stops:
        clocks.stop(grievance, step.stops, moment, by=turn.by, now=turn.now, reason="")
    for one in told.answered:
        clocks.stop(one, (ClockStage.DECIDE,), moment, by=turn.by, now=turn.now, reason="")
    if step.happens is None:
        return
    started = clocks.happened(grievance, step.happens, moment, by=turn.by, now=turn.now)
    ends = {one.stage: turn.settings.today(one.due_at) for one in started if one.due_at}
    if told.decision is not None:
        told.decision.review_until_on = ends.get(ClockStage.ASK_REVIEW)
    if told.appeal is not None:
        told.appeal.due_on = ends.get(ClockStage.REVIEW)

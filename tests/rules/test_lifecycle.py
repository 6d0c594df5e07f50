"""Life-cycles: every pair of state and step, and what the table of grievances never allows."""

import enum
from collections.abc import Iterable
from itertools import combinations

import pytest

from config import HOME
from rules import RuleBroken
from rules.casework import GRIEVANCE, OPEN, OVER, UNANSWERED
from rules.grievance import GrievanceState
from rules.lifecycle import BACK, LifeCycle, Step
from rules.offices import ClockStage, ClockStart
from rules.permissions import Role

DRAWN = HOME / "docs" / "life-of-a-grievance.md"
STEPS = list(GRIEVANCE.steps.values())
ALL_ROLES = tuple(Role)

# What is possible, written a second time by hand: state, step, where it leads.
POSSIBLE = """
registered: acknowledge>acknowledged withdraw>withdrawn merge>duplicate
acknowledged: route>routed withdraw>withdrawn merge>duplicate
routed: object>routing_objected accept>accepted withdraw>withdrawn merge>duplicate
routing_objected: route_again>routed keep_routing>routed withdraw>withdrawn merge>duplicate
accepted: plan>planned answer>answered withdraw>withdrawn merge>duplicate
planned: answer>answered withdraw>withdrawn merge>duplicate
answered: promise_remedy>remedy_under_way close>closed appeal>appealed withdraw>withdrawn
remedy_under_way: verify_remedy>remedy_verified send_back_remedy>remedy_under_way appeal>appealed
remedy_under_way: promise_remedy>remedy_under_way claim_remedy>remedy_under_way withdraw>withdrawn
remedy_verified: promise_remedy>remedy_under_way close>closed appeal>appealed withdraw>withdrawn
closed: appeal>appealed reopen>reopened
answered: admit_appeal>appealed
remedy_under_way: admit_appeal>appealed
remedy_verified: admit_appeal>appealed
closed: admit_appeal>appealed
appealed: dismiss_appeal>back uphold_appeal>reopened withdraw>withdrawn
reopened: route>routed withdraw>withdrawn merge>duplicate
withdrawn: reopen>reopened
duplicate: separate>back
"""


def possible() -> dict[tuple[str, str], str]:
    table = {}
    for line in POSSIBLE.split("\n"):
        state, _, steps = line.partition(":")
        for one in steps.split():
            name, _, target = one.partition(">")
            table[state, name] = target
    return table


EXPECTED = possible()


@pytest.mark.parametrize("name", GRIEVANCE.steps)
@pytest.mark.parametrize("state", GrievanceState)
def test_every_step_is_possible_or_refused_in_every_state(state: GrievanceState, name: str) -> None:
    target = EXPECTED.get((state.value, name))
    if target:
        was = GrievanceState.ANSWERED
        reached = GRIEVANCE.after(name, state, ALL_ROLES, before=was)
        assert reached == (was if target == BACK else target)
        return
    with pytest.raises(RuleBroken) as caught:
        GRIEVANCE.after(name, state, ALL_ROLES, before=GrievanceState.ANSWERED)
    assert str(caught.value).endswith(f"Its state is: {state.value}.")


def test_the_table_holds_nothing_that_is_not_expected() -> None:
    assert {(state, name) for state, name in EXPECTED} == {
        (state.value, step.name)
        for step in STEPS
        for state in GrievanceState
        if state in step.sources
    }


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_a_step_is_taken_by_its_roles_alone(step: Step) -> None:
    state = next(iter(step.sources))
    for role in Role:
        if role in step.roles:
            GRIEVANCE.after(step.name, state, [role], before=GrievanceState.ANSWERED)
            continue
        with pytest.raises(RuleBroken, match="Your role does not take this step"):
            GRIEVANCE.after(step.name, state, [role], before=GrievanceState.ANSWERED)
    with pytest.raises(RuleBroken, match="Your role"):
        GRIEVANCE.after(step.name, state, [], before=GrievanceState.ANSWERED)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_two_people_where_one_must_not_do_both(step: Step) -> None:
    state = next(iter(step.sources))
    shown = GRIEVANCE.possible(state, ALL_ROLES, own_work=True)
    assert (step in shown) is not step.by_another
    if step.by_another:
        with pytest.raises(RuleBroken, match="Somebody else must take this step"):
            GRIEVANCE.after(
                step.name, state, ALL_ROLES, before=GrievanceState.ANSWERED, own_work=True
            )


@pytest.mark.parametrize("state", GrievanceState)
def test_buttons_are_the_steps_that_are_not_refused(state: GrievanceState) -> None:
    for roles in combinations(Role, 2):
        shown = {step.name for step in GRIEVANCE.possible(state, roles)}
        assert shown == set(_taken(state, roles))


def _taken(state: GrievanceState, roles: Iterable[Role]) -> Iterable[str]:
    for name in GRIEVANCE.steps:
        try:
            GRIEVANCE.after(name, state, roles, before=GrievanceState.ANSWERED)
        except RuleBroken:
            continue
        yield name


# --- Lines that do not move ------------------------------------------------------------------


def test_only_intake_records_a_withdrawal_from_a_statement_and_it_can_be_taken_up_again() -> None:
    (step,) = [step for step in STEPS if step.target is GrievanceState.WITHDRAWN]
    assert step.roles == {Role.INTAKE}
    assert "statement" in step.needs
    assert GRIEVANCE.after("reopen", GrievanceState.WITHDRAWN, ALL_ROLES) is GrievanceState.REOPENED


def test_no_office_ends_a_grievance() -> None:
    offices = {Role.HANDLER, Role.OFFICE_HEAD}
    for step in STEPS:
        if step.target in (
            GrievanceState.CLOSED,
            GrievanceState.WITHDRAWN,
            GrievanceState.DUPLICATE,
        ):
            assert not step.roles & offices, step.name


def test_nothing_is_final() -> None:
    assert GRIEVANCE.ends() == []
    assert GRIEVANCE.after(
        "separate", GrievanceState.DUPLICATE, ALL_ROLES, before=GrievanceState.PLANNED
    ) is GrievanceState.PLANNED  # fmt: skip


def test_every_state_is_reached_and_every_open_one_can_be_closed() -> None:
    ways = {
        state: {
            GrievanceState(target)
            for (source, _), target in EXPECTED.items()
            if source == state and target != BACK
        }
        for state in GrievanceState
    }  # fmt: skip

    def reached_from(state: GrievanceState) -> set[GrievanceState]:
        seen: set[GrievanceState] = set()
        waiting = [state]
        while waiting:
            for one in ways[waiting.pop()] - seen:
                seen.add(one)
                waiting.append(one)
        return seen

    start = GrievanceState.REGISTERED
    assert reached_from(start) | {start} == set(GrievanceState)
    for state in OPEN:
        assert GrievanceState.CLOSED in reached_from(state), state


def test_an_appeal_is_decided_by_deciders_and_by_another() -> None:
    for name in ("dismiss_appeal", "uphold_appeal"):
        assert GRIEVANCE.steps[name].roles == {Role.DECIDER}
        assert GRIEVANCE.steps[name].by_another


def test_every_clock_is_started_and_stopped_by_a_step() -> None:
    happens = {step.happens for step in STEPS if step.happens} | {ClockStart.RECEIVED}
    assert happens == set(ClockStart)
    stopped = {
        stage for step in STEPS if step.name != "withdraw" for stage in step.stops
    } | {ClockStage.EXTEND}  # fmt: skip
    assert stopped == set(ClockStage)


def test_states_in_which_something_is_owed_are_told_from_those_in_which_nothing_is() -> None:
    assert OPEN | set(OVER) == set(GrievanceState)
    assert not OPEN & set(OVER)
    for state in UNANSWERED:
        assert state in OPEN, state
    answer = GRIEVANCE.steps["answer"]
    assert answer.sources < set(UNANSWERED), "who may still be answered is unanswered"


# --- Life-cycles at large --------------------------------------------------------------------


class Light(enum.StrEnum):
    RED = "red"
    GREEN = "green"


def test_a_table_with_a_step_twice_is_none() -> None:
    step = Step("go", "Go", frozenset({Light.RED}), Light.GREEN, frozenset({Role.INTAKE}))
    with pytest.raises(ValueError, match="twice"):
        LifeCycle(Light, Light.RED, step, step)
    cycle = LifeCycle(Light, Light.RED, step)
    assert cycle.ends() == [Light.GREEN]
    with pytest.raises(RuleBroken, match="no such step"):
        cycle.after("stop", Light.RED, ALL_ROLES)


def test_a_step_back_needs_to_know_where_to() -> None:
    with pytest.raises(ValueError, match="leads back"):
        GRIEVANCE.after("separate", GrievanceState.DUPLICATE, ALL_ROLES)


def test_the_diagram_in_the_docs_is_that_of_the_table() -> None:
    drawn = DRAWN.read_text("utf-8")
    assert f"```text\n{GRIEVANCE.diagram()}```" in drawn, (
        f"Put this into {DRAWN.name}, between ```text and ```:\n{GRIEVANCE.diagram()}"
    )

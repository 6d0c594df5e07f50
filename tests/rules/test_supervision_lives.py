"""The lives of findings and notices: every pair of state and step, and what they never allow."""

import enum
from datetime import date
from itertools import combinations

import pytest

from config import HOME
from rules import RuleBroken
from rules.findings import FINDING, OPEN, OVER, OWED_BY_GROUP, OWED_BY_OFFICE, check_told
from rules.findings import repeats_since as since
from rules.lifecycle import LifeCycle, Step
from rules.notices import NOTICE, is_unanswered
from rules.permissions import Role
from rules.supervision import FindingSeverity, FindingState

DRAWN = HOME / "docs" / "life-of-a-finding.md"
ALL_ROLES = tuple(Role)
# What is possible, written a second time by hand: state, step, where it leads.
POSSIBLE = {
    FINDING: """
draft: notify>notified tell>closed
notified: receive>received reply>replied
received: reply>replied
replied: agree>under_way return_reply>received drop>closed
under_way: claim>claimed ask_time>under_way grant_time>under_way refuse_time>under_way
claimed: verify>verified refuse_claim>under_way
""",
    NOTICE: """
draft: issue>issued
issued: reply>replied ask_time>issued grant_time>issued refuse_time>issued close_unanswered>closed
replied: close>closed
""",
}


def possible(cycle: LifeCycle) -> dict[tuple[str, str], str]:
    table = {}
    for line in POSSIBLE[cycle].strip().split("\n"):
        state, _, steps = line.partition(":")
        for one in steps.split():
            name, _, target = one.partition(">")
            table[state, name] = target
    return table


CYCLES = {"finding": FINDING, "notice": NOTICE}
PAIRS = [
    pytest.param(cycle, state, name, id=f"{kind}-{state}-{name}")
    for kind, cycle in CYCLES.items()
    for state in cycle.states
    for name in cycle.steps
]
STEPS = [
    pytest.param(cycle, step, id=f"{kind}-{step.name}")
    for kind, cycle in CYCLES.items()
    for step in cycle.steps.values()
]


@pytest.mark.parametrize(("cycle", "state", "name"), PAIRS)
def test_every_step_is_possible_or_refused_in_every_state(
    cycle: LifeCycle, state: enum.StrEnum, name: str
) -> None:
    target = possible(cycle).get((state.value, name))
    if target:
        assert cycle.after(name, state, ALL_ROLES) == target
        return
    with pytest.raises(RuleBroken, match=rf"Its state is: {state.value}\.$"):
        cycle.after(name, state, ALL_ROLES)


@pytest.mark.parametrize(("cycle", "step"), STEPS)
def test_a_step_is_taken_by_its_roles_alone_and_never_by_who_did_it(
    cycle: LifeCycle, step: Step
) -> None:
    state = next(iter(step.sources))
    for role in Role:
        if role in step.roles:
            assert cycle.after(step.name, state, [role]) == step.target
        else:
            with pytest.raises(RuleBroken, match="Your role does not take this step"):
                cycle.after(step.name, state, [role])
    if step.by_another:
        with pytest.raises(RuleBroken, match="Somebody else must take this step"):
            cycle.after(step.name, state, ALL_ROLES, own_work=True)


@pytest.mark.parametrize("cycle", CYCLES.values(), ids=list(CYCLES))
def test_buttons_are_the_steps_that_are_not_refused(cycle: LifeCycle) -> None:
    for state in cycle.states:
        for roles in combinations(Role, 2):
            shown = {step.name for step in cycle.possible(state, roles)}
            taken = {name for (at, name) in possible(cycle) if at == state.value}
            assert shown == {name for name in taken if cycle.steps[name].roles & set(roles)}


def test_no_office_judges_itself_and_no_group_speaks_for_it() -> None:
    for cycle in CYCLES.values():
        for step in cycle.steps.values():
            assert step.roles in ({Role.SUPERVISOR}, {Role.OFFICE_HEAD}) or step.roles == {
                Role.OFFICE_HEAD,
                Role.HANDLER,
            }
    ends = [step for step in FINDING.steps.values() if step.target in OVER]
    assert {step.name for step in ends} == {"tell", "drop", "verify"}
    assert all(step.roles == {Role.SUPERVISOR} for step in ends)


def test_every_open_state_waits_on_somebody() -> None:
    waits = {FindingState.DRAFT, *OWED_BY_OFFICE, *OWED_BY_GROUP}
    assert waits == OPEN
    assert FINDING.ends() == list(OVER)


def test_the_diagrams_in_docs_are_those_of_the_tables() -> None:
    told = DRAWN.read_text()
    for cycle in CYCLES.values():
        assert f"```text\n{cycle.diagram()}```" in told, "Draw the diagram of the table anew"


@pytest.mark.parametrize("severity", FindingSeverity)
def test_what_is_no_failure_asks_nothing(severity: FindingSeverity) -> None:
    asks = severity in ("grave", "serious", "minor")
    right, wrong = ("notify", "tell") if asks else ("tell", "notify")
    check_told(severity, right)
    with pytest.raises(RuleBroken, match="another severity"):
        check_told(severity, wrong)


def test_three_years_back() -> None:
    assert since(date(2026, 11, 23)) == date(2023, 11, 23)
    assert since(date(2024, 2, 29)) == date(2021, 2, 28)


def test_unanswered_is_without_a_reply_after_the_day() -> None:
    issued, due = date(2026, 11, 2), date(2026, 11, 16)
    late, early = date(2026, 11, 17), date(2026, 11, 10)
    assert not is_unanswered(None, due, None, late)
    assert not is_unanswered(issued, due, None, due)
    assert is_unanswered(issued, due, None, late)
    assert is_unanswered(issued, due, late, late), "a late reply does not undo it"
    assert not is_unanswered(issued, due, early, late)

"""A life-cycle is one table: what may happen to a record, from where, to where, by whom.

The same table says which buttons a screen shows, what their forms ask, what is refused, what the
clocks take note of, and what the diagram in docs/ draws.
"""

import enum
from collections.abc import Iterable
from dataclasses import dataclass

from rules import RuleBroken, Said
from rules.offices import ClockStage, ClockStart
from rules.permissions import Role

BACK = "back"
"""The target of a step that leads to where the record was before."""


@dataclass(frozen=True)
class Step:
    """One step: its name, in what states it is possible, where it leads, which roles take it. The
    form asks for what it `needs`, and for what it `may` have besides. Clocks run from what
    `happens` in it, and it `stops` others. What is `by_another` is not for who did what it judges:
    drafted the answer, claimed that the remedy was done, objected to the routing, decided what is
    appealed against. One that `may_stay` leads on only when nothing of its kind is left open."""

    name: str
    label: str
    sources: frozenset[enum.StrEnum]
    target: enum.StrEnum | str
    roles: frozenset[Role]
    needs: tuple[str, ...] = ()
    happens: ClockStart | None = None
    stops: tuple[ClockStage, ...] = ()
    by_another: bool = False
    may: tuple[str, ...] = ()
    may_stay: bool = False


class LifeCycle:
    """The steps of one kind of record, in the order in which buttons stand."""

    def __init__(self, states: type[enum.StrEnum], start: enum.StrEnum, *steps: Step) -> None:
        self.states = states
        self.start = start
        self.steps = {step.name: step for step in steps}
        if len(self.steps) != len(steps):
            raise ValueError("a step stands twice in the table")

    def possible(
        self, state: enum.StrEnum, roles: Iterable[Role], *, own_work: bool = False
    ) -> list[Step]:
        """Return the steps that an officer with `roles` may take from `state`: the buttons."""
        held = set(roles)
        return [
            step
            for step in self.steps.values()
            if state in step.sources and held & step.roles and not (step.by_another and own_work)
        ]

    def after(
        self,
        name: str,
        state: enum.StrEnum,
        roles: Iterable[Role],
        *,
        before: enum.StrEnum | None = None,
        own_work: bool = False,
    ) -> enum.StrEnum:
        """Return the state after step `name`. `before` is where the record was before it came to
        `state`, for steps that lead back there; `own_work` says whether who takes this step did
        what it judges. Raises RuleBroken with why it is not possible."""
        step = self.steps.get(name)
        if step is None:
            raise RuleBroken("There is no such step.")
        if state not in step.sources:
            raise RuleBroken(
                "This step is not possible now: %(step)s. Its state is: %(state)s.",
                step=Said(step.label),
                state=state,
            )
        if not set(roles) & step.roles:
            raise RuleBroken("Your role does not take this step: %(step)s.", step=Said(step.label))
        if step.by_another and own_work:
            raise RuleBroken(
                "Somebody else must take this step: %(step)s. It judges what you did yourself.",
                step=Said(step.label),
            )
        if isinstance(step.target, enum.StrEnum):
            return step.target
        if before is None:
            raise ValueError(f"step {name} leads back, and nobody knows where to")
        return before

    def ends(self) -> list[enum.StrEnum]:
        """Return the states that no step leaves."""
        left = {state for step in self.steps.values() for state in step.sources}
        return [state for state in self.states if state not in left]

    def diagram(self) -> str:
        """Return the table as text: under each state the steps that leave it."""
        lines = [f"-> {self.start.value}"]
        for state in self.states:
            lines += ["", state.value]
            for step in self.steps.values():
                if state in step.sources:
                    target = str(step.target) if step.target != state else "stays"
                    by = ", ".join(role.value for role in Role if role in step.roles)
                    other = " (another)" if step.by_another else ""
                    stays = " (or stays)" if step.may_stay else ""
                    lines.append(f"    {step.name:<16} -> {target:<18} {by}{other}{stays}")
        return "\n".join(lines) + "\n"

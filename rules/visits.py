"""Inspections: the steps of a visit, what is asked there, and which closed grievances are looked at
again. The sample is drawn by lot, so that nobody picks the easy ones, and anybody can draw it again
from its seed (docs/decisions/0078-visits.md)."""

import enum
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from math import floor

from rules import RuleBroken, mark
from rules.lifecycle import LifeCycle, Step
from rules.permissions import Role
from rules.supervision import InspectionState

MOST_SAMPLED = 100
"""So many grievances a visit can look at again."""
MOST_DRAWN_FROM = 200_000
"""Of so many a sample can be drawn: their numbers are kept with it."""
SAMPLE_DAYS = 365
"""Where no first day is given, what was closed in the year before the visit is drawn from."""
LONGEST_NOTE = 10_000


class AnswerKind(enum.StrEnum):
    """What a question of a checklist asks for."""

    CHOICE = "yes_partly_or_no"
    TEXT = "words_only"


class VisitAnswer(enum.StrEnum):
    """What was seen at a visit, of one question."""

    YES = "yes"
    PARTLY = "partly"
    NO = "no"
    NOT_APPLICABLE = "does_not_apply"


class Remedied(enum.StrEnum):
    """Whether what a closed grievance was about is really put right."""

    YES = "remedied"
    PARTLY = "partly_remedied"
    NO = "not_remedied"
    UNKNOWN = "cannot_be_told"


NOT_OVER = (InspectionState.PLANNED, InspectionState.UNDER_WAY)
"""States in which there is still something to do at a visit."""

INSPECTION = LifeCycle(
    InspectionState,
    InspectionState.PLANNED,
    Step(
        "begin",
        mark("Begin the visit"),
        frozenset({InspectionState.PLANNED}),
        InspectionState.UNDER_WAY,
        frozenset({Role.SUPERVISOR}),
    ),
    Step(
        "finish",
        mark("End the visit"),
        frozenset({InspectionState.UNDER_WAY}),
        InspectionState.DONE,
        frozenset({Role.SUPERVISOR}),
        needs=("summary",),
    ),
    Step(
        "cancel",
        mark("Cancel the visit"),
        frozenset(NOT_OVER),
        InspectionState.CANCELLED,
        frozenset({Role.SUPERVISOR}),
        needs=("cancelled_because",),
    ),
)

FIXED_ONCE_BEGUN = frozenset(
    {
        "group_id",
        "office_id",
        "is_unannounced",
        "planned_on",
        "template_id",
        "sample_size",
        "sample_since",
    }
)
"""Columns of an inspection that stay as they are once it has begun."""


def check_change(state: InspectionState, changed: set[str]) -> None:
    """Raise RuleBroken where a visit in `state` does not take a change of the columns `changed`."""
    if state is InspectionState.PLANNED:
        return
    if fixed := sorted(changed & FIXED_ONCE_BEGUN):
        raise RuleBroken(
            "The visit has begun or is over: where, when and what it looks into stays as it is.",
            field=fixed[0],
        )
    if "inspector_id" in changed and state is not InspectionState.UNDER_WAY:
        raise RuleBroken("The visit is over: who was in charge stays as it is.", field="inspector")


def check_begin(planned_on: date, today: date) -> None:
    """Raise RuleBroken where it is too early to begin a visit planned for `planned_on`."""
    if today < planned_on:
        raise RuleBroken(
            "The visit is planned for %(day)s. Put that day first if it takes place today.",
            day=planned_on,
        )


# --- The sample ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stratum:
    """Closed grievances of one category, answered in time (or not; None: no time was set), by
    their numbers in this system."""

    category_id: int | None
    was_in_time: bool | None
    grievances: Sequence[int]

    @property
    def order(self) -> tuple[int, int]:
        """Where it stands among the others: by category, late ones first."""
        places: Mapping[bool | None, int] = {False: 0, True: 1, None: 2}
        return self.category_id or 0, places[self.was_in_time]


def lot(seed: str, what: int | str) -> str:
    """Return the lot of a grievance (its number) for `seed`: SHA-256 of "seed:number", in hex."""
    return hashlib.sha256(f"{seed}:{what}".encode()).hexdigest()


def shares(seed: str, sizes: Sequence[int], wanted: int) -> list[int]:
    """Return how many are drawn from each stratum of these sizes: its fair share, rounded up or
    down so that together there are `wanted` (all of them where there are no more).

    The rounding begins at a random point (the lot of "start"), so that every grievance has the
    same chance, also one of a stratum too small for a whole share (systematic sampling, as in
    Cochran, Sampling Techniques, chapter 8).
    """
    together = sum(sizes)
    if wanted >= together:
        return list(sizes)
    start = Fraction(int(lot(seed, "start"), 16), 2**256)
    drawn, before, reached = [], floor(start), 0
    for size in sizes:
        reached += size
        after = floor(Fraction(reached * wanted, together) + start)
        drawn.append(after - before)
        before = after
    return drawn


def draw(seed: str, strata: Sequence[Stratum], wanted: int) -> list[tuple[Stratum, int]]:
    """Return the sample, each with its stratum: of each stratum, in their order, its share of
    those with the lowest lots. The same seed and the same strata always give the same."""
    ordered = sorted(strata, key=lambda one: one.order)
    counts = shares(seed, [len(one.grievances) for one in ordered], wanted)
    return [
        (stratum, number)
        for stratum, count in zip(ordered, counts, strict=True)
        for number in sorted(stratum.grievances, key=lambda one: (lot(seed, one), one))[:count]
    ]


def fingerprint(strata: Sequence[Stratum]) -> str:
    """Return the SHA-256 of what was drawn from, in hex: who has it can tell later that nothing
    was put in or taken out."""
    words = {True: "in time", False: "late", None: "no time"}
    lines = [
        f"{one.category_id or 0} {words[one.was_in_time]}: "
        + " ".join(str(number) for number in sorted(one.grievances))
        for one in sorted(strata, key=lambda one: one.order)
    ]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()

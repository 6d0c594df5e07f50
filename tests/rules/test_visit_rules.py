"""The steps of a visit, and the lot by which its sample is drawn: fair, and the same each time."""

import hashlib
from collections import Counter
from datetime import date, timedelta
from fractions import Fraction
from math import ceil, floor, sqrt

import pytest

from config import HOME
from rules import RuleBroken
from rules.permissions import Role
from rules.supervision import InspectionState
from rules.visits import (
    FIXED_ONCE_BEGUN,
    INSPECTION,
    Stratum,
    check_begin,
    check_change,
    draw,
    fingerprint,
    shares,
)

SEED = "0123456789abcdef0123456789abcdef"
STRATA = [
    Stratum(3, True, tuple(range(100, 160))),
    Stratum(3, False, tuple(range(160, 167))),
    Stratum(None, None, (900, 901)),
    Stratum(8, True, tuple(range(500, 531))),
]
WHOLE = sum(len(one.grievances) for one in STRATA)


def seeds(count: int) -> list[str]:
    return [hashlib.sha256(b"%d" % number).hexdigest()[:32] for number in range(count)]


POSSIBLE = {
    ("begin", InspectionState.PLANNED): InspectionState.UNDER_WAY,
    ("finish", InspectionState.UNDER_WAY): InspectionState.DONE,
    ("cancel", InspectionState.PLANNED): InspectionState.CANCELLED,
    ("cancel", InspectionState.UNDER_WAY): InspectionState.CANCELLED,
}


@pytest.mark.parametrize("state", InspectionState)
@pytest.mark.parametrize("name", INSPECTION.steps)
def test_each_step_leads_from_where_it_may_and_from_nowhere_else(
    name: str, state: InspectionState
) -> None:
    wanted = POSSIBLE.get((name, state))
    if wanted is None:
        with pytest.raises(RuleBroken, match="not possible now"):
            INSPECTION.after(name, state, {Role.SUPERVISOR})
    else:
        assert INSPECTION.after(name, state, {Role.SUPERVISOR}) is wanted


def test_the_diagram_is_that_of_the_table() -> None:
    drawn = (HOME / "docs" / "life-of-a-visit.md").read_text(encoding="utf-8")
    assert f"```text\n{INSPECTION.diagram()}```" in drawn


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.SUPERVISOR])
def test_only_supervisors_act_at_a_visit(role: Role) -> None:
    for name, state in POSSIBLE:
        with pytest.raises(RuleBroken, match="role"):
            INSPECTION.after(name, state, {role})


def test_what_has_begun_keeps_its_place() -> None:
    for column in FIXED_ONCE_BEGUN:
        check_change(InspectionState.PLANNED, {column})
        with pytest.raises(RuleBroken, match="stays as it is"):
            check_change(InspectionState.UNDER_WAY, {column})
    check_change(InspectionState.UNDER_WAY, {"inspector_id"})
    with pytest.raises(RuleBroken, match="was in charge"):
        check_change(InspectionState.DONE, {"inspector_id"})


def test_a_visit_does_not_begin_before_its_day() -> None:
    day = date(2026, 3, 2)
    check_begin(day, day)
    check_begin(day, day + timedelta(days=9))
    with pytest.raises(RuleBroken, match="planned for"):
        check_begin(day, day - timedelta(days=1))


# --- The sample ------------------------------------------------------------------------------


def test_the_same_seed_draws_the_same_whatever_the_order() -> None:
    drawn = draw(SEED, STRATA, 12)
    mixed = [
        Stratum(one.category_id, one.was_in_time, one.grievances[::-1]) for one in STRATA[::-1]
    ]
    again = draw(SEED, mixed, 12)
    assert [number for _stratum, number in drawn] == [number for _stratum, number in again]
    assert fingerprint(STRATA) == fingerprint(mixed)
    other = draw("f" * 32, STRATA, 12)
    assert [number for _stratum, number in drawn] != [number for _stratum, number in other]


def test_somebody_else_draws_it_again_as_the_page_says() -> None:
    """The words of templates/visits/sample.html, followed without any code of ours."""
    wanted = 12

    def lot(what: object) -> str:
        return hashlib.sha256(f"{SEED}:{what}".encode()).hexdigest()

    rows = sorted(
        STRATA, key=lambda one: (one.category_id or 0, {False: 0, True: 1}.get(one.was_in_time, 2))
    )
    start, reached, mine = Fraction(int(lot("start"), 16), 2**256), 0, []
    for row in rows:
        first = floor(Fraction(reached * wanted, WHOLE) + start)
        reached += len(row.grievances)
        count = floor(Fraction(reached * wanted, WHOLE) + start) - first
        mine += sorted(row.grievances, key=lot)[:count]
    assert mine == [number for _stratum, number in draw(SEED, STRATA, wanted)]


@pytest.mark.parametrize("wanted", [0, 1, 2, 7, 12, WHOLE - 1, WHOLE, WHOLE + 50])
def test_each_stratum_has_its_fair_share_and_together_they_are_what_was_wanted(wanted: int) -> None:
    for seed in seeds(200):
        drawn = draw(seed, STRATA, wanted)
        numbers = [number for _stratum, number in drawn]
        assert len(numbers) == len(set(numbers)) == min(wanted, WHOLE)
        counts = Counter((one.category_id, one.was_in_time) for one, _number in drawn)
        for one in STRATA:
            fair = Fraction(len(one.grievances) * min(wanted, WHOLE), WHOLE)
            assert floor(fair) <= counts[one.category_id, one.was_in_time] <= ceil(fair)


def test_every_grievance_has_the_same_chance_also_in_a_small_stratum() -> None:
    """Over 4,000 seeds each of 100 grievances is drawn as often as chance lets it be: within five
    standard deviations of a tenth."""
    times, wanted = 4000, 10
    drawn: Counter[int] = Counter()
    for seed in seeds(times):
        drawn.update(number for _stratum, number in draw(seed, STRATA, wanted))
    chance = wanted / WHOLE
    spread = sqrt(times * chance * (1 - chance))
    for number in (number for one in STRATA for number in one.grievances):
        assert abs(drawn[number] - times * chance) < 5 * spread, number


def test_what_was_put_in_or_taken_out_shows() -> None:
    less = [*STRATA[:3], Stratum(8, True, STRATA[3].grievances[1:])]
    late = [*STRATA[:3], Stratum(8, False, STRATA[3].grievances)]
    assert len({fingerprint(STRATA), fingerprint(less), fingerprint(late)}) == 3


def test_nothing_is_drawn_from_nothing() -> None:
    assert draw(SEED, [], 10) == []
    assert shares(SEED, [], 10) == []

"""Which group may supervise which office: every reason for which it must not, and its edges."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from rules.assignments import (
    Group,
    Held,
    Member,
    Period,
    Place,
    Planned,
    Policy,
    Service,
    coverage,
    has_on,
    is_too_near,
    members_on,
    refusals,
    refusals_of_each,
    too_few_from,
)

DAY = date(2026, 11, 23)
NEXT = date(2026, 12, 1)
YEAR = date(2027, 12, 1)
POLICY = Policy(cooling_off_days=100)
DISTRICT, ROADS, LAMPS, BULBS, PARKS, BUREAU = range(1, 7)
OFFICES = {
    DISTRICT: Place(DISTRICT, "District"),
    ROADS: Place(ROADS, "Roads", DISTRICT),
    LAMPS: Place(LAMPS, "Lamps", ROADS),
    BULBS: Place(BULBS, "Bulbs", LAMPS),
    PARKS: Place(PARKS, "Parks", DISTRICT),
    BUREAU: Place(BUREAU, "Bureau", DISTRICT),
}
LIFE = Period(date(2026, 1, 1))


def member(
    number: int, *served: Service, name: str = "", term: Period = LIFE, **given: object
) -> Member:
    offices = served or (Service(BUREAU),)
    return Member(number, name or f"Member {number}", term, offices, **given)  # type: ignore[arg-type]


def group(*members: Member, number: int = 1, name: str = "First", life: Period = LIFE) -> Group:
    return Group(number, name, life, members or (member(1), member(2)))


def why(
    planned: Planned, *groups: Group, offices: dict[int, Place] = OFFICES, policy: Policy = POLICY
) -> list[str]:
    there = {one.id: one for one in groups or (group(),)}
    return [str(said) for said in refusals([planned], there, offices, policy, DAY)]


WANTED = Planned(1, LAMPS, NEXT)


def test_a_group_of_two_impartial_members_may() -> None:
    assert why(WANTED) == []


@pytest.mark.parametrize(
    ("served", "supervised", "near"),
    [
        (LAMPS, LAMPS, True),
        (BULBS, LAMPS, True),  # below
        (ROADS, LAMPS, True),  # above
        (ROADS, BULBS, True),  # further above
        (DISTRICT, LAMPS, False),  # the top of the tree is above everybody
        (DISTRICT, DISTRICT, True),
        (LAMPS, DISTRICT, True),
        (PARKS, LAMPS, False),
        (BUREAU, LAMPS, False),
    ],
)
def test_who_serves_the_line_of_an_office_does_not_inspect_it(
    served: int, supervised: int, near: bool
) -> None:
    assert is_too_near(served, supervised, OFFICES) is near
    told = why(replace(WANTED, office_id=supervised), group(member(1, Service(served)), member(2)))
    assert bool([one for one in told if "must not inspect" in one and "Member 1" in one]) is near


@pytest.mark.parametrize(
    ("left", "starts", "barred"),
    [
        (NEXT - timedelta(days=100), NEXT, False),  # the first day after the cooling-off
        (NEXT - timedelta(days=99), NEXT, True),
        (NEXT + timedelta(days=30), NEXT, True),  # they leave while the period runs
        (date(2020, 1, 1), NEXT, False),
    ],
)
def test_the_cooling_off_is_counted_to_the_day(left: date, starts: date, barred: bool) -> None:
    mixed = group(member(1, Service(LAMPS, None, left), Service(PARKS, left)), member(2))
    told = why(replace(WANTED, starts_on=starts), mixed)
    assert bool(told) is barred
    if barred:
        free = (left + timedelta(days=100)).isoformat()
        assert told == [
            f"Member 1 served Lamps until {left} and may not inspect Lamps before {free}."
        ]


def test_who_serves_an_office_only_after_the_period_may_inspect_it_before() -> None:
    goes = group(member(1, Service(PARKS, None, YEAR), Service(LAMPS, YEAR)), member(2))
    assert why(replace(WANTED, ends_on=YEAR), goes) == []
    assert why(WANTED, goes) == ["Member 1 serves Lamps, and so must not inspect it."]


def test_only_the_days_that_a_term_and_the_period_share_count() -> None:
    former = member(3, Service(LAMPS), term=Period(LIFE.starts_on, NEXT))
    assert why(WANTED, group(member(1), member(2), former)) == []
    assert why(replace(WANTED, starts_on=DAY), group(member(1), member(2), former)) != []


def test_who_stands_aside_keeps_away_for_as_long() -> None:
    aside = member(1, aside=((LAMPS, Period(DAY, YEAR)),))
    assert why(WANTED, group(aside, member(2))) == ["Member 1 stands aside from Lamps."]
    assert why(replace(WANTED, starts_on=YEAR), group(aside, member(2))) == []
    assert why(replace(WANTED, office_id=ROADS), group(aside, member(2))) == []


@pytest.mark.parametrize(
    ("planned", "words"),
    [
        (replace(WANTED, group_id=9), "This group is not there any more. Choose another one."),
        (replace(WANTED, office_id=9), "This office is not there any more. Choose another one."),
        (replace(WANTED, ends_on=NEXT), "The end must be after the start."),
        (
            replace(WANTED, starts_on=date(2026, 2, 1), ends_on=DAY),
            "This period is over already. Choose days that come.",
        ),
        (
            replace(WANTED, starts_on=date(2025, 12, 31)),
            "First is formed on 2026-01-01. Begin on that day or later.",
        ),
    ],
)
def test_days_that_cannot_be(planned: Planned, words: str) -> None:
    assert words in why(planned)


def test_a_closed_office_and_a_dissolved_group_end_what_they_have() -> None:
    closed = OFFICES | {LAMPS: replace(OFFICES[LAMPS], closed_on=YEAR)}
    assert "Lamps closes on 2027-12-01" in why(WANTED, offices=closed)[0]
    after = replace(WANTED, ends_on=YEAR + timedelta(days=1))
    assert why(after, offices=closed) == []
    told = why(WANTED, group(life=Period(LIFE.starts_on, YEAR)))
    assert told == ["First is dissolved on 2027-12-01. End the period on that day or before."]
    assert why(replace(WANTED, ends_on=YEAR), group(life=Period(LIFE.starts_on, YEAR))) == []


def test_an_office_has_one_group_at_a_time() -> None:
    held = Held(7, 1, Period(LIFE.starts_on, YEAR))
    taken = OFFICES | {LAMPS: replace(OFFICES[LAMPS], held=(held,))}
    assert why(WANTED, offices=taken) == [
        "First has Lamps from 2026-01-01 until before 2027-12-01. Choose other days, or move that"
        " period."
    ]
    assert why(replace(WANTED, starts_on=YEAR), offices=taken) == []
    assert why(replace(WANTED, instead_of=frozenset({7})), offices=taken) == []
    both = [WANTED, replace(WANTED, starts_on=YEAR)]
    told = refusals_of_each(both, {1: group()}, OFFICES, POLICY, DAY)
    assert [len(one) for one in told] == [0, 1]
    assert "without an end" in str(told[1][0])


# --- Enough members --------------------------------------------------------------------------


def test_a_group_needs_its_members_on_every_day() -> None:
    leaves = group(member(1), member(2, term=Period(LIFE.starts_on, YEAR)))
    assert why(WANTED, leaves) == [
        "First has 1 of the 2 members it needs on 2027-12-01. Add a member, lengthen a term, or "
        "end the period before."
    ]
    assert why(replace(WANTED, ends_on=YEAR), leaves) == []
    follows = group(
        member(1), member(2, term=Period(LIFE.starts_on, YEAR)), member(3, term=Period(YEAR))
    )
    assert why(WANTED, follows) == []


def test_nobody_is_booked_twice() -> None:
    """Who is in two groups counts in the one they joined first."""
    both = member(1, term=Period(date(2026, 2, 1)))
    first = group(member(1), member(2))
    second = group(both, member(3), number=2, name="Second")
    there = {1: first, 2: second}
    assert members_on(first, there, DAY) == {1, 2}
    assert members_on(second, there, DAY) == {3}
    assert why(WANTED, first, second) == []
    assert why(replace(WANTED, group_id=2), first, second) == [
        "Second has 1 of the 2 members it needs on 2026-12-01: Member 1 is in another group "
        "already and counts there."
    ]
    same_day = {1: first, 2: group(member(1), member(3), number=2)}
    assert members_on(same_day[2], same_day, DAY) == {3}
    gone = {1: replace(first, life=Period(LIFE.starts_on, DAY)), 2: second}
    assert too_few_from(second, gone, Period(DAY), POLICY) is None


# --- Coverage --------------------------------------------------------------------------------


def test_coverage_tells_offices_without_a_group_and_without_a_visit() -> None:
    held = Held(7, 1, Period(LIFE.starts_on))
    lately = DAY - timedelta(days=POLICY.visit_every_days)
    seen = OFFICES | {
        ROADS: replace(OFFICES[ROADS], held=(held,), visited_on=lately),
        PARKS: replace(OFFICES[PARKS], visited_on=lately - timedelta(days=1)),
        BUREAU: replace(OFFICES[BUREAU], closed_on=DAY - timedelta(days=1)),
    }
    told = coverage(seen, [1, 2], POLICY, DAY)
    assert told.without_group == (PARKS,)  # those below Roads go with it; the top has nobody
    assert told.not_visited == (LAMPS, BULBS, PARKS)
    hidden = seen | {PARKS: replace(seen[PARKS], overdue=None)}
    assert coverage(hidden, [1, 2], POLICY, DAY).not_visited == (LAMPS, BULBS)
    assert told.load == {1: 1, 2: 0}
    assert has_on(seen[BULBS], seen, DAY) == held
    on_top = seen | {DISTRICT: replace(OFFICES[DISTRICT], held=(held,))}
    assert has_on(on_top[PARKS], on_top, DAY) is None


def test_offices_that_nobody_is_above_are_asked_for() -> None:
    alone = {1: Place(1, "Landlord")}
    assert coverage(alone, [], POLICY, DAY).without_group == (1,)

"""Bureaus made up for tests of the proposal: groups with inspectors who serve and served offices,
who stand aside, who are in two groups; offices in a tree with areas, overdue work and earlier
periods."""

import random
from dataclasses import dataclass, replace
from datetime import date, timedelta

from rules.assignments import Group, Held, Member, Period, Place, Policy, Service

TODAY = date(2026, 12, 1)
STARTS, ENDS = date(2027, 1, 1), date(2028, 1, 1)
TOP, BUREAU = 1, 2


@dataclass(frozen=True)
class Bureau:
    """Everything a proposal is made from."""

    groups: dict[int, Group]
    offices: dict[int, Place]
    areas: dict[int, int | None]
    policy: Policy


def make_bureau(groups: int, offices: int, inspectors: int, seed: int = 1) -> Bureau:
    """Return a bureau of so many groups and inspectors, with so many offices to supervise below the
    district and beside the bureau's own office. The same seed gives the same one."""
    chance = random.Random(seed)  # noqa: S311
    places, areas = _offices(offices, chance)
    numbers = [number for number in places if number > BUREAU]
    people = [_inspector(number, numbers, chance) for number in range(1, inspectors + 1)]
    made: dict[int, Group] = {}
    for number in range(1, groups + 1):
        members = [
            replace(one, is_leader=place == 0)
            for place, one in enumerate(people[number - 1 :: groups])
        ]
        born = TODAY - timedelta(days=chance.randint(100, 2000))
        made[number] = Group(number, f"Group {number:02}", Period(born), tuple(members))
    _count_some_twice(made, chance)
    earlier = {number: _history(number, groups, chance) for number in numbers}
    return Bureau(
        made,
        {number: replace(place, held=earlier.get(number, ())) for number, place in places.items()},
        areas,
        Policy(),
    )


def _offices(offices: int, chance: random.Random) -> tuple[dict[int, Place], dict[int, int | None]]:
    places = {
        TOP: Place(TOP, "District", None),
        BUREAU: Place(BUREAU, "Grievance bureau", TOP),
    }
    departments = max(offices // 10, 1)
    leaves = max(offices // 8, 2)
    areas: dict[int, int | None] = {1: None}
    parts = [number for number in range(2, 2 + max(leaves // 5, 2))]
    areas |= dict.fromkeys(parts, 1)
    ends = [len(areas) + 1 + place for place in range(leaves)]
    areas |= {number: chance.choice(parts) for number in ends}
    for place in range(offices):
        number = BUREAU + 1 + place
        above = TOP if place < departments else BUREAU + 1 + chance.randrange(departments)
        overdue = int(chance.expovariate(1 / 6)) if chance.random() < 0.7 else 0
        visited = TODAY - timedelta(days=chance.randint(5, 1500))
        places[number] = Place(
            number,
            f"Office {number:04}",
            above,
            area_id=chance.choice(ends),
            overdue=overdue,
            visited_on=visited if chance.random() < 0.8 else None,
            closed_on=date(2027, 6, 30) if chance.random() < 0.02 else None,
        )
    return places, areas


def _inspector(number: int, offices: list[int], chance: random.Random) -> Member:
    served = []
    left = None
    if chance.random() < 0.5:  # came from a line office, lately or long ago
        left = TODAY - timedelta(days=chance.randint(10, 1400))
        served.append(Service(chance.choice(offices), None, left))
    now = BUREAU if chance.random() < 0.75 else chance.choice(offices[len(offices) // 10 :])
    served.append(Service(now, left, None))
    aside = tuple(
        (chance.choice(offices), Period(TODAY - timedelta(days=50), None))
        for _ in range(chance.choice([0, 0, 1, 2]))
    )
    ends = date(2027, chance.randint(2, 12), 1) if chance.random() < 0.1 else None
    term = Period(TODAY - timedelta(days=chance.randint(0, 90)), ends)
    return Member(number, f"Inspector {number:03}", term, tuple(served), aside)


def _count_some_twice(groups: dict[int, Group], chance: random.Random) -> None:
    """Let one inspector in ten be in a second group as well."""
    numbers = sorted(groups)
    for number in numbers:
        for member in groups[number].members:
            if len(numbers) > 1 and chance.random() < 0.1 and not member.is_leader:
                other = chance.choice([one for one in numbers if one != number])
                there = groups[other]
                twice = replace(member, term=Period(member.term.starts_on + timedelta(days=5)))
                if all(one.officer_id != member.officer_id for one in there.members):
                    groups[other] = replace(there, members=(*there.members, twice))


def _history(office: int, groups: int, chance: random.Random) -> tuple[Held, ...]:
    """Return the earlier periods of an office: most had a group last year, some have one still,
    into the new year or for all of it."""
    if chance.random() < 0.15:
        return ()
    group = chance.randint(1, groups)
    luck = chance.random()
    ends = STARTS if luck < 0.85 else date(2027, 4, 1) if luck < 0.93 else date(2028, 4, 1)
    return (Held(office * 10, group, Period(date(2026, 1, 1), ends)),)

"""What is to be planned: gaps in which no group has an office, the groups that could have it, and
what each would cost. All in whole numbers, so that two runs cannot differ in a last digit."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from rules import Said
from rules.assignments import (
    Group,
    Groups,
    Period,
    Place,
    Places,
    Planned,
    Policy,
    days_to_look_at,
    has_on,
    members_on,
    refusals_of,
)

OFFICE = 100
"""Points of load of an office for the whole period."""
OVERDUE = 10
"""Points more for each grievance of the office that is overdue: ten are as much work as one
office more."""
MOST_OVERDUE = 90
"""More than so many make no difference: one office does not fill a group."""
URGENT_OVERDUE = 50
"""From so many overdue grievances on an office is as urgent as can be."""
LONG_AGO = 3
"""After so many times the days between visits it is as long ago as can be."""

Tick = Callable[[int, int], None]


def silent(_done: int, _all: int) -> None:
    """Tell nobody how far it is."""


@dataclass(frozen=True)
class Wish:
    """What somebody asks for: a plan for the offices `office_ids` and the groups `group_ids` from
    `starts_on` to the day before `ends_on`; each group is given `most_offices` at most (None: as
    many as there are)."""

    starts_on: date
    ends_on: date
    office_ids: Collection[int]
    group_ids: Collection[int]
    most_offices: int | None = None

    @property
    def period(self) -> Period:
        return Period(self.starts_on, self.ends_on)


@dataclass(frozen=True)
class Gap:
    """Days within the period in which no group has an office. `load` in points; `urgency` from 0;
    `last_group` had the office before; `areas` are its own and those around it, nearest first.
    `allowed` are the places of the teams that may have it, `bars` says why others may not."""

    office_id: int
    period: Period
    load: int
    urgency: int
    last_group: int | None
    areas: tuple[int, ...]
    allowed: tuple[int, ...]
    bars: Mapping[int, tuple[Said, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Team:
    """A group as the plan sees it: how many members it has all through, what load in points and
    which areas it has in the period already."""

    group_id: int
    name: str
    members: int
    load: int = 0
    areas: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Problem:
    """Gaps in the order of their urgency, teams in the order of their names, what counts how
    much, and how many offices a group is given at most."""

    gaps: tuple[Gap, ...]
    teams: tuple[Team, ...]
    policy: Policy
    most_offices: int | None = None


def make_problem(
    wish: Wish,
    groups: Groups,
    offices: Places,
    policy: Policy,
    areas: Mapping[int, int | None],
    on: date,
    tick: Tick = silent,
) -> Problem:
    """Return what is to be planned. `groups` and `offices` are all there are, with every period
    until the end of the wish; `areas` gives each area the one around it; `on` is today.

    What cannot be is as rules/assignments.py says, and so are the sentences why. An office that a
    group has through the office above it is no gap. A group that is not there on any day of the
    period has no part in it, not even in what is a fair share.
    """
    teams = tuple(
        _team(group, wish, groups, offices, areas)
        for group in sorted(groups.values(), key=lambda one: (one.name, one.id))
        if group.id in wish.group_ids and group.life.meets(wish.period)
    )
    # Only groups that still have a day in the period can count a member twice there.
    related = {one.id: one for one in groups.values() if one.life.meets(wish.period)}
    related |= {team.group_id: groups[team.group_id] for team in teams}
    wanted = [offices[number] for number in sorted(wish.office_ids) if number in offices]
    gaps = []
    for done, office in enumerate(wanted):
        tick(done, len(wanted))
        gaps += [
            _gap(office, spell, wish, teams, related, offices, policy, areas, on)
            for spell in _free(office, wish.period)
            if has_on(office, offices, spell.starts_on) is None
        ]
    tick(len(wanted), len(wanted))
    gaps.sort(
        key=lambda one: (
            -one.urgency,
            offices[one.office_id].name,
            one.office_id,
            one.period.starts_on,
        )
    )
    return Problem(tuple(gaps), teams, policy, wish.most_offices)


def _gap(
    office: Place,
    spell: Period,
    wish: Wish,
    teams: tuple[Team, ...],
    groups: Groups,
    offices: Places,
    policy: Policy,
    areas: Mapping[int, int | None],
    on: date,
) -> Gap:
    bars = {}
    for place, team in enumerate(teams):
        planned = Planned(team.group_id, office.id, spell.starts_on, spell.ends_on)
        found = refusals_of(planned, groups, offices, policy, on)
        if found:
            bars[place] = tuple(found)
    return Gap(
        office_id=office.id,
        period=spell,
        load=_part(_points(office), spell, wish.period),
        urgency=_urgency(office, policy, on),
        last_group=_last_group(office, spell.starts_on),
        areas=_around(office.area_id, areas),
        allowed=tuple(place for place in range(len(teams)) if place not in bars),
        bars=bars,
    )


def _team(
    group: Group, wish: Wish, groups: Groups, offices: Places, areas: Mapping[int, int | None]
) -> Team:
    there = wish.period.within(group.life)
    days = days_to_look_at(there, groups) if there else []
    load = 0
    known: set[int] = set()
    for office in offices.values():
        for held in office.held:
            together = held.period.within(wish.period)
            if held.group_id == group.id and together is not None:
                load += _part(_points(office), together, wish.period)
                known.update(_around(office.area_id, areas))
    members = min((len(members_on(group, groups, day)) for day in days), default=0)
    return Team(group.id, group.name, max(members, 1), load, frozenset(known))


def _points(office: Place) -> int:
    return OFFICE + OVERDUE * min(office.overdue or 0, MOST_OVERDUE)


def _part(points: int, spell: Period, whole: Period) -> int:
    """Return the part of `points` that falls on the days of `spell`."""
    return round(points * (spell.until - spell.starts_on) / (whole.until - whole.starts_on))


def _urgency(office: Place, policy: Policy, on: date) -> int:
    """Return how much sooner than others an office is to be supervised: for what is overdue there
    and for the days since the last visit, as the weights say; never visited is longest ago."""
    overdue = min(office.overdue or 0, URGENT_OVERDUE) * 1000 // URGENT_OVERDUE
    longest = LONG_AGO * policy.visit_every_days
    days = longest if office.visited_on is None else max((on - office.visited_on).days, 0)
    since = min(days, longest) * 1000 // longest
    return policy.weight_overdue * overdue + policy.weight_since_visit * since


def _last_group(office: Place, day: date) -> int | None:
    """Return the group that had the office last before `day`."""
    before = [held for held in office.held if held.period.until <= day]
    latest = max(before, key=lambda held: held.period.until, default=None)
    return latest.group_id if latest else None


def _around(area_id: int | None, areas: Mapping[int, int | None]) -> tuple[int, ...]:
    """Return the area and those around it, without the one that contains all."""
    found: list[int] = []
    at = area_id
    while at is not None and at not in found:
        found.append(at)
        at = areas.get(at)
    return tuple(found[:-1]) if len(found) > 1 else tuple(found)


def _free(office: Place, wanted: Period) -> Iterator[Period]:
    """Yield the parts of `wanted` in which the office is open and nobody has it itself."""
    until = wanted.until
    if office.closed_on is not None:
        until = min(until, office.closed_on + timedelta(days=1))
    at = wanted.starts_on
    for held in sorted(office.held, key=lambda one: one.period.starts_on):
        if at < min(held.period.starts_on, until):
            yield Period(at, min(held.period.starts_on, until))
        at = max(at, held.period.until)
    if at < until:
        yield Period(at, until)

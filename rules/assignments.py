"""Which group may supervise which office, and when: the hard rules of domain.md sections 2 and 6.

Plain data in, sentences out. The board, its forms, the generated screens and the proposal ask here;
the database refuses overlaps, cooling-off and recusals once more (migration 0016), for raw SQL too.
Every period is from its first day to the first day after it; None: no end is set.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from rules import Said, mark
from rules.impartiality import COOLING_OFF_DAYS, line_above


@dataclass(frozen=True)
class Policy:
    """What the bureau has set for supervision: days for which one who left an office counts as
    serving it, members that a group needs, days after which an office is to be visited again, and
    what counts how much (0 to 100) when assignments are proposed."""

    cooling_off_days: int = COOLING_OFF_DAYS
    fewest_members: int = 2
    visit_every_days: int = 365
    weight_load: int = 40
    weight_overdue: int = 20
    weight_since_visit: int = 20
    weight_rotation: int = 10
    weight_travel: int = 10


@dataclass(frozen=True)
class Period:
    """Days from `starts_on` to the one before `ends_on`; None: no end is set."""

    starts_on: date
    ends_on: date | None = None

    @property
    def until(self) -> date:
        """The first day after it, the last day there is where no end is set."""
        return self.ends_on or date.max

    def meets(self, other: "Period") -> bool:
        """Return whether there is a day in both."""
        return self.starts_on < other.until and other.starts_on < self.until

    def holds(self, day: date) -> bool:
        """Return whether `day` is in it."""
        return self.starts_on <= day < self.until

    def within(self, other: "Period") -> "Period | None":
        """Return the days in both; None where there is none."""
        if not self.meets(other):
            return None
        until = min(self.until, other.until)
        return Period(max(self.starts_on, other.starts_on), None if until == date.max else until)


@dataclass(frozen=True)
class Service:
    """An office that an officer serves, or served: from `since` (None: from the first) to the day
    before `until` (None: to this day)."""

    office_id: int
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True)
class Member:
    """An officer's term in a group. `served` are all offices they ever served, `aside` those from
    which they stand aside, with the days; what two others set aside is not among them."""

    officer_id: int
    name: str
    term: Period
    served: tuple[Service, ...] = ()
    aside: tuple[tuple[int, Period], ...] = ()
    membership_id: int = 0
    is_leader: bool = False
    duty: str | None = None


@dataclass(frozen=True)
class Group:
    """A supervision group with all the terms of its members."""

    id: int
    name: str
    life: Period
    members: tuple[Member, ...] = ()


@dataclass(frozen=True)
class Held:
    """A period in which a group has an office, as it is recorded under `id`."""

    id: int
    group_id: int
    period: Period
    version_id: int = 1


@dataclass(frozen=True)
class Place:
    """An office: the one above it, its area, who has it and when, its grievances that are overdue,
    and the day of the last visit; `overdue` is None where both are out of sight."""

    id: int
    name: str
    parent_id: int | None = None
    closed_on: date | None = None
    area_id: int | None = None
    code: str = ""
    held: tuple[Held, ...] = ()
    overdue: int | None = 0
    visited_on: date | None = None


@dataclass(frozen=True)
class Planned:
    """A period that somebody wants: `group_id` supervises `office_id`. `instead_of` are records
    that it takes the place of, which are not in its way."""

    group_id: int
    office_id: int
    starts_on: date
    ends_on: date | None = None
    instead_of: frozenset[int] = field(default_factory=frozenset)

    @property
    def period(self) -> Period:
        return Period(self.starts_on, self.ends_on)


Groups = Mapping[int, Group]
Places = Mapping[int, Place]


def refusals(
    planned: Sequence[Planned], groups: Groups, offices: Places, policy: Policy, on: date
) -> list[Said]:
    """Return why `planned` cannot be, all of it together: a sentence for each reason, none where
    all of it can be. `groups` are all the groups there are, since who is in two is counted in one;
    `offices` hold at least those planned and those above and below; `on` is today.

    A period that is over already, an office that is closed, a group that is not there yet or no
    more, members too few on some day, another group that has the office, and each member who
    serves or served it (domain.md section 6) or stands aside from it.
    """
    each = refusals_of_each(planned, groups, offices, policy, on)
    return [said for sayings in each for said in sayings]


def refusals_of_each(
    planned: Sequence[Planned], groups: Groups, offices: Places, policy: Policy, on: date
) -> list[list[Said]]:
    """Return for each of `planned` why it cannot be, with those before it in place."""
    found = []
    before: dict[int, list[Planned]] = {}
    for one in planned:
        others = before.setdefault(one.office_id, [])
        met = [
            _in_the_way(one, other.group_id, other.period, groups, offices)
            for other in others
            if other.period.meets(one.period) and one.office_id in offices
        ]
        found.append([*refusals_of(one, groups, offices, policy, on), *met])
        others.append(one)
    return found


def refusals_of(
    one: Planned, groups: Groups, offices: Places, policy: Policy, on: date
) -> list[Said]:
    """Return why a single period cannot be, as `refusals` does."""
    group, office = groups.get(one.group_id), offices.get(one.office_id)
    if group is None:
        return [Said(mark("This group is not there any more. Choose another one."))]
    if office is None:
        return [Said(mark("This office is not there any more. Choose another one."))]
    if one.ends_on is not None and one.ends_on <= one.starts_on:
        return [Said(mark("The end must be after the start."))]
    return [
        *_of_the_days(one, group, office, on),
        *(
            _in_the_way(one, held.group_id, held.period, groups, offices)
            for held in office.held
            if held.id not in one.instead_of and held.period.meets(one.period)
        ),
        *_too_few(one, group, groups, policy),
        *_of_the_members(one, group, office, offices, policy),
    ]


def _of_the_days(one: Planned, group: Group, office: Place, on: date) -> Iterator[Said]:
    if one.ends_on is not None and one.ends_on <= on:
        yield Said(mark("This period is over already. Choose days that come."))
    if office.closed_on is not None and one.period.until > office.closed_on + timedelta(days=1):
        yield Said(
            mark("%(office)s closes on %(day)s. End the period on that day or before."),
            {"office": office.name, "day": office.closed_on},
        )
    if one.starts_on < group.life.starts_on:
        yield Said(
            mark("%(group)s is formed on %(day)s. Begin on that day or later."),
            {"group": group.name, "day": group.life.starts_on},
        )
    if one.period.until > group.life.until:
        yield Said(
            mark("%(group)s is dissolved on %(day)s. End the period on that day or before."),
            {"group": group.name, "day": group.life.until},
        )


def _in_the_way(
    one: Planned, group_id: int, period: Period, groups: Groups, offices: Places
) -> Said:
    group = groups.get(group_id)
    values = {
        "office": offices[one.office_id].name,
        "group": group.name if group else f"#{group_id}",
        "start": period.starts_on,
    }
    if period.ends_on is None:
        return Said(
            mark(
                "%(group)s has %(office)s from %(start)s on, without an end. End that period or "
                "move it."
            ),
            values,
        )
    return Said(
        mark(
            "%(group)s has %(office)s from %(start)s until before %(end)s. Choose other days, or "
            "move that period."
        ),
        values | {"end": period.ends_on},
    )


# --- Enough members ----------------------------------------------------------------------------


def members_on(group: Group, groups: Groups, day: date) -> frozenset[int]:
    """Return the officers who are counted as members of `group` on `day`. Nobody is booked twice:
    who is in two groups that work on that day is counted in the one they joined first, and where
    that was the same day, in the one that was made first."""
    return frozenset(
        member.officer_id
        for member in group.members
        if member.term.holds(day) and _counts_here(member, group, groups, day)
    )


def _counts_here(member: Member, group: Group, groups: Groups, day: date) -> bool:
    return not any(
        (other.term.starts_on, elsewhere.id) < (member.term.starts_on, group.id)
        for elsewhere in groups.values()
        if elsewhere.id != group.id and elsewhere.life.holds(day)
        for other in elsewhere.members
        if other.officer_id == member.officer_id and other.term.holds(day)
    )


def days_to_look_at(period: Period, groups: Groups) -> list[date]:
    """Return the days of `period` on which the number of members may change: its first, and each
    on which a term or a group begins or ends."""
    days = {period.starts_on}
    for group in groups.values():
        for spell in (group.life, *(member.term for member in group.members)):
            days.update(
                day
                for day in (spell.starts_on, spell.ends_on)
                if day is not None and period.holds(day)
            )
    return sorted(days)


def too_few_from(
    group: Group, groups: Groups, period: Period, policy: Policy
) -> tuple[date, int] | None:
    """Return the first day of `period` on which `group` has too few members, and how many it has
    then; None where it has enough on every day."""
    mine = {member.officer_id for member in group.members}
    related = {
        other.id: other
        for other in groups.values()
        if other.id == group.id or any(one.officer_id in mine for one in other.members)
    }
    for day in days_to_look_at(period, related):
        if not group.life.holds(day):
            continue  # that is another reason
        number = len(members_on(group, related, day))
        if number < policy.fewest_members:
            return day, number
    return None


def _too_few(one: Planned, group: Group, groups: Groups, policy: Policy) -> Iterator[Said]:
    short = too_few_from(group, groups, one.period, policy)
    if short is None:
        return
    day, number = short
    values = {
        "group": group.name,
        "day": day,
        "number": number,
        "fewest": policy.fewest_members,
    }
    twice = [
        member
        for member in group.members
        if member.term.holds(day) and not _counts_here(member, group, groups, day)
    ]
    if twice:
        yield Said(
            mark(
                "%(group)s has %(number)s of the %(fewest)s members it needs on %(day)s: "
                "%(member)s is in another group already and counts there."
            ),
            values | {"member": twice[0].name},
        )
        return
    yield Said(
        mark(
            "%(group)s has %(number)s of the %(fewest)s members it needs on %(day)s. Add a member, "
            "lengthen a term, or end the period before."
        ),
        values,
    )


# --- Impartial members -------------------------------------------------------------------------


def line_up(office_id: int, offices: Places) -> list[int]:
    """Return `office_id` and the offices above it, nearest first."""
    return list(line_above(office_id, _Tree(offices)))


class _Tree(Mapping[int, int | None]):
    """Each office with the one above it, read from places as they are asked for."""

    def __init__(self, offices: Places) -> None:
        self._offices = offices

    def __getitem__(self, office_id: int) -> int | None:
        return self._offices[office_id].parent_id

    def __iter__(self) -> Iterator[int]:
        return iter(self._offices)

    def __len__(self) -> int:
        return len(self._offices)


def is_too_near(served: int, supervised: int, offices: Places) -> bool:
    """Return whether who serves the office `served` must not supervise `supervised`: the same, one
    below it, or one above it. The office on top of the tree is above all and bars from itself
    alone, or nobody of the district's own office could ever inspect."""
    if served == supervised or supervised in line_up(served, offices):
        return True
    if served not in line_up(supervised, offices):
        return False
    return offices[served].parent_id is not None


def clashes(service: Service, period: Period, policy: Policy) -> bool:
    """Return whether a service counts in `period`: it is in it, or ended less than the days of
    cooling-off before it."""
    if service.since is not None and service.since >= period.until:
        return False
    if service.until is None:
        return True
    return service.until + timedelta(days=policy.cooling_off_days) > period.starts_on


def bar_of(
    member: Member, office: Place, period: Period, offices: Places, policy: Policy
) -> Said | None:
    """Return why `member` must not inspect `office` in `period`, in a sentence that names both;
    None where they may. Their term is not asked about."""
    values = {"member": member.name, "office": office.name}
    for service in member.served:
        if not is_too_near(service.office_id, office.id, offices):
            continue
        if not clashes(service, period, policy):
            continue
        near = offices[service.office_id].name
        if service.until is None and service.office_id == office.id:
            return Said(mark("%(member)s serves %(office)s, and so must not inspect it."), values)
        if service.until is None:
            return Said(
                mark(
                    "%(member)s serves %(near)s, of the same line as %(office)s, and so must not "
                    "inspect it."
                ),
                values | {"near": near},
            )
        return Said(
            mark(
                "%(member)s served %(near)s until %(day)s and may not inspect %(office)s before "
                "%(free)s."
            ),
            values
            | {
                "near": near,
                "day": service.until,
                "free": service.until + timedelta(days=policy.cooling_off_days),
            },
        )
    if any(place == office.id and spell.meets(period) for place, spell in member.aside):
        return Said(mark("%(member)s stands aside from %(office)s."), values)
    return None


def _of_the_members(
    one: Planned, group: Group, office: Place, offices: Places, policy: Policy
) -> Iterator[Said]:
    for member in group.members:
        together = member.term.within(one.period)
        if together is None:
            continue
        barred = bar_of(member, office, together, offices, policy)
        if barred is not None:
            yield barred


# --- What is not as it should be ---------------------------------------------------------------


@dataclass(frozen=True)
class Coverage:
    """What a look at one day shows: offices that no group has, offices that were not visited for
    too long (`visit_every_days`), and the offices of each group."""

    without_group: tuple[int, ...]
    not_visited: tuple[int, ...]
    load: Mapping[int, int]


def has_on(office: Place, offices: Places, day: date) -> Held | None:
    """Return who has `office` on `day`: its own period, else that of the nearest office above it,
    except the top of the tree, since a group supervises what is below its office too."""
    for number in line_up(office.id, offices):
        place = offices.get(number)
        if place is None:
            break
        if number != office.id and place.parent_id is None:
            break
        for held in place.held:
            if held.period.holds(day):
                return held
    return None


def coverage(offices: Places, groups: Iterable[int], policy: Policy, on: date) -> Coverage:
    """Return what `on` shows of the offices that are open then. An office below one that a group
    has is covered by it; the top of the tree, which has nobody above, is not asked for, nor are
    visits to offices that are out of sight."""
    is_open = [
        place for place in offices.values() if place.closed_on is None or place.closed_on >= on
    ]
    parents = {place.parent_id for place in offices.values()}
    asked = [place for place in is_open if place.parent_id is not None or place.id not in parents]
    since = on - timedelta(days=policy.visit_every_days)
    load = dict.fromkeys(groups, 0)
    for place in is_open:
        for held in place.held:
            if held.period.holds(on):
                load[held.group_id] = load.get(held.group_id, 0) + 1
    return Coverage(
        without_group=tuple(one.id for one in asked if has_on(one, offices, on) is None),
        not_visited=tuple(
            one.id
            for one in asked
            if one.overdue is not None and (one.visited_on is None or one.visited_on < since)
        ),
        load=load,
    )

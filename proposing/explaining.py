"""Why the plan is as it is, in sentences: for each office that is placed what speaks for its group
and why it is not another one, for each that is not what stands in the way."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from proposing.problem import OFFICE, Gap, Problem
from proposing.solving import NOBODY, Plan
from rules import Said, mark
from rules.assignments import Places


@dataclass(frozen=True)
class Load:
    """What a group has with the plan: the offices that it is given, its load and the load that
    would be fair, both in offices' worth of work, and its members."""

    group_id: int
    offices: int
    load: float
    share: float
    members: int


def loads(problem: Problem, plan: Plan) -> list[Load]:
    """Return what each group has with `plan`, in the order of the groups' names."""
    seen = _Seen(problem, plan)
    return [
        Load(
            team.group_id,
            plan.teams.count(place),
            round(seen.loads[place] / OFFICE, 2),
            round(plan.shares[place] / OFFICE, 2),
            team.members,
        )
        for place, team in enumerate(problem.teams)
    ]


def explain(
    problem: Problem,
    plan: Plan,
    offices: Places,
    areas: Mapping[int, str],
    groups: Mapping[int, str],
) -> list[list[Said]]:
    """Return for each gap of `problem` why it is placed as it is, or is not. `areas` and `groups`
    give names."""
    seen = _Seen(problem, plan)
    return [
        _why_not(problem, gap, seen)
        if plan.teams[place] == NOBODY
        else _why(problem, plan, place, seen, offices, areas, groups)
        for place, gap in enumerate(problem.gaps)
    ]


class _Seen:
    """The loads and areas of each team with the plan."""

    def __init__(self, problem: Problem, plan: Plan) -> None:
        self.loads = [team.load for team in problem.teams]
        self.given = [0] * len(problem.teams)
        self.areas: list[dict[int, int]] = [dict.fromkeys(team.areas, 1) for team in problem.teams]
        for gap, team in zip(problem.gaps, plan.teams, strict=True):
            if team != NOBODY:
                self.loads[team] += gap.load
                self.given[team] += 1
                for area in gap.areas:
                    self.areas[team][area] = self.areas[team].get(area, 0) + 1

    def new_areas(self, team: int, gap: Gap, *, has_it: bool) -> list[int]:
        """Return the areas of `gap` to which `team` goes for this gap alone, or would go."""
        others = 1 if has_it else 0
        return [area for area in gap.areas if self.areas[team].get(area, 0) <= others]


# --- Placed ------------------------------------------------------------------------------------


def _why(
    problem: Problem,
    plan: Plan,
    place: int,
    seen: _Seen,
    offices: Places,
    areas: Mapping[int, str],
    groups: Mapping[int, str],
) -> list[Said]:
    gap, team = problem.gaps[place], plan.teams[place]
    group = problem.teams[team].name
    said = [_what_presses(gap, offices)]
    if len(gap.allowed) == 1 and len(problem.teams) > 1:
        said.append(Said(mark("%(group)s is the only one that may have it."), {"group": group}))
    said += _what_speaks_for(problem, plan, gap, team, seen, areas, groups)
    best = _next_best(problem, plan, gap, team, seen)
    if best is not None:
        said.append(_against(problem, plan, gap, team, best, seen, areas))
    said += [
        Said(
            mark("Not %(group)s: %(why)s"),
            {"group": problem.teams[other].name, "why": reasons[0]},
        )
        for other, reasons in gap.bars.items()
    ]
    return said


def _what_presses(gap: Gap, offices: Places) -> Said:
    office = offices[gap.office_id]
    overdue = office.overdue or 0
    if office.visited_on is None:
        return Said(mark("Overdue there: %(overdue)s. Never visited."), {"overdue": overdue})
    return Said(
        mark("Overdue there: %(overdue)s. Last visited on %(day)s."),
        {"overdue": overdue, "day": office.visited_on},
    )


def _what_speaks_for(
    problem: Problem,
    plan: Plan,
    gap: Gap,
    team: int,
    seen: _Seen,
    areas: Mapping[int, str],
    groups: Mapping[int, str],
) -> list[Said]:
    group = problem.teams[team].name
    said = [
        Said(
            mark("%(group)s has %(load)s offices' worth of work with it; %(share)s is fair."),
            {
                "group": group,
                "load": _offices(seen.loads[team]),
                "share": _offices(plan.shares[team]),
            },
        )
    ]
    if gap.areas:
        words = (
            mark("%(group)s goes to %(area)s for this office.")
            if seen.new_areas(team, gap, has_it=True)[:1] == [gap.areas[0]]
            else mark("%(group)s goes to %(area)s for other offices as well.")
        )
        said.append(Said(words, {"group": group, "area": areas.get(gap.areas[0], "?")}))
    if gap.last_group is not None:
        last = groups.get(gap.last_group, f"#{gap.last_group}")
        words = (
            mark("%(last)s had it last time as well.")
            if gap.last_group == problem.teams[team].group_id
            else mark("Another group than last time: that was %(last)s.")
        )
        said.append(Said(words, {"last": last}))
    return said


def _next_best(problem: Problem, plan: Plan, gap: Gap, team: int, seen: _Seen) -> int | None:
    """Return the group that would cost least if it had the office instead and all else stayed."""
    others = [other for other in gap.allowed if other != team]
    return min(
        others, key=lambda one: (_more(problem, plan, gap, team, one, seen), one), default=None
    )


def _more(problem: Problem, plan: Plan, gap: Gap, team: int, other: int, seen: _Seen) -> float:
    return sum(_differences(problem, plan, gap, team, other, seen))


def _differences(
    problem: Problem, plan: Plan, gap: Gap, team: int, other: int, seen: _Seen
) -> tuple[float, float, float]:
    """Return how much more it would cost in load, in rotation and in ways if `other` had the
    office instead of `team`."""
    policy = problem.policy

    def beside(one: int, load: int) -> int:
        return abs(load - plan.shares[one])

    load = (
        beside(other, seen.loads[other] + gap.load)
        + beside(team, seen.loads[team] - gap.load)
        - beside(other, seen.loads[other])
        - beside(team, seen.loads[team])
    )
    again = [problem.teams[one].group_id == gap.last_group for one in (other, team)]
    ways = len(seen.new_areas(other, gap, has_it=False)) - len(
        seen.new_areas(team, gap, has_it=True)
    )
    return (
        policy.weight_load * load / OFFICE,
        policy.weight_rotation * (again[0] - again[1]),
        policy.weight_travel * ways,
    )


def _against(
    problem: Problem,
    plan: Plan,
    gap: Gap,
    team: int,
    other: int,
    seen: _Seen,
    areas: Mapping[int, str],
) -> Said:
    """Return what speaks against the next best group: the heaviest reason."""
    values = {"group": problem.teams[other].name}
    most = problem.most_offices
    if most is not None and seen.given[other] >= most:
        return Said(
            mark("Next best would be %(group)s, which has all the offices it may have."), values
        )
    load, again, ways = _differences(problem, plan, gap, team, other, seen)
    heaviest = max(load, again, ways)
    if heaviest <= 0:
        return Said(mark("%(group)s would do as well."), values)
    if heaviest == load:
        return Said(mark("Next best would be %(group)s: the load would be less even."), values)
    if heaviest == again:
        return Said(mark("Next best would be %(group)s: it had the office last time."), values)
    new = seen.new_areas(other, gap, has_it=False)
    return Said(
        mark("Next best would be %(group)s: it would go to %(area)s for this office alone."),
        values | {"area": areas.get(new[0], "?")},
    )


# --- Not placed --------------------------------------------------------------------------------


def _why_not(problem: Problem, gap: Gap, seen: _Seen) -> list[Said]:
    if not problem.teams:
        return [Said(mark("There is no group that could have it."))]
    said: list[Said] = []
    if not gap.allowed:
        said.append(Said(mark("No group may have it in these days.")))
    else:
        said.append(
            Said(
                mark(
                    "Each group that may have it has %(most)s offices already, of which more is "
                    "overdue or which were not visited for longer."
                ),
                {"most": problem.most_offices},
            )
        )
    said += [
        Said(mark("%(group)s: %(why)s"), {"group": problem.teams[other].name, "why": why})
        for other, reasons in gap.bars.items()
        for why in reasons
    ]
    return said


def _offices(points: int) -> float:
    return round(points / OFFICE, 1)


# --- Kept --------------------------------------------------------------------------------------

Kept = dict[str, object]


def to_json(said: Said) -> Kept:
    """Return a sentence as it is kept, to be shown in the language of whoever reads it."""
    values: dict[str, object] = {}
    for name, value in said.values.items():
        if isinstance(value, Said):
            values[name] = to_json(value)
        elif isinstance(value, date):
            values[name] = {"day": value.isoformat()}
        else:
            values[name] = value
    return {"sentence": said.sentence, "values": values}


def from_json(kept: Mapping[str, object]) -> Said:
    """Return the sentence that `to_json` wrote."""
    given = kept.get("values")
    values: dict[str, object] = {}
    for name, value in (given if isinstance(given, dict) else {}).items():
        if isinstance(value, dict) and "sentence" in value:
            values[name] = from_json(value)
        elif isinstance(value, dict):
            values[name] = date.fromisoformat(value["day"])
        else:
            values[name] = value
    return Said(str(kept["sentence"]), values)

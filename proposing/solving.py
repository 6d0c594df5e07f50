"""Finding the plan: who can be placed at all, a first plan, then part after part of it anew by the
solver until nothing gets better.

One model of everything is beyond any solver at twenty groups and a thousand offices: after two
minutes HiGHS has nothing better than it was given. So a few groups at a time are planned anew,
with all of their offices, and the rest stays. Each part is small enough to be solved to its end.
Nothing is ended by a clock, so that a slow machine comes to the same plan as a fast one.
"""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from proposing.parts import Choice, solve_part
from proposing.problem import Problem, Tick, silent

MOST_CHOICES = 260
"""Pairs of office and group in a part; with more the solver takes longer than it gains."""
ROUNDS = 6
"""How often each group is planned anew at most."""
HAIR = 1e-6
"""Less than any load, more than what dividing and multiplying again leaves over."""
BAND = 20
"""How much more it costs to leave the band of loads than to leave the fair share."""

NOBODY = -1


@dataclass(frozen=True)
class Plan:
    """For each gap of the problem the place of its team, NOBODY where there is none; the load that
    would be fair for each team, in points; the spread of load (the largest less the smallest per
    member, in points) and the spread of the simple plan beside it, whose load is no more even."""

    teams: tuple[int, ...]
    shares: tuple[int, ...]
    spread: float
    simple_spread: float


def work_out(problem: Problem, tick: Tick = silent) -> Plan:
    """Return the plan. First the gaps that can be placed, the more urgent before the others; then
    of all ways to place them the one that costs least: load beside the fair share, the same group
    as last time, one more area to go to, each as the weights say. With a weight on load the plan
    is at least as even as one made by hand that always takes the group with the least to do."""
    if not problem.teams:
        return Plan((NOBODY,) * len(problem.gaps), (), 0, 0)
    placed = _can_be_placed(problem)
    shares = _fair_shares(problem, placed)
    simple = _simple(problem, placed)
    loads = _loads(problem, simple)
    even = _per_member(problem, loads)
    chosen = Choice(problem, shares, *_band(problem, loads), BAND)
    steps = _Steps(tick, ROUNDS)
    best = _improve(chosen, _first(chosen, placed), steps)
    if problem.policy.weight_load and _spread(problem, best) > max(even) - min(even) + HAIR:
        # From the simple plan, and never out of its band.
        steps.begin_again()
        best = _improve(Choice(problem, shares, *_band(problem, loads), None), simple, steps)
    return Plan(
        tuple(best),
        tuple(shares),
        round(_spread(problem, best), 2),
        round(max(even) - min(even), 2),
    )


class _Steps:
    """How far it is: rounds done of those there may be."""

    def __init__(self, tick: Tick, most: int) -> None:
        self._tick, self._most, self._done = tick, most, 0

    def begin_again(self) -> None:
        self._most += self._done

    def one_more(self) -> None:
        self._done += 1
        self._tick(min(self._done, self._most), self._most)


# --- Who can be placed -------------------------------------------------------------------------


def _can_be_placed(problem: Problem) -> list[int]:
    """Return for each gap a team that can take it, with no team over its number of offices; of
    those that do not all fit, the more urgent ones (they come first). A gap is refused only where
    no exchange among those before it makes room: so many as can be placed are."""
    teams = [NOBODY] * len(problem.gaps)
    taken: list[set[int]] = [set() for _ in problem.teams]
    for gap in range(len(problem.gaps)):
        _make_room(problem, gap, teams, taken)
    return teams


def _make_room(problem: Problem, gap: int, teams: list[int], taken: list[set[int]]) -> bool:
    """Place `gap`, moving others aside where that makes room (an augmenting path, breadth first);
    return whether it could be placed."""
    most = len(problem.gaps) if problem.most_offices is None else problem.most_offices
    came_from: dict[int, tuple[int, int]] = {}
    queue = [gap]
    for at in queue:
        for team in problem.gaps[at].allowed:
            if team in came_from:
                continue
            came_from[team] = (at, teams[at])
            if len(taken[team]) < most:
                _move_along(team, came_from, gap, teams, taken)
                return True
            queue += sorted(taken[team])
    return False


def _move_along(
    team: int,
    came_from: dict[int, tuple[int, int]],
    gap: int,
    teams: list[int],
    taken: list[set[int]],
) -> None:
    while True:
        moved, left = came_from[team]
        taken[team].add(moved)
        teams[moved] = team
        if moved == gap:
            return
        taken[left].discard(moved)
        team = left


# --- First plans -------------------------------------------------------------------------------


def _fair_shares(problem: Problem, placed: Sequence[int]) -> list[int]:
    """Return for each team its part, by its members, of all there is to do."""
    total = sum(one.load for one in problem.teams)
    total += sum(gap.load for gap, team in zip(problem.gaps, placed, strict=True) if team != NOBODY)
    members = sum(one.members for one in problem.teams)
    return [round(total * one.members / members) for one in problem.teams]


def _simple(problem: Problem, placed: Sequence[int]) -> list[int]:
    """Return the plan that somebody makes by hand: the largest first, each to the group with the
    least to do of those that may have it."""
    taken: list[set[int]] = [set() for _ in problem.teams]
    teams = [NOBODY] * len(placed)
    loads = [one.load for one in problem.teams]
    todo = [gap for gap, team in enumerate(placed) if team != NOBODY]
    for gap in sorted(todo, key=lambda one: (-problem.gaps[one].load, one)):
        load = problem.gaps[gap].load
        fit = [team for team in problem.gaps[gap].allowed if _has_room(problem, taken[team])]
        if not fit:
            return list(placed)
        team = min(fit, key=lambda one: ((loads[one] + load) / problem.teams[one].members, one))
        teams[gap] = team
        taken[team].add(gap)
        loads[team] += load
    return teams


def _has_room(problem: Problem, taken: set[int]) -> bool:
    return problem.most_offices is None or len(taken) < problem.most_offices


def _first(chosen: Choice, placed: Sequence[int]) -> list[int]:
    """Return a first plan that keeps areas together: area by area, each office to the group that
    costs least with what it has by then."""
    problem = chosen.problem
    teams = [NOBODY] * len(placed)
    taken: list[set[int]] = [set() for _ in problem.teams]
    loads = [one.load for one in problem.teams]
    known = [set(one.areas) for one in problem.teams]
    for gap in _by_area(problem, placed):
        one = problem.gaps[gap]
        fit = [team for team in one.allowed if _has_room(problem, taken[team])]
        if not fit:
            return list(placed)

        def cost(team: int, one: int = gap) -> tuple[float, float, int]:
            gap_ = problem.gaps[one]
            over = max(0, loads[team] + gap_.load - chosen.shares[team])
            more = sum(area not in known[team] for area in gap_.areas)
            total = 2 * chosen.load_cost * over + chosen.area_cost * more
            total += chosen.again_cost * (problem.teams[team].group_id == gap_.last_group)
            return total, loads[team] / problem.teams[team].members, team

        team = min(fit, key=cost)
        teams[gap] = team
        taken[team].add(gap)
        loads[team] += one.load
        known[team].update(one.areas)
    return teams


def _by_area(problem: Problem, placed: Sequence[int]) -> list[int]:
    """Return the gaps that are to be placed, area after area, the largest areas first."""
    size: dict[tuple[int, ...], int] = {}
    for gap in problem.gaps:
        size[gap.areas] = size.get(gap.areas, 0) + gap.load
    todo = [gap for gap, team in enumerate(placed) if team != NOBODY]

    def order(gap: int) -> tuple[object, ...]:
        one = problem.gaps[gap]
        return (one.areas[1:], -size[one.areas], one.areas, -one.load, gap)

    return sorted(todo, key=order)


# --- Getting better ----------------------------------------------------------------------------


def _improve(chosen: Choice, teams: list[int], steps: _Steps) -> list[int]:
    """Return the plan after rounds in which each group was planned anew together with a few
    others; ended by a round that changes nothing."""
    # Not for security: a fixed seed, so that the same picture gives the same plan.
    shuffle = random.Random(7)  # noqa: S311
    together = _how_many(chosen.problem, teams)
    everything = len(chosen.problem.teams)
    for _ in range(ROUNDS):
        steps.one_more()
        before = list(teams)
        for part in _parts(everything, together, shuffle):
            teams = solve_part(chosen, teams, part)
        if teams == before or together >= everything:
            break
    return teams


def _how_many(problem: Problem, teams: Sequence[int]) -> int:
    """Return how many groups are planned anew together: two at least, as many as the solver can
    take at once."""
    todo = [gap for gap, team in zip(problem.gaps, teams, strict=True) if team != NOBODY]
    everybody = max(len(problem.teams), 1)
    choices = sum(len(gap.allowed) for gap in todo)
    together = 2
    while together < everybody and choices * ((together + 1) / everybody) ** 2 <= MOST_CHOICES:
        together += 1
    return together


def _parts(everything: int, together: int, shuffle: random.Random) -> Iterator[list[int]]:
    order = list(range(everything))
    shuffle.shuffle(order)
    for at in range(0, everything, together):
        part = order[at : at + together]
        if len(part) < together:  # the last ones, together with some that had their turn
            part += order[: together - len(part)]
        yield sorted(set(part))


# --- Loads -------------------------------------------------------------------------------------


def _loads(problem: Problem, teams: Sequence[int]) -> list[int]:
    loads = [one.load for one in problem.teams]
    for gap, team in zip(problem.gaps, teams, strict=True):
        if team != NOBODY:
            loads[team] += gap.load
    return loads


def _per_member(problem: Problem, loads: Sequence[int]) -> list[float]:
    return [load / team.members for load, team in zip(loads, problem.teams, strict=True)]


def _spread(problem: Problem, teams: Sequence[int]) -> float:
    even = _per_member(problem, _loads(problem, teams))
    return max(even, default=0) - min(even, default=0)


def _band(problem: Problem, loads: Sequence[int]) -> tuple[list[int], list[int]]:
    """Return the least and the most load of each team in a plan as even as one with `loads`."""
    even = _per_member(problem, loads)
    least, most = min(even, default=0), max(even, default=0)
    low = [math.ceil(least * team.members - HAIR) for team in problem.teams]
    high = [math.floor(most * team.members + HAIR) for team in problem.teams]
    return low, high

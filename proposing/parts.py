"""A part of the plan as a model of whole numbers, solved by HiGHS to its end or to a number of
steps that is the same on every machine."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np

from proposing.problem import OFFICE, Problem

NODES = 5
"""Branches that the solver looks into at most, for each part."""
ENOUGH = 0.005
"""A part is good enough when it can be better by this share at most."""
SMALL = 2.0
"""Or by this cost: a fifth of what one more area costs by the usual weights."""
FREE = highspy.kHighsInf


@dataclass(frozen=True)
class Choice:
    """What a choice costs: the problem, the fair share of each team in points, and the band of
    loads [`low`, `high`] that a plan should keep to: to leave it costs `beyond` times as much as
    to leave the share; None: it must not be left."""

    problem: Problem
    shares: Sequence[int]
    low: Sequence[int]
    high: Sequence[int]
    beyond: int | None

    @property
    def load_cost(self) -> float:
        """What a point of load beside the fair share costs; a weight is what an office costs."""
        return self.problem.policy.weight_load / OFFICE

    @property
    def again_cost(self) -> float:
        """What it costs that the group of last time comes again."""
        return float(self.problem.policy.weight_rotation)

    @property
    def area_cost(self) -> float:
        """What it costs that a group must go to one more area."""
        return float(self.problem.policy.weight_travel)


class _Model:
    """Columns and rows of a model, with the values that are known to be possible."""

    def __init__(self) -> None:
        self.costs: list[float] = []
        self.most: list[float] = []
        self.whole: list[bool] = []
        self.known: list[float] = []
        self.rows: list[tuple[float, float, list[tuple[int, float]]]] = []

    def column(self, cost: float, most: float, *, whole: bool, known: float) -> int:
        self.costs.append(cost)
        self.most.append(most)
        self.whole.append(whole)
        self.known.append(known)
        return len(self.costs) - 1

    def row(self, low: float, high: float, terms: list[tuple[int, float]]) -> None:
        self.rows.append((low, high, terms))

    def solve(self) -> list[float]:
        """Return the values of the columns: the best found, no worse than the known ones."""
        highs = highspy.Highs()  # type: ignore[no-untyped-call]  # as it comes
        highs.setOptionValue("output_flag", False)
        highs.setOptionValue("threads", 1)  # one, so that two runs do the same
        highs.setOptionValue("parallel", "off")
        highs.setOptionValue("mip_max_nodes", NODES)
        highs.setOptionValue("mip_rel_gap", ENOUGH)
        highs.setOptionValue("mip_abs_gap", SMALL)
        highs.passModel(self._written())
        columns = np.arange(len(self.costs), dtype=np.int32)
        highs.setSolution(len(columns), columns, np.array(self.known))
        highs.run()
        found = highs.getInfo().primal_solution_status
        if found != highspy.SolutionStatus.kSolutionStatusFeasible:
            return self.known
        return list(highs.getSolution().col_value)

    def _written(self) -> Any:
        model = highspy.HighsLp()
        model.num_col_, model.num_row_ = len(self.costs), len(self.rows)
        model.col_cost_ = np.array(self.costs)
        model.col_lower_ = np.zeros(len(self.costs))
        model.col_upper_ = np.array(self.most)
        model.row_lower_ = np.array([low for low, _high, _terms in self.rows])
        model.row_upper_ = np.array([high for _low, high, _terms in self.rows])
        kinds = highspy.HighsVarType
        model.integrality_ = [kinds.kInteger if one else kinds.kContinuous for one in self.whole]
        starts = np.cumsum([0, *(len(terms) for _low, _high, terms in self.rows)])
        entries = [entry for _low, _high, terms in self.rows for entry in terms]
        model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        model.a_matrix_.start_ = starts.astype(np.int32)
        model.a_matrix_.index_ = np.array([column for column, _value in entries], dtype=np.int32)
        model.a_matrix_.value_ = np.array([value for _column, value in entries], dtype=float)
        return model


def solve_part(chosen: Choice, teams: Sequence[int], part: Sequence[int]) -> list[int]:
    """Return the plan `teams` with all that the teams of `part` have shared out among them anew,
    at the least cost; no worse than it was."""
    problem = chosen.problem
    here = set(part)
    gaps = [gap for gap, team in enumerate(teams) if team in here]
    model = _Model()
    taken: dict[tuple[int, int], int] = {}
    for gap in gaps:
        one = problem.gaps[gap]
        choices = []
        for team in one.allowed:
            if team in here:
                again = problem.teams[team].group_id == one.last_group
                known = float(teams[gap] == team)
                column = model.column(chosen.again_cost * again, 1, whole=True, known=known)
                taken[gap, team] = column
                choices.append((column, 1.0))
        model.row(1, 1, choices)
    _count_areas(chosen, model, taken)
    for team in part:
        mine = [(gap, column) for (gap, of), column in taken.items() if of == team]
        _count_load(chosen, model, team, [(problem.gaps[gap].load, column) for gap, column in mine])
        if problem.most_offices is not None:
            model.row(-FREE, problem.most_offices, [(column, 1.0) for _gap, column in mine])
    values = model.solve()
    found = list(teams)
    for (gap, team), column in taken.items():
        if values[column] > 0.5:
            found[gap] = team
    return found


def _count_areas(chosen: Choice, model: _Model, taken: dict[tuple[int, int], int]) -> None:
    """Let each area cost once that a team must go to for what it is given: who goes to an area
    goes to the one around it too. What the team has there already makes it free."""
    problem = chosen.problem
    goes: dict[tuple[int, int], int] = {}
    for (gap, team), column in taken.items():
        inner, is_bound = column, False
        for area in problem.gaps[gap].areas:
            if area in problem.teams[team].areas:
                break
            is_known = (team, area) in goes
            if not is_known:
                goes[team, area] = model.column(chosen.area_cost, 1, whole=False, known=0)
            outer = goes[team, area]
            model.known[outer] = max(model.known[outer], model.known[column])
            if not is_bound:
                model.row(-FREE, 0, [(inner, 1.0), (outer, -1.0)])
            inner, is_bound = outer, is_known  # what was known is bound to those around it


def _count_load(chosen: Choice, model: _Model, team: int, mine: list[tuple[int, int]]) -> None:
    """Let load beside the fair share cost, and load outside of the band more, or not be."""
    already = chosen.problem.teams[team].load
    now = already + sum(load for load, column in mine if model.known[column])
    share, low, high = (bound[team] for bound in (chosen.shares, chosen.low, chosen.high))
    terms = [(column, float(load)) for load, column in mine]
    beside = model.column(chosen.load_cost, FREE, whole=False, known=abs(now - share))
    model.row(-FREE, share - already, [*terms, (beside, -1.0)])
    model.row(share - already, FREE, [*terms, (beside, 1.0)])
    if not chosen.load_cost:
        return
    if chosen.beyond is None:
        model.row(low - already, high - already, terms)
        return
    out = max(now - high, low - now, 0)
    beyond = model.column(chosen.load_cost * chosen.beyond, FREE, whole=False, known=out)
    model.row(-FREE, high - already, [*terms, (beyond, -1.0)])
    model.row(low - already, FREE, [*terms, (beyond, 1.0)])

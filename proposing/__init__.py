"""A plan of which group supervises which office, worked out over plain data.

    problem = make_problem(wish, groups, offices, policy, areas, today)
    plan = work_out(problem)

In go the picture of queries/supervision.py and what is wished for; out comes, for each office that
nobody has, the group that is proposed with the reasons, or why none could be. Nothing here reads a
database or a clock, and nothing is left to chance: the same picture gives the same plan.
docs/decisions/0077-proposals.md says why it is done so.
"""

from proposing.explaining import Load, explain, from_json, loads, to_json
from proposing.problem import Gap, Problem, Team, Tick, Wish, make_problem
from proposing.solving import NOBODY, Plan, work_out

__all__ = [
    "NOBODY",
    "Gap",
    "Load",
    "Plan",
    "Problem",
    "Team",
    "Tick",
    "Wish",
    "explain",
    "from_json",
    "loads",
    "make_problem",
    "to_json",
    "work_out",
]

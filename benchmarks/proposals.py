"""`python -m benchmarks.proposals`: how long a proposal of assignments takes, and how even it is.
Exits 1 where a promise of issue 6 is not kept: 5 groups x 120 offices in under 5 s, 20 x 1,000 in
under 60 s, twice the same plan."""

import sys
import time

from proposing import NOBODY, Plan, Problem, loads, make_problem, work_out
from tests.bureaus import BUREAU, ENDS, STARTS, TODAY, Bureau, make_bureau
from tests.test_proposing import wish

SIZES = ((5, 120, 60, 5.0), (10, 300, 120, 60.0), (20, 1000, 240, 60.0))


def measure(bureau: Bureau) -> tuple[Problem, Plan, float]:
    """Return the problem, the plan and the seconds that both took."""
    begun = time.monotonic()
    problem = make_problem(
        wish(bureau), bureau.groups, bureau.offices, bureau.policy, bureau.areas, TODAY
    )
    plan = work_out(problem)
    return problem, plan, time.monotonic() - begun


def main() -> int:
    """Print a line for each size; return 1 where a promise is not kept."""
    print(f"Proposals for {STARTS} to {ENDS}, offices numbered from {BUREAU + 1}")
    kept = True
    for groups, offices, inspectors, most in SIZES:
        bureau = make_bureau(groups, offices, inspectors)
        problem, plan, seconds = measure(bureau)
        again = measure(bureau)[1]
        is_kept = seconds < most and plan == again
        kept = kept and is_kept
        placed = len(plan.teams) - plan.teams.count(NOBODY)
        beside = sum(abs(one.load - one.share) for one in loads(problem, plan))
        print(
            f"{groups:3} groups x {offices:5} offices x {inspectors:4} inspectors: {seconds:5.1f} s"
            f" (at most {most:.0f}), {placed} of {len(plan.teams)} placed, spread for each member"
            f" {plan.spread / 100:.3f} offices (simple plan {plan.simple_spread / 100:.3f}), beside"
            f" the fair shares {beside:.2f}, the same twice: {plan == again}"
            f"{'' if is_kept else '  NOT KEPT'}"
        )
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())

"""150,000 inputs over every form and every query string: no answer of 5xx (promise B9).

`make fuzz` sends all of them, `make check` some. FUZZ_SEED=7 sends others, FUZZ_INPUTS=1000
fewer. A failure prints the smallest request that shows it.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import config
from tests.conftest import WORKER

SEED = int(os.environ.get("FUZZ_SEED", "20261122"))
INPUTS = int(os.environ.get("FUZZ_INPUTS", "2000"))
# Each finds every form and link first. Where tests run side by side the others keep it company.
PROCESSES = 1 if WORKER else min(2, os.cpu_count() or 1)


def test_nothing_that_is_sent_makes_the_desk_fail(
    fresh_database: Callable[[], str], tmp_path: Path, figures: Callable[[str], None]
) -> None:
    share = -(-INPUTS // PROCESSES)
    running = []
    for n in range(PROCESSES):
        first, last = n * share, min((n + 1) * share, INPUTS)
        place = tmp_path / str(n)
        place.mkdir()
        command = [sys.executable, "-m", "tests.fuzzing.run", fresh_database(), str(place)]
        command += [str(SEED), str(first), str(last)]
        running.append(
            subprocess.Popen(
                command, cwd=config.HOME, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
        )
    results: list[Any] = []
    for process in running:
        told, wrong = process.communicate()
        assert process.returncode == 0, wrong[-3000:]
        results.append(json.loads(told.splitlines()[-1]))
    sent = sum(result["inputs"] for result in results)
    statuses = sum((Counter(result["statuses"]) for result in results), Counter[str]())
    seconds, slowest = (
        max(result["seconds"] for result in results),
        max(r["slowest"] for r in results),
    )
    reached = set().union(*(result["routes"] for result in results))
    parts = results[0]["parts"]
    failed = sum(number for status, number in statuses.items() if int(status) >= 500)
    figures(
        f"B9: seed {SEED}, {sent:,} inputs over {len(reached)} routes, {parts['field']:,} form "
        f"fields and {parts['query']:,} query parameters: {failed} answers of 5xx; "
        f"{sent / seconds:.0f} inputs/s, slowest {slowest[0]:.2f} s; "
        + ", ".join(f"{status}: {number:,}" for status, number in sorted(statuses.items()))
    )
    reports = [report for result in results for report in result["reports"]]
    total = sum(result["faults"] for result in results)
    assert not reports, f"{total} of {sent} inputs failed.\n\n" + "\n\n".join(reports)
    assert sent == INPUTS

"""`python -m benchmarks.alarms`: a million open clocks. How long it takes to find and raise what is
due among them, how long where nothing is due, and by which index."""

import argparse
import os
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select, text

import postgres
import security
from actions import alarms
from app import create_app
from benchmarks import register
from models import Message, db
from rules.alarms import Timing
from rules.calendars import calendar_of

STAGES = ("acknowledge", "decide", "review")
WEEK = calendar_of("district", 1, "UTC", ("09:00-17:00",) * 5 + ("", ""))
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday
BATCH = 200
INDEX = "ix_clock_look_due"

FILL = """
INSERT INTO clock (grievance_id, stage, started_at, due_at, rule, rule_version, calendar,
                   calendar_version)
SELECT g.id, stage, %(now)s - interval '10 days',
       %(now)s + interval '30 days' + random() * interval '300 days',
       'Bench', 1, 'district', 1
FROM (SELECT id FROM grievance ORDER BY id LIMIT %(grievances)s) AS g
CROSS JOIN unnest(%(stages)s::text[]) AS stage
"""


def main() -> int:
    """Measure and print; return 1 where what is due is not found through its index."""
    asked = argparse.ArgumentParser(prog="python -m benchmarks.alarms", description=__doc__)
    asked.add_argument("--clocks", type=int, default=1_000_000, help="open clocks (1,000,000)")
    number = asked.parse_args().clocks
    grievances = -(-number // len(STAGES))
    url = register.prepare("redress_bench_alarms", grievances, print)
    os.environ["DATABASE_URL"] = url
    app = create_app()
    _fill(url, grievances)
    with app.app_context(), security.acting_for(None):
        first = _look(number, "first look at every clock")
        with _due(BATCH):
            used = _indexes()
            _look(BATCH, "due, among all")
        _look(0, "where nothing is due")
        told = db.session.scalar(select(func.count()).select_from(Message))
    print(
        f"{told:,} messages were written; a first look takes {first / number * 1e6:.0f} µs a clock"
    )
    print(f"what is due was found through {', '.join(sorted(used))}")
    return 0 if INDEX in used else 1


def _fill(url: str, grievances: int) -> None:
    """Make the clocks without the triggers of the trail, which are no part of the question."""
    print(f"making {grievances * len(STAGES):,} clocks...", flush=True)
    with closing(postgres.connect(url)) as session, session.cursor() as cursor:
        for table in ("message", "clock"):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            cursor.execute(f"DELETE FROM {table}")  # noqa: S608  what an earlier run has left
        cursor.execute("UPDATE officer SET roles = '{office_head}'")  # somebody is to be told
        cursor.execute(FILL, {"now": NOW, "grievances": grievances, "stages": list(STAGES)})
        cursor.execute("INSERT INTO clock_look SELECT id, 'epoch' FROM clock")
        for table in ("message", "clock"):
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        cursor.execute("ANALYZE clock, clock_look")


def _look(number: int, words: str) -> float:
    """Raise what is due; print how long it took, and return that."""
    began, looked = time.monotonic(), 0
    while True:
        done = alarms.raise_due(
            db.session(),
            lambda _name: WEEK,
            timing=Timing(3, 3),
            now=NOW,
            today=NOW.date(),
            by_mail=False,
            size=BATCH,
        )
        db.session.commit()
        looked += done
        if done < BATCH:
            break
    spent = time.monotonic() - began
    if looked < number:
        raise SystemExit(f"Only {looked:,} of {number:,} clocks were looked at.")
    print(f"{spent * 1000:10.1f} ms  {looked:>9,} clocks  {words}", flush=True)
    return spent


@contextmanager
def _due(number: int) -> Iterator[None]:
    """Let the time of so many clocks have ended."""
    some = text(
        "UPDATE clock SET due_at = :ended WHERE id IN"
        " (SELECT id FROM clock WHERE stage = 'decide' ORDER BY random() LIMIT :number)"
    )
    db.session.execute(text("SET LOCAL statement_timeout = 0"))
    db.session.execute(some, {"ended": NOW - timedelta(days=1), "number": number})
    db.session.commit()
    yield


def _indexes() -> set[str]:
    """Return the indexes through which what is due is found."""
    query = alarms.due_clocks(NOW, BATCH).compile(db.engine, compile_kwargs={"literal_binds": True})
    plan = db.session.execute(text(f"EXPLAIN (FORMAT JSON) {query}")).scalar_one()
    db.session.rollback()
    return set(_named(plan[0]["Plan"]))


def _named(node: dict[str, Any]) -> Iterator[str]:
    if "Index Name" in node:
        yield node["Index Name"]
    for child in node.get("Plans", []):
        yield from _named(child)


if __name__ == "__main__":
    raise SystemExit(main())

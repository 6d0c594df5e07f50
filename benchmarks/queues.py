"""`python -m benchmarks.queues`: how each queue is found in a register of many grievances. Prints
the time of each (the quicker half of its runs), the rows that PostgreSQL looks at for it and by
which indexes; then what the page of all of them takes, for who sees everything and for who sees an
office. Exits 1 where a queue reads a table of the register from end to end."""

import argparse
import os
import statistics
import time
from contextlib import closing
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

import postgres
import security
from app import create_app
from benchmarks import plans, register
from models import Officer, db
from queries.filters import Today
from queries.waiting import Asking, of_kind
from rules.queues import QUEUES
from rules.waiting import Kind

RUNS = 8
REGISTER = ("grievance", "decision", "appeal", "pause")
FILL = (
    # The bench's handler works a part of their office's; every fifth that is open has a leader.
    """UPDATE grievance SET handler_id = %(handler)s
       WHERE state NOT IN ('closed', 'withdrawn') AND id %% 7 = 0""",
    """UPDATE grievance SET lead_official_id = %(handler)s
       WHERE state NOT IN ('closed', 'withdrawn') AND id %% 5 = 0""",
    """INSERT INTO decision (grievance_id, subject, summary, drafted_by_id, state, given_on,
                             told_on,
                             decided_by_id, review_until_on)
       SELECT id, 'Decided', 'Decided', %(handler)s, 'given', answered_at::date, answered_at::date,
              %(officer)s, answered_at::date + 30
       FROM grievance WHERE state IN ('answered', 'closed') AND id %% 3 = 0""",
    """INSERT INTO decision (grievance_id, subject, summary, drafted_by_id, state, proposed_at)
       SELECT id, 'Proposed', 'Proposed', %(handler)s, 'proposed', now()
       FROM grievance WHERE state = 'routed' AND id %% 4 = 0""",
    """INSERT INTO appeal (decision_id, subject, grounds, filed_on, due_on, first_decider_id, state,
                           decided_on, decided_by_id, outcome, reasons)
       SELECT id, 'Asked', 'Asked', given_on, given_on + 30, %(officer)s,
              CASE WHEN id %% 50 = 0 THEN 'filed' ELSE 'decided' END,
              CASE WHEN id %% 50 <> 0 THEN given_on + 20 END,
              CASE WHEN id %% 50 <> 0 THEN %(handler)s END,
              CASE WHEN id %% 50 <> 0 THEN 'dismissed' END,
              CASE WHEN id %% 50 <> 0 THEN 'Seen.' END
       FROM decision WHERE state = 'given' AND id %% 5 = 0""",
    """INSERT INTO pause (grievance_id, ground, reason, started_at, ended_at)
       SELECT id, 'waiting_for_complainant', 'Asked', received_at,
              CASE WHEN id %% 400 <> 0 THEN received_at + interval '5 days' END
       FROM grievance WHERE id %% 8 = 0""",
)


def main() -> int:
    """Measure and print; return 1 where a queue reads a whole table."""
    asked = argparse.ArgumentParser(prog="python -m benchmarks.queues", description=__doc__)
    asked.add_argument("--rows", type=int, default=200_000, help="grievances (200,000)")
    rows = asked.parse_args().rows
    url = register.prepare("redress_bench_queues", rows, print)
    _fill(url)
    os.environ["DATABASE_URL"] = url
    app = create_app()
    broken = []
    print(f"\nThe queues of {rows:,} grievances, as somebody who sees all of them\n")
    print(f"{'':28}{'ms':>8}{'rows looked at':>16}  by")
    with app.app_context(), security.acting_for(None):
        officer = db.session.scalars(
            select(Officer).where(Officer.username == register.HANDLER)
        ).one()
        for kind in QUEUES:
            whole = _queue(kind, officer)
            broken += [f"{kind.name} reads all of {table}" for table in whole]
        db.session.rollback()
    for username in (register.OFFICER, register.HANDLER):
        broken += _page(url, username)
    print("\n".join(["", *broken]) if broken else "\nNo queue reads a table from end to end.")
    return 1 if broken else 0


def _fill(url: str) -> None:
    """Give the register what queues ask for, once."""
    with closing(postgres.connect(url)) as session, session.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM decision")
        if cursor.fetchone() != (0,):
            return
        cursor.execute("SELECT username, id FROM officer")
        known = dict(cursor.fetchall())
        ids = {"officer": known[register.OFFICER], "handler": known[register.HANDLER]}
        for table in REGISTER:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for statement in FILL:
            cursor.execute(statement, ids)
        for table in REGISTER:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        session.autocommit = True
        cursor.execute("VACUUM ANALYZE")


def _asking(officer: Officer) -> Asking:
    today = Today(datetime.now(UTC), ZoneInfo("UTC"))
    return Asking(
        officer.id,
        officer.office_id,
        today,
        scope=lambda _model: None,
        keys=lambda model: [column.key for column in model.__table__.columns],
    )


def _queue(kind: Kind, officer: Officer) -> list[str]:
    """Print what finding a queue takes; return the tables that it reads from end to end."""
    query = of_kind(kind, _asking(officer))
    text = str(query.compile(db.engine, compile_kwargs={"literal_binds": True}))
    session = db.session()
    times = []
    for _ in range(RUNS):
        began = time.perf_counter()
        session.execute(query).all()
        times.append(time.perf_counter() - began)
    raw = session.connection().connection.cursor()
    raw.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {text.replace('%%', '%')}")
    (answer,) = raw.fetchone() or ([],)
    found = list(_nodes(answer[0]["Plan"]))
    looked_at = sum(_looked_at(one) for one in found if one.get("Relation Name") in REGISTER)
    indexes = sorted({one["Index Name"] for one in found if "Index Name" in one})
    quick = statistics.median(sorted(times)[: RUNS // 2]) * 1000
    print(f"{kind.words:28}{quick:8.1f}{looked_at:16,.0f}  {', '.join(indexes)}")
    return [
        one["Relation Name"]
        for one in found
        if one["Node Type"] == "Seq Scan" and one["Relation Name"] in REGISTER
    ]


def _nodes(node: dict[str, Any]) -> Any:
    yield node
    for child in node.get("Plans", []):
        yield from _nodes(child)


def _looked_at(node: dict[str, Any]) -> float:
    seen = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
    seen += node.get("Rows Removed by Index Recheck", 0)
    return float(seen * node["Actual Loops"])


def _page(url: str, username: str) -> list[str]:
    """Print what the page of all queues takes for one officer; return what is wrong with it."""
    with plans.inside(url, username) as panel:
        times = []
        for _ in range(RUNS):
            began = time.perf_counter()
            asked = panel.ask("/admin/queues/", "no_table")
            times.append(time.perf_counter() - began)
    quick = statistics.median(sorted(times)[: RUNS // 2]) * 1000
    print(f"\nThe page of all queues for {username}: {quick:.0f} ms, {asked.statements} statements")
    return [f"the page of queues: {wrong}" for wrong in asked.wrong]


if __name__ == "__main__":
    raise SystemExit(main())

"""How long the figures of the dashboard take: to count, to keep, to show (promise D4)."""

import statistics
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

from flask import Flask
from sqlalchemy import text

import postgres
import security
from actions import figures
from benchmarks.register import Say
from benchmarks.servers import Panel
from models import db

PAGES = {
    "12 months, all offices": "/admin/dashboard/",
    "12 months, days, for publication": "/admin/dashboard/?measure=days&form=publication",
    "10 years, all offices": "/admin/dashboard/?since=2016-01&until=2025-12",
}
SECONDS = 60.0
"""What counting everything anew may take, of 2,000,000 grievances."""
KEPT_SECONDS = 5.0
"""What keeping up with 1,000 changes of this quarter may take."""
CHANGES = 1_000
# Answers to what is open: of the newest, as an office works, and of any age, as an import may.
CHANGE = """
UPDATE grievance SET answered_at = received_at + interval '1 day', state = 'answered'
WHERE id IN (SELECT id FROM grievance WHERE state IN ('routed', 'registered')
             AND received_at > (SELECT max(received_at) FROM grievance) - CAST(:age AS interval)
             ORDER BY md5(id::text) LIMIT :number)
"""


def count(app: Flask) -> dict[str, Any]:
    """Count everything anew, and keep up with changes, which are taken back afterwards."""
    found: dict[str, Any] = {}
    with app.app_context(), security.acting_for(None):
        session, zone = db.session(), security.timezone()

        def refresh(**options: bool) -> figures.Refreshed:
            return figures.refresh(session, now=datetime.now(UTC), timezone=zone, **options)

        done = refresh(full=True)
        session.commit()
        found["full"] = {"seconds": done.seconds, "rows": done.rows}
        found["nothing"] = refresh().seconds
        for name, age in (("quarter", "90 days"), ("any_age", "100 years")):
            session.rollback()
            changed = session.execute(text(CHANGE), {"age": age, "number": CHANGES})
            done = refresh()
            found[name] = {
                "changes": changed.rowcount,  # type: ignore[attr-defined]
                "seconds": done.seconds,
                "months": done.months,
                "full": done.is_full,
            }
        session.rollback()
        db.session.remove()
    return found


def measure(app: Flask, url: str, panel: Panel, handler: Panel, say: Say) -> dict[str, Any]:
    """Measure and say; return the figures, and under "broken" what is not as promised."""
    found = count(app)
    full, quarter = found["full"], found["quarter"]
    with closing(postgres.connect(url)) as owner, owner.cursor() as cursor:
        cursor.execute("SELECT pg_total_relation_size('figure_month')")
        (found["bytes"],) = cursor.fetchone() or (0,)
    say("\nFigures of office handling\n")
    say(f"counted anew: {full['seconds']:.1f} s, {full['rows']:,} rows of offices and months,"
        f" {found['bytes'] / 1e6:.0f} MB; nothing changed: {found['nothing']:.2f} s")  # fmt: skip
    for name, words in (("quarter", "of this quarter"), ("any_age", "of any age")):
        one = found[name]
        what = "everything" if one["full"] else f"{one['months']} months"
        say(f"after {one['changes']:,} changes {words}: {one['seconds']:.2f} s ({what} anew)")
    found["pages"] = {}
    for name, path in PAGES.items():
        found["pages"][name] = _page(panel, path)
    found["pages"]["12 months, one office"] = _page(handler, PAGES["12 months, all offices"])
    for name, spent in found["pages"].items():
        say(f"page, {name:36}{spent:8.1f} ms")
    found["broken"] = [
        words
        for words, kept in (
            (f"figures counted anew in {full['seconds']:.0f} s", full["seconds"] <= SECONDS),
            (
                f"figures after changes: {quarter['seconds']:.1f} s",
                quarter["seconds"] <= KEPT_SECONDS,
            ),
        )
        if not kept
    ]
    return found


def _page(panel: Panel, path: str) -> float:
    """Return the time that the quickest quarter stays under, in milliseconds."""
    spent = [panel.milliseconds(path) for _ in range(12)]
    return statistics.quantiles(spent, n=4, method="inclusive")[0]

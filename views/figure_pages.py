"""What pages of figures share: the months and offices that their address asks for, and their tables
as files."""

import csv
import io
import re
from datetime import UTC, date, datetime
from typing import Any

from flask import Response, abort, request

import exports
import security
from models import db
from queries.figures import Place
from rules import RuleBroken
from rules.figures import check_period, month_of
from views.asking import present_log_in
from views.cells import Table, plain

MONTHS = 12
"""Months that are shown where nothing else is asked for."""


# --- What is asked ---------------------------------------------------------------------------


def read_month(name: str) -> date | None:
    """Return the month that an argument of the address names; None where it is not there."""
    typed = request.args.get(name, "").strip()
    if not typed:
        return None
    found = re.fullmatch(r"([0-9]{4})-([0-9]{2})", typed, re.ASCII)
    try:
        return date(int(found[1]), int(found[2]), 1) if found else _no_month()
    except ValueError:
        return _no_month()


def _no_month() -> date:
    raise RuleBroken("Write a month as 2026-03.")


def newest_month(latest: date | None, today: date) -> date:
    """Return the last month that a page shows at first: this one, but of a register of past years,
    whose last entry is of the day `latest`, the last of its own and not an empty one."""
    this_month = month_of(today)
    if latest is not None and month_of(latest) < month_of(this_month, 1 - MONTHS):
        return month_of(latest)
    return this_month


def read_period(newest: date) -> tuple[date, date]:
    """Return the first and the last month that the address asks for; without any, the twelve up to
    `newest`. Raises RuleBroken with a sentence for what cannot be read."""
    until = read_month("until") or max(newest, read_month("since") or newest)
    since = read_month("since") or month_of(until, 1 - MONTHS)
    check_period(since, until)
    return since, until


def read_office() -> int | None:
    """Return the id of the office that the address asks for; None for all. 404 for what is none."""
    office = request.args.get("office", "")
    number = security.parse_id(office)
    if office and number is None:
        abort(404)
    return number


def usual_periods(newest: date) -> list[tuple[date, date]]:
    """Return the periods to choose with one click, each by its first and last month."""
    quarter = month_of(newest, -((newest.month - 1) % 3))
    year = date(newest.year, 1, 1)
    found = [
        (month_of(newest, 1 - MONTHS), newest),
        (newest, newest),
        (month_of(newest, -1), month_of(newest, -1)),
        (quarter, month_of(quarter, 2)),
        (month_of(quarter, -3), month_of(quarter, -1)),
        (year, month_of(year, 11)),
        (month_of(year, -12), month_of(year, -1)),
    ]
    return list(dict.fromkeys(found))


def below(places: list[Place], top: int) -> set[int]:
    """Return `top` and the offices below it."""
    children: dict[int | None, list[int]] = {}
    for place in places:
        children.setdefault(place.parent_id, []).append(place.id)
    found: set[int] = set()
    waiting = [top]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += children.get(one, [])
    return found


def as_tree(places: list[Place]) -> list[tuple[int, Place]]:
    """Return offices as a tree: each with how deep it is, below the one above it."""
    ids = {place.id for place in places}
    children: dict[int | None, list[Place]] = {}
    for place in places:
        above = place.parent_id if place.parent_id in ids else None
        children.setdefault(above, []).append(place)
    found: list[tuple[int, Place]] = []
    waiting = [(0, place) for place in reversed(children.get(None, []))]
    while waiting:
        depth, place = waiting.pop()
        found.append((depth, place))
        waiting += [(depth + 1, one) for one in reversed(children.get(place.id, []))]
    return found


# --- Files -----------------------------------------------------------------------------------


def written_down(
    name: str, kind: str, address: str, model: Any, headings: list[str], rows: int
) -> str:
    """Write an export down and commit; return the name of its file."""
    file_name = exports.export_file_name(name, security.today(), kind)
    record = exports.begin_export(
        db.session(), present_log_in().officer_id, model, headings, address, file_name, kind
    )
    record.rows, record.finished_at = rows, datetime.now(UTC)
    db.session.commit()
    return file_name


def sent(table: Table, name: str, address: str, model: Any) -> Response:
    """Return a table as a CSV file, written down first."""
    file_name = written_down(name, "csv", address, model, table.headings, len(table.rows))
    return Response(
        as_csv(table),
        mimetype="text/csv",
        headers={"Content-Disposition": exports.content_disposition(file_name)},
    )


def as_csv(table: Table) -> bytes:
    """Return a table as CSV in UTF-8 with a mark, guarded against formulas."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(map(exports.guarded, table.headings))
    for row in table.rows:
        cells = (plain(cell) for cell in row)
        writer.writerow([exports.guarded(c) if isinstance(c, str) else c for c in cells])
    return file.getvalue().encode("utf-8-sig")

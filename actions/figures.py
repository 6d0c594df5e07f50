"""Making the figures of the dashboard: a summary by office and month, counted from the records and
refreshed, so that no page counts them (promise D4). rules/figures.py says what each count means.

A change of a record that counts leaves a mark, its office and month, by a trigger. A refresh counts
the marked ones anew, and the months in which time has run out since the last one; the marks go with
it. What is not committed when it begins leaves its marks to the next one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from time import monotonic
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from access import telling
from models import FigureMark, FigureMonth, FigureState
from rules import RuleBroken
from rules.figures import (
    ACKNOWLEDGE_DAYS,
    COUNTED,
    DEFINITION,
    GOOD_RATING,
    UNDATED_DAYS,
    month_of,
    stretches,
)

Database = Session | Connection

MANY_MONTHS = 24
"""Beyond so many months it is quicker to count everything anew."""
FIRST, LAST = date(1000, 1, 1), date(9998, 12, 1)
"""Months that are counted; what lies outside is a slip of the pen."""


@dataclass(frozen=True)
class Refreshed:
    """What a refresh did: everything anew (`is_full`) or `months`, `rows` of the summary written,
    `marks` of changes taken."""

    as_of: datetime
    is_full: bool
    months: int
    rows: int
    marks: int
    seconds: float


def refresh(session: Database, *, now: datetime, timezone: str, full: bool = False) -> Refreshed:
    """Bring the summary up to `now`, with months as they begin and end in `timezone`.

    Runs as the system (security.acting_for(None)), which reads every office; commit afterwards.
    `full` counts everything anew; so does a first refresh, and one after another time zone or
    another definition. Raises RuleBroken while another refresh runs.
    """
    began = monotonic()
    if not session.scalar(
        select(func.pg_try_advisory_xact_lock(func.hashtextextended("redress figures", 0)))
    ):
        raise RuleBroken("The figures are being refreshed already. Look again in a minute.")
    session.execute(text("SELECT set_config('work_mem', '64MB', true)"))
    state = session.execute(select(FigureState.__table__)).one_or_none()
    marked = _take_marks(session)
    full = full or state is None or (state.timezone, state.definition) != (timezone, DEFINITION)
    since, until = _passed(state.as_of if state else now, now, timezone)
    months = {month for _office, month in marked}
    months |= {month_of(since, n) for n in range(_months_between(since, until) + 1)}
    full = full or len(months) > MANY_MONTHS
    values = {
        "zone": timezone,
        "now": now,
        "today": now.astimezone(ZoneInfo(timezone)).date(),
        "first": FIRST,
        "last": LAST,
        "since": since,
        "until": until,
        "offices": [office or 0 for office, _month in marked],
        "months": [month for _office, month in marked],
        "begins": [begins for begins, _ends in stretches(months)],
        "ends": [ends for _begins, ends in stretches(months)],
    }
    if full:
        session.execute(delete(FigureMonth))
    else:
        session.execute(text(_FORGET), values)
    written = session.execute(text(_count_statement(full)), values).rowcount  # type: ignore[attr-defined]
    _note_state(session, now, timezone)
    return Refreshed(now, full, len(months), written, len(marked), monotonic() - began)


def refresh_apart(
    engine: Engine, settings: Mapping[str, str], *, now: datetime, timezone: str
) -> Refreshed:
    """Refresh in a transaction of its own under `settings` (of the system), and have it kept.

    No Session, which would act for whoever makes the request."""
    with engine.begin() as connection:
        connection.execute(telling(settings))
        return refresh(connection, now=now, timezone=timezone)


def _take_marks(session: Database) -> list[tuple[int | None, date]]:
    taken = delete(FigureMark).returning(FigureMark.office_id, FigureMark.month)
    gone = taken.cte("gone")
    known = gone.c.month.between(FIRST, LAST)
    rows = session.execute(select(gone.c.office_id, gone.c.month).where(known).distinct())
    return [(office, month) for office, month in rows]


def _passed(before: datetime, now: datetime, timezone: str) -> tuple[date, date]:
    """Return the first and the last month in which time has run out in between."""
    zone = ZoneInfo(timezone)
    first, last = sorted((before.astimezone(zone).date(), now.astimezone(zone).date()))
    return month_of(first), month_of(last)


def _months_between(first: date, last: date) -> int:
    return (last.year - first.year) * 12 + last.month - first.month


def _note_state(session: Database, now: datetime, timezone: str) -> None:
    latest = select(func.max(FigureMonth.month)).where(FigureMonth.received > 0)
    values = {
        "as_of": now,
        "timezone": timezone,
        "definition": DEFINITION,
        "latest": session.scalar(latest),
    }
    row = insert(FigureState).values(id=1, **values)
    session.execute(row.on_conflict_do_update(index_elements=["id"], set_=values))


# --- The count -------------------------------------------------------------------------------

_TOUCHED = """(month BETWEEN :since AND :until OR (coalesce({office}, 0), month) IN (
    SELECT * FROM unnest(CAST(:offices AS bigint[]), CAST(:months AS date[]))))"""
_FORGET = "DELETE FROM figure_month WHERE " + _TOUCHED.format(office="office_id")  # noqa: S608

_ALL = "SELECT {columns} FROM grievance g"
_COLUMNS = (
    "g.id, g.responsible_office_id, g.state, g.received_at, g.due_at, g.acknowledged_at,"
    " g.answered_at, g.closed_at, g.source"
)
# Whatever may count in one of the months, found through the indexes of the two times.
_SOME = """
    SELECT {columns} FROM stretch JOIN grievance g
        ON g.received_at >= stretch.begins - interval '{before} days'
       AND g.received_at < stretch.ends
    UNION
    SELECT {columns} FROM stretch JOIN grievance g
        ON g.due_at >= stretch.begins AND g.due_at < stretch.ends"""

_COUNT = """
INSERT INTO figure_month (office_id, month, {counted}, days, answers)
WITH stretch AS (
    SELECT begins::timestamp AT TIME ZONE :zone AS begins,
           ends::timestamp AT TIME ZONE :zone AS ends
    FROM unnest(CAST(:begins AS date[]), CAST(:ends AS date[])) AS one(begins, ends)
), taken AS ({taken}
), matter AS (
    SELECT id, coalesce(responsible_office_id, 0) AS office, source, due_at,
           acknowledged_at IS NOT NULL OR source IS NULL AS is_acknowledging,
           least(acknowledged_at, answered_at, closed_at) AS first_word_at,
           state = 'withdrawn' AS is_withdrawn,
           coalesce(answered_at, closed_at) AS answered_at,
           received_at + interval '{acknowledge} days' AS acknowledge_by,
           coalesce(due_at, received_at + interval '{undated} days') AS ends_at,
           (received_at AT TIME ZONE :zone)::date AS received_on
    FROM taken
), receipt AS (
    SELECT office, date_trunc('month', received_on)::date AS month, count(*) AS received
    FROM matter GROUP BY 1, 2
), acknowledgement AS (
    SELECT office, date_trunc('month', acknowledge_by AT TIME ZONE :zone)::date AS month,
           count(*) AS acknowledge_due,
           count(*) FILTER (WHERE first_word_at <= acknowledge_by) AS acknowledged
    FROM matter WHERE is_acknowledging AND acknowledge_by <= :now GROUP BY 1, 2
), review AS (
    SELECT d.grievance_id AS id, count(*) AS decided,
           count(*) FILTER (WHERE a.outcome = 'dismissed') AS stood
    FROM appeal a JOIN decision d ON d.id = a.decision_id
    WHERE a.state = 'decided' GROUP BY 1
), opinion AS (
    SELECT grievance_id AS id, count(*) AS given,
           count(*) FILTER (WHERE rating >= {good}) AS good
    FROM feedback GROUP BY 1
), ended AS (
    SELECT office, date_trunc('month', ends_at AT TIME ZONE :zone)::date AS month,
           ends_at <= :now AS is_over, due_at, answered_at, is_withdrawn,
           r.grievance_id IS NOT NULL AS is_reopened, decided, stood, given, good,
           (answered_at AT TIME ZONE :zone)::date - received_on AS waited
    FROM matter LEFT JOIN review USING (id) LEFT JOIN opinion USING (id)
    LEFT JOIN reopening r ON r.grievance_id = matter.id
), handling AS (
    SELECT office, month,
           count(*) FILTER (WHERE is_over) AS clocks_ended,
           count(*) FILTER (WHERE is_over AND due_at IS NOT NULL) AS answers_due,
           count(*) FILTER (WHERE is_over AND answered_at <= due_at) AS answers_in_time,
           count(*) FILTER (WHERE is_over AND answered_at IS NOT NULL) AS answered,
           count(*) FILTER (WHERE is_over AND (answered_at IS NOT NULL OR is_reopened))
               AS answered_once,
           count(*) FILTER (WHERE is_over AND answered_at IS NULL AND is_withdrawn)
               AS withdrawn_unanswered,
           count(*) FILTER (WHERE NOT is_over AND answered_at IS NULL AND NOT is_withdrawn)
               AS waiting,
           count(*) FILTER (WHERE is_over AND is_reopened) AS reopened,
           coalesce(sum(decided) FILTER (WHERE is_over), 0) AS appeals_decided,
           coalesce(sum(stood) FILTER (WHERE is_over), 0) AS decisions_stood,
           coalesce(sum(given) FILTER (WHERE is_over), 0) AS rated,
           coalesce(sum(good) FILTER (WHERE is_over), 0) AS rated_good
    FROM ended GROUP BY 1, 2
), wait AS (
    SELECT office, month, waited, count(*) AS number FROM ended
    WHERE is_over AND answered_at IS NOT NULL GROUP BY 1, 2, 3
), waits AS (
    SELECT office, month, array_agg(waited ORDER BY waited) AS days,
           array_agg(number ORDER BY waited) AS answers
    FROM wait GROUP BY 1, 2
), promise AS (
    SELECT office_id AS office, date_trunc('month', due_on)::date AS month,
           count(*) AS remedies_due,
           count(*) FILTER (WHERE done_on <= due_on) AS remedies_done
    FROM remedy WHERE due_on < :today GROUP BY 1, 2
), place AS (
    SELECT office, month FROM receipt UNION SELECT office, month FROM acknowledgement
    UNION SELECT office, month FROM handling UNION SELECT office, month FROM promise
)
SELECT nullif(office, 0), month, {values}, coalesce(days, '{{}}'), coalesce(answers, '{{}}')
FROM place LEFT JOIN receipt USING (office, month) LEFT JOIN acknowledgement USING (office, month)
LEFT JOIN handling USING (office, month) LEFT JOIN promise USING (office, month)
LEFT JOIN waits USING (office, month)
WHERE month BETWEEN :first AND :last AND {touched}
"""


def _count_statement(full: bool) -> str:
    """Return the statement that counts, everything or what is touched."""
    before = max(ACKNOWLEDGE_DAYS, UNDATED_DAYS) + 1
    taken = _ALL if full else _SOME
    return _COUNT.format(
        counted=", ".join(COUNTED),
        values=", ".join(f"coalesce({name}, 0)" for name in COUNTED),
        taken=taken.format(columns=_COLUMNS, before=before),
        acknowledge=ACKNOWLEDGE_DAYS,
        undated=UNDATED_DAYS,
        good=GOOD_RATING,
        touched="true" if full else _TOUCHED.format(office="office"),
    )

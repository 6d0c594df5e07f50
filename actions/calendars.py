"""Versions of a calendar: a draft from the one before or from a rule pack, which administrators
edit, and putting it in force."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, insert, select

from models import CalendarDay, WorkCalendar, db
from queries import clocks as asking
from rules import RuleBroken
from rules.calendars import SpecialDay
from rules.offices import DISTRICT, DayKind
from rules.packs import Pack

MOST_REASON = 500


def draft(
    *,
    name: str = DISTRICT,
    reason: str,
    zone: str = "",
    week: Sequence[str] = (),
    country: str = "",
    days: Iterable[SpecialDay] = (),
) -> WorkCalendar:
    """Return a new version of calendar `name`, not in force yet. Zone, week and days that are not
    given are those of the version before; of a day that is given, what is given counts.

    Raises RuleBroken where there is a draft already, or nothing to begin with."""
    if not reason.strip():
        raise RuleBroken("Say why.", field="reason")
    if len(reason) > MOST_REASON:
        raise RuleBroken("Write %(most)s signs at most.", field="reason", most=MOST_REASON)
    before = db.session.scalar(asking.versions_of(name).limit(1))
    if before is not None and before.in_force_since is None:
        raise RuleBroken(
            "Version %(version)s is a draft already. Edit that, and put it in force.",
            version=before.calendar_version,
        )
    if before is not None:
        zone, country = zone or before.zone, country or before.country or ""
        week = week or [getattr(before, day) or "" for day in asking.WEEK]
    if not zone or not any(week):
        raise RuleBroken("The first version of a calendar needs a time zone and hours.")
    version = WorkCalendar(
        name=name,
        calendar_version=before.calendar_version + 1 if before else _first_version(name),
        zone=zone,
        country=country or None,
        reason=reason.strip(),
        **{day: text or None for day, text in zip(asking.WEEK, week, strict=True)},
    )
    db.session.add(version)
    db.session.flush()
    _add_days(version, before, days)
    asking.calendar_from(db.session(), version)  # refused here, not when it is put in force
    return version


def begin_with(
    pack: Pack, *, name: str = DISTRICT, days: Iterable[SpecialDay] = (), now: datetime
) -> WorkCalendar | None:
    """Make the first version of calendar `name` from the zone and the hours of `pack`, in force at
    once; None where there is a version already. Raises RuleBroken as draft() does."""
    if db.session.scalar(asking.versions_of(name).limit(1)) is not None:
        return None
    version = draft(
        name=name,
        reason=f"{pack.name}: {pack.source}"[:MOST_REASON],
        zone=pack.zone,
        week=pack.week,
        country=pack.holidays,
        days=days,
    )
    put_in_force(version, now=now)
    return version


def _first_version(name: str) -> int:
    """Return the number of the first version: after those that only days were kept of."""
    last = select(func.max(CalendarDay.calendar_version)).where(CalendarDay.calendar == name)
    return (db.session.scalar(last) or 0) + 1


def _add_days(
    version: WorkCalendar, before: WorkCalendar | None, days: Iterable[SpecialDay]
) -> None:
    """Give `version` these days, and those of the version before that are not among them."""
    number = before.calendar_version if before else version.calendar_version - 1
    kept = select(CalendarDay).where(
        CalendarDay.calendar == version.name, CalendarDay.calendar_version == number
    )
    rows: dict[date, dict[str, Any]] = {
        one.day: {"day": one.day, "kind": one.kind, "name": one.name, "hours": one.hours}
        for one in db.session.scalars(kept)
    }
    for special in days:
        name = special.name or ("Make-up day" if special.kind is DayKind.MAKE_UP else "Holiday")
        rows[special.day] = {
            "day": special.day,
            "kind": special.kind,
            "name": name[:200],
            "hours": None,
        }
    if rows:
        of_version = {"calendar": version.name, "calendar_version": version.calendar_version}
        db.session.execute(insert(CalendarDay), [rows[day] | of_version for day in sorted(rows)])


def put_in_force(version: WorkCalendar, *, now: datetime) -> None:
    """Let clocks count by `version` from now on; actions/clocks.py counts the open ones anew.
    Raises RuleBroken where it is in force, or makes no calendar."""
    if version.in_force_since is not None:
        raise RuleBroken("This version of the calendar is in force already.")
    asking.calendar_from(db.session(), version)
    version.in_force_since = now
    db.session.flush()

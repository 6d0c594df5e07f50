"""Instants and the clock on the wall: what it reads, and which instant a reading means.

Where clocks are changed, an hour of readings is skipped in spring (a gap) and one comes twice in
autumn (a fold). Deadlines need an answer there too, the same one each time, and one that never
turns round: who was earlier stays earlier.

- A reading that was skipped means the instant of the change.
- A reading that comes twice means its first time.
- While an hour is repeated the clock is taken to stand at the end of it.

So both functions only ever go forward, and each undoes the other outside gaps and folds. A whole
day can be skipped as well: there was no 30 December 2011 in Samoa.
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from rules import RuleBroken

_SECOND = timedelta(seconds=1)


def zone_named(name: str) -> ZoneInfo:
    """Return the time zone `name`, "Europe/London". Raises RuleBroken where there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise RuleBroken(
            "There is no time zone %(zone)s. Write one like Europe/London.", field="zone", zone=name
        ) from None


def instant(reading: datetime, zone: ZoneInfo) -> datetime:
    """Return, in UTC, the instant at which clocks in `zone` show `reading`, which has no zone."""
    moment = reading.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == reading:
        return moment
    return _change(reading.replace(tzinfo=zone, fold=1).astimezone(UTC), moment, zone)


def reading(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return what clocks in `zone` show at `moment`, without a zone."""
    local = moment.astimezone(zone)
    if not local.fold:
        return local.replace(tzinfo=None)
    first = local.replace(fold=0)
    change = _change(first.astimezone(UTC), moment.astimezone(UTC), zone)
    return change.replace(tzinfo=None) + (first.utcoffset() or timedelta())


def _change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant between the two at which clocks in `zone` were changed."""
    before, after = before.replace(microsecond=0), after.replace(microsecond=0)
    offset = after.astimezone(zone).utcoffset()
    while after - before > _SECOND:
        middle = before + (after - before) // 2
        middle = middle.replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == offset:
            after = middle
        else:
            before = middle
    return after

"""What the clock of a thing that waits says, in words, and where it stands in the order of a day:
what is overdue first, then today, the days that come, and last what has no clock."""

import enum
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from rules import mark


class Clock(enum.Enum):
    """What the date of a kind means: to be done by then, happens then, is void after it, or waits
    since then without an end that is set."""

    DUE = "due"
    HAPPENS = "happens"
    LAPSES = "lapses"
    WAITS = "waits"


class Bucket(enum.IntEnum):
    """The headings of the page, in their order."""

    OVERDUE = 0
    TODAY = 1
    SOON = 2
    LATER = 3
    OPEN = 4


SOON_DAYS = 7


@dataclass(frozen=True, order=True)
class Told:
    """Where a thing stands in the order, and what its clock says: `sentence` has a place for
    `span` (`number` of `unit`) or for `time`, where it has one."""

    bucket: Bucket
    moment: datetime
    sentence: str
    number: int = 0
    unit: str = ""


_SENTENCES: dict[tuple[Clock, str], str] = {
    (Clock.DUE, "past"): mark("%(span)s overdue"),
    (Clock.DUE, "earlier"): mark("overdue since %(time)s"),
    (Clock.DUE, "today"): mark("due today"),
    (Clock.DUE, "at"): mark("due today at %(time)s"),
    (Clock.DUE, "tomorrow"): mark("due tomorrow"),
    (Clock.DUE, "future"): mark("due in %(span)s"),
    (Clock.HAPPENS, "past"): mark("was %(span)s ago"),
    (Clock.HAPPENS, "earlier"): mark("today at %(time)s"),
    (Clock.HAPPENS, "today"): mark("today"),
    (Clock.HAPPENS, "at"): mark("today at %(time)s"),
    (Clock.HAPPENS, "tomorrow"): mark("tomorrow"),
    (Clock.HAPPENS, "future"): mark("in %(span)s"),
    (Clock.LAPSES, "past"): mark("lapsed %(span)s ago"),
    (Clock.LAPSES, "earlier"): mark("lapsed today at %(time)s"),
    (Clock.LAPSES, "today"): mark("lapses today"),
    (Clock.LAPSES, "at"): mark("lapses today at %(time)s"),
    (Clock.LAPSES, "tomorrow"): mark("lapses tomorrow"),
    (Clock.LAPSES, "future"): mark("lapses in %(span)s"),
}
NO_CLOCK = mark("no date is set")
WAITS_TODAY = mark("waits since today")
WAITS = mark("waits for %(span)s")


def told(at: date | datetime | None, means: Clock, now: datetime) -> Told:
    """Return where a thing with the date `at` stands and what its clock says at `now`, whose zone
    is that of the reader. A day is over when the next one begins."""
    if at is None:
        return Told(Bucket.OPEN, datetime.max.replace(tzinfo=now.tzinfo), NO_CLOCK)
    moment = _moment(at, means, now)
    today, day = now.date(), moment.date()
    if means is Clock.WAITS:
        waited = (WAITS, *span(day, today)) if day < today else (WAITS_TODAY,)
        return Told(Bucket.OPEN, moment, *waited)
    if day < today:
        return Told(Bucket.OVERDUE, moment, _SENTENCES[means, "past"], *span(day, today))
    if day == today:
        has_time = isinstance(at, datetime)
        when = ("earlier" if moment < now else "at") if has_time else "today"
        is_late = when == "earlier" and means is not Clock.HAPPENS
        bucket = Bucket.OVERDUE if is_late else Bucket.TODAY
        return Told(bucket, moment, _SENTENCES[means, when])
    bucket = Bucket.SOON if day <= today + timedelta(days=SOON_DAYS) else Bucket.LATER
    if day == today + timedelta(days=1):
        return Told(bucket, moment, _SENTENCES[means, "tomorrow"])
    return Told(bucket, moment, _SENTENCES[means, "future"], *span(today, day))


def _moment(at: date | datetime, means: Clock, now: datetime) -> datetime:
    """The instant in the reader's zone by which things are put in order: what is due on a day may
    be done until its end, what happens on a day comes first."""
    if isinstance(at, datetime):
        try:
            return at.astimezone(now.tzinfo)
        except OverflowError:  # in the last hours of the year 9999
            return at.replace(tzinfo=now.tzinfo)
    last = datetime.max.time() if means in (Clock.DUE, Clock.LAPSES) else datetime.min.time()
    return datetime.combine(at, last, now.tzinfo)


def span(first: date, last: date) -> tuple[int, str]:
    """Return how far apart two days are as people say it: days up to two months, then whole
    months up to two years, then whole years."""
    days = (last - first).days
    months = (last.year - first.year) * 12 + last.month - first.month - (last.day < first.day)
    if days < 60:
        return days, "day"
    return (months, "month") if months < 24 else (months // 12, "year")

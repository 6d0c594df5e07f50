"""What the clock of a thing says, and where it stands among the others."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.clock_words import Bucket, Clock, Told, span, told

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 7, 15, 10, 0, tzinfo=SHANGHAI)  # a Wednesday
TODAY = NOW.date()


def says(clock: Told) -> str:
    """The sentence with its places filled as in English."""
    many = "" if clock.number == 1 else "s"
    return clock.sentence % {
        "span": f"{clock.number} {clock.unit}{many}",
        "time": f"{clock.moment:%H:%M}",
    }


@pytest.mark.parametrize(
    ("at", "means", "bucket", "words"),
    [
        (date(2026, 7, 12), Clock.DUE, Bucket.OVERDUE, "3 days overdue"),
        (date(2026, 7, 14), Clock.DUE, Bucket.OVERDUE, "1 day overdue"),
        (date(2012, 1, 6), Clock.DUE, Bucket.OVERDUE, "14 years overdue"),
        (date(2026, 3, 1), Clock.DUE, Bucket.OVERDUE, "4 months overdue"),
        (TODAY, Clock.DUE, Bucket.TODAY, "due today"),
        (NOW + timedelta(hours=6), Clock.DUE, Bucket.TODAY, "due today at 16:00"),
        (NOW - timedelta(hours=1), Clock.DUE, Bucket.OVERDUE, "overdue since 09:00"),
        (date(2026, 7, 16), Clock.DUE, Bucket.SOON, "due tomorrow"),
        (NOW + timedelta(hours=14), Clock.DUE, Bucket.SOON, "due tomorrow"),
        (date(2026, 7, 22), Clock.DUE, Bucket.SOON, "due in 7 days"),
        (date(2026, 7, 23), Clock.DUE, Bucket.LATER, "due in 8 days"),
        (date(2026, 7, 12), Clock.HAPPENS, Bucket.OVERDUE, "was 3 days ago"),
        (TODAY, Clock.HAPPENS, Bucket.TODAY, "today"),
        (NOW - timedelta(hours=1), Clock.HAPPENS, Bucket.TODAY, "today at 09:00"),
        (NOW + timedelta(hours=1), Clock.HAPPENS, Bucket.TODAY, "today at 11:00"),
        (date(2026, 7, 16), Clock.HAPPENS, Bucket.SOON, "tomorrow"),
        (date(2026, 9, 30), Clock.HAPPENS, Bucket.LATER, "in 2 months"),
        (NOW + timedelta(days=3), Clock.LAPSES, Bucket.SOON, "lapses in 3 days"),
        (NOW + timedelta(days=1), Clock.LAPSES, Bucket.SOON, "lapses tomorrow"),
        (NOW + timedelta(hours=2), Clock.LAPSES, Bucket.TODAY, "lapses today at 12:00"),
        (NOW, Clock.WAITS, Bucket.OPEN, "waits since today"),
        (NOW - timedelta(days=1), Clock.WAITS, Bucket.OPEN, "waits for 1 day"),
        (date(2026, 7, 20), Clock.WAITS, Bucket.OPEN, "waits since today"),
        (None, Clock.DUE, Bucket.OPEN, "no date is set"),
        (None, Clock.WAITS, Bucket.OPEN, "no date is set"),
    ],
)
def test_a_clock_says_how_near_it_is(
    at: date | datetime | None, means: Clock, bucket: Bucket, words: str
) -> None:
    clock = told(at, means, NOW)
    assert (clock.bucket, says(clock)) == (bucket, words)


def test_days_are_those_of_the_reader() -> None:
    """Twenty past one in the night in Shanghai is still yesterday in UTC."""
    moment = datetime(2026, 7, 14, 17, 20, tzinfo=UTC)
    assert says(told(moment, Clock.DUE, NOW)) == "overdue since 01:20"
    assert says(told(moment, Clock.DUE, NOW.astimezone(UTC))) == "1 day overdue"


def test_what_is_overdue_comes_first_and_what_has_no_clock_last() -> None:
    in_order: list[tuple[date | datetime | None, Clock]] = [
        (date(2026, 7, 1), Clock.DUE),
        (NOW - timedelta(days=10), Clock.DUE),
        (date(2026, 7, 14), Clock.HAPPENS),
        (NOW - timedelta(minutes=1), Clock.DUE),
        (NOW - timedelta(hours=2), Clock.HAPPENS),  # goes on today
        (NOW + timedelta(hours=1), Clock.DUE),
        (TODAY, Clock.DUE),  # until the day is over
        (date(2026, 7, 16), Clock.HAPPENS),
        (date(2026, 7, 16), Clock.DUE),
        (date(2026, 8, 1), Clock.DUE),
        (NOW - timedelta(days=400), Clock.WAITS),
        (NOW - timedelta(days=1), Clock.WAITS),
        (None, Clock.DUE),
    ]
    mixed = [*in_order[1::2], *reversed(in_order[::2])]
    assert sorted(mixed, key=lambda one: told(one[0], one[1], NOW)) == in_order


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        (date(2026, 1, 1), date(2026, 1, 1), (0, "day")),
        (date(2026, 1, 1), date(2026, 3, 1), (59, "day")),
        (date(2026, 1, 1), date(2026, 3, 2), (2, "month")),
        (date(2026, 1, 31), date(2026, 4, 30), (2, "month")),
        (date(2024, 7, 16), date(2026, 7, 15), (23, "month")),
        (date(2024, 7, 15), date(2026, 7, 15), (2, "year")),
        (date(2012, 1, 1), date(2026, 12, 31), (14, "year")),
    ],
)
def test_spans_are_said_as_people_say_them(first: date, last: date, said: tuple[int, str]) -> None:
    assert span(first, last) == said


moments = st.one_of(st.dates(), st.datetimes(timezones=st.just(UTC)), st.none())


@given(at=moments, means=st.sampled_from(Clock), now=st.datetimes(timezones=st.just(SHANGHAI)))
def test_no_date_that_can_be_written_down_is_too_much(
    at: date | datetime | None, means: Clock, now: datetime
) -> None:
    if not 2000 <= now.year <= 2200:
        now = now.replace(year=2026, day=1)
    clock = told(at, means, now)
    assert ("%(span)s" in clock.sentence) == bool(clock.unit)
    assert clock.number >= 0
    assert says(clock)

"""Public holidays and make-up working days from the library, as days of a calendar."""

from datetime import date

import pytest

from imports.public_holidays import public_holidays, years_not_announced
from rules import RuleBroken
from rules.offices import DayKind
from rules.packs import KEYS, shipped

# The State Council's notice of 4 November 2025 for the year 2026: what is off besides weekends,
# and the weekends that are worked for it.
OFF = {
    "01": (1, 2, 3),
    "02": (15, 16, 17, 18, 19, 20, 21, 22, 23),
    "04": (4, 5, 6),
    "05": (1, 2, 3, 4, 5),
    "06": (19, 20, 21),
    "09": (25, 26, 27),
    "10": (1, 2, 3, 4, 5, 6, 7),
}
WORKED = ("01-04", "02-14", "02-28", "05-09", "09-20", "10-10")


def test_china_is_closed_and_open_as_the_state_council_announced_it() -> None:
    days = public_holidays("CN", [2026])
    calendar = shipped("china").calendar(days)
    off = {date.fromisoformat(f"2026-{month}-{day:02}") for month in OFF for day in OFF[month]}
    worked = {date.fromisoformat(f"2026-{day}") for day in WORKED}
    for number in range(365):
        day = date.fromordinal(date(2026, 1, 1).toordinal() + number)
        expected = day in worked or (day.weekday() < 5 and day not in off)
        assert calendar.is_working_day(day) is expected, day
    assert {one.day for one in days if one.kind is DayKind.MAKE_UP} == worked
    assert {one.name for one in days if one.day == date(2026, 10, 1)} == {"国庆节"}


def test_a_year_that_is_not_announced_yet_is_told() -> None:
    """The library holds the holidays of 2099 but no make-up days: nobody knows them."""
    assert public_holidays("CN", [2099])
    assert years_not_announced("CN", [2025, 2026, 2099]) == [2099]
    assert years_not_announced("GB-ENG", [2099]) == []


@pytest.mark.parametrize("key", KEYS)
def test_each_pack_names_holidays_that_there_are(key: str) -> None:
    named = shipped(key).holidays
    assert bool(named) is (key != "boston")
    if named:
        calendar = shipped(key).calendar(public_holidays(named, range(2024, 2028)))
        assert not calendar.is_working_day(date(2026, 12, 25)) or key == "china"


@pytest.mark.parametrize("country", ["XX", "GB-XX", "", "\x00", "England", "gb", "🇨🇳", "CN" * 99])
def test_a_country_that_there_is_not_is_refused(country: str) -> None:
    with pytest.raises(RuleBroken, match="Write a country or a part of one"):
        public_holidays(country, [2026])

"""Public holidays of a country, as days of a calendar, from the library `holidays`.

A source to begin with: the district edits what comes out. The library also knows the make-up
working days of those countries that move holidays (China's 调休, since 2001); but a government
announces them year by year, in China each November, and before that the library holds the holidays
alone. docs/decisions/0060 says what was compared.
"""

from collections.abc import Iterable

import holidays

from rules import RuleBroken
from rules.calendars import SpecialDay
from rules.offices import DayKind


def public_holidays(country: str, years: Iterable[int]) -> tuple[SpecialDay, ...]:
    """Return the holidays and make-up working days of `country`, or of a part of it ("GB-ENG"), in
    order, with their names in its own language. Raises RuleBroken where the library has none."""
    found = _found(country, years)
    days = [
        SpecialDay(day, DayKind.HOLIDAY, name)
        for day, name in found.items()
        if day.year in found.years and day not in found.weekend_workdays
    ]
    days += [
        SpecialDay(day, DayKind.MAKE_UP)
        for day in found.weekend_workdays
        if day.year in found.years
    ]
    return tuple(sorted(days))


def holidays_around(country: str, year: int) -> tuple[SpecialDay, ...]:
    """Return the days with which a calendar begins: of last year, this year and two more; none
    for no country. Raises RuleBroken where the library has none."""
    return public_holidays(country, range(year - 1, year + 3)) if country else ()


def years_not_announced(country: str, years: Iterable[int]) -> list[int]:
    """Return those of `years` for which a country that has make-up working days has none yet: what
    public_holidays() says of them will change."""
    found = _found(country, years)
    announced = {day.year for day in found.weekend_workdays}
    return sorted(found.years - announced) if announced else []


def _found(country: str, years: Iterable[int]) -> holidays.HolidayBase:
    name, _, part = country.partition("-")
    try:
        language = holidays.country_holidays(name).default_language
        return holidays.country_holidays(
            name, subdiv=part or None, years=sorted(set(years)), expand=False, language=language
        )
    except NotImplementedError:
        raise RuleBroken(
            "The library of holidays has no %(country)s. Write a country or a part of one, like "
            "CN or GB-ENG.",
            field="country",
            country=country,
        ) from None

"""What grievances are about, where, and how long an answer may take."""

import csv
from collections import Counter
from collections.abc import Iterator

from demo.records import HERE, Known
from models import Area, Category, Office, ServiceStandard
from rules.offices import AreaLevel, ClockStage, ClockUnit, DueTime

SAMPLE = HERE / "boston311_sample.csv"
PACK = "Boston 311 (2011)"
RECOVERED = (
    "Recovered from 41,392 service requests of the City of Boston of 2011: the rule gives the "
    "due date of 99.2 % of them within two minutes"
)
PATH = " > "
"""Stands between the levels of a category's name."""

HANDLING = "Handling by offices"
WAYS_OF_HANDLING = (
    "Access and hours",
    "Answer without reasons",
    "Confidence not kept",
    "Matter not registered",
    "No answer",
    "Promise not kept",
    "Works and supply",
)
DAYS_FOR_HANDLING = 30
UNITS = {
    "business": (ClockUnit.WORKING_DAYS, "working day"),
    "calendar": (ClockUnit.CALENDAR_DAYS, "calendar day"),
}


def rows(name: str) -> Iterator[dict[str, str]]:
    """Yield the rows of a CSV file of this folder."""
    with (HERE / name).open(newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def add_areas(known: Known) -> None:
    """Add the neighbourhoods of the sample, under the area that offices.toml calls Boston."""
    boston = Area(name="Boston", level=AreaLevel.DISTRICT)
    known.add(boston)
    names = {row["neighborhood"] for row in rows(SAMPLE.name)} - {"", boston.name}
    for name in sorted(names):
        known.add(Area(name=name, level=AreaLevel.SUBDISTRICT, parent=boston))


def add_categories(known: Known) -> None:
    """Add the categories of the sample, subject > reason > type, each type with the office that
    answers most of them and with its standard; then those of the invented grievances."""
    standards = {
        row["type"]: _standard(known, row["calendar"], int(row["days"]))
        for row in rows("boston311_standards.csv")
    }
    offices: dict[tuple[str, ...], Counter[str]] = {}
    for row in rows(SAMPLE.name):
        path = row["subject"], row["reason"], row["type"]
        offices.setdefault(path, Counter())[row["department"]] += 1
    for node in sorted({path[:depth] for path in offices for depth in (1, 2, 3)}):
        category = _add(known, node)
        if node in offices:
            category.office = known.get(Office, offices[node].most_common(1)[0][0])
            category.service_standard = standards.get(node[-1])
    _add(known, (HANDLING,))
    for way in WAYS_OF_HANDLING:
        category = _add(known, (HANDLING, way))
        category.service_standard = _standard(known, "calendar", DAYS_FOR_HANDLING)


def _add(known: Known, path: tuple[str, ...]) -> Category:
    parent = known.get(Category, PATH.join(path[:-1])) if path[:-1] else None
    category = Category(name=path[-1], parent=parent)
    known.add(category, PATH.join(path))
    return category


def _standard(known: Known, calendar: str, days: int) -> ServiceStandard:
    """Return the standard of so many days, which is made where it is not there yet."""
    unit, word = UNITS[calendar]
    name = f"{days} {word}{'' if days == 1 else 's'}"
    if name not in known.names(ServiceStandard):
        in_work = unit is ClockUnit.WORKING_DAYS
        standard = ServiceStandard(
            name=name,
            pack=PACK,
            stage=ClockStage.DECIDE,
            amount=days,
            unit=unit,
            rolls_forward=False,
            ends=DueTime.SAME_CLOCK,
            moves_start=in_work,
            cut_off_at="17:00" if in_work else None,
            cut_off_resumes="08:30" if in_work else None,
            legal_source=RECOVERED,
        )
        known.add(standard, name)
    return known.get(ServiceStandard, name)

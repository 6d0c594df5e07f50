"""Cells of the dashboard's tables, and how figures are said in words."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from flask_babel import format_date, format_decimal, format_percent, gettext, ngettext

from queries.figures import NOT_YET
from rules import mark
from rules.figures import BY_KEY, DAYS, band_bounds, whole_percent
from views import charts

MONTH = mark("MMM y")
PERCENT_SCALE = (0, 25, 50, 75, 100)


@dataclass(frozen=True)
class Percent:
    """A cell of a table that is a share."""

    part: int
    whole: int


class _Word:
    """A cell of a table that is a word in the place of a number."""

    def __init__(self, words: str) -> None:
        self.words = words


WITHHELD = _Word(mark("withheld"))
NOT_REACHED = _Word(mark("not yet"))
NONE = _Word("")
Cell = str | int | Percent | _Word


@dataclass(frozen=True)
class Table:
    """The numbers behind a chart. `key` names its file."""

    key: str
    title: str
    headings: list[str]
    rows: list[list[Cell]]


@dataclass(frozen=True)
class Part:
    """A part of the page. `reading` is what it says in one sentence; `chart` may be missing."""

    table: Table
    reading: str
    chart: charts.Over | charts.Rows | None = None
    bands: list[tuple[str, charts.Rows]] = field(default_factory=list)
    meaning: str = ""
    css: str = ""


def shown(cell: Cell) -> str:
    """Return a cell as people read it."""
    if isinstance(cell, Percent):
        return percent(cell.part, cell.whole)
    if isinstance(cell, _Word):
        return gettext(cell.words) if cell.words else ""
    return format_decimal(cell) if isinstance(cell, int) else cell


def plain(cell: Cell) -> str | int:
    """Return a cell as programs read it."""
    if isinstance(cell, Percent):
        return whole_percent(cell.part, cell.whole)
    return shown(cell) if isinstance(cell, _Word) else cell


def percent(part: int, whole: int) -> str:
    """Return a share in words."""
    return str(format_percent(whole_percent(part, whole) / 100))


def month_name(month: date) -> str:
    """Return the name of a month, with its year."""
    return str(format_date(month, gettext(MONTH)))


def period_name(since: date, until: date) -> str:
    """Return the name of a period of months."""
    if since == until:
        return month_name(since)
    if (since.month, until.month, until.year) == (1, 12, since.year):
        return gettext("the year %(year)s", year=since.year)
    return gettext("%(since)s to %(until)s", since=month_name(since), until=month_name(until))


def days_in_words(days: int | None) -> str:
    """Return a number of days; None is more than anybody has waited yet."""
    if days is None:
        return gettext("not yet")
    return ngettext("%(number)s day", "%(number)s days", days, number=format_decimal(days))


def band_name(band: int) -> str:
    """Return what offices of a band have in common."""
    least, most = band_bounds(band)
    if most is None:
        return gettext("Offices with %(least)s grievances and more", least=format_decimal(least))
    return gettext(
        "Offices with %(least)s to %(most)s grievances",
        least=format_decimal(least),
        most=format_decimal(most),
    )


def measure_name(key: str) -> str:
    """Return what the measure `key` is called."""
    return gettext("Days to an answer") if key == DAYS else gettext(BY_KEY[key].name)


def reached(days: float) -> int | None:
    return None if days >= NOT_YET else round(days)


def number_of(cell: Cell) -> float | None:
    return float(cell) if isinstance(cell, int) else None


def days_shown(cell: Cell) -> str:
    return days_in_words(cell) if isinstance(cell, int) else shown(cell)


def days_said(name: str, cells: Sequence[Cell]) -> str:
    return gettext(
        "%(name)s: median %(half)s, 90th percentile %(most)s",
        name=name,
        half=days_shown(cells[0]),
        most=days_shown(cells[1]),
    )


def days_reading(half: int | None, most: int | None) -> str:
    """Return median and 90th percentile in a sentence."""
    if half is None:
        return gettext("Fewer than half have been answered so far.")
    if most is None:
        return gettext(
            "Half were answered within %(half)s; fewer than 9 in 10 have been answered so far.",
            half=days_in_words(half),
        )
    return gettext(
        "Half were answered within %(half)s, 9 in 10 within %(most)s.",
        half=days_in_words(half),
        most=days_in_words(most),
    )

"""What stands on the dashboard: each part with its sentence, its chart and the table behind it.

`Asked` is what the reader wants to see; `Board` has the figures for it and makes the parts. In the
form for publication, and in every file, small cells are withheld (rules/figures.py): there the
tables hold WITHHELD where a number would tell of fewer than five.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask_babel import format_decimal, format_percent, gettext, ngettext

from queries.figures import ALL_OFFICES, Found, Overdue, Peers, Place
from rules import mark
from rules.figures import (
    BY_KEY,
    MEASURES,
    Counts,
    Measure,
    band_of,
    days_to_answer,
    is_small,
    is_withheld,
    month_of,
    months_of,
    total,
    whole_percent,
    withheld,
)
from views import charts
from views.cells import (
    NONE,
    NOT_REACHED,
    PERCENT_SCALE,
    WITHHELD,
    Cell,
    Part,
    Percent,
    Table,
    days_in_words,
    days_reading,
    days_said,
    month_name,
    number_of,
    percent,
    reached,
    shown,
)

AGES = (
    (mark("due this month"), 0, 0),
    (mark("due last month"), 1, 1),
    (mark("due 2 or 3 months ago"), 2, 3),
    (mark("due 4 to 12 months ago"), 4, 12),
    (mark("due more than a year ago"), 13, None),
)


@dataclass(frozen=True)
class Asked:
    """What the reader wants to see: `office` None for all they see; `measure` a key of BY_KEY or
    DAYS; `order` "name" or "measure"; `is_published` the form for publication."""

    office: int | None
    since: date
    until: date
    measure: str
    order: str
    is_published: bool

    def as_query(self, **changes: Any) -> dict[str, Any]:
        """Return the arguments of the address that asks for this, with `changes`."""
        asked = {
            "office": self.office,
            "since": self.since.strftime("%Y-%m"),
            "until": self.until.strftime("%Y-%m"),
            "measure": self.measure,
            "order": self.order,
            "form": "publication" if self.is_published else None,
        }
        return {key: value for key, value in (asked | changes).items() if value is not None}


@dataclass(frozen=True)
class Headline:
    """One measure of the whole that was asked for."""

    name: str
    value: str
    reading: str
    peers: str
    meaning: str


class Board:
    """The figures of one page, and its parts."""

    def __init__(
        self,
        asked: Asked,
        found: Found,
        late: Sequence[Overdue],
        peers: dict[tuple[int, str], Peers],
        places: Sequence[Place],
        as_of: datetime,
    ) -> None:
        self.asked = asked
        self.months = months_of(asked.since, asked.until)
        self.by_month = [found.months.get(month, Counts()) for month in self.months]
        self.total = total(found.months.values())
        self.offices = found.offices
        self._late = late
        self.peers = peers
        self._names = {place.id: place.name for place in places}
        self._this_month = month_of(as_of.date())

    @property
    def is_empty(self) -> bool:
        """Whether the period has nothing to show."""
        return not any(getattr(self.total, one.whole) for one in MEASURES) and not (
            self.total.received or self.total.clocks_ended
        )

    def name_of(self, office: int | None) -> str:
        """Return the name of an office; None is what is with no office yet."""
        if office is None:
            return gettext("With no office yet")
        return self._names.get(office, f"#{office}")

    # --- The whole ---------------------------------------------------------------------------

    def headlines(self) -> list[Headline]:
        """Return each measure of the whole, with what offices of similar size reach beside it."""
        found = [self._headline(measure) for measure in MEASURES]
        found.insert(2, self._days_headline())
        return found

    def _headline(self, measure: Measure) -> Headline:
        part, whole = self.total.share(measure)
        said = {"part": format_decimal(part), "whole": format_decimal(whole)}
        if not whole:
            value, reading = "–", gettext("Nothing to measure in this period.")
        elif self.asked.is_published and is_withheld(part, whole):
            value, reading = "–", gettext("Too few to be published.")
        else:
            value = percent(part, whole)
            reading = gettext(measure.reading) % (said | {"share": value})
            if self.asked.is_published and not measure.publishes_counts:
                reading = ""
        return Headline(
            gettext(measure.name),
            value,
            reading,
            self._peers_in_words(measure.key, lambda share: str(format_percent(round(share, 2)))),
            gettext(measure.meaning),
        )

    def _days_headline(self) -> Headline:
        half, most = days_to_answer(self.total)
        if not self.total.clocks_ended:
            value, reading = "–", gettext("Nothing to measure in this period.")
        elif self.asked.is_published and is_small(self.total.clocks_ended):
            value, reading = "–", gettext("Too few to be published.")
        else:
            value = f"{days_in_words(half)} · {days_in_words(most)}"
            reading = days_reading(half, most)
        return Headline(
            gettext("Days to an answer: median · 90th percentile"),
            value,
            reading,
            self._peers_in_words("median", lambda days: days_in_words(reached(days))),
            gettext(
                "Calendar days from receipt to answer, of all grievances whose time ended in the"
                " period; the unanswered ones stand behind all answered ones. Without a due date"
                " the time ends after 60 days."
            ),
        )

    def _peers_in_words(self, key: str, words: Callable[[float], str]) -> str:
        band = band_of(self.total.clocks_ended)
        similar, everybody = self.peers.get((band, key)), self.peers.get((ALL_OFFICES, key))
        if band and similar:
            return gettext(
                "Median of %(offices)s offices of similar size: %(value)s",
                offices=format_decimal(similar.offices),
                value=words(similar.middle),
            )
        if everybody:
            return gettext(
                "Median of all %(offices)s offices: %(value)s",
                offices=format_decimal(everybody.offices),
                value=words(everybody.middle),
            )
        return gettext("Too few offices to compare with.")

    def headline_table(self) -> Table:
        rows: list[list[Cell]] = []
        for measure in MEASURES:
            rows.append([gettext(measure.name), *self.cells(measure, self.total, False)])
        half, most = self.days_cells(self.total)
        rows.append([gettext("Days to an answer, median"), NONE, NONE, half])
        rows.append([gettext("Days to an answer, 90th percentile"), NONE, NONE, most])
        headings = [
            gettext("Measure"),
            gettext("How many"),
            gettext("Of how many"),
            gettext("Share or days"),
        ]
        return Table("whole", gettext("In short"), headings, rows)

    def cells(self, measure: Measure, counts: Counts, is_hidden: bool) -> list[Cell]:
        """Return number, of how many, and share."""
        part, whole = counts.share(measure)
        if self.asked.is_published and (is_hidden or is_withheld(part, whole)):
            return [WITHHELD, WITHHELD, WITHHELD]
        share: Cell = Percent(part, whole) if whole else NONE
        if self.asked.is_published and not measure.publishes_counts:
            return [NONE, NONE, share]
        return [part, whole, share]

    def days_cells(self, counts: Counts) -> list[Cell]:
        """Return median and 90th percentile of the days to an answer."""
        if not counts.clocks_ended:
            return [NONE, NONE]
        if self.asked.is_published and is_small(counts.clocks_ended):
            return [WITHHELD, WITHHELD]
        return [NOT_REACHED if one is None else one for one in days_to_answer(counts)]

    def hidden(self, measure: Measure, rows: Sequence[Counts]) -> set[int]:
        """Return which of `rows`, that add up to the whole, are withheld."""
        if not self.asked.is_published or not measure.publishes_counts:
            return set()
        shares = [counts.share(measure) for counts in rows]
        return withheld([(part, whole - part) for part, whole in shares])

    # --- Over time ---------------------------------------------------------------------------

    def trend(self) -> Part:
        """Return how the measure that was asked for went, month by month."""
        measure = BY_KEY.get(self.asked.measure, BY_KEY["answered"])
        hidden = self.hidden(measure, self.by_month)
        cells = [
            self.cells(measure, counts, place in hidden)
            for place, counts in enumerate(self.by_month)
        ]
        values = [
            (whole_percent(row[2].part, row[2].whole), f"{month_name(month)}: {shown(row[2])}")
            if isinstance(row[2], Percent)
            else None
            for month, row in zip(self.months, cells, strict=True)
        ]
        name = gettext(measure.name)
        part, whole = self.total.share(measure)
        reading = self._headline(measure).reading if whole else ""
        headings = [gettext("Month"), gettext("How many"), gettext("Of how many"), gettext("Share")]
        rows: list[list[Cell]] = [
            [month_name(month), *row] for month, row in zip(self.months, cells, strict=True)
        ]
        chart = self._over(
            [(percent(one, 100), one) for one in PERCENT_SCALE], [("line", name, values)]
        )
        return Part(
            Table("months", gettext("%(measure)s, by month", measure=name), headings, rows),
            reading,
            chart,
            meaning=gettext(measure.meaning),
        )

    def _over(self, scale: Sequence[tuple[str, float]], series: Any) -> charts.Over:
        names = [month_name(month) for month in self.months]
        return charts.over_time(names, [(value, words) for words, value in scale], series)

    def waits(self) -> Part:
        """Return the days to an answer, month by month: median and 90th percentile."""
        cells = [self.days_cells(counts) for counts in self.by_month]
        reached = [one for row in cells for one in row if isinstance(one, int)]
        scale = [(one, days_in_words(one)) for one in charts.nice_ticks(max(reached, default=1))]
        values = [
            None
            if row[0] in (NONE, WITHHELD)
            else (number_of(row[0]), number_of(row[1]), days_said(month_name(month), row))
            for month, row in zip(self.months, cells, strict=True)
        ]
        names = [month_name(month) for month in self.months]
        headings = [gettext("Month"), gettext("Median, days"), gettext("90th percentile, days")]
        rows: list[list[Cell]] = [
            [month_name(month), *row] for month, row in zip(self.months, cells, strict=True)
        ]
        title = gettext("Days to an answer, by month")
        return Part(
            Table("days", title, headings, rows),
            self._days_headline().reading,
            charts.whiskers_over_time(names, scale, title, values),
            meaning=gettext(
                "The dot is the median, the line goes up to the 90th percentile; where it runs off"
                " the chart, so many have not been answered yet."
            ),
        )

    def intake(self) -> Part:
        """Return what was received, in no colour: fewer complaints are no success."""
        received = [counts.received for counts in self.by_month]
        hidden = withheld([(one,) for one in received]) if self.asked.is_published else set()
        cells: list[Cell] = [
            WITHHELD if place in hidden else one for place, one in enumerate(received)
        ]
        scale = [(shown(one), one) for one in charts.nice_ticks(max(received, default=1))]
        values = [
            (one, f"{month_name(month)}: {shown(one)}") if isinstance(one, int) else None
            for month, one in zip(self.months, cells, strict=True)
        ]
        title = gettext("Grievances received, by month")
        rows: list[list[Cell]] = [
            [month_name(month), one] for month, one in zip(self.months, cells, strict=True)
        ]
        is_told = not (self.asked.is_published and is_small(self.total.received))
        reading = ngettext(
            "%(number)s grievance was received in this period.",
            "%(number)s grievances were received in this period.",
            self.total.received,
            number=format_decimal(self.total.received),
        )
        return Part(
            Table("received", title, [gettext("Month"), gettext("Received")], rows),
            reading if is_told else gettext("Too few to be published."),
            self._over(scale, [("line", title, values)]),
            meaning=gettext(
                "How many complain says nothing of how an office handles it: no measure, target or"
                " order of offices rests on it."
            ),
            css="neutral",
        )

    def late(self) -> Part:
        """Return what is unanswered although its time is over, by how long ago it was due."""
        ages = [self._of_age(least, most) for _words, least, most in AGES]
        counts = [sum(one.unanswered for one in age) for age in ages]
        hidden = withheld([(one,) for one in counts]) if self.asked.is_published else set()
        cells: list[Cell] = [
            WITHHELD if place in hidden else one for place, one in enumerate(counts)
        ]
        names = [gettext(words) for words, _least, _most in AGES]
        scale = [(one, shown(one)) for one in charts.nice_ticks(max(counts, default=1))]
        bars = [
            (name, shown(cell), 0.0 if isinstance(cell, int) else None, number_of(cell), False)
            for name, cell in zip(names, cells, strict=True)
        ]
        headings = [gettext("When the answer was due"), gettext("Unanswered")]
        rows: list[list[Cell]] = [[name, cell] for name, cell in zip(names, cells, strict=True)]
        if not self.asked.is_published:
            headings.append(gettext("Of these, withdrawn"))
            for row, age in zip(rows, ages, strict=True):
                row.append(sum(one.withdrawn for one in age))
        return Part(
            Table("unanswered", gettext("Unanswered past their time"), headings, rows),
            self._late_reading(sum(counts)),
            charts.rows_of(scale, bars),
            meaning=gettext(
                "As of the last refresh, whatever the period above. A withdrawn grievance that had"
                " no answer stays among them: a withdrawal improves no figure."
            ),
        )

    def _of_age(self, least: int, most: int | None) -> list[Overdue]:
        first = month_of(self._this_month, -most) if most is not None else date.min
        return [
            one for one in self._late if first <= one.month <= month_of(self._this_month, -least)
        ]

    def _late_reading(self, unanswered: int) -> str:
        waiting = sum(one.waiting for one in self._late)
        if self.asked.is_published and (is_small(unanswered) or is_small(waiting)):
            return gettext("Too few to be published.")
        return gettext(
            "%(late)s grievances are unanswered past their time; %(waiting)s more are open and"
            " still in time.",
            late=format_decimal(unanswered),
            waiting=format_decimal(waiting),
        )

"""Offices beside each other on the dashboard, each among those of similar size."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import format_decimal, gettext, ngettext

from queries.figures import NOT_YET
from rules.figures import BY_KEY, DAYS, MEASURES, Measure, band_of
from views import charts
from views.board import Board
from views.cells import (
    NOT_REACHED,
    PERCENT_SCALE,
    Cell,
    Part,
    Percent,
    Table,
    band_name,
    days_in_words,
    days_shown,
    measure_name,
    number_of,
    percent,
    plain,
    shown,
)

BESIDE = ("reopened", "stood", "rated")
"""No share is shown without these three (domain.md section 9)."""


@dataclass(frozen=True)
class Entry:
    """An office among others: what was asked for, and what stands beside it."""

    name: str
    band: int
    own: list[Cell]
    beside: list[Cell]

    @property
    def number(self) -> float:
        """What offices are ordered by; those without it come last."""
        first = self.own[-1] if isinstance(self.own[-1], Percent) else self.own[0]
        if first is NOT_REACHED:
            return float(NOT_YET)
        found = plain(first)
        return float(found) if isinstance(found, int) else -1.0

    def row(self) -> list[Cell]:
        """Return the row of the table."""
        size = band_name(self.band) if self.band else gettext("Too few to compare")
        return [self.name, size, *self.own, *self.beside]

    def bar(self, is_days: bool) -> tuple[str, str, float | None, float | None, bool]:
        """Return the row of a chart: name, words, number, end of its whisker, whether that goes
        on beyond the scale."""
        number = self.number if self.number >= 0 else None
        if not is_days:
            return self.name, shown(self.own[2]), number, None, False
        half, most = self.own
        if number is None:
            return self.name, shown(half), None, None, False
        end = number_of(most)
        words = shown(half) if half is most else f"{shown(half)} · {days_shown(most)}"
        return self.name, words, number, NOT_YET if end is None else end, most is NOT_REACHED


def comparison(board: Board) -> Part:
    """Return the offices of `board` beside each other."""
    found = entries(board)
    compared = [one for one in found if one.band]
    bands = sorted({one.band for one in compared}, reverse=True)
    named = measure_name(board.asked.measure)
    return Part(
        Table(
            "offices",
            gettext("%(measure)s: offices of similar size", measure=named),
            _headings(board),
            [one.row() for one in found],
        ),
        ngettext(
            "%(number)s office had five grievances or more whose time ended in this period.",
            "%(number)s offices had five grievances or more whose time ended in this period.",
            len(compared),
            number=format_decimal(len(compared)),
        ),
        bands=[
            (band_name(band), _chart(board, band, [one for one in found if one.band == band]))
            for band in bands
        ],
        meaning=gettext(
            "Only offices of similar size stand side by side: none has four times as many"
            " grievances as another. The upright line is their median, where there are five or"
            " more."
        ),
    )


def _beside(board: Board) -> list[Measure]:
    return [BY_KEY[key] for key in BESIDE if key != board.asked.measure]


def _headings(board: Board) -> list[str]:
    own = [gettext("How many"), gettext("Of how many"), measure_name(board.asked.measure)]
    if board.asked.measure == DAYS:
        own = [gettext("Median, days"), gettext("90th percentile, days")]
    beside = [gettext(measure.name) for measure in _beside(board)]
    return [gettext("Office"), gettext("Size of the office"), *own, *beside]


def entries(board: Board) -> list[Entry]:
    """Return the offices in the order that was asked for, the larger bands first; never by how
    many complained."""
    counts = list(board.offices.values())
    hidden = {one.key: board.hidden(one, counts) for one in MEASURES}

    def cells(key: str, place: int) -> list[Cell]:
        return board.cells(BY_KEY[key], counts[place], place in hidden[key])

    found = [
        Entry(
            board.name_of(office),
            band_of(counts[place].clocks_ended),
            board.days_cells(counts[place])
            if board.asked.measure == DAYS
            else cells(board.asked.measure, place),
            [cells(measure.key, place)[2] for measure in _beside(board)],
        )
        for place, office in enumerate(board.offices)
    ]
    is_by_name = board.asked.order == "name"
    return sorted(found, key=lambda one: (-one.band, 0.0 if is_by_name else -one.number, one.name))


def _chart(board: Board, band: int, found: Sequence[Entry]) -> charts.Rows:
    is_days = board.asked.measure == DAYS
    if is_days:
        reached = [cell for one in found for cell in one.own if isinstance(cell, int)]
        ticks = charts.nice_ticks(max(reached, default=1))
        scale = [(float(one), days_in_words(one)) for one in ticks]
    else:
        scale = [(float(one), percent(one, 100)) for one in PERCENT_SCALE]
    similar = board.peers.get((band, "median" if is_days else board.asked.measure))
    return charts.rows_of(
        scale,
        [one.bar(is_days) for one in found],
        similar.middle * (1 if is_days else 100) if similar else None,
    )

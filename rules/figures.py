"""What the figures of the dashboard mean, each once, and what may be published of them.

Every figure is about an office's own handling (domain.md, sections 1 and 9). It stands in the month
in which the office's time ran out, not in that of the answer: a grievance that nobody answered is
in that month too, and counts as not in time. A withdrawal takes nothing out and adds nothing. Why
it is so and not otherwise: docs/decisions/0054-figures-that-silence-does-not-improve.md.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date

from rules import RuleBroken, mark

DEFINITION = 1
"""Goes up when a figure comes to mean something else; the summary is then made anew."""
ACKNOWLEDGE_DAYS = 7
"""Calendar days for confirming receipt: the five working days of the LGSCO's Code of Practice
(England), as long as a week has. A grievance has no clock of its own for it."""
UNDATED_DAYS = 60
"""Calendar days after which the time for an answer counts as over where no due date was set: the
longest that a first answer may take (China's regulation of 2022 on letters and visits)."""
SMALLEST = 5
"""Cells from 1 to one less are not published, and no figure is compared on fewer offices."""
BANDS = (5, 20, 80, 320, 1_280, 5_120, 20_480)
"""Where bands of offices of similar size begin, by grievances whose time ended in the period: no
office has four times as many as another of its band. Below the first there is no comparison."""
MOST_MONTHS = 120
GOOD_RATING = 4


@dataclass(frozen=True)
class Measure:
    """A share: `part` of `whole`, both names of Counts. `reading` says it of a period in one
    sentence, `meaning` what counts and what does not. Where two measures count out of the same
    grievances, one of them publishes its share alone: their difference is a cell as well."""

    key: str
    name: str
    part: str
    whole: str
    reading: str
    meaning: str
    source: str
    publishes_counts: bool = True


MEASURES = (
    Measure(
        "acknowledged",
        mark("Acknowledged in time"),
        "acknowledged",
        "acknowledge_due",
        mark("Grievances to be acknowledged: %(whole)s. In time: %(part)s (%(share)s)."),
        mark(
            "Receipt confirmed, or the answer given, within 7 calendar days. Records brought in"
            " from a system that does not say when receipt was confirmed are left out."
        ),
        "LGSCO Code of Practice: 5 working days",
    ),
    Measure(
        "answered",
        mark("Answered in time"),
        "answers_in_time",
        "answers_due",
        mark("Grievances due: %(whole)s. Answered in time: %(part)s (%(share)s)."),
        mark(
            "Answered, or closed with its outcome, by the due date, in the month of the due date."
            " What is overdue and unanswered counts as not in time, withdrawn or not."
        ),
        "domain.md section 5: the clock of each grievance",
    ),
    Measure(
        "remedied",
        mark("Remedies done when promised"),
        "remedies_done",
        "remedies_due",
        mark("Remedies promised for then: %(whole)s. Done by the day: %(part)s (%(share)s)."),
        mark("Done, as the office says, by the day that was promised, in the month of that day."),
        "domain.md section 8: each promise becomes a dated remedy",
    ),
    Measure(
        "reopened",
        mark("Opened again"),
        "reopened",
        "answered_once",
        mark("Grievances answered: %(whole)s. Opened again: %(part)s (%(share)s)."),
        mark(
            "Opened again after an answer, a closing or a withdrawal, in the month in which the"
            " time for its answer ended."
        ),
        "domain.md section 9",
        publishes_counts=False,
    ),
    Measure(
        "stood",
        mark("Decisions upheld on appeal"),
        "decisions_stood",
        "appeals_decided",
        mark("Appeals decided: %(whole)s. The decision stood: %(part)s (%(share)s)."),
        mark(
            "Appeals dismissed, of those decided, in the month in which the time for the answer"
            " ended. A decision that was changed in part did not stand."
        ),
        "domain.md section 9",
    ),
    Measure(
        "rated",
        mark("Rated good"),
        "rated_good",
        "rated",
        mark("Ratings of the handling: %(whole)s. Good: %(part)s (%(share)s)."),
        mark("Ratings of 4 or 5 out of 5, in the month in which the time for the answer ended."),
        "domain.md section 9",
    ),
)
BY_KEY = {measure.key: measure for measure in MEASURES}
DAYS = "days"
"""The other kind of measure: calendar days from receipt to answer, as median and 90th percentile
of all grievances whose time ended, with the unanswered ones behind all answered ones."""


# --- Counting --------------------------------------------------------------------------------


@dataclass
class Counts:
    """What is counted of an office and a month; of several when added up. `waits` is how many
    were answered after so many days."""

    received: int = 0
    acknowledge_due: int = 0
    acknowledged: int = 0
    clocks_ended: int = 0
    answers_due: int = 0
    answers_in_time: int = 0
    answered: int = 0
    answered_once: int = 0
    withdrawn_unanswered: int = 0
    waiting: int = 0
    reopened: int = 0
    appeals_decided: int = 0
    decisions_stood: int = 0
    rated: int = 0
    rated_good: int = 0
    remedies_due: int = 0
    remedies_done: int = 0
    waits: dict[int, int] = field(default_factory=dict)

    def share(self, measure: Measure) -> tuple[int, int]:
        """Return how many, and of how many."""
        return getattr(self, measure.part), getattr(self, measure.whole)

    @property
    def unanswered(self) -> int:
        """Grievances whose time is over and that nobody answered, the withdrawn ones included."""
        return self.clocks_ended - self.answered


COUNTED = tuple(one.name for one in fields(Counts) if one.name != "waits")


def total(parts: Iterable[Counts]) -> Counts:
    """Return all of `parts` together."""
    whole = Counts()
    for part in parts:
        for name in COUNTED:
            setattr(whole, name, getattr(whole, name) + getattr(part, name))
        for days, number in part.waits.items():
            whole.waits[days] = whole.waits.get(days, 0) + number
    return whole


def percentile(waits: Mapping[int, int], of: int, percent: int) -> int | None:
    """Return the least number of days within which `percent` of `of` grievances were answered, by
    nearest rank; None where so many have not been answered yet."""
    wanted, so_far = of * percent, 0
    for days in sorted(waits):
        so_far += waits[days]
        if so_far * 100 >= wanted > 0:
            return days
    return None


def days_to_answer(counts: Counts) -> tuple[int | None, int | None]:
    """Return median and 90th percentile of the days to an answer; None: not reached yet."""
    of = counts.clocks_ended
    return percentile(counts.waits, of, 50), percentile(counts.waits, of, 90)


def whole_percent(part: int, whole: int) -> int:
    """Return the share in percent. 100 is all of them and 0 none: what is nearly so is not."""
    rounded = (200 * part + whole) // (2 * whole)
    if 0 < part < whole:
        return min(99, max(1, rounded))
    return rounded


def band_of(size: int) -> int:
    """Return the band of an office with `size` grievances: 0 for too few to compare, from 1 up."""
    return sum(size >= least for least in BANDS)


def band_bounds(band: int) -> tuple[int, int | None]:
    """Return the fewest and the most grievances of an office in `band`; None for no limit."""
    least = BANDS[band - 1] if band else 0
    return least, BANDS[band] - 1 if band < len(BANDS) else None


# --- What may be published -------------------------------------------------------------------


def is_small(number: int) -> bool:
    """Return whether a cell is too small to be published. None at all tells of nobody, and an
    office that answered every grievance in time may say so."""
    return 0 < number < SMALLEST


def is_withheld(part: int, whole: int) -> bool:
    """Return whether a share by itself tells of a small cell."""
    return is_small(part) or is_small(whole - part)


def withheld(rows: Sequence[Sequence[int]]) -> set[int]:
    """Return the places of the rows that are not published, of rows that add up to a total that
    everybody knows. A row is some cells that do not overlap, such as (in time, not in time).

    A row with a small cell is withheld. What is withheld is then made so much that the total
    does not give it away: two rows at least, and no small sum of them in any cell.
    """
    hidden = {place for place, cells in enumerate(rows) if any(map(is_small, cells))}
    others = sorted(
        (place for place, cells in enumerate(rows) if place not in hidden and any(cells)),
        key=lambda place: (sum(rows[place]), place),
    )
    for place in others:
        if not hidden or _covers(rows, hidden):
            break
        hidden.add(place)
    return hidden


def _covers(rows: Sequence[Sequence[int]], hidden: set[int]) -> bool:
    columns = zip(*(rows[place] for place in hidden), strict=True)
    return len(hidden) > 1 and not any(is_small(sum(column)) for column in columns)


# --- Months ----------------------------------------------------------------------------------


def month_of(day: date, months: int = 0) -> date:
    """Return the first day of the month of `day`, or of one so many months off. Raises RuleBroken
    where there is no such month."""
    number = day.year * 12 + day.month - 1 + months
    if not 12 <= number < 120_000:
        raise RuleBroken("There is no such month.")
    return date(number // 12, number % 12 + 1, 1)


def months_of(since: date, until: date) -> list[date]:
    """Return the first days of all months from that of `since` to that of `until`."""
    count = (until.year - since.year) * 12 + until.month - since.month + 1
    return [month_of(since, number) for number in range(count)]


def check_period(since: date, until: date) -> None:
    """Raise RuleBroken for months that are in no order, or too many for a page."""
    if since > until:
        raise RuleBroken("The first month must not be after the last one.")
    if len(months_of(since, until)) > MOST_MONTHS:
        raise RuleBroken("Ask for %(most)s months at most.", most=MOST_MONTHS)


def stretches(months: Iterable[date]) -> list[tuple[date, date]]:
    """Return `months` as stretches without a gap: each first day, and the first day after."""
    found: list[tuple[date, date]] = []
    for month in sorted(set(months)):
        if found and found[-1][1] == month:
            found[-1] = (found[-1][0], month_of(month, 1))
        else:
            found.append((month, month_of(month, 1)))
    return found

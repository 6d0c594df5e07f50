"""What the figures mean: shares, percentiles, bands, what is published, and months."""

import random
from datetime import date
from itertools import product

import pytest

from rules import RuleBroken
from rules.figures import (
    BANDS,
    BY_KEY,
    COUNTED,
    MEASURES,
    SMALLEST,
    Counts,
    band_bounds,
    band_of,
    check_period,
    days_to_answer,
    is_small,
    is_withheld,
    month_of,
    months_of,
    percentile,
    stretches,
    total,
    whole_percent,
    withheld,
)


def test_every_measure_is_a_part_of_a_whole_that_is_counted() -> None:
    assert {name for one in MEASURES for name in (one.part, one.whole)} <= set(COUNTED)
    assert all(one.meaning and one.source for one in MEASURES)


@pytest.mark.parametrize("one", MEASURES, ids=lambda one: one.key)
def test_a_reading_names_part_whole_and_share(one: object) -> None:
    said = one.reading % {"part": "96", "whole": "120", "share": "80%"}  # type: ignore[attr-defined]
    assert "96" in said
    assert "120" in said
    assert "(80%)" in said


def test_no_measure_is_about_how_many_complain() -> None:
    assert not {"received", "waiting", "withdrawn_unanswered"} & {
        name for one in MEASURES for name in (one.part, one.whole)
    }


@pytest.mark.parametrize(
    ("waits", "of", "half", "most"),
    [
        ({}, 0, None, None),
        ({3: 1}, 1, 3, 3),
        ({0: 5, 10: 4, 99: 1}, 10, 0, 10),
        ({1: 1, 2: 1, 3: 1, 4: 1}, 4, 2, 4),
        ({1: 9}, 10, 1, 1),  # one of ten unanswered
        ({1: 8}, 10, 1, None),  # two of ten
        ({1: 4}, 10, None, None),
        ({5: 1, 1: 1}, 2, 1, 5),  # in whatever order
    ],
)
def test_a_percentile_is_of_all_the_unanswered_ones_last(
    waits: dict[int, int], of: int, half: int | None, most: int | None
) -> None:
    assert percentile(waits, of, 50) == half
    assert percentile(waits, of, 90) == most
    assert days_to_answer(Counts(clocks_ended=of, waits=waits)) == (half, most)


def test_a_percentile_is_that_of_the_days_written_out() -> None:
    dice = random.Random(5)  # noqa: S311  the same days each time
    for _ in range(300):
        days = sorted(dice.randint(0, 30) for _ in range(dice.randint(1, 40)))
        waits = {day: days.count(day) for day in days}
        for percent in (50, 90):
            rank = -(-len(days) * percent // 100)
            assert percentile(waits, len(days), percent) == days[rank - 1]


def test_not_to_answer_never_improves_the_days() -> None:
    answered = Counts(clocks_ended=10, waits={2: 5, 40: 5})
    hidden = Counts(clocks_ended=10, waits={2: 5})
    assert days_to_answer(answered) == (2, 40)
    assert days_to_answer(hidden) == (2, None)


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [(96, 120, 80), (0, 9, 0), (9, 9, 100), (999, 1000, 99), (1, 1000, 1), (1, 3, 33), (2, 3, 67)],
)
def test_a_share_is_all_or_none_only_where_it_is(part: int, whole: int, shown: int) -> None:
    assert whole_percent(part, whole) == shown


def test_counts_add_up() -> None:
    one, two = Counts(answered=2, waits={1: 2}), Counts(answered=1, rated=3, waits={1: 1, 4: 1})
    assert total([one, two]) == Counts(answered=3, rated=3, waits={1: 3, 4: 1})
    assert one.waits == {1: 2}
    assert total([]) == Counts()


def test_no_office_of_a_band_is_four_times_as_large_as_another() -> None:
    assert [band_of(size) for size in (0, 4, 5, 19, 20, 79, 80)] == [0, 0, 1, 1, 2, 2, 3]
    for band in range(1, len(BANDS)):
        least, most = band_bounds(band)
        assert most is not None
        assert most < 4 * least
        assert band_of(least) == band_of(most) == band
    assert band_bounds(len(BANDS)) == (BANDS[-1], None)


# --- What is published -----------------------------------------------------------------------


def test_a_small_cell_is_withheld_and_another_with_it() -> None:
    assert withheld([(96, 24), (3, 40), (30, 30)]) == {1, 2}
    assert withheld([(96, 24), (30, 40)]) == set()
    assert withheld([(100, 0), (50, 0)]) == set(), "none at all tells of nobody"
    assert withheld([]) == set()


def test_what_is_withheld_together_is_not_small_either() -> None:
    assert withheld([(1, 20), (2, 20), (50, 50)]) == {0, 1, 2}, "1 and 2 would add up to 3"
    assert withheld([(3, 20), (3, 20), (50, 50)]) == {0, 1}


def possible(rows: list[tuple[int, int]], hidden: set[int]) -> list[set[tuple[int, int]]]:
    """Return what somebody who knows the total and what is not hidden can think that each hidden
    row is, by trying everything."""
    known = [sum(rows[place][cell] for place in hidden) for cell in (0, 1)]
    places = sorted(hidden)
    found: list[set[tuple[int, int]]] = [set() for _ in places]
    for parts in product(range(known[0] + 1), repeat=len(places)):
        if sum(parts) == known[0]:
            for others in product(range(known[1] + 1), repeat=len(places)):
                if sum(others) == known[1]:
                    for at, pair in enumerate(zip(parts, others, strict=True)):
                        found[at].add(pair)
    return found


def test_no_small_cell_follows_from_the_total_and_the_rest() -> None:
    dice = random.Random(11)  # noqa: S311  the same tables each time
    tried = 0
    for _ in range(400):
        rows = [
            (dice.choice([0, 1, 3, 5, 7]), dice.choice([0, 2, 5, 6]))
            for _ in range(dice.randint(2, 3))
        ]
        sums = [sum(row[cell] for row in rows) for cell in (0, 1)]
        hidden = withheld(rows)
        small = {
            place for place, row in enumerate(rows) if any(0 < cell < SMALLEST for cell in row)
        }
        assert small <= hidden
        if any(map(is_small, sums)):  # then the total is withheld as well
            assert hidden == {place for place, row in enumerate(rows) if any(row)}
            continue
        if hidden and sum(sums) < 26:
            tried += 1
            for choices in possible(rows, hidden):
                for cell in (0, 1):
                    values = {choice[cell] for choice in choices}
                    assert len(values) > 1 or values == {0} or min(values) >= SMALLEST
    assert tried > 100


def test_a_share_alone_tells_of_a_small_cell_too() -> None:
    assert is_withheld(2, 100)
    assert is_withheld(98, 100)
    assert not is_withheld(0, 100)
    assert not is_withheld(50, 100)


def test_of_measures_out_of_the_same_grievances_one_publishes_its_counts() -> None:
    assert not BY_KEY["reopened"].publishes_counts
    wholes = [one.whole for one in MEASURES if one.publishes_counts]
    assert len(wholes) == len(set(wholes))


# --- Months ----------------------------------------------------------------------------------


def test_months_are_counted_over_the_turn_of_the_year() -> None:
    assert month_of(date(2026, 1, 31), -1) == date(2025, 12, 1)
    assert month_of(date(2026, 12, 31), 1) == date(2027, 1, 1)
    assert months_of(date(2025, 11, 1), date(2026, 2, 1)) == [
        date(2025, 11, 1),
        date(2025, 12, 1),
        date(2026, 1, 1),
        date(2026, 2, 1),
    ]
    for month in (date(1, 1, 1), date(9999, 12, 1)):
        with pytest.raises(RuleBroken):
            month_of(month, -1 if month.year == 1 else 1)


def test_a_period_has_an_order_and_an_end() -> None:
    check_period(date(2026, 1, 1), date(2026, 1, 1))
    with pytest.raises(RuleBroken, match="after the last"):
        check_period(date(2026, 2, 1), date(2026, 1, 1))
    with pytest.raises(RuleBroken):
        check_period(date(1900, 1, 1), date(2026, 1, 1))


def test_months_in_a_row_are_one_stretch() -> None:
    first, second, fourth = date(2026, 1, 1), date(2026, 2, 1), date(2026, 4, 1)
    assert stretches([fourth, second, first, first]) == [
        (first, date(2026, 3, 1)),
        (fourth, date(2026, 5, 1)),
    ]

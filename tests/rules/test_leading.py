"""Which grievances must have a lead official, and of what rank."""

from datetime import UTC, datetime, timedelta

import pytest

from rules import RuleBroken
from rules.leading import Leading
from rules.offices import OfficeLevel

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
LEADING = Leading(60, OfficeLevel.DEPARTMENT)


def check(rank: OfficeLevel | None, *, days: int, is_from_above: bool = False) -> None:
    received = NOW - timedelta(days=days)
    LEADING.check(rank, is_from_above=is_from_above, received_at=received, now=NOW)


@pytest.mark.parametrize("rank", [None, *OfficeLevel])
def test_a_fresh_one_of_the_district_needs_nobody(rank: OfficeLevel | None) -> None:
    check(rank, days=59)


@pytest.mark.parametrize(("days", "is_from_above"), [(60, False), (0, True), (400, True)])
def test_a_long_pending_one_and_one_from_above_need_somebody_of_the_rank(
    days: int, is_from_above: bool
) -> None:
    for rank in (OfficeLevel.DEPARTMENT, OfficeLevel.DISTRICT):
        check(rank, days=days, is_from_above=is_from_above)
    for rank in (OfficeLevel.COMMUNITY, OfficeLevel.SUBDISTRICT):
        with pytest.raises(RuleBroken, match="of this rank at least"):
            check(rank, days=days, is_from_above=is_from_above)
    with pytest.raises(RuleBroken, match="needs a lead official first"):
        check(None, days=days, is_from_above=is_from_above)

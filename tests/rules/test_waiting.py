"""The table of what waits on whom."""

from datetime import UTC, date, datetime, timedelta

import pytest

from rules.offices import DayKind
from rules.permissions import Role
from rules.waiting import KINDS, Kind, expects_return, fault_of_watch, kinds_for

every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
NOW = datetime(2026, 7, 15, 10, tzinfo=UTC)


def test_every_kind_has_a_name_of_its_own() -> None:
    names = [kind.name for kind in KINDS]
    assert len(set(names)) == len(names)


def test_every_role_has_kinds_of_its_own() -> None:
    for role in Role:
        others = {kind.name for kind in KINDS if kind.roles == frozenset(Role)}
        assert {kind.name for kind in kinds_for(frozenset({role}))} - others, role


def test_who_has_several_roles_has_the_kinds_of_each_once() -> None:
    both = kinds_for(frozenset({Role.HANDLER, Role.OFFICE_HEAD}))
    names = [kind.name for kind in both]
    assert len(set(names)) == len(names)
    assert {"to_answer", "without_handler"} <= set(names)
    assert [kind for kind in KINDS if kind in both] == both


@every_kind
def test_no_kind_counts_people(kind: Kind) -> None:
    """Not who complains, not how many, not how often (domain.md section 1)."""
    assert kind.record not in ("identity", "feedback", "identity_opening")
    asked = [named for named, _ in kind.filters]
    assert not [one for one in asked if one.startswith(("withdrawn", "rating", "channel"))]


@pytest.mark.parametrize(
    ("day", "differs", "expected"),
    [
        (date(2026, 7, 15), None, True),
        (date(2026, 7, 18), None, False),  # a Saturday
        (date(2026, 7, 18), DayKind.MAKE_UP, True),
        (date(2026, 7, 15), DayKind.HOLIDAY, False),
    ],
)
def test_a_return_is_owed_on_working_days(
    day: date, differs: DayKind | None, *, expected: bool
) -> None:
    assert expects_return(day, differs) is expected


@pytest.mark.parametrize(
    ("signed", "verified", "is_whole", "part"),
    [
        (1, 1, True, ""),
        (1, 1, False, "not whole"),
        (None, None, True, "No root"),
        (1, None, True, "never verified"),
        (3, 1, True, "signed more than 2 days ago"),
        (1, 8, True, "verified more than 7 days ago"),
    ],
)
def test_an_auditor_is_told_of_the_first_fault_of_the_watch(
    signed: int | None, verified: int | None, part: str, *, is_whole: bool
) -> None:
    def ago(days: int | None) -> datetime | None:
        return None if days is None else NOW - timedelta(days=days)

    fault = fault_of_watch(ago(signed), ago(verified), NOW, is_whole=is_whole)
    assert part in fault
    assert bool(part) == bool(fault)

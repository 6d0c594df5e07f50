"""Who supervises what: giving, moving, splitting, ending, undoing; and the database's own hold."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from actions import assignments as acting
from models import (
    Office,
    Officer,
    SupervisionAssignment,
    SupervisionGroup,
    db,
)
from queries import supervision as asking
from rules.permissions import Role
from rules.supervision import ChangeKind
from tests import factories as make

TODAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
WEEK = timedelta(days=7)


def group_of(*officers: Officer, starts_on: date = date(2026, 1, 1), **given: Any) -> Any:
    group = make.make_supervision_group(formed_on=date(2026, 1, 1), **given)
    for officer in officers:
        make.make_group_membership(group=group, officer=officer, starts_on=starts_on)
    return group


def inspector(**given: Any) -> Officer:
    return make.make_officer(roles=[Role.SUPERVISOR], **given)


@pytest.fixture
def town(session: Any) -> dict[str, Any]:
    """A district over two departments, one with an office below; a bureau with inspectors."""
    district = make.make_office(name="District")
    roads, parks, bureau = (
        make.make_office(name=name, parent_id=district.id) for name in ("Roads", "Parks", "Bureau")
    )
    lamps = make.make_office(name="Lamps", parent_id=roads.id)
    ann, ben, cat, dan = (
        inspector(name=name, office_id=bureau.id) for name in ("Ann", "Ben", "Cat", "Dan")
    )
    first = group_of(ann, ben, name="First")
    second = group_of(cat, dan, name="Second")
    return {
        "district": district, "roads": roads, "parks": parks, "bureau": bureau, "lamps": lamps,
        "ann": ann, "ben": ben, "cat": cat, "dan": dan, "first": first, "second": second,
    }  # fmt: skip


def periods(office: Office) -> list[tuple[str, date, date | None]]:
    rows = db.session.execute(
        select(
            SupervisionGroup.name, SupervisionAssignment.starts_on, SupervisionAssignment.ends_on
        )
        .join(SupervisionAssignment, SupervisionAssignment.group_id == SupervisionGroup.id)
        .where(SupervisionAssignment.office_id == office.id)
        .order_by(SupervisionAssignment.starts_on)
    )
    return [tuple(row) for row in rows]


def give(
    town: dict[str, Any], group: str, office: str, start: date, end: date | None = None
) -> Any:
    return acting.assign(town[group], town[office], start, end, by=town["ann"], now=NOW)


def test_a_period_is_given_moved_split_ended_and_each_is_taken_back(town: dict[str, Any]) -> None:
    roads, by = town["roads"], {"by": town["ann"], "now": NOW}
    one = give(town, "first", "roads", TODAY)
    assert periods(roads) == [("First", TODAY, None)]
    two = acting.move(one, town["second"], TODAY + 2 * WEEK, **by)
    moved = [("First", TODAY, TODAY + 2 * WEEK), ("Second", TODAY + 2 * WEEK, None)]
    assert periods(roads) == moved
    three = acting.split(two, TODAY + 3 * WEEK, **by)
    assert len(periods(roads)) == 3
    acting.end(three, TODAY + 4 * WEEK, **by)
    assert periods(roads)[-1] == ("Second", TODAY + 3 * WEEK, TODAY + 4 * WEEK)
    acting.end(three, TODAY, **by)  # it has not begun: it goes
    assert len(periods(roads)) == 2
    kinds = []
    for left in (3, 3, 2, 1, 0):
        change = asking.last_change(db.session, town["ann"].id)
        assert change is not None
        kinds.append(change.kind)
        acting.undo(change, **by)
        assert len(periods(roads)) == left, kinds
    assert kinds == [
        ChangeKind.TAKE_AWAY, ChangeKind.END, ChangeKind.SPLIT, ChangeKind.MOVE, ChangeKind.ASSIGN
    ]  # fmt: skip
    assert asking.last_change(db.session, town["ann"].id) is None

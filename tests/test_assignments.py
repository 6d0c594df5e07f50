"""Who supervises what: giving, moving, splitting, ending, undoing; and the database's own hold."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from actions import assignments as acting
from models import Office, Officer, SupervisionAssignment, SupervisionGroup, db
from queries import supervision as asking
from rules import RuleBroken
from rules.assignments import Policy
from rules.permissions import Role
from rules.refusals import refusal
from rules.supervision import ChangeKind
from tests import factories as make
from tests.statements import statements

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


# --- What is refused -------------------------------------------------------------------------


def test_a_refusal_names_member_and_office(town: dict[str, Any]) -> None:
    make.make_recusal(officer=town["ann"], office=town["parks"], starts_on=date(2026, 1, 1))
    with pytest.raises(RuleBroken) as refused:
        give(town, "first", "parks", TODAY)
    assert str(refused.value) == "Ann stands aside from Parks."
    with pytest.raises(RuleBroken) as refused:
        give(town, "second", "bureau", TODAY)
    assert str(refused.value) == (
        "Cat serves Bureau, and so must not inspect it. (and 1 more reasons)"
    )
    assert periods(town["parks"]) == periods(town["bureau"]) == []


def test_only_what_is_still_as_it_was_seen_is_changed(town: dict[str, Any]) -> None:
    one = give(town, "first", "roads", TODAY)
    seen = one.version_id
    acting.move(one, town["second"], TODAY, by=town["cat"], now=NOW, seen_version=seen)
    with pytest.raises(RuleBroken) as refused:
        acting.end(one, TODAY + WEEK, by=town["ann"], now=NOW, seen_version=seen)
    assert str(refused.value) == (
        "Cat changed this period before you: Second has Roads from 2026-11-23 on now. Look at the "
        "board and plan anew."
    )
    assert periods(town["roads"]) == [("Second", TODAY, None)]


def test_what_was_before_today_stays(town: dict[str, Any]) -> None:
    one = give(town, "first", "roads", TODAY - 4 * WEEK)
    by = {"by": town["ann"], "now": NOW}
    changes: list[Callable[[date], Any]] = [
        lambda day: acting.move(one, town["second"], day, **by),
        lambda day: acting.split(one, day, **by),
        lambda day: acting.end(one, day, **by),
    ]
    for change in changes:
        with pytest.raises(RuleBroken, match="What was before today stays"):
            change(TODAY - WEEK)
    assert periods(town["roads"]) == [("First", TODAY - 4 * WEEK, None)]


def test_a_change_is_not_taken_back_over_somebody_elses(town: dict[str, Any]) -> None:
    one = give(town, "first", "roads", TODAY)
    acting.end(one, TODAY + WEEK, by=town["cat"], now=NOW)
    mine = asking.last_change(db.session, town["ann"].id)
    assert mine is not None
    with pytest.raises(RuleBroken, match="Somebody changed one of these periods since"):
        acting.undo(mine, by=town["ann"], now=NOW)
    theirs = asking.last_change(db.session, town["cat"].id)
    assert theirs is not None
    with pytest.raises(RuleBroken, match="Only who made a change takes it back"):
        acting.undo(theirs, by=town["ann"], now=NOW)
    assert periods(town["roads"]) == [("First", TODAY, TODAY + WEEK)]


def test_what_can_no_longer_be_is_not_put_back(town: dict[str, Any]) -> None:
    """Somebody began to stand aside while the office was elsewhere."""
    one = give(town, "first", "roads", TODAY)
    acting.move(one, town["second"], TODAY, by=town["ann"], now=NOW)
    make.make_recusal(officer=town["ben"], office=town["roads"], starts_on=TODAY)
    change = asking.last_change(db.session, town["ann"].id)
    assert change is not None
    with pytest.raises(RuleBroken, match="Ben stands aside from Roads"):
        acting.undo(change, by=town["ann"], now=NOW)
    assert periods(town["roads"]) == [("Second", TODAY, None)]


# --- Many at once ----------------------------------------------------------------------------


def test_many_are_given_together_or_not_at_all(town: dict[str, Any]) -> None:
    give(town, "second", "roads", TODAY - WEEK)
    names = ("roads", "parks", "bureau")
    rows = [acting.Row(town["first"].id, town[name].id, TODAY + WEEK) for name in names]
    told = acting.check_many(db.session, rows, TODAY, replacing=True)
    assert [len(one) for one in told] == [0, 0, 2]
    with pytest.raises(RuleBroken, match="serves Bureau"):
        acting.assign_many(db.session, rows, by=town["ann"], now=NOW, replacing=True)
    assert periods(town["parks"]) == []
    with pytest.raises(RuleBroken, match="Second has Roads"):
        acting.assign_many(db.session, rows[:2], by=town["ann"], now=NOW)
    acting.assign_many(db.session, rows[:2], by=town["ann"], now=NOW, replacing=True)
    assert periods(town["roads"]) == [
        ("Second", TODAY - WEEK, TODAY + WEEK),
        ("First", TODAY + WEEK, None),
    ]
    change = asking.last_change(db.session, town["ann"].id)
    assert change is not None
    acting.undo(change, by=town["ann"], now=NOW)
    assert periods(town["roads"]) == [("Second", TODAY - WEEK, None)]
    assert periods(town["parks"]) == []


def test_the_same_office_twice_in_many_is_refused(town: dict[str, Any]) -> None:
    rows = [acting.Row(town[name].id, town["roads"].id, TODAY) for name in ("first", "second")]
    assert [len(one) for one in acting.check_many(db.session, rows, TODAY)] == [0, 1]
    with pytest.raises(RuleBroken, match="First has Roads"):
        acting.assign_many(db.session, rows, by=town["ann"], now=NOW)


# --- Who inspects ----------------------------------------------------------------------------


def test_an_inspector_is_barred_from_an_office_in_a_sentence(town: dict[str, Any]) -> None:
    ann, lamps, roads = town["ann"], town["lamps"], town["roads"]
    assert asking.bars(db.session, ann, roads, TODAY) is None
    ann.office_id = lamps.id
    db.session.flush()
    said = asking.bars(db.session, ann, roads, TODAY)
    assert str(said) == ("Ann serves Lamps, of the same line as Roads, and so must not inspect it.")
    assert str(asking.bars(db.session, ann, town["bureau"], TODAY)).startswith("Ann served Bureau")
    make.make_supervision_policy(in_force_from=date(2026, 11, 1), cooling_off_days=0)
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    assert asking.bars(db.session, ann, town["bureau"], tomorrow) is None


def test_the_picture_takes_the_same_statements_whatever_there_is(town: dict[str, Any]) -> None:
    def count() -> int:
        with statements() as sent:
            asking.picture(db.session, TODAY, now=NOW)
        return len(sent)

    before = count()
    for _ in range(12):
        group_of(inspector(), inspector())
    give(town, "first", "roads", TODAY)
    assert count() == before <= 9


def test_the_latest_policy_that_has_begun_holds(session: Any) -> None:
    assert asking.policy(db.session, TODAY) == Policy()
    make.make_supervision_policy(in_force_from=TODAY, fewest_members=3, weight_travel=0)
    assert asking.policy(db.session, TODAY - WEEK) == Policy()
    assert asking.policy(db.session, TODAY) == Policy(fewest_members=3, weight_travel=0)


# --- The database's own hold -----------------------------------------------------------------


@contextmanager
def refused(constraint: str) -> Iterator[None]:
    """Expect the database to refuse the block with this constraint."""
    with pytest.raises(IntegrityError) as caught, db.session.begin_nested():
        yield
    diagnosis: Any = caught.value.orig
    assert diagnosis.diag.constraint_name == constraint
    assert refusal(constraint, diagnosis.diag.table_name)


def test_the_database_refuses_a_group_with_a_member_of_the_line(town: dict[str, Any]) -> None:
    town["ann"].office_id = town["lamps"].id
    db.session.flush()
    for name in ("roads", "lamps", "bureau"):  # above, the same, and left just now
        with refused("ck_supervision_assignment_cooling_off"):
            make.make_supervision_assignment(group=town["first"], office=town[name])
    make.make_supervision_assignment(group=town["first"], office=town["parks"])


def test_the_database_refuses_a_member_who_stands_aside(town: dict[str, Any]) -> None:
    make.make_recusal(officer=town["ann"], office=town["parks"], starts_on=TODAY)
    with refused("ck_supervision_assignment_not_recused"):
        make.make_supervision_assignment(group=town["first"], office=town["parks"])
    make.make_supervision_assignment(
        group=town["first"], office=town["parks"], starts_on=make.DAY, ends_on=TODAY
    )


def test_the_database_refuses_a_term_and_a_transfer_to_what_the_group_has(
    town: dict[str, Any],
) -> None:
    make.make_supervision_assignment(group=town["first"], office=town["roads"])
    eve = inspector(name="Eve", office_id=town["lamps"].id)
    with refused("ck_group_membership_cooling_off"):
        make.make_group_membership(group=town["first"], officer=eve)
    with refused("ck_officer_cooling_off"):
        db.session.execute(
            update(Officer).where(Officer.id == town["ann"].id).values(office_id=town["lamps"].id)
        )
    with refused("ck_office_cooling_off"):
        db.session.execute(
            update(Office).where(Office.id == town["bureau"].id).values(parent_id=town["lamps"].id)
        )


def test_what_is_not_as_it_should_be_can_be_ended_but_not_lengthened(town: dict[str, Any]) -> None:
    one = make.make_supervision_assignment(
        group=town["first"], office=town["parks"], starts_on=TODAY, ends_on=TODAY + 9 * WEEK
    )
    make.make_recusal(officer=town["ann"], office=town["parks"], starts_on=TODAY)
    with refused("ck_supervision_assignment_not_recused"):
        one.ends_on = None
        db.session.flush()
    db.session.expire(one)
    one.ends_on = TODAY + WEEK
    db.session.flush()

"""Who supervises what: giving an office to a group, moving, splitting and ending its period, and
taking the last change back. Nothing else writes assignments but the generated screens, which ask
the same rules; each change leaves an AssignmentChange, by which it can be undone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, object_session

from models import AssignmentChange, Office, Officer, SupervisionAssignment, SupervisionGroup
from queries import supervision as asking
from rules import RuleBroken, Said, mark
from rules.assignments import Planned, refusals, refusals_of_each
from rules.supervision import ChangeKind

Assignment = SupervisionAssignment
PAST_STAYS = mark("What was before today stays. Choose today or a later day.")


@dataclass(frozen=True)
class Row:
    """One of many: the group gets the office for the period."""

    group_id: int
    office_id: int
    starts_on: date
    ends_on: date | None = None


def wait_for_others(session: Session) -> None:
    """Wait until nobody else is changing who supervises what; the same lock as that of the
    triggers, so that what is read next is what holds. It is let go with the transaction."""
    session.execute(select(func.pg_advisory_xact_lock(func.hashtext("redress supervision"))))


def assign(
    group: SupervisionGroup,
    office: Office,
    starts_on: date,
    ends_on: date | None,
    *,
    by: Officer,
    now: datetime,
    on: date | None = None,
) -> Assignment:
    """Give `office` to `group` for a period; `on` is today. Raises RuleBroken, with the sentences
    of rules/assignments.py, where it cannot be."""
    session = _session(group)
    wait_for_others(session)
    on = on or now.date()
    check(session, [Planned(group.id, office.id, starts_on, ends_on)], on)
    made = _add(session, Row(group.id, office.id, starts_on, ends_on))
    _note(session, ChangeKind.ASSIGN, [], [made], by=by, now=now)
    return made


def move(
    assignment: Assignment,
    group: SupervisionGroup,
    from_on: date,
    *,
    by: Officer,
    now: datetime,
    on: date | None = None,
    seen_version: int | None = None,
) -> Assignment:
    """Give the office to another group from `from_on` until the period's end; what was before that
    day stays as it was. Returns the period of the new group. Raises RuleBroken."""
    session = _session(assignment)
    wait_for_others(session)
    on = on or now.date()
    assignment = _as_it_is(session, assignment.id, seen_version)
    if group.id == assignment.group_id:
        raise RuleBroken("The group has this office already. Choose another one.", field="group")
    _check_day(assignment, from_on, on)
    start = max(from_on, assignment.starts_on)
    planned = Planned(
        group.id, assignment.office_id, start, assignment.ends_on, frozenset({assignment.id})
    )
    check(session, [planned], on)
    before = [_picture_of(assignment)]
    if start == assignment.starts_on:
        assignment.group_id = group.id
        session.flush()
        session.expire(assignment, ["group"])
        _note(session, ChangeKind.MOVE, before, [assignment], by=by, now=now)
        return assignment
    ends_on = assignment.ends_on
    assignment.ends_on = start
    session.flush()
    made = _add(session, Row(group.id, assignment.office_id, start, ends_on))
    _note(session, ChangeKind.MOVE, before, [assignment, made], by=by, now=now)
    return made


def split(
    assignment: Assignment,
    from_on: date,
    *,
    by: Officer,
    now: datetime,
    on: date | None = None,
    seen_version: int | None = None,
) -> Assignment:
    """Make two periods of one, the second from `from_on`; the group stays. Returns the second.
    Raises RuleBroken for a day that is not within the period, or is over."""
    session = _session(assignment)
    wait_for_others(session)
    on = on or now.date()
    assignment = _as_it_is(session, assignment.id, seen_version)
    _check_day(assignment, from_on, on)
    if from_on <= assignment.starts_on:
        raise RuleBroken("Choose a day after the first one of the period.", field="from_on")
    before = [_picture_of(assignment)]
    ends_on = assignment.ends_on
    assignment.ends_on = from_on
    session.flush()
    made = _add(session, Row(assignment.group_id, assignment.office_id, from_on, ends_on))
    _note(session, ChangeKind.SPLIT, before, [assignment, made], by=by, now=now)
    return made


def end(
    assignment: Assignment,
    ends_on: date,
    *,
    by: Officer,
    now: datetime,
    on: date | None = None,
    seen_version: int | None = None,
) -> Assignment | None:
    """End a period with `ends_on` as the first day after it; a period that has not begun by then
    is taken away, and None returned. What was before today stays. Raises RuleBroken."""
    session = _session(assignment)
    wait_for_others(session)
    on = on or now.date()
    assignment = _as_it_is(session, assignment.id, seen_version)
    if assignment.ends_on is not None and assignment.ends_on <= ends_on:
        raise RuleBroken("The period ends before that day already.", field="ends_on")
    if ends_on < on:
        raise RuleBroken(
            "What was before today stays. Choose today or a later day.", field="ends_on"
        )
    before = [_picture_of(assignment)]
    if ends_on <= assignment.starts_on:
        session.delete(assignment)
        session.flush()
        _note(session, ChangeKind.TAKE_AWAY, before, [], by=by, now=now)
        return None
    assignment.ends_on = ends_on
    session.flush()
    _note(session, ChangeKind.END, before, [assignment], by=by, now=now)
    return assignment


def check_many(
    session: Session, rows: Sequence[Row], on: date, *, replacing: bool = False
) -> list[list[Said]]:
    """Return for each of `rows` why it cannot be, with those before it in place; nothing is
    changed. Empty lists: all of it can be. With `replacing` a period gives way that ends no later
    than the one wanted. Nine statements, however many rows."""
    seen = _picture(session, rows, on)
    return look_at(rows, seen, on, replacing=replacing)


def _picture(session: Session, rows: Sequence[Row], on: date) -> asking.Picture:
    first = min((row.starts_on for row in rows), default=on)
    return asking.picture(session, min(first, on), today=on)


def look_at(
    rows: Sequence[Row], seen: asking.Picture, on: date, *, replacing: bool
) -> list[list[Said]]:
    """Return the same of a picture that is at hand."""
    planned = [_planned_of(row, seen, replacing=replacing) for row in rows]
    return refusals_of_each(planned, seen.groups, seen.offices, seen.policy, on)


def _planned_of(row: Row, seen: asking.Picture, *, replacing: bool) -> Planned:
    planned = Planned(row.group_id, row.office_id, row.starts_on, row.ends_on)
    place = seen.offices.get(row.office_id)
    if not replacing or place is None:
        return planned
    gives_way = (
        held.id
        for held in place.held
        if held.period.meets(planned.period) and held.period.until <= planned.period.until
    )
    return replace(planned, instead_of=frozenset(gives_way))


def assign_many(
    session: Session,
    rows: Sequence[Row],
    *,
    by: Officer,
    now: datetime,
    on: date | None = None,
    replacing: bool = False,
) -> list[Assignment]:
    """Give each office of `rows` to its group: all of them or none, as one change that is undone
    as one. With `replacing` the period that is there ends where the new one begins. Raises
    RuleBroken with the first reason where something cannot be."""
    wait_for_others(session)
    on = on or now.date()
    if not rows:
        raise RuleBroken("Choose at least one office.")
    seen = _picture(session, rows, on)
    found = [said for one in look_at(rows, seen, on, replacing=replacing) for said in one]
    if found:
        raise _broken(found)
    before, kept = _give_way(session, rows, seen, on) if replacing else ([], [])
    made = [Assignment(**vars(row)) for row in rows]
    session.add_all(made)
    session.flush()
    _note(session, ChangeKind.MANY, before, [*kept, *made], by=by, now=now)
    return made


def _give_way(
    session: Session, rows: Sequence[Row], seen: asking.Picture, on: date
) -> tuple[list[dict[str, Any]], list[Assignment]]:
    """End the periods that are in the way of `rows` and take away those that have not begun by
    then; return all of them as they were, and those that are left."""
    starts = {
        number: row.starts_on
        for row in rows
        for number in _planned_of(row, seen, replacing=True).instead_of
    }
    there = _read(session, starts)
    before = [_picture_of(one) for one in there]
    kept = []
    for one in there:
        _check_day(one, starts[one.id], on)
        if one.starts_on >= starts[one.id]:
            session.delete(one)
        else:
            one.ends_on = starts[one.id]
            kept.append(one)
    session.flush()
    return before, kept


def undo(
    change: AssignmentChange, *, by: Officer, now: datetime, on: date | None = None
) -> AssignmentChange:
    """Put back what was before `change`, one's own last. Raises RuleBroken where it was taken back
    already, where somebody changed one of its periods since, or where what was before can no
    longer be."""
    session = _session(change)
    wait_for_others(session)
    on = on or now.date()
    session.refresh(change)
    if change.undone_at is not None:
        raise RuleBroken("This change was taken back already.")
    if change.officer_id != by.id:
        raise RuleBroken("Only who made a change takes it back. Make another one instead.")
    was = {one["id"]: one for one in change.before}
    now_there = {one.id: one for one in _read(session, [one["id"] for one in change.after])}
    for one in change.after:
        there = now_there.get(one["id"])
        if there is None or _picture_of(there) != one:
            raise RuleBroken(
                "Somebody changed one of these periods since. Look at the board and change what "
                "is there now."
            )
    left = frozenset(now_there)
    check(
        session,
        [
            replace(_planned(one), instead_of=left)
            for one in change.before
            if one["id"] not in now_there or not is_shorter(_planned(one), now_there[one["id"]])
        ],
        on,
        may_be_over=True,
    )
    after = _put_back(session, was, now_there)
    change.undone_at = now
    _note(session, ChangeKind.UNDO, change.after, after, by=by, now=now, is_undone=True)
    return change


# --- Parts ---------------------------------------------------------------------------------------


def _put_back(
    session: Session, was: dict[int, dict[str, Any]], there: dict[int, Assignment]
) -> list[Assignment]:
    """Remove what was made, then shorten, then lengthen: no two periods meet on the way."""
    for number, one in there.items():
        if number not in was:
            session.delete(one)
    session.flush()
    after = []
    for number, values in was.items():
        known = there.get(number)
        if known is None:
            again = Assignment(id=number, **_row_of(values))
            session.add(again)
            session.flush()
            after.append(again)
            continue
        for key, value in _row_of(values).items():
            setattr(known, key, value)
        session.flush()
        session.expire(known, ["group", "office"])
        after.append(known)
    return after


def _row_of(values: dict[str, Any]) -> dict[str, Any]:
    ends_on = values["ends_on"]
    return {
        "group_id": values["group_id"],
        "office_id": values["office_id"],
        "starts_on": date.fromisoformat(values["starts_on"]),
        "ends_on": date.fromisoformat(ends_on) if ends_on else None,
    }


def _planned(values: dict[str, Any]) -> Planned:
    return Planned(**_row_of(values))


def is_shorter(wanted: Planned, there: Assignment) -> bool:
    """Return whether `wanted` is the period that is there, or a part of it, with the same group:
    what is made shorter stays possible whatever holds."""
    now = Planned(there.group_id, there.office_id, there.starts_on, there.ends_on)
    same = (wanted.group_id, wanted.office_id) == (now.group_id, now.office_id)
    return same and wanted.starts_on >= now.starts_on and wanted.period.until <= now.period.until


def _read(session: Session, numbers: Iterable[int]) -> Sequence[Assignment]:
    return session.scalars(
        select(Assignment)
        .where(Assignment.id.in_(list(numbers)))
        .execution_options(populate_existing=True)
    ).all()


def _session(record: Any) -> Session:
    session = object_session(record)
    if session is None:
        raise ValueError("the record must be in a session")
    return session


def _as_it_is(session: Session, number: int, seen_version: int | None) -> Assignment:
    """Return the period as it stands now that nobody else changes it; refuse what is gone, and
    what is another one than the officer saw."""
    there: Assignment | None = session.scalar(
        select(Assignment).where(Assignment.id == number).execution_options(populate_existing=True)
    )
    if there is None:
        raise RuleBroken(
            "Somebody took this period away a moment ago. Look at the board and plan anew."
        )
    if seen_version is not None and there.version_id != seen_version:
        latest = asking.latest_of(session, there.office_id)
        if latest is None:
            raise RuleBroken(
                "Somebody changed this period a moment ago. Look at the board and plan anew."
            )
        raise RuleBroken(
            "%(officer)s changed this period before you: %(group)s has %(office)s from %(start)s "
            "on now. Look at the board and plan anew.",
            officer=latest.officer.name,
            group=there.group.name,
            office=there.office.name,
            start=there.starts_on,
        )
    return there


def _check_day(assignment: Assignment, from_on: date, on: date) -> None:
    if from_on < on:
        raise RuleBroken(
            "What was before today stays. Choose today or a later day.", field="from_on"
        )
    if assignment.ends_on is not None and from_on >= assignment.ends_on:
        raise RuleBroken("The period is over by then. Choose a day within it.", field="from_on")


def check(
    session: Session, planned: Sequence[Planned], on: date, *, may_be_over: bool = False
) -> None:
    """Raise RuleBroken with the first reason where `planned` cannot be; with `may_be_over` also
    periods are written down that are over already."""
    first = min((one.starts_on for one in planned), default=on)
    seen = asking.picture(session, min(first, on), today=on)
    day = date.min if may_be_over else on
    found = refusals(planned, seen.groups, seen.offices, seen.policy, day)
    if found:
        raise _broken(found)


def _broken(found: Sequence[Said]) -> RuleBroken:
    """The refusal of the first reason; where there are more, it says how many."""
    first, *others = found
    if not others:
        return RuleBroken(first.sentence, **first.values)
    return RuleBroken("%(reason)s (and %(count)s more reasons)", reason=first, count=len(others))


def _add(session: Session, row: Row) -> Assignment:
    made = Assignment(**vars(row))
    session.add(made)
    session.flush()
    return made


def _picture_of(one: Assignment) -> dict[str, Any]:
    return {
        "id": one.id,
        "group_id": one.group_id,
        "office_id": one.office_id,
        "starts_on": one.starts_on.isoformat(),
        "ends_on": one.ends_on.isoformat() if one.ends_on else None,
    }


def _note(
    session: Session,
    kind: ChangeKind,
    before: list[dict[str, Any]],
    after: Sequence[Assignment],
    *,
    by: Officer,
    now: datetime,
    is_undone: bool = False,
) -> AssignmentChange:
    pictures = [_picture_of(one) for one in after]
    offices = {one["office_id"] for one in (*before, *pictures)}
    change = AssignmentChange(
        officer_id=by.id,
        kind=kind,
        made_at=now,
        office_id=offices.pop() if len(offices) == 1 else None,
        periods=len({one["id"] for one in (*before, *pictures)}),
        before=before,
        after=pictures,
        undone_at=now if is_undone else None,
    )
    session.add(change)
    session.flush()
    return change

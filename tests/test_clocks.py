"""Clocks as records: what starts, stops and moves them, and the ledger that says why."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from actions import clocks
from models import CalendarDay, Clock, ClockEntry, Grievance, Pause, WorkCalendar
from queries import clocks as asking
from rules import RuleBroken
from rules.grievance import PauseGround, RequestState
from rules.ledger import EntryKind, replay
from rules.offices import ClockStage, ClockStart, ClockUnit, DayKind
from rules.permissions import Role
from tests.factories import (
    make_category,
    make_clock,
    make_grievance,
    make_officer,
    make_rule_pack,
    make_service_standard,
    make_work_calendar,
)

MONDAY = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def end_of(day: int) -> datetime:
    """The last second of a day of that March in London."""
    return datetime(2026, 3, day, 23, 59, 59, tzinfo=ZoneInfo("Europe/London"))


@pytest.fixture
def district(session: Any) -> Any:
    """A district with a calendar in force and a pack like England's."""
    make_work_calendar(calendar_version=1, in_force_since=MONDAY - 30 * DAY)
    pack = make_rule_pack(
        is_in_use=True, extension_authority=Role.DECIDER, extension_most=10, extension_times=1
    )
    for stage, starts, amount in (
        (ClockStage.ACKNOWLEDGE, ClockStart.RECEIVED, 5),
        (ClockStage.OBJECT, ClockStart.ROUTED, 5),
        (ClockStage.DECIDE, ClockStart.ACKNOWLEDGED, 10),
        (ClockStage.REVIEW, ClockStart.REVIEW_ASKED, 20),
    ):
        make_service_standard(
            pack=pack.code, name=f"{stage} time", stage=stage, starts=starts, amount=amount
        )
    return pack


@pytest.fixture
def one(district: Any) -> Grievance:
    """A grievance that was received and acknowledged on the same Monday."""
    grievance = make_grievance(received_at=MONDAY)
    for start in (ClockStart.RECEIVED, ClockStart.ACKNOWLEDGED):
        clocks.happened(grievance, start, MONDAY, by=None, now=MONDAY)
    clocks.stop(grievance, [ClockStage.ACKNOWLEDGE], MONDAY, by=None, now=MONDAY, reason="")
    return grievance


def of(grievance: Grievance, stage: ClockStage = ClockStage.DECIDE) -> Clock:
    return [found for found in clocks._clocks(grievance) if found.stage is stage][-1]


def checked(session: Any, clock: Clock) -> Clock:
    """Return `clock` after counting its ledger anew with the calendars of then."""
    session.flush()
    session.expire(clock)
    versions = session.scalars(select(WorkCalendar).where(WorkCalendar.in_force_since.is_not(None)))
    calendars = {
        (version.name, version.calendar_version): asking.calendar_from(session, version)
        for version in versions
    }
    assert replay(asking.ledger_of(clock.entries), calendars) == clock.due_at
    return clock


def test_a_clock_starts_from_what_its_rule_says_and_the_due_time_is_copied(
    one: Grievance, session: Any
) -> None:
    acknowledge = checked(session, of(one, ClockStage.ACKNOWLEDGE))
    assert acknowledge.stopped_at == MONDAY
    assert not acknowledge.is_late
    decide = checked(session, of(one))
    assert decide.due_at == one.due_at == end_of(16)
    assert [entry.kind for entry in decide.entries] == [EntryKind.STARTED]
    assert (decide.rule, decide.calendar, decide.calendar_version) == ("decide time", "district", 1)


def test_what_happens_twice_starts_no_second_clock(one: Grievance) -> None:
    again = clocks.happened(one, ClockStart.ACKNOWLEDGED, MONDAY + DAY, by=None, now=MONDAY + DAY)
    assert again == []
    assert of(one).started_at == MONDAY


def test_without_a_rule_or_a_calendar_there_is_no_clock(session: Any) -> None:
    grievance = make_grievance(received_at=MONDAY)
    assert clocks.happened(grievance, ClockStart.RECEIVED, MONDAY, by=None, now=MONDAY) == []
    make_rule_pack(is_in_use=True, code="alone")
    make_service_standard(pack="alone")
    assert clocks.happened(grievance, ClockStart.RECEIVED, MONDAY, by=None, now=MONDAY) == []
    assert grievance.due_at is None


def test_the_nearest_standard_wins(district: Any, session: Any) -> None:
    wide = make_category(
        name="Streets", service_standard_id=make_service_standard(name="wide", amount=30).id
    )
    narrow = make_category(name="Lamps", parent_id=wide.id)
    grievance = make_grievance(category_id=narrow.id)
    assert asking.given_to(session, grievance)[ClockStage.DECIDE].rule.name == "wide"
    make_service_standard(pack=district.code, name="lamps", matter="Lamps", amount=3)
    assert asking.given_to(session, grievance)[ClockStage.DECIDE].rule.name == "lamps"
    narrow.service_standard_id = make_service_standard(name="own", amount=2).id
    assert asking.given_to(session, grievance)[ClockStage.DECIDE].rule.name == "own"
    # The other stages are still the pack's.
    assert asking.given_to(session, grievance)[ClockStage.REVIEW].rule.amount == 20


def test_a_clock_that_ends_late_says_so(one: Grievance, session: Any) -> None:
    late = MONDAY + 15 * DAY
    clocks.stop(one, [ClockStage.DECIDE], late, by=None, now=late, reason="answered")
    clock = checked(session, of(one))
    assert (clock.stopped_at, clock.is_late) == (late, True)
    assert one.due_at == end_of(16)
    assert "too late" in str(clocks.explain(clock))


def test_a_clock_stands_still_and_goes_on(one: Grievance, session: Any) -> None:
    officer = make_officer()
    at = MONDAY + DAY
    record = clocks.pause(
        one, PauseGround.COMPLAINANT, since=at, reason="A photograph", by=officer, now=at
    )
    clock = checked(session, of(one))
    assert (clock.due_at, clock.stands_since, one.due_at) == (None, at, None)
    assert "stood still" in str(clocks.explain(clock))
    with pytest.raises(RuleBroken, match="stands still already"):
        clocks.pause(one, PauseGround.COURT, since=at, reason="x", by=officer, now=at)
    clocks.resume(one, at + 3 * DAY, by=officer, now=at + 4 * DAY)
    clock = checked(session, of(one))
    assert clock.due_at == one.due_at == end_of(19)
    assert (record.started_at, record.ended_at, record.clock) == (at, at + 3 * DAY, clock)
    assert clock.entries[-1].by_id == officer.id


def test_an_end_takes_a_pause_with_it(one: Grievance, session: Any) -> None:
    at = MONDAY + DAY
    clocks.pause(one, PauseGround.HEARING, since=at, reason="Tuesday", by=None, now=at)
    clocks.stop(one, list(ClockStage), at + DAY, by=None, now=at + DAY, reason="withdrawn")
    clock = checked(session, of(one))
    assert (clock.stands_since, clock.stopped_at, clock.is_late) == (None, at + DAY, False)
    assert session.scalar(select(Pause.ended_at)) == at + DAY


def test_a_pause_that_ends_as_it_began_was_none(one: Grievance, session: Any) -> None:
    at = MONDAY + DAY
    clocks.pause(one, PauseGround.HEARING, since=at, reason="Tuesday", by=None, now=at)
    clocks.stop(one, [ClockStage.DECIDE], at, by=None, now=at, reason="answered")
    checked(session, of(one))
    assert session.scalar(select(Pause.id)) is None


def test_what_stood_still_for_90_days_goes_on_by_itself(one: Grievance, session: Any) -> None:
    clocks.pause(one, PauseGround.COURT, since=MONDAY, reason="Court", by=None, now=MONDAY)
    number = of(one).id
    everything: Any = {"after": 0, "size": 9}
    assert clocks.end_long_pauses(now=MONDAY + 89 * DAY, **everything) == (number, 0)
    assert clocks.end_long_pauses(now=MONDAY + 91 * DAY, after=number, size=9) == (None, 0)
    assert clocks.end_long_pauses(now=MONDAY + 91 * DAY, **everything) == (number, 1)
    assert checked(session, of(one)).entries[-1].kind is EntryKind.RESUMED
    assert session.scalar(select(Pause.ended_at)) == MONDAY + 90 * DAY
    assert clocks.end_long_pauses(now=MONDAY + 91 * DAY, **everything) == (None, 0)


def test_more_time_is_asked_for_by_one_and_granted_by_another(one: Grievance, session: Any) -> None:
    handler, decider = make_officer(), make_officer(roles=[Role.DECIDER])
    asked = clocks.ask_extension(one, 5, reason="The pipe is deep", by=handler, now=MONDAY)
    assert (asked.until_on, of(one).due_at) == (date(2026, 3, 23), end_of(16))
    with pytest.raises(RuleBroken, match="Only this role"):
        clocks.decide_extension(asked, is_granted=True, reasons="x", by=make_officer(), now=MONDAY)
    with pytest.raises(RuleBroken, match="does not grant it"):
        clocks.decide_extension(asked, is_granted=True, reasons="x", by=handler, now=MONDAY)
    clocks.decide_extension(asked, is_granted=True, reasons="Deep", by=decider, now=MONDAY + DAY)
    clock = checked(session, of(one))
    assert clock.due_at == one.due_at == end_of(23)
    assert asked.state is RequestState.GRANTED
    with pytest.raises(RuleBroken, match="cannot be extended again"):
        clocks.extend(one, 1, reason="Deeper", by=decider, now=MONDAY)
    with pytest.raises(RuleBroken, match="has been decided"):
        clocks.decide_extension(asked, is_granted=True, reasons="x", by=decider, now=MONDAY)


def test_a_request_that_is_refused_moves_nothing(one: Grievance, session: Any) -> None:
    decider = make_officer(roles=[Role.DECIDER])
    asked = clocks.ask_extension(one, 5, reason="Deep", by=make_officer(), now=MONDAY)
    clocks.decide_extension(asked, is_granted=False, reasons="It is not", by=decider, now=MONDAY)
    session.flush()
    assert (asked.state, of(one).due_at) == (RequestState.REFUSED, end_of(16))


def test_more_than_the_pack_allows_cannot_be_asked_for(one: Grievance) -> None:
    with pytest.raises(RuleBroken, match="1 to 10"):
        clocks.ask_extension(one, 11, reason="Deep", by=make_officer(), now=MONDAY)


def test_another_category_brings_another_rule_from_the_same_start(
    one: Grievance, session: Any
) -> None:
    standard = make_service_standard(name="Fast", amount=2)
    one.category_id = make_category(service_standard_id=standard.id).id
    assert clocks.change_rule(one, reason="It is a lamp", by=None, now=MONDAY + DAY) == [of(one)]
    clock = checked(session, of(one))
    assert (clock.rule, clock.started_at, clock.due_at) == ("Fast", MONDAY, end_of(4))
    assert clocks.change_rule(one, reason="Again", by=None, now=MONDAY + DAY) == []


def test_an_edited_standard_is_another_version_and_moves_no_clock(
    one: Grievance, district: Any, session: Any
) -> None:
    standard = session.scalar(
        select(asking.ServiceStandard).where(
            asking.ServiceStandard.pack == district.code,
            asking.ServiceStandard.stage == ClockStage.DECIDE,
        )
    )
    standard.amount = 3
    session.flush()
    session.expire_all()
    assert standard.rule_version == 2
    assert (of(one).rule_version, of(one).due_at) == (1, end_of(16))
    standard.legal_source = "Another page"
    session.flush()
    session.expire_all()
    assert standard.rule_version == 2


def make_version(session: Any, number: int, *holidays: date) -> WorkCalendar:
    version = make_work_calendar(calendar_version=number, reason="The king is crowned")
    for day in holidays:
        session.add(
            CalendarDay(name="Holiday", day=day, kind=DayKind.HOLIDAY, calendar_version=number)
        )
    session.flush()
    return version


def test_a_late_holiday_moves_open_clocks_only(one: Grievance, session: Any) -> None:
    ended = make_grievance(received_at=MONDAY)
    clocks.happened(ended, ClockStart.ACKNOWLEDGED, MONDAY, by=None, now=MONDAY)
    clocks.stop(ended, [ClockStage.DECIDE], MONDAY + DAY, by=None, now=MONDAY + DAY, reason="x")
    elsewhere = make_grievance(received_at=MONDAY)
    clocks.happened(elsewhere, ClockStart.REVIEW_ASKED, MONDAY, by=None, now=MONDAY)
    version = make_version(session, 2, date(2026, 3, 16))
    calendar = asking.calendar_from(session, version)
    open_ones = session.scalars(asking.open_clocks("district", 0, 100)).all()
    would = clocks.moves(calendar, open_ones, now=MONDAY + DAY)
    assert {(move.was, move.due) for move in would} == {
        (end_of(16), end_of(17)),
        (end_of(30), end_of(31)),
    }
    version.in_force_since = MONDAY + DAY
    looked, moved, last = clocks.recalculate_open(version, by=None, now=MONDAY + DAY, limit=2)
    more, moved_too, _ = clocks.recalculate_open(version, by=None, now=MONDAY + DAY, after=last)
    assert (looked + more, moved + moved_too) == (2, 2)
    clock = checked(session, of(one))
    assert clock.due_at == one.due_at == end_of(17)
    assert clock.entries[-1].reason == "The king is crowned"
    assert (of(ended).due_at, of(ended).calendar_version) == (end_of(16), 1)
    assert clocks.recalculate_open(version, by=None, now=MONDAY + DAY)[1] == 0


def test_a_version_in_force_does_not_change(session: Any) -> None:
    version = make_version(session, 2, date(2026, 3, 16))
    version.in_force_since = MONDAY
    session.flush()
    for change in (
        "UPDATE work_calendar SET mon = '10:00-12:00'",
        "DELETE FROM work_calendar",
        "UPDATE calendar_day SET day = '2026-03-17'",
        "DELETE FROM calendar_day",
        "INSERT INTO calendar_day (name, day, kind, calendar_version)"
        " VALUES ('x', '2026-04-01', 'holiday', 2)",
        "INSERT INTO calendar_day (name, day, kind, calendar_version)"
        " VALUES ('x', '2026-04-01', 'holiday', 3);"
        " UPDATE calendar_day SET calendar_version = 2 WHERE calendar_version = 3",
    ):
        with pytest.raises(IntegrityError) as caught, session.begin_nested():
            session.execute(text(change))
        assert caught.value.orig.diag.constraint_name.endswith("_stays_in_force"), change


def test_a_ledger_is_only_added_to(one: Grievance, session: Any) -> None:
    with pytest.raises(IntegrityError) as caught, session.begin_nested():
        session.execute(text("UPDATE clock_entry SET reason = 'never'"))
    assert caught.value.orig.diag.constraint_name == "ck_clock_entry_is_kept"
    rights = session.execute(
        text(
            "SELECT has_table_privilege('redress_app', 'clock_entry', 'UPDATE'),"
            " has_table_privilege('redress_app', 'clock_entry', 'DELETE'),"
            " has_table_privilege('redress_app', 'clock', 'DELETE')"
        )
    ).one()
    assert tuple(rights) == (False, False, False)


def test_clocks_go_with_a_grievance_that_is_deleted(one: Grievance, session: Any) -> None:
    session.delete(one)
    session.flush()
    assert session.scalar(select(ClockEntry.id)) is None


def test_the_time_of_the_source_is_kept(district: Any, session: Any) -> None:
    theirs = MONDAY + 3 * DAY
    grievance = make_grievance(
        received_at=MONDAY, source="city", external_number="1", due_at=theirs
    )
    started = clocks.happened(grievance, ClockStart.ACKNOWLEDGED, MONDAY, by=None, now=MONDAY)
    assert (started, grievance.due_at) == ([], theirs)
    assert clocks.happened(grievance, ClockStart.REVIEW_ASKED, MONDAY, by=None, now=MONDAY)
    assert grievance.due_at == theirs


def test_what_is_taken_up_anew_gets_its_time_anew(one: Grievance, session: Any) -> None:
    later = MONDAY + 7 * DAY
    clocks.stop(one, list(ClockStage), later, by=None, now=later, reason="withdrawn")
    started = clocks.happened(one, ClockStart.ROUTED, later, by=None, now=later)
    assert {clock.stage for clock in started} == {ClockStage.DECIDE, ClockStage.OBJECT}
    assert checked(session, of(one)).started_at == later
    assert one.due_at == end_of(23)


def test_a_window_begins_anew(one: Grievance, session: Any) -> None:
    for moment in (MONDAY, MONDAY + DAY):
        clocks.happened(one, ClockStart.ROUTED, moment, by=None, now=moment)
    windows = [clock for clock in clocks._clocks(one) if clock.stage is ClockStage.OBJECT]
    assert [(clock.started_at, clock.stopped_at) for clock in windows] == [
        (MONDAY, MONDAY + DAY),
        (MONDAY + DAY, None),
    ]


def test_of_two_clocks_of_a_stage_one_runs(one: Grievance, session: Any) -> None:
    with pytest.raises(IntegrityError) as caught, session.begin_nested():
        make_clock(grievance_id=one.id, stage=of(one).stage)
    assert caught.value.orig.diag.constraint_name == "uq_clock_one_open"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda one: clocks.resume(one, MONDAY, by=None, now=MONDAY), "not standing still"),
        (
            lambda one: clocks.pause(
                one,
                PauseGround.COURT,
                since=MONDAY + 20 * DAY,
                reason="x",
                by=None,
                now=MONDAY + 20 * DAY,
            ),
            "own delay is no ground",
        ),
        (
            lambda one: clocks.stop(
                one, [ClockStage.DECIDE], MONDAY - DAY, by=None, now=MONDAY, reason="x"
            ),
            "ends after it started",
        ),
        (
            lambda one: clocks.pause(
                make_grievance(), PauseGround.COURT, since=MONDAY, reason="x", by=None, now=MONDAY
            ),
            "No clock of a decision",
        ),
    ],
)
def test_what_may_not_be_gets_a_sentence(
    one: Grievance, change: Callable[[Grievance], Any], sentence: str
) -> None:
    with pytest.raises(RuleBroken, match=sentence):
        change(one)


def test_a_pack_that_is_in_use_is_the_only_one(district: Any, session: Any) -> None:
    with pytest.raises(IntegrityError) as caught, session.begin_nested():
        make_rule_pack(is_in_use=True)
    assert caught.value.orig.diag.constraint_name == "uq_rule_pack_one_in_use"


def test_working_hours_are_counted_by_the_calendar(district: Any, session: Any) -> None:
    standard = make_service_standard(name="Hours", amount=3, unit=ClockUnit.WORKING_HOURS)
    grievance = make_grievance(
        received_at=MONDAY, category_id=make_category(service_standard_id=standard.id).id
    )
    clocks.happened(
        grievance, ClockStart.RECEIVED, MONDAY + timedelta(hours=3), by=None, now=MONDAY
    )
    assert grievance.due_at == datetime(2026, 3, 3, 10, tzinfo=UTC)

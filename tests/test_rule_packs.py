"""Rule packs and calendars as records: loading, choosing, new versions, the commands."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from actions import calendars, clocks, rule_packs
from cli import jobs
from models import CalendarDay, Clock, Grievance, Pause, RulePack, ServiceStandard, WorkCalendar, db
from queries import clocks as asking
from rules import RuleBroken
from rules.calendars import SpecialDay
from rules.grievance import PauseGround
from rules.offices import ClockStage, ClockStart, DayKind
from rules.packs import KEYS, shipped
from tests.factories import (
    make_calendar_day,
    make_category,
    make_grievance,
    make_rule_pack,
    make_service_standard,
    make_work_calendar,
)

MONDAY = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize("key", KEYS)
def test_a_pack_as_records_gives_the_rules_of_its_text(key: str, session: Any) -> None:
    pack = shipped(key)
    record = rule_packs.load(pack)
    assert asking.allowance_of(record) == pack.allowance
    rows = session.scalars(select(ServiceStandard).where(ServiceStandard.pack == key)).all()
    found = {(row.stage, row.matter): asking.rule_of(row) for row in rows}
    told = {
        (step.stage, matter): rule
        for step in pack.steps.values()
        for matter, rule in (step.matters.items() if step.per_matter else [(None, step.rule)])
        if rule
    }
    assert found == told
    starts = {row.stage: row.starts for row in rows}
    assert starts == {stage: pack.steps[stage].starts for stage in starts}


def test_loading_anew_restores_the_text_as_another_version(session: Any) -> None:
    rule_packs.load(shipped("england"))
    query = select(ServiceStandard).where(
        ServiceStandard.pack == "england", ServiceStandard.stage == ClockStage.DECIDE
    )
    session.scalar(query).amount = 3
    own = make_service_standard(pack="england", name="Own", matter="Lamps")
    session.flush()
    rule_packs.load(shipped("england"))
    session.expire_all()
    again = session.scalar(query.where(ServiceStandard.matter.is_(None)))
    assert (again.amount, again.rule_version) == (10, 3)
    assert own.amount == 10


def test_choosing_a_pack_takes_the_place_of_the_one_before(session: Any) -> None:
    england, china = (rule_packs.load(shipped(key)) for key in ("england", "china"))
    rule_packs.use(england)
    rule_packs.use(china)
    assert session.scalars(select(RulePack.code).where(RulePack.is_in_use)).all() == ["china"]
    with pytest.raises(RuleBroken, match="no standards yet"):
        rule_packs.use(make_rule_pack())


def test_a_draft_takes_over_what_was_before_and_what_is_given(session: Any) -> None:
    make_work_calendar(calendar_version=1, in_force_since=None)
    make_calendar_day(day=date(2026, 5, 4), name="May", calendar_version=1)
    make_calendar_day(day=date(2026, 5, 5), name="Wrong", calendar_version=1)
    with pytest.raises(RuleBroken, match="is a draft already"):
        calendars.draft(reason="Again")
    first = session.scalar(select(WorkCalendar))
    calendars.put_in_force(first, now=MONDAY)
    second = calendars.draft(
        reason="The king is crowned",
        days=[SpecialDay(date(2026, 5, 5), DayKind.HOLIDAY, "Crowning")],
    )
    assert (second.calendar_version, second.zone, second.mon, second.sat) == (
        2,
        "Europe/London",
        "09:00-17:00",
        None,
    )
    rows = session.execute(
        select(CalendarDay.day, CalendarDay.name)
        .where(CalendarDay.calendar_version == 2)
        .order_by(CalendarDay.day)
    ).all()
    assert rows == [(date(2026, 5, 4), "May"), (date(2026, 5, 5), "Crowning")]
    assert asking.calendar_in_force(session, "district").version == 1
    calendars.put_in_force(second, now=MONDAY)
    assert asking.calendar_in_force(session, "district").version == 2
    with pytest.raises(RuleBroken, match="in force already"):
        calendars.put_in_force(second, now=MONDAY)


def test_the_first_version_comes_after_days_that_were_kept_without_one(session: Any) -> None:
    make_calendar_day(day=date(2026, 5, 4), calendar_version=3)
    with pytest.raises(RuleBroken, match="needs a time zone and hours"):
        calendars.draft(reason="Begin")
    pack = shipped("england")
    version = calendars.draft(reason="Begin", zone=pack.zone, week=pack.week)
    assert version.calendar_version == 4
    assert not asking.calendar_from(session, version).is_working_day(date(2026, 5, 4))


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"zone": "Mars/Base"}, "no time zone"),
        ({"reason": " "}, "Say why"),
        ({"reason": "x" * 501}, "500 signs"),
        ({"week": ["17:00-09:00", "", "", "", "", "", ""]}, "must follow each other"),
    ],
)
def test_a_calendar_that_makes_none_is_refused(
    wrong: dict[str, Any], sentence: str, session: Any
) -> None:
    pack = shipped("england")
    with pytest.raises(RuleBroken, match=sentence):
        calendars.draft(**{"reason": "x", "zone": pack.zone, "week": pack.week} | wrong)


def test_open_grievances_get_a_clock_where_the_rules_come_to_their_due_time(session: Any) -> None:
    make_work_calendar(calendar_version=1, in_force_since=MONDAY)
    category = make_category(
        service_standard_id=make_service_standard(name="Ten days", amount=10).id
    )
    due = datetime(2026, 3, 16, 23, 59, 59, tzinfo=UTC)
    told = {"category_id": category.id, "received_at": MONDAY, "source": "city"}
    same = make_grievance(**told, external_number="1", due_at=due - timedelta(minutes=1))
    other = make_grievance(**told, external_number="2", due_at=due - timedelta(hours=1))
    none = make_grievance(**told, external_number="3")
    ended = make_grievance(
        **told, external_number="4", closed_at=MONDAY, state="closed", due_at=due
    )
    assert clocks.adopt_open(now=MONDAY, limit=2)[:2] == (2, 1)
    assert clocks.adopt_open(now=MONDAY, limit=10)[:2] == (2, 1)
    having = set(session.scalars(select(Clock.grievance_id)))
    assert having == {same.id, none.id}
    assert none.due_at == due
    assert other.due_at == due - timedelta(hours=1)
    assert ended.due_at == due


def test_the_commands_load_a_pack_and_move_clocks(committed: Flask) -> None:
    run = committed.test_cli_runner()
    listed = run.invoke(args=["rules", "list"]).output
    assert "england            England" in listed
    loaded = run.invoke(args=["rules", "load", "england", "--use"])
    assert "is in use" in loaded.output, loaded.output
    assert "in use" in run.invoke(args=["rules", "list"]).output
    refused = run.invoke(args=["rules", "load", "atlantis"])
    assert (refused.exit_code, "no rule pack atlantis" in refused.output) == (1, True)
    with committed.app_context():
        assert db.session.scalar(select(CalendarDay.id).limit(1)) is not None
        now = datetime.now(UTC)
        for _ in range(3):
            grievance = make_grievance(received_at=now)
            clocks.happened(grievance, ClockStart.ACKNOWLEDGED, now, by=None, now=now)
        db.session.commit()
        due = db.session.scalar(select(Grievance.due_at).limit(1))
        last = due.date()
    drafted = run.invoke(args=["calendars", "new", "The king is crowned"])
    assert "Version 2 of calendar district is a draft" in drafted.output
    with committed.app_context():
        make_calendar_day(day=last, calendar_version=2)
        db.session.commit()
    moved = run.invoke(args=["calendars", "put-in-force", "2"])
    assert moved.output.startswith("3 of 3 open clocks moved in"), moved.output
    again = run.invoke(args=["calendars", "put-in-force", "2"])
    assert again.output.startswith("0 of 3 open clocks moved in"), again.output
    missing = run.invoke(args=["calendars", "put-in-force", "9"])
    assert "no version 9" in missing.output
    with committed.app_context():
        assert db.session.scalar(select(Grievance.due_at).limit(1)) > due
        make_grievance(received_at=now)
        db.session.commit()
    # England counts from the acknowledgement, which this one does not have.
    assert run.invoke(args=["clocks", "start"]).output.startswith("0 of 1 clocks started")


def test_the_worker_lets_go_on_what_stood_still_for_90_days(committed: Flask) -> None:
    committed.test_cli_runner().invoke(args=["rules", "load", "england", "--use"])
    then = datetime.now(UTC) - timedelta(days=91)
    with committed.app_context():
        grievance = make_grievance(received_at=then)
        clocks.happened(grievance, ClockStart.ACKNOWLEDGED, then, by=None, now=then)
        clocks.pause(grievance, PauseGround.COURT, since=then, reason="Court", by=None, now=then)
        db.session.commit()
    assert (jobs.end_long_pauses(committed), jobs.end_long_pauses(committed)) == (1, 0)
    with committed.app_context():
        assert db.session.scalar(select(Pause.ended_at)) == then + timedelta(days=90)

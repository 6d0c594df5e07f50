"""The jobs beside the web server: alarms of clocks, mails, and a worker that is killed."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import Any

import procrastinate
import psutil
import pytest
from flask import Flask
from sqlalchemy import func, select, text, update

import config
import embedded
import security
from actions import alarms as raising
from actions import messages as telling
from cli import jobs
from models import ClockAlarm, ClockLook, Mail, Message, db
from rules.alarms import MailState, MessageKind, Timing
from rules.calendars import Calendar, calendar_of
from rules.grievance import RemedyState
from rules.leading import Leading
from rules.offices import ClockStage, OfficeLevel
from rules.permissions import Role
from tests.factories import (
    NOON,
    SECRET,
    make_clock,
    make_grievance,
    make_message,
    make_office,
    make_officer,
    make_remedy,
)
from tests.gunicorns import Web, free_port, serving
from tests.mail_server import Post, mail_server

WEEK = calendar_of("district", 1, "UTC", ("09:00-17:00",) * 5 + ("", ""))
TIMING = Timing(before=3, between=3)
DUE = datetime(2026, 3, 20, 12, tzinfo=UTC)  # a Friday


def web_url(app: Flask) -> str:
    """Return the database of `app` for the login of the web server, as SQLAlchemy takes it."""
    return config.driver_url(embedded.web_url(app.config["DATABASE_URL"]))


def calendars(_name: str) -> Calendar:
    return WEEK


def raise_all(now: datetime, **more: Any) -> int:
    """Look at every clock that is to be looked at."""
    options = {"by_mail": False, "size": 100, "timing": TIMING} | more
    looked = raising.raise_due(db.session(), calendars, now=now, today=now.date(), **options)
    db.session.expire_all()
    return looked


def told() -> list[tuple[str, int | None]]:
    """Return what was told and to which officer, in order; and forget it."""
    rows = db.session.execute(select(Message.kind, Message.officer_id).order_by(Message.id)).all()
    found = [(kind.value, officer) for kind, officer in rows]
    db.session.execute(text("DELETE FROM message"))
    return found


@pytest.fixture
def line(session: Any) -> dict[str, Any]:
    """A district, a department without a head, a station; heads, a handler, a leader."""
    district = make_office(level=OfficeLevel.DISTRICT)
    department = make_office(parent_id=district.id, level=OfficeLevel.DEPARTMENT)
    station = make_office(parent_id=department.id, level=OfficeLevel.COMMUNITY)
    people = {
        "top": make_officer(office_id=district.id, roles=[Role.OFFICE_HEAD]),
        "head": make_officer(office_id=station.id, roles=[Role.OFFICE_HEAD]),
        "handler": make_officer(office_id=station.id, roles=[Role.HANDLER]),
        "leader": make_officer(office_id=district.id, roles=[Role.LEAD_OFFICIAL]),
    }
    grievance = make_grievance(
        responsible_office_id=station.id,
        handler_id=people["handler"].id,
        lead_official_id=people["leader"].id,
    )
    clock = make_clock(grievance_id=grievance.id, due_at=DUE)
    return people | {"station": station, "grievance": grievance, "clock": clock}


# --- Alarms ----------------------------------------------------------------------------------


def test_a_time_that_ends_is_told_of_before_it_then_and_up_the_line_on_working_days(
    app: Flask, line: dict[str, Any]
) -> None:
    handler, head, top, leader = (line[one].id for one in ("handler", "head", "top", "leader"))
    days = {}
    day = datetime(2026, 3, 13, 12, tzinfo=UTC)
    while day < datetime(2026, 4, 10, tzinfo=UTC):
        raise_all(day)
        if found := told():
            days[day.date().isoformat()] = found
        day += timedelta(days=1)
    assert days == {
        "2026-03-17": [("time_ends_soon", handler)],  # a Tuesday: 3 working days before
        "2026-03-20": [("time_has_ended", handler), ("time_has_ended", leader)],
        "2026-03-25": [("still_not_done", head)],  # over a weekend
        "2026-03-30": [("still_not_done", top)],  # the department has no head
    }
    assert db.session.scalar(select(func.count()).select_from(ClockLook)) == 0


def test_each_alarm_is_raised_once_however_often_one_looks(
    app: Flask, line: dict[str, Any]
) -> None:
    late = DUE + timedelta(days=30)
    assert raise_all(late) == 1
    first = told()
    assert [kind for kind, _officer in first] == [
        "time_has_ended",
        "time_has_ended",
        "still_not_done",
        "still_not_done",
    ]
    db.session.execute(
        text("INSERT INTO clock_look VALUES (:one, 'epoch')"), {"one": line["clock"].id}
    )
    assert raise_all(late) == 1
    assert told() == []


def test_a_due_time_that_is_moved_is_told_of_anew_and_one_that_stands_still_is_not(
    app: Flask, line: dict[str, Any]
) -> None:
    clock = line["clock"]
    raise_all(DUE)
    assert len(told()) == 2
    clock.due_at, clock.stands_since = None, DUE
    db.session.flush()
    assert raise_all(DUE + timedelta(days=30)) == 0
    clock.due_at, clock.stands_since = DUE + timedelta(days=31), None
    db.session.flush()
    raise_all(DUE + timedelta(days=30))
    assert told() == [("time_ends_soon", line["handler"].id)]
    clock.stopped_at = DUE + timedelta(days=30)
    db.session.flush()
    assert raise_all(DUE + timedelta(days=99)) == 0
    assert told() == []


def test_a_promised_remedy_that_is_not_done_goes_up_the_line_as_clocks_do(
    app: Flask, line: dict[str, Any]
) -> None:
    db.session.delete(line["clock"])
    promised = {"grievance_id": line["grievance"].id, "office_id": line["station"].id}
    days = {"promised_on": DUE.date() - timedelta(days=20), "due_on": DUE.date()}
    remedy = make_remedy(**promised | days)
    make_remedy(**promised | days | {"due_on": DUE.date() + timedelta(days=300)})
    found = {}
    for number in range(-5, 20):
        now = DUE + timedelta(days=number)
        last: int | None = 0
        while last is not None:
            last = raising.raise_remedies(
                db.session(),
                calendars,
                timing=TIMING,
                now=now,
                today=now.date(),
                by_mail=False,
                after=last,
                size=1,
            )
        if what := told():
            found[now.date().isoformat()] = what
        if number == 8:
            remedy.state, remedy.done_on = RemedyState.DONE, now.date()
            remedy.done_by_id = line["handler"].id
            db.session.flush()
    handler, head, leader = (line[one].id for one in ("handler", "head", "leader"))
    assert found == {
        "2026-03-17": [("time_ends_soon", handler)],
        # At the end of the Friday nobody is there any more: on Monday morning.
        "2026-03-23": [("time_has_ended", handler), ("time_has_ended", leader)],
        "2026-03-25": [("still_not_done", head)],
    }


@pytest.mark.parametrize("stage", [ClockStage.OBJECT, ClockStage.ASK_REVIEW])
def test_a_time_that_lapses_calls_nobody(app: Flask, session: Any, stage: ClockStage) -> None:
    make_clock(due_at=DUE, stage=stage)
    assert raise_all(DUE + timedelta(days=30)) == 0


def test_who_has_left_is_not_told_and_the_head_is_in_their_place(
    app: Flask, line: dict[str, Any]
) -> None:
    line["handler"].left_on = line["leader"].left_on = DUE.date()
    db.session.flush()
    raise_all(DUE)
    assert told() == [("time_has_ended", line["head"].id)]


def test_what_is_with_no_office_yet_is_told_to_intake(app: Flask, session: Any) -> None:
    desk = make_officer(roles=[Role.INTAKE])
    make_clock(grievance_id=make_grievance().id, due_at=DUE, stage=ClockStage.ACKNOWLEDGE)
    raise_all(DUE)
    assert told() == [("time_has_ended", desk.id)]


def test_where_nobody_of_the_office_is_there_those_who_route_are_told(
    app: Flask, session: Any
) -> None:
    desk = make_officer(roles=[Role.INTAKE])
    make_clock(grievance_id=make_grievance(responsible_office_id=make_office().id).id, due_at=DUE)
    raise_all(DUE)
    assert told() == [("time_has_ended", desk.id)]


def test_only_who_has_an_address_is_told_by_mail_too(app: Flask, line: dict[str, Any]) -> None:
    line["handler"].email = "handler@example.org"
    line["station"].email = "station@example.org"
    db.session.flush()
    raise_all(DUE, by_mail=True)
    rows = db.session.execute(
        select(Message.officer_id, Message.office_id, Message.by_mail).order_by(Message.id)
    ).all()
    assert [tuple(row) for row in rows] == [
        (line["handler"].id, None, True),
        (line["leader"].id, None, False),
        (None, line["station"].id, True),
    ]


def test_what_is_long_pending_or_sent_from_above_asks_for_a_lead_official_once(
    app: Flask, session: Any
) -> None:
    office = make_office()
    head = make_officer(office_id=office.id, roles=[Role.OFFICE_HEAD])
    now = NOON + timedelta(days=100)
    leading = Leading(60, OfficeLevel.DEPARTMENT)
    of = {"responsible_office_id": office.id}
    long_pending = make_grievance(received_at=now - timedelta(days=60), **of)
    from_above = make_grievance(received_at=now, is_referred_from_above=True, **of)
    make_grievance(received_at=now - timedelta(days=59), **of)
    make_grievance(received_at=NOON, lead_official_id=head.id, **of)
    make_grievance(received_at=NOON, source="elsewhere", external_number="1", **of)

    def ask() -> int:
        return raising.ask_for_leaders(
            db.session(), leading=leading, now=now, today=now.date(), by_mail=False, size=10
        )

    assert ask() == 2
    asked = db.session.execute(select(Message.kind, Message.officer_id, Message.grievance_id))
    assert {tuple(row) for row in asked} == {
        (MessageKind.LEAD_WANTED, head.id, long_pending.id),
        (MessageKind.LEAD_WANTED, head.id, from_above.id),
    }
    assert ask() == 0


# --- Mails -----------------------------------------------------------------------------------


@pytest.fixture
def post(committed: Flask) -> Iterator[Post]:
    with mail_server() as running:
        committed.config |= {
            "MAIL_HOST": "127.0.0.1",
            "MAIL_PORT": running.port,
            "MAIL_SECURITY": "none",
            "MAIL_FROM": "redress@example.org",
            "MAIL_SECONDS": 5,
            "SITE_ADDRESS": "https://redress.example.org",
        }
        yield running


def wait_for_mail(app: Flask, number: int = 1, email: str = "handler@example.org") -> list[int]:
    """Write a message for each of `number` officers; return the ids of the officers."""
    with app.app_context():
        officers = [make_officer(email=email) for _ in range(number)]
        for officer in officers:
            make_message(officer_id=officer.id, by_mail=True)
        db.session.commit()
        return [officer.id for officer in officers]


def mails(app: Flask) -> list[tuple[MailState, int, str | None]]:
    with app.app_context():
        query = select(Mail.state, Mail.tries, Mail.failure).order_by(Mail.id)
        return [tuple(row) for row in db.session.execute(query)]


def test_one_mail_tells_an_officer_of_all_by_their_numbers_and_nothing_else(
    committed: Flask, post: Post
) -> None:
    with committed.app_context():
        officer = make_officer(email="handler@example.org", name="Ann Handler")
        two = [
            make_message(
                officer_id=officer.id,
                by_mail=True,
                grievance_id=make_grievance(title="The Millers' cellar", description="wet").id,
            )
            for _ in range(2)
        ]
        numbers = [one.grievance.number for one in two]
        db.session.commit()
    assert jobs.send_mails(committed) == 1
    assert jobs.send_mails(committed) == 0
    (mail,) = post.taken
    assert post.to == ["handler@example.org"]
    assert mail["Subject"] == "Redress: 2 matters wait"
    words = mail.get_content()
    assert all(f"{number} should have been answered by" in words for number in numbers)
    assert "https://redress.example.org/messages" in words
    assert not any(word in words for word in ("Miller", "wet", "Ann"))
    assert mails(committed) == [(MailState.SENT, 0, None)]


def test_a_mail_is_in_the_language_of_its_officer(committed: Flask, post: Post) -> None:
    with committed.app_context():
        officer = make_officer(email="handler@example.org", language="zh_Hans_CN")
        make_message(officer_id=officer.id, by_mail=True)
        make_message(office_id=make_office(email="office@example.org").id, by_mail=True)
        db.session.commit()
    assert jobs.send_mails(committed) == 2
    languages = {mail["To"]: mail.get_content() for mail in post.taken}
    assert "2 Mar 2026" in languages["office@example.org"]
    assert "2026年3月2日" in languages["handler@example.org"]


def test_a_server_that_puts_it_off_is_tried_again_later_and_one_that_refuses_is_not(
    committed: Flask, post: Post
) -> None:
    wait_for_mail(committed)
    post.answer = "451 later"
    assert jobs.send_mails(committed) == 0
    assert mails(committed) == [(MailState.WAITING, 1, "The mail server put it off (451).")]
    assert jobs.send_mails(committed) == 0, "not before its time"
    assert mails(committed)[0][1] == 1
    with committed.app_context():
        db.session.execute(update(Mail).values(next_try_at=func.now()))
        db.session.commit()
    post.to_address = "550 nobody of the name handler@example.org"
    assert jobs.send_mails(committed) == 0
    assert mails(committed) == [(MailState.REFUSED, 2, "The mail server refused it (550).")]
    assert post.taken == []


@pytest.mark.parametrize(
    "email", ["nonsense", "a@b@c", "two@example.org, more@example.org", "a\r\nBcc: x@y"]
)
def test_an_address_that_is_none_is_said_and_not_tried_again(
    committed: Flask, post: Post, email: str
) -> None:
    wait_for_mail(committed, email=email)
    assert jobs.send_mails(committed) == 0
    assert mails(committed) == [(MailState.REFUSED, 1, "What stands as the mail address is none.")]
    assert post.taken == []


def test_without_a_mail_server_mails_wait(committed: Flask, post: Post) -> None:
    wait_for_mail(committed)
    committed.config["MAIL_PORT"] = free_port()
    assert jobs.send_mails(committed) == 0
    assert mails(committed) == [(MailState.WAITING, 1, "The mail server does not answer.")]
    committed.config["MAIL_HOST"] = ""
    assert jobs.send_mails(committed) == 0


def test_a_line_that_breaks_at_the_end_leaves_a_mail_uncertain_and_unsent_again(
    committed: Flask, post: Post
) -> None:
    wait_for_mail(committed)
    committed.config["MAIL_SECONDS"] = 1
    post.may_answer.clear()
    assert jobs.send_mails(committed) == 0
    post.may_answer.set()
    ((state, _tries, failure),) = mails(committed)
    assert state is MailState.UNCERTAIN
    assert "may have arrived" in str(failure)
    assert jobs.send_mails(committed) == 0
    assert len(post.taken) == 1


def test_two_who_send_at_once_send_each_mail_once(committed: Flask, post: Post) -> None:
    wait_for_mail(committed, 12)
    with committed.app_context(), security.acting_for(None):
        telling.make_mails(db.session())
        db.session.commit()
    workers = [worker_process(committed, post, "--once") for _ in range(2)]
    assert [one.wait(60) for one in workers] == [0, 0]
    assert len(post.taken) == 12
    assert {state for state, _tries, _failure in mails(committed)} == {MailState.SENT}


# --- A worker that is killed -----------------------------------------------------------------


def worker_process(app: Flask, post: Post, *options: str) -> "subprocess.Popen[bytes]":
    """Begin `flask worker` as a process of its own on the database of `app`."""
    settings = {
        "DATABASE_URL": app.config["DATABASE_URL"],
        "REDRESS_INSTANCE": app.config["INSTANCE"],
        "REDRESS_SECRET_KEY": SECRET,
        "REDRESS_MAIL_HOST": "127.0.0.1",
        "REDRESS_MAIL_PORT": str(post.port),
        "REDRESS_MAIL_SECURITY": "none",
        "REDRESS_MAIL_FROM": "redress@example.org",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "app", "worker", *options],
        cwd=config.HOME,
        env=os.environ | settings,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@contextmanager
def begun(process: "subprocess.Popen[bytes]") -> Iterator["subprocess.Popen[bytes]"]:
    try:
        yield process
    finally:
        process.kill()
        process.wait(20)


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)


def test_a_worker_killed_while_a_mail_is_taken_sends_it_no_second_time(
    committed: Flask, post: Post
) -> None:
    wait_for_mail(committed, 3)
    post.may_answer.clear()
    with begun(worker_process(committed, post, "--once")) as worker:
        until(post.has_mail.is_set)
        worker.send_signal(signal.SIGKILL)
        worker.wait(20)
    post.may_answer.set()
    states = [state for state, *_ in mails(committed)]
    assert sorted(states) == [MailState.HANDING_OVER, MailState.WAITING, MailState.WAITING]
    assert jobs.send_mails(committed) == 2
    with committed.app_context():
        long_ago = func.now() - timedelta(minutes=6)
        db.session.execute(
            update(Mail).where(Mail.state == MailState.HANDING_OVER).values(handed_over_at=long_ago)
        )
        db.session.commit()
    assert jobs.send_mails(committed) == 0
    states = [state for state, *_ in mails(committed)]
    assert sorted(states) == [MailState.SENT, MailState.SENT, MailState.UNCERTAIN]
    names = [mail["Message-ID"] for mail in post.taken]
    assert len(names) == len(set(names)) == 3


def test_killed_at_any_moment_it_sends_nothing_twice_and_forgets_nothing(
    committed: Flask, post: Post, figures: Callable[[str], None]
) -> None:
    with committed.app_context():
        office = make_office()
        handlers = [
            make_officer(
                office_id=office.id, roles=[Role.HANDLER], email=f"h{number}@example.org"
            ).id
            for number in range(40)
        ]
        for one in handlers:
            grievance = make_grievance(responsible_office_id=office.id, handler_id=one)
            make_clock(grievance_id=grievance.id, due_at=datetime.now(UTC) - timedelta(days=4))
        db.session.commit()
    dice, kills = random.Random(9), 0  # noqa: S311  the same moments in each run
    post.seconds = 0.05
    for _ in range(6):
        before = len(post.to)
        with begun(worker_process(committed, post, "--once")) as worker:
            until(lambda: len(post.to) > before or worker.poll() is not None)  # noqa: B023
            time.sleep(dice.random() * 0.3)
            kills += worker.poll() is None
            worker.send_signal(signal.SIGKILL)
            worker.wait(20)
    post.seconds = 0.0
    jobs.look_at_clocks(committed)
    jobs.send_mails(committed)
    with committed.app_context():
        alarms = db.session.scalar(select(func.count()).select_from(ClockAlarm))
        messages = db.session.scalars(select(Message.officer_id)).all()
    assert alarms == 40
    assert sorted(messages) == handlers
    states = [state for state, *_ in mails(committed)]
    assert set(states) <= {MailState.SENT, MailState.HANDING_OVER, MailState.UNCERTAIN}
    assert len(states) == 40
    assert len(post.to) == len(set(post.to))
    unsure = len(states) - states.count(MailState.SENT)
    assert 40 - unsure <= len(post.to) <= 40
    assert kills > 1, "the runs were over before they were killed"
    assert len(post.to) > kills
    figures(
        f"jobs: a worker killed {kills} times raised 40 alarms and sent {len(post.to)} mails, "
        f"0 twice, {unsure} left uncertain"
    )


# --- The worker ------------------------------------------------------------------------------


def test_the_queue_runs_a_job_as_the_login_of_the_web_server(committed: Flask) -> None:
    with committed.app_context():
        office = make_office()
        head = make_officer(office_id=office.id, roles=[Role.OFFICE_HEAD])
        make_clock(grievance_id=make_grievance(responsible_office_id=office.id).id, due_at=NOON)
        db.session.commit()
        wanted = head.id
    committed.config["SQLALCHEMY_DATABASE_URI"] = web_url(committed)
    queue = jobs.queue_for(committed)
    with queue.open():
        queue.configure_task("look_at_clocks").defer(timestamp=0)
        queue.configure_task("tidy").defer(timestamp=0)
    # In a thread of its own: where a browser was driven before, this one has an event loop.
    options = {"wait": False, "listen_notify": False, "delete_jobs": "successful"}
    worker = Thread(target=queue.run_worker, kwargs=options)
    worker.start()
    worker.join(60)
    with committed.app_context():
        told_to = set(db.session.scalars(select(Message.officer_id)))
        left = db.session.execute(
            text("SELECT task_name, status FROM redress_jobs.procrastinate_jobs")
        )
        assert told_to == {wanted}
        assert left.all() == []


def test_the_installed_queue_is_the_one_whose_schema_the_migration_has() -> None:
    frozen = (config.HOME / "migrations/procrastinate-3.10.0.sql").read_text(encoding="utf-8")
    schema = procrastinate.schema.SchemaManager.get_schema()
    assert frozen.partition("-- Enums")[2] == schema.partition("-- Enums")[2], (
        "procrastinate has another schema: bring its migrations into one of ours, and freeze the "
        "new schema beside it"
    )


def workers_of(web: Web) -> list[psutil.Process]:
    """Return the workers that a web server has begun and that live."""
    found = []
    for one in psutil.Process(web.process.pid).children():
        with suppress(psutil.Error):  # it has just died
            if "worker" in one.cmdline():
                found.append(one)
    return found


def test_make_run_keeps_a_worker_and_takes_it_along(fresh_database: Callable[[], str]) -> None:
    with serving(fresh_database(), REDRESS_JOBS="1") as web:
        until(lambda: bool(workers_of(web)))
        (first,) = workers_of(web)
        first.kill()
        until(lambda: [one.pid for one in workers_of(web)] not in ([], [first.pid]))
        (second,) = workers_of(web)
        assert web.get("/login").status == 200
    second.wait(10)


def test_a_worker_ends_when_the_web_server_is_killed(fresh_database: Callable[[], str]) -> None:
    with serving(fresh_database(), REDRESS_JOBS="1") as web:
        until(lambda: bool(workers_of(web)))
        (worker,) = workers_of(web)
        until(lambda: worker.cpu_times().user > 0.5)
        web.process.kill()
        worker.wait(30)


# --- Many clocks -----------------------------------------------------------------------------


def test_what_is_due_is_found_through_an_index_whatever_else_is_open(committed: Flask) -> None:
    with committed.app_context():
        make_grievance()
        db.session.execute(
            text(
                "INSERT INTO grievance (title) SELECT 'One of many' FROM generate_series(1, 20000)"
            )
        )
        db.session.execute(
            text(
                "INSERT INTO clock (grievance_id, stage, started_at, due_at, rule, rule_version,"
                " calendar, calendar_version)"
                " SELECT id, 'decide', now(), now() + interval '30 days', 'R', 1, 'district', 1"
                " FROM grievance"
            )
        )
        db.session.execute(text("UPDATE clock_look SET looks_at = now() + interval '20 days'"))
        db.session.execute(
            text("UPDATE clock_look SET looks_at = 'epoch' WHERE clock_id % 1000 = 0")
        )
        db.session.commit()
        db.session.execute(text("ANALYZE grievance, clock, clock_look"))
        db.session.commit()
    committed.config["SQLALCHEMY_DATABASE_URI"] = web_url(committed)
    with committed.app_context(), security.acting_for(None):
        query = raising.due_clocks(datetime.now(UTC), 200)
        words = query.compile(db.engine, compile_kwargs={"literal_binds": True})
        db.session.execute(text("SELECT set_config('role', 'redress_app', true)"))
        plan = "\n".join(db.session.scalars(text(f"EXPLAIN (ANALYZE) {words}")))
        db.session.rollback()
    assert "ix_clock_look_due" in plan, plan
    assert "Seq Scan" not in plan, plan
    assert jobs.look_at_clocks(committed) in (20, 21)

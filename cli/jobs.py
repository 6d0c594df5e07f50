"""The jobs that run beside the web server, and `flask worker`, which runs them.

Each job finds its work in the database and can be broken off anywhere: it is begun again a minute
later, and nothing is done twice (docs/decisions/0074-jobs.md). So a job has no arguments, and one
that was lost with its worker is not missed.
"""

import logging
import os
import signal
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any

import click
import procrastinate
import psycopg
from flask import Flask, current_app
from flask.cli import with_appcontext
from flask_babel import force_locale

import mailing
import postgres
import security
from actions import alarms as raising
from actions import clocks, supervision_alarms
from actions import messages as telling
from actions.figures import refresh
from cli.mail_text import paragraphs, subject
from models import Mail, db
from queries.clocks import calendar_in_force
from rules import RuleBroken
from rules.alarms import MailState, Timing
from rules.calendars import Calendar, calendar_of
from rules.findings import WEEK
from rules.leading import Leading
from rules.offices import OfficeLevel

QUEUE_SCHEMA = "redress_jobs"
POLL_SECONDS = 5.0
"""How often the queue is asked for work. No LISTEN: a pooler would not pass it on."""
KEEP_HOURS = 24
BATCH = 200
USUAL_WEEK = ("09:00-17:00",) * 5 + ("", "")
PAUSE_SECONDS = 5
STOP_SECONDS = 5.0

_log = logging.getLogger("redress.jobs")


def now() -> datetime:
    return datetime.now(UTC)


# --- The jobs --------------------------------------------------------------------------------


def look_at_clocks(app: Flask) -> int:
    """Raise every alarm whose time has come; return how many clocks were looked at."""
    timing = Timing(app.config["REMIND_DAYS"], app.config["ESCALATE_DAYS"])
    looked = 0
    calendars = cache(partial(_calendar, app.config["TIMEZONE"]))
    with app.app_context(), security.acting_for(None):
        while True:
            done = raising.raise_due(db.session(), calendars, timing=timing, **_batch(app))
            db.session.commit()
            looked += done
            if done < BATCH:
                return looked


def look_at_remedies(app: Flask) -> int:
    """Raise the alarms of remedies that were promised and are not done; return how many batches
    of them were looked at."""
    timing = Timing(app.config["REMIND_DAYS"], app.config["ESCALATE_DAYS"])
    calendars = cache(partial(_calendar, app.config["TIMEZONE"]))
    last, batches = 0, 0
    with app.app_context(), security.acting_for(None):
        while True:
            found = raising.raise_remedies(
                db.session(), calendars, timing=timing, after=last, **_batch(app)
            )
            db.session.commit()
            if found is None:
                return batches
            last, batches = found, batches + 1


def look_at_supervision(app: Flask) -> int:
    """Raise the alarms of findings and notices on which an office owes something; return how many
    batches of them were looked at."""
    timing = Timing(app.config["REMIND_DAYS"], WEEK)
    calendars = cache(partial(_calendar, app.config["TIMEZONE"]))
    batches = 0
    with app.app_context(), security.acting_for(None):
        for kind in supervision_alarms.OWED:
            last: int | None = 0
            while last is not None:
                last = supervision_alarms.raise_owed(
                    db.session(), kind, calendars, timing=timing, after=last, **_batch(app)
                )
                db.session.commit()
                batches += last is not None
    return batches


def end_long_pauses(app: Flask) -> int:
    """Let go on the clocks that have stood still for 90 days; return how many that were."""
    last, ended = 0, 0
    with app.app_context(), security.acting_for(None):
        while True:
            found, done = clocks.end_long_pauses(now=now(), after=last, size=BATCH)
            db.session.commit()
            ended += done
            if found is None:
                return ended
            last = found


def _batch(app: Flask) -> dict[str, Any]:
    """Return what all that raises alarms is told of one batch."""
    return {
        "now": now(),
        "today": security.today(),
        "by_mail": bool(app.config["MAIL_HOST"]),
        "size": BATCH,
    }


def _calendar(zone: str, name: str) -> Calendar:
    """Return the version of a calendar that is in force; where there is none (a clock that was
    brought in), the usual week of offices."""
    return calendar_in_force(db.session(), name) or calendar_of(name, 1, zone, USUAL_WEEK)


def ask_for_leaders(app: Flask) -> int:
    """Tell heads of the grievances that must have a lead official and have none; return how many
    grievances that were."""
    leading = Leading(app.config["LEAD_AFTER_DAYS"], OfficeLevel(app.config["LEAD_RANK"]))
    asked = 0
    with app.app_context(), security.acting_for(None):
        while True:
            done = raising.ask_for_leaders(db.session(), leading=leading, **_batch(app))
            db.session.commit()
            asked += done
            if done < BATCH:
                return asked


def send_mails(app: Flask) -> int:
    """Send what waits to be sent; return how many mails the mail server has taken."""
    sent = 0
    with app.app_context(), security.acting_for(None):
        telling.note_uncertain(db.session(), now=now())
        db.session.commit()
        if not app.config["MAIL_HOST"]:
            return 0
        telling.make_mails(db.session())
        db.session.commit()
        while (mail := telling.next_mail(db.session(), now=now())) is not None:
            state = telling.send(
                db.session(), mail, partial(_hand_over, mail), db.session.commit, now=now
            )
            sent += state is MailState.SENT
    return sent


def _hand_over(mail: Mail, before_the_end: Callable[[], None]) -> None:
    settings = current_app.config
    messages = telling.told_by(db.session(), mail)
    with force_locale(telling.language_of(mail, settings)):
        written = mailing.write(
            list(paragraphs(messages, settings["SITE_ADDRESS"])),
            to=telling.address_of(mail),
            subject=subject(messages),
            reference=mail.reference,
            settings=settings,
            now=now(),
        )
    with mailing.line(settings) as server:
        mailing.hand_over(
            server, written, sender=settings["MAIL_FROM"], before_the_end=before_the_end
        )


def count_figures(app: Flask) -> int:
    """Bring the figures of the dashboard up to now; return how many rows were written."""
    with app.app_context(), security.acting_for(None), suppress(RuleBroken):
        done = refresh(db.session(), now=now(), timezone=security.timezone())
        db.session.commit()
        return done.rows
    return 0  # another refresh runs


# Each job, when it is due (as cron says it), and what it counts.
JOBS: dict[Callable[[Flask], int], tuple[str, str]] = {
    look_at_clocks: ("* * * * *", "clocks looked at"),
    look_at_remedies: ("*/10 * * * *", "batches of remedies looked at"),
    look_at_supervision: ("5-55/10 * * * *", "batches of findings and notices looked at"),
    end_long_pauses: ("37 * * * *", "clocks went on"),
    ask_for_leaders: ("7 * * * *", "leaders asked for"),
    send_mails: ("* * * * *", "mails sent"),
    count_figures: ("*/15 * * * *", "rows of figures"),
}


# --- The worker ------------------------------------------------------------------------------


def queue_for(app: Flask) -> procrastinate.App:
    """Return the queue in the database of `app`, with every job in it."""
    connector = procrastinate.PsycopgConnector(
        conninfo=postgres.for_libpq(app.config["SQLALCHEMY_DATABASE_URI"]),
        kwargs={"options": f"-c search_path={QUEUE_SCHEMA}", "application_name": "redress jobs"},
        min_size=1,
        max_size=3,
    )
    queue = procrastinate.App(connector=connector)
    for job, (cron, counted) in JOBS.items():
        # One of a kind waits at most: what a worker was away for is caught up with in one go.
        task = queue.task(name=job.__name__, queueing_lock=job.__name__)(_task(app, job, counted))
        queue.periodic(cron=cron)(task)
    queue.periodic(cron="3 * * * *")(queue.task(name="tidy", queueing_lock="tidy")(_tidy(queue)))
    return queue


def _task(app: Flask, job: Callable[[Flask], int], counted: str) -> Callable[[int], None]:
    def run(timestamp: int) -> None:
        done = job(app)
        if done:
            _log.info("%d %s", done, counted, extra={"job": job.__name__})

    return run


def _tidy(queue: procrastinate.App) -> Callable[[int], Awaitable[None]]:
    async def tidy(timestamp: int) -> None:
        """Take away the jobs that are over, and those that were lost with their worker: another
        of their kind has run since."""
        manager = queue.job_manager
        for job in await manager.get_stalled_jobs():
            await manager.finish_job(job, procrastinate.jobs.Status.FAILED, delete_job=True)
        await manager.delete_old_jobs(nb_hours=KEEP_HOURS, include_failed=True)

    return tidy


@click.command("worker")
@click.option("--once", is_flag=True, help="Do every job once, now, and end.")
@click.option(
    "--while-alive",
    type=int,
    metavar="PROCESS",
    help="End when this process, which began it, is no more.",
)
@with_appcontext
def worker(once: bool, while_alive: int | None) -> None:
    """Run the jobs: reminders, escalation, mails, figures. `make run` runs it by itself."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    if once:
        for job, (_cron, counted) in JOBS.items():
            click.echo(f"{job(app):,} {counted}")
        return
    if while_alive is not None:
        threading.Thread(target=_end_with, args=(while_alive,), daemon=True).start()
    while not _run(app):
        time.sleep(PAUSE_SECONDS)


def _run(app: Flask) -> bool:
    """Run jobs until a signal ends it; return False where the database is gone before that."""
    try:
        queue_for(app).run_worker(
            fetch_job_polling_interval=POLL_SECONDS,
            listen_notify=False,
            delete_jobs="successful",
            shutdown_graceful_timeout=STOP_SECONDS,
        )
    except (psycopg.Error, procrastinate.exceptions.ProcrastinateException, OSError):
        _log.warning("the queue of jobs does not answer; asking again", exc_info=True)
        return False
    return True


def _end_with(process: int) -> None:
    """End this process when the one that began it is gone: nobody would end it then."""
    while os.getppid() == process:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)

"""The summary behind the dashboard: counted as rules/figures.py says, and the same whether it was
kept up to date or made anew (promise D4)."""

import csv
import random
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import delete, func, select, text, update

import imports
import security
from actions import figures
from config import HOME
from demo.catalogue import SAMPLE
from models import (
    Appeal,
    Decision,
    Feedback,
    FigureMark,
    FigureMonth,
    FigureState,
    Grievance,
    Office,
    Remedy,
    Reopening,
    db,
)
from queries import figures as ask
from rules import RuleBroken
from rules.figures import ACKNOWLEDGE_DAYS, COUNTED, UNDATED_DAYS, Counts, days_to_answer, month_of
from rules.grievance import AppealOutcome, AppealState, GrievanceState, RemedyState
from tests.factories import (
    act_as,
    make_appeal,
    make_decision,
    make_feedback,
    make_grievance,
    make_office,
    make_officer,
    make_remedy,
)

LONDON = "Europe/London"
NOW = datetime(2026, 6, 15, 11, 30, tzinfo=UTC)
SAMPLE_NOW = datetime(2026, 1, 1, tzinfo=UTC)
Summary = dict[tuple[int | None, date], dict[str, Any]]


def summary(session: Any) -> Summary:
    """Return the rows of the summary, those that count nothing left out."""
    session.expire_all()
    found = {}
    for row in session.scalars(select(FigureMonth)):
        counts = {name: getattr(row, name) for name in COUNTED}
        counts["waits"] = dict(zip(row.days, row.answers, strict=True))
        found[row.office_id, row.month] = counts
    return found


def refresh(session: Any, now: datetime = NOW, zone: str = LONDON, **options: Any) -> Any:
    act_as(0)
    session.flush()
    return figures.refresh(session, now=now, timezone=zone, **options)


# --- By hand, from the words -----------------------------------------------------------------


def counted_by_hand(session: Any, now: datetime, zone: str) -> Summary:
    """Count in plain Python what the definitions say, one grievance after the other."""
    found: dict[tuple[int | None, date], Counts] = defaultdict(Counts)

    def local(at: datetime) -> date:
        return at.astimezone(ZoneInfo(zone)).date()

    reopened = set(session.scalars(select(Reopening.grievance_id)))
    for one in session.scalars(select(Grievance)):
        office = one.responsible_office_id
        found[office, month_of(local(one.received_at))].received += 1
        by = one.received_at + timedelta(days=ACKNOWLEDGE_DAYS)
        if by <= now and (one.source is None or one.acknowledged_at):
            words = [at for at in (one.acknowledged_at, one.answered_at, one.closed_at) if at]
            row = found[office, month_of(local(by))]
            row.acknowledge_due += 1
            row.acknowledged += bool(words) and min(words) <= by
        ends = one.due_at or one.received_at + timedelta(days=UNDATED_DAYS)
        row = found[office, month_of(local(ends))]
        answered = one.answered_at or one.closed_at
        if ends > now:
            row.waiting += answered is None and one.state is not GrievanceState.WITHDRAWN
            continue
        row.clocks_ended += 1
        row.answers_due += one.due_at is not None
        row.answers_in_time += bool(one.due_at and answered and answered <= one.due_at)
        row.answered += answered is not None
        row.answered_once += answered is not None or one.id in reopened
        row.reopened += one.id in reopened
        row.withdrawn_unanswered += answered is None and one.state is GrievanceState.WITHDRAWN
        if answered:
            days = (local(answered) - local(one.received_at)).days
            row.waits[days] = row.waits.get(days, 0) + 1
        for appeal in session.scalars(
            select(Appeal).join(Decision).where(Decision.grievance_id == one.id)
        ):
            row.appeals_decided += appeal.state is AppealState.DECIDED
            row.decisions_stood += appeal.outcome is AppealOutcome.DISMISSED
        for word in session.scalars(select(Feedback).where(Feedback.grievance_id == one.id)):
            row.rated += 1
            row.rated_good += word.rating >= 4
    for remedy in session.scalars(select(Remedy)):
        if remedy.due_on < local(now):
            row = found[remedy.office_id, month_of(remedy.due_on)]
            row.remedies_due += 1
            row.remedies_done += bool(remedy.done_on and remedy.done_on <= remedy.due_on)
    return {place: asdict(counts) for place, counts in found.items()}


def without_nothing(found: Summary) -> Summary:
    return {place: counts for place, counts in found.items() if any(counts.values())}


# --- Counting --------------------------------------------------------------------------------


def row_of(session: Any, office: Office, month: date) -> dict[str, Any]:
    return summary(session)[office.id, month]


def test_a_grievance_counts_in_the_month_in_which_its_answer_was_due(session: Any) -> None:
    office = make_office()
    make_grievance(
        responsible_office_id=office.id,
        state="closed",
        received_at=datetime(2026, 2, 20, 12, tzinfo=UTC),
        due_at=datetime(2026, 3, 10, 12, tzinfo=UTC),
        answered_at=datetime(2026, 4, 2, 12, tzinfo=UTC),
        closed_at=datetime(2026, 4, 2, 12, tzinfo=UTC),
    )
    refresh(session)
    assert row_of(session, office, date(2026, 2, 1))["received"] == 1
    march = row_of(session, office, date(2026, 3, 1))
    assert (march["answers_due"], march["answers_in_time"], march["waits"]) == (1, 0, {41: 1})
    assert (office.id, date(2026, 4, 1)) not in summary(session)


def test_who_never_answers_is_not_in_time(session: Any) -> None:
    office = make_office()
    make_grievance(
        responsible_office_id=office.id,
        received_at=NOW - timedelta(days=40),
        due_at=NOW - timedelta(days=1),
    )
    make_grievance(responsible_office_id=office.id, received_at=NOW - timedelta(days=75))
    refresh(session)
    rows = [counts for place, counts in summary(session).items() if place[0] == office.id]
    assert sum(one["clocks_ended"] for one in rows) == 2  # without a due date: after 60 days
    assert sum(one["answers_due"] for one in rows) == 1
    assert sum(one["answers_in_time"] + one["answered"] for one in rows) == 0


def test_it_counts_from_the_minute_in_which_its_time_is_over(session: Any) -> None:
    office = make_office()
    make_grievance(responsible_office_id=office.id, received_at=NOW - timedelta(days=3), due_at=NOW)
    refresh(session, NOW - timedelta(minutes=1))
    row = row_of(session, office, date(2026, 6, 1))
    assert (row["clocks_ended"], row["waiting"]) == (0, 1)
    done = refresh(session, NOW)
    assert not done.is_full
    assert done.marks == 0, "time alone has passed"
    row = row_of(session, office, date(2026, 6, 1))
    assert (row["clocks_ended"], row["waiting"]) == (1, 0)


def test_a_withdrawal_improves_no_figure(session: Any) -> None:
    office = make_office()
    open_one = make_grievance(
        responsible_office_id=office.id,
        received_at=NOW - timedelta(days=40),
        due_at=NOW - timedelta(days=10),
    )
    refresh(session)
    before = summary(session)
    open_one.state, open_one.withdrawn_at = GrievanceState.WITHDRAWN, NOW - timedelta(days=20)
    open_one.withdrawal_statement = "It is done."
    refresh(session)
    after = summary(session)
    changed = {
        name
        for place, counts in after.items()
        for name, number in counts.items()
        if number != before[place][name]
    }
    assert changed == {"withdrawn_unanswered"}


def test_a_reopened_grievance_is_remembered_by_the_database(session: Any) -> None:
    office = make_office()
    one = make_grievance(
        responsible_office_id=office.id,
        state="closed",
        received_at=NOW - timedelta(days=40),
        due_at=NOW - timedelta(days=10),
        answered_at=NOW - timedelta(days=20),
        closed_at=NOW - timedelta(days=20),
    )
    for state in ("routed", "answered", "routed"):  # closed, opened, ended, opened once more
        session.execute(
            update(Grievance).where(Grievance.id == one.id).values(state=state, closed_at=None)
        )
    refresh(session)
    row = row_of(session, office, date(2026, 6, 1))
    assert (row["reopened"], row["answered_once"]) == (1, 1)


def test_what_is_with_no_office_counts_for_the_district(session: Any) -> None:
    make_grievance(
        responsible_office_id=None,
        received_at=NOW - timedelta(days=40),
        due_at=NOW - timedelta(days=14),
    )
    refresh(session)
    assert summary(session)[None, date(2026, 6, 1)]["clocks_ended"] == 1


def test_an_import_that_says_nothing_of_receipt_counts_for_no_acknowledgement(
    session: Any,
) -> None:
    office = make_office()
    received = datetime(2026, 5, 4, 12, tzinfo=UTC)
    given = {"responsible_office_id": office.id, "received_at": received, "source": "Elsewhere"}
    make_grievance(**given, external_number="1")
    make_grievance(**given, external_number="2", acknowledged_at=received + timedelta(days=2))
    refresh(session)
    row = row_of(session, office, date(2026, 5, 1))
    assert (row["acknowledge_due"], row["acknowledged"]) == (1, 1)


# --- Kept up to date is the same as made anew ------------------------------------------------


class Bureau:
    """Somebody who does one thing after the other to what counts in figures."""

    def __init__(self, session: Any, seed: int) -> None:
        self.session = session
        self.dice = random.Random(seed)  # noqa: S311  the same acts each time
        self.offices = [make_office() for _ in range(3)]
        self.officers = [make_officer().id, make_officer().id]
        self.now = NOW

    def pick(self, model: Any) -> Any:
        self.session.flush()
        rows = self.session.scalars(select(model).order_by(model.id)).all()
        return self.dice.choice(rows) if rows else None

    def moment(self) -> datetime:
        return self.now - timedelta(hours=self.dice.randint(0, 24 * 150))

    def office(self) -> int | None:
        return self.dice.choice([None, *(office.id for office in self.offices)])

    def receive(self) -> None:
        received = self.moment()
        days = timedelta(hours=self.dice.randint(1, 24 * 45))
        imported = {"source": "Elsewhere", "external_number": str(self.dice.random())}
        make_grievance(
            received_at=received,
            responsible_office_id=self.office(),
            due_at=self.dice.choice([None, received + days, received + days]),
            acknowledged_at=self.dice.choice([None, received + days / 9]),
            **self.dice.choice([{}, imported]),
        )

    def answer(self) -> None:
        one = self.pick(Grievance)
        if one and one.responsible_office_id:
            one.answered_at = one.received_at + timedelta(hours=self.dice.randint(0, 24 * 60))
            one.state = GrievanceState.ANSWERED
            one.closed_at = one.withdrawn_at = one.withdrawal_statement = None

    def withdraw(self) -> None:
        one = self.pick(Grievance)
        if one:
            one.state, one.closed_at = GrievanceState.WITHDRAWN, None
            one.withdrawn_at = one.received_at + timedelta(days=1)
            one.withdrawal_statement = "It is done."

    def reopen(self) -> None:
        one = self.pick(Grievance)
        if one and one.responsible_office_id:
            one.state, one.closed_at, one.withdrawn_at = GrievanceState.ACCEPTED, None, None
            one.withdrawal_statement = None

    def reroute(self) -> None:
        statement = update(Grievance).where(Grievance.state == GrievanceState.REGISTERED)
        some = func.mod(Grievance.id, 3) == self.dice.randint(0, 2)
        self.session.flush()
        self.session.execute(
            statement.where(some).values(responsible_office_id=self.office()),
            execution_options={"synchronize_session": False},
        )
        self.session.expire_all()

    def set_due(self) -> None:
        one = self.pick(Grievance)
        if one:
            one.due_at = one.received_at + timedelta(hours=self.dice.randint(1, 24 * 90))

    def rate(self) -> None:
        if one := self.pick(Grievance):
            make_feedback(grievance_id=one.id, rating=self.dice.randint(1, 5))

    def appeal(self) -> None:
        if one := self.pick(Grievance):
            first, second = self.officers
            decision = make_decision(grievance_id=one.id, drafted_by_id=first)
            make_appeal(
                decision_id=decision.id,
                first_decider_id=first,
                state="decided",
                decided_on=date(2026, 6, 1),
                filed_on=date(2026, 5, 1),
                decided_by_id=second,
                outcome=self.dice.choice(list(AppealOutcome)),
                reasons="Facts.",
            )

    def promise(self) -> None:
        due = self.moment().date()
        done = self.dice.choice([None, due + timedelta(days=self.dice.randint(-3, 3))])
        make_remedy(
            office_id=self.offices[0].id,
            promised_on=due - timedelta(days=9),
            due_on=due,
            state=RemedyState.DONE if done else RemedyState.PROMISED,
            done_on=done,
            done_by_id=self.officers[0] if done else None,
        )

    def move_decision(self) -> None:
        if (one := self.pick(Decision)) and (other := self.pick(Grievance)):
            one.grievance_id = other.id

    def remove(self) -> None:
        model = self.dice.choice([Feedback, Appeal, Remedy])
        if one := self.pick(model):
            self.session.delete(one)

    def retitle(self) -> None:
        if one := self.pick(Grievance):
            one.title = "Another title"

    def wait(self) -> None:
        self.now += timedelta(hours=self.dice.randint(1, 24 * 20))

    def do_something(self) -> None:
        act = self.dice.choice(
            [self.receive] * 6
            + [self.answer] * 4
            + [self.withdraw, self.reopen, self.reroute, self.set_due, self.rate, self.appeal]
            + [self.promise, self.move_decision, self.remove, self.retitle, self.wait]
        )
        act()
        self.session.flush()


@pytest.mark.parametrize("seed", range(6))
def test_kept_up_to_date_it_is_the_same_as_made_anew_and_as_counted_by_hand(
    seed: int, session: Any
) -> None:
    bureau = Bureau(session, seed)
    zone = ["Europe/London", "America/New_York", "Asia/Shanghai"][seed % 3]
    refresh(session, bureau.now, zone)
    for _ in range(12):
        for _ in range(bureau.dice.randint(1, 9)):
            bureau.do_something()
        done = refresh(session, bureau.now, zone)
        assert not done.is_full
        kept = without_nothing(summary(session))
        assert kept == without_nothing(counted_by_hand(session, bureau.now, zone))
    refresh(session, bureau.now, zone, full=True)
    assert without_nothing(summary(session)) == kept


def test_a_change_that_counts_for_nothing_leaves_no_mark(session: Any) -> None:
    one = make_grievance(responsible_office_id=make_office().id)
    refresh(session)
    one.title = "In other words"
    session.flush()
    assert session.scalar(select(func.count()).select_from(FigureMark)) == 0


def test_a_deleted_office_takes_its_figures_along(session: Any) -> None:
    office = make_office()
    one = make_grievance(responsible_office_id=office.id, received_at=NOW - timedelta(days=90))
    refresh(session)
    one.responsible_office_id = None
    session.flush()
    session.execute(delete(Office).where(Office.id == office.id))
    refresh(session)
    assert all(place[0] is None for place in summary(session))


def test_another_time_zone_or_definition_counts_everything_anew(session: Any) -> None:
    refresh(session)  # in full, unless a page of another test has done that already
    assert not refresh(session).is_full
    assert refresh(session, zone="Asia/Shanghai").is_full
    session.execute(update(FigureState).values(definition=0))
    assert refresh(session, zone="Asia/Shanghai").is_full


def test_many_months_are_counted_anew_all_together(session: Any) -> None:
    refresh(session)
    for months in range(figures.MANY_MONTHS + 3):
        make_grievance(received_at=NOW - timedelta(days=31 * months))
    assert refresh(session).is_full


def test_a_day_that_is_a_slip_of_the_pen_stops_nothing(session: Any) -> None:
    office = make_office()
    refresh(session)
    make_remedy(office_id=office.id, promised_on=date(1, 1, 1), due_on=date(1, 1, 1))
    make_grievance(
        responsible_office_id=office.id, due_at=datetime(9999, 12, 31, 23, 59, tzinfo=UTC)
    )
    refresh(session)
    assert {month.year for _office, month in summary(session)} < set(range(1900, 2100))
    refresh(session, full=True)


def test_the_database_marks_by_the_days_of_the_rules() -> None:
    written = (HOME / "migrations" / "versions" / "0008_figures.py").read_text()
    assert f"interval '{ACKNOWLEDGE_DAYS} days'" in written
    assert f"interval '{UNDATED_DAYS} days'" in written


# --- One at a time, and by the system --------------------------------------------------------


def test_two_refreshes_do_not_run_at_once(committed: Flask) -> None:
    with committed.app_context(), security.acting_for(None):
        figures.refresh(db.session(), now=NOW, timezone=LONDON)
        settings = security.named(0)()
        with pytest.raises(RuleBroken, match="being refreshed"):
            figures.refresh_apart(db.engine, settings, now=NOW, timezone=LONDON)
        db.session.rollback()
        assert figures.refresh_apart(db.engine, settings, now=NOW, timezone=LONDON).is_full
        assert db.session.scalar(select(FigureState.as_of)) == NOW


def test_what_is_not_committed_yet_is_left_to_the_next_refresh(committed: Flask) -> None:
    with committed.app_context(), security.acting_for(None):
        office = make_office()
        settings = security.named(0)()
        db.session.commit()
        make_grievance(responsible_office_id=office.id, received_at=NOW - timedelta(days=9))
        early = figures.refresh_apart(db.engine, settings, now=NOW, timezone=LONDON)
        db.session.commit()
        late = figures.refresh_apart(db.engine, settings, now=NOW, timezone=LONDON)
        assert (early.marks, early.rows) == (0, 0)
        assert late.marks
        assert late.rows == len(summary(db.session)) > 0


def test_only_the_system_writes_figures(app: Flask, session: Any) -> None:
    officer = make_officer(roles=["administrator"])
    refresh(session)
    act_as(officer.id)
    session.execute(text("SET LOCAL ROLE redress_app"))
    assert session.execute(delete(FigureMonth)).rowcount == 0
    assert session.execute(delete(FigureMark)).rowcount == 0
    assert session.execute(update(FigureState).values(definition=9)).rowcount == 0
    with pytest.raises(Exception, match="row-level security"), session.begin_nested():
        session.execute(text("INSERT INTO figure_month (month) VALUES ('2026-01-01')"))


# --- The command -----------------------------------------------------------------------------


def test_the_command_says_what_it_did(committed: Flask) -> None:
    with committed.app_context():
        make_grievance(received_at=datetime(2026, 1, 9, tzinfo=UTC))
        db.session.commit()
        db.session.remove()
    run = committed.test_cli_runner().invoke(args=["figures", "refresh"])
    assert run.exit_code == 0, run.output
    assert "Counted everything anew" in run.output
    again = committed.test_cli_runner().invoke(args=["figures", "refresh", "--json"])
    assert again.exit_code == 0, again.output
    assert '"is_full": false' in again.output


# --- Against the city's own file -------------------------------------------------------------


def by_department(rows: Iterable[dict[str, str]], now: datetime) -> dict[str, tuple[int, ...]]:
    """Return due, in time, ended, median and 90th percentile of each department (-1: not yet),
    from the columns of the file and nothing of ours."""

    def at(text: str) -> datetime | None:
        return datetime.fromisoformat(text) if text else None

    boston = now.astimezone(ZoneInfo("America/New_York")).replace(tzinfo=None)
    due: dict[str, int] = defaultdict(int)
    in_time: dict[str, int] = defaultdict(int)
    days: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        opened, target, closed = (at(row[f"{name}_dt"]) for name in ("open", "target", "closed"))
        assert opened
        if row["case_status"] != "Closed":
            closed = None
        if (target or opened + timedelta(days=60)) > boston:
            continue
        if target:
            due[row["department"]] += 1
            in_time[row["department"]] += closed is not None and closed <= target
        days[row["department"]].append(
            (closed.date() - opened.date()).days if closed else float("inf")
        )
    found = {}
    for name, waited in days.items():
        waited.sort()
        half, most = (waited[-(-len(waited) * part // 10) - 1] for part in (5, 9))
        reached = [-1 if one == float("inf") else int(one) for one in (half, most)]
        found[name] = (due[name], in_time[name], len(waited), *reached)
    return found


def as_counted(session: Any) -> dict[str, tuple[int, ...]]:
    found = ask.figures(session, None, date(2000, 1, 1), date(2030, 1, 1)).offices
    codes = dict(session.execute(select(Office.id, Office.code)).all())
    return {
        codes[office]: (
            one.answers_due,
            one.answers_in_time,
            one.clocks_ended,
            *(-1 if days is None else days for days in days_to_answer(one)),
        )
        for office, one in found.items()
        if office
    }


def test_the_figures_of_the_sample_are_those_of_the_file(
    session: Any, figures: Callable[[str], None]
) -> None:
    act_as(0)
    the_map = imports.load_map("boston311")
    report = imports.check(session, SAMPLE, the_map, now=SAMPLE_NOW, will_write=True)
    batch = imports.new_batch(session, SAMPLE.name, "boston311", SAMPLE.stat().st_size)
    imports.bring_in(session, the_map, report, batch_id=batch, now=SAMPLE_NOW)
    refresh(session, SAMPLE_NOW, "America/New_York")
    with SAMPLE.open(encoding="utf-8", newline="") as file:
        expected = by_department(csv.DictReader(file), SAMPLE_NOW)
    counted = as_counted(session)
    wrong = {name for name in expected if counted.get(name) != expected[name]}
    figures(
        f"figures of the Boston sample: {len(expected)} departments, {len(wrong)} differ from a"
        " count of the file in plain Python"
    )
    assert not wrong, {name: (expected[name], counted.get(name)) for name in wrong}

"""The demo: the same data every time, no empty screen, nothing bad said of anybody real."""

import os
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from stat import S_IMODE
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import func, select

import security
from actions import identity as acting
from actions.clocks import explain
from actions.news import check_way
from config import HOME
from demo import choose_sample
from demo.catalogue import DAYS_FOR_HANDLING, HANDLING, SAMPLE, rows
from demo.load import password_for_demo
from demo.reprimands import digest
from models import (
    RECORD_TYPES,
    AccountabilityAction,
    AuditEntry,
    Category,
    Circulation,
    Clock,
    DailyReturn,
    DecisionPoint,
    DutyShift,
    ExportRecord,
    Extension,
    Finding,
    Grievance,
    GrievanceLink,
    Identity,
    IdentityKey,
    IdentityOpening,
    ImportBatch,
    Inspection,
    Mail,
    Message,
    News,
    Office,
    Officer,
    OfficerSession,
    Record,
    Recusal,
    Reprimand,
    ReprimandEvidence,
    RetaliationReport,
    RoleChange,
    SavedView,
    SupervisionNotice,
    db,
)
from rules.alarms import MailState
from rules.grievance import PointFinding, RequestState
from rules.identity import IdentityField, OpeningGround
from rules.import_values import CONTACT
from rules.offices import ClockStage
from rules.permissions import Role
from rules.reprimand import CirculationKind
from rules.rhythm import ReturnState
from sealing import key_ring
from tests.conftest import make_app
from tests.factories import SECRET

IDENTITIES = HOME / "demo" / "identities.toml"
FULL_FILE = HOME.parent / "shared" / "data" / "boston311_2011h2.csv"
MAKERS = Callable[[], str]
# They fill by use: a log-in, a view that somebody keeps, a file that is taken out.
FILL_BY_USE = {OfficerSession, SavedView, ExportRecord}
# What a load decides by itself: times, passwords, and the number of a grievance in this register,
# which begins with the year of loading.
NOT_THE_SAME = {
    "stored_name",  # made at random
    "id",
    "number",
    "created_at",
    "told_at",  # of an announced visit that is when it was made
    "updated_at",
    "finished_at",
    "password_hash",
    "password_changed_at",
}
BOSTON = ZoneInfo("America/New_York")


@pytest.fixture(scope="module")
def loaded(fresh_database: MAKERS, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """An application whose database holds the demo, loaded by the command."""
    app = make_app(fresh_database(), tmp_path_factory.mktemp("demo"))
    answer = app.test_cli_runner().invoke(args=["demo"])
    assert answer.exit_code == 0, answer.output
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def demo(loaded: Flask) -> Iterator[Flask]:
    """The same, with `db.session` to look into it."""
    with loaded.app_context():
        yield loaded


def count(model: type[Record]) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def is_empty(app: Flask) -> bool:
    """Whether nothing at all is in the database of `app`, which is not used afterwards."""
    with app.app_context():
        found = sum(count(model) for model in RECORD_TYPES)
        db.session.remove()
        db.engine.dispose()
    return found == 0


def password_of(app: Flask) -> str:
    return (Path(app.config["INSTANCE"]) / "demo-password").read_text().strip()


def content(model: type[Record], places: dict[str, dict[int, int]]) -> list[str]:
    """Every row of `model`, its ids replaced by the place of the row in its table."""
    columns = [column for column in model.__table__.columns if column.name not in NOT_THE_SAME]
    found = []
    for row in db.session.execute(select(*columns).order_by(model.id)):
        values = []
        for column, value in zip(columns, row, strict=True):
            for key in column.foreign_keys:
                value = places[key.column.table.name].get(value)
            values.append(f"{column.name}={value!r}")
        found.append(" ".join(values))
    return found


def digests(app: Flask) -> dict[str, str]:
    """What the database of `app` holds, in a few characters for each table."""
    with app.app_context():
        return digests_here()


def digests_here() -> dict[str, str]:
    # What is sealed is under random keys, and openings and requests come by use.
    apart = (AuditEntry, OfficerSession, Identity, IdentityKey, IdentityOpening, RoleChange)
    compared = [model for model in RECORD_TYPES if model not in apart]
    places = {
        model.__tablename__: {
            id_: place
            for place, id_ in enumerate(db.session.scalars(select(model.id).order_by(model.id)))
        }
        for model in compared
    }
    return {
        model.__tablename__: sha256("\n".join(content(model, places)).encode()).hexdigest()[:12]
        for model in compared
    }


# --- The command -----------------------------------------------------------------------------


def test_the_demo_is_the_same_in_another_database_and_another_process(
    loaded: Flask, fresh_database: MAKERS, tmp_path: Path
) -> None:
    first = digests(loaded)
    url = fresh_database()
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "app", "demo"],
        cwd=HOME,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ
        | {"DATABASE_URL": url, "REDRESS_INSTANCE": str(tmp_path), "PYTHONHASHSEED": "7"}
        | {"REDRESS_SECRET_KEY": SECRET},
    )
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"[\d,]+ records of \d\d kinds in \d+\.\d s", done.stdout.splitlines()[-1])
    other = make_app(url, tmp_path)
    second = digests(other)
    with other.app_context():
        db.engine.dispose()
    assert {name: (one, second[name]) for name, one in first.items() if one != second[name]} == {}
    assert len(first) > 40


def test_a_database_with_officers_is_refused_in_a_sentence_and_left_as_it_is(loaded: Flask) -> None:
    before = digests(loaded)
    answer = loaded.test_cli_runner().invoke(args=["demo"])
    assert answer.exit_code != 0
    assert "has officers already" in answer.output
    assert "Traceback" not in answer.output
    assert digests(loaded) == before


def test_if_empty_keeps_quiet_where_there_are_officers(loaded: Flask) -> None:
    answer = loaded.test_cli_runner().invoke(args=["demo", "--if-empty"])
    assert (answer.exit_code, answer.output) == (0, "")


def test_a_database_in_use_gets_no_password_file(committed: Flask) -> None:
    runner = committed.test_cli_runner()
    made = runner.invoke(
        args=["create-admin", "anna", "--office", "X", "--password-stdin"],
        input="a stone, a leaf, a door\n",
    )
    assert made.exit_code == 0, made.output
    assert runner.invoke(args=["demo"]).exit_code != 0
    assert not (Path(committed.config["INSTANCE"]) / "demo-password").exists()


def test_a_password_that_may_not_be_one_is_refused_and_nothing_loaded(
    fresh_database: MAKERS, tmp_path: Path
) -> None:
    app = make_app(fresh_database(), tmp_path, DEMO_PASSWORD="too short")
    refused = app.test_cli_runner().invoke(args=["demo"])
    assert refused.exit_code != 0
    assert "at least 15 characters" in refused.output
    assert is_empty(app)


def test_nothing_is_loaded_where_a_part_fails(
    committed: Flask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.csv"
    broken.write_text(SAMPLE.read_text("utf-8").replace("2011-10-17 ", "17 October "), "utf-8")
    monkeypatch.setattr("demo.sample.SAMPLE", broken)
    answer = committed.test_cli_runner().invoke(args=["demo"])
    assert answer.exit_code != 0
    assert "rows are refused" in answer.output
    assert is_empty(committed)


def test_the_password_is_made_once_at_random_for_the_owner_alone(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    password = password_for_demo(one, "")
    assert S_IMODE((one / "demo-password").stat().st_mode) == 0o600
    assert len(password) >= 16
    assert password_for_demo(one, "") == password
    assert password_for_demo(other, "") != password
    assert password_for_demo(one, "chosen by somebody") == "chosen by somebody"


@pytest.mark.parametrize("role", list(Role))
def test_each_role_has_an_officer_of_its_name_who_can_log_in(loaded: Flask, role: Role) -> None:
    with loaded.app_context():
        roles = db.session.scalar(select(Officer.roles).where(Officer.username == role))
    assert roles == [role]
    browser: Any = loaded.test_client()
    answer = browser.send("/login", username=role.value, password=password_of(loaded))
    assert answer.status_code in (302, 303), answer.text


# --- What is in it ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "model",
    [model for model in RECORD_TYPES if model.screen and model not in FILL_BY_USE],
    ids=lambda model: model.__tablename__,
)
def test_no_screen_is_empty(demo: Flask, model: type[Record]) -> None:
    assert count(model) > 0


def test_every_row_of_the_sample_came_in_by_the_importer(demo: Flask) -> None:
    batch = db.session.scalar(select(ImportBatch))
    sample = list(rows(SAMPLE.name))
    assert batch is not None
    assert (batch.rows_read, batch.rows_created, batch.rows_refused) == (len(sample),) * 2 + (0,)
    assert len(sample) == 3000
    source = Grievance.source == "Boston 311"
    offices = db.session.execute(
        select(Office.code, func.count())
        .join(Grievance, Grievance.responsible_office_id == Office.id)
        .where(source)
        .group_by(Office.code)
    )
    departments = Counter(row["department"] for row in sample)
    assert {code: number for code, number in offices} == departments
    closed = db.session.scalar(select(func.count()).where(source, Grievance.state == "closed"))
    assert closed == sum(row["case_status"] == "Closed" for row in sample)
    made = batch.summary["made"] if batch.summary else {}
    assert {name: found["count"] for name, found in made.items()} == {
        "offices": 0,
        "areas": 0,
        "categories": 0,
    }, "the importer made what the demo should have brought with it"


def test_open_and_late_grievances_are_well_represented(demo: Flask) -> None:
    late = func.coalesce(Grievance.closed_at, func.now()) > Grievance.due_at
    for condition, least in ((Grievance.closed_at.is_(None), 500), (late, 1000)):
        assert (db.session.scalar(select(func.count()).where(condition)) or 0) >= least


def test_categories_have_their_office_and_their_standard(demo: Flask) -> None:
    standards = {
        row["type"]: (row["calendar"], row["days"]) for row in rows("boston311_standards.csv")
    }
    assert len(standards) == 27
    for name, (calendar, days) in standards.items():
        category = db.session.scalar(
            select(Category).where(Category.name == name, Category.service_standard_id.is_not(None))
        )
        assert category is not None, name
        assert category.office is not None
        standard = category.service_standard
        assert standard is not None
        unit = {"business": "working_days", "calendar": "calendar_days"}[calendar]
        assert (standard.unit, standard.amount) == (unit, int(days))


def test_the_invented_grievances_are_due_by_their_standard(demo: Flask) -> None:
    invented = db.session.scalars(select(Grievance).where(Grievance.source.is_(None))).all()
    assert len(invented) >= 20
    for grievance in invented:
        assert grievance.category is not None
        assert grievance.category.parent is not None
        assert grievance.category.parent.name == HANDLING
        granted = [
            extension.until_on
            for extension in grievance.extensions
            if extension.state is RequestState.GRANTED
        ]
        if grievance.due_at is not None and not granted:
            received = grievance.received_at.astimezone(BOSTON)
            due = received + timedelta(days=DAYS_FOR_HANDLING)
            assert grievance.due_at.astimezone(BOSTON) == due, grievance.title


def test_open_grievances_have_a_clock_that_says_why(demo: Flask) -> None:
    """The city set some due dates by hand, and not every category has a standard: of those there
    is none."""
    is_open = (Grievance.answered_at.is_(None), Grievance.closed_at.is_(None))
    dated = db.session.scalar(
        select(func.count())
        .select_from(Grievance)
        .join(Grievance.category)
        .where(*is_open, Grievance.due_at.is_not(None), Category.service_standard_id.is_not(None))
    )
    running = db.session.scalars(
        select(Clock).where(Clock.stopped_at.is_(None), Clock.stage == ClockStage.DECIDE)
    ).all()
    assert len(running) >= 0.9 * dated > 200
    for clock in running[:50]:
        assert str(explain(clock)).startswith("Due on ")
        assert clock.due_at == clock.grievance.due_at
    (extended,) = db.session.scalars(
        select(Extension).where(Extension.state == RequestState.GRANTED)
    )
    assert "30 calendar days more by an extension" in str(explain(extended.clock))


def test_the_frozen_copies_have_their_own_digest(demo: Flask) -> None:
    frozen = db.session.scalars(
        select(ReprimandEvidence).where(ReprimandEvidence.frozen_at.is_not(None))
    ).all()
    assert len(frozen) >= 5
    for evidence in frozen:
        assert evidence.frozen_copy
        assert evidence.sha256 == digest(evidence.frozen_copy)
    unfrozen = db.session.scalars(
        select(ReprimandEvidence)
        .join(ReprimandEvidence.reprimand)
        .where(Reprimand.issued_on.is_not(None), ReprimandEvidence.frozen_at.is_(None))
    ).all()
    assert not unfrozen


def test_numbers_of_reprimands_are_one_to_the_last_of_the_series(demo: Flask) -> None:
    issued = db.session.scalars(
        select(Reprimand).where(Reprimand.number.is_not(None)).order_by(Reprimand.issued_on)
    ).all()
    assert [reprimand.number_in_series for reprimand in issued] == [1, 2, 3]
    series = issued[0].number_series
    assert series is not None
    assert series.last_number == 3
    assert {one.number for one in issued} == {
        series.form.format(year=series.year, number=one.number_in_series) for one in issued
    }
    notices = db.session.scalars(
        select(SupervisionNotice.number).where(SupervisionNotice.number.is_not(None))
    ).all()
    assert sorted(notices) == [f"NT [2011] {number}" for number in range(1, len(notices) + 1)]


def test_a_quashing_goes_to_exactly_those_who_got_the_reprimand(demo: Flask) -> None:
    quashed = db.session.scalars(select(Reprimand).where(Reprimand.quashed_on.is_not(None))).all()
    assert quashed
    for reprimand in quashed:
        readers = {
            kind: {one.office_id for one in reprimand.circulations if one.kind is kind}
            for kind in CirculationKind
        }
        assert readers[CirculationKind.QUASHING] == readers[CirculationKind.REPRIMAND] != set()
    everybody = db.session.scalars(select(Office.id).where(Office.closed_on.is_(None))).all()
    widest = db.session.scalars(
        select(Circulation.office_id)
        .join(Circulation.reprimand)
        .where(Reprimand.scope == "all_offices", Reprimand.number_in_series == 1)
    ).all()
    assert sorted(widest) == sorted(everybody)


def test_no_worker_finds_a_mail_to_send(demo: Flask) -> None:
    unmade = Message.by_mail & Message.mail_id.is_(None)
    assert not db.session.scalars(select(Message).where(unmade)).all()
    final = {MailState.SENT, MailState.REFUSED, MailState.UNCERTAIN}
    assert set(db.session.scalars(select(Mail.state))) <= final
    for model in (Office, Officer):
        assert not db.session.scalars(select(model).where(model.email.is_not(None))).all()


def test_news_was_told_in_the_way_that_was_chosen(demo: Flask) -> None:
    for news in db.session.scalars(select(News)):
        check_way(news.grievance, news.way)
        assert news.told_at > news.grievance.received_at


def test_no_hour_is_without_an_officer_on_duty(demo: Flask) -> None:
    shifts = db.session.scalars(select(DutyShift).order_by(DutyShift.starts_at)).all()
    assert [shift.starts_at for shift in shifts[1:]] == [shift.ends_at for shift in shifts[:-1]]
    assert shifts[-1].ends_at - shifts[0].starts_at == timedelta(days=21)


def test_a_nil_return_agrees_with_the_register(demo: Flask) -> None:
    nil = db.session.scalars(select(DailyReturn).where(DailyReturn.state == ReturnState.NIL)).all()
    assert nil
    for statement in nil:
        day = func.date(func.timezone("America/New_York", Grievance.received_at))
        waiting = db.session.scalars(
            select(Grievance.title).where(
                Grievance.responsible_office_id == statement.office_id,
                day <= statement.day,
                Grievance.answered_at.is_(None),
                Grievance.closed_at.is_(None),
                Grievance.withdrawn_at.is_(None),
            )
        ).all()
        assert not waiting


def test_no_inspector_visits_an_office_they_keep_away_from(demo: Flask) -> None:
    conflicts = db.session.scalars(
        select(Inspection.subject)
        .join(
            Recusal,
            (Recusal.officer_id == Inspection.inspector_id)
            & (Recusal.office_id == Inspection.office_id)
            & (Recusal.starts_on <= Inspection.planned_on)
            & Recusal.set_aside_on.is_(None),
        )
        .where(func.coalesce(Recusal.ends_on, Inspection.planned_on + 1) > Inspection.planned_on)
    ).all()
    assert not conflicts


# --- What is not in it -----------------------------------------------------------------------


def test_nothing_bad_is_said_of_an_office_that_exists(demo: Flask) -> None:
    def offices(query: Any) -> list[Office]:
        return [office for office in db.session.scalars(query) if office is not None]

    said = [
        *offices(
            select(Office)
            .join(Finding, Finding.office_id == Office.id)
            .where(Finding.ground.is_not(None))
        ),
        *(
            one
            for model in (SupervisionNotice, Reprimand, RetaliationReport, AccountabilityAction)
            for one in offices(select(Office).join(model, model.office_id == Office.id))
        ),
        *offices(
            select(Office)
            .join(DailyReturn, DailyReturn.office_id == Office.id)
            .where(DailyReturn.state.not_in([ReturnState.FILED, ReturnState.NIL]))
        ),
    ]
    upheld = db.session.scalars(
        select(DecisionPoint).where(DecisionPoint.conclusion != PointFinding.NOT_UPHELD)
    ).all()
    said += [point.decision.grievance.respondent_office for point in upheld]
    assert len(said) > 30
    real = {office.name for office in said if not (office.address or "").startswith("Invented")}
    assert not real


def test_identities_are_sealed_for_invented_grievances_alone_and_can_be_opened(
    demo: Flask,
) -> None:
    sealed = db.session.scalars(
        select(Grievance).join(Identity, Identity.grievance_id == Grievance.id)
    ).all()
    assert len(sealed) == 3
    assert {one.source for one in sealed} == {None}
    assert [one.identity_needs_two for one in sealed].count(True) == 1
    assert {
        (one.respondent_office.address or "").partition(" ")[0]
        for one in sealed
        if one.respondent_office
    } == {"Invented"}
    names = {entry["name"] for entry in tomllib.loads(IDENTITIES.read_text("utf-8"))["identity"]}
    at = acting.At(datetime.now(UTC), datetime.now(UTC).date())
    intake = db.session.scalars(select(Officer).where(Officer.username == "intake")).one()
    opened = set()
    for grievance in sealed:
        if grievance.identity_needs_two:
            continue
        with security.acting_for(intake.id), demo.app_context():
            opening = acting.open_identity(
                db.session.get_one(Grievance, grievance.id),
                OpeningGround.ANSWER,
                "To try it",
                by=db.session.get_one(Officer, intake.id),
                at=at,
                terms=acting.Terms(timedelta(minutes=5), timedelta(hours=1)),
            )
            db.session.commit()
            known = acting.read_opened(opening or 0, ring=key_ring(demo.config))
            assert known is not None
            opened.add(known[IdentityField.NAME])
    assert len(opened) == 2
    assert opened < names


def test_it_holds_nothing_in_clear_that_could_reach_a_person(demo: Flask) -> None:
    text = SAMPLE.read_text("utf-8")
    for row in rows(SAMPLE.name):
        words = " ".join(row[name] for name in ("case_title", "closure_reason", "type"))
        assert not choose_sample.PERSON.search(words), words
        assert not choose_sample.TEST.search(words), words
        assert not choose_sample.ABOUT_PEOPLE.search(words), words
        assert not CONTACT.search(words), words
        assert choose_sample.is_a_block(row["location"]), row["location"]
    assert "[text removed]" not in text


def test_links_join_matters_in_public_places_alone(demo: Flask) -> None:
    for link in db.session.scalars(select(GrievanceLink)):
        if link.grievance.source is not None:
            assert link.grievance.category_id == link.other_grievance.category_id
            assert link.grievance.place == link.other_grievance.place
            assert link.grievance.responsible_office.code in {"PWDx", "BTDT", "PARK", "PROP"}


def test_extensions_of_an_offices_own_delay_are_not_granted(demo: Flask) -> None:
    for extension in db.session.scalars(select(Extension)):
        assert extension.decided_by_id != extension.asked_by_id


def test_the_sample_is_a_small_file_of_the_repository() -> None:
    assert SAMPLE.stat().st_size < 1_000_000


@pytest.mark.skipif(not FULL_FILE.is_file(), reason=f"the city's whole file is not at {FULL_FILE}")
def test_the_sample_can_be_chosen_again_from_the_citys_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choose_sample, "SAMPLE", tmp_path / "again.csv")
    choose_sample.main(FULL_FILE)
    assert (tmp_path / "again.csv").read_bytes() == SAMPLE.read_bytes()


@pytest.mark.parametrize("role", Role)
def test_something_waits_on_each_role(loaded: Flask, role: Role) -> None:
    browser: Any = loaded.test_client()
    with loaded.app_context():
        browser.let_in(db.session.scalars(select(Officer).filter_by(username=role.value)).one())
        db.session.commit()
    page = browser.get("/admin/")
    assert page.status_code == 200
    assert 'class="wait-title"' in page.text, "give this role some work in the demo"

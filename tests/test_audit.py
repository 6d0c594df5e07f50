"""Each change leaves its entry in the trail, by whatever way it was made."""

import io
import os
import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import (
    Enum,
    LargeBinary,
    String,
    delete,
    func,
    insert,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy.exc import IntegrityError, ProgrammingError

from access import APP_ROLE
from actions.trail import note
from models import (
    RECORD_TYPES,
    STAMPS,
    AssignmentProposal,
    AuditEntry,
    Grievance,
    Identity,
    IdentityKey,
    ImportBatch,
    LoginAttempt,
    Mail,
    Message,
    Office,
    Officer,
    OfficerSession,
    Record,
    SecondFactor,
    db,
    watch_statement,
)
from queries import audit, lists
from rules.grievance import GrievanceState
from rules.identity import IdentityField
from rules.permissions import Role
from rules.records import AuditVerb
from tests import factories
from tests.factories import act_as, make_any, make_grievance, make_office, make_officer
from tests.statements import statements

WATCHED = [model for model in RECORD_TYPES if model is not AuditEntry]


def entries(session: Any, record: Any = None, table: str = "") -> list[AuditEntry]:
    """Return what the trail has on a record or a table, oldest first."""
    query = select(AuditEntry).order_by(AuditEntry.id)
    if record is not None:
        table = record.__tablename__
        query = query.where(AuditEntry.record_id == record.id)
    return list(session.scalars(query.where(AuditEntry.record_type == table)))


def last(session: Any, record: Any) -> AuditEntry:
    return entries(session, record)[-1]


def act(session: Any, officer: Officer | None, request: str = "") -> None:
    act_as(officer.id if officer else 0, request)


# --- Every way -------------------------------------------------------------------------------


def test_a_new_record_leaves_who_when_what_and_from_which_request(session: Any) -> None:
    ann = make_officer()
    act(session, ann, "request-1")
    before = datetime.now(UTC)
    grievance = make_grievance(title="No water")
    entry = last(session, grievance)
    assert (entry.verb, entry.officer_id, entry.request_id) == (
        AuditVerb.INSERT,
        ann.id,
        "request-1",
    )
    assert before - timedelta(seconds=5) < entry.at < datetime.now(UTC) + timedelta(seconds=5)
    assert entry.changes == {
        "news_way": [None, "they_ask_themselves"],
        "number": [None, grievance.number],
        "title": [None, "No water"],
        "kind": [None, "service"],
        "state": [None, "registered"],
        "channel": [None, "counter"],
        "is_referred_from_above": [None, False],
        "identity_needs_two": [None, False],
        "received_at": [None, entry.changes["received_at"][1]],
    }
    assert datetime.fromisoformat(entry.changes["received_at"][1]) == grievance.received_at


def test_a_change_through_the_orm_leaves_the_changed_fields_only(session: Any) -> None:
    grievance = make_grievance(title="No water")
    ann = make_officer()
    act(session, ann, "request-2")
    grievance.title = "No water in Mill Street"
    grievance.place = "Mill Street"
    session.flush()
    entry = last(session, grievance)
    assert (entry.verb, entry.officer_id, entry.request_id) == (
        AuditVerb.UPDATE,
        ann.id,
        "request-2",
    )
    assert entry.changes == {
        "title": ["No water", "No water in Mill Street"],
        "place": [None, "Mill Street"],
    }


def test_a_bulk_update_leaves_an_entry_for_each_record_that_changed(session: Any) -> None:
    open_ones = [make_grievance() for _ in range(3)]
    closed = make_grievance(state="closed", closed_at=datetime.now(UTC))
    session.execute(
        update(Grievance).values(state=GrievanceState.CLOSED, closed_at=closed.closed_at)
    )
    for grievance in open_ones:
        assert set(last(session, grievance).changes) == {"state", "closed_at"}
        assert last(session, grievance).changes["state"] == ["registered", "closed"]
    assert last(session, closed).verb is AuditVerb.INSERT


def test_raw_sql_leaves_an_entry(session: Any) -> None:
    office = make_office(name="Water")
    session.execute(text("UPDATE office SET name = 'Waterworks' WHERE id = :id"), {"id": office.id})
    assert last(session, office).changes == {"name": ["Water", "Waterworks"]}


def test_a_deleted_record_leaves_what_it_was(session: Any) -> None:
    office = make_office(name="Water", code="w")
    kept = office.id
    session.execute(delete(Office).where(Office.id == kept))
    entry = entries(session, table="office")[-1]
    assert (entry.verb, entry.record_id) == (AuditVerb.DELETE, kept)
    assert entry.changes == {
        "name": ["Water", None],
        "code": ["w", None],
        "level": ["department", None],
    }


def test_what_a_deletion_takes_along_leaves_entries_too(session: Any) -> None:
    point = factories.make_decision_point()
    session.execute(text("DELETE FROM decision"))
    assert entries(session, table="decision_point")[-1].verb is AuditVerb.DELETE
    assert entries(session, table="decision_point")[-1].record_id == point.id


def test_copy_and_upsert_leave_entries(session: Any) -> None:
    connection = session.connection().connection.driver_connection
    with connection.cursor() as cursor:
        cursor.copy_expert(
            "COPY office (name, code, level) FROM STDIN CSV",
            io.StringIO("A,a,district\nB,b,district\n"),
        )
        cursor.execute(
            "INSERT INTO office (name, code, level) VALUES ('A2', 'a', 'district'),"
            " ('C', 'c', 'district') ON CONFLICT (code) DO UPDATE SET name = excluded.name"
        )
    found = entries(session, table="office")
    assert sorted((entry.verb.value, entry.changes["name"]) for entry in found) == [
        ("insert", [None, "A"]),
        ("insert", [None, "B"]),
        ("insert", [None, "C"]),
        ("update", ["A", "A2"]),
    ]


def test_a_changed_id_shows(session: Any) -> None:
    office = make_office()
    old = office.id
    session.execute(text("UPDATE office SET id = 7000 WHERE id = :id"), {"id": old})
    gone, come = entries(session, table="office")[-2:]
    assert {gone.record_id, come.record_id} == {old, 7000}
    assert sorted([gone.changes["id"], come.changes["id"]], key=str) == sorted(
        [[old, None], [None, 7000]], key=str
    )


def test_ten_thousand_rows_in_one_statement_leave_ten_thousand_entries(session: Any) -> None:
    with statements() as sent:
        session.execute(
            text(
                "INSERT INTO grievance (title) SELECT 'Row ' || i FROM generate_series(1, 10000) i"
            )
        )
    assert [statement for statement in sent if "SAVEPOINT" not in statement] == [sent[-1]]
    counted = select(
        func.count(), func.count(AuditEntry.record_id.distinct()), func.count(AuditEntry.id)
    ).where(AuditEntry.record_type == "grievance", AuditEntry.verb == AuditVerb.INSERT)
    assert tuple(session.execute(counted).one()) == (10_000, 10_000, 10_000)


def test_what_is_rolled_back_leaves_nothing(session: Any) -> None:
    nested = session.begin_nested()
    make_office()
    nested.rollback()
    assert entries(session, table="office") == []


# --- Of whom ---------------------------------------------------------------------------------


def test_a_change_on_a_screen_carries_its_officer_and_request(as_role: Any, session: Any) -> None:
    browser = as_role(Role.ADMINISTRATOR)
    answer = browser.send("/admin/office/new/", name="Water", code="w", level="department")
    assert answer.status_code in (302, 303), answer.text
    made = entries(session, table="office")[-1]
    assert (made.verb, made.officer_id) == (AuditVerb.INSERT, browser.officer_id)
    assert made.request_id
    office = session.scalars(select(Office).where(Office.code == "w")).one()
    assert office.created_by_id == browser.officer_id
    browser.send("/admin/office/new/", name="Roads", code="r", level="department")
    assert entries(session, table="office")[-1].request_id != made.request_id


def test_commits_outside_a_request_have_no_officer(committed: Flask) -> None:
    with committed.app_context():
        db.session.add(Office(name="A", code="a", level="district"))
        db.session.commit()
        entry = db.session.scalars(select(AuditEntry)).one()
        assert (entry.officer_id, entry.request_id) == (None, None)


# --- What is not told ------------------------------------------------------------------------


def test_a_secret_is_only_said_to_have_changed(session: Any) -> None:
    officer = make_officer(password_hash="first-hash")
    officer.password_hash = "second-hash"
    session.flush()
    first, second = entries(session, officer)
    assert first.changes["password_hash"] == [None, "***"]
    assert second.changes == {"password_hash": ["***", "***"]}


@pytest.mark.parametrize("model", WATCHED, ids=lambda model: model.__name__)
def test_no_secret_of_any_record_type_gets_into_the_trail(
    model: type[Record], session: Any
) -> None:
    record = make_any(model)
    changes = last(session, record).changes
    for column in model.__table__.columns:
        if column.name in changes and (column.info.get("secret") or not model.screen):
            assert changes[column.name] == [None, "***"], column


def test_nothing_of_an_identity_but_its_fields_gets_into_the_trail(session: Any) -> None:
    identity = factories.make_identity()
    identity.name = os.urandom(92)
    session.flush()
    made, changed = entries(session, identity)
    sealed = ("grievance_id", "key_version", *IdentityField)
    assert made.changes == {field: [None, "***"] for field in sealed}
    assert changed.changes == {"name": ["***", "***"]}
    session.execute(delete(Identity))
    gone = entries(session, table="identity")[-1]
    assert gone.changes == {field: ["***", None] for field in sealed}


@pytest.mark.parametrize("model", WATCHED, ids=lambda model: model.__name__)
def test_no_secret_gets_into_the_trail_by_a_change_or_a_deletion_either(
    model: type[Record], session: Any
) -> None:
    record = make_any(model)
    columns = [
        column.name
        for column in model.__table__.columns
        if isinstance(column.type, String | LargeBinary)
        and not isinstance(column.type, Enum)
        and (column.info.get("secret") or column.info.get("trail") == "masked" or not model.screen)
    ]
    for name in columns:
        column = model.__table__.columns[name]
        is_binary = isinstance(column.type, LargeBinary)
        canary = b"canary-in-32-bytes-xxxxxxxxxxxxx" if is_binary else "canary"
        with suppress(IntegrityError), session.begin_nested():
            session.execute(
                update(model.__table__)
                .where(model.__table__.c.id == record.id)
                .values({name: canary})
            )
    with suppress(IntegrityError), session.begin_nested():
        session.execute(delete(model.__table__).where(model.__table__.c.id == record.id))
    told = session.scalars(
        text("SELECT e::text FROM audit_entry e WHERE record_type = :table"),
        {"table": model.__tablename__},
    ).all()
    assert told
    leaked = [line for line in told if "canary" in line or b"canary".hex() in line]
    assert leaked == []


def test_stamps_leave_no_entry_and_are_in_none(session: Any) -> None:
    office = make_office()
    session.execute(update(Office).values(name=Office.name))
    assert [entry.verb for entry in entries(session, office)] == [AuditVerb.INSERT]
    assert not set(STAMPS) & set(last(session, office).changes)


def test_being_seen_leaves_no_entry_and_being_logged_out_does(session: Any) -> None:
    log_in = factories.make_officer_session()
    log_in.seen_at = datetime.now(UTC) + timedelta(minutes=1)
    log_in.data = {"flashes": ["Saved."]}
    session.flush()
    assert [entry.verb for entry in entries(session, log_in)] == [AuditVerb.INSERT]
    log_in.ended_at = log_in.seen_at
    session.flush()
    assert set(last(session, log_in).changes) == {"ended_at"}


def test_the_progress_of_an_import_leaves_no_entry_and_its_end_does(session: Any) -> None:
    batch = factories.make_import_batch()
    batch.bytes_done, batch.rows_read = 1000, 10
    session.flush()
    assert [entry.verb for entry in entries(session, batch)] == [AuditVerb.INSERT]
    batch.state, batch.rows_read, batch.rows_created = "imported", 20, 20
    batch.finished_at = datetime.now(UTC)
    session.flush()
    changes = last(session, batch).changes
    assert changes["rows_read"] == [10, 20]
    assert changes["rows_created"] == [0, 20]


def test_failed_log_ins_and_the_trail_itself_leave_no_entry(session: Any) -> None:
    session.execute(insert(LoginAttempt).values(account_hash=b"a", address_hash=b"b"))
    factories.make_audit_entry()
    assert session.scalar(select(func.count()).select_from(AuditEntry)) == 1


# --- That it holds ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit_entry SET record_id = 1", "DELETE FROM audit_entry", "TRUNCATE audit_entry"],
)
def test_the_trail_is_only_added_to(statement: str, session: Any) -> None:
    make_office()
    with pytest.raises(IntegrityError) as caught, session.begin_nested():
        session.execute(text(statement))
    assert caught.value.orig.diag.constraint_name == "ck_audit_entry_not_changed"
    assert len(entries(session, table="office")) == 1


KEPT = ("audit_entry", "audit_entry_rest", "audit_block", "audit_head", "audit_open")
WRITES = (
    "INSERT INTO {0} SELECT * FROM {0}",
    "UPDATE {0} SET {1} = {1}",
    "DELETE FROM {0}",
    "TRUNCATE {0}",
    "ALTER TABLE {0} DISABLE TRIGGER ALL",
)
NOT_ITS_OWN = (
    "SELECT redress_block()",
    "SELECT redress_digest(1, 1, now(), 1, 'update', 'office', 1, '', '{}')",
    "SELECT redress_keep_month('office')",
    "SELECT redress_note('update', 'office', 1, NULL)",
    # A table of its own with a name of ours, to have the trigger lie about it.
    "CREATE TEMP TABLE office (id bigint); CREATE TRIGGER lie AFTER INSERT ON office REFERENCING"
    " NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION redress_audit('{}', '{}', false)",
    "SET session_replication_role = replica",
)


def test_the_application_adds_to_the_trail_through_its_functions_alone(session: Any) -> None:
    make_office()
    act_as(make_officer().id)
    session.execute(select(func.set_config("role", APP_ROLE, True)))
    columns = {"audit_block": "number", "audit_head": "number", "audit_open": "block_id"}
    asked = [
        write.format(table, columns.get(table, "id")) for table in KEPT for write in WRITES
    ] + list(NOT_ITS_OWN)
    taken = []
    for statement in asked:
        nested = session.begin_nested()
        try:
            session.execute(text(statement))
            taken.append(statement)
        except ProgrammingError as refused:
            if refused.orig.pgcode != "42501":
                taken.append(statement)
        nested.rollback()
    assert taken == []


def test_an_entry_is_in_the_name_of_who_asks_whatever_is_set(session: Any) -> None:
    ann, ben = make_officer(), make_officer()
    office = make_office()
    act_as(ann.id, "request-1")
    session.execute(select(func.set_config("role", APP_ROLE, True)))
    session.execute(select(func.set_config("redress.officer_id", str(ben.id), True)))
    note(AuditVerb.OPEN, record_type="office", record_id=office.id)
    office.name = "Another"
    session.flush()
    session.execute(select(func.set_config("redress.ticket", f"0.{ben.id}.0.{'0' * 64}", True)))
    note(AuditVerb.LOGIN_FAILED, record_type="office", record_id=office.id)
    session.execute(select(func.set_config("role", "none", True)))
    told = [(entry.verb, entry.officer_id) for entry in entries(session, office)[1:]]
    assert told == [
        (AuditVerb.OPEN, ann.id),
        (AuditVerb.UPDATE, ann.id),
        (AuditVerb.LOGIN_FAILED, None),
    ]


def test_who_does_not_read_the_trail_finds_there_what_they_see_anyway(session: Any) -> None:
    mine, other = make_office(), make_office()
    handler = make_officer(roles=[Role.HANDLER], office_id=mine.id)
    seen = make_grievance(responsible_office_id=mine.id)
    hidden = make_grievance(responsible_office_id=other.id)
    factories.make_identity(grievance_id=seen.id)
    counted = select(func.count()).select_from(AuditEntry)

    def found(record: Any) -> int:
        return int(
            session.scalar(
                counted.where(
                    AuditEntry.record_type == "grievance", AuditEntry.record_id == record.id
                )
            )
        )

    session.execute(select(func.set_config("role", APP_ROLE, True)))
    assert session.scalar(counted) == 0  # nobody asks
    act_as(handler.id)
    assert (found(seen), found(hidden)) == (1, 0)
    assert session.scalar(counted.where(AuditEntry.record_type == "no_such_table")) == 0
    act_as(make_auditor(session))
    assert (found(seen), found(hidden)) == (1, 1)


def make_auditor(session: Any) -> int:
    """Make an auditor as the owner does, and go on as the application."""
    session.execute(select(func.set_config("role", "none", True)))
    auditor = make_officer(roles=[Role.AUDITOR]).id
    session.execute(select(func.set_config("role", APP_ROLE, True)))
    return int(auditor)


# --- When it cannot be written ----------------------------------------------------------------

FULL = """
CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$;
CREATE TRIGGER full_disk BEFORE INSERT ON audit_entry FOR EACH ROW EXECUTE FUNCTION full_disk()
"""
UNWRITABLE = {
    "no month to write into": (
        "DO $$ DECLARE month text; BEGIN FOR month IN SELECT relid::regclass::text"
        " FROM pg_partition_tree('audit_entry') WHERE isleaf LOOP EXECUTE format("
        "'ALTER TABLE audit_entry DETACH PARTITION %s', month); END LOOP; END $$"
    ),
    "a disk that is full": FULL,
    "a chain without an end": (
        "ALTER TABLE audit_head DISABLE TRIGGER USER; DELETE FROM audit_head"
    ),
}


@pytest.mark.parametrize("harm", UNWRITABLE.values(), ids=UNWRITABLE)
def test_without_its_entry_nothing_is_saved(harm: str, committed: Flask) -> None:
    with committed.app_context():
        browser: Any = committed.test_client()
        browser.let_in(make_officer(roles=[Role.ADMINISTRATOR]))
        office = make_office(name="Water").id
        db.session.commit()
        with db.engine.begin() as owner:
            owner.execute(text(harm.replace(":", r"\:")))
        fields = {"name": "Fire", "code": "fire", "level": "department"}
        for path in ("/admin/office/new/", f"/admin/office/edit/?id={office}"):
            version = re.search(r'name="version" value="([^"]+)"', browser.get(path).text)
            answer = browser.send(path, version=version[1] if version else "", **fields)
            assert answer.status_code in (422, 503), answer.text
            said = ("entry in the audit trail could not be written", "has no room left")
            assert any(words in answer.text for words in said), answer.text
            assert "redress_" not in answer.text
        assert browser.get("/admin/office/").status_code == 200
        names = set(db.session.scalars(select(Office.name)))
        assert "Fire" not in names
        assert "Water" in names


def test_no_table_is_emptied_without_a_trace(session: Any) -> None:
    with pytest.raises(IntegrityError) as caught, session.begin_nested():
        session.execute(text("TRUNCATE feedback"))
    assert caught.value.orig.diag.constraint_name == "ck_feedback_not_emptied"


@pytest.mark.parametrize("model", WATCHED, ids=lambda model: model.__name__)
def test_every_table_has_the_triggers_that_its_columns_ask_for(
    model: type[Record], session: Any
) -> None:
    def triggers() -> set[str]:
        found = session.scalars(
            text(
                "SELECT pg_get_triggerdef(oid) FROM pg_trigger"
                " WHERE tgrelid = CAST(:name AS regclass) AND NOT tgisinternal"
            ),
            {"name": model.__tablename__},
        )
        return set(found)

    as_migrated = triggers()
    assert sum("redress_audit(" in trigger for trigger in as_migrated) == 3
    session.execute(text(watch_statement(model)))
    assert triggers() == as_migrated, f"put this into a migration: {watch_statement(model)}"
    assert ("version_id" in inspect(model).columns) == any(
        "redress_stamp()" in trigger for trigger in as_migrated
    )


# --- Asked -----------------------------------------------------------------------------------


def test_the_history_of_a_record_is_newest_first_and_in_one_statement(session: Any) -> None:
    ann = make_officer(name="Ann")
    act(session, ann)
    office = make_office(name="1")
    make_office()
    for name in ("2", "3"):
        office.name = name
        session.flush()
    office_id = office.id
    session.expire_all()
    with statements() as sent:
        found = session.scalars(audit.history("office", office_id).limit(2)).all()
        assert [entry.changes["name"] for entry in found] == [["2", "3"], ["1", "2"]]
        assert {entry.officer.name for entry in found} == {"Ann"}
    assert len([statement for statement in sent if "SAVEPOINT" not in statement]) == 1
    older = audit.history("office", office_id).where(AuditEntry.id < found[-1].id)
    assert [entry.verb for entry in session.scalars(older)] == [AuditVerb.INSERT]


@pytest.fixture
def year(session: Any) -> Officer:
    """A trail of 14 months with 21,000 entries, as the application's login has it; returns an
    auditor who asks."""
    auditor = make_officer(roles=[Role.AUDITOR])
    make_office()
    session.execute(
        text("SELECT redress_audit_months(1, date_trunc('month', now()) - interval '13 months')")
    )
    session.execute(
        text(
            "INSERT INTO audit_entry (at, officer_id, verb, record_type, record_id, request_id,"
            " block_id, digest) SELECT now() - i * interval '28 minutes', :officer,"
            " CASE WHEN i % 7000 = 0 THEN 'open' ELSE 'update' END,"
            " CASE WHEN i % 9000 = 0 THEN 'remedy' ELSE 'office' END, i % 1000, 'r' || i % 7000,"
            " 0, '' FROM generate_series(1, 21000) i"
        ),
        {"officer": auditor.id},
    )
    session.execute(text("ANALYZE audit_entry"))
    session.execute(select(func.set_config("role", APP_ROLE, True)))
    act_as(auditor.id)
    return auditor


def plan_of(session: Any, query: Any) -> str:
    """Return how the database goes about `query`, with the time it took."""
    wanted = query.compile(
        dialect=session.connection().dialect, compile_kwargs={"literal_binds": True}
    )
    words = f"EXPLAIN (ANALYZE, TIMING OFF) {wanted}".replace(":", r"\:")
    return "\n".join(session.scalars(text(words)))


def entries_read(plan: str) -> int:
    """Return how many entries the plan has looked at. A month without any is no matter how it
    is read."""
    found = re.findall(r"Scan.* on audit_entry\S* .*rows=(\d+)", plan)
    left_out = re.findall(r"Rows Removed by (?:Filter|Index Recheck): (\d+)", plan)
    return sum(map(int, [*found, *left_out]))


DEEP = AuditEntry.id < 10_000
LISTS: dict[str, tuple[Any, str]] = {
    "the first page": (None, "-id"),
    "a deep page": (DEEP, "-id"),
    "by time": (None, "-at"),
    "by time, deep": (AuditEntry.at < datetime.now(UTC) - timedelta(days=200), "-at"),
    "of an officer": (AuditEntry.officer_id == 1_000_000, "-id"),
    "of a verb": (AuditEntry.verb == AuditVerb.OPEN, "-id"),
    "of a kind of record": (AuditEntry.record_type == "remedy", "-id"),
    "of a record number": (AuditEntry.record_id == 5, "-id"),
    "of a request": (AuditEntry.request_id == "r5", "-id"),
    "of a week": (AuditEntry.at.between(datetime.now(UTC) - timedelta(days=107),
                                        datetime.now(UTC) - timedelta(days=100)), "-at"),
}  # fmt: skip


def test_every_list_of_the_trail_is_read_through_the_indexes_of_its_months(
    year: Officer, session: Any
) -> None:
    for name, (condition, order) in LISTS.items():
        query = select(AuditEntry) if condition is None else select(AuditEntry).where(condition)
        wanted = lists.Order(order.lstrip("-"), order.startswith("-"))
        plan = plan_of(session, lists.ordered(query, AuditEntry, wanted).limit(51))
        assert entries_read(plan) <= 700, f"{name}: {plan}"


def test_a_week_of_the_trail_is_read_in_its_months_alone(year: Officer, session: Any) -> None:
    condition, _ = LISTS["of a week"]
    plan = plan_of(session, select(func.count()).select_from(AuditEntry).where(condition))
    assert len(set(re.findall(r"audit_entry_\d{4}_\d\d(?=\s)", plan))) <= 2, plan


def test_the_history_is_read_through_an_index(year: Officer, session: Any) -> None:
    query = audit.history("office", 5).where(AuditEntry.id < 1_000_000).limit(20)
    plan = plan_of(session, query)
    assert 0 < entries_read(plan) <= 50, plan


def test_the_whole_trail_is_counted_by_its_months(year: Officer, session: Any) -> None:
    counted = lists.count(session, select(AuditEntry), AuditEntry, whole=True)
    assert counted.kind == "about"
    assert 20_000 < counted.number < 22_000


def test_no_model_but_the_import_the_rotation_and_the_log_in_is_quiet() -> None:
    quiet = {
        f"{model.__tablename__}.{column.name}"
        for model in RECORD_TYPES
        for column in model.__table__.columns
        if column.info.get("trail") is False
    }
    assert quiet == {
        f"{AssignmentProposal.__tablename__}.done",
        f"{Mail.__tablename__}.next_try_at",
        f"{Mail.__tablename__}.tries",
        f"{Message.__tablename__}.mail_id",
        f"{Message.__tablename__}.read_at",
        f"{ImportBatch.__tablename__}.bytes_done",
        f"{ImportBatch.__tablename__}.rows_read",
        f"{IdentityKey.__tablename__}.kek_version",
        f"{IdentityKey.__tablename__}.wrapped",
        f"{OfficerSession.__tablename__}.data",
        f"{OfficerSession.__tablename__}.seen_at",
        f"{SecondFactor.__tablename__}.last_step",
    }

"""The database refuses by itself: no context no rows, no forged context, no rights beyond the
application's (promises A3 and A4)."""

import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from flask import Flask
from psycopg2.extensions import ISOLATION_LEVEL_AUTOCOMMIT
from sqlalchemy import select, text

import embedded
import postgres
import security
from access import APP_ROLE, SYSTEM, guard_statement, seen_rows, sign_ticket
from models import (
    RECORD_TYPES,
    AuditEntry,
    FigureMonth,
    InspectionAnswer,
    InspectionDocument,
    OfficeRecord,
    PrivateRecord,
    SampledGrievance,
    db,
)
from rules.permissions import Role
from tests.conftest import WORKER, make_app
from tests.factories import (
    DAY,
    NOON,
    SECRET,
    make_any,
    make_circulation,
    make_conference_office,
    make_grievance,
    make_group_membership,
    make_inspection,
    make_joint_conference,
    make_office,
    make_officer,
    make_reprimand,
    make_saved_view,
    make_supervision_assignment,
    make_supervision_group,
)

GUARDED = [
    model
    for model in RECORD_TYPES
    if not issubclass(model, PrivateRecord) and model is not AuditEntry
]
WITH_CASE_CONTENT = [model for model in GUARDED if issubclass(model, OfficeRecord)]
CANARY = "canary-7f3a"


def as_login(url: str, name: str) -> str:
    """Return `url` for a login that is a member of the role `name` and nothing else."""
    if name == APP_ROLE and embedded.superuser_url(url):
        return embedded.web_url(url)
    login, password = f"redress_test_{WORKER}{name}", secrets.token_hex(8)
    with closing(postgres.connect(embedded.superuser_url(url) or url)) as owner:
        cursor = owner.cursor()
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (login,))
        if cursor.fetchone() is None:
            cursor.execute(f"CREATE ROLE {login} LOGIN IN ROLE {name}")
        cursor.execute(f"ALTER ROLE {login} PASSWORD '{password}'")
    address = url.split("@", 1)[1]
    return f"postgresql://{login}:{password}@{address}"


@pytest.fixture(scope="module")
def owner_url(fresh_database: Callable[[], str]) -> str:
    return fresh_database()


@pytest.fixture(scope="module")
def web_url(owner_url: str) -> str:
    return as_login(owner_url, APP_ROLE)


@pytest.fixture(scope="module")
def bureau(
    owner_url: str, web_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, int]]:
    """A database with a record of each kind, and two offices that know nothing of each other."""
    app = make_app(owner_url, tmp_path_factory.mktemp("bureau"))
    with app.app_context():
        ours, theirs = make_office(name="Ours"), make_office(name="Theirs")
        anna = make_officer(office_id=ours.id, roles=[Role.HANDLER])
        boss = make_officer(office_id=theirs.id, roles=[Role.ADMINISTRATOR])
        for model in GUARDED:
            make_any(model)
        own = make_grievance(title="Ours to answer", responsible_office_id=ours.id)
        foreign = make_grievance(title=CANARY, description=CANARY, responsible_office_id=theirs.id)
        found = {"anna": anna.id, "boss": boss.id, "own": own.id, "foreign": foreign.id,
                 "ours": ours.id, "theirs": theirs.id}  # fmt: skip
        db.session.commit()
    yield found
    with app.app_context():
        db.engine.dispose()


def ask(url: str, ticket: str, *statements: str) -> list[Any]:
    """Run `statements` in a transaction with this ticket; return the rows of the last one."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT set_config('redress.ticket', %s, true)", (ticket,))
        for statement in statements:
            cursor.execute(statement)
        rows = cursor.fetchall() if cursor.description else []
        connection.commit()
    return rows


# --- What the migrations set is what the record types say ------------------------------------

RIGHTS = """
SELECT 'policy', tablename::text, policyname::text, cmd, roles::text, qual, with_check
FROM pg_policies WHERE schemaname = 'public'
UNION ALL
SELECT 'table', relname::text, relrowsecurity::text, relforcerowsecurity::text, relacl::text, '', ''
FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
UNION ALL
SELECT 'column', attrelid::regclass::text, attname::text, attacl::text, '', '', ''
FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
WHERE relnamespace = 'public'::regnamespace AND attacl IS NOT NULL
"""


@pytest.mark.parametrize("model", [*GUARDED, FigureMonth], ids=lambda model: model.__tablename__)
def test_rights_in_the_database_are_those_of_the_record_type(session: Any, model: Any) -> None:
    migrated = set(session.execute(text(RIGHTS)).all())
    session.execute(text(guard_statement(model).replace(":", r"\:")))
    derived = set(session.execute(text(RIGHTS)).all())
    assert migrated == derived, (
        f"a migration must run: {guard_statement(model)}; it would change"
        f" {sorted(map(str, migrated ^ derived))}"
    )


def test_every_table_with_case_content_holds_its_owner_too(session: Any) -> None:
    unguarded = session.scalars(
        text(
            "SELECT relname FROM pg_class WHERE relname = ANY (:names)"
            " AND NOT (relrowsecurity AND relforcerowsecurity)"
        ),
        {"names": [model.__tablename__ for model in WITH_CASE_CONTENT]},
    ).all()
    assert len(WITH_CASE_CONTENT) > 25
    assert unguarded == []


def test_the_login_of_the_web_server_owns_nothing_and_bypasses_nothing(web_url: str) -> None:
    rights = (
        "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb,"
        " (SELECT count(*) FROM pg_class WHERE relowner = r.oid),"
        " has_schema_privilege('public', 'CREATE'),"
        " has_schema_privilege('redress_private', 'USAGE')"
        " FROM pg_roles r WHERE rolname IN (current_user, 'redress_app')"
    )
    assert set(ask(web_url, "", rights)) == {(False, False, False, False, 0, False, False)}


def test_a_function_that_acts_for_the_owner_says_where_it_looks(session: Any) -> None:
    loose = session.scalars(
        text(
            "SELECT p.oid::regprocedure::text FROM pg_proc p WHERE prosecdef"
            " AND pronamespace IN ('public'::regnamespace, 'redress_private'::regnamespace)"
            " AND NOT coalesce(proconfig::text LIKE '%search_path=%pg_temp%', false)"
        )
    ).all()
    assert loose == []


# --- A3: a forgotten filter cannot leak ------------------------------------------------------


def test_without_a_context_every_table_with_case_content_is_empty(
    bureau: dict[str, int], web_url: str, figures: Callable[[str], None]
) -> None:
    for model in WITH_CASE_CONTENT:
        count = f"SELECT count(*) FROM {model.__tablename__}"  # noqa: S608  a name of ours
        assert ask(web_url, "", count) == [(0,)], model.__name__
        assert ask(web_url, sign_ticket(SECRET, SYSTEM), count)[0][0] > 0, model.__name__
    figures(f"A3: {len(WITH_CASE_CONTENT)} tables with case content, without a context: 0 rows")


def test_an_owner_who_does_not_bypass_is_held_as_well(owner_url: str, session: Any) -> None:
    session.execute(text("SET LOCAL ROLE none"))
    make_grievance()
    forced = "SELECT relforcerowsecurity FROM pg_class WHERE relname = 'grievance'"
    assert session.scalar(text(forced)) is True


ENDS = {
    "the log-in ended": "UPDATE officer_session SET ended_at = now() - interval '1 second'",
    "the officer left": "UPDATE officer SET left_on = current_date - 1 WHERE id = {anna}",
}


@pytest.mark.parametrize("end", list(ENDS))
def test_a_ticket_dies_with_what_it_stands_for(
    fresh_database: Callable[[], str], tmp_path: Path, end: str
) -> None:
    url = fresh_database()
    app = make_app(url, tmp_path)
    with app.app_context():
        office = make_office()
        anna = make_officer(office_id=office.id)
        make_grievance(responsible_office_id=office.id)
        log_in = make_any(
            next(m for m in RECORD_TYPES if m.__tablename__ == "officer_session"),
            officer_id=anna.id,
        )
        anna_id, log_in_id = anna.id, log_in.id
        db.session.commit()
        db.engine.dispose()
    web = as_login(url, APP_ROLE)
    ticket = sign_ticket(SECRET, anna_id, session_id=log_in_id)
    assert ask(web, ticket, "SELECT count(*) FROM grievance") == [(1,)]
    with closing(postgres.connect(url)) as owner:
        owner.cursor().execute(ENDS[end].format(anna=anna_id))
    assert ask(web, ticket, "SELECT count(*) FROM grievance") == [(0,)]


def test_an_old_ticket_and_one_from_the_future_are_none(
    bureau: dict[str, int], web_url: str
) -> None:
    for seconds, valid in ((0, True), (-200, True), (-400, False), (400, False)):
        ticket = sign_ticket(SECRET, bureau["anna"], at=time.time() + seconds)
        expected = bureau["anna"] if valid else None
        assert ask(web_url, ticket, "SELECT redress_officer()") == [(expected,)], seconds


# --- A4: an injected statement cannot become somebody else -----------------------------------


def forged_tickets(known: dict[str, int]) -> Iterator[str]:
    """Tickets of an administrator and of the system, as somebody without the key may make them."""
    own = sign_ticket(SECRET, known["anna"])
    session, _anna, issued, mac = own.split(".")
    for wanted in (str(known["boss"]), "0", "00", f"{known['boss']:018}", "9" * 18, "9" * 19):
        yield f"{session}.{wanted}.{issued}.{mac}"
        yield f"{session}.{wanted}.{issued}."
        yield f"{session}.{wanted}.{issued}.{'0' * 64}"
        yield f"{session}.{wanted}.{issued}.{mac.upper()}"
        yield f"{session}.{wanted}.{issued}.{mac}.{mac}"
        yield f"{wanted}.{known['anna']}.{issued}.{mac}"
        for key in ("", "secret", "redress", "dev", "changeme", "0" * 64, mac, SECRET[:-1]):
            yield sign_ticket(key, int(wanted))
    yield f"{own}\n0.{known['boss']}.{issued}.{mac}"
    yield own.replace(f".{known['anna']}.", f".{known['anna']}' OR '1'='1.")
    yield "0.0.0." + "0" * 63
    yield f"..{issued}.{mac}"


AT_TICKETS = (
    "SELECT set_config('redress.officer_id', '{boss}', true)",
    "SELECT set_config('redress.ticket', NULL, true)",
    "SELECT * FROM redress_private.ticket_key",
    "SELECT redress_private.ticket()",
    "SELECT redress_private.holds('administrator')",
    "INSERT INTO redress_private.ticket_key VALUES (true, '\\x00', '\\x00')",
    "CREATE SCHEMA mine",
    "DROP SCHEMA redress_private CASCADE",
    "SELECT query FROM pg_stat_activity",
    "SELECT pg_stat_get_activity(NULL)",
    "SELECT pg_stat_get_backend_activity(i) FROM generate_series(1, 20) i",
    "SELECT pg_read_file('postgresql.conf')",
    "SELECT pg_ls_dir('.')",
    "SELECT lo_import('/etc/passwd')",
    "CREATE EXTENSION dblink",
    "CREATE EXTENSION postgres_fdw",
    "COPY grievance TO PROGRAM 'cat'",
    "COPY grievance TO '/tmp/grievance'",
)
AT_RIGHTS = (
    "RESET ROLE",
    "SET ROLE none",
    "SET ROLE redress",
    "SET ROLE postgres",
    "SET ROLE redress_reader",
    "SET SESSION AUTHORIZATION postgres",
    "SET SESSION AUTHORIZATION DEFAULT",
    "SET row_security = off",
    "SET session_replication_role = replica",
    "SET search_path = pg_temp, public",
    "ALTER TABLE grievance DISABLE ROW LEVEL SECURITY",
    "ALTER TABLE grievance NO FORCE ROW LEVEL SECURITY",
    "ALTER TABLE grievance OWNER TO CURRENT_USER",
    "DROP POLICY redress_rows ON grievance",
    "CREATE POLICY mine ON grievance USING (true)",
    "ALTER POLICY redress_rows ON grievance USING (true)",
    "SELECT redress_guard('grievance')",
    "GRANT ALL ON grievance TO PUBLIC",
    "ALTER ROLE CURRENT_USER BYPASSRLS",
    "GRANT redress_reader TO CURRENT_USER",
    "CREATE ROLE mine SUPERUSER",
    "TRUNCATE grievance",
    "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE OR REPLACE FUNCTION redress_sees_all() RETURNS boolean LANGUAGE sql AS 'SELECT true'",
    "ALTER FUNCTION redress_sees_all() RESET search_path",
    "CREATE TRIGGER mine BEFORE INSERT ON grievance EXECUTE FUNCTION redress_stamp()",
    "CREATE RULE mine AS ON INSERT TO grievance DO ALSO SELECT 1",
    "CREATE TEMP TABLE officer AS SELECT {anna}::bigint AS id, '{{administrator}}'::text[] AS"
    " roles, {theirs}::bigint AS office_id, NULL::date AS left_on",
    "CREATE TEMP TABLE office AS SELECT {theirs}::bigint AS id, {ours}::bigint AS parent_id",
    "CREATE TEMP TABLE supervision_assignment AS SELECT 1 AS group_id, {theirs}::bigint AS"
    " office_id, current_date AS starts_on, NULL::date AS ends_on",
    "CREATE TEMP VIEW mine AS SELECT * FROM grievance",
    "CREATE FUNCTION pg_temp.redress_sees_all() RETURNS boolean LANGUAGE sql AS 'SELECT true'",
    "CREATE FUNCTION pg_temp.leak(t text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS"
    " $$BEGIN RAISE NOTICE '%', t; RETURN true; END$$;"
    " SELECT count(*) FROM grievance WHERE pg_temp.leak(title)",
    "CREATE FUNCTION pg_temp.boss() RETURNS SETOF grievance LANGUAGE sql SECURITY DEFINER AS"
    " 'SELECT * FROM grievance'; SELECT title FROM pg_temp.boss()",
)
AT_ROWS = (
    "SELECT title FROM grievance WHERE id = {foreign}",
    "SELECT title FROM grievance WHERE id = {foreign} OR 1=1",
    "SELECT title FROM ONLY grievance UNION ALL SELECT description FROM grievance",
    "TABLE grievance",
    "SELECT row_to_json(g) FROM grievance g",
    "SELECT query_to_xml('SELECT * FROM grievance', true, false, '')",
    "SELECT table_to_xml('grievance', true, false, '')",
    "SELECT database_to_xml(true, false, '')",
    "SELECT string_agg(title, ',') FROM grievance",
    "SELECT most_common_vals, histogram_bounds FROM pg_stats WHERE tablename = 'grievance'",
    "SELECT stavalues1 FROM pg_statistic",
    "SELECT 1 / (CASE WHEN title = 'canary-7f3a' THEN 0 ELSE 1 END) FROM grievance",
    "SELECT title::int FROM grievance WHERE id = {foreign}",
    "SELECT title FROM grievance WHERE CAST(title AS int) = 1",
    "SELECT title FROM grievance TABLESAMPLE SYSTEM (100)",
    "SELECT title FROM grievance WHERE ctid IS NOT NULL",
    "SELECT g.title FROM office o, LATERAL (SELECT * FROM grievance WHERE"
    " responsible_office_id = o.id) g",
    "WITH RECURSIVE r AS (SELECT title FROM grievance) SELECT * FROM r",
    "DECLARE mine CURSOR FOR SELECT title FROM grievance; FETCH ALL FROM mine",
    "PREPARE mine AS SELECT title FROM grievance; EXECUTE mine",
    "EXPLAIN (ANALYZE, VERBOSE) SELECT title FROM grievance",
    "DO $$ DECLARE g record; BEGIN FOR g IN SELECT * FROM grievance LOOP RAISE NOTICE '%', g;"
    " END LOOP; END $$",
    "UPDATE grievance SET responsible_office_id = {ours} WHERE id = {foreign} RETURNING title",
    "UPDATE grievance SET title = 'taken' WHERE id = {foreign} RETURNING description",
    "UPDATE grievance g SET title = f.title FROM grievance f WHERE g.id = {own} AND"
    " f.id = {foreign}",
    "DELETE FROM grievance WHERE id = {foreign} RETURNING title",
    "MERGE INTO grievance g USING (SELECT {foreign}::bigint AS id) s ON g.id = s.id"
    " WHEN MATCHED THEN UPDATE SET responsible_office_id = {ours}",
    "INSERT INTO plan_step (grievance_id, subject, due_on) VALUES ({foreign}, 'x', now())",
    "INSERT INTO plan_step (grievance_id, subject, due_on, officer_id) VALUES ({foreign}, 'x',"
    " now(), {anna})",
    "SELECT changes::text FROM audit_entry WHERE false",
    "SELECT * FROM identity",
    "SELECT name FROM identity",
    "SELECT reason FROM identity_opening",
    "LOCK TABLE grievance IN ACCESS EXCLUSIVE MODE",
)
AT_ACCOUNTS = (
    "INSERT INTO officer_session (officer_id, token_hash, device) VALUES ({boss},"
    " sha256('mine'), 'x')",
    "UPDATE officer_session SET token_hash = sha256('mine')",
    "UPDATE officer_session SET officer_id = {boss} WHERE officer_id = {anna}",
    "UPDATE officer SET password_hash = 'mine' WHERE id = {boss}",
    "UPDATE officer SET username = 'mine' WHERE id = {boss}",
    "UPDATE officer SET roles = '{{handler}}' WHERE id = {boss} RETURNING password_hash",
    "DELETE FROM officer WHERE id = {boss}",
    "INSERT INTO officer (name, username, office_id, roles) VALUES ('x', 'x', {theirs},"
    " '{{administrator}}')",
    "DELETE FROM saved_view",
    "UPDATE saved_view SET officer_id = {anna}",
    "UPDATE audit_entry SET officer_id = {boss}",
    "DELETE FROM audit_entry",
    "TRUNCATE audit_entry",
)


def payloads(known: dict[str, int]) -> list[tuple[str, ...]]:
    """Return what is injected, each a list of statements that run one after the other."""
    found: list[tuple[str, ...]] = [
        ("SELECT set_config('redress.ticket', $t$" + ticket + "$t$, true)",)
        for ticket in forged_tickets(known)
    ]
    found += [
        (statement.format(**known),)
        for statement in (*AT_TICKETS, *AT_RIGHTS, *AT_ROWS, *AT_ACCOUNTS)
    ]
    # And again after leaving the transaction, where what was set for it is gone.
    found += [("COMMIT", statement.format(**known)) for statement in AT_RIGHTS]
    found += [("ROLLBACK", "BEGIN", statement.format(**known)) for statement in AT_ACCOUNTS]
    return found


def injected(url: str, ticket: str, statements: tuple[str, ...]) -> str:
    """Return all that a connection tells when `statements` are injected: rows, notices, errors;
    and what it then finds with the plain questions of a thief."""
    told: list[str] = []
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        connection.set_isolation_level(ISOLATION_LEVEL_AUTOCOMMIT)
        cursor.execute("BEGIN")
        cursor.execute("SELECT set_config('redress.ticket', %s, true)", (ticket,))
        cursor.execute("SELECT set_config('role', 'redress_app', true)")
        thief = ("SELECT title, description FROM grievance", "SELECT redress_officer()")
        for statement in (*statements, *thief):
            try:
                cursor.execute(statement)
                if cursor.description:
                    told += [repr(row) for row in cursor.fetchall()]
            except psycopg2.Error as refused:
                told.append(str(refused))
                cursor.execute("ROLLBACK")
                cursor.execute("BEGIN")
        told += connection.notices
        with suppress(psycopg2.Error):
            cursor.execute("COMMIT")
    return "\n".join(told)


def test_no_injected_statement_finds_or_changes_a_foreign_row(
    bureau: dict[str, int], owner_url: str, web_url: str, figures: Callable[[str], None]
) -> None:
    asked = payloads(bureau)
    assert len(asked) >= 200
    state = (
        "SELECT (SELECT to_jsonb(g) - 'updated_at' FROM grievance g WHERE id = %s),"
        " (SELECT to_jsonb(o) FROM officer o WHERE id = %s),"
        " (SELECT count(*) FROM officer_session WHERE officer_id = %s),"
        " (SELECT roles::text FROM officer WHERE id = %s),"
        " (SELECT count(*) FROM officer),"
        " (SELECT jsonb_agg(to_jsonb(v)) FROM saved_view v),"
        " (SELECT count(*) FROM plan_step WHERE grievance_id = %s)"
    )
    keys = [bureau[key] for key in ("foreign", "boss", "boss", "anna", "foreign")]
    with closing(postgres.connect(owner_url)) as owner, owner.cursor() as cursor:
        cursor.execute(state, keys)
        before = cursor.fetchone()
        leaks = []
        for statements in asked:
            told = injected(web_url, sign_ticket(SECRET, bureau["anna"]), statements)
            cursor.execute(state, keys)
            # What was asked comes back in error messages; only rows and notices count.
            answers = told
            for statement in statements:
                answers = answers.replace(statement, "")
            if (
                CANARY in answers
                or f"({bureau['boss']},)" in answers
                or cursor.fetchone() != before
            ):
                leaks.append(statements)
    assert leaks == []
    figures(f"A4: {len(asked)} forged contexts and injected statements, 0 foreign rows")


# --- What the application asks for is what the database gives --------------------------------


@pytest.fixture
def world(session: Any) -> dict[str, int]:
    """A district over two departments, a supervisor assigned to one, and records in each office."""
    district = make_office(name="District")
    parks, roads = (make_office(parent_id=district.id) for _ in range(2))
    lamps = make_office(parent_id=roads.id)
    group = make_supervision_group()
    inspector = make_officer(office_id=district.id, roles=[Role.SUPERVISOR])
    make_group_membership(group_id=group.id, officer_id=inspector.id, starts_on=DAY)
    make_supervision_assignment(group_id=group.id, office_id=roads.id, starts_on=DAY, ends_on=None)
    for office in (district, parks, roads, lamps):
        for model in WITH_CASE_CONTENT:
            if "office_id" in model.__table__.columns:
                with suppress(Exception), session.begin_nested():
                    make_any(model, office_id=office.id)
        make_inspection(office_id=office.id)
        make_inspection(office_id=office.id, is_unannounced=True)
        begun = {"state": "under_way", "begun_at": NOON, "is_unannounced": True}
        for given in ({}, begun, begun | {"state": "done", "done_on": DAY}):
            visit = make_inspection(office_id=office.id, **given)
            for model in (InspectionAnswer, InspectionDocument, SampledGrievance):
                make_any(model, inspection_id=visit.id)
        grievance = make_grievance(responsible_office_id=office.id, respondent_office_id=lamps.id)
        for model in WITH_CASE_CONTENT:
            if "grievance_id" in model.__table__.columns:
                with suppress(Exception), session.begin_nested():
                    make_any(model, grievance_id=grievance.id)
        make_saved_view(shared_office_id=office.id)
        make_circulation(office_id=office.id, reprimand_id=make_reprimand(office_id=parks.id).id)
        conference = make_joint_conference(office_id=parks.id)
        make_conference_office(office_id=office.id, conference_id=conference.id)
    for role in Role:
        make_saved_view(shared_role=role)
    return {"district": district.id, "parks": parks.id, "roads": roads.id, "lamps": lamps.id,
            "inspector": inspector.id}  # fmt: skip


def seen_both_ways(app: Flask, officer_id: int) -> dict[str, tuple[list[int], list[int]]]:
    """Return for each record type the ids that the application's condition finds, without
    row-level security, and those that row-level security leaves, without the condition."""
    token = secrets.token_urlsafe()
    make_any(
        next(m for m in RECORD_TYPES if m.__tablename__ == "officer_session"),
        officer_id=officer_id,
        token_hash=security.token_hash(token),
    )
    conditions, left = {}, {}
    headers = {"Cookie": f"{security.COOKIE}={token}"}
    with app.test_request_context("/", headers=headers):
        for model in GUARDED:
            conditions[model] = security.visible(model)
            left[model] = sorted(db.session.scalars(select(model.id)))
    found = {}
    for model, condition in conditions.items():
        if seen_rows(model) is None:
            continue
        query = select(model.id)
        wanted = sorted(db.session.scalars(query if condition is None else query.where(condition)))
        found[model.__tablename__] = (wanted, left[model])
    return found


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("office", ["district", "parks", "lamps"])
def test_the_database_gives_just_what_the_application_asks_for(
    app: Flask, world: dict[str, int], role: Role, office: str
) -> None:
    officer = make_officer(office_id=world[office], roles=[role])
    both = seen_both_ways(app, officer.id)
    assert len(both) > 25
    assert {name: pair for name, pair in both.items() if pair[0] != pair[1]} == {}


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.AUDITOR])
def test_who_serves_an_office_does_not_know_of_a_visit_without_notice(
    owner_url: str, web_url: str, tmp_path: Path, role: Role
) -> None:
    """Nor by SQL, nor as a supervisor, a decider or an administrator, nor from an office below it;
    what is written there they read when it is over."""
    app = make_app(owner_url, tmp_path)
    begun = {"is_unannounced": True, "begun_at": NOON}
    with app.app_context():
        office = make_office()
        group = make_supervision_group()
        make_supervision_assignment(group_id=group.id, office_id=office.id)
        serving = [
            make_officer(office_id=one, roles=[role]).id
            for one in (office.id, make_office(parent_id=office.id).id)
        ]
        visits = {
            "announced": {},
            "hidden": {"is_unannounced": True},
            "cancelled": {"is_unannounced": True, "state": "cancelled", "cancelled_because": "Ill"},
            "begun": begun | {"state": "under_way"},
            "done": begun | {"state": "done", "done_on": DAY},
        }
        numbers = {}
        for name, given in visits.items():
            numbers[name] = make_inspection(office_id=office.id, group_id=group.id, **given).id
            for model in (InspectionAnswer, InspectionDocument, SampledGrievance):
                make_any(model, inspection_id=numbers[name])
        db.session.commit()
    named = {number: name for name, number in numbers.items()}
    mine = f"IN ({', '.join(map(str, named))})"
    ask_for = f"SELECT id FROM inspection WHERE id {mine}"  # noqa: S608  our own numbers
    seen = ask(web_url, sign_ticket(SECRET, serving[0]), ask_for)
    assert {named[number] for (number,) in seen} == {"announced", "begun", "done"}
    # Below the office that is visited only those see it at all who read every office, or none.
    below = ask(web_url, sign_ticket(SECRET, serving[1]), ask_for)
    assert {named[number] for (number,) in below} <= {"announced", "begun", "done"}
    for table in ("inspection_answer", "inspection_document", "sampled_grievance"):
        parts = f"SELECT inspection_id FROM {table} WHERE inspection_id {mine}"  # noqa: S608
        for officer in serving:
            seen = ask(web_url, sign_ticket(SECRET, officer), parts)
            assert {named[number] for (number,) in seen} <= {"done"}, table
        hidden = f"SELECT count(*) FROM {table}"  # noqa: S608
        assert ask(web_url, sign_ticket(SECRET, SYSTEM), hidden)[0][0] >= len(named)


def test_what_officers_share_is_seen_below_and_changed_by_none_but_them(
    owner_url: str, web_url: str, tmp_path: Path
) -> None:
    app = make_app(owner_url, tmp_path)
    with app.app_context():
        district = make_office(name="Above")
        roads = make_office(name="Middle", parent_id=district.id)
        lamps = make_office(name="Below", parent_id=roads.id)
        keeper = make_officer(office_id=roads.id, roles=[Role.HANDLER])
        officers = {
            name: make_officer(office_id=office.id, roles=[role]).id
            for name, office, role in (
                ("above", district, Role.HANDLER),
                ("below", lamps, Role.HANDLER),
                ("head", district, Role.OFFICE_HEAD),
                ("administrator", district, Role.ADMINISTRATOR),
            )
        } | {"keeper": keeper.id}
        views = {
            make_saved_view(officer_id=keeper.id).id: "private",
            make_saved_view(officer_id=keeper.id, shared_office_id=roads.id).id: "office",
            make_saved_view(officer_id=keeper.id, shared_role=Role.OFFICE_HEAD).id: "role",
        }
        db.session.commit()
    among = f"id IN ({', '.join(map(str, views))})"

    def named(who: str, statement: str) -> set[str]:
        rows = ask(web_url, sign_ticket(SECRET, officers[who]), statement)
        return {views[number] for (number,) in rows}

    select_them = f"SELECT id FROM saved_view WHERE {among}"  # noqa: S608  our own numbers
    everything = {"private", "office", "role"}
    for who, expected in {
        "keeper": everything,
        "above": set(),
        "below": {"office"},
        "head": {"role"},
        "administrator": everything,
    }.items():
        assert named(who, select_them) == expected, who
        change = f"UPDATE saved_view SET name = name WHERE {among} RETURNING id"  # noqa: S608
        assert named(who, change) == (everything if who == "keeper" else set()), who
    for who, gone in (("below", set()), ("head", set()), ("administrator", {"office", "role"})):
        remove = f"DELETE FROM saved_view WHERE {among} RETURNING id"  # noqa: S608
        assert named(who, remove) == gone, who


@pytest.mark.parametrize("table", ["default_view", "list_layout"])
def test_what_an_officer_keeps_of_a_list_is_theirs_alone(
    owner_url: str, web_url: str, tmp_path: Path, table: str
) -> None:
    app = make_app(owner_url, tmp_path)
    with app.app_context():
        model = next(m for m in RECORD_TYPES if m.__tablename__ == table)
        office = make_office()
        mine, other = (make_officer(office_id=office.id, roles=[r]).id
                       for r in (Role.HANDLER, Role.ADMINISTRATOR))  # fmt: skip
        kept = make_any(model, officer_id=mine).id
        db.session.commit()
    for who, seen in ((mine, [(kept,)]), (other, [])):
        ticket = sign_ticket(SECRET, who)
        for statement in (
            f"SELECT id FROM {table} WHERE id = {kept}",  # noqa: S608
            f"UPDATE {table} SET record_type = 'grievance' WHERE id = {kept} RETURNING id",  # noqa: S608
        ):
            assert ask(web_url, ticket, statement) == seen
    given = ", saved_view_id" if table == "default_view" else ""
    value = ", (SELECT max(id) FROM saved_view)" if given else ""
    for_another = (
        f"INSERT INTO {table} (officer_id, record_type{given})"  # noqa: S608  our own words
        f" VALUES ({mine}, 'office'{value})"
    )
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        ask(web_url, sign_ticket(SECRET, other), for_another)


def test_so_it_does_for_a_supervisor_with_an_assignment(app: Flask, world: dict[str, int]) -> None:
    both = seen_both_ways(app, world["inspector"])
    assert {name: pair for name, pair in both.items() if pair[0] != pair[1]} == {}
    assert both["inspection"][1]


# --- What it costs ---------------------------------------------------------------------------


@pytest.mark.parametrize("model", WITH_CASE_CONTENT, ids=lambda model: model.__tablename__)
def test_who_asks_is_found_out_once_in_a_statement_and_not_for_each_row(
    bureau: dict[str, int], web_url: str, model: Any
) -> None:
    ticket = sign_ticket(SECRET, bureau["anna"])
    query = f"SELECT * FROM {model.__tablename__}"  # noqa: S608  a name of ours
    plan = ask(web_url, ticket, f"EXPLAIN (VERBOSE, FORMAT JSON) {query}")
    assert "InitPlan" in json.dumps(plan)
    per_row = [value for key, value in _walk(plan) if "Filter" in key or "Cond" in key]
    assert per_row
    assert [value for value in per_row if "redress_" in value] == []


def _walk(node: Any) -> Iterator[tuple[str, str]]:
    if isinstance(node, dict):
        for key, value in node.items():
            if isinstance(value, str):
                yield key, value
            yield from _walk(value)
    elif isinstance(node, list | tuple):
        for part in node:
            yield from _walk(part)


@pytest.mark.parametrize(
    ("condition", "index"),
    [
        ("lower(number || ' ' || title) LIKE '%zeppelin%'", None),
        ("{document} LIKE '%zeppelin%'", "ix_grievance_search"),
        ("redress_pairs({document}) @> ARRAY['鼍']", "ix_grievance_pairs"),
        ("received_at > now() - interval '1 hour'", "ix_grievance_received_at_id"),
        ("(title, id) > ('zz', 1)", "ix_grievance_title_id"),
    ],
)
def test_a_search_goes_through_its_index_under_row_level_security(
    bureau: dict[str, int], owner_url: str, web_url: str, condition: str, index: str | None
) -> None:
    with closing(postgres.connect(owner_url)) as owner, owner.cursor() as cursor:
        if missing := postgres.missing_marks(owner):
            pytest.skip(f"a superuser must run first: {'; '.join(missing)}")
        cursor.execute(
            "SELECT pg_get_expr(indexprs, indrelid) FROM pg_index"
            " WHERE indexrelid = 'ix_grievance_search'::regclass"
        )
        (document,) = cursor.fetchone() or ("",)
    query = f"SELECT id FROM grievance WHERE {condition.format(document=document)}"  # noqa: S608
    plan = ask(
        web_url,
        sign_ticket(SECRET, bureau["anna"]),
        "SET LOCAL enable_seqscan = off",
        f"EXPLAIN (FORMAT JSON) {query}",
    )
    used = {value for key, value in _walk(plan) if key == "Index Name"}
    assert (index in used) if index else not used & {"ix_grievance_search", "ix_grievance_pairs"}


# --- Reports ---------------------------------------------------------------------------------


def test_a_report_reads_every_case_and_no_secret_and_writes_nothing(
    bureau: dict[str, int], owner_url: str
) -> None:
    url = as_login(owner_url, "redress_reader")
    assert (CANARY,) in ask(url, "", "SELECT title FROM grievance")
    refused = (
        "SELECT password_hash FROM officer",
        "SELECT * FROM officer",
        "SELECT token_hash FROM officer_session",
        "SELECT name FROM identity",
        "SELECT id FROM identity",
        "UPDATE grievance SET title = 'x'",
        "DELETE FROM grievance",
        "INSERT INTO office (name, code, level) VALUES ('x', 'x', 'district')",
    )
    for statement in refused:
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            ask(url, "", statement)

"""Each thing that may be wrong with a deployment is broken here, and the doctor names it."""

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask

import embedded
import postgres
from access import prepare
from doctor import Deployment, Finding, Level, rights
from doctor import server as of_server
from models import db
from sealing import KeyFiles
from tests.conftest import make_app
from tests.factories import make_officer

pytestmark = pytest.mark.skipif(
    "DATABASE_URL" in os.environ,
    reason="breaks what only a superuser may: run it on the embedded database.",
)

EXPECTED = {"power cut"}
"""The server of the tests does not wait for its disk: what the doctor says of it is right."""


KEY = "Kd8-fLq2_vZ0xTn5yB7rW3sHc9mPjA4e"


class Patient:
    """A deployment to break: its web server's login, its owner, and a superuser."""

    def __init__(self, url: str, instance: Path) -> None:
        self.owner = url
        self.superuser = embedded.superuser_url(url) or ""
        self.instance = instance
        self.settings: dict[str, Any] = {
            "OWNER_DATABASE_URL": url,
            "BACKUP_FOLDER": str(instance / "backups"),
        }
        self.web = embedded.web_url(url)
        self.undo: list[str] = []
        self.key = KEY

    def run(self, statement: str, undo: str = "") -> None:
        """Break something as a superuser; `undo` mends it when the test is over."""
        self.undo.append(undo)
        with closing(postgres.connect(self.superuser)) as session:
            session.cursor().execute(statement)

    def app(self, url: str = "") -> Flask:
        return make_app(
            url or self.web, self.instance, **({"SECRET_KEY": self.key} | self.settings)
        )  # fmt: skip

    def findings(self, *options: str) -> list[dict[str, str]]:
        app = self.app()
        result = app.test_cli_runner().invoke(args=["doctor", "--json", *options])
        with app.app_context():
            db.engine.dispose()
        assert isinstance(result.exception, SystemExit | None), result.output
        found: list[dict[str, str]] = json.loads(result.output)
        assert result.exit_code == any(one["level"] == "wrong" for one in found)
        return found

    def line(self, about: str, level: str) -> str:
        """Return what the doctor says about it at that level; everything else is as expected."""
        found = self.findings()
        said = [one["sentence"] for one in found if (one["about"], one["level"]) == (about, level)]
        assert said, found
        others = {one["about"] for one in found if one["level"] == "wrong"} - EXPECTED - {about}
        assert not others, found
        return " ".join(said)


@pytest.fixture(scope="module")
def database(fresh_database: Callable[[], str]) -> str:
    """The URL of a database that each test leaves as it was: to drop one takes a second."""
    url = fresh_database()
    prepare(embedded.superuser_url(url) or "", KEY)
    return url


@pytest.fixture
def patient(database: str, tmp_path: Path) -> Iterator[Patient]:
    found = Patient(database, tmp_path / "instance")
    yield found
    while found.undo:
        if mend := found.undo.pop():
            found.run(mend)


@pytest.fixture
def doomed(fresh_database: Callable[[], str], tmp_path: Path) -> Patient:
    """A deployment of its own, for what cannot be mended."""
    found = Patient(fresh_database(), tmp_path / "instance")
    prepare(found.superuser, KEY)
    return found


def test_a_sound_deployment_has_nothing_wrong(patient: Patient) -> None:
    found = patient.findings()
    wrong = {one["about"]: one["sentence"] for one in found if one["level"] == "wrong"}
    assert wrong.keys() == EXPECTED, wrong
    assert "fsync and full_page_writes off" in wrong["power cut"]
    assert len(found) > 20


def test_a_line_is_for_people_and_figures_come_last(patient: Patient) -> None:
    app = patient.app()
    result = app.test_cli_runner().invoke(args=["doctor"])
    with app.app_context():
        db.engine.dispose()
    assert result.exit_code == 1
    assert "\nwrong   power cut: fsync and full_page_writes off" in result.output
    assert result.output.splitlines()[-1].endswith(f" {len(EXPECTED)} wrong")


def test_it_changes_nothing(patient: Patient) -> None:
    def everything() -> list[tuple[Any, ...]]:
        with closing(postgres.connect(patient.owner)) as session, session.cursor() as cursor:
            cursor.execute(
                "SELECT relname, relacl::text, relrowsecurity FROM pg_class"
                " WHERE relnamespace <> 'pg_toast'::regnamespace ORDER BY oid"
            )
            return cursor.fetchall()

    before = everything()
    patient.findings()
    assert everything() == before


# --- Secrets, files and settings -------------------------------------------------------------


@pytest.mark.parametrize("key", ["short", "0123" * 16])
def test_a_secret_key_that_is_guessed(doomed: Patient, key: str) -> None:
    doomed.key = key
    prepare(doomed.superuser, key)
    assert "is easily guessed" in doomed.line("secret key", "wrong")


def test_a_secret_key_that_the_database_does_not_know(patient: Patient) -> None:
    patient.key = KEY[::-1]
    assert "flask db upgrade" in patient.line("tickets", "wrong")


@pytest.mark.parametrize("name", ["secret-key", "demo-password", "trail-signing-key"])
def test_a_key_file_that_others_read(patient: Patient, name: str) -> None:
    patient.instance.mkdir()
    (patient.instance / name).write_text("x")
    (patient.instance / name).chmod(0o640)
    assert f"chmod 600 {patient.instance / name}" in patient.line("key files", "wrong")


@pytest.mark.parametrize(
    ("settings", "level", "says"),
    [
        ({"PRODUCTION": False}, "warning", "REDRESS_PRODUCTION is off"),
        ({"PRODUCTION": False, "BIND": "0.0.0.0"}, "wrong", "REDRESS_PRODUCTION is off"),  # noqa: S104
        ({"TRUSTED_PROXIES": 0}, "wrong", "REDRESS_TRUSTED_PROXIES is 0"),
        ({"BIND": "192.0.2.1"}, "warning", "192.0.2.1 without HTTPS"),
        ({}, "ok", "cookies over HTTPS only"),
    ],
)
def test_cookies_that_go_over_the_network_in_clear(
    patient: Patient, settings: dict[str, Any], level: str, says: str
) -> None:
    patient.settings |= {"PRODUCTION": True, "TRUSTED_PROXIES": 1} | settings
    found = {one["about"]: one for one in patient.findings()}["production"]
    assert (found["level"], says in found["sentence"]) == (level, True), found


@pytest.mark.parametrize("known", [True, False])
def test_an_officer_of_the_demo_in_production(doomed: Patient, known: bool) -> None:
    doomed.settings |= {"PRODUCTION": True, "TRUSTED_PROXIES": 1}
    app = doomed.app(doomed.owner)
    with app.app_context():
        make_officer(username="handler", roles=["handler"])
        db.session.commit()
        db.session.remove()
        db.engine.dispose()
    if known:
        doomed.settings["DEMO_PASSWORD"] = "five quiet herons over the weir"
    found = {one["about"]: one for one in doomed.findings()}["demo"]
    assert found["level"] == ("wrong" if known else "warning")
    assert "handler" in found["sentence"]


def test_a_time_zone_that_is_none(patient: Patient) -> None:
    patient.settings["TIMEZONE"] = "Europe/Nowhere"
    assert "no time zone Europe/Nowhere" in patient.line("time zone", "wrong")


def test_a_clock_that_is_off(doomed: Patient) -> None:
    doomed.run("CREATE SCHEMA fast")
    doomed.run("GRANT USAGE ON SCHEMA fast TO PUBLIC")
    doomed.run(
        "CREATE FUNCTION fast.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS"
        " 'SELECT pg_catalog.clock_timestamp() + interval ''3 seconds'''"
    )
    doomed.run(_for_database(doomed, "search_path = fast, pg_catalog, public"))
    assert "3." in doomed.line("clock", "wrong")


def _for_database(doomed: Patient, setting: str) -> str:
    return f'ALTER DATABASE "{urlsplit(doomed.owner).path[1:]}" SET {setting}'


# --- The server ------------------------------------------------------------------------------


def test_a_database_that_does_not_answer(patient: Patient) -> None:
    patient.web = "postgresql://nobody@127.0.0.1:1/none"
    patient.settings["OWNER_DATABASE_URL"] = ""
    found = patient.findings()
    assert found[-1]["about"] == "database"
    assert "does not answer" in found[-1]["sentence"]


def test_an_extension_that_is_missing(doomed: Patient) -> None:
    doomed.run("DROP EXTENSION btree_gist CASCADE")
    assert "CREATE EXTENSION btree_gist;" in doomed.line("extensions", "wrong")


def examined(url: str, check: Callable[[Deployment], Iterator[Finding]]) -> list[Finding]:
    """Return what one check finds in the database of `url`."""
    with closing(postgres.connect(url)) as session:
        return list(
            check(
                Deployment(
                    settings={}, instance=Path(), now=datetime.now(UTC), web=session, owner=session
                )
            )
        )


def test_a_database_that_knows_no_chinese_letters(patient: Patient, server: str) -> None:
    name = f"{urlsplit(patient.owner).path[1:]}_c"
    there = urlsplit(patient.owner)._replace(path=f"/{name}").geturl()
    with closing(postgres.connect(server)) as session:
        session.cursor().execute(f"CREATE DATABASE {name} TEMPLATE template0 LC_CTYPE 'C'")
    try:
        [found] = examined(there, of_server.text)
    finally:
        postgres.drop_database(there)
    assert found.level is Level.WRONG
    assert "ctype C" in found.sentence


def test_a_log_that_holds_every_statement(doomed: Patient) -> None:
    doomed.run(_for_database(doomed, "log_statement = 'all'"))
    assert "tickets and personal data" in doomed.line("log of statements", "wrong")
    doomed.run(_for_database(doomed, "log_statement = 'ddl'"))
    doomed.run(_for_database(doomed, "log_min_duration_statement = 0"))
    assert "tickets and personal data" in doomed.line("log of statements", "wrong")


def test_sessions_that_see_each_other(patient: Patient) -> None:
    function = "pg_catalog.pg_stat_get_activity(integer)"
    patient.run(
        f"GRANT EXECUTE ON FUNCTION {function} TO PUBLIC",
        f"REVOKE EXECUTE ON FUNCTION {function} FROM PUBLIC",
    )
    assert f"REVOKE EXECUTE ON FUNCTION {function}" in patient.line("other sessions", "warning")


def test_searches_that_read_every_row(patient: Patient) -> None:
    function = "ALTER FUNCTION pg_catalog.texticlike(text, text)"
    patient.run(f"{function} NOT LEAKPROOF", f"{function} LEAKPROOF")
    assert "texticlike(text, text) LEAKPROOF" in patient.line("search", "warning")


def test_statements_that_may_run_for_ever_or_are_cut_off(doomed: Patient) -> None:
    doomed.settings["STATEMENT_SECONDS"] = 0
    for name in ("statement_timeout", "idle_in_transaction_session_timeout"):
        doomed.run(_for_database(doomed, f"{name} = 0"))
    assert "for ever" in doomed.line("time limits", "warning")
    for name in ("statement_timeout", "idle_in_transaction_session_timeout"):
        doomed.run(_for_database(doomed, f"{name} = '60s'"))
    assert "end after 1min" in doomed.line("time limits", "ok")
    doomed.settings["STATEMENT_SECONDS"] = 10
    assert "cuts off imports" in doomed.line("time limits", "warning")
    doomed.run(_for_database(doomed, "statement_timeout = 0"))
    assert "10 s for each statement" in doomed.line("time limits", "ok")


def test_connections_that_run_out(patient: Patient) -> None:
    with ExitStack() as many:
        for _ in range(47):
            many.enter_context(closing(postgres.connect(patient.owner)))
        assert "of 57 connections are taken" in patient.line("connections", "warning")


# --- Logins, rights, rows --------------------------------------------------------------------


def test_a_web_server_that_owns_the_tables(patient: Patient) -> None:
    patient.web = patient.owner
    said = patient.line("web login", "wrong")
    assert "bypasses row-level security" in said
    assert "owns the tables" in said
    assert "IN ROLE redress_app" in said


def test_a_web_server_that_is_superuser(patient: Patient) -> None:
    patient.web = patient.superuser
    assert "is a superuser" in patient.line("web login", "wrong")


def test_a_web_server_without_any_right(patient: Patient) -> None:
    patient.run("CREATE ROLE redress_stranger LOGIN", "DROP ROLE redress_stranger")
    patient.web = urlsplit(patient.owner)._replace(netloc="redress_stranger@").geturl()
    assert "GRANT redress_app TO redress_stranger" in patient.line("web login", "wrong")


def test_an_owner_that_is_superuser(patient: Patient) -> None:
    patient.settings["OWNER_DATABASE_URL"] = patient.superuser
    assert "superuser of the whole server" in patient.line("owner", "warning")


def test_an_owner_that_is_not_known_here(patient: Patient) -> None:
    patient.settings["OWNER_DATABASE_URL"] = ""
    assert "REDRESS_OWNER_DATABASE_URL" in patient.line("owner", "warning")


def test_an_owner_that_misses_rows(patient: Patient) -> None:
    patient.run("ALTER ROLE redress NOBYPASSRLS", "ALTER ROLE redress BYPASSRLS")
    assert "ALTER ROLE redress BYPASSRLS" in patient.line("owner", "wrong")


def test_row_level_security_that_is_off_is_seen_on_every_table(patient: Patient) -> None:
    needed = [model.__tablename__ for model in rights.TABLES if rights.needs_row_security(model)]
    assert len(needed) > 30
    for table in needed:
        for way, back in (("DISABLE", "ENABLE"), ("NO FORCE", "FORCE")):
            patient.run(f"ALTER TABLE {table} {way} ROW LEVEL SECURITY")
            [found] = examined(patient.owner, rights.row_security)
            assert found.level is Level.WRONG, (table, way)
            assert re.search(rf"\b{table}\b", found.sentence)
            patient.run(f"ALTER TABLE {table} {back} ROW LEVEL SECURITY")
    [found] = examined(patient.owner, rights.row_security)
    assert found.level is Level.OK


@pytest.mark.parametrize(
    ("statement", "table", "undo"),
    [
        ("GRANT TRUNCATE ON grievance TO redress_app", "grievance", ""),
        ("REVOKE DELETE ON office FROM redress_app", "office", ""),
        ("GRANT SELECT (token_hash) ON officer_session TO redress_reader", "officer_session", ""),
        (
            "GRANT SELECT ON decision TO PUBLIC",
            "decision",
            "REVOKE SELECT ON decision FROM PUBLIC",
        ),
        ("DROP POLICY redress_rows ON remedy", "remedy", ""),
        ("CREATE POLICY wide ON appeal USING (true)", "appeal", ""),
        ("ALTER POLICY redress_rows ON finding USING (true)", "finding", ""),
    ],
)
def test_a_right_that_is_not_that_of_its_record_type(
    patient: Patient, statement: str, table: str, undo: str
) -> None:
    patient.run(statement)
    found = [one for one in patient.findings() if one["about"] == "rights"]
    assert [one["level"] for one in found] == ["wrong"]
    assert f"of {table} are not" in found[0]["sentence"]
    # What it says to run.
    result = patient.app().test_cli_runner().invoke(args=["doctor", "--rights"])
    patient.run(f"{result.output} {undo}")
    assert "as their record types say" in patient.line("rights", "ok")


def test_a_right_for_every_login(patient: Patient) -> None:
    patient.run(
        "GRANT SELECT ON login_attempt TO PUBLIC", "REVOKE SELECT ON login_attempt FROM PUBLIC"
    )
    assert "login_attempt (PUBLIC SELECT)" in patient.line("rights of all", "wrong")


@pytest.mark.parametrize(
    "right",
    ["UPDATE ON audit_entry", "INSERT ON audit_block", "UPDATE (hash) ON audit_head",
     "DELETE ON identity_opening", "TRUNCATE ON audit_entry"],
)  # fmt: skip
def test_a_trail_that_the_web_server_may_rewrite(patient: Patient, right: str) -> None:
    patient.run(f"GRANT {right} TO redress_app", f"REVOKE {right} FROM redress_app")
    assert "rewrite what happened" in patient.line("trail and roles", "wrong")


def test_a_function_that_takes_tables_of_somebody_else(patient: Patient) -> None:
    patient.run(
        "ALTER FUNCTION redress_offices() RESET search_path",
        "ALTER FUNCTION redress_offices() SET search_path = pg_catalog, public, pg_temp",
    )
    said = patient.line("functions", "wrong")
    assert "ALTER FUNCTION redress_offices() SET search_path" in said


def test_a_function_that_runs_as_a_superuser(patient: Patient) -> None:
    patient.run(
        "ALTER FUNCTION redress_officer() OWNER TO postgres",
        "ALTER FUNCTION redress_officer() OWNER TO redress",
    )
    assert "redress_officer()" in patient.line("functions", "wrong")


@pytest.mark.parametrize(
    ("statement", "undo", "says"),
    [
        (
            "GRANT SELECT ON identity TO redress_app",
            "REVOKE SELECT ON identity FROM redress_app",
            "reads identity.",
        ),
        (
            "GRANT USAGE ON SCHEMA redress_private TO redress_reader",
            "REVOKE USAGE ON SCHEMA redress_private FROM redress_reader",
            "key of tickets can be read",
        ),
    ],
)
def test_a_secret_that_a_login_reads(
    patient: Patient, statement: str, undo: str, says: str
) -> None:
    patient.run(statement, undo)
    assert says in patient.line("sealed", "wrong")


# --- What is done again and again ------------------------------------------------------------


def test_tables_of_another_version(doomed: Patient) -> None:
    doomed.run("UPDATE alembic_version SET version_num = '0001'")
    assert "at migration 0001" in doomed.line("schema", "wrong")
    doomed.run("UPDATE alembic_version SET version_num = '9999'")
    assert "of a newer Redress" in doomed.line("schema", "wrong")
    doomed.run("DROP TABLE alembic_version")
    assert "not there" in doomed.line("schema", "wrong")


def test_a_backup_that_is_missing_old_or_without_its_keys(patient: Patient) -> None:
    assert "Type: flask backup" in patient.line("backup", "warning")
    patient.settings |= {"PRODUCTION": True, "TRUSTED_PROXIES": 1}
    assert "Type: flask backup" in patient.line("backup", "wrong")
    app = patient.app()
    result = app.test_cli_runner().invoke(args=["backup"])
    assert result.exit_code == 0, result.output
    with app.app_context():
        db.engine.dispose()
    assert "0 hours old" in patient.line("backup", "ok")
    [manifest] = (patient.instance / "backups").glob("redress-*/manifest.json")
    said = json.loads(manifest.read_text())
    for days, level in ((2, "warning"), (9, "wrong")):
        said["made_at"] = (datetime.now(UTC) - timedelta(days=days)).isoformat()
        manifest.write_text(json.dumps(said))
        assert "old. See why" in patient.line("backup", level)


def test_officers_without_the_second_factor_that_their_role_needs(doomed: Patient) -> None:
    app = doomed.app(doomed.owner)
    with app.app_context():
        make_officer(username="ada", roles=["auditor"])
        make_officer(username="bo", roles=["handler"])
        db.session.commit()
        db.session.remove()
        db.engine.dispose()
    assert "no role needs one" in doomed.line("second factor", "ok")
    doomed.settings["SECOND_FACTOR_ROLES"] = "auditor"
    assert "1 of 1 officers whose role needs one" in doomed.line("second factor", "warning")
    doomed.settings["SECOND_FACTOR_ROLES"] = "all"
    assert "2 of 2 officers" in doomed.line("second factor", "warning")
    doomed.run("UPDATE officer SET second_factor_since = now()")
    assert "all 2 officers" in doomed.line("second factor", "ok")


def test_a_key_of_identities_that_is_missing(doomed: Patient) -> None:
    assert "none yet" in doomed.line("identity keys", "ok")
    ring = KeyFiles(doomed.instance / "identity-keys")
    ring.make_next()
    assert "version 1; every one of 0" in doomed.line("identity keys", "ok")
    with closing(postgres.connect(doomed.owner)) as session, session.cursor() as cursor:
        cursor.execute(
            "INSERT INTO grievance (number, title, channel, received_at)"
            " VALUES ('1', 'Lamp', 'web', now()) RETURNING id"
        )
        [(grievance_id,)] = cursor.fetchall()
        cursor.execute(
            "INSERT INTO identity_key (grievance_id, key_version, kek_version, wrapped)"
            " VALUES (%s, 1, 1, 'x')",
            (grievance_id,),
        )
    key = doomed.instance / "identity-keys" / "kek-1"
    text = key.read_text()
    for broken in (None, "no key", text[:-9]):
        key.unlink(missing_ok=True)
        if broken is not None:
            key.touch(mode=0o600)
            key.write_text(broken)
        assert "1 identities stay sealed" in doomed.line("identity keys", "wrong")
    key.write_text(text)
    assert "every one of 1" in doomed.line("identity keys", "ok")
    ring.make_next()
    key.unlink()
    assert "version 1 is missing" in doomed.line("identity keys", "wrong")


def test_a_trail_that_is_not_signed_or_was_found_broken(patient: Patient) -> None:
    assert "No root was ever signed" in patient.line("audit trail", "warning")
    app = patient.app()
    for command in ("sign", "verify"):
        result = app.test_cli_runner().invoke(args=["audit", command])
        assert result.exit_code == 0, result.output
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
    assert "signed up to block" in patient.line("audit trail", "ok")
    [root] = (patient.instance / "audit-roots").glob("2*.json")
    said = json.loads(root.read_text())
    root.chmod(0o600)
    root.write_text(json.dumps(said | {"signed_at": "2026-01-01T00:00:00+00:00"}))
    assert "days old" in patient.line("audit trail", "warning")
    report = patient.instance / "audit-roots" / "last-verification.json"
    said = json.loads(report.read_text())
    report.write_text(json.dumps(said | {"whole": False, "fault": "Entry 7 was changed."}))
    assert "Entry 7 was changed. Keep everything" in patient.line("audit trail", "wrong")


def test_a_month_of_the_trail_that_is_not_made(doomed: Patient) -> None:
    following = (datetime.now(UTC).replace(day=1) + timedelta(days=32)).strftime("%Y_%m")
    doomed.run(f"DROP TABLE audit_entry_{following}")
    assert "flask audit partitions" in doomed.line("months of the trail", "warning")


def test_log_ins_that_are_over(doomed: Patient) -> None:
    app = doomed.app(doomed.owner)
    with app.app_context():
        client: Any = app.test_client()
        client.let_in(make_officer())
        db.session.commit()
        db.session.remove()
        db.engine.dispose()
    doomed.run("UPDATE officer_session SET started_at = now() - interval '2 days'")
    assert "1 that are over by time" in doomed.line("log-ins", "warning")

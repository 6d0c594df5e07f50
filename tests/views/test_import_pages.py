"""Import on screen: upload, check, look, bring in, fetch what was refused."""

import io
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, func, select, text, update
from werkzeug.test import TestResponse

import imports
from imports.work import WORKER_LOCK, Files
from models import AuditEntry, Category, Finding, Grievance, ImportBatch, Office, db
from rules.permissions import Role
from rules.records import AuditVerb, Brings, ImportState
from tests.conftest import make_app
from tests.factories import make_officer

MAP = b"""
source = "S"
[file]
timezone = "UTC"
[fields]
external_number = "no"
title = "subject"
received_at = "in"
category = { path = ["group"], unknown = "make" }
"""
GOOD = b"no,subject,in,group\n1,a,2025-03-01,Water\n2,b,2025-03-01,Water\n"
MIXED = GOOD + b"3,c,soon,Roads\n4,ring 555-123-4567,2025-03-01,<b>Light</b>\n"
BASE = "/admin/import/"


@pytest.fixture(scope="module")
def bureau(
    fresh_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Flask]:
    """An application on a database where commits are real: threads do the work."""
    app = make_app(fresh_database(), tmp_path_factory.mktemp("instance"))
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def browser(bureau: Flask) -> Iterator[Any]:
    """An intake officer in a bureau without grievances."""
    with bureau.app_context():
        officer = make_officer(roles=[Role.INTAKE], name="Ines")
        db.session.commit()
        client: Any = bureau.test_client()
        client.log_in(officer)
    yield client
    with bureau.app_context():
        for model in (Grievance, Category, ImportBatch):
            db.session.execute(delete(model))
        db.session.commit()


def upload(
    browser: Any, content: bytes, the_map: bytes | None = MAP, **fields: Any
) -> TestResponse:
    fields["file"] = (io.BytesIO(content), "some file.csv")
    if the_map is not None:
        fields["map"] = (io.BytesIO(the_map), "own.toml")
    return browser.post(
        BASE, data={"csrf_token": browser.token()} | fields, content_type="multipart/form-data"
    )


def settle(browser: Any, answer: TestResponse) -> str:
    """Return the address of the batch, once its work has ended."""
    assert answer.status_code == 303, answer.text
    address = str(answer.location)
    for _ in range(600):
        if not browser.get(f"{address}/progress").json["running"]:
            return address
        time.sleep(0.05)
    raise AssertionError("it never ended")


def batch(browser: Any, address: str) -> ImportBatch:
    with browser.application.app_context():
        found = db.session.get(ImportBatch, int(address.rsplit("/", 1)[1]))
        assert found is not None
        db.session.expunge(found)
        return found


def files(browser: Any, address: str) -> Files:
    folder = Path(browser.application.instance_path) / "uploads"
    return Files(folder / f"import-{address.rsplit('/', 1)[1]}")


def grievances(browser: Any) -> int:
    with browser.application.app_context():
        return int(db.session.scalar(select(func.count(Grievance.id))) or 0)


def test_a_check_whose_findings_were_lost_is_shown_and_can_be_made_again(browser: Any) -> None:
    address = settle(browser, upload(browser, MIXED))
    with browser.application.app_context():
        db.session.execute(update(ImportBatch).values(summary=None))
        db.session.commit()
    page = browser.get(address)
    assert page.status_code == 200
    assert "What the check found was not kept" in page.text
    assert "Check again" in page.text


def test_a_file_is_checked_looked_at_and_brought_in(browser: Any) -> None:
    address = settle(browser, upload(browser, GOOD))
    page = browser.get(address).text
    assert grievances(browser) == 0
    assert "Would be created" in page
    assert "Import these rows" in page
    assert "Water" in page
    settle(browser, browser.send(f"{address}/import"))
    assert grievances(browser) == 2
    page = browser.get(address).text
    assert "Imported" in page
    assert "Import these rows" not in page
    link = re.search(r'href="([^"]*import_batch_equals=\d+)"', page)
    assert link
    listed = browser.get(link[1])
    assert listed.status_code == 200
    with browser.application.app_context():
        for number in db.session.scalars(select(Grievance.number)):
            assert number in listed.text
    assert not files(browser, address).file.exists()
    done = batch(browser, address)
    assert (done.state, done.rows_created, done.map_name) == (ImportState.IMPORTED, 2, "own.toml")
    assert done.created_by_id == browser.officer_id
    with browser.application.app_context():
        for model in (Grievance, Category):
            entries = db.session.scalars(
                select(AuditEntry.officer_id).where(
                    AuditEntry.record_type == model.__tablename__,
                    AuditEntry.record_id.in_(select(model.id)),
                )
            ).all()
            assert set(entries) == {browser.officer_id}
        act = select(AuditEntry.officer_id).where(
            AuditEntry.verb == AuditVerb.IMPORT, AuditEntry.record_id == done.id
        )
        assert db.session.scalars(act).all() == [browser.officer_id]


def test_refused_rows_are_shown_and_handed_back_and_the_good_ones_may_be_kept(
    browser: Any,
) -> None:
    address = settle(browser, upload(browser, MIXED))
    page = browser.get(address).text
    assert "This is no date as the map describes it." in page
    assert "Import the good rows (3)" in page
    assert "Texts with what looks like a telephone number" in page
    assert "555-123-4567" not in page
    assert "<b>Light" not in page
    assert "&lt;b&gt;Light" in page
    handed = browser.get(f"{address}/refused.csv")
    assert handed.headers["Content-Disposition"] == "attachment; filename=some_file-refused.csv"
    assert handed.text.splitlines()[1].startswith("3,c,soon,Roads,4,in,")
    settle(browser, browser.send(f"{address}/import"))  # without keep_good
    assert grievances(browser) == 0
    assert "Nothing was imported, because rows are refused (1)." in browser.get(address).text
    settle(browser, browser.send(f"{address}/import", keep_good="1"))
    assert grievances(browser) == 3
    assert batch(browser, address).keeps_good_rows
    assert browser.get(f"{address}/refused.csv").status_code == 200


def test_the_same_file_again_changes_nothing(browser: Any) -> None:
    for _ in range(2):
        address = settle(browser, upload(browser, GOOD))
        page = browser.get(address).text
        settle(browser, browser.send(f"{address}/import"))
    assert "Every row is in the register already." in page
    assert batch(browser, address).rows_unchanged == 2
    assert grievances(browser) == 2


def test_a_shipped_map_can_be_chosen_and_fetched(browser: Any) -> None:
    address = settle(browser, upload(browser, GOOD, None, map_name="boston311"))
    assert "The file has no column" in browser.get(address).text
    for name, one in imports.shipped_maps().items():
        is_theirs = one.kind.brings is Brings.GRIEVANCES
        assert (f"{BASE}maps/{name}.toml" in browser.get(BASE).text) is is_theirs
        assert browser.get(f"{BASE}maps/{name}.toml").status_code == (200 if is_theirs else 404)
    assert browser.get(f"{BASE}maps/..%2fapp.toml").status_code == 404


@pytest.mark.parametrize(("the_map", "says"), [
    (b"source = ", "Line 1 of the map is not written as TOML wants it"),
    (MAP + b'complainant = "x"', "Imported records never carry identity"),
    (MAP.replace(b'"subject"', b'"caller"'), "Imported records never carry identity"),
    (b"\xff\xfe", "The map must be written in UTF-8."),
    (b"x" * 1_000_001, "A map has at most a megabyte"),
    (None, "Choose a map, or the file of one of your own."),
])  # fmt: skip
def test_a_map_that_cannot_be_used_is_refused_on_the_form(
    browser: Any, the_map: bytes | None, says: str
) -> None:
    answer = upload(browser, GOOD, the_map)
    assert answer.status_code == 400
    assert says in answer.text.replace("&#39;", "'")
    with browser.application.app_context():
        assert db.session.scalar(select(func.count(ImportBatch.id))) == 0


FINDINGS = b"""
source = "S"
brings = "findings"
[file]
timezone = "UTC"
[fields]
reference = "no"
subject = "subject"
facts = "subject"
found_on = "in"
severity = { value = "minor" }
office = { name = "group", unknown = "make" }
"""


def test_findings_are_brought_in_by_administrators_alone(browser: Any) -> None:
    assert upload(browser, GOOD, FINDINGS).status_code == 403
    with browser.application.app_context():
        assert db.session.scalar(select(func.count(ImportBatch.id))) == 0
        officer = make_officer(roles=[Role.ADMINISTRATOR])
        db.session.commit()
        above: Any = browser.application.test_client()
        above.log_in(officer)
    address = settle(above, upload(above, GOOD, FINDINGS))
    for path in ("", "/progress", "/refused.csv"):
        assert browser.get(f"{address}{path}").status_code == 403
    for step in ("check", "import", "discard"):
        assert browser.send(f"{address}/{step}").status_code == 403
    assert "some file.csv" not in browser.get(BASE).text
    assert "some file.csv" in above.get(BASE).text
    settle(above, above.send(f"{address}/import"))
    page = above.get(address).text
    assert "Show the new findings" in page
    link = re.search(r'href="([^"]*import_batch_equals=\d+)"', page)
    assert link
    found = above.get(link[1]).text.split("</thead>")[1]
    assert ">a<" in found
    assert ">b<" in found
    with browser.application.app_context():
        for model in (Finding, Office):
            named = Office.name == "Water" if model is Office else Finding.source == "S"
            db.session.execute(delete(model).where(named))
        db.session.commit()


def test_without_a_file_the_form_says_so(browser: Any) -> None:
    answer = browser.post(BASE, data={"csrf_token": browser.token(), "map_name": "sf311"})
    assert answer.status_code == 400
    assert "Choose a file." in answer.text


def test_a_file_that_cannot_be_read_fails_with_a_sentence_and_is_not_kept(browser: Any) -> None:
    address = settle(browser, upload(browser, b'no,subject,in,group\n1,"never closed,,\n'))
    assert "is never closed" in browser.get(address).text
    assert batch(browser, address).state == ImportState.FAILED
    assert not files(browser, address).file.exists()
    assert browser.send(f"{address}/import").status_code == 303
    assert "moved on" in browser.get(address).text


def test_a_discarded_file_is_gone(browser: Any) -> None:
    address = settle(browser, upload(browser, MIXED))
    assert "some file.csv" in browser.get(BASE).text
    assert browser.send(f"{address}/discard").location == BASE
    assert not files(browser, address).folder.exists()
    assert "Discarded before it was imported." in browser.get(address).text
    assert browser.get(f"{address}/refused.csv").status_code == 404
    assert "some file.csv" not in browser.get(BASE).text


@contextmanager
def somebody_works_on(browser: Any, address: str) -> Iterator[None]:
    """Hold the lock that the thread of a batch holds."""
    with browser.application.app_context(), db.engine.connect() as connection:
        connection.detach()
        number = int(address.rsplit("/", 1)[1])
        connection.execute(
            text("SELECT pg_advisory_lock(:one, :two)"), {"one": WORKER_LOCK, "two": number}
        )
        connection.commit()
        yield


def set_state(browser: Any, address: str, state: ImportState) -> None:
    with browser.application.app_context():
        db.session.execute(
            text("UPDATE import_batch SET state = :state, bytes_done = 10 WHERE id = :id"),
            {"state": state, "id": int(address.rsplit("/", 1)[1])},
        )
        db.session.commit()


@pytest.mark.parametrize("state", ["uploaded", "checking", "importing"])
def test_work_that_died_is_shown_as_interrupted_and_can_be_taken_up_again(
    browser: Any, state: str
) -> None:
    address = settle(browser, upload(browser, GOOD))
    set_state(browser, address, ImportState(state))
    page = browser.get(address).text
    assert "Interrupted" in page
    assert "Nothing was imported" in page
    settle(browser, browser.send(f"{address}/check"))
    assert "Import these rows" in browser.get(address).text


def test_running_work_is_shown_and_cannot_be_started_twice(browser: Any) -> None:
    address = settle(browser, upload(browser, GOOD))
    with somebody_works_on(browser, address):
        set_state(browser, address, ImportState.CHECKING)
        page = browser.get(address).text
        assert "progress.js" in page
        assert "Look again" in page
        now = browser.get(f"{address}/progress").json
        assert (now["running"], now["done"], now["all"]) == (True, 10, len(GOOD))
        assert now["words"].startswith("Reading the file: 2 rows")
        for step in ("check", "import", "discard"):
            assert browser.send(f"{address}/{step}").status_code == 303
            assert "moved on" in browser.get(address).text
    set_state(browser, address, ImportState.CHECKED)
    assert batch(browser, address).state == ImportState.CHECKED


def test_a_file_that_nobody_came_back_for_is_removed_after_a_week(browser: Any) -> None:
    address = settle(browser, upload(browser, GOOD))
    folder = files(browser, address).folder
    old = time.time() - 8 * 24 * 3600
    os.utime(folder, (old, old))
    settle(browser, upload(browser, GOOD))
    assert not folder.exists()
    assert "not kept any longer" in browser.get(address).text
    browser.send(f"{address}/import")
    assert "not kept any longer" in browser.get(address).text


def test_uploads_can_be_read_by_their_owner_alone(browser: Any) -> None:
    address = settle(browser, upload(browser, GOOD))
    assert files(browser, address).folder.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("number", ["1,2", "abc", "-1", str(2**63), "999999", "1%00"])
def test_a_batch_that_is_none_is_not_found(browser: Any, number: str) -> None:
    for path in ("", "/progress", "/refused.csv"):
        assert browser.get(f"{BASE}{number}{path}").status_code in (404, 400)
    for path in ("/check", "/import", "/discard"):
        assert browser.send(f"{BASE}{number}{path}").status_code in (404, 400)


@pytest.mark.parametrize(
    "role", [role for role in Role if role not in (Role.ADMINISTRATOR, Role.INTAKE)]
)
def test_who_may_not_import_sees_none_of_it(as_role: Callable[..., Any], role: Role) -> None:
    browser = as_role(role)
    assert browser.get(BASE).status_code == 403
    assert upload(browser, GOOD).status_code == 403
    assert browser.get(f"{BASE}1/progress").status_code == 403
    assert browser.send(f"{BASE}1/import").status_code == 403
    assert f'href="{BASE}"' not in browser.get("/admin/grievance/").text


def test_without_a_log_in_there_is_no_import(client: Any) -> None:
    assert client.get(BASE).status_code == 302
    assert client.post(BASE).status_code in (400, 401)


def test_the_lists_of_grievances_and_of_imports_lead_there(as_role: Callable[..., Any]) -> None:
    browser = as_role(Role.ADMINISTRATOR)
    for path in ("/admin/grievance/", "/admin/import-batch/"):
        assert f'href="{BASE}"' in browser.get(path).text


def test_a_post_without_the_token_of_a_form_is_refused(browser: Any) -> None:
    address = settle(browser, upload(browser, GOOD))
    assert browser.post(f"{address}/import").status_code == 400
    assert grievances(browser) == 0

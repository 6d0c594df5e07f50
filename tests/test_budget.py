"""What one request may ask of the database: time, locks, idle transactions, and what it says when
that is over (real commits, real locks, a real PostgreSQL that ends the statements)."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Text, literal_column, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

import budget
import exports
from models import Category, Grievance, db
from rules.permissions import Role
from tests.conftest import Client
from tests.factories import make_category, make_officer
from tests.views.pages import address, assert_clean, forms, record_form, words

Say = Callable[[str], None]
SETTINGS = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")


def let_in(app: Flask, *roles: Role) -> Client:
    browser = Client(app, use_cookies=True)
    with app.app_context():
        browser.let_in(make_officer(roles=list(roles or (Role.ADMINISTRATOR,))))
        db.session.commit()
    return browser


@contextmanager
def locked(app: Flask, statement: str) -> Iterator[Session]:
    """Hold what `statement` locks, as somebody does who saves at the same moment."""
    with app.app_context():
        engine = db.engine
    with Session(engine) as other:
        other.execute(text(statement))
        yield other
        other.rollback()


def asked_in_a_request(app: Flask, name: str) -> str:
    with app.test_request_context():
        return str(db.session.scalar(select(text(f"current_setting('{name}')"))))


def test_each_transaction_of_a_request_carries_its_limits(committed: Flask) -> None:
    committed.config.update(
        STATEMENT_SECONDS=7, REQUEST_SECONDS=9, LOCK_SECONDS=3, IDLE_TRANSACTION_SECONDS=11
    )
    assert [asked_in_a_request(committed, name) for name in SETTINGS] == ["7s", "3s", "11s"]
    with committed.app_context():  # a command or an import takes the time it needs
        for name in SETTINGS:
            assert db.session.scalar(select(text(f"current_setting('{name}')"))) == "0"


def test_the_limits_leave_nothing_behind_in_the_connection(committed: Flask) -> None:
    with committed.test_request_context():
        db.session.execute(text("SELECT 1"))
        db.session.commit()
        raw = db.engine.raw_connection()
        with raw.cursor() as cursor:
            cursor.execute("SELECT current_setting('statement_timeout')")
            assert cursor.fetchone() == ("0",)
        raw.close()


def test_a_list_that_takes_too_long_says_how_to_ask_for_less(
    committed: Flask, figures: Say
) -> None:
    browser = let_in(committed)
    committed.config.update(STATEMENT_SECONDS=0.5, LOCK_SECONDS=60)
    asked = address(Grievance, flt0_title_contains="leak", search="lamp")
    with locked(committed, "LOCK TABLE grievance IN ACCESS EXCLUSIVE MODE"):
        began = time.monotonic()
        page = browser.get(asked)
        spent = time.monotonic() - began
    assert page.status_code == 503
    assert "Retry-After" not in page.headers  # the same again would take as long
    assert_clean(page)
    told = words(page)
    for part in ("takes longer than a page may", "Add a filter or a shorter period",
                 "search for words instead", "CSV file may take longer"):  # fmt: skip
        assert part in told, told
    links = [one.replace("&amp;", "&") for one in re.findall(r'<li><a href="([^"]+)"', page.text)]
    without_search = [one for one in links if "contains=leak" in one and "search=" not in one]
    without_filter = [one for one in links if "search=lamp" in one and "flt0" not in one]
    assert without_search
    assert without_filter
    assert any("/export/csv/" in one and "leak" in one and "lamp" in one for one in links)
    assert 'value="lamp"' in page.text  # the search box still holds what was typed
    assert browser.get(without_filter[0]).status_code == 200
    assert spent < 5
    figures(f"budget: a list that hangs is answered after {spent:.1f} s of 0.5 s, with ways out")


def test_all_statements_of_a_request_have_one_budget(committed: Flask) -> None:
    committed.config.update(STATEMENT_SECONDS=1.0, REQUEST_SECONDS=1.5)
    with committed.test_request_context():
        began = time.monotonic()
        db.session.execute(text("SELECT pg_sleep(0.6)"))
        db.session.execute(text("SELECT pg_sleep(0.6)"))
        with pytest.raises(budget.TooLong):  # alone it would be allowed
            db.session.execute(text("SELECT pg_sleep(0.9)"))
        assert time.monotonic() - began < 1.9
        db.session.rollback()
        with pytest.raises(budget.TooLong):
            db.session.execute(text("SELECT pg_sleep(0.9)"))
        db.session.rollback()
        budget.allow_an_answer()
        assert db.session.scalar(text("SELECT 1")) == 1
        cost = budget.spent()
        assert cost is not None
        assert cost.refused == "TooLong"
        assert cost.statements >= 3


def test_time_between_statements_is_no_part_of_the_budget(committed: Flask) -> None:
    committed.config.update(STATEMENT_SECONDS=0.3, REQUEST_SECONDS=0.3)
    with committed.test_request_context():
        db.session.execute(text("SELECT 1"))
        time.sleep(0.5)  # a slow upload
        assert db.session.scalar(text("SELECT 1")) == 1


def test_a_script_is_told_in_json(committed: Flask) -> None:
    browser = let_in(committed)
    committed.config.update(STATEMENT_SECONDS=0.3, LOCK_SECONDS=60)
    lookup = address(Grievance, "ajax/lookup", name="category", query="Ro")
    with locked(committed, "LOCK TABLE category IN ACCESS EXCLUSIVE MODE"):
        answer = browser.get(lookup, headers={"Accept": "application/json"})
    assert answer.status_code == 503
    assert answer.is_json
    assert answer.json["status"] == 503
    assert "took longer than a page may" in answer.json["error"]
    assert len(answer.json["request"]) == 32


def test_a_save_that_waits_for_somebody_else_keeps_what_was_typed(committed: Flask) -> None:
    browser = let_in(committed)
    committed.config.update(LOCK_SECONDS=0.3)
    with committed.app_context():
        record_id = make_category(name="As it was").id
        db.session.commit()
    path = address(Category, "edit", id=record_id)
    fields = record_form(browser.get(path)) | {"name": "Typed “with” <care> & patience"}
    with locked(committed, "SELECT 1 FROM category FOR UPDATE"):
        page = browser.post(path, data=fields)
    assert page.status_code == 409
    assert "Somebody else is saving this at the same moment" in words(page)
    assert_clean(page)
    [kept] = [one for one in forms(page) if "name" in one["fields"]]
    assert kept["fields"]["name"] == ["Typed “with” <care> & patience"]
    assert browser.post(path, data=kept["fields"]).status_code == 302  # the button of that page
    with committed.app_context():
        assert db.session.get(Category, record_id).name == "Typed “with” <care> & patience"


def test_of_two_saves_that_wait_for_each_other_one_is_told_to_try_again(
    committed: Flask,
) -> None:
    committed.config.update(LOCK_SECONDS=60)
    with committed.app_context():
        first, second = make_category(name="First").id, make_category(name="Second").id
        db.session.commit()
    change = text("UPDATE category SET name = name || '!' WHERE id = :id")
    with locked(committed, f"UPDATE category SET name = 'x' WHERE id = {first}") as other:  # noqa: S608
        with committed.test_request_context():
            db.session.execute(change, {"id": second})
            # Who waits first looks first whether they wait for each other, and gives way.
            crossing = threading.Timer(0.3, lambda: other.execute(change, {"id": second}))
            crossing.start()
            with pytest.raises(budget.SomebodyElseSaves):
                db.session.execute(change, {"id": first})
            db.session.rollback()
            crossing.join(10)
            assert not crossing.is_alive()


def test_a_transaction_left_open_is_ended_by_the_database(committed: Flask) -> None:
    committed.config.update(IDLE_TRANSACTION_SECONDS=0.2)
    with committed.test_request_context():
        db.session.execute(text("SELECT 1"))
        time.sleep(0.8)
        with pytest.raises(OperationalError):  # the page for a lost database
            db.session.execute(text("SELECT 1"))
        db.session.rollback()
        assert db.session.scalar(text("SELECT 1")) == 1


def test_a_password_is_not_put_on_a_page_to_be_sent_again(committed: Flask) -> None:
    committed.config.update(LOCK_SECONDS=0.3, STATEMENT_SECONDS=1)
    browser = let_in(committed)
    token = browser.token()
    with locked(committed, "LOCK TABLE officer, officer_session IN ACCESS EXCLUSIVE MODE"):
        page = Client(committed).post(
            "/login",
            data={"csrf_token": token, "username": "somebody", "password": "canary-of-a-password"},
        )
    assert page.status_code in (400, 409, 503)
    assert "canary-of-a-password" not in page.text


def test_every_error_page_bears_the_number_of_its_request(client: Any) -> None:
    page = client.get("/no-such-page")
    assert page.status_code == 404
    number = page.headers["X-Request-ID"]
    assert re.fullmatch("[0-9a-f]{32}", number)
    assert number in page.text


# More than waits in the queue of an export while nobody reads.
MANY_CATEGORIES = """
INSERT INTO category (name) SELECT 'Category ' || n || repeat('.', 150)
FROM generate_series(1, 20000) AS n
"""


def test_an_officer_has_three_exports_under_way_and_no_more(committed: Flask, figures: Say) -> None:
    with committed.app_context():
        db.session.execute(text(MANY_CATEGORIES))
        db.session.commit()
    browser, other = let_in(committed, Role.AUDITOR), let_in(committed, Role.AUDITOR)
    path = address(Category, "export/csv")
    running = [browser.get(path) for _ in range(3)]
    assert [one.status_code for one in running] == [200, 200, 200]
    fourth = browser.get(path)
    assert fourth.status_code == 429
    assert "You have 3 exports under way already" in words(fourth)
    others = other.get(path)
    assert others.status_code == 200, "somebody else has exports of their own"
    with committed.app_context():
        begun = db.session.scalar(text("SELECT count(*) FROM export_record"))
    assert begun == 4, "one that was refused is no export"
    running[0].close()  # stopped half-way
    assert running[1].data.count(b"Category") >= 20_000  # taken to its end
    running[1].close()
    again = [browser.get(path), browser.get(path)]
    assert [one.status_code for one in again] == [200, 200]
    for one in (*running, others, *again):
        one.close()
    figures("exports: 3 at once of one officer, the 4th refused in words, others not held up")


def test_all_officers_together_leave_room_for_the_rest(committed: Flask) -> None:
    with committed.app_context():
        engine = db.engine
        statement = select(Category.name)
        streams = [
            exports.csv_stream(
                engine, statement, ["x"], timezone="UTC", place=exports.Place(officer, 3, 4)
            )
            for officer in (1, 1, 2, 3)
        ]
        with pytest.raises(exports.TooManyExports, match="exports of others"):
            exports.csv_stream(
                engine, statement, ["x"], timezone="UTC", place=exports.Place(4, 3, 4)
            )
        for stream in streams:
            stream.close()


def test_an_export_whose_query_takes_too_long_is_broken_off(committed: Flask) -> None:
    with committed.app_context():
        stream = exports.csv_stream(
            db.engine,
            select(literal_column("pg_sleep(5)::text", Text).label("x")),
            ["x"],
            timezone="UTC",
            settings={"statement_timeout": "200ms"},
        )
        with pytest.raises(exports.ExportBroken, match="QueryCanceled"):
            b"".join(stream)

"""Log-in, sessions and one's own account, through HTTP (promises A5, B4, B5, B6)."""

import re
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from argon2 import PasswordHasher, Type, extract_parameters
from flask import Flask
from sqlalchemy import func, select, text
from werkzeug.test import TestResponse

import security
from actions import accounts
from models import AuditEntry, LoginAttempt, Officer, OfficerSession, db
from rules import RuleBroken
from rules.permissions import Role
from rules.records import AuditVerb
from tests.conftest import Client
from tests.factories import DEAR, PASSWORD, make_officer
from tests.statements import statements
from views.account import limits

OTHER_PASSWORD = "seven green kettles humming"
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
WRONG = "The username or the password is not right."


def employ(username: str = "anna", **values: Any) -> int:
    """Return the id of a new officer with PASSWORD."""
    return int(make_officer(username=username, name=username.title(), **values).id)


def log_in(
    client: Client, username: str = "anna", password: str = PASSWORD, wanted: str = ""
) -> TestResponse:
    """Log in through the form, as a browser does."""
    return client.send("/login", username=username, password=password, next=wanted)


def enter(client: Client, officer_id: int, device: str = "Desk") -> None:
    """Give this browser a log-in without the work of checking a password."""
    with client.application.test_request_context():
        visitor = accounts.Visitor("192.0.2.1", device, datetime.now(UTC), security.today())
        token = accounts.start_session(officer_id, visitor=visitor, limits=limits())
        db.session.commit()
    client.set_cookie(security.COOKIE, token)


def cookie_of(client: Client, name: str = security.COOKIE) -> str:
    cookie = client.get_cookie(name)
    return cookie.value if cookie else ""


def is_in(client: Client) -> bool:
    """Whether this browser is logged in."""
    return client.get("/account").status_code == 200


def count(model: Any, *conditions: Any) -> int:
    return db.session.scalar(select(func.count()).select_from(model).where(*conditions)) or 0


@pytest.fixture
def anna(session: Any) -> int:
    return employ()


# --- Log-in ----------------------------------------------------------------------------------


def test_a_visitor_is_asked_to_log_in_and_then_sent_to_where_they_wanted_to_be(
    client: Client, anna: int
) -> None:
    refused = client.get("/account?from=mail")
    assert (refused.status_code, refused.location) == (302, "/login?next=/account?from%3Dmail")
    page = client.get(refused.location)
    assert 'name="next" value="/account?from=mail"' in page.text
    reply = log_in(client, wanted="/account?from=mail")
    assert (reply.status_code, reply.location) == (303, "/account?from=mail")
    assert is_in(client)


@pytest.mark.parametrize("typed", ["anna", " Anna ", "ＡＮＮＡ"])
def test_case_and_blanks_of_the_username_do_not_matter(
    client: Client, anna: int, typed: str
) -> None:
    assert log_in(client, typed).status_code == 303


@pytest.mark.parametrize("address", ["//evil.example", "/\\evil.example", "https:evil.example"])
def test_log_in_leads_to_no_other_site(client: Client, anna: int, address: str) -> None:
    reply = log_in(client, wanted=address)
    assert (reply.status_code, reply.location) == (303, "/admin/")


@pytest.mark.parametrize(
    "values",
    [
        {"username": "nobody"},
        {"username": "x' OR 1=1 --"},
        {"password": "not the password"},
        {"password": ""},
        {"password": "x" * 5000},
    ],
)
def test_an_unknown_name_and_a_wrong_password_get_the_same_words(
    client: Client, anna: int, values: dict[str, str]
) -> None:
    reply = log_in(client, **values)
    assert reply.status_code == 400
    assert WRONG in reply.text
    assert not is_in(client)


@pytest.fixture
def dear(monkeypatch: pytest.MonkeyPatch) -> Iterator[PasswordHasher]:
    """Passwords are hashed as in the product, and the stand-in of unknown names too."""
    monkeypatch.setattr(accounts, "HASHER", DEAR)
    accounts._nobodys_hash.cache_clear()
    yield DEAR
    accounts._nobodys_hash.cache_clear()


def test_to_check_a_password_is_the_work_that_the_standard_asks_for(dear: PasswordHasher) -> None:
    parameters = extract_parameters(accounts.HASHER.hash(PASSWORD))
    assert parameters.type is Type.ID
    assert parameters.memory_cost >= 64 * 1024  # kB: the second choice of RFC 9106
    assert parameters.time_cost >= 3


def test_an_unknown_name_takes_as_much_work_as_a_wrong_password(
    app: Flask, session: Any, dear: PasswordHasher
) -> None:
    employ("anna", password_hash=dear.hash(PASSWORD))

    def work(username: str) -> float:
        with app.test_request_context():
            visitor = accounts.Visitor("a", "b", datetime.now(UTC), security.today())
            started = time.process_time()
            with pytest.raises(RuleBroken):
                accounts.log_in(username, "wrong", visitor=visitor, limits=limits())
            return time.process_time() - started

    work("nobody")  # makes the stand-in hash
    known, unknown = (min(work(name) for _ in range(2)) for name in ("anna", "nobody"))
    assert 0.5 < unknown / known < 2


@pytest.mark.parametrize(
    "values",
    [
        {"left_on": datetime.now(UTC).date() - timedelta(days=1)},
        {"password_hash": None},
        {"password_hash": "not a hash at all"},
    ],
)
def test_who_has_left_or_has_no_password_cannot_log_in(
    client: Client, session: Any, values: dict[str, Any]
) -> None:
    employ(**values)
    assert WRONG in log_in(client).text


def test_the_last_day_is_the_day_before_the_one_the_officer_left_on(
    app: Flask, client: Client, session: Any
) -> None:
    with app.app_context():
        today = security.today()
    employ("leaves.today", left_on=today)
    employ("leaves.tomorrow", left_on=today + timedelta(days=1))
    assert WRONG in log_in(client, "leaves.today").text
    assert log_in(client, "leaves.tomorrow").status_code == 303


def test_a_password_hashed_with_old_parameters_is_hashed_anew(client: Client, session: Any) -> None:
    officer_id = employ(password_hash=CHEAP.hash(PASSWORD))
    assert log_in(client).status_code == 303
    stored = db.session.scalar(select(Officer.password_hash).where(Officer.id == officer_id))
    assert stored
    assert stored.startswith("$argon2id$")
    assert not accounts.HASHER.check_needs_rehash(stored)
    assert log_in(client).status_code == 303


# --- Throttling ------------------------------------------------------------------------------


def test_after_too_many_tries_even_the_right_password_waits(
    app: Flask, client: Client, anna: int
) -> None:
    employ("boris")
    for _ in range(app.config["LOGIN_TRIES"]):
        assert WRONG in log_in(client, password="wrong").text
    waits = log_in(client)
    assert waits.status_code == 429
    assert f"Wait {app.config['LOGIN_WAIT_MINUTES']} min" in waits.text
    assert 0 < int(waits.headers["Retry-After"]) <= app.config["LOGIN_WAIT_MINUTES"] * 60
    assert log_in(client, "boris").status_code == 303  # another account is not held back
    db.session.execute(text("UPDATE login_attempt SET at = at - interval '15 minutes'"))
    db.session.commit()
    assert log_in(client).status_code == 303
    assert count(LoginAttempt) == 0  # a log-in clears what its account failed before


def test_an_unknown_account_is_throttled_like_a_known_one(
    app: Flask, client: Client, anna: int
) -> None:
    for _ in range(app.config["LOGIN_TRIES"]):
        log_in(client, "nobody")
    assert log_in(client, "nobody").status_code == 429


def test_an_address_that_tries_many_accounts_waits(app: Flask, client: Client, anna: int) -> None:
    make_failures(app, address="127.0.0.1", number=app.config["LOGIN_TRIES"] * 10 - 1)
    assert WRONG in log_in(client, "nobody").text
    assert log_in(client).status_code == 429
    client.environ_base["REMOTE_ADDR"] = "192.0.2.7"
    assert log_in(client).status_code == 303


def make_failures(app: Flask, *, address: str, number: int) -> None:
    with app.app_context():
        limit = limits()
    for one in range(number):
        db.session.add(
            LoginAttempt(
                account_hash=limit.digest("account", f"name{one}"),
                address_hash=limit.digest("address", address),
                at=datetime.now(UTC),
            )
        )
    db.session.commit()


def test_tries_sent_at_once_are_counted_too(committed: Flask) -> None:
    with committed.app_context():
        employ()
        db.session.commit()
        limit, today = limits(), security.today()

    def attempt(_: int) -> str:
        visitor = accounts.Visitor("192.0.2.1", "Desk", datetime.now(UTC), today)
        with committed.app_context():
            try:
                accounts.log_in("anna", "wrong", visitor=visitor, limits=limit)
            except accounts.TooManyTries:
                return "waits"
            except RuleBroken:
                db.session.commit()
                return "refused"
        return "in"

    with ThreadPoolExecutor(8) as pool:
        outcomes = Counter(pool.map(attempt, range(16)))
    tries = committed.config["LOGIN_TRIES"]
    assert outcomes == {"refused": tries, "waits": 16 - tries}


def test_failed_tries_are_kept_without_the_name_and_only_as_long_as_they_count(
    app: Flask, client: Client, anna: int
) -> None:
    log_in(client, "anna")
    client.delete_cookie(security.COOKIE)
    log_in(client, "my secret typed into the wrong field")
    db.session.execute(text("UPDATE login_attempt SET at = at - interval '15 minutes'"))
    db.session.commit()
    log_in(client, "nobody")
    assert count(LoginAttempt) == 1
    everything = str(db.session.execute(text("SELECT * FROM login_attempt")).all()) + str(
        db.session.execute(text("SELECT * FROM audit_entry")).all()
    )
    assert "my secret" not in everything


def test_log_ins_log_outs_and_refusals_are_in_the_trail(client: Client, anna: int) -> None:
    log_in(client, password="wrong")
    log_in(client, "nobody")
    log_in(client)
    client.send("/logout")
    acts = db.session.execute(
        select(AuditEntry.verb, AuditEntry.officer_id, AuditEntry.record_id)
        .where(AuditEntry.verb.in_([AuditVerb.LOGIN, AuditVerb.LOGOUT, AuditVerb.LOGIN_FAILED]))
        .order_by(AuditEntry.id)
    ).all()
    assert acts == [
        (AuditVerb.LOGIN_FAILED, None, anna),
        (AuditVerb.LOGIN_FAILED, None, None),
        (AuditVerb.LOGIN, anna, anna),
        (AuditVerb.LOGOUT, anna, anna),
    ]


# --- The session -----------------------------------------------------------------------------


def test_the_cookie_is_a_random_token_that_the_database_does_not_hold(
    client: Client, anna: int
) -> None:
    reply = log_in(client)
    (cookie,) = [
        line for line in reply.headers.getlist("Set-Cookie") if line.startswith("redress_session=")
    ]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Max-Age" not in cookie  # it goes when the browser closes
    token = cookie_of(client)
    assert len(token) >= 43  # 256 bits
    row = db.session.scalar(select(OfficerSession))
    assert row
    assert row.token_hash == security.token_hash(token)
    assert token not in str(db.session.execute(text("SELECT * FROM officer_session")).all())


def test_a_token_chosen_by_somebody_else_is_not_taken_over_at_log_in(
    client: Client, anna: int
) -> None:
    client.set_cookie(security.COOKIE, "chosen-by-the-attacker")
    log_in(client)
    assert cookie_of(client) != "chosen-by-the-attacker"
    first = cookie_of(client)
    log_in(client)  # already logged in: the old token ends with the new log-in
    assert cookie_of(client) not in ("", first)
    client.set_cookie(security.COOKIE, first)
    assert not is_in(client)


@pytest.mark.parametrize(
    ("column", "setting", "unit"),
    [("seen_at", "IDLE_MINUTES", "minutes"), ("started_at", "SESSION_HOURS", "hours")],
)
def test_a_log_in_ends_after_its_time(
    app: Flask, client: Client, anna: int, column: str, setting: str, unit: str
) -> None:
    enter(client, anna)
    limit, margin = timedelta(**{unit: app.config[setting]}), timedelta(minutes=1)
    for age, stays in [(limit - margin, True), (limit, False)]:
        moment = datetime.now(UTC) - age
        db.session.execute(
            text(f"UPDATE officer_session SET {column} = :moment"),  # noqa: S608
            {"moment": moment},
        )
        db.session.commit()
        assert is_in(client) is stays
    assert "Your log-in has ended." in client.get("/login").text
    assert not cookie_of(client)  # the browser forgets it


@pytest.mark.parametrize(
    "change",
    ["left_on = CURRENT_DATE - 1", "password_hash = NULL"],
)
def test_an_officer_who_is_put_out_is_out_at_the_next_request(
    client: Client, anna: int, change: str
) -> None:
    enter(client, anna)
    assert is_in(client)
    db.session.execute(text(f"UPDATE officer SET {change}"))  # noqa: S608
    db.session.commit()
    assert not is_in(client)


def test_a_right_that_is_taken_away_dies_at_the_next_request(client: Client, session: Any) -> None:
    officer_id = employ(roles=[Role.ADMINISTRATOR])
    colleague = employ("boris")
    enter(client, officer_id)
    assert client.get(f"/account/officers/{colleague}").status_code == 200
    db.session.execute(
        text("UPDATE officer SET roles = '{handler}' WHERE id = :id"), {"id": officer_id}
    )
    db.session.commit()
    assert client.get(f"/account/officers/{colleague}").status_code == 403


def test_log_out_ends_the_log_in_and_not_only_the_cookie(client: Client, anna: int) -> None:
    enter(client, anna)
    token = cookie_of(client)
    reply = client.send("/logout")
    assert (reply.status_code, reply.location) == (303, "/login")
    assert not cookie_of(client)
    client.set_cookie(security.COOKIE, token)
    assert not is_in(client)


def test_that_an_officer_was_seen_is_written_at_most_once_a_minute(
    client: Client, anna: int
) -> None:
    enter(client, anna)
    with statements() as sent:
        assert is_in(client)
    assert not [one for one in sent if one.startswith("UPDATE")]
    db.session.execute(text("UPDATE officer_session SET seen_at = seen_at - interval '61 s'"))
    db.session.commit()
    before = db.session.scalar(select(OfficerSession.seen_at))
    with statements() as sent:
        assert is_in(client)
    assert len([one for one in sent if one.startswith("UPDATE officer_session")]) == 1
    after = db.session.scalar(select(OfficerSession.seen_at))
    assert after > before


def test_a_request_asks_once_who_it_is_and_names_the_officer_once(
    client: Client, anna: int
) -> None:
    enter(client, anna)
    with statements() as sent:
        assert is_in(client)
    assert len([one for one in sent if "token_hash =" in one]) == 1
    assert len([one for one in sent if "set_config" in one]) == 1
    assert len(sent) == 3  # and the list of log-ins that this page shows


@pytest.mark.parametrize("path", ["/static/redress.css", "/login"])
def test_what_needs_no_officer_asks_the_database_nothing(
    client: Client, anna: int, path: str
) -> None:
    with statements() as sent:
        assert client.get(path).status_code == 200
    assert sent == []


def test_a_static_file_costs_no_session_even_with_a_log_in(client: Client, anna: int) -> None:
    enter(client, anna)
    with statements() as sent:
        reply = client.get("/static/redress.css")
    assert (reply.status_code, sent) == (200, [])
    assert "Cookie" not in reply.headers.get("Vary", "")


# --- One's own account -----------------------------------------------------------------------


def test_the_account_page_lists_log_ins_and_ends_one_of_them(
    app: Flask, client: Client, anna: int
) -> None:
    phone = app.test_client()
    enter(phone, anna, "Telephone")
    client.environ_base["HTTP_USER_AGENT"] = "Desk"
    log_in(client)
    page = client.get("/account").text
    assert "Telephone" in page
    assert "Desk" in page
    (address,) = re.findall(r'data-confirm href="(/account/log-ins/\d+/end)"', page)
    asked = client.get(address)
    assert "Telephone, last request on" in asked.text
    assert f'action="{address}"' in asked.text
    assert is_in(phone), "it was only asked"
    assert client.send(address).status_code == 303
    assert not is_in(phone)
    page = client.get("/account").text
    assert "1 log-in ended." in page
    assert "Telephone" not in page
    assert "1 log-in ended." not in client.get("/account").text  # a message is shown once


def test_all_other_log_ins_end_at_once(app: Flask, client: Client, anna: int) -> None:
    others = [app.test_client() for _ in range(2)]
    for other in [*others, client]:
        enter(other, anna)
    client.send("/account/log-ins/end-others")
    assert [is_in(other) for other in others] == [False, False]
    assert is_in(client)


@pytest.mark.parametrize("which", ["theirs", "none", "2^63", "zero"])
def test_nobody_ends_the_log_in_of_somebody_else(
    app: Flask, client: Client, anna: int, which: str
) -> None:
    other = app.test_client()
    enter(other, employ("boris"))
    enter(client, anna)
    boris = db.session.scalar(select(func.min(OfficerSession.id))) or 0
    number = {"theirs": boris, "none": boris + 999, "2^63": 2**63, "zero": 0}[which]
    assert client.send(f"/account/log-ins/{number}/end").status_code == 404
    assert is_in(other)


def test_a_changed_password_is_the_only_one_and_ends_the_other_log_ins(
    app: Flask, client: Client, anna: int
) -> None:
    other = app.test_client()
    enter(other, anna)
    enter(client, anna)
    reply = client.send("/account", current=PASSWORD, password=OTHER_PASSWORD, again=OTHER_PASSWORD)
    assert (reply.status_code, reply.location) == (303, "/account")
    assert "Your password is changed." in client.get("/account").text
    assert not is_in(other)
    assert WRONG in log_in(app.test_client()).text
    assert log_in(app.test_client(), password=OTHER_PASSWORD).status_code == 303
    assert db.session.scalar(select(Officer.password_changed_at)) is not None


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"current": "wrong"}, "This is not your present password."),
        ({"again": "something else"}, "not typed twice"),
        ({"password": "short", "again": "short"}, "at least 15 characters"),
        ({"password": "passwordpassword", "again": "passwordpassword"}, "tried first"),
        ({"password": PASSWORD, "again": PASSWORD}, "the password you have"),
        ({"password": "anna anna anna anna", "again": "anna anna anna anna"}, "your name"),
        ({"password": "", "again": ""}, "at least 15 characters"),
    ],
)
def test_a_password_that_will_not_do_is_refused_in_words(
    client: Client, anna: int, fields: dict[str, str], says: str
) -> None:
    enter(client, anna)
    typed = {"current": PASSWORD, "password": OTHER_PASSWORD, "again": OTHER_PASSWORD} | fields
    reply = client.send("/account", **typed)
    assert reply.status_code == 400
    assert says in reply.text
    assert OTHER_PASSWORD not in reply.text
    assert log_in(client).status_code == 303


def test_guessing_the_present_password_is_throttled_too(
    app: Flask, client: Client, anna: int
) -> None:
    enter(client, anna)
    typed = {"password": OTHER_PASSWORD, "again": OTHER_PASSWORD}
    for _ in range(app.config["LOGIN_TRIES"]):
        client.send("/account", current="wrong", **typed)
    assert "too many tries" in client.send("/account", current=PASSWORD, **typed).text


# --- Those who administer officers -----------------------------------------------------------


def test_an_administrator_ends_all_log_ins_of_an_officer(
    app: Flask, client: Client, anna: int
) -> None:
    annas = app.test_client()
    enter(annas, anna)
    enter(client, employ("ada", roles=[Role.ADMINISTRATOR]))
    reply = client.send(f"/account/officers/{anna}")
    assert reply.status_code == 303
    assert not is_in(annas)
    assert log_in(annas).status_code == 303


def test_an_administrator_gives_a_new_password_that_is_shown_once(
    app: Flask, client: Client, anna: int
) -> None:
    annas = app.test_client()
    enter(annas, anna)
    enter(client, employ("ada", roles=[Role.ADMINISTRATOR]))
    page = client.send(f"/account/officers/{anna}", password="new").text
    (password,) = re.findall(r"shown-once\">([a-z0-9-]{23})<", page)
    assert not is_in(annas)
    assert WRONG in log_in(annas).text
    assert log_in(annas, password=password).status_code == 303
    assert password not in client.get(f"/account/officers/{anna}").text
    assert password not in str(db.session.execute(text("SELECT * FROM officer_session")).all())
    assert password not in str(db.session.execute(text("SELECT * FROM audit_entry")).all())


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMINISTRATOR])
def test_nobody_else_reaches_the_log_ins_of_others(client: Client, anna: int, role: Role) -> None:
    enter(client, employ("boris", roles=[role]))
    assert client.get(f"/account/officers/{anna}").status_code == 403
    assert client.send(f"/account/officers/{anna}", password="new").status_code == 403
    assert log_in(client).status_code == 303


# --- Language --------------------------------------------------------------------------------


def test_the_language_of_an_officer_is_kept_and_that_of_a_visitor_is_in_the_cookie(
    app: Flask, client: Client, anna: int
) -> None:
    chosen = client.send("/language", language="zh_Hans_CN", next="/login")
    assert chosen.location == "/login"
    assert '<html lang="zh-Hans"' in client.get("/login").text
    assert '<html lang="en"' in app.test_client().get("/login").text
    log_in(client)
    assert '<html lang="zh-Hans"' in client.get("/account").text  # chosen before the log-in
    assert db.session.scalar(select(Officer.language)) is None
    client.send("/language", language="en", next="/account")
    assert '<html lang="en"' in client.get("/account").text
    assert db.session.scalar(select(Officer.language)) == "en"


@pytest.mark.parametrize(
    ("chosen", "next_page"), [("xx", "/"), ("", "/"), ("en", "//evil.example")]
)
def test_a_language_that_is_none_and_a_foreign_address_are_refused(
    client: Client, anna: int, chosen: str, next_page: str
) -> None:
    enter(client, anna)
    reply = client.send("/language", language=chosen, next=next_page)
    assert reply.status_code == 400 or reply.location == "/admin/"

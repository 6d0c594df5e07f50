"""The second factor, recovery codes, and what must be done before anything else, through HTTP
(promise B6)."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape
from typing import Any

import pyotp
import pytest
from flask import Flask
from sqlalchemy import func, select, text
from werkzeug.test import TestResponse

import security
from actions import accounts, second_factor
from config import SettingWrong
from models import LoginAttempt, Officer, OfficerSession, RecoveryCode, SecondFactor, db
from rules import RuleBroken
from rules.permissions import Role
from tests.conftest import Client, make_app
from tests.factories import PASSWORD, make_officer
from views.asking import limits

OTHER_PASSWORD = "seven green kettles humming"
SHORT_PASSWORD = "kettle-9"
WRONG = "This code is not right"


def cookie_of(client: Client) -> str:
    cookie = client.get_cookie(security.COOKIE)
    return cookie.value if cookie else ""


def is_in(client: Client) -> bool:
    return client.get("/account").status_code == 200


def code_of(secret: str, step: int = 1) -> str:
    """The code of the half minute that is `step` after the present one. The next one is taken
    already, and after that of setting up none from before it."""
    return pyotp.TOTP(secret).at(datetime.now(UTC), counter_offset=step)


def wrong_code(secret: str) -> str:
    """Six digits that are no code of these minutes."""
    near = {code_of(secret, step) for step in range(-3, 4)}
    return next(code for code in ("000000", "123456", "654321", "111111") if code not in near)


def officer_of(client: Client) -> Officer:
    db.session.expire_all()
    return db.session.get_one(Officer, client.officer_id)


def secret_on(page: TestResponse) -> str:
    """The secret that a page of setting up shows, as a person types it off."""
    (shown,) = re.findall(r'class="secret-key">(.*?)</span> </span>', page.text, re.DOTALL)
    return "".join(re.findall(r"[A-Z2-7]{4}", shown))


def set_up(client: Client) -> tuple[str, list[str]]:
    """Set up a second factor in this browser; return its secret and the recovery codes."""
    secret = secret_on(client.get("/account/second-factor"))
    reply = client.send("/account/second-factor", code=code_of(secret, 0), current=PASSWORD)
    assert reply.status_code == 200, reply.text
    return secret, re.findall(r"<li>([a-z0-9]{4}-[a-z0-9]{4}-[a-z0-9]{4})</li>", reply.text)


def type_password(client: Client, username: str = "anna", password: str = PASSWORD) -> TestResponse:
    return client.send("/login", username=username, password=password, next="/account?from=mail")


@pytest.fixture
def anna(as_role: Callable[..., Client]) -> Client:
    """A browser in which Anna, a handler, is logged in."""
    return as_role(Role.HANDLER, username="anna", name="Anna")


@pytest.fixture
def other(app: Flask) -> Any:
    """A browser that is not logged in."""
    return app.test_client()


# --- Setting up ------------------------------------------------------------------------------


def test_the_secret_stands_there_as_a_picture_for_typing_and_as_a_link(anna: Client) -> None:
    page = anna.get("/account/second-factor")
    secret = secret_on(page)
    assert re.fullmatch(r"[A-Z2-7]{32}", secret)  # 160 bits
    assert 'src="data:image/svg+xml' in page.text
    (link,) = re.findall(r'href="(otpauth://totp/[^"]+)"', page.text)
    assert unescape(link) == f"otpauth://totp/Redress:anna?secret={secret}&issuer=Redress"
    assert secret_on(anna.get("/account/second-factor")) == secret  # a reload keeps it
    assert "img-src 'self' data:" in page.headers["Content-Security-Policy"]


def test_it_counts_once_a_code_confirms_it_and_not_before(anna: Client, other: Client) -> None:
    secret = secret_on(anna.get("/account/second-factor"))
    assert type_password(other).location == "/account?from=mail"
    reply = anna.send("/account/second-factor", code=wrong_code(secret), current=PASSWORD)
    assert (reply.status_code, secret_on(reply)) == (400, secret)
    assert "does not belong to the key" in reply.text
    assert officer_of(anna).second_factor_since is None
    reply = anna.send("/account/second-factor", code=f" {code_of(secret, 0)} ", current=PASSWORD)
    assert reply.status_code == 200
    assert officer_of(anna).second_factor_since is not None
    other.send("/logout")
    assert type_password(other).location == "/login/code"


def test_setting_up_asks_for_the_password_and_a_wrong_one_counts(app: Flask, anna: Client) -> None:
    secret = secret_on(anna.get("/account/second-factor"))
    for _ in range(app.config["LOGIN_TRIES"]):
        reply = anna.send("/account/second-factor", code=code_of(secret), current="wrong")
        assert "This is not your present password." in reply.text
    reply = anna.send("/account/second-factor", code=code_of(secret, 0), current=PASSWORD)
    assert reply.status_code == 429
    assert officer_of(anna).second_factor_since is None


def test_the_secret_is_in_the_database_in_cipher_alone(anna: Client) -> None:
    secret = secret_on(anna.get("/account/second-factor"))
    everywhere = ("officer_session", "second_factor", "recovery_code", "audit_entry", "officer")

    def stored() -> str:
        return "".join(
            str(db.session.execute(text(f"SELECT t::text FROM {table} t")).all())  # noqa: S608
            for table in everywhere
        )

    def forms(plain: str) -> list[str]:
        return [plain, plain.encode().hex(), pyotp.TOTP(plain).byte_secret().hex()]

    assert not any(form in stored() for form in forms(secret))
    reply = anna.send("/account/second-factor", code=code_of(secret, 0), current=PASSWORD)
    codes = re.findall(r"<li>([a-z0-9-]{14})</li>", reply.text)
    assert not any(form in stored() for form in forms(secret))
    assert not any(code in stored() or code.replace("-", "") in stored() for code in codes)
    sealed = db.session.scalar(select(SecondFactor.secret))
    key = anna.application.config["SECRET_KEY"]
    assert second_factor.unseal(sealed, officer_id=anna.officer_id, key=key) == secret


def test_a_secret_is_bound_to_its_officer_and_to_the_key_of_the_server() -> None:
    sealed = second_factor.seal("JBSWY3DPEHPK3PXP", officer_id=1, key="a" * 40)
    assert second_factor.seal("JBSWY3DPEHPK3PXP", officer_id=1, key="a" * 40) != sealed
    for officer_id, key in [(2, "a" * 40), (1, "b" * 40)]:
        with pytest.raises(RuleBroken, match="Ask an administrator to reset it"):
            second_factor.unseal(sealed, officer_id=officer_id, key=key)


def test_the_log_in_goes_on_under_a_new_token_when_its_rights_rise(
    anna: Client, other: Client
) -> None:
    before = cookie_of(anna)
    set_up(anna)
    after = cookie_of(anna)
    assert after not in ("", before)
    assert is_in(anna)
    other.set_cookie(security.COOKIE, before)
    assert not is_in(other)


# --- Logging in ------------------------------------------------------------------------------


def test_the_password_alone_opens_nothing(anna: Client, other: Client) -> None:
    set_up(anna)
    logins = select(func.count()).select_from(OfficerSession)
    before = db.session.scalar(logins)
    reply = type_password(other)
    assert (reply.status_code, reply.location) == (303, "/login/code")
    assert not cookie_of(other)
    assert db.session.scalar(logins) == before
    assert other.get("/account").location == "/login?next=/account"
    assert other.send("/account").status_code == 401


def test_password_and_code_open_the_log_in(anna: Client, other: Client) -> None:
    secret, _ = set_up(anna)
    type_password(other)
    assert 'name="code"' in other.get("/login/code").text
    reply = other.send("/login/code", code=code_of(secret))
    assert (reply.status_code, reply.location) == (303, "/account?from=mail")
    assert is_in(other)
    assert db.session.scalar(select(func.count()).select_from(LoginAttempt)) == 0


def test_a_token_that_somebody_planted_is_not_taken_over(anna: Client, other: Client) -> None:
    secret, _ = set_up(anna)
    other.set_cookie(security.COOKIE, "chosen-by-the-attacker")
    type_password(other)
    other.send("/login/code", code=code_of(secret))
    assert cookie_of(other) not in ("", "chosen-by-the-attacker")
    planted = anna.application.test_client()
    planted.set_cookie(security.COOKIE, "chosen-by-the-attacker")
    assert not is_in(planted)  # type: ignore[arg-type]


@pytest.mark.parametrize(("step", "status"), [(-2, 400), (-1, 303), (0, 303), (1, 303), (2, 400)])
def test_a_telephone_may_be_a_half_minute_off_and_no_more(
    anna: Client, other: Client, step: int, status: int
) -> None:
    secret, _ = set_up(anna)
    moment = datetime.now(UTC).timestamp() % 30
    if moment > 25:
        pytest.skip("the half minute is about to end")
    db.session.execute(text("UPDATE second_factor SET last_step = 0"))
    db.session.commit()
    type_password(other)
    assert other.send("/login/code", code=code_of(secret, step)).status_code == status


def test_a_code_works_once(anna: Client, other: Client) -> None:
    secret, _ = set_up(anna)
    code = code_of(secret)
    type_password(other)
    assert other.send("/login/code", code=code).status_code == 303
    thief = anna.application.test_client()
    type_password(thief)  # type: ignore[arg-type]
    for replayed in (code, code_of(secret, 0)):  # and none from before it
        reply = thief.send("/login/code", code=replayed)  # type: ignore[attr-defined]
        assert (reply.status_code, WRONG in reply.text) == (400, True)
    assert not is_in(thief)  # type: ignore[arg-type]


def test_guessing_codes_is_throttled_with_the_password(
    app: Flask, anna: Client, other: Client, figures: Callable[[str], None]
) -> None:
    secret, _ = set_up(anna)
    wrong = wrong_code(secret)
    type_password(other)
    for _ in range(app.config["LOGIN_TRIES"]):
        assert WRONG in other.send("/login/code", code=wrong).text
        # The right password in between buys no new tries.
        type_password(other)
    reply = other.send("/login/code", code=code_of(secret))
    assert reply.status_code == 429
    assert 0 < int(reply.headers["Retry-After"]) <= app.config["LOGIN_WAIT_MINUTES"] * 60
    assert type_password(other).status_code == 429
    assert not is_in(other)
    tries, wait = app.config["LOGIN_TRIES"], app.config["LOGIN_WAIT_MINUTES"]
    figures(f"B6: {tries} wrong codes with the right password each time, then {wait} min of 429")


def test_a_wrong_code_is_in_the_trail_as_a_failed_log_in(anna: Client, other: Client) -> None:
    secret, _ = set_up(anna)
    type_password(other)
    other.send("/login/code", code=wrong_code(secret))
    other.send("/login/code", code=code_of(secret))
    acts = db.session.execute(
        text(
            "SELECT verb, record_id FROM audit_entry WHERE verb IN ('login', 'login_failed')"
            " ORDER BY id"
        )
    ).all()
    assert acts == [("login_failed", anna.officer_id), ("login", anna.officer_id)]


@pytest.mark.parametrize(
    "change",
    [
        "password_hash = 'other'",
        "left_on = CURRENT_DATE - 1",
        "second_factor_since = NULL",
        "password_hash = NULL",
    ],
)
def test_half_a_log_in_ends_with_what_it_was_begun_with(
    anna: Client, other: Client, change: str
) -> None:
    secret, _ = set_up(anna)
    type_password(other)
    db.session.execute(text(f"UPDATE officer SET {change} WHERE username = 'anna'"))  # noqa: S608
    db.session.commit()
    reply = other.send("/login/code", code=code_of(secret))
    assert "Type your password again." in reply.text
    assert not is_in(other)
    assert other.get("/login/code").location == "/login"


def test_half_a_log_in_lasts_five_minutes(
    anna: Client, other: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_up(anna)
    monkeypatch.setattr("views.account.MINUTES_FOR_CODE", 0)
    type_password(other)
    reply = other.get("/login/code")
    assert (reply.status_code, reply.location) == (303, "/login?next=/account?from%3Dmail")


def test_without_a_password_nobody_is_asked_for_a_code(other: Client, session: Any) -> None:
    assert other.get("/login/code").location == "/login"
    assert other.send("/login/code", code="000000").location == "/login"


def test_logging_in_over_a_log_in_ends_that_first(anna: Client) -> None:
    secret, _ = set_up(anna)
    reply = type_password(anna)
    assert reply.location == "/login?next=/account?from%3Dmail"
    assert not is_in(anna)
    type_password(anna)
    assert anna.send("/login/code", code=code_of(secret)).status_code == 303


# --- Recovery codes --------------------------------------------------------------------------


def test_a_recovery_code_works_once_in_the_place_of_the_telephone(
    anna: Client, other: Client
) -> None:
    _, codes = set_up(anna)
    assert len(set(codes)) == 10
    assert "10 recovery codes are left." in anna.get("/account").text
    type_password(other)
    assert other.send("/login/code", code=codes[3].upper()).status_code == 303
    assert "9 recovery codes are left." in other.get("/account").text
    other.send("/logout")
    type_password(other)
    assert WRONG in other.send("/login/code", code=codes[3]).text
    assert other.send("/login/code", code=f" {codes[4].replace('-', ' ')} ").status_code == 303


def test_the_code_of_somebody_else_opens_nothing(
    anna: Client, other: Client, as_role: Callable[..., Client]
) -> None:
    set_up(anna)
    _, codes = set_up(as_role(Role.HANDLER, username="boris", name="Boris"))
    type_password(other)
    assert WRONG in other.send("/login/code", code=codes[0]).text


def test_codes_are_shown_once_and_new_ones_end_the_old(anna: Client, other: Client) -> None:
    secret, old = set_up(anna)
    page = anna.get("/account/second-factor")
    assert not any(code in page.text for code in old)
    before = cookie_of(anna)
    typed = {"csrf_token": anna.token(), "current": PASSWORD, "code": old[0]}
    packs = {"Accept-Encoding": "gzip"}
    reply = anna.post("/account/recovery-codes", data=typed, headers=packs)
    new = re.findall(r"<li>([a-z0-9-]{14})</li>", reply.text)
    assert len(new) == 10
    assert not set(new) & set(old)
    assert reply.headers["Cache-Control"] == "no-store"
    assert "Content-Encoding" not in reply.headers
    assert cookie_of(anna) not in ("", before)
    type_password(other)
    assert WRONG in other.send("/login/code", code=old[1]).text
    assert other.send("/login/code", code=new[1]).status_code == 303
    assert secret


@pytest.mark.parametrize("path", ["recovery-codes", "take-second-factor-away"])
@pytest.mark.parametrize("wrong", ["current", "code"])
def test_nothing_is_done_to_the_second_factor_without_password_and_code(
    app: Flask, anna: Client, path: str, wrong: str
) -> None:
    secret, codes = set_up(anna)
    fields = {"current": PASSWORD, "code": codes[0]}
    fields[wrong] = wrong_code(secret)
    for _ in range(app.config["LOGIN_TRIES"]):
        assert anna.send(f"/account/{path}", **fields).status_code == 400
    right = {"current": PASSWORD, "code": codes[1]}
    assert anna.send(f"/account/{path}", **right).status_code == 429
    assert officer_of(anna).second_factor_since is not None


# --- Taking it away --------------------------------------------------------------------------


def test_who_takes_it_away_logs_in_with_the_password_again(anna: Client, other: Client) -> None:
    secret, _ = set_up(anna)
    reply = anna.send("/account/take-second-factor-away", current=PASSWORD, code=code_of(secret))
    assert reply.location == "/account"
    assert db.session.scalar(select(func.count()).select_from(SecondFactor)) == 0
    assert db.session.scalar(select(func.count()).select_from(RecoveryCode)) == 0
    assert type_password(other).location == "/account?from=mail"
    assert is_in(other)  # PASSWORD is long enough to stand alone


def test_with_it_a_password_may_be_short_and_without_it_no_more(
    anna: Client, other: Client
) -> None:
    typed = {"current": PASSWORD, "password": SHORT_PASSWORD, "again": SHORT_PASSWORD}
    assert "at least 15 characters" in anna.send("/account", **typed).text
    secret, codes = set_up(anna)
    assert "8 to 256 characters" in anna.get("/account").text
    assert anna.send("/account", **typed).status_code == 303
    anna.send("/account/take-second-factor-away", current=SHORT_PASSWORD, code=codes[0])
    assert anna.get("/admin/").location == "/account/password"
    typed = {"current": SHORT_PASSWORD, "password": "kettle-99", "again": "kettle-99"}
    assert "at least 15 characters" in anna.send("/account/password", **typed).text
    typed |= {"password": OTHER_PASSWORD, "again": OTHER_PASSWORD}
    assert anna.send("/account/password", **typed).location == "/account"
    assert anna.get("/admin/").status_code == 200
    assert secret


def test_an_administrator_resets_it_which_ends_log_ins_and_is_in_the_trail(
    anna: Client, other: Client, as_role: Callable[..., Client]
) -> None:
    set_up(anna)
    ada = as_role(Role.ADMINISTRATOR)
    page = ada.get(f"/account/officers/{anna.officer_id}")
    assert "Take the second factor away" in page.text
    assert ada.send(f"/account/officers/{anna.officer_id}", second_factor="away").status_code == 303
    assert not is_in(anna)
    assert officer_of(anna).second_factor_since is None
    by = db.session.execute(
        text(
            "SELECT officer_id, changes -> 'second_factor_since' -> 1 FROM audit_entry"
            " WHERE record_type = 'officer' AND record_id = :id AND verb = 'update'"
            " ORDER BY id DESC LIMIT 1"
        ),
        {"id": anna.officer_id},
    ).one()
    assert by == (ada.officer_id, None)
    type_password(other)
    assert other.get("/admin/").location == "/account/password"  # its password may be short


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMINISTRATOR])
def test_nobody_else_resets_it(anna: Client, as_role: Callable[..., Client], role: Role) -> None:
    set_up(anna)
    reply = as_role(role).send(f"/account/officers/{anna.officer_id}", second_factor="away")
    assert reply.status_code == 403
    assert officer_of(anna).second_factor_since is not None


def test_a_key_of_the_server_that_has_changed_is_said_in_a_sentence(
    app: Flask, anna: Client, other: Client
) -> None:
    _, codes = set_up(anna)
    db.session.execute(text("UPDATE second_factor SET secret = '\\x00112233445566778899aabbcc'"))
    db.session.commit()
    type_password(other)
    reply = other.send("/login/code", code="000000")
    assert "Ask an administrator to reset it." in reply.text
    assert other.send("/login/code", code=codes[0]).status_code == 303


def test_the_command_takes_away_what_the_only_administrator_lost(
    app: Flask, anna: Client, other: Client
) -> None:
    set_up(anna)

    def run(*arguments: str) -> tuple[int, str]:
        done = app.test_cli_runner().invoke(args=["reset-second-factor", *arguments])
        return done.exit_code, done.output

    assert run("ANNA") == (0, "The second factor of Anna is taken away; 1 log-ins ended.\n")
    assert not is_in(anna)
    assert type_password(other).location == "/account?from=mail"
    assert run("anna") == (1, "Error: Anna has no second factor.\n")
    assert run("nobody") == (1, "Error: There is no officer with the username nobody.\n")


# --- What comes before anything else ---------------------------------------------------------


def test_who_was_given_a_password_chooses_one_before_anything_else(
    client: Client, as_role: Callable[..., Client]
) -> None:
    anna = make_officer(username="anna", name="Anna")
    page = as_role(Role.ADMINISTRATOR).send(f"/account/officers/{anna.id}", password="new").text
    (password,) = re.findall(r"shown-once\">([a-z0-9-]{23})<", page)
    type_password(client, password=password)
    for path in ("/admin/", "/account", "/admin/grievance/", "/account/second-factor"):
        assert client.get(path).location == "/account/password"
    assert client.send("/admin/saved-view/new/", name="x").status_code == 403
    page = client.get("/account/password").text
    assert "Somebody else knows the password you have." in page
    assert 'href="/admin/grievance/"' not in page
    before = cookie_of(client)
    typed = {"current": password, "password": OTHER_PASSWORD, "again": OTHER_PASSWORD}
    assert client.send("/account/password", **typed).location == "/account"
    assert cookie_of(client) not in ("", before)
    assert client.get("/admin/").status_code == 200
    assert client.get("/account/password").location == "/account"


def test_who_must_choose_a_password_can_log_out(client: Client, session: Any) -> None:
    make_officer(username="anna", must_change_password=True)
    type_password(client)
    assert client.send("/logout").location == "/login"


@pytest.fixture
def strict(app: Flask) -> Any:
    """The application where administrators and handlers must have a second factor."""
    before = app.config["SECOND_FACTOR_ROLES"]
    app.config["SECOND_FACTOR_ROLES"] = frozenset({Role.ADMINISTRATOR, Role.HANDLER})
    yield app
    app.config["SECOND_FACTOR_ROLES"] = before


def test_who_must_have_a_second_factor_sets_it_up_before_anything_else(
    strict: Flask, client: Client
) -> None:
    make_officer(username="anna", roles=[Role.HANDLER])
    type_password(client)
    for path in ("/admin/", "/account", "/admin/grievance/", "/account/password"):
        assert client.get(path).location == "/account/second-factor"
    assert client.send("/account", current="x").status_code == 403
    page = client.get("/account/second-factor").text
    assert "Your role calls for a second factor" in page
    assert 'href="/admin/grievance/"' not in page
    before = cookie_of(client)
    secret, _ = set_up(client)
    assert cookie_of(client) not in ("", before)
    assert client.get("/admin/").status_code == 200
    client.send("/logout")
    type_password(client)
    client.send("/login/code", code=code_of(secret))
    assert client.get("/admin/").status_code == 200


def test_of_both_duties_the_password_comes_first(strict: Flask, client: Client) -> None:
    make_officer(username="anna", roles=[Role.HANDLER], must_change_password=True)
    type_password(client)
    assert client.get("/account/second-factor").location == "/account/password"


def test_other_roles_are_not_asked_for_it(strict: Flask, as_role: Callable[..., Client]) -> None:
    assert as_role(Role.INTAKE).get("/admin/").status_code == 200


@pytest.mark.parametrize(
    ("settings", "roles"),
    [
        ({}, set()),
        ({"PRODUCTION": True}, set(Role) - {Role.HANDLER, Role.OFFICE_HEAD, Role.LEAD_OFFICIAL}),
        ({"SECOND_FACTOR_ROLES": "all"}, set(Role)),
        ({"SECOND_FACTOR_ROLES": "none", "PRODUCTION": True}, set()),
        ({"SECOND_FACTOR_ROLES": "auditor, decider"}, {Role.AUDITOR, Role.DECIDER}),
    ],
)
def test_the_roles_that_must_have_it_are_a_setting(
    database_url: str, tmp_path: Any, settings: dict[str, Any], roles: set[Role]
) -> None:
    app = make_app(database_url, tmp_path, **settings)
    assert app.config["SECOND_FACTOR_ROLES"] == roles


def test_a_role_that_is_none_is_refused_at_the_start(database_url: str, tmp_path: Any) -> None:
    with pytest.raises(SettingWrong, match="Name roles with blanks between"):
        make_app(database_url, tmp_path, SECOND_FACTOR_ROLES="tsar")


# --- At once ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["telephone", "recovery"])
def test_a_code_that_is_sent_many_times_at_once_opens_one_log_in(
    committed: Flask, kind: str, figures: Callable[[str], None]
) -> None:
    secret = second_factor.new_secret()
    with committed.app_context():
        officer = make_officer(username="anna")
        code = code_of(secret, 0)
        key = committed.config["SECRET_KEY"]
        codes = second_factor.set_up(officer, secret, code, key=key, now=datetime.now(UTC))
        # As many tries as there are threads, so that it is not the throttle that holds them back.
        limit = replace(limits(), tries=20)
        now, today = datetime.now(UTC), security.today()
        visitor = accounts.Visitor("192.0.2.1", "Desk", now, today)
        half_way = accounts.log_in("anna", PASSWORD, visitor=visitor, limits=limit)
        assert isinstance(half_way, accounts.HalfWay)
        db.session.commit()
    sent = code_of(secret) if kind == "telephone" else codes[0]

    def attempt(_: int) -> bool:
        with committed.app_context():
            try:
                accounts.log_in_with_code(half_way, sent, visitor=visitor, limits=limit)
            except RuleBroken:
                db.session.rollback()
                return False
            db.session.commit()
            return True

    with ThreadPoolExecutor(8) as pool:
        opened = sum(pool.map(attempt, range(16)))
    figures(f"B6: one {kind} code sent 16 times at once: {opened} log-in opened")
    assert opened == 1

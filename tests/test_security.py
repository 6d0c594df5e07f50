"""Who is asking, and what they may see and do (promises A1, A2, A5, B3, B4, B5)."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient
from flask_login import current_user
from sqlalchemy import select, text
from werkzeug.exceptions import Forbidden, NotFound

import security
from actions import accounts
from limits import SMALL_BODY
from models import (
    RECORD_TYPES,
    AuditEntry,
    ExportRecord,
    Grievance,
    Identity,
    Officer,
    OfficeRecord,
    OfficerSession,
    PlanStep,
    RetaliationReport,
    SavedView,
    db,
)
from rules.permissions import READS_EVERY_OFFICE, Role, Verb, may
from tests import factories
from tests.conftest import make_app
from tests.statements import statements
from views.account import limits

NOBODY_LISTENS = "postgresql+psycopg2://nobody@127.0.0.1:1/none"
NOT_IDS = [
    "1,2", "abc", "-1", "0", "", " 1", "1 ", "+1", "1.0", "1e3", "０", "１", "٣", "0x1", str(2**63),
    "9" * 19, "1" * 5000, "1\0", "\0", "1;DROP TABLE office", "1 OR 1=1", None,
]  # fmt: skip


def make_office(code: str, parent: int | None = None) -> int:
    return int(factories.make_office(code=code, name=f"Office {code}", parent_id=parent).id)


def make_officer(username: str, office: int, *roles: Role) -> int:
    officer = factories.make_officer(
        username=username, name=username.title(), office_id=office, roles=list(roles)
    )
    return int(officer.id)


def make_grievance(
    title: str, responsible: int | None = None, respondent: int | None = None
) -> int:
    grievance = factories.make_grievance(
        title=title, responsible_office_id=responsible, respondent_office_id=respondent
    )
    return int(grievance.id)


def token_for(app: Flask, officer: int) -> str:
    with app.test_request_context():
        visitor = accounts.Visitor("192.0.2.1", "Desk", datetime.now(UTC), security.today())
        token = accounts.start_session(officer, visitor=visitor, limits=limits())
        db.session.commit()
    return token


@contextmanager
def request_of(app: Flask, officer: int | None, path: str = "/") -> Iterator[None]:
    """Within the block, a request of this officer is being answered."""
    cookie = f"{security.COOKIE}={token_for(app, officer)}" if officer else ""
    with app.test_request_context(path, headers={"Cookie": cookie}):
        yield


def seen(app: Flask, officer: int, model: Any) -> set[int]:
    """Return the ids of the rows of `model` that the officer sees."""
    with request_of(app, officer):
        query, scope = select(model.id), security.visible(model)
        return set(db.session.scalars(query if scope is None else query.where(scope)))


@pytest.fixture
def tree(session: Any) -> dict[str, int]:
    """Offices: district over works and parks; works over roads; and a town beside."""
    district = make_office("district")
    works, parks = make_office("works", district), make_office("parks", district)
    return {
        "district": district,
        "works": works,
        "parks": parks,
        "roads": make_office("roads", works),
        "town": make_office("town"),
    }


# --- Who -------------------------------------------------------------------------------------


def test_without_a_log_in_there_is_no_officer_and_no_right(
    app: Flask, tree: dict[str, int]
) -> None:
    make_grievance("A hole", tree["roads"])
    with request_of(app, None):
        assert security.current_officer() is None
        assert security.roles() == frozenset()
        assert security.visible_offices() == frozenset()
        assert not current_user.is_authenticated
        for model in RECORD_TYPES:
            assert not any(security.can(verb, model) for verb in Verb)
            scope = security.visible(model)
            assert scope is not None
            assert db.session.scalars(select(model.id).where(scope)).all() == []


def test_the_officer_of_a_request_stays_readable_after_a_commit_and_a_rollback(
    app: Flask, tree: dict[str, int]
) -> None:
    anna = make_officer("anna", tree["roads"], Role.HANDLER)
    with request_of(app, anna):
        officer = security.current_officer()
        assert officer
        assert current_user == officer
        db.session.commit()
        db.session.rollback()
        with statements() as sent:
            assert (officer.name, officer.office.name) == ("Anna", "Office roads")
            assert security.roles() == {Role.HANDLER}
        assert sent == []


def test_the_copy_of_the_officer_does_not_disturb_the_record_that_is_being_changed(
    app: Flask, tree: dict[str, int]
) -> None:
    anna = make_officer("anna", tree["roads"], Role.HANDLER)
    with request_of(app, anna):
        record = db.session.get_one(Officer, anna)
        record.duty = "Foreman"
        assert security.current_officer() is not record
        db.session.commit()
    assert db.session.scalar(select(Officer.duty).where(Officer.id == anna)) == "Foreman"


def test_every_transaction_of_a_request_tells_the_database_who_acts(
    app: Flask, tree: dict[str, int]
) -> None:
    read = text(
        "SELECT redress_officer(), current_setting('redress.request_id', true), current_user"
    )
    anna = make_officer("anna", tree["roads"], Role.HANDLER)
    with request_of(app, anna):
        assert security.current_officer()
        first = db.session.execute(read).one()
        db.session.commit()
        assert db.session.execute(read).one() == first
        db.session.rollback()
        assert db.session.execute(read).one() == first
        assert first == (anna, security.request_id(), "redress_app")
        assert 20 <= len(security.request_id()) <= 40
    with request_of(app, None):
        assert db.session.execute(read).one() == (None, security.request_id(), "redress_app")
    with app.app_context():
        with security.acting_for(anna):
            assert db.session.execute(read).one() == (anna, "", "redress_app")
        db.session.rollback()
        assert db.session.scalar(text("SELECT redress_officer()")) == 0


# --- What they may see -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("office", "sees"),
    [
        ("district", {"district", "works", "parks", "roads"}),
        ("works", {"works", "roads"}),
        ("roads", {"roads"}),
        ("town", {"town"}),
    ],
)
def test_an_officer_sees_their_office_and_those_below(
    app: Flask, tree: dict[str, int], office: str, sees: set[str]
) -> None:
    anna = make_officer("anna", tree[office], Role.HANDLER)
    with request_of(app, anna), statements() as sent:
        assert security.visible_offices() == {tree[name] for name in sees}
        assert security.visible_offices() == {tree[name] for name in sees}
    assert len([one for one in sent if "RECURSIVE" in one]) == 1
    assert len(sent) == 3  # who it is, naming them, the offices


@pytest.mark.parametrize("role", sorted(READS_EVERY_OFFICE))
def test_some_roles_see_every_office(app: Flask, tree: dict[str, int], role: Role) -> None:
    anna = make_officer("anna", tree["roads"], Role.HANDLER, role)
    hidden = make_grievance("Not routed yet")
    with request_of(app, anna):
        assert security.visible_offices() is None
        assert security.visible(Grievance) is None
        assert security.load(Grievance, hidden).title == "Not routed yet"


TODAY = datetime.now(UTC).date()
LONG_AGO, YESTERDAY = TODAY - timedelta(days=90), TODAY - timedelta(days=2)
SOON = TODAY + timedelta(days=30)


@pytest.mark.parametrize(
    ("member", "assigned", "sees_it"),
    [
        ((LONG_AGO, None), (LONG_AGO, None), True),
        ((LONG_AGO, SOON), (LONG_AGO, SOON), True),
        ((LONG_AGO, YESTERDAY), (LONG_AGO, None), False),
        ((LONG_AGO, None), (LONG_AGO, YESTERDAY), False),
        ((SOON, None), (LONG_AGO, None), False),
        ((LONG_AGO, None), (SOON, None), False),
    ],
)
def test_a_supervisor_sees_the_offices_their_group_is_assigned_to_today(
    app: Flask,
    tree: dict[str, int],
    member: tuple[date, date | None],
    assigned: tuple[date, date | None],
    sees_it: bool,
) -> None:
    group = factories.make_supervision_group().id
    factories.make_supervision_assignment(
        group_id=group, office_id=tree["works"], starts_on=assigned[0], ends_on=assigned[1]
    )
    for username, role in [("sven", Role.SUPERVISOR), ("hana", Role.HANDLER)]:
        officer = make_officer(username, tree["town"], role)
        factories.make_group_membership(
            group_id=group, officer_id=officer, starts_on=member[0], ends_on=member[1]
        )
        expected = {tree["town"]}
        if sees_it and role is Role.SUPERVISOR:  # the role is needed as well
            expected |= {tree["works"], tree["roads"]}
        with request_of(app, officer):
            assert security.visible_offices() == expected


def test_a_grievance_is_seen_by_the_office_complained_about_and_by_the_responsible_one(
    app: Flask, tree: dict[str, int]
) -> None:
    ours = make_grievance("Ours to mend", responsible=tree["roads"], respondent=tree["town"])
    about_us = make_grievance("About us", responsible=tree["town"], respondent=tree["roads"])
    make_grievance("Of others", responsible=tree["parks"], respondent=tree["town"])
    make_grievance("Not routed yet")
    anna = make_officer("anna", tree["works"], Role.HANDLER)
    assert seen(app, anna, Grievance) == {ours, about_us}


def test_what_belongs_to_a_grievance_is_seen_where_the_grievance_is(
    app: Flask, tree: dict[str, int]
) -> None:
    steps = {}
    for name in ("roads", "parks"):
        grievance = make_grievance(f"At {name}", responsible=tree[name])
        steps[name] = factories.make_plan_step(grievance_id=grievance).id
    anna = make_officer("anna", tree["works"], Role.HANDLER)
    assert seen(app, anna, PlanStep) == {steps["roads"]}


def test_a_saved_view_is_seen_by_its_owner_and_those_who_read_the_trail(
    app: Flask, tree: dict[str, int]
) -> None:
    anna = make_officer("anna", tree["roads"], Role.HANDLER)
    boris = make_officer("boris", tree["roads"], Role.HANDLER)
    audra = make_officer("audra", tree["town"], Role.AUDITOR)
    views = {officer: factories.make_saved_view(officer_id=officer).id for officer in (anna, boris)}
    assert seen(app, anna, SavedView) == {views[anna]}
    assert seen(app, audra, SavedView) == set(views.values())
    with request_of(app, audra):
        other = security.load(SavedView, views[anna])
        assert security.can(Verb.EDIT, SavedView)
        assert not security.can(Verb.EDIT, other)  # she reads it; it is not hers to change
    with request_of(app, anna):
        assert security.can(Verb.EDIT, security.load(SavedView, views[anna]))
        with pytest.raises(NotFound):
            security.load(SavedView, views[boris])


@pytest.mark.parametrize("role", list(Role))
def test_the_scope_of_every_record_type_is_a_condition_the_database_takes(
    app: Flask, tree: dict[str, int], role: Role
) -> None:
    anna = make_officer("anna", tree["works"], role)
    with request_of(app, anna):
        for model in RECORD_TYPES:
            scope = security.visible(model)
            query = select(model.id)
            db.session.scalars(query if scope is None else query.where(scope)).all()
            assert model.screen or str(scope) == "false"
            # A lane of its own; and who serves an office does not know of a visit without notice.
            is_kept = issubclass(model, OfficeRecord) and model.kept_from_line
            if model is RetaliationReport or is_kept:
                assert (scope is None) is (role is Role.AUDITOR)
            elif issubclass(model, OfficeRecord):
                assert (scope is None) is (role in READS_EVERY_OFFICE)


@pytest.mark.parametrize("value", NOT_IDS)
def test_what_is_no_id_is_not_found(app: Flask, tree: dict[str, int], value: Any) -> None:
    make_grievance("One", tree["roads"])
    ada = make_officer("ada", tree["roads"], Role.ADMINISTRATOR)
    assert security.parse_id(value) is None or value == "9" * 19
    with request_of(app, ada):
        security.current_officer()
        with statements() as sent, pytest.raises(NotFound):
            security.load(Grievance, value)
    assert sent == []


def test_a_record_out_of_scope_looks_like_one_that_is_not_there(
    app: Flask, tree: dict[str, int]
) -> None:
    theirs = make_grievance("Theirs", tree["parks"])
    gone = make_grievance("Gone", tree["roads"])
    db.session.execute(text("DELETE FROM grievance WHERE id = :id"), {"id": gone})
    db.session.commit()
    anna = make_officer("anna", tree["roads"], Role.HANDLER)
    outcomes = []
    for number in (theirs, gone, 2**62):
        with request_of(app, anna), pytest.raises(NotFound) as refused:
            security.load(Grievance, number)
        outcomes.append(refused.value.description)
    assert len(set(outcomes)) == 1


def test_readable_columns_leave_out_secrets_and_what_is_for_other_roles(
    app: Flask, tree: dict[str, int]
) -> None:
    readable = {}
    for role in (Role.HANDLER, Role.ADMINISTRATOR):
        officer = make_officer(role.value, tree["roads"], role)
        with request_of(app, officer):
            readable[role] = {
                model: security.readable_columns(model)
                for model in (Officer, OfficerSession, Grievance)
            }
    handler, administrator = readable[Role.HANDLER], readable[Role.ADMINISTRATOR]
    assert "password_hash" not in administrator[Officer]
    assert not {"token_hash", "data"} & set(administrator[OfficerSession])
    assert "email" in administrator[Officer]
    assert "email" not in handler[Officer]
    assert "address" not in handler[OfficerSession]
    assert {"category", "responsible_office", "state"} <= set(handler[Grievance])
    assert not {"category_id", "responsible_office_id"} & set(handler[Grievance])
    assert "import_batch" in administrator[Grievance]
    assert "import_batch" not in handler[Grievance]  # a handler does not read imports
    with request_of(app, None):
        assert "email" not in security.readable_columns(Officer)


# --- What they may do ------------------------------------------------------------------------


@pytest.mark.parametrize("role", list(Role))
def test_rights_follow_the_matrix(app: Flask, tree: dict[str, int], role: Role) -> None:
    anna = make_officer("anna", tree["roads"], role)
    with request_of(app, anna):
        for model in RECORD_TYPES:
            for verb in Verb:
                changes = verb in (Verb.CREATE, Verb.EDIT, Verb.DELETE)
                expected = (
                    model.screen
                    and may(frozenset({role}), model.desk, verb)
                    and not (changes and model.read_only)
                )
                assert security.can(verb, model) is bool(expected), (model, verb)


def test_nobody_reads_identity_and_nobody_writes_what_is_only_to_be_read(
    app: Flask, tree: dict[str, int]
) -> None:
    officer = make_officer("all", tree["roads"], *Role)
    with request_of(app, officer):
        assert not any(security.can(verb, Identity) for verb in Verb)
        for model in (AuditEntry, ExportRecord, OfficerSession):
            assert security.can(Verb.READ, model)
            assert not any(
                security.can(verb, model) for verb in (Verb.CREATE, Verb.EDIT, Verb.DELETE)
            )
            with pytest.raises(Forbidden):
                security.require(Verb.EDIT, model)


# --- What every request passes ---------------------------------------------------------------


def our_app(app: Flask, **settings: Any) -> Flask:
    """Return another application on the same database, so that routes can be added to it."""
    url = app.config["SQLALCHEMY_DATABASE_URI"]
    return make_app(url, Path(app.config["INSTANCE"]), **settings)


@pytest.fixture
def anna(tree: dict[str, int]) -> int:
    return make_officer("anna", tree["roads"], Role.HANDLER)


def signed_in(app: Flask, officer: int) -> FlaskClient:
    client = app.test_client()
    with app.app_context():
        name = security.cookie_name()
    client.set_cookie(name, token_for(app, officer), secure=app.config["PRODUCTION"])
    return client


def test_a_view_that_says_nothing_needs_a_log_in(app: Flask, anna: int) -> None:
    ours = our_app(app)
    ours.add_url_rule("/forgotten", "forgotten", lambda: "inside", methods=["GET", "POST"])
    ours.add_url_rule("/open", "open", security.public(lambda: "open"))
    visitor = ours.test_client()
    assert visitor.get("/forgotten").status_code == 302
    assert visitor.post("/forgotten").status_code == 401
    assert visitor.open("/forgotten", method="OPTIONS").status_code == 401
    assert visitor.get("/open").text == "open"
    assert signed_in(ours, anna).get("/forgotten").text == "inside"


def test_without_a_log_in_no_body_is_read_and_only_little_is_taken(app: Flask, anna: int) -> None:
    ours = our_app(app)
    ours.add_url_rule("/forgotten", "forgotten", lambda: "inside", methods=["POST"])
    visitor = ours.test_client()
    big = {"username": "x" * (SMALL_BODY + 1)}
    assert visitor.post("/forgotten", data=big).status_code == 401
    assert visitor.post("/login", data=big).status_code == 413


@pytest.mark.parametrize(
    "address",
    ["/", "/account", "/admin/grievance/?flt=a%2Fb&page=2", "/a:b", "/信访?q=信", "/@evil.example"],
)
def test_a_path_of_ours_is_kept(address: str) -> None:
    assert security.local_path(address) == address


@pytest.mark.parametrize(
    "address",
    [
        None,
        "",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "\\/evil.example",
        "https://evil.example/",
        "https:evil.example",
        "https:/evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "evil.example",
        "?next=/",
        "#",
        " /",
        " //evil",
        "/\t/evil.example",
        "\t//evil.example",
        "/\n/evil.example",
        "/\r/evil.example",
        "/\0",
        "/x\x7f",
        "//[",
        "http://[",
        "/a\\..\\\\evil.example",
        "./x",
        "../x",
    ],  # fmt: skip
)
def test_an_address_that_may_lead_elsewhere_is_not_followed(address: str | None) -> None:
    assert security.local_path(address) is None


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/account%00", None),
        ("/account?a=%00", None),
        ("/account?%00=a", None),
        ("/login?next=/%00", None),
        ("/login", {"username": "a\0b"}),
        ("/login", {"a\0b": "x"}),
    ],
)
def test_a_null_character_anywhere_is_refused_in_words(
    app: Flask, client: FlaskClient, anna: int, path: str, fields: dict[str, str] | None
) -> None:
    for browser in (client, signed_in(app, anna)):
        reply = browser.post(path, data=fields) if fields else browser.get(path)
        assert reply.status_code == 400
        assert "holds a character that" in reply.text


def test_every_answer_carries_the_headers_that_protect_it(
    app: Flask, client: FlaskClient, anna: int
) -> None:
    inside = signed_in(app, anna)
    replies = [
        client.get("/login"),
        client.get("/account"),
        client.get("/nowhere"),
        client.post("/logout"),
        client.get("/static/redress.css"),
        client.get("/login?a=%00"),
        inside.get("/account"),
        inside.get("/admin/"),
        inside.post("/logout"),
    ]
    for reply in replies:
        policy = reply.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe-" not in policy
        assert reply.headers["X-Frame-Options"] == "DENY"
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert reply.headers["Referrer-Policy"] == "same-origin"
        assert "camera=()" in reply.headers["Permissions-Policy"]
        assert "Strict-Transport-Security" not in reply.headers
        static = reply.request.path.startswith("/static/")
        assert (reply.headers["Cache-Control"] == "no-store") is not static


def test_in_production_cookies_and_pages_are_for_https_and_this_host_only(
    app: Flask, anna: int
) -> None:
    ours = our_app(app, PRODUCTION=True)
    client = signed_in(ours, anna)
    https = {"base_url": "https://localhost"}
    page = client.get("/account", **https)
    assert page.status_code == 200
    assert page.headers["Strict-Transport-Security"].startswith("max-age=31536000")
    visitor = ours.test_client().get("/login", **https)
    (cookie,) = visitor.headers.getlist("Set-Cookie")
    assert cookie.startswith("__Host-redress_visitor=")
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found
    out = client.post(
        "/logout",
        data={"csrf_token": found[1]},
        headers={"Referer": "https://localhost/account"},
        **https,
    )
    (cookie,) = out.headers.getlist("Set-Cookie")
    assert cookie.startswith("__Host-redress_session=;")
    for part in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert part in cookie
    assert "Domain" not in cookie


def test_a_form_without_its_token_is_refused_with_a_way_back(app: Flask, anna: int) -> None:
    client = signed_in(app, anna)
    other = signed_in(app, anna)
    found = re.search(r'name="csrf_token" value="([^"]+)"', other.get("/account").text)
    assert found
    for fields in ({}, {"csrf_token": "forged"}, {"csrf_token": found[1]}):
        reply = client.post("/account/log-ins/end-others", data=fields)
        assert reply.status_code == 400
        assert "Go back: what you typed is still there." in reply.text
    assert other.get("/account").status_code == 200


# --- When things fail ------------------------------------------------------------------------


def test_what_a_view_left_uncommitted_is_not_committed_with_the_session(
    app: Flask, anna: int
) -> None:
    ours = our_app(app)

    def forgetful() -> str:
        db.session.get_one(Officer, anna).duty = "Never saved"
        db.session.flush()
        security.web_session["note"] = "kept"
        return "done"

    ours.add_url_rule("/forgetful", "forgetful", forgetful)
    client = signed_in(ours, anna)
    assert client.get("/forgetful").text == "done"
    assert db.session.scalar(select(Officer.duty).where(Officer.id == anna)) is None
    data = db.session.scalar(select(OfficerSession.data))
    assert data
    assert data["note"] == "kept"


@pytest.fixture
def without_database(tmp_path: Path) -> Flask:
    return make_app(NOBODY_LISTENS, tmp_path)


@pytest.mark.parametrize("path", ["/account", "/admin/", "/login"])
def test_a_lost_database_is_a_page_that_says_so(without_database: Flask, path: str) -> None:
    client = without_database.test_client()
    client.set_cookie(security.COOKIE, "whatever")
    reply = client.get(path)
    assert reply.status_code == 503
    assert "The database cannot be reached at the moment." in reply.text
    assert "psycopg2" not in reply.text
    assert "Retry-After" in reply.headers
    assert reply.headers["X-Frame-Options"] == "DENY"


def test_a_visitor_without_a_cookie_sees_the_log_in_page_even_so(without_database: Flask) -> None:
    assert without_database.test_client().get("/login").status_code == 200


def test_a_connection_lost_in_the_middle_is_made_anew_at_the_next_request(
    committed: Flask,
) -> None:
    def cut() -> str:
        db.session.execute(text("SET LOCAL ROLE none"))  # as the web server's login may not
        db.session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        return "never"

    committed.add_url_rule("/cut", "cut", cut)
    with committed.app_context():
        officer = make_officer("anna", make_office("roads"), Role.HANDLER)
        db.session.commit()
    client = signed_in(committed, officer)
    reply = client.get("/cut")
    assert reply.status_code == 503
    assert "terminating" not in reply.text
    assert client.get("/account").status_code == 200


def test_a_database_lost_at_the_end_of_a_request_does_not_take_its_answer(
    without_database: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    log_in = OfficerSession(id=1, officer_id=1, seen_at=datetime.now(UTC) - timedelta(hours=1))
    environ = {"redress.security": {"log_in": log_in}}
    with without_database.test_request_context(environ_overrides=environ):
        without_database.process_response(Response("saved"))
    assert "could not be kept" in caplog.text


@pytest.mark.parametrize("path", ["/admin", "/admin//grievance/", "/admin/grievance"])
def test_a_redirect_names_no_host_that_the_visitor_claims(app: Flask, path: str) -> None:
    reply = app.test_client().get(path, headers={"Host": "example.org"})
    assert reply.status_code in (301, 302, 308)
    assert reply.headers["Location"].startswith("/admin")

"""What nobody should send: every answer is a sentence with the right status, never a failure.
tests/fuzzing/ sends the rest.
"""

import io
import re
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import text
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

import embedded
from models import RECORD_TYPES, Category, Grievance, Office, PlanStep, db
from rules.permissions import Role
from tests.conftest import Client, make_app
from tests.factories import make_any, make_category, make_grievance, make_officer
from tests.proofs import in_turn
from tests.views.pages import address, assert_clean, record_form, row_ids, words

SCREENS = [model for model in RECORD_TYPES if model.screen]
WRITABLE = [model for model in SCREENS if not model.read_only]
BAD_IDS = [
    "1,2",
    "abc",
    "-1",
    "0",
    "",
    str(2**63),
    str(2**64),
    "9" * 5000,
    "1e3",
    "1.0",
    " 1",
    "١",
    "0x1",
    "1;DROP TABLE office",
    "' OR 1=1 --",
    "None",
]


@pytest.fixture
def administrator(as_role: Callable[..., Client]) -> Client:
    """Who may open every generated screen; retaliation is not the administrator's alone."""
    return as_role(Role.ADMINISTRATOR, Role.DECIDER)


def assert_words(page: TestResponse, *statuses: int) -> None:
    """Assert that the answer has one of `statuses` and is a page of ours with a sentence."""
    assert page.status_code in statuses, (page.request.path, page.status_code, words(page)[:300])
    assert_clean(page)
    if page.status_code >= 400:
        assert re.search(r"[.!]", words(page)), page.text
        assert "text/html" in page.content_type


# --- Addresses -------------------------------------------------------------------------------


@pytest.mark.parametrize("model", SCREENS, ids=lambda model: model.__name__)
def test_a_record_that_cannot_be_there_is_not_found(administrator: Client, model: Any) -> None:
    for bad in in_turn(BAD_IDS[:9], SCREENS.index(model)):
        assert_words(administrator.get(address(model, "details", id=quote(bad))), 404)
    for view in ("history", "edit", "delete"):
        assert_words(administrator.get(address(model, view, id="1,2")), 403, 404)


def test_no_spelling_of_a_number_reaches_another_record(administrator: Client) -> None:
    make_category(name="Hidden behind spellings")
    for view in ("details", "history", "edit", "delete"):
        assert_words(administrator.get(address(Category, view)), 404)
        for bad in BAD_IDS:
            page = administrator.get(address(Category, view, id=quote(bad)))
            assert_words(page, 404)
            assert "Hidden behind" not in page.text
    for bad in BAD_IDS:
        assert_words(administrator.send(address(Category, "delete"), id=bad), 404)
        assert_words(administrator.send(address(Category, "edit", id=quote(bad))), 404)


# What stands in a damaged link, and how it may be answered.
DAMAGED = {
    "page=-1": (200,),
    "page=abc": (200,),
    "after=xyz&page_size=-5": (200,),
    "sort=nope": (400,),
    "sort=id&desc=x&before=end": (200,),
    "flt0_id_equals=abc": (400,),
    "flt0_nope_equals=1": (400,),
    "search=" + "x" * 300: (400,),
    "search=%25%5F%5C": (200, 400),
    "page=%00": (400,),
    "search=a%00b": (400,),
    "after=WzEsMl0%00": (400,),
    "filter_what=nope&filter_value=1": (302,),
    "page_size=99999999999999999999": (200,),
    "%00=1": (400,),
    "%ff%fe=%ff": (200,),
    "sort=": (200,),
    "sort=id&sort=nope": (200,),
}


@pytest.mark.parametrize("model", SCREENS, ids=lambda model: model.__name__)
def test_every_list_survives_a_damaged_link(administrator: Client, model: Any) -> None:
    make_any(model)
    for query, statuses in in_turn(list(DAMAGED.items()), SCREENS.index(model)):
        assert_words(administrator.get(f"{address(model)}?{query}"), *statuses)


def test_addresses_that_lead_nowhere_say_so(administrator: Client, client: Client) -> None:
    for path in (
        "/nowhere",
        "/admin/nowhere/",
        "/admin/grievance/nowhere/",
        "/admin/grievance/export/",
        "/admin/grievance/export/exe/",
        "/admin/identity/",
        "/admin/identity-opening/",
        "/admin/login-attempt/",
    ):
        assert_words(administrator.get(path), 404)
    assert_words(administrator.get("/admin/grievance/action/"), 405)
    assert_words(
        administrator.post("/admin/grievance/", data={"csrf_token": administrator.token()}), 405
    )
    assert_words(client.get("/nowhere"), 404)


# --- Forms -----------------------------------------------------------------------------------


def test_a_megabyte_of_text_gets_a_sentence_and_is_kept(administrator: Client) -> None:
    big = "x" * 1_000_000
    for field in ("title", "description", "place"):
        page = administrator.send(address(Grievance, "new"), **({"title": "x"} | {field: big}))
        assert_words(page, 422)
        assert "characters" in words(page).replace(big, "")
        assert record_form(page)[field] == [big]


def test_more_than_the_server_takes_is_refused_in_words(administrator: Client) -> None:
    token = administrator.token()
    huge = "x" * 9_000_000
    page = administrator.post(address(Grievance, "new"), data={"csrf_token": token, "title": huge})
    assert_words(page, 413)
    assert_words(
        administrator.post(
            address(Category, "new"),
            data={"csrf_token": token, **{f"field{n}": "x" for n in range(30_000)}},
        ),
        413,
        422,
    )


@pytest.mark.parametrize("model", WRITABLE, ids=lambda model: model.__name__)
def test_a_null_character_in_any_field_is_refused_in_words(
    as_role: Callable[..., Client], model: Any
) -> None:
    client = as_role(Role.ADMINISTRATOR, Role.DECIDER)
    page = client.get(address(model, "new"))
    assert page.status_code == 200, words(page)
    fields = record_form(page)
    for key in fields:
        if key != "csrf_token":
            answer = client.post(address(model, "new"), data=fields | {key: "a\x00b"})
            assert_words(answer, 400)


@pytest.mark.parametrize("model", WRITABLE, ids=lambda model: model.__name__)
def test_wrong_values_in_every_field_at_once_are_told_beside_each(
    as_role: Callable[..., Client], model: Any
) -> None:
    client = as_role(Role.ADMINISTRATOR, Role.DECIDER)
    fields = record_form(client.get(address(model, "new")))
    for wrong in ("2026-99-99T99:99", "9" * 400, "\u202e\ufeff<b>", "%(x)s", "-1e999"):
        data = {key: wrong for key in fields if key != "csrf_token"}
        page = client.post(address(model, "new"), data=data | {"csrf_token": fields["csrf_token"]})
        assert_words(page, 302, 422)
        assert "<b>" not in page.text


def test_a_form_without_its_token_is_refused_with_a_way_back(administrator: Client) -> None:
    record = make_category()
    for path in (
        address(Category, "new"),
        address(Category, "edit", id=record.id),
        address(Category, "delete"),
        address(Category, "action"),
        address(Category, "ajax/update"),
    ):
        assert_words(administrator.post(path, data={"name": "x"}), 400)


def test_bodies_that_are_no_forms_are_refused_in_words(administrator: Client) -> None:
    for kind in (
        "application/json",
        "text/plain",
        "multipart/form-data; boundary=x",
        "multipart/form-data",
        "application/x-www-form-urlencoded; charset=nope",
    ):
        page = administrator.post(
            address(Category, "new"), data=b"\xff\xfe\x00{[", content_type=kind
        )
        assert_words(page, 400, 413, 415)


def test_a_host_that_is_none_is_refused_in_words(administrator: Client) -> None:
    for path in ("/admin/", "/admin/?a=%00"):
        page = administrator.get(path, headers={"Host": "a" * 300})
        assert_words(page, 400)
        assert page.headers["Content-Security-Policy"]


def test_a_file_or_json_in_place_of_text_is_no_failure(administrator: Client) -> None:
    token, path = administrator.token(), address(Category, "new")
    page = administrator.post(path, data={"csrf_token": token, "name": (io.BytesIO(b"x"), "x")})
    assert_words(page, 422)
    page = administrator.post(path, json=[1, 2], headers={"X-CSRFToken": token})
    assert_words(page, 422)


@pytest.mark.parametrize("model", [Category, Office])
def test_a_record_above_itself_is_refused_in_words(administrator: Client, model: Any) -> None:
    path = address(model, "edit", id=make_any(model).id)
    fields = record_form(administrator.get(path)) | {"parent": f"#{path.rpartition('=')[2]}"}
    page = administrator.post(path, data=fields)
    assert_words(page, 422)
    assert "below itself" in words(page)


# --- A lost database -------------------------------------------------------------------------


def let_in(app: Flask) -> Client:
    client = Client(app, use_cookies=True)
    with app.app_context():
        client.let_in(make_officer(roles=[Role.ADMINISTRATOR]))
        db.session.commit()
    return client


@pytest.fixture
def instance() -> Iterator[Path]:
    """A folder for a server of its own. Not pytest's: another run that begins takes from that the
    right to pass, which the server's user needs."""
    with tempfile.TemporaryDirectory(prefix="redress-lost-") as folder:
        yield Path(folder)


def test_a_stopped_database_is_told_in_words_and_its_return_needs_no_restart(
    instance: Path,
) -> None:
    with embedded.database(instance, "lost") as url:
        app = make_app(url, instance)
        with app.app_context():
            upgrade()
            make_grievance(title="Still here")
            db.session.commit()
        client = let_in(app)
        page = client.get(address(Grievance, "new"))
        fields = record_form(page) | {"title": "Typed while it was away"}
        assert client.get(address(Grievance)).status_code == 200
    # The block has ended: the server is stopped.
    for path in (
        "/admin/",
        address(Grievance),
        address(Grievance, "details", id=1),
        address(Grievance, "export/csv"),
        "/login",
        "/healthz",
    ):
        lost = client.get(path)
        assert lost.status_code in (200, 503) if path == "/login" else lost.status_code == 503
        assert_clean(lost)
        assert lost.headers.get("Retry-After") or path == "/login"
    lost = client.post(address(Grievance, "new"), data=fields)
    assert lost.status_code == 503
    assert "Nothing was saved" in lost.text
    with embedded.database(instance, "lost"):
        assert "Still here" in client.get(address(Grievance)).text
        assert client.post(address(Grievance, "new"), data=fields).status_code == 302
        assert client.get("/healthz").status_code == 200
        with app.app_context():
            db.engine.dispose()


def test_connections_that_were_cut_are_made_anew_without_a_word(committed: Flask) -> None:
    client = let_in(committed)
    assert client.get(address(Office)).status_code == 200
    with committed.app_context():
        engine = db.engine
    with Session(engine) as other:
        other.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
        for _ in range(3):
            assert client.get(address(Office)).status_code == 200


def test_a_connection_cut_in_the_middle_of_a_save_is_told_and_nothing_is_saved(
    committed: Flask,
) -> None:
    client = let_in(committed)
    with committed.app_context():
        record_id = make_category(name="As it was").id
        db.session.commit()
        engine = db.engine
    path = address(Category, "edit", id=record_id)
    fields = record_form(client.get(path)) | {"name": "Lost on its way"}
    answers: list[TestResponse] = []
    with Session(engine) as other:
        other.execute(text("LOCK TABLE category IN EXCLUSIVE MODE"))
        posting = threading.Thread(target=lambda: answers.append(client.post(path, data=fields)))
        posting.start()
        _cut_who_waits(other)
        posting.join(10)
        other.rollback()
        assert_words(answers[0], 503)
        assert "Nothing was saved" in answers[0].text
        assert other.scalar(text("SELECT name FROM category")) == "As it was"
    assert client.post(path, data=fields).status_code == 302


def _cut_who_waits(session: Session) -> None:
    for _ in range(500):
        cut = session.scalars(
            text("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE NOT granted")
        ).all()
        if cut:
            return
        threading.Event().wait(0.01)
    pytest.fail("nobody came to wait")


def test_a_plan_step_of_a_record_out_of_sight_is_not_made_by_guessing(
    as_role: Callable[..., Client], session: Any
) -> None:
    client = as_role(Role.HANDLER)
    hidden = make_grievance(title="Hidden")
    for guess in (hidden.id, f"#{hidden.id}", hidden.number, str(hidden)):
        page = client.send(
            address(PlanStep, "new"),
            subject="x",
            due_on="2026-07-01",
            grievance=str(guess),
            **{"grievance-id": str(hidden.id)},
        )
        assert_words(page, 422)
    assert row_ids(client.get(address(PlanStep))) == []

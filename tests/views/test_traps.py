"""The traps of Flask-Admin (design, flask-admin.md section 1), each put to ours and to stock.

A test asks both applications the same thing, over the same database: ours must pass, and stock
must fail, or the test would prove nothing. Trap 10 and trap 20 are about looks as well and get
their full tests with the theme; here no inline script may come in.
"""

import csv
import io
import re
import subprocess
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest
from flask import Flask
from flask_admin.contrib.fileadmin import BaseFileAdmin
from flask_admin.form import SecureForm
from itsdangerous import timed
from sqlalchemy import event, func, inspect, select, text
from sqlalchemy.orm import Query
from werkzeug.test import TestResponse
from wtforms.csrf.session import SessionCSRF

from config import HOME
from models import (
    RECORD_TYPES,
    Category,
    ExportRecord,
    Grievance,
    Office,
    Officer,
    PlanStep,
    SavedView,
    ServiceStandard,
    db,
)
from rules.grievance import StepState
from rules.permissions import Role
from tests.conftest import Client
from tests.factories import (
    make_any,
    make_category,
    make_grievance,
    make_office,
    make_officer,
    make_plan_step,
    make_saved_view,
    make_service_standard,
)
from tests.statements import statements
from tests.views.pages import address, assert_clean, forms, link, record_form, row_ids, words
from tests.views.stock import stock
from views.base import ROUTE_VERBS, RecordView

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of stock's own forms


@pytest.fixture
def ours(as_role: Callable[..., Client]) -> Client:
    return as_role(Role.ADMINISTRATOR)


@pytest.fixture
def theirs(application: Flask, session: Any) -> Callable[..., Any]:
    """`theirs({Office: {...}})`: a browser on a stock Flask-Admin with these views."""

    def browser(views: dict[Any, dict[str, Any]], **options: Any) -> Any:
        return stock(application, views, **options).test_client()

    return browser


def fresh(session: Any, record: Any) -> Any:
    """Return the record as the database has it now, None where it is gone."""
    session.expire_all()
    return session.get(type(record), inspect(record).identity[0])


# --- 1 ---------------------------------------------------------------------------------------

ROUTES = [
    ("GET", ""),
    ("GET", "new"),
    ("POST", "new"),
    ("GET", "edit"),
    ("POST", "edit"),
    ("GET", "details"),
    ("POST", "delete"),
    ("POST", "action"),
    ("GET", "ajax/lookup"),
    ("POST", "ajax/update"),
    ("GET", "export/csv"),
]


def open_routes(client: Any, record: Any) -> list[str]:
    """Return the routes that let in somebody who is nobody."""
    found = []
    for method, view in ROUTES:
        path = address(type(record), view, id=record.id)
        data = {"id": record.id, "name": "x"}
        answer = client.open(path, method=method, data=data, buffered=True)
        to_log_in = answer.status_code == 302 and "/login" in answer.location
        if not to_log_in and answer.status_code not in (400, 401, 403, 404, 405):
            found.append(f"{method} {view}")
    return found


def test_trap_01_screens_are_closed_by_default(
    app: Flask, theirs: Callable[..., Any], session: Any
) -> None:
    record = make_category()
    options = {"can_view_details": True, "can_export": True, "column_list": ["name"]}
    assert len(open_routes(theirs({Category: options}), record)) >= 7
    record = make_category()
    assert open_routes(app.test_client(), record) == []
    assert fresh(session, record) is not None


def test_trap_01_a_route_that_nobody_decided_on_is_refused(
    app: Flask, ours: Client, as_role: Callable[..., Client]
) -> None:
    with app.test_request_context():
        views = [v for v in app.extensions["admin"][0]._views if isinstance(v, RecordView)]
    assert len(views) == sum(model.screen for model in RECORD_TYPES)
    for view in views:
        assert {name for _, name, _ in _routes(view)} <= set(ROUTE_VERBS)
    handler = as_role(Role.HANDLER)
    record = make_category()
    for method, view_name in ROUTES[1:5] + ROUTES[6:8] + ROUTES[9:10]:
        path = address(Category, view_name, id=record.id)
        data = {"csrf_token": handler.token(), "id": record.id, "action": "delete"}
        answer = handler.open(path, method=method, data=data)
        assert answer.status_code in (403, 404), (method, view_name)


def _routes(view: Any) -> list[tuple[str, str, Any]]:
    return list(view._urls)


# --- 2 ---------------------------------------------------------------------------------------


def breaches(client: Any, foreign: Any, token: dict[str, str]) -> set[str]:
    """Return what can be done to a record that is not in the list."""
    model, record_id, name = type(foreign), foreign.id, foreign.name

    def now() -> Any:
        db.session.expire_all()
        return db.session.scalar(select(model.name).where(model.id == record_id))

    done = set()
    if name in client.get(address(model, "details", id=record_id)).text:
        done.add("read")
    path = address(model, "edit", id=record_id)
    form = client.get(path)
    if name in form.text:
        done.add("opened")
    fields = {k: v for k, v in forms(form)[-1]["fields"].items() if v != [""]}
    client.post(path, data=token | fields | {"name": "Taken over"})
    if now() == "Taken over":
        done.add("edited")
    client.post(address(model, "delete"), data=token | {"id": str(record_id)})
    if now() is None:
        done.add("deleted")
    return done


def test_trap_02_what_is_out_of_scope_is_not_read_edited_or_deleted(
    as_role: Callable[..., Client], theirs: Callable[..., Any], session: Any
) -> None:
    client = as_role(Role.HANDLER)
    make_saved_view(name="Mine", officer_id=client.officer_id)

    def mine(self: Any) -> Query[Any]:  # as the documentation of Flask-Admin shows
        return self.session.session.query(self.model).filter_by(officer_id=client.officer_id)

    scoped = theirs({SavedView: {"get_query": mine, "can_view_details": True}})
    foreign = make_saved_view(name="Foreign")
    assert "Foreign" not in scoped.get(address(SavedView)).text
    assert breaches(scoped, foreign, {}) >= {"read", "opened", "edited", "deleted"}
    foreign = make_saved_view(name="Foreign")
    assert "Foreign" not in client.get(address(SavedView)).text
    assert breaches(client, foreign, {"csrf_token": client.token()}) == set()


# --- 3 ---------------------------------------------------------------------------------------


def test_trap_03_lookup_is_scoped_and_limited(
    as_role: Callable[..., Client], theirs: Callable[..., Any], session: Any
) -> None:
    own = make_office()
    # Those of others come first, in the order of names and numbers as well.
    hidden = [make_grievance(title="Lamp", responsible_office=make_office()).id for _ in range(15)]
    visible = [make_grievance(title="Lamp", responsible_office=own).id for _ in range(25)]

    def offered(client: Any) -> set[int]:
        path = address(PlanStep, "ajax/lookup", name="grievance", query="lamp", limit=100000)
        return {one[0] for one in client.get(path).json}

    stock_offers = offered(
        theirs({PlanStep: {"form_ajax_refs": {"grievance": {"fields": ("title",)}}}})
    )
    assert len(stock_offers) == 40
    assert stock_offers & set(hidden)
    ours_offers = offered(as_role(Role.HANDLER, office_id=own.id))
    assert len(ours_offers) == 20
    assert ours_offers <= set(visible)


# --- 4 ---------------------------------------------------------------------------------------


def test_trap_04_nothing_is_changed_in_place_past_the_form(
    ours: Client, theirs: Callable[..., Any], session: Any
) -> None:
    record = make_category(name="As it was")
    fields = {"list_form_pk": str(record.id), "name": "Changed"}
    stock_view = {"can_edit": False, "column_editable_list": ["name"]}
    theirs({Category: stock_view}).post(address(Category, "ajax/update"), data=fields)
    assert fresh(session, record).name == "Changed"  # although editing is off
    record.name = "As it was"
    session.flush()
    answer = ours.send(address(Category, "ajax/update"), **fields)
    assert answer.status_code == 404
    assert fresh(session, record).name == "As it was"


# --- 5 ---------------------------------------------------------------------------------------


def test_trap_05_a_post_does_not_set_the_state(
    ours: Client, theirs: Callable[..., Any], session: Any
) -> None:
    def post_state(client: Any, record: Any) -> StepState:
        path = address(PlanStep, "edit", id=record.id)
        fields = {k: v for k, v in forms(client.get(path))[-1]["fields"].items() if v != [""]}
        client.post(path, data=fields | {"state": "DONE", "done_on": "2026-07-01"})
        client.post(path, data=fields | {"state": "done", "done_on": "2026-07-01"})
        return StepState(fresh(session, record).state)

    assert post_state(theirs({PlanStep: {}}), make_plan_step()) is StepState.DONE
    assert post_state(ours, make_plan_step()) is StepState.PLANNED


# --- 6 ---------------------------------------------------------------------------------------


def test_trap_06_a_hidden_column_is_hidden_everywhere(
    as_role: Callable[..., Client], theirs: Callable[..., Any], session: Any
) -> None:
    officer = make_officer(email="kestrel@example.org")
    views = {
        "column_list": ["username", "email"],
        "column_exclude_list": ["email"],
        "can_view_details": True,
        "can_export": True,
        "column_filters": ["email"],
        "column_searchable_list": ["email"],
    }

    def leaks(client: Any) -> set[str]:
        found = set()
        paths = {
            "list": address(Officer),
            "details": address(Officer, "details", id=officer.id),
            "export": address(Officer, "export/csv"),
        }
        for name, path in paths.items():
            if "kestrel@" in client.get(path).text:
                found.add(name)
        if client.get(address(Officer, search="kestrel@")).text.count(officer.username):
            found.add("search")
        return found

    assert leaks(theirs({Officer: views})) >= {"details", "export", "search"}
    assert leaks(as_role(Role.HANDLER)) == set()


# --- 7 ---------------------------------------------------------------------------------------


def two_saves(client: Any, record: Any, key: str) -> tuple[TestResponse, TestResponse]:
    """Open one form twice and save the first and then the second."""
    path = address(type(record), "edit", id=record.id)
    one, two = (forms(client.get(path))[-1]["fields"] for _ in range(2))
    kept = [{k: v for k, v in form.items() if v != [""]} for form in (one, two)]
    return (
        client.post(path, data=kept[0] | {key: "First"}),
        client.post(path, data=kept[1] | {key: "Second"}),
    )


def test_trap_07_the_second_of_two_open_forms_does_not_win_silently(
    ours: Client, theirs: Callable[..., Any], session: Any
) -> None:
    record = make_category()
    two_saves(theirs({Category: {}}), record, "name")
    assert fresh(session, record).name == "Second"
    record = make_category()
    _, second = two_saves(ours, record, "name")
    assert fresh(session, record).name == "First"
    assert second.status_code == 409
    assert "First" in second.text
    assert "Second" in second.text


# --- 8 ---------------------------------------------------------------------------------------


def test_trap_08_a_form_of_another_site_changes_nothing(
    ours: Client, theirs: Callable[..., Any], session: Any
) -> None:
    record = make_category()
    theirs({Category: {}}).post(address(Category, "delete"), data={"id": record.id})
    assert fresh(session, record) is None
    record = make_category(name="As it was")
    fields = record_form(ours.get(address(Category, "edit", id=record.id)))
    for token in ({}, {"csrf_token": ["forged"]}):
        attack = {k: v for k, v in fields.items() if k != "csrf_token"} | {"name": "X"} | token
        answer = ours.post(address(Category, "edit", id=record.id), data=attack)
        assert answer.status_code == 400
        assert_clean(answer)
        assert (
            ours.post(address(Category, "delete"), data={"id": record.id} | token).status_code
            == 400
        )
    assert fresh(session, record).name == "As it was"


def test_trap_08_a_form_that_stood_open_for_two_hours_can_be_saved(
    ours: Client, theirs: Callable[..., Any], session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = make_category(), make_category()
    browsers = theirs({Category: {"form_base_class": SecureForm}}), ours
    opened = [
        forms(client.get(address(Category, "edit", id=record.id)))[-1]["fields"]
        for client, record in zip(browsers, records, strict=True)
    ]
    _two_hours_later(monkeypatch)
    for client, record, fields in zip(browsers, records, opened, strict=True):
        kept = {k: v for k, v in fields.items() if v != [""]}
        client.post(address(Category, "edit", id=record.id), data=kept | {"name": f"N{record.id}"})
    assert fresh(session, records[0]).name != f"N{records[0].id}"
    assert fresh(session, records[1]).name == f"N{records[1].id}"


def _two_hours_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Move on the two clocks that the tokens of forms know."""
    real = timed.TimestampSigner.get_timestamp
    monkeypatch.setattr(timed.TimestampSigner, "get_timestamp", lambda self: real(self) + 7200)
    monkeypatch.setattr(
        SessionCSRF,
        "now",
        lambda self: datetime.now() + timedelta(hours=2),  # noqa: DTZ005
        raising=False,
    )


# --- 9 ---------------------------------------------------------------------------------------


def test_trap_09_a_refused_save_shows_no_sql_and_no_values_of_others(
    ours: Client, theirs: Callable[..., Any], session: Any
) -> None:
    def told(client: Any, **more: str) -> str:
        fields = forms(client.get(address(Office, "new")))[-1]["fields"]
        fields |= {"name": "New", "code": "new", "opened_on": "2026-07-02"} | more
        page = client.post(address(Office, "new"), data=fields | {"closed_on": "2026-07-01"})
        cookies = "".join(page.headers.getlist("Set-Cookie"))
        return page.text + unquote(cookies) + client.get(address(Office)).text

    columns = ["name", "code", "level", "opened_on", "closed_on"]
    stock_told = told(theirs({Office: {"form_columns": columns}}))
    assert "psycopg2" in stock_told
    assert "INSERT INTO" in stock_told
    ours_told = told(ours)
    for leak in ("psycopg2", "INSERT INTO", "ck_office", "sqlalche.me", "DETAIL"):
        assert leak not in ours_told
    assert "The last day must not be before the first day." in ours_told


# --- 10 --------------------------------------------------------------------------------------

INLINE = re.compile(
    r"<script(?![^>]*\bsrc=)[^>]*>|\son[a-z]+\s*=\s*[\"']|javascript:|<style|\sstyle\s*=", re.I
)


def test_trap_10_no_page_has_an_inline_script_handler_or_style(
    ours: Client, theirs: Callable[..., Any], session: Any
) -> None:
    records = {model: make_any(model) for model in RECORD_TYPES if model.screen}
    client = theirs({Category: {}})
    assert INLINE.search(client.get(address(Category)).text)
    for model, record in records.items():
        for view in ("", "new", "details", "edit", "history", "delete"):
            path = address(model, view, **({"id": record.id} if view not in ("", "new") else {}))
            page = ours.get(path)
            assert not INLINE.search(page.text), (path, INLINE.search(page.text))
    for path in ("/admin/", "/account", "/nowhere", "/admin/grievance/?flt0_x=1"):
        assert not INLINE.search(ours.get(path).text)


# --- 11 --------------------------------------------------------------------------------------


@pytest.fixture
def exported(committed: Flask) -> tuple[Client, Any]:
    """Forty grievances that are really committed, and a browser on ours and on stock."""
    client = Client(committed, use_cookies=True)
    with committed.app_context():
        for n in range(40):
            make_grievance(title=f"=1+{n}" if n % 2 else f"供水 {n}")
        client.let_in(make_officer(roles=[Role.ADMINISTRATOR]))
        db.session.commit()
    app = stock(committed, {Grievance: {"can_export": True, "export_max_rows": 0}})
    return client, app.test_client()


def test_trap_11_the_export_is_a_stream_and_not_a_heap_of_objects(
    exported: tuple[Client, Any],
) -> None:
    loaded: list[int] = []

    def note(target: Any, _context: Any) -> None:
        loaded.append(target.id)

    counts = []
    for client in exported:
        loaded.clear()
        event.listen(Grievance, "load", note)
        try:
            answer = client.get(address(Grievance, "export/csv"), buffered=False)
            before_first_byte = len(loaded)
            assert len(answer.data) > 40 * 10
        finally:
            event.remove(Grievance, "load", note)
        counts.append(before_first_byte)
    assert counts == [0, 40]


def test_trap_11_the_export_opens_in_a_spreadsheet_as_it_is(exported: tuple[Client, Any]) -> None:
    ours, theirs = (client.get(address(Grievance, "export/csv")) for client in exported)

    def faults(answer: TestResponse) -> set[str]:
        found = set()
        if not answer.data.startswith(b"\xef\xbb\xbf"):
            found.add("no BOM")
        rows = csv.reader(io.StringIO(answer.data.decode("utf-8-sig")))
        if any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row):
            found.add("a formula")
        return found

    assert faults(theirs) == {"no BOM", "a formula"}
    assert faults(ours) == set()


def test_trap_11_the_file_has_its_name_in_chinese_too(exported: tuple[Client, Any]) -> None:
    """Stock strips every letter that is not ASCII."""
    ours, theirs = exported
    app = stock(
        ours.application,
        {
            Grievance: {
                "can_export": True,
                "get_export_name": lambda self, export_type="csv": "信访事项.csv",
            }
        },
    )
    answer = app.test_client().get(address(Grievance, "export/csv"), buffered=True)
    name = answer.headers["Content-Disposition"]
    assert "信访事项" not in unquote(name)
    ours.send("/language", language="zh_Hans_CN", next="/admin/")
    answer = ours.get(address(Grievance, "export/csv"), buffered=True)
    name = answer.headers["Content-Disposition"]
    assert "filename*=UTF-8''" in name


def test_trap_11_each_export_is_noted_before_its_first_byte(exported: tuple[Client, Any]) -> None:
    ours, theirs = exported

    def noted() -> int:
        with ours.application.app_context():
            return int(db.session.scalar(select(func.count()).select_from(ExportRecord)) or 0)

    theirs.get(address(Grievance, "export/csv"), buffered=True)
    assert noted() == 0
    answer = ours.get(address(Grievance, "export/csv"), buffered=False)
    assert noted() == 1
    answer.close()
    assert noted() == 1


# --- 12 --------------------------------------------------------------------------------------


def test_trap_12_lists_neither_count_without_end_nor_skip_rows(
    ours: Client, theirs: Callable[..., Any], session: Any
) -> None:
    for n in range(60):
        make_grievance(received_at=NOON - timedelta(hours=n))

    def faults(client: Any, path: str) -> set[str]:
        with statements() as seen:
            client.get(path)
        asked = [one for one in seen if "FROM grievance" in one]
        found = set()
        if any("count(" in one and "LIMIT" not in one for one in asked):
            found.add("counts without end")
        if any("OFFSET" in one for one in asked):
            found.add("skips")
        if any("LIMIT" in one and "ORDER BY" not in one and "count(" not in one for one in asked):
            found.add("no order")
        return found

    assert faults(theirs({Grievance: {}}), address(Grievance, page=2)) == {
        "counts without end",
        "skips",
        "no order",
    }
    following = link(ours.get(address(Grievance, page_size=20)), "next")
    assert following
    assert faults(ours, following) == set()


def test_trap_12_no_row_repeats_when_another_comes_between_two_pages(
    ours: Client, theirs: Callable[..., Any], session: Any
) -> None:
    for n in range(50):
        make_category(name=f"C{n:02}")

    def second_page(client: Any, following: Callable[[TestResponse], str]) -> tuple[str, str]:
        first = client.get(address(Category, sort="name" if client is ours else "0", page_size=20))
        make_category(name=f"A new one comes first for {client}")
        return first.text, client.get(following(first)).text

    def repeats(pages: tuple[str, str]) -> set[str]:
        one, two = (set(re.findall(r"\bC\d\d\b", page)) for page in pages)
        return one & two

    view = {"column_default_sort": "name", "page_size": 20}
    assert repeats(second_page(theirs({Category: view}), lambda p: address(Category, page=1)))
    assert not repeats(second_page(ours, lambda page: link(page, "next") or ""))


# --- 13 --------------------------------------------------------------------------------------


def test_trap_13_related_records_cost_no_statement_each(
    ours: Client, theirs: Callable[..., Any], session: Any
) -> None:
    for _ in range(20):
        make_grievance(responsible_office=make_office())
    session.expunge_all()
    ours.get(address(Grievance))

    def cost(client: Any) -> int:
        with statements() as seen:
            client.get(address(Grievance))
        return len(seen)

    dotted = {"column_list": ["title", "responsible_office.name"]}
    assert cost(theirs({Grievance: dotted})) > 20
    assert cost(ours) <= 8


def test_trap_13_a_form_does_not_carry_the_whole_table_of_its_relation(
    ours: Client, theirs: Callable[..., Any], session: Any
) -> None:
    for n in range(30):
        make_office(name=f"Unrelated {n:02}")
    assert theirs({Grievance: {}}).get(address(Grievance, "new")).text.count("Unrelated") >= 30
    assert "Unrelated" not in ours.get(address(Grievance, "new")).text


# --- 14 --------------------------------------------------------------------------------------


def delete_many(client: Any, ids: list[int], **token: str) -> int:
    """Delete through the action of the list, both steps; return how many statements it took."""
    rows = {"action": "delete", "rowid": [str(one) for one in ids]} | token
    with statements() as seen:
        page = client.post(address(Office, "action"), data=rows)
        for form in forms(page):
            if "fingerprint" in form["fields"]:
                client.post(address(Office, "action"), data=form["fields"])
    return len(seen)


def test_trap_14_fifty_rows_are_deleted_in_one_go(
    ours: Client, theirs: Callable[..., Any], session: Any
) -> None:
    assert delete_many(theirs({Office: {}}), [make_office().id for _ in range(50)]) > 100
    ids = [make_office().id for _ in range(50)]
    assert delete_many(ours, ids, csrf_token=ours.token()) <= 20
    session.expire_all()
    assert not session.scalars(select(Office.id).where(Office.id.in_(ids))).all()


def test_trap_14_one_row_that_must_stay_keeps_all(
    ours: Client, theirs: Callable[..., Any], session: Any
) -> None:
    def left(client: Any, **token: str) -> int:
        offices = [make_office() for _ in range(5)]
        ids = [office.id for office in offices]
        make_grievance(responsible_office=offices[2])
        delete_many(client, ids, **token)
        session.expire_all()
        return len(session.scalars(select(Office.id).where(Office.id.in_(ids))).all())

    assert left(theirs({Office: {}})) in range(1, 5)
    assert left(ours, csrf_token=ours.token()) == 5


# --- 15 --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("view", "query"),
    [
        ("", "page=-1"),
        ("details", "id=1,2"),
        ("details", "id=abc"),
        ("edit", "id=abc"),
        ("edit", f"id={2**63}"),
    ],
)
def test_trap_15_a_damaged_address_is_no_failure(
    ours: Client, theirs: Callable[..., Any], session: Any, view: str, query: str
) -> None:
    make_category()
    path = f"{address(Category, view)}?{query}"
    assert theirs({Category: {"can_view_details": True}}).get(path).status_code == 500
    answer = ours.get(path)
    assert answer.status_code == (200 if view == "" else 404)
    assert_clean(answer)


def test_trap_15_a_mistake_in_a_view_is_not_tried_a_second_time(app: Flask) -> None:
    """Stock calls a view again without its arguments when it raises TypeError."""
    view = next(v for v in app.extensions["admin"][0]._views if isinstance(v, RecordView))
    calls: list[int] = []

    def broken(self: Any = None, *, cls: Any = None) -> None:
        calls.append(1)
        raise TypeError("a mistake inside")

    for run, expected in ((super(RecordView, view)._run_view, 2), (view._run_view, 1)):
        calls.clear()
        with pytest.raises(TypeError):
            run(broken)
        assert len(calls) == expected


# --- 16 --------------------------------------------------------------------------------------


@pytest.fixture
def lamps(session: Any) -> None:
    session.execute(text("ALTER TABLE grievance DISABLE TRIGGER USER"))
    session.execute(
        text(
            "INSERT INTO grievance (title, received_at)"
            " SELECT 'Lamp ' || md5(n::text) || chr(19968 + n) || chr(30000 - n),"
            " now() - n * interval '1 minute' FROM generate_series(1, 12000) n"
        )
    )
    for index in ("ix_grievance_search", "ix_grievance_pairs"):  # what waits to be sorted in
        session.execute(text(f"SELECT gin_clean_pending_list('{index}')"))
    session.execute(text("ANALYZE grievance"))


def plan_of_search(client: Any, session: Any, asked: str) -> str:
    """Return how PostgreSQL answers the search of a list: the plan of its very statement."""
    found: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        is_page = re.search(r"FROM grievance", statement) and "count(" not in statement
        if is_page and re.search("LIKE|redress_pairs", statement):
            found.append((statement, parameters))

    engine = session.connection().engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        assert client.get(address(Grievance, search=asked)).status_code == 200
    finally:
        event.remove(engine, "before_cursor_execute", note)
    statement, parameters = found[0]
    rows = session.connection().exec_driver_sql(f"EXPLAIN {statement}", parameters)
    return "\n".join(row[0] for row in rows)


@pytest.mark.parametrize(
    ("asked", "index"),
    [
        ("c4ca4238a0b9", "ix_grievance_search"),
        ("丁", "ix_grievance_pairs"),
        ("丁田", "ix_grievance_pairs"),
    ],
)
def test_trap_16_a_search_goes_through_an_index(
    ours: Client, theirs: Callable[..., Any], session: Any, lamps: None, asked: str, index: str
) -> None:
    searchable = {"column_searchable_list": ["title", "number", "place"]}
    stock_plan = plan_of_search(theirs({Grievance: searchable}), session, asked)
    assert "ix_grievance_search" not in stock_plan
    assert "ix_grievance_pairs" not in stock_plan
    assert index in plan_of_search(ours, session, asked)


@pytest.mark.parametrize("asked", ["50%", "500_lam", "lam%s", "lam_s"])
def test_trap_16_percent_and_underscore_are_letters_like_others(
    ours: Client, theirs: Callable[..., Any], session: Any, asked: str
) -> None:
    make_category(name=f"{asked} off")
    make_category(name="500 lamps")
    path = address(Category, search=quote(asked))
    client = theirs({Category: {"column_searchable_list": ["name"]}})
    assert "500 lamps" in client.get(path).text.split("</thead>")[1]
    assert "500 lamps" not in ours.get(path).text
    assert f"{asked} off" in ours.get(path).text


def test_trap_16_no_connection_of_ours_may_reuse_a_plan(session: Any) -> None:
    assert session.scalar(text("SHOW plan_cache_mode")) == "force_custom_plan"
    assert session.connection().dialect.driver == "psycopg2"


# --- 17 --------------------------------------------------------------------------------------


def test_trap_17_a_link_to_a_filtered_list_keeps_when_columns_are_reordered(
    ours: Client, theirs: Callable[..., Any], session: Any
) -> None:
    make_service_standard(name="alpha", pack="omega")
    make_service_standard(name="omega", pack="alpha")

    def names(client: Any, path: str) -> list[str]:
        body = client.get(path).text.split("</thead>")[1]
        return re.findall(r"\balpha\b|\bomega\b", re.sub(r"<[^>]+>", "", body))[:1]

    bookmark = f"{address(ServiceStandard)}?flt0_0=alpha"
    shown = [
        names(
            theirs({ServiceStandard: {"column_filters": order, "column_list": ["name", "pack"]}}),
            bookmark,
        )
        for order in (["name", "pack"], ["pack", "name"])
    ]
    assert shown[0] != shown[1]
    ours_link = f"{address(ServiceStandard)}?flt0_name_contains=alpha"
    assert names(ours, ours_link) == ["alpha"]
    # Ours names column and operation, so that only a renamed column can break it, and in words.
    broken = ours.get(f"{address(ServiceStandard)}?flt0_was_renamed_contains=alpha")
    assert broken.status_code == 400
    assert "There is no filter" in words(broken)


def test_trap_17_a_filter_that_cannot_be_read_is_not_left_out_silently(
    ours: Client, theirs: Callable[..., Any], session: Any
) -> None:
    make_service_standard(name="alpha")
    client = theirs({ServiceStandard: {"column_filters": ["name"]}})
    assert (
        "alpha" in client.get(f"{address(ServiceStandard)}?flt0_77=zzz").text.split("</thead>")[1]
    )
    page = ours.get(f"{address(ServiceStandard)}?flt0_77=zzz")
    assert page.status_code == 400
    assert row_ids(page) == []


def test_trap_17_options_are_not_those_of_the_start(
    ours: Client, theirs: Callable[..., Any], session: Any
) -> None:
    client = theirs({Grievance: {"column_filters": ["category.name"]}})
    category = make_category(name="Newcomer")
    found = ours.get(address(Grievance, "ajax/lookup", name="category", query="newc")).json
    assert found == [[category.id, "Newcomer"]]
    assert "Newcomer" not in client.get(address(Grievance)).text


# --- 18 --------------------------------------------------------------------------------------


def test_trap_18_a_right_that_changes_is_asked_in_each_request(
    as_role: Callable[..., Client], theirs: Callable[..., Any], session: Any
) -> None:
    rights = {"details": False}
    view = {"can_view_details": property(lambda self: rights["details"])}
    client = theirs({Category: view})
    record = make_category()
    rights["details"] = True
    assert client.get(address(Category, "details", id=record.id)).status_code == 500

    browser = as_role(Role.HANDLER)
    officer = session.get(Officer, browser.officer_id)
    for roles, edits in (([Role.ADMINISTRATOR], 200), ([Role.HANDLER], 403)):
        officer.roles = roles
        session.flush()
        page = browser.get(address(Category, "details", id=record.id))
        assert page.status_code == 200
        assert ("/edit/" in page.text) == (edits == 200)
        assert browser.get(address(Category, "edit", id=record.id)).status_code == edits
        assert browser.get(address(Category, "new")).status_code == edits
        assert ("/new/" in browser.get(address(Category)).text) == (edits == 200)
    officer.left_on = date(2026, 1, 1)
    session.flush()
    assert browser.get(address(Category, "details", id=record.id)).status_code == 302


# --- 19 --------------------------------------------------------------------------------------


def test_trap_19_forms_work_in_both_languages(
    ours: Client, theirs: Callable[..., Any], session: Any
) -> None:
    client = theirs({Category: {}}, babel=False)
    assert client.get(address(Category, "new")).status_code == 500
    for language in ("en", "zh_Hans_CN"):
        ours.send("/language", language=language, next="/admin/")
        for model in RECORD_TYPES:
            if model.screen and not model.read_only:
                page = ours.get(address(model, "new"))
                assert page.status_code in (200, 403), model


# --- 21 --------------------------------------------------------------------------------------


def test_trap_21_no_files_are_managed_by_flask_admin(
    app: Flask, theirs: Callable[..., Any], tmp_path: Path
) -> None:
    kept = tmp_path / "case-file.txt"
    kept.write_text("x")
    client = theirs({}, files=tmp_path)
    client.post("/admin/files/delete/", data={"path": "case-file.txt"})
    assert not kept.exists()  # without any token
    views = app.extensions["admin"][0]._views
    assert not [view for view in views if isinstance(view, BaseFileAdmin)]
    git = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "*.py"],
        cwd=HOME,
        capture_output=True,
        text=True,
        check=True,
    )
    sources = [HOME / name for name in git.stdout.split() if not name.startswith("tests/")]
    assert len(sources) > 10
    assert not [one for one in sources if "fileadmin" in one.read_text()]

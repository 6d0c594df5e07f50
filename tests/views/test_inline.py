"""Editing in place: the rights, checks, locks and trail of the form, one field at a time."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from sqlalchemy import select, text
from werkzeug.test import TestResponse

from models import (
    RECORD_TYPES,
    AuditEntry,
    Category,
    Grievance,
    Officer,
    SavedView,
)
from rules.grievance import GrievanceKind, StepState
from rules.permissions import Role
from rules.records import AuditVerb
from tests.conftest import Client
from tests.factories import (
    make_any,
    make_category,
    make_duty_shift,
    make_grievance,
    make_office,
    make_officer,
    make_plan_step,
    make_saved_view,
    make_service_standard,
    make_target,
)
from tests.statements import statements
from tests.views.pages import address, assert_clean, form_to, forms, record_form, words


@pytest.fixture
def administrator(as_role: Callable[..., Client]) -> Client:
    return as_role(Role.ADMINISTRATOR)


def cell(record: Any, name: Any) -> str:
    """The address of the editor of one cell."""
    query = urlencode({"id": record.id, "name": name})
    return f"{address(type(record), 'ajax/update')}?{query}"


def editor(client: Client, record: Any, name: str) -> dict[str, Any]:
    """Return what the editor of a cell holds, as a browser would send it."""
    page = client.get(cell(record, name))
    assert page.status_code == 200, words(page)
    return form_to(page, "/ajax/update/")


SCRIPT = {"Accept": "application/json"}


def post(client: Client, record: Any, name: str, data: Any) -> TestResponse:
    """Send what was typed as the script of a list does."""
    return client.post(cell(record, name), data=data, headers=SCRIPT)


def save(client: Client, record: Any, name: str, /, **typed: Any) -> TestResponse:
    """Open the editor of a cell, type into it and save."""
    held = editor(client, record, name)
    return post(client, record, name, held | {f"value-{k}": v for k, v in typed.items()})


def entries(session: Any, record: Any) -> list[AuditEntry]:
    session.expire_all()
    return list(
        session.scalars(
            select(AuditEntry)
            .where(
                AuditEntry.record_type == record.__tablename__,
                AuditEntry.record_id == record.id,
                AuditEntry.verb == AuditVerb.UPDATE,
            )
            .order_by(AuditEntry.id)
        )
    )


def undo(client: Client, record: Any, name: str, answer: TestResponse) -> TestResponse:
    """Send back what an answer offers as its undoing."""
    told = answer.get_json()
    assert told["undo"] is not None
    fields = [tuple(pair) for pair in told["undo"]]
    fields += [("version", told["version"]), ("csrf_token", client.token())]
    return client.post(
        cell(record, name),
        data=urlencode(fields),
        content_type="application/x-www-form-urlencoded",
        headers=SCRIPT,
    )


# --- The editor ------------------------------------------------------------------------------


def test_the_editor_is_the_field_of_the_form(administrator: Client, session: Any) -> None:
    record = make_category(name="Pipes & drains")
    told = administrator.get(cell(record, "name"), headers=SCRIPT).get_json()
    assert set(told) == {"editor"}
    assert "<html" not in told["editor"]
    page = administrator.get(cell(record, "name"))
    held = form_to(page, "/ajax/update/")
    assert held["value-name"] == ["Pipes & drains"]
    assert set(held) == {"csrf_token", "version", "value-name"}
    whole = administrator.get(address(Category, "edit", id=record.id))
    assert "Name of the category" in words(page)  # its help
    assert "Name of the category" in words(whole)


def test_a_save_changes_the_field_and_shows_the_cell(administrator: Client, session: Any) -> None:
    record = make_category(name="As it was")
    answer = save(administrator, record, "name", name="  Now <b>so</b> ")
    assert answer.status_code == 200
    told = answer.get_json()
    assert f'<a href="/admin/category/details/?id={record.id}">' in told["cell"]["html"]
    assert "Now &lt;b&gt;so&lt;/b&gt;" in told["cell"]["html"]
    assert told["cell"]["kind"] == "cell-title"
    assert "was saved" in told["said"]
    (entry,) = entries(session, record)
    assert entry.changes == {"name": ["As it was", "Now <b>so</b>"]}
    assert entry.officer_id == administrator.officer_id
    assert session.get(Category, record.id).version_id == 2


def test_the_cell_that_comes_back_is_that_of_the_list(administrator: Client, session: Any) -> None:
    record = make_category(name="Pipes")
    office = make_office(name="Water works")
    told = save(administrator, record, "office", office="Water works").get_json()
    page = administrator.get(address(Category))
    shown = re.search(r'<td data-label="Office" class="([^"]+)">(.*?)</td>', page.text)
    assert shown
    assert told["cell"] == {"kind": shown[1], "html": shown[2]}
    assert str(office.id) in told["cell"]["html"]


def test_what_is_the_same_is_not_saved(administrator: Client, session: Any) -> None:
    record = make_category()
    told = save(administrator, record, "name").get_json()
    assert told["undo"] is None
    assert told["said"] == "Nothing was changed."
    assert entries(session, record) == []


KINDS: list[tuple[Callable[..., Any], dict[str, Any], str, dict[str, str], Any]] = [
    (make_category, {"name": "Old"}, "name", {"name": "New"}, "New"),
    (make_category, {"retired_on": date(2026, 5, 1)}, "retired_on", {"retired_on": ""}, None),
    (make_category, {}, "retired_on", {"retired_on": "2026-05-01"}, date(2026, 5, 1)),
    (make_target, {"percent": Decimal("95.25")}, "percent", {"percent": "90.5"}, Decimal("90.5")),
    (make_target, {"year": 2026}, "year", {"year": "2027"}, 2027),
    (
        make_grievance,
        {"kind": GrievanceKind.SERVICE},
        "kind",
        {"kind": "conduct"},
        GrievanceKind("conduct"),
    ),
    (
        make_duty_shift,
        {
            "starts_at": datetime(2026, 10, 25, 1, 30, 15, 123456, tzinfo=UTC),
            "ends_at": datetime(2026, 10, 25, 8, tzinfo=UTC),
        },
        "starts_at",
        {"starts_at": "2026-10-25T03:00"},
        datetime(2026, 10, 25, 3, tzinfo=UTC),
    ),
    (make_service_standard, {"rolls_forward": True}, "rolls_forward", {}, False),
]


@pytest.mark.parametrize(
    ("make", "given", "name", "typed", "stored"), KINDS, ids=[f"{k[2]}-{k[4]}" for k in KINDS]
)
def test_every_kind_of_field_is_saved_and_put_back_exactly(
    administrator: Client,
    session: Any,
    make: Callable[..., Any],
    given: dict[str, Any],
    name: str,
    typed: dict[str, str],
    stored: Any,
) -> None:
    record = make(**given)
    session.expire_all()
    before = getattr(record, name)
    held = editor(administrator, record, name)
    held.pop(f"value-{name}", None)
    data = held | {f"value-{key}": text for key, text in typed.items()}
    answer = post(administrator, record, name, data)
    assert answer.status_code == 200, answer.text
    session.expire_all()
    assert getattr(record, name) == stored
    assert stored != before
    back = undo(administrator, record, name, answer)
    assert back.status_code == 200, back.text
    session.expire_all()
    assert getattr(record, name) == before
    assert len(entries(session, record)) == 2


def test_a_relation_is_saved_and_put_back(administrator: Client, session: Any) -> None:
    wider, other = make_category(name="Wider"), make_category(name="Another")
    record = make_category(parent=wider)
    answer = save(administrator, record, "parent", parent="Another", **{"parent-id": ""})
    assert answer.status_code == 200, answer.text
    session.expire_all()
    assert record.parent_id == other.id
    assert undo(administrator, record, "parent", answer).status_code == 200
    session.expire_all()
    assert record.parent_id == wider.id


def test_without_a_script_the_editor_is_a_page(administrator: Client, session: Any) -> None:
    record = make_category(name="Plain")
    page = administrator.get(cell(record, "name"))
    assert "Edit “Name”" in words(page)
    held = form_to(page, "/ajax/update/")
    refused = administrator.post(cell(record, "name"), data=held | {"value-name": ""})
    assert refused.status_code == 422
    assert "Please fill this in." in words(refused)
    saved = administrator.post(cell(record, "name"), data=held | {"value-name": "Saved so"})
    assert saved.status_code == 302
    assert "“Name” of “Saved so” was saved." in words(administrator.get(saved.location))


# --- Rights ----------------------------------------------------------------------------------


def never_served(name: str, model: Any) -> list[str]:
    return [column.key for column in model.__table__.columns if column.info.get(name)]


def test_no_field_that_the_form_lacks_is_served_or_saved(app: Flask, session: Any) -> None:
    client: Any = app.test_client()
    officer = make_officer(roles=list(Role))
    client.let_in(officer)
    token, asked = client.token(), 0
    for model in RECORD_TYPES:
        if not model.screen:
            continue
        own = {"officer_id": officer.id} if model.owner_path == "officer_id" else {}
        record = make_any(model, **own)
        hidden = [*never_served("secret", model), *never_served("set_by", model), "id", "nope", ""]
        for name in hidden:
            path = f"{address(model, 'ajax/update')}?{urlencode({'id': record.id, 'name': name})}"
            for answer in (
                client.get(path),
                client.post(path, data={"csrf_token": token, "value-" + name: "x"}),
            ):
                assert answer.status_code in (403, 404), (model.__name__, name)
                asked += 1
    assert asked > 500


def test_every_field_that_is_offered_opens(app: Flask, session: Any) -> None:
    client: Any = app.test_client()
    officer = make_officer(roles=list(Role))
    client.let_in(officer)
    opened = 0
    for model in RECORD_TYPES:
        if not model.screen or model.read_only:
            continue
        own = {"officer_id": officer.id} if model.owner_path == "officer_id" else {}
        record = make_any(model, **own)
        page = client.get(address(model))
        for name in re.findall(r'data-field="(\w+)"', page.text):
            assert any(key.startswith("value-") for key in editor(client, record, name)) or (
                'type="checkbox"' in client.get(cell(record, name)).text
            ), (model.__name__, name)
            opened += 1
    assert opened > 60


def test_long_texts_are_left_to_the_form(administrator: Client, session: Any) -> None:
    record = make_grievance(description="Two\nlines")
    assert administrator.get(cell(record, "description")).status_code == 404


@pytest.mark.parametrize("role", [Role.HANDLER, Role.AUDITOR, Role.SUPERVISOR])
def test_who_may_not_edit_gets_no_editor(
    as_role: Callable[..., Client], session: Any, role: Role
) -> None:
    client, record = as_role(role), make_category(name="Kept")
    assert client.get(cell(record, "name")).status_code == 403
    answer = client.send(cell(record, "name"), **{"value-name": "Taken"})
    assert answer.status_code == 403
    assert "data-field" not in client.get(address(Category)).text
    session.expire_all()
    assert record.name == "Kept"


def test_what_is_out_of_sight_and_what_is_not_there_look_the_same(
    as_role: Callable[..., Client], session: Any
) -> None:
    client = as_role(Role.HANDLER)
    foreign = make_grievance(responsible_office=make_office())
    absent = Grievance(id=foreign.id + 10_000)
    for one in (foreign, absent):
        assert client.get(cell(one, "title")).status_code == 404
        assert client.send(cell(one, "title"), **{"value-title": "x"}).status_code == 404
    session.expire_all()
    assert foreign.title != "x"


def test_only_ones_own_is_edited_by_who_sees_more(
    as_role: Callable[..., Client], session: Any
) -> None:
    client = as_role(Role.AUDITOR)
    mine, other = make_saved_view(officer_id=client.officer_id), make_saved_view(name="Theirs")
    page = client.get(address(SavedView))
    rows = dict(re.findall(r'<tr data-id="(\d+)"( data-mine)?>', page.text))
    assert rows == {str(mine.id): " data-mine", str(other.id): ""}
    assert client.get(cell(other, "name")).status_code == 403
    assert client.send(cell(other, "name"), **{"value-name": "Mine now"}).status_code == 403
    assert save(client, mine, "name", name="Mine still").status_code == 200
    session.expire_all()
    assert other.name == "Theirs"


def test_nobody_saves_a_record_out_of_their_own_sight(
    as_role: Callable[..., Client], session: Any
) -> None:
    office = make_office(name="Ours")
    make_office(name="Theirs")
    client = as_role(Role.HANDLER, office_id=office.id)
    record = make_grievance(responsible_office=office)
    answer = save(client, record, "responsible_office", responsible_office="Theirs")
    assert answer.status_code == 422
    assert "out of your sight" in answer.get_json()["editor"]
    session.expire_all()
    assert record.responsible_office_id == office.id


def test_a_record_that_is_not_seen_is_not_named_in_an_editor(
    as_role: Callable[..., Client], session: Any
) -> None:
    client = as_role(Role.HANDLER)
    hidden = make_grievance(title="Canary in a mine", responsible_office=make_office())
    seen = make_grievance(responsible_office_id=session.get(Officer, client.officer_id).office_id)
    step = make_plan_step(grievance=seen)
    answer = save(client, step, "grievance", grievance=f"#{hidden.id}", **{"grievance-id": ""})
    assert answer.status_code == 422
    assert "Canary" not in answer.text
    assert save(client, step, "grievance", grievance=str(hidden)).status_code == 422
    session.expire_all()
    assert step.grievance_id == seen.id


def test_a_field_that_is_not_asked_for_is_not_written(administrator: Client, session: Any) -> None:
    record = make_plan_step(subject="Visit")
    held = editor(administrator, record, "subject")
    sent = {"value-subject": "Call", "value-state": "done", "state": "done", "due_on": "2030-01-01"}
    assert post(administrator, record, "subject", held | sent).status_code == 200
    session.expire_all()
    assert (record.subject, record.state) == ("Call", StepState.PLANNED)
    assert record.due_on.year != 2030


# --- Two people at once ----------------------------------------------------------------------


def test_who_comes_second_sees_both_values_and_may_save_over_it(
    administrator: Client, session: Any
) -> None:
    record = make_category(name="As it was")
    held = editor(administrator, record, "name")
    save(administrator, record, "name", name="Theirs")
    answer = post(administrator, record, "name", held | {"value-name": "Mine"})
    assert answer.status_code == 409
    told = answer.get_json()
    assert "Theirs" in told["cell"]["html"]
    shown = re.sub(r"\s+", " ", told["editor"])
    assert "<dt>Saved now</dt><dd>Theirs</dd> <dt>Yours</dt><dd>Mine</dd>" in shown
    assert 'value="Mine"' in shown  # nothing typed is lost
    assert session.get(Officer, administrator.officer_id).name in shown
    session.expire_all()
    assert record.name == "Theirs"
    version = re.search(r'name="version" value="([^"]+)"', shown)
    assert version
    again = held | {"value-name": "Mine", "version": version[1]}
    assert post(administrator, record, "name", again).status_code == 200
    session.expire_all()
    assert record.name == "Mine"


@pytest.mark.parametrize("version", ["", "x", "[1, 2].x", None])
def test_a_version_that_is_none_saves_nothing(
    administrator: Client, session: Any, version: str | None
) -> None:
    record = make_category(name="As it was")
    sent = {"value-name": "Mine"} | ({} if version is None else {"version": version})
    answer = administrator.send(cell(record, "name"), **sent)
    assert answer.status_code == 409
    assert "compare and choose" in words(answer)
    session.expire_all()
    assert record.name == "As it was"


def test_the_version_of_another_record_is_none(administrator: Client, session: Any) -> None:
    record, other = make_category(name="One"), make_category(name="Two")
    held = editor(administrator, other, "name") | {"value-name": "Mine"}
    assert post(administrator, record, "name", held).status_code == 409
    session.expire_all()
    assert record.name == "One"


def test_an_undo_is_refused_where_somebody_changed_it_since(
    administrator: Client, session: Any
) -> None:
    record = make_category(name="First")
    answer = save(administrator, record, "name", name="Second")
    save(administrator, record, "name", name="Third")
    back = undo(administrator, record, "name", answer)
    assert back.status_code == 409
    assert "<dd>Third</dd>" in back.get_json()["editor"]
    session.expire_all()
    assert record.name == "Third"


# --- Refusals --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "name", "typed", "sentence"),
    [
        (make_category, "name", "   ", "Please fill this in."),
        (make_category, "name", "x" * 201, "At most 200 characters."),
        (make_category, "retired_on", "soon", "“soon” is not a date."),
        (make_target, "percent", "101", "share"),
        (make_target, "year", "99999999999999999999", "too large"),
        (make_target, "percent", "NaN", "is not a number"),
        (make_target, "measure", "", "Please fill this in."),
        (make_duty_shift, "ends_at", "2001-01-01T00:00", "The end must be after the start."),
        (make_duty_shift, "ends_at", "2026-01-01T00:00:00.5+99:99", "is not a date and time"),
        (make_plan_step, "grievance", "", "Please fill this in."),
        (make_plan_step, "grievance", "Nobody’s", "Nothing here is called"),
    ],
)
def test_what_cannot_be_saved_is_said_on_the_field_with_what_was_typed(
    administrator: Client,
    session: Any,
    make: Callable[..., Any],
    name: str,
    typed: str,
    sentence: str,
) -> None:
    record = make()
    answer = save(administrator, record, name, **{name: typed})
    assert answer.status_code == 422, answer.text
    assert_clean(answer)
    shown = answer.get_json()["editor"]
    assert sentence in shown
    assert typed.strip() in shown
    assert 'name="version"' in shown
    assert entries(session, record) == []


def test_a_record_below_itself_is_refused_in_words(administrator: Client, session: Any) -> None:
    record = make_category(name="Round")
    answer = save(administrator, record, "parent", parent="Round")
    assert answer.status_code == 422
    assert "cannot stand below itself" in answer.get_json()["editor"]


def test_two_of_the_same_name_are_refused_in_words(administrator: Client, session: Any) -> None:
    make_category(name="There already")
    record = make_category(name="Other")
    answer = save(administrator, record, "name", name="There already")
    assert answer.status_code == 422
    assert "already a record of this kind" in answer.get_json()["editor"]


def test_a_script_is_told_in_json_what_is_refused(administrator: Client, session: Any) -> None:
    record = make_category()
    session.execute(text("DELETE FROM category WHERE id = :id"), {"id": record.id})
    answer = administrator.get(cell(record, "name"), headers=SCRIPT)
    assert answer.status_code == 404
    assert "no such page or record" in answer.get_json()["error"]


STRANGE = ["1,2", "-1", "abc", "0", str(2**63), "9" * 400, "１", "", "' or 1=1--", "\u202e\ufeff"]


@pytest.mark.parametrize("strange", STRANGE)
def test_strange_numbers_and_names_are_refused_in_words(
    administrator: Client, session: Any, strange: str
) -> None:
    record = make_category()
    base = address(Category, "ajax/update")
    for query in ({"id": strange, "name": "name"}, {"id": record.id, "name": strange}):
        path = f"{base}?{urlencode(query)}"
        for page in (administrator.get(path), administrator.send(path, **{"value-name": "x"})):
            assert page.status_code == 404
            assert_clean(page)


@pytest.mark.parametrize(
    "strange", ["\udcff", "%(x)s", "<script>alert(1)</script>", "{{ 7 * 7 }}", "0" * 70_000]
)
def test_strange_values_are_saved_as_they_are_or_refused(
    administrator: Client, session: Any, strange: str
) -> None:
    record = make_category()
    held = editor(administrator, record, "name")
    fields = {key: value[0] for key, value in held.items()} | {"value-name": strange}
    answer = administrator.post(
        cell(record, "name"),
        data=urlencode(fields, errors="surrogateescape"),
        content_type="application/x-www-form-urlencoded",
        headers=SCRIPT,
    )
    assert answer.status_code in (200, 422)
    assert answer.mimetype == "application/json"  # what is text in it stays text
    told = answer.get_json()
    assert "<script" not in told.get("editor", "") + told.get("cell", {}).get("html", "")
    assert_clean(answer)


def test_no_token_no_save(administrator: Client, session: Any) -> None:
    record = make_category(name="Kept")
    held = editor(administrator, record, "name")
    del held["csrf_token"]
    sent = held | {"value-name": "x"}
    assert post(administrator, record, "name", sent).status_code == 400
    session.expire_all()
    assert record.name == "Kept"


def test_a_cell_costs_no_more_statements_than_a_list(
    administrator: Client, session: Any, figures: Callable[[str], None]
) -> None:
    record = make_category()
    with statements() as opened:
        held = editor(administrator, record, "name")
    sent = held | {"value-name": "Counted"}
    with statements() as saved:
        assert post(administrator, record, "name", sent).status_code == 200
    figures(f"editing in place: {len(opened)} statements to open a cell, {len(saved)} to save it")
    assert len(opened) <= 8
    assert len(saved) <= 8


def test_a_list_costs_no_more_statements_for_being_editable(
    as_role: Callable[..., Client], session: Any
) -> None:
    for _ in range(3):
        make_grievance()
    counts = []
    for role in (Role.ADMINISTRATOR, Role.AUDITOR):
        client = as_role(role)
        with statements() as seen:
            client.get(address(Grievance))
        counts.append(len(seen))
    assert counts[0] <= counts[1] <= 8


# --- A record that is gone -------------------------------------------------------------------


def test_what_was_typed_into_the_form_of_a_deleted_record_is_kept(
    administrator: Client, session: Any
) -> None:
    record = make_category(name="Gone soon")
    office = make_office(name="Water works")
    path = address(Category, "edit", id=record.id)
    held = record_form(administrator.get(path))
    typed = held | {"name": "Typed for an hour", "office": "Water works"}
    session.execute(text("DELETE FROM category WHERE id = :id"), {"id": record.id})
    page = administrator.post(path, data=typed)
    assert page.status_code == 404
    assert "Typed for an hour" in words(page)
    assert "Water works" in words(page)
    assert "deleted this record while you had it open" in words(page)
    anew = administrator.post(address(Category, "new"), data=form_to(page, "/new/"))
    assert anew.status_code == 302
    (made,) = session.scalars(select(Category).where(Category.name == "Typed for an hour"))
    assert made.office_id == office.id


def test_who_never_had_the_record_open_learns_nothing_of_it(
    as_role: Callable[..., Client], session: Any
) -> None:
    client = as_role(Role.HANDLER)
    foreign = make_grievance(responsible_office=make_office())
    for number in (foreign.id, foreign.id + 10_000):
        answer = client.send(address(Grievance, "edit", id=number), version="x", title="Typed")
        assert answer.status_code == 404
        assert "Typed" not in answer.text


def test_the_delete_page_says_that_the_record_is_gone(administrator: Client, session: Any) -> None:
    record = make_category(name="Gone soon")
    page = administrator.get(address(Category, "delete", id=record.id))
    held = next(one["fields"] for one in forms(page) if "version" in one["fields"])
    session.execute(text("DELETE FROM category WHERE id = :id"), {"id": record.id})
    answer = administrator.post(address(Category, "delete"), data=held)
    assert answer.status_code == 404
    assert "There is nothing left to do here." in words(answer)
    assert_clean(answer)

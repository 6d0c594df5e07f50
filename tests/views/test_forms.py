"""Forms through HTTP: making, editing, refusing, two people at once, deleting."""

import re
import threading
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import (
    CheckConstraint,
    Date,
    Enum,
    Index,
    String,
    delete,
    func,
    inspect,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from models import (
    RECORD_TYPES,
    CalendarDay,
    Category,
    Grievance,
    GroupMembership,
    Office,
    Officer,
    PlanStep,
    Record,
    SavedView,
    ServiceStandard,
    Target,
    db,
)
from rules.grievance import GrievanceState
from rules.permissions import Role, Verb, may
from rules.refusals import refusal
from tests.conftest import Client
from tests.factories import (
    make_any,
    make_category,
    make_grievance,
    make_group_membership,
    make_office,
    make_officer,
    make_plan_step,
    make_saved_view,
    make_service_standard,
    make_target,
)
from tests.views.pages import address, assert_clean, form_to, record_form, words
from views.fields import form_for

EDITED = [model for model in RECORD_TYPES if model.screen and not model.read_only]
Fields = dict[str, Any]


def role_for(model: type[Record], *verbs: Verb) -> Role:
    return next(role for role in Role if all(may(frozenset({role}), model.desk, v) for v in verbs))


def new_form(client: Client, model: Any) -> Fields:
    page = client.get(address(model, "new"))
    assert page.status_code == 200, words(page)
    return record_form(page)


def edit_form(client: Client, record: Any) -> Fields:
    page = client.get(address(type(record), "edit", id=record.id))
    assert page.status_code == 200, words(page)
    return record_form(page)


def save(client: Client, record: Any, fields: Fields) -> TestResponse:
    return client.post(address(type(record), "edit", id=record.id), data=fields)


def made(session: Any, model: Any) -> Any:
    """Return the newest record of `model`."""
    session.expire_all()
    return session.scalars(select(model).order_by(model.id.desc()).limit(1)).one()


@pytest.fixture
def administrator(as_role: Callable[..., Client]) -> Client:
    return as_role(Role.ADMINISTRATOR)


# --- Every record type -----------------------------------------------------------------------


@pytest.mark.parametrize("model", EDITED, ids=lambda model: model.__name__)
def test_every_record_type_is_made_and_edited_through_its_form(
    model: Any, as_role: Callable[..., Client], session: Any
) -> None:
    client = as_role(role_for(model, Verb.CREATE, Verb.EDIT))
    pattern = make_any(model, **_owner(model, client))
    fields = edit_form(client, pattern)
    expected = _values(pattern, fields)
    _take_away(session, pattern)
    fields.pop("version")
    page = client.post(address(model, "new"), data=fields)
    assert page.status_code == 302, words(page)
    record = made(session, model)
    assert record.id != pattern.id
    assert _values(record, fields) == expected

    fields = edit_form(client, record)
    key, typed, kept = _another_value(model, fields)
    page = save(client, record, fields | {key: [typed]})
    assert page.status_code == 302, words(page)
    session.expire_all()
    assert _values(record, fields) == expected | {key: kept}


def _owner(model: Any, client: Client) -> dict[str, Any]:
    return {model.owner_path: client.officer_id} if model.owner_path else {}


def _values(record: Any, fields: Fields) -> dict[str, Any]:
    """Return what the form's columns hold; relations by id, moments to the second, as typed."""
    values = {key: getattr(record, key) for key in fields if hasattr(record, key)}
    for key, value in values.items():
        if isinstance(value, Record):
            values[key] = value.id
        elif isinstance(value, datetime):
            values[key] = value.replace(microsecond=0)
    return values


def _take_away(session: Any, record: Any) -> None:
    record_id, model = record.id, type(record)
    session.execute(delete(model).where(model.id == record_id))
    session.expunge(record)
    record.id = record_id


def _another_value(model: Any, fields: Fields) -> tuple[str, str, Any]:
    """Return a field that may hold another value: its key, what to type and what is kept."""
    columns = inspect(model).columns
    for key in fields:
        if key in columns and isinstance(columns[key].type, String):
            if not isinstance(columns[key].type, Enum):
                return key, "another text", "another text"
    for key in fields:
        if key in columns and isinstance(columns[key].type, Date):
            return key, "2027-01-02", date(2027, 1, 2)
        if key in columns and isinstance(columns[key].type, Enum):
            other = next(one for one in columns[key].type.enum_class if [one.value] != fields[key])
            return key, other.value, other
    pytest.fail(f"{model.__name__} has nothing to edit")


@pytest.mark.parametrize("model", EDITED, ids=lambda model: model.__name__)
def test_an_empty_form_comes_back_with_words_beside_what_is_needed(
    model: Any, as_role: Callable[..., Client], session: Any
) -> None:
    client = as_role(role_for(model, Verb.CREATE))
    before = session.scalar(select(func.count()).select_from(model))
    fields = {key: "" for key in new_form(client, model) if key != "csrf_token"}
    page = client.send(address(model, "new"), **fields)
    assert page.status_code == 422, words(page)
    assert_clean(page)
    assert "Nothing you typed is lost" in words(page)
    assert session.scalar(select(func.count()).select_from(model)) == before
    assert page.text.count('class="invalid-feedback') == len(_needed(model))


@pytest.mark.parametrize("role", Role)
def test_a_role_that_may_make_a_record_has_every_field_it_needs(
    app: Flask, as_role: Callable[..., Client], role: Role
) -> None:
    client = as_role(role)
    for model in EDITED:
        if may(frozenset({role}), model.desk, Verb.CREATE):
            fields = new_form(client, model)
            for column in _needed(model):
                key = column.key
                assert key in fields or key.removesuffix("_id") in fields, (role, model, key)


def _needed(model: Any) -> list[Any]:
    """Return the columns without which no record of `model` can be made by hand."""
    return [
        column
        for column in model.__table__.columns
        if not column.nullable
        and column.server_default is None
        and not column.primary_key
        and not column.info.get("set_by")
        and column.type.python_type is not bool
    ]


@pytest.mark.parametrize("model", EDITED, ids=lambda model: model.__name__)
def test_every_field_has_a_label_and_the_help_of_its_column(
    model: Any, as_role: Callable[..., Client]
) -> None:
    client = as_role(role_for(model, Verb.CREATE))
    page = client.get(address(model, "new"))
    for key in record_form(page):
        if key in ("csrf_token",) or key.endswith("-id"):
            continue
        labelled = f'for="{key}"' in page.text or "<legend" in page.text
        assert labelled, f"{key} has no label"
        column = model.__table__.columns.get(key)
        if column is None:
            column = model.__table__.columns[f"{key}_id"]
        assert column.doc.replace("'", "&#39;").replace('"', "&#34;") in page.text


def test_fields_stand_in_the_groups_of_the_model(administrator: Client) -> None:
    page = administrator.get(address(Grievance, "new"))
    headings = re.findall(r"<legend>([^<]+)</legend>", page.text)
    assert headings[0] == "The matter"
    assert "Who answers" in headings


# --- What may be typed -----------------------------------------------------------------------


def standard(**changes: Any) -> Fields:
    return {
        "name": "Answer",
        "pack": "p",
        "stage": "decide",
        "amount": "5",
        "unit": "working_days",
    } | changes


def answer_to(client: Client, model: Any, fields: Fields) -> TestResponse:
    page = client.send(address(model, "new"), **fields)
    assert_clean(page)
    return page


def beside(page: TestResponse, key: str) -> str:
    """Return the message beside a field."""
    found = re.search(rf'id="{key}-error">([^<]*)<', page.text)
    return found[1].replace("&#39;", "'") if found else ""


@pytest.mark.parametrize(
    "amount",
    [
        "",
        " ",
        "abc",
        "1.5",
        "0x10",
        "1e3",
        "2147483648",
        "-2147483649",
        "9" * 5000,
        "NaN",
        "１2x",
    ],
)
def test_a_whole_number_is_one_or_gets_a_sentence(administrator: Client, amount: str) -> None:
    page = answer_to(administrator, ServiceStandard, standard(amount=amount))
    assert page.status_code == 422
    assert beside(page, "amount")


@pytest.mark.parametrize("percent", ["", "abc", "NaN", "sNaN", "Infinity", "-inf", "1e400", "1000"])
def test_a_number_with_a_fraction_is_one_or_gets_a_sentence(
    administrator: Client, percent: str, session: Any
) -> None:
    office = make_office()
    page = answer_to(
        administrator,
        Target,
        {"office": str(office), "year": "2026", "measure": "answered", "percent": percent},
    )
    assert page.status_code == 422
    assert beside(page, "percent")


def test_a_share_beyond_a_hundred_gets_the_sentence_of_its_rule(
    administrator: Client, session: Any
) -> None:
    page = answer_to(
        administrator,
        Target,
        {"office": str(make_office()), "year": "2026", "measure": "answered", "percent": "100.5"},
    )
    assert page.status_code == 422
    assert 'role="alert"' in page.text


@pytest.mark.parametrize(
    "typed",
    [
        "yesterday",
        "2026-02-30",
        "31.12.2026",
        "0001-01-01",
        "9999-12-31",
        "2026-13-01",
        "1" * 400,
    ],
)
def test_a_date_is_one_or_gets_a_sentence(administrator: Client, typed: str) -> None:
    page = answer_to(administrator, CalendarDay, {"name": "x", "day": typed, "kind": "holiday"})
    assert page.status_code == 422
    assert beside(page, "day")
    assert typed[:40] in page.text


@pytest.mark.parametrize(
    "typed",
    [
        "now",
        "2026-07-01",
        "2026-07-01T25:00",
        "2026-07-01 10:00",
        "0001-01-01T00:00",
        "9999-12-31T23:59",
        "2026-07-01T10:00:00+99:00",
    ],
)
def test_a_date_and_time_is_one_or_gets_a_sentence(administrator: Client, typed: str) -> None:
    page = answer_to(administrator, Grievance, {"title": "x", "received_at": typed})
    assert page.status_code == 422
    assert beside(page, "received_at")


def test_a_choice_is_from_its_list(administrator: Client) -> None:
    page = answer_to(administrator, ServiceStandard, standard(unit="fortnights"))
    assert page.status_code == 422
    assert beside(page, "unit")


def test_a_text_has_its_length_and_keeps_what_was_typed(administrator: Client) -> None:
    typed = "x" * 301
    page = answer_to(administrator, Grievance, {"title": typed, "place": "“Elm” & <b>St</b>"})
    assert page.status_code == 422
    assert beside(page, "title") == "At most 300 characters."
    kept = record_form(page)
    assert kept["title"] == [typed]
    assert kept["place"] == ["“Elm” & <b>St</b>"]


@pytest.mark.parametrize("blank", ["", "   ", "\t", "\u00a0", "\r\n"])
def test_a_text_that_is_needed_is_not_blank(administrator: Client, blank: str) -> None:
    page = answer_to(administrator, Grievance, {"title": blank})
    assert page.status_code == 422
    assert beside(page, "title") == "Please fill this in."


def test_a_text_that_only_the_database_finds_blank_gets_a_sentence(administrator: Client) -> None:
    """A zero-width space is text to Python and no more to a reader; neither refuses it."""
    page = answer_to(administrator, Grievance, {"title": "\u200b"})
    assert page.status_code in (302, 422)


def test_a_long_text_keeps_its_lines_and_nothing_of_what_surrounds_it(
    administrator: Client, session: Any
) -> None:
    page = answer_to(
        administrator, Grievance, {"title": "x", "description": " one\r\n\r\ntwo \r\n"}
    )
    assert page.status_code == 302
    assert made(session, Grievance).description == "one\n\ntwo"


def test_nothing_typed_is_nothing_and_not_an_empty_text(
    administrator: Client, session: Any
) -> None:
    page = answer_to(administrator, Grievance, {"title": "x", "place": "  ", "description": ""})
    assert page.status_code == 302
    record = made(session, Grievance)
    assert record.place is None
    assert record.description is None


def test_defaults_stand_in_the_form_of_a_new_record(administrator: Client) -> None:
    fields = new_form(administrator, Grievance)
    assert fields["kind"] == ["service"]
    assert fields["channel"] == ["counter"]
    assert "is_referred_from_above" not in fields  # an empty box
    assert new_form(administrator, ServiceStandard)["rolls_forward"]


def test_a_box_is_unticked_by_leaving_it_out(administrator: Client, session: Any) -> None:
    record = make_service_standard(rolls_forward=True)
    fields = edit_form(administrator, record)
    fields.pop("rolls_forward")
    assert save(administrator, record, fields).status_code == 302
    session.expire_all()
    assert record.rolls_forward is False


def test_no_form_gives_roles(administrator: Client, session: Any) -> None:
    officer = make_officer(roles=[Role.HANDLER])
    fields = edit_form(administrator, officer)
    assert "roles" not in fields
    page = save(administrator, officer, fields | {"roles": ["administrator"]})
    assert page.status_code == 302, words(page)
    fields = {"name": "Nia", "username": "nia", "office": str(officer.office)}
    page = administrator.send(address(Officer, "new"), **fields, roles="administrator")
    assert page.status_code == 302, words(page)
    session.expire_all()
    assert officer.roles == [Role.HANDLER]
    assert session.scalar(select(Officer.roles).where(Officer.username == "nia")) == []


# --- Relations -------------------------------------------------------------------------------


@pytest.fixture
def water(session: Any) -> Office:
    return make_office(name="Water works", code="ww")


def routed(client: Client, session: Any, **fields: str) -> tuple[TestResponse, Any]:
    page = client.send(address(Grievance, "new"), title="Routed", **fields)
    assert_clean(page)
    return page, made(session, Grievance) if page.status_code == 302 else None


@pytest.mark.parametrize("by", ["text", "text and id", "id as text", "# and id", "blanks around"])
def test_a_relation_is_found_by_what_is_typed(
    administrator: Client, session: Any, water: Office, by: str
) -> None:
    """Without JavaScript there is the text alone."""
    typed = {
        "text": {"responsible_office": "Water works"},
        "text and id": {
            "responsible_office": "Water works",
            "responsible_office-id": str(water.id),
        },
        "id as text": {"responsible_office": str(water.id)},
        "# and id": {"responsible_office": f"#{water.id}"},
        "blanks around": {"responsible_office": "  Water works "},
    }[by]
    page, record = routed(administrator, session, **typed)
    assert page.status_code == 302, words(page)
    assert record.responsible_office_id == water.id


def test_of_two_with_one_name_the_chosen_one_is_taken(
    administrator: Client, session: Any, water: Office
) -> None:
    twin = make_office(name="Water works", code="ww2")
    page, _ = routed(administrator, session, responsible_office="Water works")
    assert page.status_code == 422
    assert "More than one is called" in beside(page, "responsible_office")
    assert record_form(page)["responsible_office"] == ["Water works"]
    page, record = routed(
        administrator,
        session,
        responsible_office="Water works",
        **{"responsible_office-id": str(twin.id)},
    )
    assert page.status_code == 302, words(page)
    assert record.responsible_office_id == twin.id


@pytest.mark.parametrize(
    ("typed", "chosen"),
    [
        ("No such office", ""),
        ("No such office", "{id}"),
        ("999999999999", ""),
        ("9" * 5000, ""),
        ("x" * 5000, ""),
        ("#", ""),
        ("%", ""),
        ("-1", ""),
        ("Water", ""),
    ],
)
def test_a_relation_that_is_not_there_gets_a_sentence(
    administrator: Client, session: Any, water: Office, typed: str, chosen: str
) -> None:
    page, _ = routed(
        administrator,
        session,
        responsible_office=typed,
        **{"responsible_office-id": chosen.format(id=water.id)},
    )
    assert page.status_code == 422
    assert "Nothing here is called" in beside(page, "responsible_office")


@pytest.mark.parametrize("chosen", ["abc", "-1", "1,2", str(2**63), "9" * 5000, "١"])
def test_a_damaged_number_beside_a_good_name_does_no_harm(
    administrator: Client, session: Any, water: Office, chosen: str
) -> None:
    page, record = routed(
        administrator,
        session,
        responsible_office="Water works",
        **{"responsible_office-id": chosen},
    )
    assert page.status_code == 302, words(page)
    assert record.responsible_office_id == water.id


def test_a_relation_out_of_scope_looks_like_one_that_is_not_there(
    as_role: Callable[..., Client], session: Any, water: Office
) -> None:
    foreign = make_grievance(responsible_office=make_office(), title="Hidden")
    client = as_role(Role.HANDLER, office_id=water.id)
    for typed in (str(foreign), str(foreign.id), f"#{foreign.id}"):
        page = client.send(
            address(PlanStep, "new"),
            subject="x",
            due_on="2026-07-01",
            grievance=typed,
            **{"grievance-id": str(foreign.id)},
        )
        assert page.status_code == 422
        assert "Nothing here is called" in beside(page, "grievance")


def test_a_relation_is_taken_away_by_emptying_its_text(
    administrator: Client, session: Any, water: Office
) -> None:
    record = make_grievance(responsible_office=water)
    fields = edit_form(administrator, record)
    assert fields["responsible_office-id"] == [str(water.id)]
    assert save(administrator, record, fields | {"responsible_office": ""}).status_code == 302
    session.expire_all()
    assert record.responsible_office_id is None


def test_a_relation_that_closed_since_stays_where_it_stands(
    administrator: Client, session: Any, water: Office
) -> None:
    record = make_grievance(responsible_office=water)
    water.closed_on = date(2026, 1, 1)
    make_office(name="Water works")
    session.flush()
    page = save(administrator, record, edit_form(administrator, record) | {"title": "Other"})
    assert page.status_code == 302, words(page)
    session.expire_all()
    assert record.responsible_office_id == water.id


def test_a_title_of_several_parts_is_found_as_it_is_shown(
    administrator: Client, session: Any
) -> None:
    grievance = make_grievance(title="Water · gas · and light 供水")
    page = administrator.send(
        address(PlanStep, "new"), subject="x", due_on="2026-07-01", grievance=str(grievance)
    )
    assert page.status_code == 302, words(page)
    assert made(session, PlanStep).grievance_id == grievance.id


# --- What a form may set ---------------------------------------------------------------------


def test_columns_that_actions_and_the_system_set_are_no_fields(
    administrator: Client, session: Any
) -> None:
    for model in EDITED:
        fields = form_for(model, lambda key: key)
        for column in model.__table__.columns:
            if column.info.get("set_by") or column.info.get("secret") or column.primary_key:
                assert not hasattr(fields, column.key), f"{model.__name__}.{column.key}"


def test_a_post_cannot_set_what_its_form_does_not_show(administrator: Client, session: Any) -> None:
    record = make_grievance()
    number = record.number
    fields = edit_form(administrator, record) | {
        "state": "closed",
        "closed_at": "2026-07-01T10:00",
        "number": "1",
        "id": "77",
        "version_id": "9",
        "created_by": "x",
        "source": "s",
        "external_number": "1",
        "title": "New title",
    }
    assert save(administrator, record, fields).status_code == 302
    session.expire_all()
    assert (record.state, record.closed_at, record.number) == (
        GrievanceState.REGISTERED,
        None,
        number,
    )
    assert record.source is None
    assert record.title == "New title"


def test_a_field_that_the_role_may_not_see_is_neither_shown_nor_set(
    as_role: Callable[..., Client], session: Any
) -> None:
    assert may(frozenset({Role.ADMINISTRATOR}), Officer.desk, Verb.EDIT)
    assert "email" in new_form(as_role(Role.ADMINISTRATOR), Officer)
    # Only administrators edit officers, so the other side is seen on the page of a record.
    officer = make_officer(email="canary@example.org")
    for role in Role:
        page = as_role(role).get(address(Officer, "details", id=officer.id))
        seen = "canary@example.org" in page.text
        assert seen == (role in (Role.ADMINISTRATOR, Role.AUDITOR)), role


def test_ones_own_record_belongs_to_oneself(as_role: Callable[..., Client], session: Any) -> None:
    client = as_role(Role.HANDLER)
    page = client.send(
        address(SavedView, "new"),
        name="Mine",
        record_type="grievance",
        address="search=x",
        officer=str(make_officer()),
        officer_id="1",
    )
    assert page.status_code == 302, words(page)
    assert made(session, SavedView).officer_id == client.officer_id


def test_nobody_edits_what_belongs_to_another(as_role: Callable[..., Client], session: Any) -> None:
    view = make_saved_view()
    assert as_role(Role.HANDLER).get(address(SavedView, "edit", id=view.id)).status_code == 404
    client = as_role(Role.ADMINISTRATOR)  # sees all of them
    assert client.get(address(SavedView, "details", id=view.id)).status_code == 200
    assert client.get(address(SavedView, "edit", id=view.id)).status_code == 403
    page = client.send(address(SavedView, "delete"), id=view.id)
    assert page.status_code == 403


def test_a_save_that_would_lose_the_record_from_sight_is_refused(
    as_role: Callable[..., Client], session: Any, water: Office
) -> None:
    record = make_grievance(responsible_office=water)
    other = make_office()
    client = as_role(Role.HANDLER, office_id=water.id)
    fields = edit_form(client, record) | {
        "responsible_office": str(other),
        "responsible_office-id": str(other.id),
    }
    page = save(client, record, fields)
    assert page.status_code == 422
    assert "out of your sight" in words(page)
    session.expire_all()
    assert record.responsible_office_id == water.id


# --- Constraints of the database -------------------------------------------------------------


def test_a_code_that_is_taken_is_said_beside_its_field(
    administrator: Client, session: Any, water: Office
) -> None:
    page = answer_to(administrator, Office, {"name": "Again", "code": "ww", "level": "department"})
    assert page.status_code == 422
    assert "already" in beside(page, "code")
    assert record_form(page)["name"] == ["Again"]


def test_a_combination_that_is_taken_is_said_on_top(administrator: Client, session: Any) -> None:
    target = make_target()
    page = answer_to(
        administrator,
        Target,
        {
            "office": str(target.office),
            "year": "2026",
            "measure": target.measure.value,
            "percent": "10",
        },
    )
    assert page.status_code == 422
    assert "already" in words(page)


def test_values_that_do_not_go_together_get_a_sentence(
    administrator: Client, session: Any, water: Office
) -> None:
    fields = edit_form(administrator, water) | {
        "opened_on": "2026-07-01",
        "closed_on": "2026-06-01",
    }
    page = save(administrator, water, fields)
    assert page.status_code == 422
    assert_clean(page)
    assert record_form(page)["closed_on"] == ["2026-06-01"]
    assert "The last day must not be before the first day." in words(page)


def test_periods_that_overlap_get_a_sentence(administrator: Client, session: Any) -> None:
    term = make_group_membership()
    page = answer_to(
        administrator,
        GroupMembership,
        {
            "group": str(term.group),
            "group-id": str(term.group_id),
            "officer": str(term.officer),
            "officer-id": str(term.officer_id),
            "starts_on": "2026-03-05",
        },
    )
    assert page.status_code == 422
    assert refusal("ex_group_membership_overlap", "group_membership") in words(page)


def test_a_tree_has_no_circle(administrator: Client, session: Any, water: Office) -> None:
    below = make_office(parent=water)
    fields = edit_form(administrator, water) | {"parent": str(below), "parent-id": str(below.id)}
    page = save(administrator, water, fields)
    assert page.status_code == 422
    assert_clean(page)
    assert "below itself" in words(page)


def test_every_constraint_that_can_refuse_is_a_sentence() -> None:
    for model in EDITED:
        table = model.__table__
        for constraint in (*table.constraints, *(one for one in table.indexes if one.unique)):
            if isinstance(constraint, CheckConstraint | ExcludeConstraint | Index):
                if str(constraint.name).endswith("_not_blank") or _is_of_enum(constraint):
                    continue  # these are said by the form itself
                sentence = refusal(str(constraint.name), table.name)
                assert sentence, f"rules/refusals.py has no sentence for {constraint.name}"
                assert sentence.endswith("."), sentence


def _is_of_enum(constraint: Any) -> bool:
    return getattr(constraint, "_type_bound", False)


# --- Moments ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "moment",
    [
        "2026-10-25T00:30:00+00:00",  # 01:30 the first time in London
        "2026-10-25T01:30:00+00:00",  # 01:30 the second time
        "2026-10-25T01:30:00.123456+00:00",
        "2026-07-01T10:00:59.999999+00:00",
    ],
)
def test_a_moment_that_was_not_touched_is_not_changed(
    administrator: Client, session: Any, moment: str
) -> None:
    record = make_grievance(received_at=datetime.fromisoformat(moment))
    fields = edit_form(administrator, record) | {"title": "Other"}
    assert save(administrator, record, fields).status_code == 302
    session.expire_all()
    assert record.title == "Other"
    assert record.received_at == datetime.fromisoformat(moment)


def test_a_moment_is_typed_in_the_readers_zone(administrator: Client, session: Any) -> None:
    for typed, kept in (
        ("2026-07-01T10:00", "2026-07-01T09:00+00:00"),
        ("2026-12-01T10:00:30", "2026-12-01T10:00:30+00:00"),
    ):
        page = answer_to(administrator, Grievance, {"title": "x", "received_at": typed})
        assert page.status_code == 302
        record = made(session, Grievance)
        assert record.received_at == datetime.fromisoformat(kept)
        assert edit_form(administrator, record)["received_at"][0][:16] == typed[:16]


# --- Two at once (trap 7) --------------------------------------------------------------------


def raw_change(session: Any, record: Any, **values: Any) -> None:
    """Change a record behind the form's back."""
    model = type(record)
    session.execute(model.__table__.update().where(model.id == record.id).values(**values))
    session.expire_all()


def test_a_stale_form_shows_both_versions_and_saves_neither(
    administrator: Client, session: Any
) -> None:
    record = make_grievance(title="As it was", place="Elm St")
    fields = edit_form(administrator, record)
    raw_change(session, record, title="Theirs")
    page = save(administrator, record, fields | {"title": "Mine"})
    assert page.status_code == 409
    assert_clean(page)
    assert "Theirs" in page.text
    assert "Mine" in page.text
    session.expire_all()
    assert record.title == "Theirs"


def test_mine_can_be_saved_over_theirs_on_purpose(administrator: Client, session: Any) -> None:
    record = make_grievance(title="As it was")
    fields = edit_form(administrator, record)
    raw_change(session, record, title="Theirs", place="Theirs too")
    conflict = save(administrator, record, fields | {"title": "Mine"})
    again = form_to(conflict, "/edit/")
    assert save(administrator, record, again).status_code == 302
    session.expire_all()
    assert record.title == "Mine"
    assert record.place is None  # the whole form is one version


def test_a_third_change_meanwhile_is_a_conflict_again(administrator: Client, session: Any) -> None:
    record = make_grievance(title="As it was")
    fields = edit_form(administrator, record)
    raw_change(session, record, title="Second")
    conflict = save(administrator, record, fields | {"title": "Mine"})
    raw_change(session, record, title="Third")
    page = save(administrator, record, form_to(conflict, "/edit/"))
    assert page.status_code == 409
    assert "Third" in page.text


@pytest.mark.parametrize(
    "kind", ["none", "empty", "forged", "of another record", "of another type"]
)
def test_without_the_signed_version_nothing_is_saved(
    administrator: Client, session: Any, kind: str
) -> None:
    record = make_grievance(title="As it was")
    fields = edit_form(administrator, record) | {"title": "Mine"}
    signed = fields["version"][0]
    if kind == "none":
        fields.pop("version")
    else:
        category = make_category()
        fields["version"] = {
            "empty": "",
            "forged": signed[:-3] + "AAA",
            "of another record": edit_form(administrator, make_grievance())["version"],
            "of another type": edit_form(administrator, category)["version"],
        }[kind]
    page = save(administrator, record, fields)
    assert page.status_code == 409
    session.expire_all()
    assert record.title == "As it was"


def test_a_record_that_was_deleted_meanwhile_is_not_found(
    administrator: Client, session: Any
) -> None:
    record = make_grievance()
    fields = edit_form(administrator, record)
    _take_away(session, record)
    page = save(administrator, record, fields)
    assert page.status_code == 404
    assert_clean(page)


def test_a_refused_form_keeps_its_version_and_can_be_saved_after_all(
    administrator: Client, session: Any
) -> None:
    record = make_grievance(title="As it was")
    page = save(administrator, record, edit_form(administrator, record) | {"title": ""})
    assert page.status_code == 422
    fields = record_form(page) | {"title": "Right"}
    assert save(administrator, record, fields).status_code == 302
    session.expire_all()
    assert record.title == "Right"


def test_saving_and_going_on_leads_back_to_the_form(administrator: Client, session: Any) -> None:
    record = make_grievance()
    page = save(
        administrator, record, edit_form(administrator, record) | {"_continue_editing": "1"}
    )
    assert page.location == address(Grievance, "edit", id=record.id)
    page = answer_to(administrator, Grievance, {"title": "x", "_add_another": "1"})
    assert page.location == address(Grievance, "new")


@pytest.fixture
def category(committed: Flask) -> int:
    """The id of a category in a database of its own, where commits are real."""
    with committed.app_context():
        record_id = make_category(name="Original").id
        db.session.commit()
    return record_id


def browser(app: Flask) -> Client:
    """Return a browser of an administrator; no context of the application may be open."""
    client = Client(app, use_cookies=True)
    with app.app_context():
        client.let_in(make_officer(roles=[Role.ADMINISTRATOR]))
        db.session.commit()
    return client


def test_a_save_that_waits_for_anothers_lock_sees_the_conflict(
    committed: Flask, category: int
) -> None:
    """Both forms are current when they are posted; the first to commit wins."""
    client = browser(committed)
    path = address(Category, "edit", id=category)
    fields = record_form(client.get(path)) | {"name": "Mine"}
    answers: list[TestResponse] = []
    with committed.app_context():
        engine = db.engine
    with Session(engine) as other:
        other.execute(text("UPDATE category SET name = 'Theirs'"))
        posting = threading.Thread(target=lambda: answers.append(_post(client, path, fields)))
        posting.start()
        _wait_for_a_lock(other)
        other.commit()
        posting.join(10)
        assert answers[0].status_code == 409, words(answers[0])
        assert "Theirs" in answers[0].text
        assert other.scalar(select(Category.name)) == "Theirs"


def _post(client: Client, path: str, fields: Fields) -> TestResponse:
    return client.post(path, data=fields)


def _wait_for_a_lock(session: Session) -> None:
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    for _ in range(500):
        if session.scalar(waiting):
            return
        threading.Event().wait(0.01)
    pytest.fail("the second save never came to wait")


def test_of_many_who_save_at_once_exactly_one_wins(committed: Flask, category: int) -> None:
    clients = [browser(committed) for _ in range(6)]
    path = address(Category, "edit", id=category)
    forms = [
        record_form(client.get(path)) | {"name": f"Writer {n}"} for n, client in enumerate(clients)
    ]
    start = threading.Barrier(len(clients))
    statuses: list[int] = []

    def write(client: Client, fields: Fields) -> None:
        start.wait()
        statuses.append(client.post(path, data=fields).status_code)

    threads = [
        threading.Thread(target=write, args=pair) for pair in zip(clients, forms, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(statuses) == [302] + [409] * (len(clients) - 1)


# --- Delete ----------------------------------------------------------------------------------


def delete_form(client: Client, record: Any) -> Fields:
    page = client.get(address(type(record), "delete", id=record.id))
    assert page.status_code == 200, words(page)
    return form_to(page, "/delete/")


def test_a_get_deletes_nothing_and_asks(administrator: Client, session: Any) -> None:
    record = make_category(name="Roads")
    page = administrator.get(address(Category, "delete", id=record.id))
    assert "Delete “Roads”?" in words(page)
    page = administrator.send(address(Category, "delete"), id=record.id)
    assert page.status_code == 200  # asks again: it was not asked before
    assert session.scalar(select(func.count()).select_from(Category)) == 1


def test_a_record_is_deleted_after_it_was_looked_at(administrator: Client, session: Any) -> None:
    record = make_category()
    page = administrator.post(address(Category, "delete"), data=delete_form(administrator, record))
    assert page.status_code == 302
    assert session.scalar(select(func.count()).select_from(Category)) == 0


def test_what_goes_with_a_record_is_said_first(administrator: Client, session: Any) -> None:
    grievance = make_grievance()
    make_plan_step(grievance=grievance)
    page = administrator.get(address(Grievance, "delete", id=grievance.id))
    assert "These go with it" in words(page)
    assert "Plan steps: 1" in words(page)
    form = form_to(page, "/delete/")
    assert administrator.post(address(Grievance, "delete"), data=form).status_code == 302
    assert session.scalar(select(func.count()).select_from(PlanStep)) == 0


def test_a_record_with_a_history_is_not_deleted_and_says_why(
    administrator: Client, session: Any
) -> None:
    office = make_office()
    make_grievance(responsible_office=office)
    page = administrator.get(address(Office, "delete", id=office.id))
    assert "cannot be deleted" in words(page)
    assert "Grievances: 1" in words(page)
    assert '<form method="post" action="/admin/office/delete/' not in page.text


def test_a_reference_that_came_since_the_question_keeps_the_record(
    administrator: Client, session: Any
) -> None:
    office = make_office()
    form = delete_form(administrator, office)
    make_grievance(responsible_office=office)
    page = administrator.post(address(Office, "delete"), data=form)
    assert page.status_code == 409
    assert_clean(page)
    assert session.get(Office, office.id)


def test_a_record_that_changed_since_the_question_is_kept(
    administrator: Client, session: Any
) -> None:
    record = make_category(name="Roads")
    form = delete_form(administrator, record)
    raw_change(session, record, name="Bridges")
    page = administrator.post(address(Category, "delete"), data=form)
    assert page.status_code == 409
    assert "Bridges" in page.text
    assert "changed since" in words(page)


@pytest.mark.parametrize("forged", ["x", "WzEsMV0.AAAA", "[1,1]"])
def test_a_forged_question_deletes_nothing(
    administrator: Client, session: Any, forged: str
) -> None:
    record = make_category()
    page = administrator.send(address(Category, "delete"), id=record.id, version=forged)
    assert page.status_code == 409
    assert session.get(Category, record.id)


def test_who_may_not_delete_is_refused_and_offered_nothing(
    as_role: Callable[..., Client], session: Any
) -> None:
    record = make_category()
    client = as_role(Role.HANDLER)
    assert "/delete/" not in client.get(address(Category, "details", id=record.id)).text
    assert client.get(address(Category, "delete", id=record.id)).status_code == 403
    assert client.send(address(Category, "delete"), id=record.id).status_code == 403
    assert session.get(Category, record.id)


# --- Languages -------------------------------------------------------------------------------


def test_a_form_speaks_the_language_of_its_reader_each_time(
    administrator: Client, session: Any
) -> None:
    """One form class serves everybody: the first reader's language must not stick to it."""
    seen = []
    for language, tag in (("en", "en"), ("zh_Hans_CN", "zh-Hans"), ("en", "en")):
        administrator.send("/language", language=language, next="/admin/")
        page = administrator.get(address(Category, "new"))
        assert f'<html lang="{tag}"' in page.text
        seen.append(re.findall(r'class="form-label"[^>]*>([^<]+?) *<', page.text))
    assert seen[0] == seen[2]
    assert seen[0][0] == "Name"
    assert re.search("[\u4e00-\u9fff]", seen[1][0])

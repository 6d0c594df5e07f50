"""Changing one field of many records: asked, previewed, done in one transaction, put back."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import func, select, text
from werkzeug.test import TestResponse

from models import (
    AuditEntry,
    Category,
    DutyShift,
    Grievance,
    Office,
    Officer,
    PlanStep,
    SavedView,
    Target,
)
from rules.grievance import GrievanceKind
from rules.permissions import Role
from rules.records import AuditVerb
from tests.conftest import SECRET, Client
from tests.factories import (
    make_category,
    make_duty_shift,
    make_grievance,
    make_office,
    make_officer,
    make_plan_step,
    make_saved_view,
    make_target,
)
from tests.statements import statements
from tests.views.pages import address, assert_clean, form_to, forms, words
from views import bulk


@pytest.fixture
def administrator(as_role: Callable[..., Client]) -> Client:
    return as_role(Role.ADMINISTRATOR)


@pytest.fixture
def offices(session: Any) -> list[Office]:
    return [make_office(name=name) for name in ("Water works", "Roads office")]


@pytest.fixture
def categories(session: Any, offices: list[Office]) -> list[Category]:
    """Twelve of no office, two of the water works, one of the roads office."""
    of = [None] * 12 + [offices[0]] * 2 + [offices[1]]
    return [make_category(name=f"Pipe {n:02}", office=one) for n, one in enumerate(of)]


def ask(
    client: Client, model: Any, key: str, ids: list[Any] | None, query: str = "", **fields: Any
) -> TestResponse:
    """Send what the form under a list sends for changing the field `key`; `ids` None: all."""
    rows = {"rowid": [str(one) for one in ids]} if ids is not None else {"all": "1"}
    return client.send(address(model, "action") + query, action=f"change-{key}", **rows, **fields)


def preview(
    client: Client, model: Any, key: str, ids: list[Any] | None, value: Any, query: str = ""
) -> TestResponse:
    """Fill in the new value and send it."""
    page = ask(client, model, key, ids, query)
    assert page.status_code == 200, words(page)
    held = form_to(page, "/action/") | {f"value-{key}": value}
    return client.post(address(model, "action") + query, data=held)


def confirm(client: Client, model: Any, page: TestResponse, query: str = "") -> TestResponse:
    """Press the button of a preview."""
    assert page.status_code in (200, 409), words(page)
    return client.post(address(model, "action") + query, data=form_to(page, "/action/"))


def done(client: Client, answer: TestResponse) -> TestResponse:
    """Follow the way back to the list."""
    assert answer.status_code == 302, words(answer)
    assert answer.location.endswith("#done") or "/undo/" in answer.request.path
    return client.get(answer.location.partition("#")[0])


def undo(client: Client, page: TestResponse) -> TestResponse:
    """Press “Undo” on a list."""
    (form,) = [one for one in forms(page) if "/undo/" in one["attributes"].get("action", "")]
    return done(client, client.post(form["attributes"]["action"], data=form["fields"]))


def offices_of(session: Any) -> dict[str, int | None]:
    session.expire_all()
    return {one.name: one.office_id for one in session.scalars(select(Category))}


def in_trail(session: Any, table: str) -> int:
    return int(
        session.scalar(
            select(func.count())
            .select_from(AuditEntry)
            .where(AuditEntry.record_type == table, AuditEntry.verb == AuditVerb.UPDATE)
        )
    )


# --- Asking and previewing -------------------------------------------------------------------


def test_the_list_offers_each_field_of_the_form_that_may_be_alike(
    administrator: Client, session: Any, categories: list[Category]
) -> None:
    offered = set(re.findall(r'value="change-(\w+)"', administrator.get(address(Category)).text))
    assert offered == {"name", "parent", "office", "service_standard", "retired_on"}
    make_grievance()
    offered = set(re.findall(r'value="change-(\w+)"', administrator.get(address(Grievance)).text))
    assert {"category", "responsible_office", "kind"} <= offered
    set_by_action = {c.key for c in Grievance.__table__.columns if c.info.get("set_by")}
    assert not offered & (set_by_action | {"id", "number", "description"})
    page = administrator.get(address(Office))
    assert 'value="change-code"' not in page.text  # no two offices share one
    assert 'value="change-level"' in page.text


def test_the_value_is_asked_with_the_field_of_the_form(
    administrator: Client, session: Any, categories: list[Category]
) -> None:
    page = ask(administrator, Category, "office", [one.id for one in categories])
    assert page.status_code == 200
    assert "15 records" in words(page)
    assert "Office that answers by default" in words(page)
    assert "data-lookup" in page.text
    assert "fingerprint" not in page.text


def test_a_preview_counts_what_becomes_of_what_and_changes_nothing(
    administrator: Client, session: Any, categories: list[Category]
) -> None:
    before = offices_of(session)
    page = preview(administrator, Category, "office", [c.id for c in categories], "Roads office")
    assert page.status_code == 200
    told = words(page)
    assert "12 × (nothing) → “Roads office”" in told
    assert "2 × “Water works” → “Roads office”" in told
    assert "1 record has this value already." in told
    assert "Pipe 04: (nothing) → “Roads office”" in told
    assert "Pipe 05:" not in told
    assert "and 10 more" in told
    assert "Change 14 records" in told
    assert offices_of(session) == before
    assert in_trail(session, "category") == 0


def test_words_and_not_stored_values_are_shown(administrator: Client, session: Any) -> None:
    ids = [make_grievance(kind=GrievanceKind.SERVICE).id for _ in range(2)]
    told = words(preview(administrator, Grievance, "kind", ids, "conduct"))
    assert "2 × “Service” → “Conduct”" in told


def test_more_values_than_are_worth_listing_are_summed_up(
    administrator: Client, session: Any
) -> None:
    ids = [make_plan_step(due_on=date(2026, 1, 1) + timedelta(n)).id for n in range(14)]
    told = words(preview(administrator, PlanStep, "due_on", ids, "2026-12-24"))
    assert "4 × other values → “24 Dec 2026”" in told


# --- Doing it --------------------------------------------------------------------------------


def test_all_of_it_is_done_after_the_preview_and_each_is_in_the_trail(
    administrator: Client, session: Any, categories: list[Category], offices: list[Office]
) -> None:
    chosen = [one.id for one in categories]
    page = preview(administrator, Category, "office", chosen, "Roads office")
    shown = done(administrator, confirm(administrator, Category, page))
    assert "14 records were changed: Office is now “Roads office”." in words(shown)
    assert set(offices_of(session).values()) == {offices[1].id}
    entries = session.scalars(
        select(AuditEntry).where(
            AuditEntry.record_type == "category", AuditEntry.verb == AuditVerb.UPDATE
        )
    ).all()
    assert sorted(one.record_id for one in entries) == sorted(chosen[:14])
    assert {one.officer_id for one in entries} == {administrator.officer_id}
    assert len({one.request_id for one in entries}) == 1
    assert session.get(Category, chosen[0]).version_id == 2
    assert session.get(Category, chosen[14]).version_id == 1  # it had the value already


def test_all_that_match_are_changed_and_no_other(
    administrator: Client, session: Any, categories: list[Category], offices: list[Office]
) -> None:
    query = "?flt0_name_contains=pipe+0&search=pipe"
    page = preview(administrator, Category, "office", None, "Roads office", query)
    assert "10 records" in words(page)
    answer = confirm(administrator, Category, page, query)
    assert "flt0_name_contains" in answer.location
    done(administrator, answer)
    now = offices_of(session)
    assert {name for name, office in now.items() if office == offices[1].id} == {
        *(f"Pipe {n:02}" for n in range(10)),
        "Pipe 14",
    }


@pytest.mark.parametrize(
    ("make", "model", "key", "value", "stored"),
    [
        (make_category, Category, "retired_on", "2026-07-01", date(2026, 7, 1)),
        (make_category, Category, "office", "", None),
        (make_grievance, Grievance, "kind", "conduct", GrievanceKind.CONDUCT),
        (make_grievance, Grievance, "place", "Mill Street", "Mill Street"),
        (make_target, Target, "percent", "80.5", 80.5),
        (
            make_duty_shift,
            DutyShift,
            "ends_at",
            "2026-10-01T09:00",
            datetime(2026, 10, 1, 8, tzinfo=UTC),
        ),
    ],
)
def test_every_kind_of_field_is_changed_and_put_back(
    administrator: Client,
    session: Any,
    make: Callable[..., Any],
    model: Any,
    key: str,
    value: str,
    stored: Any,
) -> None:
    given: dict[str, Any] = {}
    if model is DutyShift:
        given = {"starts_at": datetime(2026, 10, 1, 1, tzinfo=UTC)}
        given["ends_at"] = datetime(2026, 10, 1, 6, 1, 2, 345678, tzinfo=UTC)
    if (model, key) == (Category, "office"):
        given = {"office": make_office()}
    records = [make(**given) for _ in range(3)]
    session.expire_all()
    before = [getattr(one, key) for one in records]
    page = preview(administrator, model, key, [one.id for one in records], value)
    shown = done(administrator, confirm(administrator, model, page))
    session.expire_all()
    assert [getattr(one, key) for one in records] == [stored] * 3
    assert "3 records are as they were before." in words(undo(administrator, shown))
    session.expire_all()
    assert [getattr(one, key) for one in records] == before


def test_yes_and_no_are_set_for_all(administrator: Client, session: Any) -> None:
    records = [make_grievance(is_referred_from_above=n == 0) for n in range(3)]
    key = "is_referred_from_above"
    page = preview(administrator, Grievance, key, [one.id for one in records], "y")
    assert "2 × “no” → “yes”" in words(page)
    shown = done(administrator, confirm(administrator, Grievance, page))
    session.expire_all()
    assert all(one.is_referred_from_above for one in records)
    undo(administrator, shown)
    session.expire_all()
    assert [one.is_referred_from_above for one in records] == [True, False, False]


def test_where_all_have_the_value_there_is_nothing_to_do(
    administrator: Client, session: Any, categories: list[Category]
) -> None:
    page = preview(administrator, Category, "office", [c.id for c in categories[:12]], "")
    assert "12 records have this value already." in words(page)
    assert "fingerprint" not in page.text


def test_a_value_that_is_none_is_said_on_its_field(
    administrator: Client, session: Any, categories: list[Category]
) -> None:
    chosen = [one.id for one in categories]
    for key, value, sentence in (
        ("retired_on", "soon", "“soon” is not a date."),
        ("name", "", "Please fill this in."),
        ("office", "Nobody", "Nothing here is called “Nobody”"),
    ):
        page = preview(administrator, Category, key, chosen, value)
        assert page.status_code == 422
        assert sentence in words(page)
        assert form_to(page, "/action/")["rowid"] == [str(one) for one in chosen]


# --- Changed meanwhile -----------------------------------------------------------------------


def test_a_record_that_changed_since_the_preview_brings_the_preview_again(
    administrator: Client, session: Any, categories: list[Category], offices: list[Office]
) -> None:
    page = preview(administrator, Category, "office", [c.id for c in categories], "Roads office")
    session.execute(
        text("UPDATE category SET office_id = :office WHERE id = :id"),
        {"office": offices[0].id, "id": categories[0].id},
    )
    again = confirm(administrator, Category, page)
    assert again.status_code == 409
    assert "changed since the preview" in words(again)
    assert "3 × “Water works” → “Roads office”" in words(again)
    assert in_trail(session, "category") == 1
    done(administrator, confirm(administrator, Category, again))
    assert set(offices_of(session).values()) == {offices[1].id}


def test_the_fingerprint_is_for_one_value_of_one_field_alone(
    administrator: Client, session: Any, categories: list[Category]
) -> None:
    chosen = [one.id for one in categories]
    held = form_to(preview(administrator, Category, "office", chosen, "Roads office"), "/action/")
    other = {"value-office": "Water works", "value-office-id": ""}
    for forged in (held | other, held | {"fingerprint": "x"}):
        page = administrator.post(address(Category, "action"), data=forged)
        assert page.status_code == 409
    changed = {"action": "change-retired_on", "value-retired_on": "2026-01-01"}
    assert administrator.post(address(Category, "action"), data=held | changed).status_code == 409
    deleting = held | {"action": "delete"}
    assert administrator.post(address(Category, "action"), data=deleting).status_code == 409
    assert in_trail(session, "category") == 0
    assert len(offices_of(session)) == 15


# --- What cannot be changed ------------------------------------------------------------------


def test_those_that_a_constraint_keeps_are_named_and_can_be_left_out(
    administrator: Client, session: Any
) -> None:
    early = datetime(2026, 3, 1, tzinfo=UTC)
    shifts = [
        make_duty_shift(
            name=f"Shift {n}",
            officer=make_officer(),
            starts_at=early + timedelta(days=40 * (n == 3)),
            ends_at=early + timedelta(days=40 * (n == 3), hours=8),
        )
        for n in range(6)
    ]
    ids = [one.id for one in shifts]
    page = preview(administrator, DutyShift, "ends_at", ids, "2026-03-01T20:00")
    assert page.status_code == 200
    assert "done for none: The end must be after the start." in words(page)
    assert "Shift 3 : The end must be after the start." in words(page)
    assert "Shift 2 :" not in words(page)
    assert "fingerprint" not in page.text
    again = confirm(administrator, DutyShift, page)
    assert "Change 5 records" in words(again)
    done(administrator, confirm(administrator, DutyShift, again))
    session.expire_all()
    assert {one.ends_at.day for one in shifts} == {1, 10}
    assert in_trail(session, "duty_shift") == 5


def test_two_that_would_be_alike_are_refused_together(
    administrator: Client, session: Any, categories: list[Category]
) -> None:
    page = preview(administrator, Category, "name", [c.id for c in categories[:2]], "The same")
    assert "already a record of this kind" in words(page)
    assert "stand in the way" not in words(page)  # neither does by itself
    assert "fingerprint" not in page.text
    assert in_trail(session, "category") == 0


def test_a_constraint_that_is_broken_only_then_keeps_all_as_they_are(
    administrator: Client, session: Any, categories: list[Category]
) -> None:
    wider = make_category(name="Wider")
    page = preview(administrator, Category, "parent", [c.id for c in categories[:3]], "Wider")
    session.execute(  # not one of those that were chosen
        text("UPDATE category SET parent_id = :above WHERE id = :id"),
        {"above": categories[1].id, "id": wider.id},
    )
    again = confirm(administrator, Category, page)
    assert again.status_code == 409
    assert_clean(again)
    assert "Nothing was changed. A record cannot stand below itself." in words(again)
    session.expire_all()
    assert {one.parent_id for one in categories} == {None}


def test_the_search_for_those_in_the_way_ends(
    administrator: Client, session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [make_target(office=make_office()).id for _ in range(16)]
    page = preview(administrator, Target, "percent", ids, "101")
    assert words(page).count("share") == 11  # once for all, and for ten of them
    assert "Go on without these" not in words(page)
    monkeypatch.setattr(bulk, "SEARCHED", 15)
    page = preview(administrator, Target, "percent", ids, "101")
    assert "stand in the way" not in words(page)
    assert in_trail(session, "target") == 0


def test_halves_of_halves_find_them_all() -> None:
    bad = {3, 17, 64}
    asked: list[int] = []

    def why_not(some: list[int]) -> str | None:
        asked.append(len(some))
        return "bad" if bad & set(some) else None

    ids = list(range(100))
    assert bulk.change.refused_ones(ids, why_not, most=10) == (dict.fromkeys(bad, "bad"), True)
    assert len(asked) < 50
    found, are_all = bulk.change.refused_ones(ids, why_not, most=2)
    assert (found, are_all) == ({3: "bad", 17: "bad"}, False)


# --- Rights ----------------------------------------------------------------------------------


def test_who_may_not_edit_is_offered_nothing_and_refused(
    as_role: Callable[..., Client], session: Any, categories: list[Category]
) -> None:
    client = as_role(Role.HANDLER)
    assert "change-" not in client.get(address(Category)).text
    page = ask(client, Category, "office", [categories[0].id], step="value", **{"value-office": ""})
    assert page.status_code == 403
    undone = client.send(address(Category, "undo"), undo="x")
    assert undone.status_code == 403
    assert in_trail(session, "category") == 0


def test_who_may_edit_and_not_delete_is_offered_that_alone(
    as_role: Callable[..., Client], session: Any
) -> None:
    client = as_role(Role.HANDLER)
    office = session.get(Officer, client.officer_id).office
    record = make_grievance(responsible_office=office)
    page = client.get(address(Grievance))
    assert 'value="change-kind"' in page.text
    assert 'value="delete"' not in page.text
    refused = client.send(address(Grievance, "action"), action="delete", rowid=str(record.id))
    assert refused.status_code == 403


@pytest.mark.parametrize(
    "key", ["state", "id", "description", "created_by", "nope", "", "version_id"]
)
def test_no_other_field_is_changed(administrator: Client, session: Any, key: str) -> None:
    record = make_grievance()
    page = ask(administrator, Grievance, key, [record.id], step="value", **{f"value-{key}": "1"})
    assert page.status_code == 400
    assert_clean(page)
    assert in_trail(session, "grievance") == 0


def test_records_out_of_sight_are_left_alone_and_counted(
    as_role: Callable[..., Client], session: Any
) -> None:
    client = as_role(Role.HANDLER)
    office = session.get(Officer, client.officer_id).office
    mine = make_grievance(responsible_office=office)
    foreign = [make_grievance(responsible_office=make_office()) for _ in range(2)]
    ids = [mine.id, *(one.id for one in foreign)]
    page = preview(client, Grievance, "place", ids, "Mill Street")
    assert "1 record" in words(page)
    assert "2 more were chosen that are gone, out of your sight, or not yours" in words(page)
    done(client, confirm(client, Grievance, page))
    session.expire_all()
    assert mine.place == "Mill Street"
    assert {one.place for one in foreign} == {None}


def test_what_belongs_to_others_is_left_alone_and_counted(
    as_role: Callable[..., Client], session: Any
) -> None:
    client = as_role(Role.AUDITOR)
    mine = make_saved_view(officer_id=client.officer_id)
    others = [make_saved_view() for _ in range(2)]
    page = preview(client, SavedView, "record_type", None, "category")
    assert "2 more were chosen" in words(page)
    done(client, confirm(client, SavedView, page))
    session.expire_all()
    assert mine.record_type == "category"
    assert {one.record_type for one in others} == {"grievance"}


def test_nobody_moves_records_out_of_their_own_sight(
    as_role: Callable[..., Client], session: Any
) -> None:
    office = make_office(name="Ours")
    make_office(name="Theirs")
    client = as_role(Role.HANDLER, office_id=office.id)
    records = [make_grievance(responsible_office=office) for _ in range(3)]
    ids = [one.id for one in records]
    page = preview(client, Grievance, "responsible_office", ids, "Theirs")
    assert "out of your sight" in words(page)
    assert "fingerprint" not in page.text
    session.expire_all()
    assert {one.responsible_office_id for one in records} == {office.id}


def test_values_of_records_out_of_sight_are_numbers(
    as_role: Callable[..., Client], session: Any
) -> None:
    client = as_role(Role.HANDLER)
    office = session.get(Officer, client.officer_id).office
    hidden = make_grievance(title="Canary in a mine", responsible_office=make_office())
    seen = make_grievance(title="Seen", responsible_office=office)
    step = make_plan_step(grievance=seen)
    session.execute(text("UPDATE plan_step SET grievance_id = :id"), {"id": seen.id})
    page = preview(client, PlanStep, "grievance", [step.id], f"#{hidden.id}")
    assert page.status_code == 422
    assert "Canary" not in page.text


# --- Undo ------------------------------------------------------------------------------------


def changed(client: Client, categories: list[Category]) -> TestResponse:
    """Give the first five categories to the roads office; return the list after that."""
    ids = [one.id for one in categories[:5]]
    page = preview(client, Category, "office", ids, "Roads office")
    return done(client, confirm(client, Category, page))


def test_an_undo_is_a_change_of_its_own_and_can_be_undone(
    administrator: Client, session: Any, categories: list[Category], offices: list[Office]
) -> None:
    before = offices_of(session)
    shown = changed(administrator, categories)
    after = offices_of(session)
    assert after != before
    back = undo(administrator, shown)
    assert offices_of(session) == before
    assert in_trail(session, "category") == 10
    assert "5 records are as they were before." in words(undo(administrator, back))
    assert offices_of(session) == after


def test_an_undo_leaves_alone_what_somebody_changed_since(
    administrator: Client, session: Any, categories: list[Category]
) -> None:
    shown = changed(administrator, categories)
    session.execute(
        text("UPDATE category SET name = 'Renamed' WHERE id = :id"), {"id": categories[1].id}
    )
    session.execute(text("DELETE FROM category WHERE id = :id"), {"id": categories[2].id})
    page = undo(administrator, shown)
    assert "3 records are as they were before." in words(page)
    assert "2 records were changed again since, or are gone" in words(page)
    now = offices_of(session)
    assert now["Pipe 00"] is None
    assert now["Renamed"] is not None


def test_an_undo_twice_does_nothing_the_second_time(
    administrator: Client, session: Any, categories: list[Category]
) -> None:
    shown = changed(administrator, categories)
    undo(administrator, shown)
    page = undo(administrator, shown)
    assert "5 records were changed again since" in words(page)
    assert in_trail(session, "category") == 10


def test_an_undo_is_refused_in_words_where_a_constraint_has_come_between(
    administrator: Client, session: Any
) -> None:
    shifts = [make_duty_shift(officer=make_officer()) for _ in range(2)]
    other = make_officer(username="somebody.else", name="Somebody Else")
    page = preview(administrator, DutyShift, "officer", [shifts[0].id], str(other))
    shown = done(administrator, confirm(administrator, DutyShift, page))
    session.execute(  # the officer it belonged to is on duty elsewhere now
        text("UPDATE duty_shift SET officer_id = :officer WHERE id = :id"),
        {
            "officer": session.scalar(
                select(AuditEntry.changes["officer_id"][0].as_integer()).where(
                    AuditEntry.record_type == "duty_shift", AuditEntry.verb == AuditVerb.UPDATE
                )
            ),
            "id": shifts[1].id,
        },
    )
    assert "Nothing was changed." in words(undo(administrator, shown))
    session.expire_all()
    assert shifts[0].officer_id == other.id


def test_nobody_undoes_what_somebody_else_did_or_did_too_long_ago(
    administrator: Client,
    as_role: Callable[..., Client],
    session: Any,
    categories: list[Category],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown = changed(administrator, categories)
    after = offices_of(session)
    (form,) = [one for one in forms(shown) if "/undo/" in one["attributes"].get("action", "")]
    token = form["fields"]["undo"][0]
    other = as_role(Role.ADMINISTRATOR)
    query = shown.request.query_string.decode()
    assert "/undo/" not in other.get(f"{address(Category)}?{query}").text
    page = done(other, other.send(address(Category, "undo"), undo=token))
    assert "cannot be undone any more" in words(page)
    monkeypatch.setattr(bulk, "UNDO_SECONDS", -1)
    page = done(administrator, administrator.send(address(Category, "undo"), undo=token))
    assert "cannot be undone any more" in words(page)
    assert offices_of(session) == after


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "1,2", "9" * 5000, "\u202e", "W10.aaaa.bbbb"])
def test_a_token_that_is_none_undoes_nothing(
    administrator: Client, session: Any, categories: list[Category], token: str
) -> None:
    changed(administrator, categories)
    page = done(administrator, administrator.send(address(Category, "undo"), undo=token))
    assert "cannot be undone any more" in words(page)
    assert administrator.get(address(Category, undo=token[:2000])).status_code == 200
    assert in_trail(session, "category") == 5


def test_a_token_for_another_list_or_another_field_is_none(
    administrator: Client, session: Any, categories: list[Category]
) -> None:
    changed(administrator, categories)
    (request_id,) = set(
        session.scalars(
            select(AuditEntry.request_id).where(
                AuditEntry.record_type == "category", AuditEntry.verb == AuditVerb.UPDATE
            )
        )
    )
    said = [request_id, "created_at", 5, administrator.officer_id]
    token = URLSafeTimedSerializer(SECRET, salt="undo-record_category").dumps(said)
    page = done(administrator, administrator.send(address(Category, "undo"), undo=token))
    assert "cannot be undone any more" in words(page)
    said[1] = "office"
    token = URLSafeTimedSerializer(SECRET, salt="undo-record_office").dumps(said)
    page = done(administrator, administrator.send(address(Category, "undo"), undo=token))
    assert "cannot be undone any more" in words(page)
    assert in_trail(session, "category") == 5


# --- How much it costs -----------------------------------------------------------------------


def test_a_thousand_take_no_more_statements_than_two(
    administrator: Client, session: Any, figures: Callable[[str], None]
) -> None:
    administrator.get(address(Category))
    make_office(name="Roads office")
    counts = []
    for number in (2, 1000):
        ids = session.scalars(
            text(
                "INSERT INTO category (name) SELECT :start || n FROM generate_series(1, :n) n"
                " RETURNING id"
            ),
            {"start": f"Many {number} ", "n": number},
        ).all()
        page = ask(administrator, Category, "office", list(ids))
        held = form_to(page, "/action/") | {"value-office": "Roads office"}
        seen: list[int] = []
        with statements() as previewed:
            page = administrator.post(address(Category, "action"), data=held)
        seen.append(len(previewed))
        with statements() as carried_out:
            answer = confirm(administrator, Category, page)
        seen.append(len(carried_out))
        shown = done(administrator, answer)
        with statements() as undone:
            undo(administrator, shown)
        seen.append(len(undone))
        counts.append(seen)
    assert counts[0] == counts[1]
    assert counts[1][0] <= 12
    assert counts[1][1] <= 9
    figures(
        "changing a field of 1,000 records: {} statements for the preview, {} for the change, {} "
        "for its undoing and the list after it".format(*counts[1])
    )


def test_more_than_ten_thousand_are_refused_in_words(
    administrator: Client,
    session: Any,
    categories: list[Category],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bulk, "MOST_AT_ONCE", 14)
    for ids in ([one.id for one in categories], None):
        page = ask(administrator, Category, "office", ids)
        assert page.status_code == 400
        assert "More than 14 records match" in words(page)

"""Actions on the selection or on all that match: previewed, in one transaction (trap 14)."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select, text
from werkzeug.test import TestResponse

from models import AuditEntry, Category, Grievance, Office, PlanStep, SavedView
from rules.permissions import Role
from rules.records import AuditVerb
from tests.conftest import Client
from tests.factories import (
    make_category,
    make_grievance,
    make_office,
    make_plan_step,
    make_saved_view,
)
from tests.statements import statements
from tests.views import pages
from tests.views.pages import address, assert_clean, form_to, words
from views import bulk


@pytest.fixture
def administrator(as_role: Callable[..., Client]) -> Client:
    return as_role(Role.ADMINISTRATOR)


@pytest.fixture
def categories(session: Any) -> list[Category]:
    return [make_category(name=f"Pipe {n:02}") for n in range(15)]


def preview(
    client: Client, model: Any, ids: list[Any] | None = None, query: str = "", **fields: Any
) -> TestResponse:
    """Ask for the preview of a deletion, as the form under a list does."""
    rows = {"rowid": [str(one) for one in ids]} if ids is not None else {"all": "1"}
    return client.send(address(model, "action") + query, action="delete", **rows, **fields)


def confirm(client: Client, model: Any, page: TestResponse, query: str = "") -> TestResponse:
    assert page.status_code == 200, words(page)
    return client.post(address(model, "action") + query, data=form_to(page, "/action/"))


def number_of(session: Any, model: Any) -> int:
    session.expire_all()
    return int(session.scalar(select(func.count()).select_from(model)))


def test_a_preview_says_how_many_and_which_and_changes_nothing(
    administrator: Client, session: Any, categories: list[Category]
) -> None:
    page = preview(administrator, Category, [one.id for one in categories[:12]])
    assert page.status_code == 200
    assert "12 records" in words(page)
    assert "Pipe 09" in words(page)
    assert "Pipe 10" not in words(page)
    assert "and 2 more" in words(page)
    assert number_of(session, Category) == 15


def test_the_selection_is_deleted_after_its_preview(
    administrator: Client, session: Any, categories: list[Category]
) -> None:
    chosen = [one.id for one in categories[:3]]
    page = confirm(administrator, Category, preview(administrator, Category, chosen))
    assert page.status_code == 302
    assert "3 records were deleted" in words(administrator.get(page.location))
    assert number_of(session, Category) == 12
    assert not set(session.scalars(select(Category.id))) & set(chosen)


def test_all_that_match_are_deleted_and_no_other(
    administrator: Client, session: Any, categories: list[Category]
) -> None:
    query = "?flt0_name_contains=pipe+0&search=pipe"
    page = preview(administrator, Category, None, query)
    assert "10 records" in words(page)
    action = pages.forms(page)[-1]["attributes"]["action"]
    assert "flt0_name_contains=pipe" in action
    done = administrator.post(action, data=form_to(page, "/action/"))
    assert done.status_code == 302
    assert "flt0_name_contains" in done.location
    assert sorted(session.scalars(select(Category.name))) == [f"Pipe {n}" for n in range(10, 15)]


def test_fifty_rows_take_no_more_statements_than_two(administrator: Client, session: Any) -> None:
    administrator.get(address(Category))
    counts = []
    for number in (2, 50):
        chosen = [make_category().id for _ in range(number)]
        page = preview(administrator, Category, chosen)
        with statements() as seen:
            confirm(administrator, Category, page)
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 8


def test_a_record_that_changed_since_the_preview_stops_all_of_it(
    administrator: Client, session: Any, categories: list[Category]
) -> None:
    page = preview(administrator, Category, [one.id for one in categories[:3]])
    session.execute(
        text("UPDATE category SET name = 'Bridge' WHERE id = :id"), {"id": categories[1].id}
    )
    again = confirm(administrator, Category, page)
    assert again.status_code == 409
    assert "changed since the preview" in words(again)
    assert "Bridge" in words(again)
    assert number_of(session, Category) == 15
    done = administrator.post(address(Category, "action"), data=form_to(again, "/action/"))
    assert done.status_code == 302
    assert number_of(session, Category) == 12


def test_a_record_that_came_to_match_since_the_preview_stops_all_of_it(
    administrator: Client, session: Any, categories: list[Category]
) -> None:
    query = "?flt0_name_contains=pipe"
    page = preview(administrator, Category, None, query)
    make_category(name="Pipe 99")
    again = confirm(administrator, Category, page, query)
    assert again.status_code == 409
    assert "16 records" in words(again)
    assert number_of(session, Category) == 16


def test_one_record_that_must_stay_keeps_all_of_them(administrator: Client, session: Any) -> None:
    offices = [make_office() for _ in range(5)]
    make_grievance(responsible_office=offices[3])
    before = number_of(session, Office)
    ids = [one.id for one in offices]
    page = preview(administrator, Office, ids)
    assert "none of them can be deleted" in words(page)
    assert "Grievances: 1" in words(page)
    assert "fingerprint" not in page.text
    assert number_of(session, Office) == before


def test_a_reference_that_came_since_the_preview_keeps_all_of_them(
    administrator: Client, session: Any
) -> None:
    offices = [make_office() for _ in range(5)]
    page = preview(administrator, Office, [one.id for one in offices])
    make_grievance(responsible_office=offices[3])
    before = number_of(session, Office)
    again = confirm(administrator, Office, page)
    assert again.status_code == 409
    assert_clean(again)
    assert "Nothing was changed" in words(again)
    assert "Grievances" in words(again)
    assert number_of(session, Office) == before


def test_what_goes_with_the_records_is_said_before(administrator: Client, session: Any) -> None:
    grievances = [make_grievance() for _ in range(2)]
    make_plan_step(grievance=grievances[0])
    page = preview(administrator, Grievance, [one.id for one in grievances])
    assert "Plan steps: 1" in words(page)
    confirm(administrator, Grievance, page)
    assert number_of(session, PlanStep) == 0


def test_more_than_ten_thousand_are_refused_in_words(
    administrator: Client,
    session: Any,
    categories: list[Category],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert bulk.MOST_AT_ONCE == 10_000
    monkeypatch.setattr(bulk, "MOST_AT_ONCE", 14)
    for page in (
        preview(administrator, Category, [one.id for one in categories]),
        preview(administrator, Category, None),
    ):
        assert page.status_code == 400
        assert "More than 14 records match" in words(page)
    assert number_of(session, Category) == 15
    monkeypatch.setattr(bulk, "MOST_AT_ONCE", 15)
    assert preview(administrator, Category, None).status_code == 200


@pytest.mark.parametrize(
    "rows",
    [
        [],
        ["abc"],
        ["1,2"],
        ["-1"],
        [str(2**63)],
        ["0" * 30 + "9" * 30],
        ["9" * 5000],
        [""],
        ["999999999"],
    ],
)
def test_nothing_selected_is_said_and_nothing_done(
    administrator: Client, session: Any, categories: list[Category], rows: list[str]
) -> None:
    page = preview(administrator, Category, rows)
    assert page.status_code == 302
    assert "Select at least one record first" in words(administrator.get(page.location))
    assert number_of(session, Category) == 15


def test_a_forged_confirmation_is_a_preview(
    administrator: Client, session: Any, categories: list[Category]
) -> None:
    chosen = [one.id for one in categories[:3]]
    other = form_to(preview(administrator, Category, [categories[9].id]), "/action/")
    for forged in ("x", '["delete", "00"].x', other["fingerprint"][0]):
        page = preview(administrator, Category, chosen, fingerprint=forged)
        assert page.status_code == 409
    assert number_of(session, Category) == 15


def test_an_unknown_action_and_a_list_that_cannot_be_had_do_nothing(
    administrator: Client, session: Any, categories: list[Category]
) -> None:
    page = administrator.send(address(Category, "action"), action="explode", all="1")
    assert page.status_code == 400
    for query in ("?flt0_nope_equals=1", "?flt0_name_contains=", "?sort=nope"):
        page = preview(administrator, Category, None, query)
        assert page.status_code == 400
        assert_clean(page)
    assert administrator.get(address(Category, "action")).status_code == 405
    assert number_of(session, Category) == 15


def test_who_may_not_delete_is_offered_nothing_and_refused(
    as_role: Callable[..., Client], session: Any, categories: list[Category]
) -> None:
    client = as_role(Role.HANDLER)
    assert "bulk-action" not in client.get(address(Category)).text
    assert preview(client, Category, [categories[0].id]).status_code == 403
    assert number_of(session, Category) == 15


def test_records_out_of_sight_and_of_others_are_left_alone(
    as_role: Callable[..., Client], session: Any
) -> None:
    client = as_role(Role.HANDLER)
    mine = make_saved_view(officer_id=client.officer_id)
    others = [make_saved_view() for _ in range(3)]
    page = preview(client, SavedView, [mine.id, *(one.id for one in others)])
    assert "1 record" in words(page)
    assert confirm(client, SavedView, page).status_code == 302
    assert set(session.scalars(select(SavedView.id))) == {one.id for one in others}


def test_all_that_match_are_ones_own_even_for_who_sees_more(
    as_role: Callable[..., Client], session: Any
) -> None:
    client = as_role(Role.AUDITOR)
    mine = make_saved_view(officer_id=client.officer_id)
    other = make_saved_view()
    assert str(other) in client.get(address(SavedView)).text
    page = preview(client, SavedView, None)
    assert "1 record" in words(page)
    confirm(client, SavedView, page)
    assert set(session.scalars(select(SavedView.id))) == {other.id}
    assert mine.id != other.id


def test_each_deletion_is_in_the_trail_with_who_did_it(
    administrator: Client, session: Any, categories: list[Category]
) -> None:
    chosen = [one.id for one in categories[:4]]
    confirm(administrator, Category, preview(administrator, Category, chosen))
    entries = session.scalars(
        select(AuditEntry).where(
            AuditEntry.record_type == "category", AuditEntry.verb == AuditVerb.DELETE
        )
    ).all()
    assert sorted(one.record_id for one in entries) == sorted(chosen)
    assert {one.officer_id for one in entries} == {administrator.officer_id}

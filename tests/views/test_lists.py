"""Lists through HTTP: what each role sees, at what cost, and that a link says it all."""

import csv
import io
import os
import re
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from sqlalchemy import func, insert, select, text

from models import (
    RECORD_TYPES,
    Category,
    Grievance,
    Office,
    Officer,
    OfficerSession,
    Pause,
    PlanStep,
    db,
    search_columns,
)
from queries import lists
from rules.grievance import GrievanceState
from rules.permissions import Desk, Role, Verb, may
from tests.conftest import Client, make_app
from tests.factories import (
    make_any,
    make_category,
    make_grievance,
    make_office,
    make_officer,
    make_plan_step,
)
from tests.statements import statements
from tests.views.pages import address, assert_clean, forms, link, row_ids, words
from views.labels import label

SCREENS = [model for model in RECORD_TYPES if model.screen]
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
MOST_STATEMENTS = 8


def assert_frugal(seen: list[str]) -> None:
    """Assert what promise D1 says of the statements of a list, whatever the size of its table."""
    listing = "\n".join(seen)
    assert len(seen) <= MOST_STATEMENTS, listing
    for statement in seen:
        assert "OFFSET" not in statement, statement
        if re.search(r"\bcount\(", statement):
            assert "LIMIT" in statement, f"counts without a bound: {statement}"


@pytest.fixture
def some(session: Any) -> None:
    """A few hundred grievances and something of every other record type."""
    for model in SCREENS:
        make_any(model)
    office_ids = [make_office().id for _ in range(3)]
    category_ids = [make_category().id for _ in range(3)]
    handler_ids = [make_officer().id for _ in range(3)]
    session.execute(
        insert(Grievance),
        [
            {
                "title": f"Light {n}",
                "responsible_office_id": office_ids[n % 3],
                "category_id": category_ids[n % 3],
                "handler_id": handler_ids[n % 3],
                "received_at": NOON - timedelta(hours=n),
                "due_at": NOON + timedelta(days=n) if n % 4 else None,
            }
            for n in range(250)
        ],
    )


# --- Cost ------------------------------------------------------------------------------------

VARIANTS = [
    "",
    "?page_size=200",
    "?before=end",
    "?sort=due_at&desc=0",
    "?sort=due_at&desc=1&before=end",
    "?search=light",
    "?search=水",
    "?flt0_due_at_overdue=",
    "?flt0_state_equals=registered",
    "?flt0_responsible_office_below=1&flt1_category_equals=1&flt2_handler_equals=1"
    "&flt3_area_empty=&flt4_lead_official_equals=1&search=light",
]


def every_list_is_frugal(client: Client, role: Role) -> int:
    """Ask for every list that the role may read, and for lists of grievances of every kind;
    return how many were asked for. It runs on a database of any size."""
    asked = 0
    for model in SCREENS:
        with statements() as seen:
            page = client.get(address(model))
        allowed = may(frozenset({role}), model.desk, Verb.READ)
        assert page.status_code == (200 if allowed else 403), (model, words(page))
        assert_frugal(seen)
        asked += allowed
    if may(frozenset({role}), Grievance.desk, Verb.READ):
        for variant in VARIANTS:
            with statements() as seen:
                page = client.get(address(Grievance) + variant)
            assert page.status_code == 200, words(page)
            assert_frugal(seen)
            if following := link(page, "next"):
                with statements() as seen:
                    client.get(following)
                assert_frugal(seen)
            asked += 1
    return asked


@pytest.mark.parametrize("role", Role)
def test_every_list_takes_eight_statements_at_most_for_every_role(
    some: None, as_role: Callable[..., Client], role: Role
) -> None:
    assert every_list_is_frugal(as_role(role), role) > 10


def test_every_list_of_a_large_database_is_as_frugal(tmp_path: Path) -> None:
    url = os.environ.get("LARGE_DATABASE_URL")
    if not url:
        pytest.skip("Set LARGE_DATABASE_URL to a database with many rows; `make bench` keeps one.")
    app = make_app(url, tmp_path)
    for role in Role:
        client = Client(app, use_cookies=True)
        with app.app_context():
            office_id = db.session.scalar(select(func.min(Office.id)))
            name = f"frugal-{secrets.token_hex(8)}"  # the database is kept from run to run
            client.let_in(make_officer(roles=[role], office_id=office_id, name=name, username=name))
            db.session.commit()
        assert every_list_is_frugal(client, role) > 10


def test_a_long_list_costs_as_many_statements_as_a_short_one(
    session: Any, as_role: Callable[..., Client]
) -> None:
    client = as_role(Role.AUDITOR)
    client.get(address(PlanStep))  # the first request of a minute notes when
    counts = []
    for number in (1, 60):
        for _ in range(number):
            make_plan_step(grievance=make_grievance(responsible_office=make_office()))
        with statements() as seen:
            client.get(address(PlanStep, page_size=100))
        counts.append(len(seen))
    assert counts[0] == counts[1]


# --- What a role sees ------------------------------------------------------------------------


def test_a_handler_sees_the_own_office_and_below_in_the_list_and_its_count(
    session: Any, as_role: Callable[..., Client]
) -> None:
    own = make_office()
    below = make_office(parent=own)
    seen = {make_grievance(responsible_office=one).id for one in (own, below, below)}
    seen.add(make_grievance(respondent_office=own).id)
    make_grievance(responsible_office=make_office())
    make_grievance()
    page = as_role(Role.HANDLER, office_id=own.id).get(address(Grievance))
    assert set(row_ids(page)) == seen
    assert "4 records" in words(page)


def restricted() -> list[tuple[Any, str, tuple[Role, ...]]]:
    return [
        (model, column.key, column.info["read"])
        for model in SCREENS
        for column in model.__table__.columns
        if "read" in column.info
    ]


CANARY = "kestrel4711"


def test_there_are_columns_for_some_roles_only() -> None:
    assert {(model, key) for model, key, _ in restricted()} >= {
        (Officer, "email"),
        (OfficerSession, "address"),
    }


def test_no_column_for_some_roles_is_searched_or_names_a_record() -> None:
    """What is searched and what names a record is the same for everybody."""
    for model, key, _ in restricted():
        assert key not in {column.key for column in search_columns(model)}
        assert key not in model.title_columns


@pytest.mark.parametrize("role", Role)
def test_a_column_for_other_roles_is_nowhere(
    session: Any, as_role: Callable[..., Client], role: Role
) -> None:
    client = as_role(role)
    for model, key, readers in restricted():
        if not may(frozenset({role}), model.desk, Verb.READ):
            continue
        kind = model.__table__.columns[key].type.python_type
        owner = {model.owner_path: client.officer_id} if model.owner_path else {}
        value, operation, mark = {
            str: (CANARY, "contains", CANARY),
            bool: (True, "yes", f">{label(key)}</dt>"),
            datetime: (NOON, "on", "1 Jul 2026"),
        }[kind]
        record = make_any(model, **owner, **{key: value})
        offered = client.get(address(model))
        details = client.get(address(model, "details", id=record.id))
        history = client.get(address(model, "history", id=record.id))
        filtered = client.get(address(model, **{f"flt0_{key}_{operation}": "x"}))
        probing = client.get(
            address(model, **{f"flt0_{key}_{'yes' if kind is bool else 'not_empty'}": ""})
        )
        sorted_by = client.get(address(model, sort=key))
        searched = client.get(address(model, search=CANARY))
        allowed = role in readers
        assert (f'value="{key}_' in offered.text) == allowed
        assert (mark in details.text) == allowed
        assert (mark in history.text) <= allowed
        assert probing.status_code == (200 if allowed else 400)
        assert searched.status_code != 200 or record.id not in row_ids(searched)
        if not allowed:
            for page in (filtered, probing, sorted_by):
                assert page.status_code == 400
                assert row_ids(page) == []
            assert mark not in offered.text
            assert client.get(
                address(model, "export/csv", **{f"flt0_{key}_not_empty": ""})
            ).status_code in (400, 403)


def test_who_reads_the_trail_may_see_every_column_that_it_tells_of() -> None:
    """The audit trail holds each change as it was, whoever reads it."""
    for role in Role:
        if may(frozenset({role}), Desk.TRAIL, Verb.READ):
            for model, key, readers in restricted():
                assert role in readers, f"{role} reads {model.__name__}.{key} in the trail"


def test_secrets_are_on_no_page_of_any_role(session: Any, as_role: Callable[..., Client]) -> None:
    secret = {
        (model, column.key)
        for model in SCREENS
        for column in model.__table__.columns
        if column.info.get("secret")
    }
    assert (Officer, "password_hash") in secret
    client = as_role(Role.ADMINISTRATOR)
    for model, key in secret:
        record = make_any(model)
        for view in ("", "details", "history"):
            page = client.get(address(model, view, id=record.id))
            assert "$argon2" not in page.text
            assert f'"{key}' not in page.text
        assert client.get(address(model, **{f"flt0_{key}_not_empty": ""})).status_code == 400


# --- A link says it all ----------------------------------------------------------------------


@pytest.fixture
def auditor(as_role: Callable[..., Client]) -> Client:
    return as_role(Role.AUDITOR)


def walk(client: Client, path: str, rel: str) -> list[int]:
    seen: list[int] = []
    following: str | None = path
    while following:
        page = client.get(following)
        assert page.status_code == 200
        ids = row_ids(page)
        seen = seen + ids if rel == "next" else ids + seen
        following = link(page, rel)
        assert len(seen) < 2000
    return seen


@pytest.mark.parametrize(
    "arguments",
    [
        "sort=due_at&desc=0",
        "sort=due_at&desc=1",
        "search=light&sort=title",
        "flt0_title_contains=1",
    ],
)
def test_next_and_previous_show_each_row_once(some: None, auditor: Client, arguments: str) -> None:
    path = f"{address(Grievance)}?{arguments}&page_size=20"
    forwards = walk(auditor, path, "next")
    assert len(forwards) == len(set(forwards)) > 40
    backwards = walk(auditor, f"{path}&before=end", "prev")
    # The first page is full again, and so may repeat what the second one showed.
    assert list(dict.fromkeys(backwards[:20] + forwards)) == forwards
    assert set(backwards) == set(forwards)


def test_the_first_page_has_no_previous_and_the_last_no_next(some: None, auditor: Client) -> None:
    first = auditor.get(address(Grievance))
    assert link(first, "prev") is None
    assert link(first, "next")
    last = auditor.get(address(Grievance, before="end"))
    assert link(last, "next") is None
    assert link(last, "prev")


def test_links_keep_filters_search_order_and_size(some: None, auditor: Client) -> None:
    path = (
        address(Grievance) + "?flt3_state_equals=registered&search=light&sort=title&desc=1"
        "&page_size=20&flt7_due_at_not_empty="
    )
    page = auditor.get(path)
    for kept in (
        link(page, "next") or "",
        *re.findall(r'href="([^"]*sort=due_at[^"]*)"', page.text),
    ):
        assert "flt3_state_equals=registered" in kept
        assert "flt7_due_at_not_empty=" in kept
        assert "search=light" in kept
    assert "sort=-title" in (link(page, "next") or "")
    assert "page_size=20" in (link(page, "next") or "")


def test_two_filters_on_one_column_both_hold_on_every_page(session: Any, auditor: Client) -> None:
    for title in ("ab", "a", "b"):
        for _ in range(25):
            make_grievance(title=title)
    path = address(Grievance) + "?flt0_title_contains=a&flt0_title_contains=b&page_size=20"
    assert len(walk(auditor, path, "next")) == 25


def test_the_order_of_filters_in_a_link_does_not_matter(some: None, auditor: Client) -> None:
    one = auditor.get(address(Grievance) + "?flt0_title_contains=1&flt1_due_at_not_empty=")
    two = auditor.get(address(Grievance) + "?flt1_title_contains=1&flt0_due_at_not_empty=")
    assert row_ids(one) == row_ids(two) != []


def test_the_filter_form_leads_to_a_link_with_the_filter_at_its_end(
    some: None, auditor: Client
) -> None:
    page = auditor.get(
        address(Grievance) + "?flt4_due_at_not_empty=&search=x&after=abc"
        "&filter_what=state_equals&filter_value=closed"
    )
    assert page.status_code == 302
    assert "flt4_due_at_not_empty=" in page.location
    assert "flt5_state_equals=closed" in page.location
    assert "search=x" in page.location
    assert "after=" not in page.location


def test_filters_are_shown_in_words_and_each_can_be_taken_away(
    session: Any, auditor: Client
) -> None:
    office = make_office(name="Water works")
    path = address(Grievance) + (
        f"?flt0_responsible_office_equals={office.id}&flt1_state_equals=registered,closed"
        "&flt2_received_at_last_days=7"
    )
    page = auditor.get(path)
    chips = re.findall(r'<ul class="chips".*?</ul>', page.text, re.DOTALL)[0]
    assert "Responsible office is Water works" in chips
    assert "Registered, Closed" in chips
    assert "is in the last 7 days" in chips
    without = [one.replace("&amp;", "&") for one in re.findall(r'href="([^"]+)"', chips)]
    assert any("flt0" not in one and "flt1" in one and "flt2" in one for one in without)


def test_a_filter_names_no_record_that_is_out_of_sight(
    session: Any, as_role: Callable[..., Client]
) -> None:
    hidden = make_grievance(title="Hidden matter", responsible_office=make_office())
    client = as_role(Role.HANDLER)
    page = client.get(address(PlanStep, flt0_grievance_equals=hidden.id))
    assert page.status_code == 200
    assert "Hidden matter" not in page.text
    assert f"#{hidden.id}" in page.text


@pytest.mark.parametrize(
    "query",
    [
        "flt0_state_equals=foo",
        "flt0_nope_equals=1",
        "flt0_received_at_on=2026-99-01",
        "sort=nope",
        "flt0_category_equals=abc",
        "search=" + "x" * 201,
        "flt0_title_contains=",
        "flt=x",
        "search=" + "+".join("abcdefghijk"),
    ],
)
def test_a_list_that_cannot_be_had_shows_a_sentence_and_no_rows(
    some: None, auditor: Client, query: str
) -> None:
    for path in (f"{address(Grievance)}?{query}", f"{address(Grievance, 'export/csv')}?{query}"):
        page = auditor.get(path)
        assert page.status_code == 400
        assert_clean(page)
        assert row_ids(page) == []


@pytest.mark.parametrize(
    "query",
    [
        "page=-1",
        "page=2",
        "after=xyz",
        "before=%00x",
        "page_size=7",
        "page_size=-1",
        "page_size=99999999999999",
        "after=WzEsMl0",
    ],
)
def test_a_page_that_cannot_be_had_is_the_first_page_with_a_note(
    some: None, auditor: Client, query: str
) -> None:
    page = auditor.get(f"{address(Grievance)}?{query}")
    if "%00" in query:
        assert page.status_code == 400
        return
    assert page.status_code == 200
    assert "alert-info" in page.text
    assert row_ids(page) == row_ids(auditor.get(address(Grievance)))


def test_a_list_without_text_has_no_search_box_and_refuses_a_search(auditor: Client) -> None:
    assert not search_columns(Pause)
    page = auditor.get(address(Pause))
    assert 'id="search"' not in page.text
    assert auditor.get(address(Pause, search="x")).status_code == 400
    assert 'id="search"' in auditor.get(address(Grievance)).text


# --- What a list says ------------------------------------------------------------------------


def test_the_count_says_what_it_is(
    some: None, auditor: Client, session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = session.scalar(text("SELECT count(*) FROM grievance"))
    assert f"{number} records" in words(auditor.get(address(Grievance)))
    monkeypatch.setattr(lists, "COUNTED", 100)
    session.execute(text("ANALYZE grievance"))
    assert f"about {number} records (estimated)" in words(auditor.get(address(Grievance)))
    assert "more than 100 records" in words(auditor.get(address(Grievance, search="light")))


def test_what_is_overdue_is_marked_in_words(session: Any, auditor: Client) -> None:
    late = NOON - timedelta(days=300)
    make_grievance(received_at=late, due_at=late, title="Late")
    make_grievance(
        received_at=late, due_at=late, title="Met", closed_at=late, state=GrievanceState.CLOSED
    )
    page = auditor.get(address(Grievance))
    rows = re.findall(r"<tr[ >].*?</tr>", page.text, re.DOTALL)
    marked = [("overdue" in row) for row in rows if "Late" in row or "Met" in row]
    assert sorted(marked) == [False, True]


def test_an_empty_list_says_what_to_do(auditor: Client, as_role: Callable[..., Client]) -> None:
    assert "There is nothing here yet" in words(auditor.get(address(Category)))
    assert "Make the first one" not in words(auditor.get(address(Category)))
    assert "Make the first one" in words(as_role(Role.ADMINISTRATOR).get(address(Category)))
    assert "Nothing matches" in words(auditor.get(address(Category, search="zzz")))


def test_sorting_is_offered_for_indexed_columns_and_told_to_readers_aloud(
    some: None, auditor: Client
) -> None:
    page = auditor.get(address(Grievance, sort="due_at", desc="1"))
    assert re.search(r'<th [^>]*aria-sort="descending"[^>]*>\s*<a [^>]*>[^<]*Due', page.text)
    assert page.text.count("aria-sort") == 1


def test_headings_carry_the_help_of_their_columns(auditor: Client, some: None) -> None:
    page = auditor.get(address(Grievance))
    assert 'title="When the answer is due"' in page.text


def test_filters_offer_every_readable_column_by_type(some: None, auditor: Client) -> None:
    page = auditor.get(address(Grievance))
    offered = set(re.findall(r'<option value="([a-z_0-9]+)" data-takes="([a-z]+)"', page.text))
    assert ("state_equals", "choice") in offered
    assert ("received_at_last_days", "days") in offered
    assert ("due_at_overdue", "nothing") in offered
    assert ("category_below", "relation") in offered
    assert ("title_contains", "text") in offered
    fields = [one for one in forms(page) if "data-filters" in one["attributes"]][0]["fields"]
    assert "filter_value" in fields  # without JavaScript there is a plain input


@pytest.mark.parametrize(
    ("what", "typed", "kept"),
    [
        ("responsible_office_equals", "Water works", "{office}"),
        ("responsible_office_below", "#{office}", "{office}"),
        ("state_equals", "Registered", "registered"),
        ("state_equals", "registered", "registered"),
    ],
)
def test_without_javascript_a_filter_takes_the_words_that_people_see(
    session: Any, auditor: Client, what: str, typed: str, kept: str
) -> None:
    office = make_office(name="Water works")
    mine = make_grievance(responsible_office=office)
    value = quote(typed.format(office=office.id))
    page = auditor.get(
        f"{address(Grievance)}?filter_what={what}&filter_value={value}", follow_redirects=True
    )
    assert page.status_code == 200, words(page)
    assert row_ids(page) == [mine.id]
    assert f"{what}={kept.format(office=office.id)}" in page.request.query_string.decode()


# --- Export ----------------------------------------------------------------------------------


def test_an_export_is_the_list_with_the_same_filters_order_scope_and_columns(
    committed: Flask,
) -> None:
    client = Client(committed, use_cookies=True)
    with committed.app_context():
        own = make_office(name="Own")
        other = make_office(name="Other")
        for n in range(30):
            make_grievance(
                title=f"Light {n:02}",
                responsible_office=own if n % 2 else other,
                received_at=NOON,
                due_at=NOON + timedelta(days=n) if n % 3 else None,
            )
        client.let_in(make_officer(roles=[Role.HANDLER], office_id=own.id))
        db.session.commit()
    query = "?search=light&flt0_due_at_not_empty=&sort=due_at&desc=1"
    shown = client.get(address(Grievance) + query)
    answer = client.get(address(Grievance, "export/csv") + query)
    assert answer.status_code == 200
    rows = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert [row[rows[0].index("Number")] for row in rows[1:]] == re.findall(
        r'class="cell-title cell-number[^"]*"[^>]*><a [^>]*>([^<]+)<', shown.text
    )
    assert len(rows) == 11
    assert {row[rows[0].index("Responsible office")] for row in rows[1:]} == {"Own"}


@pytest.mark.parametrize("role", Role)
def test_who_may_not_export_gets_no_file_and_no_button(
    session: Any, as_role: Callable[..., Client], role: Role
) -> None:
    client = as_role(role)
    page = client.get(address(Officer))
    allowed = may(frozenset({role}), Officer.desk, Verb.EXPORT)
    assert ("/export/csv/" in page.text) == allowed
    if not allowed:
        assert client.get(address(Officer, "export/csv")).status_code == 403
    assert client.get(address(Officer, "export/pdf")).status_code in (403, 404)


# --- Autocomplete ----------------------------------------------------------------------------


def lookup(client: Client, model: Any, key: str, typed: str, **more: Any) -> list[list[Any]]:
    page = client.get(address(model, "ajax/lookup", name=key, query=quote(typed), **more))
    assert page.status_code == 200, words(page)
    return list(page.json)


def test_autocomplete_offers_twenty_at_most_whatever_is_asked(
    session: Any, auditor: Client
) -> None:
    for n in range(30):
        make_category(name=f"Pipe {n:02}")
    found = lookup(auditor, Grievance, "category", "pipe", limit=10000, offset=-5)
    assert [name for _, name in found] == [f"Pipe {n:02}" for n in range(20)]


@pytest.mark.parametrize("typed", ["2026-", "no water", "· no water", "", "水"])
def test_autocomplete_finds_by_any_part_of_the_name(
    session: Any, auditor: Client, typed: str
) -> None:
    grievance = make_grievance(title="No water 供水")
    found = lookup(auditor, PlanStep, "grievance", typed)
    assert found == [[grievance.id, str(grievance)]]
    assert lookup(auditor, PlanStep, "grievance", str(grievance)) == found


def test_autocomplete_finds_types_whose_name_is_a_date(session: Any, auditor: Client) -> None:
    record = make_any(next(m for m in RECORD_TYPES if m.__name__ == "DailyReturn"))
    finding = next(m for m in RECORD_TYPES if m.__name__ == "Finding")
    assert lookup(auditor, finding, "daily_return", "2026-03") == [[record.id, "2026-03-02"]]
    assert lookup(auditor, finding, "daily_return", "1999") == []
    assert lookup(auditor, finding, "daily_return", "%") == []


def test_autocomplete_offers_closed_offices_to_filters_and_not_to_forms(
    session: Any, auditor: Client
) -> None:
    make_office(name="Gone", closed_on=NOON.date(), opened_on=NOON.date())
    assert lookup(auditor, Grievance, "responsible_office", "gone") == []
    assert len(lookup(auditor, Grievance, "responsible_office", "gone", closed=1)) == 1
    offered = re.findall(r'data-lookup="([^"]+)"', auditor.get(address(Grievance)).text)
    assert offered
    assert all("closed=1" in one for one in offered)


@pytest.mark.parametrize("key", ["", "nope", "title", "plan_steps", "created_by_id", "id"])
def test_autocomplete_of_what_is_no_relation_is_not_found(auditor: Client, key: str) -> None:
    assert auditor.get(address(Grievance, "ajax/lookup", name=key)).status_code == 404


def test_autocomplete_of_very_much_text_answers_all_the_same(auditor: Client) -> None:
    assert lookup(auditor, Grievance, "category", "x " * 5000) == []
    assert lookup(auditor, Grievance, "category", "x" * 5000) == []


# --- Details and history ---------------------------------------------------------------------


@pytest.mark.parametrize("model", SCREENS, ids=lambda model: model.__name__)
def test_every_record_has_its_page_and_its_history(
    session: Any, auditor: Client, as_role: Callable[..., Client], model: Any
) -> None:
    record = make_any(model)
    client = auditor
    page = client.get(address(model, "details", id=record.id))
    assert page.status_code == 200, words(page)
    assert_clean(page)
    assert re.search(r"<h1>[^<]+</h1>", page.text)
    history = client.get(address(model, "history", id=record.id))
    assert history.status_code == 200
    assert_clean(history)


def test_history_tells_each_change_in_words_and_by_whom(
    session: Any, as_role: Callable[..., Client]
) -> None:
    client = as_role(Role.ADMINISTRATOR, name="Ann Archer")
    one, other = make_office(name="Old office"), make_office(name="New office")
    record = make_grievance(title="As it was", responsible_office=one)
    page = client.get(address(Grievance, "edit", id=record.id))
    fields = [f for f in forms(page) if "record-form" in f["attributes"].get("class", "")][0]
    client.post(
        address(Grievance, "edit", id=record.id),
        data=fields["fields"]
        | {
            "title": "As it is",
            "responsible_office": str(other),
            "responsible_office-id": str(other.id),
        },
    )
    told = words(client.get(address(Grievance, "history", id=record.id)))
    assert "Ann Archer" in told
    assert "from “As it was” to “As it is”" in told
    assert "from “Old office” to “New office”" in told


def test_history_has_pages(session: Any, auditor: Client) -> None:
    record = make_grievance(title="t0")
    for n in range(1, 61):
        session.execute(
            text("UPDATE grievance SET title = :t WHERE id = :id"), {"t": f"t{n}", "id": record.id}
        )
    page = auditor.get(address(Grievance, "history", id=record.id))
    assert "to “t60”" in words(page)
    older = re.findall(r'href="([^"]*before=\d+[^"]*)"', page.text)[0].replace("&amp;", "&")
    with statements() as seen:
        rest = auditor.get(older)
    assert "t10" in words(rest)
    assert len(seen) <= MOST_STATEMENTS
    for damaged in ("x", "-1", "9" * 5000, str(2**63)):
        damaged_page = auditor.get(address(Grievance, "history", id=record.id, before=damaged))
        assert damaged_page.status_code == 200


def test_a_record_type_with_an_office_is_named_where_it_is_linked(
    session: Any, auditor: Client
) -> None:
    record = make_grievance(responsible_office=make_office(name="Water works"))
    page = auditor.get(address(Grievance, "details", id=record.id))
    office_id = session.scalar(select(Office.id).where(Office.name == "Water works"))
    assert f'<a href="{address(Office, "details", id=office_id)}">Water works</a>' in page.text

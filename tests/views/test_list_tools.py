"""The tools above a list, through HTTP: groups of filters, orders of several columns, chosen
columns, saved views; what each costs and who sees what."""

import csv
import html
import io
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from werkzeug.test import TestResponse

from models import (
    AuditEntry,
    DefaultView,
    ExportRecord,
    Grievance,
    ListLayout,
    Officer,
    PlanStep,
    SavedView,
    db,
)
from queries import lists
from queries.saved import MOST_KEPT
from rules.grievance import GrievanceState
from rules.permissions import Role
from tests.conftest import Client
from tests.factories import (
    make_any,
    make_default_view,
    make_grievance,
    make_list_layout,
    make_office,
    make_officer,
    make_saved_view,
)
from tests.proofs import in_turn
from tests.statements import statements
from tests.views.pages import address, assert_clean, form_to, forms, link, row_ids, words
from tests.views.test_lists import assert_frugal

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
LIST = address(Grievance)


@pytest.fixture
def auditor(as_role: Callable[..., Client]) -> Client:
    return as_role(Role.AUDITOR)


@pytest.fixture
def few(session: Any) -> dict[str, int]:
    """Four grievances: two closed or answered, in two offices."""
    water, roads = make_office(name="Water works"), make_office(name="Roads office")
    late = NOON + timedelta(days=9)
    rows = {
        "closed": make_grievance(title="Pump", responsible_office=water, received_at=NOON,
                                 state=GrievanceState.CLOSED, closed_at=late),
        "answered": make_grievance(title="Lamp", responsible_office=roads, received_at=NOON,
                                   state=GrievanceState.ANSWERED, answered_at=late),
        "routed": make_grievance(title="Pipe", responsible_office=water, received_at=NOON,
                                 state=GrievanceState.ROUTED),
        "open": make_grievance(title="Lamp again", responsible_office=roads,
                               received_at=NOON + timedelta(days=1)),
    }  # fmt: skip
    return {name: row.id for name, row in rows.items()} | {"water": water.id, "roads": roads.id}


def headings(page: TestResponse) -> list[str]:
    """Return the headings of the columns, without the box and the link of each row."""
    table = page.text.partition("<thead>")[2].partition("</thead>")[0]
    cells = re.findall(r'<th scope="col".*?</th>', table, re.DOTALL)
    plain = (re.sub(r"<span.*?</span>(</span>)?|<[^>]+>", "", cell) for cell in cells)
    return [" ".join(html.unescape(cell).split()) for cell in plain]


def chips(page: TestResponse) -> str:
    found = re.search(r'<ul class="chips".*?</ul>', page.text, re.DOTALL)
    return found[0] if found else ""


def in_words(markup: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", markup)).split())


def this_list(page: TestResponse) -> dict[str, str]:
    """Return what the forms above a list send of the list they stand above."""
    fields = form_to(page, "/saved-views")
    return {key: fields[key][0] for key in ("record_type", "address", "present")}


def arguments(location: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(location).query, keep_blank_values=True))


# --- Groups of filters -----------------------------------------------------------------------


def test_a_list_shows_what_fits_one_of_each_group(few: dict[str, int], auditor: Client) -> None:
    query = (
        "?flt0.0_state_equals=closed&flt0.1_state_equals=answered"
        f"&flt1.0_responsible_office_below={few['water']}&flt1.1_title_contains=lamp"
    )
    page = auditor.get(LIST + query)
    assert set(row_ids(page)) == {few["closed"], few["answered"]}
    told = in_words(chips(page))
    assert "State is Closed × or State is Answered ×" in told
    assert "Responsible office is or is below Water works × or Title contains lamp ×" in told
    assert page.text.count('<li class="any">') == 2


def test_a_chip_drops_its_filter_alone_and_clear_drops_all(
    few: dict[str, int], auditor: Client
) -> None:
    query = "?flt0.0_state_equals=closed&flt0.1_state_equals=answered&flt1_title_contains=p"
    shown = chips(auditor.get(LIST + query))
    drops = [html.unescape(one) for one in re.findall(r'class="drop" href="([^"]+)"', shown)]
    assert [set(arguments(one)) - {"sort"} for one in drops] == [
        {"flt0.1_state_equals", "flt1_title_contains"},
        {"flt0.0_state_equals", "flt1_title_contains"},
        {"flt0.0_state_equals", "flt0.1_state_equals"},
    ]
    (clear,) = re.findall(r'<li class="clear"><a href="([^"]+)"', shown)
    assert clear == LIST


def test_one_unread_member_of_a_group_empties_the_list(
    few: dict[str, int], auditor: Client
) -> None:
    for query in (
        "?flt0.0_state_equals=closed&flt0.1_state_equals=nope",
        "?flt0.0_state_equals=closed&flt0.1_nope_equals=1",
    ):
        for path in (LIST, address(Grievance, "export/csv")):
            page = auditor.get(path + query)
            assert page.status_code == 400
            assert row_ids(page) == []
            assert_clean(page)


def test_the_builder_sends_rows_and_comes_back_with_a_link_that_keeps(
    few: dict[str, int], auditor: Client
) -> None:
    """As static/filters.js sends them: one of each field for each row."""
    rows = [
        ("state_equals", "closed", "any-0"),
        ("state_equals", "Answered", "any-0"),
        ("", "", ""),
        ("responsible_office_equals", "Water works", ""),
        ("due_at_not_empty", "", "any-1"),
        ("title_contains", "pump", "any-1"),
    ]
    sent = [
        pair
        for what, value, group in rows
        for pair in (("filter_what", what), ("filter_value", value), ("filter_group", group))
    ]
    page = auditor.get(f"{LIST}?{urlencode([('sort', '-title'), *sent])}")
    assert page.status_code == 302
    assert arguments(page.location) == {
        "flt0.0_state_equals": "closed",
        "flt0.1_state_equals": "answered",
        "flt1_responsible_office_equals": str(few["water"]),
        "flt2.0_due_at_not_empty": "",
        "flt2.1_title_contains": "pump",
        "sort": "-title",
    }
    assert row_ids(auditor.get(page.location)) == [few["closed"]]


def test_the_builder_is_given_the_active_filters_in_their_groups(
    few: dict[str, int], auditor: Client
) -> None:
    query = (
        f"?flt3_responsible_office_equals={few['water']}"
        "&flt5.0_state_equals=closed&flt5.1_title_contains=%22%3Cb%3E"
    )
    page = auditor.get(LIST + query)
    (form,) = [one for one in forms(page) if "data-filters" in one["attributes"]]
    rows = form["attributes"]["data-asked"]
    assert '"words": "Water works"' in rows
    assert rows.count("argument") == 3
    assert "<b>" not in page.text


def test_without_javascript_a_filter_goes_into_a_group_or_beside_it(
    few: dict[str, int], auditor: Client
) -> None:
    page = auditor.get(LIST + "?flt2_state_equals=closed")
    (form,) = [one for one in forms(page) if "data-filters" in one["attributes"]]
    fields = form["fields"]
    assert fields["filter_group"] == [""]
    assert '<option value="flt2_state_equals"' in page.text
    fields |= {"filter_what": ["state_equals"], "filter_value": ["routed"]}
    apart = auditor.get(f"{LIST}?{urlencode(fields, doseq=True)}", follow_redirects=True)
    assert row_ids(apart) == []
    fields["filter_group"] = ["flt2_state_equals"]
    joined = auditor.get(f"{LIST}?{urlencode(fields, doseq=True)}", follow_redirects=True)
    assert set(row_ids(joined)) == {few["closed"], few["routed"]}
    assert "flt2.1_state_equals" in joined.request.query_string.decode()


def test_without_javascript_a_chip_leads_to_the_form_with_its_filter_in_it(
    few: dict[str, int], auditor: Client
) -> None:
    query = "?flt0.0_state_equals=closed&flt0.1_title_contains=pipe"
    shown = chips(auditor.get(LIST + query))
    edit = html.unescape(re.findall(r'class="edit" href="([^"]+)"', shown)[1])
    page = auditor.get(edit.partition("#")[0])
    assert '<details class="tool filters" id="filters" data-sheet open>' in page.text
    (form,) = [one for one in forms(page) if "data-filters" in one["attributes"]]
    fields = form["fields"]
    assert fields["filter_what"] == ["title_contains"]
    assert fields["filter_value"] == ["pipe"]
    assert fields["filter_group"] == ["flt0.0_state_equals"]
    assert "flt0.1_title_contains" not in fields
    fields["filter_value"] = ["lamp again"]
    changed = auditor.get(f"{LIST}?{urlencode(fields, doseq=True)}", follow_redirects=True)
    assert set(row_ids(changed)) == {few["closed"], few["open"]}


def test_filters_are_capped_in_the_form_too(auditor: Client) -> None:
    sent = [("filter_what", "state_equals"), ("filter_value", "closed")] * 40
    page = auditor.get(f"{LIST}?{urlencode(sent)}", follow_redirects=True)
    assert page.status_code == 400
    assert "at most 30 filters" in words(page)


@pytest.mark.parametrize("role", Role)
def test_a_group_asks_no_column_that_the_role_may_not_read(
    session: Any, as_role: Callable[..., Client], role: Role
) -> None:
    make_officer(email="canary@example.org")
    query = "?flt0.0_email_contains=canary&flt0.1_name_not_empty=&flt0.2_name_contains=e"
    page = as_role(role).get(address(Officer) + query.replace("&flt0.1_name_not_empty=", ""))
    assert page.status_code == (200 if role in (Role.ADMINISTRATOR, Role.AUDITOR) else 400)


# --- Order -----------------------------------------------------------------------------------


def test_a_list_is_sorted_by_several_columns(few: dict[str, int], auditor: Client) -> None:
    page = auditor.get(LIST + "?sort=received_at,-title")
    assert row_ids(page) == [few["closed"], few["routed"], few["answered"], few["open"]]
    assert page.text.count("aria-sort") == 1
    assert re.search(r'aria-sort="ascending"[^>]*>\s*<a [^>]*>Received at', page.text)
    assert "sorted by it as number 2" in words(page)


def test_links_of_one_column_stay_readable_as_they_were(
    few: dict[str, int], auditor: Client
) -> None:
    old = auditor.get(LIST + "?sort=title&desc=1")
    new = auditor.get(LIST + "?sort=-title")
    assert (
        row_ids(old) == row_ids(new) == [few[n] for n in ("closed", "routed", "open", "answered")]
    )
    assert row_ids(auditor.get(LIST + "?sort=title&desc=0")) == row_ids(new)[::-1]


def test_the_form_of_the_order_sends_one_column_in_each_select(
    few: dict[str, int], auditor: Client
) -> None:
    page = auditor.get(LIST + "?flt0_title_contains=p&sort=state,-title")
    (form,) = [one for one in forms(page) if one["attributes"].get("class") == "sheet sort-form"]
    assert form["fields"]["sort"] == ["state", "-title", ""]
    fields = form["fields"] | {"sort": ["received_at", "", "title"]}
    again = auditor.get(f"{LIST}?{urlencode(fields, doseq=True)}")
    assert row_ids(again) == [few[name] for name in ("answered", "routed", "closed", "open")]
    assert "sort=received_at,title" in again.text


def test_a_heading_offers_to_sort_by_it_alone_and_as_well(auditor: Client, few: Any) -> None:
    page = auditor.get(LIST + "?sort=state,-title")
    found = re.findall(r'<a href="([^"]+)" data-sort-too="([^"]+)">([^<]+)<', page.text)
    links = {
        name.strip(): (arguments(html.unescape(one))["sort"], arguments(html.unescape(two))["sort"])
        for one, two, name in found
    }
    assert links["State"] == ("-state", "-state,-title")
    assert links["Title"] == ("title", "state,title")
    assert links["Received at"] == ("received_at", "state,-title,received_at")


def test_the_order_of_several_columns_pages_through_every_row(
    session: Any, auditor: Client
) -> None:
    for number in range(45):
        make_grievance(
            title=f"T{number % 3}", received_at=NOON - timedelta(days=number % 4),
            due_at=NOON + timedelta(days=number % 5) if number % 2 else None,
        )  # fmt: skip
    for order in ("title,-due_at", "-due_at,title,-received_at", "state,due_at,-title"):
        path: str | None = f"{LIST}?sort={order}&page_size=20"
        seen: list[int] = []
        while path:
            with statements() as sent:
                page = auditor.get(path)
            assert_frugal(sent)
            seen += row_ids(page)
            path = link(page, "next")
        assert len(seen) == len(set(seen)) == 45


@pytest.mark.parametrize(
    "sort",
    [
        *("title,nope", "nope,title", "title,state,received_at,due_at", "title,--state"),
        *("title,description", "-", "title;state", "title,%ED%A0%80"),
    ],
)
def test_an_order_that_cannot_be_had_empties_the_list(
    few: dict[str, int], auditor: Client, sort: str
) -> None:
    page = auditor.get(f"{LIST}?sort={sort}")
    assert page.status_code == 400
    assert row_ids(page) == []
    assert_clean(page)


@pytest.mark.parametrize("sort", ["title,title", "title,-title", ",title,,", "title,id,state"])
def test_a_column_named_twice_counts_once(few: dict[str, int], auditor: Client, sort: str) -> None:
    page = auditor.get(f"{LIST}?sort={sort}")
    assert row_ids(page) == row_ids(auditor.get(f"{LIST}?sort=title"))


# --- Columns ---------------------------------------------------------------------------------


def test_a_link_names_the_columns_and_their_order(few: dict[str, int], auditor: Client) -> None:
    with statements() as seen:
        page = auditor.get(LIST + "?cols=due_at,number,channel&sort=title")
    assert headings(page) == ["Due at", "Number", "Channel"]
    assert_frugal(seen)
    (read,) = [one for one in seen if "FROM grievance" in one.replace("\n", " ") and "LIMIT" in one
               and "count(" not in one]  # fmt: skip
    assert "grievance.description" not in read
    assert "grievance.place" not in read.split("FROM")[0]
    assert set(headings(auditor.get(LIST))) > {"Number", "State"}


def test_every_readable_column_of_every_list_can_be_shown(
    session: Any, as_role: Callable[..., Client]
) -> None:
    """Also those that no list has at first: long texts, JSON, who made it."""
    client = as_role(Role.AUDITOR)
    for model in (Grievance, PlanStep, SavedView, AuditEntry, Officer):
        make_any(model)
        offered = form_to(client.get(address(model)), "/list-layout")["order"]
        with statements() as seen:
            page = client.get(address(model, cols=",".join(offered)))
        assert page.status_code == 200, (model, words(page))
        assert len(headings(page)) == len(offered) > 5
        assert_frugal(seen)


def test_a_column_that_the_reader_may_not_see_is_left_out_with_a_note(
    session: Any, as_role: Callable[..., Client]
) -> None:
    make_officer(email="canary@example.org")
    page = as_role(Role.HANDLER).get(address(Officer, cols="name,email,password_hash,nope"))
    assert page.status_code == 200
    assert headings(page) == ["Name"]
    assert "Not among the columns you see here: “email”, “password_hash”, “nope”." in words(page)
    assert "canary@example.org" not in page.text
    assert as_role(Role.ADMINISTRATOR).get(address(Officer, cols="email")).text.count("canary") > 0


def lay_out(client: Client, page: TestResponse, **changes: Any) -> TestResponse:
    fields = form_to(page, "/list-layout")
    return client.post("/list-layout", data=fields | changes)


def test_columns_density_and_order_are_kept_for_the_officer_and_the_list(
    session: Any, as_role: Callable[..., Client], few: dict[str, int]
) -> None:
    client, other = as_role(Role.AUDITOR), as_role(Role.AUDITOR)
    page = client.get(LIST + "?search=p&sort=title")
    reply = lay_out(client, page, column=["title", "due_at"], order=["due_at", "state", "title"],
                    density="compact")  # fmt: skip
    assert reply.status_code == 303
    assert arguments(reply.location) == {"search": "p", "sort": "title", "page_size": "50"}
    shown = client.get(reply.location)
    assert headings(shown) == ["Due at", "Title"]
    assert headings(client.get(LIST)) == ["Due at", "Title"]
    assert form_to(shown, "/list-layout")["density"] == ["compact"]
    assert headings(client.get(address(PlanStep))) != ["Due at", "Title"]
    assert len(headings(other.get(LIST))) > 5
    lay_out(client, shown, usual="1")
    assert headings(client.get(LIST)) == headings(other.get(LIST))


def test_without_javascript_a_button_moves_a_column_and_the_sheet_stays_open(
    few: dict[str, int], auditor: Client
) -> None:
    page = auditor.get(LIST)
    first, second, third = form_to(page, "/list-layout")["order"][:3]
    reply = lay_out(auditor, page, down=first)
    assert arguments(reply.location)["open"] == "columns"
    moved = auditor.get(reply.location)
    assert form_to(moved, "/list-layout")["order"][:3] == [second, first, third]
    assert re.search(r"data-sheet open>\s*<summary[^>]*>Columns", moved.text)
    reply = lay_out(auditor, moved, up=first)
    assert form_to(auditor.get(reply.location), "/list-layout")["order"][:3] == [
        first,
        second,
        third,
    ]
    # At an end it stays where it is.
    lay_out(auditor, page, up=first)
    assert form_to(auditor.get(LIST), "/list-layout")["order"][0] == first


def test_columns_that_nobody_offers_are_not_kept(
    session: Any, as_role: Callable[..., Client]
) -> None:
    client = as_role(Role.HANDLER)
    page = client.get(address(Officer))
    lay_out(client, page, column=["email", "password_hash", "x" * 500, "name"],
            order=["email", "password_hash", "x" * 500, "name"])  # fmt: skip
    kept = session.scalars(select(ListLayout)).one()
    assert kept.columns == ["name"]
    # And a column kept while one might read it is not shown afterwards.
    session.execute(text("UPDATE list_layout SET columns = '{email,name}'"))
    session.expire_all()
    assert headings(client.get(address(Officer))) == ["Name"]


def test_an_export_has_these_columns_or_all(committed: Any) -> None:
    client = Client(committed, use_cookies=True)
    with committed.app_context():
        make_grievance(title="Pump")
        client.let_in(make_officer(roles=[Role.AUDITOR]))
        db.session.commit()
    page = client.get(LIST + "?cols=title,state&sort=title")
    offered = re.findall(r'href="([^"]+/export/csv/[^"]*)"', page.text)
    these, every = [html.unescape(one) for one in offered[:2]]

    def header(path: str) -> list[str]:
        answer = client.get(path)
        assert answer.status_code == 200
        return next(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))

    assert header(these) == ["Title", "State"]
    assert len(header(every)) > 15
    assert "these columns" in words(page)
    assert "all columns" in words(page)
    with committed.app_context():
        assert db.session.scalar(select(func.count()).select_from(ExportRecord)) == 2


# --- Saved views -----------------------------------------------------------------------------


def keep(client: Client, path: str, name: str, **more: Any) -> TestResponse:
    """Save the list at `path` through its form."""
    page = client.get(path)
    assert page.status_code == 200, words(page)
    return client.send("/saved-views", **this_list(page), name=name, **more)


def test_a_saved_view_shows_the_list_as_it_was_saved(
    few: dict[str, int], auditor: Client, session: Any
) -> None:
    path = (
        LIST + "?flt0.0_state_equals=closed&flt0.1_state_equals=routed&search=p&sort=state,-title"
        "&cols=title,state&density=compact&page_size=20"
    )
    reply = keep(auditor, path, "Open pumps 水")
    assert reply.status_code == 303
    view = session.scalars(select(SavedView)).one()
    assert (view.name, view.record_type, view.officer_id) == (
        "Open pumps 水", "grievance", auditor.officer_id,
    )  # fmt: skip
    shown = auditor.get(LIST, query_string={"view": view.id}, follow_redirects=True)
    assert set(row_ids(shown)) == {few["closed"], few["routed"]}
    assert headings(shown) == ["Title", "State"]
    assert arguments(f"?{shown.request.query_string.decode()}") == arguments(path) | {
        "view": str(view.id)
    }
    menu = shown.text.partition('class="view-list"')[2].partition("</ul>")[0]
    assert "Open pumps 水" in menu
    assert "aria-current=true" in menu.partition("Open pumps")[0].rpartition("<a")[2]
    assert "(changed)" not in words(shown)


def test_a_view_that_was_changed_says_so_and_can_be_brought_up_to_date(
    few: dict[str, int], auditor: Client, session: Any
) -> None:
    keep(auditor, LIST + "?search=pump", "Pumps")
    view = session.scalars(select(SavedView)).one()
    page = auditor.get(f"{LIST}?search=lamp&view={view.id}")
    assert "(changed)" in words(page)
    fields = form_to(page, "/saved-views/update")
    reply = auditor.post("/saved-views/update", data=fields)
    assert reply.status_code == 303
    session.expire_all()
    assert "search=lamp" in session.scalars(select(SavedView)).one().address
    shown = auditor.get(LIST, query_string={"view": view.id}, follow_redirects=True)
    assert set(row_ids(shown)) == {few["answered"], few["open"]}


def test_the_default_opens_the_list_and_the_whole_list_is_one_click_away(
    few: dict[str, int], auditor: Client, session: Any
) -> None:
    keep(auditor, LIST + "?search=pump", "Pumps", is_default="1")
    opened = auditor.get(LIST)
    assert opened.status_code == 302
    shown = auditor.get(LIST, follow_redirects=True)
    assert row_ids(shown) == [few["closed"]]
    whole = f"{LIST}?view=all"
    assert f'href="{whole}"' in shown.text
    assert len(row_ids(auditor.get(whole))) == 4
    # Only the bare address opens with it.
    assert len(row_ids(auditor.get(LIST + "?sort=title"))) == 4
    fields = form_to(shown, "/saved-views/default")
    reply = auditor.post("/saved-views/default", data=fields | {"view": ""})
    assert reply.status_code == 303
    assert len(row_ids(auditor.get(LIST))) == 4
    assert session.scalar(select(func.count()).select_from(DefaultView)) == 0


def test_the_default_may_be_what_somebody_else_shares_and_goes_with_the_sharing(
    few: dict[str, int], as_role: Callable[..., Client], session: Any
) -> None:
    keeper, reader = as_role(Role.AUDITOR), as_role(Role.DECIDER)
    keep(keeper, LIST + "?search=pump", "Pumps", share="decider")
    view = session.scalars(select(SavedView)).one()
    page = reader.get(LIST, query_string={"view": view.id}, follow_redirects=True)
    assert "from " in words(page)
    fields = form_to(page, "/saved-views/default")
    reader.post("/saved-views/default", data=fields | {"view": str(view.id)})
    assert row_ids(reader.get(LIST, follow_redirects=True)) == [few["closed"]]
    assert "/saved-views/update" not in reader.get(f"{LIST}?search=x&view={view.id}").text
    session.execute(text("UPDATE saved_view SET shared_role = NULL"))
    session.expire_all()
    assert len(row_ids(reader.get(LIST))) == 4


def test_who_sees_a_shared_view_and_who_changes_it(
    session: Any, as_role: Callable[..., Client], few: dict[str, int]
) -> None:
    district = make_office(name="District")
    roads = make_office(name="Roads", parent_id=district.id)
    parks = make_office(name="Parks", parent_id=district.id)
    keeper = as_role(Role.HANDLER, office_id=roads.id)
    keep(keeper, LIST + "?sort=title", "Mine alone")
    keep(keeper, LIST + "?sort=title", "Of roads", share="office")
    keep(keeper, LIST + "?sort=title", "Of heads", share="office_head")
    lamps = make_office(name="Lamps", parent_id=roads.id)
    offered = {
        "the keeper": (keeper, {"Mine alone", "Of roads", "Of heads"}),
        "the same office": (as_role(Role.HANDLER, office_id=roads.id), {"Of roads"}),
        "an office below": (as_role(Role.HANDLER, office_id=lamps.id), {"Of roads"}),
        "the office above": (as_role(Role.HANDLER, office_id=district.id), set()),
        "another office": (as_role(Role.HANDLER, office_id=parks.id), set()),
        "the role": (as_role(Role.OFFICE_HEAD, office_id=parks.id), {"Of heads"}),
        "an administrator": (as_role(Role.ADMINISTRATOR, office_id=parks.id), set()),
    }
    ids = {view.name: view.id for view in session.scalars(select(SavedView))}
    for who, (client, expected) in offered.items():
        page = client.get(LIST)
        menu = page.text.partition('class="view-list"')[2].partition("</ul>")[0]
        assert {name for name in ids if name in menu} == expected, who
        for name, number in ids.items():
            is_admin = who == "an administrator"
            seen = name in expected or is_admin  # who reads the trail reads all of them
            details = client.get(address(SavedView, "details", id=number))
            assert details.status_code == (200 if seen else 404), (who, name)
            edit = client.get(address(SavedView, "edit", id=number))
            own = who == "the keeper"
            assert edit.status_code == (200 if own else 403 if seen else 404), (who, name)
            removable = own or (is_admin and name != "Mine alone")
            gone = client.get(address(SavedView, "delete", id=number))
            assert gone.status_code == (200 if removable else 403 if seen else 404), (who, name)
            updated = client.send("/saved-views/update", record_type="grievance",
                                  address="sort=-title", view=str(number))  # fmt: skip
            assert updated.status_code == (303 if own else 403 if seen else 404), (who, name)


def test_an_administrator_deletes_what_is_shared(
    session: Any, as_role: Callable[..., Client]
) -> None:
    view = make_saved_view(shared_role=Role.HANDLER)
    make_default_view(saved_view_id=view.id)
    client = as_role(Role.ADMINISTRATOR)
    page = client.get(address(SavedView, "delete", id=view.id))
    reply = client.post(address(SavedView, "delete", id=view.id), data=form_to(page, "/delete/"))
    assert reply.status_code == 302
    assert session.scalar(select(func.count()).select_from(SavedView)) == 0
    assert session.scalar(select(func.count()).select_from(DefaultView)) == 0


def test_a_shared_view_widens_nothing(session: Any, as_role: Callable[..., Client]) -> None:
    make_officer(email="canary@example.org")
    keeper = as_role(Role.ADMINISTRATOR)
    keep(keeper, address(Officer) + "?flt0_email_contains=canary&cols=name,email", "By mail",
         share="handler")  # fmt: skip
    view = session.scalars(select(SavedView)).one()
    reader = as_role(Role.HANDLER)
    page = reader.get(f"{address(Officer)}?view={view.id}", follow_redirects=True)
    assert page.status_code == 400
    assert "There is no filter" in words(page)
    assert row_ids(page) == []
    # Nor does it open a list that the reader may not open.
    log_ins = make_saved_view(
        record_type="import_batch", address="sort=id", shared_role=Role.HANDLER
    )
    assert reader.get(f"/admin/import-batch/?view={log_ins.id}").status_code == 403


def test_only_a_list_of_ones_own_kind_is_saved(
    session: Any, auditor: Client, as_role: Callable[..., Client]
) -> None:
    good = {"record_type": "grievance", "address": "sort=title", "name": "x"}
    for wrong in (
        {"record_type": "nope"},
        {"record_type": "identity"},
        {"record_type": ""},
        {"address": "https://example.org/?sort=title"},
        {"address": "//example.org"},
        {"address": "/admin/officer/?sort=name"},
        {"address": "next=/admin"},
        {"address": "sort=title&next=//example.org"},
        {"address": ""},
        {"address": "sort=" + "x" * 4000},
        {"address": "&".join(f"flt{n}_state_equals=closed" for n in range(200))},
        {"address": "flt0_state_equals=closed\nx: y&a=b"},
    ):
        reply = auditor.send("/saved-views", **(good | wrong))
        assert reply.status_code == 400, wrong
        assert_clean(reply)
    handler = as_role(Role.HANDLER)
    assert handler.send("/saved-views", **good | {"record_type": "import_batch"}).status_code == 403
    for name in ("", "   ", "x" * 121):
        assert auditor.send("/saved-views", **good | {"name": name}).status_code == 303
        assert "1 to 120 characters" in words(auditor.get(LIST + "?view=all"))
    assert session.scalar(select(func.count()).select_from(SavedView)) == 0


def test_the_database_keeps_no_address_of_another_page(session: Any) -> None:
    for wrong in ("https://example.org", "/admin/", "a?b", "a b", "a\nb", "a#b", "x" * 3001):
        with pytest.raises(IntegrityError), session.begin_nested():
            make_saved_view(address=wrong)
    with pytest.raises(IntegrityError), session.begin_nested():
        make_saved_view(shared_role=Role.HANDLER, shared_office_id=make_office().id)


def test_a_view_that_holds_what_no_list_takes_any_more_is_refused_or_left_out(
    session: Any, auditor: Client
) -> None:
    """Columns come and go; what was written by hand is not trusted either."""
    gone = make_saved_view(officer_id=auditor.officer_id, address="flt0_nope_equals=1")
    page = auditor.get(LIST, query_string={"view": gone.id}, follow_redirects=True)
    assert page.status_code == 400
    strange = make_saved_view(officer_id=auditor.officer_id, address="next=%2F%2Fexample.org")
    page = auditor.get(LIST, query_string={"view": strange.id}, follow_redirects=True)
    assert page.status_code == 200
    assert "example.org" not in page.text
    assert auditor.get(address(SavedView, "details", id=strange.id)).status_code == 200


@pytest.mark.parametrize("view", ["0", "-1", "abc", str(2**63), "1,2", "9" * 400, "None", "all "])
def test_a_view_that_is_none_is_the_whole_list(few: Any, auditor: Client, view: str) -> None:
    page = auditor.get(f"{LIST}?view={view}")
    assert page.status_code == 200
    assert len(row_ids(page)) == 4


def test_a_view_of_another_list_or_another_officer_opens_nothing(
    few: dict[str, int], auditor: Client, session: Any
) -> None:
    for view in (
        make_saved_view(address="search=pump"),
        make_saved_view(record_type="officer", officer_id=auditor.officer_id),
    ):
        page = auditor.get(LIST, query_string={"view": view.id})
        assert page.status_code == 200
        assert len(row_ids(page)) == 4
        assert "is gone, or no longer shared with you" in words(page)


def test_views_are_named_once_and_capped(auditor: Client, session: Any) -> None:
    keep(auditor, LIST, "One")
    assert session.scalar(select(func.count()).select_from(SavedView)) == 1
    keep(auditor, LIST, "One")
    assert session.scalar(select(func.count()).select_from(SavedView)) == 1
    for number in range(MOST_KEPT - 1):
        make_saved_view(name=f"V{number}", officer_id=auditor.officer_id)
    keep(auditor, LIST, "Another")
    assert session.scalar(select(func.count()).select_from(SavedView)) == MOST_KEPT
    assert "Delete one first" in words(auditor.get(LIST))


def test_what_is_kept_leaves_an_entry_of_its_officer(auditor: Client, session: Any) -> None:
    page = auditor.get(LIST)
    last = session.scalar(select(func.max(AuditEntry.id))) or 0
    keep(auditor, LIST, "One", is_default="1")
    lay_out(auditor, page, column=["title"])
    found = session.scalars(select(AuditEntry).where(AuditEntry.id > last)).all()
    assert {entry.record_type for entry in found} >= {"saved_view", "default_view", "list_layout"}
    assert {entry.officer_id for entry in found} == {auditor.officer_id}


def test_nobody_touches_what_another_keeps_of_a_list(
    session: Any, as_role: Callable[..., Client]
) -> None:
    other = make_officer()
    make_list_layout(officer_id=other.id, columns=["title"])
    make_default_view(officer_id=other.id, saved_view_id=make_saved_view(officer_id=other.id).id)
    client = as_role(Role.ADMINISTRATOR)
    page = client.get(LIST)
    assert page.status_code == 200
    lay_out(client, page, column=["number"])
    kept = session.execute(select(ListLayout.officer_id, ListLayout.columns)).all()
    assert sorted(kept) == sorted([(other.id, ["title"]), (client.officer_id, ["number"])])


def test_the_edit_form_of_a_view_takes_a_list_and_nothing_else(
    session: Any, auditor: Client
) -> None:
    view = make_saved_view(officer_id=auditor.officer_id)
    for wrong, beside in (
        ({"address": "next=%2Fadmin"}, "after the ? in the address"),
        ({"record_type": "identity"}, "There is no such list"),
    ):
        fields = form_to(auditor.get(address(SavedView, "edit", id=view.id)), "")
        page = auditor.get(address(SavedView, "edit", id=view.id))
        (form,) = [f for f in forms(page) if "record-form" in f["attributes"].get("class", "")]
        fields = form["fields"] | {key: [value] for key, value in wrong.items()}
        reply = auditor.post(address(SavedView, "edit", id=view.id), data=fields)
        assert reply.status_code == 422
        assert beside in words(reply)
    page = auditor.get(address(SavedView, "details", id=view.id))
    assert f"{LIST}?flt0_state_equals=registered&amp;view={view.id}" in page.text


# --- Count and cost --------------------------------------------------------------------------


def test_the_count_tells_how_it_was_found(
    few: dict[str, int], auditor: Client, session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = words(auditor.get(LIST))
    assert "4 records exactly Every record that you see and that matches was counted." in told
    monkeypatch.setattr(lists, "COUNTED", 1)
    session.execute(text("ANALYZE grievance"))
    told = words(auditor.get(LIST))
    assert "(estimated) not counted" in told
    assert "from its own statistics" in told
    assert "more than 1 records counted so far Counting stops at 1" in words(
        auditor.get(LIST + "?search=p")
    )


@pytest.mark.parametrize("role", Role)
def test_a_list_with_every_tool_in_use_takes_eight_statements(
    few: dict[str, int], as_role: Callable[..., Client], session: Any, role: Role
) -> None:
    client = as_role(role, office_id=few["water"])
    make_saved_view(shared_role=role)
    make_list_layout(officer_id=client.officer_id, columns=["title", "handler", "category"])
    mine = make_saved_view(officer_id=client.officer_id)
    make_default_view(officer_id=client.officer_id, saved_view_id=mine.id)
    query = (
        f"?flt0.0_responsible_office_below={few['water']}&flt0.1_category_equals=1"
        f"&flt1_handler_equals={client.officer_id}&flt1.3_state_equals=closed&search=p"
        f"&sort=state,-received_at,title&cols=title,lead_official,responsible_office&view={mine.id}"
    )
    client.get(LIST + "?view=all")  # the first page notes when, and keeps its token
    for path in (LIST + query, LIST + "?sort=-due_at,title&before=end", LIST):
        with statements() as seen:
            page = client.get(path)
        assert page.status_code in (200, 302)
        assert_frugal(seen)


def test_what_the_form_offers_is_made_once_for_a_set_of_rights(
    few: dict[str, int], as_role: Callable[..., Client]
) -> None:
    """An officer with other rights or another language is not given somebody else's options."""
    administrator, handler = as_role(Role.ADMINISTRATOR), as_role(Role.HANDLER)
    for _ in range(2):
        assert 'value="email_contains"' in administrator.get(address(Officer)).text
        assert 'value="email_contains"' not in handler.get(address(Officer)).text
    handler.send("/language", language="zh_Hans_CN")
    assert ">State is<" not in handler.get(LIST).text
    assert ">State is<" in administrator.get(LIST).text


STRANGE = [
    "\x00",
    "%ED%A0%80",
    "9" * 5000,
    "-1",
    "[]",
    "{}",
    "é",
    "水",
    "%",
    "a" * 3000,
    "\\",
    "'\"<",
]
NAMES = [
    *("sort", "cols", "density", "view", "open", "edit", "page_size"),
    *("filter_what", "filter_value", "filter_group"),
    *("flt0.0_state_equals", "flt0.x", "flt1.1_title_contains"),
]


@pytest.mark.parametrize("name", NAMES)
def test_no_argument_of_a_list_brings_it_down(few: Any, auditor: Client, name: str) -> None:
    for value in STRANGE:
        sent = value if value.startswith("%") and len(value) > 1 else quote(value)
        for more in ("", "&filter_what=state_equals&filter_group=x", f"&{name}={sent}"):
            page = auditor.get(f"{LIST}?{name}={sent}{more}")
            assert page.status_code < 500, (name, value, more)
            assert_clean(page)


@pytest.mark.parametrize("path", ["/saved-views", "/saved-views/update", "/saved-views/default",
                                  "/list-layout"])  # fmt: skip
def test_no_field_of_its_forms_brings_a_list_down(auditor: Client, session: Any, path: str) -> None:
    good = {
        **{"record_type": "grievance", "address": "sort=title", "present": "", "name": "x"},
        **{"view": "", "share": "", "order": "title", "column": "title", "density": "compact"},
    }
    for turn, name in enumerate([*good, "up", "down", "usual", "is_default"]):
        for value in in_turn(STRANGE, turn):
            reply = auditor.send(path, **good | {name: value.replace("%ED%A0%80", "\ufffd")})
            assert reply.status_code < 500, (name, value)
            assert_clean(reply)

"""The rows of a list in Chromium: editing in place, two people at once, undoing, changing many,
selecting over pages, keys, on a telephone, on paper."""

import re
from itertools import count
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect
from sqlalchemy import select

from models import AuditEntry, Category, Office, db
from rules.permissions import Role
from rules.records import AuditVerb
from tests.browser.walking import OFFICES, Desk, Walk
from tests.factories import make_category

pytestmark = pytest.mark.browser

CATEGORIES, GRIEVANCES = "/admin/category/", "/admin/grievance/"


_number = count(100)


@pytest.fixture
def pipes(desk: Desk) -> list[Category]:
    """Fifty categories of this test's own, “Pipes 100, 00” and on."""
    number = next(_number)
    with desk.app.app_context():
        made = [make_category(name=f"Pipes {number}, {n:02}") for n in range(50)]
        db.session.commit()
        for one in made:
            db.session.refresh(one)
            db.session.expunge(one)
    return made


def listed(page: Page, pipes: list[Category], more: str = "") -> None:
    """Open the list of these categories, in the order of their names."""
    word = pipes[0].name.partition(",")[0]
    page.goto(f"{CATEGORIES}?flt0_name_contains={word},&sort=name&desc=0{more}")
    expect(page.locator(".count")).to_contain_text(f"{len(pipes)} records")


def row(page: Page, place: int) -> Locator:
    return page.locator("table[data-rows] tbody tr").nth(place)


def cell(page: Page, place: int, heading: str = "Name") -> Locator:
    return row(page, place).locator(f"td[data-label='{heading}']")


def editor(page: Page) -> Locator:
    return page.locator("dialog[open] form")


def said(page: Page) -> Locator:
    return page.locator("[data-said-words]")


def stored(desk: Desk, record: Any) -> Any:
    """Return the record as it is in the database now."""
    (found,) = desk.all(select(type(record)).where(type(record).id == record.id))
    return found


def changes(desk: Desk, record: Any) -> list[AuditEntry]:
    return desk.all(
        select(AuditEntry).where(
            AuditEntry.record_type == record.__tablename__,
            AuditEntry.record_id == record.id,
            AuditEntry.verb == AuditVerb.UPDATE,
        )
    )


# --- Editing in place ------------------------------------------------------------------------


def test_a_field_is_edited_and_put_back_with_the_keyboard_alone(
    walk: Walk, desk: Desk, pipes: list[Category]
):
    keys = (page := walk.enter(Role.ADMINISTRATOR)).keyboard
    listed(page, pipes)
    keys.press("j")
    keys.press("j")
    expect(row(page, 1)).to_be_focused()
    keys.press("ArrowRight")
    expect(cell(page, 1)).to_be_focused()
    keys.press("F2")
    expect(editor(page).get_by_label("Name")).to_be_focused()
    expect(editor(page).get_by_label("Name")).to_have_value(pipes[1].name)
    keys.type("Typed in the list")  # over what is there, which is selected
    keys.press("Enter")
    expect(said(page)).to_have_text("“Name” of “Typed in the list” was saved.")
    expect(cell(page, 1)).to_be_focused()
    expect(cell(page, 1).get_by_role("link")).to_have_text("Typed in the list")
    expect(row(page, 1).get_by_label("Select Typed in the list")).to_be_visible()
    assert stored(desk, pipes[1]).name == "Typed in the list"
    keys.press("u")
    expect(cell(page, 1).get_by_role("link")).to_have_text(pipes[1].name)
    expect(said(page)).to_have_text(f"“Name” of “{pipes[1].name}” was saved.")
    assert stored(desk, pipes[1]).name == pipes[1].name
    assert len(changes(desk, pipes[1])) == 2


def test_a_relation_is_edited_with_the_mouse(walk: Walk, desk: Desk, pipes: list[Category]):
    page = walk.enter(Role.ADMINISTRATOR)
    listed(page, pipes)
    cell(page, 3, "Office").hover()
    page.get_by_role("button", name="Edit this field").click()
    box = editor(page).get_by_role("combobox", name="Office")
    box.fill("roads")
    page.get_by_role("option", name=OFFICES[1], exact=True).click()
    editor(page).get_by_role("button", name="Save").click()
    expect(cell(page, 3, "Office")).to_contain_text(OFFICES[1])
    assert stored(desk, pipes[3]).office_id is not None
    page.get_by_role("button", name="Undo").click()
    expect(cell(page, 3, "Office").get_by_role("link")).to_have_count(0)
    assert stored(desk, pipes[3]).office_id is None


def test_a_double_click_opens_the_editor_and_escape_closes_it(
    walk: Walk, desk: Desk, pipes: list[Category]
):
    page = walk.enter(Role.ADMINISTRATOR)
    listed(page, pipes)
    cell(page, 2, "Office").dblclick()
    box = editor(page).get_by_role("combobox", name="Office")
    box.fill("roads")
    expect(page.get_by_role("option", name=OFFICES[1])).to_be_visible()
    page.keyboard.press("Escape")  # the suggestions
    expect(page.locator("[role=option]:visible")).to_have_count(0)
    expect(box).to_have_value("roads")
    page.keyboard.press("Escape")  # the editor
    expect(editor(page)).to_have_count(0)
    expect(cell(page, 2, "Office")).to_be_focused()
    assert changes(desk, pipes[2]) == []


def test_what_is_refused_is_said_in_the_editor_and_nothing_typed_is_lost(
    walk: Walk, desk: Desk, pipes: list[Category]
):
    page = walk.enter(Role.ADMINISTRATOR, answers=(422,))
    listed(page, pipes)
    cell(page, 0).dblclick(position={"x": 2, "y": 2})
    editor(page).get_by_label("Name").fill(pipes[1].name)
    page.keyboard.press("Enter")
    expect(editor(page)).to_contain_text("already a record of this kind")
    expect(editor(page).get_by_label("Name")).to_have_value(pipes[1].name)
    editor(page).get_by_label("Name").fill("Another name")
    page.keyboard.press("Enter")
    expect(said(page)).to_contain_text("was saved")
    assert stored(desk, pipes[0]).name == "Another name"


def test_where_the_server_is_out_of_reach_what_was_typed_stays(
    walk: Walk, desk: Desk, pipes: list[Category]
):
    page = walk.enter(Role.ADMINISTRATOR)
    listed(page, pipes)
    cell(page, 0).dblclick(position={"x": 2, "y": 2})
    editor(page).get_by_label("Name").fill("Typed on a train")

    def away(route: Route) -> None:
        route.abort() if route.request.method == "POST" else route.continue_()

    page.route("**/ajax/update/**", away)
    page.keyboard.press("Enter")
    expect(editor(page).get_by_role("alert")).to_contain_text("cannot be reached")
    expect(editor(page).get_by_label("Name")).to_have_value("Typed on a train")
    page.unroute("**/ajax/update/**")
    page.keyboard.press("Enter")
    expect(said(page)).to_contain_text("was saved")
    assert stored(desk, pipes[0]).name == "Typed on a train"


def test_who_comes_second_compares_and_chooses(walk: Walk, desk: Desk, pipes: list[Category]):
    first = walk.enter(Role.ADMINISTRATOR, answers=(409,))
    second = first.context.new_page()
    for page in (first, second):
        listed(page, pipes)
        cell(page, 5).dblclick(position={"x": 2, "y": 2})
    editor(first).get_by_label("Name").fill("From the first tab")
    first.keyboard.press("Enter")
    expect(said(first)).to_contain_text("was saved")
    editor(second).get_by_label("Name").fill("From the second tab")
    second.keyboard.press("Enter")
    expect(editor(second)).to_contain_text("Officer administrator changed this record")
    expect(editor(second)).to_contain_text("From the first tab")
    expect(editor(second).get_by_label("Name")).to_have_value("From the second tab")
    expect(cell(second, 5)).to_contain_text("From the first tab")
    editor(second).get_by_role("button", name="Save mine over it").click()
    expect(cell(second, 5)).to_contain_text("From the second tab")
    assert stored(desk, pipes[5]).name == "From the second tab"

    first.keyboard.press("u")  # it is not what it was when the first tab saved it
    expect(editor(first)).to_contain_text("Officer administrator changed this record")
    editor(first).get_by_role("link", name="Keep what is saved").click()
    expect(cell(first, 5)).to_contain_text("From the second tab")
    assert stored(desk, pipes[5]).name == "From the second tab"


def test_who_may_not_edit_is_offered_no_editor(walk: Walk, pipes: list[Category]):
    page = walk.enter(Role.AUDITOR)
    listed(page, pipes)
    cell(page, 0).hover()
    cell(page, 0).dblclick(position={"x": 2, "y": 2})
    page.keyboard.press("j")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("F2")
    expect(page.get_by_role("button", name="Edit this field")).to_have_count(0)
    expect(page.locator("dialog[open]")).to_have_count(0)


# --- Many at once ----------------------------------------------------------------------------


def test_a_selection_over_pages_is_changed_and_put_back(
    walk: Walk, desk: Desk, pipes: list[Category]
):
    page = walk.enter(Role.ADMINISTRATOR)
    listed(page, pipes, "&page_size=20")
    number = page.locator("[data-selected-count]")
    row(page, 0).get_by_role("checkbox").check()
    row(page, 3).get_by_role("checkbox").click(modifiers=["Shift"])
    expect(number).to_have_text("Selected: 4")
    page.get_by_role("link", name="Next").click()
    expect(number).to_have_text("Selected: 4, of these 4 on other pages")
    row(page, 0).get_by_role("checkbox").check()
    expect(number).to_have_text("Selected: 5, of these 4 on other pages")
    page.get_by_role("link", name="Previous").click()
    expect(page.locator("tbody :checked")).to_have_count(4)
    expect(number).to_have_text("Selected: 5, of these 1 on other pages")

    page.get_by_label("With the selected:").select_option(label="Office")
    page.get_by_role("button", name="Preview…").click()
    expect(page.get_by_role("heading", level=2)).to_have_text("5 records")
    page.get_by_role("combobox", name="Office").fill(OFFICES[2])
    page.get_by_role("button", name="Preview…").click()
    expect(page.get_by_role("main")).to_contain_text(f"5 × (nothing) → “{OFFICES[2]}”")
    page.get_by_role("button", name="Change 5 records").click()
    expect(page.locator(".alert-success")).to_contain_text("5 records were changed")
    expect(number).to_have_text("")
    expect(page.locator("tbody :checked")).to_have_count(0)
    office = desk.all(select(Office.id).where(Office.name == OFFICES[2]))[0]
    changed = [one for one in pipes if stored(desk, one).office_id == office]
    assert [one.name[-2:] for one in changed] == ["00", "01", "02", "03", "20"]

    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".alert-success")).to_contain_text("5 records are as they were before.")
    assert {stored(desk, one).office_id for one in pipes} == {None}


def test_all_that_match_are_selected_and_cleared(walk: Walk, pipes: list[Category]):
    page = walk.enter(Role.ADMINISTRATOR)
    listed(page, pipes, "&page_size=20")
    number = page.locator("[data-selected-count]")
    page.get_by_label("Select every row of this page").check()
    expect(number).to_have_text("All 20 rows of this page are selected.")
    page.get_by_role("button", name="Select all 50 that match").click()
    expect(number).to_have_text("All that match are selected.")
    page.get_by_role("link", name="Next").click()
    expect(number).to_have_text("All that match are selected.")
    page.get_by_label("With the selected:").select_option(label="Retired on")
    page.get_by_role("button", name="Preview…").click()
    expect(page.get_by_role("heading", level=2)).to_have_text("50 records")
    page.get_by_role("link", name="Cancel").click()
    expect(number).to_have_text("All that match are selected.")  # nothing was done yet
    page.get_by_role("button", name="Clear the selection").click()
    expect(number).to_have_text("")
    expect(page.locator("tbody :checked")).to_have_count(0)
    page.reload()
    expect(page.locator("tbody :checked")).to_have_count(0)


def test_a_selection_belongs_to_its_list_and_filters(walk: Walk, pipes: list[Category]):
    page = walk.enter(Role.ADMINISTRATOR)
    listed(page, pipes)
    row(page, 0).get_by_role("checkbox").check()
    page.goto(CATEGORIES)
    expect(page.locator("tbody :checked")).to_have_count(0)
    listed(page, pipes)
    expect(page.locator("tbody :checked")).to_have_count(1)


def test_without_javascript_many_are_changed_and_put_back(
    walk: Walk, desk: Desk, pipes: list[Category]
):
    page = walk.enter(Role.ADMINISTRATOR, width=390, java_script_enabled=False)
    listed(page, pipes)
    row(page, 0).get_by_role("checkbox").check()
    row(page, 1).get_by_role("checkbox").check()
    page.get_by_label("With the selected:").select_option(label="Office")
    page.get_by_role("button", name="Preview…").click()
    page.get_by_label("Office").fill(OFFICES[0])
    page.get_by_role("button", name="Preview…").click()
    page.get_by_role("button", name="Change 2 records").click()
    expect(page.locator(".alert-success")).to_contain_text("2 records were changed")
    assert sum(stored(desk, one).office_id is not None for one in pipes) == 2
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".alert-success")).to_contain_text("2 records are as they were before.")
    assert {stored(desk, one).office_id for one in pipes} == {None}


# --- Keys ------------------------------------------------------------------------------------


def test_keys_lead_through_a_list(walk: Walk, pipes: list[Category]):
    keys = (page := walk.enter(Role.ADMINISTRATOR)).keyboard
    listed(page, pipes)
    for key in "jjjk":
        keys.press(key)
    expect(row(page, 1)).to_be_focused()
    expect(row(page, 1)).to_have_attribute("aria-current", "true")
    expect(page.locator("table[data-rows] [aria-current]")).to_have_count(1)
    keys.press("x")
    expect(row(page, 1).get_by_role("checkbox")).to_be_checked()
    keys.press("x")
    expect(row(page, 1).get_by_role("checkbox")).not_to_be_checked()
    keys.press("o")
    expect(page.get_by_role("heading", level=1)).to_have_text(pipes[1].name)
    listed(page, pipes)
    keys.press("j")
    keys.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(pipes[0].name)
    listed(page, pipes)
    keys.press("j")
    keys.press("e")
    expect(page.get_by_label("Name")).to_have_value(pipes[0].name)
    listed(page, pipes)
    keys.press("/")
    expect(page.locator("#search")).to_be_focused()
    keys.type("jxeo?")  # typing is typing
    expect(page.locator("#search")).to_have_value("jxeo?")
    expect(page.locator("table[data-rows] [aria-current]")).to_have_count(0)
    page.locator("#search").blur()
    keys.press("Control+j")
    expect(page.locator("table[data-rows] [aria-current]")).to_have_count(0)
    keys.press("g")
    keys.press("h")
    expect(page).to_have_url(re.compile(r"/admin/$"))


def test_the_keys_are_told_and_can_be_switched_off(walk: Walk, pipes: list[Category]):
    keys = (page := walk.enter(Role.ADMINISTRATOR)).keyboard
    listed(page, pipes)
    keys.press("?")
    told = page.get_by_role("dialog", name="Keys of a list")
    expect(told).to_contain_text("next row, row before")
    keys.press("j")  # behind the help nothing moves
    expect(page.locator("table[data-rows] [aria-current]")).to_have_count(0)
    told.get_by_role("checkbox").uncheck()
    keys.press("Escape")
    expect(told).to_have_count(0)
    page.reload()
    keys.press("j")
    expect(page.locator("table[data-rows] [aria-current]")).to_have_count(0)
    page.get_by_role("button", name="Keys").click()
    told.get_by_role("checkbox").check()
    told.get_by_role("button", name="Close").click()
    keys.press("j")
    expect(row(page, 0)).to_be_focused()


# --- What stays in sight ---------------------------------------------------------------------


def test_headings_and_names_stay_in_sight(walk: Walk):
    page = walk.enter(Role.ADMINISTRATOR, width=1000)
    page.goto(GRIEVANCES)
    wrap, heading = page.locator(".table-wrap"), page.locator("th[data-field=title]")
    name = row(page, 30).locator("td.name")
    top = page.evaluate("() => document.querySelector('.table-wrap').getBoundingClientRect().top")
    wrap.evaluate("(one) => one.scrollTo(300, 900)")
    box = heading.bounding_box()
    assert box
    assert abs(box["y"] - top) < 3
    left = wrap.bounding_box()
    there = name.bounding_box()
    assert left
    assert there
    assert left["x"] <= there["x"] < left["x"] + 60


def test_on_a_telephone_rows_are_selected_and_edited_by_touch(
    walk: Walk, desk: Desk, pipes: list[Category]
):
    page = walk.enter(Role.ADMINISTRATOR, width=390, has_touch=True)
    listed(page, pipes)
    page.get_by_label("Select every row of this page").tap()
    expect(page.locator("tbody :checked")).to_have_count(50)
    preview = page.get_by_role("button", name="Preview…")
    expect(preview).to_be_in_viewport()  # at the bottom, however long the list
    small = page.evaluate(
        """() => [...document.querySelectorAll(".bulk .btn, .bulk select, tbody .pick label, "
          + "tbody .pick input")].filter((one) => one.getBoundingClientRect().height < 24).length"""
    )
    assert small == 0
    cell(page, 1).tap(position={"x": 250, "y": 8})  # beside its link
    page.get_by_role("button", name="Edit this field").tap()
    editor(page).get_by_label("Name").fill("Typed with a thumb")
    editor(page).get_by_role("button", name="Save").tap()
    expect(said(page)).to_contain_text("was saved")
    assert stored(desk, pipes[1]).name == "Typed with a thumb"


@pytest.mark.parametrize("width", [700, 1100])
def test_a_list_prints_as_a_table_with_its_headings(walk: Walk, pipes: list[Category], width: int):
    page = walk.enter(Role.ADMINISTRATOR, width=width)
    listed(page, pipes)
    page.emulate_media(media="print")
    style = "(one) => getComputedStyle(one).display"
    assert page.locator("table[data-rows]").evaluate(style) == "table"
    assert page.locator("table[data-rows] thead").evaluate(style) == "table-header-group"
    assert row(page, 0).evaluate(style) == "table-row"
    assert cell(page, 0).evaluate(style) == "table-cell"
    wrap = page.locator(".table-wrap")
    high, inside = wrap.evaluate("(one) => [one.clientHeight, one.scrollHeight]")
    assert high >= inside  # nothing is left behind a scroll bar
    expect(page.locator("thead th[data-field=name]")).to_be_visible()
    for never in (".bulk", ".pick", ".row-actions", "[data-said]"):
        expect(page.locator(never).first).to_be_hidden()

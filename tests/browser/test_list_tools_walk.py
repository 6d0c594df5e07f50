"""The tools above a list in Chromium: filters in groups, saved views, columns and orders, by
keyboard and mouse, at the width of a desk and of a telephone."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from rules.permissions import Role
from tests.browser.test_walk import GRIEVANCES, apply, chips, suggestions, tab_to, titles
from tests.browser.walking import OFFICES, Walk

pytestmark = pytest.mark.browser


def sheet(page: Page, name: str) -> Locator:
    """Return the tool `name`, opened."""
    tool = page.locator("details[data-sheet]").filter(
        has=page.locator("summary", has_text=re.compile(f"^{name}"))
    )
    tool.locator("summary").click()
    expect(tool).to_have_attribute("open", "")
    return tool


def rows(page: Page) -> Locator:
    return page.locator("details.filters .filter-row")


def ask(row: Locator, what: str, value: str = "") -> None:
    """Fill in a row of the builder."""
    row.get_by_label("What to filter by").select_option(label=what)
    if value:
        box = row.get_by_label("Value")
        if box.evaluate("(one) => one.tagName") == "SELECT":
            box.select_option(label=value)
        else:
            box.fill(value)


def headings(page: Page) -> list[str]:
    page.wait_for_load_state()
    texts = page.locator("table.list thead th[scope=col]").all_inner_texts()
    return [re.sub(r"\s*[↑↓].*", "", text, flags=re.DOTALL).strip() for text in texts]


# --- Filters ---------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [1280, 390])
def test_groups_are_built_changed_and_taken_apart(walk: Walk, width: int):
    page = walk.enter(Role.ADMINISTRATOR, width=width)
    page.goto(GRIEVANCES)
    tool = sheet(page, "Filter")
    ask(rows(page).first, "Title contains", "l0")
    tool.get_by_role("button", name="Add a group").click()
    any_of = tool.get_by_role("group", name="Any of these holds")
    expect(any_of.get_by_label("What to filter by").first).to_be_focused()
    ask(any_of.locator(".filter-row").first, "State is", "Registered")
    ask(any_of.locator(".filter-row").last, "Responsible office is", "Roads office")
    expect(suggestions(page)).to_have_text(["Roads office"])
    any_of.get_by_label("Value").last.press("Escape")  # closes the suggestions, not the sheet
    expect(suggestions(page)).to_have_count(0)
    if width == 390:
        box = tool.bounding_box()
        assert box is not None
        assert (box["x"], round(box["width"])) == (0, 390), "a sheet over the whole telephone"
    apply(page)
    assert chips(page) == [
        "Title contains l0",
        f"State is Registered × or Responsible office is {OFFICES[1]}",
    ]
    expected = {f"Letter L{n:03} was not answered" for n in range(100) if n % 2 == 0 or n % 3 == 1}
    assert set(titles(page)) < expected

    # A click on a chip leads to its row, and what is changed there takes its place.
    page.get_by_role("link", name="State is Registered", exact=True).click()
    held = any_of.get_by_label("Value").first
    expect(held).to_be_focused()
    held.select_option(label="Routed")
    apply(page)
    assert "State is Routed" in chips(page)[1]

    sheet(page, "Filter")
    any_of.get_by_role("button", name="Remove this condition").first.click()
    expect(any_of.get_by_label("What to filter by")).to_be_focused()
    any_of.get_by_role("button", name="Remove this condition").click()
    expect(any_of).to_have_count(0)
    expect(tool.get_by_role("button", name="Add a group")).to_be_focused()
    apply(page)
    assert chips(page) == ["Title contains l0"]
    page.get_by_role("link", name="Clear all").click()
    expect(page.get_by_role("list", name="Active filters")).to_have_count(0)


def test_the_builder_needs_no_mouse(walk: Walk):
    page = walk.enter(Role.AUDITOR)
    keys = page.keyboard
    page.goto(GRIEVANCES)
    tool = page.locator("details.filters")
    tab_to(page, tool.locator("summary"))
    keys.press("Enter")
    tab_to(page, rows(page).first.get_by_label("What to filter by"))
    keys.type("State is")
    keys.press("Tab")
    expect(rows(page).first.get_by_label("Value")).to_be_focused()
    keys.type("Rou")
    tab_to(page, tool.get_by_role("button", name="Add a group"))
    keys.press("Enter")
    members = tool.get_by_role("group", name="Any of these holds").locator(".filter-row")
    expect(members.first.get_by_label("What to filter by")).to_be_focused()
    keys.type("Title contains")
    keys.press("Tab")
    keys.type("L001")
    keys.press("Tab")
    keys.press("Tab")
    expect(members.last.get_by_label("What to filter by")).to_be_focused()
    keys.type("Title contains")
    keys.press("Tab")
    keys.type("L003")
    keys.press("Enter")
    expect(page.get_by_role("list", name="Active filters")).to_contain_text("Title contains L003")
    assert titles(page) == ["Letter L001 was not answered", "Letter L003 was not answered"]
    tab_to(page, tool.locator("summary"))
    keys.press("Enter")
    keys.press("Escape")
    expect(tool).not_to_have_attribute("open", "")
    expect(tool.locator("summary")).to_be_focused()


def test_periods_several_choices_and_what_is_no_filter_stay_in_their_rows(walk: Walk):
    page = walk.enter(Role.AUDITOR, answers=(400,))
    page.goto(
        f"{GRIEVANCES}?flt0_received_at_between=2026-01-02 to 2026-03-04"
        "&flt1_state_equals=routed,closed&flt2_nope_equals=x"
    )
    expect(page.get_by_role("alert")).to_contain_text("There is no filter “nope_equals” here.")
    sheet(page, "Filter")
    expect(rows(page).nth(0).get_by_label("First day")).to_have_value("2026-01-02")
    expect(rows(page).nth(0).get_by_label("Last day")).to_have_value("2026-03-04")
    expect(rows(page).nth(1).get_by_label("Value")).to_have_values(["routed", "closed"])
    rows(page).nth(2).get_by_role("button", name="Remove this condition").click()
    rows(page).nth(0).get_by_label("Last day").fill("2026-03-05")
    apply(page)
    assert chips(page) == [
        "Received at is between 2026-01-02 to 2026-03-05",
        "State is Routed, Closed",
    ]


# --- Views -----------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [1280, 390])
def test_a_list_is_saved_opens_by_default_and_goes_again(walk: Walk, width: int):
    page = walk.enter(Role.DECIDER, width=width)
    page.goto(f"{GRIEVANCES}?search=l00&sort=-title")
    tool = sheet(page, "Views")
    tool.get_by_label("Name of the view").fill(f"Letters {width}")
    tool.get_by_label("Open the list with it").check()
    tool.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text(f"The view “Letters {width}” was saved.")).to_be_visible()

    page.goto(GRIEVANCES)
    assert chips(page) == ["“l00”"]
    assert titles(page)[0] == "Letter L009 was not answered"
    page.get_by_role("link", name="Clear all").click()
    assert len(titles(page)) > 10

    page.goto(GRIEVANCES)
    sheet(page, "Sort").get_by_label("First by").select_option(label="Title, ascending")
    page.locator(".sort-form").get_by_role("button", name="Sort").click()
    tool = sheet(page, f"Letters {width}")
    expect(tool.locator("summary")).to_contain_text("(changed)")
    tool.get_by_role("button", name="Update “Letters").click()
    page.goto(GRIEVANCES)
    assert titles(page)[0] == "Letter L000 was not answered"

    sheet(page, f"Letters {width}").get_by_role("link", name="Delete…").click()
    page.get_by_role("main").get_by_role("button", name=re.compile("^Delete")).click()
    page.goto(GRIEVANCES)
    expect(page.get_by_role("list", name="Active filters")).to_have_count(0)


def test_a_view_is_shared_with_a_role(walk: Walk):
    keeper = walk.enter(Role.SUPERVISOR)
    keeper.goto(f"{GRIEVANCES}?flt0_state_equals=routed")
    tool = sheet(keeper, "Views")
    tool.get_by_label("Name of the view").fill("Routed ones")
    tool.get_by_label("Who sees it").select_option(label="Every officer with the role: Auditor")
    tool.get_by_role("button", name="Save", exact=True).click()
    expect(sheet(keeper, "Routed ones")).to_contain_text("shared with: Auditor")

    reader = walk.enter(Role.AUDITOR)
    reader.goto(GRIEVANCES)
    tool = sheet(reader, "Views")
    expect(tool).to_contain_text("from Officer supervisor")
    tool.get_by_role("link", name="Routed ones").click()
    assert chips(reader) == ["State is Routed"]
    expect(reader.get_by_role("link", name="Rename or share…")).to_have_count(0)


# --- Columns and order -----------------------------------------------------------------------


@pytest.mark.parametrize("width", [1280, 390])
def test_columns_are_chosen_and_moved_by_button_key_and_mouse(walk: Walk, width: int):
    page = walk.enter(Role.LEAD_OFFICIAL, width=width)
    page.goto(GRIEVANCES)
    tool = sheet(page, "Columns")
    order = tool.locator("[data-column-list] li")
    expect(order.first).to_contain_text("Number")
    tool.get_by_label("Move Title up").click()
    expect(order.first).to_contain_text("Title")
    expect(tool.get_by_role("status")).to_have_text("Title is now at place 1.")
    expect(tool.get_by_label("Move Title up")).to_be_focused()
    tool.get_by_role("checkbox", name="State", exact=True).press("Alt+ArrowUp")
    expect(order.nth(1)).to_contain_text("State")
    if width == 1280:
        order.nth(3).drag_to(order.first, target_position={"x": 20, "y": 2})
        expect(order.first).to_contain_text("Category")
        tool.get_by_role("checkbox", name="Category").uncheck()
    tool.get_by_role("checkbox", name="Due at").uncheck()
    tool.get_by_role("checkbox", name="Channel").check()
    tool.get_by_label("Compact").check()
    tool.get_by_role("button", name="Show these").click()
    page.wait_for_url("**/admin/grievance/?**")
    page.goto(GRIEVANCES)
    shown = headings(page)
    assert shown[:3] == ["Title", "State", "Number"]
    assert shown[-1] == "Channel"
    assert "Due at" not in shown
    expect(page.locator("table.density-compact")).to_have_count(1)
    tool = sheet(page, "Columns")
    tool.get_by_label("Comfortable").check()
    tool.get_by_role("button", name="The usual ones").click()
    expect(page.locator("table.density-compact")).to_have_count(0)
    assert headings(page)[0] == "Number"


def test_a_heading_sorts_alone_and_with_shift_as_well(walk: Walk):
    page = walk.enter(Role.INTAKE)
    page.goto(f"{GRIEVANCES}?search=letter")
    page.locator("thead").get_by_role("link", name="State").click()
    page.wait_for_url("**sort=state**")
    page.locator("thead").get_by_role("link", name="Title").click(modifiers=["Shift"])
    page.wait_for_url("**sort=state,title**")
    expect(page.locator("th[aria-sort]")).to_have_count(1)
    assert titles(page)[:2] == ["Letter L000 was not answered", "Letter L002 was not answered"]


# --- Without JavaScript ----------------------------------------------------------------------


def test_without_javascript_every_tool_works(walk: Walk):
    page = walk.enter(Role.OFFICE_HEAD, width=390, java_script_enabled=False)
    page.goto(GRIEVANCES)
    sheet(page, "Filter")
    page.get_by_label("What to filter by").select_option(label="Title contains")
    page.get_by_label("Value").fill("L001")
    apply(page)
    sheet(page, "Filter")
    page.get_by_label("What to filter by").select_option(label="Title contains")
    page.get_by_label("Value").fill("L003")
    page.get_by_label("How it goes with the others").select_option(label="or: Title contains L001")
    apply(page)
    assert titles(page) == ["Letter L001 was not answered", "Letter L003 was not answered"]
    page.get_by_role("link", name="Title contains L003", exact=True).click()
    expect(page.get_by_label("Value")).to_have_value("L003")
    page.get_by_label("Value").fill("L004")
    apply(page)
    assert titles(page) == ["Letter L001 was not answered", "Letter L004 was not answered"]

    tool = sheet(page, "Columns")
    tool.get_by_label("Move Title up").click()
    expect(tool).to_have_attribute("open", "")
    expect(tool.locator("[data-column-list] li").first).to_contain_text("Title")

    tool.locator("summary").click()
    tool = sheet(page, "Views")
    tool.get_by_label("Name of the view").fill("Two letters")
    tool.get_by_role("button", name="Save", exact=True).click()
    page.goto(GRIEVANCES)
    sheet(page, "Views").get_by_role("link", name="Two letters").click()
    assert titles(page) == ["Letter L001 was not answered", "Letter L004 was not answered"]

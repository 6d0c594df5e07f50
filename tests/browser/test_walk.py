"""The panel in Chromium, as the people of a bureau use it: with a mouse, with the keyboard alone,
on a telephone, without JavaScript."""

import csv
import io
import re
from datetime import datetime, time, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Dialog, Locator, Page, Route, expect
from sqlalchemy import select

from models import RECORD_TYPES, Category, Grievance, Office
from rules.grievance import GrievanceState
from rules.permissions import Role, Verb, may
from tests.browser.walking import LONDON, OFFICES, TWICE_ENTERED, Desk, Walk, today
from tests.factories import PASSWORD
from tests.proofs import IS_FULL
from tests.views.pages import address

pytestmark = pytest.mark.browser

GRIEVANCES = "/admin/grievance/"
LOOKUP = "**/ajax/lookup/**"
ON_THE_WAY = {Role.HANDLER, Role.LEAD_OFFICIAL, Role.SUPERVISOR, Role.AUDITOR}  # with a telephone


def log_in(page: Page, username: str) -> None:
    page.goto("/login")
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Welcome, Officer {username}")


def add_filter(page: Page, what: str) -> None:
    """Open the filters and choose what to ask, in the row for a further one."""
    page.locator("details.filters > summary").click()
    page.get_by_label("What to filter by").last.select_option(label=what)


def value(page: Page) -> Locator:
    """Return the input for the value of the filter that is added."""
    return page.get_by_label("Value").last


def apply(page: Page) -> None:
    page.get_by_role("button", name="Apply").click()


def choose(box: Locator, typed: str, name: str) -> None:
    """Type into an autocomplete and take the suggestion `name`."""
    box.fill(typed)
    box.page.get_by_role("option", name=name, exact=True).click()
    expect(box).to_have_value(name)


def suggestions(page: Page) -> Locator:
    return page.locator("[role=listbox] > [role=option]:visible")


def chips(page: Page) -> list[str]:
    """Return the filters that the list says it has."""
    page.wait_for_load_state()  # a click waits for the page to begin, not to be there
    shown = page.get_by_role("list", name="Active filters").get_by_role("listitem")
    texts = shown.all_inner_texts()
    lines = (" ".join(text.split()) for text in texts)
    return [line.removesuffix("×").strip() for line in lines if line != "Clear all"]


def titles(page: Page) -> list[str]:
    """Return the titles in the rows of the list of grievances."""
    page.wait_for_load_state()
    cells = page.locator("td.cell-title:not(.cell-number)")
    return [text.strip() for text in cells.all_inner_texts()]


def flash(page: Page) -> Locator:
    return page.locator("main .alert-success")


def assert_fits(page: Page) -> None:
    """Assert that nobody has to scroll sideways."""
    wide, window = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide <= window, f"{page.url} is {wide} wide, the window {window}"


def expected(desk: Desk) -> list[Grievance]:
    """Return what the filters of the main job are to find, newest first."""
    (office,) = desk.all(select(Office).where(Office.name == OFFICES[1]))
    start = datetime.combine(today() - timedelta(days=30), time(), LONDON)
    return desk.all(
        select(Grievance)
        .where(
            Grievance.state == GrievanceState.ROUTED,
            Grievance.responsible_office_id == office.id,
            Grievance.received_at >= start,
        )
        .order_by(Grievance.received_at.desc())
    )


@pytest.mark.parametrize("width", [1280, 390])
def test_an_administrator_does_the_main_job(walk: Walk, desk: Desk, width: int):
    page = walk.enter(width=width)
    log_in(page, "administrator")
    page.goto(GRIEVANCES)

    add_filter(page, "State is")
    value(page).select_option(label="Routed")
    assert_fits(page)
    apply(page)
    add_filter(page, "Responsible office is")
    choose(value(page), "roads", OFFICES[1])
    assert_fits(page)
    apply(page)
    add_filter(page, "Received at is in the last … days")
    value(page).fill("30")
    apply(page)
    assert chips(page) == [
        "State is Routed",
        f"Responsible office is {OFFICES[1]}",
        "Received at is in the last 30 days",
    ]
    filtered = page.url
    wanted = expected(desk)
    assert len(wanted) == 5
    assert titles(page) == [one.title for one in wanted]

    edited = wanted[0 if width == 1280 else 1]
    was, now = edited.title, f'Lamp out, "since Monday" 路灯 {width}'
    page.get_by_role("link", name=was, exact=True).click()
    page.get_by_role("link", name="Edit", exact=True).click()
    page.get_by_label("Title").fill(now)
    box = page.get_by_role("combobox", name="Category")
    before = box.input_value()
    choose(box, "drai", "Drains")
    assert_fits(page)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(flash(page)).to_contain_text(f"{now}” was saved.")

    page.goto(filtered)
    wanted = expected(desk)
    assert titles(page) == [one.title for one in wanted]
    page.get_by_role("link", name=now, exact=True).click()
    page.get_by_role("link", name="History", exact=True).click()
    told = page.locator(".history > li").first
    expect(told).to_contain_text("Officer administrator changed it")
    expect(told).to_contain_text(f"Title: from “{was}” to “{now}”")
    expect(told).to_contain_text(f"Category: from “{before}” to “Drains”")

    page.goto(filtered)
    page.get_by_text("Export", exact=True).click()
    assert_fits(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV file: all columns").click()
    assert re.fullmatch(r"Grievances \d{4}-\d\d-\d\d\.csv", download.value.suggested_filename)
    content = Path(download.value.path()).read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    assert [row["Title"] for row in rows] == [one.title for one in wanted]
    assert {row["Responsible office"] for row in rows} == {OFFICES[1]}
    assert now in [row["Title"] for row in rows]

    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Log in")
    page.goto(filtered)
    expect(page.get_by_role("heading", level=1)).to_have_text("Log in")


# --- With the keyboard alone -------------------------------------------------------------------


# Whether the focus can be seen, within a second, because Chromium glides to what lies below the
# edge of the window: something is drawn around it, and nothing lies over all of it.
FOCUS_IS_SEEN = """async (target) => {
  const here = document.activeElement;
  if (here === document.body) return [false, ""];
  const over = () => {
    const box = here.getBoundingClientRect();
    return [[0.5, 0.5], [0.1, 0.5], [0.9, 0.5]].map(([x, y]) =>
      document.elementFromPoint(box.x + x * box.width, box.y + y * box.height));
  };
  const bare = () => over().some((top) => top && (here.contains(top) || top.contains(here)));
  for (let frame = 0; frame < 60 && !bare(); frame++) {
    await new Promise((drawn) => requestAnimationFrame(drawn));
  }
  const look = getComputedStyle(here);
  const marked = (look.outlineStyle !== "none" && parseFloat(look.outlineWidth) > 0)
    || look.boxShadow !== "none";
  const named = (one) => one ? one.outerHTML.slice(0, 120) : "the edge of the window";
  const fault = marked ? (bare() ? "" : `is covered by ${named(over()[0])}`) : "is not marked";
  return [here === target, fault && `${named(here)} ${fault}`];
}"""


def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until `target` has the focus, which is to be seen wherever it is on the way."""
    for _ in range(150):
        page.keyboard.press("Tab")
        is_there, unseen = target.evaluate(FOCUS_IS_SEEN)
        assert not unseen, f"{page.url}: {unseen}"
        if is_there:
            return
    pytest.fail(f"Tab never comes to {target} on {page.url}.")


def log_in_with_keys(page: Page, username: str) -> None:
    """Log in and go to the list of grievances, with Tab, Enter and letters."""
    keys = page.keyboard
    page.goto("/login")
    expect(page.get_by_label("Username")).to_be_focused()
    keys.type(username)
    keys.press("Tab")
    expect(page.get_by_label("Password")).to_be_focused()
    keys.type(PASSWORD)
    keys.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text(f"Officer {username}")
    tab_to(page, page.get_by_role("link", name="Skip to the page"))
    menu = page.get_by_role("navigation", name="Menu")
    tab_to(page, menu.get_by_role("link", name="Grievances", exact=True))
    keys.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Grievances")
    tab_to(page, page.get_by_role("link", name="Skip to the page"))
    keys.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()


def test_a_list_is_filtered_and_a_record_edited_with_the_keyboard_alone(walk: Walk, desk: Desk):
    keys = (page := walk.enter()).keyboard
    log_in_with_keys(page, "administrator")
    keys.press("/")
    expect(page.locator("#search")).to_be_focused()
    keys.type("l04")
    keys.press("Enter")
    expect(page.get_by_role("list", name="Active filters")).to_contain_text("“l04”")

    tab_to(page, page.locator("details.filters > summary"))
    keys.press("Enter")
    tab_to(page, what := page.get_by_label("What to filter by"))
    keys.type("Category is")
    expect(what).to_have_value("category_equals")
    keys.press("Tab")
    expect(asked := value(page)).to_be_focused()
    keys.type("drai")
    expect(suggestions(page)).to_have_text(["Drains"])
    keys.press("ArrowDown")
    keys.press("Enter")
    expect(asked).to_have_value("Drains")
    keys.press("Enter")
    expect(page.get_by_role("list", name="Active filters")).to_contain_text("Category is Drains")
    found = titles(page)
    assert found == ["Letter L043 was not answered", "Letter L048 was not answered"]

    tab_to(page, page.get_by_role("link", name=found[1], exact=True))
    keys.press("Enter")
    tab_to(page, page.get_by_role("link", name="Edit", exact=True))
    keys.press("Enter")
    tab_to(page, page.get_by_label("Title"))
    keys.press("ControlOrMeta+a")
    keys.type("Nobody answers the keyboard")
    tab_to(page, box := page.get_by_role("combobox", name="Category"))
    keys.press("ControlOrMeta+a")
    keys.type("str")
    expect(suggestions(page)).to_have_text(["Street lights"])
    keys.press("ArrowDown")
    keys.press("Enter")
    expect(box).to_have_value("Street lights")
    tab_to(page, page.get_by_role("button", name="Save", exact=True))
    keys.press("Enter")
    expect(flash(page)).to_contain_text("Nobody answers the keyboard” was saved.")
    (saved,) = desk.all(
        select(Category.name)
        .join(Grievance.category)
        .where(Grievance.title == "Nobody answers the keyboard")
    )
    assert saved == "Street lights"


def test_a_name_typed_in_full_needs_no_choosing_from_the_list(walk: Walk):
    page = walk.enter(Role.ADMINISTRATOR)
    page.goto(GRIEVANCES)
    add_filter(page, "Category is")
    value(page).fill("Drains")
    apply(page)
    assert chips(page) == ["Category is Drains"]


def test_escape_closes_the_suggestions_and_keeps_what_is_typed(walk: Walk):
    page = walk.enter(Role.ADMINISTRATOR)
    page.goto(f"{GRIEVANCES}new/")
    box = page.get_by_role("combobox", name="Category")
    box.fill("s")
    expect(suggestions(page).first).to_be_visible()
    box.press("Escape")
    expect(suggestions(page)).to_have_count(0)
    expect(box).to_have_value("s")


def test_suggestions_that_come_late_do_not_lie_over_the_next_field(walk: Walk):
    page = walk.enter(Role.ADMINISTRATOR)
    page.goto(f"{GRIEVANCES}new/")
    page.clock.install()
    held: list[Route] = []
    page.route(LOOKUP, lambda route: held.append(route))
    with page.expect_request(LOOKUP):
        page.get_by_role("combobox", name="Category").focus()
    page.get_by_label("Title").focus()
    page.clock.run_for(1000)
    held[0].fulfill(response=held[0].fetch())
    page.evaluate("fetch('/admin/').then((answer) => answer.text())")  # which comes after it
    expect(suggestions(page)).to_have_count(0)


def test_a_finger_scrolls_the_suggestions_without_choosing_one(walk: Walk):
    page = walk.enter(Role.ADMINISTRATOR, width=390, has_touch=True)
    page.goto(f"{GRIEVANCES}new/")
    box = page.get_by_role("combobox", name="Category")
    box.tap()
    suggestions(page).nth(3).scroll_into_view_if_needed()
    place = suggestions(page).nth(3).bounding_box()
    assert place
    finger = page.context.new_cdp_session(page)
    finger.send(
        "Input.synthesizeScrollGesture",
        {
            "x": place["x"] + 50,
            "y": place["y"] + 5,
            "yDistance": -60,
            "gestureSourceType": "touch",
        },
    )
    expect(box).to_have_value("")
    suggestions(page).last.tap()
    expect(box).to_have_value(page.locator("[role=option]").last.inner_text())


def test_going_back_shows_the_filters_of_the_list_that_one_comes_back_to(walk: Walk):
    page = walk.enter(Role.ADMINISTRATOR)
    page.goto(GRIEVANCES)
    add_filter(page, "State is")
    value(page).select_option(label="Routed")
    apply(page)
    page.locator("details.filters > summary").click()
    page.get_by_label("Value").first.select_option(label="Closed")
    apply(page)
    assert chips(page) == ["State is Closed"]
    page.go_back()
    assert chips(page) == ["State is Routed"]
    page.locator("details.filters > summary").click()
    expect(page.get_by_label("What to filter by").first).to_have_value("state_equals")
    expect(page.get_by_label("Value").first).to_have_value("routed")


def test_a_form_with_something_chosen_asks_before_it_is_left(walk: Walk):
    page = walk.enter(Role.ADMINISTRATOR)
    page.goto(f"{GRIEVANCES}new/")
    page.get_by_role("combobox", name="Category").click()
    page.get_by_role("option", name="Drains", exact=True).click()
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    page.get_by_role("link", name="Redress", exact=True).click()
    expect(page.get_by_role("combobox", name="Category")).to_have_value("Drains")
    assert asked == ["beforeunload"]


# --- Without JavaScript ------------------------------------------------------------------------


def test_without_javascript_a_list_is_filtered_and_records_are_edited_and_deleted(
    walk: Walk, desk: Desk
):
    page = walk.enter(width=390, java_script_enabled=False)
    log_in(page, "administrator")
    page.goto(GRIEVANCES)
    add_filter(page, "State is")
    value(page).fill("routed")
    apply(page)
    add_filter(page, "Responsible office is or is below")
    value(page).fill("Housing office")
    apply(page)
    add_filter(page, "Title contains")
    value(page).fill("L06")
    apply(page)
    assert chips(page) == [
        "State is Routed",
        "Responsible office is or is below Housing office",
        "Title contains L06",
    ]
    assert titles(page) == ["Letter L065 was not answered"]

    page.get_by_role("link", name="Letter L065 was not answered", exact=True).click()
    page.get_by_role("link", name="Edit", exact=True).click()
    page.get_by_label("Category").fill("Water supply")
    page.get_by_label("Title").fill("Edited without scripts")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(flash(page)).to_contain_text("Edited without scripts” was saved.")
    (saved,) = desk.all(
        select(Category.name)
        .join(Grievance.category)
        .where(Grievance.title == "Edited without scripts")
    )
    assert saved == "Water supply"

    page.get_by_role("link", name="Delete…").click()
    expect(page.get_by_role("heading", level=2)).to_contain_text("Edited without scripts”?")
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(flash(page)).to_contain_text("Edited without scripts” was deleted.")
    assert desk.all(select(Grievance).where(Grievance.title == "Edited without scripts")) == []

    page.goto(f"{GRIEVANCES}?search=l07")
    rows = page.locator("input[name=rowid]")
    rows.nth(0).check()
    rows.nth(1).check()
    page.get_by_role("button", name="Preview…").click()
    expect(page.get_by_role("heading", level=2)).to_have_text("2 records")
    page.wait_for_load_state()
    examples = page.locator(".notice > ul > li").all_inner_texts()
    assert [one.split(" · ")[1] for one in examples] == [
        "Letter L070 was not answered",
        "Letter L071 was not answered",
    ]
    assert len(desk.all(select(Grievance).where(Grievance.title.contains("L07")))) == 10
    page.get_by_role("button", name="Delete: 2").click()
    expect(flash(page)).to_have_text("2 records were deleted.")
    assert len(desk.all(select(Grievance).where(Grievance.title.contains("L07")))) == 8


def test_without_javascript_a_list_is_sorted_and_turned_and_a_record_is_made(
    walk: Walk, desk: Desk
):
    page = walk.enter(java_script_enabled=False, answers=(422,))
    log_in(page, "intake")  # and not with the log-in of other walks: this one ends it
    page.goto(f"{GRIEVANCES}?page_size=20&search=letter")
    page.get_by_role("columnheader", name="Title").get_by_role("link").click()
    page.get_by_role("link", name="Next").click()
    every = desk.all(select(Grievance.title).where(Grievance.title.startswith("Letter")))
    assert titles(page) in (sorted(every)[20:40], sorted(every, reverse=True)[20:40])
    page.get_by_role("link", name="Previous").click()
    assert titles(page) in (sorted(every)[:20], sorted(every, reverse=True)[:20])

    page.goto(f"{GRIEVANCES}new/")
    page.get_by_label("Category").fill("no such category")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing you typed is lost")
    expect(page.get_by_label("Category")).to_have_value("no such category")
    page.get_by_label("Category").fill("Drains")
    page.get_by_label("Title").fill("Made without scripts")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(flash(page)).to_contain_text("Made without scripts")
    (made,) = desk.all(
        select(Category.name)
        .join(Grievance.category)
        .where(Grievance.title == "Made without scripts")
    )
    assert made == "Drains"
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Log in")


# --- Two at once, and many at once -------------------------------------------------------------


def test_the_second_of_two_tabs_sees_both_versions_and_may_save_over_the_first(
    walk: Walk, desk: Desk
):
    page = walk.enter(Role.ADMINISTRATOR, answers=(409,))
    page.goto(f"{GRIEVANCES}?search=l080")
    page.locator(".row-actions a").click()
    other = page.context.new_page()
    other.goto(page.url)
    page.get_by_label("Title").fill("From the first tab")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(flash(page)).to_contain_text("From the first tab” was saved.")

    other.get_by_label("Title").fill("From the second tab")
    other.get_by_label("Description").fill("Two lines\nof the second tab")
    other.get_by_role("button", name="Save", exact=True).click()
    expect(other.get_by_role("alert")).to_contain_text(
        "Officer administrator changed this record while you were editing it"
    )
    differs = other.locator("tr.differs")
    expect(differs).to_have_count(2)
    expect(differs.first).to_contain_text("From the first tab")
    expect(differs.first).to_contain_text("From the second tab")
    same = other.locator("tr:not(.differs) > td").last
    paint = "(cell) => getComputedStyle(cell).backgroundColor"
    assert differs.first.locator("td").last.evaluate(paint) != same.evaluate(paint)
    assert desk.all(select(Grievance).where(Grievance.title == "From the second tab")) == []

    other.get_by_role("button", name="Save mine over it").click()
    expect(flash(other)).to_contain_text("From the second tab” was saved.")
    (saved,) = desk.all(select(Grievance).where(Grievance.title == "From the second tab"))
    assert saved.description == "Two lines\nof the second tab"


def test_two_records_and_then_all_that_match_are_deleted_after_a_preview(walk: Walk, desk: Desk):
    twice = select(Grievance.title).where(Grievance.title.startswith("Entered twice"))
    page = walk.enter(Role.ADMINISTRATOR)
    page.goto(f"{GRIEVANCES}?search=entered+twice&sort=title&desc=0&page_size=20")
    expect(page.locator(".count")).to_contain_text(f"{TWICE_ENTERED} records")
    every = page.get_by_label("Select every row of this page")
    boxes = page.locator("input[name=rowid]")
    every.check()
    expect(page.locator("input[name=rowid]:checked")).to_have_count(20)
    every.uncheck()
    boxes.nth(0).check()
    boxes.nth(1).check()
    expect(every).not_to_be_checked()
    page.get_by_role("button", name="Preview…").click()
    expect(page.get_by_role("heading", level=2)).to_have_text("2 records")
    page.get_by_role("button", name="Delete: 2").click()
    expect(flash(page)).to_have_text("2 records were deleted.")
    assert len(left := desk.all(twice)) == TWICE_ENTERED - 2
    assert not {"Entered twice 00", "Entered twice 01"} & set(left)

    page.get_by_label("Select every row of this page").check()
    page.get_by_role("button", name=f"Select all {TWICE_ENTERED - 2} that match").click()
    page.get_by_role("button", name="Preview…").click()
    expect(page.get_by_role("heading", level=2)).to_have_text(f"{TWICE_ENTERED - 2} records")
    page.get_by_role("button", name=f"Delete: {TWICE_ENTERED - 2}").click()
    expect(flash(page)).to_have_text(f"{TWICE_ENTERED - 2} records were deleted.")
    expect(page.get_by_role("main")).to_contain_text("Nothing matches.")
    assert desk.all(twice) == []
    assert len(desk.all(select(Grievance.id))) >= 190


# --- Every page, in both languages, as every role ----------------------------------------------


def test_the_language_is_switched_and_switched_back_on_the_same_page(walk: Walk):
    page = walk.enter(Role.AUDITOR)
    page.goto(f"{GRIEVANCES}?search=l09")
    language = page.locator("html")
    expect(language).to_have_attribute("lang", "en")
    found = titles(page)
    page.get_by_role("button", name="中文").click()
    expect(language).to_have_attribute("lang", "zh-Hans")
    assert page.url.endswith("search=l09")
    assert titles(page) == found
    page.get_by_role("button", name="English").click()
    expect(language).to_have_attribute("lang", "en")
    expect(page.get_by_role("heading", level=1)).to_have_text("Grievances")


# The tour of tests/browser/test_every_page.py sees a page of each kind as each family of roles.
IN_EVERY_RUN = (Role.ADMINISTRATOR, Role.HANDLER, Role.OFFICE_HEAD)


@pytest.mark.proof
@pytest.mark.parametrize("role", Role if IS_FULL else IN_EVERY_RUN)
def test_no_page_of_the_menu_does_anything_wrong(walk: Walk, role: Role):
    page = walk.enter(role, width=390 if role in ON_THE_WAY else 1280)
    page.goto("/admin/")
    links = page.locator("nav.side a, .topbar a").evaluate_all("(all) => all.map((a) => a.href)")
    paths = [urlsplit(link).path for link in links]
    assert len(set(paths)) == len(paths)
    lists = {address(one) for one in RECORD_TYPES if one.screen}
    readable = {
        address(one) for one in RECORD_TYPES if one.screen and may({role}, one.desk, Verb.READ)
    }
    assert lists & set(paths) == readable  # there are screens of no record type besides
    for link in links:
        page.goto(link)

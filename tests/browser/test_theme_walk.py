"""The theme in Chromium: colour schemes, the question before something is deleted, messages, paper
and telephones."""

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect
from sqlalchemy import select

from models import Area, Category, db
from rules.permissions import Role
from tests.browser.walking import Desk, Walk
from tests.factories import make_any, make_category

pytestmark = pytest.mark.browser

GRIEVANCES = "/admin/grievance/"
PAPER = {"light": "rgb(245, 247, 248)", "dark": "rgb(17, 24, 29)"}


def assert_shown(page: Page, scheme: str) -> None:
    """Wait until the paper of `scheme` lies behind the page: a choice is a form, so a new page."""
    expect(page.locator("body")).to_have_css("background-color", PAPER[scheme])


def colours(page: Page, words: str) -> None:
    page.locator(".topbar summary").click()
    page.locator(".topbar").get_by_role("button", name=words).click()


# --- Colour schemes --------------------------------------------------------------------------


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
@pytest.mark.parametrize("system", ["light", "dark"])
def test_the_colours_are_as_the_system_says_until_one_is_chosen(
    walk: Walk, system: Any, script: bool
) -> None:
    page = walk.enter(color_scheme=system, java_script_enabled=script)
    page.goto("/login")
    assert_shown(page, system)
    page.emulate_media(color_scheme="dark" if system == "light" else "light")
    assert_shown(page, "dark" if system == "light" else "light")


def test_a_scheme_is_switched_in_the_top_bar_and_stays(walk: Walk) -> None:
    page = walk.enter(Role.DECIDER, color_scheme="light")
    page.goto("/admin/")
    colours(page, "Dark")
    assert_shown(page, "dark")
    page.goto("/account")
    assert_shown(page, "dark")
    page.get_by_role("main").get_by_role("button", name="Light").click()
    assert_shown(page, "light")
    page.emulate_media(color_scheme="dark")
    assert_shown(page, "light")
    pressed = page.locator("main [aria-pressed=true]")
    expect(pressed).to_have_text("Light")
    page.get_by_role("main").get_by_role("button", name="As the system").click()
    assert_shown(page, "dark")


# --- The question before something is deleted ------------------------------------------------


def made(desk: Desk, name: str) -> int:
    with desk.app.app_context():
        number = make_category(name=name).id
        db.session.commit()
        return number


def is_there(desk: Desk, number: int) -> bool:
    return bool(desk.all(select(Category.id).where(Category.id == number)))


def test_the_question_is_asked_in_a_dialog_over_the_record(walk: Walk, desk: Desk) -> None:
    number = made(desk, "Asked in a dialog")
    page = walk.enter(Role.ADMINISTRATOR)
    address = f"/admin/category/details/?id={number}"
    page.goto(address)
    opener = page.get_by_role("link", name="Delete…")
    opener.click()
    dialog = page.get_by_role("dialog", name="Delete “Asked in a dialog”?")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_role("link", name="Cancel")).to_be_focused()
    assert page.url.endswith(address)
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(opener).to_be_focused()
    page.keyboard.press("Enter")
    dialog.get_by_role("link", name="Cancel").click()
    expect(dialog).to_have_count(0)
    assert is_there(desk, number)
    opener.click()
    dialog.get_by_role("button", name="Delete", exact=True).click()
    expect(page.locator("main .alert-success")).to_contain_text("“Asked in a dialog” was deleted.")
    assert not is_there(desk, number)


def test_where_the_question_cannot_be_fetched_the_link_leads_to_its_page(
    walk: Walk, desk: Desk
) -> None:
    number = made(desk, "Asked on a page")
    page = walk.enter(Role.ADMINISTRATOR)
    page.goto(f"/admin/category/details/?id={number}")

    def cut(route: Route) -> None:
        if route.request.is_navigation_request():
            route.continue_()
        else:
            route.abort()

    page.route("**/delete/**", cut)
    page.get_by_role("link", name="Delete…").click()
    page.wait_for_url("**/delete/?id=*")
    expect(page.get_by_role("heading", name="Delete “Asked on a page”?")).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_without_script_the_question_is_a_page(walk: Walk, desk: Desk) -> None:
    number = made(desk, "Asked without script")
    page = walk.enter(Role.ADMINISTRATOR, java_script_enabled=False)
    page.goto(f"/admin/category/details/?id={number}")
    page.get_by_role("link", name="Delete…").click()
    expect(page.get_by_role("heading", name="Delete “Asked without script”?")).to_be_visible()
    assert is_there(desk, number)
    page.get_by_role("button", name="Delete", exact=True).click()
    told = page.locator("main .alert-success")
    expect(told).to_contain_text("“Asked without script” was deleted.")
    expect(told.get_by_role("button")).to_have_count(0)  # nothing that would do nothing
    assert not is_there(desk, number)


# --- Messages --------------------------------------------------------------------------------


def saved(walk: Walk, desk: Desk) -> Page:
    """Return the page of an area that was just saved."""
    with desk.app.app_context():
        number = make_any(Area).id
        db.session.commit()
    page = walk.enter(Role.ADMINISTRATOR)
    page.clock.install()
    page.goto(f"/admin/area/edit/?id={number}")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/details/**")
    return page


def message(page: Page) -> Locator:
    return page.get_by_role("status").locator(".alert-success")


def test_a_message_goes_by_itself_but_not_while_it_is_read(walk: Walk, desk: Desk) -> None:
    page = saved(walk, desk)
    page.clock.run_for(500)
    expect(message(page)).to_contain_text("was saved.")
    message(page).hover()
    page.clock.run_for(30_000)
    expect(message(page)).to_be_visible()
    page.get_by_role("heading", level=1).hover()
    page.clock.run_for(30_000)
    expect(message(page)).to_have_count(0)


def test_a_message_can_be_closed(walk: Walk, desk: Desk) -> None:
    page = saved(walk, desk)
    page.clock.run_for(500)
    message(page).get_by_role("button", name="Close this message").click()
    expect(message(page)).to_have_count(0)
    expect(page.locator("#main")).to_be_focused()


def test_a_warning_stays(walk: Walk) -> None:
    page = walk.enter(Role.ADMINISTRATOR)
    page.clock.install()
    page.goto("/admin/category/")
    page.locator("[data-selection]").evaluate("(form) => form.requestSubmit()")
    warning = page.get_by_role("status").locator(".alert-warning")
    expect(warning).to_contain_text("Select at least one record first.")
    page.clock.run_for(120_000)
    expect(warning).to_be_visible()


# --- Autocomplete ----------------------------------------------------------------------------


def test_the_combobox_says_what_it_found_and_why_it_found_nothing(walk: Walk) -> None:
    page = walk.enter(Role.ADMINISTRATOR, answers=(503,))
    page.goto(f"{GRIEVANCES}new/")
    box = page.get_by_role("combobox", name="Category")
    says = page.locator(".field", has=box).get_by_role("status")
    box.fill("dra")
    expect(says).to_have_text("1 found; choose with the arrow keys.")
    expect(box).to_have_attribute("aria-expanded", "true")
    box.press("ArrowUp")
    marked = page.locator(f"#{box.get_attribute('aria-activedescendant')}")
    expect(marked).to_have_text("Drains")
    box.press("Escape")
    expect(box).to_have_attribute("aria-expanded", "false")
    expect(says).to_have_text("")
    box.fill("no such thing")
    expect(says).to_contain_text("Nothing found.")
    expect(says).to_be_visible()
    refusal = '{"error": "The database rests."}'
    page.route("**/ajax/lookup/**", lambda route: route.fulfill(status=503, body=refusal))
    box.fill("str")
    expect(says).to_have_text("The database rests.")
    page.unroute("**/ajax/lookup/**")
    page.route("**/ajax/lookup/**", lambda route: route.abort())
    box.fill("stre")
    expect(says).to_contain_text("The list could not be fetched.")


# --- Paper and telephones --------------------------------------------------------------------


@pytest.mark.parametrize("path", [GRIEVANCES, f"{GRIEVANCES}details/?id=1"])
def test_paper_has_the_page_and_who_printed_it_and_no_buttons(walk: Walk, path: str) -> None:
    page = walk.enter(Role.AUDITOR, color_scheme="dark")
    page.goto(path)
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(29, 42, 51)"
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator(".print-note")).to_have_text(
        re.compile(r"Printed on \d+ \w+ \d{4}, \d\d:\d\d by Officer auditor\.")
    )
    for gone in ("button", "nav.side", ".topbar", ".btn", "input[type=checkbox]", "summary.btn"):
        for one in page.locator(gone).all():
            expect(one).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "path",
    [
        f"{GRIEVANCES}details/?id=1",
        f"{GRIEVANCES}edit/?id=1",
        f"{GRIEVANCES}history/?id=1",
        "/account",
        "/account/officers/2",
        "/account/officers/2/roles",
        "/account/officers/2/leaving",
    ],
)
def test_on_a_telephone_nothing_is_wider_than_the_screen(
    walk: Walk, path: str, scheme: Any
) -> None:
    """The width is watched on each page that a walk opens; here also with everything unfolded."""
    page = walk.enter(Role.ADMINISTRATOR, width=390, color_scheme=scheme)
    page.goto(path)
    expect(page.locator("nav.side a").first).to_be_hidden()
    page.locator("nav.side summary").first.click()
    expect(page.locator("nav.side a").first).to_be_visible()
    page.locator(".topbar summary").click()
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 390


def test_what_is_used_with_a_finger_is_large_enough(walk: Walk) -> None:
    page = walk.enter(Role.ADMINISTRATOR, width=390)
    page.goto("/account")
    for one in page.locator(".topbar :is(a, button, summary):visible, main button:visible").all():
        box = one.bounding_box()
        assert box
        assert min(box["width"], box["height"]) >= 24, one.inner_text()

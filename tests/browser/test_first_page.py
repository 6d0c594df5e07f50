"""The first page and the search over everything in Chromium: at a desk, on a telephone, on paper,
by keys alone and without JavaScript."""

import re
from datetime import datetime, time, timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from models import Grievance, Officer, PlanStep, db
from rules.grievance import GrievanceState
from rules.permissions import Role
from tests.browser.walking import LONDON, Desk, Walk, today
from tests.factories import make_grievance, make_plan_step

pytestmark = pytest.mark.browser


def at_the_end_of(days: int) -> datetime:
    """Two minutes before the end of the day so many days from now."""
    return datetime.combine(today() + timedelta(days=days), time(23, 58), LONDON)


@pytest.fixture(scope="module", autouse=True)
def work(desk: Desk) -> None:
    """Three grievances and a step for the handler."""
    with desk.app.app_context():
        me = db.session.scalars(select(Officer).filter_by(username="handler")).one()
        for days, title in ((-3, "Zinnia is late"), (0, "Zinnia is for today"), (40, "Zinnia can")):
            make_grievance(
                title=title,
                state=GrievanceState.ROUTED,
                responsible_office_id=me.office_id,
                handler=me,
                received_at=at_the_end_of(-90),
                due_at=at_the_end_of(days),
            )
        late = db.session.scalars(select(Grievance).filter_by(title="Zinnia is late")).one()
        make_plan_step(
            grievance=late,
            subject="Ask for zinnias",
            officer=me,
            due_on=today() + timedelta(days=1),
        )
        db.session.commit()


def headings(page: Page) -> list[str]:
    page.wait_for_load_state()
    return page.locator("main h2").all_inner_texts()


@pytest.mark.parametrize(
    ("width", "script"), [(1280, True), (390, True), (390, False)], ids=["desk", "phone", "bare"]
)
def test_what_waits_is_worked_off_from_the_first_page(
    walk: Walk, desk: Desk, width: int, script: bool
) -> None:
    page = walk.enter(Role.HANDLER, width=width, java_script_enabled=script)
    page.goto("/admin/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Welcome")
    assert headings(page)[:4] == ["Overdue", "Today", "In the next 7 days", "Later"]
    first = page.locator(".waits li").first
    expect(first).to_contain_text("Zinnia is late")
    expect(first).to_contain_text("3 days overdue")
    first.get_by_role("link", name="Write the answer").click()
    expect(page).to_have_url(re.compile(r"/admin/grievance/details/\?id=\d+"))
    page.goto("/admin/")
    page.get_by_role("link", name=re.compile("Grievances to answer 3")).click()
    expect(page.locator("table, .list").first).to_contain_text("Zinnia can")


def test_the_lists_stand_in_a_quiet_second_place(walk: Walk) -> None:
    page = walk.enter(Role.HANDLER)
    page.goto("/admin/")
    inside = page.locator(".every-list").get_by_role("link", name="Plan steps", exact=True)
    expect(inside).to_be_hidden()
    page.get_by_text("Every list you may read").click()
    inside.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Plan steps")


def test_the_day_is_printed_without_what_is_for_the_screen(walk: Walk) -> None:
    page = walk.enter(Role.HANDLER)
    page.goto("/admin/")
    page.emulate_media(media="print")
    expect(page.locator(".wait-title", has_text="Zinnia is for today")).to_be_visible()
    expect(page.locator(".wait-step").first).to_be_hidden()
    expect(page.locator(".find")).to_be_hidden()
    expect(page.locator(".every-list")).to_be_hidden()


def test_whoever_types_finds_and_goes_there_by_keys_alone(walk: Walk, desk: Desk) -> None:
    page = walk.enter(Role.HANDLER)
    page.goto("/admin/plan-step/")
    page.keyboard.press("Control+k")
    box = page.get_by_role("combobox", name="Search everything")
    expect(box).to_be_focused()
    page.keyboard.type("zinnia", delay=20)
    options = page.locator("#find-list").get_by_role("option")
    expect(options).to_have_count(5)  # three grievances, a step, and all results
    expect(box).to_have_attribute("aria-expanded", "true")
    expect(page.locator("#find-list")).to_contain_text("Plan steps")
    page.keyboard.press("ArrowDown")
    active = box.get_attribute("aria-activedescendant")
    assert page.locator(f"#{active}").get_attribute("aria-selected") == "true"
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Escape")
    expect(page.locator("#find-list")).to_be_hidden()
    expect(box).to_have_value("zinnia")
    page.keyboard.press("ArrowDown")
    expect(options).to_have_count(5)
    for _ in range(4):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    (step,) = desk.all(select(PlanStep).filter_by(subject="Ask for zinnias"))
    expect(page).to_have_url(re.compile(rf"/admin/plan-step/details/\?id={step.id}$"))


def test_enter_leads_to_the_page_of_results(walk: Walk) -> None:
    page = walk.enter(Role.HANDLER, width=390)
    page.goto("/admin/")
    page.get_by_role("combobox", name="Search everything").fill("zinnia")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Found for “zinnia”")
    expect(page.locator("main")).to_contain_text("Ask for zinnias")
    page.get_by_role("link", name=re.compile("Zinnia is late")).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Zinnia is late")


def test_without_script_the_search_is_a_form(walk: Walk) -> None:
    page = walk.enter(Role.HANDLER, width=390, java_script_enabled=False)
    page.goto("/admin/")
    page.get_by_role("searchbox", name="Search everything").fill("zinnia")
    page.locator(".find").get_by_role("button", name="Search").click()
    expect(page.locator("main")).to_contain_text("Ask for zinnias")


def test_nothing_found_and_refusals_are_said(walk: Walk) -> None:
    page = walk.enter(Role.HANDLER, answers=(400,))
    page.goto("/admin/")
    box = page.get_by_role("combobox", name="Search everything")
    box.press_sequentially("qqzzqq")
    expect(page.locator("#find-list")).to_contain_text("Nothing found.")
    box.fill("a b c d e f g h i j k")
    expect(page.locator("#find-list")).to_contain_text("at most 10 words")


def test_a_chinese_word_of_one_character_is_looked_for(walk: Walk, desk: Desk) -> None:
    with desk.app.app_context():
        me = db.session.scalars(select(Officer).filter_by(username="handler")).one()
        make_grievance(
            title="供水站", state=GrievanceState.ROUTED, responsible_office_id=me.office_id
        )
        db.session.commit()
    page = walk.enter(Role.HANDLER)
    page.goto("/admin/")
    page.get_by_role("combobox", name="Search everything").fill("水")
    expect(page.locator("#find-list").get_by_role("option").first).to_contain_text("供水站")

"""A proposal in Chromium: asked for, watched, changed and accepted by the keyboard alone; read on a
telephone; clean for axe."""

import re

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select, update

import tests.factories as make
from models import Office, SupervisionAssignment, SupervisionGroup, db
from rules.permissions import Role
from tests.browser.touring import AXE, RUN_AXE, STOP, TAGS
from tests.browser.walking import Desk, Walk, today

pytestmark = pytest.mark.browser
BASE = "/admin/supervision/proposals/"


@pytest.fixture
def offices(desk: Desk) -> list[int]:
    """Two offices of a branch of their own, and two groups that may have them."""
    with desk.app.app_context():
        db.session.execute(update(SupervisionGroup).values(dissolved_on=today()))
        district = db.session.scalars(select(Office).where(Office.name == "District")).one()
        bureau = make.make_office(name="Bureau of proposals", parent=district)
        branch = [make.make_office(name=f"Marsh {place}", parent=district) for place in "AB"]
        for name in ("East", "West"):
            group = make.make_supervision_group(name=f"{name} of proposals")
            for _ in range(2):
                member = make.make_officer(office=bureau, roles=[Role.SUPERVISOR])
                make.make_group_membership(group=group, officer=member)
        db.session.commit()
        return [one.id for one in branch]


def assert_clean(page: Page) -> None:
    """Assert that axe finds nothing serious, and that the page is no wider than the screen."""
    page.evaluate(AXE)
    assert [one for one in page.evaluate(RUN_AXE, TAGS) if one["impact"] in STOP] == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_by_keys_a_proposal_is_asked_for_and_accepted(
    walk: Walk, desk: Desk, offices: list[int]
) -> None:
    page = walk.enter(Role.SUPERVISOR)
    page.goto(BASE)
    page.get_by_role("button", name="Work out a proposal").focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="The load of the groups")).to_be_visible(timeout=30_000)
    assert_clean(page)
    line = page.locator("tr", has_text="Marsh A")
    line.get_by_role("link", name=re.compile("Choose another group")).focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    page.get_by_role("radio", checked=True).focus()
    page.keyboard.press("ArrowDown")
    page.get_by_role("button", name="Choose this group").focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.locator("tr", has_text="Marsh A")).to_contain_text("chosen by hand")
    page.get_by_role("link", name=re.compile("Accept all that is open")).focus()
    page.keyboard.press("Enter")
    accept = page.get_by_role("button", name="Accept all", exact=True)
    expect(accept).to_be_visible()
    accept.focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.get_by_text("The board can take this back")).to_be_visible()
    with desk.app.app_context():
        query = select(SupervisionAssignment.id).where(SupervisionAssignment.office_id.in_(offices))
        assert len(db.session.scalars(query).all()) == 2
    page.set_viewport_size({"width": 390, "height": 844})
    page.reload()
    assert_clean(page)

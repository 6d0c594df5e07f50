"""The second factor and the giving of roles in Chromium, at a desk, on a telephone, and without
JavaScript."""

import pyotp
import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from models import Officer, RoleChange
from rules.accounts import RoleChangeState
from rules.permissions import Role
from tests.browser.walking import Desk, Walk
from tests.factories import PASSWORD

pytestmark = pytest.mark.browser


def assert_fits(page: Page) -> None:
    wide, window = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide <= window, f"{page.url} is {wide} wide, the window {window}"


def type_password(page: Page, username: str) -> None:
    page.goto("/login")
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


@pytest.mark.parametrize(
    ("role", "width", "scripts"),
    [(Role.HANDLER, 1280, True), (Role.OFFICE_HEAD, 390, True), (Role.LEAD_OFFICIAL, 390, False)],
)
def test_an_officer_sets_up_a_second_factor_and_logs_in_with_it(
    walk: Walk, role: Role, width: int, *, scripts: bool
) -> None:
    page = walk.enter(width=width, java_script_enabled=scripts, answers=(400,))

    def fits() -> None:
        if scripts:
            assert_fits(page)

    type_password(page, role.value)
    page.goto("/account")
    fits()
    page.get_by_role("link", name="Set up a second factor").click()
    picture = page.get_by_role("img", name="QR code")
    expect(picture).to_be_visible()
    if scripts:  # it is a picture and not a broken one
        assert picture.evaluate("one => one.complete && one.naturalWidth > 100")
    fits()
    clock = pyotp.TOTP("".join(page.locator(".secret-key").inner_text().split()))
    used = clock.now()
    page.get_by_label("Code from the app").fill(used)
    page.get_by_label("Present password").fill(PASSWORD)
    page.get_by_role("button", name="Set up").click()
    codes = page.locator(".recovery-codes li")
    expect(codes).to_have_count(10)
    fits()
    first = codes.first.inner_text()
    page.get_by_role("link", name="go on").click()
    page.get_by_role("button", name="Log out").click()

    type_password(page, role.value)
    expect(page.get_by_role("heading", level=1)).to_have_text("Your code")
    fits()
    page.get_by_label("Code from the app").fill(used)  # a code is good for once
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("This code is not right")
    page.get_by_label("Code from the app").fill(first)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Welcome")
    page.goto("/account/second-factor")
    expect(page.locator("main")).to_contain_text("9 recovery codes are left.")
    fits()


@pytest.mark.parametrize(("width", "username"), [(1280, "intake"), (390, "auditor")])
def test_an_administrator_asks_for_a_role_and_sees_what_somebody_holds(
    walk: Walk, desk: Desk, width: int, username: str
) -> None:
    page = walk.enter(Role.ADMINISTRATOR, width=width)
    (number,) = desk.all(select(Officer.id).where(Officer.username == username))
    page.goto(f"/admin/officer/details/?id={number}")
    page.get_by_role("link", name="Leaving").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Leaving")
    assert_fits(page)
    page.go_back()
    page.locator(".page-actions").get_by_role("link", name="Roles").click()
    assert_fits(page)
    page.get_by_label("Handler").check()
    page.get_by_label("Reason").fill("Stands in for a colleague")
    page.get_by_role("button", name="Change roles").click()
    expect(page.locator("main .alert-success")).to_contain_text("Another administrator approves it")


def test_an_administrator_approves_what_another_asked_for(walk: Walk, desk: Desk) -> None:
    page = walk.enter(Role.ADMINISTRATOR, width=390)
    one = desk.all(select(RoleChange.id).order_by(RoleChange.id))[0]
    page.goto(f"/admin/role-change/details/?id={one}")
    assert_fits(page)
    page.get_by_role("button", name="Approve").click()
    expect(page.locator("main .alert-success")).to_have_text("The roles are given.")
    states = desk.all(select(RoleChange.state).where(RoleChange.id == one))
    assert states == [RoleChangeState.APPROVED]

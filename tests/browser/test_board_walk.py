"""The supervision board in Chromium: offices go to groups by the mouse, by a finger, by keys, and
by forms on a telephone without JavaScript; and two who drag the same office at once."""

import re
from dataclasses import dataclass

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import select, update

import tests.factories as make
from models import Office, SupervisionAssignment, SupervisionGroup, db
from rules.permissions import Role
from tests.browser.touring import AXE, RUN_AXE, STOP, TAGS
from tests.browser.walking import Desk, Walk, today

pytestmark = pytest.mark.browser


@dataclass
class Board:
    """An office of no group, and two groups that may have it."""

    walk: Walk
    desk: Desk
    office: str
    north: int
    south: int

    def enter(self, role: Role = Role.SUPERVISOR, **options: object) -> Page:
        page = self.walk.enter(role, **options)  # type: ignore[arg-type]
        page.goto(f"/admin/supervision/board?words={self.office}")
        return page

    def has(self) -> list[str]:
        """The groups of the office, in the order of its periods."""
        with self.desk.app.app_context():
            query = (
                select(SupervisionGroup.name)
                .join(SupervisionAssignment, SupervisionAssignment.group_id == SupervisionGroup.id)
                .join(Office, Office.id == SupervisionAssignment.office_id)
                .where(Office.name == self.office)
                .order_by(SupervisionAssignment.starts_on)
            )
            return list(db.session.scalars(query))

    def cell(self, page: Page, group: int | str) -> Locator:
        return page.locator(f"tr[data-office-name='{self.office}'] td[data-group='{group}']")


_made = iter(range(1, 99))


@pytest.fixture
def board(walk: Walk, desk: Desk) -> Board:
    number = next(_made)
    with desk.app.app_context():
        # Those of other tests are over: the board has the columns of two groups.
        db.session.execute(update(SupervisionGroup).values(dissolved_on=today()))
        district = db.session.scalars(select(Office).where(Office.name == "District")).one()
        bureau = make.make_office(name=f"Bureau {number}", parent=district)
        office = make.make_office(name=f"Larkfield {number}", parent=district)
        groups = []
        for name in ("North", "South"):
            group = make.make_supervision_group(name=f"{name} {number}")
            for _ in range(2):
                member = make.make_officer(office=bureau, roles=[Role.SUPERVISOR])
                make.make_group_membership(group=group, officer=member)
            groups.append(group.id)
        db.session.commit()
        return Board(walk, desk, office.name, *groups)


def drag(page: Page, chip: Locator, to: Locator) -> None:
    """Take the chip to the middle of a cell, by the mouse, in steps as a hand does."""
    chip.scroll_into_view_if_needed()
    start, end = chip.bounding_box(), to.bounding_box()
    assert start
    assert end
    page.mouse.move(start["x"] + 8, start["y"] + 8)
    page.mouse.down()
    page.mouse.move(end["x"] + end["width"] / 2, end["y"] + end["height"] / 2, steps=8)
    page.mouse.up()


def test_by_the_mouse_an_office_is_given_moved_and_taken_back(board: Board) -> None:
    page = board.enter(answers=(422,))
    drag(page, board.cell(page, "").locator("[data-chip]"), board.cell(page, board.north))
    expect(board.cell(page, board.north).locator("[data-chip]")).to_be_visible()
    expect(page.locator("[data-board-said]")).to_contain_text("has Larkfield")
    drag(page, board.cell(page, board.north).locator("[data-chip]"), board.cell(page, board.south))
    expect(board.cell(page, board.south).locator("[data-chip]")).to_be_focused()
    assert board.has() == [f"South {board.office.split()[1]}"]
    page.reload()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("The last change was taken back.")).to_be_visible()
    expect(board.cell(page, board.north).locator("[data-chip]")).to_be_visible()
    assert board.has() == [f"North {board.office.split()[1]}"]


def test_a_drag_that_ends_elsewhere_changes_nothing_and_opens_no_page(board: Board) -> None:
    page = board.enter()
    drag(page, board.cell(page, "").locator("[data-chip]"), page.locator("h1"))
    expect(page.locator(".board-ghost")).to_have_count(0)
    expect(page.locator("[data-board-said]")).to_contain_text("stays where it is")
    assert board.has() == []
    assert "/board?" in page.url


def test_by_keys_alone_it_is_picked_up_moved_dropped_and_left(board: Board) -> None:
    page = board.enter()
    chip = board.cell(page, "").locator("[data-chip]")
    chip.focus()
    page.keyboard.press("Space")
    said = page.locator("[data-board-said]")
    expect(said).to_have_text(re.compile("is picked up"))
    page.keyboard.press("Escape")
    expect(said).to_have_text(re.compile("stays where it is"))
    page.keyboard.press("Space")
    for _ in range(20):
        page.keyboard.press("ArrowRight")
        if "is-over" in (board.cell(page, board.north).get_attribute("class") or ""):
            break
    expect(said).to_have_text(re.compile("Over: North"))
    page.keyboard.press("Enter")
    expect(board.cell(page, board.north).locator("[data-chip]")).to_be_focused()
    expect(said).to_contain_text("has Larkfield")
    assert board.has() == [f"North {board.office.split()[1]}"]
    page.keyboard.press("Enter")  # not picked up: the chip is a link to the forms
    expect(page.get_by_role("heading", name="Move it to another group")).to_be_visible()


def test_what_cannot_be_is_said_with_member_and_office(board: Board) -> None:
    with board.desk.app.app_context():
        office = db.session.scalars(select(Office).where(Office.name == board.office)).one()
        eve = make.make_officer(name="Eve Reed", office=office, roles=[Role.SUPERVISOR])
        make.make_group_membership(group_id=board.north, officer=eve)
        db.session.commit()
    page = board.enter(answers=(422,))
    drag(page, board.cell(page, "").locator("[data-chip]"), board.cell(page, board.north))
    expect(page.locator("[data-board-problem]")).to_contain_text(
        f"Eve Reed serves {board.office}, and so must not inspect it."
    )
    assert board.has() == []


def test_of_two_who_drag_at_once_one_wins_and_the_other_sees_why(board: Board) -> None:
    one = board.enter()
    other = board.enter(Role.ADMINISTRATOR, answers=(422,))
    drag(one, board.cell(one, "").locator("[data-chip]"), board.cell(one, board.north))
    expect(board.cell(one, board.north).locator("[data-chip]")).to_be_visible()
    drag(other, board.cell(other, "").locator("[data-chip]"), board.cell(other, board.south))
    expect(other.locator("[data-board-problem]")).to_contain_text("North")
    # The board of the other now shows what holds.
    expect(board.cell(other, board.north).locator("[data-chip]")).to_be_visible()
    assert board.has() == [f"North {board.office.split()[1]}"]


def test_by_a_finger_on_a_telephone(board: Board) -> None:
    page = board.enter(width=390, has_touch=True)
    chip = board.cell(page, "").locator("[data-chip]")
    chip.scroll_into_view_if_needed()
    box = chip.bounding_box()
    assert box
    touch = page.context.new_cdp_session(page)

    def send(kind: str, *points: tuple[float, float]) -> None:
        at = [{"x": x, "y": y} for x, y in points]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})

    start = (box["x"] + 20, box["y"] + 20)
    send("touchStart", start)
    send("touchMove", (start[0] + 10, start[1] + 10))
    target = board.cell(page, board.south).bounding_box()  # it opens when the chip is lifted
    assert target
    send("touchMove", (target["x"] + 60, target["y"] + target["height"] / 2))
    send("touchEnd")
    expect(board.cell(page, board.south).locator("[data-chip]")).to_be_visible()
    assert board.has() == [f"South {board.office.split()[1]}"]


def test_on_a_telephone_without_javascript_forms_do_it_all(board: Board) -> None:
    page = board.enter(width=390, java_script_enabled=False)
    number = board.office.split()[1]
    page.get_by_role("link", name=board.office, exact=True).click()
    page.locator("[name=group]").select_option(f"North {number}")
    page.get_by_role("button", name="Give it").click()
    expect(page.get_by_text(f"North {number} has {board.office}")).to_be_visible()
    page.get_by_role("link", name="Move, split or end").click()
    page.locator("[name=group]").select_option(f"South {number}")
    page.get_by_role("button", name="Move it").click()
    expect(page.get_by_text(f"goes from North {number} to South {number}")).to_be_visible()
    assert board.has() == [f"South {number}"]
    page.goto(f"/admin/supervision/board?words={board.office}")
    page.get_by_role("checkbox", name=f"Choose {board.office}").check()
    page.locator("#many ~ section, form#many section").locator("[name=group]").select_option(
        f"North {number}"
    )
    page.get_by_role("button", name="Look at it first").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Nothing is saved yet")
    page.get_by_role("button", name="Save all that are chosen").click()
    expect(page.get_by_text(f"North {number} has 1 more office.")).to_be_visible()
    assert board.has() == [f"North {number}"]
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("The last change was taken back.")).to_be_visible()
    assert board.has() == [f"South {number}"]


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(board: Board, width: int, scheme: str) -> None:
    with board.desk.app.app_context():
        office = db.session.scalars(select(Office).where(Office.name == board.office)).one()
        period = make.make_supervision_assignment(
            office=office, group_id=board.north, starts_on=today()
        ).id
        db.session.commit()
        number = office.id
    page = board.enter(width=width, color_scheme=scheme)
    for path in (
        f"board?words={board.office}",
        "board",
        f"board?view=timeline&words={board.office}",
        f"board/{number}",
        f"period/{period}",
        f"group/{board.north}",
    ):
        _axe(page, f"/admin/supervision/{path}")


def _axe(page: Page, path: str) -> None:
    page.goto(path)
    page.evaluate(AXE)
    found = page.evaluate(RUN_AXE, TAGS)
    wrong = [one for one in found if one["impact"] in STOP]
    assert wrong == [], path
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0, f"{path} is {wide} pixels too wide"

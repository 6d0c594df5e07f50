"""A visit in Chromium on a telephone: begun, written down with the connection cut, two inspectors
at once, nothing left in the browser afterwards; the same without JavaScript."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

import tests.factories as make
from models import Inspection, InspectionAnswer, InspectionDocument, Office, Officer, db
from rules.grievance import GrievanceState
from rules.permissions import Role
from rules.supervision import InspectionState
from rules.visits import VisitAnswer
from tests.browser.touring import AXE, RUN_AXE, TAGS
from tests.browser.walking import Desk, Walk, today
from tests.papers_of import jpeg

pytestmark = pytest.mark.browser
PHONE = 390
KEPT = "() => Object.keys(localStorage).filter((key) => key.startsWith('redress-visit:')).length"
SMALLEST = 44  # pixels that a thumb hits
SMALL = """(least) => [
    ...document.querySelectorAll("#visit :is(button, summary, .visit-choice, .visit-foot a)"),
  ]
  .filter((one) => one.checkVisibility())
  .map((one) => [one.textContent.trim(), one.getBoundingClientRect().height])
  .filter(([, height]) => height < least)"""


@dataclass
class Visit:
    """A visit that is planned for today, and its page."""

    desk: Desk
    id: int

    @property
    def path(self) -> str:
        return f"/admin/inspection/{self.id}/visit"

    def answers(self) -> list[Any]:
        query = select(InspectionAnswer).where(InspectionAnswer.inspection_id == self.id)
        return self.desk.all(query.order_by(InspectionAnswer.position))

    def state(self) -> InspectionState:
        return self.desk.all(select(Inspection).where(Inspection.id == self.id))[0].state


@pytest.fixture
def visit(desk: Desk) -> Visit:
    with desk.app.app_context():
        office = db.session.scalars(select(Office).filter_by(name="Water works")).one()
        inspector = db.session.scalars(select(Officer).filter_by(username="supervisor")).one()
        group = make.make_supervision_group()
        make.make_group_membership(group=group, officer=inspector)
        template = make.make_checklist_template()
        for place, wording in enumerate(("Is all numbered?", "Is it looked at daily?"), 1):
            make.make_checklist_question(
                template=template, position=place, wording=wording, guidance="Ask to be shown."
            )
        at = datetime.now(UTC) - timedelta(days=20)
        closed = {"state": GrievanceState.CLOSED, "received_at": at, "closed_at": at}
        for n in range(3):
            make.make_grievance(responsible_office=office, title=f"Leak {n}", **closed)
        made = make.make_inspection(
            office=office,
            group=group,
            inspector=inspector,
            subject=f"Letters and leaks {group.name}",
            planned_on=today(),
            template=template,
            sample_size=2,
            is_unannounced=True,
        )
        db.session.commit()
        return Visit(desk, made.id)


def begin(page: Page, visit: Visit) -> None:
    page.goto(visit.path)
    page.get_by_role("link", name="Begin the visit").click()
    with page.expect_navigation():
        page.get_by_role("button", name="Begin the visit").click()
    expect(page.get_by_text("Closed grievances, drawn by lot")).to_be_visible()


def row(page: Page, place: int) -> Any:
    return page.locator("[data-row]").nth(place - 1)


def choose(page: Page, place: int, words: str) -> None:
    row(page, place).locator(".visit-choice", has_text=re.compile(f"^{words}$")).click()


def test_what_is_typed_while_the_connection_is_away_is_sent_when_it_is_back(
    walk: Walk, visit: Visit
) -> None:
    page = walk.enter(Role.SUPERVISOR, width=PHONE, has_touch=True)
    begin(page, visit)
    told = page.locator("[data-told]")
    expect(told).to_have_text("All is saved")
    assert page.evaluate(SMALL, SMALLEST) == []
    choose(page, 1, "Partly")
    row(page, 1).locator("textarea").fill("Eighteen of twenty")
    expect(row(page, 1).locator("[data-status]")).to_contain_text("Saved: Officer supervisor")
    assert page.evaluate(KEPT) == 0

    page.context.set_offline(True)
    choose(page, 2, "No")
    row(page, 2).locator("textarea").fill("The list is of last week")
    choose(page, 3, "Not remedied")
    expect(told).to_have_text("2 answers are not sent yet: no connection")
    expect(row(page, 2).locator("[data-status]")).to_contain_text("Not sent yet")
    assert page.evaluate(KEPT) == 2
    assert visit.answers()[1].note is None

    page.context.set_offline(False)
    expect(told).to_have_text("All is saved")
    assert page.evaluate(KEPT) == 0
    first, second = visit.answers()
    assert (first.answer, first.note) == (VisitAnswer.PARTLY, "Eighteen of twenty")
    assert (second.answer, second.note) == (VisitAnswer.NO, "The list is of last week")
    page.reload()
    expect(row(page, 2).locator("textarea")).to_have_value("The list is of last week")
    link = row(page, 2).get_by_role("link", name="Begin a finding")
    assert f"inspection_id={visit.id}" in str(link.get_attribute("href"))


def test_what_was_not_sent_is_there_again_when_the_page_is_opened_anew(
    walk: Walk, visit: Visit
) -> None:
    page = walk.enter(Role.SUPERVISOR, width=PHONE)
    begin(page, visit)
    page.route("**/answer/**", lambda route: route.abort())
    row(page, 1).locator("textarea").fill("Typed in the cellar")
    expect(row(page, 1).locator("[data-status]")).to_contain_text("Not sent yet")
    page.goto("/admin/")  # away, before anything was sent
    assert visit.answers()[0].note is None
    page.unroute("**/answer/**")
    page.goto(visit.path)
    expect(page.locator("[data-told]")).to_have_text("All is saved")
    assert visit.answers()[0].note == "Typed in the cellar"
    assert page.evaluate(KEPT) == 0


def test_two_inspectors_at_once_both_see_what_both_wrote(walk: Walk, visit: Visit) -> None:
    mine = walk.enter(Role.SUPERVISOR, width=PHONE, answers=(409,))
    begin(mine, visit)
    theirs = walk.enter(Role.SUPERVISOR, answers=(409,))
    theirs.goto(visit.path)
    mine.context.set_offline(True)
    row(mine, 1).locator("textarea").fill("Mine")
    row(theirs, 1).locator("textarea").fill("Theirs")
    expect(theirs.locator("[data-told]")).to_have_text("All is saved")
    mine.context.set_offline(False)
    both = row(mine, 1).locator("[data-theirs]")
    expect(both).to_contain_text("Theirs")
    expect(row(mine, 1).locator("textarea")).to_have_value("Mine")
    assert visit.answers()[0].note == "Theirs"
    mine.evaluate(AXE)
    assert mine.evaluate(RUN_AXE, TAGS) == []
    row(mine, 1).get_by_role("button", name="Save mine in its place").click()
    expect(mine.locator("[data-told]")).to_have_text("All is saved")
    assert visit.answers()[0].note == "Mine"
    row(theirs, 1).locator("textarea").fill("Theirs again")
    expect(row(theirs, 1).locator("[data-theirs]")).to_contain_text("Mine")
    row(theirs, 1).get_by_role("button", name="Take theirs").click()
    expect(row(theirs, 1).locator("textarea")).to_have_value("Mine")
    expect(theirs.locator("[data-told]")).to_have_text("All is saved")


def test_logging_out_asks_and_leaves_nothing_in_the_browser(walk: Walk, visit: Visit) -> None:
    page = walk.enter(width=PHONE)
    with visit.desk.app.app_context():
        planned = db.session.get_one(Inspection, visit.id)
        other = make.make_officer(
            roles=[Role.SUPERVISOR],
            username=f"out-{visit.id}",
            office_id=planned.inspector.office_id,
        )
        make.make_group_membership(group=planned.group, officer=other)
        db.session.commit()
        name = other.username
    page.goto("/login")
    page.fill("[name=username]", name)
    page.fill("[name=password]", make.PASSWORD)
    with page.expect_navigation():
        page.get_by_role("button", name="Log in").click()
    begin(page, visit)
    page.route("**/answer/**", lambda route: route.abort())
    row(page, 1).locator("textarea").fill("Not sent")
    expect(page.locator("[data-told]")).to_contain_text("1 answer is not sent yet")
    asked: list[str] = []

    def stay(dialog: Any) -> None:
        asked.append(dialog.message)
        dialog.dismiss()

    page.once("dialog", stay)
    page.get_by_role("button", name="Log out").click()
    assert "not all sent yet" in asked[0]
    assert page.evaluate(KEPT) == 1
    page.once("dialog", lambda dialog: dialog.accept())
    with page.expect_navigation():
        page.get_by_role("button", name="Log out").click()
    assert page.evaluate(KEPT) == 0


def test_without_script_the_visit_is_one_form(walk: Walk, visit: Visit) -> None:
    page = walk.enter(Role.SUPERVISOR, width=PHONE, java_script_enabled=False)
    begin(page, visit)
    choose(page, 1, "Yes")
    row(page, 2).locator("textarea").fill("Seen")
    with page.expect_navigation():
        page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("What you wrote is saved.")).to_be_visible()
    first, second = visit.answers()
    assert (first.answer, second.note) == (VisitAnswer.YES, "Seen")
    photo = {"name": "tray.jpg", "mimeType": "image/jpeg", "buffer": jpeg()}
    page.set_input_files("[name=file]", photo)
    with page.expect_navigation():
        page.get_by_role("button", name="Keep them").click()
    expect(page.get_by_role("link", name="tray")).to_be_visible()
    page.get_by_role("link", name="End the visit").click()
    page.fill("[name=summary]", "The book and two files.")
    with page.expect_navigation():
        page.get_by_role("button", name="End the visit").click()
    assert visit.state() is InspectionState.DONE


def test_photos_stay_chosen_while_the_connection_is_away(walk: Walk, visit: Visit) -> None:
    page = walk.enter(Role.SUPERVISOR, width=PHONE)
    begin(page, visit)
    photo = {"name": "tray.jpg", "mimeType": "image/jpeg", "buffer": jpeg()}
    page.set_input_files("[name=file]", photo)
    page.context.set_offline(True)
    page.get_by_role("button", name="Keep them").click()
    expect(page.locator("[data-photos-told]")).to_contain_text("They stay chosen")
    page.context.set_offline(False)
    with page.expect_navigation():
        page.get_by_role("button", name="Keep them").click()
    expect(page.get_by_role("link", name="tray")).to_be_visible()
    query = select(InspectionDocument).where(InspectionDocument.inspection_id == visit.id)
    assert len(visit.desk.all(query)) == 1

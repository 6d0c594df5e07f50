"""A grievance from its receipt to the end of an appeal, each step in Chromium by the role that may:
at a desk, and on a telephone without JavaScript."""

from dataclasses import dataclass
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

import tests.factories as make
from models import Decision, Grievance, Office, Remedy, db
from rules.grievance import AppealOutcome, GrievanceState, RemedyState
from rules.permissions import Role
from tests.browser.walking import Desk, Walk, today

pytestmark = pytest.mark.browser
SOON = (today() + timedelta(days=9)).isoformat()


@dataclass
class Case:
    """A grievance on its way, and the windows of those who work it."""

    walk: Walk
    desk: Desk
    id: int
    width: int
    script: bool
    pages: dict[Role, Page]

    def window(self, role: Role) -> Page:
        if role not in self.pages:
            self.pages[role] = self.walk.enter(
                role, width=self.width, java_script_enabled=self.script
            )
        return self.pages[role]

    def register(self, title: str, respondent_office: str) -> None:
        """Write down what came in, as intake."""
        page = self.window(Role.INTAKE)
        page.goto("/admin/grievance/new/")
        self._fill(page, "title", title)
        self._fill(page, "respondent_office", respondent_office)
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_contain_text(title)
        self.id = int(page.url.partition("id=")[2])

    def take(self, role: Role, step: str, words: str, **fields: str) -> Page:
        """Take `step` in the window of `role`: fill the form in, send it, and read that the
        grievance stands now as `words` say."""
        page = self.window(role)
        page.goto(f"/admin/grievance/{self.id}/step/{step}")
        heading = page.get_by_role("heading", level=1).inner_text()
        for name, value in fields.items():
            self._fill(page, name, value)
        page.get_by_role("button", name=heading, exact=True).click()
        expect(page.get_by_text(f"It stands now: {words}.")).to_be_visible()
        return page

    def _fill(self, page: Page, name: str, value: str) -> None:
        field = page.locator(f"[name={name}]")
        if field.evaluate("one => one.tagName") == "SELECT":
            field.select_option(value)
            return
        field.fill(value)
        if self.script and field.get_attribute("data-lookup") is not None:
            page.get_by_role("option", name=value, exact=True).first.click()


@pytest.fixture(params=[(1280, True), (390, False)], ids=["desk", "bare"])
def case(walk: Walk, desk: Desk, request: pytest.FixtureRequest) -> Case:
    width, script = request.param
    with desk.app.app_context():
        roads = db.session.scalars(select(Office).filter_by(name="Roads office")).one()
        name = f"Rhoda Pike {width}"
        make.make_officer(name=name, office=roads, roles=[Role.HANDLER])
        db.session.commit()
    case = Case(walk, desk, 0, width, script, {})
    case.register(f"A hole in Mill Street {width}", "Water works")
    return case


def decide(case: Case) -> None:
    """The handler drafts the decision and proposes it; the head reads it, asks for a change, reads
    it again and approves it."""
    handler = case.pages[Role.HANDLER]
    handler.goto(f"/admin/grievance/{case.id}/decision")
    handler.get_by_label("What is decided, in one line").fill("The hole")
    handler.get_by_label("The decision as the complainant reads it").fill("It is filled.")
    handler.locator("#point-1").fill("A hole")
    handler.locator("#conclusion-1").select_option(label="Upheld")
    handler.locator("#reasons-1").fill("There is a hole.")
    handler.get_by_label("What follows").fill("The road office fills it within nine days.")
    handler.get_by_label("Where and how a review is asked for").fill("At the bureau.")
    propose = handler.get_by_role("button", name="Save and propose for approval")
    propose.click()
    expect(handler.get_by_text("Proposed. Somebody else has to approve it.")).to_be_visible()

    head = case.pages[Role.OFFICE_HEAD]
    head.goto(f"/admin/grievance/{case.id}/step/answer")
    expect(head.get_by_role("heading", level=1)).to_have_text("The hole")
    head.get_by_label("What is to be changed").fill("Say who fills it.")
    head.get_by_role("button", name="Send it back").click()
    expect(head.get_by_text("Sent back with your reason.")).to_be_visible()
    handler.goto(f"/admin/grievance/{case.id}/decision")
    expect(handler.get_by_text("Say who fills it.")).to_be_visible()
    handler.get_by_label("The decision as the complainant reads it").fill("The office fills it.")
    propose.click()

    head.goto(f"/admin/grievance/{case.id}/step/answer")
    expect(head.get_by_text("The office fills it.")).to_be_visible()
    head.get_by_role("button", name="Approve and give the answer").click()
    expect(head.get_by_text("Approved. The answer is given")).to_be_visible()


def test_a_grievance_from_its_receipt_to_the_end_of_an_appeal(case: Case) -> None:
    case.take(Role.INTAKE, "acknowledge", "Acknowledged")
    case.take(
        Role.INTAKE,
        "route",
        "Routed",
        responsible_office="Water works",
        reason="There was water in it.",
    )
    case.take(
        Role.OFFICE_HEAD,
        "object",
        "Routing objected",
        reason="It is a hole in a road.",
        proposed_office="Roads office",
    )
    case.take(
        Role.INTAKE,
        "route_again",
        "Routed",
        responsible_office="Roads office",
        decision_reasons="It is a hole in a road.",
    )
    case.take(Role.OFFICE_HEAD, "accept", "Accepted", handler=f"Rhoda Pike {case.width}")
    case.take(
        Role.HANDLER,
        "plan",
        "Planned",
        lead_official="Officer lead_official",
        plan_subject_1="Fill the hole",
        plan_day_1=SOON,
    )
    decide(case)
    case.take(
        Role.OFFICE_HEAD, "promise_remedy", "Remedy under way", promise="No hole", due_on=SOON
    )
    case.take(Role.HANDLER, "claim_remedy", "Remedy under way")
    case.take(Role.SUPERVISOR, "send_back_remedy", "Remedy under way", reason="There is a hole.")
    case.take(Role.HANDLER, "claim_remedy", "Remedy under way")
    case.take(Role.LEAD_OFFICIAL, "verify_remedy", "Remedy verified")
    case.take(Role.INTAKE, "appeal", "Appealed", subject="The road", grounds="It is uneven.")
    case.take(Role.DECIDER, "dismiss_appeal", "Remedy verified", reasons="It is even.")
    case.take(Role.INTAKE, "close", "Closed")
    with case.desk.app.app_context():
        one = db.session.get_one(Grievance, case.id)
        (decision,) = db.session.scalars(select(Decision).filter_by(grievance_id=case.id))
        (remedy,) = db.session.scalars(select(Remedy).filter_by(grievance_id=case.id))
        assert one.state is GrievanceState.CLOSED
        assert remedy.state is RemedyState.VERIFIED
        assert decision.appeals[0].outcome is AppealOutcome.DISMISSED

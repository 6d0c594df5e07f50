"""Supervision from the forming of a group to a finding that is verified, each step in Chromium by
the role that may: with the mouse and a telephone whose connection is cut once, and by the keyboard
alone. Axe looks at each page on the way."""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import select, update

import security
import tests.factories as make
from models import (
    Finding,
    GroupMembership,
    Inspection,
    Office,
    Officer,
    OfficerSession,
    SampledGrievance,
    SupervisionAssignment,
    SupervisionGroup,
    db,
)
from rules.grievance import GrievanceState
from rules.permissions import Role
from rules.supervision import FindingState, InspectionState
from rules.visits import Remedied, VisitAnswer
from tests.browser.test_walk import suggestions, tab_to
from tests.browser.touring import AXE, DESK, PHONE, RUN_AXE, TAGS
from tests.browser.walking import Desk, Walk, today

pytestmark = pytest.mark.browser
SOON = today() + timedelta(days=20)
NOT_OF_THE_GROUP = "This step is for a member of the supervision group that follows it up."


class Mouse:
    """Works a page as a hand with a mouse or a finger does."""

    inspects_at = PHONE

    def press(self, page: Page, target: Locator) -> None:
        target.click()

    def leave_by(self, page: Page, target: Locator) -> None:
        """Press what leads to another page, and wait for that."""
        with page.expect_navigation():
            target.click()

    def fill(self, page: Page, name: str, value: str | date) -> None:
        one = page.locator(f"main [name={name}]")
        if one.evaluate("(one) => one.tagName") == "SELECT":
            one.select_option(label=str(value))
            return
        one.fill(str(value))
        if one.get_attribute("data-lookup") is not None:
            page.get_by_role("option", name=str(value), exact=True).click()

    def choose(self, page: Page, choices: Locator, words: str) -> None:
        """Take the choice that says `words` out of a list of radio buttons."""
        choices.locator("label").filter(has_text=re.compile(rf"^\s*{words}\b")).click()


class Keys(Mouse):
    """Works it with Tab, arrows, Enter and letters; Tab shows where it is on its way."""

    inspects_at = DESK

    def press(self, page: Page, target: Locator) -> None:
        go_to(page, target)
        page.keyboard.press("Enter")

    def leave_by(self, page: Page, target: Locator) -> None:
        go_to(page, target)
        with page.expect_navigation():
            page.keyboard.press("Enter")

    def fill(self, page: Page, name: str, value: str | date) -> None:
        one, keys = page.locator(f"main [name={name}]"), page.keyboard
        go_to(page, one)
        if isinstance(value, date):
            type_day(one, value)
            return
        if one.evaluate("(one) => one.tagName") != "SELECT":
            keys.press("ControlOrMeta+a")
        keys.type(value)
        if one.get_attribute("data-lookup") is not None:
            wanted = suggestions(page).get_by_text(value, exact=True)
            expect(wanted).to_have_count(1)
            while wanted.get_attribute("aria-selected") != "true":
                keys.press("ArrowDown")
            keys.press("Enter")
        expect(one).not_to_have_value("")

    def choose(self, page: Page, choices: Locator, words: str) -> None:
        radios = choices.get_by_role("radio")
        checked = choices.get_by_role("radio", checked=True)
        go_to(page, checked if checked.count() else radios.first)
        page.keyboard.press("Space")
        wanted = choices.get_by_role("radio", name=re.compile(rf"^{words}\b"))
        for _ in range(radios.count()):
            if wanted.is_checked():
                return
            page.keyboard.press("ArrowDown")
        pytest.fail(f"The arrows never come to {words} on {page.url}.")


def go_to(page: Page, target: Locator) -> None:
    """Come to `target` with Tab; on a page that has just been opened, past the menu."""
    if page.evaluate("() => document.activeElement === document.body"):
        tab_to(page, page.get_by_role("link", name="Skip to the page"))
        page.keyboard.press("Enter")
        expect(page.get_by_role("main")).to_be_focused()
    tab_to(page, target)


def type_day(one: Locator, day: date) -> None:
    """Type a day into an input that has the focus, in the order that this browser has for it."""
    for order in ("%m%d%Y", "%d%m%Y", "%Y%m%d"):
        for _ in range(2):
            one.page.keyboard.press("ArrowLeft")
        one.page.keyboard.type(f"{day:{order}}")
        if one.input_value() == str(day):
            return
    pytest.fail(f"{day} cannot be typed on {one.page.url}.")


@dataclass
class Supervision:
    """A bureau with a group, two offices of a branch of their own, and those who work there."""

    walk: Walk
    desk: Desk
    hand: Mouse
    number: int
    tokens: dict[str, str]
    pages: dict[str, Page] = field(default_factory=dict)

    def named(self, name: str) -> str:
        return f"{name} {self.number}"

    def window(self, who: str, width: int = DESK) -> Page:
        if who not in self.pages:
            page = self.walk.enter(width=width, answers=(409,))
            cookie = {"name": security.COOKIE, "value": self.tokens[who]}
            page.context.add_cookies([{**cookie, "url": self.desk.address}])
            self.pages[who] = page
        return self.pages[who]

    @contextmanager
    def form(self, page: Page, button: str) -> Iterator[None]:
        """Read a form, fill it in, and send it with its button."""
        assert_clean(page)
        yield
        self.hand.leave_by(page, page.get_by_role("button", name=button, exact=True))

    def fill(self, page: Page, **fields: str | date) -> None:
        for name, value in fields.items():
            self.hand.fill(page, name, value)

    def follow(self, page: Page, link: str, of: str = "") -> None:
        """Follow the link that says `link`; of several, the one that is about `of`."""
        name = re.compile(rf"^{re.escape(link)}\s*:\s*{re.escape(of)}$") if of else link
        self.hand.leave_by(page, page.get_by_role("link", name=name, exact=True))

    def take(self, who: str, address: str, step: str, state: str, **fields: str | date) -> None:
        """Take a step of the finding, as its button says it, and read how it stands then."""
        page = self.window(who)
        page.goto(address)
        assert_clean(page)
        self.follow(page, step)
        with self.form(page, step):
            self.fill(page, **fields)
        expect(page.get_by_text(f"It stands now: {state}.")).to_be_visible()


def address_of(page: Page) -> str:
    """Return where a page is: with the place within it, to go there again would not load it."""
    return page.url.partition("#")[0]


def assert_clean(page: Page) -> None:
    """Assert that axe finds nothing at all on a page."""
    page.evaluate(AXE)
    assert page.evaluate(RUN_AXE, TAGS) == [], page.url


_made = iter(range(1, 99))


@pytest.fixture(params=[Mouse, Keys], ids=["mouse and telephone", "keyboard"])
def supervision(walk: Walk, desk: Desk, request: pytest.FixtureRequest) -> Supervision:
    number, now = next(_made), datetime.now(UTC)
    with desk.app.app_context():
        # Those of other tests are over: what is proposed is between the two of this one.
        db.session.execute(update(SupervisionGroup).values(dissolved_on=today()))
        district = db.session.scalars(select(Office).filter_by(name="District")).one()
        bureau = make.make_office(name=f"Bureau {number}", parent=district)
        branch = make.make_office(name=f"Fen {number}", parent=district, level=district.level)
        place, other = (make.make_office(name=f"Fen {n} {number}", parent=branch) for n in "AB")
        people = {
            "lead": (f"Lena Moor {number}", Role.SUPERVISOR, bureau),
            "inspector": (f"Ivy Reed {number}", Role.SUPERVISOR, bureau),
            "second": (f"Sam Holt {number}", Role.SUPERVISOR, bureau),
            "other group": (f"Wes Lund {number}", Role.SUPERVISOR, district),
            "head": (f"Hal Fenn {number}", Role.OFFICE_HEAD, place),
        }
        officers = {
            who: make.make_officer(name=name, office=office, roles=[role])
            for who, (name, role, office) in people.items()
        }
        west = make.make_supervision_group(name=f"West {number}")
        for member in (officers["other group"], make.make_officer(office=bureau)):
            member.roles = [Role.SUPERVISOR]
            make.make_group_membership(group=west, officer=member)
        # West had the one office: a plan that turns about gives it the other.
        make.make_supervision_assignment(
            office=other, group=west, starts_on=today() - timedelta(days=300), ends_on=today()
        )
        template = make.make_checklist_template(name=f"Letters {number}")
        for place_in_list, wording in enumerate(("Is all numbered?", "Is it read daily?"), 1):
            make.make_checklist_question(template=template, position=place_in_list, wording=wording)
        at = now - timedelta(days=20)
        make.make_grievance(
            responsible_office=place,
            title=f"A leak {number}",
            state=GrievanceState.CLOSED,
            received_at=at,
            closed_at=at,
        )
        tokens = {who: secrets.token_urlsafe() for who in officers}
        for who, officer in officers.items():
            make.make_any(
                OfficerSession, officer=officer, token_hash=security.token_hash(tokens[who])
            )
        db.session.commit()
    return Supervision(walk, desk, request.param(), number, tokens)


def form_a_group(supervision: Supervision) -> None:
    """The lead writes a group down in its form, and its members on its page."""
    page, named = supervision.window("lead"), supervision.named
    page.goto("/admin/supervision-group/new/")
    with supervision.form(page, "Save"):
        supervision.fill(
            page,
            name=named("East"),
            mandate="Visits the offices of the fen.",
            formed_on=today() - timedelta(days=1),
        )
    assert_clean(page)
    supervision.follow(page, "Members and offices")
    for who in ("Ivy Reed", "Sam Holt"):
        with supervision.form(page, "Add the member"):
            supervision.fill(page, officer=named(who), duty="Inspector")
        expect(page.get_by_text(f"{named(who)} belongs to the group.")).to_be_visible()
    assert_clean(page)


def propose_and_accept(supervision: Supervision) -> None:
    """A plan is worked out for the branch; one line goes to another group; all is accepted."""
    page, named, hand = supervision.window("lead"), supervision.named, supervision.hand
    page.goto("/admin/supervision/proposals/")
    with supervision.form(page, "Work out a proposal"):
        supervision.fill(
            page, starts_on=today(), ends_on=today() + timedelta(days=365), office=named("Fen")
        )
    expect(page.get_by_role("heading", name="The load of the groups")).to_be_visible()
    assert_clean(page)
    line = page.locator("tr", has_text=named("Fen A"))
    expect(line).to_contain_text(named("West"))
    expect(page.locator("tr", has_text=named("Fen B"))).to_contain_text(named("East"))
    supervision.follow(page, "Choose another group", named("Fen A"))
    with supervision.form(page, "Choose this group"):
        hand.choose(page, page.locator(".proposal-groups"), named("East"))
    expect(line).to_contain_text("chosen by hand")
    hand.press(page, page.get_by_role("link", name="Accept all that is open (2)"))
    # A dialog, or where the script of the page is not there yet, a page of its own.
    expect(page.get_by_role("button", name="Accept all", exact=True)).to_be_visible()
    with supervision.form(page, "Accept all"):
        pass
    expect(page.get_by_text("2 offices have their groups now.")).to_be_visible()
    assert_clean(page)
    page.goto(f"/admin/supervision/board?words={named('Fen A').replace(' ', '+')}")
    assert_clean(page)
    row = page.locator(f"tr[data-office-name='{named('Fen A')}']")
    expect(row.locator("td", has=page.locator("[data-chip]"))).to_contain_text(named("East"))


def visit(supervision: Supervision) -> Page:
    """The inspector plans a visit and writes down what is seen, the connection cut once; return
    the page of the visit."""
    named, hand = supervision.named, supervision.hand
    page = supervision.window("inspector", hand.inspects_at)
    page.goto("/admin/inspection/new/")
    with supervision.form(page, "Save"):
        supervision.fill(
            page,
            group=named("East"),
            office=named("Fen A"),
            inspector=named("Ivy Reed"),
            subject=named("The book of letters"),
            planned_on=today(),
            template=named("Letters"),
        )
    assert_clean(page)
    supervision.follow(page, "Open the visit")
    assert_clean(page)
    supervision.follow(page, "Begin the visit")
    with supervision.form(page, "Begin the visit"):
        pass
    assert_clean(page)
    rows, told = page.locator("[data-row]"), page.locator("[data-told]")
    hand.choose(page, rows.nth(0), "Yes")
    expect(rows.nth(0).locator("[data-status]")).to_contain_text("Saved: Ivy Reed")
    page.context.set_offline(True)
    hand.choose(page, rows.nth(1), "No")
    write(supervision, page, rows.nth(1), "It was last read a week ago.")
    hand.choose(page, rows.nth(2), "Not remedied")
    expect(told).to_have_text("2 answers are not sent yet: no connection")
    assert_clean(page)
    page.context.set_offline(False)
    expect(told).to_have_text("All is saved")
    return page


def write(supervision: Supervision, page: Page, row: Locator, words: str) -> None:
    name = row.locator("textarea").get_attribute("name")
    assert name
    supervision.hand.fill(page, name, words)


def begin_a_finding(supervision: Supervision, page: Page) -> str:
    """The inspector writes a finding down where its answer stands, and ends the visit; return the
    address of the finding."""
    visited = address_of(page)
    supervision.follow(page, "Begin a finding", "Is it read daily?")
    expect(page.locator("[name=facts]")).to_have_value("It was last read a week ago.")
    with supervision.form(page, "Save"):
        supervision.fill(
            page, subject=supervision.named("Letters lie for a week"), severity="Serious"
        )
    address = address_of(page)
    page.goto(visited)
    supervision.follow(page, "End the visit")
    with supervision.form(page, "End the visit"):
        supervision.fill(page, summary="The book and one file.")
    assert_clean(page)
    return address


def follow_up(supervision: Supervision, address: str) -> None:
    """The office is told, confirms and replies with a day, says that it is done; who is of another
    group may not judge that, the inspector sees it done."""

    def take(who: str, step: str, state: str, **fields: str | date) -> None:
        supervision.take(who, address, step, state, **fields)

    ask = "Tell the office and ask for a reply"
    take("inspector", ask, "Notified", reply_due_on=SOON)
    take("head", "Confirm receipt", "Received")
    reply = {"reply": "A deputy reads them from today.", "due_on": SOON}
    take("head", "Reply and commit to a day", "Replied", **reply)
    take("second", "Agree to the reply and its day", "Under way")
    take("head", "Say that it is done", "Claimed", claim="Read on each of ten days.")

    other, verify = supervision.window("other group"), "Verify that it is done"
    other.goto(address)
    expect(other.get_by_role("heading", level=1)).to_contain_text("Letters lie for a week")
    expect(other.get_by_role("link", name=verify, exact=True)).to_have_count(0)
    other.goto(address.replace("details/?id=", "") + "/step/verify")
    expect(other.get_by_text(NOT_OF_THE_GROUP)).to_be_visible()
    assert_clean(other)

    take("inspector", verify, "Verified", verdict="Seen in the book: ten days, ten marks.")
    assert_clean(supervision.window("inspector"))


def test_supervision_from_a_group_to_a_finding_that_is_verified(supervision: Supervision) -> None:
    form_a_group(supervision)
    propose_and_accept(supervision)
    page = visit(supervision)
    follow_up(supervision, begin_a_finding(supervision, page))
    assert_kept(supervision)


def assert_kept(supervision: Supervision) -> None:
    """Assert that the database has what was walked through."""
    named = supervision.named
    with supervision.desk.app.app_context():
        east = db.session.scalars(select(SupervisionGroup).filter_by(name=named("East"))).one()
        members = (
            select(Officer.name)
            .join(GroupMembership, GroupMembership.officer_id == Officer.id)
            .where(GroupMembership.group_id == east.id)
        )
        assert set(db.session.scalars(members)) == {named("Ivy Reed"), named("Sam Holt")}
        held = (
            select(Office.name)
            .join(SupervisionAssignment, SupervisionAssignment.office_id == Office.id)
            .where(SupervisionAssignment.group_id == east.id)
        )
        assert set(db.session.scalars(held)) == {named("Fen A"), named("Fen B")}
        (seen,) = db.session.scalars(select(Inspection).filter_by(group_id=east.id))
        assert seen.state is InspectionState.DONE
        first, second = sorted(seen.answers, key=lambda one: one.position)
        assert (first.answer, second.answer) == (VisitAnswer.YES, VisitAnswer.NO)
        assert second.note == "It was last read a week ago."
        (drawn,) = db.session.scalars(select(SampledGrievance).filter_by(inspection_id=seen.id))
        assert drawn.remedied is Remedied.NO
        (found,) = db.session.scalars(select(Finding).filter_by(inspection_id=seen.id))
        assert (found.group_id, found.state) == (east.id, FindingState.VERIFIED)
        assert (found.due_on, found.times_sent_back) == (SOON, 0)
        assert found.verified_by_id not in (None, found.claimed_by_id)

"""A tour of the panel: pages are opened, looked at, clicked through and checked by axe.

What a tour finds wrong is kept in the survey that all tours of a run share: dead links, headings,
pages wider than the window, controls that cannot be clicked, what axe calls serious or critical.
Errors of the console and what the policy stopped are noted by the walk (walking.py).
"""

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Error, Page, Response

from rules.permissions import Role
from tests.browser.walking import SUBMIT, Walk

TOUR = Path(__file__).with_name("tour.js").read_text(encoding="utf-8")
AXE = Axe().axe_script
DESK, PHONE = 1280, 390
HEIGHT = 860
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
OF_COLOUR = ["color-contrast", "link-in-text-block"]  # what another colour scheme can break
STOP = ("serious", "critical")
RUN_AXE = """(rules) => axe.run(
  { include: [["html"]], exclude: [["tbody > tr:nth-child(n+6)"]] },
  { runOnly: rules, resultTypes: ["violations"], preload: false },
).then((result) => result.violations.map((one) => ({
  rule: one.id, impact: one.impact,
  nodes: one.nodes.map((node) => [
    node.target.join(" "), [...node.any, ...node.all, ...node.none].map((why) => why.message)[0],
  ]),
})))"""
IS_ASKED = "() => Boolean(document.querySelector('dialog:modal'))"
CLICK_PATIENCE = 8_000  # milliseconds
MOST_CLICKS = 200  # on one page: more means that each click makes a new control
LANGUAGES = {"en": "en", "zh_Hans_CN": "zh-Hans"}


@dataclass
class Survey:
    """What all tours of a run have seen, and what was wrong."""

    faults: dict[str, list[str]] = field(default_factory=dict)
    noted: list[str] = field(default_factory=list)
    visits: Counter[str] = field(default_factory=Counter)
    pages: set[str] = field(default_factory=set)
    combinations: set[tuple[str, str, int]] = field(default_factory=set)
    impacts: Counter[str] = field(default_factory=Counter)
    checked: set[tuple[Any, ...]] = field(default_factory=set)
    kinds: set[tuple[str, str]] = field(default_factory=set)
    clicked: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    wrong: int = 0

    def fault(self, where: str, what: str) -> None:
        """Note something that may not be, and where."""
        self.faults.setdefault(what, []).append(where)

    def told(self) -> list[str]:
        """Return a line for each thing that was wrong since this was last asked, with one of the
        places where it is."""
        lines = [f"{what}: {len(on)} x, on {on[0]}" for what, on in sorted(self.faults.items())]
        self.wrong += len(lines)
        self.faults.clear()
        return lines


@dataclass
class Tour:
    """One officer's way through the panel in one language; `None` is a visitor. Pages are checked
    in each of `schemes`, while the system asks for `asked_for`; in each of them, if there are more.
    A control is clicked on at most `often` pages that have the same, by all of a party together."""

    survey: Survey
    walk: Walk
    party: str
    role: Role | None
    language: str
    schemes: tuple[str, ...]
    asked_for: str
    often: int
    is_full: bool
    page: Page = field(init=False)

    def __post_init__(self) -> None:
        self.page = self.walk.enter(
            self.role,
            answers=(400, 401, 403, 404, 405, 409, 422, 500, 503),  # `expect` looks at each
            reduced_motion="reduce",
            color_scheme=self.asked_for,
        )
        self.page.add_init_script(TOUR)
        self.page.on("dialog", lambda dialog: dialog.accept())  # a form that is left half filled

    @property
    def who(self) -> str:
        return str(self.role or "visitor")

    def open(self, address: str, status: int = 200, or_else: int | None = None) -> bool:
        """Go to an address; return whether it is a page that answers with this status. `or_else`
        is another that belongs there."""
        try:
            reply = self.page.goto(address)
        except Error as error:
            if "Download is starting" in error.message or "ERR_ABORTED" in error.message:
                return False
            raise
        if reply is None or "text/html" not in reply.headers.get("content-type", ""):
            return False
        if reply.status != or_else:
            self.expect(reply, status)
        return reply.status == status

    def send(self, address: str, status: int = 200, **fields: str) -> None:
        """Send a form from the page that is open; what comes is a page with this status."""
        with self.page.expect_navigation() as coming:
            self.page.evaluate(SUBMIT, [address, list(fields.items())])
        self.expect(coming.value, status)

    def submit(self, form: str, status: int = 200) -> None:
        """Send a form of the page that is open, as it was filled in."""
        with self.page.expect_navigation() as coming:
            self.page.locator(form).evaluate("(form) => form.requestSubmit()")
        self.expect(coming.value, status)

    def expect(self, reply: Response | None, status: int) -> None:
        """Note where an answer is another than the one that belongs here."""
        if reply is not None and reply.status != status:
            where = f"{reply.url} as {self.who}"
            self.survey.fault(where, f"an answer of {reply.status} instead of {status}")

    def see(self, name: str) -> list[str]:
        """Look at the page that is open, click what can be clicked, and have axe check it before
        and after, at the desk and on a telephone; return the addresses that it links to."""
        where = f"{name} as {self.who} ({self.language})"
        self.survey.visits[self.who] += 1
        self.survey.pages.add(name)
        seen = self.page.evaluate("() => tour.look()")
        if seen["headings"] != 1:
            self.survey.fault(where, f"a page has {seen['headings']} headings of level 1")
        if seen["language"] != LANGUAGES[self.language]:
            self.survey.fault(where, f"a page says that it is in {seen['language']}")
        for one in seen["twice"]:
            self.survey.fault(where, f"the id {one} stands twice")
        for width in (DESK, PHONE):
            if width == PHONE:
                self.page.set_viewport_size({"width": width, "height": HEIGHT})
            self._check(where, width)
            if self._click_through(where, name, width):
                self._check(f"{where}, clicked", width)
        self.page.set_viewport_size({"width": DESK, "height": HEIGHT})
        return list(seen["links"])

    # --- What is done on a page ----------------------------------------------------------------

    def _check(self, where: str, width: int) -> None:
        """Have axe check what is shown, if nothing alike was checked before."""
        self._fits(where)
        if not self.is_full and self.survey.visits.total() % 2 == (width == DESK):
            return  # the next page is checked at this width
        shape = self.page.evaluate("() => tour.shape()")
        for scheme in self.schemes:
            combination = (self.language, scheme, width)
            key = (*(combination if self.is_full else ()), shape)
            if key in self.survey.checked:
                continue
            self.survey.checked.add(key)
            self.survey.combinations.add(combination)
            if len(self.schemes) > 1:
                self.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            self._ask_axe(f"{where} {scheme} {width}", scheme)

    def _ask_axe(self, where: str, scheme: str) -> None:
        if not self.page.evaluate("() => Boolean(globalThis.axe)"):
            self.page.evaluate(AXE)
        found = self.page.evaluate(RUN_AXE, TAGS if scheme == self.schemes[0] else OF_COLOUR)
        for one in found:
            self.survey.impacts[one["impact"]] += len(one["nodes"])
            if one["impact"] not in STOP:
                continue
            for target, why in one["nodes"]:
                self.survey.fault(where, f"axe: {one['rule']} at {without_numbers(target)}: {why}")

    def _fits(self, where: str) -> None:
        wide, window = self.page.evaluate("() => tour.width()")
        if wide > window:
            self.survey.fault(where, f"a page is wider than the window of {window}")

    def _click_through(self, where: str, name: str, width: int) -> int:
        """Click every control that is there, and those that come with it; return how many."""
        before, clicks = self.page.url.partition("#")[0], 0
        view = name.partition("?")[0].rpartition(".")[2]
        clicked = self.survey.clicked[f"{self.party} {width}"]
        while control := self._next_control(where, clicked, view):
            clicked[control["key"]] += 1
            clicks += 1
            if control["covered"]:  # by a menu or a list that is open
                self.page.keyboard.press("Escape")
            self._click(where, control)
            if control["opensDialog"]:
                self.page.wait_for_function(IS_ASKED)
                self._check(f"{where}, asked", width)
            if self.page.url.partition("#")[0] != before:
                self.survey.fault(where, f"the control {control['name']!r} leads to another page")
                self.page.goto(before)
                break
            if clicks > MOST_CLICKS:
                self.survey.fault(where, "each click makes another control")
                break
        return clicks

    def _next_control(self, where: str, clicked: Counter[str], view: str) -> Any:
        """Return a control to click; an open dialog is closed when it has none left."""
        enough = [key for key, times in clicked.items() if times >= self.often]
        for _ in range(3):
            control = self.page.evaluate(
                "([view, enough]) => tour.next(view, enough)", [view, enough]
            )
            if control or not self.page.evaluate(IS_ASKED):
                return control
            self.page.keyboard.press("Escape")
            if self.page.evaluate(IS_ASKED):
                self.survey.fault(where, "Escape does not close a dialog")
                return None
        return None

    def _click(self, where: str, control: dict[str, Any]) -> None:
        one = self.page.locator("[data-tour]")
        try:
            if control["options"]:
                one.select_option(index=control["options"] - 1, timeout=CLICK_PATIENCE)
            else:
                one.click(timeout=CLICK_PATIENCE)
        except Error as error:
            lines = [line.strip(" -") for line in error.message.splitlines()]
            why = next((line for line in lines if "intercepts" in line), lines[-1])
            self.survey.fault(where, f"cannot click {control['name']!r}: {without_numbers(why)}")


def without_numbers(text: str) -> str:
    return re.sub(r"\d+", "n", text)


def path_of(url: str) -> str:
    """Return an address of this server without the server and what stands after #."""
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path

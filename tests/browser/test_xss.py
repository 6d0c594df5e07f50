"""No text becomes more than text (promise B1): forty payloads in every text field of every record
type, on every screen that shows it, in Chromium.

Each kind of page is opened; what the others of its kind hold is read by Chromium's parser, which
shows whether an element or a handler came out of a payload.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

import security
from models import (
    RECORD_TYPES,
    Category,
    Grievance,
    ImportBatch,
    Officer,
    OfficerSession,
    PlanStep,
    Record,
    db,
)
from rules.permissions import Role
from tests.browser.payloads import PAYLOADS, Planted, plant
from tests.browser.walking import SUBMIT, Desk, Walk
from tests.factories import make_any, make_officer
from tests.proofs import IS_FULL, in_turn
from tests.views.pages import address
from tests.views.test_import_pages import MAP

pytestmark = [pytest.mark.browser, pytest.mark.proof]
TRIED = PAYLOADS if IS_FULL else PAYLOADS[::4]
"""Those of addresses and forms; on screens a usual run has all of them too."""

# Together they open every screen.
ROLES = [Role.ADMINISTRATOR, Role.DECIDER, Role.SUPERVISOR, Role.INTAKE, Role.AUDITOR]
TOKEN = "xss" * 12

# What none of our pages has: an element or a handler out of a payload, an address that runs.
FOREIGN = """(read) => {
  const found = [], doc = read || document;
  for (const one of doc.querySelectorAll("*")) {
    const names = one.getAttributeNames();
    const odd = names.filter((name) => name.startsWith("on") || name.includes("xss"));
    if (odd.length || one.localName.includes("xss")) found.push(`<${one.localName} ${odd}>`);
    for (const name of ["href", "src", "action", "formaction", "xlink:href", "data"]) {
      const address = one.getAttribute(name) || "";
      if (/^\\s*(javascript|vbscript):/i.test(address)) found.push(`${name}=${address}`);
      if (/^\\s*(https?:)?[/\\\\]{2}/i.test(address)) found.push(`${name}=${address}`);
    }
  }
  const never = "iframe, object, embed, base, style, math, video, script:not([src]), " +
    "meta[http-equiv]";
  for (const one of doc.querySelectorAll(never)) found.push(`<${one.localName}>`);
  return found;
}"""
READ = (
    """async (paths) => {
  const foreign = """
    + FOREIGN
    + """;
  const told = [];
  await Promise.all([0, 1, 2].map(async (lane) => {
    for (let n = lane; n < paths.length; n += 3) {
      const reply = await fetch(paths[n]);
      const page = new DOMParser().parseFromString(await reply.text(), "text/html");
      const found = foreign(page);
      const type = reply.headers.get("Content-Type");
      told.push([paths[n], reply.status, found.slice(0, 3), page.body.textContent.includes("xss")]);
      if (!type.startsWith("text/html; charset=utf-8")) told.push([paths[n], type, [type], true]);
    }
  }));
  return told;
}"""
)


@dataclass
class Hunt:
    """A page of somebody who sees everything, and what came out of the payloads."""

    page: Page
    planted: Planted
    dialogs: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    opened: int = 0
    read: int = 0

    def look(self) -> None:
        """Note what the page that is open has of payloads."""
        self.opened += 1
        self.foreign += [f"{self.page.url}: {one}" for one in self.page.evaluate(FOREIGN)]

    def open(self, path: str) -> None:
        self.page.goto(path)
        self.look()

    def submit(self, path: str, **fields: str) -> None:
        """Send a form from the page that is open, and look at what comes."""
        with self.page.expect_navigation():
            self.page.evaluate(SUBMIT, [path, list(fields.items())])
        self.look()

    def read_all(self, paths: list[str]) -> list[Any]:
        """Let Chromium's parser read pages without opening each."""
        told = self.page.evaluate(READ, paths)
        self.read += len(paths)
        self.foreign += [f"{path}: {one}" for path, _, found, _ in told for one in found]
        assert {status for _, status, _, _ in told} <= {200, 403}, told
        return [one for one in told if one[3]]


@pytest.fixture(scope="module")
def planted(desk: Desk) -> Planted:
    """The desk, full of payloads; the one who looks is called by one as well."""
    with desk.app.app_context():
        planted = plant()
        officer = make_officer(username="hunter", name=PAYLOADS[13], roles=list(ROLES))
        log_in = {"officer": officer, "token_hash": security.token_hash(TOKEN)}
        make_any(OfficerSession, **log_in, device=PAYLOADS[0])
        for payload in PAYLOADS:
            make_any(OfficerSession, officer=officer, device=payload)
        db.session.commit()
    return planted


@pytest.fixture
def hunt(walk: Walk, desk: Desk, planted: Planted) -> Iterator[Hunt]:
    page = walk.enter(answers=(400, 403, 404, 405, 409, 422, 429))
    cookie = {"name": security.COOKIE, "value": TOKEN, "url": desk.address}
    page.context.add_cookies([cookie])  # type: ignore[list-item]
    hunting = Hunt(page, planted)

    def spoke(dialog: Any) -> None:
        hunting.dialogs.append(f"{page.url}: {dialog.message}")
        dialog.dismiss()

    page.on("dialog", spoke)
    # What our own guard of half-filled forms asks is a dialog too, and no payload's.
    page.add_init_script(
        "addEventListener('beforeunload', (e) => e.stopImmediatePropagation(), true)"
    )
    yield hunting
    assert hunting.dialogs == []
    assert hunting.foreign == []


def screens() -> list[type[Record]]:
    return [model for model in RECORD_TYPES if model.screen]


def test_no_screen_makes_more_of_a_text_than_text(
    hunt: Hunt, figures: Callable[[str], None]
) -> None:
    began = time.monotonic()
    shown = 0
    for turn, model in enumerate(screens()):
        ids = hunt.planted.ids[model]
        hunt.open(f"{address(model)}?page_size=200")
        for view in ("details", "history", "edit", "delete"):
            # In a usual run records show their texts in turn.
            read = in_turn(ids, turn, 2 if view == "details" else 6)
            shown += len(hunt.read_all([address(model, view, id=one) for one in read]))
            if hunt.page.evaluate(
                "(path) => fetch(path).then((r) => r.ok)", address(model, view, id=ids[0])
            ):
                hunt.open(address(model, view, id=ids[0]))
    stands = hunt.planted
    assert len(stands.stands) > 100
    assert shown > 500  # the payloads are there to be seen
    figures(
        f"B1: {len(PAYLOADS)} payloads in {len(stands.stands)} text fields of {len(stands.ids)} "
        f"record types ({stands.pairs:,} pairs), {hunt.opened} pages opened, {hunt.read:,} read in "
        f"Chromium: {len(hunt.dialogs)} dialogs, {len(hunt.foreign)} elements or handlers, 0 "
        f"violations of the policy; {time.monotonic() - began:.0f} s"
    )


def test_no_address_makes_more_of_a_text_than_text(
    hunt: Hunt, figures: Callable[[str], None]
) -> None:
    hunt.open("/admin/")
    for payload in TRIED:
        for query in (
            {
                "search": payload,
                "flt0_title_contains": payload,
                "page_size": payload,
                "after": payload,
            },
            {"sort": payload, f"flt0_{payload}_equals": payload, "flt1_id_equals": payload},
            {"flt0_category_equals": payload, "flt1_state_equals": payload, "before": payload},
        ):
            hunt.open(f"{address(Grievance)}?{urlencode(query)}")
        hunt.open(
            f"{address(Grievance)}?{urlencode({'filter_what': payload, 'filter_value': payload})}"
        )
        hunt.open(f"/admin/{urlencode({payload: payload})}/")
        hunt.open(f"{address(Grievance, 'details')}?{urlencode({'id': payload})}")
    hunt.page.context.clear_cookies()
    for payload in PAYLOADS[:4] + PAYLOADS[31:35]:
        hunt.open(f"/login?{urlencode({'next': payload})}")
        hunt.submit("/login", username=payload, password="x", next=payload)
    figures(f"B1: {len(TRIED)} payloads in addresses: {hunt.opened} pages opened, 0 dialogs")


def test_no_form_and_no_message_makes_more_of_a_text_than_text(
    hunt: Hunt, desk: Desk, figures: Callable[[str], None]
) -> None:
    for payload in TRIED:
        hunt.open(address(Category, "new"))
        hunt.submit(address(Category, "new"), name="", parent=payload, service_standard=payload)
        # What is said when it is saved.
        hunt.submit(address(Category, "new"), name=f"{payload} saved")
        expect(hunt.page.locator("[data-toasts]")).to_contain_text(payload)
        hunt.submit(hunt.page.url.replace("/details/", "/edit/"), name=payload, version="stale")
        expect(hunt.page.get_by_role("heading", level=1)).to_be_visible()
    for model in screens():
        ids = [str(one) for one in hunt.planted.ids[model]]
        if hunt.page.goto(address(model)).ok and hunt.page.locator("[data-selection]").count():  # type: ignore[union-attr]
            hunt.submit(f"{address(model, 'action')}", action="delete", rowid=ids[0])
    for path in ("/account", f"/account/officers/{desk.all(select(Officer.id))[0]}"):
        hunt.open(path)
    figures(f"B1: {len(TRIED)} payloads in forms and messages: {hunt.opened} pages, 0 dialogs")


def test_no_name_that_is_offered_makes_more_of_a_text_than_text(hunt: Hunt) -> None:
    hunt.open(address(PlanStep, "new"))
    offered = set()
    for typed in ("x-xss", "alert", "iframe", "constructor"):
        hunt.page.get_by_label("Grievance").fill(typed)
        options = hunt.page.get_by_role("option")
        expect(options.first).to_be_visible()
        offered.update(options.all_inner_texts())
        hunt.look()
        options.first.click()
    assert any("<x-xss>" in one for one in offered)
    hunt.open(address(PlanStep))
    hunt.page.locator("details.filters > summary").click()
    hunt.page.get_by_label("What to filter by").select_option("grievance_equals")
    hunt.page.get_by_label("Value").fill("x-xss")
    expect(hunt.page.locator(".lookup-list [role=option]").first).to_be_visible()
    hunt.look()


def test_no_file_that_is_imported_makes_more_of_a_text_than_text(hunt: Hunt, desk: Desk) -> None:
    lines = ["no,subject,in,group"]
    for n, payload in enumerate(PAYLOADS):
        cell = payload.replace('"', '""')
        lines.append(f'"{n}","{cell} good","2025-03-01","{cell}"')
        lines.append(f'"{cell}","{cell} bad","{cell}","{cell}"')
    for name in ("<x-xss>.csv", "<img xss src=x onerror=alert(1)>.csv"):
        hunt.open("/admin/import/")
        files = [(name, "\n".join(lines).encode()), (f"{PAYLOADS[0]}.toml", MAP)]
        for label, (file_name, content) in zip(("file", "map"), files, strict=True):
            field_ = hunt.page.locator(f"input[name={label}]")
            field_.set_input_files({"name": file_name, "mimeType": "text/csv", "buffer": content})
        hunt.page.locator("input[name=file]").locator("xpath=ancestor::form").locator(
            "button"
        ).first.click()
        expect(hunt.page.get_by_text("Would be created")).to_be_visible()
        expect(hunt.page.get_by_role("main")).to_contain_text("x-xss")
        hunt.look()
        hunt.open("/admin/import/")
    hunt.open(address(ImportBatch))
    broken = MAP.replace(b'title = "subject"', b'"<x-xss>" = "<x-xss>"')
    hunt.open("/admin/import/")
    hunt.page.locator("input[name=file]").set_input_files(
        {"name": "a.csv", "mimeType": "text/csv", "buffer": b"<x-xss>,b\n"}
    )
    hunt.page.locator("input[name=map]").set_input_files(
        {"name": "<x-xss>.toml", "mimeType": "text/plain", "buffer": broken}
    )
    hunt.page.locator("input[name=file]").locator("xpath=ancestor::form").locator(
        "button"
    ).first.click()
    expect(hunt.page.get_by_role("main")).to_contain_text("x-xss")
    hunt.look()

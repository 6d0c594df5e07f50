"""Pages that no link leads to: what comes after a form was sent, and what says that something
cannot be. Each function goes there and has the tour look around."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pyotp
from playwright.sync_api import Route

import security
from models import Category, Grievance, Office, Officer, Reprimand, db
from rules.identity import OpeningGround
from rules.permissions import Role
from tests.browser.places import Bureau
from tests.browser.touring import Tour
from tests.conftest import make_app
from tests.factories import PASSWORD, make_officer
from tests.proofs import IS_FULL
from tests.views.pages import address
from tests.views.test_import_pages import MAP, MIXED

State = tuple[Role | None, Callable[[Tour, Bureau], None]]


def a_refused_log_in(tour: Tour, bureau: Bureau) -> None:
    tour.open("/login")
    tour.send("/login", 400, username="nobody", password="five wrong words in a row")
    tour.see("a refused log-in")


def _log_in(tour: Tour, bureau: Bureau, **officer: Any) -> Officer:
    """Log in as a new officer, through the form."""
    with bureau.app.app_context():
        made = make_officer(office_id=bureau.made["office"], language=tour.language, **officer)
        db.session.commit()
        db.session.refresh(made)
        db.session.expunge(made)
    tour.open("/login")
    tour.send("/login", username=made.username, password=PASSWORD)
    return made


def what_must_be_done_first(tour: Tour, bureau: Bureau) -> None:
    _log_in(tour, bureau, must_change_password=True)
    tour.see("a password to be chosen")


def a_second_factor(tour: Tour, bureau: Bureau) -> None:
    officer = _log_in(tour, bureau)
    tour.open("/account/second-factor")
    page = tour.page
    clock = pyotp.TOTP("".join(page.locator(".secret-key").inner_text().split()))
    tour.send("/account/second-factor", 400, code="000000", current=PASSWORD)
    tour.see("a second factor refused")
    tour.send("/account/second-factor", code=clock.now(), current=PASSWORD)
    tour.see("recovery codes")
    tour.open("/account/second-factor")
    tour.see("a second factor that is set up")
    tour.send("/logout")
    tour.send("/login", username=officer.username, password=PASSWORD)
    tour.see("a code is asked for")
    tour.send("/login/code", 400, code="000000")
    tour.see("a code refused")


def a_form_with_faults(tour: Tour, bureau: Bureau) -> None:
    for model in (Grievance, Office, Reprimand):
        tour.open(address(model, "new"))
        tour.send(address(model, "new"), 422, office="no such office")
        tour.see(f"a refused form of {model.__name__}")


def two_versions(tour: Tour, bureau: Bureau) -> None:
    tour.open(address(Grievance, "edit", id=bureau.made["grievance"]))
    tour.page.locator("[name=title]").fill("Typed by the second")
    tour.page.evaluate("() => { document.querySelector('[name=version]').value = 'stale'; }")
    tour.submit(".record-form", 409)
    tour.see("two versions of a record")


def what_was_saved(tour: Tour, bureau: Bureau) -> None:
    tour.open(address(Category, "edit", id=bureau.made["category"]))
    tour.submit(".record-form")
    tour.page.locator("[data-toasts] [data-close]").wait_for()
    tour.see("a record that was saved")


def actions_on_many(tour: Tour, bureau: Bureau) -> None:
    """The preview of what can be done to many records; in a usual run some of the fields that can
    be changed."""
    for model in (Grievance, Office):
        tour.open(f"{address(model)}?page_size=20")
        choices = tour.page.locator("#bulk-action")
        actions = choices.evaluate("(one) => [...one.options].map((option) => option.value)")
        chosen = str(bureau.made[model.__tablename__])
        for action in actions if IS_FULL else [actions[0], *actions[1::8]]:
            tour.open(address(model))
            tour.send(address(model, "action"), action=action, rowid=chosen)
            tour.see(f"the preview of {action} for {model.__name__}")


def a_change_of_many(tour: Tour, bureau: Bureau) -> None:
    """What cannot be, what it would do, what was done and how to take it back."""
    for field, typed, status in (("category", "no such category", 422), ("place", "Bridge", 200)):
        tour.open(address(Grievance))
        chosen = {"action": f"change-{field}", "rowid": str(bureau.made["grievance"])}
        tour.send(address(Grievance, "action"), **chosen)
        tour.page.locator("main .form-control").fill(typed)
        tour.submit("main .card form", status)
        tour.see(f"a change of many, answered with {status}")
    tour.submit("main .card form:has([name=fingerprint])")
    assert "undo=" in tour.page.url
    tour.see("a change of many that was done")


def a_deletion(tour: Tour, bureau: Bureau) -> None:
    """Of what others refer to, and of what nobody does."""
    for model in (Office, Category, Grievance):
        tour.open(address(model, "delete", id=bureau.made[model.__tablename__]))
        tour.see(f"the deletion of {model.__name__}")


def an_import(tour: Tour, bureau: Bureau) -> None:
    page = tour.page
    tour.open("/admin/import/")
    tour.send("/admin/import/", 400)
    tour.see("an import without a file")
    for name, content in (("file", MIXED), ("map", MAP)):
        sent = {"name": f"{name}.csv", "mimeType": "text/csv", "buffer": content}
        page.locator(f"input[name={name}]").set_input_files(sent)  # type: ignore[arg-type]
    tour.submit("form:has(input[name=file])")
    page.locator("main form[action$='/import']").wait_for()
    tour.see("an import that was checked")
    tour.submit("main form[action$='/import']")
    page.locator("main a.btn[href*='import_batch']").wait_for()
    tour.see("an import that was done")


def an_identity(tour: Tour, bureau: Bureau) -> None:
    base = f"/admin/sealed/{bureau.made['grievance']}"
    tour.open(f"{base}/seal")
    tour.send(f"{base}/seal", 400)
    tour.see("an empty identity")
    tour.send(f"{base}/seal", name="Ada Quill", phone="0117 496 0815")
    tour.see("a sealed identity")
    tour.send(f"{base}/open", 400, ground=OpeningGround.ANSWER, reason="")
    tour.see("an opening without a reason")
    tour.send(f"{base}/open", ground=OpeningGround.ANSWER, reason="The answer goes out today")
    tour.see("an opened identity")


def roles_that_wait(tour: Tour, bureau: Bureau) -> None:
    base = f"/account/officers/{bureau.made['officer']}"
    tour.open(f"{base}/roles")
    tour.send(f"{base}/roles", 400, held="handler", roles="auditor", reason="")
    tour.see("roles without a reason")
    tour.send(f"{base}/roles", held="handler", roles="auditor", reason="Audits from May")
    tour.see("roles that were asked for")
    tour.open(f"{base}/roles")
    tour.see("roles that wait for another")
    tour.open(f"{base}/leaving/ask?left_on=2030-01-02")
    tour.see("a question before somebody leaves")
    tour.open(base)
    tour.send(base, password="new")
    tour.see("a password that was given")


def what_cannot_be(tour: Tour, bureau: Bureau) -> None:
    for status, path in (
        (403, address(Office, "new")),
        (404, address(Grievance, "details", id=799_999_999)),
        (404, "/admin/nothing-here/"),
        (405, "/logout"),
        (400, f"{address(Grievance)}?flt0_nope_equals=1"),
        (200, f"{address(Grievance)}?search=nobody+wrote+this"),
    ):
        tour.open(path, status)
        tour.see(f"the answer {status} to {path}")
    tour.open("/admin/")
    with tour.page.expect_navigation() as coming:
        tour.page.evaluate(SEND_WITHOUT_TOKEN)
    tour.expect(coming.value, 400)
    tour.see("a form without its token")


SEND_WITHOUT_TOKEN = """() => {
  const form = document.createElement("form");
  form.method = "post";
  form.action = "/language";
  document.body.append(form);
  form.submit();
}"""


def _answer(route: Route, **told: Any) -> None:
    route.fulfill(**told)


def what_fails(tour: Tour, bureau: Bureau) -> None:
    """The answers to a fault of the program and to a database that is away, as an application
    beside the one that is looked at gives them."""
    url = str(bureau.app.config["SQLALCHEMY_DATABASE_URI"])
    folder = bureau.app.config["INSTANCE"]
    sound = make_app(url, folder, PROPAGATE_EXCEPTIONS=False)
    away = make_app("postgresql://nobody@127.0.0.1:1/nothing", folder, PROPAGATE_EXCEPTIONS=False)

    @sound.get("/a-fault")
    @security.public
    def fault() -> Any:
        raise RuntimeError("as a fault of the program would")

    replies = {
        500: sound.test_client().get("/a-fault"),
        503: away.test_client().get("/healthz"),
    }
    for status, reply in replies.items():
        assert reply.status_code == status, reply.text
        headers = {name: text for name, text in reply.headers if name != "Content-Length"}
        told = {"status": status, "headers": headers, "body": reply.text}
        tour.page.route(f"**/fails-with-{status}", partial(_answer, **told))
        tour.open(f"/fails-with-{status}", status)
        tour.see(f"a failure of {status}")


STATES: list[State] = [
    (None, a_refused_log_in),
    (None, what_must_be_done_first),
    (None, a_second_factor),
    (Role.ADMINISTRATOR, a_form_with_faults),
    (Role.ADMINISTRATOR, two_versions),
    (Role.ADMINISTRATOR, what_was_saved),
    (Role.ADMINISTRATOR, actions_on_many),
    (Role.ADMINISTRATOR, a_change_of_many),
    (Role.ADMINISTRATOR, a_deletion),
    (Role.ADMINISTRATOR, roles_that_wait),
    (Role.INTAKE, an_import),
    (Role.INTAKE, an_identity),
    (Role.HANDLER, what_cannot_be),
    (None, what_fails),
]

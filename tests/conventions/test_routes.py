"""Every route x method x role is decided, by default no (promise A1).

routes.csv holds what each role gets of each route. These tests perform every one of them against
one record of each type, in the office of the officer who asks, and compare:

  yes      let in (a page, a file, a redirect onwards, or words about what was typed)
  no       refused: the role does not include it
  absent   not found: the record is outside what the officer sees
  log in   sent to log in first
"""

import csv
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Date, DateTime, Numeric, String, Text, inspect
from sqlalchemy.orm import MANYTOONE
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

import security
from models import RECORD_TYPES, Record, db
from rules.permissions import Role, Verb, may
from tests.factories import make_any, make_office, make_officer

TABLE = Path(__file__).with_name("routes.csv")
COLUMNS = ["visitor", *Role]
REWRITE = (
    "If that is what you want, write the table anew and read the difference before you commit it:\n"
    "  UPDATE_ROUTES=1 make test t=tests/conventions/test_routes.py"
)
PUBLIC = {
    ("GET", "/"),
    ("GET", "/healthz"),
    ("GET", "/login"),
    ("POST", "/login"),
    ("GET", "/login/code"),
    ("POST", "/login/code"),
    ("POST", "/language"),
    ("POST", "/appearance"),
}

Decisions = dict[tuple[str, str], dict[str, str]]


def routes(app: Flask) -> Iterator[tuple[str, Rule]]:
    """Yield each method and rule of `app`; HEAD is GET, and OPTIONS is answered by Flask itself
    to who is logged in."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield method, rule


def stored() -> Decisions:
    with TABLE.open(encoding="utf-8", newline="") as file:
        return {
            (row["method"], row["route"]): {role: row[role] for role in COLUMNS}
            for row in csv.DictReader(file)
        }


def write(decisions: Decisions) -> None:
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["method", "route", *COLUMNS])
        for (method, route), cells in decisions.items():
            writer.writerow([method, route, *(cells[role] for role in COLUMNS)])


# --- What is asked ---------------------------------------------------------------------------


def seed(office: int) -> dict[str, int]:
    """Make one record of each type in `office`; return their ids by the name of the table."""
    made: dict[str, int] = {"office": office}
    for model in RECORD_TYPES:
        given = {}
        for path in model.office_paths:
            key = path.partition(".")[0].removesuffix("_id") + "_id"
            if key in model.__table__.columns:  # else it leads to many, which are made later
                (target,) = model.__table__.columns[key].foreign_keys
                if target.column.table.name in made:  # else it comes later, and may be none
                    given[key] = made[target.column.table.name]
        made.setdefault(model.__tablename__, make_any(model, **given).id)
    return made


RELATIONS = {
    model.__tablename__: next(
        (
            name
            for name, relation in inspect(model).relationships.items()
            if relation.direction is MANYTOONE
        ),
        "",
    )
    for model in RECORD_TYPES
}

FIELDS = {
    model.__tablename__: next(
        (
            column.key
            for column in model.__table__.columns
            if not (column.foreign_keys or column.primary_key or column.info.get("set_by"))
            and isinstance(column.type, String | Date | DateTime | Numeric)
            and not isinstance(column.type, Text)
            and "read" not in column.info
            and not column.info.get("secret")
        ),
        RELATIONS[model.__tablename__],
    )
    for model in RECORD_TYPES
}


STEP_OF = {
    "casework.step": "acknowledge",
    "findings.finding_step": "notify",
    "findings.notice_step": "issue",
    "visits.step": "cancel",
}
"""A step of each life-cycle, for the place of its name."""


def places(rule: Rule, made: dict[str, int]) -> dict[str, Any]:
    """Return what stands in the places of an address; a place that is not known here is filled
    by adding it."""
    known = {
        "export_type": "csv",
        "filename": "redress.css",
        "name": STEP_OF.get(rule.endpoint, "boston"),
        "officer_id": made["officer"],
        "log_in_id": made["officer_session"],
        "batch_id": made["import_batch"],
        "grievance_id": made["grievance"],
        "opening_id": made["identity_opening"],
        "request_id": made["identity_request"],
        "role_change_id": made["role_change"],
        "step_id": made["plan_step"],
        "conference_id": made["joint_conference"],
        "version_id": made["work_calendar"],
        "key": "england",
        "step": "pause",
        "override_id": made["impartiality_override"],
        "link_id": made["grievance_link"],
        "decision_id": made["decision"],
        "document_id": made["document"],
        "letter_id": made["letter"],
        "report_id": made["retaliation_report"],
        "opening": made["identity_opening"],
        "inspection_id": made["inspection"],
        "kind": "answer",
        "row_id": made["inspection_answer"],
        "paper_id": made["inspection_document"],
        "office_id": made["office"],
        "assignment_id": made["supervision_assignment"],
        "group_id": made["supervision_group"],
        "term_id": made["group_membership"],
        "what": "log-ins",
        "proposal_id": made["assignment_proposal"],
        "line_id": made["proposed_assignment"],
        "language": "en",
        "record_id": made["finding" if "/finding/" in rule.rule else "supervision_notice"],
    }
    missing = rule.arguments - known.keys()
    assert not missing, f"{rule.rule}: say in `places` what stands for {missing}"
    return {name: known[name] for name in rule.arguments}


class Asker:
    """Asks every route as one officer, or as a visitor, and takes back what each did."""

    def __init__(self, app: Flask, role: Role | None, made: dict[str, int]) -> None:
        self.app = app
        browser: Any = app.test_client()
        own = {}
        if role:
            officer = make_officer(roles=[role], office_id=made["office"])
            browser.log_in(officer)
            own = {
                model.__tablename__: make_any(model, officer_id=officer.id).id
                for model in RECORD_TYPES
                if model.owner_path == "officer_id"
            }
        self.made = made | own
        self.token = browser.token()
        names = (security.COOKIE, security.VISITOR_COOKIE)
        held = [(name, browser.get_cookie(name)) for name in names]
        self.cookies = "; ".join(f"{name}={cookie.value}" for name, cookie in held if cookie)
        self.browser = app.test_client(use_cookies=False)

    def ask(self, method: str, rule: Rule) -> str:
        """Return the word for what was answered."""
        reply = self.reply(method, rule)
        assert reply.status_code < 500, f"{rule.rule} answers {reply.status}"
        if reply.status_code == 401 or (reply.location or "").startswith("/login?next="):
            return "log in"
        return {403: "no", 404: "absent", 405: "never"}.get(reply.status_code, "yes")

    def reply(self, method: str, rule: Rule) -> TestResponse:
        """Ask, and take back what it did."""
        table = rule.endpoint.partition(".")[0].removeprefix("record_")
        query: dict[str, Any] = {"id": self.made.get(table, 1)}
        if rule.endpoint.endswith(".ajax_lookup"):
            query |= {"name": RELATIONS[table], "query": ""}
        if rule.endpoint.endswith(".ajax_update"):
            query |= {"name": FIELDS[table]}
        with self.app.test_request_context():
            path = self.app.url_map.bind("localhost").build(
                rule.endpoint, places(rule, self.made), method=method
            )
        data = {"csrf_token": self.token} | query if method == "POST" else None
        before = db.session.get_bind().begin_nested()
        try:
            reply = self.browser.open(
                path,
                method=method,
                query_string=query,
                data=data,
                headers={"Cookie": self.cookies},
            )
            reply.close()
        finally:
            before.rollback()
        return reply


# --- What must hold --------------------------------------------------------------------------


def test_every_route_gives_each_role_what_the_table_says(
    app: Flask, session: Any, figures: Callable[[str], None]
) -> None:
    made = seed(make_office().id)
    decisions: Decisions = {(method, rule.rule): {} for method, rule in routes(app)}
    for role in (None, *Role):
        asker = Asker(app, role, made)
        for method, rule in routes(app):
            decisions[method, rule.rule][role or "visitor"] = asker.ask(method, rule)
    if os.environ.get("UPDATE_ROUTES"):
        write(decisions)
    expected = stored()
    wrong = [
        f"{method} {route} as {role}: {got}, the table says {expected[method, route][role]}"
        for (method, route), cells in decisions.items()
        if (method, route) in expected
        for role, got in cells.items()
        if got != expected[method, route][role]
    ]
    asked = sum(len(cells) for cells in decisions.values())
    figures(
        f"A1: {len(decisions)} routes and methods x {len(COLUMNS)} (each role and a visitor) = "
        f"{asked:,} performed: {len(wrong)} differ from the stored table"
    )
    assert not wrong, "\n".join([*wrong[:40], f"{len(wrong)} differ.", REWRITE])


def test_every_route_is_in_the_table_and_nothing_else_is(app: Flask) -> None:
    there, listed = {(method, rule.rule) for method, rule in routes(app)}, set(stored())
    if os.environ.get("UPDATE_ROUTES"):
        pytest.skip("the table is being written")
    assert not there - listed, f"Not decided yet: {sorted(there - listed)}\n{REWRITE}"
    assert not listed - there, f"In the table but not there: {sorted(listed - there)}\n{REWRITE}"


def test_a_visitor_gets_only_what_is_public() -> None:
    open_to_all = {
        key
        for key, cells in stored().items()
        if cells["visitor"] != "log in" and not key[1].endswith("static/<path:filename>")
    }
    assert open_to_all == PUBLIC


def test_no_form_is_taken_without_its_token(app: Flask, session: Any) -> None:
    asker = Asker(app, Role.ADMINISTRATOR, seed(make_office().id))
    asker.token = ""
    taken = [
        rule.rule
        for method, rule in routes(app)
        if method != "GET" and asker.reply(method, rule).status_code != 400
    ]
    assert taken == []


VERBS = {
    "": Verb.READ,
    "details/": Verb.READ,
    "history/": Verb.READ,
    "ajax/lookup/": Verb.READ,
    "new/": Verb.CREATE,
    "edit/": Verb.EDIT,
    "ajax/update/": Verb.EDIT,
    "delete/": Verb.DELETE,
    "export/<export_type>/": Verb.EXPORT,
}


def granted(model: type[Record], role: Role, verb: Verb) -> bool:
    changes = verb in (Verb.CREATE, Verb.EDIT, Verb.DELETE)
    return may(frozenset({role}), model.desk, verb) and not (changes and model.read_only)


@pytest.mark.parametrize(
    "model", [model for model in RECORD_TYPES if model.screen], ids=lambda model: model.__name__
)
def test_the_table_agrees_with_the_matrix_of_rights(model: type[Record]) -> None:
    prefix = f"/admin/{model.__tablename__.replace('_', '-')}/"
    rows = {key: cells for key, cells in stored().items() if key[1].startswith(prefix)}
    assert {route.removeprefix(prefix) for _, route in rows} >= set(VERBS)
    for (method, route), cells in rows.items():
        verb = VERBS.get(route.removeprefix(prefix), Verb.READ)
        for role in Role:
            refused = cells[role] == "no"
            # A route may ask for more than its verb, never for less.
            assert refused or granted(model, role, verb), (method, route, role)
            if route.removeprefix(prefix) in VERBS:
                assert refused is not granted(model, role, verb), (method, route, role)


def test_no_record_type_without_a_screen_has_a_route(app: Flask) -> None:
    hidden = [model for model in RECORD_TYPES if not model.screen]
    assert hidden
    for model in hidden:
        name = model.__tablename__.replace("_", "-")
        assert not [rule.rule for _, rule in routes(app) if f"/{name}/" in rule.rule]

"""No object is reachable by its id alone (promise A2).

One office with an officer of each role, another office whose records carry the word FOREIGN, and
every way to a record: its pages, its forms, lists, searches, filters, autocomplete, files, actions.
"""

import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

import security
from models import (
    RECORD_TYPES,
    Grievance,
    GrievanceLink,
    Officer,
    OfficeRecord,
    PlanStep,
    Record,
    SavedView,
    db,
)
from rules.permissions import READS_EVERY_OFFICE, Role, Verb, may
from tests.conftest import make_app
from tests.factories import (
    make_any,
    make_grievance,
    make_grievance_link,
    make_office,
    make_officer,
    make_officer_session,
    make_plan_step,
    make_saved_view,
)
from tests.views.pages import without_tokens

CANARY = "FOREIGN"
SCOPED = [role for role in Role if role not in READS_EVERY_OFFICE]
PAGES = {"details": Verb.READ, "history": Verb.READ, "edit": Verb.EDIT, "delete": Verb.DELETE}
NOT_IDS = ["1,2", "abc", "-1", "0", "", "1.0", "%20", "１", str(2**63), "9" * 30, "1'--",
           "1 OR 1=1", "1;DROP TABLE grievance", "[]", "null"]  # fmt: skip


@dataclass
class World:
    """The application and the ids of what is in it."""

    app: Flask
    browsers: dict[Role, Any] = field(default_factory=dict)
    officers: dict[Role, int] = field(default_factory=dict)
    own: dict[type[Record], int] = field(default_factory=dict)
    foreign: dict[type[Record], int] = field(default_factory=dict)
    deleted: dict[type[Record], int] = field(default_factory=dict)
    others: dict[type[Record], int] = field(default_factory=dict)
    link: int = 0

    def state(self) -> Any:
        """Return what is in the tables that nobody here may change."""
        with self.app.app_context():
            return [
                db.session.execute(select(model.__table__).order_by(model.id)).all()
                for model in (Grievance, PlanStep, GrievanceLink, SavedView)
            ]


@pytest.fixture(scope="module")
def world(
    fresh_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    world = World(make_app(fresh_database(), tmp_path_factory.mktemp("instance")))
    with world.app.app_context():
        _fill(world)
    yield world
    with world.app.app_context():
        db.engine.dispose()


def _fill(world: World) -> None:
    ours, theirs = make_office().id, make_office(name=f"{CANARY} office").id
    for office, place in ((ours, world.own), (ours, world.deleted), (theirs, world.foreign)):
        word = CANARY if office == theirs else "Own"
        grievance = make_grievance(
            title=f"{word} grievance",
            description=f"{word} description",
            place=f"{word} street",
            responsible_office_id=office,
        )
        step = make_plan_step(grievance_id=grievance.id, subject=f"{word} step")
        place[Grievance], place[PlanStep] = grievance.id, step.id
    for model in (PlanStep, Grievance):
        db.session.delete(db.session.get_one(model, world.deleted[model]))
    world.foreign[SavedView] = make_saved_view(name=f"{CANARY} view").id
    world.link = make_grievance_link(
        grievance_id=world.own[Grievance],
        other_grievance_id=world.foreign[Grievance],
        subject="The same pipe",
    ).id
    for model in RECORD_TYPES:
        if issubclass(model, OfficeRecord):
            world.others[model] = make_any(model).id  # its offices are made with it
    for role in Role:
        officer = make_officer(roles=[role], office_id=ours)
        token = secrets.token_urlsafe()
        make_officer_session(officer_id=officer.id, token_hash=security.token_hash(token))
        world.officers[role] = officer.id
        world.browsers[role] = world.app.test_client()
        world.browsers[role].set_cookie(security.COOKIE, token)
    db.session.commit()


def address(model: type[Record], page: str = "") -> str:
    return f"/admin/{model.__tablename__.replace('_', '-')}/{page}/".replace("//", "/")


def granted(role: Role, verb: Verb, model: type[Record]) -> bool:
    """Whether the role may do this to records of the type at all. What is read only has no forms:
    nobody changes it, whatever they may do at its desk."""
    changes = verb in (Verb.CREATE, Verb.EDIT, Verb.DELETE)
    return may(frozenset({role}), model.desk, verb) and not (changes and model.read_only)


def told(reply: Any) -> tuple[int, str]:
    """Return what a person learns from an answer: its status, and its text without the address
    that was asked for, the number of the request and the tokens of forms."""
    return reply.status_code, re.sub(r'value="[^"]*"', "", without_tokens(reply.text))


# --- Pages and forms -------------------------------------------------------------------------


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("model", [Grievance, PlanStep])
@pytest.mark.parametrize("page", PAGES)
def test_a_record_of_another_office_looks_like_one_that_is_not_there(
    world: World, role: Role, model: type[Record], page: str
) -> None:
    browser = world.browsers[role]
    own, foreign, deleted, never = (
        browser.get(address(model, page), query_string={"id": number})
        for number in (world.own[model], world.foreign[model], world.deleted[model], 2**62)
    )
    if not granted(role, PAGES[page], model):
        assert {own.status_code, foreign.status_code, never.status_code} == {403}
    elif role in SCOPED:
        assert own.status_code == 200
        assert told(foreign) == told(deleted) == told(never)
        assert foreign.status_code == 404
    else:
        assert (own.status_code, foreign.status_code) == (200, 200)
        assert CANARY in foreign.text or page == "history"
        assert never.status_code == 404
    if role in SCOPED:
        assert CANARY not in foreign.text


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("model", [Grievance, PlanStep])
@pytest.mark.parametrize("page", PAGES)
def test_what_is_no_id_is_answered_in_words(
    world: World, role: Role, model: type[Record], page: str
) -> None:
    expected = 404 if granted(role, PAGES[page], model) else 403
    for number in NOT_IDS:
        reply = world.browsers[role].get(address(model, page), query_string={"id": number})
        assert reply.status_code == expected, number
        assert "<h1>" in reply.text
    null = world.browsers[role].get(address(model, page), query_string={"id": "1\0"})
    assert null.status_code == 400
    assert world.browsers[role].get(address(model, page)).status_code == expected


@pytest.mark.parametrize("role", SCOPED)
def test_no_form_reaches_a_record_of_another_office(world: World, role: Role) -> None:
    browser, before = world.browsers[role], world.state()
    for model in (Grievance, PlanStep):
        number = world.foreign[model]
        for page, verb in (("edit", Verb.EDIT), ("delete", Verb.DELETE)):
            # Even with the version that an administrator's form carries.
            form = world.browsers[Role.ADMINISTRATOR].get(f"{address(model, page)}?id={number}")
            (version,) = set(re.findall(r'name="version" value="([^"]+)"', form.text))
            reply = browser.send(
                f"{address(model, page)}?id={number}",
                id=str(number),
                version=version,
                title="Taken over",
                subject="Taken over",
            )
            assert reply.status_code == (404 if granted(role, verb, model) else 403)
        browser.send(f"{address(model)}ajax/update/", pk=str(number), name="title", value="x")
        for fields in ({"rowid": str(number)}, {"all": "1"}):
            browser.send(f"{address(model)}action/", action="delete", **fields)
    assert world.state() == before


@pytest.mark.parametrize("role", [role for role in SCOPED if granted(role, Verb.CREATE, PlanStep)])
@pytest.mark.parametrize("way", ["id", "name", "number"])
def test_nothing_is_hung_on_a_record_of_another_office(world: World, role: Role, way: str) -> None:
    browser, before = world.browsers[role], world.state()
    foreign = world.foreign[Grievance]
    with world.app.app_context():
        title = str(db.session.get_one(Grievance, foreign))
    typed = {
        "id": {"grievance": title, "grievance-id": str(foreign)},
        "name": {"grievance": title},
        "number": {"grievance": f"#{foreign}"},
    }[way]
    fields = {"subject": "Slipped in", "due_on": "2026-12-01", "state": "planned"} | typed
    assert browser.send(address(PlanStep, "new"), **fields).status_code == 422
    own = f"{address(PlanStep, 'edit')}?id={world.own[PlanStep]}"
    (version,) = set(re.findall(r'name="version" value="([^"]+)"', browser.get(own).text))
    reply = browser.send(own, version=version, **fields)
    assert reply.status_code == 422
    assert world.state() == before


def test_the_same_form_with_a_record_of_ones_own_is_taken(world: World) -> None:
    browser, own = world.browsers[Role.HANDLER], world.own[Grievance]
    with world.app.app_context():
        title = str(db.session.get_one(Grievance, own))
    reply = browser.send(
        address(PlanStep, "new"),
        subject="Let in",
        due_on="2026-12-01",
        grievance=title,
        **{"grievance-id": str(own)},
    )
    assert reply.status_code in (302, 303), reply.text
    with world.app.app_context():
        assert db.session.scalar(select(PlanStep.id).where(PlanStep.subject == "Let in"))


@pytest.mark.parametrize("role", Role)
def test_nobody_deletes_or_changes_what_is_another_officer_s_own(world: World, role: Role) -> None:
    browser, before = world.browsers[role], world.state()
    number = world.foreign[SavedView]
    for page in ("edit", "delete"):
        reply = browser.get(f"{address(SavedView, page)}?id={number}")
        assert reply.status_code in (403, 404)
    url = f"{address(SavedView)}action/"
    for fields in ({"rowid": str(number)}, {"all": "1"}):
        preview = browser.send(url, action="delete", **fields)
        found = re.search(r'name="fingerprint" value="([^"]+)"', preview.text)
        if found:
            browser.send(url, action="delete", fingerprint=found[1], **fields)
    assert world.state() == before


# --- Lists, searches, files ------------------------------------------------------------------

WAYS = [
    {}, {"search": CANARY}, {"search": "FOREIGN street"}, {"search": "F"}, {"page_size": "200"},
    {"flt0_title_contains": CANARY}, {"flt0_subject_contains": CANARY},
    {"flt0_description_contains": CANARY}, {"flt0_grievance_equals": "{grievance}"},
    {"flt0_id_equals": "{id}"}, {"flt0_responsible_office_equals": "{office}"},
    {"sort": "title"}, {"sort": "description"}, {"sort": "place", "desc": "1"},
    {"flt0_responsible_office_empty": "0"}, {"after": "x"}, {"before": "x"}, {"page": "-1"},
]  # fmt: skip


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("model", [Grievance, PlanStep])
def test_no_list_and_no_file_shows_a_record_of_another_office(
    world: World, role: Role, model: type[Record]
) -> None:
    browser = world.browsers[role]
    with world.app.app_context():
        foreign = db.session.get_one(Grievance, world.foreign[Grievance])
        known = {
            "grievance": str(foreign.id),
            "office": str(foreign.responsible_office_id),
            "id": str(world.foreign[model]),
        }
    seen = 0
    for way in WAYS:
        query = {key: value.format(**known) for key, value in way.items()}
        for path in (address(model), address(model, "export/csv")):
            reply = browser.get(path, query_string=query)
            assert reply.status_code in (200, 400), (path, query)
            body = reply.get_data().decode("utf-8")
            seen += f"{CANARY} grievance" in body or f"{CANARY} step" in body
        if seen and role not in SCOPED:
            break  # these roles show that the others are refused something that is there
    assert (seen > 0) is (role not in SCOPED)


@pytest.mark.parametrize("role", Role)
def test_autocomplete_offers_nothing_of_another_office(world: World, role: Role) -> None:
    browser = world.browsers[role]
    offered = ""
    for typed in ("", CANARY, "FOREIGN grievance", "F", str(world.foreign[Grievance])):
        query = {"name": "grievance", "query": typed, "limit": "100000"}
        reply = browser.get(f"{address(PlanStep)}ajax/lookup/", query_string=query)
        assert reply.status_code == 200
        assert len(reply.json) <= 20
        offered += reply.text
    assert (CANARY in offered) is (role not in SCOPED)


@pytest.mark.parametrize("role", SCOPED)
def test_what_a_record_refers_to_elsewhere_is_named_and_nothing_more(
    world: World, role: Role
) -> None:
    browser = world.browsers[role]
    pages = [f"{address(GrievanceLink, page)}?id={world.link}" for page in PAGES]
    pages += [
        address(GrievanceLink),
        address(GrievanceLink, "export/csv"),
        f"{address(GrievanceLink)}?search={CANARY}",
        f"{address(Grievance, 'details')}?id={world.own[Grievance]}",
    ]
    for page in pages:
        reply = browser.get(page)
        assert reply.status_code in (200, 400, 403), page
        body = reply.get_data().decode("utf-8")
        assert f"{CANARY} description" not in body, page
        assert f"{CANARY} street" not in body, page


@pytest.mark.parametrize("role", SCOPED)
def test_a_record_of_any_type_stays_in_its_office(world: World, role: Role) -> None:
    for model, number in world.others.items():
        for page, verb in PAGES.items():
            reply = world.browsers[role].get(f"{address(model, page)}?id={number}")
            expected = 404 if granted(role, verb, model) else 403
            assert reply.status_code == expected, (model, page)


def test_officers_are_known_to_all_but_their_secrets_to_nobody(world: World) -> None:
    with world.app.app_context():
        secret = db.session.scalar(select(Officer.password_hash).limit(1))
    assert secret
    for browser in world.browsers.values():
        for path in (
            address(Officer),
            f"{address(Officer, 'details')}?id=1",
            address(Officer, "export/csv"),
            f"{address(Officer, 'history')}?id=1",
            f"{address(Officer)}?search=argon2id",
            f"{address(Officer)}?flt0_password_hash_contains=argon2id",
        ):
            text = browser.get(path).get_data().decode("utf-8")
            assert secret not in text
            # Only what was typed comes back: "There is no filter “password_hash_contains”".
            assert "password_hash" not in text.replace("password_hash_contains", "")

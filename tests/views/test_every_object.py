"""No object of any type is reachable by its id alone (promise A2): for each record type, each role
and each kind of route, the record of another office, one that was deleted and one that never was
get the same answer, byte for byte; so does what is no id at all.

tests/views/test_object_access.py looks closely at two record types; this one at all of them.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from models import RECORD_TYPES, OfficeRecord, OwnRecord, Record, db
from rules.permissions import READS_EVERY_OFFICE, Desk, Role, Verb, may
from tests.conftest import Client, make_app
from tests.conventions.test_routes import RELATIONS, seed
from tests.factories import make_any, make_office, make_officer
from tests.proofs import IS_FULL, in_turn
from tests.views.pages import address, without_tokens

SCREENS = [model for model in RECORD_TYPES if model.screen]
KEPT_APART = [model for model in SCREENS if issubclass(model, OfficeRecord | OwnRecord)]
NEVER = 799_999_999  # as long as the others, so that no answer differs by its length
NOT_IDS = ("1,2", "-1", "0", "", str(2**63), "9" * 40, "' or 1=1--", "1;select 1", "１", "null")
SENT = ("edit_post", "delete_post", "update", "action", "action_all")
KINDS = ("details", "history", "edit", "delete", "list", "csv", "lookup", *SENT)


@dataclass
class World:
    """Who asks, and the ids of what is not theirs."""

    app: Flask
    browsers: dict[Role, Client] = field(default_factory=dict)
    tokens: dict[Role, str] = field(default_factory=dict)
    own: dict[str, int] = field(default_factory=dict)
    foreign: dict[str, int] = field(default_factory=dict)
    deleted: dict[str, int] = field(default_factory=dict)
    asked: int = 0

    def ask(self, role: Role, model: type[Record], kind: str, number: object) -> tuple[int, str]:
        """Return what somebody learns from asking for the record of this number."""
        self.asked += 1
        browser, spelled = self.browsers[role], quote(str(number))
        if kind in SENT:
            return told(self._send(browser, self.tokens[role], model, kind, number))
        paths = {
            "list": address(model, flt0_id_equals=spelled),
            "csv": address(model, "export/csv", flt0_id_equals=spelled),
            "lookup": address(model, "ajax/lookup", name=_relation(model), query=f"%23{spelled}"),
        }
        return told(browser.get(paths.get(kind, address(model, kind, id=spelled))))

    def _send(
        self, browser: Client, token: str, model: type[Record], kind: str, number: object
    ) -> Any:
        view = {"edit_post": "edit", "delete_post": "delete", "update": "ajax/update"}
        path = address(model, view.get(kind, "action"))
        query = {"id": str(number)} if kind == "edit_post" else {}
        if kind == "action_all":
            query = {"flt0_id_equals": str(number)}
        fields = {"csrf_token": token, "id": str(number), "pk": str(number), "version": "x"}
        fields |= {"action": "delete", "rowid": str(number)}
        if kind == "action_all":
            fields["all"] = "1"
        return browser.post(path, query_string=query, data=fields, follow_redirects=True)


def _relation(model: type[Record]) -> str:
    return RELATIONS[model.__tablename__]


def told(reply: Any) -> tuple[int, str]:
    """Return the status, the headers that say something and the text, without the number that was
    asked for and the tokens of forms."""
    body = reply.get_data().decode()
    said = f"{reply.headers.get('Location')} {reply.headers.get('Content-Type')} {body}"
    return reply.status_code, re.sub(r"\b7\d{8}\b", "N", without_tokens(said))


@pytest.fixture(scope="module")
def world(
    fresh_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    world = World(make_app(fresh_database(), tmp_path_factory.mktemp("objects")))
    with world.app.app_context():
        start = count(700_000_001, 100_000)
        for model in RECORD_TYPES:
            table = model.__tablename__
            db.session.execute(text(f"ALTER TABLE {table} ALTER id RESTART WITH {next(start)}"))
        ours = make_office().id
        world.own, world.foreign = seed(ours), seed(make_office().id)
        world.deleted = _deleted()
        for role in Role:
            officer = make_officer(roles=[role], office_id=ours)
            world.browsers[role] = world.app.test_client()  # type: ignore[assignment]
            world.browsers[role].let_in(officer)
        db.session.commit()
    for role, browser in world.browsers.items():
        page = browser.get("/account").text
        world.tokens[role] = re.findall(r'name="csrf_token" value="([^"]+)"', page)[0]
    yield world
    with world.app.app_context():
        db.engine.dispose()


def _deleted() -> dict[str, int]:
    """Make a record of each type and delete it again, where the database lets it go."""
    gone = {}
    for model in SCREENS:
        savepoint = db.session.begin_nested()
        record = make_any(model)
        gone[model.__tablename__] = record.id
        try:
            db.session.delete(record)
            db.session.flush()
            savepoint.commit()
        except IntegrityError:
            savepoint.rollback()
    return gone


def _sees_all(role: Role, model: type[Record]) -> bool:
    if issubclass(model, OwnRecord):
        return may(frozenset({role}), Desk.TRAIL, Verb.READ)
    return role in READS_EVERY_OFFICE


def asked_as(turn: int) -> tuple[Role, ...]:
    """Return as whom a record type is asked for. From a handler most is kept; from the other two
    something else, and they take turns. `make proofs` asks as every role."""
    if IS_FULL:
        return tuple(Role)
    return Role.HANDLER, (Role.ADMINISTRATOR, Role.SUPERVISOR)[turn % 2]


@pytest.mark.proof
def test_what_is_not_theirs_was_deleted_or_never_was_is_answered_in_the_same_way(
    world: World, figures: Callable[[str], None]
) -> None:
    differ, asked = [], world.asked
    for turn, model in enumerate(SCREENS):
        table = model.__tablename__
        for role in asked_as(turn):
            apart = model in KEPT_APART and not _sees_all(role, model)
            if not apart and role not in (Role.ADMINISTRATOR, Role.HANDLER):
                continue  # nothing is kept from them, and their rights are those of these two
            for kind in KINDS:
                never = world.ask(role, model, kind, NEVER)
                others = {"deleted": world.deleted[table]}
                if apart:
                    others["foreign"] = world.foreign[table]
                differ += [
                    f"{table} {kind} as {role}: {which} is not answered as one that never was"
                    for which, number in others.items()
                    if world.ask(role, model, kind, number) != never
                ]
    assert differ == []
    figures(
        f"A2: {world.asked - asked:,} questions for records of another office, deleted and never "
        f"made: {len(SCREENS)} record types x {len(KINDS)} kinds of route, as roles from whom "
        "something is kept: 0 differ from “there is none”"
    )


def test_their_own_record_is_there(world: World) -> None:
    """Else the test above would pass where everything is refused."""
    seen = 0
    for model in KEPT_APART:
        for role in Role:
            status, _ = world.ask(role, model, "details", world.own[model.__tablename__])
            seen += status == 200
    assert seen > len(KEPT_APART)


@pytest.mark.proof
def test_what_is_no_id_is_answered_as_what_never_was(
    world: World, figures: Callable[[str], None]
) -> None:
    asked = world.asked
    for turn, model in enumerate(SCREENS):
        for role in (Role.ADMINISTRATOR, Role.HANDLER):
            for kind in ("details", "edit", "delete", "delete_post"):
                never = world.ask(role, model, kind, NEVER)
                for number in in_turn(NOT_IDS, turn):
                    assert world.ask(role, model, kind, number) == never, (
                        model,
                        role,
                        kind,
                        number,
                    )
    page = world.browsers[Role.HANDLER].get(address(SCREENS[0], "details", id="1%00"))
    assert page.status_code == 400
    figures(f"A2: {world.asked - asked:,} questions with what is no id: all as if there were none")

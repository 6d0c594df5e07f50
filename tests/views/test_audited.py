"""Every form that changes something leaves its entry, of the right officer and request (C7)."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import delete, select

from models import RECORD_TYPES, AuditEntry, OfficeRecord, db
from rules.permissions import Desk, Role, Verb, may
from rules.records import AuditVerb
from tests.conftest import Client
from tests.conventions.test_routes import stored
from tests.factories import PASSWORD, make_any, make_office, make_officer
from tests.views.pages import address, form_to, record_form, words

EDITED = [model for model in RECORD_TYPES if model.screen and not model.read_only]
BY_TABLE = {model.__tablename__: model for model in RECORD_TYPES}
VERBS = {"new": Verb.CREATE, "edit": Verb.EDIT, "delete": Verb.DELETE, "action": Verb.DELETE}
LEAVES = {
    "new": AuditVerb.INSERT,
    "edit": AuditVerb.UPDATE,
    "delete": AuditVerb.DELETE,
    "action": AuditVerb.DELETE,
}
MADE_ANYWAY = ("finding_id",)  # may be empty, and the factory fills it
_done: dict[Role, int] = {}


def make_for(model: Any, office: int, owner: int) -> Any:
    """Make a record that officers of `office` see, with all it hangs on."""
    if model.desk is Desk.RETALIATION:
        # What accuses an office is kept from its whole line: whoever sees it is of another.
        office = make_office().id
    given: dict[str, Any] = {model.owner_path: owner} if model.owner_path else {}
    shown = {path.partition(".")[0].removesuffix("_id") + "_id" for path in model.office_paths}
    for column in model.__table__.columns:
        for key in column.foreign_keys:
            parent = BY_TABLE[key.column.table.name]
            if column.name in shown and parent.__tablename__ == "office":
                given[column.name] = office
            elif column.name in shown or (
                issubclass(parent, OfficeRecord)
                and (not column.nullable or column.name in MADE_ANYWAY)
            ):
                given[column.name] = make_for(parent, office, owner).id
    return make_any(model, **given)


def entries_after(last: int) -> list[AuditEntry]:
    db.session.expire_all()
    return list(db.session.scalars(select(AuditEntry).where(AuditEntry.id > last)))


def last_entry() -> int:
    return int(db.session.scalar(select(AuditEntry.id).order_by(AuditEntry.id.desc()).limit(1)))


class Hands:
    """Somebody of one role at the forms of one record type."""

    def __init__(self, client: Client, model: Any, office: int) -> None:
        self.client, self.model = client, model
        self.record = make_for(model, office, client.officer_id)
        self.id = int(self.record.id)

    def form(self, view: str) -> dict[str, Any]:
        page = self.client.get(address(self.model, view, id=self.id))
        assert page.status_code == 200, (self.model, view, page.status_code, words(page)[:300])
        return record_form(page) if view != "delete" else form_to(page, "/delete/")

    def new(self) -> Any:
        fields = self.form("edit")
        fields.pop("version")
        with db.session.no_autoflush:
            db.session.execute(delete(self.model).where(self.model.id == self.id))
            db.session.expunge(self.record)
        return lambda: self.client.post(address(self.model, "new"), data=fields)

    def edit(self) -> Any:
        fields = self.form("edit")
        columns = self.model.__table__.columns
        for key, typed in another_values(columns, fields):
            return lambda: self.client.post(
                address(self.model, "edit", id=self.id), data=fields | {key: [typed]}
            )
        raise AssertionError(f"{self.model} has nothing to edit")

    def delete(self) -> Any:
        fields = self.form("delete")
        return lambda: self.client.post(address(self.model, "delete", id=self.id), data=fields)

    def action(self) -> Any:
        preview = self.client.send(address(self.model, "action"), action="delete", rowid=[self.id])
        assert preview.status_code == 200, words(preview)[:300]
        fields = form_to(preview, "/action/")
        return lambda: self.client.post(address(self.model, "action"), data=fields)


def another_values(columns: Any, fields: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield fields that may hold another value, with what to type."""
    for key in fields:
        kind = columns[key].type if key in columns else None
        if kind is not None and kind.python_type is str and not hasattr(kind, "enums"):
            yield key, "another text"
    for key in fields:
        kind = columns[key].type if key in columns else None
        if kind is not None and hasattr(kind, "enums"):
            yield key, next(one for one in kind.enums if [one] != fields[key])
    for key in fields:
        if key in columns and columns[key].type.python_type.__name__ == "date":
            yield key, "2027-01-02"


@pytest.mark.parametrize("role", Role)
def test_every_form_of_a_role_leaves_an_entry_of_its_officer_and_request(
    role: Role, as_role: Callable[..., Client], session: Any, figures: Callable[[str], None]
) -> None:
    requests: set[str] = set()
    cells = 0
    for model in EDITED:
        for name, verb in VERBS.items():
            if not may(frozenset({role}), model.desk, verb):
                continue
            office = make_office().id
            client = as_role(role, office_id=office)
            send = getattr(Hands(client, model, office), name)()
            before = last_entry()
            reply = send()
            assert reply.status_code in (302, 303), (model, name, words(reply)[:400])
            found = entries_after(before)
            assert (model.__tablename__, LEAVES[name]) in {
                (entry.record_type, entry.verb) for entry in found
            }, (model, name)
            assert {entry.officer_id for entry in found} == {client.officer_id}, (model, name)
            (request,) = {entry.request_id for entry in found}
            assert request
            assert request not in requests
            requests.add(request)
            cells += 1
    assert cells == cells_in_the_table(role)
    _done[role] = cells
    if len(_done) == len(Role):
        figures(
            f"C7: {sum(_done.values())} forms of {len(EDITED)} record types x {len(Role)} roles "
            "sent, each left an entry of its officer and request"
        )


def cells_in_the_table(role: Role) -> int:
    """Return how many of the stored routes let this role change a record."""
    forms = {f"/admin/{model.__tablename__.replace('_', '-')}/{name}/": VERBS[name]
             for model in EDITED for name in VERBS}  # fmt: skip
    # Whoever may edit many at once comes to /action/ as well: here it is tried for deleting.
    # "absent": the role has the form, but the record tried there is kept from it (see `make_for`).
    table, has = stored(), ("yes", "absent")
    return sum(
        cells[role] in has and table["POST", route.replace("/action/", "/delete/")][role] in has
        for (method, route), cells in table.items()
        if method == "POST" and route in forms
    )


def test_what_an_officer_does_to_their_account_leaves_an_entry_too(
    as_role: Callable[..., Client], session: Any, app: Any
) -> None:
    client = as_role(Role.ADMINISTRATOR)
    other = make_officer()
    visitor: Any = app.test_client()
    visitor.let_in(other)
    acts: dict[str, tuple[Any, str]] = {
        "change the language": (lambda: client.send("/language", language="zh_Hans_CN"), "officer"),
        "change the colours": (lambda: client.send("/appearance", appearance="dark"), "officer"),
        "change the password": (
            lambda: client.send("/account", current=PASSWORD, password=f"{PASSWORD} 2",
                                again=f"{PASSWORD} 2"),
            "officer",
        ),
        "give a password": (
            lambda: client.send(f"/account/officers/{other.id}", password="1"), "officer"
        ),
        "log out": (lambda: client.send("/logout"), "officer_session"),
    }  # fmt: skip
    for name, (act, table) in acts.items():
        before = last_entry()
        reply = act()
        assert reply.status_code in (200, 302, 303), (name, words(reply)[:400])
        found = entries_after(before)
        assert table in {entry.record_type for entry in found}, name
        assert {entry.officer_id for entry in found} == {client.officer_id}, name
        assert len({entry.request_id for entry in found}) == 1, name

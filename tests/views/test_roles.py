"""Roles are given by two administrators and taken away by one, through HTTP and against the
database (promises A5, B6)."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

import security
from models import Officer, RoleChange, db
from rules.accounts import RoleChangeState
from rules.permissions import Role
from tests.conftest import Client
from tests.factories import make_officer
from tests.statements import statements
from tests.views.pages import words

WHY = "Decides appeals from May"


def roles_of(officer_id: int) -> list[str]:
    db.session.expire_all()
    return list(db.session.get_one(Officer, officer_id).roles)


def the_request() -> RoleChange:
    db.session.expire_all()
    query = select(RoleChange).order_by(RoleChange.id.desc()).limit(1)
    return db.session.scalars(query).one()


def ask(client: Client, officer_id: int, *wanted: str, reason: str = WHY) -> Any:
    """Fill in the page of roles as it stands now."""
    return client.send(
        f"/account/officers/{officer_id}/roles",
        held=roles_of(officer_id),
        roles=list(wanted),
        reason=reason,
    )


def decide(client: Client, what: str, **fields: str) -> str:
    """Press a button on the page of the newest request; return the words of the page after it."""
    number = the_request().id
    reply = client.send(f"/account/role-requests/{number}", what=what, **fields)
    assert reply.status_code == 303, reply.text
    return words(client.get(reply.location))


@pytest.fixture
def hana(session: Any) -> int:
    """A handler who is to become a decider."""
    return make_officer(username="hana", name="Hana").id


@pytest.fixture
def ada(as_role: Callable[..., Client]) -> Client:
    return as_role(Role.ADMINISTRATOR, username="ada", name="Ada")


@pytest.fixture
def bea(as_role: Callable[..., Client]) -> Client:
    return as_role(Role.ADMINISTRATOR, username="bea", name="Bea")


# --- Giving ----------------------------------------------------------------------------------


def test_a_role_is_given_when_another_administrator_approves(
    ada: Client, bea: Client, hana: int
) -> None:
    assert ask(ada, hana, "handler", "decider").status_code == 303
    assert roles_of(hana) == [Role.HANDLER]
    change = the_request()
    assert (change.roles, change.state, change.asked_by_id) == (
        [Role.DECIDER],
        RoleChangeState.ASKED,
        ada.officer_id,
    )
    assert "The roles are given." in decide(bea, "approve")
    assert roles_of(hana) == [Role.HANDLER, Role.DECIDER]
    change = the_request()
    assert (change.state, change.decided_by_id) == (RoleChangeState.APPROVED, bea.officer_id)
    assert change.ended_at is not None


def test_a_new_right_holds_at_the_next_request(
    ada: Client, bea: Client, as_role: Callable[..., Client]
) -> None:
    hana = as_role(Role.HANDLER)
    assert hana.get("/admin/import-batch/").status_code == 403
    ask(ada, hana.officer_id, "handler", "intake")
    assert hana.get("/admin/import-batch/").status_code == 403
    decide(bea, "approve")
    assert hana.get("/admin/import-batch/").status_code == 200


def test_who_asked_does_not_approve(ada: Client, hana: int) -> None:
    ask(ada, hana, "handler", "decider")
    page = words(ada.get(f"/admin/role-change/details/?id={the_request().id}"))
    assert "Take it back" in page
    assert "Approve" not in page
    assert "you asked for it" in decide(ada, "approve")
    assert "you asked for it" in decide(ada, "refuse", reasons="No")
    assert roles_of(hana) == [Role.HANDLER]


def test_whom_it_is_for_does_not_approve(ada: Client, bea: Client) -> None:
    ask(ada, bea.officer_id, "administrator", "decider")
    page = words(bea.get(f"/admin/role-change/details/?id={the_request().id}"))
    assert "Approve" not in page
    assert "the roles are for you" in decide(bea, "approve")
    assert roles_of(bea.officer_id) == [Role.ADMINISTRATOR]


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMINISTRATOR])
def test_nobody_but_administrators_asks_and_decides(
    ada: Client, hana: int, as_role: Callable[..., Client], role: Role
) -> None:
    ask(ada, hana, "handler", "decider")
    number = the_request().id
    other = as_role(role)
    assert other.get(f"/account/officers/{hana}/roles").status_code == 403
    assert ask(other, hana, "administrator").status_code == 403
    seen = 200 if role is Role.AUDITOR else 403
    assert other.get("/admin/role-change/").status_code == seen
    page = other.get(f"/admin/role-change/details/?id={number}")
    assert page.status_code == seen
    assert "Approve" not in words(page)
    reply = other.send(f"/account/role-requests/{number}", what="approve")
    assert reply.status_code in (403, 404)
    assert roles_of(hana) == [Role.HANDLER]


def test_a_request_is_refused_with_reasons(ada: Client, bea: Client, hana: int) -> None:
    ask(ada, hana, "handler", "decider")
    assert "Say why you refuse." in decide(bea, "refuse", reasons=" ")
    assert "The request is refused." in decide(bea, "refuse", reasons="She handles these herself")
    change = the_request()
    assert (change.state, change.decision_reasons) == (
        RoleChangeState.REFUSED,
        "She handles these herself",
    )
    assert "has been decided" in decide(bea, "approve")
    assert roles_of(hana) == [Role.HANDLER]


def test_who_asked_takes_it_back_and_nobody_else(ada: Client, bea: Client, hana: int) -> None:
    ask(ada, hana, "handler", "decider")
    assert "Only who asked takes a request back." in decide(bea, "take_back")
    assert "The request is taken back." in decide(ada, "take_back")
    assert the_request().state is RoleChangeState.TAKEN_BACK
    assert "has been decided" in decide(bea, "approve")


def test_a_request_that_waited_seven_days_gives_nothing(
    ada: Client, bea: Client, hana: int
) -> None:
    ask(ada, hana, "handler", "decider")
    for age, said in [("6 days 23 hours", "Approve"), ("7 days", "")]:
        db.session.execute(
            text("UPDATE role_change SET asked_at = now() - CAST(:age AS interval)"), {"age": age}
        )
        db.session.commit()
        page = words(bea.get(f"/admin/role-change/details/?id={the_request().id}"))
        assert ("Why you refuse" in page) is bool(said)
    assert "Ask anew." in decide(bea, "approve")
    assert roles_of(hana) == [Role.HANDLER]
    bea.get(f"/account/officers/{hana}/roles")
    assert the_request().state is RoleChangeState.EXPIRED
    assert ask(ada, hana, "handler", "decider").status_code == 303  # and makes room for another


def test_there_is_one_open_request_for_an_officer(ada: Client, bea: Client, hana: int) -> None:
    ask(ada, hana, "handler", "decider")
    reply = ask(bea, hana, "handler", "auditor")
    assert reply.status_code == 400
    assert "asked for already" in words(reply)
    assert "Waits for another administrator" in words(bea.get(f"/account/officers/{hana}/roles"))


@pytest.mark.parametrize(
    ("wanted", "reason", "says"),
    [
        (["handler"], WHY, "the roles that the officer has"),
        (["handler", "decider"], "  ", "Say why"),
        (["handler", "tsar"], WHY, "from the list only"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_in_words(
    ada: Client, hana: int, wanted: list[str], reason: str, says: str
) -> None:
    reply = ask(ada, hana, *wanted, reason=reason)
    assert (reply.status_code, says in words(reply)) == (400, True)
    assert db.session.scalar(select(func.count()).select_from(RoleChange)) == 0


# --- Taking away -----------------------------------------------------------------------------


def test_a_role_is_taken_at_once_and_dies_at_the_next_request(
    ada: Client, as_role: Callable[..., Client]
) -> None:
    hana = as_role(Role.HANDLER, Role.INTAKE)
    assert hana.get("/admin/import-batch/").status_code == 200
    assert ask(ada, hana.officer_id, "handler").status_code == 303
    assert hana.get("/admin/import-batch/").status_code == 403
    change = the_request()
    assert (change.state, change.roles, change.asked_by_id, change.decided_by_id) == (
        RoleChangeState.DONE,
        [Role.INTAKE],
        ada.officer_id,
        None,
    )


def test_what_is_taken_is_gone_and_what_is_added_waits(ada: Client, bea: Client, hana: int) -> None:
    ask(ada, hana, "decider")
    assert roles_of(hana) == []
    decide(bea, "approve")
    assert roles_of(hana) == [Role.DECIDER]


def test_a_change_meanwhile_is_not_undone(ada: Client, hana: int) -> None:
    db.session.execute(text("UPDATE officer SET roles = '{handler,intake}' WHERE name = 'Hana'"))
    db.session.commit()
    reply = ada.send(
        f"/account/officers/{hana}/roles", held=["handler"], roles=["handler"], reason=WHY
    )
    assert "changed in the meantime" in words(reply)
    assert roles_of(hana) == [Role.HANDLER, Role.INTAKE]


def test_the_last_administrator_stays(ada: Client) -> None:
    reply = ask(ada, ada.officer_id)
    assert "the last administrator who can log in" in words(reply)
    assert roles_of(ada.officer_id) == [Role.ADMINISTRATOR]
    make_officer(roles=[Role.ADMINISTRATOR], password_hash=None)  # cannot log in
    assert ask(ada, ada.officer_id).status_code == 400
    make_officer(roles=[Role.ADMINISTRATOR])
    assert ask(ada, ada.officer_id).status_code == 303
    assert ada.get("/admin/role-change/").status_code == 403


def test_giving_and_taking_are_in_the_trail_of_the_officer(
    ada: Client, bea: Client, hana: int
) -> None:
    ask(ada, hana, "decider")
    decide(bea, "approve")
    told = db.session.execute(
        text(
            "SELECT officer_id, changes -> 'roles' FROM audit_entry WHERE record_type = 'officer'"
            " AND record_id = :id AND verb = 'update' ORDER BY id"
        ),
        {"id": hana},
    ).all()
    assert told == [
        (ada.officer_id, [["handler"], []]),
        (bea.officer_id, [[], ["decider"]]),
    ]


def test_the_page_of_roles_costs_few_statements(ada: Client, hana: int) -> None:
    ask(ada, hana, "handler", "decider")
    ada.get(f"/account/officers/{hana}/roles")
    with statements() as sent:
        assert ada.get(f"/account/officers/{hana}/roles").status_code == 200
    assert len(sent) <= 7, sent


# --- The database holds it too ---------------------------------------------------------------


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE officer SET roles = '{administrator}' WHERE name = 'Hana' RETURNING (SELECT 1)",
        "INSERT INTO officer (name, username, office_id, roles) SELECT 'X', 'x', office_id,"
        " '{administrator}' FROM officer LIMIT 1 RETURNING id",
        "INSERT INTO role_change (officer_id, kind, roles, reason) SELECT id, 'give',"
        " '{administrator}', 'x' FROM officer LIMIT 1 RETURNING id",
        "UPDATE role_change SET state = 'approved' RETURNING (SELECT 1)",
    ],
)
def test_the_application_may_not_write_roles(
    app: Flask, session: Any, ada: Client, hana: int, sql: str
) -> None:
    with app.app_context(), security.acting_for(ada.officer_id):
        session.commit()
        session.execute(text("SET LOCAL ROLE redress_app"))
        with pytest.raises(DBAPIError, match="permission denied"):
            session.execute(text(sql))
        session.rollback()
    assert roles_of(hana) == [Role.HANDLER]


@pytest.mark.parametrize("who", ["asker", "concerned", "handler", "nobody"])
def test_the_function_refuses_who_may_not_approve(
    app: Flask, session: Any, ada: Client, bea: Client, who: str
) -> None:
    ask(ada, bea.officer_id, "administrator", "decider")
    change = the_request().id
    handler = make_officer(roles=[Role.HANDLER, Role.DECIDER, Role.AUDITOR]).id
    number = {
        "asker": ada.officer_id,
        "concerned": bea.officer_id,
        "handler": handler,
        "nobody": None,
    }[who]
    with app.app_context(), security.acting_for(number):
        session.commit()
        with pytest.raises(IntegrityError, match="roles are not changed"):
            session.execute(select(func.redress_apply_roles(change)))
        session.rollback()
    assert roles_of(bea.officer_id) == [Role.ADMINISTRATOR]


def test_only_the_system_gives_roles_directly(
    app: Flask, session: Any, ada: Client, hana: int
) -> None:
    with app.app_context(), security.acting_for(ada.officer_id):
        session.commit()
        with pytest.raises(IntegrityError, match="by_administrator"):
            session.execute(text("SELECT redress_give_roles(:id, '{decider}')"), {"id": hana})
        session.rollback()
    assert roles_of(hana) == [Role.HANDLER]

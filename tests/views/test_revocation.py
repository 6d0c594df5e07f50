"""A right that is taken away dies at the next request (promise A5), whichever request it is."""

import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

import security
from models import (
    Grievance,
    GroupMembership,
    Officer,
    OfficerSession,
    PlanStep,
    SupervisionAssignment,
    db,
)
from rules.permissions import Role
from tests.conftest import Client, make_app
from tests.factories import (
    make_any,
    make_grievance,
    make_group_membership,
    make_office,
    make_officer,
    make_plan_step,
    make_supervision_assignment,
    make_supervision_group,
)
from tests.views.pages import address

WORD = "Canary of the mine"


def _days(n: int) -> Any:
    return security.today() + timedelta(days=n)


def _change(model: type[Any], **values: Any) -> Callable[[dict[type[Any], int]], None]:
    def change(ids: dict[type[Any], int]) -> None:
        record = db.session.get_one(model, ids[model])
        for key, value in values.items():
            setattr(record, key, value() if callable(value) else value)

    return change


def _ago(**time: int) -> Callable[[], datetime]:
    return lambda: datetime.now(UTC) - timedelta(**time)


# What is taken away: from whom, and how.
REVOKED: dict[str, tuple[Role, Callable[[dict[type[Any], int]], None]]] = {
    "the role that reads every office": (Role.AUDITOR, _change(Officer, roles=[Role.HANDLER])),
    "every role": (Role.HANDLER, _change(Officer, roles=list)),
    "the post: they left yesterday": (Role.HANDLER, _change(Officer, left_on=lambda: _days(-1))),
    "the post: they leave today": (Role.HANDLER, _change(Officer, left_on=lambda: _days(0))),
    "the password": (Role.HANDLER, _change(Officer, password_hash=None)),
    "the log-in": (Role.HANDLER, _change(OfficerSession, ended_at=_ago(seconds=1))),
    "time: nothing was asked for long": (
        Role.HANDLER,
        _change(OfficerSession, seen_at=_ago(minutes=31)),
    ),
    "time: the log-in is old": (Role.HANDLER, _change(OfficerSession, started_at=_ago(hours=13))),
    "the office": (Role.HANDLER, _change(Officer, office_id=lambda: make_office().id)),
    "the grievance: it is routed elsewhere": (
        Role.HANDLER,
        _change(Grievance, responsible_office_id=lambda: make_office().id),
    ),
    "the place in a group": (
        Role.SUPERVISOR,
        _change(GroupMembership, ends_on=lambda: _days(0)),
    ),
    "the office from the group": (
        Role.SUPERVISOR,
        _change(SupervisionAssignment, ends_on=lambda: _days(0)),
    ),
}
WAYS: dict[str, Callable[[dict[type[Any], int]], str]] = {
    "page": lambda ids: address(Grievance, "details", id=ids[Grievance]),
    "list": lambda ids: address(Grievance),
    "search": lambda ids: address(Grievance, search="canary"),
    "page of a part": lambda ids: address(PlanStep, "details", id=ids[PlanStep]),
    "autocomplete": lambda ids: address(PlanStep, "ajax/lookup", name="grievance", query="canary"),
    "file": lambda ids: address(Grievance, "export/csv"),
    "history": lambda ids: address(Grievance, "history", id=ids[Grievance]),
}


@pytest.fixture(scope="module")
def bureau(
    fresh_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Flask]:
    """Where commits are real, as those of whoever takes a right away."""
    app = make_app(fresh_database(), tmp_path_factory.mktemp("revocation"))
    yield app
    with app.app_context():
        db.engine.dispose()


def _somebody(bureau: Flask, role: Role) -> tuple[Client, dict[type[Any], int]]:
    """Let in an officer who sees one grievance, and return the ids of what lets them see it."""
    ids: dict[type[Any], int] = {}
    with bureau.app_context():
        office = make_office().id
        at_home = office if role is Role.HANDLER else make_office().id
        officer = make_officer(roles=[role], office_id=at_home)
        ids[Officer] = officer.id
        ids[Grievance] = make_grievance(title=WORD, responsible_office_id=office).id
        ids[PlanStep] = make_plan_step(grievance_id=ids[Grievance], subject=WORD).id
        group = make_supervision_group().id
        if role is Role.SUPERVISOR:
            in_group = {"group_id": group, "starts_on": _days(-9)}
            ids[GroupMembership] = make_group_membership(officer_id=officer.id, **in_group).id
            ids[SupervisionAssignment] = make_supervision_assignment(
                office_id=office, **in_group
            ).id
        token = secrets.token_urlsafe()
        ids[OfficerSession] = make_any(
            OfficerSession, officer_id=officer.id, token_hash=security.token_hash(token)
        ).id
        db.session.commit()
    browser: Any = bureau.test_client()
    browser.set_cookie(security.COOKIE, token)
    return browser, ids


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("what", REVOKED)
def test_a_right_that_is_taken_away_dies_at_the_next_request(
    bureau: Flask, dead: list[tuple[str, str]], what: str, way: str
) -> None:
    role, revoke = REVOKED[what]
    browser, ids = _somebody(bureau, role)
    path = WAYS[way](ids)
    for _ in range(2):
        assert WORD.encode() in browser.get(path).get_data()
    with bureau.app_context():
        revoke(ids)
        db.session.commit()
    reply = browser.get(path)
    assert WORD.encode() not in reply.get_data()
    assert reply.status_code in (200, 302, 403, 404)
    dead.append((what, way))


@pytest.fixture(scope="module")
def dead(figures: Callable[[str], None]) -> Iterator[list[tuple[str, str]]]:
    """What died at the next request."""
    found: list[tuple[str, str]] = []
    yield found
    figures(
        f"A5: {len({what for what, _ in found})} ways to take a right away x "
        f"{len({way for _, way in found})} ways to use it: {len(found)} died at the next request"
    )

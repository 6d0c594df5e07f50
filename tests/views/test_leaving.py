"""Officers who leave: what closes, what somebody must take over, and the way back."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, text

import security
from models import Officer, RecoveryCode, RoleChange, SecondFactor, db
from rules.accounts import RoleChangeState
from rules.grievance import GrievanceState
from rules.permissions import Role
from tests.conftest import Client
from tests.factories import (
    NOON,
    PASSWORD,
    make_decision,
    make_duty_shift,
    make_extension,
    make_grievance,
    make_group_membership,
    make_inspection,
    make_joint_conference,
    make_officer,
    make_plan_step,
    make_reception_day,
    make_recovery_code,
    make_reprimand,
    make_role_change,
    make_routing_objection,
    make_second_factor,
)
from tests.statements import statements
from tests.views.pages import form_to, row_ids, words


@pytest.fixture
def ada(as_role: Callable[..., Client]) -> Client:
    return as_role(Role.ADMINISTRATOR, username="ada", name="Ada")


@pytest.fixture
def today(app: Flask) -> Any:
    with app.app_context():
        return security.today()


def again(officer_id: int) -> Officer:
    db.session.expire_all()
    return db.session.get_one(Officer, officer_id)


def leave(ada: Client, officer_id: int, day: Any) -> Any:
    return ada.send(f"/account/officers/{officer_id}/leaving", left_on=str(day))


def test_who_leaves_today_has_nothing_left_that_opens_a_door(
    ada: Client, as_role: Callable[..., Client], today: Any
) -> None:
    lee = as_role(Role.HANDLER, Role.DECIDER, username="lee", second_factor_since=NOON)
    make_second_factor(officer_id=lee.officer_id)
    make_recovery_code(officer_id=lee.officer_id)
    for_lee = make_role_change(officer_id=lee.officer_id, roles=[Role.AUDITOR]).id
    assert lee.get("/account").status_code == 200
    assert leave(ada, lee.officer_id, today).status_code == 303
    assert lee.get("/account").status_code == 302
    officer = again(lee.officer_id)
    assert (officer.password_hash, officer.second_factor_since, officer.roles) == (None, None, [])
    for model in (SecondFactor, RecoveryCode):
        assert db.session.scalar(select(func.count()).select_from(model)) == 0
    assert db.session.get_one(RoleChange, for_lee).state is RoleChangeState.LAPSED
    open_log_ins = text(
        "SELECT count(*) FROM officer_session WHERE officer_id = :id AND ended_at IS NULL"
    )
    assert db.session.scalar(open_log_ins, {"id": lee.officer_id}) == 0
    page = words(ada.get(f"/account/officers/{lee.officer_id}/leaving"))
    assert "The account is closed." in page


def test_who_leaves_later_serves_until_then(
    app: Flask, ada: Client, as_role: Callable[..., Client], today: Any
) -> None:
    lee = as_role(Role.HANDLER, username="lee")
    leave(ada, lee.officer_id, today + timedelta(days=2))
    assert lee.get("/account").status_code == 200
    assert again(lee.officer_id).roles == [Role.HANDLER]
    closing = app.test_cli_runner().invoke(args=["close-accounts"])
    assert closing.output == "0 accounts closed, 0 requests for roles ended\n"
    db.session.execute(text("UPDATE officer SET left_on = CURRENT_DATE WHERE username = 'lee'"))
    db.session.commit()
    assert lee.get("/account").status_code == 302  # the day alone is enough
    closing = app.test_cli_runner().invoke(args=["close-accounts"])
    assert closing.output == "1 accounts closed, 0 requests for roles ended\n"
    officer = again(lee.officer_id)
    assert (officer.password_hash, officer.roles) == (None, [])
    again_closing = app.test_cli_runner().invoke(args=["close-accounts"])
    assert again_closing.output == "0 accounts closed, 0 requests for roles ended\n"


def test_the_command_ends_requests_that_waited_too_long(app: Flask, session: Any) -> None:
    old = make_role_change(asked_at=datetime.now(UTC) - timedelta(days=7, minutes=1)).id
    new = make_role_change(asked_at=datetime.now(UTC) - timedelta(days=6)).id
    done = app.test_cli_runner().invoke(args=["close-accounts"])
    assert done.output == "0 accounts closed, 1 requests for roles ended\n"
    session.expire_all()
    assert session.get_one(RoleChange, old).state is RoleChangeState.EXPIRED
    assert session.get_one(RoleChange, new).state is RoleChangeState.ASKED


def test_who_comes_back_needs_a_new_password_and_gets_no_role_by_it(
    ada: Client, client: Client, as_role: Callable[..., Client], today: Any
) -> None:
    lee = as_role(Role.HANDLER, username="lee").officer_id
    leave(ada, lee, today)
    reply = ada.send(f"/account/officers/{lee}/leaving", back="1")
    assert reply.status_code == 303
    assert (again(lee).left_on, again(lee).roles) == (None, [])
    assert client.send("/login", username="lee", password=PASSWORD).status_code == 400
    page = ada.send(f"/account/officers/{lee}", password="new").text
    (password,) = re.findall(r"shown-once\">([a-z0-9-]{23})<", page)
    client.send("/login", username="lee", password=password)
    assert client.get("/admin/").location == "/account/password"


def test_nobody_records_that_they_leave_themselves(ada: Client, today: Any) -> None:
    make_officer(roles=[Role.ADMINISTRATOR])
    reply = leave(ada, ada.officer_id, today)
    assert (reply.status_code, "Another administrator" in words(reply)) == (400, True)
    assert again(ada.officer_id).left_on is None


def test_the_last_who_could_log_in_as_administrator_stays(
    ada: Client, session: Any, today: Any
) -> None:
    # Ada goes on with a log-in while her password is gone: Bea is the last who can log in.
    bea = make_officer(roles=[Role.ADMINISTRATOR]).id
    officer = again(ada.officer_id)
    officer.left_on = today + timedelta(days=1)
    session.commit()
    session.execute(text("UPDATE officer SET left_on = NULL WHERE id = :id"), {"id": officer.id})
    session.execute(
        text("UPDATE officer SET roles = '{administrator}' WHERE id = :id"), {"id": bea}
    )
    session.commit()
    assert leave(ada, bea, today).status_code == 303  # Ada stays
    assert again(bea).roles == []


@pytest.mark.parametrize("day", ["", "tomorrow", "2026-02-31"])
def test_a_day_that_is_none_is_refused(ada: Client, day: str) -> None:
    lee = make_officer().id
    reply = leave(ada, lee, day)
    assert (reply.status_code, "Write the day as" in words(reply)) == (400, True)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMINISTRATOR])
def test_nobody_but_administrators_sees_and_records_it(
    as_role: Callable[..., Client], today: Any, role: Role
) -> None:
    lee = make_officer().id
    other = as_role(role)
    assert other.get(f"/account/officers/{lee}/leaving").status_code == 403
    assert leave(other, lee, today).status_code == 403
    assert again(lee).left_on is None


def test_the_form_of_the_officer_does_not_set_the_day(ada: Client) -> None:
    lee = make_officer().id
    page = ada.get(f"/admin/officer/edit/?id={lee}")
    assert 'name="left_on"' not in page.text
    assert f"/account/officers/{lee}/leaving" in ada.get(f"/admin/officer/details/?id={lee}").text


def test_what_is_still_held_is_listed_with_the_way_to_it(ada: Client, session: Any) -> None:
    lee = make_officer(name="Lee").id
    soon, past = datetime.now(UTC) + timedelta(hours=3), NOON
    wanted = {
        "Grievances they handle": make_grievance(handler_id=lee).id,
        "Grievances they lead": make_grievance(lead_official_id=lee).id,
        "Steps of plans that wait for them": make_plan_step(officer_id=lee).id,
        "Decisions they have drafted that are not given": make_decision(drafted_by_id=lee).id,
        "More time they have asked for": make_extension(asked_by_id=lee).id,
        "Objections they have made that are open": make_routing_objection(asked_by_id=lee).id,
        "Supervision groups they belong to": make_group_membership(officer_id=lee).id,
        "Inspections they are in charge of": make_inspection(inspector_id=lee).id,
        "Reprimands they have drafted that are not decided": make_reprimand(drafted_by_id=lee).id,
        "Shifts they are on duty": make_duty_shift(
            officer_id=lee, starts_at=soon, ends_at=soon + timedelta(hours=8)
        ).id,
        "Days on which they receive the public": make_reception_day(
            leader_id=lee, starts_at=soon, ends_at=soon + timedelta(hours=8)
        ).id,
        "Conferences they are to chair": make_joint_conference(chair_id=lee, meets_at=soon).id,
    }
    make_grievance(handler_id=lee, state=GrievanceState.CLOSED, closed_at=datetime.now(UTC))
    make_duty_shift(officer_id=lee, starts_at=past, ends_at=past + timedelta(hours=8))
    ada.get("/account")
    with statements() as sent:
        page = ada.get(f"/account/officers/{lee}/leaving")
    assert len(sent) <= 5, sent
    shown = re.findall(r'<li><a href="([^"]+)">([^<:]+): (\d+)</a></li>', page.text)
    assert {label: number for _, label, number in shown} == dict.fromkeys(wanted, "1")
    for address, label, _ in shown:
        found = ada.get(unescape(address))
        assert (found.status_code, row_ids(found)) == (200, [wanted[label]]), label


def test_nothing_held_is_said(ada: Client) -> None:
    page = words(ada.get(f"/account/officers/{make_officer().id}/leaving"))
    assert "Nothing. All is handed over." in page


def test_whom_the_trail_names_is_not_deleted(
    ada: Client, as_role: Callable[..., Client], session: Any
) -> None:
    lee = as_role(Role.HANDLER, username="lee")
    lee.send("/language", language="en", next="/account")
    with pytest.raises(Exception, match="named_in_trail|the trail names|audit_entry"):
        with session.begin_nested():
            session.execute(text("DELETE FROM officer WHERE id = :id"), {"id": lee.officer_id})
    assert again(lee.officer_id).username == "lee"
    page = ada.get(f"/admin/officer/delete/?id={lee.officer_id}")
    assert (page.status_code, "Audit entries" in words(page)) == (200, True)


def test_whom_nothing_names_can_be_deleted(ada: Client) -> None:
    lee = make_officer(name="Lee").id
    page = ada.get(f"/admin/officer/delete/?id={lee}")
    assert page.status_code == 200
    fields = {key: one[-1] for key, one in form_to(page, "/admin/officer/delete/").items()}
    reply = ada.post("/admin/officer/delete/", data=fields)
    assert reply.status_code == 302, words(reply)
    assert db.session.scalar(select(func.count()).where(Officer.id == lee)) == 0

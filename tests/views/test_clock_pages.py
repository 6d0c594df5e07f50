"""The pages of clocks: what they show, and the forms that let one stand still or have more time."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import render_template
from sqlalchemy import select

import security
from actions import clocks as acting
from models import Clock, Extension, Grievance, Pause
from rules.grievance import RequestState
from rules.offices import ClockStage, ClockStart
from rules.permissions import Role
from tests.conftest import Client
from tests.factories import (
    make_category,
    make_grievance,
    make_office,
    make_officer,
    make_rule_pack,
    make_service_standard,
    make_work_calendar,
)
from tests.statements import statements
from tests.views.test_bulk import confirm, done, preview, undo
from tests.views.test_forms import edit_form
from views.clocks import for_case

DAY = timedelta(days=1)


@pytest.fixture
def office(session: Any) -> int:
    make_work_calendar(calendar_version=1, in_force_since=datetime(2020, 1, 1, tzinfo=UTC))
    pack = make_rule_pack(is_in_use=True, extension_authority=Role.DECIDER, extension_most=10)
    make_service_standard(pack=pack.code, name="The law", amount=10)
    make_service_standard(pack=pack.code, name="Quickly", stage=ClockStage.ACKNOWLEDGE, amount=5)
    return int(make_office().id)


@pytest.fixture
def one(office: int) -> Grievance:
    return started(office, 3)


def started(office: int, days_ago: int) -> Grievance:
    """A grievance whose clocks started so many days ago."""
    moment = datetime.now(UTC) - days_ago * DAY
    grievance = make_grievance(received_at=moment, responsible_office_id=office)
    acting.happened(grievance, ClockStart.RECEIVED, moment, by=None, now=moment)
    return grievance


def decide_clock(session: Any, grievance: Grievance) -> Clock:
    session.expire_all()
    return session.scalar(
        select(Clock).where(Clock.grievance_id == grievance.id, Clock.stage == ClockStage.DECIDE)
    )


def path(grievance: Grievance, step: str) -> str:
    return f"/admin/grievance/{grievance.id}/clock/{step}"


def test_the_page_says_why_and_lists_the_ledgers(
    one: Grievance, as_role: Callable[..., Client]
) -> None:
    client = as_role(Role.AUDITOR)
    page = client.get(f"/admin/grievance/{one.id}/clocks")
    assert page.status_code == 200
    assert "10 working days from" in page.text
    assert page.text.count("by the rule “The law”, version 1") == 1
    assert page.text.count("<table") == 2
    client.send("/account/language", language="zh_Hans_CN")
    assert client.get(f"/admin/grievance/{one.id}/clocks").status_code == 200


def test_the_page_takes_few_statements(one: Grievance, as_role: Callable[..., Client]) -> None:
    client = as_role(Role.HANDLER, office_id=one.responsible_office_id)
    with statements() as seen:
        client.get(f"/admin/grievance/{one.id}/clocks")
    assert len(seen) <= 12, seen


def test_a_handler_lets_it_stand_still_and_go_on(
    one: Grievance, as_role: Callable[..., Client], session: Any
) -> None:
    client = as_role(Role.HANDLER, office_id=one.responsible_office_id)
    form = client.get(path(one, "pause"))
    assert "data-confirmation" in form.text
    wrong = client.send(path(one, "pause"), ground="", reason="A photograph of it")
    assert wrong.status_code == 422
    assert "A photograph of it" in wrong.text
    done = client.send(path(one, "pause"), ground="waiting_for_complainant", reason="A photograph")
    assert done.status_code == 303, done.text
    clock = decide_clock(session, one)
    assert clock.due_at is None
    assert clock.stands_since is not None
    again = client.send(path(one, "pause"), ground="hearing", reason="Another")
    assert again.status_code == 422
    assert "stands still already" in again.text
    page = client.get(f"/admin/grievance/{one.id}/clocks").text
    assert "Waiting for complainant" in page
    early = client.send(path(one, "resume"), ended_at="2019-01-01T10:00")
    assert (early.status_code, "must end after it began" in early.text) == (422, True)
    assert client.send(path(one, "resume")).status_code == 303
    assert decide_clock(session, one).due_at is not None
    assert session.scalar(select(Pause.ended_at)) is not None


def test_what_is_late_does_not_stand_still(
    office: int, as_role: Callable[..., Client], session: Any
) -> None:
    late = started(office, 30)
    client = as_role(Role.HANDLER, office_id=office)
    refused = client.send(path(late, "pause"), ground="hearing", reason="A hearing")
    assert refused.status_code == 422
    assert "own delay is no ground for a pause" in refused.text
    assert "Let it stand still" not in client.get(f"/admin/grievance/{late.id}/clocks").text


def test_more_time_is_granted_by_the_authority_alone(
    one: Grievance, as_role: Callable[..., Client], session: Any
) -> None:
    before = decide_clock(session, one).due_at
    handler = as_role(Role.HANDLER, office_id=one.responsible_office_id)
    wrong = handler.send(path(one, "ask"), amount="99", reason="The pipe is deep")
    assert (wrong.status_code, "1 to 10" in wrong.text) == (422, True)
    assert handler.send(path(one, "ask"), amount="4", reason="Deep").status_code == 303
    assert handler.get(path(one, "decide")).status_code == 403
    assert handler.send(path(one, "decide"), grant="1", reasons="x").status_code == 403
    decider = as_role(Role.DECIDER)
    assert "4 working days more" in decider.get(path(one, "decide")).text
    assert decider.send(path(one, "decide"), grant="1", reasons="Deep").status_code == 303
    assert decide_clock(session, one).due_at > before
    assert session.scalar(select(Extension.state)) is RequestState.GRANTED
    twice = decider.send(path(one, "decide"), grant="1", reasons="Deep")
    assert (twice.status_code, "has been decided" in twice.text) == (422, True)


def test_a_refusal_moves_nothing(
    one: Grievance, as_role: Callable[..., Client], session: Any
) -> None:
    before = decide_clock(session, one).due_at
    asker = make_officer(office_id=one.responsible_office_id)
    acting.ask_extension(one, 3, reason="Deep", by=asker, now=datetime.now(UTC))
    decider = as_role(Role.DECIDER)
    assert decider.send(path(one, "decide"), refuse="1", reasons="It is not").status_code == 303
    assert session.scalar(select(Extension.state)) is RequestState.REFUSED
    assert decide_clock(session, one).due_at == before


def test_nobody_decides_on_what_they_asked_for(
    one: Grievance, as_role: Callable[..., Client]
) -> None:
    both = as_role(Role.DECIDER, Role.HANDLER)
    assert both.send(path(one, "ask"), amount="4", reason="Deep").status_code == 303
    refused = both.send(path(one, "decide"), grant="1", reasons="Mine")
    assert (refused.status_code, "does not grant it" in refused.text) == (422, True)


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.AUDITOR, Role.DECIDER])
@pytest.mark.parametrize("step", ["pause", "resume", "ask"])
def test_who_does_no_casework_moves_no_clock(
    role: Role, step: str, one: Grievance, as_role: Callable[..., Client], session: Any
) -> None:
    client = as_role(role)
    status = client.send(path(one, step), ground="hearing", reason="x", amount="1").status_code
    assert status in (403, 404)
    assert decide_clock(session, one).stands_since is None


def test_another_office_finds_nothing(one: Grievance, as_role: Callable[..., Client]) -> None:
    client = as_role(Role.HANDLER)
    for address in (f"/admin/grievance/{one.id}/clocks", path(one, "pause")):
        assert client.get(address).status_code == 404
    for wrong in ("1,2", "abc", str(2**63)):
        assert client.get(f"/admin/grievance/{wrong}/clocks").status_code == 404
    assert client.get(path(one, "never")).status_code == 404


@pytest.mark.parametrize("text", ["\x00", "\ud800", "9" * 400, "-1", "x" * 20_000])
@pytest.mark.parametrize("step", ["pause", "resume", "ask"])
def test_nothing_typed_makes_a_failure(
    step: str, text: str, one: Grievance, as_role: Callable[..., Client]
) -> None:
    client = as_role(Role.HANDLER, office_id=one.responsible_office_id)
    for field in ("ground", "started_at", "reason", "ended_at", "amount"):
        sent = {
            "ground": "hearing",
            "reason": "x",
            "amount": "1",
            field: text.encode("utf-8", "surrogatepass"),
        }
        assert client.send(path(one, step), **sent).status_code < 500


def test_a_grievance_without_a_clock_says_so(session: Any, as_role: Callable[..., Client]) -> None:
    page = as_role(Role.AUDITOR).get(f"/admin/grievance/{make_grievance().id}/clocks")
    assert "No clock runs" in page.text
    assert not re.search("clock/(pause|ask)", page.text)


def test_a_grievance_that_is_registered_has_clocks(
    office: int, as_role: Callable[..., Client], session: Any
) -> None:
    client = as_role(Role.INTAKE)
    made = client.send(
        "/admin/grievance/new/",
        title="No light",
        kind="service",
        channel="counter",
        received_at="2026-03-02T12:00",
    )
    assert made.status_code == 302, made.text
    session.expire_all()
    grievance = session.scalar(select(Grievance))
    stages = set(session.scalars(select(Clock.stage)))
    assert stages == {ClockStage.ACKNOWLEDGE, ClockStage.DECIDE}
    assert grievance.due_at == decide_clock(session, grievance).due_at


def test_another_category_changes_the_rule_and_not_the_start(
    one: Grievance, as_role: Callable[..., Client], session: Any
) -> None:
    before = decide_clock(session, one)
    start, due = before.started_at, before.due_at
    slow = make_service_standard(name="Slow", amount=30)
    category = make_category(name="Trees", service_standard_id=slow.id)
    client = as_role(Role.INTAKE)
    form = edit_form(client, one)
    sent = client.post(
        f"/admin/grievance/edit/?id={one.id}",
        data=form | {"category": "Trees", "category-id": str(category.id)},
    )
    assert sent.status_code == 302, sent.text
    clock = decide_clock(session, one)
    assert (clock.rule, clock.started_at) == ("Slow", start)
    assert clock.due_at > due
    assert "The category was changed" in client.get(f"/admin/grievance/{one.id}/clocks").text
    form = edit_form(client, one)
    refused = client.post(
        f"/admin/grievance/edit/?id={one.id}", data=form | {"received_at": "2020-01-01T10:00"}
    )
    assert refused.status_code == 422
    assert "That stays as it is" in refused.text


def test_many_grievances_change_their_rule_at_once(
    office: int, as_role: Callable[..., Client], session: Any
) -> None:
    ids = [started(office, 3).id for _ in range(3)]
    slow = make_service_standard(name="Slow", amount=30)
    make_category(name="Trees", service_standard_id=slow.id)
    client = as_role(Role.INTAKE)
    rules = select(Clock.rule).where(Clock.stage == ClockStage.DECIDE)
    seen = preview(client, Grievance, "category", ids, "Trees")
    changed = done(client, confirm(client, Grievance, seen))
    session.expire_all()
    assert session.scalars(rules).all() == ["Slow"] * 3
    undo(client, changed)
    session.expire_all()
    assert session.scalars(rules).all() == ["The law"] * 3


def partial(app: Any, client: Client, grievance: Grievance) -> str:
    """Return the part of the case page that is about clocks, as this officer sees it."""
    cookie = client.get_cookie(security.COOKIE)
    assert cookie is not None
    with app.test_request_context("/", headers={"Cookie": f"{security.COOKIE}={cookie.value}"}):
        assert security.current_officer() is not None
        with statements() as seen:
            part = for_case(grievance)
        assert len([one for one in seen if "clock" in one or "extension" in one]) <= 4, seen
        return render_template("grievances/_clock.html", clock=part)


def test_the_case_page_shows_the_clock_with_what_may_be_done(
    one: Grievance, app: Any, as_role: Callable[..., Client]
) -> None:
    handler = as_role(Role.HANDLER, office_id=one.responsible_office_id)
    shown = partial(app, handler, one)
    assert "10 working days from" in shown
    assert "clock/pause" in shown
    assert "clock/ask" in shown
    assert "clock/decide" not in shown
    assert shown.index("The law") < shown.index("Quickly")
    handler.send(path(one, "ask"), amount="4", reason="Deep")
    handler.send(path(one, "pause"), ground="court", reason="A ruling")
    shown = partial(app, handler, one)
    assert "4 working days more" in shown
    assert "clock/resume" in shown
    assert "clock/ask" not in shown
    decider = partial(app, as_role(Role.DECIDER), one)
    assert "clock/decide" in decider
    assert "clock/resume" not in decider
    assert "No clock runs" in partial(app, handler, make_grievance())

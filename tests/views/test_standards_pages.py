"""The pages of rule packs and of versions of the calendar."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import select

from actions import clocks as acting
from models import CalendarDay, Clock, RulePack, ServiceStandard, WorkCalendar
from rules.offices import ClockStart, DayKind
from rules.permissions import Role
from tests.conftest import Client
from tests.factories import (
    make_category,
    make_grievance,
    make_service_standard,
    make_work_calendar,
)
from tests.statements import statements
from views import standards

MONDAY = datetime(2026, 3, 2, 12, tzinfo=UTC)
PACKS = "/admin/rule-packs"


def test_a_pack_is_loaded_and_chosen(as_role: Callable[..., Client], session: Any) -> None:
    client = as_role(Role.ADMINISTRATOR)
    page = client.get(PACKS)
    assert page.status_code == 200
    assert "10 working days" in page.text
    assert "Paragraph 6.3" in page.text
    assert client.send(f"{PACKS}/england", load="1").status_code == 303
    assert client.send(f"{PACKS}/china", load="1").status_code == 303
    assert client.send(f"{PACKS}/england", use="1").status_code == 303
    session.expire_all()
    assert session.scalars(select(RulePack.code).where(RulePack.is_in_use)).all() == ["england"]
    # The first pack gave the district its calendar; another one leaves it.
    version = session.scalar(select(WorkCalendar))
    assert (version.zone, version.calendar_version) == ("Europe/London", 1)
    assert version.in_force_since is not None
    assert "in use" in client.get(PACKS).text
    client.send("/account/language", language="zh_Hans_CN")
    assert client.get(PACKS).status_code == 200


def test_loading_anew_puts_the_text_back(as_role: Callable[..., Client], session: Any) -> None:
    client = as_role(Role.ADMINISTRATOR)
    client.send(f"{PACKS}/india", load="1")
    for one in session.scalars(select(ServiceStandard)):
        one.amount = 99
    session.flush()
    client.send(f"{PACKS}/india", load="1")
    session.expire_all()
    assert 99 not in set(session.scalars(select(ServiceStandard.amount)))


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMINISTRATOR])
def test_others_read_packs_and_change_none(role: Role, as_role: Callable[..., Client]) -> None:
    client = as_role(role)
    page = client.get(PACKS)
    assert page.status_code == 200
    assert '<button class="btn btn-outline-secondary" name="load"' not in page.text
    assert client.send(f"{PACKS}/england", load="1").status_code == 403
    version = make_work_calendar()
    for path in ("/admin/calendars/new", f"/admin/calendars/{version.id}"):
        assert client.get(path).status_code == 403
        assert client.send(path, name="district", reason="x").status_code == 403


@pytest.mark.parametrize("key", ["atlantis", "%00", "x" * 200, "%ED%A0%80"])
def test_an_unknown_pack_is_not_found(key: str, as_role: Callable[..., Client]) -> None:
    client = as_role(Role.ADMINISTRATOR)
    for button in ("load", "use"):
        assert client.send(f"{PACKS}/{key}", **{button: "1"}).status_code in (400, 404)


@pytest.fixture
def clocks(session: Any) -> list[Clock]:
    make_work_calendar(calendar_version=1, in_force_since=MONDAY)
    standard = make_service_standard(name="Ten days", amount=10)
    category = make_category(service_standard_id=standard.id)
    started = []
    for _ in range(5):
        grievance = make_grievance(received_at=MONDAY, category_id=category.id)
        started += acting.happened(grievance, ClockStart.RECEIVED, MONDAY, by=None, now=MONDAY)
    return started


def test_a_new_version_shows_what_it_moves_and_moves_it(
    clocks: list[Clock],
    as_role: Callable[..., Client],
    session: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = as_role(Role.ADMINISTRATOR)
    made = client.send("/admin/calendars/new", name="district", reason="The king is crowned")
    assert made.status_code == 303, made.text
    session.add(
        CalendarDay(name="Crown", day=date(2026, 3, 16), kind=DayKind.HOLIDAY, calendar_version=2)
    )
    session.flush()
    with statements() as seen:
        page = client.get(made.location)
    assert len(seen) <= 12, seen
    assert "This version moves 5" in page.text
    assert page.text.count("17 Mar 2026") == 5
    assert {clock.calendar_version for clock in clocks} == {1}
    monkeypatch.setattr(standards, "AT_ONCE", 2)  # a register of any size goes in parts
    answer = client.send(made.location)
    parts = 1
    while "after=" in answer.location:
        page = client.get(answer.location)
        assert "It goes on" in page.text
        assert "go-on.js" in page.text
        query = dict(pair.split("=") for pair in answer.location.partition("?")[2].split("&"))
        answer = client.send(made.location, **query)
        parts += 1
    assert parts == 3
    assert "5 of 5 open clocks moved" in client.get(answer.location).text
    session.expire_all()
    assert set(session.scalars(select(Clock.calendar_version))) == {2}
    frozen = client.send(
        "/admin/calendar-day/new/",
        name="x",
        day="2026-04-01",
        kind="holiday",
        calendar="district",
        calendar_version="2",
    )
    assert frozen.status_code == 422
    assert "is in force: clocks were counted by it" in frozen.text


def test_no_link_puts_a_draft_in_force(as_role: Callable[..., Client], session: Any) -> None:
    version = make_work_calendar()
    page = as_role(Role.ADMINISTRATOR).get(
        f"/admin/calendars/{version.id}?after=1&looked=5&moved=1"
    )
    assert "go-on.js" not in page.text
    assert "data-goes-on" not in page.text


def test_a_draft_takes_public_holidays(as_role: Callable[..., Client], session: Any) -> None:
    make_work_calendar(calendar_version=1, in_force_since=MONDAY)
    client = as_role(Role.ADMINISTRATOR)
    sent = {"name": "district", "reason": "Holidays", "country": "GB-ENG"}
    assert client.send("/admin/calendars/new", **sent).status_code == 303
    assert len(session.scalars(select(CalendarDay)).all()) > 25


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"reason": ""}, "Please fill this in"),
        ({"reason": "x" * 501}, "500 signs at most"),
        ({"country": "ATLANTIS"}, "no ATLANTIS"),
        ({"name": "another"}, "needs a time zone and hours"),
        ({"name": "x" * 81}, "At most 80 characters"),
    ],
)
def test_a_draft_that_cannot_be_made_says_why(
    typed: dict[str, str], told: str, as_role: Callable[..., Client], session: Any
) -> None:
    make_work_calendar(calendar_version=1, in_force_since=MONDAY)
    answer = as_role(Role.ADMINISTRATOR).send(
        "/admin/calendars/new", **{"name": "district", "reason": "Because"} | typed
    )
    assert answer.status_code == 422
    assert told in answer.text


def test_a_draft_with_hours_that_make_none_says_so(
    as_role: Callable[..., Client], session: Any
) -> None:
    version = make_work_calendar(mon="17:00-09:00")
    client = as_role(Role.ADMINISTRATOR)
    assert client.get(f"/admin/calendars/{version.id}").status_code == 409
    refused = client.send(f"/admin/calendars/{version.id}")
    assert (refused.status_code, "must follow each other" in refused.text) == (409, True)
    session.expire_all()
    assert version.in_force_since is None


@pytest.mark.parametrize("text", ["\x00", "\ud800", "9" * 400, "-1", "x" * 20_000])
def test_nothing_typed_makes_a_failure(
    text: str, as_role: Callable[..., Client], session: Any
) -> None:
    version = make_work_calendar()
    client = as_role(Role.ADMINISTRATOR)
    raw = text.encode("utf-8", "surrogatepass")
    for field in ("name", "reason", "country"):
        sent = {"name": "district", "reason": "x", field: raw}
        assert client.send("/admin/calendars/new", **sent).status_code < 500
    for field in ("after", "looked", "moved"):
        path = f"/admin/calendars/{version.id}"
        assert client.send(path, **{field: raw}).status_code < 500
        assert client.get(path, query_string={field: raw}).status_code < 500

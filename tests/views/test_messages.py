"""The page of messages: each officer reads their own, and says what they have read."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from models import Mail, Message
from rules.alarms import MailState, MessageKind
from rules.permissions import Role
from tests.conftest import Client
from tests.factories import make_grievance, make_mail, make_message, make_office, make_officer
from tests.statements import statements
from views.messages import SIZE


@pytest.fixture
def handler(as_role: Callable[..., Client], session: Any) -> Client:
    office = make_office()
    browser = as_role(Role.HANDLER, office_id=office.id)
    browser.office_id = office.id  # type: ignore[attr-defined]
    return browser


def tell(browser: Any, **given: Any) -> Message:
    """Write a message to the officer of `browser`, about a grievance of their office."""
    if "grievance_id" not in given:
        given["grievance_id"] = make_grievance(responsible_office_id=browser.office_id).id
    return make_message(officer_id=browser.officer_id, **given)


def test_a_message_says_what_has_happened_and_what_to_do_and_leads_to_it(handler: Client) -> None:
    message = tell(handler)
    page = handler.get("/messages/")
    assert page.status_code == 200
    number = message.grievance.number
    assert f"{number} should have been answered by 2 Mar 2026, 12:00." in page.text
    assert "Do it now." in page.text
    assert f"/admin/grievance/details/?id={message.grievance_id}" in page.text


def test_the_header_counts_what_is_new_without_a_statement_of_its_own(handler: Client) -> None:
    handler.get("/messages/")
    with statements() as before:
        assert "state-bad" not in handler.get("/admin/").text
    for _ in range(3):
        tell(handler)
    with statements() as after:
        assert '<span class="visually-hidden">new:</span> 3' in handler.get("/admin/").text
    assert len(after) == len(before)


def test_reading_one_leaves_the_others_new_and_reading_all_leaves_none(
    handler: Client, session: Any
) -> None:
    first, second, third = (tell(handler) for _ in range(3))
    answer = handler.send("/messages/read", message=str(second.id))
    assert answer.status_code == 303
    session.expire_all()
    assert [one.read_at is None for one in (first, second, third)] == [True, False, True]
    late = tell(handler)
    handler.send("/messages/read", up_to=str(third.id))
    session.expire_all()
    assert [one.read_at is None for one in (first, second, third, late)] == [False] * 3 + [True]


@pytest.mark.parametrize("typed", [{}, {"message": "x"}, {"up_to": "-1"}, {"message": "9" * 30}])
def test_what_names_no_message_is_refused(handler: Client, typed: dict[str, str]) -> None:
    assert handler.send("/messages/read", **typed).status_code == 400


def test_nobody_reads_or_marks_what_another_was_told(
    handler: Client, as_role: Callable[..., Client], session: Any
) -> None:
    message = tell(handler)
    for role in Role:
        other = as_role(role)
        assert message.grievance.number not in other.get("/messages/").text
        other.send("/messages/read", message=str(message.id))
        other.send("/messages/read", up_to=str(message.id))
        session.expire_all()
        assert message.read_at is None, role


def test_a_grievance_that_went_to_another_office_is_not_told_of_any_more(handler: Client) -> None:
    elsewhere = make_grievance(responsible_office_id=make_office().id)
    tell(handler, grievance_id=elsewhere.id)
    page = handler.get("/messages/").text
    assert elsewhere.number not in page
    assert "A grievance that you see no more should have been answered" in page


@pytest.mark.parametrize("kind", MessageKind)
def test_each_kind_of_message_has_its_words(handler: Client, kind: MessageKind) -> None:
    message = tell(handler, kind=kind)
    assert message.grievance.number in handler.get("/messages/").text


def test_older_messages_are_behind_a_link_and_many_cost_no_more_statements(
    handler: Client,
) -> None:
    tell(handler)
    handler.get("/messages/")
    with statements() as few:
        handler.get("/messages/")
    messages = [tell(handler) for _ in range(SIZE + 4)]
    with statements() as many:
        page = handler.get("/messages/")
    assert len(many) == len(few) <= 8
    assert f"/messages/?before={messages[4].id}" in page.text
    older = handler.get(f"/messages/?before={messages[4].id}")
    assert messages[3].grievance.number in older.text
    assert messages[4].grievance.number not in older.text
    assert "Older messages" not in older.text


@pytest.mark.parametrize("before", ["", "x", "0", "-1", "1,2", "9" * 40, "\ud83d"])
def test_a_page_from_nowhere_is_the_first_page(handler: Client, before: str) -> None:
    message = tell(handler)
    answer = handler.get("/messages/", query_string={"before": before.encode("utf-8", "replace")})
    assert answer.status_code == 200
    assert message.grievance.number in answer.text


def test_administrators_and_auditors_read_the_log_of_mails_and_nobody_else_does(
    app: Flask, as_role: Callable[..., Client]
) -> None:
    make_mail(state=MailState.REFUSED, failure="The mail server refused it (550).", tries=1)
    make_mail(office_id=make_office().id)
    for role in Role:
        answer = as_role(role).get("/admin/mail/")
        if role in (Role.ADMINISTRATOR, Role.AUDITOR):
            assert answer.status_code == 200
            assert "Not taken" in answer.text
        else:
            assert answer.status_code == 403


def test_a_mail_keeps_no_address_and_no_text() -> None:
    kept = {column.name for column in Mail.__table__.columns}
    assert not kept & {"address", "to", "email", "subject", "body", "text", "content"}


def test_the_database_shows_an_officer_their_own_messages_alone(
    handler: Client, session: Any
) -> None:
    tell(handler)
    make_message(officer_id=make_officer().id)
    assert len(session.scalars(select(Message)).all()) == 2
    assert handler.get("/messages/").text.count("should have been answered") == 1

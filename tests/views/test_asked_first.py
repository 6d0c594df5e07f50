"""What is not easily undone is asked about first, on a page of its own, and asking does nothing."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from models import ImportBatch, OfficerSession
from rules.permissions import Role
from rules.records import ImportState
from tests import factories as make
from tests.conftest import Client

GONE = (0, 2**63, 999_999)


def question(page: Any) -> tuple[str, dict[str, str]]:
    """Return where the form of a question leads, and what it sends."""
    assert page.status_code == 200, page.text
    part = page.text.partition("data-confirmation")[2].partition("</section>")[0]
    fields = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', part))
    (action,) = re.findall(r'<form method="post" action="([^"]+)"', part)
    assert "data-cancel" in part
    assert fields.pop("csrf_token")
    return action, fields


def open_log_ins(session: Any, officer_id: int) -> int:
    session.expire_all()
    query = session.query(OfficerSession).filter_by(officer_id=officer_id, ended_at=None)
    return int(query.count())


@pytest.mark.parametrize("what", ["log-ins", "password", "second-factor"])
def test_log_ins_of_others_are_asked_about(
    what: str, app: Any, as_role: Callable[..., Client], session: Any
) -> None:
    ada, lee = as_role(Role.ADMINISTRATOR), make.make_officer(name="Lee")
    app.test_client().let_in(lee)
    page = ada.get(f"/account/officers/{lee.id}/ask/{what}")
    action, fields = question(page)
    assert "Lee" in page.text
    assert open_log_ins(session, lee.id) == 1
    assert action == f"/account/officers/{lee.id}"
    assert ada.send(action, **fields).status_code in (200, 303)
    assert open_log_ins(session, lee.id) == 0
    assert f'href="{page.request.path}"' in ada.get(action).text or what == "second-factor"


def test_only_those_who_edit_officers_are_asked(as_role: Callable[..., Client]) -> None:
    lee = make.make_officer()
    for role in Role:
        there = as_role(role)
        expected = 200 if role is Role.ADMINISTRATOR else 403
        for path in ("ask/log-ins", "ask/password", "leaving/ask?left_on=2026-11-24"):
            page = there.get(f"/account/officers/{lee.id}/{path}")
            assert page.status_code == expected, (role, path)
    assert (
        as_role(Role.ADMINISTRATOR).get(f"/account/officers/{lee.id}/ask/dance").status_code == 404
    )


def test_ones_own_log_ins_are_asked_about(
    app: Any, as_role: Callable[..., Client], session: Any
) -> None:
    me = as_role(Role.HANDLER)
    other = make.make_officer()
    app.test_client().let_in(other)
    theirs = session.query(OfficerSession).filter_by(officer_id=other.id).one()
    for number in (theirs.id, *GONE):
        assert me.get(f"/account/log-ins/{number}/end").status_code == 404
    action, fields = question(me.get("/account/log-ins/end-others"))
    assert action == "/account/log-ins/end-others"
    assert me.send(action, **fields).status_code == 303


def test_leaving_is_asked_about_with_the_day_and_what_is_held(
    as_role: Callable[..., Client], session: Any
) -> None:
    ada, lee = as_role(Role.ADMINISTRATOR), make.make_officer(name="Lee", left_on=None)
    make.make_grievance(handler=lee)
    at = f"/account/officers/{lee.id}/leaving"
    page = ada.get(f"{at}/ask?left_on={date(2030, 1, 2)}")
    action, fields = question(page)
    assert (action, fields) == (at, {"left_on": "2030-01-02"})
    assert "The account closes on 2 Jan 2030." in page.text
    assert "They still hold work." in page.text
    session.expire_all()
    assert lee.left_on is None
    assert ada.send(action, **fields).status_code == 303
    session.expire_all()
    assert lee.left_on == date(2030, 1, 2)
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date()
    assert "The account closes now" in ada.get(f"{at}/ask?left_on={yesterday}").text
    for bad in ("", "soon", "2026-02-30", "9" * 400):
        answer = ada.get(f"{at}/ask", query_string={"left_on": bad})
        assert answer.status_code == 400
        assert "Write the day as 2026-03-31." in answer.text


def test_a_file_is_discarded_after_a_question(as_role: Callable[..., Client], session: Any) -> None:
    there = as_role(Role.INTAKE)
    batch = make.make_import_batch(file_name="moss.csv", state=ImportState.CHECKED)
    page = there.get(f"/admin/import/{batch.id}/discard")
    action, fields = question(page)
    assert "moss.csv" in page.text
    session.expire_all()
    assert session.get(ImportBatch, batch.id).state is ImportState.CHECKED
    assert there.send(action, **fields).status_code == 302
    session.expire_all()
    assert session.get(ImportBatch, batch.id).state is ImportState.FAILED
    assert there.get(f"/admin/import/{batch.id}/discard").status_code in (302, 303)
    assert as_role(Role.HANDLER).get(f"/admin/import/{batch.id}/discard").status_code == 403

"""What the auditor reads of the trail: list, filters, entry, file, and whether it is whole."""

import csv
import io
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from actions import roots
from actions.trail import note
from models import AuditEntry, db
from rules.chain import End, Fault, Verdict, Wrong
from rules.permissions import Role
from rules.records import AuditVerb
from tests.conftest import Client
from tests.factories import act_as, make_grievance, make_identity, make_office, make_officer
from tests.views.pages import address, assert_clean, row_ids, words

TODAY = datetime.now(UTC).date().isoformat()


@pytest.fixture
def auditor(as_role: Callable[..., Client]) -> Client:
    return as_role(Role.AUDITOR)


@pytest.fixture
def told(session: Any) -> dict[str, Any]:
    """Two grievances changed in one request by Ann, and an identity opened."""
    ann = make_officer(name="Ann Reed", username="ann.reed")
    first, second = make_grievance(title="No water"), make_grievance(title="No light")
    act_as(ann.id, "request-7")
    first.title = "No water in Mill Street"
    second.responsible_office_id = make_office(name="Lamps").id
    session.flush()
    note(
        AuditVerb.OPEN,
        record_type="grievance",
        record_id=first.id,
        changes={"reason": [None, "to ask where the leak is"]},
    )
    act_as(0)
    make_identity(grievance_id=first.id)
    return {"ann": ann, "first": first, "second": second}


def found(client: Client, **asked: str) -> list[int]:
    """Return the entries that the form above the list finds."""
    query = "&".join(f"{key}={value}" for key, value in asked.items())
    reply = client.get(f"{address(AuditEntry)}?quick=1&{query}")
    assert reply.status_code == 302
    page = client.get(reply.location)
    assert page.status_code == 200, words(page)
    assert_clean(page)
    return row_ids(page)


def entries(session: Any, *conditions: Any) -> list[int]:
    query = select(AuditEntry.id).where(*conditions).order_by(AuditEntry.id.desc())
    return list(session.scalars(query))


def test_the_form_finds_by_officer_verb_kind_number_period_and_request(
    auditor: Client, told: dict[str, Any], session: Any
) -> None:
    by_ann = entries(session, AuditEntry.officer_id == told["ann"].id)
    assert len(by_ann) == 4
    assert found(auditor, officer="ann.reed") == by_ann
    assert found(auditor, officer="Ann Reed") == by_ann
    assert found(auditor, request="request-7", since=TODAY, until=TODAY) == by_ann
    opened = entries(session, AuditEntry.verb == AuditVerb.OPEN)
    assert found(auditor, verb="open", since=TODAY) == opened
    assert found(auditor, verb="open", until="2020-01-01") == []
    of_first = entries(session, AuditEntry.record_type == "grievance",
                       AuditEntry.record_id == told["first"].id)  # fmt: skip
    assert found(auditor, kind="grievance", number=f"%23{told['first'].id}") == of_first


def test_what_the_form_cannot_find_is_said_and_not_passed_over(auditor: Client) -> None:
    for asked in ("officer=nobody", "since=tomorrow", "number=x", "verb=steal"):
        reply = auditor.get(f"{address(AuditEntry)}?quick=1&{asked}", follow_redirects=True)
        assert reply.status_code == 400
        assert_clean(reply)


def test_an_entry_shows_before_and_after_its_record_and_the_rest_of_its_request(
    auditor: Client, told: dict[str, Any], session: Any
) -> None:
    (entry,) = entries(session, AuditEntry.record_id == told["first"].id,
                       AuditEntry.record_type == "grievance",
                       AuditEntry.verb == AuditVerb.UPDATE)  # fmt: skip
    page = auditor.get(address(AuditEntry, "details", id=entry))
    assert_clean(page)
    for words_of_it in ("No water", "No water in Mill Street", "Ann Reed", "request-7"):
        assert words_of_it in words(page)
    assert f"/admin/grievance/details/?id={told['first'].id}" in page.text
    assert "flt0_request_id_equals=request-7" in page.text
    other = entries(session, AuditEntry.record_id == told["second"].id,
                    AuditEntry.verb == AuditVerb.UPDATE)[0]  # fmt: skip
    assert "Lamps" in words(auditor.get(address(AuditEntry, "details", id=other)))
    opened = entries(session, AuditEntry.verb == AuditVerb.OPEN)[0]
    page = auditor.get(address(AuditEntry, "details", id=opened))
    assert "to ask where the leak is" in words(page)


def test_an_entry_about_an_identity_says_that_it_changed_and_no_more(
    auditor: Client, told: dict[str, Any], session: Any
) -> None:
    (entry,) = entries(session, AuditEntry.record_type == "identity")
    page = auditor.get(address(AuditEntry, "details", id=entry))
    assert page.status_code == 200
    assert "not kept in the trail" in words(page)
    assert "***" not in page.text


def test_the_trail_leaves_as_a_file_with_its_filters(committed: Flask) -> None:
    with committed.app_context():
        browser: Any = committed.test_client()
        browser.let_in(make_officer(roles=[Role.AUDITOR]))
        office = make_office(name="Water").id
        make_office(name="Roads")
        db.session.commit()
        path = f"{address(AuditEntry)}export/csv/?flt0_record_id_equals={office}"
        reply = browser.get(f"{path}&flt1_record_type_equals=office")
    (row,) = csv.DictReader(io.StringIO(reply.get_data().decode("utf-8-sig")))
    assert (row["Verb"], row["Record type"], row["Record"]) == ("insert", "office", str(office))
    assert "Water" in row["Changes"]
    assert not {"Digest", "Block"} & row.keys()


@pytest.mark.parametrize("role", [role for role in Role if role not in
                                  (Role.AUDITOR, Role.ADMINISTRATOR)])  # fmt: skip
def test_nobody_else_reads_the_trail(role: Role, as_role: Callable[..., Client]) -> None:
    assert as_role(role).get(address(AuditEntry)).status_code == 403


def test_the_panel_says_whether_the_trail_is_whole(
    app: Flask, auditor: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "AUDIT_ROOTS", str(tmp_path / "roots"))
    assert "Last verified never" in words(auditor.get(address(AuditEntry)))
    key = roots.signing_key(tmp_path / "key")
    place = roots.Roots(tmp_path / "roots", (key.public_key(),))
    now, end = datetime.now(UTC), End(number=4, entries=12_345)
    roots.sign(place, key, end, day=date(2026, 11, 22), now=now)
    roots.write_report(place.folder, Verdict(end, 4, 12_345, 1), now=now, seconds=0.2)
    page = words(auditor.get(address(AuditEntry)))
    assert "The trail is whole." in page
    assert "2026-11-22: block 4, 12,345 entries" in page
    fault = Fault(Wrong.REMOVED, "Entry %(entry)s is missing; it was sealed in block %(block)s "
                  "at %(at)s.", entry=7, block=2, at=now)  # fmt: skip
    roots.write_report(place.folder, Verdict(end, 4, 12, 1, fault), now=now, seconds=0.2)
    page = words(auditor.get(address(AuditEntry)))
    assert "The trail is broken. Entry 7 is missing" in page

"""Documents of a grievance on screen: uploaded by content, saved and never shown (promise B7)."""

import io
import os
import time
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from models import Document, Grievance, Officer, db
from papers import Store
from rules.grievance import DocumentKind
from rules.permissions import Role
from tests.conftest import Client
from tests.factories import make_document, make_grievance, make_office, make_officer
from tests.papers_of import TELLING, TELLING_FILES, all_in, docx, jpeg, pdf
from tests.statements import statements

Files = list[tuple[bytes, str]]
FIELDS = {"kind": "evidence", "name": "", "received_on": ""}


@pytest.fixture
def store(app: Flask) -> Store:
    return Store.of(app.config)


@pytest.fixture
def handler(as_role: Any) -> Client:
    return as_role(Role.HANDLER, office_id=make_office(name="Parks").id)


@pytest.fixture
def grievance(handler: Client, session: Any) -> Grievance:
    office = session.get(Officer, handler.officer_id).office_id
    return make_grievance(responsible_office_id=office)


def upload(browser: Client, grievance: Any, files: Files, **fields: str) -> Any:
    data: dict[str, Any] = FIELDS | {"csrf_token": browser.token()} | fields
    data["file"] = [(io.BytesIO(content), name) for content, name in files]
    return browser.post(
        f"/admin/grievance/{getattr(grievance, 'id', grievance)}/documents",
        data=data,
        content_type="multipart/form-data",
    )


def kept(session: Any, grievance: Grievance) -> list[Document]:
    session.expire_all()
    return sorted(session.get(Grievance, grievance.id).documents, key=lambda one: one.id)


@pytest.mark.parametrize("media_type", TELLING_FILES)
def test_what_is_uploaded_comes_back_clean_as_an_attachment(
    media_type: str, handler: Client, grievance: Grievance, session: Any, store: Store
) -> None:
    content = TELLING_FILES[media_type]()
    answer = upload(handler, grievance, [(content, "road.exe")], name="Photo of the road")
    assert answer.status_code == 303, answer.text
    [document] = kept(session, grievance)
    assert (document.name, document.kind) == ("Photo of the road", DocumentKind.EVIDENCE)
    assert document.media_type == media_type
    got = handler.get(f"/admin/document/{document.id}/file")
    assert got.status_code == 200
    assert got.headers["Content-Type"].startswith(media_type)
    assert got.headers["Content-Disposition"].startswith("attachment; filename=")
    assert ".exe" not in got.headers["Content-Disposition"]
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert got.headers["Cache-Control"] == "no-store"
    assert "script-src 'self'" in got.headers["Content-Security-Policy"]
    assert TELLING.encode() not in all_in(got.data)
    assert store.read(document.stored_name or "", document.sha256 or "") == got.data
    assert document.size == len(got.data)


def test_the_hash_of_what_was_sent_is_kept_as_well(
    handler: Client, grievance: Grievance, session: Any
) -> None:
    upload(handler, grievance, [(b"The road is flooded.", "a.txt"), (jpeg(), "b.jpg")])
    text, photograph = kept(session, grievance)
    assert text.sent_sha256 == text.sha256
    assert photograph.sent_sha256 != photograph.sha256


def test_several_come_at_once_and_what_is_refused_stops_no_other(
    handler: Client, grievance: Grievance, session: Any
) -> None:
    files = [(jpeg(), "one.jpg"), (b"MZ\x90\0", "virus.pdf"), (pdf(), "two.pdf")]
    answer = upload(handler, grievance, files, name="The road", received_on="2026-03-02")
    assert answer.status_code == 400
    assert [one.name for one in kept(session, grievance)] == ["The road (1)", "The road (3)"]
    assert "<strong>virus.pdf</strong>" in answer.text
    assert "Files of this kind are not taken in" in answer.text
    # Nothing typed is lost.
    assert 'value="The road"' in answer.text
    assert 'value="2026-03-02"' in answer.text


def test_without_a_name_a_document_is_called_after_its_file(
    handler: Client, grievance: Grievance, session: Any
) -> None:
    names = ["folder/道路.jpg", "Note.jpg", ".jpg", "\u202ename.jpg"]
    upload(handler, grievance, [(jpeg(), name) for name in names])
    assert [one.name for one in kept(session, grievance)] == ["道路", "Note", ".jpg", "name"]
    got = handler.get(f"/admin/document/{kept(session, grievance)[0].id}/file")
    assert "filename*=UTF-8''%E9%81%93%E8%B7%AF.jpg" in got.headers["Content-Disposition"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"kind": "poem"}, "Choose what they are."),
        ({"received_on": "yesterday"}, "“yesterday” is not a date."),
        ({"received_on": "0001-01-01"}, "The year must be from 1900 to 2200."),
        ({"name": "x" * 181}, "Give a name of up to 180 signs."),
        ({"name": "a\nb"}, "Give a name of up to 180 signs."),
    ],
)
def test_what_is_typed_wrongly_is_said_and_nothing_is_kept(
    fields: dict[str, str], words: str, handler: Client, grievance: Grievance, session: Any
) -> None:
    answer = upload(handler, grievance, [(jpeg(), "a.jpg")], **fields)
    assert answer.status_code == 400
    assert words in answer.text
    assert "Choose the files again" in answer.text
    assert kept(session, grievance) == []


def test_no_file_too_many_and_too_large_are_refused_in_words(
    app: Flask, handler: Client, grievance: Grievance, session: Any
) -> None:
    assert "Choose a file." in upload(handler, grievance, []).text
    many = [(b"a", f"{number}.txt") for number in range(21)]
    assert "up to 20 files at once" in upload(handler, grievance, many).text
    large = b"a" * (app.config["DOCUMENT_MEGABYTES"] * 1_000_000 + 1)
    assert "larger than 25 MB" in upload(handler, grievance, [(large, "a.txt")]).text
    assert kept(session, grievance) == []


@pytest.fixture
def elsewhere(as_role: Any) -> Client:
    return as_role(Role.HANDLER, office_id=make_office(name="Elsewhere").id)


def test_only_who_sees_the_grievance_sees_its_documents(
    handler: Client, elsewhere: Client, grievance: Grievance, session: Any
) -> None:
    upload(handler, grievance, [(jpeg(), "a.jpg")])
    [document] = kept(session, grievance)
    number = grievance.id
    assert elsewhere.get(f"/admin/document/{document.id}/file").status_code == 404
    assert elsewhere.get(f"/admin/grievance/{number}/documents").status_code == 404
    assert upload(elsewhere, number, [(jpeg(), "a.jpg")]).status_code == 404
    assert handler.get(f"/admin/document/{make_document().id}/file").status_code == 404


@pytest.mark.parametrize("bad", ["0", "-1", "abc", "1,2", str(2**63), "1%00"])
def test_a_number_that_is_none_leads_nowhere(bad: str, handler: Client) -> None:
    for path in (f"/admin/document/{bad}/file", f"/admin/grievance/{bad}/documents"):
        assert handler.get(path).status_code in (400, 404)


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.DECIDER])
def test_who_only_reads_finds_no_form_and_may_not_upload(
    role: Role, as_role: Any, grievance: Grievance, session: Any
) -> None:
    browser = as_role(role)
    page = browser.get(f"/admin/grievance/{grievance.id}/documents")
    assert page.status_code == 200
    assert 'type="file"' not in page.text
    assert upload(browser, grievance, [(jpeg(), "a.jpg")]).status_code == 403
    assert kept(session, grievance) == []


def test_a_document_on_paper_has_no_file(handler: Client, grievance: Grievance) -> None:
    paper = make_document(grievance_id=grievance.id, kept_at="Shelf 2")
    assert handler.get(f"/admin/document/{paper.id}/file").status_code == 404
    assert "On paper: Shelf 2" in handler.get(f"/admin/grievance/{grievance.id}/documents").text


def test_a_file_that_was_changed_on_the_disk_is_not_given_out(
    handler: Client, grievance: Grievance, session: Any, store: Store
) -> None:
    upload(handler, grievance, [(docx(), "a.docx")])
    [document] = kept(session, grievance)
    name = document.stored_name or ""
    (store.folder / name[:2] / name).write_bytes(b"something else")
    answer = handler.get(f"/admin/document/{document.id}/file")
    assert answer.status_code == 404
    assert "it can come back from a backup" in answer.text


def test_the_page_asks_little_of_the_database(
    handler: Client, grievance: Grievance, session: Any
) -> None:
    handler.get(f"/admin/grievance/{grievance.id}/documents")
    counts = []
    for number in (1, 30):
        for _ in range(number):
            make_document(grievance_id=grievance.id)
        session.expire_all()
        with statements() as sent:
            assert handler.get(f"/admin/grievance/{grievance.id}/documents").status_code == 200
        counts.append(len(sent))
    assert counts[0] == counts[1] <= 8, sent


def test_a_file_goes_with_its_record_and_the_command_clears_up(
    committed: Flask, tmp_path: Path
) -> None:
    store = Store.of(committed.config)
    with committed.app_context():
        officer = make_officer(roles=[Role.ADMINISTRATOR])
        grievance = make_grievance()
        db.session.commit()
        browser: Any = committed.test_client()
        browser.let_in(officer)
        db.session.commit()
        number = grievance.id
        db.session.remove()
    upload(browser, number, [(jpeg(), "a.jpg"), (pdf(), "b.pdf")])
    assert len(list(store.names())) == 2
    with committed.app_context():
        first, second = db.session.query(Document).order_by(Document.id)
        db.session.delete(first)
        db.session.rollback()
        assert len(list(store.names())) == 2
        removed, left = first.stored_name, second.stored_name
        db.session.delete(first)
        db.session.commit()
        assert list(store.names()) == [left] != [removed]

    left_over = store.keep(b"an upload that did not end")
    young = store.keep(b"an upload that has not ended")
    path = store.folder / left_over.name[:2] / left_over.name
    os.utime(path, (time.time() - 7200,) * 2)
    said = committed.test_cli_runner().invoke(args=["documents"])
    assert said.exit_code == 0, said.output
    assert "1 files whole, 1 left over and removed" in said.output
    assert sorted(store.names()) == sorted([str(left), young.name])
    store.drop(str(left))
    said = committed.test_cli_runner().invoke(args=["documents"])
    assert said.exit_code == 1
    assert "1 files are gone or changed" in said.output

"""A decision is drafted by one, point by point, and approved by another; letters tell of it."""

import hashlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pikepdf
import pytest
from flask import Flask
from sqlalchemy import text, update
from sqlalchemy.exc import IntegrityError

from models import Decision, Grievance, Letter, LetterTemplate, Office, db
from papers import Store
from rules.grievance import (
    DecisionState,
    GrievanceState,
    LetterKind,
    LetterLanguage,
    PointFinding,
)
from rules.letters import check_template
from rules.permissions import Role
from tests.conftest import Client, make_app
from tests.factories import (
    NOON,
    make_decision_point,
    make_grievance,
    make_letter,
    make_letter_template,
    make_office,
)
from tests.identities import CANARIES, District, make_district
from tests.statements import statements


@dataclass
class Desk:
    """An office with a handler who drafts and a head who approves."""

    office: Office
    handler: Client
    head: Client
    grievance: Grievance

    @property
    def address(self) -> str:
        return f"/admin/grievance/{self.grievance.id}/decision"

    def decision(self, session: Any) -> Decision:
        session.expire_all()
        [found] = session.get(Grievance, self.grievance.id).decisions
        return found

    def draft(self, browser: Client | None = None, **fields: Any) -> Any:
        return (browser or self.handler).send(self.address, **(WHOLE | fields))

    def judge(self, browser: Client, decision: Decision, act: str, **fields: str) -> Any:
        version = f"{decision.id}.{decision.version_id}"
        path = f"/admin/decision/{decision.id}/{act}"
        return browser.send(path, **({"version": version} | fields))


LATELY = datetime.now(UTC) - timedelta(days=9)
WHOLE = {
    "version": "",
    "subject": "The pipe is mended",
    "summary": "We uphold the grievance in part.",
    "point": ["No water for five days", "Nobody answered the telephone"],
    "conclusion": ["upheld", "not_upheld"],
    "reasons": ["The log shows it.", "The list of calls shows an answer each day."],
    "follows": "The works pay back five days.",
    "how_to_appeal": "Write to the bureau at the High Street.",
}


@pytest.fixture
def desk(as_role: Any, session: Any) -> Desk:
    office = make_office(name="Works")
    handler = as_role(Role.HANDLER, office_id=office.id, name="Hanna")
    head = as_role(Role.OFFICE_HEAD, office_id=office.id, name="Heda")
    grievance = make_grievance(
        title="No water",
        responsible_office_id=office.id,
        handler_id=handler.officer_id,
        acknowledged_at=LATELY,
        received_at=LATELY,  # what is pending for long needs a lead official
        state=GrievanceState.ACCEPTED,
    )
    return Desk(office, handler, head, grievance)


# --- Drafting --------------------------------------------------------------------------------


def test_a_decision_goes_from_its_draft_to_the_answer_by_two_people(
    desk: Desk, session: Any
) -> None:
    answer = desk.draft(propose="1")
    assert answer.status_code == 303, answer.text
    decision = desk.decision(session)
    assert decision.state is DecisionState.PROPOSED
    assert decision.drafted_by_id == desk.handler.officer_id
    points = [(one.position, one.point, one.conclusion) for one in decision.points]
    assert points == [
        (1, "No water for five days", PointFinding.UPHELD),
        (2, "Nobody answered the telephone", PointFinding.NOT_UPHELD),
    ]
    page = desk.head.get(f"/admin/decision/{decision.id}").text
    assert "The log shows it." in page
    assert "If it is approved today, a review may be asked for until" in page

    answer = desk.judge(desk.head, decision, "approve")
    assert answer.status_code == 303, answer.text
    decision = desk.decision(session)
    assert decision.state is DecisionState.GIVEN
    assert decision.decided_by_id == desk.head.officer_id
    assert decision.given_on == decision.told_on
    assert decision.review_until_on is not None
    assert (decision.review_until_on - decision.given_on).days == 30
    grievance = session.get(Grievance, desk.grievance.id)
    assert grievance.state is GrievanceState.ANSWERED
    assert grievance.answered_at is not None


def test_a_draft_may_have_gaps_and_is_proposed_whole(desk: Desk, session: Any) -> None:
    assert desk.draft(follows="", how_to_appeal="", point="", conclusion="", reasons="").status_code
    decision = desk.decision(session)
    assert (decision.state, decision.points) == (DecisionState.DRAFT, [])
    version = f"{decision.id}.{decision.version_id}"
    answer = desk.draft(propose="1", version=version, follows="")
    assert answer.status_code == 400
    assert "Say what follows from the decision" in answer.text
    assert "The log shows it." in answer.text
    assert desk.decision(session).state is DecisionState.DRAFT


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"subject": " "}, "Say in one line what is decided."),
        ({"summary": ""}, "Write the decision as the complainant is to read it."),
        ({"subject": "x" * 301}, "at most 300 characters"),
        ({"follows": "x" * 20_001}, "at most 20000 characters"),
        ({"point": ["", "b"]}, "Say what point 1 is about."),
        ({"conclusion": ["upheld", "perhaps"]}, "Say what was found on point 2."),
        ({"reasons": ["a", " "]}, "Give the reasons for point 2."),
        ({"point": "p", "conclusion": "", "reasons": ""}, "Say what was found on point 1."),
        ({"point": ["p"] * 60, "reasons": ["r"] * 60}, "at most 50 points"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_typed_is_lost(
    fields: dict[str, Any], words: str, desk: Desk, session: Any
) -> None:
    answer = desk.draft(**fields)
    assert answer.status_code == 400
    assert words in answer.text
    assert "Write to the bureau at the High Street." in answer.text
    session.expire_all()
    assert session.get(Grievance, desk.grievance.id).decisions == []


def test_another_point_is_a_button_that_saves_nothing(desk: Desk, session: Any) -> None:
    page = desk.draft(add="1", subject="").text
    assert page.count('name="reasons"') == 3
    assert "Nobody answered the telephone" in page
    session.expire_all()
    assert session.get(Grievance, desk.grievance.id).decisions == []


def test_points_are_changed_removed_and_added(desk: Desk, session: Any) -> None:
    desk.draft()
    decision = desk.decision(session)
    first = decision.points[0].id
    desk.draft(
        version=f"{decision.id}.{decision.version_id}",
        point=["", "Kept", "New"],
        conclusion=["", "upheld", "partly_upheld"],
        reasons=["", "a", "b"],
    )
    points = sorted(desk.decision(session).points, key=lambda one: one.position)
    assert [(one.position, one.point) for one in points] == [(1, "Kept"), (2, "New")]
    assert points[0].id == first


def test_two_windows_do_not_save_over_each_other(desk: Desk, session: Any) -> None:
    desk.draft()
    answer = desk.draft(summary="In another window")
    assert answer.status_code == 409
    assert "In another window" in answer.text
    assert desk.decision(session).summary == WHOLE["summary"]


def test_a_change_after_the_proposal_makes_it_a_draft_again(desk: Desk, session: Any) -> None:
    desk.draft(propose="1")
    decision = desk.decision(session)
    desk.draft(version=f"{decision.id}.{decision.version_id}", summary="Changed")
    assert desk.decision(session).state is DecisionState.DRAFT


# --- The second person -----------------------------------------------------------------------


def test_nobody_approves_what_they_drafted(desk: Desk, session: Any) -> None:
    desk.draft(desk.head, propose="1")
    decision = desk.decision(session)
    answer = desk.judge(desk.head, decision, "approve")
    assert answer.status_code == 403
    assert "Somebody else than who drafted it must approve it." in answer.text
    assert desk.decision(session).state is DecisionState.PROPOSED
    with pytest.raises(IntegrityError, match="approved_by_another"), session.begin_nested():
        session.execute(
            update(Decision).values(
                state="given", given_on=NOON.date(), decided_by_id=decision.drafted_by_id
            )
        )


def test_a_handler_may_not_approve(desk: Desk, as_role: Any, session: Any) -> None:
    desk.draft(propose="1")
    other = as_role(Role.HANDLER, office_id=desk.office.id)
    answer = desk.judge(other, desk.decision(session), "approve")
    assert answer.status_code == 403
    assert desk.decision(session).state is DecisionState.PROPOSED


def test_only_what_was_read_is_approved(desk: Desk, session: Any) -> None:
    desk.draft(propose="1")
    read = desk.decision(session)
    version = f"{read.id}.{read.version_id}"
    desk.draft(version=version, summary="Quite another", propose="1")
    answer = desk.judge(desk.head, desk.decision(session), "approve", version=version)
    assert answer.status_code == 409
    assert "It was changed since you looked at it." in answer.text
    assert desk.decision(session).state is DecisionState.PROPOSED


def test_a_draft_is_not_approved_before_it_is_proposed(desk: Desk, session: Any) -> None:
    desk.draft()
    answer = desk.judge(desk.head, desk.decision(session), "approve")
    assert answer.status_code == 403
    assert "It does not wait for approval now." in answer.text


def test_a_proposal_is_sent_back_with_a_reason_that_its_drafter_reads(
    desk: Desk, session: Any
) -> None:
    desk.draft(propose="1")
    answer = desk.judge(desk.head, desk.decision(session), "send-back", reason=" ")
    assert (answer.status_code, "Say what is to be changed." in answer.text) == (400, True)
    answer = desk.judge(desk.head, desk.decision(session), "send-back", reason="Name the days")
    assert answer.status_code == 303
    assert desk.decision(session).state is DecisionState.DRAFT
    assert "Sent back: Name the days" in desk.handler.get(desk.address).text


def test_the_words_of_a_given_decision_stay(desk: Desk, session: Any) -> None:
    desk.draft(propose="1")
    desk.judge(desk.head, desk.decision(session), "approve")
    decision = desk.decision(session)
    session.execute(text("UPDATE decision SET review_until_on = review_until_on + 1"))
    for statement in (
        "UPDATE decision SET summary = 'other'",
        "UPDATE decision SET state = 'draft', given_on = NULL, decided_by_id = NULL, told_on = NULL"
        ", review_until_on = NULL",
        "UPDATE decision_point SET reasons = 'other'",
        "DELETE FROM decision_point",
    ):
        with pytest.raises(IntegrityError, match="refuses"), session.begin_nested():
            session.execute(text(statement))
    # Its page goes on as a page, and a new draft is a new decision.
    decision = desk.decision(session)
    assert desk.judge(desk.handler, decision, "send-back", reason="x").status_code == 403
    assert desk.draft().status_code == 303
    session.expire_all()
    assert len(session.get(Grievance, desk.grievance.id).decisions) == 2


def test_who_does_not_decide_reads_and_does_nothing(desk: Desk, as_role: Any, session: Any) -> None:
    desk.draft(propose="1")
    decision = desk.decision(session)
    auditor, elsewhere = as_role(Role.AUDITOR), as_role(Role.HANDLER)
    page = auditor.get(f"/admin/decision/{decision.id}")
    assert page.status_code == 200
    assert '<form method="post" action="/admin/decision' not in page.text
    assert auditor.get(desk.address).status_code == 403
    assert desk.judge(auditor, decision, "approve").status_code == 403
    assert elsewhere.get(f"/admin/decision/{decision.id}").status_code == 404
    assert desk.judge(elsewhere, decision, "approve").status_code == 404
    assert elsewhere.get(desk.address).status_code == 404
    for screen in ("decision/new/", f"decision/edit/?id={decision.id}", "decision-point/new/"):
        assert desk.handler.get(f"/admin/{screen}").status_code == 403


def test_the_page_of_a_decision_asks_little_of_the_database(desk: Desk, session: Any) -> None:
    desk.draft(propose="1")
    decision = desk.decision(session)
    number = decision.id
    desk.head.get(f"/admin/decision/{number}")
    counts = []
    for more in range(2):
        for position in range(10 * more):
            make_decision_point(decision_id=number, position=position + 3)
        session.expire_all()
        with statements() as sent:
            assert desk.head.get(f"/admin/decision/{number}").status_code == 200
        counts.append(len(sent))
    assert counts[0] == counts[1] <= 20, sent


# --- Letters ---------------------------------------------------------------------------------


def words_in(content: bytes) -> str:
    """Return the text of a PDF, as its tags let a reader have it."""
    with pikepdf.open(io.BytesIO(content)) as one:
        assert "/StructTreeRoot" in one.Root
        return str(one.docinfo.get("/Title", "")) + str(len(one.pages))


@pytest.fixture
def given(desk: Desk, session: Any) -> Desk:
    desk.draft(propose="1")
    desk.judge(desk.head, desk.decision(session), "approve")
    return desk


def letter(desk: Desk, browser: Client | None = None, **fields: str) -> Any:
    usual = {"kind": "answer_to_complainant", "language": "english"}
    path = f"/admin/grievance/{desk.grievance.id}/letter"
    return (browser or desk.handler).send(path, **(usual | fields))


@pytest.mark.parametrize("language", list(LetterLanguage))
@pytest.mark.parametrize("kind", list(LetterKind))
def test_a_letter_is_looked_at_and_then_kept_with_its_hash(
    kind: LetterKind, language: LetterLanguage, given: Desk, session: Any, app: Flask
) -> None:
    looked = letter(given, kind=kind, language=language)
    assert looked.status_code == 200
    assert given.grievance.number in looked.text
    assert session.query(Letter).count() == 0
    assert letter(given, kind=kind, language=language, keep="1").status_code == 303
    session.expire_all()
    [kept] = session.query(Letter).all()
    assert "{" not in kept.body + kept.subject
    if kind is not LetterKind.ACKNOWLEDGEMENT:
        assert "No water for five days" in kept.body
        assert "The works pay back five days." in kept.body
    finding = {LetterLanguage.ENGLISH: "Upheld", LetterLanguage.CHINESE: "—"}[language]
    assert finding in kept.body or kind is LetterKind.ACKNOWLEDGEMENT
    got = given.handler.get(f"/admin/document/{kept.document_id}/file")
    assert got.headers["Content-Type"] == "application/pdf"
    assert hashlib.sha256(got.data).hexdigest() == kept.document.sha256
    assert kept.subject in words_in(got.data)
    page = given.handler.get(f"/admin/letter/{kept.id}").text
    assert kept.document.sha256 in page
    assert Store.of(app.config).read(kept.document.stored_name, kept.document.sha256) == got.data


def test_a_letter_that_was_kept_is_neither_changed_nor_deleted(session: Any) -> None:
    kept = make_letter()
    for statement, number in (
        ("UPDATE letter SET body = 'other' WHERE id = :n", kept.id),
        ("DELETE FROM letter WHERE id = :n", kept.id),
        ("DELETE FROM document WHERE id = :n", kept.document_id),
    ):
        with pytest.raises(IntegrityError), session.begin_nested():
            session.execute(text(statement), {"n": number})


def test_there_is_no_letter_of_a_decision_that_was_not_given(desk: Desk) -> None:
    desk.draft(propose="1")
    answer = letter(desk, keep="1")
    assert answer.status_code == 400
    assert "No decision was given yet" in answer.text
    assert letter(desk, kind="poem").status_code == 400
    assert letter(desk, language="xx").status_code == 400
    assert letter(desk, kind="acknowledgement", keep="1").status_code == 303


def test_the_bureau_writes_its_own_templates(given: Desk, as_role: Any, session: Any) -> None:
    admin = as_role(Role.ADMINISTRATOR)
    fields = {
        "name": "Ours",
        "kind": "answer_to_complainant",
        "language": "english",
        "subject": "On {number}",
        "body": "Dear madam or sir,\n\n{points}\n\n{nonsense}",
    }
    answer = admin.send("/admin/letter-template/new/", **fields)
    assert answer.status_code == 422
    assert "Nothing is filled in for {nonsense}" in answer.text
    fields["body"] = "Dear madam or sir,\n\n{points}"
    assert admin.send("/admin/letter-template/new/", **fields).status_code == 302
    answer = admin.send("/admin/letter-template/new/", **(fields | {"name": "Another"}))
    assert "One template of this kind and language is in use." in answer.text
    letter(given, keep="1")
    session.expire_all()
    [kept] = session.query(Letter).all()
    assert kept.subject == f"On {given.grievance.number}"
    assert kept.body.startswith("Dear madam or sir,\n\n# 1. No water")
    assert kept.letter_template.name == "Ours"


def test_what_people_typed_is_set_as_they_typed_it(given: Desk, session: Any) -> None:
    """Neither a place to fill in nor a command of the typesetter comes to life in it."""
    odd = '#read("/etc/passwd") $x$ *b* {bureau} \\ <label> @cite'
    make_letter_template(
        retired_on=None, body=odd.replace("{bureau}", "{title}"), subject="S {title}"
    )
    session.expire_all()
    session.get(Grievance, given.grievance.id).title = "{number} #panic()"
    session.flush()
    assert letter(given, keep="1").status_code == 303
    [kept] = session.query(Letter).all()
    assert "{number} #panic()" in kept.body


def test_who_only_reads_makes_no_letter(given: Desk, as_role: Any) -> None:
    auditor, elsewhere = as_role(Role.AUDITOR), as_role(Role.HANDLER)
    assert auditor.get(f"/admin/grievance/{given.grievance.id}/letter").status_code == 403
    assert letter(given, auditor, keep="1").status_code == 403
    assert letter(given, elsewhere, keep="1").status_code == 404
    number = make_letter(grievance_id=given.grievance.id).id
    assert auditor.get(f"/admin/letter/{number}").status_code == 200
    assert elsewhere.get(f"/admin/letter/{number}").status_code == 404


# --- The address -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real(
    fresh_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Flask]:
    """An application with real commits: an opening is on the disk before anything is read."""
    app = make_app(fresh_database(), tmp_path_factory.mktemp("letters"))
    District(app).ring.make_next()
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def district(real: Flask) -> District:
    there = make_district(real)
    there.seal()
    return there


def kept_letter(district: District, by: str = "intake") -> int:
    browser = district.browser(by)
    path = f"/admin/grievance/{district.grievance_id}/letter"
    answer = browser.send(path, kind="acknowledgement", language="english", keep="1")
    assert answer.status_code == 303, answer.text
    return int(answer.location.rsplit("/", 1)[1])


def test_the_address_is_filled_in_through_a_recorded_opening_and_kept_nowhere(
    district: District,
) -> None:
    number, browser = kept_letter(district), district.browser("intake")
    assert "Record the opening" in browser.get(f"/admin/letter/{number}").text
    answer = browser.send(f"/admin/letter/{number}/open", reason="")
    assert answer.status_code == 400
    assert "Say in a sentence" in answer.text
    assert browser.send(f"/admin/letter/{number}/open", reason="It goes out").status_code == 303
    page = browser.get(f"/admin/letter/{number}").text
    with district.acting() as session:
        [opening] = session.execute(
            text("SELECT id, ground, reason FROM identity_opening WHERE grievance_id = :g"),
            {"g": district.grievance_id},
        ).all()
        assert (opening.ground, opening.reason) == ("to_confirm_receipt", "It goes out")
        kept = session.get_one(Letter, number)
        stored = Store.of(district.app.config).read(kept.document.stored_name, kept.document.sha256)
    address = f"/admin/letter/{number}/print/{opening.id}"
    assert address in page
    printed = browser.get(address)
    assert printed.headers["Content-Type"] == "application/pdf"
    assert printed.headers["Cache-Control"] == "no-store"
    assert printed.headers["Content-Disposition"].startswith("attachment")
    assert printed.data != stored
    files = list(Store.of(district.app.config).names())
    assert len(files) == len(set(files))
    for canary in CANARIES.values():
        assert canary not in page
        assert canary.encode() not in (stored or b"")


@pytest.mark.parametrize("who", ["second", "handler", "auditor", "depot_head"])
def test_nobody_else_prints_through_an_opening_of_mine(who: str, district: District) -> None:
    number = kept_letter(district)
    opening = district.open("intake")
    answer = district.browser(who).get(f"/admin/letter/{number}/print/{opening}")
    assert answer.status_code in (403, 404)
    assert "application/pdf" not in answer.headers["Content-Type"]


def test_the_office_complained_about_cannot_open_for_a_letter(district: District) -> None:
    number = kept_letter(district)
    for who in ("depot_head", "storeman", "auditor"):
        answer = district.browser(who).send(f"/admin/letter/{number}/open", reason="I want it")
        assert answer.status_code == 403, who
    with district.acting() as session:
        made = session.scalar(
            text("SELECT count(*) FROM identity_opening WHERE grievance_id = :g"),
            {"g": district.grievance_id},
        )
    assert made == 0


def test_a_letter_to_an_office_opens_nothing(district: District) -> None:
    with district.acting() as session:
        number = make_letter(
            grievance_id=district.grievance_id,
            kind=LetterKind.TO_OFFICE,
            office_id=district.offices["parks"],
        ).id
        session.commit()
    browser = district.browser("intake")
    assert "Print it with the address" not in browser.get(f"/admin/letter/{number}").text
    assert browser.send(f"/admin/letter/{number}/open", reason="x").status_code == 403


def test_the_shipped_templates_become_records_once(committed: Flask) -> None:
    run = committed.test_cli_runner()
    assert "6 templates made" in run.invoke(args=["letter-templates"]).output
    assert "0 templates made" in run.invoke(args=["letter-templates"]).output
    with committed.app_context():
        for one in db.session.query(LetterTemplate):
            check_template(one.kind, one.subject, one.body)

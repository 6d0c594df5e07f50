"""What the page of a grievance suggests as the same matter, and the answers to it."""

from collections.abc import Callable

import pytest
from sqlalchemy import select

from models import Grievance, GrievanceLink, db
from rules.grievance import LinkKind
from rules.permissions import Role
from tests.conftest import Client
from tests.factories import (
    NOON,
    make_grievance,
    make_grievance_link,
    make_grievance_recusal,
    make_office,
)
from tests.statements import statements
from tests.views.pages import address, words

AT = "/admin/same-matter"


def twin(title: str = "Pothole in the road", **given: object) -> int:
    values: dict[str, object] = {"place": "12 Mill Street", "received_at": NOON, "title": title}
    return int(make_grievance(**values | given).id)


@pytest.fixture
def intake(as_role: Callable[..., Client]) -> Client:
    return as_role(Role.INTAKE)


def page(browser: Client, grievance: int) -> str:
    answer = browser.get(address(Grievance, "details", id=grievance))
    assert answer.status_code == 200
    return answer.text


def link() -> GrievanceLink | None:
    db.session.expire_all()
    return db.session.scalar(select(GrievanceLink))


def test_the_page_suggests_and_a_link_is_made(intake: Client) -> None:
    one, other = twin(), twin("Pothole in the road again")
    told = page(intake, one)
    assert "Pothole in the road again" in told
    merge = f"/admin/grievance/{one}/step/merge?other_grievance={other}"
    assert merge in told
    form = intake.get(merge).text
    assert f'name="other_grievance-id" type="hidden" value="{other}"' in form
    assert "again" in form
    assert intake.send(f"{AT}/{one}", other=other, what="same").status_code == 303
    made = link()
    assert made is not None
    assert (made.grievance_id, made.other_grievance_id) == (one, other)
    assert (made.kind, made.subject) == (LinkKind.SAME_SUBJECT, "Pothole in the road")
    again = page(intake, one)
    assert "Same subject" in again
    assert "may be about the same matter" not in again
    assert "Pothole in the road" in page(intake, other), "told on both sides"


def test_different_matters_are_not_suggested_again_until_that_is_taken_back(
    intake: Client,
) -> None:
    one, other = twin(), twin()
    assert intake.send(f"{AT}/{one}", other=other, what="different").status_code == 303
    made = link()
    assert made is not None
    assert made.kind is LinkKind.DIFFERENT
    for number in (one, other):
        assert "may be about the same matter" not in page(intake, number)
    undo = f"{AT}/link/{made.id}/undo"
    assert undo in page(intake, one)
    assert intake.get(undo).status_code == 200
    refused = intake.send(undo, reason=" ")
    assert refused.status_code == 400
    assert "Say in a sentence why." in refused.text
    assert "Looked again" in intake.send(undo, reason="Looked again" + "x" * 1000).text
    assert intake.send(undo, reason="Looked again").status_code == 303
    made = link()
    assert made is not None
    assert made.undone_because == "Looked again"
    assert "may be about the same matter" in page(intake, one)
    assert "taken back already" in intake.send(undo, reason="Looked again").text


def test_a_merge_is_taken_back_as_a_step(intake: Client) -> None:
    one, other = twin(), twin()
    made = make_grievance_link(
        grievance_id=one, other_grievance_id=other, kind=LinkKind.DUPLICATE
    ).id
    assert f"{AT}/link/{made}/undo" not in page(intake, one)
    answer = intake.send(f"{AT}/link/{made}/undo", reason="No")
    assert answer.status_code == 400
    assert "Take the merge back instead" in answer.text


@pytest.mark.parametrize("what", ["", "duplicate", "\uffff"])
def test_an_answer_is_one_of_two(intake: Client, what: str) -> None:
    one, other = twin(), twin()
    assert intake.send(f"{AT}/{one}", other=other, what=what).status_code == 303
    assert link() is None


@pytest.mark.parametrize("wrong", ["", "x", "1,2", str(2**63), "999999999"])
def test_a_merge_with_what_is_not_there_begins_empty(intake: Client, wrong: str) -> None:
    page = intake.get(f"/admin/grievance/{twin()}/step/merge?other_grievance={wrong}")
    assert page.status_code == 200
    assert 'name="other_grievance-id" type="hidden" value=""' in page.text


def test_who_does_not_see_one_of_the_two_says_nothing_of_them(
    as_role: Callable[..., Client],
) -> None:
    office = make_office()
    handler = as_role(Role.HANDLER, office_id=office.id)
    mine = twin(responsible_office_id=office.id)
    foreign = twin("Pothole elsewhere", responsible_office_id=make_office().id)
    assert "Pothole elsewhere" not in page(handler, mine)
    assert handler.send(f"{AT}/{mine}", other=foreign, what="same").status_code == 404
    assert handler.send(f"{AT}/{foreign}", other=mine, what="same").status_code == 404
    for wrong in ("", "x", "1,2", str(2**63)):
        assert handler.send(f"{AT}/{mine}", other=wrong, what="same").status_code == 404
    assert handler.get(f"{AT}/link/{2**63}/undo").status_code == 404
    assert link() is None


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.SUPERVISOR, Role.DECIDER])
def test_who_does_no_casework_is_asked_nothing(as_role: Callable[..., Client], role: Role) -> None:
    office = make_office()
    reader = as_role(role, office_id=office.id)
    one = twin(responsible_office_id=office.id)
    other = twin(responsible_office_id=office.id)
    assert "may be about the same matter" not in page(reader, one)
    assert reader.send(f"{AT}/{one}", other=other, what="same").status_code == 403


def test_who_stands_aside_links_nothing(intake: Client) -> None:
    one, other = twin(), twin()
    make_grievance_recusal(grievance_id=one, officer_id=intake.officer_id)
    intake.send(f"{AT}/{one}", other=other, what="same")
    assert link() is None
    told = words(intake.get(address(Grievance, "details", id=one)))
    assert "You stand aside from this grievance" in told


def test_the_page_of_a_case_takes_few_statements(intake: Client) -> None:
    one = twin()
    for _ in range(6):
        other = twin()
        make_grievance_recusal(grievance_id=one)
    make_grievance_link(grievance_id=one, other_grievance_id=other)
    page(intake, one)
    with statements() as sent:
        told = page(intake, one)
    assert told.count('value="same"') == 5
    assert len(sent) <= 15, sent

"""The pages on which officers stand aside and ask for leave, and what a grievance shows of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask, render_template
from sqlalchemy import select

import security
from models import Grievance, GrievanceRecusal, ImpartialityOverride, Officer, db
from rules.grievance import GrievanceKind, RequestState
from rules.impartiality import Act
from rules.permissions import Role
from tests.conftest import Client
from tests.factories import (
    DAY,
    make_grievance,
    make_grievance_recusal,
    make_impartiality_override,
    make_office,
    make_officer,
)
from tests.statements import statements
from tests.views.pages import address, form_to, record_form, words
from views.impartiality import Shown, for_case

AT = "/admin/impartiality"


class Matter:
    """A complaint about conduct, with the office it is about and one of its handlers."""

    def __init__(self, as_role: Callable[..., Client]) -> None:
        self.office = make_office(name="Water office")
        self.other = make_office(name="Roads office")
        self.grievance = make_grievance(
            kind=GrievanceKind.CONDUCT,
            respondent_office_id=self.office.id,
            responsible_office_id=self.other.id,
        )
        self.id = self.grievance.id
        self.number = self.grievance.number
        self.pat = as_role(Role.HANDLER, office_id=self.office.id, name="Pat Hale")
        self.intake = as_role(Role.INTAKE, name="Ina Reed")
        self.decider = as_role(Role.DECIDER, name="Dee Cole")


@pytest.fixture
def matter(as_role: Callable[..., Client]) -> Matter:
    return Matter(as_role)


def recusal() -> GrievanceRecusal | None:
    db.session.expire_all()
    return db.session.scalar(select(GrievanceRecusal))


def override() -> ImpartialityOverride | None:
    db.session.expire_all()
    return db.session.scalar(select(ImpartialityOverride))


# --- Standing aside --------------------------------------------------------------------------


def test_an_officer_stands_aside(matter: Matter) -> None:
    page = matter.pat.get(f"{AT}/{matter.id}/aside")
    assert page.status_code == 200
    assert 'name="officer"' not in page.text, "a handler says it of themselves alone"
    answer = matter.pat.send(
        f"{AT}/{matter.id}/aside", ground="conflict_of_interest", reason=" Owns the yard "
    )
    assert answer.status_code == 303
    made = recusal()
    assert made is not None
    assert (made.officer_id, made.stated_by_id) == (matter.pat.officer_id, matter.pat.officer_id)
    assert made.reason == "Owns the yard"


def test_intake_writes_down_that_what_is_complained_of_is_an_officers_own(matter: Matter) -> None:
    pat = db.session.get_one(Officer, matter.pat.officer_id)
    answer = matter.intake.send(
        f"{AT}/{matter.id}/aside",
        officer=str(pat),
        ground="what_is_complained_of_is_theirs",
        reason="It was this visit",
    )
    assert answer.status_code == 303, answer.text
    made = recusal()
    assert made is not None
    assert made.officer_id == pat.id


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"ground": "conflict_of_interest", "reason": " "}, "Say in a sentence why."),
        ({"ground": "whim", "reason": "Kept words"}, "Choose one from the list."),
        ({"reason": "Kept words"}, "Choose one from the list."),
        ({"ground": "conflict_of_interest", "reason": "x" * 1001}, "This is too long"),
    ],
)
def test_bad_input_gets_a_sentence_and_nothing_typed_is_lost(
    matter: Matter, typed: dict[str, str], told: str
) -> None:
    answer = matter.pat.send(f"{AT}/{matter.id}/aside", **typed)
    assert answer.status_code == 400
    assert told in answer.text
    assert typed["reason"].strip() in answer.text
    assert recusal() is None


@pytest.mark.parametrize("officer", ["", "Nobody of that name", "#999999999999", "\uffff"])
def test_an_officer_who_is_not_there_is_not_chosen(matter: Matter, officer: str) -> None:
    data = {"officer": officer, "act": "work_it", "reason": "Kept words"}
    for page in ("aside", "leave"):
        answer = matter.intake.send(
            f"{AT}/{matter.id}/{page}", ground="conflict_of_interest", **data
        )
        assert answer.status_code == 400, page
        assert "Kept words" in answer.text
    assert recusal() is None
    assert override() is None


def test_nobody_stands_aside_twice(matter: Matter) -> None:
    make_grievance_recusal(grievance_id=matter.id, officer_id=matter.pat.officer_id)
    answer = matter.pat.send(f"{AT}/{matter.id}/aside", ground="conflict_of_interest", reason="x")
    assert answer.status_code == 400
    assert "stands aside from this grievance already" in answer.text


def test_who_does_not_see_a_grievance_learns_nothing(
    matter: Matter, as_role: Callable[..., Client]
) -> None:
    stranger = as_role(Role.OFFICE_HEAD)
    for page in ("aside", "leave"):
        assert stranger.get(f"{AT}/{matter.id}/{page}").status_code == 404
        assert stranger.send(f"{AT}/{matter.id}/{page}", reason="x").status_code == 404
        for wrong in ("0", "x", "1,2", str(2**63)):
            assert matter.intake.get(f"{AT}/{wrong}/{page}").status_code == 404


# --- Leave -----------------------------------------------------------------------------------


def ask(matter: Matter, by: Client, act: str = "work_it") -> Any:
    pat = db.session.get_one(Officer, matter.pat.officer_id)
    return by.send(
        f"{AT}/{matter.id}/leave", officer=str(pat), act=act, reason="The only pump engineer"
    )


def test_one_asks_another_agrees_and_every_officer_reads_it(
    matter: Matter, as_role: Callable[..., Client]
) -> None:
    assert ask(matter, matter.intake).status_code == 303
    made = override()
    assert made is not None
    assert made.state is RequestState.ASKED
    page = address(ImpartialityOverride, "details", id=made.id)
    assert 'value="grant"' not in matter.intake.get(page).text
    assert 'value="grant"' in matter.decider.get(page).text
    answer = matter.decider.send(f"{AT}/override/{made.id}", what="grant")
    assert answer.status_code == 303
    made = override()
    assert made is not None
    assert made.state is RequestState.GRANTED
    assert made.decided_by_id == matter.decider.officer_id
    assert 'value="grant"' not in matter.decider.get(page).text
    for role in Role:
        stranger = as_role(role)
        listed = words(stranger.get(address(ImpartialityOverride)))
        assert matter.number in listed, role
        told = words(stranger.get(page))
        assert "The only pump engineer" in told
        assert "Pat Hale" in told


def test_neither_alone_nor_of_the_office_complained_about(
    matter: Matter, as_role: Callable[..., Client]
) -> None:
    head = as_role(Role.OFFICE_HEAD, office_id=matter.office.id)
    answer = ask(matter, head)
    assert answer.status_code == 400
    assert "Somebody outside it must do this" in words(answer)
    assert matter.pat.get(f"{AT}/{matter.id}/leave").status_code == 403
    assert matter.pat.send(f"{AT}/{matter.id}/leave").status_code == 403
    assert override() is None
    assert ask(matter, matter.decider).status_code == 303
    made = override()
    assert made is not None
    number = made.id
    inside = as_role(Role.LEAD_OFFICIAL, office_id=matter.office.id)
    for by, told in (
        (matter.decider, "You asked for it. A second person must agree."),
        (matter.intake, "A lead official or a decider agrees to this."),
        (inside, "Somebody outside it must do this."),
    ):
        by.send(f"{AT}/override/{number}", what="grant")
        page = by.get(address(ImpartialityOverride, "details", id=number))
        assert told in words(page)
        made = override()
        assert made is not None
        assert made.state is RequestState.ASKED
    stranger = as_role(Role.LEAD_OFFICIAL)
    assert stranger.send(f"{AT}/override/{number}", what="grant").status_code == 404


@pytest.mark.parametrize("what", ["", "maybe", "\uffff"])
def test_a_decision_is_one_of_two(matter: Matter, what: str) -> None:
    made = make_impartiality_override(grievance_id=matter.id).id
    assert matter.decider.send(f"{AT}/override/{made}", what=what).status_code == 303
    found = override()
    assert found is not None
    assert found.state is RequestState.ASKED
    assert matter.decider.send(f"{AT}/override/{2**63}", what="grant").status_code == 404


def test_asked_for_twice_is_told_in_words(matter: Matter) -> None:
    ask(matter, matter.intake)
    answer = ask(matter, matter.intake)
    assert answer.status_code == 400
    assert "asked for already, or given" in answer.text
    assert "The only pump engineer" in answer.text


def test_no_generated_screen_makes_or_changes_either(matter: Matter) -> None:
    ada = matter.intake
    for model, made in (
        (GrievanceRecusal, make_grievance_recusal(grievance_id=matter.id)),
        (ImpartialityOverride, make_impartiality_override(grievance_id=matter.id)),
    ):
        assert ada.get(address(model, "new")).status_code == 403
        assert ada.get(address(model, "edit", id=made.id)).status_code == 403
        assert ada.send(address(model, "delete", id=made.id)).status_code == 403


# --- What a grievance shows ------------------------------------------------------------------


@contextmanager
def looking(app: Flask, matter: Matter, browser: Client) -> Iterator[Shown]:
    """Give what the page of the grievance shows to who is logged in there."""
    cookie = browser.get_cookie(security.COOKIE)
    assert cookie is not None
    headers = {"Cookie": f"{security.COOKIE}={cookie.value}"}
    with app.test_request_context("/admin/", headers=headers):
        assert security.current_officer() is not None
        yield for_case(security.load(Grievance, matter.id))


def told_to(app: Flask, matter: Matter, browser: Client) -> str:
    with looking(app, matter, browser) as shown:
        page = render_template(
            "grievances/_impartiality.html",
            impartiality=shown,
            grievance=db.session.get_one(Grievance, matter.id),
        )
    return words(SimpleNamespace(text=page))  # type: ignore[arg-type]


def test_a_grievance_says_beforehand_whom_it_keeps_away(app: Flask, matter: Matter) -> None:
    told = told_to(app, matter, matter.pat)
    assert "You serve the office complained about" in told
    assert "Not for you here: Work it." in told
    assert "Stand aside" in told
    assert "Ask for leave to act" not in told
    assert "Nobody stands aside." in told_to(app, matter, matter.decider)
    assert "Ask for leave to act" in told_to(app, matter, matter.decider)


def test_a_handler_who_must_not_be_is_named(app: Flask, matter: Matter) -> None:
    matter.grievance.handler_id = matter.pat.officer_id
    db.session.flush()
    assert "Pat Hale must not work this grievance" in told_to(app, matter, matter.intake)
    make_impartiality_override(
        grievance_id=matter.id, officer_id=matter.pat.officer_id, act=Act.HANDLE
    )
    assert "Pat Hale must not work" in told_to(app, matter, matter.intake), "asked is not given"
    assert "It waits for you" in told_to(app, matter, matter.decider)
    assert "It waits for you" not in told_to(app, matter, matter.intake)
    matter.decider.send(f"{AT}/override/{override().id}", what="grant")  # type: ignore[union-attr]
    assert "Pat Hale must not work" not in told_to(app, matter, matter.intake)
    assert "You serve the office" not in told_to(app, matter, matter.pat)


def test_who_stands_aside_is_shown_with_the_ground(app: Flask, matter: Matter) -> None:
    make_grievance_recusal(
        grievance_id=matter.id, officer_id=matter.pat.officer_id, stated_on=DAY, reason="Owns it"
    )
    told = told_to(app, matter, matter.intake)
    assert "Pat Hale stands aside since 2 Mar 2026: Conflict of interest. Owns it" in told


def test_it_takes_few_statements(app: Flask, matter: Matter) -> None:
    for _ in range(5):
        make_grievance_recusal(grievance_id=matter.id)
        make_impartiality_override(grievance_id=matter.id)
    with looking(app, matter, matter.decider):
        grievance = security.load(Grievance, matter.id)
        with statements() as sent:
            shown = for_case(grievance)
            names = [one.officer for one in (*shown.asides, *shown.leaves)]
    assert len(names) == 10
    assert len(sent) == 2, sent


# --- The generated screens -------------------------------------------------------------------


def edit(matter: Matter, browser: Client, **changes: str) -> Any:
    """Send the generated form of the grievance as it stands, with `changes`."""
    at = address(Grievance, "edit", id=matter.id)
    return browser.send(at, **record_form(browser.get(at)) | changes)


def again(matter: Matter) -> Grievance:
    db.session.expire_all()
    return db.session.get_one(Grievance, matter.id)


def test_who_must_not_act_does_not_make_it_another_kind_of_matter(
    matter: Matter, as_role: Callable[..., Client]
) -> None:
    answer = edit(matter, matter.pat, kind="service")
    assert answer.status_code == 422
    assert "You serve the office complained about" in words(answer)
    assert again(matter).kind is GrievanceKind.CONDUCT
    assert edit(matter, matter.pat, place="Mill Street").status_code == 302, "the rest is theirs"
    assert edit(matter, matter.intake, kind="decision").status_code == 302
    assert again(matter).kind is GrievanceKind.DECISION


def test_nobody_is_made_handler_who_must_not_be(matter: Matter) -> None:
    pat = db.session.get_one(Officer, matter.pat.officer_id)
    named = {"handler": str(pat), "handler-id": str(pat.id)}
    answer = edit(matter, matter.intake, **named)
    assert answer.status_code == 422
    assert "This officer is not impartial here" in words(answer)
    assert again(matter).handler_id is None
    made = make_impartiality_override(
        grievance_id=matter.id, officer_id=matter.pat.officer_id, act=Act.HANDLE
    )
    assert edit(matter, matter.intake, **named).status_code == 422
    second = make_officer().id
    made.state, made.decided_on, made.decided_by_id = RequestState.GRANTED, DAY, second
    db.session.flush()
    assert edit(matter, matter.intake, **named).status_code == 302
    assert again(matter).handler_id == matter.pat.officer_id


def test_nor_in_a_new_grievance_or_in_many_at_once(matter: Matter) -> None:
    pat = db.session.get_one(Officer, matter.pat.officer_id)
    office = str(matter.office)
    at = address(Grievance, "new")
    fields = record_form(matter.intake.get(at)) | {
        "title": "How they spoke",
        "kind": "conduct",
        "respondent_office": office,
        "handler": str(pat),
    }
    answer = matter.intake.send(at, **fields)
    assert answer.status_code == 422
    assert "This officer is not impartial here" in words(answer)
    at = address(Grievance, "action")
    page = matter.intake.send(at, action="change-handler", rowid=str(matter.id))
    held = form_to(page, "/action/")
    page = matter.intake.post(at, data=held | {"value-handler": str(pat)})
    assert "This officer is not impartial here" in words(page)
    matter.intake.post(at, data=form_to(page, "/action/"))
    assert again(matter).handler_id is None

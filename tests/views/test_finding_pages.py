"""Findings and notices through HTTP: every step as every role, what the forms ask and say, the
papers of a notice, what is out of sight, and what a page asks of the database."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

import tests.factories as make
from actions.supervising import LIVES
from models import Finding, NoticePaper, Officer, SupervisionNotice
from rules.permissions import Role
from rules.reprimand import Ground
from rules.supervision import FindingSeverity, FindingState, NoticeState
from tests.conftest import Client
from tests.statements import statements
from tests.test_supervising import World
from tests.test_supervising import w as world_of_supervision

__all__ = ["world_of_supervision"]  # the fixture

S, N = FindingState, NoticeState
TODAY = datetime.now(UTC).date()
SOON = (TODAY + timedelta(days=90)).isoformat()
Browser = Callable[[Officer], Client]
KEBAB = {Finding: "finding", SupervisionNotice: "supervision-notice"}


@pytest.fixture
def w(world_of_supervision: World) -> World:
    return world_of_supervision


@pytest.fixture
def browser(app: Flask) -> Browser:
    def log_in(officer: Officer) -> Client:
        client = app.test_client()
        client.let_in(officer)
        return client

    return log_in


def address(one: Any, step: str) -> str:
    return f"/admin/{KEBAB[type(one)]}/{one.id}/step/{step}"


def typed(model: type[Any], step: str) -> dict[str, str]:
    """Return what somebody types into the form of `step`."""
    found = LIVES[model].cycle.steps[step]
    days = ("reply_due_on", "due_on", "to_on")
    return {name: SOON if name in days else "It is so." for name in found.needs}


def ready(w: World, model: type[Any], step: str) -> Any:
    """Return a record with which `step` can be taken now."""
    state: Any = min(LIVES[model].cycle.steps[step].sources)
    if model is SupervisionNotice:
        one: Any = w.notice(state)
    else:
        asks = step != "tell"
        one = w.finding(
            state, severity=FindingSeverity.SERIOUS if asks else FindingSeverity.IN_ORDER
        )
    if step in ("grant_time", "refuse_time"):
        kind = make.make_finding_postponement if model is Finding else make.make_notice_extension
        name = "finding" if model is Finding else "notice"
        due = one.due_on if model is Finding else one.reply_due_on
        kind(**{name: one, "asked_by": w.head, "from_on": due, "to_on": due + timedelta(days=9)})
    return one


STEPS = [
    pytest.param(model, name, id=f"{KEBAB[model]}-{name}")
    for model, life in LIVES.items()
    for name in life.cycle.steps
]


@pytest.mark.parametrize(("model", "name"), STEPS)
def test_a_step_is_taken_through_its_form(
    model: type[Any], name: str, w: World, browser: Browser, session: Any
) -> None:
    one = ready(w, model, name)
    there = browser(w.who(name, model))
    page = there.get(f"/admin/{KEBAB[model]}/details/?id={one.id}")
    assert address(one, name) in page.text
    assert there.get(address(one, name)).status_code == 200
    needs = LIVES[model].cycle.steps[name].needs
    if needs:
        empty = there.send(address(one, name))
        assert empty.status_code == 422
        assert empty.text.count("Please fill this in.") == len(needs)
    done = there.send(address(one, name), **typed(model, name))
    assert done.status_code == 303, done.text
    session.expire_all()
    assert one.state == LIVES[model].cycle.steps[name].target
    page = there.get(done.location)
    assert "It stands now" in page.text


@pytest.mark.parametrize(("model", "name"), STEPS)
def test_every_step_as_each_role(
    model: type[Any], name: str, w: World, browser: Browser, session: Any
) -> None:
    one = ready(w, model, name)
    before = one.state
    for role in set(Role) - LIVES[model].cycle.steps[name].roles:
        stranger = make.make_officer(office=w.office, roles=[role])
        there = browser(stranger)
        assert there.get(address(one, name)).status_code == 403
        assert there.send(address(one, name), **typed(model, name)).status_code == 403
    session.expire_all()
    assert one.state == before


@pytest.mark.parametrize("model", LIVES, ids=lambda one: KEBAB[one])
def test_a_step_that_is_not_possible_says_why_and_keeps_what_was_typed(
    model: type[Any], w: World, browser: Browser
) -> None:
    one = w.finding(S.VERIFIED) if model is Finding else w.notice(N.CLOSED)
    there = browser(w.head)
    page = there.send(address(one, "reply"), **{"reply": "Typed in vain", "due_on": SOON})
    assert page.status_code == 409
    assert "This step is not possible now" in page.text
    assert "Typed in vain" in page.text


def test_bad_days_are_refused_beside_their_field(w: World, browser: Browser) -> None:
    one = w.finding(S.RECEIVED)
    there = browser(w.head)
    for day, words in (("2020-01-01", "This day is over"), ("yesterday", "is not a date")):
        page = there.send(address(one, "reply"), reply="Tulip words", due_on=day)
        assert page.status_code == 422
        assert words in page.text
        assert "Tulip words" in page.text
    for day in ("\x00", "99999-01-01", "9" * 4000):
        page = there.send(address(one, "reply"), reply="Tulip words", due_on=day)
        assert 400 <= page.status_code < 500
    assert there.get("/admin/finding/1,2/step/reply").status_code == 404
    assert there.get(f"/admin/finding/{one.id}/step/nothing").status_code == 404


# --- What is out of sight --------------------------------------------------------------------


def test_an_office_sees_no_draft_and_no_finding_of_another(w: World, browser: Browser) -> None:
    draft, notice = w.finding(), w.notice()
    elsewhere = make.make_office()
    other = make.make_officer(office=elsewhere, roles=[Role.OFFICE_HEAD])
    told, issued = w.finding(S.NOTIFIED), w.notice(N.ISSUED)
    for one in (draft, notice):
        assert browser(w.head).get(address(one, "reply")).status_code == 404
    for one in (told, issued):
        assert browser(w.head).get(address(one, "reply")).status_code == 200
        assert browser(other).get(address(one, "reply")).status_code == 404
        assert browser(other).send(address(one, "reply")).status_code == 404
    assert browser(w.head).get(f"/admin/finding/{told.id}/repeats").status_code == 403


# --- New ones --------------------------------------------------------------------------------


def test_a_finding_is_begun_from_a_visit_and_a_notice_from_a_finding(
    w: World, browser: Browser
) -> None:
    visit = make.make_inspection(office=w.office, group=w.group, inspector=w.inspector)
    there = browser(w.inspector)
    page = there.get(f"/admin/finding/new/?inspection_id={visit.id}")
    assert f'value="{w.office}"' in page.text
    assert f'value="{w.group}"' in page.text
    assert f'value="{TODAY.isoformat()}"' in page.text
    found = w.finding(S.NOTIFIED, subject="Ten tulips")
    page = there.get(f"/admin/supervision-notice/new/?finding_id={found.id}")
    assert page.text.count("Ten tulips") >= 2
    for asked in ("0", "-1", "1,2", "9" * 40, "x"):
        assert there.get(f"/admin/finding/new/?inspection_id={asked}").status_code == 200


def test_no_form_sets_a_state(w: World, browser: Browser, session: Any) -> None:
    made = {"office": str(w.office), "office-id": w.office.id, "subject": "Tulips", "facts": "x"}
    made |= {"severity": "serious", "found_on": TODAY.isoformat()}
    forced = {"state": "verified", "verified_on": SOON, "verified_by-id": w.inspector.id}
    answer = browser(w.inspector).send("/admin/finding/new/", **made | forced)
    assert answer.status_code == 302
    one = session.scalars(select(Finding).where(Finding.subject == "Tulips")).one()
    assert (one.state, one.verified_on) == (S.DRAFT, None)


# --- Repeated findings -----------------------------------------------------------------------


def test_an_officer_confirms_what_repeats(w: World, browser: Browser, session: Any) -> None:
    same = {"ground": Ground.LATE, "severity": FindingSeverity.MINOR}
    earlier = w.finding(S.VERIFIED, subject="Old tulips", **same)
    one = w.finding(S.NOTIFIED, subject="New tulips", **same)
    there = browser(w.inspector)
    where = f"/admin/finding/{one.id}/repeats"
    assert "Old tulips" in there.get(where).text
    stranger = w.finding(S.NOTIFIED)
    assert there.send(where, **{"repeats": str(stranger.id)}).status_code == 422
    done = there.send(where, **{"repeats": str(earlier.id)})
    assert done.status_code == 303
    session.expire_all()
    assert one.repeats_id == earlier.id
    assert "Repeats: Old tulips" in there.get(done.location).text
    later = there.get(f"/admin/finding/details/?id={earlier.id}").text
    assert "Repeated by: New tulips" in later
    there.send(where, **{"repeats": ""})
    session.expire_all()
    assert one.repeats_id is None


# --- The papers of a notice ------------------------------------------------------------------


def test_a_notice_is_numbered_and_its_papers_are_kept_byte_for_byte(
    w: World, browser: Browser, session: Any
) -> None:
    found = w.finding(S.NOTIFIED, subject="Ten tulips")
    notice = w.notice(
        finding=found, demand="Water them.\n\n# not a heading", reply_due_on=TODAY + timedelta(9)
    )
    there = browser(w.inspector)
    done = there.send(address(notice, "issue"))
    assert done.status_code == 303, done.text
    session.expire_all()
    assert (notice.number, notice.number_in_series) == (f"NT [{TODAY.year}] 1", 1)
    papers = session.scalars(select(NoticePaper).order_by(NoticePaper.language)).all()
    assert [paper.language for paper in papers] == ["chinese", "english"]
    head = browser(w.head)
    page = head.get(f"/admin/supervision-notice/details/?id={notice.id}").text
    for paper in papers:
        where = f"/admin/supervision-notice/{notice.id}/paper/{paper.language}"
        assert where in page
        first, again = head.get(where), there.get(where)
        assert first.data == again.data
        assert first.data.startswith(b"%PDF")
        assert (sha256(first.data).hexdigest(), len(first.data)) == (paper.sha256, paper.size)
        assert first.headers["Content-Disposition"].startswith("attachment")
    other = make.make_officer(office=make.make_office(), roles=[Role.OFFICE_HEAD])
    assert browser(other).get(where).status_code == 404
    for wrong in ("french", "1"):
        gone = f"/admin/supervision-notice/{notice.id}/paper/{wrong}"
        assert head.get(gone).status_code == 404


def test_an_issued_notice_keeps_its_words(w: World, browser: Browser, session: Any) -> None:
    notice = w.notice(N.ISSUED)
    there = browser(make.make_officer(roles=[Role.ADMINISTRATOR]))
    page = there.get(f"/admin/supervision-notice/edit/?id={notice.id}")
    assert page.status_code == 200
    answer = there.send(
        f"/admin/supervision-notice/edit/?id={notice.id}", **_filled(page, demand="Other words")
    )
    assert answer.status_code == 422
    assert "A notice stays as it was issued" in answer.text
    session.expire_all()
    assert notice.demand != "Other words"


def _filled(page: Any, **changes: str) -> dict[str, str]:
    """Return what the form on `page` would send, with `changes`."""
    fields = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', page.text))
    areas = re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>\s*([^<]*)</textarea>', page.text)
    return fields | dict(areas) | changes


@pytest.mark.parametrize("model", LIVES, ids=lambda one: KEBAB[one])
def test_a_request_for_more_time_leads_to_its_decision(
    model: type[Any], w: World, browser: Browser
) -> None:
    one = ready(w, model, "grant_time")
    asked = one.postponements if model is Finding else one.extensions
    kind = "finding-postponement" if model is Finding else "notice-extension"
    where = f"/admin/{kind}/details/?id={asked[0].id}"
    for name in ("grant_time", "refuse_time"):
        assert address(one, name) in browser(w.inspector).get(where).text
        assert address(one, name) not in browser(w.head).get(where).text


# --- What pages ask of the database ----------------------------------------------------------


@pytest.mark.parametrize("model", LIVES, ids=lambda one: KEBAB[one])
def test_a_page_stays_within_its_budget_however_much_there_is(
    model: type[Any], w: World, browser: Browser, session: Any
) -> None:
    one = w.finding(S.UNDER_WAY, ground=Ground.LATE) if model is Finding else w.notice(N.ISSUED)
    there = browser(w.inspector)
    where = f"/admin/{KEBAB[model]}/details/?id={one.id}"

    def asked() -> int:
        session.expire_all()
        with statements() as sent:
            assert there.get(where).status_code == 200
        return len(sent)

    few = asked()
    for place in range(5):
        kind = make.make_finding_postponement if model is Finding else make.make_notice_extension
        name = "finding" if model is Finding else "notice"
        decided = {"state": "refused", "decided_on": TODAY, "decision_reasons": "No."}
        by = {"asked_by": w.head, "granted_by": w.inspector, "asked_on": TODAY}
        kind(**{name: one} | decided | by)
        if model is Finding:
            w.notice(N.ISSUED, finding=one, number=f"NT {place + 2}")
    many = asked()
    assert many <= 15
    assert many <= few + 1


def test_the_page_tells_what_happened_newest_first(w: World, browser: Browser) -> None:
    one = w.finding(
        S.CLAIMED,
        first_due_on=TODAY,
        due_on=TODAY + timedelta(days=9),
        times_sent_back=2,
        sent_back_on=TODAY - timedelta(days=1),
        sent_back_by=w.inspector,
        sent_back_because="One is missing",
    )
    make.make_finding_postponement(
        finding=one,
        asked_by=w.head,
        asked_on=one.replied_on,
        from_on=TODAY,
        to_on=TODAY + timedelta(days=9),
        state="granted",
        decided_on=one.replied_on,
        granted_by=w.inspector,
        decision_reasons="The printer",
    )
    page = browser(w.head).get(f"/admin/finding/details/?id={one.id}").text
    said = [
        "Postponed 1 time.",
        "not accepted 2 times",
        "said that it is done",
        "did not accept it",
        "granted more time",
        "asked for more time",
        "</strong> replied",
        "confirmed receipt",
        "told to the office",
    ]
    places = [page.find(words) for words in said]
    assert -1 not in places
    assert places == sorted(places)

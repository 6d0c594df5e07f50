"""The pages of a sealed identity, as browsers see them (promises A6, A8)."""

import logging
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, text, update

from models import AuditEntry, Grievance, IdentityOpening, IdentityRequest, OfficerSession, db
from rules.identity import IdentityField
from tests.conftest import make_app
from tests.identities import CANARIES, District, make_district


@pytest.fixture(scope="module")
def shared(
    fresh_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Flask]:
    app = make_app(fresh_database(), tmp_path_factory.mktemp("identity"))
    District(app).ring.make_next()
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def district(shared: Flask) -> District:
    return make_district(shared)


def page_of(district: District, rest: str = "") -> str:
    return f"/admin/sealed/{district.grievance_id}{rest}"


def seal(browser: Any, district: District, **typed: str) -> Any:
    values = {field.value: text for field, text in CANARIES.items()} | typed
    return browser.send(page_of(district, "/seal"), **values)


def ask(browser: Any, district: District, **typed: str) -> Any:
    values = {"ground": "to_send_the_answer", "reason": "It is ready"} | typed
    return browser.send(page_of(district, "/open"), **values)


def canaries_in(content: Any) -> list[str]:
    return [canary for canary in CANARIES.values() if canary in str(content)]


def stored(district: District, table: Any) -> list[Any]:
    """Every row of a table, whole."""
    with district.acting() as session:
        whole = func.to_jsonb(text(table.__tablename__))
        return list(session.scalars(select(whole).select_from(table)))


# --- The way through -------------------------------------------------------------------------


def test_intake_seals_asks_and_sees_it_for_a_while(district: District) -> None:
    browser = district.browser("intake")
    details = browser.get(f"/admin/grievance/details/?id={district.grievance_id}").text
    assert f'href="{page_of(district)}"' in details
    assert "Nothing is sealed" in browser.get(page_of(district)).text
    done = seal(browser, district)
    assert (done.status_code, done.location) == (303, page_of(district))
    overview = browser.get(page_of(district)).text
    assert "An identity is sealed." in overview
    assert "It was never opened." in overview
    opened = ask(browser, district)
    assert opened.status_code == 303
    shown = browser.get(opened.location)
    assert shown.status_code == 200
    assert sorted(canaries_in(shown.text)) == sorted(CANARIES.values())
    assert shown.headers["Cache-Control"] == "no-store"
    packed = browser.get(opened.location, headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in packed.headers  # its length would tell of what is in it
    seconds, back = shown.headers["Refresh"].split("; url=")
    assert 290 <= int(seconds) <= 300
    assert back == page_of(district)
    assert f'data-seconds="{seconds}"' in shown.text
    log = browser.get(page_of(district)).text
    assert "Intake" in log
    assert "To send the answer" in log
    assert "Look again" in log


def test_the_form_is_empty_although_something_is_sealed(district: District) -> None:
    browser = district.browser("intake")
    seal(browser, district)
    form = browser.get(page_of(district, "/seal")).text
    assert canaries_in(form) == []
    assert "cannot be had back" in form
    again = seal(browser, district, name="Zed", phone="", email="", address="", wishes="")
    assert again.status_code == 303
    assert "Zed" in browser.get(ask(browser, district).location).text


def test_a_mistake_keeps_what_was_typed_and_says_where(district: District) -> None:
    browser = district.browser("intake")
    long = seal(browser, district, phone="1" * 101)
    assert long.status_code == 400
    assert "at most 100 characters" in long.text
    assert CANARIES[IdentityField.NAME] in long.text
    assert re.search(r'class="form-control is-invalid" id="phone"', long.text)
    nothing = seal(browser, district, **{field.value: " " for field in IdentityField})
    assert nothing.status_code == 400
    assert "Write something to seal" in nothing.text
    assert "Nothing is sealed" in browser.get(page_of(district)).text


def test_an_opening_needs_a_ground_and_a_reason_and_keeps_what_was_typed(
    district: District,
) -> None:
    browser = district.browser("intake")
    seal(browser, district)
    for typed, words in (
        ({"ground": ""}, "Choose what you need it for."),
        ({"ground": "curiosity"}, "Choose what you need it for."),
        ({"reason": "  "}, "Say in a sentence"),
        ({"reason": "x" * 1001}, "at most 1000 characters"),
    ):
        answer = ask(browser, district, **typed)
        assert answer.status_code == 400
        assert words in answer.text
        assert canaries_in(answer.text) == []
    assert "It is ready" in ask(browser, district, ground="").text
    with district.acting() as session:
        assert not session.scalars(
            select(IdentityOpening).where(IdentityOpening.grievance_id == district.grievance_id)
        ).all()


def test_after_its_time_the_page_is_refused_and_offers_to_ask_anew(district: District) -> None:
    browser = district.browser("intake")
    seal(browser, district)
    address = ask(browser, district).location
    with district.acting() as session:
        session.execute(text("ALTER TABLE identity_opening DISABLE TRIGGER USER"))
        session.execute(
            update(IdentityOpening.__table__)
            .where(IdentityOpening.grievance_id == district.grievance_id)
            .values(
                opened_at=func.now() - timedelta(minutes=6),
                ends_at=func.now() - timedelta(minutes=1),
            )
        )
        session.execute(text("ALTER TABLE identity_opening ENABLE TRIGGER USER"))
        session.commit()
    over = browser.get(address)
    assert over.status_code == 403
    assert "ask anew" in over.text
    assert 'id="reason"' in over.text
    assert canaries_in(over.text) == []


def test_the_page_of_an_opening_is_for_the_one_who_asked(district: District) -> None:
    first = district.browser("intake")
    seal(first, district)
    address = ask(first, district).location
    other = district.browser("second").get(address)
    assert other.status_code == 403
    assert canaries_in(other.text) == []
    for wrong in ("0", "abc", "-1", str(2**63), "999999999"):
        assert first.get(page_of(district, f"/opening/{wrong}")).status_code == 404
    elsewhere = make_district(district.app)
    number = address.rpartition("/")[2]
    assert first.get(page_of(elsewhere, f"/opening/{number}")).status_code == 404


@pytest.mark.parametrize("wrong", ["0", "abc", "-1", "1,2", str(2**63), "999999999"])
def test_an_identity_of_no_grievance_is_not_found(district: District, wrong: str) -> None:
    assert district.browser("intake").get(f"/admin/sealed/{wrong}").status_code == 404


# --- Who gets in -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "status", "may_ask"),
    [
        ("intake", 200, True),
        ("handler", 200, True),
        ("head", 200, True),
        ("colleague", 200, False),
        ("decider", 200, False),
        ("auditor", 200, False),
        ("administrator", 403, False),
        ("storeman", 403, False),
        ("depot_head", 403, False),
    ],
)
def test_each_gets_as_far_as_their_duty_goes(
    district: District, who: str, status: int, may_ask: bool
) -> None:
    district.seal()
    district.open("second")
    browser = district.browser(who)
    overview = browser.get(page_of(district))
    assert overview.status_code == status
    assert ('id="reason"' in overview.text) is may_ask
    assert ("goes out today" in overview.text) is (status == 200)  # the log
    answer = ask(browser, district)
    assert answer.status_code == (303 if may_ask else 403)
    sealed = seal(browser, district)
    assert sealed.status_code == (303 if who == "intake" else 403)
    details = browser.get(f"/admin/grievance/details/?id={district.grievance_id}").text
    assert (f'href="{page_of(district)}"' in details) is (who != "administrator")


def test_the_offices_concerned_are_not_told_that_harm_is_feared(district: District) -> None:
    with district.acting() as session:
        session.execute(update(Grievance).values(identity_needs_two=True))
        session.commit()
    address = f"/admin/grievance/details/?id={district.grievance_id}"
    told = {
        who: "Identity needs two" in district.browser(who).get(address).text
        for who in ("intake", "administrator", "auditor", "decider", "handler", "depot_head")
    }
    assert told == {
        "intake": True,
        "administrator": True,
        "auditor": True,
        "decider": True,
        "handler": False,
        "depot_head": False,
    }


# --- Two people ------------------------------------------------------------------------------


def test_where_two_are_needed_another_officer_agrees_first(district: District) -> None:
    with district.acting() as session:
        session.execute(
            update(Grievance)
            .where(Grievance.id == district.grievance_id)
            .values(identity_needs_two=True)
        )
        session.commit()
    one, other = district.browser("intake"), district.browser("second")
    seal(one, district)
    assert ask(one, district).location == page_of(district)
    waiting = one.get(page_of(district)).text
    assert "Somebody else who could open it has to agree" in waiting
    assert 'id="reason"' not in waiting
    with district.acting() as session:
        number = session.scalar(
            select(IdentityRequest.id).where(IdentityRequest.grievance_id == district.grievance_id)
        )
    address = f"/admin/sealed/request/{number}"
    assert address not in one.get("/admin/sealed/").text
    listed = other.get("/admin/sealed/").text
    assert address in listed
    assert "The depot sold salt" in listed
    assert one.send(address, decision="grant").status_code == 400
    storeman = district.browser("storeman")
    assert address not in storeman.get("/admin/sealed/").text
    assert storeman.send(address, decision="grant").status_code == 400
    assert other.send(address, decision="grant").status_code == 303
    assert "Second has agreed." in one.get(page_of(district)).text
    opened = ask(one, district, granted="1")
    assert canaries_in(one.get(opened.location).text)
    assert canaries_in(other.get(opened.location).text) == []
    assert "Second" in one.get(page_of(district)).text
    assert other.send(address, decision="refuse").status_code == 400


# --- A6 --------------------------------------------------------------------------------------


def test_an_identity_is_on_the_page_of_its_opening_and_nowhere_else(
    district: District, caplog: pytest.LogCaptureFixture, figures: Callable[[str], None]
) -> None:
    caplog.set_level(logging.DEBUG)
    intake = district.browser("intake")
    answers = [seal(intake, district, phone="1" * 101)]  # refused: typed words in this answer only
    assert canaries_in(answers.pop().text)
    answers.append(seal(intake, district))
    hits = [("session", found) for found in canaries_in(stored(district, OfficerSession))]
    answers.append(intake.get(page_of(district)))
    opened = ask(intake, district)
    answers.append(opened)
    shown = intake.get(opened.location)
    assert len(canaries_in(shown.text)) == len(CANARIES)
    assert canaries_in(shown.headers) == []
    # The key is gone: an error in the middle of opening.
    path = district.ring.folder / "kek-1"
    kept = path.read_text()
    path.write_text("0" * 64)
    answers.append(intake.get(opened.location))
    path.write_text(kept)
    canary = CANARIES[IdentityField.NAME]
    for who in district.officers:
        browser = district.browser(who)
        for address in (
            page_of(district),
            page_of(district, "/seal"),
            "/admin/sealed/",
            "/admin/",
            "/account",
            "/admin/grievance/",
            f"/admin/grievance/?search={canary.replace(' ', '+')}",
            f"/admin/grievance/details/?id={district.grievance_id}",
            f"/admin/grievance/history/?id={district.grievance_id}",
            "/admin/grievance/export/csv/",
            "/admin/audit-entry/",
            "/admin/audit-entry/export/csv/",
            "/admin/officer-session/",
            "/admin/identity/",
            "/admin/identity-opening/",
            opened.location if who != "intake" else page_of(district),
        ):
            answers.append(browser.get(address))
    hits += [
        (answer.request.path, found)
        for answer in answers
        # A search repeats the reader's own words twice; it must find nothing, see below.
        for found in canaries_in(
            answer.text.replace(f'value="{canary}"', "").replace(f"“{canary}”", "")
        )
    ]
    hits += [
        ("search", answer.request.url)
        for answer in answers
        if "search=" in answer.request.url and "The depot sold salt" in answer.text
    ]
    hits += [("headers", found) for answer in answers for found in canaries_in(answer.headers)]
    hits += [("log", found) for found in canaries_in(caplog.text)]
    for table in (OfficerSession, AuditEntry, Grievance, IdentityOpening):
        hits += [(table.__tablename__, found) for found in canaries_in(stored(district, table))]
    assert hits == []
    figures(
        f"A6: identity on {len(answers)} answers to {len(district.officers)} roles besides "
        f"the opening page, in headers, logs, sessions and trail: {len(hits)} hits"
    )

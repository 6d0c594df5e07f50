"""Telling whoever brought a grievance that there is news: in the way they chose, under their code,
through an opening of the identity, and nothing more."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask, render_template
from sqlalchemy import select, text

from actions import news as acting
from models import News
from rules import RuleBroken
from rules.grievance import NewsWay
from tests.factories import make_grievance
from tests.identities import CANARIES, District, make_district
from tests.mail_server import Post, mail_server
from views.labels import show
from views.news import for_case


@pytest.fixture
def district(committed: Flask) -> District:
    there = make_district(committed, news_way=NewsWay.EMAIL)
    there.seal()
    return there


@pytest.fixture
def post(committed: Flask) -> Iterator[Post]:
    with mail_server() as running:
        committed.config |= {
            "MAIL_HOST": "127.0.0.1",
            "MAIL_PORT": running.port,
            "MAIL_SECURITY": "none",
            "MAIL_FROM": "redress@example.org",
            "MAIL_SECONDS": 5,
        }
        yield running


def tell(there: District, by: str, way: str = "by_mail") -> Any:
    return there.browser(by).send(f"/admin/news/{there.grievance_id}/told", way=way)


def told(there: District) -> list[tuple[str, int]]:
    with there.acting() as session:
        rows = session.execute(select(News.way, News.told_by_id).order_by(News.id))
        return [(way.value, by) for way, by in rows]


def test_the_mail_says_that_there_is_news_and_nothing_of_whom_or_what(
    district: District, post: Post
) -> None:
    district.open("handler")
    assert tell(district, "handler").status_code == 303
    (mail,) = post.taken
    assert post.to == [CANARIES["email"]]
    words = f"{mail['Subject']} {mail.get_content()}"
    assert "news" in words
    assert "code" in words
    with district.acting():
        number = district.grievance().number
    for secret in (*CANARIES.values(), number, "depot", "Depot", "salt", "Parks", "Handler"):
        assert secret not in words, secret
    assert told(district) == [("by_mail", district.officers["handler"])]


def test_nothing_of_the_identity_is_on_the_page_or_in_the_database(
    district: District, post: Post
) -> None:
    district.open("handler")
    tell(district, "handler")
    page = district.browser("handler").get(f"/admin/news/{district.grievance_id}").text
    with district.acting() as session:
        kept = session.execute(
            text("SELECT n::text FROM news n UNION ALL SELECT a::text FROM audit_entry a")
        ).scalars()
        written = "".join(kept) + page
    assert not [secret for secret in CANARIES.values() if secret in written]


def test_without_an_opening_of_ones_own_no_mail_goes_out(district: District, post: Post) -> None:
    district.open("intake")
    answer = tell(district, "handler")
    assert answer.status_code == 400
    assert "Open the identity first" in answer.text
    assert post.taken == []
    assert told(district) == []


@pytest.mark.parametrize("way", [one for one in NewsWay if one is not NewsWay.EMAIL])
def test_no_other_way_is_used_than_the_one_they_chose(
    district: District, post: Post, way: NewsWay
) -> None:
    district.open("handler")
    assert tell(district, "handler", way.value).status_code == 400
    assert told(district) == []
    with district.acting() as session:
        district.grievance().news_way = way
        session.commit()
    assert tell(district, "handler", "by_mail").status_code == 400
    assert post.taken == []
    answer = tell(district, "handler", way.value)
    if way is NewsWay.ASK:
        assert answer.status_code == 400
        assert "Do not reach for them" in answer.text
    else:
        assert told(district) == [(way.value, district.officers["handler"])]


@pytest.mark.parametrize("by", ["storeman", "depot_head", "colleague", "head", "decider"])
def test_who_may_not_open_the_identity_tells_nobody(
    district: District, post: Post, by: str
) -> None:
    answer = tell(district, by, "by_phone")
    # The head of the responsible office may open it; only the way is not the chosen one.
    assert answer.status_code in ((400,) if by == "head" else (403, 404))
    assert told(district) == []
    assert post.taken == []


@pytest.mark.parametrize("by", ["auditor", "administrator"])
def test_auditors_and_administrators_have_no_such_page(district: District, by: str) -> None:
    browser = district.browser(by)
    assert browser.get(f"/admin/news/{district.grievance_id}").status_code == 403
    assert tell(district, by).status_code == 403


def test_a_server_that_refuses_is_said_and_nobody_counts_as_told(
    district: District, post: Post
) -> None:
    district.open("handler")
    post.to_address = f"550 no mailbox {CANARIES['email']}"
    answer = tell(district, "handler")
    assert answer.status_code == 400
    assert "The mail server refused it (550)." in answer.text
    assert CANARIES["email"] not in answer.text
    assert told(district) == []


def test_an_identity_without_a_mail_address_is_said(district: District, post: Post) -> None:
    district.seal(name="Somebody")
    district.open("handler")
    answer = tell(district, "handler")
    assert answer.status_code == 400
    assert "No mail address is sealed" in answer.text


@pytest.mark.parametrize("way", ["", "pigeon", "\ud83d", "x" * 5000])
def test_a_way_that_is_none_is_refused(district: District, way: str) -> None:
    answer = tell(district, "handler", way.encode("utf-8", "replace").decode())
    assert answer.status_code == 400


@pytest.mark.parametrize("number", ["0", "x", "-1", "1,2", str(2**63), "999999"])
def test_a_grievance_that_is_not_there_has_no_page(district: District, number: str) -> None:
    assert district.browser("intake").get(f"/admin/news/{number}").status_code == 404


@pytest.mark.parametrize(("by", "leads"), [("intake", True), ("handler", True), ("auditor", False)])
def test_the_page_of_a_grievance_leads_those_there_who_may_tell(
    district: District, by: str, leads: bool
) -> None:
    browser = district.browser(by)
    with browser:
        browser.get(f"/admin/grievance/details/?id={district.grievance_id}")
        shown = for_case(district.grievance())
        part = render_template("grievances/_mail.html", mail=shown, show=show)
    assert ("Tell them, or make their code" in part) is leads
    assert (f"/admin/news/{district.grievance_id}" in part) is leads


# --- Codes -----------------------------------------------------------------------------------


def test_a_code_is_shown_once_and_only_its_hash_is_kept(district: District) -> None:
    browser = district.browser("intake")
    page = browser.send(f"/admin/news/{district.grievance_id}/code")
    assert page.status_code == 200
    (code,) = re.findall(r"<code>([0-9A-Z]{4}(?:-[0-9A-Z]{4}){3})</code>", page.text)
    assert code not in browser.get(f"/admin/news/{district.grievance_id}").text
    with district.acting() as session:
        kept = session.scalar(text("SELECT code_hash FROM grievance_code"))
        trail = "".join(session.execute(text("SELECT a::text FROM audit_entry a")).scalars())
    assert bytes(kept) == acting.hash_of(code) == acting.hash_of(f" {code.lower()} ")
    assert code not in trail
    assert bytes(kept).hex() not in trail


def test_a_new_code_makes_the_old_one_void(district: District) -> None:
    hashes = []
    for _ in range(2):
        district.browser("intake").send(f"/admin/news/{district.grievance_id}/code")
        with district.acting() as session:
            hashes += [
                bytes(one) for one in session.scalars(text("SELECT code_hash FROM grievance_code"))
            ]
    assert len(hashes) == len(set(hashes)) == 2


@pytest.mark.parametrize("by", ["handler", "head", "storeman", "decider"])
def test_only_who_seals_makes_codes(district: District, by: str) -> None:
    answer = district.browser(by).send(f"/admin/news/{district.grievance_id}/code")
    assert answer.status_code in (403, 404)
    with district.acting() as session:
        assert session.scalar(text("SELECT count(*) FROM grievance_code")) == 0


def test_codes_have_79_bits_and_no_two_are_alike(app: Flask, session: Any) -> None:
    grievance = make_grievance()
    codes = {acting.make_code(grievance) for _ in range(200)}
    assert len(codes) == 200
    assert not set("".join(codes)) & set("01ILO")


def test_a_chosen_way_is_named_in_the_refusal(app: Flask, session: Any) -> None:
    grievance = make_grievance(news_way=NewsWay.LETTER)
    with pytest.raises(RuleBroken, match="They chose"):
        acting.check_way(grievance, NewsWay.PHONE)

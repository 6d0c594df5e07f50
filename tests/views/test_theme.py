"""Colour schemes, the policy with its nonce, lasting files, and what is compressed on the way."""

import gzip
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urljoin
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import select

import delivery
from models import Category, Grievance, Officer, db
from queries.filters import Today
from rules.accounts import Appearance
from rules.grievance import GrievanceState
from rules.permissions import Role
from tests.conftest import Client
from tests.factories import make_category, make_grievance, make_officer
from tests.gunicorns import Web
from tests.views.pages import address
from views.badges import Badge, Tone, due_badge

LISTS = 50
MOST_REQUESTS, MOST_BYTES = 15, 150 * 1024
PACKED = {"Accept-Encoding": "gzip"}


# --- Colour schemes --------------------------------------------------------------------------


def scheme(client: Any, path: str = "/account") -> str:
    """Return the scheme that a page names, with the condition under which it is dark."""
    page = client.get(path).text
    (named,) = re.findall(r'<html [^>]*data-bs-theme="(\w+)"', page)
    media = re.findall(r'dark\.css" media="([^"]+)"', page)
    return f"{named} {' '.join(media)}".strip()


IN_WORDS = {
    Appearance.SYSTEM: "auto screen and (prefers-color-scheme: dark)",
    Appearance.LIGHT: "light",
    Appearance.DARK: "dark screen",
}


def test_without_a_choice_the_colours_are_as_the_system_says(client: Client) -> None:
    assert scheme(client, "/login") == IN_WORDS[Appearance.SYSTEM]


@pytest.mark.parametrize("chosen", Appearance)
def test_an_officer_keeps_the_colours_they_chose(
    app: Flask, as_role: Callable[..., Client], chosen: Appearance
) -> None:
    client = as_role(Role.HANDLER)
    reply = client.send("/appearance", appearance=chosen, next="/account")
    assert (reply.status_code, reply.location) == (303, "/account")
    assert scheme(client) == IN_WORDS[chosen]
    again: Any = app.test_client()
    again.let_in(db.session.get_one(Officer, client.officer_id))
    assert scheme(again) == IN_WORDS[chosen]
    pressed = re.findall(r'value="(\w+)" aria-pressed="true"', client.get("/account").text)
    assert pressed == [chosen, chosen]  # in the top bar and on the page


def test_colours_are_of_one_officer_alone(as_role: Callable[..., Client]) -> None:
    one, other = as_role(Role.HANDLER), as_role(Role.HANDLER)
    one.send("/appearance", appearance="dark")
    assert scheme(other) == IN_WORDS[Appearance.SYSTEM]


def test_a_visitor_chooses_too_and_takes_it_along(app: Flask, client: Client) -> None:
    anna = make_officer()
    client.send("/appearance", appearance="dark", next="/login")
    assert scheme(client, "/login") == "dark screen"
    assert scheme(app.test_client(), "/login") == IN_WORDS[Appearance.SYSTEM]
    client.log_in(anna)
    assert scheme(client) == "dark screen"
    assert db.session.scalar(select(Officer.appearance).where(Officer.id == anna.id)) is None
    client.send("/appearance", appearance="light")
    assert scheme(client) == "light"


@pytest.mark.parametrize("chosen", ["", "blue", "DARK", "\ud800", "dark\0", "9" * 300, "none"])
def test_colours_that_are_none_are_refused(as_role: Callable[..., Client], chosen: str) -> None:
    client = as_role(Role.HANDLER)
    data = {"csrf_token": client.token(), "appearance": chosen.encode("utf-8", "surrogatepass")}
    assert client.post("/appearance", data=data).status_code == 400
    assert scheme(client) == IN_WORDS[Appearance.SYSTEM]


def test_after_choosing_nobody_is_led_elsewhere(as_role: Callable[..., Client]) -> None:
    reply = as_role(Role.HANDLER).send("/appearance", appearance="dark", next="//evil.example")
    assert reply.location == "/admin/"


# --- The policy ------------------------------------------------------------------------------


def test_the_policy_is_what_the_issue_says_and_its_nonce_is_the_pages(
    as_role: Callable[..., Client],
) -> None:
    client = as_role(Role.ADMINISTRATOR)
    nonces = []
    for path in ("/admin/", "/admin/category/", "/account", "/nowhere"):
        page = client.get(path)
        policy = page.headers["Content-Security-Policy"]
        (nonce,) = set(re.findall(r'<script [^>]*nonce="([^"]+)"', page.text))
        assert policy == (
            f"default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self'; "
            "img-src 'self' data:; connect-src 'self'; form-action 'self'; "
            "frame-ancestors 'none'; base-uri 'none'"
        )
        nonces.append(nonce)
    assert len(set(nonces)) == len(nonces)
    assert all(len(nonce) >= 22 for nonce in nonces)


def test_what_is_no_page_has_no_nonce(client: Client) -> None:
    policy = client.get("/static/redress.css").headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy


# --- Files -----------------------------------------------------------------------------------


def files_of(client: Any, path: str) -> dict[str, bytes]:
    """Return what a browser with an empty cache loads for a page, as it comes over the wire."""
    page = client.get(path, headers=PACKED)
    loaded = {path: page.data}
    text = gzip.decompress(page.data).decode()
    wanted = re.findall(r'<(?:script|link|img)\b[^>]*?(?:src|href)="(/[^"]+)"', text)
    while wanted:
        name = wanted.pop()
        if name not in loaded:
            reply = client.get(name, headers=PACKED)
            assert reply.status_code == 200, name
            loaded[name] = reply.data
            if name.endswith(".js"):
                source = gzip.decompress(reply.data) if reply.content_encoding else reply.data
                found = re.findall(rb'^import .*?from "(\./[^"]+)"', source, re.MULTILINE)
                wanted += [urljoin(name, one.decode()) for one in found]
    return loaded


def test_a_list_of_fifty_with_all_it_needs_is_light(
    as_role: Callable[..., Client], figures: Callable[[str], None]
) -> None:
    client = as_role(Role.ADMINISTRATOR)
    category = make_category(name="Road surface")
    for number in range(LISTS):
        make_grievance(title=f"A hole in the road, number {number}", category=category)
    loaded = files_of(client, address(Grievance))
    weight = sum(len(content) for content in loaded.values())
    figures(f"list of {LISTS} rows: {len(loaded)} requests, {weight / 1024:.0f} KB compressed")
    assert len(loaded) < MOST_REQUESTS
    assert weight < MOST_BYTES


def test_files_have_addresses_that_change_with_them_and_are_kept(client: Client) -> None:
    page = client.get("/login").text
    names = re.findall(r'"(/[^"]*static/[^"]+)"', page)
    assert len(names) >= 4
    for name in names:
        assert re.search(r"/v-[0-9a-f]{16}/", name), name
        reply = client.get(name)
        assert reply.status_code == 200
        assert reply.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert "Set-Cookie" not in reply.headers


@pytest.mark.parametrize("name", ["redress.css", "v-0123456789abcdef/redress.css"])
def test_a_file_without_the_tag_of_this_release_is_asked_for_again(
    client: Client, name: str
) -> None:
    reply = client.get(f"/static/{name}")
    assert reply.status_code == 200
    assert reply.headers["Cache-Control"] == "no-cache"
    again = client.get(f"/static/{name}", headers={"If-None-Match": reply.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("name", ["none.css", "../config.py", "v-/../../config.py", "v-x/..%2fa"])
def test_a_file_that_is_not_there_is_not_found_and_not_kept(client: Client, name: str) -> None:
    reply = client.get(f"/static/{name}")
    assert reply.status_code == 404
    assert "immutable" not in reply.headers.get("Cache-Control", "")


def test_a_compressed_file_is_the_file(client: Client) -> None:
    plain = client.get("/static/redress.css")
    packed = client.get("/static/redress.css", headers=PACKED)
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert "Accept-Encoding" in plain.headers["Vary"]
    assert len(packed.data) < len(plain.data) / 2
    assert gzip.decompress(packed.data) == plain.data
    etag = packed.headers["ETag"]
    again = client.get("/static/redress.css", headers=PACKED | {"If-None-Match": etag})
    assert again.status_code == 304


# --- What is compressed, and what never --------------------------------------------------------


def is_packed(reply: Any) -> bool:
    return reply.headers.get("Content-Encoding") == "gzip"


def test_lists_and_records_are_compressed_for_who_takes_it(
    as_role: Callable[..., Client],
) -> None:
    client = as_role(Role.ADMINISTRATOR)
    record = make_category()
    for path in (address(Category), address(Category, "edit", id=record.id), "/admin/"):
        packed = client.get(path, headers=PACKED)
        assert is_packed(packed), path
        assert b"<h1>" in gzip.decompress(packed.data)
        assert int(packed.headers["Content-Length"]) == len(packed.data)
        assert not is_packed(client.get(path))
        assert not is_packed(client.get(path, headers={"Accept-Encoding": "gzip;q=0"}))


def test_answers_that_hold_secrets_are_not_compressed(as_role: Callable[..., Client]) -> None:
    client = as_role(Role.ADMINISTRATOR)
    other = make_officer()
    answers = [
        client.get("/login", headers=PACKED),
        client.get("/account", headers=PACKED),
        client.get("/account/second-factor", headers=PACKED),
    ]
    form = {"csrf_token": client.token(), "password": "new"}
    given = client.post(f"/account/officers/{other.id}", data=form, headers=PACKED)
    assert "It is shown only now" in given.text
    for answer in [*answers, given]:
        assert "Content-Encoding" not in answer.headers, answer.request.path


def test_every_screen_of_accounts_and_identities_goes_as_it_is(app: Flask) -> None:
    """Whoever adds a screen where a secret is shown must not name it among those compressed."""
    plain = {"account", "second_factor", "roles", "leaving", "identity", "imports"}
    with app.test_request_context():
        for rule in app.url_map.iter_rules():
            blueprint = rule.endpoint.rpartition(".")[0]
            assert not (blueprint in plain and blueprint.startswith(delivery.COMPRESSED))


def test_an_export_streams_as_it_is(web: Web) -> None:
    listed = web.ask("GET", "/admin/category/", Accept_Encoding="gzip")
    assert listed.headers["Content-Encoding"] == "gzip"
    sent = web.ask("GET", "/admin/category/export/csv/", Accept_Encoding="gzip")
    assert sent.status == 200
    assert "Content-Encoding" not in sent.headers
    assert "canary-of-a-record" in sent.text


# --- Badges ----------------------------------------------------------------------------------

ZONE = ZoneInfo("Asia/Shanghai")
NOW = Today(datetime(2026, 5, 4, 16, 30, tzinfo=UTC), ZONE)  # half past midnight of 5 May there
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("due", "met", "is_ended", "badge"),
    [
        (NOW.now + HOUR, None, False, Badge("due today at 01:30", Tone.WAITING)),
        (NOW.now + DAY, None, False, Badge("due tomorrow", Tone.OPEN)),
        (NOW.now + 1200 * DAY, None, False, Badge("due in 3 years", Tone.OPEN)),
        (NOW.now - timedelta(minutes=10), None, False, Badge("overdue since 00:20", Tone.BAD)),
        (NOW.now - HOUR, None, False, Badge("1 day overdue", Tone.BAD)),
        (NOW.now - 5 * DAY, None, False, Badge("5 days overdue", Tone.BAD)),
        (NOW.now - 5 * DAY, NOW.now - 6 * DAY, False, Badge("met", Tone.GOOD)),
        (NOW.now - 5 * DAY, NOW.now - 5 * DAY, True, Badge("met", Tone.GOOD)),
        (NOW.now - 5 * DAY, NOW.now - 3 * DAY, True, Badge("2 days late", Tone.BAD)),
        (NOW.now - 5 * DAY, NOW.now - 5 * DAY + HOUR, True, Badge("late", Tone.BAD)),
        (NOW.now - 5 * DAY, None, True, None),
        (NOW.now + 5 * DAY, None, True, None),
        (NOW.day, None, False, Badge("due today", Tone.WAITING)),
        (NOW.day - DAY, None, False, Badge("1 day overdue", Tone.BAD)),
    ],
)
def test_a_due_date_says_how_long_there_is(
    app: Flask, due: Any, met: Any, is_ended: bool, badge: Badge | None
) -> None:
    with app.test_request_context():
        assert due_badge(due, met, NOW, is_ended=is_ended) == badge


def test_a_withdrawn_grievance_is_never_shown_as_met(as_role: Callable[..., Client]) -> None:
    day = datetime(2025, 3, 4, 12, tzinfo=UTC)
    withdrawn = make_grievance(
        received_at=day, due_at=day + DAY, withdrawn_at=day, state=GrievanceState.WITHDRAWN
    )
    page = as_role(Role.AUDITOR).get(address(Grievance, "details", id=withdrawn.id)).text
    assert '<span class="state state-ended">Withdrawn</span>' in page
    assert "state-good" not in page


# --- The menu --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "shown"),
    [(Role.SUPERVISOR, set()), (Role.INTAKE, {"/admin/import/", "/admin/sealed/"})],
)
def test_the_menu_leads_to_screens_of_no_record_type(
    as_role: Callable[..., Client], role: Role, shown: set[str]
) -> None:
    client = as_role(role)
    links = set(re.findall(r'href="(/admin/(?:import|sealed)/)"', client.get("/account").text))
    assert links == shown
    for path in ("/admin/import/", "/admin/sealed/"):
        status = client.get(path).status_code
        assert status == (200 if path in shown else status)


def test_a_page_says_who_printed_it(as_role: Callable[..., Client]) -> None:
    client = as_role(Role.AUDITOR, name="Printing Officer")
    assert "by Printing Officer." in client.get("/admin/category/").text.split("print-note")[1]

"""What the program writes down: one line for each request and failure, and not a word that
somebody typed. Canaries are texts that could only have come from a form, an address, a header, a
password, a record or the message of an exception."""

import json
import re
import secrets
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog
from flask import Flask
from sqlalchemy import text

import config
import logs
from models import Category, Grievance, db
from rules.permissions import Role
from tests.conftest import Client
from tests.factories import make_officer
from tests.gunicorns import Web
from tests.views.pages import address

Say = Callable[[str], None]


def canary() -> str:
    return f"canary{secrets.token_hex(8)}"


def entries(written: str) -> list[dict[str, Any]]:
    """Return the lines of a log, each of which must be JSON."""
    found = []
    for line in written.splitlines():
        if line.startswith("{"):
            found.append(json.loads(line))
    return found


def requests_in(written: str) -> list[dict[str, Any]]:
    return [one for one in entries(written) if one.get("event") == "request"]


class Written:
    """What this process writes to stderr, as in production."""

    def __init__(self, captured: pytest.CaptureFixture[str]) -> None:
        self._captured, self._text = captured, ""

    @property
    def text(self) -> str:
        self._text += self._captured.readouterr().err
        return self._text


@pytest.fixture
def log(committed: Flask, capsys: pytest.CaptureFixture[str]) -> Iterator[Written]:
    logs.configure(committed.config | {"LOG": "json"})
    yield Written(capsys)
    logs.configure(committed.config)


def let_in(app: Flask, *roles: Role) -> Client:
    browser = Client(app, use_cookies=True)
    with app.app_context():
        browser.let_in(make_officer(roles=list(roles or (Role.ADMINISTRATOR,))))
        db.session.commit()
    return browser


# --- Lines -----------------------------------------------------------------------------------


def test_a_request_is_one_line_that_says_what_it_cost(committed: Flask, log: Written) -> None:
    browser = let_in(committed)
    page = browser.get(address(Grievance, search="lamp"))
    page.close()
    told = requests_in(log.text)
    [line] = [one for one in told if one["endpoint"] == "record_grievance.index_view"]
    assert set(line) == {
        "event", "time", "level", "process", "request", "method", "endpoint", "status", "ms",
        "statements", "database_ms", "bytes", "officer",
    }  # fmt: skip
    assert line["request"] == page.headers["X-Request-ID"]
    assert (line["method"], line["status"], line["officer"]) == ("GET", 200, browser.officer_id)
    assert line["bytes"] == len(page.data)
    assert 3 <= line["statements"] <= 10
    assert 0 < line["database_ms"] < line["ms"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", line["time"])


def test_a_failure_is_told_by_its_kind_and_its_places_alone(committed: Flask, log: Written) -> None:
    secret = canary()

    @committed.get("/fails")
    def fails() -> str:
        kept = secret
        try:
            raise KeyError(kept)
        except KeyError as error:
            raise ValueError(f"cannot use {kept}") from error

    @committed.get("/fails-in-sql")
    def fails_in_sql() -> str:
        db.session.execute(text(f"SELECT '{secret}'::int"))
        return ""

    browser = let_in(committed)
    assert browser.get(f"/fails?{secret}={secret}", buffered=True).status_code == 500
    assert browser.get("/fails-in-sql", buffered=True).status_code == 400
    written = log.text
    assert secret not in written
    [line] = [one for one in entries(written) if one["event"] == "a request failed"]
    assert line["level"] == "error"
    assert line["kind"] == "ValueError < KeyError"
    assert any(re.fullmatch(r"tests/test_logs\.py:\d+ fails", one) for one in line["place"])
    [told] = [one for one in requests_in(written) if one["endpoint"] == "fails"]
    assert (told["status"], told["level"]) == (500, "error")


LIBRARY = """
import logging
other = logging.getLogger("some.library")
other.warning("cannot read %s of %d", secret, 7)
other.warning(f"cannot read {secret}")
other.error("failed: %(what)s", {"what": secret})
logging.getLogger("py.warnings").warning("%s", secret)
"""


def test_libraries_and_threads_write_no_values_either(
    committed: Flask, log: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = canary()
    exec(compile(LIBRARY, "/x/site-packages/some/library.py", "exec"), {"secret": secret})  # noqa: S102
    structlog.get_logger("redress").info("request", title=secret, officer=3)

    def dies() -> None:
        raise RuntimeError(secret)

    thread = threading.Thread(target=dies)
    for place in (sys, threading):
        monkeypatch.setattr(place, "excepthook", place.excepthook)  # to be put back
    logs.catch_all()
    thread.start()
    thread.join()
    logs._broke(RuntimeError, RuntimeError(secret), None)
    written = log.text
    assert secret not in written
    assert [one["event"] for one in entries(written)][:5] == [
        "cannot read … of 7", "…", "failed: %(what)s", "…", "request",
    ]  # fmt: skip
    assert entries(written)[1]["place"] == ["some/library.py:5"]
    assert any(one.get("kind") == "RuntimeError" for one in entries(written))


def test_at_a_desk_lines_are_words_and_hold_no_more(committed: Flask, log: Written) -> None:
    logs.configure(committed.config | {"LOG": "text"})
    secret = canary()
    let_in(committed).get(f"/admin/?{secret}=1").close()
    assert "endpoint=admin.index" in log.text
    assert "{" not in log.text
    assert secret not in log.text


def test_a_download_is_counted_to_its_last_byte_and_one_broken_off_is_told(
    committed: Flask, log: Written
) -> None:
    browser = let_in(committed, Role.AUDITOR)
    page = browser.get(address(Category, "export/csv"))
    size = len(page.data)
    page.close()
    [line] = [one for one in requests_in(log.text) if one["endpoint"].endswith(".export")]
    assert line["bytes"] == size > 0


# --- Canaries through the real web server -----------------------------------------------------


def test_no_canary_reaches_the_log_of_the_web_server(web: Web, figures: Say) -> None:
    planted: list[str] = ["canary-of-a-record"]

    def new() -> str:
        planted.append(canary())
        return planted[-1]

    token = web.token("/admin/category/new/")
    listed = "/admin/category/"
    paths = [
        "/", f"/{new()}", "/login", f"/login?next=/{new()}", "/admin/", f"/admin/%00{new()}",
        "/static/redress.css", f"/static/{new()}.css",
        listed, f"{listed}details/?id={new()}", f"{listed}details/?id=1", f"{listed}edit/?id=1",
        f"{listed}history/?id=1", f"{listed}export/csv/?search={new()}",
        f"{listed}ajax/lookup/?name=parent&query={new()}",
        f"/admin/grievance/?search={new()}", f"/admin/grievance/?flt0_title_contains={new()}",
        f"/admin/grievance/?{new()}={new()}", f"/admin/grievance/?sort={new()}",
        f"/admin/grievance/?after={new()}",
    ]  # fmt: skip
    names = ("User_Agent", "Authorization", "X_Forwarded_For", "X_Request_ID", "Accept_Language")
    for path in paths:
        for method in ("GET", "POST", "HEAD"):
            headers = {name: new() for name in names} | {"Referer": f"http://{new()}/"}
            form = {name: new() for name in ("name", "title", "password", new())}
            form["csrf_token"] = token
            web.ask(method, path, form if method == "POST" else None, **headers)
    for _ in range(3):
        visitor = {"Cookie": f"redress_session={new()}; redress_visitor={new()}"}
        web.ask("POST", "/login", {"username": new(), "password": new()}, **visitor)
    for line in (
        f"{new()} / HTTP/1.1\r\nHost: a\r\n\r\n",
        f"PURGE /{new()} HTTP/1.1\r\nHost: a\r\n\r\n",
        f"GET /{new()} {new()}\r\n\r\n",
        f"GET / HTTP/1.1\r\nBad {new()}: {new()}\r\n\r\n",
        f"GET / HTTP/1.1\r\nHost: a\r\nX-Long: {new() * 500}\r\n\r\n",
        f"GET /{new() * 500} HTTP/1.1\r\nHost: a\r\n\r\n",
        f"POST /login HTTP/1.1\r\nHost: a\r\nContent-Length: {new()}\r\n\r\n",
        f"POST /login HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{new()}\r\n",
    ):
        web.raw(line.encode())
    time.sleep(0.5)
    written = web.said()
    told = requests_in(written)
    assert len(told) >= 3 * len(paths)
    hits = [one for one in planted if one in written]
    assert hits == []
    for secret in (*web.cookies.values(), token):
        assert secret not in written
    lines = [line for line in written.splitlines() if not line.startswith("{")]
    known = r"(Ready|Made|There is|Search|  )"
    assert [line for line in lines if not re.match(known, line)] == []
    refused = [one for one in entries(written) if one["event"].startswith("refused at the door")]
    assert len(refused) >= 5
    figures(
        f"logs: {len(planted)} canaries in addresses, forms, headers, cookies, passwords and"
        f" records, {len(told)} requests: {len(hits)} in the log"
    )


def test_every_answer_bears_the_number_under_which_the_log_has_it(web: Web) -> None:
    for path in ("/login", "/no-such-page", "/admin/category/", "/static/none.css"):
        number = web.get(path).headers["X-Request-ID"]
        time.sleep(0.1)
        assert [one for one in requests_in(web.said()) if one["request"] == number], path


def test_a_form_of_the_log_that_is_none_is_refused() -> None:
    with pytest.raises(config.SettingWrong, match="json or text"):
        config.read({"REDRESS_LOG": "xml"})

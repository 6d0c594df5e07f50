"""A desk with a record of each type, somebody of each role, and what their pages offer to fill in.

Nothing that is asked lasts: each request runs in a savepoint that is taken back, so that every
input meets the same desk and can be repeated alone. Only what begins threads (imports) commits.
"""

import gzip
import html
import io
import re
import secrets
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit

from flask import Flask
from sqlalchemy import inspect
from werkzeug.routing import Rule
from werkzeug.test import EnvironBuilder, TestResponse, run_wsgi_app

import security
from models import RECORD_TYPES, OfficerSession, db
from queries.filters import operations
from rules.permissions import Role
from tests.conftest import joined, make_app
from tests.conventions.test_routes import FIELDS, RELATIONS, routes, seed
from tests.factories import make_any, make_office, make_officer
from tests.fuzzing.inputs import Input, Pairs
from tests.views.pages import address, forms

EVERYTHING = (Role.ADMINISTRATOR, Role.DECIDER)  # together they may open every generated screen
VISITOR = "visitor"
LIST_WORDS = (
    *("search", "sort", "desc", "after", "before", "page", "page_size", "filter_what"),
    *("filter_value", "filter_group", "cols", "density", "view", "edit", "open"),
    *("flt0_nope_equals", "flt", "flt_", "flt0", "flt-1_id_equals", "flt0.1_id_equals", "nope"),
)


@dataclass(frozen=True)
class Form:
    """A form as it stands on a page that `who` sees."""

    who: str
    method: str
    path: str
    query: Pairs
    fields: Pairs

    @property
    def name(self) -> tuple[Any, ...]:
        keys = {key for key, _ in self.fields}
        return (self.method, self.path, tuple(sorted({k for k, _ in self.query})), frozenset(keys))


@dataclass(frozen=True)
class Answer:
    """What came back, with the seconds it took; `error` where the application fell over."""

    endpoint: str | None
    status: int
    headers: Any
    body: bytes
    seconds: float
    error: str = ""

    @property
    def text(self) -> str:
        packed = self.headers.get("Content-Encoding") == "gzip"
        return (gzip.decompress(self.body) if packed else self.body).decode("utf-8", "replace")


@dataclass
class World:
    """The application with its records, browsers and forms."""

    app: Flask
    made: dict[str, int]
    cookies: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    forms: dict[tuple[Any, ...], Form] = field(default_factory=dict)
    links: dict[tuple[str, str], tuple[str, Pairs]] = field(default_factory=dict)
    connection: Any = None
    kept: Any = None
    statuses: Counter[str] = field(default_factory=Counter)
    reached: set[str] = field(default_factory=set)

    def count(self, answer: Answer) -> None:
        """Note what came back, for the figures."""
        self.statuses[str(answer.status)] += 1
        if answer.endpoint and answer.status not in (404, 405):
            self.reached.add(answer.endpoint)

    def ask(self, one: Input) -> Answer:
        """Send `one`, and take back what it did to the database."""
        endpoint = self.endpoint(one)
        if (endpoint or "").startswith("imports.") and one.method != "GET":
            return self._ask_apart(one, endpoint)
        self.connection.exec_driver_sql("SAVEPOINT before_it")
        try:
            return self._ask(one, endpoint)
        finally:
            # To release it as well keeps 15,000 of them from standing one in the other.
            self.connection.exec_driver_sql("ROLLBACK TO SAVEPOINT before_it")
            self.connection.exec_driver_sql("RELEASE SAVEPOINT before_it")

    def endpoint(self, one: Input) -> str | None:
        """Return the name of the view that this input reaches."""
        try:
            return str(self.app.url_map.bind("localhost").match(one.path, one.method)[0])
        except Exception:
            return None

    def _ask_apart(self, one: Input, endpoint: str | None) -> Answer:
        """Send what begins a thread; it needs a session of its own, and commits."""
        joined, db.session = db.session, self.kept
        try:
            return self._ask(one, endpoint)
        finally:
            for thread in threading.enumerate():
                if thread.name.startswith("import") or "_work" in thread.name:
                    thread.join(60)
            db.session = joined

    def _ask(self, one: Input, endpoint: str | None) -> Answer:
        environ = self.environ(one)
        began = time.perf_counter()
        try:
            chunks, status, headers = run_wsgi_app(self.app, environ, buffered=False)
            body = b"".join(chunks)
            if hasattr(chunks, "close"):
                chunks.close()
        except Exception as error:
            spent = time.perf_counter() - began
            return Answer(endpoint, 599, {}, b"", spent, f"{type(error).__name__}: {error}")
        spent = time.perf_counter() - began
        return Answer(endpoint, int(status[:3]), headers, body, spent)

    def environ(self, one: Input) -> dict[str, Any]:
        """Return the request as a server hands it on: bytes as Latin-1, nothing put in order."""
        content = one.content()
        builder = EnvironBuilder("/", method="GET")
        environ = builder.get_environ()
        builder.close()
        path = re.sub(r"%([0-9a-fA-F]{2})", lambda hit: chr(int(hit[1], 16)), one.path)
        environ |= {
            "REQUEST_METHOD": one.method,
            "PATH_INFO": path.encode("utf-8", "surrogatepass").decode("latin-1")
            if max(path) > "\xff"
            else path,
            "QUERY_STRING": one.query_string.encode("utf-8", "replace").decode("latin-1"),
            "REQUEST_URI": one.path,
            "RAW_URI": one.path,
            "wsgi.input": io.BytesIO(content),
            "HTTP_COOKIE": self.cookies.get(one.who, ""),
            "REMOTE_ADDR": f"198.51.100.{len(content) % 250}",
        }
        if content or one.method not in ("GET", "HEAD"):
            environ |= {"CONTENT_LENGTH": str(len(content)), "CONTENT_TYPE": one.kind}
        for name, value in one.headers:
            key = name.upper().replace("-", "_")
            environ[key if key.startswith("CONTENT_LEN") else f"HTTP_{key}"] = value
        return environ

    # --- What the pages offer ------------------------------------------------------------------

    def look_around(self) -> None:
        """Collect the forms and links of every page, as the first who is let in."""
        rules = [rule for method, rule in routes(self.app) if method == "GET"]
        unseen = [(rule, self._usual(rule)) for rule in rules if rule.endpoint != "static"]
        for who in self.cookies:
            missed = []
            for rule, (path, query) in unseen:
                answer = self.ask(Input(who, "GET", path, query))
                if answer.status == 200 and b"<html" in answer.body[:200]:
                    self._collect(who, f"{path}?{urlencode(query)}", answer)
                elif answer.status in (401, 403, 302):
                    missed.append((rule, (path, query)))
            unseen = missed
        self._fill_in()
        self._look_further()
        for model in RECORD_TYPES:
            if model.screen:
                self._add_list_words(model)

    def _fill_in(self) -> None:
        """Put into each form for a new record what the form of one that is there holds, so that
        one wrong value meets right ones."""
        there = {
            form.path: dict(form.fields)
            for form in self.forms.values()
            if form.path.endswith("/edit/")
        }
        for name, form in self.forms.items():
            filled = there.get(form.path.replace("/new/", "/edit/"), {})
            if form.path.endswith("/new/"):
                fields = tuple((key, value or filled.get(key, "")) for key, value in form.fields)
                self.forms[name] = replace(form, fields=fields)

    def _look_further(self) -> None:
        """Previews of actions and pages of conflicts stand behind a form of their own."""
        for form in list(self.forms.values()):
            fields = dict(form.fields)
            if form.path.endswith("/action/"):
                fields["rowid"] = str(self.made.get(table_of(form.path), 1))
            elif "version" in fields and form.path.endswith("/edit/"):
                fields["version"] = "stale"
            else:
                continue
            one = Input(
                form.who, "POST", form.path, form.query, tuple(fields.items()), kind=URLENCODED
            )
            self._collect(form.who, form.path, self.ask(one))

    def _collect(self, who: str, path: str, answer: Answer) -> None:
        page = TestResponse([answer.body], "200", answer.headers, request=None)  # type: ignore[arg-type]
        for found in forms(page):
            attributes = found["attributes"]
            parts = urlsplit(urljoin(path, attributes.get("action", "")))
            fields = [
                (key, value) for key, values in found["fields"].items() for value in values or [""]
            ]
            fields += [(name, "1") for name in found["buttons"] if name not in found["fields"]]
            form = Form(
                who,
                attributes.get("method", "get").upper(),
                parts.path,
                tuple(parse_qsl(parts.query, keep_blank_values=True)),
                tuple(fields),
            )
            self.forms.setdefault(form.name, form)
        for link in re.findall(r'(?:href|data-lookup)="(/[^"]*\?[^"]*)"', answer.text):
            parts = urlsplit(html.unescape(link))
            query = tuple(parse_qsl(parts.query, keep_blank_values=True))
            for key, _ in query:
                self.links.setdefault((parts.path, key), (who, query))

    def _add_list_words(self, model: Any) -> None:
        """What a link to a list may say, and a filter for each operation of each column."""
        who = next(iter(self.cookies))
        names = [
            f"flt0_{key}_{operation}"
            for key in (*inspect(model).columns.keys(), *inspect(model).relationships.keys())
            for operation in (known_operations(model, key))
        ]
        for view, words in {
            "": (*LIST_WORDS, *names),
            "export/csv": LIST_WORDS[:5],
            "export/xlsx": LIST_WORDS[:2],
        }.items():
            for name in words:
                usual = {"filter_what": "id_equals", "sort": "id", "desc": "1"}.get(name, "1")
                self.links.setdefault((address(model, view), name), (who, ((name, usual),)))

    def _usual(self, rule: Rule) -> tuple[str, Pairs]:
        """Return the address of `rule` with what usually stands in it."""
        table = rule.endpoint.partition(".")[0].removeprefix("record_")
        query = [("id", str(self.made.get(table, 1)))]
        if rule.endpoint.endswith(".ajax_lookup"):
            query += [("name", RELATIONS[table]), ("query", "")]
        if rule.endpoint.endswith(".ajax_update"):
            query += [("name", FIELDS[table])]
        values = {name: self.value_of(name) for name in rule.arguments}
        with self.app.test_request_context():
            adapter = self.app.url_map.bind("localhost")
            return adapter.build(rule.endpoint, values, method="GET"), tuple(query)

    def value_of(self, name: str) -> Any:
        """Return what usually stands in a place of an address."""
        known = {
            "export_type": "csv",
            "filename": "redress.css",
            "name": "boston",
            "log_in_id": self.made["officer_session"],
            "batch_id": self.made["import_batch"],
        }
        table = name.removesuffix("_id")
        return known.get(name, self.made.get(table, self.made["grievance"] if name == "id" else 1))


URLENCODED = "application/x-www-form-urlencoded"


def table_of(path: str) -> str:
    """Return the table whose screens stand under `path`."""
    parts = path.split("/")
    return parts[2].replace("-", "_") if len(parts) > 2 else ""


def known_operations(model: Any, key: str) -> list[str]:
    relations = inspect(model).relationships
    if key in relations and relations[key].uselist:
        return []
    return list(operations(model, key))


@contextmanager
def desk(url: str, folder: Path) -> Iterator[World]:
    """A world on the empty database `url`."""
    app = make_app(url, folder, IDLE_MINUTES=60 * 24 * 7, SESSION_HOURS=24 * 7)
    with app.app_context():
        office = make_office(name="Water works").id
        made = seed(office)
        seed(make_office(name="Roads office").id)  # what is not theirs
        world = World(app, made)
        for held in (EVERYTHING, *((role,) for role in Role)):
            _let_in(world, held, office)
        db.session.commit()
    _take_tokens(world)
    world.kept = db.session
    with joined(app) as world.connection:
        world.look_around()
        yield world
    with app.app_context():
        db.engine.dispose()


def _let_in(world: World, held: tuple[Role, ...], office: int) -> None:
    officer = make_officer(roles=list(held), office_id=office)
    token = secrets.token_urlsafe()
    later = datetime.now(UTC) + timedelta(days=1)  # so that no request needs to write it down
    make_any(OfficerSession, officer=officer, token_hash=security.token_hash(token), seen_at=later)
    for model in RECORD_TYPES:
        if model.owner_path == "officer_id" and held == EVERYTHING:
            world.made[model.__tablename__] = make_any(model, officer_id=officer.id).id
    world.cookies["+".join(held)] = f"{security.COOKIE}={quote(token)}"


def _take_tokens(world: World) -> None:
    """Keep what each browser puts into its forms against forgery."""
    visitor = world.app.test_client()
    page = visitor.get("/login")
    cookie = visitor.get_cookie(security.VISITOR_COOKIE)
    assert cookie, "the log-in form keeps nothing with the visitor"
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found, page.text
    world.tokens[VISITOR] = found[1]
    for who, held in world.cookies.items():
        page = world.app.test_client(use_cookies=False).get("/account", headers={"Cookie": held})
        found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
        assert found, page.text
        world.tokens[who] = found[1]
    world.cookies[VISITOR] = f"{security.VISITOR_COOKIE}={cookie.value}"

"""Who complained is nowhere but on the page of an opening (promise A6).

Strings that stand nowhere else are sealed through the form and opened once; then every page is
asked for as every role, and what came back, the log, the database and the files are searched.
"""

import base64
import io
import logging
import re
import string
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from sqlalchemy import String, text

from models import RECORD_TYPES, IdentityOpening, db
from queries import lists
from queries.filters import operations
from rules.identity import IdentityField, OpeningGround
from rules.permissions import Role
from tests.conftest import Client, make_app
from tests.conventions.test_routes import FIELDS, RELATIONS, routes
from tests.factories import make_any, make_officer
from tests.identities import CANARIES, District, make_district
from tests.proofs import size
from tests.views.pages import address, without_tokens

# Of each canary: the whole, and a part that a cut or a mask might leave.
PARTS = (
    *CANARIES.values(),
    "Zyrianda",
    "zyrianda",
    "Quillfeather",
    "49608151",
    "496 08151",
    "Canary Wharf",
)
FORMS = sorted(
    {
        form
        for part in PARTS
        for form in (
            part.encode(),
            part.encode().hex().encode(),
            base64.b64encode(part.encode()).rstrip(b"=")[:-1],
            quote(part).encode(),
            part.encode("utf-16-le"),
        )
    }
)
CANARY = re.compile(b"|".join(re.escape(form) for form in FORMS), re.IGNORECASE)


@dataclass
class Searched:
    """What was looked through, and where a canary was."""

    hits: list[str] = field(default_factory=list)
    answers: int = 0
    bytes: int = 0
    places: int = 0

    def look(self, where: str, content: bytes) -> None:
        self.places += 1
        self.bytes += len(content)
        if found := CANARY.search(content):
            self.hits.append(f"{where}: {found[0]!r}")

    def answer(self, where: str, reply: Any) -> None:
        """Look through an answer: its headers, its cookies, its body, and a workbook unpacked."""
        self.answers += 1
        body = reply.get_data()
        self.look(f"{where} headers", str(reply.headers).encode())
        if body[:2] == b"PK":
            with zipfile.ZipFile(io.BytesIO(body)) as book:
                body = b"".join(book.read(name) for name in book.namelist())
        self.look(where, body)


@dataclass
class Bureau:
    """A district in which one identity is sealed and was opened once."""

    district: District
    browsers: dict[str, Client]
    ids: dict[str, int]
    log: io.StringIO
    opened: str


@pytest.fixture(scope="module")
def bureau(
    fresh_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bureau]:
    app = make_app(fresh_database(), tmp_path_factory.mktemp("canary"))
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    logging.getLogger("sqlalchemy.engine").setLevel(logging.INFO)  # every statement as well
    try:
        district = make_district(app)
        ids = _one_of_each(district)
        browsers: dict[str, Client] = {"visitor": app.test_client()}  # type: ignore[dict-item]
        for role in Role:
            district.officers[f"{role} of all"] = _officer(district, role)
            browsers[role] = district.browser(f"{role} of all")
        opened = _seal_and_open(browsers[Role.INTAKE], district)
        yield Bureau(district, browsers, ids, log, opened)
    finally:
        logging.getLogger("sqlalchemy.engine").setLevel(logging.NOTSET)
        root.setLevel(level)
        root.removeHandler(handler)
        with app.app_context():
            db.engine.dispose()


def _officer(district: District, role: Role) -> int:
    """An officer of the office that answers for the grievance, or of the bureau."""
    with district.acting() as session:
        officer = make_officer(roles=[role], office_id=district.offices["parks"]).id
        session.commit()
        return int(officer)


def _one_of_each(district: District) -> dict[str, int]:
    """Make a record of each type about the grievance where it can be; return their ids."""
    ids = {}
    with district.acting() as session:
        for model in RECORD_TYPES:
            if model.screen:
                key = model.__table__.columns.get("grievance_id")
                about = (
                    {} if key is None or key.nullable else {"grievance_id": district.grievance_id}
                )
                ids[model.__tablename__] = make_any(model, **about).id
        session.commit()
    return ids | {"grievance": district.grievance_id}


def _seal_and_open(browser: Client, district: District) -> str:
    base = f"/admin/sealed/{district.grievance_id}"
    # Once with what is refused, whose words may not come back in a flash or a log.
    assert (
        browser.send(f"{base}/seal", **{one.value: "x" * 9000 for one in IdentityField}).status_code
        == 400
    )
    sealed = browser.send(f"{base}/seal", **{one.value: told for one, told in CANARIES.items()})
    assert sealed.status_code in (302, 303), sealed.text
    reply = browser.send(
        f"{base}/open", ground=OpeningGround.ANSWER.value, reason="The answer goes out"
    )
    assert reply.status_code == 303, reply.text
    return str(reply.location)


def _values(bureau: Bureau, rule: Any) -> dict[str, Any]:
    known = {"export_type": "csv", "filename": "redress.css", "name": "boston"}
    known |= {f"{table}_id": number for table, number in bureau.ids.items()}
    known |= {
        "batch_id": bureau.ids["import_batch"],
        "log_in_id": 1,
        "opening_id": 1,
        "request_id": 1,
    }
    return {name: known.get(name, 1) for name in rule.arguments}


def _pages(bureau: Bureau) -> Iterator[str]:
    """Yield the address of every page that can be asked for, the opening apart."""
    app = bureau.district.app
    for method, rule in routes(app):
        if (
            method != "GET"
            or rule.endpoint.endswith("static")
            or rule.endpoint == "identity.opened"
        ):
            continue
        table = rule.endpoint.partition(".")[0].removeprefix("record_")
        query = {"id": bureau.ids.get(table, 1)}
        if rule.endpoint.endswith(".ajax_lookup"):
            query |= {"name": RELATIONS[table], "query": ""}
        if rule.endpoint.endswith(".ajax_update"):
            query |= {"name": FIELDS[table]}
        with app.test_request_context():
            path = app.url_map.bind("localhost").build(rule.endpoint, _values(bureau, rule))
        yield path if rule.endpoint.endswith(".index_view") else f"{path}?{urlencode(query)}"
        if rule.endpoint.endswith(".export"):
            yield path.replace("/csv/", "/xlsx/")


def _sorted_lists() -> Iterator[str]:
    for model in RECORD_TYPES:
        if model.screen:
            for key in lists.sortable_keys(model):
                yield address(model, sort=key, desc=1)


@pytest.mark.proof
def test_who_complained_is_on_no_page_in_no_file_no_log_and_no_table(
    bureau: Bureau, figures: Callable[[str], None], capfd: pytest.CaptureFixture[str]
) -> None:
    # It is there to be found: the one page that may show it does.
    shown = bureau.browsers[Role.INTAKE].get(bureau.opened)
    assert len(set(CANARY.findall(shown.get_data()))) >= len(CANARIES)
    searched = Searched()
    searched.look("headers of the opening", str(shown.headers).encode())
    pages = list(_pages(bureau))
    turns = size(5, 1)  # in a usual run each page is seen by two of the people, in turn
    for turn, (who, browser) in enumerate(bureau.browsers.items()):
        for path in pages[turn % turns :: turns]:
            searched.answer(f"{who} {path}", browser.get(path))
        searched.answer(
            f"{who} opening", browser.get(bureau.opened)
        ) if who != Role.INTAKE else None
    for path in _sorted_lists():
        searched.answer(path, bureau.browsers[Role.AUDITOR].get(path))
    answers, places = searched.answers, searched.places
    for who, browser in bureau.browsers.items():
        held = [browser.get_cookie(name) for name in ("redress_session", "redress_visitor")]
        searched.look(f"cookies of {who}", repr([one.value for one in held if one]).encode())
    told = capfd.readouterr()
    searched.look("log", bureau.log.getvalue().encode())
    searched.look("standard output and error", (told.out + told.err).encode())
    assert "SELECT" in bureau.log.getvalue()  # the log was kept
    tables = _search_tables(bureau, searched)
    files = _search_files(Path(bureau.district.app.instance_path), searched)
    assert searched.hits == []
    assert places > answers
    figures(
        f"A6: {len(CANARIES)} canaries in {len(FORMS)} spellings: {answers:,} answers to "
        f"{len(bureau.browsers)} people over {len(set(p.partition('?')[0] for p in pages))} "
        f"addresses, {tables} tables, {files} files, the log: {len(searched.hits)} hits in "
        f"{searched.bytes / 1e6:.0f} MB outside the opening page"
    )


def _search_tables(bureau: Bureau, searched: Searched) -> int:
    """Look through every row of every table as text, as its owner."""
    with bureau.district.app.app_context(), db.engine.connect() as connection:
        names = connection.execute(
            text(
                "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n"
                " ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'm')"
                " AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')"
            )
        )
        tables = list(names.scalars())
        for name in tables:
            rows = connection.execute(text(f"SELECT t::text FROM {name} t"))  # noqa: S608
            searched.look(f"table {name}", "\n".join(rows.scalars()).encode())
        seen = connection.execute(
            text("SELECT query FROM pg_stat_activity WHERE query IS NOT NULL")
        )
        searched.look("statements of other connections", "\n".join(seen.scalars()).encode())
    return len(tables)


def _search_files(folder: Path, searched: Searched) -> int:
    files = [path for path in folder.rglob("*") if path.is_file()]
    for path in files:
        searched.look(f"file {path.name}", path.read_bytes())
    return len(files)


# --- Asking for it ---------------------------------------------------------------------------


def _alike(word: str) -> str:
    """Return a word of the same shape that is in no record."""
    turned = str.maketrans(
        string.ascii_lowercase + string.ascii_uppercase + string.digits,
        string.ascii_lowercase[7:] + string.ascii_lowercase[:7]
        + string.ascii_uppercase[7:] + string.ascii_uppercase[:7]
        + string.digits[3:] + string.digits[:3],
    )  # fmt: skip
    return word.translate(turned)


def _told(reply: Any, typed: str) -> tuple[int, str]:
    """Return what is learned from an answer: its text without what was typed and the tokens."""
    said = reply.text
    for one in (
        typed,
        typed.lower(),
        quote(typed),
        quote(typed, safe=""),
        urlencode({"": typed})[1:],
    ):
        said = said.replace(one, "…")
    return reply.status_code, without_tokens(said)


def _questions(typed: str) -> Iterator[str]:
    for model in RECORD_TYPES:
        if not model.screen:
            continue
        yield f"{address(model)}?{urlencode({'search': typed})}"
        if relation := RELATIONS[model.__tablename__]:
            yield f"{address(model, 'ajax/lookup')}?{urlencode({'name': relation, 'query': typed})}"
        for column in model.__table__.columns:
            if isinstance(column.type, String) and "contains" in operations(model, column.key):
                yield f"{address(model)}?{urlencode({f'flt0_{column.key}_contains': typed})}"


@pytest.mark.proof
@pytest.mark.parametrize("who", [Role.INTAKE, Role.AUDITOR, Role.ADMINISTRATOR][: size(1, 3)])
def test_to_ask_for_who_complained_is_to_ask_for_any_word(
    bureau: Bureau, figures: Callable[[str], None], who: Role
) -> None:
    browser, asked = bureau.browsers[who], 0
    for part in ("Quillfeather", CANARIES[IdentityField.EMAIL]):
        other = _alike(part)
        for path, beside in zip(_questions(part), _questions(other), strict=True):
            found, not_found = browser.get(path), browser.get(beside)
            assert _told(found, part) == _told(not_found, other), path
            asked += 1
    assert asked > 50
    figures(f"A6: {asked} questions for a canary as {who}: 0 told more than any word would")


def test_no_filter_reaches_what_is_sealed(bureau: Bureau) -> None:
    grievances = "/admin/grievance/"
    for name in ("identity", "identity.name", "name", "ciphertext", "identities", "identity_name"):
        for operation in ("contains", "equals", "empty"):
            reply = bureau.browsers[Role.INTAKE].get(
                f"{grievances}?flt0_{name}_{operation}=Quillfeather"
            )
            assert reply.status_code == 400
        for way in ("sort", "search_in", "name"):
            bureau.browsers[Role.INTAKE].get(f"{grievances}?{way}={name}")
    with bureau.district.acting() as session:
        assert session.query(IdentityOpening).count() == 1

"""The search over everything: what it finds for whom, in which order, at what cost."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, event, text

import queries.search
from models import RECORD_TYPES, OfficeRecord, Record, db, search_columns
from queries.lists import LONGEST_SEARCH
from queries.search import can_be_searched, record_number
from rules.grievance import GrievanceState
from rules.identity import IdentityField
from rules.permissions import READS_EVERY_OFFICE, Desk, Role, Verb, may
from rules.records import AuditVerb
from tests.conftest import Client, make_app
from tests.factories import (
    make_any,
    make_audit_entry,
    make_grievance,
    make_office,
    make_officer,
    make_plan_step,
)
from tests.identities import CANARIES, make_district
from tests.statements import statements
from tests.views.pages import address, assert_clean, words
from views.labels import english_types
from views.search import SHOWN, SHOWN_TYPING

MOST_STATEMENTS = 8
TRAIL = Desk.TRAIL
SEARCHED = [model for model in RECORD_TYPES if model.screen and can_be_searched(model)]


def ask(browser: Client, words: str, **more: str) -> Any:
    """Return what the search says in JSON."""
    answer = browser.get("/search", query_string={"q": words, "typing": "1"} | more)
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def titles(found: Any) -> list[str]:
    return [hit["title"] for group in found["groups"] for hit in group["hits"]]


# --- What is found ---------------------------------------------------------------------------


def make_zinnias() -> dict[str, type[Record]]:
    """Make a record of every type that is searched, each with one word that names it, and return
    the addresses of their pages."""
    made = {}
    for model in SEARCHED:
        searched = {column.key for column in search_columns(model)}
        columns = [key for key in model.title_columns if key in searched]
        given = {columns[-1]: "zinnia"} if columns else {}
        record = make_any(model, **given)
        if given:
            made[f"{address(model, 'details')}?id={record.id}"] = model
    assert len(made) > 25
    return made


def addresses(found: Any) -> set[str]:
    return {hit["url"] for group in found["groups"] for hit in group["hits"]}


def test_every_type_that_has_words_is_searched(as_role: Callable[..., Client]) -> None:
    """Each record is found by what names it, under the heading of its list."""
    browser = as_role(Role.ADMINISTRATOR, Role.DECIDER)
    made = make_zinnias()
    found = ask(browser, "zinnia")
    assert addresses(found) == made.keys()
    labels = [group["label"] for group in found["groups"]]
    assert labels.count("Grievances") == 1
    assert set(labels) == {english_types(model) for model in made.values()}


def test_a_word_finds_records_of_several_kinds_each_linked(
    as_role: Callable[..., Client],
) -> None:
    browser = as_role(Role.INTAKE)
    grievance = make_grievance(title="Zinnia bed trampled")
    step = make_plan_step(subject="Plant zinnias again")
    page = browser.get("/search?q=zinnia")
    assert page.status_code == 200
    assert_clean(page)
    assert f"/admin/grievance/details/?id={grievance.id}" in page.text
    assert f"/admin/plan-step/details/?id={step.id}" in page.text
    for found in (grievance, step):
        address = {grievance: "grievance", step: "plan-step"}[found]
        assert browser.get(f"/admin/{address}/details/?id={found.id}").status_code == 200


def test_just_the_number_comes_first(as_role: Callable[..., Client], session: Any) -> None:
    browser = as_role(Role.INTAKE)
    wanted = make_grievance(number="Z-7", title="Wanted")
    for n in range(SHOWN + 2):
        make_grievance(number=f"Z-7{n}", title="Longer")
    make_plan_step(subject="see Z-7")
    found = ask(browser, "z-7")
    assert found["groups"][0]["hits"][0] == {
        "title": "Z-7 · Wanted",
        "url": f"/admin/grievance/details/?id={wanted.id}",
        "exact": True,
    }
    office = make_office(code="zinnia-7", name="Elsewhere")
    make_grievance(title="about zinnia-7")
    first = ask(browser, "ZINNIA-7")["groups"][0]
    assert (first["label"], first["hits"][0]["url"]) == (
        "Offices",
        f"/admin/office/details/?id={office.id}",
    )


def test_a_record_is_found_by_its_own_number(as_role: Callable[..., Client]) -> None:
    browser = as_role(Role.INTAKE)
    grievance = make_grievance(title="By number")
    for spelled in (f"#{grievance.id}", f" # {grievance.id}"):
        assert f"{grievance.number} · By number" in titles(ask(browser, spelled))
    assert titles(ask(browser, "#999999999999")) == []


@pytest.mark.parametrize(
    ("spelled", "number"),
    [("#12", 12), ("# 12", 12), ("#0", None), ("12", None), ("#1٢", None), ("#", None)]
    + [(f"#{2**63}", None), (f"#{2**63 - 1}", 2**63 - 1), ("#-1", None), ("#" + "9" * 40, None)],
)
def test_what_is_a_number_of_a_record(spelled: str, number: int | None) -> None:
    assert record_number(spelled) == number


@pytest.mark.parametrize("asked", ["水", "供水", "停水了", "水 供", "停水了 第一"])
def test_chinese_words_of_any_length_are_found(asked: str, as_role: Callable[..., Client]) -> None:
    browser = as_role(Role.INTAKE)
    make_grievance(number="1", title="供水站停水了，第一天")
    make_grievance(number="2", title="路灯不亮")
    assert titles(ask(browser, asked)) == ["1 · 供水站停水了，第一天"]


def test_the_first_are_shown_and_the_list_has_all(as_role: Callable[..., Client]) -> None:
    browser = as_role(Role.INTAKE)
    for n in range(SHOWN + 3):
        make_grievance(number=f"N{n}", title="Zinnia")
    page = browser.get("/search?q=zinnia")
    shown = words(page)
    assert f"All {SHOWN + 3} in the list" in shown
    assert [f"N{n} · Zinnia" in shown for n in range(SHOWN + 3)] == [False] * 3 + [True] * SHOWN
    assert "/admin/grievance/?search=zinnia" in page.text
    assert len(titles(ask(browser, "zinnia"))) == SHOWN_TYPING


def test_enum_and_date_titles_are_in_words(as_role: Callable[..., Client]) -> None:
    """A decision point is named by its place and its point; a date never as it is stored."""
    browser = as_role(Role.AUDITOR)
    record = make_any(next(m for m in RECORD_TYPES if m.__tablename__ == "daily_return"))
    found = ask(browser, f"#{record.id}")
    assert "2 Mar 2026" in titles(found)


# --- Whose sight -----------------------------------------------------------------------------


@pytest.mark.parametrize("role", Role)
def test_everybody_finds_just_what_they_may_see(role: Role, as_role: Callable[..., Client]) -> None:
    """The records are of other offices and other officers."""
    browser = as_role(role)
    made = make_zinnias()
    sees_all, reads_trail = role in READS_EVERY_OFFICE, may(frozenset({role}), TRAIL, Verb.READ)
    expected = {
        place
        for place, model in made.items()
        if may(frozenset({role}), model.desk, Verb.READ)
        and (sees_all or not issubclass(model, OfficeRecord))
        and (reads_trail or not model.owner_path)
    }
    assert addresses(ask(browser, "zinnia")) == expected
    some = [place for place in made if "/grievance/" in place or "/plan-step/" in place]
    for place in some:
        number = place.rpartition("=")[2]
        assert (place in addresses(ask(browser, f"#{number}"))) is (place in expected)


def test_what_comes_into_sight_is_found(as_role: Callable[..., Client], session: Any) -> None:
    browser = as_role(Role.HANDLER)
    grievance = make_grievance(title="Zinnia")
    assert titles(ask(browser, "zinnia")) == []
    me = session.execute(
        text("SELECT office_id FROM officer WHERE id = :id"), {"id": browser.officer_id}
    ).scalar_one()
    grievance.responsible_office_id, grievance.state = me, GrievanceState.ROUTED
    session.flush()
    assert len(titles(ask(browser, "zinnia"))) == 1


def test_who_complained_is_never_found(committed: Flask) -> None:
    """Sealed in earnest, and looked for by everybody: no canary, and no trace of a table."""
    there = make_district(committed)
    there.seal()
    for name in ("intake", "auditor", "administrator", "handler", "head"):
        browser = there.browser(name)
        for field in (IdentityField.NAME, IdentityField.PHONE):
            assert ask(browser, CANARIES[field])["groups"] == [], (name, field)


def test_nobody_searches_without_a_log_in(client: Any) -> None:
    for place in ("/search?q=x", "/search?q=x&typing=1"):
        answer = client.get(place)
        assert answer.status_code == 302
        assert "/login" in answer.headers["Location"]


def test_who_has_no_role_finds_nothing(as_role: Callable[..., Client]) -> None:
    make_grievance(title="Zinnia")
    assert ask(as_role(), "zinnia")["groups"] == []


# --- Words for what cannot be had ------------------------------------------------------------


def test_no_words_and_no_results_are_said_clearly(as_role: Callable[..., Client]) -> None:
    browser = as_role(Role.INTAKE)
    for empty in ("/search", "/search?q=", "/search?q=%20%20"):
        assert "Type the number of a record" in words(browser.get(empty))
    assert "Nothing that you may see holds these words" in words(browser.get("/search?q=qqzz"))
    assert ask(browser, "qqzz")["says"] == "Nothing found."


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("x" * (LONGEST_SEARCH + 1), "at most 200 characters"),
        ("a " * 11, "at most 10 words"),
    ],
)
def test_too_much_is_refused_with_a_sentence(
    asked: str, said: str, as_role: Callable[..., Client]
) -> None:
    browser = as_role(Role.INTAKE)
    page = browser.get("/search", query_string={"q": asked})
    assert page.status_code == 400
    assert said in words(page)
    typing = browser.get("/search", query_string={"q": asked, "typing": "1"})
    assert typing.status_code == 400
    assert said in typing.get_json()["says"]


ODD = ["%", "_", "\\", "'", '"', "<script>", "%_%", "\u202e", "\ufffd", "😀", "#", "##1", "$$"]


@pytest.mark.parametrize("asked", [*ODD, "é", "İ", "ß", "a\tb", "{0}", "%(text)s", "%s"])
def test_odd_signs_are_words_like_others(asked: str, as_role: Callable[..., Client]) -> None:
    browser = as_role(Role.INTAKE)
    make_grievance(number="odd", title=f"before {asked} after")
    page = browser.get("/search", query_string={"q": asked})
    assert page.status_code == 200
    assert "<script>" not in page.text.partition("<main")[2]
    if asked.strip("#"):
        assert any("odd · before" in one for one in titles(ask(browser, asked))), asked


@pytest.mark.parametrize("raw", ["%ED%A0%80", "%FF%FE", "%C0%80", "+", "%0A", "q&q=b"])
def test_broken_text_is_no_failure(raw: str, as_role: Callable[..., Client]) -> None:
    assert as_role(Role.INTAKE).get(f"/search?q={raw}").status_code == 200


def test_a_null_is_refused(as_role: Callable[..., Client]) -> None:
    assert as_role(Role.INTAKE).get("/search?q=%00").status_code == 400


# --- Cost ------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", Role)
def test_a_search_is_frugal(role: Role, as_role: Callable[..., Client]) -> None:
    browser = as_role(role)
    for model in SEARCHED:
        make_any(model)
    make_audit_entry(verb=AuditVerb.LOGIN)
    for asked in ("light", "水", "#1", "a"):
        with statements() as seen:
            page = browser.get("/search", query_string={"q": asked})
        assert page.status_code == 200
        assert len(seen) <= MOST_STATEMENTS, "\n\n".join(seen)
        for statement in seen:
            assert "OFFSET" not in statement
            assert "count(" not in statement or "LIMIT" in statement


def test_what_takes_too_long_is_named_and_the_rest_is_found(
    as_role: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Grievances take their time; categories are found all the same."""
    browser = as_role(Role.INTAKE)
    make_grievance(title="Zinnia grievance")
    make_any(next(m for m in RECORD_TYPES if m.__tablename__ == "category"), name="Zinnia kind")
    monkeypatch.setattr("views.search.SECONDS", 0.4)
    monkeypatch.setattr("views.search.SECONDS_TYPING", 0.4)
    plain = queries.search.union_all

    def slow(*parts: Any) -> Any:
        is_grievance = "FROM grievance" in str(parts[0]).replace("\n", " ")
        return db.select(db.func.pg_sleep(2)) if is_grievance else plain(*parts)

    monkeypatch.setattr("queries.search.union_all", slow)
    page = browser.get("/search?q=zinnia")
    assert page.status_code == 200
    shown = words(page)
    assert "not everything was looked through" in shown
    assert '<a href="/admin/grievance/?search=zinnia">Grievances</a>' in page.text
    assert "Zinnia kind" in shown
    assert "Zinnia grievance" not in shown
    assert "takes longer than usual" in ask(browser, "zinnia")["says"]


def test_the_register_is_searched_through_its_index(
    fresh_database: Callable[[], str], tmp_path: Any
) -> None:
    """As the web's own login has it, with its rights: rare words in English and in Chinese."""
    app = make_app(fresh_database(), tmp_path)
    with app.app_context():
        officer = make_officer(roles=[Role.INTAKE])
        browser: Any = app.test_client()
        browser.let_in(officer)
        db.session.commit()
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ALTER TABLE grievance DISABLE TRIGGER USER"))
            connection.execute(
                text(
                    "INSERT INTO grievance (title, received_at)"
                    " SELECT 'Street light ' || md5(n::text) || ' ' || chr(19968 + n % 2000),"
                    "   now() FROM generate_series(1, 20000) n"
                )
            )
            connection.execute(text("VACUUM ANALYZE grievance"))
        plans: list[str] = []

        def explain(connection: Any, _c: Any, statement: str, parameters: Any, *_: Any) -> None:
            if "found_0" in statement and "FROM grievance" in statement.replace("\n", " "):
                with connection.connection.cursor() as beside:
                    beside.execute(f"EXPLAIN {statement}", parameters)
                    plans.append("\n".join(line for (line,) in beside.fetchall()))

        event.listen(Engine, "before_cursor_execute", explain)
        try:
            for asked, index in [("c4ca4238a0b9", "search"), ("丂", "pairs"), ("丂七", "pairs")]:
                plans.clear()
                assert browser.get("/search", query_string={"q": asked}).status_code == 200
                assert plans
                assert f"ix_grievance_{index}" in plans[0], plans[0]
        finally:
            event.remove(Engine, "before_cursor_execute", explain)
        db.session.remove()
        db.engine.dispose()


def test_only_types_with_screens_are_searched() -> None:
    private: list[type[Record]] = [model for model in RECORD_TYPES if not model.screen]
    assert private
    assert not set(private) & set(SEARCHED)

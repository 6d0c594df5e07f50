"""What lists and filters ask of the database: order, pages, filters, search, counts, plans."""

import random
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, inspect, select, text, update
from sqlalchemy.dialects import postgresql

from models import (
    RECORD_TYPES,
    Area,
    Grievance,
    Office,
    Officer,
    Pause,
    PlanStep,
    ServiceStandard,
    db,
    search_columns,
)
from queries import filters, lists, sorts
from queries.dependents import dependents_of
from queries.filter_links import MOST_FILTERS, added, conditions, parse
from queries.filters import Today, operations
from queries.lists import Order, Place
from rules import RuleBroken
from rules.casework import UNANSWERED
from rules.grievance import Channel, GrievanceKind, GrievanceState, PauseGround
from rules.offices import AreaLevel, ClockStage, ClockUnit, OfficeLevel
from rules.permissions import Role
from tests.conftest import make_app
from tests.factories import make_office
from tests.statements import statements

NOON = datetime(2026, 7, 15, 12, 0, tzinfo=UTC)
LONDON = ZoneInfo("Europe/London")
SHANGHAI = ZoneInfo("Asia/Shanghai")
SCREENS = [model for model in RECORD_TYPES if model.screen]
QUICK = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture
def office(session: Any) -> Office:
    made = Office(name="Water", code="traps-water", level=OfficeLevel.DEPARTMENT)
    session.add(made)
    session.flush()
    return made


def grievance_row(dice: random.Random, office: Office, number: int) -> dict[str, Any]:
    """Return a row that ties with many others in every column and has many NULLs."""
    state = dice.choice(list(GrievanceState))
    received = NOON - timedelta(days=dice.randint(20, 23))
    later = NOON - timedelta(days=dice.randint(0, 3))
    ended = state not in (*UNANSWERED, GrievanceState.WITHDRAWN, GrievanceState.DUPLICATE)
    goes_back = state in (GrievanceState.APPEALED, GrievanceState.DUPLICATE)
    source = dice.choice([None, "boston", "sf"])
    return {
        "title": dice.choice(["Pothole", "pothole", "供水", "Élan", "a", "😀"]),
        "kind": dice.choice(list(GrievanceKind)),
        "channel": dice.choice(list(Channel)),
        "state": state,
        "place": dice.choice([None, None, "", "Elm St", "elm st", "Zoo"]),
        "responsible_office_id": office.id,
        "is_referred_from_above": dice.random() < 0.5,
        "received_at": received,
        "due_at": dice.choice([None, None, NOON, NOON + timedelta(microseconds=1)]),
        "acknowledged_at": later if state == GrievanceState.ACKNOWLEDGED else None,
        "answered_at": later if ended else None,
        "closed_at": later if state == GrievanceState.CLOSED else None,
        "withdrawn_at": later if state == GrievanceState.WITHDRAWN else None,
        "withdrawal_statement": "Done" if state == GrievanceState.WITHDRAWN else None,
        "state_before": GrievanceState.ANSWERED if goes_back else None,
        "source": source,
        "external_number": f"{number:04}" if source else None,
    }


@pytest.fixture
def grievances(session: Any, office: Office) -> list[Grievance]:
    session.execute(delete(Grievance))
    dice = random.Random(20261122)  # noqa: S311 - rows of a test
    session.execute(insert(Grievance), [grievance_row(dice, office, n) for n in range(70)])
    return list(session.scalars(select(Grievance)))


# --- Pages -----------------------------------------------------------------------------------


def as_python_sorts(records: list[Any], order: Order) -> list[int]:
    """Return the ids in the order of PostgreSQL: NULLs after everything, bytes for text, ties by
    id; the other way round all of it is turned about."""

    def key(record: Any) -> tuple[Any, ...]:
        value = getattr(record, order.key)
        value = getattr(value, "value", value)
        value = value.encode() if isinstance(value, str) else value
        return (value is None, 0 if value is None else value, record.id)

    ids = [record.id for record in sorted(records, key=key)]
    return ids[::-1] if order.descending else ids


def walk(
    session: Any, model: Any, order: Order, size: int, *, back: bool = False, few: bool = False
) -> list[list[int]]:
    """Return the ids of every page from the first to the last, or from the last to the first."""
    pages: list[list[int]] = []
    place = lists.THE_END if back else None
    query, found = lists.gathered(select(model), model, order) if few else (select(model), None)
    while True:
        page = lists.read_page(session, query, model, order, place, size, found=found)
        pages.append([record.id for record in page.records])
        token = page.before if back else page.after
        assert len(pages) < 500, "the pages never end"
        if token is None:
            return pages
        place = lists.read_place(model, order, token, backwards=back)


@pytest.mark.parametrize("few", [False, True], ids=["through the order", "of few"])
@pytest.mark.parametrize("descending", [False, True], ids=["up", "down"])
@pytest.mark.parametrize("key", lists.sortable_keys(Grievance))
def test_paging_meets_each_row_once_in_order_forwards_and_backwards(
    session: Any, grievances: list[Grievance], key: str, descending: bool, few: bool
) -> None:
    order = Order(key, descending)
    expected = as_python_sorts(grievances, order)
    for size in (7, 69, 70, 71):
        forwards = walk(session, Grievance, order, size, few=few)
        assert sum(forwards, []) == expected
        assert all(len(page) == size for page in forwards[:-1])
        backwards = walk(session, Grievance, order, size, back=True, few=few)
        *others, first = backwards
        assert first == expected[:size]  # full, although it may repeat rows of the second
        rest = sum(reversed(others), [])
        assert rest == expected[len(expected) - len(rest) :]
        assert len(rest) + len(first) >= len(expected)


@QUICK
@given(
    rows=st.lists(st.tuples(st.sampled_from([None, 0, 1, 2]), st.booleans()), max_size=25),
    size=st.integers(1, 9),
    descending=st.booleans(),
    key=st.sampled_from(["due_at", "kind"]),
    turns=st.lists(st.booleans(), max_size=12),
)
def test_any_walk_to_and_fro_shows_slices_of_the_sorted_list(
    session: Any,
    office: Office,
    rows: list[tuple[int | None, bool]],
    size: int,
    descending: bool,
    key: str,
    turns: list[bool],
) -> None:
    session.execute(delete(Grievance))
    for due, is_conduct in rows:
        kind = GrievanceKind.CONDUCT if is_conduct else GrievanceKind.SERVICE
        due_at = None if due is None else NOON + timedelta(days=due)
        session.add(Grievance(title="x", kind=kind, due_at=due_at))
    session.flush()
    order = Order(key, descending)
    expected = as_python_sorts(list(session.scalars(select(Grievance))), order)
    page = lists.read_page(session, select(Grievance), Grievance, order, None, size)
    begin = 0
    for back in turns:
        token = page.before if back else page.after
        if token is None:
            assert begin == 0 if back else begin + size >= len(expected)
            continue
        place = lists.read_place(Grievance, order, token, backwards=back)
        page = lists.read_page(session, select(Grievance), Grievance, order, place, size)
        begin = max(0, begin - size) if back else begin + size
        assert [record.id for record in page.records] == expected[begin : begin + size]


@pytest.mark.parametrize("descending", [False, True], ids=["up", "down"])
def test_rows_that_come_and_go_between_two_pages_repeat_and_hide_no_other(
    session: Any, grievances: list[Grievance], descending: bool
) -> None:
    order = Order("due_at", descending)
    expected = as_python_sorts(grievances, order)
    first = lists.read_page(session, select(Grievance), Grievance, order, None, 20)
    assert first.after
    # The very row at the edge goes, one before it and one after it too, and new ones come first.
    gone = [expected[19], expected[3], expected[25]]
    session.execute(delete(Grievance).where(Grievance.id.in_(gone)))
    newcomer = Grievance(title="new", due_at=None if descending else NOON - timedelta(days=900))
    session.add(newcomer)
    session.flush()
    seen = [record.id for record in first.records]
    token: str | None = first.after
    while token:
        place = lists.read_place(Grievance, order, token, backwards=False)
        page = lists.read_page(session, select(Grievance), Grievance, order, place, 20)
        seen += [record.id for record in page.records]
        token = page.after
    assert seen == [one for one in expected if one not in (expected[25],)]


def test_the_last_page_is_full_and_has_nothing_after_it(
    session: Any, grievances: list[Grievance]
) -> None:
    order = Order("received_at")
    end = lists.read_place(Grievance, order, "end", backwards=True)
    page = lists.read_page(session, select(Grievance), Grievance, order, end, 20)
    assert [record.id for record in page.records] == as_python_sorts(grievances, order)[-20:]
    assert page.after is None
    assert page.before is not None


def test_going_back_past_the_beginning_gives_a_full_first_page(
    session: Any, grievances: list[Grievance]
) -> None:
    order = Order("id")
    expected = as_python_sorts(grievances, order)
    place = Place(expected[5], expected[5], backwards=True)
    page = lists.read_page(session, select(Grievance), Grievance, order, place, 20)
    assert [record.id for record in page.records] == expected[:20]
    assert page.before is None


def test_a_page_whose_rows_are_gone_is_the_last_page(
    session: Any, grievances: list[Grievance]
) -> None:
    order = Order("id")
    expected = as_python_sorts(grievances, order)
    session.execute(delete(Grievance).where(Grievance.id > expected[40]))
    place = Place(expected[40], expected[40])
    page = lists.read_page(session, select(Grievance), Grievance, order, place, 20)
    assert [record.id for record in page.records] == expected[21:41]
    assert page.after is None
    session.execute(delete(Grievance))
    page = lists.read_page(session, select(Grievance), Grievance, order, place, 20)
    assert page == lists.Page([], None, None)


def test_a_page_takes_two_statements_at_most_and_no_offset(
    session: Any, grievances: list[Grievance]
) -> None:
    for key in lists.sortable_keys(Grievance):
        for descending in (False, True):
            order = Order(key, descending)
            token = lists.place_token(grievances[30], order)
            for backwards in (False, True):
                place = lists.read_place(Grievance, order, token, backwards=backwards)
                query = lists.with_columns(select(Grievance), Grievance, ["number", "category"])
                with statements() as seen:
                    lists.read_page(session, query, Grievance, order, place, 5)
                assert 1 <= len(seen) <= 2
                assert all("LIMIT" in one and "OFFSET" not in one for one in seen)


def test_a_list_loads_no_more_than_it_shows(session: Any, grievances: list[Grievance]) -> None:
    query = lists.with_columns(select(Grievance), Grievance, ["number", "responsible_office"])
    with statements() as seen:
        page = lists.read_page(session, query, Grievance, Order("id"), None, 50)
        shown = [str(record.responsible_office) for record in page.records]
    assert shown == ["Water"] * 50
    assert len(seen) == 1
    assert "description" not in seen[0]
    session.expunge_all()
    page = lists.read_page(session, query, Grievance, Order("id"), None, 1)
    with pytest.raises(Exception, match="lazy='raise'"):
        str(page.records[0].category)


BAD_TOKENS = [
    "x",
    "",
    "end",
    "====",
    "WzEsMl0",
    "W10",
    "bnVsbA",
    "e30",
    "WzEsIDIsIDNd",
    "\N{SNOWMAN}",
    "WyIyMDI2IiwgLTFd",
    "WyIyMDI2IiwgOTIyMzM3MjAzNjg1NDc3NTgwOF0",
    "WyJhXHUwMDAwYiIsIDFd",
    "WzFlOTk5LCAxXQ",
    "WyIyMDI2LTAxLTAxIiwgdHJ1ZV0",
    "W3RydWUsIDFd",
    "W3siYSI6IDF9LCAxXQ",
    "WyJcdWQ4MDAiLCAxXQ",
    "W1tbW1tbMV1dXV1dLCAxXQ",
    "WyJzTmFOIiwgMV0",
    "WyIxRSs5OTk5OTk5IiwgMV0",
]


@pytest.mark.parametrize("token", BAD_TOKENS)
@pytest.mark.parametrize(
    ("model", "key"),
    [
        (Grievance, "id"),
        (Grievance, "title"),
        (Grievance, "due_at"),
        (Grievance, "state"),
        (Grievance, "is_referred_from_above"),
        (PlanStep, "due_on"),
        (ServiceStandard, "amount"),
    ],
)
def test_a_damaged_place_is_refused_or_read_and_never_fails(
    session: Any, model: Any, key: str, token: str
) -> None:
    order = Order(key)
    with suppress(RuleBroken):
        place = lists.read_place(model, order, token, backwards=False)
        lists.read_page(session, select(model), model, order, place, 3)


# --- Several columns -------------------------------------------------------------------------

MIXED = [
    ("state", "-received_at"),
    ("-state", "due_at", "-title"),
    ("due_at", "-place"),
    ("-due_at", "place", "kind"),
    ("is_referred_from_above", "-answered_at", "source"),
    ("-place", "-title"),
    ("source", "-id"),
    ("channel", "state", "-closed_at"),
]


def order_of(*columns: str) -> Order:
    (key, down), *then = [(one.removeprefix("-"), one.startswith("-")) for one in columns]
    return Order(key, down, tuple(then))


def as_python_sorts_several(records: list[Any], order: Order) -> list[int]:
    """Return the ids as PostgreSQL sorts them: a stable sort by each column, the last one first."""
    last_down = order.columns[-1][1]
    rows = sorted(records, key=lambda record: record.id, reverse=last_down)
    for key, down in reversed(order.columns):

        def value(record: Any, key: str = key) -> tuple[bool, Any]:
            found = getattr(record, key)
            found = getattr(found, "value", found)
            found = found.encode() if isinstance(found, str) else found
            return (found is None, 0 if found is None else found)

        rows = sorted(rows, key=value, reverse=down)
    return [record.id for record in rows]


@pytest.mark.parametrize("few", [False, True], ids=["through the order", "of few"])
@pytest.mark.parametrize("columns", MIXED, ids=",".join)
def test_pages_of_several_columns_meet_each_row_once_forwards_and_backwards(
    session: Any, grievances: list[Grievance], columns: tuple[str, ...], few: bool
) -> None:
    order = order_of(*columns)
    expected = as_python_sorts_several(grievances, order)
    assert [r.id for r in session.scalars(lists.ordered(select(Grievance), Grievance, order))] == (
        expected
    )
    for size in (7, 70):
        assert sum(walk(session, Grievance, order, size, few=few), []) == expected
        *others, first = walk(session, Grievance, order, size, back=True, few=few)
        assert first == expected[:size]
        rest = sum(reversed(others), [])
        assert rest == expected[len(expected) - len(rest) :]
        assert len(rest) + len(first) >= len(expected)


SORTED_BY = st.lists(
    st.tuples(
        st.sampled_from([key for key in lists.sortable_keys(Grievance) if key != "id"]),
        st.booleans(),
    ),
    min_size=2,
    max_size=3,
    unique_by=lambda pair: pair[0],
)


@QUICK
@given(sorted_by=SORTED_BY, size=st.integers(1, 30), turns=st.lists(st.booleans(), max_size=10))
def test_any_walk_by_any_columns_shows_slices_of_the_sorted_list(
    session: Any,
    grievances: list[Grievance],
    sorted_by: list[tuple[str, bool]],
    size: int,
    turns: list[bool],
) -> None:
    (key, down), *then = sorted_by
    order = Order(key, down, tuple(then))
    expected = as_python_sorts_several(grievances, order)
    page = lists.read_page(session, select(Grievance), Grievance, order, None, size)
    begin = 0
    for back in turns:
        assert [record.id for record in page.records] == expected[begin : begin + size]
        token = page.before if back else page.after
        if token is None:
            assert begin == 0 if back else begin + size >= len(expected)
            continue
        place = lists.read_place(Grievance, order, token, backwards=back)
        page = lists.read_page(session, select(Grievance), Grievance, order, place, size)
        begin = max(0, begin - size) if back else begin + size
    assert [record.id for record in page.records] == expected[begin : begin + size]


def test_a_page_of_several_columns_takes_two_statements_and_loads_what_it_shows(
    session: Any, grievances: list[Grievance]
) -> None:
    for columns in MIXED:
        order = order_of(*columns)
        keys = ["number", "category", *order.keys]
        for record in grievances[::15]:
            token = lists.place_token(record, order)
            for backwards in (False, True):
                place = lists.read_place(Grievance, order, token, backwards=backwards)
                query = lists.with_columns(select(Grievance), Grievance, keys)
                with statements() as seen:
                    page = lists.read_page(session, query, Grievance, order, place, 5)
                    assert [str(one.category) for one in page.records]
                # Beyond an end the first or the last page is read instead.
                most = 2 if (page.before if backwards else page.after) else 4
                assert 1 <= len(seen) <= most
                assert all("LIMIT" in one and "OFFSET" not in one for one in seen)


@pytest.mark.parametrize("token", BAD_TOKENS)
def test_a_damaged_place_of_several_columns_never_fails(session: Any, token: str) -> None:
    for columns in MIXED:
        with suppress(RuleBroken):
            order = order_of(*columns)
            place = lists.read_place(Grievance, order, token, backwards=False)
            lists.read_page(session, select(Grievance), Grievance, order, place, 3)


def test_a_place_of_one_order_is_none_in_another(grievances: list[Grievance]) -> None:
    token = lists.place_token(grievances[0], order_of("state", "-received_at"))
    for columns in (("state",), ("state", "title", "kind"), ("received_at", "state")):
        with pytest.raises(RuleBroken, match="damaged"):
            lists.read_place(Grievance, order_of(*columns), token, backwards=False)


# --- Count -----------------------------------------------------------------------------------


def test_a_count_is_exact_to_the_bound_and_says_so_beyond_it(
    session: Any, grievances: list[Grievance], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert lists.count(session, select(Grievance), Grievance, whole=False) == lists.Count(70)
    monkeypatch.setattr(lists, "COUNTED", 69)
    with statements() as seen:
        counted = lists.count(session, select(Grievance), Grievance, whole=False)
    assert counted == lists.Count(69, "more")
    assert len(seen) == 1
    assert re.search(r"LIMIT", seen[0])


def test_a_whole_table_beyond_the_bound_is_estimated(
    session: Any, grievances: list[Grievance], monkeypatch: pytest.MonkeyPatch
) -> None:
    session.execute(text("ANALYZE grievance"))
    monkeypatch.setattr(lists, "COUNTED", 10)
    counted = lists.count(session, select(Grievance), Grievance, whole=True)
    assert counted == lists.Count(70, "about")


# --- Filters ---------------------------------------------------------------------------------


def ids_of(
    session: Any, model: Any, argument: str, value: str, today: Today | None = None
) -> set[int]:
    keys = [*inspect(model).columns.keys(), *inspect(model).relationships.keys()]
    (found,) = parse(model, keys, [(argument, value)], today or Today(NOON, LONDON))
    assert found.error is None, found.error
    return set(session.scalars(select(model.id).where(found.clause)))


SAMPLES = {
    "text": "x",
    "number": "5",
    "date": "2026-07-01",
    "dates": "2026-07-01 to 2026-07-31",
    "days": "7",
    "relation": "1",
    "nothing": "",
}


@pytest.mark.parametrize("model", SCREENS, ids=lambda model: model.__name__)
def test_every_operation_of_every_column_is_sql_that_runs(session: Any, model: Any) -> None:
    asked = 0
    for key in every_key(model):
        for name, operation in operations(model, key).items():
            value = SAMPLES.get(operation.takes, "")
            if operation.takes == "choice":
                value = str(filters.local_column(model, key).type.enums[0])
            ids_of(session, model, f"flt0_{key}_{name}", value)
            asked += 1
    assert asked > 5


def every_key(model: Any) -> list[str]:
    mapper = inspect(model)
    named = [r.key for r in mapper.relationships if r.direction.name == "MANYTOONE"]
    return named + [column.key for column in mapper.columns if not column.foreign_keys]


def test_every_column_that_people_see_has_filters_or_is_a_list_of_facts(session: Any) -> None:
    bare = {
        f"{model.__name__}.{key}"
        for model in SCREENS
        for key in every_key(model)
        if not operations(model, key) and not filters.local_column(model, key).info.get("secret")
    }
    # Frozen copies and summaries are documents in JSON.
    assert bare == {
        "AssignmentChange.after",
        "AssignmentChange.before",
        "AssignmentProposal.asked",
        "AssignmentProposal.summary",
        "AuditEntry.changes",
        "ClockEntry.entry",
        "ImportBatch.summary",
        "ProposedAssignment.reasons",
        "ReprimandEvidence.frozen_copy",
    }


# Each operation by what Python says of the value; a new operation fails until it has its line.
TEXT_ORACLES: dict[str, Callable[[Any, Any], bool]] = {
    "contains": lambda v, asked: v is not None and asked.lower() in v.lower(),
    "not_contains": lambda v, asked: v is None or asked.lower() not in v.lower(),
    "equals": lambda v, asked: v == asked,
    "not_equals": lambda v, asked: v != asked,
    "starts": lambda v, asked: v is not None and v.lower().startswith(asked.lower()),
    "empty": lambda v, asked: v is None,
    "not_empty": lambda v, asked: v is not None,
}
PLACES = [
    None,
    "Elm St",
    "ELM ST 5",
    "50% off",
    "5_0",
    "back\\slash",
    'it\'s "x"',
    "供水管道",
    "水",
    "😀 lane",
]
ASKED = ["elm", "Elm St", "%", "_", "\\", "'", '"', "供", "供水", "供水管", "😀", "50%", "5_", "zz"]


@pytest.fixture
def places(session: Any) -> dict[int, str | None]:
    session.execute(delete(Grievance))
    made = [Grievance(title="x", place=place) for place in PLACES]
    session.add_all(made)
    session.flush()
    return {record.id: record.place for record in made}


@pytest.mark.parametrize("name", list(operations(Grievance, "place")))
def test_filters_of_text_find_what_python_finds(
    session: Any, places: dict[int, str | None], name: str
) -> None:
    for asked in ASKED:
        found = ids_of(session, Grievance, f"flt0_place_{name}", asked)
        assert found == {i for i, v in places.items() if TEXT_ORACLES[name](v, asked)}, asked


NUMBER_ORACLES: dict[str, Callable[[Any, Decimal], bool]] = {
    "equals": lambda v, asked: v == asked,
    "not_equals": lambda v, asked: v != asked,
    "at_least": lambda v, asked: v is not None and v >= asked,
    "at_most": lambda v, asked: v is not None and v <= asked,
}


@pytest.mark.parametrize("name", list(operations(ServiceStandard, "amount")))
@pytest.mark.parametrize("asked", ["2", "2.0", "2.5", "-1", "1,000", "0", "999999999999", "1e3"])
def test_filters_of_numbers_find_what_python_finds(session: Any, name: str, asked: str) -> None:
    session.execute(delete(ServiceStandard))
    for amount in (1, 2, 3, 1000):
        session.add(
            ServiceStandard(
                name=f"s{amount}",
                pack="p",
                stage=list(ClockStage)[0],
                amount=amount,
                unit=list(ClockUnit)[0],
            )
        )
    session.flush()
    amounts = dict(session.execute(select(ServiceStandard.id, ServiceStandard.amount)).all())
    wanted = Decimal(asked.replace(",", ""))
    found = ids_of(session, ServiceStandard, f"flt0_amount_{name}", asked)
    assert found == {i for i, v in amounts.items() if NUMBER_ORACLES[name](v, wanted)}


def test_filters_of_choices_take_one_or_several_and_their_opposite(
    session: Any, grievances: list[Grievance]
) -> None:
    assert set(operations(Grievance, "state")) == {"equals", "not_equals"}
    closed = {one.id for one in grievances if one.state == GrievanceState.CLOSED}
    open_ = {one.id for one in grievances if one.state == GrievanceState.REGISTERED}
    everything = {one.id for one in grievances}
    assert ids_of(session, Grievance, "flt0_state_equals", "closed") == closed != set()
    assert ids_of(session, Grievance, "flt0_state_equals", "closed, registered") == closed | open_
    assert ids_of(session, Grievance, "flt0_state_not_equals", "closed") == everything - closed
    assert "empty" in operations(models_named("Reprimand"), "outcome")


def models_named(name: str) -> Any:
    return next(model for model in RECORD_TYPES if model.__name__ == name)


def test_filters_of_flags_and_of_emptiness(session: Any, grievances: list[Grievance]) -> None:
    flagged = {one.id for one in grievances if one.is_referred_from_above}
    everything = {one.id for one in grievances}
    assert ids_of(session, Grievance, "flt0_is_referred_from_above_yes", "") == flagged
    assert ids_of(session, Grievance, "flt0_is_referred_from_above_no", "") == everything - flagged
    undated = {one.id for one in grievances if one.due_at is None}
    assert ids_of(session, Grievance, "flt0_due_at_empty", "") == undated != set()
    assert ids_of(session, Grievance, "flt0_due_at_not_empty", "") == everything - undated
    assert ids_of(session, Grievance, "flt0_category_empty", "") == everything


def test_a_list_of_values_is_asked_what_it_includes(session: Any, office: Office) -> None:
    for name, held in (("a", ["intake"]), ("b", ["intake", "auditor"]), ("c", [])):
        session.add(Officer(name=name, username=f"t-{name}", office_id=office.id, roles=held))
    session.flush()
    found = ids_of(session, Officer, "flt0_roles_has", str(Role.INTAKE))
    names = set(session.scalars(select(Officer.name).where(Officer.id.in_(found))))
    assert names == {"a", "b"}


@pytest.fixture
def tree(session: Any) -> dict[str, int]:
    """District > works > (roads > signs, parks); police beside works."""
    above = {
        "district": None,
        "works": "district",
        "roads": "works",
        "signs": "roads",
        "parks": "works",
        "police": "district",
    }
    ids: dict[str, int] = {}
    for name, parent in above.items():
        made = Office(
            name=name,
            code=f"t-{name}",
            level=OfficeLevel.DEPARTMENT,
            parent_id=ids[parent] if parent else None,
        )
        session.add(made)
        session.flush()
        ids[name] = made.id
    session.execute(delete(Grievance))
    for name in above:
        session.add(Grievance(title=name, responsible_office_id=ids[name]))
    session.add(Grievance(title="nobody"))
    session.flush()
    return ids


@pytest.mark.parametrize(
    ("argument", "top", "titles"),
    [
        ("equals", "works", {"works"}),
        ("not_equals", "works", {"district", "roads", "signs", "parks", "police", "nobody"}),
        ("below", "works", {"works", "roads", "signs", "parks"}),
        ("below", "signs", {"signs"}),
        ("below", "district", {"district", "works", "roads", "signs", "parks", "police"}),
    ],
)
def test_filters_of_relations_ask_for_one_or_for_the_tree_below_it(
    session: Any, tree: dict[str, int], argument: str, top: str, titles: set[str]
) -> None:
    found = ids_of(session, Grievance, f"flt0_responsible_office_{argument}", str(tree[top]))
    assert set(session.scalars(select(Grievance.title).where(Grievance.id.in_(found)))) == titles


def test_below_ends_for_a_record_that_is_not_there(session: Any, tree: dict[str, int]) -> None:
    assert ids_of(session, Grievance, "flt0_responsible_office_below", str(2**63 - 1)) == set()


def test_only_relations_to_trees_have_a_below(session: Any) -> None:
    assert "below" in operations(Grievance, "category")
    assert "below" in operations(Grievance, "area")
    assert "below" not in operations(Grievance, "handler")


# Days: (now, zone) -> which moments are within, for each operation.

EDGE = datetime(2026, 7, 15, 23, 30, tzinfo=UTC)  # already the 16th in London and Shanghai


@pytest.fixture
def moments(session: Any) -> Callable[..., set[str]]:
    """Return what asks a filter of received_at and answers the moments it found, as text."""
    session.execute(delete(Grievance))

    def ask(name: str, value: str, today: Today, *instants: str) -> set[str]:
        session.execute(delete(Grievance))
        for instant in instants:
            session.add(Grievance(title=instant, received_at=datetime.fromisoformat(instant)))
        session.flush()
        found = ids_of(session, Grievance, f"flt0_received_at_{name}", value, today)
        return set(session.scalars(select(Grievance.title).where(Grievance.id.in_(found))))

    return ask


def test_today_is_the_readers_day_and_not_greenwichs(moments: Any) -> None:
    late, early = "2026-07-15T15:59:59+00:00", "2026-07-15T16:00:00+00:00"
    end, after = "2026-07-16T15:59:59.999999+00:00", "2026-07-16T16:00:00+00:00"
    found = moments("today", "", Today(EDGE, SHANGHAI), late, early, end, after)
    assert found == {early, end}
    found = moments("today", "", Today(EDGE, ZoneInfo("UTC")), late, early, end, after)
    assert found == {late, early}


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-07-15", 24)]
)
def test_the_days_on_which_clocks_change_are_as_long_as_they_are(
    moments: Any, day: str, hours: int
) -> None:
    first = datetime.fromisoformat(f"{day}T00:00").replace(tzinfo=LONDON).astimezone(UTC)
    last = first + timedelta(hours=hours) - timedelta(seconds=1)
    instants = [
        (first - timedelta(seconds=1)).isoformat(),
        first.isoformat(),
        last.isoformat(),
        (last + timedelta(seconds=1)).isoformat(),
    ]
    assert moments("on", day, Today(NOON, LONDON), *instants) == set(instants[1:3])
    assert moments("before", day, Today(NOON, LONDON), *instants) == {instants[0]}
    assert moments("after", day, Today(NOON, LONDON), *instants) == {instants[3]}


def test_the_last_days_reach_back_across_the_change_of_clocks(moments: Any) -> None:
    today = Today(datetime(2026, 3, 31, 9, tzinfo=UTC), LONDON)
    before, first = "2026-03-27T23:59:59+00:00", "2026-03-28T00:00:00+00:00"
    now, tonight = "2026-03-31T09:00:00+00:00", "2026-03-31T22:59:59+00:00"
    tomorrow = "2026-03-31T23:00:00+00:00"
    found = moments("last_days", "3", today, before, first, now, tonight, tomorrow)
    assert found == {first, now, tonight}
    assert moments("last_days", "0", today, before, first, now, tonight, tomorrow) == {now, tonight}
    # What is more than so many days old is all that is not in them.
    assert moments("older", "3", today, before, first, now, tonight, tomorrow) == {before}


def test_the_next_days_reach_forward_across_the_change_of_clocks(moments: Any) -> None:
    today = Today(datetime(2026, 10, 24, 9, tzinfo=UTC), LONDON)
    start, late = "2026-10-23T23:00:00+00:00", "2026-10-25T23:59:59+00:00"
    beyond = "2026-10-26T00:00:00+00:00"
    assert moments("next_days", "1", today, start, late, beyond) == {start, late}


def test_weeks_begin_on_monday_and_months_on_the_first(moments: Any) -> None:
    sunday = Today(datetime(2026, 11, 1, 12, tzinfo=UTC), LONDON)
    monday, saturday = "2026-10-25T23:59:59+00:00", "2026-10-26T00:00:00+00:00"
    first, last = "2026-11-01T00:00:00+00:00", "2026-11-30T23:59:59+00:00"
    next_month = "2026-12-01T00:00:00+00:00"
    instants = (monday, saturday, first, last, next_month)
    assert moments("this_week", "", sunday, *instants) == {saturday, first}
    assert moments("this_month", "", sunday, *instants) == {first, last}
    december = Today(datetime(2026, 12, 31, 12, tzinfo=UTC), LONDON)
    assert moments("this_month", "", december, *instants) == {next_month}


@pytest.mark.parametrize(
    "value", ["2026-07-01 to 2026-07-03", "2026-07-03..2026-07-01", "2026-07-01至2026-07-03"]
)
def test_a_period_holds_both_its_days_in_whatever_order(moments: Any, value: str) -> None:
    inside = {"2026-06-30T23:00:00+00:00", "2026-07-03T22:59:59+00:00"}
    outside = ("2026-06-30T22:59:59+00:00", "2026-07-03T23:00:00+00:00")
    assert moments("between", value, Today(NOON, LONDON), *inside, *outside) == inside


def test_filters_of_plain_days_know_no_zone(session: Any, places: dict[int, Any]) -> None:
    session.execute(delete(PlanStep))
    grievance_id = next(iter(places))
    for day in range(12, 19):
        session.add(
            PlanStep(grievance_id=grievance_id, subject=str(day), due_on=date(2026, 7, day))
        )
    session.flush()
    today = Today(EDGE, SHANGHAI)  # the 16th, a Thursday

    def days(name: str, value: str) -> set[int]:
        found = ids_of(session, PlanStep, f"flt0_due_on_{name}", value, today)
        return {
            int(s) for s in session.scalars(select(PlanStep.subject).where(PlanStep.id.in_(found)))
        }

    oracles = {
        "on": ("2026-07-14", {14}),
        "before": ("2026-07-14", {12, 13}),
        "after": ("2026-07-14", {15, 16, 17, 18}),
        "today": ("", {16}),
        "between": ("2026-07-17 to 2026-07-30", {17, 18}),
        "last_days": ("2", {14, 15, 16}),
        "next_days": ("1", {16, 17}),
        "older": ("2", {12, 13}),
        "this_week": ("", {13, 14, 15, 16, 17, 18}),
        "this_month": ("", set(range(12, 19))),
        "overdue": ("", {12, 13, 14, 15}),
    }
    asked = set(operations(PlanStep, "due_on"))
    assert asked <= set(oracles)
    for name in asked:
        value, expected = oracles[name]
        assert days(name, value) == expected, name


def test_overdue_is_past_its_time_and_unmet(session: Any, office: Office) -> None:
    session.execute(delete(Grievance))
    early, late = EDGE - timedelta(days=5), EDGE - timedelta(minutes=1)
    rows = {
        "past": {"due_at": late},
        "future": {"due_at": EDGE + timedelta(minutes=1)},
        "undated": {},
        "answered": {
            "due_at": late,
            "answered_at": early,
            "state": GrievanceState.ANSWERED,
            "responsible_office_id": office.id,
        },
        "closed": {"due_at": late, "closed_at": early, "state": GrievanceState.CLOSED},
        "withdrawn": {
            "due_at": late,
            "withdrawn_at": early,
            "withdrawal_statement": "Done",
            "state": GrievanceState.WITHDRAWN,
        },
    }
    for title, values in rows.items():
        session.add(Grievance(title=title, received_at=EDGE - timedelta(days=9), **values))
    session.flush()
    found = ids_of(session, Grievance, "flt0_due_at_overdue", "", Today(EDGE, LONDON))
    titles = set(session.scalars(select(Grievance.title).where(Grievance.id.in_(found))))
    assert titles == {"past"}
    assert "overdue" not in operations(Grievance, "received_at")


BAD_VALUES = [
    ("title_contains", ""),
    ("title_contains", "   "),
    ("title_contains", "x" * 201),
    ("id_equals", "abc"),
    ("id_equals", "NaN"),
    ("id_equals", "Infinity"),
    ("id_equals", "1e400"),
    ("id_equals", "sNaN"),
    ("id_equals", ""),
    ("id_at_least", "9" * 30),
    ("received_at_on", "2026-99-01"),
    ("received_at_on", "yesterday"),
    ("received_at_on", ""),
    ("received_at_on", "0001-01-01"),
    ("received_at_on", "9999-12-31"),
    ("received_at_on", "2026-07-31 or so"),
    ("received_at_on", "2026-W01-1"),
    ("received_at_between", "2026-07-01"),
    ("received_at_between", "2026-07-01 to"),
    ("received_at_between", "a to b to c"),
    ("received_at_older", "-1"),
    ("received_at_last_days", "-1"),
    ("received_at_last_days", "36501"),
    ("received_at_last_days", "١٢"),
    ("received_at_last_days", "7.5"),
    ("state_equals", "foo"),
    ("state_equals", "closed,foo"),
    ("state_equals", ","),
    ("state_equals", ""),
    ("category_equals", "abc"),
    ("category_equals", "-1"),
    ("category_equals", "1,2"),
    ("category_equals", str(2**63)),
    ("category_below", ""),
    ("category_equals", "9" * 5000),
]


@pytest.mark.parametrize(("named", "value"), BAD_VALUES, ids=lambda v: v[:24])
def test_a_value_that_cannot_be_read_is_an_error_with_a_sentence(named: str, value: str) -> None:
    keys = [*inspect(Grievance).columns.keys(), "category"]
    (found,) = parse(Grievance, keys, [(f"flt0_{named}", value)], Today(NOON, LONDON))
    assert found.clause is None
    assert found.error is not None
    assert str(found.error).endswith(".")
    assert len(str(found.error)) < 200


@pytest.mark.parametrize(
    "argument",
    [
        "flt0_nope_equals",
        "flt0_state_drop",
        "flt0_state",
        "flt0_",
        "flt",
        "flt_state_equals",
        "flt0_STATE_equals",
        "flt9999999999_state_equals",
        "flt0_description_equals",
        "flt0-state",
    ],
)
def test_an_argument_that_looks_like_a_filter_and_is_none_is_an_error(argument: str) -> None:
    """A list that ignores a filter lies."""
    (found,) = parse(Grievance, ["state", "title"], [(argument, "x")], Today(NOON, LONDON))
    assert found.clause is None
    assert found.error is not None


def test_a_column_with_digits_in_its_name_has_filters_too(session: Any) -> None:
    ids_of(session, models_named("Document"), "flt0_sha256_starts", "ab")


def test_only_the_keys_that_are_given_can_be_asked() -> None:
    (found,) = parse(Officer, ["name"], [("flt0_email_contains", "@")], Today(NOON, LONDON))
    assert found.error is not None


def test_two_filters_at_one_position_both_stand_in_the_link() -> None:
    arguments = [("flt0_title_contains", "a"), ("flt0_title_contains", "b")]
    found = parse(Grievance, ["title"], arguments, Today(NOON, LONDON))
    assert len({one.argument for one in found}) == 2
    assert [one.value for one in found] == ["a", "b"]


# --- Groups ----------------------------------------------------------------------------------


def found_by(session: Any, *arguments: tuple[str, str]) -> set[int]:
    keys = [*inspect(Grievance).columns.keys(), "responsible_office"]
    asked = parse(Grievance, keys, list(arguments), Today(NOON, LONDON))
    assert [one.error for one in asked if one.error] == []
    return set(session.scalars(select(Grievance.id).where(*conditions(asked))))


def test_of_a_group_one_is_enough_and_every_group_has_to_hold(
    session: Any, office: Office, grievances: list[Grievance]
) -> None:
    other = make_office()
    session.execute(
        update(Grievance).where(Grievance.id % 2 == 0).values(responsible_office_id=other.id)
    )
    session.expire_all()
    found = found_by(
        session,
        ("flt0.0_state_equals", "closed"),
        ("flt0.1_state_equals", "answered"),
        ("flt1.0_responsible_office_below", str(other.id)),
        ("flt1.1_title_contains", "pot"),
    )
    assert found == {
        one.id
        for one in grievances
        if one.state in (GrievanceState.CLOSED, GrievanceState.ANSWERED)
        and (one.responsible_office_id == other.id or "pot" in one.title.lower())
    }
    assert 0 < len(found) < len(grievances)


def test_filters_without_a_group_hold_all_as_before(
    session: Any, grievances: list[Grievance]
) -> None:
    one, two = ("flt0_state_equals", "closed"), ("flt1_due_at_empty", "")
    both = found_by(session, one, two)
    assert both == found_by(session, one) & found_by(session, two)
    # A group of one says the same, and so does its place beside a filter by itself.
    assert both == found_by(session, ("flt0.3_state_equals", "closed"), two)
    assert both == found_by(session, one, ("flt0.0_due_at_empty", ""))


def test_an_unread_member_of_a_group_is_an_error_as_any_other() -> None:
    asked = [("flt0.0_state_equals", "closed"), ("flt0.1_state_equals", "foo")]
    found = parse(Grievance, ["state"], asked, Today(NOON, LONDON))
    assert [bool(one.error) for one in found] == [False, True]


@pytest.mark.parametrize(
    "argument", ["flt1._state_equals", "flt.1_state_equals", "flt1.2.3_state_equals",
                 "flt1.9999999_state_equals", "flt1.-1_state_equals", "flt1.١_state_equals"]
)  # fmt: skip
def test_a_group_that_is_none_is_an_error(argument: str) -> None:
    (found,) = parse(Grievance, ["state"], [(argument, "closed")], Today(NOON, LONDON))
    assert found.error is not None


def test_filters_are_capped_in_groups_too() -> None:
    asked = [(f"flt{n // 10}.{n}_state_equals", "closed") for n in range(40)]
    found = parse(Grievance, ["state"], asked, Today(NOON, LONDON))
    assert len(found) == MOST_FILTERS + 1
    assert [one.error for one in found if one.error]


@pytest.mark.parametrize(
    ("present", "rows", "expected"),
    [
        ([], [("a", "1", "")], ["flt0_a"]),
        (["flt4_a"], [("b", "", "")], ["flt4_a", "flt5_b"]),
        (["flt4_a"], [("b", "", "flt4_a")], ["flt4.0_a", "flt4.1_b"]),
        (["flt2.7_a", "flt3_c"], [("b", "", "flt2.7_a")], ["flt2.7_a", "flt3_c", "flt2.8_b"]),
        ([], [("a", "", "x"), ("b", "", ""), ("c", "", "x")], ["flt0.0_a", "flt1_b", "flt0.1_c"]),
        (["flt0_a", "flt0_b"], [("c", "", "flt0_a")], ["flt1.0_a", "flt0_b", "flt1.1_c"]),
    ],
)
def test_a_filter_is_added_by_itself_or_to_a_group(
    present: list[str], rows: list[tuple[str, str, str]], expected: list[str]
) -> None:
    given = [(argument, "v") for argument in present]
    assert [argument for argument, _ in added(given, rows)] == expected


# --- Search ----------------------------------------------------------------------------------

DOCUMENTS = [
    "Pothole in Elm Street",
    "POTHOLE twice",
    "供水管道破裂",
    "水",
    "停水 again",
    "50% off",
    "5_0 mm",
    "back\\slash",
    'it\'s “quoted” "x"',
    "😀 smile 😀😀",
    "naïve ÉLAN",
    "a",
    "ab",
    "abc-def",
    "供  水",
]
SEARCHES = [
    "abc_def",
    "abc%def",
    "poth%",
    "pot_ole",
    "hole\\",
    "pothole",
    "POTHOLE elm",
    "elm pothole",
    "hole",
    "供水",
    "供",
    "水",
    "供水管",
    "供水管道",
    "管道破裂",
    "%",
    "_",
    "\\",
    "5_",
    "0%",
    "50%",
    "5__",
    "'",
    '"',
    "“quoted”",
    "😀",
    "😀😀",
    "naïve",
    "élan",
    "a",
    "ab",
    "abc",
    "c-d",
    "zz",
    "供 水",
    "-",
    "e s",
    "ot",
    "  pothole  ",
    "pothole 水",
]


def stands_in(document: str, asked: str) -> bool:
    return all(word.lower() in document.lower() for word in asked.split())


@pytest.fixture
def titles(session: Any) -> dict[int, str]:
    session.execute(delete(Area))
    made = [Area(name=words, level=list(AreaLevel)[0]) for words in DOCUMENTS]
    session.add_all(made)
    session.flush()
    return {record.id: record.name for record in made}


@pytest.mark.parametrize("scan", ["on", "off"], ids=["by reading all", "through the index"])
def test_search_finds_the_records_in_which_every_word_stands(
    session: Any, titles: dict[int, str], scan: str
) -> None:
    session.execute(text(f"SET LOCAL enable_seqscan = {scan}"))
    for asked in SEARCHES:
        clause = lists.search_clause(Area, asked)
        assert clause is not None
        found = set(session.scalars(select(Area.id).where(clause)))
        assert found == {i for i, words in titles.items() if stands_in(words, asked)}, asked


@QUICK
@given(
    document=st.text("ab%_\\'\"供水管 A😀-.", min_size=1, max_size=8).filter(str.strip),
    asked=st.text("ab%_\\'\"供水管 A😀-.", max_size=5),
)
def test_search_agrees_with_python_on_any_text(session: Any, document: str, asked: str) -> None:
    session.execute(text("SET LOCAL enable_seqscan = off"))
    session.execute(delete(Area))
    session.add(Area(name=document, level=list(AreaLevel)[0]))
    session.flush()
    clause = lists.search_clause(Area, asked)
    query = select(Area.id) if clause is None else select(Area.id).where(clause)
    assert bool(session.scalars(query).all()) == stands_in(document, asked)


def test_a_search_too_long_is_refused_in_words() -> None:
    for asked in ("x" * 201, " ".join("abcdefghijk")):
        with pytest.raises(RuleBroken, match=r"at most .*\.$"):
            lists.search_clause(Area, asked)


def test_a_list_that_cannot_be_searched_says_so_and_does_not_show_everything() -> None:
    assert not search_columns(Pause)
    assert lists.search_clause(Pause, "  ") is None
    with pytest.raises(RuleBroken, match=r"\.$"):
        lists.search_clause(Pause, "anything")


# --- Plans -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def crowd(
    fresh_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    """A session on 20,000 grievances, so that an index is worth its while."""
    app = make_app(fresh_database(), tmp_path_factory.mktemp("instance"))
    with app.app_context():
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ALTER TABLE grievance DISABLE TRIGGER USER"))
            connection.execute(
                text(
                    "INSERT INTO grievance (title, place, received_at, due_at)"
                    " SELECT 'Street light ' || md5(n::text) || ' ' || chr(19968 + n % 2000)"
                    "   || chr(19968 + n / 40) || chr(24064 + n % 700), 'Elm ' || n % 50,"
                    "   now() - n * interval '1 minute', now() + n * interval '1 minute'"
                    " FROM generate_series(1, 20000) n"
                )
            )
            connection.execute(text("VACUUM ANALYZE grievance"))
        yield db.session
        db.session.remove()
        db.engine.dispose()


def plan(session: Any, query: Any) -> str:
    return "\n".join(session.scalars(text(f"EXPLAIN {as_sql(query)}")))


def as_sql(query: Any) -> str:
    """Return the text of `query` with its values in it, fit for text()."""
    bound = query.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True})
    return str(bound).replace(":", "\\:").replace("%%", "%")


def first_page(asked: str) -> Any:
    query = select(Grievance.id).where(lists.search_clause(Grievance, asked))
    return query.order_by(Grievance.received_at.desc(), Grievance.id.desc()).limit(51)


@pytest.mark.parametrize(
    ("asked", "index"),
    [
        ("c4ca4238a0b9", "ix_grievance_search"),  # one row has it
        ("C4CA42 light", "ix_grievance_search"),
        ("丂七", "ix_grievance_pairs"),
        ("与", "ix_grievance_pairs"),
        ("丂与常", "ix_grievance_search"),
    ],
)
def test_a_rare_word_is_found_through_its_index(crowd: Any, asked: str, index: str) -> None:
    shown = plan(crowd, first_page(asked))
    assert index in shown, shown
    assert "Seq Scan" not in shown


def test_a_page_is_read_from_the_index_of_its_order(crowd: Any) -> None:
    for key in ("received_at", "due_at", "number"):
        order = Order(key)
        record = crowd.scalars(select(Grievance).limit(1)).one()
        place = lists.read_place(
            Grievance, order, lists.place_token(record, order), backwards=False
        )
        with statements() as seen:
            lists.read_page(crowd, select(Grievance), Grievance, order, place, 50)
        condition, ordering = sorts.parts(
            getattr(Grievance, key), Grievance.id, place, down=False, nullable=False
        )[0]
        shown = plan(crowd, select(Grievance.id).where(condition).order_by(*ordering).limit(51))
        assert f"ix_grievance_{key}_id" in shown, shown
        assert "Sort" not in shown
        assert seen


def plans_of(session: Any, order: Order, place: Place | None) -> list[str]:
    """Return how the groups of stretches of a page of several columns are read."""
    keys, groups = sorts.groups_of(Grievance, order, place, None)
    return [
        plan(session, sorts.nearest(select(Grievance), Grievance, keys, stretches, 51))
        for stretches in groups
        if stretches
    ]


def rows_sorted(shown: str) -> list[int]:
    """Return how many rows the planner expects in each full sort of a plan."""
    return [int(rows) for rows in re.findall(r"^(?: *-> +)?Sort .*?rows=(\d+)", shown, re.M)]


@pytest.mark.parametrize(
    "columns",
    [
        ("received_at", "-title"),
        ("-received_at", "due_at", "-number"),
        ("-title", "received_at"),
        ("state", "-received_at"),
        ("-state", "title", "-received_at"),
        ("channel", "due_at"),
        ("closed_at", "title"),
        ("-closed_at", "-received_at"),
    ],
    ids=",".join,
)
def test_no_order_of_several_columns_sorts_the_table(crowd: Any, columns: tuple[str, ...]) -> None:
    """The first column's index gives its order, and the rows that tie in it are sorted; a closed
    list and NULLs, in which half the table ties, are read by the index of the next column."""
    order = order_of(*columns)
    record = crowd.scalars(select(Grievance).where(Grievance.id == 12_000)).one()
    token = lists.place_token(record, order)
    for place in (
        None,
        lists.THE_END,
        lists.read_place(Grievance, order, token, backwards=False),
        lists.read_place(Grievance, order, token, backwards=True),
    ):
        for shown in plans_of(crowd, order, place):
            assert "Seq Scan" not in shown, shown
            assert all(number < 1000 for number in rows_sorted(shown)), shown
            assert "ix_grievance_" in shown


def test_one_column_is_read_as_ever(crowd: Any) -> None:
    """A page of one column takes the index and sorts nothing, whatever several take."""
    with statements() as seen:
        lists.read_page(crowd, select(Grievance), Grievance, Order("received_at"), None, 50)
    (statement,) = seen
    assert "UNION" not in statement
    assert "MATERIALIZED" not in statement


def test_few_rows_are_found_by_what_they_are_asked_for_and_not_by_their_order(
    crowd: Any,
) -> None:
    """Of this office the planner knows nothing and believes that it has its share."""
    offices = [make_office().id for _ in range(3)]
    crowd.execute(
        update(Grievance).values(
            responsible_office_id=postgresql.array(offices)[Grievance.id % 3 + 1]
        )
    )
    crowd.execute(text("ANALYZE grievance"))
    order = Order("received_at", descending=True)
    for place in (None, Place(NOON, 9), lists.THE_END):
        asked = select(Grievance).where(Grievance.responsible_office_id == 2**40)
        query, found = lists.gathered(asked, Grievance, order)
        with statements() as seen:
            page = lists.read_page(crowd, query, Grievance, order, place, 50, found=found)
        assert page.records == []
        assert len(seen) <= 2
        condition, ordering = sorts.parts(
            found.c.received_at, found.c.id, place, down=True, nullable=False
        )[0]
        statement = query.order_by(*ordering).limit(51)
        shown = plan(crowd, statement if condition is None else statement.where(condition))
        assert "ix_grievance_received_at_id" not in shown, shown
    crowd.rollback()


def test_the_database_plans_each_search_for_its_own_word(crowd: Any) -> None:
    """A generic plan would walk the index of the order, row by row, for every word (trap 16)."""
    assert crowd.scalar(text("SHOW plan_cache_mode")) == "force_custom_plan"
    query = as_sql(first_page("c4ca4238a0b9"))
    prepared = query.replace("'%c4ca4238a0b9%'", "$1")
    assert prepared != query
    crowd.execute(text(f"PREPARE traps (text) AS {prepared}"))
    try:
        ask = text("EXPLAIN EXECUTE traps ('%c4ca4238a0b9%')")
        for _ in range(8):
            shown = "\n".join(crowd.scalars(ask))
        assert "ix_grievance_search" in shown
        crowd.execute(text("SET LOCAL plan_cache_mode = force_generic_plan"))
        generic = "\n".join(crowd.scalars(ask))
        assert "c4ca4238a0b9" not in generic
    finally:
        crowd.execute(text("DEALLOCATE traps"))


# --- What hangs on a record ------------------------------------------------------------------


def test_dependents_are_told_apart_by_what_becomes_of_them(session: Any, office: Office) -> None:
    grievance = Grievance(title="x", responsible_office_id=office.id)
    session.add(grievance)
    session.flush()
    assert dependents_of(session, Grievance, [grievance.id]).kept == []
    for number in range(3):
        session.add(
            PlanStep(grievance_id=grievance.id, subject=str(number), due_on=date(2026, 1, 1))
        )
    session.add(Pause(grievance_id=grievance.id, ground=PauseGround.COURT, reason="x"))
    session.flush()
    with statements() as seen:
        hanging = dependents_of(session, Grievance, [grievance.id])
    assert len(seen) == 1
    assert hanging.gone == [(PlanStep, 3)]
    assert hanging.kept == [(Pause, 1)]
    assert (Grievance, 1) in dependents_of(session, Office, [office.id]).kept


def test_dependents_are_counted_to_a_hundred_and_no_further(session: Any, office: Office) -> None:
    session.execute(
        insert(Grievance),
        [{"title": str(number), "responsible_office_id": office.id} for number in range(130)],
    )
    assert dict(dependents_of(session, Office, [office.id]).kept)[Grievance] == 101

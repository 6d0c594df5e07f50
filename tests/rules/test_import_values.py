"""Cells become values, or a reason why not."""

import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules import RuleBroken
from rules.import_map_text import read_map
from rules.import_values import (
    BETWEEN,
    CONTACT,
    REASONS,
    Row,
    RowReader,
    moment,
    office_code,
    shown,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BOSTON = ZoneInfo("America/New_York")
MAP = """
source = "Old register"
[file]
timezone = "America/New_York"
dates = ["%Y-%m-%d %H:%M", "%Y-%m-%d"]
empty = ["n/a", "."]
[fields]
external_number = "no"
title = ["subject", "type"]
description = { columns = ["what", "more"], join = "\\n" }
place = { column = "street", values = { Unknown = "" } }
received_at = "in"
due_at = "due"
closed_at = "out"
answered_at = "reply"
channel = { column = "how", values = { "Phone call" = "phone" } }
state = { column = "status", values = { Open = "open", Done = "closed", Told = "answered" } }
category = ["group", "type"]
responsible_office = { code = "dept", name = { column = "dept", values = { W = "Works" } } }
"""
COLUMNS = (
    "no",
    "subject",
    "type",
    "what",
    "more",
    "street",
    "in",
    "due",
    "out",
    "reply",
    "how",
    "status",
    "group",
    "dept",
    "spare",
)


def read(change: str = "", **cells: str) -> Row:
    """Return the row that a plain record with these cells makes; `change` goes into [file]."""
    plain = {"no": "A-1", "type": "Lamp", "in": "2011-07-01 01:32"} | cells
    the_map = read_map(MAP.replace("[fields]", f"{change}\n[fields]"))
    return RowReader(the_map, COLUMNS, NOW).read([plain.get(name, "") for name in COLUMNS])


def reasons(row: Row) -> list[tuple[str, str]]:
    return [(problem.reason, problem.column) for problem in row.problems]


def test_a_plain_row_is_read() -> None:
    row = read(
        subject="  Street   light \n out ",
        what=" dark\r\nsince May ",
        more="n/a",
        street="Unknown",
        how="PHONE  call",
        status="open",
        group="Lights",
        dept="W",
        due="2011-07-15",
    )
    assert not row.problems
    assert row.values == {
        "external_number": "A-1",
        "title": "Street light out",
        "description": "dark\nsince May",
        "place": None,
        "channel": "phone",
        "state": "routed",
        "category": f"Lights{BETWEEN}Lamp",
        "responsible_office": f"W{BETWEEN}Works",
        "received_at": "2011-07-01T05:32:00+00:00",
        "due_at": "2011-07-15T04:00:00+00:00",
        "closed_at": None,
        "answered_at": None,
    }


def test_the_first_column_that_is_not_blank_counts() -> None:
    assert read(subject=" . ").values["title"] == "Lamp"
    assert reasons(read(subject=".", type="n/a")) == [("blank", "subject / type")]


def test_blank_levels_of_a_path_are_left_out() -> None:
    assert read(group="").values["category"] == "Lamp"
    assert read(subject="x", type="").values["category"] is None


@pytest.mark.parametrize(("cells", "problem"), [
    ({"no": " "}, ("blank", "no")),
    ({"no": "x" * 81}, ("too_long", "no")),
    ({"subject": "x" * 301}, ("too_long", "subject")),
    ({"what": "x" * 1_000_000}, ("too_long", "what / more")),
    ({"type": "x" * 201}, ("too_long", "group, type")),
    ({"dept": "x" * 61}, ("too_long", "dept")),
    ({"in": ""}, ("blank", "in")),
    ({"in": "yesterday"}, ("date", "in")),
    ({"in": "2011-02-30"}, ("date", "in")),
    ({"in": "0011-07-01"}, ("year", "in")),
    ({"in": "9999-12-31"}, ("year", "in")),
    ({"due": "31/12/2011"}, ("date", "due")),
    ({"out": "2011-06-30", "status": "Done"}, ("before_receipt", "out")),
    ({"reply": "2011-06-30"}, ("before_receipt", "reply")),
    ({"how": "fax"}, ("not_listed", "how")),
    ({"status": "Limbo"}, ("not_listed", "status")),
    ({"status": "Done"}, ("closed_without_time", "status")),
    ({"status": "Open", "out": "2011-07-02"}, ("open_with_time", "status")),
    ({"status": "Told", "dept": "W"}, ("state_needs", "status")),
    ({"status": "Told", "reply": "2011-07-02"}, ("state_needs", "status")),
    ({"what": "a\0b"}, ("unprintable", "what")),
    ({"what": "a\x1fb"}, ("unprintable", "what")),
    ({"what": "caf\udce9"}, ("unprintable", "what")),
])  # fmt: skip
def test_a_row_that_cannot_be_taken_says_why_and_where(
    cells: dict[str, str], problem: tuple[str, str]
) -> None:
    assert problem in reasons(read(**cells))


def test_all_that_is_wrong_with_a_row_is_said_at_once() -> None:
    row = read(no="", subject="x" * 301, how="fax", due="soon")
    assert reasons(row) == [
        ("blank", "no"),
        ("too_long", "subject"),
        ("not_listed", "how"),
        ("date", "due"),
    ]


def test_every_reason_has_a_sentence_whose_places_can_be_filled() -> None:
    for text in REASONS.values():
        assert (text % {"column": "c", "value": "v", "detail": "d"}).endswith(".")


def test_an_unprintable_cell_that_the_map_does_not_read_harms_nobody() -> None:
    assert not read(spare="a\0b\x1f").problems


@pytest.mark.parametrize("cells", [["1"], [], ["x"] * (len(COLUMNS) + 1)])
def test_a_row_with_another_number_of_cells_is_refused(cells: list[str]) -> None:
    row = RowReader(read_map(MAP), COLUMNS, NOW).read(cells)
    assert reasons(row) == [("cells", "")]


@pytest.mark.parametrize(
    ("cells", "state"),
    [
        ({}, "registered"),
        ({"dept": "W"}, "routed"),
        ({"status": "Open", "dept": "W"}, "routed"),
        ({"out": "2011-07-02"}, "closed"),
        ({"status": "Done", "out": "2011-07-02"}, "closed"),
        ({"status": "Told", "reply": "2011-07-02", "dept": "W"}, "answered"),
    ],
)
def test_the_state_follows_from_status_times_and_office(cells: dict[str, str], state: str) -> None:
    assert read(**cells).values["state"] == state


def test_a_map_may_leave_the_closing_time_of_open_rows_out() -> None:
    told = 'Told = "answered" }'
    text = MAP.replace(told, f'{told}, open_with_closing_time = "ignore"')
    cells = {"no": "1", "type": "x", "in": "2011-07-01", "out": "2011-07-02", "status": "Open"}
    row = RowReader(read_map(text), COLUMNS, NOW).read([cells.get(name, "") for name in COLUMNS])
    assert (row.values["state"], row.values["closed_at"]) == ("registered", None)


def test_odd_but_possible_rows_are_taken_with_a_warning() -> None:
    assert read(due="2011-06-30").warnings == ["due_before_receipt"]
    assert read(**{"in": "2026-01-03"}).warnings == ["future"]
    assert read(**{"in": "2011-03-13 02:30"}).warnings == ["clock_gap"]
    assert read(what="ring 555-123-4567", more="or a@b.org").warnings == ["contact"]


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("2011-07-01 01:32", "2011-07-01T05:32:00+00:00"),  # summer
        ("2011-12-01 01:32", "2011-12-01T06:32:00+00:00"),  # winter
        ("2011-11-06 01:30", "2011-11-06T05:30:00+00:00"),  # twice: the first pass
        ("2011-03-13 02:30", "2011-03-13T07:30:00+00:00"),  # never: an hour later
    ],
)
def test_local_times_follow_the_clocks_of_their_zone(text: str, result: str) -> None:
    assert moment(text, ["%Y-%m-%d %H:%M"], BOSTON)[0].isoformat() == result


def test_a_repeated_hour_is_its_second_pass_where_the_first_is_before_receipt() -> None:
    received, _ = moment("2011-11-06 01:50", ["iso"], BOSTON)
    closed, _ = moment("2011-11-06 01:10", ["iso"], BOSTON, not_before=received)
    assert closed.isoformat() == "2011-11-06T06:10:00+00:00"
    row = read(**{"in": "2011-11-06 01:50", "out": "2011-11-06 01:10"})
    assert row.values["closed_at"] == "2011-11-06T06:10:00+00:00"
    assert not row.problems


def test_an_offset_in_the_text_wins_over_the_zone_of_the_file() -> None:
    assert moment("2016-07-13 15:11:07+00:00", ["iso"], BOSTON)[0].hour == 15
    assert moment("2016-07-13T15:11:07+0800", ["%Y-%m-%dT%H:%M:%S%z"], BOSTON)[0].hour == 7


@given(st.integers(-2_200_000_000, 7_200_000_000))
def test_a_time_that_a_zone_had_reads_back_as_it_was_written(seconds: int) -> None:
    written = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)).replace(tzinfo=None)
    at, skipped = moment(written.isoformat(), ["iso"], BOSTON)
    assert skipped or at.astimezone(BOSTON).replace(tzinfo=None) == written


@pytest.mark.parametrize("text", [
    "call 617-635-4500", "(617) 635-4500", "617.635.4500", "+1 617 635 4500", "13812345678",
    "0755-12345678", "+86 138 1234 5678", "020 7946 0958", "anna@example.org",
    "11010519491231002X",
])  # fmt: skip
def test_what_looks_like_a_number_or_an_address_is_seen(text: str) -> None:
    assert CONTACT.search(text)


@pytest.mark.parametrize("text", [
    "case 101000295613", "3400-3499 GARRISON BLVD", "2016-06-28 07:26:24.413", "42.272, -71.077",
    "12-01209013", "1-99 Lorraine St 02131", "督办〔2026〕7号", "between 8:00 and 17:30",
])  # fmt: skip
def test_numbers_of_cases_streets_and_dates_are_left_alone(text: str) -> None:
    assert not CONTACT.search(text)


def test_a_map_may_refuse_or_remove_them() -> None:
    assert reasons(read('contacts = "refuse"', what="a@b.org")) == [("contact", "what / more")]
    row = read('contacts = "remove"', what="ring 555-123-4567 now")
    assert row.values["description"] == "ring […] now"


def test_a_report_shows_no_numbers_and_no_long_texts() -> None:
    assert shown("ring 555-123-4567\0 now") == "ring […]� now"
    assert len(shown("x" * 1000)) == 60


@pytest.mark.parametrize("cell", ["1" * 1_900_000, "a@" * 900_000, "+1 " * 600_000, "a." * 900_000])
def test_a_huge_cell_costs_no_more_than_its_length(cell: str) -> None:
    begun = time.perf_counter()
    row = read('contacts = "remove"', what=cell)
    assert reasons(row) == [("too_long", "what / more")]
    CONTACT.search(cell[:100_000])
    assert time.perf_counter() - begun < 5


def test_a_column_that_is_missing_or_twice_is_named() -> None:
    with pytest.raises(RuleBroken, match=r"no column no, which the map reads for external_number"):
        RowReader(read_map(MAP), [name for name in COLUMNS if name != "no"], NOW)
    with pytest.raises(RuleBroken, match=r"has the column in 2 times"):
        RowReader(read_map(MAP), [*COLUMNS, "in"], NOW)
    RowReader(read_map(MAP), [*COLUMNS, "spare"], NOW)


def test_offices_without_a_code_get_a_new_one_from_their_name() -> None:
    taken: set[str] = set()
    codes = []
    for name in ("PUC - Sewer Ops", "PUC – sewer_ops", "市城管局", "!!!", "x" * 90):
        codes.append(office_code(name, taken))
        taken.add(codes[-1])
    assert codes == ["PUC-SEWER-OPS", "PUC-SEWER-OPS-2", "市城管局", "OFFICE", "X" * 50]


def test_a_prefix_stands_before_what_is_not_blank() -> None:
    text = MAP.replace(
        'place = { column = "street", values = { Unknown = "" } }',
        'place = { column = "street", values = { Unknown = "" }, prefix = "Near " }',
    )
    reader = RowReader(read_map(text), COLUMNS, NOW)

    def place(street: str) -> str | None:
        cells = {"no": "A-1", "type": "Lamp", "in": "2011-07-01 01:32", "street": street}
        return reader.read([cells.get(name, "") for name in COLUMNS]).values["place"]

    assert [place(street) for street in ("Mill Row", "", "Unknown", "n/a")] == [
        "Near Mill Row",
        None,
        None,
        None,
    ]

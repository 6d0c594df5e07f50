"""The dashboard: who sees which figures, what it asks of the database (promise D4), what its charts
and files hold, and what is published."""

import csv
import io
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest
from flask import Flask
from sqlalchemy import delete, func, select

import security
from actions import figures
from models import AuditEntry, ExportRecord, FigureMonth, FigureState, Office, db
from queries import figures as ask
from rules.figures import MEASURES, SMALLEST, band_of, days_to_answer
from rules.permissions import Desk, Role, Verb, may
from rules.records import AuditVerb
from tests.factories import (
    act_as,
    make_grievance,
    make_group_membership,
    make_office,
    make_officer,
    make_supervision_assignment,
)
from tests.statements import statements
from views import charts, imports

NOW = datetime.now(UTC)
PAGE = "/admin/dashboard/"
FORMULA = "=HYPERLINK(1)"


def grievances(office: Office, *, in_time: int, late: int, unanswered: int = 0) -> None:
    """Make grievances whose answer was due a month ago."""
    received, due = NOW - timedelta(days=50), NOW - timedelta(days=31)
    for number in range(in_time + late + unanswered):
        days = 9 if number < in_time else 40
        answered = received + timedelta(days=days) if number < in_time + late else None
        make_grievance(
            responsible_office_id=office.id,
            received_at=received,
            due_at=due,
            state="answered" if answered else "registered",
            answered_at=answered,
        )


def count(session: Any) -> None:
    act_as(0)
    figures.refresh(session, now=NOW, timezone="Europe/London")


@pytest.fixture
def bureau(session: Any) -> dict[str, Office]:
    """A department with an office below it, and another department; counted."""
    above = make_office(name="Department of Roads")
    below = make_office(name="Office of Lamps", parent_id=above.id)
    beside = make_office(name=FORMULA)
    grievances(above, in_time=6, late=6)
    grievances(below, in_time=9, late=0, unanswered=1)
    grievances(beside, in_time=20, late=7)
    count(session)
    return {"above": above, "below": below, "beside": beside}


def numbers(page: str) -> str:
    """Return the table behind the offices of `page`."""
    found = re.search(r'<section[^>]*aria-labelledby="offices">.*?</section>', page, re.DOTALL)
    assert found
    return found[0]


# --- Who sees what ---------------------------------------------------------------------------


@pytest.mark.parametrize("role", Role)
def test_every_role_sees_the_dashboard_of_its_own_offices(
    role: Role, as_role: Any, bureau: dict[str, Office]
) -> None:
    page = as_role(role, office_id=bureau["above"].id).get(PAGE)
    assert page.status_code == 200
    told = numbers(page.text)
    assert "Department of Roads" in told
    assert "Office of Lamps" in told
    everything = role in (Role.ADMINISTRATOR, Role.INTAKE, Role.DECIDER, Role.AUDITOR)
    assert ("=HYPERLINK" in told) is everything
    whole = "Grievances due: 49." if everything else "Grievances due: 22."
    assert whole in page.text
    assert 'href="/admin/dashboard/"' in page.text, "it is in the menu"


def test_a_visitor_logs_in_first(client: Any) -> None:
    assert client.get(PAGE).location.startswith("/login")
    assert client.get(f"{PAGE}export/?table=offices").location.startswith("/login")


def test_an_officer_below_does_not_see_above(as_role: Any, bureau: dict[str, Office]) -> None:
    browser = as_role(Role.OFFICE_HEAD, office_id=bureau["below"].id)
    page = browser.get(PAGE)
    assert "Department of Roads" not in page.text
    assert "Grievances due: 10. Answered in time: 9 (90%)." in page.text
    for office in ("above", "beside"):
        assert browser.get(f"{PAGE}?office={bureau[office].id}").status_code == 404
        path = f"{PAGE}export/?table=offices&office={bureau[office].id}"
        assert browser.get(path).status_code == 404
    assert browser.get(f"{PAGE}?office=999999999").status_code == 404


def test_a_supervisor_sees_the_offices_of_their_groups(
    as_role: Any, bureau: dict[str, Office]
) -> None:
    browser = as_role(Role.SUPERVISOR)
    group = make_group_membership(
        officer_id=browser.officer_id, starts_on=date(2020, 1, 1), ends_on=None
    ).group_id
    make_supervision_assignment(
        group_id=group, office_id=bureau["beside"].id, starts_on=date(2020, 1, 1), ends_on=None
    )
    told = numbers(browser.get(PAGE).text)
    assert "=HYPERLINK" in told
    assert "Office of Lamps" not in told


def test_an_office_comes_with_those_below_it(as_role: Any, bureau: dict[str, Office]) -> None:
    page = as_role(Role.AUDITOR).get(f"{PAGE}?office={bureau['above'].id}")
    assert "Grievances due: 22. Answered in time: 15 (68%)." in page.text
    assert "=HYPERLINK" not in numbers(page.text)


def test_what_is_with_no_office_is_for_those_who_see_all(
    as_role: Any, session: Any, bureau: dict[str, Office]
) -> None:
    make_grievance(
        responsible_office_id=None,
        received_at=NOW - timedelta(days=50),
        due_at=NOW - timedelta(days=31),
    )
    count(session)
    assert "With no office yet" in as_role(Role.AUDITOR).get(PAGE).text
    head = as_role(Role.OFFICE_HEAD, office_id=bureau["above"].id)
    assert "With no office yet" not in head.get(PAGE).text


@pytest.mark.parametrize("role", Role)
def test_the_database_gives_just_the_figures_of_the_offices_that_the_officer_sees(
    role: Role, session: Any, bureau: dict[str, Office]
) -> None:
    officer = make_officer(roles=[role], office_id=bureau["above"].id)
    all_of_them = session.scalar(select(func.count()).select_from(FigureMonth))
    act_as(officer.id)
    session.execute(db.text("SET LOCAL ROLE redress_app"))
    seen = set(session.scalars(select(FigureMonth.office_id)))
    own = {bureau["above"].id, bureau["below"].id}
    if role in (Role.ADMINISTRATOR, Role.INTAKE, Role.DECIDER, Role.AUDITOR):
        assert session.scalar(select(func.count()).select_from(FigureMonth)) == all_of_them
    else:
        assert seen == own
    session.execute(db.text("SELECT set_config('redress.ticket', '', true)"))
    assert session.scalar(select(func.count()).select_from(FigureMonth)) == 0
    assert not ask.peers(session, date(2000, 1, 1), date(2100, 1, 1))


# --- What it asks of the database ------------------------------------------------------------


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.OFFICE_HEAD])
@pytest.mark.parametrize("query", ["", "?measure=days&order=measure&form=publication"])
def test_a_page_asks_the_summary_and_the_names_of_offices_alone(
    role: Role, query: str, as_role: Any, bureau: dict[str, Office]
) -> None:
    browser = as_role(role, office_id=bureau["above"].id)
    browser.get("/admin/")  # the first request of a minute notes that the officer was seen
    with statements() as sent:
        assert browser.get(PAGE + query).status_code == 200
    words = " ".join(sent)
    tables = set(re.findall(r"\b(?:FROM|JOIN) ([a-z_]+)", words)) & db.metadata.tables.keys()
    assert tables <= {"figure_month", "figure_state", "office", "officer", "officer_session"}
    assert "figure_month" in tables
    assert "grievance" not in words
    assert len(sent) <= 8, sent


# --- What is asked of it ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    [
        "since=2026-13",
        "since=yesterday",
        "until=9999-12&since=0001-01",
        "since=2026-05&until=2026-01",
        "since=１９９９-01",
        "measure=received",
        "order=received",
        "form=x",
        "since=0000-01",
        "until=0001-01",
        "office=abc",
        "office=99999999999999999999",
        "since=%00",
        "measure=%ED%A0%80",
    ],
)
def test_what_cannot_be_read_is_refused_in_words(
    query: str, as_role: Any, bureau: dict[str, Office]
) -> None:
    browser = as_role(Role.ADMINISTRATOR)
    for path in (PAGE, f"{PAGE}export/?table=offices&"):
        answer = browser.get(f"{path}{'' if '?' in path else '?'}{query}")
        assert answer.status_code in (400, 404)
        assert "</html>" in answer.text


def test_the_longest_period_is_drawn(as_role: Any, bureau: dict[str, Office]) -> None:
    page = as_role(Role.ADMINISTRATOR).get(f"{PAGE}?since={NOW.year - 9}-01&until={NOW.year}-12")
    assert page.status_code == 200
    assert "Grievances due: 49." in page.text


def test_before_the_first_refresh_it_says_what_to_do(as_role: Any, session: Any) -> None:
    session.execute(delete(FigureState))  # an import of another test may have counted for good
    page = as_role(Role.ADMINISTRATOR).get(PAGE)
    assert "flask figures refresh" in page.text
    assert as_role(Role.ADMINISTRATOR).get(f"{PAGE}export/?table=whole").status_code == 404


def test_a_period_without_anything_says_so(as_role: Any, bureau: dict[str, Office]) -> None:
    page = as_role(Role.ADMINISTRATOR).get(f"{PAGE}?since=1990-01&until=1990-03")
    assert "Nothing to show for this period" in page.text


def test_no_order_of_offices_is_by_how_many_complain(
    as_role: Any, bureau: dict[str, Office]
) -> None:
    page = as_role(Role.ADMINISTRATOR).get(PAGE).text
    (orders,) = re.findall(r'<select[^>]*name="order">(.*?)</select>', page, re.DOTALL)
    assert re.findall(r'value="(\w+)"', orders) == ["name", "measure"]
    (measures,) = re.findall(r'<select[^>]*name="measure">(.*?)</select>', page, re.DOTALL)
    assert "received" not in measures


# --- Charts ----------------------------------------------------------------------------------


@pytest.mark.parametrize("measure", [*(one.key for one in MEASURES), "days"])
def test_every_chart_is_sound_and_tells_in_words_what_it_shows(
    measure: str, as_role: Any, bureau: dict[str, Office]
) -> None:
    page = as_role(Role.ADMINISTRATOR).get(f"{PAGE}?measure={measure}").text
    assert "style=" not in page
    drawn = re.findall(r'<svg class="chart".*?</svg>', page, re.DOTALL)
    assert len(drawn) >= 5
    ids: list[str] = []
    for one in drawn:
        svg = ElementTree.fromstring(one)  # noqa: S314  our own page
        title, description = svg.find("title"), svg.find("desc")
        assert title is not None
        assert description is not None
        assert title.text
        assert svg.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
        ids += [str(title.get("id")), str(description.get("id"))]
        for mark in svg.iter():
            for name in ("x", "x1", "x2", "cx"):
                place = mark.get(name, "0")
                assert 0 <= float(place.removesuffix("%")) <= 100, ElementTree.tostring(mark)
            for name in ("y", "y1", "y2", "cy"):
                assert 0 <= float(mark.get(name, "0")) <= float(svg.get("height", "0"))
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("most", "ticks"),
    [
        (0, [0, 1]),
        (1, [0, 1]),
        (3, [0, 1, 2, 3]),
        (15, [0, 5, 10, 15]),
        (16, [0, 5, 10, 15, 20]),
        (100, [0, 50, 100]),
        (532, [0, 200, 400, 600]),
    ],
)
def test_a_scale_has_round_numbers_and_room_for_the_most(most: int, ticks: list[int]) -> None:
    assert charts.nice_ticks(most) == ticks


def test_every_scale_holds_its_most_with_few_lines() -> None:
    for most in [*range(1, 2_000), 10**6 - 1, 10**6, 10**6 + 1]:
        ticks = charts.nice_ticks(most)
        assert ticks[-1] >= most > ticks[-2]
        assert 2 <= len(ticks) <= 6


def test_a_month_without_a_number_leaves_a_gap() -> None:
    chart = charts.over_time(
        ["1", "2", "3", "4"],
        [(0, "0"), (10, "10")],
        [("line", "", [(1, ""), None, (2, ""), (3, "")])],
    )
    (series,) = chart.series
    assert len(series.points) == 3
    assert [(one.y, two.y) for one, two in series.lines] == [
        (series.points[1].y, series.points[2].y)
    ]


@pytest.mark.parametrize("months", [1, 2, 12, 13, 60, 120])
def test_the_last_month_is_always_named_and_few_are_on_a_phone(months: int) -> None:
    names = charts.names_of([str(number) for number in range(months)])
    assert names[-1].words == str(months - 1)
    assert not names[-1].is_minor
    assert len(names) <= charts.MOST_NAMES
    assert sum(not one.is_minor for one in names) <= charts.FEW_NAMES


def test_a_long_name_is_cut_by_the_room_it_takes() -> None:
    assert charts.shortened("Office of Lamps") == "Office of Lamps"
    assert charts.shortened("滨江区" * 9) == ("滨江区" * 9)[: charts.NAME_WIDTH // 2] + "…"


# --- Peers -----------------------------------------------------------------------------------


def test_the_median_of_a_band_is_that_of_its_offices(session: Any) -> None:
    for number in range(11):
        grievances(make_office(), in_time=number, late=11 - number, unanswered=number % 3)
    for number in range(4):
        grievances(make_office(), in_time=30, late=number)
    count(session)
    since, until = date(NOW.year - 1, 1, 1), date(NOW.year, 12, 1)
    found = ask.figures(session, None, since, until).offices
    peers = ask.peers(session, since, until)

    def middle(values: list[Any]) -> Any:
        return sorted(values)[(len(values) - 1) // 2]

    ours = [one for one in found.values() if band_of(one.clocks_ended) == 1]
    assert len(ours) == 11
    shares = [one.answers_in_time / one.answers_due for one in ours]
    assert peers[1, "answered"].offices == 11
    assert peers[1, "answered"].middle == pytest.approx(middle(shares))
    for key, place in (("median", 0), ("p90", 1)):
        days = [days_to_answer(one)[place] for one in ours]
        reached = [ask.NOT_YET if one is None else one for one in days]
        assert peers[1, key].middle == middle(reached)
    assert (2, "answered") not in peers, "four offices are too few"
    assert peers[ask.ALL_OFFICES, "answered"].offices == 15


def test_an_office_is_compared_with_others_that_its_officers_do_not_see(
    as_role: Any, session: Any
) -> None:
    offices = [make_office(name=f"Hidden {number}") for number in range(5)]
    for number, office in enumerate(offices):
        grievances(office, in_time=5 + number, late=5 - number)
    count(session)
    page = as_role(Role.HANDLER, office_id=offices[0].id).get(PAGE)
    assert "Median of 5 offices of similar size: 70%" in page.text
    assert "Hidden 1" not in page.text


# --- Files -----------------------------------------------------------------------------------


def rows_of(answer: Any) -> list[list[str]]:
    assert answer.status_code == 200
    assert answer.mimetype == "text/csv"
    return list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))


@pytest.mark.parametrize("table", ["whole", "months", "days", "offices", "unanswered", "received"])
def test_every_table_is_a_file_that_is_written_down_first(
    table: str, as_role: Any, session: Any, bureau: dict[str, Office]
) -> None:
    browser = as_role(Role.ADMINISTRATOR)
    rows = rows_of(browser.get(f"{PAGE}export/?table={table}"))
    assert len({len(row) for row in rows}) == 1
    session.expire_all()
    (record,) = session.scalars(select(ExportRecord))
    assert (record.record_type, record.rows) == ("figure_month", len(rows) - 1)
    assert record.finished_at
    (entry,) = session.scalars(select(AuditEntry).where(AuditEntry.verb == AuditVerb.EXPORT))
    assert entry.officer_id == browser.officer_id
    page = browser.get("/admin/export-record/")
    assert page.status_code == 200


def test_a_file_runs_no_formula_and_holds_no_small_cell(
    as_role: Any, bureau: dict[str, Office]
) -> None:
    browser = as_role(Role.ADMINISTRATOR)
    rows = {row[0]: row for row in rows_of(browser.get(f"{PAGE}export/?table=offices"))[1:]}
    assert rows[f"'{FORMULA}"][2:4] == ["20", "27"] or "withheld" in rows[f"'{FORMULA}"][2]
    lamps = rows["Office of Lamps"]  # one of ten not in time
    assert lamps[2:5] == ["withheld"] * 3
    hidden = [name for name, row in rows.items() if row[2] == "withheld"]
    assert len(hidden) == 2, "another office goes with it"
    shown = browser.get(PAGE).text
    assert re.search(r"Office of Lamps</th>.*?<td>9</td><td>10</td><td>90%", shown, re.DOTALL)


def test_no_small_number_is_in_the_form_for_publication(
    as_role: Any, session: Any, bureau: dict[str, Office]
) -> None:
    for number in range(6):
        grievances(make_office(), in_time=number, late=2 * number, unanswered=3)
    count(session)
    browser = as_role(Role.ADMINISTRATOR)
    small = {str(number) for number in range(1, SMALLEST)}
    for measure in [*(one.key for one in MEASURES), "days"]:
        page = browser.get(f"{PAGE}?form=publication&measure={measure}").text
        cells = re.findall(r"<td>([^<]*)</td>", page)
        days = re.findall(r'aria-labelledby="days">.*?</section>', page, re.DOTALL)
        about_days = re.findall(r"<td>([^<]*)</td>", "".join(days))
        if measure != "days":
            assert not (set(cells) - set(about_days)) & small
        assert "withheld" in cells


def test_who_may_not_take_figures_out_gets_no_file_and_others_no_other_table(
    as_role: Any, bureau: dict[str, Office]
) -> None:
    assert all(may(frozenset({role}), Desk.FIGURES, Verb.EXPORT) for role in Role)
    browser = as_role(Role.HANDLER)
    for table in ("", "grievance", "whole' --", "%00"):
        assert browser.get(f"{PAGE}export/?table={table}").status_code in (400, 404)


# --- Counting anew ---------------------------------------------------------------------------


@pytest.mark.parametrize("role", Role)
def test_some_may_have_the_figures_counted_anew(
    role: Role, as_role: Any, bureau: dict[str, Office]
) -> None:
    browser = as_role(role)
    allowed = may(frozenset({role}), Desk.FIGURES, Verb.EDIT)
    assert ("Refresh now" in browser.get(PAGE).text) is allowed
    if not allowed:
        assert browser.send(f"{PAGE}refresh/").status_code == 403


def test_the_button_counts_anew_and_says_up_to_when(committed: Flask) -> None:
    with committed.app_context():
        office = make_office()
        officer = make_officer(roles=[Role.OFFICE_HEAD], office_id=office.id)
        other = make_office().id
        make_grievance(responsible_office_id=other, received_at=NOW - timedelta(days=9))
        db.session.commit()
        browser: Any = committed.test_client()
        browser.let_in(officer)
        db.session.commit()
        db.session.remove()
    back = f"{PAGE}?measure=days"
    answer = browser.send(f"{PAGE}refresh/", next=back)
    assert (answer.status_code, answer.location) == (303, back)
    page = browser.get(back).text
    assert "The figures are as of" in page
    with committed.app_context():
        # As the system, for all offices: those that the officer does not see as well.
        assert db.session.scalar(select(FigureState.as_of)) > NOW
        assert set(db.session.scalars(select(FigureMonth.office_id))) == {other}


def test_after_an_import_the_figures_are_counted_whoever_imported(committed: Flask) -> None:
    with committed.app_context():
        handler = make_officer(roles=[Role.INTAKE])
        make_grievance(responsible_office_id=make_office().id)
        db.session.commit()
        with security.acting_for(handler.id):
            imports._count_figures()
        assert db.session.scalar(select(func.count()).select_from(FigureMonth))


def test_while_it_runs_another_is_refused_in_words(committed: Flask) -> None:
    with committed.app_context():
        officer = make_officer(roles=[Role.ADMINISTRATOR])
        db.session.commit()
        browser: Any = committed.test_client()
        browser.let_in(officer)
        db.session.commit()
        lock = "SELECT pg_advisory_xact_lock(hashtextextended('redress figures', 0))"
        with db.engine.begin() as held:
            held.execute(db.text(lock))
            answer = browser.send(f"{PAGE}refresh/", next="//elsewhere.example/")
            assert (answer.status_code, answer.location) == (303, PAGE)
        assert "being refreshed already" in browser.get(PAGE).text


def test_what_takes_longer_than_a_page_may_is_left_to_the_command(
    committed: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    with committed.app_context():
        officer = make_officer(roles=[Role.ADMINISTRATOR])
        db.session.commit()
        browser: Any = committed.test_client()
        browser.let_in(officer)
        db.session.commit()
        token = browser.token()
        with db.engine.begin() as held:  # nothing can be counted while somebody holds the table
            held.execute(db.text("LOCK TABLE figure_mark IN ACCESS EXCLUSIVE MODE"))
            monkeypatch.setitem(committed.config, "STATEMENT_SECONDS", 1)
            answer = browser.post(f"{PAGE}refresh/", data={"csrf_token": token})
            assert answer.status_code == 303
        assert "flask figures refresh" in browser.get(PAGE).text


def test_the_words_are_in_the_readers_language(
    as_role: Callable[..., Any], bureau: dict[str, Office]
) -> None:
    browser = as_role(Role.ADMINISTRATOR)
    browser.send("/language", language="zh_Hans_CN", next=PAGE)
    page = browser.get(PAGE)
    assert page.status_code == 200
    assert 'lang="zh-Hans"' in page.text

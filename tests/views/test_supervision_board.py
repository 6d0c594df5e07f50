"""The supervision board through its pages: what it shows, to whom, and every way to change it."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from models import AssignmentChange, GroupMembership, SupervisionAssignment
from rules.grievance import GrievanceState
from rules.permissions import Role
from rules.supervision import InspectionState
from tests import factories as make
from tests.conftest import Client
from tests.statements import statements
from tests.views.pages import address, form_to, forms, words

BOARD = "/admin/supervision/board"
DAY = timedelta(days=1)
MOST_STATEMENTS = 15
JSON = {"Accept": "application/json"}


class Bureau:
    """Offices under a district, two groups that may, and a supervisor who plans."""

    def __init__(self, as_role: Callable[..., Client], session: Any) -> None:
        self.session, self.as_role = session, as_role
        self.today = datetime.now(ZoneInfo("Europe/London")).date()
        self.district = make.make_office(name="District")
        self.roads, self.parks, self.bureau = (
            make.make_office(name=name, parent=self.district)
            for name in ("Roads", "Parks", "Bureau")
        )
        self.lamps = make.make_office(name="Lamps", parent=self.roads)
        self.first, self.second = self._group("First"), self._group("Second")
        self.browser = as_role(Role.SUPERVISOR, office=self.bureau, name="Pia Planner")

    def _group(self, name: str) -> Any:
        group = make.make_supervision_group(name=name, mandate=f"{name} things")
        for n in (1, 2):
            officer = make.make_officer(
                name=f"{name} {n}", office=self.bureau, roles=[Role.SUPERVISOR]
            )
            make.make_group_membership(group=group, officer=officer, is_leader=n == 1)
        return group

    def give(self, office: Any, group: Any, **given: Any) -> Any:
        fields = {"group": str(group.id), "starts_on": self.today.isoformat()} | given
        return self.browser.send(f"{BOARD}/{office.id}", **fields)

    def held(self, office: Any) -> list[SupervisionAssignment]:
        self.session.expire_all()
        query = select(SupervisionAssignment).where(SupervisionAssignment.office_id == office.id)
        return list(self.session.scalars(query.order_by(SupervisionAssignment.starts_on)))

    def change(self, period: Any, do: str, **given: Any) -> Any:
        fields = {"do": do, "version": str(period.version_id)} | given
        return self.browser.send(f"/admin/supervision/period/{period.id}", **fields)


@pytest.fixture
def here(as_role: Callable[..., Client], session: Any) -> Bureau:
    return Bureau(as_role, session)


# --- What it shows ---------------------------------------------------------------------------


def row(page: str, office: str) -> str:
    found = re.search(rf'<tr data-office="\d+" data-office-name="{office}">.*?</tr>', page, re.S)
    assert found, f"no row of {office}"
    return " ".join(re.sub(r"<[^>]+>", " ", found[0]).split())


def test_the_board_shows_who_has_what_and_what_is_missing(here: Bureau) -> None:
    make.make_supervision_assignment(
        group=here.first, office=here.roads, starts_on=here.today - 9 * DAY
    )
    make.make_supervision_assignment(
        group=here.second, office=here.parks, starts_on=here.today + 9 * DAY
    )
    make.make_grievance(
        responsible_office=here.roads,
        state=GrievanceState.ROUTED,
        received_at=datetime.now(UTC) - 40 * DAY,
        due_at=datetime.now(UTC) - DAY,
    )
    make.make_inspection(
        office=here.roads,
        group=here.first,
        inspector_id=here.browser.officer_id,
        state=InspectionState.DONE,
        done_on=here.today - 5 * DAY,
    )
    page = here.browser.get(BOARD).text
    assert "since" in row(page, "Roads")
    assert " 1 " in row(page, "Roads")
    assert "due" not in row(page, "Roads")
    assert "with Roads" in row(page, "Lamps")
    assert "no group" in row(page, "Parks")
    assert "Second from" in row(page, "Parks")
    assert "none due" in row(page, "Parks")
    told = words(here.browser.get(BOARD))
    assert "2 offices with no group" in told  # Parks and Bureau; the top is nobody's
    assert "3 offices not visited for 365 days" in told
    assert "offices: 1 · members: 2 · overdue: 1" in told


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("show=without_group", {"Parks", "Bureau"}),
        ("show=not_visited", {"Lamps", "Parks", "Bureau", "Roads"}),
        ("words=arK", {"Parks"}),
        ("show=conflict", {"Roads"}),
    ],
)
def test_the_board_is_asked_for_a_part(here: Bureau, query: str, shown: set[str]) -> None:
    make.make_supervision_assignment(group=here.first, office=here.roads)
    member = here.session.scalar(
        select(GroupMembership).where(GroupMembership.group_id == here.first.id)
    )
    make.make_recusal(officer_id=member.officer_id, office=here.roads)
    page = here.browser.get(f"{BOARD}?{query}").text
    assert set(re.findall(r'data-office-name="([^"]+)"', page)) == shown
    if "conflict" in query:
        assert "stands aside from Roads" in row(page, "Roads")


def test_a_group_is_asked_for_and_a_day(here: Bureau) -> None:
    make.make_supervision_assignment(
        group=here.first, office=here.roads, starts_on=here.today + 30 * DAY
    )
    query = f"{BOARD}?group={here.first.id}"
    assert "data-office-name" not in here.browser.get(query).text
    later = here.browser.get(f"{query}&day={here.today + 31 * DAY}").text
    assert set(re.findall(r'data-office-name="([^"]+)"', later)) == {"Roads", "Lamps"}


def test_a_thousand_offices_come_in_pages(here: Bureau) -> None:
    for n in range(90):
        make.make_office(name=f"Ward {n:03}", parent=here.roads)
    seen: list[str] = []
    path = BOARD
    while path:
        page = here.browser.get(path).text
        seen += re.findall(r'data-office-name="([^"]+)"', page)
        found = re.search(r'href="([^"]+)">Next page', page)
        path = found[1].replace("&amp;", "&") if found else ""
    assert len(seen) == len(set(seen)) == 95
    assert seen[:5] == ["District", "Bureau", "Parks", "Roads", "Lamps"]


def test_the_timeline_has_a_bar_for_each_period_and_says_it_in_words(here: Bureau) -> None:
    make.make_supervision_assignment(
        group=here.first, office=here.roads, starts_on=here.today, ends_on=here.today + 40 * DAY
    )
    page = here.browser.get(f"{BOARD}?view=timeline")
    assert page.text.count('class="bar tone-') == 1
    assert "First: from" in words(page)
    assert "style=" not in page.text


def test_the_pages_are_frugal(here: Bureau) -> None:
    for n in range(30):
        office = make.make_office(name=f"Ward {n}", parent=here.parks)
        make.make_supervision_assignment(group=here.first, office=office)
    period = here.held(office)[0]
    for path in (
        BOARD,
        f"{BOARD}?view=timeline",
        f"{BOARD}/{office.id}",
        f"/admin/supervision/period/{period.id}",
        f"/admin/supervision/group/{here.first.id}",
    ):
        with statements() as sent:
            assert here.browser.get(path).status_code == 200
        assert len(sent) <= MOST_STATEMENTS, (path, len(sent))


@pytest.mark.parametrize("role", list(Role))
def test_who_reads_supervision_reads_the_board_and_who_plans_changes_it(
    here: Bureau, role: Role
) -> None:
    period = make.make_supervision_assignment(group=here.first, office=here.roads)
    browser = here.as_role(role)
    reads = 403 if role is Role.INTAKE else 200
    plans = role in (Role.SUPERVISOR, Role.ADMINISTRATOR)
    page = browser.get(BOARD)
    assert page.status_code == browser.get(f"{BOARD}/{here.roads.id}").status_code == reads
    assert browser.get(f"/admin/supervision/group/{here.first.id}").status_code in (reads, 404)
    assert ("data-chip" in page.text) is plans
    sent = browser.send(
        f"/admin/supervision/period/{period.id}",
        do="end", version="1", ends_on=(here.today + DAY).isoformat(),
    )  # fmt: skip
    given = browser.send(
        f"{BOARD}/{here.parks.id}", group=str(here.first.id), starts_on=here.today.isoformat()
    )
    if not plans:
        assert given.status_code == 403
        assert sent.status_code in (403, 404)
        assert here.held(here.parks) == []
        return
    assert (sent.status_code, given.status_code) == (303, 303)
    assert len(here.held(here.parks)) == 1


def test_overdue_work_is_told_to_who_supervises_and_to_others_of_their_own_offices(
    here: Bureau,
) -> None:
    for office in (here.roads, here.parks):
        make.make_grievance(
            responsible_office=office,
            state=GrievanceState.ROUTED,
            received_at=datetime.now(UTC) - 40 * DAY,
            due_at=datetime.now(UTC) - DAY,
        )
    page = here.browser.get(BOARD).text
    assert " 1 " in row(page, "Roads")
    assert " 1 " in row(page, "Parks")
    theirs = here.as_role(Role.HANDLER, office=here.roads).get(BOARD).text
    assert " 1 " in row(theirs, "Roads")
    assert "–" in row(theirs, "Parks")


# --- Changing it -----------------------------------------------------------------------------


def test_an_office_is_given_moved_split_ended_and_the_last_change_is_taken_back(
    here: Bureau,
) -> None:
    assert here.give(here.roads, here.first).status_code == 303
    (one,) = here.held(here.roads)
    day = (here.today + 10 * DAY).isoformat()
    assert here.change(one, "move", group=str(here.second.id), from_on=day).status_code == 303
    second = here.held(here.roads)[1]
    assert second.group_id == here.second.id
    later = (here.today + 20 * DAY).isoformat()
    assert here.change(second, "split", from_on=later).status_code == 303
    third = here.held(here.roads)[2]
    end = (here.today + 30 * DAY).isoformat()
    assert here.change(third, "end", ends_on=end).status_code == 303
    assert here.held(here.roads)[2].ends_on == here.today + 30 * DAY
    for _left in range(4):
        page = here.browser.get(BOARD)  # the page anew: the change is still known
        change = form_to(page, "board/undo")["change"][0]
        assert here.browser.send(f"{BOARD}/undo", change=change).status_code == 303
    assert here.held(here.roads) == []
    assert "board/undo" not in here.browser.get(BOARD).text


def test_the_script_gets_the_row_as_it_is_now(here: Bureau) -> None:
    token = here.browser.token()

    def post(path: str, **fields: str) -> Any:
        return here.browser.post(path, data={"csrf_token": token} | fields, headers=JSON)

    path = f"{BOARD}/{here.roads.id}"
    answer = post(path, group=str(here.first.id), starts_on=here.today.isoformat())
    assert answer.status_code == 200
    assert answer.json["said"].startswith("First has Roads from")
    assert 'data-version="1"' in answer.json["row"]
    assert "Gaps and load" in answer.json["summary"]
    assert "Undo" in answer.json["undo"]
    (one,) = here.held(here.roads)
    path = f"/admin/supervision/period/{one.id}"
    day = {"from_on": here.today.isoformat(), "do": "move"}
    moved = post(path, version="1", group=str(here.second.id), **day)
    assert moved.status_code == 200
    late = post(path, version="1", group=str(here.first.id), **day)
    assert late.status_code == 422
    assert late.json["error"].startswith("Pia Planner changed this period before you: Second has")
    assert f'data-address="/admin/supervision/period/{one.id}"' in late.json["row"]
    ended = post(path, version="2", do="end", ends_on=here.today.isoformat())
    assert ended.json["said"] == "The period was taken away; it had not begun."
    assert "no group" in ended.json["row"]


def test_a_refusal_stands_on_the_form_and_keeps_what_was_typed(here: Bureau) -> None:
    member = here.session.scalar(
        select(GroupMembership).where(GroupMembership.group_id == here.first.id)
    )
    make.make_recusal(officer_id=member.officer_id, office=here.roads)
    page = here.give(here.roads, here.first, ends_on="2199-01-01")
    assert page.status_code == 422
    assert "stands aside from Roads." in words(page)
    form = next(one for one in forms(page) if "starts_on" in one["fields"])
    assert form["fields"]["ends_on"] == ["2199-01-01"]
    assert form["fields"]["group"] == [str(here.first.id)]
    assert here.held(here.roads) == []


def test_the_page_of_an_office_says_which_groups_can_have_it_and_why_others_cannot(
    here: Bureau,
) -> None:
    eve = make.make_officer(name="Eve", office=here.roads, roles=[Role.SUPERVISOR])
    make.make_group_membership(group=here.first, officer=eve)
    told = words(here.browser.get(f"{BOARD}/{here.lamps.id}"))
    assert "First cannot Eve serves Roads, of the same line as Lamps" in told
    assert "Second can" in told


def test_without_an_end_a_period_lasts_until_the_next(here: Bureau) -> None:
    make.make_supervision_assignment(
        group=here.second, office=here.roads, starts_on=here.today + 20 * DAY
    )
    assert here.give(here.roads, here.first).status_code == 303
    assert here.held(here.roads)[0].ends_on == here.today + 20 * DAY


# --- Many at once ----------------------------------------------------------------------------


def test_many_are_looked_at_before_they_are_saved(here: Bureau) -> None:
    make.make_supervision_assignment(group=here.second, office=here.parks)
    fields = {
        "group": str(here.first.id),
        "starts_on": here.today.isoformat(),
        "office": [str(one.id) for one in (here.roads, here.parks, here.bureau)],
    }
    page = here.browser.send(f"{BOARD}/preview", **fields)
    told = words(page)
    assert page.status_code == 200
    assert "serves Bureau, and so must not inspect it." in told
    assert here.held(here.roads) == []
    chosen = form_to(page, "/board/many")
    assert sorted(chosen["office"]) == sorted([str(here.roads.id), str(here.parks.id)])
    answer = here.browser.send(f"{BOARD}/many", **{**chosen, "csrf_token": here.browser.token()})
    assert answer.status_code == 303
    assert here.held(here.roads)[0].group_id == here.first.id
    assert [one.group_id for one in here.held(here.parks)] == [here.second.id, here.first.id]
    again = here.browser.send(f"{BOARD}/many", **{**chosen, "csrf_token": here.browser.token()})
    assert again.status_code == 422
    assert "Somebody changed who supervises" in words(again)


def test_nothing_chosen_or_no_group_comes_back_with_what_to_do(here: Bureau) -> None:
    page = here.browser.send(
        f"{BOARD}/preview", group=str(here.first.id), starts_on=here.today.isoformat()
    )
    assert page.status_code == 422
    assert "Choose at least one office." in words(page)
    page = here.browser.send(f"{BOARD}/preview", office=str(here.roads.id), starts_on="soon")
    assert page.status_code == 422
    assert "“soon” is not a date." in words(page)
    page = here.browser.send(
        f"{BOARD}/preview", office=str(here.roads.id), starts_on=here.today.isoformat()
    )
    assert page.status_code == 422
    assert "Choose a group from the list." in words(page)
    assert f'value="{here.roads.id}"' in page.text


# --- Groups ----------------------------------------------------------------------------------


def test_members_come_go_and_are_replaced_and_the_page_keeps_them(here: Bureau) -> None:
    path = f"/admin/supervision/group/{here.first.id}"
    eve = make.make_officer(name="Eve Reed", office=here.bureau, roles=[Role.SUPERVISOR])
    day = here.today.isoformat()
    added = here.browser.send(
        path, officer="Eve Reed", **{"officer-id": str(eve.id)}, starts_on=day, duty="Inspector"
    )
    assert added.status_code == 303
    term = here.session.scalar(select(GroupMembership).where(GroupMembership.officer_id == eve.id))
    dan = make.make_officer(name="Dan Moss", office=here.bureau, roles=[Role.SUPERVISOR])
    from_on = (here.today + 10 * DAY).isoformat()
    replaced = here.browser.send(
        f"/admin/supervision/group/term/{term.id}",
        do="replace", version=str(term.version_id), officer="Dan Moss",
        **{"officer-id": str(dan.id)}, from_on=from_on,
    )  # fmt: skip
    assert replaced.status_code == 303
    here.session.expire_all()
    assert term.ends_on == here.today + 10 * DAY
    new = here.session.scalar(select(GroupMembership).where(GroupMembership.officer_id == dan.id))
    assert (new.starts_on, new.duty) == (term.ends_on, "Inspector")
    ended = here.browser.send(
        f"/admin/supervision/group/term/{new.id}",
        do="end", version=str(new.version_id),
        ends_on=(here.today + 20 * DAY).isoformat(),
    )  # fmt: skip
    assert ended.status_code == 303
    told = words(here.browser.get(path))
    assert "First things" in told
    assert "Eve Reed" in told
    assert "Dan Moss to come" in told
    assert "First 1 leads" in told


def test_who_serves_an_office_of_the_group_does_not_get_in(here: Bureau) -> None:
    make.make_supervision_assignment(group=here.first, office=here.roads)
    eve = make.make_officer(name="Eve Reed", office=here.lamps, roles=[Role.SUPERVISOR])
    fields = {"officer": "Eve Reed", "officer-id": str(eve.id), "starts_on": here.today.isoformat()}
    page = here.browser.send(f"/admin/supervision/group/{here.first.id}", **fields)
    assert page.status_code == 422
    assert "Eve Reed serves Lamps, of the same line as Roads" in words(page)
    screen = here.browser.send(
        address(GroupMembership, "new"),
        **fields, group=str(here.first), **{"group-id": str(here.first.id)},
    )  # fmt: skip
    assert screen.status_code == 422
    assert "Eve Reed serves Lamps" in words(screen)


def test_a_group_with_too_few_members_says_so(here: Bureau) -> None:
    term = here.session.scalars(
        select(GroupMembership).where(GroupMembership.group_id == here.first.id)
    ).first()
    term.ends_on = here.today
    here.session.flush()
    assert "1 of the 2 members it needs" in words(
        here.browser.get(f"/admin/supervision/group/{here.first.id}")
    )
    assert "too few members" in words(here.browser.get(BOARD))
    page = here.give(here.roads, here.first)
    assert page.status_code == 422
    assert "First has 1 of the 2 members it needs" in words(page)


# --- What nobody should send -----------------------------------------------------------------

ODD = [
    "",
    "0",
    "-1",
    "1,2",
    "abc",
    "9" * 25,
    "2" * 400,
    "0001-01-01",
    "9999-12-31",
    "<b>",
]


@pytest.mark.parametrize("value", ODD)
def test_odd_input_gets_a_page_and_changes_nothing(here: Bureau, value: str) -> None:
    period = make.make_supervision_assignment(group=here.first, office=here.roads)
    names = ("day", "view", "words", "show", "group", "after")
    for name in names:
        assert here.browser.get(BOARD, query_string={name: value}).status_code == 200
    fields = dict.fromkeys(
        ("group", "starts_on", "ends_on", "from_on", "office", "version", "do", "change"), value
    )
    for path in (
        f"{BOARD}/{here.parks.id}",
        f"{BOARD}/preview",
        f"{BOARD}/many",
        f"/admin/supervision/period/{period.id}",
        f"/admin/supervision/group/{here.first.id}",
    ):
        assert here.browser.send(path, **fields).status_code == 422
    assert here.browser.send(f"{BOARD}/undo", **fields).status_code == 303
    for part in ("board", "period", "group", "group/term"):
        quoted = {"": "0", "<b>": "x"}.get(value, value)
        assert here.browser.get(f"/admin/supervision/{part}/{quoted}").status_code == 404
    assert len(here.held(here.roads)) == 1
    assert here.session.scalar(select(AssignmentChange)) is None


def test_a_form_that_no_day_could_mean_is_refused(here: Bureau) -> None:
    late = datetime.combine(here.today, time()).isoformat()
    page = here.give(here.roads, here.first, starts_on=late)
    assert page.status_code == 422
    assert "is not a date." in words(page)

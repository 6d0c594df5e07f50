"""Queues: what is in each, that its list shows the same, and what finding them costs."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models import Grievance
from rules.grievance import DecisionState, GrievanceState, PauseGround
from rules.permissions import Role
from rules.queues import ABOUT, QUEUES
from tests import factories as make
from tests.conftest import Client
from tests.factories import DAY
from tests.statements import statements
from tests.views.pages import row_ids

MOST_STATEMENTS = 8
LONG_AGO = datetime(2026, 1, 5, 12, tzinfo=UTC)


def counts(browser: Client) -> dict[str, tuple[str, str]]:
    """Return each queue's number and address by its words."""
    page = browser.get("/admin/queues/")
    assert page.status_code == 200
    found = re.findall(
        r'<h2><a href="([^"]+)">([^<]+)</a> <strong class="queue-number">([^<]+)</strong>',
        page.text,
    )
    return {
        words.replace("&#39;", "'"): (number, address.replace("&amp;", "&"))
        for address, words, number in found
    }


def in_each(browser: Client) -> None:
    """Put something into each queue but that of the office."""
    me = browser.officer_id
    from_there = {"received_at": LONG_AGO - timedelta(days=30), "due_at": LONG_AGO}
    routed = {"state": GrievanceState.ROUTED}
    office = make.make_office()
    mine = make.make_grievance(handler_id=me, responsible_office=office, **from_there, **routed)
    make.make_grievance(lead_official_id=me)
    make.make_grievance(due_at=datetime.now(UTC))
    make.make_pause(grievance=mine, ground=PauseGround.COMPLAINANT, started_at=LONG_AGO)
    make.make_pause(ground=PauseGround.HEARING, started_at=LONG_AGO)
    make.make_decision(grievance=mine, state=DecisionState.PROPOSED, proposed_at=datetime.now(UTC))
    make.make_appeal(filed_on=DAY)


def test_every_queue_has_its_sentence_and_stands_once() -> None:
    names = [queue.name for queue in QUEUES]
    assert len(set(names)) == len(names)
    assert set(names) == set(ABOUT)


def test_each_queue_counts_what_its_list_shows(as_role: Callable[..., Client]) -> None:
    browser = as_role(Role.ADMINISTRATOR)
    in_each(browser)
    found = counts(browser)
    assert list(found) == [
        *("Mine", "Led by me", "Without a lead official", "My office's", "Unassigned"),
        *("Due this week", "Overdue", "Waiting on the complainant", "Waiting for approval"),
        *("Waiting on an office", "Appeals"),
    ]
    assert found["My office's"][0] == "0"
    for words, (number, address) in found.items():
        page = browser.get(address)
        assert page.status_code == 200, words
        assert str(len(row_ids(page))) == number, words
        if words != "My office's":
            assert int(number) > 0, words
    assert found["Mine"][0] == found["Led by me"][0] == "1"
    assert found["Overdue"][0] == "2"
    assert found["Waiting on the complainant"][0] == "1"


def test_what_is_over_is_in_no_queue(as_role: Callable[..., Client]) -> None:
    browser = as_role(Role.ADMINISTRATOR)
    make.make_grievance(
        handler_id=browser.officer_id,
        received_at=LONG_AGO,
        due_at=LONG_AGO,
        state=GrievanceState.CLOSED,
        closed_at=LONG_AGO,
    )
    assert {number for number, _ in counts(browser).values()} == {"0"}


def test_an_office_counts_its_own(as_role: Callable[..., Client]) -> None:
    office = make.make_office()
    make.make_grievance(responsible_office=office)
    make.make_grievance(responsible_office=make.make_office())
    found = counts(as_role(Role.HANDLER, office=office))
    assert found["My office's"][0] == found["Unassigned"][0] == "1"


def test_a_long_queue_is_counted_to_its_end_and_no_further(
    as_role: Callable[..., Client], session: Any
) -> None:
    for _ in range(105):
        session.add(Grievance(title="No water"))
    session.flush()
    browser = as_role(Role.INTAKE)
    assert counts(browser)["Unassigned"][0] == "more than 100"
    home = browser.get("/admin/").text
    assert "Unassigned" in home
    assert "/admin/queues/" in home


@pytest.mark.parametrize("role", list(Role), ids=str)
def test_the_page_is_frugal(role: Role, as_role: Callable[..., Client]) -> None:
    browser = as_role(role)
    in_each(browser)
    with statements() as sent:
        page = browser.get("/admin/queues/")
    assert page.status_code == 200
    assert len(sent) <= MOST_STATEMENTS, "\n\n".join(sent)
    assert not [one for one in sent if "OFFSET" in one or "count(" in one.lower()]

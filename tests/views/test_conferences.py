"""Joint conferences through their pages: called, written down, and their actions in the plan."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from models import ConferenceOffice, Grievance, JointConference, Office, Officer, PlanStep
from rules.permissions import Role, Verb, may
from tests import factories as make
from tests.conftest import Client
from tests.statements import statements
from tests.views.pages import address

MOST_STATEMENTS = 8
LATER = "2031-05-01T10:00"
LONG_AGO = datetime(2026, 2, 3, 9, tzinfo=UTC)


def chosen(name: str, record: Any, prefix: str = "") -> dict[str, str]:
    """What the browser sends for a record that was chosen from the list."""
    return {f"{prefix}{name}": str(record), f"{prefix}{name}-id": str(record.id)}


class Table:
    """A grievance of one office, a second office, and a handler who calls both together."""

    def __init__(self, as_role: Callable[..., Client], session: Any) -> None:
        self.session = session
        self.office: Office = make.make_office(name="Water Office")
        self.other: Office = make.make_office(name="Road Office")
        self.grievance: Grievance = make.make_grievance(responsible_office=self.office)
        self.chair: Officer = make.make_officer(office=self.office, name="Wen Ping")
        self.guest: Officer = make.make_officer(office=self.other, name="Lu Da")
        self.browser = as_role(Role.HANDLER, office=self.office)
        self.path = f"/admin/conference/call/{self.grievance.id}"

    def fields(self, **given: str) -> dict[str, str]:
        return (
            {"subject": "Whose pipe is it?", "meets_at": LATER, "place": "Room 2"}
            | chosen("chair", self.chair)
            | chosen("officer", self.guest, "seat0-")
            | given
        )

    def call(self, **given: str) -> Any:
        return self.browser.send(self.path, **self.fields(**given))

    def conference(self) -> JointConference:
        self.session.expire_all()
        query = select(JointConference).where(JointConference.grievance_id == self.grievance.id)
        found: JointConference = self.session.scalars(query).one()
        return found

    def met(self) -> JointConference:
        """A conference that has met, with both offices."""
        conference = make.make_joint_conference(
            grievance=self.grievance,
            office=self.office,
            chair=self.chair,
            meets_at=LONG_AGO,
            subject="Whose pipe is it?",
        )
        for officer in (self.chair, self.guest):
            make.make_conference_office(
                conference=conference, office=officer.office, officer=officer, undertaking=None
            )
        return conference

    def send(self, conference: JointConference, do: str, **given: Any) -> Any:
        return self.browser.send(f"/admin/conference/{conference.id}", do=do, **given)

    def minute(self, conference: JointConference, **given: Any) -> Any:
        fields = {"minutes": "All were heard.", "conclusion": "The works mend it."} | given
        version = fields.pop("version", str(conference.version_id))
        return self.send(conference, "minutes", version=version, **fields)


@pytest.fixture
def table(as_role: Callable[..., Client], session: Any) -> Table:
    return Table(as_role, session)


def test_offices_and_officers_are_called_together(table: Table) -> None:
    third = make.make_office(name="Park Office")
    answer = table.call(**chosen("office", third, "seat1-"))
    assert answer.status_code == 303, answer.text
    conference = table.conference()
    seats = {(one.office.name, one.officer and one.officer.name) for one in conference.offices}
    assert seats == {
        ("Water Office", "Wen Ping"),
        ("Road Office", "Lu Da"),
        ("Park Office", None),
    }
    assert (conference.office_id, conference.chair_id) == (table.office.id, table.chair.id)
    case = table.browser.get(address(Grievance, "details", id=table.grievance.id)).text
    assert "Whose pipe is it?" in case
    assert f"/admin/conference/{conference.id}" in case


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"subject": ""}, "Please fill this in."),
        ({"chair": "", "chair-id": ""}, "Please fill this in."),
        ({"meets_at": "2020-01-01T10:00"}, "This time is over."),
        ({"meets_at": "soon"}, "is not a date and time"),
        ({"seat0-officer": "", "seat0-officer-id": ""}, "needs two offices at least"),
        ({"seat0-officer": "Nobody", "seat0-officer-id": ""}, "Nothing here is called “Nobody”"),
        ({"seat0-office": "Water Office", "seat0-office-id": ""}, "serves another office"),
    ],
)
def test_what_is_missing_is_said_and_nothing_typed_is_lost(
    table: Table, wrong: dict[str, str], said: str
) -> None:
    answer = table.call(**wrong)
    assert answer.status_code == 422
    assert said in answer.text
    assert 'value="Room 2"' in answer.text
    assert not table.session.scalars(select(JointConference)).all()


def test_an_office_that_is_invited_sees_the_conference_and_not_the_grievance(
    table: Table, as_role: Callable[..., Client]
) -> None:
    conference = table.met()
    theirs = as_role(Role.HANDLER, office=table.other)
    page = theirs.get(f"/admin/conference/{conference.id}")
    assert page.status_code == 200
    assert "Whose pipe is it?" in page.text
    assert table.grievance.title not in page.text
    assert "Write the minutes" not in page.text
    assert theirs.get(address(Grievance, "details", id=table.grievance.id)).status_code == 404
    table.browser = theirs
    assert table.minute(conference).status_code == 403
    assert as_role(Role.HANDLER).get(f"/admin/conference/{conference.id}").status_code == 404


def test_minutes_say_who_came_and_what_was_agreed(table: Table) -> None:
    conference = table.met()
    came = next(one.id for one in conference.offices if one.officer_id == table.chair.id)
    assert table.minute(conference, came=str(came)).status_code == 303
    conference = table.conference()
    assert (conference.minutes, conference.conclusion) == ("All were heard.", "The works mend it.")
    assert {one.officer_id: one.was_there for one in conference.offices} == {
        table.chair.id: True,
        table.guest.id: False,
    }
    page = table.browser.get(f"/admin/conference/{conference.id}").text
    assert "did not come" in page


def test_minutes_wait_until_it_has_met(table: Table) -> None:
    table.call()
    conference = table.conference()
    answer = table.minute(conference)
    assert answer.status_code == 422
    assert "It has not met yet." in answer.text
    assert table.conference().minutes is None


def test_two_do_not_write_minutes_over_each_other(table: Table) -> None:
    conference = table.met()
    answer = table.minute(conference, minutes="Mine", version=str(conference.version_id + 1))
    assert answer.status_code == 422
    assert "in the meantime" in answer.text
    assert "Mine</textarea>" in answer.text
    assert table.conference().minutes is None


def test_an_action_is_a_step_of_the_plan_with_an_owner_and_a_day(table: Table) -> None:
    conference = table.met()
    action = {"subject": "Lay a new pipe", "due_on": "2031-06-01"} | chosen("officer", table.guest)
    refused = table.send(conference, "action", **action)
    assert refused.status_code == 422
    assert "Write down first what was agreed" in refused.text
    table.minute(conference)
    assert table.send(conference, "action", **action).status_code == 303
    table.session.expire_all()
    (step,) = table.session.scalars(select(PlanStep))
    assert (step.subject, step.officer_id, step.conference_id) == (
        "Lay a new pipe",
        table.guest.id,
        conference.id,
    )
    assert (step.grievance_id, step.position) == (table.grievance.id, 1)
    for path in (f"/admin/conference/{conference.id}", f"/admin/plan/{table.grievance.id}"):
        assert "Lay a new pipe" in table.browser.get(path).text


def test_nobody_is_given_work_in_their_absence(table: Table) -> None:
    conference = table.met()
    table.minute(conference)
    stranger = make.make_officer(name="Nobody Here")
    action = {"subject": "Lay a new pipe", "due_on": "2031-06-01"} | chosen("officer", stranger)
    answer = table.send(conference, "action", **action)
    assert answer.status_code == 422
    assert "was not invited" in answer.text
    assert "Lay a new pipe" in answer.text
    invited = table.send(conference, "invite", **chosen("officer", stranger, "invite-"))
    assert invited.status_code == 303
    assert table.send(conference, "action", **action).status_code == 303


def test_nobody_is_invited_twice(table: Table) -> None:
    conference = table.met()
    again = table.send(conference, "invite", **chosen("officer", table.guest, "invite-"))
    assert again.status_code == 422
    assert "There is already a record of this kind" in again.text
    empty = table.send(conference, "invite")
    assert "Choose an office or an officer" in empty.text


def test_a_chair_of_another_office_writes_minutes_and_gives_out_nothing(
    table: Table, app: Any
) -> None:
    conference = make.make_joint_conference(
        grievance=table.grievance, office=table.office, chair=table.guest, meets_at=LONG_AGO
    )
    make.make_conference_office(conference=conference, office=table.other)
    table.browser = app.test_client()
    table.browser.let_in(table.guest)
    assert table.minute(conference).status_code == 303
    action = {"subject": "Lay a pipe", "due_on": "2031-06-01"} | chosen("officer", table.guest)
    answer = table.send(conference, "action", **action)
    assert answer.status_code == 422
    assert "You do not see the grievance" in answer.text


@pytest.mark.parametrize("role", list(Role), ids=str)
def test_each_role_calls_as_the_matrix_says(
    role: Role, as_role: Callable[..., Client], table: Table
) -> None:
    table.browser = as_role(role, office=table.office)
    allowed = may(frozenset({role}), JointConference.desk, Verb.CREATE)
    assert table.browser.get(table.path).status_code == (200 if allowed else 403)
    assert table.call().status_code == (303 if allowed else 403)


@pytest.mark.parametrize("number", ["0", "-1", "abc", "1,2", str(2**63), "%00"])
def test_a_number_that_is_none_finds_nothing(number: str, as_role: Callable[..., Client]) -> None:
    browser = as_role(Role.ADMINISTRATOR)
    for path in (f"/admin/conference/{number}", f"/admin/conference/call/{number}"):
        assert browser.get(path).status_code in (400, 404)
        assert browser.send(path).status_code in (400, 404)


def test_a_form_of_nonsense_is_refused_in_words(table: Table) -> None:
    conference = table.met()
    for fields in ({}, {"do": "explode"}, {"do": "minutes", "version": "9" * 50, "came": "x"}):
        answer = table.browser.send(f"/admin/conference/{conference.id}", **fields)
        assert answer.status_code == 422


def test_a_conference_is_read_in_few_statements(table: Table) -> None:
    conference = table.met()
    for _ in range(10):
        make.make_conference_office(conference=conference, officer=make.make_officer())
        make.make_plan_step(
            grievance=table.grievance, conference=conference, officer=make.make_officer()
        )
    table.browser.get(f"/admin/conference/{conference.id}")
    with statements() as sent:
        page = table.browser.get(f"/admin/conference/{conference.id}")
    assert page.status_code == 200
    assert len(sent) <= MOST_STATEMENTS, "\n\n".join(sent)
    assert len(table.session.scalars(select(ConferenceOffice)).all()) == 12

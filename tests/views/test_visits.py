"""A visit through its pages: begun, written down, ended; hidden where it must be; two inspectors at
once; the sample and its proof; photos."""

import io
import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import select, text

from cli.documents import documents_command
from models import (
    ChecklistQuestion,
    Inspection,
    InspectionAnswer,
    InspectionDocument,
    InspectionStratum,
    Office,
    SampledGrievance,
)
from papers import Store
from rules.grievance import GrievanceState
from rules.permissions import Role
from rules.reprimand import Ground
from rules.supervision import InspectionState
from rules.visits import INSPECTION, AnswerKind, VisitAnswer
from tests import factories as make
from tests.conftest import Client
from tests.papers_of import TELLING, all_in, jpeg
from tests.statements import statements
from tests.views.pages import address, forms, record_form, words

MOST_STATEMENTS = 15
JSON = {"Accept": "application/json"}


def today() -> date:
    return datetime.now(ZoneInfo("Europe/London")).date()


class Bureau:
    """A group that supervises an office with closed grievances, an inspector of it, and a visit."""

    def __init__(self, as_role: Callable[..., Client], session: Any, **given: Any) -> None:
        self.session, self.as_role = session, as_role
        self.office: Office = make.make_office(name="Water Office")
        self.group = make.make_supervision_group()
        make.make_supervision_assignment(group=self.group, office=self.office)
        self.browser = self.inspector("Wen Ping")
        self.category = make.make_category(name="Leaks")
        self.template = make.make_checklist_template()
        for place, wording in enumerate(("Is all numbered?", "Is it looked at?"), 1):
            make.make_checklist_question(
                template=self.template,
                position=place,
                wording=wording,
                ground=Ground.LATE if place == 2 else None,
            )
        make.make_checklist_question(
            template=self.template, position=3, wording="In words?", kind=AnswerKind.TEXT
        )
        self.visit: Inspection = make.make_inspection(
            office=self.office,
            group=self.group,
            inspector_id=self.browser.officer_id,
            template=self.template,
            planned_on=today(),
            **{"sample_size": 4} | given,
        )
        session.flush()
        self.path = f"/admin/inspection/{self.visit.id}"
        self.page = f"{self.path}/visit"

    def inspector(self, name: str) -> Client:
        browser = self.as_role(Role.SUPERVISOR, office=make.make_office(), name=name)
        make.make_group_membership(group=self.group, officer_id=browser.officer_id)
        return browser

    def close_some(self, count: int = 12) -> None:
        at = datetime.now(UTC) - timedelta(days=40)
        for n in range(count):
            make.make_grievance(
                title=f"A leak {n}",
                category=self.category if n % 2 else None,
                responsible_office=self.office,
                state=GrievanceState.CLOSED,
                received_at=at,
                due_at=at + timedelta(days=9),
                answered_at=at + timedelta(days=5 + n % 3 * 3),
                closed_at=at + timedelta(days=20),
            )

    def take(self, name: str, **facts: str) -> Any:
        return self.browser.send(f"{self.path}/step/{name}", **facts)

    def begin(self) -> None:
        answer = self.take("begin")
        assert answer.status_code == 303, words(answer)

    def rows(self, model: Any) -> list[Any]:
        self.session.expire_all()
        query = select(model).where(model.inspection_id == self.visit.id).order_by(model.id)
        return list(self.session.scalars(query))

    def save(self, row: Any, by: Client | None = None, **given: Any) -> Any:
        kind = "answer" if isinstance(row, InspectionAnswer) else "sampled"
        fields = {"version": str(row.version_id), "answer": "", "note": ""} | given
        browser = by or self.browser
        data = {"csrf_token": browser.token()} | fields
        return browser.post(f"{self.path}/{kind}/{row.id}", data=data, headers=JSON)

    def serving(self, *roles: Role) -> Client:
        return self.as_role(*roles, office=self.office)


@pytest.fixture
def bureau(as_role: Callable[..., Client], session: Any) -> Bureau:
    return Bureau(as_role, session)


# --- Steps -----------------------------------------------------------------------------------


def test_a_visit_from_its_beginning_to_its_end(bureau: Bureau) -> None:
    bureau.close_some()
    bureau.begin()
    asked = bureau.rows(InspectionAnswer)
    assert [one.wording for one in asked] == ["Is all numbered?", "Is it looked at?", "In words?"]
    assert len(bureau.rows(SampledGrievance)) == 4
    page = bureau.browser.get(f"{bureau.path}/visit")
    assert "Is it looked at?" in words(page)
    assert "Leaks · answered late" in words(page) or "Leaks · answered in time" in words(page)
    finding = "/admin/finding/new/?inspection_id="
    assert page.text.count(finding) == 7
    assert bureau.save(asked[0], answer="yes", note="All twenty").status_code == 200
    empty = bureau.take("finish", summary=" ")
    assert empty.status_code == 422
    done = bureau.take("finish", summary="The book and twelve files.")
    assert done.status_code == 303
    bureau.session.expire_all()
    visit = bureau.visit
    assert (visit.state, visit.done_on) == (InspectionState.DONE, today())
    late = bureau.save(bureau.rows(InspectionAnswer)[0], answer="no")
    assert late.status_code == 422
    assert "not under way" in late.json["error"]


def test_a_finding_takes_over_what_was_seen(bureau: Bureau) -> None:
    bureau.close_some()
    bureau.begin()
    asked, drawn = bureau.rows(InspectionAnswer)[1], bureau.rows(SampledGrievance)[0]
    assert bureau.save(asked, answer="no", note="Last ticked on 9 January").status_code == 200
    assert bureau.save(drawn, answer="not_remedied", note="Still leaks").status_code == 200
    links = re.findall(r'href="(/admin/finding/new/[^"]+)"', bureau.browser.get(bureau.page).text)
    of_answer = next(one for one in links if f"answer_id={asked.id}" in one)
    form = record_form(bureau.browser.get(of_answer.replace("&amp;", "&")))
    assert form["subject"] == ["Is it looked at?"]
    assert form["facts"] == ["Last ticked on 9 January"]
    assert form["ground"] == [Ground.LATE.value]
    assert form["office-id"] == [str(bureau.office.id)]
    assert form["inspection-id"] == [str(bureau.visit.id)]
    of_sample = next(one for one in links if f"sampled_id={drawn.id}" in one)
    form = record_form(bureau.browser.get(of_sample.replace("&amp;", "&")))
    assert form["facts"] == ["Still leaks"]
    assert form["grievance-id"] == [str(drawn.grievance_id)]


def test_what_was_asked_stays_when_the_list_changes(bureau: Bureau) -> None:
    bureau.begin()
    for question in bureau.session.scalars(select(ChecklistQuestion)):
        question.wording = "Something else?"
    bureau.session.flush()
    assert "Is all numbered?" in words(bureau.browser.get(f"{bureau.path}/visit"))


@pytest.mark.parametrize("state", InspectionState)
@pytest.mark.parametrize("name", INSPECTION.steps)
def test_each_step_over_http_is_taken_from_where_it_may_by_whom_it_may(
    bureau: Bureau, name: str, state: InspectionState
) -> None:
    """Every (state, step) pair as each role: as supervisor of the group, in the other roles of
    another office."""
    told: dict[InspectionState, dict[str, Any]] = {
        InspectionState.PLANNED: {},
        InspectionState.UNDER_WAY: {"begun_at": datetime.now(UTC)},
        InspectionState.DONE: {"done_on": today()},
        InspectionState.CANCELLED: {"cancelled_because": "Ill"},
    }
    for key, value in ({"state": state} | told[state]).items():
        setattr(bureau.visit, key, value)
    bureau.session.flush()
    facts = {"summary": "Seen", "cancelled_because": "Storm"}
    path = f"{bureau.path}/step/{name}"
    for role in Role:
        if role is not Role.SUPERVISOR:
            assert bureau.as_role(role).send(path, **facts).status_code == 403, role
    step, possible = INSPECTION.steps[name], state in INSPECTION.steps[name].sources
    assert bureau.browser.get(path).status_code == (200 if possible else 409)
    assert bureau.browser.send(path, **facts).status_code == (303 if possible else 409)
    bureau.session.expire_all()
    assert bureau.visit.state == (step.target if possible else state)


def test_a_visit_is_not_begun_before_its_day_nor_by_who_is_not_of_the_group(
    bureau: Bureau,
) -> None:
    bureau.visit.planned_on = today() + timedelta(days=1)
    bureau.session.flush()
    early = bureau.take("begin")
    assert early.status_code == 409
    assert "is planned for" in words(early)
    stranger = bureau.as_role(Role.SUPERVISOR, office=make.make_office())
    other = make.make_supervision_group()
    make.make_group_membership(group=other, officer_id=stranger.officer_id)
    child = make.make_office(parent=bureau.office)
    make.make_supervision_assignment(group=other, office=child)
    assert stranger.send(f"{bureau.path}/step/begin").status_code == 404


# --- Who inspects ----------------------------------------------------------------------------


def planned(bureau: Bureau, inspector: Any, **given: str) -> Any:
    fields = {
        "group": bureau.group.name,
        "group-id": str(bureau.group.id),
        "office": bureau.office.name,
        "office-id": str(bureau.office.id),
        "inspector": inspector.name,
        "inspector-id": str(inspector.id),
        "subject": "The new counter",
        "planned_on": today().isoformat(),
        "sample_size": "5",
    } | given
    return bureau.browser.send(address(Inspection, "new"), **fields)


def test_whoever_is_put_in_charge_is_of_the_group_and_impartial(bureau: Bureau) -> None:
    stranger = make.make_officer(name="Lee Stranger", roles=[Role.SUPERVISOR])
    refused = planned(bureau, stranger)
    assert refused.status_code == 422
    assert "Lee Stranger does not belong to this group" in words(refused)
    friend = make.make_officer(name="Kim Friend", roles=[Role.SUPERVISOR])
    make.make_group_membership(
        group=bureau.group, officer=friend, starts_on=today() - timedelta(days=9)
    )
    assert planned(bureau, friend).status_code == 302
    make.make_recusal(office=bureau.office, officer=friend, starts_on=today() - timedelta(days=3))
    refused = planned(bureau, friend)
    assert refused.status_code == 422
    assert "Kim Friend" in words(refused)
    assert "Water Office" in words(refused)


def test_who_stands_aside_from_the_office_neither_begins_nor_writes(bureau: Bureau) -> None:
    bureau.begin()
    row = bureau.rows(InspectionAnswer)[0]
    make.make_recusal(
        office=bureau.office,
        officer_id=bureau.browser.officer_id,
        starts_on=today() - timedelta(days=1),
    )
    assert bureau.save(row, answer="yes").status_code == 403
    assert bureau.browser.send(f"{bureau.path}/visit").status_code == 403
    page = bureau.browser.get(f"{bureau.path}/visit")
    assert page.status_code == 200
    assert "data-save=" not in page.text


def test_what_has_begun_is_not_moved_by_a_form(bureau: Bureau) -> None:
    bureau.begin()
    edit = address(Inspection, "edit", id=bureau.visit.id)
    fields = {
        key: values[0]
        for form in forms(bureau.browser.get(edit))
        if "record-form" in form["attributes"].get("class", "")
        for key, values in form["fields"].items()
    }
    moved = bureau.browser.post(edit, data=fields | {"sample_size": "9"})
    assert moved.status_code == 422
    assert "stays as it is" in words(moved)
    assert bureau.browser.post(edit, data=fields | {"subject": "Said better"}).status_code == 302


# --- Hidden and told -------------------------------------------------------------------------


@pytest.mark.parametrize("role", [Role.HANDLER, Role.OFFICE_HEAD, Role.SUPERVISOR, Role.DECIDER])
def test_a_visit_without_notice_is_nowhere_until_it_begins(
    as_role: Callable[..., Client], session: Any, role: Role
) -> None:
    bureau = Bureau(as_role, session, is_unannounced=True, subject="Zinnia at dawn")
    served = bureau.serving(role)
    hidden = (
        address(Inspection),
        f"{address(Inspection)}?search=Zinnia",
        "/search?q=Zinnia",
        "/admin/",
        f"{address(Inspection)}?flt0_state_equals=planned",
    )
    for path in hidden:
        page = served.get(path, follow_redirects=True)
        assert page.status_code == 200, path
        assert "Zinnia at dawn" not in page.text, path
        assert address(Inspection, "details", id=bureau.visit.id) not in page.text
    for path in ("visit", "step/begin", "sample", "sample.json"):
        assert served.get(f"{bureau.path}/{path}").status_code in (403, 404)
    details = address(Inspection, "details", id=bureau.visit.id)
    assert served.get(details).status_code == 404
    lookup = "/admin/finding/ajax/lookup/?name=inspection&query=Zinnia"
    if role is not Role.HANDLER:
        assert "Zinnia" not in served.get(lookup).text
    assert "Zinnia at dawn" in bureau.browser.get(address(Inspection)).text
    bureau.begin()
    assert "Zinnia at dawn" in served.get(address(Inspection)).text
    assert served.get(f"{bureau.path}/visit").status_code == 200


def test_an_announced_visit_is_seen_and_what_is_written_there_only_at_its_end(
    bureau: Bureau,
) -> None:
    bureau.close_some()
    head = bureau.serving(Role.OFFICE_HEAD)
    assert head.get(f"{bureau.path}/visit").status_code == 200
    bureau.begin()
    row = bureau.rows(InspectionAnswer)[0]
    assert bureau.save(row, answer="no", note="Two letters lay there").status_code == 200
    parts = [address(InspectionAnswer), address(SampledGrievance), f"{bureau.path}/visit"]
    for path in parts:
        page = head.get(path)
        assert page.status_code == 200
        assert "Is all numbered?" not in page.text
        assert "A leak" not in page.text
    assert head.get(f"{bureau.path}/sample").status_code == 404
    assert bureau.take("finish", summary="Seen.").status_code == 303
    page = words(head.get(f"{bureau.path}/visit"))
    assert "Two letters lay there" in page
    assert "A leak" in page
    assert head.get(f"{bureau.path}/sample").status_code == 200
    assert bureau.save(row, by=head, answer="yes").status_code == 403


# --- What is written there -------------------------------------------------------------------


def test_each_answer_is_saved_by_itself(bureau: Bureau) -> None:
    bureau.close_some()
    bureau.begin()
    first, second, _in_words = bureau.rows(InspectionAnswer)
    told = bureau.save(first, answer="partly", note=" Eighteen of twenty\r\n ").json
    assert (told["answer"], told["words"]) == ("partly", "Partly")
    assert told["note"] == "Eighteen of twenty"
    assert told["by"].startswith("Wen Ping, ")
    assert told["version"] == first.version_id + 1
    [kept, other, _] = bureau.rows(InspectionAnswer)
    assert (kept.answer, kept.note) == (VisitAnswer.PARTLY, "Eighteen of twenty")
    assert other.answer is None
    drawn = bureau.rows(SampledGrievance)[0]
    assert bureau.save(drawn, answer="not_remedied").status_code == 200
    for wrong in ({"answer": "perhaps"}, {"note": "x" * 10_001}, {"answer": "remedied"}):
        refused = bureau.save(second, **wrong)
        assert refused.status_code == 422
        assert refused.json["error"]
    cleared = bureau.save(bureau.rows(InspectionAnswer)[0])
    assert (cleared.json["answer"], cleared.json["by"]) == ("", "")


def test_nothing_goes_over_what_a_colleague_wrote_meanwhile(bureau: Bureau) -> None:
    bureau.begin()
    colleague = bureau.inspector("Lin Mei")
    row = bureau.rows(InspectionAnswer)[0]
    seen = str(row.version_id)
    assert bureau.save(row, by=colleague, answer="no", note="Two lay there").status_code == 200
    refused = bureau.save(row, version=seen, answer="yes", note="All there")
    assert refused.status_code == 409
    told = refused.json
    assert (told["words"], told["note"]) == ("No", "Two lay there")
    assert told["by"].startswith("Lin Mei, ")
    assert bureau.rows(InspectionAnswer)[0].note == "Two lay there"
    both = bureau.save(row, version=str(told["version"]), answer="yes", note="All there")
    assert both.status_code == 200


def test_what_is_sent_twice_because_nobody_knew_changes_nothing(bureau: Bureau) -> None:
    bureau.begin()
    row = bureau.rows(InspectionAnswer)[0]
    seen = str(row.version_id)
    first = bureau.save(row, version=seen, answer="yes", note="All there")
    again = bureau.save(row, version=seen, answer="yes", note="All there")
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json == first.json


def test_an_answer_of_another_visit_is_not_reached_through_this_one(bureau: Bureau) -> None:
    bureau.begin()
    other = make.make_inspection_answer()
    assert bureau.save(other, answer="yes").status_code == 404
    row = bureau.rows(InspectionAnswer)[0]
    for number in ("0", "1,2", "9" * 30, "x"):
        data = {"csrf_token": bureau.browser.token()}
        path = f"{bureau.path}/answer/{number}"
        assert bureau.browser.post(path, data=data, headers=JSON).status_code == 404
    assert bureau.save(row, version="9" * 40, answer="yes").status_code == 409


@pytest.mark.parametrize(
    "odd", ["\0", "\ud800", "9" * 400, "-1", "1.5", "٣", "'; --", "\u202e" * 9]
)
def test_what_nobody_should_send_is_answered_in_words(bureau: Bureau, odd: str) -> None:
    bureau.begin()
    row = bureau.rows(InspectionAnswer)[0]
    sent = odd.encode("utf-8", "surrogatepass")
    token = bureau.browser.token()

    def send(path: str, **fields: Any) -> int:
        body = "&".join(f"{key}={quote(value)}" for key, value in fields.items())
        kind = "application/x-www-form-urlencoded"
        data = f"csrf_token={token}&{body}"
        return bureau.browser.post(path, data=data, content_type=kind).status_code

    for field in ("version", "answer", "note"):
        fields = {"version": b"1", "answer": b"yes", "note": b"x"} | {field: sent}
        assert send(f"{bureau.path}/answer/{row.id}", **fields) < 500
    for field in ("stamp", "answer", "note"):
        keys = {f"stamp-a{row.id}": b"1.x", f"answer-a{row.id}": b"no", f"note-a{row.id}": b"y"}
        assert send(bureau.page, **keys | {f"{field}-a{row.id}": sent}) < 500
    for name in ("finish", "cancel"):
        words_sent = {"summary": sent, "cancelled_because": sent}
        assert send(f"{bureau.path}/step/{name}", **words_sent) < 500
        bureau.visit.state, bureau.visit.done_on = InspectionState.UNDER_WAY, None
        bureau.visit.cancelled_because = None
        bureau.session.flush()
    for path in (f"/admin/inspection/{quote(sent)}/visit", f"{bureau.path}/step/{quote(sent)}"):
        assert bureau.browser.get(path).status_code in (400, 404)


def test_without_script_one_form_saves_what_was_touched_and_shows_both(bureau: Bureau) -> None:
    bureau.begin()
    opened = next(
        form["fields"]
        for form in forms(bureau.browser.get(f"{bureau.path}/visit"))
        if form["attributes"].get("id") == "visit"
    )
    fields = {key: values[0] for key, values in opened.items()}
    first, second, third = bureau.rows(InspectionAnswer)
    colleague = bureau.inspector("Lin Mei")
    for row, answer in ((second, "no"), (third, "")):
        note = f"Theirs of {row.position}"
        assert bureau.save(row, by=colleague, answer=answer, note=note).status_code == 200
    typed = {
        f"answer-a{first.id}": "yes",
        f"note-a{first.id}": "Mine of 1\r\nand more",
        f"answer-a{second.id}": "partly",
        f"note-a{second.id}": "Mine of 2",
    }
    page = bureau.browser.post(f"{bureau.path}/visit", data=fields | typed)
    assert page.status_code == 409
    first, second, third = bureau.rows(InspectionAnswer)
    assert first.note == "Mine of 1\nand more"  # saved
    assert second.note == "Theirs of 2"  # theirs stands
    assert third.note == "Theirs of 3"  # not touched here
    assert "Theirs of 2" in words(page)
    again = next(f["fields"] for f in forms(page) if f["attributes"].get("id") == "visit")
    assert again[f"note-a{second.id}"] == ["Mine of 2"]
    assert again[f"answer-a{second.id}"] == ["partly"]
    saved = bureau.browser.post(f"{bureau.path}/visit", data={k: v[0] for k, v in again.items()})
    assert saved.status_code == 303
    assert bureau.rows(InspectionAnswer)[1].note == "Mine of 2"


def test_the_page_of_a_visit_costs_few_statements(bureau: Bureau) -> None:
    bureau.close_some(40)
    bureau.visit.sample_size = 30
    bureau.session.flush()
    bureau.begin()
    for row in bureau.rows(SampledGrievance)[:20]:
        assert bureau.save(row, answer="remedied").status_code == 200
    for path in ("visit", "sample"):
        bureau.session.expire_all()
        with statements() as sent:
            assert bureau.browser.get(f"{bureau.path}/{path}").status_code == 200
        assert len(sent) <= MOST_STATEMENTS, "\n".join(sent)


# --- The sample ------------------------------------------------------------------------------


def test_the_sample_is_drawn_from_the_closed_grievances_of_the_office_and_below(
    bureau: Bureau,
) -> None:
    bureau.close_some(6)
    below = make.make_office(parent=bureau.office)
    at = datetime.now(UTC) - timedelta(days=30)
    closed = {"state": GrievanceState.CLOSED, "received_at": at, "closed_at": at}
    inside = make.make_grievance(responsible_office=below, **closed)
    outside = make.make_grievance(responsible_office=make.make_office(), **closed)
    old = at - timedelta(days=800)
    long_ago = make.make_grievance(
        responsible_office=bureau.office, **closed | {"received_at": old, "closed_at": old}
    )
    is_open = make.make_grievance(responsible_office=bureau.office)
    bureau.visit.sample_size = 100
    bureau.session.flush()
    bureau.begin()
    drawn = {one.grievance_id for one in bureau.rows(SampledGrievance)}
    assert len(drawn) == 7
    assert inside.id in drawn
    assert not drawn & {outside.id, long_ago.id, is_open.id}
    strata = bureau.rows(InspectionStratum)
    assert sum(one.size for one in strata) == 7
    assert {one.was_in_time for one in strata} == {True, False, None}


def test_the_sample_is_drawn_again_and_what_was_changed_shows(bureau: Bureau) -> None:
    bureau.close_some()
    bureau.begin()
    page = words(bureau.browser.get(f"{bureau.path}/sample"))
    assert "drawn again: the same" in page
    assert "4 of 12 closed grievances" in page
    told = json.loads(bureau.browser.get(f"{bureau.path}/sample.json").text)
    drawn = bureau.rows(SampledGrievance)
    assert told["sample"] == [one.grievance_id for one in drawn]
    assert len(told["seed"]) == 32
    assert sum(len(one["grievances"]) for one in told["strata"]) == 12
    left = set(told["sample"])
    easy = next(n for one in told["strata"] for n in one["grievances"] if n not in left)
    bureau.session.execute(
        text("UPDATE sampled_grievance SET grievance_id = :easy WHERE id = :one"),
        {"easy": easy, "one": drawn[0].id},
    )
    bureau.session.expire_all()
    assert "drawn again: not the same" in words(bureau.browser.get(f"{bureau.path}/sample"))


def test_two_visits_draw_from_seeds_of_their_own(bureau: Bureau) -> None:
    bureau.close_some()
    bureau.begin()
    first = bureau.visit.sample_seed
    again = make.make_inspection(
        office=bureau.office,
        group=bureau.group,
        inspector_id=bureau.browser.officer_id,
        planned_on=today(),
    )
    assert bureau.browser.send(f"/admin/inspection/{again.id}/step/begin").status_code == 303
    bureau.session.expire_all()
    assert again.sample_seed not in (None, first)


def test_an_office_without_closed_grievances_is_visited_without_a_sample(bureau: Bureau) -> None:
    bureau.begin()
    assert bureau.rows(SampledGrievance) == []
    assert bureau.browser.get(f"{bureau.path}/visit").status_code == 200
    assert bureau.browser.get(f"{bureau.path}/sample").status_code == 404


# --- Photos ----------------------------------------------------------------------------------


def upload(bureau: Bureau, *files: tuple[bytes, str], by: Client | None = None) -> Any:
    browser = by or bureau.browser
    data: dict[str, Any] = {"csrf_token": browser.token()}
    data["file"] = [(io.BytesIO(content), name) for content, name in files]
    return browser.post(f"{bureau.path}/documents", data=data, content_type="multipart/form-data")


def test_photos_are_cleaned_and_kept_and_read_by_the_office_at_the_end(
    bureau: Bureau, app: Flask
) -> None:
    bureau.begin()
    head = bureau.serving(Role.OFFICE_HEAD)
    answer = upload(bureau, (jpeg(), "tray.jpg"), (b"MZ\0\1", "run.exe"))
    assert answer.status_code == 422
    assert "run.exe" in words(answer)
    [photo] = bureau.rows(InspectionDocument)
    assert (photo.name, photo.media_type) == ("tray", "image/jpeg")
    path = f"/admin/inspection/paper/{photo.id}/file"
    got = bureau.browser.get(path)
    assert got.headers["Content-Disposition"].startswith("attachment; filename=")
    assert TELLING.encode() not in all_in(got.data)
    assert Store.of(app.config).read(photo.stored_name, photo.sha256) == got.data
    assert head.get(path).status_code == 404
    assert upload(bureau, (jpeg(), "mine.jpg"), by=head).status_code == 403
    assert upload(bureau).status_code == 422
    assert bureau.take("finish", summary="Seen.").status_code == 303
    assert head.get(path).status_code == 200
    assert upload(bureau, (jpeg(), "late.jpg")).status_code == 409
    said = app.test_cli_runner().invoke(documents_command)
    assert said.exit_code == 0, said.output
    assert "1 files whole" in said.output
    Store.of(app.config).drop(photo.stored_name)
    said = app.test_cli_runner().invoke(documents_command)
    assert f"inspection_document {photo.id}" in said.output
    gone = bureau.browser.get(path)
    assert gone.status_code == 404
    assert "backup" in words(gone)

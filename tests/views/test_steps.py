"""The steps of a grievance through HTTP: every step as every role, what the forms ask and say, and
what complainants say of how they were treated."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text

import tests.factories as make
from access import sign_ticket
from models import (
    Decision,
    Feedback,
    Grievance,
    GrievanceLink,
    Officer,
    PlanStep,
    Remedy,
    RetaliationReport,
    RoutingObjection,
)
from rules.casework import GRIEVANCE
from rules.grievance import (
    DecisionState,
    GrievanceState,
    LinkKind,
    RemedyState,
    ReportState,
    RequestState,
)
from rules.permissions import Role
from tests.conftest import Client
from tests.factories import SECRET
from tests.statements import statements
from tests.test_casework import NOW, World
from tests.test_casework import w as world_of_casework

__all__ = ["world_of_casework"]  # the fixture

S = GrievanceState
TODAY = datetime.now(UTC).date()
SOON = (TODAY + timedelta(days=9)).isoformat()
Browser = Callable[[Officer], Client]


class WorldOfToday(World):
    """The same, for what asks the real clock. What was given keeps its day, so it is given it."""

    def decision(self, one: Grievance) -> Decision:
        return make.make_decision(
            grievance=one,
            drafted_by=self.people["handler"],
            state=DecisionState.GIVEN,
            given_on=TODAY - timedelta(days=11),
            decided_by=self.people["decider"],
            told_on=TODAY - timedelta(days=11),
            review_until_on=TODAY + timedelta(days=17),
        )


@pytest.fixture
def w(world_of_casework: World) -> World:
    return WorldOfToday(**vars(world_of_casework))


@pytest.fixture
def browser(app: Flask) -> Browser:
    """`browser(officer)`: one in which the officer is logged in."""

    def log_in(officer: Officer) -> Client:
        client = app.test_client()
        client.let_in(officer)
        return client

    return log_in


def address(one: Grievance, step: str) -> str:
    return f"/admin/grievance/{one.id}/step/{step}"


def typed(world: World, step: str, one: Grievance) -> dict[str, str]:
    """Return what somebody types into the form of `step`."""
    facts = world.facts(step, one)

    def named(record: Any) -> str:
        return str(record) if record is not None else ""

    fields: dict[str, str] = {}
    for name, value in facts.items():
        if name == "plan_steps":
            fields |= {"plan_subject_1": "Dig", "plan_day_1": SOON}
        elif name in ("decision", "remedy"):
            fields[name] = str(value.id) if value is not None else ""
        elif name == "due_on":
            fields[name] = SOON
        elif isinstance(value, str):
            fields[name] = value
        else:
            fields |= {name: named(value), f"{name}-id": str(value.id)}
    moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M")
    given = {"acknowledged_at": moment, "withdrawn_at": moment} | dict.fromkeys(
        ("filed_on", "done_on", "verified_on"), TODAY.isoformat()
    )
    return fields | {n: v for n, v in given.items() if n in GRIEVANCE.steps[step].needs}


def first_state(step: str) -> S:
    return min(GRIEVANCE.steps[step].sources, key=list(S).index)


def ready(world: World, session: Any, step: str) -> Grievance:
    """Return a grievance with which `step` can be taken now."""
    one = world.grievance(first_state(step))
    world.make_ready(one, step)
    for remedy in one.remedies:
        remedy.promised_on = TODAY - timedelta(days=5)
        remedy.done_on = remedy.done_on and TODAY
    for decision in one.decisions:
        if decision.state is DecisionState.PROPOSED:
            decision.follows, decision.how_to_appeal = "A new pipe.", "At the bureau."
        for appeal in decision.appeals:
            appeal.filed_on = TODAY
    session.flush()
    return one


def place(there: Client, one: Grievance, step: str) -> str:
    """Return the address where `step` is taken: an answer on the page of its decision, where it
    is read first."""
    if step != "answer":
        return address(one, step)
    answer = there.get(address(one, step))
    assert (answer.status_code, answer.location) == (303, f"/admin/decision/{one.decisions[0].id}")
    return str(answer.location)


@pytest.mark.parametrize("step", GRIEVANCE.steps)
def test_every_step_as_every_role(w: World, session: Any, browser: Browser, step: str) -> None:
    one = ready(w, session, step)
    fields = typed(w, step, one)
    fields = {k: v.value if hasattr(v, "value") else v for k, v in fields.items()}
    for officer in w.people.values():
        if GRIEVANCE.steps[step].roles & set(officer.roles):
            continue
        there = browser(officer)
        for answer in (there.get(address(one, step)), there.send(address(one, step), **fields)):
            assert answer.status_code == 403, (officer.roles, answer.status_code)
    session.expire_all()
    assert one.state is first_state(step)
    there = browser(w.who(step))
    at = place(there, one, step)
    page = there.get(at)
    assert page.status_code == 200, page.text
    if step == "answer":
        (decision,) = one.decisions
        at, fields = f"{at}/approve", {"version": f"{decision.id}.{decision.version_id}"}
    answer = there.send(at, **fields)
    assert answer.status_code == 303, answer.text
    session.expire_all()
    assert (
        one.state.value in {target for (state, name), target in _expected().items() if name == step}
        or GRIEVANCE.steps[step].target == "back"
    )
    assert there.get(address(one, step)).status_code in (200, 403, 404, 409)


def _expected() -> dict[tuple[str, str], str]:
    return {
        (state.value, step.name): str(step.target)
        for step in GRIEVANCE.steps.values()
        for state in step.sources
    }


# --- The forms -------------------------------------------------------------------------------


def test_a_step_of_another_state_says_so_and_keeps_what_was_typed(
    w: World, session: Any, browser: Browser
) -> None:
    one = w.grievance(S.ROUTED)
    there = browser(w.people["intake"])
    page = there.get(address(one, "route"))
    assert page.status_code == 409
    assert "This step is not possible now: Route to an office. Its state is: Routed." in page.text
    page = there.send(address(one, "route"), reason="It is a pipe.")
    assert page.status_code == 409
    assert "It is a pipe." in page.text
    assert there.get(address(one, "dance")).status_code == 404
    assert there.get("/admin/grievance/1,2/step/route").status_code == 404


def test_a_refusal_stands_beside_its_field_and_nothing_typed_is_lost(
    w: World, session: Any, browser: Browser
) -> None:
    closed = make.make_office(name="Closed works", closed_on=NOW.date() - timedelta(days=900))
    one = w.grievance(S.ACKNOWLEDGED)
    there = browser(w.people["intake"])
    fields = {"responsible_office": str(closed), "reason": "It is a pipe."}
    page = there.send(address(one, "route"), **fields)
    assert page.status_code == 422
    assert "This office is closed. Choose the one that took its work." in page.text
    assert "It is a pipe." in page.text
    page = there.send(address(one, "route"), responsible_office="", reason=" ")
    assert page.status_code == 422
    assert page.text.count("Please fill this in.") >= 2
    session.expire_all()
    assert one.state is S.ACKNOWLEDGED


def test_a_plan_is_typed_in_rows(w: World, session: Any, browser: Browser) -> None:
    one = w.grievance(S.ACCEPTED)
    there = browser(w.people["handler"])
    leader = {"lead_official": str(w.people["leader"])}
    page = there.send(address(one, "plan"), **leader)
    assert "A plan has one step at least, with a day." in page.text
    page = there.send(address(one, "plan"), plan_subject_2="Dig", **leader)
    assert "Say by when." in page.text
    page = there.send(address(one, "plan"), plan_day_2=SOON, **leader)
    assert "Say what is to be done." in page.text
    page = there.send(address(one, "plan"), plan_subject_2="Dig", plan_day_2=SOON, **leader)
    assert page.status_code == 303, page.text
    (step,) = session.scalars(select(PlanStep).where(PlanStep.grievance_id == one.id))
    assert step.due_on.isoformat() == SOON


def test_whoever_is_not_impartial_reads_why(w: World, session: Any, browser: Browser) -> None:
    one = w.grievance(S.ROUTED, kind="conduct")
    page = browser(w.people["handler"]).get(address(one, "accept"))
    assert page.status_code == 409
    assert "You serve the office complained about" in page.text


def test_offices_are_suggested_by_category_and_area_with_reasons(
    w: World, session: Any, browser: Browser
) -> None:
    mill = make.make_area(name="Mill quarter")
    pipes = make.make_office(name="Pipes of the mill", parent=w.water, area=mill)
    wide = make.make_category(name="Water", office=w.water)
    one = w.grievance(
        S.ACKNOWLEDGED, category=make.make_category(name="Leaks", parent=wide), area=mill
    )
    there = browser(w.people["intake"])
    page = there.get(address(one, "route"))
    for words in (
        "Pipes of the mill",
        "which answers for “Water”.",
        "It serves the area “Mill quarter”.",
        "It answers for the wider category “Water”.",
    ):
        assert words in page.text, words
    assert page.text.index("Pipes of the mill") < page.text.index("the wider category")
    button = f'form="step" name="take_office" value="{pipes.id}"'
    assert button in page.text
    typed_already = {"reason": "It leaks at the mill.", "responsible_office": "No such office"}
    chosen = there.send(address(one, "route"), take_office=str(pipes.id), **typed_already)
    assert chosen.status_code == 200
    assert f'value="{pipes}"' in chosen.text
    assert "It leaks at the mill." in chosen.text
    assert "Not saved yet" not in chosen.text
    for bad in ("abc", "1,2", "99999999999999999999", "0", ""):
        page = there.send(address(one, "route"), take_office=bad, **typed_already)
        assert page.status_code == 200
        assert "It leaks at the mill." in page.text
    session.expire_all()
    assert one.state is S.ACKNOWLEDGED


@pytest.mark.parametrize("field", ["reason", "responsible_office", "responsible_office-id"])
@pytest.mark.parametrize("value", ["\ud800", "9" * 400, "%s%d{}", "<script>"])
def test_bad_input_is_answered_with_words(
    w: World, session: Any, browser: Browser, field: str, value: str
) -> None:
    one = w.grievance(S.ACKNOWLEDGED)
    there = browser(w.people["intake"])
    fields = {"responsible_office": str(w.water), "reason": "It is a pipe."}
    data = fields | {field: value.encode("utf-8", "surrogatepass")}
    assert there.send(address(one, "route"), **data).status_code in (303, 400, 422)


@pytest.mark.parametrize("step", GRIEVANCE.steps)
def test_a_step_asks_for_little(w: World, session: Any, browser: Browser, step: str) -> None:
    one = ready(w, session, step)
    there = browser(w.who(step))
    there.get("/admin/")
    at = place(there, one, step)
    with statements() as sent:
        assert there.get(at).status_code == 200
    assert len(sent) <= 18, "\n".join(sent)


# --- No second way around --------------------------------------------------------------------


def test_an_answer_is_given_on_the_page_of_its_decision_alone(
    w: World, session: Any, browser: Browser
) -> None:
    """There it is read first, and the day until which a review is asked for is set."""
    one = ready(w, session, "answer")
    (decision,) = one.decisions
    there = browser(w.people["head"])
    answer = there.send(address(one, "answer"), decision=str(decision.id))
    assert (answer.status_code, answer.location) == (303, f"/admin/decision/{decision.id}")
    session.expire_all()
    assert (one.state, decision.state) == (first_state("answer"), DecisionState.PROPOSED)
    version = f"{decision.id}.{decision.version_id}"
    assert there.send(f"{answer.location}/approve", version=version).status_code == 303
    session.expire_all()
    assert (one.state, decision.state) == (S.ANSWERED, DecisionState.GIVEN)
    assert decision.review_until_on is not None


def test_no_form_moves_the_office_of_a_grievance_that_is_routed(
    w: World, session: Any, browser: Browser
) -> None:
    one = w.grievance(S.ROUTED)
    there = browser(w.people["intake"])
    page = there.get(f"/admin/grievance/edit/?id={one.id}")
    version = page.text.partition('name="version" value="')[2].partition('"')[0]
    answer = there.send(
        f"/admin/grievance/edit/?id={one.id}",
        version=version,
        title=one.title,
        kind="service",
        channel="counter",
        received_at="2026-11-03T10:00",
        responsible_office=str(w.roads),
    )
    assert answer.status_code == 422
    assert "is changed by a step" in answer.text
    session.expire_all()
    assert one.responsible_office_id == w.water.id
    assert 'name="answer"' not in page.text


@pytest.mark.parametrize("kind", ["routing-objection", "appeal"])
def test_what_a_step_makes_no_form_makes(kind: str, as_role: Callable[..., Client]) -> None:
    there = as_role(*Role)
    assert there.get(f"/admin/{kind}/").status_code == 200
    assert there.get(f"/admin/{kind}/new/").status_code == 403


def test_a_duplicate_is_made_by_merging_alone(w: World, session: Any, browser: Browser) -> None:
    first, second = w.grievance(S.ROUTED), w.grievance(S.ROUTED)
    there = browser(w.people["intake"])
    fields = {
        "grievance": str(first),
        "other_grievance": str(second),
        "subject": "The pipe",
    }
    answer = there.send("/admin/grievance-link/new/", kind=LinkKind.DUPLICATE.value, **fields)
    assert answer.status_code == 422
    assert "Merge" in answer.text
    answer = there.send("/admin/grievance-link/new/", kind=LinkKind.SAME_SUBJECT.value, **fields)
    assert answer.status_code == 302, answer.text
    assert session.scalars(
        select(GrievanceLink).where(GrievanceLink.grievance_id == first.id)
    ).one()


# --- Rating and retaliation ------------------------------------------------------------------


def test_the_handling_of_a_closed_grievance_is_rated(
    w: World, session: Any, browser: Browser
) -> None:
    one = w.grievance(S.CLOSED)
    path = f"/admin/grievance/{one.id}/feedback"
    for name in ("head", "handler", "decider", "auditor", "administrator"):
        assert browser(w.people[name]).get(path).status_code == 403
    there = browser(w.people["intake"])
    assert there.get(path).status_code == 200
    page = there.send(path, rating="", comment="Slow.")
    assert page.status_code == 422
    assert "A rating is from 1 to 5." in page.text
    assert "Slow." in page.text
    assert there.send(path, rating="6").status_code == 422
    assert there.send(path, rating="4", is_put_right="1", comment="Slow.").status_code == 303
    given = session.scalars(select(Feedback).where(Feedback.grievance_id == one.id)).one()
    assert (given.rating, given.is_put_right, given.comment) == (4, True, "Slow.")
    waiting = w.grievance(S.ROUTED)
    page = there.send(f"/admin/grievance/{waiting.id}/feedback", rating="4")
    assert "A grievance is rated once it is closed." in page.text


def test_a_report_of_retaliation_is_seen_by_deciders_outside_and_auditors_only(
    w: World, session: Any, browser: Browser
) -> None:
    one = w.grievance(S.ROUTED)
    path = f"/admin/grievance/{one.id}/retaliation"
    for name in ("head", "handler", "leader", "supervisor", "auditor", "administrator"):
        assert browser(w.people[name]).get(path).status_code == 403
    there = browser(w.people["intake"])
    assert there.get(path).status_code == 200
    fields = {"office": str(w.water), "subject": "Zinnia", "account": "Cut off."}
    assert there.send(path, **(fields | {"account": ""})).status_code == 422
    assert there.send(path, **fields).status_code == 303
    session.expire_all()
    report = session.scalars(select(RetaliationReport)).one()
    inside = make.make_officer(office=w.water, roles=[Role.DECIDER])
    below = make.make_officer(office=make.make_office(parent=w.water), roles=[Role.DECIDER])
    shown = f"/admin/retaliation-report/details/?id={report.id}"
    listed = "/admin/retaliation-report/"
    for officer in (w.people["decider"], w.people["auditor"]):
        assert "Zinnia" in browser(officer).get(listed).text
        assert browser(officer).get(shown).status_code == 200
    for officer in (inside, below):
        assert "Zinnia" not in browser(officer).get(listed).text
        assert browser(officer).get(shown).status_code == 404
    for name in ("intake", "head", "handler", "leader", "supervisor", "administrator"):
        assert browser(w.people[name]).get(listed).status_code == 403
        assert browser(w.people[name]).get(shown).status_code in (403, 404)
    decide = f"/admin/grievance/retaliation/{report.id}"
    assert browser(inside).get(decide).status_code == 404
    outside = browser(w.people["decider"])
    assert outside.get(decide).status_code == 200
    assert outside.send(decide, state="", reasons="So it is.").status_code == 422
    assert outside.send(decide, state="confirmed", reasons="So it is.").status_code == 303
    session.expire_all()
    assert (report.state, report.reasons) == (ReportState.CONFIRMED, "So it is.")
    assert outside.send(decide, state="not_confirmed", reasons="No.").status_code == 422


def test_the_database_itself_keeps_reports_from_the_office(
    w: World, session: Any, browser: Browser
) -> None:
    make.make_retaliation_report(office=w.water, grievance=w.grievance(S.ROUTED))
    assert session.scalar(text("SELECT count(*) FROM retaliation_report")) == 1
    seen = {}
    for name, officer in w.people.items():
        there = browser(officer)
        there.get("/admin/")
        seen[name] = _count_as(session, officer)
    assert {name for name, number in seen.items() if number} == {"decider", "second", "auditor"}


def _count_as(session: Any, officer: Officer) -> int:
    nested = session.begin_nested()
    session.execute(
        text("SELECT set_config('redress.ticket', :t, true), set_config('role', :r, true)"),
        {"t": sign_ticket(SECRET, officer.id), "r": "redress_app"},
    )
    number = session.scalar(text("SELECT count(*) FROM retaliation_report"))
    nested.rollback()
    return int(number)


# --- What is left over -----------------------------------------------------------------------


def test_a_claim_and_an_objection_are_kept_through_http(
    w: World, session: Any, browser: Browser
) -> None:
    one = ready(w, session, "claim_remedy")
    answer = browser(w.people["handler"]).send(
        address(one, "claim_remedy"),
        remedy=str(one.remedies[0].id),
        done_on=TODAY.isoformat(),
    )
    assert answer.status_code == 303, answer.text
    session.expire_all()
    assert session.get(Remedy, one.remedies[0].id).state is RemedyState.DONE
    other = w.grievance(S.OBJECTED)
    page = browser(w.people["intake"]).get(address(other, "route_again"))
    assert "The objection" in page.text
    assert "The road is the county" in page.text
    answer = browser(w.people["intake"]).send(
        address(other, "keep_routing"), decision_reasons="It is a pipe."
    )
    assert answer.status_code == 303
    session.expire_all()
    objection = session.scalars(
        select(RoutingObjection).where(RoutingObjection.grievance_id == other.id)
    ).one()
    assert objection.state is RequestState.REFUSED

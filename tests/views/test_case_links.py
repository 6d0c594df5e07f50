"""No way that the page of a case offers leads to a refusal, for any role and in any state."""

import re
from html import unescape
from typing import Any

import pytest
from flask import Flask

from models import Grievance, Officer, Remedy
from rules.grievance import GrievanceState, RemedyState
from rules.permissions import Role
from tests import factories as make
from tests.conftest import Client
from tests.test_casework import World
from tests.views.pages import address
from tests.views.test_steps import w, world_of_casework

__all__ = ["w", "world_of_casework"]  # the fixtures

S = GrievanceState


def ways(page: Any) -> set[str]:
    """Return the addresses that the links of a page lead to."""
    assert page.status_code == 200, page.text
    main = page.text.partition("<main")[2].partition("</main")[0]
    return {unescape(one) for one in re.findall(r'<a [^>]*href="([^"#]+)"', main) if one[0] == "/"}


def log_in(app: Flask, officer: Officer) -> Client:
    there: Client = app.test_client()
    there.let_in(officer)
    return there


@pytest.mark.parametrize("state", [S.ACKNOWLEDGED, S.ROUTED, S.PLANNED, S.REMEDY, S.APPEALED])
def test_no_link_of_the_page_of_a_case_is_refused(w: World, app: Flask, state: S) -> None:
    one = w.grievance(state)
    if state is S.ACKNOWLEDGED:
        one.respondent_office = w.water
    make.make_plan_step(grievance=one, officer=w.people["handler"])
    make.make_joint_conference(grievance=one, office=w.root, chair=w.people["leader"])
    make.make_document(grievance=one)
    if state is S.REMEDY:
        w.remedy(one)
    followed = 0
    for name, officer in w.people.items():
        there = log_in(app, officer)
        for way in sorted(ways(there.get(address(Grievance, "details", id=one.id)))):
            answer = there.get(way)
            # Who is not impartial, or has nothing to take up, reads why: 409. Nobody is offered
            # what their role may not do. The log of openings says to the office complained about
            # why it is not theirs to see.
            if (
                way.startswith("/admin/sealed/")
                and "Your office is complained about" in answer.text
            ):
                continue
            assert answer.status_code in (200, 303, 302, 409), (name, way, answer.status_code)
            followed += 1
    assert followed > 80


def test_who_may_draft_has_the_way_and_what_it_waits_for_is_said(w: World, app: Flask) -> None:
    one = w.grievance(S.PLANNED)
    (decision,) = one.decisions
    draft = f"/admin/grievance/{one.id}/decision"

    def page(who: str) -> str:
        text = log_in(app, w.people[who]).get(address(Grievance, "details", id=one.id)).text
        return " ".join(re.sub(r"<[^>]*>", " ", text).split())

    def offers(who: str) -> bool:
        there = log_in(app, w.people[who])
        return draft in ways(there.get(address(Grievance, "details", id=one.id)))

    assert [who for who in w.people if offers(who)] == [
        *("head", "handler", "decider", "second", "administrator")
    ]
    assert "It waits for others: Approve and give the answer (Office head, Decider)" in page(
        "auditor"
    )
    assert "Approve and give the answer" in page("head")
    decision.state, decision.proposed_at = decision.state.DRAFT, None
    make.db.session.flush()
    assert "It waits for others: Write the answer (Handler, Office head)" in page("auditor")
    assert "Approve and give the answer" not in page("head")
    assert "Write the answer" in page("handler")


def test_a_remedy_leads_to_its_next_step(w: World, app: Flask) -> None:
    one = w.grievance(S.REMEDY)
    (done,) = one.remedies
    promised = w.remedy(one)

    def offered(remedy: Remedy, who: str) -> set[str]:
        there = log_in(app, w.people[who])
        found = ways(there.get(address(Remedy, "details", id=remedy.id)))
        return {way.rpartition("/")[2] for way in found if "/step/" in way}

    assert done.state is RemedyState.DONE
    assert offered(done, "leader") == {"verify_remedy", "send_back_remedy"}
    assert offered(done, "handler") == set()
    assert offered(promised, "handler") == {"claim_remedy"}
    assert offered(promised, "auditor") == set()
    assert Role.HANDLER in w.people["handler"].roles

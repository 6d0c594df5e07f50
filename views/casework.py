"""The steps of a grievance: a page with a form for each, the buttons that lead there, and what
complainants say of how they were treated. Who may is said in rules/casework.py."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    flash,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import gettext as _
from sqlalchemy import select

import security
from actions import statements
from actions.casework import check_step, possible_steps, take_step
from models import Grievance, Office, Officer, Record, RetaliationReport, db
from queries.casework import drafts
from queries.routing import suggestions
from rules import RuleBroken, Said, say
from rules.casework import AT_ANY_TIME, GRIEVANCE
from rules.grievance import GrievanceState, RemedyState, ReportState
from rules.lifecycle import Step
from rules.permissions import Desk, Role, Verb, may
from views.asking import who_asks
from views.base import RecordView
from views.errors import refusal_in_words
from views.fields import RecordForm
from views.labels import enum_label, show
from views.shown import crumbs_of, endpoint_of, record_url
from views.step_forms import (
    DecideReportForm,
    FeedbackForm,
    RetaliationForm,
    attempt,
    facts_of,
    form_of,
)

casework = Blueprint("casework", __name__, url_prefix="/admin/grievance")

HEARS_COMPLAINANTS = frozenset({Role.INTAKE, Role.SUPERVISOR, Role.LEAD_OFFICIAL})
"""Roles that write down how the handling was rated. Of the offices nobody does."""
TAKES_REPORTS = frozenset({Role.INTAKE, Role.DECIDER})
"""Roles that write a report of retaliation down."""
REMEDY_STEPS = {
    RemedyState.PROMISED: ("claim_remedy",),
    RemedyState.DONE: ("verify_remedy", "send_back_remedy"),
}
"""What can be done about a remedy that stands so."""


# --- What the page of a grievance shows ------------------------------------------------------


@dataclass(frozen=True)
class Button:
    """The way to a step: the first of them is the one that the grievance waits for."""

    words: str
    url: str
    is_main: bool = False


@dataclass(frozen=True)
class CaseSteps:
    """The steps that the officer may take with a grievance, and what they may write down."""

    buttons: list[Button]
    others: list[Button]
    draft: str = ""
    """The way to one's own draft of an answer, where one may write it now."""


def for_case(grievance: Grievance) -> CaseSteps:
    """Return the buttons of `grievance` for the current officer. Few statements."""
    steps = possible_steps(grievance, who_asks(), today=security.today())
    first = [step for step in steps if step.name not in AT_ANY_TIME]
    first.sort(key=lambda step: step.name != "answer")  # what was proposed waits for a second
    later = [step for step in steps if step.name in AT_ANY_TIME]
    ways = [(_(step.label), _address(grievance, step)) for step in first]
    draft = _way_to_draft(grievance)
    if draft and all(step.name != "answer" for step in first):
        ways.append((_("Write the answer"), draft))
    buttons = [Button(words, url, is_main=place == 0) for place, (words, url) in enumerate(ways)]
    others = [Button(_(step.label), _address(grievance, step)) for step in later]
    roles = security.roles()
    if grievance.state is GrievanceState.CLOSED and roles & HEARS_COMPLAINANTS:
        url = url_for("casework.feedback", grievance_id=grievance.id)
        others.append(Button(_("Write down a rating"), url))
    if roles & TAKES_REPORTS:
        url = url_for("casework.retaliation", grievance_id=grievance.id)
        others.append(Button(_("Report retaliation"), url))
    return CaseSteps(buttons, others, draft)


def _way_to_draft(grievance: Grievance) -> str:
    """Return where the officer drafts the answer; "" for other roles, and where none is owed."""
    if not may(security.roles(), Desk.DECISIONS, Verb.CREATE):
        return ""
    if grievance.state not in GRIEVANCE.steps["answer"].sources:
        return ""
    return url_for("decisions.edit", grievance_id=grievance.id)


def _address(grievance: Grievance, step: Step) -> str:
    return url_for("casework.step", grievance_id=grievance.id, name=step.name)


# --- A step ----------------------------------------------------------------------------------


@casework.route("/<grievance_id>/step/<name>", methods=["GET", "POST"])
def step(grievance_id: str, name: str) -> Any:
    """The form of a step, and taking it."""
    one = GRIEVANCE.steps.get(name) or abort(404)
    if not security.roles() & one.roles:
        abort(403)
    grievance: Grievance = security.load(Grievance, grievance_id)
    now, settings = datetime.now(UTC), security.impartiality()
    form = form_of(one, grievance, _start(grievance, one))
    try:
        check_step(grievance, name, by=who_asks(), now=now, settings=settings)
    except RuleBroken as refused:
        typed = form if form.is_submitted() else None
        return _step_page(grievance, one, typed, refusal_in_words(refused)[0], 409)
    if name == "answer" and (drafted := db.session.scalar(drafts(grievance.id).limit(1))):
        # What is approved is read first: on its own page, which has the only button.
        return redirect(url_for("decisions.page", decision_id=drafted.id), 303)
    if not form.is_submitted():
        return _step_page(grievance, one, form)
    if "take_office" in request.form:
        return _with_office(grievance, one, form)
    if not form.validate():
        return _step_page(grievance, one, form, status=422)

    def take() -> GrievanceState:
        facts = facts_of(one, form)
        return take_step(grievance, name, by=who_asks(), now=now, settings=settings, **facts)

    reached, problem = attempt(take, form)
    if reached is None:
        grievance = security.load(Grievance, grievance_id)
        return _step_page(grievance, one, form, problem, 422)
    words = _("%(step)s: done. It stands now: %(state)s.", step=_(one.label), state=show(reached))
    flash(words, "success")
    return _back(grievance_id)


def _with_office(grievance: Grievance, one: Step, form: RecordForm) -> Response:
    """Return the form with the office of a suggestion; what was typed stays."""
    office = _found(Office, request.form.get("take_office", ""))
    if office is not None and "responsible_office" in form:
        form.responsible_office.process_data(office)
    return _step_page(grievance, one, form)


def _start(grievance: Grievance, one: Step) -> dict[str, Any]:
    """Return what the form of a step shows at first."""
    start: dict[str, Any] = {}
    if "responsible_office" in one.needs:
        start["responsible_office"] = grievance.responsible_office
        if one.name == "route_again":
            objection = next((o for o in grievance.routing_objections if o.proposed_office), None)
            start["responsible_office"] = objection.proposed_office if objection else None
    if "handler" in one.needs:
        me = db.session.get(Officer, who_asks().id)
        start["handler"] = grievance.handler or (me if Role.HANDLER in security.roles() else None)
    if "lead_official" in one.needs:
        start["lead_official"] = grievance.lead_official
    if one.name == "merge":
        start["other_grievance"] = _found(Grievance, request.args.get("other_grievance", ""))
        start["subject"] = grievance.title
    return start


def _found(model: type[Record], text: str) -> Any:
    """Return the record of a suggestion that was chosen; None where it is none, or out of sight."""
    number = security.parse_id(text)
    if number is None:
        return None
    scope = security.visible(model)
    query = select(model).where(model.id == number)
    return db.session.scalar(query if scope is None else query.where(scope))


def _step_page(
    grievance: Grievance,
    one: Step,
    form: RecordForm | None,
    problem: str = "",
    status: int = 200,
) -> Response:
    offered = []
    if form is not None and "responsible_office" in one.needs:
        offered = [
            (
                found,
                [_in_words(why) for why in found.reasons],
                [_in_words(why) for why in found.doubts],
            )
            for found in suggestions(db.session(), grievance, security.today())
        ]
    return _page(
        "grievances/step.html",
        status,
        grievance=grievance,
        heading=_(one.label),
        form=form,
        problem=problem,
        offered=offered,
        objections=[o for o in grievance.routing_objections if o.decided_at is None],
        crumbs=crumbs_of(grievance),
    )


def _page(template: str, status: int, **values: Any) -> Response:
    return Response(render_template(template, **values), status)


def _in_words(said: Said) -> str:
    return say(said, _, show)


def _back(grievance_id: str) -> Any:
    return redirect(url_for(f"{endpoint_of(Grievance)}.details_view", id=grievance_id), 303)


# --- What complainants say -------------------------------------------------------------------


@casework.route("/<grievance_id>/feedback", methods=["GET", "POST"])
def feedback(grievance_id: str) -> Any:
    """Write down how the handling of a closed grievance was rated."""
    if not security.roles() & HEARS_COMPLAINANTS:
        abort(403)
    grievance: Grievance = security.load(Grievance, grievance_id)
    form = FeedbackForm()

    def give() -> Any:
        rating = form.rating.data
        said = {"1": True, "0": False}.get(form.is_put_right.data or "")
        return statements.give_feedback(
            grievance,
            rating=int(rating) if rating else None,
            given_on=form.given_on.data,
            today=security.today(),
            is_put_right=said,
            comment=form.comment.data,
        )

    words = _("How the handling was rated is written down.")
    return _said(grievance_id, grievance, form, give, _("Write down a rating"), words)


@casework.route("/<grievance_id>/retaliation", methods=["GET", "POST"])
def retaliation(grievance_id: str) -> Any:
    """Write a report of retaliation down for the deciders."""
    if not security.roles() & TAKES_REPORTS:
        abort(403)
    grievance: Grievance = security.load(Grievance, grievance_id)
    form = RetaliationForm(data={"office": grievance.respondent_office})

    def report() -> bool:
        statements.report_retaliation(
            grievance,
            office=form.office.data,
            subject=form.subject.data,
            account=form.account.data,
            reported_on=form.reported_on.data,
            today=security.today(),
        )
        return True

    words = _("The report is with the deciders. Nobody else but the auditors sees it.")
    return _said(grievance_id, grievance, form, report, _("Report retaliation"), words)


def _said(
    grievance_id: str,
    grievance: Grievance,
    form: RecordForm,
    change: Callable[[], Any],
    heading: str,
    words: str,
) -> Any:
    status, problem = 200, ""
    if form.is_submitted():
        done = None
        if form.validate():
            done, problem = attempt(change, form)
        if done is not None:
            flash(words, "success")
            return _back(grievance_id)
        status, grievance = 422, security.load(Grievance, grievance_id)
    return _page(
        "grievances/step.html",
        status,
        grievance=grievance,
        heading=heading,
        form=form,
        problem=problem,
        offered=[],
        objections=[],
        crumbs=crumbs_of(grievance),
    )


class RemedyView(RecordView):
    """What offices promised, with the next step of each."""

    def record_links(self, record: Record) -> list[tuple[str, str]]:
        grievance = _found(Grievance, str(record.grievance_id))
        names = REMEDY_STEPS.get(record.state, ())
        if grievance is None or not names:
            return []
        possible = possible_steps(grievance, who_asks(), today=security.today())
        return [
            (_(step.label), url_for("casework.step", grievance_id=grievance.id, name=step.name))
            for step in possible
            if step.name in names
        ]


class RetaliationReportView(RecordView):
    """Reports of retaliation, with the way to decide one."""

    def record_links(self, record: Record) -> list[tuple[str, str]]:
        is_open = isinstance(record, RetaliationReport) and record.state is ReportState.REPORTED
        if not is_open or Role.DECIDER not in security.roles():
            return []
        return [(_("Decide"), url_for("casework.decide_report", report_id=record.id))]


@casework.route("/retaliation/<report_id>", methods=["GET", "POST"])
def decide_report(report_id: str) -> Any:
    """Confirm a report of retaliation, or not."""
    if Role.DECIDER not in security.roles():
        abort(403)
    report: RetaliationReport = security.load(RetaliationReport, report_id)
    security.require(Verb.EDIT, report)
    form = DecideReportForm()
    status, problem = 200, ""
    if form.is_submitted():
        done = None
        if form.validate():

            def decide() -> bool:
                typed = form.state.data
                state = ReportState(typed) if typed in set(ReportState) else None
                statements.decide_report(
                    report,
                    state=state,
                    reasons=form.reasons.data,
                    by=who_asks(),
                    today=security.today(),
                )
                return True

            done, problem = attempt(decide, form)
        if done is not None:
            flash(_("Decided: %(state)s.", state=form.state.data and enum_label(report.state)))
            return redirect(record_url(report) or url_for("admin.index"), 303)
        status, report = 422, security.load(RetaliationReport, report_id)
    return _page(
        "grievances/step.html",
        status,
        grievance=None,
        heading=_("Decide the report"),
        form=form,
        problem=problem,
        offered=[],
        objections=[],
        crumbs=crumbs_of(report),
    )


def init_app(app: Flask) -> None:
    """Give `app` the pages of steps."""
    app.register_blueprint(casework)

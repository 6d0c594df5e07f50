"""The pages of a decision: draft it point by point, propose it, approve it or send it back."""

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Flask, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.wrappers import Response as Reply

import security
from actions import decisions as acting
from models import Decision, Grievance, Officer, Record, db
from queries import decisions as asking
from rules import RuleBroken
from rules.decisions import LONGEST_LINE, LONGEST_TEXT, MOST_POINTS, Draft, Point
from rules.grievance import DecisionState, PointFinding
from rules.permissions import Desk, Verb, may
from views.asking import own_record, who_asks
from views.base import RecordView
from views.labels import sentence
from views.shown import crumbs_of

blueprint = Blueprint("decisions", __name__, url_prefix="/admin")


def may_draft() -> bool:
    """Return whether the current officer drafts, approves and sends decisions."""
    return may(security.roles(), Desk.DECISIONS, Verb.CREATE)


def _require_drafting() -> None:
    if not may_draft():
        abort(403)


def _officer() -> Officer:
    return own_record(who_asks())


# --- The editor ------------------------------------------------------------------------------


@blueprint.get("/grievance/<grievance_id>/decision")
def edit(grievance_id: str) -> str:
    """The form for one's own draft, or for a new one."""
    _require_drafting()
    grievance = security.load(Grievance, grievance_id)
    decision = db.session.scalar(asking.own_draft(grievance.id, _officer().id))
    return _editor(grievance, decision, acting.draft_of(decision) if decision else Draft())


@blueprint.post("/grievance/<grievance_id>/decision")
def save(grievance_id: str) -> Any:
    """Keep the draft, and propose it where that was the button; what was typed is never lost."""
    _require_drafting()
    grievance = security.load(Grievance, grievance_id)
    typed = _typed()
    officer = _officer()
    decision = db.session.scalar(asking.own_draft(grievance.id, officer.id))
    if "add" in request.form:
        more = Draft(**(vars(typed) | {"points": (*typed.points, Point())}))
        return _editor(grievance, decision, more)
    if request.form.get("version", "") != _version(decision):
        changed = _(
            "The draft was changed or decided in another window meanwhile. Your words stand below: "
            "compare them with the other ones, then save again."
        )
        return _editor(grievance, decision, typed, problem=changed), 409
    try:
        decision = acting.save_draft(grievance, typed, by=officer, decision=decision)
        if "propose" in request.form:
            acting.propose(decision, by=officer, now=datetime.now(UTC))
        number = decision.id
        db.session.commit()
    except RuleBroken as broken:
        db.session.rollback()
        return _again(grievance_id, typed, sentence(broken), broken.field), 400
    except StaleDataError:
        db.session.rollback()
        busy = _("Somebody saved it in the same moment. Save again.")
        return _again(grievance_id, typed, busy), 409
    if "propose" in request.form:
        flash(_("Proposed. Somebody else has to approve it."), "success")
        return redirect(url_for("decisions.page", decision_id=number), 303)
    flash(_("The draft was saved."), "success")
    return redirect(url_for("decisions.edit", grievance_id=grievance_id), 303)


def _again(grievance_id: str, typed: Draft, problem: str, field: str | None = None) -> str:
    grievance = security.load(Grievance, grievance_id)
    decision = db.session.scalar(asking.own_draft(grievance.id, _officer().id))
    return _editor(grievance, decision, typed, problem=problem, field=field)


def _version(decision: Decision | None) -> str:
    """Return what the form carries to tell whether the draft is the one that was looked at."""
    return f"{decision.id}.{decision.version_id}" if decision else ""


def _typed() -> Draft:
    """Return the draft of this form; a point of which nothing was typed is none."""
    form = request.form
    columns = [form.getlist(name)[: MOST_POINTS + 1] for name in ("point", "conclusion", "reasons")]
    rows = zip(*(column + [""] * (MOST_POINTS + 1) for column in columns), strict=False)
    points = [
        Point(_line(point), _finding(conclusion), _text(reasons))
        for point, conclusion, reasons in rows
    ]
    return Draft(
        _line(form.get("subject", "")),
        _text(form.get("summary", "")),
        _text(form.get("follows", "")),
        _text(form.get("how_to_appeal", "")),
        tuple(one for one in points if not one.is_blank),
    )


def _finding(text: str) -> PointFinding | None:
    return PointFinding(text) if text in set(PointFinding) else None


def _line(text: str) -> str:
    return " ".join(text.split())


def _text(text: str) -> str:
    return text.replace("\r\n", "\n").strip()


def _editor(
    grievance: Grievance,
    decision: Decision | None,
    draft: Draft,
    *,
    problem: str = "",
    field: str | None = None,
) -> str:
    return render_template(
        "grievances/decision_edit.html",
        grievance=grievance,
        decision=decision,
        version=_version(decision),
        draft=draft,
        points=draft.points or (Point(),),
        room=len(draft.points) < MOST_POINTS,
        findings=list(PointFinding),
        problem=problem,
        field=field,
        longest_line=LONGEST_LINE,
        longest_text=LONGEST_TEXT,
        crumbs=crumbs_of(grievance),
    )


# --- The second person -----------------------------------------------------------------------


@blueprint.get("/decision/<decision_id>")
def page(decision_id: str) -> str:
    """A decision as it is to be read, with what can be done about it."""
    return _page(security.load(Decision, decision_id))


@blueprint.post("/decision/<decision_id>/approve")
def approve(decision_id: str) -> Any:
    """Give the answer that another has drafted, in the words that were looked at."""
    return _judge(
        decision_id,
        lambda decision, officer: acting.approve(
            decision, by=officer, now=datetime.now(UTC), settings=security.impartiality()
        ),
        _("Approved. The answer is given; its letters can be made."),
    )


@blueprint.post("/decision/<decision_id>/send-back")
def send_back(decision_id: str) -> Any:
    """Give the draft back to who wrote it, with a reason."""
    reason = _text(request.form.get("reason", ""))
    return _judge(
        decision_id,
        lambda decision, officer: acting.send_back(decision, reason, by=officer),
        _("Sent back with your reason."),
    )


def _judge(decision_id: str, act: Any, done: str) -> Reply | Any:
    _require_drafting()
    decision = security.load(Decision, decision_id)
    if request.form.get("version", "") != _version(decision):
        changed = _("It was changed since you looked at it. Read it again.")
        return _page(decision, problem=changed), 409
    try:
        act(decision, _officer())
        db.session.commit()
    except RuleBroken as broken:
        db.session.rollback()
        refused = security.load(Decision, decision_id)
        status = 400 if broken.field else 403
        return _page(refused, problem=sentence(broken), field=broken.field), status
    except StaleDataError:
        db.session.rollback()
        busy = _("Somebody saved it in the same moment. Look again.")
        return _page(security.load(Decision, decision_id), problem=busy), 409
    flash(done, "success")
    return redirect(url_for("decisions.page", decision_id=decision_id), 303)


def _page(decision: Decision, *, problem: str = "", field: str | None = None) -> str:
    grievance, officer, now = decision.grievance, _officer(), datetime.now(UTC)
    refused = ""
    waits = may_draft() and decision.state is DecisionState.PROPOSED
    if waits:
        try:
            acting.check_approval(decision, by=officer, now=now, settings=security.impartiality())
        except RuleBroken as broken:
            refused = sentence(broken)
    until = None
    if decision.state is DecisionState.PROPOSED:
        until = asking.review_until(db.session(), grievance, now)
    return render_template(
        "grievances/decision.html",
        decision=decision,
        draft=acting.draft_of(decision),
        grievance=grievance,
        version=_version(decision),
        waits=waits,
        refused=refused,
        review_until=until,
        mine=may_draft() and decision.drafted_by_id == officer.id,
        reason=request.form.get("reason", ""),
        problem=problem,
        field=field,
        longest_text=LONGEST_TEXT,
        crumbs=crumbs_of(grievance),
    )


class DecisionView(RecordView):
    """Decisions, with the way to their editor and to their approval."""

    def record_links(self, record: Record) -> list[tuple[str, str]]:
        links = [(_("Read it as a whole"), url_for("decisions.page", decision_id=record.id))]
        officer = security.current_officer()
        mine = officer is not None and record.drafted_by_id == officer.id
        if mine and record.state is not DecisionState.GIVEN and may_draft():
            address = url_for("decisions.edit", grievance_id=record.grievance_id)
            links.append((_("Change the draft"), address))
        return links


def init_app(app: Flask) -> None:
    """Register the pages of decisions."""
    app.register_blueprint(blueprint)

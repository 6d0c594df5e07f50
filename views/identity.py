"""The pages of a sealed identity: seal it, ask to open it, agree to that, look at it for a while,
and the log of openings. What is in it stands on the page of an opening and nowhere else."""

from datetime import UTC, datetime
from typing import Any

from flask import (
    Blueprint,
    Flask,
    abort,
    current_app,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import gettext as _
from werkzeug.wrappers import Response as Reply

import security
from actions import identity as acting
from models import Grievance, IdentityOpening, IdentityRequest, db
from queries import identity as asking
from rules import RuleBroken
from rules.grievance import RequestState
from rules.identity import (
    HELP,
    LONGEST,
    LONGEST_REASON,
    READ_THE_LOG,
    IdentityField,
    OpeningGround,
    is_partial,
    kept_until,
)
from rules.permissions import Role
from views.asking import identity_at, identity_ring, identity_terms, who_asks
from views.labels import label, sentence
from views.shown import crumb_of, crumbs_of

blueprint = Blueprint("identity", __name__, url_prefix="/admin/sealed")


@blueprint.before_request
def _may_enter() -> None:
    if not security.roles() & READ_THE_LOG:
        abort(403)


# --- What is known here ----------------------------------------------------------------------


def _grievance(grievance_id: str) -> Grievance:
    """Return the grievance, 404 where the officer does not see it. Whoever is of the line of the
    office complained about gets not even the log (403); an auditor does, who opens nothing."""
    grievance = security.load(Grievance, grievance_id)
    if Role.AUDITOR not in security.roles() and _is_partial(grievance):
        refusal = _("Your office is complained about here, or stands in its line.")
        abort(make_response(render_template("error.html", status=403, sentence=refusal), 403))
    return grievance


def _is_partial(grievance: Grievance) -> bool:
    session, at = db.session(), identity_at()
    case = asking.case(session, grievance)
    if not case.respondents:
        return False
    return is_partial(
        asking.asker(session, who_asks(), at.now, at.today), case, asking.office_tree(session)
    )


def _crumbs(grievance: Grievance, *, inner: bool = False) -> list[tuple[str, str | None]]:
    crumbs = crumbs_of(grievance)
    if inner:
        crumbs.append((_("Identity"), url_for("identity.overview", grievance_id=grievance.id)))
    return crumbs


def _refused(check: Any, *arguments: Any) -> str:
    """Return the sentence with which `check` refuses; "" where it does not."""
    try:
        check(*arguments)
    except RuleBroken as broken:
        return sentence(broken)
    return ""


# --- The page of a grievance's identity ------------------------------------------------------


@blueprint.get("/<grievance_id>")
def overview(grievance_id: str) -> Any:
    """What there is, who may open it, and who did."""
    return _overview(_grievance(grievance_id))


def _overview(
    grievance: Grievance, *, problem: str = "", field: str | None = None, status: int = 200
) -> Any:
    officer, at, session = who_asks(), identity_at(), db.session()
    request_made = session.scalar(asking.latest_request(grievance.id, officer.id))
    granted = request_made is not None and request_made.state is RequestState.GRANTED
    fresh = granted and request_made.decided_at > at.now - identity_terms().agreement
    ended = grievance.closed_at or grievance.withdrawn_at
    return render_template(
        "identity/overview.html",
        grievance=grievance,
        sealed=session.scalar(asking.is_sealed(grievance.id)) is not None,
        kept_until=kept_until(ended and ended.date(), current_app.config["IDENTITY_KEEP_DAYS"]),
        held=ended and session.scalar(asking.is_held(grievance.id)),
        may_seal=not _refused(acting.check_sealing, grievance, officer, at),
        refused=_refused(acting.duty_to_open, grievance, officer, at),
        running=session.scalar(asking.running_opening(grievance.id, officer.id)),
        request_made=request_made if not granted or fresh else None,
        openings=session.scalars(asking.openings(grievance.id)).all(),
        grounds=list(OpeningGround),
        typed=request.form,
        problem=problem,
        field=field,
        longest=LONGEST_REASON,
        minutes=current_app.config["IDENTITY_MINUTES"],
        crumbs=_crumbs(grievance),
    ), status


# --- Sealing ---------------------------------------------------------------------------------


@blueprint.get("/<grievance_id>/seal")
def seal_form(grievance_id: str) -> Any:
    """The form; it is always empty, since what is sealed is not read to fill it."""
    grievance = _grievance(grievance_id)
    if refused := _refused(acting.check_sealing, grievance, who_asks(), identity_at()):
        return _overview(grievance, problem=refused, status=403)
    return _seal_form(grievance)


@blueprint.post("/<grievance_id>/seal")
def seal(grievance_id: str) -> Any:
    """Seal what was typed, in place of what was sealed before."""
    grievance = _grievance(grievance_id)
    if refused := _refused(acting.check_sealing, grievance, who_asks(), identity_at()):
        return _overview(grievance, problem=refused, status=403)
    typed = {field: request.form.get(field.value, "") for field in IdentityField}
    try:
        acting.seal_identity(grievance, typed, ring=identity_ring())
    except RuleBroken as broken:
        db.session.rollback()
        return _seal_form(
            _grievance(grievance_id), typed=typed, problem=sentence(broken), field=broken.field
        ), 400
    db.session.commit()
    flash(_("Sealed. It is shown only where its opening is recorded."), "success")
    return _to(grievance.id)


def _seal_form(
    grievance: Grievance,
    typed: dict[IdentityField, str] | None = None,
    problem: str = "",
    field: str | None = None,
) -> str:
    return render_template(
        "identity/seal.html",
        grievance=grievance,
        sealed=db.session.scalar(asking.is_sealed(grievance.id)) is not None,
        fields=[(one, label(one.value), _(HELP[one]), LONGEST[one]) for one in IdentityField],
        typed=typed or {},
        problem=problem,
        field=field,
        crumbs=_crumbs(grievance, inner=True),
    )


# --- Opening ---------------------------------------------------------------------------------


@blueprint.post("/<grievance_id>/open")
def open_identity(grievance_id: str) -> Any:
    """Record the opening, or ask for it; what is opened is shown by the next request."""
    grievance = _grievance(grievance_id)
    officer, at, terms = who_asks(), identity_at(), identity_terms()
    if refused := _refused(acting.duty_to_open, grievance, officer, at):
        return _overview(grievance, problem=refused, status=403)
    try:
        if request.form.get("granted"):
            opening_id: int | None = acting.open_granted(grievance, by=officer, at=at, terms=terms)
        else:
            ground = _ground(request.form.get("ground", ""))
            opening_id = acting.open_identity(
                grievance, ground, request.form.get("reason", ""), by=officer, at=at, terms=terms
            )
    except RuleBroken as broken:
        db.session.rollback()
        status = 400 if broken.field else 403
        again = _grievance(grievance_id)
        return _overview(again, problem=sentence(broken), field=broken.field, status=status)
    grievance_number = grievance.id
    db.session.commit()
    if opening_id is None:
        flash(_("Asked. Somebody else who could open it has to agree."), "success")
        return _to(grievance_number)
    return redirect(
        url_for("identity.opened", grievance_id=grievance_number, opening_id=opening_id), 303
    )


def _ground(text: str) -> OpeningGround:
    try:
        return OpeningGround(text)
    except ValueError:
        raise RuleBroken("Choose what you need it for.", field="ground") from None


@blueprint.get("/<grievance_id>/opening/<opening_id>")
def opened(grievance_id: str, opening_id: str) -> Any:
    """The identity, for as long as its opening runs."""
    grievance = _grievance(grievance_id)
    opening = db.session.get(IdentityOpening, security.parse_id(opening_id) or abort(404))
    if opening is None or opening.grievance_id != grievance.id:
        abort(404)
    try:
        known = acting.read_opened(opening.id, ring=identity_ring())
    except RuleBroken as broken:
        db.session.rollback()
        return _overview(_grievance(grievance_id), problem=sentence(broken), status=403)
    seconds = int((opening.ends_at - datetime.now(UTC)).total_seconds())
    if known is None or seconds <= 0:
        over = _("This opening is over, or it is not yours. To see the identity again, ask anew.")
        return _overview(grievance, problem=over, status=403)
    answer = make_response(
        render_template(
            "identity/opened.html",
            grievance=grievance,
            known=[(label(field.value), text) for field, text in known.items()],
            opening=opening,
            seconds=seconds,
            crumbs=_crumbs(grievance, inner=True),
        )
    )
    # Where there is no script the browser leaves the page by itself when the time is over.
    back = url_for("identity.overview", grievance_id=grievance.id)
    answer.headers["Refresh"] = f"{seconds}; url={back}"
    answer.headers["Cache-Control"] = "no-store"
    return answer


# --- The second person -----------------------------------------------------------------------


@blueprint.get("/")
def requests_to_decide() -> str:
    """The requests of others that this officer can decide."""
    officer, at = who_asks(), identity_at()
    waiting = db.session.scalars(asking.requests_to_decide(officer.id)).all()
    return render_template(
        "identity/requests.html",
        waiting=[
            one for one in waiting if not _refused(acting.duty_to_open, one.grievance, officer, at)
        ],
        crumbs=[crumb_of(Grievance)],
    )


@blueprint.post("/request/<request_id>")
def decide(request_id: str) -> Any:
    """Agree to somebody's opening, or refuse it."""
    number = security.parse_id(request_id) or abort(404)
    asked = db.session.get(IdentityRequest, number)
    if asked is None:
        abort(404)
    security.load(Grievance, asked.grievance_id)
    grant = request.form.get("decision") == "grant"
    acting.decide_request(asked, grant=grant, by=who_asks(), at=identity_at())
    db.session.commit()
    flash(_("Agreed. The officer who asked can open it now.") if grant else _("Refused."))
    return redirect(url_for("identity.requests_to_decide"), 303)


def _to(grievance_id: int) -> Reply:
    return redirect(url_for("identity.overview", grievance_id=grievance_id), 303)


def init_app(app: Flask) -> None:
    """Register the pages of sealed identities."""
    app.register_blueprint(blueprint)

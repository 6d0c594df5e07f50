"""Joint conferences: several offices called together about one grievance, what was said and agreed,
and the actions, each a step of the plan with an officer and a day."""

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Flask, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from wtforms import validators

import security
from actions import plan as acting
from models import (
    ConferenceOffice,
    Grievance,
    JointConference,
    Office,
    Officer,
    PlanStep,
    Record,
    db,
)
from rules import RuleBroken, mark
from rules.permissions import Verb
from views.asking import who_asks
from views.base import RecordView
from views.fields import FILL_IN, LongField, RecordForm, RelationField, form_for
from views.planning import (
    REFUSED,
    facts_of,
    grievance_in_sight,
    read,
    refuse,
    require_impartial,
    step_form,
    way_to,
)
from views.shown import endpoint_of

blueprint = Blueprint("conference", __name__, url_prefix="/admin/conference")
CALLED_WITH = {"subject", "chair", "meets_at", "place"}
SEATS = 4
"""So many offices can be invited when the conference is called; its page invites more."""


class JointConferenceView(RecordView):
    """Joint conferences, each with the way to its page."""

    def record_links(self, record: Record) -> list[tuple[str, str]]:
        address = url_for("conference.page", conference_id=record.id)
        return [(_("Who sits there, minutes and actions"), address)]


def _seats_lookup(key: str) -> str:
    return url_for(f"{endpoint_of(ConferenceOffice)}.ajax_lookup", name=key)


class SeatForm(RecordForm):
    """An office to invite, an officer, or an officer of that office."""

    office = RelationField(
        "Office",
        target=Office,
        address=lambda: _seats_lookup("office"),
        validators=[validators.Optional()],
    )
    officer = RelationField(
        "Officer",
        target=Officer,
        address=lambda: _seats_lookup("officer"),
        validators=[validators.Optional()],
    )


class MinutesForm(RecordForm):
    """What was said, and what was agreed."""

    minutes = LongField(
        "Minutes", [validators.DataRequired(FILL_IN)], description=mark("What was said")
    )
    conclusion = LongField(
        "Conclusion",
        [validators.Optional()],
        description=mark("What was agreed; empty where nothing was"),
    )


def _call_form() -> RecordForm:
    cls = form_for(
        JointConference,
        lambda key: url_for(f"{endpoint_of(JointConference)}.ajax_lookup", name=key),
    )
    form = cls()
    form.keep_only(CALLED_WITH)
    return form


# --- Calling ---------------------------------------------------------------------------------


def _seat_forms() -> list[RecordForm]:
    return [SeatForm(prefix=f"seat{place}-") for place in range(SEATS)]


@blueprint.get("/call/<grievance_id>")
def call_form(grievance_id: str) -> Any:
    """The form that calls offices together about a grievance."""
    grievance = security.load(Grievance, grievance_id)
    security.require(Verb.CREATE, JointConference)
    return _call_page(grievance, _call_form(), _seat_forms())


@blueprint.post("/call/<grievance_id>")
def call(grievance_id: str) -> Any:
    """Call the offices together."""
    grievance = security.load(Grievance, grievance_id)
    security.require(Verb.CREATE, JointConference)
    form, seats = _call_form(), _seat_forms()
    try:
        require_impartial(grievance)
        for one in (form, *seats):
            read(one)
        asked = (_seat_of(one) for one in seats)
        conference = acting.call_conference(
            db.session(),
            grievance,
            subject=form.subject.data,
            chair=form.chair.data,
            meets_at=form.meets_at.data,
            place=form.place.data,
            seats=[seat for seat in asked if seat is not None],
            office_id=who_asks().office_id,
            now=datetime.now(UTC),
        )
        db.session.commit()
    except REFUSED as refused:
        problem = refuse(refused, form)
        return _call_page(security.load(Grievance, grievance_id), form, seats, problem), 422
    flash(_("The conference is called. The offices find it among their joint conferences."))
    return redirect(url_for("conference.page", conference_id=conference.id), 303)


def _seat_of(form: RecordForm) -> acting.Seat | None:
    return acting.seat_of(form.office.data, form.officer.data)


def _call_page(
    grievance: Grievance, form: RecordForm, seats: list[RecordForm], problem: str = ""
) -> str:
    return render_template(
        "grievances/call_conference.html",
        grievance=grievance,
        form=form,
        seats=seats,
        problem=problem,
        crumbs=way_to(grievance),
    )


# --- One conference --------------------------------------------------------------------------


def _load(conference_id: str) -> tuple[JointConference, Grievance | None]:
    conference: JointConference = security.load(JointConference, conference_id)
    return conference, grievance_in_sight(conference.grievance_id)


def _leads(conference: JointConference, grievance: Grievance | None) -> bool:
    """Return whether the officer writes the minutes and gives out actions: who is in the chair, and
    those of the offices whose grievance it is. Who was invited reads."""
    if not security.can(Verb.EDIT, conference):
        return False
    return grievance is not None or conference.chair_id == who_asks().id


@blueprint.get("/<conference_id>")
def page(conference_id: str) -> Any:
    """What the conference is about, who sits there, what was said, and who does what by when."""
    conference, grievance = _load(conference_id)
    return _page(conference, grievance, _forms(conference))


@blueprint.post("/<conference_id>")
def change(conference_id: str) -> Any:
    """Invite somebody, write the minutes, or give out an action."""
    conference, grievance = _load(conference_id)
    if not _leads(conference, grievance):
        abort(403)
    asked = request.form.get("do", "")
    forms = _forms(conference, asked)
    try:
        if grievance is not None and conference.chair_id != who_asks().id:
            require_impartial(grievance)
        said = _do(asked, conference, grievance, forms)
        db.session.commit()
    except REFUSED as refused:
        problem = refuse(refused, forms.get(asked))
        return _page(*_load(conference_id), forms, problem), 422
    flash(said, "success")
    return redirect(url_for("conference.page", conference_id=conference_id), 303)


def _forms(conference: JointConference, sent: str = "") -> dict[str, RecordForm]:
    """Return the forms of the page; what was sent is in the one that `sent` names."""

    def typed(name: str) -> dict[str, Any]:
        return {} if name == sent else {"formdata": None}

    return {
        "minutes": MinutesForm(obj=conference, **typed("minutes")),
        "invite": SeatForm(prefix="invite-", **typed("invite")),
        "action": step_form(**typed("action")),
    }


def _do(
    asked: str,
    conference: JointConference,
    grievance: Grievance | None,
    forms: dict[str, RecordForm],
) -> str:
    """Do what the form asks and return what to say about it. Raises RuleBroken."""
    if asked not in forms:
        raise RuleBroken("Say what is to be done: use one of the buttons.")
    form = forms[asked]
    if asked == "action":
        if grievance is None:
            raise RuleBroken(
                "You do not see the grievance. Whoever handles it puts the action into its plan."
            )
        facts = facts_of(form)
        acting.add_action(db.session(), grievance, conference, facts, today=security.today())
        return _("The action is a step of the plan now.")
    read(form)
    if asked == "invite":
        seat = _seat_of(form)
        if seat is None:
            raise RuleBroken("Choose an office or an officer to invite.", field="office")
        acting.invite(db.session(), conference, seat)
        return _("Invited.")
    if security.parse_id(request.form.get("version", "")) != conference.version_id:
        raise RuleBroken(
            "Somebody else wrote into this conference in the meantime. What you typed stands here "
            "still: compare it with what is kept, and send it again."
        )
    acting.write_minutes(
        conference,
        minutes=form.minutes.data,
        conclusion=form.conclusion.data,
        came=frozenset(filter(None, map(security.parse_id, request.form.getlist("came")))),
        now=datetime.now(UTC),
    )
    return _("The minutes are kept.")


def _page(
    conference: JointConference,
    grievance: Grievance | None,
    forms: dict[str, RecordForm],
    problem: str = "",
) -> str:
    """The page; three statements: seats, steps and the two offices' names come joined."""
    seats = (
        select(ConferenceOffice)
        .where(ConferenceOffice.conference_id == conference.id)
        .order_by(ConferenceOffice.id)
        .options(joinedload(ConferenceOffice.office), joinedload(ConferenceOffice.officer))
    )
    steps = (
        select(PlanStep)
        .where(PlanStep.conference_id == conference.id)
        .order_by(PlanStep.position.nulls_last(), PlanStep.id)
        .options(joinedload(PlanStep.officer))
    )
    seen = {model: security.visible(model) for model in (ConferenceOffice, PlanStep)}
    if seen[ConferenceOffice] is not None:
        seats, steps = seats.where(seen[ConferenceOffice]), steps.where(seen[PlanStep])
    return render_template(
        "grievances/conference.html",
        conference=conference,
        grievance=grievance,
        seats=db.session.scalars(seats).all(),
        steps=db.session.scalars(steps).all(),
        forms=forms,
        leads=_leads(conference, grievance),
        has_met=conference.meets_at <= datetime.now(UTC),
        problem=problem,
        crumbs=way_to(grievance),
    )


def init_app(app: Flask) -> None:
    """Give `app` the pages of joint conferences."""
    app.register_blueprint(blueprint)

"""Officers who leave: the day, what they still hold, and the way back."""

from datetime import UTC, date, datetime
from typing import Any

from flask import Blueprint, Flask, Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.exc import IntegrityError

import security
from actions import leaving as leave
from models import Officer, db
from queries.leaving import Held, still_held
from rules import RuleBroken
from rules.permissions import Verb
from views.asking import present_log_in
from views.errors import words_of
from views.labels import show, types_label
from views.shown import endpoint_of, record_url

leaving = Blueprint("leaving", __name__)


@leaving.route("/account/officers/<int:officer_id>/leaving", methods=["GET", "POST"])
def officer(officer_id: int) -> Any:
    """For those who edit officers: write down that one leaves or is back, and see what they hold
    that somebody must take over."""
    person: Officer = security.load(Officer, officer_id)
    security.require(Verb.EDIT, person)
    refused = ""
    if request.method == "POST":
        refused = _write_down(person)
        if not refused:
            return redirect(url_for("leaving.officer", officer_id=officer_id), 303)
        person = security.load(Officer, officer_id)
    return _page(person, refused)


def _page(person: Officer, refused: str = "") -> Response:
    today = security.today()
    held = still_held(db.session(), person.id, today=today, now=datetime.now(UTC))
    text = render_template(
        "account/leaving.html",
        person=person,
        held=[(one, _list_of(one)) for one in held],
        today=today.isoformat(),
        has_left=person.left_on is not None and person.left_on <= today,
        refused=refused,
    )
    return Response(text, 400 if refused else 200)


@leaving.get("/account/officers/<int:officer_id>/leaving/ask")
def ask(officer_id: int) -> Any:
    """Ask whether it is to be written down that an officer leaves on the day that was typed."""
    person: Officer = security.load(Officer, officer_id)
    security.require(Verb.EDIT, person)
    if "left_on" not in request.args:  # where it is typed
        return redirect(url_for("leaving.officer", officer_id=person.id))
    try:
        day = _day(request.args["left_on"])
    except RuleBroken as refused:
        return _page(person, words_of(refused))
    today = security.today()
    held = still_held(db.session(), person.id, today=today, now=datetime.now(UTC))
    if day <= today:
        when = _("The account closes now: log-ins end, roles are taken away, the password goes.")
    else:
        when = _("The account closes on %(day)s.", day=show(day))
    sentences = [when]
    if held:
        sentences.append(_("They still hold work. Hand it over, before or after."))
    return render_template(
        "ask.html",
        question=_("Record that %(name)s leaves?", name=person.name),
        sentences=sentences,
        action=url_for("leaving.officer", officer_id=person.id),
        sent={"left_on": day.isoformat()},
        words=_("Record that they leave"),
        back=url_for("leaving.officer", officer_id=person.id),
        crumbs=[
            (types_label(Officer), url_for(f"{endpoint_of(Officer)}.index_view")),
            (person.name, record_url(person)),
        ],
    )


def _write_down(person: Officer) -> str:
    """Do what the form says; return why not, where it is refused."""
    by, now, today = present_log_in().officer_id, datetime.now(UTC), security.today()
    try:
        if "back" in request.form:
            leave.come_back(person)
            said = _("They are back. Give them a new password, and ask for their roles.")
        else:
            day = _day(request.form.get("left_on", ""))
            closed = leave.leave(person, on=day, today=today, by=by, now=now)
            said = (
                _("The account is closed.")
                if closed
                else _("The account closes on %(day)s.", day=show(day))
            )
        db.session.commit()
    except (RuleBroken, IntegrityError) as refused:
        db.session.rollback()
        return words_of(refused)
    flash(said, "success")
    return ""


def _day(typed: str) -> date:
    try:
        return date.fromisoformat(typed.strip())
    except ValueError:
        raise RuleBroken("Write the day as 2026-03-31.", field="left_on") from None


def _list_of(held: Held) -> str:
    """Return the address of the list that shows these records."""
    filters = {f"flt{place}_{name}": value for place, (name, value) in enumerate(held.filters)}
    return url_for(f"{endpoint_of(held.model)}.index_view", **filters)


def init_app(app: Flask) -> None:
    """Give `app` the screen of officers who leave."""
    app.register_blueprint(leaving)

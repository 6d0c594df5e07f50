"""Giving and taking roles: what one administrator asks for, another approves."""

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Flask, Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

import security
from actions import roles as change
from models import Officer, Record, RoleChange, db
from rules import RuleBroken
from rules.accounts import RoleChangeState, has_expired
from rules.permissions import Role, Verb
from views.asking import present_log_in
from views.base import RecordView
from views.errors import words_of
from views.labels import enum_label
from views.shown import record_url

roles = Blueprint("roles", __name__)


class RoleChangeView(RecordView):
    """Requests for roles, with the forms to approve, refuse or take one back."""

    details_template = "account/role_change.html"

    def what_can_be_done(self, record: Record) -> set[str]:
        """Return which of "approve", "refuse", "take_back" the officer may press."""
        me = security.current_officer()
        if me is None or not isinstance(record, RoleChange) or not security.can(Verb.EDIT, Officer):
            return set()
        if not _is_open(record):
            return set()
        if me.id == record.asked_by_id:
            return {"take_back"}
        return set() if me.id == record.officer_id else {"approve", "refuse"}


def _is_open(record: RoleChange) -> bool:
    waits = record.state is RoleChangeState.ASKED
    return waits and not has_expired(record.asked_at, datetime.now(UTC))


@roles.route("/account/officers/<int:officer_id>/roles", methods=["GET", "POST"])
def officer(officer_id: int) -> Any:
    """For those who edit officers: take roles away, which is done at once, and ask for others."""
    person: Officer = security.load(Officer, officer_id)
    security.require(Verb.EDIT, person)
    refused = ""
    if request.method == "POST":
        refused = _change(person)
        if not refused:
            return redirect(record_url(person) or url_for("admin.index"), 303)
        person = security.load(Officer, officer_id)
    else:
        change.expire(datetime.now(UTC))
        db.session.commit()
    waiting = db.session.scalar(
        select(RoleChange).where(
            RoleChange.officer_id == person.id, RoleChange.state == RoleChangeState.ASKED
        )
    )
    text = render_template(
        "account/roles.html",
        person=person,
        every_role=list(Role),
        ticked=request.form.getlist("roles") if refused else person.roles,
        reason=request.form.get("reason", ""),
        waiting=waiting,
        refused=refused,
    )
    return Response(text, 400 if refused else 200)


def _change(person: Officer) -> str:
    """Change the roles as the form says; return why not, where it is refused."""
    try:
        taken, asked = change.change_roles(
            person,
            held=request.form.getlist("held"),
            wanted=request.form.getlist("roles"),
            reason=request.form.get("reason", ""),
        )
        db.session.commit()
    except (RuleBroken, IntegrityError) as refusal:
        db.session.rollback()
        return words_of(refusal)
    if taken:
        flash(_("Taken away: %(roles)s. It holds from now on.", roles=_names(taken)), "success")
    if asked:
        flash(
            _("Asked for: %(roles)s. Another administrator approves it.", roles=_names(asked)),
            "success",
        )
    return ""


def _names(given: list[Role]) -> str:
    return ", ".join(enum_label(role) for role in given)


@roles.post("/account/role-requests/<int:role_change_id>")
def decide(role_change_id: int) -> Any:
    """Approve or refuse what another administrator asked for, or take back what one asked for."""
    asked: RoleChange = security.load(RoleChange, role_change_id)
    security.require(Verb.EDIT, Officer)
    by, now = present_log_in().officer_id, datetime.now(UTC)
    what = request.form.get("what", "")
    try:
        if what == "approve":
            change.approve(asked, by=by, now=now)
            said = _("The roles are given.")
        elif what == "take_back":
            change.take_back(asked, by=by, now=now)
            said = _("The request is taken back.")
        else:
            change.refuse(asked, by=by, reasons=request.form.get("reasons", ""), now=now)
            said = _("The request is refused.")
        db.session.commit()
        flash(said, "success")
    except (RuleBroken, IntegrityError) as refused:
        db.session.rollback()
        flash(words_of(refused), "error")
    return redirect(url_for("record_role_change.details_view", id=role_change_id), 303)


def init_app(app: Flask) -> None:
    """Give `app` the screens on which roles are given and taken."""
    app.register_blueprint(roles)

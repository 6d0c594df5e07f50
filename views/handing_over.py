"""Handing the open work of an officer over to another: choose whom and what, look, do it."""

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Flask, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext, ngettext
from sqlalchemy.exc import IntegrityError

import security
from actions import handing_over as acting
from models import Grievance, Officer, db
from queries.leaving import HANDED_OVER, still_held
from rules import RuleBroken
from views.asking import may_hand_over
from views.errors import refusal_in_words
from views.fields import RecordForm, RelationField
from views.labels import show
from views.shown import crumb_of, endpoint_of, record_url

blueprint = Blueprint("handing_over", __name__)


class HandOverForm(RecordForm):
    """Who takes the work over."""

    successor = RelationField(
        lazy_gettext("Who takes it over"),
        target=Officer,
        address=lambda: url_for(f"{endpoint_of(Grievance)}.ajax_lookup", name="handler"),
    )

    def whom(self) -> Officer:
        """Return the officer who was chosen. Raises RuleBroken."""
        chosen: Officer | None = self.successor.data
        if chosen is not None:
            return chosen
        problems = self.successor.process_errors or [_("Choose an officer.")]
        raise RuleBroken("%(problem)s", field="successor", problem=problems[0])


@blueprint.route("/account/officers/<int:officer_id>/hand-over", methods=["GET", "POST"])
def officer(officer_id: int) -> Any:
    """Choose who takes over what, see what that is, and do it when it was looked at."""
    person: Officer = security.load(Officer, officer_id)
    if not may_hand_over(person):
        abort(403)
    form, parts, problem, status = HandOverForm(), None, "", 200
    chosen = request.form.getlist("what") if form.is_submitted() else list(HANDED_OVER)
    if form.is_submitted():
        try:
            parts = _preview(form, person, chosen)
            if not parts:
                raise RuleBroken("There is nothing of this to hand over.")
            looked_at = request.form.get("looked_at", "")
            if looked_at and looked_at == acting.fingerprint(parts):
                return _do(person, form.whom(), parts)
            if looked_at:
                problem, status = _("It has changed since you looked. Look again."), 409
        except (RuleBroken, IntegrityError) as refused:
            problem, key = refusal_in_words(refused)
            db.session.rollback()
            person, status = security.load(Officer, officer_id), 400
            if key in form:
                form[key].errors, problem = [problem], ""
    return _page(person, form, parts, chosen, problem), status


def _preview(form: HandOverForm, person: Officer, chosen: list[str]) -> list[acting.Part]:
    return acting.preview(
        person,
        form.whom(),
        chosen,
        scope=security.visible,
        now=datetime.now(UTC),
        settings=security.impartiality(),
    )


def _do(person: Officer, successor: Officer, parts: list[acting.Part]) -> Any:
    number = acting.hand_over(parts, successor)
    name, person_id = successor.name, person.id
    db.session.commit()
    flash(
        ngettext(
            "%(number)s record is %(name)s's from now on.",
            "%(number)s records are %(name)s's from now on.",
            number,
            number=show(number),
            name=name,
        ),
        "success",
    )
    return redirect(url_for("handing_over.officer", officer_id=person_id), 303)


def _page(
    person: Officer,
    form: HandOverForm,
    parts: list[acting.Part] | None,
    chosen: list[str],
    problem: str,
) -> str:
    held = still_held(db.session(), person.id, today=security.today(), now=datetime.now(UTC))
    numbers = {one.words: one.number for one in held}
    return render_template(
        "account/hand_over.html",
        person=person,
        form=form,
        parts=parts,
        kinds=[
            (what, kind.words, numbers.get(kind.words, 0)) for what, kind in HANDED_OVER.items()
        ],
        chosen=chosen,
        problem=problem,
        looked_at=acting.fingerprint(parts) if parts else "",
        crumbs=[
            crumb_of(Officer),
            (person.name, record_url(person)),
        ],
    )


def init_app(app: Flask) -> None:
    """Give `app` the page on which work is handed over."""
    app.register_blueprint(blueprint)

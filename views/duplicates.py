"""Grievances that may be about the same matter: what the page of one suggests, and the answers to
it: link, different matters, merge. And how a link is taken back."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Flask, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.exc import IntegrityError

import security
from actions import links as acting
from models import Grievance, GrievanceLink, db
from queries.duplicates import Suggestion, suggested
from rules import RuleBroken
from rules.casework import GRIEVANCE
from rules.grievance import LinkKind
from rules.impartiality import LONGEST_REASON
from rules.permissions import Verb
from views.asking import who_asks
from views.case import CASE_PARTS
from views.errors import refusal_in_words
from views.shown import crumbs_of, record_url

blueprint = Blueprint("duplicates", __name__, url_prefix="/admin/same-matter")


@dataclass(frozen=True)
class Shown:
    """What the page of a grievance suggests: the likest others, to who may answer; `merge` is the
    address of the step that merges it, where the officer may take it."""

    grievance: Grievance
    suggestions: list[Suggestion]
    may_link: bool
    merge: str

    @property
    def together(self) -> list[tuple[bool, list[Suggestion]]]:
        """The suggestions in two parts, empty ones left out: those of which both were open at the
        same time, and those that came again after one was closed (True)."""
        parts = [
            (again, [one for one in self.suggestions if one.came_again is again])
            for again in (False, True)
        ]
        return [(again, found) for again, found in parts if found]


def for_case(grievance: Grievance) -> Shown:
    """Return what the page of `grievance` suggests; one statement, none for who may not answer."""
    may_link = security.can(Verb.CREATE, GrievanceLink)
    rows: Any = ()
    if may_link:
        rows = db.session.execute(suggested(grievance.id, security.visible(Grievance)))
    merges = "merge" in {one.name for one in GRIEVANCE.possible(grievance.state, security.roles())}
    return Shown(
        grievance=grievance,
        suggestions=[Suggestion(*row) for row in rows],
        may_link=may_link,
        merge=url_for("casework.step", grievance_id=grievance.id, name="merge") if merges else "",
    )


@blueprint.post("/<grievance_id>")
def answer(grievance_id: str) -> Any:
    """Say of another grievance that it is about the same matter, or about another."""
    security.require(Verb.CREATE, GrievanceLink)
    grievance = security.load(Grievance, grievance_id)
    other = security.load(Grievance, request.form.get("other", ""))
    address = record_url(grievance) or url_for("admin.index")
    kinds = {"same": LinkKind.SAME_SUBJECT, "different": LinkKind.DIFFERENT}
    kind = kinds.get(request.form.get("what", ""))
    try:
        if kind is None:
            raise RuleBroken("Choose one from the list.")
        acting.link(
            grievance,
            other,
            kind,
            by=who_asks(),
            now=datetime.now(UTC),
            settings=security.impartiality(),
        )
        db.session.commit()
    except (RuleBroken, IntegrityError) as refused:
        words = refusal_in_words(refused)[0]
        db.session.rollback()
        flash(words, "error")
    else:
        different = kind is LinkKind.DIFFERENT
        flash(_("Noted. It is not suggested again.") if different else _("Linked."), "success")
    return redirect(address, 303)


@blueprint.route("/link/<link_id>/undo", methods=["GET", "POST"])
def undo(link_id: str) -> Any:
    """Take a link back, with the reason."""
    security.require(Verb.CREATE, GrievanceLink)
    held = security.load(GrievanceLink, link_id)
    grievance = security.load(Grievance, held.grievance_id)
    problem, status = "", 200
    if request.method == "POST":
        try:
            acting.undo(
                held,
                request.form.get("reason", ""),
                by=who_asks(),
                now=datetime.now(UTC),
                settings=security.impartiality(),
            )
            db.session.commit()
        except (RuleBroken, IntegrityError) as refused:
            problem, status = refusal_in_words(refused)[0], 400
            db.session.rollback()
            held = security.load(GrievanceLink, link_id)
            grievance = security.load(Grievance, held.grievance_id)
        else:
            flash(_("The link is taken back. It stays in the history."), "success")
            return redirect(record_url(grievance) or url_for("admin.index"), 303)
    page = render_template(
        "grievances/undo_link.html",
        held=held,
        grievance=grievance,
        problem=problem,
        typed=request.form.get("reason", ""),
        longest=LONGEST_REASON,
        crumbs=crumbs_of(grievance),
    )
    return page, status


def init_app(app: Flask) -> None:
    """Give `app` the pages of links, and each grievance its suggestions."""
    app.register_blueprint(blueprint)
    CASE_PARTS["duplicates"] = for_case

"""What is asked before log-ins end: a page for each question, which script shows as a dialog over
the page that it was asked on. The answers go to views/account.py."""

from typing import Any

from flask import Blueprint, Flask, abort, render_template, url_for
from flask_babel import gettext as _
from sqlalchemy import select

import security
from models import Officer, OfficerSession, db
from rules.permissions import Verb
from views.asking import present_log_in
from views.labels import show, types_label
from views.shown import Crumb, endpoint_of, record_url

ending = Blueprint("ending", __name__)


@ending.get("/account/log-ins/<int:log_in_id>/end")
def ask_one(log_in_id: int) -> str:
    """Ask whether one log-in of one's own is to end."""
    query = select(OfficerSession).where(
        OfficerSession.id == security.parse_id(log_in_id),
        OfficerSession.officer_id == present_log_in().officer_id,
        OfficerSession.ended_at.is_(None),
    )
    log_in = db.session.scalar(query) or abort(404)
    return _ask(
        _("End this log-in?"),
        [
            _(
                "%(device)s, last request on %(when)s.",
                device=log_in.device,
                when=show(log_in.seen_at),
            ),
            _("What was typed there and not saved is lost. Whoever sits there must log in again."),
        ],
        url_for("account.end_log_in", log_in_id=log_in.id),
        _("End"),
    )


@ending.get("/account/log-ins/end-others")
def ask_others() -> str:
    """Ask whether all log-ins of one's own but this one are to end."""
    present_log_in()
    return _ask(
        _("End all your other log-ins?"),
        [
            _("This one goes on. Do it where you have left yourself logged in somewhere."),
            _("What was typed there and not saved is lost."),
        ],
        url_for("account.end_other_log_ins"),
        _("End all the others"),
    )


@ending.get("/account/officers/<int:officer_id>/ask/<what>")
def ask_officer(officer_id: int, what: str) -> str:
    """Ask whether all log-ins of an officer are to end, for whoever edits officers: alone
    (`log-ins`), or with a new `password` or without the `second-factor`."""
    person: Officer = security.load(Officer, officer_id)
    security.require(Verb.EDIT, person)
    name = person.name
    questions: dict[str, tuple[str, str, str, dict[str, str]]] = {
        "log-ins": (
            _("End all log-ins of %(name)s?", name=name),
            _("They can log in again with the same password."),
            _("End all log-ins"),
            {},
        ),
        "password": (
            _("Give %(name)s a new password?", name=name),
            _("The present one does not hold any more. The new one is shown once, to you."),
            _("Give a new password"),
            {"password": "new"},
        ),
        "second-factor": (
            _("Take the second factor of %(name)s away?", name=name),
            _("They log in with the password alone, and must choose a new one then."),
            _("Take the second factor away"),
            {"second_factor": "away"},
        ),
    }
    question, sentence, words, sent = questions.get(what) or abort(404)
    address = url_for("account.officer", officer_id=person.id)
    lost = _("All their log-ins end at once. What they typed and have not saved is lost.")
    crumbs: list[Crumb] = [
        (types_label(Officer), url_for(f"{endpoint_of(Officer)}.index_view")),
        (name, record_url(person)),
    ]
    return _ask(question, [lost, sentence], address, words, back=address, sent=sent, crumbs=crumbs)


def _ask(question: str, sentences: list[str], action: str, words: str, **more: Any) -> str:
    given = {"back": url_for("account.me"), "sent": {}, "crumbs": []} | more
    return render_template(
        "ask.html",
        question=question,
        sentences=sentences,
        action=action,
        words=words,
        **given,
    )


def init_app(app: Flask) -> None:
    """Give `app` the questions before log-ins end."""
    app.register_blueprint(ending)

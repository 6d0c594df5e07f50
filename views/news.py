"""The page from which whoever brought a grievance is told that there is news under their code, and
never more than that: not what it is, nor about what. Their mail address is read through an opening
of the identity that runs (views/identity.py), and is kept nowhere else."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import (
    Blueprint,
    Flask,
    abort,
    current_app,
    flash,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import joinedload

import mailing
import security
from actions import identity as identities
from actions import news as acting
from models import Grievance, GrievanceCode, News, db
from queries import identity as asking
from rules import RuleBroken
from rules.grievance import NewsWay
from rules.identity import MIGHT_OPEN, IdentityField
from sealing import key_ring
from views.asking import identity_at, who_asks
from views.labels import sentence
from views.shown import crumbs_of

blueprint = Blueprint("news", __name__, url_prefix="/admin/news")

SHOWN = 50


@dataclass(frozen=True)
class Shown:
    """What the page of a grievance shows of news: how they want to hear of it, and where they are
    told; None for who is not to tell them."""

    way: NewsWay
    url: str | None


def for_case(grievance: Grievance) -> Shown:
    """Return what templates/grievances/_mail.html shows; no statement."""
    may_tell = bool(security.roles() & MIGHT_OPEN)
    url = url_for("news.page", grievance_id=grievance.id) if may_tell else None
    return Shown(grievance.news_way, url)


@blueprint.before_request
def _may_enter() -> None:
    if not security.roles() & MIGHT_OPEN:
        abort(403)


def _refused(check: Callable[..., Any], grievance: Grievance) -> str:
    """Return the sentence with which the rules of identities refuse this officer; "" for none."""
    try:
        check(grievance, who_asks(), identity_at())
    except RuleBroken as broken:
        return sentence(broken)
    return ""


@blueprint.get("/<grievance_id>")
def page(grievance_id: str) -> Any:
    """Who was told and how, and what can be told now."""
    return _page(security.load(Grievance, grievance_id))


def _page(grievance: Grievance, *, problem: str = "", code: str = "", status: int = 200) -> Any:
    session, officer = db.session(), who_asks()
    told = (
        select(News)
        .where(News.grievance_id == grievance.id)
        .options(joinedload(News.told_by))
        .order_by(News.told_at.desc(), News.id.desc())
        .limit(SHOWN)
    )
    coded = select(GrievanceCode.updated_at).where(GrievanceCode.grievance_id == grievance.id)
    crumbs = crumbs_of(grievance)
    return render_template(
        "news/page.html",
        grievance=grievance,
        ways=NewsWay,
        told=session.scalars(told).all(),
        coded_at=session.scalar(coded),
        may_code=not _refused(identities.check_sealing, grievance),
        refused=_refused(identities.duty_to_open, grievance),
        running=session.scalar(asking.running_opening(grievance.id, officer.id)),
        has_mail=bool(current_app.config["MAIL_HOST"]),
        problem=problem,
        code=code,
        crumbs=crumbs,
    ), status


@blueprint.post("/<grievance_id>/code")
def code(grievance_id: str) -> Any:
    """Make a code, and show it this once."""
    grievance = security.load(Grievance, grievance_id)
    if refused := _refused(identities.check_sealing, grievance):
        return _page(grievance, problem=refused, status=403)
    made = acting.make_code(grievance)
    db.session.commit()
    return _page(security.load(Grievance, grievance_id), code=made)


@blueprint.post("/<grievance_id>/told")
def told(grievance_id: str) -> Any:
    """Tell them by mail, or note that they were told in the way they chose."""
    grievance = security.load(Grievance, grievance_id)
    if refused := _refused(identities.duty_to_open, grievance):
        return _page(grievance, problem=refused, status=403)
    try:
        way = NewsWay(request.form.get("way", ""))
    except ValueError:
        return _page(grievance, problem=_("Choose how they were told."), status=400)
    try:
        acting.check_way(grievance, way)
        sure = _mail_them(grievance) if way is NewsWay.EMAIL else True
        acting.note_told(
            security.load(Grievance, grievance_id), way, by=who_asks(), now=datetime.now(UTC)
        )
    except RuleBroken as problem:
        db.session.rollback()
        words = sentence(problem)
        return _page(security.load(Grievance, grievance_id), problem=words, status=400)
    db.session.commit()
    if sure:
        flash(_("It is noted that they were told."), "success")
    else:
        flash(_("The line to the mail server broke at the end: the mail may have arrived or not."))
    return redirect(url_for("news.page", grievance_id=grievance_id), 303)


def _mail_them(grievance: Grievance) -> bool:
    """Send the mail; return whether the mail server said that it has it. Raises RuleBroken, of
    which mailing.NotTaken is one."""
    settings = current_app.config
    if not settings["MAIL_HOST"]:
        raise RuleBroken("No mail server is set up here. Tell your administrator.")
    running = db.session.scalar(asking.running_opening(grievance.id, who_asks().id))
    known = running and identities.read_opened(running.id, ring=key_ring(settings))
    if not known:
        raise RuleBroken("Open the identity first: the address is read through that opening.")
    to = known[IdentityField.EMAIL]
    if not to:
        raise RuleBroken("No mail address is sealed for this grievance.")
    db.session.rollback()  # nothing in the database waits for the mail server
    paragraphs = [
        _("There is news about what you told us. Ask for it under the code that you were given."),
        _("Nobody reads replies to this mail."),
    ]
    written = mailing.write(
        paragraphs,
        to=to,
        subject=_("There is news under your code"),
        reference=security.request_id(),
        settings=settings,
        now=datetime.now(UTC),
    )
    try:
        with mailing.line(settings) as server:
            mailing.hand_over(
                server, written, sender=settings["MAIL_FROM"], before_the_end=lambda: None
            )
    except mailing.NobodyKnows:
        return False
    return True


def init_app(app: Flask) -> None:
    """Register the page of news."""
    app.register_blueprint(blueprint)

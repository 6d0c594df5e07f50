"""Log-in and log-out, one's own account, the language, and the log-ins of others for those who
administer officers. The server-side session is kept here, because it commits."""

import math
import time
from collections.abc import Callable, Container, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import (
    Blueprint,
    Flask,
    Request,
    Response,
    abort,
    current_app,
    flash,
    redirect,
    render_template,
    request,
    url_for,
)
from flask import (
    session as web_session,
)
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_wtf.csrf import CSRFError
from sqlalchemy import select, update
from sqlalchemy.exc import InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.wrappers import Response as Reply

import security
from actions import accounts, second_factor
from config import LANGUAGES
from models import Officer, OfficerSession, db
from rules import RuleBroken
from rules.accounts import Appearance
from rules.passwords import LONGEST, SHORTEST, SHORTEST_WITH_SECOND_FACTOR
from rules.permissions import Verb
from views.asking import limits, own_record, present_log_in, visitor
from views.errors import page
from views.labels import sentence

SEEN_EVERY = timedelta(minutes=1)
MINUTES_FOR_CODE = 5

account = Blueprint("account", __name__)


# --- The session of the server ---------------------------------------------------------------


class WebSession(SessionMixin):
    """flask.session: read at its first use, so that a request which uses none costs none."""

    def __init__(self, read: Callable[[], dict[str, Any]]) -> None:
        self._read = read
        self._contents: dict[str, Any] | None = None
        self.modified = False

    @property
    def is_read(self) -> bool:
        return self._contents is not None

    @property
    def contents(self) -> dict[str, Any]:
        if self._contents is None:
            self._contents = self._read()
        return self._contents

    def __getitem__(self, key: str) -> Any:
        return self.contents[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.contents[key] = value
        self.modified = True

    def __delitem__(self, key: str) -> None:
        del self.contents[key]
        self.modified = True

    def __iter__(self) -> Iterator[str]:
        return iter(self.contents)

    def __len__(self) -> int:
        return len(self.contents)


class WebSessions(SecureCookieSessionInterface):
    """Keeps the session of an officer in officer_session, so that its cookie is a random token
    and nothing else; a visitor's, which holds the secret of the log-in form, in a signed cookie."""

    def open_session(self, app: Flask, request: Request) -> WebSession:  # type: ignore[override]
        def read() -> dict[str, Any]:
            log_in = security.current_log_in()
            if log_in:
                return dict(log_in.data)
            visitor = super(WebSessions, self).open_session(app, request)
            return dict(visitor or {})

        return WebSession(read)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        if not isinstance(session, WebSession):
            return
        log_in = security.known_log_in()
        if log_in:
            response.vary.add("Cookie")
            _keep(log_in, session.contents if session.is_read and session.modified else None)
        elif session.is_read:
            visitor = SecureCookieSession(session.contents)
            visitor.accessed, visitor.modified = True, session.modified
            super().save_session(app, visitor, response)


def _keep(log_in: OfficerSession, data: dict[str, Any] | None) -> None:
    """Write what changed of the session in a small transaction of its own."""
    now = datetime.now(UTC)
    if data is None and now - log_in.seen_at < SEEN_EVERY:
        return
    values = {"seen_at": now} | ({} if data is None else {"data": data})
    try:
        db.session.rollback()  # what a view left uncommitted stays uncommitted
        db.session.execute(
            update(OfficerSession)
            .where(OfficerSession.id == log_in.id, OfficerSession.ended_at.is_(None))
            .values(values)
            .execution_options(synchronize_session=False)
        )
        db.session.commit()
    except (OperationalError, InterfaceError, ProgrammingError, PoolTimeout):
        # The answer stands: what it says was saved is saved. Only a message may be lost.
        db.session.remove()
        current_app.logger.warning("the session of a log-in could not be kept")


# --- Log-in and log-out ----------------------------------------------------------------------


@account.route("/login", methods=["GET", "POST"])
@security.public
def log_in() -> Any:
    """Ask for username and password; go on to where the visitor wanted to be."""
    wanted = security.local_path(request.values.get("next")) or url_for("admin.index")
    present = security.current_log_in()
    if request.method != "POST":
        return redirect(wanted) if present else _log_in_page(wanted)
    username = request.form.get("username", "")
    try:
        opened = accounts.log_in(
            username, request.form.get("password", ""), visitor=visitor(), limits=limits()
        )
    except accounts.TooManyTries as refused:
        db.session.rollback()
        return _log_in_page(wanted, username, refused)
    except RuleBroken as refused:
        db.session.commit()  # the failure counts against the next try
        return _log_in_page(wanted, username, refused)
    if present:
        security.act_as(present.officer_id)
        accounts.end_sessions(present.officer_id, only=present.id, now=datetime.now(UTC))
    db.session.commit()
    if isinstance(opened, accounts.HalfWay):
        return _ask_for_code(opened, wanted, is_logged_in=present is not None)
    return _let_in(opened, wanted)


def _let_in(token: str, wanted: str) -> Reply:
    web_session.clear()
    reply = redirect(wanted, 303)
    security.remember_log_in(reply, token)
    return reply


def _ask_for_code(half_way: accounts.HalfWay, wanted: str, *, is_logged_in: bool) -> Reply:
    """Keep in the visitor's signed cookie that the password was right, for a few minutes."""
    if is_logged_in:  # that log-in has just ended, and its session cannot keep anything
        reply = redirect(url_for("account.log_in", next=wanted), 303)
        security.forget_log_in(reply)
        return reply
    web_session["half_way"] = {
        "officer": half_way.officer_id,
        "stamp": half_way.stamp,
        "until": time.time() + MINUTES_FOR_CODE * 60,
        "next": wanted,
    }
    return redirect(url_for("account.code"), 303)


@account.route("/login/code", methods=["GET", "POST"])
@security.public
def code() -> Any:
    """Ask for the code of the second factor, and open the log-in."""
    waiting = web_session.get("half_way") or {}
    if waiting.get("until", 0) < time.time():
        web_session.pop("half_way", None)
        return redirect(url_for("account.log_in", next=waiting.get("next")), 303)
    if request.method == "GET":
        return _code_page(None)
    half_way = accounts.HalfWay(waiting["officer"], waiting["stamp"])
    try:
        token = accounts.log_in_with_code(
            half_way, request.form.get("code", ""), visitor=visitor(), limits=limits()
        )
        db.session.commit()
    except accounts.TooManyTries as refused:
        db.session.rollback()
        return _code_page(refused)
    except accounts.Expired as refused:
        db.session.rollback()
        del web_session["half_way"]
        return _log_in_page(waiting["next"], refused=refused)
    except RuleBroken as refused:
        db.session.commit()  # the failure counts against the next try
        return _code_page(refused)
    return _let_in(token, waiting["next"])


def _code_page(refused: RuleBroken | None) -> Response:
    words = sentence(refused) if refused else ""
    return _refusing(render_template("account/code.html", refused=words), refused)


def _log_in_page(wanted: str, username: str = "", refused: RuleBroken | None = None) -> Response:
    text = render_template(
        "account/log_in.html",
        wanted=wanted,
        username=username,
        refused=sentence(refused) if refused else "",
    )
    return _refusing(text, refused)


def _refusing(text: str, refused: RuleBroken | None) -> Response:
    response = Response(text, 400 if refused else 200)
    if isinstance(refused, accounts.TooManyTries):
        response.status_code = 429
        response.headers["Retry-After"] = str(math.ceil(refused.seconds))
    return response


@account.post("/logout")
def logout() -> Any:
    """End this log-in."""
    present = present_log_in()
    accounts.end_sessions(present.officer_id, only=present.id, now=datetime.now(UTC))
    db.session.commit()
    reply = redirect(url_for("account.log_in"), 303)
    security.forget_log_in(reply)
    return reply


@account.post("/language")
@security.public
def language() -> Any:
    """Change the language."""
    return _choose("language", LANGUAGES)


@account.post("/appearance")
@security.public
def appearance() -> Any:
    """Change the colours: light, dark, or as the system says."""
    return _choose("appearance", set(Appearance))


def _choose(what: str, offered: Container[str]) -> Reply:
    """Keep what was chosen: for an officer for good, for a visitor until the browser closes."""
    chosen = request.form.get(what, "")
    if chosen not in offered:
        abort(400)
    officer = security.current_officer()
    if officer:
        setattr(own_record(officer), what, chosen)
        db.session.commit()
    else:
        web_session[what] = chosen
    return redirect(security.local_path(request.form.get("next")) or url_for("admin.index"), 303)


# --- One's own account -----------------------------------------------------------------------


@account.route("/account", methods=["GET", "POST"])
def me() -> Any:
    """Show the officer's own data and log-ins; a POST changes the password."""
    present = present_log_in()
    if request.method == "POST":
        return _change_password(present, "account/me.html", _about(present))
    return render_template("account/me.html", **_password_page(None), **_about(present))


def _about(present: OfficerSession) -> dict[str, Any]:
    """Return what the page of one's own account shows."""
    has_factor = present.officer.second_factor_since is not None
    return {
        "present": present,
        "log_ins": _open_log_ins(present.officer_id),
        "codes_left": second_factor.codes_left(present.officer_id) if has_factor else 0,
    }


@account.route("/account/password", methods=["GET", "POST"])
def password() -> Any:
    """Have an officer choose a password in the place of one that they were given."""
    present = present_log_in()
    if not present.officer.must_change_password:
        return redirect(url_for("account.me"), 303)
    if request.method == "POST":
        return _change_password(present, "account/password.html", {})
    return render_template("account/password.html", **_password_page(None))


def _password_page(refused: RuleBroken | None) -> dict[str, Any]:
    officer = present_log_in().officer
    has_factor = officer.second_factor_since is not None
    return {
        "officer": officer,
        "shortest": SHORTEST_WITH_SECOND_FACTOR if has_factor else SHORTEST,
        "longest": LONGEST,
        "refused": sentence(refused) if refused else "",
        "field": refused.field if refused else "",
    }


def _change_password(present: OfficerSession, template: str, shown: dict[str, Any]) -> Any:
    """Change the password as the form says, or answer with `template` why not. The log-in goes on
    under a new token; the others end."""
    new = request.form.get("password", "")
    try:
        if new != request.form.get("again", ""):
            raise RuleBroken("The new password was not typed twice in the same way.", field="again")
        accounts.change_password(
            own_record(present.officer),
            current=request.form.get("current", ""),
            new=new,
            visitor=visitor(),
            limits=limits(),
        )
    except RuleBroken as refused:
        db.session.commit()  # a wrong present password counts like a failed log-in
        return Response(render_template(template, **shown, **_password_page(refused)), 400)
    ended = _end_others(present)
    flash(_("Your password is changed."), "success")
    _say_how_many(ended)
    token = accounts.renew_session(
        present, visitor=visitor(), limits=limits(), data=dict(web_session)
    )
    db.session.commit()
    reply = redirect(url_for("account.me"), 303)
    security.remember_log_in(reply, token)
    return reply


@account.post("/account/log-ins/<int:log_in_id>/end")
def end_log_in(log_in_id: int) -> Any:
    """End one log-in of one's own."""
    officer = present_log_in().officer
    number = security.parse_id(log_in_id)
    ended = number and accounts.end_sessions(officer.id, only=number, now=datetime.now(UTC))
    if not ended:
        abort(404)
    db.session.commit()
    _say_how_many(ended)
    return redirect(url_for("account.me"), 303)


@account.post("/account/log-ins/end-others")
def end_other_log_ins() -> Any:
    """End every log-in of one's own but this one."""
    ended = _end_others(present_log_in())
    db.session.commit()
    _say_how_many(ended)
    return redirect(url_for("account.me"), 303)


def _end_others(present: OfficerSession) -> int:
    return accounts.end_sessions(present.officer_id, other_than=present.id, now=datetime.now(UTC))


def _say_how_many(ended: int) -> None:
    if ended:
        flash(ngettext("%(num)s log-in ended.", "%(num)s log-ins ended.", ended), "success")


# --- The log-ins of others -------------------------------------------------------------------


@account.route("/account/officers/<int:officer_id>", methods=["GET", "POST"])
def officer(officer_id: int) -> Any:
    """For those who edit officers: end the log-ins of one, or give them a new password."""
    person: Officer = security.load(Officer, officer_id)
    security.require(Verb.EDIT, person)
    me_id = present_log_in().officer_id
    if person.id == me_id:
        return redirect(url_for("account.me"), 303)
    password = ""
    if request.method == "POST":
        now = datetime.now(UTC)
        if "password" in request.form:
            password = accounts.give_password(person, now=now)
        if "second_factor" in request.form and accounts.take_second_factor_away(person):
            flash(_("The second factor is taken away."), "success")
        _say_how_many(accounts.end_sessions(person.id, now=now))
        db.session.commit()
        if not password:
            return redirect(url_for("account.officer", officer_id=officer_id), 303)
    # The password is in this one answer only: not in the session, not in a redirect.
    return render_template(
        "account/officer.html",
        person=person,
        password=password,
        log_ins=_open_log_ins(person.id),
    )


# --- What the views above share --------------------------------------------------------------


def _open_log_ins(officer_id: int) -> list[OfficerSession]:
    now, limit = datetime.now(UTC), limits()
    query = (
        select(OfficerSession)
        .where(
            OfficerSession.officer_id == officer_id,
            OfficerSession.ended_at.is_(None),
            OfficerSession.seen_at > now - limit.idle,
            OfficerSession.started_at > now - limit.longest,
        )
        .order_by(OfficerSession.seen_at.desc(), OfficerSession.id)
    )
    return list(db.session.scalars(query))


def init_app(app: Flask) -> None:
    """Give `app` its log-in screens and its sessions."""
    app.session_interface = WebSessions()
    app.register_blueprint(account)

    @app.errorhandler(CSRFError)
    def forged(error: CSRFError) -> Any:
        return page(
            400,
            _(
                "This form is out of date: you have logged in or out since it was opened. Go "
                "back: what you typed is still there. Copy what you need, load the page again "
                "and send it once more."
            ),
        )

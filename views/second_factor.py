"""One's own second factor: setting it up with a QR code made here, recovery codes, taking it
away."""

from base64 import b64decode, b64encode
from typing import Any

import segno
from flask import Blueprint, Flask, Response, flash, redirect, render_template, request, url_for
from flask import session as web_session
from flask_babel import gettext as _

import security
from actions import accounts
from actions import second_factor as factor
from models import OfficerSession, db
from rules import RuleBroken
from views.asking import limits, own_record, present_log_in, visitor
from views.labels import sentence

second_factor = Blueprint("second_factor", __name__)


@second_factor.route("/account/second-factor", methods=["GET", "POST"])
def page() -> Any:
    """Set up a second factor, or show what can be done with the one there is."""
    present = present_log_in()
    if present.officer.second_factor_since is not None:
        return _factor_page()
    secret = _secret_of_page(present.officer_id)
    if request.method == "GET":
        return _set_up_page(secret, None)
    try:
        codes = accounts.set_up_second_factor(
            own_record(present.officer),
            secret,
            current=request.form.get("current", ""),
            code=request.form.get("code", ""),
            visitor=visitor(),
            limits=limits(),
        )
    except RuleBroken as refused:
        db.session.commit()  # a wrong password counts like a failed log-in
        return _set_up_page(secret, refused)
    del web_session["enrolling"]
    return _with_new_codes(present, codes)


def _secret_of_page(officer_id: int) -> str:
    """The secret that the page offers: the same until the log-in ends, and in cipher even while
    it counts for nothing."""
    key = limits().key
    if sealed := web_session.get("enrolling"):
        try:
            return factor.unseal(b64decode(sealed), officer_id=officer_id, key=key)
        except RuleBroken:
            pass  # the server's key has changed since: offer another
    secret = factor.new_secret()
    sealed = factor.seal(secret, officer_id=officer_id, key=key)
    web_session["enrolling"] = b64encode(sealed).decode()
    return secret


def _set_up_page(secret: str, refused: RuleBroken | None) -> Response:
    officer = present_log_in().officer
    address = factor.address_for(secret, officer.username)
    text = render_template(
        "account/set_up_factor.html",
        officer=officer,
        address=address,
        groups=[secret[at : at + 4] for at in range(0, len(secret), 4)],
        picture=segno.make(address, error="m").svg_data_uri(scale=5, border=4),
        is_duty=security.first_duty() == "second_factor.page",
        **_refusal(refused),
    )
    return Response(text, _status(refused))


def _factor_page(refused: RuleBroken | None = None) -> Response:
    officer = present_log_in().officer
    left = factor.codes_left(officer.id)
    text = render_template(
        "account/factor.html", officer=officer, codes_left=left, **_refusal(refused)
    )
    return Response(text, _status(refused))


def _with_new_codes(present: OfficerSession, codes: list[str]) -> Response:
    """Show the recovery codes: in this one answer only, which no cache and no session keeps. The
    log-in goes on under a new token."""
    token = accounts.renew_session(
        present, visitor=visitor(), limits=limits(), data=dict(web_session)
    )
    db.session.commit()
    reply = Response(render_template("account/recovery_codes.html", codes=codes))
    security.remember_log_in(reply, token)
    return reply


@second_factor.post("/account/recovery-codes")
def recovery_codes() -> Any:
    """Give ten new recovery codes; those there were count no more."""
    present = present_log_in()
    refused = _confirm(present)
    if refused:
        return _factor_page(refused)
    return _with_new_codes(present, factor.new_recovery_codes(present.officer_id, key=limits().key))


@second_factor.post("/account/take-second-factor-away")
def take_away() -> Any:
    """Take one's own second factor away, with password and code."""
    present = present_log_in()
    refused = _confirm(present)
    if refused:
        return _factor_page(refused)
    officer = own_record(present.officer)
    accounts.take_second_factor_away(officer, current=request.form.get("current", ""))
    db.session.commit()
    flash(_("Your second factor is taken away."), "success")
    return redirect(url_for("account.me"), 303)


def _confirm(present: OfficerSession) -> RuleBroken | None:
    """Ask for password and code; return why not, where they are not right."""
    try:
        accounts.confirm_both(
            own_record(present.officer),
            current=request.form.get("current", ""),
            code=request.form.get("code", ""),
            visitor=visitor(),
            limits=limits(),
        )
    except RuleBroken as refused:
        db.session.commit()  # the failure counts against the next try
        return refused
    return None


def _refusal(refused: RuleBroken | None) -> dict[str, str | None]:
    words = sentence(refused) if refused else ""
    return {"refused": words, "field": refused.field if refused else ""}


def _status(refused: RuleBroken | None) -> int:
    if isinstance(refused, accounts.TooManyTries):
        return 429
    return 400 if refused else 200


def init_app(app: Flask) -> None:
    """Give `app` the screens of the second factor."""
    app.register_blueprint(second_factor)

"""What the screens of accounts and of identities ask of a request: the limits of log-ins, where the
request comes from, whose it is; how long an opening lasts, and with which keys."""

from datetime import UTC, datetime, timedelta

from flask import abort, current_app, request
from flask import session as web_session

import security
from actions import accounts, identity
from models import Officer, OfficerSession, db
from rules.grievance import LetterLanguage
from rules.permissions import Role, Verb
from sealing import KeyRing, key_ring

# What a visitor may choose before they log in; the log-in takes it along.
CHOICES = ("language", "appearance")


def limits() -> accounts.Limits:
    """Return what the settings say about log-ins."""
    config = current_app.config
    return accounts.Limits(
        key=config["SECRET_KEY"],
        tries=config["LOGIN_TRIES"],
        wait=timedelta(minutes=config["LOGIN_WAIT_MINUTES"]),
        idle=timedelta(minutes=config["IDLE_MINUTES"]),
        longest=timedelta(hours=config["SESSION_HOURS"]),
    )


def visitor() -> accounts.Visitor:
    """Return where this request comes from."""
    device = request.headers.get("User-Agent", "")
    return accounts.Visitor(
        address=request.remote_addr or "",
        device="".join(character for character in device if character.isprintable()),
        now=datetime.now(UTC),
        today=security.today(),
        chosen={name: web_session[name] for name in CHOICES if web_session.get(name)},
    )


def present_log_in() -> OfficerSession:
    """Return the log-in of this request; 401 where there is none."""
    present = security.current_log_in()
    if present is None:
        abort(401)
    return present


def who_asks() -> Officer:
    """Return who asks; 401 where nobody has logged in."""
    return security.current_officer() or abort(401)


def own_record(officer: Officer) -> Officer:
    """Return the record of the current officer that may be changed; the one at hand is a copy."""
    return db.session.get_one(Officer, officer.id)


def identity_at() -> identity.At:
    """Return the time, and the date at the bureau."""
    return identity.At(datetime.now(UTC), security.today())


def identity_terms() -> identity.Terms:
    """Return for how long the settings let an identity be open."""
    config = current_app.config
    return identity.Terms(
        opening=timedelta(minutes=config["IDENTITY_MINUTES"]),
        agreement=timedelta(hours=config["IDENTITY_AGREEMENT_HOURS"]),
    )


def identity_ring() -> KeyRing:
    """Return the keys that seal identities."""
    return key_ring(current_app.config)


LOCALES = {LetterLanguage.ENGLISH: "en", LetterLanguage.CHINESE: "zh_Hans_CN"}
"""The locale of each language that letters are written in."""


def bureau() -> str:
    """Return name and address of the bureau, a line each."""
    return "\n".join(part.strip() for part in current_app.config["BUREAU"].split("|"))


def may_hand_over(person: Officer) -> bool:
    """Return whether the current officer may hand over the work of `person`: whoever edits
    officers, and the head of their office or of one above it."""
    if security.can(Verb.EDIT, Officer):
        return True
    if Role.OFFICE_HEAD not in security.roles():
        return False
    offices = security.visible_offices()
    return offices is None or person.office_id in offices

"""Log-ins and passwords: opening, ending and refusing them (promise B6)."""

import hashlib
import hmac
import math
import secrets
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import ColumnElement, delete, func, or_, select, update

from actions import roles, second_factor
from actions.trail import note
from models import LoginAttempt, Office, Officer, OfficerSession, db
from rules import RuleBroken
from rules.offices import OfficeLevel
from rules.passwords import SHORTEST, check_password, normalised, readable_text
from rules.permissions import Role
from rules.records import AuditVerb
from security import act_as, token_hash

HASHER = PasswordHasher()  # Argon2id with the library's parameters, those of RFC 9106 for 64 MB
ADDRESS_FACTOR = 10
"""An address may fail this many times as often as an account: an office shares one."""


@dataclass(frozen=True)
class Limits:
    """How often a log-in may fail and how long it lasts. `key` keeps what is stored of failed
    tries from being looked up by whoever reads the table."""

    key: str
    tries: int
    wait: timedelta
    idle: timedelta
    longest: timedelta

    def digest(self, kind: str, text: str) -> bytes:
        """Return what is kept of an account's name or an address."""
        return hmac.digest(self.key.encode(), f"{kind}:{text}".encode(), hashlib.sha256)


@dataclass(frozen=True)
class Visitor:
    """Where a log-in comes from: network address, what the browser calls itself, when (`today`
    is the date at the bureau), and what was chosen before it, the language and the colours."""

    address: str
    device: str
    now: datetime
    today: date
    chosen: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class HalfWay:
    """The password was right and the code is still to come. `stamp` ends with that password."""

    officer_id: int
    stamp: str


class TooManyTries(RuleBroken):
    """No password is looked at before `seconds` have passed."""

    def __init__(self, seconds: float) -> None:
        self.seconds = math.ceil(seconds)
        super().__init__(
            "There were too many tries. Wait %(minutes)s min and try again.",
            minutes=math.ceil(seconds / 60),
        )


class Expired(RuleBroken):
    """The password was typed too long ago, or is not the password any more."""

    def __init__(self) -> None:
        super().__init__("Your log-in took too long. Type your password again.")


# --- Log-in ----------------------------------------------------------------------------------


def log_in(username: str, password: str, *, visitor: Visitor, limits: Limits) -> str | HalfWay:
    """Open a log-in and return its token, which only the browser keeps; for an officer with a
    second factor, return that they are half way in.

    Raises RuleBroken, in the same words and after the same time whether there is no such
    officer, the password is wrong, or the officer has left; TooManyTries while others failed
    before. Commit in either case: a refusal leaves a trace too.
    """
    username = clean_username(username)
    account = _hold_account(username, visitor, limits)
    officer = db.session.scalar(select(Officer).where(Officer.username == username))
    stored = officer.password_hash if officer and _may_log_in(officer, visitor.today) else None
    if not _matches(stored, password) or officer is None:
        _count_failure(account, visitor, limits)
        _note(AuditVerb.LOGIN_FAILED, about=officer.id if officer else None)
        raise RuleBroken("The username or the password is not right.")
    if HASHER.check_needs_rehash(officer.password_hash):
        act_as(officer.id)
        officer.password_hash = HASHER.hash(normalised(password))
        db.session.flush()
    if officer.second_factor_since is not None:
        # What failed before still counts: else the password would buy endless tries at the code.
        return HalfWay(officer.id, _stamp(officer, limits))
    return _let_in(officer, account, visitor, limits)


def log_in_with_code(half_way: HalfWay, code: str, *, visitor: Visitor, limits: Limits) -> str:
    """Open the log-in of an officer whose password was right, and return its token.

    Raises RuleBroken where the code is not right or was used, which counts like a wrong password;
    TooManyTries while others failed before; Expired where the password must be typed again.
    Commit in either case.
    """
    officer = db.session.get(Officer, half_way.officer_id)
    if (
        officer is None
        or officer.second_factor_since is None
        or not _may_log_in(officer, visitor.today)
        or not hmac.compare_digest(_stamp(officer, limits), half_way.stamp)
    ):
        raise Expired
    account = _hold_account(officer.username, visitor, limits)
    act_as(officer.id)  # an officer's second factor is in their own hand alone
    db.session.refresh(officer)
    try:
        second_factor.use_code(officer, code, key=limits.key, now=visitor.now)
    except RuleBroken:
        _count_failure(account, visitor, limits)
        _note(AuditVerb.LOGIN_FAILED, about=officer.id)
        raise
    return _let_in(officer, account, visitor, limits)


def _let_in(officer: Officer, account: bytes, visitor: Visitor, limits: Limits) -> str:
    _forget_failures(account)
    token = start_session(officer.id, visitor=visitor, limits=limits)
    _note(AuditVerb.LOGIN, about=officer.id)
    return token


def _stamp(officer: Officer, limits: Limits) -> str:
    return limits.digest("half way", f"{officer.id}:{officer.password_hash}").hex()


def clean_username(username: str) -> str:
    """Return `username` as it is stored: without blanks around it, in lower case."""
    return unicodedata.normalize("NFKC", username).strip().lower()


def start_session(
    officer_id: int, *, visitor: Visitor, limits: Limits, data: dict[str, Any] | None = None
) -> str:
    """Open a log-in for this officer without asking for a password, and return its token. From
    here on they are the one who acts. `data` is what the web session begins with."""
    act_as(officer_id)
    timed_out = or_(
        OfficerSession.seen_at <= visitor.now - limits.idle,
        OfficerSession.started_at <= visitor.now - limits.longest,
    )
    _end(OfficerSession.officer_id == officer_id, timed_out, now=visitor.now)
    token = secrets.token_urlsafe(32)
    # The forms' secret is made here, so that first pages opened side by side agree on it.
    data = {"csrf_token": secrets.token_hex(20), **(data or {}), **visitor.chosen}
    db.session.add(
        OfficerSession(
            officer_id=officer_id,
            token_hash=token_hash(token),
            device=visitor.device.strip()[:200] or "?",
            address=visitor.address[:60] or None,
            data=data,
            started_at=visitor.now,
            seen_at=visitor.now,
        )
    )
    db.session.flush()
    return token


def _may_log_in(officer: Officer, today: date) -> bool:
    return officer.left_on is None or officer.left_on > today


@cache
def _nobodys_hash() -> str:
    return HASHER.hash(secrets.token_urlsafe(32))


def _matches(stored: str | None, password: str) -> bool:
    """Whether `password` is the one that was stored; where there is none it takes as long."""
    comparison = _nobodys_hash()
    try:
        HASHER.verify(stored or comparison, normalised(password))
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


# --- Throttling ------------------------------------------------------------------------------


def _hold_account(username: str, visitor: Visitor, limits: Limits) -> bytes:
    """Let one try at a time at this account, so that tries sent at once are counted too; return
    its digest. Raises TooManyTries."""
    account = limits.digest("account", username)
    lock = int.from_bytes(account[:8], signed=True)
    db.session.execute(select(func.pg_advisory_xact_lock(lock)))
    address = limits.digest("address", visitor.address)
    _refuse_after(LoginAttempt.account_hash == account, limits.tries, visitor, limits)
    _refuse_after(
        LoginAttempt.address_hash == address, limits.tries * ADDRESS_FACTOR, visitor, limits
    )
    return account


def _refuse_after(whose: ColumnElement[bool], tries: int, visitor: Visitor, limits: Limits) -> None:
    query = (
        select(LoginAttempt.at)
        .where(whose, LoginAttempt.at > visitor.now - limits.wait)
        .order_by(LoginAttempt.at.desc())
        .limit(tries)
    )
    recent = db.session.scalars(query).all()
    if len(recent) >= tries:
        raise TooManyTries((recent[-1] + limits.wait - visitor.now).total_seconds())


def _count_failure(account: bytes, visitor: Visitor, limits: Limits) -> None:
    address = limits.digest("address", visitor.address)
    db.session.execute(delete(LoginAttempt).where(LoginAttempt.at <= visitor.now - limits.wait))
    db.session.add(LoginAttempt(account_hash=account, address_hash=address, at=visitor.now))
    db.session.flush()


def _forget_failures(account: bytes) -> None:
    db.session.execute(delete(LoginAttempt).where(LoginAttempt.account_hash == account))


# --- Ending log-ins --------------------------------------------------------------------------


def end_sessions(
    officer_id: int,
    *,
    now: datetime,
    only: int | None = None,
    other_than: int | None = None,
) -> int:
    """End the open log-ins of an officer, all of them or `only` one or all `other_than` one
    (ids of officer_session); return how many there were."""
    conditions = [OfficerSession.officer_id == officer_id]
    if only is not None:
        conditions.append(OfficerSession.id == only)
    if other_than is not None:
        conditions.append(OfficerSession.id != other_than)
    count = _end(*conditions, now=now)
    if count:
        _note(AuditVerb.LOGOUT, about=officer_id)
    return count


def _end(*conditions: ColumnElement[bool], now: datetime) -> int:
    ended = db.session.scalars(
        update(OfficerSession)
        .where(OfficerSession.ended_at.is_(None), *conditions)
        .values(ended_at=now)
        .returning(OfficerSession.id)
    )
    return len(ended.all())


# --- Passwords and first officers ------------------------------------------------------------


def set_password(officer: Officer, password: str, *, now: datetime) -> None:
    """Give `officer` a password. Raises RuleBroken where it may not be one."""
    check_password(
        password,
        username=officer.username,
        name=officer.name,
        has_second_factor=officer.second_factor_since is not None,
    )
    officer.password_hash = HASHER.hash(normalised(password))
    officer.password_changed_at = now
    officer.must_change_password = False
    db.session.flush()


def give_password(officer: Officer, *, now: datetime) -> str:
    """Return a new password for `officer` that somebody else hands over: they must choose their
    own at the next log-in."""
    password = random_password()
    set_password(officer, password, now=now)
    officer.must_change_password = True
    db.session.flush()
    return password


def change_password(
    officer: Officer, *, current: str, new: str, visitor: Visitor, limits: Limits
) -> None:
    """Replace the password of `officer` by `new`. Raises RuleBroken where `current` is not the
    present one, which counts like a failed log-in: commit in that case too."""
    account = _confirm_password(officer, current, visitor, limits)
    if normalised(current) == normalised(new):
        raise RuleBroken("This is the password you have. Choose another one.", field="password")
    set_password(officer, new, now=visitor.now)
    _forget_failures(account)


def _confirm_password(officer: Officer, typed: str, visitor: Visitor, limits: Limits) -> bytes:
    account = _hold_account(officer.username, visitor, limits)
    if not _matches(officer.password_hash, typed):
        _count_failure(account, visitor, limits)
        raise RuleBroken("This is not your present password.", field="current")
    return account


def set_up_second_factor(
    officer: Officer,
    secret: str,
    *,
    current: str,
    code: str,
    visitor: Visitor,
    limits: Limits,
) -> list[str]:
    """Give `officer` the second factor `secret` and return the recovery codes, which are not to be
    had again. Raises RuleBroken where the password `current` or the code is not right; a wrong
    password counts like a failed log-in: commit in that case too."""
    _confirm_password(officer, current, visitor, limits)
    return second_factor.set_up(officer, secret, code, key=limits.key, now=visitor.now)


def confirm_both(
    officer: Officer, *, current: str, code: str, visitor: Visitor, limits: Limits
) -> None:
    """Raise RuleBroken unless password and code are right; either counts like a failed log-in
    where it is not: commit in that case too."""
    account = _confirm_password(officer, current, visitor, limits)
    try:
        second_factor.use_code(officer, code, key=limits.key, now=visitor.now)
    except RuleBroken:
        _count_failure(account, visitor, limits)
        raise
    _forget_failures(account)


def take_second_factor_away(officer: Officer, *, current: str = "") -> bool:
    """Take the second factor of `officer` away and return whether there was one. Where the password
    is not known to be long enough to stand alone, they must choose another at the next log-in."""
    had_one = second_factor.take_away(officer)
    if had_one and len(normalised(current)) < SHORTEST:
        officer.must_change_password = officer.password_hash is not None
        db.session.flush()
    return had_one


def renew_session(
    present: OfficerSession, *, visitor: Visitor, limits: Limits, data: dict[str, Any]
) -> str:
    """Open a log-in in the place of `present`, because its rights have risen, and return the new
    token; the old one opens nothing any more. `data` is what its web session goes on with."""
    token = start_session(present.officer_id, visitor=visitor, limits=limits, data=data)
    _end(OfficerSession.id == present.id, now=visitor.now)
    return token


def random_password() -> str:
    """Return a password to hand over to an officer: 99 bits in letters that are easy to read."""
    return readable_text(groups=4, letters=5)


def create_administrator(
    *, username: str, name: str, office: str | None, password: str, now: datetime
) -> Officer:
    """Return a new officer who is administrator. `office` is the code or name of theirs; it may
    be left out where one office is at the top, and it is made where there is none at all.
    Raises RuleBroken."""
    username = clean_username(username)
    if not username or any(character.isspace() for character in username):
        raise RuleBroken("A username is one word, like anna.kowalska.", field="username")
    if db.session.scalar(select(Officer.id).where(Officer.username == username)):
        raise RuleBroken(
            "There is an officer with the username %(username)s already. Choose another one.",
            field="username",
            username=username,
        )
    check_password(password, username=username, name=name)
    officer = Officer(
        name=name.strip(),
        username=username,
        office_id=_office(office).id,
    )
    db.session.add(officer)
    set_password(officer, password, now=now)
    roles.give_roles(officer, [Role.ADMINISTRATOR])
    return officer


def _office(wanted: str | None) -> Office:
    if wanted is None:
        tops = db.session.scalars(select(Office).where(Office.parent_id.is_(None)).limit(2)).all()
        if len(tops) == 1:
            return tops[0]
        raise RuleBroken("Say which office the officer serves: --office NAME.", field="office")
    named = or_(Office.code == wanted, Office.name == wanted)
    found = db.session.scalars(select(Office).where(named).limit(2)).all()
    if len(found) == 1:
        return found[0]
    if found:
        raise RuleBroken(
            "Several offices are called %(office)s. Give the code of the one you mean.",
            field="office",
            office=wanted,
        )
    if db.session.scalar(select(Office.id).limit(1)):
        raise RuleBroken("There is no office %(office)s.", field="office", office=wanted)
    office = Office(name=wanted, code=wanted[:60], level=OfficeLevel.DISTRICT)
    db.session.add(office)
    db.session.flush()
    return office


def _note(verb: AuditVerb, *, about: int | None) -> None:
    note(verb, record_type=Officer.__tablename__, record_id=about)

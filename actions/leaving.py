"""Officers who leave, and those who come back. Nobody is deleted whom the trail names."""

from datetime import date, datetime

from sqlalchemy import or_, select

from actions import accounts, roles, second_factor
from models import Officer, db
from rules import RuleBroken
from rules.accounts import check_roles

REASON = "Has left the bureau."


def leave(officer: Officer, *, on: date, today: date, by: int, now: datetime) -> bool:
    """Write down that `officer` leaves on this day; return whether the account is closed with it,
    which it is from that day on. Raises RuleBroken."""
    if officer.id == by:
        raise RuleBroken("Another administrator records that you leave.")
    officer.left_on = on
    db.session.flush()
    if on > today:
        return False
    close(officer, now=now)
    return True


def close(officer: Officer, *, now: datetime) -> None:
    """Take from an officer who has left all that opens a door: log-ins, password, second factor,
    roles, and what was asked for."""
    officer_id = officer.id
    roles.lapse(officer_id)
    if officer.roles:
        roles.take_roles(officer_id, check_roles(officer.roles), reason=REASON)
    second_factor.take_away(officer)
    officer.password_hash = None
    officer.must_change_password = False
    db.session.flush()
    accounts.end_sessions(officer_id, now=now)


def close_accounts(*, today: date, now: datetime) -> int:
    """Close the accounts of all who have left by `today` and are not closed; return how many."""
    still_open = or_(
        Officer.password_hash.is_not(None),
        Officer.second_factor_since.is_not(None),
        Officer.roles != [],
    )
    query = select(Officer).where(Officer.left_on <= today, still_open).order_by(Officer.id)
    those = db.session.scalars(query).all()
    for officer in those:
        close(officer, now=now)
    return len(those)


def come_back(officer: Officer) -> None:
    """Let `officer` serve again. They get a new password and, by two administrators, new roles."""
    officer.left_on = None
    officer.password_hash = None
    db.session.flush()

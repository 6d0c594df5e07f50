"""Roles are given by two administrators and taken away by one (four eyes). The database does it:
the application may not write `officer.roles` (docs/decisions/0043)."""

from datetime import datetime
from typing import Any

from sqlalchemy import Text, cast, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import IntegrityError

from models import Officer, RoleChange, db
from rules import RuleBroken
from rules.accounts import (
    REQUEST_LASTS,
    RoleChangeKind,
    RoleChangeState,
    check_decider,
    check_roles,
    has_expired,
)
from rules.permissions import Role


def _call(name: str, *values: Any) -> Any:
    """Return what the function of the database answers; what is at hand is read anew."""
    db.session.flush()
    arguments = [
        cast(literal(value, ARRAY(Text)), ARRAY(Text)) if isinstance(value, list) else value
        for value in values
    ]
    answer = db.session.scalar(select(getattr(func, name)(*arguments)))
    db.session.expire_all()
    return answer


def change_roles(
    officer: Officer, *, held: list[str], wanted: list[str], reason: str
) -> tuple[list[Role], list[Role]]:
    """Let `officer` have the roles `wanted` instead of those `held`, which is what whoever asks saw
    them to have. Return the roles that are taken away, which is done, and those that are asked
    for, which waits for another administrator. Raises RuleBroken."""
    now_held = check_roles(officer.roles)
    if check_roles(held) != now_held:
        raise RuleBroken(
            "The roles of this officer were changed in the meantime. Look at them again."
        )
    asked_for = check_roles(wanted)
    taken = [role for role in now_held if role not in asked_for]
    new = [role for role in asked_for if role not in now_held]
    if not taken and not new:
        raise RuleBroken("These are the roles that the officer has.", field="roles")
    if not reason.strip():
        raise RuleBroken("Say why: whoever approves it must know.", field="reason")
    if taken:
        take_roles(officer.id, taken, reason=reason)
    if new:
        ask_roles(officer.id, new, reason=reason)
    return taken, new


def ask_roles(officer_id: int, roles: list[Role], *, reason: str) -> int:
    """Ask for `roles` in the name of the current officer; return the number of the request."""
    return int(_call("redress_ask_roles", officer_id, list(roles), reason.strip()))


def take_roles(officer_id: int, roles: list[Role], *, reason: str) -> None:
    """Take `roles` from an officer, at once: it holds from their next request."""
    _call("redress_take_roles", officer_id, list(roles), reason.strip())


def give_roles(officer: Officer, roles: list[Role]) -> None:
    """Give roles without a second person. Only for commands on the server, in the name of the
    system; the database refuses it to everybody else."""
    try:
        _call("redress_give_roles", officer.id, list(roles))
    except IntegrityError:
        raise RuleBroken(
            "The database does not know this server's key. Run flask db upgrade with the "
            "REDRESS_SECRET_KEY that the web server has, and try again."
        ) from None


def approve(change: RoleChange, *, by: int, now: datetime) -> None:
    """Give what was asked for. Raises RuleBroken."""
    _check_open(change, now)
    check_decider(decider_id=by, asked_by_id=change.asked_by_id, officer_id=change.officer_id)
    _call("redress_apply_roles", change.id)


def refuse(change: RoleChange, *, by: int, reasons: str, now: datetime) -> None:
    """Refuse what was asked for. Raises RuleBroken."""
    _check_open(change, now)
    check_decider(decider_id=by, asked_by_id=change.asked_by_id, officer_id=change.officer_id)
    if not reasons.strip():
        raise RuleBroken("Say why you refuse.", field="reasons")
    _end(change.id, RoleChangeState.REFUSED, reasons.strip())


def take_back(change: RoleChange, *, by: int, now: datetime) -> None:
    """Take one's own request back. Raises RuleBroken."""
    _check_open(change, now)
    if by != change.asked_by_id:
        raise RuleBroken("Only who asked takes a request back. Refuse it instead.")
    _end(change.id, RoleChangeState.TAKEN_BACK)


def lapse(officer_id: int) -> int:
    """End the open requests for and of an officer who has left; return how many there were."""
    mine = (RoleChange.officer_id == officer_id) | (RoleChange.asked_by_id == officer_id)
    return _end_all(mine, RoleChangeState.LAPSED)


def expire(now: datetime) -> int:
    """End the requests that waited too long; return how many there were."""
    return _end_all(RoleChange.asked_at <= now - REQUEST_LASTS, RoleChangeState.EXPIRED)


def _end_all(which: Any, outcome: RoleChangeState) -> int:
    open_ones = (RoleChange.state == RoleChangeState.ASKED, RoleChange.kind == RoleChangeKind.GIVE)
    ids = db.session.scalars(select(RoleChange.id).where(which, *open_ones)).all()
    for number in ids:
        _end(number, outcome)
    return len(ids)


def _end(change_id: int, outcome: RoleChangeState, reasons: str | None = None) -> None:
    _call("redress_end_role_request", change_id, outcome.value, reasons)


def _check_open(change: RoleChange, now: datetime) -> None:
    if change.state is not RoleChangeState.ASKED:
        raise RuleBroken("This request has been decided or has ended.")
    if has_expired(change.asked_at, now):
        raise RuleBroken("A request can be approved for 7 days. Ask anew.")

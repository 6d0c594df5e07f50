"""Accounts: how roles are given and taken, which roles call for a second factor, and what officers
choose for themselves."""

import enum
from datetime import datetime, timedelta

from rules import RuleBroken
from rules.permissions import READS_EVERY_OFFICE, Role


class Appearance(enum.StrEnum):
    """The colours of the screens that an officer chose; without a choice, as the system says."""

    SYSTEM = "as_the_system"
    LIGHT = "light"
    DARK = "dark"


class RoleChangeKind(enum.StrEnum):
    GIVE = "give"
    TAKE = "take"


class RoleChangeState(enum.StrEnum):
    """Giving waits for a second administrator; taking away is done at once."""

    ASKED = "asked"
    APPROVED = "approved"
    REFUSED = "refused"
    TAKEN_BACK = "taken_back"
    EXPIRED = "expired"
    LAPSED = "lapsed"
    DONE = "done"


REQUEST_LASTS = timedelta(days=7)
"""A request that nobody decides ends by itself: who approves later knows less of why."""

CALLS_FOR_SECOND_FACTOR = frozenset(READS_EVERY_OFFICE | {Role.SUPERVISOR})
"""Roles that read beyond their own office: of their accounts a stolen password opens most."""


def check_roles(wanted: list[str]) -> list[Role]:
    """Return `wanted` as roles, each once, in the order of the list of roles. Raises RuleBroken
    where one is none."""
    unknown = set(wanted) - set(Role)
    if unknown:
        raise RuleBroken("Choose roles from the list only.", field="roles")
    return [role for role in Role if role in wanted]


def check_decider(*, decider_id: int, asked_by_id: int | None, officer_id: int) -> None:
    """Raise RuleBroken where this administrator may not decide on a request for roles."""
    if decider_id == asked_by_id:
        raise RuleBroken("Another administrator must decide this: you asked for it.")
    if decider_id == officer_id:
        raise RuleBroken("Another administrator must decide this: the roles are for you.")


def has_expired(asked_at: datetime, now: datetime) -> bool:
    """Return whether a request that was made at `asked_at` waited too long."""
    return now >= asked_at + REQUEST_LASTS


def second_factor_roles(setting: str, *, production: bool) -> frozenset[Role]:
    """Return the roles whose officers must have a second factor. `setting` names them, with
    blanks or commas between, or says `all` or `none`; empty means those that read beyond their
    own office in production, and none on a desk. Raises ValueError for a word that is no role."""
    words = setting.replace(",", " ").lower().split()
    if not words:
        return CALLS_FOR_SECOND_FACTOR if production else frozenset()
    if words == ["all"]:
        return frozenset(Role)
    if words == ["none"]:
        return frozenset()
    return frozenset(Role(word) for word in words)

"""Proposals of who supervises what: what may be asked for, and when a proposal is decided."""

from collections.abc import Collection
from datetime import date, timedelta

from rules import RuleBroken
from rules.offices import OfficeLevel
from rules.supervision import ProposalState, ProposedState

LONGEST_DAYS = 5 * 366
"""So long a period is planned at most."""
MOST_OFFICES = 10_000
LEVELS = tuple(level for level in OfficeLevel if level is not OfficeLevel.DISTRICT)
"""What is planned for: the district's own office has nobody above it that could send a group."""


def check_wish(
    starts_on: date | None,
    ends_on: date | None,
    levels: Collection[OfficeLevel],
    groups: Collection[int],
    most_offices: int | None,
    *,
    today: date,
) -> None:
    """Refuse, with the field at fault, a wish for which nothing can be worked out."""
    if starts_on is None:
        raise RuleBroken("Give the first day of the period.", field="starts_on")
    if ends_on is None:
        raise RuleBroken("Give the first day after the period.", field="ends_on")
    if ends_on <= starts_on:
        raise RuleBroken("The end must be after the start.", field="ends_on")
    if starts_on < today:
        raise RuleBroken(
            "What was before today stays. Choose today or a later day.", field="starts_on"
        )
    if ends_on - starts_on > timedelta(days=LONGEST_DAYS):
        raise RuleBroken("A period of at most five years is planned at once.", field="ends_on")
    if not levels:
        raise RuleBroken("Choose at least one level of offices.", field="levels")
    if not groups:
        raise RuleBroken("Choose at least one group.", field="groups")
    if most_offices is not None and not 1 <= most_offices <= MOST_OFFICES:
        raise RuleBroken(
            "Give from 1 to %(most)s offices, or leave it empty.",
            field="most_offices",
            most=MOST_OFFICES,
        )


def state_with(lines: Collection[ProposedState]) -> ProposalState:
    """Return the state of a proposal that was worked out, with lines in these states: a draft for
    as long as one of them is open, or none has been decided."""
    decided = {one for one in lines if one is not ProposedState.NOT_PLACED}
    if ProposedState.OPEN in decided or not decided:
        return ProposalState.DRAFT
    if decided == {ProposedState.ACCEPTED}:
        return ProposalState.ACCEPTED
    if decided == {ProposedState.REFUSED}:
        return ProposalState.REFUSED
    return ProposalState.IN_PART

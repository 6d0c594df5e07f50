"""Which grievances must have a lead official, and of what rank: those that are long pending, and
those that a higher body sent down."""

from dataclasses import dataclass
from datetime import datetime

from rules import RuleBroken
from rules.offices import OfficeLevel

RANKS = (
    OfficeLevel.COMMUNITY,
    OfficeLevel.SUBDISTRICT,
    OfficeLevel.DEPARTMENT,
    OfficeLevel.DISTRICT,
)
"""Levels of offices, the lowest first: a leader has the rank of their office."""


@dataclass(frozen=True)
class Leading:
    """After how many days an open grievance must have a lead official, and of what rank at
    least; one that was sent from above must have one at once."""

    after_days: int
    rank: OfficeLevel

    def is_needed(self, *, is_from_above: bool, received_at: datetime, now: datetime) -> bool:
        """Return whether a grievance that is still open must have a lead official."""
        return is_from_above or (now - received_at).days >= self.after_days

    def check(
        self,
        leader_rank: OfficeLevel | None,
        *,
        is_from_above: bool,
        received_at: datetime,
        now: datetime,
        field: str | None = None,
    ) -> None:
        """Raise RuleBroken where a grievance must be led by somebody of another rank than
        `leader_rank`, that of its lead official; None for one without."""
        if not self.is_needed(is_from_above=is_from_above, received_at=received_at, now=now):
            return
        if leader_rank is None:
            raise RuleBroken(
                "This grievance is long pending, or was sent from above: it needs a lead official "
                "first. Set its plan, and choose one there.",
                field=field,
            )
        if RANKS.index(leader_rank) < RANKS.index(self.rank):
            raise RuleBroken(
                "This grievance is long pending, or was sent from above: choose a lead official "
                "of this rank at least: %(rank)s.",
                field=field,
                rank=self.rank,
            )

"""The round-up of supervision over a period: which visits were made, what was found, and whether
notices were answered in time.

It counts what groups did and what offices did about it, each in the period in which it began: a
visit by the day it took place, a finding by the day it was found, a notice by the day it was
issued. What is still a draft is in none. Nothing in it hangs on how many grievances came in
(domain.md, section 1).
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from rules.findings import ASKS
from rules.supervision import FindingSeverity, FindingState


@dataclass(frozen=True)
class Found:
    """So many findings of one severity, state and category; `category` is its id and name, None
    without one."""

    severity: FindingSeverity
    state: FindingState
    category: tuple[int, str] | None
    number: int


@dataclass(frozen=True)
class Visits:
    """Visits `made` at so many `offices`, and planned ones that were `cancelled`."""

    made: int = 0
    offices: int = 0
    cancelled: int = 0


@dataclass(frozen=True)
class Notices:
    """What became of the notices issued: answered by the first day that was set (`in_time`), by a
    later one after more time was granted (`postponed`), or `late`; `unanswered` although the day
    has passed; `waiting` for a day that has not come; `closed` by the group before its day, without
    a reply."""

    in_time: int = 0
    postponed: int = 0
    late: int = 0
    unanswered: int = 0
    waiting: int = 0
    closed: int = 0

    @property
    def issued(self) -> int:
        """All of them."""
        return self.ended + self.waiting + self.closed

    @property
    def answered(self) -> int:
        """Those answered within the time given, more time included."""
        return self.in_time + self.postponed

    @property
    def ended(self) -> int:
        """Those whose time for a reply is over or was met: the whole of which a share was
        answered."""
        return self.answered + self.late + self.unanswered


@dataclass(frozen=True)
class RoundUp:
    """All that a period came to."""

    visits: Visits = field(default_factory=Visits)
    found: tuple[Found, ...] = ()
    notices: Notices = field(default_factory=Notices)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to tell."""
        visits = self.visits.made + self.visits.cancelled
        return not (self.found or self.notices.issued or visits)

    @property
    def findings(self) -> int:
        """How many findings there are."""
        return sum(one.number for one in self.found)

    def by_severity(self) -> dict[FindingSeverity, int]:
        """Return how many there are of each severity, gravest first, those of none too."""
        counts = dict.fromkeys(FindingSeverity, 0)
        for one in self.found:
            counts[one.severity] += one.number
        return counts

    def by_state(self) -> dict[FindingState, int]:
        """Return how many of those that ask something of an office are in each state, in the order
        of a finding's life."""
        counts: dict[FindingState, int] = dict.fromkeys(FindingState, 0)
        del counts[FindingState.DRAFT]
        for one in self.found:
            if one.severity in ASKS:
                counts[one.state] += one.number
        return counts

    def put_right(self) -> tuple[int, int]:
        """Return how many of the findings that ask something were seen to be put right, and of how
        many. One that was closed otherwise is no success."""
        asked = sum(self.by_state().values())
        return self.by_state()[FindingState.VERIFIED], asked

    def crossed(self) -> dict[FindingSeverity, Mapping[FindingState, int]]:
        """Return the number of each severity in each state."""
        found: dict[FindingSeverity, Counter[FindingState]] = {
            severity: Counter() for severity in FindingSeverity
        }
        for one in self.found:
            found[one.severity][one.state] += one.number
        return dict(found)

    def by_category(self) -> list[tuple[str | None, Mapping[FindingSeverity, int]]]:
        """Return each category by name with its number of each severity, those with the most
        findings first; None is without a category."""
        names = dict(one.category for one in self.found if one.category)
        found: dict[int | None, Counter[FindingSeverity]] = {}
        for one in self.found:
            key = one.category[0] if one.category else None
            found.setdefault(key, Counter())[one.severity] += one.number
        order = sorted(
            found.items(),
            key=lambda item: (-item[1].total(), names.get(item[0] or 0, ""), item[0] or 0),
        )
        return [(names.get(key) if key else None, counts) for key, counts in order]

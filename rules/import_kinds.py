"""What records a file can bring in, and what a file can say of each kind of them.

A further record type costs a Kind here, what its rows come to in import_values.py, and the
statements that are its own in imports/targets.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from rules.grievance import Channel, GrievanceKind, GrievanceState
from rules.records import Brings
from rules.reprimand import Ground
from rules.supervision import FindingSeverity, FindingState, RootCause

OPEN = "open"
"""A status word of maps: not finished; `routed` where the responsible office is known, else
`registered`."""

# What a file can say of a grievance by itself. What stands on records of its own (an objection, a
# plan, a promise, an appeal, a merge) is done here; a withdrawal is recorded from the complainant's
# own statement alone (domain.md section 1).
STATES = frozenset(
    {
        OPEN,
        GrievanceState.REGISTERED,
        GrievanceState.ACKNOWLEDGED,
        GrievanceState.ROUTED,
        GrievanceState.ACCEPTED,
        GrievanceState.ANSWERED,
        GrievanceState.CLOSED,
    }
)


@dataclass(frozen=True)
class Kind:
    """The fields of one kind of record. `number` is the field by which the source knows it, `begin`
    the one before which none of `after_begin` may stand. `lines` and `texts` are given with the
    most characters that they take, `lists` with the values that there are."""

    brings: Brings
    number: str
    begin: str
    lines: Mapping[str, int]
    texts: Mapping[str, int]
    lists: Mapping[str, frozenset[str]]
    required: tuple[str, ...]
    moments: tuple[str, ...] = ()
    days: tuple[str, ...] = ()
    trees: tuple[str, ...] = ()
    offices: tuple[str, ...] = ()
    due: str = ""
    """The time that may stand before `begin`, with a warning."""
    too_early: str = "before_receipt"
    """Why a row is refused where another time stands before `begin`: a key of REASONS."""

    @property
    def fields(self) -> tuple[str, ...]:
        """Every field that a map may name."""
        return (
            *(*self.lines, *self.texts, *self.lists),
            *(*self.moments, *self.days, *self.trees, *self.offices),
        )


GRIEVANCES = Kind(
    Brings.GRIEVANCES,
    number="external_number",
    begin="received_at",
    lines={"external_number": 80, "title": 300, "place": 300},
    texts={"description": 100_000, "answer": 100_000},
    lists={
        "kind": frozenset(GrievanceKind),
        "channel": frozenset(Channel),
        "state": STATES,
    },
    required=("external_number", "title", "received_at"),
    moments=("received_at", "due_at", "acknowledged_at", "answered_at", "closed_at"),
    trees=("category", "area"),
    offices=("respondent_office", "responsible_office"),
    due="due_at",
)

# What a file can say of a finding by itself: that the office was told, or that it asks nothing
# more. That somebody has it, replied, claimed or verified is said here by who did it.
FINDINGS = Kind(
    Brings.FINDINGS,
    number="reference",
    begin="found_on",
    lines={"reference": 80, "subject": 300},
    texts={"facts": 100_000, "closed_because": 100_000},
    lists={
        "severity": frozenset(FindingSeverity),
        "ground": frozenset(Ground),
        "root_cause": frozenset(RootCause),
        "state": frozenset({FindingState.NOTIFIED, FindingState.CLOSED}),
    },
    required=("reference", "subject", "facts", "severity", "office", "found_on"),
    days=("found_on", "notified_on", "reply_due_on", "closed_on"),
    trees=("category",),
    offices=("office",),
    due="reply_due_on",
    too_early="before_finding",
)

KINDS: Mapping[Brings, Kind] = {one.brings: one for one in (GRIEVANCES, FINDINGS)}


def every(part: str) -> tuple[str, ...]:
    """Return the fields of a `part` ("moments") of all kinds, each once."""
    return tuple(dict.fromkeys(name for kind in KINDS.values() for name in getattr(kind, part)))

"""The states of inspections and supervision notices, and why an inspector stands aside."""

import enum


class InspectionState(enum.StrEnum):
    PLANNED = "planned"
    DONE = "done"
    CANCELLED = "cancelled"


class NoticeState(enum.StrEnum):
    DRAFT = "draft"
    ISSUED = "issued"
    REPLIED = "replied"
    CLOSED = "closed"


class RecusalGround(enum.StrEnum):
    """Why an officer has nothing to do with an office (domain.md section 6)."""

    SERVES = "serves_the_office"
    SERVED = "served_the_office"
    HANDLED = "handled_or_led_there"
    INTEREST = "conflict_of_interest"


class ChangeKind(enum.StrEnum):
    """What was done to who supervises what."""

    ASSIGN = "assign"
    MOVE = "move"
    SPLIT = "split"
    END = "end"
    TAKE_AWAY = "take_away"
    MANY = "assign_many"
    UNDO = "undo"


class ProposalState(enum.StrEnum):
    """How far a proposal of assignments is. Nothing of it holds before it is accepted."""

    WORKING = "working_it_out"
    DRAFT = "draft"
    ACCEPTED = "accepted_wholly"
    IN_PART = "accepted_in_part"
    REFUSED = "refused"
    FAILED = "failed"


class ProposedState(enum.StrEnum):
    """What became of one line of a proposal."""

    OPEN = "proposed"
    NOT_PLACED = "not_placed"
    ACCEPTED = "assigned"
    REFUSED = "refused"

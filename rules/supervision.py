"""The states of inspections and supervision notices, and why an inspector stands aside."""

import enum


class InspectionState(enum.StrEnum):
    PLANNED = "planned"
    UNDER_WAY = "under_way"
    DONE = "done"
    CANCELLED = "cancelled"


class FindingState(enum.StrEnum):
    """How far the office is in putting right what was found. CLOSED asks nothing of it (more)."""

    DRAFT = "draft"
    NOTIFIED = "notified"
    RECEIVED = "received"
    REPLIED = "replied"
    UNDER_WAY = "under_way"
    CLAIMED = "claimed"
    VERIFIED = "verified"
    CLOSED = "closed"


class FindingSeverity(enum.StrEnum):
    """How grave a failure of the office is; below these three, what asks nothing of it: a failure
    that it had put right before, handling that was in order, what is not the bureau's to judge."""

    GRAVE = "grave"
    SERIOUS = "serious"
    MINOR = "minor"
    PUT_RIGHT = "put_right"
    IN_ORDER = "in_order"
    OUTSIDE = "outside"


class RootCause(enum.StrEnum):
    """Why an office failed: what there was too little of or what went wrong in its own work. Never
    anything about those who bring grievances."""

    NO_PROCEDURE = "no_procedure"
    PROCEDURE_IGNORED = "procedure_not_followed"
    NO_TRAINING = "not_trained"
    TOO_FEW_STAFF = "too_few_staff"
    UNCLEAR_DUTY = "unclear_who_answers"
    NO_OVERSIGHT = "no_oversight"
    SYSTEM = "systems_or_records"
    OTHERS = "waited_for_another_office"
    MONEY = "no_money"


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

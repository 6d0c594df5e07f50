"""The states of inspections and supervision notices, and why an inspector stands aside."""

import enum


class InspectionState(enum.StrEnum):
    PLANNED = "planned"
    UNDER_WAY = "under_way"
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

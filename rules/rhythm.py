"""Closed lists of reception days, daily returns and targets."""

import enum


class ReceptionKind(enum.StrEnum):
    WEEKDAY = "weekday"
    WEEKEND = "weekend"
    JOINT = "joint"


class ReturnState(enum.StrEnum):
    """A corrected return is the old version, kept; the new one stands beside it."""

    DUE = "due"
    FILED = "filed"
    LATE = "filed_late"
    NIL = "nil"
    MISSING = "missing"
    CORRECTED = "corrected"


class Measure(enum.StrEnum):
    """What a target may ask of an office: its own handling, never what the public does."""

    ACKNOWLEDGED = "acknowledged_in_time"
    ANSWERED = "answered_in_time"
    REMEDIED = "remedied_in_time"
    NOTICES = "notices_answered_in_time"
    RETURNS = "returns_filed_in_time"
    UPHELD = "decisions_upheld_on_appeal"
    RATED = "rated_good_by_complainants"

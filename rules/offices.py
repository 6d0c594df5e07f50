"""Closed lists that describe offices, their standards and their calendar."""

import enum

DISTRICT = "district"
"""The calendar of the district; others have names of their own."""


class OfficeLevel(enum.StrEnum):
    DISTRICT = "district"
    DEPARTMENT = "department"
    SUBDISTRICT = "subdistrict"
    COMMUNITY = "community"


class AreaLevel(enum.StrEnum):
    DISTRICT = "district"
    SUBDISTRICT = "subdistrict"
    COMMUNITY = "community"


class ClockStage(enum.StrEnum):
    """What a service standard gives time for (domain.md section 5)."""

    ACKNOWLEDGE = "acknowledge"
    OBJECT = "object"
    DECIDE = "decide"
    EXTEND = "extend"
    ASK_REVIEW = "ask_review"
    REVIEW = "review"


WINDOWS = frozenset({ClockStage.OBJECT, ClockStage.ASK_REVIEW})
"""Stages whose time is somebody's to use: it lapses, and nobody is late."""


class ClockUnit(enum.StrEnum):
    WORKING_HOURS = "working_hours"
    WORKING_DAYS = "working_days"
    CALENDAR_DAYS = "calendar_days"
    MONTHS = "months"


class DueTime(enum.StrEnum):
    """When on its last day a time ends that is counted in days or months."""

    END_OF_DAY = "end_of_day"
    END_OF_HOURS = "end_of_working_hours"
    SAME_CLOCK = "same_time_of_day"


class ClockStart(enum.StrEnum):
    """What happened to a grievance, or to its decision, that a clock runs from."""

    RECEIVED = "received"
    ACKNOWLEDGED = "acknowledged"
    ROUTED = "routed"
    ACCEPTED = "accepted"
    TOLD = "decision_told"
    REVIEW_ASKED = "review_asked"


class DayKind(enum.StrEnum):
    HOLIDAY = "holiday"
    MAKE_UP = "make_up_working_day"

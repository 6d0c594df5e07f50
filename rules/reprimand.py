"""The states of a reprimand and the closed lists that describe it (domain.md section 7)."""

import enum


class ReprimandState(enum.StrEnum):
    DRAFT = "draft"
    CHECKED = "checked"
    SERVED = "served"
    REPLIED = "replied"
    DECIDED = "decided"
    DROPPED = "dropped"
    ISSUED = "issued"
    CIRCULATED = "circulated"
    LIFTED = "lifted"
    EXPIRED = "expired"
    QUASHED = "quashed"


class Ground(enum.StrEnum):
    """Failures of duty in handling, and nothing else: never the number, the level or the
    persistence of complaints."""

    LATE = "no_answer_in_time"
    FALSE_RECORD = "false_record_or_return"
    PROMISE_BROKEN = "promise_not_kept"
    NOTICE_IGNORED = "notice_ignored"
    NOT_REGISTERED = "refused_to_register"
    CONFIDENCE_BROKEN = "breach_of_confidentiality"
    RETALIATION = "retaliation"
    INTEREST_HIDDEN = "conflict_of_interest_hidden"


class Scope(enum.StrEnum):
    """Who gets a reprimand to read; each wider scope is a harder penalty."""

    OFFICE = "office_alone"
    SUPERIOR = "its_superior"
    ALL_OFFICES = "all_offices"
    PUBLIC = "public"


class Outcome(enum.StrEnum):
    ISSUE = "issue"
    REDUCE = "reduce"
    DROP = "drop"


class CirculationKind(enum.StrEnum):
    """A correction goes to exactly the offices that got the reprimand."""

    REPRIMAND = "reprimand"
    AMENDMENT = "amendment"
    QUASHING = "quashing"


class RectificationState(enum.StrEnum):
    PLANNED = "planned"
    CLAIMED = "claimed_done"
    VERIFIED = "verified"


class ReferralState(enum.StrEnum):
    """Redress recommends; the body with personnel power decides."""

    DRAFT = "draft"
    REFERRED = "referred"
    ANSWERED = "answered"

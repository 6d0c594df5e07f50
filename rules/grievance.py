"""The states of a grievance and the closed lists that describe it."""

import enum


class GrievanceState(enum.StrEnum):
    """Where a grievance stands; rules/casework.py says what leads from one to another."""

    REGISTERED = "registered"
    ACKNOWLEDGED = "acknowledged"
    ROUTED = "routed"
    OBJECTED = "routing_objected"
    ACCEPTED = "accepted"
    PLANNED = "planned"
    ANSWERED = "answered"
    REMEDY = "remedy_under_way"
    REMEDIED = "remedy_verified"
    CLOSED = "closed"
    APPEALED = "appealed"
    REOPENED = "reopened"
    WITHDRAWN = "withdrawn"
    DUPLICATE = "duplicate"


class GrievanceKind(enum.StrEnum):
    """What a grievance is about; impartiality is stricter for conduct (domain.md section 6)."""

    SERVICE = "service"
    CONDUCT = "conduct"
    DECISION = "decision"


class Channel(enum.StrEnum):
    """How a grievance reached the bureau."""

    COUNTER = "counter"
    PHONE = "phone"
    WEB = "web"
    APP = "app"
    LETTER = "letter"
    EMAIL = "email"
    SOCIAL = "social"
    RECEPTION = "reception"
    REFERRAL = "referral"
    STAFF = "staff"
    OTHER = "other"


class NewsWay(enum.StrEnum):
    """How whoever brought a grievance wants to hear that there is news under their code."""

    ASK = "they_ask_themselves"
    EMAIL = "by_mail"
    PHONE = "by_phone"
    LETTER = "by_letter"
    IN_PERSON = "in_person"


class PauseGround(enum.StrEnum):
    """The only grounds on which a clock may stand still (domain.md section 5)."""

    COMPLAINANT = "waiting_for_complainant"
    HEARING = "hearing"
    COURT = "court"


class PointFinding(enum.StrEnum):
    UPHELD = "upheld"
    PARTLY = "partly_upheld"
    NOT_UPHELD = "not_upheld"


class RemedyState(enum.StrEnum):
    PROMISED = "promised"
    DONE = "done"
    VERIFIED = "verified"


class StepState(enum.StrEnum):
    PLANNED = "planned"
    DONE = "done"
    DROPPED = "dropped"


class RequestState(enum.StrEnum):
    """An extension or an objection asks somebody else to decide."""

    ASKED = "asked"
    GRANTED = "granted"
    REFUSED = "refused"


class AppealState(enum.StrEnum):
    """An appeal has ended undecided where the complainant withdrew the grievance."""

    FILED = "filed"
    DECIDED = "decided"
    ENDED = "ended"


class AppealOutcome(enum.StrEnum):
    UPHELD = "upheld"
    PARTLY = "partly_upheld"
    DISMISSED = "dismissed"


class LinkKind(enum.StrEnum):
    """Two grievances relate by subject matter only, never by who brought them."""

    SAME_SUBJECT = "same_subject"
    DUPLICATE = "duplicate_of"
    DIFFERENT = "different_matters"
    """Somebody has looked, and these are not the same: they are not suggested again."""


class AsideGround(enum.StrEnum):
    """Why an officer stands aside from one grievance (domain.md section 6)."""

    THEIRS = "what_is_complained_of_is_theirs"
    TIES = "ties_to_somebody_concerned"
    INTEREST = "conflict_of_interest"


class DocumentKind(enum.StrEnum):
    EVIDENCE = "evidence"
    REPLY = "reply"
    MINUTES = "minutes"
    LETTER = "letter"
    OTHER = "other"


class DecisionState(enum.StrEnum):
    """A draft is proposed to a second person, who approves it or sends it back."""

    DRAFT = "draft"
    PROPOSED = "proposed"
    GIVEN = "given"


class LetterKind(enum.StrEnum):
    ACKNOWLEDGEMENT = "acknowledgement"
    TO_COMPLAINANT = "answer_to_complainant"
    TO_OFFICE = "answer_to_office"


class LetterLanguage(enum.StrEnum):
    ENGLISH = "english"
    CHINESE = "chinese"


class ReportState(enum.StrEnum):
    """A report that somebody suffered for having complained."""

    REPORTED = "reported"
    CONFIRMED = "confirmed"
    NOT_CONFIRMED = "not_confirmed"

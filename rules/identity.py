"""Who may open a sealed identity, what for and for how long it is kept (domain.md, line 5)."""

import enum
from dataclasses import dataclass
from datetime import date, timedelta

from rules import RuleBroken, mark
from rules.grievance import GrievanceKind
from rules.impartiality import Tree, is_of_line
from rules.permissions import Role


class IdentityField(enum.StrEnum):
    """What is sealed of somebody who brought a grievance; each apart."""

    NAME = "name"
    PHONE = "phone"
    EMAIL = "email"
    ADDRESS = "address"
    WISHES = "wishes"


LONGEST = {
    IdentityField.NAME: 200,
    IdentityField.PHONE: 100,
    IdentityField.EMAIL: 200,
    IdentityField.ADDRESS: 500,
    IdentityField.WISHES: 2000,
}
"""Most characters of each field."""

LONGEST_REASON = 1000


class OpeningGround(enum.StrEnum):
    """What an identity is opened for; the complainant reads this word."""

    ACKNOWLEDGE = "to_confirm_receipt"
    ASK = "to_ask_for_what_is_missing"
    HEAR = "to_invite_to_a_hearing"
    ANSWER = "to_send_the_answer"
    REMEDY = "to_carry_out_the_remedy"
    REVIEW = "to_decide_the_review"
    SHIELD = "to_shield_from_retaliation"
    CORRECT = "to_correct_it_at_their_wish"


class ErasureGround(enum.StrEnum):
    """Why an identity was erased."""

    RETENTION = "kept_long_enough"
    WISH = "complainant_asked"
    ORDER = "court_or_law"
    ERROR = "sealed_in_error"


class Duty(enum.StrEnum):
    """The duty that needs the identity, by which the log of openings names the officer."""

    INTAKE = "intake"
    HANDLER = "handler"
    LEAD_OFFICIAL = "lead_official"
    OFFICE_HEAD = "office_head"
    DECIDER = "decider"


# They change the rules of the house, or read its whole trail; with an identity too, one person
# could do everything. No other role that they hold outweighs it.
NEVER_OPEN = frozenset({Role.ADMINISTRATOR, Role.AUDITOR})
MIGHT_OPEN = frozenset(Role(duty.value) for duty in Duty)
READ_THE_LOG = MIGHT_OPEN | {Role.AUDITOR}
SEALS = frozenset({Role.INTAKE})


@dataclass(frozen=True)
class Asker:
    """Who asks: `served` are the offices the officer serves, served within the cooling-off period,
    or is recused from."""

    officer_id: int
    office_id: int
    roles: frozenset[Role]
    served: frozenset[int]


@dataclass(frozen=True)
class Case:
    """The grievance: `respondents` are the offices that are or ever were named as complained
    about; `first_deciders` those whose decision an open appeal is against, None without one."""

    kind: GrievanceKind
    needs_two: bool
    handler_id: int | None
    lead_official_id: int | None
    responsible_office_id: int | None
    respondents: frozenset[int]
    first_deciders: frozenset[int] | None


def duty_of(asker: Asker, case: Case) -> Duty | None:
    """Return the duty of `asker` that needs the identity of `case`; None where there is none."""
    if asker.roles & NEVER_OPEN:
        return None
    if Role.INTAKE in asker.roles:
        return Duty.INTAKE
    if Role.HANDLER in asker.roles and case.handler_id == asker.officer_id:
        return Duty.HANDLER
    if Role.LEAD_OFFICIAL in asker.roles and case.lead_official_id == asker.officer_id:
        return Duty.LEAD_OFFICIAL
    if Role.OFFICE_HEAD in asker.roles and case.responsible_office_id == asker.office_id:
        return Duty.OFFICE_HEAD
    involved = {case.handler_id, case.lead_official_id} | (case.first_deciders or set())
    if (
        Role.DECIDER in asker.roles
        and case.first_deciders is not None
        and asker.officer_id not in involved
    ):
        return Duty.DECIDER
    return None


def is_partial(asker: Asker, case: Case, tree: Tree) -> bool:
    """Return whether `asker` is of the line of the office complained about.

    Below that office always; above it too where conduct is complained about or harm is feared,
    since a superior answers for the conduct of those below. Where somebody's conduct or decision
    is complained about and no office is named yet, everybody could be of it.
    """
    if not case.respondents and case.kind is not GrievanceKind.SERVICE:
        return True
    return _is_of_line(asker, case, tree)


def _is_of_line(asker: Asker, case: Case, tree: Tree) -> bool:
    strict = case.needs_two or case.kind is GrievanceKind.CONDUCT
    return is_of_line(asker.served, case.respondents, tree, upwards=strict)


def opening_duty(asker: Asker, case: Case, tree: Tree) -> Duty:
    """Return the duty for which `asker` may open the identity of `case`, or see to it that two
    agree. Raises RuleBroken."""
    duty = duty_of(asker, case)
    if duty is None:
        raise RuleBroken(
            "Only those open an identity whose duty needs it: intake, the handler and the lead "
            "official of this grievance, the head of the responsible office, the decider of its "
            "appeal."
        )
    if not case.respondents and case.kind is not GrievanceKind.SERVICE:
        raise RuleBroken(
            "Name the office complained about first: whoever is of it must not see who complained."
        )
    if is_partial(asker, case, tree):
        raise _of_the_line()
    return duty


def sealing_duty(asker: Asker, case: Case, tree: Tree) -> None:
    """Raise RuleBroken unless `asker` may seal the identity of `case`, or seal it anew: intake,
    whether or not the office complained about is named yet, but nobody of that office."""
    if not asker.roles & SEALS or asker.roles & NEVER_OPEN:
        raise RuleBroken("Intake seals who complained.")
    if _is_of_line(asker, case, tree):
        raise _of_the_line()


def _of_the_line() -> RuleBroken:
    return RuleBroken(
        "You serve the office complained about or its line, did so in the last two years, or are "
        "recused from it. Who complained is not for you to see."
    )


def check_fields(values: dict[IdentityField, str]) -> dict[IdentityField, str]:
    """Return what is to be sealed, without blanks around it. Raises RuleBroken, which names the
    field and never what was typed."""
    cleaned = {field: values.get(field, "").strip() for field in IdentityField}
    for field, text in cleaned.items():
        if len(text) > LONGEST[field]:
            raise RuleBroken(
                "This is too long: at most %(most)s characters.",
                field=field.value,
                most=LONGEST[field],
            )
    if not any(cleaned.values()):
        raise RuleBroken("Write something to seal; an anonymous grievance needs nothing here.")
    return cleaned


def check_reason(text: str) -> str:
    """Return the reason for an opening without blanks around it. Raises RuleBroken."""
    text = text.strip()
    if not text:
        raise RuleBroken("Say in a sentence what you need it for.", field="reason")
    if len(text) > LONGEST_REASON:
        raise RuleBroken(
            "This is too long: at most %(most)s characters.", field="reason", most=LONGEST_REASON
        )
    return text


def kept_until(ended_on: date | None, days: int) -> date | None:
    """Return the last day on which the identity of a grievance that ended on `ended_on` is kept;
    None while it has not ended."""
    return ended_on + timedelta(days=days) if ended_on else None


HELP = {
    IdentityField.NAME: mark("As they want to be addressed"),
    IdentityField.PHONE: mark("Numbers, and when to call"),
    IdentityField.EMAIL: mark("Mail address or other messages"),
    IdentityField.ADDRESS: mark("Where letters reach them"),
    IdentityField.WISHES: mark("How they want to be reached, by whom not, and what they need"),
}

"""Who may not touch what (domain.md section 6): the office complained about and its line, who acted
before, and who stands aside. The system refuses with the reason; two others may override it."""

import enum
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from rules import RuleBroken, Said, mark
from rules.grievance import GrievanceKind
from rules.leading import Leading
from rules.permissions import Role

COOLING_OFF_DAYS = 730
"""So long an officer who served an office is counted as serving it still: two years."""

Tree = Mapping[int, int | None]
"""Each office with the one directly above it."""


def line_above(office: int, tree: Tree) -> Iterator[int]:
    """Yield `office` and the offices above it, nearest first; each once, even in a circle."""
    seen: set[int] = set()
    at: int | None = office
    while at is not None and at not in seen:
        seen.add(at)
        yield at
        at = tree.get(at)


def line_of(served: Iterable[int], tree: Tree) -> frozenset[int]:
    """Return the offices of whose line somebody is who serves, or served of late, the offices
    `served`: these and all above them."""
    return frozenset(above for office in served for above in line_above(office, tree))


def is_of_line(
    served: Iterable[int], respondents: Iterable[int], tree: Tree, *, upwards: bool
) -> bool:
    """Return whether somebody who serves, or served of late, the offices `served` is of the line
    of the offices complained about: of one of them or of an office below it; with `upwards` also
    of an office above it, which answers for it."""
    served, respondents = set(served), set(respondents)
    if respondents & line_of(served, tree):
        return True
    return upwards and any(served & set(line_above(office, tree)) for office in respondents)


class Act(enum.StrEnum):
    """What somebody is about to do in a matter, and must be impartial for."""

    RECORD = "record_what_was_said"
    ROUTE = "route_it"
    HANDLE = "work_it"
    LEAD = "lead_it"
    ANSWER = "decide_the_answer"
    EXTEND = "give_more_time"
    VERIFY = "verify_the_remedy"
    REVIEW = "decide_the_appeal"
    INSPECT = "inspect_the_office"
    REPRIMAND = "decide_the_reprimand"


ACT_OF_STEP: dict[str, Act] = {
    "acknowledge": Act.RECORD,
    "route": Act.ROUTE,
    "object": Act.RECORD,
    "route_again": Act.ROUTE,
    "keep_routing": Act.ROUTE,
    "accept": Act.HANDLE,
    "plan": Act.HANDLE,
    "answer": Act.ANSWER,
    "promise_remedy": Act.RECORD,
    "claim_remedy": Act.RECORD,
    "verify_remedy": Act.VERIFY,
    "send_back_remedy": Act.VERIFY,
    "close": Act.ROUTE,
    "appeal": Act.RECORD,
    "admit_appeal": Act.REVIEW,
    "dismiss_appeal": Act.REVIEW,
    "uphold_appeal": Act.REVIEW,
    "reopen": Act.ROUTE,
    "withdraw": Act.RECORD,
    "merge": Act.ROUTE,
    "separate": Act.ROUTE,
}
"""Of each step of rules/casework.py what it is. The office complained about may object to a routing
and promise a remedy, and what a complainant said may be written down by anyone but those whom the
matter touches themselves."""


class Scope(enum.StrEnum):
    """Whom the office complained about keeps away: those alone who stand aside themselves, those
    too who serve it, or those too who serve an office below it."""

    PERSON = "person"
    OFFICE = "office"
    SUBTREE = "subtree"


_WIDTH = {Scope.PERSON: 0, Scope.OFFICE: 1, Scope.SUBTREE: 2}


@dataclass(frozen=True)
class Settings:
    """How strict the bureau is: a scope for each kind of grievance and for appeals, the days for
    which one who left an office counts as serving it, and the zone in which its days begin."""

    scopes: Mapping[GrievanceKind, Scope] = field(
        default_factory=lambda: {
            GrievanceKind.SERVICE: Scope.PERSON,
            GrievanceKind.CONDUCT: Scope.OFFICE,
            GrievanceKind.DECISION: Scope.OFFICE,
        }
    )
    appeals: Scope = Scope.OFFICE
    cooling_off_days: int = COOLING_OFF_DAYS
    timezone: str = "UTC"
    leading: Leading | None = None
    """Which grievances must have a lead official; None: the steps do not ask."""

    def today(self, now: datetime) -> date:
        """Return the date at the bureau."""
        return now.astimezone(ZoneInfo(self.timezone)).date()


@dataclass(frozen=True)
class Person:
    """Who is about to act: the offices they serve or left within the cooling-off period, the line
    of these (`line_of`), and the offices from which they stand aside."""

    officer_id: int
    served: frozenset[int]
    line: frozenset[int]
    aside_from: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Case:
    """The matter. `respondents` are the offices that are or ever were complained about, of an
    inspection the one inspected. `aside` are the officers who stand aside from this matter,
    because what is complained of was theirs or for another reason. The others have had a part in
    it: `received_by` received it in public, `drafted_by` wrote what is to be decided now."""

    kind: GrievanceKind
    respondents: frozenset[int]
    is_appealed: bool = False
    handler_id: int | None = None
    lead_official_id: int | None = None
    received_by: frozenset[int] = frozenset()
    drafted_by: frozenset[int] = frozenset()
    first_deciders: frozenset[int] = frozenset()
    aside: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Bar:
    """Why somebody must not act, in a sentence. What `stands` cannot be overridden by anybody:
    nobody decides twice, or on their own draft."""

    said: Said
    stands: bool = False


def scope_of(act: Act, case: Case, settings: Settings) -> Scope:
    """Return how far the office complained about keeps people away from `act`: as its kind says,
    and where it is appealed, as appeals say if that is further."""
    if act is Act.RECORD:
        return Scope.PERSON
    if act is Act.INSPECT:
        return Scope.OFFICE
    kind = settings.scopes[case.kind]
    if act is Act.REVIEW or case.is_appealed:
        return max(kind, settings.appeals, key=lambda one: _WIDTH[one])
    return kind


def bar(act: Act, person: Person, case: Case, settings: Settings) -> Bar | None:
    """Return why `person` must not do `act` in `case`, None where they may."""
    return (
        _had_a_part(act, person, case)
        or _stands_aside(person, case)
        or _of_the_office(act, person, case, settings)
    )


def refusal(act: Act, person: Person, case: Case, settings: Settings) -> Said | None:
    """Return the sentence with which `person` is refused `act` in `case`; None where they may do
    it (domain.md section 6)."""
    found = bar(act, person, case, settings)
    return found.said if found else None


def _had_a_part(act: Act, person: Person, case: Case) -> Bar | None:
    me = person.officer_id
    if act is Act.REVIEW and me in case.first_deciders:
        sentence = mark(
            "You decided first. Somebody else who decides appeals must decide this one."
        )
        return Bar(Said(sentence), stands=True)
    if act in (Act.ANSWER, Act.REPRIMAND) and me in case.drafted_by:
        sentence = mark("You drafted it. A second person must decide it.")
        return Bar(Said(sentence), stands=True)
    if act not in (Act.REVIEW, Act.REPRIMAND):
        return None
    if me in case.received_by:
        return Bar(
            Said(mark("You received this matter in public. Somebody who had no part decides now."))
        )
    if me == case.lead_official_id:
        return Bar(Said(mark("You lead this grievance. Somebody who had no part decides now.")))
    if me == case.handler_id:
        return Bar(Said(mark("You handle this grievance. Somebody who had no part decides now.")))
    return None


def _stands_aside(person: Person, case: Case) -> Bar | None:
    if person.officer_id in case.aside:
        return Bar(Said(mark("You stand aside from this grievance. Somebody else must act here.")))
    if person.aside_from & case.respondents:
        sentence = mark("You stand aside from the office complained about. Somebody else must act.")
        return Bar(Said(sentence))
    return None


def _of_the_office(act: Act, person: Person, case: Case, settings: Settings) -> Bar | None:
    scope = scope_of(act, case, settings)
    if scope is Scope.PERSON:
        return None
    if not case.respondents and act is not Act.ROUTE:
        sentence = mark(
            "Name the office complained about first: whoever serves it must not act here."
        )
        return Bar(Said(sentence), stands=True)
    if person.served & case.respondents:
        if act is Act.INSPECT:
            return Bar(Said(mark("You serve the office to be inspected, or have left it lately.")))
        sentence = mark(
            "You serve the office complained about, or have left it lately. Somebody of another "
            "office must act here."
        )
        return Bar(Said(sentence))
    if scope is Scope.SUBTREE and person.line & case.respondents:
        sentence = mark(
            "You serve an office below the one complained about, or have left it lately. Somebody "
            "outside its line must act here."
        )
        return Bar(Said(sentence))
    return None


ACTS_OF: dict[Role, tuple[Act, ...]] = {
    Role.INTAKE: (Act.ROUTE,),
    Role.HANDLER: (Act.HANDLE,),
    Role.OFFICE_HEAD: (Act.HANDLE, Act.ANSWER),
    Role.LEAD_OFFICIAL: (Act.LEAD, Act.VERIFY),
    Role.SUPERVISOR: (Act.VERIFY,),
    Role.DECIDER: (Act.ANSWER, Act.REVIEW),
}
"""What each role does in a grievance, of which its page says beforehand that it is barred."""


def barred_acts(
    person: Person, roles: frozenset[Role], case: Case, settings: Settings
) -> dict[Act, Bar]:
    """Return what `person` with `roles` must not do in `case` though their role would, and why;
    of appeals only where there is one."""
    acts = {act for role in roles for act in ACTS_OF.get(role, ())}
    if not case.is_appealed:
        acts.discard(Act.REVIEW)
    found = {act: bar(act, person, case, settings) for act in Act if act in acts}
    return {act: why for act, why in found.items() if why is not None}


# --- Two people may override it ---------------------------------------------------------------

MAY_OVERRIDE = frozenset({Role.LEAD_OFFICIAL, Role.DECIDER})
MAY_ASK = MAY_OVERRIDE | {Role.INTAKE, Role.OFFICE_HEAD, Role.SUPERVISOR}
LONGEST_REASON = 1000


def check_reason(text: str) -> str:
    """Return the reason without blanks around it. Raises RuleBroken, for the field `reason`."""
    text = text.strip()
    if not text:
        raise RuleBroken("Say in a sentence why.", field="reason")
    if len(text) > LONGEST_REASON:
        raise RuleBroken(
            "This is too long: at most %(most)s characters.", field="reason", most=LONGEST_REASON
        )
    return text


def check_outside(by: Person, case: Case) -> None:
    """Raise RuleBroken where `by`, who decides about somebody's impartiality, stands aside or
    serves the office complained about or one below it: they would open or shut a door for it."""
    if by.officer_id in case.aside or (by.line | by.aside_from) & case.respondents:
        raise RuleBroken(
            "You stand aside here, or are of the line of the office complained about. Somebody "
            "outside it must do this."
        )


def check_stating(by: Person, roles: frozenset[Role], concerned: int, case: Case) -> None:
    """Raise RuleBroken unless `by` may write down that the officer `concerned` stands aside:
    everybody of themselves, of others who answers for the case and is outside it."""
    if concerned in case.aside:
        raise RuleBroken("This officer stands aside from this grievance already.", field="officer")
    if concerned == by.officer_id:
        return
    if not roles & MAY_ASK:
        raise RuleBroken("Your role writes this down of yourself alone.", field="officer")
    check_outside(by, case)


def check_asking(by: Person, roles: frozenset[Role], concerned: int, case: Case) -> None:
    """Raise RuleBroken unless `by` may ask for leave for the officer `concerned`: the first of
    the two who override."""
    if not roles & MAY_ASK:
        raise RuleBroken("Your role does not ask for this.")
    if by.officer_id == concerned:
        raise RuleBroken("Two others decide whether you may act all the same.", field="officer")
    check_outside(by, case)


def check_agreeing(
    by: Person, roles: frozenset[Role], concerned: int, asked_by: int, case: Case
) -> None:
    """Raise RuleBroken unless `by` may be the second of the two, who agrees or refuses."""
    if not roles & MAY_OVERRIDE:
        raise RuleBroken("A lead official or a decider agrees to this.")
    if by.officer_id == concerned:
        raise RuleBroken("Two others decide whether you may act all the same.")
    if by.officer_id == asked_by:
        raise RuleBroken("You asked for it. A second person must agree.")
    check_outside(by, case)

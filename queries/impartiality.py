"""Whether an officer is impartial in a matter: what the rules decide about, read from records."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Select, Text, cast, literal, null, or_, select, union_all
from sqlalchemy.orm import aliased

from models import (
    Appeal,
    Decision,
    FormerRespondent,
    Grievance,
    GrievanceRecusal,
    ImpartialityOverride,
    Office,
    Officer,
    OfficerPosting,
    Reception,
    ReceptionDay,
    Recusal,
    db,
)
from rules import RuleBroken
from rules.grievance import AppealOutcome, AsideGround, RequestState
from rules.impartiality import Act, Bar, Case, Person, Settings, bar

DEFAULT = Settings()
MOST = 20
"""So many of each are told on the page of a grievance."""


def check(
    act: Act, officer: Officer, grievance: Grievance, *, now: datetime, settings: Settings = DEFAULT
) -> None:
    """Raise RuleBroken, with the sentence that names the reason, unless `officer` may do `act` in
    `grievance` or two others have agreed to it. `settings` are security.impartiality()."""
    found = barred(act, officer, grievance, now=now, settings=settings)
    if found is not None:
        raise RuleBroken(found.said.sentence, **found.said.values)


def barred(
    act: Act, officer: Officer, grievance: Grievance, *, now: datetime, settings: Settings = DEFAULT
) -> Bar | None:
    """Return why `officer` must not do `act` in `grievance`; None where they may, also where two
    others have agreed to it. One statement, two where something bars them."""
    people_there, matter = look([officer.id], grievance, now=now, settings=settings)
    found = bar(act, people_there[officer.id], matter, settings)
    if found is None or found.stands:
        return found
    return None if has_leave(act, officer.id, grievance.id) else found


def has_leave(act: Act, officer_id: int, grievance_id: int | None) -> bool:
    """Return whether two others let the officer do `act` in the grievance; one statement."""
    granted = select(ImpartialityOverride.id).where(
        ImpartialityOverride.grievance_id == grievance_id,
        ImpartialityOverride.officer_id == officer_id,
        ImpartialityOverride.act == act,
        ImpartialityOverride.state == RequestState.GRANTED,
    )
    return db.session.scalar(granted) is not None


def not_impartial(field: str | None) -> RuleBroken:
    """Return the refusal of an officer whom somebody else chooses, for the form's `field`."""
    return RuleBroken(
        "This officer is not impartial here: they are of the line of the office complained about, "
        "stand aside, or have had a part in it. Choose another one.",
        field=field,
    )


def check_chosen(
    act: Act,
    officer: Officer,
    grievance: Grievance,
    *,
    now: datetime,
    settings: Settings = DEFAULT,
    field: str | None = None,
) -> None:
    """Raise RuleBroken, for the form's `field`, unless `officer`, whom somebody else chooses, may
    do `act` in `grievance`: HANDLE of a handler, LEAD of a lead official."""
    if barred(act, officer, grievance, now=now, settings=settings) is not None:
        raise not_impartial(field)


# --- What the rules decide about -------------------------------------------------------------

Facts = Mapping[tuple[str, int], frozenset[int]]
"""Numbers by what they are and whose: ("served", 7) are the offices that officer 7 serves."""


def look(
    officers: Iterable[int],
    grievance: Grievance,
    *,
    now: datetime,
    settings: Settings = DEFAULT,
) -> tuple[dict[int, Person], Case]:
    """Return each of `officers` (see `people`) and what decides who may act in `grievance`; one
    statement."""
    ids = set(officers)
    facts = _read(*_of_people(ids, now, settings), *_of_cases({grievance.id}))
    return {one: _person(one, facts) for one in ids}, _case(grievance, facts)


def people(
    officers: Iterable[int], *, now: datetime, settings: Settings = DEFAULT
) -> dict[int, Person]:
    """Return each of `officers`, by number, with the offices that count as served, their line, and
    those from which they stand aside today. One statement."""
    ids = set(officers)
    facts = _read(*_of_people(ids, now, settings))
    return {one: _person(one, facts) for one in ids}


def case(grievance: Grievance) -> Case:
    """Return what decides who may act in `grievance`. One statement."""
    return cases([grievance])[grievance.id]


def cases(grievances: Collection[Grievance]) -> dict[int, Case]:
    """Return the same of each of `grievances`, by number; one statement for all of them."""
    facts = _read(*_of_cases({one.id for one in grievances}))
    return {one.id: _case(one, facts) for one in grievances}


def _read(*parts: Select[Any, Any, Any]) -> Facts:
    found: dict[tuple[str, int], set[int]] = defaultdict(set)
    for what, whose, number in db.session.execute(union_all(*parts)):
        found[what, whose].add(number)
    return defaultdict(frozenset, {key: frozenset(numbers) for key, numbers in found.items()})


def _of_people(ids: set[int], now: datetime, settings: Settings) -> list[Select[Any, Any, Any]]:
    today = settings.today(now)
    since = now - timedelta(days=settings.cooling_off_days)
    served = (
        select(OfficerPosting.officer_id, OfficerPosting.office_id)
        .where(OfficerPosting.officer_id.in_(ids), OfficerPosting.until_at > since)
        .union(select(Officer.id, Officer.office_id).where(Officer.id.in_(ids)))
        .cte("served")
    )
    line = (
        select(served.c.officer_id, Office.id.label("office_id"), Office.parent_id)
        .join(Office, Office.id == served.c.office_id)
        .cte("line", recursive=True)
    )
    # UNION, not UNION ALL: it ends even where the tree has a cycle.
    line = line.union(
        select(line.c.officer_id, Office.id, Office.parent_id).join(
            Office, Office.id == line.c.parent_id
        )
    )
    aside = select(literal("aside from"), Recusal.officer_id, Recusal.office_id).where(
        Recusal.officer_id.in_(ids),
        Recusal.set_aside_on.is_(None),
        Recusal.starts_on <= today,
        or_(Recusal.ends_on.is_(None), Recusal.ends_on > today),
    )
    return [
        select(literal("served"), served.c.officer_id, served.c.office_id),
        select(literal("line"), line.c.officer_id, line.c.office_id),
        aside,
    ]


def _person(officer_id: int, facts: Facts) -> Person:
    return Person(
        officer_id,
        served=facts["served", officer_id],
        line=facts["line", officer_id] | facts["served", officer_id],
        aside_from=facts["aside from", officer_id],
    )


def _of_cases(ids: set[int]) -> list[Select[Any, Any, Any]]:
    appealed = or_(Appeal.outcome.is_(None), Appeal.outcome != AppealOutcome.DISMISSED)
    return [
        select(
            literal("respondent"), FormerRespondent.grievance_id, FormerRespondent.office_id
        ).where(FormerRespondent.grievance_id.in_(ids)),
        select(literal("first"), Decision.grievance_id, Appeal.first_decider_id)
        .join(Decision, Decision.id == Appeal.decision_id)
        .where(Decision.grievance_id.in_(ids), appealed),
        select(literal("drafted"), Decision.grievance_id, Decision.drafted_by_id).where(
            Decision.grievance_id.in_(ids), Decision.given_on.is_(None)
        ),
        select(literal("aside"), GrievanceRecusal.grievance_id, GrievanceRecusal.officer_id).where(
            GrievanceRecusal.grievance_id.in_(ids)
        ),
        select(literal("received"), Reception.grievance_id, ReceptionDay.leader_id)
        .join(ReceptionDay, Reception.reception_day_id == ReceptionDay.id)
        .where(Reception.grievance_id.in_(ids)),
    ]


def _case(grievance: Grievance, facts: Facts) -> Case:
    number, named = grievance.id, grievance.respondent_office_id
    return Case(
        kind=grievance.kind,
        respondents=facts["respondent", number] | ({named} if named is not None else set()),
        is_appealed=bool(facts["first", number]),
        handler_id=grievance.handler_id,
        lead_official_id=grievance.lead_official_id,
        received_by=facts["received", number],
        drafted_by=facts["drafted", number],
        first_deciders=facts["first", number],
        aside=facts["aside", number],
    )


# --- What the page of a grievance shows -------------------------------------------------------


@dataclass(frozen=True)
class Aside:
    """Who stands aside from a grievance, since when and why."""

    officer: str
    ground: AsideGround
    reason: str
    stated_on: date


@dataclass(frozen=True)
class Leave:
    """Leave that was asked for: for whom and what, by whom, and what a second person said."""

    id: int
    officer_id: int
    officer: str
    act: Act
    state: RequestState
    asked_by_id: int
    asked_by: str
    decided_by: str | None


def told(grievance_id: int) -> tuple[list[Aside], list[Leave]]:
    """Return who stands aside from a grievance, and the leave that was asked for in it, newest
    first, MOST of each. One statement."""
    whose, first, second = (aliased(Officer) for _ in range(3))
    nothing = null()
    asides = (
        select(
            literal(0).label("place"),
            GrievanceRecusal.id,
            GrievanceRecusal.officer_id,
            whose.name,
            cast(GrievanceRecusal.ground, Text),
            GrievanceRecusal.reason,
            GrievanceRecusal.stated_on,
            *(cast(nothing, kind) for kind in (Text, BigInteger, Text, Text)),
        )
        .join(whose, whose.id == GrievanceRecusal.officer_id)
        .where(GrievanceRecusal.grievance_id == grievance_id)
        .order_by(GrievanceRecusal.id.desc())
        .limit(MOST)
    )
    leaves = (
        select(
            literal(1),
            ImpartialityOverride.id,
            ImpartialityOverride.officer_id,
            whose.name,
            cast(ImpartialityOverride.act, Text),
            ImpartialityOverride.reason,
            ImpartialityOverride.asked_on,
            cast(ImpartialityOverride.state, Text),
            ImpartialityOverride.asked_by_id,
            first.name,
            second.name,
        )
        .join(whose, whose.id == ImpartialityOverride.officer_id)
        .join(first, first.id == ImpartialityOverride.asked_by_id)
        .outerjoin(second, second.id == ImpartialityOverride.decided_by_id)
        .where(ImpartialityOverride.grievance_id == grievance_id)
        .order_by(ImpartialityOverride.id.desc())
        .limit(MOST)
    )
    found: tuple[list[Aside], list[Leave]] = ([], [])
    rows: Any = db.session.execute(union_all(asides, leaves))
    for row in rows:
        place, number, officer_id, name, word, reason, day, state, *by = row
        if place == 0:
            found[0].append(Aside(name, AsideGround(word), reason, day))
        else:
            leave = Leave(number, officer_id, name, Act(word), RequestState(state), *by)
            found[1].append(leave)
    return found

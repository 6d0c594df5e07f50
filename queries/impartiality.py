"""Whether an officer is impartial in a matter: what the rules decide about, read from records."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import Select, literal, or_, select, union_all
from sqlalchemy.orm import joinedload

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
from rules.grievance import AppealOutcome, RequestState
from rules.impartiality import Act, Bar, Case, Person, Settings, bar

DEFAULT = Settings()


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
    others have agreed to it. Two statements, three where something bars them."""
    found = bar(act, person(officer, now=now, settings=settings), case(grievance), settings)
    if found is None or found.stands:
        return found
    granted = select(ImpartialityOverride.id).where(
        ImpartialityOverride.grievance_id == grievance.id,
        ImpartialityOverride.officer_id == officer.id,
        ImpartialityOverride.act == act,
        ImpartialityOverride.state == RequestState.GRANTED,
    )
    return None if db.session.scalar(granted) is not None else found


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
        raise RuleBroken(
            "This officer is not impartial here: they are of the line of the office complained "
            "about, stand aside, or have had a part in it. Choose another one.",
            field=field,
        )


def person(officer: Officer, *, now: datetime, settings: Settings = DEFAULT) -> Person:
    """Return `officer` with the offices that count as served, their line, and those from which
    they stand aside today. One statement."""
    return people([officer.id], now=now, settings=settings)[officer.id]


def people(
    officers: Iterable[int], *, now: datetime, settings: Settings = DEFAULT
) -> dict[int, Person]:
    """Return the same of each of `officers`, by number; one statement for all of them."""
    ids = set(officers)
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
    aside = select(literal("aside"), Recusal.officer_id, Recusal.office_id).where(
        Recusal.officer_id.in_(ids),
        Recusal.set_aside_on.is_(None),
        Recusal.starts_on <= today,
        or_(Recusal.ends_on.is_(None), Recusal.ends_on > today),
    )
    found: dict[tuple[str, int], set[int]] = defaultdict(set)
    for what, officer, office in db.session.execute(
        union_all(
            select(literal("served"), served.c.officer_id, served.c.office_id),
            select(literal("line"), line.c.officer_id, line.c.office_id),
            aside,
        )
    ):
        found[what, officer].add(office)
    return {
        one: Person(
            one,
            served=frozenset(found["served", one]),
            line=frozenset(found["line", one] | found["served", one]),
            aside_from=frozenset(found["aside", one]),
        )
        for one in ids
    }


def case(grievance: Grievance) -> Case:
    """Return what decides who may act in `grievance`. One statement."""
    of_it = Decision.grievance_id == grievance.id
    found: dict[str, set[int]] = defaultdict(set)
    for what, number in db.session.execute(
        union_all(
            select(literal("respondent"), FormerRespondent.office_id).where(
                FormerRespondent.grievance_id == grievance.id
            ),
            select(literal("first"), Appeal.first_decider_id)
            .join(Decision, Decision.id == Appeal.decision_id)
            .where(of_it, or_(Appeal.outcome.is_(None), Appeal.outcome != AppealOutcome.DISMISSED)),
            select(literal("drafted"), Decision.drafted_by_id).where(
                of_it, Decision.given_on.is_(None)
            ),
            select(literal("aside"), GrievanceRecusal.officer_id).where(
                GrievanceRecusal.grievance_id == grievance.id
            ),
            select(literal("received"), ReceptionDay.leader_id)
            .join(Reception, Reception.reception_day_id == ReceptionDay.id)
            .where(Reception.grievance_id == grievance.id),
        )
    ):
        found[what].add(number)
    respondents = found["respondent"]
    if grievance.respondent_office_id is not None:
        respondents.add(grievance.respondent_office_id)
    return Case(
        kind=grievance.kind,
        respondents=frozenset(respondents),
        is_appealed=bool(found["first"]),
        handler_id=grievance.handler_id,
        lead_official_id=grievance.lead_official_id,
        received_by=frozenset(found["received"]),
        drafted_by=frozenset(found["drafted"]),
        first_deciders=frozenset(found["first"]),
        aside=frozenset(found["aside"]),
    )


# --- What the page of a grievance shows -------------------------------------------------------


def recusals(grievance_id: int) -> Select[GrievanceRecusal]:
    """Ask for those who stand aside from a grievance, with their names, in order."""
    return (
        select(GrievanceRecusal)
        .where(GrievanceRecusal.grievance_id == grievance_id)
        .options(joinedload(GrievanceRecusal.officer), joinedload(GrievanceRecusal.stated_by))
        .order_by(GrievanceRecusal.id)
    )


def overrides(grievance_id: int) -> Select[ImpartialityOverride]:
    """Ask for the leave that was asked for in a grievance, newest first, with the names."""
    return (
        select(ImpartialityOverride)
        .where(ImpartialityOverride.grievance_id == grievance_id)
        .options(
            joinedload(ImpartialityOverride.officer),
            joinedload(ImpartialityOverride.asked_by),
            joinedload(ImpartialityOverride.decided_by),
        )
        .order_by(ImpartialityOverride.id.desc())
        .limit(20)
    )

"""Whether an officer is impartial in a matter: what the rules decide about, read from records."""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import literal, or_, select, union_all

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
    today = settings.today(now)
    since = now - timedelta(days=settings.cooling_off_days)
    served = (
        select(OfficerPosting.office_id)
        .where(OfficerPosting.officer_id == officer.id, OfficerPosting.until_at > since)
        .union(select(literal(officer.office_id)))
        .cte("served")
    )
    line = select(Office.id, Office.parent_id).where(Office.id.in_(select(served.c[0])))
    line_cte = line.cte("line", recursive=True)
    # UNION, not UNION ALL: it ends even where the tree has a cycle.
    line_cte = line_cte.union(
        select(Office.id, Office.parent_id).join(line_cte, Office.id == line_cte.c.parent_id)
    )
    aside = select(literal("aside"), Recusal.office_id).where(
        Recusal.officer_id == officer.id,
        Recusal.set_aside_on.is_(None),
        Recusal.starts_on <= today,
        or_(Recusal.ends_on.is_(None), Recusal.ends_on > today),
    )
    found = _sets(
        select(literal("served").label("what"), served.c[0].label("number")),
        select(literal("line"), line_cte.c.id),
        aside,
    )
    return Person(officer.id, found["served"], found["line"] | found["served"], found["aside"])


def case(grievance: Grievance) -> Case:
    """Return what decides who may act in `grievance`. One statement."""
    of_it = Decision.grievance_id == grievance.id
    appeals = select(literal("first"), Appeal.first_decider_id).join(
        Decision, Decision.id == Appeal.decision_id
    )
    found = _sets(
        select(
            literal("respondent").label("what"), FormerRespondent.office_id.label("number")
        ).where(FormerRespondent.grievance_id == grievance.id),
        appeals.where(
            of_it, or_(Appeal.outcome.is_(None), Appeal.outcome != AppealOutcome.DISMISSED)
        ),
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
    respondents = set(found["respondent"])
    if grievance.respondent_office_id is not None:
        respondents.add(grievance.respondent_office_id)
    return Case(
        kind=grievance.kind,
        respondents=frozenset(respondents),
        is_appealed=bool(found["first"]),
        handler_id=grievance.handler_id,
        lead_official_id=grievance.lead_official_id,
        received_by=found["received"],
        drafted_by=found["drafted"],
        first_deciders=found["first"],
        aside=found["aside"],
    )


def _sets(*parts: Any) -> dict[str, frozenset[int]]:
    """Return the numbers of each kind that `parts`, of (kind, number), find; one statement."""
    found: dict[str, set[int]] = defaultdict(set)
    for what, number in db.session.execute(union_all(*parts)):
        found[what].add(number)
    return defaultdict(frozenset, {what: frozenset(numbers) for what, numbers in found.items()})

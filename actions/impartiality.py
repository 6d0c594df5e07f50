"""Standing aside from a grievance, and the leave that two others give to act all the same
(domain.md section 6)."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from models import Grievance, GrievanceRecusal, ImpartialityOverride, Officer, db
from queries import impartiality as asking
from rules import RuleBroken
from rules.grievance import AsideGround, GrievanceKind, RequestState
from rules.impartiality import (
    Act,
    Case,
    Settings,
    bar,
    check_agreeing,
    check_asking,
    check_reason,
    check_stating,
)


def stand_aside(
    grievance: Grievance,
    officer: Officer,
    ground: AsideGround,
    reason: str,
    *,
    by: Officer,
    now: datetime,
    settings: Settings,
) -> GrievanceRecusal:
    """Write down that `officer` stands aside from `grievance`, as `by` says: the officer, or who
    answers for the case. From then on every act of theirs in it is refused. Raises RuleBroken."""
    reason = check_reason(reason)
    people, case = asking.look([by.id], grievance, now=now, settings=settings)
    check_stating(people[by.id], by.held, officer.id, case)
    made = GrievanceRecusal(
        grievance_id=grievance.id,
        officer_id=officer.id,
        ground=ground,
        reason=reason,
        stated_by_id=by.id,
        stated_on=settings.today(now),
    )
    db.session.add(made)
    db.session.flush()
    return made


def ask_leave(
    grievance: Grievance,
    officer: Officer,
    act: Act,
    reason: str,
    *,
    by: Officer,
    now: datetime,
    settings: Settings,
) -> ImpartialityOverride:
    """Ask that `officer` may do `act` in `grievance` all the same; a second person decides.

    Raises RuleBroken, also where nothing keeps the officer from it, or what does stands whoever
    agrees: nobody decides twice, or on their own draft.
    """
    reason = check_reason(reason)
    people, case = asking.look([by.id, officer.id], grievance, now=now, settings=settings)
    check_asking(people[by.id], by.held, officer.id, case)
    found = bar(act, people[officer.id], case, settings)
    if found is None:
        raise RuleBroken("Nothing keeps this officer from it. No leave is needed.", field="act")
    if found.stands:
        raise RuleBroken(
            "Nobody can give leave for this: nobody decides twice or on their own draft, and the "
            "office complained about must be named first.",
            field="act",
        )
    made = ImpartialityOverride(
        matter=grievance.number,
        grievance_id=grievance.id,
        officer_id=officer.id,
        act=act,
        reason=reason,
        asked_by_id=by.id,
        asked_on=settings.today(now),
    )
    db.session.add(made)
    db.session.flush()
    return made


def check_deciding(
    asked: ImpartialityOverride, *, by: Officer, now: datetime, settings: Settings
) -> None:
    """Raise RuleBroken unless `by` may agree to `asked` or refuse it."""
    if asked.state is not RequestState.ASKED:
        raise RuleBroken("This request is decided already.")
    people, case = asking.look([by.id], asked.grievance, now=now, settings=settings)
    check_agreeing(people[by.id], by.held, asked.officer_id, asked.asked_by_id, case)


def decide_leave(
    asked: ImpartialityOverride, *, grant: bool, by: Officer, now: datetime, settings: Settings
) -> None:
    """Agree to `asked`, or refuse it. Raises RuleBroken."""
    check_deciding(asked, by=by, now=now, settings=settings)
    asked.state = RequestState.GRANTED if grant else RequestState.REFUSED
    asked.decided_on = settings.today(now)
    asked.decided_by_id = by.id
    db.session.flush()


# --- What the generated screens of grievances may not get around ------------------------------

CHOSEN = {"handler_id": Act.HANDLE, "lead_official_id": Act.LEAD}
DECISIVE = ("kind", "respondent_office_id")


def check_edit(
    grievances: list[Grievance],
    wanted: Mapping[str, Any],
    *,
    by: Officer,
    now: datetime,
    settings: Settings,
) -> None:
    """Raise RuleBroken unless `by` may set the columns `wanted` of `grievances` by hand: whoever
    must not act in a grievance does not change what says so, and nobody is made handler or lead
    official who must not be. Two statements, three where somebody is chosen who is barred."""
    asks = {wanted[key] for key in CHOSEN if wanted.get(key)}
    cases = asking.cases([one for one in grievances if one.id])
    people = asking.people({by.id, *asks}, now=now, settings=settings)
    for one in grievances:
        changed = {key for key, value in wanted.items() if getattr(one, key) != value}
        case = cases.get(one.id) or Case(wanted.get("kind") or GrievanceKind.SERVICE, frozenset())
        if one.id and changed & set(DECISIVE):
            barred = bar(Act.ROUTE, people[by.id], case, settings)
            if barred and not asking.has_leave(Act.ROUTE, by.id, one.id):
                raise RuleBroken(barred.said.sentence, **barred.said.values)
        office = wanted.get("respondent_office_id")
        after = replace(
            case,
            kind=wanted.get("kind") or case.kind,
            respondents=case.respondents | ({office} if office else set()),
        )
        for key in changed & CHOSEN.keys():
            number = wanted[key]
            if number and bar(CHOSEN[key], people[number], after, settings):
                if not asking.has_leave(CHOSEN[key], number, one.id):
                    raise asking.not_impartial(key.removesuffix("_id"))

"""Steps in the life of a finding and of a supervision notice. `take_step` is the only way in which
their states change: the tables in rules/ say whether it may be, actions/findings.py writes what the
step is about. Nobody judges what they did, and nobody acts for supervision about an office that
they serve, left of late or stand aside from (domain.md section 6).
"""

import enum
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from actions.findings import OF_FINDINGS, OF_NOTICES, Issuer, Turn
from actions.turns import take_turns
from models import Finding, Officer, SupervisionNotice, db
from queries.findings import groups_of, open_request
from queries.identity import office_tree
from queries.impartiality import DEFAULT, people
from rules import RuleBroken, Said, mark
from rules.casework import serves
from rules.findings import FINDING
from rules.grievance import GrievanceKind
from rules.impartiality import Act, Case, Settings, refusal
from rules.lifecycle import LifeCycle, Step
from rules.notices import NOTICE
from rules.permissions import Role

Supervised = Finding | SupervisionNotice


@dataclass(frozen=True)
class Life:
    """The life of one kind of record: its table, and what each step writes."""

    cycle: LifeCycle
    writers: dict[str, Callable[..., None]]


LIVES: dict[type[Supervised], Life] = {
    Finding: Life(FINDING, OF_FINDINGS),
    SupervisionNotice: Life(NOTICE, OF_NOTICES),
}


def take_step(
    record: Supervised,
    name: str,
    *,
    by: Officer,
    now: datetime,
    settings: Settings = DEFAULT,
    issuer: Issuer | None = None,
    **facts: Any,
) -> enum.StrEnum:
    """Take the step `name` with `record` in the name of `by`, and return where it stands then.

    `facts` are what the step needs and may have (rules/findings.py, rules/notices.py), each
    checked. `issuer` numbers a notice and keeps its papers, for the step that issues it. Raises
    RuleBroken, with the field at fault where there is one, and changes nothing then that a rollback
    does not take back. `settings` are security.impartiality().
    """
    take_turns(record)
    target: enum.StrEnum = check_step(record, name, by=by, now=now, settings=settings)
    turn = Turn(record, by, now, settings.today(now), issuer)
    # The checks of the tables hold for what a step has done, not for what it is about to do.
    with db.session.no_autoflush:
        LIVES[type(record)].writers[name](turn, **facts)
        record.state = target  # type: ignore[assignment]  # of its own list, as its table says
    db.session.flush()
    return target


def check_step(
    record: Supervised, name: str, *, by: Officer, now: datetime, settings: Settings = DEFAULT
) -> Any:
    """Return where the step `name` would lead; raise RuleBroken where `by` may not take it now."""
    cycle = LIVES[type(record)].cycle
    step = cycle.steps.get(name)
    own_work = step is not None and is_own_work(step, record, by.id)
    reached = cycle.after(name, record.state, by.held, own_work=own_work)
    if step is None:
        raise ValueError("a step that is possible stands in the table")
    why = why_not(step, record, by=by, now=now, settings=settings)
    if why is not None:
        raise RuleBroken(why.sentence, **why.values)
    if name in _DECIDES and db.session.scalar(open_request(record)) is None:
        raise RuleBroken("No request for more time waits to be decided.")
    return reached


_DECIDES = ("grant_time", "refuse_time")


def possible_steps(
    record: Supervised, *, by: Officer, now: datetime, settings: Settings = DEFAULT
) -> list[Step]:
    """Return the steps that `by` may take now: the buttons. Five statements at most."""
    found = LIVES[type(record)].cycle.possible(record.state, by.held)
    if not found:
        return []
    waits = any(step.name in (*_DECIDES, "ask_time") for step in found)
    asked = db.session.scalar(open_request(record)) if waits else None
    reasons: dict[bool, Said | None] = {}
    steps = []
    for step in found:
        is_group = Role.SUPERVISOR in step.roles
        if is_group not in reasons:
            reasons[is_group] = why_not(step, record, by=by, now=now, settings=settings)
        if reasons[is_group] is not None:
            continue
        if (step.name in _DECIDES and asked is None) or (step.name == "ask_time" and asked):
            continue
        done_by = asked.asked_by_id if asked and step.name in _DECIDES else None
        if step.by_another and by.id in (done_by, *_doers(step, record)):
            continue
        steps.append(step)
    return steps


def _doers(step: Step, record: Supervised) -> tuple[int | None, ...]:
    """Return who did what `step` judges, as far as the record itself says it."""
    if step.name in ("verify", "refuse_claim") and isinstance(record, Finding):
        return (record.claimed_by_id,)
    return () if step.name in _DECIDES else (record.replied_by_id,)


def is_own_work(step: Step, record: Supervised, officer_id: int) -> bool:
    """Return whether the officer did what `step` judges: replied, said that it is done, asked for
    more time."""
    if not step.by_another:
        return False
    if step.name in _DECIDES:
        asked = db.session.scalar(open_request(record))
        return asked is not None and asked.asked_by_id == officer_id
    return officer_id in _doers(step, record)


def why_not(
    step: Step, record: Supervised, *, by: Officer, now: datetime, settings: Settings = DEFAULT
) -> Said | None:
    """Return why `by` is not the one for `step`: not of the office, not of the group that follows
    it up, or not impartial; None where they are. Two statements at most."""
    if Role.SUPERVISOR not in step.roles:
        tree = office_tree(db.session())
        if serves(by.held & step.roles, by.office_id, record.office_id, tree):
            return None
        return Said(mark("This step is for the office that it is about, or for one above it."))
    today = settings.today(now)
    return _of_no_group(record, by, today) or _not_impartial(
        by, record.office_id, now=now, settings=settings
    )


def _of_no_group(record: Supervised, by: Officer, today: date) -> Said | None:
    """A member of the group that it names acts, or of the one that supervises the office now, so
    that nothing stays behind with a group that is gone. Where there is neither, every supervisor
    who sees it does."""
    mine, of_office = groups_of(db.session(), by.id, record.office_id, today)
    named = of_office | ({record.group_id} if record.group_id is not None else frozenset())
    if not named or mine & named:
        return None
    return Said(mark("This step is for a member of the supervision group that follows it up."))


def _not_impartial(
    by: Officer, office_id: int, *, now: datetime, settings: Settings
) -> Said | None:
    person = people([by.id], now=now, settings=settings)[by.id]
    case = Case(GrievanceKind.SERVICE, frozenset({office_id}))
    return refusal(Act.INSPECT, person, case, settings)

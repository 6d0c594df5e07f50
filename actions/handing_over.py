"""Handing the open work of an officer over to another in one step: of who leaves, of who is away,
of who must not do it any more."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.orm import joinedload

from actions.many import set_field
from models import Grievance, Officer, Record, db
from queries import impartiality as asking
from queries.identity import office_tree
from queries.leaving import AT_ONCE, HANDED_OVER, to_hand_over
from rules import RuleBroken, Said, mark
from rules.impartiality import Act, Case, Person, Settings, Tree, line_above, refusal
from rules.permissions import READS_EVERY_OFFICE, Role

Scope = Callable[[type[Record]], ColumnElement[bool] | None]

# What role somebody needs who takes over what (none: any), and what they must be impartial for.
NEEDED: dict[str, tuple[frozenset[Role], Act]] = {
    "handled": (frozenset({Role.HANDLER, Role.OFFICE_HEAD}), Act.HANDLE),
    "led": (frozenset({Role.LEAD_OFFICIAL}), Act.LEAD),
    "steps": (frozenset(), Act.HANDLE),
    "conferences": (frozenset(), Act.LEAD),
}


@dataclass(frozen=True)
class Part:
    """One kind of work: the records that are handed over, and those that stay, each with the
    reason. With `is_more` there are others, for another time."""

    what: str
    words: str
    taken: list[Any]
    left: list[tuple[Any, Said]]
    is_more: bool


@dataclass(frozen=True)
class _Successor:
    """Who takes over, with what decides whether they can."""

    officer: Officer
    person: Person
    tree: Tree
    settings: Settings

    def why_not(self, what: str, grievance: Grievance, case: Case) -> Said | None:
        needed, act = NEEDED[what]
        held = self.officer.held
        if needed and not held & needed:
            return Said(mark("They do not have the role that it needs."))
        if not held & READS_EVERY_OFFICE and not self._sees(grievance):
            return Said(mark("It is another office's, and out of their sight."))
        if refusal(act, self.person, case, self.settings):
            return Said(mark("They are not impartial there."))
        return None

    def _sees(self, grievance: Grievance) -> bool:
        offices = (grievance.responsible_office_id, grievance.respondent_office_id)
        return any(
            self.officer.office_id in line_above(one, self.tree)
            for one in offices
            if one is not None
        )


def preview(
    officer: Officer,
    successor: Officer,
    what: Iterable[str],
    *,
    scope: Scope,
    now: datetime,
    settings: Settings,
) -> list[Part]:
    """Return what `successor` would take over of `officer`, of the kinds `what`, within `scope`:
    the rows that whoever asks may change. What the successor must not work, or would not see,
    stays where it is. Raises RuleBroken."""
    today = settings.today(now)
    if successor.id == officer.id:
        raise RuleBroken("Choose somebody else to take it over.", field="successor")
    if successor.left_on is not None and successor.left_on <= today:
        raise RuleBroken("This officer has left. Choose somebody who serves.", field="successor")
    kinds = [one for one in HANDED_OVER if one in set(what)]
    if not kinds:
        raise RuleBroken("Choose what is handed over.", field="what")
    person = asking.people([successor.id], now=now, settings=settings)[successor.id]
    to = _Successor(successor, person, office_tree(db.session()), settings)
    parts = [_part(one, officer, to, scope, now) for one in kinds]
    return [part for part in parts if part.taken or part.left]


def _part(what: str, officer: Officer, to: _Successor, scope: Scope, now: datetime) -> Part:
    kind = HANDED_OVER[what]
    model: Any = kind.model
    query = to_hand_over(what, officer.id, today=to.settings.today(now), now=now)
    if model is not Grievance:
        query = query.options(joinedload(model.grievance))
    visible = scope(model)
    found = db.session.scalars(query if visible is None else query.where(visible)).all()
    part = Part(what, kind.words, [], [], is_more=len(found) > AT_ONCE)
    rows = {row: row if model is Grievance else row.grievance for row in found[:AT_ONCE]}
    cases = asking.cases({one for one in rows.values() if one is not None})
    for row, grievance in rows.items():
        # A conference of a grievance that is out of sight is for others to hand over.
        why = None if grievance is None else to.why_not(what, grievance, cases[grievance.id])
        if why is None:
            part.taken.append(row)
        else:
            part.left.append((row, why))
    return part


def fingerprint(parts: list[Part]) -> str:
    """Return what tells one preview from another: what is done is what was looked at."""
    said = [(part.what, [row.id for row in part.taken]) for part in parts]
    return hashlib.sha256(repr(said).encode()).hexdigest()


def hand_over(parts: list[Part], successor: Officer) -> int:
    """Give the records of `parts` to `successor`; return how many. The trail notes each."""
    number = 0
    for part in parts:
        kind = HANDED_OVER[part.what]
        ids = [row.id for row in part.taken]
        column: Any = getattr(kind.model, kind.key)
        number += set_field(kind.model, ids, column=column, value=successor.id)
    return number

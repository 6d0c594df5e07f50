"""The page of one grievance: what stands on it, gathered in few statements.

What other parts of casework show (the clock, the steps, documents, the decision, duplicates) they
gather themselves: each puts a function into CASE_PARTS, and its template finds what that returns
under the name of the part.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import inspect

import security
from models import (
    AuditEntry,
    ConferenceOffice,
    Decision,
    DecisionPoint,
    Grievance,
    GrievanceLink,
    JointConference,
    Office,
    Officer,
    PlanStep,
    Record,
    Remedy,
    db,
)
from queries import case as asking
from queries.case import Part
from queries.filters import local_column
from rules import mark
from rules.casework import AT_ANY_TIME, GRIEVANCE
from rules.grievance import DecisionState, RemedyState
from rules.permissions import Role, Verb
from views import story
from views.badges import Badge, due_badge
from views.labels import name_of, typed
from views.listing import today
from views.shown import Wanted, visible_titles

MOST_TOLD = 60
"""So many entries of the trail are told on the page; the history has all."""

TAKEN_UP: dict[str, tuple[type[Record], Any]] = {
    "answer": (Decision, DecisionState.PROPOSED),
    "claim_remedy": (Remedy, RemedyState.PROMISED),
    "verify_remedy": (Remedy, RemedyState.DONE),
    "send_back_remedy": (Remedy, RemedyState.DONE),
}
"""What some steps take up, and how it must stand for that."""

CASE_PARTS: dict[str, Callable[[Grievance], Any]] = {}


@dataclass(frozen=True)
class Named:
    """A record that a part of the case refers to: its name, where the officer sees it."""

    words: str
    model: type[Record]
    id: int


@dataclass(frozen=True)
class Shown:
    """A record of the case as the page shows it: `part.due_on`, `part.officer.words`."""

    part: Part
    name: str
    titles: dict[tuple[Any, int], str]

    @property
    def id(self) -> int:
        return self.part.id

    @property
    def model(self) -> type[Record]:
        return self.part.model

    def __getitem__(self, key: str) -> Any:
        """Return the value of a column with its type, or what a relation refers to."""
        relations = inspect(self.part.model).relationships
        column = local_column(self.part.model, key)
        value = self.part.get(column.key)
        if key not in relations or value is None:
            return typed(column, value)
        target = relations[key].mapper.class_
        words = self.titles.get((target, value), f"#{value}")
        return Named(words, target, value)

    def due(self) -> Badge | None:
        """Return the chip beside its date: of what is promised, until it is said to be done."""
        day = self["due_on"]
        if not isinstance(day, date):
            return None
        met = self["done_on"] if self.model in (PlanStep, Remedy) else self["decided_on"]
        dropped = self.model is PlanStep and self["dropped_because"] is not None
        return due_badge(day, met, today(), is_ended=dropped)


@dataclass(frozen=True)
class CasePage:
    """What the page of a grievance shows besides the grievance itself."""

    grievance: Grievance
    case: dict[type[Record], list[Shown]]
    events: list[story.Event]
    is_cut: bool

    @property
    def due(self) -> Badge | None:
        """The chip of the answer's date."""
        if self.grievance.due_at is None:
            return None
        ended = self.grievance.closed_at or self.grievance.withdrawn_at
        return due_badge(
            self.grievance.due_at, self.grievance.answered_at, today(), is_ended=ended is not None
        )

    @property
    def next_steps(self) -> list[tuple[str, list[Role]]]:
        """What the grievance waits for, whoever takes it: the label of a step, and the roles."""
        state = self.grievance.state
        waits = [
            (step.label, [role for role in Role if role in step.roles])
            for step in GRIEVANCE.steps.values()
            if state in step.sources and step.name not in AT_ANY_TIME and self._has(step.name)
        ]
        if state in GRIEVANCE.steps["answer"].sources and not self._has("answer"):
            waits.append((mark("Write the answer"), [Role.HANDLER, Role.OFFICE_HEAD]))
        return waits

    def _has(self, step: str) -> bool:
        """Whether there is what the step takes up: a draft that was proposed, a remedy."""
        needed = TAKEN_UP.get(step)
        if needed is None:
            return True
        model, state = needed
        return any(one["state"] is state for one in self.of(model))

    @property
    def may_plan(self) -> bool:
        """Whether the officer's role changes plans."""
        return bool(security.can(Verb.EDIT, PlanStep))

    @property
    def may_call(self) -> bool:
        """Whether the officer's role calls offices together about it."""
        return bool(security.can(Verb.CREATE, JointConference)) and self.grievance.is_open

    def of(self, model: type[Record]) -> list[Shown]:
        """Return the records of one type; none where the officer may not read it."""
        return self.case.get(model, [])

    def newest(self, table: str) -> list[Shown]:
        """Return the records of one type, the newest first."""
        return self.named(table)[::-1]

    def points(self, decision: Shown) -> list[Shown]:
        """Return the points of a decision in their order."""
        mine = [one for one in self.of(DecisionPoint) if one["decision"].id == decision.id]
        return sorted(mine, key=lambda one: one["position"])

    def named(self, table: str) -> list[Shown]:
        """Return the records of one type, by the name of its table."""
        return next((all_ for model, all_ in self.case.items() if model.__tablename__ == table), [])

    @property
    def plan(self) -> list[Shown]:
        """The steps of the plan in their order."""
        last = len(self.of(PlanStep)) + 1
        return sorted(
            self.of(PlanStep), key=lambda one: (one["position"] or last, one["due_on"], one.id)
        )

    @property
    def links(self) -> list[tuple[Shown, Named]]:
        """The links that hold, each with the grievance at its other end."""
        return [
            (one, self._other_end(one))
            for one in self.of(GrievanceLink)
            if one["undone_at"] is None
        ]

    def _other_end(self, link: Shown) -> Named:
        ends: list[Named] = [link["grievance"], link["other_grievance"]]
        return next(end for end in ends if end.id != self.grievance.id)

    def seats(self, conference: Shown) -> list[Shown]:
        """Return the places at a conference: the offices that were called to it."""
        return [one for one in self.of(ConferenceOffice) if one["conference"].id == conference.id]


def read_page(grievance: Grievance) -> CasePage:
    """Return what the page of `grievance` shows. Three statements: the records of the case, the
    trail, and the names of all they refer to."""
    session = db.session()
    models = [model for model in asking.OF_A_CASE if security.can(Verb.READ, model)]
    case = asking.parts(session, grievance.id, models, security.visible, security.readable_columns)
    places = [(Grievance.__tablename__, grievance.id)]
    places += [(part.model.__tablename__, part.id) for parts in case.values() for part in parts]
    entries = list(session.scalars(asking.story(places, MOST_TOLD + 1)).unique())
    titles = visible_titles(_together(_referred(case), story.refers_to(entries, _keys)))
    shown = {
        model: [Shown(part, _name(part, titles), titles) for part in parts]
        for model, parts in case.items()
    }
    named = {(one.model, one.id): one.name for parts in shown.values() for one in parts}
    events = story.tell(entries[:MOST_TOLD], named, _keys)
    events += _dated(grievance, shown, entries)
    told = story.in_order(events, today().zone)
    return CasePage(grievance, shown, told, len(entries) > MOST_TOLD)


def _dated(
    grievance: Grievance, shown: dict[type[Record], list[Shown]], entries: list[AuditEntry]
) -> list[story.Event]:
    """Return what the dates of the grievance and of the records of its case say happened."""
    columns = {key: getattr(grievance, key) for key in _keys(Grievance) if key.endswith("_at")}
    events = story.dated(Grievance, grievance.id, "", columns, entries)
    for one in (one for ones in shown.values() for one in ones):
        days = {key: one[key] for key in one.part.values if key.endswith("_on")}
        events += story.dated(one.model, one.id, one.name, days, entries)
    return events


def _name(part: Part, titles: dict[tuple[Any, int], str]) -> str:
    """Return what people call a record of the case: an office at a conference by its own name."""
    if part.model is ConferenceOffice:
        number = part.get("office_id")
        return titles.get((Office, number), f"#{number}")
    columns = [getattr(part.model, key) for key in part.model.title_columns]
    return name_of(columns, [part.get(column.key) for column in columns]) or f"#{part.id}"


def _keys(model: type[Record]) -> list[str]:
    keys: list[str] = security.readable_columns(model)
    return keys


def _referred(case: dict[type[Record], list[Part]]) -> Wanted:
    """Return the records that those of the case refer to, besides each other."""
    wanted: Wanted = {}
    for model, parts in case.items():
        for relation in inspect(model).relationships:
            target = relation.mapper.class_
            if relation.uselist or target not in (Office, Officer, Grievance):
                continue
            (column,) = relation.local_columns
            ids = {part.get(column.key) for part in parts} - {None}
            wanted.setdefault(target, set()).update(ids)
    return {target: ids for target, ids in wanted.items() if ids}


def _together(*several: Wanted) -> Wanted:
    found: Wanted = {}
    for wanted in several:
        for target, ids in wanted.items():
            found.setdefault(target, set()).update(ids)
    return found

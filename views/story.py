"""What happened to a grievance, in words: the entries of the trail about it and the records of its
case, those of one request told as one."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, tzinfo
from typing import Any

from flask_babel import gettext

from models import (
    Appeal,
    AuditEntry,
    ConferenceOffice,
    Decision,
    Document,
    Extension,
    Feedback,
    Grievance,
    GrievanceLink,
    JointConference,
    Pause,
    PlanStep,
    Record,
    Remedy,
    RoutingObjection,
)
from rules import mark
from rules.grievance import RemedyState, StepState
from rules.records import AuditVerb
from views.labels import enum_label, type_label
from views.shown import Wanted, changes_in_words, columns_of, line_of_change, named_in

# What a change of state was, by the state that came after, and by both where that says more.
CAME_TO = {
    "acknowledged": mark("confirmed receipt"),
    "routed": mark("routed it to an office"),
    "routing_objected": mark("objected to the routing"),
    "accepted": mark("accepted it"),
    "planned": mark("set the plan"),
    "answered": mark("gave the answer"),
    "remedy_under_way": mark("began a remedy"),
    "remedy_verified": mark("found the remedy done"),
    "closed": mark("closed it"),
    "appealed": mark("recorded an appeal"),
    "reopened": mark("took it up again"),
    "withdrawn": mark("recorded the complainant's own withdrawal"),
    "duplicate": mark("merged it as a duplicate"),
}
WENT = {
    ("routing_objected", "routed"): mark("decided on the objection"),
    ("appealed", "reopened"): mark("upheld the appeal"),
    ("appealed", "answered"): mark("dismissed the appeal"),
    ("appealed", "remedy_under_way"): mark("dismissed the appeal"),
    ("appealed", "remedy_verified"): mark("dismissed the appeal"),
    ("appealed", "closed"): mark("dismissed the appeal"),
}
MADE: dict[type[Record], str] = {
    Grievance: mark("registered the grievance"),
    PlanStep: mark("added to the plan: %(name)s"),
    Document: mark("put on file: %(name)s"),
    JointConference: mark("called a joint conference: %(name)s"),
    ConferenceOffice: mark("invited to the conference: %(name)s"),
    Decision: mark("drafted a decision: %(name)s"),
    Appeal: mark("recorded an appeal: %(name)s"),
    Remedy: mark("wrote down a promise: %(name)s"),
    RoutingObjection: mark("objected to the routing"),
    Pause: mark("let the clock stand still: %(name)s"),
    Extension: mark("asked for more time: %(name)s"),
    GrievanceLink: mark("linked it to another grievance"),
    Feedback: mark("wrote down how the handling was rated"),
}
BECAME: dict[tuple[type[Record], str], str] = {
    (PlanStep, StepState.DONE): mark("finished a step: %(name)s"),
    (PlanStep, StepState.DROPPED): mark("dropped a step: %(name)s"),
    (PlanStep, StepState.PLANNED): mark("took a step up again: %(name)s"),
    (Remedy, RemedyState.PROMISED): mark("sent the remedy back: %(name)s"),
    (Remedy, RemedyState.DONE): mark("says that it is done: %(name)s"),
    (Remedy, RemedyState.VERIFIED): mark("saw that it is done: %(name)s"),
    (Decision, "given"): mark("gave the decision: %(name)s"),
    (Appeal, "decided"): mark("decided the appeal: %(name)s"),
    (RoutingObjection, "granted"): mark("granted the objection"),
    (RoutingObjection, "refused"): mark("refused the objection"),
    (Extension, "granted"): mark("granted more time: %(name)s"),
    (Extension, "refused"): mark("refused more time: %(name)s"),
}
# What a date of a record says happened, where no entry of the trail says who wrote it down: records
# that came in as they were.
DATED: dict[tuple[type[Record], str], str] = {
    (Grievance, "received_at"): mark("It was received"),
    (Grievance, "acknowledged_at"): mark("Receipt was confirmed"),
    (Grievance, "answered_at"): mark("The answer was given"),
    (Grievance, "closed_at"): mark("It was closed"),
    (Grievance, "withdrawn_at"): mark("The complainant withdrew it"),
    (PlanStep, "done_on"): mark("Step done: %(name)s"),
    (Decision, "given_on"): mark("Decision given: %(name)s"),
    (Remedy, "promised_on"): mark("Promised: %(name)s"),
    (Remedy, "done_on"): mark("Said to be done: %(name)s"),
    (Remedy, "verified_on"): mark("Seen done: %(name)s"),
    (Appeal, "filed_on"): mark("Appeal filed: %(name)s"),
    (Appeal, "decided_on"): mark("Appeal decided: %(name)s"),
    (Feedback, "given_on"): mark("The handling was rated"),
}
# Fields whose change is said by the sentence, or is the bookkeeping of it.
SAID = frozenset({"state", "state_before", "position"})


@dataclass
class Event:
    """An entry of the timeline, as the macro `timeline` takes it: what one officer did at once."""

    who: str
    did: str
    at: datetime | date
    request: str = ""
    lines: list[str] = field(default_factory=list)
    note: str = ""


BY_TABLE = {model.__tablename__: model for model in MADE}
Keys = Callable[[type[Record]], list[str]]
Told = tuple[AuditEntry, str, list[str]]


def tell(entries: list[AuditEntry], names: dict[Any, str], keys: Keys) -> list[Event]:
    """Return what `entries` of the trail say, newest first as they come, what one request did
    under one heading. `names` has what the records
    of the case are called, by type and number, `keys(model)` the columns
    that the officer may see."""
    told = [one for one in _in_words(entries, names, keys) if one[1]]
    events: list[Event] = []
    for entry, did, lines in told:
        last = events[-1] if events else None
        who = entry.officer.name if entry.officer else gettext("The system")
        request = entry.request_id or f"{entry.at:%Y-%m-%d %H:%M}"  # a command: what it did at once
        if last and (last.request, last.who) == (request, who):
            # Entries come newest first: the earlier one is the heading.
            last.lines = [*lines, last.did, *last.lines] if last.did != did else last.lines + lines
            last.did = did
        else:
            events.append(Event(who, did, entry.at, request, lines))
    return events


def dated(
    model: type[Record],
    number: int,
    name: str,
    values: Mapping[str, Any],
    entries: list[AuditEntry],
) -> list[Event]:
    """Return what the dates of a record say happened; `values` are its columns with their types.
    What an entry of the trail tells is left to it."""
    known = {
        column
        for one in entries
        if one.record_id == number and one.record_type == model.__tablename__
        for column in one.changes or {}
        if one.verb is AuditVerb.UPDATE
    }
    return [
        Event("", gettext(sentence, name=name), values[column])
        for (of, column), sentence in DATED.items()
        if of is model and column not in known and values.get(column) is not None
    ]


def in_order(events: Iterable[Event], zone: tzinfo) -> list[Event]:
    """Return `events` newest first; what has a day alone stands at its beginning."""

    def moment(event: Event) -> datetime:
        if isinstance(event.at, datetime):
            return event.at
        return datetime.combine(event.at, time(), zone)

    return sorted(events, key=moment, reverse=True)


def refers_to(entries: list[AuditEntry], keys: Keys) -> Wanted:
    """Return the records that `entries` refer to, so that a page names all of its own at once."""
    wanted: Wanted = {}
    for model, mine in _by_model(entries).items():
        found = named_in(model, mine, columns_of(model, _told_of(model, keys)))
        for target, ids in found.items():
            wanted.setdefault(target, set()).update(ids)
    return wanted


def _by_model(entries: list[AuditEntry]) -> dict[type[Record], list[AuditEntry]]:
    """Return the changes among `entries` by the type of their record."""
    found: dict[type[Record], list[AuditEntry]] = {}
    for one in entries:
        if one.record_type in BY_TABLE and one.verb is AuditVerb.UPDATE:
            found.setdefault(BY_TABLE[one.record_type], []).append(one)
    return found


def _told_of(model: type[Record], keys: Keys) -> list[str]:
    """Return the columns of which the story tells that they changed."""
    return [key for key in keys(model) if key not in SAID]


def _in_words(entries: list[AuditEntry], names: dict[Any, str], keys: Keys) -> list[Told]:
    words: dict[int, list[str]] = {}
    for model, mine in _by_model(entries).items():
        for one in changes_in_words(model, _told_of(model, keys), mine):
            words[one["entry"].id] = [
                line_of_change(*change) for change in one["changes"] if any(change[1:])
            ]
    return [
        _told(one, BY_TABLE[one.record_type], names, words.get(one.id, []))
        for one in entries
        if one.record_type in BY_TABLE
    ]


def _told(entry: AuditEntry, model: type[Record], names: dict[Any, str], lines: list[str]) -> Told:
    """Return the entry with what was done and the lines of what changed; "" for nothing that
    people need to know."""
    named = {"name": names.get((model, entry.record_id or 0), f"#{entry.record_id}")}
    if entry.verb is AuditVerb.INSERT:
        return entry, gettext(MADE[model], **named), []
    if entry.verb is AuditVerb.UPDATE:
        before, after = ((entry.changes or {}).get("state") or (None, None))[:2]
        sentence = _moved(model, before, after)
        if sentence:
            return entry, gettext(sentence, **named), lines
        if not lines:
            return entry, "", []
        if model is Grievance:
            return entry, gettext("changed the record"), lines
        what = gettext("changed %(type)s: %(name)s", type=type_label(model), **named)
        return entry, what, lines
    return entry, enum_label(entry.verb), []


def _moved(model: type[Record], before: Any, after: Any) -> str:
    if after is None:
        return ""
    if model is Grievance:
        return WENT.get((before, after)) or CAME_TO.get(after, "")
    return BECAME.get((model, after), "")

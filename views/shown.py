"""How a record looks in lists, details and its history; what it refers to is named only to who
may see that."""

from collections.abc import Callable
from datetime import date
from typing import Any

from flask import request, url_for
from flask_babel import gettext, ngettext
from sqlalchemy import Enum, inspect, literal, select, union_all

import security
from models import Finding, Record, db, title_sql
from queries.filters import Today, local_column
from rules import mark
from rules.permissions import Verb
from rules.records import AuditVerb
from views.badges import Badge, due_badge, tone
from views.labels import enum_label, label, show_of, table_label, title, typed, types_label


def endpoint_of(model: type[Record]) -> str:
    """Return the name under which the screens of `model` are registered."""
    return f"record_{model.__tablename__}"


def _memory() -> dict[str, Any]:
    """What this request found out; on the request and not on flask.g, as in security."""
    memory: dict[str, Any] = request.environ.setdefault("redress.shown", {})
    return memory


def record_url(record: Record) -> str | None:
    """Return the address of the page of `record`, or None for who may not read its kind."""
    return address_of(type(record), record.id)


def address_of(model: type[Record], number: int) -> str | None:
    """Return the address of the page of the record of `model` with this number, or None for who
    may not read its kind. Built once for each record type in a request: a list asks for
    hundreds."""
    known = _memory().setdefault("record_urls", {})
    if model not in known:
        readable = model.screen and security.can(Verb.READ, model)
        known[model] = url_for(f"{endpoint_of(model)}.details_view") if readable else None
    return f"{known[model]}?id={number}" if known[model] else None


def supervision_of(office_id: int) -> str | None:
    """Return the address of an office's page in supervision; None for who may not go there."""
    offices = security.visible_offices()
    if not security.can(Verb.READ, Finding) or (offices is not None and office_id not in offices):
        return None
    return url_for("supervisors.office", office_id=office_id)


Crumb = tuple[str, str | None]


def crumb_of(model: type[Record]) -> Crumb:
    """Return the step of a way that is the list of `model`: its words and its address."""
    return types_label(model), url_for(f"{endpoint_of(model)}.index_view")


def crumbs_of(record: Record) -> list[Crumb]:
    """Return the way to the page of `record`, for what stands below it: its list, then itself."""
    return [crumb_of(type(record)), (title(record), record_url(record))]


Wanted = dict[Any, set[int]]


def visible_titles(wanted: Wanted) -> dict[tuple[Any, int], str]:
    """Return the names of the records with these ids, by record type, that the officer sees; one
    statement, or none where this request has asked for all of them before."""
    known = _memory().setdefault("titles", {})
    missing = {
        target: unknown
        for target, ids in wanted.items()
        if (unknown := {number for number in ids if (target, number) not in known})
    }
    if missing:
        known |= dict.fromkeys((target, n) for target, ids in missing.items() for n in ids)
        known |= _read_titles(missing)
    asked = ((target, number) for target, ids in wanted.items() for number in ids)
    return {place: known[place] for place in asked if known[place] is not None}


def _read_titles(wanted: Wanted) -> dict[tuple[Any, int], str]:
    by_table = {target.__tablename__: target for target in wanted}
    parts = []
    for target, ids in wanted.items():
        table = literal(target.__tablename__).label("place")
        query = select(table, target.id, title_sql(target)).where(target.id.in_(ids))
        visible = security.visible(target)
        parts.append(query if visible is None else query.where(visible))
    return {(by_table[row[0]], row[1]): row[2] for row in db.session.execute(union_all(*parts))}


def note_unseen(
    model: type[Record], records: list[Any], keys: list[str], also: Wanted | None = None
) -> None:
    """Note which records that these refer to are out of the officer's sight: cells show them
    by number only. One statement, in which those that the page names `also` are asked for, or
    none where every such record type is open to all."""
    relations = inspect(model).relationships
    wanted: Wanted = {}
    for key in keys:
        if key in relations and security.visible(relations[key].mapper.class_) is not None:
            related = (getattr(record, key) for record in records)
            ids = {other.id for other in related if other is not None}
            wanted.setdefault(relations[key].mapper.class_, set()).update(ids)
    together = {
        target: wanted.get(target, set()) | (also or {}).get(target, set())
        for target in {**wanted, **(also or {})}
    }
    seen = visible_titles(together)
    every = {(target, number) for target, ids in wanted.items() for number in ids}
    _memory()["unseen"] = every - set(seen)


def _due(record: Record, column: Any, due: date | None, today: Callable[[], Today]) -> Badge | None:
    """Return the chip beside a date by which something must be done; None for any other date."""
    deeds = column.info.get("met_by")
    if not deeds or due is None:
        return None
    met, *ending = (getattr(record, key) for key in deeds)
    return due_badge(due, met, today(), is_ended=any(ending))


def cell(record: Record, key: str, today: Callable[[], Today]) -> dict[str, Any]:
    """Return what a list or details shows of `key`: its text, kind and link, if any. What day it
    is, `today`, is asked only for what is due."""
    model = type(record)
    value = getattr(record, key)
    if key in inspect(model).relationships:
        if value is None:
            return {"kind": "relation", "text": ""}
        if (type(value), value.id) in _memory().get("unseen", ()):
            return {"kind": "relation", "text": f"#{value.id}", "url": None}
        return {"kind": "relation", "text": title(value), "url": record_url(value)}
    column = inspect(model).columns[key]
    kind = "choice" if isinstance(column.type, Enum) else "text"
    if isinstance(value, date):
        kind = "moment"
    if key in model.title_columns:
        kind = "title number" if key == "number" else "title"
    if key == "record_type":
        value = table_label(value)
    return {
        "text": show_of(column, value),
        "kind": kind,
        "tone": tone(value),
        "due": _due(record, column, value, today) if isinstance(value, date) else None,
    }


def columns_of(model: type[Record], keys: list[str]) -> dict[str, str]:
    """Return the key by which each column is known that stands behind `keys`."""
    return {local_column(model, key).key: key for key in keys}


def changes_in_words(
    model: type[Record], keys: list[str], entries: list[Any]
) -> list[dict[str, Any]]:
    """Return the entries with each change as (field, before, after); unseen fields left out."""
    by_column = columns_of(model, keys)
    names = _names_in(model, entries, by_column)
    told = []
    for entry in entries:
        noted = entry.changes or {}
        changes = [
            (label(key), *(names(column, value) for value in noted[column]))
            for column, key in by_column.items()
            if isinstance(noted.get(column), list) and len(noted[column]) == 2
        ]
        hidden = sum(column not in by_column for column in entry.changes or {})
        told.append({"entry": entry, "changes": changes, "hidden": hidden})
    return told


DID = {
    AuditVerb.INSERT: mark("made this record"),
    AuditVerb.UPDATE: mark("changed it"),
    AuditVerb.DELETE: mark("deleted it"),
}


def as_timeline(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what changes_in_words() told as the entries of a timeline: who, did, at, the changes
    as lines, and a note of what is not shown."""
    return [
        {
            "who": str(one["entry"].officer or gettext("The system")),
            "did": _did(one["entry"].verb),
            "at": one["entry"].at,
            "lines": [line_of_change(*change) for change in one["changes"] if any(change[1:])],
            "note": ngettext(
                "and %(num)s field that is not shown to you",
                "and %(num)s fields that are not shown to you",
                one["hidden"],
            )
            if one["hidden"]
            else "",
        }
        for one in told
    ]


def _did(verb: AuditVerb) -> str:
    return gettext(DID[verb]) if verb in DID else enum_label(verb)


def line_of_change(field: str, before: str, after: str) -> str:
    """Return a change of a field, from `before` to `after` in words, as a line of a timeline."""
    values = {"field": field, "before": before, "after": after}
    if before and after:
        return gettext("%(field)s: from “%(before)s” to “%(after)s”", **values)
    if after:
        return gettext("%(field)s: “%(after)s”", **values)
    return gettext("%(field)s: “%(before)s” taken away", **values)


def named_in(model: type[Record], entries: list[Any], by_column: dict[str, str]) -> Wanted:
    """Return the records that the changes of `entries` refer to; `by_column` has the key of each
    column that the officer may see."""
    relations = inspect(model).relationships
    wanted: Wanted = {}
    for entry in entries:
        for column, pair in (entry.changes or {}).items():
            key = by_column.get(column)
            if key in relations and isinstance(pair, list):
                target = relations[key].mapper.class_
                wanted.setdefault(target, set()).update(v for v in pair if v is not None)
    return wanted


def _names_in(
    model: type[Record], entries: list[Any], by_column: dict[str, str]
) -> Callable[..., str]:
    """Return what turns a stored value into words; related records are named in one
    statement."""
    relations = inspect(model).relationships
    named = visible_titles(named_in(model, entries, by_column))

    def words(column: str, value: Any) -> str:
        key = by_column[column]
        if value is None:
            return ""
        if key in relations:
            return named.get((relations[key].mapper.class_, value), f"#{value}")
        return show_of(inspect(model).columns[key], typed(inspect(model).columns[key], value))

    return words

"""How a record looks in lists, details and its history; what it refers to is named only to who
may see that."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from flask import request, url_for
from sqlalchemy import Enum, inspect, literal, select, union_all

import security
from models import Record, db, title_sql
from queries.filters import Today, local_column
from rules.permissions import Verb
from views.labels import label, show_of, table_label, title, typed


def endpoint_of(model: type[Record]) -> str:
    """Return the name under which the screens of `model` are registered."""
    return f"record_{model.__tablename__}"


def _memory() -> dict[str, Any]:
    """What this request found out; on the request and not on flask.g, as in security."""
    memory: dict[str, Any] = request.environ.setdefault("redress.shown", {})
    return memory


def record_url(record: Record) -> str | None:
    """Return the address of the page of `record`, or None for who may not read its kind. Built
    once for each record type in a request: a list asks for hundreds."""
    model = type(record)
    known = _memory().setdefault("record_urls", {})
    if model not in known:
        readable = model.screen and security.can(Verb.READ, model)
        known[model] = url_for(f"{endpoint_of(model)}.details_view") if readable else None
    return f"{known[model]}?id={record.id}" if known[model] else None


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


def _is_past(value: Any, now: Today) -> bool:
    return bool(value < (now.now if isinstance(value, datetime) else now.day))


def cell(record: Record, key: str, today: Callable[[], Today]) -> dict[str, Any]:
    """Return what a list or details shows of `key`: its text, kind and link, if any. What day it
    is, `today`, is asked only for what can be overdue."""
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
    overdue = bool(
        value
        and column.info.get("met_by")
        and _is_past(value, today())
        and all(getattr(record, met) is None for met in column.info["met_by"])
    )
    if key == "record_type":
        value = table_label(value)
    raw = getattr(value, "value", None)
    return {"text": show_of(column, value), "kind": kind, "raw": raw, "overdue": overdue}


def changes_in_words(
    model: type[Record], keys: list[str], entries: list[Any]
) -> list[dict[str, Any]]:
    """Return the entries with each change as (field, before, after); unseen fields left out."""
    by_column = {local_column(model, key).key: key for key in keys}
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


def _names_in(
    model: type[Record], entries: list[Any], by_column: dict[str, str]
) -> Callable[..., str]:
    """Return what turns a stored value into words; related records are named in one
    statement."""
    relations = inspect(model).relationships
    wanted: dict[Any, set[int]] = {}
    for entry in entries:
        for column, pair in (entry.changes or {}).items():
            key = by_column.get(column)
            if key in relations and isinstance(pair, list):
                target = relations[key].mapper.class_
                wanted.setdefault(target, set()).update(v for v in pair if v is not None)
    named = visible_titles(wanted)

    def words(column: str, value: Any) -> str:
        key = by_column[column]
        if value is None:
            return ""
        if key in relations:
            return named.get((relations[key].mapper.class_, value), f"#{value}")
        return show_of(inspect(model).columns[key], typed(inspect(model).columns[key], value))

    return words

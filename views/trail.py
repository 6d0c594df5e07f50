"""The reader of the audit trail: what was done, by whom, in words; and whether it is whole."""

from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from flask import current_app, redirect, request
from flask_admin import expose
from flask_babel import gettext
from sqlalchemy import inspect, select

import security
from actions import roots
from config import audit_roots
from models import RECORD_TYPES, AuditBlock, AuditEntry, Officer, Record, db
from rules.records import AuditVerb
from views.base import RecordView
from views.fields import find_by_text
from views.labels import enum_label, label, show, show_of, type_label, typed
from views.listing import ListState
from views.shown import changes_in_words, endpoint_of, visible_titles

MOST_CHANGES = 6


def in_words(entry: AuditEntry) -> str:
    """Return the changes of `entry`, "State: Routed → Closed; …", the first six of them. Related
    records are numbers here; the History of the record names them."""
    model = next((m for m in RECORD_TYPES if m.__tablename__ == entry.record_type), None)
    columns = inspect(model).columns if model is not None else {}
    told = []
    for key, pair in (entry.changes or {}).items():
        values = pair if isinstance(pair, list) and len(pair) == 2 else [None, pair]
        if key in columns and columns[key].foreign_keys:
            shown = [f"#{value}" if value is not None else "" for value in values]
        else:
            shown = [_words(columns.get(key), value) for value in values]
        told.append(f"{label(key)}: " + " → ".join(words for words in shown if words))
    more = "; …" if len(told) > MOST_CHANGES else ""
    return "; ".join(told[:MOST_CHANGES]) + more


def _words(column: Any, value: Any) -> str:
    return show(value) if column is None else show_of(column, typed(column, value))


def model_of(entry: AuditEntry) -> type[Record] | None:
    """Return the record type that `entry` is about; None for one that is no more."""
    return next((m for m in RECORD_TYPES if m.__tablename__ == entry.record_type), None)


class AuditEntryView(RecordView):
    """Audit entries, their changes told as the record's own history tells them."""

    list_template = "trail/list.html"
    details_template = "trail/details.html"

    # --- The list ------------------------------------------------------------------------------

    @expose("/")
    def index_view(self) -> Any:
        """The list, with a form for what auditors ask most; it becomes filters in the link."""
        if "quick" not in request.args:
            return super().index_view()
        asked = {name: value.strip() for name, value in request.args.items() if value.strip()}
        return redirect(f"{self.get_url('.index_view')}?{urlencode(_as_filters(asked))}")

    def quick(self, state: ListState) -> dict[str, str]:
        """Return what the form above the list holds: the filters of `state` that are its own."""
        held = {f"{one.key}_{one.operation}": one.value for one in state.filters}
        first, _to, last = held.get("at_between", "").partition(" to ")
        first = first or _beside(held.get("at_after"), 1) or ""
        last = last or _beside(held.get("at_before"), -1) or ""
        officer = security.parse_id(held.get("officer_equals", ""))
        named = visible_titles({Officer: {officer}}) if officer else {}
        return {
            "kind": held.get("record_type_equals", ""),
            "verb": held.get("verb_equals", ""),
            "number": held.get("record_id_equals", ""),
            "request": held.get("request_id_equals", ""),
            "officer": named.get((Officer, officer), "") if officer else "",
            "since": held.get("at_on", "") or first,
            "until": held.get("at_on", "") or last,
        }

    def kinds(self) -> list[tuple[str, str]]:
        """Return the kinds of records: name of the table and what one is called."""
        kinds = [(model.__tablename__, type_label(model)) for model in RECORD_TYPES]
        return sorted(kinds, key=lambda pair: pair[1])

    def verbs(self) -> list[tuple[str, str]]:
        """Return what can have been done: stored value and words."""
        return [(verb.value, enum_label(verb)) for verb in AuditVerb]

    def state_of_the_trail(self) -> dict[str, Any]:
        """Return what the roots folder says: the last root and the last verification."""
        folder = audit_roots(current_app.config)
        report, root = roots.last_report(folder), roots.last_root(folder)
        fault = (report or {}).get("fault")
        return {
            "root": root,
            "signed_at": datetime.fromisoformat(root.signed_at) if root else None,
            "report": report,
            "verified_at": datetime.fromisoformat(report["at"]) if report else None,
            "fault": gettext(fault["sentence"]) % fault["values"] if fault else "",
        }

    def cell(self, record: Record, key: str) -> dict[str, Any]:
        entry: Any = record
        if key == "changes":
            return {"text": in_words(entry), "kind": "text"}
        if key == "record_id" and entry.record_id is not None:
            return {"text": f"#{entry.record_id}", "kind": "relation", "url": self.place(entry)}
        return super().cell(record, key)

    def place(self, entry: AuditEntry) -> str | None:
        """Return the address of the record that `entry` is about; None where it has no page."""
        model = model_of(entry)
        is_gone = entry.verb is AuditVerb.DELETE
        if model is None or not model.screen or entry.record_id is None or is_gone:
            return None
        return f"{self.get_url(f'{endpoint_of(model)}.details_view')}?id={entry.record_id}"

    # --- An entry ------------------------------------------------------------------------------

    @expose("/details/")
    def details_view(self) -> Any:
        """One entry: each field before and after, the record, what else the request did."""
        entry: Any = self._asked_record(self.keys)
        model = model_of(entry)
        keys = security.readable_columns(model) if model is not None and model.screen else []
        known = _told_by_model(entry, model, keys)
        block = db.session.scalar(select(AuditBlock).where(AuditBlock.block_id == entry.block_id))
        return self.render(
            self.details_template,
            record=entry,
            changes=known + _told_plainly(entry, model, keys),
            block=block,
            record_url=self._url_if_there(entry, model),
            record_entries=self._link(record_type=entry.record_type, record_id=entry.record_id),
            request_entries=self._link(request_id=entry.request_id),
        )

    def _url_if_there(self, entry: AuditEntry, model: type[Record] | None) -> str | None:
        if model is None or self.place(entry) is None or entry.record_id is None:
            return None
        seen = visible_titles({model: {entry.record_id}})
        return self.place(entry) if seen else None

    def _link(self, **equal: Any) -> str | None:
        """Return the address of the list where these columns hold these values."""
        if None in equal.values():
            return None
        filters = [(f"flt{n}_{key}_equals", value) for n, (key, value) in enumerate(equal.items())]
        return f"{self.get_url('.index_view')}?{urlencode(filters)}"


def _as_filters(asked: dict[str, str]) -> list[tuple[str, str]]:
    """Return the filters of a link that say what the form asked."""
    wanted = [
        ("record_type_equals", asked.get("kind")),
        ("verb_equals", asked.get("verb")),
        ("officer_equals", _officer(asked["officer"]) if "officer" in asked else None),
        ("record_id_equals", asked.get("number", "").removeprefix("#")),
        ("request_id_equals", asked.get("request")),
        *_period(asked.get("since"), asked.get("until")),
    ]
    told = [(name, value) for name, value in wanted if value]
    return [(f"flt{place}_{name}", value) for place, (name, value) in enumerate(told)]


def _period(since: str | None, until: str | None) -> list[tuple[str, str | None]]:
    """Return the filters for a period whose first and last day belong to it."""
    if since and until:
        return [("at_between", f"{since} to {until}")]
    return [("at_after", _beside(since, -1)), ("at_before", _beside(until, 1))]


def _beside(day: str | None, days: int) -> str | None:
    """Return the day so many days off; `day` itself where it is none, so that the list says so."""
    try:
        return (date.fromisoformat(day) + timedelta(days=days)).isoformat() if day else day
    except (ValueError, OverflowError):
        return day


def _officer(text: str) -> str:
    """Return the number of the officer of this name or username; `text` where there is none, so
    that the list says so."""
    by_username = select(Officer.id).where(Officer.username == text.lower())
    number = db.session.scalar(by_username)
    if number is not None:
        return str(number)
    try:
        return str(find_by_text(Officer, text).id)
    except ValueError:
        return text


def _told_by_model(
    entry: AuditEntry, model: type[Record] | None, keys: list[str]
) -> list[tuple[str, str, str]]:
    if model is None or not keys:
        return []
    (told,) = changes_in_words(model, keys, [entry])
    changes: list[tuple[str, str, str]] = told["changes"]
    return changes


def _told_plainly(
    entry: AuditEntry, model: type[Record] | None, keys: list[str]
) -> list[tuple[str, str, str]]:
    """Return the changes that are of no column a screen shows: masked ones, and what an act said
    of itself, as (field, before, after)."""
    relations = inspect(model).relationships if model is not None else {}
    shown = {
        column.key
        for key in keys
        for column in (relations[key].local_columns if key in relations else ())
    } | set(keys)
    told = []
    for key, pair in (entry.changes or {}).items():
        if key not in shown:
            values = pair if isinstance(pair, list) and len(pair) == 2 else [None, pair]
            told.append((label(key), show(values[0]), show(values[1])))
    return told

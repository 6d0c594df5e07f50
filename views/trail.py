"""The audit trail as a list: what changed, in words."""

from typing import Any

from sqlalchemy import inspect

from models import RECORD_TYPES, AuditEntry, Record
from views.base import RecordView
from views.labels import label, show, show_of, typed

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


class AuditEntryView(RecordView):
    """Audit entries, their changes told as the record's own history tells them."""

    def cell(self, record: Record, key: str) -> dict[str, Any]:
        if key == "changes" and isinstance(record, AuditEntry):
            return {"text": in_words(record), "kind": "text"}
        return super().cell(record, key)

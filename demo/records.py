"""Makes records from the TOML files of this folder.

A table is called after the record type, a part after the relation to it: [[grievance]], then
[[grievance.plan_steps]]. Another record is named as people name it: an office by its code, an
officer by the username, an area or a group by its name, a category by its path ("Handling by
offices > No answer"), others by a `key` that is in the file for this alone. Times are Boston's.
"""

import tomllib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import inspect
from sqlalchemy.orm import Session

from models import RECORD_TYPES, Area, ChecklistTemplate, Office, Officer, Record, SupervisionGroup

HERE = Path(__file__).parent
BOSTON = ZoneInfo("America/New_York")
OWN_NAMES: dict[type[Record], str] = {
    Office: "code",
    Officer: "username",
    Area: "name",
    SupervisionGroup: "name",
    ChecklistTemplate: "name",
}
AnyRecord = TypeVar("AnyRecord", bound=Record)


class Known:
    """The demo's records by the names under which others refer to them."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._records: dict[tuple[type[Record], str], Any] = {}

    def get(self, model: type[AnyRecord], name: str) -> AnyRecord:
        """Return the record of `model` that is called `name`. Raises KeyError."""
        record: AnyRecord = self._records[model, name]
        return record

    def names(self, model: type[Record]) -> list[str]:
        """Return the names of the records of `model` in the order in which they were made."""
        return [name for kind, name in self._records if kind is model]

    def all(self, model: type[AnyRecord]) -> list[AnyRecord]:
        """Return the named records of `model` in the order in which they were made."""
        return [self.get(model, name) for name in self.names(model)]

    def add(self, record: Record, name: str | None = None) -> None:
        """Add `record` to the session, and know it by `name`, else by what names it of itself."""
        self.session.add(record)
        if name is None and type(record) in OWN_NAMES:
            name = getattr(record, OWN_NAMES[type(record)])
        if name is not None:
            self._records[type(record), name] = record

    def read(self, file_name: str, **of_all: Mapping[str, Any]) -> None:
        """Make the records of a file of this folder; `of_all` gives values that all records of a
        table have (officer={...})."""
        models = {model.__tablename__: model for model in RECORD_TYPES}
        content = tomllib.loads((HERE / file_name).read_text("utf-8"))
        with self.session.no_autoflush:
            for table, entries in content.items():
                for entry in entries:
                    self.make(models[table], entry, **of_all.get(table, {}))

    def make(self, model: type[Record], entry: Mapping[str, Any], **more: Any) -> None:
        """Make a record of `model` from what a file says of it, and its parts."""
        relations = inspect(model).relationships
        values: dict[str, Any] = dict(more)
        parts: list[tuple[str, Any]] = []
        for name, value in entry.items():
            if name in relations and relations[name].uselist:
                parts.append((name, value))
            elif name in relations:
                values[name] = self.get(relations[name].mapper.class_, value)
            elif isinstance(value, datetime):
                values[name] = value.replace(tzinfo=BOSTON)
            elif name != "key":
                values[name] = value
        record = model(**values)
        self.add(record, entry.get("key"))
        for name, entries in parts:
            owner = {str(relations[name].back_populates): record}
            for part in entries:
                self.make(relations[name].mapper.class_, part, **owner)

"""What hangs on a record: what would go with it, and what keeps it from being deleted."""

from dataclasses import dataclass

from sqlalchemy import ForeignKey, func, literal, literal_column, select, union_all
from sqlalchemy.orm import Session

from models import RECORD_TYPES, Record

COUNTED = 100


@dataclass(frozen=True)
class Dependents:
    """Record types that refer to a record, with how many of them do, counted to 100 (101 means
    more). `kept` would lose their history and so forbid the deletion; `gone` go with it."""

    kept: list[tuple[type[Record], int]]
    gone: list[tuple[type[Record], int]]


def _references(record: Record) -> list[tuple[type[Record], ForeignKey]]:
    table = record.__table__
    return [
        (model, key)
        for model in RECORD_TYPES
        for column in model.__table__.columns
        for key in column.foreign_keys
        if key.column.table is table
    ]


def dependents_of(session: Session, record: Record) -> Dependents:
    """Return what refers to `record`, found in one statement; each count stops at 101."""
    references = _references(record)
    if not references:
        return Dependents([], [])
    parts = []
    for place, (_, key) in enumerate(references):
        some = (
            select(literal_column("1"))
            .select_from(key.parent.table)
            .where(key.parent == record.id)
            .limit(COUNTED + 1)
        )
        parts.append(select(literal(place).label("place"), func.count().label("number"))
                     .select_from(some.subquery()))
    kept: dict[type[Record], int] = {}
    gone: dict[type[Record], int] = {}
    for place, number in session.execute(union_all(*parts)):
        model, key = references[place]
        if number:
            side = gone if (key.ondelete or "").upper() in ("CASCADE", "SET NULL") else kept
            side[model] = side.get(model, 0) + number
    return Dependents(list(kept.items()), list(gone.items()))

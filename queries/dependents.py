"""What hangs on records: what would go with them, and what keeps them from being deleted."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ForeignKey,
    Select,
    any_,
    func,
    literal,
    literal_column,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from models import RECORD_TYPES, PrivateRecord, Record

COUNTED = 100


@dataclass(frozen=True)
class Dependents:
    """Record types that refer to the records asked about, with how many of them do, counted to
    100 (101 means more). `kept` would lose their history and so forbid the deletion; `gone` go
    with it."""

    kept: list[tuple[type[Record], int]]
    gone: list[tuple[type[Record], int]]


def _references(target: type[Record]) -> list[tuple[type[Record], ForeignKey]]:
    table = target.__table__
    return [
        (model, key)
        for model in RECORD_TYPES
        for column in model.__table__.columns
        for key in column.foreign_keys
        if key.column.table is table and not _is_sealed(model, column.name)
    ]


def _is_sealed(model: type[Record], name: str) -> bool:
    """Return whether nobody at a screen may count by this column: of what is private only the
    grievance it belongs to is open. The database refuses by itself what would break it."""
    return issubclass(model, PrivateRecord) and name != "grievance_id"


def dependents_of(session: Session, target: type[Record], ids: list[int]) -> Dependents:
    """Return what refers to the records of `target` with these ids, found in one statement; each
    count stops at 101."""
    references = _references(target)
    them = any_(literal(ids, ARRAY(BigInteger)))
    if not references:
        return Dependents([], [])
    parts = []
    for place, (_, key) in enumerate(references):
        some: Select[Any] = (
            select(literal_column("1"))
            .select_from(key.parent.table)
            .where(key.parent == them)
            .limit(COUNTED + 1)
        )
        parts.append(
            select(literal(place).label("place"), func.count().label("number")).select_from(
                some.subquery()
            )
        )
    kept: dict[type[Record], int] = {}
    gone: dict[type[Record], int] = {}
    for place, number in session.execute(union_all(*parts)):
        model, key = references[place]
        if number:
            side = gone if (key.ondelete or "").upper() in ("CASCADE", "SET NULL") else kept
            side[model] = side.get(model, 0) + number
    return Dependents(list(kept.items()), list(gone.items()))

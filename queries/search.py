"""The search over every record type: what matches of each, and how many, a few statements in all.

Of a type no more than COUNTED records are found, through the indexes of its own list's search;
those shown are the ones whose number was typed, then the newest.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    String,
    func,
    literal,
    literal_column,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from models import Record, search_columns
from queries.lists import COUNTED, search_clause

Scope = Callable[[type[Record]], ColumnElement[bool] | None]


@dataclass(frozen=True)
class Hit:
    """A record that was found: the values that name it, as JSON has them, and whether its number
    is just what was typed."""

    id: int
    named: list[Any]
    is_exact: bool


@dataclass(frozen=True)
class Found:
    """What was found of one record type: the first of them, and how many there are, counted to
    COUNTED (one more means more)."""

    model: type[Record]
    number: int
    hits: list[Hit]

    @property
    def has_exact(self) -> bool:
        """Whether one of them has just the number that was typed."""
        return any(hit.is_exact for hit in self.hits)


def record_number(text: str) -> int | None:
    """Return the number of a record in "#3010"; None where `text` is no such thing."""
    match = re.fullmatch(r"#\s*([0-9]{1,19})", text, re.ASCII)
    number = int(match[1]) if match else 0
    return number if 0 < number < 2**63 else None


def _is_exact(model: type[Record], text: str) -> ColumnElement[bool]:
    """The condition that a number, code or username of the record is just `text`."""
    unique = [
        column
        for column in search_columns(model)
        if column.unique or column.name in ("number", "external_number")
    ]
    same = [func.lower(column) == text.lower() for column in unique]
    return func.coalesce(or_(*same), literal_column("false")) if same else literal_column("false")


def _named(model: Any) -> Any:
    return func.jsonb_build_array(*(getattr(model, name) for name in model.title_columns))


def matching(
    model: type[Record], text: str, scope: Scope, *, size: int, place: int = 0
) -> Select[Any]:
    """Ask for the first `size` records of `model` that hold every word of `text`. Rows have place,
    id, named, number, is_exact. Raises RuleBroken for a text too long."""
    clause, seen = search_clause(model, text), scope(model)
    query = select(model.id.label("id"), _is_exact(model, text).label("is_exact"))
    query = query.where(*(one for one in (clause, seen) if one is not None)).limit(COUNTED + 1)
    # Found first and put in order then: left to itself the planner walks the newest records until
    # enough of them match, through the whole table where few do.
    found = query.cte(f"found_{place}").prefix_with("MATERIALIZED")
    number = select(func.count()).select_from(found).scalar_subquery()
    first = (
        select(found.c.id, found.c.is_exact)
        .order_by(found.c.is_exact.desc(), found.c.id.desc())
        .limit(size)
        .subquery(f"first_{place}")
    )
    return select(
        literal(place, Integer).label("place"),
        model.id.label("id"),
        _named(model).label("named"),
        number.label("number"),
        first.c.is_exact.label("is_exact"),
    ).join(first, first.c.id == model.id)


def numbered(model: type[Record], number: int, scope: Scope, *, place: int = 0) -> Select[Any]:
    """Ask for the record of `model` that has this number; rows as of matching()."""
    seen = scope(model)
    query = select(
        literal(place, Integer).label("place"),
        model.id.label("id"),
        _named(model).label("named"),
        literal(1, Integer).label("number"),
        literal_column("true").label("is_exact"),
    ).where(model.id == number)
    return query if seen is None else query.where(seen)


def found(
    session: Session, models: list[type[Record]], text: str, scope: Scope, *, size: int
) -> list[Found]:
    """Return what `text` finds of each of `models`, those without anything left out; "#3010" is
    the record of this number, of whatever type. One statement, none for no models. Raises
    RuleBroken for a text too long."""
    number = record_number(text)
    parts = [
        matching(model, text, scope, size=size, place=place)
        if number is None
        else numbered(model, number, scope, place=place)
        for place, model in enumerate(models)
    ]
    if not parts:
        return []
    rows: dict[int, list[Any]] = {}
    for row in session.execute(union_all(*parts)):
        rows.setdefault(row.place, []).append(row)
    return [_found(models[place], some) for place, some in sorted(rows.items())]


def _found(model: type[Record], rows: list[Any]) -> Found:
    hits = [Hit(row.id, row.named, row.is_exact) for row in rows]
    return Found(model, rows[0].number, sorted(hits, key=lambda hit: (not hit.is_exact, -hit.id)))


def can_be_searched(model: type[Record]) -> bool:
    """Return whether records of `model` have any text to search."""
    return any(isinstance(column.type, String) for column in search_columns(model))

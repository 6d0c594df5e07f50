"""Lists that stay fast at any size: search through indexes, paging by position in the order
(keyset) and never by OFFSET, and a count that stops counting."""

import base64
import binascii
import enum
import json
import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Enum,
    Select,
    and_,
    case,
    func,
    literal_column,
    or_,
    select,
    table,
)
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.inspection import inspect
from sqlalchemy.orm import Session, joinedload, load_only, raiseload

from models import Record, is_sortable, search_document
from queries.sorts import (
    THE_END,
    Order,
    Place,
    groups_of,
    nearest,
    ordering_of,
    parts,
)
from rules import RuleBroken, mark

COUNTED = 10_000
LONGEST_SEARCH = 200
MOST_WORDS = 10


# --- Search ----------------------------------------------------------------------------------


def search_clause(model: type[Record], text: str) -> ColumnElement[bool] | None:
    """Return the condition that every word of `text` stands in a record; None for no words.

    Words with three letters or digits in a row go through the trigram index; shorter ones, as in
    Chinese, through the index of pairs (trap 16). Raises RuleBroken for a text too long, and for
    a record type without any text to search.
    """
    if len(text) > LONGEST_SEARCH:
        raise RuleBroken(mark("The search takes at most 200 characters."))
    words = text.split()
    if len(words) > MOST_WORDS:
        raise RuleBroken(mark("The search takes at most 10 words."))
    if not words:
        return None
    document = search_document(model)
    if document is None:
        raise RuleBroken(mark("There is nothing to search here; add a filter instead."))
    return and_(*(_word_clause(document, word) for word in words))


def _word_clause(document: Any, word: str) -> ColumnElement[bool]:
    escaped = re.sub(r"([%_\\])", r"\\\1", word)
    stands_in: ColumnElement[bool] = document.like(func.lower(f"%{escaped}%"), escape="\\")
    if re.search(r"[^\W_]{3}", word):
        return stands_in
    pairs = func.redress_pairs(document)
    if len(word) <= 2:
        # The index says it all, and a second condition would spoil the planner's estimate.
        return pairs.op("@>")(array([func.lower(word)]))
    return and_(pairs.op("@>")(func.redress_pairs(func.lower(word))), stands_in)


# --- Order and place -------------------------------------------------------------------------


@dataclass(frozen=True)
class Page:
    """One page: its records and the tokens of the places before and after it, None at an end.
    `number` is how many there are on all pages, where that was counted on the way."""

    records: list[Any]
    before: str | None
    after: str | None
    number: int | None = None


def sortable_keys(model: type[Record]) -> list[str]:
    """Return the columns that a list of `model` can be sorted by; each has its index."""
    return ["id"] + [column.key for column in model.__table__.columns if is_sortable(column)]


def default_order(model: type[Record]) -> Order:
    """Return the order in which `model` is listed when nobody asked for another."""
    key = model.sorted_by
    return Order(key.lstrip("-"), key.startswith("-"))


def _written(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def place_token(record: Record, order: Order) -> str:
    """Return the text that stands in a link for the place of `record` in the list."""
    values = [_written(getattr(record, key)) for key, _ in order.columns]
    packed = json.dumps([*values, record.id], ensure_ascii=False).encode()
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def read_place(model: type[Record], order: Order, token: str, *, backwards: bool) -> Place:
    """Return the place that `token` stands for; RuleBroken where it stands for none."""
    if backwards and token == "end":  # noqa: S105 - a word in a link, no password
        return THE_END
    broken = RuleBroken(mark("This link to a page is damaged; here is the first page."))
    try:
        packed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        *values, record_id = json.loads(packed)
    except (binascii.Error, ValueError, TypeError, RecursionError):
        raise broken from None
    is_id = type(record_id) is int and 0 <= record_id < 2**63
    if not is_id or len(values) != len(order.columns):
        raise broken
    read = [
        _read_value(getattr(model, key), value, broken)
        for (key, _), value in zip(order.columns, values, strict=True)
    ]
    return Place(read[0], record_id, backwards, tuple(read[1:]))


def _read_value(column: Any, value: Any, broken: RuleBroken) -> Any:
    if value is None:
        return None
    wanted = column.type.python_type
    try:
        if isinstance(column.type, Enum):
            return column.type.enum_class(value)  # type: ignore[misc]
        if wanted in (datetime, date):
            return wanted.fromisoformat(value)
        if wanted is Decimal:
            return Decimal(value)
    except (ValueError, TypeError, ArithmeticError):
        raise broken from None
    # Not isinstance: True is an int, and no number to the database. Half a character in JSON
    # (\ud800) is none to it either.
    if type(value) is not wanted or (wanted is str and re.search("[\0\ud800-\udfff]", value)):
        raise broken
    if wanted is int and abs(value) >= 2**63:
        raise broken
    return value


def read_page(
    session: Session,
    query: Select[Any],
    model: type[Record],
    order: Order,
    place: Place | None,
    size: int,
    *,
    found: CTE | None = None,
) -> Page:
    """Return the page of `query` that begins at `place`: `size` records at most, found through
    the index of (sort column, id) at the same cost at any depth, or among the few `found` (see
    gathered). One statement, two at the edge between values and NULLs, or where the order has
    several columns."""
    backwards = bool(place and place.backwards)
    read = _read_by_several if order.then else _read_by_one
    rows = read(session, query, model, order, place, size + 1, found)
    records = [row[0] for row in rows]
    more = len(records) > size
    records = records[:size]
    if backwards:
        records.reverse()
        if not more and place and place.id is not None:
            return read_page(session, query, model, order, None, size, found=found)
    elif not records and place is not None:  # the rows beyond are gone: the last that are there
        return read_page(session, query, model, order, THE_END, size, found=found)
    first, last = (records[0], records[-1]) if records else (None, None)
    earlier = more if backwards else place is not None
    later = (place is not None and place.id is not None) if backwards else more
    return Page(
        records,
        place_token(first, order) if first is not None and earlier else None,
        place_token(last, order) if last is not None and later else None,
        rows[0][1] if rows and len(rows[0]) > 1 else None,
    )


def _read_by_one(
    session: Session,
    query: Select[Any],
    model: type[Record],
    order: Order,
    place: Place | None,
    most: int,
    found: CTE | None,
) -> list[Any]:
    column: Any = getattr(model, order.key)
    key: Any = model.id
    nullable = column.property.columns[0].nullable
    if found is not None:
        column, key = found.c[order.key], found.c.id
    down = order.descending != bool(place and place.backwards)
    records: list[Any] = []
    for condition, ordering in parts(column, key, place, down=down, nullable=nullable):
        missing = most - len(records)
        if missing <= 0:
            break
        statement = query.order_by(None).order_by(*ordering).limit(missing)
        if condition is not None:
            statement = statement.where(condition)
        records += session.execute(statement).unique()
    return records


def _read_by_several(
    session: Session,
    query: Select[Any],
    model: type[Record],
    order: Order,
    place: Place | None,
    most: int,
    found: CTE | None,
) -> list[Any]:
    keys, groups = groups_of(model, order, place, found)
    records: list[Any] = []
    for stretches in groups:
        missing = most - len(records)
        if missing > 0 and stretches:
            statement = nearest(query, model, keys, stretches, missing)
            records += session.execute(statement).unique()
    return records


def gathered(query: Select[Any], model: type[Record], order: Order) -> tuple[Select[Any], CTE]:
    """Return `query`, of which few rows match, so that these are found first and sorted then;
    with what it finds them as, for read_page.

    Left to itself the planner walks the index of the order, through the whole table if need be,
    wherever it believes that more rows match: in a new office it read 2 million rows for none.
    """
    columns = {"id": model.id} | {key: getattr(model, key) for key, _ in order.columns}
    narrow = query.order_by(None).with_only_columns(*columns.values())
    found = narrow.limit(COUNTED + 1).cte("found").prefix_with("MATERIALIZED")
    return select(model).join(found, found.c.id == model.id), found


def gathered_and_counted(
    query: Select[Any], model: type[Record], order: Order
) -> tuple[Select[Any], CTE]:
    """Return what `gathered` does, with the number of rows found beside each record: one statement
    instead of two. It has no rows where none match and where more do than are counted."""
    page, found = gathered(query, model, order)
    number = select(func.count()).select_from(found).scalar_subquery()
    return page.add_columns(number).where(number <= COUNTED), found


def ordered(query: Select[Any], model: type[Record], order: Order) -> Select[Any]:
    """Return `query` in `order` with its tie-break, for exports."""
    return query.order_by(None).order_by(*ordering_of(model, order))


# --- What a list loads and how many there are ------------------------------------------------


def with_columns(query: Select[Any], model: type[Record], keys: list[str]) -> Select[Any]:
    """Return `query` loading just `keys` and, joined, the names of related records; anything
    else that a screen touches by mistake raises instead of costing a statement per row."""
    mapper = inspect(model)
    own = {key for key in keys if key in mapper.columns} | set(model.title_columns) | {"id"}
    if "version_id" in mapper.columns:
        own.add("version_id")
    own |= {met for key in own for met in mapper.columns[key].info.get("met_by", ())}
    related = [mapper.relationships[key] for key in keys if key in mapper.relationships]
    own |= {column.key for relation in related for column in relation.local_columns}
    options: list[Any] = [load_only(*(getattr(model, key) for key in sorted(own)))]
    for relation in related:
        target = relation.mapper.class_
        named = [getattr(target, key) for key in ("id", *target.title_columns)]
        options.append(joinedload(getattr(model, relation.key)).load_only(*named))
        options.append(joinedload(getattr(model, relation.key)).raiseload("*"))
    return query.options(*options, raiseload("*"))


@dataclass(frozen=True)
class Count:
    """How many records a list has: exactly, "more than" or "about"."""

    number: int
    kind: str = "exact"


def count(session: Session, query: Select[Any], model: type[Record], *, whole: bool) -> Count:
    """Return how many records `query` finds, counting to 10,000 and no further; where it is the
    `whole` table and more, the planner's estimate. One statement, never an unbounded count."""
    rows: Select[Any] = (
        query.order_by(None).select_from(model).with_only_columns(literal_column("1"))
    )
    some: Select[Any] = rows.limit(COUNTED + 1)
    estimate: ColumnElement[Any] = literal_column("0")
    if whole:
        # A table in partitions has its rows in them and none itself.
        whole_table = func.to_regclass(model.__tablename__)
        parts: Select[Any] = select(literal_column("inhrelid")).select_from(table("pg_inherits"))
        parts = parts.where(literal_column("inhparent") == whole_table)
        oid: ColumnElement[Any] = literal_column("oid")
        estimate = (
            select(literal_column("sum(greatest(reltuples, 0))::bigint"))
            .select_from(table("pg_class"))
            .where(or_(oid == whole_table, oid.in_(parts)), literal_column("relkind") == "r")
            .scalar_subquery()
        )
    exact = select(func.count()).select_from(some.subquery()).scalar_subquery()
    # A table that is known to be far larger is not counted at all.
    counted, about = session.execute(
        select(case((estimate > 2 * COUNTED, COUNTED + 1), else_=exact), estimate)
    ).one()
    if counted <= COUNTED:
        return Count(counted)
    return Count(about, "about") if about > COUNTED else Count(COUNTED, "more")

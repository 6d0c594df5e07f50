"""Orders of lists and places in them: what comes after a place, as conditions that an index
serves, for one column and for several with directions and NULLs of their own."""

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    CTE,
    Boolean,
    ColumnElement,
    Enum,
    Select,
    and_,
    literal,
    or_,
    true,
    tuple_,
    union_all,
)

from models import Record


@dataclass(frozen=True)
class Order:
    """By which column a list is sorted, and by which others `then`, each with whether it goes
    down; ties go by id in the direction of the last."""

    key: str
    descending: bool = False
    then: tuple[tuple[str, bool], ...] = ()

    @property
    def columns(self) -> tuple[tuple[str, bool], ...]:
        """Every column with its direction, in their order."""
        return ((self.key, self.descending), *self.then)

    @property
    def keys(self) -> list[str]:
        """Every column, in their order."""
        return [key for key, _ in self.columns]

    def __str__(self) -> str:
        return ",".join(f"{'-' * down}{key}" for key, down in self.columns)


@dataclass(frozen=True)
class Place:
    """Where a page begins: after (or before) the record with this value and id, and with the
    values in `then` of the further columns of its order. `id` None means the very end of the
    list."""

    value: Any
    id: int | None
    backwards: bool = False
    then: tuple[Any, ...] = ()


THE_END = Place(None, None, backwards=True)


# --- One column -----------------------------------------------------------------------------


def parts(
    column: Any, key: Any, place: Place | None, *, down: bool, nullable: bool
) -> list[tuple[ColumnElement[bool] | None, list[Any]]]:
    """Return the stretches of the index to read one after the other: condition and order.

    PostgreSQL keeps NULLs after all values going up and before them going down. A comparison of
    rows never meets them, so they are a stretch of their own.
    """
    by_value = [column.desc(), key.desc()] if down else [column, key]
    by_id = [key.desc()] if down else [key]
    if column.key == key.key:
        by_value = by_id
    if place is None or place.id is None:
        return [(None, by_value)]
    beyond_id = key < place.id if down else key > place.id
    if column.key == key.key:
        return [(beyond_id, by_id)]
    if place.value is None:
        nulls = (and_(column.is_(None), beyond_id), by_id)
        return [nulls, (column.is_not(None), by_value)] if down else [nulls]
    here = tuple_(literal(place.value, column.type), literal(place.id, key.type))
    pair = tuple_(column, key)
    values = (pair < here if down else pair > here, by_value)
    return [values] if down or not nullable else [values, (column.is_(None), by_id)]


# --- Several columns (docs/decisions/0051-the-tools-above-a-list.md) --------------------------


@dataclass(frozen=True)
class _Key:
    """A column of an order: which way it is read, whether it may be NULL, the closed list of its
    values if it has one, and its value at the place where the page begins."""

    column: Any
    down: bool
    nullable: bool = False
    choices: tuple[Any, ...] = ()
    value: Any = None


# A stretch of the rows in their order: its condition, and what it has to be ordered by.
Stretch = tuple[ColumnElement[bool] | None, list[Any]]


def _ordering(keys: list[_Key], identity: Any) -> list[Any]:
    if not keys:
        return []
    names = [key.column for key in keys]
    if names[-1].key != identity.key:
        names.append(identity)
    ways = [key.down for key in keys] + [keys[-1].down]
    return [one.desc() if down else one for one, down in zip(names, ways, strict=False)]


def _choices_of(column: Any) -> tuple[Any, ...]:
    kind = column.type
    if isinstance(kind, Boolean):
        return (False, True)
    return tuple(kind.enum_class) if isinstance(kind, Enum) and kind.enum_class else ()


def _holds(column: Any, value: Any) -> Any:
    return column.is_(None) if value is None else column == value


def _later(keys: list[_Key], identity: Any, *, whole: bool) -> list[Stretch]:
    """Return the rows whose first column comes later than its value at the place; all of them
    where `whole`.

    A closed list has a stretch for each of its values, in which the order of the next column has
    an index: a state that half the table has would have to be sorted as a whole otherwise. NULLs
    come after all values going up and before them going down.
    """
    key, within = keys[0], _ordering(keys[1:], identity)
    column = key.column
    beyond: Any = None
    if not whole and key.value is not None:
        value = literal(key.value, column.type)
        beyond = column < value if key.down else column > value
    stretches: list[Stretch] = []
    if whole or key.value is not None or key.down:
        if key.choices:
            ways = [_holds(column, choice) for choice in key.choices]
            ways = ways if beyond is None else [and_(one, beyond) for one in ways]
            stretches = [(one, within) for one in ways]
        else:
            values = column.is_not(None) if beyond is None and key.nullable else beyond
            stretches = [(values, _ordering(keys, identity))]
    if key.nullable and (whole or (key.value is not None and not key.down)):
        stretches.append((_holds(column, None), within))
    return stretches


def _same(keys: list[_Key], identity: Any, record_id: int) -> list[Stretch]:
    """Return the rows that come later than the place, with the same value in the first column."""
    first, *rest = keys
    same = _holds(first.column, first.value)
    if len(rest) == 1:
        at = Place(rest[0].value, record_id)
        inner = parts(rest[0].column, identity, at, down=rest[0].down, nullable=rest[0].nullable)
    else:
        inner = _same(rest, identity, record_id) + _later(rest, identity, whole=False)
    return [(and_(same, true() if one is None else one), ordering) for one, ordering in inner]


def groups_of(
    model: type[Record], order: Order, place: Place | None, found: CTE | None
) -> tuple[list[_Key], list[list[Stretch]]]:
    """Return the columns of an order of several, and the groups of stretches to read one after
    the other until the page is full: the rows with the value of the place in the first column,
    then the later ones. Of the few rows `found` there is one stretch."""
    at = place if place is not None and place.id is not None else None
    values = (None,) * len(order.columns) if at is None else (at.value, *at.then)
    backwards = bool(place and place.backwards)
    keys = []
    for (name, down), value in zip(order.columns, values, strict=True):
        column: Any = getattr(model, name)
        nullable = bool(column.property.columns[0].nullable)
        choices = _choices_of(column) if found is None else ()
        shown = column if found is None else found.c[name]
        keys.append(_Key(shown, down != backwards, nullable, choices, value))
    identity: Any = model.id if found is None else found.c.id
    if at is None:
        groups = [_later(keys, identity, whole=True)]
    else:
        groups = [_same(keys, identity, at.id or 0), _later(keys, identity, whole=False)]
    if found is not None:  # few rows: whatever way they are found, they are sorted
        conditions = [one for group in groups for one, _ in group if one is not None]
        anywhere = None if at is None else or_(*conditions)
        groups = [[(anywhere, _ordering(keys, identity))]]
    return keys, groups


def nearest(
    query: Select[Any], model: type[Record], keys: list[_Key], stretches: list[Stretch], most: int
) -> Select[Any]:
    """Return the statement for the first `most` rows of several stretches: the first of each,
    and of these the first."""
    first = []
    for condition, ordering in stretches:
        rows = query.order_by(None).order_by(*ordering).limit(most)
        first.append(rows if condition is None else rows.where(condition))
    if len(first) == 1:
        return first[0]
    sorted_by = [key.column.label(f"key_{place}") for place, key in enumerate(keys)]
    narrow = [rows.with_only_columns(model.id, *sorted_by) for rows in first]
    near = union_all(*narrow).cte("near").prefix_with("MATERIALIZED")
    # Of the rows near by the ids alone, so that `query` with what it loads stays as it is.
    ids = [replace(key, column=near.c[f"key_{place}"]) for place, key in enumerate(keys)]
    final = query.join(near, near.c.id == model.id)
    return final.order_by(None).order_by(*_ordering(ids, near.c.id)).limit(most)


def ordering_of(model: type[Record], order: Order) -> list[Any]:
    """Return what a whole list is ordered by, with its tie-break."""
    keys = [_Key(getattr(model, key), down) for key, down in order.columns]
    return _ordering(keys, model.id)

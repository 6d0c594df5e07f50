"""Filters of lists: what can be asked of a column of each type; filter_links.py says how it
stands in a link."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ARRAY,
    Boolean,
    ColumnElement,
    Date,
    DateTime,
    Enum,
    Integer,
    Numeric,
    String,
    and_,
    any_,
    bindparam,
    func,
    inspect,
    not_,
    or_,
    select,
)

from models import Record
from rules import RuleBroken, mark

LARGEST_ID = 2**63 - 1
LONGEST_VALUE = 200


@dataclass(frozen=True)
class Today:
    """The moment at which a relative filter is read, and the zone whose days it counts."""

    now: datetime
    zone: ZoneInfo

    @property
    def day(self) -> date:
        """The date that it is in the zone."""
        return self.now.astimezone(self.zone).date()

    def start_of(self, day: date) -> datetime:
        """Return the first instant of `day` in the zone."""
        return datetime.combine(day, time(), self.zone)


@dataclass(frozen=True)
class Operation:
    """One thing that can be asked of a column.

    `takes` is the kind of input for its value: text, number, date, dates, days, choice, relation
    or nothing. `clause(column, value)` is the SQL; `read(text, today)` makes the value of text.
    """

    name: str
    label: str
    takes: str
    clause: Callable[[Any, Any], ColumnElement[bool]]
    read: Callable[[str, Today], Any]


def _refuse(sentence: str, text: str) -> RuleBroken:
    return RuleBroken(sentence, value=text[:60])


def read_text(text: str, _today: Today) -> str:
    """Return `text` without blanks around it; RuleBroken when it is empty or too long."""
    text = text.strip()
    if not text:
        raise RuleBroken(mark("This filter needs a value."))
    if len(text) > LONGEST_VALUE:
        raise RuleBroken(mark("A filter takes at most 200 characters."))
    return text


def read_number(text: str, today: Today) -> Decimal:
    """Return the number in `text`; RuleBroken where there is none or it is beyond 10^12."""
    try:
        number = Decimal(read_text(text, today).replace(",", ""))
    except InvalidOperation:
        raise _refuse(mark("“%(value)s” is not a number."), text) from None
    # Compared as it stands: abs() of 1e999999999 overflows.
    if not number.is_finite() or not -(10**12) <= number <= 10**12:
        raise _refuse(mark("“%(value)s” is not a number that can be compared."), text)
    return number


def read_days(text: str, today: Today) -> int:
    """Return a count of days from 0 to 36,500."""
    text = read_text(text, today)
    if not re.fullmatch(r"[0-9]{1,5}", text) or int(text) > 36500:
        raise _refuse(mark("“%(value)s” is not a number of days from 0 to 36500."), text)
    return int(text)


def read_day(text: str, today: Today) -> date:
    """Return the date in `text`, as the calendar field writes it (2026-07-31)."""
    text = read_text(text, today)
    try:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            raise ValueError
        day = date.fromisoformat(text)
    except ValueError:
        raise _refuse(mark("“%(value)s” is not a date; write it as 2026-07-31."), text) from None
    if not 1900 <= day.year <= 2200:
        raise _refuse(mark("“%(value)s” is not a date between 1900 and 2200."), text)
    return day


def read_days_between(text: str, today: Today) -> tuple[date, date]:
    """Return the two dates in "2026-07-01 to 2026-07-31", the earlier first."""
    parts = re.split(r"\s*(?:\bto\b|至|\.\.)\s*", text.strip())
    if len(parts) != 2:
        raise _refuse(mark("“%(value)s” is not a period; write 2026-07-01 to 2026-07-31."), text)
    first, last = sorted(read_day(part, today) for part in parts)
    return first, last


def read_id(text: str, today: Today) -> int:
    """Return the number of a record."""
    text = read_text(text, today)
    if not re.fullmatch(r"[0-9]{1,19}", text) or int(text) > LARGEST_ID:
        raise _refuse(mark("“%(value)s” is not a record; choose one from the list."), text)
    return int(text)


def _read_nothing(text: str, today: Today) -> Today:
    return today


def _like(text: str, before: str = "%", after: str = "%") -> str:
    escaped = re.sub(r"([%_\\])", r"\\\1", text)
    return f"{before}{escaped}{after}"


def _operations(*rows: tuple[str, str, str, Any, Any]) -> dict[str, Operation]:
    return {row[0]: Operation(*row) for row in rows}


EMPTY = _operations(
    ("empty", mark("is empty"), "nothing", lambda c, v: c.is_(None), _read_nothing),
    ("not_empty", mark("is not empty"), "nothing", lambda c, v: c.is_not(None), _read_nothing),
)
TEXT = _operations(
    ("contains", mark("contains"), "text", lambda c, v: c.ilike(_like(v), escape="\\"), read_text),
    (
        "not_contains",
        mark("does not contain"),
        "text",
        lambda c, v: or_(c.is_(None), not_(c.ilike(_like(v), escape="\\"))),
        read_text,
    ),
    ("equals", mark("is"), "text", lambda c, v: c == v, read_text),
    ("not_equals", mark("is not"), "text", lambda c, v: c.is_distinct_from(v), read_text),
    (
        "starts",
        mark("starts with"),
        "text",
        lambda c, v: c.ilike(_like(v, before=""), escape="\\"),
        read_text,
    ),
)
NUMBER = _operations(
    ("equals", mark("is"), "number", lambda c, v: c == v, read_number),
    ("not_equals", mark("is not"), "number", lambda c, v: c.is_distinct_from(v), read_number),
    ("at_least", mark("is at least"), "number", lambda c, v: c >= v, read_number),
    ("at_most", mark("is at most"), "number", lambda c, v: c <= v, read_number),
)
FLAG = {
    "yes": Operation("yes", mark("is yes"), "nothing", lambda c, v: c.is_(True), _read_nothing),
    "no": Operation("no", mark("is no"), "nothing", lambda c, v: c.is_(False), _read_nothing),
}


def _tomorrow(day: date) -> date:
    return day + timedelta(days=1)


def _day_edges(column: Any, today: Today) -> Callable[[date], Any]:
    """Return what turns a day into the value that `column` is compared with."""
    if isinstance(column.type, DateTime):
        return today.start_of
    return lambda day: day


def _between(first: date, last: date, today: Today) -> Callable[[Any], ColumnElement[bool]]:
    def clause(column: Any) -> ColumnElement[bool]:
        edge = _day_edges(column, today)
        return and_(column >= edge(first), column < edge(_tomorrow(last)))

    return clause


def _dated(read: Callable[[str, Today], tuple[date, date]]) -> Any:
    def make(text: str, today: Today) -> Callable[[Any], ColumnElement[bool]]:
        return _between(*read(text, today), today)

    return make


def _same_day(text: str, today: Today) -> tuple[date, date]:
    day = read_day(text, today)
    return day, day


def _last_days(text: str, today: Today) -> tuple[date, date]:
    return today.day - timedelta(days=read_days(text, today)), today.day


def _next_days(text: str, today: Today) -> tuple[date, date]:
    return today.day, today.day + timedelta(days=read_days(text, today))


def _before_days(column: Any, value: tuple[int, Today]) -> ColumnElement[bool]:
    days, today = value
    return column < _day_edges(column, today)(today.day - timedelta(days=days))  # type: ignore[no-any-return]


def _days_and_today(text: str, today: Today) -> tuple[int, Today]:
    return read_days(text, today), today


def _this_week(text: str, today: Today) -> tuple[date, date]:
    monday = today.day - timedelta(days=today.day.weekday())
    return monday, monday + timedelta(days=6)


def _this_month(text: str, today: Today) -> tuple[date, date]:
    first = today.day.replace(day=1)
    return first, (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)


def _day_and_today(text: str, today: Today) -> tuple[date, Today]:
    return read_day(text, today), today


def _apply(column: Any, make: Callable[[Any], ColumnElement[bool]]) -> ColumnElement[bool]:
    return make(column)


def _before(column: Any, value: tuple[date, Today]) -> ColumnElement[bool]:
    return column < _day_edges(column, value[1])(value[0])  # type: ignore[no-any-return]


def _after(column: Any, value: tuple[date, Today]) -> ColumnElement[bool]:
    return column >= _day_edges(column, value[1])(_tomorrow(value[0]))  # type: ignore[no-any-return]


DATE = _operations(
    ("on", mark("is on"), "date", _apply, _dated(_same_day)),
    ("before", mark("is before"), "date", _before, _day_and_today),
    ("after", mark("is after"), "date", _after, _day_and_today),
    ("between", mark("is between"), "dates", _apply, _dated(read_days_between)),
    ("last_days", mark("is in the last … days"), "days", _apply, _dated(_last_days)),
    ("next_days", mark("is in the next … days"), "days", _apply, _dated(_next_days)),
    ("older", mark("is more than … days ago"), "days", _before_days, _days_and_today),
    (
        "today",
        mark("is today"),
        "nothing",
        _apply,
        _dated(lambda text, today: (today.day, today.day)),
    ),
    ("this_week", mark("is this week"), "nothing", _apply, _dated(_this_week)),
    ("this_month", mark("is this month"), "nothing", _apply, _dated(_this_month)),
)


def _overdue(column: Any, today: Today) -> ColumnElement[bool]:
    """Past its date and none of what would have met it has happened."""
    table = column.class_
    met_by = column.info["met_by"]
    limit = today.now if isinstance(column.type, DateTime) else today.day
    return and_(column < limit, *(getattr(table, key).is_(None) for key in met_by))


OVERDUE = _operations(("overdue", mark("is overdue"), "nothing", _overdue, _read_nothing))


def _choice_operations(kind: Enum) -> dict[str, Operation]:
    values = {str(value) for value in kind.enums}

    def read(text: str, today: Today) -> list[str]:
        chosen = [part.strip() for part in read_text(text, today).split(",") if part.strip()]
        unknown = [part for part in chosen if part not in values]
        if unknown or not chosen:
            raise _refuse(mark("“%(value)s” is not one of the choices."), ", ".join(unknown))
        return chosen

    def one_of(column: Any, chosen: list[str]) -> ColumnElement[bool]:
        members = [kind.enum_class(value) for value in chosen]  # type: ignore[misc]
        chosen_one: ColumnElement[bool] = column == members[0]
        return chosen_one if len(members) == 1 else column.in_(members)

    return _operations(
        ("equals", mark("is"), "choice", one_of, read),
        (
            "not_equals",
            mark("is not"),
            "choice",
            lambda c, v: or_(c.is_(None), not_(one_of(c, v))),
            read,
        ),
    )


def _array_operations() -> dict[str, Operation]:
    return _operations(
        ("has", mark("includes"), "text", lambda c, v: c.contains([v]), read_text),
    )


def below(model: type[Record], top: Any) -> Any:
    """Return the SQL array of `top` and everything under it in the tree of `model`."""
    entity: Any = model
    tree = select(entity.id).where(entity.id == top).cte(recursive=True)
    tree = tree.union(select(entity.id).where(entity.parent_id == tree.c.id))
    return func.array(select(tree.c.id).scalar_subquery())


def _relation_operations(model: type[Record], key: str) -> dict[str, Operation]:
    relation = inspect(model).relationships[key]
    target = relation.mapper.class_
    operations = _operations(
        ("equals", mark("is"), "relation", lambda c, v: c == v, read_id),
        ("not_equals", mark("is not"), "relation", lambda c, v: c.is_distinct_from(v), read_id),
    )
    if hasattr(target, "parent_id"):
        operations |= _operations(
            (
                "below",
                mark("is or is below"),
                "relation",
                lambda c, v: c == any_(below(target, bindparam(None, v))),
                read_id,
            ),
        )
    return operations


def local_column(model: type[Record], key: str) -> Any:
    """Return the column behind `key`: itself, or the foreign key of a relation."""
    relations = inspect(model).relationships
    if key in relations:
        (column,) = relations[key].local_columns
        return getattr(model, column.key)
    return getattr(model, key)


def operations(model: type[Record], key: str) -> dict[str, Operation]:
    """Return what can be asked of the column or relation `key`, by name; {} for nothing."""
    column = local_column(model, key)
    known: dict[str, Operation] = {}
    if key in inspect(model).relationships:
        known = _relation_operations(model, key)
    elif isinstance(column.type, Enum):
        known = _choice_operations(column.type)
    elif isinstance(column.type, ARRAY) and isinstance(column.type.item_type, String):
        known = _array_operations()
    elif isinstance(column.type, Boolean):
        known = FLAG
    elif isinstance(column.type, Integer | Numeric):
        known = NUMBER
    elif isinstance(column.type, Date | DateTime):
        known = (OVERDUE if column.info.get("met_by") else {}) | DATE
    elif isinstance(column.type, String):
        known = TEXT
    nullable = column.property.columns[0].nullable
    return known | (EMPTY if known and nullable else {})

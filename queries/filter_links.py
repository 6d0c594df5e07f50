"""How filters stand in the link of a list, so that a link keeps.

A filter reads `flt0_state_equals=closed`: a position, the key of a column or relation, the name of
an operation, and the value as text. All of them hold. `flt1.0_…` and `flt1.1_…` are members of one
group, which stands at position 1: of these one is enough.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from sqlalchemy import ColumnElement, or_

from models import Record
from queries.filters import Today, local_column, operations
from rules import RuleBroken, mark

MOST_FILTERS = 30
_ARGUMENT = re.compile(r"flt([0-9]{1,6})(?:\.([0-9]{1,6}))?_(.+)", re.ASCII)

# What somebody asks in a form: column and operation, value, and the group it goes into ("": none).
Row = tuple[str, str, str]


@dataclass(frozen=True)
class Filter:
    """A filter as it stands in a link: its parts, and what is wrong with it, if anything. A
    `member` of the group at its position is enough; without one it holds by itself."""

    position: int
    key: str
    operation: str
    value: str
    clause: ColumnElement[bool] | None = None
    error: RuleBroken | None = field(default=None, compare=False)
    member: int | None = None

    @property
    def what(self) -> str:
        """What is asked: "due_at_last_days"."""
        return f"{self.key}_{self.operation}" if self.operation else self.key

    @property
    def argument(self) -> str:
        """Its name in the link."""
        place = "" if self.member is None else f".{self.member}"
        return f"flt{self.position}{place}_{self.what}"

    @property
    def after(self) -> "Filter":
        """The same at the next place."""
        if self.member is None:
            return replace(self, position=self.position + 1)
        return replace(self, member=self.member + 1)


def parse(
    model: type[Record], keys: list[str], arguments: list[tuple[str, str]], today: Today
) -> list[Filter]:
    """Return the filters among the `arguments` of a link, in the order of their places.

    Only columns and relations in `keys` can be asked; a filter that cannot be read comes back
    with its `error` and without a clause, so that nobody mistakes the list for a filtered one.
    """
    found: list[Filter] = []
    for argument, value in arguments:
        if not argument.startswith("flt"):
            continue
        if len(found) == MOST_FILTERS:
            refused = RuleBroken(mark("A list takes at most %(most)s filters."), most=MOST_FILTERS)
            found.append(Filter(10**6, argument[:120], "", value, error=refused))
            break
        one = _read_filter(model, keys, argument, value, today)
        while one.argument in {other.argument for other in found}:
            one = one.after
        found.append(one)
    return sorted(found, key=lambda one: (one.position, one.member or 0))


def _read_filter(
    model: type[Record], keys: list[str], argument: str, value: str, today: Today
) -> Filter:
    match = _ARGUMENT.fullmatch(argument)
    position, named = (int(match[1]), match[3]) if match else (0, argument[3:])
    member = int(match[2]) if match and match[2] else None
    key, name = key_and_operation(model, keys, named)
    if not match or not key:
        error = RuleBroken(mark("There is no filter “%(value)s” here."), value=named[:60])
        return Filter(position, named[:120], "", value, error=error, member=member)
    operation = operations(model, key)[name]
    try:
        clause = operation.clause(local_column(model, key), operation.read(value, today))
    except RuleBroken as refused:
        return Filter(position, key, name, value, error=refused, member=member)
    return Filter(position, key, name, value, clause, member=member)


def conditions(filters: Iterable[Filter]) -> Iterator[ColumnElement[bool]]:
    """Yield what has to hold: each filter by itself, and of each group one member."""
    for group in grouped(filters):
        clauses = [one.clause for one in group if one.clause is not None]
        if clauses:
            yield or_(*clauses)


def grouped(filters: Iterable[Filter]) -> list[list[Filter]]:
    """Return `filters` in their order, the members of a group together; one by itself is a list
    of one."""
    places: dict[tuple[int, str], list[Filter]] = {}
    for one in filters:
        by_itself = one.argument if one.member is None else ""
        places.setdefault((one.position, by_itself), []).append(one)
    return list(places.values())


@dataclass
class _Place:
    """A filter of a link as it is written, to be moved into a group."""

    position: int
    member: int | None
    what: str
    value: str

    @property
    def argument(self) -> str:
        place = "" if self.member is None else f".{self.member}"
        return f"flt{self.position}{place}_{self.what}"


def added(arguments: Iterable[tuple[str, str]], rows: Iterable[Row]) -> list[tuple[str, str]]:
    """Return the filters among `arguments` with those of `rows` added.

    A row whose group is the argument of a filter that is there already joins it, and makes a
    group of it; rows that have another group's name in common make a new group.
    """
    kept = [
        _Place(int(match[1]), int(match[2]) if match[2] else None, match[3], value)
        for argument, value in arguments
        if (match := _ARGUMENT.fullmatch(argument))
    ]
    groups: dict[str, int] = {}
    for what, value, group in rows:
        if not group:
            kept.append(_Place(_free(kept), None, what, value))
            continue
        if group not in groups:
            groups[group] = _group_at(kept, group)
        members = [one.member or 0 for one in kept if one.position == groups[group]]
        kept.append(_Place(groups[group], max(members, default=-1) + 1, what, value))
    return [(one.argument, one.value) for one in kept]


def _free(kept: list[_Place]) -> int:
    return max((one.position for one in kept), default=-1) + 1


def _group_at(kept: list[_Place], argument: str) -> int:
    """Return the position of the group that the filter `argument` belongs to, made where it has
    none; that of a new group where there is no such filter."""
    joined = next((one for one in kept if one.argument == argument), None)
    if joined is None:
        return _free(kept)
    if joined.member is None:
        if sum(one.position == joined.position for one in kept) > 1:
            joined.position = _free(kept)
        joined.member = 0
    return joined.position


def key_and_operation(model: type[Record], keys: list[str], named: str) -> tuple[str, str]:
    """Return the key and the operation in "due_at_last_days"; ("", "") where there is none."""
    for key in sorted(keys, key=len, reverse=True):
        if named.startswith(f"{key}_") and named[len(key) + 1 :] in operations(model, key):
            return key, named[len(key) + 1 :]
    return "", ""


def is_filter(argument: str) -> bool:
    """Return whether an argument of a link has the form of a filter."""
    return _ARGUMENT.fullmatch(argument) is not None

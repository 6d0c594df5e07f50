"""What a request asks of a list, and what of that can be had: filters, search, order, page."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import current_app, request
from flask_babel import gettext
from sqlalchemy import Enum, inspect

import security
from models import Record
from queries import lists
from queries.filters import (
    Filter,
    Today,
    key_and_operation,
    local_column,
    operations,
    parse,
)
from rules import RuleBroken
from views.fields import find_by_text
from views.labels import enum_label, label, sentence
from views.shown import visible_titles

PAGE_SIZES = (20, 50, 100, 200)


def today() -> Today:
    """Return now, in the reader's zone, for filters that are relative to it."""
    return Today(datetime.now(UTC), ZoneInfo(security.timezone()))


@dataclass(frozen=True)
class ListState:
    """What a link to a list says: filters, search, order, page; and what is wrong with it."""

    filters: list[Filter]
    search: str
    order: lists.Order
    place: lists.Place | None
    size: int
    problems: list[str]
    notes: list[str]

    def arguments(self, **changes: Any) -> list[tuple[str, str]]:
        """Return the link's arguments with `changes`; None drops one, and the page with it."""
        wanted: dict[str, Any] = {one.argument: one.value for one in self.filters}
        wanted |= {
            "search": self.search or None,
            "sort": self.order.key,
            "desc": "1" if self.order.descending else "0",
            "page_size": self.size if self.size != current_app.config["PAGE_SIZE"] else None,
        }
        wanted |= changes
        return [(key, str(value)) for key, value in wanted.items() if value is not None]


def read_state(model: type[Record], keys: list[str]) -> ListState:
    """Return what the request asks of the list, with a sentence for all it cannot have."""
    arguments = list(request.args.items(multi=True))
    filters = parse(model, keys, arguments, today())
    problems = [sentence(one.error) for one in filters if one.error]
    notes: list[str] = []
    order = _read_order(model, keys, problems)
    if request.args.get("page", "0") != "0":
        notes.append(
            gettext("Pages have no numbers here: use Next and Previous. This is the first page.")
        )
    return ListState(
        filters,
        request.args.get("search", "").strip(),
        order,
        _read_place(model, order, notes),
        _read_size(notes),
        problems,
        notes,
    )


def _read_order(model: type[Record], keys: list[str], problems: list[str]) -> lists.Order:
    key = request.args.get("sort")
    if not key:
        return lists.default_order(model)
    if key not in lists.sortable_keys(model) or key not in keys:
        problems.append(gettext("This list cannot be sorted by “%(key)s”.", key=key[:60]))
        return lists.default_order(model)
    return lists.Order(key, request.args.get("desc") == "1")


def _read_place(model: type[Record], order: lists.Order, notes: list[str]) -> lists.Place | None:
    for name in ("after", "before"):
        if token := request.args.get(name):
            try:
                return lists.read_place(model, order, token, backwards=name == "before")
            except RuleBroken as refused:
                notes.append(sentence(refused))
    return None


def _read_size(notes: list[str]) -> int:
    asked = request.args.get("page_size", "")
    if asked.isascii() and asked.isdigit() and int(asked[:9]) in PAGE_SIZES:
        return int(asked)
    if asked:
        sizes = ", ".join(str(size) for size in PAGE_SIZES)
        notes.append(gettext("A page has %(sizes)s rows.", sizes=sizes))
    return int(current_app.config["PAGE_SIZE"])


def _choices(model: type[Record], key: str) -> Any:
    """Return the closed list behind `key`; () where its column has none."""
    kind = local_column(model, key).type
    return kind.enum_class if isinstance(kind, Enum) else ()


def with_added_filter(model: type[Record], keys: list[str]) -> list[tuple[str, str]]:
    """Return the arguments of the list's link with the filter that its form asks for added."""
    arguments = [
        pair
        for pair in request.args.items(multi=True)
        if pair[0] not in ("filter_what", "filter_value", "after", "before", "page")
    ]
    taken = [int(m[1]) for key, _ in arguments if (m := re.match(r"flt([0-9]{1,5})_", key))]
    what = request.args["filter_what"][:120]
    value = _as_in_links(model, keys, what, request.args.get("filter_value", "").strip())
    arguments.append((f"flt{max(taken, default=-1) + 1}_{what}", value))
    return arguments


def _as_in_links(model: type[Record], keys: list[str], what: str, value: str) -> str:
    """Return `value` as links have it where it is the name of a record or the word for a
    choice, which is what people type where there is no JavaScript."""
    key, name = key_and_operation(model, keys, what)
    takes = operations(model, key)[name].takes if key else ""
    if takes == "choice":
        by_word = {enum_label(one).casefold(): one.value for one in _choices(model, key)}
        return str(by_word.get(value.casefold(), value))
    if takes == "relation" and security.parse_id(value) is None:
        try:
            found = find_by_text(inspect(model).relationships[key].mapper.class_, value)
        except ValueError:
            return value  # the list says what is wrong with it
        return str(found.id)
    return value


def filter_choices(
    model: type[Record], keys: list[str], lookup: Callable[[str], str]
) -> list[dict[str, Any]]:
    """Return what the filter form offers: each column with its operations and choices."""
    offered = []
    for key in keys:
        known = operations(model, key)
        if not known:
            continue
        choices = []
        if _choices(model, key):
            choices = [(one.value, enum_label(one)) for one in _choices(model, key)]
        offered.append(
            {
                "key": key,
                "label": label(key),
                "operations": [
                    {"name": one.name, "label": gettext(one.label), "takes": one.takes}
                    for one in known.values()
                ],
                "choices": choices,
                "lookup": lookup(key) if key in inspect(model).relationships else None,
            }
        )
    return sorted(offered, key=lambda one: str(one["label"]))


def filters_in_words(model: type[Record], filters: list[Filter]) -> list[tuple[str, str]]:
    """Return the active filters: the argument of each in the link, and what it asks in words."""
    names = _names_of_relations(model, filters)
    told = []
    for one in filters:
        if one.clause is None:
            words = one.argument
        else:
            operation = operations(model, one.key)[one.operation]
            value = names.get((one.key, one.value), one.value)
            if operation.takes == "choice":
                kind = local_column(model, one.key).type.enum_class
                chosen = (part.strip() for part in one.value.split(","))
                value = ", ".join(enum_label(kind(part)) for part in chosen if part)
            words = f"{label(one.key)} {gettext(operation.label)}"
            if operation.takes != "nothing":
                words = f"{words.replace('…', value)}" if "…" in words else f"{words} {value}"
        told.append((one.argument, words))
    return told


def _names_of_relations(model: type[Record], filters: list[Filter]) -> dict[tuple[str, str], str]:
    """Return the names of records that filters ask for, by key and value, in one statement;
    out-of-scope ones stay numbers."""
    relations = inspect(model).relationships
    asked = {
        (one.key, one.value): (relations[one.key].mapper.class_, number)
        for one in filters
        if one.clause is not None
        and one.key in relations
        and (number := security.parse_id(one.value.strip()))
    }
    wanted: dict[Any, set[int]] = {}
    for target, number in asked.values():
        wanted.setdefault(target, set()).add(number)
    named = visible_titles(wanted)
    return {
        place: named.get((target, number), f"#{number}")
        for place, (target, number) in asked.items()
    }

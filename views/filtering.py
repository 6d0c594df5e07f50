"""The filters of a list for people: what the form offers, what it asks for, the active ones in
words."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from flask import render_template, request
from flask_babel import gettext
from markupsafe import Markup
from sqlalchemy import Enum, inspect

import security
from models import Record
from queries.filter_links import MOST_FILTERS, Filter, Row, added, grouped, key_and_operation
from queries.filters import local_column, operations
from views.fields import find_by_text
from views.labels import enum_label, label
from views.listing import ListState
from views.shown import visible_titles

FORM = ("filter_what", "filter_value", "filter_group", "edit")
PAGE = ("after", "before", "page")
# Each is the options of one list for one set of rights in one language, some 20 KB.
MOST_REMEMBERED = 256


def _choices(model: type[Record], key: str) -> Any:
    """Return the closed list behind `key`; () where its column has none."""
    kind = local_column(model, key).type
    return kind.enum_class if isinstance(kind, Enum) else ()


# --- What the form asks for ------------------------------------------------------------------


def with_added_filters(
    model: type[Record], keys: list[str], state: ListState
) -> list[tuple[str, str]]:
    """Return the arguments of the list's link with the filters that its form asks for added.

    The form names what, which value and which group once for each row; see filter_links.added.
    """
    whats = request.args.getlist("filter_what")[: MOST_FILTERS + 1]
    values, groups = (request.args.getlist(name) for name in ("filter_value", "filter_group"))
    rows: list[Row] = []
    for place, what in enumerate(whats):
        value = values[place].strip() if place < len(values) else ""
        group = groups[place] if place < len(groups) else ""
        if what:
            rows.append((what[:120], _as_in_links(model, keys, what[:120], value), group))
    present = [(one.argument, one.value) for one in state.filters]
    others = [
        (key, value)
        for key, value in request.args.items(multi=True)
        if key not in FORM and key not in PAGE and not key.startswith("flt")
    ]
    return added(present, rows) + others


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


# --- What the form offers --------------------------------------------------------------------


def filter_options(model: type[Record], keys: list[str], lookup: Callable[[str], str]) -> Markup:
    """Return the options of the form: each column with its operations and choices. Made once for
    each list, set of rights and language: it is the largest part of a page and hardly changes."""
    return _options(model, tuple(keys), security.language(), lookup("{key}"))


@lru_cache(maxsize=MOST_REMEMBERED)
def _options(model: type[Record], keys: tuple[str, ...], language: str, lookup: str) -> Markup:
    offered = []
    for key in keys:
        known = operations(model, key)
        is_relation = key in inspect(model).relationships
        if known:
            offered.append(
                {
                    "key": key,
                    "label": label(key),
                    "operations": [
                        {"name": one.name, "label": gettext(one.label), "takes": one.takes}
                        for one in known.values()
                    ],
                    "choices": [(one.value, enum_label(one)) for one in _choices(model, key)],
                    "lookup": lookup.replace("%7Bkey%7D", key) if is_relation else None,
                }
            )
    offered.sort(key=lambda one: str(one["label"]))
    return Markup(render_template("admin/_filter_options.html", offered=offered))  # noqa: S704


# --- The active ones in words ----------------------------------------------------------------


@dataclass(frozen=True)
class Chip:
    """An active filter as people see it: what it asks in words, its value in words, and its
    argument in the link."""

    argument: str
    what: str
    value: str
    words: str
    value_in_words: str


def chips_of(model: type[Record], filters: list[Filter]) -> list[list[Chip]]:
    """Return the active filters, the members of a group together."""
    names = _names_of_relations(model, filters)
    return [[_chip(model, one, names) for one in group] for group in grouped(filters)]


def _chip(model: type[Record], one: Filter, names: dict[tuple[str, str], str]) -> Chip:
    if one.clause is None:
        return Chip(one.argument, one.what, one.value, one.argument, one.value)
    operation = operations(model, one.key)[one.operation]
    value = names.get((one.key, one.value), one.value)
    if operation.takes == "choice":
        kind = local_column(model, one.key).type.enum_class
        chosen = (part.strip() for part in one.value.split(","))
        value = ", ".join(enum_label(kind(part)) for part in chosen if part)
    words = f"{label(one.key)} {gettext(operation.label)}"
    if operation.takes != "nothing":
        words = f"{words.replace('…', value)}" if "…" in words else f"{words} {value}"
    return Chip(one.argument, one.what, one.value, words, value)


def _names_of_relations(model: type[Record], filters: list[Filter]) -> dict[tuple[str, str], str]:
    """Return the names of records that filters ask for, by key and value, in one statement;
    out-of-scope ones stay numbers."""
    asked = _records_in(model, filters)
    named = visible_titles(records_asked_for(model, filters))
    return {
        place: named.get((target, number), f"#{number}")
        for place, (target, number) in asked.items()
    }


def records_asked_for(model: type[Record], filters: list[Filter]) -> dict[Any, set[int]]:
    """Return the records that `filters` name, by record type."""
    wanted: dict[Any, set[int]] = {}
    for target, number in _records_in(model, filters).values():
        wanted.setdefault(target, set()).add(number)
    return wanted


def _records_in(
    model: type[Record], filters: list[Filter]
) -> dict[tuple[str, str], tuple[Any, int]]:
    relations = inspect(model).relationships
    return {
        (one.key, one.value): (relations[one.key].mapper.class_, number)
        for one in filters
        if one.clause is not None
        and one.key in relations
        and (number := security.parse_id(one.value.strip()))
    }

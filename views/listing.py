"""What a request asks of a list, and what of that can be had: filters, search, order, page,
columns."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, quote_plus, urlencode
from zoneinfo import ZoneInfo

from flask import current_app, request, url_for
from flask_babel import gettext

import security
from models import Record
from queries import lists
from queries.filter_links import Filter, is_filter, parse
from queries.filters import Today
from queries.sorts import Order, Place
from rules import RuleBroken, mark
from views.labels import sentence
from views.shown import endpoint_of

PAGE_SIZES = (20, 50, 100, 200)
DENSITIES = ("comfortable", "compact")
MOST_SORTS = 3
LONGEST_ADDRESS = 3000
WHOLE_LIST = "all"
# What stands in the link of a list and may be saved, besides its filters.
KEPT_ARGUMENTS = ("search", "sort", "desc", "page_size", "cols", "density")


def today() -> Today:
    """Return now, in the reader's zone, for filters that are relative to it."""
    return Today(datetime.now(UTC), ZoneInfo(security.timezone()))


# Dozens of links on a list say the same words, which may be long.
_quoted = lru_cache(maxsize=512)(quote_plus)


def query_string(arguments: list[tuple[str, str]]) -> str:
    """Return `arguments` as they stand in a link: several columns stay readable."""
    return urlencode(arguments, safe=",", quote_via=_quoted)


def list_url(model: type[Record], arguments: list[tuple[str, str]]) -> str:
    """Return the address of the list of `model` with `arguments`."""
    path = url_for(f"{endpoint_of(model)}.index_view")
    return f"{path}?{query_string(arguments)}" if arguments else path


@dataclass(frozen=True)
class ListState:
    """What a link to a list says: filters, search, order, page, and what is wrong with it.
    `columns` and `density` are empty where the link leaves them to the reader; `view` is the
    number of the saved view it began with, or "all"."""

    filters: list[Filter]
    search: str
    order: Order
    place: Place | None
    size: int
    problems: list[str]
    notes: list[str]
    columns: list[str] = field(default_factory=list)
    density: str = ""
    view: str = ""

    def arguments(self, **changes: Any) -> list[tuple[str, str]]:
        """Return the link's arguments with `changes`; None drops one, and the page with it."""
        wanted: dict[str, Any] = {one.argument: one.value for one in self.filters}
        wanted |= {
            "search": self.search or None,
            "sort": self.order,
            "page_size": self.size if self.size != current_app.config["PAGE_SIZE"] else None,
            "cols": ",".join(self.columns) or None,
            "density": self.density or None,
            "view": self.view or None,
        }
        wanted |= changes
        return [(key, str(value)) for key, value in wanted.items() if value is not None]

    def address(self, columns: list[str], density: str) -> str:
        """Return what a saved view keeps of the list as it is shown: all of it but the page."""
        shown = {"cols": ",".join(columns), "density": density, "page_size": self.size}
        return query_string(self.arguments(**shown, view=None))


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
        _read_columns(keys, notes),
        _read_density(notes),
        _read_view(),
    )


def _read_order(model: type[Record], keys: list[str], problems: list[str]) -> Order:
    """Return the order that `sort=state,-received_at` asks for. What the list was sorted by with
    `sort=received_at&desc=1` stays readable; so does `sort=` several times, as its form sends."""
    asked = [one for text in request.args.getlist("sort") for one in text.split(",") if one]
    if asked and request.args.get("desc") == "1" and not asked[0].startswith("-"):
        asked[0] = f"-{asked[0]}"
    columns: dict[str, bool] = {}
    for one in asked[:100]:
        key = one.removeprefix("-")
        if key not in lists.sortable_keys(model) or key not in keys:
            problems.append(gettext("This list cannot be sorted by “%(key)s”.", key=key[:60]))
            return lists.default_order(model)
        columns.setdefault(key, one.startswith("-"))
        if key == "id":
            break  # there are no ties left for another column to settle
    if len(columns) > MOST_SORTS:
        problems.append(gettext("A list is sorted by %(most)s columns at most.", most=MOST_SORTS))
    if not columns or len(columns) > MOST_SORTS:
        return lists.default_order(model)
    (key, descending), *then = columns.items()
    return Order(key, descending, tuple(then))


def _read_place(model: type[Record], order: Order, notes: list[str]) -> Place | None:
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


def _read_columns(keys: list[str], notes: list[str]) -> list[str]:
    """Return the columns that the link names. One that the reader may not see is left out with a
    note: fewer columns show nothing that is not so, as fewer filters would."""
    asked = list(dict.fromkeys(one for one in request.args.get("cols", "").split(",") if one))
    unknown = [one for one in asked if one not in keys]
    if unknown:
        named = ", ".join(f"“{one[:60]}”" for one in unknown[:5])
        notes.append(gettext("Not among the columns you see here: %(columns)s.", columns=named))
    return [one for one in asked if one in keys]


def _read_density(notes: list[str]) -> str:
    asked = request.args.get("density", "")
    if asked and asked not in DENSITIES:
        notes.append(gettext("Rows are comfortable or compact."))
    return asked if asked in DENSITIES else ""


def _read_view() -> str:
    asked = request.args.get("view", "")
    return asked if asked == WHOLE_LIST or security.parse_id(asked) else ""


def list_arguments(address: str) -> list[tuple[str, str]]:
    """Return the arguments in the `address` of a saved view; RuleBroken where it holds anything
    that is none of a list."""
    refused = RuleBroken(
        mark(
            "A saved view holds what stands after the ? in the address of a list, and nothing else."
        ),
        field="address",
    )
    try:
        pairs = parse_qsl(address, keep_blank_values=True, max_num_fields=100)
    except ValueError:
        raise refused from None
    strange = [key for key, _ in pairs if key not in KEPT_ARGUMENTS and not is_filter(key)]
    if not pairs or strange or len(query_string(pairs)) > LONGEST_ADDRESS or _has_null(pairs):
        raise refused
    return pairs


def _has_null(pairs: list[tuple[str, str]]) -> bool:
    return any("\0" in key or "\0" in value for key, value in pairs)

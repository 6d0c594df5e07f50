"""What stands above a list: filters, saved views, how it is sorted, which columns it has."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from flask import request, url_for
from flask_babel import gettext
from markupsafe import Markup

import security
from models import Record
from queries.lists import sortable_keys
from queries.sorts import Order
from rules.permissions import Role
from views.filtering import Chip, chips_of, filter_options
from views.kept import Kept, KeptView
from views.labels import enum_label, label
from views.listing import DENSITIES, MOST_SORTS, WHOLE_LIST, ListState, list_url, query_string
from views.shown import endpoint_of

# A sheet that a form without JavaScript comes back to, still open.
SHEETS = ("columns",)


@dataclass
class ListTools:
    """The tools above the list of `model`, as it is shown for `state` to a reader of `keys`."""

    model: type[Record]
    keys: list[str]
    usual: list[str]
    state: ListState
    kept: Kept

    def link(self, **changes: Any) -> str:
        """Return the address of this list with `changes`."""
        return list_url(self.model, self.state.arguments(**changes))

    @property
    def whole_list(self) -> str:
        """The address of the list without anything asked of it, though it opens with a view."""
        opens_with_view = self.kept.default_id is not None
        return list_url(self.model, [("view", WHOLE_LIST)] if opens_with_view else [])

    def export(self, kind: str, *, every_column: bool) -> str:
        """Return the address of the list as a file, with the columns shown or with all."""
        columns = None if every_column else ",".join(self.columns)
        arguments = self.state.arguments(page_size=None, view=None, density=None, cols=columns)
        path = url_for(f"{endpoint_of(self.model)}.export", export_type=kind)
        return f"{path}?{query_string(arguments)}"

    def with_sheet(self, name: str) -> bool:
        """Return whether the sheet `name` is to be open when the page is loaded."""
        return name in SHEETS and request.args.get("open") == name

    # --- What is shown -------------------------------------------------------------------------

    @cached_property
    def columns(self) -> list[str]:
        """The columns of the list: those of the link, else those the reader keeps, else the
        usual ones."""
        kept = [key for key in self.kept.columns if key in self.keys]
        return self.state.columns or kept or self.usual

    @property
    def hidden(self) -> list[str]:
        """The columns that could be shown as well, in the order of the model."""
        return [key for key in self.keys if key not in self.columns]

    @property
    def density(self) -> str:
        """How close together rows stand: "comfortable" or "compact"."""
        return self.state.density or DENSITIES[self.kept.is_compact]

    @property
    def address(self) -> str:
        """What a saved view keeps of the list as it is shown."""
        return self.state.address(self.columns, self.density)

    # --- Filters -------------------------------------------------------------------------------

    @property
    def options(self) -> Markup:
        """The options of the filter form."""
        endpoint = endpoint_of(self.model)
        return filter_options(
            self.model,
            self.keys,
            lambda key: url_for(f"{endpoint}.ajax_lookup", name=key, closed=1),
        )

    @cached_property
    def places(self) -> list[list[Chip]]:
        """The active filters, the members of a group together."""
        return chips_of(self.model, self.state.filters)

    @property
    def chips(self) -> list[dict[str, str]]:
        """The active filters one by one: words, and the link that drops it."""
        return [
            {"words": chip.words, "without": self.without(chip)}
            for place in self.places
            for chip in place
        ]

    def without(self, chip: Chip) -> str:
        """Return the address of the list without this filter."""
        return self.link(**{chip.argument: None})

    def change(self, chip: Chip) -> str:
        """Return the address of the list with the form open on this filter, for who has no
        JavaScript."""
        return self.link(edit=chip.argument) + "#filters"

    @cached_property
    def edited(self) -> Chip | None:
        """The filter that the form is to change, if any."""
        asked = request.args.get("edit", "")
        every = (chip for place in self.places for chip in place)
        return next((chip for chip in every if chip.argument == asked), None)

    @property
    def groups(self) -> list[dict[str, Any]]:
        """The filters that a further one can be an alternative to: argument, words, and whether
        the edited one is of them."""
        offered = []
        for place in self.places:
            others = [chip for chip in place if chip is not self.edited]
            if others:
                words = gettext(" or ").join(chip.words for chip in others)
                joined = len(others) < len(place)
                offered.append({"name": others[0].argument, "words": words, "joined": joined})
        return offered

    @property
    def rows(self) -> list[list[dict[str, str]]]:
        """The active filters for the builder: what, value, and the value in words."""
        return [
            [
                {
                    "what": chip.what,
                    "value": chip.value,
                    "words": chip.value_in_words,
                    "argument": chip.argument,
                }
                for chip in place
            ]
            for place in self.places
        ]

    # --- Order ---------------------------------------------------------------------------------

    @cached_property
    def sortable(self) -> list[tuple[str, str]]:
        """The columns that the list can be sorted by, with their words."""
        there = [key for key in sortable_keys(self.model) if key in self.keys]
        return sorted(((key, label(key)) for key in there), key=lambda pair: pair[1])

    @property
    def sorts(self) -> list[str]:
        """What the selects of the sort form hold: "-received_at", "" for nothing."""
        held = [f"{'-' * down}{key}" for key, down in self.state.order.columns]
        return held + [""] * (MOST_SORTS - len(held))

    def heading(self, key: str) -> dict[str, Any]:
        """Return how the list stands to the column `key`: its place in the order (0 for none),
        the direction, and the links that sort by it alone, or by it as well."""
        columns = dict(self.state.order.columns)
        is_down = columns.get(key, False)
        place = list(columns).index(key) + 1 if key in columns else 0
        alone = Order(key, key == self.state.order.key and not is_down)
        if place:
            columns[key] = not is_down
        elif len(columns) < MOST_SORTS:
            columns[key] = False
        (first, down), *then = columns.items()
        return {
            "place": place,
            "descending": is_down,
            "several": len(self.state.order.columns) > 1,
            "alone": self.link(sort=alone),
            "as_well": self.link(sort=Order(first, down, tuple(then))),
        }

    # --- Saved views ---------------------------------------------------------------------------

    @cached_property
    def current(self) -> KeptView | None:
        """The saved view that the link began with."""
        return self.kept.view(self.state.view)

    @property
    def is_changed(self) -> bool:
        """Whether the list is shown otherwise than the current view says."""
        return self.current is not None and self.current.address != self.address

    def view_link(self, view: KeptView) -> str:
        """Return the address of the list as `view` shows it."""
        return list_url(self.model, [("view", str(view.id))])

    @property
    def shares(self) -> list[tuple[str, str]]:
        """Whom a view can be shared with: value of the form and words."""
        officer = security.current_officer()
        offered = [("", gettext("Only me"))]
        if officer is not None:
            office = gettext("My office and those below: %(office)s", office=officer.office.name)
            offered.append(("office", office))
        named = [(role.value, enum_label(role)) for role in Role]
        return offered + [
            (role, gettext("Every officer with the role: %(role)s", role=words))
            for role, words in named
        ]

    @property
    def may_remove_shared(self) -> bool:
        """Whether the reader may delete what others share."""
        return Role.ADMINISTRATOR in security.roles()

    def shared_words(self, view: KeptView) -> str:
        """Return with whom `view` is shared, or whose it is; "" for a private one."""
        if not view.is_mine:
            return gettext("from %(officer)s", officer=view.keeper)
        if view.shared_role is not None:
            return gettext("shared with: %(role)s", role=enum_label(view.shared_role))
        return gettext("shared with an office") if view.shared_office_id is not None else ""

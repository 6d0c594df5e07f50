"""What the officer who asks keeps of a list: the saved views that are theirs or shared with them,
the one the list opens with, and the columns and the density they want."""

from dataclasses import dataclass, field

from flask import request

import security
from models import Record, SavedView, db
from queries import saved
from rules import RuleBroken
from rules.permissions import Role
from views.listing import list_arguments


@dataclass(frozen=True)
class KeptView:
    """A saved view as the menu above a list offers it."""

    id: int
    name: str
    address: str
    is_mine: bool
    keeper: str
    shared_office_id: int | None
    shared_role: Role | None

    @property
    def is_shared(self) -> bool:
        """Whether others see it too."""
        return self.shared_office_id is not None or self.shared_role is not None

    @property
    def arguments(self) -> list[tuple[str, str]]:
        """Its link's arguments: those of a list alone, and which view it is."""
        try:
            pairs = list_arguments(self.address)
        except RuleBroken:
            pairs = []
        if "sort" not in dict(pairs):
            pairs.append(("sort", ""))  # so that it is never a link that says nothing but the view
        return [*pairs, ("view", str(self.id))]


@dataclass(frozen=True)
class Kept:
    """What an officer keeps of one list."""

    columns: list[str] = field(default_factory=list)
    is_compact: bool = False
    default_id: int | None = None
    views: list[KeptView] = field(default_factory=list)

    def view(self, number: object) -> KeptView | None:
        """Return the view of this number that is offered here; None where there is none."""
        return next((one for one in self.views if str(one.id) == str(number)), None)

    def opening(self) -> KeptView | None:
        """Return the view that the request asks for by its number alone, or that the list opens
        with where the request says nothing at all."""
        if not request.args:
            return self.view(self.default_id)
        return self.view(request.args["view"]) if _asks_for_a_view() else None

    def is_missed(self) -> bool:
        """Return whether the request asks for a view that is not offered here."""
        return _asks_for_a_view() and self.opening() is None


def _asks_for_a_view() -> bool:
    return set(request.args) == {"view"} and security.parse_id(request.args["view"]) is not None


def read_kept(model: type[Record]) -> Kept:
    """Return what the current officer keeps of the list of `model`; one statement."""
    officer = security.current_officer()
    if officer is None:
        return Kept()
    offered = security.offered(SavedView, officer)
    query = saved.kept_of(officer.id, model.__tablename__, offered)
    rows = db.session.execute(query).all()
    views = [
        KeptView(
            row.id,
            row.name,
            row.address,
            row.officer_id == officer.id,
            row.keeper or "",
            row.shared_office_id,
            row.shared_role,
        )
        for row in rows
        if row.id is not None
    ]
    if not rows:
        return Kept()
    first = rows[0]
    offered_ids = {one.id for one in views}
    default = first.default_id if first.default_id in offered_ids else None
    return Kept(first.columns or [], bool(first.is_compact), default, views)

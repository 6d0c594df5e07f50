"""What officers keep of lists: saved views, the one a list opens with, columns and density.

Whose list it is and what of it may be seen is asked before; a view is a link and widens nothing.
"""

from models import DefaultView, ListLayout, Office, SavedView, db
from queries import saved
from rules import RuleBroken, mark
from rules.permissions import Role

LONGEST_NAME = 120


def keep(
    *,
    officer_id: int,
    record_type: str,
    name: str,
    address: str,
    office: Office | None = None,
    role: Role | None = None,
) -> SavedView:
    """Keep a list under a name, for its officer alone or for an `office` or a `role` too.

    Raises RuleBroken for a name that is none, and for the 51st view of a list.
    """
    name = name.strip()
    if not name or len(name) > LONGEST_NAME:
        raise RuleBroken(mark("Give the view a name of 1 to 120 characters."), field="name")
    if (db.session.scalar(saved.number_kept(officer_id, record_type)) or 0) >= saved.MOST_KEPT:
        raise RuleBroken(
            mark("You keep %(most)s views of this list. Delete one first."), most=saved.MOST_KEPT
        )
    view = SavedView(
        officer_id=officer_id,
        record_type=record_type,
        name=name,
        address=address,
        shared_office_id=office.id if office else None,
        shared_role=role,
    )
    db.session.add(view)
    db.session.flush()
    return view


def open_with(*, officer_id: int, record_type: str, view: SavedView | None) -> None:
    """Have the list open with `view` for this officer, whoever keeps it; with nothing for None."""
    held = db.session.scalar(saved.default_of(officer_id, record_type).with_for_update())
    if view is None:
        if held is not None:
            db.session.delete(held)
    elif held is None:
        db.session.add(
            DefaultView(officer_id=officer_id, record_type=record_type, saved_view_id=view.id)
        )
    else:
        held.saved_view_id = view.id
    db.session.flush()


def lay_out(*, officer_id: int, record_type: str, columns: list[str], is_compact: bool) -> None:
    """Show this officer the list with these columns in this order; the usual ones for []."""
    held = db.session.scalar(saved.layout_of(officer_id, record_type).with_for_update())
    if held is None:
        held = ListLayout(officer_id=officer_id, record_type=record_type)
        db.session.add(held)
    held.columns = columns
    held.is_compact = is_compact
    db.session.flush()

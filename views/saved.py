"""Keeping a list: saved views, the one it opens with, its columns. The forms stand above every
list (templates/admin/_list_tools.html); each comes back to the list that it was sent from."""

from typing import Any

from flask import Blueprint, Flask, abort, flash, redirect, request
from flask_babel import gettext as _
from sqlalchemy.exc import IntegrityError

import security
from actions import saved as change
from models import RECORD_TYPES, Record, SavedView, db
from rules import RuleBroken, mark
from rules.permissions import Role, Verb
from views.asking import present_log_in
from views.base import RecordView
from views.errors import words_of
from views.fields import RecordForm
from views.listing import DENSITIES, WHOLE_LIST, list_arguments, list_url, query_string

saved = Blueprint("saved", __name__)


class SavedViewView(RecordView):
    """Saved views by themselves: to rename, share otherwise and delete."""

    def record_links(self, record: Record) -> list[tuple[str, str]]:
        view: Any = record
        model = _listed(view.record_type)
        if model is None or not security.can(Verb.READ, model):
            return []
        try:
            arguments = [*list_arguments(view.address), ("view", str(view.id))]
        except RuleBroken:
            return []
        return [(_("Open the list"), list_url(model, arguments))]

    def _fill(self, form: RecordForm, record: Record) -> None:
        super()._fill(form, record)
        view: Any = record
        if _listed(view.record_type) is None:
            raise RuleBroken(
                mark("There is no such list. Save a view above the list that it is of."),
                field="record_type",
            )
        view.address = query_string(list_arguments(view.address))


def _listed(table: str) -> type[Record] | None:
    """Return the record type whose list is called `table`; None for one without a list."""
    return next((m for m in RECORD_TYPES if m.__tablename__ == table and m.screen), None)


def _asked_list() -> tuple[type[Record], list[tuple[str, str]]]:
    """Return the list that a form was sent from: its record type and its link's arguments."""
    model = _listed(request.form.get("record_type", ""))
    if model is None:
        abort(400)
    security.require(Verb.READ, model)
    security.require(Verb.CREATE, SavedView)
    try:
        arguments = list_arguments(request.form.get("address", ""))
    except RuleBroken:
        abort(400)
    return model, arguments


def _asked_view() -> SavedView | None:
    """Return the view that a form names, if the officer sees it: their own or a shared one."""
    asked = request.form.get("view", "")
    return security.load(SavedView, asked) if asked not in ("", WHOLE_LIST) else None


def _back(model: type[Record], arguments: list[tuple[str, str]], view: object = None) -> Any:
    """Lead back to the list that the form was sent from, which shows the saved `view`."""
    number = security.parse_id(view)
    marked = [("view", str(number))] if number else []
    return redirect(list_url(model, arguments + marked), 303)


def _refused(
    error: RuleBroken | IntegrityError,
    model: type[Record],
    arguments: list[tuple[str, str]],
    view: object = None,
) -> Any:
    db.session.rollback()
    flash(words_of(error), "error")
    return _back(model, arguments, view)


def _shared_with() -> dict[str, Any]:
    """Return whom the form shares a view with: the officer's own office, a role, or nobody."""
    asked = request.form.get("share", "")
    if asked == "office":
        return {"office": present_log_in().officer.office}
    return {"role": Role(asked)} if asked in set(Role) else {}


@saved.post("/saved-views")
def keep() -> Any:
    """Keep the list as it is shown under a name."""
    model, arguments = _asked_list()
    me, table = present_log_in().officer_id, model.__tablename__
    try:
        view = change.keep(
            officer_id=me,
            record_type=table,
            name=request.form.get("name", ""),
            address=query_string(arguments),
            **_shared_with(),
        )
        if request.form.get("is_default"):
            change.open_with(officer_id=me, record_type=table, view=view)
        number, name = view.id, view.name
        db.session.commit()
    except (RuleBroken, IntegrityError) as refused:
        return _refused(refused, model, arguments)
    flash(_("The view “%(name)s” was saved.", name=name), "success")
    return _back(model, arguments, number)


@saved.post("/saved-views/update")
def update() -> Any:
    """Have a view of one's own show what the list shows now."""
    model, arguments = _asked_list()
    view = _asked_view()
    if view is None or view.record_type != model.__tablename__:
        abort(404)
    security.require(Verb.EDIT, view)
    number, name = view.id, view.name
    view.address = query_string(arguments)
    db.session.commit()
    flash(_("The view “%(name)s” now shows this list.", name=name), "success")
    return _back(model, arguments, number)


@saved.post("/saved-views/default")
def open_with() -> Any:
    """Have the list open with a view, or with nothing asked of it."""
    model, arguments = _asked_list()
    view = _asked_view()
    if view is not None and view.record_type != model.__tablename__:
        abort(404)
    number = view.id if view is not None else None
    change.open_with(
        officer_id=present_log_in().officer_id,
        record_type=model.__tablename__,
        view=view,
    )
    said = _("The list now opens with “%(name)s”.", name=view.name) if view else ""
    db.session.commit()
    flash(said or _("The list now opens as a whole."), "success")
    return _back(model, arguments, number or request.form.get("present", ""))


@saved.post("/list-layout")
def lay_out() -> Any:
    """Choose the columns of a list, their order and its density; also one step up or down, for
    who has no JavaScript."""
    model, arguments = _asked_list()
    readable = set(security.readable_columns(model))
    ordered = [key for key in dict.fromkeys(request.form.getlist("order")) if key in readable]
    chosen = set(request.form.getlist("column"))
    moved = _moved(ordered)
    columns = [] if "usual" in request.form else [key for key in ordered if key in chosen]
    change.lay_out(
        officer_id=present_log_in().officer_id,
        record_type=model.__tablename__,
        columns=columns,
        is_compact=request.form.get("density") == DENSITIES[1],
    )
    db.session.commit()
    # What the link said of columns gives way to what was chosen just now.
    kept = [pair for pair in arguments if pair[0] not in ("cols", "density")]
    if moved:
        kept.append(("open", "columns"))
    return _back(model, kept, request.form.get("present", ""))


def _moved(keys: list[str]) -> bool:
    """Move the column that a button names one place up or down in `keys`; return whether one
    was pressed."""
    for name, step in (("up", -1), ("down", 1)):
        key = request.form.get(name)
        if key in keys:
            place = keys.index(key)
            keys.insert(max(0, place + step), keys.pop(place))
            return True
    return False


def init_app(app: Flask) -> None:
    """Give `app` the forms by which officers keep lists."""
    app.register_blueprint(saved)

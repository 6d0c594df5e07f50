"""Editing in place: one field of one record, in the cell of its list, under the rights, the checks
and the version of its form."""

from typing import Any

from flask import abort, flash, get_template_attribute, jsonify, redirect, request
from flask_admin import expose
from flask_babel import gettext
from sqlalchemy import inspect
from sqlalchemy.orm.exc import StaleDataError
from wtforms import BooleanField, Field, SelectField

import security
from models import Record, db
from queries.filters import local_column
from rules.permissions import Verb
from views.errors import wants_json
from views.fields import LongField, MomentField, NumberField, RecordForm, RelationField
from views.labels import label, show, show_of, title

# Before the names of the fields of a single-field form: a column may be called "version" or
# "action", and the page around the form has fields of its own.
PREFIX = "value-"


def is_shown(field: Field) -> bool:
    """Return whether people see `field` of a form: not its token."""
    return bool(field.short_name != "csrf_token")


def typed_words(field: Field) -> str:
    """Return in words what was typed into `field`, or as it was typed where it cannot be read."""
    if isinstance(field, RelationField):
        return str(field.text)
    if field.data is None or field.process_errors:
        return " ".join(str(part) for part in field.raw_data or [])
    return show(field.data)


def as_sent(field: Field) -> list[tuple[str, str]]:
    """Return what a browser has to send for `field` to hold exactly what it holds now."""
    if isinstance(field, BooleanField):
        return [(field.name, "y")] if field.data else []
    if isinstance(field, RelationField):
        return [(field.name, field.text), (f"{field.name}-id", str(field.chosen or ""))]
    if isinstance(field, MomentField):  # to the fraction of a second, which its form leaves out
        return [(field.name, field.kept.isoformat() if field.kept else "")]
    if isinstance(field, SelectField):
        return [(field.name, field.data.value if field.data else "")]
    if isinstance(field, NumberField):
        return [(field.name, "" if field.data is None else str(field.data))]
    return [(field.name, field._value())]


class InlineEditing:
    """The part of RecordView through which a cell of its list is edited."""

    cell_template = "admin/edit_cell.html"
    editor_template = "admin/_cell_editor.html"

    @property
    def simple_keys(self) -> list[str]:
        """Those of `form_keys` whose field is small enough for a cell: not texts of many lines."""
        writable = self.form_keys
        return [key for key in self.keys if key in writable and self._is_simple(key)]

    def _is_simple(self, key: str) -> bool:
        unbound = getattr(self._edit_form_class, key, None)
        return unbound is not None and not issubclass(unbound.field_class, LongField)

    def field_form(self, key: str, record: Record | None = None, **given: Any) -> RecordForm:
        """Return a form of nothing but the field `key`, the very field of the record's form."""
        whole = self._edit_form_class
        single = type(whole.__name__, (RecordForm,), {key: getattr(whole, key)})
        return single(obj=record, prefix=PREFIX, **given)  # type: ignore[no-any-return]

    @expose("/ajax/update/", methods=("GET", "POST"))
    def ajax_update(self) -> Any:
        """Give the editor of one cell, or save what was typed into it (trap 4): ?id= of the record
        and ?name= of its field. A script gets JSON: the `editor`, with what is wrong if anything
        is, or the `cell` as it is now. People without one get a page."""
        key = request.args.get("name", "")
        if key not in self.simple_keys:
            abort(404)
        record = self._asked_record([key])
        security.require(Verb.EDIT, record)
        form = self.field_form(key, record)
        if not form.is_submitted():
            return self._editor(200, record, form)
        if not self._is_current(record):
            return self._overtaken(record, form)
        before = as_sent(self.field_form(key, record, formdata=None)[key])
        told = {"version": getattr(record, "version_id", 0), "name": title(record)}
        try:
            saved = form.validate() and self._write(form, record, lambda: None)
        except StaleDataError:
            db.session.rollback()
            return self._overtaken(self._asked_record([key]), form)
        if saved:
            return self._saved(key, before, told)
        db.session.rollback()
        version = request.form["version"]
        return self._editor(422, self._asked_record([key]), form, version=version)

    def _editor(self, status: int, record: Record, form: RecordForm, **more: Any) -> Any:
        (field,) = (one for one in form if is_shown(one))
        shown = {"version": self.version_token(record), "overtaken": None} | more
        shown |= {"record": record, "form": form, "field": field}
        if not wants_json():
            return self.render(self.cell_template, **shown), status
        told = {"editor": self.render(self.editor_template, **shown)}
        if shown["overtaken"]:
            told["cell"] = self._cell_now(record, field.short_name)
        return jsonify(told), status

    def _overtaken(self, record: Record, form: RecordForm) -> Any:
        """Answer that somebody else saved meanwhile, with both values in words."""
        (field,) = (one for one in form if is_shown(one))
        overtaken = {
            "theirs": self.cell(record, field.short_name)["text"],
            "mine": typed_words(field),
            "entry": self._last_change(record),
        }
        return self._editor(409, record, form, overtaken=overtaken)

    def _saved(self, key: str, before: list[tuple[str, str]], told: dict[str, Any]) -> Any:
        record = self._asked_record([key])
        name = title(record)
        changed = getattr(record, "version_id", 0) != told["version"]
        said = gettext("“%(field)s” of “%(name)s” was saved.", field=label(key), name=name)
        said = said if changed else gettext("Nothing was changed.")
        if not wants_json():
            flash(said, "success")
            return redirect(self.get_url(".details_view", id=record.id))
        return jsonify(
            cell=self._cell_now(record, key),
            said=said,
            version=self.version_token(record),
            name=name,
            was=told["name"],
            undo=before if changed else None,
        )

    def _cell_now(self, record: Record, key: str) -> dict[str, str]:
        shown = self.cell(record, key)
        inside = get_template_attribute("admin/_cell.html", "inside")
        page = f"{self.get_url('.details_view')}?id={record.id}"
        return {"html": str(inside(shown, page)), "kind": self.cell_class(shown)}

    def value_in_words(self, key: str, value: Any) -> str:
        """Return a value of the field `key` as people read it; "" for none."""
        if key in inspect(self.model).relationships:
            return title(value) if value is not None else ""
        return show_of(local_column(self.model, key), value)

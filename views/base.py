"""RecordView: the only place where Flask-Admin is met. It closes Flask-Admin's traps once, so
that a record type costs one class and is safe, fast and pleasant all the same."""

import functools
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from flask import Response, abort, current_app, flash, redirect, request, url_for
from flask_admin import expose
from flask_admin.contrib.sqla import ModelView
from flask_babel import gettext
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import CTE, Enum, Select, func, inspect, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import NotFound

import budget
import exports
import security
from models import Record, db, search_columns
from queries import audit, lists
from queries.dependents import dependents_of
from queries.filter_links import conditions
from queries.filters import local_column
from rules import RuleBroken, mark
from rules.permissions import Verb
from views.bulk import BulkActions
from views.errors import OUT_OF_SIGHT, REFUSALS, constraint_sentence, refusal_in_words
from views.fields import RecordForm, choices_for, form_for
from views.filtering import records_asked_for, with_added_filters
from views.inline import InlineEditing, is_shown, typed_words
from views.kept import read_kept
from views.labels import (
    english_types,
    label,
    sentence,
    show,
    title,
    type_label,
    types_label,
)
from views.listing import (
    PAGE_SIZES,
    ListState,
    list_url,
    query_string,
    read_state,
    today,
)
from views.shown import as_timeline, cell, changes_in_words, endpoint_of, note_unseen
from views.tools import ListTools

MOST_EXPORTS = 8  # of all officers: half of the threads of server.py stay for everything else
HISTORY_SIZE = 50
ABOUT_GROUP = mark("About this record")
# The heading of a column that names none, by what sets it: people, a step of the work, the system.
GROUPS = {None: mark("Record"), "action": mark("Progress"), "system": ABOUT_GROUP}
EXPORT_TYPES = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

CHANGED = mark("It was changed since you looked at it. Look again before you delete it.")

# Which right each of Flask-Admin's routes needs (trap 1); a route that is not here is refused.
ROUTE_VERBS = {
    "index_view": Verb.READ,
    "details_view": Verb.READ,
    "history_view": Verb.READ,
    "ajax_lookup": Verb.READ,
    "create_view": Verb.CREATE,
    "edit_view": Verb.EDIT,
    "ajax_update": Verb.EDIT,
    "delete_view": Verb.DELETE,
    "action_view": Verb.READ,
    "undo_view": Verb.EDIT,
    "export": Verb.EXPORT,
}


def _changed_columns(record: Record) -> set[str]:
    """Return the columns that the open transaction changes in `record`, relations as theirs."""
    state = inspect(record)
    keys = {attribute.key for attribute in state.attrs if attribute.history.has_changes()}
    relations = state.mapper.relationships
    through = {
        column.key for key in keys if key in relations for column in relations[key].local_columns
    }
    return keys | through


def kebab(model: type[Record]) -> str:
    """Return "supervision-group" for SupervisionGroup, as it stands in addresses."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", model.__name__).lower()


class RecordView(BulkActions, InlineEditing, ModelView):
    """The screens of one record type: list, details, history, forms, delete, actions, export.

    Everything comes from the model; override `list_keys`, `actions` or a template for more.
    """

    list_template = "admin/list.html"
    create_template = "admin/form.html"
    edit_template = "admin/form.html"
    details_template = "admin/details.html"
    history_template = "admin/history.html"
    delete_template = "admin/delete.html"
    conflict_template = "admin/conflict.html"
    gone_template = "admin/gone.html"

    # Flask-Admin reads this one at start-up (trap 18); rights are asked in each request.
    can_view_details = True
    export_types = ("csv", "xlsx")

    def __init__(self, model: type[Record]) -> None:
        super().__init__(
            model,
            db,
            name=english_types(model),
            category=model.desk.value,
            endpoint=endpoint_of(model),
            url=kebab(model),
        )

    # --- What Flask-Admin would guess, said by the model ---------------------------------------

    def scaffold_list_columns(self) -> list[str]:
        return [c.key for c in self.model.__table__.columns if not c.info.get("secret")]

    def scaffold_sortable_columns(self) -> dict[str, Any]:
        return {key: getattr(self.model, key) for key in lists.sortable_keys(self.model)}

    def scaffold_form(self) -> type[RecordForm]:
        return form_for(self.model, lambda key: url_for(f"{self.endpoint}.ajax_lookup", name=key))

    def get_create_form(self) -> type[RecordForm]:
        return self.get_form()

    def get_edit_form(self) -> type[RecordForm]:
        return self.get_form()

    # --- Rights (traps 1, 2, 5, 6) -------------------------------------------------------------

    def is_accessible(self) -> bool:
        return bool(security.can(Verb.READ, self.model))

    @property
    def can_create(self) -> bool:  # type: ignore[override]
        return bool(security.can(Verb.CREATE, self.model))

    @property
    def can_edit(self) -> bool:  # type: ignore[override]
        return bool(security.can(Verb.EDIT, self.model))

    @property
    def can_delete(self) -> bool:  # type: ignore[override]
        return bool(security.can(Verb.DELETE, self.model))

    @property
    def can_export(self) -> bool:  # type: ignore[override]
        return bool(security.can(Verb.EXPORT, self.model))

    def _handle_view(self, name: str, **kwargs: Any) -> None:
        verb = ROUTE_VERBS.get(name)
        if verb is None:
            abort(403)
        security.require(verb, self.model)

    def _run_view(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return fn(self, *args, **kwargs)

    def scope(self, query: Any) -> Any:
        """Return `query` with only the rows that the officer may see: the one place for it."""
        visible = security.visible(self.model)
        return query if visible is None else query.where(visible)

    def get_query(self) -> Any:
        return self.scope(db.session.query(self.model))

    def get_one(self, id: Any) -> Record:
        return security.load(self.model, id)  # type: ignore[no-any-return]

    @property
    def keys(self) -> list[str]:
        """The columns and relations that the officer may see: the one allow-list (trap 6)."""
        return security.readable_columns(self.model)  # type: ignore[no-any-return]

    @property
    def list_keys(self) -> list[str]:
        """Those of `keys` that the list shows at first."""
        shown = [key for key in self.keys if local_column(self.model, key).info.get("list", True)]
        return [key for key in shown if key != "id"]

    @property
    def form_keys(self) -> set[str]:
        """Those of `keys` that the officer may write through a form."""
        return {key for key in self.keys if not local_column(self.model, key).info.get("set_by")}

    # --- The list ------------------------------------------------------------------------------

    @property
    def is_searchable(self) -> bool:
        """Whether records of this type have any text for the search box to look through."""
        return bool(search_columns(self.model))

    def query_of(self, state: ListState) -> Select[Any]:
        """Return the scoped, filtered and searched rows; RuleBroken where a part of `state`
        cannot be had, because a list that ignores a filter lies."""
        if state.problems:
            raise RuleBroken("%(problem)s", problem=" ".join(state.problems))
        query = self.scope(select(self.model))
        query = query.where(*conditions(state.filters))
        found = lists.search_clause(self.model, state.search)
        return query if found is None else query.where(found)

    @expose("/")
    def index_view(self) -> Any:
        """The list: one page of it, with the count, the filters and what can be done."""
        state = read_state(self.model, self.keys)
        if "filter_what" in request.args:
            arguments = with_added_filters(self.model, self.keys, state)
            return redirect(list_url(self.model, arguments))
        kept = read_kept(self.model)
        if (opening := kept.opening()) is not None:
            return redirect(list_url(self.model, opening.arguments))
        if kept.is_missed():
            state.notes.append(gettext("That view is gone, or no longer shared with you."))
        tools = ListTools(self.model, self.keys, self.list_keys, state, kept)
        status = 200
        try:
            page, number = self._read_list(state, tools.columns)
        except (RuleBroken, budget.TooLong) as refused:
            problem, status = self._why_no_list(refused)
            state = tools.state = replace(state, problems=[problem])
            page, number = lists.Page([], None, None), lists.Count(0)
        return self.render(
            self.list_template,
            state=state,
            tools=tools,
            page=page,
            count=number,
            keys=tools.columns,
            density=tools.density,
            sortable=set(lists.sortable_keys(self.model)),
            sizes=PAGE_SIZES,
            actions=self.allowed_actions(),
            chips=tools.chips,
            too_long=status == 503,
        ), status

    def _why_no_list(self, refused: RuleBroken | budget.TooLong) -> tuple[str, int]:
        """Return the sentence and the status of a list that cannot be shown."""
        if isinstance(refused, RuleBroken):
            return sentence(refused), 400
        db.session.rollback()
        budget.allow_an_answer()
        return gettext(
            "This list takes longer than a page may, so it was ended. Add a filter or a shorter "
            "period, search for words instead of a filter that “contains” something, or take one "
            "of these away. A CSV file may take longer than a page."
        ), 503

    def _read_list(self, state: ListState, keys: list[str]) -> tuple[lists.Page, lists.Count]:
        """Return the page that is asked for and how many rows there are on all of them."""
        query = self.query_of(state)
        whole = query.whereclause is None
        if not whole and security.visible(self.model) is not None:
            # Who sees a part of the table mostly has few rows before them: counted on the way.
            page = self._read_page(
                state, keys, *lists.gathered_and_counted(query, self.model, state.order)
            )
            if page.number is not None:
                return page, lists.Count(page.number)
        number = lists.count(db.session, query, self.model, whole=whole)
        found = None
        if number.kind == "exact" and not whole:
            query, found = lists.gathered(query, self.model, state.order)
        return self._read_page(state, keys, query, found), number

    def _read_page(
        self, state: ListState, keys: list[str], query: Select[Any], found: CTE | None
    ) -> lists.Page:
        page = lists.read_page(
            db.session,
            lists.with_columns(query, self.model, [*keys, *state.order.keys]),
            self.model,
            state.order,
            state.place,
            state.size,
            found=found,
        )
        also = records_asked_for(self.model, state.filters)
        note_unseen(self.model, page.records, keys, also)
        return page

    def link(self, state: ListState, view: str = ".index_view", **changes: Any) -> str:
        """Return the address of `view` with the filters, search and order of `state`."""
        extra = {"export_type": changes.pop("export_type")} if "export_type" in changes else {}
        query = query_string(state.arguments(**changes))
        return f"{self.get_url(view, **extra)}?{query}"

    def cell(self, record: Record, key: str) -> dict[str, Any]:
        """Return what a list or details shows of `key`: its text, kind and link, if any."""
        return cell(record, key, today)

    def cell_class(self, cell: dict[str, Any]) -> str:
        """Return the classes of a cell of a list: "cell-title cell-number"."""
        return " ".join(f"cell-{one}" for one in cell["kind"].split())

    def headings(self, keys: list[str]) -> list[tuple[str, str]]:
        """Return `keys` with their headings, asked for once for a list and not for each cell."""
        return [(key, label(key)) for key in keys]

    def list_links(self) -> list[tuple[str, str]]:
        """Return further buttons of the list: (words, address)."""
        return []

    def record_links(self, record: Record) -> list[tuple[str, str]]:
        """Return further buttons of the page of `record`: (words, address)."""
        return []

    # --- Details and history -------------------------------------------------------------------

    @expose("/details/")
    def details_view(self) -> Any:
        """One record: every column that the officer may see, in its groups."""
        record = self._asked_record(self.keys)
        return self.render(
            self.details_template, record=record, groups=self.groups(self.keys), tab="details"
        )

    def _asked_record(self, keys: list[str]) -> Record:
        """Return the record that the request names, with its relations joined; 404 otherwise."""
        relations = inspect(self.model).relationships
        related = [key for key in keys if key in relations]
        options = [
            joinedload(getattr(self.model, key)).load_only(
                *(
                    getattr(relations[key].mapper.class_, name)
                    for name in relations[key].mapper.class_.title_columns
                )
            )
            for key in related
        ]
        record: Record = security.load(self.model, request.args.get("id", ""), *options)
        note_unseen(self.model, [record], related)
        return record

    def groups(self, keys: list[str] | set[str]) -> list[tuple[str, list[str]]]:
        """Return `keys` under the headings that the model gives them, in the model's order."""
        grouped: dict[str, list[str]] = {}
        for key in self.keys:
            if key in keys:
                column = local_column(self.model, key)
                default = GROUPS[column.info.get("set_by")]
                grouped.setdefault(column.info.get("group", default), []).append(key)
        last = grouped.pop(ABOUT_GROUP, None)
        if last:
            grouped[ABOUT_GROUP] = last
        return [(gettext(heading), members) for heading, members in grouped.items()]

    @expose("/history/")
    def history_view(self) -> Any:
        """Every change of the record in words, newest first."""
        record = self.get_one(request.args.get("id", ""))
        before = security.parse_id(request.args.get("before", ""))
        query = audit.history(self.model.__tablename__, record.id)
        if before is not None:
            query = query.where(audit.AuditEntry.id < before)
        entries = list(db.session.scalars(query.limit(HISTORY_SIZE + 1)).unique())
        older = entries[HISTORY_SIZE - 1].id if len(entries) > HISTORY_SIZE else None
        entries = entries[:HISTORY_SIZE]
        told = changes_in_words(self.model, self.keys, entries)
        return self.render(
            self.history_template,
            record=record,
            entries=as_timeline(told),
            older=older,
            tab="history",
        )

    # --- Forms (traps 5, 7, 8) -----------------------------------------------------------------

    def _signer(self) -> URLSafeSerializer:
        return URLSafeSerializer(current_app.config["SECRET_KEY"], salt=f"form-{self.endpoint}")

    def version_token(self, record: Record) -> str:
        """Return the signed version of `record` that its form carries (trap 7)."""
        return str(self._signer().dumps([record.id, getattr(record, "version_id", 0)]))

    def _opened(self) -> Any:
        """Return [id, version] of the record whose form was sent; None where no form of ours
        was."""
        try:
            return self._signer().loads(request.form.get("version", ""))
        except BadSignature:
            return None

    def _is_current(self, record: Record) -> bool:
        """Return whether the form that was sent shows `record` as it is (trap 7)."""
        return bool(self._opened() == [record.id, getattr(record, "version_id", 0)])

    def _form(self, record: Record | None = None) -> RecordForm:
        cls = self._create_form_class if record is None else self._edit_form_class
        form = cls(obj=record) if record is not None else cls(data=self._prefill())
        form.keep_only(self.form_keys)
        return form  # type: ignore[no-any-return]

    def _prefill(self) -> dict[str, Any]:
        """Return the column defaults that a new record starts with, so that the form shows them."""
        start: dict[str, Any] = {}
        for column in self.model.__table__.columns:
            default = getattr(column.server_default, "arg", None)
            text = getattr(default, "text", default)
            if isinstance(column.type, Enum) and isinstance(text, str):
                start[column.key] = column.type.enum_class(text)
            elif text in ("true", "false"):
                start[column.key] = text == "true"
            elif isinstance(text, str) and text.isdigit():
                start[column.key] = int(text)
        return start

    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> Any:
        """A form for a new record."""
        form = self._form()
        status = 200
        if form.is_submitted():
            record = self._create(form) if form.validate() else None
            if record is not None:
                flash(
                    gettext(
                        "%(type)s “%(name)s” was made.",
                        type=type_label(self.model),
                        name=title(record),
                    ),
                    "success",
                )
                if "_add_another" in request.form:
                    return redirect(self.get_url(".create_view"))
                return redirect(self.get_url(".details_view", id=record.id))
            status = 422
        return self._render_form(form, None), status

    def _create(self, form: RecordForm) -> Record | None:
        record = self.model()
        if not self._write(form, record, lambda: db.session.add(record)):
            return None
        return record

    def _render_form(self, form: RecordForm, record: Record | None, version: str = "") -> str:
        template = self.create_template if record is None else self.edit_template
        return self.render(
            template,
            form=form,
            record=record,
            version=version,
            groups=self.groups(set(form._fields)),
            tab="edit",
        )

    def _write(self, form: RecordForm, record: Record, begin: Callable[[], None]) -> bool:
        """Put the form into `record` and commit; False with words on the form where it cannot be.

        Raises StaleDataError when somebody else saved between reading and writing.
        """
        own_owner = self.model.owner_path
        try:
            with db.session.no_autoflush:
                self._fill(form, record)
                begin()
                if own_owner and getattr(record, own_owner) is None:
                    setattr(record, own_owner, security.current_officer().id)
                is_new, changed = not inspect(record).persistent, _changed_columns(record)
            db.session.flush()
            self.after_change([record.id], changed, is_new=is_new)
            self._stay_in_sight([record.id])
            db.session.commit()
        except REFUSALS as error:
            words, key = refusal_in_words(error)
            db.session.rollback()
            self._put_error(form, key, words)
            return False
        return True

    def after_change(self, ids: list[int], columns: set[str], *, is_new: bool = False) -> None:
        """Do what follows from a change of `columns` in these records, before it is committed.
        Raises RuleBroken where it must not be."""

    def _fill(self, form: RecordForm, record: Record) -> None:
        for field in form:
            if field.data is record:  # SQLAlchemy finds no order in which to save that
                raise RuleBroken(
                    "A record cannot stand below itself. Choose another one above it.",
                    field=field.short_name,
                )
            if field.short_name != "csrf_token":
                setattr(record, field.short_name, field.data)

    def _put_error(self, form: RecordForm, key: str | None, words: str) -> None:
        """Put `words` beside the field of the column `key`, or on top of the form."""
        for field in form:
            if key and field.short_name in (key, key.removesuffix("_id")):
                field.errors = [*field.errors, words]
                return
        form.form_errors.append(words)

    def _stay_in_sight(self, ids: list[int]) -> None:
        """Refuse a save that would put records where the officer cannot see them."""
        visible = security.visible(self.model)
        if visible is None:
            return
        query = select(func.count()).where(self.model.id.in_(ids), visible)
        if db.session.scalar(query) != len(ids):
            raise RuleBroken(OUT_OF_SIGHT)

    @expose("/edit/", methods=("GET", "POST"))
    def edit_view(self) -> Any:
        """A form for a record that is there."""
        try:
            record = self._asked_record(sorted(self.form_keys))
        except NotFound:
            return self._gone(request.args.get("id", ""), self._form())
        security.require(Verb.EDIT, record)
        version = self.version_token(record)
        form = self._form(record)
        if not form.is_submitted():
            return self._render_form(form, record, version)
        if not self._is_current(record):
            return self._conflict(record, form)
        record_id = record.id
        try:
            saved = form.validate() and self._write(form, record, lambda: None)
        except StaleDataError:
            db.session.rollback()
            return self._conflict(self.get_one(str(record_id)), form)
        if saved:
            flash(
                gettext(
                    "%(type)s “%(name)s” was saved.",
                    type=type_label(self.model),
                    name=title(record),
                ),
                "success",
            )
            if "_continue_editing" in request.form:
                return redirect(self.get_url(".edit_view", id=record_id))
            return redirect(self.get_url(".details_view", id=record_id))
        db.session.rollback()
        record = self.get_one(str(record_id))
        return self._render_form(form, record, request.form["version"]), 422

    def _conflict(self, record: Record, form: RecordForm) -> Any:
        """Show the version typed here beside the one saved meanwhile; nothing typed is lost."""
        rows = []
        for field in form:
            if field.name == "csrf_token":
                continue
            theirs, mine = getattr(record, field.name), field.data
            rows.append((field.label.text, show(theirs), show(mine), theirs != mine))
        return self.render(
            self.conflict_template,
            record=record,
            rows=rows,
            kept=self._kept(),
            entry=self._last_change(record),
            version=self.version_token(record),
            tab="edit",
        ), 409

    def _last_change(self, record: Record) -> Any:
        """Return the newest entry of the trail about `record`, None where there is none."""
        last = audit.history(self.model.__tablename__, record.id).limit(1)
        return db.session.scalars(last).unique().first()

    def _gone(self, asked: object, form: RecordForm | None = None) -> Any:
        """Answer who had a record open that is not there any more, or not theirs to see: what
        they typed is not lost. 404 for everybody else, who learns nothing."""
        opened = self._opened()
        if opened is None or security.parse_id(asked) != opened[0]:
            abort(404)
        return self.render(
            self.gone_template,
            typed=[(one.label.text, typed_words(one)) for one in form or () if is_shown(one)],
            kept=self._kept() if form else [],
        ), 404

    def _kept(self) -> list[tuple[str, str]]:
        """Return what was typed into a form, to be sent once more."""
        sent = request.form.items(multi=True)
        return [pair for pair in sent if pair[0] not in ("csrf_token", "version")]

    # --- Delete --------------------------------------------------------------------------------

    @expose("/delete/", methods=("GET", "POST"))
    def delete_view(self) -> Any:
        """Ask first, say what hangs on the record, and delete only what was looked at."""
        asked = request.values.get("id", "")
        try:
            record = self.get_one(asked)
        except NotFound:
            return self._gone(asked)
        security.require(Verb.DELETE, record)
        if request.method == "GET" or "version" not in request.form:
            return self._render_delete(record)
        if not self._is_current(record):
            return self._render_delete(record, gettext(CHANGED)), 409
        if dependents_of(db.session, self.model, [record.id]).kept:
            return self._render_delete(record), 409
        name = title(record)
        try:
            db.session.delete(record)
            db.session.commit()
        except (StaleDataError, IntegrityError) as error:
            db.session.rollback()
            stale = isinstance(error, StaleDataError)
            problem = gettext(CHANGED) if stale else constraint_sentence(error)[0]
            try:
                return self._render_delete(self.get_one(asked), problem), 409
            except NotFound:
                return self._gone(asked)
        flash(
            gettext("%(type)s “%(name)s” was deleted.", type=type_label(self.model), name=name),
            "success",
        )
        return redirect(self.get_url(".index_view"))

    def _render_delete(self, record: Record, problem: str = "") -> str:
        return self.render(
            self.delete_template,
            record=record,
            hanging=dependents_of(db.session, self.model, [record.id]),
            problem=problem,
            version=self.version_token(record),
            tab="delete",
        )

    # --- Export (trap 11) ----------------------------------------------------------------------

    @expose("/export/<export_type>/")
    def export(self, export_type: str) -> Any:
        """The list as a file: the same filters, search, order and scope; the columns of the link,
        or all that the officer may see."""
        if export_type not in self.export_types:
            abort(404)
        state = read_state(self.model, self.keys)
        query = lists.ordered(self.query_of(state), self.model, state.order)
        return self._send_file(export_type, state, query, state.columns or self.keys)

    def _send_file(
        self, export_type: str, state: ListState, query: Select[Any], keys: list[str]
    ) -> Response:
        """Write the export down, commit, and only then let the first byte go."""
        kind = types_label(self.model)
        name = exports.export_file_name(kind, today().day, export_type)
        officer = security.current_officer()
        address = self.link(state, page_size=None)
        at_once = current_app.config["EXPORTS_AT_ONCE"]
        place = exports.Place(officer.id, at_once, MOST_EXPORTS)
        exports.require_place(db.session, place)
        record = exports.begin_export(
            db.session, officer.id, self.model, keys, address, name, export_type
        )
        name_it = security.named(officer.id, security.current_log_in().id)
        finish = functools.partial(exports.finish_export, db.engine, record.id, name_it)
        db.session.commit()
        statement = exports.export_select(self.model, keys, query, security.visible)
        headings = [label(key) for key in keys]
        limit = {"statement_timeout": f"{current_app.config['EXPORT_SECONDS']}s"}
        common = {
            "timezone": security.timezone(),
            "settings": name_it() | limit,
            "on_finish": finish,
            "place": place,
        }
        if export_type == "csv":
            stream = exports.csv_stream(db.engine, statement, headings, **common)
        else:
            stream = exports.xlsx_stream(db.engine, statement, headings, sheet=kind, **common)
        return Response(
            stream,
            mimetype=EXPORT_TYPES[export_type],
            headers={"Content-Disposition": exports.content_disposition(name)},
        )

    # --- Autocomplete (trap 3) -----------------------------------------------------------------

    @expose("/ajax/lookup/")
    def ajax_lookup(self) -> Any:
        """Up to 20 records that a relation of this type can name: [[id, name], ...]."""
        key = request.args.get("name", "")
        relations = inspect(self.model).relationships
        if key not in self.keys or key not in relations:
            abort(404)
        typed = request.args.get("query", "")
        target = relations[key].mapper.class_
        closed = request.args.get("closed") == "1"
        return [list(pair) for pair in choices_for(target, typed, closed=closed)]

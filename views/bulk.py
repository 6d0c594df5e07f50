"""What is done to many records at once, to a selection or to all that match (trap 14): previewed,
then done in one transaction if nothing changed since, all or nothing."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from flask import abort, current_app, flash, redirect, request
from flask_admin import expose
from flask_babel import gettext, lazy_gettext, ngettext
from itsdangerous import BadSignature, URLSafeTimedSerializer
from sqlalchemy import func, inspect, select
from sqlalchemy.exc import IntegrityError

import security
from actions import many as change
from models import Record, db
from queries import many
from queries.dependents import Dependents, dependents_of
from queries.filters import local_column
from rules import RuleBroken
from rules.permissions import Verb
from views.errors import REFUSALS, refusal_in_words
from views.labels import label
from views.listing import ListState, query_string, read_state
from views.shown import visible_titles

MOST_AT_ONCE = 10_000
EXAMPLES = 10
CHANGED_EXAMPLES = 5
MOST_GROUPS = 10
MOST_REFUSED = 10  # named in a preview; more of them are a reason to look at the whole
SEARCHED = 1_000  # among so many records at most those are looked for that cannot be changed
UNDO_SECONDS = 60 * 60
CHANGE = "change-"


@dataclass(frozen=True)
class Action:
    """What can be done to many records at once; `run(ids)` changes them in the open transaction
    and returns how many it changed."""

    name: str
    label: Any
    verb: Verb
    question: Any
    done: Any
    run: Callable[[list[int]], int]


@dataclass(frozen=True)
class Chosen:
    """The records that an action is for: their (id, version), the list that said so in `state`,
    whether they are all that match there or those `asked` for by number, and how many were left
    out because they cannot be had."""

    state: ListState
    pairs: list[tuple[int, int]]
    matching: bool
    asked: list[int]
    left_out: int = 0

    @property
    def ids(self) -> list[int]:
        """The numbers of the records."""
        return [record_id for record_id, _ in self.pairs]


@dataclass(frozen=True)
class Plan:
    """What changing one field would do: `groups` are (how many, value now), `same` have the new
    value already, `refused` is why it cannot be done and `culprits` which records are the reason:
    (id, title, why)."""

    number: int
    groups: list[tuple[int, str]]
    others: int
    same: int
    examples: list[tuple[int, str, str]]
    refused: str
    culprits: list[tuple[int, str, str]]
    rest: list[int]


class BulkActions:
    """The part of RecordView that acts on many records."""

    action_template = "admin/action.html"
    change_template = "admin/change_many.html"

    def bulk_actions(self) -> list[Action]:
        """Return what can be done to many records of this type at once, changing a field apart."""
        return [
            Action(
                "delete",
                lazy_gettext("Delete"),
                Verb.DELETE,
                lazy_gettext("Delete these records? This cannot be taken back."),
                lambda n: ngettext(
                    "%(num)s record was deleted.", "%(num)s records were deleted.", n
                ),
                partial(change.delete_many, self.model),
            )
        ]

    def allowed_actions(self) -> list[Action]:
        """Return those of bulk_actions() that the officer may use."""
        return [one for one in self.bulk_actions() if security.can(one.verb, self.model)]

    def allowed_changes(self) -> list[tuple[str, str]]:
        """Return the fields that the officer may change in many records at once, as (name of the
        action, label). What no two records may share is not among them."""
        if not security.can(Verb.EDIT, self.model):
            return []
        columns = {key: local_column(self.model, key).property for key in self.simple_keys}
        return [
            (CHANGE + key, label(key))
            for key, one in columns.items()
            if not any(column.unique for column in one.columns)
        ]

    def selection_name(self, state: ListState) -> str:
        """Return the name under which a browser keeps what is selected: the list, its filters and
        its search, however it is sorted and shown."""
        shown = dict.fromkeys(("sort", "page_size", "cols", "density", "view"))
        return f"{self.endpoint} {query_string(state.arguments(**shown))}"

    @expose("/action/", methods=("POST",))
    def action_view(self) -> Any:
        """Preview an action on the selection or on all that match, then do it in one transaction.

        The preview carries a signed fingerprint of the records and their versions; when any of
        them changed in between, nothing is done and the preview comes again.
        """
        state = read_state(self.model, self.keys)
        name = request.form.get("action", "")
        actions = {one.name: one for one in self.allowed_actions()}
        changes = dict(self.allowed_changes())
        if name not in actions and name not in changes:
            known = {one.name for one in self.bulk_actions()}
            abort(400 if (actions or changes) and name not in known else 403)
        chosen = self._chosen(state, matching=request.form.get("all") == "1")
        if not chosen.pairs:
            flash(gettext("Select at least one record first."), "warning")
            return redirect(self.link(state))
        if len(chosen.pairs) > MOST_AT_ONCE:
            raise RuleBroken(
                "More than %(most)s records match. Narrow the list first.", most=MOST_AT_ONCE
            )
        if name in changes:
            return self._change(name.removeprefix(CHANGE), chosen)
        return self._act(actions[name], chosen)

    # --- Which records -------------------------------------------------------------------------

    def _chosen(self, state: ListState, *, matching: bool) -> Chosen:
        """Return the records meant, locked in the order of their ids."""
        version = getattr(self.model, "version_id", self.model.id)
        asked: set[int] = set()
        query = self.query_of(state) if matching else self.scope(select(self.model))
        if not matching:
            rows = request.form.getlist("rowid")[: MOST_AT_ONCE + 1]
            asked = {number for one in rows if (number := security.parse_id(one))}
            query = query.where(self.model.id.in_(asked))
        mine = security.changeable(self.model)
        own = query if mine is None else query.where(mine)
        own = own.with_only_columns(self.model.id, version).order_by(self.model.id)
        found = own.limit(MOST_AT_ONCE + 1).with_for_update()
        pairs = [(row[0], row[1]) for row in db.session.execute(found)]
        number = len(asked)
        if matching and self.model.owner_path:  # some that one sees are not one's own
            some = query.with_only_columns(self.model.id).limit(MOST_AT_ONCE + 1).subquery()
            number = db.session.scalar(select(func.count()).select_from(some)) or 0
        return Chosen(state, pairs, matching, sorted(asked), max(0, number - len(pairs)))

    def _fingerprint(self, chosen: Chosen, *what: Any) -> str:
        """Return the signed text that a preview of `what` carries: it fits as long as it is about
        the same records in the same versions."""
        digest = hashlib.sha256(repr((what, chosen.pairs)).encode()).hexdigest()
        return str(self._signer().dumps(["many", digest]))

    def _as_previewed(self, fingerprint: str) -> tuple[bool, str]:
        """Return whether what is asked was previewed, and the sentence for what changed since."""
        given = request.form.get("fingerprint", "")
        if given == fingerprint:
            return True, ""
        return False, given and gettext("The records changed since the preview. Look again.")

    # --- An action -----------------------------------------------------------------------------

    def _act(self, action: Action, chosen: Chosen) -> Any:
        fingerprint = self._fingerprint(chosen, action.name)
        as_previewed, problem = self._as_previewed(fingerprint)
        if not as_previewed:
            return self._preview(action, chosen, problem, fingerprint)
        try:
            number = action.run(chosen.ids)
            db.session.commit()
        except IntegrityError as error:
            words = refusal_in_words(error)[0]
            db.session.rollback()
            problem = gettext("Nothing was changed. %(reason)s", reason=words)
            return self._preview(action, chosen, problem, fingerprint)
        flash(action.done(number), "success")
        return redirect(self.link(chosen.state) + "#done")

    def _preview(self, action: Action, chosen: Chosen, problem: str, fingerprint: str) -> Any:
        named = many.named(self.model, chosen.ids[:EXAMPLES])
        hanging = Dependents([], [])
        if action.verb is Verb.DELETE:
            hanging = dependents_of(db.session, self.model, chosen.ids)
        body = self.render(
            self.action_template,
            action=action,
            state=chosen.state,
            number=len(chosen.pairs),
            examples=[row[1] for row in db.session.execute(named)],
            matching=chosen.matching,
            problem=problem,
            hanging=hanging,
            ids=[] if chosen.matching else chosen.ids,
            fingerprint=fingerprint,
        )
        db.session.rollback()
        return body, 409 if problem else 200

    # --- Changing a field ----------------------------------------------------------------------

    def _change(self, key: str, chosen: Chosen) -> Any:
        """Ask for the new value, then preview, then change: each is a page, and all it needs
        stands in it."""
        form = self.field_form(key)
        if request.form.get("step") != "value":
            return self._render_change(key, chosen, form)
        if not form.validate():
            return self._render_change(key, chosen, form), 422
        value = form[key].data
        column = local_column(self.model, key)
        stored = value.id if isinstance(value, Record) else value
        fingerprint = self._fingerprint(chosen, key, str(stored))
        as_previewed, problem = self._as_previewed(fingerprint)
        if as_previewed:
            try:
                number = self._set(chosen.ids, column, stored)
                db.session.commit()
            except REFUSALS as error:
                words = refusal_in_words(error)[0]
                db.session.rollback()
                problem = gettext("Nothing was changed. %(reason)s", reason=words)
            else:
                return self._changed(key, chosen, number, self.value_in_words(key, value))
        plan = self._plan(key, chosen.ids, column, stored)
        new = self.value_in_words(key, value)
        given = {"plan": plan, "new": new, "problem": problem, "fingerprint": fingerprint}
        return self._render_change(key, chosen, form, **given), 409 if problem else 200

    def _render_change(self, key: str, chosen: Chosen, form: Any, **more: Any) -> str:
        if more.get("plan") is None:
            asking = request.form.get("step") != "value"
            form = self.field_form(key, formdata=None) if asking else form
        text: str = self.render(
            self.change_template,
            name=CHANGE + key,
            what=label(key),
            state=chosen.state,
            number=len(chosen.pairs),
            left_out=chosen.left_out,
            matching=chosen.matching,
            ids=chosen.asked,
            form=form,
            field=form[key],
            sent=_sent(form[key]),
            **({"plan": None, "problem": "", "fingerprint": "", "new": ""} | more),
        )
        db.session.rollback()
        return text

    def _set(self, ids: list[int], column: Any, value: Any) -> int:
        number = change.set_field(self.model, ids, column=column, value=value)
        self.after_change(ids, {column.key})
        self._stay_in_sight(ids)
        return number

    def _why_not(self, ids: list[int], column: Any, value: Any) -> str | None:
        """Return why these records cannot all be changed so, None where they can: it is tried,
        and taken back."""
        savepoint = db.session.begin_nested()
        try:
            self._set(ids, column, value)
        except REFUSALS as error:
            return refusal_in_words(error)[0]
        finally:
            if savepoint.is_active:
                savepoint.rollback()
        return None

    def _plan(self, key: str, ids: list[int], column: Any, value: Any) -> Plan:
        found = list(db.session.execute(many.values_among(self.model, column, ids)))
        same = sum(number for old, number in found if old == value)
        found = [(old, number) for old, number in found if old != value]
        shown = list(db.session.execute(many.named(self.model, ids[:CHANGED_EXAMPLES], column)))
        told = found[:MOST_GROUPS]
        words = self._old_words(key, {row[0] for row in told} | {row[2] for row in shown})
        refused, culprits, rest = "", [], []
        if found:
            refused, culprits, rest = self._tried(ids, column, value)
        return Plan(
            number=sum(number for _, number in found),
            groups=[(number, words[old]) for old, number in told],
            others=sum(number for _, number in found[MOST_GROUPS:]),
            same=same,
            examples=[(row[0], row[1], words[row[2]]) for row in shown],
            refused=refused,
            culprits=culprits,
            rest=rest,
        )

    def _tried(
        self, ids: list[int], column: Any, value: Any
    ) -> tuple[str, list[tuple[int, str, str]], list[int]]:
        """Return why the records cannot be changed, "" where they can; those that are the reason;
        and the others, where all of these are known."""
        why_not = partial(self._why_not, column=column, value=value)
        refused = why_not(ids)
        if refused is None or len(ids) > SEARCHED:
            return refused or "", [], []
        found, are_all = change.refused_ones(ids, why_not, most=MOST_REFUSED)
        named = db.session.execute(many.named(self.model, list(found)))
        culprits = [(row[0], row[1], found[row[0]]) for row in named]
        rest = [one for one in ids if one not in found] if found and are_all else []
        return refused, culprits, rest

    def _old_words(self, key: str, values: set[Any]) -> dict[Any, str]:
        """Return stored values of the field `key` in words; related records are named where the
        officer sees them."""
        relations = inspect(self.model).relationships
        if key not in relations:
            return {one: self.value_in_words(key, one) for one in values}
        target = relations[key].mapper.class_
        wanted = {one for one in values if one is not None}
        named = visible_titles({target: wanted} if wanted else {})
        return {None: ""} | {one: named.get((target, one), f"#{one}") for one in wanted}

    def _changed(self, key: str, chosen: Chosen, number: int, new: str) -> Any:
        flash(
            ngettext(
                "%(num)s record was changed: %(field)s is now %(value)s.",
                "%(num)s records were changed: %(field)s is now %(value)s.",
                number,
                field=label(key),
                value=f"“{new}”" if new else gettext("empty"),
            ),
            "success",
        )
        token = self._undo_token(key, number)
        return redirect(self.link(chosen.state, undo=token) + "#done")

    # --- Putting it back -----------------------------------------------------------------------

    def _undo_signer(self) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(
            current_app.config["SECRET_KEY"], salt=f"undo-{self.endpoint}"
        )

    def _undo_token(self, key: str, number: int) -> str:
        """Return the signed text that says which change this request was; the values are in the
        trail."""
        officer = security.current_officer()
        said = [security.request_id(), key, number, officer.id if officer else 0]
        return str(self._undo_signer().dumps(said))

    def _read_undo(self, token: str) -> tuple[str, str, int] | None:
        """Return (request, field, number of records) of a change that the officer may undo; None
        where `token` says of none, or none of theirs, or of one too long ago."""
        officer = security.current_officer()
        try:
            request_id, key, number, who = self._undo_signer().loads(token, max_age=UNDO_SECONDS)
        except BadSignature:
            return None
        if officer is None or who != officer.id or CHANGE + key not in dict(self.allowed_changes()):
            return None
        return request_id, key, number

    def undo_offer(self) -> str:
        """Return the token of the change that the link to this list lets the officer undo; "" for
        none."""
        token = request.args.get("undo", "")
        return token if token and self._read_undo(token) else ""

    @expose("/undo/", methods=("POST",))
    def undo_view(self) -> Any:
        """Put one field of many records back to what it was before, where nobody changed the
        record since. That is a change like any other, and can be undone itself."""
        state = read_state(self.model, self.keys)
        asked = self._read_undo(request.form.get("undo", ""))
        if asked is None:
            flash(gettext("This cannot be undone any more."), "warning")
            return redirect(self.link(state))
        request_id, key, changed = asked
        column = local_column(self.model, key)
        ids = self._untouched(column, request_id)
        number = 0
        try:
            if ids:
                number = change.put_back(self.model, ids, column=column, request_id=request_id)
                self.after_change(ids, {column.key})
                self._stay_in_sight(ids)
            db.session.commit()
        except REFUSALS as error:
            words = refusal_in_words(error)[0]
            db.session.rollback()
            flash(gettext("Nothing was changed. %(reason)s", reason=words), "warning")
            return redirect(self.link(state))
        self._tell_undone(number, changed - number)
        again = {"undo": self._undo_token(key, number)} if number else {}
        return redirect(self.link(state, **again))

    def _untouched(self, column: Any, request_id: str) -> list[int]:
        """Return the ids of what may be put back, locked."""
        officer = security.current_officer()
        query = many.unchanged_since(self.model, column, request_id, officer.id if officer else 0)
        mine = security.changeable(self.model)
        query = query if mine is None else query.where(mine)
        return list(db.session.scalars(query.with_for_update(of=self.model)))

    def _tell_undone(self, number: int, others: int) -> None:
        if number:
            flash(
                ngettext(
                    "%(num)s record is as it was before.",
                    "%(num)s records are as they were before.",
                    number,
                ),
                "success",
            )
        if others > 0:
            flash(
                ngettext(
                    "%(num)s record was changed again since, or is gone, and stays as it is.",
                    "%(num)s records were changed again since, or are gone, and stay as they are.",
                    others,
                ),
                "warning",
            )


def _sent(field: Any) -> list[tuple[str, str]]:
    """Return what was sent for `field`, to stand hidden in the next page."""
    names = (field.name, f"{field.name}-id")
    return [(name, text) for name in names for text in request.form.getlist(name)]

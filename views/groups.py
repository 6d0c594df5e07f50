"""The page of a supervision group: its mandate and time, who belonged to it when, what it has to
do; and beginning, ending and handing over terms."""

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Flask, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import joinedload
from wtforms import BooleanField, validators

import security
from actions import groups as acting
from models import GroupMembership, Officer, Record, SupervisionGroup, db
from queries import supervision as asking
from rules import RuleBroken, mark
from rules.assignments import Period, members_on, too_few_from
from rules.permissions import Verb
from views.assignment_board import said_in_words, way_to_board
from views.base import RecordView
from views.fields import FILL_IN, DayField, RecordForm, RelationField, TrimmedField
from views.planning import REFUSED, read, refuse
from views.shown import endpoint_of

blueprint = Blueprint("groups", __name__, url_prefix="/admin/supervision/group")


class GroupView(RecordView):
    """Supervision groups, each with the way to its page."""

    def record_links(self, record: Record) -> list[tuple[str, str]]:
        return [(_("Members and offices"), url_for("groups.page", group_id=record.id))]


class MembershipView(RecordView):
    """Terms; its forms are held to the same rules as the page of a group."""

    def _fill(self, form: RecordForm, record: Any) -> None:
        """Held to the rules before it is saved: the database would say no too, without names."""
        group, officer = (form[key].data if key in form else None for key in ("group", "officer"))
        starts_on = form.starts_on.data if "starts_on" in form else None
        if group is not None and officer is not None and starts_on is not None:
            term = Period(starts_on, form.ends_on.data)
            is_shorter = (
                record.id
                and (group.id, officer.id) == (record.group_id, record.officer_id)
                and starts_on >= record.starts_on
                and term.until <= Period(record.starts_on, record.ends_on).until
            )
            if not is_shorter and term.until > starts_on:
                today = security.today()
                said = acting.bars_of_term(db.session(), group.id, officer, term, on=today)
                if said:
                    raise RuleBroken(said[0].sentence, field="officer", **said[0].values)
        super()._fill(form, record)


def _lookup() -> str:
    return url_for(f"{endpoint_of(GroupMembership)}.ajax_lookup", name="officer")


class OfficerField(RelationField):
    """An officer, found by name."""

    def __init__(self, label: str, **kwargs: Any) -> None:
        needed = [validators.DataRequired(FILL_IN)]
        super().__init__(label, target=Officer, address=_lookup, validators=needed, **kwargs)


class AddForm(RecordForm):
    """Who belongs to the group, and for how long."""

    officer = OfficerField(mark("Officer"))
    duty = TrimmedField(mark("Duty"), [validators.Optional(), validators.Length(max=200)])
    is_leader = BooleanField(mark("Leads the group"))
    starts_on = DayField(mark("First day"), [validators.InputRequired(FILL_IN)])
    ends_on = DayField(mark("First day after the term"), [validators.Optional()])


class EndTermForm(RecordForm):
    """From which day on somebody is no longer a member."""

    ends_on = DayField(mark("First day after the term"), [validators.InputRequired(FILL_IN)])


class ReplaceForm(RecordForm):
    """Who takes the place of a member, and from which day on."""

    officer = OfficerField(mark("Officer"))
    from_on = DayField(mark("From"), [validators.InputRequired(FILL_IN)])


# --- The page --------------------------------------------------------------------------------


@blueprint.get("/<group_id>")
def page(group_id: str) -> Any:
    """The group: mandate, members now, before and to come, offices."""
    return _page(security.load(SupervisionGroup, group_id))


def _page(group: SupervisionGroup, form: RecordForm | None = None, problem: str = "") -> str:
    today = security.today()
    start = min(today, group.formed_on)
    seen = asking.picture(db.session(), start, today=today, now=datetime.now(UTC))
    one = seen.groups[group.id]
    ahead = one.life.within(Period(today))
    short = too_few_from(one, seen.groups, ahead, seen.policy) if ahead else None
    offices = [
        (place, held)
        for place in seen.offices.values()
        for held in place.held
        if held.group_id == group.id and held.period.until > today
    ]
    return render_template(
        "supervision/group.html",
        group=group,
        members=sorted(one.members, key=lambda member: member.term.starts_on, reverse=True),
        counted=members_on(one, seen.groups, today),
        fewest=seen.policy.fewest_members,
        short=short,
        offices=offices,
        past=sum(
            held.group_id == group.id and held.period.until <= today
            for place in seen.offices.values()
            for held in place.held
        ),
        form=form or AddForm(data={"starts_on": max(today, group.formed_on)}, formdata=None),
        may_add=security.can(Verb.CREATE, GroupMembership),
        may_edit=security.can(Verb.EDIT, GroupMembership),
        today=today,
        said=said_in_words,
        problem=problem,
        crumbs=way_to_board(),
    )


@blueprint.post("/<group_id>")
def add(group_id: str) -> Any:
    """Add a member for a term."""
    group = security.load(SupervisionGroup, group_id)
    security.require(Verb.CREATE, GroupMembership)
    form = AddForm()
    try:
        read(form)
        officer = form.officer.data
        acting.add_member(
            group,
            officer,
            form.starts_on.data,
            form.ends_on.data,
            duty=form.duty.data,
            is_leader=form.is_leader.data,
            on=security.today(),
        )
        words = _("%(member)s belongs to the group.", member=officer.name)
        db.session.commit()
    except REFUSED as refused:
        problem = refuse(refused, form)
        return _page(security.load(SupervisionGroup, group_id), form, problem), 422
    flash(words, "success")
    return redirect(url_for("groups.page", group_id=group.id), 303)


# --- A term ------------------------------------------------------------------------------------


def _load_term(term_id: str) -> GroupMembership:
    one = GroupMembership
    term: GroupMembership = security.load(
        one, term_id, joinedload(one.officer), joinedload(one.group)
    )
    security.require(Verb.EDIT, term)
    return term


@blueprint.get("/term/<term_id>")
def term(term_id: str) -> Any:
    """The page of a term: ending it, and handing it to somebody else."""
    return _term_page(_load_term(term_id), _forms())


def _forms(sent: str = "") -> dict[str, Any]:
    today = security.today()

    def typed(name: str) -> dict[str, Any]:
        return {} if name == sent else {"formdata": None}

    return {
        "end": EndTermForm(data={"ends_on": today}, **typed("end")),
        "replace": ReplaceForm(data={"from_on": today}, **typed("replace")),
    }


@blueprint.post("/term/<term_id>")
def change(term_id: str) -> Any:
    """End a term, or hand it to somebody else."""
    one = _load_term(term_id)
    asked, group_id = request.form.get("do", ""), one.group_id
    forms = _forms(asked)
    try:
        words = _do(asked, one, forms)
        db.session.commit()
    except REFUSED as refused:
        problem = refuse(refused, forms.get(asked))
        return _term_page(_load_term(term_id), forms, problem), 422
    flash(words, "success")
    return redirect(url_for("groups.page", group_id=group_id), 303)


def _do(asked: str, one: GroupMembership, forms: dict[str, Any]) -> str:
    """Do what was asked with a term and return what to say of it. Raises RuleBroken."""
    if asked not in forms:
        raise RuleBroken("Say what is to be done with the term: use one of the buttons.")
    form, name = forms[asked], one.officer.name
    read(form)
    if security.parse_id(request.form.get("version", "")) != one.version_id:
        raise RuleBroken(
            "Somebody changed this term in the meantime. Look at it as it is now, and send it "
            "again."
        )
    if asked == "end":
        acting.end_term(one, form.ends_on.data, on=security.today())
        return _("The term of %(member)s has an end.", member=name)
    new = form.officer.data
    acting.replace_member(one, new, form.from_on.data, on=security.today())
    return _("%(new)s takes the place of %(member)s.", new=new.name, member=name)


def _term_page(one: GroupMembership, forms: dict[str, Any], problem: str = "") -> str:
    today = security.today()
    way = [(one.group.name, url_for("groups.page", group_id=one.group_id))]
    return render_template(
        "supervision/term.html",
        term=one,
        **forms,
        is_over=one.ends_on is not None and one.ends_on <= today,
        problem=problem,
        crumbs=[*way_to_board(), *way],
    )


def init_app(app: Flask) -> None:
    """Give `app` the pages of groups."""
    app.register_blueprint(blueprint)

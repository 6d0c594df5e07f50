"""Who stands aside from a grievance, and the leave that two others give to act all the same: their
forms, the page of such leave, and what the page of a grievance shows of both."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Flask, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlalchemy.exc import IntegrityError
from wtforms import SelectField, TextAreaField

import security
from actions import impartiality as acting
from models import Grievance, ImpartialityOverride, Officer, Record, db
from queries import impartiality as asking
from rules import RuleBroken
from rules.grievance import AsideGround, RequestState
from rules.impartiality import (
    LONGEST_REASON,
    MAY_ASK,
    Act,
    Case,
    Person,
    barred_acts,
    check_agreeing,
    refusal,
)
from rules.permissions import Role
from views.asking import may_hand_over, who_asks
from views.base import RecordView
from views.case import CASE_PARTS
from views.errors import refusal_in_words
from views.fields import RecordForm, RelationField
from views.labels import enum_label, sentence
from views.shown import crumbs_of, endpoint_of, record_url

blueprint = Blueprint("impartiality", __name__, url_prefix="/admin/impartiality")

# What people ask leave for; what a complainant said is written down by anyone, and the last two
# are no acts in a grievance.
LEAVE_FOR = (Act.ROUTE, Act.HANDLE, Act.LEAD, Act.ANSWER, Act.EXTEND, Act.VERIFY, Act.REVIEW)


# --- What the page of a grievance shows ------------------------------------------------------


@dataclass(frozen=True)
class Shown:
    """What concerns impartiality in a grievance. `barred` are the sentences for who looks, each
    with the acts it keeps them from; `unfit` the handler and the lead official who must not be."""

    grievance: Grievance
    barred: list[tuple[str, list[Act]]]
    unfit: list[tuple[str, str]]
    asides: list[asking.Aside]
    leaves: list[asking.Leave]
    to_decide: frozenset[int]
    is_aside: bool
    may_ask: bool


def for_case(grievance: Grievance) -> Shown:
    """Return what the page of `grievance` shows of impartiality. Two statements."""
    officer, settings = who_asks(), security.impartiality()
    in_charge = [(Act.HANDLE, grievance.handler), (Act.LEAD, grievance.lead_official)]
    ids = [officer.id, *(one.id for _act, one in in_charge if one)]
    people, case = asking.look(ids, grievance, now=datetime.now(UTC), settings=settings)
    me = people[officer.id]
    asides, leaves = asking.told(grievance.id)
    granted = {(one.officer_id, one.act) for one in leaves if one.state is RequestState.GRANTED}
    barred: dict[str, list[Act]] = {}
    for act, why in barred_acts(me, security.roles(), case, settings).items():
        if (officer.id, act) not in granted:
            barred.setdefault(_(why.said.sentence), []).append(act)
    return Shown(
        grievance=grievance,
        barred=list(barred.items()),
        unfit=[
            (one.name, _hand_over(one))
            for act, one in in_charge
            if one and refusal(act, people[one.id], case, settings) and (one.id, act) not in granted
        ],
        asides=asides,
        leaves=leaves,
        to_decide=frozenset(one.id for one in leaves if _decides(me, case, one)),
        is_aside=officer.id in case.aside,
        may_ask=bool(security.roles() & MAY_ASK),
    )


def _hand_over(person: Officer) -> str:
    if not may_hand_over(person):
        return ""
    return url_for("handing_over.officer", officer_id=person.id)


def _decides(me: Person, case: Case, one: asking.Leave) -> bool:
    if one.state is not RequestState.ASKED:
        return False
    try:
        check_agreeing(me, security.roles(), one.officer_id, one.asked_by_id, case)
    except RuleBroken:
        return False
    return True


# --- Forms -----------------------------------------------------------------------------------


def _officers() -> str:
    """The address of the autocomplete of officers."""
    return url_for(f"{endpoint_of(Grievance)}.ajax_lookup", name="handler")


class _MatterForm(RecordForm):
    officer = RelationField(lazy_gettext("Officer"), target=Officer, address=_officers)
    reason = TextAreaField(lazy_gettext("Reason"))

    def whom(self) -> Officer:
        """Return the officer who was chosen. Raises RuleBroken."""
        if self.officer.data is None:
            problem = self.officer.errors or self.officer.process_errors
            raise (
                RuleBroken("%(problem)s", field="officer", problem=problem[0])
                if problem
                else (RuleBroken("Choose an officer.", field="officer"))
            )
        chosen: Officer = self.officer.data
        return chosen


class AsideForm(_MatterForm):
    """Who stands aside, and why."""

    ground = SelectField(
        lazy_gettext("Ground"),
        choices=lambda: [(one.value, enum_label(one)) for one in AsideGround],
    )


class LeaveForm(_MatterForm):
    """For whom leave is asked, what for, and why nobody else can do it."""

    act = SelectField(
        lazy_gettext("Act"), choices=lambda: [(one.value, enum_label(one)) for one in LEAVE_FOR]
    )


def _grievance(grievance_id: str) -> Grievance:
    grievance: Grievance = security.load(Grievance, grievance_id)
    return grievance


@blueprint.route("/<grievance_id>/aside", methods=["GET", "POST"])
def aside(grievance_id: str) -> Any:
    """Stand aside from a grievance, or write down that an officer does."""
    grievance = _grievance(grievance_id)
    form = AsideForm(data={"officer": db.session.get(Officer, who_asks().id)})
    for_others = bool(security.roles() & MAY_ASK)

    def do() -> str:
        acting.stand_aside(
            grievance,
            form.whom() if for_others else db.session.get_one(Officer, who_asks().id),
            _chosen(AsideGround, form.ground.data, "ground"),
            form.reason.data or "",
            by=who_asks(),
            now=datetime.now(UTC),
            settings=security.impartiality(),
        )
        return _("Written down. Whoever stands aside does nothing more in this grievance.")

    if not for_others:
        del form.officer
    return _answer(form, grievance, "grievances/aside.html", do)


@blueprint.route("/<grievance_id>/leave", methods=["GET", "POST"])
def leave(grievance_id: str) -> Any:
    """Ask that an officer may act all the same."""
    grievance = _grievance(grievance_id)
    if not security.roles() & MAY_ASK:
        abort(403)
    form = LeaveForm()

    def do() -> str:
        acting.ask_leave(
            grievance,
            form.whom(),
            _chosen(Act, form.act.data, "act"),
            form.reason.data or "",
            by=who_asks(),
            now=datetime.now(UTC),
            settings=security.impartiality(),
        )
        return _("Asked. A second person, a lead official or a decider, must agree.")

    return _answer(form, grievance, "grievances/leave.html", do)


def _chosen(kind: Any, text: str | None, field: str) -> Any:
    try:
        return kind(text or "")
    except ValueError:
        raise RuleBroken("Choose one from the list.", field=field) from None


def _answer(form: RecordForm, grievance: Grievance, template: str, do: Any) -> Any:
    """Show the form, or do what it says; what was typed stays where that is refused."""
    problem, status, number = "", 200, grievance.id
    if form.is_submitted():
        try:
            said = do()
            db.session.commit()
        except (RuleBroken, IntegrityError) as refused:
            words, key = refusal_in_words(refused)
            db.session.rollback()
            grievance, status = _grievance(str(number)), 400
            if key in form:
                form[key].errors = [words]
            else:
                problem = words
        else:
            flash(said, "success")
            return redirect(record_url(grievance) or url_for("admin.index"), 303)
    page = render_template(
        template,
        form=form,
        grievance=grievance,
        problem=problem,
        longest=LONGEST_REASON,
        crumbs=crumbs_of(grievance),
    )
    return page, status


# --- The page of such leave ------------------------------------------------------------------


class OverrideView(RecordView):
    """Leave to act all the same, with the form to agree to it or to refuse it."""

    details_template = "grievances/override.html"

    def why_not(self, record: Record) -> str | None:
        """Return why the officer may not decide this, "" where they may, None where there is
        nothing to decide or they do not see the grievance."""
        officer = who_asks()
        if not isinstance(record, ImpartialityOverride) or record.state is not RequestState.ASKED:
            return None
        if not security.roles() & {Role.LEAD_OFFICIAL, Role.DECIDER} or not _sees(record):
            return None
        try:
            acting.check_deciding(
                record, by=officer, now=datetime.now(UTC), settings=security.impartiality()
            )
        except RuleBroken as refused:
            return sentence(refused)
        return ""


def _sees(record: ImpartialityOverride) -> bool:
    scope = security.visible(Grievance)
    query = db.select(Grievance.id).where(Grievance.id == record.grievance_id)
    return db.session.scalar(query if scope is None else query.where(scope)) is not None


@blueprint.post("/override/<override_id>")
def decide(override_id: str) -> Any:
    """Agree to leave that somebody else asked for, or refuse it."""
    asked: ImpartialityOverride = security.load(ImpartialityOverride, override_id)
    security.load(Grievance, asked.grievance_id)
    what, number = request.form.get("what", ""), asked.id
    try:
        if what not in ("grant", "refuse"):
            raise RuleBroken("Choose one from the list.")
        acting.decide_leave(
            asked,
            grant=what == "grant",
            by=who_asks(),
            now=datetime.now(UTC),
            settings=security.impartiality(),
        )
        db.session.commit()
        said = _("Agreed. The officer may act from now on.") if what == "grant" else _("Refused.")
        flash(said, "success")
    except (RuleBroken, IntegrityError) as refused:
        words = refusal_in_words(refused)[0]
        db.session.rollback()
        flash(words, "error")
    view = endpoint_of(ImpartialityOverride)
    return redirect(url_for(f"{view}.details_view", id=number), 303)


def init_app(app: Flask) -> None:
    """Give `app` the pages of impartiality, and each grievance its part of them."""
    app.register_blueprint(blueprint)
    CASE_PARTS["impartiality"] = for_case

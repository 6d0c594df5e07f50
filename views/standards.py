"""Rule packs and versions of the calendar: which pack the district's clocks run by, a new version
of the calendar, which open clocks it would move, and moving them."""

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Flask, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload, selectinload
from sqlalchemy.orm.exc import StaleDataError
from wtforms import validators

import security
from actions import calendars, clocks, rule_packs
from imports.public_holidays import holidays_around
from models import (
    CalendarDay,
    Clock,
    Grievance,
    Record,
    RulePack,
    ServiceStandard,
    WorkCalendar,
    db,
)
from queries import clocks as asking
from rules import RuleBroken, Said, mark, say
from rules.ledger_text import spell
from rules.offices import DISTRICT, ClockStage
from rules.packs import KEYS, Pack, Step, shipped
from rules.permissions import Verb
from views.base import RecordView
from views.errors import words_of
from views.fields import FILL_IN, LongField, RecordForm, TrimmedField
from views.labels import sentence, show, title
from views.shown import crumb_of, crumbs_of, endpoint_of, record_url

blueprint = Blueprint("standards", __name__, url_prefix="/admin")

AT_ONCE = 300
"""How many open clocks are counted anew in one request."""
SHOWN_MOVES = 20
MOST_COUNTED = 10_000


class RulePackView(RecordView):
    """Rule packs, with the way to those that come along."""

    def list_links(self) -> list[tuple[str, str]]:
        return [(_("Choose a rule pack"), url_for("standards.packs"))]


class WorkCalendarView(RecordView):
    """Versions of calendars, with the way to a new one and to what it would move."""

    def list_links(self) -> list[tuple[str, str]]:
        if not security.can(Verb.CREATE, WorkCalendar):
            return []
        return [(_("New version"), url_for("standards.new_calendar"))]

    def record_links(self, record: Record) -> list[tuple[str, str]]:
        if not security.can(Verb.EDIT, WorkCalendar):
            return []
        return [(_("Which clocks move"), url_for("standards.calendar", version_id=record.id))]


# --- Rule packs ------------------------------------------------------------------------------


@blueprint.get("/rule-packs")
def packs() -> Any:
    """What comes along, what each stage is given by it and by which source; which is in use."""
    return _packs()


def _packs(problem: str = "", status: int = 200) -> Any:
    security.require(Verb.READ, RulePack)
    loaded = {one.code: one for one in db.session.scalars(select(RulePack))}
    return render_template(
        "standards/packs.html",
        packs=[(shipped(key), loaded.get(key), _stages(shipped(key))) for key in KEYS],
        own=[one for code, one in sorted(loaded.items()) if code not in KEYS],
        may_change=security.can(Verb.EDIT, RulePack),
        standards=f"{endpoint_of(ServiceStandard)}.index_view",
        problem=problem,
        crumbs=[crumb_of(RulePack)],
    ), status


def _stages(pack: Pack) -> list[tuple[ClockStage, str, str]]:
    """Return of each stage what it is given, or why nothing, and the source."""
    return [
        (stage, _given(pack, stage, pack.steps[stage]), pack.steps[stage].source)
        for stage in ClockStage
    ]


def _given(pack: Pack, stage: ClockStage, step: Step) -> str:
    if step.without:
        return step.without
    if stage is ClockStage.EXTEND and pack.allowance:
        role = show(pack.allowance.authority)
        if pack.allowance.most:
            return _("up to %(number)s more; %(role)s", number=pack.allowance.most, role=role)
        words = _("as much again") if pack.allowance.same_again else _("as much as is granted")
        return f"{words}; {role}"
    if step.per_matter:
        return (
            _("%(number)s kinds of matter", number=len(step.matters)) if step.matters else step.note
        )
    return say(spell(step.rule.amount, step.rule.unit), _, show) if step.rule else ""


@blueprint.post("/rule-packs/<key>")
def change_pack(key: str) -> Any:
    """Load a pack as records, or let the district's clocks run by it."""
    security.require(Verb.EDIT, RulePack)
    now = datetime.now(UTC)
    record = db.session.scalar(select(RulePack).where(RulePack.code == _key(key)))
    try:
        if "load" in request.form:
            if key not in KEYS:
                abort(404)
            record = _load(shipped(key), now)
            done = _("%(name)s is loaded.", name=record.name)
        else:
            if record is None:
                abort(404)
            rule_packs.use(record)
            done = _("The district's clocks run by %(name)s from now on.", name=record.name)
        db.session.commit()
    except (RuleBroken, IntegrityError) as refused:
        db.session.rollback()
        return _packs(words_of(refused), 409)
    except StaleDataError:
        db.session.rollback()
        return _packs(_("Somebody else changed this meanwhile. Look at it, and try again."), 409)
    flash(done, "success")
    return redirect(url_for("standards.packs"), 303)


def _key(text: str) -> str:
    """Return the code of a pack as an address has it; 404 for what the database cannot hold."""
    return text if text.isprintable() and len(text) <= 80 else abort(404)


def _load(pack: Pack, now: datetime) -> RulePack:
    record = rule_packs.load(pack)
    days = holidays_around(pack.holidays, now.year)
    calendars.begin_with(pack, name=record.calendar, days=days, now=now)
    return record


# --- Calendars -------------------------------------------------------------------------------


class VersionForm(RecordForm):
    """Why there is a new version of a calendar, and what it begins with."""

    name = TrimmedField(
        mark("Name"),
        description=mark("Name of the calendar: district, unless more"),
        validators=[
            validators.DataRequired(FILL_IN),
            validators.Length(
                max=80, message=lazy_gettext("At most %(count)s characters.", count=80)
            ),
        ],
    )
    reason = LongField(
        mark("Reason"),
        description=mark("Why there is this version"),
        validators=[validators.DataRequired(FILL_IN)],
    )
    country = TrimmedField(
        mark("Public holidays of"),
        description=mark(
            "Takes them anew from a country or a part of one, such as CN or GB-ENG; empty: only "
            "the days of the version before."
        ),
        validators=[
            validators.Optional(),
            validators.Length(
                max=20, message=lazy_gettext("At most %(count)s characters.", count=20)
            ),
        ],
    )


@blueprint.route("/calendars/new", methods=["GET", "POST"])
def new_calendar() -> Any:
    """A draft from the newest version. Its days are edited in their list, then it is put in
    force."""
    security.require(Verb.CREATE, WorkCalendar)
    form = VersionForm(data={"name": DISTRICT})
    problem, status = "", 200
    if form.is_submitted():
        if form.validate():
            problem, version_id = _draft(form)
            if version_id is not None:
                return redirect(url_for("standards.calendar", version_id=version_id), 303)
        status = 422
    return render_template(
        "standards/new_calendar.html",
        form=form,
        fields=[one for one in form if one.short_name != "csrf_token"],
        problem=problem,
        crumbs=[crumb_of(WorkCalendar)],
    ), status


def _draft(form: Any) -> tuple[str, int | None]:
    """Make the draft; return why not, or its id."""
    country = form.country.data or ""
    try:
        days = holidays_around(country, datetime.now(UTC).year)
        version = calendars.draft(
            name=form.name.data, reason=form.reason.data, country=country, days=days
        )
        made = int(version.id)
        db.session.commit()
    except (RuleBroken, IntegrityError) as refused:
        db.session.rollback()
        field = getattr(form, getattr(refused, "field", None) or "", None)
        if field is not None:
            field.errors = [*field.errors, words_of(refused)]
        return words_of(refused), None
    flash(_("A draft is made. Edit its days, then put it in force."), "success")
    return "", made


@blueprint.route("/calendars/<version_id>", methods=["GET", "POST"])
def calendar(version_id: str) -> Any:
    """Which open clocks a version would move. A POST puts it in force and moves the first of
    them; the page goes on with the rest, and shows how far it is."""
    version = security.load(WorkCalendar, version_id)
    security.require(Verb.EDIT, version)
    if request.method == "POST":
        return _move(version)
    return _calendar(version)


def _progress() -> tuple[int, int, int]:
    """Return after which clock to go on, how many were looked at, and how many moved."""
    after, looked, moved = (
        security.parse_id(request.values.get(name, "")) or 0
        for name in ("after", "looked", "moved")
    )
    return after, looked, moved


def _calendar(version: WorkCalendar, problem: str = "", status: int = 200) -> Any:
    # No link moves anything: a page goes on by itself only with what was begun by a form.
    after, looked, moved = _progress() if version.in_force_since else (0, 0, 0)
    moves: list[clocks.Move] = []
    try:
        made = asking.calendar_from(db.session(), version)
        query = asking.open_clocks(version.name, after, AT_ONCE).options(
            selectinload(Clock.entries),
            joinedload(Clock.grievance).load_only(Grievance.number, Grievance.title),
        )
        some = list(db.session.scalars(query))
        moves = clocks.moves(made, some, now=datetime.now(UTC))
    except RuleBroken as wrong:
        problem, some, status = problem or sentence(wrong), [], 409
    of_version = {
        "flt0_calendar_equals": version.name,
        "flt1_calendar_version_equals": version.calendar_version,
    }
    return render_template(
        "standards/calendar.html",
        version=version,
        moves=[(one, title(one.clock.grievance), record_url(one.clock.grievance)) for one in moves][
            :SHOWN_MOVES
        ],
        number=len(moves),
        seen=len(some),
        open_clocks=_open_number(version.name),
        most=MOST_COUNTED,
        days=url_for(f"{endpoint_of(CalendarDay)}.index_view", **of_version),
        progress=(after, looked, moved),
        problem=problem,
        crumbs=crumbs_of(version),
    ), status


def _open_number(name: str) -> int:
    some = asking.open_clocks(name, 0, MOST_COUNTED + 1).with_only_columns(Clock.id).subquery()
    return int(db.session.scalar(select(func.count()).select_from(some)) or 0)


def _move(version: WorkCalendar) -> Any:
    """Put `version` in force if it is not, and count the next clocks anew."""
    after, looked, moved = _progress()
    now, by = datetime.now(UTC), security.current_officer()
    version_id = version.id
    try:
        if version.in_force_since is None:
            calendars.put_in_force(version, now=now)
        some, more, last = clocks.recalculate_open(
            version, by=by, now=now, after=after, limit=AT_ONCE
        )
        db.session.commit()
    except (RuleBroken, IntegrityError) as refused:
        db.session.rollback()
        return _calendar(security.load(WorkCalendar, version_id), words_of(refused), 409)
    except StaleDataError:
        db.session.rollback()
        words = _("Somebody else changed one of these clocks meanwhile. Go on to try again.")
        return _calendar(security.load(WorkCalendar, version_id), words, 409)
    looked, moved = looked + some, moved + more
    if some == AT_ONCE:
        told = {"after": last, "looked": looked, "moved": moved}
        return redirect(url_for("standards.calendar", version_id=version_id, **told), 303)
    words = Said(
        mark("The version is in force. %(moved)s of %(looked)s open clocks moved."),
        {"moved": moved, "looked": looked},
    )
    flash(say(words, _, show), "success")
    return redirect(url_for("standards.calendar", version_id=version_id), 303)


def init_app(app: Flask) -> None:
    """Give `app` the pages of rule packs and calendars."""
    app.register_blueprint(blueprint)

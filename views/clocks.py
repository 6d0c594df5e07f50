"""Clocks of a grievance: what the case page shows of them, the page of all their ledgers, and the
forms that let one stand still, go on, or have more time."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, Flask, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload
from sqlalchemy.orm.exc import StaleDataError
from wtforms import SelectField, validators

import security
from actions import clocks as acting
from models import Clock, ClockEntry, Extension, Grievance, Officer, RulePack, db
from queries import clocks as asking
from queries import impartiality
from queries.filters import Today
from rules import RuleBroken, mark, say
from rules.grievance import PauseGround
from rules.impartiality import Act
from rules.ledger import EntryKind, clock_of
from rules.ledger_text import explain, spell
from rules.offices import WINDOWS, ClockStage
from rules.permissions import Desk, Verb, may
from views.asking import who_asks
from views.badges import Badge, Tone, due_badge
from views.errors import words_of
from views.fields import FILL_IN, LongField, MomentField, RecordForm, WholeField
from views.labels import enum_label, sentence, show
from views.shown import crumbs_of, record_url

blueprint = Blueprint("clocks", __name__, url_prefix="/admin/grievance")

LONGEST_REASON = 2000
MOST_UNITS = 10_000
DONE = {
    "pause": mark("The clock stands still."),
    "resume": mark("The clock goes on."),
    "ask": mark("More time is asked for. Somebody else decides it."),
    "grant": mark("More time is granted."),
    "refuse": mark("More time is refused."),
}


# --- What is shown ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """An entry of a ledger in words."""

    at: datetime
    what: str
    was: datetime | None
    due: datetime | None
    by: str
    reason: str


@dataclass(frozen=True)
class Shown:
    """A clock as people see it: the sentence says why its due time is what it is."""

    clock: Clock
    name: str
    sentence: str
    badge: Badge | None
    lines: list[Line]


@dataclass(frozen=True)
class ClockPart:
    """What the case page shows of clocks: those that count first, and what may be done with the
    one of the decision. `steps` are words and addresses; `asked` waits for somebody else."""

    clocks: list[Shown]
    steps: list[tuple[str, str]]
    asked: Extension | None
    asked_words: str
    page: str

    @property
    def stands(self) -> Badge | None:
        """The chip of the clock that counts first, while it stands still."""
        first = self.clocks[0] if self.clocks else None
        return first.badge if first and first.clock.stands_since is not None else None


def for_case(grievance: Grievance) -> ClockPart:
    """Return the clocks of `grievance` for the case page, in 3 statements."""
    query = (
        asking.clocks_of(grievance.id)
        .options(joinedload(Clock.entries).joinedload(ClockEntry.by).load_only(Officer.name))
        .execution_options(populate_existing=True)
    )
    found = list(db.session.scalars(query).unique())
    asked = db.session.scalar(
        asking.extension_asked(grievance.id).options(
            joinedload(Extension.asked_by).load_only(Officer.name)
        )
    )
    pack = asking.pack_in_use(db.session())
    found.sort(key=_importance)
    counted = _counted(found)
    return ClockPart(
        clocks=[_shown(clock) for clock in found],
        steps=_steps(grievance, counted, asked, pack),
        asked=asked,
        asked_words=_asked_words(asked, counted),
        page=url_for("clocks.page", grievance_id=grievance.id),
    )


def _importance(clock: Clock) -> tuple[Any, ...]:
    """Running clocks before those that ended, of officers before windows, those of the answer and
    of its review before others, then newest first."""
    return (
        clock.stopped_at is not None,
        clock.stage in WINDOWS,
        clock.stage not in (ClockStage.DECIDE, ClockStage.REVIEW),
        -clock.started_at.timestamp(),
    )


def _counted(found: list[Clock]) -> Clock | None:
    """Return the clock that may stand still or be given more time."""
    running = {one.stage: one for one in found if one.stopped_at is None}
    return next((running[stage] for stage in acting.COUNTED if stage in running), None)


def _shown(clock: Clock) -> Shown:
    ledger = asking.ledger_of(clock.entries)
    return Shown(
        clock=clock,
        name=enum_label(clock.stage),
        sentence=say(explain(ledger), _, show),
        badge=_badge(clock),
        lines=[
            Line(one.at, _what(kept, one), one.was, one.due, _by(kept, one), _why(one))
            for kept, one in zip(clock.entries, ledger, strict=True)
        ],
    )


def _what(kept: ClockEntry, entry: Any) -> str:
    """Return what an entry says happened: of a pause on which ground, of an extension how long."""
    words = enum_label(kept.kind)
    if entry.kind is EntryKind.PAUSED and entry.ground:
        return f"{words}: {enum_label(entry.ground)}"
    if entry.kind is EntryKind.EXTENDED and entry.amount:
        return f"{words}: {say(spell(entry.amount, entry.rule.unit), _, show)}"
    if entry.kind is EntryKind.RULE_CHANGED:
        return f"{words}: {entry.rule.name}"
    return words


def _why(entry: Any) -> str:
    """Return the reason as it was written; that of the program in the reader's language."""
    reason = str(entry.reason)
    return _(acting.CATEGORY_CHANGED) if reason == acting.CATEGORY_CHANGED else reason


def _by(kept: ClockEntry, entry: Any) -> str:
    return kept.by.name if kept.by else str(entry.by)


def _badge(clock: Clock) -> Badge | None:
    if clock.stands_since is not None:
        return Badge(_("stands still"), Tone.WAITING)
    if clock.due_at is None:
        return None
    if clock.stage in WINDOWS and clock.stopped_at is None and clock.due_at < _now():
        return Badge(_("lapsed"), Tone.ENDED)
    return due_badge(
        clock.due_at, clock.stopped_at, Today(_now(), ZoneInfo(security.timezone())), is_ended=False
    )


def _asked_words(asked: Extension | None, counted: Clock | None) -> str:
    if asked is None or asked.amount is None or counted is None:
        return ""
    unit = clock_of(asking.ledger_of(counted.entries)).rule.unit
    return _(
        "%(name)s asks for %(time)s more, until %(day)s.",
        name=asked.asked_by.name,
        time=say(spell(asked.amount, unit), _, show),
        day=show(asked.until_on),
    )


# --- Who may do what -------------------------------------------------------------------------


def _works() -> bool:
    """Whether the current officer does casework: those may let a clock stand still."""
    return may(security.roles(), Desk.CASEWORK, Verb.CREATE)


def _grants(pack: RulePack | None) -> bool:
    """Whether a role of the current officer grants extensions by the district's pack."""
    return pack is not None and pack.extension_authority in security.roles()


def _steps(
    grievance: Grievance, counted: Clock | None, asked: Extension | None, pack: RulePack | None
) -> list[tuple[str, str]]:
    if counted is None:
        return []
    steps: list[tuple[str, str]] = []

    def add(words: str, step: str) -> None:
        steps.append((words, url_for("clocks.act", grievance_id=grievance.id, step=step)))

    officer = security.current_officer()
    if _works() and counted.stands_since is not None:
        add(_("Let it go on"), "resume")
    elif _works() and counted.due_at is not None and counted.due_at >= _now():
        add(_("Let it stand still"), "pause")
    if _works() and asked is None and pack is not None and pack.extension_authority:
        add(_("Ask for more time"), "ask")
    if asked is not None and _grants(pack) and officer and asked.asked_by_id != officer.id:
        add(_("Decide on more time"), "decide")
    return steps


def _now() -> datetime:
    return datetime.now(UTC)


# --- Forms -----------------------------------------------------------------------------------


def _reason(words: Any) -> LongField:
    longest = validators.Length(
        max=LONGEST_REASON,
        message=lazy_gettext("At most %(count)s characters.", count=LONGEST_REASON),
    )
    return LongField(words, validators=[validators.DataRequired(FILL_IN), longest])


def _ground(value: Any) -> PauseGround | None:
    return None if value in ("", None) else PauseGround(value)


class PauseForm(RecordForm):
    """Why a clock stands still, and since when."""

    ground = SelectField(
        mark("Ground"),
        coerce=_ground,
        choices=lambda: [("", ""), *((one.value, enum_label(one)) for one in PauseGround)],
        validators=[validators.InputRequired(FILL_IN)],
    )
    started_at = MomentField(
        mark("Since"),
        description=mark("When it began to stand still; empty: now."),
        validators=[validators.Optional()],
    )
    reason = _reason(mark("What is waited for, in a sentence"))


class ResumeForm(RecordForm):
    """When a clock went on."""

    ended_at = MomentField(
        mark("Until"),
        description=mark("When what was waited for came; empty: now."),
        validators=[validators.Optional()],
    )


class AskForm(RecordForm):
    """How much more time is asked for, and why."""

    amount = WholeField(
        mark("How many more"),
        description=mark("In the units in which the clock counts."),
        validators=[
            validators.InputRequired(FILL_IN),
            validators.NumberRange(
                1,
                MOST_UNITS,
                lazy_gettext(
                    "The number must be from %(low)s to %(high)s.", low=1, high=MOST_UNITS
                ),
            ),
        ],
    )
    reason = _reason(mark("Why the time given is not enough"))


class DecideForm(RecordForm):
    """Whether more time is granted, and why."""

    reasons = _reason(mark("Why it is granted or refused"))


def _pause(grievance: Grievance, form: Any, by: Officer) -> str:
    acting.pause(
        grievance,
        form.ground.data,
        since=form.started_at.data or _now(),
        reason=form.reason.data,
        by=by,
        now=_now(),
    )
    return "pause"


def _resume(grievance: Grievance, form: Any, by: Officer) -> str:
    acting.resume(grievance, form.ended_at.data or _now(), by=by, now=_now())
    return "resume"


def _ask(grievance: Grievance, form: Any, by: Officer) -> str:
    acting.ask_extension(grievance, form.amount.data, reason=form.reason.data, by=by, now=_now())
    return "ask"


def _decide(grievance: Grievance, form: Any, by: Officer) -> str:
    asked = db.session.scalar(
        asking.extension_asked(grievance.id).options(joinedload(Extension.clock))
    )
    if asked is None:
        raise RuleBroken("This request has been decided or has ended.")
    is_granted = form.is_granted
    acting.decide_extension(
        asked, is_granted=is_granted, reasons=form.reasons.data, by=by, now=_now()
    )
    return "grant" if is_granted else "refuse"


@dataclass(frozen=True)
class Step:
    """What somebody does to a clock: its form, who may, and the act that must be impartial."""

    title: str
    form: type[RecordForm]
    do: Callable[[Grievance, Any, Officer], str]
    act: Act
    is_open: Callable[[], bool]
    buttons: tuple[tuple[str, str], ...]
    help: str = ""


STEPS = {
    "pause": Step(
        mark("Let the clock stand still"),
        PauseForm,
        _pause,
        Act.HANDLE,
        _works,
        ((mark("Let it stand still"), "pause"),),
        mark(
            "For as long as the complainant, a hearing or a court is waited for: 90 days in all. "
            "Where time has run out already it cannot stand still."
        ),
    ),
    "resume": Step(
        mark("Let the clock go on"),
        ResumeForm,
        _resume,
        Act.HANDLE,
        _works,
        ((mark("Let it go on"), "resume"),),
    ),
    "ask": Step(
        mark("Ask for more time"),
        AskForm,
        _ask,
        Act.HANDLE,
        _works,
        ((mark("Ask for more time"), "ask"),),
        mark("Somebody else decides it. The complainant is told the new date and why."),
    ),
    "decide": Step(
        mark("Decide on more time"),
        DecideForm,
        _decide,
        Act.EXTEND,
        lambda: _grants(asking.pack_in_use(db.session())),
        ((mark("Grant it"), "grant"), (mark("Refuse it"), "refuse")),
    ),
}


# --- Pages -----------------------------------------------------------------------------------


@blueprint.get("/<grievance_id>/clocks")
def page(grievance_id: str) -> Any:
    """Every clock of the grievance with its ledger."""
    grievance = security.load(Grievance, grievance_id)
    return render_template(
        "grievances/clocks.html",
        grievance=grievance,
        clock=for_case(grievance),
        crumbs=crumbs_of(grievance),
    )


@blueprint.route("/<grievance_id>/clock/<step>", methods=["GET", "POST"])
def act(grievance_id: str, step: str) -> Any:
    """Let the clock stand still or go on, ask for more time, decide on it."""
    asked = STEPS.get(step) or abort(404)
    grievance = security.load(Grievance, grievance_id)
    if not asked.is_open():
        abort(403)
    form = asked.form()
    problem, status = "", 200
    if form.is_submitted():
        if form.validate():
            problem = _try(grievance, asked, form)
            if not problem:
                return redirect(record_url(grievance) or url_for("admin.index"), 303)
            grievance = security.load(Grievance, grievance_id)
        status = 422
    part = for_case(grievance)
    return render_template(
        "grievances/clock_step.html",
        grievance=grievance,
        step=asked,
        form=form,
        fields=[one for one in form if one.short_name != "csrf_token"],
        clock=part,
        problem=problem,
        crumbs=crumbs_of(grievance),
    ), status


def _try(grievance: Grievance, asked: Step, form: Any) -> str:
    """Do what the form says and commit; return why not, where it is refused, and put that beside
    the field it is about."""
    by = who_asks()
    form.is_granted = "grant" in request.form
    try:
        impartiality.check(asked.act, by, grievance, now=_now(), settings=security.impartiality())
        done = asked.do(grievance, form, by)
        db.session.commit()
    except RuleBroken as refused:
        db.session.rollback()
        field = getattr(form, refused.field or "", None)
        if field is not None:
            field.errors = [*field.errors, sentence(refused)]
        return sentence(refused)
    except (IntegrityError, StaleDataError) as overtaken:
        db.session.rollback()
        if isinstance(overtaken, IntegrityError):
            return words_of(overtaken)
        return _("Somebody else changed this clock meanwhile. Look at it, and try again.")
    flash(_(DONE[done]), "success")
    return ""


def init_app(app: Flask) -> None:
    """Give `app` the pages of clocks."""
    app.register_blueprint(blueprint)

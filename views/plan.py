"""The plan of a grievance: its steps in their order, who does each and by when, and the page of one
step, where it is changed, done or dropped."""

from typing import Any

from flask import Blueprint, Flask, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import joinedload

import security
from actions import plan as acting
from models import Grievance, PlanStep, Record, db
from rules import RuleBroken, mark
from rules.grievance import StepState
from rules.permissions import Verb
from views.asking import who_asks
from views.base import RecordView
from views.fields import DayField, LongField, RecordForm
from views.planning import (
    REFUSED,
    facts_of,
    grievance_in_sight,
    read,
    refuse,
    require_impartial,
    step_form,
    way_to,
)

blueprint = Blueprint("plan", __name__, url_prefix="/admin/plan")
EARLIER, LATER = "up", "down"
DONE_ALONE = mark(
    "You see this step and not its grievance: say when it is done. The office that handles the "
    "grievance changes or drops it."
)


class PlanStepView(RecordView):
    """Steps of plans, each with the way to its page and to its plan."""

    def record_links(self, record: Record) -> list[tuple[str, str]]:
        if not security.can(Verb.EDIT, record):
            return []
        return [(_("Done, changed or dropped"), url_for("plan.step", step_id=record.id))]

    def _fill(self, form: RecordForm, record: Record) -> None:
        """Who sees a step and not its grievance changes nothing but whether it is done."""
        self._check_seen([record.grievance_id])
        super()._fill(form, record)

    def _set(self, ids: list[int], column: Any, value: Any) -> int:
        query = select(PlanStep.grievance_id).where(PlanStep.id.in_(ids)).distinct()
        self._check_seen(list(db.session.scalars(query)))
        return super()._set(ids, column, value)

    def _check_seen(self, grievances: list[int | None]) -> None:
        for number in grievances:
            if number is not None and grievance_in_sight(number) is None:
                raise RuleBroken(DONE_ALONE)


class DoneForm(RecordForm):
    """On which day a step was done."""

    done_on = DayField("Done on")


class DropForm(RecordForm):
    """Why a step is no longer needed."""

    dropped_because = LongField("Dropped because")


# --- The plan --------------------------------------------------------------------------------


@blueprint.get("/<grievance_id>")
def editor(grievance_id: str) -> Any:
    """The steps in their order, and a form for another one."""
    return _editor(security.load(Grievance, grievance_id))


@blueprint.post("/<grievance_id>")
def add(grievance_id: str) -> Any:
    """Put another step at the end."""
    grievance = security.load(Grievance, grievance_id)
    security.require(Verb.CREATE, PlanStep)
    form = step_form()
    try:
        require_impartial(grievance)
        acting.add_step(db.session(), grievance, facts_of(form), today=security.today())
        db.session.commit()
    except REFUSED as refused:
        return _editor(security.load(Grievance, grievance_id), form, refuse(refused, form)), 422
    flash(_("The step is in the plan."), "success")
    return redirect(url_for("plan.editor", grievance_id=grievance.id), 303)


def _editor(grievance: Grievance, form: RecordForm | None = None, problem: str = "") -> str:
    seen = security.visible(PlanStep)
    query = (
        select(PlanStep)
        .where(PlanStep.grievance_id == grievance.id)
        .order_by(PlanStep.position.nulls_last(), PlanStep.due_on, PlanStep.id)
        .options(joinedload(PlanStep.officer), joinedload(PlanStep.conference))
    )
    steps = db.session.scalars(query if seen is None else query.where(seen)).all()
    return render_template(
        "grievances/plan.html",
        grievance=grievance,
        steps=steps,
        form=form or step_form(),
        may_add=security.can(Verb.CREATE, PlanStep) and grievance.is_open,
        may_edit=security.can(Verb.EDIT, PlanStep),
        problem=problem,
        crumbs=way_to(grievance),
    )


# --- One step --------------------------------------------------------------------------------


def _load_step(step_id: str) -> tuple[PlanStep, Grievance | None]:
    """Return the step, and its grievance where the officer sees that: who took a step over from
    another office sees the step alone."""
    step: PlanStep = security.load(PlanStep, step_id)
    security.require(Verb.EDIT, step)
    return step, grievance_in_sight(step.grievance_id)


def _to_plan(grievance: Grievance | None) -> list[tuple[str, str | None]]:
    if grievance is None:
        return []
    return [*way_to(grievance), (_("Plan"), url_for("plan.editor", grievance_id=grievance.id))]


@blueprint.get("/step/<step_id>")
def step(step_id: str) -> Any:
    """The page of a step."""
    one, grievance = _load_step(step_id)
    return _step_page(one, grievance, _forms(one))


@blueprint.post("/step/<step_id>")
def change(step_id: str) -> Any:
    """Change a step, or say that it is done, dropped, or to be done after all."""
    one, grievance = _load_step(step_id)
    asked = request.form.get("do", "")
    forms = _forms(one, asked)
    try:
        if security.parse_id(request.form.get("version", "")) != one.version_id:
            raise RuleBroken(
                "Somebody changed this step in the meantime. What you typed stands here still: "
                "look at the step as it is now, and send it again."
            )
        said = _do(asked, one, grievance, forms)
        db.session.commit()
    except REFUSED as refused:
        problem = refuse(refused, forms.get(asked))
        return _step_page(*_load_step(step_id), forms, problem), 422
    flash(said, "success")
    if grievance is None:
        return redirect(url_for("plan.step", step_id=step_id), 303)
    return redirect(url_for("plan.editor", grievance_id=grievance.id), 303)


def _forms(one: PlanStep, sent: str = "") -> dict[str, RecordForm]:
    """Return the forms of the page of a step; what was sent is in the one that `sent` names."""

    def typed(name: str) -> dict[str, Any]:
        return {} if name == sent else {"formdata": None}

    return {
        "change": step_form(one, **typed("change")),
        "done": DoneForm(data={"done_on": security.today()}, **typed("done")),
        "drop": DropForm(**typed("drop")),
    }


def _do(
    asked: str, one: PlanStep, grievance: Grievance | None, forms: dict[str, RecordForm]
) -> str:
    """Do what the form asks and return what to say about it. Raises RuleBroken."""
    if grievance is None and asked != "done":
        raise RuleBroken(DONE_ALONE)
    if grievance is not None and not (asked == "done" and one.officer_id == who_asks().id):
        require_impartial(grievance)
    if asked in ("done", "drop"):
        read(forms[asked])
    if asked == "change":
        acting.change_step(one, facts_of(forms[asked]), today=security.today())
        return _("The step was changed.")
    if asked == "done":
        day = forms[asked].done_on.data
        acting.finish_step(one, done_on=day, today=security.today())
        return _("The step is done.")
    if asked == "drop":
        acting.drop_step(one, reason=forms[asked].dropped_because.data)
        return _("The step was dropped; it stays in the plan with the reason.")
    if asked == "again":
        acting.take_up_step(one)
        return _("The step is to be done again.")
    raise RuleBroken("Say what is to be done with the step: use one of the buttons.")


def _step_page(
    one: PlanStep, grievance: Grievance | None, forms: dict[str, RecordForm], problem: str = ""
) -> str:
    return render_template(
        "grievances/plan_step.html",
        step=one,
        grievance=grievance,
        **forms,
        is_planned=one.state is StepState.PLANNED,
        problem=problem,
        crumbs=_to_plan(grievance),
    )


@blueprint.post("/step/<step_id>/move")
def move(step_id: str) -> Any:
    """Move a step one place up or down."""
    one, grievance = _load_step(step_id)
    if grievance is None:
        abort(404)
    try:
        require_impartial(grievance)
        by = {EARLIER: -1, LATER: 1}.get(request.form.get("to", ""))
        if by is None:
            raise RuleBroken("Say whether it goes up or down: use one of the buttons.")
        acting.move_step(db.session(), one, by=by)
        db.session.commit()
    except REFUSED as refused:
        flash(refuse(refused), "error")
    address = url_for("plan.editor", grievance_id=grievance.id, _anchor=f"step-{one.id}")
    return redirect(address, 303)


def init_app(app: Flask) -> None:
    """Give `app` the pages of plans."""
    app.register_blueprint(blueprint)

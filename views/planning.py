"""What the pages of plans and of joint conferences share: the form of a step, who may change a
plan, and what a refusal says."""

from datetime import UTC, datetime
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm.exc import StaleDataError

import security
from actions import plan as acting
from models import Grievance, PlanStep, db
from queries import impartiality
from rules import RuleBroken
from rules.impartiality import Act
from views.asking import who_asks
from views.errors import REFUSALS, refusal_in_words
from views.fields import RecordForm, form_for
from views.shown import Crumb, crumbs_of, endpoint_of

REFUSED = (*REFUSALS, StaleDataError)
WRITTEN = {"subject", "officer", "due_on"}


def step_form(step: PlanStep | None = None, **given: Any) -> RecordForm:
    """Return the form of a step: what, who and by when."""
    cls = form_for(PlanStep, lambda key: url_for(f"{endpoint_of(PlanStep)}.ajax_lookup", name=key))
    form = cls(obj=step, **given)
    form.keep_only(WRITTEN)
    form.officer.flags.required = True  # shown as needed; rules/plan.py says so
    return form


def facts_of(form: RecordForm) -> acting.StepFacts:
    """Return what the form of a step says. Raises RuleBroken where a field cannot be read; the
    form says beside it why."""
    read(form)
    return acting.StepFacts(form.subject.data, form.officer.data, form.due_on.data)


def read(form: RecordForm) -> None:
    """Refuse a form with a field that cannot be read; beside the field stands why."""
    if not form.validate():
        raise RuleBroken("Not saved yet. Nothing you typed is lost: put right what is marked.")


def require_impartial(grievance: Grievance) -> None:
    """Refuse who is not impartial in the matter: their plan would be one with themselves."""
    impartiality.check(
        Act.HANDLE,
        who_asks(),
        grievance,
        now=datetime.now(UTC),
        settings=security.impartiality(),
    )


def grievance_in_sight(number: int) -> Grievance | None:
    """Return the grievance, None where the officer does not see it: who was called to a
    conference, or took a step over there, sees that alone."""
    query = select(Grievance).where(Grievance.id == number)
    seen = security.visible(Grievance)
    found: Grievance | None = db.session.scalar(query if seen is None else query.where(seen))
    return found


def way_to(grievance: Grievance | None) -> list[Crumb]:
    """Return the way to the page of a grievance; none where the officer does not see it."""
    return crumbs_of(grievance) if grievance is not None else []


def refuse(refused: Exception, form: RecordForm | None = None) -> str:
    """Take back what was begun and return the sentence of `refused`; where it is about a field of
    `form`, it stands beside that."""
    if isinstance(refused, StaleDataError):
        refused = RuleBroken("Somebody else saved this just now. Look at it, and send it again.")
    words, key = refusal_in_words(refused)
    db.session.rollback()
    for field in form or ():
        if key and field.short_name in (key, key.removesuffix("_id")):
            field.errors = [*field.errors, words]
            return _("Not saved yet. Nothing you typed is lost: put right what is marked.")
    return words

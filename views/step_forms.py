"""The forms of steps, made of what each step needs and may have (rules/casework.py): one field for
each fact, the same kind of field wherever the fact is asked for."""

import enum
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import url_for
from flask_babel import gettext, lazy_gettext
from sqlalchemy.exc import DataError, IntegrityError
from wtforms import SelectField, validators

import security
from actions.steps import PlannedStep
from models import Decision, Grievance, GrievanceLink, Office, Officer, Remedy, RoutingObjection, db
from queries import casework as asking
from rules import RuleBroken, mark
from rules.facts import LONGEST_LINE, LONGEST_TEXT
from rules.grievance import AppealOutcome, RemedyState, ReportState
from rules.lifecycle import Step
from rules.supervision import RootCause
from views.errors import refusal_in_words
from views.fields import DayField, LongField, MomentField, RecordForm, RelationField, TrimmedField
from views.labels import english, enum_label, show
from views.shown import endpoint_of

REFUSED = (RuleBroken, IntegrityError, DataError)
PLAN_ROWS = 4
"""So many steps of a plan a form has room for; the plan's own page has more."""

WORDS = {
    "reply_due_on": mark("Day by which the office is to reply"),
    "reply": mark("What the office says, with its reasons"),
    "reply.due_on": mark("Day to which the office commits itself"),
    "root_cause": mark("Why it came to this"),
    "return_reply.reason": mark("What the reply must still say"),
    "drop.reason": mark("Why nothing is left to do"),
    "claim": mark("What was done, and how that can be seen"),
    "verdict": mark("What you saw that shows it done"),
    "refuse_claim.reason": mark("What is still missing"),
    "to_on": mark("Day until which time is asked for"),
    "ask_time.reason": mark("Why the time given is not enough"),
    "grant_time.reason": mark("Why it is granted"),
    "refuse_time.reason": mark("Why it is refused"),
    "close.reason": mark("What the group says to the reply"),
    "close_unanswered.reason": mark("Why it is closed without a reply"),
    "route.reason": mark("Why it belongs to this office"),
    "object.reason": mark("Why it is not for your office"),
    "send_back_remedy.reason": mark("What is still missing"),
    "reopen.reason": mark("Why it is opened again"),
    "decision_reasons": mark("Why the objection is granted or refused"),
    "statement": mark("What the complainant stated"),
    "withdrawn_at": mark("When they stated it"),
    "undone_because": mark("Why the merge is taken back"),
    "merge.subject": mark("The matter they share"),
    "appeal.subject": mark("What is asked, without names"),
    "grounds": mark("Why the decision is said to be wrong"),
    "filed_on": mark("Day it was filed"),
    "promise": mark("What is promised"),
    "due_on": mark("Day by which it is to be done"),
    "done_on": mark("Day on which it was done"),
    "verified_on": mark("Day on which you saw it done"),
    "acknowledged_at": mark("When receipt was confirmed"),
    "outcome": mark("How far the appeal succeeds"),
    "reasons": mark("Facts and rules the outcome rests on"),
    "decision": mark("The draft that is given"),
    "other_grievance": mark("The grievance that is worked"),
    "proposed_office": mark("Office that should answer instead"),
}
HELP = {
    "reply_due_on": mark("Reminders go out before it, and to the heads above week by week after."),
    "reply": mark("Say what you will do, or why not. Name nobody who brought a grievance."),
    "reply.due_on": mark("The group watches this day. More time must be asked for."),
    "root_cause": mark("In the work of the office itself, as far as it is known."),
    "claim": mark("The group looks whether it is so; somebody else than you says that it is."),
    "statement": mark("In their own words, without names. Nobody else can withdraw a grievance."),
    "decision": mark("Drafted by somebody else, with a finding and reasons for each point."),
    "handler": mark("An officer of the office that has it, or of one below it."),
    "plan_subject_1": mark("Steps that are planned already stay. Rows left empty are not kept."),
    "due_on": mark("The complainant is told this day, and it is watched like a clock."),
    "merge.subject": mark("Two grievances relate by their matter, never by who brought them."),
}

Made = Callable[[Grievance, dict[str, Any]], Any]


def _most(count: int) -> Any:
    message = lazy_gettext("At most %(count)s characters.", count=count)
    return validators.Length(max=count, message=message)


def _lookup(target: Any, of: Any, key: str) -> Made:
    def made(grievance: Grievance, common: dict[str, Any]) -> Any:
        return RelationField(
            target=target,
            address=lambda: url_for(f"{endpoint_of(of)}.ajax_lookup", name=key),
            **common,
        )

    return made


def _long(grievance: Grievance, common: dict[str, Any]) -> Any:
    common["validators"] = [*common["validators"], _most(LONGEST_TEXT)]
    return LongField(**common)


def _line(grievance: Grievance, common: dict[str, Any]) -> Any:
    common["validators"] = [*common["validators"], _most(LONGEST_LINE)]
    return TrimmedField(**common)


def _day(grievance: Grievance, common: dict[str, Any]) -> Any:
    return DayField(**common)


def _today(grievance: Grievance, common: dict[str, Any]) -> Any:
    return DayField(default=security.today, **common)


def _now(grievance: Grievance, common: dict[str, Any]) -> Any:
    zone = ZoneInfo(security.timezone())
    return MomentField(default=lambda: datetime.now(zone).replace(second=0), **common)


def _chosen(options: Iterable[tuple[int, str]], common: dict[str, Any]) -> Any:
    choices = [(str(number), words) for number, words in options]
    return SelectField(choices=choices, coerce=str, default="", **common)


def _decision(grievance: Grievance, common: dict[str, Any]) -> Any:
    drafts = db.session.scalars(asking.drafts(grievance.id)).all()
    return _chosen([(one.id, one.subject) for one in drafts], common)


def _remedy(state: RemedyState) -> Made:
    def made(grievance: Grievance, common: dict[str, Any]) -> Any:
        found = db.session.scalars(asking.remedies(grievance.id, state)).all()
        return _chosen([(one.id, f"{one.promise} · {show(one.due_on)}") for one in found], common)

    return made


def _outcome(grievance: Grievance, common: dict[str, Any]) -> Any:
    possible = (AppealOutcome.UPHELD, AppealOutcome.PARTLY)
    choices = [(one.value, enum_label(one)) for one in possible]
    return SelectField(choices=choices, coerce=str, default="", **common)


def _root_cause(record: Any, common: dict[str, Any]) -> Any:
    choices = [("", ""), *((one.value, enum_label(one)) for one in RootCause)]
    return SelectField(choices=choices, coerce=str, default="", **common)


FIELDS: dict[str, Made] = {
    "acknowledged_at": _now,
    "withdrawn_at": _now,
    "filed_on": _today,
    "done_on": _today,
    "verified_on": _today,
    "due_on": _day,
    "responsible_office": _lookup(Office, Grievance, "responsible_office"),
    "proposed_office": _lookup(Office, RoutingObjection, "proposed_office"),
    "handler": _lookup(Officer, Grievance, "handler"),
    "lead_official": _lookup(Officer, Grievance, "lead_official"),
    "other_grievance": _lookup(Grievance, GrievanceLink, "other_grievance"),
    "reason": _long,
    "decision_reasons": _long,
    "reasons": _long,
    "grounds": _long,
    "statement": _long,
    "undone_because": _long,
    "subject": _line,
    "promise": _line,
    "outcome": _outcome,
    "decision": _decision,
    "reply_due_on": _day,
    "to_on": _day,
    "reply": _long,
    "claim": _long,
    "verdict": _long,
    "root_cause": _root_cause,
    "claim_remedy.remedy": _remedy(RemedyState.PROMISED),
    "send_back_remedy.remedy": _remedy(RemedyState.DONE),
}
_LISTS: dict[str, type[enum.StrEnum]] = {"outcome": AppealOutcome, "root_cause": RootCause}
_CHOSEN: dict[str, Any] = {"decision": Decision, "remedy": Remedy}


def form_of(step: Step, record: Any, start: dict[str, Any]) -> RecordForm:
    """Return the form of `step` of `record`, a grievance or what else has a life-cycle; `start` is
    what it shows at first."""
    fields: dict[str, Any] = {}
    for name in (*step.needs, *step.may):
        if name == "plan_steps":
            fields |= _plan_rows()
            continue
        made = FIELDS.get(f"{step.name}.{name}") or FIELDS[name]
        fields[name] = made(record, _common(step, name))
    form: RecordForm = type("StepForm", (RecordForm,), fields)(data=start)
    return form


def _common(step: Step, name: str) -> dict[str, Any]:
    check: Any = validators.Optional()
    if name in step.needs:
        # Of a text, blanks are nothing; what is chosen shows in what was sent.
        is_text = FIELDS.get(name) in (_long, _line)
        kind = validators.DataRequired if is_text else validators.InputRequired
        check = kind(gettext("Please fill this in."))
    key = f"{step.name}.{name}"
    return {
        "label": WORDS.get(key) or WORDS.get(name) or english(name),
        "description": HELP.get(key) or HELP.get(name) or "",
        "validators": [check],
    }


def _plan_rows() -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for row in range(1, PLAN_ROWS + 1):
        fields[f"plan_subject_{row}"] = TrimmedField(
            label=mark("What is to be done"),
            description=HELP.get(f"plan_subject_{row}", ""),
            validators=[validators.Optional(), _most(LONGEST_LINE)],
        )
        fields[f"plan_day_{row}"] = DayField(
            label=mark("By when"), validators=[validators.Optional()]
        )
    return fields


def facts_of(step: Step, form: RecordForm) -> dict[str, Any]:
    """Return what was typed as the facts that the step takes. Raises RuleBroken."""
    facts: dict[str, Any] = {}
    for name in (*step.needs, *step.may):
        if name == "plan_steps":
            facts[name] = list(_planned(form))
            continue
        value = form[name].data
        if name in _CHOSEN:
            number = security.parse_id(value)
            value = None if number is None else db.session.get(_CHOSEN[name], number)
        elif name in _LISTS:
            value = _LISTS[name](value) if value in set(_LISTS[name]) else None
        facts[name] = value
    return facts


def attempt(change: Callable[[], Any], form: RecordForm) -> tuple[Any, str]:
    """Do `change` and commit. Where it is refused, put the sentence beside its field, or return
    it: (what came of it, None where nothing did; the sentence)."""
    try:
        done = change()
        db.session.commit()
    except REFUSED as refused:
        words, field = refusal_in_words(refused)
        db.session.rollback()
        if field == "plan_steps":
            field = "plan_subject_1"
        if field is not None and field in form:
            form[field].errors = [*form[field].errors, words]
            return None, ""
        return None, words
    return done, ""


def _planned(form: RecordForm) -> Iterable[PlannedStep]:
    for row in range(1, PLAN_ROWS + 1):
        subject, day = form[f"plan_subject_{row}"].data, form[f"plan_day_{row}"].data
        if subject and day is None:
            raise RuleBroken("Say by when.", field=f"plan_day_{row}")
        if day is not None and not subject:
            raise RuleBroken("Say what is to be done.", field=f"plan_subject_{row}")
        if subject:
            yield PlannedStep(subject, day)


class FeedbackForm(RecordForm):
    """How the handling of a closed grievance was rated."""

    rating = SelectField(
        label=mark("Rating"),
        description=mark("From 1, very bad, to 5, very good"),
        choices=[("", ""), *((str(number), str(number)) for number in range(1, 6))],
        coerce=str,
        default="",
    )
    given_on = DayField(
        label=mark("Day it was given"), validators=[validators.Optional()], default=security.today
    )
    is_put_right = SelectField(
        label=mark("Was done what was promised?"),
        choices=lambda: [("", gettext("not said")), ("1", gettext("yes")), ("0", gettext("no"))],
        coerce=str,
        default="",
    )
    comment = LongField(
        label=mark("Comment"),
        description=mark("What was said about the handling, without names"),
        validators=[validators.Optional(), _most(LONGEST_TEXT)],
    )


class RetaliationForm(RecordForm):
    """A report that an office made somebody suffer for the grievance."""

    office = RelationField(
        label=mark("Office that is said to have done it"),
        target=Office,
        address=lambda: url_for(f"{endpoint_of(Grievance)}.ajax_lookup", name="responsible_office"),
    )
    subject = TrimmedField(
        label=mark("What was done, without names"), validators=[_most(LONGEST_LINE)]
    )
    account = LongField(
        label=mark("What happened and when, without names"), validators=[_most(LONGEST_TEXT)]
    )
    reported_on = DayField(
        label=mark("Day it was reported"),
        validators=[validators.Optional()],
        default=security.today,
    )


class DecideReportForm(RecordForm):
    """Whether it is so, and why."""

    state = SelectField(
        label=mark("Is it so?"),
        choices=lambda: [
            ("", ""),
            *(
                (one.value, enum_label(one))
                for one in (ReportState.CONFIRMED, ReportState.NOT_CONFIRMED)
            ),
        ],
        coerce=str,
        default="",
    )
    reasons = LongField(label=mark("Facts the decision rests on"), validators=[_most(LONGEST_TEXT)])

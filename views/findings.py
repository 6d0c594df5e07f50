"""Findings and supervision notices: the page of each step with its form, what happened so far on
the page of the record, the papers of a notice. Who may is said in rules/findings.py and
rules/notices.py."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    current_app,
    flash,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import select

import security
from actions.findings import link_repeat
from actions.notices import issuer, sheet_of
from actions.supervising import LIVES, Supervised, check_step, possible_steps, take_step
from models import (
    Finding,
    FindingPostponement,
    Grievance,
    Inspection,
    InspectionAnswer,
    NoticePaper,
    Office,
    Record,
    SampledGrievance,
    SupervisionGroup,
    SupervisionNotice,
    db,
)
from papers.letters import Sheet
from papers.store import Store
from queries.findings import may_repeat, open_request
from rules import RuleBroken
from rules.facts import LONGEST_LINE
from rules.findings import OPEN
from rules.grievance import LetterLanguage, RequestState
from rules.permissions import Role, Verb
from rules.visits import VisitAnswer
from views.asking import LOCALES, bureau, who_asks
from views.base import RecordView
from views.errors import refusal_in_words
from views.fields import RecordForm
from views.files import kept_file
from views.labels import show
from views.shown import crumbs_of, endpoint_of, record_url
from views.step_forms import attempt, facts_of, form_of
from views.supervised import course_of_finding, course_of_notice

blueprint = Blueprint("findings", __name__, url_prefix="/admin")


def _now() -> dict[str, Any]:
    """Return who asks, when, and how strict the bureau is: what every step is taken with."""
    return {"by": who_asks(), "now": datetime.now(UTC), "settings": security.impartiality()}


# --- The page of a record --------------------------------------------------------------------


class SupervisedView(RecordView):
    """A finding or a notice: its steps as buttons, and what happened so far."""

    details_template = "supervision/record.html"
    step_endpoint = ""

    def record_links(self, record: Record) -> list[tuple[str, str]]:
        steps = possible_steps(record, **_now())  # type: ignore[arg-type]
        return [
            (_(step.label), url_for(self.step_endpoint, record_id=record.id, name=step.name))
            for step in steps
        ]

    def _asked_from(self, **targets: type[Record]) -> dict[str, Any]:
        """Return the records that the address names for a new record, those out of sight left
        out: ?inspection_id=12."""
        found = {name: _seen(target, f"{name}_id") for name, target in targets.items()}
        return {name: record for name, record in found.items() if record is not None}


class FindingView(SupervisedView):
    """Findings, with their steps, what each repeats, and the way to a notice."""

    step_endpoint = "findings.finding_step"

    def record_links(self, record: Record) -> list[tuple[str, str]]:
        links = super().record_links(record)
        if isinstance(record, Finding) and security.can(Verb.CREATE, SupervisionNotice):
            if record.ground is not None:
                repeats = url_for("findings.repeats", record_id=record.id)
                links.append((_("Repeated findings"), repeats))
            if record.state in OPEN:
                address = f"{endpoint_of(SupervisionNotice)}.create_view"
                links.append((_("Draft a notice"), url_for(address, finding_id=record.id)))
        return links

    def course(self, record: Finding) -> Any:
        """Return what happened to the finding so far, as templates/supervision/record.html shows
        it. Four statements at most."""
        return course_of_finding(record)

    def _prefill(self) -> dict[str, Any]:
        start = super()._prefill() | {"found_on": security.today()}
        asked = self._asked_from(
            inspection=Inspection, grievance=Grievance, office=Office, group=SupervisionGroup
        )
        visit = asked.get("inspection")
        if visit is not None:
            asked = {"office": visit.office, "group": visit.group} | asked
        matter = asked.get("grievance")
        if matter is not None and matter.responsible_office is not None:
            asked = {"office": matter.responsible_office} | asked
        return start | asked | self._seen_at_a_visit()

    def _seen_at_a_visit(self) -> dict[str, Any]:
        """Return what a finding takes over from an answer or a sampled grievance of a visit that
        the address names: the question in one line, what was noted, the failure it shows."""
        start: dict[str, Any] = {}
        if (answer := _seen(InspectionAnswer, "answer_id")) is not None:
            start = {"subject": answer.wording[:LONGEST_LINE], "facts": answer.note or ""}
            if answer.ground is not None and answer.answer is VisitAnswer.NO:
                start["ground"] = answer.ground
        elif (drawn := _seen(SampledGrievance, "sampled_id")) is not None:
            start = {"facts": drawn.note or ""}
        return start


class NoticeView(SupervisedView):
    """Supervision notices, with their steps and papers."""

    step_endpoint = "findings.notice_step"

    def record_links(self, record: Record) -> list[tuple[str, str]]:
        return [*super().record_links(record), *_papers_of(record)]

    def course(self, record: SupervisionNotice) -> Any:
        """Return what happened to the notice so far. Three statements at most."""
        return course_of_notice(record, security.today())

    def _prefill(self) -> dict[str, Any]:
        asked = self._asked_from(
            finding=Finding, grievance=Grievance, office=Office, group=SupervisionGroup
        )
        found = asked.get("finding")
        if found is not None:
            told = {"office": found.office, "subject": found.subject}
            more = {"group": found.group, "grievance": found.grievance}
            asked = told | {name: one for name, one in more.items() if one is not None} | asked
        return super()._prefill() | asked


class MoreTimeView(RecordView):
    """Requests for more time, with the way to decide one."""

    def record_links(self, record: Record) -> list[tuple[str, str]]:
        is_finding = isinstance(record, FindingPostponement)
        of = record.finding if is_finding else record.notice  # type: ignore[attr-defined]
        if of is None or record.state is not RequestState.ASKED:  # type: ignore[attr-defined]
            return []
        endpoint = "findings.finding_step" if is_finding else "findings.notice_step"
        return [
            (_(step.label), url_for(endpoint, record_id=of.id, name=step.name))
            for step in possible_steps(of, **_now())
            if step.name in ("grant_time", "refuse_time")
        ]


def _papers_of(record: Any) -> list[tuple[str, str]]:
    if record.number is None:
        return []
    languages = {
        LetterLanguage.ENGLISH: _("PDF in English"),
        LetterLanguage.CHINESE: _("PDF in Chinese"),
    }
    kept = db.session.scalars(
        select(NoticePaper.language).where(NoticePaper.notice_id == record.id)
    ).all()
    return [
        (words, url_for("findings.paper", record_id=record.id, language=one.value))
        for one, words in languages.items()
        if one in kept
    ]


def _seen(model: type[Record], key: str) -> Any:
    """Return the record whose number stands in the address; None where it is none, or unseen."""
    number = security.parse_id(request.args.get(key, ""))
    if number is None or not security.can(Verb.READ, model):
        return None
    scope = security.visible(model)
    query = select(model).where(model.id == number)
    return db.session.scalar(query if scope is None else query.where(scope))


# --- A step ----------------------------------------------------------------------------------


@blueprint.route("/finding/<record_id>/step/<name>", methods=["GET", "POST"])
def finding_step(record_id: str, name: str) -> Any:
    """The form of a step of a finding, and taking it."""
    return _step(Finding, record_id, name)


@blueprint.route("/supervision-notice/<record_id>/step/<name>", methods=["GET", "POST"])
def notice_step(record_id: str, name: str) -> Any:
    """The same of a supervision notice."""
    return _step(SupervisionNotice, record_id, name)


def _step(model: type[Supervised], record_id: str, name: str) -> Any:
    step = LIVES[model].cycle.steps.get(name) or abort(404)
    if not security.roles() & step.roles:
        abort(403)
    record = security.load(model, record_id)
    common = _now()
    form = form_of(step, record, _start(record, name))
    try:
        check_step(record, name, **common)
    except RuleBroken as refused:
        typed = form if form.is_submitted() else None
        return _step_page(record, _(step.label), typed, refusal_in_words(refused)[0], 409)
    if not form.is_submitted():
        return _step_page(record, _(step.label), form)
    if not form.validate():
        return _step_page(record, _(step.label), form, status=422)

    def take() -> Any:
        issues = _issuer() if name == "issue" else None
        return take_step(record, name, issuer=issues, **common, **facts_of(step, form))

    return _taken(model, record_id, _(step.label), form, take)


def _taken(
    model: type[Supervised],
    record_id: str,
    heading: str,
    form: RecordForm,
    take: Callable[[], Any],
) -> Any:
    """Do it and go back to the record, or show the form again with why not."""
    try:
        reached, problem = attempt(take, form)
    except OSError:
        db.session.rollback()
        current_app.logger.exception("the papers of a notice could not be kept")
        reached, problem = None, _("The file could not be kept: the server's disk refuses it.")
    if reached is None:
        return _step_page(security.load(model, record_id), heading, form, problem, 422)
    words = _("%(step)s: done. It stands now: %(state)s.", step=heading, state=show(reached))
    flash(words, "success")
    return redirect(url_for(f"{endpoint_of(model)}.details_view", id=record_id), 303)


def _start(record: Supervised, name: str) -> dict[str, Any]:
    """Return what the form of a step shows at first."""
    if name == "reply" and isinstance(record, Finding):
        return {"root_cause": record.root_cause.value if record.root_cause else ""}
    return {}


def _step_page(
    record: Supervised,
    heading: str,
    form: RecordForm | None,
    problem: str = "",
    status: int = 200,
    *,
    lead: str = "",
) -> Response:
    asked = None
    if form is not None and record.state in OPEN_FOR_TIME[type(record)]:
        asked = db.session.scalar(open_request(record))
    words = render_template(
        "supervision/step.html",
        record=record,
        is_finding=isinstance(record, Finding),
        asked=asked,
        heading=heading,
        lead=lead,
        form=form,
        problem=problem,
        crumbs=crumbs_of(record),
    )
    return Response(words, status)


OPEN_FOR_TIME = {model: life.cycle.steps["ask_time"].sources for model, life in LIVES.items()}


# --- Repeated findings -----------------------------------------------------------------------


@blueprint.route("/finding/<record_id>/repeats", methods=["GET", "POST"])
def repeats(record_id: str) -> Any:
    """Confirm that a finding repeats an earlier one of the same office, or that it does not."""
    if Role.SUPERVISOR not in security.roles():
        abort(403)
    finding = security.load(Finding, record_id)
    suggested = may_repeat(db.session(), finding)
    problem, status = "", 200
    if request.method == "POST":
        try:
            number = security.parse_id(request.form.get("repeats", ""))
            earlier = next((one for one in suggested if one.id == number), None)
            if number is not None and earlier is None:
                raise RuleBroken("Choose an earlier finding of the same office on the same ground.")
            link_repeat(finding, earlier)
            db.session.commit()
            flash(_("What it repeats is written down."), "success")
            return redirect(record_url(security.load(Finding, record_id)), 303)
        except RuleBroken as refused:
            problem, status = refusal_in_words(refused)[0], 422
            db.session.rollback()
            finding = security.load(Finding, record_id)
            suggested = may_repeat(db.session(), finding)
    words = render_template(
        "supervision/repeats.html",
        record=finding,
        suggested=suggested,
        problem=problem,
        crumbs=crumbs_of(finding),
    )
    return Response(words, status)


# --- The papers of a notice ------------------------------------------------------------------


def _issuer() -> Any:
    return issuer(_sheets, body=bureau().partition("\n")[0], store=Store.of(current_app.config))


def _sheets(notice: SupervisionNotice, today: date) -> Iterator[Sheet]:
    """Yield what stands on the papers of `notice`, in each language."""
    for language in LetterLanguage:
        with force_locale(LOCALES[language]):
            yield sheet_of(
                notice,
                language,
                issued_on=today,
                sender=bureau(),
                rests_on=_rests_on(notice),
                show=show,
            )


def _rests_on(notice: SupervisionNotice) -> str:
    """Return what the notice rests on, in the language that is set: never who complained."""
    told = []
    if notice.finding is not None:
        on = show(notice.finding.found_on)
        told.append(_("Finding of %(day)s: %(subject)s", day=on, subject=notice.finding.subject))
    if notice.grievance is not None:
        told.append(_("Grievance %(number)s", number=notice.grievance.number))
    return "\n\n".join(told) or _("What the group saw in the records of the office.")


@blueprint.get("/supervision-notice/<record_id>/paper/<language>")
def paper(record_id: str, language: str) -> Response:
    """A notice as it was issued, byte for byte, to be saved."""
    security.require(Verb.READ, SupervisionNotice)
    notice = security.load(SupervisionNotice, record_id)
    kept = db.session.scalar(
        select(NoticePaper).where(
            NoticePaper.notice_id == notice.id,
            NoticePaper.language == (_language(language) or abort(404)),
        )
    ) or abort(404)
    name = f"{notice.number} {language}.pdf"
    return kept_file(kept.stored_name, kept.sha256, "application/pdf", name)


def _language(text: str) -> LetterLanguage | None:
    return LetterLanguage(text) if text in set(LetterLanguage) else None


def init_app(app: Flask) -> None:
    """Give `app` the pages of findings and notices."""
    app.register_blueprint(blueprint)

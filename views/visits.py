"""A visit: its page, where inspectors write down what they see, its steps, its sample and how to
draw that again, photos and papers. Each answer is saved by itself where there is script
(static/visit.js); without, one form saves them all."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    current_app,
    flash,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from wtforms import validators

import limits
import security
from actions import visits as acting
from actions.documents import (
    MEGABYTE,
    MOST_AT_ONCE,
    keep_from_visit,
    readable_name,
    without_ending,
)
from actions.visits import NewerAnswer, Written
from models import (
    Category,
    ChecklistQuestion,
    Inspection,
    InspectionAnswer,
    InspectionDocument,
    Record,
    SampledGrievance,
    db,
)
from papers import ACCEPTED, Store
from papers.kinds import ENDINGS
from queries import visits as asking
from rules import RuleBroken, mark
from rules.facts import LONGEST_TEXT
from rules.lifecycle import Step
from rules.permissions import Verb
from rules.supervision import InspectionState
from rules.visits import INSPECTION, LONGEST_NOTE, Remedied, VisitAnswer, draw, fingerprint
from views.asking import who_asks
from views.base import RecordView
from views.errors import REFUSALS, refusal_in_words
from views.fields import LongField, RecordForm
from views.files import kept_file
from views.labels import enum_label, sentence
from views.shown import crumb_of, crumbs_of, endpoint_of
from views.visit_rows import Row, mark_of, rows_of, saved_words

blueprint = Blueprint("visits", __name__, url_prefix="/admin/inspection")

WITH_WHOM = tuple(
    joinedload(one)
    for one in (Inspection.office, Inspection.group, Inspection.inspector, Inspection.template)
)
ROWS: dict[str, type[Written]] = {"answer": InspectionAnswer, "sampled": SampledGrievance}
NOTES = {
    "summary": mark("What was looked at and who was heard, without names of complainants"),
    "cancelled_because": mark("Why there is no visit"),
}
LEADS = {
    "begin": mark(
        "The questions are copied, and the sample is drawn by lot. From now on the office sees that"
        " the visit takes place; what you write it sees when the visit has ended."
    ),
    "finish": mark(
        "What was seen stays as it is from then on, and the office reads it. Findings are told and"
        " followed up apart from it."
    ),
    "cancel": mark("The visit stays listed with the reason."),
}


class InspectionView(RecordView):
    """Inspections, each with the way to the page of the visit."""

    def record_links(self, record: Record) -> list[tuple[str, str]]:
        return [(_("Open the visit"), _address(record))]

    def after_change(self, ids: list[int], columns: set[str], *, is_new: bool = False) -> None:
        """Whoever is put in charge is of the group and impartial; what has begun stays."""
        now, settings = datetime.now(UTC), security.impartiality()
        query = select(Inspection).where(Inspection.id.in_(ids))
        # A bulk change goes past what the session has read before.
        for one in db.session.scalars(query.execution_options(populate_existing=True)):
            acting.check_saved(one, columns, now=now, settings=settings, is_new=is_new)


class ChecklistTemplateView(RecordView):
    """Lists of questions, each with the way to its questions."""

    def record_links(self, record: Record) -> list[tuple[str, str]]:
        name = f"{endpoint_of(ChecklistQuestion)}.index_view"
        return [(_("Its questions"), url_for(name, flt0_template_equals=record.id))]


class InspectionDocumentView(RecordView):
    """Photos and papers from visits, each with the way to its file."""

    def record_links(self, record: Record) -> list[tuple[str, str]]:
        return [(_("Save the file"), url_for("visits.file", paper_id=record.id))]


def _address(inspection: Record, view: str = "page", **values: Any) -> str:
    return url_for(f"visits.{view}", inspection_id=inspection.id, **values)


def _load(inspection_id: str) -> Inspection:
    security.require(Verb.READ, Inspection)
    found: Inspection = security.load(Inspection, inspection_id, *WITH_WHOM)
    return found


# --- The page --------------------------------------------------------------------------------


@blueprint.get("/<inspection_id>/visit")
def page(inspection_id: str) -> Any:
    """The page of a visit."""
    return _page(_load(inspection_id))


def _page(
    inspection: Inspection,
    rows: Sequence[Row] | None = None,
    *,
    refused: Sequence[tuple[str, str]] = (),
    status: int = 200,
) -> Response:
    found = asking.read_visit(db.session(), inspection.id, security.visible)
    why_not = _why_not_present(inspection)
    is_open = inspection.state is InspectionState.UNDER_WAY and not why_not
    body = render_template(
        "visits/visit.html",
        inspection=inspection,
        rows=rows if rows is not None else rows_of(inspection, found),
        documents=found.documents,
        is_open=is_open,
        steps=INSPECTION.possible(inspection.state, security.roles()) if not why_not else [],
        why_not=why_not,
        refused=refused,
        officer_id=who_asks().id,
        accepted=ACCEPTED,
        megabytes=current_app.config["DOCUMENT_MEGABYTES"],
        most=MOST_AT_ONCE,
        longest=LONGEST_NOTE,
        crumbs=[crumb_of(Inspection)],
        details=crumbs_of(inspection)[-1][1],
    )
    return Response(body, status)


def _why_not_present(inspection: Inspection) -> str:
    """Return why the officer does not act at this visit; "" where they do."""
    now, settings = datetime.now(UTC), security.impartiality()
    try:
        acting.check_present(inspection, who_asks(), now=now, settings=settings)
    except RuleBroken as refused:
        return sentence(refused)
    return ""


def _require_present(inspection: Inspection) -> None:
    """Refuse (403) who does not act at this visit."""
    if _why_not_present(inspection):
        abort(403)


# --- What is seen ----------------------------------------------------------------------------


def _row(inspection: Inspection, kind: str, row_id: str) -> Written:
    """Return a row of the visit that the officer sees; 404 otherwise."""
    model = ROWS.get(kind) or abort(404)
    row: Written = security.load(model, row_id)
    if row.inspection_id != inspection.id:
        abort(404)
    return row


@blueprint.post("/<inspection_id>/<any(answer, sampled):kind>/<row_id>")
def save(inspection_id: str, kind: str, row_id: str) -> Any:
    """Save one answer as it is typed; 409 with what a colleague wrote meanwhile."""
    inspection = _load(inspection_id)
    row = _row(inspection, kind, row_id)
    _require_present(inspection)
    try:
        _write(row, request.form.get("answer", ""), request.form.get("note", ""), _version())
        db.session.commit()
    except NewerAnswer:
        db.session.rollback()
        return jsonify(_told(_row(inspection, kind, row_id))), 409
    except REFUSALS as refused:
        words = refusal_in_words(refused)[0]
        db.session.rollback()
        return jsonify(error=words), 422
    return jsonify(_told(row))


def _version() -> int | None:
    return security.parse_id(request.form.get("version", ""))


def _write(row: Written, typed: str, note: str, version: int | None) -> None:
    kind = VisitAnswer if isinstance(row, InspectionAnswer) else Remedied
    if typed and typed not in set(kind):
        raise RuleBroken("Choose one of the answers.")
    acting.write_answer(
        row,
        version=version,
        answer=kind(typed) if typed else None,
        note=note,
        by=who_asks(),
        now=datetime.now(UTC),
    )


def _told(row: Written) -> dict[str, Any]:
    """Return what stands in a row now, for the script of the page."""
    answer, note = acting.content(row)
    return {
        "version": row.version_id,
        "answer": answer.value if answer else "",
        "words": enum_label(answer) if answer else "",
        "note": note,
        "by": saved_words(row),
    }


@blueprint.post("/<inspection_id>/visit")
def save_all(inspection_id: str) -> Any:
    """Save the whole form, for browsers without script: each row that was touched by itself."""
    inspection = _load(inspection_id)
    _require_present(inspection)
    found = asking.read_visit(db.session(), inspection.id, security.visible)
    rows = rows_of(inspection, found)
    left = [row for row in rows if not _save_row(row)]
    db.session.commit()
    if not left:
        flash(_("What you wrote is saved."), "success")
        return redirect(_address(inspection), 303)
    return _page(_load(inspection_id), rows, status=409 if any(r.theirs for r in left) else 422)


def _save_row(row: Row) -> bool:
    """Save what was typed into a row; False where it cannot be, with why in the row."""
    stamp = request.form.get(f"stamp-{row.key}")
    if stamp is None:
        return True
    answer = request.form.get(f"answer-{row.key}", "")
    note = request.form.get(f"note-{row.key}", "").replace("\r\n", "\n")
    version, _dot, was = stamp.partition(".")
    if mark_of(answer, note) == was:
        return True  # not touched
    row.typed = (answer, note)
    try:
        with db.session.begin_nested():
            _write(row.record, answer, note, security.parse_id(version))
    except NewerAnswer:
        db.session.refresh(row.record)
        row.theirs = True
        return False
    except REFUSALS as refused:
        row.problem = refusal_in_words(refused)[0]
        return False
    row.typed = None
    return True


# --- Steps -----------------------------------------------------------------------------------


def _step_form(step: Step) -> RecordForm:
    """Return the form of a step: the one text that it needs, if any."""
    fields = {
        name: LongField(
            label=NOTES[name],
            validators=[
                validators.DataRequired(_("Please fill this in.")),
                validators.Length(
                    max=LONGEST_TEXT, message=_("At most %(count)s characters.", count=LONGEST_TEXT)
                ),
            ],
        )
        for name in step.needs
    }
    form: RecordForm = type("VisitStepForm", (RecordForm,), fields)()
    return form


@blueprint.route("/<inspection_id>/step/<name>", methods=["GET", "POST"])
def step(inspection_id: str, name: str) -> Any:
    """The form of a step of the visit, and taking it."""
    one = INSPECTION.steps.get(name) or abort(404)
    if not security.roles() & one.roles:
        abort(403)
    inspection = _load(inspection_id)
    now, settings, by = datetime.now(UTC), security.impartiality(), who_asks()
    form = _step_form(one)
    try:
        acting.check_step(inspection, name, by=by, now=now, settings=settings)
    except RuleBroken as refused:
        return _step_page(inspection, one, None, sentence(refused), 409)
    if not form.is_submitted():
        return _step_page(inspection, one, form)
    if not form.validate():
        return _step_page(inspection, one, form, status=422)
    facts = {key: form[key].data for key in one.needs}
    try:
        acting.take_step(inspection, name, by=by, now=now, settings=settings, **facts)
        db.session.commit()
    except REFUSALS as refused:
        words, key = refusal_in_words(refused)
        db.session.rollback()
        if key in facts:
            form[key].errors = [*form[key].errors, words]
            words = ""
        return _step_page(_load(inspection_id), one, form, words, 422)
    flash(_("%(step)s: done.", step=_(one.label)), "success")
    return redirect(_address(inspection), 303)


def _step_page(
    inspection: Inspection,
    one: Step,
    form: RecordForm | None,
    problem: str = "",
    status: int = 200,
) -> Response:
    body = render_template(
        "visits/step.html",
        inspection=inspection,
        heading=_(one.label),
        lead=_(LEADS[one.name]),
        form=form,
        problem=problem,
        back=_address(inspection),
        crumbs=[crumb_of(Inspection), (inspection.subject, _address(inspection))],
    )
    return Response(body, status)


# --- The sample ------------------------------------------------------------------------------


@blueprint.get("/<inspection_id>/sample")
def sample(inspection_id: str) -> Any:
    """Draw the sample again from its seed and what it was drawn from, and compare."""
    inspection = _load(inspection_id)
    kept, strata = _kept(inspection)
    again = draw(inspection.sample_seed or "", strata, inspection.sample_size)
    names = dict(
        db.session.execute(
            select(Category.id, Category.name).where(
                Category.id.in_([one.category_id for one in strata if one.category_id])
            )
        ).all()
    )
    counts = [
        (
            names.get(one.category_id) or _("no category"),
            one.was_in_time,
            len(one.grievances),
            sum(stratum is one for stratum, _number in again),
        )
        for one in sorted(strata, key=lambda one: one.order)
    ]
    return render_template(
        "visits/sample.html",
        inspection=inspection,
        counts=counts,
        size=len(kept),
        of=sum(len(one.grievances) for one in strata),
        is_same=[number for _stratum, number in again] == kept,
        fingerprint=fingerprint(strata),
        crumbs=[crumb_of(Inspection), (inspection.subject, _address(inspection))],
    )


def _kept(inspection: Inspection) -> tuple[list[int], list[Any]]:
    """Return the sample of a visit in its order and what it was drawn from; 404 where there is
    none, or the officer does not see it."""
    found = asking.read_visit(db.session(), inspection.id, security.visible)
    if inspection.sample_seed is None or not found.sampled:
        abort(404)
    strata = asking.kept_strata(db.session(), inspection.id)
    return [one.grievance_id for one in found.sampled], strata


@blueprint.get("/<inspection_id>/sample.json")
def sample_file(inspection_id: str) -> Any:
    """What the sample was drawn from, with which anybody can draw it again elsewhere."""
    inspection = _load(inspection_id)
    kept, strata = _kept(inspection)
    return jsonify(
        seed=inspection.sample_seed,
        wanted=inspection.sample_size,
        strata=[
            {
                "category": one.category_id,
                "in_time": one.was_in_time,
                "grievances": list(one.grievances),
            }
            for one in sorted(strata, key=lambda one: one.order)
        ],
        sample=kept,
        sha256=fingerprint(strata),
    )


# --- Photos and papers -----------------------------------------------------------------------


@blueprint.post("/<inspection_id>/documents")
@limits.takes_files
def upload(inspection_id: str) -> Any:
    """Keep each photo or paper that can be kept; say of each other why not."""
    inspection = _load(inspection_id)
    _require_present(inspection)
    if inspection.state is not InspectionState.UNDER_WAY:
        abort(409)
    files = [one for one in request.files.getlist("file") if one.filename]
    if not 1 <= len(files) <= MOST_AT_ONCE:
        words = _("Choose up to %(number)s files at once.", number=MOST_AT_ONCE)
        return _page(inspection, refused=[(_("Files"), words)], status=422)
    kept, refused = 0, []
    largest = current_app.config["DOCUMENT_MEGABYTES"] * MEGABYTE
    store = Store.of(current_app.config)
    for one in files:
        name = readable_name(one.filename or "") or _("Photo")
        try:
            content = one.stream.read(largest + 1)
            title = without_ending(name)
            keep_from_visit(inspection, content, name=title, store=store, largest=largest)
            kept += 1
        except RuleBroken as broken:
            refused.append((name, sentence(broken)))
        except OSError:
            current_app.logger.exception("a document could not be kept")
            words = _("The file could not be kept: the server's disk refuses it.")
            refused.append((name, words))
    if kept:
        db.session.commit()
        said = ngettext("%(num)s document was kept.", "%(num)s documents were kept.", kept)
        flash(said, "success")
    if refused:
        return _page(_load(inspection_id), refused=refused, status=422)
    return redirect(_address(inspection, _anchor="documents"), 303)


@blueprint.get("/paper/<paper_id>/file")
def file(paper_id: str) -> Response:
    """The file of a photo or paper, to be saved and not shown."""
    security.require(Verb.READ, InspectionDocument)
    document: InspectionDocument = security.load(InspectionDocument, paper_id)
    media_type = document.media_type or "application/octet-stream"
    name = f"{document.name}.{ENDINGS.get(media_type, 'bin')}"
    return kept_file(document.stored_name, document.sha256, media_type, name)


def init_app(app: Flask) -> None:
    """Give `app` the pages of visits."""
    app.register_blueprint(blueprint)

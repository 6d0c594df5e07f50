"""A visit: its page, where inspectors write down what they see, the steps of it, the sample and how
to draw it again, photos and papers. Each answer is saved by itself where there is script
(static/visit.js); without, one form saves them all."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    current_app,
    flash,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    send_file,
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
from actions.documents import keep_from_visit
from actions.visits import NewerAnswer, Written
from models import (
    Category,
    ChecklistQuestion,
    Finding,
    Grievance,
    Inspection,
    InspectionAnswer,
    InspectionDocument,
    InspectionStratum,
    Record,
    SampledGrievance,
    db,
)
from papers import ACCEPTED, Store
from papers.kinds import ENDINGS
from queries import visits as asking
from rules import RuleBroken
from rules.facts import LONGEST_TEXT
from rules.lifecycle import Step
from rules.permissions import Verb
from rules.supervision import InspectionState
from rules.visits import (
    INSPECTION,
    LONGEST_NOTE,
    AnswerKind,
    Remedied,
    VisitAnswer,
    draw,
    fingerprint,
)
from views.asking import who_asks
from views.base import RecordView
from views.documents import MEGABYTE, MOST_AT_ONCE, readable_name
from views.errors import REFUSALS, refusal_in_words
from views.fields import LongField, RecordForm
from views.labels import enum_label, sentence, show
from views.shown import crumbs_of, endpoint_of, record_url

blueprint = Blueprint("visits", __name__, url_prefix="/admin/inspection")

VISIT = (
    joinedload(Inspection.office),
    joinedload(Inspection.group),
    joinedload(Inspection.inspector),
    joinedload(Inspection.template),
)


class InspectionView(RecordView):
    """Inspections, each with the way to the page of the visit."""

    def record_links(self, record: Record) -> list[tuple[str, str]]:
        return [(_("Open the visit"), _address(record))]

    def after_change(self, ids: list[int], columns: set[str], *, is_new: bool = False) -> None:
        """Whoever is put in charge is of the group and impartial; what has begun stays."""
        now, settings = datetime.now(UTC), security.impartiality()
        for one in db.session.scalars(select(Inspection).where(Inspection.id.in_(ids))):
            acting.check_saved(one, columns, now=now, settings=settings, is_new=is_new)


class ChecklistTemplateView(RecordView):
    """Lists of questions, each with the way to its questions."""

    def record_links(self, record: Record) -> list[tuple[str, str]]:
        questions = url_for(
            f"{endpoint_of(ChecklistQuestion)}.index_view", flt0_template_equals=record.id
        )
        return [(_("Its questions"), questions)]


def _address(inspection: Record, view: str = "page", **values: Any) -> str:
    return url_for(f"visits.{view}", inspection_id=inspection.id, **values)


def _load(inspection_id: str) -> Inspection:
    found: Inspection = security.load(Inspection, inspection_id, *VISIT)
    return found


# --- The page --------------------------------------------------------------------------------


@dataclass
class Row:
    """A question or a sampled grievance as the page shows it. `typed` is what somebody sent that
    is not saved; `theirs` whether a colleague wrote meanwhile."""

    record: Written
    letter: str
    heading: str
    choices: list[tuple[str, str]]
    section: str | None = None
    guidance: str | None = None
    about: list[str] = field(default_factory=list)
    link: str | None = None
    finding: str | None = None
    typed: tuple[str, str] | None = None
    theirs: bool = False
    problem: str = ""

    @property
    def key(self) -> str:
        return f"{self.letter}{self.record.id}"

    @property
    def saved(self) -> tuple[str, str]:
        answer, note = acting.content(self.record)
        return answer.value if answer else "", note

    @property
    def shown(self) -> tuple[str, str]:
        return self.typed if self.typed is not None else self.saved

    @property
    def answer_words(self) -> str:
        answer, _note = acting.content(self.record)
        return enum_label(answer) if answer else ""

    @property
    def saved_words(self) -> str:
        return _saved_words(self.record)

    @property
    def stamp(self) -> str:
        """What the plain form says of what it shows: the version, and a mark of the content by
        which what was not touched is known."""
        return f"{self.record.version_id}.{_mark(*self.saved)}"

    @property
    def address(self) -> str:
        view = "save_answer" if self.letter == "a" else "save_sampled"
        return url_for(
            f"visits.{view}", inspection_id=self.record.inspection_id, row_id=self.record.id
        )


def _mark(answer: str, note: str) -> str:
    return hashlib.sha256(f"{answer}\n{note}".encode()).hexdigest()[:16]


def _saved_words(record: Written) -> str:
    if record.answered_at is None or record.answered_by is None:
        return ""
    return _(
        "%(name)s, %(when)s", name=record.answered_by.name, when=show(record.answered_at)
    )


def _rows(inspection: Inspection, found: asking.Visit) -> list[Row]:
    return [
        *(_question(inspection, one) for one in found.answers),
        *_sampled(inspection, found),
    ]


def _finding_link(inspection: Inspection, **more: Any) -> str | None:
    """Return the way to a new finding that says already where it comes from."""
    if not security.can(Verb.CREATE, Finding):
        return None
    told = {"inspection_id": inspection.id, "office_id": inspection.office_id, **more}
    return url_for(
        f"{endpoint_of(Finding)}.create_view",
        **{key: value for key, value in told.items() if value is not None},
    )


def _question(inspection: Inspection, one: InspectionAnswer) -> Row:
    ground = one.ground.value if one.ground else None
    return Row(
        one,
        "a",
        one.wording,
        [(a.value, enum_label(a)) for a in VisitAnswer] if one.kind is AnswerKind.CHOICE else [],
        section=one.section,
        guidance=one.guidance,
        finding=_finding_link(inspection, answer_id=one.id, ground=ground),
    )


def _sampled(inspection: Inspection, found: asking.Visit) -> Iterator[Row]:
    """Yield the rows of the sample, with the title of each grievance that the officer sees."""
    ids = [one.grievance_id for one in found.sampled]
    seen = security.visible(Grievance)
    query = select(Grievance.id, Grievance.number, Grievance.title).where(Grievance.id.in_(ids))
    can_read = security.can(Verb.READ, Grievance)
    titles = {
        row.id: row
        for row in (
            db.session.execute(query if seen is None else query.where(seen))
            if ids and can_read
            else ()
        )
    }
    in_time = {True: _("answered in time"), False: _("answered late"), None: _("no time was set")}
    for one in found.sampled:
        known = titles.get(one.grievance_id)
        about = [one.category.name if one.category else _("no category"), in_time[one.was_in_time]]
        page = f"{endpoint_of(Grievance)}.details_view"
        yield Row(
            one,
            "s",
            f"{known.number} · {known.title}" if known else _("A grievance out of your sight"),
            [(a.value, enum_label(a)) for a in Remedied],
            about=about,
            link=url_for(page, id=one.grievance_id) if known else None,
            finding=_finding_link(
                inspection, sampled_id=one.id, grievance_id=one.grievance_id if known else None
            ),
        )


def _visit(inspection: Inspection) -> asking.Visit:
    """Return what the officer sees of the visit: the parts are hidden from the office until it is
    done."""
    if not _sees_parts(inspection):
        return asking.Visit([], [], [])
    return asking.read_visit(db.session(), inspection.id)


def _sees_parts(inspection: Inspection) -> bool:
    seen = security.visible(InspectionAnswer)
    if seen is None or inspection.state is InspectionState.DONE:
        return True
    # The rule of all the parts, asked of the visit: whoever supervises the office.
    return bool(_why_not_present(inspection) == "" or security.visible_offices() is None)


def _why_not_present(inspection: Inspection) -> str:
    """Return why the officer does not act at this visit; "" where they do. Two statements."""
    now, settings = datetime.now(UTC), security.impartiality()
    try:
        acting.check_present(inspection, who_asks(), now=now, settings=settings)
    except RuleBroken as refused:
        return sentence(refused)
    return ""


@blueprint.get("/<inspection_id>/visit")
def page(inspection_id: str) -> Any:
    """The page of a visit."""
    inspection = _load(inspection_id)
    return _page(inspection, _rows_of(inspection))

"""What stands on the page of a visit, one row for each question and each sampled grievance."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import select

import security
from actions.visits import Written, content
from models import Finding, Grievance, Inspection, InspectionAnswer, db
from queries.visits import Visit
from rules.permissions import Verb
from rules.visits import AnswerKind, Remedied, VisitAnswer
from views.labels import enum_label, show
from views.shown import endpoint_of


@dataclass
class Row:
    """A question or a sampled grievance as the page shows it. `typed` is what somebody sent that
    is not saved; `theirs` whether a colleague has written meanwhile."""

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
        answer, note = content(self.record)
        return answer.value if answer else "", note

    @property
    def shown(self) -> tuple[str, str]:
        return self.typed if self.typed is not None else self.saved

    @property
    def answer(self) -> Any:
        return content(self.record)[0]

    @property
    def saved_words(self) -> str:
        return saved_words(self.record)

    @property
    def stamp(self) -> str:
        """What the plain form says of what it shows: the version, and a mark of the content by
        which it is known later what was not touched."""
        return f"{self.record.version_id}.{mark_of(*self.saved)}"

    @property
    def address(self) -> str:
        kind = "answer" if self.letter == "a" else "sampled"
        return url_for(
            "visits.save",
            inspection_id=self.record.inspection_id,
            kind=kind,
            row_id=self.record.id,
        )


def mark_of(answer: str, note: str) -> str:
    """Return a short mark of what stands in a row."""
    return hashlib.sha256(f"{answer}\n{note.strip()}".encode()).hexdigest()[:16]


def saved_words(record: Written) -> str:
    """Return "Wen Ping, 3 Mar 2026, 10:05" for what is written; "" where nothing is."""
    if record.answered_at is None or record.answered_by is None:
        return ""
    return f"{record.answered_by.name}, {show(record.answered_at)}"


def rows_of(inspection: Inspection, found: Visit) -> list[Row]:
    """Return the rows of a visit: its questions, then its sample. One statement where there is a
    sample, for the titles of the grievances that the officer sees."""
    questions = [_question(inspection, one) for one in found.answers]
    return [*questions, *_sampled(inspection, found)]


def _finding(inspection: Inspection, **more: Any) -> str | None:
    """Return the way to a new finding that says already where it comes from."""
    if not security.can(Verb.CREATE, Finding):
        return None
    told = {"inspection_id": inspection.id, "office_id": inspection.office_id, **more}
    given = {key: value for key, value in told.items() if value is not None}
    return url_for(f"{endpoint_of(Finding)}.create_view", **given)


def _question(inspection: Inspection, one: InspectionAnswer) -> Row:
    return Row(
        one,
        "a",
        one.wording,
        [(a.value, enum_label(a)) for a in VisitAnswer] if one.kind is AnswerKind.CHOICE else [],
        section=one.section,
        guidance=one.guidance,
        finding=_finding(inspection, answer_id=one.id),
    )


def _sampled(inspection: Inspection, found: Visit) -> Iterator[Row]:
    known = _titles([one.grievance_id for one in found.sampled])
    in_time = {True: _("answered in time"), False: _("answered late"), None: _("no time was set")}
    for one in found.sampled:
        title = known.get(one.grievance_id)
        yield Row(
            one,
            "s",
            title or _("A grievance out of your sight"),
            [(a.value, enum_label(a)) for a in Remedied],
            about=[
                one.category.name if one.category else _("no category"),
                in_time[one.was_in_time],
            ],
            link=url_for(f"{endpoint_of(Grievance)}.details_view", id=one.grievance_id)
            if title
            else None,
            finding=_finding(
                inspection, sampled_id=one.id, grievance_id=one.grievance_id if title else None
            ),
        )


def _titles(ids: list[int]) -> dict[int, str]:
    """Return number and title of those of the grievances that the officer sees."""
    if not ids or not security.can(Verb.READ, Grievance):
        return {}
    query = select(Grievance.id, Grievance.number, Grievance.title).where(Grievance.id.in_(ids))
    seen = security.visible(Grievance)
    rows = db.session.execute(query if seen is None else query.where(seen))
    return {number: f"{name} · {title}" for number, name, title in rows}

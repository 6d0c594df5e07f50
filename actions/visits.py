"""Visits: the steps of one, the lot by which its sample is drawn, and what inspectors write there.
`take_step` is the only way in which the state of a visit changes."""

import secrets
from collections.abc import Callable
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from models import (
    Inspection,
    InspectionAnswer,
    InspectionStratum,
    Officer,
    SampledGrievance,
    db,
)
from queries import visits as asking
from queries.supervision import bars
from rules import RuleBroken
from rules.facts import written
from rules.impartiality import Settings
from rules.permissions import Role
from rules.supervision import InspectionState
from rules.visits import (
    INSPECTION,
    LONGEST_NOTE,
    MOST_DRAWN_FROM,
    Remedied,
    VisitAnswer,
    check_begin,
    check_change,
    draw,
)

Written = InspectionAnswer | SampledGrievance


class NewerAnswer(Exception):
    """Somebody else has written the same answer meanwhile; theirs stands."""


# --- Who may ---------------------------------------------------------------------------------


def check_inspector(
    inspection: Inspection, officer: Officer, *, now: datetime, settings: Settings
) -> None:
    """Raise RuleBroken unless `officer`, whom somebody puts in charge of the visit, belongs to its
    group on its day and is impartial towards the office (domain.md section 6)."""
    day = max(inspection.planned_on, settings.today(now))
    if not asking.belongs(db.session(), officer.id, inspection.group_id, day):
        raise RuleBroken(
            "%(officer)s does not belong to this group on %(day)s. Choose a member of it.",
            field="inspector",
            officer=officer.name,
            day=day,
        )
    found = bars(db.session(), officer, inspection.office, day)
    if found is not None:
        raise RuleBroken(found.sentence, field="inspector", **found.values)


def check_present(
    inspection: Inspection, by: Officer, *, now: datetime, settings: Settings
) -> None:
    """Raise RuleBroken unless `by` may act at this visit: a member of its group on this day who is
    impartial towards the office. Six statements."""
    if Role.SUPERVISOR not in by.held or not asking.belongs(
        db.session(), by.id, inspection.group_id, settings.today(now)
    ):
        raise RuleBroken("Only members of the group that visits act at the visit.")
    found = bars(db.session(), by, inspection.office, settings.today(now))
    if found is not None:
        raise RuleBroken(found.sentence, **found.values)


def check_saved(
    inspection: Inspection,
    changed: set[str],
    *,
    now: datetime,
    settings: Settings,
    is_new: bool = False,
) -> None:
    """Check a visit that a form has made or changed (`changed` columns): its inspector is
    impartial and of its group, and what has begun keeps its place. Raises RuleBroken."""
    if not is_new:
        check_change(inspection.state, changed)
    if is_new or changed & {"inspector_id", "office_id", "group_id", "planned_on"}:
        check_inspector(inspection, inspection.inspector, now=now, settings=settings)


# --- Steps -----------------------------------------------------------------------------------


def take_step(
    inspection: Inspection,
    name: str,
    *,
    by: Officer,
    now: datetime,
    settings: Settings,
    **facts: Any,
) -> InspectionState:
    """Take the step `name` with a visit in the name of `by`, and return where it stands then.
    `facts` are what the step needs (rules/visits.py). Raises RuleBroken."""
    db.session.flush()
    db.session.refresh(inspection, with_for_update={"of": Inspection})
    target = check_step(inspection, name, by=by, now=now, settings=settings)
    with db.session.no_autoflush:
        _WRITERS[name](inspection, now, settings, **facts)
        inspection.state = target
    db.session.flush()
    return target


def check_step(
    inspection: Inspection, name: str, *, by: Officer, now: datetime, settings: Settings
) -> InspectionState:
    """Return where the step would lead; raise RuleBroken where `by` may not take it now."""
    target = INSPECTION.after(name, inspection.state, by.held)
    check_present(inspection, by, now=now, settings=settings)
    if name == "begin":
        check_begin(inspection.planned_on, settings.today(now))
        check_inspector(inspection, inspection.inspector, now=now, settings=settings)
    return InspectionState(target)


def _begin(inspection: Inspection, now: datetime, settings: Settings) -> None:
    """Take the copy of the questions and draw the sample. From now on the office is told."""
    inspection.begun_at = now
    if inspection.template_id is not None:
        copy_questions(inspection)
    if inspection.sample_size:
        first = asking.sample_since(inspection)
        since = datetime.combine(first, time(), ZoneInfo(settings.timezone))
        draw_sample(inspection, since=since, seed=secrets.token_hex(16))


def copy_questions(inspection: Inspection) -> None:
    """Give the visit the questions of its list as they are now."""
    questions = db.session.scalars(asking.questions_of(inspection.template_id or 0))
    for place, question in enumerate(questions, 1):
        db.session.add(
            InspectionAnswer(
                inspection_id=inspection.id,
                position=place,
                section=question.section,
                wording=question.wording,
                guidance=question.guidance,
                kind=question.kind,
                ground=question.ground,
            )
        )


def draw_sample(inspection: Inspection, *, since: datetime, seed: str) -> None:
    """Draw the sample of the visit from the grievances closed at `since` or later, and keep what
    it was drawn from. Raises RuleBroken where these are too many."""
    strata = asking.strata_to_draw_from(db.session(), inspection.office_id, since, MOST_DRAWN_FROM)
    if sum(len(one.grievances) for one in strata) > MOST_DRAWN_FROM:
        raise RuleBroken(
            "More than %(most)s grievances were closed there in this time. Edit the visit and let"
            " the sample begin on a later day.",
            most=MOST_DRAWN_FROM,
        )
    inspection.sample_seed = seed
    for one in strata:
        db.session.add(
            InspectionStratum(
                inspection_id=inspection.id,
                category_id=one.category_id,
                was_in_time=one.was_in_time,
                grievance_ids=list(one.grievances),
            )
        )
    for place, (stratum, grievance_id) in enumerate(draw(seed, strata, inspection.sample_size), 1):
        db.session.add(
            SampledGrievance(
                inspection_id=inspection.id,
                grievance_id=grievance_id,
                position=place,
                category_id=stratum.category_id,
                was_in_time=stratum.was_in_time,
            )
        )


def _finish(
    inspection: Inspection, now: datetime, settings: Settings, *, summary: str | None
) -> None:
    inspection.summary = written("summary", summary)
    inspection.done_on = settings.today(now)


def _cancel(
    inspection: Inspection, now: datetime, settings: Settings, *, cancelled_because: str | None
) -> None:
    inspection.cancelled_because = written("cancelled_because", cancelled_because)


_WRITERS: dict[str, Callable[..., None]] = {"begin": _begin, "finish": _finish, "cancel": _cancel}


# --- What is written there -------------------------------------------------------------------


def write_answer(
    row: Written,
    *,
    version: int | None,
    answer: VisitAnswer | Remedied | None,
    note: str,
    by: Officer,
    now: datetime,
) -> None:
    """Write down what was seen, over the answer of `version` and no other. Who may is asked before
    (`check_present`). Sending the same once more, because nobody knew whether it had arrived,
    changes nothing.

    Raises NewerAnswer where somebody has written meanwhile, RuleBroken where the note is too long
    or the visit is not under way.
    """
    state = db.session.scalar(
        select(Inspection.state)
        .where(Inspection.id == row.inspection_id)
        .with_for_update(read=True)
    )
    if state is not InspectionState.UNDER_WAY:
        raise RuleBroken("The visit is not under way. What was seen there stays as it is.")
    db.session.refresh(row, with_for_update={"of": type(row)})
    note = note.replace("\r\n", "\n").strip()
    if len(note) > LONGEST_NOTE:
        raise RuleBroken("This is too long: at most %(most)s characters.", most=LONGEST_NOTE)
    if (answer, note) == content(row):
        return
    if row.version_id != version:
        raise NewerAnswer
    if isinstance(row, InspectionAnswer):
        row.answer = VisitAnswer(answer) if answer else None
    else:
        row.remedied = Remedied(answer) if answer else None
    row.note = note or None
    is_empty = not answer and not note
    row.answered_at = None if is_empty else now
    row.answered_by_id = None if is_empty else by.id
    db.session.flush()
    db.session.refresh(row)


def content(row: Written) -> tuple[VisitAnswer | Remedied | None, str]:
    """Return what stands in a row: the answer and the note."""
    answer = row.answer if isinstance(row, InspectionAnswer) else row.remedied
    return answer, row.note or ""

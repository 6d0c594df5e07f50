"""What happened to a finding or a notice so far, in the order in which it happened, as its page
shows it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select
from sqlalchemy.orm import joinedload

import security
from models import Finding, FindingPostponement, NoticeExtension, SupervisionNotice, db
from rules.findings import OWED_BY_GROUP, OWED_BY_OFFICE
from rules.grievance import RequestState
from rules.notices import is_unanswered
from rules.supervision import NoticeState
from views.labels import show, title
from views.shown import record_url

MOST = 50
"""Requests, notices and repetitions of one record that its page shows."""


@dataclass(frozen=True)
class Happened:
    """One thing that happened: when, what, by whom, and what was said."""

    at: date
    did: str
    who: str = ""
    lines: list[str] = field(default_factory=list)
    note: str = ""


@dataclass(frozen=True)
class Course:
    """What the page of a record says before its columns: a sentence that says who has the next
    step, warnings, what happened, and records that belong to it as (words, address)."""

    next: str
    warnings: list[str]
    story: list[Happened]
    related: list[tuple[str, str | None]]


def _of(officer: Any) -> str:
    return officer.name if officer is not None else ""


# --- Findings --------------------------------------------------------------------------------


def course_of_finding(one: Finding) -> Course:
    """Return the course of a finding. Four statements at most."""
    asked = db.session.scalars(
        select(FindingPostponement)
        .where(FindingPostponement.finding_id == one.id)
        .options(
            joinedload(FindingPostponement.asked_by), joinedload(FindingPostponement.granted_by)
        )
        .order_by(FindingPostponement.id)
        .limit(MOST)
    ).all()
    warnings = []
    granted = sum(request.state is RequestState.GRANTED for request in asked)
    if granted:
        words = ngettext("Postponed %(num)s time.", "Postponed %(num)s times.", granted)
        since = _("First committed to %(day)s.", day=show(one.first_due_on))
        warnings.append(f"{words} {since}" if one.first_due_on else words)
    if one.times_sent_back:
        warnings.append(
            ngettext(
                "A reply or a claim was not accepted %(num)s time.",
                "A reply or a claim was not accepted %(num)s times.",
                one.times_sent_back,
            )
        )
    if one.repeats_id is not None:
        warnings.append(_("It repeats an earlier finding of this office."))
    # What happened on one day stands in the order in which it must have happened.
    known = [*_told(one), *_asked_for(asked), *_done(one)]
    story = sorted(known, key=lambda happened: happened.at)
    return Course(_next_of_finding(one), warnings, story[::-1], _related(one))


def _next_of_finding(one: Finding) -> str:
    if one.state in OWED_BY_OFFICE:
        return _("The office has the next step.")
    if one.state in OWED_BY_GROUP:
        return _("The supervision group has the next step.")
    if one.notified_on is None:
        return _("The office does not know of it yet.")
    return _("Nothing more is owed.")


def _told(one: Finding) -> Iterable[Happened]:
    yield Happened(one.found_on, _("found"))
    if one.notified_on:
        due = [_("Reply due by %(day)s.", day=show(one.reply_due_on))] if one.reply_due_on else []
        yield Happened(one.notified_on, _("told to the office"), lines=due)
    if one.received_on:
        yield Happened(one.received_on, _("confirmed receipt"), _of(one.received_by))
    if one.replied_on:
        until = _("Committed to %(day)s.", day=show(one.first_due_on))
        yield Happened(one.replied_on, _("replied"), _of(one.replied_by), [until], one.reply or "")


def _done(one: Finding) -> Iterable[Happened]:
    if one.sent_back_on:
        yield Happened(
            one.sent_back_on,
            _("did not accept it"),
            _of(one.sent_back_by),
            note=one.sent_back_because or "",
        )
    if one.claimed_on:
        yield Happened(
            one.claimed_on, _("said that it is done"), _of(one.claimed_by), note=one.claim or ""
        )
    if one.verified_on:
        yield Happened(
            one.verified_on, _("saw that it is done"), _of(one.verified_by), note=one.verdict or ""
        )
    if one.closed_on:
        yield Happened(
            one.closed_on, _("closed: nothing more is asked"), note=one.closed_because or ""
        )


def _asked_for(asked: Iterable[FindingPostponement | NoticeExtension]) -> Iterable[Happened]:
    for one in asked:
        until = _("From %(day)s to %(other)s.", day=show(one.from_on), other=show(one.to_on))
        yield Happened(
            one.asked_on, _("asked for more time"), _of(one.asked_by), [until], one.reason
        )
        if one.decided_on is not None:
            did = (
                _("granted more time")
                if one.state is RequestState.GRANTED
                else _("refused more time")
            )
            yield Happened(
                one.decided_on, did, _of(one.granted_by), note=one.decision_reasons or ""
            )


def _related(one: Finding) -> list[tuple[str, str | None]]:
    """Return what belongs to a finding and the officer sees: what it repeats, what repeats it,
    notices about it."""
    found: list[tuple[str, str | None]] = []
    for model, column, words in (
        (Finding, Finding.id, _("Repeats: %(name)s")),
        (Finding, Finding.repeats_id, _("Repeated by: %(name)s")),
        (SupervisionNotice, SupervisionNotice.finding_id, _("Notice: %(name)s")),
    ):
        number = one.repeats_id if column is Finding.id else one.id
        if number is None:
            continue
        scope = security.visible(model)
        query = select(model).where(column == number).order_by(model.id.desc()).limit(MOST)
        seen = db.session.scalars(query if scope is None else query.where(scope)).all()
        found += [(words % {"name": title(record)}, record_url(record)) for record in seen]
    return found


# --- Notices ---------------------------------------------------------------------------------


def course_of_notice(one: SupervisionNotice, today: date) -> Course:
    """Return the course of a notice as it stands `today`. One statement."""
    asked = db.session.scalars(
        select(NoticeExtension)
        .where(NoticeExtension.notice_id == one.id)
        .options(joinedload(NoticeExtension.asked_by), joinedload(NoticeExtension.granted_by))
        .order_by(NoticeExtension.id)
        .limit(MOST)
    ).all()
    warnings = []
    if is_unanswered(one.issued_on, one.reply_due_on, one.replied_on or one.closed_on, today):
        warnings.append(_("No reply came in time: this notice can be evidence for a reprimand."))
    if one.first_reply_due_on and one.first_reply_due_on != one.reply_due_on:
        day = show(one.first_reply_due_on)
        warnings.append(_("More time was granted; it was ordered for %(day)s.", day=day))
    ordered = _ordered(one)
    known = [*ordered[:1], *_asked_for(asked), *ordered[1:]]
    story = sorted(known, key=lambda happened: happened.at)
    return Course(_next_of_notice(one), warnings, story[::-1], [])


def _next_of_notice(one: SupervisionNotice) -> str:
    return {
        NoticeState.DRAFT: _("The office does not know of it yet."),
        NoticeState.ISSUED: _("The office has the next step."),
        NoticeState.REPLIED: _("The supervision group has the next step."),
        NoticeState.CLOSED: _("Nothing more is owed."),
    }[one.state]


def _ordered(one: SupervisionNotice) -> list[Happened]:
    """Return what happened to a notice, its issue first."""
    found = []
    if one.issued_on:
        due = _("Reply due by %(day)s.", day=show(one.first_reply_due_on or one.reply_due_on))
        found.append(Happened(one.issued_on, _("issued it"), _of(one.issued_by), [due]))
    if one.replied_on:
        found.append(
            Happened(one.replied_on, _("replied"), _of(one.replied_by), note=one.reply or "")
        )
    if one.closed_on:
        words = one.closed_because or ""
        found.append(Happened(one.closed_on, _("closed it"), _of(one.closed_by), note=words))
    return found

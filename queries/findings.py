"""What steps of findings and notices ask for: who may act for supervision, what repeats what."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import ColumnElement, Select, literal, or_, select, union_all
from sqlalchemy.orm import Session

from models import (
    Finding,
    FindingPostponement,
    GroupMembership,
    NoticeExtension,
    SupervisionAssignment,
    SupervisionNotice,
)
from rules.findings import repeats_since
from rules.grievance import RequestState

MOST_REPEATED = 8
"""So many earlier findings are suggested as what one repeats."""


def running(
    of: type[GroupMembership | SupervisionAssignment], today: date
) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Return the conditions under which a term or an assignment runs today."""
    return of.starts_on <= today, or_(of.ends_on.is_(None), of.ends_on > today)


def groups_of(
    session: Session, officer_id: int, office_id: int, today: date
) -> tuple[frozenset[int], frozenset[int]]:
    """Return the groups that the officer belongs to today, and those that supervise the office
    today. One statement."""
    rows = session.execute(
        union_all(
            select(literal("mine"), GroupMembership.group_id).where(
                GroupMembership.officer_id == officer_id, *running(GroupMembership, today)
            ),
            select(literal("of the office"), SupervisionAssignment.group_id).where(
                SupervisionAssignment.office_id == office_id,
                *running(SupervisionAssignment, today),
            ),
        )
    ).all()
    mine = frozenset(number for what, number in rows if what == "mine")
    return mine, frozenset(number for what, number in rows if what != "mine")


def open_request(
    record: Finding | SupervisionNotice,
) -> Select[FindingPostponement] | Select[NoticeExtension]:
    """Ask for the request for more time that waits to be decided."""
    if isinstance(record, Finding):
        return select(FindingPostponement).where(
            FindingPostponement.finding_id == record.id,
            FindingPostponement.state == RequestState.ASKED,
        )
    return select(NoticeExtension).where(
        NoticeExtension.notice_id == record.id, NoticeExtension.state == RequestState.ASKED
    )


def may_repeat(session: Session, finding: Finding) -> Sequence[Finding]:
    """Return earlier findings of the same office on the same ground, newest first, that `finding`
    may repeat: suggested, and for an officer to confirm. None where it names no ground."""
    if finding.ground is None:
        return []
    return session.scalars(
        select(Finding)
        .where(
            Finding.office_id == finding.office_id,
            Finding.ground == finding.ground,
            Finding.id != finding.id,
            Finding.notified_on.is_not(None),
            Finding.found_on <= finding.found_on,
            Finding.found_on >= repeats_since(finding.found_on),
        )
        .order_by(Finding.found_on.desc(), Finding.id.desc())
        .limit(MOST_REPEATED)
    ).all()

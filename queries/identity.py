"""What is asked about sealed identities, none of which opens one: who may, who did, how long."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session, joinedload

from models import (
    Appeal,
    Decision,
    FormerRespondent,
    Grievance,
    Identity,
    IdentityOpening,
    IdentityRequest,
    Office,
    Officer,
    OfficerPosting,
    Recusal,
    RetaliationReport,
)
from rules.grievance import AppealState, ReportState, RequestState
from rules.identity import Asker, Case, Duty, OpeningGround
from rules.impartiality import COOLING_OFF_DAYS, Tree

ENDED_AT = func.coalesce(Grievance.closed_at, Grievance.withdrawn_at)


def is_sealed(grievance_id: int) -> Select[int]:
    """Ask for the number of the sealed identity of a grievance; no row where there is none."""
    return select(Identity.id).where(Identity.grievance_id == grievance_id)


def openings(grievance_id: int) -> Select[IdentityOpening]:
    """Ask for the openings of the identity of one grievance, newest first, with office and second
    person: the log that officers read."""
    return (
        select(IdentityOpening)
        .where(IdentityOpening.grievance_id == grievance_id)
        .options(
            joinedload(IdentityOpening.officer),
            joinedload(IdentityOpening.office),
            joinedload(IdentityOpening.request).joinedload(IdentityRequest.decided_by),
        )
        .order_by(IdentityOpening.opened_at.desc(), IdentityOpening.id.desc())
    )


def openings_for_complainant(
    grievance_id: int,
) -> Select[datetime, str, Duty, OpeningGround, bool]:
    """Ask for the same log as the one who brought the grievance is to read it: when, which office
    by which duty, what for, whether two agreed. No officer's name, and not what the officer wrote,
    which may speak of others. Rows have opened_at, office, duty, ground, two_agreed."""
    return (
        select(
            IdentityOpening.opened_at,
            Office.name.label("office"),
            IdentityOpening.duty,
            IdentityOpening.ground,
            IdentityOpening.request_id.is_not(None).label("two_agreed"),
        )
        .join(Office, Office.id == IdentityOpening.office_id)
        .where(IdentityOpening.grievance_id == grievance_id)
        .order_by(IdentityOpening.opened_at.desc(), IdentityOpening.id.desc())
    )


def running_opening(grievance_id: int, officer_id: int) -> Select[IdentityOpening]:
    """Ask for the opening that still lets this officer read the identity of this grievance."""
    return (
        select(IdentityOpening)
        .where(
            IdentityOpening.grievance_id == grievance_id,
            IdentityOpening.officer_id == officer_id,
            IdentityOpening.ends_at > func.clock_timestamp(),
        )
        .order_by(IdentityOpening.ends_at.desc())
        .limit(1)
    )


def requests_to_decide(officer_id: int) -> Select[IdentityRequest]:
    """Ask for the open requests of others, oldest first, with their grievances."""
    return (
        select(IdentityRequest)
        .join(IdentityRequest.grievance)
        .where(
            IdentityRequest.state == RequestState.ASKED,
            IdentityRequest.officer_id != officer_id,
        )
        .options(joinedload(IdentityRequest.grievance), joinedload(IdentityRequest.officer))
        .order_by(IdentityRequest.asked_at)
    )


def latest_request(grievance_id: int, officer_id: int) -> Select[IdentityRequest]:
    """Ask for the last request of this officer for this identity that led to no opening yet."""
    used = select(IdentityOpening.id).where(IdentityOpening.request_id == IdentityRequest.id)
    return (
        select(IdentityRequest)
        .where(
            IdentityRequest.grievance_id == grievance_id,
            IdentityRequest.officer_id == officer_id,
            ~used.exists(),
        )
        .order_by(IdentityRequest.id.desc())
        .limit(1)
    )


def past_retention(now: datetime, days: int) -> Select[int, str]:
    """Ask for the grievances (id, number) whose sealed identity was kept for `days` days after
    they ended; not while an appeal waits or a report of retaliation is not decided."""
    return (
        select(Grievance.id, Grievance.number)
        .join(Identity, Identity.grievance_id == Grievance.id)
        .where(ENDED_AT < now - timedelta(days=days), ~_held())
        .order_by(Grievance.id)
    )


def is_held(grievance_id: int) -> Select[int]:
    """Ask whether something still open keeps the identity of a grievance that has ended."""
    return select(Grievance.id).where(Grievance.id == grievance_id, _held())


def _held() -> ColumnElement[bool]:
    appeal = (
        select(Appeal.id)
        .join(Decision, Decision.id == Appeal.decision_id)
        .where(Decision.grievance_id == Grievance.id, Appeal.state == AppealState.FILED)
    )
    report = select(RetaliationReport.id).where(
        RetaliationReport.grievance_id == Grievance.id,
        RetaliationReport.state == ReportState.REPORTED,
    )
    return or_(appeal.exists(), report.exists())


# --- What the rules decide about -------------------------------------------------------------


def asker(session: Session, officer: Officer, now: datetime, today: date) -> Asker:
    """Return `officer` with the offices that count as served: the present one, those left within
    the cooling-off period, and those recused from. One statement."""
    since = now - timedelta(days=COOLING_OFF_DAYS)
    left = select(OfficerPosting.office_id).where(
        OfficerPosting.officer_id == officer.id, OfficerPosting.until_at > since
    )
    recused = select(Recusal.office_id).where(
        Recusal.officer_id == officer.id,
        Recusal.set_aside_on.is_(None),
        Recusal.starts_on <= today,
        or_(Recusal.ends_on.is_(None), Recusal.ends_on > today),
    )
    return Asker(
        officer_id=officer.id,
        office_id=officer.office_id,
        roles=officer.held,
        served=frozenset({officer.office_id, *session.scalars(left.union(recused))}),
    )


def case(session: Session, grievance: Grievance) -> Case:
    """Return what decides who may open the identity of `grievance`. Two statements."""
    return cases(session, [grievance])[grievance.id]


def cases(session: Session, grievances: Sequence[Grievance]) -> dict[int, Case]:
    """Return for each of `grievances`, by its number, what decides who may open its identity. Two
    statements for all of them."""
    them = [grievance.id for grievance in grievances]
    respondents: dict[int, set[int | None]] = {
        one.id: {one.respondent_office_id} for one in grievances
    }
    for row in session.execute(
        select(FormerRespondent.grievance_id, FormerRespondent.office_id).where(
            FormerRespondent.grievance_id.in_(them)
        )
    ):
        respondents[row.grievance_id].add(row.office_id)
    deciders: dict[int, set[int]] = {number: set() for number in them}
    for row in session.execute(
        select(Decision.grievance_id, Appeal.first_decider_id)
        .join(Decision, Decision.id == Appeal.decision_id)
        .where(Decision.grievance_id.in_(them), Appeal.state == AppealState.FILED)
    ):
        deciders[row.grievance_id].add(row.first_decider_id)
    return {
        one.id: Case(
            kind=one.kind,
            needs_two=one.identity_needs_two,
            handler_id=one.handler_id,
            lead_official_id=one.lead_official_id,
            responsible_office_id=one.responsible_office_id,
            respondents=frozenset(office for office in respondents[one.id] if office is not None),
            first_deciders=frozenset(deciders[one.id]) or None,
        )
        for one in grievances
    }


def office_tree(session: Session) -> Tree:
    """Return every office with the one above it; one statement."""
    rows = session.execute(select(Office.id, Office.parent_id))
    return {office: parent for office, parent in rows}

"""What follows from the reprimands of reprimands.toml: frozen evidence, and to whom they went."""

import json
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from hashlib import sha256
from typing import Any

from demo.records import BOSTON, Known
from models import (
    Circulation,
    Finding,
    Grievance,
    Office,
    Officer,
    Reprimand,
    ReprimandEvidence,
    SupervisionNotice,
)
from rules.offices import OfficeLevel
from rules.permissions import Role
from rules.reprimand import CirculationKind, Scope

FINDING = (
    *("subject", "facts", "severity", "ground", "found_on"),
    *("notified_on", "reply_due_on", "due_on", "state"),
)
NOTICE = (
    *("number", "subject", "demand", "issued_on"),
    *("reply_due_on", "first_reply_due_on", "replied_on"),
)
CLOCK = ("title", "received_at", "due_at", "answered_at")
DAYS_TO_ACKNOWLEDGE = 7
PRESENT = date(2011, 12, 30)
"""The last working day of the sample; what the demo invents stands as it stood then."""


def freeze_evidence(known: Known) -> None:
    """Freeze a copy of each thing that an issued reprimand rests on, with its SHA-256."""
    for reprimand in known.all(Reprimand):
        if reprimand.issued_on is None:
            continue
        for evidence in reprimand.evidence:
            evidence.frozen_at = datetime.combine(reprimand.issued_on, time(10), BOSTON)
            evidence.frozen_copy = frozen(evidence)
            evidence.sha256 = digest(evidence.frozen_copy)


def frozen(evidence: ReprimandEvidence) -> dict[str, Any]:
    """Return the copy of what `evidence` points to, with dates as text."""
    if evidence.finding is not None:
        return _copy("finding", evidence.finding, FINDING)
    if evidence.notice is not None:
        return _copy("supervision_notice", evidence.notice, NOTICE)
    return _copy("grievance", evidence.grievance, CLOCK)


def _copy(
    record_type: str,
    record: Finding | SupervisionNotice | Grievance | None,
    names: tuple[str, ...],
) -> dict[str, Any]:
    values = {name: getattr(record, name) for name in names}
    return {"record_type": record_type} | {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in values.items()
    }


def digest(copy: dict[str, Any]) -> str:
    """Return the SHA-256, in hex, of `copy` as JSON in one way: keys in order, no blanks, UTF-8."""
    text = json.dumps(copy, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return sha256(text.encode()).hexdigest()


def add_circulations(known: Known) -> None:
    """Send each circulated reprimand to its readers, and a quashing to exactly the same ones."""
    for reprimand in known.all(Reprimand):
        if reprimand.circulated_on is None:
            continue
        sent = [(CirculationKind.REPRIMAND, reprimand.circulated_on)]
        if reprimand.quashed_on is not None:
            sent.append((CirculationKind.QUASHING, reprimand.quashed_on))
        for kind, sent_on in sent:
            for number, office in enumerate(_readers(known, reprimand)):
                known.add(_circulation(known, reprimand, kind, office, sent_on, number))


def _readers(known: Known, reprimand: Reprimand) -> Iterator[Office]:
    for office in known.all(Office):
        is_near = office is reprimand.office or office is reprimand.office.parent
        if office.closed_on is None and (reprimand.scope == Scope.ALL_OFFICES or is_near):
            yield office


def _circulation(
    known: Known,
    reprimand: Reprimand,
    kind: CirculationKind,
    office: Office,
    sent_on: date,
    number: int,
) -> Circulation:
    reader = _head(known, office)
    read_on = sent_on + timedelta(days=1 + number % DAYS_TO_ACKNOWLEDGE)
    is_read = reader is not None and read_on <= PRESENT
    return Circulation(
        reprimand=reprimand,
        kind=kind,
        office=office,
        sent_on=sent_on,
        acknowledged_on=read_on if is_read else None,
        acknowledged_by=reader if is_read else None,
    )


def _head(known: Known, office: Office) -> Officer | None:
    """Return who acknowledges for `office`: its head, or the city for a department that has no
    officers in the demo; nobody for the other offices without officers."""
    answers = office.parent if office.level == OfficeLevel.DEPARTMENT else None
    for place in (office, answers):
        for officer in known.all(Officer):
            is_head = {Role.OFFICE_HEAD, Role.LEAD_OFFICIAL} & set(officer.roles)
            if place is not None and officer.office is place and is_head:
                return officer
    return None

"""Sealing, opening and erasing who brought a grievance (domain.md section 1, line 5).

`open_identity` writes who opens what and why; the view commits it; then `read_opened`, the only
reader there is, asks the database for the sealed bytes of that opening and opens them in memory.
Without the line in the log there is nothing to read: the database gives the bytes for an opening
that is on the disk, of this officer, within its time, and for nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from psycopg2.errors import InsufficientPrivilege
from sqlalchemy import LargeBinary, cast, delete, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.types import BigInteger, Integer

import sealing
from actions.trail import note
from models import (
    Grievance,
    Identity,
    IdentityKey,
    IdentityOpening,
    IdentityRequest,
    Officer,
    db,
)
from queries import identity as asking
from rules import RuleBroken
from rules.grievance import RequestState
from rules.identity import (
    Duty,
    ErasureGround,
    IdentityField,
    OpeningGround,
    check_fields,
    check_reason,
    opening_duty,
    sealing_duty,
)
from rules.records import AuditVerb
from sealing import KeyFiles, KeyMissing, KeyRing, Sealed


@dataclass(frozen=True)
class Terms:
    """How long an opening lasts, and how long an agreement to one may be used."""

    opening: timedelta
    agreement: timedelta


@dataclass(frozen=True)
class At:
    """When something is done: the time, and the date at the bureau."""

    now: datetime
    today: date


# --- Sealing ---------------------------------------------------------------------------------


def check_sealing(grievance: Grievance, officer: Officer, at: At) -> None:
    """Raise RuleBroken unless `officer` may seal who brought `grievance`."""
    session = db.session()
    sealing_duty(
        asking.asker(session, officer, at.now, at.today),
        asking.case(session, grievance),
        asking.office_tree(session),
    )


def seal_identity(
    grievance: Grievance, values: Mapping[IdentityField, str], *, ring: KeyRing
) -> None:
    """Seal who brought `grievance` under a new data key; what was sealed before is gone with its
    key. Raises RuleBroken, whose words never hold what was typed, or KeyMissing."""
    cleaned = check_fields(dict(values))
    _make_first_key(ring)
    known = db.session.execute(
        select(Identity.id, Identity.key_version)
        .where(Identity.grievance_id == grievance.id)
        .with_for_update()
    ).one_or_none()
    sealed = sealing.seal(
        {field.value: value for field, value in cleaned.items()},
        grievance_id=grievance.id,
        key_version=known.key_version + 1 if known else 1,
        ring=ring,
    )
    fields = {"key_version": sealed.key_version, **sealed.fields}
    key = {
        "key_version": sealed.key_version,
        "kek_version": sealed.kek_version,
        "wrapped": sealed.wrapped,
    }
    identities, keys = Identity.__table__, IdentityKey.__table__
    if known:
        db.session.execute(
            update(identities).where(identities.c.grievance_id == grievance.id).values(fields)
        )
        db.session.execute(update(keys).where(keys.c.grievance_id == grievance.id).values(key))
        return
    # Plain inserts: an ORM one would read back what the application may not read.
    of_grievance = {"grievance_id": grievance.id}
    db.session.execute(insert(identities).values(fields | of_grievance).inline())
    db.session.execute(insert(keys).values(key | of_grievance).inline())


def _make_first_key(ring: KeyRing) -> None:
    """Make a key file where there has never been one. Where identities are sealed already it is
    lost or elsewhere, and another one would hide that."""
    try:
        ring.current()
    except KeyMissing:
        if not isinstance(ring, KeyFiles) or db.session.scalar(select(IdentityKey.id).limit(1)):
            raise
        ring.make_next()


# --- Opening ---------------------------------------------------------------------------------


def duty_to_open(grievance: Grievance, officer: Officer, at: At) -> Duty:
    """Return the duty for which `officer` may open the identity of `grievance`, or agree to its
    opening by another. Raises RuleBroken."""
    session = db.session()
    return opening_duty(
        asking.asker(session, officer, at.now, at.today),
        asking.case(session, grievance),
        asking.office_tree(session),
    )


def open_identity(
    grievance: Grievance,
    ground: OpeningGround,
    reason: str,
    *,
    by: Officer,
    at: At,
    terms: Terms,
) -> int | None:
    """Record that `by` opens the identity of `grievance`, or, where that takes two, ask somebody
    else to agree. Commit before anything else is done.

    Returns the id of the opening, for `read_opened`; None where it is a request. Raises RuleBroken
    where duty, office or impartiality forbid it, nothing is sealed, or the log cannot be written.
    """
    reason = check_reason(reason)
    duty = duty_to_open(grievance, by, at)
    identity_id = _sealed_id(grievance)
    if not grievance.identity_needs_two:
        return _record(grievance.id, identity_id, ground, reason, by, duty, terms)
    _refuse_second_request(grievance, by, at, terms)
    db.session.execute(
        insert(IdentityRequest.__table__)
        .values(
            grievance_id=grievance.id, officer_id=by.id, duty=duty, ground=ground, reason=reason
        )
        .inline()
    )
    return None


def open_granted(grievance: Grievance, *, by: Officer, at: At, terms: Terms) -> int:
    """Record the opening that somebody else agreed to, once; return its id. Raises RuleBroken."""
    duty = duty_to_open(grievance, by, at)
    request = db.session.scalar(asking.latest_request(grievance.id, by.id))
    if request is None or request.state is not RequestState.GRANTED or request.decided_at is None:
        raise RuleBroken("Nobody has agreed to this yet. Ask for it first.")
    if request.decided_at < at.now - terms.agreement:
        raise RuleBroken("The agreement is too old to be used. Ask anew.")
    return _record(
        grievance.id,
        _sealed_id(grievance),
        request.ground,
        request.reason,
        by,
        duty,
        terms,
        request.id,
    )


def decide_request(request: IdentityRequest, *, grant: bool, by: Officer, at: At) -> None:
    """Agree to an opening by another, or refuse it. Whoever agrees must be one who could open it
    for a duty of their own. Raises RuleBroken."""
    if request.officer_id == by.id:
        raise RuleBroken("Somebody else must decide this.")
    if request.state is not RequestState.ASKED:
        raise RuleBroken("This request is decided already.")
    duty_to_open(request.grievance, by, at)
    request.state = RequestState.GRANTED if grant else RequestState.REFUSED
    request.decided_at = at.now
    request.decided_by_id = by.id
    db.session.flush()


def read_opened(opening_id: int, *, ring: KeyRing) -> dict[IdentityField, str] | None:
    """Return the identity that this opening opens, in clear: the only reader there is.

    None where the database gives nothing: the opening is not committed, not of the officer who
    asks, over, or not agreed to. Raises KeyMissing or SealBroken, and then shows nothing either.
    """
    row = db.session.execute(
        text("SELECT * FROM redress_identity(:opening)"), {"opening": opening_id}
    ).one_or_none()
    if row is None:
        return None
    sealed = Sealed(
        key_version=row.key_version,
        fields={field.value: bytes(getattr(row, field.value)) for field in IdentityField},
        kek_version=row.kek_version,
        wrapped=bytes(row.wrapped),
    )
    opened = sealing.unseal(sealed, grievance_id=row.grievance_id, ring=ring)
    return {field: opened[field.value] for field in IdentityField}


def _sealed_id(grievance: Grievance) -> int:
    identity_id = db.session.scalar(asking.is_sealed(grievance.id))
    if identity_id is None:
        raise RuleBroken("No identity is sealed for this grievance.")
    return int(identity_id)


def _refuse_second_request(grievance: Grievance, officer: Officer, at: At, terms: Terms) -> None:
    last = db.session.scalar(asking.latest_request(grievance.id, officer.id))
    if last is None or last.state is RequestState.REFUSED:
        return
    if last.state is RequestState.ASKED:
        raise RuleBroken("You have asked already. Wait until somebody decides.")
    if last.decided_at is not None and last.decided_at > at.now - terms.agreement:
        raise RuleBroken("Somebody has agreed already. Open it.")


def _record(
    grievance_id: int,
    identity_id: int,
    ground: OpeningGround,
    reason: str,
    by: Officer,
    duty: Duty,
    terms: Terms,
    request: int | None = None,
) -> int:
    opening = IdentityOpening.__table__
    try:
        opening_id = db.session.scalar(
            insert(opening)
            .values(
                grievance_id=grievance_id,
                officer_id=by.id,
                office_id=by.office_id,
                duty=duty,
                ground=ground,
                reason=reason,
                ends_at=func.clock_timestamp() + terms.opening,
                request_id=request,
            )
            .returning(opening.c.id)
        )
    except ProgrammingError as error:
        if isinstance(error.orig, InsufficientPrivilege):
            raise RuleBroken(
                "The opening cannot be recorded, and what is not recorded is not opened. Tell your "
                "administrator."
            ) from None
        raise
    _note(AuditVerb.OPEN, identity_id, grievance_id=grievance_id, ground=ground)
    return int(opening_id or 0)


# --- Keys ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Batch:
    """What a step of a rotation did: data keys read and wrapped anew, the last grievance of them,
    and the grievances whose key did not open and was left as it is."""

    read: int
    done: int
    last: int
    failed: tuple[int, ...]


def rewrap_batch(ring: KeyRing, *, version: int, after: int, size: int) -> Batch:
    """Wrap up to `size` data keys of grievances with an id above `after` under `version` of the
    key-encryption key. A key that is sealed anew meanwhile is left as it then is. Raises
    KeyMissing."""
    rows = db.session.execute(
        text("SELECT * FROM redress_wrapped_keys(:after, :version, :size)"),
        {"after": after, "version": version, "size": size},
    ).all()
    done: list[tuple[int, int, int, bytes]] = []
    failed = []
    for row in rows:
        try:
            wrapped = sealing.rewrap(
                bytes(row.wrapped),
                grievance_id=row.grievance_id,
                key_version=row.key_version,
                old=row.kek_version,
                new=version,
                ring=ring,
            )
        except sealing.SealBroken:
            failed.append(row.grievance_id)
            continue
        done.append((row.grievance_id, row.key_version, row.kek_version, wrapped))
    count = db.session.scalar(
        select(
            func.redress_rewrap(
                cast([row[0] for row in done], ARRAY(BigInteger)),
                cast([row[1] for row in done], ARRAY(Integer)),
                cast([row[2] for row in done], ARRAY(Integer)),
                cast([row[3] for row in done], ARRAY(LargeBinary)),
                version,
            )
        )
    )
    last = rows[-1].grievance_id if rows else after
    return Batch(len(rows), int(count or 0), int(last), tuple(failed))


def note_rotation(version: int, count: int) -> None:
    """Set down in the trail that `count` data keys are now wrapped with `version`."""
    changes = {"kek_version": [None, version], "rows": [None, count]}
    note(AuditVerb.REKEY, record_type=IdentityKey.__tablename__, record_id=None, changes=changes)


# --- Erasing ---------------------------------------------------------------------------------


def erase_identity(grievance: Grievance, ground: ErasureGround) -> bool:
    """Destroy the data key of the identity of `grievance` and what it sealed; return whether there
    was any. In backups the fields cannot be opened any more once those of the keys are gone.
    What the log knows of openings stays."""
    identity_id = db.session.scalar(asking.is_sealed(grievance.id))
    if identity_id is None:
        return False
    for model in (IdentityKey, Identity):
        table = model.__table__
        db.session.execute(delete(table).where(table.c.grievance_id == grievance.id))
    _note(AuditVerb.ERASE, identity_id, grievance_id=grievance.id, ground=ground)
    return True


def _note(verb: AuditVerb, identity_id: int, **facts: object) -> None:
    changes = {name: [None, value] for name, value in facts.items()}
    note(verb, record_type=Identity.__tablename__, record_id=identity_id, changes=changes)

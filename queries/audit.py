"""What the trail tells of a record."""

from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload

from models import AuditEntry


def history(record_type: str, record_id: int) -> Select[tuple[AuditEntry]]:
    """Return the entries about one record, newest first, each with its officer.

    `record_type` is the name of its table. To page, add `.where(AuditEntry.id < last_id)` and a
    limit: one index answers that at any depth.
    """
    return (
        select(AuditEntry)
        .where(AuditEntry.record_type == record_type, AuditEntry.record_id == record_id)
        .order_by(AuditEntry.id.desc())
        .options(joinedload(AuditEntry.officer))
    )

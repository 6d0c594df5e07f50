"""What is set down in the audit trail besides changes, which triggers write: log-ins, exports,
openings of an identity."""

from typing import Any

from sqlalchemy import BigInteger, Text, cast, func, literal, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from models import db
from rules.records import AuditVerb


def note(
    verb: AuditVerb,
    *,
    record_type: str,
    record_id: int | None,
    changes: dict[str, Any] | None = None,
    session: Session | None = None,
) -> None:
    """Set down, in the open transaction of `session` (default: the application's), that `verb`
    was done to a record.

    The database itself says by whom (the officer whose log-in is valid, nobody for the system),
    when, and in which request. `changes` are {field: [before, after]}, without anything that
    belongs into no trail. It refuses the verbs of changes: these are the triggers' to write.
    """
    noted = literal(changes, JSONB(none_as_null=True))
    (session or db.session).execute(
        select(
            func.redress_note(
                literal(verb.value, Text),
                literal(record_type, Text),
                cast(record_id, BigInteger),
                noted,
            )
        )
    )

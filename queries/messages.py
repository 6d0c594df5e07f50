"""What an officer was told."""

from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload, load_only

from models import Finding, Grievance, Message, SupervisionNotice


def inbox(officer_id: int, *, before: int | None, size: int) -> Select[Message]:
    """Ask for `size` messages to an officer and one more, newest first, those with an id below
    `before`. What the officer sees no more is None in its message."""
    query = (
        select(Message)
        .where(Message.officer_id == officer_id)
        .options(
            joinedload(Message.grievance).load_only(Grievance.number, Grievance.title),
            joinedload(Message.finding).load_only(Finding.subject),
            joinedload(Message.notice).load_only(
                SupervisionNotice.number, SupervisionNotice.subject
            ),
            load_only(
                *(Message.kind, Message.stage, Message.due_at, Message.told_at, Message.read_at),
                *(Message.grievance_id, Message.finding_id, Message.notice_id),
            ),
        )
        .order_by(Message.id.desc())
        .limit(size + 1)
    )
    return query if before is None else query.where(Message.id < before)

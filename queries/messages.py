"""What an officer was told."""

from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload, load_only

from models import Grievance, Message


def inbox(officer_id: int, *, before: int | None, size: int) -> Select[Message]:
    """Ask for `size` messages to an officer and one more, newest first, those with an id below
    `before`. A grievance that the officer sees no more is None in its message."""
    query = (
        select(Message)
        .where(Message.officer_id == officer_id)
        .options(
            joinedload(Message.grievance).load_only(Grievance.number, Grievance.title),
            load_only(
                Message.kind, Message.stage, Message.due_at, Message.told_at, Message.read_at
            ),
        )
        .order_by(Message.id.desc())
        .limit(size + 1)
    )
    return query if before is None else query.where(Message.id < before)

"""What is asked about many records before a field of them is changed, and before it is put back."""

from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import aliased

from models import AuditEntry, Record, title_sql
from rules.records import AuditVerb


def values_among(model: type[Record], column: Any, ids: list[int]) -> Select[Any]:
    """Return how many of the records with these ids have each value of `column`: rows of
    (value, number), the most frequent first."""
    number = func.count().label("number")
    query = select(column, number).where(model.id.in_(ids)).group_by(column)
    return query.order_by(number.desc(), column)


def named(model: type[Record], ids: list[int], *columns: Any) -> Select[Any]:
    """Return rows of (id, title, *columns) of the records with these ids, in their order."""
    query = select(model.id, title_sql(model), *columns).where(model.id.in_(ids))
    return query.order_by(model.id)


def changed_in(model: type[Record], column: Any, request_id: str) -> Select[Any]:
    """Return the entries of the trail in which `request_id` changed `column` of records of
    `model`: rows of (id, record_id, officer_id, changes)."""
    entry = AuditEntry
    return select(entry.id, entry.record_id, entry.officer_id, entry.changes).where(
        entry.request_id == request_id,
        entry.record_type == model.__tablename__,
        entry.verb == AuditVerb.UPDATE,
        entry.changes.has_key(column.key),
    )


def unchanged_since(
    model: type[Record], column: Any, request_id: str, officer_id: int
) -> Select[Any]:
    """Return the ids of the records of `model` whose `column` this officer changed in
    `request_id`, and about which the trail tells nothing later."""
    noted = changed_in(model, column, request_id).subquery()
    later = aliased(AuditEntry)
    is_later = (
        select(later.id)
        .where(
            later.record_type == model.__tablename__,
            later.record_id == noted.c.record_id,
            later.id > noted.c.id,
            # What followed from the change in the same request is put back with it.
            later.request_id.is_distinct_from(request_id),
        )
        .exists()
    )
    query = select(model.id).join(noted, noted.c.record_id == model.id)
    return query.where(noted.c.officer_id == officer_id, ~is_later).order_by(model.id)

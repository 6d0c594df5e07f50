"""Changing one field of many records at once, and putting it back. The triggers of the tables note
every record in the trail, and stamp it with a new version."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import cast, delete, update

from models import Record, db
from queries.many import changed_in

MOST_TRIES = 60
"""How often one change is tried in search of the records that keep it from being made."""


def delete_many(model: type[Record], ids: list[int]) -> int:
    """Delete the records of `model` with these ids; return how many there were."""
    return int(db.session.execute(delete(model).where(model.id.in_(ids))).rowcount)  # type: ignore[attr-defined]


def set_field(model: type[Record], ids: list[int], *, column: Any, value: Any) -> int:
    """Set `column` to `value` in the records of `model` with these ids, those apart that have it
    already; return how many were changed.

    Raises what the database raises where a constraint or the rights on a row forbid it.
    """
    statement = (
        update(model)
        .where(model.id.in_(ids), column.is_distinct_from(value))
        .values({column.key: value})
        .execution_options(synchronize_session=False)
    )
    return int(db.session.execute(statement).rowcount)  # type: ignore[attr-defined]


def put_back(model: type[Record], ids: list[int], *, column: Any, request_id: str) -> int:
    """Give `column` of the records of `model` with these ids the value again that the request
    `request_id` took from it, as the trail has noted it; return how many were changed.

    Raises as set_field does.
    """
    noted = changed_in(model, column, request_id).subquery()
    before = cast(noted.c.changes[column.key][0].astext, column.type)
    statement = (
        update(model)
        .where(model.id == noted.c.record_id, model.id.in_(ids))
        .values({column.key: before})
        .execution_options(synchronize_session=False)
    )
    return int(db.session.execute(statement).rowcount)  # type: ignore[attr-defined]


def refused_ones(
    ids: list[int], why_not: Callable[[list[int]], str | None], *, most: int
) -> tuple[dict[int, str], bool]:
    """Return those of `ids` for which `why_not` gives a reason when it is asked about each alone,
    with the reason, and whether that is all of them: it is asked about halves of halves, until
    `most` are found or MOST_TRIES are over."""
    found: dict[int, str] = {}
    waiting = [ids]
    for _ in range(MOST_TRIES):
        if not waiting or len(found) >= most:
            break
        some = waiting.pop()
        reason = why_not(some)
        if reason is None:
            continue
        if len(some) == 1:
            found[some[0]] = reason
        else:
            half = len(some) // 2
            waiting += [some[half:], some[:half]]
    return found, not waiting

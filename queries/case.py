"""What belongs to one grievance, for its page: its records in one statement, its story in another.

A page of one statement for each kind of record would take two dozen. Here a row is the readable
columns of a record as JSON, and `Part` gives it back its types.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    func,
    inspect,
    literal,
    or_,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.orm import Session, joinedload

from models import (
    Appeal,
    AuditEntry,
    ConferenceOffice,
    Decision,
    DecisionPoint,
    Document,
    Extension,
    Feedback,
    GrievanceLink,
    JointConference,
    Letter,
    Pause,
    PlanStep,
    Record,
    Remedy,
    RoutingObjection,
)
from queries.filters import local_column

# The record types of a case, each with the paths that lead from it to its grievance.
OF_A_CASE: dict[type[Record], tuple[str, ...]] = {
    PlanStep: ("grievance_id",),
    Document: ("grievance_id",),
    JointConference: ("grievance_id",),
    ConferenceOffice: ("conference.grievance_id",),
    Decision: ("grievance_id",),
    DecisionPoint: ("decision.grievance_id",),
    Letter: ("grievance_id",),
    Appeal: ("decision.grievance_id",),
    Remedy: ("grievance_id",),
    RoutingObjection: ("grievance_id",),
    Pause: ("grievance_id",),
    Extension: ("grievance_id",),
    GrievanceLink: ("grievance_id", "other_grievance_id"),
    Feedback: ("grievance_id",),
}
MOST_PARTS = 100
"""So many records of one type stand on the page; the list of the type has the others."""

Scope = Callable[[type[Record]], ColumnElement[bool] | None]
Keys = Callable[[type[Record]], list[str]]


@dataclass(frozen=True)
class Part:
    """A record of a case: the columns that the officer may see, with the values as JSON has
    them."""

    model: type[Record]
    id: int
    values: dict[str, Any]

    def get(self, key: str) -> Any:
        """Return the value of the column `key`; None where it is empty or not to be seen."""
        return self.values.get(key)


def parts(
    session: Session, grievance_id: int, models: Iterable[type[Record]], scope: Scope, keys: Keys
) -> dict[type[Record], list[Part]]:
    """Return the records of the grievance by their type, those made first first, at most
    MOST_PARTS of each, within `scope` and with the columns in `keys`. One statement."""
    found: dict[type[Record], list[Part]] = {model: [] for model in models}
    if not found:
        return found
    known = {model.__tablename__: model for model in found}
    query = union_all(*(_of_type(model, grievance_id, scope, keys) for model in found))
    for place, number, values in session.execute(query):
        found[known[place]].append(Part(known[place], number, values))
    return found


def _of_type(model: Any, grievance_id: int, scope: Scope, keys: Keys) -> Select[Any]:
    columns = [local_column(model, key) for key in keys(model)]
    named = [one for column in columns for one in (literal(column.key, String), column)]
    query = select(
        literal(model.__tablename__, String).label("place"),
        model.id.label("id"),
        func.jsonb_build_object(*named).label("values"),
    ).where(or_(*(_leads_to(model, path, grievance_id) for path in OF_A_CASE[model])))
    seen = scope(model)
    if seen is not None:
        query = query.where(seen)
    return query.order_by(model.id).limit(MOST_PARTS)


def _leads_to(model: Any, path: str, grievance_id: int) -> ColumnElement[bool]:
    first, _dot, rest = path.partition(".")
    attribute = getattr(model, first)
    if not rest:
        ends: ColumnElement[bool] = attribute == grievance_id
        return ends
    other = inspect(model).relationships[first].mapper.class_
    leads: ColumnElement[bool] = attribute.has(_leads_to(other, rest, grievance_id))
    return leads


def story(places: Iterable[tuple[str, int]], most: int) -> Select[tuple[AuditEntry]]:
    """Return the newest `most` entries of the trail about the records at `places` (table, id),
    each with its officer."""
    pairs = [(number, table) for table, number in places]
    return (
        select(AuditEntry)
        .where(tuple_(AuditEntry.record_id, AuditEntry.record_type).in_(pairs))
        # The sum keeps the planner from walking the whole trail back in search of few entries.
        .order_by((AuditEntry.id + 0).desc())
        .limit(most)
        .options(joinedload(AuditEntry.officer))
    )

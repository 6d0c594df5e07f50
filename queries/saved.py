"""What an officer keeps of a list: saved views, the one it opens with, columns and density."""

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.orm import aliased

from models import DefaultView, ListLayout, Officer, SavedView

MOST_OFFERED = 200
MOST_KEPT = 50


def kept_of(officer_id: int, record_type: str, offered: ColumnElement[bool]) -> Select[Any]:
    """Return what `officer_id` keeps of the list of `record_type`, a row for each of the saved
    views that are `offered` to them, their own first; one row without a view where there is
    none."""
    keeper = aliased(Officer)

    def of_this(model: Any) -> Any:
        return and_(model.officer_id == Officer.id, model.record_type == record_type)

    kept: list[Any] = [
        ListLayout.columns,
        ListLayout.is_compact,
        DefaultView.saved_view_id.label("default_id"),
        SavedView.id,
        SavedView.name,
        SavedView.address,
        SavedView.officer_id,
        SavedView.shared_office_id,
        SavedView.shared_role,
        keeper.name.label("keeper"),
    ]
    return (
        select(*kept)
        .select_from(Officer)
        .outerjoin(ListLayout, of_this(ListLayout))
        .outerjoin(DefaultView, of_this(DefaultView))
        .outerjoin(SavedView, and_(SavedView.record_type == record_type, offered))
        .outerjoin(keeper, keeper.id == SavedView.officer_id)
        .where(Officer.id == officer_id)
        .order_by(SavedView.officer_id != Officer.id, func.lower(SavedView.name), SavedView.id)
        .limit(MOST_OFFERED)
    )


def default_of(officer_id: int, record_type: str) -> Select[Any]:
    """Return which view the list of `record_type` opens with for `officer_id`."""
    query = select(DefaultView).where(DefaultView.officer_id == officer_id)
    return query.where(DefaultView.record_type == record_type)


def layout_of(officer_id: int, record_type: str) -> Select[Any]:
    """Return the columns and the density that `officer_id` wants of the list of `record_type`."""
    query = select(ListLayout).where(ListLayout.officer_id == officer_id)
    return query.where(ListLayout.record_type == record_type)


def number_kept(officer_id: int, record_type: str) -> Select[Any]:
    """Return how many views `officer_id` keeps of the list of `record_type`, counted to 50."""
    some = select(SavedView.id).where(
        SavedView.officer_id == officer_id, SavedView.record_type == record_type
    )
    return select(func.count()).select_from(some.limit(MOST_KEPT).subquery())

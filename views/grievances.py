"""Screens of grievances that need more than their model says."""

from datetime import UTC, datetime
from typing import Any, cast

from flask import url_for
from flask_admin import expose
from flask_babel import gettext
from sqlalchemy import select

import security
from actions import clocks, impartiality
from imports import record_type_of
from models import Finding, Grievance, ImportBatch, Record, db
from queries import clocks as asking
from rules import RuleBroken
from rules.identity import MIGHT_OPEN, READ_THE_LOG
from rules.offices import ClockStart
from rules.permissions import Verb
from views.base import RecordView
from views.case import CASE_PARTS, read_page
from views.fields import RecordForm

WATCHED = (*impartiality.DECISIVE, *impartiality.CHOSEN)


class GrievanceView(RecordView):
    """Grievances: the page of a case, and the way to bring in a file of them."""

    details_template = "grievances/case.html"

    @expose("/details/")
    def details_view(self) -> Any:
        """The case: its state, clock and next step, then everything that belongs to it."""
        record: Any = self._asked_record(self.keys)
        return self.render(
            self.details_template,
            record=record,
            page=read_page(record),
            groups=self.groups(self.keys),
            tab="details",
            **{name: gather(record) for name, gather in CASE_PARTS.items()},
        )

    def _fill(self, form: RecordForm, record: Record) -> None:
        """What says who must not act is not changed by them, nor are they chosen."""
        wanted: dict[str, Any] = {}
        for key in WATCHED:
            name = key.removesuffix("_id")
            if name in form:
                value = form[name].data
                wanted[key] = value.id if isinstance(value, Record) else value
        self._check_impartial([record], wanted)
        super()._fill(form, record)

    def _set(self, ids: list[int], column: Any, value: Any) -> int:
        if column.key in WATCHED:
            query = select(Grievance).where(Grievance.id.in_(ids))
            self._check_impartial(list(db.session.scalars(query)), {column.key: value})
        return super()._set(ids, column, value)

    def _check_impartial(self, records: list[Any], wanted: dict[str, Any]) -> None:
        officer = security.current_officer()
        if wanted and officer is not None:
            settings, now = security.impartiality(), datetime.now(UTC)
            impartiality.check_edit(records, wanted, by=officer, now=now, settings=settings)

    def list_links(self) -> list[tuple[str, str]]:
        links = import_link(Grievance)
        if security.roles() & MIGHT_OPEN:
            waiting = url_for("identity.requests_to_decide")
            links.append((gettext("Openings to agree to"), waiting))
        return links

    def after_change(self, ids: list[int], columns: set[str], *, is_new: bool = False) -> None:
        """Start the clocks of a new grievance; count those that run by the rules of its category
        where that was changed. From when it was received clocks have been counted: that stays."""
        by, now = security.current_officer(), datetime.now(UTC)
        if is_new:
            for grievance in db.session.scalars(select(Grievance).where(Grievance.id.in_(ids))):
                received = grievance.received_at
                clocks.happened(grievance, ClockStart.RECEIVED, received, by=by, now=now)
            return
        if "received_at" in columns and db.session.scalar(asking.have_clocks(ids)):
            raise RuleBroken(
                "Its clocks have started with when it was received. That stays as it is.",
                field="received_at",
            )
        if "category_id" in columns:
            clocks.change_rules(ids, reason=clocks.CATEGORY_CHANGED, by=by, now=now)

    def record_links(self, record: Record) -> list[tuple[str, str]]:
        if not security.roles() & READ_THE_LOG:
            return []
        return [(gettext("Identity"), url_for("identity.overview", grievance_id=record.id))]


def import_link(model: type[Record]) -> list[tuple[str, str]]:
    """Return the way to bring in a file of records of `model`, for whom it is open."""
    if not security.can(Verb.IMPORT, model):
        return []
    return [(gettext("Import a file"), url_for("imports.start"))]


class ImportBatchView(RecordView):
    """Files that were brought in, with the way to bring in another."""

    def list_links(self) -> list[tuple[str, str]]:
        return import_link(Grievance) or import_link(Finding)

    def record_links(self, record: Record) -> list[tuple[str, str]]:
        if not security.can(Verb.IMPORT, record_type_of(cast(ImportBatch, record).brings)):
            return []
        return [(gettext("What was found"), url_for("imports.batch", batch_id=record.id))]

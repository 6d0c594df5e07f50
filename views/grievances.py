"""Screens of grievances that need more than their model says."""

from datetime import UTC, datetime

from flask import url_for
from flask_babel import gettext
from sqlalchemy import select

import security
from actions import clocks
from models import Grievance, Record, db
from queries import clocks as asking
from rules import RuleBroken
from rules.identity import MIGHT_OPEN, READ_THE_LOG
from rules.offices import ClockStart
from rules.permissions import Verb
from views.base import RecordView


class GrievanceView(RecordView):
    """Grievances, with the way to bring in a file of them."""

    def list_links(self) -> list[tuple[str, str]]:
        links = []
        if security.can(Verb.IMPORT, Grievance):
            links.append((gettext("Import a file"), url_for("imports.start")))
        if self.model is Grievance and security.roles() & MIGHT_OPEN:
            waiting = url_for("identity.requests_to_decide")
            links.append((gettext("Openings to agree to"), waiting))
        return links

    def after_change(self, ids: list[int], columns: set[str], *, is_new: bool = False) -> None:
        """Start the clocks of a new grievance; count those that run by the rules of its category
        where that was changed. From when it was received clocks have been counted: that stays."""
        if self.model is not Grievance:
            return
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


class ImportBatchView(GrievanceView):
    """Files that were brought in, with the way to bring in another."""

    def record_links(self, record: Record) -> list[tuple[str, str]]:
        if not security.can(Verb.IMPORT, Grievance):
            return []
        return [(gettext("What was found"), url_for("imports.batch", batch_id=record.id))]

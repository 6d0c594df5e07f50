"""Screens of grievances that need more than their model says."""

from flask import url_for
from flask_babel import gettext

import security
from models import Grievance, Record
from rules.permissions import Verb
from views.base import RecordView


class GrievanceView(RecordView):
    """Grievances, with the way to bring in a file of them."""

    def list_links(self) -> list[tuple[str, str]]:
        if not security.can(Verb.IMPORT, Grievance):
            return []
        return [(gettext("Import a file"), url_for("imports.start"))]


class ImportBatchView(GrievanceView):
    """Files that were brought in, with the way to bring in another."""

    def record_links(self, record: Record) -> list[tuple[str, str]]:
        if not security.can(Verb.IMPORT, Grievance):
            return []
        return [(gettext("What was found"), url_for("imports.batch", batch_id=record.id))]

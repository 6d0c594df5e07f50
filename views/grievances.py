"""Screens of grievances that need more than their model says."""

from flask import url_for
from flask_babel import gettext

import security
from models import Grievance, Record
from rules.identity import MIGHT_OPEN, READ_THE_LOG
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

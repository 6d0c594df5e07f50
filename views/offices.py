"""Screens of offices and officers that need more than their model says."""

from flask import url_for
from flask_babel import gettext

import security
from models import Officer, Record
from rules.permissions import Verb
from views.asking import may_hand_over
from views.base import RecordView
from views.shown import supervision_of


class OfficeView(RecordView):
    """Offices, with the way to what supervision knows of them."""

    def record_links(self, record: Record) -> list[tuple[str, str]]:
        address = supervision_of(record.id)
        return [(gettext("Supervision"), address)] if address else []


class OfficerView(RecordView):
    """Officers, with the ways to their log-in, their roles, and to what they hold."""

    def record_links(self, record: Record) -> list[tuple[str, str]]:
        links = []
        if isinstance(record, Officer) and may_hand_over(record):
            address = url_for("handing_over.officer", officer_id=record.id)
            links.append((gettext("Hand over"), address))
        if not security.can(Verb.EDIT, Officer):
            return links
        return [
            *links,
            (gettext("Log-in and password"), url_for("account.officer", officer_id=record.id)),
            (gettext("Roles"), url_for("roles.officer", officer_id=record.id)),
            (gettext("Leaving"), url_for("leaving.officer", officer_id=record.id)),
        ]

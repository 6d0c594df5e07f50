"""Issuing a supervision notice: its number, and its papers as they went out."""

from collections.abc import Callable, Iterable
from datetime import date

from actions.documents import file_of
from actions.findings import Issuer
from actions.numbers import next_number
from models import NoticePaper, SupervisionNotice, db
from papers.letters import Sheet, as_pdf
from papers.store import Store

SERIES, FORM = "supervision notices", "NT [{year}] {number}"
"""The series of notices, and how its numbers are written until its record says another way."""

Sheets = Callable[[SupervisionNotice, date], Iterable[Sheet]]
"""Gives what stands on the papers of a notice that has its number: one sheet for each language."""


def issuer(sheets: Sheets, *, body: str, store: Store) -> Issuer:
    """Return what numbers a notice of the bureau `body`, within the open transaction, and keeps its
    papers in `store`. Raises OSError where the disk refuses them."""

    def issue(notice: SupervisionNotice, today: date) -> None:
        given = next_number(db.session(), body=body, series=SERIES, year=today.year, form=FORM)
        notice.number, notice.number_series_id = given.number, given.series_id
        notice.number_in_series = given.place
        for sheet in sheets(notice, today):
            kept = file_of(store.keep(as_pdf(sheet)))
            db.session.add(NoticePaper(notice_id=notice.id, language=sheet.language, **kept))

    return issue

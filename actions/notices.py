"""Issuing a supervision notice: its number, and its papers as they went out."""

from collections.abc import Callable, Iterable
from datetime import date

from actions.findings import Issuer
from actions.numbers import next_number
from models import NoticePaper, SupervisionNotice, db
from papers.letters import Sheet, as_pdf, shipped
from papers.store import Store
from rules.grievance import LetterLanguage
from rules.letters import LONGEST_SUBJECT, fill

SERIES, FORM = "supervision notices", "NT [{year}] {number}"
"""The series of notices, and how its numbers are written until its record says another way."""

Sheets = Callable[[SupervisionNotice, date], Iterable[Sheet]]
"""Gives what stands on the papers of a notice that has its number: one sheet for each language."""


def sheet_of(
    notice: SupervisionNotice,
    language: LetterLanguage,
    *,
    issued_on: date,
    sender: str,
    rests_on: str,
    show: Callable[[date], str],
) -> Sheet:
    """Return what stands on the paper of `notice` in `language`. `sender` are name and address of
    the bureau, `rests_on` says what the notice rests on and `show` writes a day, both in that
    language."""
    body_of, number = sender.partition("\n")[0], str(notice.number)
    values = {
        "number": number,
        "office": notice.office.name,
        "group": notice.group.name,
        "bureau": body_of,
        "subject": notice.subject,
        "demand": notice.demand,
        "reply_due_on": show(notice.reply_due_on),
        "issued_on": show(issued_on),
        "rests_on": rests_on,
    }
    subject, body = shipped("supervision_notice", language)
    return Sheet(
        language=language,
        bureau=sender,
        place=(notice.office.name, *(notice.office.address or "").splitlines()),
        reference=number,
        day=show(issued_on),
        subject=" ".join(fill(subject, values).split())[:LONGEST_SUBJECT],
        body=fill(body, values),
        foot=f"{number} · {body_of}",
    )


def keep_paper(notice: SupervisionNotice, sheet: Sheet, store: Store) -> None:
    """Keep `notice` as it went out in one language. Raises OSError where the disk refuses it."""
    kept = store.keep(as_pdf(sheet))
    db.session.add(
        NoticePaper(
            notice_id=notice.id,
            language=sheet.language,
            stored_name=kept.name,
            size=kept.size,
            sha256=kept.sha256,
        )
    )


def issuer(sheets: Sheets, *, body: str, store: Store) -> Issuer:
    """Return what numbers a notice of the bureau `body`, within the open transaction, and keeps its
    papers in `store`. Raises OSError where the disk refuses them."""

    def issue(notice: SupervisionNotice, today: date) -> None:
        given = next_number(db.session(), body=body, series=SERIES, year=today.year, form=FORM)
        notice.number, notice.number_series_id = given.number, given.series_id
        notice.number_in_series = given.place
        for sheet in sheets(notice, today):
            keep_paper(notice, sheet, store)

    return issue

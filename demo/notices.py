"""Papers of the demo's supervision notices, as they went out."""

from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from actions.notices import keep_paper, sheet_of
from demo.letters import BUREAU
from demo.records import Known
from models import SupervisionNotice
from papers.store import Store
from rules.grievance import LetterLanguage

RESTS_ON = {
    LetterLanguage.ENGLISH: "Finding of {day}: {subject}",
    LetterLanguage.CHINESE: "{day}的督查发现：{subject}",
}


def _english(day: date) -> str:
    return f"{day:%d %B %Y}".lstrip("0")


def _chinese(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


SHOWN = {LetterLanguage.ENGLISH: _english, LetterLanguage.CHINESE: _chinese}


def add_papers(known: Known, store: Store) -> None:
    """Keep the papers of each notice that was issued, in both languages, in `store`."""
    query = (
        select(SupervisionNotice)
        .where(SupervisionNotice.issued_on.is_not(None))
        .options(*map(selectinload, (SupervisionNotice.office, SupervisionNotice.finding)))
        .order_by(SupervisionNotice.id)
    )
    for notice in known.session.scalars(query):
        for language, show in SHOWN.items():
            found = notice.finding
            told = {"day": show(found.found_on), "subject": found.subject} if found else {}
            sheet = sheet_of(
                notice,
                language,
                issued_on=notice.issued_on or notice.reply_due_on,
                sender=BUREAU,
                rests_on=RESTS_ON[language].format(**told) if found else "",
                show=show,
            )
            keep_paper(notice, sheet, store)

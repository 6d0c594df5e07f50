"""Letters of the demo: what complainants were told when their grievance was received."""

from sqlalchemy import select

from actions.letters import Wanted, keep_letter, load_templates, words_of
from demo.records import Known
from models import Decision, Grievance
from papers.letters import Sheet
from papers.store import Store
from rules.grievance import LetterKind, LetterLanguage

BUREAU = "Larkfield District Grievance Bureau"
WITHHELD = "Address withheld: it is filled in when it is printed."


def add_letters(known: Known, store: Store) -> None:
    """Make the templates of letters, and keep a letter in `store` to each complainant whose
    grievance was decided."""
    load_templates()
    wanted = Wanted(LetterKind.ACKNOWLEDGEMENT, LetterLanguage.ENGLISH)
    decided = select(Decision.grievance_id)
    query = select(Grievance).where(Grievance.id.in_(decided)).order_by(Grievance.number)
    for grievance in known.session.scalars(query):
        received = f"{grievance.received_at:%d %B %Y}".lstrip("0")
        values = {"number": grievance.number, "title": grievance.title, "received_on": received}
        words = words_of(wanted, values | {"bureau": BUREAU, "office": "", "today": received})
        sheet = Sheet(
            language=wanted.language,
            bureau=BUREAU,
            place=(WITHHELD,),
            reference=grievance.number,
            day=received,
            subject=words.subject,
            body=words.body,
            foot=f"{grievance.number} · {BUREAU}",
        )
        keep_letter(grievance, wanted, words, sheet, store=store)

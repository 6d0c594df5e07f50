"""What was seen so far at the demo's visit that is under way: at an office that does not exist."""

from datetime import datetime, timedelta

from actions.documents import keep_from_visit
from actions.visits import Written, copy_questions, draw_sample, write_answer
from demo.records import BOSTON, Known
from models import Inspection, Officer
from papers.store import Store
from queries.visits import answers_of, sampled_of
from rules.visits import Remedied, VisitAnswer

Seen = tuple[VisitAnswer | Remedied, str]

SEED = "7c1e0d5b9a3f42e68d1b0c4f5a6e7d80"
"""The same sample at every load."""
PAPER = b"Twenty letters, as they lay: numbered 1 to 8 and 11 to 20; two without, stamped Monday.\n"
FIRST_DAY = datetime(2011, 1, 1, tzinfo=BOSTON)
ANSWERS: dict[int, Seen] = {
    1: (VisitAnswer.PARTLY, "Eighteen of twenty. Two letters of Monday lay in the tray without."),
    2: (VisitAnswer.YES, "Asked at 11:40, taken down at once."),
    4: (VisitAnswer.NO, "The list hangs at the registry; the last tick is of 9 January."),
    6: (VisitAnswer.YES, "9, 12 and 17 January agree."),
}
SAMPLED: dict[int, Seen] = {
    1: (Remedied.YES, "Seen on the spot; the neighbour says it has held since."),
    2: (Remedied.NO, "The file says done. Nothing has been done at the place."),
}


def add_what_was_seen(known: Known, store: Store) -> None:
    """Copy the questions, draw the sample, write down what was seen so far and keep a paper."""
    visit, inspector = known.get(Inspection, "under way"), known.get(Officer, "supervisor")
    copy_questions(visit)
    draw_sample(visit, since=FIRST_DAY, seed=SEED)
    known.session.flush()
    at = datetime(2012, 1, 20, 9, 30, tzinfo=BOSTON)
    seen: list[tuple[Written, Seen | None]] = [
        *((one, ANSWERS.get(one.position)) for one in known.session.scalars(answers_of(visit.id))),
        *((one, SAMPLED.get(one.position)) for one in known.session.scalars(sampled_of(visit.id))),
    ]
    for row, told in seen:
        at += timedelta(minutes=9)
        if told is not None:
            answer, note = told
            version = row.version_id
            write_answer(row, version=version, answer=answer, note=note, by=inspector, now=at)
    keep_from_visit(
        visit, PAPER, name="Letters in the tray at 9:20", store=store, largest=len(PAPER)
    )

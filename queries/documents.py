"""What is asked about the documents of a grievance, and about all files that are kept."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, joinedload

from models import Document, Grievance, InspectionDocument, NoticePaper

MOST = 100
"""On the page of a grievance; the list of documents shows all."""


@dataclass(frozen=True)
class Documents:
    """The documents of one grievance, newest first, and whether there are more than are here."""

    grievance: Grievance
    all: list[Document]
    has_more: bool


def documents_of(grievance_id: int) -> Select[Document]:
    """Ask for the documents of a grievance, newest first, with who brought them."""
    return (
        select(Document)
        .where(Document.grievance_id == grievance_id)
        .options(joinedload(Document.created_by))
        .order_by(Document.id.desc())
    )


def for_case(session: Session, grievance: Grievance) -> Documents:
    """Return what templates/grievances/_documents.html shows; one statement."""
    found = list(session.scalars(documents_of(grievance.id).limit(MOST + 1)))
    return Documents(grievance, found[:MOST], len(found) > MOST)


WITH_FILES = (Document, InspectionDocument, NoticePaper)


def stored_files(session: Session) -> Iterator[tuple[str, int, str, str]]:
    """Yield (table, number of the record, name of its file, SHA-256) of each that has a file."""
    for model in WITH_FILES:
        query = (
            select(model.id, model.stored_name, model.sha256)
            .where(model.stored_name.is_not(None))
            .order_by(model.id)
            .execution_options(yield_per=1000)
        )
        for number, name, sha256 in session.execute(query):
            yield model.__tablename__, number, str(name), str(sha256)

"""What is asked about the documents of a grievance."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select, union_all
from sqlalchemy.orm import Session, joinedload

from models import Document, Grievance, NoticePaper

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


def stored_files(session: Session) -> Iterator[tuple[int, str, str]]:
    """Yield (number of the record, name of its file, SHA-256) of each document and each paper of a
    notice that has a file."""
    query: Any = union_all(
        select(Document.id, Document.stored_name, Document.sha256).where(
            Document.stored_name.is_not(None)
        ),
        select(NoticePaper.id, NoticePaper.stored_name, NoticePaper.sha256),
    ).execution_options(yield_per=1000)
    for number, name, sha256 in session.execute(query):
        yield number, str(name), str(sha256)

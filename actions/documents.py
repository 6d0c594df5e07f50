"""Keeping a document of a grievance or of a visit: its file is cleaned and stored, the record tells
of it."""

import hashlib
from dataclasses import dataclass
from datetime import date

from models import Document, Grievance, Inspection, InspectionDocument, db
from papers import Store, Stored, clean
from rules import RuleBroken
from rules.grievance import DocumentKind

MEGABYTE = 1_000_000
MOST_AT_ONCE = 20
LONGEST_NAME = 180
"""Of 200 signs a number in brackets may take the rest."""


@dataclass(frozen=True)
class Told:
    """What an officer says of the documents they upload at once; `name` "" for that of the file."""

    name: str
    kind: DocumentKind
    received_on: date | None


def keep_document(
    grievance: Grievance, content: bytes, *, name: str, told: Told, store: Store, largest: int
) -> Document:
    """Clean the file `content`, store it, and add its record under `name` to the open transaction.

    The file is on the disk when this returns; where the transaction does not end well it is left
    over, and `flask documents` removes it. `largest` is in bytes. Raises RuleBroken with what to
    do, OSError where the disk refuses it.
    """
    document = Document(
        grievance_id=grievance.id,
        name=name,
        kind=told.kind,
        received_on=told.received_on,
        **_kept(content, store, largest),
    )
    db.session.add(document)
    db.session.flush()
    return document


def keep_from_visit(
    inspection: Inspection, content: bytes, *, name: str, store: Store, largest: int
) -> InspectionDocument:
    """Keep a photo or paper from a visit in the same way. Raises RuleBroken, OSError."""
    document = InspectionDocument(
        inspection_id=inspection.id, name=name, **_kept(content, store, largest)
    )
    db.session.add(document)
    db.session.flush()
    return document


def _kept(content: bytes, store: Store, largest: int) -> dict[str, object]:
    """Clean and store a file; return what its record says of it."""
    if len(content) > largest:
        raise RuleBroken(
            "The file is larger than %(number)s MB. Make it smaller, or upload it in parts.",
            number=largest // 1_000_000 or 1,
        )
    cleaned = clean(content)
    return {
        "media_type": cleaned.media_type,
        "sent_sha256": hashlib.sha256(content).hexdigest(),
        **file_of(store.keep(cleaned.content)),
    }


def file_of(stored: Stored) -> dict[str, object]:
    """Return what the record of a document says of its stored file."""
    return {"stored_name": stored.name, "size": stored.size, "sha256": stored.sha256}


def readable_name(file_name: str) -> str:
    """Return the name of a file without its folders and without what cannot be stored; "" where
    nothing is left."""
    last = file_name.replace("\\", "/").rpartition("/")[2]
    signs = (sign for sign in last if sign.isprintable() and not "\ud800" <= sign <= "\udfff")
    return "".join(signs).strip()[:LONGEST_NAME]


def without_ending(file_name: str) -> str:
    """Return "Photo" for "Photo.jpg"."""
    return file_name.rpartition(".")[0].strip() or file_name

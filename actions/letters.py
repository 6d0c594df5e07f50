"""Making a letter: its words are filled in, set as PDF, and kept as they went out."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select

from actions.documents import file_of
from models import Decision, Document, Grievance, Letter, LetterTemplate, Office, db
from papers.letters import Sheet, as_pdf, shipped
from papers.store import Store
from rules import RuleBroken
from rules.grievance import DecisionState, DocumentKind, LetterKind, LetterLanguage
from rules.identity import IdentityField
from rules.letters import LONGEST_BODY, LONGEST_SUBJECT, TELLS_OF_DECISION, fill


@dataclass(frozen=True)
class Words:
    """The words of a letter that is not kept yet, and the template they come from."""

    subject: str
    body: str
    template: LetterTemplate | None


@dataclass(frozen=True)
class Wanted:
    """Which letter is wanted; `decision` where it tells of one, `office` where it goes to one."""

    kind: LetterKind
    language: LetterLanguage
    decision: Decision | None = None
    office: Office | None = None


def check_wanted(wanted: Wanted) -> None:
    """Raise RuleBroken where there cannot be such a letter."""
    if wanted.kind in TELLS_OF_DECISION and (
        wanted.decision is None or wanted.decision.state is not DecisionState.GIVEN
    ):
        raise RuleBroken("No decision was given yet that this letter could tell of.", field="kind")
    if wanted.kind is LetterKind.TO_OFFICE and wanted.office is None:
        raise RuleBroken("No office is responsible yet to which it could go.", field="kind")


def words_of(wanted: Wanted, values: Mapping[str, str]) -> Words:
    """Return what the letter says, by the template in use or the one that comes with the product.
    Raises RuleBroken."""
    check_wanted(wanted)
    template = db.session.scalar(
        select(LetterTemplate).where(
            LetterTemplate.kind == wanted.kind,
            LetterTemplate.language == wanted.language,
            LetterTemplate.retired_on.is_(None),
        )
    )
    subject, body = (
        (template.subject, template.body) if template else shipped(wanted.kind, wanted.language)
    )
    filled = Words(
        " ".join(fill(subject, values).split())[:LONGEST_SUBJECT], fill(body, values), template
    )
    if len(filled.body) > LONGEST_BODY:
        raise RuleBroken("The letter is too long. Shorten the decision or the template.")
    return filled


def keep_letter(
    grievance: Grievance, wanted: Wanted, words: Words, sheet: Sheet, *, store: Store
) -> Letter:
    """Keep the letter as it goes out, but for who complained: `sheet` has no address of theirs.
    Add it and its file to the open transaction. Raises OSError where the disk refuses it."""
    content = as_pdf(sheet)
    document = Document(
        grievance_id=grievance.id,
        name=words.subject[:200],
        kind=DocumentKind.LETTER,
        media_type="application/pdf",
        sent_sha256=hashlib.sha256(content).hexdigest(),
        **file_of(store.keep(content)),
    )
    db.session.add(document)
    db.session.flush()
    letter = Letter(
        grievance_id=grievance.id,
        decision_id=wanted.decision.id if wanted.decision else None,
        kind=wanted.kind,
        language=wanted.language,
        office_id=wanted.office.id if wanted.office else None,
        subject=words.subject,
        body=words.body,
        letter_template_id=words.template.id if words.template else None,
        document_id=document.id,
    )
    db.session.add(letter)
    db.session.flush()
    return letter


def load_templates() -> int:
    """Make a template, to be edited, of each kind and language of letter that has none in use, from
    those that come with the product; return how many."""
    in_use = db.session.execute(
        select(LetterTemplate.kind, LetterTemplate.language).where(
            LetterTemplate.retired_on.is_(None)
        )
    ).all()
    wanted = {(kind, language) for kind in LetterKind for language in LetterLanguage}
    missing = sorted(wanted - {(kind, language) for kind, language in in_use})
    for kind, language in missing:
        subject, body = shipped(kind, language)
        name = f"{kind.value.replace('_', ' ').capitalize()} ({language.value})"
        db.session.add(
            LetterTemplate(name=name, kind=kind, language=language, subject=subject, body=body)
        )
    db.session.flush()
    return len(missing)


def address_of(known: Mapping[IdentityField, str]) -> tuple[str, ...]:
    """Return the lines of an address from an identity that was opened for it. Raises RuleBroken
    where there is none to send a letter to."""
    if not known[IdentityField.ADDRESS].strip():
        raise RuleBroken("No postal address was given. Ask how they want to be told.")
    lines = [known[IdentityField.NAME], *known[IdentityField.ADDRESS].splitlines()]
    return tuple(line.strip() for line in lines if line.strip())

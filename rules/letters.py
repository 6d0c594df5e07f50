"""What a template of a letter may say, and how the places in it are filled."""

import re
from collections.abc import Mapping

from rules import RuleBroken
from rules.grievance import LetterKind

OF_EVERY_LETTER = ("number", "title", "received_on", "office", "bureau", "today")
OF_A_DECISION = ("summary", "points", "follows", "how_to_appeal", "review_until")
TELLS_OF_DECISION = frozenset({LetterKind.TO_COMPLAINANT, LetterKind.TO_OFFICE})
"""Kinds of letters that there are only once a decision was given."""
LONGEST_SUBJECT = 300
LONGEST_BODY = 100_000

_PLACE = re.compile(r"\{([^{}\n]*)\}")


def places_of(kind: LetterKind) -> tuple[str, ...]:
    """Return the names of what is filled into letters of `kind`."""
    return OF_EVERY_LETTER + (OF_A_DECISION if kind in TELLS_OF_DECISION else ())


def check_template(kind: LetterKind, subject: str, body: str) -> None:
    """Raise RuleBroken where a text names a place that nothing fills."""
    known = places_of(kind)
    for field, text in (("subject", subject), ("body", body)):
        for found in _PLACE.finditer(text):
            if found[1] not in known:
                raise RuleBroken(
                    "Nothing is filled in for %(place)s in a letter of this kind. There are: "
                    "%(known)s.",
                    field=field,
                    place=found[0],
                    known=", ".join(f"{{{name}}}" for name in known),
                )


def fill(text: str, values: Mapping[str, str]) -> str:
    """Return `text` with its places filled. What is filled in is not looked through again; a place
    that nothing fills stays as it is."""
    return _PLACE.sub(lambda found: values.get(found[1], found[0]), text)


def paragraphs(body: str) -> list[tuple[bool, str]]:
    """Return the paragraphs of a letter in their order: whether it is a heading, and its words."""
    found = []
    for part in re.split(r"\n\s*\n|\n(?=#)|(?<=\n)(?=#)", body.strip()):
        lines = part.strip().split("\n")
        if lines[0].startswith("#"):
            found.append((True, lines.pop(0).lstrip("# ")))
        if rest := "\n".join(lines).strip():
            found.append((False, rest))
    return [one for one in found if one[1]]

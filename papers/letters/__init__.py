"""Letters as PDF: the words are filled in before, Typst sets them on the sheet.

What people typed comes to Typst as data and never as markup, so that nothing in it is run. Letters
and fonts come with the product: the same words look the same on every machine.
"""

import json
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

import noto_cjk_sans_otc
import typst

from rules.grievance import LetterLanguage
from rules.letters import paragraphs

HERE = Path(__file__).parent
FONTS = Path(str(noto_cjk_sans_otc.FONT_PATH)).parent
FAMILIES = ("Libertinus Serif", "Noto Sans CJK SC")
"""Those that letter.typ names: the first comes with Typst."""


@dataclass(frozen=True)
class Sheet:
    """What stands on a letter, each in its language. `place` has the lines of the address: of an
    office, of the complainant, or in the kept copy why there is none."""

    language: LetterLanguage
    bureau: str
    place: tuple[str, ...]
    reference: str
    day: str
    subject: str
    body: str
    foot: str

    def to(self, place: tuple[str, ...]) -> "Sheet":
        """Return the same letter to another address."""
        return replace(self, place=place)


def shipped(kind: str, language: LetterLanguage) -> tuple[str, str]:
    """Return subject and body of the template that comes with the product."""
    text = (files(__name__) / f"{kind}.{language}.txt").read_text("utf-8")
    subject, _blank, body = text.partition("\n\n")
    return subject.strip(), body.strip()


def as_pdf(sheet: Sheet) -> bytes:
    """Return the letter as a tagged PDF. The same sheet gives the same bytes."""
    data = vars(sheet) | {"paragraphs": paragraphs(sheet.body)}
    written = typst.compile(
        HERE / "letter.typ",
        root=HERE,
        font_paths=[FONTS],
        ignore_system_fonts=True,
        sys_inputs={"data": json.dumps(data, ensure_ascii=False)},
        pdf_standards=["ua-1"],
        timestamp=0,
    )
    return bytes(written)


def fonts() -> list[str]:
    """Return the families of letters that there are, for `flask doctor`."""
    return list(typst.Fonts(include_system_fonts=False, font_paths=[FONTS]).families())

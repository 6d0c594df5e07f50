"""Reports as PDF: a heading, sentences and tables with bars, set by Typst.

As with letters, words come to Typst as data and never as markup; the same report gives the same
bytes.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import typst

from papers.letters import FONTS
from rules.grievance import LetterLanguage

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Section:
    """A table under a heading, each cell in words; `bars` has for each row how much of the longest
    one it is (0 to 1), or nothing."""

    title: str
    reading: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    bars: Sequence[float] = ()


@dataclass(frozen=True)
class Report:
    """What stands on the paper, all in its language."""

    language: LetterLanguage
    bureau: str
    title: str
    about: str
    day: str
    sections: Sequence[Section]
    foot: str


def as_pdf(report: Report) -> bytes:
    """Return the report as a tagged PDF."""
    written = typst.compile(
        HERE / "report.typ",
        root=HERE,
        font_paths=[FONTS],
        ignore_system_fonts=True,
        sys_inputs={"data": json.dumps(asdict(report), ensure_ascii=False)},
        pdf_standards=["ua-1"],
        timestamp=0,
    )
    return bytes(written)

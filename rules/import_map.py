"""What an import map may say: the small TOML file that tells what a city's columns mean.

docs/import.md is its manual, import_kinds.py has what records can be brought in by it,
import_map_text.py reads the TOML, import_values.py reads the rows of a file.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from enum import StrEnum

from rules.import_kinds import Kind
from rules.offices import AreaLevel, OfficeLevel

DEEPEST = 8
"""Levels that a category or an area may have in a map."""

ISO = "iso"
"""The date format that reads every ISO 8601 date, with or without time and offset."""

UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
"""Control characters, and bytes that the encoding does not know (kept as surrogates)."""


class Unknown(StrEnum):
    """What happens to an office, category or area that the register does not know."""

    MAKE = "make"
    REFUSE = "refuse"


class Contacts(StrEnum):
    """What happens to what looks like a telephone number or an e-mail address in a text."""

    WARN = "warn"
    REFUSE = "refuse"
    REMOVE = "remove"


class OpenWithClosingTime(StrEnum):
    """What happens to a row that is open by its status and has a closing time."""

    REFUSE = "refuse"
    IGNORE = "ignore"


@dataclass(frozen=True)
class Cell:
    """Where a value comes from: the first of `columns` that is not blank (all of them with
    `join` between), or `constant`; then looked up in `values` (keys without case), `otherwise`
    where it is not there; `prefix` before it where it is not blank."""

    columns: tuple[str, ...] = ()
    join: str | None = None
    prefix: str = ""
    constant: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    otherwise: str | None = None
    formats: tuple[str, ...] = ()
    zone: tzinfo = UTC
    ignores_closing_time: bool = False

    @property
    def label(self) -> str:
        """The columns as reports name them."""
        return " / ".join(self.columns)


@dataclass(frozen=True)
class Parent:
    """The office under which new ones are made; made itself where it is not there."""

    code: str
    name: str
    level: OfficeLevel


@dataclass(frozen=True)
class OfficeRule:
    """How an office is found, by code and then by name, and made."""

    code: Cell | None
    name: Cell | None
    level: OfficeLevel
    unknown: Unknown
    parent: Parent | None

    @property
    def label(self) -> str:
        cells = (cell for cell in (self.code, self.name) if cell is not None)
        return ", ".join(dict.fromkeys(cell.label for cell in cells))


@dataclass(frozen=True)
class TreeRule:
    """The levels of a category or an area, widest first; blank levels are left out."""

    path: tuple[Cell, ...]
    levels: tuple[AreaLevel, ...]
    unknown: Unknown

    @property
    def label(self) -> str:
        return ", ".join(cell.label for cell in self.path if cell.columns)


@dataclass(frozen=True)
class ImportMap:
    """A map that has been read: it makes sense in itself, whatever the file turns out to be."""

    kind: Kind
    source: str
    about: str
    encoding: str
    delimiter: str
    quote: str
    empty: frozenset[str]
    contacts: Contacts
    cells: Mapping[str, Cell]
    offices: Mapping[str, OfficeRule]
    trees: Mapping[str, TreeRule]

    def columns(self) -> dict[str, str]:
        """Return the columns that the map reads, each with the field that it reads it for."""
        named: dict[str, str] = {}
        for name, cell in self.cells.items():
            named |= dict.fromkeys(cell.columns, name)
        for name, tree in self.trees.items():
            named |= {column: name for cell in tree.path for column in cell.columns}
        for name, office in self.offices.items():
            cells = [cell for cell in (office.code, office.name) if cell is not None]
            named |= {column: name for cell in cells for column in cell.columns}
        return named


def squeezed(text: str) -> str:
    """Return `text` in one line, with single blanks between its words."""
    return " ".join(text.split())

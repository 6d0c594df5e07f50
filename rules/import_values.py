"""Reads the rows of a file by an import map: cells become values, or a reason why not.

One row knows nothing of the others and nothing of the register; what needs them (numbers that
stand twice, offices that nobody knows) is decided over the whole file afterwards.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo

from rules import RuleBroken, mark
from rules.findings import ASKS
from rules.grievance import GrievanceState
from rules.import_kinds import OPEN, every
from rules.import_map import ISO, UNPRINTABLE, Cell, Contacts, ImportMap, squeezed
from rules.records import Brings
from rules.supervision import FindingSeverity, FindingState

BETWEEN = "\x1f"
"""Stands between the levels of a path and between an office's code and name; no cell holds it."""

VALUES = every("fields")
"""The fields of a row, of whatever kind, in the order in which they are staged."""

# Every reason for which a row is refused. Each may name %(column)s, %(value)s and %(detail)s.
REASONS = {
    "cells": mark("The row has %(value)s cells, the header has %(detail)s."),
    "quotes": mark("A quotation mark stands where none may be."),
    "unprintable": mark(
        "The cell holds bytes that are no text (is the map's encoding right?) or control"
        " characters."
    ),
    "blank": mark("The cell is empty, and the record needs it."),
    "too_long": mark("The text has %(value)s characters; %(detail)s is the most."),
    "date": mark("This is no date as the map describes it."),
    "year": mark("The year is not between 1900 and 2199."),
    "not_listed": mark("The map does not say what this means."),
    "before_receipt": mark("It would stand before receipt (%(detail)s)."),
    "before_finding": mark("It would stand before the day of the finding (%(detail)s)."),
    "closed_without_time": mark("It is closed, but without a closing time."),
    "open_with_time": mark("It has a closing time but is not closed by its status."),
    "state_needs": mark("Its state needs %(detail)s, which is empty."),
    "ground_of_no_failure": mark("It names a failure of duty, and by its severity there was none."),
    "contact": mark("It holds what looks like a telephone number or an e-mail address."),
    "same_number": mark("The same number stands in row %(detail)s with other content."),
    "unknown_office": mark("The register has no such office, and the map does not make any."),
    "unclear_office": mark("Several offices have this name; the map must give their code."),
    "unknown_category": mark("The register has no such category, and the map does not make any."),
    "unknown_area": mark("The register has no such area, and the map does not make any."),
    "does_not_fit": mark(
        "With what the register already holds, something would stand before receipt."
    ),
}

# What is taken, and counted so that somebody looks at it.
WARNINGS = {
    "contact": mark("Texts with what looks like a telephone number or an e-mail address"),
    "due_before_receipt": mark("Due before they were received"),
    "clock_gap": mark("A time that the clocks skipped in spring; an hour was added"),
    "future": mark("Received or found later than now"),
    "reopens": mark("Closed in the register but open in the file; opened again"),
}

# Findings that show no failure of the office.
NO_FAILURE = frozenset({FindingSeverity.IN_ORDER, FindingSeverity.OUTSIDE})

# The facts that a state cannot do without, as the register's own checks have it.
NEEDS = {
    GrievanceState.ACKNOWLEDGED: ("acknowledged_at",),
    GrievanceState.ROUTED: ("responsible_office",),
    GrievanceState.ACCEPTED: ("responsible_office",),
    GrievanceState.ANSWERED: ("answered_at", "responsible_office"),
}

# Bounded throughout, so that a megabyte in a cell costs no more than its length.
CONTACT = re.compile(
    r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}"
    r"|(?<![\d-])(?:\+?1[ .-]?)?(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}(?![\d-])"
    r"|(?<!\d)1[3-9]\d{9}(?!\d)"
    r"|(?<!\d)0\d{2,3}-\d{7,8}(?!\d)"
    r"|(?<!\d)0\d{2,4} \d{3,4} ?\d{3,4}(?!\d)"
    r"|\+\d{1,3}(?:[ .-]?\d){7,12}(?!\d)"
    r"|(?<!\d)\d{17}[\dXx](?!\d)"
)
REMOVED = "[…]"
_LONGEST_NAME = 200
_LONGEST_CODE = 60

Getter = Callable[[Sequence[str]], tuple[str, str]]
"""Gives the column that was read and its text, without blanks around it; "" is empty."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a row is refused: a key of REASONS and what its sentence names."""

    reason: str
    column: str = ""
    value: str = ""
    detail: str = ""


@dataclass(slots=True)
class Row:
    """A row that was read: values by field (None: empty), problems and warnings."""

    values: dict[str, str | None] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def shown(text: str) -> str:
    """Return `text` as a report may show it: short, in one line, without anybody's number."""
    short = squeezed(CONTACT.sub(REMOVED, UNPRINTABLE.sub("�", text[:400])))
    return short if len(short) <= 60 else short[:59] + "…"


def moment(
    text: str, formats: Sequence[str], zone: tzinfo, *, not_before: datetime | None = None
) -> tuple[datetime, bool]:
    """Return the moment (UTC) that `text` means by the first of `formats` that fits, and whether
    it stands in an hour that the clocks of `zone` skipped (it is read as an hour later).

    An hour that the clocks repeated is its first pass, unless that stands before `not_before`
    and the second does not. Raises ValueError where no format fits, OverflowError where the
    year is not between 1900 and 2199.
    """
    for form in formats:
        try:
            read = datetime.fromisoformat(text) if form == ISO else datetime.strptime(text, form)  # noqa: DTZ007  the zone is given below
            break
        except ValueError:
            continue
    else:
        raise ValueError("no format fits")
    if not 1900 <= read.year <= 2199:
        raise OverflowError("year")
    if read.tzinfo is not None:
        return read.astimezone(UTC), False
    local = read.replace(tzinfo=zone)
    result = local.astimezone(UTC)
    if zone is UTC:
        return result, False
    if not_before is not None and result < not_before:
        second = local.replace(fold=1).astimezone(UTC)
        result = second if second >= not_before else result
    return result, result.astimezone(zone).replace(tzinfo=None) != read


class RowReader:
    """Reads the rows of one file by one map."""

    def __init__(self, the_map: ImportMap, header: Sequence[str], now: datetime) -> None:
        """Raises RuleBroken where the header lacks a column that the map reads, or has it twice."""
        self.map, self.kind = the_map, the_map.kind
        self.width, self.header = len(header), header
        self.latest = now + timedelta(days=1)
        self.places = self._places(the_map.columns())
        self.cells = {name: self._getter(cell) for name, cell in the_map.cells.items()}
        self.trees = {
            name: (rule.label, [(cell, self._getter(cell)) for cell in rule.path])
            for name, rule in the_map.trees.items()
        }
        self.offices = {
            name: [(cell, self._getter(cell)) if cell else None for cell in (rule.code, rule.name)]
            for name, rule in the_map.offices.items()
        }

    def read(self, cells: Sequence[str]) -> Row:
        """Return what the row says. A row with problems is refused whole."""
        row = Row()
        if len(cells) != self.width:
            row.problems.append(Problem("cells", value=str(len(cells)), detail=str(self.width)))
            return row
        joined = BETWEEN.join(cells)
        if UNPRINTABLE.search(joined.replace(BETWEEN, "")) or joined.count(BETWEEN) >= self.width:
            row.problems += [
                Problem("unprintable", column, shown(cells[place]))
                for column, place in self.places.items()
                if UNPRINTABLE.search(cells[place])
            ]
            if row.problems:
                return row
        self._read_texts(row, cells)
        self._read_lists(row, cells)
        self._read_trees(row, cells)
        self._read_offices(row, cells)
        self._read_times(row, cells)
        if not row.problems:
            _SETTLED[self.kind.brings](self, row, cells)
        return row

    def _places(self, columns: dict[str, str]) -> dict[str, int]:
        for column, name in columns.items():
            count = list(self.header).count(column)
            if count == 0:
                raise RuleBroken(
                    "The file has no column %(column)s, which the map reads for %(name)s. It has:"
                    " %(columns)s.",
                    column=shown(column),
                    name=name,
                    columns=", ".join(shown(name) for name in self.header[:60]),
                )
            if count > 1:
                raise RuleBroken(
                    "The header has the column %(column)s %(count)s times, and the map reads it;"
                    " it must stand there once.",
                    column=shown(column),
                    count=count,
                )
        return {column: list(self.header).index(column) for column in columns}

    def _getter(self, cell: Cell) -> Getter:
        empty, label, constant = self.map.empty, cell.label, cell.constant
        places = [(column, self.places[column]) for column in cell.columns]
        if not places:
            return lambda cells: (label, constant)

        def joined(cells: Sequence[str]) -> tuple[str, str]:
            texts = (cells[place].strip() for _, place in places)
            return label, (cell.join or "").join(t for t in texts if t and t not in empty)

        def first(cells: Sequence[str]) -> tuple[str, str]:
            for column, place in places:
                text = cells[place].strip()
                if text and text not in empty:
                    return column, text
            return label, ""

        return first if cell.join is None else joined

    def _read_texts(self, row: Row, cells: Sequence[str]) -> None:
        for name, most in (*self.kind.lines.items(), *self.kind.texts.items()):
            if name not in self.cells:
                continue
            column, text = self.cells[name](cells)
            if name in self.kind.texts:
                text = text.replace("\r\n", "\n").replace("\r", "\n")
            else:
                text = squeezed(text)
            text = _looked_up(self.map.cells[name], text)
            if not text and name in self.kind.required:
                row.problems.append(Problem("blank", column))
            elif len(text) > most:
                row.problems.append(Problem("too_long", column, str(len(text)), str(most)))
            else:
                if name != self.kind.number:
                    text = self._without_contacts(row, column, text)
                row.values[name] = text or None

    def _without_contacts(self, row: Row, column: str, text: str) -> str:
        if not CONTACT.search(text):
            return text
        if self.map.contacts is Contacts.REFUSE:
            row.problems.append(Problem("contact", column))
        elif "contact" not in row.warnings:
            row.warnings.append("contact")
        return CONTACT.sub(REMOVED, text) if self.map.contacts is Contacts.REMOVE else text

    def _read_lists(self, row: Row, cells: Sequence[str]) -> None:
        for name, allowed in self.kind.lists.items():
            if name not in self.cells:
                continue
            column, text = self.cells[name](cells)
            cell = self.map.cells[name]
            value = cell.values.get(squeezed(text).casefold())
            if value is None and text:
                value = text if text in allowed and not cell.values else cell.otherwise
                if value is None:
                    row.problems.append(Problem("not_listed", column, shown(text)))
            row.values[name] = value or None

    def _read_trees(self, row: Row, cells: Sequence[str]) -> None:
        for name, (label, steps) in self.trees.items():
            levels = [_looked_up(cell, squeezed(get(cells)[1])) for cell, get in steps]
            levels = [level for level in levels if level]
            longest = max(map(len, levels), default=0)
            if longest > _LONGEST_NAME:
                row.problems.append(Problem("too_long", label, str(longest), str(_LONGEST_NAME)))
            row.values[name] = BETWEEN.join(levels) or None

    def _read_offices(self, row: Row, cells: Sequence[str]) -> None:
        for office, parts in self.offices.items():
            found = ["", ""]
            for place, part in enumerate(parts):
                if part is not None:
                    cell, get = part
                    column, text = get(cells)
                    found[place] = _looked_up(cell, squeezed(text))
                    most = (_LONGEST_CODE, _LONGEST_NAME)[place]
                    if len(found[place]) > most:
                        row.problems.append(
                            Problem("too_long", column, str(len(found[place])), str(most))
                        )
            if not any(found) and office in self.kind.required:
                row.problems.append(Problem("blank", self.map.offices[office].label))
            row.values[office] = BETWEEN.join(found) if any(found) else None

    def _read_times(self, row: Row, cells: Sequence[str]) -> None:
        begin: datetime | None = None
        for name in (*self.kind.moments, *self.kind.days):
            if name not in self.cells:
                continue
            column, text = self.cells[name](cells)
            at = self._time(row, name, column, text, begin) if text else None
            if name == self.kind.begin:
                begin = at
                if not text:
                    row.problems.append(Problem("blank", column))
                elif at is not None and at > self.latest:
                    row.warnings.append("future")
            elif at is not None and begin is not None and at < begin:
                if name == self.kind.due:
                    row.warnings.append("due_before_receipt")
                else:
                    detail = self.cells[self.kind.begin](cells)[1]
                    problem = Problem(self.kind.too_early, column, shown(text), detail)
                    row.problems.append(problem)
            row.values[name] = self._written(name, at)

    def _written(self, name: str, at: datetime | None) -> str | None:
        """Return a time as it is staged; of a day the date that it is in the map's zone."""
        if at is None:
            return None
        if name in self.kind.days:
            return at.astimezone(self.map.cells[name].zone).date().isoformat()
        return at.isoformat()

    def _time(
        self, row: Row, name: str, column: str, text: str, not_before: datetime | None
    ) -> datetime | None:
        cell = self.map.cells[name]
        try:
            at, skipped = moment(text, cell.formats, cell.zone, not_before=not_before)
        except ValueError:
            row.problems.append(Problem("date", column, shown(text)))
            return None
        except OverflowError:
            row.problems.append(Problem("year", column, shown(text)))
            return None
        if skipped and "clock_gap" not in row.warnings:
            row.warnings.append("clock_gap")
        return at

    def settle_grievance(self, row: Row, cells: Sequence[str]) -> None:
        """Give a grievance the state that its status, its times and its office make together."""
        values, closed_at = row.values, row.values.get("closed_at")
        stated = values.get("state") or (GrievanceState.CLOSED if closed_at else OPEN)
        if stated == OPEN:
            known = values.get("responsible_office")
            stated = GrievanceState.ROUTED if known else GrievanceState.REGISTERED
        values["state"] = str(stated)
        column, text = self.cells["state"](cells) if "state" in self.cells else ("", "")
        if stated == GrievanceState.CLOSED and not closed_at:
            row.problems.append(Problem("closed_without_time", column, shown(text)))
        if stated != GrievanceState.CLOSED and closed_at:
            if self.map.cells["state"].ignores_closing_time:
                values["closed_at"] = None
            else:
                row.problems.append(Problem("open_with_time", column, shown(text)))
        for needed in NEEDS.get(GrievanceState(stated), ()):
            if not values.get(needed):
                row.problems.append(Problem("state_needs", column, shown(text), needed))


def settle_finding(reader: RowReader, row: Row, cells: Sequence[str]) -> None:
    """Give a finding its state: closed where it asks nothing of the office, or says when it was;
    else the office was told of it, on its own day where none is given."""
    values = row.values
    asks_nothing = values["severity"] not in ASKS
    is_over = asks_nothing or values.get("closed_on")
    stated = values.get("state") or (FindingState.CLOSED if is_over else FindingState.NOTIFIED)
    values["state"] = str(stated)
    told_on = values.get("notified_on") or values["found_on"]
    values["notified_on"] = told_on
    column, text = reader.cells["state"](cells) if "state" in reader.cells else ("", "")
    if stated == FindingState.CLOSED:
        values["closed_on"] = values.get("closed_on") or (told_on if asks_nothing else None)
        if values["closed_on"] is None:
            row.problems.append(Problem("closed_without_time", column, shown(text)))
        elif told_on is not None and values["closed_on"] < told_on:
            row.problems.append(
                Problem("before_finding", "", values["closed_on"], detail=str(told_on))
            )
    elif values.get("closed_on"):
        row.problems.append(Problem("open_with_time", column, shown(text)))
    if values.get("ground") and values["severity"] in NO_FAILURE:
        column, text = reader.cells["ground"](cells)
        row.problems.append(Problem("ground_of_no_failure", column, shown(text)))


_SETTLED: dict[Brings, Callable[[RowReader, Row, Sequence[str]], None]] = {
    Brings.GRIEVANCES: RowReader.settle_grievance,
    Brings.FINDINGS: settle_finding,
}
"""What the values of a row come to together, by what the map brings in."""


def _looked_up(cell: Cell, text: str) -> str:
    """A text that the map's values do not name stays as it is, unless `otherwise` is given."""
    if text and cell.values:
        found = cell.values.get(squeezed(text).casefold())
        if found is None:
            found = text if cell.otherwise is None else cell.otherwise
        text = found
    return cell.prefix + text if text else ""


def office_code(name: str, taken: set[str]) -> str:
    """Return a code for an office that a file knows by name alone, one not in `taken`."""
    stem = re.sub(r"\W+", "-", name.replace("_", " ")).strip("-").upper()[:50] or "OFFICE"
    code, count = stem, 1
    while code in taken:
        count += 1
        code = f"{stem}-{count}"
    return code

"""What an import found and did: figures, reasons, warnings, and the refused rows as a file."""

import csv
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from io import StringIO
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from imports.reading import Records
from imports.staging import NODES, OFFICES
from models import Office
from rules.import_kinds import KINDS
from rules.import_map import ImportMap
from rules.import_values import BETWEEN, REASONS, shown

MOST_SHOWN = 200
"""Refusals and names of each kind that a report spells out; it counts them all."""

OUTCOMES = ("created", "updated", "unchanged", "repeated", "refused")

Say = Callable[[str], str]
"""Translates a sentence with its %(name)s places still in it."""


@dataclass(frozen=True)
class Refusal:
    """One reason for which one row is refused; `reason` is a key of REASONS."""

    row: int
    line: int
    column: str
    value: str
    reason: str
    detail: str

    def sentence(self, say: Say = str) -> str:
        return refusal_sentence(asdict(self), say)


@dataclass
class Report:
    """What becomes of the rows of a file. `made` counts and names the offices, categories and
    areas that the rows need; `ignored` are the columns that the map does not read."""

    read: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    repeated: int = 0
    refused: int = 0
    closed: int = 0
    made: dict[str, dict[str, Any]] = field(default_factory=dict)
    warnings: list[dict[str, Any]] = field(default_factory=list)
    reasons: list[dict[str, Any]] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON takes it; the summary of an ImportBatch and `--json`."""
        return asdict(self)


def refusal_sentence(refusal: dict[str, Any], say: Say = str) -> str:
    """Return the reason of a refusal as it was stored, in words."""
    return say(REASONS[refusal["reason"]]) % refusal


def make_report(session: Session, the_map: ImportMap, header: list[str]) -> Report:
    """Return the report on the rows that were judged last in this transaction."""
    report = Report()
    for outcome, rows, closed in session.execute(_OUTCOMES):
        setattr(report, outcome, rows)
        report.read += rows
        report.closed += closed
    report.made = {
        "offices": _new_offices(session, the_map),
        "categories": _new_nodes(session, "category"),
        "areas": _new_nodes(session, "area"),
    }
    report.warnings = [dict(row) for row in session.execute(_WARNINGS).mappings()]
    session.execute(_REFUSALS)
    labels = _labels(the_map)
    report.reasons = [
        {"reason": reason, "column": column or labels.get(name, name), "rows": rows}
        for reason, column, name, rows in session.execute(_REASONS)
    ]
    refusals = _refusals(session, the_map, most=MOST_SHOWN)
    report.refusals = list(refusals)
    read = the_map.columns()
    report.ignored = [shown(name) for name in header if name not in read]
    return report


def write_refused(
    session: Session, path: Path, the_map: ImportMap, target: Path, say: Say = str
) -> int:
    """Write the refused rows to `target`: the file's own columns, encoding and marks, with
    `row`, `column` and `reason` added. Return how many; without any no file is made.

    Reads `path` again; the rows must have been judged in this transaction.
    """
    by_row = groupby(_refusals(session, the_map), key=attrgetter("row"))
    waiting = next(by_row, None)
    if waiting is None:
        return 0
    count = 0
    encoding = "utf-8-sig" if _has_mark(path, the_map) else the_map.encoding
    with (
        Records(path, the_map) as records,
        target.open("w", encoding=encoding, errors="surrogateescape", newline="") as file,
    ):
        line = _LineWriter(the_map, encoding)
        file.write(line.of([*records.header, "row", "column", "reason"]))
        for record in records:
            if waiting is None:
                break
            if record.row == waiting[0]:
                reasons = list(waiting[1])
                columns = dict.fromkeys(refusal.column for refusal in reasons if refusal.column)
                cells = record.cells + [""] * (len(records.header) - len(record.cells))
                file.write(
                    line.of(
                        [
                            *cells,
                            str(record.row),
                            ", ".join(columns),
                            " ".join(refusal.sentence(say) for refusal in reasons),
                        ]
                    )
                )
                count += 1
                waiting = next(by_row, None)
    return count


class _LineWriter:
    """Writes records as the file itself does; words of ours that its encoding lacks become ?."""

    def __init__(self, the_map: ImportMap, encoding: str) -> None:
        self.encoding = encoding
        self.buffer = StringIO()
        self.writer = csv.writer(
            self.buffer,
            delimiter=the_map.delimiter,
            quotechar=the_map.quote or None,
            quoting=csv.QUOTE_MINIMAL if the_map.quote else csv.QUOTE_NONE,
            escapechar=None if the_map.quote else "\\",
            lineterminator="\n",
        )

    def of(self, cells: list[str]) -> str:
        self.buffer.seek(0)
        self.buffer.truncate()
        self.writer.writerow([self._written(cell) for cell in cells])
        return self.buffer.getvalue()

    def _written(self, cell: str) -> str:
        try:
            cell.encode(self.encoding, "surrogateescape")
        except UnicodeError:
            return cell.encode(self.encoding, "replace").decode(self.encoding)
        return cell


def _has_mark(path: Path, the_map: ImportMap) -> bool:
    with path.open("rb") as file:
        return the_map.encoding.startswith("utf-8") and file.read(3) == b"\xef\xbb\xbf"


def _labels(the_map: ImportMap) -> dict[str, str]:
    """Return the file's columns by field, as reports name them."""
    labels = {name: cell.label for name, cell in the_map.cells.items()}
    labels |= {name: office.label for name, office in the_map.offices.items()}
    return labels | {name: tree.label for name, tree in the_map.trees.items()}


def _refusals(session: Session, the_map: ImportMap, most: int | None = None) -> Iterator[Refusal]:
    labels = _labels(the_map)
    statement = text(
        "SELECT * FROM import_refusal ORDER BY row_no, place LIMIT :most"
    ).execution_options(yield_per=1000)
    for found in session.execute(statement, {"most": most}):
        value = (found.value or "").strip(BETWEEN).replace(BETWEEN, " > ")
        yield Refusal(
            found.row_no,
            found.line_no,
            found.column or labels.get(found.field, ""),
            shown(value),
            found.reason,
            found.detail or "",
        )


def _new_nodes(session: Session, name: str) -> dict[str, Any]:
    paths = session.scalars(
        select(NODES.c.path)
        .where(NODES.c.field == name, NODES.c.id.is_(None), NODES.c.needed)
        .order_by(NODES.c.path)
    ).all()
    names = [path.replace(BETWEEN, " > ") for path in paths[:MOST_SHOWN]]
    return {"count": len(paths), "names": names}


def _new_offices(session: Session, the_map: ImportMap) -> dict[str, Any]:
    """A code or, where there is none, a name is one office, in whichever columns it stands."""
    found = session.execute(
        select(OFFICES.c.field, OFFICES.c.code, OFFICES.c.name)
        .where(OFFICES.c.id.is_(None), OFFICES.c.needed)
        .order_by(OFFICES.c.code == "", OFFICES.c.code, OFFICES.c.name)
    ).all()
    names: dict[str, str] = {}
    for field_name in dict.fromkeys(row.field for row in found):
        parent = the_map.offices[field_name].parent
        if parent and not session.scalar(select(Office.id).where(Office.code == parent.code)):
            names[parent.code] = f"{parent.name} ({parent.code})"
    for row in found:
        if row.code:
            names.setdefault(row.code, f"{row.name or row.code} ({row.code})")
        elif row.name not in {other.name for other in found if other.code}:
            names.setdefault(f"\0{row.name}", row.name)
    return {"count": len(names), "names": list(names.values())[:MOST_SHOWN]}


_OUTCOMES = text("""
    SELECT v.outcome, count(*),
           count(*) FILTER (WHERE r.state = 'closed'
                            AND v.outcome IN ('created', 'updated', 'unchanged'))
    FROM import_verdict v
    JOIN import_row r USING (row_no)
    GROUP BY v.outcome
""")

_WARNINGS = text("""
    SELECT w.warning, count(*) AS rows, (array_agg(v.row_no ORDER BY v.row_no))[1:10] AS first
    FROM import_verdict v
    JOIN import_row r USING (row_no)
    CROSS JOIN LATERAL (
        SELECT unnest(string_to_array(r.warnings, chr(31)))
        UNION ALL
        SELECT 'reopens' WHERE v.reason = 'reopens'
    ) AS w (warning)
    WHERE v.outcome IN ('created', 'updated', 'unchanged')
    GROUP BY w.warning
    ORDER BY w.warning
""")

# The values that a verdict names: of trees and offices, of the number, and of what others must not
# stand before.
_VALUES_NAMED = " ".join(
    f"WHEN '{name}' THEN r.{name}::text"
    for kind in KINDS.values()
    for name in (*kind.trees, *kind.offices, kind.number, kind.begin)
)

_REFUSALS = text(f"""
    CREATE TEMPORARY VIEW import_refusal AS
    SELECT v.row_no, r.line_no, p.place, p.problem ->> 'reason' AS reason,
           p.problem ->> 'column' AS "column", p.problem ->> 'value' AS value,
           p.problem ->> 'detail' AS detail, NULL AS field
    FROM import_verdict v
    JOIN import_row r USING (row_no)
    CROSS JOIN LATERAL jsonb_array_elements(r.problems) WITH ORDINALITY AS p (problem, place)
    WHERE v.reason = 'problems'
    UNION ALL
    SELECT v.row_no, r.line_no, 1, v.reason, NULL, CASE v.field {_VALUES_NAMED} END,
           v.detail, v.field
    FROM import_verdict v
    JOIN import_row r USING (row_no)
    WHERE v.outcome = 'refused' AND v.reason <> 'problems'
""")  # noqa: S608  names of fields, none from outside

_REASONS = text("""
    SELECT reason, "column", field, count(DISTINCT row_no) AS rows
    FROM import_refusal
    GROUP BY reason, "column", field
    ORDER BY rows DESC, reason, "column", field
    LIMIT 200
""")

"""The statements that turn staged rows into records of a table: which are here already, what these
would become, and writing them.

They are made from what rules/import_kinds.py says of a kind of record, and from what is its own,
how a file may change a grievance or a finding. Nothing in them comes from a file or a map.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from sqlalchemy import TextClause, text

from models import Finding, Grievance, Record
from rules.import_kinds import FINDINGS, GRIEVANCES, Kind
from rules.import_map import ImportMap
from rules.records import Brings


@dataclass(frozen=True)
class Target:
    """A table that rows are written into. A field stands in the column of its name, a tree or an
    office in that of its id.

    `defaults` is what a new record gets where its row says nothing. A record that is here becomes
    what `merged_by` says (SQL over `r` the row, `g` the record and what `beside` joins); without a
    word there what the row says, or where that is blank what it was. `fits`: whether the database
    would have it. `reopens`: whether that is worth a warning.
    """

    kind: Kind
    model: type[Record]
    defaults: Mapping[str, str] = field(default_factory=dict)
    merged_by: Mapping[str, str] = field(default_factory=dict)
    beside: str = ""
    fits: str = "true"
    reopens: str = "false"

    @property
    def table(self) -> str:
        """The name of the table."""
        return str(self.model.__tablename__)

    @cached_property
    def _from_row(self) -> dict[str, str]:
        """Each column that a row can fill, with the SQL of its value."""
        kind = self.kind
        plain = (*kind.lines, *kind.texts, *kind.lists, *kind.moments, *kind.days)
        named = (*kind.trees, *kind.offices)
        return {name: f"r.{name}" for name in plain if name != kind.number} | {
            f"{name}_id": f"{name}_.id" for name in named
        }

    @cached_property
    def _joins(self) -> str:
        nodes = (
            f"LEFT JOIN import_node {name}_ ON {name}_.field = '{name}' AND {name}_.path = r.{name}"
            for name in self.kind.trees
        )
        offices = (
            f"LEFT JOIN import_office {name}_"
            f" ON {name}_.field = '{name}' AND {name}_.key = r.{name}"
            for name in self.kind.offices
        )
        return "\n".join([*nodes, *offices])

    def _becomes(self, column: str, value: str) -> str:
        """What a record that is here has in `column` afterwards."""
        if column in self.merged_by:
            return self.merged_by[column]
        is_needed = column.removesuffix("_id") in self.kind.required
        return value if is_needed else f"coalesce({value}, g.{column})"

    @cached_property
    def known(self) -> TextClause:
        """Gathers the records of the source that are here already."""
        number = self.kind.number
        return text(f"""
            CREATE TEMPORARY TABLE import_known ON COMMIT DROP AS
            SELECT g.*
            FROM {self.table} g
            JOIN (SELECT DISTINCT {number} FROM import_row WHERE problems IS NULL) r
              ON r.{number} = g.{number}
            WHERE g.source = :source
        """)  # noqa: S608  names of ours, none from outside

    @cached_property
    def judge(self) -> TextClause:
        """Gives each row its verdict. Of the good rows with one number the first is taken; the
        others either say the same word for word, or are refused."""
        kind, trees, offices = self.kind, self.kind.trees, self.kind.offices
        refused = [
            "('problems', NULL, r.problems IS NOT NULL)",
            *(_unknown(f"unknown_{name}", name) for name in trees),
            *(f"('unclear_office', '{name}', {name}_.clashes)" for name in offices),
            *(_unknown("unknown_office", name) for name in offices),
        ]
        number = kind.number
        return text(f"""
            INSERT INTO import_verdict (row_no, outcome, reason, field, detail, record_id)
            WITH looked_up AS (
                SELECT r.row_no, r.digest, r.{number}, x.reason, x.field
                FROM import_row r
                {self._joins}
                LEFT JOIN LATERAL (
                    SELECT reason, field FROM (VALUES {_listed(refused)})
                        AS possible (reason, field, holds)
                    WHERE holds LIMIT 1
                ) x ON true
            ), ranked AS (
                SELECT *, first_value(row_no) OVER same AS first_row,
                       first_value(digest) OVER same AS first_digest
                FROM looked_up
                WINDOW same AS (PARTITION BY reason IS NULL, {number} ORDER BY row_no)
            )
            SELECT k.row_no,
                   CASE WHEN k.reason IS NOT NULL THEN 'refused'
                        WHEN k.row_no = k.first_row THEN 'taken'
                        WHEN k.digest = k.first_digest THEN 'repeated'
                        ELSE 'refused' END,
                   coalesce(k.reason, CASE WHEN k.row_no <> k.first_row
                                                AND k.digest <> k.first_digest
                                           THEN 'same_number' END),
                   CASE WHEN k.reason IS NULL THEN '{number}' ELSE k.field END,
                   k.first_row::text,
                   g.id
            FROM ranked k
            LEFT JOIN import_known g USING ({number})
        """)  # noqa: S608  names of ours, none from outside

    @cached_property
    def merged(self) -> TextClause:
        """Shows what each record that is here would become, and whether anything changes."""
        columns = self._from_row
        becomes = [f"{self._becomes(name, value)} AS {name}" for name, value in columns.items()]
        found_later = [
            f"(r.{name} IS NOT NULL AND {name}_.id IS NULL)"
            for name in (*self.kind.trees, *self.kind.offices)
        ]
        return text(f"""
            CREATE TEMPORARY VIEW import_merged AS
            SELECT v.row_no, g.id AS record_id, n.*,
                   {" OR ".join(found_later)}
                   OR ({_listed(f"n.{name}" for name in columns)})
                      IS DISTINCT FROM ({_listed(f"g.{name}" for name in columns)}) AS changes,
                   {self.fits} AS fits,
                   {self.reopens} AS reopens
            FROM import_verdict v
            JOIN import_row r USING (row_no)
            JOIN import_known g ON g.id = v.record_id
            {self._joins}
            {self.beside}
            CROSS JOIN LATERAL (SELECT {_listed(becomes)}) n
        """)  # noqa: S608  names of ours, none from outside

    @cached_property
    def insert(self) -> TextClause:
        """Writes the new records."""
        columns, number = self._from_row, self.kind.number
        values = [
            f"coalesce({value}, {self.defaults[name]})" if name in self.defaults else value
            for name, value in columns.items()
        ]
        return text(f"""
            INSERT INTO {self.table} ({_listed(columns)}, source, {number}, import_batch_id)
            SELECT {_listed(values)}, :source, r.{number}, :batch
            FROM import_row r
            JOIN import_verdict v USING (row_no)
            {self._joins}
            WHERE v.outcome = 'created'
            ORDER BY r.row_no
        """)  # noqa: S608  names of ours, none from outside

    @cached_property
    def update(self) -> TextClause:
        """Writes the changed ones."""
        changes = _listed(f"{name} = m.{name}" for name in self._from_row)
        return text(f"""
            UPDATE {self.table} g SET {changes} FROM import_change m WHERE g.id = m.record_id
        """)  # noqa: S608  names of ours, none from outside


def _listed(parts: Iterable[str]) -> str:
    return ", ".join(parts)


def _unknown(reason: str, name: str) -> str:
    return f"('{reason}', '{name}', :refuse_{name} AND r.{name} IS NOT NULL AND {name}_.id IS NULL)"


# A blank cell says nothing, so it erases nothing; no row takes a grievance back to an earlier
# state, except that a closed one which the source has open is opened again. A withdrawal stands,
# and so does what came after the answer here: no file takes back an appeal, a remedy under way, a
# merge, or a grievance that was opened again.
_GRIEVANCES = Target(
    GRIEVANCES,
    Grievance,
    defaults={"kind": "'service'", "channel": "'other'"},
    merged_by={
        "state": "s.state",
        "closed_at": "CASE WHEN s.state = 'closed' THEN r.closed_at END",
    },
    beside="""
        CROSS JOIN LATERAL (
            SELECT CASE WHEN g.state IN ('withdrawn', 'duplicate', 'appealed', 'reopened',
                                         'remedy_under_way', 'remedy_verified') THEN g.state
                        WHEN g.state = 'closed' THEN r.state
                        WHEN array_position(o.states, g.state::text)
                             > array_position(o.states, r.state)
                             THEN g.state
                        ELSE r.state END AS state
            FROM (SELECT ARRAY['registered', 'acknowledged', 'routed', 'routing_objected',
                               'accepted', 'planned', 'answered', 'closed'] AS states) o
        ) s
    """,
    fits="""
        coalesce(least(n.acknowledged_at, n.answered_at, n.closed_at, g.withdrawn_at)
                 >= n.received_at, true)
    """,
    reopens="g.state = 'closed' AND n.state <> 'closed'",
)

# What the office has begun to do about a finding stands: a file changes the state of those alone
# that it has only been told of, or that ask nothing of it. It does not fit that there was no
# failure where the office has begun to put one right, nor a ground of what is none.
_FINDINGS = Target(
    FINDINGS,
    Finding,
    merged_by={
        "state": "s.state",
        "notified_on": "coalesce(r.notified_on, g.notified_on)",
        "closed_on": "CASE WHEN s.state = 'closed' THEN coalesce(r.closed_on, g.closed_on) END",
        "closed_because": "CASE WHEN s.state = 'closed'"
        " THEN coalesce(r.closed_because, g.closed_because) END",
    },
    beside="""
        CROSS JOIN LATERAL (
            SELECT CASE WHEN g.state IN ('draft', 'notified', 'closed') THEN r.state
                        ELSE g.state END AS state
        ) s
    """,
    fits="""
        coalesce(n.closed_on >= n.notified_on, true)
        AND coalesce(g.received_on >= n.notified_on, true)
        AND (n.ground IS NULL OR n.severity NOT IN ('in_order', 'outside'))
        AND NOT (g.received_on IS NOT NULL AND s.state = 'notified')
    """,
    reopens="g.state = 'closed' AND n.state <> 'closed'",
)

_TARGETS: Mapping[Brings, Target] = {one.kind.brings: one for one in (_GRIEVANCES, _FINDINGS)}


def target_of(the_map: ImportMap) -> Target:
    """Return where the rows of a file go by `the_map`."""
    return _TARGETS[the_map.kind.brings]


def record_type_of(brings: Brings) -> type[Record]:
    """Return the record type of what an import brings."""
    return _TARGETS[brings].model

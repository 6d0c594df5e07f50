"""Decides what becomes of each staged row, by set-based statements over the whole file, and
writes it: offices, areas, categories, grievances."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import func, insert, literal, select, text, update
from sqlalchemy.orm import Session

from imports.staging import NODES, OFFICES
from models import Area, Category, Office
from rules import RuleBroken
from rules.import_map import ImportMap, OfficeRule, Parent, Unknown
from rules.import_values import office_code

MOST_NEW = 5_000
"""New offices, areas or categories in one file; more is a column that holds something else."""

TREES: dict[str, type[Category] | type[Area]] = {"category": Category, "area": Area}


def judge(session: Session, the_map: ImportMap) -> None:
    """Fill the verdicts: each row is created, updated, unchanged, repeated or refused.

    Writes to the temporary tables only. Raises RuleBroken where the file would make more
    offices, areas or categories than is sane.
    """
    session.execute(_LIST_NODES)
    session.execute(_LIST_OFFICES)
    for name, tree in the_map.trees.items():
        _match_nodes(session, name, range(1, len(tree.path) + 1))
    _match_offices(session)
    _limit_new(session, the_map)
    with _whole_tables(session):
        session.execute(_KNOWN, {"source": the_map.source})
    session.execute(text("ANALYZE import_known, import_node, import_office"))
    session.execute(_JUDGE, _policies(the_map))
    session.execute(text("ANALYZE import_verdict"))
    session.execute(_MERGED)
    session.execute(_COMPARE)
    session.execute(_CREATE_THE_REST)
    session.execute(text("ANALYZE import_verdict"))
    session.execute(_NEEDED_NODES)
    session.execute(_NEEDED_OFFICES)


def write(session: Session, the_map: ImportMap, batch_id: int) -> None:
    """Make the offices, areas and categories that rows need, then the grievances."""
    for name, tree in the_map.trees.items():
        for depth in range(1, len(tree.path) + 1):
            _make_nodes(session, name, depth, the_map)
            _match_nodes(session, name, range(depth, depth + 1))
    for name, rule in the_map.offices.items():
        _make_offices(session, name, rule)
        _match_offices(session)
    session.execute(_INSERT, {"source": the_map.source, "batch": batch_id})
    session.execute(_CHANGES)
    session.execute(text("SELECT set_config('redress.by_step', 'yes', true)"))
    with _whole_tables(session):
        session.execute(_UPDATE)


@contextmanager
def _whole_tables(session: Session) -> Iterator[None]:
    """Within the block tables are joined whole, never row by row. What the planner believes of the
    register can be far off, as after an import that was rolled back: it then took an index that
    is of no help, and seconds became minutes."""
    session.execute(text("SET LOCAL enable_nestloop = off"))
    yield
    session.execute(text("SET LOCAL enable_nestloop = on"))


# --- Categories and areas --------------------------------------------------------------------


def _match_nodes(session: Session, name: str, levels: range) -> None:
    """Find the nodes of these levels, widest first, in the register."""
    table = TREES[name].__table__
    parent = NODES.alias()
    for level in levels:
        statement = (
            update(NODES)
            .values(id=table.c.id)
            .where(
                NODES.c.field == name,
                NODES.c.depth == level,
                NODES.c.id.is_(None),
                table.c.name == NODES.c.name,
            )
        )
        if level == 1:
            statement = statement.where(table.c.parent_id.is_(None))
        else:
            statement = statement.where(
                parent.c.field == name,
                parent.c.path == NODES.c.parent,
                table.c.parent_id == parent.c.id,
            )
        session.execute(statement)


def _make_nodes(session: Session, name: str, depth: int, the_map: ImportMap) -> None:
    parent = NODES.alias()
    columns: dict[str, Any] = {"parent_id": parent.c.id, "name": NODES.c.name}
    if name == "area":
        columns["level"] = literal(the_map.trees[name].levels[depth - 1])
    missing = (
        select(*columns.values())
        .select_from(
            NODES.outerjoin(
                parent, (parent.c.field == NODES.c.field) & (parent.c.path == NODES.c.parent)
            )
        )
        .where(NODES.c.field == name, NODES.c.depth == depth, NODES.c.id.is_(None), NODES.c.needed)
        .order_by(NODES.c.path)
    )
    session.execute(insert(TREES[name].__table__).from_select(list(columns), missing))


# --- Offices ---------------------------------------------------------------------------------


def _match_offices(session: Session) -> None:
    """Find the offices in the register."""
    for _ in range(2):  # those without a code need to know which with one were found
        session.execute(_MATCH_OFFICES)


def _make_offices(session: Session, name: str, rule: OfficeRule) -> None:
    missing = session.execute(
        select(OFFICES.c.code, OFFICES.c.name)
        .where(OFFICES.c.field == name, OFFICES.c.id.is_(None), OFFICES.c.needed)
        .order_by(OFFICES.c.code == "", OFFICES.c.code, OFFICES.c.name)
    ).all()
    if not missing:
        return
    parent_id = _parent_id(session, rule.parent)
    taken = set(session.scalars(select(Office.code)))
    made: dict[str, str] = {}
    names: set[str] = set()
    for code, title in missing:
        if code in made or (not code and title in names):
            continue
        code = code or office_code(title, taken)
        taken.add(code)
        names.add(title)
        made[code] = title or code
    session.execute(
        insert(Office.__table__),
        [
            {"code": code, "name": title, "level": rule.level, "parent_id": parent_id}
            for code, title in made.items()
        ],
    )


def _parent_id(session: Session, parent: Parent | None) -> int | None:
    if parent is None:
        return None
    found = session.scalar(select(Office.id).where(Office.code == parent.code))
    return found or session.scalar(
        insert(Office.__table__)
        .values(code=parent.code, name=parent.name, level=parent.level)
        .returning(Office.__table__.c.id)
    )


# --- The whole file --------------------------------------------------------------------------


def _limit_new(session: Session, the_map: ImportMap) -> None:
    """Raise RuleBroken where a column that holds no category, area or office is read as one."""
    for table, rules in ((NODES, the_map.trees), (OFFICES, the_map.offices)):
        counts = session.execute(
            select(table.c.field, func.count()).where(table.c.id.is_(None)).group_by(table.c.field)
        )
        for name, count in counts:
            if count > MOST_NEW and rules[name].unknown is Unknown.MAKE:
                raise RuleBroken(
                    "By this map the file would make %(count)s new records for %(name)s; more"
                    " than %(most)s look like a column that holds something else.",
                    count=count,
                    name=name,
                    most=MOST_NEW,
                )


def _policies(the_map: ImportMap) -> dict[str, bool]:
    rules = the_map.trees | the_map.offices  # type: ignore[operator]
    return {
        f"refuse_{name}": name in rules and rules[name].unknown is Unknown.REFUSE
        for name in ("category", "area", "respondent_office", "responsible_office")
    }


_LIST_NODES = text("""
    INSERT INTO import_node (field, path, parent, depth, name)
    SELECT DISTINCT p.field, array_to_string(parts[1:depth], chr(31)),
           array_to_string(parts[1:depth - 1], chr(31)), depth, parts[depth]
    FROM (
        SELECT DISTINCT t.field, t.path
        FROM import_row r
        CROSS JOIN LATERAL (VALUES ('category', r.category), ('area', r.area)) AS t (field, path)
        WHERE r.problems IS NULL AND t.path IS NOT NULL
    ) p
    CROSS JOIN LATERAL string_to_array(p.path, chr(31)) AS parts
    CROSS JOIN LATERAL generate_series(1, cardinality(parts)) AS depth
""")

_LIST_OFFICES = text("""
    INSERT INTO import_office (field, key, code, name)
    SELECT DISTINCT t.field, t.key, split_part(t.key, chr(31), 1), split_part(t.key, chr(31), 2)
    FROM import_row r
    CROSS JOIN LATERAL (VALUES ('respondent_office', r.respondent_office),
                               ('responsible_office', r.responsible_office)) AS t (field, key)
    WHERE r.problems IS NULL AND t.key IS NOT NULL
""")

# By code where the code is known, else by a name that only one office has: one of the register,
# or for an office without a code one that the file brings with it.
_MATCH_OFFICES = text("""
    UPDATE import_office o SET id = f.id, clashes = f.clashes
    FROM (
        SELECT k.field, k.key,
               coalesce(c.id, CASE WHEN n.matches = 1 THEN n.id END) AS id,
               k.code = '' AND n.matches > 1 AS clashes
        FROM import_office k
        LEFT JOIN office c ON c.code = k.code
        CROSS JOIN LATERAL (
            SELECT min(id) AS id, count(*) AS matches
            FROM (SELECT id FROM office WHERE name = k.name
                  UNION ALL
                  SELECT NULL FROM import_office x
                  WHERE k.code = '' AND x.code <> '' AND x.name = k.name AND x.id IS NULL
                  GROUP BY x.code) named
        ) n
        WHERE k.id IS NULL
    ) f
    WHERE o.id IS NULL AND o.field = f.field AND o.key = f.key
""")

# The grievances that are here already.
_KNOWN = text("""
    CREATE TEMPORARY TABLE import_known ON COMMIT DROP AS
    SELECT g.*
    FROM grievance g
    JOIN (SELECT DISTINCT external_number FROM import_row WHERE problems IS NULL) r
      ON r.external_number = g.external_number
    WHERE g.source = :source
""")

# What such a grievance would become. A blank cell says nothing, so it erases
# nothing; no row takes a grievance back to an earlier state, except that a closed one which the
# source has open is opened again. A withdrawal stands, and so does what came after the answer here:
# no file takes back an appeal, a remedy under way, a merge, or a grievance that was opened again.
_MERGED = text("""
    CREATE TEMPORARY VIEW import_merged AS
    SELECT v.row_no, g.id AS grievance_id, n.*,
           (r.category IS NOT NULL AND c.id IS NULL)
           OR (r.area IS NOT NULL AND a.id IS NULL)
           OR (r.respondent_office IS NOT NULL AND d.id IS NULL)
           OR (r.responsible_office IS NOT NULL AND p.id IS NULL)
           OR (n.title, n.description, n.kind, n.state, n.channel, n.category_id, n.area_id,
               n.place, n.respondent_office_id, n.responsible_office_id, n.received_at, n.due_at,
               n.acknowledged_at, n.answered_at, n.closed_at, n.answer)
              IS DISTINCT FROM
              (g.title, g.description, g.kind, g.state, g.channel, g.category_id, g.area_id,
               g.place, g.respondent_office_id, g.responsible_office_id, g.received_at, g.due_at,
               g.acknowledged_at, g.answered_at, g.closed_at, g.answer) AS changes,
           coalesce(least(n.acknowledged_at, n.answered_at, n.closed_at, g.withdrawn_at)
                    >= n.received_at, true) AS fits,
           g.state = 'closed' AND n.state <> 'closed' AS reopens
    FROM import_verdict v
    JOIN import_row r USING (row_no)
    JOIN import_known g ON g.id = v.grievance_id
    LEFT JOIN import_node c ON c.field = 'category' AND c.path = r.category
    LEFT JOIN import_node a ON a.field = 'area' AND a.path = r.area
    LEFT JOIN import_office d ON d.field = 'respondent_office' AND d.key = r.respondent_office
    LEFT JOIN import_office p ON p.field = 'responsible_office' AND p.key = r.responsible_office
    CROSS JOIN LATERAL (
        SELECT CASE WHEN g.state IN ('withdrawn', 'duplicate', 'appealed', 'reopened',
                                     'remedy_under_way', 'remedy_verified') THEN g.state
                    WHEN g.state = 'closed' THEN r.state
                    WHEN array_position(o.states, g.state::text)
                         > array_position(o.states, r.state)
                         THEN g.state
                    ELSE r.state END AS state
        FROM (SELECT ARRAY['registered', 'acknowledged', 'routed', 'routing_objected', 'accepted',
                           'planned', 'answered', 'closed'] AS states) o
    ) s
    CROSS JOIN LATERAL (
        SELECT r.title,
               coalesce(r.description, g.description) AS description,
               coalesce(r.kind, g.kind) AS kind,
               s.state,
               coalesce(r.channel, g.channel) AS channel,
               coalesce(c.id, g.category_id) AS category_id,
               coalesce(a.id, g.area_id) AS area_id,
               coalesce(r.place, g.place) AS place,
               coalesce(d.id, g.respondent_office_id) AS respondent_office_id,
               coalesce(p.id, g.responsible_office_id) AS responsible_office_id,
               r.received_at,
               coalesce(r.due_at, g.due_at) AS due_at,
               coalesce(r.acknowledged_at, g.acknowledged_at) AS acknowledged_at,
               coalesce(r.answered_at, g.answered_at) AS answered_at,
               CASE WHEN s.state = 'closed' THEN r.closed_at END AS closed_at,
               coalesce(r.answer, g.answer) AS answer
    ) n
""")

# Of the good rows with one number the first is taken; the others either say the same word for
# word, or are refused.
_JUDGE = text("""
    INSERT INTO import_verdict (row_no, outcome, reason, field, detail, grievance_id)
    WITH looked_up AS (
        SELECT r.row_no, r.digest, r.external_number, x.reason, x.field
        FROM import_row r
        LEFT JOIN import_node c ON c.field = 'category' AND c.path = r.category
        LEFT JOIN import_node a ON a.field = 'area' AND a.path = r.area
        LEFT JOIN import_office d ON d.field = 'respondent_office' AND d.key = r.respondent_office
        LEFT JOIN import_office p
               ON p.field = 'responsible_office' AND p.key = r.responsible_office
        LEFT JOIN LATERAL (
            SELECT reason, field FROM (VALUES
                ('problems', NULL, r.problems IS NOT NULL),
                ('unknown_category', 'category',
                 :refuse_category AND r.category IS NOT NULL AND c.id IS NULL),
                ('unknown_area', 'area', :refuse_area AND r.area IS NOT NULL AND a.id IS NULL),
                ('unclear_office', 'respondent_office', d.clashes),
                ('unclear_office', 'responsible_office', p.clashes),
                ('unknown_office', 'respondent_office', :refuse_respondent_office
                 AND r.respondent_office IS NOT NULL AND d.id IS NULL),
                ('unknown_office', 'responsible_office', :refuse_responsible_office
                 AND r.responsible_office IS NOT NULL AND p.id IS NULL)
            ) AS possible (reason, field, holds)
            WHERE holds LIMIT 1
        ) x ON true
    ), ranked AS (
        SELECT *, first_value(row_no) OVER same AS first_row,
               first_value(digest) OVER same AS first_digest
        FROM looked_up
        WINDOW same AS (PARTITION BY reason IS NULL, external_number ORDER BY row_no)
    )
    SELECT k.row_no,
           CASE WHEN k.reason IS NOT NULL THEN 'refused'
                WHEN k.row_no = k.first_row THEN 'taken'
                WHEN k.digest = k.first_digest THEN 'repeated'
                ELSE 'refused' END,
           coalesce(k.reason, CASE WHEN k.row_no <> k.first_row AND k.digest <> k.first_digest
                                   THEN 'same_number' END),
           CASE WHEN k.reason IS NULL THEN 'external_number' ELSE k.field END,
           k.first_row::text,
           g.id
    FROM ranked k
    LEFT JOIN import_known g USING (external_number)
""")

_COMPARE = text("""
    UPDATE import_verdict v
    SET outcome = CASE WHEN NOT m.fits THEN 'refused'
                       WHEN m.changes THEN 'updated'
                       ELSE 'unchanged' END,
        reason = CASE WHEN NOT m.fits THEN 'does_not_fit' WHEN m.reopens THEN 'reopens' END,
        field = CASE WHEN NOT m.fits THEN 'received_at' END
    FROM import_merged m
    WHERE v.outcome = 'taken' AND m.row_no = v.row_no
""")

_CREATE_THE_REST = text("UPDATE import_verdict SET outcome = 'created' WHERE outcome = 'taken'")

_NEEDED_NODES = text("""
    UPDATE import_node n SET needed = true
    FROM (
        SELECT DISTINCT t.field, t.path
        FROM import_row r
        JOIN import_verdict v USING (row_no)
        CROSS JOIN LATERAL (VALUES ('category', r.category), ('area', r.area)) AS t (field, path)
        WHERE v.outcome IN ('created', 'updated')
    ) u
    WHERE n.id IS NULL AND n.field = u.field
      AND (n.path = u.path OR starts_with(u.path, n.path || chr(31)))
""")

_NEEDED_OFFICES = text("""
    UPDATE import_office o SET needed = true
    FROM (
        SELECT DISTINCT t.field, t.key
        FROM import_row r
        JOIN import_verdict v USING (row_no)
        CROSS JOIN LATERAL (VALUES ('respondent_office', r.respondent_office),
                                   ('responsible_office', r.responsible_office)) AS t (field, key)
        WHERE v.outcome IN ('created', 'updated')
    ) u
    WHERE o.id IS NULL AND o.field = u.field AND o.key = u.key
""")

_INSERT = text("""
    INSERT INTO grievance (
        title, description, kind, state, channel, category_id, area_id, place,
        respondent_office_id, responsible_office_id, received_at, due_at, acknowledged_at,
        answered_at, closed_at, answer, source, external_number, import_batch_id)
    SELECT r.title, r.description, coalesce(r.kind, 'service'), r.state,
           coalesce(r.channel, 'other'), c.id, a.id, r.place, d.id, p.id, r.received_at, r.due_at,
           r.acknowledged_at, r.answered_at, r.closed_at, r.answer, :source, r.external_number,
           :batch
    FROM import_row r
    JOIN import_verdict v USING (row_no)
    LEFT JOIN import_node c ON c.field = 'category' AND c.path = r.category
    LEFT JOIN import_node a ON a.field = 'area' AND a.path = r.area
    LEFT JOIN import_office d ON d.field = 'respondent_office' AND d.key = r.respondent_office
    LEFT JOIN import_office p ON p.field = 'responsible_office' AND p.key = r.responsible_office
    WHERE v.outcome = 'created'
    ORDER BY r.row_no
""")

# Once more, because the new offices, areas and categories have their numbers now.
_CHANGES = text("""
    CREATE TEMPORARY TABLE import_change ON COMMIT DROP AS
    SELECT m.*
    FROM import_merged m
    JOIN import_verdict v USING (row_no)
    WHERE v.outcome = 'updated'
""")

_UPDATE = text("""
    UPDATE grievance g
    SET title = m.title, description = m.description, kind = m.kind, state = m.state,
        channel = m.channel, category_id = m.category_id, area_id = m.area_id, place = m.place,
        respondent_office_id = m.respondent_office_id,
        responsible_office_id = m.responsible_office_id, received_at = m.received_at,
        due_at = m.due_at, acknowledged_at = m.acknowledged_at, answered_at = m.answered_at,
        closed_at = m.closed_at, answer = m.answer
    FROM import_change m
    WHERE g.id = m.grievance_id
""")

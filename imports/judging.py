"""Decides what becomes of each staged row, by set-based statements over the whole file, and
writes it: offices, areas, categories, and the records of the kind that the map brings in."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import func, insert, literal, select, text, update
from sqlalchemy.orm import Session

from imports.staging import NODES, OFFICES
from imports.targets import target_of
from models import Area, Category, Office
from rules import RuleBroken
from rules.import_kinds import every
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
    target = target_of(the_map)
    with _whole_tables(session):
        session.execute(target.known, {"source": the_map.source})
    session.execute(text("ANALYZE import_known, import_node, import_office"))
    session.execute(target.judge, _policies(the_map))
    session.execute(text("ANALYZE import_verdict"))
    session.execute(target.merged)
    session.execute(_COMPARE, {"begin": the_map.kind.begin})
    session.execute(_CREATE_THE_REST)
    session.execute(text("ANALYZE import_verdict"))
    session.execute(_NEEDED_NODES)
    session.execute(_NEEDED_OFFICES)


def write(session: Session, the_map: ImportMap, batch_id: int) -> None:
    """Make the offices, areas and categories that rows need, then the records."""
    target = target_of(the_map)
    for name, tree in the_map.trees.items():
        for depth in range(1, len(tree.path) + 1):
            _make_nodes(session, name, depth, the_map)
            _match_nodes(session, name, range(depth, depth + 1))
    for name, rule in the_map.offices.items():
        _make_offices(session, name, rule)
        _match_offices(session)
    session.execute(target.insert, {"source": the_map.source, "batch": batch_id})
    session.execute(_CHANGES)
    session.execute(text("SELECT set_config('redress.by_step', 'yes', true)"))
    with _whole_tables(session):
        session.execute(target.update)


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
        for name in (*the_map.kind.trees, *the_map.kind.offices)
    }


def _named(part: str) -> str:
    """Return the SQL rows (field, value) of a staged row, one for each field of a `part` of any
    kind of record: ('category', r.category), ..."""
    return ", ".join(f"('{name}', r.{name})" for name in every(part))


_LIST_NODES = text(f"""
    INSERT INTO import_node (field, path, parent, depth, name)
    SELECT DISTINCT p.field, array_to_string(parts[1:depth], chr(31)),
           array_to_string(parts[1:depth - 1], chr(31)), depth, parts[depth]
    FROM (
        SELECT DISTINCT t.field, t.path
        FROM import_row r
        CROSS JOIN LATERAL (VALUES {_named("trees")}) AS t (field, path)
        WHERE r.problems IS NULL AND t.path IS NOT NULL
    ) p
    CROSS JOIN LATERAL string_to_array(p.path, chr(31)) AS parts
    CROSS JOIN LATERAL generate_series(1, cardinality(parts)) AS depth
""")  # noqa: S608  names of fields, none from outside

_LIST_OFFICES = text(f"""
    INSERT INTO import_office (field, key, code, name)
    SELECT DISTINCT t.field, t.key, split_part(t.key, chr(31), 1), split_part(t.key, chr(31), 2)
    FROM import_row r
    CROSS JOIN LATERAL (VALUES {_named("offices")}) AS t (field, key)
    WHERE r.problems IS NULL AND t.key IS NOT NULL
""")  # noqa: S608  names of fields, none from outside

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

_COMPARE = text("""
    UPDATE import_verdict v
    SET outcome = CASE WHEN NOT m.fits THEN 'refused'
                       WHEN m.changes THEN 'updated'
                       ELSE 'unchanged' END,
        reason = CASE WHEN NOT m.fits THEN 'does_not_fit' WHEN m.reopens THEN 'reopens' END,
        field = CASE WHEN NOT m.fits THEN :begin END
    FROM import_merged m
    WHERE v.outcome = 'taken' AND m.row_no = v.row_no
""")

_CREATE_THE_REST = text("UPDATE import_verdict SET outcome = 'created' WHERE outcome = 'taken'")

_NEEDED_NODES = text(f"""
    UPDATE import_node n SET needed = true
    FROM (
        SELECT DISTINCT t.field, t.path
        FROM import_row r
        JOIN import_verdict v USING (row_no)
        CROSS JOIN LATERAL (VALUES {_named("trees")}) AS t (field, path)
        WHERE v.outcome IN ('created', 'updated')
    ) u
    WHERE n.id IS NULL AND n.field = u.field
      AND (n.path = u.path OR starts_with(u.path, n.path || chr(31)))
""")  # noqa: S608  names of fields, none from outside

_NEEDED_OFFICES = text(f"""
    UPDATE import_office o SET needed = true
    FROM (
        SELECT DISTINCT t.field, t.key
        FROM import_row r
        JOIN import_verdict v USING (row_no)
        CROSS JOIN LATERAL (VALUES {_named("offices")}) AS t (field, key)
        WHERE v.outcome IN ('created', 'updated')
    ) u
    WHERE o.id IS NULL AND o.field = u.field AND o.key = u.key
""")  # noqa: S608  names of fields, none from outside

# Once more, because the new offices, areas and categories have their numbers now.
_CHANGES = text("""
    CREATE TEMPORARY TABLE import_change ON COMMIT DROP AS
    SELECT m.*
    FROM import_merged m
    JOIN import_verdict v USING (row_no)
    WHERE v.outcome = 'updated'
""")

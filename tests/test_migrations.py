"""The migrated database is the one that models.py describes, up and down, with rows in it."""

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import flask_migrate
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import select, text

import models
from config import HOME
from models import RECORD_TYPES, Base, Office, ReferenceRecord, db, is_partition
from tests.factories import make_any

MIGRATIONS = HOME / "migrations"

# What a schema is made of, in PostgreSQL's own words.
COLUMNS = """
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
       a.attgenerated, pg_get_expr(d.adbin, d.adrelid)
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relnamespace = CAST(:schema AS regnamespace) AND c.relkind IN ('r', 'p', 'S')
  AND NOT c.relispartition
  AND a.attnum > 0 AND NOT a.attisdropped AND c.relname <> 'alembic_version'
"""
CONSTRAINTS = """
SELECT c.relname, k.conname, pg_get_constraintdef(k.oid)
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
WHERE k.connamespace = CAST(:schema AS regnamespace) AND c.relname <> 'alembic_version'
  AND NOT c.relispartition AND k.contype <> 't'
"""
INDEXES = """
SELECT tablename, indexname, indexdef FROM pg_indexes
JOIN pg_class c ON c.oid = format('%I.%I', schemaname, tablename)::regclass
WHERE schemaname = :schema AND tablename <> 'alembic_version' AND NOT c.relispartition
"""


def everything_in(connection: sa.Connection) -> set[tuple[Any, ...]]:
    """Return what we made in a database: tables, sequences, functions, types, extensions."""
    return set(
        map(
            tuple,
            connection.execute(
                text(
                    "SELECT 'relation', relname::text FROM pg_class"
                    "  WHERE relnamespace = 'public'::regnamespace"
                    " UNION SELECT 'function', p.oid::regprocedure::text FROM pg_proc p"
                    "  WHERE pronamespace = 'public'::regnamespace"
                    " UNION SELECT 'extension', extname::text FROM pg_extension"
                )
            ),
        )
    )


def head() -> str:
    return ScriptDirectory(str(MIGRATIONS)).get_current_head() or ""


def test_there_is_one_head_and_it_is_the_one_written_down() -> None:
    script = ScriptDirectory(str(MIGRATIONS))
    assert len(script.get_heads()) == 1, "two migrations follow the same one: renumber the later"
    written = (MIGRATIONS / ".current-head").read_text().strip()
    assert written == head(), f"put {head()} into migrations/.current-head"


def test_migrations_are_numbered_in_their_order() -> None:
    script = ScriptDirectory(str(MIGRATIONS))
    revisions = [revision.revision for revision in script.walk_revisions()][::-1]
    assert revisions == [f"{number:04}" for number in range(1, len(revisions) + 1)]
    for path in (MIGRATIONS / "versions").glob("*.py"):
        assert re.fullmatch(r"\d{4}_[a-z0-9_]+\.py", path.name), path.name


@pytest.mark.parametrize(
    "question", [COLUMNS, CONSTRAINTS, INDEXES], ids=["columns", "constraints", "indexes"]
)
def test_the_migrated_schema_is_that_of_the_models(question: str, session: Any) -> None:
    session.execute(text("CREATE SCHEMA described"))
    session.execute(text("SET LOCAL search_path = described, public"))
    Base.metadata.create_all(session.connection(), checkfirst=False)

    def schema(name: str) -> set[tuple[Any, ...]]:
        rows = session.execute(text(question), {"schema": name})
        return {
            tuple(
                re.sub(r"\b(public|described)\.", "", value) if isinstance(value, str) else value
                for value in row
            )
            for row in rows
        }

    migrated, described = schema("public"), schema("described")
    assert len(described) > 100
    assert migrated - described == set(), "in the migrations only: run make migrate"
    assert described - migrated == set(), "in models.py only: run make migrate"


def test_alembic_finds_nothing_to_migrate(session: Any) -> None:
    opts = {
        "compare_type": True,
        "include_name": lambda name, kind, _: not (kind == "table" and is_partition(name)),
    }
    context = MigrationContext.configure(session.connection(), opts=opts)
    assert compare_metadata(context, Base.metadata) == []


def test_up_and_down_and_up_again_with_a_row_in_every_table(
    fresh_database: Callable[[], str], committed: Flask
) -> None:
    with committed.app_context():
        for model in RECORD_TYPES:
            make_any(model)
        db.session.commit()
        for table in Base.metadata.tables.values():
            fills_by_use = table.name in (
                "login_attempt",
                "officer_posting",
                "former_respondent",
                "audit_open",
                "figure_month",
                "figure_mark",
                "figure_state",
                "reopening",
                "clock_alarm",
                "remedy_alarm",
                "finding_alarm",
                "notice_alarm",
            )
            assert fills_by_use or db.session.scalar(select(sa.func.count()).select_from(table)), (
                table.name
            )
        db.session.remove()
        with db.engine.connect() as connection:
            before = everything_in(connection)
        flask_migrate.downgrade(revision="base")
        with db.engine.connect() as connection:
            left = {name for _, name in everything_in(connection)}
        assert left == {"alembic_version", "alembic_version_pkc", "plpgsql"}
        flask_migrate.upgrade()
        with db.engine.connect() as connection:
            assert everything_in(connection) == before
        make_any(Office)
        db.session.commit()


def test_migrations_run_on_a_connection_that_is_given(committed: Flask) -> None:
    with committed.app_context(), db.engine.connect() as connection:
        config = Config(str(MIGRATIONS / "alembic.ini"))
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        flask_migrate.command.downgrade(config, "base")
        assert ("relation", "office") not in everything_in(connection)
        flask_migrate.command.upgrade(config, "head")
        assert ("relation", "office") in everything_in(connection)


@pytest.fixture
def wards() -> Iterator[type[Any]]:
    """A record type that somebody adds, as a tree with a secret."""

    class Ward(ReferenceRecord):
        """A ward of the district."""

        name: models.Mapped[str] = models.mapped_column(doc="Name of the ward")
        parent_id: models.Mapped[int | None] = models.reference("ward", doc="Ward around it")
        secret: models.Mapped[str | None] = models.mapped_column(
            info={"secret": True}, doc="Not for the trail"
        )

    yield Ward
    RECORD_TYPES.remove(Ward)
    Base.metadata.remove(Ward.__table__)
    Base.registry._dispose_cls(Ward)


def test_a_new_record_type_gets_a_number_stamps_its_tree_and_its_trail(
    committed: Flask, wards: Any, tmp_path: Path
) -> None:
    copy = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, copy, ignore=shutil.ignore_patterns("__pycache__"))
    with committed.app_context():
        flask_migrate.migrate(directory=str(copy), message="add wards")
        number = f"{int(head()) + 1:04}"
        written = (copy / "versions" / f"{number}_add_wards.py").read_text()
        assert "redress_watch('ward', masked => '{secret}'" in written
        assert (copy / ".current-head").read_text() == number + "\n"
        flask_migrate.upgrade(directory=str(copy))
        db.session.add(wards(name="North", secret="not for the trail"))
        db.session.commit()
        ward = db.session.scalars(select(wards)).one()
        entry = db.session.scalars(select(models.AuditEntry)).one()
        assert entry.changes == {"name": [None, "North"], "secret": [None, "***"]}
        with pytest.raises(sa.exc.IntegrityError) as caught:
            db.session.execute(text("UPDATE ward SET parent_id = id"))
        assert caught.value.orig.diag.constraint_name == "ck_ward_no_cycle"
        db.session.rollback()
        assert ward.version_id == 1
        flask_migrate.migrate(directory=str(copy), message="nothing")
        assert not list((copy / "versions").glob("*nothing*"))
        db.session.remove()
        flask_migrate.downgrade(directory=str(copy), revision=head())
        with db.engine.connect() as connection:
            assert ("relation", "ward") not in everything_in(connection)


# --- Search ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "pairs"),
    [
        ("停水", {"停", "水", "停水"}),
        ("ab c", {"a", "b", "c", "ab"}),
        ("a  b", {"a", "b"}),
        (" x ", {"x"}),
        ("", set()),
    ],
)
def test_pairs_are_the_characters_and_their_neighbours(
    document: str, pairs: set[str], session: Any
) -> None:
    found = session.scalar(select(sa.func.redress_pairs(document)))
    assert set(found or []) == pairs


def test_the_work_of_pairs_grows_with_the_text_and_no_faster(session: Any) -> None:
    def cost(length: int) -> float:
        return min(once(length) for _ in range(3))

    def once(length: int) -> float:
        # The number of the row is in it so that the work is not done once, in planning.
        plan = session.scalars(
            text(
                "EXPLAIN (ANALYZE, TIMING, FORMAT TEXT)"
                " SELECT redress_pairs(repeat(:word, :times) || n) FROM generate_series(1, 5) n"
            ),
            {"word": "停水了吗", "times": length // 4},
        ).all()
        return float(re.search(r"Execution Time: ([\d.]+)", plan[-1]).group(1))  # type: ignore[union-attr]

    cost(1_000)
    # Ten times the text: about ten times the work, where pairs by substr would take a hundred.
    assert cost(100_000) < 40 * cost(10_000)


def test_the_database_takes_trigrams_of_chinese(session: Any) -> None:
    assert session.scalar(select(sa.func.show_trgm("小区停水")))

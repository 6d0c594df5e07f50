"""Runs the migrations, and writes new ones: numbered, and with the triggers of new tables."""

import re
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import context
from alembic.ddl.postgresql import PostgresqlImpl
from alembic.operations import ops
from alembic.script import ScriptDirectory
from flask import current_app

import embedded
from access import guard_statement, prepare
from config import driver_url
from models import RECORD_TYPES, Base, PrivateRecord, is_partition, watch_statement

HERE = Path(__file__).resolve().parent
CURRENT_HEAD = HERE / ".current-head"


class Postgres(PostgresqlImpl):
    """Alembic's own PostgreSQL, which compares expressions of indexes as text: without brackets
    and line breaks, of which the server prints more than anybody wrote."""

    __dialect__ = "postgresql"

    def _cleanup_index_expr(self, index: sa.Index, expr: str) -> str:
        return re.sub(r"[()\s]", "", super()._cleanup_index_expr(index, expr))


def number_and_watch(_: Any, __: Any, directives: list[ops.MigrationScript]) -> None:
    """Number the new migration, give its new tables their triggers, and note it as the head."""
    script = directives[0]
    wants_changes = getattr(context.config.cmd_opts, "autogenerate", False)
    if script.upgrade_ops is None or not (wants_changes or script.message):
        return  # `flask db check` only looks
    if wants_changes and script.upgrade_ops.is_empty():
        directives.clear()
        return
    head = ScriptDirectory(str(HERE)).get_current_head()
    script.rev_id = f"{int(head or 0) + 1:04}"
    watched = _tables_to_watch(script.upgrade_ops)
    for model in RECORD_TYPES:
        if model.__tablename__ in watched:
            script.upgrade_ops.ops.append(ops.ExecuteSQLOp(watch_statement(model)))
            if not issubclass(model, PrivateRecord):
                script.upgrade_ops.ops.append(ops.ExecuteSQLOp(guard_statement(model)))
    CURRENT_HEAD.write_text(script.rev_id + "\n")


def _tables_to_watch(upgrade: ops.UpgradeOps) -> set[str]:
    """Return the new tables, and those of which a column came that the trail must not show."""
    found = set()
    for change in upgrade.ops:
        if isinstance(change, ops.CreateTableOp):
            found.add(change.table_name)
        elif isinstance(change, ops.ModifyTableOps):
            for part in change.ops:
                info = part.column.info if isinstance(part, ops.AddColumnOp) else {}
                if info.get("secret") or info.get("trail") is False:
                    found.add(change.table_name)
    return found


def run(connection: sa.Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        process_revision_directives=number_and_watch,
        include_name=lambda name, kind, _: not (kind == "table" and is_partition(name or "")),
        compare_type=True,
        # Alembic compares defaults by computing them, and no two numbers of a sequence are equal;
        # tests/test_migrations.py compares them as they are written.
        compare_server_default=False,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


def main() -> None:
    given = context.config.attributes.get("connection")
    if given is not None:
        run(given)
        return
    owner = current_app.config["OWNER_DATABASE_URL"]
    engine = sa.create_engine(driver_url(owner), hide_parameters=True, poolclass=sa.NullPool)
    with engine.connect() as connection:
        run(connection)
        is_ready = connection.scalar(sa.text("SELECT to_regclass('redress_private.ticket_key')"))
    if is_ready:
        prepare(embedded.superuser_url(owner) or owner, current_app.config["SECRET_KEY"])


if context.is_offline_mode():
    raise SystemExit("Migrations run on a database: give `flask db upgrade` without --sql.")
main()

"""Saved views that are shared, the one a list opens with, and the columns somebody wants to see.

Revises: 0006
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# The offices whose shared views an officer sees: their own and those above it. UNION, not UNION
# ALL: it ends even where the tree has a cycle.
OFFICES_ABOVE = """
CREATE FUNCTION redress_offices_above() RETURNS bigint[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    asks bigint := redress_officer();
BEGIN
    RETURN ARRAY(
        WITH RECURSIVE above(id) AS (
            SELECT o.office_id FROM officer o WHERE o.id = asks
            UNION
            SELECT f.parent_id FROM office f JOIN above ON f.id = above.id
        )
        SELECT id FROM above WHERE id IS NOT NULL);
END $$
"""

ROLES = """
CREATE FUNCTION redress_roles() RETURNS text[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RETURN (SELECT o.roles::text[] FROM officer o WHERE o.id = redress_officer());
END $$
"""

# Who may delete rows, where that is another question than who may change them. To be called after
# redress_guard, which asks the same for both.
LET_REMOVE = """
CREATE FUNCTION redress_let_remove(guarded regclass, removed text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('DROP POLICY redress_removes ON %s', guarded);
    EXECUTE format('CREATE POLICY redress_removes ON %s FOR DELETE USING (%s)', guarded, removed);
END $$
"""

FUNCTIONS = {
    "redress_offices_above()": OFFICES_ABOVE,
    "redress_roles()": ROLES,
    "redress_let_remove(regclass, text)": LET_REMOVE,
}

# access.guard_statement(SavedView), now and before.
GUARD = """SELECT redress_guard('saved_view', $rows$(SELECT redress_reads_trail()) OR saved_view.officer_id = (SELECT redress_officer()) OR saved_view.shared_office_id = ANY (coalesce((SELECT redress_offices_above()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))) OR CAST(saved_view.shared_role AS TEXT) = ANY (coalesce((SELECT redress_roles()), CAST(ARRAY[]::TEXT[] AS TEXT[])))$rows$, $rows$saved_view.officer_id = (SELECT redress_officer()) OR (SELECT redress_officer()) = 0$rows$, '{}'), redress_let_remove('saved_view', $rows$saved_view.officer_id = (SELECT redress_officer()) OR (SELECT redress_officer()) = 0 OR (SELECT redress_administers()) AND (saved_view.shared_office_id IS NOT NULL OR saved_view.shared_role IS NOT NULL)$rows$)"""
GUARD_BEFORE = """SELECT redress_guard('saved_view', $rows$(SELECT redress_reads_trail()) OR saved_view.officer_id = (SELECT redress_officer())$rows$, $rows$saved_view.officer_id = (SELECT redress_officer()) OR (SELECT redress_officer()) = 0$rows$, '{}')"""

# What an officer keeps of a list is theirs alone.
MINE = """
CREATE POLICY redress_rows ON {table} TO redress_app
USING (officer_id = (SELECT redress_officer()) OR (SELECT redress_officer()) = 0)
"""
OWN = ("default_view", "list_layout")


def upgrade() -> None:
    share()
    make_tables()
    for statement in FUNCTIONS.values():
        op.execute(statement)
    op.execute(GUARD)
    for table in OWN:
        op.execute(
            f"SELECT redress_watch('{table}', masked => '{{}}', quiet => '{{}}', private => true)"
        )
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO redress_app")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(MINE.format(table=table))


def share() -> None:
    """Say with whom a view is shared, and that it is one of a list."""
    op.add_column("saved_view", sa.Column("shared_office_id", sa.BigInteger(), nullable=True))
    op.add_column("saved_view", sa.Column("shared_role", sa.Enum("administrator", "intake", "handler", "office_head", "lead_official", "supervisor", "decider", "auditor", name="role", native_enum=False, create_constraint=True, length=40), nullable=True))
    op.create_foreign_key("fk_saved_view_shared_office_id", "saved_view", "office", ["shared_office_id"], ["id"], ondelete="RESTRICT")
    op.create_index("ix_saved_view_shared_office_id_id", "saved_view", ["shared_office_id", "id"])
    op.create_index("ix_saved_view_shared_role_id", "saved_view", ["shared_role", "id"])
    op.create_check_constraint("shared_once", "saved_view", "num_nonnulls(shared_office_id, shared_role) <= 1")
    # No screen used the addresses so far; what came before the ? and other signs go.
    op.execute(
        "UPDATE saved_view SET address = left(regexp_replace(regexp_replace(address,"
        " '^[^?]*[?](?=.)', ''), '[^A-Za-z0-9_.~%+&=,-]', '+', 'g'), 3000)"
        " WHERE address !~ '^[A-Za-z0-9_.~%+&=,-]+$' OR length(address) > 3000"
    )
    op.create_check_constraint("only_of_a_list", "saved_view", "address ~ '^[A-Za-z0-9_.~%+&=,-]+$' AND length(address) <= 3000")


def stamps() -> list[sa.Column]:
    return [
        sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
        sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
        sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
        sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    ]


def make_tables() -> None:
    op.create_table('default_view',
    sa.Column('officer_id', sa.BigInteger(), nullable=False),
    sa.Column('record_type', sa.String(length=80), nullable=False),
    sa.Column('saved_view_id', sa.BigInteger(), nullable=False),
    *stamps(),
    sa.CheckConstraint("btrim(record_type) <> ''", name=op.f('ck_default_view_record_type_not_blank')),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_default_view_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['officer_id'], ['officer.id'], name=op.f('fk_default_view_officer_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['saved_view_id'], ['saved_view.id'], name=op.f('fk_default_view_saved_view_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_default_view_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_default_view')),
    sa.UniqueConstraint('officer_id', 'record_type', name=op.f('uq_default_view_officer_id_record_type'))
    )
    op.create_table('list_layout',
    sa.Column('officer_id', sa.BigInteger(), nullable=False),
    sa.Column('record_type', sa.String(length=80), nullable=False),
    sa.Column('columns', postgresql.ARRAY(sa.String(length=80)), server_default='{}', nullable=False),
    sa.Column('is_compact', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    *stamps(),
    sa.CheckConstraint("btrim(record_type) <> ''", name=op.f('ck_list_layout_record_type_not_blank')),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_list_layout_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['officer_id'], ['officer.id'], name=op.f('fk_list_layout_officer_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_list_layout_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_list_layout')),
    sa.UniqueConstraint('officer_id', 'record_type', name=op.f('uq_list_layout_officer_id_record_type'))
    )


def downgrade() -> None:
    for table in reversed(OWN):
        op.drop_table(table)
    op.execute(GUARD_BEFORE)
    op.execute("ALTER TABLE saved_view DROP CONSTRAINT ck_saved_view_only_of_a_list")
    op.drop_column("saved_view", "shared_role")
    op.drop_column("saved_view", "shared_office_id")
    for signature in reversed(FUNCTIONS):
        op.execute(f"DROP FUNCTION {signature}")

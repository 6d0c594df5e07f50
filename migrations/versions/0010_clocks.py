"""Clocks with their ledgers, versions of calendars, rule packs as records.

Revises: 0009
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


# A version of a calendar that clocks were counted by stays as it is, and so do its days.
KEEP_DAYS = """
CREATE FUNCTION redress_keep_days() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM work_calendar c WHERE c.in_force_since IS NOT NULL
        AND (TG_OP <> 'INSERT' AND (c.name, c.calendar_version) = (OLD.calendar, OLD.calendar_version)
             OR TG_OP <> 'DELETE' AND (c.name, c.calendar_version) = (NEW.calendar, NEW.calendar_version))
    ) THEN
        RAISE EXCEPTION 'calendar_day is of a calendar in force'
        USING ERRCODE = 'check_violation', TABLE = 'calendar_day',
            CONSTRAINT = 'ck_calendar_day_stays_in_force';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$
"""

# What a standard counts is another version of it when it changes.
COUNT_VERSION = """
CREATE FUNCTION redress_count_version() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    NEW.rule_version := OLD.rule_version + 1;
    RETURN NEW;
END $$
"""
COUNTS = (
    "name",
    "starts",
    "amount",
    "unit",
    "counts_first_day",
    "rolls_forward",
    "ends",
    "moves_start",
    "cut_off_at",
    "cut_off_resumes",
)

# What no login may do to a table; to be called after redress_guard, which grants it.
WITHHOLD = """
CREATE FUNCTION redress_withhold(guarded regclass, rights text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('REVOKE %s ON %s FROM redress_app', rights, guarded);
END $$
"""
FUNCTIONS = {
    "redress_keep_days()": KEEP_DAYS,
    "redress_count_version()": COUNT_VERSION,
    "redress_withhold(regclass, text)": WITHHOLD,
}
TRIGGERS = (
    ("redress_days_kept", "INSERT OR UPDATE OR DELETE ON calendar_day FOR EACH ROW", "redress_keep_days()"),
    (
        "redress_stays_in_force",
        "UPDATE OR DELETE ON work_calendar FOR EACH ROW WHEN (OLD.in_force_since IS NOT NULL)",
        "redress_refuse('stays_in_force')",
    ),
    (
        "redress_versions",
        "UPDATE ON service_standard FOR EACH ROW WHEN ("
        + " OR ".join(f"OLD.{one} IS DISTINCT FROM NEW.{one}" for one in COUNTS)
        + ")",
        "redress_count_version()",
    ),
    ("redress_is_kept", "UPDATE ON clock_entry FOR EACH ROW", "redress_refuse('is_kept')"),
)
HOURS = "'^([0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]( |$))*$'"
CHECKS = (
    ("calendar_day", "hours_of_day", f"hours ~ {HOURS}"),
    ("service_standard", "ends_some_day", "amount <= 10000"),
    ("service_standard", "whole_first_day", "NOT counts_first_day OR (unit <> 'working_hours' AND ends <> 'same_time_of_day')"),
    ("service_standard", "starts_on_a_working_day", "ends <> 'same_time_of_day' OR unit <> 'working_days' OR moves_start"),
    ("service_standard", "cut_off_whole", "num_nonnulls(cut_off_at, cut_off_resumes) IN (0, 2)"),
    ("service_standard", "cut_off_is_a_time", "cut_off_at ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$' AND cut_off_resumes ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$'"),
)


def stamps() -> list[sa.Column]:
    return [
        sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
        sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
        sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
        sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    ]


def upgrade() -> None:
    make_tables()
    change_tables()
    for statement in FUNCTIONS.values():
        op.execute(statement)
    for name, what, function in TRIGGERS:
        op.execute(f"CREATE TRIGGER {name} BEFORE {what} EXECUTE FUNCTION {function}")
    op.execute("SELECT redress_watch('rule_pack', masked => '{}', quiet => '{}', private => false)")
    op.execute("SELECT redress_guard('rule_pack', NULL, NULL, '{}')")
    op.execute("SELECT redress_watch('work_calendar', masked => '{}', quiet => '{}', private => false)")
    op.execute("SELECT redress_guard('work_calendar', NULL, NULL, '{}')")
    op.execute("SELECT redress_watch('clock', masked => '{}', quiet => '{}', private => false)")
    op.execute("SELECT redress_guard('clock', $rows$(SELECT redress_sees_all()) OR (EXISTS (SELECT 1 FROM grievance WHERE grievance.id = clock.grievance_id AND grievance.responsible_office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))))) OR (EXISTS (SELECT 1 FROM grievance WHERE grievance.id = clock.grievance_id AND grievance.respondent_office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[])))))$rows$, NULL, '{}'), redress_withhold('clock', 'DELETE')")
    op.execute("SELECT redress_watch('clock_entry', masked => '{}', quiet => '{}', private => false)")
    op.execute("SELECT redress_guard('clock_entry', $rows$(SELECT redress_sees_all()) OR (EXISTS (SELECT 1 FROM clock WHERE clock.id = clock_entry.clock_id AND (EXISTS (SELECT 1 FROM grievance WHERE grievance.id = clock.grievance_id AND grievance.responsible_office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))))))) OR (EXISTS (SELECT 1 FROM clock WHERE clock.id = clock_entry.clock_id AND (EXISTS (SELECT 1 FROM grievance WHERE grievance.id = clock.grievance_id AND grievance.respondent_office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[])))))))$rows$, NULL, '{}'), redress_withhold('clock_entry', 'UPDATE, DELETE')")
    op.execute("SELECT redress_guard('service_standard', NULL, NULL, '{}')")
    op.execute("SELECT redress_guard('calendar_day', NULL, NULL, '{}')")
    op.execute("SELECT redress_guard('pause', $rows$(SELECT redress_sees_all()) OR (EXISTS (SELECT 1 FROM grievance WHERE grievance.id = pause.grievance_id AND grievance.responsible_office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))))) OR (EXISTS (SELECT 1 FROM grievance WHERE grievance.id = pause.grievance_id AND grievance.respondent_office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[])))))$rows$, NULL, '{}')")
    op.execute("SELECT redress_guard('extension', $rows$(SELECT redress_sees_all()) OR (EXISTS (SELECT 1 FROM grievance WHERE grievance.id = extension.grievance_id AND grievance.responsible_office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))))) OR (EXISTS (SELECT 1 FROM grievance WHERE grievance.id = extension.grievance_id AND grievance.respondent_office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[])))))$rows$, NULL, '{}')")


def make_tables() -> None:
    op.create_table('rule_pack',
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('code', sa.String(length=80), nullable=False),
    sa.Column('edition', sa.Integer(), server_default='1', nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('calendar', sa.String(length=80), server_default='district', nullable=False),
    sa.Column('is_in_use', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('extension_authority', sa.Enum('administrator', 'intake', 'handler', 'office_head', 'lead_official', 'supervisor', 'decider', 'auditor', name='role', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('extension_most', sa.Integer(), nullable=True),
    sa.Column('extension_same_again', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('extension_unlimited', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('extension_times', sa.Integer(), server_default='1', nullable=False),
    sa.Column('extension_tells', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('notes', sa.Text(), nullable=True),
    *stamps(),
    sa.CheckConstraint("btrim(calendar) <> ''", name=op.f('ck_rule_pack_calendar_not_blank')),
    sa.CheckConstraint("btrim(code) <> ''", name=op.f('ck_rule_pack_code_not_blank')),
    sa.CheckConstraint("btrim(name) <> ''", name=op.f('ck_rule_pack_name_not_blank')),
    sa.CheckConstraint("btrim(source) <> ''", name=op.f('ck_rule_pack_source_not_blank')),
    sa.CheckConstraint('extension_most > 0 AND extension_times > 0', name=op.f('ck_rule_pack_extends_by_something')),
    sa.CheckConstraint('num_nonnulls(extension_most, nullif(extension_same_again, false), nullif(extension_unlimited, false)) = (extension_authority IS NOT NULL)::int', name=op.f('ck_rule_pack_one_extension_limit')),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_rule_pack_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_rule_pack_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_rule_pack')),
    sa.UniqueConstraint('code', name=op.f('uq_rule_pack_code'))
    )
    op.create_index('ix_rule_pack_calendar_id', 'rule_pack', ['calendar', 'id'], unique=False)
    op.create_index('ix_rule_pack_code_id', 'rule_pack', ['code', 'id'], unique=False)
    op.create_index('ix_rule_pack_is_in_use_id', 'rule_pack', ['is_in_use', 'id'], unique=False)
    op.create_index('ix_rule_pack_name_id', 'rule_pack', ['name', 'id'], unique=False)
    op.create_index('ix_rule_pack_pairs', 'rule_pack', [sa.literal_column("redress_pairs(lower((name || ' ') || code))")], unique=False, postgresql_using='gin')
    op.create_index('ix_rule_pack_search', 'rule_pack', [sa.literal_column("lower((name || ' ') || code)").label('document')], unique=False, postgresql_using='gin', postgresql_ops={'document': 'gin_trgm_ops'})
    op.create_index('ix_rule_pack_edition_id', 'rule_pack', ['edition', 'id'], unique=False)
    op.create_index('uq_rule_pack_one_in_use', 'rule_pack', ['is_in_use'], unique=True, postgresql_where=sa.text('is_in_use'))
    op.create_table('work_calendar',
    sa.Column('name', sa.String(length=80), server_default='district', nullable=False),
    sa.Column('calendar_version', sa.Integer(), nullable=False),
    sa.Column('zone', sa.String(length=60), nullable=False),
    sa.Column('mon', sa.String(length=80), nullable=True),
    sa.Column('tue', sa.String(length=80), nullable=True),
    sa.Column('wed', sa.String(length=80), nullable=True),
    sa.Column('thu', sa.String(length=80), nullable=True),
    sa.Column('fri', sa.String(length=80), nullable=True),
    sa.Column('sat', sa.String(length=80), nullable=True),
    sa.Column('sun', sa.String(length=80), nullable=True),
    sa.Column('country', sa.String(length=20), nullable=True),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('in_force_since', sa.DateTime(timezone=True), nullable=True),
    *stamps(),
    sa.CheckConstraint("btrim(name) <> ''", name=op.f('ck_work_calendar_name_not_blank')),
    sa.CheckConstraint("btrim(reason) <> ''", name=op.f('ck_work_calendar_reason_not_blank')),
    sa.CheckConstraint("btrim(zone) <> ''", name=op.f('ck_work_calendar_zone_not_blank')),
    sa.CheckConstraint("coalesce(mon ~ '^([0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]( |$))*$', true) AND coalesce(tue ~ '^([0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]( |$))*$', true) AND coalesce(wed ~ '^([0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]( |$))*$', true) AND coalesce(thu ~ '^([0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]( |$))*$', true) AND coalesce(fri ~ '^([0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]( |$))*$', true) AND coalesce(sat ~ '^([0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]( |$))*$', true) AND coalesce(sun ~ '^([0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]( |$))*$', true)", name=op.f('ck_work_calendar_hours_of_day')),
    sa.CheckConstraint('calendar_version > 0', name=op.f('ck_work_calendar_version_from_one')),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_work_calendar_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_work_calendar_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_work_calendar')),
    sa.UniqueConstraint('name', 'calendar_version', name=op.f('uq_work_calendar_name_calendar_version'))
    )
    op.create_index('ix_work_calendar_in_force_since_id', 'work_calendar', ['in_force_since', 'id'], unique=False)
    op.create_index('ix_work_calendar_name_id', 'work_calendar', ['name', 'id'], unique=False)
    op.create_index('ix_work_calendar_pairs', 'work_calendar', [sa.literal_column('redress_pairs(lower(name))')], unique=False, postgresql_using='gin')
    op.create_index('ix_work_calendar_search', 'work_calendar', [sa.literal_column('lower(name)').label('document')], unique=False, postgresql_using='gin', postgresql_ops={'document': 'gin_trgm_ops'})
    op.create_index('ix_work_calendar_calendar_version_id', 'work_calendar', ['calendar_version', 'id'], unique=False)
    op.create_index('ix_work_calendar_zone_id', 'work_calendar', ['zone', 'id'], unique=False)
    op.create_table('clock',
    sa.Column('grievance_id', sa.BigInteger(), nullable=False),
    sa.Column('stage', sa.Enum('acknowledge', 'object', 'decide', 'extend', 'ask_review', 'review', name='clockstage', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('stands_since', sa.DateTime(timezone=True), nullable=True),
    sa.Column('stopped_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('is_late', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('rule', sa.String(length=200), nullable=False),
    sa.Column('rule_version', sa.Integer(), nullable=False),
    sa.Column('calendar', sa.String(length=80), nullable=False),
    sa.Column('calendar_version', sa.Integer(), nullable=False),
    *stamps(),
    sa.CheckConstraint("btrim(calendar) <> ''", name=op.f('ck_clock_calendar_not_blank')),
    sa.CheckConstraint("btrim(rule) <> ''", name=op.f('ck_clock_rule_not_blank')),
    sa.CheckConstraint("stage <> 'extend'", name=op.f('ck_clock_stage_has_a_clock')),
    sa.CheckConstraint('is_late = coalesce(stopped_at > due_at, false)', name=op.f('ck_clock_late_is_after_due')),
    sa.CheckConstraint('num_nonnulls(due_at, stands_since) = 1', name=op.f('ck_clock_runs_or_stands')),
    sa.CheckConstraint('stopped_at >= started_at', name=op.f('ck_clock_ends_after_start')),
    sa.CheckConstraint('stopped_at IS NULL OR stands_since IS NULL', name=op.f('ck_clock_ended_runs_no_more')),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_clock_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['grievance_id'], ['grievance.id'], name=op.f('fk_clock_grievance_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_clock_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_clock'))
    )
    op.create_index('ix_clock_due_at_id', 'clock', ['due_at', 'id'], unique=False)
    op.create_index('ix_clock_grievance_id_id', 'clock', ['grievance_id', 'id'], unique=False)
    op.create_index('ix_clock_open', 'clock', ['calendar', 'id'], unique=False, postgresql_where=sa.text('stopped_at IS NULL'))
    op.create_index('ix_clock_runs_out', 'clock', ['due_at', 'id'], unique=False, postgresql_where=sa.text('stopped_at IS NULL'))
    op.create_index('uq_clock_one_open', 'clock', ['grievance_id', 'stage'], unique=True, postgresql_where=sa.text('stopped_at IS NULL'))
    op.create_table('clock_entry',
    sa.Column('clock_id', sa.BigInteger(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Enum('started', 'paused', 'resumed', 'extended', 'recalculated', 'rule_changed', 'stopped', name='entrykind', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('was', sa.DateTime(timezone=True), nullable=True),
    sa.Column('due', sa.DateTime(timezone=True), nullable=True),
    sa.Column('entry', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.Column('by_id', sa.BigInteger(), nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    *stamps(),
    sa.CheckConstraint('position > 0', name=op.f('ck_clock_entry_position_from_one')),
    sa.ForeignKeyConstraint(['by_id'], ['officer.id'], name=op.f('fk_clock_entry_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['clock_id'], ['clock.id'], name=op.f('fk_clock_entry_clock_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_clock_entry_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_clock_entry_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_clock_entry')),
    sa.UniqueConstraint('clock_id', 'position', name=op.f('uq_clock_entry_clock_id_position'))
    )
    op.create_index('ix_clock_entry_by_id_id', 'clock_entry', ['by_id', 'id'], unique=False)
    op.create_index('ix_clock_entry_clock_id_id', 'clock_entry', ['clock_id', 'id'], unique=False)


def change_tables() -> None:
    op.add_column('calendar_day', sa.Column('hours', sa.String(length=80), nullable=True))
    op.add_column('extension', sa.Column('clock_id', sa.BigInteger(), nullable=True))
    op.add_column('extension', sa.Column('amount', sa.Integer(), nullable=True))
    op.create_index('ix_extension_clock_id_id', 'extension', ['clock_id', 'id'], unique=False)
    op.create_foreign_key(op.f('fk_extension_clock_id'), 'extension', 'clock', ['clock_id'], ['id'], ondelete='CASCADE')
    op.add_column('pause', sa.Column('clock_id', sa.BigInteger(), nullable=True))
    op.create_index('ix_pause_clock_id_id', 'pause', ['clock_id', 'id'], unique=False)
    op.create_foreign_key(op.f('fk_pause_clock_id'), 'pause', 'clock', ['clock_id'], ['id'], ondelete='CASCADE')
    op.add_column('service_standard', sa.Column('rule_version', sa.Integer(), server_default='1', nullable=False))
    op.add_column('service_standard', sa.Column('starts', sa.Enum('received', 'acknowledged', 'routed', 'accepted', 'decision_told', 'review_asked', name='clockstart', native_enum=False, create_constraint=True, length=40), server_default='received', nullable=False))
    op.add_column('service_standard', sa.Column('matter', sa.String(length=200), nullable=True))
    op.add_column('service_standard', sa.Column('ends', sa.Enum('end_of_day', 'end_of_working_hours', 'same_time_of_day', name='duetime', native_enum=False, create_constraint=True, length=40), server_default='end_of_day', nullable=False))
    op.add_column('service_standard', sa.Column('moves_start', sa.Boolean(), server_default=sa.text('false'), nullable=False))
    op.add_column('service_standard', sa.Column('cut_off_at', sa.String(length=5), nullable=True))
    op.add_column('service_standard', sa.Column('cut_off_resumes', sa.String(length=5), nullable=True))
    op.execute("UPDATE service_standard SET amount = 10000 WHERE amount > 10000")
    op.execute("UPDATE service_standard SET counts_first_day = false WHERE unit = 'working_hours'")
    for table, name, condition in CHECKS:
        op.create_check_constraint(name, table, condition)


def downgrade() -> None:
    for name, what, _function in TRIGGERS:
        table = what.partition(" ON ")[2].partition(" ")[0]
        op.execute(f"DROP TRIGGER {name} ON {table}")
    for signature in FUNCTIONS:
        op.execute(f"DROP FUNCTION {signature}")
    for table, name, _condition in CHECKS:
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT ck_{table}_{name}")
    op.drop_column('service_standard', 'cut_off_resumes')
    op.drop_column('service_standard', 'cut_off_at')
    op.drop_column('service_standard', 'moves_start')
    op.drop_column('service_standard', 'ends')
    op.drop_column('service_standard', 'matter')
    op.drop_column('service_standard', 'starts')
    op.drop_column('service_standard', 'rule_version')
    op.drop_constraint(op.f('fk_pause_clock_id'), 'pause', type_='foreignkey')
    op.drop_index('ix_pause_clock_id_id', table_name='pause')
    op.drop_column('pause', 'clock_id')
    op.drop_constraint(op.f('fk_extension_clock_id'), 'extension', type_='foreignkey')
    op.drop_index('ix_extension_clock_id_id', table_name='extension')
    op.drop_column('extension', 'amount')
    op.drop_column('extension', 'clock_id')
    op.drop_column('calendar_day', 'hours')
    op.drop_table('clock_entry')
    op.drop_table('clock')
    op.drop_table('work_calendar')
    op.drop_table('rule_pack')

"""Every table of the domain, with its search, stamps, trees and audit trail.

Revises: none
"""

import sqlalchemy as sa
from alembic import op
from alembic.util import CommandError
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

EXTENSIONS = ("pg_trgm", "btree_gist")

# The characters of a text and its neighbouring pairs: what finds the one- and two-character words
# of Chinese. The two arrays are read side by side, so the time grows with the text and no faster;
# an index keeps what comes twice once.
PAIRS = """
CREATE FUNCTION redress_pairs(document text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS $$
DECLARE
    characters text[] := string_to_array(document, NULL);
BEGIN
    RETURN array_remove(characters, ' ') || ARRAY(
        SELECT one || two FROM unnest(characters, characters[2:]) pair(one, two)
        WHERE one <> ' ' AND two <> ' '
    );
END $$
"""

# Who made and who changed a record is the trigger's to say, for raw SQL too.
STAMP = """
CREATE FUNCTION redress_stamp() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := now();
    NEW.updated_by_id := nullif(current_setting('redress.officer_id', true), '')::bigint;
    IF TG_OP = 'INSERT' THEN
        NEW.version_id := 1;
        NEW.created_at := NEW.updated_at;
        NEW.created_by_id := NEW.updated_by_id;
    ELSE
        NEW.version_id := OLD.version_id + 1;
        NEW.created_at := OLD.created_at;
        NEW.created_by_id := OLD.created_by_id;
    END IF;
    RETURN NEW;
END $$
"""

# The lock makes two moves at the same time one after the other; either alone may be harmless and
# both together a circle.
NO_CYCLE = """
CREATE FUNCTION redress_no_cycle() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    in_circle boolean;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('redress tree ' || TG_TABLE_NAME));
    EXECUTE format(
        'WITH RECURSIVE above(id) AS ('
        '    SELECT $1 UNION'
        '    SELECT t.parent_id FROM %I.%I t JOIN above ON above.id = t.id'
        ') SELECT EXISTS (SELECT 1 FROM above WHERE id = $2)',
        TG_TABLE_SCHEMA, TG_TABLE_NAME
    ) INTO in_circle USING NEW.parent_id, NEW.id;
    IF in_circle THEN
        RAISE EXCEPTION 'record % of % would be above itself', NEW.id, TG_TABLE_NAME
        USING ERRCODE = 'check_violation', SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME,
            CONSTRAINT = format('ck_%s_no_cycle', TG_TABLE_NAME);
    END IF;
    RETURN NULL;
END $$
"""

# One statement of ours for each of theirs, so that 100,000 rows come in at once. Arguments:
# columns whose values are not told, columns that leave no entry when they change alone, and
# whether the whole table is private. Changes are {field: [before, after]}.
AUDIT = """
CREATE FUNCTION redress_audit() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    masked text[] := TG_ARGV[0];
    quiet text[] := TG_ARGV[1];
    private boolean := TG_ARGV[2];
    stamps text[] := '{version_id,created_at,created_by_id,updated_at,updated_by_id}';
    mask jsonb := '"***"';
    officer bigint := nullif(current_setting('redress.officer_id', true), '');
    request text := nullif(current_setting('redress.request_id', true), '');
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO audit_entry (at, officer_id, verb, record_type, record_id, request_id, changes)
        SELECT clock_timestamp(), officer, 'insert', TG_TABLE_NAME, n.id, request, (
            SELECT jsonb_object_agg(key, jsonb_build_array(
                NULL, CASE WHEN private OR key = ANY (masked) THEN mask ELSE value END))
            FROM jsonb_each(to_jsonb(n) - stamps - 'id') WHERE value <> 'null'
        ) FROM new_rows n;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO audit_entry (at, officer_id, verb, record_type, record_id, request_id, changes)
        SELECT clock_timestamp(), officer, 'delete', TG_TABLE_NAME, o.id, request, (
            SELECT jsonb_object_agg(key, jsonb_build_array(
                CASE WHEN private OR key = ANY (masked) THEN mask ELSE value END, NULL))
            FROM jsonb_each(to_jsonb(o) - stamps - 'id') WHERE value <> 'null'
        ) FROM old_rows o;
    ELSE
        -- The join is full so that a changed id shows as well; OFFSET 0 has each row read once.
        INSERT INTO audit_entry (at, officer_id, verb, record_type, record_id, request_id, changes)
        SELECT clock_timestamp(), officer, 'update', TG_TABLE_NAME, id, request, changes
        FROM (SELECT id, to_jsonb(o) - stamps AS before, to_jsonb(n) - stamps AS after
              FROM old_rows o FULL JOIN new_rows n USING (id) OFFSET 0) pair,
        LATERAL (
            SELECT bool_or(key <> ALL (quiet)) AS is_loud, jsonb_object_agg(key, CASE
                WHEN private OR key = ANY (masked) THEN jsonb_build_array(mask, mask)
                ELSE jsonb_build_array(before -> key, after -> key) END) AS changes
            FROM jsonb_object_keys(coalesce(after, before)) key
            WHERE (before -> key) IS DISTINCT FROM (after -> key)
        ) difference
        WHERE is_loud;
    END IF;
    RETURN NULL;
END $$
"""

# Refuses what it hangs on, under the name of a check so that screens have a sentence for it. A
# whole table is never emptied at once: TRUNCATE would leave no trace of its rows.
REFUSE = """
CREATE FUNCTION redress_refuse() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% refuses %', TG_TABLE_NAME, TG_OP
    USING ERRCODE = 'check_violation', SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME,
        CONSTRAINT = format('ck_%s_%s', TG_TABLE_NAME, TG_ARGV[0]);
END $$
"""

# Hangs on a table what keeps its stamps, its tree and its trail; to be called again when its
# columns change in a way that its arguments tell.
WATCH = """
CREATE FUNCTION redress_watch(
    watched regclass, masked text[] DEFAULT '{}', quiet text[] DEFAULT '{}',
    private boolean DEFAULT false
) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    is_stamped boolean := EXISTS (
        SELECT FROM pg_attribute WHERE attrelid = watched AND attname = 'version_id');
    is_tree boolean := EXISTS (
        SELECT FROM pg_constraint JOIN pg_attribute
            ON attrelid = conrelid AND ARRAY[attnum] = conkey AND attname = 'parent_id'
        WHERE contype = 'f' AND conrelid = watched AND confrelid = watched);
    audit text := format('redress_audit(%L, %L, %L)', masked, quiet, private);
BEGIN
    IF is_stamped THEN
        EXECUTE format(
            'CREATE OR REPLACE TRIGGER redress_stamp BEFORE INSERT OR UPDATE ON %s '
            'FOR EACH ROW EXECUTE FUNCTION redress_stamp()', watched);
    END IF;
    IF is_tree THEN
        EXECUTE format(
            'CREATE OR REPLACE TRIGGER redress_no_cycle AFTER INSERT OR UPDATE OF parent_id '
            'ON %s FOR EACH ROW WHEN (NEW.parent_id IS NOT NULL) '
            'EXECUTE FUNCTION redress_no_cycle()', watched);
    END IF;
    EXECUTE format(
        'CREATE OR REPLACE TRIGGER redress_audit_insert AFTER INSERT ON %s '
        'REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION %s',
        watched, audit);
    EXECUTE format(
        'CREATE OR REPLACE TRIGGER redress_audit_update AFTER UPDATE ON %s '
        'REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows '
        'FOR EACH STATEMENT EXECUTE FUNCTION %s', watched, audit);
    EXECUTE format(
        'CREATE OR REPLACE TRIGGER redress_audit_delete AFTER DELETE ON %s '
        'REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION %s',
        watched, audit);
    EXECUTE format(
        'CREATE OR REPLACE TRIGGER redress_keep BEFORE TRUNCATE ON %s FOR EACH STATEMENT '
        'EXECUTE FUNCTION redress_refuse(%L)', watched, 'not_emptied');
END $$
"""

# What may not be changed or deleted once it stands, and the name of the refusal.
KEPT = (
    ("UPDATE OR DELETE OR TRUNCATE ON audit_entry FOR EACH STATEMENT", "not_changed"),
    ("UPDATE OR DELETE ON identity_opening FOR EACH ROW", "is_kept"),
    ("DELETE ON reprimand FOR EACH ROW WHEN (OLD.number IS NOT NULL)", "number_is_kept"),
    ("DELETE ON supervision_notice FOR EACH ROW WHEN (OLD.number IS NOT NULL)", "number_is_kept"),
    ("UPDATE OR DELETE ON reprimand_evidence FOR EACH ROW WHEN (OLD.frozen_at IS NOT NULL)",
     "is_frozen"),
)

FUNCTIONS = (PAIRS, STAMP, NO_CYCLE, AUDIT, REFUSE, WATCH)


def make_extension(name: str) -> None:
    connection = op.get_bind()
    if connection.scalar(sa.text("SELECT 1 FROM pg_extension WHERE extname = :n"), {"n": name}):
        return
    try:
        op.execute(f"CREATE EXTENSION {name}")
    except DBAPIError:
        database = connection.engine.url.database
        raise CommandError(
            f"The PostgreSQL extension {name} is not there and may not be made here. Ask the "
            f"administrator of the server to install PostgreSQL's contrib modules and to run "
            f"CREATE EXTENSION {name} in the database {database}."
        ) from None


def drop_extension(name: str) -> None:
    """Drop it unless it is somebody else's."""
    own = "SELECT 1 FROM pg_extension JOIN pg_roles r ON r.oid = extowner"
    own += " WHERE extname = :n AND rolname = current_user"
    if op.get_bind().scalar(sa.text(own), {"n": name}):
        op.execute(f"DROP EXTENSION {name}")


TABLES = (
    "login_attempt",
    "officer",
    "area",
    "audit_entry",
    "calendar_day",
    "export_record",
    "import_batch",
    "number_series",
    "officer_session",
    "saved_view",
    "service_standard",
    "supervision_group",
    "group_membership",
    "office",
    "category",
    "daily_return",
    "duty_shift",
    "inspection",
    "reception_day",
    "recusal",
    "reprimand",
    "supervision_assignment",
    "target",
    "accountability_action",
    "circulation",
    "grievance",
    "rectification",
    "reprimand_appeal",
    "reprimand_reply",
    "decision",
    "document",
    "extension",
    "feedback",
    "finding",
    "grievance_link",
    "identity",
    "identity_opening",
    "joint_conference",
    "pause",
    "plan_step",
    "reception",
    "retaliation_report",
    "routing_objection",
    "appeal",
    "conference_office",
    "decision_point",
    "remedy",
    "supervision_notice",
    "reprimand_evidence",
)


def upgrade() -> None:
    for name in EXTENSIONS:
        make_extension(name)
    for function in FUNCTIONS:
        op.execute(function)
    op.execute(sa.schema.CreateSequence(sa.Sequence("grievance_number")))
    op.create_table('login_attempt',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('account_hash', sa.LargeBinary(length=32), nullable=False),
    sa.Column('address_hash', sa.LargeBinary(length=32), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_login_attempt'))
    )
    op.create_index('ix_login_attempt_account', 'login_attempt', ['account_hash', 'at'], unique=False)
    op.create_index('ix_login_attempt_address', 'login_attempt', ['address_hash', 'at'], unique=False)
    op.create_table('officer',
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('username', sa.String(length=80), nullable=False),
    sa.Column('office_id', sa.BigInteger(), nullable=False),
    sa.Column('duty', sa.String(length=200), nullable=True),
    sa.Column('roles', postgresql.ARRAY(sa.String(length=40)), server_default='{}', nullable=False),
    sa.Column('email', sa.String(length=200), nullable=True),
    sa.Column('language', sa.String(length=20), nullable=True),
    sa.Column('left_on', sa.Date(), nullable=True),
    sa.Column('password_hash', sa.String(length=200), nullable=True),
    sa.Column('password_changed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint("btrim(name) <> ''", name=op.f('ck_officer_name_not_blank')),
    sa.CheckConstraint("btrim(username) <> ''", name=op.f('ck_officer_username_not_blank')),
    sa.CheckConstraint("roles <@ ARRAY['administrator','intake','handler','office_head','lead_official','supervisor','decider','auditor']::varchar[]", name=op.f('ck_officer_known_roles')),
    sa.CheckConstraint('username = lower(username)', name=op.f('ck_officer_username_lower_case')),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_officer_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_officer_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_officer')),
    sa.UniqueConstraint('username', name=op.f('uq_officer_username'))
    )
    op.create_index('ix_officer_duty_id', 'officer', ['duty', 'id'], unique=False)
    op.create_index('ix_officer_left_on_id', 'officer', ['left_on', 'id'], unique=False)
    op.create_index('ix_officer_name_id', 'officer', ['name', 'id'], unique=False)
    op.create_index('ix_officer_office_id_id', 'officer', ['office_id', 'id'], unique=False)
    op.create_index('ix_officer_pairs', 'officer', [sa.literal_column("redress_pairs(lower((coalesce(name, '') || ' ') || coalesce(username, '')))")], unique=False, postgresql_using='gin')
    op.create_index('ix_officer_search', 'officer', [sa.literal_column("lower((coalesce(name, '') || ' ') || coalesce(username, ''))").label('document')], unique=False, postgresql_using='gin', postgresql_ops={'document': 'gin_trgm_ops'})
    op.create_index('ix_officer_username_id', 'officer', ['username', 'id'], unique=False)
    op.create_table('area',
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('level', sa.Enum('district', 'subdistrict', 'community', name='arealevel', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('parent_id', sa.BigInteger(), nullable=True),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint("btrim(name) <> ''", name=op.f('ck_area_name_not_blank')),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_area_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['parent_id'], ['area.id'], name=op.f('fk_area_parent_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_area_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_area')),
    sa.UniqueConstraint('parent_id', 'name', name=op.f('uq_area_parent_id_name'), postgresql_nulls_not_distinct=True)
    )
    op.create_index('ix_area_level_id', 'area', ['level', 'id'], unique=False)
    op.create_index('ix_area_name_id', 'area', ['name', 'id'], unique=False)
    op.create_index('ix_area_pairs', 'area', [sa.literal_column("redress_pairs(lower(coalesce(name, '')))")], unique=False, postgresql_using='gin')
    op.create_index('ix_area_parent_id_id', 'area', ['parent_id', 'id'], unique=False)
    op.create_index('ix_area_search', 'area', [sa.literal_column("lower(coalesce(name, ''))").label('document')], unique=False, postgresql_using='gin', postgresql_ops={'document': 'gin_trgm_ops'})
    op.create_table('audit_entry',
    sa.Column('at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.Column('officer_id', sa.BigInteger(), nullable=True),
    sa.Column('verb', sa.Enum('insert', 'update', 'delete', 'export', 'import', 'login', 'logout', 'login_failed', 'open', name='auditverb', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('record_type', sa.String(length=80), nullable=False),
    sa.Column('record_id', sa.BigInteger(), nullable=True),
    sa.Column('request_id', sa.String(length=40), nullable=True),
    sa.Column('changes', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint("btrim(record_type) <> ''", name=op.f('ck_audit_entry_record_type_not_blank')),
    sa.ForeignKeyConstraint(['officer_id'], ['officer.id'], name=op.f('fk_audit_entry_officer_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_audit_entry'))
    )
    op.create_index('ix_audit_entry_at_id', 'audit_entry', ['at', 'id'], unique=False)
    op.create_index('ix_audit_entry_officer_id_id', 'audit_entry', ['officer_id', 'id'], unique=False)
    op.create_index('ix_audit_entry_record', 'audit_entry', ['record_type', 'record_id', 'id'], unique=False)
    op.create_index('ix_audit_entry_record_type_id', 'audit_entry', ['record_type', 'id'], unique=False)
    op.create_index('ix_audit_entry_verb_id', 'audit_entry', ['verb', 'id'], unique=False)
    op.create_table('calendar_day',
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('kind', sa.Enum('holiday', 'make_up_working_day', name='daykind', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('calendar', sa.String(length=80), server_default='district', nullable=False),
    sa.Column('calendar_version', sa.Integer(), server_default='1', nullable=False),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint("btrim(calendar) <> ''", name=op.f('ck_calendar_day_calendar_not_blank')),
    sa.CheckConstraint("btrim(name) <> ''", name=op.f('ck_calendar_day_name_not_blank')),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_calendar_day_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_calendar_day_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_calendar_day')),
    sa.UniqueConstraint('calendar', 'calendar_version', 'day', name=op.f('uq_calendar_day_calendar_calendar_version_day'))
    )
    op.create_index('ix_calendar_day_calendar_id', 'calendar_day', ['calendar', 'id'], unique=False)
    op.create_index('ix_calendar_day_calendar_version_id', 'calendar_day', ['calendar_version', 'id'], unique=False)
    op.create_index('ix_calendar_day_day_id', 'calendar_day', ['day', 'id'], unique=False)
    op.create_index('ix_calendar_day_kind_id', 'calendar_day', ['kind', 'id'], unique=False)
    op.create_index('ix_calendar_day_name_id', 'calendar_day', ['name', 'id'], unique=False)
    op.create_index('ix_calendar_day_pairs', 'calendar_day', [sa.literal_column("redress_pairs(lower(coalesce(name, '')))")], unique=False, postgresql_using='gin')
    op.create_index('ix_calendar_day_search', 'calendar_day', [sa.literal_column("lower(coalesce(name, ''))").label('document')], unique=False, postgresql_using='gin', postgresql_ops={'document': 'gin_trgm_ops'})
    op.create_table('export_record',
    sa.Column('officer_id', sa.BigInteger(), nullable=False),
    sa.Column('record_type', sa.String(length=80), nullable=False),
    sa.Column('file_name', sa.String(length=200), nullable=False),
    sa.Column('format', sa.String(length=10), nullable=False),
    sa.Column('address', sa.Text(), nullable=True),
    sa.Column('columns', postgresql.ARRAY(sa.String(length=80)), nullable=False),
    sa.Column('rows', sa.BigInteger(), nullable=True),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint("btrim(file_name) <> ''", name=op.f('ck_export_record_file_name_not_blank')),
    sa.CheckConstraint("btrim(format) <> ''", name=op.f('ck_export_record_format_not_blank')),
    sa.CheckConstraint("btrim(record_type) <> ''", name=op.f('ck_export_record_record_type_not_blank')),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_export_record_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['officer_id'], ['officer.id'], name=op.f('fk_export_record_officer_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_export_record_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_export_record'))
    )
    op.create_index('ix_export_record_file_name_id', 'export_record', ['file_name', 'id'], unique=False)
    op.create_index('ix_export_record_finished_at_id', 'export_record', ['finished_at', 'id'], unique=False)
    op.create_index('ix_export_record_format_id', 'export_record', ['format', 'id'], unique=False)
    op.create_index('ix_export_record_officer_id_id', 'export_record', ['officer_id', 'id'], unique=False)
    op.create_index('ix_export_record_pairs', 'export_record', [sa.literal_column("redress_pairs(lower(coalesce(file_name, '')))")], unique=False, postgresql_using='gin')
    op.create_index('ix_export_record_record_type_id', 'export_record', ['record_type', 'id'], unique=False)
    op.create_index('ix_export_record_rows_id', 'export_record', ['rows', 'id'], unique=False)
    op.create_index('ix_export_record_search', 'export_record', [sa.literal_column("lower(coalesce(file_name, ''))").label('document')], unique=False, postgresql_using='gin', postgresql_ops={'document': 'gin_trgm_ops'})
    op.create_table('import_batch',
    sa.Column('file_name', sa.String(length=200), nullable=False),
    sa.Column('map_name', sa.String(length=120), nullable=False),
    sa.Column('state', sa.Enum('uploaded', 'checking', 'checked', 'importing', 'imported', 'failed', name='importstate', native_enum=False, create_constraint=True, length=40), server_default='uploaded', nullable=False),
    sa.Column('keeps_good_rows', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('bytes_total', sa.BigInteger(), nullable=True),
    sa.Column('bytes_done', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('rows_read', sa.Integer(), server_default='0', nullable=False),
    sa.Column('rows_created', sa.Integer(), server_default='0', nullable=False),
    sa.Column('rows_updated', sa.Integer(), server_default='0', nullable=False),
    sa.Column('rows_unchanged', sa.Integer(), server_default='0', nullable=False),
    sa.Column('rows_repeated', sa.Integer(), server_default='0', nullable=False),
    sa.Column('rows_refused', sa.Integer(), server_default='0', nullable=False),
    sa.Column('summary', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('failure', sa.Text(), nullable=True),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint("(state IN ('imported', 'failed')) = (finished_at IS NOT NULL)", name=op.f('ck_import_batch_finished_has_time')),
    sa.CheckConstraint("btrim(file_name) <> ''", name=op.f('ck_import_batch_file_name_not_blank')),
    sa.CheckConstraint("btrim(map_name) <> ''", name=op.f('ck_import_batch_map_name_not_blank')),
    sa.CheckConstraint("state <> 'imported' OR rows_read = rows_created + rows_updated + rows_unchanged + rows_repeated + rows_refused", name=op.f('ck_import_batch_every_row_accounted_for')),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_import_batch_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_import_batch_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_import_batch'))
    )
    op.create_index('ix_import_batch_file_name_id', 'import_batch', ['file_name', 'id'], unique=False)
    op.create_index('ix_import_batch_finished_at_id', 'import_batch', ['finished_at', 'id'], unique=False)
    op.create_index('ix_import_batch_map_name_id', 'import_batch', ['map_name', 'id'], unique=False)
    op.create_index('ix_import_batch_pairs', 'import_batch', [sa.literal_column("redress_pairs(lower(coalesce(file_name, '')))")], unique=False, postgresql_using='gin')
    op.create_index('ix_import_batch_rows_created_id', 'import_batch', ['rows_created', 'id'], unique=False)
    op.create_index('ix_import_batch_rows_read_id', 'import_batch', ['rows_read', 'id'], unique=False)
    op.create_index('ix_import_batch_rows_refused_id', 'import_batch', ['rows_refused', 'id'], unique=False)
    op.create_index('ix_import_batch_rows_repeated_id', 'import_batch', ['rows_repeated', 'id'], unique=False)
    op.create_index('ix_import_batch_rows_unchanged_id', 'import_batch', ['rows_unchanged', 'id'], unique=False)
    op.create_index('ix_import_batch_rows_updated_id', 'import_batch', ['rows_updated', 'id'], unique=False)
    op.create_index('ix_import_batch_search', 'import_batch', [sa.literal_column("lower(coalesce(file_name, ''))").label('document')], unique=False, postgresql_using='gin', postgresql_ops={'document': 'gin_trgm_ops'})
    op.create_index('ix_import_batch_state_id', 'import_batch', ['state', 'id'], unique=False)
    op.create_table('number_series',
    sa.Column('body', sa.String(length=200), nullable=False),
    sa.Column('series', sa.String(length=80), nullable=False),
    sa.Column('year', sa.Integer(), nullable=False),
    sa.Column('form', sa.String(length=80), server_default='SN [{year}] {number}', nullable=False),
    sa.Column('last_number', sa.Integer(), server_default='0', nullable=False),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint("btrim(body) <> ''", name=op.f('ck_number_series_body_not_blank')),
    sa.CheckConstraint("btrim(form) <> ''", name=op.f('ck_number_series_form_not_blank')),
    sa.CheckConstraint("btrim(series) <> ''", name=op.f('ck_number_series_series_not_blank')),
    sa.CheckConstraint("position('{number}' in form) > 0", name=op.f('ck_number_series_form_has_number')),
    sa.CheckConstraint('last_number >= 0', name=op.f('ck_number_series_counts_up')),
    sa.CheckConstraint('year BETWEEN 1900 AND 2999', name=op.f('ck_number_series_plausible_year')),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_number_series_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_number_series_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_number_series')),
    sa.UniqueConstraint('body', 'series', 'year', name=op.f('uq_number_series_body_series_year'))
    )
    op.create_index('ix_number_series_body_id', 'number_series', ['body', 'id'], unique=False)
    op.create_index('ix_number_series_last_number_id', 'number_series', ['last_number', 'id'], unique=False)
    op.create_index('ix_number_series_pairs', 'number_series', [sa.literal_column("redress_pairs(lower((coalesce(body, '') || ' ') || coalesce(series, '')))")], unique=False, postgresql_using='gin')
    op.create_index('ix_number_series_search', 'number_series', [sa.literal_column("lower((coalesce(body, '') || ' ') || coalesce(series, ''))").label('document')], unique=False, postgresql_using='gin', postgresql_ops={'document': 'gin_trgm_ops'})
    op.create_index('ix_number_series_series_id', 'number_series', ['series', 'id'], unique=False)
    op.create_index('ix_number_series_year_id', 'number_series', ['year', 'id'], unique=False)
    op.create_table('officer_session',
    sa.Column('officer_id', sa.BigInteger(), nullable=False),
    sa.Column('token_hash', sa.LargeBinary(length=32), nullable=False),
    sa.Column('device', sa.String(length=200), nullable=False),
    sa.Column('address', sa.String(length=60), nullable=True),
    sa.Column('data', postgresql.JSONB(astext_type=sa.Text()), server_default='{}', nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('seen_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint("btrim(device) <> ''", name=op.f('ck_officer_session_device_not_blank')),
    sa.ForeignKeyConstraint(['officer_id'], ['officer.id'], name=op.f('fk_officer_session_officer_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_officer_session')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_officer_session_token_hash'))
    )
    op.create_index('ix_officer_session_address_id', 'officer_session', ['address', 'id'], unique=False)
    op.create_index('ix_officer_session_device_id', 'officer_session', ['device', 'id'], unique=False)
    op.create_index('ix_officer_session_ended_at_id', 'officer_session', ['ended_at', 'id'], unique=False)
    op.create_index('ix_officer_session_officer_id_id', 'officer_session', ['officer_id', 'id'], unique=False)
    op.create_index('ix_officer_session_pairs', 'officer_session', [sa.literal_column("redress_pairs(lower(coalesce(device, '')))")], unique=False, postgresql_using='gin')
    op.create_index('ix_officer_session_search', 'officer_session', [sa.literal_column("lower(coalesce(device, ''))").label('document')], unique=False, postgresql_using='gin', postgresql_ops={'document': 'gin_trgm_ops'})
    op.create_index('ix_officer_session_seen_at_id', 'officer_session', ['seen_at', 'id'], unique=False)
    op.create_index('ix_officer_session_started_at_id', 'officer_session', ['started_at', 'id'], unique=False)
    op.create_table('saved_view',
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('record_type', sa.String(length=80), nullable=False),
    sa.Column('address', sa.Text(), nullable=False),
    sa.Column('officer_id', sa.BigInteger(), nullable=False),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint("btrim(address) <> ''", name=op.f('ck_saved_view_address_not_blank')),
    sa.CheckConstraint("btrim(name) <> ''", name=op.f('ck_saved_view_name_not_blank')),
    sa.CheckConstraint("btrim(record_type) <> ''", name=op.f('ck_saved_view_record_type_not_blank')),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_saved_view_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['officer_id'], ['officer.id'], name=op.f('fk_saved_view_officer_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_saved_view_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_saved_view')),
    sa.UniqueConstraint('officer_id', 'record_type', 'name', name=op.f('uq_saved_view_officer_id_record_type_name'))
    )
    op.create_index('ix_saved_view_name_id', 'saved_view', ['name', 'id'], unique=False)
    op.create_index('ix_saved_view_officer_id_id', 'saved_view', ['officer_id', 'id'], unique=False)
    op.create_index('ix_saved_view_pairs', 'saved_view', [sa.literal_column("redress_pairs(lower(coalesce(name, '')))")], unique=False, postgresql_using='gin')
    op.create_index('ix_saved_view_record_type_id', 'saved_view', ['record_type', 'id'], unique=False)
    op.create_index('ix_saved_view_search', 'saved_view', [sa.literal_column("lower(coalesce(name, ''))").label('document')], unique=False, postgresql_using='gin', postgresql_ops={'document': 'gin_trgm_ops'})
    op.create_table('service_standard',
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('pack', sa.String(length=80), nullable=False),
    sa.Column('stage', sa.Enum('acknowledge', 'object', 'decide', 'extend', 'ask_review', 'review', name='clockstage', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('amount', sa.Integer(), nullable=False),
    sa.Column('unit', sa.Enum('working_hours', 'working_days', 'calendar_days', 'months', name='clockunit', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('counts_first_day', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('rolls_forward', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('legal_source', sa.String(length=300), nullable=True),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint("btrim(name) <> ''", name=op.f('ck_service_standard_name_not_blank')),
    sa.CheckConstraint("btrim(pack) <> ''", name=op.f('ck_service_standard_pack_not_blank')),
    sa.CheckConstraint('amount > 0', name=op.f('ck_service_standard_takes_time')),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_service_standard_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_service_standard_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_service_standard')),
    sa.UniqueConstraint('pack', 'name', 'stage', name=op.f('uq_service_standard_pack_name_stage'))
    )
    op.create_index('ix_service_standard_amount_id', 'service_standard', ['amount', 'id'], unique=False)
    op.create_index('ix_service_standard_name_id', 'service_standard', ['name', 'id'], unique=False)
    op.create_index('ix_service_standard_pack_id', 'service_standard', ['pack', 'id'], unique=False)
    op.create_index('ix_service_standard_pairs', 'service_standard', [sa.literal_column("redress_pairs(lower(coalesce(name, '')))")], unique=False, postgresql_using='gin')
    op.create_index('ix_service_standard_search', 'service_standard', [sa.literal_column("lower(coalesce(name, ''))").label('document')], unique=False, postgresql_using='gin', postgresql_ops={'document': 'gin_trgm_ops'})
    op.create_index('ix_service_standard_stage_id', 'service_standard', ['stage', 'id'], unique=False)
    op.create_index('ix_service_standard_unit_id', 'service_standard', ['unit', 'id'], unique=False)
    op.create_table('supervision_group',
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('mandate', sa.Text(), nullable=True),
    sa.Column('formed_on', sa.Date(), nullable=False),
    sa.Column('dissolved_on', sa.Date(), nullable=True),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint("btrim(name) <> ''", name=op.f('ck_supervision_group_name_not_blank')),
    sa.CheckConstraint('dissolved_on > formed_on', name=op.f('ck_supervision_group_dissolved_after_forming')),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_supervision_group_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_supervision_group_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_supervision_group')),
    sa.UniqueConstraint('name', name=op.f('uq_supervision_group_name'))
    )
    op.create_index('ix_supervision_group_dissolved_on_id', 'supervision_group', ['dissolved_on', 'id'], unique=False)
    op.create_index('ix_supervision_group_formed_on_id', 'supervision_group', ['formed_on', 'id'], unique=False)
    op.create_index('ix_supervision_group_name_id', 'supervision_group', ['name', 'id'], unique=False)
    op.create_index('ix_supervision_group_pairs', 'supervision_group', [sa.literal_column("redress_pairs(lower(coalesce(name, '')))")], unique=False, postgresql_using='gin')
    op.create_index('ix_supervision_group_search', 'supervision_group', [sa.literal_column("lower(coalesce(name, ''))").label('document')], unique=False, postgresql_using='gin', postgresql_ops={'document': 'gin_trgm_ops'})
    op.create_table('group_membership',
    sa.Column('group_id', sa.BigInteger(), nullable=False),
    sa.Column('officer_id', sa.BigInteger(), nullable=False),
    sa.Column('duty', sa.String(length=200), nullable=True),
    sa.Column('is_leader', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('starts_on', sa.Date(), nullable=False),
    sa.Column('ends_on', sa.Date(), nullable=True),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    postgresql.ExcludeConstraint((sa.column('group_id'), '='), (sa.column('officer_id'), '='), (sa.text('daterange(starts_on, ends_on)'), '&&'), using='gist', name=op.f('ex_group_membership_overlap')),
    postgresql.ExcludeConstraint((sa.column('group_id'), '='), (sa.text('daterange(starts_on, ends_on)'), '&&'), where=sa.text('is_leader'), using='gist', name=op.f('ex_group_membership_one_leader')),
    sa.CheckConstraint('ends_on > starts_on', name=op.f('ck_group_membership_ends_after_start')),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_group_membership_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['group_id'], ['supervision_group.id'], name=op.f('fk_group_membership_group_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['officer_id'], ['officer.id'], name=op.f('fk_group_membership_officer_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_group_membership_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_group_membership'))
    )
    op.create_index('ix_group_membership_duty_id', 'group_membership', ['duty', 'id'], unique=False)
    op.create_index('ix_group_membership_ends_on_id', 'group_membership', ['ends_on', 'id'], unique=False)
    op.create_index('ix_group_membership_group_id_id', 'group_membership', ['group_id', 'id'], unique=False)
    op.create_index('ix_group_membership_is_leader_id', 'group_membership', ['is_leader', 'id'], unique=False)
    op.create_index('ix_group_membership_officer_id_id', 'group_membership', ['officer_id', 'id'], unique=False)
    op.create_index('ix_group_membership_pairs', 'group_membership', [sa.literal_column("redress_pairs(lower(coalesce(duty, '')))")], unique=False, postgresql_using='gin')
    op.create_index('ix_group_membership_search', 'group_membership', [sa.literal_column("lower(coalesce(duty, ''))").label('document')], unique=False, postgresql_using='gin', postgresql_ops={'document': 'gin_trgm_ops'})
    op.create_index('ix_group_membership_starts_on_id', 'group_membership', ['starts_on', 'id'], unique=False)
    op.create_table('office',
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('code', sa.String(length=60), nullable=False),
    sa.Column('level', sa.Enum('district', 'department', 'subdistrict', 'community', name='officelevel', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('parent_id', sa.BigInteger(), nullable=True),
    sa.Column('area_id', sa.BigInteger(), nullable=True),
    sa.Column('address', sa.String(length=300), nullable=True),
    sa.Column('opened_on', sa.Date(), nullable=True),
    sa.Column('closed_on', sa.Date(), nullable=True),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint("btrim(code) <> ''", name=op.f('ck_office_code_not_blank')),
    sa.CheckConstraint("btrim(name) <> ''", name=op.f('ck_office_name_not_blank')),
    sa.CheckConstraint('closed_on IS NULL OR opened_on IS NULL OR closed_on >= opened_on', name=op.f('ck_office_closes_after_opening')),
    sa.CheckConstraint('parent_id <> id', name=op.f('ck_office_not_its_own_parent')),
    sa.ForeignKeyConstraint(['area_id'], ['area.id'], name=op.f('fk_office_area_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_office_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['parent_id'], ['office.id'], name=op.f('fk_office_parent_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_office_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_office')),
    sa.UniqueConstraint('code', name=op.f('uq_office_code'))
    )
    op.create_index('ix_office_area_id_id', 'office', ['area_id', 'id'], unique=False)
    op.create_index('ix_office_closed_on_id', 'office', ['closed_on', 'id'], unique=False)
    op.create_index('ix_office_code_id', 'office', ['code', 'id'], unique=False)
    op.create_index('ix_office_level_id', 'office', ['level', 'id'], unique=False)
    op.create_index('ix_office_name_id', 'office', ['name', 'id'], unique=False)
    op.create_index('ix_office_pairs', 'office', [sa.literal_column("redress_pairs(lower((coalesce(name, '') || ' ') || coalesce(code, '')))")], unique=False, postgresql_using='gin')
    op.create_index('ix_office_parent_id_id', 'office', ['parent_id', 'id'], unique=False)
    op.create_index('ix_office_search', 'office', [sa.literal_column("lower((coalesce(name, '') || ' ') || coalesce(code, ''))").label('document')], unique=False, postgresql_using='gin', postgresql_ops={'document': 'gin_trgm_ops'})
    op.create_table('category',
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('parent_id', sa.BigInteger(), nullable=True),
    sa.Column('office_id', sa.BigInteger(), nullable=True),
    sa.Column('service_standard_id', sa.BigInteger(), nullable=True),
    sa.Column('retired_on', sa.Date(), nullable=True),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint("btrim(name) <> ''", name=op.f('ck_category_name_not_blank')),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_category_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['office_id'], ['office.id'], name=op.f('fk_category_office_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['parent_id'], ['category.id'], name=op.f('fk_category_parent_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['service_standard_id'], ['service_standard.id'], name=op.f('fk_category_service_standard_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_category_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_category')),
    sa.UniqueConstraint('parent_id', 'name', name=op.f('uq_category_parent_id_name'), postgresql_nulls_not_distinct=True)
    )
    op.create_index('ix_category_name_id', 'category', ['name', 'id'], unique=False)
    op.create_index('ix_category_office_id_id', 'category', ['office_id', 'id'], unique=False)
    op.create_index('ix_category_pairs', 'category', [sa.literal_column("redress_pairs(lower(coalesce(name, '')))")], unique=False, postgresql_using='gin')
    op.create_index('ix_category_parent_id_id', 'category', ['parent_id', 'id'], unique=False)
    op.create_index('ix_category_search', 'category', [sa.literal_column("lower(coalesce(name, ''))").label('document')], unique=False, postgresql_using='gin', postgresql_ops={'document': 'gin_trgm_ops'})
    op.create_index('ix_category_service_standard_id_id', 'category', ['service_standard_id', 'id'], unique=False)
    op.create_table('daily_return',
    sa.Column('office_id', sa.BigInteger(), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('state', sa.Enum('due', 'filed', 'filed_late', 'nil', 'missing', 'corrected', name='returnstate', native_enum=False, create_constraint=True, length=40), server_default='due', nullable=False),
    sa.Column('received', sa.Integer(), nullable=True),
    sa.Column('answered', sa.Integer(), nullable=True),
    sa.Column('remedied', sa.Integer(), nullable=True),
    sa.Column('overdue', sa.Integer(), nullable=True),
    sa.Column('unanswered_notices', sa.Integer(), nullable=True),
    sa.Column('urgent_needs', sa.Text(), nullable=True),
    sa.Column('filed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('filed_by_id', sa.BigInteger(), nullable=True),
    sa.Column('replaces_id', sa.BigInteger(), nullable=True),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint("(state IN ('due', 'missing')) = (filed_at IS NULL)", name=op.f('ck_daily_return_filed_has_time')),
    sa.CheckConstraint("state <> 'nil' OR (received = 0 AND overdue = 0 AND unanswered_notices = 0 AND urgent_needs IS NULL)", name=op.f('ck_daily_return_nil_means_nothing_open')),
    sa.CheckConstraint('filed_at IS NULL OR num_nulls(received, answered, remedied, overdue, unanswered_notices) = 0', name=op.f('ck_daily_return_filed_has_figures')),
    sa.CheckConstraint('num_nonnulls(filed_at, filed_by_id) IN (0, 2)', name=op.f('ck_daily_return_filed_by_whom')),
    sa.CheckConstraint('received >= 0 AND answered >= 0 AND remedied >= 0 AND overdue >= 0 AND unanswered_notices >= 0', name=op.f('ck_daily_return_figures_not_negative')),
    sa.CheckConstraint('replaces_id <> id', name=op.f('ck_daily_return_not_its_own_correction')),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_daily_return_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['filed_by_id'], ['officer.id'], name=op.f('fk_daily_return_filed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['office_id'], ['office.id'], name=op.f('fk_daily_return_office_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['replaces_id'], ['daily_return.id'], name=op.f('fk_daily_return_replaces_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_daily_return_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_daily_return')),
    sa.UniqueConstraint('replaces_id', name=op.f('uq_daily_return_replaces_id'))
    )
    op.create_index('ix_daily_return_answered_id', 'daily_return', ['answered', 'id'], unique=False)
    op.create_index('ix_daily_return_day_id', 'daily_return', ['day', 'id'], unique=False)
    op.create_index('ix_daily_return_filed_at_id', 'daily_return', ['filed_at', 'id'], unique=False)
    op.create_index('ix_daily_return_filed_by_id_id', 'daily_return', ['filed_by_id', 'id'], unique=False)
    op.create_index('ix_daily_return_office_id_id', 'daily_return', ['office_id', 'id'], unique=False)
    op.create_index('ix_daily_return_overdue_id', 'daily_return', ['overdue', 'id'], unique=False)
    op.create_index('ix_daily_return_received_id', 'daily_return', ['received', 'id'], unique=False)
    op.create_index('ix_daily_return_remedied_id', 'daily_return', ['remedied', 'id'], unique=False)
    op.create_index('ix_daily_return_replaces_id_id', 'daily_return', ['replaces_id', 'id'], unique=False)
    op.create_index('ix_daily_return_state_id', 'daily_return', ['state', 'id'], unique=False)
    op.create_index('ix_daily_return_unanswered_notices_id', 'daily_return', ['unanswered_notices', 'id'], unique=False)
    op.create_index('uq_daily_return_current', 'daily_return', ['office_id', 'day'], unique=True, postgresql_where=sa.text("state <> 'corrected'"))
    op.create_table('duty_shift',
    sa.Column('name', sa.String(length=80), nullable=False),
    sa.Column('office_id', sa.BigInteger(), nullable=False),
    sa.Column('officer_id', sa.BigInteger(), nullable=False),
    sa.Column('starts_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('hand_over_note', sa.Text(), nullable=True),
    sa.Column('handed_over_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    postgresql.ExcludeConstraint((sa.column('officer_id'), '='), (sa.text('tstzrange(starts_at, ends_at)'), '&&'), using='gist', name=op.f('ex_duty_shift_overlap')),
    sa.CheckConstraint("btrim(name) <> ''", name=op.f('ck_duty_shift_name_not_blank')),
    sa.CheckConstraint("ends_at - starts_at <= interval '24 hours'", name=op.f('ck_duty_shift_at_most_a_day')),
    sa.CheckConstraint('ends_at > starts_at', name=op.f('ck_duty_shift_ends_after_start')),
    sa.CheckConstraint('handed_over_at IS NULL OR hand_over_note IS NOT NULL', name=op.f('ck_duty_shift_handed_over_with_note')),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_duty_shift_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['office_id'], ['office.id'], name=op.f('fk_duty_shift_office_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['officer_id'], ['officer.id'], name=op.f('fk_duty_shift_officer_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_duty_shift_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_duty_shift'))
    )
    op.create_index('ix_duty_shift_ends_at_id', 'duty_shift', ['ends_at', 'id'], unique=False)
    op.create_index('ix_duty_shift_handed_over_at_id', 'duty_shift', ['handed_over_at', 'id'], unique=False)
    op.create_index('ix_duty_shift_name_id', 'duty_shift', ['name', 'id'], unique=False)
    op.create_index('ix_duty_shift_office_id_id', 'duty_shift', ['office_id', 'id'], unique=False)
    op.create_index('ix_duty_shift_officer_id_id', 'duty_shift', ['officer_id', 'id'], unique=False)
    op.create_index('ix_duty_shift_pairs', 'duty_shift', [sa.literal_column("redress_pairs(lower(coalesce(name, '')))")], unique=False, postgresql_using='gin')
    op.create_index('ix_duty_shift_search', 'duty_shift', [sa.literal_column("lower(coalesce(name, ''))").label('document')], unique=False, postgresql_using='gin', postgresql_ops={'document': 'gin_trgm_ops'})
    op.create_index('ix_duty_shift_starts_at_id', 'duty_shift', ['starts_at', 'id'], unique=False)
    op.create_table('inspection',
    sa.Column('group_id', sa.BigInteger(), nullable=False),
    sa.Column('office_id', sa.BigInteger(), nullable=False),
    sa.Column('inspector_id', sa.BigInteger(), nullable=False),
    sa.Column('subject', sa.String(length=300), nullable=False),
    sa.Column('planned_on', sa.Date(), nullable=False),
    sa.Column('state', sa.Enum('planned', 'done', 'cancelled', name='inspectionstate', native_enum=False, create_constraint=True, length=40), server_default='planned', nullable=False),
    sa.Column('done_on', sa.Date(), nullable=True),
    sa.Column('cancelled_because', sa.Text(), nullable=True),
    sa.Column('summary', sa.Text(), nullable=True),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint("(state = 'cancelled') = (cancelled_because IS NOT NULL)", name=op.f('ck_inspection_cancelled_has_reason')),
    sa.CheckConstraint("(state = 'done') = (done_on IS NOT NULL)", name=op.f('ck_inspection_done_has_day')),
    sa.CheckConstraint("btrim(subject) <> ''", name=op.f('ck_inspection_subject_not_blank')),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_inspection_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['group_id'], ['supervision_group.id'], name=op.f('fk_inspection_group_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['inspector_id'], ['officer.id'], name=op.f('fk_inspection_inspector_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['office_id'], ['office.id'], name=op.f('fk_inspection_office_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_inspection_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_inspection'))
    )
    op.create_index('ix_inspection_done_on_id', 'inspection', ['done_on', 'id'], unique=False)
    op.create_index('ix_inspection_group_id_id', 'inspection', ['group_id', 'id'], unique=False)
    op.create_index('ix_inspection_inspector_id_id', 'inspection', ['inspector_id', 'id'], unique=False)
    op.create_index('ix_inspection_office_id_id', 'inspection', ['office_id', 'id'], unique=False)
    op.create_index('ix_inspection_pairs', 'inspection', [sa.literal_column("redress_pairs(lower(coalesce(subject, '')))")], unique=False, postgresql_using='gin')
    op.create_index('ix_inspection_planned_on_id', 'inspection', ['planned_on', 'id'], unique=False)
    op.create_index('ix_inspection_search', 'inspection', [sa.literal_column("lower(coalesce(subject, ''))").label('document')], unique=False, postgresql_using='gin', postgresql_ops={'document': 'gin_trgm_ops'})
    op.create_index('ix_inspection_state_id', 'inspection', ['state', 'id'], unique=False)
    op.create_index('ix_inspection_subject_id', 'inspection', ['subject', 'id'], unique=False)
    op.create_table('reception_day',
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('office_id', sa.BigInteger(), nullable=False),
    sa.Column('leader_id', sa.BigInteger(), nullable=False),
    sa.Column('kind', sa.Enum('weekday', 'weekend', 'joint', name='receptionkind', native_enum=False, create_constraint=True, length=40), server_default='weekday', nullable=False),
    sa.Column('starts_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('place', sa.String(length=300), nullable=False),
    sa.Column('taking_part', sa.Text(), nullable=True),
    sa.Column('published_on', sa.Date(), nullable=True),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    postgresql.ExcludeConstraint((sa.column('leader_id'), '='), (sa.text('tstzrange(starts_at, ends_at)'), '&&'), using='gist', name=op.f('ex_reception_day_overlap')),
    sa.CheckConstraint("(kind = 'joint') = (taking_part IS NOT NULL)", name=op.f('ck_reception_day_joint_has_offices')),
    sa.CheckConstraint("btrim(name) <> ''", name=op.f('ck_reception_day_name_not_blank')),
    sa.CheckConstraint("btrim(place) <> ''", name=op.f('ck_reception_day_place_not_blank')),
    sa.CheckConstraint('ends_at > starts_at', name=op.f('ck_reception_day_ends_after_start')),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_reception_day_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['leader_id'], ['officer.id'], name=op.f('fk_reception_day_leader_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['office_id'], ['office.id'], name=op.f('fk_reception_day_office_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_reception_day_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_reception_day'))
    )
    op.create_index('ix_reception_day_ends_at_id', 'reception_day', ['ends_at', 'id'], unique=False)
    op.create_index('ix_reception_day_kind_id', 'reception_day', ['kind', 'id'], unique=False)
    op.create_index('ix_reception_day_leader_id_id', 'reception_day', ['leader_id', 'id'], unique=False)
    op.create_index('ix_reception_day_name_id', 'reception_day', ['name', 'id'], unique=False)
    op.create_index('ix_reception_day_office_id_id', 'reception_day', ['office_id', 'id'], unique=False)
    op.create_index('ix_reception_day_pairs', 'reception_day', [sa.literal_column("redress_pairs(lower((coalesce(name, '') || ' ') || coalesce(place, '')))")], unique=False, postgresql_using='gin')
    op.create_index('ix_reception_day_place_id', 'reception_day', ['place', 'id'], unique=False)
    op.create_index('ix_reception_day_published_on_id', 'reception_day', ['published_on', 'id'], unique=False)
    op.create_index('ix_reception_day_search', 'reception_day', [sa.literal_column("lower((coalesce(name, '') || ' ') || coalesce(place, ''))").label('document')], unique=False, postgresql_using='gin', postgresql_ops={'document': 'gin_trgm_ops'})
    op.create_index('ix_reception_day_starts_at_id', 'reception_day', ['starts_at', 'id'], unique=False)
    op.create_table('recusal',
    sa.Column('officer_id', sa.BigInteger(), nullable=False),
    sa.Column('office_id', sa.BigInteger(), nullable=False),
    sa.Column('ground', sa.Enum('serves_the_office', 'served_the_office', 'handled_or_led_there', 'conflict_of_interest', name='recusalground', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('starts_on', sa.Date(), nullable=False),
    sa.Column('ends_on', sa.Date(), nullable=True),
    sa.Column('set_aside_on', sa.Date(), nullable=True),
    sa.Column('set_aside_because', sa.Text(), nullable=True),
    sa.Column('set_aside_by_id', sa.BigInteger(), nullable=True),
    sa.Column('seconded_by_id', sa.BigInteger(), nullable=True),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    postgresql.ExcludeConstraint((sa.column('officer_id'), '='), (sa.column('office_id'), '='), (sa.text('daterange(starts_on, ends_on)'), '&&'), using='gist', name=op.f('ex_recusal_overlap')),
    sa.CheckConstraint('ends_on > starts_on', name=op.f('ck_recusal_ends_after_start')),
    sa.CheckConstraint('num_nonnulls(set_aside_on, set_aside_because, set_aside_by_id, seconded_by_id) IN (0, 4)', name=op.f('ck_recusal_set_aside_by_two')),
    sa.CheckConstraint('set_aside_by_id <> seconded_by_id AND set_aside_by_id <> officer_id AND seconded_by_id <> officer_id', name=op.f('ck_recusal_set_aside_by_others')),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_recusal_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['office_id'], ['office.id'], name=op.f('fk_recusal_office_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['officer_id'], ['officer.id'], name=op.f('fk_recusal_officer_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['seconded_by_id'], ['officer.id'], name=op.f('fk_recusal_seconded_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['set_aside_by_id'], ['officer.id'], name=op.f('fk_recusal_set_aside_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_recusal_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_recusal'))
    )
    op.create_index('ix_recusal_ends_on_id', 'recusal', ['ends_on', 'id'], unique=False)
    op.create_index('ix_recusal_ground_id', 'recusal', ['ground', 'id'], unique=False)
    op.create_index('ix_recusal_office_id_id', 'recusal', ['office_id', 'id'], unique=False)
    op.create_index('ix_recusal_officer_id_id', 'recusal', ['officer_id', 'id'], unique=False)
    op.create_index('ix_recusal_seconded_by_id_id', 'recusal', ['seconded_by_id', 'id'], unique=False)
    op.create_index('ix_recusal_set_aside_by_id_id', 'recusal', ['set_aside_by_id', 'id'], unique=False)
    op.create_index('ix_recusal_set_aside_on_id', 'recusal', ['set_aside_on', 'id'], unique=False)
    op.create_index('ix_recusal_starts_on_id', 'recusal', ['starts_on', 'id'], unique=False)
    op.create_table('reprimand',
    sa.Column('office_id', sa.BigInteger(), nullable=False),
    sa.Column('subject', sa.String(length=300), nullable=False),
    sa.Column('ground', sa.Enum('no_answer_in_time', 'false_record_or_return', 'promise_not_kept', 'notice_ignored', 'refused_to_register', 'breach_of_confidentiality', 'retaliation', 'conflict_of_interest_hidden', name='ground', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('facts', sa.Text(), nullable=False),
    sa.Column('failed_on', sa.Date(), nullable=False),
    sa.Column('scope', sa.Enum('office_alone', 'its_superior', 'all_offices', 'public', name='scope', native_enum=False, create_constraint=True, length=40), server_default='all_offices', nullable=False),
    sa.Column('skips_rungs_because', sa.Text(), nullable=True),
    sa.Column('official_id', sa.BigInteger(), nullable=True),
    sa.Column('naming_reason', sa.Text(), nullable=True),
    sa.Column('naming_approved_by_id', sa.BigInteger(), nullable=True),
    sa.Column('drafted_by_id', sa.BigInteger(), nullable=False),
    sa.Column('state', sa.Enum('draft', 'checked', 'served', 'replied', 'decided', 'dropped', 'issued', 'circulated', 'lifted', 'expired', 'quashed', name='reprimandstate', native_enum=False, create_constraint=True, length=40), server_default='draft', nullable=False),
    sa.Column('checked_on', sa.Date(), nullable=True),
    sa.Column('checked_by_id', sa.BigInteger(), nullable=True),
    sa.Column('served_on', sa.Date(), nullable=True),
    sa.Column('reply_due_on', sa.Date(), nullable=True),
    sa.Column('replied_on', sa.Date(), nullable=True),
    sa.Column('decided_on', sa.Date(), nullable=True),
    sa.Column('decided_by_id', sa.BigInteger(), nullable=True),
    sa.Column('outcome', sa.Enum('issue', 'reduce', 'drop', name='outcome', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('reasons', sa.Text(), nullable=True),
    sa.Column('number', sa.String(length=60), nullable=True),
    sa.Column('number_series_id', sa.BigInteger(), nullable=True),
    sa.Column('number_in_series', sa.Integer(), nullable=True),
    sa.Column('issued_on', sa.Date(), nullable=True),
    sa.Column('expires_on', sa.Date(), nullable=True),
    sa.Column('circulated_on', sa.Date(), nullable=True),
    sa.Column('lifted_on', sa.Date(), nullable=True),
    sa.Column('quashed_on', sa.Date(), nullable=True),
    sa.Column('quashed_because', sa.Text(), nullable=True),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint("(state = 'draft') = (checked_on IS NULL)", name=op.f('ck_reprimand_checked_has_day')),
    sa.CheckConstraint("(state = 'dropped') = (outcome IS NOT DISTINCT FROM 'drop')", name=op.f('ck_reprimand_dropped_by_decision')),
    sa.CheckConstraint("(state = 'lifted') = (lifted_on IS NOT NULL)", name=op.f('ck_reprimand_lifted_has_day')),
    sa.CheckConstraint("(state = 'quashed') = (quashed_on IS NOT NULL)", name=op.f('ck_reprimand_quashed_has_day')),
    sa.CheckConstraint("(state IN ('draft', 'checked')) = (served_on IS NULL)", name=op.f('ck_reprimand_served_has_day')),
    sa.CheckConstraint("(state IN ('draft', 'checked', 'served', 'replied')) = (decided_on IS NULL)", name=op.f('ck_reprimand_decided_has_day')),
    sa.CheckConstraint("(state IN ('issued', 'circulated', 'lifted', 'expired', 'quashed')) = (issued_on IS NOT NULL)", name=op.f('ck_reprimand_issued_has_day')),
    sa.CheckConstraint("btrim(facts) <> ''", name=op.f('ck_reprimand_facts_not_blank')),
    sa.CheckConstraint("btrim(subject) <> ''", name=op.f('ck_reprimand_subject_not_blank')),
    sa.CheckConstraint("state <> 'circulated' OR circulated_on IS NOT NULL", name=op.f('ck_reprimand_circulated_has_day')),
    sa.CheckConstraint("state <> 'issued' OR circulated_on IS NULL", name=op.f('ck_reprimand_issued_not_sent')),
    sa.CheckConstraint("state <> 'replied' OR replied_on IS NOT NULL", name=op.f('ck_reprimand_replied_has_day')),
    sa.CheckConstraint("state NOT IN ('draft', 'checked', 'served') OR replied_on IS NULL", name=op.f('ck_reprimand_reply_once_served')),
    sa.CheckConstraint('checked_by_id <> drafted_by_id', name=op.f('ck_reprimand_checked_by_another')),
    sa.CheckConstraint('circulated_on IS NULL OR issued_on IS NOT NULL', name=op.f('ck_reprimand_circulated_once_issued')),
    sa.CheckConstraint('decided_by_id <> drafted_by_id AND decided_by_id <> checked_by_id', name=op.f('ck_reprimand_decided_by_a_third')),
    sa.CheckConstraint('decided_on IS NULL OR decided_on > reply_due_on OR (replied_on IS NOT NULL AND replied_on <= decided_on)', name=op.f('ck_reprimand_heard_before_decision')),
    sa.CheckConstraint('naming_approved_by_id <> drafted_by_id', name=op.f('ck_reprimand_name_approved_by_another')),
    sa.CheckConstraint('naming_approved_by_id IS NULL OR official_id IS NOT NULL', name=op.f('ck_reprimand_approval_of_a_name')),
    sa.CheckConstraint('num_nonnulls(checked_on, checked_by_id) IN (0, 2)', name=op.f('ck_reprimand_checked_by_whom')),
    sa.CheckConstraint('num_nonnulls(decided_on, decided_by_id, outcome, reasons) IN (0, 4)', name=op.f('ck_reprimand_decided_by_whom')),
    sa.CheckConstraint('num_nonnulls(issued_on, expires_on, number, number_series_id, number_in_series) IN (0, 5)', name=op.f('ck_reprimand_numbered_at_issue')),
    sa.CheckConstraint('num_nonnulls(official_id, naming_reason) IN (0, 2)', name=op.f('ck_reprimand_named_with_reason')),
    sa.CheckConstraint('num_nonnulls(quashed_on, quashed_because) IN (0, 2)', name=op.f('ck_reprimand_quashed_with_reason')),
    sa.CheckConstraint('num_nonnulls(served_on, reply_due_on) IN (0, 2)', name=op.f('ck_reprimand_served_with_window')),
    sa.CheckConstraint('official_id <> drafted_by_id AND official_id <> checked_by_id AND official_id <> decided_by_id', name=op.f('ck_reprimand_nobody_in_own_cause')),
    sa.CheckConstraint('official_id IS NULL OR issued_on IS NULL OR naming_approved_by_id IS NOT NULL', name=op.f('ck_reprimand_name_is_approved')),
    sa.CheckConstraint('reply_due_on >= served_on + 7', name=op.f('ck_reprimand_seven_days_to_reply')),
    sa.CheckConstraint('served_on >= checked_on AND replied_on >= served_on AND decided_on >= served_on AND issued_on >= decided_on AND circulated_on >= issued_on AND expires_on > issued_on AND lifted_on >= issued_on AND quashed_on >= issued_on', name=op.f('ck_reprimand_in_order')),
    sa.ForeignKeyConstraint(['checked_by_id'], ['officer.id'], name=op.f('fk_reprimand_checked_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_reprimand_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['decided_by_id'], ['officer.id'], name=op.f('fk_reprimand_decided_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['drafted_by_id'], ['officer.id'], name=op.f('fk_reprimand_drafted_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['naming_approved_by_id'], ['officer.id'], name=op.f('fk_reprimand_naming_approved_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['number_series_id'], ['number_series.id'], name=op.f('fk_reprimand_number_series_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['office_id'], ['office.id'], name=op.f('fk_reprimand_office_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['official_id'], ['officer.id'], name=op.f('fk_reprimand_official_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_reprimand_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_reprimand')),
    sa.UniqueConstraint('number', name=op.f('uq_reprimand_number')),
    sa.UniqueConstraint('number_series_id', 'number_in_series', name=op.f('uq_reprimand_number_series_id_number_in_series'))
    )
    op.create_index('ix_reprimand_checked_by_id_id', 'reprimand', ['checked_by_id', 'id'], unique=False)
    op.create_index('ix_reprimand_checked_on_id', 'reprimand', ['checked_on', 'id'], unique=False)
    op.create_index('ix_reprimand_circulated_on_id', 'reprimand', ['circulated_on', 'id'], unique=False)
    op.create_index('ix_reprimand_decided_by_id_id', 'reprimand', ['decided_by_id', 'id'], unique=False)
    op.create_index('ix_reprimand_decided_on_id', 'reprimand', ['decided_on', 'id'], unique=False)
    op.create_index('ix_reprimand_drafted_by_id_id', 'reprimand', ['drafted_by_id', 'id'], unique=False)
    op.create_index('ix_reprimand_expires_on_id', 'reprimand', ['expires_on', 'id'], unique=False)
    op.create_index('ix_reprimand_failed_on_id', 'reprimand', ['failed_on', 'id'], unique=False)
    op.create_index('ix_reprimand_ground_id', 'reprimand', ['ground', 'id'], unique=False)
    op.create_index('ix_reprimand_issued_on_id', 'reprimand', ['issued_on', 'id'], unique=False)
    op.create_index('ix_reprimand_lifted_on_id', 'reprimand', ['lifted_on', 'id'], unique=False)
    op.create_index('ix_reprimand_naming_approved_by_id_id', 'reprimand', ['naming_approved_by_id', 'id'], unique=False)
    op.create_index('ix_reprimand_number_id', 'reprimand', ['number', 'id'], unique=False)
    op.create_index('ix_reprimand_number_in_series_id', 'reprimand', ['number_in_series', 'id'], unique=False)
    op.create_index('ix_reprimand_number_series_id_id', 'reprimand', ['number_series_id', 'id'], unique=False)
    op.create_index('ix_reprimand_office_id_id', 'reprimand', ['office_id', 'id'], unique=False)
    op.create_index('ix_reprimand_official_id_id', 'reprimand', ['official_id', 'id'], unique=False)
    op.create_index('ix_reprimand_outcome_id', 'reprimand', ['outcome', 'id'], unique=False)
    op.create_index('ix_reprimand_pairs', 'reprimand', [sa.literal_column("redress_pairs(lower((coalesce(subject, '') || ' ') || coalesce(number, '')))")], unique=False, postgresql_using='gin')
    op.create_index('ix_reprimand_quashed_on_id', 'reprimand', ['quashed_on', 'id'], unique=False)
    op.create_index('ix_reprimand_replied_on_id', 'reprimand', ['replied_on', 'id'], unique=False)
    op.create_index('ix_reprimand_reply_due_on_id', 'reprimand', ['reply_due_on', 'id'], unique=False)
    op.create_index('ix_reprimand_scope_id', 'reprimand', ['scope', 'id'], unique=False)
    op.create_index('ix_reprimand_search', 'reprimand', [sa.literal_column("lower((coalesce(subject, '') || ' ') || coalesce(number, ''))").label('document')], unique=False, postgresql_using='gin', postgresql_ops={'document': 'gin_trgm_ops'})
    op.create_index('ix_reprimand_served_on_id', 'reprimand', ['served_on', 'id'], unique=False)
    op.create_index('ix_reprimand_state_id', 'reprimand', ['state', 'id'], unique=False)
    op.create_index('ix_reprimand_subject_id', 'reprimand', ['subject', 'id'], unique=False)
    op.create_table('supervision_assignment',
    sa.Column('group_id', sa.BigInteger(), nullable=False),
    sa.Column('office_id', sa.BigInteger(), nullable=False),
    sa.Column('starts_on', sa.Date(), nullable=False),
    sa.Column('ends_on', sa.Date(), nullable=True),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    postgresql.ExcludeConstraint((sa.column('office_id'), '='), (sa.text('daterange(starts_on, ends_on)'), '&&'), using='gist', name=op.f('ex_supervision_assignment_overlap')),
    sa.CheckConstraint('ends_on > starts_on', name=op.f('ck_supervision_assignment_ends_after_start')),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_supervision_assignment_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['group_id'], ['supervision_group.id'], name=op.f('fk_supervision_assignment_group_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['office_id'], ['office.id'], name=op.f('fk_supervision_assignment_office_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_supervision_assignment_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_supervision_assignment'))
    )
    op.create_index('ix_supervision_assignment_ends_on_id', 'supervision_assignment', ['ends_on', 'id'], unique=False)
    op.create_index('ix_supervision_assignment_group_id_id', 'supervision_assignment', ['group_id', 'id'], unique=False)
    op.create_index('ix_supervision_assignment_office_id_id', 'supervision_assignment', ['office_id', 'id'], unique=False)
    op.create_index('ix_supervision_assignment_starts_on_id', 'supervision_assignment', ['starts_on', 'id'], unique=False)
    op.create_table('target',
    sa.Column('office_id', sa.BigInteger(), nullable=False),
    sa.Column('year', sa.Integer(), nullable=False),
    sa.Column('measure', sa.Enum('acknowledged_in_time', 'answered_in_time', 'remedied_in_time', 'notices_answered_in_time', 'returns_filed_in_time', 'decisions_upheld_on_appeal', 'rated_good_by_complainants', name='measure', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('percent', sa.Numeric(precision=5, scale=2), nullable=False),
    sa.Column('note', sa.Text(), nullable=True),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint('percent BETWEEN 0 AND 100', name=op.f('ck_target_a_share')),
    sa.CheckConstraint('year BETWEEN 1900 AND 2999', name=op.f('ck_target_plausible_year')),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_target_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['office_id'], ['office.id'], name=op.f('fk_target_office_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_target_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_target')),
    sa.UniqueConstraint('office_id', 'year', 'measure', name=op.f('uq_target_office_id_year_measure'))
    )
    op.create_index('ix_target_measure_id', 'target', ['measure', 'id'], unique=False)
    op.create_index('ix_target_office_id_id', 'target', ['office_id', 'id'], unique=False)
    op.create_index('ix_target_percent_id', 'target', ['percent', 'id'], unique=False)
    op.create_index('ix_target_year_id', 'target', ['year', 'id'], unique=False)
    op.create_table('accountability_action',
    sa.Column('office_id', sa.BigInteger(), nullable=False),
    sa.Column('official_id', sa.BigInteger(), nullable=False),
    sa.Column('reprimand_id', sa.BigInteger(), nullable=True),
    sa.Column('subject', sa.String(length=300), nullable=False),
    sa.Column('recommendation', sa.Text(), nullable=False),
    sa.Column('body', sa.String(length=200), nullable=False),
    sa.Column('drafted_by_id', sa.BigInteger(), nullable=False),
    sa.Column('heard_on', sa.Date(), nullable=True),
    sa.Column('approved_by_id', sa.BigInteger(), nullable=True),
    sa.Column('state', sa.Enum('draft', 'referred', 'answered', name='referralstate', native_enum=False, create_constraint=True, length=40), server_default='draft', nullable=False),
    sa.Column('referred_on', sa.Date(), nullable=True),
    sa.Column('answered_on', sa.Date(), nullable=True),
    sa.Column('body_answer', sa.Text(), nullable=True),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint("(state = 'answered') = (answered_on IS NOT NULL)", name=op.f('ck_accountability_action_answered_has_day')),
    sa.CheckConstraint("(state = 'draft') = (referred_on IS NULL)", name=op.f('ck_accountability_action_referred_has_day')),
    sa.CheckConstraint("btrim(body) <> ''", name=op.f('ck_accountability_action_body_not_blank')),
    sa.CheckConstraint("btrim(recommendation) <> ''", name=op.f('ck_accountability_action_recommendation_not_blank')),
    sa.CheckConstraint("btrim(subject) <> ''", name=op.f('ck_accountability_action_subject_not_blank')),
    sa.CheckConstraint('answered_on >= referred_on', name=op.f('ck_accountability_action_answered_after_referral')),
    sa.CheckConstraint('approved_by_id <> drafted_by_id', name=op.f('ck_accountability_action_approved_by_another')),
    sa.CheckConstraint('num_nonnulls(answered_on, body_answer) IN (0, 2)', name=op.f('ck_accountability_action_answered_with_words')),
    sa.CheckConstraint('official_id <> drafted_by_id AND official_id <> approved_by_id', name=op.f('ck_accountability_action_nobody_in_own_cause')),
    sa.CheckConstraint('referred_on IS NULL OR (heard_on IS NOT NULL AND heard_on <= referred_on)', name=op.f('ck_accountability_action_heard_before_referral')),
    sa.CheckConstraint('referred_on IS NULL OR approved_by_id IS NOT NULL', name=op.f('ck_accountability_action_referral_is_approved')),
    sa.ForeignKeyConstraint(['approved_by_id'], ['officer.id'], name=op.f('fk_accountability_action_approved_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_accountability_action_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['drafted_by_id'], ['officer.id'], name=op.f('fk_accountability_action_drafted_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['office_id'], ['office.id'], name=op.f('fk_accountability_action_office_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['official_id'], ['officer.id'], name=op.f('fk_accountability_action_official_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['reprimand_id'], ['reprimand.id'], name=op.f('fk_accountability_action_reprimand_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_accountability_action_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_accountability_action'))
    )
    op.create_index('ix_accountability_action_answered_on_id', 'accountability_action', ['answered_on', 'id'], unique=False)
    op.create_index('ix_accountability_action_approved_by_id_id', 'accountability_action', ['approved_by_id', 'id'], unique=False)
    op.create_index('ix_accountability_action_body_id', 'accountability_action', ['body', 'id'], unique=False)
    op.create_index('ix_accountability_action_drafted_by_id_id', 'accountability_action', ['drafted_by_id', 'id'], unique=False)
    op.create_index('ix_accountability_action_heard_on_id', 'accountability_action', ['heard_on', 'id'], unique=False)
    op.create_index('ix_accountability_action_office_id_id', 'accountability_action', ['office_id', 'id'], unique=False)
    op.create_index('ix_accountability_action_official_id_id', 'accountability_action', ['official_id', 'id'], unique=False)
    op.create_index('ix_accountability_action_pairs', 'accountability_action', [sa.literal_column("redress_pairs(lower(coalesce(subject, '')))")], unique=False, postgresql_using='gin')
    op.create_index('ix_accountability_action_referred_on_id', 'accountability_action', ['referred_on', 'id'], unique=False)
    op.create_index('ix_accountability_action_reprimand_id_id', 'accountability_action', ['reprimand_id', 'id'], unique=False)
    op.create_index('ix_accountability_action_search', 'accountability_action', [sa.literal_column("lower(coalesce(subject, ''))").label('document')], unique=False, postgresql_using='gin', postgresql_ops={'document': 'gin_trgm_ops'})
    op.create_index('ix_accountability_action_state_id', 'accountability_action', ['state', 'id'], unique=False)
    op.create_index('ix_accountability_action_subject_id', 'accountability_action', ['subject', 'id'], unique=False)
    op.create_table('circulation',
    sa.Column('reprimand_id', sa.BigInteger(), nullable=False),
    sa.Column('kind', sa.Enum('reprimand', 'amendment', 'quashing', name='circulationkind', native_enum=False, create_constraint=True, length=40), server_default='reprimand', nullable=False),
    sa.Column('office_id', sa.BigInteger(), nullable=False),
    sa.Column('sent_on', sa.Date(), server_default=sa.text('CURRENT_DATE'), nullable=False),
    sa.Column('acknowledged_on', sa.Date(), nullable=True),
    sa.Column('acknowledged_by_id', sa.BigInteger(), nullable=True),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint('acknowledged_on >= sent_on', name=op.f('ck_circulation_acknowledged_after_sending')),
    sa.CheckConstraint('num_nonnulls(acknowledged_on, acknowledged_by_id) IN (0, 2)', name=op.f('ck_circulation_acknowledged_by_whom')),
    sa.ForeignKeyConstraint(['acknowledged_by_id'], ['officer.id'], name=op.f('fk_circulation_acknowledged_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_circulation_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['office_id'], ['office.id'], name=op.f('fk_circulation_office_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['reprimand_id'], ['reprimand.id'], name=op.f('fk_circulation_reprimand_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_circulation_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_circulation')),
    sa.UniqueConstraint('reprimand_id', 'kind', 'office_id', name=op.f('uq_circulation_reprimand_id_kind_office_id'))
    )
    op.create_index('ix_circulation_acknowledged_by_id_id', 'circulation', ['acknowledged_by_id', 'id'], unique=False)
    op.create_index('ix_circulation_acknowledged_on_id', 'circulation', ['acknowledged_on', 'id'], unique=False)
    op.create_index('ix_circulation_kind_id', 'circulation', ['kind', 'id'], unique=False)
    op.create_index('ix_circulation_office_id_id', 'circulation', ['office_id', 'id'], unique=False)
    op.create_index('ix_circulation_reprimand_id_id', 'circulation', ['reprimand_id', 'id'], unique=False)
    op.create_index('ix_circulation_sent_on_id', 'circulation', ['sent_on', 'id'], unique=False)
    op.create_table('grievance',
    sa.Column('number', sa.String(length=40), server_default=sa.text("to_char(now(), 'YYYY') || '-' || lpad(nextval('grievance_number')::text, 7, '0')"), nullable=False),
    sa.Column('title', sa.String(length=300), nullable=False),
    sa.Column('description', sa.Text(), nullable=True),
    sa.Column('kind', sa.Enum('service', 'conduct', 'decision', name='grievancekind', native_enum=False, create_constraint=True, length=40), server_default='service', nullable=False),
    sa.Column('state', sa.Enum('registered', 'acknowledged', 'routed', 'accepted', 'answered', 'closed', 'withdrawn', name='grievancestate', native_enum=False, create_constraint=True, length=40), server_default='registered', nullable=False),
    sa.Column('channel', sa.Enum('counter', 'phone', 'web', 'app', 'letter', 'email', 'social', 'reception', 'referral', 'staff', 'other', name='channel', native_enum=False, create_constraint=True, length=40), server_default='counter', nullable=False),
    sa.Column('category_id', sa.BigInteger(), nullable=True),
    sa.Column('area_id', sa.BigInteger(), nullable=True),
    sa.Column('place', sa.String(length=300), nullable=True),
    sa.Column('respondent_office_id', sa.BigInteger(), nullable=True),
    sa.Column('responsible_office_id', sa.BigInteger(), nullable=True),
    sa.Column('handler_id', sa.BigInteger(), nullable=True),
    sa.Column('lead_official_id', sa.BigInteger(), nullable=True),
    sa.Column('is_referred_from_above', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('received_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('acknowledged_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('withdrawn_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('answer', sa.Text(), nullable=True),
    sa.Column('source', sa.String(length=80), nullable=True),
    sa.Column('external_number', sa.String(length=80), nullable=True),
    sa.Column('import_batch_id', sa.BigInteger(), nullable=True),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name=op.f('ck_grievance_closed_has_time')),
    sa.CheckConstraint("(state = 'withdrawn') = (withdrawn_at IS NOT NULL)", name=op.f('ck_grievance_withdrawn_has_time')),
    sa.CheckConstraint("btrim(number) <> ''", name=op.f('ck_grievance_number_not_blank')),
    sa.CheckConstraint("btrim(title) <> ''", name=op.f('ck_grievance_title_not_blank')),
    sa.CheckConstraint("state <> 'acknowledged' OR acknowledged_at IS NOT NULL", name=op.f('ck_grievance_acknowledged_has_time')),
    sa.CheckConstraint("state <> 'answered' OR answered_at IS NOT NULL", name=op.f('ck_grievance_answered_has_time')),
    sa.CheckConstraint("state NOT IN ('routed', 'accepted', 'answered') OR responsible_office_id IS NOT NULL", name=op.f('ck_grievance_routed_has_office')),
    sa.CheckConstraint('(source IS NULL) = (external_number IS NULL)', name=op.f('ck_grievance_source_has_number')),
    sa.CheckConstraint('acknowledged_at >= received_at AND answered_at >= received_at AND closed_at >= received_at AND withdrawn_at >= received_at', name=op.f('ck_grievance_nothing_before_receipt')),
    sa.ForeignKeyConstraint(['area_id'], ['area.id'], name=op.f('fk_grievance_area_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['category_id'], ['category.id'], name=op.f('fk_grievance_category_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_grievance_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['handler_id'], ['officer.id'], name=op.f('fk_grievance_handler_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['import_batch_id'], ['import_batch.id'], name=op.f('fk_grievance_import_batch_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['lead_official_id'], ['officer.id'], name=op.f('fk_grievance_lead_official_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['respondent_office_id'], ['office.id'], name=op.f('fk_grievance_respondent_office_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['responsible_office_id'], ['office.id'], name=op.f('fk_grievance_responsible_office_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_grievance_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_grievance')),
    sa.UniqueConstraint('number', name=op.f('uq_grievance_number')),
    sa.UniqueConstraint('source', 'external_number', name=op.f('uq_grievance_source_external_number'))
    )
    op.create_index('ix_grievance_acknowledged_at_id', 'grievance', ['acknowledged_at', 'id'], unique=False)
    op.create_index('ix_grievance_answered_at_id', 'grievance', ['answered_at', 'id'], unique=False)
    op.create_index('ix_grievance_area_id_id', 'grievance', ['area_id', 'id'], unique=False)
    op.create_index('ix_grievance_category_id_id', 'grievance', ['category_id', 'id'], unique=False)
    op.create_index('ix_grievance_channel_id', 'grievance', ['channel', 'id'], unique=False)
    op.create_index('ix_grievance_closed_at_id', 'grievance', ['closed_at', 'id'], unique=False)
    op.create_index('ix_grievance_due_at_id', 'grievance', ['due_at', 'id'], unique=False)
    op.create_index('ix_grievance_external_number_id', 'grievance', ['external_number', 'id'], unique=False)
    op.create_index('ix_grievance_handler_id_id', 'grievance', ['handler_id', 'id'], unique=False)
    op.create_index('ix_grievance_import_batch_id_id', 'grievance', ['import_batch_id', 'id'], unique=False)
    op.create_index('ix_grievance_lead_official_id_id', 'grievance', ['lead_official_id', 'id'], unique=False)
    op.create_index('ix_grievance_number_id', 'grievance', ['number', 'id'], unique=False)
    op.create_index('ix_grievance_pairs', 'grievance', [sa.literal_column("redress_pairs(lower((((((coalesce(number, '') || ' ') || coalesce(title, '')) || ' ') || coalesce(place, '')) || ' ') || coalesce(external_number, '')))")], unique=False, postgresql_using='gin')
    op.create_index('ix_grievance_received_at_id', 'grievance', ['received_at', 'id'], unique=False)
    op.create_index('ix_grievance_respondent_office_id_id', 'grievance', ['respondent_office_id', 'id'], unique=False)
    op.create_index('ix_grievance_responsible_office_id_id', 'grievance', ['responsible_office_id', 'id'], unique=False)
    op.create_index('ix_grievance_search', 'grievance', [sa.literal_column("lower((((((coalesce(number, '') || ' ') || coalesce(title, '')) || ' ') || coalesce(place, '')) || ' ') || coalesce(external_number, ''))").label('document')], unique=False, postgresql_using='gin', postgresql_ops={'document': 'gin_trgm_ops'})
    op.create_index('ix_grievance_source_id', 'grievance', ['source', 'id'], unique=False)
    op.create_index('ix_grievance_state_id', 'grievance', ['state', 'id'], unique=False)
    op.create_index('ix_grievance_title_id', 'grievance', ['title', 'id'], unique=False)
    op.create_index('ix_grievance_withdrawn_at_id', 'grievance', ['withdrawn_at', 'id'], unique=False)
    op.create_table('rectification',
    sa.Column('reprimand_id', sa.BigInteger(), nullable=False),
    sa.Column('subject', sa.String(length=300), nullable=False),
    sa.Column('plan', sa.Text(), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=False),
    sa.Column('state', sa.Enum('planned', 'claimed_done', 'verified', name='rectificationstate', native_enum=False, create_constraint=True, length=40), server_default='planned', nullable=False),
    sa.Column('claimed_on', sa.Date(), nullable=True),
    sa.Column('claimed_by_id', sa.BigInteger(), nullable=True),
    sa.Column('verified_on', sa.Date(), nullable=True),
    sa.Column('verified_by_id', sa.BigInteger(), nullable=True),
    sa.Column('group_id', sa.BigInteger(), nullable=True),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint("(state = 'planned') = (claimed_on IS NULL)", name=op.f('ck_rectification_claimed_has_day')),
    sa.CheckConstraint("(state = 'verified') = (verified_on IS NOT NULL)", name=op.f('ck_rectification_verified_has_day')),
    sa.CheckConstraint("btrim(plan) <> ''", name=op.f('ck_rectification_plan_not_blank')),
    sa.CheckConstraint("btrim(subject) <> ''", name=op.f('ck_rectification_subject_not_blank')),
    sa.CheckConstraint('num_nonnulls(claimed_on, claimed_by_id) IN (0, 2)', name=op.f('ck_rectification_claimed_by_whom')),
    sa.CheckConstraint('num_nonnulls(verified_on, verified_by_id, group_id) IN (0, 3)', name=op.f('ck_rectification_verified_by_whom')),
    sa.CheckConstraint('verified_by_id <> claimed_by_id', name=op.f('ck_rectification_verified_by_another')),
    sa.CheckConstraint('verified_on >= claimed_on', name=op.f('ck_rectification_verified_after_claim')),
    sa.ForeignKeyConstraint(['claimed_by_id'], ['officer.id'], name=op.f('fk_rectification_claimed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_rectification_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['group_id'], ['supervision_group.id'], name=op.f('fk_rectification_group_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['reprimand_id'], ['reprimand.id'], name=op.f('fk_rectification_reprimand_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_rectification_updated_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['verified_by_id'], ['officer.id'], name=op.f('fk_rectification_verified_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_rectification'))
    )
    op.create_index('ix_rectification_claimed_by_id_id', 'rectification', ['claimed_by_id', 'id'], unique=False)
    op.create_index('ix_rectification_claimed_on_id', 'rectification', ['claimed_on', 'id'], unique=False)
    op.create_index('ix_rectification_due_on_id', 'rectification', ['due_on', 'id'], unique=False)
    op.create_index('ix_rectification_group_id_id', 'rectification', ['group_id', 'id'], unique=False)
    op.create_index('ix_rectification_pairs', 'rectification', [sa.literal_column("redress_pairs(lower(coalesce(subject, '')))")], unique=False, postgresql_using='gin')
    op.create_index('ix_rectification_reprimand_id_id', 'rectification', ['reprimand_id', 'id'], unique=False)
    op.create_index('ix_rectification_search', 'rectification', [sa.literal_column("lower(coalesce(subject, ''))").label('document')], unique=False, postgresql_using='gin', postgresql_ops={'document': 'gin_trgm_ops'})
    op.create_index('ix_rectification_state_id', 'rectification', ['state', 'id'], unique=False)
    op.create_index('ix_rectification_subject_id', 'rectification', ['subject', 'id'], unique=False)
    op.create_index('ix_rectification_verified_by_id_id', 'rectification', ['verified_by_id', 'id'], unique=False)
    op.create_index('ix_rectification_verified_on_id', 'rectification', ['verified_on', 'id'], unique=False)
    op.create_table('reprimand_appeal',
    sa.Column('reprimand_id', sa.BigInteger(), nullable=False),
    sa.Column('subject', sa.String(length=300), nullable=False),
    sa.Column('grounds', sa.Text(), nullable=False),
    sa.Column('filed_on', sa.Date(), nullable=False),
    sa.Column('filed_by_id', sa.BigInteger(), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=True),
    sa.Column('first_decider_id', sa.BigInteger(), nullable=False),
    sa.Column('state', sa.Enum('filed', 'decided', name='appealstate', native_enum=False, create_constraint=True, length=40), server_default='filed', nullable=False),
    sa.Column('decided_on', sa.Date(), nullable=True),
    sa.Column('decided_by_id', sa.BigInteger(), nullable=True),
    sa.Column('outcome', sa.Enum('upheld', 'partly_upheld', 'dismissed', name='appealoutcome', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('reasons', sa.Text(), nullable=True),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint("(state = 'decided') = (decided_on IS NOT NULL)", name=op.f('ck_reprimand_appeal_decided_has_day')),
    sa.CheckConstraint("btrim(grounds) <> ''", name=op.f('ck_reprimand_appeal_grounds_not_blank')),
    sa.CheckConstraint("btrim(subject) <> ''", name=op.f('ck_reprimand_appeal_subject_not_blank')),
    sa.CheckConstraint('decided_by_id <> first_decider_id AND decided_by_id <> filed_by_id', name=op.f('ck_reprimand_appeal_decided_by_another')),
    sa.CheckConstraint('due_on >= filed_on AND decided_on >= filed_on', name=op.f('ck_reprimand_appeal_after_filing')),
    sa.CheckConstraint('num_nonnulls(decided_on, decided_by_id, outcome, reasons) IN (0, 4)', name=op.f('ck_reprimand_appeal_decided_by_whom')),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_reprimand_appeal_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['decided_by_id'], ['officer.id'], name=op.f('fk_reprimand_appeal_decided_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['filed_by_id'], ['officer.id'], name=op.f('fk_reprimand_appeal_filed_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['first_decider_id'], ['officer.id'], name=op.f('fk_reprimand_appeal_first_decider_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['reprimand_id'], ['reprimand.id'], name=op.f('fk_reprimand_appeal_reprimand_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_reprimand_appeal_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_reprimand_appeal'))
    )
    op.create_index('ix_reprimand_appeal_decided_by_id_id', 'reprimand_appeal', ['decided_by_id', 'id'], unique=False)
    op.create_index('ix_reprimand_appeal_decided_on_id', 'reprimand_appeal', ['decided_on', 'id'], unique=False)
    op.create_index('ix_reprimand_appeal_due_on_id', 'reprimand_appeal', ['due_on', 'id'], unique=False)
    op.create_index('ix_reprimand_appeal_filed_by_id_id', 'reprimand_appeal', ['filed_by_id', 'id'], unique=False)
    op.create_index('ix_reprimand_appeal_filed_on_id', 'reprimand_appeal', ['filed_on', 'id'], unique=False)
    op.create_index('ix_reprimand_appeal_first_decider_id_id', 'reprimand_appeal', ['first_decider_id', 'id'], unique=False)
    op.create_index('ix_reprimand_appeal_outcome_id', 'reprimand_appeal', ['outcome', 'id'], unique=False)
    op.create_index('ix_reprimand_appeal_pairs', 'reprimand_appeal', [sa.literal_column("redress_pairs(lower(coalesce(subject, '')))")], unique=False, postgresql_using='gin')
    op.create_index('ix_reprimand_appeal_reprimand_id_id', 'reprimand_appeal', ['reprimand_id', 'id'], unique=False)
    op.create_index('ix_reprimand_appeal_search', 'reprimand_appeal', [sa.literal_column("lower(coalesce(subject, ''))").label('document')], unique=False, postgresql_using='gin', postgresql_ops={'document': 'gin_trgm_ops'})
    op.create_index('ix_reprimand_appeal_state_id', 'reprimand_appeal', ['state', 'id'], unique=False)
    op.create_index('ix_reprimand_appeal_subject_id', 'reprimand_appeal', ['subject', 'id'], unique=False)
    op.create_index('uq_reprimand_appeal_one_open', 'reprimand_appeal', ['reprimand_id'], unique=True, postgresql_where=sa.text("state = 'filed'"))
    op.create_table('reprimand_reply',
    sa.Column('reprimand_id', sa.BigInteger(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('subject', sa.String(length=300), nullable=False),
    sa.Column('statement', sa.Text(), nullable=False),
    sa.Column('replied_on', sa.Date(), nullable=False),
    sa.Column('replied_by_id', sa.BigInteger(), nullable=False),
    sa.Column('answer', sa.Text(), nullable=True),
    sa.Column('answered_by_id', sa.BigInteger(), nullable=True),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint("btrim(statement) <> ''", name=op.f('ck_reprimand_reply_statement_not_blank')),
    sa.CheckConstraint("btrim(subject) <> ''", name=op.f('ck_reprimand_reply_subject_not_blank')),
    sa.CheckConstraint('answered_by_id <> replied_by_id', name=op.f('ck_reprimand_reply_answered_by_another')),
    sa.CheckConstraint('num_nonnulls(answer, answered_by_id) IN (0, 2)', name=op.f('ck_reprimand_reply_answered_by_whom')),
    sa.CheckConstraint('position > 0', name=op.f('ck_reprimand_reply_position_from_one')),
    sa.ForeignKeyConstraint(['answered_by_id'], ['officer.id'], name=op.f('fk_reprimand_reply_answered_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_reprimand_reply_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['replied_by_id'], ['officer.id'], name=op.f('fk_reprimand_reply_replied_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['reprimand_id'], ['reprimand.id'], name=op.f('fk_reprimand_reply_reprimand_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_reprimand_reply_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_reprimand_reply')),
    sa.UniqueConstraint('reprimand_id', 'position', name=op.f('uq_reprimand_reply_reprimand_id_position'))
    )
    op.create_index('ix_reprimand_reply_answered_by_id_id', 'reprimand_reply', ['answered_by_id', 'id'], unique=False)
    op.create_index('ix_reprimand_reply_pairs', 'reprimand_reply', [sa.literal_column("redress_pairs(lower(coalesce(subject, '')))")], unique=False, postgresql_using='gin')
    op.create_index('ix_reprimand_reply_position_id', 'reprimand_reply', ['position', 'id'], unique=False)
    op.create_index('ix_reprimand_reply_replied_by_id_id', 'reprimand_reply', ['replied_by_id', 'id'], unique=False)
    op.create_index('ix_reprimand_reply_replied_on_id', 'reprimand_reply', ['replied_on', 'id'], unique=False)
    op.create_index('ix_reprimand_reply_reprimand_id_id', 'reprimand_reply', ['reprimand_id', 'id'], unique=False)
    op.create_index('ix_reprimand_reply_search', 'reprimand_reply', [sa.literal_column("lower(coalesce(subject, ''))").label('document')], unique=False, postgresql_using='gin', postgresql_ops={'document': 'gin_trgm_ops'})
    op.create_index('ix_reprimand_reply_subject_id', 'reprimand_reply', ['subject', 'id'], unique=False)
    op.create_table('decision',
    sa.Column('grievance_id', sa.BigInteger(), nullable=False),
    sa.Column('subject', sa.String(length=300), nullable=False),
    sa.Column('summary', sa.Text(), nullable=False),
    sa.Column('drafted_by_id', sa.BigInteger(), nullable=False),
    sa.Column('state', sa.Enum('draft', 'given', name='decisionstate', native_enum=False, create_constraint=True, length=40), server_default='draft', nullable=False),
    sa.Column('given_on', sa.Date(), nullable=True),
    sa.Column('decided_by_id', sa.BigInteger(), nullable=True),
    sa.Column('told_on', sa.Date(), nullable=True),
    sa.Column('review_until_on', sa.Date(), nullable=True),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint("(state = 'given') = (given_on IS NOT NULL)", name=op.f('ck_decision_given_has_day')),
    sa.CheckConstraint("btrim(subject) <> ''", name=op.f('ck_decision_subject_not_blank')),
    sa.CheckConstraint("btrim(summary) <> ''", name=op.f('ck_decision_summary_not_blank')),
    sa.CheckConstraint('num_nonnulls(given_on, decided_by_id) IN (0, 2)', name=op.f('ck_decision_given_by_whom')),
    sa.CheckConstraint('review_until_on > told_on', name=op.f('ck_decision_review_after_telling')),
    sa.CheckConstraint('review_until_on IS NULL OR told_on IS NOT NULL', name=op.f('ck_decision_review_once_told')),
    sa.CheckConstraint('told_on >= given_on', name=op.f('ck_decision_told_after_giving')),
    sa.CheckConstraint('told_on IS NULL OR given_on IS NOT NULL', name=op.f('ck_decision_told_once_given')),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_decision_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['decided_by_id'], ['officer.id'], name=op.f('fk_decision_decided_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['drafted_by_id'], ['officer.id'], name=op.f('fk_decision_drafted_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['grievance_id'], ['grievance.id'], name=op.f('fk_decision_grievance_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_decision_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_decision'))
    )
    op.create_index('ix_decision_decided_by_id_id', 'decision', ['decided_by_id', 'id'], unique=False)
    op.create_index('ix_decision_drafted_by_id_id', 'decision', ['drafted_by_id', 'id'], unique=False)
    op.create_index('ix_decision_given_on_id', 'decision', ['given_on', 'id'], unique=False)
    op.create_index('ix_decision_grievance_id_id', 'decision', ['grievance_id', 'id'], unique=False)
    op.create_index('ix_decision_pairs', 'decision', [sa.literal_column("redress_pairs(lower(coalesce(subject, '')))")], unique=False, postgresql_using='gin')
    op.create_index('ix_decision_review_until_on_id', 'decision', ['review_until_on', 'id'], unique=False)
    op.create_index('ix_decision_search', 'decision', [sa.literal_column("lower(coalesce(subject, ''))").label('document')], unique=False, postgresql_using='gin', postgresql_ops={'document': 'gin_trgm_ops'})
    op.create_index('ix_decision_state_id', 'decision', ['state', 'id'], unique=False)
    op.create_index('ix_decision_subject_id', 'decision', ['subject', 'id'], unique=False)
    op.create_index('ix_decision_told_on_id', 'decision', ['told_on', 'id'], unique=False)
    op.create_table('document',
    sa.Column('grievance_id', sa.BigInteger(), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('kind', sa.Enum('evidence', 'reply', 'minutes', 'letter', 'other', name='documentkind', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('received_on', sa.Date(), nullable=True),
    sa.Column('kept_at', sa.String(length=200), nullable=True),
    sa.Column('media_type', sa.String(length=120), nullable=True),
    sa.Column('size', sa.BigInteger(), nullable=True),
    sa.Column('sha256', sa.String(length=64), nullable=True),
    sa.Column('stored_name', sa.String(length=80), nullable=True),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint("btrim(name) <> ''", name=op.f('ck_document_name_not_blank')),
    sa.CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name=op.f('ck_document_sha256_in_hex')),
    sa.CheckConstraint('num_nonnulls(stored_name, media_type, size, sha256) IN (0, 4)', name=op.f('ck_document_stored_whole')),
    sa.CheckConstraint('size >= 0', name=op.f('ck_document_size_not_negative')),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_document_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['grievance_id'], ['grievance.id'], name=op.f('fk_document_grievance_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_document_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_document')),
    sa.UniqueConstraint('stored_name', name=op.f('uq_document_stored_name'))
    )
    op.create_index('ix_document_grievance_id_id', 'document', ['grievance_id', 'id'], unique=False)
    op.create_index('ix_document_kind_id', 'document', ['kind', 'id'], unique=False)
    op.create_index('ix_document_name_id', 'document', ['name', 'id'], unique=False)
    op.create_index('ix_document_pairs', 'document', [sa.literal_column("redress_pairs(lower(coalesce(name, '')))")], unique=False, postgresql_using='gin')
    op.create_index('ix_document_received_on_id', 'document', ['received_on', 'id'], unique=False)
    op.create_index('ix_document_search', 'document', [sa.literal_column("lower(coalesce(name, ''))").label('document')], unique=False, postgresql_using='gin', postgresql_ops={'document': 'gin_trgm_ops'})
    op.create_table('extension',
    sa.Column('grievance_id', sa.BigInteger(), nullable=False),
    sa.Column('until_on', sa.Date(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('asked_by_id', sa.BigInteger(), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('state', sa.Enum('asked', 'granted', 'refused', name='requeststate', native_enum=False, create_constraint=True, length=40), server_default='asked', nullable=False),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('decided_by_id', sa.BigInteger(), nullable=True),
    sa.Column('decision_reasons', sa.Text(), nullable=True),
    sa.Column('told_on', sa.Date(), nullable=True),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint("(state = 'asked') = (decided_at IS NULL)", name=op.f('ck_extension_decided_has_time')),
    sa.CheckConstraint("btrim(reason) <> ''", name=op.f('ck_extension_reason_not_blank')),
    sa.CheckConstraint('decided_at >= asked_at', name=op.f('ck_extension_decided_after_asking')),
    sa.CheckConstraint('decided_by_id <> asked_by_id', name=op.f('ck_extension_decided_by_another')),
    sa.CheckConstraint('num_nonnulls(decided_at, decided_by_id, decision_reasons) IN (0, 3)', name=op.f('ck_extension_decided_by_whom')),
    sa.ForeignKeyConstraint(['asked_by_id'], ['officer.id'], name=op.f('fk_extension_asked_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_extension_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['decided_by_id'], ['officer.id'], name=op.f('fk_extension_decided_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['grievance_id'], ['grievance.id'], name=op.f('fk_extension_grievance_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_extension_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_extension'))
    )
    op.create_index('ix_extension_asked_at_id', 'extension', ['asked_at', 'id'], unique=False)
    op.create_index('ix_extension_asked_by_id_id', 'extension', ['asked_by_id', 'id'], unique=False)
    op.create_index('ix_extension_decided_at_id', 'extension', ['decided_at', 'id'], unique=False)
    op.create_index('ix_extension_decided_by_id_id', 'extension', ['decided_by_id', 'id'], unique=False)
    op.create_index('ix_extension_grievance_id_id', 'extension', ['grievance_id', 'id'], unique=False)
    op.create_index('ix_extension_state_id', 'extension', ['state', 'id'], unique=False)
    op.create_index('ix_extension_until_on_id', 'extension', ['until_on', 'id'], unique=False)
    op.create_index('uq_extension_one_open', 'extension', ['grievance_id'], unique=True, postgresql_where=sa.text("state = 'asked'"))
    op.create_table('feedback',
    sa.Column('grievance_id', sa.BigInteger(), nullable=False),
    sa.Column('given_on', sa.Date(), nullable=False),
    sa.Column('rating', sa.Integer(), nullable=False),
    sa.Column('is_put_right', sa.Boolean(), nullable=True),
    sa.Column('comment', sa.Text(), nullable=True),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint('rating BETWEEN 1 AND 5', name=op.f('ck_feedback_one_to_five')),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_feedback_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['grievance_id'], ['grievance.id'], name=op.f('fk_feedback_grievance_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_feedback_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_feedback'))
    )
    op.create_index('ix_feedback_given_on_id', 'feedback', ['given_on', 'id'], unique=False)
    op.create_index('ix_feedback_grievance_id_id', 'feedback', ['grievance_id', 'id'], unique=False)
    op.create_index('ix_feedback_is_put_right_id', 'feedback', ['is_put_right', 'id'], unique=False)
    op.create_index('ix_feedback_rating_id', 'feedback', ['rating', 'id'], unique=False)
    op.create_table('finding',
    sa.Column('office_id', sa.BigInteger(), nullable=False),
    sa.Column('inspection_id', sa.BigInteger(), nullable=True),
    sa.Column('grievance_id', sa.BigInteger(), nullable=True),
    sa.Column('daily_return_id', sa.BigInteger(), nullable=True),
    sa.Column('subject', sa.String(length=300), nullable=False),
    sa.Column('facts', sa.Text(), nullable=False),
    sa.Column('ground', sa.Enum('no_answer_in_time', 'false_record_or_return', 'promise_not_kept', 'notice_ignored', 'refused_to_register', 'breach_of_confidentiality', 'retaliation', 'conflict_of_interest_hidden', name='ground', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('found_on', sa.Date(), nullable=False),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint("btrim(facts) <> ''", name=op.f('ck_finding_facts_not_blank')),
    sa.CheckConstraint("btrim(subject) <> ''", name=op.f('ck_finding_subject_not_blank')),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_finding_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['daily_return_id'], ['daily_return.id'], name=op.f('fk_finding_daily_return_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['grievance_id'], ['grievance.id'], name=op.f('fk_finding_grievance_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['inspection_id'], ['inspection.id'], name=op.f('fk_finding_inspection_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['office_id'], ['office.id'], name=op.f('fk_finding_office_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_finding_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_finding'))
    )
    op.create_index('ix_finding_daily_return_id_id', 'finding', ['daily_return_id', 'id'], unique=False)
    op.create_index('ix_finding_found_on_id', 'finding', ['found_on', 'id'], unique=False)
    op.create_index('ix_finding_grievance_id_id', 'finding', ['grievance_id', 'id'], unique=False)
    op.create_index('ix_finding_ground_id', 'finding', ['ground', 'id'], unique=False)
    op.create_index('ix_finding_inspection_id_id', 'finding', ['inspection_id', 'id'], unique=False)
    op.create_index('ix_finding_office_id_id', 'finding', ['office_id', 'id'], unique=False)
    op.create_index('ix_finding_pairs', 'finding', [sa.literal_column("redress_pairs(lower(coalesce(subject, '')))")], unique=False, postgresql_using='gin')
    op.create_index('ix_finding_search', 'finding', [sa.literal_column("lower(coalesce(subject, ''))").label('document')], unique=False, postgresql_using='gin', postgresql_ops={'document': 'gin_trgm_ops'})
    op.create_index('ix_finding_subject_id', 'finding', ['subject', 'id'], unique=False)
    op.create_table('grievance_link',
    sa.Column('grievance_id', sa.BigInteger(), nullable=False),
    sa.Column('kind', sa.Enum('same_subject', 'duplicate_of', name='linkkind', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('other_grievance_id', sa.BigInteger(), nullable=False),
    sa.Column('subject', sa.String(length=300), nullable=False),
    sa.Column('undone_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('undone_because', sa.Text(), nullable=True),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint("btrim(subject) <> ''", name=op.f('ck_grievance_link_subject_not_blank')),
    sa.CheckConstraint('grievance_id <> other_grievance_id', name=op.f('ck_grievance_link_links_two')),
    sa.CheckConstraint('num_nonnulls(undone_at, undone_because) IN (0, 2)', name=op.f('ck_grievance_link_undone_with_reason')),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_grievance_link_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['grievance_id'], ['grievance.id'], name=op.f('fk_grievance_link_grievance_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['other_grievance_id'], ['grievance.id'], name=op.f('fk_grievance_link_other_grievance_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_grievance_link_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_grievance_link'))
    )
    op.create_index('ix_grievance_link_grievance_id_id', 'grievance_link', ['grievance_id', 'id'], unique=False)
    op.create_index('ix_grievance_link_kind_id', 'grievance_link', ['kind', 'id'], unique=False)
    op.create_index('ix_grievance_link_other_grievance_id_id', 'grievance_link', ['other_grievance_id', 'id'], unique=False)
    op.create_index('ix_grievance_link_subject_id', 'grievance_link', ['subject', 'id'], unique=False)
    op.create_index('ix_grievance_link_undone_at_id', 'grievance_link', ['undone_at', 'id'], unique=False)
    op.create_index('uq_grievance_link_pair', 'grievance_link', [sa.literal_column('least(grievance_id, other_grievance_id)'), sa.literal_column('greatest(grievance_id, other_grievance_id)')], unique=True, postgresql_where=sa.text('undone_at IS NULL'))
    op.create_table('identity',
    sa.Column('grievance_id', sa.BigInteger(), nullable=False),
    sa.Column('key_version', sa.Integer(), nullable=False),
    sa.Column('ciphertext', sa.LargeBinary(), nullable=False),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint('key_version > 0', name=op.f('ck_identity_known_key')),
    sa.CheckConstraint('octet_length(ciphertext) > 0', name=op.f('ck_identity_something_sealed')),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_identity_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['grievance_id'], ['grievance.id'], name=op.f('fk_identity_grievance_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_identity_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_identity')),
    sa.UniqueConstraint('grievance_id', name=op.f('uq_identity_grievance_id'))
    )
    op.create_table('identity_opening',
    sa.Column('grievance_id', sa.BigInteger(), nullable=False),
    sa.Column('officer_id', sa.BigInteger(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('opened_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint("btrim(reason) <> ''", name=op.f('ck_identity_opening_reason_not_blank')),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_identity_opening_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['grievance_id'], ['grievance.id'], name=op.f('fk_identity_opening_grievance_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['officer_id'], ['officer.id'], name=op.f('fk_identity_opening_officer_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_identity_opening_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_identity_opening'))
    )
    op.create_table('joint_conference',
    sa.Column('grievance_id', sa.BigInteger(), nullable=False),
    sa.Column('subject', sa.String(length=300), nullable=False),
    sa.Column('office_id', sa.BigInteger(), nullable=False),
    sa.Column('chair_id', sa.BigInteger(), nullable=False),
    sa.Column('meets_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('place', sa.String(length=300), nullable=True),
    sa.Column('minutes', sa.Text(), nullable=True),
    sa.Column('conclusion', sa.Text(), nullable=True),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint("btrim(subject) <> ''", name=op.f('ck_joint_conference_subject_not_blank')),
    sa.ForeignKeyConstraint(['chair_id'], ['officer.id'], name=op.f('fk_joint_conference_chair_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_joint_conference_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['grievance_id'], ['grievance.id'], name=op.f('fk_joint_conference_grievance_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['office_id'], ['office.id'], name=op.f('fk_joint_conference_office_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_joint_conference_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_joint_conference'))
    )
    op.create_index('ix_joint_conference_chair_id_id', 'joint_conference', ['chair_id', 'id'], unique=False)
    op.create_index('ix_joint_conference_grievance_id_id', 'joint_conference', ['grievance_id', 'id'], unique=False)
    op.create_index('ix_joint_conference_meets_at_id', 'joint_conference', ['meets_at', 'id'], unique=False)
    op.create_index('ix_joint_conference_office_id_id', 'joint_conference', ['office_id', 'id'], unique=False)
    op.create_index('ix_joint_conference_pairs', 'joint_conference', [sa.literal_column("redress_pairs(lower(coalesce(subject, '')))")], unique=False, postgresql_using='gin')
    op.create_index('ix_joint_conference_search', 'joint_conference', [sa.literal_column("lower(coalesce(subject, ''))").label('document')], unique=False, postgresql_using='gin', postgresql_ops={'document': 'gin_trgm_ops'})
    op.create_index('ix_joint_conference_subject_id', 'joint_conference', ['subject', 'id'], unique=False)
    op.create_table('pause',
    sa.Column('grievance_id', sa.BigInteger(), nullable=False),
    sa.Column('ground', sa.Enum('waiting_for_complainant', 'hearing', 'court', name='pauseground', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    postgresql.ExcludeConstraint((sa.column('grievance_id'), '='), (sa.text('tstzrange(started_at, ended_at)'), '&&'), using='gist', name=op.f('ex_pause_overlap')),
    sa.CheckConstraint("btrim(reason) <> ''", name=op.f('ck_pause_reason_not_blank')),
    sa.CheckConstraint("ended_at - started_at <= interval '90 days'", name=op.f('ck_pause_at_most_90_days')),
    sa.CheckConstraint('ended_at > started_at', name=op.f('ck_pause_ends_after_start')),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_pause_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['grievance_id'], ['grievance.id'], name=op.f('fk_pause_grievance_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_pause_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_pause'))
    )
    op.create_index('ix_pause_ended_at_id', 'pause', ['ended_at', 'id'], unique=False)
    op.create_index('ix_pause_grievance_id_id', 'pause', ['grievance_id', 'id'], unique=False)
    op.create_index('ix_pause_ground_id', 'pause', ['ground', 'id'], unique=False)
    op.create_index('ix_pause_started_at_id', 'pause', ['started_at', 'id'], unique=False)
    op.create_table('plan_step',
    sa.Column('grievance_id', sa.BigInteger(), nullable=False),
    sa.Column('subject', sa.String(length=300), nullable=False),
    sa.Column('officer_id', sa.BigInteger(), nullable=True),
    sa.Column('due_on', sa.Date(), nullable=False),
    sa.Column('state', sa.Enum('planned', 'done', 'dropped', name='stepstate', native_enum=False, create_constraint=True, length=40), server_default='planned', nullable=False),
    sa.Column('done_on', sa.Date(), nullable=True),
    sa.Column('dropped_because', sa.Text(), nullable=True),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint("(state = 'done') = (done_on IS NOT NULL)", name=op.f('ck_plan_step_done_has_day')),
    sa.CheckConstraint("(state = 'dropped') = (dropped_because IS NOT NULL)", name=op.f('ck_plan_step_dropped_has_reason')),
    sa.CheckConstraint("btrim(subject) <> ''", name=op.f('ck_plan_step_subject_not_blank')),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_plan_step_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['grievance_id'], ['grievance.id'], name=op.f('fk_plan_step_grievance_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['officer_id'], ['officer.id'], name=op.f('fk_plan_step_officer_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_plan_step_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_plan_step'))
    )
    op.create_index('ix_plan_step_done_on_id', 'plan_step', ['done_on', 'id'], unique=False)
    op.create_index('ix_plan_step_due_on_id', 'plan_step', ['due_on', 'id'], unique=False)
    op.create_index('ix_plan_step_grievance_id_id', 'plan_step', ['grievance_id', 'id'], unique=False)
    op.create_index('ix_plan_step_officer_id_id', 'plan_step', ['officer_id', 'id'], unique=False)
    op.create_index('ix_plan_step_pairs', 'plan_step', [sa.literal_column("redress_pairs(lower(coalesce(subject, '')))")], unique=False, postgresql_using='gin')
    op.create_index('ix_plan_step_search', 'plan_step', [sa.literal_column("lower(coalesce(subject, ''))").label('document')], unique=False, postgresql_using='gin', postgresql_ops={'document': 'gin_trgm_ops'})
    op.create_index('ix_plan_step_state_id', 'plan_step', ['state', 'id'], unique=False)
    op.create_index('ix_plan_step_subject_id', 'plan_step', ['subject', 'id'], unique=False)
    op.create_table('reception',
    sa.Column('reception_day_id', sa.BigInteger(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('subject', sa.String(length=300), nullable=False),
    sa.Column('grievance_id', sa.BigInteger(), nullable=True),
    sa.Column('answer', sa.Text(), nullable=True),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint("btrim(subject) <> ''", name=op.f('ck_reception_subject_not_blank')),
    sa.CheckConstraint('position > 0', name=op.f('ck_reception_position_from_one')),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_reception_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['grievance_id'], ['grievance.id'], name=op.f('fk_reception_grievance_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['reception_day_id'], ['reception_day.id'], name=op.f('fk_reception_reception_day_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_reception_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_reception')),
    sa.UniqueConstraint('reception_day_id', 'position', name=op.f('uq_reception_reception_day_id_position'))
    )
    op.create_index('ix_reception_grievance_id_id', 'reception', ['grievance_id', 'id'], unique=False)
    op.create_index('ix_reception_pairs', 'reception', [sa.literal_column("redress_pairs(lower(coalesce(subject, '')))")], unique=False, postgresql_using='gin')
    op.create_index('ix_reception_position_id', 'reception', ['position', 'id'], unique=False)
    op.create_index('ix_reception_reception_day_id_id', 'reception', ['reception_day_id', 'id'], unique=False)
    op.create_index('ix_reception_search', 'reception', [sa.literal_column("lower(coalesce(subject, ''))").label('document')], unique=False, postgresql_using='gin', postgresql_ops={'document': 'gin_trgm_ops'})
    op.create_index('ix_reception_subject_id', 'reception', ['subject', 'id'], unique=False)
    op.create_table('retaliation_report',
    sa.Column('grievance_id', sa.BigInteger(), nullable=False),
    sa.Column('office_id', sa.BigInteger(), nullable=False),
    sa.Column('subject', sa.String(length=300), nullable=False),
    sa.Column('account', sa.Text(), nullable=False),
    sa.Column('reported_on', sa.Date(), nullable=False),
    sa.Column('state', sa.Enum('reported', 'confirmed', 'not_confirmed', name='reportstate', native_enum=False, create_constraint=True, length=40), server_default='reported', nullable=False),
    sa.Column('decided_on', sa.Date(), nullable=True),
    sa.Column('decided_by_id', sa.BigInteger(), nullable=True),
    sa.Column('reasons', sa.Text(), nullable=True),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint("(state = 'reported') = (decided_on IS NULL)", name=op.f('ck_retaliation_report_decided_has_day')),
    sa.CheckConstraint("btrim(account) <> ''", name=op.f('ck_retaliation_report_account_not_blank')),
    sa.CheckConstraint("btrim(subject) <> ''", name=op.f('ck_retaliation_report_subject_not_blank')),
    sa.CheckConstraint('decided_on >= reported_on', name=op.f('ck_retaliation_report_decided_after_report')),
    sa.CheckConstraint('num_nonnulls(decided_on, decided_by_id, reasons) IN (0, 3)', name=op.f('ck_retaliation_report_decided_by_whom')),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_retaliation_report_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['decided_by_id'], ['officer.id'], name=op.f('fk_retaliation_report_decided_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['grievance_id'], ['grievance.id'], name=op.f('fk_retaliation_report_grievance_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['office_id'], ['office.id'], name=op.f('fk_retaliation_report_office_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_retaliation_report_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_retaliation_report'))
    )
    op.create_index('ix_retaliation_report_decided_by_id_id', 'retaliation_report', ['decided_by_id', 'id'], unique=False)
    op.create_index('ix_retaliation_report_decided_on_id', 'retaliation_report', ['decided_on', 'id'], unique=False)
    op.create_index('ix_retaliation_report_grievance_id_id', 'retaliation_report', ['grievance_id', 'id'], unique=False)
    op.create_index('ix_retaliation_report_office_id_id', 'retaliation_report', ['office_id', 'id'], unique=False)
    op.create_index('ix_retaliation_report_pairs', 'retaliation_report', [sa.literal_column("redress_pairs(lower(coalesce(subject, '')))")], unique=False, postgresql_using='gin')
    op.create_index('ix_retaliation_report_reported_on_id', 'retaliation_report', ['reported_on', 'id'], unique=False)
    op.create_index('ix_retaliation_report_search', 'retaliation_report', [sa.literal_column("lower(coalesce(subject, ''))").label('document')], unique=False, postgresql_using='gin', postgresql_ops={'document': 'gin_trgm_ops'})
    op.create_index('ix_retaliation_report_state_id', 'retaliation_report', ['state', 'id'], unique=False)
    op.create_index('ix_retaliation_report_subject_id', 'retaliation_report', ['subject', 'id'], unique=False)
    op.create_table('routing_objection',
    sa.Column('grievance_id', sa.BigInteger(), nullable=False),
    sa.Column('office_id', sa.BigInteger(), nullable=False),
    sa.Column('proposed_office_id', sa.BigInteger(), nullable=True),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('asked_by_id', sa.BigInteger(), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('state', sa.Enum('asked', 'granted', 'refused', name='requeststate', native_enum=False, create_constraint=True, length=40), server_default='asked', nullable=False),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('decided_by_id', sa.BigInteger(), nullable=True),
    sa.Column('decision_reasons', sa.Text(), nullable=True),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint("(state = 'asked') = (decided_at IS NULL)", name=op.f('ck_routing_objection_decided_has_time')),
    sa.CheckConstraint("btrim(reason) <> ''", name=op.f('ck_routing_objection_reason_not_blank')),
    sa.CheckConstraint('decided_at >= asked_at', name=op.f('ck_routing_objection_decided_after_asking')),
    sa.CheckConstraint('decided_by_id <> asked_by_id', name=op.f('ck_routing_objection_decided_by_another')),
    sa.CheckConstraint('num_nonnulls(decided_at, decided_by_id, decision_reasons) IN (0, 3)', name=op.f('ck_routing_objection_decided_by_whom')),
    sa.CheckConstraint('proposed_office_id <> office_id', name=op.f('ck_routing_objection_proposes_another_office')),
    sa.ForeignKeyConstraint(['asked_by_id'], ['officer.id'], name=op.f('fk_routing_objection_asked_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_routing_objection_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['decided_by_id'], ['officer.id'], name=op.f('fk_routing_objection_decided_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['grievance_id'], ['grievance.id'], name=op.f('fk_routing_objection_grievance_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['office_id'], ['office.id'], name=op.f('fk_routing_objection_office_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['proposed_office_id'], ['office.id'], name=op.f('fk_routing_objection_proposed_office_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_routing_objection_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_routing_objection'))
    )
    op.create_index('ix_routing_objection_asked_at_id', 'routing_objection', ['asked_at', 'id'], unique=False)
    op.create_index('ix_routing_objection_asked_by_id_id', 'routing_objection', ['asked_by_id', 'id'], unique=False)
    op.create_index('ix_routing_objection_decided_at_id', 'routing_objection', ['decided_at', 'id'], unique=False)
    op.create_index('ix_routing_objection_decided_by_id_id', 'routing_objection', ['decided_by_id', 'id'], unique=False)
    op.create_index('ix_routing_objection_grievance_id_id', 'routing_objection', ['grievance_id', 'id'], unique=False)
    op.create_index('ix_routing_objection_office_id_id', 'routing_objection', ['office_id', 'id'], unique=False)
    op.create_index('ix_routing_objection_proposed_office_id_id', 'routing_objection', ['proposed_office_id', 'id'], unique=False)
    op.create_index('ix_routing_objection_state_id', 'routing_objection', ['state', 'id'], unique=False)
    op.create_index('uq_routing_objection_one_open', 'routing_objection', ['grievance_id'], unique=True, postgresql_where=sa.text("state = 'asked'"))
    op.create_table('appeal',
    sa.Column('decision_id', sa.BigInteger(), nullable=False),
    sa.Column('subject', sa.String(length=300), nullable=False),
    sa.Column('grounds', sa.Text(), nullable=False),
    sa.Column('filed_on', sa.Date(), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=True),
    sa.Column('first_decider_id', sa.BigInteger(), nullable=False),
    sa.Column('state', sa.Enum('filed', 'decided', name='appealstate', native_enum=False, create_constraint=True, length=40), server_default='filed', nullable=False),
    sa.Column('decided_on', sa.Date(), nullable=True),
    sa.Column('decided_by_id', sa.BigInteger(), nullable=True),
    sa.Column('outcome', sa.Enum('upheld', 'partly_upheld', 'dismissed', name='appealoutcome', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('reasons', sa.Text(), nullable=True),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint("(state = 'decided') = (decided_on IS NOT NULL)", name=op.f('ck_appeal_decided_has_day')),
    sa.CheckConstraint("btrim(grounds) <> ''", name=op.f('ck_appeal_grounds_not_blank')),
    sa.CheckConstraint("btrim(subject) <> ''", name=op.f('ck_appeal_subject_not_blank')),
    sa.CheckConstraint('decided_by_id <> first_decider_id', name=op.f('ck_appeal_decided_by_another')),
    sa.CheckConstraint('due_on >= filed_on AND decided_on >= filed_on', name=op.f('ck_appeal_after_filing')),
    sa.CheckConstraint('num_nonnulls(decided_on, decided_by_id, outcome, reasons) IN (0, 4)', name=op.f('ck_appeal_decided_by_whom')),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_appeal_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['decided_by_id'], ['officer.id'], name=op.f('fk_appeal_decided_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['decision_id'], ['decision.id'], name=op.f('fk_appeal_decision_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['first_decider_id'], ['officer.id'], name=op.f('fk_appeal_first_decider_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_appeal_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_appeal'))
    )
    op.create_index('ix_appeal_decided_by_id_id', 'appeal', ['decided_by_id', 'id'], unique=False)
    op.create_index('ix_appeal_decided_on_id', 'appeal', ['decided_on', 'id'], unique=False)
    op.create_index('ix_appeal_decision_id_id', 'appeal', ['decision_id', 'id'], unique=False)
    op.create_index('ix_appeal_due_on_id', 'appeal', ['due_on', 'id'], unique=False)
    op.create_index('ix_appeal_filed_on_id', 'appeal', ['filed_on', 'id'], unique=False)
    op.create_index('ix_appeal_first_decider_id_id', 'appeal', ['first_decider_id', 'id'], unique=False)
    op.create_index('ix_appeal_outcome_id', 'appeal', ['outcome', 'id'], unique=False)
    op.create_index('ix_appeal_pairs', 'appeal', [sa.literal_column("redress_pairs(lower(coalesce(subject, '')))")], unique=False, postgresql_using='gin')
    op.create_index('ix_appeal_search', 'appeal', [sa.literal_column("lower(coalesce(subject, ''))").label('document')], unique=False, postgresql_using='gin', postgresql_ops={'document': 'gin_trgm_ops'})
    op.create_index('ix_appeal_state_id', 'appeal', ['state', 'id'], unique=False)
    op.create_index('ix_appeal_subject_id', 'appeal', ['subject', 'id'], unique=False)
    op.create_index('uq_appeal_one_open', 'appeal', ['decision_id'], unique=True, postgresql_where=sa.text("state = 'filed'"))
    op.create_table('conference_office',
    sa.Column('conference_id', sa.BigInteger(), nullable=False),
    sa.Column('office_id', sa.BigInteger(), nullable=False),
    sa.Column('undertaking', sa.String(length=300), nullable=True),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.ForeignKeyConstraint(['conference_id'], ['joint_conference.id'], name=op.f('fk_conference_office_conference_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_conference_office_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['office_id'], ['office.id'], name=op.f('fk_conference_office_office_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_conference_office_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_conference_office')),
    sa.UniqueConstraint('conference_id', 'office_id', name=op.f('uq_conference_office_conference_id_office_id'))
    )
    op.create_index('ix_conference_office_conference_id_id', 'conference_office', ['conference_id', 'id'], unique=False)
    op.create_index('ix_conference_office_office_id_id', 'conference_office', ['office_id', 'id'], unique=False)
    op.create_index('ix_conference_office_pairs', 'conference_office', [sa.literal_column("redress_pairs(lower(coalesce(undertaking, '')))")], unique=False, postgresql_using='gin')
    op.create_index('ix_conference_office_search', 'conference_office', [sa.literal_column("lower(coalesce(undertaking, ''))").label('document')], unique=False, postgresql_using='gin', postgresql_ops={'document': 'gin_trgm_ops'})
    op.create_index('ix_conference_office_undertaking_id', 'conference_office', ['undertaking', 'id'], unique=False)
    op.create_table('decision_point',
    sa.Column('decision_id', sa.BigInteger(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('point', sa.String(length=300), nullable=False),
    sa.Column('conclusion', sa.Enum('upheld', 'partly_upheld', 'not_upheld', name='pointfinding', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('reasons', sa.Text(), nullable=False),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint("btrim(point) <> ''", name=op.f('ck_decision_point_point_not_blank')),
    sa.CheckConstraint("btrim(reasons) <> ''", name=op.f('ck_decision_point_reasons_not_blank')),
    sa.CheckConstraint('position > 0', name=op.f('ck_decision_point_position_from_one')),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_decision_point_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['decision_id'], ['decision.id'], name=op.f('fk_decision_point_decision_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_decision_point_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_decision_point')),
    sa.UniqueConstraint('decision_id', 'position', name=op.f('uq_decision_point_decision_id_position'))
    )
    op.create_index('ix_decision_point_decision_id_id', 'decision_point', ['decision_id', 'id'], unique=False)
    op.create_index('ix_decision_point_conclusion_id', 'decision_point', ['conclusion', 'id'], unique=False)
    op.create_index('ix_decision_point_pairs', 'decision_point', [sa.literal_column("redress_pairs(lower(coalesce(point, '')))")], unique=False, postgresql_using='gin')
    op.create_index('ix_decision_point_point_id', 'decision_point', ['point', 'id'], unique=False)
    op.create_index('ix_decision_point_position_id', 'decision_point', ['position', 'id'], unique=False)
    op.create_index('ix_decision_point_search', 'decision_point', [sa.literal_column("lower(coalesce(point, ''))").label('document')], unique=False, postgresql_using='gin', postgresql_ops={'document': 'gin_trgm_ops'})
    op.create_table('remedy',
    sa.Column('grievance_id', sa.BigInteger(), nullable=False),
    sa.Column('office_id', sa.BigInteger(), nullable=False),
    sa.Column('reception_id', sa.BigInteger(), nullable=True),
    sa.Column('promise', sa.String(length=300), nullable=False),
    sa.Column('promised_on', sa.Date(), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=False),
    sa.Column('state', sa.Enum('promised', 'done', 'verified', name='remedystate', native_enum=False, create_constraint=True, length=40), server_default='promised', nullable=False),
    sa.Column('done_on', sa.Date(), nullable=True),
    sa.Column('done_by_id', sa.BigInteger(), nullable=True),
    sa.Column('verified_on', sa.Date(), nullable=True),
    sa.Column('verified_by_id', sa.BigInteger(), nullable=True),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint("(state = 'promised') = (done_on IS NULL)", name=op.f('ck_remedy_done_has_day')),
    sa.CheckConstraint("(state = 'verified') = (verified_on IS NOT NULL)", name=op.f('ck_remedy_verified_has_day')),
    sa.CheckConstraint("btrim(promise) <> ''", name=op.f('ck_remedy_promise_not_blank')),
    sa.CheckConstraint('done_on >= promised_on', name=op.f('ck_remedy_done_after_promise')),
    sa.CheckConstraint('due_on >= promised_on', name=op.f('ck_remedy_due_after_promise')),
    sa.CheckConstraint('num_nonnulls(done_on, done_by_id) IN (0, 2)', name=op.f('ck_remedy_done_by_whom')),
    sa.CheckConstraint('num_nonnulls(verified_on, verified_by_id) IN (0, 2)', name=op.f('ck_remedy_verified_by_whom')),
    sa.CheckConstraint('verified_by_id <> done_by_id', name=op.f('ck_remedy_verified_by_another')),
    sa.CheckConstraint('verified_on >= done_on', name=op.f('ck_remedy_verified_after_done')),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_remedy_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['done_by_id'], ['officer.id'], name=op.f('fk_remedy_done_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['grievance_id'], ['grievance.id'], name=op.f('fk_remedy_grievance_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['office_id'], ['office.id'], name=op.f('fk_remedy_office_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['reception_id'], ['reception.id'], name=op.f('fk_remedy_reception_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_remedy_updated_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['verified_by_id'], ['officer.id'], name=op.f('fk_remedy_verified_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_remedy'))
    )
    op.create_index('ix_remedy_done_by_id_id', 'remedy', ['done_by_id', 'id'], unique=False)
    op.create_index('ix_remedy_done_on_id', 'remedy', ['done_on', 'id'], unique=False)
    op.create_index('ix_remedy_due_on_id', 'remedy', ['due_on', 'id'], unique=False)
    op.create_index('ix_remedy_grievance_id_id', 'remedy', ['grievance_id', 'id'], unique=False)
    op.create_index('ix_remedy_office_id_id', 'remedy', ['office_id', 'id'], unique=False)
    op.create_index('ix_remedy_pairs', 'remedy', [sa.literal_column("redress_pairs(lower(coalesce(promise, '')))")], unique=False, postgresql_using='gin')
    op.create_index('ix_remedy_promise_id', 'remedy', ['promise', 'id'], unique=False)
    op.create_index('ix_remedy_promised_on_id', 'remedy', ['promised_on', 'id'], unique=False)
    op.create_index('ix_remedy_reception_id_id', 'remedy', ['reception_id', 'id'], unique=False)
    op.create_index('ix_remedy_search', 'remedy', [sa.literal_column("lower(coalesce(promise, ''))").label('document')], unique=False, postgresql_using='gin', postgresql_ops={'document': 'gin_trgm_ops'})
    op.create_index('ix_remedy_state_id', 'remedy', ['state', 'id'], unique=False)
    op.create_index('ix_remedy_verified_by_id_id', 'remedy', ['verified_by_id', 'id'], unique=False)
    op.create_index('ix_remedy_verified_on_id', 'remedy', ['verified_on', 'id'], unique=False)
    op.create_table('supervision_notice',
    sa.Column('office_id', sa.BigInteger(), nullable=False),
    sa.Column('group_id', sa.BigInteger(), nullable=False),
    sa.Column('finding_id', sa.BigInteger(), nullable=True),
    sa.Column('grievance_id', sa.BigInteger(), nullable=True),
    sa.Column('number', sa.String(length=60), nullable=True),
    sa.Column('subject', sa.String(length=300), nullable=False),
    sa.Column('demand', sa.Text(), nullable=False),
    sa.Column('reply_due_on', sa.Date(), nullable=False),
    sa.Column('state', sa.Enum('draft', 'issued', 'replied', 'closed', name='noticestate', native_enum=False, create_constraint=True, length=40), server_default='draft', nullable=False),
    sa.Column('issued_on', sa.Date(), nullable=True),
    sa.Column('replied_on', sa.Date(), nullable=True),
    sa.Column('replied_by_id', sa.BigInteger(), nullable=True),
    sa.Column('reply', sa.Text(), nullable=True),
    sa.Column('closed_on', sa.Date(), nullable=True),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint("(state = 'closed') = (closed_on IS NOT NULL)", name=op.f('ck_supervision_notice_closed_has_day')),
    sa.CheckConstraint("(state = 'draft') = (issued_on IS NULL)", name=op.f('ck_supervision_notice_issued_has_day')),
    sa.CheckConstraint("btrim(demand) <> ''", name=op.f('ck_supervision_notice_demand_not_blank')),
    sa.CheckConstraint("btrim(subject) <> ''", name=op.f('ck_supervision_notice_subject_not_blank')),
    sa.CheckConstraint("state <> 'draft' OR replied_on IS NULL", name=op.f('ck_supervision_notice_reply_once_issued')),
    sa.CheckConstraint("state <> 'issued' OR replied_on IS NULL", name=op.f('ck_supervision_notice_issued_awaits_reply')),
    sa.CheckConstraint("state <> 'replied' OR replied_on IS NOT NULL", name=op.f('ck_supervision_notice_replied_has_day')),
    sa.CheckConstraint('(number IS NULL) = (issued_on IS NULL)', name=op.f('ck_supervision_notice_number_when_issued')),
    sa.CheckConstraint('num_nonnulls(replied_on, replied_by_id, reply) IN (0, 3)', name=op.f('ck_supervision_notice_reply_whole')),
    sa.CheckConstraint('reply_due_on > issued_on AND replied_on >= issued_on AND closed_on >= issued_on', name=op.f('ck_supervision_notice_after_issue')),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_supervision_notice_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['finding_id'], ['finding.id'], name=op.f('fk_supervision_notice_finding_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['grievance_id'], ['grievance.id'], name=op.f('fk_supervision_notice_grievance_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['group_id'], ['supervision_group.id'], name=op.f('fk_supervision_notice_group_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['office_id'], ['office.id'], name=op.f('fk_supervision_notice_office_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['replied_by_id'], ['officer.id'], name=op.f('fk_supervision_notice_replied_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_supervision_notice_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_supervision_notice')),
    sa.UniqueConstraint('number', name=op.f('uq_supervision_notice_number'))
    )
    op.create_index('ix_supervision_notice_closed_on_id', 'supervision_notice', ['closed_on', 'id'], unique=False)
    op.create_index('ix_supervision_notice_finding_id_id', 'supervision_notice', ['finding_id', 'id'], unique=False)
    op.create_index('ix_supervision_notice_grievance_id_id', 'supervision_notice', ['grievance_id', 'id'], unique=False)
    op.create_index('ix_supervision_notice_group_id_id', 'supervision_notice', ['group_id', 'id'], unique=False)
    op.create_index('ix_supervision_notice_issued_on_id', 'supervision_notice', ['issued_on', 'id'], unique=False)
    op.create_index('ix_supervision_notice_number_id', 'supervision_notice', ['number', 'id'], unique=False)
    op.create_index('ix_supervision_notice_office_id_id', 'supervision_notice', ['office_id', 'id'], unique=False)
    op.create_index('ix_supervision_notice_pairs', 'supervision_notice', [sa.literal_column("redress_pairs(lower((coalesce(number, '') || ' ') || coalesce(subject, '')))")], unique=False, postgresql_using='gin')
    op.create_index('ix_supervision_notice_replied_by_id_id', 'supervision_notice', ['replied_by_id', 'id'], unique=False)
    op.create_index('ix_supervision_notice_replied_on_id', 'supervision_notice', ['replied_on', 'id'], unique=False)
    op.create_index('ix_supervision_notice_reply_due_on_id', 'supervision_notice', ['reply_due_on', 'id'], unique=False)
    op.create_index('ix_supervision_notice_search', 'supervision_notice', [sa.literal_column("lower((coalesce(number, '') || ' ') || coalesce(subject, ''))").label('document')], unique=False, postgresql_using='gin', postgresql_ops={'document': 'gin_trgm_ops'})
    op.create_index('ix_supervision_notice_state_id', 'supervision_notice', ['state', 'id'], unique=False)
    op.create_index('ix_supervision_notice_subject_id', 'supervision_notice', ['subject', 'id'], unique=False)
    op.create_table('reprimand_evidence',
    sa.Column('reprimand_id', sa.BigInteger(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('subject', sa.String(length=300), nullable=False),
    sa.Column('finding_id', sa.BigInteger(), nullable=True),
    sa.Column('notice_id', sa.BigInteger(), nullable=True),
    sa.Column('grievance_id', sa.BigInteger(), nullable=True),
    sa.Column('frozen_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('frozen_copy', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
    sa.Column('sha256', sa.String(length=64), nullable=True),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint("btrim(subject) <> ''", name=op.f('ck_reprimand_evidence_subject_not_blank')),
    sa.CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name=op.f('ck_reprimand_evidence_sha256_in_hex')),
    sa.CheckConstraint('num_nonnulls(finding_id, notice_id, grievance_id) = 1', name=op.f('ck_reprimand_evidence_rests_on_one_record')),
    sa.CheckConstraint('num_nonnulls(frozen_at, frozen_copy, sha256) IN (0, 3)', name=op.f('ck_reprimand_evidence_frozen_whole')),
    sa.CheckConstraint('position > 0', name=op.f('ck_reprimand_evidence_position_from_one')),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_reprimand_evidence_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['finding_id'], ['finding.id'], name=op.f('fk_reprimand_evidence_finding_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['grievance_id'], ['grievance.id'], name=op.f('fk_reprimand_evidence_grievance_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['notice_id'], ['supervision_notice.id'], name=op.f('fk_reprimand_evidence_notice_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['reprimand_id'], ['reprimand.id'], name=op.f('fk_reprimand_evidence_reprimand_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_reprimand_evidence_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_reprimand_evidence')),
    sa.UniqueConstraint('reprimand_id', 'position', name=op.f('uq_reprimand_evidence_reprimand_id_position'))
    )
    op.create_index('ix_reprimand_evidence_finding_id_id', 'reprimand_evidence', ['finding_id', 'id'], unique=False)
    op.create_index('ix_reprimand_evidence_frozen_at_id', 'reprimand_evidence', ['frozen_at', 'id'], unique=False)
    op.create_index('ix_reprimand_evidence_grievance_id_id', 'reprimand_evidence', ['grievance_id', 'id'], unique=False)
    op.create_index('ix_reprimand_evidence_notice_id_id', 'reprimand_evidence', ['notice_id', 'id'], unique=False)
    op.create_index('ix_reprimand_evidence_pairs', 'reprimand_evidence', [sa.literal_column("redress_pairs(lower(coalesce(subject, '')))")], unique=False, postgresql_using='gin')
    op.create_index('ix_reprimand_evidence_position_id', 'reprimand_evidence', ['position', 'id'], unique=False)
    op.create_index('ix_reprimand_evidence_reprimand_id_id', 'reprimand_evidence', ['reprimand_id', 'id'], unique=False)
    op.create_index('ix_reprimand_evidence_search', 'reprimand_evidence', [sa.literal_column("lower(coalesce(subject, ''))").label('document')], unique=False, postgresql_using='gin', postgresql_ops={'document': 'gin_trgm_ops'})
    op.create_index('ix_reprimand_evidence_subject_id', 'reprimand_evidence', ['subject', 'id'], unique=False)
    # Offices are stamped by officers, who serve offices.
    op.create_foreign_key(op.f('fk_officer_office_id'), 'officer', 'office', ['office_id'], ['id'], ondelete='RESTRICT', use_alter=True)
    op.execute("SELECT redress_watch('office', masked => '{}', quiet => '{}', private => false)")
    op.execute("SELECT redress_watch('officer', masked => '{password_hash}', quiet => '{}', private => false)")
    op.execute("SELECT redress_watch('area', masked => '{}', quiet => '{}', private => false)")
    op.execute("SELECT redress_watch('category', masked => '{}', quiet => '{}', private => false)")
    op.execute("SELECT redress_watch('service_standard', masked => '{}', quiet => '{}', private => false)")
    op.execute("SELECT redress_watch('calendar_day', masked => '{}', quiet => '{}', private => false)")
    op.execute("SELECT redress_watch('grievance', masked => '{}', quiet => '{}', private => false)")
    op.execute("SELECT redress_watch('identity', masked => '{ciphertext}', quiet => '{}', private => true)")
    op.execute("SELECT redress_watch('identity_opening', masked => '{}', quiet => '{}', private => true)")
    op.execute("SELECT redress_watch('plan_step', masked => '{}', quiet => '{}', private => false)")
    op.execute("SELECT redress_watch('pause', masked => '{}', quiet => '{}', private => false)")
    op.execute("SELECT redress_watch('extension', masked => '{}', quiet => '{}', private => false)")
    op.execute("SELECT redress_watch('routing_objection', masked => '{}', quiet => '{}', private => false)")
    op.execute("SELECT redress_watch('document', masked => '{stored_name}', quiet => '{}', private => false)")
    op.execute("SELECT redress_watch('joint_conference', masked => '{}', quiet => '{}', private => false)")
    op.execute("SELECT redress_watch('conference_office', masked => '{}', quiet => '{}', private => false)")
    op.execute("SELECT redress_watch('decision', masked => '{}', quiet => '{}', private => false)")
    op.execute("SELECT redress_watch('decision_point', masked => '{}', quiet => '{}', private => false)")
    op.execute("SELECT redress_watch('remedy', masked => '{}', quiet => '{}', private => false)")
    op.execute("SELECT redress_watch('appeal', masked => '{}', quiet => '{}', private => false)")
    op.execute("SELECT redress_watch('feedback', masked => '{}', quiet => '{}', private => false)")
    op.execute("SELECT redress_watch('retaliation_report', masked => '{}', quiet => '{}', private => false)")
    op.execute("SELECT redress_watch('grievance_link', masked => '{}', quiet => '{}', private => false)")
    op.execute("SELECT redress_watch('supervision_group', masked => '{}', quiet => '{}', private => false)")
    op.execute("SELECT redress_watch('group_membership', masked => '{}', quiet => '{}', private => false)")
    op.execute("SELECT redress_watch('supervision_assignment', masked => '{}', quiet => '{}', private => false)")
    op.execute("SELECT redress_watch('recusal', masked => '{}', quiet => '{}', private => false)")
    op.execute("SELECT redress_watch('inspection', masked => '{}', quiet => '{}', private => false)")
    op.execute("SELECT redress_watch('finding', masked => '{}', quiet => '{}', private => false)")
    op.execute("SELECT redress_watch('supervision_notice', masked => '{}', quiet => '{}', private => false)")
    op.execute("SELECT redress_watch('reprimand', masked => '{}', quiet => '{}', private => false)")
    op.execute("SELECT redress_watch('reprimand_evidence', masked => '{}', quiet => '{}', private => false)")
    op.execute("SELECT redress_watch('reprimand_reply', masked => '{}', quiet => '{}', private => false)")
    op.execute("SELECT redress_watch('circulation', masked => '{}', quiet => '{}', private => false)")
    op.execute("SELECT redress_watch('rectification', masked => '{}', quiet => '{}', private => false)")
    op.execute("SELECT redress_watch('reprimand_appeal', masked => '{}', quiet => '{}', private => false)")
    op.execute("SELECT redress_watch('accountability_action', masked => '{}', quiet => '{}', private => false)")
    op.execute("SELECT redress_watch('number_series', masked => '{}', quiet => '{}', private => false)")
    op.execute("SELECT redress_watch('reception_day', masked => '{}', quiet => '{}', private => false)")
    op.execute("SELECT redress_watch('reception', masked => '{}', quiet => '{}', private => false)")
    op.execute("SELECT redress_watch('daily_return', masked => '{}', quiet => '{}', private => false)")
    op.execute("SELECT redress_watch('duty_shift', masked => '{}', quiet => '{}', private => false)")
    op.execute("SELECT redress_watch('target', masked => '{}', quiet => '{}', private => false)")
    op.execute("SELECT redress_watch('saved_view', masked => '{}', quiet => '{}', private => false)")
    op.execute("SELECT redress_watch('import_batch', masked => '{}', quiet => '{bytes_done,rows_read}', private => false)")
    op.execute("SELECT redress_watch('export_record', masked => '{}', quiet => '{}', private => false)")
    op.execute("SELECT redress_watch('officer_session', masked => '{token_hash,device,address,data}', quiet => '{data,seen_at}', private => false)")
    for what, name in KEPT:
        op.execute(
            f"CREATE TRIGGER redress_{name} BEFORE {what} EXECUTE FUNCTION redress_refuse('{name}')"
        )


def downgrade() -> None:
    op.execute(f"DROP TABLE {', '.join(TABLES)}")
    op.execute("DROP SEQUENCE grievance_number")
    for name in (
        "redress_watch",
        "redress_refuse",
        "redress_audit",
        "redress_no_cycle",
        "redress_stamp",
        "redress_pairs",
    ):
        op.execute(f"DROP FUNCTION {name}")
    for name in EXTENSIONS:
        drop_extension(name)

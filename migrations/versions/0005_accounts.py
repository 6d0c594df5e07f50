"""A second factor, and roles that two people give.

Revises: 0004
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# Refuses under the name of a check, so that screens have a sentence for it.
REFUSE_ROLES = """
CREATE FUNCTION redress_refuse_roles(because text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'roles are not changed: %', because
    USING ERRCODE = 'check_violation', TABLE = 'role_change',
        CONSTRAINT = 'ck_role_change_' || because;
END $$
"""

# A request makes no right: a command on the server may ask too. One that waited too long makes
# room for another.
ASK_ROLES = """
CREATE FUNCTION redress_ask_roles(whose bigint, wanted text[], why text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    made bigint;
BEGIN
    IF redress_administers() IS NOT TRUE THEN
        PERFORM redress_refuse_roles('by_administrator');
    END IF;
    IF EXISTS (SELECT FROM officer WHERE id = whose AND left_on <= current_date) THEN
        PERFORM redress_refuse_roles('for_who_is_here');
    END IF;
    UPDATE role_change SET state = 'expired', ended_at = now()
    WHERE officer_id = whose AND state = 'asked' AND asked_at <= now() - interval '7 days';
    INSERT INTO role_change (officer_id, kind, roles, reason, asked_by_id)
    VALUES (whose, 'give', wanted, why, nullif(redress_officer(), 0)) RETURNING id INTO made;
    RETURN made;
END $$
"""

# The only way for the web to give a right: asked for by one administrator, approved by another.
APPLY_ROLES = """
CREATE FUNCTION redress_apply_roles(role_change_id bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    change role_change;
    approver bigint := redress_officer();
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('redress roles'));
    SELECT * INTO change FROM role_change WHERE id = role_change_id FOR UPDATE;
    IF change.state IS DISTINCT FROM 'asked' THEN
        PERFORM redress_refuse_roles('still_asked');
    ELSIF change.asked_at <= now() - interval '7 days' THEN
        PERFORM redress_refuse_roles('in_time');
    ELSIF redress_administers() IS NOT TRUE OR coalesce(approver, 0) = 0 THEN
        PERFORM redress_refuse_roles('by_administrator');
    ELSIF approver = change.officer_id OR approver IS NOT DISTINCT FROM change.asked_by_id THEN
        PERFORM redress_refuse_roles('decided_by_another');
    ELSIF EXISTS (
        SELECT FROM officer WHERE id = change.officer_id AND left_on <= current_date
    ) THEN
        PERFORM redress_refuse_roles('for_who_is_here');
    END IF;
    UPDATE officer SET roles = roles || ARRAY(
        SELECT one FROM unnest(change.roles) one WHERE one <> ALL (roles))
    WHERE id = change.officer_id;
    UPDATE role_change SET state = 'approved', decided_by_id = approver, ended_at = now()
    WHERE id = role_change_id;
END $$
"""

# Refused by another, taken back by who asked, or ended by time or by leaving.
END_ROLE_REQUEST = """
CREATE FUNCTION redress_end_role_request(role_change_id bigint, outcome text, why text)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    change role_change;
    ender bigint := redress_officer();
BEGIN
    SELECT * INTO change FROM role_change WHERE id = role_change_id FOR UPDATE;
    IF change.state IS DISTINCT FROM 'asked' THEN
        PERFORM redress_refuse_roles('still_asked');
    ELSIF redress_administers() IS NOT TRUE THEN
        PERFORM redress_refuse_roles('by_administrator');
    ELSIF outcome = 'refused' AND (
        ender = change.officer_id OR ender IS NOT DISTINCT FROM change.asked_by_id
        OR coalesce(ender, 0) = 0
    ) THEN
        PERFORM redress_refuse_roles('decided_by_another');
    ELSIF outcome = 'taken_back' AND ender IS DISTINCT FROM change.asked_by_id THEN
        PERFORM redress_refuse_roles('taken_back_by_asker');
    ELSIF outcome = 'expired' AND change.asked_at > now() - interval '7 days' THEN
        PERFORM redress_refuse_roles('in_time');
    ELSIF outcome NOT IN ('refused', 'taken_back', 'expired', 'lapsed') THEN
        PERFORM redress_refuse_roles('still_asked');
    END IF;
    UPDATE role_change SET state = outcome, ended_at = now(), decision_reasons = why,
        decided_by_id = CASE WHEN outcome = 'refused' THEN ender END
    WHERE id = role_change_id;
END $$
"""

# At once and by one administrator; but one who can log in stays.
TAKE_ROLES = """
CREATE FUNCTION redress_take_roles(whose bigint, taken text[], why text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    made bigint;
BEGIN
    IF redress_administers() IS NOT TRUE THEN
        PERFORM redress_refuse_roles('by_administrator');
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('redress roles'));
    IF 'administrator' = ANY (taken) AND NOT EXISTS (
        SELECT FROM officer WHERE 'administrator' = ANY (roles) AND id <> whose
        AND password_hash IS NOT NULL AND (left_on IS NULL OR left_on > current_date)
    ) THEN
        PERFORM redress_refuse_roles('an_administrator_stays');
    END IF;
    UPDATE officer SET roles = ARRAY(
        SELECT one FROM unnest(roles) WITH ORDINALITY held(one, place)
        WHERE one <> ALL (taken) ORDER BY place)
    WHERE id = whose AND roles && taken::varchar[];
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    INSERT INTO role_change (officer_id, kind, roles, reason, state, asked_by_id, ended_at)
    VALUES (whose, 'take', taken, why, 'done', nullif(redress_officer(), 0), now())
    RETURNING id INTO made;
    RETURN made;
END $$
"""

# For commands on the server: the first administrators and the demo.
GIVE_ROLES = """
CREATE FUNCTION redress_give_roles(whose bigint, given text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF redress_officer() IS DISTINCT FROM 0 THEN
        PERFORM redress_refuse_roles('by_administrator');
    END IF;
    UPDATE officer SET roles = given WHERE id = whose;
END $$
"""

# The trail may outlive its foreign keys; whom it names stays.
KEEP_OFFICER = """
CREATE FUNCTION redress_keep_officer() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM audit_entry WHERE officer_id = OLD.id) THEN
        RAISE EXCEPTION 'the trail names officer %', OLD.id
        USING ERRCODE = 'check_violation', SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME,
            CONSTRAINT = format('ck_%s_named_in_trail', TG_TABLE_NAME);
    END IF;
    RETURN OLD;
END $$
"""

# Takes from the application what it may not write: columns that functions of the database write.
# To be called after redress_guard, which gives it all of them.
KEEP = """
CREATE FUNCTION redress_keep(guarded regclass, kept text[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    written text;
BEGIN
    SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) INTO written FROM pg_attribute
    WHERE attrelid = guarded AND attnum > 0 AND NOT attisdropped AND attname <> ALL (kept);
    EXECUTE format('REVOKE INSERT, UPDATE ON %s FROM redress_app', guarded);
    IF written IS NULL THEN
        EXECUTE format('REVOKE DELETE ON %s FROM redress_app', guarded);
    ELSE
        EXECUTE format('GRANT INSERT (%s), UPDATE (%s) ON %s TO redress_app',
            written, written, guarded);
    END IF;
END $$
"""

# For the owner of the tables: who may run a migration may run these.
FOR_THE_OWNER = {"redress_keep(regclass, text[])": KEEP}

FUNCTIONS = {
    "redress_refuse_roles(text)": REFUSE_ROLES,
    "redress_ask_roles(bigint, text[], text)": ASK_ROLES,
    "redress_apply_roles(bigint)": APPLY_ROLES,
    "redress_end_role_request(bigint, text, text)": END_ROLE_REQUEST,
    "redress_take_roles(bigint, text[], text)": TAKE_ROLES,
    "redress_give_roles(bigint, text[])": GIVE_ROLES,
    "redress_keep_officer()": KEEP_OFFICER,
}

# access.guard_statement of the two record types whose writing is held back.
GUARDS = (
    """SELECT redress_guard('officer', $rows$true$rows$, $rows$(SELECT redress_administers()) OR officer.id = (SELECT redress_officer())$rows$, '{password_hash}'), redress_keep('officer', '{roles}')""",
    """SELECT redress_guard('role_change', $rows$(SELECT redress_reads_trail())$rows$, NULL, '{}'), redress_keep('role_change', '{officer_id,kind,roles,reason,state,asked_by_id,asked_at,decided_by_id,ended_at,decision_reasons,id}')""",
)

WATCHED = (
    "SELECT redress_watch('role_change', masked => '{}', quiet => '{}', private => false)",
    "SELECT redress_watch('second_factor', masked => '{secret,last_step}', quiet => '{last_step}',"
    " private => true)",
    "SELECT redress_watch('recovery_code', masked => '{code_hash}', quiet => '{}',"
    " private => true)",
)

# An officer has their own second factor in hand; an administrator may take it away, and nobody
# can set up one for somebody else.
MINE = """
CREATE POLICY redress_rows ON {table} TO redress_app
USING (officer_id = (SELECT redress_officer()) OR (SELECT redress_administers()))
WITH CHECK (officer_id = (SELECT redress_officer()) OR (SELECT redress_officer()) = 0)
"""


def upgrade() -> None:
    op.add_column(
        "officer",
        sa.Column(
            "must_change_password", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
    )
    op.add_column(
        "officer", sa.Column("second_factor_since", sa.DateTime(timezone=True), nullable=True)
    )
    make_tables()
    for statement in (FOR_THE_OWNER | FUNCTIONS).values():
        op.execute(statement)
    for signature in FUNCTIONS:
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO redress_app")
    op.execute(
        "CREATE TRIGGER redress_keep_officer BEFORE DELETE ON officer FOR EACH ROW "
        "EXECUTE FUNCTION redress_keep_officer()"
    )
    for watched in WATCHED:
        op.execute(watched)
    grant()


def make_tables() -> None:
    op.create_table('role_change',
    sa.Column('officer_id', sa.BigInteger(), nullable=False),
    sa.Column('kind', sa.Enum('give', 'take', name='rolechangekind', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('roles', postgresql.ARRAY(sa.String(length=40)), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('state', sa.Enum('asked', 'approved', 'refused', 'taken_back', 'expired', 'lapsed', 'done', name='rolechangestate', native_enum=False, create_constraint=True, length=40), server_default='asked', nullable=False),
    sa.Column('asked_by_id', sa.BigInteger(), nullable=True),
    sa.Column('asked_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('decided_by_id', sa.BigInteger(), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('decision_reasons', sa.Text(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint("(kind = 'take') = (state = 'done')", name=op.f('ck_role_change_taken_at_once')),
    sa.CheckConstraint("(state = 'asked') = (ended_at IS NULL)", name=op.f('ck_role_change_decided_has_time')),
    sa.CheckConstraint("(state IN ('approved', 'refused')) = (decided_by_id IS NOT NULL)", name=op.f('ck_role_change_role_decided_by_whom')),
    sa.CheckConstraint("btrim(reason) <> ''", name=op.f('ck_role_change_reason_not_blank')),
    sa.CheckConstraint("cardinality(roles) > 0 AND roles <@ ARRAY['administrator','intake','handler','office_head','lead_official','supervisor','decider','auditor']::varchar[]", name=op.f('ck_role_change_known_roles')),
    sa.CheckConstraint("state <> 'refused' OR decision_reasons IS NOT NULL", name=op.f('ck_role_change_refused_with_reasons')),
    sa.CheckConstraint('decided_by_id <> asked_by_id AND decided_by_id <> officer_id', name=op.f('ck_role_change_decided_by_another')),
    sa.ForeignKeyConstraint(['asked_by_id'], ['officer.id'], name=op.f('fk_role_change_asked_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['decided_by_id'], ['officer.id'], name=op.f('fk_role_change_decided_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['officer_id'], ['officer.id'], name=op.f('fk_role_change_officer_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_role_change'))
    )
    op.create_index('ix_role_change_asked_at_id', 'role_change', ['asked_at', 'id'], unique=False)
    op.create_index('ix_role_change_asked_by_id_id', 'role_change', ['asked_by_id', 'id'], unique=False)
    op.create_index('ix_role_change_decided_by_id_id', 'role_change', ['decided_by_id', 'id'], unique=False)
    op.create_index('ix_role_change_ended_at_id', 'role_change', ['ended_at', 'id'], unique=False)
    op.create_index('ix_role_change_kind_id', 'role_change', ['kind', 'id'], unique=False)
    op.create_index('ix_role_change_officer_id_id', 'role_change', ['officer_id', 'id'], unique=False)
    op.create_index('ix_role_change_one_open', 'role_change', ['officer_id'], unique=True, postgresql_where=sa.text("state = 'asked'"))
    op.create_index('ix_role_change_state_id', 'role_change', ['state', 'id'], unique=False)
    op.create_table('second_factor',
    sa.Column('officer_id', sa.BigInteger(), nullable=False),
    sa.Column('secret', sa.LargeBinary(), nullable=False),
    sa.Column('last_step', sa.BigInteger(), nullable=False),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_second_factor_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['officer_id'], ['officer.id'], name=op.f('fk_second_factor_officer_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_second_factor_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_second_factor')),
    sa.UniqueConstraint('officer_id', name=op.f('uq_second_factor_officer_id'))
    )
    op.create_table('recovery_code',
    sa.Column('officer_id', sa.BigInteger(), nullable=False),
    sa.Column('code_hash', sa.LargeBinary(length=32), nullable=False),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_recovery_code_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['officer_id'], ['officer.id'], name=op.f('fk_recovery_code_officer_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_recovery_code_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_recovery_code')),
    sa.UniqueConstraint('officer_id', 'code_hash', name=op.f('uq_recovery_code_officer_id_code_hash'))
    )


def grant() -> None:
    """Let the application write an officer, their roles left out, and their own second factor."""
    for guard in GUARDS:
        op.execute(guard)
    for table in ("second_factor", "recovery_code"):
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO redress_app")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(MINE.format(table=table))


def downgrade() -> None:
    op.execute("DROP TRIGGER redress_keep_officer ON officer")
    for table in ("recovery_code", "second_factor", "role_change"):
        op.drop_table(table)
    op.drop_column("officer", "second_factor_since")
    op.drop_column("officer", "must_change_password")
    op.execute(GUARDS[0].partition(", redress_keep")[0])
    for signature in reversed(FOR_THE_OWNER | FUNCTIONS):
        op.execute(f"DROP FUNCTION {signature}")

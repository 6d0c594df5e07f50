"""Officers who stand aside from a grievance; leave that two others give to act all the same; and
pairs of grievances that somebody found to be different matters.

Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# The one who is logged in asks; another one who is logged in decides, once. What was asked for and
# for whom stays as it is, and nothing of it goes. The system and the owner of the tables are not
# held to who is logged in.
TWO_OVERRIDE = """
CREATE FUNCTION redress_two_override() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    asks bigint := redress_officer();
    is_held boolean := row_security_active('grievance') AND coalesce(asks, -1) <> 0;
    because text;
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'asked' THEN
            because := 'asked_first';
        ELSIF is_held AND NEW.asked_by_id IS DISTINCT FROM asks THEN
            because := 'in_own_name';
        END IF;
    ELSIF TG_OP = 'DELETE' OR OLD.state <> 'asked'
        OR (NEW.matter, NEW.grievance_id, NEW.officer_id, NEW.act, NEW.reason, NEW.asked_by_id,
            NEW.asked_on)
        IS DISTINCT FROM (OLD.matter, OLD.grievance_id, OLD.officer_id, OLD.act, OLD.reason,
            OLD.asked_by_id, OLD.asked_on) THEN
        because := 'is_kept';
    ELSIF is_held AND NEW.decided_by_id IS DISTINCT FROM asks THEN
        because := 'in_own_name';
    END IF;
    IF because IS NOT NULL THEN
        RAISE EXCEPTION 'impartiality_override refuses %: %', TG_OP, because
        USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, SCHEMA = TG_TABLE_SCHEMA,
            CONSTRAINT = 'ck_impartiality_override_' || because;
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$
"""

LINKS = ("same_subject", "duplicate_of")


def allow_links(*kinds: str) -> None:
    op.drop_constraint("ck_grievance_link_linkkind", "grievance_link")
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    op.create_check_constraint(
        op.f("ck_grievance_link_linkkind"), "grievance_link", f"kind IN ({listed})"
    )


def upgrade() -> None:
    op.create_table('grievance_recusal',
    sa.Column('grievance_id', sa.BigInteger(), nullable=False),
    sa.Column('officer_id', sa.BigInteger(), nullable=False),
    sa.Column('ground', sa.Enum('what_is_complained_of_is_theirs', 'ties_to_somebody_concerned', 'conflict_of_interest', name='asideground', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('stated_by_id', sa.BigInteger(), nullable=False),
    sa.Column('stated_on', sa.Date(), nullable=False),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint("btrim(reason) <> ''", name=op.f('ck_grievance_recusal_reason_not_blank')),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_grievance_recusal_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['grievance_id'], ['grievance.id'], name=op.f('fk_grievance_recusal_grievance_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['officer_id'], ['officer.id'], name=op.f('fk_grievance_recusal_officer_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['stated_by_id'], ['officer.id'], name=op.f('fk_grievance_recusal_stated_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_grievance_recusal_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_grievance_recusal')),
    sa.UniqueConstraint('grievance_id', 'officer_id', name=op.f('uq_grievance_recusal_grievance_id_officer_id'))
    )
    op.create_index('ix_grievance_recusal_grievance_id_id', 'grievance_recusal', ['grievance_id', 'id'], unique=False)
    op.create_index('ix_grievance_recusal_ground_id', 'grievance_recusal', ['ground', 'id'], unique=False)
    op.create_index('ix_grievance_recusal_officer_id_id', 'grievance_recusal', ['officer_id', 'id'], unique=False)
    op.create_index('ix_grievance_recusal_stated_by_id_id', 'grievance_recusal', ['stated_by_id', 'id'], unique=False)
    op.create_index('ix_grievance_recusal_stated_on_id', 'grievance_recusal', ['stated_on', 'id'], unique=False)
    op.create_table('impartiality_override',
    sa.Column('matter', sa.String(length=40), nullable=False),
    sa.Column('grievance_id', sa.BigInteger(), nullable=False),
    sa.Column('officer_id', sa.BigInteger(), nullable=False),
    sa.Column('act', sa.Enum('record_what_was_said', 'route_it', 'work_it', 'lead_it', 'decide_the_answer', 'give_more_time', 'verify_the_remedy', 'decide_the_appeal', 'inspect_the_office', 'decide_the_reprimand', name='act', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('asked_by_id', sa.BigInteger(), nullable=False),
    sa.Column('asked_on', sa.Date(), nullable=False),
    sa.Column('state', sa.Enum('asked', 'granted', 'refused', name='requeststate', native_enum=False, create_constraint=True, length=40), server_default='asked', nullable=False),
    sa.Column('decided_on', sa.Date(), nullable=True),
    sa.Column('decided_by_id', sa.BigInteger(), nullable=True),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint("(state = 'asked') = (decided_on IS NULL)", name=op.f('ck_impartiality_override_decided_has_day')),
    sa.CheckConstraint("btrim(matter) <> ''", name=op.f('ck_impartiality_override_matter_not_blank')),
    sa.CheckConstraint("btrim(reason) <> ''", name=op.f('ck_impartiality_override_reason_not_blank')),
    sa.CheckConstraint('asked_by_id <> officer_id AND decided_by_id <> officer_id', name=op.f('ck_impartiality_override_not_by_themselves')),
    sa.CheckConstraint('decided_by_id <> asked_by_id', name=op.f('ck_impartiality_override_decided_by_another')),
    sa.CheckConstraint('num_nonnulls(decided_on, decided_by_id) IN (0, 2)', name=op.f('ck_impartiality_override_decided_by_someone')),
    sa.ForeignKeyConstraint(['asked_by_id'], ['officer.id'], name=op.f('fk_impartiality_override_asked_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_impartiality_override_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['decided_by_id'], ['officer.id'], name=op.f('fk_impartiality_override_decided_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['grievance_id'], ['grievance.id'], name=op.f('fk_impartiality_override_grievance_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['officer_id'], ['officer.id'], name=op.f('fk_impartiality_override_officer_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_impartiality_override_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_impartiality_override'))
    )
    op.create_index('ix_impartiality_override_act_id', 'impartiality_override', ['act', 'id'], unique=False)
    op.create_index('ix_impartiality_override_asked_by_id_id', 'impartiality_override', ['asked_by_id', 'id'], unique=False)
    op.create_index('ix_impartiality_override_asked_on_id', 'impartiality_override', ['asked_on', 'id'], unique=False)
    op.create_index('ix_impartiality_override_decided_by_id_id', 'impartiality_override', ['decided_by_id', 'id'], unique=False)
    op.create_index('ix_impartiality_override_decided_on_id', 'impartiality_override', ['decided_on', 'id'], unique=False)
    op.create_index('ix_impartiality_override_grievance_id_id', 'impartiality_override', ['grievance_id', 'id'], unique=False)
    op.create_index('ix_impartiality_override_matter_id', 'impartiality_override', ['matter', 'id'], unique=False)
    op.create_index('ix_impartiality_override_officer_id_id', 'impartiality_override', ['officer_id', 'id'], unique=False)
    op.create_index('ix_impartiality_override_pairs', 'impartiality_override', [sa.literal_column('redress_pairs(lower(matter))')], unique=False, postgresql_using='gin')
    op.create_index('ix_impartiality_override_search', 'impartiality_override', [sa.literal_column('lower(matter)').label('document')], unique=False, postgresql_using='gin', postgresql_ops={'document': 'gin_trgm_ops'})
    op.create_index('ix_impartiality_override_state_id', 'impartiality_override', ['state', 'id'], unique=False)
    op.create_index('uq_impartiality_override_one', 'impartiality_override', ['grievance_id', 'officer_id', 'act'], unique=True, postgresql_where=sa.text("state <> 'refused'"))
    op.execute("SELECT redress_watch('grievance_recusal', masked => '{}', quiet => '{}', private => false)")
    op.execute("SELECT redress_guard('grievance_recusal', $rows$(SELECT redress_sees_all()) OR (EXISTS (SELECT 1 FROM grievance WHERE grievance.id = grievance_recusal.grievance_id AND grievance.responsible_office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))))) OR (EXISTS (SELECT 1 FROM grievance WHERE grievance.id = grievance_recusal.grievance_id AND grievance.respondent_office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[])))))$rows$, NULL, '{}')")
    op.execute("SELECT redress_watch('impartiality_override', masked => '{}', quiet => '{}', private => false)")
    op.execute("SELECT redress_guard('impartiality_override', NULL, NULL, '{}')")
    op.execute(TWO_OVERRIDE)
    op.execute(
        "CREATE TRIGGER redress_two_override BEFORE INSERT OR UPDATE OR DELETE"
        " ON impartiality_override FOR EACH ROW EXECUTE FUNCTION redress_two_override()"
    )
    op.execute(
        "CREATE TRIGGER redress_is_kept BEFORE UPDATE OR DELETE ON grievance_recusal"
        " FOR EACH ROW EXECUTE FUNCTION redress_refuse('is_kept')"
    )
    allow_links(*LINKS, "different_matters")


def downgrade() -> None:
    op.execute("DELETE FROM grievance_link WHERE kind = 'different_matters'")
    allow_links(*LINKS)
    op.drop_table("impartiality_override")
    op.drop_table("grievance_recusal")
    op.execute("DROP FUNCTION redress_two_override()")

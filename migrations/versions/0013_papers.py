"""Files of documents, decisions that a second person approves, letters as they went out.

Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


# What may not be changed or deleted once it stands, and the name of the refusal: a letter that went
# out, the file of a document, and the words of a decision that was given.
FILE = "OLD.stored_name IS NOT NULL AND (OLD.stored_name, OLD.sha256, OLD.sent_sha256, OLD.size, OLD.media_type) IS DISTINCT FROM (NEW.stored_name, NEW.sha256, NEW.sent_sha256, NEW.size, NEW.media_type)"
WORDS = "OLD.state = 'given' AND (OLD.grievance_id, OLD.subject, OLD.summary, OLD.follows, OLD.how_to_appeal, OLD.drafted_by_id, OLD.state, OLD.given_on, OLD.decided_by_id) IS DISTINCT FROM (NEW.grievance_id, NEW.subject, NEW.summary, NEW.follows, NEW.how_to_appeal, NEW.drafted_by_id, NEW.state, NEW.given_on, NEW.decided_by_id)"
KEPT = (
    ("letter", "UPDATE OR DELETE", "", "is_kept"),
    ("document", "UPDATE", f"WHEN ({FILE})", "file_is_kept"),
    ("decision", "UPDATE", f"WHEN ({WORDS})", "given_is_kept"),
)

# The points of a decision are a part of its words. One that comes as given, as in an import, brings
# its points in the same transaction.
KEEP_POINTS = """
CREATE FUNCTION redress_keep_points() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (
        SELECT FROM decision WHERE state = 'given' AND (TG_OP <> 'INSERT' OR created_at <> now())
        AND id IN (
            CASE WHEN TG_OP <> 'INSERT' THEN OLD.decision_id END,
            CASE WHEN TG_OP <> 'DELETE' THEN NEW.decision_id END)
    ) THEN
        RAISE EXCEPTION 'decision_point refuses %', TG_OP
        USING ERRCODE = 'check_violation', SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME,
            CONSTRAINT = 'ck_decision_point_given_is_kept';
    END IF;
    RETURN NULL;
END $$
"""
STATES = "ck_decision_decisionstate"


# access.guard_statement of Document and Decision, for their new columns.
GUARDS = (
    """SELECT redress_guard('document', $rows$(SELECT redress_sees_all()) OR (EXISTS (SELECT 1 FROM grievance WHERE grievance.id = document.grievance_id AND grievance.responsible_office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))))) OR (EXISTS (SELECT 1 FROM grievance WHERE grievance.id = document.grievance_id AND grievance.respondent_office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[])))))$rows$, NULL, '{stored_name}')""",
    """SELECT redress_guard('decision', $rows$(SELECT redress_sees_all()) OR (EXISTS (SELECT 1 FROM grievance WHERE grievance.id = decision.grievance_id AND grievance.responsible_office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))))) OR (EXISTS (SELECT 1 FROM grievance WHERE grievance.id = decision.grievance_id AND grievance.respondent_office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[])))))$rows$, NULL, '{}')""",
)


def upgrade() -> None:
    op.create_table('letter_template',
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('kind', sa.Enum('acknowledgement', 'answer_to_complainant', 'answer_to_office', name='letterkind', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('language', sa.Enum('english', 'chinese', name='letterlanguage', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('subject', sa.String(length=300), nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.Column('retired_on', sa.Date(), nullable=True),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint("btrim(body) <> ''", name=op.f('ck_letter_template_body_not_blank')),
    sa.CheckConstraint("btrim(name) <> ''", name=op.f('ck_letter_template_name_not_blank')),
    sa.CheckConstraint("btrim(subject) <> ''", name=op.f('ck_letter_template_subject_not_blank')),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_letter_template_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_letter_template_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_letter_template'))
    )
    op.create_index('ix_letter_template_kind_id', 'letter_template', ['kind', 'id'], unique=False)
    op.create_index('ix_letter_template_language_id', 'letter_template', ['language', 'id'], unique=False)
    op.create_index('ix_letter_template_name_id', 'letter_template', ['name', 'id'], unique=False)
    op.create_index('ix_letter_template_pairs', 'letter_template', [sa.literal_column('redress_pairs(lower(name))')], unique=False, postgresql_using='gin')
    op.create_index('ix_letter_template_search', 'letter_template', [sa.literal_column('lower(name)').label('document')], unique=False, postgresql_using='gin', postgresql_ops={'document': 'gin_trgm_ops'})
    op.create_index('uq_letter_template_one_in_use', 'letter_template', ['kind', 'language'], unique=True, postgresql_where=sa.text('retired_on IS NULL'))
    op.create_table('letter',
    sa.Column('grievance_id', sa.BigInteger(), nullable=False),
    sa.Column('decision_id', sa.BigInteger(), nullable=True),
    sa.Column('kind', sa.Enum('acknowledgement', 'answer_to_complainant', 'answer_to_office', name='letterkind', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('language', sa.Enum('english', 'chinese', name='letterlanguage', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('office_id', sa.BigInteger(), nullable=True),
    sa.Column('subject', sa.String(length=300), nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.Column('letter_template_id', sa.BigInteger(), nullable=True),
    sa.Column('document_id', sa.BigInteger(), nullable=False),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint("btrim(body) <> ''", name=op.f('ck_letter_body_not_blank')),
    sa.CheckConstraint("btrim(subject) <> ''", name=op.f('ck_letter_subject_not_blank')),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_letter_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['decision_id'], ['decision.id'], name=op.f('fk_letter_decision_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['document_id'], ['document.id'], name=op.f('fk_letter_document_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['grievance_id'], ['grievance.id'], name=op.f('fk_letter_grievance_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['letter_template_id'], ['letter_template.id'], name=op.f('fk_letter_letter_template_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['office_id'], ['office.id'], name=op.f('fk_letter_office_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_letter_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_letter')),
    sa.UniqueConstraint('document_id', name=op.f('uq_letter_document_id'))
    )
    op.create_index('ix_letter_decision_id_id', 'letter', ['decision_id', 'id'], unique=False)
    op.create_index('ix_letter_document_id_id', 'letter', ['document_id', 'id'], unique=False)
    op.create_index('ix_letter_grievance_id_id', 'letter', ['grievance_id', 'id'], unique=False)
    op.create_index('ix_letter_kind_id', 'letter', ['kind', 'id'], unique=False)
    op.create_index('ix_letter_language_id', 'letter', ['language', 'id'], unique=False)
    op.create_index('ix_letter_letter_template_id_id', 'letter', ['letter_template_id', 'id'], unique=False)
    op.create_index('ix_letter_office_id_id', 'letter', ['office_id', 'id'], unique=False)
    op.create_index('ix_letter_pairs', 'letter', [sa.literal_column('redress_pairs(lower(subject))')], unique=False, postgresql_using='gin')
    op.create_index('ix_letter_search', 'letter', [sa.literal_column('lower(subject)').label('document')], unique=False, postgresql_using='gin', postgresql_ops={'document': 'gin_trgm_ops'})
    op.create_index('ix_letter_subject_id', 'letter', ['subject', 'id'], unique=False)
    op.add_column('decision', sa.Column('follows', sa.Text(), nullable=True))
    op.add_column('decision', sa.Column('how_to_appeal', sa.Text(), nullable=True))
    op.add_column('decision', sa.Column('proposed_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('decision', sa.Column('sent_back_because', sa.Text(), nullable=True))
    op.add_column('document', sa.Column('sent_sha256', sa.String(length=64), nullable=True))
    op.execute("SELECT redress_watch('letter_template', masked => '{}', quiet => '{}', private => false)")
    op.execute("SELECT redress_guard('letter_template', NULL, NULL, '{}')")
    op.execute("SELECT redress_watch('letter', masked => '{}', quiet => '{}', private => false)")
    op.execute("SELECT redress_guard('letter', $rows$(SELECT redress_sees_all()) OR (EXISTS (SELECT 1 FROM grievance WHERE grievance.id = letter.grievance_id AND grievance.responsible_office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))))) OR (EXISTS (SELECT 1 FROM grievance WHERE grievance.id = letter.grievance_id AND grievance.respondent_office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[])))))$rows$, NULL, '{}')")
    op.create_check_constraint("sent_sha256_in_hex", "document", "sent_sha256 ~ '^[0-9a-f]{64}$'")
    op.drop_constraint(STATES, "decision")
    op.create_check_constraint(op.f(STATES), "decision", "state IN ('draft', 'proposed', 'given')")
    op.create_check_constraint("proposed_has_time", "decision", "state <> 'proposed' OR proposed_at IS NOT NULL")
    op.create_check_constraint("approved_by_another", "decision", "decided_by_id <> drafted_by_id")
    keep()
    for guard in GUARDS:
        op.execute(guard)


def keep() -> None:
    for table, verbs, when, refusal in KEPT:
        op.execute(
            f"CREATE TRIGGER redress_{refusal} AFTER {verbs} ON {table} FOR EACH ROW {when}"
            f" EXECUTE FUNCTION redress_refuse('{refusal}')"
        )
    op.execute(KEEP_POINTS)
    op.execute("REVOKE ALL ON FUNCTION redress_keep_points() FROM PUBLIC")
    op.execute(
        "CREATE TRIGGER redress_given_is_kept AFTER INSERT OR UPDATE OR DELETE ON decision_point"
        " FOR EACH ROW EXECUTE FUNCTION redress_keep_points()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER redress_given_is_kept ON decision_point")
    op.execute("DROP FUNCTION redress_keep_points()")
    for table, _verbs, _when, refusal in KEPT:
        op.execute(f"DROP TRIGGER redress_{refusal} ON {table}")
    for name in ("proposed_has_time", "approved_by_another", STATES.removeprefix("ck_decision_")):
        op.drop_constraint(op.f(f"ck_decision_{name}"), "decision")
    # What waits for a second person is a draft again.
    op.execute("UPDATE decision SET state = 'draft' WHERE state = 'proposed'")
    op.create_check_constraint(op.f(STATES), "decision", "state IN ('draft', 'given')")
    op.drop_column('document', 'sent_sha256')
    op.drop_column('decision', 'sent_back_because')
    op.drop_column('decision', 'proposed_at')
    op.drop_column('decision', 'how_to_appeal')
    op.drop_column('decision', 'follows')
    op.drop_table('letter')
    op.drop_table('letter_template')

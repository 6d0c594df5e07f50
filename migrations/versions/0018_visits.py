"""Visits: checklists, what was seen, a sample of closed grievances drawn by lot, papers from a
visit; one without notice is hidden from the office until it begins.

Revises: 0017
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

STATES = "ck_inspection_inspectionstate"

# The file of a paper is neither changed nor exchanged, as that of a document (0013).
FILE = "OLD.stored_name IS NOT NULL AND (OLD.stored_name, OLD.sha256, OLD.sent_sha256, OLD.size, OLD.media_type) IS DISTINCT FROM (NEW.stored_name, NEW.sha256, NEW.sent_sha256, NEW.size, NEW.media_type)"

# access.guard_statement(Inspection), before and now.
BEFORE = """SELECT redress_guard('inspection', $rows$(SELECT redress_sees_all()) OR inspection.office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))) AND (inspection.done_on IS NOT NULL OR (SELECT redress_supervises()))$rows$, NULL, '{}')"""
NOW = """SELECT redress_guard('inspection', $rows$((SELECT redress_sees_all()) OR inspection.office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))) AND (inspection.told_at IS NOT NULL OR (SELECT redress_supervises()))) AND (inspection.told_at IS NOT NULL OR NOT (inspection.office_id = ANY (coalesce((SELECT redress_line()), CAST(ARRAY[]::BIGINT[] AS BIGINT[])))))$rows$, NULL, '{}')"""


def upgrade() -> None:
    op.create_table('checklist_template',
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('purpose', sa.Text(), nullable=True),
    sa.Column('retired_on', sa.Date(), nullable=True),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint("btrim(name) <> ''", name=op.f('ck_checklist_template_name_not_blank')),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_checklist_template_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_checklist_template_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_checklist_template')),
    sa.UniqueConstraint('name', name=op.f('uq_checklist_template_name'))
    )
    op.create_index('ix_checklist_template_name_id', 'checklist_template', ['name', 'id'], unique=False)
    op.create_index('ix_checklist_template_pairs', 'checklist_template', [sa.literal_column('redress_pairs(lower(name))')], unique=False, postgresql_using='gin')
    op.create_index('ix_checklist_template_retired_on_id', 'checklist_template', ['retired_on', 'id'], unique=False)
    op.create_index('ix_checklist_template_search', 'checklist_template', [sa.literal_column('lower(name)').label('document')], unique=False, postgresql_using='gin', postgresql_ops={'document': 'gin_trgm_ops'})
    op.create_table('checklist_question',
    sa.Column('template_id', sa.BigInteger(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('section', sa.String(length=200), nullable=True),
    sa.Column('wording', sa.String(length=500), nullable=False),
    sa.Column('guidance', sa.Text(), nullable=True),
    sa.Column('kind', sa.Enum('yes_partly_or_no', 'words_only', name='answerkind', native_enum=False, create_constraint=True, length=40), server_default='yes_partly_or_no', nullable=False),
    sa.Column('ground', sa.Enum('no_answer_in_time', 'false_record_or_return', 'promise_not_kept', 'notice_ignored', 'refused_to_register', 'breach_of_confidentiality', 'retaliation', 'conflict_of_interest_hidden', name='ground', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint("btrim(wording) <> ''", name=op.f('ck_checklist_question_wording_not_blank')),
    sa.CheckConstraint('position >= 1', name=op.f('ck_checklist_question_position_from_one')),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_checklist_question_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['template_id'], ['checklist_template.id'], name=op.f('fk_checklist_question_template_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_checklist_question_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_checklist_question'))
    )
    op.create_index('ix_checklist_question_ground_id', 'checklist_question', ['ground', 'id'], unique=False)
    op.create_index('ix_checklist_question_kind_id', 'checklist_question', ['kind', 'id'], unique=False)
    op.create_index('ix_checklist_question_pairs', 'checklist_question', [sa.literal_column('redress_pairs(lower(wording))')], unique=False, postgresql_using='gin')
    op.create_index('ix_checklist_question_position_id', 'checklist_question', ['position', 'id'], unique=False)
    op.create_index('ix_checklist_question_search', 'checklist_question', [sa.literal_column('lower(wording)').label('document')], unique=False, postgresql_using='gin', postgresql_ops={'document': 'gin_trgm_ops'})
    op.create_index('ix_checklist_question_section_id', 'checklist_question', ['section', 'id'], unique=False)
    op.create_index('ix_checklist_question_template_id_id', 'checklist_question', ['template_id', 'id'], unique=False)
    op.create_index('ix_checklist_question_wording_id', 'checklist_question', ['wording', 'id'], unique=False)
    op.create_table('inspection_answer',
    sa.Column('inspection_id', sa.BigInteger(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('section', sa.String(length=200), nullable=True),
    sa.Column('wording', sa.String(length=500), nullable=False),
    sa.Column('guidance', sa.Text(), nullable=True),
    sa.Column('kind', sa.Enum('yes_partly_or_no', 'words_only', name='answerkind', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('ground', sa.Enum('no_answer_in_time', 'false_record_or_return', 'promise_not_kept', 'notice_ignored', 'refused_to_register', 'breach_of_confidentiality', 'retaliation', 'conflict_of_interest_hidden', name='ground', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('answer', sa.Enum('yes', 'partly', 'no', 'does_not_apply', name='visitanswer', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('note', sa.Text(), nullable=True),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('answered_by_id', sa.BigInteger(), nullable=True),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint("btrim(wording) <> ''", name=op.f('ck_inspection_answer_wording_not_blank')),
    sa.CheckConstraint('num_nonnulls(answered_at, answered_by_id) IN (0, 2)', name=op.f('ck_inspection_answer_answered_by_whom')),
    sa.CheckConstraint('position >= 1', name=op.f('ck_inspection_answer_position_from_one')),
    sa.ForeignKeyConstraint(['answered_by_id'], ['officer.id'], name=op.f('fk_inspection_answer_answered_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_inspection_answer_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['inspection_id'], ['inspection.id'], name=op.f('fk_inspection_answer_inspection_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_inspection_answer_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_inspection_answer')),
    sa.UniqueConstraint('inspection_id', 'position', name=op.f('uq_inspection_answer_inspection_id_position'))
    )
    op.create_index('ix_inspection_answer_answer_id', 'inspection_answer', ['answer', 'id'], unique=False)
    op.create_index('ix_inspection_answer_answered_at_id', 'inspection_answer', ['answered_at', 'id'], unique=False)
    op.create_index('ix_inspection_answer_answered_by_id_id', 'inspection_answer', ['answered_by_id', 'id'], unique=False)
    op.create_index('ix_inspection_answer_inspection_id_id', 'inspection_answer', ['inspection_id', 'id'], unique=False)
    op.create_index('ix_inspection_answer_pairs', 'inspection_answer', [sa.literal_column('redress_pairs(lower(wording))')], unique=False, postgresql_using='gin')
    op.create_index('ix_inspection_answer_search', 'inspection_answer', [sa.literal_column('lower(wording)').label('document')], unique=False, postgresql_using='gin', postgresql_ops={'document': 'gin_trgm_ops'})
    op.create_index('ix_inspection_answer_wording_id', 'inspection_answer', ['wording', 'id'], unique=False)
    op.create_table('inspection_document',
    sa.Column('inspection_id', sa.BigInteger(), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('media_type', sa.String(length=120), nullable=True),
    sa.Column('size', sa.BigInteger(), nullable=True),
    sa.Column('sha256', sa.String(length=64), nullable=True),
    sa.Column('sent_sha256', sa.String(length=64), nullable=True),
    sa.Column('stored_name', sa.String(length=80), nullable=True),
    sa.CheckConstraint("btrim(name) <> ''", name=op.f('ck_inspection_document_name_not_blank')),
    sa.CheckConstraint("sent_sha256 ~ '^[0-9a-f]{64}$'", name=op.f('ck_inspection_document_sent_sha256_in_hex')),
    sa.CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name=op.f('ck_inspection_document_sha256_in_hex')),
    sa.CheckConstraint('num_nonnulls(stored_name, media_type, size, sha256) IN (0, 4)', name=op.f('ck_inspection_document_stored_whole')),
    sa.CheckConstraint('size >= 0', name=op.f('ck_inspection_document_size_not_negative')),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_inspection_document_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['inspection_id'], ['inspection.id'], name=op.f('fk_inspection_document_inspection_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_inspection_document_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_inspection_document')),
    sa.UniqueConstraint('stored_name', name=op.f('uq_inspection_document_stored_name'))
    )
    op.create_index('ix_inspection_document_inspection_id_id', 'inspection_document', ['inspection_id', 'id'], unique=False)
    op.create_index('ix_inspection_document_name_id', 'inspection_document', ['name', 'id'], unique=False)
    op.create_index('ix_inspection_document_pairs', 'inspection_document', [sa.literal_column('redress_pairs(lower(name))')], unique=False, postgresql_using='gin')
    op.create_index('ix_inspection_document_search', 'inspection_document', [sa.literal_column('lower(name)').label('document')], unique=False, postgresql_using='gin', postgresql_ops={'document': 'gin_trgm_ops'})
    op.create_table('inspection_stratum',
    sa.Column('inspection_id', sa.BigInteger(), nullable=False),
    sa.Column('category_id', sa.BigInteger(), nullable=True),
    sa.Column('was_in_time', sa.Boolean(), nullable=True),
    sa.Column('grievance_ids', postgresql.ARRAY(sa.BigInteger()), nullable=False),
    sa.Column('size', sa.Integer(), sa.Computed('cardinality(grievance_ids)', persisted=True), nullable=False),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint('cardinality(grievance_ids) > 0', name=op.f('ck_inspection_stratum_stratum_not_empty')),
    sa.ForeignKeyConstraint(['category_id'], ['category.id'], name=op.f('fk_inspection_stratum_category_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_inspection_stratum_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['inspection_id'], ['inspection.id'], name=op.f('fk_inspection_stratum_inspection_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_inspection_stratum_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_inspection_stratum')),
    sa.UniqueConstraint('inspection_id', 'category_id', 'was_in_time', name=op.f('uq_inspection_stratum_inspection_id_category_id_was_in_time'), postgresql_nulls_not_distinct=True)
    )
    op.create_index('ix_inspection_stratum_category_id_id', 'inspection_stratum', ['category_id', 'id'], unique=False)
    op.create_index('ix_inspection_stratum_inspection_id_id', 'inspection_stratum', ['inspection_id', 'id'], unique=False)
    op.create_index('ix_inspection_stratum_was_in_time_id', 'inspection_stratum', ['was_in_time', 'id'], unique=False)
    op.create_table('sampled_grievance',
    sa.Column('inspection_id', sa.BigInteger(), nullable=False),
    sa.Column('grievance_id', sa.BigInteger(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('category_id', sa.BigInteger(), nullable=True),
    sa.Column('was_in_time', sa.Boolean(), nullable=True),
    sa.Column('remedied', sa.Enum('remedied', 'partly_remedied', 'not_remedied', 'cannot_be_told', name='remedied', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('note', sa.Text(), nullable=True),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('answered_by_id', sa.BigInteger(), nullable=True),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint('num_nonnulls(answered_at, answered_by_id) IN (0, 2)', name=op.f('ck_sampled_grievance_answered_by_whom')),
    sa.CheckConstraint('position >= 1', name=op.f('ck_sampled_grievance_position_from_one')),
    sa.ForeignKeyConstraint(['answered_by_id'], ['officer.id'], name=op.f('fk_sampled_grievance_answered_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['category_id'], ['category.id'], name=op.f('fk_sampled_grievance_category_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_sampled_grievance_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['grievance_id'], ['grievance.id'], name=op.f('fk_sampled_grievance_grievance_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['inspection_id'], ['inspection.id'], name=op.f('fk_sampled_grievance_inspection_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_sampled_grievance_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sampled_grievance')),
    sa.UniqueConstraint('inspection_id', 'grievance_id', name=op.f('uq_sampled_grievance_inspection_id_grievance_id')),
    sa.UniqueConstraint('inspection_id', 'position', name=op.f('uq_sampled_grievance_inspection_id_position'))
    )
    op.create_index('ix_sampled_grievance_answered_at_id', 'sampled_grievance', ['answered_at', 'id'], unique=False)
    op.create_index('ix_sampled_grievance_answered_by_id_id', 'sampled_grievance', ['answered_by_id', 'id'], unique=False)
    op.create_index('ix_sampled_grievance_category_id_id', 'sampled_grievance', ['category_id', 'id'], unique=False)
    op.create_index('ix_sampled_grievance_grievance_id_id', 'sampled_grievance', ['grievance_id', 'id'], unique=False)
    op.create_index('ix_sampled_grievance_inspection_id_id', 'sampled_grievance', ['inspection_id', 'id'], unique=False)
    op.create_index('ix_sampled_grievance_remedied_id', 'sampled_grievance', ['remedied', 'id'], unique=False)
    op.create_index('ix_sampled_grievance_was_in_time_id', 'sampled_grievance', ['was_in_time', 'id'], unique=False)
    op.add_column('inspection', sa.Column('is_unannounced', sa.Boolean(), server_default=sa.text('false'), nullable=False))
    op.add_column('inspection', sa.Column('template_id', sa.BigInteger(), nullable=True))
    op.add_column('inspection', sa.Column('sample_size', sa.Integer(), server_default='10', nullable=False))
    op.add_column('inspection', sa.Column('sample_since', sa.Date(), nullable=True))
    op.add_column('inspection', sa.Column('begun_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('inspection', sa.Column('sample_seed', sa.String(length=32), nullable=True))
    op.add_column('inspection', sa.Column('told_at', sa.DateTime(timezone=True), sa.Computed("CASE WHEN is_unannounced THEN begun_at ELSE created_at END", persisted=True), nullable=True))
    op.create_index('ix_inspection_begun_at_id', 'inspection', ['begun_at', 'id'], unique=False)
    op.create_index('ix_inspection_is_unannounced_id', 'inspection', ['is_unannounced', 'id'], unique=False)
    op.create_index('ix_inspection_template_id_id', 'inspection', ['template_id', 'id'], unique=False)
    op.create_foreign_key(op.f('fk_inspection_template_id'), 'inspection', 'checklist_template', ['template_id'], ['id'], ondelete='RESTRICT')
    op.execute("SELECT redress_watch('checklist_template', masked => '{}', quiet => '{}', private => false)")
    op.execute("SELECT redress_guard('checklist_template', NULL, NULL, '{}')")
    op.execute("SELECT redress_watch('checklist_question', masked => '{}', quiet => '{}', private => false)")
    op.execute("SELECT redress_guard('checklist_question', NULL, NULL, '{}')")
    op.execute("SELECT redress_watch('inspection_answer', masked => '{}', quiet => '{}', private => false)")
    op.execute("SELECT redress_guard('inspection_answer', $rows$((SELECT redress_sees_all()) OR (EXISTS (SELECT 1 FROM inspection WHERE inspection.id = inspection_answer.inspection_id AND inspection.office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))) AND (inspection.told_at IS NOT NULL OR (SELECT redress_supervises())))) AND ((EXISTS (SELECT 1 FROM inspection WHERE inspection.id = inspection_answer.inspection_id AND inspection.done_on IS NOT NULL)) OR (SELECT redress_supervises()))) AND ((EXISTS (SELECT 1 FROM inspection WHERE inspection.id = inspection_answer.inspection_id AND inspection.done_on IS NOT NULL)) OR (EXISTS (SELECT 1 FROM inspection WHERE inspection.id = inspection_answer.inspection_id AND NOT (inspection.office_id = ANY (coalesce((SELECT redress_line()), CAST(ARRAY[]::BIGINT[] AS BIGINT[])))))))$rows$, NULL, '{}')")
    op.execute("SELECT redress_watch('inspection_stratum', masked => '{grievance_ids}', quiet => '{}', private => false)")
    op.execute("SELECT redress_guard('inspection_stratum', $rows$((SELECT redress_sees_all()) OR (EXISTS (SELECT 1 FROM inspection WHERE inspection.id = inspection_stratum.inspection_id AND inspection.office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))) AND (inspection.told_at IS NOT NULL OR (SELECT redress_supervises())))) AND ((EXISTS (SELECT 1 FROM inspection WHERE inspection.id = inspection_stratum.inspection_id AND inspection.done_on IS NOT NULL)) OR (SELECT redress_supervises()))) AND ((EXISTS (SELECT 1 FROM inspection WHERE inspection.id = inspection_stratum.inspection_id AND inspection.done_on IS NOT NULL)) OR (EXISTS (SELECT 1 FROM inspection WHERE inspection.id = inspection_stratum.inspection_id AND NOT (inspection.office_id = ANY (coalesce((SELECT redress_line()), CAST(ARRAY[]::BIGINT[] AS BIGINT[])))))))$rows$, NULL, '{grievance_ids}')")
    op.execute("SELECT redress_watch('sampled_grievance', masked => '{}', quiet => '{}', private => false)")
    op.execute("SELECT redress_guard('sampled_grievance', $rows$((SELECT redress_sees_all()) OR (EXISTS (SELECT 1 FROM inspection WHERE inspection.id = sampled_grievance.inspection_id AND inspection.office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))) AND (inspection.told_at IS NOT NULL OR (SELECT redress_supervises())))) AND ((EXISTS (SELECT 1 FROM inspection WHERE inspection.id = sampled_grievance.inspection_id AND inspection.done_on IS NOT NULL)) OR (SELECT redress_supervises()))) AND ((EXISTS (SELECT 1 FROM inspection WHERE inspection.id = sampled_grievance.inspection_id AND inspection.done_on IS NOT NULL)) OR (EXISTS (SELECT 1 FROM inspection WHERE inspection.id = sampled_grievance.inspection_id AND NOT (inspection.office_id = ANY (coalesce((SELECT redress_line()), CAST(ARRAY[]::BIGINT[] AS BIGINT[])))))))$rows$, NULL, '{}')")
    op.execute("SELECT redress_watch('inspection_document', masked => '{stored_name}', quiet => '{}', private => false)")
    op.execute("SELECT redress_guard('inspection_document', $rows$((SELECT redress_sees_all()) OR (EXISTS (SELECT 1 FROM inspection WHERE inspection.id = inspection_document.inspection_id AND inspection.office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))) AND (inspection.told_at IS NOT NULL OR (SELECT redress_supervises())))) AND ((EXISTS (SELECT 1 FROM inspection WHERE inspection.id = inspection_document.inspection_id AND inspection.done_on IS NOT NULL)) OR (SELECT redress_supervises()))) AND ((EXISTS (SELECT 1 FROM inspection WHERE inspection.id = inspection_document.inspection_id AND inspection.done_on IS NOT NULL)) OR (EXISTS (SELECT 1 FROM inspection WHERE inspection.id = inspection_document.inspection_id AND NOT (inspection.office_id = ANY (coalesce((SELECT redress_line()), CAST(ARRAY[]::BIGINT[] AS BIGINT[])))))))$rows$, NULL, '{stored_name}')")
    op.drop_constraint(STATES, "inspection")
    op.create_check_constraint(
        op.f(STATES), "inspection", "state IN ('planned', 'under_way', 'done', 'cancelled')"
    )
    op.create_check_constraint(
        "begun_has_time",
        "inspection",
        "begun_at IS NOT NULL OR (state <> 'under_way' AND NOT (state = 'done' AND is_unannounced))",
    )
    op.create_check_constraint(
        "planned_not_begun", "inspection", "state <> 'planned' OR begun_at IS NULL"
    )
    op.create_check_constraint(
        "sample_of_up_to_100", "inspection", "sample_size BETWEEN 0 AND 100"
    )
    op.create_check_constraint("sample_from_before", "inspection", "sample_since <= planned_on")
    op.create_check_constraint("seed_in_hex", "inspection", "sample_seed ~ '^[0-9a-f]{32}$'")
    op.execute(
        "CREATE TRIGGER redress_file_is_kept AFTER UPDATE ON inspection_document FOR EACH ROW"
        f" WHEN ({FILE}) EXECUTE FUNCTION redress_refuse('file_is_kept')"
    )
    op.execute(NOW)


def downgrade() -> None:
    for table in (
        "inspection_answer",
        "inspection_stratum",
        "sampled_grievance",
        "inspection_document",
    ):
        op.drop_table(table)
    op.execute(BEFORE)
    for name in (
        "begun_has_time",
        "planned_not_begun",
        "sample_of_up_to_100",
        "sample_from_before",
        "seed_in_hex",
    ):
        op.drop_constraint(op.f(f"ck_inspection_{name}"), "inspection")
    op.drop_constraint(op.f(STATES), "inspection")
    # A visit that is under way is one that is still to be written up.
    op.execute("UPDATE inspection SET state = 'planned' WHERE state = 'under_way'")
    op.create_check_constraint(
        op.f(STATES), "inspection", "state IN ('planned', 'done', 'cancelled')"
    )
    for column in (
        "told_at",
        "sample_seed",
        "begun_at",
        "sample_since",
        "sample_size",
        "template_id",
        "is_unannounced",
    ):
        op.drop_column("inspection", column)
    op.drop_table("checklist_question")
    op.drop_table("checklist_template")

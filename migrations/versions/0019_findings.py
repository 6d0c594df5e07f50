"""Findings with a life of their own: who was told, what the office committed itself to, and who
saw it done; postponements that were asked for. Notices with a number from a series, more time and
their papers; messages about both.

A finding that was written before stands as the offices saw it: told on its day. What shows a
failure of duty waits for a reply without a date; the others ask nothing.

Revises: 0018
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

COLUMNS = {
    "group_id": sa.BigInteger(),
    "category_id": sa.BigInteger(),
    "severity": sa.String(40),
    "root_cause": sa.String(40),
    "state": sa.String(40),
    "notified_on": sa.Date(),
    "reply_due_on": sa.Date(),
    "received_on": sa.Date(),
    "received_by_id": sa.BigInteger(),
    "reply": sa.Text(),
    "replied_on": sa.Date(),
    "replied_by_id": sa.BigInteger(),
    "due_on": sa.Date(),
    "first_due_on": sa.Date(),
    "claim": sa.Text(),
    "claimed_on": sa.Date(),
    "claimed_by_id": sa.BigInteger(),
    "verdict": sa.Text(),
    "verified_on": sa.Date(),
    "verified_by_id": sa.BigInteger(),
    "sent_back_on": sa.Date(),
    "sent_back_by_id": sa.BigInteger(),
    "sent_back_because": sa.Text(),
    "times_sent_back": sa.Integer(),
    "closed_on": sa.Date(),
    "closed_because": sa.Text(),
    "repeats_id": sa.BigInteger(),
    "reference": sa.String(80),
}
REFERS = {
    "category_id": "category",
    "claimed_by_id": "officer",
    "group_id": "supervision_group",
    "received_by_id": "officer",
    "repeats_id": "finding",
    "replied_by_id": "officer",
    "sent_back_by_id": "officer",
    "verified_by_id": "officer",
}
CHECKS = {
    "claim_whole": "num_nonnulls(claimed_on, claimed_by_id, claim) IN (0, 3)",
    "claimed_has_day": "state = 'closed' OR (state IN ('claimed', 'verified')) = (claimed_on IS NOT NULL)",
    "closed_has_day": "(state = 'closed') = (closed_on IS NOT NULL)",
    "days_in_order": "received_on >= notified_on AND replied_on >= received_on AND first_due_on >= replied_on AND claimed_on >= replied_on AND verified_on >= claimed_on AND closed_on >= notified_on",
    "draft_awaits_nothing": "state <> 'draft' OR received_on IS NULL",
    "findingseverity": "severity IN ('grave', 'serious', 'minor', 'put_right', 'in_order', 'outside')",
    "findingstate": "state IN ('draft', 'notified', 'received', 'replied', 'under_way', 'claimed', 'verified', 'closed')",
    "ground_of_a_failure": "ground IS NULL OR severity NOT IN ('in_order', 'outside')",
    "notified_has_day": "(state = 'draft') = (notified_on IS NULL)",
    "postponed_forwards": "due_on >= first_due_on",
    "received_by_whom": "num_nonnulls(received_on, received_by_id) IN (0, 2)",
    "received_has_day": "state NOT IN ('received', 'replied', 'under_way', 'claimed', 'verified') OR received_on IS NOT NULL",
    "repeats_another": "repeats_id <> id",
    "replied_has_day": "state = 'closed' OR (state IN ('replied', 'under_way', 'claimed', 'verified')) = (replied_on IS NOT NULL)",
    "reply_whole": "num_nonnulls(replied_on, replied_by_id, reply, due_on, first_due_on) IN (0, 5)",
    "rootcause": "root_cause IN ('no_procedure', 'procedure_not_followed', 'not_trained', 'too_few_staff', 'unclear_who_answers', 'no_oversight', 'systems_or_records', 'waited_for_another_office', 'no_money')",
    "sent_back_with_reason": "num_nonnulls(sent_back_on, sent_back_by_id, sent_back_because) IN (0, 3)",
    "times_not_negative": "times_sent_back >= 0",
    "verdict_whole": "num_nonnulls(verified_on, verified_by_id, verdict) IN (0, 3)",
    "verified_by_another": "verified_by_id <> claimed_by_id",
    "verified_has_day": "(state = 'verified') = (verified_on IS NOT NULL)",
}
INDEXED = (
    "category_id",
    "claimed_by_id",
    "due_on",
    "group_id",
    "notified_on",
    "received_by_id",
    "reference",
    "repeats_id",
    "replied_by_id",
    "reply_due_on",
    "root_cause",
    "sent_back_by_id",
    "severity",
    "state",
    "verified_by_id",
)
SEARCHED = "lower((subject || ' ') || CASE WHEN (reference IS NOT NULL) THEN reference ELSE '' END)"
SEARCHED_BEFORE = "lower(coalesce(subject, ''))"

# access.guard_statement(Finding), before and now: an office does not see a draft.
BEFORE = """SELECT redress_guard('finding', $rows$(SELECT redress_sees_all()) OR finding.office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[])))$rows$, NULL, '{}')"""
NOW = """SELECT redress_guard('finding', $rows$(SELECT redress_sees_all()) OR finding.office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))) AND (finding.notified_on IS NOT NULL OR (SELECT redress_supervises()))$rows$, NULL, '{}')"""

# The same of SupervisionNotice and Message, for their new columns.
GUARDS = (
    """SELECT redress_guard('supervision_notice', $rows$(SELECT redress_sees_all()) OR supervision_notice.office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))) AND (supervision_notice.issued_on IS NOT NULL OR (SELECT redress_supervises()))$rows$, NULL, '{}')""",
    """SELECT redress_guard('message', $rows$(SELECT redress_reads_trail()) OR message.officer_id = (SELECT redress_officer())$rows$, $rows$message.officer_id = (SELECT redress_officer()) OR (SELECT redress_officer()) = 0$rows$, '{}')""",
)
ADDED_TO_NOTICES = ("number_series_id", "number_in_series", "first_reply_due_on", "issued_by_id", "closed_by_id", "closed_because")
CHECKS_OF_NOTICES = {
    "numbered_in_series": "num_nonnulls(number_series_id, number_in_series) IN (0, 2)",
    "closed_with_reason": "num_nonnulls(closed_by_id, closed_because) IN (0, 2)",
    "closed_by_another": "closed_by_id <> replied_by_id",
    "postponed_forwards": "reply_due_on >= first_reply_due_on",
}
# What was issued stays as it was issued: its papers say so.
WORDS = "OLD.issued_on IS NOT NULL AND (OLD.office_id, OLD.group_id, OLD.finding_id, OLD.grievance_id, OLD.number, OLD.subject, OLD.demand, OLD.issued_on) IS DISTINCT FROM (NEW.office_id, NEW.group_id, NEW.finding_id, NEW.grievance_id, NEW.number, NEW.subject, NEW.demand, NEW.issued_on)"


def upgrade() -> None:
    for name, kind in COLUMNS.items():
        op.add_column("finding", sa.Column(name, kind, nullable=True))
    op.execute("ALTER TABLE finding DISABLE TRIGGER USER")
    op.execute(
        "UPDATE finding SET notified_on = found_on, times_sent_back = 0,"
        " severity = CASE WHEN ground IS NULL THEN 'in_order' ELSE 'serious' END,"
        " state = CASE WHEN ground IS NULL THEN 'closed' ELSE 'notified' END,"
        " closed_on = CASE WHEN ground IS NULL THEN found_on END"
    )
    op.execute("ALTER TABLE finding ENABLE TRIGGER USER")
    for name, default in {"severity": None, "state": "draft", "times_sent_back": "0"}.items():
        op.alter_column("finding", name, nullable=False, server_default=default)
    for column, target in REFERS.items():
        op.create_foreign_key(
            op.f(f"fk_finding_{column}"), "finding", target, [column], ["id"], ondelete="RESTRICT"
        )
    for name, says in CHECKS.items():
        op.create_check_constraint(op.f(f"ck_finding_{name}"), "finding", says)
    op.create_unique_constraint(
        op.f("uq_finding_office_id_reference"), "finding", ["office_id", "reference"]
    )
    for column in INDEXED:
        op.create_index(f"ix_finding_{column}_id", "finding", [column, "id"])
    op.create_index(
        "ix_finding_owed",
        "finding",
        [sa.literal_column("coalesce(due_on, reply_due_on)"), "id"],
        postgresql_where=sa.text("state IN ('notified', 'received', 'under_way')"),
    )
    _search(SEARCHED)
    _make_postponements()
    op.execute(NOW)
    _make_notices()
    _make_messages()
    for guard in GUARDS:
        op.execute(guard)


def downgrade() -> None:
    op.execute("DELETE FROM message WHERE grievance_id IS NULL")
    for name in ("finding_id", "notice_id"):
        op.execute(f"ALTER TABLE message DROP COLUMN {name} CASCADE")
    op.alter_column("message", "grievance_id", nullable=False)
    for table in ("finding_alarm", "notice_alarm", "notice_extension", "notice_paper"):
        op.drop_table(table)
    op.execute("DROP TRIGGER redress_issued_is_kept ON supervision_notice")
    op.drop_index("ix_supervision_notice_open", "supervision_notice")
    for name in ADDED_TO_NOTICES:
        op.execute(f"ALTER TABLE supervision_notice DROP COLUMN {name} CASCADE")
    op.drop_table("finding_postponement")
    op.execute(BEFORE)
    _search(SEARCHED_BEFORE)
    for name in COLUMNS:
        op.execute(f"ALTER TABLE finding DROP COLUMN {name} CASCADE")


def _search(document: str) -> None:
    op.execute("DROP INDEX ix_finding_search, ix_finding_pairs")
    op.execute(f"CREATE INDEX ix_finding_search ON finding USING gin ({document} gin_trgm_ops)")
    op.execute(f"CREATE INDEX ix_finding_pairs ON finding USING gin (redress_pairs({document}))")


def _make_postponements() -> None:
    op.create_table('finding_postponement',
    sa.Column('finding_id', sa.BigInteger(), nullable=False),
    sa.Column('from_on', sa.Date(), nullable=False),
    sa.Column('to_on', sa.Date(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('asked_on', sa.Date(), nullable=False),
    sa.Column('state', sa.Enum('asked', 'granted', 'refused', name='requeststate', native_enum=False, create_constraint=True, length=40), server_default='asked', nullable=False),
    sa.Column('decided_on', sa.Date(), nullable=True),
    sa.Column('decision_reasons', sa.Text(), nullable=True),
    sa.Column('asked_by_id', sa.BigInteger(), nullable=False),
    sa.Column('granted_by_id', sa.BigInteger(), nullable=True),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint("(state = 'asked') = (decided_on IS NULL)", name=op.f('ck_finding_postponement_decided_has_day')),
    sa.CheckConstraint("btrim(reason) <> ''", name=op.f('ck_finding_postponement_reason_not_blank')),
    sa.CheckConstraint('decided_on >= asked_on', name=op.f('ck_finding_postponement_decided_after_asking')),
    sa.CheckConstraint('granted_by_id <> asked_by_id', name=op.f('ck_finding_postponement_decided_by_another')),
    sa.CheckConstraint('num_nonnulls(decided_on, granted_by_id, decision_reasons) IN (0, 3)', name=op.f('ck_finding_postponement_decided_by_whom')),
    sa.CheckConstraint('to_on > from_on', name=op.f('ck_finding_postponement_asks_for_later')),
    sa.ForeignKeyConstraint(['asked_by_id'], ['officer.id'], name=op.f('fk_finding_postponement_asked_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_finding_postponement_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['finding_id'], ['finding.id'], name=op.f('fk_finding_postponement_finding_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['granted_by_id'], ['officer.id'], name=op.f('fk_finding_postponement_granted_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_finding_postponement_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_finding_postponement'))
    )
    op.create_index('ix_finding_postponement_asked_by_id_id', 'finding_postponement', ['asked_by_id', 'id'], unique=False)
    op.create_index('ix_finding_postponement_asked_on_id', 'finding_postponement', ['asked_on', 'id'], unique=False)
    op.create_index('ix_finding_postponement_decided_on_id', 'finding_postponement', ['decided_on', 'id'], unique=False)
    op.create_index('ix_finding_postponement_finding_id_id', 'finding_postponement', ['finding_id', 'id'], unique=False)
    op.create_index('ix_finding_postponement_from_on_id', 'finding_postponement', ['from_on', 'id'], unique=False)
    op.create_index('ix_finding_postponement_granted_by_id_id', 'finding_postponement', ['granted_by_id', 'id'], unique=False)
    op.create_index('ix_finding_postponement_state_id', 'finding_postponement', ['state', 'id'], unique=False)
    op.create_index('ix_finding_postponement_to_on_id', 'finding_postponement', ['to_on', 'id'], unique=False)
    op.create_index('uq_finding_postponement_one_open', 'finding_postponement', ['finding_id'], unique=True, postgresql_where=sa.text("state = 'asked'"))
    op.execute("SELECT redress_watch('finding_postponement', masked => '{}', quiet => '{}', private => false)")
    op.execute("SELECT redress_guard('finding_postponement', $rows$(SELECT redress_sees_all()) OR (EXISTS (SELECT 1 FROM finding WHERE finding.id = finding_postponement.finding_id AND finding.office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))) AND (finding.notified_on IS NOT NULL OR (SELECT redress_supervises()))))$rows$, NULL, '{}')")


def _make_notices() -> None:
    op.add_column('supervision_notice', sa.Column('number_series_id', sa.BigInteger(), nullable=True))
    op.add_column('supervision_notice', sa.Column('number_in_series', sa.Integer(), nullable=True))
    op.add_column('supervision_notice', sa.Column('first_reply_due_on', sa.Date(), nullable=True))
    op.add_column('supervision_notice', sa.Column('issued_by_id', sa.BigInteger(), nullable=True))
    op.add_column('supervision_notice', sa.Column('closed_by_id', sa.BigInteger(), nullable=True))
    op.add_column('supervision_notice', sa.Column('closed_because', sa.Text(), nullable=True))
    op.create_index('ix_supervision_notice_closed_by_id_id', 'supervision_notice', ['closed_by_id', 'id'], unique=False)
    op.create_index('ix_supervision_notice_issued_by_id_id', 'supervision_notice', ['issued_by_id', 'id'], unique=False)
    op.create_index('ix_supervision_notice_number_series_id_id', 'supervision_notice', ['number_series_id', 'id'], unique=False)
    op.create_index('ix_supervision_notice_open', 'supervision_notice', ['reply_due_on', 'id'], unique=False, postgresql_where=sa.text("state = 'issued'"))
    op.create_unique_constraint(op.f('uq_supervision_notice_number_series_id_number_in_series'), 'supervision_notice', ['number_series_id', 'number_in_series'])
    op.create_foreign_key(op.f('fk_supervision_notice_number_series_id'), 'supervision_notice', 'number_series', ['number_series_id'], ['id'], ondelete='RESTRICT')
    op.create_foreign_key(op.f('fk_supervision_notice_closed_by_id'), 'supervision_notice', 'officer', ['closed_by_id'], ['id'], ondelete='RESTRICT')
    op.create_foreign_key(op.f('fk_supervision_notice_issued_by_id'), 'supervision_notice', 'officer', ['issued_by_id'], ['id'], ondelete='RESTRICT')
    for name, says in CHECKS_OF_NOTICES.items():
        op.create_check_constraint(
            op.f(f"ck_supervision_notice_{name}"), "supervision_notice", says
        )
    op.execute(
        "CREATE TRIGGER redress_issued_is_kept BEFORE UPDATE ON supervision_notice FOR EACH ROW"
        f" WHEN ({WORDS}) EXECUTE FUNCTION redress_refuse('issued_is_kept')"
    )
    op.create_table('notice_extension',
    sa.Column('notice_id', sa.BigInteger(), nullable=False),
    sa.Column('from_on', sa.Date(), nullable=False),
    sa.Column('to_on', sa.Date(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('asked_on', sa.Date(), nullable=False),
    sa.Column('state', sa.Enum('asked', 'granted', 'refused', name='requeststate', native_enum=False, create_constraint=True, length=40), server_default='asked', nullable=False),
    sa.Column('decided_on', sa.Date(), nullable=True),
    sa.Column('decision_reasons', sa.Text(), nullable=True),
    sa.Column('asked_by_id', sa.BigInteger(), nullable=False),
    sa.Column('granted_by_id', sa.BigInteger(), nullable=True),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint("(state = 'asked') = (decided_on IS NULL)", name=op.f('ck_notice_extension_decided_has_day')),
    sa.CheckConstraint("btrim(reason) <> ''", name=op.f('ck_notice_extension_reason_not_blank')),
    sa.CheckConstraint('decided_on >= asked_on', name=op.f('ck_notice_extension_decided_after_asking')),
    sa.CheckConstraint('granted_by_id <> asked_by_id', name=op.f('ck_notice_extension_decided_by_another')),
    sa.CheckConstraint('num_nonnulls(decided_on, granted_by_id, decision_reasons) IN (0, 3)', name=op.f('ck_notice_extension_decided_by_whom')),
    sa.CheckConstraint('to_on > from_on', name=op.f('ck_notice_extension_asks_for_later')),
    sa.ForeignKeyConstraint(['asked_by_id'], ['officer.id'], name=op.f('fk_notice_extension_asked_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_notice_extension_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['granted_by_id'], ['officer.id'], name=op.f('fk_notice_extension_granted_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['notice_id'], ['supervision_notice.id'], name=op.f('fk_notice_extension_notice_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_notice_extension_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_notice_extension'))
    )
    op.create_index('ix_notice_extension_asked_by_id_id', 'notice_extension', ['asked_by_id', 'id'], unique=False)
    op.create_index('ix_notice_extension_asked_on_id', 'notice_extension', ['asked_on', 'id'], unique=False)
    op.create_index('ix_notice_extension_decided_on_id', 'notice_extension', ['decided_on', 'id'], unique=False)
    op.create_index('ix_notice_extension_from_on_id', 'notice_extension', ['from_on', 'id'], unique=False)
    op.create_index('ix_notice_extension_granted_by_id_id', 'notice_extension', ['granted_by_id', 'id'], unique=False)
    op.create_index('ix_notice_extension_notice_id_id', 'notice_extension', ['notice_id', 'id'], unique=False)
    op.create_index('ix_notice_extension_state_id', 'notice_extension', ['state', 'id'], unique=False)
    op.create_index('ix_notice_extension_to_on_id', 'notice_extension', ['to_on', 'id'], unique=False)
    op.create_index('uq_notice_extension_one_open', 'notice_extension', ['notice_id'], unique=True, postgresql_where=sa.text("state = 'asked'"))
    op.create_table('notice_paper',
    sa.Column('notice_id', sa.BigInteger(), nullable=False),
    sa.Column('language', sa.Enum('english', 'chinese', name='letterlanguage', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('size', sa.BigInteger(), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('stored_name', sa.String(length=80), nullable=False),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint("btrim(sha256) <> ''", name=op.f('ck_notice_paper_sha256_not_blank')),
    sa.CheckConstraint("btrim(stored_name) <> ''", name=op.f('ck_notice_paper_stored_name_not_blank')),
    sa.CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name=op.f('ck_notice_paper_sha256_in_hex')),
    sa.CheckConstraint('size >= 0', name=op.f('ck_notice_paper_size_not_negative')),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_notice_paper_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['notice_id'], ['supervision_notice.id'], name=op.f('fk_notice_paper_notice_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_notice_paper_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_notice_paper')),
    sa.UniqueConstraint('notice_id', 'language', name=op.f('uq_notice_paper_notice_id_language')),
    sa.UniqueConstraint('stored_name', name=op.f('uq_notice_paper_stored_name'))
    )
    op.create_index('ix_notice_paper_language_id', 'notice_paper', ['language', 'id'], unique=False)
    op.create_index('ix_notice_paper_notice_id_id', 'notice_paper', ['notice_id', 'id'], unique=False)
    op.execute("SELECT redress_watch('notice_extension', masked => '{}', quiet => '{}', private => false)")
    op.execute("SELECT redress_guard('notice_extension', $rows$(SELECT redress_sees_all()) OR (EXISTS (SELECT 1 FROM supervision_notice WHERE supervision_notice.id = notice_extension.notice_id AND supervision_notice.office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))) AND (supervision_notice.issued_on IS NOT NULL OR (SELECT redress_supervises()))))$rows$, NULL, '{}')")
    op.execute("SELECT redress_watch('notice_paper', masked => '{stored_name}', quiet => '{}', private => false)")
    op.execute("SELECT redress_guard('notice_paper', $rows$(SELECT redress_sees_all()) OR (EXISTS (SELECT 1 FROM supervision_notice WHERE supervision_notice.id = notice_paper.notice_id AND supervision_notice.office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))) AND (supervision_notice.issued_on IS NOT NULL OR (SELECT redress_supervises()))))$rows$, NULL, '{stored_name}')")
    op.execute(
        "CREATE TRIGGER redress_is_kept BEFORE UPDATE OR DELETE ON notice_paper"
        " FOR EACH ROW EXECUTE FUNCTION redress_refuse('is_kept')"
    )


def _make_messages() -> None:
    op.add_column('message', sa.Column('finding_id', sa.BigInteger(), nullable=True))
    op.add_column('message', sa.Column('notice_id', sa.BigInteger(), nullable=True))
    op.alter_column('message', 'grievance_id',
               existing_type=sa.BIGINT(),
               nullable=True)
    op.create_index('ix_message_finding_id_id', 'message', ['finding_id', 'id'], unique=False)
    op.create_index('ix_message_notice_id_id', 'message', ['notice_id', 'id'], unique=False)
    op.create_foreign_key(op.f('fk_message_notice_id'), 'message', 'supervision_notice', ['notice_id'], ['id'], ondelete='CASCADE')
    op.create_foreign_key(op.f('fk_message_finding_id'), 'message', 'finding', ['finding_id'], ['id'], ondelete='CASCADE')
    op.create_check_constraint(
        op.f("ck_message_about_one"),
        "message",
        "num_nonnulls(grievance_id, finding_id, notice_id) = 1",
    )
    op.create_table("finding_alarm", *_alarms("finding", "finding"))
    op.create_table("notice_alarm", *_alarms("notice", "supervision_notice"))
    for table in ("finding_alarm", "notice_alarm"):
        op.execute(f"REVOKE ALL ON {table} FROM PUBLIC, redress_app, redress_reader")
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO redress_app")


def _alarms(what: str, of: str) -> list[sa.schema.SchemaItem]:
    """What a table of alarms is made of: each is raised once for a due time. The system alone
    sees it."""
    table = f"{what}_alarm"
    return [
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(f"{what}_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(20), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "raised_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            [f"{what}_id"], [f"{of}.id"], name=op.f(f"fk_{table}_{what}_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint(
            f"{what}_id", "name", "due_at", name=op.f(f"uq_{table}_{what}_id_name_due_at")
        ),
    ]

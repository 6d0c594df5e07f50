"""Messages to officers and offices, mails, and the queue of jobs that writes and sends them.

Revises: 0010
"""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0010"
branch_labels = None
depends_on = None

QUEUE = Path(__file__).resolve().parent.parent / "procrastinate-3.10.0.sql"

# How many messages an officer has not read, up to 100: asked together with the log-in, before it
# is known who asks. It tells a number and nothing else.
UNREAD = """
CREATE FUNCTION redress_unread(whose bigint) RETURNS integer
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT count(*)::integer FROM (
        SELECT FROM message WHERE officer_id = whose AND read_at IS NULL LIMIT 100) AS few
$$
"""


def upgrade() -> None:
    make_messages()
    op.execute("SELECT redress_guard('office', NULL, NULL, '{}')")  # its new column, for reports
    op.execute(UNREAD)
    op.execute("REVOKE ALL ON FUNCTION redress_unread(bigint) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION redress_unread(bigint) TO redress_app")
    make_queue()


def make_queue() -> None:
    """Give procrastinate its tables, in a schema of their own. They hold names of tasks and times
    and nothing of a case, so that no condition stands before their rows."""
    op.execute("CREATE SCHEMA redress_jobs")
    op.execute("SET LOCAL search_path = redress_jobs, pg_catalog")
    # As it is: the driver would take its per cent signs for places.
    with op.get_bind().connection.cursor() as cursor:
        cursor.execute(QUEUE.read_text(encoding="utf-8"))
    op.execute("SET LOCAL search_path = public, pg_catalog")
    op.execute("GRANT USAGE ON SCHEMA redress_jobs TO redress_app")
    op.execute(
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA redress_jobs TO redress_app"
    )
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA redress_jobs TO redress_app")


def make_messages() -> None:
    op.create_table('mail',
    sa.Column('officer_id', sa.BigInteger(), nullable=True),
    sa.Column('office_id', sa.BigInteger(), nullable=True),
    sa.Column('state', sa.Enum('waiting', 'being_handed_over', 'sent', 'not_taken', 'uncertain', name='mailstate', native_enum=False, create_constraint=True, length=40), server_default='waiting', nullable=False),
    sa.Column('reference', sa.String(length=80), server_default=sa.text('gen_random_uuid()::text'), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('next_try_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('tries', sa.Integer(), server_default='0', nullable=False),
    sa.Column('handed_over_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('failure', sa.String(length=300), nullable=True),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name=op.f('ck_mail_sent_has_time')),
    sa.CheckConstraint("btrim(reference) <> ''", name=op.f('ck_mail_reference_not_blank')),
    sa.CheckConstraint("state NOT IN ('being_handed_over', 'sent', 'uncertain') OR handed_over_at IS NOT NULL", name=op.f('ck_mail_handed_over_has_time')),
    sa.CheckConstraint('num_nonnulls(officer_id, office_id) = 1', name=op.f('ck_mail_to_one')),
    sa.CheckConstraint('tries >= 0', name=op.f('ck_mail_tries_not_negative')),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_mail_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['office_id'], ['office.id'], name=op.f('fk_mail_office_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['officer_id'], ['officer.id'], name=op.f('fk_mail_officer_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_mail_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_mail')),
    sa.UniqueConstraint('reference', name=op.f('uq_mail_reference'))
    )
    op.create_index('ix_mail_made_at_id', 'mail', ['made_at', 'id'], unique=False)
    op.create_index('ix_mail_office_id_id', 'mail', ['office_id', 'id'], unique=False)
    op.create_index('ix_mail_officer_id_id', 'mail', ['officer_id', 'id'], unique=False)
    op.create_index('ix_mail_sent_at_id', 'mail', ['sent_at', 'id'], unique=False)
    op.create_index('ix_mail_state_id', 'mail', ['state', 'id'], unique=False)
    op.create_index('ix_mail_under_way', 'mail', ['handed_over_at'], unique=False, postgresql_where=sa.text("state = 'being_handed_over'"))
    op.create_index('ix_mail_waits', 'mail', ['next_try_at', 'id'], unique=False, postgresql_where=sa.text("state = 'waiting'"))
    op.create_table('message',
    sa.Column('officer_id', sa.BigInteger(), nullable=True),
    sa.Column('office_id', sa.BigInteger(), nullable=True),
    sa.Column('grievance_id', sa.BigInteger(), nullable=False),
    sa.Column('kind', sa.Enum('time_ends_soon', 'time_has_ended', 'still_not_done', 'lead_official_needed', name='messagekind', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('stage', sa.Enum('acknowledge', 'object', 'decide', 'extend', 'ask_review', 'review', name='clockstage', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('told_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('read_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('by_mail', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('mail_id', sa.BigInteger(), nullable=True),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint('mail_id IS NULL OR by_mail', name=op.f('ck_message_mailed_if_wanted')),
    sa.CheckConstraint('num_nonnulls(officer_id, office_id) = 1', name=op.f('ck_message_to_one')),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_message_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['grievance_id'], ['grievance.id'], name=op.f('fk_message_grievance_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['mail_id'], ['mail.id'], name=op.f('fk_message_mail_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['office_id'], ['office.id'], name=op.f('fk_message_office_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['officer_id'], ['officer.id'], name=op.f('fk_message_officer_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_message_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_message'))
    )
    op.create_index('ix_message_due_at_id', 'message', ['due_at', 'id'], unique=False)
    op.create_index('ix_message_grievance_id_id', 'message', ['grievance_id', 'id'], unique=False)
    op.create_index('ix_message_kind_id', 'message', ['kind', 'id'], unique=False)
    op.create_index('ix_message_mail_id_id', 'message', ['mail_id', 'id'], unique=False)
    op.create_index('ix_message_office_id_id', 'message', ['office_id', 'id'], unique=False)
    op.create_index('ix_message_officer_id_id', 'message', ['officer_id', 'id'], unique=False)
    op.create_index('ix_message_read_at_id', 'message', ['read_at', 'id'], unique=False)
    op.create_index('ix_message_stage_id', 'message', ['stage', 'id'], unique=False)
    op.create_index('ix_message_to_mail', 'message', ['officer_id', 'office_id', 'id'], unique=False, postgresql_where=sa.text('by_mail AND mail_id IS NULL'))
    op.create_index('ix_message_told_at_id', 'message', ['told_at', 'id'], unique=False)
    op.create_index('ix_message_unread', 'message', ['officer_id', 'id'], unique=False, postgresql_where=sa.text('read_at IS NULL'))
    op.add_column('office', sa.Column('email', sa.String(length=200), nullable=True))
    op.execute("SELECT redress_watch('mail', masked => '{}', quiet => '{next_try_at,tries}', private => false)")
    op.execute("SELECT redress_guard('mail', $rows$(SELECT redress_reads_trail()) OR mail.officer_id = (SELECT redress_officer())$rows$, $rows$mail.officer_id = (SELECT redress_officer()) OR (SELECT redress_officer()) = 0$rows$, '{}')")
    op.execute("SELECT redress_watch('message', masked => '{}', quiet => '{read_at,mail_id}', private => false)")
    op.execute("SELECT redress_guard('message', $rows$(SELECT redress_reads_trail()) OR message.officer_id = (SELECT redress_officer())$rows$, $rows$message.officer_id = (SELECT redress_officer()) OR (SELECT redress_officer()) = 0$rows$, '{}')")


def downgrade() -> None:
    op.execute("DROP SCHEMA redress_jobs CASCADE")
    op.execute("DROP FUNCTION redress_unread(bigint)")
    op.drop_table("message")
    op.drop_table("mail")
    op.drop_column("office", "email")
    op.execute("SELECT redress_guard('office', NULL, NULL, '{}')")

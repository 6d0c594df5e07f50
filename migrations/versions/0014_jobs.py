"""Messages to officers and offices, mails, and the queue of jobs that writes and sends them.

Revises: 0013
"""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
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


# A clock whose time lapses, without anybody being late, is not looked at.
WATCH = """
CREATE FUNCTION redress_watch_clock() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NEW.stopped_at IS NULL AND NEW.due_at IS NOT NULL
        AND NEW.stage NOT IN ('object', 'ask_review')
    THEN
        INSERT INTO clock_look (clock_id, looks_at) VALUES (NEW.id, 'epoch')
        ON CONFLICT (clock_id) DO UPDATE SET looks_at = excluded.looks_at;
    ELSE
        DELETE FROM clock_look WHERE clock_id = NEW.id;
    END IF;
    RETURN NULL;
END $$
"""
WATCHED = (
    "CREATE TRIGGER redress_watch_new AFTER INSERT ON clock FOR EACH ROW"
    " EXECUTE FUNCTION redress_watch_clock()",
    "CREATE TRIGGER redress_watch_moved AFTER UPDATE OF due_at, stopped_at, stage ON clock"
    " FOR EACH ROW WHEN ((OLD.due_at, OLD.stopped_at, OLD.stage)"
    " IS DISTINCT FROM (NEW.due_at, NEW.stopped_at, NEW.stage))"
    " EXECUTE FUNCTION redress_watch_clock()",
)
WATCH_OLD = (
    "INSERT INTO clock_look (clock_id, looks_at) SELECT id, 'epoch' FROM clock"
    " WHERE stopped_at IS NULL AND due_at IS NOT NULL AND stage NOT IN ('object', 'ask_review')"
)
OF_THE_SYSTEM = ("clock_look", "clock_alarm", "remedy_alarm")


def upgrade() -> None:
    make_messages()
    make_alarms()
    make_news()
    op.execute("SELECT redress_guard('office', NULL, NULL, '{}')")  # its new column, for reports
    op.execute(UNREAD)
    op.execute("REVOKE ALL ON FUNCTION redress_unread(bigint) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION redress_unread(bigint) TO redress_app")
    make_queue()


def raised_of(what: str) -> list[sa.Column | sa.Constraint]:
    """The columns of a table of alarms: each is raised once for a due time of a `what`."""
    table = f"{what}_alarm"
    return [
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(f"{what}_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(20), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint([f"{what}_id"], [f"{what}.id"], name=op.f(f"fk_{table}_{what}_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint(f"{what}_id", "name", "due_at", name=op.f(f"uq_{table}_{what}_id_name_due_at")),
    ]


def make_alarms() -> None:
    """Keep when each clock is to be looked at, and what was raised. The system alone sees it."""
    op.create_table(
        "clock_look",
        sa.Column("clock_id", sa.BigInteger(), nullable=False),
        sa.Column("looks_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["clock_id"], ["clock.id"], name=op.f("fk_clock_look_clock_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("clock_id", name=op.f("pk_clock_look")),
    )
    op.create_index("ix_clock_look_due", "clock_look", ["looks_at", "clock_id"])
    op.create_table("clock_alarm", *raised_of("clock"))
    op.create_table("remedy_alarm", *raised_of("remedy"))
    op.create_index("ix_remedy_open", "remedy", ["due_on", "id"], postgresql_where=sa.text("state = 'promised'"))
    op.create_index(
        "ix_grievance_without_leader",
        "grievance",
        ["received_at", "id"],
        postgresql_where=sa.text("state NOT IN ('closed', 'withdrawn', 'duplicate') AND lead_official_id IS NULL"),
    )
    op.execute(WATCH)
    op.execute("REVOKE ALL ON FUNCTION redress_watch_clock() FROM PUBLIC")
    op.execute(WATCH_OLD)
    for statement in WATCHED:
        op.execute(statement)
    for table in OF_THE_SYSTEM:
        op.execute(f"REVOKE ALL ON {table} FROM PUBLIC, redress_app, redress_reader")
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO redress_app")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY redress_rows ON {table} TO redress_app"
            " USING ((SELECT redress_officer()) = 0)"
        )


WAYS = sa.Enum("they_ask_themselves", "by_mail", "by_phone", "by_letter", "in_person", name="newsway", native_enum=False, create_constraint=True, length=40)
# Seen and made by whoever sees the grievance; the hash of a code is written and not read.
SEES_GRIEVANCE = (
    "(SELECT redress_officer()) IS NOT NULL AND EXISTS"
    " (SELECT FROM grievance g WHERE g.id = grievance_code.grievance_id)"
)


def stamps() -> list[sa.Column]:
    return [
        sa.Column("version_id", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by_id", sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
        sa.Column("updated_by_id", sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
    ]


def stamped_by(table: str) -> list[sa.Constraint]:
    return [
        sa.ForeignKeyConstraint([key], ["officer.id"], name=op.f(f"fk_{table}_{key}"), ondelete="RESTRICT")
        for key in ("created_by_id", "updated_by_id")
    ]


def make_news() -> None:
    """Keep how those who brought grievances want to hear of news, the hashes of their codes, and
    when they were told."""
    op.add_column("grievance", sa.Column("news_way", WAYS, server_default="they_ask_themselves", nullable=False))
    op.execute("GRANT SELECT (news_way) ON grievance TO redress_reader")
    op.create_table(
        "grievance_code",
        sa.Column("grievance_id", sa.BigInteger(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(length=32), nullable=False),
        *stamps(),
        *stamped_by("grievance_code"),
        sa.ForeignKeyConstraint(["grievance_id"], ["grievance.id"], name=op.f("fk_grievance_code_grievance_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grievance_code")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_grievance_code_code_hash")),
        sa.UniqueConstraint("grievance_id", name=op.f("uq_grievance_code_grievance_id")),
    )
    op.create_table(
        "news",
        sa.Column("grievance_id", sa.BigInteger(), nullable=False),
        sa.Column("way", WAYS, nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_by_id", sa.BigInteger(), nullable=False),
        *stamps(),
        *stamped_by("news"),
        sa.ForeignKeyConstraint(["grievance_id"], ["grievance.id"], name=op.f("fk_news_grievance_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(["told_by_id"], ["officer.id"], name=op.f("fk_news_told_by_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_news")),
    )
    for column in ("grievance_id", "told_at", "told_by_id", "way"):
        op.create_index(f"ix_news_{column}_id", "news", [column, "id"])
    op.execute("SELECT redress_watch('grievance_code', masked => '{code_hash}', quiet => '{}', private => true)")
    op.execute("SELECT redress_watch('news', masked => '{}', quiet => '{}', private => false)")
    op.execute("SELECT redress_guard('news', $rows$(SELECT redress_sees_all()) OR (EXISTS (SELECT 1 FROM grievance WHERE grievance.id = news.grievance_id AND grievance.responsible_office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))))) OR (EXISTS (SELECT 1 FROM grievance WHERE grievance.id = news.grievance_id AND grievance.respondent_office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[])))))$rows$, NULL, '{}')")
    op.execute("REVOKE ALL ON grievance_code FROM PUBLIC, redress_app, redress_reader")
    op.execute("GRANT SELECT (id, grievance_id, version_id, created_at, updated_at, created_by_id, updated_by_id) ON grievance_code TO redress_app")
    op.execute("GRANT INSERT (grievance_id, code_hash), UPDATE (code_hash) ON grievance_code TO redress_app")
    op.execute("ALTER TABLE grievance_code ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE grievance_code FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY redress_rows ON grievance_code TO redress_app USING ({SEES_GRIEVANCE})")


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
    op.create_index('uq_message_lead_wanted_once', 'message', ['grievance_id', 'officer_id'], unique=True, postgresql_where=sa.text("kind = 'lead_official_needed'"))
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
    for name in ("new", "moved"):
        op.execute(f"DROP TRIGGER redress_watch_{name} ON clock")
    op.execute("DROP FUNCTION redress_watch_clock()")
    for table in OF_THE_SYSTEM:
        op.drop_table(table)
    op.drop_index("ix_remedy_open", "remedy")
    op.drop_index("ix_grievance_without_leader", "grievance")
    op.drop_table("news")
    op.drop_table("grievance_code")
    op.drop_column("grievance", "news_way")
    op.drop_table("message")
    op.drop_table("mail")
    op.drop_column("office", "email")
    op.execute("SELECT redress_guard('office', NULL, NULL, '{}')")

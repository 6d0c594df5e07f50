"""Figures of office handling: a summary by office and month, and what says that it is out of date.

Revises: 0007
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# Months in which a row counts, of any time zone: 15 hours to both sides reach beyond every one.
# The days are those of rules/figures.py (ACKNOWLEDGE_DAYS, UNDATED_DAYS); a test compares them.
EVERY_CLOCK = (
    "(received_at), (received_at + interval '7 days'),"
    " (coalesce(due_at, received_at + interval '60 days'))"
)
ANSWER_CLOCK = "(coalesce(due_at, received_at + interval '60 days'))"
MARKS = """SELECT DISTINCT {office},
            date_trunc('month', clock.at AT TIME ZONE 'UTC' + aside.hours)::date
        FROM {rows}
        CROSS JOIN LATERAL (VALUES {clocks}) AS clock(at)
        CROSS JOIN (VALUES (interval '-15 hours'), (interval '15 hours')) AS aside(hours)"""

# The table that is watched; its columns that count; the office and the months of its rows.
COUNTED = {
    "grievance": (
        "id, responsible_office_id, state, received_at, due_at, acknowledged_at, answered_at,"
        " closed_at, source",
        MARKS.format(office="responsible_office_id", rows="changed", clocks=EVERY_CLOCK),
    ),
    "remedy": (
        "id, office_id, due_on, done_on",
        "SELECT DISTINCT office_id, date_trunc('month', due_on)::date FROM changed",
    ),
    "feedback": (
        "id, grievance_id, rating",
        MARKS.format(
            office="g.responsible_office_id",
            rows="changed JOIN grievance g ON g.id = grievance_id",
            clocks=ANSWER_CLOCK,
        ),
    ),
    "decision": (
        "id, grievance_id",
        MARKS.format(
            office="g.responsible_office_id",
            rows="changed JOIN grievance g ON g.id = grievance_id",
            clocks=ANSWER_CLOCK,
        ),
    ),
    "appeal": (
        "id, decision_id, state, outcome",
        MARKS.format(
            office="g.responsible_office_id",
            rows="changed JOIN decision d ON d.id = decision_id"
            " JOIN grievance g ON g.id = d.grievance_id",
            clocks=ANSWER_CLOCK,
        ),
    ),
}
CHANGED = {
    "INSERT": "SELECT {columns} FROM new_rows",
    "DELETE": "SELECT {columns} FROM old_rows",
    "UPDATE": "(SELECT {columns} FROM old_rows EXCEPT SELECT {columns} FROM new_rows)"
    " UNION (SELECT {columns} FROM new_rows EXCEPT SELECT {columns} FROM old_rows)",
}
TRANSITION = {
    "INSERT": "NEW TABLE AS new_rows",
    "DELETE": "OLD TABLE AS old_rows",
    "UPDATE": "OLD TABLE AS old_rows NEW TABLE AS new_rows",
}


def marker(table: str) -> str:
    """Return the function that marks what a statement on `table` changed."""
    columns, marks = COUNTED[table]
    steps = " ELS".join(
        f"""IF TG_OP = '{verb}' THEN
        INSERT INTO figure_mark (office_id, month)
        WITH changed AS ({CHANGED[verb].format(columns=columns)})
        {marks};
    """
        for verb in CHANGED
    )
    return f"""
CREATE FUNCTION redress_mark_{table}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET timezone = 'UTC' AS $$
BEGIN
    {steps}END IF;
    RETURN NULL;
END $$
"""


NOTE_REOPENING = """
CREATE FUNCTION redress_note_reopening() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO reopening (grievance_id) VALUES (NEW.id) ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$
"""
ENDED = "('answered', 'closed', 'withdrawn')"
REMEMBERED = f"""
INSERT INTO reopening (grievance_id, reopened_at)
SELECT g.id, min(a.at) FROM audit_entry a JOIN grievance g ON g.id = a.record_id
WHERE a.record_type = 'grievance' AND a.verb = 'update'
  AND a.changes #>> '{{state,0}}' IN {ENDED} AND a.changes #>> '{{state,1}}' NOT IN {ENDED}
GROUP BY g.id
"""  # noqa: S608

# What offices of similar size reach: medians over at least five of them and nothing of any single
# one, so that an office can be compared with others whose figures its officers do not see. -1 is
# all offices together; 2147483647 days are more than anybody has waited yet.
BANDS = """
CREATE FUNCTION redress_figure_bands(since date, until date, sizes bigint[])
RETURNS TABLE (band integer, measure text, offices bigint, middle numeric)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
WITH shown AS (
    SELECT * FROM figure_month
    WHERE month BETWEEN since AND until AND office_id IS NOT NULL
      AND (SELECT redress_officer()) IS NOT NULL
), sums AS (
    SELECT office_id, width_bucket(sum(clocks_ended), sizes) AS band,
           sum(clocks_ended) AS clocks_ended,
           sum(acknowledged) AS acknowledged, sum(acknowledge_due) AS acknowledge_due,
           sum(answers_in_time) AS answers_in_time, sum(answers_due) AS answers_due,
           sum(remedies_done) AS remedies_done, sum(remedies_due) AS remedies_due,
           sum(reopened) AS reopened, sum(answered_once) AS answered_once,
           sum(decisions_stood) AS decisions_stood, sum(appeals_decided) AS appeals_decided,
           sum(rated_good) AS rated_good, sum(rated) AS rated
    FROM shown GROUP BY office_id
), waits AS (
    SELECT office_id, one.day, sum(one.number) AS number
    FROM shown, unnest(days, answers) AS one(day, number) GROUP BY office_id, one.day
), reached AS (
    SELECT office_id, day, sum(number) OVER (PARTITION BY office_id ORDER BY day) AS so_far
    FROM waits
), spent AS (
    SELECT office_id, band, clocks_ended,
           coalesce(min(day) FILTER (WHERE so_far * 100 >= clocks_ended * 50), 2147483647) AS half,
           coalesce(min(day) FILTER (WHERE so_far * 100 >= clocks_ended * 90), 2147483647) AS most
    FROM sums LEFT JOIN reached USING (office_id) GROUP BY office_id, band, clocks_ended
), told (band, measure, whole, value) AS (
    SELECT s.band, m.measure, m.whole, m.part::numeric / nullif(m.whole, 0)
    FROM sums s CROSS JOIN LATERAL (VALUES
        ('acknowledged', acknowledged, acknowledge_due),
        ('answered', answers_in_time, answers_due),
        ('remedied', remedies_done, remedies_due),
        ('reopened', reopened, answered_once),
        ('stood', decisions_stood, appeals_decided),
        ('rated', rated_good, rated)) AS m(measure, part, whole)
    UNION ALL SELECT band, 'median', clocks_ended, half FROM spent
    UNION ALL SELECT band, 'p90', clocks_ended, most FROM spent
)
SELECT of.band, measure, count(*), percentile_disc(0.5) WITHIN GROUP (ORDER BY value)
FROM told CROSS JOIN LATERAL (VALUES (told.band), (-1)) AS of(band)
WHERE whole >= 5
GROUP BY of.band, measure HAVING count(*) >= 5
$$
"""

FUNCTIONS = {f"redress_mark_{table}()": marker(table) for table in COUNTED} | {
    "redress_note_reopening()": NOTE_REOPENING,
    "redress_figure_bands(date, date, bigint[])": BANDS,
}
# access.guard_statement of FigureMonth.
GUARD = """SELECT redress_guard('figure_month', $rows$(SELECT redress_sees_all()) OR figure_month.office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[])))$rows$, $rows$(SELECT redress_officer()) = 0$rows$, '{}')"""

COUNTS = (
    "received acknowledge_due acknowledged clocks_ended answers_due answers_in_time answered"
    " answered_once withdrawn_unanswered waiting reopened appeals_decided decisions_stood rated"
    " rated_good remedies_due remedies_done"
)


def upgrade() -> None:
    make_tables()
    for signature, body in FUNCTIONS.items():
        op.execute(sa.text(body.replace(":", r"\:")))
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION redress_figure_bands(date, date, bigint[]) TO redress_app")
    for table in COUNTED:
        for verb, rows in TRANSITION.items():
            op.execute(
                f"CREATE TRIGGER redress_mark_{verb.lower()} AFTER {verb} ON {table}"
                f" REFERENCING {rows} FOR EACH STATEMENT EXECUTE FUNCTION redress_mark_{table}()"
            )
    op.execute(
        "CREATE TRIGGER redress_note_reopening AFTER UPDATE OF state ON grievance FOR EACH ROW"
        f" WHEN (OLD.state IN {ENDED} AND NEW.state NOT IN {ENDED})"
        " EXECUTE FUNCTION redress_note_reopening()"
    )
    op.execute(REMEMBERED)
    grant()


def make_tables() -> None:
    op.create_table(
        "figure_month",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=True),
        sa.Column("month", sa.Date(), nullable=False),
        *(
            sa.Column(name, sa.Integer(), server_default="0", nullable=False)
            for name in COUNTS.split()
        ),
        sa.Column("days", postgresql.ARRAY(sa.Integer()), server_default="{}", nullable=False),
        sa.Column("answers", postgresql.ARRAY(sa.Integer()), server_default="{}", nullable=False),
        sa.CheckConstraint(
            "extract(day FROM month) = 1", name=op.f("ck_figure_month_first_of_month")
        ),
        sa.CheckConstraint(
            "cardinality(days) = cardinality(answers)", name=op.f("ck_figure_month_answers_of_days")
        ),
        sa.ForeignKeyConstraint(
            ["office_id"], ["office.id"], name=op.f("fk_figure_month_office_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_figure_month")),
        sa.UniqueConstraint(
            "month",
            "office_id",
            name=op.f("uq_figure_month_month_office_id"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_table(
        "figure_mark",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=True),
        sa.Column("month", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_figure_mark")),
    )
    op.create_table(
        "figure_state",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("timezone", sa.String(80), nullable=False),
        sa.Column("definition", sa.Integer(), nullable=False),
        sa.Column("latest", sa.Date(), nullable=True),
        sa.CheckConstraint("id = 1", name=op.f("ck_figure_state_one_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_figure_state")),
    )
    op.create_table(
        "reopening",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("grievance_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "reopened_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["grievance_id"],
            ["grievance.id"],
            name=op.f("fk_reopening_grievance_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reopening")),
        sa.UniqueConstraint("grievance_id", name=op.f("uq_reopening_grievance_id")),
    )


def grant() -> None:
    """The application reads; the system alone, a command or a refresh, writes."""
    op.execute(GUARD)
    system = "(SELECT redress_officer()) = 0"
    sees = (
        "(SELECT redress_officer()) IS NOT NULL"
        " AND EXISTS (SELECT FROM grievance g WHERE g.id = reopening.grievance_id)"
    )
    rights = {
        "figure_mark": ("SELECT, DELETE", {"rows": system}),
        "figure_state": (
            "SELECT, INSERT, UPDATE",
            {
                "rows FOR SELECT": "true",
                "adds FOR INSERT": system,
                "changes FOR UPDATE": system,
            },
        ),
        "reopening": ("SELECT", {"rows FOR SELECT": sees}),
    }
    for table, (verbs, policies) in rights.items():
        op.execute(f"REVOKE ALL ON {table} FROM PUBLIC, redress_app, redress_reader")
        op.execute(f"GRANT {verbs} ON {table} TO redress_app")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        for policy, condition in policies.items():
            name, _, verb = policy.partition(" ")
            clause = "WITH CHECK" if verb == "FOR INSERT" else "USING"
            op.execute(
                f"CREATE POLICY redress_{name} ON {table} {verb} TO redress_app"
                f" {clause} ({condition})"
            )


def downgrade() -> None:
    op.execute("DROP TRIGGER redress_note_reopening ON grievance")
    for table in COUNTED:
        for verb in TRANSITION:
            op.execute(f"DROP TRIGGER redress_mark_{verb.lower()} ON {table}")
    for signature in FUNCTIONS:
        op.execute(f"DROP FUNCTION {signature}")
    for table in ("reopening", "figure_state", "figure_mark", "figure_month"):
        op.drop_table(table)

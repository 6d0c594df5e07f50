"""What the bureau has set for supervision; what was changed of who supervises what; and the
database's own hold on who must not.

Revises: 0015
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

# The rules of rules/assignments.py once more, for raw SQL too; a test holds the two against each
# other. One of the four is asked about: an assignment, a membership, an officer with the office
# they are about to serve, or an office that gets another place in the tree. Returns the name of
# what refuses, NULL where nothing does.
UNFIT = """
CREATE FUNCTION redress_private.unfit(
    asked_assignment bigint, asked_membership bigint, asked_officer bigint, asked_office bigint
) RETURNS text
LANGUAGE sql VOLATILE SET search_path = pg_catalog, public, pg_temp AS $$
WITH RECURSIVE
policy AS (
    SELECT coalesce((SELECT p.cooling_off_days FROM supervision_policy p
        WHERE p.in_force_from <= current_date ORDER BY p.in_force_from DESC LIMIT 1), 730) AS days),
pairs AS (
    SELECT a.office_id, m.officer_id, greatest(a.starts_on, m.starts_on) AS from_on,
        least(a.ends_on, m.ends_on, o.left_on) AS to_on
    FROM supervision_assignment a
    JOIN group_membership m ON m.group_id = a.group_id
    JOIN officer o ON o.id = m.officer_id
    WHERE (asked_assignment IS NULL OR a.id = asked_assignment)
      AND (asked_membership IS NULL OR m.id = asked_membership)
      AND (asked_officer IS NULL OR m.officer_id = asked_officer)
      AND greatest(a.starts_on, m.starts_on)
        < coalesce(least(a.ends_on, m.ends_on, o.left_on), 'infinity')
      AND (asked_office IS NULL
        OR coalesce(least(a.ends_on, m.ends_on, o.left_on), 'infinity') > current_date)),
postings AS (
    SELECT p.officer_id, p.office_id, p.id, (p.until_at AT TIME ZONE 'UTC')::date AS until_on
    FROM officer_posting p WHERE p.officer_id IN (SELECT officer_id FROM pairs)),
served AS (
    SELECT officer_id, office_id, until_on,
        lag(until_on) OVER (PARTITION BY officer_id ORDER BY until_on, id) AS since_on
    FROM postings
    UNION ALL
    SELECT o.id, o.office_id, NULL,
        (SELECT max(p.until_on) FROM postings p WHERE p.officer_id = o.id)
    FROM officer o WHERE o.id IN (SELECT officer_id FROM pairs)),
line(office_id, above_id) AS (
    SELECT id, id FROM (SELECT office_id AS id FROM pairs UNION SELECT office_id FROM served) x
    UNION
    SELECT l.office_id, f.parent_id FROM line l JOIN office f ON f.id = l.above_id
    WHERE f.parent_id IS NOT NULL),
near AS (
    SELECT p.officer_id, p.from_on, p.to_on, p.office_id, s.office_id AS served_id,
        s.since_on, s.until_on
    FROM pairs p JOIN served s USING (officer_id)
    WHERE EXISTS (SELECT FROM line l WHERE l.office_id = s.office_id AND l.above_id = p.office_id)
       OR EXISTS (SELECT FROM line l JOIN office f ON f.id = l.above_id
            WHERE l.office_id = p.office_id AND l.above_id = s.office_id
              AND f.parent_id IS NOT NULL))
SELECT CASE
    WHEN EXISTS (
        SELECT FROM near n, policy
        WHERE (n.since_on IS NULL OR n.to_on IS NULL OR n.since_on < n.to_on)
          AND (n.until_on IS NULL OR n.until_on + policy.days > n.from_on)
          AND (asked_officer IS NULL OR n.until_on IS NULL)
          AND (asked_office IS NULL OR EXISTS (SELECT FROM line l
                WHERE l.above_id = asked_office AND l.office_id IN (n.office_id, n.served_id))))
    THEN 'cooling_off'
    WHEN asked_officer IS NULL AND asked_office IS NULL AND EXISTS (
        SELECT FROM pairs p JOIN recusal r USING (officer_id, office_id)
        WHERE r.set_aside_on IS NULL
          AND daterange(r.starts_on, r.ends_on) && daterange(p.from_on, p.to_on))
    THEN 'not_recused' END
$$
"""

# It refuses as cooling_off or not_recused of the assignment or the membership, as officer_cooling_off
# and as office_cooling_off.
# All that can bring an inspector to an office they must not inspect waits for each other: neither
# of two transactions sees what the other has not committed, and each alone would be in order. A
# volatile function sees, after it has waited, what the other one committed meanwhile.
HOLD = """
CREATE FUNCTION redress_hold_supervision() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    because text;
    named text := TG_TABLE_NAME;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('redress supervision'));
    IF TG_TABLE_NAME = 'supervision_assignment' THEN
        because := redress_private.unfit(NEW.id, NULL, NULL, NULL);
    ELSIF TG_TABLE_NAME = 'group_membership' THEN
        because := redress_private.unfit(NULL, NEW.id, NULL, NULL);
    ELSIF TG_TABLE_NAME = 'officer' THEN
        because := redress_private.unfit(NULL, NULL, NEW.id, NULL);
        -- Who is taken back, or leaves later, is a member for longer: all they served counts then.
        IF because IS NULL AND NEW.left_on IS DISTINCT FROM OLD.left_on
            AND coalesce(NEW.left_on, 'infinity') > coalesce(OLD.left_on, 'infinity') THEN
            SELECT min(why) INTO because FROM (
                SELECT redress_private.unfit(NULL, m.id, NULL, NULL) AS why
                FROM group_membership m WHERE m.officer_id = NEW.id) terms
            WHERE why = 'cooling_off';
        END IF;
    ELSE
        because := redress_private.unfit(NULL, NULL, NULL, NEW.id);
    END IF;
    IF because IS NOT NULL THEN
        RAISE EXCEPTION '% refuses %: %', named, TG_OP, because
        USING ERRCODE = 'check_violation', TABLE = named, SCHEMA = TG_TABLE_SCHEMA,
            CONSTRAINT = format('ck_%s_%s', named, because);
    END IF;
    RETURN NULL;
END $$
"""

# What is only made shorter stays possible whatever holds: a period that is not as it should be can
# be ended.
SHORTER = (
    "NEW.{of} = OLD.{of} AND NEW.{other} = OLD.{other}"
    " AND daterange(NEW.starts_on, NEW.ends_on) <@ daterange(OLD.starts_on, OLD.ends_on)"
)
TRIGGERS = (
    ("made", "INSERT ON supervision_assignment", ""),
    (
        "changed",
        "UPDATE OF group_id, office_id, starts_on, ends_on ON supervision_assignment",
        f"NOT ({SHORTER.format(of='group_id', other='office_id')})",
    ),
    ("made", "INSERT ON group_membership", ""),
    (
        "changed",
        "UPDATE OF group_id, officer_id, starts_on, ends_on ON group_membership",
        f"NOT ({SHORTER.format(of='group_id', other='officer_id')})",
    ),
    # After redress_note_posting, which goes first by its name.
    (
        "served",
        "UPDATE OF office_id, left_on ON officer",
        "NEW.office_id <> OLD.office_id OR NEW.left_on IS DISTINCT FROM OLD.left_on",
    ),
    (
        "moved",
        "UPDATE OF parent_id ON office",
        "NEW.parent_id IS DISTINCT FROM OLD.parent_id",
    ),
)

# What the board says of every office, also to an inspector who does not see its grievances:
# figures of the office's handling, and no case. Others get them of the offices they see.
ATTENTION = """
CREATE FUNCTION redress_attention(as_of timestamptz)
RETURNS TABLE (office_id bigint, overdue bigint, visited_on date)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    sees_all boolean := redress_sees_all() OR redress_supervises();
    mine bigint[] := redress_offices();
BEGIN
    RETURN QUERY
    SELECT f.id, coalesce(late.number, 0), visit.latest
    FROM office f
    LEFT JOIN (SELECT g.responsible_office_id AS id, count(*) AS number FROM grievance g
               WHERE g.state NOT IN ('closed', 'withdrawn', 'duplicate') AND g.due_at < as_of
               GROUP BY 1) late USING (id)
    LEFT JOIN (SELECT i.office_id AS id, max(i.done_on) AS latest FROM inspection i
               WHERE i.done_on IS NOT NULL GROUP BY 1) visit USING (id)
    WHERE sees_all OR f.id = ANY (mine);
END $$
"""


def upgrade() -> None:
    op.create_table('supervision_policy',
    sa.Column('in_force_from', sa.Date(), nullable=False),
    sa.Column('cooling_off_days', sa.Integer(), server_default='730', nullable=False),
    sa.Column('fewest_members', sa.Integer(), server_default='2', nullable=False),
    sa.Column('visit_every_days', sa.Integer(), server_default='365', nullable=False),
    sa.Column('weight_load', sa.Integer(), server_default='40', nullable=False),
    sa.Column('weight_overdue', sa.Integer(), server_default='20', nullable=False),
    sa.Column('weight_since_visit', sa.Integer(), server_default='20', nullable=False),
    sa.Column('weight_rotation', sa.Integer(), server_default='10', nullable=False),
    sa.Column('weight_travel', sa.Integer(), server_default='10', nullable=False),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.CheckConstraint('cooling_off_days BETWEEN 0 AND 3660', name=op.f('ck_supervision_policy_cools_off_ten_years_at_most')),
    sa.CheckConstraint('fewest_members BETWEEN 1 AND 50', name=op.f('ck_supervision_policy_some_members')),
    sa.CheckConstraint('visit_every_days BETWEEN 1 AND 3660', name=op.f('ck_supervision_policy_visits_within_ten_years')),
    sa.CheckConstraint('least(weight_load, weight_overdue, weight_since_visit, weight_rotation, weight_travel) >= 0 AND greatest(weight_load, weight_overdue, weight_since_visit, weight_rotation, weight_travel) <= 100', name=op.f('ck_supervision_policy_weights_to_100')),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_supervision_policy_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_supervision_policy_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_supervision_policy')),
    sa.UniqueConstraint('in_force_from', name=op.f('uq_supervision_policy_in_force_from'))
    )
    op.create_index('ix_supervision_policy_cooling_off_days_id', 'supervision_policy', ['cooling_off_days', 'id'], unique=False)
    op.create_index('ix_supervision_policy_fewest_members_id', 'supervision_policy', ['fewest_members', 'id'], unique=False)
    op.create_index('ix_supervision_policy_in_force_from_id', 'supervision_policy', ['in_force_from', 'id'], unique=False)
    op.create_index('ix_supervision_policy_visit_every_days_id', 'supervision_policy', ['visit_every_days', 'id'], unique=False)
    op.create_table('assignment_change',
    sa.Column('officer_id', sa.BigInteger(), nullable=False),
    sa.Column('kind', sa.Enum('assign', 'move', 'split', 'end', 'take_away', 'assign_many', 'undo', name='changekind', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('office_id', sa.BigInteger(), nullable=True),
    sa.Column('periods', sa.Integer(), nullable=False),
    sa.Column('before', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('after', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('undone_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('version_id', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('updated_by_id', sa.BigInteger(), server_default=sa.FetchedValue(), nullable=True),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.ForeignKeyConstraint(['created_by_id'], ['officer.id'], name=op.f('fk_assignment_change_created_by_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['office_id'], ['office.id'], name=op.f('fk_assignment_change_office_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['officer_id'], ['officer.id'], name=op.f('fk_assignment_change_officer_id'), ondelete='RESTRICT'),
    sa.ForeignKeyConstraint(['updated_by_id'], ['officer.id'], name=op.f('fk_assignment_change_updated_by_id'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_assignment_change'))
    )
    op.create_index('ix_assignment_change_kind_id', 'assignment_change', ['kind', 'id'], unique=False)
    op.create_index('ix_assignment_change_made_at_id', 'assignment_change', ['made_at', 'id'], unique=False)
    op.create_index('ix_assignment_change_office_id_id', 'assignment_change', ['office_id', 'id'], unique=False)
    op.create_index('ix_assignment_change_officer_id_id', 'assignment_change', ['officer_id', 'id'], unique=False)
    op.create_index('ix_assignment_change_periods_id', 'assignment_change', ['periods', 'id'], unique=False)
    op.create_index('ix_assignment_change_undone_at_id', 'assignment_change', ['undone_at', 'id'], unique=False)
    op.execute("SELECT redress_watch('supervision_policy', masked => '{}', quiet => '{}', private => false)")
    op.execute("SELECT redress_guard('supervision_policy', NULL, NULL, '{}')")
    op.execute("SELECT redress_watch('assignment_change', masked => '{}', quiet => '{}', private => false)")
    op.execute("SELECT redress_guard('assignment_change', NULL, NULL, '{}')")
    op.execute(UNFIT)
    op.execute(HOLD)
    for name, when, only in TRIGGERS:
        condition = f" WHEN ({only})" if only else ""
        op.execute(
            f"CREATE TRIGGER redress_supervision_{name} AFTER {when} FOR EACH ROW{condition}"
            " EXECUTE FUNCTION redress_hold_supervision()"
        )
    op.execute(ATTENTION)


def downgrade() -> None:
    op.execute("DROP FUNCTION redress_attention(timestamptz)")
    for name, when, _only in TRIGGERS:
        op.execute(f"DROP TRIGGER redress_supervision_{name} ON {when.rpartition(' ON ')[2]}")
    op.execute("DROP FUNCTION redress_hold_supervision()")
    op.execute("DROP FUNCTION redress_private.unfit(bigint, bigint, bigint, bigint)")
    op.drop_table("assignment_change")
    op.drop_table("supervision_policy")

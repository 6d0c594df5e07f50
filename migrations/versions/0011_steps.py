"""The whole life of a grievance: its states, and the facts that they cannot do without.

Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

STATES = (
    "registered acknowledged routed routing_objected accepted planned answered remedy_under_way"
    " remedy_verified closed appealed reopened withdrawn duplicate"
).split()
STATES_BEFORE = "registered acknowledged routed accepted answered closed withdrawn".split()
# Where each state that is new goes on a way down: to the nearest that there was.
OLD_STATE = {
    "routing_objected": "routed",
    "planned": "accepted",
    "remedy_under_way": "answered",
    "remedy_verified": "answered",
    "appealed": "answered",
    "reopened": "registered",
    "duplicate": "registered",
}
APPEALS = ("appeal", "reprimand_appeal")

# The check, what it says, and what it said.
CHECKS = {
    "answered_has_time": (
        "state NOT IN ('answered', 'remedy_under_way', 'remedy_verified', 'appealed')"
        " OR answered_at IS NOT NULL",
        "state <> 'answered' OR answered_at IS NOT NULL",
    ),
    "routed_has_office": (
        "state NOT IN ('routed', 'routing_objected', 'accepted', 'planned', 'answered',"
        " 'remedy_under_way', 'remedy_verified', 'appealed') OR responsible_office_id IS NOT NULL",
        "state NOT IN ('routed', 'accepted', 'answered') OR responsible_office_id IS NOT NULL",
    ),
    "way_back_is_known": (
        "(state IN ('appealed', 'duplicate')) = (state_before IS NOT NULL)",
        None,
    ),
    "withdrawn_with_statement": (
        "num_nonnulls(withdrawn_at, withdrawal_statement) IN (0, 2)",
        None,
    ),
}
WAITS_ON = {
    "handler": "handler_id",
    "leader": "lead_official_id",
    "office": "responsible_office_id",
}
READ_BY_REPORTS = {
    "grievance": "state_before, routing_reason, reopening_reason, withdrawal_statement",
    "remedy": "sent_back_on, sent_back_by_id, sent_back_because",
}
NOT_KEPT = "(The statement was not kept here when the withdrawal was recorded.)"

# A grievance that has ended, in the sense of the figures: somebody was told something.
ENDED = (
    "('answered', 'remedy_under_way', 'remedy_verified', 'closed', 'appealed', 'withdrawn',"
    " 'duplicate')"
)
ENDED_BEFORE = "('answered', 'closed', 'withdrawn')"

# The office of a grievance that is routed, and what makes it a duplicate, are changed by a step,
# which asks the right officers and sets the clocks. What steps, imports and the system do says so
# by a setting: this holds forms to the life-cycle and is no wall against SQL.
BY_STEP = """
CREATE FUNCTION redress_by_step() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF coalesce(current_setting('redress.by_step', true), '') <> 'yes'
       AND coalesce(redress_officer(), 0) <> 0 THEN
        RAISE EXCEPTION 'this is changed by a step'
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME,
                  CONSTRAINT = 'ck_' || TG_TABLE_NAME || '_' || TG_ARGV[0];
    END IF;
    RETURN coalesce(NEW, OLD);
END $$
"""
HELD = (
    "CREATE TRIGGER redress_by_step BEFORE UPDATE OF responsible_office_id ON grievance"
    " FOR EACH ROW WHEN (OLD.responsible_office_id IS DISTINCT FROM NEW.responsible_office_id"
    " AND OLD.state NOT IN ('registered', 'acknowledged', 'reopened'))"
    " EXECUTE FUNCTION redress_by_step('routed_by_step')",
    "CREATE TRIGGER redress_merged_by_step BEFORE INSERT ON grievance_link"
    " FOR EACH ROW WHEN (NEW.kind = 'duplicate_of')"
    " EXECUTE FUNCTION redress_by_step('merged_by_step')",
    "CREATE TRIGGER redress_kept_merged BEFORE DELETE OR UPDATE OF kind, grievance_id,"
    " other_grievance_id, undone_at ON grievance_link"
    " FOR EACH ROW WHEN (OLD.kind = 'duplicate_of' AND OLD.undone_at IS NULL)"
    " EXECUTE FUNCTION redress_by_step('merged_by_step')",
    "CREATE TRIGGER redress_made_merged BEFORE UPDATE OF kind ON grievance_link"
    " FOR EACH ROW WHEN (NEW.kind = 'duplicate_of' AND OLD.kind <> NEW.kind)"
    " EXECUTE FUNCTION redress_by_step('merged_by_step')",
)
RELEASED = (
    "DROP TRIGGER redress_by_step ON grievance",
    "DROP TRIGGER redress_merged_by_step ON grievance_link",
    "DROP TRIGGER redress_kept_merged ON grievance_link",
    "DROP TRIGGER redress_made_merged ON grievance_link",
)

# Deciders handle reports of retaliation and auditors read them; of the office that is said to have
# done it, or below it, not even they (domain.md section 6). The intake desk adds one and sees none.
LANE = (
    """
CREATE FUNCTION redress_hears_retaliation() RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RETURN coalesce(redress_officer() = 0, false)
        OR redress_private.holds('decider', 'auditor');
END $$
""",
    """
CREATE FUNCTION redress_takes_retaliation() RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RETURN coalesce(redress_officer() = 0, false)
        OR redress_private.holds('decider', 'intake');
END $$
""",
    """
CREATE FUNCTION redress_line() RETURNS bigint[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF redress_private.holds('auditor') THEN
        RETURN '{}';
    END IF;
    RETURN ARRAY(
        WITH RECURSIVE above(id) AS (
            SELECT o.office_id FROM officer o WHERE o.id = redress_officer()
            UNION
            SELECT f.parent_id FROM office f JOIN above ON f.id = above.id
        )
        SELECT id FROM above WHERE id IS NOT NULL);
END $$
""",
)
# access.guard_statement of RetaliationReport, as it is now and as it was.
GUARD = """SELECT redress_guard('retaliation_report', $rows$(SELECT redress_hears_retaliation()) AND NOT (retaliation_report.office_id = ANY (coalesce((SELECT redress_line()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))))$rows$, $rows$(SELECT redress_takes_retaliation())$rows$, '{}')"""
WATCH = """SELECT redress_watch('retaliation_report', masked => '{subject,account,reasons}', quiet => '{}', private => false)"""
WATCH_BEFORE = """SELECT redress_watch('retaliation_report', masked => '{}', quiet => '{}', private => false)"""
GUARD_BEFORE = """SELECT redress_guard('retaliation_report', $rows$(SELECT redress_sees_all()) OR retaliation_report.office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[])))$rows$, NULL, '{}')"""


def upgrade() -> None:
    for name, kind in {
        "state_before": sa.String(40),
        "routing_reason": sa.Text(),
        "reopening_reason": sa.Text(),
        "withdrawal_statement": sa.Text(),
    }.items():
        op.add_column("grievance", sa.Column(name, kind, nullable=True))
    _quietly(
        f"UPDATE grievance SET withdrawal_statement = '{NOT_KEPT}'"  # noqa: S608
        " WHERE withdrawn_at IS NOT NULL"
    )
    _check("grievance", "grievancestate", "state", STATES)
    op.create_check_constraint(
        op.f("ck_grievance_grievance_state_before"), "grievance", _one_of("state_before", STATES)
    )
    for name, (says, said) in CHECKS.items():
        if said:
            op.drop_constraint(op.f(f"ck_grievance_{name}"), "grievance")
        op.create_check_constraint(op.f(f"ck_grievance_{name}"), "grievance", says)
    for table in APPEALS:
        _check(table, "appealstate", "state", ["filed", "decided", "ended"])
    _add_to_remedies()
    for table, columns in READ_BY_REPORTS.items():
        op.execute(f"GRANT SELECT ({columns}) ON {table} TO redress_reader")
    _make_indexes("state NOT IN ('closed', 'withdrawn', 'duplicate')")
    op.create_index(
        "ix_grievance_to_route",
        "grievance",
        ["due_at", "id"],
        postgresql_where=sa.text("state IN ('registered', 'acknowledged', 'reopened')"),
    )
    _note_reopenings(ENDED)
    op.execute(BY_STEP)
    op.execute("REVOKE ALL ON FUNCTION redress_by_step() FROM PUBLIC")
    for statement in HELD:
        op.execute(statement)
    for function in LANE:
        op.execute(function)
    for name in ("hears_retaliation", "takes_retaliation", "line"):
        op.execute(f"REVOKE ALL ON FUNCTION redress_{name}() FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION redress_{name}() TO redress_app")
    op.execute(GUARD)
    op.execute(WATCH)


def downgrade() -> None:
    op.execute(GUARD_BEFORE)
    op.execute(WATCH_BEFORE)
    for name in ("hears_retaliation", "takes_retaliation", "line"):
        op.execute(f"DROP FUNCTION redress_{name}()")
    for statement in RELEASED:
        op.execute(statement)
    op.execute("DROP FUNCTION redress_by_step()")
    _note_reopenings(ENDED_BEFORE)
    op.drop_index("ix_grievance_to_route", "grievance")
    for name in ("way_back_is_known", "withdrawn_with_statement", "grievance_state_before"):
        op.drop_constraint(op.f(f"ck_grievance_{name}"), "grievance")
    whens = " ".join(f"WHEN '{new}' THEN '{old}'" for new, old in OLD_STATE.items())
    states = ", ".join(f"'{state}'" for state in OLD_STATE)
    _quietly(
        f"UPDATE grievance SET state = CASE state {whens} END WHERE state IN ({states})"  # noqa: S608
    )
    for name, (_says, said) in CHECKS.items():
        if said:
            op.drop_constraint(op.f(f"ck_grievance_{name}"), "grievance")
            op.create_check_constraint(op.f(f"ck_grievance_{name}"), "grievance", said)
    _check("grievance", "grievancestate", "state", STATES_BEFORE)
    for table in APPEALS:
        _quietly(f"UPDATE {table} SET state = 'filed' WHERE state = 'ended'", table)  # noqa: S608
        _check(table, "appealstate", "state", ["filed", "decided"])
    _make_indexes("state NOT IN ('closed', 'withdrawn')")
    for name in ("state_before", "routing_reason", "reopening_reason", "withdrawal_statement"):
        op.drop_column("grievance", name)
    op.drop_index("ix_remedy_sent_back_by_id_id", "remedy")
    op.drop_constraint(op.f("ck_remedy_sent_back_with_reason"), "remedy")
    for name in ("sent_back_on", "sent_back_by_id", "sent_back_because"):
        op.drop_column("remedy", name)


def _add_to_remedies() -> None:
    op.add_column("remedy", sa.Column("sent_back_on", sa.Date(), nullable=True))
    op.add_column("remedy", sa.Column("sent_back_by_id", sa.BigInteger(), nullable=True))
    op.add_column("remedy", sa.Column("sent_back_because", sa.Text(), nullable=True))
    op.create_foreign_key(
        op.f("fk_remedy_sent_back_by_id"),
        "remedy",
        "officer",
        ["sent_back_by_id"],
        ["id"],
        ondelete="RESTRICT",
    )
    op.create_check_constraint(
        op.f("ck_remedy_sent_back_with_reason"),
        "remedy",
        "num_nonnulls(sent_back_on, sent_back_by_id, sent_back_because) IN (0, 3)",
    )
    op.create_index("ix_remedy_sent_back_by_id_id", "remedy", ["sent_back_by_id", "id"])


def _one_of(column: str, values: list[str]) -> str:
    listed = ", ".join(f"'{value}'" for value in values)
    return f"{column} IN ({listed})"


def _check(table: str, name: str, column: str, values: list[str]) -> None:
    op.drop_constraint(op.f(f"ck_{table}_{name}"), table)
    op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, _one_of(column, values))


def _quietly(statement: str, table: str = "grievance") -> None:
    """Run a change that nobody made: no entry in the trail, no new version, no mark."""
    op.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    op.execute(statement)
    op.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def _make_indexes(condition: str) -> None:
    for who, column in WAITS_ON.items():
        op.drop_index(f"ix_grievance_waits_on_{who}", "grievance")
        op.create_index(
            f"ix_grievance_waits_on_{who}",
            "grievance",
            [column, "due_at", "id"],
            postgresql_where=sa.text(condition),
        )


def _note_reopenings(ended: str) -> None:
    op.execute("DROP TRIGGER redress_note_reopening ON grievance")
    op.execute(
        "CREATE TRIGGER redress_note_reopening AFTER UPDATE OF state ON grievance FOR EACH ROW"
        f" WHEN (OLD.state IN {ended} AND NEW.state NOT IN {ended})"
        " EXECUTE FUNCTION redress_note_reopening()"
    )

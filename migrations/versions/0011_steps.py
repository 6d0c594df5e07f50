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
NOT_KEPT = "(The statement was not kept here when the withdrawal was recorded.)"

# A grievance that has ended, in the sense of the figures: somebody was told something.
ENDED = (
    "('answered', 'remedy_under_way', 'remedy_verified', 'closed', 'appealed', 'withdrawn',"
    " 'duplicate')"
)
ENDED_BEFORE = "('answered', 'closed', 'withdrawn')"

# Where a grievance stands on its way the office changes by a step, which asks the right officers
# and sets the clocks; the intake desk may say one beforehand. What steps and imports do, and the
# system, says so by a setting: this holds forms to the life-cycle and is no wall against SQL.
HOLD_ROUTING = """
CREATE FUNCTION redress_hold_routing() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF coalesce(current_setting('redress.by_step', true), '') <> 'yes'
       AND coalesce(redress_officer(), 0) <> 0 THEN
        RAISE EXCEPTION 'the responsible office is changed by a step'
            USING ERRCODE = 'check_violation', TABLE = 'grievance',
                  CONSTRAINT = 'ck_grievance_routed_by_step';
    END IF;
    RETURN NEW;
END $$
"""


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
    _make_indexes("state NOT IN ('closed', 'withdrawn', 'duplicate')")
    op.create_index(
        "ix_grievance_to_route",
        "grievance",
        ["due_at", "id"],
        postgresql_where=sa.text("state IN ('registered', 'acknowledged', 'reopened')"),
    )
    _note_reopenings(ENDED)
    op.execute(HOLD_ROUTING)
    op.execute("REVOKE ALL ON FUNCTION redress_hold_routing() FROM PUBLIC")
    op.execute(
        "CREATE TRIGGER redress_hold_routing BEFORE UPDATE OF responsible_office_id ON grievance"
        " FOR EACH ROW WHEN (OLD.responsible_office_id IS DISTINCT FROM NEW.responsible_office_id"
        " AND OLD.state NOT IN ('registered', 'acknowledged', 'reopened'))"
        " EXECUTE FUNCTION redress_hold_routing()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER redress_hold_routing ON grievance")
    op.execute("DROP FUNCTION redress_hold_routing()")
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

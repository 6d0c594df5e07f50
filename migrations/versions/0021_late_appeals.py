"""Late appeals that somebody admits; plan steps are seen by who is to do them; indexes of what waits
to be approved and verified, and what the planner must know of what is open.

Revises: 0020
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

# access.guard_statement(PlanStep), before and now: who is to do a step sees it.
BEFORE = """SELECT redress_guard('plan_step', $rows$(SELECT redress_sees_all()) OR (EXISTS (SELECT 1 FROM grievance WHERE grievance.id = plan_step.grievance_id AND grievance.responsible_office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))))) OR (EXISTS (SELECT 1 FROM grievance WHERE grievance.id = plan_step.grievance_id AND grievance.respondent_office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))))) OR (EXISTS (SELECT 1 FROM joint_conference WHERE joint_conference.id = plan_step.conference_id AND (EXISTS (SELECT 1 FROM conference_office WHERE joint_conference.id = conference_office.conference_id AND conference_office.office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[])))))))$rows$, NULL, '{}')"""
NOW = """SELECT redress_guard('plan_step', $rows$plan_step.officer_id = (SELECT redress_officer()) OR (SELECT redress_sees_all()) OR (EXISTS (SELECT 1 FROM grievance WHERE grievance.id = plan_step.grievance_id AND grievance.responsible_office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))))) OR (EXISTS (SELECT 1 FROM grievance WHERE grievance.id = plan_step.grievance_id AND grievance.respondent_office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))))) OR (EXISTS (SELECT 1 FROM joint_conference WHERE joint_conference.id = plan_step.conference_id AND (EXISTS (SELECT 1 FROM conference_office WHERE joint_conference.id = conference_office.conference_id AND conference_office.office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[])))))))$rows$, $rows$(SELECT redress_sees_all()) OR (EXISTS (SELECT 1 FROM grievance WHERE grievance.id = plan_step.grievance_id AND grievance.responsible_office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))))) OR (EXISTS (SELECT 1 FROM grievance WHERE grievance.id = plan_step.grievance_id AND grievance.respondent_office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))))) OR (EXISTS (SELECT 1 FROM joint_conference WHERE joint_conference.id = plan_step.conference_id AND (EXISTS (SELECT 1 FROM conference_office WHERE joint_conference.id = conference_office.conference_id AND conference_office.office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[])))))))$rows$, '{}'), redress_let_do('plan_step', $rows$plan_step.officer_id = (SELECT redress_officer())$rows$)"""
# Who is to do a row changes it, and neither adds nor deletes any.
LET_DO = """
CREATE FUNCTION redress_let_do(guarded regclass, doer text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE POLICY redress_does ON %s FOR UPDATE USING (%s)', guarded, doer);
END $$
"""
# The same of Appeal: reports may read its new columns.
APPEAL = """SELECT redress_guard('appeal', $rows$(SELECT redress_sees_all()) OR (EXISTS (SELECT 1 FROM decision WHERE decision.id = appeal.decision_id AND (EXISTS (SELECT 1 FROM grievance WHERE grievance.id = decision.grievance_id AND grievance.responsible_office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))))))) OR (EXISTS (SELECT 1 FROM decision WHERE decision.id = appeal.decision_id AND (EXISTS (SELECT 1 FROM grievance WHERE grievance.id = decision.grievance_id AND grievance.respondent_office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[])))))))$rows$, NULL, '{}')"""


def upgrade() -> None:
    op.add_column("appeal", sa.Column("late_because", sa.Text(), nullable=True))
    op.add_column("appeal", sa.Column("admitted_by_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        "fk_appeal_admitted_by_id",
        "appeal",
        "officer",
        ["admitted_by_id"],
        ["id"],
        ondelete="RESTRICT",
    )
    op.create_index("ix_appeal_admitted_by_id_id", "appeal", ["admitted_by_id", "id"])
    op.create_check_constraint(
        "late_with_reason", "appeal", "num_nonnulls(late_because, admitted_by_id) IN (0, 2)"
    )
    op.create_check_constraint(
        "admitted_by_another", "appeal", "admitted_by_id <> first_decider_id"
    )
    op.create_index(
        "ix_remedy_to_verify",
        "remedy",
        ["done_on", "id"],
        postgresql_where=sa.text("state = 'done'"),
    )
    op.create_index(
        "ix_decision_to_approve",
        "decision",
        ["id"],
        postgresql_where=sa.text("state = 'proposed'"),
    )
    op.create_index(
        "ix_pause_open",
        "pause",
        ["started_at", "id"],
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    # What is open is not answered, closed or withdrawn: without this the planner multiplies these,
    # expects a handful and sorts all that is overdue.
    op.execute(
        "CREATE STATISTICS st_grievance_open (mcv)"
        " ON state, answered_at, closed_at, withdrawn_at FROM grievance"
    )
    op.execute(LET_DO)
    op.execute(NOW)
    op.execute(APPEAL)


def downgrade() -> None:
    op.execute(BEFORE)
    op.execute("DROP FUNCTION redress_let_do(regclass, text)")
    op.execute("DROP STATISTICS st_grievance_open")
    op.drop_index("ix_pause_open", "pause")
    op.drop_index("ix_decision_to_approve", "decision")
    op.drop_index("ix_remedy_to_verify", "remedy")
    op.drop_column("appeal", "admitted_by_id")
    op.drop_column("appeal", "late_because")

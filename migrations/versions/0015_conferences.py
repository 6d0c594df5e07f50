"""Order in plans, who sits at a joint conference, and the steps that it agreed on.

Revises: 0014
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

OLD_SEAT, SEAT = (
    "uq_conference_office_conference_id_office_id",
    "uq_conference_office_conference_id_office_id_officer_id",
)

# access.guard_statement(PlanStep), before and now: the offices at the conference that agreed on a
# step see it too.
BEFORE = """SELECT redress_guard('plan_step', $rows$(SELECT redress_sees_all()) OR (EXISTS (SELECT 1 FROM grievance WHERE grievance.id = plan_step.grievance_id AND grievance.responsible_office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))))) OR (EXISTS (SELECT 1 FROM grievance WHERE grievance.id = plan_step.grievance_id AND grievance.respondent_office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[])))))$rows$, NULL, '{}')"""
NOW = """SELECT redress_guard('plan_step', $rows$(SELECT redress_sees_all()) OR (EXISTS (SELECT 1 FROM grievance WHERE grievance.id = plan_step.grievance_id AND grievance.responsible_office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))))) OR (EXISTS (SELECT 1 FROM grievance WHERE grievance.id = plan_step.grievance_id AND grievance.respondent_office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))))) OR (EXISTS (SELECT 1 FROM joint_conference WHERE joint_conference.id = plan_step.conference_id AND (EXISTS (SELECT 1 FROM conference_office WHERE joint_conference.id = conference_office.conference_id AND conference_office.office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[])))))))$rows$, NULL, '{}')"""
# The same of ConferenceOffice: who is in the chair, and the offices whose grievance it is, see all
# the seats; and the new columns.
SEATS_BEFORE = """SELECT redress_guard('conference_office', $rows$(SELECT redress_sees_all()) OR conference_office.office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))) OR (EXISTS (SELECT 1 FROM joint_conference WHERE joint_conference.id = conference_office.conference_id AND joint_conference.office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[])))))$rows$, NULL, '{}')"""
SEATS_NOW = """SELECT redress_guard('conference_office', $rows$(SELECT redress_sees_all()) OR conference_office.office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))) OR (EXISTS (SELECT 1 FROM joint_conference WHERE joint_conference.id = conference_office.conference_id AND joint_conference.office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))))) OR (EXISTS (SELECT 1 FROM joint_conference WHERE joint_conference.id = conference_office.conference_id AND (EXISTS (SELECT 1 FROM officer WHERE officer.id = joint_conference.chair_id AND officer.office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))))))) OR (EXISTS (SELECT 1 FROM joint_conference WHERE joint_conference.id = conference_office.conference_id AND (EXISTS (SELECT 1 FROM grievance WHERE grievance.id = joint_conference.grievance_id AND grievance.responsible_office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))))))) OR (EXISTS (SELECT 1 FROM joint_conference WHERE joint_conference.id = conference_office.conference_id AND (EXISTS (SELECT 1 FROM grievance WHERE grievance.id = joint_conference.grievance_id AND grievance.respondent_office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[])))))))$rows$, NULL, '{}')"""


def upgrade() -> None:
    op.add_column("plan_step", sa.Column("position", sa.Integer(), nullable=True))
    op.add_column("plan_step", sa.Column("conference_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        "fk_plan_step_conference_id",
        "plan_step",
        "joint_conference",
        ["conference_id"],
        ["id"],
        ondelete="RESTRICT",
    )
    op.create_index("ix_plan_step_conference_id_id", "plan_step", ["conference_id", "id"])
    op.add_column("conference_office", sa.Column("officer_id", sa.BigInteger(), nullable=True))
    op.add_column("conference_office", sa.Column("was_there", sa.Boolean(), nullable=True))
    op.create_foreign_key(
        "fk_conference_office_officer_id",
        "conference_office",
        "officer",
        ["officer_id"],
        ["id"],
        ondelete="RESTRICT",
    )
    op.create_index("ix_conference_office_officer_id_id", "conference_office", ["officer_id", "id"])
    op.drop_constraint(OLD_SEAT, "conference_office")
    op.create_unique_constraint(
        SEAT,
        "conference_office",
        ["conference_id", "office_id", "officer_id"],
        postgresql_nulls_not_distinct=True,
    )
    op.create_index(
        "ix_grievance_waits",
        "grievance",
        ["due_at", "id"],
        postgresql_where=sa.text("state NOT IN ('closed', 'withdrawn', 'duplicate')"),
    )
    op.execute(NOW)
    op.execute(SEATS_NOW)


def downgrade() -> None:
    op.execute(BEFORE)
    op.execute(SEATS_BEFORE)
    op.drop_index("ix_grievance_waits", "grievance")
    op.drop_constraint(SEAT, "conference_office")
    op.execute(
        "DELETE FROM conference_office AS more USING conference_office AS one"
        " WHERE more.conference_id = one.conference_id AND more.office_id = one.office_id"
        " AND more.id > one.id"
    )
    op.create_unique_constraint(OLD_SEAT, "conference_office", ["conference_id", "office_id"])
    op.drop_column("conference_office", "was_there")
    op.drop_column("conference_office", "officer_id")
    op.drop_column("plan_step", "conference_id")
    op.drop_column("plan_step", "position")

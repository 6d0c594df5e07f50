"""Indexes of the open grievances, for the page of what waits on an officer.

Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

WAITS_ON = {
    "handler": "handler_id",
    "leader": "lead_official_id",
    "office": "responsible_office_id",
}


def upgrade() -> None:
    for who, column in WAITS_ON.items():
        op.create_index(
            f"ix_grievance_waits_on_{who}",
            "grievance",
            [column, "due_at", "id"],
            postgresql_where=sa.text("state NOT IN ('closed', 'withdrawn')"),
        )


def downgrade() -> None:
    for who in WAITS_ON:
        op.drop_index(f"ix_grievance_waits_on_{who}", "grievance")

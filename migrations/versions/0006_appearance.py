"""The colours that an officer chose.

Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

APPEARANCE = sa.Enum(
    "as_the_system",
    "light",
    "dark",
    name="appearance",
    native_enum=False,
    create_constraint=True,
    length=40,
)

# access.guard_statement: what the application may write of an officer is named column by column.
GUARD = """SELECT redress_guard('officer', $rows$true$rows$, $rows$(SELECT redress_administers()) OR officer.id = (SELECT redress_officer())$rows$, '{password_hash}'), redress_keep('officer', '{roles}')"""


def upgrade() -> None:
    op.add_column("officer", sa.Column("appearance", APPEARANCE, nullable=True))
    op.execute(GUARD)


def downgrade() -> None:
    op.drop_column("officer", "appearance")
    op.execute(GUARD)

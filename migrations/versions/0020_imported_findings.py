"""Findings of another system, and which import brought them; what kind of record an import brings.

Revises: 0019
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

NUMBERED = "uq_finding_office_id_reference"


def upgrade() -> None:
    op.add_column("finding", sa.Column("source", sa.String(80), nullable=True))
    op.add_column("finding", sa.Column("import_batch_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk_finding_import_batch_id"),
        "finding",
        "import_batch",
        ["import_batch_id"],
        ["id"],
        ondelete="RESTRICT",
    )
    op.create_index("ix_finding_import_batch_id_id", "finding", ["import_batch_id", "id"])
    op.drop_constraint(NUMBERED, "finding")
    op.create_index(
        NUMBERED,
        "finding",
        ["office_id", "reference"],
        unique=True,
        postgresql_where=sa.text("source IS NULL"),
    )
    op.create_unique_constraint(
        op.f("uq_finding_source_reference"), "finding", ["source", "reference"]
    )
    op.create_check_constraint(
        op.f("ck_finding_source_has_number"), "finding", "source IS NULL OR reference IS NOT NULL"
    )
    op.add_column(
        "import_batch",
        sa.Column("brings", sa.String(40), nullable=False, server_default="grievances"),
    )
    op.create_check_constraint(
        op.f("ck_import_batch_brings"), "import_batch", "brings IN ('grievances', 'findings')"
    )
    op.create_index("ix_import_batch_brings_id", "import_batch", ["brings", "id"])
    op.execute("GRANT SELECT (source, import_batch_id) ON finding TO redress_reader")
    op.execute("GRANT SELECT (brings) ON import_batch TO redress_reader")


def downgrade() -> None:
    """Of findings that come from several systems under one number of an office, the later ones go
    without it."""
    op.drop_column("import_batch", "brings")
    op.drop_column("finding", "import_batch_id")
    op.execute("ALTER TABLE finding DISABLE TRIGGER USER")
    op.drop_constraint("ck_finding_source_has_number", "finding")
    op.execute(
        "UPDATE finding AS later SET reference = NULL FROM finding AS one"
        " WHERE one.office_id = later.office_id AND one.reference = later.reference"
        " AND one.id < later.id"
    )
    op.execute("ALTER TABLE finding ENABLE TRIGGER USER")
    op.drop_index(NUMBERED, "finding")
    op.drop_column("finding", "source")
    op.create_unique_constraint(op.f(NUMBERED), "finding", ["office_id", "reference"])

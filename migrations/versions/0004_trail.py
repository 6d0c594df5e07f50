"""The trail in months, chained and signed.

Revises: 0003
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Until 0002 brings it.
OFFICER = """
DO $do$ BEGIN
IF to_regprocedure('redress_officer()') IS NULL THEN
    CREATE FUNCTION redress_officer() RETURNS bigint LANGUAGE sql STABLE AS $$
        SELECT nullif(current_setting('redress.officer_id', true), '')::bigint $$;
END IF; END $do$
"""

NOTE = """
CREATE FUNCTION redress_note(verb text, record_type text, record_id bigint, changes jsonb)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF verb IN ('insert', 'update', 'delete') THEN
        RAISE EXCEPTION 'changes are noted by triggers' USING ERRCODE = 'insufficient_privilege';
    END IF;
    INSERT INTO audit_entry (at, officer_id, verb, record_type, record_id, request_id, changes)
    VALUES (clock_timestamp(), nullif(redress_officer(), 0), verb, record_type, record_id,
            nullif(current_setting('redress.request_id', true), ''), changes);
END $$
"""


def upgrade() -> None:
    op.execute(OFFICER)
    op.execute(NOTE)


def downgrade() -> None:
    op.execute("DROP FUNCTION redress_note(text, text, bigint, jsonb)")
    op.execute("DROP FUNCTION redress_officer()")

"""Who asks is proved to the database, and each row knows who may see it.

Revises: 0001
"""

import sqlalchemy as sa
from alembic import op
from alembic.util import CommandError

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Only the owner enters this schema.
PRIVATE = """
CREATE SCHEMA redress_private;
CREATE TABLE redress_private.ticket_key (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    inner_pad bytea NOT NULL CHECK (octet_length(inner_pad) = 64),
    outer_pad bytea NOT NULL CHECK (octet_length(outer_pad) = 64)
);
"""

# A ticket is session.officer.issued.HMAC-SHA256: see access.sign_ticket. It is for a transaction
# that begins when it is issued, give or take the difference of two clocks; a later one may come
# within a long transaction.
TICKET = """
CREATE FUNCTION redress_private.ticket(OUT session_id bigint, OUT officer_id bigint)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    sent text := nullif(current_setting('redress.ticket', true), '');
    part text[];
    is_ours boolean;
BEGIN
    IF sent IS NULL OR sent !~ '^[0-9]{1,18}[.][0-9]{1,18}[.][0-9]{1,11}[.][0-9a-f]{64}$' THEN
        RETURN;
    END IF;
    part := string_to_array(sent, '.');
    IF part[3]::bigint NOT BETWEEN extract(epoch FROM transaction_timestamp()) - 300
                               AND extract(epoch FROM clock_timestamp()) + 300 THEN
        RETURN;
    END IF;
    SELECT encode(sha256(k.outer_pad || sha256(k.inner_pad || convert_to(
        concat_ws('.', part[1], part[2], part[3]), 'UTF8'))), 'hex') = part[4]
    INTO is_ours FROM redress_private.ticket_key k;
    IF is_ours THEN
        session_id := part[1];
        officer_id := part[2];
    END IF;
END $$
"""

# A log-in that ended, and an officer who left, are nobody from the next transaction on. The bureau
# may be a day ahead of this clock or behind it: the application asks to the hour.
OFFICER = """
CREATE FUNCTION redress_officer() RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    asks record;
BEGIN
    SELECT * INTO asks FROM redress_private.ticket();
    IF asks.officer_id IS NULL OR asks.officer_id = 0 THEN
        RETURN asks.officer_id;
    END IF;
    IF asks.session_id > 0 AND NOT EXISTS (
        SELECT FROM officer_session s
        WHERE s.id = asks.session_id AND s.officer_id = asks.officer_id
          AND (s.ended_at IS NULL OR s.ended_at >= transaction_timestamp())
    ) THEN
        RETURN NULL;
    END IF;
    RETURN (SELECT o.id FROM officer o
            WHERE o.id = asks.officer_id AND (o.left_on IS NULL OR o.left_on >= current_date));
END $$
"""

HOLDS = """
CREATE FUNCTION redress_private.holds(VARIADIC wanted text[]) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    asks bigint := public.redress_officer();
BEGIN
    RETURN asks = 0 OR coalesce(
        (SELECT o.roles::text[] && wanted FROM officer o WHERE o.id = asks), false);
END $$
"""


def asks_for(name: str, *roles: str) -> str:
    wanted = ", ".join(f"'{role}'" for role in roles)
    return f"""
CREATE FUNCTION {name}() RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RETURN redress_private.holds({wanted});
END $$
"""


# Their own office, for a supervisor those their groups are assigned to, and all below. UNION, not
# UNION ALL: it ends even where the tree has a cycle.
OFFICES = """
CREATE FUNCTION redress_offices() RETURNS bigint[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    asks bigint := redress_officer();
BEGIN
    IF asks IS NULL OR asks = 0 THEN
        RETURN '{}';
    END IF;
    RETURN ARRAY(
        WITH RECURSIVE below(id) AS (
            (SELECT o.office_id FROM officer o WHERE o.id = asks
             UNION
             SELECT a.office_id FROM supervision_assignment a
             JOIN group_membership m ON m.group_id = a.group_id
             JOIN officer o ON o.id = m.officer_id AND 'supervisor' = ANY (o.roles)
             WHERE m.officer_id = asks
               AND m.starts_on <= current_date + 1 AND a.starts_on <= current_date + 1
               AND (m.ends_on IS NULL OR m.ends_on >= current_date)
               AND (a.ends_on IS NULL OR a.ends_on >= current_date))
            UNION
            SELECT f.id FROM office f JOIN below ON f.parent_id = below.id
        )
        SELECT id FROM below);
END $$
"""


def reached(name: str, table: str, key: str) -> str:
    return f"""
CREATE FUNCTION {name}() RETURNS bigint[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RETURN ARRAY(SELECT {key} FROM {table} WHERE office_id = ANY (redress_offices()));
END $$
"""  # noqa: S608  the words of this file


FUNCTIONS = (
    TICKET,
    OFFICER,
    HOLDS,
    asks_for("redress_sees_all", "administrator", "intake", "decider", "auditor"),
    asks_for("redress_reads_trail", "administrator", "auditor"),
    asks_for("redress_supervises", "supervisor"),
    asks_for("redress_administers", "administrator"),
    OFFICES,
    reached("redress_circulated", "circulation", "reprimand_id"),
    reached("redress_conferences", "conference_office", "conference_id"),
)

# Rights and rows of one table. `rows` is who sees a row, `changes` who may add, change or delete
# it where that is another question; reports see all of it but the `hidden` columns.
GUARD = """
CREATE FUNCTION redress_guard(
    guarded regclass, rows text DEFAULT NULL, changes text DEFAULT NULL, hidden text[] DEFAULT '{}'
) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    shown text;
    held record;
BEGIN
    SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) INTO shown FROM pg_attribute
    WHERE attrelid = guarded AND attnum > 0 AND NOT attisdropped AND attname <> ALL (hidden);
    EXECUTE format('REVOKE ALL ON %s FROM redress_app, redress_reader', guarded);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO redress_app', guarded);
    EXECUTE format('GRANT SELECT (%s) ON %s TO redress_reader', shown, guarded);
    FOR held IN SELECT polname FROM pg_policy WHERE polrelid = guarded LOOP
        EXECUTE format('DROP POLICY %I ON %s', held.polname, guarded);
    END LOOP;
    IF rows IS NULL THEN
        EXECUTE format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY', guarded);
        EXECUTE format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY', guarded);
        RETURN;
    END IF;
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', guarded);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', guarded);
    EXECUTE format('CREATE POLICY redress_reports ON %s FOR SELECT TO redress_reader USING (true)',
        guarded);
    IF changes IS NULL THEN
        EXECUTE format('CREATE POLICY redress_rows ON %s USING (%s)', guarded, rows);
        RETURN;
    END IF;
    EXECUTE format('CREATE POLICY redress_rows ON %s FOR SELECT USING (%s)', guarded, rows);
    EXECUTE format('CREATE POLICY redress_adds ON %s FOR INSERT WITH CHECK (%s)', guarded, changes);
    EXECUTE format('CREATE POLICY redress_changes ON %s FOR UPDATE USING (%s)', guarded, changes);
    EXECUTE format('CREATE POLICY redress_removes ON %s FOR DELETE USING (%s)', guarded, changes);
END $$
"""

GUARDS = (
    """SELECT redress_guard('office', NULL, NULL, '{}')""",
    """SELECT redress_guard('officer', $rows$true$rows$, $rows$(SELECT redress_administers()) OR officer.id = (SELECT redress_officer())$rows$, '{password_hash}')""",
    """SELECT redress_guard('area', NULL, NULL, '{}')""",
    """SELECT redress_guard('category', NULL, NULL, '{}')""",
    """SELECT redress_guard('service_standard', NULL, NULL, '{}')""",
    """SELECT redress_guard('calendar_day', NULL, NULL, '{}')""",
    """SELECT redress_guard('grievance', $rows$(SELECT redress_sees_all()) OR grievance.responsible_office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))) OR grievance.respondent_office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[])))$rows$, NULL, '{}')""",
    """SELECT redress_guard('plan_step', $rows$(SELECT redress_sees_all()) OR (EXISTS (SELECT 1 FROM grievance WHERE grievance.id = plan_step.grievance_id AND grievance.responsible_office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))))) OR (EXISTS (SELECT 1 FROM grievance WHERE grievance.id = plan_step.grievance_id AND grievance.respondent_office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[])))))$rows$, NULL, '{}')""",
    """SELECT redress_guard('pause', $rows$(SELECT redress_sees_all()) OR (EXISTS (SELECT 1 FROM grievance WHERE grievance.id = pause.grievance_id AND grievance.responsible_office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))))) OR (EXISTS (SELECT 1 FROM grievance WHERE grievance.id = pause.grievance_id AND grievance.respondent_office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[])))))$rows$, NULL, '{}')""",
    """SELECT redress_guard('extension', $rows$(SELECT redress_sees_all()) OR (EXISTS (SELECT 1 FROM grievance WHERE grievance.id = extension.grievance_id AND grievance.responsible_office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))))) OR (EXISTS (SELECT 1 FROM grievance WHERE grievance.id = extension.grievance_id AND grievance.respondent_office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[])))))$rows$, NULL, '{}')""",
    """SELECT redress_guard('routing_objection', $rows$(SELECT redress_sees_all()) OR routing_objection.office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))) OR (EXISTS (SELECT 1 FROM grievance WHERE grievance.id = routing_objection.grievance_id AND grievance.responsible_office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))))) OR (EXISTS (SELECT 1 FROM grievance WHERE grievance.id = routing_objection.grievance_id AND grievance.respondent_office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[])))))$rows$, NULL, '{}')""",
    """SELECT redress_guard('document', $rows$(SELECT redress_sees_all()) OR (EXISTS (SELECT 1 FROM grievance WHERE grievance.id = document.grievance_id AND grievance.responsible_office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))))) OR (EXISTS (SELECT 1 FROM grievance WHERE grievance.id = document.grievance_id AND grievance.respondent_office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[])))))$rows$, NULL, '{stored_name}')""",
    """SELECT redress_guard('joint_conference', $rows$(SELECT redress_sees_all()) OR joint_conference.office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))) OR joint_conference.id = ANY (coalesce((SELECT redress_conferences()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))) OR (EXISTS (SELECT 1 FROM grievance WHERE grievance.id = joint_conference.grievance_id AND grievance.responsible_office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))))) OR (EXISTS (SELECT 1 FROM grievance WHERE grievance.id = joint_conference.grievance_id AND grievance.respondent_office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[])))))$rows$, NULL, '{}')""",
    """SELECT redress_guard('conference_office', $rows$(SELECT redress_sees_all()) OR conference_office.office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))) OR (EXISTS (SELECT 1 FROM joint_conference WHERE joint_conference.id = conference_office.conference_id AND joint_conference.office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[])))))$rows$, NULL, '{}')""",
    """SELECT redress_guard('decision', $rows$(SELECT redress_sees_all()) OR (EXISTS (SELECT 1 FROM grievance WHERE grievance.id = decision.grievance_id AND grievance.responsible_office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))))) OR (EXISTS (SELECT 1 FROM grievance WHERE grievance.id = decision.grievance_id AND grievance.respondent_office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[])))))$rows$, NULL, '{}')""",
    """SELECT redress_guard('decision_point', $rows$(SELECT redress_sees_all()) OR (EXISTS (SELECT 1 FROM decision WHERE decision.id = decision_point.decision_id AND (EXISTS (SELECT 1 FROM grievance WHERE grievance.id = decision.grievance_id AND grievance.responsible_office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))))))) OR (EXISTS (SELECT 1 FROM decision WHERE decision.id = decision_point.decision_id AND (EXISTS (SELECT 1 FROM grievance WHERE grievance.id = decision.grievance_id AND grievance.respondent_office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[])))))))$rows$, NULL, '{}')""",
    """SELECT redress_guard('remedy', $rows$(SELECT redress_sees_all()) OR remedy.office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))) OR (EXISTS (SELECT 1 FROM grievance WHERE grievance.id = remedy.grievance_id AND grievance.responsible_office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))))) OR (EXISTS (SELECT 1 FROM grievance WHERE grievance.id = remedy.grievance_id AND grievance.respondent_office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[])))))$rows$, NULL, '{}')""",
    """SELECT redress_guard('appeal', $rows$(SELECT redress_sees_all()) OR (EXISTS (SELECT 1 FROM decision WHERE decision.id = appeal.decision_id AND (EXISTS (SELECT 1 FROM grievance WHERE grievance.id = decision.grievance_id AND grievance.responsible_office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))))))) OR (EXISTS (SELECT 1 FROM decision WHERE decision.id = appeal.decision_id AND (EXISTS (SELECT 1 FROM grievance WHERE grievance.id = decision.grievance_id AND grievance.respondent_office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[])))))))$rows$, NULL, '{}')""",
    """SELECT redress_guard('feedback', $rows$(SELECT redress_sees_all()) OR (EXISTS (SELECT 1 FROM grievance WHERE grievance.id = feedback.grievance_id AND grievance.responsible_office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))))) OR (EXISTS (SELECT 1 FROM grievance WHERE grievance.id = feedback.grievance_id AND grievance.respondent_office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[])))))$rows$, NULL, '{}')""",
    """SELECT redress_guard('retaliation_report', $rows$(SELECT redress_sees_all()) OR retaliation_report.office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[])))$rows$, NULL, '{}')""",
    """SELECT redress_guard('grievance_link', $rows$(SELECT redress_sees_all()) OR (EXISTS (SELECT 1 FROM grievance WHERE grievance.id = grievance_link.grievance_id AND grievance.responsible_office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))))) OR (EXISTS (SELECT 1 FROM grievance WHERE grievance.id = grievance_link.grievance_id AND grievance.respondent_office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[])))))$rows$, NULL, '{}')""",
    """SELECT redress_guard('supervision_group', NULL, NULL, '{}')""",
    """SELECT redress_guard('group_membership', NULL, NULL, '{}')""",
    """SELECT redress_guard('supervision_assignment', NULL, NULL, '{}')""",
    """SELECT redress_guard('recusal', NULL, NULL, '{}')""",
    """SELECT redress_guard('inspection', $rows$(SELECT redress_sees_all()) OR inspection.office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))) AND (inspection.done_on IS NOT NULL OR (SELECT redress_supervises()))$rows$, NULL, '{}')""",
    """SELECT redress_guard('finding', $rows$(SELECT redress_sees_all()) OR finding.office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[])))$rows$, NULL, '{}')""",
    """SELECT redress_guard('supervision_notice', $rows$(SELECT redress_sees_all()) OR supervision_notice.office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))) AND (supervision_notice.issued_on IS NOT NULL OR (SELECT redress_supervises()))$rows$, NULL, '{}')""",
    """SELECT redress_guard('reprimand', $rows$(SELECT redress_sees_all()) OR reprimand.office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))) AND (reprimand.served_on IS NOT NULL OR (SELECT redress_supervises())) OR reprimand.id = ANY (coalesce((SELECT redress_circulated()), CAST(ARRAY[]::BIGINT[] AS BIGINT[])))$rows$, NULL, '{}')""",
    """SELECT redress_guard('reprimand_evidence', $rows$(SELECT redress_sees_all()) OR (EXISTS (SELECT 1 FROM reprimand WHERE reprimand.id = reprimand_evidence.reprimand_id AND reprimand.office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))) AND (reprimand.served_on IS NOT NULL OR (SELECT redress_supervises()))))$rows$, NULL, '{}')""",
    """SELECT redress_guard('reprimand_reply', $rows$(SELECT redress_sees_all()) OR (EXISTS (SELECT 1 FROM reprimand WHERE reprimand.id = reprimand_reply.reprimand_id AND reprimand.office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))) AND (reprimand.served_on IS NOT NULL OR (SELECT redress_supervises()))))$rows$, NULL, '{}')""",
    """SELECT redress_guard('circulation', $rows$(SELECT redress_sees_all()) OR circulation.office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))) OR (EXISTS (SELECT 1 FROM reprimand WHERE reprimand.id = circulation.reprimand_id AND reprimand.office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))) AND (reprimand.served_on IS NOT NULL OR (SELECT redress_supervises()))))$rows$, NULL, '{}')""",
    """SELECT redress_guard('rectification', $rows$(SELECT redress_sees_all()) OR (EXISTS (SELECT 1 FROM reprimand WHERE reprimand.id = rectification.reprimand_id AND reprimand.office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))) AND (reprimand.served_on IS NOT NULL OR (SELECT redress_supervises()))))$rows$, NULL, '{}')""",
    """SELECT redress_guard('reprimand_appeal', $rows$(SELECT redress_sees_all()) OR (EXISTS (SELECT 1 FROM reprimand WHERE reprimand.id = reprimand_appeal.reprimand_id AND reprimand.office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[]))) AND (reprimand.served_on IS NOT NULL OR (SELECT redress_supervises()))))$rows$, NULL, '{}')""",
    """SELECT redress_guard('accountability_action', $rows$(SELECT redress_sees_all()) OR accountability_action.office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[])))$rows$, NULL, '{}')""",
    """SELECT redress_guard('number_series', NULL, NULL, '{}')""",
    """SELECT redress_guard('reception_day', $rows$(SELECT redress_sees_all()) OR reception_day.office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[])))$rows$, NULL, '{}')""",
    """SELECT redress_guard('reception', $rows$(SELECT redress_sees_all()) OR (EXISTS (SELECT 1 FROM reception_day WHERE reception_day.id = reception.reception_day_id AND reception_day.office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[])))))$rows$, NULL, '{}')""",
    """SELECT redress_guard('daily_return', $rows$(SELECT redress_sees_all()) OR daily_return.office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[])))$rows$, NULL, '{}')""",
    """SELECT redress_guard('duty_shift', $rows$(SELECT redress_sees_all()) OR duty_shift.office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[])))$rows$, NULL, '{}')""",
    """SELECT redress_guard('target', $rows$(SELECT redress_sees_all()) OR target.office_id = ANY (coalesce((SELECT redress_offices()), CAST(ARRAY[]::BIGINT[] AS BIGINT[])))$rows$, NULL, '{}')""",
    """SELECT redress_guard('saved_view', $rows$(SELECT redress_reads_trail()) OR saved_view.officer_id = (SELECT redress_officer())$rows$, $rows$saved_view.officer_id = (SELECT redress_officer()) OR (SELECT redress_officer()) = 0$rows$, '{}')""",
    """SELECT redress_guard('import_batch', NULL, NULL, '{}')""",
    """SELECT redress_guard('export_record', $rows$(SELECT redress_reads_trail()) OR export_record.officer_id = (SELECT redress_officer())$rows$, $rows$export_record.officer_id = (SELECT redress_officer()) OR (SELECT redress_officer()) = 0$rows$, '{}')""",
    """SELECT redress_guard('officer_session', $rows$true$rows$, $rows$(SELECT redress_administers()) OR officer_session.officer_id = (SELECT redress_officer())$rows$, '{token_hash,data}')""",
)

# What the search of each table looks through; "?" marks a column that may be empty.
SEARCHED = {
    "office": "name code",
    "officer": "name username",
    "area": "name",
    "category": "name",
    "service_standard": "name",
    "calendar_day": "name",
    "grievance": "number title place? external_number?",
    "plan_step": "subject",
    "document": "name",
    "joint_conference": "subject",
    "conference_office": "undertaking?",
    "decision": "subject",
    "decision_point": "point",
    "remedy": "promise",
    "appeal": "subject",
    "retaliation_report": "subject",
    "supervision_group": "name",
    "group_membership": "duty?",
    "inspection": "subject",
    "finding": "subject",
    "supervision_notice": "number? subject",
    "reprimand": "subject number?",
    "reprimand_evidence": "subject",
    "reprimand_reply": "subject",
    "rectification": "subject",
    "reprimand_appeal": "subject",
    "accountability_action": "subject",
    "number_series": "body series",
    "reception_day": "name place",
    "reception": "subject",
    "duty_shift": "name",
    "saved_view": "name",
    "import_batch": "file_name",
    "export_record": "file_name",
    "officer_session": "device",
}

# Columns that grievances are sorted by, or that refer to others: who may see a row stands in their
# indexes, so that counting them does not read the rows.
SORTED = (
    "acknowledged_at answered_at area_id category_id channel closed_at due_at external_number"
    " handler_id import_batch_id lead_official_id number received_at respondent_office_id"
    " responsible_office_id source state title withdrawn_at"
)
COVERED = ("responsible_office_id", "respondent_office_id")

# Who changed a record is who the ticket says, not who a setting says.
BY_SETTING = "nullif(current_setting('redress.officer_id', true), '')"
BY_TICKET = "nullif(redress_officer(), 0)"
STAMPED_BY = ("redress_stamp()", "redress_audit()")


def upgrade() -> None:
    make_roles()
    index_searches(lambda column, may_be_empty: (
        f"CASE WHEN ({column} IS NOT NULL) THEN {column} ELSE '' END" if may_be_empty else column))
    index_sorts(COVERED)
    for statement in PRIVATE.split(";\n"):
        if statement.strip():
            op.execute(statement)
    for function in (*FUNCTIONS, GUARD):
        op.execute(function)
    op.execute("GRANT USAGE ON SCHEMA public TO redress_app, redress_reader")
    op.execute("GRANT USAGE ON SEQUENCE grievance_number TO redress_app")
    op.execute("GRANT SELECT, INSERT, DELETE ON login_attempt TO redress_app")
    op.execute("GRANT SELECT, INSERT ON audit_entry TO redress_app")
    op.execute("GRANT SELECT ON audit_entry TO redress_reader")
    # That somebody is named, and how often it was opened, but not who it is.
    for table in ("identity", "identity_opening"):
        op.execute(f"GRANT SELECT (id, grievance_id) ON {table} TO redress_app")
    for guard in GUARDS:
        op.execute(guard)
    name_who_acts(BY_SETTING, BY_TICKET)


def downgrade() -> None:
    index_searches(lambda column, _: f"coalesce({column}, '')")
    index_sorts(())
    name_who_acts(BY_TICKET, BY_SETTING)
    connection = op.get_bind()
    for (table,) in connection.execute(
        sa.text("SELECT DISTINCT polrelid::regclass::text FROM pg_policy")
    ).all():
        for (policy,) in connection.execute(
            sa.text("SELECT polname FROM pg_policy WHERE polrelid = CAST(:t AS regclass)"),
            {"t": table},
        ).all():
            op.execute(f"DROP POLICY {policy} ON {table}")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    # The roles belong to the whole server, where other databases may use them.
    op.execute("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM redress_app, redress_reader")
    op.execute("REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM redress_app, redress_reader")
    op.execute("REVOKE USAGE ON SCHEMA public FROM redress_app, redress_reader")
    op.execute("DROP FUNCTION redress_guard(regclass, text, text, text[])")
    for name in ("conferences", "circulated", "offices", "administers", "supervises",
                 "reads_trail", "sees_all"):
        op.execute(f"DROP FUNCTION redress_{name}()")
    op.execute("DROP FUNCTION redress_private.holds(text[])")
    op.execute("DROP FUNCTION redress_officer()")
    op.execute("DROP SCHEMA redress_private CASCADE")


def make_roles() -> None:
    """Make the roles that logins are members of, where the server does not have them yet."""
    connection = op.get_bind()
    user = connection.scalar(sa.text("SELECT quote_ident(current_user)"))
    bypasses = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
    wanted = [] if connection.scalar(sa.text(bypasses)) else [f"ALTER ROLE {user} BYPASSRLS"]
    can_make = connection.scalar(
        sa.text("SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user")
    )
    there = set(connection.scalars(sa.text(
        "SELECT rolname FROM pg_roles WHERE rolname IN ('redress_app', 'redress_reader')")))
    member = "SELECT pg_has_role(current_user, :role, 'MEMBER')"
    for role in ("redress_app", "redress_reader"):
        if role not in there:
            make = [f"CREATE ROLE {role} NOLOGIN", f"GRANT {role} TO {user}"]
        elif not connection.scalar(sa.text(member), {"role": role}):
            make = [f"GRANT {role} TO {user}"]
        else:
            make = []
        if can_make and role not in there:
            for statement in make:
                op.execute(statement)
        else:
            wanted += make
    if wanted:
        database = connection.engine.url.database
        raise CommandError(
            f"The owner of the tables needs roles that it may not make here. Ask the "
            f"administrator of the server to run this in the database {database}, as a "
            f"superuser, and try again: {'; '.join(wanted)};"
        )


def index_searches(part) -> None:
    """Make the indexes of every search anew, its text put together of what `part` returns.

    PostgreSQL takes COALESCE for something that may tell of its arguments, and under row-level
    security it would not use an index on it.
    """
    for table, columns in SEARCHED.items():
        parts = [part(column.removesuffix("?"), column.endswith("?")) for column in columns.split()]
        document = "lower(" + " || ' ' || ".join(parts) + ")"
        op.execute(f"DROP INDEX ix_{table}_search, ix_{table}_pairs")
        op.execute(f"CREATE INDEX ix_{table}_search ON {table} USING gin (({document}) gin_trgm_ops)")
        op.execute(f"CREATE INDEX ix_{table}_pairs ON {table} USING gin (redress_pairs({document}))")


def index_sorts(covered: tuple[str, ...]) -> None:
    """Make the indexes of the sorts of grievances anew, with `covered` beside what they sort by."""
    for column in SORTED.split():
        beside = ", ".join(name for name in covered if name != column)
        include = f" INCLUDE ({beside})" if beside else ""
        op.execute(f"DROP INDEX ix_grievance_{column}_id")
        op.execute(f"CREATE INDEX ix_grievance_{column}_id ON grievance ({column}, id){include}")


def name_who_acts(before: str, after: str) -> None:
    """Have the triggers ask `after` instead of `before` who it was."""
    for function in STAMPED_BY:
        text = op.get_bind().scalar(
            sa.text("SELECT pg_get_functiondef(CAST(:f AS regprocedure))"), {"f": function}
        )
        if before not in text:
            raise CommandError(f"{function} is not the one that this migration knows.")
        op.execute(sa.text(text.replace(before, after).replace(":", r"\:")))

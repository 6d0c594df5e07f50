"""Identity under a data key for each grievance; openings that need two.

Revises: 0002
"""

import struct

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

FIELDS = ("name", "phone", "email", "address", "wishes")
DUTIES = ("intake", "handler", "lead_official", "office_head", "decider")
GROUNDS = (
    "to_confirm_receipt",
    "to_ask_for_what_is_missing",
    "to_invite_to_a_hearing",
    "to_send_the_answer",
    "to_carry_out_the_remedy",
    "to_decide_the_review",
    "to_shield_from_retaliation",
    "to_correct_it_at_their_wish",
)
STAMPS = "version_id, created_at, created_by_id, updated_at, updated_by_id"
SEALED = ("identity", "identity_key", "identity_request", "identity_opening")

# An officer who was transferred, and an office that was once named as complained about, are
# remembered by the database itself, whoever changes the row.
NOTE_POSTING = """
CREATE FUNCTION redress_note_posting() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO officer_posting (officer_id, office_id) VALUES (OLD.id, OLD.office_id);
    RETURN NULL;
END $$
"""
NOTE_RESPONDENT = """
CREATE FUNCTION redress_note_respondent() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO former_respondent (grievance_id, office_id)
    VALUES (OLD.id, OLD.respondent_office_id) ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$
"""
TWO_STAY = """
CREATE FUNCTION redress_two_stay() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM identity i WHERE i.grievance_id = OLD.id) THEN
        RAISE EXCEPTION 'grievance % needs two for as long as an identity is sealed', OLD.id
        USING ERRCODE = 'check_violation', SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME,
            CONSTRAINT = format('ck_%s_two_stay', TG_TABLE_NAME);
    END IF;
    RETURN NEW;
END $$
"""

# The rules of rules/identity.py and rules/impartiality.py once more, where no fault of the
# application gets past them; a test holds the two against each other. $1 the officer, $2 the
# grievance.
IS_PARTIAL = """
CREATE FUNCTION redress_is_partial(bigint, bigint) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
WITH RECURSIVE
matter AS (
    SELECT g.kind::text, g.identity_needs_two, g.respondent_office_id FROM grievance g
    WHERE g.id = $2),
respondents(id) AS (
    SELECT respondent_office_id FROM matter WHERE respondent_office_id IS NOT NULL
    UNION SELECT office_id FROM former_respondent WHERE grievance_id = $2),
served(id) AS (
    SELECT office_id FROM officer WHERE id = $1
    UNION SELECT office_id FROM officer_posting
        WHERE officer_id = $1 AND until_at > now() - interval '730 days'
    UNION SELECT office_id FROM recusal
        WHERE officer_id = $1 AND set_aside_on IS NULL AND starts_on <= current_date
          AND (ends_on IS NULL OR ends_on > current_date)),
below(id) AS (
    SELECT id FROM respondents
    UNION SELECT o.id FROM office o JOIN below b ON o.parent_id = b.id),
above(id) AS (
    SELECT id FROM respondents
    UNION SELECT o.parent_id FROM office o JOIN above a ON o.id = a.id
        WHERE o.parent_id IS NOT NULL)
SELECT NOT EXISTS (SELECT FROM matter)
    OR NOT EXISTS (SELECT FROM served)
    OR (EXISTS (SELECT FROM matter WHERE kind <> 'service')
        AND NOT EXISTS (SELECT FROM respondents))
    OR EXISTS (SELECT FROM served JOIN below USING (id))
    OR (EXISTS (SELECT FROM matter WHERE kind = 'conduct' OR identity_needs_two)
        AND EXISTS (SELECT FROM served JOIN above USING (id)))
$$
"""
HAS_DUTY = """
CREATE FUNCTION redress_has_duty(bigint, bigint) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
SELECT EXISTS (
    SELECT FROM officer o, grievance g
    WHERE o.id = $1 AND g.id = $2
      AND NOT o.roles::text[] && ARRAY['administrator', 'auditor']
      AND (o.left_on IS NULL OR o.left_on >= current_date)
      AND ('intake' = ANY (o.roles)
        OR ('handler' = ANY (o.roles) AND g.handler_id = o.id)
        OR ('lead_official' = ANY (o.roles) AND g.lead_official_id = o.id)
        OR ('office_head' = ANY (o.roles) AND g.responsible_office_id = o.office_id)
        OR ('decider' = ANY (o.roles)
            AND g.handler_id IS DISTINCT FROM o.id AND g.lead_official_id IS DISTINCT FROM o.id
            AND EXISTS (SELECT FROM appeal a JOIN decision d ON d.id = a.decision_id
                WHERE d.grievance_id = g.id AND a.state = 'filed')
            AND NOT EXISTS (SELECT FROM appeal a JOIN decision d ON d.id = a.decision_id
                WHERE d.grievance_id = g.id AND a.state = 'filed' AND a.first_decider_id = o.id)))
)
$$
"""

# The only way to the sealed bytes. It gives them to the officer of an opening that runs now, that
# is on the disk already (a transaction that could still be rolled back has logged nothing), and
# that somebody else agreed to where it takes two.
READ = """
CREATE FUNCTION redress_identity(opening bigint) RETURNS TABLE (
    grievance_id bigint, key_version integer, name bytea, phone bytea, email bytea,
    address bytea, wishes bytea, kek_version integer, wrapped bytea)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    asks bigint := redress_officer();
    here bigint := pg_current_xact_id()::text::bigint;
    stands record;
    before bigint;
BEGIN
    SELECT o.*, o.xmin::text::bigint AS low_xid, g.identity_needs_two INTO stands
    FROM identity_opening o JOIN grievance g ON g.id = o.grievance_id
    WHERE o.id = opening AND o.officer_id = asks
      AND clock_timestamp() BETWEEN o.opened_at AND o.ends_at;
    IF stands.id IS NULL THEN
        RETURN;
    END IF;
    -- xmin is the lower half of the number of the transaction that wrote the row, which must have
    -- come before this one and its savepoints.
    before := (here - stands.low_xid) & 4294967295;
    IF before = 0 OR before >= 2147483648
        OR pg_xact_status((here - before)::text::xid8) IS DISTINCT FROM 'committed'
        OR NOT redress_has_duty(asks, stands.grievance_id)
        OR redress_is_partial(asks, stands.grievance_id)
        OR (stands.identity_needs_two AND NOT EXISTS (
            SELECT FROM identity_request r
            WHERE r.id = stands.request_id AND r.state = 'granted' AND r.officer_id = asks
              AND r.grievance_id = stands.grievance_id AND r.decided_by_id <> asks
              AND redress_has_duty(r.decided_by_id, r.grievance_id)
              AND NOT redress_is_partial(r.decided_by_id, r.grievance_id)))
    THEN
        RETURN;
    END IF;
    RETURN QUERY
        SELECT i.grievance_id, i.key_version, i.name, i.phone, i.email, i.address, i.wishes,
               k.kek_version, k.wrapped
        FROM identity i JOIN identity_key k USING (grievance_id, key_version)
        WHERE i.grievance_id = stands.grievance_id;
END $$
"""

# Rotation: wrapped keys without the fields they open, for the system alone; and back again, where
# nobody sealed anew in the meantime.
WRAPPED = """
CREATE FUNCTION redress_wrapped_keys(after bigint, other_than integer, most integer)
RETURNS TABLE (grievance_id bigint, key_version integer, kek_version integer, wrapped bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT k.grievance_id, k.key_version, k.kek_version, k.wrapped FROM identity_key k
    WHERE redress_officer() = 0 AND k.grievance_id > after AND k.kek_version <> other_than
    ORDER BY k.grievance_id LIMIT most
$$
"""
REWRAP = """
CREATE FUNCTION redress_rewrap(
    grievances bigint[], key_versions integer[], old_versions integer[], keys bytea[],
    new_version integer
) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    WITH done AS (
        UPDATE identity_key k SET kek_version = new_version, wrapped = n.wrapped
        FROM unnest(grievances, key_versions, old_versions, keys)
            n (grievance_id, key_version, kek_version, wrapped)
        WHERE redress_officer() = 0 AND k.grievance_id = n.grievance_id
          AND k.key_version = n.key_version AND k.kek_version = n.kek_version
        RETURNING 1)
    SELECT count(*) FROM done
$$
"""

FUNCTIONS = {
    "redress_note_posting()": NOTE_POSTING,
    "redress_note_respondent()": NOTE_RESPONDENT,
    "redress_two_stay()": TWO_STAY,
    "redress_is_partial(bigint, bigint)": IS_PARTIAL,
    "redress_has_duty(bigint, bigint)": HAS_DUTY,
    "redress_identity(bigint)": READ,
    "redress_wrapped_keys(bigint, integer, integer)": WRAPPED,
    "redress_rewrap(bigint[], integer[], integer[], bytea[], integer)": REWRAP,
}
FOR_THE_APPLICATION = tuple(name for name in FUNCTIONS if "note" not in name and "two" not in name)

TRIGGERS = (
    "redress_note_posting AFTER UPDATE OF office_id ON officer FOR EACH ROW"
    " WHEN (OLD.office_id IS DISTINCT FROM NEW.office_id)"
    " EXECUTE FUNCTION redress_note_posting()",
    "redress_note_respondent AFTER UPDATE OF respondent_office_id ON grievance FOR EACH ROW"
    " WHEN (OLD.respondent_office_id IS NOT NULL"
    " AND OLD.respondent_office_id IS DISTINCT FROM NEW.respondent_office_id)"
    " EXECUTE FUNCTION redress_note_respondent()",
    "redress_two_stay BEFORE UPDATE OF identity_needs_two ON grievance FOR EACH ROW"
    " WHEN (OLD.identity_needs_two AND NOT NEW.identity_needs_two)"
    " EXECUTE FUNCTION redress_two_stay()",
)

# What the trail already knows of earlier transfers.
REMEMBERED = (
    "INSERT INTO officer_posting (officer_id, office_id, until_at)"
    " SELECT o.id, f.id, a.at FROM audit_entry a"
    " JOIN officer o ON o.id = a.record_id"
    " JOIN office f ON f.id = (a.changes #>> '{office_id,0}')::bigint"
    " WHERE a.record_type = 'officer' AND a.verb = 'update' AND a.changes ? 'office_id'",
    "INSERT INTO former_respondent (grievance_id, office_id, until_at)"
    " SELECT g.id, f.id, max(a.at) FROM audit_entry a"
    " JOIN grievance g ON g.id = a.record_id"
    " JOIN office f ON f.id = (a.changes #>> '{respondent_office_id,0}')::bigint"
    " WHERE a.record_type = 'grievance' AND a.verb = 'update'"
    " AND a.changes ? 'respondent_office_id' GROUP BY g.id, f.id",
)

# A row stands where its grievance does: the condition of the grievance decides who sees it.
SEES_GRIEVANCE = (
    "(SELECT redress_officer()) IS NOT NULL AND EXISTS"
    " (SELECT FROM grievance g WHERE g.id = {table}.grievance_id)"
)
ASKS = "(SELECT redress_officer())"
# Who reads, adds, changes and removes rows of each table as the application; the columns it may
# read and write. A sealed field and a wrapped key are in no list of what is read.
RIGHTS = {
    "identity": {
        "select": f"id, grievance_id, key_version, {STAMPS}",
        "insert": f"grievance_id, key_version, {', '.join(FIELDS)}",
        "update": f"key_version, {', '.join(FIELDS)}",
    },
    "identity_key": {
        "select": f"id, grievance_id, key_version, kek_version, {STAMPS}",
        "insert": "grievance_id, key_version, kek_version, wrapped",
        "update": "key_version, kek_version, wrapped",
    },
    "identity_request": {
        "select": "",
        "insert": "grievance_id, officer_id, duty, ground, reason",
        "update": "state, decided_at, decided_by_id, version_id",
    },
    "identity_opening": {
        "select": "",
        "insert": "grievance_id, officer_id, office_id, duty, ground, reason, ends_at, request_id",
        "update": "",
    },
    "officer_posting": {"select": "", "insert": "", "update": ""},
    "former_respondent": {"select": "", "insert": "", "update": ""},
}
ADDED_BY = {
    "identity": SEES_GRIEVANCE,
    "identity_key": SEES_GRIEVANCE,
    "identity_request": f"officer_id = {ASKS} AND {SEES_GRIEVANCE}",
    "identity_opening": f"officer_id = {ASKS} AND {SEES_GRIEVANCE}",
}
CHANGED_BY = {
    "identity": SEES_GRIEVANCE,
    "identity_key": SEES_GRIEVANCE,
    "identity_request": f"state = 'asked' AND officer_id <> {ASKS} AND {SEES_GRIEVANCE}",
}


def guard(table: str) -> None:
    rights = RIGHTS[table]
    sees = SEES_GRIEVANCE.format(table=table)
    op.execute(f"REVOKE ALL ON {table} FROM PUBLIC, redress_app, redress_reader")
    shown = f" ({rights['select']})" if rights["select"] else ""
    op.execute(f"GRANT SELECT{shown} ON {table} TO redress_app")
    for verb in ("insert", "update"):
        if rights[verb]:
            op.execute(f"GRANT {verb} ({rights[verb]}) ON {table} TO redress_app")
    if table == "officer_posting":
        return  # of officers, and of no case
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY redress_rows ON {table} FOR SELECT TO redress_app USING ({sees})")
    if table in ADDED_BY:
        check = ADDED_BY[table].format(table=table)
        op.execute(
            f"CREATE POLICY redress_adds ON {table} FOR INSERT TO redress_app WITH CHECK ({check})"
        )
    if table in CHANGED_BY:
        using = CHANGED_BY[table].format(table=table)
        check = (
            f"decided_by_id = {ASKS} AND state <> 'asked'"
            if table == "identity_request"
            else using
        )
        op.execute(
            f"CREATE POLICY redress_changes ON {table} FOR UPDATE TO redress_app"
            f" USING ({using}) WITH CHECK ({check})"
        )
    if table in ("identity", "identity_key"):
        op.execute(f"GRANT DELETE ON {table} TO redress_app")
        op.execute(
            f"CREATE POLICY redress_removes ON {table} FOR DELETE TO redress_app"
            f" USING ({ASKS} = 0)"
        )


def closed_list(name: str, values: tuple[str, ...]) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def stamps() -> list[sa.Column[object]]:
    return [
        sa.Column("version_id", sa.Integer(), server_default="1", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("created_by_id", sa.BigInteger(), nullable=True),
        sa.Column("updated_by_id", sa.BigInteger(), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
    ]


def refers(table: str, column: str, to: str, ondelete: str = "RESTRICT") -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}")
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=name, ondelete=ondelete)


def stamped_by(table: str) -> list[sa.Constraint]:
    return [
        refers(table, "created_by_id", "officer"),
        refers(table, "updated_by_id", "officer"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    ]


def past(table: str, key: str, other: str) -> list[sa.Column[object] | sa.Constraint]:
    return [
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(key, sa.BigInteger(), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "until_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        refers(table, key, other, "CASCADE"),
        refers(table, "office_id", "office", "CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    ]


def make_tables() -> None:
    op.create_table(
        "identity_key",
        sa.Column("grievance_id", sa.BigInteger(), nullable=False),
        sa.Column("key_version", sa.Integer(), nullable=False),
        sa.Column("kek_version", sa.Integer(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        *stamps(),
        sa.CheckConstraint(
            "octet_length(wrapped) > 0", name=op.f("ck_identity_key_something_sealed")
        ),
        sa.CheckConstraint(
            "key_version > 0 AND kek_version > 0", name=op.f("ck_identity_key_known_key")
        ),
        refers("identity_key", "grievance_id", "grievance"),
        *stamped_by("identity_key"),
        sa.UniqueConstraint("grievance_id", name=op.f("uq_identity_key_grievance_id")),
    )
    op.create_table(
        "identity_request",
        sa.Column("grievance_id", sa.BigInteger(), nullable=False),
        sa.Column("officer_id", sa.BigInteger(), nullable=False),
        sa.Column("duty", closed_list("duty", DUTIES), nullable=False),
        sa.Column("ground", closed_list("openingground", GROUNDS), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column(
            "asked_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column(
            "state",
            closed_list("requeststate", ("asked", "granted", "refused")),
            server_default="asked",
            nullable=False,
        ),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by_id", sa.BigInteger(), nullable=True),
        *stamps(),
        sa.CheckConstraint(
            "(state <> 'asked') = (decided_at IS NOT NULL)",
            name=op.f("ck_identity_request_decided_has_time"),
        ),
        sa.CheckConstraint(
            "num_nonnulls(decided_at, decided_by_id) IN (0, 2)",
            name=op.f("ck_identity_request_decided_by_someone"),
        ),
        sa.CheckConstraint(
            "decided_by_id <> officer_id", name=op.f("ck_identity_request_decided_by_another")
        ),
        sa.CheckConstraint(
            "btrim(reason) <> ''", name=op.f("ck_identity_request_reason_not_blank")
        ),
        refers("identity_request", "grievance_id", "grievance"),
        refers("identity_request", "officer_id", "officer"),
        refers("identity_request", "decided_by_id", "officer"),
        *stamped_by("identity_request"),
    )
    op.create_index(
        "uq_identity_request_one_open",
        "identity_request",
        ["grievance_id", "officer_id"],
        unique=True,
        postgresql_where=sa.text("state = 'asked'"),
    )
    op.create_table("officer_posting", *past("officer_posting", "officer_id", "officer"))
    op.create_table(
        "former_respondent", *past("former_respondent", "grievance_id", "grievance")
    )
    op.create_index("ix_officer_posting_officer", "officer_posting", ["officer_id"])
    op.create_unique_constraint(
        op.f("uq_former_respondent_grievance_id_office_id"),
        "former_respondent",
        ["grievance_id", "office_id"],
    )


def widen_openings() -> None:
    """Openings of before, of which no version of the product made any, get what they lack."""
    table = "identity_opening"
    op.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    op.add_column(table, sa.Column("office_id", sa.BigInteger()))
    op.add_column(table, sa.Column("duty", closed_list("duty", DUTIES)))
    op.add_column(table, sa.Column("ground", closed_list("openingground", GROUNDS)))
    op.add_column(table, sa.Column("ends_at", sa.DateTime(timezone=True)))
    op.add_column(table, sa.Column("request_id", sa.BigInteger()))
    op.execute(
        "UPDATE identity_opening i SET office_id = o.office_id, duty = 'intake',"
        " ground = 'to_send_the_answer', ends_at = i.opened_at + interval '5 minutes'"
        " FROM officer o WHERE o.id = i.officer_id"
    )
    for column in ("office_id", "duty", "ground", "ends_at"):
        op.alter_column(table, column, nullable=False)
    op.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    op.create_foreign_key(
        op.f(f"fk_{table}_office_id"), table, "office", ["office_id"], ["id"], ondelete="RESTRICT"
    )
    op.create_foreign_key(
        op.f(f"fk_{table}_request_id"),
        table,
        "identity_request",
        ["request_id"],
        ["id"],
        ondelete="RESTRICT",
    )
    op.create_unique_constraint(op.f(f"uq_{table}_request_id"), table, ["request_id"])
    op.create_check_constraint(
        op.f(f"ck_{table}_open_a_while"),
        table,
        "ends_at > opened_at AND ends_at <= opened_at + interval '1 hour'",
    )


# --- The sealed fields and their keys as the one ciphertext of 0001, and back ----------------

PACKED = b"redress-0003"


def pack(parts: list[bytes]) -> bytes:
    return PACKED + b"".join(struct.pack(">I", len(part)) + part for part in parts)


def unpack(packed: bytes) -> list[bytes]:
    if not packed.startswith(PACKED):
        return []
    parts, at = [], len(PACKED)
    while at < len(packed):
        (length,) = struct.unpack_from(">I", packed, at)
        parts.append(packed[at + 4 : at + 4 + length])
        at += 4 + length
    return parts


def spread_identities() -> None:
    """A row that this migration packed comes back; another was sealed by no version of the product
    and has no key that opens it."""
    connection = op.get_bind()
    for field in FIELDS:
        op.add_column("identity", sa.Column(field, sa.LargeBinary()))
    op.execute("ALTER TABLE identity DISABLE TRIGGER USER")
    rows = connection.execute(
        sa.text("SELECT id, grievance_id, key_version, ciphertext FROM identity")
    )
    for row in rows.fetchall():
        parts = unpack(bytes(row.ciphertext))
        if not parts:
            connection.execute(sa.text("DELETE FROM identity WHERE id = :id"), {"id": row.id})
            continue
        sealed = dict(zip(FIELDS, parts[:5], strict=True))
        connection.execute(
            sa.text(
                "UPDATE identity SET name = :name, phone = :phone, email = :email,"
                " address = :address, wishes = :wishes WHERE id = :id"
            ),
            sealed | {"id": row.id},
        )
        if len(parts) == 7:
            connection.execute(
                sa.text(
                    "INSERT INTO identity_key (grievance_id, key_version, kek_version, wrapped)"
                    " VALUES (:grievance_id, :key_version, :kek_version, :wrapped)"
                ),
                {
                    "grievance_id": row.grievance_id,
                    "key_version": row.key_version,
                    "kek_version": int(parts[5]),
                    "wrapped": parts[6],
                },
            )
    op.execute("ALTER TABLE identity ENABLE TRIGGER USER")
    for field in FIELDS:
        op.alter_column("identity", field, nullable=False)
    op.drop_column("identity", "ciphertext")
    lengths = ", ".join(f"octet_length({field})" for field in FIELDS)
    op.create_check_constraint(
        op.f("ck_identity_something_sealed"), "identity", f"least({lengths}) >= 92"
    )


def gather_identities() -> None:
    connection = op.get_bind()
    op.drop_constraint("ck_identity_something_sealed", "identity")
    op.add_column("identity", sa.Column("ciphertext", sa.LargeBinary()))
    op.execute("ALTER TABLE identity DISABLE TRIGGER USER")
    rows = connection.execute(
        sa.text(
            "SELECT i.*, k.kek_version, k.wrapped FROM identity i"
            " LEFT JOIN identity_key k USING (grievance_id, key_version)"
        )
    )
    for row in rows.fetchall():
        parts = [bytes(getattr(row, field)) for field in FIELDS]
        if row.wrapped is not None:
            parts += [str(row.kek_version).encode(), bytes(row.wrapped)]
        connection.execute(
            sa.text("UPDATE identity SET ciphertext = :packed WHERE id = :id"),
            {"packed": pack(parts), "id": row.id},
        )
    op.execute("ALTER TABLE identity ENABLE TRIGGER USER")
    op.alter_column("identity", "ciphertext", nullable=False)
    for field in FIELDS:
        op.drop_column("identity", field)
    op.create_check_constraint(
        op.f("ck_identity_something_sealed"), "identity", "octet_length(ciphertext) > 0"
    )


def upgrade() -> None:
    op.add_column(
        "grievance",
        sa.Column(
            "identity_needs_two", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
    )
    op.execute("GRANT SELECT (identity_needs_two) ON grievance TO redress_reader")
    make_tables()
    op.drop_constraint("ck_identity_something_sealed", "identity")
    spread_identities()
    widen_openings()
    op.execute(
        "SELECT redress_watch('identity', masked => '{name,phone,email,address,wishes}',"
        " quiet => '{}', private => true)"
    )
    op.execute(
        "SELECT redress_watch('identity_key', masked => '{wrapped}',"
        " quiet => '{kek_version,wrapped}', private => true)"
    )
    op.execute("SELECT redress_watch('identity_request', masked => '{}', private => true)")
    for name, body in FUNCTIONS.items():
        op.execute(body)
        op.execute(f"REVOKE EXECUTE ON FUNCTION {name} FROM PUBLIC")
    for name in FOR_THE_APPLICATION:
        op.execute(f"GRANT EXECUTE ON FUNCTION {name} TO redress_app")
    for trigger in TRIGGERS:
        op.execute(f"CREATE TRIGGER {trigger}")
    for statement in REMEMBERED:
        op.execute(statement)
    for table in RIGHTS:
        guard(table)


def downgrade() -> None:
    for table in SEALED:
        for policy in ("rows", "adds", "changes", "removes"):
            op.execute(f"DROP POLICY IF EXISTS redress_{policy} ON {table}")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        op.execute(f"REVOKE ALL ON {table} FROM redress_app, redress_reader")
    for trigger in TRIGGERS:
        name, table = trigger.split()[0], trigger.partition(" ON ")[2].split()[0]
        op.execute(f"DROP TRIGGER {name} ON {table}")
    gather_identities()
    for column in ("request_id", "ends_at", "ground", "duty", "office_id"):
        op.drop_column("identity_opening", column)
    for table in ("identity_key", "identity_request", "officer_posting", "former_respondent"):
        op.drop_table(table)
    for name in FUNCTIONS:
        op.execute(f"DROP FUNCTION {name}")
    op.drop_column("grievance", "identity_needs_two")
    op.execute(
        "SELECT redress_watch('identity', masked => '{ciphertext}', quiet => '{}', private => true)"
    )

"""The trail in months, chained and signed.

Revises: 0003
"""

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# What the digest of an entry is taken of: its block, its number, and all else as JSON, whose
# times are written the same whatever a session's settings are. rules/chain.py says it again.
DIGEST = """
CREATE FUNCTION redress_digest(
    block bigint, id bigint, at timestamptz, officer bigint, verb text, record_type text,
    record_id bigint, request text, changes jsonb
) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(convert_to(block || ' ' || id || ' ' || json_build_array(
        at AT TIME ZONE 'UTC', officer, verb, record_type, record_id, request, changes
    )::text, 'UTF8'))
$$
"""

# The block of the open transaction, made when its first entry is written. Its number comes from
# the same sequence as those of its entries, so that all of these are above it.
BLOCK = """
CREATE FUNCTION redress_block() RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    here bigint := pg_current_xact_id()::text::bigint;
    found_block bigint;
BEGIN
    SELECT block_id INTO found_block FROM audit_open WHERE transaction_id = here;
    IF NOT FOUND THEN
        -- Whoever wants constraints at once would have the block sealed before it is filled.
        SET CONSTRAINTS public.redress_seal DEFERRED;
        found_block := nextval('audit_entry_id_seq');
        INSERT INTO audit_open VALUES (found_block, here);
    END IF;
    RETURN found_block;
END $$
"""

# At the end of a transaction, and only there, one waits for the other: whoever holds the end of
# the chain commits next. The digests are gathered before that.
SEAL = """
CREATE FUNCTION redress_seal() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    gathered record;
    head audit_head;
    sealed timestamptz;
    next_hash bytea;
BEGIN
    DELETE FROM audit_open WHERE block_id = NEW.block_id;
    SELECT count(*) AS entries, range_agg(int8range(id, id, '[]')) AS ids,
        sha256(string_agg(digest, '' ORDER BY id)) AS digest
    INTO gathered FROM audit_entry
    WHERE block_id = NEW.block_id AND id > NEW.block_id AND at >= now();
    IF gathered.entries = 0 THEN
        RETURN NULL;  -- they were in a savepoint that was rolled back
    END IF;
    SELECT * INTO STRICT head FROM audit_head WHERE id = 1 FOR UPDATE;
    sealed := clock_timestamp();
    next_hash := redress_link(head.number + 1, NEW.block_id, now(), sealed, gathered.entries,
        gathered.ids, gathered.digest, head.hash);
    INSERT INTO audit_block VALUES (head.number + 1, NEW.block_id, now(), sealed,
        gathered.entries, gathered.ids, gathered.digest, head.hash, next_hash);
    UPDATE audit_head SET number = head.number + 1, entries = head.entries + gathered.entries,
        hash = next_hash WHERE id = 1;
    RETURN NULL;
END $$
"""

# What the hash of a block is taken of: all of it, and so the hash of the one before.
LINK = """
CREATE FUNCTION redress_link(
    number bigint, block bigint, opened timestamptz, sealed timestamptz, entries bigint,
    ids int8multirange, digest bytea, previous bytea
) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(convert_to(json_build_array(
        number, block, opened AT TIME ZONE 'UTC', sealed AT TIME ZONE 'UTC', entries, ids::text,
        encode(digest, 'hex'), encode(previous, 'hex')
    )::text, 'UTF8'))
$$
"""

# As in 0001, but the officer is proved, and each entry is numbered, put into the block of its
# transaction and digested. It runs as its owner: who changes a record need not write the trail.
# No entry is before its transaction began, even where a clock is set back, so that the block
# finds its entries in few months. (SELECT redress_block()) is asked once, and only if a row comes.
AUDIT = """
CREATE OR REPLACE FUNCTION redress_audit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    masked text[] := TG_ARGV[0];
    quiet text[] := TG_ARGV[1];
    private boolean := TG_ARGV[2];
    stamps text[] := '{version_id,created_at,created_by_id,updated_at,updated_by_id}';
    mask jsonb := '"***"';
    officer bigint := nullif(redress_officer(), 0);
    request text := nullif(current_setting('redress.request_id', true), '');
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO audit_entry (id, at, officer_id, verb, record_type, record_id, request_id,
            changes, block_id, digest)
        SELECT id, at, officer, 'insert', TG_TABLE_NAME, record_id, request, changes, block,
            redress_digest(block, id, at, officer, 'insert', TG_TABLE_NAME::text, record_id,
                request, changes)
        FROM (
            SELECT (SELECT redress_block()) AS block, nextval('audit_entry_id_seq') AS id,
                greatest(clock_timestamp(), now()) AS at, n.id AS record_id, (
                SELECT jsonb_object_agg(key, jsonb_build_array(
                    NULL, CASE WHEN private OR key = ANY (masked) THEN mask ELSE value END))
                FROM jsonb_each(to_jsonb(n) - stamps - 'id') WHERE value <> 'null'
            ) AS changes
            FROM new_rows n OFFSET 0
        ) entry;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO audit_entry (id, at, officer_id, verb, record_type, record_id, request_id,
            changes, block_id, digest)
        SELECT id, at, officer, 'delete', TG_TABLE_NAME, record_id, request, changes, block,
            redress_digest(block, id, at, officer, 'delete', TG_TABLE_NAME::text, record_id,
                request, changes)
        FROM (
            SELECT (SELECT redress_block()) AS block, nextval('audit_entry_id_seq') AS id,
                greatest(clock_timestamp(), now()) AS at, o.id AS record_id, (
                SELECT jsonb_object_agg(key, jsonb_build_array(
                    CASE WHEN private OR key = ANY (masked) THEN mask ELSE value END, NULL))
                FROM jsonb_each(to_jsonb(o) - stamps - 'id') WHERE value <> 'null'
            ) AS changes
            FROM old_rows o OFFSET 0
        ) entry;
    ELSE
        -- The join is full so that a changed id shows as well; OFFSET 0 has each row read once.
        INSERT INTO audit_entry (id, at, officer_id, verb, record_type, record_id, request_id,
            changes, block_id, digest)
        SELECT id, at, officer, 'update', TG_TABLE_NAME, record_id, request, changes, block,
            redress_digest(block, id, at, officer, 'update', TG_TABLE_NAME::text, record_id,
                request, changes)
        FROM (
            SELECT (SELECT redress_block()) AS block, nextval('audit_entry_id_seq') AS id,
                greatest(clock_timestamp(), now()) AS at, pair.id AS record_id, changes
            FROM (SELECT id, to_jsonb(o) - stamps AS before, to_jsonb(n) - stamps AS after
                  FROM old_rows o FULL JOIN new_rows n USING (id) OFFSET 0) pair,
            LATERAL (
                SELECT bool_or(key <> ALL (quiet)) AS is_loud, jsonb_object_agg(key, CASE
                    WHEN private OR key = ANY (masked) THEN jsonb_build_array(mask, mask)
                    ELSE jsonb_build_array(before -> key, after -> key) END) AS changes
                FROM jsonb_object_keys(coalesce(after, before)) key
                WHERE (before -> key) IS DISTINCT FROM (after -> key)
            ) difference
            WHERE is_loud OFFSET 0
        ) entry;
    END IF;
    RETURN NULL;
END $$
"""

# What is no change of a record, but is set down: log-ins, exports, openings of an identity.
NOTE = """
CREATE FUNCTION redress_note(verb text, record_type text, record_id bigint, changes jsonb)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    officer bigint := nullif(redress_officer(), 0);
    request text := nullif(current_setting('redress.request_id', true), '');
    block bigint := redress_block();
    id bigint := nextval('audit_entry_id_seq');
    at timestamptz := greatest(clock_timestamp(), now());
BEGIN
    IF verb IN ('insert', 'update', 'delete') THEN
        RAISE EXCEPTION 'changes are written by the triggers alone'
        USING ERRCODE = 'insufficient_privilege';
    END IF;
    INSERT INTO audit_entry (id, at, officer_id, verb, record_type, record_id, request_id,
        changes, block_id, digest)
    VALUES (id, at, officer, verb, record_type, record_id, request, changes, block,
        redress_digest(block, id, at, officer, verb, record_type, record_id, request, changes));
END $$
"""

# Makes the months from this one to `ahead` months on that are not there yet, and says how many
# it made. Entries of such a month that went where the rest goes move into it.
MONTHS = """
CREATE FUNCTION redress_audit_months(ahead integer DEFAULT 3, since timestamptz DEFAULT now())
RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET timezone = 'UTC' SET lock_timeout = '5s' AS $$
DECLARE
    first timestamptz;
    made integer := 0;
    month text;
BEGIN
    IF ahead NOT BETWEEN 0 AND 120 THEN
        RAISE EXCEPTION 'from 0 to 120 months' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    FOR first IN SELECT generate_series(
        date_trunc('month', since), date_trunc('month', now()) + ahead * interval '1 month',
        interval '1 month')
    LOOP
        month := to_char(first, '"audit_entry_"YYYY_MM');
        CONTINUE WHEN to_regclass('public.' || month) IS NOT NULL;
        EXECUTE format('CREATE TABLE public.%I (LIKE public.audit_entry INCLUDING DEFAULTS '
            'INCLUDING CONSTRAINTS INCLUDING STORAGE)', month);
        EXECUTE 'ALTER TABLE public.audit_entry_rest DISABLE TRIGGER redress_not_changed';
        EXECUTE format('WITH moved AS (DELETE FROM public.audit_entry_rest '
            'WHERE at >= %L AND at < %L RETURNING *) INSERT INTO public.%I SELECT * FROM moved',
            first, first + interval '1 month', month);
        EXECUTE 'ALTER TABLE public.audit_entry_rest ENABLE TRIGGER redress_not_changed';
        EXECUTE format('ALTER TABLE public.audit_entry ATTACH PARTITION public.%I '
            'FOR VALUES FROM (%L) TO (%L)', month, first, first + interval '1 month');
        PERFORM redress_keep_month(month);
        made := made + 1;
    END LOOP;
    RETURN made;
END $$
"""

# A month by itself is as closed as the whole: nobody has a right to it, and no DELETE goes by way
# of it past the trigger of the whole.
KEEP_MONTH = """
CREATE FUNCTION redress_keep_month(month text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER redress_not_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON public.%I '
        'FOR EACH STATEMENT EXECUTE FUNCTION redress_refuse(%L)', month, 'not_changed');
    EXECUTE format('REVOKE ALL ON public.%I FROM PUBLIC', month);
END $$
"""

# Whether who asks sees the record that an entry is about: its own table says so. What the trail
# itself may not read of a private table, it does not show by this way.
SEES = """
CREATE FUNCTION redress_sees_record(record_type text, record_id bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    its_table regclass := to_regclass('public.' || quote_ident(record_type));
    is_there boolean;
BEGIN
    IF its_table IS NULL OR NOT has_table_privilege(its_table, 'SELECT') THEN
        RETURN false;
    END IF;
    EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE id = $1)', its_table)
    INTO is_there USING record_id;
    RETURN is_there;
END $$
"""

FUNCTIONS = (DIGEST, LINK, BLOCK, SEAL, AUDIT, NOTE, KEEP_MONTH, MONTHS, SEES)
SIGNATURES = (
    "redress_digest(bigint, bigint, timestamptz, bigint, text, text, bigint, text, jsonb)",
    "redress_link(bigint, bigint, timestamptz, timestamptz, bigint, int8multirange, bytea, bytea)",
    "redress_block()",
    "redress_seal()",
    "redress_note(text, text, bigint, jsonb)",
    "redress_keep_month(text)",
    "redress_audit_months(integer, timestamptz)",
    "redress_sees_record(text, bigint)",
)

# The trail holds what its records held: who does not read the trail sees the history of what
# they see. Nobody but the functions above writes, and these are their owner's.
RIGHTS = (
    "REVOKE ALL ON audit_entry, audit_block, audit_head, audit_open "
    "FROM redress_app, redress_reader",
    "GRANT SELECT ON audit_entry, audit_block, audit_head TO redress_app",
    "GRANT SELECT ON audit_entry, audit_block, audit_head TO redress_reader",
    "ALTER TABLE audit_entry ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE audit_entry FORCE ROW LEVEL SECURITY",
    "CREATE POLICY redress_rows ON audit_entry FOR SELECT TO redress_app USING ("
    "(SELECT redress_reads_trail()) OR ((SELECT redress_officer()) IS NOT NULL"
    " AND redress_sees_record(record_type::text, record_id)))",
    "CREATE POLICY redress_reports ON audit_entry FOR SELECT TO redress_reader USING (true)",
    "GRANT EXECUTE ON FUNCTION redress_note(text, text, bigint, jsonb), "
    "redress_audit_months(integer, timestamptz), redress_sees_record(text, bigint) TO redress_app",
)

VERBS = sa.Enum(
    "insert", "update", "delete", "export", "import", "login", "logout", "login_failed", "open",
    "erase", "rekey",
    name="auditverb", native_enum=False, create_constraint=True, length=40,
)  # fmt: skip
SORTS = {"officer_id": "officer_id_id", "record_type": "record_type_id", "verb": "verb_id"}


def make_entries(*chained: sa.Column, key: tuple[str, ...], **options: str) -> None:
    """Make audit_entry, without its indexes."""
    op.create_table(
        "audit_entry",
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"),
                  nullable=False),
        sa.Column("officer_id", sa.BigInteger()),
        sa.Column("verb", VERBS, nullable=False),
        sa.Column("record_type", sa.String(80), nullable=False),
        sa.Column("record_id", sa.BigInteger()),
        sa.Column("request_id", sa.String(40)),
        sa.Column("changes", postgresql.JSONB()),
        *chained,
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.CheckConstraint("btrim(record_type) <> ''",
                           name=op.f("ck_audit_entry_record_type_not_blank")),
        sa.ForeignKeyConstraint(["officer_id"], ["officer.id"], ondelete="RESTRICT",
                                name=op.f("fk_audit_entry_officer_id")),
        sa.PrimaryKeyConstraint(*key, name=op.f("pk_audit_entry")),
        **options,
    )  # fmt: skip


def index_entries(*record: str) -> None:
    """Make the indexes that are there before and after."""
    for column, name in SORTS.items():
        op.create_index(f"ix_audit_entry_{name}", "audit_entry", [column, "id"])
    op.create_index("ix_audit_entry_record", "audit_entry", [*record, "id"])


# From version 18 on, NOT NULL has a name too, and the next table would be given another one.
RENAME_CONSTRAINTS = """
DO $$ DECLARE name name; BEGIN
    FOR name IN SELECT conname FROM pg_constraint
        WHERE conrelid = 'audit_entry_before'::regclass AND contype = 'n'
    LOOP
        EXECUTE format('ALTER TABLE audit_entry_before RENAME CONSTRAINT %I TO %I', name,
            'before_' || name);
    END LOOP;
END $$
"""


def set_aside() -> None:
    """Rename the table that is there, and all of it whose name the next one needs."""
    op.execute("ALTER TABLE audit_entry RENAME TO audit_entry_before")
    op.execute("ALTER SEQUENCE audit_entry_id_seq RENAME TO audit_entry_before_id_seq")
    op.execute("ALTER TABLE audit_entry_before DROP CONSTRAINT pk_audit_entry")
    op.execute(RENAME_CONSTRAINTS)
    for name in [*SORTS.values(), "record"]:
        op.execute(f"DROP INDEX ix_audit_entry_{name}")


def refuse(table: str, *what: str) -> None:
    op.execute(
        f"CREATE TRIGGER redress_not_changed BEFORE {' OR '.join(what)} ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION redress_refuse('not_changed')"
    )


def make_chain() -> None:
    op.create_table(
        "audit_open",
        sa.Column("block_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("transaction_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("block_id", name=op.f("pk_audit_open")),
    )
    op.create_index("ix_audit_open_transaction", "audit_open", ["transaction_id"])
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "audit_block",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("block_id", sa.BigInteger(), nullable=False),
        sa.Column("opened_at", moment, nullable=False),
        sa.Column("sealed_at", moment, nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.Column("ids", postgresql.INT8MULTIRANGE(), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("previous", sa.LargeBinary(32), nullable=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit_block")),
        sa.UniqueConstraint("block_id", name=op.f("uq_audit_block_block_id")),
    )
    op.create_table(
        "audit_head",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_audit_head_one_end")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
        postgresql_with={"fillfactor": 10},
    )
    op.execute("INSERT INTO audit_head VALUES (1, 0, 0, sha256('redress'))")


# What stood before there was a chain is its first block, numbered 0 among the entries.
TAKE_OVER = (
    """
    INSERT INTO audit_entry (id, at, officer_id, verb, record_type, record_id, request_id, changes,
        block_id, digest)
    SELECT id, at, officer_id, verb, record_type, record_id, request_id, changes, 0,
        redress_digest(0, id, at, officer_id, verb, record_type, record_id, request_id, changes)
    FROM audit_entry_before
    """,
    """
    INSERT INTO audit_block
    SELECT 1, 0, opened, now(), gathered.entries, ids, digest, hash,
        redress_link(1, 0, opened, now(), gathered.entries, ids, digest, hash)
    FROM audit_head, (
        SELECT min(at) AS opened, count(*) AS entries, range_agg(int8range(id, id, '[]')) AS ids,
            sha256(string_agg(digest, '' ORDER BY id)) AS digest
        FROM audit_entry
    ) gathered
    WHERE gathered.entries > 0
    """,
    """
    UPDATE audit_head SET number = block.number, entries = block.entries, hash = block.hash
    FROM audit_block block
    """,
    "SELECT setval('audit_entry_id_seq', nextval('audit_entry_before_id_seq'))",
    "DROP TABLE audit_entry_before",
)


def upgrade() -> None:
    set_aside()
    make_entries(
        sa.Column("block_id", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        key=("at", "id"),
        postgresql_partition_by="RANGE (at)",
    )
    make_chain()
    for function in FUNCTIONS:
        op.execute(function)
    op.execute("CREATE TABLE audit_entry_rest PARTITION OF audit_entry DEFAULT")
    op.execute("SELECT redress_keep_month('audit_entry_rest')")
    op.execute(
        "SELECT redress_audit_months(3, coalesce(min(at), now())) FROM audit_entry_before"
    )
    for statement in TAKE_OVER:
        op.execute(statement)
    index_entries("record_id", "record_type")
    op.create_index("ix_audit_entry_id", "audit_entry", ["id"])
    op.create_index(
        "ix_audit_entry_request", "audit_entry", ["request_id", "id"],
        postgresql_where=sa.text("request_id IS NOT NULL"),
    )  # fmt: skip
    refuse("audit_entry", "UPDATE", "DELETE", "TRUNCATE")
    refuse("audit_block", "UPDATE", "DELETE", "TRUNCATE")
    refuse("audit_head", "INSERT", "DELETE", "TRUNCATE")
    op.execute(
        "CREATE CONSTRAINT TRIGGER redress_seal AFTER INSERT ON audit_open "
        "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION redress_seal()"
    )
    op.execute("ALTER TABLE audit_open ENABLE ALWAYS TRIGGER redress_seal")
    for signature in SIGNATURES:
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
    op.execute("REVOKE ALL ON FUNCTION redress_audit() FROM PUBLIC")
    for statement in RIGHTS:
        op.execute(statement)


def downgrade() -> None:
    set_aside()
    make_entries(key=("id",))
    columns = "id, at, officer_id, verb, record_type, record_id, request_id, changes"
    op.execute(
        f"INSERT INTO audit_entry ({columns}) SELECT {columns} FROM audit_entry_before"  # noqa: S608
    )
    op.execute("SELECT setval('audit_entry_id_seq', nextval('audit_entry_before_id_seq'))")
    for table in ("audit_entry_before", "audit_open", "audit_block", "audit_head"):
        op.execute(f"DROP TABLE {table}")
    index_entries("record_type", "record_id")
    op.create_index("ix_audit_entry_at_id", "audit_entry", ["at", "id"])
    refuse("audit_entry", "UPDATE", "DELETE", "TRUNCATE")
    for signature in SIGNATURES:
        op.execute(f"DROP FUNCTION {signature}")
    first, second = (context.script.get_revision(name).module for name in ("0001", "0002"))
    audit = first.AUDIT.replace(second.BY_SETTING, second.BY_TICKET)
    op.execute(audit.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))
    op.execute("ALTER FUNCTION redress_audit() SECURITY INVOKER RESET ALL")
    op.execute("GRANT EXECUTE ON FUNCTION redress_audit() TO PUBLIC")
    op.execute("GRANT SELECT, INSERT ON audit_entry TO redress_app")
    op.execute("GRANT SELECT ON audit_entry TO redress_reader")

"""What the logins may do: that the web server's login is held to the rights it needs."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from psycopg2 import sql
from psycopg2.extensions import connection

from access import (
    APP_ROLE,
    READER_ROLE,
    SYSTEM,
    Guarded,
    guard_statement,
    seen_rows,
    sign_ticket,
)
from doctor.findings import Deployment, Finding, ask, listed, ok, warning, wrong
from models import RECORD_TYPES, FigureMonth, PrivateRecord, db

BY_HAND = ("audit_entry",)
"""Tables whose rights their migrations set without redress_guard alone; `by_hand` looks at them."""
NEVER = {
    "audit_entry": ("INSERT", "UPDATE", "DELETE", "TRUNCATE"),
    "audit_block": ("INSERT", "UPDATE", "DELETE", "TRUNCATE"),
    "audit_head": ("INSERT", "UPDATE", "DELETE", "TRUNCATE"),
    "identity_opening": ("UPDATE", "DELETE", "TRUNCATE"),
    "role_change": ("INSERT", "UPDATE", "DELETE", "TRUNCATE"),
}
"""What the web server's login may do to these only through functions, or not at all."""
TABLES: tuple[Guarded, ...] = (*RECORD_TYPES, FigureMonth)
"""What redress_guard gives its rights."""
Rights = dict[str, frozenset[str]]


def logins(of: Deployment) -> Iterator[Finding]:
    """That the web server's login owns nothing and is held to row-level security."""
    session = of.web or of.asks
    [(login, superuser, bypasses, makes_roles, member)] = ask(
        session,
        "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole,"
        " EXISTS (SELECT FROM pg_roles WHERE rolname = %s)"
        " AND pg_has_role(rolname, (SELECT oid FROM pg_roles WHERE rolname = %s), 'MEMBER')"
        " FROM pg_roles WHERE rolname = session_user",
        APP_ROLE,
        APP_ROLE,
    )
    too_much = [
        words
        for words, is_so in (
            ("is a superuser", superuser),
            ("bypasses row-level security", bypasses),
            ("may make roles", makes_roles),
        )
        if is_so
    ]
    owned = [
        table
        for (table,) in ask(
            session,
            "SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace"
            " WHERE relkind IN ('r', 'p') AND nspname IN ('public', 'redress_private')"
            " AND pg_has_role(session_user, relowner, 'MEMBER') ORDER BY 1",
        )
    ]
    if owned:
        too_much.append("owns the tables, or may become their owner")
    if too_much:
        yield wrong(
            "web login",
            f"The login of DATABASE_URL, {login}, {' and '.join(too_much)}: a fault in a page then"
            " reads every case. Give DATABASE_URL a login of its own, made with"
            f" CREATE ROLE redress_web LOGIN PASSWORD '...' IN ROLE {APP_ROLE}; and put the"
            " owner's into REDRESS_OWNER_DATABASE_URL.",
        )
    elif not member:
        yield wrong(
            "web login",
            f"The login of DATABASE_URL, {login}, has no right on any table. As the owner:"
            f" GRANT {APP_ROLE} TO {login};",
        )
    else:
        yield ok("web login", f"{login} owns nothing and is held to row-level security")


def owner(of: Deployment) -> Iterator[Finding]:
    """That the owner of the tables is not more than that."""
    if of.owner is None:
        yield warning(
            "owner",
            "The owner of the tables is not known here, so that rights, keys and the trail were not"
            " looked at. Run flask doctor again where REDRESS_OWNER_DATABASE_URL is set.",
        )
        return
    [(login, superuser, bypasses)] = ask(
        of.owner,
        "SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user",
    )
    if superuser:
        yield warning(
            "owner",
            f"The owner of the tables, {login}, is a superuser of the whole server. Let a role"
            " without that own the database.",
        )
    elif not bypasses:
        yield wrong(
            "owner",
            f"The owner of the tables, {login}, is held to row-level security: backups and checks"
            f" would miss rows. As a superuser: ALTER ROLE {login} BYPASSRLS;",
        )
    else:
        yield ok("owner", f"{login} is no superuser")


def row_security(of: Deployment) -> Iterator[Finding]:
    """That the database itself keeps from each officer what is not theirs (promise A3)."""
    found = {
        table: (enabled, forced)
        for table, enabled, forced in ask(
            of.asks,
            "SELECT relname, relrowsecurity, relforcerowsecurity FROM pg_class"
            " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')",
        )
    }
    needed = [model.__tablename__ for model in TABLES if needs_row_security(model)]
    off = [table for table in needed if found.get(table) != (True, True)]
    if off:
        yield wrong(
            "row-level security",
            f"Off or not forced for {listed(off)}: whoever gets past the screens reads every row."
            " As the owner: "
            + " ".join(
                f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;"
                for table in off[:5]
            ),
        )
    else:
        yield ok("row-level security", f"on and forced for {len(needed)} tables")


def needs_row_security(model: Guarded) -> bool:
    if issubclass(model, PrivateRecord):
        return "grievance_id" in model.__table__.columns  # what is of officers is no case
    return seen_rows(model) is not None


def grants(of: Deployment) -> Iterator[Finding]:
    """That rights and conditions of each table are those that its record type says."""
    different = []
    guarded = [model for model in TABLES if _is_guarded(model)]
    tables = [model.__tablename__ for model in guarded]
    there, rules = _rights(of.asks, "public", tables), _policies(of.asks, "public")
    with _shadows(of.asks, guarded) as space:
        wanted, their_rules = _rights(of.asks, space, tables), _policies(of.asks, space)
    for table in tables:
        if there.get(table) != wanted.get(table) or rules.get(table) != their_rules.get(table):
            different.append(table)
    if different:
        yield wrong(
            "rights",
            f"Rights or conditions of {listed(different)} are not those of this version. As the"
            " owner run the statements of: flask doctor --rights",
        )
    else:
        yield ok("rights", f"of {len(tables)} tables as their record types say")
    loose = [
        f"{table} ({', '.join(sorted(held))})"
        for table, held in _rights(of.asks, "public", None, ("PUBLIC",)).items()
        if held
    ]
    if loose:
        yield wrong("rights of all", f"Every login has rights on {listed(loose)}. Revoke them.")


def statements() -> list[str]:
    """Return what gives each table its rights, for the owner to run."""
    return [f"{guard_statement(model)};" for model in TABLES if _is_guarded(model)]


def _is_guarded(model: Guarded) -> bool:
    return not issubclass(model, PrivateRecord) and model.__tablename__ not in BY_HAND


def _rights(
    session: connection,
    space: str,
    tables: list[str] | None,
    roles: tuple[str, ...] = (APP_ROLE, READER_ROLE, "PUBLIC"),
) -> Rights:
    """Return "role right(column)" for each table of a schema."""
    found: dict[str, set[str]] = defaultdict(set)
    for table, role, right, column in ask(
        session,
        """
        SELECT relname, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END,
               privilege_type, attname
        FROM (SELECT relname, relnamespace, NULL AS attname, relacl AS acl FROM pg_class
              UNION ALL
              SELECT relname, relnamespace, attname, attacl FROM pg_class
              JOIN pg_attribute ON attrelid = pg_class.oid WHERE attacl IS NOT NULL) AS given,
             aclexplode(acl)
        WHERE relnamespace = %s::regnamespace AND (%s::text[] IS NULL OR relname = ANY (%s))
        """,
        space,
        tables,
        tables,
    ):
        if role in roles:
            found[table].add(f"{role} {right}" + (f" ({column})" if column else ""))
    return {table: frozenset(held) for table, held in found.items()}


def _policies(session: connection, space: str) -> Rights:
    found: dict[str, set[str]] = defaultdict(set)
    for table, *rule in ask(
        session,
        "SELECT tablename, policyname, permissive, roles::text, cmd, qual, with_check"
        " FROM pg_policies WHERE schemaname = %s",
        space,
    ):
        found[table].add(" | ".join(str(part) for part in rule))
    return {table: frozenset(rules) for table, rules in found.items()}


@contextmanager
def _shadows(session: connection, models: list[Guarded]) -> Iterator[str]:
    """Give the schema of empty tables that have exactly the rights they should, and that are gone
    afterwards; the real ones are not touched."""
    ask(session, "BEGIN")
    try:
        for model in models:
            # In the place of the real one for the statements of this transaction.
            ask(
                session,
                sql.SQL("CREATE TEMP TABLE {0} (LIKE public.{0})").format(
                    sql.Identifier(model.__tablename__)
                ),
            )
        for model in models:
            ask(session, guard_statement(model).replace("%", "%%"))
        [(space,)] = ask(
            session, "SELECT nspname FROM pg_namespace WHERE oid = pg_my_temp_schema()"
        )
        yield space
    finally:
        ask(session, "ROLLBACK")


def tickets(of: Deployment) -> Iterator[Finding]:
    """That the database believes the tickets which this application signs."""
    session = of.web or of.asks
    ticket = sign_ticket(str(of.settings["SECRET_KEY"]), SYSTEM)
    believed = ask(session, "SELECT set_config('redress.ticket', %s, false)", ticket) and ask(
        session, "SELECT redress_officer() = 0"
    ) == [(True,)]
    ask(session, "RESET redress.ticket")
    if believed:
        yield ok("tickets", "the database knows who asks")
    else:
        yield wrong(
            "tickets",
            "The database does not believe this application, and shows it nothing: its secret key"
            " is not the one the database was prepared with. With the right REDRESS_SECRET_KEY:"
            " flask db upgrade",
        )


def by_hand(of: Deployment) -> Iterator[Finding]:
    """That the web server's login writes neither the trail nor anybody's roles."""
    found = [
        f"{right} on {table}"
        for table, never in NEVER.items()
        for right, has in ask(
            of.asks,
            "SELECT one, CASE WHEN one IN ('DELETE', 'TRUNCATE')"
            " THEN has_table_privilege(%s, 'public.' || %s, one)"
            " ELSE has_any_column_privilege(%s, 'public.' || %s, one) END"
            " FROM unnest(%s) AS one WHERE to_regclass('public.' || %s) IS NOT NULL",
            APP_ROLE,
            table,
            APP_ROLE,
            table,
            list(never),
            table,
        )
        if has
    ]
    if found:
        yield wrong(
            "trail and roles",
            f"The web server's login has {listed(found)}: it could rewrite what happened, or give"
            f" itself roles. As the owner: REVOKE that FROM {APP_ROLE};",
        )
    else:
        yield ok("trail and roles", "are written through their functions alone")


def functions(of: Deployment) -> Iterator[Finding]:
    """That nobody slips a table of their own under a function that runs as the owner."""
    found = ask(
        of.asks,
        "SELECT p.oid::regprocedure::text, pg_get_userbyid(proowner), rolsuper,"
        " coalesce((SELECT one FROM unnest(proconfig) AS one WHERE one LIKE 'search_path=%%'), ''),"
        " proowner = (SELECT relowner FROM pg_class WHERE oid = to_regclass('public.grievance'))"
        " FROM pg_proc p JOIN pg_roles r ON r.oid = proowner"
        " WHERE prosecdef AND pronamespace IN"
        " (SELECT oid FROM pg_namespace WHERE nspname IN ('public', 'redress_private'))"
        " ORDER BY 1",
    )
    loose = [name for name, _, _, path, _ in found if not path.endswith("pg_temp")]
    foreign = [name for name, _, superuser, _, by_owner in found if superuser or not by_owner]
    if loose:
        yield wrong(
            "functions",
            f"{listed(loose)} may be made to use tables of somebody else. As the owner: "
            + " ".join(
                f"ALTER FUNCTION {name} SET search_path = pg_catalog, public, pg_temp;"
                for name in loose[:5]
            ),
        )
    if foreign:
        yield wrong(
            "functions",
            f"{listed(foreign)} run with the rights of a login that does not own the tables, or"
            " that owns the server. As a superuser: ALTER FUNCTION ... OWNER TO the owner.",
        )
    if not loose and not foreign:
        yield ok("functions", f"{len(found)} run as the owner, each with its search path")


def private(of: Deployment) -> Iterator[Finding]:
    """That no login reads what is sealed, nor the key of tickets."""
    secret = [
        (table.name, column.name)
        for table in db.metadata.sorted_tables
        for column in table.columns
        if column.info.get("secret") and _is_private(table.name)
    ]
    readable = [
        f"{table}.{column}"
        for table, column in secret
        for (can,) in ask(
            of.asks,
            "SELECT has_column_privilege(r.oid, c.oid, %s, 'SELECT') FROM pg_class c, pg_roles r"
            " WHERE c.oid = to_regclass('public.' || quote_ident(%s)) AND rolname = %s",
            column,
            table,
            APP_ROLE,
        )
        if can
    ]
    enters = ask(
        of.asks,
        "SELECT rolname FROM pg_roles WHERE rolname IN (%s, %s)"
        " AND has_schema_privilege(oid, to_regnamespace('redress_private'), 'USAGE')",
        APP_ROLE,
        READER_ROLE,
    )
    if readable:
        yield wrong(
            "sealed",
            f"The web server's login reads {listed(readable)} past the function that asks for an"
            f" opening first. Take that right from {APP_ROLE} again.",
        )
    if enters:
        yield wrong(
            "sealed",
            "The key of tickets can be read. As the owner: REVOKE ALL ON SCHEMA redress_private"
            f" FROM {APP_ROLE}, {READER_ROLE};",
        )
    if not readable and not enters:
        yield ok("sealed", "neither identities nor the key of tickets are read by a login")


def _is_private(table: str) -> bool:
    """Whether the table is of a sealed identity. A second factor is read by who asks for it, and
    is in cipher."""
    return any(
        model.__tablename__ == table
        and issubclass(model, PrivateRecord)
        and needs_row_security(model)
        for model in RECORD_TYPES
    )


CHECKS = (logins, owner, tickets, row_security, grants, by_hand, functions, private)

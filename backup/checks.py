"""What a restored database is checked against, beyond the rows of each table."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from time import monotonic
from typing import Any

from psycopg2.extensions import connection
from sqlalchemy import NullPool, create_engine

import config
from actions import roots
from backup.folders import Failed
from backup.programs import ask
from rules.chain import Fault
from rules.identity import IdentityField
from sealing import FIELDS_TABLE, KeyMissing, KeyRing, SealBroken, Sealed, unseal

Say = Callable[[str], None]
IDENTITIES = 1000
"""How many are opened to see that they are whole."""
FIELDS = tuple(field.value for field in IdentityField)


@dataclass(frozen=True)
class Keys:
    """What the machine has to check with."""

    ring: KeyRing
    roots: roots.Roots


def end_of_trail(session: connection) -> dict[str, Any]:
    """Return where the chain of the audit trail ends, as of the session's moment; nothing for
    tables from before the chain."""
    if ask(session, "SELECT to_regclass('public.audit_head') IS NULL") == [(True,)]:
        return {}
    [(number, entries, end)] = ask(session, "SELECT number, entries, hash FROM audit_head")
    return {"block": number, "entries": entries, "hash": bytes(end).hex()}


def trail(url: str, session: connection, end: dict[str, Any], keys: Keys, say: Say) -> None:
    """Verify the chain of the audit trail, and that it ends where the manifest says. Raises
    Failed."""
    began = monotonic()
    engine = create_engine(config.driver_url(url), poolclass=NullPool, hide_parameters=True)
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connected:
        verdict = roots.verify_on(connected, keys.roots, until=_last_day(keys.roots, end))
    if verdict.fault:
        raise Failed(f"The audit trail is broken. {verdict.fault}")
    if end and end["block"]:
        found = ask(session, "SELECT hash FROM audit_block WHERE number = %s", end["block"])
        if [bytes(one).hex() for (one,) in found] != [end["hash"]]:
            raise Failed("The audit trail does not end as the manifest says: it is not that one.")
    signed = f" and {verdict.roots:,} signed roots" if verdict.roots else ""
    say(
        f"Audit trail: {verdict.entries:,} entries in {verdict.blocks:,} blocks{signed}, the chain"
        f" is whole ({monotonic() - began:.1f} s)"
    )


def _last_day(known: roots.Roots, end: dict[str, Any]) -> date:
    """Return the day of the last root that the backup knows of: later ones are of later blocks."""
    last = date.min
    try:
        for root in roots.signed_roots(known.folder):
            if root.block <= int(end.get("block", 0)):
                last = max(last, date.fromisoformat(root.day))
    except Fault as fault:
        raise Failed(str(fault)) from None
    return last


def identities(session: connection, keys: Keys, say: Say) -> None:
    """Open up to 1,000 sealed identities to see that they are whole, where the key is there, and
    show none. Raises Failed where one does not open."""
    began = monotonic()
    [(sealed, with_key)] = ask(
        session,
        f"SELECT count(*), count(k.id) FROM {FIELDS_TABLE} i"  # noqa: S608  a constant
        " LEFT JOIN identity_key k USING (grievance_id, key_version)",
    )
    if not sealed:
        say("Identities: none is sealed")
        return
    if not with_key:
        say(f"Identities: {sealed:,} are there, and cannot be opened: their keys are gone")
        return
    chosen = ask(
        session,
        f"SELECT grievance_id, key_version, kek_version, wrapped, {', '.join(FIELDS)}"  # noqa: S608
        " FROM identity JOIN identity_key USING (grievance_id, key_version)"
        " ORDER BY random() LIMIT %s",
        IDENTITIES,
    )
    opened, missing = 0, set()
    for grievance_id, key_version, kek_version, wrapped, *fields in chosen:
        values = dict(zip(FIELDS, map(bytes, fields), strict=True))
        one = Sealed(key_version, values, kek_version, bytes(wrapped))
        try:
            unseal(one, grievance_id=grievance_id, ring=keys.ring)
        except KeyMissing:
            missing.add(kek_version)
        except SealBroken:
            raise Failed(
                f"The identity of grievance {grievance_id} does not open: it was changed, or the"
                " key-encryption key here is not the one it was sealed with."
            ) from None
        else:
            opened += 1
    if missing:
        versions = ", ".join(map(str, sorted(missing)))
        say(
            f"Identities: {opened:,} of {len(chosen):,} opened. Without the key-encryption key"
            f" (version {versions}) the others stay sealed; all else works. Put it in its place:"
            " docs/backup.md"
        )
    else:
        say(f"Identities: {opened:,} of {sealed:,} opened and whole ({monotonic() - began:.1f} s)")

"""What must be done again and again: migrations, backups, log-ins that end."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import config
from actions import roots
from backup import Folders, latest, read_manifest
from doctor.findings import Deployment, Finding, ask, ok, warning, wrong
from rules import RuleBroken
from sealing import KeyRing, key_ring

LATE, TOO_LATE = timedelta(hours=26), timedelta(days=7)
"""Since the last backup, for one that is taken every night."""


def schema(of: Deployment) -> Iterator[Finding]:
    newest = max(path.name[:4] for path in (config.HOME / "migrations/versions").glob("[0-9]*.py"))
    there = [
        number
        for (number,) in (
            ask(of.asks, "SELECT version_num FROM alembic_version")
            if ask(of.asks, "SELECT to_regclass('alembic_version') IS NOT NULL") == [(True,)]
            else []
        )
    ]
    if there == [newest]:
        yield ok("schema", f"migration {newest}, the newest")
    elif there and there[0] > newest:
        yield wrong("schema", f"The tables are of a newer Redress (migration {there[0]}). Use it.")
    else:
        yield wrong(
            "schema",
            f"The tables are {'at migration ' + there[0] if there else 'not there'}, the newest is"
            f" {newest}. Take a backup, then: flask db upgrade",
        )


def backups(of: Deployment) -> Iterator[Finding]:
    """That there is something to go back to."""
    keys = of.settings["BACKUP_KEYS_FOLDER"]
    folders = Folders.of(
        Path(of.settings["BACKUP_FOLDER"] or of.instance / "backups"), Path(keys) if keys else None
    )
    word = wrong if of.in_production else warning
    newest = latest(folders.backups)
    if newest is None:
        yield word(
            "backup",
            f"There is none in {folders.backups}. Type: flask backup (docs/backup.md says how to"
            " have it every night), or name the folder with REDRESS_BACKUP_FOLDER.",
        )
        return
    manifest = read_manifest(folders.backups / newest)
    age = of.now - manifest.at
    if age > TOO_LATE:
        yield word("backup", f"The last is {_days(age)} old. See why none was taken since.")
    elif age > LATE:
        yield warning("backup", f"The last is {_days(age)} old. See why none was taken last night.")
    elif manifest.files.get("keys.dump") and not (folders.keys / newest).exists():
        yield word(
            "backup",
            f"The last has no keys of identities in {folders.keys}. Without them no identity can"
            " be opened after a restore.",
        )
    else:
        yield ok("backup", f"{manifest.name}, {manifest.rows:,} rows, {_days(age)} old")


def _days(age: timedelta) -> str:
    hours = age.total_seconds() / 3600
    return f"{hours:.0f} hours" if hours < 48 else f"{hours / 24:.0f} days"


def log_ins(of: Deployment) -> Iterator[Finding]:
    """That log-ins do not stay open for longer than they are good for."""
    oldest: datetime = of.now - timedelta(hours=int(of.settings["SESSION_HOURS"]) + 1)
    [(number,)] = ask(
        of.asks,
        "SELECT count(*) FROM officer_session WHERE ended_at IS NULL AND started_at < %s",
        oldest,
    )
    if number:
        yield warning(
            "log-ins",
            f"{number:,} that are over by time are not marked as ended. Nobody gets in with them;"
            " end them on the list of log-ins.",
        )
    else:
        yield ok("log-ins", f"none open for longer than {of.settings['SESSION_HOURS']} hours")


def identity_keys(of: Deployment) -> Iterator[Finding]:
    """That sealed identities can be opened by those whose duty needs it."""
    settings = of.settings
    used = ask(of.asks, "SELECT kek_version, count(*) FROM identity_key GROUP BY 1 ORDER BY 1")
    try:
        ring = key_ring(settings)
        current = ring.current()
    except RuleBroken as problem:
        if used:
            yield wrong(
                "identity keys",
                f"{problem} {sum(number for _, number in used):,} identities stay sealed. Bring the"
                " key-encryption key back from where you keep its copy (docs/backup.md).",
            )
        else:
            yield ok(
                "identity keys",
                "none yet: the first is made with the first identity. Keep a copy of it elsewhere"
                " (docs/backup.md)",
            )
        return
    missing = [version for version, _ in used if not _can_wrap(ring, version)]
    if missing or not _can_wrap(ring, current):
        versions = ", ".join(map(str, missing or [current]))
        number = sum(number for version, number in used if version in missing)
        yield wrong(
            "identity keys",
            f"The key-encryption key of version {versions} is missing or cannot be read:"
            f" {number:,} identities stay sealed. Bring it back from where you keep its copy.",
        )
    else:
        total = sum(number for _, number in used)
        yield ok("identity keys", f"version {current}; every one of {total:,} identities opens")


def _can_wrap(ring: KeyRing, version: int) -> bool:
    try:
        ring.wrap(version, b"", b"doctor")
    except RuleBroken:
        return False
    return True


def trail(of: Deployment) -> Iterator[Finding]:
    """That the trail is signed each day, was whole when last verified, and has its next month."""
    folder = config.audit_roots(of.settings)
    root, report = roots.last_root(folder), roots.last_report(folder)
    if report and not report["whole"]:
        yield wrong(
            "audit trail", f"{report['fault']} Keep everything as it is, and tell the auditor."
        )
    elif root is None:
        yield warning(
            "audit trail",
            "No root was ever signed: who owns the database can still change what it says of the"
            " past. Have flask audit sign run every night.",
        )
    elif of.now - datetime.fromisoformat(root.signed_at) > LATE:
        age = _days(of.now - datetime.fromisoformat(root.signed_at))
        yield warning(
            "audit trail", f"The last signed root is {age} old. See why flask audit sign fails."
        )
    else:
        yield ok("audit trail", f"signed up to block {root.block:,} on {root.day}")
    following = (of.now.replace(day=1) + timedelta(days=32)).strftime("audit_entry_%Y_%m")
    [(there, astray)] = ask(
        of.asks,
        "SELECT to_regclass('public.' || %s) IS NOT NULL, EXISTS (SELECT FROM audit_entry_rest)",
        following,
    )
    if not there or astray:
        yield warning(
            "months of the trail",
            "The table of the coming month is not made. Type: flask audit partitions",
        )
    else:
        yield ok("months of the trail", "the coming one is made")


def second_factors(of: Deployment) -> Iterator[Finding]:
    """That a stolen password alone does not open what reads beyond one office."""
    needed = of.settings["SECOND_FACTOR_ROLES"]  # as roles: security.init_app has read them
    if not needed:
        word = warning if of.in_production else ok
        yield word("second factor", "no role needs one (REDRESS_SECOND_FACTOR_ROLES)")
        return
    [(without, all_of_them)] = ask(
        of.asks,
        "SELECT count(*) FILTER (WHERE second_factor_since IS NULL), count(*) FROM officer"
        " WHERE roles && %s::varchar[] AND password_hash IS NOT NULL"
        " AND (left_on IS NULL OR left_on > current_date)",
        sorted(needed),
    )
    if without:
        yield warning(
            "second factor",
            f"{without:,} of {all_of_them:,} officers whose role needs one have none yet. They set"
            " it up when they log in next; ask them to.",
        )
    else:
        yield ok("second factor", f"all {all_of_them:,} officers whose role needs one have it")


CHECKS = (backups, log_ins, second_factors, identity_keys, trail)
BEFORE_ALL = (schema,)

"""What must be done again and again: migrations, backups, log-ins that end."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import config
from backup import Folders, latest, read_manifest
from doctor.findings import Deployment, Finding, ask, ok, warning, wrong

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


CHECKS = (backups, log_ins)
BEFORE_ALL = (schema,)

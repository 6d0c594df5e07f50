"""`flask backup` and `flask restore`."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

import click
import flask_migrate
import psycopg2
from flask import current_app
from flask.cli import with_appcontext

import backup
import config
import postgres
from actions import roots
from models import db
from rules import RuleBroken
from sealing import key_ring

Folder = click.Path(file_okay=False, path_type=Path)


@click.command("backup")
@click.argument("folder", type=Folder, required=False)
@click.option("--keys", type=Folder, help="Folder for the keys; else as set, else FOLDER-keys.")
@click.option("--keep", type=click.IntRange(0), metavar="DAYS", help="Remove older ones; 0: none.")
@click.option("--json", "as_json", is_flag=True, help="Print the manifest as JSON.")
@with_appcontext
def backup_command(folder: Path | None, keys: Path | None, keep: int | None, as_json: bool) -> None:
    """Take a backup of everything into FOLDER, the keys of identities apart."""
    settings, began, now = current_app.config, monotonic(), datetime.now(UTC)
    folders = _folders(folder, keys)
    with _sentences():
        manifest = backup.make(
            owner_url(),
            config.documents_folder(settings),
            folders,
            now=now,
            say=_quiet if as_json else click.echo,
        )
        days = settings["BACKUP_DAYS"] if keep is None else keep
        key_days = settings["BACKUP_KEYS_DAYS"]
        old, old_keys = backup.prune(
            folders, now, days, min(days, key_days) if days and key_days else key_days
        )
    if as_json:
        click.echo(json.dumps(asdict(manifest), indent=2, sort_keys=True))
        return
    if old or old_keys:
        click.echo(f"Removed: {len(old)} old backups, {len(old_keys)} old backups of keys")
    click.echo(
        f"{folders.backups / manifest.name}: {manifest.rows:,} rows of {len(manifest.counts)}"
        f" tables in {monotonic() - began:.1f} s"
    )


@click.command("restore")
@click.argument("folder", type=Folder)
@click.option("--keys", type=Folder, help="Folder of the keys; else as set, else FOLDER-keys.")
@click.option("--without-keys", is_flag=True, help="The keys are gone: bring back the rest.")
@click.option("--replace", is_flag=True, help="Empty the database first; asks for its name.")
@click.option("--jobs", type=click.IntRange(1, 64), help="How much at once; else one a core.")
@with_appcontext
def restore_command(
    folder: Path, keys: Path | None, without_keys: bool, replace: bool, jobs: int | None
) -> None:
    """Fill an empty database from a backup, and check that all of it is there.

    FOLDER is one backup, or the folder of all of them for the newest.
    """
    began, url = monotonic(), owner_url()
    with _sentences():
        setting = current_app.config["BACKUP_KEYS_FOLDER"]
        found = backup.find_backup(folder, keys or (Path(setting) if setting else None))
        if replace:
            _ask_for_name(url)
        more: dict[str, Any] = {"jobs": jobs} if jobs else {}
        way = backup.Way(
            url=url, documents=config.documents_folder(current_app.config), keys=_keys(),
            say=click.echo, replace=replace, without_keys=without_keys, **more,
        )  # fmt: skip
        db.engine.dispose()
        manifest = backup.restore(way, found, _upgrade)
    click.echo(
        f"Restored {manifest.name}, {manifest.rows:,} rows, and all of it is there:"
        f" {monotonic() - began:.1f} s in all"
    )


def owner_url() -> str:
    """Return the URL of the login that owns the tables."""
    settings = current_app.config
    url = settings.get("OWNER_DATABASE_URL") or settings["SQLALCHEMY_DATABASE_URI"]
    return postgres.for_libpq(url)


def _instance() -> Path:
    return Path(current_app.instance_path)


def _folders(folder: Path | None, keys: Path | None) -> backup.Folders:
    settings = current_app.config
    place = folder or Path(settings["BACKUP_FOLDER"] or _instance() / "backups")
    setting = settings["BACKUP_KEYS_FOLDER"]
    return backup.Folders.of(place, keys or (Path(setting) if setting else None))


def _keys() -> backup.Keys:
    """Return what there is here to check identities and the trail with."""
    settings = current_app.config
    signing = config.audit_key(settings)
    public = signing.with_name(signing.name + ".pub")
    known = (roots.public_key(public),) if public.exists() else ()
    return backup.Keys(
        key_ring(settings),
        roots.Roots(config.audit_roots(settings), known),
    )


def _ask_for_name(url: str) -> None:
    """Let whoever replaces a database type its name, once they have read what is in it."""
    name = postgres.database_name(url)
    with closing(postgres.connect(url)) as session:
        if backup.is_empty(session):
            return
    typed = click.prompt(f"All that is in the database {name} will be lost. Type its name")
    if typed != name:
        raise backup.Failed("That is not its name. Nothing was changed.")


def _upgrade() -> None:
    flask_migrate.upgrade(directory=str(config.HOME / "migrations"))
    db.engine.dispose()


def _quiet(_: str) -> None:
    pass


@contextmanager
def _sentences() -> Iterator[None]:
    """Turn what goes wrong into a sentence and a failure."""
    try:
        yield
    except (backup.Failed, postgres.Unavailable, RuleBroken) as problem:
        raise click.ClickException(str(problem)) from None
    except psycopg2.OperationalError:
        raise click.ClickException("The database cannot be reached, or was lost.") from None


COMMANDS = (backup_command, restore_command)

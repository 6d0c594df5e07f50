"""Commands: `flask NAME`. Each prints a figure last where it measures something and exits
non-zero with a sentence on failure."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

import imports
from actions import accounts
from cli import backup, clocks, doctor, documents, jobs, officers, trail
from cli.figures import count_figures, figures
from cli.identity import identity
from cli.sentences import sentences
from demo.load import has_officers, load, password_for_demo, refuse_unless_empty
from models import db
from papers.store import Store
from rules.records import Brings
from sealing import key_ring


@click.command("create-admin")
@click.argument("username")
@click.option("--name", help="Name shown to colleagues; without it, the username.")
@click.option("--office", help="Code or name of the office; made if there is no office yet.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@with_appcontext
def create_admin(username: str, name: str | None, office: str | None, password_stdin: bool) -> None:
    """Make an officer who is administrator, with a password that is asked for."""
    if password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    with sentences():
        officer = accounts.create_administrator(
            username=username,
            name=name or username,
            office=office,
            password=password,
            now=datetime.now(UTC),
        )
        db.session.commit()
    click.echo(f"{officer.name} can log in as {officer.username}.")


IMPORT_OPTIONS = (
    click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path)),
    click.option(
        "--map",
        "map_name",
        required=True,
        metavar="MAP",
        help="Path of a map, or the name of one that comes with the product.",
    ),
    click.option("--dry-run", is_flag=True, help="Say what would be done and write nothing."),
    click.option(
        "--keep-good", is_flag=True, help="Import the good rows although others are refused."
    ),
    click.option("--json", "as_json", is_flag=True, help="Print the report as JSON."),
    click.option(
        "--refused",
        type=click.Path(dir_okay=False, writable=True, path_type=Path),
        metavar="OUT.csv",
        help="Write the refused rows, with reasons, to this file.",
    ),
)


def _importing(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(IMPORT_OPTIONS):
        command = option(command)
    return command


@click.command("import-grievances")
@_importing
@with_appcontext
def import_grievances(**options: Any) -> None:
    """Bring the grievances of a CSV file in, or say what would be brought in."""
    _import(Brings.GRIEVANCES, **options)


@click.command("import-findings")
@_importing
@with_appcontext
def import_findings(**options: Any) -> None:
    """Bring the findings of a CSV file in, or say what would be brought in."""
    _import(Brings.FINDINGS, **options)


def _import(
    brings: Brings,
    *,
    file: Path,
    map_name: str,
    dry_run: bool,
    keep_good: bool,
    as_json: bool,
    refused: Path | None,
) -> None:
    session, now, size = db.session(), datetime.now(UTC), file.stat().st_size
    if refused is not None and refused.resolve() == file.resolve():
        raise click.ClickException("--refused must name another file than the one that is read.")
    with sentences():
        the_map = imports.load_map(map_name)
        if the_map.kind.brings is not brings:
            raise click.ClickException(
                f"The map brings in {the_map.kind.brings}: use flask import-{the_map.kind.brings}."
            )
        with _progress(size) as progress:
            report = imports.check(
                session, file, the_map, now=now, progress=progress, will_write=not dry_run
            )
        if refused is not None:
            imports.write_refused(session, file, the_map, refused)
        done = not dry_run and (keep_good or not report.refused)
        if done:
            if sys.stderr.isatty():
                click.echo("Writing into the register...", err=True)
            batch_id = imports.new_batch(session, file.name, map_name, size, brings)
            imports.bring_in(
                session, the_map, report, batch_id=batch_id, now=now, keep_good=keep_good
            )
            session.commit()
            if brings is Brings.GRIEVANCES:
                count_figures(session)
                session.commit()
    words = json.dumps(report.as_dict(), ensure_ascii=False, indent=2)
    click.echo(words if as_json else imports.as_text(report, done=done))
    if report.refused and not keep_good:
        raise click.ClickException(
            "Nothing was imported, because rows are refused. Correct them,"
            " or keep the good rows with --keep-good."
        )


@contextmanager
def _progress(size: int) -> Iterator[imports.Progress]:
    """Give what draws a bar on the terminal, and draws nothing where there is none."""
    if not sys.stderr.isatty():
        yield lambda _bytes, _rows: None
        return
    with click.progressbar(length=size, label="Reading", file=sys.stderr) as bar:
        yield lambda bytes_done, _rows: bar.update(bytes_done - bar.pos)


@click.command("demo")
@click.option("--if-empty", is_flag=True, help="Do nothing, quietly, where there are officers.")
@with_appcontext
def demo_command(if_empty: bool) -> None:
    """Load the demo into an empty database: real grievances of Boston, the rest invented."""
    started, session, settings = monotonic(), db.session(), current_app.config
    with sentences():
        if if_empty and has_officers(session):
            return
        refuse_unless_empty(session)
        password = password_for_demo(Path(settings["INSTANCE"]), settings["DEMO_PASSWORD"])
        counts = load(
            session,
            password=password,
            ring=key_ring(settings),
            store=Store.of(settings),
            now=datetime.now(UTC),
            say=click.echo,
        )
        count_figures(session)
        session.commit()
    click.echo(
        f"{sum(counts.values()):,} records of {len(counts)} kinds in {monotonic() - started:.1f} s"
    )


def init_app(app: Flask) -> None:
    """Give `app` its commands."""
    app.cli.add_command(trail.audit)
    for command in officers.COMMANDS:
        app.cli.add_command(command)
    app.cli.add_command(create_admin)
    app.cli.add_command(demo_command)
    app.cli.add_command(figures)
    app.cli.add_command(identity)
    app.cli.add_command(import_findings)
    app.cli.add_command(import_grievances)
    app.cli.add_command(jobs.worker)
    commands = (*backup.COMMANDS, *clocks.COMMANDS, *doctor.COMMANDS, *documents.COMMANDS)
    for command in commands:
        app.cli.add_command(command)

"""`flask documents` and `flask letter-templates`."""

from time import monotonic

import click
from flask import current_app
from flask.cli import with_appcontext

from actions.letters import load_templates
from models import db
from papers import Store
from queries.documents import stored_files


@click.command("documents")
@with_appcontext
def documents_command() -> None:
    """Compare each stored file with its SHA-256, and remove files that no record knows.

    A file is left over where an upload did not end well. Ends with status 1 where one is gone or
    is not what was kept.
    """
    began, store = monotonic(), Store.of(current_app.config)
    # The names on the disk first: a file that comes meanwhile is not taken for a left-over.
    there = set(store.names())
    whole, wrong = 0, []
    for table, number, name, sha256 in stored_files(db.session()):
        there.discard(name)
        if store.read(name, sha256) is None:
            wrong.append(f"{number}" if table == "document" else f"{table} {number}")
        else:
            whole += 1
    left_over = [name for name in there if store.is_old(name)]
    for name in left_over:
        store.drop(name)
    click.echo(
        f"{whole:,} files whole, {len(left_over):,} left over and removed"
        f" ({monotonic() - began:.1f} s)"
    )
    if wrong:
        numbers = ", ".join(wrong[:20])
        raise click.ClickException(
            f"{len(wrong):,} files are gone or changed, of the documents {numbers}. Bring them"
            f" back from a backup into {store.folder}."
        )


@click.command("letter-templates")
@with_appcontext
def letter_templates_command() -> None:
    """Make the templates of letters that come with Redress into records, to be edited.

    A kind and language that has a template in use keeps it.
    """
    made = load_templates()
    db.session.commit()
    click.echo(f"{made} templates made; edit them under Standards > Letter templates.")


COMMANDS = (documents_command, letter_templates_command)

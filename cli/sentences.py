"""What every command says where it cannot do its work."""

from collections.abc import Iterator
from contextlib import contextmanager

import click
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

from rules import RuleBroken
from rules.refusals import refusal


@contextmanager
def sentences() -> Iterator[None]:
    """Turn a refusal, a file or a database that does not answer into a sentence and a failure."""
    try:
        yield
    except RuleBroken as refused:
        raise click.ClickException(str(refused)) from None
    except OSError as problem:
        raise click.ClickException(f"{problem.filename}: {problem.strerror}.") from None
    except IntegrityError as refused:
        diagnosis = refused.orig.diag  # type: ignore[union-attr]
        words = refusal(diagnosis.constraint_name or "", diagnosis.table_name or "")
        raise click.ClickException(words or "The database refuses this.") from None
    except OperationalError:
        raise click.ClickException("The database cannot be reached.") from None
    except ProgrammingError:
        raise click.ClickException("There are no tables yet: run flask db upgrade.") from None

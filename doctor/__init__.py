"""`flask doctor`: whether this deployment is as it must be, in one line for each thing, with what
to do where it is not. It changes nothing."""

from collections.abc import Callable, Iterator

import psycopg2

from doctor import machine, rights, server, upkeep
from doctor.findings import Deployment, Finding, Level, wrong
from doctor.rights import statements

__all__ = ["Deployment", "Finding", "Level", "examine", "statements"]

Check = Callable[[Deployment], Iterator[Finding]]
OF_SERVER: tuple[Check, ...] = (*server.CHECKS, *upkeep.BEFORE_ALL)
"""Asked of any database; the rest only of one whose tables are those of this version."""
OF_TABLES: tuple[Check, ...] = (*rights.CHECKS, *machine.WITH_DATABASE, *upkeep.CHECKS)


FOR_THE_OWNER = (upkeep.schema, rights.grants, rights.private, upkeep.identity_keys, upkeep.trail)
"""Left out where only the web server's login is known: it may not see what they look at."""


def examine(of: Deployment) -> list[Finding]:
    """Return what is found, in the order in which it is best put right."""
    found = [line for check in machine.CHECKS for line in _tell(check, of)]
    if of.owner is None and of.web is None:
        why = "It does not answer. See that it runs, and DATABASE_URL."
        return [*found, wrong("database", why)]
    found += [line for check in _fit(OF_SERVER, of) for line in _tell(check, of)]
    if any(line.about == "schema" and line.level is Level.WRONG for line in found):
        return found
    return found + [line for check in _fit(OF_TABLES, of) for line in _tell(check, of)]


def _fit(checks: tuple[Check, ...], of: Deployment) -> list[Check]:
    return [one for one in checks if of.owner is not None or one not in FOR_THE_OWNER]


def _tell(check: Check, of: Deployment) -> list[Finding]:
    try:
        return list(check(of))
    except psycopg2.Error as problem:
        about = check.__name__.replace("_", " ")
        said = (problem.diag.message_primary or "it does not answer").rstrip(".")
        return [wrong(about, f"Could not be examined. The database says: {said}.")]

"""One request, one transaction: only who answers a request or a command commits."""

import ast
from pathlib import Path

from tests.conventions.sources import listed, modules

# Files that end transactions of their own, and why.
EXCEPTIONS = {
    "actions/figures.py": "counts as the system, apart from the request that asks for it",
    "exports.py": "writes how many rows left after the response, when its request is over",
}
# Making a server or a database is no work on records.
SET_UP = ("embedded.py", "postgres.py", "server.py", "install.py")
ENDING = ("commit", "begin")


def _ends_transactions(place: Path) -> bool:
    first = place.parts[0]
    return first in ("views", "cli", "migrations", *SET_UP) or str(place) in EXCEPTIONS


def _calls(tree: ast.Module) -> list[tuple[int, str]]:
    return [
        (node.lineno, node.func.attr)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ENDING
    ]


def test_only_views_and_commands_commit() -> None:
    wrong = [
        f"{place}:{line} calls {name}()"
        for place, tree in modules()
        if not _ends_transactions(place)
        for line, name in _calls(tree)
    ]
    assert not wrong, (
        "Leave the commit to the view or the command that asked: what they do is one transaction,"
        " all or nothing. Call flush() where the database must see it before that; if there is a"
        f" good reason, add it to EXCEPTIONS in tests/conventions/test_commits.py:{listed(wrong)}"
    )


def test_every_exception_is_still_needed() -> None:
    trees = {str(place): tree for place, tree in modules()}
    idle = [name for name in EXCEPTIONS if name not in trees or not _calls(trees[name])]
    assert not idle, f"These commit nothing any more; take them out of EXCEPTIONS:{listed(idle)}"

"""What the conventions look at: our own files, as text and as syntax trees."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from config import HOME

TOOLS = ("benchmarks", "docs", "tests", "translations")
"""Folders that the product never imports; they may import all of it."""


def files(pattern: str) -> list[Path]:
    """Return our files that match `pattern`, in order: nothing installed, made or hidden."""
    found = (path for path in HOME.glob(pattern) if path.is_file())
    return sorted(path for path in found if not _is_foreign(path.relative_to(HOME)))


def _is_foreign(path: Path) -> bool:
    return path.parts[0] == "instance" or any(part.startswith(".") for part in path.parts)


def modules(*, tools: bool = False) -> Iterator[tuple[Path, ast.Module]]:
    """Yield each Python file (its path from the root) with its syntax tree."""
    for place, tree in _trees():
        if tools or place.parts[0] not in TOOLS:
            yield place, tree


@cache
def _trees() -> list[tuple[Path, ast.Module]]:
    places = [path.relative_to(HOME) for path in files("**/*.py")]
    return [(place, ast.parse((HOME / place).read_bytes(), str(place))) for place in places]


def listed(problems: list[str]) -> str:
    """Return `problems` one to a line, for the message of an assertion."""
    return "".join(f"\n  {problem}" for problem in problems)

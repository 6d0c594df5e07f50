"""docs/map.md is the layout as it really is."""

import re

from config import HOME
from tests.conventions.sources import modules

MAP = HOME / "docs" / "map.md"
# Of these folders each file has its line; of the others the folder has one.
FILE_BY_FILE = {"", "rules", "queries", "actions", "views"}


def _named() -> set[str]:
    """Return every path that the map names; `views/base.py` `fields.py` are two of one folder."""
    found: set[str] = set()
    for row in MAP.read_text(encoding="utf-8").splitlines():
        if not row.startswith("|"):
            continue
        folder = ""
        for name in re.findall(r"`([^`]+)`", row.split("|")[1]):
            if "/" in name:
                folder = name.rpartition("/")[0]
                found.add(name)
            else:
                found |= {name, f"{folder}/{name}".lstrip("/")}
    return found


def test_every_module_has_its_place_on_the_map() -> None:
    named = _named()
    for place, _ in modules(tools=True):
        folder = str(place.parent) if str(place.parent) != "." else ""
        if place.name in ("__init__.py", "__main__.py") or place.parts[0] == "tests":
            continue
        wanted = str(place) if folder in FILE_BY_FILE else f"{place.parts[0]}/"
        covered = wanted in named or any(one.startswith(f"{wanted}") for one in named)
        assert covered, f"docs/map.md has no line for {wanted}: say in one what is there."


def test_the_map_names_nothing_that_is_not_there() -> None:
    for name in _named():
        if "/" in name or name.endswith(".py"):
            there = (HOME / name).exists() or any(
                (HOME / folder / name).exists() for folder in FILE_BY_FILE
            )
            assert there, f"docs/map.md names {name}, which is not there."

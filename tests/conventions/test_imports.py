"""Which file may import which (docs/map.md): imports go one way, from the screens down to the
rules."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.conventions.sources import TOOLS, listed, modules

# What each of our files or folders may import of ours. Rules decide, actions change, queries ask,
# views show, security says who.
RULES = {"config", "rules"}
MODELS = RULES | {"models"}
ASKING = MODELS | {"access", "budget", "limits", "queries", "security"}
DOING = ASKING | {"actions", "papers", "proposing", "sealing"}
FILES_IN_AND_OUT = DOING | {"beside", "exports", "imports", "demo"}
SET_UP = {"config", "postgres", "embedded"}
MAY_IMPORT = {
    "config": set(),
    "rules": set(),
    "models": {"rules"},
    "access": MODELS | {"postgres"},
    "sealing": RULES,
    "papers": RULES,
    "proposing": RULES,
    "beside": {"access", "security"},
    "queries": MODELS,
    "budget": set(),
    "limits": set(),
    "security": MODELS | {"access", "budget", "limits"},
    "delivery": {"config", "security"},
    "mailing": {"rules"},
    "actions": DOING | {"mailing"},
    "exports": DOING,
    "imports": DOING | {"beside"},
    "demo": DOING | {"imports"},
    "backup": DOING | SET_UP,
    "doctor": DOING | SET_UP | {"backup"},
    "cli": FILES_IN_AND_OUT | SET_UP | {"backup", "cli", "doctor", "mailing"},
    "views": (FILES_IN_AND_OUT - {"demo"}) | {"mailing"},
    "logs": {"budget", "config", "security"},
    "metrics": {"logs", "models", "security"},
    "app": FILES_IN_AND_OUT | SET_UP | {"cli", "delivery", "logs", "metrics", "views"},
    "migrations": {"access", "config", "embedded", "models"},
    "postgres": set(),
    "embedded": {"config", "postgres"},
    "workers": set(),
    "server": SET_UP | {"access", "app", "logs", "metrics", "workers"},
    "install": set(),
}
# Libraries that a layer lives without: who asks over HTTP is no business of what is below.
WEB = ("flask", "flask_admin", "flask_babel", "flask_login", "flask_wtf", "werkzeug", "wtforms")
NO_WEB = ("queries", "proposing", "actions", "exports", "imports", "demo")
# Parts of views/base.py that are files of their own; every view may use them.
PARTS_OF_BASE = (
    *("asking", "badges", "base", "bulk", "inline", "listing", "filtering", "kept", "tools"),
    *("shown", "fields", "files", "labels", "errors"),
)
# The parts of the dashboard, and of other pages of figures.
PARTS_OF_DASHBOARD = ("bands", "board", "cells", "charts", "figure_pages")
# The parts of the page of a grievance.
PARTS_OF_CASE = ("case", "planning", "step_forms", "story")
# The parts of the page of a visit.
PARTS_OF_VISIT = ("visit_rows",)
# The parts of the supervision board, and of the page of a finding or a notice.
PARTS_OF_SUPERVISION = ("assignment_board", "supervised")
PARTS = PARTS_OF_BASE + PARTS_OF_DASHBOARD + PARTS_OF_CASE + PARTS_OF_VISIT + PARTS_OF_SUPERVISION


def imports_of(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield each module that `tree` imports, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: write the whole name, not a dot"
            yield node.lineno, node.module or ""
            # `from views import errors` imports views.errors.
            yield from ((node.lineno, f"{node.module}.{name.name}") for name in node.names)


def layer(place: Path) -> str:
    return place.parts[0].removesuffix(".py")


def test_every_file_has_a_place_in_the_layers() -> None:
    strangers = sorted({layer(place) for place, _tree in modules()} - MAY_IMPORT.keys())
    assert not strangers, (
        "Say what these may import: add a line to MAY_IMPORT in tests/conventions/test_imports.py"
        f" and to docs/map.md:{listed(strangers)}"
    )


def test_imports_go_one_way() -> None:
    ours = MAY_IMPORT.keys() | set(TOOLS)
    wrong = sorted(
        {
            f"{place}:{line} imports {name.partition('.')[0]}"
            for place, tree in modules()
            for line, name in imports_of(tree)
            if (of := name.partition(".")[0]) in ours
            and of != layer(place)
            and of not in MAY_IMPORT.get(layer(place), ours)
        }
    )
    assert not wrong, (
        "Imports go one way: rules < models < queries, security < actions < exports, imports, cli"
        " < views < app. Move what is needed down to a layer that both may import:"
        f"{listed(wrong)}"
    )


def test_rules_use_the_standard_library_alone() -> None:
    wrong = sorted(
        {
            f"{place}:{line} imports {name.partition('.')[0]}"
            for place, tree in modules()
            if layer(place) == "rules"
            for line, name in imports_of(tree)
            if name.partition(".")[0] not in sys.stdlib_module_names | {"rules"}
        }
    )
    assert not wrong, (
        "Rules decide without a library, a database or a clock: give them what they need as an"
        f" argument:{listed(wrong)}"
    )


def test_below_the_screens_nobody_knows_of_the_web() -> None:
    wrong = sorted(
        {
            f"{place}:{line} imports {name.partition('.')[0]}"
            for place, tree in modules()
            if layer(place) in NO_WEB
            for line, name in imports_of(tree)
            if name.partition(".")[0] in WEB
        }
    )
    assert not wrong, (
        "Below the views only security.py meets Flask. Take what comes from the request as an"
        f" argument, and raise RuleBroken with a sentence:{listed(wrong)}"
    )


def test_no_view_imports_another() -> None:
    wrong = sorted(
        {
            f"{place}:{line} imports {name}"
            for place, tree in modules()
            if layer(place) == "views" and place.name != "__init__.py"
            for line, name in imports_of(tree)
            if name.startswith("views.") and name.split(".")[1] not in PARTS
        }
    )
    assert not wrong, (
        "A view stands for itself. What two screens share belongs into views/base.py, labels.py,"
        f" fields.py or errors.py, or further down:{listed(wrong)}"
    )


def test_imports_stand_on_top_of_the_file() -> None:
    wrong = sorted(
        f"{place}:{node.lineno}"
        for place, tree in modules(tools=True)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    )
    assert not wrong, (
        "An import inside a function hides who needs whom. Move it to the top of the file; if that"
        f" makes a circle, one of the two is in the wrong layer:{listed(wrong)}"
    )

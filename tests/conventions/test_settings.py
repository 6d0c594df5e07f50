"""Every setting and every command is in the manual, and the manual names no other."""

import re

import pytest
from flask import Flask

import cli
from config import HOME, SETTINGS, Setting
from tests.conventions.sources import files, listed

MANUAL = "\n".join(path.read_text() for path in [*files("docs/**/*.md"), *files("README.md")])


def _commands() -> list[str]:
    app = Flask("manual")
    cli.init_app(app)
    return sorted(app.cli.commands)


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda one: one.variable)
def test_every_setting_is_in_the_manual(setting: Setting) -> None:
    is_told = f"`{setting.variable}`" in MANUAL
    assert is_told, (
        f"Add a line to docs/run.md: `{setting.variable}` | {setting.default!r} | {setting.help}"
    )
    assert setting.help.endswith("."), f"Give {setting.name} one sentence of help in config.py."


@pytest.mark.parametrize("command", _commands())
def test_every_command_is_in_the_manual(command: str) -> None:
    is_told = f"flask {command}" in MANUAL
    assert is_told, f"Show in docs/run.md how to type it and what it prints: flask {command}"


def test_every_command_says_what_it_does() -> None:
    app = Flask("manual")
    cli.init_app(app)
    silent = [name for name, command in app.cli.commands.items() if not command.help]
    assert not silent, f"Give the function of the command a docstring:{listed(silent)}"


def test_the_manual_names_no_setting_that_is_not_there() -> None:
    known = {setting.variable for setting in SETTINGS}
    named = set(re.findall(r"`(REDRESS_[A-Z_]+)`", MANUAL))
    assert not named - known, f"Take these out of the manual:{listed(sorted(named - known))}"


def test_every_target_of_make_is_in_the_manual() -> None:
    targets = re.findall(r"^([a-z-]+):.*## ", (HOME / "Makefile").read_text(), re.MULTILINE)
    missing = [name for name in targets if name != "help" and f"make {name}" not in MANUAL]
    assert not missing, f"Say in docs/run.md what it is for:{listed(missing)}"

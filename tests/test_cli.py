"""Commands: what they do, and the sentence with which they refuse."""

from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from models import Office, Officer, db
from rules.permissions import Role
from tests.conftest import make_app
from tests.factories import make_office, make_officer

PASSWORD = "a quiet lamp over the ferry"


def create_admin(app: Flask, *arguments: str, typed: str = f"{PASSWORD}\n") -> tuple[int, str]:
    """Run `flask create-admin`; return its exit code and what it printed."""
    result = app.test_cli_runner().invoke(args=["create-admin", *arguments], input=typed)
    return result.exit_code, result.output


def officers() -> int:
    return db.session.scalar(select(func.count()).select_from(Officer)) or 0


def test_the_first_administrator_gets_an_office_and_can_log_in(app: Flask, client: Any) -> None:
    code, said = create_admin(
        app, "Ada", "--name", "Ada Lund", "--office", "Bureau", "--password-stdin"
    )
    assert (code, said) == (0, "Ada Lund can log in as ada.\n")
    officer = db.session.scalar(select(Officer))
    assert officer
    assert (officer.roles, officer.office.name) == ([Role.ADMINISTRATOR], "Bureau")
    assert PASSWORD not in (officer.password_hash or "")
    assert client.send("/login", username="ada", password=PASSWORD).status_code == 303


def test_the_password_is_asked_for_twice_and_not_shown(app: Flask, session: Any) -> None:
    code, said = create_admin(app, "ada", "--office", "Bureau", typed=f"{PASSWORD}\n" * 2)
    assert code == 0
    assert PASSWORD not in said


@pytest.mark.parametrize("office", [None, "hall", "Town hall"])
def test_an_office_that_is_there_is_taken(app: Flask, session: Any, office: str | None) -> None:
    top = make_office(code="hall", name="Town hall")
    make_office(code="roads", parent_id=top.id)
    named = ["--office", office] if office else []
    assert create_admin(app, "ada", "--password-stdin", *named)[0] == 0
    assert db.session.scalar(select(Officer.office_id)) == top.id
    assert db.session.scalar(select(func.count()).select_from(Office)) == 2


@pytest.mark.parametrize(
    ("arguments", "typed", "says"),
    [
        (["new", "--password-stdin"], "short\n", "Use at least 15 characters"),
        (["new", "--password-stdin"], "", "Use at least 15 characters"),
        (["new", "--password-stdin"], "passwordpassword\n", "tried first"),
        (["TAKEN", "--password-stdin"], None, "an officer with the username taken already"),
        (["two words", "--password-stdin"], None, "A username is one word"),
        (["", "--password-stdin"], None, "A username is one word"),
        (["new", "--office", "nowhere", "--password-stdin"], None, "There is no office nowhere."),
        (["new", "--office", "Twice", "--password-stdin"], None, "Give the code"),
        (["new", "--password-stdin"], None, "Say which office"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(
    app: Flask, session: Any, arguments: list[str], typed: str | None, says: str
) -> None:
    for code in ("one", "two"):
        make_office(code=code, name="Twice")
    make_officer(username="taken", office_id=make_office().id)
    before = officers()
    code, said = create_admin(app, *arguments, typed=f"{PASSWORD}\n" if typed is None else typed)
    assert code == 1
    assert said.startswith("Error: ")
    assert says in said
    assert said.count("\n") == 1
    assert officers() == before


def test_without_a_database_there_is_a_sentence_and_no_traceback(tmp_path: Path) -> None:
    app = make_app("postgresql+psycopg2://nobody@127.0.0.1:1/none", tmp_path)
    code, said = create_admin(app, "ada", "--password-stdin")
    assert (code, said) == (1, "Error: The database cannot be reached.\n")

"""docs/add-a-record-type.md, done as it says on a copy of the project.

Without the class there is one test here: it makes the copy, adds the class and its migration, and
runs this file there, where the others are.
"""

import csv
import io
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from sqlalchemy import inspect, select, text

import models
from config import HOME
from models import AuditEntry, db
from rules.permissions import Role
from tests.conftest import Client
from tests.factories import make_any, make_area, make_officer
from tests.statements import statements
from tests.views.pages import address, assert_clean, form_to, record_form, row_ids, words
from tests.views.test_lists import assert_frugal

Ward: Any = getattr(models, "Ward", None)
LEFT_BEHIND = ("instance", ".venv", ".git", ".*cache", "__pycache__", "*.png", "*.csv.gz")

if Ward is None:

    def blocks(language: str) -> list[str]:
        page = (HOME / "docs" / "add-a-record-type.md").read_text(encoding="utf-8")
        return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)

    def block(beginning: str) -> str:
        return next(one for one in blocks("python") if one.lstrip().startswith(beginning))

    @pytest.fixture
    def copy(tmp_path: Path) -> Path:
        """The project with the class and the lines that the page adds to it."""
        folder = tmp_path / "project"
        shutil.copytree(HOME, folder, ignore=shutil.ignore_patterns(*LEFT_BEHIND))
        _append(folder / "models.py", "\n\n" + block("class Ward("))
        factories = folder / "tests" / "factories.py"
        factories.write_text(
            factories.read_text("utf-8").replace(
                "from models import (", "from models import (\n    Ward,", 1
            ),
            "utf-8",
        )
        _append(factories, "\n\n" + block("def make_ward("))
        refusals = folder / "rules" / "refusals.py"
        refusals.write_text(
            refusals.read_text("utf-8").replace(
                "SENTENCES: dict[str, str] = {",
                "SENTENCES: dict[str, str] = {\n" + block('"households_not_negative"'),
                1,
            ),
            "utf-8",
        )
        return folder

    def _append(path: Path, code: str) -> None:
        path.write_text(path.read_text("utf-8") + code, "utf-8")

    def run(folder: Path, database: str, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            env=os.environ
            | {
                "DATABASE_URL": database,
                "REDRESS_INSTANCE": str(folder / "instance"),
                "PYTHONPATH": str(folder),
                "PYTHONDONTWRITEBYTECODE": "1",
            },
        )
        assert done.returncode == 0, f"{arguments}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def test_a_record_type_costs_one_class_and_one_command(
        copy: Path, server: str, fresh_database: Callable[[], str]
    ) -> None:
        before = set((copy / "migrations" / "versions").iterdir())
        database = fresh_database()
        run(copy, database, "flask", "db", "upgrade")
        run(copy, database, "flask", "db", "migrate", "-m", "add wards")  # make migrate m="..."
        (written,) = {
            one for one in (copy / "migrations" / "versions").iterdir() if one.suffix == ".py"
        } - before
        assert re.fullmatch(r"\d{4}_add_wards\.py", written.name)
        migration = written.read_text("utf-8")
        for made in ("create_table", "ix_ward_search", "ix_ward_pairs", "redress_watch", "drop_"):
            assert made in migration
        head = (copy / "migrations" / ".current-head").read_text("utf-8").strip()
        assert head == written.name[:4]
        for command in ("upgrade", "downgrade", "upgrade"):
            run(copy, database, "flask", "db", command)
        told = run(copy, database, "flask", "db", "check")
        assert "No new upgrade operations detected" in told
        told = run(
            copy,
            server,
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "tests/views/test_new_record_type.py",
            "tests/conventions/test_records.py",
            "-k",
            "ward or Ward",
        )
        assert re.search(r"\b[1-9][0-9]* passed", told), told
        assert "failed" not in told

else:

    @pytest.fixture
    def administrator(as_role: Callable[..., Client]) -> Client:
        return as_role(Role.ADMINISTRATOR)

    def make(**values: Any) -> Any:
        return make_any(Ward, **values)

    def test_a_ward_is_in_the_menu_of_who_may_read_it(
        administrator: Client, client: Client
    ) -> None:
        page = administrator.get("/admin/")
        assert f'href="{address(Ward)}"' in page.text
        assert "A part of the district that elects its own councillors" in page.text
        assert client.get(address(Ward)).status_code == 302

    def test_wards_are_listed_searched_filtered_and_sorted(
        administrator: Client, session: Any
    ) -> None:
        area = make_area(name="North side")
        one = make(name="Mill", district="East 供水", households=10, area=area)
        two = make(name="Abbey", district="West")
        for query, found in {
            "": [two.id, one.id],
            "?sort=households": [one.id, two.id],
            "?search=mil": [one.id],
            f"?search={quote('供')}": [one.id],
            "?flt0_households_at_least=5": [one.id],
            f"?flt0_area_equals={area.id}": [one.id],
            "?flt0_area_empty=": [two.id],
            "?flt0_district_starts=we": [two.id],
            "?flt0_founded_on_not_empty=": [],
        }.items():
            with statements() as seen:
                page = administrator.get(address(Ward) + query)
            assert row_ids(page) == found, query
            assert_frugal(seen)
        assert "North side" in administrator.get(address(Ward)).text

    def test_a_ward_is_made_edited_and_deleted_through_its_forms(
        administrator: Client, session: Any
    ) -> None:
        area = make_area(name="North side")
        page = administrator.get(address(Ward, "new"))
        assert "Households at the last count" in page.text
        fields = record_form(page) | {"name": "Mill", "district": "East", "area": "North side"}
        made = administrator.post(address(Ward, "new"), data=fields)
        assert made.status_code == 302, words(made)
        ward = session.scalars(select(Ward)).one()
        assert (ward.name, ward.area_id, ward.version_id) == ("Mill", area.id, 1)
        path = address(Ward, "edit", id=ward.id)
        fields = record_form(administrator.get(path))
        assert administrator.post(path, data=fields | {"households": "7"}).status_code == 302
        stale = administrator.post(path, data=fields | {"households": "8"})
        assert stale.status_code == 409
        session.expire_all()
        assert ward.households == 7
        question = administrator.get(address(Ward, "delete", id=ward.id))
        gone = administrator.post(address(Ward, "delete"), data=form_to(question, "/delete/"))
        assert gone.status_code == 302
        assert session.scalars(select(Ward)).all() == []

    def test_what_the_database_refuses_of_a_ward_is_a_sentence(
        administrator: Client, session: Any
    ) -> None:
        make(name="Mill", district="East")
        for values, sentence in (
            ({"name": "Mill", "district": "East"}, "already"),
            ({"name": "X", "district": "Y", "households": "-1"}, "cannot be below 0"),
            ({"name": "", "district": "Y"}, "Please fill this in"),
        ):
            page = administrator.send(address(Ward, "new"), **values)
            assert page.status_code == 422
            assert sentence in words(page)
            assert_clean(page)

    def test_the_history_of_a_ward_says_who_changed_what(
        administrator: Client, session: Any
    ) -> None:
        ward = make(name="Mill")
        path = address(Ward, "edit", id=ward.id)
        administrator.post(path, data=record_form(administrator.get(path)) | {"name": "Weir"})
        told = words(administrator.get(address(Ward, "history", id=ward.id)))
        assert "from “Mill” to “Weir”" in told
        session.execute(text("UPDATE ward SET name = 'Raw'"))
        entry = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
        assert (entry.record_type, entry.record_id) == ("ward", ward.id)
        session.expire_all()
        assert ward.version_id == 3

    @pytest.mark.parametrize("role", Role)
    def test_the_matrix_says_who_may_do_what_with_a_ward(
        as_role: Callable[..., Client], session: Any, role: Role
    ) -> None:
        ward = make()
        client = as_role(role)
        may_edit = role is Role.ADMINISTRATOR
        assert client.get(address(Ward)).status_code == 200
        assert client.get(address(Ward, "details", id=ward.id)).status_code == 200
        for view in ("new", "edit", "delete"):
            page = client.get(address(Ward, view, **({"id": ward.id} if view != "new" else {})))
            assert page.status_code == (200 if may_edit else 403), view

    def test_wards_are_exported(committed: Flask) -> None:
        client = Client(committed, use_cookies=True)
        with committed.app_context():
            make(name="Mill", district="East", area=make_area(name="North side"))
            client.let_in(make_officer(roles=[Role.ADMINISTRATOR]))
            db.session.commit()
        answer = client.get(address(Ward, "export/csv"))
        rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
        assert [(row["Name"], row["District"], row["Area"]) for row in rows] == [
            ("Mill", "East", "North side")
        ]

    def test_a_ward_has_its_indexes(session: Any) -> None:
        names = {index.name for index in inspect(Ward).local_table.indexes}
        assert {"ix_ward_search", "ix_ward_pairs", "ix_ward_name_id"} <= names

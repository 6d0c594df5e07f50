"""`flask audit verify`, `sign` and `partitions`, as a bureau runs them."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import text

from models import db
from tests.factories import make_office
from tests.trails import grow

BREAK = (
    "ALTER TABLE audit_entry DISABLE TRIGGER USER",
    "UPDATE audit_entry SET record_type = 'remedy' WHERE id = (SELECT max(id) FROM audit_entry)",
)


@pytest.fixture
def bureau(committed: Flask) -> Flask:
    with committed.app_context():
        grow(4, 7)
        db.session.remove()
    return committed


def run(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(args=["audit", *arguments])


def roots_of(app: Flask) -> list[Path]:
    return sorted(Path(app.config["INSTANCE"], "audit-roots").glob("????-??-??.json"))


def harm(app: Flask, *statements: str) -> None:
    with app.app_context(), db.engine.begin() as owner:
        for statement in statements:
            owner.execute(text(statement))


def test_a_day_is_signed_once_and_then_verified(bureau: Flask) -> None:
    first = run(bureau, "sign")
    assert first.exit_code == 0, first.output
    (root,) = roots_of(bureau)
    kept = root.read_text()
    again = run(bureau, "sign")
    assert (again.exit_code, root.read_text()) == (0, kept)
    assert "signed already" in again.output
    verified = run(bureau, "verify")
    assert verified.exit_code == 0, verified.output
    assert "The trail is whole." in verified.output
    assert verified.output.splitlines()[-1].startswith(f"{json.loads(kept)['entries']} entries in")
    assert "1 signed roots verified in" in verified.output
    facts = json.loads(run(bureau, "verify", "--json").output)
    assert (facts["whole"], facts["roots"], facts["fault"]) == (True, 1, None)
    assert facts["last_hash"] == json.loads(kept)["hash"]


def test_a_broken_trail_fails_in_words_and_is_not_signed(bureau: Flask) -> None:
    harm(bureau, *BREAK)
    verified = run(bureau, "verify")
    assert verified.exit_code == 1
    assert "The trail is broken." in verified.output
    assert "was changed." in verified.output
    facts = json.loads(run(bureau, "verify", "--json").stdout)
    assert facts["fault"]["wrong"] == "changed"
    assert str(facts["fault"]["entry"]) in verified.output
    signed = run(bureau, "sign")
    assert signed.exit_code == 1
    assert "was changed." in signed.output
    assert roots_of(bureau) == []
    report = json.loads(Path(bureau.config["INSTANCE"], "audit-roots/last-verification.json")
                        .read_text())  # fmt: skip
    assert report["whole"] is False


def test_settings_say_where_key_and_roots_are(bureau: Flask, tmp_path: Path) -> None:
    bureau.config.update(AUDIT_KEY=str(tmp_path / "k" / "key"), AUDIT_ROOTS=str(tmp_path / "r"))
    assert run(bureau, "sign").exit_code == 0
    assert len(list((tmp_path / "r").glob("2*.json"))) == 1
    (tmp_path / "k" / "key.pub").rename(tmp_path / "elsewhere.pub")
    assert "does not bear the signature" in run(bureau, "verify").output
    given = run(bureau, "verify", "--public-key", str(tmp_path / "elsewhere.pub"))
    assert given.exit_code == 0, given.output
    (tmp_path / "k" / "key").write_text("no key")
    assert "holds no Ed25519 key" in run(bureau, "sign").output


def months(app: Flask) -> dict[str, Any]:
    """Return how many entries each month holds."""
    with app.app_context(), db.engine.connect() as owner:
        return dict(
            owner.execute(
                text("SELECT tableoid::regclass::text, count(*) FROM audit_entry GROUP BY 1")
            ).all()
        )


def test_months_are_made_ahead_and_take_what_went_to_the_rest(bureau: Flask) -> None:
    this = f"audit_entry_{datetime.now(UTC):%Y_%m}"
    before = months(bureau)
    assert set(before) == {this}
    # Nobody made the month in time.
    harm(bureau, f"ALTER TABLE audit_entry DETACH PARTITION {this}",
         f"ALTER TABLE {this} RENAME TO old_month")  # fmt: skip
    with bureau.app_context():
        make_office()
        db.session.commit()
    assert months(bureau) == {"audit_entry_rest": 1}
    made = run(bureau, "partitions", "--months", "5")
    assert made.exit_code == 0, made.output
    assert made.output == "3 months made; 5 months ahead are there\n"
    assert months(bureau) == {this: 1}
    harm(bureau, f"ALTER TABLE {this} DISABLE TRIGGER USER",
         f"INSERT INTO {this} SELECT * FROM old_month")  # fmt: skip  # noqa: S608
    assert run(bureau, "verify").exit_code == 0
    assert run(bureau, "partitions", "--months", "5").output.startswith("0 months made")
    assert run(bureau, "partitions", "--months", "999").exit_code == 1
    with bureau.app_context(), db.engine.connect() as owner:
        last = owner.scalar(
            text("SELECT max(relid::regclass::text) FILTER (WHERE relid::regclass::text ~ '[0-9]')"
                 " FROM pg_partition_tree('audit_entry')")
        )  # fmt: skip
    later = datetime.now(UTC).replace(day=1) + timedelta(days=31 * 5)
    assert last == f"audit_entry_{later:%Y_%m}"

"""The key-encryption key is changed while identities are sealed and opened (promise C10)."""

import json
import os
import secrets
from collections.abc import Callable
from threading import Event, Thread
from time import monotonic
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, text

import sealing
from models import AuditEntry, Identity, IdentityKey
from sealing import KeyFiles
from tests.identities import CANARIES, District, make_district

KEYS = int(os.environ.get("REDRESS_TEST_KEYS", "100000"))


@pytest.fixture
def district(committed: Flask) -> District:
    there = make_district(committed)
    there.ring.make_next()
    return there


def add_keys(district: District, number: int) -> None:
    """Add `number` wrapped data keys, as sealing would."""
    kek = bytes.fromhex((district.ring.folder / "kek-1").read_text().strip())
    ids = range(1_000_000, 1_000_000 + number)
    wrapped = [
        sealing.encrypt(kek, secrets.token_bytes(32), sealing._of_key(one, 1, 1)) for one in ids
    ]
    with district.acting() as session:
        # Neither the grievances nor the trail of making the keys have a part in a rotation.
        session.execute(
            text("ALTER TABLE identity_key DROP CONSTRAINT fk_identity_key_grievance_id")
        )
        session.execute(text("ALTER TABLE identity_key DISABLE TRIGGER redress_audit_insert"))
        session.execute(
            text(
                "INSERT INTO identity_key (grievance_id, key_version, kek_version, wrapped)"
                " SELECT grievance_id, 1, 1, wrapped"
                " FROM unnest(CAST(:ids AS bigint[]), CAST(:keys AS bytea[]))"
                " AS one (grievance_id, wrapped)"
            ),
            {"ids": list(ids), "keys": wrapped},
        )
        session.execute(text("ALTER TABLE identity_key ENABLE TRIGGER redress_audit_insert"))
        session.commit()


class Desk(Thread):
    """Seals and opens without a pause, as officers do while the key is changed."""

    def __init__(self, district: District) -> None:
        super().__init__()
        self.district = district
        self.stop = Event()
        self.sealed = self.opened = 0
        self.failures: list[str] = []

    def run(self) -> None:
        while not self.stop.is_set():
            try:
                self.district.seal()
                self.sealed += 1
                opening = self.district.open()
                if self.district.read(opening) != CANARIES:
                    self.failures.append("read something else")
                self.opened += 1
            except Exception as problem:  # whatever it is, it is a failure of the rotation
                self.failures.append(repr(problem))


def versions(district: District) -> dict[int, int]:
    with district.acting() as session:
        rows = session.execute(
            select(IdentityKey.kek_version, func.count()).group_by(IdentityKey.kek_version)
        ).all()
        return {version: number for version, number in rows}


def rotate(district: District, *arguments: str) -> Any:
    return district.app.test_cli_runner().invoke(args=["identity", "rotate-key", *arguments])


def test_the_key_is_changed_while_identities_are_sealed_and_opened(
    district: District, figures: Callable[[str], None]
) -> None:
    add_keys(district, KEYS)
    district.seal()
    desk = Desk(district)
    desk.start()
    started = monotonic()
    done = rotate(district, "--json")
    seconds = monotonic() - started
    at_the_end = desk.opened
    desk.stop.set()
    desk.join()
    assert done.exit_code == 0, done.output
    told = json.loads(done.output.splitlines()[-1].rpartition("\r")[2].lstrip("0123456789,"))
    assert told["failed"] == []
    assert told["version"] == 2
    # What the desk seals during the rotation may be under the new key already.
    assert KEYS <= told["keys"] <= KEYS + 1
    assert versions(district) == {2: KEYS + 1}
    assert desk.failures == []
    assert desk.sealed > 1
    assert at_the_end > 1
    (district.ring.folder / "kek-1").unlink()
    assert district.read(district.open()) == CANARIES
    with district.acting() as session:
        entries = session.scalars(
            select(AuditEntry.changes).where(AuditEntry.record_type == "identity_key")
        ).all()
        assert {"kek_version": [None, 2], "rows": [None, told["keys"]]} in entries
    figures(
        f"C10: {KEYS:,} wrapped keys rotated in {seconds:.1f} s while {desk.sealed} identities were"
        f" sealed and {desk.opened} opened: {len(desk.failures)} failures"
    )


def test_every_rewrapped_key_still_opens(district: District) -> None:
    add_keys(district, 500)
    before = _unwrapped(district, 1)
    assert rotate(district, "--batch", "64").exit_code == 0
    assert _unwrapped(district, 2) == before
    assert len(before) == 500


def _unwrapped(district: District, version: int) -> dict[int, bytes]:
    ring = district.ring
    with district.acting() as session:
        rows = session.execute(select(IdentityKey.__table__)).all()
        return {
            row.grievance_id: ring.unwrap(
                version,
                bytes(row.wrapped),
                sealing._of_key(row.grievance_id, row.key_version, version),
            )
            for row in rows
        }


def test_a_rotation_that_was_cut_short_goes_on(district: District) -> None:
    add_keys(district, 300)
    district.ring.make_next()  # the first thing a rotation does; then the power went
    with district.acting() as session:
        session.execute(text("UPDATE identity_key SET kek_version = 9 WHERE id % 2 = 0"))
        session.commit()
    cut = rotate(district)  # half of the rows name a key that is not here
    assert cut.exit_code != 0
    assert "version 9 is not on this server" in cut.output
    with district.acting() as session:
        session.execute(text("UPDATE identity_key SET kek_version = 1 WHERE kek_version = 9"))
        session.commit()
    done = rotate(district)
    assert done.exit_code == 0, done.output
    assert versions(district) == {4: 300}


def test_a_key_that_does_not_open_is_named_and_left_and_the_others_go_on(
    district: District,
) -> None:
    add_keys(district, 10)
    with district.acting() as session:
        session.execute(
            text(
                "UPDATE identity_key SET wrapped = set_byte(wrapped, 20, 1 + get_byte(wrapped, 20)"
                " % 255) WHERE id = (SELECT max(id) FROM identity_key)"
            )
        )
        session.commit()
    done = rotate(district)
    assert done.exit_code != 0
    assert "1 data keys do not open" in done.output
    assert versions(district) == {1: 1, 2: 9}


def test_keys_of_the_environment_are_rotated_to_the_highest(
    committed: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = make_district(committed)
    there.seal()
    old = (there.ring.folder / "kek-1").read_text().strip()
    new = secrets.token_hex(32)
    monkeypatch.setitem(committed.config, "IDENTITY_KEYS", f"1:{old},2:{new}")
    assert rotate(there).exit_code == 0
    assert versions(there) == {2: 1}
    assert KeyFiles(there.ring.folder).versions() == [1]
    with there.acting("intake") as session:
        assert session.scalar(select(func.count(Identity.id))) == 1


def test_only_the_system_gets_wrapped_keys_and_never_with_what_they_open(
    district: District,
) -> None:
    district.seal()
    ask = text("SELECT count(*) FROM redress_wrapped_keys(0, 9, 10)")
    for who, number in (("intake", 0), ("administrator", 0), (None, 1)):
        with district.acting(who) as session:
            assert session.scalar(ask) == number

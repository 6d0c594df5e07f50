"""The drill of promise C8: the backup of a register (100,000 grievances in
`make proofs`), restored on an empty machine."""

import base64
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from psycopg2.extras import execute_values

import backup
import embedded
import postgres
from access import prepare
from backup import programs
from benchmarks import register
from config import HOME
from rules.identity import IdentityField
from sealing import KeyFiles, seal
from tests.proofs import size

GRIEVANCES, IDENTITIES, CHANGES = size(20_000, 100_000), 1_200, size(4_000, 20_000)
PLANTED = "Zyrianda Quillfeather"
"""Begins every name that is sealed, and stands nowhere else."""
LONGEST = 180
"""Seconds for a restore on a busy machine of 2 cores; a quiet one takes a third of it."""


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder outside pytest's, which the database's own user may enter."""
    with tempfile.TemporaryDirectory(prefix="redress-drill-") as name:
        yield Path(name)


def flask(instance: Path, *command: str, **settings: str) -> str:
    """Run a command on a machine that knows nothing but its folder; return what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "app", *command],
        cwd=HOME,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
        | {"REDRESS_INSTANCE": str(instance)}
        | settings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def make_register(url: str, ring: KeyFiles) -> list[str]:
    """Fill the database, with a trail of what was done since; return what must not get out."""
    canaries = []
    with closing(postgres.connect(url)) as session, session.cursor() as cursor:
        register._fill(session, GRIEVANCES, lambda _: None)
        for first in range(0, CHANGES, 500):
            cursor.execute(
                "UPDATE grievance SET place = 'Ward ' || id WHERE id > %s AND id <= %s",
                (first, first + 500),
            )
        columns = [field.value for field in IdentityField]
        rows, keys = [], []
        for number in range(1, IDENTITIES + 1):
            canary = f"{PLANTED} {secrets.token_hex(8)}"
            canaries.append(canary)
            sealed = seal(
                dict.fromkeys(columns, canary), grievance_id=number, key_version=1, ring=ring
            )
            rows.append((number, 1, *(sealed.fields[column] for column in columns)))
            keys.append((number, 1, sealed.kek_version, sealed.wrapped))
        execute_values(
            cursor,
            f"INSERT INTO identity (grievance_id, key_version, {', '.join(columns)}) VALUES %s",  # noqa: S608
            rows,
        )
        execute_values(
            cursor,
            "INSERT INTO identity_key (grievance_id, key_version, kek_version, wrapped) VALUES %s",
            keys,
        )
    return canaries


def everything_in(folders: backup.Folders) -> list[bytes]:
    """Return every file of a backup as it lies there, and its dumps as text."""
    files = [path for folder in (folders.backups, folders.keys) for path in folder.rglob("*")]
    found = [path.read_bytes() for path in files if path.is_file()]
    reader = programs.find("pg_restore", 18)
    dumps = [path for path in files if path.suffix == ".dump"]
    assert len(dumps) == 2
    return [*found, *(programs.run(reader, "--file=-", str(path)).encode() for path in dumps)]


def spellings(secret: bytes) -> list[bytes]:
    """Return a secret as it is, in hex and in base64: as bytes stand in a dump."""
    return [secret, secret.hex().encode(), base64.b64encode(secret).rstrip(b"=")[:-1]]


@pytest.mark.proof
def test_a_register_comes_back_on_an_empty_machine(
    place: Path, figures: Callable[[str], None]
) -> None:
    old, new = place / "old", place / "new"
    flask(old, "db", "upgrade")
    ring = KeyFiles(old / "identity-keys")
    ring.make_next()
    with embedded.database(old) as url:
        canaries = make_register(url, ring)
        secret_key = (old / "secret-key").read_text().strip()
        prepare(url, secret_key)
        began = time.monotonic()
        said = flask(old, "backup", str(place / "backups"))
        took = time.monotonic() - began
    folders = backup.Folders.of(place / "backups", None)
    [taken] = folders.backups.glob("redress-*")
    manifest = backup.read_manifest(taken)
    weight = sum(path.stat().st_size for path in place.glob("backups*/*/*"))
    assert manifest.counts["grievance"] == GRIEVANCES
    assert manifest.counts["audit_entry"] > CHANGES
    figures(
        f"C8: backup of {manifest.rows:,} rows ({GRIEVANCES:,} grievances) in {took:.1f} s,"
        f" {weight / 1e6:.0f} MB"
    )

    kept = everything_in(folders)
    assert "路" in "".join(text.decode(errors="ignore") for text in kept[-2:])  # the text is read
    kek = bytes.fromhex((old / "identity-keys" / "kek-1").read_text())
    for secret in [kek, secret_key.encode(), bytes.fromhex(secret_key)]:
        assert not any(one in text for one in spellings(secret) for text in kept)
    searched = [one for name in (PLANTED, canaries[0]) for one in spellings(name.encode())]
    hits = sum(text.count(one) for text in kept for one in searched)
    figures(
        f"C8: {len(canaries):,} canaries, {sum(map(len, kept)) / 1e6:.0f} MB of backup as files and"
        f" as text, without the key: {hits} hits"
    )
    assert hits == 0

    shutil.rmtree(old)
    (new / "identity-keys").mkdir(parents=True, mode=0o700)
    (new / "identity-keys" / "kek-1").touch(mode=0o600)
    (new / "identity-keys" / "kek-1").write_text(kek.hex())
    began = time.monotonic()
    said = flask(new, "restore", str(place / "backups"))
    took = time.monotonic() - began
    trail = re.search(r"Audit trail: ([\d,]+) entries in ([\d,]+) blocks, the chain is whole", said)
    assert trail, said
    assert int(trail[1].replace(",", "")) == manifest.counts["audit_entry"]
    assert f"Identities: 1,000 of {IDENTITIES:,} opened and whole" in said
    assert f"Rows: {manifest.rows:,} in {len(manifest.counts)} tables" in said
    figures(
        f"C8: restored on an empty machine in {took:.1f} s: {manifest.rows:,} rows, {trail[1]}"
        f" entries of the trail in {trail[2]} blocks, 1,000 identities opened"
    )
    for line in said.splitlines():
        print(line)  # noqa: T201  shown where the test fails, and with -s
    assert took < LONGEST
    found = json.loads(flask(new, "doctor", "--json", REDRESS_BACKUP_FOLDER=str(folders.backups)))
    assert not [one for one in found if one["level"] == "wrong"]

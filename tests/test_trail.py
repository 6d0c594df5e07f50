"""The audit trail cannot lie: what is changed in it is found and the place is named (C6)."""

import hashlib
import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Flask
from sqlalchemy import Connection, text

from actions import roots
from models import db
from queries import trail
from rules.chain import Fault, Verdict, Wrong
from tests.factories import make_grievance, make_office, make_officer

SEED = 20261122
DAYS = [date(2026, 11, day) for day in (1, 2, 3)]


# --- A trail to break ------------------------------------------------------------------------


def grow(blocks: int, chance: random.Random) -> None:
    """Commit so many transactions, each of a few changes of a few kinds."""
    office = make_office()
    officer = make_officer(office_id=office.id)
    kept = [make_grievance() for _ in range(3)]
    db.session.commit()
    for number in range(blocks - 1):
        for _ in range(chance.randint(1, 3)):
            what = chance.choice(["new", "title", "place", "office", "officer"])
            if what == "new":
                kept.append(make_grievance(title=f"Matter {number} “{chance.random()}”\n"))
            elif what in ("title", "place"):
                setattr(chance.choice(kept), what, f"{what} {chance.random()} 停水")
            elif what == "office":
                office.name = f"Office {chance.random()}"
            else:
                officer.name = f"Officer {chance.random()}"
            db.session.flush()
        db.session.commit()


@pytest.fixture
def place(tmp_path: Path) -> roots.Roots:
    key = roots.signing_key(tmp_path / "audit-key")
    return roots.Roots(tmp_path / "audit-roots", (key.public_key(),))


def key_of(place: roots.Roots) -> Ed25519PrivateKey:
    return roots.signing_key(place.folder.parent / "audit-key")


def sign(place: roots.Roots, day: date) -> roots.SignedRoot:
    end = roots.verify(db.session(), place).end
    return roots.sign(place, key_of(place), end, day=day, now=datetime.now(UTC))


@pytest.fixture
def grown(committed: Flask, place: roots.Roots) -> Iterator[Flask]:
    """An application whose trail has some 45 blocks, with a root after each third."""
    with committed.app_context():
        chance = random.Random(SEED)
        for day in DAYS:
            grow(15, chance)
            sign(place, day)
        yield committed


def fault_of(place: roots.Roots) -> Fault | None:
    return roots.verify(db.session(), place).fault


def test_x(grown, place):
    v = roots.verify(db.session(), place)
    print(v)
    assert v.fault is None

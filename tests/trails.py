"""A trail for tests to break, sign and verify."""

import random
from datetime import UTC, date, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from actions import roots
from models import db
from rules.chain import Verdict
from tests.factories import make_grievance, make_office, make_officer


def grow(blocks: int, seed: int) -> None:
    """Commit so many transactions, each of a few changes of a few kinds."""
    chance = random.Random(seed)  # noqa: S311  the same trail in every run
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


def key_of(place: roots.Roots) -> Ed25519PrivateKey:
    """Return the key of the fixture `place`."""
    return roots.signing_key(place.folder.parent / "audit-key")


def sign(place: roots.Roots, day: date) -> roots.SignedRoot:
    """Sign what there is as the root of `day`."""
    end = verified(place).end
    return roots.sign(place, key_of(place), end, day=day, now=datetime.now(UTC))


def verified(place: roots.Roots) -> Verdict:
    """Return what a verification of everything finds."""
    return roots.verify(db.session(), place)

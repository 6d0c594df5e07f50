"""News for whoever brought a grievance: the code under which they ask for it, and telling them that
there is some, in the way they chose and in no other (domain.md section 1, line 5)."""

import hashlib
import secrets
from datetime import datetime

from sqlalchemy import insert, select, update

from models import Grievance, GrievanceCode, News, Officer, db
from rules import RuleBroken
from rules.grievance import NewsWay

LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Signs of a code: none that looks like another one."""
LENGTH = 16
"""Signs of a code: 79 bits, which nobody guesses and a plain hash keeps."""


def hash_of(code: str) -> bytes:
    """Return what is kept of a code, as it is typed: small letters, blanks and dashes are fine."""
    plain = "".join(sign for sign in code.upper() if sign.isalnum())
    return hashlib.sha256(plain.encode()).digest()


def make_code(grievance: Grievance) -> str:
    """Return a new code for `grievance`, which is to be shown once; the one before is void.

    Whether the officer may make one is asked before: as for sealing (actions/identity.py)."""
    plain = "".join(secrets.choice(LETTERS) for _ in range(LENGTH))
    codes = GrievanceCode.__table__
    of_this = codes.c.grievance_id == grievance.id
    kept = {"code_hash": hash_of(plain)}
    # Plain statements: the ORM would read back what the application may not read.
    if db.session.scalar(select(codes.c.id).where(of_this)) is None:
        db.session.execute(insert(codes).values(kept | {"grievance_id": grievance.id}).inline())
    else:
        db.session.execute(update(codes).where(of_this).values(kept))
    return "-".join(plain[place : place + 4] for place in range(0, LENGTH, 4))


def check_way(grievance: Grievance, way: NewsWay) -> None:
    """Raise RuleBroken unless whoever brought `grievance` chose to be told in this way."""
    if grievance.news_way is NewsWay.ASK:
        raise RuleBroken("They chose to ask themselves, under their code. Do not reach for them.")
    if way is not grievance.news_way:
        raise RuleBroken(
            "They did not choose to be told like this. They chose: %(way)s.", way=grievance.news_way
        )


def note_told(grievance: Grievance, way: NewsWay, *, by: Officer, now: datetime) -> News:
    """Set down that whoever brought `grievance` was told that there is news. Raises RuleBroken."""
    check_way(grievance, way)
    news = News(grievance_id=grievance.id, way=way, told_at=now, told_by_id=by.id)
    db.session.add(news)
    db.session.flush()
    return news

"""The second factor: a code from the officer's telephone (RFC 6238), and ten codes for the day it
is lost (promise B6)."""

import hashlib
import hmac
import re
from datetime import datetime

import pyotp
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import delete, func, select, update

import sealing
from models import Officer, RecoveryCode, SecondFactor, db
from rules import RuleBroken
from rules.passwords import readable_text

STEP = 30  # seconds for which a code stands
DRIFT = 1  # steps by which the telephone's clock may be early or late
RECOVERY_CODES = 10
WRONG = "This code is not right, or it has been used. Wait for the next one and type that."


# --- The secret ------------------------------------------------------------------------------


def new_secret() -> str:
    """Return a secret for an app on a telephone: 160 bits in base 32."""
    return pyotp.random_base32(32)


def address_for(secret: str, username: str) -> str:
    """Return the otpauth address that the QR code holds."""
    return pyotp.TOTP(secret).provisioning_uri(name=username, issuer_name="Redress")


def _key(key: str) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=b"redress second factor").derive(key.encode())


def seal(secret: str, *, officer_id: int, key: str) -> bytes:
    """Return `secret` in cipher, as it is stored: of use to this officer alone."""
    return sealing.encrypt(_key(key), secret.encode(), _bound_to(officer_id))


def unseal(sealed: bytes, *, officer_id: int, key: str) -> str:
    """Return the secret that `seal` hid. Raises RuleBroken where it was hidden under another key
    or for another officer."""
    try:
        plain = sealing.decrypt(_key(key), sealed, _bound_to(officer_id))
    except sealing.SealBroken:
        raise RuleBroken(
            "Your second factor cannot be read any more, because the server's key has changed. "
            "Ask an administrator to reset it."
        ) from None
    return plain.decode()


def _bound_to(officer_id: int) -> bytes:
    return f"second_factor.secret:{officer_id}".encode()


# --- Codes -----------------------------------------------------------------------------------


def step_of(secret: str, code: str, *, now: datetime, after: int = 0) -> int | None:
    """Return the half minute that `code` stands for, no further from `now` than the drift and
    later than the step `after`; None where it is not right."""
    clock = pyotp.TOTP(secret, interval=STEP)
    present = int(now.timestamp()) // STEP
    found = None
    for step in range(present - DRIFT, present + DRIFT + 1):
        if hmac.compare_digest(clock.generate_otp(step), code) and step > after:
            found = step
    return found


def use_code(officer: Officer, typed: str, *, key: str, now: datetime) -> None:
    """Take a code of the telephone or a recovery code; either is spent then. Raises RuleBroken
    where it is not right. Hold the account against others who try at the same time."""
    code = "".join(typed.lower().split()).replace("-", "")
    if re.fullmatch(r"[0-9]{6}", code, re.ASCII):
        _use_telephone_code(officer, code, key=key, now=now)
        return
    spent = db.session.scalar(
        update(RecoveryCode)
        .where(
            RecoveryCode.officer_id == officer.id,
            RecoveryCode.code_hash == _hash(code, officer_id=officer.id, key=key),
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=now)
        .returning(RecoveryCode.id)
        .execution_options(synchronize_session=False)
    )
    if spent is None:
        raise RuleBroken(WRONG, field="code")


def _use_telephone_code(officer: Officer, code: str, *, key: str, now: datetime) -> None:
    factor = db.session.scalar(select(SecondFactor).where(SecondFactor.officer_id == officer.id))
    if factor is None:
        raise RuleBroken(WRONG, field="code")
    secret = unseal(factor.secret, officer_id=officer.id, key=key)
    step = step_of(secret, code, now=now, after=factor.last_step)
    if step is None:
        raise RuleBroken(WRONG, field="code")
    factor.last_step = step
    db.session.flush()


# --- Setting up and taking away --------------------------------------------------------------


def set_up(officer: Officer, secret: str, code: str, *, key: str, now: datetime) -> list[str]:
    """Give `officer` the second factor that `code` shows to be on their telephone; return their
    recovery codes. Raises RuleBroken where the code is not right or there is one already."""
    if officer.second_factor_since is not None:
        raise RuleBroken(
            "You have a second factor already. Take it away before you set up another."
        )
    step = step_of(secret, "".join(code.split()), now=now)
    if step is None:
        raise RuleBroken(
            "This code does not belong to the key below. Check that the clock of the telephone is "
            "right, and type the code that it shows now.",
            field="code",
        )
    db.session.add(
        SecondFactor(
            officer_id=officer.id,
            secret=seal(secret, officer_id=officer.id, key=key),
            last_step=step,
        )
    )
    officer.second_factor_since = now
    db.session.flush()
    return new_recovery_codes(officer.id, key=key)


def new_recovery_codes(officer_id: int, *, key: str) -> list[str]:
    """Return ten recovery codes that go in the place of those there were. They are kept as hashes:
    this is the one time that they can be shown."""
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.officer_id == officer_id))
    # 59 bits each: no slow hash is needed to keep them from being guessed.
    codes = [readable_text(groups=3, letters=4) for _ in range(RECOVERY_CODES)]
    for code in codes:
        hashed = _hash(code.replace("-", ""), officer_id=officer_id, key=key)
        db.session.add(RecoveryCode(officer_id=officer_id, code_hash=hashed))
    db.session.flush()
    return codes


def _hash(code: str, *, officer_id: int, key: str) -> bytes:
    text = f"recovery code:{officer_id}:{code}".encode()
    return hmac.digest(key.encode(), text, hashlib.sha256)


def codes_left(officer_id: int) -> int:
    """Return how many recovery codes the officer has not used."""
    unused = (RecoveryCode.officer_id == officer_id, RecoveryCode.used_at.is_(None))
    query = select(func.count()).select_from(RecoveryCode).where(*unused)
    return db.session.scalar(query) or 0


def take_away(officer: Officer) -> bool:
    """Take the second factor of `officer` away, with the recovery codes; return whether there was
    one."""
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.officer_id == officer.id))
    gone = db.session.scalars(
        delete(SecondFactor).where(SecondFactor.officer_id == officer.id).returning(SecondFactor.id)
    ).all()
    had_one = bool(gone) or officer.second_factor_since is not None
    officer.second_factor_since = None
    db.session.flush()
    return had_one

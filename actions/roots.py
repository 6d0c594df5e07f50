"""The signed roots of the audit trail: one file a day, outside the database, that says how the
chain ended. Whoever holds a copy can tell whether the trail up to it is still the same."""

import base64
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from config import write_once
from queries import trail
from rules import RuleBroken, mark
from rules.chain import End, Fault, Root, Verdict, Wrong, walk

REPORT = "last-verification.json"


@dataclass(frozen=True)
class Roots:
    """The folder of the roots and the keys whose signatures count."""

    folder: Path
    keys: tuple[Ed25519PublicKey, ...]


@dataclass(frozen=True)
class SignedRoot:
    """A root as it stands in its file."""

    day: str
    signed_at: str
    block: int
    entries: int
    hash: str
    previous: str
    key: str
    signature: str = ""

    @property
    def signed(self) -> bytes:
        """What the signature is of: all but itself, written in one way only."""
        facts = asdict(self)
        del facts["signature"]
        return json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()

    @property
    def end(self) -> End:
        return End(self.block, self.entries, bytes.fromhex(self.hash))

    def is_signed_by(self, keys: Sequence[Ed25519PublicKey]) -> bool:
        for key in keys:
            if fingerprint(key) == self.key:
                with suppress(InvalidSignature, ValueError):
                    key.verify(base64.b64decode(self.signature), self.signed)
                    return True
        return False


# --- Keys ------------------------------------------------------------------------------------


def signing_key(path: Path) -> Ed25519PrivateKey:
    """Return the key in the file `path`, which is made, for its owner alone, where it is missing;
    its public half stands beside it in `path`.pub. Raises RuleBroken where it is none."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        made = Ed25519PrivateKey.generate()
        pem = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        with suppress(FileExistsError):
            write_once(path, pem)
    key = _as_key(path, lambda data: load_pem_private_key(data, password=None))
    if not isinstance(key, Ed25519PrivateKey):
        raise _no_key(path)
    public = path.with_name(path.name + ".pub")
    with suppress(FileExistsError):
        pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        write_once(public, pem, mode=0o644)
    return key


def public_key(path: Path) -> Ed25519PublicKey:
    """Return the public key in the file `path`. Raises RuleBroken where it is none."""
    key = _as_key(path, load_pem_public_key)
    if not isinstance(key, Ed25519PublicKey):
        raise _no_key(path)
    return key


def fingerprint(key: Ed25519PublicKey) -> str:
    """Return the SHA-256 of a public key, in hex: what people compare."""
    return hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()


def _as_key(path: Path, read: Any) -> Any:
    try:
        return read(path.read_bytes())
    except (OSError, ValueError, TypeError):
        raise _no_key(path) from None


def _no_key(path: Path) -> RuleBroken:
    return RuleBroken(mark("%(path)s holds no Ed25519 key that can be read."), path=str(path))


# --- Reading and signing ---------------------------------------------------------------------


def signed_roots(folder: Path) -> Iterator[SignedRoot]:
    """Yield the roots in `folder` in the order of their days. Raises Fault for a file that is
    none."""
    for path in sorted(folder.glob("????-??-??.json")):
        try:
            root = SignedRoot(**json.loads(path.read_text()))
            is_of_its_day = root.day == path.stem and isinstance(root.end.number, int)
        except (OSError, ValueError, TypeError):
            is_of_its_day = False
        if not is_of_its_day:
            raise Fault(
                Wrong.ROOT_SIGNATURE,
                mark("The root of %(day)s cannot be read: its file was changed."),
                day=path.stem,
            )
        yield root


def last_root(folder: Path) -> SignedRoot | None:
    """Return the newest root in `folder`, unchecked; None where there is none to read."""
    for path in sorted(folder.glob("????-??-??.json"), reverse=True)[:1]:
        with suppress(OSError, ValueError, TypeError):
            return SignedRoot(**json.loads(path.read_text()))
    return None


def checked_roots(roots: Roots, until: date | None = None) -> tuple[list[SignedRoot], Fault | None]:
    """Return the roots up to and with the day `until` whose signatures hold and which follow on
    each other, and what is wrong with the first that does not."""
    good: list[SignedRoot] = []
    try:
        for root in signed_roots(roots.folder):
            if until is not None and root.day > until.isoformat():
                break
            _refuse_unsigned(root, good[-1] if good else None, roots)
            good.append(root)
    except Fault as fault:
        return good, fault
    return good, None


def _refuse_unsigned(root: SignedRoot, before: SignedRoot | None, roots: Roots) -> None:
    if not root.is_signed_by(roots.keys):
        raise Fault(
            Wrong.ROOT_SIGNATURE,
            mark(
                "The root of %(day)s does not bear the signature of the key: it was changed, or "
                "signed with another key."
            ),  # fmt: skip
            day=root.day,
        )
    if root.previous != _hash_of(before):
        raise Fault(
            Wrong.ORDER,
            mark(
                "The root of %(day)s does not follow on the one before it: a root was taken away "
                "or replaced."
            ),  # fmt: skip
            day=root.day,
        )


def _hash_of(root: SignedRoot | None) -> str:
    return hashlib.sha256(root.signed).hexdigest() if root else ""


def sign(roots: Roots, key: Ed25519PrivateKey, end: End, *, day: date, now: datetime) -> SignedRoot:
    """Write the root of `day`, that the chain ended with `end`, and return it; the one that is
    there already where there is one."""
    roots.folder.mkdir(parents=True, exist_ok=True)
    good, fault = checked_roots(roots)
    if fault:
        raise fault
    if good and good[-1].day >= day.isoformat():
        return good[-1]
    facts = SignedRoot(
        day=day.isoformat(),
        signed_at=now.astimezone(UTC).isoformat(timespec="seconds"),
        block=end.number,
        entries=end.entries,
        hash=end.hash.hex(),
        previous=_hash_of(good[-1] if good else None),
        key=fingerprint(key.public_key()),
    )
    signature = base64.b64encode(key.sign(facts.signed)).decode()
    root = SignedRoot(**(asdict(facts) | {"signature": signature}))
    with suppress(FileExistsError):  # somebody else was faster
        content = json.dumps(asdict(root), indent=1).encode() + b"\n"
        write_once(roots.folder / f"{root.day}.json", content, mode=0o644)
    return root


# --- Verifying -------------------------------------------------------------------------------


@contextmanager
def _one_moment(session: Session) -> Iterator[Connection]:
    """Give a connection that sees the trail as it is at one moment."""
    session.rollback()
    options = {"isolation_level": "REPEATABLE READ"}
    try:
        yield session.connection(execution_options=options)
    finally:
        session.rollback()


def verify(
    session: Session, roots: Roots, *, since: date | None = None, until: date | None = None
) -> Verdict:
    """Walk along the trail and its roots; return what was found. Memory stays flat.

    With `since`, from the last good root of an earlier day on, or from the beginning where there
    is none. With `until`, roots of later days are left out: for a database that was restored from
    a backup of that day. Ends the transaction of `session` before and after.
    """
    with _one_moment(session) as connection:
        return verify_on(connection, roots, since=since, until=until)


def verify_on(
    connection: Connection, roots: Roots, *, since: date | None = None, until: date | None = None
) -> Verdict:
    """Do as verify does, on a connection whose transaction sees one moment."""
    good, bad_root = checked_roots(roots, until)
    start = None
    if since is not None:
        earlier = [root for root in good if root.day < since.isoformat()]
        start = earlier[-1].end if earlier else None
    after = start.number if start else 0
    with (
        closing(trail.blocks(connection, after=after)) as blocks,
        closing(trail.entries(connection, after=after)) as entries,
    ):
        verdict = walk(
            blocks,
            entries,
            trail.noted_end(connection),
            [Root(root.day, root.end) for root in good],
            start,
        )
    return verdict if verdict.fault else replace(verdict, fault=bad_root)


def write_report(folder: Path, verdict: Verdict, *, now: datetime, seconds: float) -> None:
    """Note beside the roots what a verification found, for the auditor's page."""
    folder.mkdir(parents=True, exist_ok=True)
    fault = verdict.fault
    report = {
        "at": now.astimezone(UTC).isoformat(timespec="seconds"),
        "whole": fault is None,
        "entries": verdict.entries,
        "blocks": verdict.blocks,
        "roots": verdict.roots,
        "seconds": round(seconds, 1),
        "fault": {"sentence": fault.sentence, "values": fault.values} if fault else None,
    }
    with tempfile.NamedTemporaryFile("w", dir=folder, delete=False) as draft:
        json.dump(report, draft)
    os.chmod(draft.name, 0o644)  # the web server may run as somebody else
    os.replace(draft.name, folder / REPORT)


def last_report(folder: Path) -> dict[str, Any] | None:
    """Return what the last verification found; None where there was none."""
    with suppress(OSError, ValueError):
        report = json.loads((folder / REPORT).read_text())
        return report if isinstance(report, dict) else None
    return None

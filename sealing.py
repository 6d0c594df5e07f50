"""Sealing: what is written so that the database alone can never read it again.

Each grievance has a data key of 256 random bits, made when its identity is sealed. Each field is
sealed with it apart, by AES-256-GCM-SIV (RFC 8452) under a random nonce of 96 bits:

  stored field  = nonce (12 bytes) | ciphertext of the padded text | tag (16 bytes)
  padded text   = UTF-8 bytes | 0x80 | zeros up to the next multiple of 64 bytes (ISO/IEC 7816-4)
  bound to it   = "redress", table, column, number of the grievance, version of the data key

An empty field is sealed like a short one: neither length nor absence shows. A field that is moved
to another row, column or grievance, or put under another version, does not open.

The data key is itself sealed ("wrapped") with a key-encryption key, the KEK, that is never in the
database: a `KeyRing` keeps it. To rotate is to wrap the data keys anew under a new version of the
KEK; the fields stay as they are. To destroy a data key erases the fields wherever they are copied.
"""

import os
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from config import write_once
from rules import RuleBroken

BUCKET = 64
NONCE = 12
KEY = 32
FIELDS_TABLE, KEYS_TABLE = "identity", "identity_key"


class KeyMissing(RuleBroken):
    """No key, or not the one that is needed, is in the key ring."""


class SealBroken(RuleBroken):
    """What is sealed does not open: it was changed, moved, or its key is another one."""

    def __init__(self) -> None:
        super().__init__(
            "What is sealed here does not open with its key: it was changed or moved, or the key "
            "is another one. Nothing was shown. Tell your administrator the time."
        )


class KeyRing(Protocol):
    """Where key-encryption keys are. Today files or the environment; a key server has the same
    three verbs, so that it can wrap and unwrap without ever giving a key away."""

    def current(self) -> int:
        """Return the version that new data keys are wrapped with. Raises KeyMissing."""

    def wrap(self, version: int, key: bytes, bound: bytes) -> bytes:
        """Return `key` sealed with `version`, bound to `bound`. Raises KeyMissing."""

    def unwrap(self, version: int, wrapped: bytes, bound: bytes) -> bytes:
        """Return what was wrapped. Raises KeyMissing or SealBroken."""


class _Keys:
    """Keys in this process's memory, by version."""

    def _key(self, version: int) -> bytes:
        raise NotImplementedError

    def wrap(self, version: int, key: bytes, bound: bytes) -> bytes:
        return encrypt(self._key(version), key, bound)

    def unwrap(self, version: int, wrapped: bytes, bound: bytes) -> bytes:
        return decrypt(self._key(version), wrapped, bound)


class KeyFiles(_Keys):
    """Versions of the KEK as files of a folder, `kek-1`, `kek-2`, …, each 256 bits in hex, readable
    by their owner alone. The highest is the current one. Files are looked at in each use, so that a
    key which another process made is there at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._read: dict[int, tuple[tuple[int, int], bytes]] = {}

    def versions(self) -> list[int]:
        """Return the versions that are there, lowest first."""
        names = (path.name for path in self.folder.glob("kek-*"))
        found = (re.fullmatch(r"kek-([1-9][0-9]{0,8})", name) for name in names)
        return sorted(int(one[1]) for one in found if one)

    def current(self) -> int:
        versions = self.versions()
        if not versions:
            raise KeyMissing("The key that seals identities is missing on this server.")
        return versions[-1]

    def make_next(self) -> int:
        """Make the next version and return it. Of two that make it at once one wins."""
        version = (self.versions() or [0])[-1] + 1
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        key = f"{secrets.token_hex(KEY)}\n".encode()
        with suppress(FileExistsError):
            write_once(self.folder / f"kek-{version}", key)
        return version

    def _key(self, version: int) -> bytes:
        path = self.folder / f"kek-{version}"
        try:
            state = path.stat()
            if state.st_mode & 0o077:
                raise KeyMissing(
                    "The key file %(file)s can be read by others. Close it (chmod 600), and rotate "
                    "the key.",
                    file=path.name,
                )
            # The file is looked at each time and read once: a rotation asks 200,000 times.
            seen, key = self._read.get(version, (None, b""))
            if seen != (state.st_ino, state.st_mtime_ns):
                key = _from_hex(path.read_text(), version)
                self._read[version] = (state.st_ino, state.st_mtime_ns), key
        except OSError:
            raise _missing(version) from None
        return key


class KeyText(_Keys):
    """Versions of the KEK in one text, "1:hex,2:hex", as an environment variable holds it."""

    def __init__(self, text: str) -> None:
        self._by_version: dict[int, str] = {}
        for part in text.split(","):
            version, _colon, key = part.strip().partition(":")
            if not re.fullmatch(r"[1-9][0-9]{0,8}", version):
                raise KeyMissing("REDRESS_IDENTITY_KEYS must look like 1:HEX or 1:HEX,2:HEX.")
            self._by_version[int(version)] = key

    def current(self) -> int:
        return max(self._by_version)

    def _key(self, version: int) -> bytes:
        if version not in self._by_version:
            raise _missing(version)
        return _from_hex(self._by_version[version], version)


def key_ring(settings: Mapping[str, Any]) -> KeyFiles | KeyText:
    """Return the key ring of the application's settings: the keys of IDENTITY_KEYS where it has
    some, else the files of IDENTITY_KEY_FOLDER. Raises KeyMissing where those cannot be read."""
    if settings["IDENTITY_KEYS"].strip():
        return KeyText(settings["IDENTITY_KEYS"])
    folder = settings["IDENTITY_KEY_FOLDER"] or Path(settings["INSTANCE"]) / "identity-keys"
    return KeyFiles(Path(folder))


def _missing(version: int) -> KeyMissing:
    return KeyMissing(
        "The key of version %(version)s is not on this server, and nothing sealed with it opens. "
        "Tell your administrator.",
        version=version,
    )


def _from_hex(text: str, version: int) -> bytes:
    if not re.fullmatch(rf"[0-9a-fA-F]{{{2 * KEY}}}", text.strip()):
        raise KeyMissing(
            "The key of version %(version)s is damaged: it must be 64 signs, 0 to 9 and a to f.",
            version=version,
        )
    return bytes.fromhex(text.strip())


# --- Fields ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sealed:
    """An identity as the database keeps it: the fields, and the data key that is kept apart."""

    key_version: int
    fields: Mapping[str, bytes]
    kek_version: int
    wrapped: bytes


def seal(
    values: Mapping[str, str], *, grievance_id: int, key_version: int, ring: KeyRing
) -> Sealed:
    """Return `values` sealed under a new data key of the grievance. Raises KeyMissing."""
    key, kek_version = secrets.token_bytes(KEY), ring.current()
    fields = {
        column: encrypt(key, pad(text.encode()), _of_field(column, grievance_id, key_version))
        for column, text in values.items()
    }
    wrapped = ring.wrap(kek_version, key, _of_key(grievance_id, key_version, kek_version))
    return Sealed(key_version, fields, kek_version, wrapped)


def unseal(sealed: Sealed, *, grievance_id: int, ring: KeyRing) -> dict[str, str]:
    """Return the fields in clear. Raises KeyMissing or SealBroken; it is all of them or none."""
    bound = _of_key(grievance_id, sealed.key_version, sealed.kek_version)
    key = ring.unwrap(sealed.kek_version, sealed.wrapped, bound)
    return {
        column: unpad(
            decrypt(key, stored, _of_field(column, grievance_id, sealed.key_version))
        ).decode()
        for column, stored in sealed.fields.items()
    }


def rewrap(
    wrapped: bytes, *, grievance_id: int, key_version: int, old: int, new: int, ring: KeyRing
) -> bytes:
    """Return a wrapped data key under version `new` of the KEK. Raises KeyMissing, SealBroken."""
    key = ring.unwrap(old, wrapped, _of_key(grievance_id, key_version, old))
    return ring.wrap(new, key, _of_key(grievance_id, key_version, new))


def pad(text: bytes) -> bytes:
    """Return `text` filled up to a multiple of 64 bytes, by at least one."""
    return text + b"\x80" + bytes(-(len(text) + 1) % BUCKET)


def unpad(padded: bytes) -> bytes:
    """Return what was padded. Raises SealBroken."""
    text, end, zeros = padded.rpartition(b"\x80")
    if not end or len(padded) % BUCKET or any(zeros):
        raise SealBroken
    return text


def _bound(table: str, *parts: object) -> bytes:
    return "\x1f".join(("redress", table, *map(str, parts))).encode()


def _of_field(column: str, grievance_id: int, key_version: int) -> bytes:
    return _bound(FIELDS_TABLE, column, grievance_id, key_version)


def _of_key(grievance_id: int, key_version: int, kek_version: int) -> bytes:
    return _bound(KEYS_TABLE, "wrapped", grievance_id, key_version, kek_version)


# --- The cipher ------------------------------------------------------------------------------


def encrypt(key: bytes, text: bytes, bound: bytes) -> bytes:
    """Return `text` under `key` (256 bits), bound to `bound`: nonce, ciphertext, tag."""
    nonce = os.urandom(NONCE)
    return nonce + AESGCMSIV(key).encrypt(nonce, text, bound)


def decrypt(key: bytes, stored: bytes, bound: bytes) -> bytes:
    """Return what `encrypt` hid. Raises SealBroken."""
    try:
        return AESGCMSIV(key).decrypt(stored[:NONCE], stored[NONCE:], bound)
    except (InvalidTag, ValueError):
        raise SealBroken from None

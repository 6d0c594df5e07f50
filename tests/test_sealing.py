"""What is sealed opens with its key, in its place, and nowhere else."""

import os
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from stat import S_IMODE
from threading import Thread
from time import monotonic

import pytest

import config
import sealing
from sealing import (
    BUCKET,
    KeyFiles,
    KeyMissing,
    KeyText,
    SealBroken,
    Sealed,
    key_ring,
    pad,
    rewrap,
    seal,
    unpad,
    unseal,
)

VALUES = {"name": "Zara Quill", "phone": "0117 496 0123", "email": "", "address": "", "wishes": ""}


@pytest.fixture
def ring(tmp_path: Path) -> KeyFiles:
    ring = KeyFiles(tmp_path / "identity-keys")
    ring.make_next()
    return ring


def longest_shared(one: bytes, other: bytes) -> int:
    """The length of the longest run of bytes that stands in both."""
    most = 0
    while any(one[at : at + most + 1] in other for at in range(len(one) - most)):
        most += 1
    return most


def test_what_was_sealed_comes_back(ring: KeyFiles) -> None:
    sealed = seal(VALUES, grievance_id=7, key_version=1, ring=ring)
    assert unseal(sealed, grievance_id=7, ring=ring) == VALUES
    whole = b"".join(sealed.fields.values()) + sealed.wrapped
    assert b"Zara" not in whole
    assert b"0117" not in whole


@pytest.mark.parametrize("text", ["", "x", "é" * 31, "x" * 63, "x" * 64, "x" * 2000, "\x80\x00"])
def test_padding_hides_the_length_and_comes_off(text: str) -> None:
    padded = pad(text.encode())
    assert len(padded) % BUCKET == 0
    assert len(padded) - len(text.encode()) <= BUCKET
    assert unpad(padded) == text.encode()


def test_an_empty_field_looks_like_a_short_one(ring: KeyFiles) -> None:
    sealed = seal(VALUES, grievance_id=7, key_version=1, ring=ring)
    assert {len(field) for field in sealed.fields.values()} == {12 + BUCKET + 16}


def test_the_same_phone_in_two_grievances_shares_no_bytes(
    ring: KeyFiles, figures: Callable[[str], None]
) -> None:
    """Promise A9. Two random bytes in a row can be the same in both by chance; eight cannot."""
    one, other = (seal(VALUES, grievance_id=n, key_version=1, ring=ring) for n in (7, 8))
    shared = max(
        longest_shared(one.fields["phone"], other.fields["phone"]),
        longest_shared(one.wrapped, other.wrapped),
    )
    assert shared < 8
    again = seal(VALUES, grievance_id=7, key_version=1, ring=ring)
    assert longest_shared(one.fields["phone"], again.fields["phone"]) < 8
    figures("A9: the same phone in two grievances shares 0 equal bytes beyond chance")


def broken(sealed: Sealed, ring: KeyFiles, grievance_id: int = 7) -> bool:
    with pytest.raises(SealBroken):
        unseal(sealed, grievance_id=grievance_id, ring=ring)
    return True


def test_a_field_opens_in_its_own_column_row_and_version_only(ring: KeyFiles) -> None:
    one = seal(VALUES, grievance_id=7, key_version=1, ring=ring)
    other = seal(VALUES, grievance_id=8, key_version=1, ring=ring)
    newer = seal(VALUES, grievance_id=7, key_version=2, ring=ring)
    fields = dict(one.fields)
    swapped = fields | {"name": fields["phone"], "phone": fields["name"]}
    assert broken(Sealed(1, swapped, 1, one.wrapped), ring)
    assert broken(Sealed(1, fields | {"name": other.fields["name"]}, 1, one.wrapped), ring)
    assert broken(other, ring)  # the whole identity of another grievance
    assert broken(Sealed(1, other.fields, 1, one.wrapped), ring)
    assert broken(Sealed(2, fields, 1, one.wrapped), ring)
    assert broken(Sealed(1, newer.fields, 1, newer.wrapped), ring)
    assert broken(Sealed(1, fields, 1, newer.wrapped), ring)


def test_fields_are_bound_even_where_one_key_sealed_both(ring: KeyFiles) -> None:
    one = seal(VALUES, grievance_id=7, key_version=1, ring=ring)
    key = ring.unwrap(1, one.wrapped, sealing._of_key(7, 1, 1))
    text = pad(b"Somebody Else")
    for bound in (("name", 8, 1), ("phone", 7, 1), ("name", 7, 2), ("name", 78, 1)):
        moved = sealing.encrypt(key, text, sealing._of_field(*bound))
        assert broken(Sealed(1, dict(one.fields) | {"name": moved}, 1, one.wrapped), ring)
    stays = sealing.encrypt(key, text, sealing._of_field("name", 7, 1))
    there = Sealed(1, dict(one.fields) | {"name": stays}, 1, one.wrapped)
    assert unseal(there, grievance_id=7, ring=ring)["name"] == "Somebody Else"


def test_a_wrapped_key_is_bound_even_where_one_key_wrapped_both(ring: KeyFiles) -> None:
    shutil.copy(ring.folder / "kek-1", ring.folder / "kek-2")
    (ring.folder / "kek-2").chmod(0o600)
    key = b"k" * 32
    wrapped = ring.wrap(1, key, sealing._of_key(7, 1, 1))
    assert ring.unwrap(2, ring.wrap(2, key, sealing._of_key(7, 1, 2)), sealing._of_key(7, 1, 2))
    for version, bound in ((2, (7, 1, 2)), (1, (8, 1, 1)), (1, (7, 2, 1))):
        with pytest.raises(SealBroken):
            ring.unwrap(version, wrapped, sealing._of_key(*bound))


def test_one_changed_bit_shows(ring: KeyFiles) -> None:
    one = seal(VALUES, grievance_id=7, key_version=1, ring=ring)
    stored = one.fields["name"]
    for at in (0, 11, 12, 40, len(stored) - 1):
        changed = stored[:at] + bytes([stored[at] ^ 1]) + stored[at + 1 :]
        assert broken(Sealed(1, dict(one.fields) | {"name": changed}, 1, one.wrapped), ring)
    assert broken(Sealed(1, dict(one.fields) | {"name": b""}, 1, one.wrapped), ring)
    key = one.wrapped[:-1] + bytes([one.wrapped[-1] ^ 1])
    assert broken(Sealed(1, one.fields, 1, key), ring)


def test_another_key_under_the_same_version_opens_nothing(ring: KeyFiles, tmp_path: Path) -> None:
    one = seal(VALUES, grievance_id=7, key_version=1, ring=ring)
    another = KeyFiles(tmp_path / "other")
    another.make_next()
    assert broken(one, another)


def test_a_rewrapped_key_opens_under_its_new_version_only(ring: KeyFiles) -> None:
    one = seal(VALUES, grievance_id=7, key_version=1, ring=ring)
    assert ring.make_next() == 2
    wrapped = rewrap(one.wrapped, grievance_id=7, key_version=1, old=1, new=2, ring=ring)
    assert unseal(Sealed(1, one.fields, 2, wrapped), grievance_id=7, ring=ring) == VALUES
    assert broken(Sealed(1, one.fields, 1, wrapped), ring)
    (ring.folder / "kek-1").unlink()
    assert unseal(Sealed(1, one.fields, 2, wrapped), grievance_id=7, ring=ring) == VALUES
    with pytest.raises(KeyMissing):
        unseal(one, grievance_id=7, ring=ring)


# --- Where the key is ------------------------------------------------------------------------


def test_a_key_file_is_for_its_owner_alone(ring: KeyFiles) -> None:
    path = ring.folder / "kek-1"
    assert S_IMODE(path.stat().st_mode) == 0o600
    assert S_IMODE(ring.folder.stat().st_mode) == 0o700
    path.chmod(0o640)
    with pytest.raises(KeyMissing, match="read by others"):
        seal(VALUES, grievance_id=7, key_version=1, ring=ring)


def test_of_those_who_make_a_key_at_once_one_wins(tmp_path: Path) -> None:
    rings = [KeyFiles(tmp_path / "keys") for _ in range(8)]
    threads = [Thread(target=ring.make_next) for ring in rings]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sealed = seal(VALUES, grievance_id=7, key_version=1, ring=rings[0])
    assert unseal(sealed, grievance_id=7, ring=rings[-1]) == VALUES
    assert not [name for name in os.listdir(tmp_path / "keys") if name.startswith(".")]


def test_without_a_key_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(KeyMissing, match="missing on this server"):
        seal(VALUES, grievance_id=7, key_version=1, ring=KeyFiles(tmp_path / "nowhere"))
    (tmp_path / "kek-3").write_text("not a key")
    (tmp_path / "kek-3").chmod(0o600)
    with pytest.raises(KeyMissing, match="version 3 is damaged"):
        seal(VALUES, grievance_id=7, key_version=1, ring=KeyFiles(tmp_path))


def test_keys_can_come_from_the_environment(tmp_path: Path) -> None:
    one, two = secrets.token_hex(32), secrets.token_hex(32)

    def ring_of(keys: str, folder: str = "") -> KeyText | KeyFiles:
        return key_ring(
            {"IDENTITY_KEYS": keys, "IDENTITY_KEY_FOLDER": folder, "INSTANCE": str(tmp_path)}
        )

    ring = ring_of(f"1:{one}, 2:{two}")
    assert isinstance(ring, KeyText)
    assert ring.current() == 2
    sealed = seal(VALUES, grievance_id=7, key_version=1, ring=ring)
    assert sealed.kek_version == 2
    assert unseal(sealed, grievance_id=7, ring=ring) == VALUES
    with pytest.raises(KeyMissing):
        unseal(sealed, grievance_id=7, ring=ring_of(f"1:{one}"))
    with pytest.raises(KeyMissing, match="1:HEX"):
        ring_of(one)
    files, elsewhere = ring_of(" "), ring_of("", "/run/keys")
    assert isinstance(files, KeyFiles)
    assert files.folder == tmp_path / "identity-keys"
    assert isinstance(elsewhere, KeyFiles)
    assert elsewhere.folder == Path("/run/keys")


def test_how_fast_sealing_is_without_the_database(
    ring: KeyFiles, figures: Callable[[str], None]
) -> None:
    number, started = 2000, monotonic()
    sealed = [seal(VALUES, grievance_id=n, key_version=1, ring=ring) for n in range(number)]
    middle = monotonic()
    for n, one in enumerate(sealed):
        assert unseal(one, grievance_id=n, ring=ring) == VALUES
    done = monotonic()
    figures(
        f"Sealing in memory: {number / (middle - started):,.0f} identities of 5 fields a second, "
        f"unsealing: {number / (done - middle):,.0f} a second"
    )


def test_an_opening_lasts_from_a_minute_to_an_hour() -> None:
    assert config.read({"REDRESS_IDENTITY_MINUTES": "60"})["IDENTITY_MINUTES"] == 60
    for minutes in ("0", "61"):
        with pytest.raises(config.SettingWrong, match="from 1 to 60"):
            config.read({"REDRESS_IDENTITY_MINUTES": minutes})

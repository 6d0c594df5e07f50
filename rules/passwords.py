"""What a password must be (promise B6; NIST SP 800-63B-4, section 3.1.1).

Length is what counts. There are no rules about capitals, digits or signs: they make passwords
harder for people and hardly harder for machines.
"""

import secrets
import unicodedata
from functools import cache
from pathlib import Path

from rules import RuleBroken

SHORTEST = 15
SHORTEST_WITH_SECOND_FACTOR = 8
LONGEST = 256
OWN_CHARACTERS = 8
"""Characters that must be left of a password when the officer's name is taken out of it."""

_READABLE = "abcdefghjkmnpqrstuvwxyz23456789"
COMMON_PASSWORDS = Path(__file__).with_name("common_passwords.txt")


def readable_text(*, groups: int, letters: int) -> str:
    """Return random text to hand over to people, "kz4pw-9hmrt": of letters and digits that are
    easy to tell apart, almost 5 bits each."""
    parts = ("".join(secrets.choice(_READABLE) for _ in range(letters)) for _ in range(groups))
    return "-".join(parts)


def normalised(password: str) -> str:
    """Return the form of `password` that is hashed: the same for full-width and ordinary letters
    and for both ways of writing an accent, whichever keyboard sends it (NFKC)."""
    return unicodedata.normalize("NFKC", password)


def check_password(
    password: str, *, username: str, name: str, has_second_factor: bool = False
) -> None:
    """Raise RuleBroken, with what to do, where `password` may not be the password of the officer
    called `name`. Lengths are counted in characters of the normalised form."""
    password = normalised(password)
    least = SHORTEST_WITH_SECOND_FACTOR if has_second_factor else SHORTEST
    if len(password) < least:
        raise RuleBroken(
            "Use at least %(least)s characters: a few words in a row are easy to remember.",
            field="password",
            least=least,
        )
    if len(password) > LONGEST:
        raise RuleBroken("Use at most %(most)s characters.", field="password", most=LONGEST)
    if _is_common(password.casefold()):
        raise RuleBroken(
            "This password is one of those that are tried first. Choose words that only you would "
            "put together.",
            field="password",
        )
    if _is_mostly(password, username) or _is_mostly(password, name):
        raise RuleBroken(
            "The password is hardly more than your name. Choose words that have nothing to do "
            "with you.",
            field="password",
        )


@cache
def common_passwords() -> frozenset[str]:
    """Return the most common passwords, case-folded."""
    lines = COMMON_PASSWORDS.read_text("utf-8").splitlines()
    return frozenset(line.casefold() for line in lines if line and not line.startswith("#"))


def _is_common(folded: str) -> bool:
    unit = folded[: (folded + folded).index(folded, 1)]  # what it repeats, else all of it
    return folded in common_passwords() or (
        unit != folded and (len(unit) <= 4 or unit in common_passwords())
    )


def _is_mostly(password: str, name: str) -> bool:
    """Whether little is left of `password` without `name`; spaces and dots do not count."""
    plain, taken_out = _letters(password), _letters(name)
    left = plain.replace(taken_out, "") if len(taken_out) > 1 else plain
    return left != plain and len(left) < OWN_CHARACTERS


def _letters(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(character for character in folded if character.isalnum())

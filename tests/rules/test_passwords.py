"""What a password must be (promise B6)."""

import pytest

from rules import RuleBroken
from rules.passwords import LONGEST, SHORTEST, check_password, common_passwords, normalised

GOOD = "a quiet lamp over the ferry"


def refusal(password: str, *, has_second_factor: bool = False) -> str:
    """Return the field and the sentence that refuse `password`, "" where it is taken."""
    try:
        check_password(
            password,
            username="anna.kowalska",
            name="Anna Kowalska",
            has_second_factor=has_second_factor,
        )
    except RuleBroken as refused:
        return f"{refused.field}: {refused}"
    return ""


@pytest.mark.parametrize(
    "password",
    [
        GOOD,
        "lowercaselettersonlyhere",  # no rule asks for capitals, digits or signs
        "830519274660385",
        "河边的旧灯塔在雨夜里照着归来的渔船",
        "x9-Kq!" * 40,  # long ones are welcome up to the limit
        "Anna Kowalska rides a green bicycle",  # the name may be part of something longer
    ],
)
def test_a_long_password_of_any_characters_is_taken(password: str) -> None:
    assert refusal(password) == ""


@pytest.mark.parametrize(("length", "least", "second"), [(14, 15, False), (7, 8, True)])
def test_a_short_password_is_refused_with_the_length_that_is_needed(
    length: int, least: int, second: bool
) -> None:
    letters = "qpzmtyghvnalskd"
    assert f"at least {least} characters" in refusal(letters[:length], has_second_factor=second)
    assert refusal(letters[:least], has_second_factor=second) == ""


def test_a_password_over_the_limit_is_refused() -> None:
    varied = "".join(chr(0x4E00 + number) for number in range(LONGEST + 1))
    assert refusal(varied[:LONGEST]) == ""
    assert "at most 256" in refusal(varied)


@pytest.mark.parametrize(
    "password",
    [
        "passwordpassword",
        "PasswordPassword1",  # case does not matter
        "qwertyuiopasdfghjkl",
        "woaini1314520woaini1314520",
        "correct horse battery staple",
        "aaaaaaaaaaaaaaaaaaaaaa",  # one sign over and over
        "abcabcabcabcabcabc",
        "dragondragondragon",  # a common one over and over
        "ｐａｓｓｗｏｒｄｐａｓｓｗｏｒｄ",  # full-width letters are the same letters
    ],
)
def test_a_common_password_is_refused_in_any_spelling(password: str) -> None:
    assert refusal(password).startswith("password: This password is one of those")


@pytest.mark.parametrize(
    "password",
    ["annakowalska2026", "Anna.Kowalska.1!", "anna kowalska anna kowalska", "1234anna_kowalska"],
)
def test_a_password_that_is_hardly_more_than_the_name_is_refused(password: str) -> None:
    assert "hardly more than your name" in refusal(password)


def test_characters_are_counted_after_they_are_normalised() -> None:
    decomposed = "e\u0301" * 14  # 28 code points typed, 14 characters
    assert f"at least {SHORTEST}" in refusal(decomposed)
    assert normalised("e\u0301") == normalised("\u00e9")


def test_the_list_of_common_passwords_is_long_and_clean() -> None:
    listed = common_passwords()
    assert len(listed) >= 1000
    assert sum(len(password) >= SHORTEST for password in listed) >= 300
    assert {"password", "12345678", "qwerty123", "woaini1314"} <= listed
    assert not [password for password in listed if password != password.strip()]

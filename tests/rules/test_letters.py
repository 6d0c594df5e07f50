"""What a template of a letter may say, and how it is filled."""

import pytest

from rules import RuleBroken
from rules.grievance import LetterKind
from rules.letters import check_template, fill, paragraphs


def test_places_are_filled_once_and_what_is_filled_in_is_not_looked_through() -> None:
    values = {"number": "{title}", "title": "The road"}
    assert fill("{number}: {title} {other} {", values) == "{title}: The road {other} {"


def test_a_place_that_nothing_fills_is_refused_with_those_there_are() -> None:
    check_template(LetterKind.TO_OFFICE, "On {number}", "{summary} {}".replace(" {}", ""))
    for body in ("{nobody}", "{}", "{number.__class__}"):
        with pytest.raises(RuleBroken, match="Nothing is filled in"):
            check_template(LetterKind.TO_OFFICE, "x", body)
    with pytest.raises(RuleBroken) as refused:
        check_template(LetterKind.ACKNOWLEDGEMENT, "{summary}", "x")
    assert refused.value.field == "subject"
    assert "{received_on}" in str(refused.value)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("a\nb\n\nc", [(False, "a\nb"), (False, "c")]),
        ("# A\n\nb", [(True, "A"), (False, "b")]),
        ("x\n# A\nb\n\n\n\nc", [(False, "x"), (True, "A"), (False, "b"), (False, "c")]),
        ("#\n\n##B", [(True, "B")]),
        ("", []),
    ],
)
def test_a_letter_falls_into_headings_and_paragraphs(
    body: str, expected: list[tuple[bool, str]]
) -> None:
    assert paragraphs(body) == expected

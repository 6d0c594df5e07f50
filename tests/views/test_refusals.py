"""What a rule refuses is said with its values in words, and in the reader's language."""

from datetime import UTC, date, datetime

from flask import Flask
from flask_babel import force_locale

from rules import RuleBroken, Said
from rules.permissions import Role
from views.labels import sentence


def test_values_of_a_refusal_are_put_in_as_words(app: Flask) -> None:
    due = datetime(2026, 6, 26, 23, 59, tzinfo=UTC)
    with app.test_request_context():
        said = sentence(RuleBroken("The time ran out on %(due)s.", due=due))
        assert "2026" in said
        assert "tzinfo" not in said
        assert "+00:00" not in said
        said = sentence(
            RuleBroken("%(role)s, %(day)s", role=Role.OFFICE_HEAD, day=date(2026, 6, 26))
        )
        assert said.startswith("Office head, ")
        assert sentence(RuleBroken("%(most)s units", most=10_000)) == "10000 units"
        assert sentence(RuleBroken("100 %%")) == "100 %"


def test_a_sentence_within_a_refusal_is_translated_too(app: Flask) -> None:
    refused = RuleBroken("%(problem)s", problem=Said("Choose roles from the list only."))
    with app.test_request_context():
        assert sentence(refused) == "Choose roles from the list only."
        with force_locale("zh_Hans_CN"):
            chinese = sentence(refused)
    assert chinese != "Choose roles from the list only."
    assert any("\u4e00" <= sign <= "\u9fff" for sign in chinese)

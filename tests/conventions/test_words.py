"""Every sentence that people read has a translation, with the same places to fill."""

import ast
import re
from functools import cache
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from flask_babel import force_locale, gettext

from config import HOME
from tests.conventions.sources import listed, modules
from translations.extract import (
    KEYWORDS,
    LANGUAGES,
    derived,
    english_of,
    marked_calls,
    mo_bytes,
    po_path,
    read,
    template,
    translations_of,
)

every_language = pytest.mark.parametrize("language", LANGUAGES)
PLACE = re.compile(r"%\(\w+\)[sd]|%%|\{\w+\}")
# The same in every language.
SAME = {"SHA-256", "%(problem)s", "%(why)s"}
CALLS_TO_TYPE = "make translations, then write the msgstr in"


@cache
def sentences() -> Catalog:
    return template()


def _pairs(catalog: Catalog) -> list[tuple[str, str]]:
    """Return each English text of `catalog` with its translations; all forms of a plural."""
    return [
        (english_of(message), text)
        for message in catalog
        if message.id
        for text in translations_of(message)
    ]


@every_language
def test_the_catalogue_holds_every_sentence_and_no_other(language: str) -> None:
    wanted = {english_of(message) for message in sentences() if message.id}
    kept = {english_of(message) for message in read(language) if message.id}
    differing = [f"new: {one}" for one in sorted(wanted - kept)]
    differing += [f"gone: {one}" for one in sorted(kept - wanted)]
    assert not differing, (
        f"Type: {CALLS_TO_TYPE} {po_path(language).relative_to(HOME)}{listed(differing)}"
    )


@every_language
def test_every_sentence_is_translated(language: str) -> None:
    catalog = read(language)
    empty = [english for english, text in _pairs(catalog) if not text.strip()]
    doubtful = [english_of(message) for message in catalog if message.id and message.fuzzy]
    assert not empty + doubtful, (
        f"Type: {CALLS_TO_TYPE} {po_path(language).relative_to(HOME)}; take the word fuzzy away"
        f" where the translation is right:{listed(empty + doubtful)}"
    )


@every_language
def test_a_translation_has_the_places_of_its_sentence(language: str) -> None:
    wrong = [
        f"{english} -> {text}"
        for english, text in _pairs(read(language))
        if text and set(PLACE.findall(english)) != set(PLACE.findall(text))
    ]
    assert not wrong, f"Keep %(name)s as it is, and translate around it:{listed(wrong)}"


@every_language
def test_a_translation_is_in_its_own_language(language: str) -> None:
    same = [
        english
        for english, text in _pairs(read(language))
        if text == english and english not in SAME
    ]
    assert not same, (
        f"Translate these, or add them to SAME in tests/conventions/test_words.py:{listed(same)}"
    )


@every_language
def test_chinese_is_written_with_chinese_marks(language: str) -> None:
    if not language.startswith("zh"):
        pytest.skip("a rule of Chinese")
    wrong = [
        text
        for english, text in _pairs(read(language))
        if re.search(r"[\u4e00-\u9fff][,;:!?.](?![A-Za-z0-9])|[,;:!?][\u4e00-\u9fff]", text)
    ]
    assert not wrong, f"Write ，；：！？。 between Chinese words:{listed(wrong)}"


@every_language
def test_the_compiled_file_is_of_the_catalogue(language: str) -> None:
    compiled = po_path(language).with_suffix(".mo")
    assert compiled.exists(), "Type: make translations"
    assert compiled.read_bytes() == mo_bytes(read(language)), "Type: make translations"


def test_a_marked_sentence_is_one_piece_of_text() -> None:
    wrong = [
        f"{place}:{call.lineno}: {name}({ast.unparse(call.args[0])[:70]})"
        for place, tree in modules()
        for name, call in marked_calls(tree)
        if call.args and isinstance(call.args[0], ast.JoinedStr | ast.BinOp)
    ]
    assert not wrong, (
        'Translators need the whole sentence: write "There is no office %(name)s.", name=..., not'
        f" an f-string and not +:{listed(wrong)}"
    )


# What says its words to people, in files that answer requests.
SPEAKING = {"flash", "abort", "ValueError", "ValidationError", "StopValidation", "BadRequest"}
SPOKEN = {"label", "description", "message", "title", "placeholder"}


def test_nothing_is_said_to_people_in_english_alone() -> None:
    wrong = [
        f"{place}:{call.lineno}: {text.value[:70]}"
        for place, tree in modules()
        if place.parts[0] in ("views", "security.py")
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        for text in _said_by(call)
        if isinstance(text, ast.Constant) and re.match(r"[A-Z\W].* ", str(text.value))
    ]
    assert not wrong, f'Write _("...") around it, and then: make translations{listed(wrong)}'


def _said_by(call: ast.Call) -> list[ast.expr]:
    """Return the arguments of `call` that people read."""
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    return [
        *(call.args if name in SPEAKING else []),
        *(one.value for one in call.keywords if one.arg in SPOKEN),
    ]


def test_what_screens_take_from_the_records_is_in_the_catalogue() -> None:
    collected = {english_of(message) for message in sentences()}
    missing = [text for text, _what in derived() if text and text not in collected]
    assert not missing, f"translations/extract.py does not collect:{listed(missing)}"
    assert len(KEYWORDS) > 5
    assert "Received at" in collected, "the heading of a column"
    assert "Grievances" in collected, "the name of a list"


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("Offices", "单位"),
        ("Officers", "工作人员"),
        ("Grievances", "信访事项"),
        ("Respondent office", "被反映单位"),
        ("Responsible office", "责任单位"),
        ("Handler", "承办人"),
        ("Lead official", "包案领导"),
        ("Plan steps", "化解方案步骤"),
        ("Reception days", "领导接访日"),
        ("Joint conferences", "联席会议"),
        ("Supervision groups", "督导组"),
        ("Inspections", "督查"),
        ("Findings", "督查发现"),
        ("Supervision notices", "督办通知"),
        ("Reprimands", "通报批评"),
        ("Rectifications", "整改"),
        ("Accountability actions", "问责"),
        ("Daily returns", "日报告"),
        ("Nil", "零报告"),
        ("Duty shifts", "值班表"),
        ("Targets", "工作目标"),
    ],
)
def test_the_words_of_the_domain_are_those_of_the_glossary(
    app: Any, english: str, chinese: str
) -> None:
    with app.test_request_context(), force_locale("zh_Hans_CN"):
        assert gettext(english) == chinese

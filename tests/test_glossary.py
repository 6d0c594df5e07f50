"""docs/glossary.md says what the interface says."""

from collections.abc import Iterator

import pytest
from babel.messages.pofile import read_po

from config import HOME
from models import RECORD_TYPES, Record
from views.labels import english, english_type

GLOSSARY = HOME / "docs" / "glossary.md"
TRANSLATIONS = HOME / "translations" / "zh_Hans_CN" / "LC_MESSAGES" / "messages.po"


def table_rows() -> Iterator[list[str]]:
    """Yield the cells of every row of every table of the glossary, without the headings."""
    for line in GLOSSARY.read_text("utf-8").splitlines():
        if line.startswith("|") and "| 中文 |" not in line:
            yield [cell.strip() for cell in line.strip("|").split("|")]


@pytest.fixture(scope="module")
def chinese() -> dict[str, str]:
    with TRANSLATIONS.open("rb") as file:
        return {str(message.id): str(message.string) for message in read_po(file)}


@pytest.mark.parametrize("model", RECORD_TYPES, ids=lambda model: model.__tablename__)
def test_the_glossary_lists_every_record_type_as_screens_call_it(
    model: type[Record], chinese: dict[str, str]
) -> None:
    word = english_type(model)
    row = f"| `{model.__name__}` | {word} | {chinese.get(word)} | {english(model.desk.value)} |"
    lines = GLOSSARY.read_text("utf-8").splitlines()
    assert row in lines, f"put this line into docs/glossary.md: {row}"


def test_the_glossary_lists_record_types_that_there_are_and_no_others() -> None:
    listed = [cells[0].strip("`") for cells in table_rows() if cells[0].startswith("`")]
    assert listed == [model.__name__ for model in RECORD_TYPES]


def test_the_words_of_the_bureau_are_translated_as_the_glossary_has_them(
    chinese: dict[str, str],
) -> None:
    compared = 0
    for cells in table_rows():
        word = cells[0][:1].upper() + cells[0][1:]
        if word in chinese:
            assert chinese[word] == cells[2], f"{word} is translated in two ways"
            compared += 1
    assert compared > 12

"""Collects every sentence that people read and compiles its translations: `make translations`.

Sentences come from three places: calls in the code that mark one, the templates, and the words
that screens derive from the record types (headings, help, closed lists). The
answers go into translations/<language>/LC_MESSAGES/messages.po, which people edit, and beside it
into messages.mo, which the program reads.
"""

import ast
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from sqlalchemy import Enum, inspect

import config
from models import RECORD_TYPES, Record
from rules.permissions import Desk, Role
from views.labels import english, english_about, english_type, english_types

LANGUAGES = tuple(language for language in config.LANGUAGES if language != "en")
# The calls that mark a sentence, with the places of their texts.
KEYWORDS: dict[str, Any] = {
    "_": None,
    "_l": None,
    "gettext": None,
    "lazy_gettext": None,
    "ngettext": (1, 2),
    "lazy_ngettext": (1, 2),
    "mark": None,
    "RuleBroken": (1,),
}
HEADER = """\
# Redress in %s. Edit the msgstr lines, then: make translations
"""
# Fixed, so that a file changes only when its words do.
SINCE = datetime(2026, 1, 1, tzinfo=UTC)


def marked_calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Yield each call in `tree` that marks a sentence, with the name it is called by."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    for call in sorted(calls, key=lambda one: (one.lineno, one.col_offset)):
        name = getattr(call.func, "attr", getattr(call.func, "id", ""))
        if name in KEYWORDS:
            yield name, call


def from_python(file: Any, *_: Any, **_options: Any) -> Iterator[tuple[int, str, Any, list[str]]]:
    """Yield the sentences of a Python file as Babel wants them. Babel's own reader also takes
    the "name" of gettext(texts["name"]) for a sentence."""
    for name, call in marked_calls(ast.parse(file.read())):
        texts = [getattr(argument, "value", None) for argument in call.args]
        needed = [texts[place - 1] for place in KEYWORDS[name] or (1,) if place <= len(texts)]
        if needed and all(isinstance(text, str) for text in needed):
            yield call.lineno, name, tuple(texts), []


FILES: list[tuple[str, Any]] = [
    *((f"{folder}/**", "ignore") for folder in ("tests", "benchmarks", "docs", "instance")),
    ("**.py", from_python),
    ("templates/**.html", "jinja2"),
]


def derived() -> Iterator[tuple[str, str]]:
    """Yield each English text that screens take from the record types, and what it is there."""
    for desk in Desk:
        yield english(desk.value), "desk"
    for role in Role:
        yield english(role.value), "role"
    for model in RECORD_TYPES:
        yield english_type(model), "record type"
        yield english_types(model), "record types"
        yield english_about(model), f"about {model.__name__}"
        yield from _of_columns(model)
        for relation in inspect(model).relationships:
            yield english(relation.key), "heading"


def _of_columns(model: type[Record]) -> Iterator[tuple[str, str]]:
    for column in model.__table__.columns:
        yield english(column.key), "heading"
        yield column.doc or "", f"help of {model.__name__}.{column.key}"
        yield column.info.get("group", ""), "group"
        if isinstance(column.type, Enum):
            kind: Any = column.type.enum_class
            for member in kind:
                yield english(str(member.value)), f"value of {kind.__name__}"


def template() -> Catalog:
    """Return every sentence that is to be translated, with where it stands."""
    catalog = Catalog()
    found = extract_from_dir(
        config.HOME,
        FILES,
        options_map={"templates/**.html": {"silent": "false"}},
        keywords=KEYWORDS,
    )
    for file, line, sentence, _comments, _context in found:
        catalog.add(sentence, locations=[(file, line)])
    for sentence, what in derived():
        if sentence:
            catalog.add(sentence, locations=[("models.py", 1)], auto_comments=[what])
    return catalog


def po_path(language: str) -> Path:
    """Return the file that people edit for `language` ("zh_Hans_CN")."""
    return config.HOME / "translations" / language / "LC_MESSAGES" / "messages.po"


def read(language: str) -> Catalog:
    """Return the translations of `language`; none where its file is not there yet."""
    path = po_path(language)
    if path.exists():
        with path.open("rb") as file:
            return read_po(file, locale=language)
    return Catalog(
        locale=language,
        header_comment=HEADER % config.LANGUAGES[language],
        project="Redress",
        version="1",
        copyright_holder="",
        language_team=language,
        last_translator=language,
        creation_date=SINCE,
        revision_date=SINCE,
        fuzzy=False,
    )


def merged(language: str, sentences: Catalog) -> Catalog:
    """Return the translations of `language` for exactly `sentences`; new ones are empty."""
    catalog = read(language)
    catalog.update(sentences, no_fuzzy_matching=True, update_creation_date=False)
    catalog.obsolete.clear()
    return catalog


def po_bytes(catalog: Catalog) -> bytes:
    """Return `catalog` as the file that people edit."""
    file = io.BytesIO()
    write_po(file, catalog, width=96, include_lineno=False)
    return file.getvalue()


def mo_bytes(catalog: Catalog) -> bytes:
    """Return `catalog` as the file that the program reads."""
    file = io.BytesIO()
    write_mo(file, catalog)
    return file.getvalue()


def english_of(message: Message) -> str:
    """Return the English text of `message`; of a plural the one for one."""
    return str(message.id[0] if message.pluralizable else message.id)


def missing(catalog: Catalog) -> list[str]:
    """Return the English sentences of `catalog` that have no translation yet."""
    return [
        english_of(message)
        for message in catalog
        if message.id and (message.fuzzy or not all(translations_of(message)))
    ]


def translations_of(message: Message) -> list[str]:
    """Return the translation of `message`, or one for each of its plurals; "" where none is."""
    several = message.string if isinstance(message.string, list | tuple) else (message.string,)
    return [text or "" for text in several]


@click.command()
def main() -> None:
    """Bring the files of every language up to date and say what has no translation yet."""
    sentences = template()
    for language in LANGUAGES:
        catalog = merged(language, sentences)
        path = po_path(language)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(po_bytes(catalog))
        path.with_suffix(".mo").write_bytes(mo_bytes(catalog))
        untranslated = missing(catalog)
        for sentence in untranslated:
            click.echo(f"  {sentence}")
        click.echo(
            f"{language}: {len(catalog)} sentences, {len(untranslated)} without a translation"
            + (f"; write it in {path.relative_to(config.HOME)}." if untranslated else ".")
        )


if __name__ == "__main__":
    main()

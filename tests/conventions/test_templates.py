"""Pages hold no script and no style of their own (the content security policy forbids them), no
words outside the catalogues, and no form without its token."""

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

from config import HOME
from tests.conventions.sources import files, listed, modules

PAGES = [
    path.relative_to(HOME)
    for path in [*files("templates/**/*"), *files("static/**/*")]
    if path.suffix in (".html", ".svg", ".txt", ".xml")
]
every_page = pytest.mark.parametrize("page", PAGES, ids=str)

# Not translated: the product's name, the languages in their own words, an ending of files.
SAME_IN_EVERY_LANGUAGE = {"Redress", "English", "中文", ".toml"}
SEEN_ATTRIBUTES = ("title", "alt", "placeholder", "aria-label", "aria-description", "label")
TRANSLATING = ("_", "gettext", "ngettext", "pgettext", "npgettext")
FILLED_IN = "\N{WHITE SQUARE}"
INLINE = re.compile(
    r"<script(?![^>]*\bsrc=)|<style\b|\sstyle\s*=|\son[a-z]{3,}\s*=\s*[\"']|javascript:|srcdoc\s*=",
    re.IGNORECASE,
)


class Page(HTMLParser):
    """What people see of a page: texts and attributes, with the lines they stand in."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.seen: list[tuple[int, str]] = []
        self.forms: list[tuple[int, str]] = []
        self.feed(without_jinja(source))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        line = self.getpos()[0]
        given = {name: value or "" for name, value in attributes}
        self.seen += [(line, given[name]) for name in SEEN_ATTRIBUTES if name in given]
        if tag == "input" and given.get("type") in ("submit", "button", "reset"):
            self.seen.append((line, given.get("value", "")))

    def handle_data(self, data: str) -> None:
        self.seen.append((self.getpos()[0], data))


def without_jinja(source: str) -> str:
    """Return `source` with nothing where Jinja's blocks were and a square where values go; line
    ends stay, so that lines keep their numbers."""

    def lines(found: re.Match[str], filling: str = "") -> str:
        return filling + "\n" * found[0].count("\n")

    source = re.sub(r"{#.*?#}", lines, source, flags=re.DOTALL)
    source = re.sub(r"{%.*?%}", lines, source, flags=re.DOTALL)
    return re.sub(r"{{.*?}}", lambda found: lines(found, FILLED_IN), source, flags=re.DOTALL)


def has_words(text: str) -> bool:
    """Return whether `text` says something that another language says otherwise."""
    for same in SAME_IN_EVERY_LANGUAGE:
        text = text.replace(same, "")
    return any(character.isalpha() for character in text)


def constants(node: nodes.Node) -> Iterator[nodes.Const]:
    """Yield the constants in a template's expressions that no translating call is given."""
    if isinstance(node, nodes.Call) and getattr(node.node, "name", "") in TRANSLATING:
        return
    if isinstance(node, nodes.Const):
        yield node
    for child in node.iter_child_nodes():
        yield from constants(child)


@every_page
def test_a_page_has_no_script_or_style_of_its_own(page: Path) -> None:
    source = (HOME / page).read_text()
    found = [
        f"{page}:{source[: one.start()].count(chr(10)) + 1}: {one[0].strip()}"
        for one in INLINE.finditer(source)
    ]
    assert not found, (
        "Browsers refuse what stands in the page itself. Put style into static/redress.css as a"
        " class, and script into a module of static/ that looks for a data- attribute:"
        f"{listed(found)}"
    )


def test_html_made_in_python_has_no_script_or_style() -> None:
    found = [
        f"{place}:{node.lineno}: {one[0].strip()}"
        for place, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "<" in node.value
        for one in INLINE.finditer(node.value)
    ]
    assert not found, f"Use a class of static/redress.css or a data- attribute:{listed(found)}"


@every_page
def test_every_form_that_posts_carries_its_token(page: Path) -> None:
    source = (HOME / page).read_text()
    forms = re.finditer(r"<form\b[^>]*method=[\"']post[\"'].*?</form>", source, re.I | re.S)
    bare = [
        f"{page}:{source[: form.start()].count(chr(10)) + 1}"
        for form in forms
        if "csrf" not in form[0]
    ]
    assert not bare, (
        'Write {{ csrf() }} after the form tag, and {% from "_macros.html" import csrf %} on top:'
        f"{listed(bare)}"
    )


@every_page
def test_words_in_pages_can_be_translated(page: Path) -> None:
    shown = [
        f"{page}:{line}: {text.strip()[:80]}"
        for line, text in Page((HOME / page).read_text()).seen
        if has_words(text)
    ]
    assert not shown, f'Write {{{{ _("the words") }}}} and then: make translations{listed(shown)}'


@every_page
def test_words_in_expressions_of_pages_can_be_translated(page: Path) -> None:
    tree = Environment(extensions=["jinja2.ext.i18n"], autoescape=True).parse(
        (HOME / page).read_text()
    )
    shown = [
        f"{page}:{one.lineno}: {one.value}"
        for one in constants(tree)
        if isinstance(one.value, str)
        # A word or sentence as people write it; not a class, a key or a name of code.
        and re.fullmatch(r"[A-Z][a-z]+([ ,.:;!?…].*)?", one.value, re.DOTALL)
        and has_words(one.value)
    ]
    assert not shown, f'Write _("the words") and then: make translations{listed(shown)}'

"""Reading pages as a browser does: forms with what is filled in, rows, links, messages."""

import re
from html.parser import HTMLParser
from typing import Any

from werkzeug.test import TestResponse

from views.base import kebab

# What no page may ever show: words of the driver, of SQL and of Python.
LEAKS = ("psycopg2", "sqlalchemy", "SELECT ", "INSERT INTO", "Traceback", "pg_catalog", "0x7f")


def address(model: Any, view: str = "", **arguments: Any) -> str:
    """Return the address of a screen: address(Office, "edit", id=3)."""
    query = "&".join(f"{key}={value}" for key, value in arguments.items())
    path = f"/admin/{kebab(model)}/" + (f"{view}/" if view else "")
    return f"{path}?{query}" if query else path


class _Reader(HTMLParser):
    """Collects the forms of a page, each as its action, method and fields."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[dict[str, Any]] = []
        self.areas: str | None = None
        self.choice: str | None = None
        self.several = False
        self.chosen: list[str] = []
        self.templates = 0  # what stands in one is no part of the page until a script copies it

    def handle_starttag(self, tag: str, pairs: list[tuple[str, str | None]]) -> None:
        given = {key: value or "" for key, value in pairs}
        self.templates += tag == "template"
        if self.templates:
            return
        if tag == "form":
            self.forms.append({"attributes": given, "fields": {}, "buttons": []})
        if not self.forms:
            return
        fields = self.forms[-1]["fields"]
        name = given.get("name")
        if tag == "input" and name:
            is_box = given.get("type") in ("checkbox", "radio")
            if not is_box or "checked" in given:
                fields.setdefault(name, []).append(given.get("value", "on" if is_box else ""))
        elif tag == "textarea" and name:
            self.areas = name
            fields.setdefault(name, []).append("")
        elif tag == "select" and name:
            self.choice, self.several, self.chosen = name, "multiple" in given, []
        elif tag == "option" and self.choice:
            self._choose(given)
        elif tag == "button" and name:
            self.forms[-1]["buttons"].append(name)

    def _choose(self, option: dict[str, str]) -> None:
        """A list of one has its first option until another is selected."""
        value = option.get("value", "")
        if self.several and "selected" in option:
            self.chosen.append(value)
        elif not self.several and ("selected" in option or not self.chosen):
            self.chosen[:] = [value]

    def handle_endtag(self, tag: str) -> None:
        self.templates -= tag == "template"
        if tag == "select" and self.choice:
            self.forms[-1]["fields"].setdefault(self.choice, []).extend(self.chosen)
            self.choice = None
        elif tag == "textarea":
            self.areas = None

    def handle_data(self, data: str) -> None:
        if self.areas and self.forms:
            # As browsers do: the line break after the tag is not part of the text.
            fields = self.forms[-1]["fields"]
            fields[self.areas][-1] += data


def forms(page: TestResponse) -> list[dict[str, Any]]:
    """Return the forms of a page with the fields as they stand."""
    reader = _Reader()
    reader.feed(page.text)
    for form in reader.forms:
        form["fields"] = {
            key: [value.removeprefix("\r\n").removeprefix("\n") for value in values]
            for key, values in form["fields"].items()
        }
    return reader.forms


def record_form(page: TestResponse) -> dict[str, Any]:
    """Return the fields of the record form of a page."""
    found = [one for one in forms(page) if "record-form" in one["attributes"].get("class", "")]
    assert found, page.text
    return dict(found[0]["fields"])


def form_to(page: TestResponse, part: str) -> dict[str, Any]:
    """Return the fields of the form whose action holds `part`."""
    found = [one for one in forms(page) if part in one["attributes"].get("action", "")]
    assert found, page.text
    return dict(found[0]["fields"])


def row_ids(page: TestResponse) -> list[int]:
    """Return the ids of the rows of a list, in their order."""
    found = re.findall(r'name="rowid" value="(\d+)"', page.text)
    if not found:
        found = re.findall(r'class="row-actions"><a href="[^"]*[?&;]id=(\d+)"', page.text)
    return [int(one) for one in found]


def without_tokens(text: str) -> str:
    """Return `text` of a page without what differs each time it is asked for: tokens of forms, the
    nonce of its scripts, the number of the request, the minute in which it was printed."""
    text = re.sub(r'name="(csrf_token|version|fingerprint|next)" value="[^"]*"', "", text)
    text = re.sub(r'<p class="print-note">.*?</p>', "", text)
    return re.sub(r' nonce="[^"]*"|<code>[0-9a-f]+</code>', "", text)


def words(page: TestResponse) -> str:
    """Return the text of the page without its tags."""
    text = re.sub(r"<(script|style).*?</\1>", "", page.text, flags=re.DOTALL)
    return " ".join(
        re.sub(r"<[^>]+>", " ", text)
        .replace("&#34;", '"')
        .replace("&#39;", "'")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
        .split()
    )


def link(page: TestResponse, rel: str) -> str | None:
    """Return the address of the link with this rel, None where there is none."""
    found = re.search(rf'rel="{rel}" href="([^"]+)"', page.text)
    return found[1].replace("&amp;", "&") if found else None


def assert_clean(page: TestResponse) -> None:
    """Assert that a page tells nobody how the program is made."""
    for leak in LEAKS:
        assert leak not in page.text, f"{leak!r} stands in the page:\n{page.text[:3000]}"

"""What must be true of every answer, whatever was asked."""

import re
from urllib.parse import urlsplit

from markupsafe import escape

import security
from tests.fuzzing.inputs import Input
from tests.fuzzing.values import MARKUP, PRODUCT
from tests.fuzzing.world import Answer, World
from tests.views.pages import LEAKS

SLOWEST = 3.0  # seconds
PAGE = "text/html; charset=utf-8"
UNESCAPED = (MARKUP, "<x-fuzz", "<script>alert", "<svg/onload")
KINDS = (
    PAGE,
    "application/json",
    "text/csv; charset=utf-8",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "text/plain; charset=utf-8",
    "image/svg+xml",
)

POLICY = re.compile(
    re.escape(security.CONTENT_SECURITY_POLICY).replace(
        re.escape("{scripts}"), r"'self'( 'nonce-[\w-]{22}')?"
    )
)


def faults(world: World, one: Input, answer: Answer) -> list[str]:
    """Return what is wrong with `answer`; nothing where it is as it should be."""
    if answer.error:
        return [f"fell over: {answer.error[:300]}"]
    found = []
    if answer.status >= 500:
        found.append(f"status {answer.status}")
    found += _headers(answer)
    found += _kind(one, answer)
    found += _body(one, answer) if one.method != "HEAD" else []
    if 300 <= answer.status < 400 and answer.status != 304:
        found += _way_on(answer)
    return found


def _headers(answer: Answer) -> list[str]:
    found = []
    for name, value in security.HEADERS.items():
        given = answer.headers.getlist(name)
        if given != [value]:
            found.append(f"header {name} is {given}")
    policy = answer.headers.getlist("Content-Security-Policy")
    if len(policy) != 1 or not POLICY.fullmatch(policy[0]):
        found.append(f"the content policy is {policy}")
    if "X-Fuzz" in answer.headers:
        found.append("a value of ours became a header")
    for cookie in answer.headers.getlist("Set-Cookie"):
        if "HttpOnly" not in cookie or "SameSite" not in cookie or cookie.startswith("a="):
            found.append(f"cookie {cookie[:80]}")
    return found


def _kind(one: Input, answer: Answer) -> list[str]:
    kind = answer.headers.get("Content-Type", "")
    if one.method == "HEAD" or answer.status in (204, 304) or one.method == "OPTIONS":
        return []
    is_static = (answer.endpoint or "").endswith("static")
    asked = any(name == "Accept" and "json" in value for name, value in one.headers)
    if answer.status >= 400 and kind != PAGE and not (asked and kind == "application/json"):
        return [f"refused as {kind}"]
    if kind not in KINDS and not is_static:
        return [f"sent as {kind}"]
    if kind != PAGE and not is_static and answer.body.lstrip()[:1] == b"<":
        return [f"markup sent as {kind}"]
    return []


def _own_words(one: Input, text: str) -> str:
    """Return `text` without what was sent and is said back, whole or as far as a sentence does."""
    for _name, value in (*one.query, *one.fields):
        for part in (value, value.strip()[:60]):
            if part:
                text = text.replace(str(escape(part)), "")
    return text


def _body(one: Input, answer: Answer) -> list[str]:
    kind = answer.headers.get("Content-Type", "")
    if not kind.startswith(("text/", "application/json")):
        return []
    text = answer.text
    own = _own_words(one, text)
    found = [f"{leak!r} stands in the body" for leak in LEAKS if leak in own]
    if "root:x:0:0" in text:
        found.append("a file of the server came back")
    if PRODUCT in text:
        found.append("a sum in a value was worked out")
    if kind == PAGE:
        sent = (mark for mark in UNESCAPED if mark in text)
        found += [f"{mark!r} stands in the page as it was sent" for mark in sent]
        if answer.status >= 400 and "<h1" not in text:
            found.append("refused without a word")
    return found


def _way_on(answer: Answer) -> list[str]:
    location = answer.headers.get("Location", "")
    parts = urlsplit(location)
    outside = parts.scheme or parts.netloc or not location.startswith("/") or "\\" in location
    return [f"redirects to {location[:200]!r}"] if outside else []

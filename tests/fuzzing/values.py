"""What nobody should type: the values that a fuzz puts into fields, links and headers."""

import json
import random
from base64 import urlsafe_b64encode
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from urllib.parse import quote

# None of these may come back as it is in a page; the products of these sums would mean that a
# template or a format was worked out.
MARKUP = "<x-fuzz a='b\">"
SUM, PRODUCT = "1337*7331", "9801547"


class Raw(str):
    """A value that is put into an address or a body without being escaped."""

    __slots__ = ()


def place(*parts: object) -> str:
    """Return what the `after` of a list holds, with `parts` in it."""
    return urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


NUMBERS = (
    "0", "-0", "1", "-1", "1.5", "1,2", "1,5", "01", "+1", "1e3", "1e309", "1e400", "-1e400",
    "1e-400", "1e999999999", "NaN", "sNaN", "-nan", "Infinity", "inf", "0x1", "0b1", "1_000",
    "١٢", "１２", "²", "Ⅻ", "½", "12%", "1 000", "1/0", str(2**31 - 1), str(2**31), str(2**31 + 1),
    str(2**63 - 1), str(2**63), str(-(2**63)), str(2**64), "9" * 25, "9" * 5000, "-" + "9" * 400,
    "0." + "9" * 400, "#1", "#", "#0", "#9223372036854775808",
)  # fmt: skip
DATES = (
    "0000-00-00", "0000-01-01", "0001-01-01", "-0001-01-01", "1582-10-10", "1899-12-31",
    "2026-02-29", "2026-99-99", "2200-12-31", "2201-01-01", "9999-12-31", "10000-01-01",
    "99999-12-31", "2026-1-1", "01/02/2026", "2026-W10-1", "20260101", "２０２６-01-01", "now",
    "infinity", "-infinity", "today", "epoch", "2026-03-29T01:30", "2026-10-25T01:30",
    "2026-03-29T01:30:00", "0001-01-01T00:00", "9999-12-31T23:59", "9999-12-31T23:59:59",
    "2200-12-31T23:59", "2026-01-01T24:00", "2026-01-01T23:59:60", "2026-01-01T00:00+14:00",
    "2026-01-01T00:00Z", "2026-01-01 to 2026-01-02", "2026-01-02 to 2026-01-01", "to", "a to b",
    "0001-01-01 to 9999-12-31", " to 2026-01-01", "9999-12-31 to 9999-12-31",
)  # fmt: skip
TEXTS = (
    "", " ", "\t", "\r\n", "\u00a0", "\u3000", "\u200b", "\ufeff", "\u202e", "\u202eabc\u202c",
    "\u2066", "\u2028", "\u0085", "\x7f", "\x1b[31m", "\x07", "\x00", "a\x00b", "\x00" * 50,
    "\ud800", "a\udfffb", "\ufffe", "\uffff", "\U0010ffff", "供", "供水", "供水 停了", "信访事项",
    "😀", "👩‍👩‍👧‍👦", "🇨🇳" * 40, "e\u0301", "é", "İ", "ı", "ß", "ﬁ", "Ａ", "\u0300" * 500, "ا" * 50,
    "%", "%%", "_", "\\", "\\\\", "'", "''", '"', "`", "$", "$$", "?", ":x", ":1", "%s", "%(x)s",
    "%n" * 20, "%d", "{}", "{0}", "{0.__class__}", "{x!r:>9999999999}", "{{%s}}" % SUM,
    "${%s}" % SUM, "#{%s}" % SUM, "<%%= %s %%>" % SUM, "{%% print(%s) %%}" % SUM,
    "{{config}}", "{{request.environ}}", "{{''.__class__.__mro__}}", "';--", "' or '1'='1",
    "1;drop table office", "1' and pg_sleep(9)--", "') or true--", "' union all (table officer)--",
    "\\'; select 1; --", "/*", "*/", "--", "1::int", "x'00'", "E'\\x00'", "$1", "%(param_1)s",
    "<script>alert(1)</script>", MARKUP, "javascript:alert(1)", "&lt;", "&#0;", "&" * 50, "]]>",
    "<!--", "\"><svg/onload=alert(1)>", "../../../../etc/passwd", "..\\..\\windows", "/etc/passwd",
    "file:///etc/passwd", "//example.org", "https://example.org/", "/\\example.org", "\\\\x\\y",
    "http:example.org", "/%2f/example.org", "\r\nX-Fuzz: 1", "a\r\nSet-Cookie: a=b", "\n\n<html>",
    "on", "off", "true", "false", "null", "None", "undefined", "[]", "{}", "[1]", '{"a":1}', "[[",
    '{"__proto__":1}', "[" * 2000, "a" * 121, "x" * 201, "x" * 300, "x" * 20_000, "供" * 8_000,
    "word " * 60, "x " * 4000, "=1+1", "+1", "-1+1", "@sum(1)", "|cmd", "\t=1", ",", ",,,", ";",
    "a,b", "end", "id", "id desc", "__class__", "metadata", "query", "password_hash", "registered",
    "closed,registered", "closed,", ",closed", "REGISTERED", "administrator", "roles", "(" * 300,
    "(a|a)*b", "\\p{L}", "[a-", "*" * 200, "~", "!", "&", "|", "<->", ":*", "a:*", "a & !b",
)  # fmt: skip
PLACES = (
    "x", "WzEsMl0", "WyJhIiwxXQ", "W251bGwsIDFd", "W10", "e30", "bnVsbA", "=", "====", "%3D",
    "AAAA", "____", "----", "a" * 4001, "W" * 999, place(1, 2), place("a", 2**63), place(None, 1),
    place([], {}), place("\x00", 1), place("2026-99-99", 1), place(1e308, 1), place(True, True),
    place("a"), place("a", 1, 2), place({"a": 1}, 1), place("9" * 400, 1), place("\ud800", 1),
    place("x" * 5000, -1), place("-infinity", 1), "W05hTiwxXQ", "W0luZmluaXR5LDFd",
)  # fmt: skip
ESCAPES = tuple(
    Raw(one)
    for one in (
        "%", "%%", "%f", "%zz", "%u0041", "%00", "a%00b", "%ff", "%ff%fe", "%c0%80", "%c0%af",
        "%ed%a0%80", "%f4%90%80%80", "%e4%be", "%0d%0aX-Fuzz:%201", "%2500", "+", "%2b", "a=b",
        "=", "&", "&&", "&x", "x&y=1", "%26", "%3d", "#x", "%23", ";", "\xff", "a b", "é",
        "%" * 200, "%25" * 200,
    )
)  # fmt: skip
NASTY = (*NUMBERS, *DATES, *TEXTS, *PLACES)
HEADERS = {
    "Accept-Language": ("zh-Hans", "*", "x" * 5000, "en;q=nope", ",,,", "\xff", "en;q=1e309", "zh-" * 50),
    "Cookie": ("redress_session=", "redress_session=\xff\xfe", "redress_session=a; redress_session=b",
               "=;=;", "redress_visitor=e30.x.y", "redress_visitor=.eJw", "x" * 8000, ";" * 500,
               'redress_session="\\000"', "redress_visitor=eyJhIjoxfQ.aaaaaa.bbbbbb"),
    "X-Forwarded-For": ("127.0.0.1", "nonsense", "1.1.1.1, 2.2.2.2", "::1", "x" * 3000, "'; --"),
    "X-Forwarded-Host": ("example.org", "example.org:99999", "//", "\xff"),
    "X-Forwarded-Proto": ("https", "javascript", ""),
    "X-Forwarded-Prefix": ("/x", "//example.org"),
    "X-Original-URL": ("/admin/officer/",),
    "X-HTTP-Method-Override": ("DELETE", "PUT"),
    "Host": ("example.org", "", "localhost:99999", "a" * 300, "[::1", "x_y", "exa mple", "\xff"),
    "Origin": ("null", "https://example.org"),
    "Referer": ("https://example.org/", "x" * 9000, "\xff", "javascript:alert(1)"),
    "Range": ("bytes=0-1", "bytes=-1", "bytes=9999999999999999999-", "bytes=5-1", "lines=1", "bytes=" + "0-0," * 500),
    "If-Range": ("x", '"x"', "Thu, 99 Foo 2026"),
    "If-None-Match": ("*", '"', 'W/"x"', "x" * 5000, '"a", "b'),
    "If-Match": ("*", '"x"', "\xff"),
    "If-Modified-Since": ("x", "Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "Thu, 01 Jan 0000 00:00:00 GMT"),
    "If-Unmodified-Since": ("x", "Thu, 01 Jan 1970 00:00:00 GMT"),
    "Accept": ("application/json", "*/*;q=nope", "text/html;level=" + "9" * 400, "\xff", ""),
    "Accept-Encoding": ("gzip;q=x", "br, gzip, deflate", "*" * 999),
    "Content-Encoding": ("gzip", "deflate"),
    "Transfer-Encoding": ("chunked",),
    "Authorization": ("Basic", "Basic !!!", "Basic ////", "Bearer x", "Digest x=", "\xff"),
    "User-Agent": ("", "\xff\xfe", "x" * 9000, MARKUP, "\u4f9b".encode().decode("latin-1"), "%s{}"),
    "Content-Length": ("-1", "x", "0", "99999999999999999999", "1e3", "5"),
    "X-Requested-With": ("XMLHttpRequest",),
    "X-CSRFToken": ("x", "\xff", ""),
    "X-Request-ID": ("x" * 500, "\xff", "'; --"),
    "Forwarded": ("for=1;host=example.org", "for=\"_x"),
    "Upgrade": ("websocket",),
    "Expect": ("100-continue",),
    "Sec-Fetch-Site": ("cross-site",),
}  # fmt: skip
FILE_NAMES = (
    "a.csv", "", " ", ".", "..", "../../x.csv", "a\x00b.csv", "x" * 300 + ".csv", "供水.csv", "\u202egpj.csv",
    "a/b.csv", "C:\\a.csv", "a;b.csv", 'a"b.csv', "a\r\nb.csv", "CON", "-rf", "=1.csv", MARKUP, "\ud800.csv",
)  # fmt: skip
FILE_BODIES = (
    b"", b"\x00", b"\xff\xfe\x00\x00", b"\xef\xbb\xbf", b"no,subject,in\n", b"a\n" * 3000, b'"', b'"a\nb,c\n',
    b"PK\x03\x04", b"no,subject,in\n1,\xff,2025-01-01\n", b"no,subject,in\n1,a\x00b,2025-01-01\n",
    b"no;subject;in\n1;a;b\n", b"," * 9000, "no,subject,in\n供,供水,0000-00-00\n".encode(), b"\r" * 500,
    b"source = 1", b"[fields]\ntitle = []", b"x = [" * 400, b"source = 'S'\n[fields]\ntitle = 'a'\n",
    b"source = 9e999\n[file]\ndelimiter = ''", b"a.b.c = 1\na.b = 2\n",
)  # fmt: skip


def _words(dice: random.Random) -> str:
    """Characters of every plane, surrogates too."""
    reach = dice.choice((0x7F, 0xFF, 0x2FF, 0xFFFF, 0x10FFFF))
    return "".join(chr(dice.randint(0, reach)) for _ in range(dice.choice((1, 3, 9, 40, 300))))


def _number(dice: random.Random) -> str:
    size = dice.choice((4, 16, 31, 32, 63, 64, 128))
    return str(dice.randint(-(2**size), 2**size) / dice.choice((1, 1, 3)))


def _day(dice: random.Random) -> str:
    day = date(1, 1, 1) + timedelta(days=dice.randint(0, 3_650_000))
    clock = f"T{dice.randint(0, 25):02}:{dice.randint(0, 61):02}"
    return f"{day}{clock if dice.random() < 0.5 else ''}"


def _bytes(dice: random.Random) -> str:
    return Raw("".join(f"%{dice.randint(0, 255):02x}" for _ in range(dice.randint(1, 12))))


def _place(dice: random.Random) -> str:
    value: Sequence[object] = (
        None,
        "",
        "a",
        1,
        -1.5,
        True,
        "2026-01-01",
        _number(dice),
        _day(dice),
    )
    return place(*(dice.choice(value) for _ in range(dice.choice((1, 2, 2, 2, 3)))))


MADE: tuple[Callable[[random.Random], str], ...] = (_words, _number, _day, _bytes, _place)


def nasty(dice: random.Random, usual: str = "") -> str:
    """Return a value that nobody should send, sometimes made of the `usual` one."""
    kind = dice.random()
    if kind < 0.62:
        return dice.choice(NASTY)
    if kind < 0.70:
        return dice.choice(ESCAPES)
    if kind < 0.86 or not usual:
        return dice.choice(MADE)(dice)
    return spoilt(dice, usual)


def spoilt(dice: random.Random, usual: str) -> str:
    """Return `usual` with a little of it changed."""
    at = dice.randint(0, len(usual))
    wrong = dice.choice(("", "\x00", "\ud800", "'", "%", " ", "0", "-", "=", ".", "供", "\u202e"))
    return dice.choice(
        (
            usual[:at] + wrong + usual[at + 1 :],
            usual[:at],
            usual * 2,
            usual[::-1],
            usual.upper(),
            f" {usual} ",
            f"{usual},{usual}",
            usual[:40] * 300,
        )
    )


def escaped(value: str) -> str:
    """Return `value` as it stands in a link or in a form's body."""
    if isinstance(value, Raw):
        return value
    return quote(value, safe="", errors="surrogatepass")

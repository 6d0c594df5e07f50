"""What somebody may send, asked of the real web server: what is too long, too much or too slow is
refused with a sentence, and the server goes on."""

import re
import secrets
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

import limits
import server
from tests.gunicorns import PATIENCE, Web

Say = Callable[[str], None]
FORM = "Content-Type: application/x-www-form-urlencoded\r\n"


def test_an_address_too_long_is_refused_with_a_way_out(web: Web) -> None:
    reply = web.get("/admin/grievance/?search=" + "x" * 9000)
    assert reply.status == 414
    assert "Take some filters away" in reply.text
    assert "xxxx" not in reply.text


@pytest.mark.parametrize("what", ["one line", "many lines"])
def test_headers_too_large_are_refused_with_a_way_out(web: Web, what: str) -> None:
    many = {f"X_{number}": "y" for number in range(80)}
    headers = {"Cookie": "z=" + "z" * 9000} if what == "one line" else many
    reply = web.get("/login", **headers)
    assert reply.status == 431
    assert "Delete the cookies of this site" in reply.text


@pytest.mark.parametrize(
    "line",
    [
        b"GARBAGE\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /canary\x00 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nBad Header canary: 1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: canary\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
def test_what_is_no_request_is_answered_in_words_and_not_quoted(web: Web, line: bytes) -> None:
    answer = web.raw(line)
    assert answer.startswith("HTTP/1.1 400 ")
    assert "cannot be read" in answer
    assert "canary" not in answer


def test_a_body_larger_than_its_view_takes_is_refused_before_it_is_read(web: Web) -> None:
    head = (
        "POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\nContent-Type: {kind}\r\n"
        "Cookie: redress_session={cookie}\r\n\r\n"
    )
    form, upload = "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"
    for path, size, kind, log_in in (
        ("/login", limits.SMALL_BODY + 1, form, False),
        ("/login", limits.SMALL_BODY + 1, upload, False),
        ("/admin/office/new/", limits.LARGEST_FORM + 1, form, True),
        ("/admin/office/new/", limits.LARGEST_FORM + 1, upload, True),
        ("/admin/office/new/", limits.LARGEST_JSON + 1, "application/json", True),
        ("/admin/import/", 201 * limits.MEGABYTE, upload, True),
    ):
        cookie = web.cookies["redress_session"] if log_in else ""
        began = time.monotonic()
        answer = web.raw(
            head.format(path=path, size=size, kind=kind, cookie=cookie).encode(), timeout=10
        )
        assert answer.startswith("HTTP/1.1 413 "), (path, kind, answer[:300])
        assert "larger than the server takes" in answer
        assert time.monotonic() - began < 5, path


def test_a_chunked_body_ends_where_its_view_has_enough(web: Web) -> None:
    chunk = b"10000\r\n" + b"a" * 0x10000 + b"\r\n"
    answer = web.raw(
        b"POST /login HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n" + FORM.encode()
        + b"\r\n" + chunk * 3 + b"0\r\n\r\n"
    )  # fmt: skip
    assert re.match(r"HTTP/1.1 (400|411|413) ", answer), answer[:200]


def test_a_form_of_a_million_fields_costs_no_more_than_its_bytes(web: Web, figures: Say) -> None:
    token = web.token("/admin/office/new/")
    fields = "csrf_token=" + token + "&a" * 900_000
    began = time.monotonic()
    reply = web.ask(
        "POST",
        "/admin/office/new/",
        None,
        Content_Type="application/x-www-form-urlencoded",
        Content_Length="0",
    )
    assert reply.status == 400  # without its token
    data = (
        f"POST /admin/office/new/ HTTP/1.1\r\nHost: a\r\nContent-Length: {len(fields)}\r\n{FORM}"
        f"Cookie: redress_session={web.cookies['redress_session']}\r\n\r\n{fields}"
    ).encode()
    answer = web.raw(data)
    assert answer.startswith("HTTP/1.1 413 ")
    seconds = time.monotonic() - began
    assert seconds < 3
    figures(f"limits: a form of 900,000 fields is refused in {seconds:.2f} s")


def test_as_many_records_as_an_action_takes_can_be_sent(web: Web) -> None:
    token = web.token("/admin/office/new/")
    chosen = [("rowid", str(number)) for number in range(1, 10_001)]
    fields = [("csrf_token", token), ("action", "delete"), *chosen]
    reply = web.ask("POST", "/admin/office/action/", fields)
    assert reply.status in (200, 302), reply.text[:500]


def test_an_upload_of_many_parts_is_refused(web: Web) -> None:
    boundary = secrets.token_hex(8)
    parts = "".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="a{number}"\r\n\r\n1\r\n'
        for number in range(limits.MOST_PARTS + 1)
    )
    body = f"{parts}--{boundary}--\r\n"
    head = (
        f"POST /admin/import/ HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n"
        f"Content-Type: multipart/form-data; boundary={boundary}\r\n"
        f"Cookie: redress_session={web.cookies['redress_session']}\r\n\r\n"
    )
    assert web.raw((head + body).encode()).startswith("HTTP/1.1 413 ")


def test_a_compressed_body_is_not_unpacked(web: Web) -> None:
    fields = [("username", "a"), ("password", "b")]
    assert web.ask("POST", "/login", fields, Content_Encoding="gzip").status == 415


def test_a_list_takes_thirty_filters_and_no_more(web: Web) -> None:
    thirty = "&".join(f"flt{number}_number_contains=a" for number in range(30))
    assert web.get(f"/admin/grievance/?{thirty}").status == 200
    began = time.monotonic()
    reply = web.get("/admin/grievance/?" + "&".join(["flt"] * 2000))
    assert reply.status == 400
    assert "at most 30 filters" in reply.text
    assert time.monotonic() - began < 3


def test_a_sender_who_is_too_slow_is_let_go_and_others_are_served(web: Web, figures: Say) -> None:
    """As many of them as there are threads, in the middle of a header or of a body."""
    slow, ended = server.WORKERS * server.THREADS, []
    began = time.monotonic()
    head = f"POST /login HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n{FORM}\r\na".encode()

    def trickle(first: bytes) -> None:
        with socket.create_connection(("127.0.0.1", web.port), 60) as peer:
            peer.sendall(first)
            peer.settimeout(1)
            while time.monotonic() - began < 30:
                try:
                    answer = peer.recv(100)
                except TimeoutError:
                    with suppress(OSError):
                        peer.sendall(b"a")
                    continue
                except OSError:
                    answer = b""  # cut off while a byte was under way
                ended.append((answer[:12], time.monotonic() - began))
                return

    threads = [
        threading.Thread(target=trickle, args=(head if number % 2 else b"GET / HT",))
        for number in range(slow)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ended) == slow
    assert {answer for answer, _ in ended} <= {b"HTTP/1.1 408", b""}
    longest = max(seconds for _, seconds in ended)
    assert PATIENCE - 1 < longest < PATIENCE + 6
    assert web.get("/admin/").status == 200
    figures(f"limits: {slow} senders of a byte a second are let go after {longest:.0f} s (408)")


def test_json_is_read_to_a_depth_and_no_further(app: "object") -> None:
    reader = app.json  # type: ignore[attr-defined]
    deep = "[" * limits.DEEPEST_JSON + "]" * limits.DEEPEST_JSON
    assert reader.loads(deep)
    assert reader.loads('{"a": "[[[[[[\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["}')
    for text in (f"[{deep}]", "[" * 100_000, '{"a":' * 50_000):
        with pytest.raises(ValueError, match="deep"):
            reader.loads(text)

"""One input is one request. It is kept as its parts, so that what fails can be made smaller."""

import random
from dataclasses import dataclass, replace
from typing import Any

from tests.fuzzing.values import FILE_BODIES, FILE_NAMES, HEADERS, Raw, escaped, nasty

Pairs = tuple[tuple[str, str], ...]
FORM = "application/x-www-form-urlencoded"
BOUNDARY = "fuzz-boundary"


@dataclass(frozen=True)
class Input:
    """A request: who asks (a name of the world's browsers), and what."""

    who: str
    method: str
    path: str
    query: Pairs = ()
    fields: Pairs = ()
    headers: Pairs = ()
    kind: str = ""
    body: bytes | None = None
    files: tuple[tuple[str, str, bytes], ...] = ()

    @property
    def query_string(self) -> str:
        return "&".join(f"{escaped(key)}={escaped(value)}" for key, value in self.query)

    def content(self) -> bytes:
        """Return the body that is sent."""
        if self.body is not None:
            return self.body
        if self.kind.startswith("multipart/"):
            return self._parts()
        text = "&".join(f"{escaped(key)}={escaped(value)}" for key, value in self.fields)
        return text.encode("latin-1", "replace")

    def _parts(self) -> bytes:
        made = b""
        for key, value in self.fields:
            made += _part(f'name="{key}"', value.encode("utf-8", "surrogatepass"))
        for key, name, content in self.files:
            made += _part(f'name="{key}"; filename="{name}"', content)
        return made + f"--{BOUNDARY}--\r\n".encode()

    def told(self) -> str:
        """Return the request in the words of a report, with which it can be sent again."""
        lines = [f"{self.method} {self.path}{'?' if self.query else ''}{self.query_string}"]
        lines += [f"  as       {self.who}", f"  type     {self.kind}"]
        lines += [f"  header   {key}: {value!r}" for key, value in self.headers]
        lines += [f"  field    {key!r}: {value!r}" for key, value in self.fields]
        lines += [f"  file     {key!r}: {name!r} {body!r}" for key, name, body in self.files]
        if self.body is not None:
            lines.append(f"  body     {self.body!r}")
        return "\n".join(
            line if len(line) < 700 else f"{line[:700]}… ({len(line)})" for line in lines
        )


def _part(disposition: str, content: bytes) -> bytes:
    head = f"--{BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n"
    return head.encode("utf-8", "surrogatepass") + content + b"\r\n"


def with_value(dice: random.Random, pairs: Pairs, key: str) -> Pairs:
    """Return `pairs` with something nasty for `key`: another value, several, none, a[] or a[b]."""
    usual = next((value for name, value in pairs if name == key), "")
    rest = tuple(pair for pair in pairs if pair[0] != key)
    way = dice.random()
    if way < 0.84:
        given: Pairs = ((key, nasty(dice, usual)),)
    elif way < 0.89:
        given = ()
    elif way < 0.95:
        given = tuple((key, nasty(dice, usual)) for _ in range(dice.choice((2, 2, 3, 60))))
    else:
        given = (
            (key + dice.choice(("[]", "[0]", "[a]", ".x", "-id", " ", "\x00")), nasty(dice, usual)),
        )
    return (*rest, *given) if dice.random() < 0.5 else (*given, *rest)


def with_body(dice: random.Random, one: Input) -> Input:
    """Return a POST whose body is not what its form would send."""
    way = dice.randrange(9)
    if way == 0:
        body = dice.choice(
            (b"[]", b"null", b"[1,2]", b'"x"', b"{", b'{"a":' * 900, b"1e999", b"\xff")
        )
        token = tuple(("X-CSRFToken", value) for key, value in one.fields if key == "csrf_token")
        return replace(one, kind="application/json", body=body, headers=token)
    if way == 1:
        kind = dice.choice(
            ("text/plain", "", "x", "text/html; charset=nope", "multipart/mixed", "a/b;c")
        )
        return replace(one, kind=kind, body=one.content())
    if way == 2:
        return replace(
            one, kind=f"{FORM}; charset={dice.choice(('nope', 'utf-16', 'utf-7', 'idna'))}"
        )
    if way == 3:
        kind = dice.choice(
            (
                "multipart/form-data",
                "multipart/form-data; boundary=",
                f'multipart/form-data; boundary="{"x" * 300}"',
            )
        )
        return replace(one, kind=kind, body=replace(one, kind="multipart/").content())
    if way == 4:
        whole = replace(one, kind="multipart/").content()
        return replace(
            one,
            kind=f"multipart/form-data; boundary={BOUNDARY}",
            body=whole[: dice.randint(0, len(whole))],
        )
    if way == 5:
        many = tuple((f"field{n}", "x") for n in range(dice.choice((999, 1001, 3000))))
        return replace(one, fields=(*one.fields, *many))
    if way == 6:
        return replace(one, body=bytes(dice.randint(0, 255) for _ in range(dice.randint(0, 300))))
    if way == 7:
        return replace(
            one, body=dice.choice((b"", b"&", b"=" * 500, b"%" * 999, b"a=b;c=d", b"+" * 99))
        )
    return with_files(dice, one)


def with_files(dice: random.Random, one: Input, *names: str) -> Input:
    """Return the form sent with files of odd names and contents."""
    keys = names or tuple({key for key, _ in one.fields}) or ("file",)
    files = tuple((key, dice.choice(FILE_NAMES), dice.choice(FILE_BODIES)) for key in keys)
    return replace(one, kind=f"multipart/form-data; boundary={BOUNDARY}", files=files)


def with_header(dice: random.Random, one: Input, name: str) -> Input:
    """Return the request with something nasty in this header."""
    value = dice.choice(HEADERS[name]) if dice.random() < 0.8 else nasty(dice)
    # What a server would not hand on: line ends, and characters beyond Latin-1.
    value = value.replace("\r", "").replace("\n", "").replace("\0", "")
    value = (
        value.encode("utf-8", "surrogatepass").decode("latin-1")
        if max(value, default="") > "\xff"
        else value
    )
    return replace(one, headers=(*one.headers, (name, value)))


def smaller(one: Input) -> list[Input]:
    """Return the same input with less in it, in every way that takes one thing away."""
    found: list[Any] = []
    for name in ("headers", "query", "files", "fields"):
        pairs = getattr(one, name)
        found += [replace(one, **{name: pairs[:n] + pairs[n + 1 :]}) for n in range(len(pairs))]
    for name in ("query", "fields"):
        pairs = getattr(one, name)
        for n, (key, value) in enumerate(pairs):
            if (
                len(value) > 1
                and not isinstance(value, Raw)
                and key not in ("csrf_token", "version")
            ):
                for half in (value[: len(value) // 2], value[len(value) // 2 :]):
                    cut = (*pairs[:n], (key, half), *pairs[n + 1 :])
                    found.append(replace(one, **{name: cut}))
    return found

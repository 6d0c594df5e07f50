"""Reads the TOML text of an import map, and says in a sentence what is wrong with it."""

import codecs
import re
import tomllib
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from enum import StrEnum
from itertools import pairwise
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from rules import RuleBroken
from rules.grievance import GrievanceState
from rules.import_kinds import KINDS, Kind
from rules.import_map import (
    DEEPEST,
    ISO,
    UNPRINTABLE,
    Cell,
    Contacts,
    ImportMap,
    OfficeRule,
    OpenWithClosingTime,
    Parent,
    TreeRule,
    Unknown,
    squeezed,
)
from rules.offices import AreaLevel, OfficeLevel
from rules.records import Brings

# Who complained is sealed apart; no column of a file ever reaches a grievance by these names.
_IDENTITY_WORDS = frozenset(
    "complainant complainants complainer requester requestor requesters requestors caller callers"
    " reporter petitioner applicant claimant informant plaintiff phone phones telephone"
    " telephones cellphone fax email emails surname firstname lastname fullname forename ssn"
    " passport aadhaar birthday birthdate dob gender ethnicity religion".split()
)
_IDENTITY_FIELDS = _IDENTITY_WORDS | frozenset(
    "name names identity person people citizen contact contacts address mobile mail age sex race"
    " birth owner customer user resident id".split()
)
_IDENTITY_PAIRS = frozenset(
    "reported by,submitted by,first name,last name,full name,middle name,contact name,user name,"
    "customer name,citizen name,owner name,person name,resident name,id card,identity card,"
    "national id,id number,home address,contact address,contact number,mobile number,"
    "e mail,date birth,of birth".split(",")
)
_IDENTITY_CHINESE = re.compile(
    "姓名|投诉人|信访人|举报人|来访人|来信人|反映人|申请人|联系人|联系方式|电话|手机|邮箱|身份证|住址|性别|民族|出生"
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")

_SAMPLE = datetime(2001, 2, 23, 14, 5, 6, 789, UTC)
_Kind = TypeVar("_Kind", bound=StrEnum)


def read_map(text: str) -> ImportMap:
    """Return what the TOML `text` says.

    Raises RuleBroken with a sentence: the line where it is not TOML, else the key at fault.
    """
    try:
        top = _Table(tomllib.loads(text), "")
    except tomllib.TOMLDecodeError as problem:
        found = re.search(r" \(at line (\d+), column \d+\)$", str(problem))
        raise RuleBroken(
            "Line %(line)s of the map is not written as TOML wants it: %(detail)s.",
            line=found[1] if found else max(len(text.splitlines()), 1),
            detail=re.sub(r" \(at [^()]*\)$", "", str(problem)),
        ) from None
    except RecursionError:
        raise RuleBroken("The map is nested too deep to be read.") from None
    file, fields = top.table("file"), top.table("fields")
    kind = KINDS[top.choice("brings", Brings, Brings.GRIEVANCES)]
    formats = _formats(file, [ISO])
    reader = _Fields(fields, _zone(file, file.text("timezone")), formats, kind)
    result = ImportMap(
        kind=kind,
        source=top.text("source", longest=80),
        about=top.text("about", "", longest=1000),
        encoding=_encoding(file),
        delimiter=_character(file, "delimiter", ","),
        quote=_character(file, "quote", '"', may_be_none=True),
        empty=frozenset(file.texts("empty", [])),
        contacts=file.choice("contacts", Contacts, Contacts.WARN),
        cells=reader.cells,
        offices=reader.offices,
        trees=reader.trees,
    )
    for table in (top, file, fields):
        table.done()
    for column in result.columns():
        _refuse_identity_column(column)
    return result


class _Table:
    """A table of the TOML text that knows its place in it and which keys nobody asked for."""

    def __init__(self, values: dict[str, Any], name: str) -> None:
        self.values, self.name = values, name
        self._left = set(values)

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def path(self, key: str) -> str:
        return f"{self.name}.{key}" if self.name else key

    def take(self, key: str, default: Any = None) -> Any:
        self._left.discard(key)
        return self.values.get(key, default)

    def done(self) -> None:
        """Raise RuleBroken where a key is left that means nothing here."""
        if self._left:
            raise RuleBroken(
                "The map says %(key)s, which means nothing there.", key=self.path(min(self._left))
            )

    def table(self, key: str) -> "_Table":
        value = self.take(key)
        if not isinstance(value, dict):
            raise RuleBroken("The map needs a table [%(key)s].", key=self.path(key))
        return _Table(value, self.path(key))

    def text(self, key: str, default: str | None = None, *, longest: int = 200) -> str:
        """The text at `key`; without a default there has to be one."""
        value = self.take(key, default)
        if not isinstance(value, str) or (default is None and not value.strip()):
            raise RuleBroken(
                "The map must say %(key)s, a text in quotation marks.", key=self.path(key)
            )
        if len(value) > longest or UNPRINTABLE.search(value):
            raise RuleBroken(
                "%(key)s must be at most %(most)s printable characters.",
                key=self.path(key),
                most=longest,
            )
        return value.strip()

    def texts(self, key: str, default: list[str]) -> list[str]:
        value = self.take(key, default)
        value = [value] if isinstance(value, str) else value
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise RuleBroken(
                "%(key)s must be a list of texts in quotation marks.", key=self.path(key)
            )
        return [item.strip() for item in value]

    def pairs(self, key: str) -> dict[str, str]:
        value = self.take(key, {})
        if not isinstance(value, dict) or not all(isinstance(to, str) for to in value.values()):
            raise RuleBroken(
                '%(key)s must be a table of texts, such as { Done = "closed" }.', key=self.path(key)
            )
        return {squeezed(key).casefold(): to.strip() for key, to in value.items()}

    def choice(self, key: str, kind: type[_Kind], default: _Kind) -> _Kind:
        value = self.take(key, default)
        if value not in list(kind):
            raise RuleBroken(
                "%(key)s must be one of: %(choices)s.", key=self.path(key), choices=", ".join(kind)
            )
        return kind(value)


class _Fields:
    """Reads [fields]; a value is the name of a column, a list of them, or a table."""

    def __init__(self, table: _Table, zone: tzinfo, formats: tuple[str, ...], kind: Kind) -> None:
        self.zone, self.formats, self.kind = zone, formats, kind
        self.cells: dict[str, Cell] = {}
        self.offices: dict[str, OfficeRule] = {}
        self.trees: dict[str, TreeRule] = {}
        for name in table.values:
            _check_field(name, kind)
        for name in kind.required:
            if name not in table:
                raise RuleBroken(
                    "The map must say which column holds %(key)s.", key=table.path(name)
                )
        for name in table.values:
            path, spec = table.path(name), table.take(name)
            if name in kind.offices:
                self.offices[name] = self._office(_Table(_as_table(spec, path, "name"), path))
            elif name in kind.trees:
                self.trees[name] = self._tree(name, spec, path)
            else:
                self.cells[name] = self._cell(spec, path, name)
        for name in (kind.number, kind.begin):
            if not self.cells[name].columns:
                raise RuleBroken(
                    "%(key)s must come from a column of the file.", key=table.path(name)
                )

    def _cell(self, spec: Any, path: str, name: str = "") -> Cell:
        """The value that `spec` describes, for the field `name` ("" inside a tree or office)."""
        if isinstance(spec, list):
            spec = {"columns": spec}
        table = _Table(_as_table(spec, path, "column"), path)
        columns, constant = _where_from(table)
        if name in (*self.kind.moments, *self.kind.days):
            zone = _zone(table, table.text("timezone")) if "timezone" in table else self.zone
            formats = _formats(table, list(self.formats))
            cell = Cell(columns, constant=constant, formats=formats, zone=zone)
        else:
            values = table.pairs("values")
            otherwise = table.text("otherwise") if "otherwise" in table else None
            for value in (*values.values(), otherwise or "", constant):
                _check_listed(self.kind, name, value, path)
            ignores = (
                name == "state"
                and table.choice(
                    "open_with_closing_time", OpenWithClosingTime, OpenWithClosingTime.REFUSE
                )
                is OpenWithClosingTime.IGNORE
            )
            join = table.take("join") if "columns" in table else None
            if not isinstance(join, str | None):
                raise RuleBroken(
                    "%(key)s must be a text in quotation marks.", key=table.path("join")
                )
            prefix = ""
            if "prefix" in table and name not in self.kind.lists:
                table.text("prefix")
                prefix = table.values["prefix"]  # with the blank at its end
            cell = Cell(columns, join, prefix, constant, values, otherwise, (), UTC, ignores)
        table.done()
        return cell

    def _office(self, table: _Table) -> OfficeRule:
        code, name = (
            self._cell(table.take(key), table.path(key)) if key in table else None
            for key in ("code", "name")
        )
        if code is None and name is None:
            raise RuleBroken(
                "%(key)s must say which column holds the office's code or name.", key=table.name
            )
        parent = None
        if "under" in table:
            under = table.table("under")
            parent = Parent(
                under.text("code", longest=60),
                under.text("name"),
                under.choice("level", OfficeLevel, OfficeLevel.DISTRICT),
            )
            under.done()
        rule = OfficeRule(
            code,
            name,
            table.choice("level", OfficeLevel, OfficeLevel.DEPARTMENT),
            table.choice("unknown", Unknown, Unknown.REFUSE),
            parent,
        )
        table.done()
        return rule

    def _tree(self, name: str, spec: Any, path: str) -> TreeRule:
        whole = isinstance(spec, dict) and "path" in spec
        table = _Table(spec if whole else {"path": spec}, path)
        steps = table.take("path")
        steps = steps if isinstance(steps, list) else [steps]
        if not 1 <= len(steps) <= DEEPEST:
            raise RuleBroken("%(key)s must name 1 to %(most)s levels.", key=path, most=DEEPEST)
        rule = TreeRule(
            tuple(self._cell(step, path) for step in steps),
            _levels(table, len(steps)) if name == "area" else (),
            table.choice("unknown", Unknown, Unknown.REFUSE),
        )
        table.done()
        return rule


def _as_table(spec: Any, path: str, key: str) -> dict[str, Any]:
    """A text alone is the `key` of a table of one line."""
    spec = {key: spec} if isinstance(spec, str) else spec
    if not isinstance(spec, dict):
        raise RuleBroken(
            "%(key)s must be the name of a column, a list of them, or a table.", key=path
        )
    return spec


def _where_from(table: _Table) -> tuple[tuple[str, ...], str]:
    given = [key for key in ("column", "columns", "value") if key in table]
    if len(given) != 1:
        raise RuleBroken("%(key)s must have either a column, columns or a value.", key=table.name)
    if given == ["value"]:
        return (), table.text("value")
    columns = tuple(table.texts(given[0], []))
    if not columns or not all(columns):
        raise RuleBroken("%(key)s names no column.", key=table.name)
    return columns, ""


def _check_field(name: str, kind: Kind) -> None:
    if name in kind.fields:
        return
    words = _words(name)
    if words & _IDENTITY_FIELDS or _pairs(name) or _IDENTITY_CHINESE.search(name):
        raise RuleBroken(
            "Imported records never carry identity: take %(field_name)s out of the map.",
            field_name=name,
        )
    raise RuleBroken(
        "The map names the field %(field_name)s, which there is not. There are: %(fields)s.",
        field_name=name,
        fields=", ".join(kind.fields),
    )


def _refuse_identity_column(column: str) -> None:
    if _words(column) & _IDENTITY_WORDS or _pairs(column) or _IDENTITY_CHINESE.search(column):
        raise RuleBroken(
            "Imported records never carry identity: the map reads the column %(column)s,"
            " which by its name says who complained. Take it out of the map.",
            column=column,
        )


def _words(name: str) -> frozenset[str]:
    return frozenset(word.lower() for word in _WORD.findall(name))


def _pairs(name: str) -> bool:
    words = [word.lower() for word in _WORD.findall(name)]
    return any(f"{one} {two}" in _IDENTITY_PAIRS for one, two in pairwise(words))


def _check_listed(kind: Kind, name: str, value: str, path: str) -> None:
    if name not in kind.lists or not value or value in kind.lists[name]:
        return
    if name == "state" and value == GrievanceState.WITHDRAWN:
        raise RuleBroken(
            "A withdrawal is recorded from the complainant's own statement; no"
            " import states it. Let %(key)s say closed.",
            key=path,
        )
    raise RuleBroken(
        "%(key)s says %(value)s; it may say %(choices)s.",
        key=path,
        value=value,
        choices=", ".join(sorted(kind.lists[name])),
    )


def _levels(table: _Table, count: int) -> tuple[AreaLevel, ...]:
    usual = [*AreaLevel][:count] + [AreaLevel.COMMUNITY] * (count - len(AreaLevel))
    levels = table.texts("levels", [str(level) for level in usual])
    if len(levels) != count or not all(level in list(AreaLevel) for level in levels):
        raise RuleBroken(
            "%(key)s must give each level of the path one of: %(choices)s.",
            key=table.path("levels"),
            choices=", ".join(AreaLevel),
        )
    return tuple(AreaLevel(level) for level in levels)


def _formats(table: _Table, usual: list[str]) -> tuple[str, ...]:
    formats = tuple(table.texts("dates", usual))
    for text in formats:
        try:
            if text != ISO:
                datetime.strptime(_SAMPLE.strftime(text), text)  # noqa: DTZ007  syntax only
        except (ValueError, re.error):
            formats = ()
        if text != ISO and not re.search(r"%[yY].*%[dj]|%d.*%[yY]|%s|%x|%c", text):
            formats = ()
    if not formats:
        raise RuleBroken(
            '%(key)s must be a list of date formats such as "%%Y-%%m-%%d %%H:%%M", or "iso".',
            key=table.path("dates"),
        )
    return formats


def _zone(table: _Table, name: str) -> tzinfo:
    offset = re.fullmatch(r"([+-])(\d\d):(\d\d)", name)
    if offset and int(offset[2]) <= 14 and int(offset[3]) < 60:
        minutes = int(offset[2]) * 60 + int(offset[3])
        return timezone(timedelta(minutes=-minutes if offset[1] == "-" else minutes))
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise RuleBroken(
            "%(key)s says %(value)s, which is no time zone; say one such as Asia/Shanghai, UTC"
            " or +08:00.",
            key=table.path("timezone"),
            value=name,
        ) from None


def _encoding(file: _Table) -> str:
    name = file.text("encoding", "utf-8")
    try:
        "a".encode(name)
        return codecs.lookup(name).name
    except (LookupError, UnicodeError):
        raise RuleBroken(
            "file.encoding says %(value)s, which is no encoding of text; say one such as utf-8,"
            " latin-1 or gb18030.",
            value=name,
        ) from None


def _character(file: _Table, key: str, usual: str, *, may_be_none: bool = False) -> str:
    value = file.take(key, usual)
    value = "\t" if value == "tab" else value
    if value == "" and may_be_none:
        return ""
    if not isinstance(value, str) or len(value) != 1 or value in "\r\n\0 ":
        raise RuleBroken("%(key)s must be one character.", key=file.path(key))
    return value

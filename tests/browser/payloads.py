"""Forty texts that would become more than text where one screen forgot to escape, and the desk
that is full of them: in every text column of every record type."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ARRAY, Enum, String, func, select, text
from sqlalchemy.exc import DBAPIError, StatementError

from models import RECORD_TYPES, AuditEntry, Record, db
from tests.factories import make_any

# What they make, if they make anything, has an attribute `xss` or is an element of that name.
PAYLOADS = (
    "<x-xss>",
    '"><x-xss>',
    "'><x-xss>",
    "`><x-xss>",
    "--><x-xss>",
    "]]><x-xss>",
    "<!--><x-xss>",
    "</title><x-xss>",
    "</textarea><x-xss>",
    "</option></select><x-xss>",
    "</script><script xss>alert(1)</script>",
    "<ScRiPt xss>alert(1)</sCrIpT>",
    "<script xss src=//example.org/x.js></script>",
    "<img xss src=x onerror=alert(1)>",
    "<img/xss/src=x/onerror=alert(1)>",
    "<<img xss src=x onerror=alert(1)//<",
    "<svg xss/onload=alert(1)>",
    "<svg><script xss>alert(1)</script></svg>",
    "<math><x-xss xlink:href=javascript:alert(1)>",
    "<details xss open ontoggle=alert(1)>",
    "<iframe xss srcdoc='<script>alert(1)</script>'>",
    "<object xss data=javascript:alert(1)>",
    "<embed xss src=//example.org/x>",
    "<a xss href=javascript:alert(1)>x</a>",
    "<form xss action=javascript:alert(1)><button>x",
    "<base xss href=//example.org/>",
    "<meta xss http-equiv=refresh content=0;url=//example.org>",
    "<link xss rel=stylesheet href=//example.org/x.css>",
    "<style xss>@import'//example.org/x'</style>",
    "<input xss autofocus onfocus=alert(1)>",
    "<video xss><source onerror=alert(1)></video>",
    '" xss autofocus onfocus=alert(1) x="',
    "' xss autofocus onfocus=alert(1) x='",
    "'-alert(1)-'",
    '\\";alert(1);//',
    "javascript:alert(1)",
    "{{constructor.constructor('alert(1)')()}}",
    "&lt;x-xss&gt; &#60;x-xss&#62;",
    "%3Cx-xss%3E \\u003cx-xss\\u003e",
    "+ADw-x-xss+AD4- \uff1cx-xss\uff1e",
)


def texts_of(model: type[Record]) -> list[Any]:
    """Return the columns of `model` that hold text that is shown, lists of it too; roles are a
    closed list that no text gets into."""
    found = []
    for column in model.__table__.columns:
        if column.key == "roles" or column.info.get("secret"):
            continue
        kind = column.type.item_type if isinstance(column.type, ARRAY) else column.type
        if isinstance(kind, String) and not isinstance(kind, Enum):
            found.append(column)
    return found


@dataclass
class Planted:
    """What was planted: ids by record type, and how many payloads stand in each text field."""

    ids: dict[type[Record], list[int]] = field(default_factory=dict)
    stands: dict[str, set[int]] = field(default_factory=dict)
    closed: list[str] = field(default_factory=list)

    @property
    def pairs(self) -> int:
        return sum(len(one) for one in self.stands.values())


def plant() -> Planted:
    """Fill the database: rows of each type until every payload stands in every text column that
    is long enough for it. Commits.

    What the checks of the database would refuse is planted as well: they are dropped first, so
    that the screens stand by themselves.
    """
    planted = Planted()
    _drop_checks()
    for model in RECORD_TYPES:
        if model.screen:
            _plant(planted, model, texts_of(model))
    db.session.commit()
    return planted


def _drop_checks() -> None:
    found = db.session.execute(
        text(
            "SELECT conrelid::regclass::text, conname FROM pg_constraint"
            " WHERE contype = 'c' AND coninhcount = 0 AND connamespace = 'public'::regnamespace"
        )
    )
    for table, name in found.all():
        db.session.execute(text(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"'))


def _plant(planted: Planted, model: type[Record], columns: list[Any]) -> None:
    row, wanted = 0, {column.key: _fitting(column) for column in columns}
    while any(wanted.values()) or not planted.ids.get(model):
        values, used = {}, {}
        for column in columns:
            values[column.key], used[column.key] = _packed(column, wanted[column.key], row)
        record = _try(model, values)
        if record is None:  # some column refuses: find out which, and leave it out
            refused = [key for key in values if _try(model, {key: values[key]}, keep=False) is None]
            columns = [column for column in columns if column.key not in refused]
            planted.closed += [f"{model.__tablename__}.{key}" for key in refused]
            wanted = {column.key: wanted[column.key] for column in columns}
            if not refused:
                raise AssertionError(f"{model.__name__} takes each of these but not all: {values}")
            continue
        planted.ids.setdefault(model, []).append(record.id)
        for key, numbers in used.items():
            wanted[key] -= numbers
            planted.stands.setdefault(f"{model.__tablename__}.{key}", set()).update(numbers)
        row += 1


def _length(column: Any) -> int:
    kind = column.type.item_type if isinstance(column.type, ARRAY) else column.type
    return (kind.length or 4000) - 4  # what makes it different from the other rows


def _fitting(column: Any) -> set[int]:
    return {n for n, payload in enumerate(PAYLOADS) if len(payload) <= _length(column)}


def _packed(column: Any, wanted: set[int], row: int) -> tuple[Any, set[int]]:
    """Return as many of the wanted payloads as fit, in an order that differs by row, and which."""
    order = sorted(wanted or _fitting(column), key=lambda n: (n - row * 7) % len(PAYLOADS))
    packed, used = "", set()
    for n in order:
        longer = f"{packed} {PAYLOADS[n]}" if packed else PAYLOADS[n]
        if len(longer) <= _length(column):
            packed, used = longer, used | {n}
    packed = f"{packed} {row}"
    return ([packed] if isinstance(column.type, ARRAY) else packed), used


def _make(model: type[Record], values: dict[str, Any]) -> Any:
    if model is AuditEntry and "request_id" in values:  # which the database takes from a setting
        name = func.set_config("redress.request_id", values["request_id"], True)
        db.session.execute(select(name))
        values = {key: value for key, value in values.items() if key != "request_id"}
    return make_any(model, **values)


def _try(model: type[Record], values: dict[str, Any], *, keep: bool = True) -> Any:
    """Return a new record with `values`, or None where the database refuses them."""
    savepoint = db.session.begin_nested()
    try:
        record = _make(model, values)
        if model.__table__.columns.get("version_id") is not None:
            for key, value in values.items():  # so that its history shows them too
                setattr(record, key, [*value, "."] if isinstance(value, list) else f"{value}.")
            db.session.flush()
    except (DBAPIError, StatementError, ValueError):
        savepoint.rollback()
        return None
    if keep:
        savepoint.commit()
    else:
        savepoint.rollback()
    return record

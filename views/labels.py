"""The words that screens use for record types, columns and values, in the reader's language."""

import enum
import re
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from flask_babel import format_date, format_datetime, format_decimal, gettext
from sqlalchemy import Date, DateTime, Enum

from models import RECORD_TYPES, Record
from queries.filters import local_column
from rules import RuleBroken, Said, mark, say

# Words that are plural already, or whose plural no rule gives.
PLURALS = {
    "Feedback": mark("Feedback"),
    "News": mark("News"),
    "Reprimand evidence": mark("Reprimand evidence"),
    "Number series": mark("Number series"),
    "Inspection stratum": mark("Inspection strata"),
}
# Abbreviations and words that prettifying would get wrong.
WORDS = {
    "id": mark("Record number"),
    "sha256": mark("SHA-256"),
    "standards": mark("Categories and standards"),
    "discipline": mark("Accountability"),
    "rhythm": mark("Reception, returns and roster"),
    "trail": mark("Audit trail"),
    "views": mark("Saved views"),
    "sessions": mark("Log-ins"),
}
MOMENT = mark("d MMM y, HH:mm")
DAY = mark("d MMM y")


def english(key: str) -> str:
    """Return "Received at" for `received_at`; the message that translators see."""
    if key in WORDS:
        return WORDS[key]
    words = re.sub(r"^is_|_ids?$", "", key).replace("_", " ")
    return words[:1].upper() + words[1:]


@cache
def english_type(model: type[Record]) -> str:
    """Return "Supervision group" for SupervisionGroup."""
    words = re.sub(r"(?<!^)(?=[A-Z])", " ", model.__name__)
    return words[:1] + words[1:].lower()


@cache
def english_types(model: type[Record]) -> str:
    """Return "Supervision groups" for SupervisionGroup."""
    single = english_type(model)
    if single in PLURALS:
        return PLURALS[single]
    if re.search(r"[^aeiou]y$", single):
        return single[:-1] + "ies"
    return single + ("es" if re.search(r"(s|x|ch|sh)$", single) else "s")


@cache
def english_about(model: type[Record]) -> str:
    """Return the first sentence of what the model says of itself; "" where it says nothing."""
    words = " ".join((model.__doc__ or "").split())
    first = re.match(r"(.+?)(?: \([^)]*domain\.md[^)]*\))?[.;]( |$)", words)
    return f"{first[1]}." if first else ""


def about(model: type[Record]) -> str:
    """Return what a record type is for, in one sentence."""
    text = english_about(model)
    return gettext(text) if text else ""


def label(key: str) -> str:
    """Return the heading of the column or relation `key`."""
    return gettext(english(key))


def type_label(model: type[Record]) -> str:
    """Return what one record of `model` is called."""
    return gettext(english_type(model))


def types_label(model: type[Record]) -> str:
    """Return what the list of `model` is called."""
    return gettext(english_types(model))


def enum_label(value: enum.Enum) -> str:
    """Return the word for a value of a closed list."""
    return gettext(english(str(value.value)))


def title(record: Record) -> str:
    """Return the name of `record` with closed lists and dates in words; str(record) has them as
    stored, which is what searches and exports know."""
    values = [(name, getattr(record, name)) for name in record.title_columns]
    in_words = (
        table_label(value)
        if name == "record_type"
        else show(value)
        if isinstance(value, enum.Enum | date)
        else value
        for name, value in values
    )
    return " · ".join(str(value) for value in in_words if value is not None) or str(record)


def name_of(columns: list[Any], values: list[Any]) -> str:
    """Return the name that `values` of `columns`, as JSON has them, make together; "" for none."""
    pairs = zip(columns, values, strict=True)
    words = (show_of(column, typed(column, value)) for column, value in pairs)
    return " · ".join(word for word in words if word)


def typed(column: Any, value: Any) -> Any:
    """Return a value of the audit trail, which is JSON, as the type of its column."""
    kind = column.type
    try:
        if isinstance(kind, Enum):
            return kind.enum_class(value)  # type: ignore[misc]
        if isinstance(value, str) and isinstance(kind, DateTime):
            return datetime.fromisoformat(value)
        if isinstance(value, str) and isinstance(kind, Date):
            return date.fromisoformat(value)
    except ValueError:
        return value
    return value


def table_label(name: str) -> str:
    """Return what a record of the table `name` is called, as the audit trail names its records."""
    return next((type_label(m) for m in RECORD_TYPES if m.__tablename__ == name), name)


def help_text(model: type[Record], key: str) -> str:
    """Return what the model's doc= says of the column or relation `key`; "" for nothing."""
    (column,) = local_column(model, key).property.columns
    return gettext(column.doc) if column.doc else ""


def sentence(refused: RuleBroken) -> str:
    """Return the sentence of `refused` in the reader's language, its places filled."""
    if not refused.values:
        return gettext(refused.sentence).replace("%%", "%")
    return gettext(refused.sentence) % {
        name: _put_in(value) for name, value in refused.values.items()
    }


def _put_in(value: Any) -> Any:
    """Return a value of a refusal as its sentence takes it: what has words of its own in words."""
    if isinstance(value, Said):
        return say(value, gettext, show)
    return show(value) if isinstance(value, date | enum.Enum) else value


def show(value: Any) -> str:
    """Return `value` as people read it: words for closed lists, dates and numbers by locale."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, enum.Enum):
        return enum_label(value)
    if isinstance(value, datetime):
        return format_datetime(value, gettext(MOMENT))
    if isinstance(value, date):
        return format_date(value, gettext(DAY))
    if isinstance(value, int | Decimal | float):
        return format_decimal(value)
    if isinstance(value, dict):
        return "; ".join(f"{label(key)}: {_show_inside(one)}" for key, one in value.items())
    if isinstance(value, list):
        return ", ".join(gettext(english(str(part))) for part in value)
    return str(value)


def show_of(column: Any, value: Any) -> str:
    """Return a value of `column` as people read it; years and record numbers are no amounts."""
    if isinstance(value, int) and column.key in ("year", "id", "record_id"):
        return str(value)
    return show(value)


def _show_inside(value: Any) -> str:
    """Return a value of a JSON column; a pair is a change from one to the other."""
    if isinstance(value, list) and len(value) == 2:
        return f"{_show_inside(value[0])} → {_show_inside(value[1])}"
    if isinstance(value, dict):
        return f"({show(value)})"
    return ", ".join(map(str, value)) if isinstance(value, list) else show(value) or "–"

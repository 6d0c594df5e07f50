"""Form fields made from columns: native inputs, help from doc=, and messages in words."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import request
from flask_babel import get_timezone, gettext, lazy_gettext
from flask_wtf import FlaskForm
from markupsafe import Markup
from sqlalchemy import (
    Boolean,
    Date,
    DateTime,
    Enum,
    Integer,
    Numeric,
    String,
    Text,
    inspect,
    select,
)
from wtforms import (
    BooleanField,
    DateField,
    DateTimeLocalField,
    DecimalField,
    Field,
    IntegerField,
    SelectField,
    StringField,
    TextAreaField,
    validators,
    widgets,
)

import security
from models import Record, db, search_columns, title_sql
from queries.lists import LONGEST_SEARCH, MOST_WORDS, search_clause
from views.labels import english, enum_label

LONGEST_TEXT = 100_000
FIRST_YEAR, LAST_YEAR = 1900, 2200
LARGEST_WHOLE = 10**18
LONGEST_TITLE = 600
MOST_CHOICES = 20
FILL_IN = lazy_gettext("Please fill this in.")


def _zone() -> ZoneInfo:
    return ZoneInfo(str(get_timezone()))


def _check_year(year: int) -> None:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError(gettext("The year must be from 1900 to 2200."))


class TrimmedField(StringField):
    """One line of text; blanks around it go, and nothing is None and not an empty text."""

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        super().process_formdata(valuelist)
        self.data = (self.data or "").strip() or None


class LongField(TextAreaField):
    """Text of several lines, its line ends as the database keeps them."""

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        super().process_formdata(valuelist)
        self.data = (self.data or "").replace("\r\n", "\n").strip() or None


class MomentField(DateTimeLocalField):
    """A date and time, typed and shown in the reader's zone, kept as an instant."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # Browsers send the first two; the others say their zone, as what is put back does.
        zoned = ("%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%f%z")
        super().__init__(*args, format=["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", *zoned], **kwargs)

    def process_data(self, value: datetime | None) -> None:
        self.data = value.astimezone(_zone()).replace(microsecond=0) if value else None
        self.kept = value

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError:
            self.data = None
            raise ValueError(
                gettext("“%(text)s” is not a date and time.", text=valuelist[0][:40])
            ) from None
        if self.data is not None:
            _check_year(self.data.year)
            if self.data.tzinfo is None:
                self.data = self._exact(self.data.replace(tzinfo=_zone()))

    def _exact(self, typed: datetime) -> datetime:
        """Keep the instant that was there when its text was not changed: the form shows neither
        fractions of a second nor which of two equal hours of autumn it was."""
        kept = getattr(self, "kept", None)
        if kept and kept.astimezone(_zone()).replace(microsecond=0, tzinfo=None) == typed.replace(
            tzinfo=None
        ):
            return kept
        return typed


class DayField(DateField):
    """A date from the browser's own calendar."""

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError(gettext("“%(text)s” is not a date.", text=valuelist[0][:40])) from None
        if self.data is not None:
            _check_year(self.data.year)


class LookupWidget:
    """A text input that finds records as one types; works without JavaScript by exact name."""

    validation_attrs = ("required",)

    def __call__(self, field: "RelationField", **kwargs: Any) -> Markup:
        kwargs.setdefault("id", field.id)
        kwargs.setdefault("class", "form-control")
        # Attributes with _ would be written with -; values are escaped by html_params.
        text = widgets.html_params(
            name=field.name,
            value=field.text,
            type="text",
            autocomplete="off",
            data_lookup=field.address(),
            data_lookup_hidden=f"{field.id}-id",
            placeholder=gettext("Type to search"),
            **kwargs,
        )
        hidden = widgets.html_params(
            name=f"{field.name}-id",
            value=field.chosen or "",
            type="hidden",
            id=f"{field.id}-id",
        )
        return Markup(f"<input {text}><input {hidden}>")  # noqa: S704 - both parts are escaped


def find_by_text(target: type[Record], text: str) -> Record:
    """Return the one visible record of `target` named `text`, or numbered so ("12", "#12").

    Raises ValueError with a sentence where there is none or more than one.
    """
    query = select(target)
    scope = security.visible(target)
    if scope is not None:
        query = query.where(scope)
    named = query.where(title_sql(target) == text)
    if (words := _words_of_title(target, text)) is not None:
        named = named.where(words)
    found = list(db.session.scalars(named.limit(2)))
    number = security.parse_id(text.removeprefix("#"))
    if not found and number is not None:
        found = list(db.session.scalars(query.where(target.id == number)))
    if len(found) == 1:
        return found[0]
    if found:
        raise ValueError(
            gettext("More than one is called “%(text)s”; choose it from the list.", text=text[:60])
        )
    raise ValueError(
        gettext("Nothing here is called “%(text)s”; choose one from the list.", text=text[:60])
    )


def _words_of_title(target: type[Record], text: str) -> Any:
    """Return the condition that the words of a title stand in a record, which an index answers;
    None where the title has parts that are not searched, such as dates, or no words."""
    searched = {column.key for column in search_columns(target)}
    if not searched.issuperset(target.title_columns):
        return None
    words = [word for word in text.split() if word != "·"]
    return search_clause(target, " ".join(words[:MOST_WORDS])[:LONGEST_SEARCH])


class RelationField(Field):
    """A related record, found by autocomplete; `data` is the record or None."""

    widget = LookupWidget()

    def __init__(
        self, *args: Any, target: type[Record], address: Callable[[], str], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.target, self.address = target, address
        self.text, self.chosen = "", None

    def process_data(self, value: Record | None) -> None:
        self.data = value
        self.text = self._named(value) if value is not None else ""
        self.chosen = value.id if value is not None else None

    def _named(self, record: Record) -> str:
        """Return the name of `record`, or its number where the officer does not see it."""
        scope = security.visible(self.target)
        if scope is not None:
            query = select(self.target.id).where(self.target.id == record.id, scope)
            if db.session.scalar(query) is None:
                return f"#{record.id}"
        return str(record)

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        """Leave it to process(), which sees the second input as well."""

    def process(self, formdata: Any, *args: Any, **kwargs: Any) -> None:
        super().process(formdata, *args, **kwargs)
        if formdata is None or self.name not in formdata:
            return
        self.text = formdata.get(self.name, "").strip()[:LONGEST_TITLE]
        self.raw_data = [self.text]  # what the validators look at
        self.data, before, self.chosen = None, self.data, None
        chosen = formdata.get(f"{self.name}-id", "")
        try:
            self.data = self._find(self.text, chosen, before)
        except ValueError as error:
            self.process_errors = [*self.process_errors, str(error)]
        if self.data is not None:
            self.chosen = self.data.id

    def _find(self, text: str, chosen: str, before: Record | None) -> Record | None:
        if not text:
            return None
        if before is not None and chosen in ("", str(before.id)) and self._named(before) == text:
            return before
        if (number := security.parse_id(chosen)) is not None:
            query = select(self.target).where(self.target.id == number)
            scope = security.visible(self.target)
            found = db.session.scalar(query.where(scope) if scope is not None else query)
            if found is not None and str(found) == text:
                return found
        return find_by_text(self.target, text)


def choices_for(target: type[Record], typed: str, *, closed: bool = False) -> list[tuple[int, str]]:
    """Return up to 20 (id, name) of visible records of `target` that `typed` finds; those that
    are closed or gone only where `closed` is asked for.

    A common word finds the first 200 in no particular order, and of these the first by name:
    sorting millions to offer twenty would be slow.
    """
    query = select(target.id, title_sql(target).label("title"))
    scope = security.visible(target)
    if scope is not None:
        query = query.where(scope)
    for ended in ("closed_on", "retired_on", "left_on"):
        if hasattr(target, ended) and not closed:
            query = query.where(getattr(target, ended).is_(None))
    if (found := _typed_clause(target, typed)) is not None:
        query = query.where(found)
    some = query.limit(200).subquery()
    statement = select(some.c.id, some.c.title).order_by(some.c.title, some.c.id)
    return [tuple(row) for row in db.session.execute(statement.limit(MOST_CHOICES))]


def _typed_clause(target: type[Record], typed: str) -> Any:
    """Return the condition that what is typed so far stands in a record; the dot between the
    parts of a title stands in none."""
    words = [word for word in typed.split() if word != "·"]
    asked = " ".join(words[:MOST_WORDS])[:LONGEST_SEARCH]
    if not asked or search_columns(target):
        return search_clause(target, asked)
    return title_sql(target).icontains(asked, autoescape=True)


# --- From a column to its field --------------------------------------------------------------


def _required(*, needed: bool) -> list[Any]:
    if needed:
        return [validators.InputRequired(FILL_IN)]
    return [validators.Optional()]


def _longest(length: int) -> Any:
    message = lazy_gettext("At most %(count)s characters.", count=length)
    return validators.Length(max=length, message=message)


def _choice_field(column: Any, common: dict[str, Any], *, needed: bool) -> Any:
    kind = column.type.enum_class

    def coerce(value: Any) -> Any:
        if value in ("", None):
            return None
        return value if isinstance(value, kind) else kind(value)

    def choices() -> list[tuple[str, str]]:
        blank = [] if needed else [("", "")]
        return blank + [(member.value, enum_label(member)) for member in kind]

    return SelectField(coerce=coerce, choices=choices, **common)


def field_for(column: Any) -> Any:
    """Return an unbound field for `column` of a table, or None where a form cannot show it."""
    needed = not column.nullable and column.server_default is None
    kind = column.type
    common: dict[str, Any] = {"label": english(column.key), "description": column.doc or ""}
    checks = {"validators": _required(needed=needed)}
    if isinstance(kind, Enum):
        return _choice_field(column, common | checks, needed=not column.nullable)
    if isinstance(kind, String) and needed:
        checks = {"validators": [validators.DataRequired(FILL_IN)]}
    if isinstance(kind, Text):
        checks["validators"].append(_longest(LONGEST_TEXT))
        return LongField(**common, **checks)
    if isinstance(kind, String):
        checks["validators"].append(_longest(kind.length or LONGEST_TEXT))
        return TrimmedField(**common, **checks)
    if isinstance(kind, Boolean):
        return BooleanField(**common, false_values=("", "0", "false", "off", "no"))
    if isinstance(kind, DateTime):
        return MomentField(**common, **checks)
    if isinstance(kind, Date):
        return DayField(**common, **checks)
    if isinstance(kind, Integer | Numeric):
        return _number_field(column, common, checks)
    return None


class NumberField(DecimalField):
    """A number with a fraction; NaN and infinity are none."""

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        super().process_formdata(valuelist)
        if self.data is not None and not self.data.is_finite():
            self.data = None
            raise ValueError(gettext("“%(text)s” is not a number.", text=valuelist[0][:40]))


class WholeField(IntegerField):
    """A whole number, of a size that can be compared."""

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        super().process_formdata(valuelist)
        if self.data is not None and abs(self.data) >= LARGEST_WHOLE:
            self.data = None
            raise ValueError(gettext("“%(text)s” is too large.", text=f"{valuelist[0][:20]}…"))


def _number_field(column: Any, common: dict[str, Any], checks: dict[str, Any]) -> Any:
    whole = isinstance(column.type, Integer)
    kind = column.type
    largest = 2**31 - 1 if whole else 10 ** (kind.precision - kind.scale) - 1
    checks["validators"].append(
        validators.NumberRange(
            -largest,
            largest,
            lazy_gettext(
                "The number must be from %(low)s to %(high)s.", low=-largest, high=largest
            ),
        )
    )
    return (WholeField if whole else NumberField)(**common, **checks)


def _relation_field(model: type[Record], relation: Any, lookup: Callable[[str], str]) -> Any:
    (column,) = relation.local_columns
    needed = not column.nullable and column.server_default is None
    key = relation.key
    return RelationField(
        label=english(key),
        description=column.doc or "",
        validators=_required(needed=needed),
        target=relation.mapper.class_,
        address=lambda: lookup(key),
    )


class RecordForm(FlaskForm):
    """The base of every generated form: labels and help in the reader's language."""

    class Meta(FlaskForm.Meta):  # type: ignore[name-defined, misc]
        def wrap_formdata(self, form: FlaskForm, formdata: Any) -> Any:
            """Take fields only: Flask-WTF would hand files and JSON to fields that expect text.
            None is none: the form as it was before anything was typed."""
            if formdata is None or not form.is_submitted():
                return None
            return request.form or None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for one in self:
            if isinstance(one.label.text, str) and one.short_name != "csrf_token":
                one.label.text = gettext(one.label.text)
                one.description = gettext(one.description) if one.description else ""

    def keep_only(self, keys: set[str]) -> None:
        """Drop every field that is not in `keys`, before anything is written (trap 5)."""
        for name in list(self._fields):
            if name not in keys and name != "csrf_token":
                del self[name]


def form_for(model: type[Record], lookup: Callable[[str], str]) -> type[RecordForm]:
    """Return the form class of `model` with a field for each column that people may write.

    `lookup(key)` gives the address of the autocomplete of a relation.
    """
    mapper = inspect(model)
    fields: dict[str, Any] = {}
    for column in mapper.local_table.columns:
        if column.primary_key or column.info.get("set_by") or column.info.get("secret"):
            continue
        relation = relation_of(model, column)
        if column.foreign_keys:
            if relation is not None:
                fields[relation.key] = _relation_field(model, relation, lookup)
            continue
        made = field_for(column)
        if made is not None:
            fields[column.key] = made
    return type(f"{model.__name__}Form", (RecordForm,), fields)


def relation_of(model: type[Record], column: Any) -> Any:
    """Return the many-to-one relation of `model` that stands for its foreign key `column`."""
    for relation in inspect(model).relationships:
        if relation.direction.name == "MANYTOONE" and set(relation.local_columns) == {column}:
            return relation
    return None

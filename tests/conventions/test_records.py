"""What every record type declares, so that its screens, rights, words and refusals come by
themselves (docs/add-a-record-type.md)."""

import re
from typing import Any

import pytest
from sqlalchemy import CheckConstraint, Table, inspect
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import MANYTOONE

from models import (
    RECORD_TYPES,
    OfficeRecord,
    OwnRecord,
    PrivateRecord,
    Record,
    ReferenceRecord,
    db,
    is_sortable,
)
from rules.permissions import Desk, Role
from rules.refusals import SENTENCES, refusal
from tests.conventions.sources import files, listed
from views.labels import english_about

KINDS = (ReferenceRecord, OfficeRecord, OwnRecord, PrivateRecord)
INFO = {"search", "sort", "list", "set_by", "secret", "trail", "read", "group", "met_by"}
# Tables that are no record types, and why.
NO_RECORDS = {
    "login_attempt": "failed log-ins, hashed, gone within the hour; nobody reads them",
    "officer_posting": "where officers served before: a trigger keeps it, for who may open what",
    "former_respondent": "who else was complained about: likewise",
    "figure_month": "counts by office and month, made from records; the dashboard alone shows them",
    "figure_mark": "what is to be counted anew; triggers write it",
    "figure_state": "up to when the figures go",
    "reopening": "grievances that were opened again: a trigger keeps it, for the figures",
    "clock_look": "when a clock is looked at next; a trigger writes it",
    "remedy_alarm": "the same of remedies",
    "finding_alarm": "alarms about findings that were raised, each once",
    "notice_alarm": "the same of supervision notices",
    "clock_alarm": "alarms that were raised, each once; what was told stands in messages",
    "audit_open": "blocks of the trail whose transactions are open; written by its functions",
    "audit_block": "the chain over the trail; it proves it and says nothing itself",
    "audit_head": "the end of that chain",
    "alembic_version": "which migrations have run",
}
every_record_type = pytest.mark.parametrize("model", RECORD_TYPES, ids=lambda one: one.__name__)


def _columns(model: type[Record]) -> list[Any]:
    return list(model.__table__.columns)


@every_record_type
def test_a_record_type_says_who_sees_it(model: type[Record]) -> None:
    kinds = [kind for kind in KINDS if issubclass(model, kind)]
    assert len(kinds) == 1 or (not kinds and model.read_only), (
        f"Say who sees {model.__name__}: class {model.__name__}(ReferenceRecord) for every officer,"
        " OfficeRecord for the offices concerned, OwnRecord for one officer, PrivateRecord for no"
        " screen at all."
    )
    if issubclass(model, OfficeRecord):
        ends = {_end_of(model, path) for path in model.office_paths}
        assert ends == {"office"}, (
            f"Name in {model.__name__}.office_paths the columns that lead to an office, such as"
            f' ("office_id",) or ("grievance.responsible_office_id",); these lead to {ends}.'
        )
    if model.owner_path:
        assert _end_of(model, model.owner_path) == "officer", (
            f"{model.__name__}.owner_path must name the column of the officer it belongs to."
        )


def _end_of(model: Any, path: str) -> str:
    """Return the table that the last column of a dotted path refers to."""
    *relations, last = path.split(".")
    for name in relations:
        model = inspect(model).relationships[name].mapper.class_
    (foreign_key,) = model.__table__.columns[last].foreign_keys
    return str(foreign_key.column.table.name)


@every_record_type
def test_a_record_type_belongs_to_a_desk(model: type[Record]) -> None:
    chosen = any("desk" in vars(one) for one in model.__mro__ if one is not Record)
    assert chosen, (
        f"Say to which part of the bureau {model.__name__} belongs: desk = Desk."
        f"{'|'.join(desk.name for desk in Desk)}"
    )
    assert isinstance(model.desk, Desk)


@every_record_type
def test_a_record_type_says_what_it_is(model: type[Record]) -> None:
    assert english_about(model), (
        f'Begin class {model.__name__} with one sentence on what it is: """A visit of a'
        ' supervision group to an office."""; the start page shows it.'
    )


@every_record_type
def test_a_record_has_a_name_for_people(model: type[Record]) -> None:
    columns = model.__table__.columns
    unknown = [name for name in model.title_columns if name not in columns]
    assert model.title_columns, f"Name in {model.__name__}.title_columns what names a record."
    assert not unknown, f"{model.__name__}.title_columns names no such column: {unknown}"
    told = [name for name in model.title_columns if columns[name].info.get("secret")]
    assert not told, f"The title of a record is on every screen; take out of it: {told}"
    assert str(model(id=7)), f"{model.__name__}.__str__ must never be empty."


@every_record_type
def test_a_list_begins_with_an_order_it_can_keep(model: type[Record]) -> None:
    key = model.sorted_by.removeprefix("-")
    assert key == "id" or is_sortable(model.__table__.columns[key]), (
        f'{model.__name__}.sorted_by must be a column that lists sort by, such as "name" or'
        f' "-received_at"; {key} is none.'
    )


@every_record_type
def test_every_column_says_what_it_is(model: type[Record]) -> None:
    silent = [column.name for column in _columns(model) if not column.doc]
    assert not silent, (
        f'Say it in the column: {model.__name__}.{silent[0]} = mapped_column(doc="What people'
        f' write here"); it is the help of the form. Silent are: {", ".join(silent)}'
    )


@every_record_type
def test_the_info_of_a_column_is_known(model: type[Record]) -> None:
    wrong = [
        f"{column.name}: {', '.join(sorted(column.info.keys() - INFO))}"
        for column in _columns(model)
        if column.info.keys() - INFO
    ]
    wrong += [
        f"{column.name}: set_by is action or system"
        for column in _columns(model)
        if column.info.get("set_by", "action") not in ("action", "system")
    ]
    wrong += [
        f"{column.name}: read takes roles"
        for column in _columns(model)
        if not all(isinstance(role, Role) for role in column.info.get("read", ()))
    ]
    wrong += [
        f"{column.name}: met_by names no column {key}"
        for column in _columns(model)
        for key in column.info.get("met_by", ())
        if key not in model.__table__.columns
    ]
    assert not wrong, f"The head of models.py says what info may hold:{listed(wrong)}"


@every_record_type
def test_what_people_edit_keeps_a_version(model: type[Record]) -> None:
    assert model.read_only or "version_id" in model.__table__.columns, (
        f"Without a version two people save over each other: derive {model.__name__} from one of"
        " ReferenceRecord, OfficeRecord, OwnRecord, PrivateRecord."
    )


@every_record_type
def test_a_state_is_never_typed_into_a_form(model: type[Record]) -> None:
    state = model.__table__.columns.get("state")
    assert state is None or state.info.get("set_by"), (
        f"A state is reached by a step, not typed: {model.__name__}.state = mapped_column(...,"
        ' info={"set_by": "action"})'
    )


@every_record_type
def test_every_refusal_of_the_database_has_a_sentence(model: type[Record]) -> None:
    silent = [name for name in _refusing(model) if not refusal(name, model.__tablename__)]
    assert not silent, (
        'Tell people what to do, in SENTENCES of rules/refusals.py: "ends_after_start": mark("The'
        f' end must be after the start."). Without a sentence are, of {model.__name__}:'
        f"{listed(silent)}"
    )


def _refusing(model: type[Record]) -> list[str]:
    """Return the names of the constraints that refuse with a sentence of their own: blank texts
    have one for all, equal values one that names them, closed lists are held to in the form."""
    table: Any = model.__table__
    checks = [
        str(check.name)
        for check in table.constraints
        if isinstance(check, CheckConstraint | ExcludeConstraint)
        and not check._type_bound
        and not str(check.name).endswith("_not_blank")
    ]
    return checks + [str(index.name) for index in table.indexes if index.unique]


def test_every_sentence_of_a_refusal_is_still_needed() -> None:
    said = {
        refusal(name, model.__tablename__) for model in RECORD_TYPES for name in _refusing(model)
    }
    triggers = "\n".join(path.read_text() for path in files("migrations/versions/*.py"))
    idle = [
        name
        for name, text in SENTENCES.items()
        if text not in said and not re.search(rf"(\b|%s_){name}\b", triggers)
    ]
    assert not idle, (
        "No constraint of models.py and no trigger of a migration has this name; take it out of"
        f" rules/refusals.py:{listed(idle)}"
    )


@every_record_type
def test_relations_are_told_on_both_sides(model: type[Record]) -> None:
    wrong = [
        relation.key
        for relation in inspect(model).relationships
        if relation.backref or (relation.direction is not MANYTOONE and not relation.back_populates)
    ]
    wrong += [
        relation.key
        for relation in inspect(model).relationships
        if relation.back_populates
        and relation.mapper.relationships[relation.back_populates].back_populates != relation.key
    ]
    assert not wrong, (
        "Write both sides, so that a reader sees them: x = relationship(back_populates=...) here"
        f" and there; of {model.__name__}:{listed(wrong)}"
    )


@every_record_type
def test_a_foreign_key_has_a_relation(model: type[Record]) -> None:
    named = {
        column
        for relation in inspect(model).relationships
        if relation.direction is MANYTOONE
        for column in relation.local_columns
    }
    bare = [
        column.name
        for column in _columns(model)
        if column.foreign_keys
        and column not in named
        and column.name not in ("created_by_id", "updated_by_id")
        and not issubclass(model, PrivateRecord)
    ]
    assert not bare, (
        "Screens name the record, not its number: add"
        f' {bare[0].removesuffix("_id")}: Mapped["..."] = relationship(foreign_keys={bare[0]}) to'
        f" {model.__name__}."
    )


def test_a_migration_makes_every_table() -> None:
    made = {
        name
        for path in files("migrations/versions/*.py")
        for name in re.findall(r"create_table\(\s*[\"'](\w+)[\"']", path.read_text())
    }
    missing = sorted(table.name for table in db.metadata.sorted_tables if table.name not in made)
    assert not missing, f'Write the migration: make migrate m="add ..."; not made:{listed(missing)}'


def test_every_table_is_a_record_type() -> None:
    known = {model.__tablename__ for model in RECORD_TYPES} | NO_RECORDS.keys()
    tables: list[Table] = db.metadata.sorted_tables
    strangers = sorted(table.name for table in tables if table.name not in known)
    assert not strangers, (
        "Derive it from a kind of Record, so that it has screens, rights and an audit trail; or say"
        f" in NO_RECORDS why not:{listed(strangers)}"
    )

"""The lines that the product does not cross (README: What it will not do), held in the schema."""

import enum
from typing import Any

import pytest
from sqlalchemy import Enum, LargeBinary, UniqueConstraint, text

from models import (
    RECORD_TYPES,
    Grievance,
    GrievanceLink,
    Identity,
    IdentityKey,
    IdentityOpening,
    IdentityRequest,
    Record,
    db,
)
from rules.grievance import GrievanceState, LinkKind
from rules.identity import IdentityField
from rules.import_map import FIELDS, STATES
from rules.permissions import Desk, Role, Verb, may
from rules.reprimand import Ground
from rules.rhythm import Measure
from tests.conventions.sources import listed

# People as risks, groups of people, control of people.
PROFILES = set(
    "watch watchlist blacklist whitelist risk risky risks score scores scoring profile profiles key"
    " keyperson focus focal frequent frequency persistent persistence repeat repeated repeater"
    " troublemaker sensitive dangerous danger threat threats suspect suspects nuisance vexatious"
    " stability monitor monitored surveillance track tracked tracking whereabouts travel travels"
    " gathering gatherings habit habits contacts relatives family associates crowd"
    " veteran veterans disabled disability ethnic ethnicity religion religious faith politics"
    " political party mental health criminal convict migrant"
    " educate education persuade dissuade persuasion intercept return_home visit_home stabilise"
    " detain detention police".split()
)
# What tells who somebody is.
CONTACTS = set(
    "complainant complainants petitioner applicant citizen person people caller reporter resident"
    " phone telephone mobile cell fax email mail address passport birth birthday birthdate dob age"
    " gender sex surname forename firstname lastname idcard national nickname photo face voice"
    " wechat".split()
)
# Whose address or mail it is: an office, an officer at work, a page of this site, a device.
NOT_OF_COMPLAINANTS = {
    ("office", "address"),
    ("officer", "email"),
    ("office", "email"),
    ("mail", ""),
    ("message", "by_mail"),
    ("message", "mail_id"),
    ("saved_view", "address"),
    ("export_record", "address"),
    ("officer_session", "address"),
    ("login_attempt", "address_hash"),
}
# Words that are here for another thing than people.
OTHER_MEANINGS = {
    ("identity", "key_version"): "the key that a sealed identity is encrypted with",
    ("identity_key", ""): "that key, wrapped",
    ("identity_key", "key_version"): "its version",
    ("import_batch", "rows_repeated"): "rows of a file",
    ("supervision_policy", "weight_travel"): "the way of inspectors between offices",
}
# What may grow or shrink with how many complain, how often, where, or whether they go on.
NOT_THE_OFFICES_DOING = set(
    "fewer less count number volume total received registered intake complaints grievances"
    " petitions visits withdrawn withdrawal withdrawals level higher upper repeat repeated"
    " persistence collective".split()
)
SEALED = (Identity, IdentityKey, IdentityRequest, IdentityOpening)
STAMPS = {"created_by_id", "updated_by_id"}


def _words(name: str) -> set[str]:
    return {name, *name.lower().split("_")}


def _foreign_keys(model: type[Record]) -> dict[str, str]:
    """Return the table that each foreign key of `model` leads to; without who made the record."""
    return {
        key.parent.name: key.column.table.name
        for key in model.__table__.foreign_keys
        if key.parent.name not in STAMPS
    }


def _closed_lists() -> list[tuple[str, type[enum.Enum]]]:
    return [
        (f"{table.name}.{column.name}", column.type.enum_class)
        for table in db.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, Enum) and column.type.enum_class
    ]


# --- 1, 2: no record about a person as a risk, no control of people --------------------------


def test_no_table_column_or_value_makes_a_person_a_risk() -> None:
    named = [(table.name, "") for table in db.metadata.sorted_tables]
    named += [
        (table.name, column.name) for table in db.metadata.sorted_tables for column in table.columns
    ]
    named += [(place, str(member.value)) for place, kind in _closed_lists() for member in kind]
    wrong = [
        f"{table} {name}: {', '.join(sorted(found))}"
        for table, name in named
        if (found := _words(name or table) & PROFILES) and (table, name) not in OTHER_MEANINGS
    ]
    assert not wrong, (
        "Redress keeps no record about people as a risk and none of what they do or who they are."
        " Leave it out. If the word is about something else here, say what in OTHER_MEANINGS of"
        f" tests/conventions/test_limits.py:{listed(wrong)}"
    )


def test_nothing_but_the_sealed_identity_tells_who_complained() -> None:
    wrong = [
        f"{table.name}.{column.name}"
        for table in db.metadata.sorted_tables
        for column in table.columns
        if _words(column.name) & CONTACTS
        and (table.name, column.name) not in NOT_OF_COMPLAINANTS
        and table is not Identity.__table__  # in cipher: see identity is apart, below
    ]
    wrong += [
        table.name
        for table in db.metadata.sorted_tables
        if _words(table.name) & CONTACTS and (table.name, "") not in NOT_OF_COMPLAINANTS
    ]
    assert not wrong, (
        "Who complained stands in the sealed identity alone. Leave it out; if it is about an office"
        f" or an officer at work, add it to NOT_OF_COMPLAINANTS:{listed(wrong)}"
    )


def test_only_a_link_by_subject_joins_two_grievances() -> None:
    joining = [
        model.__name__
        for model in RECORD_TYPES
        if list(_foreign_keys(model).values()).count("grievance") > 1
        or (model is Grievance and "grievance" in _foreign_keys(model).values())
    ]
    assert joining == [GrievanceLink.__name__], (
        "Grievances relate by subject matter, through GrievanceLink and nothing else; these join"
        f" them:{listed(joining)}"
    )
    assert set(LinkKind) == {LinkKind.SAME_SUBJECT, LinkKind.DUPLICATE, LinkKind.DIFFERENT}, (
        "A link says whether the matter is the same. It never says that the complainant is."
    )
    assert not GrievanceLink.__table__.columns["subject"].nullable, (
        "A link states the matter that the two share."
    )


# --- 3: no reward for silence ----------------------------------------------------------------


@pytest.mark.parametrize("kind", [Measure, Ground], ids=lambda one: one.__name__)
def test_no_target_and_no_ground_counts_complaints(kind: type[enum.Enum]) -> None:
    wrong = [
        str(member.value) for member in kind if _words(str(member.value)) & NOT_THE_OFFICES_DOING
    ]
    assert not wrong, (
        "A target or a ground of reprimand is about the office's own handling. Nothing may improve"
        f" when fewer people complain, or complain elsewhere, or withdraw:{listed(wrong)}"
    )


# --- 4: withdrawal is the complainant's alone ------------------------------------------------


def test_no_form_and_no_import_withdraws_a_grievance() -> None:
    columns = Grievance.__table__.columns
    for name in ("state", "withdrawn_at", "withdrawal_statement"):
        assert columns[name].info.get("set_by") == "action", (
            f"A withdrawal is recorded from the complainant's own statement: {name} needs"
            ' info={"set_by": "action"}, so that no form shows it.'
        )
        assert name not in FIELDS or GrievanceState.WITHDRAWN not in STATES, (
            "No import states a withdrawal: take it out of STATES in rules/import_map.py."
        )
    assert "withdrawn_at" not in FIELDS, "No import states when a grievance was withdrawn."
    ending = [
        place
        for place, kind in _closed_lists()
        if "withdrawn" in {str(member.value) for member in kind}
        and place not in ("grievance.state", "grievance.state_before")
    ]
    assert not ending, f"No outcome that an officer chooses is a withdrawal:{listed(ending)}"


# --- 5: identity is apart --------------------------------------------------------------------


@pytest.mark.parametrize("model", [Identity, IdentityKey], ids=lambda one: one.__name__)
def test_an_identity_belongs_to_one_grievance_and_to_nothing_else(model: type[Record]) -> None:
    assert _foreign_keys(model) == {"grievance_id": "grievance"}, (
        "A sealed identity leads to its one grievance. A second way to it makes a profile."
    )
    towards = [
        f"{table.name}.{key.parent.name}"
        for table in db.metadata.sorted_tables
        for key in table.foreign_keys
        if key.column.table.name in ("identity", "identity_key", "identity_opening")
    ]
    assert not towards, f"Nothing refers to an identity or to its openings:{listed(towards)}"


@pytest.mark.parametrize("model", [Identity, IdentityKey], ids=lambda one: one.__name__)
def test_no_index_and_no_key_reaches_across_identities(model: type[Record]) -> None:
    table: Any = model.__table__
    unique = [
        [column.name for column in one.columns]
        for one in table.constraints
        if isinstance(one, UniqueConstraint)
    ]
    assert not table.indexes, "An index over identities finds one person in two grievances."
    assert unique == [["grievance_id"]], "Only the grievance is unique in the sealed identities."


@pytest.mark.parametrize("table", ["identity", "identity_key"])
def test_the_database_itself_has_no_index_across_identities(table: str, session: Any) -> None:
    found = session.scalars(
        text(
            "SELECT array_agg(a.attname ORDER BY a.attname)::text FROM pg_index i"
            " JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)"
            " WHERE i.indrelid = CAST(:table AS regclass) GROUP BY i.indexrelid"
        ),
        {"table": table},
    )
    assert sorted(found) == ["{grievance_id}", "{id}"], (
        f"Take the other index of the table {table} away in a migration."
    )


@pytest.mark.parametrize("model", SEALED, ids=lambda one: one.__name__)
def test_sealed_records_have_no_screen_and_no_right(model: type[Record]) -> None:
    assert not model.screen
    assert model.desk is Desk.IDENTITY
    granted = [
        f"{role.value}: {verb.value}"
        for role in Role
        for verb in Verb
        if may(frozenset({role}), Desk.IDENTITY, verb)
    ]
    assert not granted, (
        "The desk of identities has no list, form, search or export for any role; leave its row in"
        f" rules/permissions.py empty:{listed(granted)}"
    )
    leading = [
        f"{other.__name__}.{relation.key}"
        for other in RECORD_TYPES
        if other not in SEALED
        for relation in other.__mapper__.relationships
        if relation.mapper.class_ in SEALED
    ]
    assert not leading, f"No record leads a screen to a sealed one:{listed(leading)}"


def test_what_is_sealed_is_only_there_in_cipher() -> None:
    in_clear = {"id", "grievance_id", "key_version", "version_id", "created_at", "updated_at"}
    columns = [
        column
        for column in Identity.__table__.columns
        if column.name not in in_clear and column.name not in STAMPS
    ]
    open_ones = [
        column.name
        for column in columns
        if type(column.type) is not LargeBinary or not column.info.get("secret")
    ]
    assert not open_ones, f"Make it LargeBinary and secret, and seal it:{listed(open_ones)}"
    assert {column.name for column in columns} == {field.value for field in IdentityField}, (
        "Each field of rules/identity.py has its column, and there is no other."
    )


# --- 6, 7: due process -----------------------------------------------------------------------


def test_no_record_imposes_discipline() -> None:
    imposing = {"demotion", "dismissal", "fine", "penalty", "salary", "warning", "removal"}
    wrong = [
        f"{place}: {member.value}"
        for place, kind in _closed_lists()
        for member in kind
        if _words(str(member.value)) & imposing
    ]
    wrong += [
        f"{table.name}.{column.name}"
        for table in db.metadata.sorted_tables
        for column in table.columns
        if _words(column.name) & imposing
    ]
    assert not wrong, f"Redress recommends discipline; it never imposes it:{listed(wrong)}"

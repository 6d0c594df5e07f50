"""Every record type of the bureau, in the order of docs: offices, grievances, supervision,
reprimands, rhythm, system. A table says what may be true; it holds no queries and no rights.

`info` of a column says how screens treat it:
  search   True: part of what the search box of its list looks through; False: not, although
           it names the record
  sort     False: no sorting by it, and so no index for that
  list     False: in details, filters and exports, but not a column of the list at first
  set_by   "action" or "system": no form shows it and no import sets it
  secret   True: on no screen, in no list, filter or export; audit entries tell only that it
           changed
  trail    False: a change of this column alone leaves no audit entry; "masked": the trail says
           that it changed and not from what to what
  read     the roles that see it; without it everyone who reads the record does
  met_by   of a date by which something must be done: the column of the deed, then those whose
           values end the clock without it
  group    the heading under which forms and details show it
"""

import enum
import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Computed,
    Date,
    DateTime,
    Enum,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    Sequence,
    String,
    Text,
    UniqueConstraint,
    case,
    cast,
    event,
    func,
    inspect,
    text,
)
from sqlalchemy import (
    Identity as Serial,
)
from sqlalchemy.dialects.postgresql import ARRAY, INT8MULTIRANGE, JSONB, ExcludeConstraint
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Mapper,
    declared_attr,
    mapped_column,
    registry,
    relationship,
)
from sqlalchemy.schema import FetchedValue

from rules import mark
from rules.accounts import Appearance, RoleChangeKind, RoleChangeState
from rules.alarms import About, MailState, MessageKind
from rules.casework import OVER
from rules.grievance import (
    AppealOutcome,
    AppealState,
    AsideGround,
    Channel,
    DecisionState,
    DocumentKind,
    GrievanceKind,
    GrievanceState,
    LetterKind,
    LetterLanguage,
    LinkKind,
    NewsWay,
    PauseGround,
    PointFinding,
    RemedyState,
    ReportState,
    RequestState,
    StepState,
)
from rules.identity import Duty, OpeningGround
from rules.impartiality import Act
from rules.ledger import EntryKind
from rules.offices import (
    DISTRICT,
    AreaLevel,
    ClockStage,
    ClockStart,
    ClockUnit,
    DayKind,
    DueTime,
    OfficeLevel,
)
from rules.permissions import Desk, Role
from rules.records import AuditVerb, Brings, ImportState
from rules.reprimand import (
    CirculationKind,
    Ground,
    Outcome,
    RectificationState,
    ReferralState,
    ReprimandState,
    Scope,
)
from rules.rhythm import Measure, ReceptionKind, ReturnState
from rules.supervision import (
    ChangeKind,
    FindingSeverity,
    FindingState,
    InspectionState,
    NoticeState,
    ProposalState,
    ProposedState,
    RecusalGround,
    RootCause,
)
from rules.visits import AnswerKind, Remedied, VisitAnswer

LongText = Annotated[str, "long"]
Day = Annotated[date, "day"]
Moment = Annotated[datetime, "moment"]


def stored_enum(kind: type[enum.Enum], name: str | None = None) -> Enum:
    """Return a column type that stores `kind` by value and checks it in the database; `name` is
    that of the check, for a second column of the same kind in a table."""
    return Enum(
        kind,
        **({"name": name} if name else {}),
        values_callable=lambda members: [member.value for member in members],
        native_enum=False,
        create_constraint=True,
        validate_strings=True,
        length=40,
    )


class Base(DeclarativeBase):
    registry = registry(
        metadata=MetaData(
            naming_convention={
                "ix": "ix_%(table_name)s_%(column_0_N_name)s",
                "uq": "uq_%(table_name)s_%(column_0_N_name)s",
                "ck": "ck_%(table_name)s_%(constraint_name)s",
                "fk": "fk_%(table_name)s_%(column_0_N_name)s",
                "pk": "pk_%(table_name)s",
                ExcludeConstraint: "ex_%(table_name)s_%(constraint_name)s",
            }
        ),
        type_annotation_map={
            str: String(200),
            LongText: Text(),
            Day: Date(),
            Moment: DateTime(timezone=True),
            Decimal: Numeric(14, 2),
            enum.Enum: stored_enum(enum.Enum),
        },
    )


db = SQLAlchemy(
    model_class=Base,
    engine_options={
        "hide_parameters": True,
        "pool_pre_ping": True,
        # A prepared generic plan walks the sort index instead of the search index (trap 16).
        "connect_args": {"options": "-c plan_cache_mode=force_custom_plan -c timezone=UTC"},
    },
)

ACTION: dict[str, Any] = {"set_by": "action"}
SYSTEM: dict[str, Any] = {"set_by": "system", "sort": False, "list": False}
SEARCH: dict[str, Any] = {"search": True}
DETAIL: dict[str, Any] = {"list": False, "sort": False}
MASKED: dict[str, Any] = {"trail": "masked"}


# Every record type, in the order in which they are declared.
RECORD_TYPES: "list[type[Record]]" = []


def reference(
    target: str, *, ondelete: str = "RESTRICT", doc: str, info: dict[str, Any] | None = None
) -> Any:
    """Return a column that refers to the record type `target` ("office"); rows it names are kept
    unless `ondelete` says that this record goes with them (CASCADE)."""
    return mapped_column(
        BigInteger, ForeignKey(f"{target}.id", ondelete=ondelete), doc=doc, info=info or {}
    )


def parts(back_populates: str, **options: Any) -> Any:
    """Return the collection of the records that refer to this one. Deleting this one leaves them
    to the database, which refuses or cascades; the ORM alone would cut them loose."""
    return relationship(back_populates=back_populates, passive_deletes="all", **options)


def together(name: str, *columns: str) -> CheckConstraint:
    """Return a check that `columns` are all empty or all filled."""
    return CheckConstraint(f"num_nonnulls({', '.join(columns)}) IN (0, {len(columns)})", name=name)


# --- What every record type inherits ---------------------------------------------------------


class Record(db.Model):  # type: ignore[name-defined, misc]  # made when db is made
    """A record type. Its screens, their rights and their search come from what it declares here.

    `desk`           the part of the bureau it belongs to: menu group and row of the rights matrix
    `title_columns`  own columns that name a record to people, joined by " · "
    `sorted_by`      column of the list's first order, with "-" for newest first
    `office_paths`   dotted paths to the offices whose officers see it (OfficeRecord)
    `told_from`      column that is empty for as long as these offices are not to know of it, or a
                     dotted path to one: it holds for the paths that begin in the same way
    `kept_from_line` True: until then nobody who serves these offices or one below them sees it
                     either, in whatever role; auditors do
    `owner_path`     column of the officer it belongs to, who alone changes it (OwnRecord)
    `doer_path`      column of the officer who is to do it, and sees it besides the offices
    `shared_with`    columns of an office and of a role, whose officers see it as well; below the
                     office too
    `covering`       columns that every index of a sort holds as well: those that tell who may see
                     a row, so that counting needs no row of a table of millions
    `screen`         False: no generated screen at all
    `read_only`      True: a list to look at, without forms
    """

    __abstract__ = True
    desk: ClassVar[Desk] = Desk.STANDARDS
    title_columns: ClassVar[tuple[str, ...]] = ("name",)
    sorted_by: ClassVar[str] = "-id"
    office_paths: ClassVar[tuple[str, ...]] = ()
    told_from: ClassVar[str | None] = None
    kept_from_line: ClassVar[bool] = False
    owner_path: ClassVar[str | None] = None
    doer_path: ClassVar[str | None] = None
    shared_with: ClassVar[tuple[str, str] | None] = None
    covering: ClassVar[tuple[str, ...]] = ()
    screen: ClassVar[bool] = True
    read_only: ClassVar[bool] = False

    id: Mapped[int] = mapped_column(
        BigInteger, Serial(), primary_key=True, doc="Number of the record in this system"
    )

    def __str__(self) -> str:
        values = (getattr(self, name) for name in self.title_columns)
        shown = (value.value if isinstance(value, enum.Enum) else value for value in values)
        return " · ".join(str(value) for value in shown if value is not None) or f"#{self.id}"


class Stamped(Record):
    """A record that people change: who made it, who changed it last, and a version that refuses
    a save over somebody else's. A trigger keeps all five, for raw SQL as well."""

    __abstract__ = True

    version_id: Mapped[int] = mapped_column(
        server_default="1", doc="Goes up by one with every change", info=SYSTEM
    )
    created_at: Mapped[Moment] = mapped_column(
        server_default=func.now(), doc="When the record was made", info=SYSTEM
    )
    updated_at: Mapped[Moment] = mapped_column(
        server_default=func.now(),
        server_onupdate=FetchedValue(),
        doc="When the record was last changed",
        info=SYSTEM,
    )

    @declared_attr
    def created_by_id(cls) -> Mapped[int | None]:
        return mapped_column(
            BigInteger,
            ForeignKey("officer.id", ondelete="RESTRICT"),
            server_default=FetchedValue(),
            doc="Officer who made the record",
            info=SYSTEM,
        )

    @declared_attr
    def updated_by_id(cls) -> Mapped[int | None]:
        return mapped_column(
            BigInteger,
            ForeignKey("officer.id", ondelete="RESTRICT"),
            server_default=FetchedValue(),
            server_onupdate=FetchedValue(),
            doc="Officer who changed the record last",
            info=SYSTEM,
        )

    @declared_attr
    def created_by(cls) -> Mapped["Officer | None"]:
        key: Any = cls.created_by_id
        return relationship("Officer", foreign_keys=[key], remote_side="Officer.id", viewonly=True)

    @declared_attr
    def updated_by(cls) -> Mapped["Officer | None"]:
        key: Any = cls.updated_by_id
        return relationship("Officer", foreign_keys=[key], remote_side="Officer.id", viewonly=True)

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:
        return {"version_id_col": cls.version_id}


class ReferenceRecord(Stamped):
    """Every officer whose role reads the desk reads all of it."""

    __abstract__ = True


class OfficeRecord(Stamped):
    """Read by officers of the offices in `office_paths` and of the offices above them."""

    __abstract__ = True
    desk = Desk.GRIEVANCES
    office_paths: ClassVar[tuple[str, ...]] = ("office_id",)


class OwnRecord(Stamped):
    """Read by the officer in `owner_path`, and by those who read the trail."""

    __abstract__ = True
    desk = Desk.VIEWS
    owner_path = "officer_id"


class PrivateRecord(Stamped):
    """No generated screen, list, filter, search or export at all."""

    __abstract__ = True
    desk = Desk.IDENTITY
    screen = False


def title_sql(entity: Any) -> Any:
    """Return the SQL text that names a record of `entity` (a record type or an alias of one), the
    same words as its __str__."""
    model = inspect(entity).mapper.class_
    parts = [cast(getattr(entity, name), Text) for name in model.title_columns]
    words = func.nullif(func.concat_ws(text("' · '"), *parts), text("''"))
    return func.coalesce(words, func.concat(text("'#'"), entity.id))


def is_sortable(column: Any) -> bool:
    """Return whether lists offer to sort by `column`: short values that people compare."""
    if column.info.get("secret") or column.foreign_keys or column.name == "id":
        return False
    short = (String, Integer, BigInteger, Numeric, Date, DateTime, Boolean)
    is_long = isinstance(column.type, Text | ARRAY | JSONB | LargeBinary)
    return isinstance(column.type, short) and not is_long and column.info.get("sort", True)


def search_columns(model: type[Record]) -> list[Any]:
    """Return the columns that the search box of `model` looks through, in their order."""
    named = set(model.title_columns)
    return [
        column
        for column in model.__table__.columns
        if isinstance(column.type, String)
        and not isinstance(column.type, Enum)
        and column.info.get("search", column.name in named)
        and not column.info.get("secret")
    ]


def search_document(model: type[Record]) -> Any:
    """Return the SQL text that is searched, the same expression that its two indexes are on;
    None where the record type has nothing to search."""
    columns = search_columns(model)
    if not columns:
        return None
    # CASE and not COALESCE, of which PostgreSQL does not know that it tells nothing of its
    # arguments: under row-level security the search would not go through its indexes.
    parts = [
        case((column.is_not(None), column), else_=text("''")) if column.nullable else column
        for column in columns
    ]
    document: Any = parts[0]
    for part in parts[1:]:
        document = document.op("||")(text("' '")).op("||")(part)
    return func.lower(document)


@event.listens_for(Mapper, "after_mapper_constructed")
def _index_what_lists_need(mapper: Mapper[Any], cls: type) -> None:
    """Give each record type the indexes behind its sorts, relations and search."""
    if not issubclass(cls, Record) or cls in RECORD_TYPES:
        return
    RECORD_TYPES.append(cls)
    table: Any = mapper.local_table
    for column in table.columns:
        is_text = isinstance(column.type, String) and not isinstance(column.type, Enum)
        if is_text and not column.nullable:
            table.append_constraint(
                CheckConstraint(
                    text(f"btrim({column.name}) <> ''"), name=f"{column.name}_not_blank"
                )
            )
    # No index reaches across the identities of grievances (domain.md section 1).
    if not issubclass(cls, PrivateRecord):
        _index_sorts_and_relations(cls, table)
        _index_search(cls, table)


def _index_sorts_and_relations(model: type[Record], table: Any) -> None:
    for column in list(table.columns):
        is_stamp = column.name in ("created_by_id", "updated_by_id")
        has_one = column.primary_key  # a key of (column, id) is an index already
        if not has_one and (is_sortable(column) or (column.foreign_keys and not is_stamp)):
            beside = [name for name in model.covering if name != column.name]
            options: dict[str, Any] = {"postgresql_include": beside} if beside else {}
            Index(f"ix_{table.name}_{column.name}_id", column, table.c.id, **options)


def _index_search(model: type[Record], table: Any) -> None:
    document = search_document(model)
    if document is None:
        return
    # Trigrams find three characters and more; pairs find the one- and two-character words of
    # Chinese (trap 16).
    Index(
        f"ix_{table.name}_search",
        document.label("document"),
        postgresql_using="gin",
        postgresql_ops={"document": "gin_trgm_ops"},
        _table=table,
    )
    Index(
        f"ix_{table.name}_pairs",
        func.redress_pairs(document),
        postgresql_using="gin",
        _table=table,
    )


STAMPS = ("version_id", "created_at", "created_by_id", "updated_at", "updated_by_id")


def watch_statement(model: type[Record]) -> str:
    """Return the SQL that hangs the stamp and audit triggers on the table of `model`; the
    migration that makes the table or changes what its `info` says of the trail runs it."""

    def names(wanted: Callable[[Any], bool]) -> str:
        return ",".join(column.name for column in model.__table__.columns if wanted(column))

    masked = names(
        lambda column: bool(column.info.get("secret")) or column.info.get("trail") == "masked"
    )
    quiet = names(lambda column: column.info.get("trail") is False)
    private = str(issubclass(model, PrivateRecord)).lower()
    return (
        f"SELECT redress_watch('{model.__tablename__}', "
        f"masked => '{{{masked}}}', quiet => '{{{quiet}}}', private => {private})"
    )


# --- Offices ---------------------------------------------------------------------------------


class Office(ReferenceRecord):
    """An office that answers for grievances: a tree from the district down."""

    desk = Desk.OFFICES
    __table_args__ = (
        CheckConstraint("parent_id <> id", name="not_its_own_parent"),
        CheckConstraint(
            "closed_on IS NULL OR opened_on IS NULL OR closed_on >= opened_on",
            name="closes_after_opening",
        ),
    )

    name: Mapped[str] = mapped_column(doc="Name as on the office's seal")
    code: Mapped[str] = mapped_column(
        String(60), unique=True, info=SEARCH, doc="Short code, used in files and imports"
    )
    level: Mapped[OfficeLevel] = mapped_column(doc="Place in the district's structure")
    parent_id: Mapped[int | None] = reference("office", doc="Office directly above")
    area_id: Mapped[int | None] = reference("area", doc="Area the office serves")
    address: Mapped[str | None] = mapped_column(
        String(300), info=DETAIL, doc="Where the public finds the office"
    )
    email: Mapped[str | None] = mapped_column(
        info=DETAIL | {"read": (Role.ADMINISTRATOR, Role.AUDITOR)},
        doc="Mailbox of the office for notices of times that end",
    )
    opened_on: Mapped[Day | None] = mapped_column(info=DETAIL, doc="First day of the office")
    closed_on: Mapped[Day | None] = mapped_column(
        doc="Last day; a closed office keeps its history and gets nothing new"
    )

    parent: Mapped["Office | None"] = relationship(
        remote_side="Office.id", back_populates="children", foreign_keys=parent_id
    )
    children: Mapped[list["Office"]] = parts("parent", foreign_keys=parent_id)
    area: Mapped["Area | None"] = relationship(back_populates="offices", foreign_keys=area_id)
    officers: Mapped[list["Officer"]] = parts("office", foreign_keys="Officer.office_id")


class Officer(ReferenceRecord):
    """A person employed by an office, with a log-in."""

    desk = Desk.OFFICERS
    __table_args__ = (
        CheckConstraint("username = lower(username)", name="username_lower_case"),
        CheckConstraint(
            "roles <@ ARRAY['" + "','".join(Role) + "']::varchar[]", name="known_roles"
        ),
    )

    name: Mapped[str] = mapped_column(doc="Name shown to colleagues")
    username: Mapped[str] = mapped_column(
        String(80), unique=True, info=SEARCH, doc="Name for log-in, in lower case"
    )
    # Offices are stamped by officers: one of the two references has to come second.
    office_id: Mapped[int] = mapped_column(
        BigInteger,
        ForeignKey("office.id", ondelete="RESTRICT", use_alter=True),
        doc="Office the officer serves",
    )
    duty: Mapped[str | None] = mapped_column(doc="Post or duty in the office")
    roles: Mapped[list[str]] = mapped_column(
        ARRAY(String(40)),
        server_default="{}",
        info={"set_by": "action", "group": mark("Record")},
        doc="What the officer may do here; a second administrator approves a new role",
    )
    email: Mapped[str | None] = mapped_column(
        info=DETAIL | {"read": (Role.ADMINISTRATOR, Role.AUDITOR)},
        doc="Office mail address for notices",
    )
    language: Mapped[str | None] = mapped_column(
        String(20), info=DETAIL | {"set_by": "system"}, doc="Language the officer chose"
    )
    appearance: Mapped[Appearance | None] = mapped_column(
        info=DETAIL | {"set_by": "system"}, doc="Colours that the officer chose: light or dark"
    )
    left_on: Mapped[Day | None] = mapped_column(
        info={"set_by": "action", "group": mark("Record")},
        doc="Day the officer left; from then on the log-in is closed",
    )
    password_hash: Mapped[str | None] = mapped_column(
        String(200), info=SYSTEM | {"secret": True}, doc="Argon2id hash of the password"
    )
    password_changed_at: Mapped[Moment | None] = mapped_column(
        info=SYSTEM | {"read": (Role.ADMINISTRATOR, Role.AUDITOR)},
        doc="When the password was last set",
    )
    must_change_password: Mapped[bool] = mapped_column(
        server_default=text("false"),
        info=SYSTEM | {"read": (Role.ADMINISTRATOR, Role.AUDITOR)},
        doc="Whether the officer is to choose a password at the next log-in",
    )
    second_factor_since: Mapped[Moment | None] = mapped_column(
        info=SYSTEM | {"read": (Role.ADMINISTRATOR, Role.AUDITOR)},
        doc="When the second factor was set up; empty where there is none",
    )

    office: Mapped["Office"] = relationship(back_populates="officers", foreign_keys=office_id)

    @property
    def held(self) -> frozenset[Role]:
        """The roles of the officer."""
        return frozenset(Role(role) for role in self.roles)


class Area(ReferenceRecord):
    """A part of the district on the map: a tree; a grievance happens in an area."""

    desk = Desk.OFFICES
    __table_args__ = (UniqueConstraint("parent_id", "name", postgresql_nulls_not_distinct=True),)

    name: Mapped[str] = mapped_column(doc="Name of the area")
    level: Mapped[AreaLevel] = mapped_column(doc="Size of the area")
    parent_id: Mapped[int | None] = reference("area", doc="Area that contains it")

    parent: Mapped["Area | None"] = relationship(
        remote_side="Area.id", back_populates="children", foreign_keys=parent_id
    )
    children: Mapped[list["Area"]] = parts("parent", foreign_keys=parent_id)
    offices: Mapped[list["Office"]] = parts("area", foreign_keys="Office.area_id")


class Category(ReferenceRecord):
    """What grievances are about: a tree of any depth, with the office that answers by default."""

    desk = Desk.STANDARDS
    __table_args__ = (UniqueConstraint("parent_id", "name", postgresql_nulls_not_distinct=True),)

    name: Mapped[str] = mapped_column(doc="Name of the category")
    parent_id: Mapped[int | None] = reference("category", doc="Wider category")
    office_id: Mapped[int | None] = reference("office", doc="Office that answers by default")
    service_standard_id: Mapped[int | None] = reference(
        "service_standard", doc="Standard that sets the answer's due date"
    )
    retired_on: Mapped[Day | None] = mapped_column(
        info=DETAIL, doc="Day from which nothing new gets this category"
    )

    parent: Mapped["Category | None"] = relationship(
        remote_side="Category.id", back_populates="children", foreign_keys=parent_id
    )
    children: Mapped[list["Category"]] = parts("parent", foreign_keys=parent_id)
    office: Mapped["Office | None"] = relationship(foreign_keys=office_id)
    service_standard: Mapped["ServiceStandard | None"] = relationship(
        back_populates="categories", foreign_keys=service_standard_id
    )


class RulePack(ReferenceRecord):
    """A rule pack of the district: where it comes from, by which calendar it counts, and how far
    it lets time be extended. What each stage is given stands in its service standards."""

    desk = Desk.STANDARDS
    sorted_by = "code"
    __table_args__ = (
        CheckConstraint(
            "num_nonnulls(extension_most, nullif(extension_same_again, false), "
            "nullif(extension_unlimited, false)) = (extension_authority IS NOT NULL)::int",
            name="one_extension_limit",
        ),
        CheckConstraint("extension_most > 0 AND extension_times > 0", name="extends_by_something"),
        Index(
            "uq_rule_pack_one_in_use",
            "is_in_use",
            unique=True,
            postgresql_where=text("is_in_use"),
        ),
    )

    name: Mapped[str] = mapped_column(doc="Name of the law or code of practice")
    code: Mapped[str] = mapped_column(
        String(80), unique=True, info=SEARCH, doc="Short name, by which its standards refer to it"
    )
    edition: Mapped[int] = mapped_column(
        server_default="1", doc="Version of the text that was loaded", info={"set_by": "system"}
    )
    source: Mapped[LongText] = mapped_column(doc="Where the text is to be read", info=DETAIL)
    calendar: Mapped[str] = mapped_column(
        String(80), server_default=DISTRICT, doc="Calendar by which it counts"
    )
    is_in_use: Mapped[bool] = mapped_column(
        server_default=text("false"), info=ACTION, doc="Whether the district's clocks run by it"
    )
    extension_authority: Mapped[Role | None] = mapped_column(
        info=DETAIL, doc="Role that grants an extension; empty: there is none"
    )
    extension_most: Mapped[int | None] = mapped_column(
        info=DETAIL, doc="Most units, of the clock's own, by which a time is extended"
    )
    extension_same_again: Mapped[bool] = mapped_column(
        server_default=text("false"), info=DETAIL, doc="Extended by as much as was given, at most"
    )
    extension_unlimited: Mapped[bool] = mapped_column(
        server_default=text("false"), info=DETAIL, doc="Extended by as much as is granted"
    )
    extension_times: Mapped[int] = mapped_column(
        server_default="1", info=DETAIL, doc="How often a time is extended"
    )
    extension_tells: Mapped[bool] = mapped_column(
        server_default=text("true"), info=DETAIL, doc="Whether the complainant is told of it"
    )
    notes: Mapped[LongText | None] = mapped_column(
        info=DETAIL, doc="Sources of its parts, and why a stage has no time"
    )


class ServiceStandard(ReferenceRecord):
    """A row of a rule pack: how long a stage may take (domain.md section 5). Each change of what
    it counts is another version of it; a clock that runs keeps the one it started with."""

    desk = Desk.STANDARDS
    __table_args__ = (
        UniqueConstraint("pack", "name", "stage"),
        CheckConstraint("amount > 0", name="takes_time"),
        CheckConstraint("amount <= 10000", name="ends_some_day"),
        CheckConstraint(
            "NOT counts_first_day OR (unit <> 'working_hours' AND ends <> 'same_time_of_day')",
            name="whole_first_day",
        ),
        CheckConstraint(
            "ends <> 'same_time_of_day' OR unit <> 'working_days' OR moves_start",
            name="starts_on_a_working_day",
        ),
        together("cut_off_whole", "cut_off_at", "cut_off_resumes"),
        CheckConstraint(
            "cut_off_at ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$' "
            "AND cut_off_resumes ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$'",
            name="cut_off_is_a_time",
        ),
    )

    name: Mapped[str] = mapped_column(doc="Name of the standard")
    pack: Mapped[str] = mapped_column(String(80), doc="Rule pack it belongs to")
    rule_version: Mapped[int] = mapped_column(
        server_default="1",
        server_onupdate=FetchedValue(),
        info=SYSTEM,
        doc="Goes up by one when what it counts is changed",
    )
    stage: Mapped[ClockStage] = mapped_column(doc="What the time is for")
    starts: Mapped[ClockStart] = mapped_column(
        server_default="received", info=DETAIL, doc="What the time runs from"
    )
    matter: Mapped[str | None] = mapped_column(
        info=DETAIL,
        doc="Category it is for, by name, where a pack gives each matter its own time",
    )
    amount: Mapped[int] = mapped_column(doc="How many units")
    unit: Mapped[ClockUnit] = mapped_column(doc="What is counted")
    counts_first_day: Mapped[bool] = mapped_column(
        server_default=text("false"), info=DETAIL, doc="Whether the first day counts"
    )
    rolls_forward: Mapped[bool] = mapped_column(
        server_default=text("true"),
        info=DETAIL,
        doc="Whether an end on a closed day moves to the next open one",
    )
    ends: Mapped[DueTime] = mapped_column(
        server_default="end_of_day", info=DETAIL, doc="When on its last day a time ends"
    )
    moves_start: Mapped[bool] = mapped_column(
        server_default=text("false"),
        info=DETAIL,
        doc="Whether a start on a closed day counts as of the next working day",
    )
    cut_off_at: Mapped[str | None] = mapped_column(
        String(5),
        info=DETAIL,
        doc="What comes at this time or later, such as 17:00, counts from the next working day",
    )
    cut_off_resumes: Mapped[str | None] = mapped_column(
        String(5),
        info=DETAIL,
        doc="From what time of the next working day that counts, such as 08:30",
    )
    legal_source: Mapped[str | None] = mapped_column(
        String(300), info=DETAIL, doc="Law or code of practice it comes from"
    )

    categories: Mapped[list["Category"]] = parts("service_standard")


HOURS = "{0} ~ '^([0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]( |$))*$'"


class WorkCalendar(ReferenceRecord):
    """A version of a calendar: when offices work in a usual week. It is a draft until it is put
    in force; from then on neither it nor its days change, since clocks were counted by them."""

    desk = Desk.STANDARDS
    title_columns = ("name", "calendar_version")
    __table_args__ = (
        UniqueConstraint("name", "calendar_version"),
        CheckConstraint("calendar_version > 0", name="version_from_one"),
        CheckConstraint(
            " AND ".join(
                f"coalesce({HOURS.format(day)}, true)"
                for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
            ),
            name="hours_of_day",
        ),
    )

    name: Mapped[str] = mapped_column(
        String(80), server_default=DISTRICT, doc="Name of the calendar: district, unless more"
    )
    calendar_version: Mapped[int] = mapped_column(doc="Version of the calendar; old ones are kept")
    zone: Mapped[str] = mapped_column(String(60), doc="Time zone, such as Europe/London")
    mon: Mapped[str | None] = mapped_column(
        String(80), info=DETAIL, doc="Hours of Mondays, such as 09:00-12:00 13:00-17:00"
    )
    tue: Mapped[str | None] = mapped_column(String(80), info=DETAIL, doc="Hours of Tuesdays")
    wed: Mapped[str | None] = mapped_column(String(80), info=DETAIL, doc="Hours of Wednesdays")
    thu: Mapped[str | None] = mapped_column(String(80), info=DETAIL, doc="Hours of Thursdays")
    fri: Mapped[str | None] = mapped_column(String(80), info=DETAIL, doc="Hours of Fridays")
    sat: Mapped[str | None] = mapped_column(
        String(80), info=DETAIL, doc="Hours of Saturdays; empty where offices are closed"
    )
    sun: Mapped[str | None] = mapped_column(String(80), info=DETAIL, doc="Hours of Sundays")
    country: Mapped[str | None] = mapped_column(
        String(20), info=DETAIL, doc="Whose public holidays it began with, such as GB-ENG"
    )
    reason: Mapped[LongText] = mapped_column(info=DETAIL, doc="Why there is this version")
    in_force_since: Mapped[Moment | None] = mapped_column(
        info=ACTION, doc="When clocks began to count by it; empty while it is a draft"
    )


class CalendarDay(ReferenceRecord):
    """A day that differs from its weekday, in one version of the district's calendar."""

    desk = Desk.STANDARDS
    __table_args__ = (
        UniqueConstraint("calendar", "calendar_version", "day"),
        CheckConstraint(HOURS.format("hours"), name="hours_of_day"),
    )

    name: Mapped[str] = mapped_column(doc="Name of the holiday or make-up day")
    day: Mapped[Day] = mapped_column(doc="The date")
    kind: Mapped[DayKind] = mapped_column(doc="Closed, or open although it is a weekend")
    hours: Mapped[str | None] = mapped_column(
        String(80),
        info=DETAIL,
        doc="Hours of a make-up day, such as 09:00-12:00; empty: those of a usual working day",
    )
    calendar: Mapped[str] = mapped_column(
        String(80), server_default=DISTRICT, doc="Calendar the day belongs to"
    )
    calendar_version: Mapped[int] = mapped_column(
        server_default="1", doc="Version of the calendar; old ones are kept"
    )


# --- Grievances ------------------------------------------------------------------------------

THE_MATTER = {"group": mark("The matter")}
WHO_ANSWERS = {"group": mark("Who answers")}
PROGRESS = {"group": mark("Progress")}
NUMBERS = {"group": mark("Numbers and origin")}
WHILE_OPEN: dict[str, Any] = {
    "postgresql_where": text("state NOT IN ('closed', 'withdrawn', 'duplicate')")
}
TO_ROUTE: dict[str, Any] = {
    "postgresql_where": text("state IN ('registered', 'acknowledged', 'reopened')")
}
grievance_number = Sequence("grievance_number", metadata=Base.metadata)


class Grievance(OfficeRecord):
    """A matter brought by a citizen against an act or omission of an office. It says nothing
    of who brought it (domain.md section 1)."""

    desk = Desk.GRIEVANCES
    title_columns = ("number", "title")
    sorted_by = "-received_at"
    office_paths = ("responsible_office_id", "respondent_office_id")
    covering = office_paths
    __table_args__ = (
        UniqueConstraint("source", "external_number"),
        CheckConstraint("(source IS NULL) = (external_number IS NULL)", name="source_has_number"),
        CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="closed_has_time"),
        CheckConstraint(
            "(state = 'withdrawn') = (withdrawn_at IS NOT NULL)", name="withdrawn_has_time"
        ),
        together("withdrawn_with_statement", "withdrawn_at", "withdrawal_statement"),
        CheckConstraint(
            "state NOT IN ('answered', 'remedy_under_way', 'remedy_verified', 'appealed')"
            " OR answered_at IS NOT NULL",
            name="answered_has_time",
        ),
        CheckConstraint(
            "state <> 'acknowledged' OR acknowledged_at IS NOT NULL", name="acknowledged_has_time"
        ),
        CheckConstraint(
            "state NOT IN ('routed', 'routing_objected', 'accepted', 'planned', 'answered',"
            " 'remedy_under_way', 'remedy_verified', 'appealed')"
            " OR responsible_office_id IS NOT NULL",
            name="routed_has_office",
        ),
        CheckConstraint(
            "(state IN ('appealed', 'duplicate')) = (state_before IS NOT NULL)",
            name="way_back_is_known",
        ),
        CheckConstraint(
            "acknowledged_at >= received_at AND answered_at >= received_at "
            "AND closed_at >= received_at AND withdrawn_at >= received_at",
            name="nothing_before_receipt",
        ),
        # What waits on somebody, in the order of its clock: of millions the few that are open.
        Index("ix_grievance_waits_on_handler", "handler_id", "due_at", "id", **WHILE_OPEN),
        Index("ix_grievance_waits_on_leader", "lead_official_id", "due_at", "id", **WHILE_OPEN),
        Index(
            "ix_grievance_waits_on_office", "responsible_office_id", "due_at", "id", **WHILE_OPEN
        ),
        Index("ix_grievance_waits", "due_at", "id", **WHILE_OPEN),
        # What may be without the lead official it must have.
        Index(
            "ix_grievance_without_leader",
            "received_at",
            "id",
            postgresql_where=text(f"{WHILE_OPEN['postgresql_where']} AND lead_official_id IS NULL"),
        ),
        Index("ix_grievance_to_route", "due_at", "id", **TO_ROUTE),
    )

    number: Mapped[str] = mapped_column(
        String(40),
        unique=True,
        info={"set_by": "system"} | NUMBERS,
        server_default=text(
            "to_char(now(), 'YYYY') || '-' || lpad(nextval('grievance_number')::text, 7, '0')"
        ),
        doc="Number in this register",
    )
    title: Mapped[str] = mapped_column(
        String(300), doc="The matter in one line, without names", info=THE_MATTER
    )
    description: Mapped[LongText | None] = mapped_column(
        doc="What happened, where and when; no names or addresses of people",
        info=DETAIL | THE_MATTER,
    )
    kind: Mapped[GrievanceKind] = mapped_column(
        server_default="service",
        doc="Service, conduct of officers, or a decision",
        info=DETAIL | THE_MATTER,
    )
    state: Mapped[GrievanceState] = mapped_column(
        server_default="registered", info=ACTION | PROGRESS, doc="Where the grievance stands"
    )
    state_before: Mapped[GrievanceState | None] = mapped_column(
        stored_enum(GrievanceState, "grievance_state_before"),
        info=SYSTEM | PROGRESS,
        doc="Where it stood before the appeal or the merge, and returns to",
    )
    channel: Mapped[Channel] = mapped_column(
        server_default="counter", doc="How it reached the bureau", info=THE_MATTER | {"list": False}
    )
    news_way: Mapped[NewsWay] = mapped_column(
        server_default="they_ask_themselves",
        doc="How whoever brought it chose to hear that there is news; no other way is used",
        info=DETAIL | THE_MATTER,
    )
    category_id: Mapped[int | None] = reference("category", doc="What it is about", info=THE_MATTER)
    area_id: Mapped[int | None] = reference(
        "area", doc="Where the matter is", info=THE_MATTER | {"list": False}
    )
    place: Mapped[str | None] = mapped_column(
        String(300), info=SEARCH | DETAIL | THE_MATTER, doc="Street or site of the matter"
    )
    respondent_office_id: Mapped[int | None] = reference(
        "office", doc="Office complained about", info=WHO_ANSWERS | {"list": False}
    )
    responsible_office_id: Mapped[int | None] = reference(
        "office", doc="Office that must put it right", info=WHO_ANSWERS
    )
    handler_id: Mapped[int | None] = reference(
        "officer", doc="Officer who works it", info={"list": False} | WHO_ANSWERS
    )
    lead_official_id: Mapped[int | None] = reference(
        "officer", doc="Leader answerable for it", info={"list": False} | WHO_ANSWERS
    )
    is_referred_from_above: Mapped[bool] = mapped_column(
        server_default=text("false"), info=DETAIL | THE_MATTER, doc="Sent down by a higher body"
    )
    # Of the case and not of a person. The offices concerned are not told that harm is feared.
    identity_needs_two: Mapped[bool] = mapped_column(
        server_default=text("false"),
        info=DETAIL
        | THE_MATTER
        | {"read": (Role.ADMINISTRATOR, Role.INTAKE, Role.DECIDER, Role.AUDITOR)},
        doc="Harm is feared in this case: two officers must agree before who complained is "
        "opened. It stays so for as long as an identity is sealed",
    )
    received_at: Mapped[Moment] = mapped_column(
        server_default=func.now(),
        doc="When it was received; its clocks start here",
        info=THE_MATTER,
    )
    due_at: Mapped[Moment | None] = mapped_column(
        info={"set_by": "system", "met_by": ("answered_at", "closed_at", "withdrawn_at")}
        | PROGRESS,
        doc="When the answer is due",
    )
    acknowledged_at: Mapped[Moment | None] = mapped_column(
        info=ACTION | {"list": False} | PROGRESS, doc="When receipt was confirmed"
    )
    answered_at: Mapped[Moment | None] = mapped_column(
        info=ACTION | {"list": False} | PROGRESS, doc="When the answer was given"
    )
    closed_at: Mapped[Moment | None] = mapped_column(
        info=ACTION | {"list": False} | PROGRESS, doc="When it was closed"
    )
    withdrawn_at: Mapped[Moment | None] = mapped_column(
        info=ACTION | {"list": False} | PROGRESS,
        doc="When the complainant withdrew it, by their own statement",
    )
    answer: Mapped[LongText | None] = mapped_column(
        info=ACTION | DETAIL | PROGRESS,
        doc="The answer, or the outcome as the source system states it",
    )
    routing_reason: Mapped[LongText | None] = mapped_column(
        info=ACTION | DETAIL | PROGRESS, doc="Why it went to the office that has it"
    )
    reopening_reason: Mapped[LongText | None] = mapped_column(
        info=ACTION | DETAIL | PROGRESS, doc="Why it was opened again the last time"
    )
    withdrawal_statement: Mapped[LongText | None] = mapped_column(
        info=ACTION | DETAIL | PROGRESS,
        doc="What the complainant stated when they withdrew it, without names",
    )
    source: Mapped[str | None] = mapped_column(
        String(80),
        info={"set_by": "system", "list": False} | NUMBERS,
        doc="System the record was imported from",
    )
    external_number: Mapped[str | None] = mapped_column(
        String(80),
        info=SEARCH | {"set_by": "system", "list": False} | NUMBERS,
        doc="Number in that system",
    )
    import_batch_id: Mapped[int | None] = reference(
        "import_batch",
        doc="Import that brought it",
        info={"set_by": "system", "list": False} | NUMBERS,
    )

    category: Mapped["Category | None"] = relationship(foreign_keys=category_id)
    area: Mapped["Area | None"] = relationship(foreign_keys=area_id)
    respondent_office: Mapped["Office | None"] = relationship(foreign_keys=respondent_office_id)
    responsible_office: Mapped["Office | None"] = relationship(foreign_keys=responsible_office_id)
    handler: Mapped["Officer | None"] = relationship(foreign_keys=handler_id)
    lead_official: Mapped["Officer | None"] = relationship(foreign_keys=lead_official_id)
    import_batch: Mapped["ImportBatch | None"] = relationship(back_populates="grievances")
    plan_steps: Mapped[list["PlanStep"]] = parts("grievance")
    clocks: Mapped[list["Clock"]] = parts("grievance")
    pauses: Mapped[list["Pause"]] = parts("grievance")
    extensions: Mapped[list["Extension"]] = parts("grievance")
    routing_objections: Mapped[list["RoutingObjection"]] = parts("grievance")
    documents: Mapped[list["Document"]] = parts("grievance")
    joint_conferences: Mapped[list["JointConference"]] = parts("grievance")
    decisions: Mapped[list["Decision"]] = parts("grievance")
    remedies: Mapped[list["Remedy"]] = parts("grievance")
    feedback: Mapped[list["Feedback"]] = parts("grievance")
    retaliation_reports: Mapped[list["RetaliationReport"]] = parts("grievance")
    links: Mapped[list["GrievanceLink"]] = parts(
        "grievance", foreign_keys="GrievanceLink.grievance_id"
    )
    links_from_others: Mapped[list["GrievanceLink"]] = parts(
        "other_grievance", foreign_keys="GrievanceLink.other_grievance_id"
    )

    @property
    def is_open(self) -> bool:
        return self.state not in OVER


class Identity(PrivateRecord):
    """Who brought one grievance, sealed field by field (sealing.py). No index, hash or key reaches
    across grievances; the application may write these columns and not read them."""

    title_columns = ("id",)
    __table_args__ = (
        CheckConstraint(
            "least(octet_length(name), octet_length(phone), octet_length(email), "
            "octet_length(address), octet_length(wishes)) >= 92",
            name="something_sealed",
        ),
        CheckConstraint("key_version > 0", name="known_key"),
    )

    grievance_id: Mapped[int] = mapped_column(
        BigInteger,
        ForeignKey("grievance.id", ondelete="RESTRICT"),
        unique=True,
        doc="Grievance that was brought",
    )
    key_version: Mapped[int] = mapped_column(doc="Version of the data key it is sealed with")
    name: Mapped[bytes] = mapped_column(LargeBinary, info={"secret": True}, doc="Name, sealed")
    phone: Mapped[bytes] = mapped_column(LargeBinary, info={"secret": True}, doc="Phone, sealed")
    email: Mapped[bytes] = mapped_column(LargeBinary, info={"secret": True}, doc="Mail, sealed")
    address: Mapped[bytes] = mapped_column(
        LargeBinary, info={"secret": True}, doc="Postal address, sealed"
    )
    wishes: Mapped[bytes] = mapped_column(
        LargeBinary, info={"secret": True}, doc="How they want to be reached, sealed"
    )


class IdentityKey(PrivateRecord):
    """The data key of one sealed identity, itself sealed with a key that is not in the database.
    It has a table of its own so that backups keep it apart, and for a shorter time."""

    title_columns = ("id",)
    __table_args__ = (
        CheckConstraint("octet_length(wrapped) > 0", name="something_sealed"),
        CheckConstraint("key_version > 0 AND kek_version > 0", name="known_key"),
    )

    grievance_id: Mapped[int] = mapped_column(
        BigInteger,
        ForeignKey("grievance.id", ondelete="RESTRICT"),
        unique=True,
        doc="Grievance whose identity it opens",
    )
    key_version: Mapped[int] = mapped_column(doc="Goes up when the identity is sealed anew")
    # Rotation changes these two in every row; it leaves one entry of its own in the trail.
    kek_version: Mapped[int] = mapped_column(
        info={"trail": False}, doc="Version of the key-encryption key it is wrapped with"
    )
    wrapped: Mapped[bytes] = mapped_column(
        LargeBinary, info={"secret": True, "trail": False}, doc="The data key, wrapped"
    )


class IdentityRequest(PrivateRecord):
    """A request to open an identity that takes two people: somebody else decides it."""

    title_columns = ("id",)
    __table_args__ = (
        CheckConstraint("(state <> 'asked') = (decided_at IS NOT NULL)", name="decided_has_time"),
        together("decided_by_someone", "decided_at", "decided_by_id"),
        CheckConstraint("decided_by_id <> officer_id", name="decided_by_another"),
        Index(
            "uq_identity_request_one_open",
            "grievance_id",
            "officer_id",
            unique=True,
            postgresql_where=text("state = 'asked'"),
        ),
    )

    grievance_id: Mapped[int] = reference("grievance", doc="Grievance whose identity is asked for")
    officer_id: Mapped[int] = reference("officer", doc="Officer who asks")
    duty: Mapped[Duty] = mapped_column(doc="Duty that needs it")
    ground: Mapped[OpeningGround] = mapped_column(doc="What it is needed for")
    reason: Mapped[LongText] = mapped_column(doc="The same in a sentence")
    asked_at: Mapped[Moment] = mapped_column(
        server_default=func.clock_timestamp(), doc="When it was asked for"
    )
    state: Mapped[RequestState] = mapped_column(
        server_default="asked", info=ACTION, doc="Asked, granted or refused"
    )
    decided_at: Mapped[Moment | None] = mapped_column(info=ACTION, doc="When it was decided")
    decided_by_id: Mapped[int | None] = reference("officer", info=ACTION, doc="Who decided it")

    grievance: Mapped["Grievance"] = relationship(foreign_keys=grievance_id)
    officer: Mapped["Officer"] = relationship(foreign_keys=officer_id)
    decided_by: Mapped["Officer | None"] = relationship(foreign_keys=decided_by_id)


class IdentityOpening(PrivateRecord):
    """One opening of a sealed identity. It is on the disk before anything is read; only for as
    long as it says does the database give the sealed fields, to this officer alone."""

    title_columns = ("id",)
    __table_args__ = (
        CheckConstraint(
            "ends_at > opened_at AND ends_at <= opened_at + interval '1 hour'", name="open_a_while"
        ),
    )

    grievance_id: Mapped[int] = reference("grievance", doc="Grievance whose identity it was")
    officer_id: Mapped[int] = reference("officer", doc="Officer who opened it")
    office_id: Mapped[int] = reference("office", doc="Office the officer served then")
    duty: Mapped[Duty] = mapped_column(doc="Duty that needed it")
    ground: Mapped[OpeningGround] = mapped_column(doc="What it was needed for")
    reason: Mapped[LongText] = mapped_column(doc="The same in a sentence")
    opened_at: Mapped[Moment] = mapped_column(
        server_default=func.clock_timestamp(), doc="When it was opened"
    )
    ends_at: Mapped[Moment] = mapped_column(doc="Until when it could be read")
    request_id: Mapped[int | None] = mapped_column(
        BigInteger,
        ForeignKey("identity_request.id", ondelete="RESTRICT"),
        unique=True,
        doc="Request that somebody else granted, where it took two",
    )

    officer: Mapped["Officer"] = relationship(foreign_keys=officer_id)
    office: Mapped["Office"] = relationship(foreign_keys=office_id)
    request: Mapped["IdentityRequest | None"] = relationship(foreign_keys=request_id)


class OfficerPosting(db.Model):  # type: ignore[name-defined, misc]  # as Record
    """An office that an officer served until a transfer. A trigger keeps it: who served the office
    complained about does not see who complained (promise A7)."""

    __table_args__ = (Index("ix_officer_posting_officer", "officer_id"),)

    id: Mapped[int] = mapped_column(BigInteger, Serial(), primary_key=True)
    officer_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("officer.id", ondelete="CASCADE")
    )
    office_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("office.id", ondelete="CASCADE"))
    until_at: Mapped[Moment] = mapped_column(server_default=func.now())


class FormerRespondent(db.Model):  # type: ignore[name-defined, misc]  # as Record
    """An office that a grievance once named as complained about. A trigger keeps it: naming
    another one for a moment opens no identity to the first (promise A7)."""

    __table_args__ = (UniqueConstraint("grievance_id", "office_id"),)

    id: Mapped[int] = mapped_column(BigInteger, Serial(), primary_key=True)
    grievance_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("grievance.id", ondelete="CASCADE")
    )
    office_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("office.id", ondelete="CASCADE"))
    until_at: Mapped[Moment] = mapped_column(server_default=func.now())


GRIEVANCE_OFFICES = ("grievance.responsible_office_id", "grievance.respondent_office_id")


class GrievanceCode(PrivateRecord):
    """The code by which whoever brought one grievance asks for it, without a name. It is shown
    once, and its hash alone is kept."""

    title_columns = ("id",)

    grievance_id: Mapped[int] = mapped_column(
        BigInteger,
        ForeignKey("grievance.id", ondelete="CASCADE"),
        unique=True,
        doc="Grievance it is the code of",
    )
    code_hash: Mapped[bytes] = mapped_column(
        LargeBinary(32), unique=True, info={"secret": True}, doc="SHA-256 of the code"
    )


class News(OfficeRecord):
    """That whoever brought a grievance was told of news under their code: how, when, by whom. It
    says nothing of who they are, nor what the news is."""

    desk = Desk.CASEWORK
    title_columns = ("way",)
    office_paths = GRIEVANCE_OFFICES
    read_only = True

    grievance_id: Mapped[int] = reference("grievance", doc="Grievance of which there is news")
    way: Mapped[NewsWay] = mapped_column(info=ACTION, doc="How they were told")
    told_at: Mapped[Moment] = mapped_column(info=ACTION, doc="When they were told")
    told_by_id: Mapped[int] = reference("officer", info=ACTION, doc="Officer who told them")

    grievance: Mapped["Grievance"] = relationship(foreign_keys=grievance_id)
    told_by: Mapped["Officer"] = relationship(foreign_keys=told_by_id)


class PlanStep(OfficeRecord):
    """A dated step of the plan of one grievance. What a joint conference agreed on is seen by the
    offices that were invited as well, and every step by the officer who is to do it: they need not
    see the grievance for that."""

    desk = Desk.CASEWORK
    title_columns = ("subject",)
    office_paths = (*GRIEVANCE_OFFICES, "conference.offices.office_id")
    doer_path = "officer_id"
    __table_args__ = (
        CheckConstraint("(state = 'done') = (done_on IS NOT NULL)", name="done_has_day"),
        CheckConstraint(
            "(state = 'dropped') = (dropped_because IS NOT NULL)", name="dropped_has_reason"
        ),
    )

    grievance_id: Mapped[int] = reference(
        "grievance", ondelete="CASCADE", doc="Grievance whose plan it is in"
    )
    subject: Mapped[str] = mapped_column(String(300), doc="What is to be done")
    officer_id: Mapped[int | None] = reference("officer", doc="Officer who does it")
    due_on: Mapped[Day] = mapped_column(doc="Day by which it is to be done")
    position: Mapped[int | None] = mapped_column(
        info=ACTION | DETAIL, doc="Place in the plan, from 1; without one it comes last, by its day"
    )
    conference_id: Mapped[int | None] = reference(
        "joint_conference", info=ACTION | DETAIL, doc="Joint conference that agreed on it"
    )
    state: Mapped[StepState] = mapped_column(
        server_default="planned", info=ACTION, doc="How far it is"
    )
    done_on: Mapped[Day | None] = mapped_column(info=ACTION, doc="Day on which it was done")
    dropped_because: Mapped[LongText | None] = mapped_column(
        info=ACTION | DETAIL, doc="Why it is no longer needed"
    )

    grievance: Mapped["Grievance"] = relationship(back_populates="plan_steps")
    conference: Mapped["JointConference | None"] = relationship(
        back_populates="steps", foreign_keys=conference_id
    )
    officer: Mapped["Officer | None"] = relationship(foreign_keys=officer_id)


class Clock(OfficeRecord):
    """A clock of a grievance: by when a stage is to be done, as its ledger has it. What has ended
    is not counted anew; the next one of the same stage is another clock."""

    desk = Desk.CASEWORK
    title_columns = ("stage",)
    office_paths = GRIEVANCE_OFFICES
    read_only = True
    __table_args__ = (
        CheckConstraint("num_nonnulls(due_at, stands_since) = 1", name="runs_or_stands"),
        CheckConstraint("stopped_at IS NULL OR stands_since IS NULL", name="ended_runs_no_more"),
        CheckConstraint("stopped_at >= started_at", name="ends_after_start"),
        CheckConstraint("is_late = coalesce(stopped_at > due_at, false)", name="late_is_after_due"),
        CheckConstraint("stage <> 'extend'", name="stage_has_a_clock"),
        Index(
            "uq_clock_one_open",
            "grievance_id",
            "stage",
            unique=True,
            postgresql_where=text("stopped_at IS NULL"),
        ),
        # What is due, of millions that have ended: reminders and escalation look here.
        Index("ix_clock_runs_out", "due_at", "id", postgresql_where=text("stopped_at IS NULL")),
        # What a new version of a calendar may move.
        Index("ix_clock_open", "calendar", "id", postgresql_where=text("stopped_at IS NULL")),
    )

    grievance_id: Mapped[int] = reference(
        "grievance", ondelete="CASCADE", doc="Grievance whose time it measures"
    )
    stage: Mapped[ClockStage] = mapped_column(
        info=SYSTEM | {"list": True}, doc="What the time is for"
    )
    started_at: Mapped[Moment] = mapped_column(
        info=SYSTEM | {"list": True}, doc="When it started: what it is counted from"
    )
    due_at: Mapped[Moment | None] = mapped_column(
        info={"set_by": "system"}, doc="When the time ends; empty while it stands still"
    )
    stands_since: Mapped[Moment | None] = mapped_column(
        info=SYSTEM, doc="Since when it stands still; empty while it runs"
    )
    stopped_at: Mapped[Moment | None] = mapped_column(
        info=SYSTEM | {"list": True}, doc="When what it waited for was done"
    )
    is_late: Mapped[bool] = mapped_column(
        server_default=text("false"), info=SYSTEM, doc="Whether that was after the time had ended"
    )
    rule: Mapped[str] = mapped_column(info=SYSTEM | {"list": True}, doc="Rule it counts by")
    rule_version: Mapped[int] = mapped_column(info=SYSTEM, doc="Version of the rule")
    calendar: Mapped[str] = mapped_column(
        String(80), info=SYSTEM, doc="Calendar by which it counts"
    )
    calendar_version: Mapped[int] = mapped_column(info=SYSTEM, doc="Version of the calendar")

    grievance: Mapped["Grievance"] = relationship(back_populates="clocks")
    entries: Mapped[list["ClockEntry"]] = parts("clock", order_by="ClockEntry.position")


class ClockEntry(OfficeRecord):
    """An entry of the ledger of a clock. It is neither changed nor deleted (rules/ledger.py)."""

    desk = Desk.CASEWORK
    title_columns = ("position", "kind")
    office_paths = tuple(f"clock.{path}" for path in GRIEVANCE_OFFICES)
    read_only = True
    __table_args__ = (
        UniqueConstraint("clock_id", "position"),
        CheckConstraint("position > 0", name="position_from_one"),
    )

    clock_id: Mapped[int] = reference("clock", ondelete="CASCADE", doc="Clock whose ledger it is")
    position: Mapped[int] = mapped_column(info=SYSTEM | {"list": True}, doc="Place in the ledger")
    kind: Mapped[EntryKind] = mapped_column(info=SYSTEM | {"list": True}, doc="What happened")
    was: Mapped[Moment | None] = mapped_column(info=SYSTEM, doc="When the time ended before")
    due: Mapped[Moment | None] = mapped_column(
        info=SYSTEM | {"list": True}, doc="When it ends since then"
    )
    entry: Mapped[dict[str, Any]] = mapped_column(
        JSONB, info=SYSTEM, doc="All of it: by which rule, calendar and facts"
    )
    reason: Mapped[LongText | None] = mapped_column(info=SYSTEM, doc="Why")
    by_id: Mapped[int | None] = reference(
        "officer", info=SYSTEM, doc="Officer who did it; empty: the system itself"
    )
    at: Mapped[Moment] = mapped_column(info=SYSTEM | {"list": True}, doc="When it was set down")

    clock: Mapped["Clock"] = relationship(back_populates="entries")
    by: Mapped["Officer | None"] = relationship(foreign_keys=by_id)


class Pause(OfficeRecord):
    """A time in which the clock of a grievance stands still, on one of the listed grounds."""

    desk = Desk.CASEWORK
    read_only = True
    title_columns = ("ground",)
    office_paths = GRIEVANCE_OFFICES
    __table_args__ = (
        CheckConstraint("ended_at > started_at", name="ends_after_start"),
        CheckConstraint("ended_at - started_at <= interval '90 days'", name="at_most_90_days"),
        ExcludeConstraint(
            ("grievance_id", "="), (text("tstzrange(started_at, ended_at)"), "&&"), name="overlap"
        ),
        Index("ix_pause_open", "started_at", "id", postgresql_where=text("ended_at IS NULL")),
    )

    grievance_id: Mapped[int] = reference("grievance", doc="Grievance whose clock stands still")
    clock_id: Mapped[int | None] = reference(
        "clock", ondelete="CASCADE", info={"list": False}, doc="The clock that stands still"
    )
    ground: Mapped[PauseGround] = mapped_column(doc="Why it may stand still")
    reason: Mapped[LongText] = mapped_column(doc="What is waited for, in a sentence")
    started_at: Mapped[Moment] = mapped_column(
        server_default=func.now(), doc="When the clock stopped"
    )
    ended_at: Mapped[Moment | None] = mapped_column(
        doc="When the clock went on; empty while it stands still, 90 days at most"
    )

    grievance: Mapped["Grievance"] = relationship(back_populates="pauses")
    clock: Mapped["Clock | None"] = relationship(foreign_keys=clock_id)


class Extension(OfficeRecord):
    """A request for more time, decided by somebody else."""

    desk = Desk.CASEWORK
    read_only = True
    title_columns = ("state", "until_on")
    office_paths = GRIEVANCE_OFFICES
    __table_args__ = (
        CheckConstraint("(state = 'asked') = (decided_at IS NULL)", name="decided_has_time"),
        together("decided_by_whom", "decided_at", "decided_by_id", "decision_reasons"),
        CheckConstraint("decided_by_id <> asked_by_id", name="decided_by_another"),
        CheckConstraint("decided_at >= asked_at", name="decided_after_asking"),
        Index(
            "uq_extension_one_open",
            "grievance_id",
            unique=True,
            postgresql_where=text("state = 'asked'"),
        ),
    )

    grievance_id: Mapped[int] = reference("grievance", doc="Grievance that needs more time")
    clock_id: Mapped[int | None] = reference(
        "clock", ondelete="CASCADE", info={"list": False}, doc="The clock that is to be extended"
    )
    amount: Mapped[int | None] = mapped_column(
        info=DETAIL, doc="How many units more, in the clock's own"
    )
    until_on: Mapped[Day] = mapped_column(doc="Day until which time is asked for")
    reason: Mapped[LongText] = mapped_column(doc="Why the time given is not enough")
    asked_by_id: Mapped[int] = reference("officer", doc="Officer who asks")
    asked_at: Mapped[Moment] = mapped_column(server_default=func.now(), doc="When it was asked")
    state: Mapped[RequestState] = mapped_column(
        server_default="asked", info=ACTION, doc="Asked, granted or refused"
    )
    decided_at: Mapped[Moment | None] = mapped_column(info=ACTION, doc="When it was decided")
    decided_by_id: Mapped[int | None] = reference(
        "officer", info=ACTION, doc="Officer who decided; never the one who asks"
    )
    decision_reasons: Mapped[LongText | None] = mapped_column(
        info=ACTION | DETAIL, doc="Why it was granted or refused"
    )
    told_on: Mapped[Day | None] = mapped_column(
        info=DETAIL, doc="Day on which the complainant was told of the new date"
    )

    grievance: Mapped["Grievance"] = relationship(back_populates="extensions")
    clock: Mapped["Clock | None"] = relationship(foreign_keys=clock_id)
    asked_by: Mapped["Officer"] = relationship(foreign_keys=asked_by_id)
    decided_by: Mapped["Officer | None"] = relationship(foreign_keys=decided_by_id)


class RoutingObjection(OfficeRecord):
    """An office says that a grievance is another office's to answer."""

    desk = Desk.CASEWORK
    read_only = True  # made and decided by steps (rules/casework.py)
    title_columns = ("state",)
    office_paths = ("office_id", *GRIEVANCE_OFFICES)
    __table_args__ = (
        CheckConstraint("(state = 'asked') = (decided_at IS NULL)", name="decided_has_time"),
        together("decided_by_whom", "decided_at", "decided_by_id", "decision_reasons"),
        CheckConstraint("decided_by_id <> asked_by_id", name="decided_by_another"),
        CheckConstraint("decided_at >= asked_at", name="decided_after_asking"),
        CheckConstraint("proposed_office_id <> office_id", name="proposes_another_office"),
        Index(
            "uq_routing_objection_one_open",
            "grievance_id",
            unique=True,
            postgresql_where=text("state = 'asked'"),
        ),
    )

    grievance_id: Mapped[int] = reference("grievance", doc="Grievance that was routed")
    office_id: Mapped[int] = reference("office", doc="Office that objects")
    proposed_office_id: Mapped[int | None] = reference(
        "office", doc="Office that should answer instead"
    )
    reason: Mapped[LongText] = mapped_column(doc="Why it is not for the office to answer")
    asked_by_id: Mapped[int] = reference("officer", doc="Officer who objects for the office")
    asked_at: Mapped[Moment] = mapped_column(
        server_default=func.now(), doc="When the office objected"
    )
    state: Mapped[RequestState] = mapped_column(
        server_default="asked", info=ACTION, doc="Asked, granted or refused"
    )
    decided_at: Mapped[Moment | None] = mapped_column(info=ACTION, doc="When it was decided")
    decided_by_id: Mapped[int | None] = reference(
        "officer", info=ACTION, doc="Officer who decided; never the one who objects"
    )
    decision_reasons: Mapped[LongText | None] = mapped_column(
        info=ACTION | DETAIL, doc="Why it was granted or refused"
    )

    grievance: Mapped["Grievance"] = relationship(back_populates="routing_objections")
    office: Mapped["Office"] = relationship(foreign_keys=office_id)
    proposed_office: Mapped["Office | None"] = relationship(foreign_keys=proposed_office_id)
    asked_by: Mapped["Officer"] = relationship(foreign_keys=asked_by_id)
    decided_by: Mapped["Officer | None"] = relationship(foreign_keys=decided_by_id)


class StoredFile:
    """The columns of a record with a file that is kept outside the database (papers/)."""

    media_type: Mapped[str | None] = mapped_column(
        String(120), info=SYSTEM, doc="Type of the file, found from its content", sort_order=1
    )
    size: Mapped[int | None] = mapped_column(
        BigInteger, info=SYSTEM, doc="Bytes of the file", sort_order=1
    )
    sha256: Mapped[str | None] = mapped_column(
        String(64), info=SYSTEM, doc="SHA-256 of the file, in hex", sort_order=1
    )
    sent_sha256: Mapped[str | None] = mapped_column(
        String(64),
        info=SYSTEM,
        doc="SHA-256 of the file as it was sent, before it was cleaned",
        sort_order=1,
    )
    stored_name: Mapped[str | None] = mapped_column(
        String(80),
        unique=True,
        info=SYSTEM | {"secret": True},
        doc="Name of the stored file",
        sort_order=1,
    )

    @declared_attr.directive
    def __table_args__(cls) -> tuple[Any, ...]:
        return (
            together("stored_whole", "stored_name", "media_type", "size", "sha256"),
            CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256_in_hex"),
            CheckConstraint("sent_sha256 ~ '^[0-9a-f]{64}$'", name="sent_sha256_in_hex"),
            CheckConstraint("size >= 0", name="size_not_negative"),
        )


class Document(StoredFile, OfficeRecord):
    """A paper or file that belongs to a grievance."""

    desk = Desk.CASEWORK
    office_paths = GRIEVANCE_OFFICES

    grievance_id: Mapped[int] = reference("grievance", doc="Grievance it belongs to")
    name: Mapped[str] = mapped_column(doc="Name of the document, without names of people")
    kind: Mapped[DocumentKind] = mapped_column(doc="What sort of document it is")
    received_on: Mapped[Day | None] = mapped_column(doc="Day it reached the file")
    kept_at: Mapped[str | None] = mapped_column(info=DETAIL, doc="Where the paper original is kept")

    grievance: Mapped["Grievance"] = relationship(back_populates="documents")


class JointConference(OfficeRecord):
    """Several offices decide a hard grievance together."""

    desk = Desk.CASEWORK
    title_columns = ("subject",)
    office_paths = ("office_id", "offices.office_id", *GRIEVANCE_OFFICES)

    grievance_id: Mapped[int] = reference("grievance", doc="Grievance it is about")
    subject: Mapped[str] = mapped_column(String(300), doc="Question before the conference")
    office_id: Mapped[int] = reference("office", doc="Office that calls the others together")
    chair_id: Mapped[int] = reference("officer", doc="Officer in the chair")
    meets_at: Mapped[Moment] = mapped_column(doc="When it meets")
    place: Mapped[str | None] = mapped_column(String(300), info=DETAIL, doc="Where it meets")
    minutes: Mapped[LongText | None] = mapped_column(info=ACTION | DETAIL, doc="What was said")
    conclusion: Mapped[LongText | None] = mapped_column(
        info=ACTION | DETAIL, doc="What was agreed; empty until it has met"
    )

    grievance: Mapped["Grievance"] = relationship(back_populates="joint_conferences")
    office: Mapped["Office"] = relationship(foreign_keys=office_id)
    chair: Mapped["Officer"] = relationship(foreign_keys=chair_id)
    offices: Mapped[list["ConferenceOffice"]] = parts("conference")
    steps: Mapped[list["PlanStep"]] = parts("conference")


class ConferenceOffice(OfficeRecord):
    """A seat at a joint conference: the office that is invited, the officer who sits for it where
    one is named, and what the office undertakes there."""

    desk = Desk.CASEWORK
    title_columns = ("undertaking",)
    office_paths = (
        "office_id",
        "conference.office_id",
        "conference.chair.office_id",
        *(f"conference.{path}" for path in GRIEVANCE_OFFICES),
    )
    __table_args__ = (
        UniqueConstraint(
            "conference_id", "office_id", "officer_id", postgresql_nulls_not_distinct=True
        ),
    )

    conference_id: Mapped[int] = reference(
        "joint_conference", ondelete="CASCADE", doc="Conference it sits at"
    )
    office_id: Mapped[int] = reference("office", doc="Office that takes part")
    officer_id: Mapped[int | None] = reference("officer", doc="Officer who sits for the office")
    was_there: Mapped[bool | None] = mapped_column(
        info=ACTION | {"sort": False},
        doc="Whether somebody came for it; empty until it has met",
    )
    undertaking: Mapped[str | None] = mapped_column(
        String(300), doc="What the office undertakes to do"
    )

    conference: Mapped["JointConference"] = relationship(back_populates="offices")
    office: Mapped["Office"] = relationship(foreign_keys=office_id)
    officer: Mapped["Officer | None"] = relationship(foreign_keys=officer_id)


class Decision(OfficeRecord):
    """The reasoned decision on a grievance: one finding for each of its points."""

    desk = Desk.DECISIONS
    title_columns = ("subject",)
    office_paths = GRIEVANCE_OFFICES
    read_only = True
    __table_args__ = (
        CheckConstraint("state <> 'proposed' OR proposed_at IS NOT NULL", name="proposed_has_time"),
        CheckConstraint("decided_by_id <> drafted_by_id", name="approved_by_another"),
        CheckConstraint("(state = 'given') = (given_on IS NOT NULL)", name="given_has_day"),
        together("given_by_whom", "given_on", "decided_by_id"),
        CheckConstraint("told_on >= given_on", name="told_after_giving"),
        CheckConstraint("told_on IS NULL OR given_on IS NOT NULL", name="told_once_given"),
        CheckConstraint("review_until_on > told_on", name="review_after_telling"),
        CheckConstraint("review_until_on IS NULL OR told_on IS NOT NULL", name="review_once_told"),
        # What waits for a second person.
        Index("ix_decision_to_approve", "id", postgresql_where=text("state = 'proposed'")),
    )

    grievance_id: Mapped[int] = reference("grievance", doc="Grievance it decides")
    subject: Mapped[str] = mapped_column(String(300), doc="What is decided, in one line")
    summary: Mapped[LongText] = mapped_column(
        info=DETAIL, doc="The decision as the complainant reads it"
    )
    follows: Mapped[LongText | None] = mapped_column(
        info=DETAIL, doc="What follows from it: who does what by when"
    )
    how_to_appeal: Mapped[LongText | None] = mapped_column(
        info=DETAIL, doc="Where and how a review is asked for"
    )
    drafted_by_id: Mapped[int] = reference("officer", doc="Officer who drafted it")
    state: Mapped[DecisionState] = mapped_column(
        server_default="draft", info=ACTION, doc="Draft, proposed for approval, or given"
    )
    proposed_at: Mapped[Moment | None] = mapped_column(
        info=ACTION | DETAIL, doc="When it was proposed to a second person"
    )
    sent_back_because: Mapped[LongText | None] = mapped_column(
        info=ACTION | DETAIL, doc="Why the second person did not approve the last draft"
    )
    given_on: Mapped[Day | None] = mapped_column(info=ACTION, doc="Day it was given")
    decided_by_id: Mapped[int | None] = reference("officer", info=ACTION, doc="Officer who decided")
    told_on: Mapped[Day | None] = mapped_column(
        info=ACTION, doc="Day the complainant was told in writing"
    )
    review_until_on: Mapped[Day | None] = mapped_column(
        info=ACTION, doc="Last day to ask for a review"
    )

    grievance: Mapped["Grievance"] = relationship(back_populates="decisions")
    drafted_by: Mapped["Officer"] = relationship(foreign_keys=drafted_by_id)
    decided_by: Mapped["Officer | None"] = relationship(foreign_keys=decided_by_id)
    points: Mapped[list["DecisionPoint"]] = parts("decision")
    appeals: Mapped[list["Appeal"]] = parts("decision")


class DecisionPoint(OfficeRecord):
    """One point of a grievance, with what was found and why."""

    desk = Desk.DECISIONS
    title_columns = ("position", "point")
    office_paths = tuple(f"decision.{path}" for path in GRIEVANCE_OFFICES)
    read_only = True
    __table_args__ = (
        UniqueConstraint("decision_id", "position"),
        CheckConstraint("position > 0", name="position_from_one"),
    )

    decision_id: Mapped[int] = reference(
        "decision", ondelete="CASCADE", doc="Decision it belongs to"
    )
    position: Mapped[int] = mapped_column(doc="Place among the points, from 1")
    point: Mapped[str] = mapped_column(String(300), doc="What was complained of")
    conclusion: Mapped[PointFinding] = mapped_column(doc="Upheld, partly upheld or not upheld")
    reasons: Mapped[LongText] = mapped_column(doc="Facts and rules the conclusion rests on")

    decision: Mapped["Decision"] = relationship(back_populates="points")


class LetterTemplate(ReferenceRecord):
    """The words of a kind of letter in one language, with places that the case fills."""

    desk = Desk.STANDARDS
    sorted_by = "name"
    __table_args__ = (
        Index(
            "uq_letter_template_one_in_use",
            "kind",
            "language",
            unique=True,
            postgresql_where=text("retired_on IS NULL"),
        ),
    )

    name: Mapped[str] = mapped_column(doc="Name of the template")
    kind: Mapped[LetterKind] = mapped_column(doc="What the letter is for")
    language: Mapped[LetterLanguage] = mapped_column(doc="Language of the letter")
    subject: Mapped[str] = mapped_column(
        String(300), info=DETAIL, doc="Its heading; {number} and the like are filled in"
    )
    body: Mapped[LongText] = mapped_column(
        info=DETAIL,
        doc="Its paragraphs, with an empty line between them; a line that begins with # is a "
        "heading. Filled in are {number}, {title}, {received_on}, {office}, {bureau}, {today}, "
        "and, in an answer, {summary}, {points}, {follows}, {how_to_appeal}, {review_until}",
    )
    retired_on: Mapped[Day | None] = mapped_column(
        info=DETAIL, doc="Day from which another one is used"
    )


class Letter(OfficeRecord):
    """A letter as it went out, without the address of who complained."""

    desk = Desk.DECISIONS
    title_columns = ("subject",)
    office_paths = GRIEVANCE_OFFICES
    read_only = True

    grievance_id: Mapped[int] = reference("grievance", doc="Grievance it is about", info=ACTION)
    decision_id: Mapped[int | None] = reference(
        "decision", doc="Decision that it tells of", info=ACTION
    )
    kind: Mapped[LetterKind] = mapped_column(info=ACTION, doc="What the letter is for")
    language: Mapped[LetterLanguage] = mapped_column(info=ACTION, doc="Language of the letter")
    office_id: Mapped[int | None] = reference(
        "office", doc="Office that it goes to; none: the complainant", info=ACTION
    )
    subject: Mapped[str] = mapped_column(String(300), info=ACTION, doc="Its heading")
    body: Mapped[LongText] = mapped_column(info=ACTION | DETAIL, doc="Its text")
    letter_template_id: Mapped[int | None] = reference(
        "letter_template", doc="Template it was made from; none: as shipped", info=ACTION
    )
    document_id: Mapped[int] = mapped_column(
        BigInteger,
        ForeignKey("document.id", ondelete="RESTRICT"),
        unique=True,
        info=ACTION,
        doc="The letter as PDF, with its SHA-256",
    )

    grievance: Mapped["Grievance"] = relationship(foreign_keys=grievance_id)
    decision: Mapped["Decision | None"] = relationship(foreign_keys=decision_id)
    office: Mapped["Office | None"] = relationship(foreign_keys=office_id)
    letter_template: Mapped["LetterTemplate | None"] = relationship(foreign_keys=letter_template_id)
    document: Mapped["Document"] = relationship(foreign_keys=document_id)


class Remedy(OfficeRecord):
    """What an office promised to put right, and whether it did."""

    desk = Desk.CASEWORK
    title_columns = ("promise",)
    office_paths = ("office_id", *GRIEVANCE_OFFICES)
    __table_args__ = (
        CheckConstraint("due_on >= promised_on", name="due_after_promise"),
        CheckConstraint("done_on >= promised_on", name="done_after_promise"),
        CheckConstraint("verified_on >= done_on", name="verified_after_done"),
        CheckConstraint("(state = 'promised') = (done_on IS NULL)", name="done_has_day"),
        CheckConstraint(
            "(state = 'verified') = (verified_on IS NOT NULL)", name="verified_has_day"
        ),
        together("done_by_whom", "done_on", "done_by_id"),
        together("verified_by_whom", "verified_on", "verified_by_id"),
        CheckConstraint("verified_by_id <> done_by_id", name="verified_by_another"),
        together("sent_back_with_reason", "sent_back_on", "sent_back_by_id", "sent_back_because"),
        # What is promised and not done, for reminders and escalation.
        Index("ix_remedy_open", "due_on", "id", postgresql_where=text("state = 'promised'")),
        # What is said to be done and not verified.
        Index("ix_remedy_to_verify", "done_on", "id", postgresql_where=text("state = 'done'")),
    )

    grievance_id: Mapped[int] = reference("grievance", doc="Grievance it remedies")
    office_id: Mapped[int] = reference("office", doc="Office that promised it")
    reception_id: Mapped[int | None] = reference(
        "reception", doc="Reception at which it was promised", info={"list": False}
    )
    promise: Mapped[str] = mapped_column(String(300), doc="What was promised")
    promised_on: Mapped[Day] = mapped_column(doc="Day of the promise")
    due_on: Mapped[Day] = mapped_column(doc="Day by which it is to be done")
    state: Mapped[RemedyState] = mapped_column(
        server_default="promised", info=ACTION, doc="Promised, done or verified"
    )
    done_on: Mapped[Day | None] = mapped_column(
        info=ACTION, doc="Day on which the office says it was done"
    )
    done_by_id: Mapped[int | None] = reference(
        "officer", info=ACTION | {"list": False}, doc="Officer who says so"
    )
    verified_on: Mapped[Day | None] = mapped_column(
        info=ACTION, doc="Day on which somebody else saw it done"
    )
    verified_by_id: Mapped[int | None] = reference(
        "officer", info=ACTION | {"list": False}, doc="Officer who saw it done"
    )
    sent_back_on: Mapped[Day | None] = mapped_column(
        info=ACTION | DETAIL, doc="Day on which somebody last found it not done"
    )
    sent_back_by_id: Mapped[int | None] = reference(
        "officer", info=ACTION | {"list": False}, doc="Officer who found it not done"
    )
    sent_back_because: Mapped[LongText | None] = mapped_column(
        info=ACTION | DETAIL, doc="What is still missing"
    )

    grievance: Mapped["Grievance"] = relationship(back_populates="remedies")
    office: Mapped["Office"] = relationship(foreign_keys=office_id)
    reception: Mapped["Reception | None"] = relationship(back_populates="remedies")
    done_by: Mapped["Officer | None"] = relationship(foreign_keys=done_by_id)
    verified_by: Mapped["Officer | None"] = relationship(foreign_keys=verified_by_id)
    sent_back_by: Mapped["Officer | None"] = relationship(foreign_keys=sent_back_by_id)


class Appeal(OfficeRecord):
    """A request to review a decision, decided by somebody else."""

    desk = Desk.DECISIONS
    read_only = True  # made and decided by steps (rules/casework.py)
    title_columns = ("subject",)
    office_paths = tuple(f"decision.{path}" for path in GRIEVANCE_OFFICES)
    __table_args__ = (
        CheckConstraint("(state = 'decided') = (decided_on IS NOT NULL)", name="decided_has_day"),
        together("decided_by_whom", "decided_on", "decided_by_id", "outcome", "reasons"),
        CheckConstraint("decided_by_id <> first_decider_id", name="decided_by_another"),
        CheckConstraint("due_on >= filed_on AND decided_on >= filed_on", name="after_filing"),
        together("late_with_reason", "late_because", "admitted_by_id"),
        CheckConstraint("admitted_by_id <> first_decider_id", name="admitted_by_another"),
        Index(
            "uq_appeal_one_open",
            "decision_id",
            unique=True,
            postgresql_where=text("state = 'filed'"),
        ),
    )

    decision_id: Mapped[int] = reference("decision", doc="Decision to be reviewed")
    subject: Mapped[str] = mapped_column(String(300), doc="What is asked, without names")
    grounds: Mapped[LongText] = mapped_column(doc="Why the decision is said to be wrong")
    filed_on: Mapped[Day] = mapped_column(doc="Day it was filed")
    due_on: Mapped[Day | None] = mapped_column(
        info={"set_by": "system"}, doc="Day by which it is to be decided"
    )
    first_decider_id: Mapped[int] = reference(
        "officer", doc="Officer who decided first; somebody else decides now"
    )
    late_because: Mapped[LongText | None] = mapped_column(
        info=ACTION | DETAIL, doc="Why it was admitted though it came too late"
    )
    admitted_by_id: Mapped[int | None] = reference(
        "officer", info=ACTION | {"list": False}, doc="Officer who admitted it, where it was late"
    )
    state: Mapped[AppealState] = mapped_column(
        server_default="filed", info=ACTION, doc="Filed or decided"
    )
    decided_on: Mapped[Day | None] = mapped_column(info=ACTION, doc="Day it was decided")
    decided_by_id: Mapped[int | None] = reference(
        "officer", info=ACTION, doc="Officer who decided it"
    )
    outcome: Mapped[AppealOutcome | None] = mapped_column(
        info=ACTION, doc="Whether the appeal succeeded"
    )
    reasons: Mapped[LongText | None] = mapped_column(
        info=ACTION | DETAIL, doc="Facts and rules the outcome rests on"
    )

    decision: Mapped["Decision"] = relationship(back_populates="appeals")
    first_decider: Mapped["Officer"] = relationship(foreign_keys=first_decider_id)
    admitted_by: Mapped["Officer | None"] = relationship(foreign_keys=admitted_by_id)
    decided_by: Mapped["Officer | None"] = relationship(foreign_keys=decided_by_id)


class Feedback(OfficeRecord):
    """How the handling of a grievance was rated. It says nothing of who rated it, and offices
    read it but do not write it."""

    desk = Desk.SUPERVISION
    title_columns = ("given_on", "rating")
    office_paths = GRIEVANCE_OFFICES
    __table_args__ = (CheckConstraint("rating BETWEEN 1 AND 5", name="one_to_five"),)

    grievance_id: Mapped[int] = reference("grievance", doc="Grievance whose handling is rated")
    given_on: Mapped[Day] = mapped_column(doc="Day it was given")
    rating: Mapped[int] = mapped_column(doc="From 1, very bad, to 5, very good")
    is_put_right: Mapped[bool | None] = mapped_column(
        doc="Whether what was promised was done; empty when not said"
    )
    comment: Mapped[LongText | None] = mapped_column(
        info=DETAIL, doc="What was said about the handling, without names"
    )

    grievance: Mapped["Grievance"] = relationship(back_populates="feedback")


class RetaliationReport(OfficeRecord):
    """A report that an office made somebody suffer for a grievance. Deciders handle it and
    auditors read it; the office does neither."""

    desk = Desk.RETALIATION
    title_columns = ("subject",)
    office_paths = ("office_id",)
    __table_args__ = (
        CheckConstraint("(state = 'reported') = (decided_on IS NULL)", name="decided_has_day"),
        together("decided_by_whom", "decided_on", "decided_by_id", "reasons"),
        CheckConstraint("decided_on >= reported_on", name="decided_after_report"),
    )

    grievance_id: Mapped[int] = reference("grievance", doc="Grievance it followed")
    office_id: Mapped[int] = reference("office", doc="Office that is said to have done it")
    subject: Mapped[str] = mapped_column(
        String(300), info=MASKED, doc="What was done, without names"
    )
    account: Mapped[LongText] = mapped_column(
        info=DETAIL | MASKED, doc="What happened and when, without names"
    )
    reported_on: Mapped[Day] = mapped_column(doc="Day it was reported")
    state: Mapped[ReportState] = mapped_column(
        server_default="reported", info=ACTION, doc="Reported, confirmed or not confirmed"
    )
    decided_on: Mapped[Day | None] = mapped_column(info=ACTION, doc="Day it was decided")
    decided_by_id: Mapped[int | None] = reference("officer", info=ACTION, doc="Officer who decided")
    reasons: Mapped[LongText | None] = mapped_column(
        info=ACTION | DETAIL | MASKED, doc="Facts the decision rests on"
    )

    grievance: Mapped["Grievance"] = relationship(back_populates="retaliation_reports")
    office: Mapped["Office"] = relationship(foreign_keys=office_id)
    decided_by: Mapped["Officer | None"] = relationship(foreign_keys=decided_by_id)


class GrievanceLink(OfficeRecord):
    """Two grievances about the same matter. Never by who brought them (domain.md section 1)."""

    desk = Desk.CASEWORK
    title_columns = ("kind",)
    office_paths = GRIEVANCE_OFFICES
    __table_args__ = (
        CheckConstraint("grievance_id <> other_grievance_id", name="links_two"),
        together("undone_with_reason", "undone_at", "undone_because"),
        Index(
            "uq_grievance_link_pair",
            text("least(grievance_id, other_grievance_id)"),
            text("greatest(grievance_id, other_grievance_id)"),
            unique=True,
            postgresql_where=text("undone_at IS NULL"),
        ),
    )

    grievance_id: Mapped[int] = reference(
        "grievance", ondelete="CASCADE", doc="Grievance that is linked"
    )
    kind: Mapped[LinkKind] = mapped_column(doc="Same subject, or a duplicate of the other")
    other_grievance_id: Mapped[int] = reference(
        "grievance", ondelete="CASCADE", doc="Grievance it is linked to"
    )
    subject: Mapped[str] = mapped_column(String(300), doc="The matter they share")
    undone_at: Mapped[Moment | None] = mapped_column(
        info=ACTION, doc="When the link was taken back"
    )
    undone_because: Mapped[LongText | None] = mapped_column(
        info=ACTION | DETAIL, doc="Why it was taken back"
    )

    grievance: Mapped["Grievance"] = relationship(back_populates="links", foreign_keys=grievance_id)
    other_grievance: Mapped["Grievance"] = relationship(
        back_populates="links_from_others", foreign_keys=other_grievance_id
    )


class GrievanceRecusal(OfficeRecord):
    """An officer stands aside from one grievance: said by the officer, or by somebody who answers
    for the case. It is not taken back; two others may let the officer act all the same."""

    desk = Desk.CASEWORK
    read_only = True
    title_columns = ("ground", "stated_on")
    office_paths = GRIEVANCE_OFFICES
    __table_args__ = (UniqueConstraint("grievance_id", "officer_id"),)

    grievance_id: Mapped[int] = reference("grievance", doc="Grievance they keep away from")
    officer_id: Mapped[int] = reference("officer", doc="Officer who stands aside")
    ground: Mapped[AsideGround] = mapped_column(doc="Why")
    reason: Mapped[LongText] = mapped_column(
        info=DETAIL, doc="The same in a sentence, without names of complainants"
    )
    stated_by_id: Mapped[int] = reference("officer", doc="Officer who said so")
    stated_on: Mapped[Day] = mapped_column(doc="Day it was said")

    grievance: Mapped["Grievance"] = relationship(foreign_keys=grievance_id)
    officer: Mapped["Officer"] = relationship(foreign_keys=officer_id)
    stated_by: Mapped["Officer"] = relationship(foreign_keys=stated_by_id)


class ImpartialityOverride(ReferenceRecord):
    """Leave for an officer to act in a matter that the rules of impartiality keep them from: one
    person asks, a second agrees, and every officer can read it. A trigger holds the two apart."""

    desk = Desk.OFFICERS
    read_only = True
    title_columns = ("matter", "act")
    sorted_by = "-asked_on"
    __table_args__ = (
        CheckConstraint(
            "asked_by_id <> officer_id AND decided_by_id <> officer_id", name="not_by_themselves"
        ),
        CheckConstraint("decided_by_id <> asked_by_id", name="decided_by_another"),
        CheckConstraint("(state = 'asked') = (decided_on IS NULL)", name="decided_has_day"),
        together("decided_by_someone", "decided_on", "decided_by_id"),
        Index(
            "uq_impartiality_override_one",
            "grievance_id",
            "officer_id",
            "act",
            unique=True,
            postgresql_where=text("state <> 'refused'"),
        ),
    )

    matter: Mapped[str] = mapped_column(
        String(40), info=SEARCH, doc="Number of the grievance, for those too who do not see it"
    )
    grievance_id: Mapped[int] = reference("grievance", doc="Grievance", info={"list": False})
    officer_id: Mapped[int] = reference("officer", doc="Officer who may act all the same")
    act: Mapped[Act] = mapped_column(doc="What they may do")
    reason: Mapped[LongText] = mapped_column(
        doc="Why nobody else can, without names; every officer reads it"
    )
    asked_by_id: Mapped[int] = reference("officer", doc="Officer who asked")
    asked_on: Mapped[Day] = mapped_column(doc="Day it was asked for")
    state: Mapped[RequestState] = mapped_column(
        server_default="asked", info=ACTION, doc="Asked, granted or refused"
    )
    decided_on: Mapped[Day | None] = mapped_column(info=ACTION, doc="Day it was decided")
    decided_by_id: Mapped[int | None] = reference(
        "officer", info=ACTION, doc="Second officer, who agreed or refused"
    )

    grievance: Mapped["Grievance"] = relationship(foreign_keys=grievance_id)
    officer: Mapped["Officer"] = relationship(foreign_keys=officer_id)
    asked_by: Mapped["Officer"] = relationship(foreign_keys=asked_by_id)
    decided_by: Mapped["Officer | None"] = relationship(foreign_keys=decided_by_id)


# --- Supervision -----------------------------------------------------------------------------


class SupervisionGroup(ReferenceRecord):
    """Inspectors who are sent to offices."""

    desk = Desk.SUPERVISION
    __table_args__ = (CheckConstraint("dissolved_on > formed_on", name="dissolved_after_forming"),)

    name: Mapped[str] = mapped_column(unique=True, doc="Name of the group")
    mandate: Mapped[LongText | None] = mapped_column(
        info=DETAIL, doc="What it looks into, and on whose order"
    )
    formed_on: Mapped[Day] = mapped_column(doc="First day of the group")
    dissolved_on: Mapped[Day | None] = mapped_column(doc="First day without it; empty: it works")

    memberships: Mapped[list["GroupMembership"]] = parts("group")
    assignments: Mapped[list["SupervisionAssignment"]] = parts("group")
    inspections: Mapped[list["Inspection"]] = parts("group")


class GroupMembership(ReferenceRecord):
    """The term for which an officer belongs to a supervision group."""

    desk = Desk.SUPERVISION
    title_columns = ("duty", "starts_on")
    __table_args__ = (
        CheckConstraint("ends_on > starts_on", name="ends_after_start"),
        ExcludeConstraint(
            ("group_id", "="),
            ("officer_id", "="),
            (text("daterange(starts_on, ends_on)"), "&&"),
            name="overlap",
        ),
        ExcludeConstraint(
            ("group_id", "="),
            (text("daterange(starts_on, ends_on)"), "&&"),
            name="one_leader",
            where=text("is_leader"),
        ),
    )

    group_id: Mapped[int] = reference("supervision_group", doc="Group the officer belongs to")
    officer_id: Mapped[int] = reference("officer", doc="Officer who belongs to it")
    duty: Mapped[str | None] = mapped_column(doc="What the officer does in the group")
    is_leader: Mapped[bool] = mapped_column(
        server_default=text("false"), doc="Whether the officer leads the group"
    )
    starts_on: Mapped[Day] = mapped_column(doc="First day of the term")
    ends_on: Mapped[Day | None] = mapped_column(
        doc="First day after the term; empty: no end is set"
    )

    group: Mapped["SupervisionGroup"] = relationship(back_populates="memberships")
    officer: Mapped["Officer"] = relationship(foreign_keys=officer_id)


class SupervisionAssignment(ReferenceRecord):
    """The period in which a group supervises an office; an office has one group at a time."""

    desk = Desk.SUPERVISION
    title_columns = ("starts_on",)
    __table_args__ = (
        CheckConstraint("ends_on > starts_on", name="ends_after_start"),
        ExcludeConstraint(
            ("office_id", "="), (text("daterange(starts_on, ends_on)"), "&&"), name="overlap"
        ),
    )

    group_id: Mapped[int] = reference("supervision_group", doc="Group that supervises")
    office_id: Mapped[int] = reference("office", doc="Office that is supervised")
    starts_on: Mapped[Day] = mapped_column(doc="First day of the assignment")
    ends_on: Mapped[Day | None] = mapped_column(
        doc="First day after the assignment; empty: no end is set"
    )

    group: Mapped["SupervisionGroup"] = relationship(back_populates="assignments")
    office: Mapped["Office"] = relationship(foreign_keys=office_id)


class SupervisionPolicy(ReferenceRecord):
    """What the bureau has set for supervision, from a day on; the latest that has begun holds, and
    before the first what a new one starts with."""

    desk = Desk.STANDARDS
    title_columns = ("in_force_from",)
    sorted_by = "-in_force_from"
    __table_args__ = (
        CheckConstraint("cooling_off_days BETWEEN 0 AND 3660", name="cools_off_ten_years_at_most"),
        CheckConstraint("fewest_members BETWEEN 1 AND 50", name="some_members"),
        CheckConstraint("visit_every_days BETWEEN 1 AND 3660", name="visits_within_ten_years"),
        CheckConstraint(
            "least(weight_load, weight_overdue, weight_since_visit, weight_rotation, "
            "weight_travel) >= 0 AND greatest(weight_load, weight_overdue, weight_since_visit, "
            "weight_rotation, weight_travel) <= 100",
            name="weights_to_100",
        ),
    )

    in_force_from: Mapped[Day] = mapped_column(unique=True, doc="Day from which it holds")
    cooling_off_days: Mapped[int] = mapped_column(
        server_default="730", doc="Days for which one who left an office does not inspect it"
    )
    fewest_members: Mapped[int] = mapped_column(
        server_default="2", doc="Members that a group needs to be given an office"
    )
    visit_every_days: Mapped[int] = mapped_column(
        server_default="365", doc="Days after which the board says that a visit is due"
    )
    weight_load: Mapped[int] = mapped_column(
        server_default="40", info=DETAIL, doc="In a proposal: even load, 0 to 100"
    )
    weight_overdue: Mapped[int] = mapped_column(
        server_default="20", info=DETAIL, doc="In a proposal: overdue work first, 0 to 100"
    )
    weight_since_visit: Mapped[int] = mapped_column(
        server_default="20", info=DETAIL, doc="In a proposal: long without a visit first, 0 to 100"
    )
    weight_rotation: Mapped[int] = mapped_column(
        server_default="10", info=DETAIL, doc="In a proposal: another group than before, 0 to 100"
    )
    weight_travel: Mapped[int] = mapped_column(
        server_default="10", info=DETAIL, doc="In a proposal: areas that lie together, 0 to 100"
    )


class AssignmentChange(ReferenceRecord):
    """A change of who supervises what, as one officer made it on the board or with a form: the
    periods before and after, by which the last one is taken back."""

    desk = Desk.SUPERVISION
    read_only = True
    title_columns = ("kind",)
    sorted_by = "-made_at"

    officer_id: Mapped[int] = reference("officer", doc="Officer who made it")
    kind: Mapped[ChangeKind] = mapped_column(doc="What was done")
    made_at: Mapped[Moment] = mapped_column(doc="When it was done")
    office_id: Mapped[int | None] = reference("office", doc="Office; empty where it is several")
    periods: Mapped[int] = mapped_column(doc="How many periods it touched")
    before: Mapped[list[dict[str, Any]]] = mapped_column(
        JSONB, info=SYSTEM, doc="The periods before it"
    )
    after: Mapped[list[dict[str, Any]]] = mapped_column(
        JSONB, info=SYSTEM, doc="The periods after it"
    )
    undone_at: Mapped[Moment | None] = mapped_column(
        info=ACTION, doc="When it was taken back; empty where it stands"
    )

    officer: Mapped["Officer"] = relationship(foreign_keys=officer_id)
    office: Mapped["Office | None"] = relationship(foreign_keys=office_id)


class AssignmentProposal(ReferenceRecord):
    """A plan of who supervises what in a period, as the solver found it. It is a draft: nothing of
    it holds before an officer accepts it, wholly or in part."""

    desk = Desk.SUPERVISION
    read_only = True
    title_columns = ("starts_on", "ends_on")
    __table_args__ = (
        CheckConstraint("ends_on > starts_on", name="ends_after_start"),
        CheckConstraint("most_offices > 0", name="some_offices"),
        CheckConstraint("(state = 'failed') = (failure IS NOT NULL)", name="failed_has_reason"),
        CheckConstraint(
            "(state = 'working_it_out') = (worked_out_at IS NULL)", name="worked_out_has_time"
        ),
        CheckConstraint(
            "(state IN ('accepted_wholly', 'accepted_in_part', 'refused')) "
            "= (decided_at IS NOT NULL)",
            name="decided_has_time",
        ),
        together("decided_by_someone", "decided_at", "decided_by_id"),
    )

    starts_on: Mapped[Day] = mapped_column(doc="First day of the period that is planned")
    ends_on: Mapped[Day] = mapped_column(doc="First day after that period")
    office_id: Mapped[int | None] = reference(
        "office", doc="Planned for this office and those below it; empty: for all"
    )
    most_offices: Mapped[int | None] = mapped_column(
        info=DETAIL, doc="Offices that a group is given at most; empty: as many as there are"
    )
    asked: Mapped[dict[str, Any]] = mapped_column(
        JSONB, info=SYSTEM, doc="Levels of offices and groups that it was asked for"
    )
    state: Mapped[ProposalState] = mapped_column(
        server_default="working_it_out", info=ACTION, doc="How far it is"
    )
    done: Mapped[int] = mapped_column(
        server_default="0", info=SYSTEM | {"trail": False}, doc="Hundredths worked out so far"
    )
    offices: Mapped[int | None] = mapped_column(
        info=ACTION, doc="Offices without a group that it plans for"
    )
    placed: Mapped[int | None] = mapped_column(
        info=ACTION, doc="Offices for which it proposes a group"
    )
    summary: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB, info=SYSTEM, doc="Load of each group, and the weights it was worked out with"
    )
    failure: Mapped[LongText | None] = mapped_column(
        info=ACTION | DETAIL, doc="Why there is no plan, in a sentence"
    )
    worked_out_at: Mapped[Moment | None] = mapped_column(info=ACTION, doc="When the plan was there")
    decided_at: Mapped[Moment | None] = mapped_column(
        info=ACTION, doc="When the last line of it was accepted or refused"
    )
    decided_by_id: Mapped[int | None] = reference(
        "officer", info=ACTION | {"list": False}, doc="Officer who decided that line"
    )

    office: Mapped["Office | None"] = relationship(foreign_keys=office_id)
    decided_by: Mapped["Officer | None"] = relationship(foreign_keys=decided_by_id)
    lines: Mapped[list["ProposedAssignment"]] = parts("proposal")


class ProposedAssignment(ReferenceRecord):
    """One line of a proposal: an office, the group that should have it, and why; or why none."""

    desk = Desk.SUPERVISION
    read_only = True
    title_columns = ("starts_on",)
    __table_args__ = (
        UniqueConstraint("proposal_id", "office_id", "starts_on"),
        UniqueConstraint("proposal_id", "position"),
        CheckConstraint("ends_on > starts_on", name="ends_after_start"),
        CheckConstraint(
            "(state IN ('assigned', 'refused')) = (decided_at IS NOT NULL)",
            name="decided_has_time",
        ),
        together("decided_by_someone", "decided_at", "decided_by_id"),
        CheckConstraint(
            "state NOT IN ('proposed', 'assigned') OR group_id IS NOT NULL", name="placed_has_group"
        ),
    )

    proposal_id: Mapped[int] = reference(
        "assignment_proposal", ondelete="CASCADE", doc="Proposal it belongs to"
    )
    position: Mapped[int] = mapped_column(
        doc="Place in the order of urgency: more overdue and longer without a visit first"
    )
    office_id: Mapped[int] = reference("office", doc="Office that no group has in these days")
    group_id: Mapped[int | None] = reference(
        "supervision_group", doc="Group that should have it; empty: none could be found"
    )
    found_group_id: Mapped[int | None] = reference(
        "supervision_group",
        info={"list": False},
        doc="Group that was found before somebody chose another one",
    )
    starts_on: Mapped[Day] = mapped_column(doc="First day")
    ends_on: Mapped[Day] = mapped_column(doc="First day after it")
    state: Mapped[ProposedState] = mapped_column(
        server_default="proposed", info=ACTION, doc="Proposed, assigned, refused, or not placed"
    )
    reasons: Mapped[list[dict[str, Any]]] = mapped_column(
        JSONB, info=SYSTEM, doc="Why this group, or why none"
    )
    decided_at: Mapped[Moment | None] = mapped_column(
        info=ACTION, doc="When it was accepted or refused"
    )
    decided_by_id: Mapped[int | None] = reference(
        "officer", info=ACTION | {"list": False}, doc="Officer who accepted or refused it"
    )

    proposal: Mapped["AssignmentProposal"] = relationship(back_populates="lines")
    office: Mapped["Office"] = relationship(foreign_keys=office_id)
    group: Mapped["SupervisionGroup | None"] = relationship(foreign_keys=group_id)
    found_group: Mapped["SupervisionGroup | None"] = relationship(foreign_keys=found_group_id)
    decided_by: Mapped["Officer | None"] = relationship(foreign_keys=decided_by_id)


class Recusal(ReferenceRecord):
    """An officer stands aside from an office. Setting it aside takes two other people, and all
    who read supervision read that it was done."""

    desk = Desk.SUPERVISION
    title_columns = ("ground", "starts_on")
    __table_args__ = (
        CheckConstraint("ends_on > starts_on", name="ends_after_start"),
        together(
            "set_aside_by_two",
            "set_aside_on",
            "set_aside_because",
            "set_aside_by_id",
            "seconded_by_id",
        ),
        CheckConstraint(
            "set_aside_by_id <> seconded_by_id AND set_aside_by_id <> officer_id "
            "AND seconded_by_id <> officer_id",
            name="set_aside_by_others",
        ),
        ExcludeConstraint(
            ("officer_id", "="),
            ("office_id", "="),
            (text("daterange(starts_on, ends_on)"), "&&"),
            name="overlap",
        ),
    )

    officer_id: Mapped[int] = reference("officer", doc="Officer who stands aside")
    office_id: Mapped[int] = reference("office", doc="Office the officer keeps away from")
    ground: Mapped[RecusalGround] = mapped_column(doc="Why")
    starts_on: Mapped[Day] = mapped_column(doc="First day of standing aside")
    ends_on: Mapped[Day | None] = mapped_column(doc="First day after it; empty: no end is set")
    set_aside_on: Mapped[Day | None] = mapped_column(info=ACTION, doc="Day it was set aside")
    set_aside_because: Mapped[LongText | None] = mapped_column(
        info=ACTION | DETAIL, doc="Why the officer may act all the same"
    )
    set_aside_by_id: Mapped[int | None] = reference(
        "officer", info=ACTION | {"list": False}, doc="Officer who set it aside"
    )
    seconded_by_id: Mapped[int | None] = reference(
        "officer", info=ACTION | {"list": False}, doc="Second officer who agreed"
    )

    officer: Mapped["Officer"] = relationship(foreign_keys=officer_id)
    office: Mapped["Office"] = relationship(foreign_keys=office_id)
    set_aside_by: Mapped["Officer | None"] = relationship(foreign_keys=set_aside_by_id)
    seconded_by: Mapped["Officer | None"] = relationship(foreign_keys=seconded_by_id)


class ChecklistTemplate(ReferenceRecord):
    """A list of questions for visits. A visit takes a copy when it begins, and keeps what was asked
    when the list is changed later."""

    desk = Desk.SUPERVISION

    name: Mapped[str] = mapped_column(unique=True, doc="Name of the list")
    purpose: Mapped[LongText | None] = mapped_column(
        info=DETAIL, doc="What visits it is for, and on what rule it rests"
    )
    retired_on: Mapped[Day | None] = mapped_column(
        doc="First day on which no new visit takes it; empty: it is in use"
    )

    questions: Mapped[list["ChecklistQuestion"]] = parts("template")
    inspections: Mapped[list["Inspection"]] = parts("template")


class ChecklistQuestion(ReferenceRecord):
    """A question of a list for visits, about how the office handles grievances."""

    desk = Desk.SUPERVISION
    title_columns = ("wording",)
    sorted_by = "position"
    __table_args__ = (CheckConstraint("position >= 1", name="position_from_one"),)

    template_id: Mapped[int] = reference("checklist_template", doc="List it belongs to")
    position: Mapped[int] = mapped_column(doc="Place in the list, from 1")
    section: Mapped[str | None] = mapped_column(doc="Heading under which it stands")
    wording: Mapped[str] = mapped_column(
        String(500), doc="The question, so that “yes” means it is as it should be"
    )
    guidance: Mapped[LongText | None] = mapped_column(
        info=DETAIL, doc="What to look at, and what counts as yes"
    )
    kind: Mapped[AnswerKind] = mapped_column(
        server_default="yes_partly_or_no", doc="What it asks for"
    )
    ground: Mapped[Ground | None] = mapped_column(
        doc="Failure of duty that a “no” would show; empty: none"
    )

    template: Mapped["ChecklistTemplate"] = relationship(back_populates="questions")


class Inspection(OfficeRecord):
    """A visit of a supervision group to an office. One without notice is hidden from the office
    until it begins."""

    desk = Desk.SUPERVISION
    told_from = "told_at"
    kept_from_line = True
    title_columns = ("subject",)
    __table_args__ = (
        CheckConstraint("(state = 'done') = (done_on IS NOT NULL)", name="done_has_day"),
        CheckConstraint(
            "(state = 'cancelled') = (cancelled_because IS NOT NULL)", name="cancelled_has_reason"
        ),
        CheckConstraint(
            "begun_at IS NOT NULL OR (state <> 'under_way' AND NOT (state = 'done' "
            "AND is_unannounced))",
            name="begun_has_time",
        ),
        CheckConstraint("state <> 'planned' OR begun_at IS NULL", name="planned_not_begun"),
        CheckConstraint("sample_size BETWEEN 0 AND 100", name="sample_of_up_to_100"),
        CheckConstraint("sample_since <= planned_on", name="sample_from_before"),
        CheckConstraint("sample_seed ~ '^[0-9a-f]{32}$'", name="seed_in_hex"),
    )

    group_id: Mapped[int] = reference("supervision_group", doc="Group that visits")
    office_id: Mapped[int] = reference("office", doc="Office that is visited")
    inspector_id: Mapped[int] = reference("officer", doc="Inspector in charge")
    subject: Mapped[str] = mapped_column(String(300), doc="What the visit looks into")
    planned_on: Mapped[Day] = mapped_column(doc="Day of the visit")
    is_unannounced: Mapped[bool] = mapped_column(
        server_default=text("false"),
        doc="Without notice: the office sees it only when it begins",
    )
    template_id: Mapped[int | None] = reference(
        "checklist_template", doc="Questions that are asked there", info={"list": False}
    )
    sample_size: Mapped[int] = mapped_column(
        server_default="10",
        info=DETAIL,
        doc="How many closed grievances are drawn by lot and looked at again; 0: none",
    )
    sample_since: Mapped[Day | None] = mapped_column(
        info=DETAIL,
        doc="Drawn from those closed on or after this day; empty: in the year before the visit",
    )
    state: Mapped[InspectionState] = mapped_column(
        server_default="planned", info=ACTION, doc="Planned, under way, done or cancelled"
    )
    begun_at: Mapped[Moment | None] = mapped_column(
        info=ACTION | {"list": False}, doc="When the visit began"
    )
    done_on: Mapped[Day | None] = mapped_column(info=ACTION, doc="Day the visit took place")
    cancelled_because: Mapped[LongText | None] = mapped_column(
        info=ACTION | DETAIL, doc="Why there was no visit"
    )
    summary: Mapped[LongText | None] = mapped_column(
        info=ACTION | DETAIL,
        doc="What was looked at and who was heard, without names of complainants",
    )
    sample_seed: Mapped[str | None] = mapped_column(
        String(32),
        info={"set_by": "system"} | DETAIL,
        doc="Seed from which the sample was drawn; who has it can draw the same again",
    )
    told_at: Mapped[Moment | None] = mapped_column(
        Computed("CASE WHEN is_unannounced THEN begun_at ELSE created_at END", persisted=True),
        info=SYSTEM,
        doc="From when the office sees the visit",
    )

    group: Mapped["SupervisionGroup"] = relationship(back_populates="inspections")
    office: Mapped["Office"] = relationship(foreign_keys=office_id)
    inspector: Mapped["Officer"] = relationship(foreign_keys=inspector_id)
    template: Mapped["ChecklistTemplate | None"] = relationship(back_populates="inspections")
    findings: Mapped[list["Finding"]] = parts("inspection")
    answers: Mapped[list["InspectionAnswer"]] = parts("inspection")
    strata: Mapped[list["InspectionStratum"]] = parts("inspection")
    sampled: Mapped[list["SampledGrievance"]] = parts("inspection")
    documents: Mapped[list["InspectionDocument"]] = parts("inspection")


class _VisitPart(OfficeRecord):
    """What belongs to a visit. The office sees it when the visit is done."""

    __abstract__ = True
    desk = Desk.SUPERVISION
    office_paths = ("inspection.office_id",)
    told_from = "inspection.done_on"
    kept_from_line = True
    read_only = True


class InspectionAnswer(_VisitPart):
    """A question as it was asked at a visit, and what was seen."""

    title_columns = ("wording",)
    __table_args__ = (
        UniqueConstraint("inspection_id", "position"),
        CheckConstraint("position >= 1", name="position_from_one"),
        together("answered_by_whom", "answered_at", "answered_by_id"),
    )

    inspection_id: Mapped[int] = reference("inspection", ondelete="CASCADE", doc="Visit")
    position: Mapped[int] = mapped_column(info=SYSTEM, doc="Place in the list, from 1")
    section: Mapped[str | None] = mapped_column(info=SYSTEM, doc="Heading under which it stands")
    wording: Mapped[str] = mapped_column(
        String(500), info=SYSTEM | {"list": True, "sort": True}, doc="The question as it was asked"
    )
    guidance: Mapped[LongText | None] = mapped_column(info=SYSTEM, doc="What to look at")
    kind: Mapped[AnswerKind] = mapped_column(info=SYSTEM, doc="What it asks for")
    ground: Mapped[Ground | None] = mapped_column(
        info=SYSTEM, doc="Failure of duty that a “no” would show"
    )
    answer: Mapped[VisitAnswer | None] = mapped_column(info=ACTION, doc="What was seen")
    note: Mapped[LongText | None] = mapped_column(
        info=ACTION | DETAIL, doc="What it rests on, without names of complainants"
    )
    answered_at: Mapped[Moment | None] = mapped_column(info=ACTION, doc="When it was answered")
    answered_by_id: Mapped[int | None] = reference(
        "officer", info=ACTION, doc="Inspector who answered"
    )

    inspection: Mapped["Inspection"] = relationship(back_populates="answers")
    answered_by: Mapped["Officer | None"] = relationship(foreign_keys=answered_by_id)


class InspectionStratum(_VisitPart):
    """Closed grievances of one category, in time or late, of which the sample of a visit was
    drawn: kept so that anybody can draw it again."""

    title_columns = ("size",)
    __table_args__ = (
        UniqueConstraint(
            "inspection_id", "category_id", "was_in_time", postgresql_nulls_not_distinct=True
        ),
        CheckConstraint("cardinality(grievance_ids) > 0", name="stratum_not_empty"),
    )

    inspection_id: Mapped[int] = reference("inspection", ondelete="CASCADE", doc="Visit")
    category_id: Mapped[int | None] = reference(
        "category", info={"set_by": "system"}, doc="What they are about"
    )
    was_in_time: Mapped[bool | None] = mapped_column(
        info={"set_by": "system"}, doc="Whether they were answered in time; empty: no time was set"
    )
    grievance_ids: Mapped[list[int]] = mapped_column(
        ARRAY(BigInteger),
        info=SYSTEM | {"secret": True},
        doc="Numbers of the grievances, lowest first",
    )
    size: Mapped[int] = mapped_column(
        Computed("cardinality(grievance_ids)", persisted=True),
        info={"set_by": "system", "sort": False},
        doc="How many they are",
    )

    inspection: Mapped["Inspection"] = relationship(back_populates="strata")
    category: Mapped["Category | None"] = relationship(foreign_keys=category_id)


class SampledGrievance(_VisitPart):
    """A closed grievance that was drawn by lot for a visit, and whether it is really remedied."""

    title_columns = ("remedied",)
    __table_args__ = (
        UniqueConstraint("inspection_id", "grievance_id"),
        UniqueConstraint("inspection_id", "position"),
        CheckConstraint("position >= 1", name="position_from_one"),
        together("answered_by_whom", "answered_at", "answered_by_id"),
    )

    inspection_id: Mapped[int] = reference("inspection", ondelete="CASCADE", doc="Visit")
    grievance_id: Mapped[int] = reference("grievance", doc="Grievance that is looked at again")
    position: Mapped[int] = mapped_column(info=SYSTEM, doc="Place in the sample, from 1")
    category_id: Mapped[int | None] = reference(
        "category", info={"set_by": "system"}, doc="What it was about when it was drawn"
    )
    was_in_time: Mapped[bool | None] = mapped_column(
        info={"set_by": "system"}, doc="Whether it was answered in time; empty: no time was set"
    )
    remedied: Mapped[Remedied | None] = mapped_column(
        info=ACTION, doc="Whether what it was about is really put right"
    )
    note: Mapped[LongText | None] = mapped_column(
        info=ACTION | DETAIL, doc="What was seen, without names of complainants"
    )
    answered_at: Mapped[Moment | None] = mapped_column(info=ACTION, doc="When it was written")
    answered_by_id: Mapped[int | None] = reference(
        "officer", info=ACTION, doc="Inspector who looked"
    )

    inspection: Mapped["Inspection"] = relationship(back_populates="sampled")
    grievance: Mapped["Grievance"] = relationship(foreign_keys=grievance_id)
    category: Mapped["Category | None"] = relationship(foreign_keys=category_id)
    answered_by: Mapped["Officer | None"] = relationship(foreign_keys=answered_by_id)


class InspectionDocument(StoredFile, _VisitPart):
    """A photo or paper from a visit."""

    inspection_id: Mapped[int] = reference("inspection", doc="Visit it is from")
    name: Mapped[str] = mapped_column(
        info={"set_by": "action"}, doc="Name of the document, without names of people"
    )

    inspection: Mapped["Inspection"] = relationship(back_populates="documents")


class Finding(OfficeRecord):
    """What was found about an office's handling, on a visit or in its records, and what the office
    does about it, until a supervision group has seen it done."""

    desk = Desk.SUPERVISION
    told_from = "notified_on"
    title_columns = ("subject",)
    __table_args__ = (
        # Who writes a finding numbers it per office; another system has numbers of its own.
        Index(
            "uq_finding_office_id_reference",
            "office_id",
            "reference",
            unique=True,
            postgresql_where=text("source IS NULL"),
        ),
        UniqueConstraint("source", "reference"),
        CheckConstraint("source IS NULL OR reference IS NOT NULL", name="source_has_number"),
        CheckConstraint(
            "ground IS NULL OR severity NOT IN ('in_order', 'outside')", name="ground_of_a_failure"
        ),
        CheckConstraint("(state = 'draft') = (notified_on IS NULL)", name="notified_has_day"),
        CheckConstraint(
            "state NOT IN ('received', 'replied', 'under_way', 'claimed', 'verified')"
            " OR received_on IS NOT NULL",
            name="received_has_day",
        ),
        CheckConstraint(
            "state = 'closed' OR (state IN ('replied', 'under_way', 'claimed', 'verified'))"
            " = (replied_on IS NOT NULL)",
            name="replied_has_day",
        ),
        CheckConstraint(
            "state = 'closed' OR (state IN ('claimed', 'verified')) = (claimed_on IS NOT NULL)",
            name="claimed_has_day",
        ),
        CheckConstraint(
            "(state = 'verified') = (verified_on IS NOT NULL)", name="verified_has_day"
        ),
        CheckConstraint("(state = 'closed') = (closed_on IS NOT NULL)", name="closed_has_day"),
        CheckConstraint("state <> 'draft' OR received_on IS NULL", name="draft_awaits_nothing"),
        together("received_by_whom", "received_on", "received_by_id"),
        together("reply_whole", "replied_on", "replied_by_id", "reply", "due_on", "first_due_on"),
        together("claim_whole", "claimed_on", "claimed_by_id", "claim"),
        together("verdict_whole", "verified_on", "verified_by_id", "verdict"),
        together("sent_back_with_reason", "sent_back_on", "sent_back_by_id", "sent_back_because"),
        CheckConstraint("verified_by_id <> claimed_by_id", name="verified_by_another"),
        CheckConstraint("due_on >= first_due_on", name="postponed_forwards"),
        CheckConstraint(
            "received_on >= notified_on AND replied_on >= received_on"
            " AND first_due_on >= replied_on AND claimed_on >= replied_on"
            " AND verified_on >= claimed_on AND closed_on >= notified_on",
            name="days_in_order",
        ),
        CheckConstraint("times_sent_back >= 0", name="times_not_negative"),
        CheckConstraint("repeats_id <> id", name="repeats_another"),
        # What an office owes, by the day by which it owes it, for reminders and escalation.
        Index(
            "ix_finding_owed",
            text("coalesce(due_on, reply_due_on)"),
            "id",
            postgresql_where=text("state IN ('notified', 'received', 'under_way')"),
        ),
    )

    office_id: Mapped[int] = reference("office", doc="Office it is about")
    inspection_id: Mapped[int | None] = reference(
        "inspection", doc="Visit that found it", info={"list": False}
    )
    grievance_id: Mapped[int | None] = reference(
        "grievance", doc="Grievance whose handling it is about", info={"list": False}
    )
    daily_return_id: Mapped[int | None] = reference(
        "daily_return", doc="Daily return it contradicts", info={"list": False}
    )
    group_id: Mapped[int | None] = reference(
        "supervision_group",
        doc="Group that follows it up, and verifies what was done",
        info={"list": False},
    )
    category_id: Mapped[int | None] = reference(
        "category", doc="Matter it is about", info={"list": False}
    )
    subject: Mapped[str] = mapped_column(String(300), doc="What was found, in one line")
    facts: Mapped[LongText] = mapped_column(info=DETAIL, doc="Facts, and where they can be seen")
    severity: Mapped[FindingSeverity] = mapped_column(
        doc="How grave the failure is; or put right before, in order, outside the bureau's remit"
    )
    ground: Mapped[Ground | None] = mapped_column(
        doc="Failure of duty it shows; empty where it is none of these"
    )
    root_cause: Mapped[RootCause | None] = mapped_column(
        info={"list": False}, doc="Why it came to this in the office"
    )
    found_on: Mapped[Day] = mapped_column(doc="Day it was found")
    state: Mapped[FindingState] = mapped_column(
        server_default="draft", info=ACTION, doc="How far the office is in putting it right"
    )
    notified_on: Mapped[Day | None] = mapped_column(
        info=ACTION | {"list": False}, doc="Day on which the office was told of it"
    )
    reply_due_on: Mapped[Day | None] = mapped_column(
        info=ACTION | {"met_by": ("replied_on", "closed_on")},
        doc="Day by which the office is to reply",
    )
    received_on: Mapped[Day | None] = mapped_column(
        info=ACTION | DETAIL, doc="Day on which the office confirmed that it has it"
    )
    received_by_id: Mapped[int | None] = reference(
        "officer", info=ACTION | {"list": False}, doc="Officer who confirmed it"
    )
    reply: Mapped[LongText | None] = mapped_column(
        info=ACTION | DETAIL, doc="What the office says, and what it will do"
    )
    replied_on: Mapped[Day | None] = mapped_column(
        info=ACTION | DETAIL, doc="Day on which the office replied"
    )
    replied_by_id: Mapped[int | None] = reference(
        "officer", info=ACTION | {"list": False}, doc="Officer who replied"
    )
    due_on: Mapped[Day | None] = mapped_column(
        info=ACTION | {"met_by": ("claimed_on", "closed_on")},
        doc="Day by which the office has committed itself to have it done",
    )
    first_due_on: Mapped[Day | None] = mapped_column(
        info=ACTION | DETAIL, doc="Day to which it first committed itself, before postponements"
    )
    claim: Mapped[LongText | None] = mapped_column(
        info=ACTION | DETAIL, doc="What the office says was done, and how that can be seen"
    )
    claimed_on: Mapped[Day | None] = mapped_column(
        info=ACTION | DETAIL, doc="Day on which the office said that it was done"
    )
    claimed_by_id: Mapped[int | None] = reference(
        "officer", info=ACTION | {"list": False}, doc="Officer who said so"
    )
    verdict: Mapped[LongText | None] = mapped_column(
        info=ACTION | DETAIL, doc="What the group saw that shows it done"
    )
    verified_on: Mapped[Day | None] = mapped_column(
        info=ACTION | DETAIL, doc="Day on which the group saw it done"
    )
    verified_by_id: Mapped[int | None] = reference(
        "officer", info=ACTION | {"list": False}, doc="Inspector who saw it done"
    )
    sent_back_on: Mapped[Day | None] = mapped_column(
        info=ACTION | DETAIL, doc="Day on which a reply or a claim was last not accepted"
    )
    sent_back_by_id: Mapped[int | None] = reference(
        "officer", info=ACTION | {"list": False}, doc="Inspector who did not accept it"
    )
    sent_back_because: Mapped[LongText | None] = mapped_column(
        info=ACTION | DETAIL, doc="What was missing"
    )
    times_sent_back: Mapped[int] = mapped_column(
        server_default="0", info=ACTION | DETAIL, doc="How often a reply or a claim did not do"
    )
    closed_on: Mapped[Day | None] = mapped_column(
        info=ACTION | DETAIL, doc="Day from which it asked nothing more of the office"
    )
    closed_because: Mapped[LongText | None] = mapped_column(
        info=ACTION | DETAIL, doc="Why it asks nothing more of the office"
    )
    repeats_id: Mapped[int | None] = reference(
        "finding", info=ACTION | {"list": False}, doc="Earlier finding of the office it repeats"
    )
    source: Mapped[str | None] = mapped_column(
        String(80), info=SYSTEM, doc="System the finding was imported from"
    )
    import_batch_id: Mapped[int | None] = reference(
        "import_batch", info=SYSTEM, doc="Import that brought it"
    )
    reference: Mapped[str | None] = mapped_column(
        String(80),
        info=SEARCH | {"list": False},
        doc="Number of the finding where it comes from",
    )

    office: Mapped["Office"] = relationship(foreign_keys=office_id)
    inspection: Mapped["Inspection | None"] = relationship(back_populates="findings")
    grievance: Mapped["Grievance | None"] = relationship(foreign_keys=grievance_id)
    daily_return: Mapped["DailyReturn | None"] = relationship(foreign_keys=daily_return_id)
    group: Mapped["SupervisionGroup | None"] = relationship(foreign_keys=group_id)
    category: Mapped["Category | None"] = relationship(foreign_keys=category_id)
    received_by: Mapped["Officer | None"] = relationship(foreign_keys=received_by_id)
    replied_by: Mapped["Officer | None"] = relationship(foreign_keys=replied_by_id)
    claimed_by: Mapped["Officer | None"] = relationship(foreign_keys=claimed_by_id)
    verified_by: Mapped["Officer | None"] = relationship(foreign_keys=verified_by_id)
    sent_back_by: Mapped["Officer | None"] = relationship(foreign_keys=sent_back_by_id)
    repeats: Mapped["Finding | None"] = relationship(
        foreign_keys=repeats_id, remote_side="Finding.id", back_populates="repeated_by"
    )
    repeated_by: Mapped[list["Finding"]] = parts("repeats", foreign_keys=repeats_id)
    notices: Mapped[list["SupervisionNotice"]] = parts("finding")
    import_batch: Mapped["ImportBatch | None"] = relationship(back_populates="findings")
    postponements: Mapped[list["FindingPostponement"]] = parts(
        "finding", order_by="FindingPostponement.id"
    )


class MoreTime(OfficeRecord):
    """What every request for more time in supervision says, and what was decided about it."""

    __abstract__ = True
    desk = Desk.SUPERVISION
    read_only = True  # asked and decided by steps (rules/supervision.py)
    title_columns = ("state", "to_on")

    from_on: Mapped[Day] = mapped_column(doc="Day by which it was due when more time was asked")
    to_on: Mapped[Day] = mapped_column(doc="Day until which time is asked for")
    reason: Mapped[LongText] = mapped_column(doc="Why the time given is not enough")
    asked_on: Mapped[Day] = mapped_column(doc="Day on which it was asked")
    state: Mapped[RequestState] = mapped_column(
        server_default="asked", info=ACTION, doc="Asked, granted or refused"
    )
    decided_on: Mapped[Day | None] = mapped_column(info=ACTION, doc="Day it was decided")
    decision_reasons: Mapped[LongText | None] = mapped_column(
        info=ACTION | DETAIL, doc="Why it was granted or refused"
    )

    @declared_attr
    def asked_by_id(cls) -> Mapped[int]:
        column: Mapped[int] = reference("officer", doc="Officer who asked for the office")
        return column

    @declared_attr
    def granted_by_id(cls) -> Mapped[int | None]:
        column: Mapped[int | None] = reference(
            "officer", info=ACTION, doc="Officer who granted or refused it"
        )
        return column

    @declared_attr
    def asked_by(cls) -> Mapped["Officer"]:
        key: Any = cls.asked_by_id
        return relationship("Officer", foreign_keys=[key])

    @declared_attr
    def granted_by(cls) -> Mapped["Officer | None"]:
        key: Any = cls.granted_by_id
        return relationship("Officer", foreign_keys=[key])


def _more_time(table: str, of: str) -> tuple[Any, ...]:
    """Return the checks of requests for more time for what the column `of` refers to; one of these
    is open at a time."""
    return (
        CheckConstraint("to_on > from_on", name="asks_for_later"),
        CheckConstraint("(state = 'asked') = (decided_on IS NULL)", name="decided_has_day"),
        together("decided_by_whom", "decided_on", "granted_by_id", "decision_reasons"),
        CheckConstraint("granted_by_id <> asked_by_id", name="decided_by_another"),
        CheckConstraint("decided_on >= asked_on", name="decided_after_asking"),
        Index(f"uq_{table}_one_open", of, unique=True, postgresql_where=text("state = 'asked'")),
    )


class FindingPostponement(MoreTime):
    """An office asks for more time to put right what was found; the group decides."""

    office_paths = ("finding.office_id",)
    __table_args__ = _more_time("finding_postponement", "finding_id")

    finding_id: Mapped[int] = reference(
        "finding", ondelete="CASCADE", doc="Finding that is not put right in time"
    )

    finding: Mapped["Finding"] = relationship(back_populates="postponements")


class SupervisionNotice(OfficeRecord):
    """An order to an office to act by a date and to reply with reasons."""

    desk = Desk.SUPERVISION
    told_from = "issued_on"
    title_columns = ("number", "subject")
    __table_args__ = (
        CheckConstraint("(state = 'draft') = (issued_on IS NULL)", name="issued_has_day"),
        CheckConstraint("(number IS NULL) = (issued_on IS NULL)", name="number_when_issued"),
        CheckConstraint("state <> 'issued' OR replied_on IS NULL", name="issued_awaits_reply"),
        CheckConstraint("state <> 'replied' OR replied_on IS NOT NULL", name="replied_has_day"),
        CheckConstraint("state <> 'draft' OR replied_on IS NULL", name="reply_once_issued"),
        CheckConstraint("(state = 'closed') = (closed_on IS NOT NULL)", name="closed_has_day"),
        together("reply_whole", "replied_on", "replied_by_id", "reply"),
        CheckConstraint(
            "reply_due_on > issued_on AND replied_on >= issued_on AND closed_on >= issued_on",
            name="after_issue",
        ),
        UniqueConstraint("number_series_id", "number_in_series"),
        together("numbered_in_series", "number_series_id", "number_in_series"),
        together("closed_with_reason", "closed_by_id", "closed_because"),
        CheckConstraint("closed_by_id <> replied_by_id", name="closed_by_another"),
        CheckConstraint("reply_due_on >= first_reply_due_on", name="postponed_forwards"),
        # What waits for a reply, for reminders and escalation.
        Index(
            "ix_supervision_notice_open",
            "reply_due_on",
            "id",
            postgresql_where=text("state = 'issued'"),
        ),
    )

    office_id: Mapped[int] = reference("office", doc="Office that must act")
    group_id: Mapped[int] = reference("supervision_group", doc="Group that orders it")
    finding_id: Mapped[int | None] = reference("finding", doc="Finding it rests on")
    grievance_id: Mapped[int | None] = reference(
        "grievance", doc="Grievance it is about", info={"list": False}
    )
    number: Mapped[str | None] = mapped_column(
        String(60), unique=True, info=SEARCH | ACTION, doc="Number, given at issue"
    )
    subject: Mapped[str] = mapped_column(String(300), doc="What the office must do, in one line")
    demand: Mapped[LongText] = mapped_column(info=DETAIL, doc="What must be done, and why")
    number_series_id: Mapped[int | None] = reference(
        "number_series", info=ACTION | {"list": False}, doc="Series the number is from"
    )
    number_in_series: Mapped[int | None] = mapped_column(
        info=ACTION | DETAIL, doc="Place in the series"
    )
    reply_due_on: Mapped[Day] = mapped_column(
        info={"met_by": ("replied_on", "closed_on")}, doc="Day by which to act and reply"
    )
    first_reply_due_on: Mapped[Day | None] = mapped_column(
        info=ACTION | DETAIL, doc="The same as it was ordered, before more time was granted"
    )
    state: Mapped[NoticeState] = mapped_column(
        server_default="draft", info=ACTION, doc="Draft, issued, replied or closed"
    )
    issued_on: Mapped[Day | None] = mapped_column(info=ACTION, doc="Day it was issued")
    issued_by_id: Mapped[int | None] = reference(
        "officer", info=ACTION | {"list": False}, doc="Officer who issued it"
    )
    replied_on: Mapped[Day | None] = mapped_column(info=ACTION, doc="Day the office replied")
    replied_by_id: Mapped[int | None] = reference(
        "officer", info=ACTION | {"list": False}, doc="Officer who replied"
    )
    reply: Mapped[LongText | None] = mapped_column(
        info=ACTION | DETAIL, doc="What the office did, or why it did not"
    )
    closed_on: Mapped[Day | None] = mapped_column(info=ACTION, doc="Day the group closed it")
    closed_by_id: Mapped[int | None] = reference(
        "officer", info=ACTION | {"list": False}, doc="Officer who closed it"
    )
    closed_because: Mapped[LongText | None] = mapped_column(
        info=ACTION | DETAIL, doc="What the group says to the reply, or why it closed without one"
    )

    office: Mapped["Office"] = relationship(foreign_keys=office_id)
    group: Mapped["SupervisionGroup"] = relationship(foreign_keys=group_id)
    finding: Mapped["Finding | None"] = relationship(back_populates="notices")
    grievance: Mapped["Grievance | None"] = relationship(foreign_keys=grievance_id)
    replied_by: Mapped["Officer | None"] = relationship(foreign_keys=replied_by_id)
    number_series: Mapped["NumberSeries | None"] = relationship(back_populates="notices")
    issued_by: Mapped["Officer | None"] = relationship(foreign_keys=issued_by_id)
    closed_by: Mapped["Officer | None"] = relationship(foreign_keys=closed_by_id)
    extensions: Mapped[list["NoticeExtension"]] = parts("notice", order_by="NoticeExtension.id")
    papers: Mapped[list["NoticePaper"]] = parts("notice", order_by="NoticePaper.id")


class NoticeExtension(MoreTime):
    """An office asks for more time to act on a notice and to reply; the group decides."""

    office_paths = ("notice.office_id",)
    __table_args__ = _more_time("notice_extension", "notice_id")

    notice_id: Mapped[int] = reference(
        "supervision_notice", ondelete="CASCADE", doc="Notice that is not answered in time"
    )

    notice: Mapped["SupervisionNotice"] = relationship(back_populates="extensions")


class NoticePaper(OfficeRecord):
    """A notice as it was issued, as PDF in one language, byte for byte."""

    desk = Desk.SUPERVISION
    read_only = True
    title_columns = ("language",)
    office_paths = ("notice.office_id",)
    __table_args__ = (
        UniqueConstraint("notice_id", "language"),
        CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256_in_hex"),
        CheckConstraint("size >= 0", name="size_not_negative"),
    )

    notice_id: Mapped[int] = reference("supervision_notice", info=ACTION, doc="Notice it is")
    language: Mapped[LetterLanguage] = mapped_column(info=ACTION, doc="Language it is written in")
    size: Mapped[int] = mapped_column(BigInteger, info=SYSTEM, doc="Bytes of the file")
    sha256: Mapped[str] = mapped_column(String(64), info=SYSTEM, doc="SHA-256 of the file, in hex")
    stored_name: Mapped[str] = mapped_column(
        String(80), unique=True, info=SYSTEM | {"secret": True}, doc="Name of the stored file"
    )

    notice: Mapped["SupervisionNotice"] = relationship(back_populates="papers")


# --- Reprimands ------------------------------------------------------------------------------


class Reprimand(OfficeRecord):
    """Formal criticism of an office, or with a higher approval of an official, for failing its
    duty in handling grievances. The checks below are its due process (domain.md section 7)."""

    desk = Desk.REPRIMANDS
    office_paths = ("office_id", "circulations.office_id")
    told_from = "served_on"
    title_columns = ("number", "subject")
    __table_args__ = (
        # Checked by another, and served only then.
        CheckConstraint("(state = 'draft') = (checked_on IS NULL)", name="checked_has_day"),
        together("checked_by_whom", "checked_on", "checked_by_id"),
        CheckConstraint("checked_by_id <> drafted_by_id", name="checked_by_another"),
        # Heard: served with at least seven days, decided after the reply or after the window.
        CheckConstraint(
            "(state IN ('draft', 'checked')) = (served_on IS NULL)", name="served_has_day"
        ),
        together("served_with_window", "served_on", "reply_due_on"),
        CheckConstraint("reply_due_on >= served_on + 7", name="seven_days_to_reply"),
        CheckConstraint("state <> 'replied' OR replied_on IS NOT NULL", name="replied_has_day"),
        CheckConstraint(
            "state NOT IN ('draft', 'checked', 'served') OR replied_on IS NULL",
            name="reply_once_served",
        ),
        CheckConstraint(
            "decided_on IS NULL OR decided_on > reply_due_on "
            "OR (replied_on IS NOT NULL AND replied_on <= decided_on)",
            name="heard_before_decision",
        ),
        # Decided by a third, with reasons.
        CheckConstraint(
            "(state IN ('draft', 'checked', 'served', 'replied')) = (decided_on IS NULL)",
            name="decided_has_day",
        ),
        together("decided_by_whom", "decided_on", "decided_by_id", "outcome", "reasons"),
        CheckConstraint(
            "decided_by_id <> drafted_by_id AND decided_by_id <> checked_by_id",
            name="decided_by_a_third",
        ),
        CheckConstraint(
            "(state = 'dropped') = (outcome IS NOT DISTINCT FROM 'drop')",
            name="dropped_by_decision",
        ),
        # Numbered at issue and at no other time.
        CheckConstraint(
            "(state IN ('issued', 'circulated', 'lifted', 'expired', 'quashed')) "
            "= (issued_on IS NOT NULL)",
            name="issued_has_day",
        ),
        together(
            "numbered_at_issue",
            "issued_on",
            "expires_on",
            "number",
            "number_series_id",
            "number_in_series",
        ),
        UniqueConstraint("number_series_id", "number_in_series"),
        CheckConstraint("state <> 'issued' OR circulated_on IS NULL", name="issued_not_sent"),
        CheckConstraint(
            "state <> 'circulated' OR circulated_on IS NOT NULL", name="circulated_has_day"
        ),
        CheckConstraint(
            "circulated_on IS NULL OR issued_on IS NOT NULL", name="circulated_once_issued"
        ),
        CheckConstraint("(state = 'lifted') = (lifted_on IS NOT NULL)", name="lifted_has_day"),
        CheckConstraint("(state = 'quashed') = (quashed_on IS NOT NULL)", name="quashed_has_day"),
        together("quashed_with_reason", "quashed_on", "quashed_because"),
        CheckConstraint(
            "served_on >= checked_on AND replied_on >= served_on AND decided_on >= served_on "
            "AND issued_on >= decided_on AND circulated_on >= issued_on "
            "AND expires_on > issued_on AND lifted_on >= issued_on AND quashed_on >= issued_on",
            name="in_order",
        ),
        # An official is named with a reason, and issued only with a higher approval.
        together("named_with_reason", "official_id", "naming_reason"),
        CheckConstraint(
            "naming_approved_by_id IS NULL OR official_id IS NOT NULL", name="approval_of_a_name"
        ),
        CheckConstraint(
            "official_id IS NULL OR issued_on IS NULL OR naming_approved_by_id IS NOT NULL",
            name="name_is_approved",
        ),
        CheckConstraint("naming_approved_by_id <> drafted_by_id", name="name_approved_by_another"),
        CheckConstraint(
            "official_id <> drafted_by_id AND official_id <> checked_by_id "
            "AND official_id <> decided_by_id",
            name="nobody_in_own_cause",
        ),
    )

    office_id: Mapped[int] = reference("office", doc="Office that is reprimanded")
    subject: Mapped[str] = mapped_column(String(300), doc="The failure in one line")
    ground: Mapped[Ground] = mapped_column(doc="Failure of duty it rests on")
    facts: Mapped[LongText] = mapped_column(info=DETAIL, doc="What was done or left undone")
    failed_on: Mapped[Day] = mapped_column(doc="Day of the failure, the last one if it went on")
    scope: Mapped[Scope] = mapped_column(server_default="all_offices", doc="Who gets it to read")
    skips_rungs_because: Mapped[LongText | None] = mapped_column(
        info=DETAIL, doc="Why milder steps (advice, reminder, notice, interview) were skipped"
    )
    official_id: Mapped[int | None] = reference(
        "officer",
        doc="Official named besides the office; empty as a rule",
        info={"list": False},
    )
    naming_reason: Mapped[LongText | None] = mapped_column(
        info=DETAIL, doc="Why naming the office is not enough"
    )
    naming_approved_by_id: Mapped[int | None] = reference(
        "officer", info=ACTION | {"list": False}, doc="Higher officer who approved the naming"
    )
    drafted_by_id: Mapped[int] = reference(
        "officer", doc="Officer who drafted it; others check and decide"
    )
    state: Mapped[ReprimandState] = mapped_column(
        server_default="draft", info=ACTION, doc="Where the reprimand stands"
    )
    checked_on: Mapped[Day | None] = mapped_column(
        info=ACTION | {"list": False}, doc="Day another officer checked it"
    )
    checked_by_id: Mapped[int | None] = reference(
        "officer", info=ACTION | {"list": False}, doc="Officer who checked it"
    )
    served_on: Mapped[Day | None] = mapped_column(
        info=ACTION, doc="Day the office got its substance and the list of evidence"
    )
    reply_due_on: Mapped[Day | None] = mapped_column(
        info=ACTION, doc="Last day to reply, at least seven days later"
    )
    replied_on: Mapped[Day | None] = mapped_column(
        info=ACTION | {"list": False}, doc="Day the office replied"
    )
    decided_on: Mapped[Day | None] = mapped_column(info=ACTION, doc="Day it was decided")
    decided_by_id: Mapped[int | None] = reference(
        "officer", info=ACTION | {"list": False}, doc="Officer who decided; a third"
    )
    outcome: Mapped[Outcome | None] = mapped_column(info=ACTION, doc="Issue, reduce or drop")
    reasons: Mapped[LongText | None] = mapped_column(
        info=ACTION | DETAIL, doc="Why it was decided so"
    )
    number: Mapped[str | None] = mapped_column(
        String(60), unique=True, info=ACTION, doc="Number, given at issue"
    )
    number_series_id: Mapped[int | None] = reference(
        "number_series", info=ACTION | {"list": False}, doc="Series the number is from"
    )
    number_in_series: Mapped[int | None] = mapped_column(
        info=ACTION | {"list": False}, doc="Place in the series"
    )
    issued_on: Mapped[Day | None] = mapped_column(info=ACTION, doc="Day it was issued")
    expires_on: Mapped[Day | None] = mapped_column(
        info=ACTION, doc="First day on which it no longer counts"
    )
    circulated_on: Mapped[Day | None] = mapped_column(
        info=ACTION | {"list": False}, doc="Day it was sent to its recipients"
    )
    lifted_on: Mapped[Day | None] = mapped_column(
        info=ACTION | {"list": False}, doc="Day it was lifted, after rectification"
    )
    quashed_on: Mapped[Day | None] = mapped_column(
        info=ACTION | {"list": False}, doc="Day it was quashed; its number stays listed"
    )
    quashed_because: Mapped[LongText | None] = mapped_column(
        info=ACTION | DETAIL, doc="Why it was quashed"
    )

    office: Mapped["Office"] = relationship(foreign_keys=office_id)
    official: Mapped["Officer | None"] = relationship(foreign_keys=official_id)
    naming_approved_by: Mapped["Officer | None"] = relationship(foreign_keys=naming_approved_by_id)
    drafted_by: Mapped["Officer"] = relationship(foreign_keys=drafted_by_id)
    checked_by: Mapped["Officer | None"] = relationship(foreign_keys=checked_by_id)
    decided_by: Mapped["Officer | None"] = relationship(foreign_keys=decided_by_id)
    number_series: Mapped["NumberSeries | None"] = relationship(back_populates="reprimands")
    evidence: Mapped[list["ReprimandEvidence"]] = parts("reprimand")
    replies: Mapped[list["ReprimandReply"]] = parts("reprimand")
    circulations: Mapped[list["Circulation"]] = parts("reprimand")
    rectifications: Mapped[list["Rectification"]] = parts("reprimand")
    appeals: Mapped[list["ReprimandAppeal"]] = parts("reprimand")
    accountability_actions: Mapped[list["AccountabilityAction"]] = parts("reprimand")


class ReprimandEvidence(OfficeRecord):
    """One thing a reprimand rests on; at issue a copy is frozen with its SHA-256."""

    desk = Desk.REPRIMANDS
    title_columns = ("position", "subject")
    office_paths = ("reprimand.office_id",)
    __table_args__ = (
        UniqueConstraint("reprimand_id", "position"),
        CheckConstraint("position > 0", name="position_from_one"),
        CheckConstraint(
            "num_nonnulls(finding_id, notice_id, grievance_id) = 1", name="rests_on_one_record"
        ),
        together("frozen_whole", "frozen_at", "frozen_copy", "sha256"),
        CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256_in_hex"),
    )

    reprimand_id: Mapped[int] = reference(
        "reprimand", ondelete="CASCADE", doc="Reprimand it supports"
    )
    position: Mapped[int] = mapped_column(doc="Place in the list of evidence, from 1")
    subject: Mapped[str] = mapped_column(String(300), doc="What it shows")
    finding_id: Mapped[int | None] = reference("finding", doc="Finding it is")
    notice_id: Mapped[int | None] = reference("supervision_notice", doc="Unanswered notice it is")
    grievance_id: Mapped[int | None] = reference(
        "grievance", doc="Grievance whose clock was missed"
    )
    frozen_at: Mapped[Moment | None] = mapped_column(info=ACTION, doc="When it was frozen")
    frozen_copy: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB(none_as_null=True), info=ACTION | DETAIL, doc="The record as it was then"
    )
    sha256: Mapped[str | None] = mapped_column(
        String(64), info=ACTION | DETAIL, doc="SHA-256 of the frozen copy, in hex"
    )

    reprimand: Mapped["Reprimand"] = relationship(back_populates="evidence")
    finding: Mapped["Finding | None"] = relationship(foreign_keys=finding_id)
    notice: Mapped["SupervisionNotice | None"] = relationship(foreign_keys=notice_id)
    grievance: Mapped["Grievance | None"] = relationship(foreign_keys=grievance_id)


class ReprimandReply(OfficeRecord):
    """One point of the office's reply, and what the decision answers to it."""

    desk = Desk.REPRIMANDS
    title_columns = ("position", "subject")
    office_paths = ("reprimand.office_id",)
    __table_args__ = (
        UniqueConstraint("reprimand_id", "position"),
        CheckConstraint("position > 0", name="position_from_one"),
        together("answered_by_whom", "answer", "answered_by_id"),
        CheckConstraint("answered_by_id <> replied_by_id", name="answered_by_another"),
    )

    reprimand_id: Mapped[int] = reference("reprimand", doc="Reprimand it replies to")
    position: Mapped[int] = mapped_column(doc="Place among the points, from 1")
    subject: Mapped[str] = mapped_column(String(300), doc="The point in one line")
    statement: Mapped[LongText] = mapped_column(info=DETAIL, doc="What the office says to it")
    replied_on: Mapped[Day] = mapped_column(doc="Day of the reply")
    replied_by_id: Mapped[int] = reference("officer", doc="Officer who replied for the office")
    answer: Mapped[LongText | None] = mapped_column(
        info=ACTION | DETAIL, doc="What the decision says to this point"
    )
    answered_by_id: Mapped[int | None] = reference(
        "officer", info=ACTION, doc="Officer who decided"
    )

    reprimand: Mapped["Reprimand"] = relationship(back_populates="replies")
    replied_by: Mapped["Officer"] = relationship(foreign_keys=replied_by_id)
    answered_by: Mapped["Officer | None"] = relationship(foreign_keys=answered_by_id)


class Circulation(OfficeRecord):
    """A reprimand, or a correction of one, as sent to one office."""

    desk = Desk.REPRIMANDS
    title_columns = ("kind", "sent_on")
    office_paths = ("office_id", "reprimand.office_id")
    __table_args__ = (
        UniqueConstraint("reprimand_id", "kind", "office_id"),
        together("acknowledged_by_whom", "acknowledged_on", "acknowledged_by_id"),
        CheckConstraint("acknowledged_on >= sent_on", name="acknowledged_after_sending"),
    )

    reprimand_id: Mapped[int] = reference("reprimand", doc="Reprimand that was sent")
    kind: Mapped[CirculationKind] = mapped_column(
        server_default="reprimand", doc="The reprimand itself, or a correction of it"
    )
    office_id: Mapped[int] = reference("office", doc="Office it was sent to")
    sent_on: Mapped[Day] = mapped_column(
        server_default=text("CURRENT_DATE"), info=ACTION, doc="Day it was sent"
    )
    acknowledged_on: Mapped[Day | None] = mapped_column(
        info=ACTION, doc="Day the office confirmed that it was read"
    )
    acknowledged_by_id: Mapped[int | None] = reference(
        "officer", info=ACTION, doc="Officer who confirmed it"
    )

    reprimand: Mapped["Reprimand"] = relationship(back_populates="circulations")
    office: Mapped["Office"] = relationship(foreign_keys=office_id)
    acknowledged_by: Mapped["Officer | None"] = relationship(foreign_keys=acknowledged_by_id)


class Rectification(OfficeRecord):
    """What a reprimanded office does about the failure; a supervision group verifies it."""

    desk = Desk.REPRIMANDS
    title_columns = ("subject",)
    office_paths = ("reprimand.office_id",)
    __table_args__ = (
        CheckConstraint("(state = 'planned') = (claimed_on IS NULL)", name="claimed_has_day"),
        CheckConstraint(
            "(state = 'verified') = (verified_on IS NOT NULL)", name="verified_has_day"
        ),
        together("claimed_by_whom", "claimed_on", "claimed_by_id"),
        together("verified_by_whom", "verified_on", "verified_by_id", "group_id"),
        CheckConstraint("verified_by_id <> claimed_by_id", name="verified_by_another"),
        CheckConstraint("verified_on >= claimed_on", name="verified_after_claim"),
    )

    reprimand_id: Mapped[int] = reference("reprimand", doc="Reprimand it answers")
    subject: Mapped[str] = mapped_column(String(300), doc="What will be different")
    plan: Mapped[LongText] = mapped_column(info=DETAIL, doc="Steps, and who takes them")
    due_on: Mapped[Day] = mapped_column(doc="Day by which it is to be done")
    state: Mapped[RectificationState] = mapped_column(
        server_default="planned", info=ACTION, doc="Planned, claimed done or verified"
    )
    claimed_on: Mapped[Day | None] = mapped_column(
        info=ACTION, doc="Day the office said it was done"
    )
    claimed_by_id: Mapped[int | None] = reference(
        "officer", info=ACTION | {"list": False}, doc="Officer who said so"
    )
    verified_on: Mapped[Day | None] = mapped_column(info=ACTION, doc="Day it was seen done")
    verified_by_id: Mapped[int | None] = reference(
        "officer", info=ACTION | {"list": False}, doc="Inspector who saw it"
    )
    group_id: Mapped[int | None] = reference(
        "supervision_group", info=ACTION | {"list": False}, doc="Group that verified it"
    )

    reprimand: Mapped["Reprimand"] = relationship(back_populates="rectifications")
    claimed_by: Mapped["Officer | None"] = relationship(foreign_keys=claimed_by_id)
    verified_by: Mapped["Officer | None"] = relationship(foreign_keys=verified_by_id)
    group: Mapped["SupervisionGroup | None"] = relationship(foreign_keys=group_id)


class ReprimandAppeal(OfficeRecord):
    """A reprimanded office, or a named official, asks for another decision."""

    desk = Desk.REPRIMANDS
    title_columns = ("subject",)
    office_paths = ("reprimand.office_id",)
    __table_args__ = (
        CheckConstraint("(state = 'decided') = (decided_on IS NOT NULL)", name="decided_has_day"),
        together("decided_by_whom", "decided_on", "decided_by_id", "outcome", "reasons"),
        CheckConstraint(
            "decided_by_id <> first_decider_id AND decided_by_id <> filed_by_id",
            name="decided_by_another",
        ),
        CheckConstraint("due_on >= filed_on AND decided_on >= filed_on", name="after_filing"),
        Index(
            "uq_reprimand_appeal_one_open",
            "reprimand_id",
            unique=True,
            postgresql_where=text("state = 'filed'"),
        ),
    )

    reprimand_id: Mapped[int] = reference("reprimand", doc="Reprimand that is appealed")
    subject: Mapped[str] = mapped_column(String(300), doc="What is asked, in one line")
    grounds: Mapped[LongText] = mapped_column(
        info=DETAIL, doc="Why the reprimand is said to be wrong"
    )
    filed_on: Mapped[Day] = mapped_column(doc="Day it was filed")
    filed_by_id: Mapped[int] = reference("officer", doc="Officer who filed it")
    due_on: Mapped[Day | None] = mapped_column(
        info={"set_by": "system"}, doc="Day by which it is to be decided"
    )
    first_decider_id: Mapped[int] = reference(
        "officer", doc="Officer who decided the reprimand; somebody else decides now"
    )
    state: Mapped[AppealState] = mapped_column(
        server_default="filed", info=ACTION, doc="Filed or decided"
    )
    decided_on: Mapped[Day | None] = mapped_column(info=ACTION, doc="Day it was decided")
    decided_by_id: Mapped[int | None] = reference(
        "officer", info=ACTION, doc="Officer who decided it"
    )
    outcome: Mapped[AppealOutcome | None] = mapped_column(
        info=ACTION, doc="Whether the appeal succeeded"
    )
    reasons: Mapped[LongText | None] = mapped_column(
        info=ACTION | DETAIL, doc="Why it was decided so"
    )

    reprimand: Mapped["Reprimand"] = relationship(back_populates="appeals")
    filed_by: Mapped["Officer"] = relationship(foreign_keys=filed_by_id)
    first_decider: Mapped["Officer"] = relationship(foreign_keys=first_decider_id)
    decided_by: Mapped["Officer | None"] = relationship(foreign_keys=decided_by_id)


class AccountabilityAction(OfficeRecord):
    """A recommendation to the body with personnel power, which alone decides on discipline."""

    desk = Desk.DISCIPLINE
    title_columns = ("subject",)
    __table_args__ = (
        CheckConstraint("(state = 'draft') = (referred_on IS NULL)", name="referred_has_day"),
        CheckConstraint(
            "(state = 'answered') = (answered_on IS NOT NULL)", name="answered_has_day"
        ),
        together("answered_with_words", "answered_on", "body_answer"),
        CheckConstraint(
            "referred_on IS NULL OR (heard_on IS NOT NULL AND heard_on <= referred_on)",
            name="heard_before_referral",
        ),
        CheckConstraint(
            "referred_on IS NULL OR approved_by_id IS NOT NULL", name="referral_is_approved"
        ),
        CheckConstraint("approved_by_id <> drafted_by_id", name="approved_by_another"),
        CheckConstraint(
            "official_id <> drafted_by_id AND official_id <> approved_by_id",
            name="nobody_in_own_cause",
        ),
        CheckConstraint("answered_on >= referred_on", name="answered_after_referral"),
    )

    office_id: Mapped[int] = reference("office", doc="Office the official serves")
    official_id: Mapped[int] = reference("officer", doc="Official it is about")
    reprimand_id: Mapped[int | None] = reference("reprimand", doc="Reprimand it follows")
    subject: Mapped[str] = mapped_column(String(300), doc="The failure of duty in one line")
    recommendation: Mapped[LongText] = mapped_column(
        info=DETAIL, doc="What is recommended, and why naming the official is needed"
    )
    body: Mapped[str] = mapped_column(doc="Body with personnel power it goes to")
    drafted_by_id: Mapped[int] = reference("officer", doc="Officer who drafted it")
    heard_on: Mapped[Day | None] = mapped_column(info=ACTION, doc="Day the official was heard")
    approved_by_id: Mapped[int | None] = reference(
        "officer", info=ACTION, doc="Higher officer who approved it"
    )
    state: Mapped[ReferralState] = mapped_column(
        server_default="draft", info=ACTION, doc="Draft, referred or answered"
    )
    referred_on: Mapped[Day | None] = mapped_column(info=ACTION, doc="Day it was sent")
    answered_on: Mapped[Day | None] = mapped_column(info=ACTION, doc="Day the body answered")
    body_answer: Mapped[LongText | None] = mapped_column(
        info=ACTION | DETAIL, doc="What the body says it decided"
    )

    office: Mapped["Office"] = relationship(foreign_keys=office_id)
    official: Mapped["Officer"] = relationship(foreign_keys=official_id)
    reprimand: Mapped["Reprimand | None"] = relationship(back_populates="accountability_actions")
    drafted_by: Mapped["Officer"] = relationship(foreign_keys=drafted_by_id)
    approved_by: Mapped["Officer | None"] = relationship(foreign_keys=approved_by_id)


class NumberSeries(ReferenceRecord):
    """The counter of one body, series and year: it counts within the transaction that issues,
    so that numbers have no gap."""

    desk = Desk.REPRIMANDS
    title_columns = ("body", "series", "year")
    __table_args__ = (
        UniqueConstraint("body", "series", "year"),
        CheckConstraint("year BETWEEN 1900 AND 2999", name="plausible_year"),
        CheckConstraint("last_number >= 0", name="counts_up"),
        CheckConstraint("position('{number}' in form) > 0", name="form_has_number"),
    )

    body: Mapped[str] = mapped_column(doc="Body that issues")
    series: Mapped[str] = mapped_column(String(80), doc="What is numbered")
    year: Mapped[int] = mapped_column(doc="Year of the numbers")
    form: Mapped[str] = mapped_column(
        String(80),
        info=DETAIL,
        server_default="SN [{year}] {number}",
        doc="How a number is written: {year} and {number} stand for the two",
    )
    last_number: Mapped[int] = mapped_column(
        server_default="0", info=ACTION, doc="Last number that was given"
    )

    reprimands: Mapped[list["Reprimand"]] = parts("number_series")
    notices: Mapped[list["SupervisionNotice"]] = parts("number_series")


# --- Rhythm ----------------------------------------------------------------------------------


class ReceptionDay(OfficeRecord):
    """A leader receives the public at an announced time and place."""

    desk = Desk.RHYTHM
    __table_args__ = (
        CheckConstraint("ends_at > starts_at", name="ends_after_start"),
        CheckConstraint("(kind = 'joint') = (taking_part IS NOT NULL)", name="joint_has_offices"),
        ExcludeConstraint(
            ("leader_id", "="), (text("tstzrange(starts_at, ends_at)"), "&&"), name="overlap"
        ),
    )

    name: Mapped[str] = mapped_column(doc="Title of the announcement")
    office_id: Mapped[int] = reference("office", doc="Office that holds it")
    leader_id: Mapped[int] = reference("officer", doc="Leader who receives")
    kind: Mapped[ReceptionKind] = mapped_column(
        server_default="weekday", doc="Weekday, weekend or joint"
    )
    starts_at: Mapped[Moment] = mapped_column(doc="When it opens")
    ends_at: Mapped[Moment] = mapped_column(doc="When it closes")
    place: Mapped[str] = mapped_column(String(300), info=SEARCH, doc="Where it is held")
    taking_part: Mapped[LongText | None] = mapped_column(
        info=DETAIL, doc="Offices that sit with the leader on a joint day, as announced"
    )
    published_on: Mapped[Day | None] = mapped_column(doc="Day it was announced to the public")

    office: Mapped["Office"] = relationship(foreign_keys=office_id)
    leader: Mapped["Officer"] = relationship(foreign_keys=leader_id)
    receptions: Mapped[list["Reception"]] = parts("reception_day")


class Reception(OfficeRecord):
    """One matter heard on a reception day; it becomes or joins a grievance the same day. It says
    nothing of who came (domain.md section 1)."""

    desk = Desk.RHYTHM
    title_columns = ("position", "subject")
    office_paths = ("reception_day.office_id",)
    __table_args__ = (
        UniqueConstraint("reception_day_id", "position"),
        CheckConstraint("position > 0", name="position_from_one"),
    )

    reception_day_id: Mapped[int] = reference("reception_day", doc="Day it was heard")
    position: Mapped[int] = mapped_column(doc="Turn on that day, from 1")
    subject: Mapped[str] = mapped_column(String(300), doc="The matter in one line, without names")
    grievance_id: Mapped[int | None] = reference("grievance", doc="Grievance it became or joined")
    answer: Mapped[LongText | None] = mapped_column(
        info=DETAIL, doc="What the leader answered; promises become dated remedies"
    )

    reception_day: Mapped["ReceptionDay"] = relationship(back_populates="receptions")
    grievance: Mapped["Grievance | None"] = relationship(foreign_keys=grievance_id)
    remedies: Mapped[list["Remedy"]] = parts("reception")


RETURN_FIGURES = ("received", "answered", "remedied", "overdue", "unanswered_notices")


class DailyReturn(OfficeRecord):
    """An office's daily statement about its own handling. A correction is a new return; the old
    one is kept as corrected."""

    desk = Desk.RHYTHM
    title_columns = ("day",)
    __table_args__ = (
        Index(
            "uq_daily_return_current",
            "office_id",
            "day",
            unique=True,
            postgresql_where=text("state <> 'corrected'"),
        ),
        CheckConstraint(
            "(state IN ('due', 'missing')) = (filed_at IS NULL)", name="filed_has_time"
        ),
        together("filed_by_whom", "filed_at", "filed_by_id"),
        CheckConstraint(
            f"filed_at IS NULL OR num_nulls({', '.join(RETURN_FIGURES)}) = 0",
            name="filed_has_figures",
        ),
        CheckConstraint(
            " AND ".join(f"{name} >= 0" for name in RETURN_FIGURES), name="figures_not_negative"
        ),
        CheckConstraint(
            "state <> 'nil' OR (received = 0 AND overdue = 0 AND unanswered_notices = 0 "
            "AND urgent_needs IS NULL)",
            name="nil_means_nothing_open",
        ),
        CheckConstraint("replaces_id <> id", name="not_its_own_correction"),
    )

    office_id: Mapped[int] = reference("office", doc="Office that states it")
    day: Mapped[Day] = mapped_column(doc="Working day it is about")
    state: Mapped[ReturnState] = mapped_column(
        server_default="due", info=ACTION, doc="Due, filed, filed late, nil, missing or corrected"
    )
    received: Mapped[int | None] = mapped_column(doc="Grievances received that day")
    answered: Mapped[int | None] = mapped_column(doc="Grievances answered that day")
    remedied: Mapped[int | None] = mapped_column(doc="Remedies carried out that day")
    overdue: Mapped[int | None] = mapped_column(doc="Grievances overdue at the end of the day")
    unanswered_notices: Mapped[int | None] = mapped_column(
        doc="Supervision notices without a reply at the end of the day"
    )
    urgent_needs: Mapped[LongText | None] = mapped_column(
        info=DETAIL,
        doc="Urgent needs of the public that wait on the office, such as no water or unpaid wages",
    )
    filed_at: Mapped[Moment | None] = mapped_column(info=ACTION, doc="When it was signed")
    filed_by_id: Mapped[int | None] = reference(
        "officer", info=ACTION | {"list": False}, doc="Officer who signed it"
    )
    replaces_id: Mapped[int | None] = mapped_column(
        BigInteger,
        ForeignKey("daily_return.id", ondelete="RESTRICT"),
        unique=True,
        info=ACTION | {"list": False},
        doc="Return that this one corrects",
    )

    office: Mapped["Office"] = relationship(foreign_keys=office_id)
    filed_by: Mapped["Officer | None"] = relationship(foreign_keys=filed_by_id)
    replaces: Mapped["DailyReturn | None"] = relationship(
        remote_side="DailyReturn.id", foreign_keys=replaces_id
    )


class DutyShift(OfficeRecord):
    """The hours for which an officer is on duty, with a note for the next."""

    desk = Desk.RHYTHM
    __table_args__ = (
        CheckConstraint("ends_at > starts_at", name="ends_after_start"),
        CheckConstraint("ends_at - starts_at <= interval '24 hours'", name="at_most_a_day"),
        CheckConstraint(
            "handed_over_at IS NULL OR hand_over_note IS NOT NULL", name="handed_over_with_note"
        ),
        ExcludeConstraint(
            ("officer_id", "="), (text("tstzrange(starts_at, ends_at)"), "&&"), name="overlap"
        ),
    )

    name: Mapped[str] = mapped_column(String(80), doc="Name of the shift, such as Night")
    office_id: Mapped[int] = reference("office", doc="Office that is on duty")
    officer_id: Mapped[int] = reference("officer", doc="Officer on duty")
    starts_at: Mapped[Moment] = mapped_column(doc="When the shift starts")
    ends_at: Mapped[Moment] = mapped_column(doc="When it ends, at most 24 hours later")
    hand_over_note: Mapped[LongText | None] = mapped_column(
        info=DETAIL, doc="What the next on duty must know, without names of complainants"
    )
    handed_over_at: Mapped[Moment | None] = mapped_column(
        info=ACTION, doc="When the next on duty took over"
    )

    office: Mapped["Office"] = relationship(foreign_keys=office_id)
    officer: Mapped["Officer"] = relationship(foreign_keys=officer_id)


class Target(OfficeRecord):
    """A yearly standard for an office's own handling, never for how many complain."""

    desk = Desk.RHYTHM
    title_columns = ("year", "measure")
    __table_args__ = (
        UniqueConstraint("office_id", "year", "measure"),
        CheckConstraint("year BETWEEN 1900 AND 2999", name="plausible_year"),
        CheckConstraint("percent BETWEEN 0 AND 100", name="a_share"),
    )

    office_id: Mapped[int] = reference("office", doc="Office it is set for")
    year: Mapped[int] = mapped_column(doc="Year it is for")
    measure: Mapped[Measure] = mapped_column(doc="What is measured")
    percent: Mapped[Decimal] = mapped_column(Numeric(5, 2), doc="Share to reach, in percent")
    note: Mapped[LongText | None] = mapped_column(info=DETAIL, doc="How it was agreed")

    office: Mapped["Office"] = relationship(foreign_keys=office_id)


# --- Figures ---------------------------------------------------------------------------------


def _count(doc: str) -> Any:
    return mapped_column(Integer, server_default="0", doc=doc)


class FigureMonth(db.Model):  # type: ignore[name-defined, misc]  # as Record
    """What is counted of the handling of an office in a month (rules/figures.py says what each
    count means). Made by actions/figures.py and by nobody else; no screen edits it."""

    __table_args__ = (
        UniqueConstraint("month", "office_id", postgresql_nulls_not_distinct=True),
        CheckConstraint("extract(day FROM month) = 1", name="first_of_month"),
        CheckConstraint("cardinality(days) = cardinality(answers)", name="answers_of_days"),
    )
    # As of an OfficeRecord: who sees the rows.
    office_paths: ClassVar[tuple[str, ...]] = ("office_id",)
    owner_path: ClassVar[str | None] = None
    doer_path: ClassVar[str | None] = None
    told_from: ClassVar[str | None] = None
    shared_with: ClassVar[tuple[str, str] | None] = None

    id: Mapped[int] = mapped_column(BigInteger, Serial(), primary_key=True)
    office_id: Mapped[int | None] = reference(
        "office", ondelete="CASCADE", doc="Office; empty for what is with no office yet"
    )
    month: Mapped[Day] = mapped_column(doc="First day of the month, where the bureau is")
    received: Mapped[int] = _count("Grievances received in the month")
    acknowledge_due: Mapped[int] = _count("To be acknowledged in the month")
    acknowledged: Mapped[int] = _count("Of these, acknowledged in time")
    clocks_ended: Mapped[int] = _count("Whose time for an answer ended in the month")
    answers_due: Mapped[int] = _count("Of these, with a due date")
    answers_in_time: Mapped[int] = _count("Of those with a due date, answered by it")
    answered: Mapped[int] = _count("Of those whose time ended, answered by now")
    answered_once: Mapped[int] = _count("Of those whose time ended, answered or opened again")
    withdrawn_unanswered: Mapped[int] = _count("Of the unanswered, withdrawn")
    waiting: Mapped[int] = _count("Unanswered, whose time ends in the month and has not yet")
    reopened: Mapped[int] = _count("Of those whose time ended, opened again")
    appeals_decided: Mapped[int] = _count("Decided appeals against decisions on them")
    decisions_stood: Mapped[int] = _count("Of these, dismissed")
    rated: Mapped[int] = _count("Ratings of their handling")
    rated_good: Mapped[int] = _count("Of these, 4 or 5 out of 5")
    remedies_due: Mapped[int] = _count("Remedies promised for the month")
    remedies_done: Mapped[int] = _count("Of these, done by the day")
    days: Mapped[list[int]] = mapped_column(
        ARRAY(Integer), server_default="{}", doc="Calendar days to the answer, each once"
    )
    answers: Mapped[list[int]] = mapped_column(
        ARRAY(Integer), server_default="{}", doc="How many were answered after so many days"
    )


class FigureMark(db.Model):  # type: ignore[name-defined, misc]  # as Record
    """An office and a month that somebody changed something of. Triggers write it and the next
    refresh takes it away; never unique, so that nobody waits for anybody."""

    id: Mapped[int] = mapped_column(BigInteger, Serial(), primary_key=True)
    office_id: Mapped[int | None] = mapped_column(BigInteger)
    month: Mapped[Day] = mapped_column()


class FigureState(db.Model):  # type: ignore[name-defined, misc]  # as Record
    """Up to when the figures go, and what they were made by; one row."""

    __table_args__ = (CheckConstraint("id = 1", name="one_state"),)

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    as_of: Mapped[Moment] = mapped_column()
    timezone: Mapped[str] = mapped_column(String(80))
    definition: Mapped[int] = mapped_column()
    latest: Mapped[Day | None] = mapped_column(doc="Last month in which anything was received")


class Reopening(db.Model):  # type: ignore[name-defined, misc]  # as Record
    """A grievance that was opened again after it had ended, the first time. A trigger keeps it,
    whoever changes the row: an answer that did not hold counts in the figures."""

    id: Mapped[int] = mapped_column(BigInteger, Serial(), primary_key=True)
    grievance_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("grievance.id", ondelete="CASCADE"), unique=True
    )
    reopened_at: Mapped[Moment] = mapped_column(server_default=func.now())


# --- System ----------------------------------------------------------------------------------


class SavedView(OwnRecord):
    """A list as an officer keeps it under a name, for themselves or for an office or a role."""

    title_columns = ("name",)
    shared_with = ("shared_office_id", "shared_role")
    __table_args__ = (
        UniqueConstraint("officer_id", "record_type", "name"),
        CheckConstraint("num_nonnulls(shared_office_id, shared_role) <= 1", name="shared_once"),
        # What urlencode writes, and so never the address of another page.
        CheckConstraint(
            "address ~ '^[A-Za-z0-9_.~%+&=,-]+$' AND length(address) <= 3000",
            name="only_of_a_list",
        ),
    )

    name: Mapped[str] = mapped_column(String(120), doc="Name of the view")
    shared_office_id: Mapped[int | None] = reference(
        "office", doc="Office whose officers see it too, and those of the offices below"
    )
    shared_role: Mapped[Role | None] = mapped_column(doc="Role whose officers see it too")
    record_type: Mapped[str] = mapped_column(
        String(80), doc="List it belongs to, as its table is called"
    )
    address: Mapped[LongText] = mapped_column(
        doc="Filters, search, sort and columns, as after the ? in the address bar"
    )
    officer_id: Mapped[int] = reference(
        "officer", ondelete="CASCADE", doc="Officer who keeps it", info={"set_by": "system"}
    )

    shared_office: Mapped["Office | None"] = relationship(foreign_keys=shared_office_id)
    officer: Mapped["Officer"] = relationship(foreign_keys=officer_id)


class DefaultView(PrivateRecord):
    """The saved view that a list opens with for an officer."""

    desk = Desk.VIEWS
    title_columns = ("record_type",)
    __table_args__ = (UniqueConstraint("officer_id", "record_type"),)

    officer_id: Mapped[int] = reference("officer", ondelete="CASCADE", doc="Whose default")
    record_type: Mapped[str] = mapped_column(String(80), doc="List that opens with it")
    saved_view_id: Mapped[int] = reference(
        "saved_view", ondelete="CASCADE", doc="View it opens with, of whoever keeps it"
    )


class ListLayout(PrivateRecord):
    """The columns that an officer wants to see of a list, in their order, and how dense."""

    desk = Desk.VIEWS
    title_columns = ("record_type",)
    __table_args__ = (UniqueConstraint("officer_id", "record_type"),)

    officer_id: Mapped[int] = reference("officer", ondelete="CASCADE", doc="Whose layout")
    record_type: Mapped[str] = mapped_column(String(80), doc="List it is of")
    columns: Mapped[list[str]] = mapped_column(
        ARRAY(String(80)), server_default="{}", doc="Columns in their order; empty for the usual"
    )
    is_compact: Mapped[bool] = mapped_column(
        server_default=text("false"), doc="Whether rows stand close together"
    )


class Mail(OwnRecord):
    """A mail to an officer or an office, and what became of it. It holds no address and no text:
    a mail names grievances by their numbers and says what to do."""

    desk = Desk.MESSAGES
    read_only = True
    title_columns = ("state",)
    __table_args__ = (
        CheckConstraint("num_nonnulls(officer_id, office_id) = 1", name="to_one"),
        CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="sent_has_time"),
        CheckConstraint(
            "state NOT IN ('being_handed_over', 'sent', 'uncertain') OR handed_over_at IS NOT NULL",
            name="handed_over_has_time",
        ),
        CheckConstraint("tries >= 0", name="tries_not_negative"),
        Index("ix_mail_waits", "next_try_at", "id", postgresql_where=text("state = 'waiting'")),
        Index(
            "ix_mail_under_way",
            "handed_over_at",
            postgresql_where=text("state = 'being_handed_over'"),
        ),
    )

    officer_id: Mapped[int | None] = reference("officer", doc="Officer it is for")
    office_id: Mapped[int | None] = reference("office", doc="Office whose mailbox it is for")
    state: Mapped[MailState] = mapped_column(
        server_default="waiting", info=ACTION, doc="How far it is"
    )
    reference: Mapped[str] = mapped_column(
        String(80),
        unique=True,
        info=SYSTEM,
        server_default=text("gen_random_uuid()::text"),
        doc="Name by which mail servers tell it from others",
    )
    made_at: Mapped[Moment] = mapped_column(
        server_default=func.now(), info={"set_by": "system"}, doc="When it was made"
    )
    next_try_at: Mapped[Moment] = mapped_column(
        server_default=func.now(),
        info=SYSTEM | {"trail": False},
        doc="Before then it is not tried again",
    )
    tries: Mapped[int] = mapped_column(
        server_default="0", info=SYSTEM | {"trail": False}, doc="How often it was tried in vain"
    )
    handed_over_at: Mapped[Moment | None] = mapped_column(
        info=SYSTEM, doc="When the mail server was given its end"
    )
    sent_at: Mapped[Moment | None] = mapped_column(
        info={"set_by": "system"}, doc="When the mail server said that it has it"
    )
    failure: Mapped[str | None] = mapped_column(
        String(300), info=ACTION | DETAIL, doc="Why it was not taken, in a sentence"
    )

    officer: Mapped["Officer | None"] = relationship(foreign_keys=officer_id)
    office: Mapped["Office | None"] = relationship(foreign_keys=office_id)
    messages: Mapped[list["Message"]] = parts("mail")


class Message(OwnRecord):
    """What an officer or an office is told: a time that ends, or has ended, and what to do."""

    desk = Desk.MESSAGES
    read_only = True
    title_columns = ("kind",)
    __table_args__ = (
        CheckConstraint("num_nonnulls(officer_id, office_id) = 1", name="to_one"),
        CheckConstraint("mail_id IS NULL OR by_mail", name="mailed_if_wanted"),
        CheckConstraint("num_nonnulls(grievance_id, finding_id, notice_id) = 1", name="about_one"),
        Index("ix_message_unread", "officer_id", "id", postgresql_where=text("read_at IS NULL")),
        Index(
            "uq_message_lead_wanted_once",
            "grievance_id",
            "officer_id",
            unique=True,
            postgresql_where=text("kind = 'lead_official_needed'"),
        ),
        Index(
            "ix_message_to_mail",
            "officer_id",
            "office_id",
            "id",
            postgresql_where=text("by_mail AND mail_id IS NULL"),
        ),
    )

    officer_id: Mapped[int | None] = reference("officer", doc="Officer who is told")
    office_id: Mapped[int | None] = reference("office", doc="Office whose mailbox is told")
    grievance_id: Mapped[int | None] = reference(
        "grievance", ondelete="CASCADE", doc="Grievance it is about"
    )
    finding_id: Mapped[int | None] = reference(
        "finding", ondelete="CASCADE", doc="Finding it is about"
    )
    notice_id: Mapped[int | None] = reference(
        "supervision_notice", ondelete="CASCADE", doc="Supervision notice it is about"
    )
    kind: Mapped[MessageKind] = mapped_column(info=ACTION, doc="What it says")
    stage: Mapped[ClockStage | None] = mapped_column(info=ACTION, doc="What the time was for")
    due_at: Mapped[Moment | None] = mapped_column(
        info={"set_by": "system"}, doc="When the time ends or ended"
    )
    told_at: Mapped[Moment] = mapped_column(
        server_default=func.now(), info={"set_by": "system"}, doc="When it was written"
    )
    read_at: Mapped[Moment | None] = mapped_column(
        info=ACTION | {"trail": False}, doc="When it was read"
    )
    by_mail: Mapped[bool] = mapped_column(
        server_default=text("false"), info=SYSTEM, doc="Whether it goes out by mail as well"
    )
    mail_id: Mapped[int | None] = reference(
        "mail", info=SYSTEM | {"trail": False}, doc="Mail that it went out with"
    )

    officer: Mapped["Officer | None"] = relationship(foreign_keys=officer_id)
    office: Mapped["Office | None"] = relationship(foreign_keys=office_id)
    grievance: Mapped["Grievance | None"] = relationship(foreign_keys=grievance_id)
    finding: Mapped["Finding | None"] = relationship(foreign_keys=finding_id)
    notice: Mapped["SupervisionNotice | None"] = relationship(foreign_keys=notice_id)
    mail: Mapped["Mail | None"] = relationship(back_populates="messages", foreign_keys=mail_id)

    @property
    def about(self) -> About:
        """What kind of record it is about."""
        if self.grievance_id is not None:
            return About.GRIEVANCE
        return About.NOTICE if self.finding_id is None else About.FINDING

    @property
    def number(self) -> str | None:
        """The number of that record; None where whoever asks sees it no more."""
        if self.about is About.FINDING:
            return str(self.finding.id) if self.finding else None
        one = self.grievance if self.about is About.GRIEVANCE else self.notice
        return one.number if one else None


class ClockLook(db.Model):  # type: ignore[name-defined, misc]  # as Record
    """When a clock that runs is to be looked at next. A trigger writes it whenever the due time
    of a clock is set or moved; looking moves it on, until nothing more is to be told."""

    __table_args__ = (Index("ix_clock_look_due", "looks_at", "clock_id"),)

    clock_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("clock.id", ondelete="CASCADE"), primary_key=True
    )
    looks_at: Mapped[Moment] = mapped_column()


class ClockAlarm(db.Model):  # type: ignore[name-defined, misc]  # as Record
    """An alarm that was raised: once for each clock and due time, whatever raises it."""

    __table_args__ = (UniqueConstraint("clock_id", "name", "due_at"),)

    id: Mapped[int] = mapped_column(BigInteger, Serial(), primary_key=True)
    clock_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("clock.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(20))
    due_at: Mapped[Moment] = mapped_column()
    raised_at: Mapped[Moment] = mapped_column(server_default=func.now())


class RemedyAlarm(db.Model):  # type: ignore[name-defined, misc]  # as Record
    """The same for a remedy that was promised and is not done."""

    __table_args__ = (UniqueConstraint("remedy_id", "name", "due_at"),)

    id: Mapped[int] = mapped_column(BigInteger, Serial(), primary_key=True)
    remedy_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("remedy.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(20))
    due_at: Mapped[Moment] = mapped_column()
    raised_at: Mapped[Moment] = mapped_column(server_default=func.now())


class FindingAlarm(db.Model):  # type: ignore[name-defined, misc]  # as Record
    """The same for a finding to which an office owes a reply, or what it committed itself to."""

    __table_args__ = (UniqueConstraint("finding_id", "name", "due_at"),)

    id: Mapped[int] = mapped_column(BigInteger, Serial(), primary_key=True)
    finding_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("finding.id", ondelete="CASCADE")
    )
    name: Mapped[str] = mapped_column(String(20))
    due_at: Mapped[Moment] = mapped_column()
    raised_at: Mapped[Moment] = mapped_column(server_default=func.now())


class NoticeAlarm(db.Model):  # type: ignore[name-defined, misc]  # as Record
    """The same for a supervision notice without a reply."""

    __table_args__ = (UniqueConstraint("notice_id", "name", "due_at"),)

    id: Mapped[int] = mapped_column(BigInteger, Serial(), primary_key=True)
    notice_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("supervision_notice.id", ondelete="CASCADE")
    )
    name: Mapped[str] = mapped_column(String(20))
    due_at: Mapped[Moment] = mapped_column()
    raised_at: Mapped[Moment] = mapped_column(server_default=func.now())


class ImportBatch(ReferenceRecord):
    """One file brought in: what was in it and what became of each row."""

    desk = Desk.IMPORTS
    read_only = True
    title_columns = ("file_name",)
    __table_args__ = (
        CheckConstraint(
            "state <> 'imported' OR rows_read = "
            "rows_created + rows_updated + rows_unchanged + rows_repeated + rows_refused",
            name="every_row_accounted_for",
        ),
        CheckConstraint(
            "(state IN ('imported', 'failed')) = (finished_at IS NOT NULL)",
            name="finished_has_time",
        ),
    )

    file_name: Mapped[str] = mapped_column(doc="Name of the file")
    map_name: Mapped[str] = mapped_column(String(120), doc="Map that says what its columns mean")
    brings: Mapped[Brings] = mapped_column(
        server_default="grievances", doc="What its rows are: grievances or findings"
    )
    state: Mapped[ImportState] = mapped_column(
        server_default="uploaded", info=ACTION, doc="How far it is"
    )
    keeps_good_rows: Mapped[bool] = mapped_column(
        server_default=text("false"),
        doc="Whether good rows are kept when others are refused",
        info=DETAIL,
    )
    bytes_total: Mapped[int | None] = mapped_column(BigInteger, doc="Size of the file", info=SYSTEM)
    bytes_done: Mapped[int] = mapped_column(
        BigInteger, server_default="0", info=SYSTEM | {"trail": False}, doc="Bytes read so far"
    )
    rows_read: Mapped[int] = mapped_column(
        server_default="0", info={"trail": False}, doc="Rows in the file"
    )
    rows_created: Mapped[int] = mapped_column(server_default="0", doc="Records made")
    rows_updated: Mapped[int] = mapped_column(server_default="0", doc="Records changed")
    rows_unchanged: Mapped[int] = mapped_column(
        server_default="0", doc="Rows already in the register just so"
    )
    rows_repeated: Mapped[int] = mapped_column(
        server_default="0", doc="Rows that stand word for word earlier in the file"
    )
    rows_refused: Mapped[int] = mapped_column(server_default="0", doc="Rows not taken")
    summary: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB, info=SYSTEM, doc="What the check found: refusals, values, records to be made"
    )
    failure: Mapped[LongText | None] = mapped_column(
        info=DETAIL, doc="Why it did not go through, in a sentence"
    )
    finished_at: Mapped[Moment | None] = mapped_column(info=ACTION, doc="When it ended")

    grievances: Mapped[list["Grievance"]] = parts("import_batch")
    findings: Mapped[list["Finding"]] = parts("import_batch")


class ExportRecord(OwnRecord):
    """One file taken out: who, what, how many rows; written before the first byte leaves."""

    desk = Desk.EXPORTS
    read_only = True
    title_columns = ("file_name",)

    officer_id: Mapped[int] = reference("officer", doc="Officer who exported")
    record_type: Mapped[str] = mapped_column(String(80), doc="List that was exported")
    file_name: Mapped[str] = mapped_column(doc="Name of the file")
    format: Mapped[str] = mapped_column(String(10), doc="csv, xlsx or pdf")
    address: Mapped[LongText | None] = mapped_column(
        info=DETAIL, doc="Filters, search and sort it was taken with"
    )
    columns: Mapped[list[str]] = mapped_column(
        ARRAY(String(80)), info=DETAIL, doc="Columns that were in it"
    )
    rows: Mapped[int | None] = mapped_column(
        BigInteger, info=ACTION, doc="Rows that were in it; empty when it did not finish"
    )
    finished_at: Mapped[Moment | None] = mapped_column(info=ACTION, doc="When it was complete")

    officer: Mapped["Officer"] = relationship(foreign_keys=officer_id)


class OfficerSession(Record):
    """One log-in on one device; ends by log-out, time or revocation."""

    desk = Desk.SESSIONS
    read_only = True
    owner_path = "officer_id"
    title_columns = ("device",)

    officer_id: Mapped[int] = reference("officer", ondelete="CASCADE", doc="Whose log-in")
    token_hash: Mapped[bytes] = mapped_column(
        LargeBinary(32), unique=True, info={"secret": True}, doc="SHA-256 of the cookie"
    )
    device: Mapped[str] = mapped_column(info={"trail": "masked"}, doc="Browser as it names itself")
    address: Mapped[str | None] = mapped_column(
        String(60),
        info={"read": (Role.ADMINISTRATOR, Role.AUDITOR), "trail": "masked"},
        doc="Network address at log-in",
    )
    data: Mapped[dict[str, Any]] = mapped_column(
        JSONB,
        server_default="{}",
        info={"secret": True, "trail": False},
        doc="Messages waiting to be shown",
    )
    started_at: Mapped[Moment] = mapped_column(server_default=func.now(), doc="Log-in")
    seen_at: Mapped[Moment] = mapped_column(
        server_default=func.now(), info={"trail": False}, doc="Last request, to the minute"
    )
    ended_at: Mapped[Moment | None] = mapped_column(doc="Log-out, time out or revocation")

    officer: Mapped["Officer"] = relationship(foreign_keys=officer_id)


class RoleChange(Record):
    """Roles that one administrator asks for an officer and another approves; taking a role away
    needs nobody else. Written by functions of the database alone."""

    desk = Desk.ROLES
    read_only = True
    title_columns = ("kind", "state")
    __table_args__ = (
        CheckConstraint(
            "cardinality(roles) > 0 AND roles <@ ARRAY['" + "','".join(Role) + "']::varchar[]",
            name="known_roles",
        ),
        CheckConstraint(
            "decided_by_id <> asked_by_id AND decided_by_id <> officer_id",
            name="decided_by_another",
        ),
        CheckConstraint("(state = 'asked') = (ended_at IS NULL)", name="decided_has_time"),
        CheckConstraint("(kind = 'take') = (state = 'done')", name="taken_at_once"),
        CheckConstraint(
            "(state IN ('approved', 'refused')) = (decided_by_id IS NOT NULL)",
            name="role_decided_by_whom",
        ),
        CheckConstraint(
            "state <> 'refused' OR decision_reasons IS NOT NULL", name="refused_with_reasons"
        ),
        Index(
            "ix_role_change_one_open",
            "officer_id",
            unique=True,
            postgresql_where=text("state = 'asked'"),
        ),
    )

    officer_id: Mapped[int] = reference("officer", doc="Officer whose roles they are")
    kind: Mapped[RoleChangeKind] = mapped_column(doc="Whether roles are given or taken away")
    roles: Mapped[list[str]] = mapped_column(ARRAY(String(40)), doc="Roles it is about")
    reason: Mapped[LongText] = mapped_column(info=DETAIL, doc="Why the officer's work needs it")
    state: Mapped[RoleChangeState] = mapped_column(
        server_default="asked", info=ACTION, doc="How far it is"
    )
    asked_by_id: Mapped[int | None] = reference(
        "officer", doc="Administrator who asked; empty for a command on the server"
    )
    asked_at: Mapped[Moment] = mapped_column(server_default=func.now(), doc="When it was asked")
    decided_by_id: Mapped[int | None] = reference(
        "officer", info=ACTION, doc="Administrator who approved or refused"
    )
    ended_at: Mapped[Moment | None] = mapped_column(
        info=ACTION, doc="When it was decided or ended otherwise"
    )
    decision_reasons: Mapped[LongText | None] = mapped_column(
        info=ACTION | DETAIL, doc="Why it was refused"
    )

    officer: Mapped["Officer"] = relationship(foreign_keys=officer_id)
    asked_by: Mapped["Officer | None"] = relationship(foreign_keys=asked_by_id)
    decided_by: Mapped["Officer | None"] = relationship(foreign_keys=decided_by_id)


class SecondFactor(PrivateRecord):
    """The secret that an officer shares with the app on their telephone, in cipher."""

    desk = Desk.SESSIONS
    title_columns = ("id",)

    officer_id: Mapped[int] = mapped_column(
        BigInteger,
        ForeignKey("officer.id", ondelete="CASCADE"),
        unique=True,
        doc="Whose second factor",
    )
    secret: Mapped[bytes] = mapped_column(
        LargeBinary, info={"secret": True}, doc="Nonce and AES-256-GCM-SIV of the secret"
    )
    last_step: Mapped[int] = mapped_column(
        BigInteger,
        info={"secret": True, "trail": False},
        doc="Half minute of the last code that was taken: each works once",
    )


class RecoveryCode(PrivateRecord):
    """One of ten codes for the day the telephone is lost; each works once."""

    desk = Desk.SESSIONS
    title_columns = ("id",)
    __table_args__ = (UniqueConstraint("officer_id", "code_hash"),)

    officer_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("officer.id", ondelete="CASCADE"), doc="Whose code"
    )
    code_hash: Mapped[bytes] = mapped_column(
        LargeBinary(32), info={"secret": True}, doc="Keyed SHA-256 of the code"
    )
    used_at: Mapped[Moment | None] = mapped_column(doc="When it was used; then it is spent")


class LoginAttempt(db.Model):  # type: ignore[name-defined, misc]  # as Record
    """A failed log-in, kept for as long as it counts against the next (promise B6). Account and
    address are hashed: people type passwords into the wrong field."""

    __table_args__ = (
        Index("ix_login_attempt_account", "account_hash", "at"),
        Index("ix_login_attempt_address", "address_hash", "at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Serial(), primary_key=True)
    account_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    address_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    at: Mapped[Moment] = mapped_column(server_default=func.now())


class AuditEntry(Record):
    """One change or one act: who, when, what, before and after. Written by the database, never
    changed; a partition for each month, and a chain over all of them."""

    desk = Desk.TRAIL
    read_only = True
    title_columns = ("verb", "record_type")
    __mapper_args__ = {"primary_key": ["id"]}  # the number alone; the month is the table's need
    __table_args__ = (
        Index("ix_audit_entry_id", "id"),
        Index("ix_audit_entry_record", "record_id", "record_type", "id"),
        Index(
            "ix_audit_entry_request",
            "request_id",
            "id",
            postgresql_where=text("request_id IS NOT NULL"),
        ),
        {"postgresql_partition_by": "RANGE (at)"},
    )

    at: Mapped[Moment] = mapped_column(
        primary_key=True, server_default=func.clock_timestamp(), doc="When it happened"
    )
    officer_id: Mapped[int | None] = mapped_column(
        BigInteger,
        ForeignKey("officer.id", ondelete="RESTRICT"),
        doc="Officer who did it; empty for the system",
    )
    verb: Mapped[AuditVerb] = mapped_column(doc="What was done")
    record_type: Mapped[str] = mapped_column(
        String(80), info={"search": False}, doc="Kind of record"
    )
    record_id: Mapped[int | None] = mapped_column(
        BigInteger, doc="Number of the record", info={"sort": False}
    )
    request_id: Mapped[str | None] = mapped_column(
        String(40), info=DETAIL, doc="Request or command it came from"
    )
    changes: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB, doc="Each changed field: before and after"
    )
    block_id: Mapped[int] = mapped_column(
        BigInteger, info={"secret": True}, doc="Block of the chain it is sealed in"
    )
    digest: Mapped[bytes] = mapped_column(
        LargeBinary(32), info={"secret": True}, doc="SHA-256 of the entry"
    )

    officer: Mapped["Officer | None"] = relationship(foreign_keys=officer_id)


class AuditOpen(db.Model):  # type: ignore[name-defined, misc]  # as Record
    """The block that an open transaction writes its entries into; gone when it commits."""

    __table_args__ = (Index("ix_audit_open_transaction", "transaction_id"),)

    block_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    transaction_id: Mapped[int] = mapped_column(BigInteger)


class AuditBlock(db.Model):  # type: ignore[name-defined, misc]  # as Record
    """A link of the chain: the entries of one transaction, sealed when it committed."""

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    block_id: Mapped[int] = mapped_column(BigInteger, unique=True)
    opened_at: Mapped[Moment] = mapped_column()
    sealed_at: Mapped[Moment] = mapped_column()
    entries: Mapped[int] = mapped_column(BigInteger)
    ids: Mapped[Any] = mapped_column(INT8MULTIRANGE)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    previous: Mapped[bytes] = mapped_column(LargeBinary(32))
    hash: Mapped[bytes] = mapped_column(LargeBinary(32))


class AuditHead(db.Model):  # type: ignore[name-defined, misc]  # as Record
    """The end of the chain, one row: what is taken away from there leaves it pointing at
    nothing. Whoever seals a block holds it."""

    __table_args__ = (
        CheckConstraint("id = 1", name="one_end"),
        {"postgresql_with": {"fillfactor": 10}},
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(BigInteger)
    entries: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[bytes] = mapped_column(LargeBinary(32))


_MONTH = re.compile(r"audit_entry_(\d{4}_\d\d|rest)")


def is_partition(table: str) -> bool:
    """Return whether the table of this name is a month of the trail, which no model describes."""
    return _MONTH.fullmatch(table) is not None

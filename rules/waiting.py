"""What waits on whom: one table of kinds.

A kind is a list that somebody is to work off. Its `filters` are those of the list of its record
type, word for word, so that the list behind the link shows what was counted; `{me}`, `{office}`,
`{today}`, `{yesterday}`, `{tomorrow}` and `{next_week}` stand for what the query fills in.

No kind says anything of who complained, and none gets shorter when fewer people do: it gets
shorter when the work is done (domain.md section 1).
"""

import enum
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from rules import casework, mark
from rules.accounts import REQUEST_LASTS, RoleChangeState
from rules.clock_words import Clock
from rules.grievance import (
    AppealState,
    DecisionState,
    GrievanceState,
    RemedyState,
    ReportState,
    RequestState,
    StepState,
)
from rules.offices import DayKind
from rules.permissions import Role
from rules.records import AuditVerb, Brings, ImportState
from rules.reprimand import RectificationState, ReprimandState
from rules.rhythm import ReturnState
from rules.supervision import FindingState, NoticeState
from rules.visits import NOT_OVER

MOST = 100
"""So far the things of a kind are counted."""
SHOWN = 8
"""So many of a kind stand on the page; the list has the others."""


class Place(enum.Enum):
    """Where the next step is taken; a form that the officer may not open is the record's page."""

    RECORD = "record"
    FORM = "form"
    IMPORT = "import"
    LEAVING = "leaving"
    STEP = "step"
    DECISION = "decision"
    CONFERENCE = "conference"


@dataclass(frozen=True)
class Kind:
    """One kind of thing that waits on officers of `roles`.

    `record` is the table of its record type, `words` the heading, `step` the label of the one next
    step, taken at `place`. Paths go along relations: "grievance.due_at".

    `clock`      path of the date, `lasts` what is added to it
    `named`      paths of the columns that name a thing; empty: as its record type says
    `office`     path of the relation to the office it is about
    `stands`     path of the state of another record, and how it must stand
    `here`       path of an office that must be the officer's own
    `among`      path of a supervision group that must be one of the officer's
    `never_by`   paths of officers, none of whom may be this one: nobody decides in their own matter
    `away_from`  path of an office of whose line the officer must not be
    `is_left`    only officers who are gone and still hold something
    `is_listed`  False: counted, with the way to the list, and not item by item
    """

    name: str
    record: str
    words: str
    roles: frozenset[Role]
    filters: tuple[tuple[str, str], ...]
    step: str
    place: Place = Place.RECORD
    clock: str = ""
    means: Clock = Clock.DUE
    lasts: timedelta | None = None
    named: tuple[str, ...] = ()
    office: str = ""
    stands: tuple[str, enum.StrEnum] | None = None
    here: str = ""
    among: str = ""
    never_by: tuple[str, ...] = ()
    away_from: str = ""
    is_left: bool = False
    is_listed: bool = True


UNANSWERED = ",".join(casework.UNANSWERED)
TO_ROUTE = ",".join(casework.TO_ROUTE)
MINE, MY_OFFICE = "{me}", "{office}"
OF_A_GRIEVANCE = ("grievance.number", "grievance.title")
WHO_WORKED_ON_IT = ("grievance.handler_id", "grievance.lead_official_id")
EVERYBODY = frozenset(Role)


def _roles(*roles: Role) -> frozenset[Role]:
    return frozenset(roles)


_INTAKE = (
    Kind(
        "to_route",
        "grievance",
        mark("Grievances to route"),
        _roles(Role.INTAKE),
        (("state_equals", TO_ROUTE),),
        mark("Choose the office"),
        clock="due_at",
        office="respondent_office",
    ),
    Kind(
        "objections",
        "routing_objection",
        mark("Objections to routing"),
        _roles(Role.INTAKE),
        (("state_equals", RequestState.ASKED), ("asked_by_not_equals", MINE)),
        mark("Read the objection"),
        clock="grievance.due_at",
        named=OF_A_GRIEVANCE,
        office="office",
    ),
)

_HANDLER = (
    Kind(
        "to_answer",
        "grievance",
        mark("Grievances to answer"),
        _roles(Role.HANDLER),
        (("handler_equals", MINE), ("state_equals", UNANSWERED)),
        mark("Write the answer"),
        clock="due_at",
        office="responsible_office",
    ),
    Kind(
        "steps",
        "plan_step",
        mark("Steps of plans"),
        EVERYBODY,
        (("officer_equals", MINE), ("state_equals", StepState.PLANNED)),
        mark("Open the step"),
        Place.STEP,
        clock="due_on",
        named=("subject", "grievance.number"),
        office="grievance.responsible_office",
    ),
    Kind(
        "drafts",
        "decision",
        mark("Decisions in draft"),
        _roles(Role.HANDLER, Role.OFFICE_HEAD, Role.DECIDER),
        (("drafted_by_equals", MINE), ("state_equals", DecisionState.DRAFT)),
        mark("Go on writing"),
        Place.DECISION,
        clock="grievance.due_at",
        named=("subject", "grievance.number"),
        office="grievance.responsible_office",
    ),
)

_TO_APPROVE = {
    "record": "decision",
    "filters": (("state_equals", DecisionState.PROPOSED), ("drafted_by_not_equals", MINE)),
    "step": mark("Read and approve"),
    "place": Place.DECISION,
    "clock": "grievance.due_at",
    "named": ("subject", "grievance.number"),
    "office": "grievance.responsible_office",
}

_OFFICE_HEAD = (
    Kind(
        "to_approve_in_office",
        words=mark("Decisions to approve"),
        roles=_roles(Role.OFFICE_HEAD),
        here="grievance.responsible_office_id",
        **_TO_APPROVE,  # type: ignore[arg-type]
    ),
    Kind(
        "without_handler",
        "grievance",
        mark("Grievances without a handler"),
        _roles(Role.OFFICE_HEAD),
        (
            ("responsible_office_equals", MY_OFFICE),
            ("handler_empty", ""),
            ("state_equals", UNANSWERED),
        ),
        mark("Name a handler"),
        clock="due_at",
        office="responsible_office",
    ),
    Kind(
        "extensions_of_the_office",
        "extension",
        mark("Requests for more time"),
        _roles(Role.OFFICE_HEAD),
        (("state_equals", RequestState.ASKED), ("asked_by_not_equals", MINE)),
        mark("Read the request"),
        clock="grievance.due_at",
        named=OF_A_GRIEVANCE,
        office="grievance.responsible_office",
        here="grievance.responsible_office_id",
    ),
    Kind(
        "objections_of_the_office",
        "routing_objection",
        mark("Objections of your office"),
        _roles(Role.OFFICE_HEAD),
        (
            ("state_equals", RequestState.ASKED),
            ("office_equals", MY_OFFICE),
            ("asked_by_not_equals", MINE),
        ),
        mark("Read the objection"),
        clock="grievance.due_at",
        named=OF_A_GRIEVANCE,
        office="office",
    ),
    Kind(
        "notices_to_answer",
        "supervision_notice",
        mark("Notices to reply to"),
        _roles(Role.OFFICE_HEAD),
        (("office_equals", MY_OFFICE), ("state_equals", NoticeState.ISSUED)),
        mark("Read the notice"),
        clock="reply_due_on",
        office="office",
    ),
    Kind(
        "findings_to_reply",
        "finding",
        mark("Findings to reply to"),
        _roles(Role.OFFICE_HEAD),
        (
            ("office_equals", MY_OFFICE),
            ("state_equals", f"{FindingState.NOTIFIED},{FindingState.RECEIVED}"),
        ),
        mark("Read the finding"),
        clock="reply_due_on",
        office="office",
    ),
    Kind(
        "findings_to_put_right",
        "finding",
        mark("Findings to put right"),
        _roles(Role.OFFICE_HEAD, Role.HANDLER),
        (("office_equals", MY_OFFICE), ("state_equals", FindingState.UNDER_WAY)),
        mark("Say when it is done"),
        clock="due_on",
        office="office",
    ),
    Kind(
        "reprimands_to_answer",
        "reprimand",
        mark("Reprimands to reply to"),
        _roles(Role.OFFICE_HEAD),
        (("office_equals", MY_OFFICE), ("state_equals", ReprimandState.SERVED)),
        mark("Read the reprimand"),
        clock="reply_due_on",
        office="office",
    ),
    Kind(
        "circulations",
        "circulation",
        mark("Circulations to acknowledge"),
        _roles(Role.OFFICE_HEAD),
        (("office_equals", MY_OFFICE), ("acknowledged_on_empty", "")),
        mark("Read it"),
        clock="sent_on",
        means=Clock.WAITS,
        named=("reprimand.number", "reprimand.subject"),
        office="reprimand.office",
    ),
    Kind(
        "returns",
        "daily_return",
        mark("Daily returns to write"),
        _roles(Role.OFFICE_HEAD),
        (("office_equals", MY_OFFICE), ("state_equals", ReturnState.DUE)),
        mark("Fill it in"),
        Place.FORM,
        clock="day",
        office="office",
    ),
    Kind(
        "remedies",
        "remedy",
        mark("Remedies promised"),
        _roles(Role.OFFICE_HEAD),
        (("office_equals", MY_OFFICE), ("state_equals", RemedyState.PROMISED)),
        mark("Open the remedy"),
        clock="due_on",
        office="office",
    ),
    Kind(
        "rectifications",
        "rectification",
        mark("Rectifications planned"),
        _roles(Role.OFFICE_HEAD),
        (("state_equals", RectificationState.PLANNED),),
        mark("Open the plan"),
        clock="due_on",
        office="reprimand.office",
        here="reprimand.office_id",
    ),
)

_LEAD_OFFICIAL = (
    Kind(
        "led_by_me",
        "grievance",
        mark("Grievances you lead"),
        _roles(Role.LEAD_OFFICIAL),
        (("lead_official_equals", MINE), ("state_equals", UNANSWERED)),
        mark("Look into it"),
        clock="due_at",
        office="responsible_office",
    ),
    Kind(
        "remedies_to_verify",
        "remedy",
        mark("Remedies to verify"),
        _roles(Role.LEAD_OFFICIAL, Role.SUPERVISOR, Role.INTAKE),
        (("state_equals", RemedyState.DONE), ("done_by_not_equals", MINE)),
        mark("See whether it is so"),
        clock="done_on",
        means=Clock.WAITS,
        office="office",
        stands=("grievance.state", GrievanceState.REMEDY),
    ),
    Kind(
        "reception_days",
        "reception_day",
        mark("Days on which you receive the public"),
        _roles(Role.LEAD_OFFICIAL, Role.OFFICE_HEAD),
        (("leader_equals", MINE), ("ends_at_after", "{yesterday}")),
        mark("Open the day"),
        clock="starts_at",
        means=Clock.HAPPENS,
        named=("name", "place"),
        office="office",
    ),
    Kind(
        "conferences",
        "joint_conference",
        mark("Conferences you chair"),
        _roles(Role.LEAD_OFFICIAL, Role.OFFICE_HEAD, Role.HANDLER),
        (("chair_equals", MINE), ("conclusion_empty", "")),
        mark("Write down what was agreed"),
        Place.CONFERENCE,
        clock="meets_at",
        means=Clock.HAPPENS,
        named=("subject", "grievance.number"),
        office="office",
    ),
)

_SUPERVISOR = (
    Kind(
        "to_verify",
        "rectification",
        mark("Rectifications to verify"),
        _roles(Role.SUPERVISOR),
        (("state_equals", RectificationState.CLAIMED), ("claimed_by_not_equals", MINE)),
        mark("See whether it is so"),
        clock="claimed_on",
        means=Clock.WAITS,
        office="reprimand.office",
    ),
    Kind(
        "notices_without_reply",
        "supervision_notice",
        mark("Notices without a reply"),
        _roles(Role.SUPERVISOR),
        (("state_equals", NoticeState.ISSUED),),
        mark("Open the notice"),
        clock="reply_due_on",
        office="office",
        among="group_id",
    ),
    Kind(
        "replies",
        "supervision_notice",
        mark("Replies to notices"),
        _roles(Role.SUPERVISOR),
        (("state_equals", NoticeState.REPLIED),),
        mark("Read the reply"),
        clock="replied_on",
        means=Clock.WAITS,
        office="office",
        among="group_id",
    ),
    Kind(
        "finding_replies",
        "finding",
        mark("Replies to findings"),
        _roles(Role.SUPERVISOR),
        (("state_equals", FindingState.REPLIED), ("replied_by_not_equals", MINE)),
        mark("Read the reply"),
        clock="replied_on",
        means=Clock.WAITS,
        office="office",
        among="group_id",
    ),
    Kind(
        "findings_to_verify",
        "finding",
        mark("Findings to verify"),
        _roles(Role.SUPERVISOR),
        (("state_equals", FindingState.CLAIMED), ("claimed_by_not_equals", MINE)),
        mark("See whether it is so"),
        clock="claimed_on",
        means=Clock.WAITS,
        office="office",
        among="group_id",
    ),
    Kind(
        "findings_overdue",
        "finding",
        mark("Findings that are overdue"),
        _roles(Role.SUPERVISOR),
        (("state_equals", FindingState.UNDER_WAY), ("due_on_overdue", "")),
        mark("Look into it"),
        clock="due_on",
        office="office",
        among="group_id",
    ),
    Kind(
        "postponements",
        "finding_postponement",
        mark("More time for findings"),
        _roles(Role.SUPERVISOR),
        (("state_equals", RequestState.ASKED), ("asked_by_not_equals", MINE)),
        mark("Read the request"),
        clock="asked_on",
        means=Clock.WAITS,
        named=("finding.subject", "to_on"),
        office="finding.office",
    ),
    Kind(
        "notice_extensions",
        "notice_extension",
        mark("More time for notices"),
        _roles(Role.SUPERVISOR),
        (("state_equals", RequestState.ASKED), ("asked_by_not_equals", MINE)),
        mark("Read the request"),
        clock="asked_on",
        means=Clock.WAITS,
        named=("notice.number", "to_on"),
        office="notice.office",
    ),
    Kind(
        "inspections",
        "inspection",
        mark("Visits you are in charge of"),
        _roles(Role.SUPERVISOR),
        (("inspector_equals", MINE), ("state_equals", ",".join(NOT_OVER))),
        mark("Open the visit"),
        clock="planned_on",
        means=Clock.HAPPENS,
        office="office",
    ),
    Kind(
        "to_check",
        "reprimand",
        mark("Reprimands to check"),
        _roles(Role.SUPERVISOR),
        (("state_equals", ReprimandState.DRAFT), ("drafted_by_not_equals", MINE)),
        mark("Read the draft"),
        clock="created_at",
        means=Clock.WAITS,
        office="office",
        never_by=("official_id",),
    ),
    Kind(
        "assignments",
        "supervision_assignment",
        mark("Assignments that end"),
        _roles(Role.SUPERVISOR),
        (("ends_on_next_days", "30"),),
        mark("Let it end or go on"),
        Place.FORM,
        clock="ends_on",
        means=Clock.HAPPENS,
        named=("group.name",),
        office="office",
        among="group_id",
    ),
)

_NEVER_DECIDES = ("drafted_by_id", "checked_by_id", "official_id", "evidence.grievance.handler_id")
_REPRIMAND = {
    "record": "reprimand",
    "roles": _roles(Role.DECIDER),
    "means": Clock.WAITS,
    "office": "office",
    "never_by": (*_NEVER_DECIDES, "evidence.grievance.lead_official_id"),
    "away_from": "office_id",
}

_DECIDER = (
    Kind(
        "to_approve",
        words=mark("Decisions to approve"),
        roles=_roles(Role.DECIDER),
        away_from="grievance.respondent_office_id",
        **_TO_APPROVE,  # type: ignore[arg-type]
    ),
    Kind(
        "appeals",
        "appeal",
        mark("Appeals to decide"),
        _roles(Role.DECIDER),
        (("state_equals", AppealState.FILED), ("first_decider_not_equals", MINE)),
        mark("Read the appeal"),
        clock="due_on",
        named=("subject", "decision.grievance.number"),
        office="decision.grievance.responsible_office",
        never_by=(
            "decision.drafted_by_id",
            "decision.decided_by_id",
            "decision.grievance.handler_id",
            "decision.grievance.lead_official_id",
        ),
        away_from="decision.grievance.respondent_office_id",
    ),
    Kind(
        "extensions",
        "extension",
        mark("Requests for more time"),
        _roles(Role.DECIDER),
        (("state_equals", RequestState.ASKED), ("asked_by_not_equals", MINE)),
        mark("Read the request"),
        clock="grievance.due_at",
        named=OF_A_GRIEVANCE,
        office="grievance.responsible_office",
        never_by=WHO_WORKED_ON_IT,
        away_from="grievance.responsible_office_id",
    ),
    Kind(
        name="reprimands_answered",
        words=mark("Reprimands to decide"),
        filters=(("state_equals", ReprimandState.REPLIED),),
        step=mark("Read the reply"),
        clock="replied_on",
        **_REPRIMAND,  # type: ignore[arg-type]
    ),
    Kind(
        name="reprimands_unanswered",
        words=mark("Reprimands to decide without a reply"),
        filters=(("state_equals", ReprimandState.SERVED), ("reply_due_on_before", "{today}")),
        step=mark("Read the reprimand"),
        clock="reply_due_on",
        **_REPRIMAND,  # type: ignore[arg-type]
    ),
    Kind(
        "appeals_against_reprimands",
        "reprimand_appeal",
        mark("Appeals against reprimands"),
        _roles(Role.DECIDER),
        (
            ("state_equals", AppealState.FILED),
            ("first_decider_not_equals", MINE),
            ("filed_by_not_equals", MINE),
        ),
        mark("Read the appeal"),
        clock="due_on",
        office="reprimand.office",
        never_by=(
            "reprimand.drafted_by_id",
            "reprimand.checked_by_id",
            "reprimand.decided_by_id",
            "reprimand.official_id",
        ),
        away_from="reprimand.office_id",
    ),
    Kind(
        "retaliation",
        "retaliation_report",
        mark("Reports of retaliation"),
        _roles(Role.DECIDER),
        (("state_equals", ReportState.REPORTED),),
        mark("Read the report"),
        clock="reported_on",
        means=Clock.WAITS,
        office="office",
        never_by=WHO_WORKED_ON_IT,
        away_from="office_id",
    ),
)

_ADMINISTRATOR = (
    Kind(
        "role_requests",
        "role_change",
        mark("Roles to approve"),
        _roles(Role.ADMINISTRATOR),
        (
            ("state_equals", RoleChangeState.ASKED),
            ("asked_by_not_equals", MINE),
            ("officer_not_equals", MINE),
        ),
        mark("Approve or refuse"),
        clock="asked_at",
        means=Clock.LAPSES,
        lasts=REQUEST_LASTS,
        named=("officer.name", "roles"),
        office="officer.office",
    ),
    Kind(
        "imports_to_finish",
        "import_batch",
        mark("Files that are checked and not brought in"),
        _roles(Role.ADMINISTRATOR, Role.INTAKE),
        (("state_equals", ImportState.CHECKED), ("brings_equals", Brings.GRIEVANCES)),
        mark("See what was found"),
        Place.IMPORT,
        clock="created_at",
        means=Clock.WAITS,
    ),
    Kind(
        "imports_stopped",
        "import_batch",
        mark("Imports that stopped"),
        _roles(Role.ADMINISTRATOR, Role.INTAKE),
        (
            ("state_equals", ImportState.FAILED),
            ("finished_at_last_days", "14"),
            ("brings_equals", Brings.GRIEVANCES),
        ),
        mark("See why"),
        Place.IMPORT,
        clock="finished_at",
        means=Clock.WAITS,
    ),
    Kind(
        "left_behind",
        "officer",
        mark("Work of officers who have left"),
        _roles(Role.ADMINISTRATOR),
        (("left_on_before", "{tomorrow}"),),
        mark("See what is to be taken over"),
        Place.LEAVING,
        clock="left_on",
        means=Clock.WAITS,
        office="office",
        is_left=True,
    ),
)

_AUDITOR = (
    Kind(
        "openings",
        "audit_entry",
        mark("Identities opened in the last 7 days"),
        _roles(Role.AUDITOR),
        (("verb_equals", AuditVerb.OPEN), ("at_last_days", "7")),
        mark("Look at them"),
        clock="at",
        means=Clock.WAITS,
        is_listed=False,
    ),
)

_ON_DUTY = (
    Kind(
        "shifts",
        "duty_shift",
        mark("Your shifts"),
        EVERYBODY,
        (
            ("officer_equals", MINE),
            ("ends_at_after", "{yesterday}"),
            ("starts_at_before", "{next_week}"),
        ),
        mark("Open the shift"),
        clock="starts_at",
        means=Clock.HAPPENS,
        office="office",
    ),
)

KINDS = (
    *(*_INTAKE, *_HANDLER, *_OFFICE_HEAD, *_LEAD_OFFICIAL, *_SUPERVISOR),
    *(*_DECIDER, *_ADMINISTRATOR, *_AUDITOR, *_ON_DUTY),
)


def kinds_for(roles: frozenset[Role]) -> list[Kind]:
    """Return the kinds that wait on an officer of these roles, in the order of the table."""
    return [kind for kind in KINDS if kind.roles & roles]


def expects_return(day: date, differs: DayKind | None) -> bool:
    """Return whether offices owe a return about `day`; `differs` is what the calendar says of a
    day that is not as its weekday."""
    if differs is not None:
        return differs is DayKind.MAKE_UP
    return day.weekday() < 5


ROOT_DAYS, VERIFIED_DAYS = 2, 7


def fault_of_watch(
    signed_at: datetime | None, verified_at: datetime | None, now: datetime, *, is_whole: bool
) -> str:
    """Return what an auditor is to be told of the watch over the trail, "" where all is well: its
    root is signed each day, and the whole is verified each week, both by commands."""
    if not is_whole:
        return mark("The audit trail is not whole.")
    if signed_at is None:
        return mark("No root of the audit trail is signed yet.")
    if verified_at is None:
        return mark("The audit trail was never verified.")
    if now - signed_at > timedelta(days=ROOT_DAYS):
        return mark("The last root of the audit trail was signed more than 2 days ago.")
    if now - verified_at > timedelta(days=VERIFIED_DAYS):
        return mark("The audit trail was last verified more than 7 days ago.")
    return ""

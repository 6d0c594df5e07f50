"""A plain record of each type: `make_grievance(title="No water")`. Flushed, never committed.

What a record needs is made with it; name a field to have your own value in it. The function for a
record type is called after its table, so `make_any(model)` finds it.
"""

import os
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import count
from typing import Any

from argon2 import PasswordHasher
from sqlalchemy import func, select

from access import sign_ticket
from actions import accounts
from actions.trail import note
from models import (
    AccountabilityAction,
    Appeal,
    Area,
    AssignmentChange,
    AssignmentProposal,
    AuditEntry,
    CalendarDay,
    Category,
    ChecklistQuestion,
    ChecklistTemplate,
    Circulation,
    Clock,
    ClockEntry,
    ConferenceOffice,
    DailyReturn,
    Decision,
    DecisionPoint,
    DefaultView,
    Document,
    DutyShift,
    ExportRecord,
    Extension,
    Feedback,
    Finding,
    FindingPostponement,
    Grievance,
    GrievanceCode,
    GrievanceLink,
    GrievanceRecusal,
    GroupMembership,
    Identity,
    IdentityKey,
    IdentityOpening,
    IdentityRequest,
    ImpartialityOverride,
    ImportBatch,
    Inspection,
    InspectionAnswer,
    InspectionDocument,
    InspectionStratum,
    JointConference,
    Letter,
    LetterTemplate,
    ListLayout,
    Mail,
    Message,
    News,
    NoticeExtension,
    NoticePaper,
    NumberSeries,
    Office,
    Officer,
    OfficerSession,
    Pause,
    PlanStep,
    ProposedAssignment,
    Reception,
    ReceptionDay,
    Record,
    RecoveryCode,
    Rectification,
    Recusal,
    Remedy,
    Reprimand,
    ReprimandAppeal,
    ReprimandEvidence,
    ReprimandReply,
    RetaliationReport,
    RoleChange,
    RoutingObjection,
    RulePack,
    SampledGrievance,
    SavedView,
    SecondFactor,
    ServiceStandard,
    SupervisionAssignment,
    SupervisionGroup,
    SupervisionNotice,
    SupervisionPolicy,
    Target,
    WorkCalendar,
    db,
)
from rules.accounts import RoleChangeKind
from rules.alarms import MessageKind
from rules.deadlines import Rule
from rules.grievance import (
    AsideGround,
    DocumentKind,
    LetterKind,
    LetterLanguage,
    LinkKind,
    NewsWay,
    PauseGround,
    PointFinding,
)
from rules.identity import Duty, IdentityField, OpeningGround
from rules.impartiality import Act
from rules.ledger import Entry, EntryKind
from rules.ledger_text import to_json
from rules.offices import AreaLevel, ClockStage, ClockUnit, DayKind, OfficeLevel
from rules.permissions import Role
from rules.records import AuditVerb
from rules.reprimand import Ground
from rules.rhythm import Measure
from rules.supervision import ChangeKind, FindingSeverity, ProposalState, RecusalGround
from rules.visits import AnswerKind

# To check a password is 0.2 s of work, on purpose. Here it is next to none, but for the tests of
# that purpose (`dear` in tests/views/test_account.py) and in servers with a process of their own.
DEAR = accounts.HASHER
accounts.HASHER = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)

PASSWORD = "five quiet herons over the weir"
SECRET = "for-tests-" * 4
DAY = date(2026, 3, 2)  # a Monday
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)

_number = count(1)


def act_as(officer_id: int, request: str = "") -> None:
    """Have what follows in this transaction done by this officer; 0 for the system."""
    ticket = sign_ticket(SECRET, officer_id)
    db.session.execute(
        select(
            func.set_config("redress.ticket", ticket, True),
            func.set_config("redress.request_id", request, True),
        )
    )


@cache
def password_hash() -> str:
    """Return the hash of PASSWORD, made once."""
    return accounts.HASHER.hash(PASSWORD)


def _make(model: type[Any], given: dict[str, Any], **usual: Any) -> Any:
    """Add a record of `usual` values, those of `given` going first. A function among the usual
    values is called only when its value is needed."""
    values = dict(given)
    for key, value in usual.items():
        if key not in given and key.removesuffix("_id") not in given:
            values[key] = value() if callable(value) else value
    record = model(**values)
    db.session.add(record)
    db.session.flush()
    return record


def _id(factory: Callable[..., Any], **values: Any) -> Callable[[], int]:
    return lambda: int(factory(**values).id)


def make_any(model: type[Record], **given: Any) -> Any:
    """Return a new record of `model`."""
    return globals()[f"make_{model.__tablename__}"](**given)


# --- Offices ---------------------------------------------------------------------------------


def make_office(**given: Any) -> Office:
    n = next(_number)
    return _make(
        Office, given, name=f"Office {n}", code=f"office-{n}", level=OfficeLevel.DEPARTMENT
    )


def make_officer(**given: Any) -> Officer:
    """Return an officer with PASSWORD, a handler of a new office if nothing else is said."""
    n = next(_number)
    return _make(
        Officer,
        given,
        name=f"Officer {n}",
        username=f"officer{n}",
        office_id=_id(make_office),
        roles=[Role.HANDLER],
        password_hash=password_hash,
    )


def make_area(**given: Any) -> Area:
    return _make(Area, given, name=f"Area {next(_number)}", level=AreaLevel.COMMUNITY)


def make_category(**given: Any) -> Category:
    return _make(Category, given, name=f"Category {next(_number)}")


def make_service_standard(**given: Any) -> ServiceStandard:
    return _make(
        ServiceStandard,
        given,
        name=f"Standard {next(_number)}",
        pack="test",
        stage=ClockStage.DECIDE,
        amount=10,
        unit=ClockUnit.WORKING_DAYS,
    )


def make_rule_pack(**given: Any) -> RulePack:
    number = next(_number)
    return _make(RulePack, given, name=f"Pack {number}", code=f"pack-{number}", source="A law")


def make_work_calendar(**given: Any) -> WorkCalendar:
    """A draft of Monday to Friday, from nine to five in London."""
    usual = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), "09:00-17:00")
    return _make(
        WorkCalendar,
        given,
        calendar_version=lambda: next(_number),
        zone="Europe/London",
        reason="The usual week",
        **usual,
    )


def make_calendar_day(**given: Any) -> CalendarDay:
    return _make(
        CalendarDay,
        given,
        name="Holiday",
        kind=DayKind.HOLIDAY,
        day=lambda: DAY + timedelta(days=next(_number)),
    )


# --- Grievances ------------------------------------------------------------------------------


def make_grievance(**given: Any) -> Grievance:
    """Return a grievance; one that is withdrawn has a statement, as the table wants it."""
    usual = {"withdrawal_statement": "It is done."} if given.get("withdrawn_at") else {}
    return _make(Grievance, given, title=f"No water since Monday, {next(_number)}", **usual)


def make_identity(**given: Any) -> Identity:
    return _make(
        Identity,
        given,
        grievance_id=_id(make_grievance),
        key_version=1,
        **{field.value: lambda: os.urandom(92) for field in IdentityField},
    )


def make_identity_key(**given: Any) -> IdentityKey:
    return _make(
        IdentityKey,
        given,
        grievance_id=_id(make_grievance),
        key_version=1,
        kek_version=1,
        wrapped=lambda: os.urandom(60),
    )


def make_identity_request(**given: Any) -> IdentityRequest:
    return _make(
        IdentityRequest,
        given,
        grievance_id=_id(make_grievance),
        officer_id=_id(make_officer),
        duty=Duty.INTAKE,
        ground=OpeningGround.ANSWER,
        reason="To send the answer",
    )


def make_identity_opening(**given: Any) -> IdentityOpening:
    return _make(
        IdentityOpening,
        given,
        grievance_id=_id(make_grievance),
        officer_id=_id(make_officer),
        office_id=_id(make_office),
        duty=Duty.INTAKE,
        ground=OpeningGround.ANSWER,
        reason="To send the answer",
        ends_at=lambda: datetime.now(UTC) + timedelta(minutes=5),
    )


def make_grievance_code(**given: Any) -> GrievanceCode:
    return _make(
        GrievanceCode, given, grievance_id=_id(make_grievance), code_hash=lambda: os.urandom(32)
    )


def make_news(**given: Any) -> News:
    return _make(
        News,
        given,
        grievance_id=_id(make_grievance),
        way=NewsWay.PHONE,
        told_at=NOON,
        told_by_id=_id(make_officer),
    )


def make_plan_step(**given: Any) -> PlanStep:
    return _make(
        PlanStep, given, grievance_id=_id(make_grievance), subject="Visit the site", due_on=DAY
    )


def make_clock(**given: Any) -> Clock:
    """A clock with the beginning of its ledger. What happens to clocks is in actions/clocks.py."""
    clock = _make_bare_clock(**given)
    make_clock_entry(clock_id=clock.id)
    return clock


def _make_bare_clock(**given: Any) -> Clock:
    return _make(
        Clock,
        given,
        grievance_id=_id(make_grievance),
        stage=ClockStage.DECIDE,
        started_at=NOON,
        due_at=NOON + timedelta(days=14),
        rule="Standard",
        rule_version=1,
        calendar="district",
        calendar_version=1,
    )


def make_clock_entry(**given: Any) -> ClockEntry:
    """The next entry of a clock: its start, or that it was counted anew with nothing moved."""
    known = given.get("clock_id")
    clock = db.session.get_one(Clock, known) if known else _make_bare_clock()
    position = 1 + db.session.scalar(
        select(func.count()).select_from(ClockEntry).where(ClockEntry.clock_id == clock.id)
    )
    kind = EntryKind.STARTED if position == 1 else EntryKind.RECALCULATED
    start = clock.started_at if position == 1 else None
    was = None if position == 1 else clock.due_at
    rule = Rule("Standard", 1, 14, ClockUnit.CALENDAR_DAYS)
    entry = Entry(kind, was, clock.due_at, rule, "district", 1, "", "Redress", NOON, moment=start)
    return _make(
        ClockEntry,
        given,
        clock_id=clock.id,
        position=position,
        kind=kind,
        was=was,
        due=clock.due_at,
        entry=to_json((entry,))[0],
        at=NOON,
    )


def make_pause(**given: Any) -> Pause:
    return _make(
        Pause,
        given,
        grievance_id=_id(make_grievance),
        ground=PauseGround.HEARING,
        reason="A hearing is set",
    )


def make_extension(**given: Any) -> Extension:
    return _make(
        Extension,
        given,
        grievance_id=_id(make_grievance),
        until_on=DAY,
        reason="The pipe has to be dug out",
        asked_by_id=_id(make_officer),
    )


def make_routing_objection(**given: Any) -> RoutingObjection:
    return _make(
        RoutingObjection,
        given,
        grievance_id=_id(make_grievance),
        office_id=_id(make_office),
        proposed_office_id=_id(make_office),
        reason="The road is the county's",
        asked_by_id=_id(make_officer),
    )


def make_document(**given: Any) -> Document:
    return _make(
        Document,
        given,
        grievance_id=_id(make_grievance),
        name="Photo of the road",
        kind=DocumentKind.EVIDENCE,
    )


def make_letter_template(**given: Any) -> LetterTemplate:
    # One of a kind and language is in use: others are those that were.
    return _make(
        LetterTemplate,
        given,
        name=f"Answer {next(_number)}",
        kind=LetterKind.TO_COMPLAINANT,
        language=LetterLanguage.ENGLISH,
        subject="Your grievance {number}",
        body="We have decided.",
        retired_on=DAY,
    )


def make_letter(**given: Any) -> Letter:
    return _make(
        Letter,
        given,
        grievance_id=_id(make_grievance),
        kind=LetterKind.TO_COMPLAINANT,
        language=LetterLanguage.ENGLISH,
        subject="Your grievance",
        body="We have decided.",
        document_id=_id(make_document, kind=DocumentKind.LETTER),
    )


def make_joint_conference(**given: Any) -> JointConference:
    return _make(
        JointConference,
        given,
        grievance_id=_id(make_grievance),
        subject="Who owns the pipe",
        office_id=_id(make_office),
        chair_id=_id(make_officer),
        meets_at=NOON,
    )


def make_conference_office(**given: Any) -> ConferenceOffice:
    return _make(
        ConferenceOffice,
        given,
        conference_id=_id(make_joint_conference),
        office_id=_id(make_office),
        undertaking="Digs out the pipe",
    )


def make_decision(**given: Any) -> Decision:
    return _make(
        Decision,
        given,
        grievance_id=_id(make_grievance),
        subject="The pipe",
        summary="The pipe is mended by Friday.",
        drafted_by_id=_id(make_officer),
    )


def make_decision_point(**given: Any) -> DecisionPoint:
    return _make(
        DecisionPoint,
        given,
        decision_id=_id(make_decision),
        position=1,
        point="No water for five days",
        conclusion=PointFinding.UPHELD,
        reasons="The log of the works shows it",
    )


def make_remedy(**given: Any) -> Remedy:
    return _make(
        Remedy,
        given,
        grievance_id=_id(make_grievance),
        office_id=_id(make_office),
        promise="A new pipe",
        promised_on=DAY,
        due_on=DAY + timedelta(days=30),
    )


def make_appeal(**given: Any) -> Appeal:
    return _make(
        Appeal,
        given,
        decision_id=_id(make_decision),
        subject="The second point",
        grounds="The log was not complete",
        filed_on=DAY,
        first_decider_id=_id(make_officer),
    )


def make_feedback(**given: Any) -> Feedback:
    return _make(Feedback, given, grievance_id=_id(make_grievance), given_on=DAY, rating=4)


def make_retaliation_report(**given: Any) -> RetaliationReport:
    return _make(
        RetaliationReport,
        given,
        grievance_id=_id(make_grievance),
        office_id=_id(make_office),
        subject="A licence was not renewed",
        account="It had been renewed each year before.",
        reported_on=DAY,
    )


def make_grievance_link(**given: Any) -> GrievanceLink:
    return _make(
        GrievanceLink,
        given,
        grievance_id=_id(make_grievance),
        kind=LinkKind.SAME_SUBJECT,
        other_grievance_id=_id(make_grievance),
        subject="The pipe in Mill Street",
    )


def make_grievance_recusal(**given: Any) -> GrievanceRecusal:
    return _make(
        GrievanceRecusal,
        given,
        grievance_id=_id(make_grievance),
        officer_id=_id(make_officer),
        ground=AsideGround.INTEREST,
        reason="Owns the yard next to it",
        stated_by_id=_id(make_officer),
        stated_on=DAY,
    )


def make_impartiality_override(**given: Any) -> ImpartialityOverride:
    return _make(
        ImpartialityOverride,
        given,
        matter="2026-0000001",
        grievance_id=_id(make_grievance),
        officer_id=_id(make_officer),
        act=Act.HANDLE,
        reason="The only engineer of the district",
        asked_by_id=_id(make_officer),
        asked_on=DAY,
    )


# --- Supervision -----------------------------------------------------------------------------


def make_supervision_group(**given: Any) -> SupervisionGroup:
    return _make(SupervisionGroup, given, name=f"Group {next(_number)}", formed_on=DAY)


def make_group_membership(**given: Any) -> GroupMembership:
    return _make(
        GroupMembership,
        given,
        group_id=_id(make_supervision_group),
        officer_id=_id(make_officer, roles=[Role.SUPERVISOR]),
        starts_on=DAY,
    )


def _staffed_group() -> int:
    """A group with as many members as one needs."""
    group = make_supervision_group()
    for _member in range(2):
        make_group_membership(group=group)
    return group.id


def make_supervision_assignment(**given: Any) -> SupervisionAssignment:
    return _make(
        SupervisionAssignment,
        given,
        group_id=_staffed_group,
        office_id=_id(make_office),
        starts_on=DAY,
    )


def make_recusal(**given: Any) -> Recusal:
    return _make(
        Recusal,
        given,
        officer_id=_id(make_officer),
        office_id=_id(make_office),
        ground=RecusalGround.SERVED,
        starts_on=DAY,
    )


def make_checklist_template(**given: Any) -> ChecklistTemplate:
    return _make(ChecklistTemplate, given, name=f"Questions {next(_number)}")


def make_checklist_question(**given: Any) -> ChecklistQuestion:
    return _make(
        ChecklistQuestion,
        given,
        template_id=_id(make_checklist_template),
        position=1,
        wording="Is every letter numbered on the day it arrives?",
    )


def make_inspection(**given: Any) -> Inspection:
    """A visit; an inspector who is not given belongs to its group."""
    made = _make(
        Inspection,
        given,
        group_id=_id(make_supervision_group),
        office_id=_id(make_office),
        inspector_id=_id(make_officer),
        subject="Answers in time",
        planned_on=DAY,
    )
    if not {"inspector", "inspector_id"} & given.keys():
        make_group_membership(group_id=made.group_id, officer_id=made.inspector_id)
    return made


def make_inspection_answer(**given: Any) -> InspectionAnswer:
    return _make(
        InspectionAnswer,
        given,
        inspection_id=_id(make_inspection),
        position=next(_number),
        wording="Is every letter numbered on the day it arrives?",
        kind=AnswerKind.CHOICE,
    )


def make_inspection_stratum(**given: Any) -> InspectionStratum:
    return _make(
        InspectionStratum,
        given,
        inspection_id=_id(make_inspection),
        category_id=_id(make_category),
        was_in_time=True,
        grievance_ids=lambda: [make_grievance().id],
    )


def make_sampled_grievance(**given: Any) -> SampledGrievance:
    return _make(
        SampledGrievance,
        given,
        inspection_id=_id(make_inspection),
        grievance_id=_id(make_grievance),
        position=next(_number),
    )


def make_inspection_document(**given: Any) -> InspectionDocument:
    return _make(
        InspectionDocument, given, inspection_id=_id(make_inspection), name="The book of letters"
    )


def make_finding(**given: Any) -> Finding:
    return _make(
        Finding,
        given,
        office_id=_id(make_office),
        subject="Ten answers were late",
        facts="See the register",
        severity=FindingSeverity.SERIOUS,
        found_on=DAY,
    )


def make_finding_postponement(**given: Any) -> FindingPostponement:
    return _make(
        FindingPostponement,
        given,
        finding_id=_id(make_finding),
        from_on=DAY,
        to_on=DAY + timedelta(days=14),
        reason="The new register comes next week.",
        asked_on=DAY,
        asked_by_id=_id(make_officer),
    )


def make_supervision_notice(**given: Any) -> SupervisionNotice:
    return _make(
        SupervisionNotice,
        given,
        office_id=_id(make_office),
        group_id=_id(make_supervision_group),
        subject="Answer the ten",
        demand="Answer each of the ten.",
        reply_due_on=DAY + timedelta(days=14),
    )


def make_supervision_policy(**given: Any) -> SupervisionPolicy:
    """One of the year 2000 and later: it stands behind whatever a test sets for today."""
    day = date(2000, 1, 2) + timedelta(days=next(_number))
    return _make(SupervisionPolicy, given, in_force_from=day)


def make_assignment_change(**given: Any) -> AssignmentChange:
    return _make(
        AssignmentChange,
        given,
        officer_id=_id(make_officer, roles=[Role.SUPERVISOR]),
        kind=ChangeKind.ASSIGN,
        made_at=NOON,
        office_id=_id(make_office),
        periods=1,
        before=[],
        after=[],
    )


def make_assignment_proposal(**given: Any) -> AssignmentProposal:
    return _make(
        AssignmentProposal,
        given,
        starts_on=DAY,
        ends_on=DAY + timedelta(days=365),
        asked={"levels": [], "groups": []},
        state=ProposalState.DRAFT,
        worked_out_at=NOON,
        offices=1,
        placed=1,
    )


def make_proposed_assignment(**given: Any) -> ProposedAssignment:
    return _make(
        ProposedAssignment,
        given,
        proposal_id=_id(make_assignment_proposal),
        position=lambda: next(_number),
        office_id=_id(make_office),
        group_id=_id(make_supervision_group),
        starts_on=DAY,
        ends_on=DAY + timedelta(days=365),
        reasons=[],
    )


def make_notice_extension(**given: Any) -> NoticeExtension:
    return _make(
        NoticeExtension,
        given,
        notice_id=_id(make_supervision_notice),
        from_on=DAY,
        to_on=DAY + timedelta(days=14),
        reason="The file is with the court until Friday.",
        asked_on=DAY,
        asked_by_id=_id(make_officer),
    )


def make_notice_paper(**given: Any) -> NoticePaper:
    return _make(
        NoticePaper,
        given,
        notice_id=_id(make_supervision_notice),
        language=LetterLanguage.ENGLISH,
        size=1000,
        sha256="0" * 64,
        stored_name=f"{next(_number):040x}",
    )


# --- Reprimands ------------------------------------------------------------------------------


def make_number_series(**given: Any) -> NumberSeries:
    return _make(NumberSeries, given, body=f"Body {next(_number)}", series="reprimands", year=2026)


def make_reprimand(**given: Any) -> Reprimand:
    return _make(
        Reprimand,
        given,
        office_id=_id(make_office),
        subject="No answer for a year",
        ground=Ground.LATE,
        facts="Nothing was done.",
        failed_on=DAY,
        drafted_by_id=_id(make_officer),
    )


def make_reprimand_evidence(**given: Any) -> ReprimandEvidence:
    return _make(
        ReprimandEvidence,
        given,
        reprimand_id=_id(make_reprimand),
        position=1,
        subject="Ten late answers",
        finding_id=_id(make_finding),
    )


def make_reprimand_reply(**given: Any) -> ReprimandReply:
    return _make(
        ReprimandReply,
        given,
        reprimand_id=_id(make_reprimand),
        position=1,
        subject="Nobody was there",
        statement="Three of four were ill.",
        replied_on=DAY,
        replied_by_id=_id(make_officer),
    )


def make_circulation(**given: Any) -> Circulation:
    return _make(Circulation, given, reprimand_id=_id(make_reprimand), office_id=_id(make_office))


def make_rectification(**given: Any) -> Rectification:
    return _make(
        Rectification,
        given,
        reprimand_id=_id(make_reprimand),
        subject="A deputy for each",
        plan="Named by Monday.",
        due_on=DAY,
    )


def make_reprimand_appeal(**given: Any) -> ReprimandAppeal:
    return _make(
        ReprimandAppeal,
        given,
        reprimand_id=_id(make_reprimand),
        subject="Quash it",
        grounds="Three of four were ill.",
        filed_on=DAY,
        filed_by_id=_id(make_officer),
        first_decider_id=_id(make_officer),
    )


def make_accountability_action(**given: Any) -> AccountabilityAction:
    return _make(
        AccountabilityAction,
        given,
        office_id=_id(make_office),
        official_id=_id(make_officer),
        subject="A false return",
        recommendation="A warning.",
        body="Personnel board",
        drafted_by_id=_id(make_officer),
    )


# --- Rhythm ----------------------------------------------------------------------------------


def make_reception_day(**given: Any) -> ReceptionDay:
    return _make(
        ReceptionDay,
        given,
        name="The head receives",
        office_id=_id(make_office),
        leader_id=_id(make_officer),
        starts_at=NOON,
        ends_at=NOON + timedelta(hours=3),
        place="Town hall, room 3",
    )


def make_reception(**given: Any) -> Reception:
    return _make(
        Reception,
        given,
        reception_day_id=_id(make_reception_day),
        position=1,
        subject="The pipe in Mill Street",
    )


def make_daily_return(**given: Any) -> DailyReturn:
    return _make(DailyReturn, given, office_id=_id(make_office), day=DAY)


def make_duty_shift(**given: Any) -> DutyShift:
    return _make(
        DutyShift,
        given,
        name="Night",
        office_id=_id(make_office),
        officer_id=_id(make_officer),
        starts_at=NOON,
        ends_at=NOON + timedelta(hours=8),
    )


def make_target(**given: Any) -> Target:
    return _make(
        Target, given, office_id=_id(make_office), year=2026, measure=Measure.ANSWERED, percent=95
    )


# --- System ----------------------------------------------------------------------------------


def make_saved_view(**given: Any) -> SavedView:
    return _make(
        SavedView,
        given,
        name=f"View {next(_number)}",
        record_type="grievance",
        address="flt0_state_equals=registered",
        officer_id=_id(make_officer),
    )


def make_default_view(**given: Any) -> DefaultView:
    return _make(
        DefaultView,
        given,
        officer_id=_id(make_officer),
        record_type="grievance",
        saved_view_id=_id(make_saved_view),
    )


def make_list_layout(**given: Any) -> ListLayout:
    return _make(ListLayout, given, officer_id=_id(make_officer), record_type="grievance")


def make_mail(**given: Any) -> Mail:
    """A mail to an officer, or to the office that is given."""
    to = {} if "office_id" in given else {"officer_id": _id(make_officer)}
    return _make(Mail, given, **to)


def make_message(**given: Any) -> Message:
    """A message to an officer, or to the office that is given."""
    to = {} if "office_id" in given else {"officer_id": _id(make_officer)}
    return _make(
        Message,
        given,
        grievance_id=_id(make_grievance),
        kind=MessageKind.ENDED,
        stage=ClockStage.DECIDE,
        due_at=NOON,
        **to,
    )


def make_import_batch(**given: Any) -> ImportBatch:
    return _make(ImportBatch, given, file_name="boston.csv", map_name="boston")


def make_export_record(**given: Any) -> ExportRecord:
    return _make(
        ExportRecord,
        given,
        officer_id=_id(make_officer),
        record_type="grievance",
        file_name="grievances.csv",
        format="csv",
        columns=["number"],
    )


def make_officer_session(**given: Any) -> OfficerSession:
    return _make(
        OfficerSession,
        given,
        officer_id=_id(make_officer),
        token_hash=lambda: os.urandom(32),
        device="Desk",
    )


def make_role_change(**given: Any) -> RoleChange:
    return _make(
        RoleChange,
        given,
        officer_id=_id(make_officer),
        kind=RoleChangeKind.GIVE,
        roles=[Role.DECIDER],
        reason="Decides appeals from May",
        asked_by_id=_id(make_officer, roles=[Role.ADMINISTRATOR]),
    )


def make_second_factor(**given: Any) -> SecondFactor:
    return _make(
        SecondFactor,
        given,
        officer_id=_id(make_officer, second_factor_since=NOON),
        secret=lambda: os.urandom(60),
        last_step=0,
    )


def make_recovery_code(**given: Any) -> RecoveryCode:
    return _make(
        RecoveryCode, given, officer_id=_id(make_officer), code_hash=lambda: os.urandom(32)
    )


def make_audit_entry(**given: Any) -> AuditEntry:
    """An entry as the database writes it, of the verb, record_type, record_id and changes given;
    `at` and `officer_id` are its own to say."""
    told = {"verb": AuditVerb.LOGIN, "record_type": "officer", "record_id": None} | given
    note(**told)
    query = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)
    return db.session.scalars(query).one()

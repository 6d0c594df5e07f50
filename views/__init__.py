"""Every screen: the menu, and a registered view for every record type."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Flask, current_app, redirect, request, url_for
from flask_admin import Admin
from flask_babel import get_locale, gettext

import security
from models import (
    RECORD_TYPES,
    AuditEntry,
    Decision,
    Document,
    Finding,
    FindingPostponement,
    Grievance,
    ImpartialityOverride,
    ImportBatch,
    JointConference,
    LetterTemplate,
    NoticeExtension,
    Office,
    Officer,
    PlanStep,
    Record,
    RetaliationReport,
    RoleChange,
    RulePack,
    SavedView,
    SupervisionNotice,
    WorkCalendar,
    db,
)
from rules import mark
from rules.identity import MIGHT_OPEN
from rules.permissions import Desk, Verb
from views import (
    account,
    casework,
    clocks,
    conferences,
    dashboard,
    decisions,
    documents,
    duplicates,
    errors,
    findings,
    handing_over,
    identity,
    impartiality,
    imports,
    leaving,
    letters,
    messages,
    news,
    plan,
    roles,
    round_up,
    saved,
    search,
    second_factor,
    standards,
    supervisors,
)
from views.addresses import Address
from views.badges import tone
from views.base import RecordView
from views.case import CASE_PARTS
from views.casework import RetaliationReportView
from views.conferences import JointConferenceView
from views.decisions import DecisionView
from views.documents import DocumentView
from views.findings import FindingView, MoreTimeView, NoticeView
from views.grievances import GrievanceView, ImportBatchView
from views.home import HomeView
from views.impartiality import OverrideView
from views.labels import (
    about,
    enum_label,
    help_text,
    label,
    show,
    title,
    type_label,
    types_label,
)
from views.letters import LetterTemplateView
from views.offices import OfficerView, OfficeView
from views.plan import PlanStepView
from views.roles import RoleChangeView
from views.saved import SavedViewView
from views.shown import address_of, endpoint_of, record_url
from views.standards import RulePackView, WorkCalendarView
from views.trail import AuditEntryView

# Record types whose screen needs more than the model says: a subclass of RecordView for each.
SPECIAL_VIEWS: dict[type[Record], type[RecordView]] = {
    Office: OfficeView,
    Officer: OfficerView,
    Grievance: GrievanceView,
    ImpartialityOverride: OverrideView,
    ImportBatch: ImportBatchView,
    PlanStep: PlanStepView,
    JointConference: JointConferenceView,
    RetaliationReport: RetaliationReportView,
    LetterTemplate: LetterTemplateView,
    Decision: DecisionView,
    Document: DocumentView,
    Finding: FindingView,
    FindingPostponement: MoreTimeView,
    NoticeExtension: MoreTimeView,
    SupervisionNotice: NoticeView,
    AuditEntry: AuditEntryView,
    RoleChange: RoleChangeView,
    SavedView: SavedViewView,
    RulePack: RulePackView,
    WorkCalendar: WorkCalendarView,
}

MOST_MENUS = 200  # sets of roles and languages; begun anew beyond it


@dataclass(frozen=True)
class Screen:
    """A screen of no record type that stands in the menu: on its own above the desks, or among
    the lists of `desk`. `is_open` asks whether the current officer may go there."""

    endpoint: str
    label: str
    about: str
    is_open: Callable[[], bool]
    desk: Desk | None = None


SCREENS = (
    Screen(
        "dashboard.page",
        mark("Dashboard"),
        mark("How offices handle grievances: in time, how fast, and whether it holds."),
        lambda: dashboard.may_do(Verb.READ),
    ),
    Screen(
        "admin.queues",
        mark("Queues"),
        mark("Lists of grievances by their names: mine, my office's, overdue and others."),
        lambda: security.can(Verb.READ, Grievance),
    ),
    Screen(
        "identity.requests_to_decide",
        mark("Openings to agree to"),
        mark("Sealed identities that nobody opens alone, and that wait for a second officer."),
        lambda: bool(security.roles() & MIGHT_OPEN),
        Desk.GRIEVANCES,
    ),
    Screen(
        "supervisors.lists",
        mark("Lists of supervision"),
        mark("What is late, old or waits, across the offices that you see."),
        lambda: security.can(Verb.READ, Finding),
        Desk.SUPERVISION,
    ),
    Screen(
        "round_up.page",
        mark("Round-up of supervision"),
        mark("Visits, findings and notices of a period, to read, print and take along."),
        lambda: security.can(Verb.READ, Finding),
        Desk.SUPERVISION,
    ),
    Screen(
        "imports.start",
        mark("Import a file"),
        mark("Grievances or findings of another system, from a CSV file."),
        imports.may_import,
        Desk.IMPORTS,
    ),
)


def register(admin: Admin, model: type[Record]) -> RecordView:
    """Give `model` its screens under /admin/<kebab-case>/ and return their view."""
    view = SPECIAL_VIEWS.get(model, RecordView)(model)
    admin.add_view(view)
    return view


def menu() -> list[tuple[str, list[dict[str, Any]]]]:
    """Return the screens on their own, and then the desks that the officer may read, each with
    the lists and screens that belong to it."""
    alone = [(entry["label"], [entry]) for entry in _screens(None)]
    desks = [(enum_label(desk), [*_lists(desk), *_screens(desk)]) for desk in Desk]
    return [*alone, *((words, entries) for words, entries in desks if entries)]


def _lists(desk: Desk) -> list[dict[str, Any]]:
    lists = _known_lists().get(desk, [])
    return [entry | {"is_here": request.blueprint == entry["endpoint"]} for entry in lists]


def _known_lists() -> dict[Desk, list[dict[str, Any]]]:
    """Return the lists of each desk. They hang on the roles and the language alone, and are kept:
    to ask forty types for words and addresses was a third of the work of a small page."""
    kept = current_app.extensions.setdefault("redress.menus", {})
    key = (security.roles(), str(get_locale()), request.script_root)
    if key not in kept:
        if len(kept) >= MOST_MENUS:
            kept.clear()
        desks: dict[Desk, list[dict[str, Any]]] = {}
        for model in RECORD_TYPES:
            if security.can(Verb.READ, model):
                endpoint = endpoint_of(model)
                entry = {
                    "label": types_label(model),
                    "about": about(model),
                    "url": url_for(f"{endpoint}.index_view"),
                    "endpoint": endpoint,
                }
                desks.setdefault(model.desk, []).append(entry)
        kept[key] = desks
    known: dict[Desk, list[dict[str, Any]]] = kept[key]
    return known


def _screens(desk: Desk | None) -> list[dict[str, Any]]:
    return [
        {
            "label": gettext(screen.label),
            "about": gettext(screen.about),
            "url": url_for(screen.endpoint),
            "is_here": request.endpoint == screen.endpoint,
        }
        for screen in SCREENS
        if screen.desk is desk and screen.is_open()
    ]


def init_app(app: Flask) -> None:
    """Register every screen of `app`."""
    app.url_rule_class = Address
    errors.init_app(app)
    account.init_app(app)
    second_factor.init_app(app)
    roles.init_app(app)
    leaving.init_app(app)
    casework.init_app(app)
    handing_over.init_app(app)
    saved.init_app(app)
    admin = Admin(
        app,
        name="Redress",
        index_view=HomeView(url="/admin", endpoint="admin"),
    )
    for model in RECORD_TYPES:
        if model.screen:
            register(admin, model)
    imports.init_app(app)
    identity.init_app(app)
    plan.init_app(app)
    conferences.init_app(app)
    impartiality.init_app(app)
    duplicates.init_app(app)
    clocks.init_app(app)
    standards.init_app(app)
    documents.init_app(app)
    decisions.init_app(app)
    letters.init_app(app)
    findings.init_app(app)
    CASE_PARTS.update(clock=clocks.for_case, steps=casework.for_case, mail=news.for_case)
    search.init_app(app)
    dashboard.init_app(app)
    round_up.init_app(app)
    supervisors.init_app(app)
    messages.init_app(app)
    news.init_app(app)
    app.jinja_env.globals.update(
        menu=menu,
        label=label,
        help_text=help_text,
        show=show,
        type_label=type_label,
        types_label=types_label,
        record_url=record_url,
        address_of=address_of,
        enum_label=enum_label,
        current_officer=security.current_officer,
        language=security.language,
        request_id=security.request_id,
        Verb=Verb,
        can=security.can,
        title_of=title,
        tone=tone,
    )

    @app.get("/")
    @security.public
    def start() -> Any:
        return redirect(url_for("admin.index"))

    @app.get("/healthz")
    @security.public
    def healthz() -> Any:
        db.session.execute(db.text("SELECT 1"))
        return {"status": "ok"}

"""Every screen: the menu, and a registered view for every record type."""

from typing import Any

from flask import Flask, redirect, url_for
from flask_admin import Admin, AdminIndexView, expose

import security
from models import (
    RECORD_TYPES,
    AuditEntry,
    Grievance,
    ImportBatch,
    Officer,
    Record,
    RoleChange,
    db,
)
from rules.permissions import Desk, Verb
from views import account, dashboard, errors, identity, imports, leaving, roles, second_factor
from views.base import RecordView
from views.grievances import GrievanceView, ImportBatchView
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
from views.offices import OfficerView
from views.roles import RoleChangeView
from views.shown import endpoint_of, record_url
from views.trail import AuditEntryView

# Record types whose screen needs more than the model says: a subclass of RecordView for each.
SPECIAL_VIEWS: dict[type[Record], type[RecordView]] = {
    Officer: OfficerView,
    Grievance: GrievanceView,
    ImportBatch: ImportBatchView,
    AuditEntry: AuditEntryView,
    RoleChange: RoleChangeView,
}


class HomeView(AdminIndexView):
    """The first page after log-in: the desks that the officer's roles open."""

    def _handle_view(self, name: str, **kwargs: Any) -> None:
        return None

    @expose("/")
    def index(self) -> Any:
        return self.render("home.html", desks=menu())


def register(admin: Admin, model: type[Record]) -> RecordView:
    """Give `model` its screens under /admin/<kebab-case>/ and return their view."""
    view = SPECIAL_VIEWS.get(model, RecordView)(model)
    admin.add_view(view)
    return view


def menu() -> list[tuple[str, list[dict[str, Any]]]]:
    """Return the desks that the officer may read, each with the lists that belong to it."""
    desks = []
    for desk in Desk:
        entries = [
            {
                "label": types_label(model),
                "url": url_for(f"{endpoint_of(model)}.index_view"),
                "endpoint": endpoint_of(model),
                "model": model,
            }
            for model in RECORD_TYPES
            if model.desk is desk and security.can(Verb.READ, model)
        ]
        entries = dashboard.menu_entries(desk) + entries
        if entries:
            desks.append((enum_label(desk), entries))
    return desks


def init_app(app: Flask) -> None:
    """Register every screen of `app`."""
    errors.init_app(app)
    account.init_app(app)
    second_factor.init_app(app)
    roles.init_app(app)
    leaving.init_app(app)
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
    dashboard.init_app(app)
    app.jinja_env.globals.update(
        menu=menu,
        label=label,
        help_text=help_text,
        show=show,
        type_label=type_label,
        types_label=types_label,
        record_url=record_url,
        enum_label=enum_label,
        current_officer=security.current_officer,
        language=security.language,
        request_id=security.request_id,
        Verb=Verb,
        can=security.can,
        title_of=title,
        about=about,
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

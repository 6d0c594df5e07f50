"""Where there is something to see: an address for every page of `app.url_map`, and what makes two
addresses pages of one kind."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlencode, urlsplit

from flask import Flask
from sqlalchemy import select
from werkzeug.exceptions import HTTPException

import security
from actions.figures import refresh
from models import RECORD_TYPES, Officer, OfficeRecord, Record, db
from rules.accounts import Appearance
from rules.permissions import Role
from sealing import key_ring
from tests.conventions.test_routes import STEP_OF, places, routes, seed, stored
from tests.factories import make_any, make_grievance, make_office
from views import SPECIAL_VIEWS

# Addresses that are files and answers to scripts, not pages.
NO_PAGES = (
    *("static", ".export", ".ajax_lookup", ".ajax_update", "healthz", ".progress", ".file"),
    "visits.sample_file",
)
# Pages that show more when they are asked for something.
ASKED = ("/search?q=letter", "/search?q=no+such+words+anywhere")
USUAL = {"desc", "page_size", "sort", "view"}  # asked of a list, they make it no other page
MODELS = {f"record_{model.__tablename__}": model for model in RECORD_TYPES}


@dataclass
class Bureau:
    """A desk with a record of each type that everybody may see who may see any."""

    app: Flask
    made: dict[str, int]
    own: dict[Role, dict[str, int]]

    def addresses(self, role: Role | None) -> Iterator[str]:
        """Yield the address of every page that the table of routes lets `role` see; of those that
        are not in the table, all."""
        table, made = stored(), self.made | self.own.get(role, {})  # type: ignore[arg-type]
        for method, rule in routes(self.app):
            if method != "GET" or rule.endpoint.endswith(NO_PAGES):
                continue
            cells = table.get((method, rule.rule))
            if cells and cells[role or "visitor"] != "yes":
                continue
            blueprint, _, view = rule.endpoint.rpartition(".")
            with self.app.test_request_context():
                adapter = self.app.url_map.bind("localhost")
                path = adapter.build(rule.endpoint, places(rule, made))
            is_of_record = blueprint in MODELS and view not in ("index_view", "create_view")
            query = {"id": made.get(blueprint.removeprefix("record_"), 1)} if is_of_record else {}
            yield f"{path}?{urlencode(query)}" if query else path
        if role:
            yield from ASKED

    def is_step(self, address: str) -> bool:
        """Return whether a step of a life-cycle is taken at `address`."""
        endpoint, _ = self.app.url_map.bind("localhost").match(urlsplit(address).path, "GET")
        return endpoint in STEP_OF

    def kind(self, address: str, *, each_type: bool) -> str | None:
        """Return what kind of page stands at `address`: its view, for which record type (or, if
        `each_type` is false, for which family of them), and what is asked of it; None for what is
        no page."""
        parts = urlsplit(address)
        try:
            endpoint, _ = self.app.url_map.bind("localhost").match(parts.path, "GET")
        except HTTPException:
            return f"nothing at {parts.path}"
        if str(endpoint).endswith(NO_PAGES):
            return None
        blueprint, _, view = str(endpoint).rpartition(".")
        asked = _asked(parts.query)
        model = MODELS.get(blueprint)
        if model and not each_type:
            blueprint = "record" if asked else _family(model)
        elif model and asked:
            blueprint = _family(model)
        return f"{blueprint}.{view}" + (f"?{asked}" if asked else "")


def _asked(query: str) -> str:
    """Return what a query asks for, without saying of which record, column or page."""
    given = {re.sub(r"\d.*", "", name) for name, _ in parse_qsl(query, keep_blank_values=True)}
    return ",".join(sorted(given - {"id"} - USUAL) or sorted(given & USUAL)[-1:])


def _family(model: type[Record]) -> str:
    """Record types of one family have the same templates and rights of the same sort."""
    if model in SPECIAL_VIEWS:
        return model.__name__
    family = "own" if model.owner_path else "office" if issubclass(model, OfficeRecord) else "all"
    return f"{family} read only" if model.read_only else family


def furnish(app: Flask) -> Bureau:
    """Make a record of each type in the office of those who look, and those that are their own."""
    with app.app_context():
        officers = {
            role: db.session.scalars(select(Officer).where(Officer.username == role.value)).one()
            for role in Role
        }
        made = seed(officers[Role.ADMINISTRATOR].office_id)
        # Nobody opens the identity of one in which their own office is complained about.
        made["grievance"] = make_grievance(
            responsible_office_id=made["office"], respondent_office=make_office()
        ).id
        own = {
            role: {
                model.__tablename__: make_any(model, officer_id=officer.id).id
                for model in RECORD_TYPES
                if model.owner_path == "officer_id"
            }
            for role, officer in officers.items()
        }
        db.session.commit()
        refresh(db.session(), now=datetime.now(UTC), timezone=security.timezone())
        db.session.commit()
    key_ring(app.config).make_next()  # that of the identity which was made without one is lost
    return Bureau(app, made, own)


def choose(app: Flask, role: Role, language: str, appearance: Appearance) -> None:
    """Have an officer's pages in this language and these colours."""
    with app.app_context():
        officer = db.session.scalars(select(Officer).where(Officer.username == role.value)).one()
        officer.language, officer.appearance = language, appearance
        db.session.commit()

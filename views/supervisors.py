"""What supervisors go through: the lists across the offices that they see, and the page of one
office, all of it about how the office handles grievances."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, Flask, abort, render_template, url_for
from flask_babel import gettext

import security
from models import (
    Finding,
    Inspection,
    Office,
    Record,
    Reprimand,
    SupervisionAssignment,
    SupervisionGroup,
    SupervisionNotice,
    db,
)
from queries import figures, round_up, supervisors
from queries.figures import Place
from rules import mark
from rules.figures import month_of
from rules.permissions import Desk, Verb, may
from rules.supervisors import LISTS, Named
from views.badges import due_badge, tone
from views.board import Asked, Board
from views.cells import period_name
from views.figure_pages import MONTHS, as_tree, newest_month
from views.labels import enum_label, show
from views.listing import list_url, today
from views.shown import address_of, crumb_of, endpoint_of, supervision_of

blueprint = Blueprint("supervisors", __name__, url_prefix="/admin/supervision")

KINDS: dict[type[Record], str] = {
    Finding: mark("Open findings"),
    SupervisionNotice: mark("Open notices"),
    Reprimand: mark("Reprimands, the newest first"),
    Inspection: mark("Visits, the newest first"),
}


@blueprint.before_request
def _may_read() -> None:
    security.require(Verb.READ, Finding)


# --- Lists -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class ListLink:
    """A named list with how much stands in it; `number` is one above MOST for more."""

    words: str
    url: str
    number: int


def _links(office_id: int | None = None) -> list[ListLink]:
    """Return the named lists that the officer may read; one statement."""
    lists = [one for one in LISTS if security.can(Verb.READ, supervisors.record_type(one))]
    reading = supervisors.Reading(security.visible, security.readable_columns, today(), office_id)
    numbers = supervisors.counted(db.session(), lists, reading)
    return [
        ListLink(gettext(one.words), _address(one, office_id), number)
        for one, number in zip(lists, numbers, strict=True)
    ]


def _address(named: Named, office_id: int | None) -> str:
    return list_url(supervisors.record_type(named), supervisors.arguments(named, office_id))


@blueprint.get("/lists")
def lists() -> str:
    """The lists across all offices that the officer sees, by their names."""
    seen = security.visible_offices()
    # Who sees every office finds one in the list of offices.
    places = [] if seen is None else as_tree(figures.places(db.session(), seen))
    return render_template(
        "supervision/lists.html",
        links=_links(),
        places=[(depth, place.name, supervision_of(place.id)) for depth, place in places],
        offices=url_for(f"{endpoint_of(Office)}.index_view"),
        show_number=_number,
    )


def _number(number: int) -> str:
    most = supervisors.MOST
    return gettext("more than %(number)s", number=most) if number > most else str(number)


# --- The page of an office -------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """A record on the page of an office."""

    title: str
    url: str | None
    state: str
    tone: str | None
    day: str
    office: str
    due: Any


@blueprint.get("/office/<office_id>")
def office(office_id: str) -> str:
    """How an office and those below it handle grievances, and what supervision came to there."""
    number, seen = security.parse_id(office_id), security.visible_offices()
    if number is None or (seen is not None and number not in seen):
        abort(404)
    session, day = db.session(), security.today()
    found = supervisors.around(session, number)
    if found is None:
        abort(404)
    state = figures.summary_state(session)
    until = newest_month(state[1] if state else None, day)
    since = month_of(until, 1 - MONTHS)
    kinds = [model for model in KINDS if security.can(Verb.READ, model)]
    things = supervisors.things(session, security.visible, found.within, kinds)
    line = [number, *(above for above, _name in found.above)]
    return render_template(
        "supervision/office.html",
        office=found,
        above=[(name, supervision_of(above)) for above, name in reversed(found.above)],
        record_address=address_of(Office, number),
        groups=_groups(supervisors.supervised_by(session, line, day), found, day),
        period=period_name(since, until),
        board=_board(found, since, until, state[0]) if state else None,
        figures_address=url_for("dashboard.page", office=number),
        round_up=round_up.round_up(
            session, security.visible, found.within, since, month_of(until, 1), day
        ),
        round_up_address=url_for(
            "round_up.page", office=number, since=f"{since:%Y-%m}", until=f"{until:%Y-%m}"
        ),
        links=_links(number),
        show_number=_number,
        parts=[
            (gettext(KINDS[kind]), _whole(kind, number), _lines(things[kind])) for kind in kinds
        ],
        crumbs=[crumb_of(Office)],
        may_assign=security.can(Verb.READ, SupervisionAssignment),
    )


def _board(
    found: supervisors.Around, since: date, until: date, counted_at: datetime
) -> Board | None:
    """Return the figures of the office and those below it in these months; None for who may not
    read them."""
    if not may(security.roles(), Desk.FIGURES, Verb.READ):
        return None
    session = db.session()
    return Board(
        Asked(found.id, since, until, "answered", "name", False),
        figures.figures(session, found.within, since, until),
        figures.overdue(session, found.within),
        figures.peers(session, since, until),
        [Place(found.id, found.name, None)],
        counted_at.astimezone(ZoneInfo(security.timezone())),
    )


def _groups(
    supervisions: list[supervisors.Supervision], found: supervisors.Around, day: date
) -> list[dict[str, Any]]:
    """Return who supervises the office, now and later, in words."""
    names = dict(found.above)
    return [
        {
            "name": one.group,
            "url": address_of(SupervisionGroup, one.group_id),
            "is_now": one.since <= day,
            "since": show(one.since),
            "until": show(one.until) if one.until else "",
            "through": names.get(one.office_id, ""),
        }
        for one in supervisions
    ]


def _whole(kind: type[Record], number: int) -> str:
    return url_for(f"{endpoint_of(kind)}.index_view", flt0_office_below=number)


def _lines(things: list[supervisors.Thing]) -> list[Line]:
    lines = []
    for one in things:
        model: Any = one.model
        state = model.__table__.columns["state"].type.enum_class(one.state)
        due = due_badge(one.due_on, None, today(), is_ended=False) if one.due_on else None
        lines.append(
            Line(
                one.title,
                address_of(one.model, one.id),
                enum_label(state),
                tone(state),
                show(one.day),
                one.office,
                due,
            )
        )
    return lines


def init_app(app: Flask) -> None:
    """Register the lists and the page of an office."""
    app.register_blueprint(blueprint)

"""The dashboard: how offices handle grievances, as charts that the server draws, each with its
table and its file. It reads the summary of figures and the names of offices, and no record
(promise D4)."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    flash,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import format_time, gettext
from werkzeug.wrappers import Response as Reply

import budget
import security
from access import SYSTEM
from actions import figures as counting
from models import FigureMonth, db
from queries import figures as ask
from rules import RuleBroken
from rules.figures import BY_KEY, DAYS
from rules.permissions import Desk, Verb, may
from views.bands import comparison
from views.board import Asked, Board
from views.cells import Table, measure_name, period_name, shown
from views.figure_pages import (
    as_tree,
    below,
    newest_month,
    read_office,
    read_period,
    sent,
    usual_periods,
)
from views.labels import show

blueprint = Blueprint("dashboard", __name__, url_prefix="/admin/dashboard")

ORDERS = ("name", "measure")


def may_do(verb: Verb) -> bool:
    """Return whether the current officer may read figures, take them out, or refresh them."""
    return may(security.roles(), Desk.FIGURES, verb)


@blueprint.before_request
def _may_read() -> None:
    if not may_do(Verb.READ):
        abort(403)


# --- What is asked ---------------------------------------------------------------------------


def _choice(name: str, known: tuple[str, ...]) -> str:
    typed = request.args.get(name, "") or known[0]
    if typed not in known:
        raise RuleBroken("This address asks for figures that there are not.")
    return typed


def read_asked(newest: date) -> Asked:
    """Return what the address asks for; without any, the twelve months up to `newest`. Raises
    RuleBroken with a sentence for what cannot be read."""
    since, until = read_period(newest)
    return Asked(
        read_office(),
        since,
        until,
        _choice("measure", ("answered", *(key for key in BY_KEY if key != "answered"), DAYS)),
        _choice("order", ORDERS),
        _choice("form", ("bureau", "publication")) == "publication",
    )


class Look:
    """What one request for figures has found."""

    def __init__(self, *, is_published: bool = False) -> None:
        session, seen = db.session(), security.visible_offices()
        state = ask.summary_state(session)
        today = security.today()
        self.as_of = state[0] if state else None
        self.newest = newest_month(state[1] if state else None, today)
        asked = read_asked(self.newest)
        if is_published:
            asked = Asked(asked.office, asked.since, asked.until, asked.measure, asked.order, True)
        self.asked = asked
        self.places = ask.places(session, seen)
        scope = seen
        if asked.office is not None:
            if asked.office not in {place.id for place in self.places}:
                abort(404)
            scope = frozenset(below(self.places, asked.office))
        self.board: Board | None = None
        if self.as_of is not None:
            self.board = Board(
                asked,
                ask.figures(session, scope, asked.since, asked.until),
                ask.overdue(session, scope),
                ask.peers(session, asked.since, asked.until),
                self.places,
                self.as_of.astimezone(ZoneInfo(security.timezone())),
            )

    def periods(self) -> list[tuple[str, dict[str, Any]]]:
        """Return periods to choose with one click: words, and arguments of the address."""
        return [
            (
                period_name(since, until),
                self.asked.as_query(since=since.strftime("%Y-%m"), until=until.strftime("%Y-%m")),
            )
            for since, until in usual_periods(self.newest)
        ]


# --- The page --------------------------------------------------------------------------------


@blueprint.get("/")
def page() -> Any:
    """How the offices that the officer sees handle grievances."""
    found = Look()
    asked = found.asked
    places = as_tree(found.places)
    name = next((place.name for place in found.places if place.id == asked.office), "")
    return render_template(
        "dashboard/page.html",
        asked=asked,
        board=found.board,
        command="flask figures refresh",
        places=places,
        scope_name=name or gettext("All offices that you see"),
        period=period_name(asked.since, asked.until),
        periods=found.periods(),
        measures=[(key, measure_name(key)) for key in (*BY_KEY, DAYS)],
        as_of=_moment(found.as_of),
        comparison=comparison,
        shown=shown,
        may_refresh=may_do(Verb.EDIT),
        may_export=may_do(Verb.EXPORT),
    )


def _moment(as_of: datetime | None) -> str:
    """Return a time of today as 14:05, another one with its day."""
    if as_of is None:
        return ""
    local = as_of.astimezone(ZoneInfo(security.timezone()))
    return str(format_time(as_of, "HH:mm")) if local.date() == security.today() else show(as_of)


# --- The file --------------------------------------------------------------------------------

TABLES: dict[str, Callable[[Board], Table]] = {
    "whole": Board.headline_table,
    "months": lambda board: board.trend().table,
    "days": lambda board: board.waits().table,
    "offices": lambda board: comparison(board).table,
    "unanswered": lambda board: board.late().table,
    "received": lambda board: board.intake().table,
}


@blueprint.get("/export/")
def export() -> Response:
    """One of the tables as CSV, always in the form for publication; written down first."""
    if not may_do(Verb.EXPORT):
        abort(403)
    table_key = request.args.get("table", "")
    if table_key not in TABLES:
        abort(404)
    found = Look(is_published=True)
    if found.board is None:
        abort(404)
    table = TABLES[table_key](found.board)
    period = period_name(found.asked.since, found.asked.until)
    address = url_for("dashboard.page", **found.asked.as_query())
    return sent(table, f"{table.title} {period}", address, FigureMonth)


# --- Counting anew ---------------------------------------------------------------------------


@blueprint.post("/refresh/")
def refresh() -> Reply:
    """Bring the figures up to now, within the time that a page has."""
    if not may_do(Verb.EDIT):
        abort(403)
    settings = security.named(SYSTEM)() | budget.for_transaction()
    db.session.rollback()
    try:
        done = counting.refresh_apart(
            db.engine, settings, now=datetime.now(UTC), timezone=security.timezone()
        )
    except RuleBroken as refused:
        flash(gettext(refused.sentence), "warning")
    except budget.TooLong:
        budget.allow_an_answer()
        flash(
            gettext(
                "There is more to count than a page has time for. It is done by the next run of the"
                " command: flask figures refresh."
            ),
            "warning",
        )
    else:
        words = gettext("The figures are as of %(time)s.", time=_moment(done.as_of))
        flash(words, "success")
    return redirect(security.local_path(request.form.get("next")) or url_for("dashboard.page"), 303)


def init_app(app: Flask) -> None:
    """Give `app` its dashboard."""
    app.register_blueprint(blueprint)

"""The round-up of supervision: visits, findings and notices of a period, for the offices that the
officer sees; on screen, as CSV, and as PDF in both languages."""

from collections.abc import Callable
from datetime import date
from typing import Any

from flask import Blueprint, Flask, Response, abort, current_app, render_template, request, url_for
from flask_babel import force_locale, format_decimal, gettext, ngettext

import exports
import security
from models import Finding, Inspection, SupervisionNotice, db
from papers.reports import Report, Section, as_pdf
from queries import round_up as ask
from queries.figures import Place, places
from rules import mark
from rules.figures import month_of
from rules.grievance import LetterLanguage
from rules.permissions import Verb
from rules.round_up import RoundUp
from rules.supervision import FindingSeverity, FindingState
from views import charts
from views.cells import Cell, Part, Percent, Table, percent, period_name, shown
from views.figure_pages import (
    as_tree,
    below,
    newest_month,
    read_office,
    read_period,
    sent,
    usual_periods,
    written_down,
)
from views.labels import enum_label, show
from views.shown import endpoint_of

blueprint = Blueprint("round_up", __name__, url_prefix="/admin/supervision/round-up")

LOCALES = {LetterLanguage.ENGLISH: "en", LetterLanguage.CHINESE: "zh_Hans_CN"}
MOST_CATEGORIES = 12
"""Categories that the chart draws; the table has them all."""
NAME_ROOM = 40
"""Letters of a name in a row: beside it stands a plain number."""
NONE_FOUND = mark("Nothing was found in this period.")


@blueprint.before_request
def _may_read() -> None:
    for model in (Finding, Inspection, SupervisionNotice):
        security.require(Verb.READ, model)


# --- What it says ----------------------------------------------------------------------------


class Board:
    """A round-up in words: each part with its sentence, its bars and its table."""

    def __init__(self, found: RoundUp) -> None:
        self.found = found

    def headlines(self) -> list[tuple[str, str, str]]:
        """Return the figures in short: what it is, how much, and in a sentence."""
        visits, notices = self.found.visits, self.found.notices
        right, asked = self.found.put_right()
        return [
            (gettext("Visits made"), format_decimal(visits.made), self._visits()),
            (gettext("Findings"), format_decimal(self.found.findings), self._findings()),
            (gettext("Seen to be put right"), _share(right, asked), self._put_right()),
            (
                gettext("Notices answered in time"),
                _share(notices.answered, notices.ended),
                self._notices(),
            ),
        ]

    def _visits(self) -> str:
        visits = self.found.visits
        told = ngettext(
            "At %(number)s office.",
            "At %(number)s offices.",
            visits.offices,
            number=format_decimal(visits.offices),
        )
        if not visits.cancelled:
            return told
        return f"{told} " + gettext(
            "Planned and cancelled: %(number)s.", number=format_decimal(visits.cancelled)
        )

    def _findings(self) -> str:
        return gettext(
            "%(asked)s of them ask something of an office.",
            asked=format_decimal(self.found.put_right()[1]),
        )

    def _put_right(self) -> str:
        right, asked = self.found.put_right()
        return gettext(
            "Of %(asked)s findings that ask something of an office, a supervision group has seen"
            " %(right)s put right.",
            asked=format_decimal(asked),
            right=format_decimal(right),
        )

    def _notices(self) -> str:
        notices = self.found.notices
        return gettext(
            "Of %(ended)s notices whose time is over, %(answered)s were answered within the time"
            " given.",
            ended=format_decimal(notices.ended),
            answered=format_decimal(notices.answered),
        )

    def in_short(self) -> Table:
        """Return what the page says first."""
        visits, notices = self.found.visits, self.found.notices
        right, asked = self.found.put_right()
        rows: list[list[Cell]] = [
            [gettext("Visits made"), visits.made],
            [gettext("Offices visited"), visits.offices],
            [gettext("Visits planned and cancelled"), visits.cancelled],
            [gettext("Findings"), self.found.findings],
            [gettext("Findings that ask something of an office"), asked],
            [gettext("Of these, seen to be put right"), right],
            [gettext("Notices issued"), notices.issued],
            [gettext("Notices whose time is over"), notices.ended],
            [gettext("Of these, answered within the time given"), notices.answered],
            [gettext("Share of these"), Percent(notices.answered, notices.ended)]
            if notices.ended
            else [gettext("Share of these"), ""],
        ]
        return Table("whole", gettext("In short"), [gettext("What"), gettext("How many")], rows)

    def severities(self) -> Part:
        """Return the findings by severity, and in the table of each also their states."""
        counts = self.found.by_severity()
        states = [state for state in FindingState if state is not FindingState.DRAFT]
        crossed = self.found.crossed()
        rows: list[list[Cell]] = [
            [
                enum_label(severity),
                number,
                *(crossed[severity].get(state, 0) for state in states),
            ]
            for severity, number in counts.items()
        ]
        headings = [
            gettext("Severity"),
            gettext("Findings"),
            *(enum_label(state) for state in states),
        ]
        return _part(
            Table("severity", gettext("Findings by severity and state"), headings, rows),
            self._findings() if self.found.findings else gettext(NONE_FOUND),
            gettext(
                "By the day they were found. Drafts, of which the office does not know, are in no"
                " figure."
            ),
        )

    def states(self) -> Part:
        """Return how far offices are with what asks something of them."""
        rows: list[list[Cell]] = [
            [enum_label(state), number] for state, number in self.found.by_state().items()
        ]
        return _part(
            Table(
                "state",
                gettext("What became of them"),
                [gettext("State"), gettext("Findings")],
                rows,
            ),
            self._put_right(),
            gettext(
                "Of the findings that ask something of an office. One that was closed without"
                " having been seen put right is no success and stands by itself."
            ),
        )

    def categories(self) -> Part:
        """Return the findings by category, and in the table of each also their severities."""
        rows: list[list[Cell]] = [
            [
                name or gettext("Without a category"),
                sum(counts.values()),
                *(counts.get(severity, 0) for severity in FindingSeverity),
            ]
            for name, counts in self.found.by_category()
        ]
        headings = [
            gettext("Category"),
            gettext("Findings"),
            *(enum_label(severity) for severity in FindingSeverity),
        ]
        more = len(rows) - MOST_CATEGORIES
        reading = "" if self.found.findings else gettext(NONE_FOUND)
        if more > 0:
            reading = ngettext(
                "The table has %(number)s category more.",
                "The table has %(number)s categories more.",
                more,
                number=format_decimal(more),
            )
        table = Table("category", gettext("Findings by category and severity"), headings, rows)
        return _part(table, reading, "", most=MOST_CATEGORIES)

    def notices(self) -> Part:
        """Return what became of the notices issued."""
        notices = self.found.notices
        rows: list[list[Cell]] = [
            [gettext("Answered in time"), notices.in_time],
            [gettext("Answered in time after more time was granted"), notices.postponed],
            [gettext("Answered late"), notices.late],
            [gettext("Unanswered although the day has passed"), notices.unanswered],
            [gettext("Still in time"), notices.waiting],
            [gettext("Closed before their day without a reply"), notices.closed],
        ]
        headings = [gettext("What became of them"), gettext("Notices")]
        return _part(
            Table("notices", gettext("Supervision notices"), headings, rows),
            self._notices() if notices.issued else gettext("No notice was issued in this period."),
            gettext("By the day they were issued."),
        )

    def parts(self) -> list[Part]:
        """Return every part that has bars, in the order of the page."""
        return [self.severities(), self.states(), self.categories(), self.notices()]


def _share(part: int, whole: int) -> str:
    return percent(part, whole) if whole else "–"


def _part(table: Table, reading: str, meaning: str, most: int | None = None) -> Part:
    """Return a part with a bar for the first number of each row."""
    numbers = [row[1] for row in table.rows if isinstance(row[1], int)]
    scale = [(float(one), shown(one)) for one in charts.nice_ticks(max(numbers, default=1))]
    bars = [
        (str(row[0]), shown(row[1]), 0.0, float(number), False)
        for row, number in zip(table.rows[:most], numbers, strict=False)
    ]
    chart = charts.rows_of(scale, bars, room=NAME_ROOM) if any(numbers) else None
    return Part(table, reading, chart, meaning=meaning)


# --- What is asked ---------------------------------------------------------------------------


class Look:
    """What one request for a round-up has found."""

    def __init__(self) -> None:
        session, seen = db.session(), security.visible_offices()
        self.newest = newest_month(ask.latest(session, security.visible), security.today())
        self.since, self.until = read_period(self.newest)
        self.office = read_office()
        self.places: list[Place] = places(session, seen)
        scope = seen
        if self.office is not None:
            if self.office not in {place.id for place in self.places}:
                abort(404)
            scope = frozenset(below(self.places, self.office))
        after = month_of(self.until, 1)
        self.board = Board(
            ask.round_up(session, security.visible, scope, self.since, after, security.today())
        )

    def as_query(self, **changes: Any) -> dict[str, Any]:
        """Return the arguments of the address that asks for this, with `changes`."""
        asked = {
            "office": self.office,
            "since": self.since.strftime("%Y-%m"),
            "until": self.until.strftime("%Y-%m"),
        }
        return {key: value for key, value in (asked | changes).items() if value is not None}

    @property
    def scope_name(self) -> str:
        """What the round-up is about."""
        name = next((place.name for place in self.places if place.id == self.office), "")
        return name or gettext("All offices that you see")

    def periods(self) -> list[tuple[str, dict[str, Any]]]:
        """Return periods to choose with one click: words, and arguments of the address."""
        return [
            (
                period_name(since, until),
                self.as_query(since=since.strftime("%Y-%m"), until=until.strftime("%Y-%m")),
            )
            for since, until in usual_periods(self.newest)
        ]

    def findings(self) -> str:
        """Return the address of the list of these findings."""
        last = date.fromordinal(month_of(self.until, 1).toordinal() - 1)
        asked = {
            "flt0_found_on_between": f"{self.since} to {last}",
            "flt1_state_not_equals": FindingState.DRAFT.value,
        }
        if self.office is not None:
            asked["flt2_office_below"] = str(self.office)
        return url_for(f"{endpoint_of(Finding)}.index_view", **asked)


# --- The page and its files ------------------------------------------------------------------


@blueprint.get("/")
def page() -> str:
    """The round-up of a period."""
    look = Look()
    return render_template(
        "supervision/round_up.html",
        look=look,
        board=look.board,
        places=as_tree(look.places),
        period=period_name(look.since, look.until),
        shown=shown,
        may_export=security.can(Verb.EXPORT, Finding),
        languages=list(LetterLanguage),
    )


TABLES: dict[str, Callable[[Board], Table]] = {
    "whole": Board.in_short,
    "severity": lambda board: board.severities().table,
    "state": lambda board: board.states().table,
    "category": lambda board: board.categories().table,
    "notices": lambda board: board.notices().table,
}


@blueprint.get("/export/")
def export() -> Response:
    """One of its tables as CSV; written down first."""
    security.require(Verb.EXPORT, Finding)
    key = request.args.get("table", "")
    if key not in TABLES:
        abort(404)
    look = Look()
    table = TABLES[key](look.board)
    name = f"{table.title} {period_name(look.since, look.until)}"
    return sent(table, name, url_for("round_up.page", **look.as_query()), Finding)


@blueprint.get("/<language>.pdf")
def paper(language: str) -> Response:
    """All of it as PDF in English or in Chinese; written down first."""
    security.require(Verb.EXPORT, Finding)
    if language not in set(LetterLanguage):
        abort(404)
    chosen = LetterLanguage(language)
    look = Look()
    with force_locale(LOCALES[chosen]):
        report = _report(look, chosen)
        content = as_pdf(report)
    address = url_for("round_up.page", **look.as_query())
    headings = [section.title for section in report.sections]
    name = written_down(report.title, "pdf", address, Finding, headings, len(report.sections))
    return Response(
        content,
        mimetype="application/pdf",
        headers={"Content-Disposition": exports.content_disposition(name)},
    )


def _report(look: Look, language: LetterLanguage) -> Report:
    board, bureau = look.board, str(current_app.config["BUREAU"])
    period = period_name(look.since, look.until)
    title = gettext("Round-up of supervision, %(period)s", period=period)
    parts = board.parts()
    first = bureau.partition("|")[0].strip()
    return Report(
        language=language,
        bureau=" · ".join(part.strip() for part in bureau.split("|")),
        title=title,
        about=look.scope_name,
        day=gettext("As of %(day)s.", day=show(security.today())),
        sections=[
            _section(board.in_short(), "", has_bars=False),
            *(
                _section(one.table, one.reading, has_bars=len(one.table.headings) == 2)
                for one in parts
            ),
        ],
        foot=f"{title} · {first}",
    )


def _section(table: Table, reading: str, *, has_bars: bool) -> Section:
    numbers = [row[1] if isinstance(row[1], int) else 0 for row in table.rows]
    most = max(numbers, default=0)
    return Section(
        table.title,
        reading,
        table.headings,
        [[shown(cell) for cell in row] for row in table.rows],
        [number / most for number in numbers] if has_bars and most else [],
    )


def init_app(app: Flask) -> None:
    """Register the round-up."""
    app.register_blueprint(blueprint)

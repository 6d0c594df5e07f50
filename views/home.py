"""The first page after log-in: what waits on this officer, in the order of its clock, each with
its next step; and, quietly below, every list they may read."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from flask import current_app, url_for
from flask_admin import AdminIndexView, expose
from flask_babel import format_date, gettext

import budget
import security
from actions import roots
from config import audit_roots
from models import AuditEntry, DailyReturn, Grievance, Officer, db
from queries import identity as identities
from queries import waiting as asking
from queries.lists import sortable_keys
from rules import RuleBroken, mark
from rules.clock_words import Bucket, Clock, Told, told
from rules.identity import MIGHT_OPEN, NEVER_OPEN, Asker, opening_duty
from rules.impartiality import Tree, line_of
from rules.permissions import Role, Verb
from rules.queues import ABOUT, QUEUES
from rules.waiting import MOST, SHOWN, Kind, Place, expects_return, fault_of_watch, kinds_for
from views.asking import who_asks
from views.badges import clock_words
from views.labels import name_of, show, type_label
from views.listing import today
from views.shown import endpoint_of

HEADINGS = {
    Bucket.OVERDUE: mark("Overdue"),
    Bucket.TODAY: mark("Today"),
    Bucket.SOON: mark("In the next 7 days"),
    Bucket.LATER: mark("Later"),
    Bucket.OPEN: mark("Without a set date"),
}

FIRST = 3
"""So many of a queue stand on the page of queues."""


@dataclass(frozen=True)
class Row:
    """One thing on the page: what it is, where it is looked at, and its one next step."""

    words: str
    title: str
    url: str
    step: str
    step_url: str
    clock: Told
    office: str | None = None
    day: str = ""

    @property
    def says(self) -> str:
        """What its clock says, in the reader's language."""
        return clock_words(self.clock)


@dataclass(frozen=True)
class Group:
    """One kind of thing: how many there are (counted to MOST), and the list of all of them."""

    words: str
    number: int
    url: str
    rows: list[Row]


class HomeView(AdminIndexView):
    """What waits on the officer, and the way to everything else."""

    def _handle_view(self, name: str, **kwargs: Any) -> None:
        return None

    @expose("/")
    def index(self) -> Any:
        problem, status = "", 200
        groups: list[Group] = []
        queues: list[Group] = []
        try:
            groups, queues = WhatWaits().groups()
        except budget.TooLong:
            problem, status = _too_long(), 503
        return self.render(
            "home.html",
            groups=groups,
            queues=queues,
            sections=_in_order(groups),
            has_more=any(group.number > len(group.rows) for group in groups),
            most=MOST,
            problem=problem,
            day=format_date(today().day, "full"),
        ), status

    @expose("/queues/")
    def queues(self) -> Any:
        """The queues by name: how many are in each, and the first of them."""
        security.require(Verb.READ, Grievance)
        problem, status = "", 200
        found: list[tuple[Kind, Group]] = []
        try:
            found = WhatWaits().queues()
        except budget.TooLong:
            problem, status = _too_long(), 503
        return self.render(
            "queues.html",
            queues=[(gettext(ABOUT[kind.name]), group) for kind, group in found],
            most=MOST,
            first=FIRST,
            problem=problem,
        ), status


def _too_long() -> str:
    """Take back what took too long, and return what to say about it."""
    db.session.rollback()
    budget.allow_an_answer()
    return gettext(
        "What waits on you could not be found in the time that a page has. Load the page "
        "again, or open a list below."
    )


def _in_order(groups: list[Group]) -> list[tuple[str, str, list[Row]]]:
    """Return the rows of all kinds under the headings of the page (name, words, rows), the most
    urgent first; what is of two kinds stands there once."""
    once: dict[str, Row] = {}
    for group in groups:
        for row in group.rows:
            once.setdefault(row.url, row)
    rows = sorted(once.values(), key=lambda row: (row.clock.bucket, row.clock.moment))
    sections = [
        (bucket.name.lower(), gettext(heading), [one for one in rows if one.clock.bucket is bucket])
        for bucket, heading in HEADINGS.items()
    ]
    return [section for section in sections if section[2]]


def _readable(kinds: Iterable[Kind]) -> list[Kind]:
    """Return those of `kinds` whose records the officer's role reads."""
    return [kind for kind in kinds if security.can(Verb.READ, asking.record_type(kind))]


class WhatWaits:
    """What is asked for one officer in one request, each thing once."""

    def __init__(self) -> None:
        self.officer: Officer = who_asks()
        self.today = today()
        self.now = self.today.now.astimezone(self.today.zone)
        self.roles: frozenset[Role] = security.roles()
        self._known: tuple[Asker, Tree] | None = None

    def known(self) -> tuple[Asker, Tree]:
        """Return what the rules of impartiality need to know; two statements, once."""
        if self._known is None:
            session = db.session()
            asker = identities.asker(session, self.officer, datetime.now(UTC), self.today.day)
            self._known = asker, identities.office_tree(session)
        return self._known

    def groups(self) -> tuple[list[Group], list[Group]]:
        """Return every kind of which something waits, in the order of rules/waiting.py, and what
        is no record; and the queues that are not empty."""
        kinds, queues = _readable(kinds_for(self.roles)), _readable(QUEUES)
        asked = self._asking(kinds)
        found = asking.waiting(db.session(), [*kinds, *queues], asked)
        groups = [self._group(kind, found[kind.name], asked) for kind in kinds if found[kind.name]]
        more = [self._missing_return(), self._openings_to_agree_to(), self._watch()]
        lists = [self._group(one, found[one.name], asked) for one in queues if found[one.name]]
        return [*groups, *(group for group in more if group is not None)], lists

    def queues(self) -> list[tuple[Kind, Group]]:
        """Return every queue that the officer may read, the empty ones too; one statement."""
        queues = _readable(QUEUES)
        asked = self._asking(queues)
        found = asking.waiting(db.session(), queues, asked)
        return [(one, self._group(one, found[one.name], asked)) for one in queues]

    def _asking(self, kinds: list[Kind]) -> asking.Asking:
        asked = asking.Asking(
            self.officer.id,
            self.officer.office_id,
            self.today,
            security.visible,
            security.readable_columns,
        )
        if any(kind.among for kind in kinds):
            groups = asking.groups_of(self.officer.id, self.today.day)
            asked = replace(asked, groups=frozenset(db.session.scalars(groups)))
        if any(kind.away_from for kind in kinds):
            asker, tree = self.known()
            asked = replace(asked, line=line_of(asker.served, tree))
        return asked

    # --- Records ---------------------------------------------------------------------------------

    def _group(self, kind: Kind, things: list[asking.Thing], asked: asking.Asking) -> Group:
        model = asking.record_type(kind)
        filters = dict(asking.list_filters(kind, asked))
        if kind.clock in sortable_keys(model):
            filters |= {"sort": kind.clock, "desc": "0"}
        rows = [self._row(kind, thing) for thing in things[:SHOWN]] if kind.is_listed else []
        address = url_for(f"{endpoint_of(model)}.index_view", **filters)
        return Group(gettext(kind.words), len(things), address, rows)

    def _row(self, kind: Kind, thing: asking.Thing) -> Row:
        model = asking.record_type(kind)
        url = url_for(f"{endpoint_of(model)}.details_view", id=thing.id)
        return Row(
            words=gettext(kind.words),
            title=name_of(asking.naming_columns(kind), thing.named)
            or f"{type_label(model)} #{thing.id}",
            url=url,
            step=gettext(kind.step),
            step_url=self._place(kind, thing.id) or url,
            clock=told(thing.at, kind.means, self.now),
            office=thing.office,
            day=show(_day(thing.at)),
        )

    def _place(self, kind: Kind, number: int) -> str | None:
        """Return the address where the next step is taken; None where it is the record's page."""
        model = asking.record_type(kind)
        if kind.place is Place.FORM and security.can(Verb.EDIT, model):
            return url_for(f"{endpoint_of(model)}.edit_view", id=number)
        if kind.place is Place.IMPORT and security.can(Verb.IMPORT, Grievance):
            return url_for("imports.batch", batch_id=number)
        if kind.place is Place.STEP and security.can(Verb.EDIT, model):
            return url_for("plan.step", step_id=number)
        if kind.place is Place.DECISION:
            return url_for("decisions.page", decision_id=number)
        if kind.place is Place.CONFERENCE:
            return url_for("conference.page", conference_id=number)
        if kind.place is Place.LEAVING and security.can(Verb.EDIT, Officer):
            return url_for("leaving.officer", officer_id=number)
        return None

    # --- What is no record, or not yet -----------------------------------------------------------

    def _missing_return(self) -> Group | None:
        """The return of today that nobody has begun, for who signs it."""
        if Role.OFFICE_HEAD not in self.roles or not security.can(Verb.CREATE, DailyReturn):
            return None
        day = self.today.day
        query = asking.return_and_calendar(self.officer.office_id, day)
        row = db.session.execute(query).one()
        if row.written is not None or not expects_return(day, row.differs):
            return None
        return self._alone(
            gettext("Daily returns to write"),
            gettext("Return of %(day)s", day=show(day)),
            gettext("Write it"),
            url_for(f"{endpoint_of(DailyReturn)}.create_view"),
            told(day, Clock.DUE, self.now),
            office=self.officer.office.name,
        )

    def _openings_to_agree_to(self) -> Group | None:
        """Identities that a second officer must agree to open, where this one may."""
        if not self.roles & MIGHT_OPEN or self.roles & NEVER_OPEN:
            return None
        query = identities.requests_to_decide(self.officer.id).limit(MOST + 1)
        seen = security.visible(Grievance)
        requests = db.session.scalars(query if seen is None else query.where(seen)).all()
        if not requests:
            return None
        asker, tree = self.known()
        cases = identities.cases(db.session(), [one.grievance for one in requests])
        address = url_for("identity.requests_to_decide")
        words = gettext("Openings to agree to")
        rows = [
            Row(
                words=words,
                title=f"{one.grievance.number} · {one.grievance.title}",
                url=f"{address}#request-{one.id}",
                step=gettext("Agree or refuse"),
                step_url=f"{address}#request-{one.id}",
                clock=told(one.asked_at, Clock.WAITS, self.now),
                day=show(_day(one.asked_at)),
            )
            for one in requests
            if _is_allowed(opening_duty, asker, cases[one.grievance_id], tree)
        ]
        return Group(words, len(rows), address, rows[:SHOWN]) if rows else None

    def _watch(self) -> Group | None:
        """What is wrong with the watch over the audit trail, for auditors."""
        if Role.AUDITOR not in self.roles or not security.can(Verb.READ, AuditEntry):
            return None
        folder = audit_roots(current_app.config)
        report, root = roots.last_report(folder), roots.last_root(folder)
        fault = fault_of_watch(
            datetime.fromisoformat(root.signed_at) if root else None,
            datetime.fromisoformat(report["at"]) if report else None,
            datetime.now(UTC),
            is_whole=not (report or {}).get("fault"),
        )
        if not fault:
            return None
        return self._alone(
            gettext("Audit trail"),
            gettext(fault),
            gettext("See what is known of it"),
            url_for(f"{endpoint_of(AuditEntry)}.index_view"),
            Told(Bucket.TODAY, self.now, mark("today")),
        )

    def _alone(
        self, words: str, name: str, step: str, url: str, clock: Told, office: str | None = None
    ) -> Group:
        return Group(words, 1, url, [Row(words, name, url, step, url, clock, office)])


def _is_allowed(check: Callable[..., Any], *arguments: Any) -> bool:
    try:
        check(*arguments)
    except RuleBroken:
        return False
    return True


def _day(at: date | datetime | None) -> date | None:
    """Return the day of `at` in the reader's zone."""
    return at.astimezone(today().zone).date() if isinstance(at, datetime) else at

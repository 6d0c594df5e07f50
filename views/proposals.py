"""Proposals of who supervises what: asking for one, watching it being worked out, reading why, and
accepting it wholly, in part, or not at all. The work is done by a thread of this process; a lock in
the database that it holds tells whether it still lives."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    current_app,
    flash,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import Update, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import joinedload
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.wrappers import Response as Reply
from wtforms import validators

import beside
import proposing
import security
from actions import proposals as acting
from models import (
    AssignmentProposal,
    Office,
    ProposedAssignment,
    Record,
    SupervisionAssignment,
    SupervisionGroup,
    db,
)
from queries import proposals as asking
from queries import supervision
from rules import RuleBroken, Said, mark, say
from rules.assignments import Planned, refusals_of
from rules.offices import OfficeLevel
from rules.permissions import Verb
from rules.proposals import LEVELS
from rules.supervision import ProposalState, ProposedState
from views.asking import who_asks
from views.base import RecordView
from views.errors import REFUSALS, refusal_in_words
from views.fields import DayField, RecordForm, RelationField, WholeField
from views.labels import show, title
from views.shown import Crumb, crumb_of, endpoint_of

blueprint = Blueprint("proposals", __name__, url_prefix="/admin/supervision/proposals")

WORKER_LOCK = 1_764_306
"""First key of the lock that the worker of a proposal holds; the proposal is the second."""
LINES = 50
MOST_MARKED = 2 * LINES
REFUSED = (*REFUSALS, StaleDataError)

_STOPPED = mark(
    "The work ended early because the database did not answer. Nothing was proposed; try again."
)


class AssignmentProposalView(RecordView):
    """Proposals, each with the way to its page."""

    def list_links(self) -> list[tuple[str, str]]:
        return [(_("Propose assignments"), url_for("proposals.start"))] if may_propose() else []

    def record_links(self, record: Record) -> list[tuple[str, str]]:
        return [(_("Read and decide"), url_for("proposals.page", proposal_id=record.id))]


class WishForm(RecordForm):
    """The period, what is planned for, and how many offices a group is given."""

    starts_on = DayField(mark("First day"), [validators.Optional()])
    ends_on = DayField(mark("First day after it"), [validators.Optional()])
    office = RelationField(
        "Office",
        target=Office,
        address=lambda: url_for(f"{endpoint_of(SupervisionAssignment)}.ajax_lookup", name="office"),
        validators=[validators.Optional()],
        description=mark("Only this office and those below it; empty: all offices"),
    )
    most_offices = WholeField(
        mark("Most offices of a group"),
        [validators.Optional()],
        description=mark("Where they do not all fit, the most urgent are placed; empty: no limit"),
    )


def may_propose() -> bool:
    """Return whether the current officer asks for proposals and decides about them: who gives
    offices to groups."""
    return security.can(Verb.CREATE, SupervisionAssignment)


@blueprint.before_request
def _may_read() -> None:
    security.require(Verb.READ, AssignmentProposal)
    if request.method != "GET" and not may_propose():
        abort(403)


# --- Asking for one ----------------------------------------------------------------------------


@blueprint.get("/")
def start() -> str:
    """The proposals there are, and the form for another one."""
    return _start(_wish_form())


@blueprint.post("/")
def ask() -> Any:
    """Write the wish down and begin to work it out."""
    form = _wish_form()
    try:
        if not form.validate():
            raise RuleBroken("Not saved yet. Nothing you typed is lost: put right what is marked.")
        if any(_lives(number) for number in asking.under_way(db.session())):
            raise RuleBroken("Another proposal is being worked out. Try again when it is there.")
        made = acting.ask(
            db.session(),
            starts_on=form.starts_on.data,
            ends_on=form.ends_on.data,
            office_id=form.office.data.id if form.office.data else None,
            levels=_levels(),
            groups=_groups_asked(),
            most_offices=form.most_offices.data,
            today=security.today(),
        )
        db.session.commit()
    except REFUSED as refused:
        problems: dict[str, str] = {}
        words = _put_beside(refused, form, problems)
        return _start(form, words, problems), 422
    _begin(made.id)
    return _to(made.id)


def _wish_form() -> RecordForm:
    """Return the form as it was sent; at first with the next month and a year from there, or with
    what the proposal in `like` was asked for."""
    starts_on = _first_of_next_month(security.today())
    given: dict[str, Any] = {
        "starts_on": starts_on,
        "ends_on": starts_on.replace(year=starts_on.year + 1),
    }
    like = _like()
    if like is not None:
        given |= {
            "office": like.office,
            "most_offices": like.most_offices,
            "starts_on": max(like.starts_on, security.today()),
            "ends_on": like.ends_on,
        }
    return WishForm(data=given)


def _first_of_next_month(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def _like() -> AssignmentProposal | None:
    number = security.parse_id(request.args.get("like", ""))
    if number is None:
        return None
    query = select(AssignmentProposal).where(AssignmentProposal.id == number)
    return db.session.scalar(query.options(joinedload(AssignmentProposal.office)))


def _levels() -> list[OfficeLevel]:
    sent = set(request.form.getlist("levels"))
    return [level for level in LEVELS if level in sent]


def _groups_asked() -> list[int]:
    sent = {security.parse_id(one) for one in request.form.getlist("groups")}
    known = asking.groups_that_work(db.session(), security.today())
    return [group.id for group in known if group.id in sent]


def _start(form: RecordForm, problem: str = "", problems: Mapping[str, str] | None = None) -> str:
    groups = asking.groups_that_work(db.session(), security.today())
    like = _like()
    if request.method == "POST":
        levels, chosen = set(_levels()), set(_groups_asked())
    elif like is not None:
        levels = {OfficeLevel(one) for one in like.asked.get("levels", [])}
        chosen = set(like.asked.get("groups", []))
    else:
        levels, chosen = set(LEVELS), {group.id for group in groups}
    return render_template(
        "supervision/proposals.html",
        form=form,
        levels=[(level, level in levels) for level in LEVELS],
        groups=[(group, group.id in chosen) for group in groups],
        problem=problem,
        problems=problems or {},
        latest=asking.latest(db.session()),
        may_propose=may_propose(),
        crumbs=[crumb_of(SupervisionAssignment)],
    )


# --- One proposal ------------------------------------------------------------------------------


@blueprint.get("/<proposal_id>")
def page(proposal_id: str) -> Any:
    """How far it is, or what is proposed and why, with what can be done about it."""
    return _page(security.parse_id(proposal_id) or abort(404))


@blueprint.get("/<proposal_id>/progress")
def progress(proposal_id: str) -> Response:
    """The same for a script: how much is worked out, in words, and whether it goes on."""
    number = security.parse_id(proposal_id) or abort(404)
    lives = _lives(number)
    record = security.load(AssignmentProposal, number)
    return jsonify(
        running=record.state is ProposalState.WORKING and lives,
        done=record.done,
        all=100,
        words=_words(record),
    )


@blueprint.post("/<proposal_id>/again")
def again(proposal_id: str) -> Reply:
    """Work a proposal out anew whose work was interrupted."""
    record = security.load(AssignmentProposal, proposal_id)
    db.session.refresh(record, with_for_update=True)
    if record.state is not ProposalState.WORKING or _lives(record.id):
        db.session.rollback()
        flash(_("This proposal has moved on in the meantime."), "warning")
        return _to(record.id)
    number = record.id
    db.session.rollback()
    _begin(number)
    return _to(number)


@blueprint.post("/<proposal_id>/decide")
def decide(proposal_id: str) -> Any:
    """Accept or refuse the lines that are marked."""
    record = security.load(AssignmentProposal, proposal_id)
    marked = request.form.getlist("line")[:MOST_MARKED]
    numbers = [one for one in map(security.parse_id, marked) if one is not None]
    if request.form.get("do") == "refuse":
        return _done(record, numbers, _refuse)
    return _done(record, numbers, _accept)


@blueprint.get("/<proposal_id>/accept-all")
def accept_all_page(proposal_id: str) -> Any:
    """Ask before everything that is open is accepted."""
    return _confirmation(proposal_id, "accept")


@blueprint.post("/<proposal_id>/accept-all")
def accept_all(proposal_id: str) -> Any:
    """Accept every line that is open; where it is asked for, without those that cannot be."""
    return _done(security.load(AssignmentProposal, proposal_id), None, _accept)


@blueprint.get("/<proposal_id>/discard")
def discard_page(proposal_id: str) -> Any:
    """Ask before a proposal is refused."""
    return _confirmation(proposal_id, "discard")


@blueprint.post("/<proposal_id>/discard")
def discard(proposal_id: str) -> Any:
    """Refuse what is left of a proposal, or forget one whose work was interrupted."""
    record = security.load(AssignmentProposal, proposal_id)
    if record.state is ProposalState.WORKING and _lives(record.id):
        flash(_("It is being worked out. Wait until it is there."), "warning")
        return _to(record.id)
    return _done(record, None, _discard)


def _accept(record: AssignmentProposal, numbers: list[int] | None) -> str:
    number = acting.accept(
        db.session(),
        record,
        numbers,
        by=who_asks(),
        now=datetime.now(UTC),
        on=security.today(),
        only_possible=request.form.get("only_possible") == "1",
    )
    return ngettext(
        "%(num)s office has its group now. The board can take this back.",
        "%(num)s offices have their groups now. The board can take this back.",
        number,
    )


def _refuse(record: AssignmentProposal, numbers: list[int] | None) -> str:
    number = acting.refuse(db.session(), record, numbers, by=who_asks(), now=datetime.now(UTC))
    return ngettext("%(num)s line is refused.", "%(num)s lines are refused.", number)


def _discard(record: AssignmentProposal, _numbers: list[int] | None) -> str:
    acting.discard(db.session(), record, by=who_asks(), now=datetime.now(UTC))
    return _("The proposal is refused. What was accepted of it stays.")


Deed = Callable[[AssignmentProposal, list[int] | None], str]


def _done(record: AssignmentProposal, numbers: list[int] | None, deed: Deed) -> Any:
    """Do `deed` to the lines, all of it or nothing, and go back; where it is refused, the page
    says why, beside each line that is at fault, and the marks stay."""
    number = record.id
    try:
        said = deed(record, numbers)
        db.session.commit()
    except acting.LinesRefused as refused:
        words = refusal_in_words(refused)[0]
        db.session.rollback()
        return _page(number, words, refused=refused.lines, marked=numbers), 409
    except REFUSED as refused:
        words = _words_of(refused)
        db.session.rollback()
        return _page(number, words, marked=numbers), 422
    flash(said, "success")
    return redirect(url_for("proposals.page", proposal_id=number, **_kept_arguments()), 303)


def _words_of(refused: Exception) -> str:
    if isinstance(refused, StaleDataError):
        return _("Somebody else saved this just now. Look at it, and send it again.")
    return refusal_in_words(refused)[0]


def _page(
    number: int,
    problem: str = "",
    *,
    refused: Mapping[int, Sequence[Said]] | None = None,
    marked: list[int] | None = None,
) -> str:
    lives = _lives(number)  # before the state is read: it is settled when the lock goes
    record = security.load(AssignmentProposal, number, joinedload(AssignmentProposal.office))
    working = record.state is ProposalState.WORKING
    counts = [] if working else asking.counted(db.session(), number)
    groups = _groups(record, counts)
    lines, onwards = ([], None) if working else _lines(number, refused)
    return render_template(
        "supervision/proposal.html",
        proposal=record,
        running=working and lives,
        interrupted=working and not lives,
        words=_words(record),
        lines=lines,
        why=_why,
        onwards=onwards,
        refused=refused or {},
        marked=marked if problem else None,
        chosen=_chosen(),
        groups=groups,
        heaviest=max((one["load"]["load"] for one in groups if one["load"]), default=1) or 1,
        numbers=_numbers(counts),
        states=list(ProposedState),
        problem=problem,
        may_propose=may_propose(),
        crumbs=_crumbs(),
        say=lambda said: say(said, _, show),
    )


def _lines(
    number: int, refused: Mapping[int, Sequence[Said]] | None
) -> tuple[list[ProposedAssignment], int | None]:
    """Return the lines of this page; those that were refused first of all, wherever they stand."""
    chosen = _chosen()
    query = asking.lines(number, state=chosen["state"], group_id=chosen["group"])
    if refused:
        query = asking.lines(number).where(ProposedAssignment.id.in_(refused))
        return asking.page_of_lines(db.session(), query, None, LINES)
    return asking.page_of_lines(db.session(), query, chosen["after"], LINES)


def _chosen() -> dict[str, Any]:
    """Return what the address asks to see: lines in a state, of a group, after a position."""
    state = request.args.get("state", "")
    after = security.parse_id(request.args.get("after", ""))
    return {
        "state": ProposedState(state) if state in set(ProposedState) else None,
        "group": security.parse_id(request.args.get("group", "")),
        "after": after if after is not None and after < 2**31 else None,
    }


def _kept_arguments() -> dict[str, Any]:
    return {name: value for name, value in _chosen().items() if value is not None}


def _why(line: ProposedAssignment) -> list[str]:
    """Return the reasons of a line in the reader's language."""
    return [say(proposing.from_json(one), _, show) for one in line.reasons]


def _groups(record: AssignmentProposal, counts: Sequence[asking.Counted]) -> list[dict[str, Any]]:
    """Return each group with the load it was worked out with and the lines it has now."""
    loads = {one["group_id"]: one for one in (record.summary or {}).get("loads", [])}
    names = {one.group_id: one.name for one in counts if one.group_id is not None}
    missing = [number for number in loads if number not in names]
    if missing:
        query = select(SupervisionGroup.id, SupervisionGroup.name)
        names |= {
            row.id: row.name
            for row in db.session.execute(query.where(SupervisionGroup.id.in_(missing)))
        }
    rows = [
        {
            "id": number,
            "name": name,
            "load": loads.get(number),
            "lines": sum(
                one.number
                for one in counts
                if one.group_id == number and one.state is not ProposedState.REFUSED
            ),
        }
        for number, name in names.items()
    ]
    return sorted(rows, key=lambda one: str(one["name"]))


def _numbers(counts: Sequence[asking.Counted]) -> dict[ProposedState, int]:
    return {
        state: sum(one.number for one in counts if one.state is state) for state in ProposedState
    }


def _words(record: AssignmentProposal) -> str:
    """What is being done at the moment."""
    if record.done < acting.LOOKED:
        return _("Looking at who may have which office.")
    if record.done < acting.FOUND:
        return _("Looking for the best of all plans.")
    return _("Writing the proposal down.")


def _confirmation(proposal_id: str, what: str) -> Any:
    if not may_propose():
        abort(403)
    record = security.load(AssignmentProposal, proposal_id)
    numbers = _numbers(asking.counted(db.session(), record.id))
    return render_template(
        "supervision/decide_proposal.html",
        proposal=record,
        what=what,
        numbers=numbers,
        crumbs=[*_crumbs(), _crumb(record)],
    )


def _crumbs() -> list[Crumb]:
    return [
        crumb_of(SupervisionAssignment),
        (_("Proposals"), url_for("proposals.start")),
    ]


def _crumb(record: AssignmentProposal) -> Crumb:
    return title(record), url_for("proposals.page", proposal_id=record.id)


def _to(number: int) -> Reply:
    return redirect(url_for("proposals.page", proposal_id=number), 303)


# --- One line ----------------------------------------------------------------------------------


@blueprint.get("/lines/<line_id>")
def line(line_id: str) -> Any:
    """Why this group, and which others could have the office."""
    return _line_page(_load_line(line_id))


@blueprint.post("/lines/<line_id>")
def change_line(line_id: str) -> Any:
    """Choose another group for the office of a line."""
    record = _load_line(line_id)
    number = security.parse_id(request.form.get("group", ""))
    try:
        group = db.session.get(SupervisionGroup, number) if number is not None else None
        if group is None:
            raise RuleBroken("Choose a group.", field="group")
        acting.change_line(record, group, session=db.session(), on=security.today())
        db.session.commit()
    except REFUSED as refused:
        words = _words_of(refused)
        db.session.rollback()
        return _line_page(_load_line(line_id), words, number), 422
    flash(_("The line is changed. It holds once it is accepted."), "success")
    return _to(record.proposal_id)


def _load_line(line_id: str) -> ProposedAssignment:
    return security.load(
        ProposedAssignment,
        line_id,
        joinedload(ProposedAssignment.proposal),
        joinedload(ProposedAssignment.office),
        joinedload(ProposedAssignment.group),
        joinedload(ProposedAssignment.found_group),
    )


def _line_page(record: ProposedAssignment, problem: str = "", chosen: int | None = None) -> str:
    seen = supervision.picture(db.session(), today=security.today())
    options = []
    for group in seen.groups.values():
        planned = Planned(group.id, record.office_id, record.starts_on, record.ends_on)
        if not group.life.meets(planned.period):
            continue
        found = refusals_of(planned, seen.groups, seen.offices, seen.policy, security.today())
        options.append((group, [say(said, _, show) for said in found]))
    return render_template(
        "supervision/proposed_line.html",
        line=record,
        options=options,
        chosen=chosen or record.group_id,
        why=_why(record),
        problem=problem,
        may_change=may_propose() and record.state in (ProposedState.OPEN, ProposedState.NOT_PLACED),
        crumbs=[*_crumbs(), _crumb(record.proposal)],
    )


def _put_beside(refused: Exception, form: RecordForm, problems: dict[str, str]) -> str:
    """Take back what was begun and return the sentence of `refused`; where it is about a field, it
    stands beside that."""
    words = _words_of(refused)
    key = getattr(refused, "field", None)
    db.session.rollback()
    for field in form:
        if key and field.short_name == key:
            field.errors = [*field.errors, words]
            return _("Not saved yet. Nothing you typed is lost: put right what is marked.")
    if key:
        problems[key] = words
        return _("Not saved yet. Nothing you typed is lost: put right what is marked.")
    return words


# --- The work ----------------------------------------------------------------------------------


def _lives(number: int) -> bool:
    return beside.is_held(db.session(), WORKER_LOCK, number)


def _begin(number: int) -> None:
    """Start the work in a thread and wait until it holds the lock of the proposal."""
    beside.begin(f"proposal-{number}", lambda officer, held: _work(number, officer, held))


def _work(number: int, officer_id: int | None, held: Callable[[], None]) -> None:
    table = AssignmentProposal.__table__

    def change(done: int, _of: int) -> Update:
        return update(table).where(table.c.id == number).values(done=done)

    try:
        with beside.holding(db.engine, WORKER_LOCK, number) as connection:
            held()
            if connection is None:
                return
            tick = beside.ticker(
                connection,
                security.named(officer_id),
                change,
                lambda done, _of: done >= acting.FOUND,
            )
            _work_out(number, tick)
    except SQLAlchemyError:
        current_app.logger.exception("proposal %s ended early", number)
        _note_failure(number)


def _work_out(number: int, tick: beside.Progress) -> None:
    session = db.session()
    now, today = datetime.now(UTC), security.today()
    record = session.get_one(AssignmentProposal, number)
    if record.state is not ProposalState.WORKING:
        return
    seen = acting.look(session, record, now=now, today=today)
    session.rollback()  # so that no transaction waits for the solver
    found = acting.work_out(seen, tick)
    record = session.get_one(AssignmentProposal, number, with_for_update=True)
    if record.state is ProposalState.WORKING:
        acting.keep(session, record, found, now=datetime.now(UTC))
    session.commit()


def _note_failure(number: int) -> None:
    """Say what happened where the database still takes it; else it shows as interrupted."""
    try:
        db.session.rollback()
        record = db.session.get_one(AssignmentProposal, number)
        acting.fail(record, _(_STOPPED), now=datetime.now(UTC))
        db.session.commit()
    except SQLAlchemyError:
        db.session.remove()


def init_app(app: Flask) -> None:
    """Register the pages of proposals."""
    app.register_blueprint(blueprint)

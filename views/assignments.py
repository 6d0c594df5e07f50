"""The supervision board: which group supervises which office, on a day and over months; giving,
moving, splitting and ending periods one by one or many at once, and taking the last one back."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from flask import Blueprint, Flask, flash, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.orm import joinedload
from wtforms import SelectField, validators

import security
from actions import assignments as acting
from models import AssignmentChange, Office, Record, SupervisionAssignment, SupervisionGroup, db
from queries import supervision as asking
from rules import RuleBroken, mark
from rules.assignments import Planned, refusals_of
from rules.permissions import Verb
from views.asking import who_asks
from views.assignment_board import SHOWS, Asked, Board, said_in_words, way_to_board
from views.base import RecordView
from views.errors import wants_json
from views.fields import FILL_IN, DayField, RecordForm
from views.labels import show
from views.planning import REFUSED, read, refuse

blueprint = Blueprint("assignments", __name__, url_prefix="/admin/supervision")

EARLIEST, LATEST = date(1990, 1, 1), date(2200, 1, 1)
MOST_AT_ONCE = 1000
LONGEST_WORDS = 100


def group_field() -> Any:
    """Return a field for one of the groups that `_offer_groups` puts into it."""
    return SelectField(mark("Group"), validate_choice=False, choices=[])


class GiveForm(RecordForm):
    """Which group gets the office, and for how long."""

    group = group_field()
    starts_on = DayField(mark("First day"), [validators.InputRequired(FILL_IN)])
    ends_on = DayField(mark("First day without it"), [validators.Optional()])


class MoveForm(RecordForm):
    """Which group gets the office, from which day on."""

    group = group_field()
    from_on = DayField(mark("From"), [validators.InputRequired(FILL_IN)])


class SplitForm(RecordForm):
    """On which day the second part begins."""

    from_on = DayField(
        mark("The second part begins on"),
        [validators.InputRequired(FILL_IN)],
        id="split-from_on",  # it stands on one page with the other
    )


class EndForm(RecordForm):
    """From which day on the group has the office no more."""

    ends_on = DayField(mark("First day without it"), [validators.InputRequired(FILL_IN)])


class AssignmentView(RecordView):
    """Assignments, with the way to the board; its forms are held to the same rules."""

    def list_links(self) -> list[tuple[str, str]]:
        return [(_("Supervision board"), url_for("assignments.board"))]

    def record_links(self, record: Record) -> list[tuple[str, str]]:
        if not security.can(Verb.EDIT, record):
            return []
        return [(_("Move, split or end"), url_for("assignments.period", assignment_id=record.id))]

    def _fill(self, form: RecordForm, record: Any) -> None:
        """Held to the rules before it is saved: the database would say no too, without names."""
        group, office = (form[key].data if key in form else None for key in ("group", "office"))
        if group is not None and office is not None and form.starts_on.data is not None:
            wanted = Planned(
                group.id,
                office.id,
                form.starts_on.data,
                form.ends_on.data,
                frozenset({record.id} if record.id else ()),
            )
            if not record.id or not acting.is_shorter(wanted, record):
                acting.check(db.session(), [wanted], security.today(), may_be_over=True)
        super()._fill(form, record)


# --- The board -------------------------------------------------------------------------------


def may_plan() -> bool:
    """Return whether the current officer changes who supervises what."""
    return bool(security.can(Verb.CREATE, SupervisionAssignment))


def read_asked() -> Asked:
    """Return what the address asks of the board; what cannot be read is left out."""
    arguments = request.args
    try:
        day = date.fromisoformat(arguments.get("day", ""))
    except ValueError:
        day = security.today()
    shown = arguments.get("show", "")
    return Asked(
        day=min(max(day, EARLIEST), LATEST),
        view="timeline" if arguments.get("view") == "timeline" else "table",
        words=arguments.get("words", "").strip()[:LONGEST_WORDS],
        show=shown if shown in SHOWS else "all",
        group_id=security.parse_id(arguments.get("group", "")),
        after=security.parse_id(arguments.get("after", "")),
    )


def read_board(asked: Asked) -> Board:
    """Return the board that is asked for; nine statements."""
    seen = asking.picture(
        db.session(),
        min(asked.day, security.today()),
        today=security.today(),
        now=datetime.now(UTC),
    )
    return Board(seen, asked, security.today())


@blueprint.get("/board")
def board() -> Any:
    """The board: a table of offices by group, or a timeline."""
    security.require(Verb.READ, SupervisionAssignment)
    return _board_page()


def _board_page(problem: str = "", many: GiveForm | None = None) -> str:
    one = read_board(read_asked())
    return render_template(
        "supervision/board.html",
        problem=problem,
        many=many or _give_form(one.picture, prefill=True, formdata=None),
        chosen=set(request.form.getlist("office")) if many else set(),
        **_parts(one),
    )


def _parts(one: Board) -> dict[str, Any]:
    """Return what the board and its parts are drawn from."""
    return {
        "board": one,
        "asked": one.asked,
        "groups": one.picture.groups,
        "may_plan": may_plan(),
        "last": asking.last_change(db.session(), who_asks().id) if may_plan() else None,
        "said": said_in_words,
        "address": lambda **changes: url_for("assignments.board", **one.asked.as_query(**changes)),
    }


def _give_form(seen: asking.Picture, *, prefill: bool = False, **given: Any) -> GiveForm:
    form = GiveForm(**({"data": {"starts_on": read_asked().day}} if prefill else {}), **given)
    _offer_groups(form, seen)
    return form


def _offer_groups(form: Any, seen: asking.Picture) -> None:
    today = security.today()
    there = [one for one in seen.groups.values() if one.life.until > today]
    form.group.choices = [("", _("Choose a group")), *((str(one.id), one.name) for one in there)]


def _chosen_group(form: Any) -> SupervisionGroup:
    number = security.parse_id(form.group.data or "")
    group = db.session.get(SupervisionGroup, number) if number else None
    if group is None:
        raise RuleBroken("Choose a group from the list.", field="group")
    return group


def _answer(office_id: int, words: str, *, status: int = 200, fallback: Callable[[], Any]) -> Any:
    """Answer a change: the script gets the row as it stands now and what to say, a form a page."""
    if not wants_json():
        return fallback()
    one = read_board(read_asked())
    row = one.row_of(office_id)
    parts = _parts(one)
    return jsonify(
        {
            "said" if status == 200 else "error": words,
            "row": render_template("supervision/_row.html", row=row, **parts) if row else "",
            "summary": render_template("supervision/_summary.html", **parts),
            "undo": render_template("supervision/_undo.html", **parts),
        }
    ), status


# --- One office ------------------------------------------------------------------------------


@blueprint.get("/board/<office_id>")
def office(office_id: str) -> Any:
    """The periods of an office, which groups can have it and why others cannot, and a form."""
    security.require(Verb.READ, SupervisionAssignment)
    return _office_page(security.load(Office, office_id))


@blueprint.post("/board/<office_id>")
def give(office_id: str) -> Any:
    """Give an office to a group."""
    security.require(Verb.CREATE, SupervisionAssignment)
    one: Office = security.load(Office, office_id)
    number, form = one.id, GiveForm()
    try:
        read(form)
        group = _chosen_group(form)
        ends_on = form.ends_on.data or _free_until(number, form.starts_on.data)
        acting.assign(
            group, one, form.starts_on.data, ends_on, by=who_asks(), now=_now(), on=security.today()
        )
        words = _("%(group)s has %(office)s from %(day)s on.", group=group.name, office=one.name,
                  day=show(form.starts_on.data))  # fmt: skip
        db.session.commit()
    except REFUSED as refused:
        return _refused(number, refused, form, lambda words: _office_again(number, form, words))
    return _done(number, words)


def _now() -> datetime:
    return datetime.now(UTC)


def _free_until(office_id: int, starts_on: date) -> date | None:
    """Return the day on which the next period of the office begins, up to which it can be given
    without an end; None where there is none."""
    held = asking.picture(db.session(), starts_on).offices[office_id].held
    later = [one.period.starts_on for one in held if one.period.starts_on > starts_on]
    return min(later, default=None)


def _refused(
    office_id: int, refused: Exception, form: RecordForm, page: Callable[[str], Any]
) -> Any:
    """Answer a refusal: beside the field at fault or on top of the page, or to the script."""
    words = refuse(refused, form)
    if wants_json():  # there is no form on which a field could say it
        told = [str(text) for one in form for text in one.errors]
        words = " ".join(told) or words
    return _answer(office_id, words, status=422, fallback=lambda: (page(words), 422))


def _done(office_id: int, words: str) -> Any:
    def back() -> Any:
        flash(words, "success")
        return redirect(url_for("assignments.office", office_id=office_id), 303)

    return _answer(office_id, words, fallback=back)


def _office_again(office_id: int, form: GiveForm, problem: str) -> str:
    return _office_page(security.load(Office, office_id), form, problem)


def _office_page(one: Office, form: GiveForm | None = None, problem: str = "") -> str:
    today = security.today()
    seen = asking.picture(db.session(), today=today, now=_now())
    place = seen.offices[one.id]
    if form is None:
        form = _give_form(seen, prefill=True, formdata=None)
    else:
        _offer_groups(form, seen)
    start = form.starts_on.data or today
    later = [held.period.starts_on for held in place.held if held.period.starts_on > start]
    ends_on = form.ends_on.data or min(later, default=None)
    in_the_way = frozenset(held.id for held in place.held if held.period.holds(start))
    could = [
        (group, refusals_of(
            Planned(group.id, place.id, start, ends_on, in_the_way),
            seen.groups, seen.offices, seen.policy, today,
        ))
        for group in seen.groups.values() if group.life.until > today
    ]  # fmt: skip
    return render_template(
        "supervision/office_on_board.html",
        office=one,
        place=place,
        groups=seen.groups,
        could=could,
        start=start,
        form=form,
        problem=problem,
        may_plan=may_plan(),
        said=said_in_words,
        today=today,
        crumbs=way_to_board(),
    )


# --- One period ------------------------------------------------------------------------------


def _load_period(assignment_id: str) -> SupervisionAssignment:
    one = SupervisionAssignment
    found: SupervisionAssignment = security.load(
        one, assignment_id, joinedload(one.group), joinedload(one.office)
    )
    return found


@blueprint.get("/period/<assignment_id>")
def period(assignment_id: str) -> Any:
    """The page of a period, with a form for each way to change it."""
    one = _load_period(assignment_id)
    security.require(Verb.EDIT, one)
    return _period_page(one, _forms())


@blueprint.post("/period/<assignment_id>")
def change(assignment_id: str) -> Any:
    """Move a period to another group, split it, or end it."""
    one = _load_period(assignment_id)
    security.require(Verb.EDIT, one)
    asked, office_id = request.form.get("do", ""), one.office_id
    forms = _forms(asked)
    form = forms.get(asked, forms["move"])
    try:
        words = _do(asked, one, form)
        db.session.commit()
    except REFUSED as refused:
        return _refused(
            office_id,
            refused,
            form,
            lambda words: _period_again(office_id, assignment_id, forms, words),
        )
    return _done(office_id, words)


def _forms(sent: str = "") -> dict[str, Any]:
    """Return the forms of the page of a period; what was sent is in the one that `sent` names."""
    today = security.today()

    def typed(name: str) -> dict[str, Any]:
        return {} if name == sent else {"formdata": None}

    return {
        "move": MoveForm(data={"from_on": today}, **typed("move")),
        "split": SplitForm(**typed("split")),
        "end": EndForm(data={"ends_on": today}, **typed("end")),
    }


def _do(asked: str, one: SupervisionAssignment, form: Any) -> str:
    """Do what was asked with a period and return what to say of it. Raises RuleBroken."""
    if asked not in ("move", "split", "end"):
        raise RuleBroken("Say what is to be done with the period: use one of the buttons.")
    read(form)
    version = security.parse_id(request.form.get("version", ""))
    if version is None:
        raise RuleBroken("Look at the period again and then change it.")
    seen = {"by": who_asks(), "now": _now(), "on": security.today(), "seen_version": version}
    office_name, old = one.office.name, one.group.name
    if asked == "move":
        group, day = _chosen_group(form), form.from_on.data
        acting.move(one, group, day, **seen)
        return _(
            "%(office)s goes from %(old)s to %(group)s on %(day)s.",
            office=office_name, old=old, group=group.name, day=show(max(day, one.starts_on)),
        )  # fmt: skip
    if asked == "split":
        acting.split(one, form.from_on.data, **seen)
        return _("The period was split on %(day)s.", day=show(form.from_on.data))
    left = acting.end(one, form.ends_on.data, **seen)
    if left is None:
        return _("The period was taken away; it had not begun.")
    return _(
        "%(group)s has %(office)s until before %(day)s.",
        group=old, office=office_name, day=show(form.ends_on.data),
    )  # fmt: skip


def _period_again(office_id: int, assignment_id: str, forms: dict[str, Any], problem: str) -> Any:
    number = security.parse_id(assignment_id)
    there = db.session.get(SupervisionAssignment, number) if number else None
    if there is None:  # somebody took it away meanwhile
        return _office_page(security.load(Office, office_id), problem=problem)
    return _period_page(_load_period(assignment_id), forms, problem)


def _period_page(one: SupervisionAssignment, forms: dict[str, Any], problem: str = "") -> str:
    seen = asking.picture(db.session(), today=security.today())
    _offer_groups(forms["move"], seen)
    today = security.today()
    way = [(one.office.name, url_for("assignments.office", office_id=one.office_id))]
    return render_template(
        "supervision/period.html",
        one=one,
        **forms,
        is_over=one.ends_on is not None and one.ends_on <= today,
        has_begun=one.starts_on <= today,
        problem=problem,
        crumbs=[*way_to_board(), *way],
    )


# --- Many at once ----------------------------------------------------------------------------


@blueprint.post("/board/preview")
def preview() -> Any:
    """Show what would become of many offices given to a group, before anything is saved."""
    security.require(Verb.CREATE, SupervisionAssignment)
    form = GiveForm()
    try:
        read(form)
        return _preview_page(form, _chosen_group(form), _chosen_offices())
    except REFUSED as refused:
        problem = refuse(refused, form)
        seen = asking.picture(db.session(), security.today())
        _offer_groups(form, seen)
        return _board_page(problem, form), 422


def _chosen_offices() -> list[int]:
    numbers = [security.parse_id(one) for one in request.form.getlist("office")[:MOST_AT_ONCE]]
    chosen = list(dict.fromkeys(one for one in numbers if one is not None))
    if not chosen:
        raise RuleBroken("Choose at least one office.")
    return chosen


def _rows(form: GiveForm, group: SupervisionGroup, offices: list[int]) -> list[acting.Row]:
    return [
        acting.Row(group.id, number, form.starts_on.data, form.ends_on.data) for number in offices
    ]


def _seen_of(place: Any) -> str:
    """Return which periods an office has, and in which versions: what somebody looked at."""
    return ".".join(f"{held.id}-{held.version_id}" for held in place.held)


def _preview_page(
    form: GiveForm, group: SupervisionGroup, offices: list[int], problem: str = ""
) -> str:
    today = security.today()
    rows = _rows(form, group, offices)
    seen = asking.picture(db.session(), min(today, form.starts_on.data), today=today)
    told = acting.look_at(rows, seen, today, replacing=True)
    day = form.starts_on.data
    lines = [
        {
            "place": place,
            "now": next((one for one in place.held if one.period.holds(day)), None),
            "why_not": reasons,
            "seen": _seen_of(place),
        }
        for row, reasons in zip(rows, told, strict=True)
        if (place := seen.offices.get(row.office_id)) is not None
    ]
    return render_template(
        "supervision/preview.html",
        lines=lines,
        good=sum(not line["why_not"] for line in lines),
        group=group,
        groups=seen.groups,
        form=form,
        problem=problem,
        said=said_in_words,
        crumbs=way_to_board(),
    )


@blueprint.post("/board/many")
def save_many() -> Any:
    """Give many offices to a group: all that were chosen on the page that showed it, or none."""
    security.require(Verb.CREATE, SupervisionAssignment)
    form, chosen = GiveForm(), list[int]()
    try:
        read(form)
        group, chosen = _chosen_group(form), _chosen_offices()
        session = db.session()
        acting.wait_for_others(session)
        _check_looked_at(form, chosen)
        made = acting.assign_many(
            session, _rows(form, group, chosen), by=who_asks(), now=_now(),
            on=security.today(), replacing=True,
        )  # fmt: skip
        words = ngettext(
            "%(group)s has %(num)s more office.", "%(group)s has %(num)s more offices.",
            len(made), group=group.name,
        )  # fmt: skip
        db.session.commit()
    except REFUSED as refused:
        problem = refuse(refused, form)
        return _many_again(form, chosen, problem), 422
    flash(words, "success")
    return redirect(url_for("assignments.board"), 303)


def _many_again(form: GiveForm, chosen: list[int], problem: str) -> str:
    number = security.parse_id(form.group.data or "")
    group = db.session.get(SupervisionGroup, number) if number else None
    if group is None or form.starts_on.data is None or not chosen:
        _offer_groups(form, asking.picture(db.session(), security.today()))
        return _board_page(problem, form)
    return _preview_page(form, group, chosen, problem)


def _check_looked_at(form: GiveForm, chosen: list[int]) -> None:
    """Refuse to save over what somebody else changed since the page was shown."""
    seen = asking.picture(db.session(), min(security.today(), form.starts_on.data))
    for number in chosen:
        place = seen.offices.get(number)
        if place is not None and request.form.get(f"seen-{number}") != _seen_of(place):
            raise RuleBroken(
                "Somebody changed who supervises %(office)s since you looked. Look at it as it is "
                "now, and save it then.",
                office=place.name,
            )


# --- Taking back -----------------------------------------------------------------------------


@blueprint.post("/board/undo")
def undo() -> Any:
    """Take back one's own last change."""
    security.require(Verb.EDIT, SupervisionAssignment)
    try:
        change = _own_change(request.form.get("change", ""))
        acting.undo(change, by=who_asks(), now=_now(), on=security.today())
        db.session.commit()
        flash(_("The last change was taken back."), "success")
    except REFUSED as refused:
        flash(refuse(refused), "error")
    return redirect(url_for("assignments.board", **read_asked().as_query()), 303)


def _own_change(number: str) -> AssignmentChange:
    last = asking.last_change(db.session(), who_asks().id)
    if last is None or last.id != security.parse_id(number):
        raise RuleBroken("This is not your last change any more. Look at the board again.")
    return last


def init_app(app: Flask) -> None:
    """Give `app` the supervision board."""
    app.register_blueprint(blueprint)

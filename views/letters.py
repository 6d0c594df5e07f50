"""Letters of a grievance: look at one, keep it as it goes out, print it with the address of who
complained, which no kept copy has."""

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    current_app,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import force_locale
from flask_babel import gettext as _

import security
from actions import identity as opening
from actions.letters import Wanted, Words, address_of, keep_letter, words_of
from models import Decision, Grievance, IdentityOpening, Letter, Record, db
from papers.letters import Sheet, as_pdf
from papers.store import Store
from queries import casework, identity
from rules import RuleBroken
from rules.grievance import LetterKind, LetterLanguage
from rules.identity import LONGEST_REASON, OpeningGround
from rules.letters import check_template, paragraphs
from rules.permissions import Desk, Verb, may
from views.asking import (
    LOCALES,
    bureau,
    identity_at,
    identity_ring,
    identity_terms,
    own_record,
    who_asks,
)
from views.base import RecordView
from views.fields import RecordForm
from views.labels import enum_label, sentence, show
from views.shown import crumbs_of

blueprint = Blueprint("letters", __name__, url_prefix="/admin")

GROUNDS = {
    LetterKind.ACKNOWLEDGEMENT: OpeningGround.ACKNOWLEDGE,
    LetterKind.TO_COMPLAINANT: OpeningGround.ANSWER,
}


class LetterTemplateView(RecordView):
    """Templates of letters; a text with a place that nothing fills is refused."""

    def _fill(self, form: RecordForm, record: Record) -> None:
        super()._fill(form, record)
        check_template(record.kind, record.subject or "", record.body or "")


def may_write() -> bool:
    """Return whether the current officer makes letters: who works on grievances or decides."""
    held = security.roles()
    return any(may(held, desk, Verb.CREATE) for desk in (Desk.CASEWORK, Desk.DECISIONS))


def _require_writing() -> None:
    if not may_write():
        abort(403)


# --- A new letter ----------------------------------------------------------------------------


@blueprint.get("/grievance/<grievance_id>/letter")
def new(grievance_id: str) -> str:
    """The choice of a letter."""
    _require_writing()
    return _form(security.load(Grievance, grievance_id))


@blueprint.post("/grievance/<grievance_id>/letter")
def make(grievance_id: str) -> Any:
    """Show the letter that was chosen, or keep it where that was the button."""
    _require_writing()
    grievance = security.load(Grievance, grievance_id)
    try:
        wanted = _wanted(grievance)
        words = words_of(wanted, _values(grievance, wanted))
        if "keep" not in request.form:
            return _form(grievance, words)
        sheet = _sheet(wanted, words.subject, words.body, grievance.number, security.today())
        letter = keep_letter(grievance, wanted, words, sheet, store=Store.of(current_app.config))
        number = letter.id
        db.session.commit()
    except RuleBroken as broken:
        db.session.rollback()
        again = security.load(Grievance, grievance_id)
        return _form(again, problem=sentence(broken), field=broken.field), 400
    except OSError:
        db.session.rollback()
        current_app.logger.exception("a letter could not be kept")
        full = _("The file could not be kept: the server's disk refuses it.")
        return _form(security.load(Grievance, grievance_id), problem=full), 400
    flash(_("The letter was kept as it goes out."), "success")
    return redirect(url_for("letters.page", letter_id=number), 303)


def _wanted(grievance: Grievance) -> Wanted:
    try:
        kind = LetterKind(request.form.get("kind", ""))
    except ValueError:
        raise RuleBroken("Choose which letter.", field="kind") from None
    try:
        language = LetterLanguage(request.form.get("language", ""))
    except ValueError:
        raise RuleBroken("Choose a language.", field="language") from None
    if kind is LetterKind.ACKNOWLEDGEMENT:
        return Wanted(kind, language)
    decision = db.session.scalar(casework.given(grievance.id))
    office = grievance.responsible_office if kind is LetterKind.TO_OFFICE else None
    return Wanted(kind, language, decision, office)


def _values(grievance: Grievance, wanted: Wanted) -> dict[str, str]:
    """Return what is filled into the letter, in its language."""
    with force_locale(LOCALES[wanted.language]):
        office = grievance.responsible_office
        values = {
            "number": grievance.number,
            "title": grievance.title,
            "received_on": show(_day(grievance.received_at)),
            "office": office.name if office else _("not named yet"),
            "bureau": bureau().partition("\n")[0],
            "today": show(security.today()),
        }
        return values | (_of_decision(wanted.decision) if wanted.decision else {})


def _of_decision(decision: Decision) -> dict[str, str]:
    points = sorted(decision.points, key=lambda one: one.position)
    told = [
        f"# {number}. {one.point} — {enum_label(one.conclusion)}\n\n{one.reasons}"
        for number, one in enumerate(points, 1)
    ]
    return {
        "summary": decision.summary,
        "points": "\n\n".join(told),
        "follows": decision.follows or _("Nothing further."),
        "how_to_appeal": decision.how_to_appeal or "",
        "review_until": show(decision.review_until_on),
    }


def _day(moment: datetime) -> date:
    """Return the date at the bureau."""
    return moment.astimezone(ZoneInfo(security.timezone())).date()


def _sheet(wanted: Wanted, subject: str, body: str, number: str, day: date) -> Sheet:
    """Return the letter as it is kept: to an office with its address, to the complainant with a
    line that says why there is none."""
    office = wanted.office
    with force_locale(LOCALES[wanted.language]):
        if office is None:
            place: tuple[str, ...] = (_("Address withheld: it is filled in when it is printed."),)
        else:
            place = (office.name, *(office.address or "").splitlines())
        shown = show(day)
    return Sheet(
        language=wanted.language,
        bureau=bureau(),
        place=place,
        reference=number,
        day=shown,
        subject=subject,
        body=body,
        foot=f"{number} · {bureau().partition(chr(10))[0]}",
    )


def _form(
    grievance: Grievance, words: Words | None = None, *, problem: str = "", field: str | None = None
) -> str:
    return render_template(
        "grievances/letter_new.html",
        grievance=grievance,
        words=words,
        paragraphs=paragraphs(words.body) if words else [],
        kinds=list(LetterKind),
        languages=list(LetterLanguage),
        kind=request.form.get("kind", ""),
        chosen=request.form.get("language", _own_language()),
        problem=problem,
        field=field,
        crumbs=crumbs_of(grievance),
    )


def _own_language() -> str:
    return next(one.value for one, locale in LOCALES.items() if locale == security.language())


# --- A letter as it went out -----------------------------------------------------------------


@blueprint.get("/letter/<letter_id>")
def page(letter_id: str) -> str:
    """A letter with its file, its hash, and the way to print it with the address."""
    return _page(security.load(Letter, letter_id))


@blueprint.post("/letter/<letter_id>/open")
def open_identity(letter_id: str) -> Any:
    """Record that the identity is opened for this letter; the next request prints it."""
    letter = security.load(Letter, letter_id)
    grievance, officer = letter.grievance, own_record(who_asks())
    try:
        _check_printable(letter)
        opening_id = opening.open_identity(
            grievance,
            GROUNDS[letter.kind],
            request.form.get("reason", ""),
            by=officer,
            at=identity_at(),
            terms=identity_terms(),
        )
    except RuleBroken as broken:
        db.session.rollback()
        status = 400 if broken.field else 403
        again = security.load(Letter, letter_id)
        return _page(again, problem=sentence(broken), field=broken.field), status
    grievance_id = grievance.id
    db.session.commit()
    if opening_id is None:
        flash(_("Asked. Somebody else who could open it has to agree."), "success")
        return redirect(url_for("identity.overview", grievance_id=grievance_id), 303)
    flash(_("The opening is recorded. Save the letter with the address now."), "success")
    return redirect(url_for("letters.page", letter_id=letter_id), 303)


@blueprint.get("/letter/<letter_id>/print/<opening_id>")
def printed(letter_id: str, opening_id: str) -> Response:
    """The letter with the address of who complained, for as long as the opening runs. It is made
    for this answer alone and kept nowhere."""
    letter = security.load(Letter, letter_id)
    grievance = letter.grievance
    found = db.session.get(IdentityOpening, security.parse_id(opening_id) or abort(404))
    if found is None or found.grievance_id != grievance.id:
        abort(404)
    try:
        _check_printable(letter)
        known = opening.read_opened(found.id, ring=identity_ring())
        if known is None:
            raise RuleBroken(
                "This opening is over, or it is not yours. To see the identity again, ask anew."
            )
        place = address_of(known)
    except RuleBroken as broken:
        db.session.rollback()
        refused = _page(security.load(Letter, letter_id), problem=sentence(broken))
        return make_response(refused, 403)
    wanted = Wanted(letter.kind, letter.language)
    made_on = _day(letter.created_at)
    sheet = _sheet(wanted, letter.subject, letter.body, grievance.number, made_on)
    answer = make_response(as_pdf(sheet.to(place)))
    answer.headers["Content-Type"] = "application/pdf"
    answer.headers["Content-Disposition"] = f'attachment; filename="{grievance.number}.pdf"'
    return answer


def _check_printable(letter: Letter) -> None:
    if letter.kind not in GROUNDS:
        raise RuleBroken("This letter goes to an office; its address stands on it.")


def _page(letter: Letter, *, problem: str = "", field: str | None = None) -> str:
    grievance, refused, running = letter.grievance, "", None
    officer = own_record(who_asks())
    sealed = False
    if letter.kind in GROUNDS:
        sealed = db.session.scalar(identity.is_sealed(grievance.id)) is not None
        try:
            opening.duty_to_open(grievance, officer, identity_at())
        except RuleBroken as broken:
            refused = sentence(broken)
        if sealed and not refused:
            running = db.session.scalar(identity.running_opening(grievance.id, officer.id))
    return render_template(
        "grievances/letter.html",
        letter=letter,
        grievance=grievance,
        paragraphs=paragraphs(letter.body),
        to_complainant=letter.kind in GROUNDS,
        sealed=sealed,
        refused=refused,
        running=running,
        reason=request.form.get("reason", ""),
        longest=LONGEST_REASON,
        problem=problem,
        field=field,
        crumbs=crumbs_of(grievance),
    )


def init_app(app: Flask) -> None:
    """Register the pages of letters."""
    app.register_blueprint(blueprint)
    app.jinja_env.globals["may_write_letters"] = may_write

"""Import of files on screen: upload, check, look at what it found, bring in, fetch what was
refused. The work is done by a thread of this process, which keeps the figures in ImportBatch; a
lock in the database that it holds tells whether it still lives."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
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
    send_file,
    url_for,
)
from flask_babel import gettext as _
from sqlalchemy import select, update
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.datastructures import FileStorage
from werkzeug.utils import secure_filename
from werkzeug.wrappers import Response as Reply

import beside
import imports as importing
import limits
import security
from access import SYSTEM
from actions import figures
from models import ImportBatch, db
from rules import RuleBroken, mark
from rules.import_values import WARNINGS
from rules.permissions import Verb
from rules.records import Brings, ImportState
from views.labels import sentence, types_label
from views.shown import endpoint_of

blueprint = Blueprint("imports", __name__, url_prefix="/admin/import")

WORKING = (ImportState.UPLOADED, ImportState.CHECKING, ImportState.IMPORTING)

_STOPPED = mark(
    "The work ended early because the database or the disk did not answer. Nothing was imported."
)
DISCARDED_WHILE = (*WORKING, ImportState.CHECKED)
_DISCARDED = mark("Discarded before it was imported.")


@blueprint.before_request
def _may_import() -> None:
    if not may_import():
        abort(403)


def may_import() -> bool:
    """Return whether the current officer may bring in anything."""
    return any(security.can(Verb.IMPORT, importing.record_type_of(one)) for one in Brings)


def _require(brings: Brings) -> None:
    security.require(Verb.IMPORT, importing.record_type_of(brings))


def _load(batch_id: object) -> ImportBatch:
    """Return the batch with this id, of what the current officer may bring in."""
    record: ImportBatch = security.load(ImportBatch, batch_id)
    _require(record.brings)
    return record


def _own_maps() -> dict[str, importing.ImportMap]:
    """Return the shipped maps of what the current officer may bring in."""
    return {
        name: one
        for name, one in importing.shipped_maps().items()
        if security.can(Verb.IMPORT, importing.record_type_of(one.kind.brings))
    }


def _uploads() -> Path:
    folder = Path(current_app.instance_path) / "uploads"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def _files(batch_id: int) -> importing.Files:
    return importing.files_of(_uploads(), batch_id)


# --- Screens ---------------------------------------------------------------------------------


@blueprint.get("/")
def start() -> str:
    """The form for a file, and the imports that wait for somebody."""
    return _form({})


@blueprint.post("/")
@limits.takes_files
def upload() -> Any:
    """Keep the file and begin to check it."""
    problems: dict[str, str] = {}
    chosen = request.files.get("file")
    if chosen is None or not chosen.filename:
        problems["file"] = _("Choose a file.")
    map_name, map_text, brings = "", "", Brings.GRIEVANCES
    try:
        map_name, map_text, brings = _chosen_map()
    except RuleBroken as refused:
        problems["map"] = sentence(refused)
    if problems or chosen is None or chosen.filename is None:
        return _form(problems), 400
    _require(brings)
    importing.sweep(_uploads())
    size = _size(chosen)
    batch_id = importing.new_batch(db.session(), chosen.filename, map_name, size, brings)
    db.session.commit()
    try:
        files = _files(batch_id)
        files.make(map_text)
        chosen.save(files.file)
    except OSError:
        current_app.logger.exception("an upload could not be kept")
        _finish(batch_id, failure=_("The file could not be kept: the server's disk refuses it."))
        db.session.commit()
        return _to(batch_id)
    _begin(batch_id, _check)
    return _to(batch_id)


@blueprint.get("/<batch_id>")
def batch(batch_id: str) -> str:
    """How far an import is, or what it found."""
    number = security.parse_id(batch_id) or abort(404)
    lives = importing.is_worked_on(
        db.session(), number
    )  # before the state is read: the state is settled when the lock goes
    record = _load(number)
    files = _files(number)
    model = importing.record_type_of(record.brings)
    return render_template(
        "imports/batch.html",
        batch=record,
        running=record.state in WORKING and lives,
        interrupted=record.state in WORKING and not lives,
        has_file=files.file.exists(),
        has_refused=files.refused.exists(),
        words=_words(record),
        report=record.summary or {},
        reason_words=_reason_words,
        brought=url_for(f"{endpoint_of(model)}.index_view", flt0_import_batch_equals=record.id),
        warning_words=_warning_words,
        crumbs=[*_crumbs(), (_("Import a file"), url_for("imports.start"))],
    )


@blueprint.get("/<batch_id>/progress")
def progress(batch_id: str) -> Response:
    """The same for a script: bytes, rows, words, and whether it still runs."""
    number = security.parse_id(batch_id) or abort(404)
    lives = importing.is_worked_on(db.session(), number)
    record = _load(number)
    return jsonify(
        running=record.state in WORKING and lives,
        state=record.state,
        done=record.bytes_done,
        all=record.bytes_total,
        words=_words(record),
    )


@blueprint.post("/<batch_id>/check")
def check_again(batch_id: str) -> Reply:
    """Begin anew with a file whose work was interrupted."""
    record, problem = _waiting(batch_id, (*WORKING, ImportState.CHECKED))
    if problem:
        return _not_now(record.id, problem)
    _set(record.id, state=ImportState.UPLOADED, failure=None, bytes_done=0, rows_read=0)
    db.session.commit()
    _begin(record.id, _check)
    return _to(record.id)


@blueprint.post("/<batch_id>/import")
def bring_in(batch_id: str) -> Reply:
    """Bring the checked rows in; the good ones alone where others are refused."""
    record, problem = _waiting(batch_id, (ImportState.CHECKED,))
    if problem:
        return _not_now(record.id, problem)
    keep_good = request.form.get("keep_good") == "1"
    _set(
        record.id,
        state=ImportState.IMPORTING,
        failure=None,
        bytes_done=0,
        rows_read=0,
        keeps_good_rows=keep_good,
    )
    db.session.commit()
    _begin(record.id, _bring_in)
    return _to(record.id)


@blueprint.get("/<batch_id>/discard")
def ask_discard(batch_id: str) -> Any:
    """Ask whether a file is to be forgotten."""
    record, problem = _waiting(batch_id, DISCARDED_WHILE, needs_file=False)
    if problem:
        return _not_now(record.id, problem)
    return render_template(
        "ask.html",
        question=_("Discard “%(name)s”?", name=record.file_name),
        sentences=[
            _("Nothing of it was imported. The file and what was found in it are deleted here."),
            _("To import it later it must be uploaded and checked again."),
        ],
        action=url_for("imports.discard", batch_id=record.id),
        sent={},
        words=_("Discard"),
        back=url_for("imports.batch", batch_id=record.id),
        crumbs=[*_crumbs(), (_("Import a file"), url_for("imports.start"))],
    )


@blueprint.post("/<batch_id>/discard")
def discard(batch_id: str) -> Reply:
    """Forget a file that is not to be imported."""
    record, problem = _waiting(batch_id, DISCARDED_WHILE, needs_file=False)
    if problem:
        return _not_now(record.id, problem)
    _finish(record.id, failure=_(_DISCARDED))
    db.session.commit()
    _files(record.id).drop()
    flash(_("The file was discarded. Nothing was imported."))
    return redirect(url_for("imports.start"))


@blueprint.get("/<batch_id>/refused.csv")
def refused_rows(batch_id: str) -> Response:
    """The rows that were refused, as the file had them, with the reasons."""
    record = _load(batch_id)
    path = _files(record.id).refused
    if not path.exists():
        abort(404)
    stem = secure_filename(Path(record.file_name).stem) or "import"
    return send_file(
        path, mimetype="text/csv", as_attachment=True, download_name=f"{stem}-refused.csv"
    )


@blueprint.get("/maps/<name>.toml")
def shipped_map(name: str) -> Response:
    """A map that comes with the product, to begin one's own with."""
    if name not in _own_maps():
        abort(404)
    return send_file(importing.MAPS / f"{name}.toml", mimetype="text/plain", as_attachment=True)


def _form(problems: dict[str, str]) -> str:
    query = (
        select(ImportBatch)
        .where(
            ImportBatch.state.in_((*WORKING, ImportState.CHECKED)),
            ImportBatch.brings.in_({one.kind.brings for one in _own_maps().values()}),
        )
        .order_by(ImportBatch.id.desc())
        .limit(20)
    )
    scope = security.visible(ImportBatch)
    return render_template(
        "imports/start.html",
        problems=problems,
        maps=_own_maps(),
        chosen=request.form.get("map_name", ""),
        crumbs=_crumbs(),
        waiting=db.session.scalars(query if scope is None else query.where(scope)).all(),
    )


def _crumbs() -> list[tuple[str, str]]:
    return [(types_label(ImportBatch), url_for(f"{endpoint_of(ImportBatch)}.index_view"))]


def _chosen_map() -> tuple[str, str, Brings]:
    """Return the name and text of the map of this request, and what it brings in; RuleBroken where
    it is none."""
    own = request.files.get("map")
    if own is not None and own.filename:
        text = importing.map_text(own.stream.read(importing.LONGEST_MAP + 1))
        return own.filename, text, importing.read_map(text).kind.brings
    name = request.form.get("map_name", "")
    if name not in _own_maps():
        raise RuleBroken("Choose a map, or the file of one of your own.")
    text = (importing.MAPS / f"{name}.toml").read_text(encoding="utf-8")
    return name, text, importing.shipped_maps()[name].kind.brings


def _size(upload: FileStorage) -> int:
    size = upload.stream.seek(0, 2)
    upload.stream.seek(0)
    return int(size)


def _waiting(
    batch_id: str, states: tuple[ImportState, ...], *, needs_file: bool = True
) -> tuple[ImportBatch, str]:
    """Return the batch, locked against a second click, and a sentence where it is not in one of
    `states`, is being worked on, or its file is gone."""
    record = _load(batch_id)
    db.session.refresh(record, with_for_update=True)
    if record.state not in states or importing.is_worked_on(db.session(), record.id):
        return record, _("This import has moved on in the meantime.")
    if needs_file and not _files(record.id).file.exists():
        return record, _("The file is not kept any longer. Upload it again.")
    return record, ""


def _not_now(batch_id: int, problem: str) -> Reply:
    db.session.rollback()
    flash(problem, "warning")
    return _to(batch_id)


def _to(batch_id: int) -> Reply:
    return redirect(url_for("imports.batch", batch_id=batch_id), 303)


def _words(record: ImportBatch) -> str:
    """What is being done at the moment."""
    if record.bytes_done < (record.bytes_total or 1):
        return _("Reading the file: %(rows)s rows so far.", rows=record.rows_read)
    if record.state == ImportState.IMPORTING:
        return _("Writing %(rows)s rows into the register.", rows=record.rows_read)
    return _("Comparing %(rows)s rows with the register.", rows=record.rows_read)


def _reason_words(refusal: dict[str, Any]) -> str:
    """The sentence of a refusal; with dots for what is of one row, that of many."""
    return importing.refusal_sentence({"value": "…", "detail": "…"} | refusal, _)


def _warning_words(warning: str) -> str:
    return _(WARNINGS[warning]) if warning in WARNINGS else warning


# --- The work --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Job:
    """What the thread of a batch is given, and where it tells how far it is."""

    batch_id: int
    files: importing.Files
    tick: importing.Progress


def _begin(batch_id: int, work: Callable[[Job], None]) -> None:
    """Start `work` in a thread and wait until it holds the lock of the batch."""
    beside.begin(f"import-{batch_id}", lambda number, held: _run(batch_id, number, work, held))


def _run(
    batch_id: int, officer_id: int | None, work: Callable[[Job], None], held: Callable[[], None]
) -> None:
    files = _files(batch_id)
    try:
        size = files.file.stat().st_size
        with importing.worker(db.engine, batch_id, security.named(officer_id), size) as tick:
            held()
            if tick is not None:
                work(Job(batch_id, files, tick))
    except (SQLAlchemyError, OSError):
        current_app.logger.exception("import %s ended early", batch_id)
        _note_failure(batch_id)


def _check(job: Job) -> None:
    """See what would become of each row; write nothing but that."""
    session = db.session()
    _set(job.batch_id, state=ImportState.CHECKING)
    session.commit()
    try:
        the_map = importing.read_map_file(job.files.map)
        report = importing.check(
            session, job.files.file, the_map, now=datetime.now(UTC), progress=job.tick
        )
        _write_refused(job, the_map)
    except RuleBroken as refused:
        session.rollback()
        _finish(job.batch_id, failure=sentence(refused))
        session.commit()
        job.files.drop_upload()
        return
    session.rollback()  # the temporary tables go with it
    counts = {f"rows_{name}": getattr(report, name) for name in ("read", *importing.OUTCOMES)}
    _set(job.batch_id, state=ImportState.CHECKED, summary=report.as_dict(), **counts)
    session.commit()


def _bring_in(job: Job) -> None:
    """Check again, under the lock that keeps others from importing, and write."""
    session = db.session()
    the_map = importing.read_map_file(job.files.map)
    keep_good = session.scalar(
        select(ImportBatch.keeps_good_rows).where(ImportBatch.id == job.batch_id)
    )
    now = datetime.now(UTC)
    try:
        report = importing.check(
            session, job.files.file, the_map, now=now, progress=job.tick, will_write=True
        )
        _write_refused(job, the_map)
        importing.bring_in(
            session, the_map, report, batch_id=job.batch_id, now=now, keep_good=bool(keep_good)
        )
    except RuleBroken as refused:
        session.rollback()
        _set(job.batch_id, state=ImportState.CHECKED, failure=sentence(refused))
        session.commit()
        return
    session.commit()
    job.files.drop_upload()
    _count_figures()


def _count_figures() -> None:
    """Bring the dashboard up to what was brought in. The import is done by now: where this cannot
    be, the next refresh does it."""
    try:
        figures.refresh_apart(
            db.engine,
            security.named(SYSTEM)(),
            now=datetime.now(UTC),
            timezone=security.timezone(),
        )
    except (RuleBroken, SQLAlchemyError) as problem:
        current_app.logger.warning("figures not refreshed: %s", type(problem).__name__)


def _write_refused(job: Job, the_map: importing.ImportMap) -> None:
    job.files.refused.unlink(missing_ok=True)
    importing.write_refused(db.session(), job.files.file, the_map, job.files.refused, _)


def _set(batch_id: int, **values: Any) -> None:
    table = ImportBatch.__table__
    db.session.execute(update(table).where(table.c.id == batch_id).values(**values))


def _finish(batch_id: int, *, failure: str) -> None:
    _set(batch_id, state=ImportState.FAILED, failure=failure, finished_at=datetime.now(UTC))


def _note_failure(batch_id: int) -> None:
    """Say what happened where the database still takes it; else the batch shows as interrupted."""
    try:
        db.session.rollback()
        _set(batch_id, failure=_(_STOPPED))
        db.session.commit()
    except SQLAlchemyError:
        db.session.remove()


def init_app(app: Flask) -> None:
    """Register the import pages."""
    app.register_blueprint(blueprint)

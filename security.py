"""Who is asking, and what they may see and do. Every screen, list and export asks here.

A request is let in only with a log-in, unless its view is declared `@public` (promise A1). The
officer and their roles are read anew with each request, so that a right that was taken away dies
at the next one (promise A5).
"""

import hashlib
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from flask import (
    Flask,
    Response,
    abort,
    current_app,
    flash,
    has_app_context,
    has_request_context,
    redirect,
    request,
    url_for,
)
from flask import (
    session as web_session,
)
from flask_babel import gettext as _
from flask_login import LoginManager
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    and_,
    any_,
    event,
    false,
    func,
    inspect,
    literal,
    not_,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import MANYTOONE, Session, contains_eager
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response as Reply

import budget
import limits
from access import APP_ROLE, SYSTEM, kept_from, sign_ticket, telling, through
from config import LANGUAGES, SettingWrong
from models import (
    GroupMembership,
    Office,
    Officer,
    OfficeRecord,
    OfficerSession,
    Record,
    RetaliationReport,
    SupervisionAssignment,
    db,
)
from rules.accounts import Appearance, second_factor_roles
from rules.grievance import GrievanceKind
from rules.impartiality import Scope, Settings
from rules.leading import Leading
from rules.offices import OfficeLevel
from rules.permissions import READS_EVERY_OFFICE, Desk, Role, Verb, may

COOKIE = "redress_session"
VISITOR_COOKIE = "redress_visitor"
LARGEST_ID = 2**63 - 1
NO_ROLES: frozenset[Role] = frozenset()

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src {scripts}; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": (
        "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

AnyRecord = TypeVar("AnyRecord", bound=Record)
View = TypeVar("View", bound=Callable[..., Any])


# --- Who -------------------------------------------------------------------------------------

_actor: ContextVar[int | None] = ContextVar("actor", default=None)


@contextmanager
def acting_for(officer_id: int | None) -> Iterator[None]:
    """Within the block, what is read and changed outside a request (a command, a job) is in the
    name of this officer; of the system, which sees all, where it is None."""
    token = _actor.set(officer_id)
    try:
        yield
    finally:
        _actor.reset(token)


def _memory() -> dict[str, Any]:
    """What this request knows already. It hangs on the request, not on flask.g, because a test
    or a command may keep one application context over several requests."""
    memory: dict[str, Any] = request.environ.setdefault("redress.security", {})
    return memory


def token_hash(token: str) -> bytes:
    """Return what the database keeps of the log-in cookie `token`."""
    return hashlib.sha256(token.encode()).digest()


def cookie_name(name: str = COOKIE) -> str:
    """Return the name of a cookie of ours; over HTTPS browsers tie the prefix to this host."""
    return f"__Host-{name}" if current_app.config["SESSION_COOKIE_SECURE"] else name


def known_log_in() -> OfficerSession | None:
    """Return the log-in of this request if something has already asked for it; no statement."""
    log_in: OfficerSession | None = _memory().get("log_in") if has_request_context() else None
    return log_in


def current_log_in() -> OfficerSession | None:
    """Return the log-in this request belongs to, or None; one statement, at the first call.

    It and its officer are detached copies, so that neither a commit nor a lost database asks for
    them again: to change one, load it.
    """
    if not has_request_context():
        return None
    memory = _memory()
    if "log_in" not in memory:
        memory["log_in"] = None  # also the answer if the database is lost in the next line
        memory["log_in"] = _read_log_in(request.cookies.get(cookie_name(), ""))
    log_in: OfficerSession | None = memory["log_in"]
    return log_in


def _read_log_in(token: str) -> OfficerSession | None:
    if not token:
        return None
    now = datetime.now(UTC)
    config = current_app.config
    query = (
        select(OfficerSession, func.redress_unread(OfficerSession.officer_id))
        .join(OfficerSession.officer)
        .options(contains_eager(OfficerSession.officer).joinedload(Officer.office))
        .where(
            OfficerSession.token_hash == token_hash(token),
            OfficerSession.ended_at.is_(None),
            OfficerSession.seen_at > now - timedelta(minutes=config["IDLE_MINUTES"]),
            OfficerSession.started_at > now - timedelta(hours=config["SESSION_HOURS"]),
            or_(Officer.left_on.is_(None), Officer.left_on > today()),
            Officer.password_hash.is_not(None),
        )
    )
    with _unnamed_transaction() as connection:
        # A session of its own keeps these copies apart from the records that views change.
        with Session(connection, join_transaction_mode="rollback_only") as copies:
            found, _memory()["unread"] = copies.execute(query).one_or_none() or (None, 0)
    _name_actor(connection, found.officer_id if found else None, found.id if found else 0)
    return found


@contextmanager
def _unnamed_transaction() -> Iterator[Connection]:
    """Give the connection of this request before it is known who asks."""
    memory = _memory()
    memory["unnamed"] = True
    try:
        yield db.session.connection()
    finally:
        memory["unnamed"] = False


def named(officer_id: int | None, session_id: int = 0) -> Callable[[], dict[str, str]]:
    """Return what gives the settings of a transaction that begins when it is called: who asks
    (nobody: None; SYSTEM), through which log-in, in which request, in which role. It needs no
    request and no application then, so that a thread can call it."""
    secret, request_name = current_app.config["SECRET_KEY"], request_id()

    def settings() -> dict[str, str]:
        told = {
            "redress.ticket": ""
            if officer_id is None
            else sign_ticket(secret, officer_id, session_id=session_id),
            "redress.request_id": request_name,
            # Not left to the connection: a pooler may hand over that of another client.
            "timezone": "UTC",
        }
        # An owner or a superuser (in a trial, in tests) is held to the rights of a bureau's login.
        return told if officer_id == SYSTEM else told | {"role": APP_ROLE}

    return settings


def _name_actor(connection: Connection, officer_id: int | None, session_id: int = 0) -> None:
    """Tell the database who asks, for the rest of this transaction; one statement."""
    connection.execute(telling(named(officer_id, session_id)() | budget.for_transaction()))


def act_as(officer_id: int) -> None:
    """Do the rest of this request as this officer, who has just proved who they are."""
    if has_request_context():
        _memory()["actor"] = officer_id
    if has_app_context():
        _name_actor(db.session.connection(), officer_id)


def stop_asking() -> None:
    """Ask the database no more who this request is from, because it does not answer."""
    if has_request_context():
        _memory().setdefault("log_in", None)


def current_officer() -> Officer | None:
    """Return the officer who is logged in, or None. The record is detached: load it to change
    it, and refer to it from others by its id."""
    log_in = current_log_in()
    return log_in.officer if log_in else None


def roles() -> frozenset[Role]:
    """Return the roles of the current officer; none where nobody is logged in."""
    if not has_request_context():
        return NO_ROLES
    memory = _memory()
    if "roles" not in memory:
        officer = current_officer()
        memory["roles"] = officer.held if officer else NO_ROLES
    held: frozenset[Role] = memory["roles"]
    return held


def unread_messages() -> int:
    """Return how many messages the current officer had not read when this request came, 100 for
    more than 99; asked together with the log-in."""
    return int(_memory().get("unread", 0))


def nonce() -> str:
    """Return the word by which the policy of this answer knows the scripts of its page; another
    one with each request."""
    word: str = _memory().setdefault("nonce", secrets.token_urlsafe(16))
    return word


def content_policy() -> str:
    """Return what the browser may load for this answer: nothing from elsewhere, and nothing that
    stands in the page. Only a page that names its nonce has one in its policy."""
    word = _memory().get("nonce")
    return CONTENT_SECURITY_POLICY.format(scripts=f"'self' 'nonce-{word}'" if word else "'self'")


def request_id() -> str:
    """Return the name of this request in the audit trail; empty outside a request."""
    if not has_request_context():
        return ""
    name: str = _memory().setdefault("request_id", secrets.token_hex(16))
    return name


def language() -> str:
    """Return the language of this request: the officer's, the visitor's, or the setting's."""
    if has_request_context():
        officer = current_officer()
        chosen = (officer.language if officer else None) or web_session.get("language")
        if chosen in LANGUAGES:
            return str(chosen)
    return str(current_app.config["LANGUAGE"])


def appearance() -> Appearance:
    """Return the colours of this request: the officer's, the visitor's, or as the system says."""
    if has_request_context():
        officer = current_officer()
        chosen = (officer.appearance if officer else None) or web_session.get("appearance")
        if chosen in set(Appearance):
            return Appearance(chosen)
    return Appearance.SYSTEM


def timezone() -> str:
    """Return the name of the time zone in which times are shown and typed."""
    return str(current_app.config["TIMEZONE"])


def today() -> date:
    """Return the date of today where the bureau is."""
    return datetime.now(ZoneInfo(timezone())).date()


def impartiality() -> Settings:
    """Return how strict the settings are about who acts in a matter."""
    config = current_app.config
    return Settings(
        scopes={kind: Scope(config[f"IMPARTIALITY_{kind.name}"]) for kind in GrievanceKind},
        appeals=Scope(config["IMPARTIALITY_APPEALS"]),
        cooling_off_days=config["COOLING_OFF_DAYS"],
        timezone=config["TIMEZONE"],
        leading=Leading(config["LEAD_AFTER_DAYS"], OfficeLevel(config["LEAD_RANK"])),
    )


# --- What they may do ------------------------------------------------------------------------


def can(verb: Verb, target: type[Record] | Record) -> bool:
    """Return whether the current officer may do `verb` to records of this type.

    For a record, the answer covers whose it is as well: what belongs to one officer is changed
    by nobody else; what they share an administrator deletes. Whether the officer sees the record
    at all is asked by `load` and `visible`.
    """
    model: Any = type(target) if isinstance(target, Record) else target
    changes = verb in (Verb.CREATE, Verb.EDIT, Verb.DELETE)
    if not model.screen or (changes and model.read_only) or not may(roles(), model.desk, verb):
        return False
    if isinstance(target, Record) and model.owner_path and changes and verb is not Verb.CREATE:
        officer = current_officer()
        if officer is None or getattr(target, model.owner_path) == officer.id:
            return officer is not None
        is_shared = any(getattr(target, name) is not None for name in model.shared_with or ())
        return verb is Verb.DELETE and Role.ADMINISTRATOR in roles() and is_shared
    return True


def require(verb: Verb, target: type[Record] | Record) -> None:
    """Refuse the request (403) unless `can(verb, target)`."""
    if not can(verb, target):
        abort(403)


# --- What they may see -----------------------------------------------------------------------


def visible_offices() -> frozenset[int] | None:
    """Return the ids of the offices whose records the current officer sees; None for all.

    One's own office and those below it; for a supervisor also the offices that their groups are
    assigned to today, and those below them. One statement, at the first call in a request.
    """
    officer = current_officer()
    if officer is None:
        return frozenset()
    held = roles()
    if held & READS_EVERY_OFFICE:
        return None
    memory = _memory()
    if "offices" not in memory:
        memory["offices"] = frozenset(db.session.scalars(_office_tree(officer, held)))
    offices: frozenset[int] = memory["offices"]
    return offices


def _office_tree(officer: Officer, held: frozenset[Role]) -> Any:
    top: ColumnElement[bool] = Office.id == officer.office_id
    if Role.SUPERVISOR in held:
        day = today()
        assigned = (
            select(SupervisionAssignment.office_id)
            .join(GroupMembership, GroupMembership.group_id == SupervisionAssignment.group_id)
            .where(
                GroupMembership.officer_id == officer.id,
                *(_runs_on(day, period) for period in (GroupMembership, SupervisionAssignment)),
            )
        )
        top = or_(top, Office.id.in_(assigned))
    below = select(Office.id).where(top).cte(recursive=True)
    # UNION, not UNION ALL: it ends even where the tree has a cycle.
    below = below.union(select(Office.id).join(below, Office.parent_id == below.c.id))
    return select(below.c.id)


def _runs_on(
    day: date, period: type[GroupMembership] | type[SupervisionAssignment]
) -> ColumnElement[bool]:
    """Whether the period has begun on `day` and not ended; its end is the first day after it."""
    return and_(period.starts_on <= day, or_(period.ends_on.is_(None), period.ends_on > day))


def visible(model: type[Record]) -> ColumnElement[bool] | None:
    """Return the condition for the rows of `model` that the current officer sees; None where
    that is all of them. Whether they may read the desk at all is asked by `can`."""
    officer = current_officer()
    if officer is None or not model.screen:
        return false()
    if model.owner_path:
        if may(roles(), Desk.TRAIL, Verb.READ):
            return None
        return offered(model, officer)
    if not issubclass(model, OfficeRecord):
        return None
    if model is RetaliationReport:
        return _own_lane(officer)
    seen, kept = _of_offices(model, officer), _kept_from_line(model, officer)
    return kept if seen is None else seen if kept is None else and_(seen, kept)


def _of_offices(model: type[OfficeRecord], officer: Officer) -> ColumnElement[bool] | None:
    """Return the condition for the rows of `model` that are of offices whose records the current
    officer sees, as far as these are told; None where that is all of them."""
    offices = visible_offices()
    if offices is None:
        return None
    ids = literal(sorted(offices), ARRAY(BigInteger))
    # Supervisors write drafts and plan visits, and see them.
    told = None if Role.SUPERVISOR in roles() else false()
    theirs = [getattr(model, model.doer_path) == officer.id] if model.doer_path else []
    return or_(
        false(),
        *theirs,
        *(
            through(model, path, lambda column: column == any_(ids), told)
            for path in model.office_paths
        ),
    )


def _kept_from_line(model: type[OfficeRecord], officer: Officer) -> ColumnElement[bool] | None:
    """Return the condition for the rows of `model` that are not kept from `officer` because they
    serve the office concerned or one below it; None where nothing is."""
    if Role.AUDITOR in roles():
        return None
    return kept_from(model, lambda column: column.in_(_line_of(officer)))


def changeable(model: type[Record]) -> ColumnElement[bool] | None:
    """Return the condition for the rows of `model` that the current officer may change, where
    `can` lets them change any: those they see, but of what belongs to officers only their own."""
    officer = current_officer()
    if officer is None or not model.owner_path:
        return visible(model)
    return _owned(model, officer)


def offered(model: type[Record], officer: Officer) -> ColumnElement[bool]:
    """Return the condition for the rows of `model` that belong to `officer`, who asks, or are
    shared with their office, one above it, or a role of theirs; also for who may read all."""
    own = _owned(model, officer)
    if model.shared_with is None:
        return own
    office, role = (getattr(model, name) for name in model.shared_with)
    return or_(own, office.in_(_line_of(officer)), role.in_(sorted(roles())))


def _own_lane(officer: Officer) -> ColumnElement[bool] | None:
    """Return the condition for the reports of retaliation that `officer` sees: auditors all of
    them, deciders those about offices that they are not of, nor of one below; others none."""
    if Role.AUDITOR in roles():
        return None
    if not may(roles(), Desk.RETALIATION, Verb.READ):
        return false()
    return not_(RetaliationReport.office_id.in_(_line_of(officer)))


def _line_of(officer: Officer) -> Any:
    """Ask for the office of `officer` and those above it (ids)."""
    above = select(Office.id, Office.parent_id).where(Office.id == officer.office_id)
    tree = above.cte(recursive=True)  # without a name: it may stand in a statement twice
    # UNION, not UNION ALL: it ends even where the tree has a cycle.
    tree = tree.union(select(Office.id, Office.parent_id).join(tree, Office.id == tree.c.parent_id))
    return select(tree.c.id)


def _owned(model: type[Record], officer: Officer) -> ColumnElement[bool]:
    own: ColumnElement[bool] = getattr(model, model.owner_path or "") == officer.id
    return own


def parse_id(value: object) -> int | None:
    """Return the id that `value` (of a URL) spells, or None where it spells none."""
    text = str(value)
    if not re.fullmatch(r"[0-9]{1,19}", text, re.ASCII):
        return None
    number = int(text)
    return number if 0 < number <= LARGEST_ID else None


def load(model: type[AnyRecord], record_id: object, *options: Any) -> AnyRecord:
    """Return the record with this id, read with the loader `options`. One that is not there and one
    that the current officer may not see look the same: 404, as does an id that is none (`1,2`,
    `abc`, 2^63)."""
    number = parse_id(record_id)
    if number is None or not can(Verb.READ, model):
        abort(404)
    query = select(model).where(model.id == number).options(*options)
    if options:  # also of what this request has read before
        query = query.execution_options(populate_existing=True)
    scope = visible(model)
    record: AnyRecord | None = db.session.scalar(query if scope is None else query.where(scope))
    if record is None:
        abort(404)
    return record


def readable_columns(model: type[Record]) -> list[str]:
    """Return the keys of the columns and many-to-one relations of `model` that the current
    officer may see, in the order of the model. This one list drives list, details, filters,
    search, sort and export. A relation stands in for its foreign-key column."""
    mapper = inspect(model)
    held = roles()
    relations = {
        column: relation
        for relation in mapper.relationships
        if relation.direction is MANYTOONE
        for column in relation.local_columns
    }
    keys = []
    for attribute in mapper.column_attrs:
        column = attribute.columns[0]
        readers = column.info.get("read")
        if column.info.get("secret") or (readers is not None and not held & set(readers)):
            continue
        relation = relations.get(column)
        if relation is None:
            keys.append(attribute.key)
        elif can(Verb.READ, relation.mapper.class_):
            keys.append(relation.key)
    return keys


# --- What every request passes ---------------------------------------------------------------


def public(view: View) -> View:
    """Declare that a view answers without a log-in; every other view needs one."""
    view.is_public = True  # type: ignore[attr-defined]
    return view


def is_static(endpoint: str | None) -> bool:
    """Return whether `endpoint` sends files that are the same for everybody."""
    return endpoint is not None and (endpoint == "static" or endpoint.endswith(".static"))


def is_public(endpoint: str | None) -> bool:
    """Return whether `endpoint` answers without a log-in: static files and `@public` views. An
    address that leads nowhere (None) needs no log-in to be told so."""
    if endpoint is None or is_static(endpoint):
        return True
    return bool(getattr(current_app.view_functions[endpoint], "is_public", False))


def local_path(address: str | None) -> str | None:
    """Return `address` if it is a path on this site, else None (promise B5)."""
    if not address or not address.startswith("/") or address.startswith(("//", "/\\")):
        return None
    # Browsers drop control characters and read a backslash as a slash.
    if any(character < " " or character in "\\\x7f" for character in address):
        return None
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    return None if parts.scheme or parts.netloc else address


def _bad_request(sentence: str) -> BadRequest:
    problem = BadRequest(sentence)
    problem.for_people = True  # type: ignore[attr-defined]
    return problem


def _has_null(pairs: Any) -> bool:
    return any("\0" in key or "\0" in value for key, value in pairs)


def _refuse_null_in_address() -> None:
    if "\0" in request.path or _has_null(request.args.items(multi=True)):
        raise _bad_request(_("The address holds a character that no address may hold."))


def _refuse_null_in_form() -> None:
    files = ((key, file.filename or "") for key, file in request.files.items(multi=True))
    if _has_null(request.form.items(multi=True)) or _has_null(files):
        raise _bad_request(
            _(
                "The form holds a character that cannot be stored. Go back, type the text again "
                "instead of pasting it, and save."
            )
        )


def _admit() -> Reply | None:
    """Let the request in, or answer it: default deny."""
    _refuse_null_in_address()
    is_open = is_public(request.endpoint)
    if not is_open and current_officer() is None:
        return _ask_for_log_in()
    if not is_open and (duty := first_duty()) and request.endpoint not in (duty, "account.logout"):
        return _lead_to(duty)
    if request.mimetype == "multipart/form-data":
        # It may take minutes to arrive: no transaction stays open, no connection is kept from
        # others meanwhile.
        db.session.rollback()
    limits.set_for_request(is_visitor=is_open)
    if request.method not in ("GET", "HEAD", "OPTIONS"):
        _refuse_null_in_form()
    return None


def first_duty() -> str | None:
    """Return the endpoint of what the current officer must do before anything else: choose a
    password in the place of one they were given, set up the second factor that their role calls
    for. None where there is no such thing; no statement."""
    officer = current_officer()
    if officer is None:
        return None
    if officer.must_change_password:
        return "account.password"
    if officer.second_factor_since is None and roles() & current_app.config["SECOND_FACTOR_ROLES"]:
        return "second_factor.page"
    return None


def _lead_to(endpoint: str) -> Reply:
    if request.method not in ("GET", "HEAD"):
        abort(403)
    return redirect(url_for(endpoint), 303)


def _ask_for_log_in() -> Reply:
    if request.method not in ("GET", "HEAD"):
        abort(401)
    address = request.full_path if request.query_string else request.path
    reply = redirect(url_for("account.log_in", next=local_path(address)))
    if request.cookies.get(cookie_name()):
        flash(_("Your log-in has ended. Log in again to go on."))
        forget_log_in(reply)
    return reply


def remember_log_in(reply: Reply, token: str) -> None:
    """Give the browser the cookie of a log-in."""
    reply.set_cookie(
        cookie_name(),
        token,  # without an age: it goes when the browser closes
        secure=current_app.config["SESSION_COOKIE_SECURE"],
        httponly=True,
        samesite="Lax",
        path="/",
    )


def forget_log_in(reply: Reply) -> None:
    """Take the cookie of a log-in from the browser."""
    secure = current_app.config["SESSION_COOKIE_SECURE"]
    reply.delete_cookie(cookie_name(), secure=secure, httponly=True, samesite="Lax", path="/")


def _stay_here(response: Response) -> None:
    """Keep an answer from leading to another host (promise B5): Werkzeug itself, when it puts
    slashes right, names the host that the visitor claims."""
    address = response.headers.get("Location")
    if address and local_path(address) is None:
        path = re.sub("^[a-z]+://[^/]*", "", address)
        response.headers["Location"] = local_path(path) or "/"


def _add_headers(response: Response) -> Response:
    _stay_here(response)
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["Content-Security-Policy"] = content_policy()
    response.headers["X-Request-ID"] = request_id()
    if current_app.config["SESSION_COOKIE_SECURE"]:
        response.headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    if not is_static(request.endpoint):
        response.headers["Cache-Control"] = "no-store"
    return response


@event.listens_for(Session, "after_begin")
def _tell_database(session: Session, transaction: Any, connection: Connection) -> None:
    """Tell the database who acts in each transaction, with which SET LOCAL ends."""
    if transaction.nested or not has_app_context():
        return
    if not has_request_context():
        actor = _actor.get()
        _name_actor(connection, SYSTEM if actor is None else actor)
    elif not _memory().get("unnamed"):
        log_in = known_log_in()
        if log_in:
            _name_actor(connection, log_in.officer_id, log_in.id)
        else:
            _name_actor(connection, _memory().get("actor"))


class _Officers(LoginManager):  # type: ignore[misc]
    """Flask-Login's current_user is our current officer; it keeps nothing in the session."""

    def _load_user(self) -> None:
        self._update_request_context_with_user(current_officer())

    def _update_remember_cookie(self, response: Response) -> Response:
        return response


def init_app(app: Flask) -> None:
    """Guard `app`: who is asking, default deny, and the headers of promise B4."""
    app.config["SESSION_COOKIE_NAME"] = (
        f"__Host-{VISITOR_COOKIE}" if app.config["SESSION_COOKIE_SECURE"] else VISITOR_COOKIE
    )
    app.config["SECOND_FACTOR_ROLES"] = _second_factor_roles(app)
    _Officers(app)
    app.before_request(_admit)
    app.after_request(_add_headers)
    app.jinja_env.globals.update(
        current_officer=current_officer,
        can=can,
        first_duty=first_duty,
        nonce=nonce,
        appearance=appearance,
        now=lambda: datetime.now(UTC),
    )


def _second_factor_roles(app: Flask) -> frozenset[Role]:
    setting = app.config["SECOND_FACTOR_ROLES"]
    try:
        return second_factor_roles(setting, production=app.config["PRODUCTION"])
    except ValueError:
        raise SettingWrong(
            f"REDRESS_SECOND_FACTOR_ROLES is {setting!r}. Name roles with blanks between"
            f" ({', '.join(Role)}), or say all or none."
        ) from None

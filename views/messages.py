"""What an officer was told: times that end or have ended, and what to do. Each reads their own."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Flask, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext, lazy_gettext, ngettext

import security
from actions import messages as acting
from models import Message, db
from queries.messages import inbox as asking
from rules import say
from rules.alarms import About, said
from views.asking import who_asks
from views.badges import tone
from views.labels import enum_label, show, title
from views.shown import record_url

blueprint = Blueprint("messages", __name__, url_prefix="/messages")

SIZE = 50
_UNSEEN = {
    About.GRIEVANCE: lazy_gettext("A grievance that you see no more"),
    About.FINDING: lazy_gettext("that you see no more"),
    About.NOTICE: lazy_gettext("that you see no more"),
}


@dataclass(frozen=True)
class Line:
    """A message as the page shows it."""

    id: int
    kind: str
    tone: str | None
    what: str
    then: str
    about: str
    url: str | None
    told_at: datetime
    is_new: bool


@blueprint.get("/")
def inbox() -> str:
    """The messages to this officer, newest first."""
    before = security.parse_id(request.args.get("before", ""))
    found = db.session.scalars(asking(who_asks().id, before=before, size=SIZE)).all()
    lines = [_line(one) for one in found[:SIZE]]
    return render_template(
        "messages/inbox.html",
        lines=lines,
        newest=lines[0].id if lines else 0,
        has_new=any(one.is_new for one in lines),
        older=url_for("messages.inbox", before=lines[-1].id) if len(found) > SIZE else None,
        is_first=before is None,
    )


def _line(message: Message) -> Line:
    record: Any = message.grievance or message.finding or message.notice
    number = message.number or _UNSEEN[message.about]
    what, then = said(message.kind, message.stage, str(number), message.due_at, message.about)
    return Line(
        id=message.id,
        kind=enum_label(message.kind),
        tone=tone(message.kind),
        what=say(what, gettext, show),
        then=say(then, gettext, show),
        about=title(record) if record else "",
        url=record_url(record) if record else None,
        told_at=message.told_at,
        is_new=message.read_at is None,
    )


@blueprint.post("/read")
def read() -> Any:
    """Note that one message is read, or all that stood on the page."""
    only = security.parse_id(request.form.get("message", ""))
    up_to = security.parse_id(request.form.get("up_to", ""))
    if only is None and up_to is None:
        abort(400)
    done = acting.read(
        db.session(), who_asks().id, up_to=up_to or 0, only=only, now=datetime.now(UTC)
    )
    db.session.commit()
    if only is None:
        flash(ngettext("%(num)s message is read.", "%(num)s messages are read.", done), "success")
    return redirect(url_for("messages.inbox"), 303)


def init_app(app: Flask) -> None:
    """Give `app` the page of messages, and its pages the number of those that are new."""
    app.register_blueprint(blueprint)
    app.jinja_env.globals["unread_messages"] = security.unread_messages

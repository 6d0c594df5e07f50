"""The search over everything that an officer may see: a page, and the same while typing."""

from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, Flask, render_template, request, url_for
from flask_babel import format_decimal, gettext
from sqlalchemy.orm import Session

import budget
import security
from models import RECORD_TYPES, Grievance, OfficeRecord, Record, db
from queries.lists import COUNTED, LONGEST_SEARCH
from queries.search import Found, can_be_searched, found, record_number
from rules import RuleBroken
from rules.permissions import Desk, Verb
from views.labels import name_of, sentence, type_label, types_label
from views.shown import endpoint_of

blueprint = Blueprint("search", __name__)

SHOWN, SHOWN_TYPING = 5, 3
SECONDS, SECONDS_TYPING = 4.0, 1.5
"""Of each part of a search; what is not found by then is named, and the page goes without it."""


@dataclass
class Outcome:
    """What a search found, the record types that took too long, and what is wrong with it."""

    found: list[Found] = field(default_factory=list)
    left_out: list[type[Record]] = field(default_factory=list)
    problem: str = ""


def _parts(*, every: bool) -> list[list[type[Record]]]:
    """Return the record types that the officer may read, in the order of the menu, in the parts
    that are each searched by one statement: what is slow in one leaves the others."""
    desks = list(Desk)
    models = [
        model
        for model in RECORD_TYPES
        if security.can(Verb.READ, model) and (every or can_be_searched(model))
    ]
    models.sort(key=lambda model: desks.index(model.desk))
    of_offices = [model for model in models if issubclass(model, OfficeRecord)]
    parts = [
        [model for model in of_offices if model is Grievance],
        [model for model in of_offices if model is not Grievance],
        [model for model in models if model not in of_offices],
    ]
    return [part for part in parts if part]


def search(text: str, *, size: int, seconds: float) -> Outcome:
    """Return what `text` finds for the current officer, exact numbers first."""
    outcome = Outcome()
    session: Session = db.session()
    for part in _parts(every=record_number(text) is not None):
        try:
            with session.begin_nested(), budget.at_most(seconds):
                outcome.found += found(session, part, text, security.visible, size=size)
        except budget.TooLong:
            outcome.left_out += part
        except RuleBroken as refused:
            outcome.problem = sentence(refused)
            break
    outcome.found.sort(key=lambda one: not one.has_exact)
    return outcome


@blueprint.get("/search")
def page() -> Any:
    """What was found, by record type; with `typing` as JSON, for the list under the box."""
    text = request.args.get("q", "").strip()
    is_typing = "typing" in request.args
    size, seconds = (SHOWN_TYPING, SECONDS_TYPING) if is_typing else (SHOWN, SECONDS)
    outcome = search(text, size=size, seconds=seconds) if text else Outcome()
    status = 400 if outcome.problem else 200
    groups = [_group(one, text) for one in outcome.found]
    left_out = [
        {"label": types_label(model), "url": _list_of(model, text)} for model in outcome.left_out
    ]
    if is_typing:
        told = {
            "groups": groups,
            "says": outcome.problem or _summary(outcome),
            "all": url_for("search.page", q=text),
        }
        return told, status
    return render_template(
        "search.html",
        text=text,
        groups=groups,
        left_out=left_out,
        problem=outcome.problem,
        longest=LONGEST_SEARCH,
    ), status


def _summary(outcome: Outcome) -> str:
    """Return one line for who hears the page."""
    if outcome.left_out:
        return gettext("The search takes longer than usual: press Enter for all of it.")
    if not outcome.found:
        return gettext("Nothing found.")
    kinds = ", ".join(f"{types_label(one.model)}: {_count(one)}" for one in outcome.found)
    return gettext("Found: %(kinds)s.", kinds=kinds)


def _count(one: Found) -> str:
    if one.number > COUNTED:
        return gettext("more than %(number)s", number=format_decimal(COUNTED))
    return str(format_decimal(one.number))


def _list_of(model: type[Record], text: str) -> str:
    return url_for(f"{endpoint_of(model)}.index_view", search=text)


def _group(one: Found, text: str) -> dict[str, Any]:
    """Return one record type of the results, as the page and its JSON show it."""
    model: Any = one.model
    columns = [getattr(model, name) for name in model.title_columns]
    is_whole = one.number <= len(one.hits)
    return {
        "label": types_label(model),
        "count": _count(one),
        "all": None if is_whole else _list_of(model, text),
        "hits": [
            {
                "title": name_of(columns, hit.named) or f"{type_label(model)} #{hit.id}",
                "url": url_for(f"{endpoint_of(model)}.details_view", id=hit.id),
                "exact": hit.is_exact,
            }
            for hit in one.hits
        ],
    }


def init_app(app: Flask) -> None:
    """Register the search over everything."""
    app.register_blueprint(blueprint)

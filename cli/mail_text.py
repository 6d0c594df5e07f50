"""What a mail to an officer or an office says: grievances, findings and notices by their numbers,
what to do, and nothing else of them."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from flask_babel import format_datetime, gettext, ngettext

from models import Message
from rules import say
from rules.alarms import said

MOST_LISTED = 50
"""Messages that one mail tells; of more it gives the number."""


def subject(messages: Sequence[Message]) -> str:
    """Return the subject of a mail about `messages`, in the language that is set."""
    words: str = ngettext(
        "Redress: %(num)s matter waits", "Redress: %(num)s matters wait", len(messages)
    )
    return words


def paragraphs(messages: Sequence[Message], site: str) -> Iterator[str]:
    """Yield the paragraphs of that mail; `site` is the address of the site, "" for no link."""
    for one in messages[:MOST_LISTED]:
        told = said(one.kind, one.stage, one.number or "", one.due_at, one.about)
        yield " ".join(say(part, gettext, _shown) for part in told)
    if (more := len(messages) - MOST_LISTED) > 0:
        yield ngettext("And %(num)s more.", "And %(num)s more.", more)
    yield gettext("All of it is in Redress, under Messages. Nobody reads replies to this mail.")
    if site:
        yield f"{site.rstrip('/')}/messages"


def _shown(value: Any) -> str:
    if isinstance(value, datetime):
        value = format_datetime(value, gettext("d MMM y, HH:mm"))
    return str(value)

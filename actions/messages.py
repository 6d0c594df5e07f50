"""Messages to officers and offices: reading them, and the mails that go out with them."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session, joinedload

from mailing import NobodyKnows, NotTaken
from models import Mail, Message
from rules.alarms import MailState

MOST_TRIES = 12
STUCK = timedelta(minutes=5)
"""After so long nobody is handing a mail over any more: a server has at most a minute to answer."""
AT_ONCE = 2000


def read(session: Session, officer_id: int, *, up_to: int, only: int | None, now: datetime) -> int:
    """Note that an officer has read the message `only`, or all up to the id `up_to`; return how
    many were unread."""
    which = Message.id == only if only is not None else Message.id <= up_to
    done = session.execute(
        update(Message.__table__)
        .where(Message.officer_id == officer_id, Message.read_at.is_(None), which)
        .values(read_at=now)
    )
    return int(done.rowcount)  # type: ignore[attr-defined]


# --- Mails -----------------------------------------------------------------------------------


def make_mails(session: Session) -> int:
    """Put the messages that are to go out into mails, one for each officer and office; return how
    many mails. Runs as the system; commit afterwards."""
    to = (Message.officer_id, Message.office_id)
    waiting = session.execute(
        select(Message.id, *to)
        .where(Message.by_mail, Message.mail_id.is_(None))
        .order_by(*to, Message.id)
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True)
    ).all()
    made = 0
    for (officer_id, office_id), group in groupby(waiting, key=lambda row: tuple(row[1:])):
        mail_id = session.scalar(
            insert(Mail.__table__)
            .values(officer_id=officer_id, office_id=office_id)
            .returning(Mail.__table__.c.id)
        )
        session.execute(
            update(Message.__table__)
            .where(Message.id.in_([row.id for row in group]))
            .values(mail_id=mail_id)
        )
        made += 1
    return made


def note_uncertain(session: Session, *, now: datetime) -> int:
    """Give up the mails that somebody was handing over who is gone: whether they arrived nobody
    knows, and they are not sent again. Return how many; commit afterwards."""
    done = session.execute(
        update(Mail.__table__)
        .where(Mail.state == MailState.HANDING_OVER, Mail.handed_over_at < now - STUCK)
        .values(state=MailState.UNCERTAIN, failure=_UNCERTAIN)
    )
    return int(done.rowcount)  # type: ignore[attr-defined]


def next_mail(session: Session, *, now: datetime) -> Mail | None:
    """Return a mail that waits to be sent and that nobody else is sending, held until the
    transaction ends; None where there is none."""
    return session.scalar(
        select(Mail)
        .where(Mail.state == MailState.WAITING, Mail.next_try_at <= now)
        .order_by(Mail.next_try_at, Mail.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )


def told_by(session: Session, mail: Mail) -> Sequence[Message]:
    """Return the messages that go out with `mail`, the most urgent first."""
    return session.scalars(
        select(Message)
        .where(Message.mail_id == mail.id)
        .options(
            joinedload(Message.grievance), joinedload(Message.finding), joinedload(Message.notice)
        )
        .order_by(Message.due_at.nulls_last(), Message.id)
    ).all()


def send(
    session: Session,
    mail: Mail,
    hand_over: Callable[[Callable[[], None]], None],
    keep: Callable[[], None],
    *,
    now: Callable[[], datetime],
) -> MailState:
    """Send `mail` with `hand_over`, and note what became of it; `keep` has the database keep what
    was noted. Returns the state that the mail is left in.

    The mail counts as being handed over, on the disk, before its end is given to the server: a
    program that is killed after that does not send it again, one that is killed before it does.
    """

    def before_the_end() -> None:
        mail.state, mail.handed_over_at = MailState.HANDING_OVER, now()
        keep()

    try:
        hand_over(before_the_end)
    except NobodyKnows:
        mail.state, mail.failure = MailState.UNCERTAIN, _UNCERTAIN
    except NotTaken as problem:
        _put_off(mail, problem, now())
    else:
        mail.state, mail.sent_at, mail.failure = MailState.SENT, now(), None
    keep()
    return mail.state


def _put_off(mail: Mail, problem: NotTaken, now: datetime) -> None:
    mail.tries += 1
    mail.failure = str(problem)
    if problem.for_good or mail.tries >= MOST_TRIES:
        mail.state = MailState.REFUSED
        return
    mail.state = MailState.WAITING
    mail.next_try_at = now + timedelta(minutes=min(2**mail.tries, 240))


_UNCERTAIN = "The line or the program broke at the end: it may have arrived or not."


def address_of(mail: Mail) -> str:
    """Return the address that `mail` goes to as it stands now; "" where there is none any more."""
    to: Any = mail.officer or mail.office
    return str(to.email or "")


def language_of(mail: Mail, settings: Mapping[str, Any]) -> str:
    """Return the language that `mail` is written in."""
    return (mail.officer.language if mail.officer else None) or str(settings["LANGUAGE"])

"""Handing mails to the mail server (SMTP) so that none goes out twice
(docs/decisions/0074-jobs.md)."""

import smtplib
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as ON_THE_WIRE
from email.utils import format_datetime
from typing import Any

from rules import RuleBroken, mark


class NotTaken(RuleBroken):
    """The mail server did not take a mail; `for_good` where trying again helps nothing. Its
    sentence holds no address, which the words of the server may quote."""

    def __init__(self, sentence: str, *, for_good: bool, **values: Any) -> None:
        super().__init__(sentence, **values)
        self.for_good = for_good


class NobodyKnows(Exception):
    """The line broke after the end of a mail was given: it may have arrived or not."""


def write(
    paragraphs: Sequence[str],
    *,
    to: str,
    subject: str,
    reference: str,
    settings: Mapping[str, Any],
    now: datetime,
) -> EmailMessage:
    """Return a mail. `reference` names it to mail servers. Raises NotTaken where `to` is no
    address."""
    mail = EmailMessage(policy=ON_THE_WIRE)
    try:
        mail["To"] = Address(addr_spec=to.strip())
    except (ValueError, IndexError, HeaderParseError):
        raise NotTaken(mark("What stands as the mail address is none."), for_good=True) from None
    mail["From"] = Address("Redress", addr_spec=settings["MAIL_FROM"])
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = f"<{reference}@{settings['MAIL_FROM'].rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday reply is sent to it
    mail["Subject"] = subject
    mail.set_content("\r\n\r\n".join(paragraphs) + "\r\n")
    return mail


@contextmanager
def line(settings: Mapping[str, Any]) -> Iterator[smtplib.SMTP]:
    """Give an open, private line to the mail server. Raises NotTaken, to be tried again, where
    there is none."""
    host, port = settings["MAIL_HOST"], settings["MAIL_PORT"]
    seconds = settings["MAIL_SECONDS"]
    try:
        if settings["MAIL_SECURITY"] == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                host, port, timeout=seconds, context=ssl.create_default_context()
            )
        else:
            server = smtplib.SMTP(host, port, timeout=seconds)
        if settings["MAIL_SECURITY"] == "starttls":
            server.starttls(context=ssl.create_default_context())
        if settings["MAIL_USER"]:
            server.login(settings["MAIL_USER"], settings["MAIL_PASSWORD"])
        server.ehlo_or_helo_if_needed()
    except smtplib.SMTPAuthenticationError:
        raise NotTaken(
            mark("The mail server does not know our name or password."), for_good=False
        ) from None
    except (OSError, smtplib.SMTPException):
        raise NotTaken(mark("The mail server does not answer."), for_good=False) from None
    try:
        yield server
    finally:
        server.close()


def hand_over(
    server: smtplib.SMTP, mail: EmailMessage, *, sender: str, before_the_end: Callable[[], None]
) -> None:
    """Give `mail` to the mail server. `before_the_end` is called when the server has taken the
    addresses and waits for the text: until its end is given, no server delivers anything (RFC
    5321, 4.1.1.4), so that what breaks before can be tried again, and what breaks after cannot.

    Raises NotTaken, or NobodyKnows where the line broke at the end.
    """
    try:
        for code, _words in _openings(server, mail, sender):
            _check(code)
    except (OSError, smtplib.SMTPException):
        raise NotTaken(mark("The line to the mail server broke."), for_good=False) from None
    text = _with_dots(mail.as_bytes())
    before_the_end()
    try:
        server.send(text)
        code, _words = server.getreply()
    except (OSError, smtplib.SMTPException):
        raise NobodyKnows from None
    _check(code)


def _openings(server: smtplib.SMTP, mail: EmailMessage, sender: str) -> Iterator[tuple[int, bytes]]:
    """Say from whom and to whom, and ask to send; yield each answer."""
    yield server.mail(sender)
    yield server.rcpt(mail["To"].addresses[0].addr_spec)
    server.putcmd("data")
    yield server.getreply()


def _with_dots(text: bytes) -> bytes:
    """Return `text` with the dots at the beginning of lines doubled, and the end (RFC 5321)."""
    lines = (b"." + one if one.startswith(b".") else one for one in text.splitlines())
    return b"\r\n".join(lines) + b"\r\n.\r\n"


def _check(code: int) -> None:
    """Raise NotTaken where the answer is no."""
    if code >= 500:
        raise NotTaken(mark("The mail server refused it (%(code)s)."), for_good=True, code=code)
    if code >= 400:
        raise NotTaken(mark("The mail server put it off (%(code)s)."), for_good=False, code=code)

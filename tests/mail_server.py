"""A real mail server for the tests: SMTP over a socket, in a thread, that can be slow or refuse."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import Message as Mail
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller

from tests.gunicorns import free_port


class Post:
    """What the server has taken, and how it behaves: `answer` is given at the end of a mail,
    `to_address` to each address; having taken a mail it answers after `seconds`, and not before
    `may_answer`."""

    def __init__(self) -> None:
        self.taken: list[Mail] = []
        self.to: list[str] = []
        self.answer = "250 taken"
        self.to_address = ""
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.has_mail = threading.Event()
        self.seconds = 0.0
        self.port = 0

    async def handle_RCPT(
        self, _s: Any, _session: Any, envelope: Any, address: str, _o: Any
    ) -> str:
        """The server asks whether it takes mail for an address."""
        if self.to_address:
            return self.to_address
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        """The server has a whole mail."""
        if self.answer.startswith("2"):
            self.taken.append(message_from_bytes(envelope.content, policy=default))
            self.to.extend(envelope.rcpt_tos)
        self.has_mail.set()
        time.sleep(self.seconds)  # in the server's own thread, of which nobody asks more meanwhile
        self.may_answer.wait(60)
        return self.answer


@contextmanager
def mail_server() -> Iterator[Post]:
    """Run a mail server until the block ends."""
    post = Post()
    post.port = free_port()
    controller = Controller(post, hostname="127.0.0.1", port=post.port)
    controller.start()
    try:
        yield post
    finally:
        post.may_answer.set()
        controller.stop()

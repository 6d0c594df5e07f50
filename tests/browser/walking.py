"""A desk with real records, served as in production, and those who walk through its screens."""

import os
import secrets
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Response,
    WebError,
)

import config
import security
from models import RECORD_TYPES, Grievance, Office, OfficerSession, db
from rules.grievance import GrievanceState
from rules.offices import OfficeLevel
from rules.permissions import Role
from tests.factories import make_any, make_category, make_office, make_officer

PATIENCE = 30_000  # milliseconds: the machine may be busy
OFFICES = ("Water works", "Roads office", "Housing office")
CATEGORIES = ("Road surface", "Street lights", "Water supply", "Drains", "Noise at night")
DAYS, TWICE_ENTERED = 200, 40
LONDON = ZoneInfo("Europe/London")  # what config.py gives a desk that says nothing

# Runs in each page before anything of the page does.
WATCH = """
addEventListener("securitypolicyviolation", (event) => console.error(
  `the policy stopped ${event.effectiveDirective}: ${event.blockedURI} ${event.sample}`));
addEventListener("load", () => {
  const width = document.documentElement.scrollWidth;
  if (width > innerWidth) console.error(`the page is ${width} wide and the window ${innerWidth}`);
  if (!document.querySelector("main h1")) console.error("the page has no heading");
});
"""

# Sends fields to an address as a form of the page that is open would, with its token.
SUBMIT = """([path, fields]) => {
  const form = document.createElement("form");
  form.method = "post";
  form.action = path;
  const token = document.querySelector("input[name=csrf_token]").value;
  for (const [name, value] of [["csrf_token", token], ...fields]) {
    const one = document.createElement("textarea");
    one.name = name;
    one.value = value;
    form.append(one);
  }
  form.hidden = true;
  document.body.append(form);
  form.submit();
}"""


@dataclass
class Desk:
    """A running server, its database, and a log-in for each role."""

    address: str
    app: Flask
    tokens: dict[Role, str]

    def all(self, statement: Any) -> list[Any]:
        """Return what `statement` finds in the database now."""
        with self.app.app_context():
            return list(db.session.scalars(statement))


def today() -> date:
    """Return the day that it is at the desk."""
    return datetime.now(LONDON).date()


def fill() -> dict[Role, str]:
    """Make offices, officers, 240 grievances and one of every other record; return the cookie of
    a log-in for each role."""
    district = make_office(name="District", level=OfficeLevel.DISTRICT)
    offices = [make_office(name=name, parent=district) for name in OFFICES]
    _fill_grievances(offices)
    tokens = {}
    for role in Role:
        officer = make_officer(
            username=role.value, name=f"Officer {role.value}", roles=[role], office=district
        )
        tokens[role] = secrets.token_urlsafe()
        make_any(OfficerSession, officer=officer, token_hash=security.token_hash(tokens[role]))
    for model in RECORD_TYPES:
        make_any(model)
    db.session.commit()
    return tokens


def _fill_grievances(offices: list[Office]) -> None:
    """One grievance came in on each of the last 200 days, and forty were entered twice today."""
    categories = [make_category(name=name) for name in CATEGORIES]
    noon = datetime.combine(today(), time(12), UTC)
    db.session.add_all(
        Grievance(
            title=f"Letter L{n:03} was not answered",
            state=GrievanceState.ROUTED if n % 2 else GrievanceState.REGISTERED,
            category=categories[n % 5],
            responsible_office=offices[n % 3],
            received_at=noon - timedelta(days=n),
            due_at=noon - timedelta(days=n - 60),
        )
        for n in range(DAYS)
    )
    db.session.add_all(
        Grievance(title=f"Entered twice {n:02}", responsible_office=offices[0], received_at=noon)
        for n in range(TWICE_ENTERED)
    )
    db.session.flush()


# Chromium asks the network for nothing.
FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def serve(url: str, folder: Path, port: int) -> "subprocess.Popen[str]":
    """Start the web server and return it when it answers."""
    settings = {"DATABASE_URL": url, "REDRESS_INSTANCE": str(folder), "PORT": str(port)}
    settings["REDRESS_JOBS"] = "0"  # a worker takes seconds to begin and to end
    process = subprocess.Popen(
        [sys.executable, "server.py"],
        cwd=config.HOME,
        env=os.environ | settings,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    for line in process.stdout:
        if line.startswith("Ready:"):
            return process
    pytest.fail(f"The web server ended by itself with status {process.wait()}.")


@dataclass
class Walk:
    """Opens pages and notes what goes wrong on them."""

    browser: Browser
    desk: Desk
    noted: list[str] = field(default_factory=list)
    contexts: list[BrowserContext] = field(default_factory=list)

    def enter(
        self,
        role: Role | None = None,
        *,
        width: int = 1280,
        answers: tuple[int, ...] = (),
        **options: Any,
    ) -> Page:
        """Return an empty page of a new visitor, logged in as `role` if one is named. `answers`
        are the statuses from 400 up that this walk is to meet, `options` those of Playwright."""
        context = self.browser.new_context(
            base_url=self.desk.address,
            viewport={"width": width, "height": 860},
            **options,
        )
        context.set_default_timeout(PATIENCE)
        self.contexts.append(context)
        if role is not None:
            cookie = {"name": security.COOKIE, "value": self.desk.tokens[role]}
            context.add_cookies([{**cookie, "url": self.desk.address}])
        self._watch(context, answers)
        return context.new_page()

    def _watch(self, context: BrowserContext, answers: tuple[int, ...]) -> None:
        context.add_init_script(WATCH)
        context.on("console", self._heard)
        context.on("weberror", self._failed)

        def answered(response: Response) -> None:
            if response.status >= 400 and response.status not in answers:
                self.noted.append(f"{response.status} {response.url}")

        context.on("response", answered)

    def _failed(self, error: WebError) -> None:
        where = urlsplit(error.page.url).path if error.page else ""
        self.noted.append(f"{where}: error of a script: {error.error}")

    def _heard(self, message: ConsoleMessage) -> None:
        # Chromium says so of every answer from 400 up, which are counted by themselves.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            path = urlsplit(message.page.url).path if message.page else ""
            self.noted.append(f"{path}: {message.text}")

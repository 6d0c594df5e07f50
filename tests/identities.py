"""A small district in which somebody complained about the depot, for the tests of identities."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Flask

import security
from actions import identity as acting
from models import Grievance, Officer, OfficerSession, db
from rules.identity import IdentityField, OpeningGround
from rules.permissions import Role
from sealing import KeyFiles
from tests.factories import make_grievance, make_office, make_officer

# Strings that stand nowhere else, so that a leak is found wherever it comes out.
CANARIES = {
    IdentityField.NAME: "Zyrianda Quillfeather",
    IdentityField.PHONE: "0117 496 08151",
    IdentityField.EMAIL: "zyrianda@quillfeather.example",
    IdentityField.ADDRESS: "77 Canary Wharf Lane",
    IdentityField.WISHES: "letters to the blue door only",
}
TERMS = acting.Terms(opening=timedelta(minutes=5), agreement=timedelta(hours=24))


def now() -> acting.At:
    moment = datetime.now(UTC)
    return acting.At(moment, moment.date())


@dataclass
class District:
    """District > bureau, works > depot (complained about) > yard, parks (responsible)."""

    app: Flask
    offices: dict[str, int] = field(default_factory=dict)
    officers: dict[str, int] = field(default_factory=dict)
    grievance_id: int = 0

    @property
    def ring(self) -> KeyFiles:
        return KeyFiles(Path(self.app.config["INSTANCE"]) / "identity-keys")

    @contextmanager
    def acting(self, name: str | None = None) -> Iterator[Any]:
        """Do what follows in the name of an officer, with the rights of the web server; of the
        system without one. Yields the session; what is not committed is gone."""
        officer = self.officers[name] if name else None
        with self.app.app_context(), security.acting_for(officer):
            yield db.session

    def officer(self, name: str) -> Officer:
        return db.session.get_one(Officer, self.officers[name])

    def grievance(self, grievance_id: int = 0) -> Grievance:
        return db.session.get_one(Grievance, grievance_id or self.grievance_id)

    def seal(self, grievance_id: int = 0, by: str = "intake", **values: str) -> None:
        typed = {IdentityField(key): text for key, text in values.items()} or CANARIES
        with self.acting(by) as session:
            acting.seal_identity(self.grievance(grievance_id), typed, ring=self.ring)
            session.commit()

    def open(
        self,
        by: str = "intake",
        grievance_id: int = 0,
        ground: OpeningGround = OpeningGround.ANSWER,
    ) -> int | None:
        """Record an opening and commit it; return its id."""
        with self.acting(by) as session:
            opening = acting.open_identity(
                self.grievance(grievance_id),
                ground,
                "The answer goes out today",
                by=self.officer(by),
                at=now(),
                terms=TERMS,
            )
            session.commit()
            return opening

    def read(self, opening: int | None, by: str = "intake") -> dict[IdentityField, str] | None:
        with self.acting(by):
            return acting.read_opened(opening or 0, ring=self.ring)

    def browser(self, name: str) -> Any:
        """A browser in which this officer is logged in, with real commits."""
        client: Any = self.app.test_client()
        token = secrets.token_urlsafe()
        with self.acting() as session:
            session.add(
                OfficerSession(
                    officer_id=self.officers[name],
                    token_hash=security.token_hash(token),
                    device="Test browser",
                )
            )
            session.commit()
        client.officer_id = self.officers[name]
        client.set_cookie(security.COOKIE, token)
        return client


def make_district(app: Flask, **of_grievance: Any) -> District:
    """Return the district with its officers and one grievance about the depot, committed."""
    there = District(app)
    with there.acting() as session:
        for name, above in (
            ("district", None),
            ("bureau", "district"),
            ("works", "district"),
            ("depot", "works"),
            ("yard", "depot"),
            ("parks", "district"),
        ):
            parent = there.offices[above] if above else None
            there.offices[name] = make_office(name=name.title(), parent_id=parent).id
        for name, office, role in (
            ("intake", "bureau", Role.INTAKE),
            ("second", "bureau", Role.INTAKE),
            ("decider", "bureau", Role.DECIDER),
            ("auditor", "district", Role.AUDITOR),
            ("administrator", "bureau", Role.ADMINISTRATOR),
            ("handler", "parks", Role.HANDLER),
            ("colleague", "parks", Role.HANDLER),
            ("head", "parks", Role.OFFICE_HEAD),
            ("storeman", "depot", Role.INTAKE),
            ("depot_head", "depot", Role.OFFICE_HEAD),
        ):
            there.officers[name] = make_officer(
                name=name.title(), office_id=there.offices[office], roles=[role]
            ).id
        values = {
            "title": "The depot sold salt",
            "respondent_office_id": there.offices["depot"],
            "responsible_office_id": there.offices["parks"],
            "handler_id": there.officers["handler"],
        }
        there.grievance_id = make_grievance(**values | of_grievance).id
        session.commit()
    return there

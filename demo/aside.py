"""Officers of the demo who stand aside from a grievance, and leave asked for to act all the same:
granted, refused, and not yet decided. All of it is invented."""

from datetime import datetime
from typing import NamedTuple

from actions import impartiality
from demo.records import BOSTON, Known
from models import Grievance, Officer
from rules.grievance import AsideGround
from rules.impartiality import Act, Settings

SETTINGS = Settings(timezone=BOSTON.key)


class Aside(NamedTuple):
    """`officer` stands aside, as `by` says."""

    grievance: str
    officer: str
    ground: AsideGround
    reason: str
    by: str
    at: datetime


class Leave(NamedTuple):
    """`by` asks that `officer` may act; `second` decides, "" where nobody has yet."""

    grievance: str
    officer: str
    act: Act
    reason: str
    by: str
    at: datetime
    second: str = ""
    decided_at: datetime | None = None
    grants: bool = False


ASIDE = (
    Aside(
        "street fair",
        "elder.plantain",
        AsideGround.INTEREST,
        "Belongs to a club that has had a table at the fair for years.",
        "elder.plantain",
        datetime(2011, 10, 5, 9, tzinfo=BOSTON),
    ),
    Aside(
        "false nil",
        "hawthorn.orris",
        AsideGround.TIES,
        "Is related to an officer of the Quillham office.",
        "elder.plantain",
        datetime(2011, 10, 19, 11, tzinfo=BOSTON),
    ),
    Aside(
        "parking plan",
        "daisy.gorse",
        AsideGround.THEIRS,
        "Drew the maps of the plan before coming to the bureau.",
        "daisy.gorse",
        datetime(2011, 12, 29, 11, 30, tzinfo=BOSTON),
    ),
)
LEAVES = (
    Leave(
        "street fair",
        "elder.plantain",
        Act.ANSWER,
        "The two others who decide are on leave until the end of the month.",
        "aspen.burnet",
        datetime(2011, 10, 24, 10, tzinfo=BOSTON),
        second="willow.cowslip",
        decided_at=datetime(2011, 10, 25, 9, tzinfo=BOSTON),
    ),
    Leave(
        "parking plan",
        "daisy.gorse",
        Act.ROUTE,
        "Nobody else is at the intake desk over the New Year. It is sent on, and nothing else.",
        "intake",
        datetime(2011, 12, 29, 14, tzinfo=BOSTON),
        second="elder.plantain",
        decided_at=datetime(2011, 12, 30, 9, tzinfo=BOSTON),
        grants=True,
    ),
    Leave(
        "land register",
        "aster.comfrey",
        Act.HANDLE,
        "The old volumes are kept at the mills, and nobody else there can read them.",
        "aspen.burnet",
        datetime(2011, 12, 29, 16, tzinfo=BOSTON),
    ),
)


def _officer(known: Known, username: str) -> Officer:
    """Return an officer with the roles that were given by now."""
    officer = known.get(Officer, username)
    known.session.refresh(officer, ["roles"])
    return officer


def stand_aside(known: Known) -> None:
    """Add who stands aside."""
    for one in ASIDE:
        impartiality.stand_aside(
            known.get(Grievance, one.grievance),
            _officer(known, one.officer),
            one.ground,
            one.reason,
            by=_officer(known, one.by),
            now=one.at,
            settings=SETTINGS,
        )


def ask_leave(known: Known) -> None:
    """Add the leave that was asked for, and what a second person said to it."""
    for one in LEAVES:
        asked = impartiality.ask_leave(
            known.get(Grievance, one.grievance),
            _officer(known, one.officer),
            one.act,
            one.reason,
            by=_officer(known, one.by),
            now=one.at,
            settings=SETTINGS,
        )
        if one.decided_at is not None:
            impartiality.decide_leave(
                asked,
                grant=one.grants,
                by=_officer(known, one.second),
                now=one.decided_at,
                settings=SETTINGS,
            )

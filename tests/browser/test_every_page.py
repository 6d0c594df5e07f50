"""Every page, as every role, in both languages and both colour schemes (promises B2 and 9 of the
theme): nothing that the policy stops, nothing on the console, nothing that axe calls serious.

Pages are found: each address of `app.url_map`, and each link that stands on a page that was found.
In every run a page of each kind is seen once by each family of roles, in languages and schemes that
take turns; `make proofs` sees every page of every record type as every role in all of them. See
docs/decisions/0055-every-page-is-looked-at.md.
"""

import time
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from itertools import cycle

import pytest

from rules.permissions import Role
from tests.browser.places import Bureau, furnish, speak
from tests.browser.touring import LANGUAGES, Survey, Tour, path_of
from tests.browser.walking import Desk, Walk
from tests.proofs import IS_FULL, size

pytestmark = [pytest.mark.browser, pytest.mark.proof]

SCHEMES = ("light", "dark")
# Roles whose rights are alike; those of a family share its pages in a usual run.
FAMILIES: list[tuple[Role | None, ...]] = [
    (None,),
    (Role.ADMINISTRATOR,),
    (Role.INTAKE, Role.DECIDER),
    (Role.HANDLER, Role.OFFICE_HEAD, Role.LEAD_OFFICIAL),
    (Role.SUPERVISOR, Role.AUDITOR),
]
EVERYBODY: list[Role | None] = [None, *Role]
WHO = [(role,) for role in EVERYBODY] if IS_FULL else FAMILIES


@pytest.fixture(scope="module")
def bureau(desk: Desk) -> Bureau:
    return furnish(desk.app)


@pytest.fixture(scope="module")
def survey(figures: Callable[[str], None]) -> Iterator[Survey]:
    """What is seen in all tests of this file; its figures are printed at the end."""
    survey, began = Survey(), time.monotonic()
    yield survey
    clicks = sum(one.total() for one in survey.clicked.values())
    stopped = sum("the policy stopped" in one for one in survey.noted)
    impacts = ", ".join(
        f"{survey.impacts[name]} {name}" for name in ("critical", "serious", "moderate", "minor")
    )
    figures(
        f"B2: {len(survey.pages)} pages, {survey.visits.total():,} visits by {len(survey.visits)} "
        f"(each role and a visitor), {clicks:,} controls clicked: {stopped} "
        f"violations of the policy, {len(survey.noted) - stopped} errors on the console; "
        f"{time.monotonic() - began:.0f} s"
    )
    figures(
        f"axe: {len(survey.checked):,} runs in {len(survey.combinations)} combinations of "
        f"language, scheme and width: findings {impacts}"
    )


class Route:
    """What one officer has still to see: addresses that were found, the next one first."""

    def __init__(self, tour: Tour, bureau: Bureau, family: str, *, each_type: bool) -> None:
        self.tour, self.bureau, self.family, self.each_type = tour, bureau, family, each_type
        starts = sorted(bureau.addresses(tour.role), key=lambda path: _turn(tour.who, path))
        self.waiting = deque(starts)
        self.found_on: dict[str, str] = {}

    def step(self) -> bool:
        """See the next page of a kind that the family has not seen; False when there is none."""
        while self.waiting:
            path = self.waiting.popleft()
            kind = self.bureau.kind(path, each_type=self.each_type)
            if kind is None or (self.family, kind) in self.tour.survey.kinds:
                continue
            if self.tour.open(path):
                # Where it leads to may have been seen.
                shown = self.bureau.kind(path_of(self.tour.page.url), each_type=self.each_type)
                new = {(self.family, kind), (self.family, shown or kind)}
                is_seen = (self.family, shown) in self.tour.survey.kinds
                self.tour.survey.kinds |= new
                if not is_seen:
                    self._follow(self.tour.see(shown or kind))
            return True
        return False

    def _follow(self, links: list[str]) -> None:
        for link in links:
            if link.startswith(self.tour.walk.desk.address):
                self.waiting.append(path_of(link))


def _turn(who: str, path: str) -> int:
    """A number for the order in which pages are seen: another for each role, and always the same,
    so that each role meets other record types."""
    return zlib.crc32(f"{who} {path}".encode())


@pytest.mark.parametrize("language", LANGUAGES if IS_FULL else [None])
@pytest.mark.parametrize("family", WHO, ids=lambda roles: roles[0] or "visitor")
def test_every_page_does_what_it_may(
    walk: Walk, bureau: Bureau, survey: Survey, family: tuple[Role | None, ...], language: str
) -> None:
    languages = cycle([language] if language else LANGUAGES)
    routes = []
    for n, role in enumerate(family):
        spoken = next(languages)
        if role is None:
            spoken = "en"
        else:
            speak(bureau.app, role, spoken)
        schemes = SCHEMES if IS_FULL else SCHEMES[n % 2 :][:1]
        tour = Tour(survey, walk, role, spoken, schemes, size(2, 1_000_000), IS_FULL)
        routes.append(Route(tour, bureau, f"{family} {language}", each_type=IS_FULL))
    while routes:
        routes = [route for route in routes if route.step()]
    survey.noted += walk.noted
    assert survey.told() == []

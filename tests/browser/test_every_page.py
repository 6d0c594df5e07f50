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

import pytest

from rules.accounts import Appearance
from rules.permissions import Role
from tests.browser.behind_forms import STATES
from tests.browser.places import Bureau, choose, furnish
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


def _tour(walk: Walk, survey: Survey, bureau: Bureau, role: Role | None, turn: int) -> Tour:
    """In a usual run languages and schemes take turns, and so do the two ways to come to a scheme:
    the system's, and the officer's own choice against that of the system. A visitor may choose
    neither without a form. In `make proofs` a turn is a language, and the schemes are both seen."""
    language = list(LANGUAGES)[turn % 2] if role else "en"
    schemes = SCHEMES if IS_FULL else SCHEMES[turn // 2 % 2 :][:1]
    asked_for = schemes
    if role:
        is_own = not IS_FULL and turn % 4 in (1, 2)
        choose(bureau.app, role, language, Appearance(schemes[0]) if is_own else Appearance.SYSTEM)
        asked_for = ("light",) if is_own else schemes
    return Tour(survey, walk, role, language, schemes, asked_for[0], size(2, 1_000_000), IS_FULL)


def _end(walk: Walk, survey: Survey) -> None:
    survey.noted += walk.noted
    if told := survey.told():
        pytest.fail("\n".join(told), pytrace=False)


TURNS = range(2) if IS_FULL else [0]


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("family", WHO, ids=lambda roles: roles[0] or "visitor")
def test_every_page_does_what_it_may(
    walk: Walk, bureau: Bureau, survey: Survey, family: tuple[Role | None, ...], turn: int
) -> None:
    first = turn if IS_FULL else EVERYBODY.index(family[0])
    tours = [_tour(walk, survey, bureau, role, first + n) for n, role in enumerate(family)]
    routes = [Route(one, bureau, f"{family} {turn}", each_type=IS_FULL) for one in tours]
    while routes:
        routes = [route for route in routes if route.step()]
    _end(walk, survey)


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize(("role", "go"), STATES, ids=lambda one: getattr(one, "__name__", ""))
def test_every_page_behind_a_form_does_what_it_may(
    walk: Walk,
    bureau: Bureau,
    survey: Survey,
    role: Role | None,
    go: Callable[[Tour, Bureau], None],
    turn: int,
) -> None:
    first = turn if IS_FULL else [one for _, one in STATES].index(go)
    go(_tour(walk, survey, bureau, role, first), bureau)
    _end(walk, survey)

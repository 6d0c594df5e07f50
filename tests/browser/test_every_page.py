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
# Those of a party share its pages in a usual run.
PARTIES: dict[str, tuple[Role | None, ...]] = {
    "visitor": (None,),
    "administrator": (Role.ADMINISTRATOR,),
    "others": tuple(role for role in Role if role is not Role.ADMINISTRATOR),
}
EVERYBODY: list[Role | None] = [None, *Role]
if IS_FULL:
    PARTIES = {str(role or "visitor"): (role,) for role in EVERYBODY}
PERSONAL = ("admin.index", "dashboard.page", "account.me")  # what each role sees for itself


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

    def __init__(self, tour: Tour, bureau: Bureau) -> None:
        self.tour, self.bureau = tour, bureau
        starts = sorted(bureau.addresses(tour.role), key=lambda path: _turn(tour.who, path))
        self.waiting = deque(starts)
        self.refused: set[str] = set()

    def step(self) -> bool:
        """See the next page of a kind that the party has not seen; False when there is none."""
        while self.waiting:
            path = self.waiting.popleft()
            kind = self.bureau.kind(path, each_type=IS_FULL)
            if kind is None or kind in self.refused or self._is_seen(kind):
                continue
            # A step that is not to be taken now says why.
            if not self.tour.open(path, or_else=409 if self.bureau.is_step(path) else None):
                self.refused.add(kind)
                return True
            self.tour.survey.kinds.add(self._key(kind))
            shown = self.bureau.kind(path_of(self.tour.page.url), each_type=IS_FULL) or kind
            if shown == kind or not self._is_seen(shown):  # it may have led elsewhere
                self.tour.survey.kinds.add(self._key(shown))
                self._follow(self.tour.see(shown))
            return True
        return False

    def _is_seen(self, kind: str) -> bool:
        return self._key(kind) in self.tour.survey.kinds

    def _key(self, kind: str) -> tuple[str, str]:
        view, asked, _ = kind.partition("?")
        if view in PERSONAL:
            return self.tour.who, kind
        return "anybody" if asked and not IS_FULL else self.tour.party, kind

    def _follow(self, links: list[str]) -> None:
        for link in links:
            if link.startswith(self.tour.walk.desk.address):
                self.waiting.append(path_of(link))


def _turn(who: str, path: str) -> int:
    """A number for the order in which pages are seen: another for each role, and always the same,
    so that each role meets other record types."""
    return zlib.crc32(f"{who} {path}".encode())


def _tour(
    walk: Walk, survey: Survey, bureau: Bureau, role: Role | None, turn: int, party: str
) -> Tour:
    """In a usual run languages and schemes take turns, and so do the two ways to come to a scheme:
    the system's, and the officer's own choice against that of the system. A visitor may choose
    neither without a form. In `make proofs` a turn is a language, and the schemes are both seen."""
    language = list(LANGUAGES)[turn % 2] if role else "en"
    schemes = SCHEMES if IS_FULL else SCHEMES[turn // 2 % 2 :][:1]
    asked_for, own = schemes[0], Appearance.SYSTEM
    if role and not IS_FULL and turn % 4 in (1, 2):
        own = Appearance(schemes[0])
        asked_for = SCHEMES[schemes[0] == "light"]
    if role:
        choose(bureau.app, role, language, own)
    often = size(1, 1_000_000)
    return Tour(survey, walk, party, role, language, schemes, asked_for, often, IS_FULL)


def _end(walk: Walk, survey: Survey) -> None:
    survey.noted += walk.noted
    for one in walk.noted:
        survey.fault("the console", one)
    walk.noted.clear()
    if told := survey.told():
        pytest.fail("\n".join(told), pytrace=False)


TURNS = range(2) if IS_FULL else [0]


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("party", PARTIES)
def test_every_page_does_what_it_may(
    walk: Walk, bureau: Bureau, survey: Survey, party: str, turn: int
) -> None:
    routes = []
    for role in PARTIES[party]:
        first = turn if IS_FULL else EVERYBODY.index(role)
        routes.append(Route(_tour(walk, survey, bureau, role, first, f"{party} {turn}"), bureau))
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
    go(_tour(walk, survey, bureau, role, first, f"forms {turn}"), bureau)
    _end(walk, survey)

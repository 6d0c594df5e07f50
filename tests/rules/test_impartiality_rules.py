"""Who may not act in a matter: each rule, and 10,000 trees of offices with transfers against an
oracle that is written the other way round."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from random import Random

import pytest

from rules import RuleBroken
from rules.casework import GRIEVANCE
from rules.grievance import GrievanceKind
from rules.impartiality import (
    ACT_OF_STEP,
    COOLING_OFF_DAYS,
    LONGEST_REASON,
    Act,
    Case,
    Person,
    Scope,
    Settings,
    barred_acts,
    check_agreeing,
    check_asking,
    check_reason,
    check_stating,
    line_of,
    refusal,
    scope_of,
)
from rules.permissions import Role

# 1 the district, 2 and 3 below it, 4 below 2.
TREE: Mapping[int, int | None] = {1: None, 2: 1, 3: 1, 4: 2}
SETTINGS = Settings()
ME = 10


def somebody(*served: int, aside_from: frozenset[int] = frozenset(), number: int = ME) -> Person:
    return Person(number, frozenset(served), line_of(served, TREE), aside_from)


def matter(kind: GrievanceKind = GrievanceKind.CONDUCT, *respondents: int) -> Case:
    return Case(kind, frozenset(respondents))


def said(act: Act, person: Person, case: Case, settings: Settings = SETTINGS) -> str:
    return str(refusal(act, person, case, settings) or "")


def test_every_step_of_the_life_cycle_is_an_act() -> None:
    assert ACT_OF_STEP.keys() == GRIEVANCE.steps.keys()


@pytest.mark.parametrize(
    ("kind", "served", "refused"),
    [
        (GrievanceKind.CONDUCT, 2, "You serve the office complained about"),
        (GrievanceKind.CONDUCT, 4, ""),
        (GrievanceKind.CONDUCT, 1, ""),
        (GrievanceKind.CONDUCT, 3, ""),
        (GrievanceKind.DECISION, 2, "You serve the office complained about"),
        (GrievanceKind.SERVICE, 2, ""),
    ],
)
def test_the_office_complained_about_does_not_work_a_complaint_about_conduct(
    kind: GrievanceKind, served: int, refused: str
) -> None:
    words = said(Act.HANDLE, somebody(served), matter(kind, 2))
    assert words.startswith(refused)
    assert bool(words) == bool(refused)


@pytest.mark.parametrize(
    ("scope", "kept_away"),
    [(Scope.PERSON, set()), (Scope.OFFICE, {2}), (Scope.SUBTREE, {2, 4})],
)
def test_the_setting_says_how_far_it_reaches(scope: Scope, kept_away: set[int]) -> None:
    settings = Settings(scopes=dict.fromkeys(GrievanceKind, scope), appeals=Scope.PERSON)
    refused = {one for one in TREE if said(Act.HANDLE, somebody(one), matter(), settings)}
    assert refused == (set() if scope is Scope.PERSON else set(TREE)), "no office is named yet"
    case = matter(GrievanceKind.CONDUCT, 2)
    assert {one for one in TREE if said(Act.HANDLE, somebody(one), case, settings)} == kept_away


def test_an_appeal_is_as_strict_as_the_stricter_of_the_two() -> None:
    service = matter(GrievanceKind.SERVICE, 2)
    assert not said(Act.HANDLE, somebody(2), service)
    assert said(Act.HANDLE, somebody(2), replace(service, is_appealed=True))
    assert said(Act.REVIEW, somebody(2), service)
    wide = Settings(scopes=dict.fromkeys(GrievanceKind, Scope.SUBTREE), appeals=Scope.PERSON)
    assert scope_of(Act.REVIEW, service, wide) is Scope.SUBTREE


def test_who_decided_first_does_not_decide_the_appeal_whoever_agrees() -> None:
    case = replace(matter(GrievanceKind.SERVICE, 2), first_deciders=frozenset({ME}))
    assert said(Act.REVIEW, somebody(3), case).startswith("You decided first.")
    assert not said(Act.HANDLE, somebody(3), case)
    barred = barred_acts(
        somebody(3), frozenset({Role.DECIDER}), replace(case, is_appealed=True), SETTINGS
    )
    assert barred[Act.REVIEW].stands


def test_who_drafted_does_not_decide() -> None:
    case = replace(matter(GrievanceKind.SERVICE, 2), drafted_by=frozenset({ME}))
    for act in (Act.ANSWER, Act.REPRIMAND):
        assert said(act, somebody(3), case).startswith("You drafted it.")
    assert not said(Act.HANDLE, somebody(3), case)


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ({"received_by": frozenset({ME})}, "You received this matter in public."),
        ({"lead_official_id": ME}, "You lead this grievance."),
        ({"handler_id": ME}, "You handle this grievance."),
    ],
)
def test_who_had_a_part_decides_neither_the_appeal_nor_the_reprimand(
    part: dict[str, object], words: str
) -> None:
    case = replace(matter(GrievanceKind.SERVICE, 2), **part)  # type: ignore[arg-type]
    for act in (Act.REVIEW, Act.REPRIMAND):
        assert said(act, somebody(3), case).startswith(words)
    for act in (Act.HANDLE, Act.LEAD, Act.ANSWER):
        assert not said(act, somebody(3), case)


def test_whoever_stands_aside_does_nothing_at_all() -> None:
    from_it = replace(matter(GrievanceKind.SERVICE, 2), aside=frozenset({ME}))
    away = somebody(3, aside_from=frozenset({2}))
    for act in Act:
        assert said(act, somebody(3), from_it)
        assert said(act, away, matter(GrievanceKind.SERVICE, 2))
        assert not said(act, somebody(3), matter(GrievanceKind.SERVICE, 2))


def test_what_was_said_is_written_down_by_anyone() -> None:
    assert not said(Act.RECORD, somebody(2), matter(GrievanceKind.CONDUCT, 2))


def test_no_inspector_of_the_office_they_serve() -> None:
    case = matter(GrievanceKind.SERVICE, 2)
    assert said(Act.INSPECT, somebody(2), case).startswith("You serve the office to be inspected")
    assert said(Act.INSPECT, somebody(3, 2), case), "left it lately"
    assert not said(Act.INSPECT, somebody(3), case)


def test_conduct_is_routed_before_an_office_is_named_and_nothing_else_is_done() -> None:
    assert not said(Act.ROUTE, somebody(3), matter())
    for act in (Act.HANDLE, Act.LEAD, Act.ANSWER, Act.REVIEW):
        assert said(act, somebody(3), matter()).startswith("Name the office complained about first")


def test_a_page_says_what_the_role_would_do() -> None:
    case = matter(GrievanceKind.CONDUCT, 2)
    assert set(barred_acts(somebody(2), frozenset({Role.OFFICE_HEAD}), case, SETTINGS)) == {
        Act.HANDLE,
        Act.ANSWER,
    }
    assert not barred_acts(somebody(2), frozenset({Role.AUDITOR}), case, SETTINGS)


# --- Two override ----------------------------------------------------------------------------

DECIDES = frozenset({Role.DECIDER})


def refuses(check: Callable[..., None], *arguments: object) -> str:
    with pytest.raises(RuleBroken) as refused:
        check(*arguments)
    return str(refused.value)


def test_the_two_are_two_others_who_are_outside() -> None:
    case = matter(GrievanceKind.CONDUCT, 2)
    outside = somebody(3)
    check_asking(outside, DECIDES, 7, case)
    check_agreeing(outside, DECIDES, 7, 8, case)
    assert "Your role" in refuses(check_asking, outside, frozenset({Role.HANDLER}), 7, case)
    intake = frozenset({Role.INTAKE})
    check_asking(outside, intake, 7, case)
    assert "A lead official" in refuses(check_agreeing, outside, intake, 7, 8, case)
    assert "Two others" in refuses(check_asking, outside, DECIDES, ME, case)
    assert "Two others" in refuses(check_agreeing, outside, DECIDES, ME, 8, case)
    assert "second person" in refuses(check_agreeing, outside, DECIDES, 7, ME, case)
    for inside in (somebody(2), somebody(4), somebody(3, aside_from=frozenset({2}))):
        assert "outside it" in refuses(check_asking, inside, DECIDES, 7, case)
        assert "outside it" in refuses(check_agreeing, inside, DECIDES, 7, 8, case)
    aside = replace(case, aside=frozenset({ME}))
    assert "outside it" in refuses(check_agreeing, outside, DECIDES, 7, 8, aside)


def test_everybody_stands_aside_themselves_and_few_say_it_of_others() -> None:
    case = matter(GrievanceKind.CONDUCT, 2)
    handler = frozenset({Role.HANDLER})
    check_stating(somebody(2), handler, ME, case)
    assert "yourself alone" in refuses(check_stating, somebody(3), handler, 7, case)
    check_stating(somebody(3), frozenset({Role.INTAKE}), 7, case)
    inside = (somebody(2), frozenset({Role.OFFICE_HEAD}), 7, case)
    assert "outside it" in refuses(check_stating, *inside)
    again = replace(case, aside=frozenset({ME}))
    assert "already" in refuses(check_stating, somebody(3), handler, ME, again)


def test_a_reason_is_a_sentence() -> None:
    assert check_reason("  nobody else  ") == "nobody else"
    assert "Say in a sentence why." in refuses(check_reason, " \n ")
    assert "too long" in refuses(check_reason, "x" * (LONGEST_REASON + 1))


# --- 10,000 trees ----------------------------------------------------------------------------


@dataclass
class Career:
    """The offices of an officer, each with the day on which they came to it."""

    posts: list[tuple[int, int]]
    aside_from: set[int] = field(default_factory=set)

    def office_on(self, day: int) -> int:
        return [office for since, office in self.posts if since <= day][-1]

    def left(self, day: int) -> set[tuple[int, int]]:
        """The offices that were left until `day`, each with the day of leaving."""
        until = [since for since, _office in self.posts[1:]]
        pairs = zip(self.posts, until, strict=False)
        return {(office, end) for (_since, office), end in pairs if end <= day}


def below(office: int, tree: Mapping[int, int | None]) -> set[int]:
    """The office and all below it, downwards; the rules look upwards."""
    found = {office}
    while more := {child for child, parent in tree.items() if parent in found} - found:
        found |= more
    return found


def is_involved(act: Act, me: int, career: Career, case: Case) -> bool:
    """The oracle of what somebody did or said themselves."""
    had_part = me in case.received_by | {case.handler_id, case.lead_official_id}
    return any(
        (
            me in case.aside or career.aside_from & case.respondents,
            act is Act.REVIEW and (me in case.first_deciders or had_part),
            act is Act.REPRIMAND and had_part,
            act in (Act.ANSWER, Act.REPRIMAND) and me in case.drafted_by,
        )
    )


def kept_away(
    act: Act, case: Case, settings: Settings, tree: dict[int, int | None]
) -> set[int] | None:
    """The oracle of the offices whose people keep away from `act`; None for all there are."""
    scopes = {settings.scopes[case.kind]}
    if act is Act.RECORD:
        return set()
    if act is Act.INSPECT:
        scopes = {Scope.OFFICE}
    elif act is Act.REVIEW or case.is_appealed:
        scopes.add(settings.appeals)
    if scopes == {Scope.PERSON}:
        return set()
    if not case.respondents:
        return set() if act is Act.ROUTE else None
    if Scope.SUBTREE in scopes:
        return set().union(*(below(office, tree) for office in case.respondents))
    return set(case.respondents)


def test_an_excluded_officer_never_acts_in_10_000_trees_with_transfers(
    figures: Callable[[str], None],
) -> None:
    random = Random(5)  # noqa: S311  no secret
    trees = tried = refused = 0
    while trees < 10_000:
        trees += 1
        size = random.randint(1, 9)
        tree: dict[int, int | None] = {
            one: random.choice([None, *range(1, one)]) if one > 1 else None
            for one in range(1, size + 1)
        }
        offices = list(tree)
        officers = list(range(100, 100 + random.randint(1, 4)))
        careers = {
            one: Career(
                sorted(
                    {0: random.choice(offices)}.items()
                    | {
                        random.randint(1, 3000): random.choice(offices)
                        for _ in range(random.randint(0, 4))
                    }.items()
                ),
                set(random.sample(offices, random.choice([0, 0, 0, 1]))),
            )
            for one in officers
        }

        def some(most: int = 1, *, among: list[int] = officers) -> frozenset[int]:
            return frozenset(random.sample(among, random.randint(0, min(most, len(among)))))

        case = Case(
            kind=random.choice(list(GrievanceKind)),
            respondents=some(2, among=offices),
            is_appealed=random.random() < 0.3,
            handler_id=random.choice([None, *officers]),
            lead_official_id=random.choice([None, *officers]),
            received_by=some(),
            drafted_by=some(),
            first_deciders=some(),
            aside=some() if random.random() < 0.3 else frozenset(),
        )
        settings = Settings(
            scopes={kind: random.choice(list(Scope)) for kind in GrievanceKind},
            appeals=random.choice(list(Scope)),
            cooling_off_days=random.choice([COOLING_OFF_DAYS, 30]),
        )
        for day in (random.randint(0, 4000), 5000):
            for one, career in careers.items():
                lately = {
                    office
                    for office, end in career.left(day)
                    if end > day - settings.cooling_off_days
                }
                served = frozenset(lately | {career.office_on(day)})
                person = Person(one, served, line_of(served, tree), frozenset(career.aside_from))
                for act in Act:
                    tried += 1
                    away = kept_away(act, case, settings, tree)
                    is_excluded = (
                        is_involved(act, one, career, case) or away is None or bool(away & served)
                    )
                    is_refused = refusal(act, person, case, settings) is not None
                    refused += is_refused
                    told = (act, person, case, settings, tree, day)
                    assert is_refused == is_excluded, told
    assert tried > 200_000
    assert 0.1 < refused / tried < 0.9, "both must happen"
    figures(
        f"Impartiality: {trees:,} trees with transfers, {tried:,} acts tried, {refused:,} refused,"
        " 0 by an excluded officer"
    )

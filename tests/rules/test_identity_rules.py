"""Who may open a sealed identity: the rules, and promise A7 over random offices."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from random import Random

import pytest

from rules import RuleBroken
from rules.grievance import GrievanceKind
from rules.identity import (
    LONGEST,
    NEVER_OPEN,
    Asker,
    Case,
    Duty,
    IdentityField,
    check_fields,
    duty_of,
    is_partial,
    kept_until,
    opening_duty,
    sealing_duty,
)
from rules.impartiality import Tree, is_of_line, line_above
from rules.permissions import Role

# District 1; below it the bureau 2, the works 3 with their depot 4 and its yard 5, the parks 6.
TREE: Tree = {1: None, 2: 1, 3: 1, 4: 3, 5: 4, 6: 1}
BUREAU, WORKS, DEPOT, YARD, PARKS = 2, 3, 4, 5, 6
CASE = Case(
    kind=GrievanceKind.SERVICE,
    needs_two=False,
    handler_id=10,
    lead_official_id=11,
    responsible_office_id=PARKS,
    respondents=frozenset({DEPOT}),
    first_deciders=None,
)


def asker(number: int, office: int, *roles: Role, served: tuple[int, ...] = ()) -> Asker:
    return Asker(number, office, frozenset(roles), frozenset({office, *served}))


@pytest.mark.parametrize(
    ("who", "case", "duty"),
    [
        (asker(1, BUREAU, Role.INTAKE), CASE, Duty.INTAKE),
        (asker(10, PARKS, Role.HANDLER), CASE, Duty.HANDLER),
        (asker(12, PARKS, Role.HANDLER), CASE, None),
        (asker(11, 1, Role.LEAD_OFFICIAL), CASE, Duty.LEAD_OFFICIAL),
        (asker(12, 1, Role.LEAD_OFFICIAL), CASE, None),
        (asker(12, PARKS, Role.OFFICE_HEAD), CASE, Duty.OFFICE_HEAD),
        (asker(12, BUREAU, Role.OFFICE_HEAD), CASE, None),
        (asker(12, BUREAU, Role.DECIDER), CASE, None),
        (
            asker(12, BUREAU, Role.DECIDER),
            replace(CASE, first_deciders=frozenset({13})),
            Duty.DECIDER,
        ),
        (asker(13, BUREAU, Role.DECIDER), replace(CASE, first_deciders=frozenset({13})), None),
        (asker(10, BUREAU, Role.DECIDER), replace(CASE, first_deciders=frozenset({13})), None),
        (asker(1, BUREAU, Role.SUPERVISOR), CASE, None),
        (asker(1, BUREAU, Role.ADMINISTRATOR), CASE, None),
        (asker(1, BUREAU, Role.AUDITOR), CASE, None),
        (asker(1, BUREAU, Role.ADMINISTRATOR, Role.INTAKE), CASE, None),
        (asker(10, PARKS, Role.AUDITOR, Role.HANDLER), CASE, None),
    ],
)
def test_only_a_duty_that_needs_it_opens_an_identity(
    who: Asker, case: Case, duty: Duty | None
) -> None:
    assert duty_of(who, case) is duty


@pytest.mark.parametrize(
    ("who", "case", "refused"),
    [
        (asker(1, DEPOT, Role.INTAKE), CASE, True),
        (asker(1, YARD, Role.INTAKE), CASE, True),
        (asker(1, BUREAU, Role.INTAKE, served=(YARD,)), CASE, True),
        (asker(1, BUREAU, Role.INTAKE, served=(WORKS,)), CASE, False),
        (asker(1, WORKS, Role.INTAKE), CASE, False),
        (asker(1, WORKS, Role.INTAKE), replace(CASE, kind=GrievanceKind.CONDUCT), True),
        (asker(1, WORKS, Role.INTAKE), replace(CASE, needs_two=True), True),
        (asker(1, BUREAU, Role.INTAKE), replace(CASE, needs_two=True), False),
        # An office that was once complained about stays so.
        (asker(1, PARKS, Role.INTAKE), replace(CASE, respondents=frozenset({PARKS, DEPOT})), True),
        # Nobody is named yet: of a service nobody need be, of an act somebody is.
        (asker(1, BUREAU, Role.INTAKE), replace(CASE, respondents=frozenset()), False),
        (
            asker(1, BUREAU, Role.INTAKE),
            replace(CASE, respondents=frozenset(), kind=GrievanceKind.CONDUCT),
            True,
        ),
    ],
)
def test_whoever_is_of_the_line_of_the_office_complained_about_is_refused(
    who: Asker, case: Case, refused: bool
) -> None:
    assert is_partial(who, case, TREE) is refused
    if refused:
        with pytest.raises(RuleBroken):
            opening_duty(who, case, TREE)
    else:
        assert opening_duty(who, case, TREE) is Duty.INTAKE


def test_intake_seals_before_the_office_is_named_but_not_for_its_own() -> None:
    unnamed = replace(CASE, kind=GrievanceKind.CONDUCT, respondents=frozenset())
    sealing_duty(asker(1, BUREAU, Role.INTAKE), unnamed, TREE)
    for who, case in (
        (asker(1, YARD, Role.INTAKE), CASE),
        (asker(10, PARKS, Role.HANDLER), CASE),
        (asker(1, BUREAU, Role.INTAKE, Role.ADMINISTRATOR), CASE),
    ):
        with pytest.raises(RuleBroken):
            sealing_duty(who, case, TREE)


def test_a_circle_in_the_tree_ends() -> None:
    assert list(line_above(1, {1: 2, 2: 1})) == [1, 2]
    assert is_of_line({1}, {2}, {1: 2, 2: 1}, upwards=False)


def test_what_is_too_long_or_nothing_is_refused_without_saying_what_it_was() -> None:
    assert check_fields({IdentityField.NAME: "  Zara Quill "})[IdentityField.NAME] == "Zara Quill"
    secret = "Q" * (LONGEST[IdentityField.PHONE] + 1)
    with pytest.raises(RuleBroken) as caught:
        check_fields({IdentityField.PHONE: secret})
    assert caught.value.field == "phone"
    assert "Q" not in f"{caught.value} {caught.value.values}"
    with pytest.raises(RuleBroken):
        check_fields({IdentityField.NAME: "  "})


def test_an_identity_is_kept_for_so_long_after_the_end() -> None:
    assert kept_until(None, 365) is None
    assert kept_until(date(2026, 1, 1), 365) == date(2027, 1, 1)


# --- A7 --------------------------------------------------------------------------------------


def _below(tree: Tree, top: int) -> set[int]:
    """Every office of the tree under `top`, found from above: another way than the rule's."""
    found = {top}
    while more := {office for office, parent in tree.items() if parent in found} - found:
        found |= more
    return found


def test_the_office_complained_about_never_reaches_the_identity(
    figures: Callable[[str], None],
) -> None:
    """10,000 random trees; officers and the grievance are transferred between their offices."""
    random = Random(7)  # noqa: S311  no secret
    trees, tries, opened, foul = 10_000, 0, 0, 0
    for _ in range(trees):
        size = random.randint(2, 14)
        tree: Tree = {n: random.randint(1, n - 1) if n > 1 else None for n in range(1, size + 1)}
        complained = [random.randint(1, size) for _ in range(random.randint(1, 3))]
        case = Case(
            kind=random.choice(list(GrievanceKind)),
            needs_two=random.random() < 0.3,
            handler_id=random.choice([None, 1, 2]),
            lead_official_id=random.choice([None, 2, 3]),
            responsible_office_id=random.choice([None, random.randint(1, size)]),
            respondents=frozenset(complained),
            first_deciders=random.choice([None, frozenset({4})]),
        )
        theirs = set().union(*(_below(tree, office) for office in complained))
        for officer in range(1, 6):
            moves = [random.randint(1, size) for _ in range(random.randint(1, 3))]
            roles = frozenset(random.sample(list(Role), random.randint(1, 3)))
            who = Asker(officer, moves[-1], roles, frozenset(moves))
            tries += 1
            try:
                opening_duty(who, case, tree)
            except RuleBroken:
                continue
            opened += 1
            foul += bool(theirs & set(moves)) or bool(roles & NEVER_OPEN)
    assert foul == 0
    assert opened > trees // 20, "so few may open that the rule says little"
    figures(
        f"A7: {trees:,} office trees with transfers, {tries:,} officers ask, {opened:,} may open, "
        f"{foul} of them of the office complained about"
    )

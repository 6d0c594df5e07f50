"""Where a grievance belongs: what is suggested, in what order, and with which reasons."""

from rules.routing import MOST, Matter, Place, suggest

DISTRICT, WATER, PIPES, ROADS = 1, 2, 3, 4
TOWN, MILL = 10, 11
OFFICES = {
    DISTRICT: Place(DISTRICT, "District", None, TOWN),
    WATER: Place(WATER, "Water works", DISTRICT, None),
    PIPES: Place(PIPES, "Pipes of the mill", WATER, MILL),
    ROADS: Place(ROADS, "Roads office", DISTRICT, MILL),
}
LEAKS = (("Leaks", None), ("Water", WATER))
IN_THE_MILL = ((MILL, "Mill quarter"), (TOWN, "Town"))


def told(matter: Matter) -> list[tuple[int, list[str]]]:
    return [(one.office_id, [str(why) for why in one.reasons]) for one in suggest(matter, OFFICES)]


def test_category_and_area_together_come_first() -> None:
    assert told(Matter(LEAKS, IN_THE_MILL)) == [
        (
            PIPES,
            [
                "It is below Water works, which answers for “Water”.",
                "It serves the area “Mill quarter”.",
            ],
        ),
        (WATER, ["It answers for the wider category “Water”."]),
        (ROADS, ["It serves the area “Mill quarter”."]),
        (DISTRICT, ["It serves the area “Town”."]),
    ]


def test_the_nearest_category_with_an_office_counts() -> None:
    line = (("Leaks", PIPES), ("Water", WATER))
    assert told(Matter(line)) == [(PIPES, ["It answers for the category “Leaks”."])]


def test_an_office_that_is_closed_is_not_suggested() -> None:
    open_ones = {number: one for number, one in OFFICES.items() if number != WATER}
    assert [one.office_id for one in suggest(Matter(LEAKS, IN_THE_MILL), open_ones)] == [
        PIPES,
        ROADS,
        DISTRICT,
    ]
    assert suggest(Matter(), OFFICES) == []


def test_conduct_is_not_suggested_to_the_office_complained_about_without_saying_so() -> None:
    matter = Matter(LEAKS, IN_THE_MILL, respondent_id=PIPES, is_about_conduct=True)
    found = suggest(matter, OFFICES)
    assert found[-1].office_id == PIPES
    assert [str(why) for why in found[-1].doubts] == [
        "It is the office complained about, and the matter is one of conduct."
    ]
    service = Matter(LEAKS, IN_THE_MILL, respondent_id=PIPES)
    assert suggest(service, OFFICES)[0].office_id == PIPES


def test_a_tree_in_a_circle_ends_and_few_are_suggested() -> None:
    circle = {n: Place(n, f"Office {n}", n % 9 + 1, MILL) for n in range(1, 10)}
    assert len(suggest(Matter(LEAKS, IN_THE_MILL), circle)) == MOST

"""Where a grievance belongs: offices suggested by its category and its area, each with the reasons.
The intake desk decides; a suggestion sends nothing anywhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rules import Said, mark

MOST = 5
"""So many offices are suggested at most."""


@dataclass(frozen=True)
class Place:
    """An office as routing sees it: the one above it, and the area that it serves."""

    id: int
    name: str
    parent_id: int | None
    area_id: int | None


@dataclass(frozen=True)
class Matter:
    """What is known of a grievance: its category and the wider ones, nearest first, each by name
    with the office that answers by default; its area and those around it, nearest first, each by
    number and name; and the office complained about."""

    categories: Sequence[tuple[str, int | None]] = ()
    areas: Sequence[tuple[int, str]] = ()
    respondent_id: int | None = None
    is_about_conduct: bool = False


@dataclass(frozen=True)
class Suggestion:
    """An office that may be the right one, why, and what speaks against it."""

    office_id: int
    name: str
    reasons: tuple[Said, ...]
    doubts: tuple[Said, ...] = ()


def suggest(matter: Matter, offices: Mapping[int, Place]) -> list[Suggestion]:
    """Return the offices that a grievance may belong to, the likeliest first, MOST at most.

    First those that answer for the category and serve the area, then who answers for the category,
    then who serves the area, the nearer area first. `offices` are those that are open. What is
    about conduct is never suggested to the office complained about without saying so.
    """
    found: dict[int, list[Said]] = {}
    named = next(((name, office) for name, office in matter.categories if office in offices), None)
    nearness = {area: place for place, (area, _name) in enumerate(matter.areas)}
    names = dict(matter.areas)
    serving = sorted(
        (one for one in offices.values() if one.area_id in nearness),
        key=lambda one: (nearness[one.area_id or 0], one.name, one.id),
    )
    if named is not None:
        for one in serving:
            if one.id != named[1] and _is_below(one, named[1], offices):
                below = offices[named[1] or 0].name
                said = Said(
                    mark("It is below %(office)s, which answers for “%(category)s”."),
                    {"office": below, "category": named[0]},
                )
                found[one.id] = [said, _serves(one, names)]
        if named[1] is not None:
            found.setdefault(named[1], []).append(_answers(named[0], matter))
    for one in serving:
        reasons = found.setdefault(one.id, [])
        if _serves(one, names) not in reasons:
            reasons.append(_serves(one, names))
    some = list(found.items())[:MOST]
    suggested = [
        Suggestion(office, offices[office].name, tuple(reasons), _doubts(office, matter))
        for office, reasons in some
    ]
    return sorted(suggested, key=lambda one: bool(one.doubts))


def _answers(category: str, matter: Matter) -> Said:
    if matter.categories and category == matter.categories[0][0]:
        return Said(mark("It answers for the category “%(category)s”."), {"category": category})
    return Said(mark("It answers for the wider category “%(category)s”."), {"category": category})


def _serves(office: Place, names: Mapping[int, str]) -> Said:
    return Said(mark("It serves the area “%(area)s”."), {"area": names[office.area_id or 0]})


def _doubts(office: int, matter: Matter) -> tuple[Said, ...]:
    if office != matter.respondent_id or not matter.is_about_conduct:
        return ()
    return (Said(mark("It is the office complained about, and the matter is one of conduct.")),)


def _is_below(office: Place, top: int | None, offices: Mapping[int, Place]) -> bool:
    seen: set[int] = set()
    above = office.parent_id
    while above is not None and above not in seen:
        if above == top:
            return True
        seen.add(above)
        parent = offices.get(above)
        above = parent.parent_id if parent else None
    return False

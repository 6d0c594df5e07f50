"""What stands on the supervision board: its rows in the order of the tree, what each shows at a day
and over months, and what the whole says of gaps, conflicts and load."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property

from flask import url_for
from flask_babel import gettext as _

from queries.supervision import Picture
from rules import Said, say
from rules.assignments import (
    Coverage,
    Group,
    Held,
    Period,
    Place,
    bar_of,
    coverage,
    has_on,
    members_on,
    too_few_from,
)
from views.labels import show
from views.shown import Crumb

PAGE = 40
MONTHS = 12
TONES = 4
"""So many ways in which the bars of groups look; each bar says its group in words as well."""
SHOWS = ("all", "without_group", "not_visited", "conflict")


@dataclass(frozen=True)
class Asked:
    """What a request asks of the board: how it is shown, on which day, which offices, from which
    place on."""

    day: date
    view: str = "table"
    words: str = ""
    show: str = "all"
    group_id: int | None = None
    after: int | None = None

    def as_query(self, **changes: object) -> dict[str, object]:
        """Return the query of the address that asks for the same, with `changes`."""
        values: dict[str, object] = {
            "day": self.day.isoformat(),
            "view": self.view,
            "words": self.words,
            "show": self.show,
            "group": self.group_id,
            "after": self.after,
        }
        usual = {"view": "table", "show": "all"}
        merged = values | changes
        return {key: value for key, value in merged.items() if value and usual.get(key) != value}


@dataclass(frozen=True)
class Bar:
    """A period on the timeline: where it begins and how wide it is, in hundredths of the months
    shown; whose it is, and from when until when."""

    x: float
    width: float
    group: str
    tone: int
    held: Held


@dataclass(frozen=True)
class Row:
    """An office on the board: who has it on the day (`above` where that is through the office
    above of this name), who has it next, and what is not as it should be."""

    place: Place
    depth: int
    now: Held | None
    above: str | None
    next: Held | None
    is_visit_due: bool
    wrong: tuple[Said, ...]
    bars: tuple[Bar, ...] = ()


@dataclass(frozen=True)
class Month:
    """A month of the timeline and where it begins, in hundredths."""

    begins: date
    x: float


@dataclass(frozen=True)
class Load:
    """A group on the day: how many are counted as its members, how many offices it has, and how
    much of their work is overdue; `short` is whether it has too few members."""

    group: Group
    members: int
    offices: int
    overdue: int | None
    short: bool


@dataclass
class Board:
    """The board of one request."""

    picture: Picture
    asked: Asked
    today: date
    next_after: int | None = field(default=None, init=False)

    @cached_property
    def groups(self) -> list[Group]:
        """The groups that are there on the day or come later, each a column."""
        day = self.asked.day
        return [group for group in self.picture.groups.values() if group.life.until > day]

    @cached_property
    def coverage(self) -> Coverage:
        return coverage(
            self.picture.offices, self.picture.groups, self.picture.policy, self.asked.day
        )

    @cached_property
    def wrong(self) -> dict[int, tuple[Said, ...]]:
        """What is not as it should be in the periods that run on the day, by office."""
        found = {}
        for place in self.picture.offices.values():
            held = next((one for one in place.held if one.period.holds(self.asked.day)), None)
            if held is not None and (said := tuple(self._wrong_with(place, held))):
                found[place.id] = said
        return found

    def _wrong_with(self, place: Place, held: Held) -> Iterator[Said]:
        group = self.picture.groups.get(held.group_id)
        for member in group.members if group else ():
            together = member.term.within(
                Period(max(self.asked.day, held.period.starts_on), held.period.ends_on)
            )
            if together is not None:
                picture = self.picture
                barred = bar_of(member, place, together, picture.offices, picture.policy)
                if barred is not None:
                    yield barred

    @cached_property
    def loads(self) -> list[Load]:
        """Each group with its members and its work on the day."""
        late: dict[int, int | None] = {}
        for place in self.picture.offices.values():
            for held in place.held:
                if held.period.holds(self.asked.day):
                    before = late.get(held.group_id, 0)
                    known = before is not None and place.overdue is not None
                    late[held.group_id] = (before or 0) + (place.overdue or 0) if known else None
        day = Period(self.asked.day, self.asked.day + timedelta(days=1))
        return [
            Load(
                group,
                len(members_on(group, self.picture.groups, self.asked.day)),
                self.coverage.load.get(group.id, 0),
                late.get(group.id, 0),
                too_few_from(group, self.picture.groups, day, self.picture.policy) is not None,
            )
            for group in self.groups
        ]

    # --- Rows ----------------------------------------------------------------------------------

    def in_order(self) -> Iterator[tuple[Place, int]]:
        """Yield the open offices in the order of the tree, each with its depth in it."""
        children: dict[int | None, list[Place]] = {}
        offices = self.picture.offices
        for place in offices.values():
            above = place.parent_id if place.parent_id in offices else None
            children.setdefault(above, []).append(place)
        waiting = [(place, 0) for place in reversed(children.get(None, []))]
        while waiting:
            place, depth = waiting.pop()
            if place.closed_on is None or place.closed_on >= self.asked.day:
                yield place, depth
            waiting += [(one, depth + 1) for one in reversed(children.get(place.id, []))]

    def _is_asked_for(self, place: Place) -> bool:
        asked = self.asked
        if asked.words and asked.words.casefold() not in f"{place.name} {place.code}".casefold():
            return False
        if asked.group_id is not None:
            held = has_on(place, self.picture.offices, asked.day)
            if held is None or held.group_id != asked.group_id:
                return False
        return {
            "without_group": lambda: place.id in self.coverage.without_group,
            "not_visited": lambda: place.id in self.coverage.not_visited,
            "conflict": lambda: place.id in self.wrong,
        }.get(asked.show, lambda: True)()

    @cached_property
    def rows(self) -> list[Row]:
        """One page of the offices that are asked for; `next_after` is where the next begins."""
        found: list[Row] = []
        begun = self.asked.after is None
        for place, depth in self.in_order():
            if begun and self._is_asked_for(place):
                if len(found) == PAGE:
                    self.next_after = found[-1].place.id
                    break
                found.append(self.row(place, depth))
            begun = begun or place.id == self.asked.after
        return found

    def row_of(self, office_id: int) -> Row | None:
        """Return the row of one office; None for one that is closed."""
        for place, depth in self.in_order():
            if place.id == office_id:
                return self.row(place, depth)
        return None

    def row(self, place: Place, depth: int) -> Row:
        """Return what the board shows of an office."""
        day, offices = self.asked.day, self.picture.offices
        held = has_on(place, offices, day)
        is_own = held is not None and held in place.held
        above = None
        if held is not None and not is_own:
            above = next(one.name for one in offices.values() if held in one.held)
        coming = [one for one in place.held if one.period.starts_on > day]
        return Row(
            place,
            depth,
            held,
            above,
            min(coming, key=lambda one: one.period.starts_on, default=None),
            place.id in self.coverage.not_visited,
            self.wrong.get(place.id, ()),
            tuple(self._bars(place)) if self.asked.view == "timeline" else (),
        )

    # --- The timeline ------------------------------------------------------------------------

    @cached_property
    def months(self) -> list[Month]:
        """The months that the timeline shows, the first that of the day."""
        starts = [month_after(self.asked.day, number) for number in range(MONTHS)]
        return [Month(start, self._x(start)) for start in starts]

    @cached_property
    def span(self) -> Period:
        return Period(month_after(self.asked.day, 0), month_after(self.asked.day, MONTHS))

    def _x(self, day: date) -> float:
        days = (self.span.until - self.span.starts_on).days
        return 100 * (min(day, self.span.until) - self.span.starts_on).days / days

    def today_x(self) -> float | None:
        """Where today is, in hundredths; None where the timeline does not show it."""
        return self._x(self.today) if self.span.holds(self.today) else None

    def _bars(self, place: Place) -> Iterator[Bar]:
        order = {number: at for at, number in enumerate(sorted(self.picture.groups))}
        for held in place.held:
            shown = held.period.within(self.span)
            if shown is None:
                continue
            group = self.picture.groups.get(held.group_id)
            x = self._x(shown.starts_on)
            yield Bar(
                x,
                self._x(shown.until) - x,
                group.name if group else f"#{held.group_id}",
                order.get(held.group_id, 0) % TONES,
                held,
            )


def month_after(day: date, months: int) -> date:
    """Return the first day of the month that is so many after that of `day`."""
    number = day.year * 12 + day.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)


# --- What the pages around it share -----------------------------------------------------------


def said_in_words(said: Said) -> str:
    """Return a sentence of the rules in the reader's language."""
    return say(said, _, show)


def way_to_board() -> list[Crumb]:
    """Return the way to the board, for what stands below it."""
    return [(_("Supervision board"), url_for("assignments.board"))]

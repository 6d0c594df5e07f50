"""Rule packs: how much time a law or a code of practice gives for each step of a grievance.

A pack is a TOML file beside this one, with its source at every step: england, china, india, korea
and boston (domain.md section 5). A district picks one and edits it. docs/deadlines.md explains the
keys for those who write one.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

from rules import RuleBroken, Said, mark
from rules.calendars import Calendar, SpecialDay, calendar_of
from rules.deadlines import MOST, CutOff, Rule
from rules.ledger import Allowance
from rules.offices import ClockStage, ClockStart, ClockUnit, DueTime
from rules.permissions import Role

FOLDER = Path(__file__).parent
KEYS = tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


@dataclass(frozen=True)
class Step:
    """One step of a pack. Without a rule and without matters it has no clock, and `without` says
    why; with `per_matter` the days are those of the matter."""

    stage: ClockStage
    starts: ClockStart | None = None
    source: str = ""
    note: str = ""
    without: str = ""
    rule: Rule | None = None
    per_matter: bool = False
    matters: Mapping[str, Rule] = field(default_factory=dict)
    hours_up_to: int = 0
    hours_a_day: int = 0


@dataclass(frozen=True)
class Pack:
    """A rule pack. `holidays` names a country, or one and a part of it, whose public holidays make
    its calendar ("GB-ENG"); empty where none do."""

    key: str
    name: str
    version: int
    source: str
    zone: str
    week: tuple[str, ...]
    holidays: str
    steps: Mapping[ClockStage, Step]
    allowance: Allowance | None

    def calendar(self, special: tuple[SpecialDay, ...] = (), version: int = 1) -> Calendar:
        """Return a calendar with the pack's time zone and hours, and these days."""
        return calendar_of(self.key, version, self.zone, self.week, special)

    def rule(self, stage: ClockStage, *, matter: str = "", days: int | None = None) -> Rule:
        """Return the rule for a step: that of `matter` where the pack lists matters, that for so
        many `days` where each matter has days of its own. Raises RuleBroken where there is none."""
        step = self.steps[stage]
        if step.rule and not step.per_matter:
            return step.rule
        if step.matters:
            if matter not in step.matters:
                raise RuleBroken(
                    "The rule pack %(pack)s gives no time for %(matter)s.",
                    field="category",
                    pack=self.name,
                    matter=matter or "?",
                )
            return step.matters[matter]
        if step.rule is None:
            raise RuleBroken("%(problem)s", problem=step.without)
        if days is None or not 1 <= days <= MOST:
            raise RuleBroken("Say how many days this matter is given.", field="amount")
        return _converted(step, step.rule, days)


def _converted(step: Step, rule: Rule, days: int) -> Rule:
    """Return the rule for so many days. In Korea 5 days or fewer are counted in hours from the
    moment of receipt, 8 to the day, and 6 or more in working days with the first day (Civil
    Petitions Treatment Act, article 19)."""
    if days <= step.hours_up_to:
        hours = days * step.hours_a_day
        return Rule(rule.name, rule.version, hours, ClockUnit.WORKING_HOURS)
    return Rule(
        rule.name,
        rule.version,
        days,
        ClockUnit.WORKING_DAYS,
        counts_first_day=rule.counts_first_day,
    )


@cache
def shipped(key: str) -> Pack:
    """Return the pack `key` that comes along. Raises RuleBroken where there is none."""
    if key not in KEYS:
        raise RuleBroken(
            "There is no rule pack %(key)s. There are: %(keys)s.", key=key, keys=", ".join(KEYS)
        )
    return read_pack(key, (FOLDER / f"{key}.toml").read_text("utf-8"))


def read_pack(key: str, text: str) -> Pack:
    """Return the pack that `text` describes in TOML. Raises RuleBroken with the place where it does
    not."""
    try:
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as problem:
        raise RuleBroken(
            "Rule pack %(pack)s is no TOML: %(problem)s", pack=key, problem=str(problem)
        ) from None
    return _Reader(key).pack(table)


_ONE_OF = {
    "starts": ClockStart,
    "unit": ClockUnit,
    "ends": DueTime,
    "authority": Role,
}
_TYPES: dict[str, type] = {
    **dict.fromkeys(("name", "source", "zone", "holidays", "note", "without"), str),
    **dict.fromkeys(("version", "amount", "most", "times", "hours_up_to", "hours_a_day"), int),
    **dict.fromkeys(
        ("counts_first_day", "rolls_forward", "moves_start", "same_again", "unlimited",
         "per_matter", "tells_complainant"),
        bool,
    ),
    **dict.fromkeys(("week", "matters"), list),
    **dict.fromkeys(("calendar", "steps", "cut_off"), dict),
    **dict.fromkeys(("at", "resumes"), time),
}  # fmt: skip
_KINDS = {
    str: mark("a text"),
    int: mark("a whole number"),
    bool: mark("true or false"),
    list: mark("a list"),
    dict: mark("a table"),
    time: mark("a time of day, such as 17:00:00"),
}
_COUNTING = {
    "amount", "unit", "counts_first_day", "rolls_forward", "ends", "moves_start", "cut_off"
}  # fmt: skip
_PER_MATTER = {"per_matter", "matters", "hours_up_to", "hours_a_day"}


class _Reader:
    """Reads the tables of one file, and knows where it is when something is wrong."""

    def __init__(self, key: str) -> None:
        self.key = key

    def wrong(self, place: str, problem: str, **values: Any) -> NoReturn:
        raise RuleBroken(
            "Rule pack %(pack)s, at %(place)s: %(problem)s",
            pack=self.key,
            place=place or "[]",
            problem=Said(problem, values),
        )

    def take(
        self, table: Any, place: str, *, needs: set[str], may: set[str] | None = None
    ) -> dict[str, Any]:
        """Return `table` with its values checked and closed lists read."""
        if not isinstance(table, dict):
            self.wrong(place, mark("A table is wanted here."))
        missing = needs - table.keys()
        unknown = table.keys() - needs - (may or set())
        if missing:
            self.wrong(place, mark("%(key)s is missing."), key=sorted(missing)[0])
        if unknown:
            self.wrong(place, mark("%(key)s is unknown here."), key=sorted(unknown)[0])
        return {key: self.value(key, value, place) for key, value in table.items()}

    def value(self, key: str, value: Any, place: str) -> Any:
        place = f"{place}.{key}".lstrip(".")
        if key in _ONE_OF:
            if value not in list(_ONE_OF[key]):
                self.wrong(place, mark("Write one of: %(words)s."), words=", ".join(_ONE_OF[key]))
            return _ONE_OF[key](value)
        if type(value) is not _TYPES[key]:
            self.wrong(place, mark("This is not %(kind)s."), kind=Said(_KINDS[_TYPES[key]]))
        if type(value) is int and not 1 <= value <= MOST:
            self.wrong(place, mark("Write a number from 1 to %(most)s."), most=MOST)
        if key in ("name", "source", "zone", "without") and not str(value).strip():
            self.wrong(place, mark("It is empty."))
        return value

    def pack(self, table: Any) -> Pack:
        top = self.take(table, "", needs={"name", "version", "source", "calendar", "steps"})
        days = self.take(top["calendar"], "calendar", needs={"zone", "week", "holidays"})
        if len(days["week"]) != 7 or not all(isinstance(one, str) for one in days["week"]):
            self.wrong("calendar.week", mark("Write the hours of seven days, from Monday on."))
        stages = [stage.value for stage in ClockStage]
        self.take_names(top["steps"], "steps", stages)
        steps = {
            ClockStage(name): self.step(ClockStage(name), top["steps"][name], top["version"])
            for name in stages
            if name != ClockStage.EXTEND
        }
        extend, allowance = self.extension(top["steps"]["extend"])
        pack = Pack(
            key=self.key,
            name=top["name"],
            version=top["version"],
            source=top["source"],
            zone=days["zone"],
            week=tuple(days["week"]),
            holidays=days["holidays"],
            steps={**steps, ClockStage.EXTEND: extend},
            allowance=allowance,
        )
        pack.calendar()  # hours and time zone are refused here, not on the first grievance
        return pack

    def take_names(self, table: Mapping[str, Any], place: str, names: list[str]) -> None:
        for name in names:
            if name not in table:
                self.wrong(
                    place,
                    mark('%(key)s is missing. If it has no time, say why: without = "..."'),
                    key=name,
                )
        for name in table:
            if name not in names:
                self.wrong(place, mark("%(key)s is unknown here."), key=name)

    def step(self, stage: ClockStage, table: Any, version: int) -> Step:
        place = f"steps.{stage.value}"
        if isinstance(table, dict) and "without" in table:
            return Step(stage, without=self.take(table, place, needs={"without"})["without"])
        if not isinstance(table, dict) or not table.get("per_matter"):
            told = self.take(
                table,
                place,
                needs={"name", "starts", "source", "amount", "unit"},
                may=_COUNTING | {"note"},
            )
            rule = self.rule(told, told["name"], version, place)
            return Step(stage, told["starts"], told["source"], told.get("note", ""), rule=rule)
        told = self.take(
            table,
            place,
            needs={"name", "starts", "source", "per_matter"},
            may=_PER_MATTER | {"note", "counts_first_day"},
        )
        if (told.get("hours_up_to", 0) > 0) != (told.get("hours_a_day", 0) > 0):
            self.wrong(place, mark("hours_up_to and hours_a_day go together."))
        return Step(
            stage,
            told["starts"],
            told["source"],
            told.get("note", ""),
            rule=Rule(
                told["name"],
                version,
                1,
                ClockUnit.WORKING_DAYS,
                counts_first_day=told.get("counts_first_day", False),
            ),
            per_matter=True,
            matters=self.matters(told, version, place),
            hours_up_to=told.get("hours_up_to", 0),
            hours_a_day=told.get("hours_a_day", 0),
        )

    def matters(self, told: Mapping[str, Any], version: int, place: str) -> dict[str, Rule]:
        """Return the rule of each matter that the step lists."""
        rules: dict[str, Rule] = {}
        for number, table in enumerate(told.get("matters", ()), 1):
            here = f"{place}.matters {number}"
            one = self.take(table, here, needs={"matters", "amount", "unit"}, may=_COUNTING)
            for matter in one["matters"]:
                if not isinstance(matter, str) or not matter.strip() or matter in rules:
                    self.wrong(here, mark("%(name)s is no name, or stands twice."), name=matter)
                rules[matter] = self.rule(one, f"{told['name']}: {matter}", version, here)
        return rules

    def rule(self, told: Mapping[str, Any], name: str, version: int, place: str) -> Rule:
        given = {key: value for key, value in told.items() if key in _COUNTING}
        if "cut_off" in given:
            times = self.take(given["cut_off"], f"{place}.cut_off", needs={"at", "resumes"})
            given["cut_off"] = CutOff(times["at"], times["resumes"])
        try:
            return Rule(name, version, **given)
        except RuleBroken as refused:
            self.wrong(place, refused.sentence, **refused.values)

    def extension(self, table: Any) -> tuple[Step, Allowance | None]:
        place, stage = "steps.extend", ClockStage.EXTEND
        if isinstance(table, dict) and "without" in table:
            return Step(stage, without=self.take(table, place, needs={"without"})["without"]), None
        told = self.take(
            table,
            place,
            needs={"authority", "source"},
            may={"most", "same_again", "unlimited", "times", "tells_complainant", "note"},
        )
        limits = [key for key in ("most", "same_again", "unlimited") if told.get(key)]
        if len(limits) != 1:
            self.wrong(
                place, mark("Write just one of most, same_again = true and unlimited = true.")
            )
        allowance = Allowance(
            told["authority"],
            most=told.get("most"),
            same_again=told.get("same_again", False),
            times=told.get("times", 1),
            tells_complainant=told.get("tells_complainant", True),
        )
        return Step(stage, source=told["source"], note=told.get("note", "")), allowance

"""Sends inputs and says what went wrong.

    python -m tests.fuzzing.run DATABASE FOLDER SEED FIRST LAST

The inputs of a seed are numbered; FIRST to LAST are sent, so that several processes can share
them. What is printed last is one line of JSON.
"""

import gc
import json
import logging
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.conventions.test_routes import routes
from tests.fuzzing.inputs import (
    FORM,
    Input,
    Pairs,
    smaller,
    with_body,
    with_files,
    with_header,
    with_value,
)
from tests.fuzzing.oracle import SLOWEST, faults
from tests.fuzzing.values import HEADERS, escaped, nasty
from tests.fuzzing.world import World, desk

MOST_FAULTS = 25
METHODS = ("HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "FUZZ", "get", "")
# What is spoilt in how many of 100 inputs.
SHARES = {"field": 46, "query": 32, "path": 6, "header": 7, "body": 7, "method": 2}


@dataclass
class Maker:
    """Makes the inputs of a seed from what the world offers."""

    world: World
    seed: int

    def __post_init__(self) -> None:
        dice = random.Random(self.seed)  # noqa: S311 - a fuzz that can be run again
        rules = [
            (method, rule) for method, rule in routes(self.world.app) if rule.endpoint != "static"
        ]
        forms = sorted(
            self.world.forms.values(), key=lambda form: (form.path, form.method, form.fields)
        )
        self.parts: dict[str, list[Any]] = {
            "field": [
                (form, key)
                for form in forms
                for key in dict.fromkeys(k for k, _ in form.fields)
                if key != "csrf_token"
            ],
            "query": sorted(self.world.links),
            "path": rules,
            "header": [(name, rule) for name in HEADERS for rule in dice.sample(rules, 12)],
            "body": [form for form in forms if form.method == "POST"],
            "method": [(method, rule) for method in METHODS for rule in dice.sample(rules, 20)],
        }
        for parts in self.parts.values():
            dice.shuffle(parts)
        self.people = list(self.world.cookies)
        self.turns = [name for name, share in SHARES.items() for _ in range(share)]
        dice.shuffle(self.turns)

    def make(self, number: int) -> Input:
        """Return the input of this number."""
        dice = random.Random(f"{self.seed} {number}")  # noqa: S311
        # Each part has its turn, in an order that the seed gives, whichever process sends it.
        rounds, at = divmod(number, len(self.turns))
        kind = self.turns[at]
        turn = rounds * SHARES[kind] + self.turns[:at].count(kind)
        parts = self.parts[kind]
        one: Input = getattr(self, f"_{kind}")(dice, parts[turn % len(parts)])
        if dice.random() < 0.06:
            one = with_header(dice, one, dice.choice(list(HEADERS)))
        return one

    def _of(self, dice: random.Random, form: Any, *, usual: bool = False) -> Input:
        who = form.who if usual or dice.random() < 0.8 else dice.choice(self.people)
        fields = tuple(
            (key, self.world.tokens[who] if key == "csrf_token" else value)
            for key, value in form.fields
        )
        if form.method == "GET":
            return Input(who, "GET", form.path, (*form.query, *fields))
        return Input(who, "POST", form.path, form.query, fields, kind=FORM)

    def _field(self, dice: random.Random, part: Any) -> Input:
        form, key = part
        one = self._of(dice, form)
        place = "query" if form.method == "GET" else "fields"
        keys = [key]
        names = [name for name, _ in form.fields if name not in ("csrf_token", "version")]
        if names and dice.random() < 0.35:
            keys += dice.sample(names, min(len(names), dice.randint(1, 4)))
        for name in keys:
            one = replace(one, **{place: with_value(dice, getattr(one, place), name)})
        if form.path == "/admin/import/" and dice.random() < 0.7:
            one = with_files(
                dice, one, *dice.choice((("file",), ("file", "map"), ("map",), ("file", "file")))
            )
        return one

    def _query(self, dice: random.Random, part: Any) -> Input:
        who, query = self.world.links[part]
        path, key = part
        query = with_value(dice, query, key)
        if dice.random() < 0.4:
            others = [name for place, name in self.parts["query"][:400] if place == path] or [
                "search"
            ]
            for _ in range(dice.choice((1, 1, 2, 5))):
                query = with_value(dice, query, dice.choice(others))
        if dice.random() < 0.01:
            query += tuple(
                (f"flt{n}_id_{dice.choice(('equals', 'above'))}", str(n)) for n in range(400)
            )
        asks = who if dice.random() < 0.6 else dice.choice(self.people)
        return Input(asks, "GET", path, query)

    def _path(self, dice: random.Random, part: Any) -> Input:
        method, rule = part
        who = dice.choice(self.people)
        path = rule.rule
        for name in rule.arguments:
            usual = str(self.world.value_of(name))
            given = nasty(dice, usual) if dice.random() < 0.8 else usual
            for converter in (f"<int:{name}>", f"<path:{name}>", f"<{name}>"):
                path = path.replace(converter, escaped(given))
        query: Pairs = (("id", nasty(dice, "1")),)
        if not rule.arguments and dice.random() < 0.3:
            path += escaped(nasty(dice))
        fields: Pairs = (("csrf_token", self.world.tokens[who]), ("id", nasty(dice, "1")))
        if method == "GET":
            return Input(who, method, path, query)
        return Input(who, method, path, query, fields, kind=FORM)

    def _usual(self, dice: random.Random, method: str, rule: Any) -> Input:
        path, query = self.world._usual(rule) if "GET" in (rule.methods or ()) else ("/login", ())
        return Input(dice.choice(self.people), method, path, query)

    def _header(self, dice: random.Random, part: Any) -> Input:
        name, (method, rule) = part
        if method == "POST" and dice.random() < 0.5:
            return with_header(dice, self._of(dice, dice.choice(self.parts["body"])), name)
        return with_header(dice, self._usual(dice, "GET", rule), name)

    def _body(self, dice: random.Random, form: Any) -> Input:
        return with_body(dice, self._of(dice, form))

    def _method(self, dice: random.Random, part: Any) -> Input:
        method, (_, rule) = part
        return self._usual(dice, method, rule)


def send(world: World, one: Input) -> tuple[list[str], float]:
    """Return what is wrong with the answer to `one`, and the seconds it took. What took too long
    is asked twice more: the machine may have been busy."""
    answer = world.ask(one)
    found = faults(world, one, answer)
    seconds = answer.seconds
    if seconds > SLOWEST:
        seconds = min(seconds, *(world.ask(one).seconds for _ in range(2)))
        if seconds > SLOWEST:
            found.append(f"took {seconds:.1f} s")
    world.count(answer)
    return found, seconds


def shrunk(world: World, one: Input, found: list[str]) -> Input:
    """Return the smallest input that still has the first of these faults."""
    word = found[0][:30]
    for _ in range(40):
        for less in smaller(one):
            if any(fault.startswith(word) for fault in faults(world, less, world.ask(less))):
                one = less
                break
        else:
            return one
    return one


def inputs(maker: Maker, first: int, last: int) -> Iterator[tuple[int, Input]]:
    for number in range(first, last):
        yield number, maker.make(number)


def fuzz(world: World, seed: int, first: int, last: int) -> dict[str, Any]:
    """Send the inputs `first` to `last`, without the last, and return what was seen."""
    maker = Maker(world, seed)
    reports: list[str] = []
    slowest, kinds = (0.0, ""), Counter[str]()
    gc.collect()
    gc.freeze()  # what is there by now stays; it need not be looked through again and again
    began = time.perf_counter()
    for number, one in inputs(maker, first, last):
        found, seconds = send(world, one)
        slowest = max(slowest, (seconds, f"{one.method} {one.path}"))
        if found and found[0] not in kinds:
            what = shrunk(world, one, found).told()
            reports.append(f"input {number} of seed {seed}: {'; '.join(found)}\n{what}")
        kinds.update(found[:1])
        if len(reports) >= MOST_FAULTS:
            break
    return {
        "inputs": number + 1 - first,
        "seconds": time.perf_counter() - began,
        "slowest": slowest,
        "statuses": world.statuses,
        "routes": sorted(world.reached),
        "parts": {name: len(parts) for name, parts in maker.parts.items()},
        "faults": sum(kinds.values()),
        "reports": reports,
    }


def main() -> None:
    url, folder, seed, first, last = sys.argv[1:]
    logging.disable(logging.CRITICAL)
    with desk(url, Path(folder)) as world:
        result = fuzz(world, int(seed), int(first), int(last))
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()

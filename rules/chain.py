"""Whether the audit trail is whole: its entries, the chain of blocks that seals them, and the
signed roots outside the database. Pure: what is walked over comes in as it is read.

A block holds the entries of one transaction. Its hash is over their digests and over the hash of
the block before; a root holds the hash of the last block there was, so that neither can be made
anew without it.
"""

import enum
import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain

from rules import mark

START_HASH = hashlib.sha256(b"redress").digest()


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as it is stored. `number` is that of its block, None where it is in none; `rest`
    is all that is digested of it besides its block and its own number."""

    number: int | None
    id: int
    block_id: int
    at: datetime
    rest: str
    digest: bytes

    @property
    def is_as_written(self) -> bool:
        """Whether the digest is that of the entry."""
        text = f"{self.block_id} {self.id} {self.rest}"
        return hashlib.sha256(text.encode()).digest() == self.digest


@dataclass(frozen=True, slots=True)
class Block:
    """A block as it is stored; `text` is what its hash is of, `ids` the numbers of its entries
    as PostgreSQL writes them: "{[5,8),[9,10)}"."""

    number: int
    sealed_at: datetime
    entries: int
    ids: str
    digest: bytes
    previous: bytes
    hash: bytes
    text: str


@dataclass(frozen=True, slots=True)
class End:
    """The end of a chain: its last block, how many entries there are up to it."""

    number: int = 0
    entries: int = 0
    hash: bytes = START_HASH


@dataclass(frozen=True, slots=True)
class Root:
    """What a signed root says: on which day the chain ended so."""

    day: str
    end: End


class Wrong(enum.StrEnum):
    """What is wrong at the first broken place."""

    CHANGED = "changed"
    REMOVED = "removed"
    INSERTED = "inserted"
    ORDER = "order"
    CUT = "cut"
    ROOT_SIGNATURE = "root_signature"
    ROOT_MISMATCH = "root_mismatch"


@dataclass(eq=False)
class Fault(Exception):
    """The first broken place: what is wrong, where (number of the entry, of the block, day of the
    root; None where it is not one), when that was written, and a sentence with its `values`."""

    wrong: Wrong
    sentence: str
    entry: int | None = None
    block: int | None = None
    at: datetime | None = None
    day: str | None = None
    last: int | None = None

    @property
    def values(self) -> dict[str, int | str | None]:
        """What stands in the places of the sentence."""
        at = self.at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if self.at else ""
        places = {"entry": self.entry, "block": self.block, "at": at, "day": self.day}
        return places | {"last": self.last}

    def __str__(self) -> str:
        return self.sentence % self.values


@dataclass(frozen=True)
class Verdict:
    """How far the trail was walked, and what was found: None where it is whole."""

    end: End
    blocks: int
    entries: int
    roots: int
    fault: Fault | None = None


_RANGE = re.compile(r"\[(-?\d+),(-?\d+)\)")


def numbers_in(ids: str) -> Iterator[int]:
    """Yield the numbers in a multirange as PostgreSQL writes it."""
    return chain.from_iterable(range(int(first), int(end)) for first, end in _RANGE.findall(ids))


def walk(
    blocks: Iterable[Block],
    entries: Iterable[Entry],
    noted: End | None,
    roots: Iterable[Root],
    start: End | None = None,
) -> Verdict:
    """Walk along the chain from `start` (default: its beginning) and return what was found.

    `blocks` come in the order of their numbers; `entries` by the number of their block and their
    own, those in no block last; `noted` is where the database says that the chain ends. `roots`
    are those whose signature holds. All are read once and none is kept.
    """
    return _Walk(entries, roots, start or End()).along(blocks, noted)


class _Walk:
    def __init__(self, entries: Iterable[Entry], roots: Iterable[Root], start: End) -> None:
        self.start = self.end = start
        self.entries = iter(entries)
        self.entry = next(self.entries, None)
        self.roots = sorted(roots, key=lambda root: (root.end.number, root.day))
        self.roots_met = 0

    def along(self, blocks: Iterable[Block], noted: End | None) -> Verdict:
        fault = None
        try:
            self._meet_roots()
            for block in blocks:
                self._follow(block)
                self._unseal(block)
                self.end = End(block.number, self.end.entries + block.entries, block.hash)
                self._meet_roots()
            self._finish(noted)
        except Fault as found:
            fault = found
        return Verdict(
            self.end,
            self.end.number - self.start.number,
            self.end.entries - self.start.entries,
            self.roots_met,
            fault,
        )

    def _follow(self, block: Block) -> None:
        """Hold a block against itself and against the one before it."""
        expected, at = self.end.number + 1, block.sealed_at
        if block.number > expected:
            raise Fault(
                Wrong.REMOVED,
                mark("Block %(block)s of the chain is missing; the next was sealed at %(at)s."),
                block=expected,
                at=at,
            )
        if block.number < expected:
            raise Fault(
                Wrong.INSERTED,
                mark("Block %(block)s does not belong into the chain."),
                block=block.number,
                at=at,
            )
        if hashlib.sha256(block.text.encode()).digest() != block.hash:
            raise Fault(
                Wrong.CHANGED,
                mark("Block %(block)s, sealed at %(at)s, was changed: its hash is of another one."),
                block=block.number,
                at=at,
            )
        if block.previous != self.end.hash:
            raise Fault(
                Wrong.ORDER,
                mark(
                    "Block %(block)s, sealed at %(at)s, does not follow on the one before it: one "
                    "of the two was replaced."
                ),  # fmt: skip
                block=block.number,
                at=at,
            )

    def _unseal(self, block: Block) -> None:
        """Hold the entries of a block against what was sealed."""
        digest, counted = hashlib.sha256(), 0
        for number in numbers_in(block.ids):
            counted += 1
            entry = self.entry
            if entry is None or entry.number != block.number or entry.id > number:
                raise Fault(
                    Wrong.REMOVED,
                    mark("Entry %(entry)s is missing; it was sealed in block %(block)s at %(at)s."),
                    entry=number,
                    block=block.number,
                    at=block.sealed_at,
                )
            self._refuse_inserted(entry, block, belongs=entry.id == number)
            if not entry.is_as_written:
                raise Fault(
                    Wrong.CHANGED,
                    mark("Entry %(entry)s of %(at)s, in block %(block)s, was changed."),
                    entry=entry.id,
                    block=block.number,
                    at=entry.at,
                )
            digest.update(entry.digest)
            self.entry = next(self.entries, None)
        if self.entry is not None and self.entry.number == block.number:
            self._refuse_inserted(self.entry, block, belongs=False)
        if digest.digest() != block.digest or counted != block.entries:
            self._refuse_replaced(block)

    def _refuse_inserted(self, entry: Entry, block: Block, *, belongs: bool) -> None:
        if not belongs:
            raise Fault(
                Wrong.INSERTED,
                mark(
                    "Entry %(entry)s, dated %(at)s, was put in later: block %(block)s was sealed "
                    "without it."
                ),  # fmt: skip
                entry=entry.id,
                block=block.number,
                at=entry.at,
            )

    def _refuse_replaced(self, block: Block) -> None:
        ids = list(numbers_in(block.ids))
        first, last = (ids[0], ids[-1]) if ids else (None, None)
        one = mark(
            "Entry %(entry)s, sealed in block %(block)s at %(at)s, was replaced by another one."
        )
        several = mark(
            "Among entries %(entry)s to %(last)s, sealed in block %(block)s at %(at)s, one was "
            "replaced by another, or two changed places."
        )
        raise Fault(
            Wrong.CHANGED,
            one if first == last else several,
            entry=first,
            block=block.number,
            at=block.sealed_at,
            last=last,
        )

    def _meet_roots(self) -> None:
        """Hold the end so far against the roots that were signed here."""
        while self.roots and self.roots[0].end.number <= self.end.number:
            root = self.roots.pop(0)
            if root.end.number < self.start.number:
                continue
            if root.end != self.end:
                raise Fault(
                    Wrong.ROOT_MISMATCH,
                    mark(
                        "The root of %(day)s does not match: the trail up to block %(block)s is "
                        "not the one that was signed that day."
                    ),  # fmt: skip
                    block=root.end.number,
                    day=root.day,
                )
            self.roots_met += 1

    def _finish(self, noted: End | None) -> None:
        """Hold the end against what is noted of it, and look for what is beyond."""
        if self.roots:
            raise Fault(
                Wrong.CUT,
                mark(
                    "The trail ends at block %(block)s, but the root of %(day)s was signed at "
                    "block %(last)s: the end of the trail was cut off."
                ),  # fmt: skip
                block=self.end.number,
                day=self.roots[0].day,
                last=self.roots[0].end.number,
            )
        if noted is None or noted.number > self.end.number:
            raise Fault(
                Wrong.CUT,
                mark(
                    "The trail ends at block %(block)s, and its last block is noted as %(last)s: "
                    "the end of the trail was cut off."
                ),  # fmt: skip
                block=self.end.number,
                last=noted.number if noted else None,
            )
        if self.entry is not None:
            raise Fault(
                Wrong.INSERTED,
                mark(
                    "Entry %(entry)s, dated %(at)s, is sealed in no block: it was put in by hand, "
                    "or its block was removed."
                ),  # fmt: skip
                entry=self.entry.id,
                at=self.entry.at,
            )
        if noted != self.end:
            raise Fault(
                Wrong.ORDER,
                mark(
                    "The last block, %(block)s, is not the one that is noted as the end of the "
                    "chain."
                ),  # fmt: skip
                block=self.end.number,
            )

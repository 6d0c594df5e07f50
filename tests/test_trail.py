"""The audit trail cannot lie: what is changed in it is found and the place is named (C6)."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Connection, text

from actions import roots
from models import db
from rules.chain import Fault
from tests.trails import grow, sign

SEED = 20261122
DAYS = [date(2026, 11, day) for day in (1, 2, 3)]


# --- A trail to break ------------------------------------------------------------------------


@pytest.fixture
def grown(committed: Flask, place: roots.Roots) -> Iterator[Flask]:
    """An application whose trail has some 45 blocks, with a root after each third."""
    with committed.app_context():
        for number, day in enumerate(DAYS):
            grow(15, SEED + number)
            sign(place, day)
        yield committed


# --- 1,000 edits -----------------------------------------------------------------------------

CHAIN = ("audit_entry", "audit_block", "audit_head", "audit_open")


class Superuser:
    """Edits the trail past all its triggers, and says where an edit is to be found: the entries
    and blocks of which one must be named as the first broken place, or the day of a root."""

    def __init__(self, connection: Connection, chance: random.Random) -> None:
        self.connection, self.chance = connection, chance
        entries = self.rows("SELECT id, block_id, at FROM audit_entry ORDER BY id")
        self.entries = {row.id: row for row in entries}
        self.blocks = {row.number: row for row in self.rows("SELECT * FROM audit_block")}
        self.number_of = {row.block_id: row.number for row in self.blocks.values()}
        self.last = max(self.blocks)

    def rows(self, statement: str, **values: Any) -> list[Any]:
        return list(self.connection.execute(text(statement), values))

    def run(self, statement: str, **values: Any) -> None:
        changed = self.connection.execute(text(statement), values).rowcount
        assert changed, f"the edit changed nothing: {statement} {values}"

    def entry(self) -> Any:
        return self.chance.choice(list(self.entries.values()))

    def block(self) -> Any:
        return self.chance.choice(list(self.blocks.values()))

    def block_of(self, entry: Any) -> int:
        return int(self.number_of[entry.block_id])

    def digest_anew(self, entry_id: int) -> None:
        """Give an entry the digest of what it says now."""
        self.run(
            "UPDATE audit_entry SET digest = redress_digest(block_id, id, at, officer_id, verb,"
            " record_type, record_id, request_id, changes) WHERE id = :id",
            id=entry_id,
        )

    def hash_anew(self, number: int, previous: bytes | None = None) -> bytes:
        """Give a block the hash of what it says now, on another one before it if need be."""
        if previous is not None:
            self.run("UPDATE audit_block SET previous = :p WHERE number = :n", p=previous, n=number)
        self.run(
            "UPDATE audit_block SET hash = redress_link(number, block_id, opened_at, sealed_at,"
            " entries, ids, digest, previous) WHERE number = :n",
            n=number,
        )
        return bytes(self.rows("SELECT hash FROM audit_block WHERE number = :n", n=number)[0].hash)

    def seal_anew(self, number: int) -> None:
        """Give a block the digest of the entries it has now, and all after it their hashes."""
        self.run(
            "UPDATE audit_block SET digest = (SELECT sha256(string_agg(digest, '' ORDER BY id))"
            " FROM audit_entry WHERE audit_entry.block_id = audit_block.block_id)"
            " WHERE number = :n",
            n=number,
        )
        previous = None
        for one in range(number, self.last + 1):
            previous = self.hash_anew(one, previous)
        self.run("UPDATE audit_head SET hash = :hash", hash=previous)

    # Each edit returns the places of which the first found must be one.

    def change_a_column(self) -> set[Any]:
        entry = self.entry()
        column, value = self.chance.choice(
            [
                ("at", "at + random() * interval '1 s'"),
                ("at", "at + interval '40 days'"),
                ("at", "at - interval '3 years'"),
                ("officer_id", "CASE WHEN officer_id IS NULL THEN 1 END"),
                ("verb", "CASE verb WHEN 'insert' THEN 'update' ELSE 'insert' END"),
                ("record_type", "record_type || ' '"),
                ("record_id", "record_id + 1"),
                ("record_id", "NULL"),
                ("request_id", "'another'"),
                ("changes", "NULL"),
                ("changes", 'changes || \'{"title": [null, "never said"]}\''),
                ("digest", "sha256(digest)"),
                ("block_id", "block_id - 1"),
                ("block_id", "0"),
            ]
        )
        self.run(f"UPDATE audit_entry SET {column} = {value} WHERE id = :id", id=entry.id)  # noqa: S608
        return {("entry", entry.id)}

    def move_to_another_block(self) -> set[Any]:
        entry, other = self.entry(), self.block()
        if other.block_id == entry.block_id:
            return self.change_a_column()
        self.run(
            "UPDATE audit_entry SET block_id = :block WHERE id = :id",
            block=other.block_id,
            id=entry.id,
        )
        return {("entry", entry.id)}

    def change_a_number(self) -> set[Any]:
        entry, new = self.entry(), self.chance.randint(10**6, 10**9) * self.chance.choice([1, -1])
        self.run("UPDATE audit_entry SET id = :new WHERE id = :id", new=new, id=entry.id)
        return {("entry", entry.id), ("entry", new)}

    def change_with_its_digest(self) -> set[Any]:
        entry = self.entry()
        self.run("UPDATE audit_entry SET record_id = -record_id WHERE id = :id", id=entry.id)
        self.digest_anew(entry.id)
        return {("block", self.block_of(entry))}

    def delete_an_entry(self) -> set[Any]:
        entry = self.entry()
        self.run("DELETE FROM audit_entry WHERE id = :id", id=entry.id)
        return {("entry", entry.id)}

    def insert_an_entry(self) -> set[Any]:
        entry, new = self.entry(), self.chance.randint(10**6, 10**9)
        block = self.chance.choice([entry.block_id, self.block().block_id, new - 1, 0])
        self.run(
            "INSERT INTO audit_entry SELECT at + interval '1 ms', officer_id, verb, record_type,"
            " record_id, request_id, changes, :block, digest, :new FROM audit_entry WHERE id = :id",
            block=block, new=new, id=entry.id,
        )  # fmt: skip
        self.digest_anew(new)
        return {("entry", new)}

    def swap_two_entries(self) -> set[Any]:
        one, two = self.entry(), self.entry()
        if one.id == two.id:
            return self.delete_an_entry()
        first = min(one, two, key=lambda row: (self.block_of(row), row.id))
        if self.chance.random() < 0.5:
            self.run(
                "UPDATE audit_entry e SET (changes, record_id, record_type, verb, officer_id, at) ="
                " (SELECT changes, record_id, record_type, verb, officer_id, at FROM audit_entry o"
                " WHERE o.id = :one + :two - e.id) WHERE e.id IN (:one, :two)",
                one=one.id, two=two.id,
            )  # fmt: skip
            return {("entry", first.id)}
        for old, new in ((one.id, -1), (two.id, one.id), (-1, two.id)):
            self.run("UPDATE audit_entry SET id = :new WHERE id = :old", old=old, new=new)
        return {("entry", one.id), ("entry", two.id)}

    def change_a_block(self) -> set[Any]:
        block = self.block()
        column, value = self.chance.choice(
            [
                ("hash", "sha256(hash)"),
                ("previous", "sha256(previous)"),
                ("digest", "sha256(digest)"),
                ("entries", "entries + 1"),
                ("ids", "ids + '{[1,3)}'"),
                ("sealed_at", "sealed_at + interval '1 s'"),
                ("opened_at", "opened_at - interval '1 s'"),
            ]
        )
        self.run(f"UPDATE audit_block SET {column} = {value} WHERE number = :n", n=block.number)  # noqa: S608
        if column == "hash" or self.chance.random() < 0.5:
            return {("block", block.number)}
        self.hash_anew(block.number)
        return {("block", block.number), ("block", min(block.number + 1, self.last))}

    def delete_a_block(self) -> set[Any]:
        block = self.block()
        if self.chance.random() < 0.5:
            self.run("DELETE FROM audit_entry WHERE block_id = :b", b=block.block_id)
        self.run("DELETE FROM audit_block WHERE number = :n", n=block.number)
        if block.number == self.last:
            return {("block", self.last - 1)}
        return {("block", block.number)}

    def renumber_a_block(self) -> set[Any]:
        block, new = self.block(), self.chance.choice([-1, 1]) * self.chance.randint(10**3, 10**6)
        self.run("UPDATE audit_block SET number = :new WHERE number = :n", n=block.number, new=new)
        if self.chance.random() < 0.5:
            self.hash_anew(new)
        return {("block", block.number), ("block", new)}

    def hide_an_entry_before_the_beginning(self) -> set[Any]:
        entry, new = self.entry(), self.chance.randint(10**6, 10**9)
        self.run(
            "INSERT INTO audit_entry SELECT at, officer_id, verb, record_type, record_id,"
            " request_id, changes, -7, digest, :new FROM audit_entry WHERE id = :id",
            new=new, id=entry.id,
        )  # fmt: skip
        self.digest_anew(new)
        self.run(
            "INSERT INTO audit_block SELECT -1, -7, opened_at, sealed_at, 1,"
            " int8multirange(int8range(:new, :new, '[]')), digest, previous, hash"
            " FROM audit_block WHERE number = 1",
            new=new,
        )
        return {("block", -1)}

    def drop_the_tail(self) -> set[Any]:
        kept = self.last - self.chance.randint(1, self.last - 2)
        self.run(
            "DELETE FROM audit_entry USING audit_block b"
            " WHERE b.block_id = audit_entry.block_id AND number > :n",
            n=kept,
        )
        self.run("DELETE FROM audit_block WHERE number > :n", n=kept)
        if self.chance.random() < 0.5:  # and hide it
            self.run(
                "UPDATE audit_head SET (number, hash, entries) = (SELECT number, hash,"
                " (SELECT count(*) FROM audit_entry) FROM audit_block WHERE number = :n)",
                n=kept,
            )
        return {("block", kept)}

    def point_the_end_elsewhere(self) -> set[Any]:
        change = self.chance.choice(
            ["hash = sha256(hash)", "entries = entries - 1", "number = number + 1"]
        )
        self.run(f"UPDATE audit_head SET {change}")  # noqa: S608
        return {("block", self.last)}

    def chain_it_anew(self) -> set[Any]:
        """The best that a superuser can do: everything in the database agrees again."""
        entry = self.entry()
        self.run("UPDATE audit_entry SET record_id = -record_id WHERE id = :id", id=entry.id)
        self.digest_anew(entry.id)
        self.seal_anew(self.block_of(entry))
        third = (self.block_of(entry) - 1) // 15
        return {("day", DAYS[third].isoformat())}


EDITS: list[Callable[[Superuser], set[Any]]] = [
    edit for name, edit in vars(Superuser).items()
    if name not in ("rows", "run", "entry", "block", "block_of", "digest_anew", "hash_anew",
                    "seal_anew") and not name.startswith("_")
]  # fmt: skip


def named(fault: Fault) -> set[Any]:
    """Return the places that a fault names: its entry, else its block, else its day."""
    places = {("entry", fault.entry), ("block", fault.block), ("day", fault.day)}
    return {place for place in places if place[1] is not None}


@contextmanager
def past_the_triggers() -> Iterator[Connection]:
    """Give a connection in whose transaction the trail has no triggers; all is rolled back."""
    db.session.rollback()
    with db.engine.connect() as connection:
        months = connection.scalars(
            text("SELECT relid::regclass::text FROM pg_partition_tree('audit_entry')")
        )
        for table in {*months, *CHAIN}:
            connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        yield connection
        connection.rollback()


def test_each_of_a_thousand_edits_is_found_and_its_place_is_named(
    grown: Flask, place: roots.Roots, figures: Callable[[str], None]
) -> None:
    chance = random.Random(SEED)  # noqa: S311  the same edits in every run
    found, right, missed = 0, 0, []
    with past_the_triggers() as connection:
        assert roots.verify_on(connection, place).fault is None
        superuser = Superuser(connection, chance)
        for number in range(1000):
            edit = EDITS[number % len(EDITS)]
            savepoint = connection.begin_nested()
            places = edit(superuser)
            verdict = roots.verify_on(connection, place)
            savepoint.rollback()
            found += verdict.fault is not None
            if verdict.fault and places & named(verdict.fault):
                right += 1
            else:
                missed.append(f"{edit.__name__}: at {places}, said {verdict.fault}")
        assert roots.verify_on(connection, place).fault is None
    figures(
        f"C6: 1,000 edits of the trail as superuser, {found:,} detected, first place named right "
        f"{right:,} times"
    )
    assert not missed, "\n".join(missed[:20])
    assert (found, right) == (1000, 1000)

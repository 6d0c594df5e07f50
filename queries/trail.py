"""The trail as it is verified: its blocks and entries in the order of the chain, streamed."""

from collections.abc import Generator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from rules.chain import Block, End, Entry

BATCH = 2000
# The same text as migration 0004 digests; it is asked for in full, so that nobody who replaces a
# function of the database has a say in it.
BLOCKS = text(
    """
    SELECT number, sealed_at, entries, ids::text, digest, previous, hash, json_build_array(
        number, block_id, opened_at AT TIME ZONE 'UTC', sealed_at AT TIME ZONE 'UTC', entries,
        ids::text, encode(digest, 'hex'), encode(previous, 'hex'))::text
    FROM audit_block WHERE number >= :first ORDER BY number
    """
)
ENTRIES = text(
    """
    SELECT block.number, entry.id, entry.block_id, entry.at, json_build_array(
        entry.at AT TIME ZONE 'UTC', officer_id, verb, record_type, record_id, request_id,
        changes)::text, entry.digest
    FROM audit_entry entry LEFT JOIN audit_block block USING (block_id)
    WHERE (block.number >= :first OR block.number IS NULL) AND entry.at >= :since
    ORDER BY block.number, entry.id
    """
)
OPENED = text("SELECT min(opened_at) FROM audit_block WHERE number >= :first")
HEAD = text("SELECT number, entries, hash FROM audit_head")
LONG_AGO = "-infinity"
LOWEST = -(2**63)


def blocks(connection: Connection, *, after: int) -> Generator[Block, None, None]:
    """Yield the blocks of the chain above the number `after`, in order."""
    for row in _stream(connection, BLOCKS, first=_first(after)):
        number, sealed_at, entries, ids, digest, previous, hash, words = row
        hashes = bytes(digest), bytes(previous), bytes(hash)
        yield Block(number, sealed_at, entries, ids, *hashes, words)


def entries(connection: Connection, *, after: int) -> Generator[Entry, None, None]:
    """Yield the entries of those blocks in the order of the chain; last those in no block."""
    opened: datetime | None = None
    if after:
        opened = connection.execute(OPENED, {"first": _first(after)}).scalar()
        if opened is None:
            return
    for row in _stream(connection, ENTRIES, first=_first(after), since=opened or LONG_AGO):
        number, id, block_id, at, rest, digest = row
        yield Entry(number, id, block_id, at, rest, bytes(digest))


def _first(after: int) -> int:
    """Return the lowest number asked for: from the beginning on, none is too low to be seen."""
    return after + 1 if after else LOWEST


def noted_end(connection: Connection) -> End | None:
    """Return where the database says that the chain ends; None where it does not say."""
    row = connection.execute(HEAD).one_or_none()
    return End(row.number, row.entries, bytes(row.hash)) if row else None


def _stream(connection: Connection, statement: Any, **values: Any) -> Generator[Any, None, None]:
    options = {"stream_results": True, "yield_per": BATCH}
    result = connection.execute(statement, values, execution_options=options)
    try:
        yield from result
    finally:
        result.close()

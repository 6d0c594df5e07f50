"""CSV files of other systems into grievances or findings: dry run first, all or nothing, the same
again changes nothing.

    the_map = imports.load_map("boston311")
    report = imports.check(session, path, the_map, now=now)
    batch_id = imports.new_batch(session, "boston.csv", "boston311", size, the_map.kind.brings)
    imports.bring_in(session, the_map, report, batch_id=batch_id, now=now)

An import is a statement of the source system: states and times that officers set by an action
here are what the source says of its own records. docs/import.md is the manual. Nothing here
commits; what `check` makes are temporary tables, which end with the transaction.
"""

from datetime import datetime
from functools import cache
from pathlib import Path

from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session

from actions.trail import note
from imports.judging import judge, write
from imports.reading import Records
from imports.report import (
    OUTCOMES,
    Refusal,
    Report,
    Say,
    make_report,
    refusal_sentence,
    write_refused,
)
from imports.staging import Progress, make_tables, stage
from imports.targets import record_type_of
from imports.words import as_text
from imports.work import DAYS_KEPT, Files, files_of, is_worked_on, sweep, worker
from models import ImportBatch
from rules import RuleBroken
from rules.import_map import ImportMap
from rules.import_map_text import read_map
from rules.import_values import RowReader
from rules.records import AuditVerb, Brings, ImportState

__all__ = [
    "DAYS_KEPT",
    "LONGEST_MAP",
    "MAPS",
    "OUTCOMES",
    "Files",
    "ImportMap",
    "Progress",
    "Refusal",
    "Report",
    "Say",
    "as_text",
    "bring_in",
    "check",
    "files_of",
    "is_worked_on",
    "load_map",
    "map_text",
    "new_batch",
    "read_map",
    "read_map_file",
    "record_type_of",
    "refusal_sentence",
    "shipped_maps",
    "sweep",
    "worker",
    "write_refused",
]

MAPS = Path(__file__).resolve().parent.parent / "maps"
LONGEST_MAP = 1_000_000
ONE_AT_A_TIME = 7_305_127
"""Key of the advisory lock that an import holds while it writes."""


def _silent(_bytes: int, _rows: int) -> None:
    pass


@cache
def shipped_maps() -> dict[str, ImportMap]:
    """Return the maps that come with the product, by name."""
    return {path.stem: read_map_file(path) for path in sorted(MAPS.glob("*.toml"))}


def load_map(name: str) -> ImportMap:
    """Return the shipped map called `name`, or the one in the file of that path.

    Raises RuleBroken with a sentence.
    """
    if name in shipped_maps():
        return shipped_maps()[name]
    if not Path(name).is_file():
        raise RuleBroken(
            "There is no map %(name)s. Give the path of a file, or one of: %(names)s.",
            name=name,
            names=", ".join(shipped_maps()),
        )
    return read_map_file(Path(name))


def read_map_file(path: Path) -> ImportMap:
    """Return the map in the file `path`. Raises RuleBroken with a sentence."""
    with path.open("rb") as file:
        return read_map(_map_text(file.read(LONGEST_MAP + 1)))


def map_text(content: bytes) -> str:
    """Return the text of an uploaded map, after reading it once as a map. Raises RuleBroken."""
    text = _map_text(content)
    read_map(text)
    return text


def _map_text(content: bytes) -> str:
    if len(content) > LONGEST_MAP:
        raise RuleBroken("A map has at most a megabyte; is this the CSV file?")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise RuleBroken("The map must be written in UTF-8.") from None


def check(
    session: Session,
    path: Path,
    the_map: ImportMap,
    *,
    now: datetime,
    progress: Progress = _silent,
    will_write: bool = False,
) -> Report:
    """Read the whole file and return what would become of each row, without writing any.

    With `will_write` nobody else imports until this transaction ends; `bring_in` needs it.
    Raises RuleBroken where the file cannot be read to its end by this map, or where somebody
    else is importing.
    """
    if will_write and not session.scalar(select(func.pg_try_advisory_xact_lock(ONE_AT_A_TIME))):
        raise RuleBroken("Another import is being written. Try again when it has finished.")
    make_tables(session)
    with Records(path, the_map) as records:
        reader = RowReader(the_map, records.header, now)
        if not stage(session, records, reader, progress):
            raise RuleBroken("The file has a header and no rows.")
        judge(session, the_map)
        return make_report(session, the_map, records.header)


def new_batch(
    session: Session,
    file_name: str,
    map_name: str,
    size: int,
    brings: Brings = Brings.GRIEVANCES,
) -> int:
    """Return the number of a new ImportBatch for a file of `size` bytes."""
    batch_id: int = session.execute(
        insert(ImportBatch.__table__)
        .values(
            file_name=file_name[-200:], map_name=map_name[:120], bytes_total=size, brings=brings
        )
        .returning(ImportBatch.__table__.c.id)
    ).scalar_one()
    return batch_id


def bring_in(
    session: Session,
    the_map: ImportMap,
    report: Report,
    *,
    batch_id: int,
    now: datetime,
    keep_good: bool = False,
) -> None:
    """Write what `check` found in this same transaction, and account for it in the batch.

    Raises RuleBroken where rows are refused and the good ones are not to be kept, and where
    somebody changed the register in between.
    """
    if report.refused and not keep_good:
        raise RuleBroken(
            "Nothing was imported, because rows are refused (%(count)s). Correct them, or choose to"
            " keep the good rows.",
            count=report.refused,
        )
    try:
        write(session, the_map, batch_id)
    except (IntegrityError, DataError):
        raise RuleBroken(
            "Nothing was imported, because the register changed while it was being compared. Try"
            " again."
        ) from None
    counts = {f"rows_{outcome}": getattr(report, outcome) for outcome in ("read", *OUTCOMES)}
    session.execute(
        update(ImportBatch.__table__)
        .where(ImportBatch.__table__.c.id == batch_id)
        .values(
            state=ImportState.IMPORTED,
            keeps_good_rows=keep_good,
            finished_at=now,
            summary=report.as_dict(),
            bytes_done=ImportBatch.__table__.c.bytes_total,
            **counts,
        )
    )
    note(
        AuditVerb.IMPORT,
        record_type="import_batch",
        record_id=batch_id,
        changes=counts,
        session=session,
    )

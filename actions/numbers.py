"""Numbers of what a bureau issues: one counter for each body, series and year, that counts in the
transaction which issues. So a number is given once, and a rollback leaves no gap (promise C3)."""

from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models import NumberSeries


@dataclass(frozen=True)
class Given:
    """A number as it is written, and its place in its series."""

    number: str
    series_id: int
    place: int


def next_number(session: Session, *, body: str, series: str, year: int, form: str) -> Given:
    """Return the next number of the series `series` of `body` in `year`, in the transaction that is
    open: whoever asks for one of the same series waits until it ends. `form` says how numbers of a
    series that nobody has begun are written ("NT [{year}] {number}"); the record says it after
    that."""
    table = NumberSeries.__table__
    key = {"body": body, "series": series, "year": year}
    where = [table.c[name] == value for name, value in key.items()]
    if session.scalar(select(table.c.id).where(*where)) is None:
        session.execute(insert(table).values(**key, form=form).on_conflict_do_nothing())
    row = session.execute(
        update(table)
        .where(*where)
        .values(last_number=table.c.last_number + 1)
        .returning(table.c.id, table.c.last_number, table.c.form)
    ).one()
    written = row.form.replace("{year}", str(year)).replace("{number}", str(row.last_number))
    return Given(written, row.id, row.last_number)

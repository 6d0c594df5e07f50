"""Reads the records of a CSV file one by one, in bounded memory, whatever is in it."""

import csv
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from rules import RuleBroken
from rules.import_map import ImportMap
from rules.import_values import shown

LONGEST_CELL = 2_000_000
"""Characters in a cell; more is a quotation mark that is never closed."""
LONGEST_LINE = 4_000_000
MOST_COLUMNS = 2_000

csv.field_size_limit(LONGEST_CELL)


class Record(NamedTuple):
    """`row` counts as a spreadsheet does, the header being row 1; `line` is where it begins, as
    a text editor counts. A record whose quotation marks make no sense is `broken`, its cells
    are its lines."""

    row: int
    line: int
    cells: list[str]
    broken: bool


class Records:
    """The records of one file, after its header.

        with Records(path, the_map) as records:
            for record in records: ...

    Raises RuleBroken where there is no sense in reading on.
    """

    def __init__(self, path: Path, the_map: ImportMap) -> None:
        self._binary = path.open("rb")
        self._text = TextIOWrapper(
            self._binary, the_map.encoding, errors="surrogateescape", newline=""
        )
        self.encoding = the_map.encoding
        self.row = 0
        self._line = 0
        self._lines: list[str] = []
        self._reader = csv.reader(
            self._physical_lines(),
            delimiter=the_map.delimiter,
            quotechar=the_map.quote or None,
            strict=True,
            quoting=csv.QUOTE_MINIMAL if the_map.quote else csv.QUOTE_NONE,
        )
        try:
            self.header = self._read_header()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "Records":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._text.close()

    @property
    def bytes_done(self) -> int:
        return self._binary.tell()

    def __iter__(self) -> Iterator[Record]:
        while (record := self._next()) is not None:
            if record.cells:
                yield record

    def _read_header(self) -> list[str]:
        record = self._next()
        if record is None:
            raise RuleBroken("The file is empty.")
        header = [name.strip() for name in record.cells]
        if record.broken or not any(header):
            raise RuleBroken("The first line of the file must name its columns.")
        if len(header) > MOST_COLUMNS:
            raise RuleBroken("The file has more than %(most)s columns.", most=MOST_COLUMNS)
        return header

    def _next(self) -> Record | None:
        """Return the next record, with no cells for a line without anything; None at the end."""
        line = self._line + 1
        self._lines.clear()
        broken = False
        try:
            cells = next(self._reader)
        except StopIteration:
            return None
        except csv.Error as problem:
            self._refuse_file(str(problem), line)
            cells, broken = ["".join(self._lines).strip("\r\n")], True
        except UnicodeError:
            raise RuleBroken(
                "From line %(line)s on the file is not written in %(encoding)s.",
                line=self._line + 1,
                encoding=self.encoding,
            ) from None
        self.row += 1
        return Record(self.row, line, cells, broken)

    def _physical_lines(self) -> Iterator[str]:
        """Yield each line with its end; the first without the byte-order mark."""
        while line := self._text.readline(LONGEST_LINE):
            self._line += 1
            if len(line) == LONGEST_LINE:
                raise RuleBroken(
                    "Line %(line)s is longer than %(most)s characters. Is this a CSV file?",
                    line=self._line,
                    most=LONGEST_LINE,
                )
            if self._line == 1:
                line = line.removeprefix("\ufeff")
            self._lines.append(line)
            yield line

    def _refuse_file(self, problem: str, line: int) -> None:
        """Raise RuleBroken where a quotation mark has swallowed what follows."""
        if "unexpected end of data" in problem or "field larger than" in problem:
            raise RuleBroken(
                "A quotation mark in row %(row)s, which begins in line %(line)s (%(text)s), is"
                " never closed.",
                row=self.row + 1,
                line=line,
                text=shown(self._lines[0]),
            )

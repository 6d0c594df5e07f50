"""Chooses the rows of boston311_sample.csv from the city's file, the same ones every time:

    python -m demo.choose_sample 311_service_requests_2011.csv

demo/README.md says how they are chosen and what is left out. Only the columns that
maps/boston311.toml reads are kept.
"""

import csv
import math
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from hashlib import sha256
from pathlib import Path

import imports

SAMPLE = Path(__file__).with_name("boston311_sample.csv")
QUOTAS = {"open": 520, "closed late": 660, "closed in time": 1820}
"""Rows of each standing; a quarter of the file is open or late, here it is more than a third."""
COMMON = 5
"""A title or an outcome that is used less often may be somebody's own words."""

Row = dict[str, str]
TEST = re.compile(r"\btest(s|ing)?\b", re.IGNORECASE)
PERSON = re.compile(
    r"\b(mr|mrs|ms|dr|tenant|constituent|resident|owner|newown|caller|customer)\b"
    r"|@|\d{3}[-. ]\d{4}|\([a-z]{2}\)|\bp\.?b\b|\bsd-\d",  # the last three: officers' initials
    re.IGNORECASE,
)
ABOUT_PEOPLE = re.compile(r"overcrowd|occup|rooming|squalid|bite|racial|gang|profan", re.IGNORECASE)
REMOVED = "[text removed]"


def is_a_block(place: str) -> bool:
    """Return whether `place` is no more exact than a crossing or a hundred house numbers."""
    if not place.strip() or place.startswith("INTERSECTION "):
        return True
    numbers = re.match(r"(\d+)-(\d+) ", place)
    if not numbers:
        return False
    first, last = int(numbers[1]), int(numbers[2])
    return first % 100 in (0, 1) and last % 100 == 99 and last - first < 100


def standing(row: Row) -> str:
    """Return the part of QUOTAS that `row` counts towards."""
    if row["case_status"] != "Closed":
        return "open"
    return "closed late" if row["ontime"] == "OVERDUE" else "closed in time"


def usable(rows: list[Row]) -> list[Row]:
    """Return the rows without tests, house numbers, and words about people or of their own."""
    titles = Counter(row["case_title"].strip() for row in rows)
    outcomes = Counter(row["closure_reason"].strip() for row in rows)

    def is_usable(row: Row) -> bool:
        title, outcome = row["case_title"].strip(), row["closure_reason"].strip()
        words = f"{title} {row['type']} {outcome}"
        return (
            row["department"] != "No Q"
            and (titles[title] >= COMMON or title == row["type"].strip())
            and (outcomes[outcome] >= COMMON or outcome == "")
            and not any(pattern.search(words) for pattern in (TEST, PERSON, ABOUT_PEOPLE))
            and is_a_block(row["location"])
            and is_a_block(row["location_street_name"])
        )

    return [row for row in rows if is_usable(row)]


def choose(rows: list[Row]) -> list[Row]:
    """Return the sample: one row at least of every category and department, then so many of each
    standing, common kinds of rows thinned out by the square root of their number."""

    def kind(row: Row) -> tuple[str, ...]:
        return row["department"], row["reason"], row["type"], row["open_dt"][:7]

    sizes = Counter(kind(row) for row in rows)

    def luck(row: Row) -> float:
        digest = sha256(row["case_enquiry_id"].encode()).digest()
        chance = (int.from_bytes(digest[:8]) + 1) / 2**64
        return math.log(chance) * math.sqrt(sizes[kind(row)])

    ranked = sorted(rows, key=luck, reverse=True)
    chosen: dict[str, Row] = {}
    for key in (lambda row: (row["subject"], row["reason"], row["type"]), _department):
        for row in first_of_each(ranked, key):
            chosen[row["case_enquiry_id"]] = row
    left = Counter(QUOTAS) - Counter(standing(row) for row in chosen.values())
    for row in ranked:
        if left[standing(row)] > 0 and row["case_enquiry_id"] not in chosen:
            chosen[row["case_enquiry_id"]] = row
            left[standing(row)] -= 1
    return sorted(chosen.values(), key=lambda row: (row["open_dt"], row["case_enquiry_id"]))


def _department(row: Row) -> tuple[str, ...]:
    return (row["department"],)


def first_of_each(rows: Iterable[Row], key: Callable[[Row], tuple[str, ...]]) -> list[Row]:
    """Return the first row of each kind that `key` tells apart."""
    found: dict[tuple[str, ...], Row] = {}
    for row in rows:
        found.setdefault(key(row), row)
    return list(found.values())


def cleaned(text: str) -> str:
    """Return `text` without the mark of removed words and without blanks that say nothing."""
    return " ".join(text.replace(REMOVED, "").split())


def main(source: Path) -> None:
    """Write the sample that comes from the file `source`."""
    with source.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    wanted = imports.load_map("boston311").columns()
    columns = [name for name in rows[0] if name in wanted]
    sample = choose(usable(rows))
    with SAMPLE.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([cleaned(row[name]) for name in columns] for row in sample)
    sys.stdout.write(f"{len(sample)} of {len(rows)} rows, {SAMPLE.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

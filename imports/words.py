"""A report in plain text, for the terminal."""

from imports.report import Report
from rules.import_values import WARNINGS

_MOST_LINES = 20


def as_text(report: Report, *, done: bool) -> str:
    """Return `report` as lines for people; `done` tells what was from what would be."""
    return "\n".join(
        [*_figures(report, done), *_made(report, done), *_warnings(report), *_refused(report)]
    )


def _figures(report: Report, done: bool) -> list[str]:
    would = "" if done else "would be "
    lines = [
        (report.read, "rows in the file"),
        (report.created, f"{would}created"),
        (report.updated, f"{would}changed"),
        (report.unchanged, "in the register already, just so"),
        (report.repeated, "repeated word for word"),
        (report.refused, "refused"),
    ]
    return [f"{number:>10,}  {words}" for number, words in lines] + [
        f"{report.closed:>10,}  of the rows taken are closed"
    ]


def _made(report: Report, done: bool) -> list[str]:
    made = [f"{one['count']} {kind}" for kind, one in report.made.items() if one["count"]]
    lines = [f"With them {'were' if done else 'would be'} made: {', '.join(made)}."] if made else []
    for kind, one in report.made.items():
        lines += [f"  {kind}: {name}" for name in one["names"][:_MOST_LINES]]
        if one["count"] > _MOST_LINES:
            lines.append(f"  {kind}: and {one['count'] - _MOST_LINES} more")
    return lines


def _warnings(report: Report) -> list[str]:
    return [
        f"Look at: {WARNINGS[one['warning']]}: {one['rows']} (rows"
        f" {', '.join(map(str, one['first']))}{', ...' if one['rows'] > len(one['first']) else ''})"
        for one in report.warnings
    ]


def _refused(report: Report) -> list[str]:
    lines = [
        f"Row {one.row} (line {one.line}), {one.column or 'the row'}"
        f"{f' “{one.value}”' if one.value else ''}: {one.sentence()}"
        for one in report.refusals[:_MOST_LINES]
    ]
    if report.refused > _MOST_LINES:
        lines.append("The first of them; --refused FILE writes them all.")
    return lines

"""Where the marks of a chart go. Charts are SVG that the server writes: across in percent of its
width, so that text keeps its size on any screen, down in pixels. Looks are in static/charts.css.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

TOP, BOTTOM = 16, 30
"""Pixels above the highest line, and below the lowest for the names of months."""
HEIGHT = 240
ROW = 42
LEFT, RIGHT = 2.0, 98.0
"""Percent between which marks stand."""
MOST_NAMES, FEW_NAMES = 12, 4
NAME_WIDTH = 30
"""Letters of a name in a row; a Chinese sign takes two."""


@dataclass(frozen=True)
class Tick:
    """A line of the scale and its name; `place` is in pixels down or in percent across. `is_minor`:
    left out where there is little room."""

    place: float
    words: str
    is_minor: bool = False


@dataclass(frozen=True)
class Point:
    """A value: percent across, pixels down, and what it says. `to` is where its whisker ends;
    `is_open` a whisker that goes on beyond the scale."""

    x: float
    y: float
    words: str
    to: float | None = None
    is_open: bool = False


@dataclass
class Series:
    """Values of one kind; `style` is the class that they are drawn with."""

    style: str
    words: str
    points: list[Point] = field(default_factory=list)
    lines: list[tuple[Point, Point]] = field(default_factory=list)


@dataclass(frozen=True)
class Over:
    """A chart over time."""

    height: int
    scale: list[Tick]
    names: list[Tick]
    series: list[Series]


@dataclass(frozen=True)
class Row:
    """A row of a chart: its name, its value in words, and where that stands from `begin` on."""

    y: float
    name: str
    words: str
    x: float | None = None
    to: float | None = None
    is_open: bool = False


@dataclass(frozen=True)
class Rows:
    """A chart with a row for each name. `reference` is where the line stands that rows are
    compared with."""

    height: int
    scale: list[Tick]
    rows: list[Row]
    reference: float | None = None


def nice_step(most: float, lines: int = 4) -> int:
    """Return the step of a scale from 0 to at least `most` with about so many lines: 1, 2 or 5
    with zeros."""
    wanted = max(most, 1) / lines
    size = 1
    while size * 10 <= wanted:
        size *= 10
    return next((size * one for one in (1, 2, 5) if size * one >= wanted), size * 10)


def nice_ticks(most: float) -> list[int]:
    """Return the lines of a scale from 0 to at least `most`."""
    step = nice_step(most)
    last = -(-int(-(-most // 1)) // step) * step or step
    return list(range(0, last + 1, step))


def across(value: float, most: float) -> float:
    """Return where `value` stands, in percent across, on a scale from 0 to `most`."""
    return LEFT + (RIGHT - LEFT) * min(max(value / most, 0.0), 1.0)


def down(value: float, most: float, height: int = HEIGHT) -> float:
    """Return where `value` stands, in pixels down, on a scale from 0 to `most`."""
    return TOP + (height - TOP - BOTTOM) * (1 - min(max(value / most, 0.0), 1.0))


def _step_across(place: int, count: int) -> float:
    return LEFT + (RIGHT - LEFT) * (place + 0.5) / count


def names_of(words: Sequence[str]) -> list[Tick]:
    """Return the names below a chart over time: some where there are many, fewer on a phone."""
    count = len(words)
    each = -(-count // MOST_NAMES)
    # From the last one back, which is the one people look for.
    kept = [place for place in range(count) if (count - 1 - place) % each == 0]
    rare = -(-len(kept) // FEW_NAMES)
    return [
        Tick(_step_across(place, count), words[place], (len(kept) - 1 - at) % rare != 0)
        for at, place in enumerate(kept)
    ]


def over_time(
    names: Sequence[str],
    scale: Sequence[tuple[float, str]],
    series: Sequence[tuple[str, str, Sequence[tuple[float, str] | None]]],
) -> Over:
    """Return a chart with lines: each series as (style, words, values), a value as (number, words)
    or None where there is none, which leaves a gap."""
    most = scale[-1][0]
    drawn = []
    for style, words, values in series:
        one = Series(style, words)
        before: Point | None = None
        for place, value in enumerate(values):
            if value is None:
                before = None
                continue
            point = Point(_step_across(place, len(values)), down(value[0], most), value[1])
            one.points.append(point)
            if before is not None:
                one.lines.append((before, point))
            before = point
        drawn.append(one)
    return Over(HEIGHT, _scale_down(scale), names_of(names), drawn)


def whiskers_over_time(
    names: Sequence[str],
    scale: Sequence[tuple[float, str]],
    words: str,
    values: Sequence[tuple[float | None, float | None, str] | None],
) -> Over:
    """Return a chart with a dot and a whisker up for each value (dot, end, words). An end that is
    None lies beyond the scale; so does the dot."""
    most = scale[-1][0]
    one = Series("whisker", words)
    for place, value in enumerate(values):
        if value is None:
            continue
        dot, end, said = value
        x = _step_across(place, len(values))
        y = down(most if dot is None else dot, most)
        one.points.append(Point(x, y, said, down(most if end is None else end, most), end is None))
    return Over(HEIGHT, _scale_down(scale), names_of(names), [one])


def _scale_down(scale: Sequence[tuple[float, str]]) -> list[Tick]:
    return [Tick(down(value, scale[-1][0]), words) for value, words in scale]


def rows_of(
    scale: Sequence[tuple[float, str]],
    values: Sequence[tuple[str, str, float | None, float | None, bool]],
    reference: float | None = None,
    room: int = NAME_WIDTH,
) -> Rows:
    """Return a chart with a row for each value (name, words, number, end of its whisker, whether
    that goes on); a number that is None leaves the row without a mark, a name `room` letters."""
    most = scale[-1][0]
    rows = [
        Row(
            place * ROW,
            shortened(name, room),
            words,
            None if number is None else across(number, most),
            None if end is None else across(end, most),
            is_open,
        )
        for place, (name, words, number, end, is_open) in enumerate(values)
    ]
    ticks = [
        Tick(across(value, most), words, 0 < place < len(scale) - 1 and place % 2 == 1)
        for place, (value, words) in enumerate(scale)
    ]
    line = None if reference is None else across(reference, most)
    return Rows(len(rows) * ROW + BOTTOM, ticks, rows, line)


def shortened(name: str, room: int = NAME_WIDTH) -> str:
    """Return `name`, cut where a row has no room for it; the table has the whole."""
    width, kept = 0, []
    for sign in name:
        width += 2 if unicodedata.east_asian_width(sign) in "WF" else 1
        if width > room:
            return "".join(kept).rstrip() + "…"
        kept.append(sign)
    return name

"""Who may not touch what (domain.md section 6): the office complained about, and its line."""

from collections.abc import Iterable, Iterator, Mapping

COOLING_OFF_DAYS = 730
"""So long an officer who served an office is counted as serving it still: two years."""

Tree = Mapping[int, int | None]
"""Each office with the one directly above it."""


def line_above(office: int, tree: Tree) -> Iterator[int]:
    """Yield `office` and the offices above it, nearest first; each once, even in a circle."""
    seen: set[int] = set()
    at: int | None = office
    while at is not None and at not in seen:
        seen.add(at)
        yield at
        at = tree.get(at)


def line_of(served: Iterable[int], tree: Tree) -> frozenset[int]:
    """Return the offices of whose line somebody is who serves, or served of late, the offices
    `served`: these and all above them."""
    return frozenset(above for office in served for above in line_above(office, tree))


def is_of_line(
    served: Iterable[int], respondents: Iterable[int], tree: Tree, *, upwards: bool
) -> bool:
    """Return whether somebody who serves, or served of late, the offices `served` is of the line
    of the offices complained about: of one of them or of an office below it; with `upwards` also
    of an office above it, which answers for it."""
    served, respondents = set(served), set(respondents)
    if respondents & line_of(served, tree):
        return True
    return upwards and any(served & set(line_above(office, tree)) for office in respondents)

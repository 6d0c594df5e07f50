"""What a decision must say before a second person may approve it: domain.md section 6, and the
LGSCO's Principles of Good Administrative Practice: every point answered, with reasons."""

from dataclasses import dataclass, field
from datetime import timedelta

from rules import RuleBroken
from rules.grievance import DecisionState, PointFinding

MOST_POINTS = 50
LONGEST_LINE = 300
LONGEST_TEXT = 20_000
REVIEW_TIME = timedelta(days=30)
"""To ask for a review, where no standard of the district says otherwise (China's regulation of
2022, article 35; India's CPGRAMS: 30 days from the written answer)."""


@dataclass(frozen=True)
class Point:
    """One point of the grievance; `conclusion` None while nothing was found yet."""

    point: str = ""
    conclusion: PointFinding | None = None
    reasons: str = ""

    @property
    def is_blank(self) -> bool:
        return not (self.point or self.conclusion or self.reasons)


@dataclass(frozen=True)
class Draft:
    """What is typed of a decision."""

    subject: str = ""
    summary: str = ""
    follows: str = ""
    how_to_appeal: str = ""
    points: tuple[Point, ...] = field(default_factory=tuple)


def check_draft(draft: Draft) -> None:
    """Raise RuleBroken unless `draft` can be kept: it may have gaps, but a point that was begun
    says what it is about, what was found and why."""
    if not draft.subject:
        raise RuleBroken("Say in one line what is decided.", field="subject")
    if not draft.summary:
        raise RuleBroken("Write the decision as the complainant is to read it.", field="summary")
    if len(draft.points) > MOST_POINTS:
        raise RuleBroken("A decision has at most %(most)s points.", most=MOST_POINTS)
    lengths = [("subject", draft.subject, LONGEST_LINE)]
    lengths += [
        (name, getattr(draft, name), LONGEST_TEXT)
        for name in ("summary", "follows", "how_to_appeal")
    ]
    for number, one in enumerate(draft.points, 1):
        lengths.append((f"point-{number}", one.point, LONGEST_LINE))
        lengths.append((f"reasons-{number}", one.reasons, LONGEST_TEXT))
    for name, text, most in lengths:
        if len(text) > most:
            raise RuleBroken(
                "This is too long: at most %(most)s characters.", field=name, most=most
            )
    for number, one in enumerate(draft.points, 1):
        _check_point(number, one)


def _check_point(number: int, one: Point) -> None:
    if not one.point:
        raise RuleBroken(
            "Say what point %(number)s is about.", field=f"point-{number}", number=number
        )
    if one.conclusion is None:
        raise RuleBroken(
            "Say what was found on point %(number)s.", field=f"conclusion-{number}", number=number
        )
    if not one.reasons:
        raise RuleBroken(
            "Give the reasons for point %(number)s.", field=f"reasons-{number}", number=number
        )


def check_whole(draft: Draft) -> None:
    """Raise RuleBroken unless `draft` can go to a second person: every point answered, what
    follows, and how a review is asked for."""
    check_draft(draft)
    if not draft.points:
        raise RuleBroken("Answer at least one point of the grievance.", field="point-1")
    if not draft.follows:
        raise RuleBroken(
            "Say what follows from the decision, also where nothing does.", field="follows"
        )
    if not draft.how_to_appeal:
        raise RuleBroken("Say where and how a review is asked for.", field="how_to_appeal")


def check_editable(state: DecisionState, *, is_drafter: bool) -> None:
    """Raise RuleBroken unless the words of a decision may be changed: by who drafted it alone, so
    that nobody approves words of their own."""
    if state is DecisionState.GIVEN:
        raise RuleBroken("A decision that was given keeps its words. An appeal reviews it.")
    if not is_drafter:
        raise RuleBroken("Only who drafted it changes it. Send it back, or draft another one.")


def check_judged(state: DecisionState, *, is_drafter: bool) -> None:
    """Raise RuleBroken unless a decision may be approved or sent back: proposed, by another."""
    if state is not DecisionState.PROPOSED:
        raise RuleBroken("It does not wait for approval now. Look at it again.")
    if is_drafter:
        raise RuleBroken("Somebody else than who drafted it must approve it.")

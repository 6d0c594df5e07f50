"""The plan of a grievance: dated steps, each with somebody who does it, in an order; and the joint
conference, whose conclusions are steps of the plan."""

from collections.abc import Sequence
from datetime import date, datetime

from rules import RuleBroken
from rules.casework import OPEN
from rules.grievance import GrievanceState, StepState

LONGEST_SUBJECT = 300
LONGEST_TEXT = 20_000


def check_open(state: GrievanceState) -> None:
    """Refuse to change the plan of a grievance that is over, or a duplicate of another."""
    if state not in OPEN:
        raise RuleBroken(
            "The plan of a grievance that is over does not change. Reopen the grievance first. Its "
            "state is: %(state)s.",
            state=state,
        )


def check_step(
    subject: str | None,
    *,
    has_owner: bool,
    left_on: date | None,
    due_on: date | None,
    was_due_on: date | None,
    today: date,
) -> None:
    """Refuse a step without words, without somebody who does it and is still here (`left_on`), or
    with a day in the past; a day that stood there before (`was_due_on`) may stay."""
    _check_text(subject, "subject", LONGEST_SUBJECT)
    if not has_owner:
        raise RuleBroken("Say who does it: each step has one officer.", field="officer")
    if left_on is not None and left_on <= today:
        raise RuleBroken(
            "This officer left on %(day)s. Choose somebody who is here.",
            field="officer",
            day=left_on,
        )
    if due_on is None:
        raise RuleBroken("Say by which day it is to be done.", field="due_on")
    if due_on < today and due_on != was_due_on:
        raise RuleBroken("This day is over. Choose today or a later day.", field="due_on")


def check_finish(state: StepState, done_on: date | None, *, today: date) -> None:
    """Refuse to call a step done that is not planned, or on a day that has not come."""
    _check_planned(state)
    if done_on is None:
        raise RuleBroken("Say on which day it was done.", field="done_on")
    if done_on > today:
        raise RuleBroken(
            "This day has not come yet. Write down when it was done, not when it will be.",
            field="done_on",
        )


def check_drop(state: StepState, reason: str | None) -> None:
    """Refuse to drop a step that is not planned, or without a reason."""
    _check_planned(state)
    _check_text(reason, "dropped_because", LONGEST_TEXT)


def check_again(state: StepState) -> None:
    """Refuse to take up again a step that is planned already."""
    if state is StepState.PLANNED:
        raise RuleBroken("This step is in the plan already.")


def _check_planned(state: StepState) -> None:
    if state is not StepState.PLANNED:
        raise RuleBroken(
            "This step is not planned any more. Take it up again first. Its state is: %(state)s.",
            state=state,
        )


def moved(order: Sequence[int], step: int, by: int) -> list[int]:
    """Return the steps (their numbers, in the order of the plan) with `step` moved by so many
    places: -1 is one earlier. At an end it stays. Raises RuleBroken where it is not among them."""
    if step not in order:
        raise RuleBroken("This step is not in the plan any more. Load the page again.")
    at = order.index(step)
    rest = [one for one in order if one != step]
    to = min(max(at + by, 0), len(rest))
    return [*rest[:to], step, *rest[to:]]


# --- Joint conferences -----------------------------------------------------------------------


def check_call(
    subject: str | None, *, offices: int, has_chair: bool, meets_at: datetime | None, now: datetime
) -> None:
    """Refuse to call a conference without a question, a chair, a time that comes, and at least two
    offices, that of the chair among them: one alone has nobody to confer with."""
    _check_text(subject, "subject", LONGEST_SUBJECT)
    if not has_chair:
        raise RuleBroken("Say who is in the chair.", field="chair")
    if meets_at is None:
        raise RuleBroken("Say when it meets.", field="meets_at")
    if meets_at < now:
        raise RuleBroken("This time is over. Choose a later one.", field="meets_at")
    if offices < 2:
        raise RuleBroken(
            "A joint conference needs two offices at least. Invite another one.", field="office"
        )


def check_seat(serves: int, office: int | None) -> None:
    """Refuse to seat an officer for an office that they do not serve."""
    if office is not None and office != serves:
        raise RuleBroken(
            "This officer serves another office. Choose one of this office, or leave the office "
            "empty.",
            field="officer",
        )


def check_minutes(
    minutes: str | None, conclusion: str | None, *, meets_at: datetime, now: datetime
) -> None:
    """Refuse minutes before the conference has met, and a conclusion without minutes."""
    if now < meets_at:
        raise RuleBroken("It has not met yet. Write the minutes when it has.", field="minutes")
    _check_text(minutes, "minutes", LONGEST_TEXT)
    if conclusion:
        _check_text(conclusion, "conclusion", LONGEST_TEXT)


def check_action(owner_office: int, invited: frozenset[int], *, has_concluded: bool) -> None:
    """Refuse an action before there is a conclusion, and one for an officer of an office that was
    not invited: nobody is given work in their absence."""
    if not has_concluded:
        raise RuleBroken("Write down first what was agreed; then the actions follow.")
    if owner_office not in invited:
        raise RuleBroken(
            "The office of this officer was not invited. Choose an officer of an office that sat "
            "at the conference, or invite the office.",
            field="officer",
        )


def _check_text(text: str | None, field: str, longest: int) -> None:
    if not text or not text.strip():
        raise RuleBroken("Please fill this in.", field=field)
    if len(text) > longest:
        raise RuleBroken("At most %(count)s characters.", field=field, count=longest)

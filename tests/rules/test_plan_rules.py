"""Steps of a plan, and what a joint conference needs."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules import RuleBroken
from rules import plan as rules
from rules.grievance import GrievanceState, StepState

TODAY = date(2026, 11, 20)
DAY = timedelta(days=1)
NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)


def test_the_plan_of_what_is_over_does_not_change() -> None:
    rules.check_open(GrievanceState.ACCEPTED)
    for state in (GrievanceState.CLOSED, GrievanceState.WITHDRAWN):
        with pytest.raises(RuleBroken, match="Reopen the grievance first"):
            rules.check_open(state)


GOOD: dict[str, Any] = {
    "subject": "Dig out the pipe",
    "has_owner": True,
    "left_on": None,
    "due_on": TODAY,
    "was_due_on": None,
    "today": TODAY,
}


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"subject": None}, "subject"),
        ({"subject": "  "}, "subject"),
        ({"subject": "x" * 301}, "subject"),
        ({"has_owner": False}, "officer"),
        ({"left_on": TODAY}, "officer"),
        ({"due_on": None}, "due_on"),
        ({"due_on": TODAY - DAY}, "due_on"),
        ({"due_on": TODAY - DAY, "was_due_on": TODAY - 2 * DAY}, "due_on"),
    ],
)
def test_a_step_says_what_who_and_when(wrong: dict[str, Any], field: str) -> None:
    rules.check_step(**GOOD)
    with pytest.raises(RuleBroken) as refused:
        rules.check_step(**GOOD | wrong)
    assert refused.value.field == field


def test_a_day_that_is_over_may_stay_and_who_leaves_later_may_do_it() -> None:
    rules.check_step(**GOOD | {"due_on": TODAY - DAY, "was_due_on": TODAY - DAY})
    rules.check_step(**GOOD | {"left_on": TODAY + DAY})


def test_only_what_is_planned_is_done_or_dropped() -> None:
    rules.check_finish(StepState.PLANNED, TODAY, today=TODAY)
    rules.check_drop(StepState.PLANNED, "The county did it")
    for state in (StepState.DONE, StepState.DROPPED):
        with pytest.raises(RuleBroken):
            rules.check_finish(state, TODAY, today=TODAY)
        with pytest.raises(RuleBroken):
            rules.check_drop(state, "The county did it")
        rules.check_again(state)
    with pytest.raises(RuleBroken):
        rules.check_again(StepState.PLANNED)


@pytest.mark.parametrize("day", [None, TODAY + DAY])
def test_done_is_on_a_day_that_has_come(day: date | None) -> None:
    with pytest.raises(RuleBroken) as refused:
        rules.check_finish(StepState.PLANNED, day, today=TODAY)
    assert refused.value.field == "done_on"


@given(st.lists(st.integers(), unique=True, min_size=1), st.data(), st.integers(-3, 3))
def test_moving_keeps_every_step_and_the_order_of_the_others(
    order: list[int], data: st.DataObject, by: int
) -> None:
    step = data.draw(st.sampled_from(order))
    after = rules.moved(order, step, by)
    assert [one for one in after if one != step] == [one for one in order if one != step]
    assert after.index(step) == min(max(order.index(step) + by, 0), len(order) - 1)


def test_what_is_not_in_the_plan_is_not_moved() -> None:
    with pytest.raises(RuleBroken):
        rules.moved([1, 2], 3, -1)


CALL: dict[str, Any] = {
    "subject": "Whose pipe is it?",
    "offices": 2,
    "has_chair": True,
    "meets_at": NOW + DAY,
    "now": NOW,
}


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"subject": ""}, "subject"),
        ({"offices": 1}, "office"),
        ({"has_chair": False}, "chair"),
        ({"meets_at": None}, "meets_at"),
        ({"meets_at": NOW - DAY}, "meets_at"),
    ],
)
def test_a_conference_needs_a_question_a_chair_a_time_and_two_offices(
    wrong: dict[str, Any], field: str
) -> None:
    rules.check_call(**CALL)
    with pytest.raises(RuleBroken) as refused:
        rules.check_call(**CALL | wrong)
    assert refused.value.field == field


def test_minutes_come_after_the_meeting_and_before_the_conclusion() -> None:
    rules.check_minutes("All were heard.", None, meets_at=NOW, now=NOW)
    with pytest.raises(RuleBroken, match="has not met yet"):
        rules.check_minutes("All were heard.", None, meets_at=NOW + DAY, now=NOW)
    with pytest.raises(RuleBroken) as refused:
        rules.check_minutes("", "The works mend it.", meets_at=NOW, now=NOW)
    assert refused.value.field == "minutes"


def test_nobody_is_given_work_in_their_absence() -> None:
    rules.check_action(2, frozenset({1, 2}), has_concluded=True)
    with pytest.raises(RuleBroken, match="was not invited"):
        rules.check_action(3, frozenset({1, 2}), has_concluded=True)
    with pytest.raises(RuleBroken, match="what was agreed"):
        rules.check_action(2, frozenset({1, 2}), has_concluded=False)


def test_an_officer_sits_for_their_own_office() -> None:
    rules.check_seat(1, 1)
    rules.check_seat(1, None)
    with pytest.raises(RuleBroken, match="another office"):
        rules.check_seat(1, 2)

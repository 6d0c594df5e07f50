"""Clocks and their ledgers: what may change a due time, and that each ledger comes to its own."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules import RuleBroken, say
from rules.calendars import Calendar
from rules.deadlines import PAUSE_CAP, CutOff, Rule, due
from rules.grievance import PauseGround
from rules.ledger import (
    Allowance,
    Calendars,
    EntryKind,
    Ledger,
    LedgerBroken,
    change_rule,
    clock_of,
    extend,
    goes_on_at,
    latest_due,
    pause,
    recalculate,
    replay,
    resume,
    start,
    stop,
)
from rules.ledger_text import explain, from_json, spell, to_json
from rules.offices import ClockUnit, DueTime
from rules.permissions import Role
from tests.proofs import size
from tests.rules.clocks import DAY, calendars, holiday, office, random_calendar, rules

CAREFUL = settings(max_examples=100, deadline=None, derandomize=True)
DECIDE = Rule("Decide", 1, 10, ClockUnit.WORKING_DAYS)
TEN_MORE = Allowance(Role.DECIDER, most=10)
SAME_AGAIN = Allowance(Role.DECIDER, same_again=True)
COURT, COMPLAINANT = PauseGround.COURT, PauseGround.COMPLAINANT


def at(text: str) -> datetime:
    """Return the instant of "06-12 10:00" of 2026 in London."""
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=office().zone).astimezone(UTC)


def shown(moment: datetime | None) -> str:
    return f"{moment.astimezone(office().zone):%m-%d %H:%M}" if moment else "stands still"


# 12 June 2026 is a Friday: 10 working days end on Friday the 26th.
BEGUN = start(DECIDE, office(), at("06-12 10:00"), by="intake", now=at("06-12 10:05"))


def paused(since: str = "06-15 10:00", **changes: Any) -> Ledger:
    given = {"reason": "We wait for the lease.", "by": "handler", "now": at(since)} | changes
    ledger = given.pop("ledger", BEGUN)
    return pause(ledger, office(), at(since), given.pop("ground", COMPLAINANT), **given)


def resumed(ledger: Ledger, until: str, now: datetime | None = None) -> Ledger:
    return resume(ledger, office(), at(until), by="handler", now=now or at(until))


def extended(ledger: Ledger = BEGUN, amount: int = 5, **changes: Any) -> Ledger:
    given = {
        "role": Role.DECIDER,
        "asked_at": at("06-20 10:00"),
        "reason": "An expert is heard.",
        "by": "decider",
        "now": at("06-22 10:00"),
    } | changes
    return extend(ledger, office(), amount, given.pop("allowance", TEN_MORE), **given)


def refusal(act: Callable[[], object]) -> str:
    with pytest.raises(RuleBroken) as caught:
        act()
    return str(caught.value)


# --- What happens to a clock -----------------------------------------------------------------


def test_a_clock_starts_with_its_due_time() -> None:
    (entry,) = BEGUN
    assert (entry.kind, entry.was, shown(entry.due)) == (EntryKind.STARTED, None, "06-26 23:59")
    assert (entry.by, entry.rule, entry.calendar_version) == ("intake", DECIDE, 1)


def test_a_pause_adds_its_working_days() -> None:
    standing = paused()
    assert clock_of(standing).due is None
    assert clock_of(standing).stands_since == at("06-15 10:00")
    gone_on = resumed(standing, "06-18 16:00")
    assert shown(clock_of(gone_on).due) == "07-01 23:59"
    assert [shown(one.was) for one in gone_on] == ["stands still", "06-26 23:59", "stands still"]


def test_a_pause_ends_by_itself_after_ninety_days() -> None:
    standing = paused()
    assert goes_on_at(clock_of(standing)) == at("06-15 10:00") + PAUSE_CAP
    late = at("06-15 10:00") + PAUSE_CAP * 2
    gone_on = resume(standing, office(), late, by="handler", now=late)
    assert clock_of(gone_on).pauses[0].until == at("06-15 10:00") + PAUSE_CAP
    assert clock_of(gone_on).due == latest_due(clock_of(standing), office())
    with pytest.raises(ValueError, match="runs"):
        goes_on_at(clock_of(BEGUN))


def test_ninety_days_are_all_that_a_clock_gets() -> None:
    long = replace(DECIDE, amount=100)
    begun = start(long, office(), at("01-05 10:00"), by="x", now=at("01-05 10:00"))
    end = at("01-06 10:00") + PAUSE_CAP
    standing = pause(begun, office(), at("01-06 10:00"), COURT, reason="x", by="x", now=end)
    gone_on = resume(standing, office(), end, by="x", now=end)
    later = end + DAY
    words = refusal(lambda: pause(gone_on, office(), later, COURT, reason="x", by="x", now=later))
    assert words == "The clock has stood still for 90 days, and may not for longer."


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda: paused(reason=" "), "Say why."),
        (lambda: paused("06-15 10:00", now=at("06-15 09:59")), "in the future"),
        (lambda: paused("06-11 10:00", now=at("06-15 10:00")), "before the clock started"),
        (lambda: paused("06-27 10:00"), "own delay is no ground"),
        # Nor by a pause that is said to have begun before, once time has run out.
        (lambda: paused("06-15 10:00", now=at("06-27 10:00")), "own delay is no ground"),
        (lambda: paused("06-16 10:00", ledger=paused()), "stands still already"),
        (lambda: resumed(BEGUN, "06-16 10:00"), "not standing still"),
        (lambda: resumed(paused(), "06-15 10:00"), "after it began"),
        (lambda: resumed(paused(), "06-18 10:00", now=at("06-18 09:00")), "in the future"),
    ],
)  # fmt: skip
def test_a_pause_that_may_not_be_is_refused(act: Callable[[], object], words: str) -> None:
    assert words in refusal(act)


def test_an_extension_adds_what_is_granted() -> None:
    assert shown(clock_of(extended()).due) == "07-03 23:59"
    assert shown(clock_of(extended(amount=10)).due) == "07-10 23:59"
    assert clock_of(extended(paused())).due is None
    assert clock_of(extended(paused())).extensions == (5,)


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda: extended(amount=11), "Extend by 1 to 10"),
        (lambda: extended(amount=0), "Extend by 1 to 10"),
        (lambda: extended(amount=-5), "Extend by 1 to 10"),
        (lambda: extended(reason=""), "Say why."),
        (lambda: extended(role=Role.HANDLER), "Only this role"),
        (lambda: extended(extended()), "cannot be extended again"),
        (lambda: extended(asked_at=at("06-27 10:00")), "What is late is not extended."),
        (lambda: extended(allowance=None), "allows no extension"),
        (lambda: extended(amount=11, allowance=SAME_AGAIN), "Extend by 1 to 10"),
        (lambda: extended(amount=10**30, allowance=Allowance(Role.DECIDER)), "Extend by 1 to"),
    ],
)  # fmt: skip
def test_an_extension_that_the_pack_does_not_allow_is_refused(
    act: Callable[[], object], words: str
) -> None:
    assert words in refusal(act)


def test_an_extension_that_was_asked_for_in_time_may_be_granted_after_it() -> None:
    assert shown(clock_of(extended(now=at("06-29 10:00"))).due) == "07-03 23:59"


NEW_HOLIDAY = office(holiday(date(2026, 6, 24)), version=2)


def test_a_holiday_announced_late_moves_open_clocks_and_says_so() -> None:
    moved = recalculate(BEGUN, NEW_HOLIDAY, by="calendar", now=at("06-20 10:00"))
    assert len(moved) == 2
    assert (shown(moved[1].was), shown(moved[1].due)) == ("06-26 23:59", "06-29 23:59")
    assert (moved[0].calendar_version, moved[1].calendar_version) == (1, 2)


def test_a_holiday_announced_late_leaves_closed_clocks_alone() -> None:
    ended = stop(BEGUN, office(), at("06-19 10:00"), by="x", now=at("06-19 10:00"), reason="")
    assert recalculate(ended, NEW_HOLIDAY, by="x", now=at("06-20 10:00")) is ended


def test_a_holiday_that_moves_nothing_is_not_written_down() -> None:
    later = office(holiday(date(2026, 7, 24)), version=2)
    assert recalculate(BEGUN, later, by="x", now=at("06-20 10:00")) is BEGUN


def test_a_change_with_a_new_calendar_writes_down_both() -> None:
    ledger = extend(
        BEGUN, NEW_HOLIDAY, 5, TEN_MORE, role=Role.DECIDER, asked_at=at("06-20 10:00"),
        reason="x", by="x", now=at("06-22 10:00"),
    )  # fmt: skip
    assert [one.kind for one in ledger[1:]] == [EntryKind.RECALCULATED, EntryKind.EXTENDED]
    assert [shown(one.due) for one in ledger] == ["06-26 23:59", "06-29 23:59", "07-06 23:59"]


def test_another_category_brings_another_rule_but_not_another_start() -> None:
    longer = Rule("Roads", 3, 20, ClockUnit.WORKING_DAYS)
    ledger = change_rule(
        extended(), longer, office(), reason="It is about a road.", by="x", now=at("06-23 10:00")
    )
    assert clock_of(ledger).start == at("06-12 10:00")
    assert shown(clock_of(ledger).due) == "07-17 23:59"  # 25 working days: extended as before
    in_hours = Rule("Water", 1, 16, ClockUnit.WORKING_HOURS)
    ledger = change_rule(ledger, in_hours, office(), reason="x", by="x", now=at("06-23 11:00"))
    assert clock_of(ledger).extensions == ()  # it was granted in days
    assert clock_of(ledger).due == due(in_hours, office(), at("06-12 10:00")).at


def test_a_clock_is_stopped_in_time_or_late() -> None:
    for moment, late in (("06-26 23:59", False), ("06-27 00:00", True)):
        now = at("06-29 10:00")
        ended = stop(BEGUN, office(), at(moment), by="x", now=now, reason="Answered")
        assert clock_of(ended).is_late is late
        assert clock_of(ended).stopped_at == at(moment)
        assert not clock_of(BEGUN).is_late
    assert refusal(lambda: stop(BEGUN, office(), at("06-12 09:59"), by="x", now=now, reason=""))
    assert refusal(lambda: stop(BEGUN, office(), at("06-30 09:59"), by="x", now=now, reason=""))


def test_an_answer_ends_the_pause_too() -> None:
    ended = stop(paused(), office(), at("06-18 10:00"), by="x", now=at("06-18 10:00"), reason="")
    assert [one.kind for one in ended[1:]] == ["paused", "resumed", "stopped"]
    assert not clock_of(ended).is_late
    before = stop(paused(), office(), at("06-12 11:00"), by="x", now=at("06-18 10:00"), reason="")
    assert shown(clock_of(before).due) == "06-26 23:59"


def test_what_has_ended_is_not_changed() -> None:
    now = at("06-19 10:00")
    ended = stop(BEGUN, office(), now, by="x", now=now, reason="")
    for act in (
        lambda: pause(ended, office(), now, COURT, reason="x", by="x", now=now),
        lambda: resume(ended, office(), now, by="x", now=now),
        lambda: extended(ended),
        lambda: change_rule(ended, DECIDE, office(), reason="x", by="x", now=now),
        lambda: stop(ended, office(), now, by="x", now=now, reason=""),
    ):
        assert refusal(act) == "This clock has ended. What has ended is not counted anew."


# --- Every ledger comes to its due time ------------------------------------------------------


def random_life(random: Random, steps: int) -> tuple[Ledger, Calendars]:
    """Return the ledger of a clock that has seen that much, and every version of its calendar."""
    near = date(random.randint(2010, 2029), random.randint(1, 12), random.randint(1, 28))
    calendar = random_calendar(random, near=near)
    known: dict[tuple[str, int], Calendar] = {(calendar.name, 1): calendar}
    now = datetime(near.year, near.month, near.day, tzinfo=UTC)
    ledger = start(random_rule(random), calendar, now, by="intake", now=now)
    allowance = Allowance(Role.DECIDER, most=20, times=3)
    for _ in range(steps):
        now += timedelta(seconds=random.randrange(1, 5 * 86_400))
        clock = clock_of(ledger)
        act = random.choice(["pause", "resume", "extend", "holiday", "rule", "stop"])
        try:
            if act == "pause":
                since = max(clock.start, now - timedelta(seconds=random.randrange(10**5)))
                ledger = pause(ledger, calendar, since, COURT, reason="x", by="x", now=now)
            elif act == "resume":
                ledger = resume(ledger, calendar, now, by="x", now=now)
            elif act == "extend":
                ledger = extend(
                    ledger, calendar, random.randint(1, 20), allowance, role=Role.DECIDER,
                    asked_at=now, reason="x", by="x", now=now,
                )  # fmt: skip
            elif act == "holiday":
                day = now.date() + DAY * random.randint(-5, 40)
                special = {one.day: one for one in calendar.special} | {day: holiday(day)}
                calendar = replace(
                    calendar, version=calendar.version + 1, special=tuple(special.values())
                )
                known[calendar.name, calendar.version] = calendar
                ledger = recalculate(ledger, calendar, by="x", now=now)
            elif act == "rule":
                ledger = change_rule(
                    ledger, random_rule(random), calendar, reason="x", by="x", now=now
                )
            elif random.random() < 0.2:
                ledger = stop(ledger, calendar, now, by="x", now=now, reason="x")
        except RuleBroken:
            continue
    return ledger, known


def random_rule(random: Random) -> Rule:
    unit = random.choice(list(ClockUnit))
    rolls = unit in (ClockUnit.CALENDAR_DAYS, ClockUnit.MONTHS)
    whole = unit is not ClockUnit.WORKING_HOURS
    return Rule(
        f"Rule {random.randint(1, 9)}",
        random.randint(1, 5),
        random.randint(1, 30) if unit is not ClockUnit.MONTHS else random.randint(1, 6),
        unit,
        counts_first_day=whole and random.random() < 0.5,
        rolls_forward=rolls and random.random() < 0.5,
        cut_off=CutOff(time(17), time(9)),
    )


def test_every_ledger_replays_to_its_due_time(figures: Callable[[str], None]) -> None:
    """And through JSON; and each sentence about it can be said."""
    random = Random(2022)  # noqa: S311
    entries, kinds = 0, set()
    number = size(250, 5_000)
    for _ in range(number):
        ledger, known = random_life(random, steps=12)
        assert replay(ledger, known) == clock_of(ledger).due == ledger[-1].due
        assert from_json(json.loads(json.dumps(to_json(ledger)))) == ledger
        assert "%(" not in str(explain(ledger))
        entries += len(ledger)
        kinds |= {one.kind for one in ledger}
    assert kinds == set(EntryKind)
    figures(f"Clock: {number:,} ledgers of {entries:,} entries replay to their due times")


@CAREFUL
@given(calendars, rules(), st.dates(date(2010, 1, 1), date(2029, 1, 1)), st.integers(1, 60))
def test_another_holiday_moves_open_clocks_no_earlier(
    calendar: Calendar, rule: Rule, day: date, after: int
) -> None:
    moment = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
    announced = day + DAY * after
    others = tuple(one for one in calendar.special if one.day != announced)
    later = replace(calendar, version=2, special=(*others, holiday(announced)))
    begun = start(rule, calendar, moment, by="x", now=moment)
    moved = recalculate(begun, later, by="x", now=moment)
    assert moved[-1].due is not None
    assert moved[-1].due >= begun[-1].due
    known = {(one.name, one.version): one for one in (calendar, later)}
    assert replay(moved, known) == moved[-1].due
    ended = stop(begun, calendar, moment, by="x", now=moment, reason="x")
    assert recalculate(ended, later, by="x", now=moment + DAY) is ended


KNOWN = {("district", 1): office(), ("district", 2): NEW_HOLIDAY}


@pytest.mark.parametrize(
    ("forged", "words"),
    [
        ((), "empty"),
        ((replace(BEGUN[0], due=at("06-30 10:00")),), "does not come to"),
        ((replace(BEGUN[0], rule=replace(DECIDE, amount=11)),), "does not come to"),
        ((replace(BEGUN[0], moment=at("06-15 10:00")),), "does not come to"),
        ((replace(BEGUN[0], moment=None),), "one start"),
        ((BEGUN[0], BEGUN[0]), "another due time"),
        (extended()[1:], "another due time"),
        ((*BEGUN, replace(extended()[1], was=at("06-30 10:00"))), "another due time"),
        ((*BEGUN, replace(extended()[1], amount=4)), "does not come to"),
        ((*BEGUN, replace(extended()[1], amount=None)), "does not fit"),
        ((*BEGUN, replace(BEGUN[0], was=BEGUN[0].due)), "one start"),
        ((*paused(), replace(paused()[1], was=None)), "does not fit"),
        (
            (
                *stop(BEGUN, office(), at("06-19 10:00"), by="x", now=at("06-19 10:00"), reason=""),
                extended()[1],
            ),
            "had ended",
        ),
    ],
)
def test_a_ledger_that_was_tampered_with_is_found_out(forged: Ledger, words: str) -> None:
    with pytest.raises(LedgerBroken, match=words):
        replay(forged, KNOWN)


@pytest.mark.parametrize(
    "change",
    [
        lambda one: one.pop("rule"),
        lambda one: one.update(kind="abolished"),
        lambda one: one.update(to="soon"),
        lambda one: one["rule"].update(unit="fortnights"),
        lambda one: one["rule"].update(secret=1),
        lambda one: one.update(to=7),
        lambda one: one.pop("by"),
    ],
)
def test_what_is_no_ledger_is_not_read(change: Callable[[dict[str, Any]], object]) -> None:
    data = to_json(BEGUN)
    change(data[0])
    with pytest.raises(LedgerBroken):
        from_json(data)


# --- In words --------------------------------------------------------------------------------


def english(ledger: Ledger) -> str:
    return said(ledger, lambda sentence: sentence)


def said(ledger: Ledger, translate: Callable[[str], str]) -> str:
    """Return the explanation, with times as London reads them."""

    def show(value: Any) -> str:
        return shown(value) if isinstance(value, datetime) else str(value)

    return say(explain(ledger), translate, show)


def test_a_due_time_says_why_it_is_what_it_is() -> None:
    assert english(BEGUN) == (
        "Due on 06-26 23:59: 10 working days from 06-12 10:00 by the rule “Decide”, version 1;"
        " by version 1 of the calendar “district”."
    )
    ledger = resumed(paused(), "06-18 16:00")
    ledger = recalculate(extended(ledger, 1), NEW_HOLIDAY, by="x", now=at("06-22 12:00"))
    assert english(ledger) == (
        "Due on 07-03 23:59: 10 working days from 06-12 10:00 by the rule “Decide”, version 1;"
        " 1 working day more by an extension;"
        " without the pause from 06-15 10:00 to 06-18 16:00 (waiting_for_complainant);"
        " counted anew on 06-22 12:00 with a new version of the calendar, before due 07-02 23:59;"
        " by version 2 of the calendar “district”."
    )


def test_a_clock_that_stands_still_says_so() -> None:
    assert english(paused()).startswith(
        "It has stood still since 06-15 10:00, for this reason: waiting_for_complainant (10 working"
    )


def test_a_clock_that_has_ended_says_whether_in_time() -> None:
    now = at("06-29 10:00")
    late = stop(BEGUN, office(), now, by="x", now=now, reason="Answered")
    assert english(late).startswith("Ended on 06-29 10:00, too late: it was due on 06-26 23:59 (10")
    in_time = stop(BEGUN, office(), at("06-19 10:00"), by="x", now=now, reason="Answered")
    assert english(in_time).startswith("Ended on 06-19 10:00, in time: it was due on 06-26 23:59")


def test_a_sentence_names_closed_days_and_other_rules() -> None:
    rolled = Rule("Article 34", 1, 2, ClockUnit.CALENDAR_DAYS, rolls_forward=True)
    begun = start(rolled, office(), at("06-12 10:00"), by="x", now=at("06-12 10:00"))
    assert "moved on from 2026-06-14, which is a closed day" in english(begun)
    other = change_rule(begun, DECIDE, office(), reason="x", by="x", now=at("06-13 10:00"))
    assert "the rule was Article 34 until 06-13 10:00" in english(other)
    assert "closed day" not in english(other)
    first = Rule("Act", 1, 6, ClockUnit.WORKING_DAYS, counts_first_day=True)
    begun = start(first, office(), at("06-12 10:00"), by="x", now=at("06-12 10:00"))
    assert "6 working days with the first day, from 06-12 10:00 by the rule “Act”" in english(begun)
    moved = Rule("B", 1, 2, ClockUnit.WORKING_DAYS, ends=DueTime.SAME_CLOCK, moves_start=True)
    begun = start(moved, office(), at("06-13 10:00"), by="x", now=at("06-13 10:00"))
    assert "counted from 06-15 10:00, because it came outside the hours of the rule" in english(
        begun
    )


CHINESE = {
    "Due on %(due)s: %(why)s.": "%(why)s，%(due)s到期。",
    "%(one)s; %(other)s": "%(one)s；%(other)s",
    "%(time)s from %(start)s by the rule “%(rule)s”, version %(version)s": (
        "依据%(rule)s（第%(version)s版），自%(start)s起%(time)s"
    ),
    "%(number)s working days": "%(number)s个工作日",
    "by version %(version)s of the calendar “%(calendar)s”": "日历%(calendar)s第%(version)s版",
}


def test_chinese_says_it_in_its_own_order() -> None:
    assert said(BEGUN, CHINESE.__getitem__) == (
        "依据Decide（第1版），自06-12 10:00起10个工作日；日历district第1版，06-26 23:59到期。"
    )


@pytest.mark.parametrize("unit", ClockUnit)
def test_one_of_a_unit_is_no_plural(unit: ClockUnit) -> None:
    assert str(spell(1, unit)).endswith(("hour", "day", "month"))
    assert str(spell(2, unit)).endswith(("hours", "days", "months"))

"""A ledger as people read it, in one sentence, and as it is kept, in JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, time
from functools import reduce
from typing import Any

from rules import Said, mark
from rules.deadlines import CutOff, Rule
from rules.grievance import PauseGround
from rules.ledger import Clock, Entry, EntryKind, Ledger, LedgerBroken, clock_of
from rules.offices import ClockUnit, DueTime

# --- In words --------------------------------------------------------------------------------

_ONE = {
    ClockUnit.WORKING_HOURS: mark("1 working hour"),
    ClockUnit.WORKING_DAYS: mark("1 working day"),
    ClockUnit.CALENDAR_DAYS: mark("1 calendar day"),
    ClockUnit.MONTHS: mark("1 month"),
}
_MANY = {
    ClockUnit.WORKING_HOURS: mark("%(number)s working hours"),
    ClockUnit.WORKING_DAYS: mark("%(number)s working days"),
    ClockUnit.CALENDAR_DAYS: mark("%(number)s calendar days"),
    ClockUnit.MONTHS: mark("%(number)s months"),
}


def spell(amount: int, unit: ClockUnit) -> Said:
    """Return so many of a unit in words."""
    return Said(_ONE[unit]) if amount == 1 else Said(_MANY[unit], {"number": amount})


def explain(ledger: Ledger) -> Said:
    """Return one sentence that says when the time ends and why then: the rule and its start, what
    was added and why, and the version of the calendar."""
    clock = clock_of(ledger)
    why = reduce(
        lambda one, other: Said(mark("%(one)s; %(other)s"), {"one": one, "other": other}),
        _reasons(ledger, clock),
    )
    if clock.stopped_at:
        late = mark("Ended on %(ended)s, too late: it was due on %(due)s (%(why)s).")
        in_time = mark("Ended on %(ended)s, in time: it was due on %(due)s (%(why)s).")
        values = {"ended": clock.stopped_at, "due": clock.due, "why": why}
        return Said(late if clock.is_late else in_time, values)
    if clock.stands_since:
        entry = [one for one in ledger if one.kind is EntryKind.PAUSED][-1]
        return Said(
            mark("It has stood still since %(since)s, for this reason: %(ground)s (%(why)s)."),
            {"since": clock.stands_since, "ground": entry.ground, "why": why},
        )
    return Said(mark("Due on %(due)s: %(why)s."), {"due": clock.due, "why": why})


def _reasons(ledger: Ledger, clock: Clock) -> list[Said]:
    """Return what the due time rests on, in the order in which it is counted."""
    rule, counted = clock.rule, [one for one in ledger if one.counted_from][-1:]
    given = {
        "time": spell(rule.amount, rule.unit),
        "start": clock.start,
        "rule": rule.name,
        "version": rule.version,
    }
    if rule.counts_first_day:
        sentence = mark(
            "%(time)s with the first day, from %(start)s by the rule “%(rule)s”,"
            " version %(version)s"
        )
    else:
        sentence = mark("%(time)s from %(start)s by the rule “%(rule)s”, version %(version)s")
    reasons = [Said(sentence, given)]
    if counted and counted[0].counted_from != clock.start:
        sentence = mark("counted from %(moment)s, because it came outside the hours of the rule")
        reasons.append(Said(sentence, {"moment": counted[0].counted_from}))
    for amount in clock.extensions:
        sentence = mark("%(time)s more by an extension")
        reasons.append(Said(sentence, {"time": spell(amount, rule.unit)}))
    reasons += _pauses(ledger)
    if counted and counted[0].rolled_from:
        sentence = mark("moved on from %(day)s, which is a closed day")
        reasons.append(Said(sentence, {"day": counted[0].rolled_from}))
    reasons += _changes(ledger)
    sentence = mark("by version %(version)s of the calendar “%(calendar)s”")
    values = {"version": clock.calendar_version, "calendar": clock.calendar}
    return [*reasons, Said(sentence, values)]


def _pauses(ledger: Ledger) -> list[Said]:
    """Return the pauses that have ended."""
    begun = [one for one in ledger if one.kind is EntryKind.PAUSED]
    ended = [one for one in ledger if one.kind is EntryKind.RESUMED]
    sentence = mark("without the pause from %(since)s to %(until)s (%(ground)s)")
    return [
        Said(sentence, {"since": one.moment, "until": other.moment, "ground": one.ground})
        for one, other in zip(begun, ended, strict=False)  # the last one may still run
    ]


def _changes(ledger: Ledger) -> list[Said]:
    """Return what rule and which due time there were before."""
    reasons = []
    before = ledger[0]
    for entry in ledger[1:]:
        if entry.kind is EntryKind.RULE_CHANGED:
            sentence = mark("the rule was %(rule)s until %(day)s")
            reasons.append(Said(sentence, {"rule": before.rule.name, "day": entry.at}))
        if entry.kind is EntryKind.RECALCULATED and entry.was:
            sentence = mark(
                "counted anew on %(day)s with a new version of the calendar, before due %(was)s"
            )
            reasons.append(Said(sentence, {"day": entry.at, "was": entry.was}))
        before = entry
    return reasons


# --- In JSON ---------------------------------------------------------------------------------


def to_json(ledger: Ledger) -> list[dict[str, Any]]:
    """Return `ledger` as lists, objects, texts and numbers: instants in UTC as in ISO 8601. What
    an entry has no value for is left out."""
    return [
        {
            "kind": entry.kind.value,
            "from": _written(entry.was),
            "to": _written(entry.due),
            "rule": {key: _written(value) for key, value in _plain(entry.rule).items()},
            **{
                name: _written(getattr(entry, name))
                for name in _PLAIN_FIELDS
                if getattr(entry, name) is not None
            },
        }
        for entry in ledger
    ]


def from_json(data: Sequence[Mapping[str, Any]]) -> Ledger:
    """Return the ledger that to_json() wrote. Raises LedgerBroken where it cannot be read or where
    its entries do not follow from each other."""
    try:
        ledger = tuple(_entry(one) for one in data)
    except (KeyError, TypeError, ValueError) as problem:
        raise LedgerBroken(f"the ledger cannot be read: {problem!r}") from problem
    clock_of(ledger)
    return ledger


_PLAIN_FIELDS = (
    "calendar", "calendar_version", "reason", "by", "at", "moment", "ground", "amount",
    "counted_from", "rolled_from",
)  # fmt: skip


def _plain(rule: Rule) -> dict[str, Any]:
    values = asdict(rule)
    if rule.cut_off:
        values["cut_off"] = [rule.cut_off.at.isoformat(), rule.cut_off.resumes.isoformat()]
    return values


def _written(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value.isoformat() if isinstance(value, date) else value


def _entry(data: Mapping[str, Any]) -> Entry:
    given = dict(data["rule"])
    given["unit"], given["ends"] = ClockUnit(given["unit"]), DueTime(given["ends"])
    if given["cut_off"]:
        given["cut_off"] = CutOff(*(time.fromisoformat(one) for one in given["cut_off"]))
    rolled, ground = data.get("rolled_from"), data.get("ground")
    return Entry(
        kind=EntryKind(data["kind"]),
        was=_moment(data["from"]),
        due=_moment(data["to"]),
        rule=Rule(**given),
        calendar=data["calendar"],
        calendar_version=data["calendar_version"],
        reason=data["reason"],
        by=data["by"],
        at=datetime.fromisoformat(data["at"]),
        moment=_moment(data.get("moment")),
        ground=PauseGround(ground) if ground else None,
        amount=data.get("amount"),
        counted_from=_moment(data.get("counted_from")),
        rolled_from=date.fromisoformat(rolled) if rolled else None,
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None

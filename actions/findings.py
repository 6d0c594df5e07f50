"""What each step in the life of a finding or of a supervision notice writes down, and what it
checks first. actions/supervising.py calls them, nothing else does."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from models import (
    Finding,
    FindingPostponement,
    NoticeExtension,
    Officer,
    SupervisionNotice,
    db,
)
from queries.findings import groups_of, may_repeat, open_request
from rules import RuleBroken
from rules.facts import day_to_come, written
from rules.findings import check_told
from rules.grievance import RequestState
from rules.supervision import RootCause


@dataclass(frozen=True)
class Turn:
    """A step that is being taken: with what, by whom, when."""

    record: Any
    by: Officer
    now: datetime
    today: date
    issuer: "Issuer | None" = None


Issuer = Callable[[SupervisionNotice, date], None]
"""Numbers a notice and keeps its papers: actions/notices.py makes one."""


def _after(name: str, day: date | None, today: date) -> date:
    """Return a day after today by which an office is to do something."""
    on = day_to_come(name, day, today)
    if on == today:
        raise RuleBroken("Leave the office time: choose a later day.", field=name)
    return on


# --- Telling the office ----------------------------------------------------------------------


def _notify(turn: Turn, *, reply_due_on: date | None) -> None:
    check_told(turn.record.severity, "notify")
    _give_group(turn)
    turn.record.reply_due_on = _after("reply_due_on", reply_due_on, turn.today)
    turn.record.notified_on = turn.today


def _give_group(turn: Turn) -> None:
    """Have a finding without a group followed up by the one that supervises the office, else by
    that of who tells the office."""
    if turn.record.group_id is None:
        mine, of_office = groups_of(db.session(), turn.by.id, turn.record.office_id, turn.today)
        turn.record.group_id = min(mine & of_office or of_office or mine, default=None)


def _tell(turn: Turn) -> None:
    check_told(turn.record.severity, "tell")
    turn.record.notified_on = turn.record.closed_on = turn.today


def _receive(turn: Turn) -> None:
    turn.record.received_on, turn.record.received_by_id = turn.today, turn.by.id


# --- Reply and commitment --------------------------------------------------------------------


def _reply(
    turn: Turn,
    *,
    reply: str | None,
    due_on: date | None,
    root_cause: RootCause | None = None,
) -> None:
    one: Finding = turn.record
    one.reply = written("reply", reply)
    one.due_on = one.first_due_on = day_to_come("due_on", due_on, turn.today)
    one.replied_on, one.replied_by_id = turn.today, turn.by.id
    if root_cause is not None:
        one.root_cause = root_cause
    if one.received_on is None:
        _receive(turn)


def _agree(turn: Turn) -> None:
    """The office does what it said, by its own day."""


def _send_back(turn: Turn, reason: str | None) -> None:
    one: Finding = turn.record
    one.sent_back_because = written("reason", reason)
    one.sent_back_on, one.sent_back_by_id = turn.today, turn.by.id
    one.times_sent_back += 1


def _return_reply(turn: Turn, *, reason: str | None, reply_due_on: date | None) -> None:
    """Ask for another reply; the trail keeps the words of this one."""
    one: Finding = turn.record
    _send_back(turn, reason)
    one.reply_due_on = _after("reply_due_on", reply_due_on, turn.today)
    one.reply = one.replied_on = one.replied_by_id = one.due_on = one.first_due_on = None


def _drop(turn: Turn, *, reason: str | None) -> None:
    turn.record.closed_because = written("reason", reason)
    turn.record.closed_on = turn.today


# --- Done, and seen to be done ---------------------------------------------------------------


def _claim(turn: Turn, *, claim: str | None) -> None:
    one: Finding = turn.record
    one.claim = written("claim", claim)
    one.claimed_on, one.claimed_by_id = turn.today, turn.by.id
    _forget_request(turn)


def _verify(turn: Turn, *, verdict: str | None) -> None:
    one: Finding = turn.record
    one.verdict = written("verdict", verdict)
    one.verified_on, one.verified_by_id = turn.today, turn.by.id


def _refuse_claim(turn: Turn, *, reason: str | None) -> None:
    """Send it back; it is due on the day it was due, and the trail keeps the claim."""
    one: Finding = turn.record
    _send_back(turn, reason)
    one.claim = one.claimed_on = one.claimed_by_id = None


# --- More time -------------------------------------------------------------------------------


def _ask_time(turn: Turn, *, to_on: date | None, reason: str | None) -> None:
    one: Finding | SupervisionNotice = turn.record
    if db.session.scalar(open_request(one)) is not None:
        raise RuleBroken("More time was asked for already. Wait until that is decided.")
    is_finding = isinstance(one, Finding)
    due = one.due_on if is_finding else one.reply_due_on
    to = day_to_come("to_on", to_on, turn.today)
    if due is None or to <= due:
        raise RuleBroken("Choose a day after %(day)s: it is due then.", field="to_on", day=due)
    asked = {
        "from_on": due,
        "to_on": to,
        "reason": written("reason", reason),
        "asked_on": turn.today,
        "asked_by_id": turn.by.id,
    }
    db.session.add(
        FindingPostponement(finding_id=one.id, **asked)
        if is_finding
        else NoticeExtension(notice_id=one.id, **asked)
    )


def _decide_time(turn: Turn, state: RequestState, reasons: str) -> date:
    """Decide the request that waits, and return the day that it asks for."""
    asked = db.session.scalar(open_request(turn.record))
    if asked is None:
        raise RuleBroken("No request for more time waits to be decided.")
    asked.state, asked.decided_on = state, turn.today
    asked.granted_by_id, asked.decision_reasons = turn.by.id, reasons
    to_on: date = asked.to_on
    return to_on


def _forget_request(turn: Turn) -> None:
    """Take back the office's request for more time: it did what it asked the time for."""
    asked = db.session.scalar(open_request(turn.record))
    if asked is not None:
        db.session.delete(asked)


def _grant_time(turn: Turn, *, reason: str | None) -> None:
    one: Finding | SupervisionNotice = turn.record
    to_on = _decide_time(turn, RequestState.GRANTED, written("reason", reason))
    if isinstance(one, Finding):
        one.due_on = to_on
    else:
        one.first_reply_due_on = one.first_reply_due_on or one.reply_due_on
        one.reply_due_on = to_on


def _refuse_time(turn: Turn, *, reason: str | None) -> None:
    _decide_time(turn, RequestState.REFUSED, written("reason", reason))


# --- Notices ---------------------------------------------------------------------------------


def _issue(turn: Turn) -> None:
    notice: SupervisionNotice = turn.record
    if notice.reply_due_on <= turn.today:
        raise RuleBroken(
            "The day by which the office must reply is over. Edit the draft, and leave it time."
        )
    if turn.issuer is None:
        raise ValueError("a notice is issued with a number and its papers")
    turn.issuer(notice, turn.today)
    notice.issued_on, notice.issued_by_id = turn.today, turn.by.id


def _reply_to_notice(turn: Turn, *, reply: str | None) -> None:
    notice: SupervisionNotice = turn.record
    notice.reply = written("reply", reply)
    notice.replied_on, notice.replied_by_id = turn.today, turn.by.id
    _forget_request(turn)


def _close(turn: Turn, *, reason: str | None) -> None:
    notice: SupervisionNotice = turn.record
    notice.closed_because = written("reason", reason)
    notice.closed_on, notice.closed_by_id = turn.today, turn.by.id
    _forget_request(turn)


# --- Repeated findings -----------------------------------------------------------------------


def link_repeat(finding: Finding, earlier: Finding | None) -> None:
    """Set down that `finding` repeats `earlier`, which was suggested for it; None takes that
    back. Raises RuleBroken for one that it cannot repeat."""
    if earlier is not None and earlier not in may_repeat(db.session(), finding):
        raise RuleBroken(
            "Choose an earlier finding of the same office on the same ground.", field="repeats"
        )
    finding.repeats_id = earlier.id if earlier else None
    db.session.flush()


OF_FINDINGS: dict[str, Callable[..., None]] = {
    "notify": _notify,
    "tell": _tell,
    "receive": _receive,
    "reply": _reply,
    "agree": _agree,
    "return_reply": _return_reply,
    "drop": _drop,
    "claim": _claim,
    "ask_time": _ask_time,
    "grant_time": _grant_time,
    "refuse_time": _refuse_time,
    "verify": _verify,
    "refuse_claim": _refuse_claim,
}
"""What each step of rules/findings.py writes."""
OF_NOTICES: dict[str, Callable[..., None]] = {
    "issue": _issue,
    "reply": _reply_to_notice,
    "close": _close,
    "ask_time": _ask_time,
    "grant_time": _grant_time,
    "refuse_time": _refuse_time,
    "close_unanswered": _close,
}
"""What each step of rules/notices.py writes."""

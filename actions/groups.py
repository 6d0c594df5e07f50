"""Who belongs to a supervision group: terms begin, end and pass to others; none is ever deleted,
so that who inspected an office at any time stays known."""

from datetime import date

from sqlalchemy.orm import Session, object_session

from actions.assignments import PAST_STAYS, wait_for_others
from models import GroupMembership, Officer, SupervisionGroup
from queries import supervision as asking
from rules import RuleBroken, Said
from rules.assignments import Period, bar_of


def add_member(
    group: SupervisionGroup,
    officer: Officer,
    starts_on: date,
    ends_on: date | None,
    *,
    duty: str | None = None,
    is_leader: bool = False,
    on: date,
) -> GroupMembership:
    """Begin a term of `officer` in `group`; `on` is today. Raises RuleBroken, with the member and
    the office in the sentence, where the group has an office that they must not inspect, where
    their log-in is closed by then, or where the group is not there in that time."""
    session = _session(group)
    wait_for_others(session)
    term = _term(starts_on, ends_on)
    _check_days(group, officer, term)
    said = bars_of_term(session, group.id, officer, term, on=on)
    if said:
        raise RuleBroken(said[0].sentence, field="officer", **said[0].values)
    made = GroupMembership(
        group_id=group.id,
        officer_id=officer.id,
        starts_on=starts_on,
        ends_on=ends_on,
        duty=duty,
        is_leader=is_leader,
    )
    session.add(made)
    session.flush()
    return made


def end_term(term: GroupMembership, ends_on: date, *, on: date) -> GroupMembership:
    """End a term with `ends_on` as the first day after it. What was before today stays, and a term
    that has not begun is ended on its second day at the earliest. Raises RuleBroken."""
    session = _session(term)
    wait_for_others(session)
    session.refresh(term)
    if ends_on < on:
        raise RuleBroken(PAST_STAYS, field="ends_on")
    if term.ends_on is not None and term.ends_on <= ends_on:
        raise RuleBroken("The term ends before that day already.", field="ends_on")
    if ends_on <= term.starts_on:
        raise RuleBroken("The end must be after the start.", field="ends_on")
    term.ends_on = ends_on
    session.flush()
    return term


def replace_member(
    term: GroupMembership, officer: Officer, from_on: date, *, on: date
) -> GroupMembership:
    """End a term on `from_on` and begin one of `officer` on that day with the same duty, as leader
    where the other one led, until the day on which the first term would have ended. Returns the new
    term. Raises RuleBroken."""
    if officer.id == term.officer_id:
        raise RuleBroken("Choose somebody else than who is replaced.", field="officer")
    ends_on, group = term.ends_on, term.group
    end_term(term, from_on, on=on)
    return add_member(
        group,
        officer,
        from_on,
        ends_on,
        duty=term.duty,
        is_leader=term.is_leader,
        on=on,
    )


def bars_of_term(
    session: Session, group_id: int, officer: Officer, term: Period, *, on: date
) -> list[Said]:
    """Return why `officer` must not be in the group for `term`: a sentence for each of its offices
    that they must not inspect in that time."""
    seen = asking.picture(session, min(term.starts_on, on), today=on)
    member = asking.member(session, officer, term)
    return [
        said
        for place in seen.offices.values()
        for held in place.held
        if held.group_id == group_id
        and (together := held.period.within(member.term)) is not None
        and (said := bar_of(member, place, together, seen.offices, seen.policy)) is not None
    ]


def _term(starts_on: date, ends_on: date | None) -> Period:
    if ends_on is not None and ends_on <= starts_on:
        raise RuleBroken("The end must be after the start.", field="ends_on")
    return Period(starts_on, ends_on)


def _check_days(group: SupervisionGroup, officer: Officer, term: Period) -> None:
    if term.starts_on < group.formed_on:
        raise RuleBroken(
            "%(group)s is formed on %(day)s. Begin on that day or later.",
            field="starts_on",
            group=group.name,
            day=group.formed_on,
        )
    if group.dissolved_on is not None and term.starts_on >= group.dissolved_on:
        raise RuleBroken(
            "%(group)s is dissolved on %(day)s. End the period on that day or before.",
            field="starts_on",
            group=group.name,
            day=group.dissolved_on,
        )
    if officer.left_on is not None and officer.left_on <= term.starts_on:
        raise RuleBroken(
            "%(officer)s leaves on %(day)s. Choose somebody who stays.",
            field="officer",
            officer=officer.name,
            day=officer.left_on,
        )


def _session(record: SupervisionGroup | GroupMembership) -> Session:
    session = object_session(record)
    if session is None:
        raise ValueError("the record must be in a session")
    return session

"""What is typed into the form of a step, checked: texts, and days that are past or to come. Each
raises RuleBroken for the field `name`."""

from datetime import date, datetime, timedelta

from rules import RuleBroken

LONGEST_LINE, LONGEST_TEXT = 300, 100_000


def written(name: str, typed: str | None, most: int = LONGEST_TEXT) -> str:
    """Return a text that must be given, without blanks around it, of `most` characters at most."""
    text = (typed or "").strip()
    if not text:
        raise RuleBroken("Please fill this in.", field=name)
    if len(text) > most:
        raise RuleBroken("This is too long: at most %(most)s characters.", field=name, most=most)
    return text


def past_moment(name: str, at: datetime | None, now: datetime, *, since: datetime) -> datetime:
    """Return when something happened to a grievance that was received at `since`; `now` where
    nothing is said."""
    moment = at or now
    if moment > now:
        raise RuleBroken("This is still to come. Write when it happened.", field=name)
    if since - timedelta(minutes=1) < moment < since:
        return since  # forms tell minutes, and it was in the same one
    if moment < since:
        raise RuleBroken("That was before the grievance was received.", field=name)
    return moment


def past_day(name: str, day: date | None, today: date, *, since: date | None = None) -> date:
    """Return the day on which something happened, not before `since`; `today` where nothing is
    said."""
    on = day or today
    if on > today:
        raise RuleBroken("This is still to come. Write when it happened.", field=name)
    if since is not None and on < since:
        raise RuleBroken("That was before %(day)s.", field=name, day=since)
    return on


def day_to_come(name: str, day: date | None, today: date) -> date:
    """Return a day by which something is to be done."""
    if day is None:
        raise RuleBroken("Please fill this in.", field=name)
    if day < today:
        raise RuleBroken("This day is over. Choose one that is to come.", field=name)
    return day

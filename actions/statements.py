"""What complainants say of how they were treated: a rating of the handling, and a report that
somebody made them suffer for the grievance. Neither says who they are."""

from datetime import date

from sqlalchemy import insert

from models import Feedback, Grievance, Office, Officer, RetaliationReport, db
from queries.identity import office_tree
from rules import RuleBroken
from rules.facts import LONGEST_LINE, LONGEST_TEXT, past_day, written
from rules.grievance import GrievanceState, ReportState
from rules.impartiality import line_of


def give_feedback(
    grievance: Grievance,
    *,
    rating: int | None,
    given_on: date | None,
    today: date,
    is_put_right: bool | None = None,
    comment: str | None = None,
) -> Feedback:
    """Write down how the handling of a closed grievance was rated. Raises RuleBroken, with the
    field at fault, where it is not closed or the rating is none."""
    if grievance.state is not GrievanceState.CLOSED:
        raise RuleBroken("A grievance is rated once it is closed.")
    if rating is None or not 1 <= rating <= 5:
        raise RuleBroken("A rating is from 1 to 5.", field="rating")
    on = past_day("given_on", given_on, today)
    feedback = Feedback(
        grievance_id=grievance.id,
        given_on=on,
        rating=rating,
        is_put_right=is_put_right,
        comment=(comment or "").strip()[:LONGEST_TEXT] or None,
    )
    db.session.add(feedback)
    db.session.flush()
    return feedback


def report_retaliation(
    grievance: Grievance,
    *,
    office: Office | None,
    subject: str | None,
    account: str | None,
    reported_on: date | None,
    today: date,
) -> None:
    """Write a report down for the deciders. Who writes it down does not read it afterwards, unless
    they are one: nothing of it is given back. Raises RuleBroken."""
    if office is None:
        raise RuleBroken("Choose the office that is said to have done it.", field="office")
    told = {
        "grievance_id": grievance.id,
        "office_id": office.id,
        "subject": written("subject", subject, LONGEST_LINE),
        "account": written("account", account),
        "reported_on": past_day("reported_on", reported_on, today),
    }
    # Without RETURNING, which the policy of the table would refuse to the intake desk.
    db.session.execute(insert(RetaliationReport.__table__).values(told).inline())


def decide_report(
    report: RetaliationReport,
    *,
    state: ReportState | None,
    reasons: str | None,
    by: Officer,
    today: date,
) -> None:
    """Confirm a report or not, with reasons. Raises RuleBroken where it is decided, or `by` is of
    the line of the office that is said to have done it."""
    if report.state is not ReportState.REPORTED:
        raise RuleBroken("This report is decided already.")
    if report.office_id in line_of({by.office_id}, office_tree(db.session())):
        raise RuleBroken(
            "You are of the office that is said to have done it, or of one below it. A decider"
            " outside it must decide this."
        )
    if state not in (ReportState.CONFIRMED, ReportState.NOT_CONFIRMED):
        raise RuleBroken("Say whether it is so.", field="state")
    report.reasons = written("reasons", reasons)
    report.state, report.decided_on, report.decided_by_id = state, today, by.id
    db.session.flush()

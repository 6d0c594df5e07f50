"""The lists that supervisors go through, by their names: across the offices that they see, or of
one office and those below it. What is open is asked by its age, its clock and its state."""

from dataclasses import dataclass

from rules import mark
from rules.casework import OVER
from rules.findings import OWED_BY_OFFICE
from rules.grievance import RemedyState
from rules.supervision import FindingState, NoticeState

AGED = 60
"""Days after which an open grievance counts as old: the longest that a first answer may take
(China's regulation of 2022 on letters and visits)."""


@dataclass(frozen=True)
class Named:
    """A list: its record type by its table, the filters that make it, what an office is called in
    it, and by what it is sorted."""

    words: str
    record: str
    filters: tuple[tuple[str, str], ...]
    office: str = "office"
    sort: str = "id"


_OPEN = ("state_not_equals", ",".join(OVER))

LISTS = (
    Named(
        mark("Grievances past their time"),
        "grievance",
        (_OPEN, ("due_at_overdue", "")),
        "responsible_office",
        "due_at",
    ),
    Named(
        mark("Grievances open for more than 60 days"),
        "grievance",
        (_OPEN, ("received_at_older", str(AGED))),
        "responsible_office",
        "received_at",
    ),
    Named(
        mark("Remedies past their day"),
        "remedy",
        (("state_equals", RemedyState.PROMISED), ("due_on_older", "0")),
        sort="due_on",
    ),
    Named(
        mark("Findings without a reply past its day"),
        "finding",
        (("reply_due_on_overdue", ""),),
        sort="reply_due_on",
    ),
    Named(
        mark("Findings that the office has the next step of"),
        "finding",
        (("state_equals", ",".join(OWED_BY_OFFICE)),),
        sort="found_on",
    ),
    Named(
        mark("Findings past the day that the office committed itself to"),
        "finding",
        (("due_on_overdue", ""),),
        sort="due_on",
    ),
    Named(
        mark("Findings to be verified"),
        "finding",
        (("state_equals", FindingState.CLAIMED),),
        sort="due_on",
    ),
    Named(
        mark("Notices without a reply past its day"),
        "supervision_notice",
        (("state_equals", NoticeState.ISSUED), ("reply_due_on_overdue", "")),
        sort="reply_due_on",
    ),
    Named(
        mark("Notices that wait for a reply"),
        "supervision_notice",
        (("state_equals", NoticeState.ISSUED),),
        sort="reply_due_on",
    ),
)

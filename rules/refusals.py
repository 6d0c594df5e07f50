"""What people read when a constraint of the database refuses a save.

The key is the name of the constraint: with its table where only that table means it so
("grievance_closed_has_time"), without it where the name says enough ("ends_after_start").
"""

from rules import mark

SENTENCES: dict[str, str] = {
    # What is kept
    "not_changed": mark("The audit trail is only added to."),
    "not_emptied": mark("Records are deleted one by one: each leaves an entry in the trail."),
    "number_is_kept": mark("A number that was given stays listed; this record is not deleted."),
    "is_frozen": mark("Frozen evidence is neither changed nor deleted."),
    "is_kept": mark("What was recorded here is neither changed nor deleted."),
    "file_is_kept": mark("The file of a document stays as it is. Upload another one."),
    "given_is_kept": mark("A decision that was given keeps its words. An appeal reviews it."),
    "issued_is_kept": mark(
        "A notice stays as it was issued: the office has its papers. Write another one."
    ),
    # Trees and periods
    "no_cycle": mark("A record cannot stand below itself. Choose another one above it."),
    "not_its_own_parent": mark("An office cannot be above itself. Choose another one."),
    "closes_after_opening": mark("The last day must not be before the first day."),
    "ends_after_start": mark("The end must be after the start."),
    "after_filing": mark("The due date and the decision cannot be before the filing."),
    "after_issue": mark("The reply and its due date must come after the issue."),
    "decided_after_asking": mark("A request cannot be decided before it was made."),
    "decided_after_report": mark("A report cannot be decided before it was made."),
    "plausible_year": mark("The year must be from 1900 to 2999."),
    "position_from_one": mark("Positions are counted from 1."),
    "sha256_in_hex": mark("A SHA-256 has 64 signs from 0 to 9 and a to f."),
    # Officers and standards
    "known_roles": mark("Choose roles from the list only."),
    "named_in_trail": mark(
        "The trail names this officer. Record that they leave instead: “Leaving” on their page."
    ),
    "role_decided_by_whom": mark("Say which administrator decided, and only of what was decided."),
    "taken_at_once": mark("Taking a role away is done at once, and nothing else is."),
    "refused_with_reasons": mark("Say why you refuse."),
    "role_change_one_open": mark(
        "Roles have been asked for already for this officer. Have that decided first."
    ),
    "by_administrator": mark("Only an administrator changes roles."),
    "for_who_is_here": mark("The officer has left. They must be taken back first."),
    "still_asked": mark("This request has been decided or has ended."),
    "in_time": mark("A request can be approved for 7 days. Ask anew."),
    "taken_back_by_asker": mark("Only who asked takes a request back. Refuse it instead."),
    "an_administrator_stays": mark(
        "This is the last administrator who can log in. Make another one first."
    ),
    "username_lower_case": mark("Write the username in small letters."),
    "takes_time": mark("A standard must give at least 1 unit of time."),
    "ends_some_day": mark("Give 10000 units of time at most."),
    "whole_first_day": mark(
        "The first day can count only where a time ends with a day, and not where it is given in "
        "hours or ends at the time of day of its start."
    ),
    "starts_on_a_working_day": mark(
        "Working days that end at the time of day of their start must begin on a working day: let "
        "a start on a closed day move."
    ),
    "cut_off_whole": mark("Write both times of the cut-off, or neither."),
    "cut_off_is_a_time": mark("Write times like 08:30 and 17:00."),
    "one_extension_limit": mark(
        "Say who grants an extension and how far with just one of the three ways; or neither."
    ),
    "extends_by_something": mark("An extension gives 1 unit at least, once at least."),
    "rule_pack_one_in_use": mark("Another rule pack is in use. Choose this one on its page."),
    "hours_of_day": mark(
        "Write hours like 09:00-12:00 13:00-17:00, and nothing where offices are closed."
    ),
    "version_from_one": mark("Versions are counted from 1."),
    "stays_in_force": mark(
        "This version of the calendar is in force: clocks were counted by it. Make a new version."
    ),
    # Clocks
    "runs_or_stands": mark("A clock runs towards its due time or stands still since a time."),
    "ended_runs_no_more": mark("A clock that has ended does not stand still."),
    "late_is_after_due": mark("Late is what ended after it was due, and only that."),
    "stage_has_a_clock": mark("More time has no clock of its own."),
    "clock_one_open": mark("This clock runs already."),
    # Grievances
    "grievance_acknowledged_has_time": mark(
        "An acknowledged grievance needs the time of its acknowledgement."
    ),
    "grievance_answered_has_time": mark("An answered grievance needs the time of its answer."),
    "grievance_closed_has_time": mark(
        "A closed grievance needs the time of its closing, and only a closed one has it."
    ),
    "grievance_withdrawn_has_time": mark(
        "A withdrawn grievance needs the time of the complainant's statement, and only a withdrawn "
        "one has it."
    ),
    "withdrawn_with_statement": mark(
        "A withdrawal is recorded from what the complainant stated, and needs those words."
    ),
    "way_back_is_known": mark(
        "An appealed grievance, or a duplicate, keeps where it stood before, and only such a one."
    ),
    "routed_by_step": mark(
        "The office of a grievance that is routed is changed by a step: an objection that is"
        " granted, or routing it anew. Use the steps on its page."
    ),
    "merged_by_step": mark(
        "A grievance becomes a duplicate by the step “Merge as a duplicate” on its page, and"
        " comes back by “Take the merge back”."
    ),
    "sent_back_with_reason": mark(
        "A remedy that is sent back has its day, the officer and what is missing: all or none."
    ),
    "nothing_before_receipt": mark(
        "Nothing can happen to a grievance before it was received. Check the dates."
    ),
    "routed_has_office": mark("A routed grievance needs the office that must put it right."),
    "source_has_number": mark("Give the source system and the number there, or neither."),
    "known_key": mark("The key version must be 1 or more."),
    "something_sealed": mark("There is nothing to seal."),
    "two_stay": mark(
        "Opening this identity takes two people, and that stays so for as long as it is sealed."
    ),
    "open_a_while": mark("An identity is opened for an hour at most."),
    "decided_by_someone": mark("Say when it was decided and by whom: both or neither."),
    "identity_request_one_open": mark("You have asked already. Wait until somebody decides."),
    "plan_step_done_has_day": mark("A step that is done needs its day, and only such a step."),
    "dropped_has_reason": mark("A dropped step needs a reason, and only such a step."),
    "at_most_90_days": mark("A pause lasts at most 90 days."),
    "pause_overlap": mark("This grievance is paused in part of that time already."),
    "decided_by_another": mark("Somebody else must decide this."),
    "decided_by_whom": mark(
        "A decision needs its day, the officer who decided and the reasons: all or none."
    ),
    "decided_has_time": mark("What is decided has the time of its decision, and only that."),
    "decided_has_day": mark("What is decided has the day of its decision, and only that."),
    "extension_one_open": mark(
        "An extension has been asked for already. Have it decided before you ask for another."
    ),
    "routing_objection_one_open": mark(
        "An objection is open already. Have it decided before you make another."
    ),
    "proposes_another_office": mark("Propose another office than the one that objects."),
    "size_not_negative": mark("A size cannot be below 0."),
    "stored_whole": mark("A stored document has its name, type, size and SHA-256: all or none."),
    "given_by_whom": mark("A decision that is given needs its day and the officer who gave it."),
    "given_has_day": mark("A decision that is given needs its day, and only such a one."),
    "decision_approved_by_another": mark("Somebody else than who drafted it must approve it."),
    "proposed_has_time": mark("A proposed decision needs the time at which it was proposed."),
    "sent_sha256_in_hex": mark("A SHA-256 has 64 signs from 0 to 9 and a to f."),
    "letter_template_one_in_use": mark(
        "One template of this kind and language is in use. Retire that one, or change it."
    ),
    "review_after_telling": mark("The time for a review ends after the complainant was told."),
    "review_once_told": mark("The time for a review begins when the complainant is told."),
    "told_after_giving": mark("The complainant cannot be told before the decision is given."),
    "told_once_given": mark("The complainant is told once the decision is given."),
    "done_after_promise": mark("A remedy cannot be done before it was promised."),
    "done_by_whom": mark("Say when it was done and by whom: both or neither."),
    "remedy_done_has_day": mark("A remedy that is done needs its day, and only such a one."),
    "due_after_promise": mark("A remedy cannot be due before it was promised."),
    "verified_after_done": mark("A remedy cannot be verified before it was done."),
    "verified_after_claim": mark("It cannot be verified before the office claimed it was done."),
    "verified_by_another": mark("Somebody else than the one who did it must verify it."),
    "verified_by_whom": mark("Say when it was verified and by whom: all or none."),
    "verified_has_day": mark("What is verified needs its day, and only that."),
    "late_with_reason": mark("A late appeal is admitted by somebody, with a reason."),
    "admitted_by_another": mark("Somebody else than who decided first admits a late appeal."),
    "appeal_one_open": mark("An appeal against this decision is open already."),
    "one_to_five": mark("A rating is from 1 to 5."),
    "links_two": mark("A grievance cannot be linked with itself. Choose another one."),
    "undone_with_reason": mark("Say when the link was undone and why: both or neither."),
    "grievance_link_pair": mark("These two grievances are linked already."),
    "impartiality_override_one": mark(
        "Leave for this has been asked for already, or given. See the list of overrides."
    ),
    "not_by_themselves": mark("Two others decide whether an officer may act all the same."),
    "asked_first": mark("Leave is asked for first. A second person agrees to it."),
    "in_own_name": mark("Everybody asks and decides in their own name."),
    # Supervision
    "dissolved_after_forming": mark("A group is dissolved after it was formed."),
    "group_membership_one_leader": mark("The group has a leader in that time already."),
    "group_membership_overlap": mark("This officer is in the group in that time already."),
    "supervision_assignment_overlap": mark(
        "Another group has this office in part of that time. End its period first."
    ),
    "cooling_off": mark(
        "A member of the group serves this office or one of its line, or has left it lately. "
        "Choose another group, or end that member's term first."
    ),
    "not_recused": mark(
        "A member of the group stands aside from this office. Choose another group, or end that "
        "member's term first."
    ),
    "officer_cooling_off": mark(
        "This officer's group supervises this office or one of its line. End the officer's term "
        "in the group first, or give the office to another group."
    ),
    "office_cooling_off": mark(
        "There, the office would be of the line of an inspector whose group supervises it. Give "
        "the office to another group first."
    ),
    "cools_off_ten_years_at_most": mark("Give 0 to 3660 days for the cooling-off."),
    "some_members": mark("A group needs 1 to 50 members."),
    "visits_within_ten_years": mark("Give 1 to 3660 days between visits."),
    "weights_to_100": mark("Give each weight from 0 to 100."),
    "some_offices": mark("A group is given one office at least."),
    "failed_has_reason": mark("What failed says why, and only that."),
    "worked_out_has_time": mark("A proposal is worked out at a time, or is still worked out."),
    "placed_has_group": mark("Choose a group for this office first."),
    "set_aside_by_others": mark(
        "A recusal is set aside by two other officers, not by the officer concerned."
    ),
    "set_aside_by_two": mark(
        "To set a recusal aside takes a day, a reason and two officers: all or none."
    ),
    "recusal_overlap": mark("This officer is recused from the office in that time already."),
    "begun_has_time": mark("A visit that has begun needs the time at which it did."),
    "planned_not_begun": mark("A visit that is planned has not begun. Begin it on its page."),
    "sample_of_up_to_100": mark("A sample has from 0 to 100 grievances."),
    "sample_from_before": mark("The sample must begin on or before the day of the visit."),
    "seed_in_hex": mark("A seed has 32 signs from 0 to 9 and a to f."),
    "stratum_not_empty": mark("A stratum has at least one grievance."),
    "inspection_answer_answered_by_whom": mark("An answer needs who gave it, and when."),
    "sampled_grievance_answered_by_whom": mark("An answer needs who gave it, and when."),
    "cancelled_has_reason": mark("A cancelled inspection needs a reason, and only such a one."),
    "inspection_done_has_day": mark("An inspection that is done needs its day."),
    "supervision_notice_closed_has_day": mark(
        "A closed notice needs its day, and only such a one."
    ),
    "issued_awaits_reply": mark("A notice with a reply is no longer only issued."),
    "supervision_notice_issued_has_day": mark("An issued notice needs the day of its issue."),
    "ground_of_a_failure": mark(
        "Handling that was in order, or outside the remit, shows no failure of duty. Leave the"
        " ground empty, or choose another severity."
    ),
    "finding_office_id_reference": mark(
        "A finding of this office has this number already. Look for that one."
    ),
    "notified_has_day": mark("A finding that the office was told of needs the day, and only such."),
    "received_has_day": mark("A finding that was received needs the day of it."),
    "received_by_whom": mark("Say when it was received and by whom: both or neither."),
    "finding_replied_has_day": mark("A finding that is replied to needs the reply, and only such."),
    "finding_claimed_has_day": mark(
        "A finding that the office says is done needs the day, and only such."
    ),
    "finding_closed_has_day": mark("A closed finding needs its day, and only such a one."),
    "draft_awaits_nothing": mark("The office must be told of a finding before it receives it."),
    "finding_reply_whole": mark(
        "A reply has its day, its officer, its words and the day that it commits to: all or none."
    ),
    "claim_whole": mark("A claim has its day, its officer and its words: all or none."),
    "verdict_whole": mark("A verdict has its day, its officer and its words: all or none."),
    "finding_sent_back_with_reason": mark(
        "What is not accepted has its day, the officer and what was missing: all or none."
    ),
    "postponed_forwards": mark("More time leads to a later day, never to an earlier one."),
    "days_in_order": mark(
        "The days must follow each other: told, received, replied, claimed, verified."
    ),
    "times_not_negative": mark("Nothing happens less than 0 times."),
    "repeats_another": mark("A finding cannot repeat itself. Choose an earlier one."),
    "asks_for_later": mark("Ask for a day after the one on which it is due."),
    "finding_postponement_one_open": mark(
        "More time was asked for already. Wait until that is decided."
    ),
    "notice_extension_one_open": mark(
        "More time was asked for already. Wait until that is decided."
    ),
    "closed_with_reason": mark("Say who closed it and why: both or neither."),
    "closed_by_another": mark("Somebody else than the one who replied closes it."),
    "numbered_in_series": mark("A number has its series and its place there: both or neither."),
    "number_when_issued": mark("A notice gets its number when it is issued, and not before."),
    "supervision_notice_replied_has_day": mark(
        "A notice that is replied to needs the reply's day."
    ),
    "reply_once_issued": mark("A notice is replied to once it is issued."),
    "reply_whole": mark("A reply has its day, its officer and its words: all or none."),
    # Reprimands (due process)
    "approval_of_a_name": mark("Naming is approved only where an official is named."),
    "checked_by_another": mark("Somebody else than the one who drafted it must check it."),
    "checked_by_whom": mark("Say when it was checked and by whom: both or neither."),
    "checked_has_day": mark("A reprimand that is past its draft needs the day of its check."),
    "circulated_has_day": mark("A circulated reprimand needs the day of its circulation."),
    "circulated_once_issued": mark("A reprimand is circulated once it is issued."),
    "decided_by_a_third": mark(
        "A reprimand is decided by a third officer, who neither drafted nor checked it."
    ),
    "reprimand_decided_by_whom": mark(
        "A decision needs its day, the officer who decided, what was decided and the reasons: all "
        "or none."
    ),
    "dropped_by_decision": mark("A reprimand is dropped by a decision to drop it, and only so."),
    "heard_before_decision": mark(
        "Nobody is reprimanded unheard: wait for the reply, or until its time is over."
    ),
    "in_order": mark(
        "The days must follow each other: checked, served, replied, decided, issued, circulated."
    ),
    "reprimand_issued_has_day": mark("An issued reprimand needs the day of its issue."),
    "issued_not_sent": mark("A reprimand that was circulated is no longer only issued."),
    "lifted_has_day": mark("A lifted reprimand needs its day, and only such a one."),
    "name_approved_by_another": mark("Somebody else than the drafter must approve the naming."),
    "name_is_approved": mark("An official is named only with the approval of a higher officer."),
    "named_with_reason": mark("To name an official takes a reason."),
    "nobody_in_own_cause": mark("Nobody drafts, checks, approves or decides in their own cause."),
    "numbered_at_issue": mark(
        "Number, issue and expiry come together, at the issue and not before."
    ),
    "quashed_has_day": mark("A quashed reprimand needs its day, and only such a one."),
    "quashed_with_reason": mark("To quash a reprimand takes a day and a reason."),
    "reprimand_replied_has_day": mark("A reprimand that is replied to needs the reply's day."),
    "reply_once_served": mark("A reprimand is replied to once it is served."),
    "served_has_day": mark("A served reprimand needs the day it was served."),
    "served_with_window": mark("To serve a reprimand takes a day and a date for the reply."),
    "seven_days_to_reply": mark("The office has at least 7 days to reply."),
    "frozen_whole": mark("Frozen evidence has its time, its copy and its SHA-256: all or none."),
    "rests_on_one_record": mark("Choose exactly one: a finding, a notice or a grievance."),
    "answered_by_another": mark("Somebody else than the one who replied must answer."),
    "answered_by_whom": mark("An answer has its words and its officer: both or neither."),
    "acknowledged_after_sending": mark("A circular cannot be acknowledged before it was sent."),
    "acknowledged_by_whom": mark("Say when it was acknowledged and by whom: both or neither."),
    "claimed_by_whom": mark("Say when it was claimed done and by whom: both or neither."),
    "claimed_has_day": mark("What the office claims to have done needs its day."),
    "reprimand_appeal_one_open": mark("An appeal against this reprimand is open already."),
    "answered_after_referral": mark("A referral cannot be answered before it was made."),
    "accountability_action_answered_has_day": mark("An answered referral needs the answer's day."),
    "answered_with_words": mark("An answer has its day and its words: both or neither."),
    "approved_by_another": mark("Somebody else than the drafter must approve it."),
    "heard_before_referral": mark("Hear the official before you refer the matter."),
    "referral_is_approved": mark("A referral takes the approval of another officer."),
    "referred_has_day": mark("A referral that was made needs its day."),
    "counts_up": mark("The last number cannot be below 0."),
    "form_has_number": mark("Write {number} where the number is to stand."),
    # Rhythm
    "joint_has_offices": mark(
        "A joint reception says which offices take part, and only such a one."
    ),
    "reception_day_overlap": mark("This leader receives the public in part of that time already."),
    "figures_not_negative": mark("Figures cannot be below 0."),
    "filed_by_whom": mark("Say when the return was filed and by whom: both or neither."),
    "filed_has_figures": mark("A return that is filed needs all of its figures."),
    "filed_has_time": mark("A return that is filed needs the time of its filing."),
    "nil_means_nothing_open": mark(
        "A nil return says that nothing is open. With a figure above 0 file an ordinary return."
    ),
    "not_its_own_correction": mark("A return cannot correct itself."),
    "daily_return_current": mark("This office has a return for that day. Correct it instead."),
    "at_most_a_day": mark("A shift lasts at most 24 hours."),
    "handed_over_with_note": mark("To hand a shift over takes a note."),
    "duty_shift_overlap": mark("This officer is on duty in part of that time already."),
    "a_share": mark("A share is from 0 to 100 per cent."),
    # Messages and mails
    "to_one": mark("It goes to one officer or to one office."),
    "sent_has_time": mark("A mail that was sent needs the time of it, and only such a one."),
    "handed_over_has_time": mark("A mail that was handed over needs the time of it."),
    "tries_not_negative": mark("Nothing is tried less than 0 times."),
    "message_lead_wanted_once": mark("They were told of it already."),
    "about_one": mark("A message is about one grievance, one finding or one notice."),
    "mailed_if_wanted": mark("Only what is to go out by mail has a mail."),
    # The system's own records
    "every_row_accounted_for": mark("The rows of an import must add up."),
    "shared_once": mark("Share it with an office or with a role, not with both."),
    "only_of_a_list": mark(
        "A saved view holds what stands after the ? in the address of a list, and nothing else."
    ),
    "finished_has_time": mark("An import that has ended needs the time of its end."),
}


def refusal(constraint: str, table: str) -> str | None:
    """Return the sentence for the `constraint` of `table` that refused a save; None where the
    rule has none of its own."""
    name = constraint.partition("_")[2]
    general = name.removeprefix(f"{table}_")
    return SENTENCES.get(name) or SENTENCES.get(general)

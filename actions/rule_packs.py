"""Rule packs as records: loading one that comes along, and choosing the one that is in use."""

from sqlalchemy import select, update

from models import RulePack, ServiceStandard, db
from rules import RuleBroken, Said, mark
from rules.deadlines import Rule
from rules.offices import DISTRICT, ClockStage, ClockStart
from rules.packs import Pack, Step

PER_MATTER = mark(
    "Each matter has days of its own: give its category a standard. %(days)s days or fewer are "
    "counted in working hours, %(hours)s for a day; more in working days with the first one."
)


def load(pack: Pack, *, calendar: str = DISTRICT) -> RulePack:
    """Write `pack` down as records; return them. What is there of it already is set to what the
    text says, and is another version then; standards that were added to it stay."""
    record = db.session.scalar(select(RulePack).where(RulePack.code == pack.key))
    record = record or RulePack(code=pack.key, calendar=calendar)
    allowance = pack.allowance
    record.name, record.edition, record.source = pack.name, pack.version, pack.source
    record.extension_authority = allowance.authority if allowance else None
    record.extension_most = allowance.most if allowance else None
    record.extension_same_again = bool(allowance and allowance.same_again)
    record.extension_unlimited = bool(allowance and not allowance.most and not allowance.same_again)
    record.extension_times = allowance.times if allowance else 1
    record.extension_tells = allowance.tells_complainant if allowance else True
    record.notes = "\n".join(_notes(pack)) or None
    db.session.add(record)
    query = select(ServiceStandard).where(ServiceStandard.pack == pack.key)
    known = {(one.stage, one.name): one for one in db.session.scalars(query)}
    for step in pack.steps.values():
        for matter, rule in _rules(step):
            standard = known.get((step.stage, rule.name)) or ServiceStandard(
                pack=pack.key, name=rule.name, stage=step.stage
            )
            _fill(standard, step, matter, rule)
            db.session.add(standard)
    db.session.flush()
    return record


def _rules(step: Step) -> list[tuple[str | None, Rule]]:
    if step.per_matter:
        return list(step.matters.items())
    return [(None, step.rule)] if step.rule else []


def _fill(standard: ServiceStandard, step: Step, matter: str | None, rule: Rule) -> None:
    standard.matter, standard.starts = matter, step.starts or ClockStart.RECEIVED
    standard.amount, standard.unit = rule.amount, rule.unit
    standard.counts_first_day, standard.rolls_forward = rule.counts_first_day, rule.rolls_forward
    standard.ends, standard.moves_start = rule.ends, rule.moves_start
    cut_off = rule.cut_off
    standard.cut_off_at = f"{cut_off.at:%H:%M}" if cut_off else None
    standard.cut_off_resumes = f"{cut_off.resumes:%H:%M}" if cut_off else None
    standard.legal_source = step.source[:300] or None


def _notes(pack: Pack) -> list[str]:
    """Return what the records of `pack` do not say: sources and why a stage has no time. It is
    kept as the text has it, in English or its own language."""
    notes = []
    for stage, step in pack.steps.items():
        words = [step.without, step.note, step.source if stage is ClockStage.EXTEND else ""]
        if step.per_matter and step.hours_up_to:
            words.append(
                str(Said(PER_MATTER, {"days": step.hours_up_to, "hours": step.hours_a_day}))
            )
        told = " ".join(word for word in words if word)
        if told:
            notes.append(f"{stage.value}: {told}")
    return notes


def use(record: RulePack) -> None:
    """Let the district's clocks run by `record` from now on; those that run keep their rules.
    Raises RuleBroken where it gives no time for anything."""
    count = select(ServiceStandard.id).where(ServiceStandard.pack == record.code).limit(1)
    if db.session.scalar(count) is None:
        raise RuleBroken("This rule pack has no standards yet. Give it one first.")
    db.session.execute(
        update(RulePack)
        .where(RulePack.is_in_use, RulePack.id != record.id)
        .values(is_in_use=False)
        .execution_options(synchronize_session="fetch")
    )
    record.is_in_use = True
    db.session.flush()

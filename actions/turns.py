"""Taking turns at a record: what every step of a life-cycle does before it looks at the state."""

from models import Record, db


def take_turns(record: Record) -> None:
    """Wait for whoever takes a step with the same record, and look at it anew then."""
    db.session.flush()
    db.session.refresh(record, with_for_update=True)

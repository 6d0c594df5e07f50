"""What is sent to the database, for tests that count it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event


@contextmanager
def statements() -> Iterator[list[str]]:
    """Collect the SQL statements of the block, without what only tests have: savepoints, and the
    return to the test's own role."""
    sent: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        only_tests = r"(SAVEPOINT|RELEASE|ROLLBACK)\b|SELECT set_config\('role', 'none'"
        if not re.match(only_tests, statement):
            sent.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", note)
